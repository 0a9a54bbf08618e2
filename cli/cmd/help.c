/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/cmd/help.c - --help, from the table of options
 */
#include <string.h>

#include "cli/cmd/command.h"
#include "cli/cmd/option.h"
#include "cli/collect/collect.h"
#include "cli/out/out.h"

#define OPTION_WIDTH 28
#define COMMAND_WIDTH 18

/* What may stand behind --source or --format with this command; else the option's own. */
static void print_choices(FILE *fp, const struct option_row *row, const struct command *command)
{
	const char *between = "";

	fprintf(fp, "%*s  ", OPTION_WIDTH, "");
	if (command && row->offset == offsetof(struct params, source)) {
		fputs("auto", fp);
		for (u32 i = 0; i < command->collect->nr_sources; i++)
			if (command->collect->sources[i] != &file_source)
				fprintf(fp, "|%s", command->collect->sources[i]->name);
	} else if (command && row->offset == offsetof(struct params, format)) {
		for (u32 i = 0; i < nr_out_formats; i++) {
			if (!out_format_fits(out_formats[i], command_rows(command)))
				continue;
			fprintf(fp, "%s%s", between, out_formats[i]->name);
			between = "|";
		}
	} else {
		fputs(row->choices, fp);
	}
	fputc('\n', fp);
}

static void print_option(FILE *fp, const struct option_row *row, const struct command *command)
{
	char left[64];
	int len;

	len = snprintf(left, sizeof(left), "  %c%c%c --%s%s%s", row->letter ? '-' : ' ',
		       row->letter ? row->letter : ' ', row->letter ? ',' : ' ', row->name,
		       row->arg ? " " : "", row->arg ? row->arg : "");
	if (len > OPTION_WIDTH)
		fprintf(fp, "%s\n%*s  %s\n", left, OPTION_WIDTH, "", row->help);
	else
		fprintf(fp, "%-*s  %s\n", OPTION_WIDTH, left, row->help);
	if (row->choices)
		print_choices(fp, row, command);
}

/* @command: NULL: the options that stand without one. */
static void print_options(FILE *fp, const struct command *command)
{
	for (u32 group = 0; group < NR_OPTION_GROUPS; group++) {
		bool any = false;

		for (u32 i = 0; i < nr_option_rows; i++) {
			const struct option_row *row = &option_table[i];

			if (row->group != group ||
			    (command ? !option_is_for(row, command->noun) : !row->everywhere))
				continue;
			if (!any)
				fprintf(fp, "\n%s:\n", option_group_names[group]);
			any = true;
			print_option(fp, row, command);
		}
	}
}

static void print_sources(FILE *fp, const struct collect_noun *noun)
{
	fputs("\nSources; auto takes the first of those marked * that is to be had:\n", fp);
	for (u32 i = 0; i < noun->nr_sources; i++)
		fprintf(fp, "%c %-10s %s\n", noun->sources[i]->automatic ? '*' : ' ',
			noun->sources[i]->name, noun->sources[i]->help);
}

static void print_formats(FILE *fp, const struct noun *rows)
{
	fputs("\nFormats:\n", fp);
	for (u32 i = 0; i < nr_out_formats; i++)
		if (out_format_fits(out_formats[i], rows))
			fprintf(fp, "  %-10s %s\n", out_formats[i]->name, out_formats[i]->help);
}

/* @noun: NULL: all of them. */
static void print_commands(FILE *fp, const char *noun)
{
	for (u32 i = 0; i < nr_commands; i++) {
		const struct command *command = &command_table[i];
		char words[64];

		if (noun && strcmp(command->noun, noun))
			continue;
		snprintf(words, sizeof(words), "%s %s", command->noun, command->verb);
		fprintf(fp, "  %-*s %s\n", COMMAND_WIDTH, words, command->help);
	}
}

static void print_exit_codes(FILE *fp)
{
	fputs("\nExit status: 0 complete, 1 error, 2 usage, 3 not available here, 4 partial,\n"
	      "5 rejected by a verifier, 6 permission denied, 10 differences found.\n", fp);
}

/**
 * help_print - what there is, for people
 * @command: NULL: for the program as a whole
 *
 * Context: may sleep.
 */
void help_print(FILE *fp, const struct command *command)
{
	if (command) {
		fprintf(fp, command->is_default ? "Usage: rove %s [%s] [OPTIONS] %s\n\n%s.\n" :
			"Usage: rove %s %s [OPTIONS] %s\n\n%s.\n", command->noun, command->verb,
			command->words ? command->words : "[PATTERN...]", command->help);
		if (!command->words)
			fprintf(fp, "A PATTERN is a glob on %s; any of several may match.\n",
				command_rows(command)->key);
		fputs("\nVerbs:\n", fp);
		print_commands(fp, command->noun);
		print_options(fp, command);
		print_sources(fp, command->collect);
		print_formats(fp, command_rows(command));
	} else {
		fputs("Usage: rove NOUN [VERB] [OPTIONS] [PATTERN...]\n\nCommands:\n", fp);
		print_commands(fp, NULL);
		print_options(fp, NULL);
		fputs("\nrove NOUN --help shows the options of a noun.\n", fp);
	}
	print_exit_codes(fp);
}
