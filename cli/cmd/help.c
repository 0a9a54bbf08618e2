/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/cmd/help.c - --help, from the table of options
 */
#include "cli/cmd/command.h"
#include "cli/cmd/option.h"
#include "cli/collect/collect.h"
#include "cli/out/out.h"

#define OPTION_WIDTH 28

static void print_option(FILE *fp, const struct option_row *row)
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
		fprintf(fp, "%*s  %s\n", OPTION_WIDTH, "", row->choices);
}

static void print_options(FILE *fp, bool everywhere_only)
{
	for (u32 group = 0; group < NR_OPTION_GROUPS; group++) {
		bool any = false;

		for (u32 i = 0; i < nr_option_rows; i++) {
			const struct option_row *row = &option_table[i];

			if (row->group != group || (everywhere_only && !row->everywhere))
				continue;
			if (!any)
				fprintf(fp, "\n%s:\n", option_group_names[group]);
			any = true;
			print_option(fp, row);
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

static void print_formats(FILE *fp)
{
	fputs("\nFormats:\n", fp);
	for (u32 i = 0; i < nr_out_formats; i++)
		fprintf(fp, "  %-10s %s\n", out_formats[i]->name, out_formats[i]->help);
}

static void print_exit_codes(FILE *fp)
{
	fputs("\nExit status: 0 complete, 1 error, 2 usage, 3 not available here, 4 partial,\n"
	      "5 rejected by a verifier, 6 permission denied.\n", fp);
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
		fprintf(fp, "Usage: rove %s [%s] [OPTIONS] [PATTERN...]\n\n%s.\n", command->noun,
			command->verb, command->help);
		fputs("A PATTERN is a glob on the name; any of several may match.\n", fp);
		print_options(fp, false);
		print_sources(fp, &collect_wakeup);
		print_formats(fp);
	} else {
		fputs("Usage: rove NOUN [VERB] [OPTIONS] [PATTERN...]\n\nCommands:\n", fp);
		for (u32 i = 0; i < nr_commands; i++)
			fprintf(fp, "  %s %-10s %s\n", command_table[i].noun,
				command_table[i].verb, command_table[i].help);
		print_options(fp, true);
		fputs("\nrove NOUN --help shows the options of a noun.\n", fp);
	}
	print_exit_codes(fp);
}
