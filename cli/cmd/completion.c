/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/cmd/completion.c - completions for shells, from the table of options
 */
#include <errno.h>
#include <string.h>

#include "cli/cmd/command.h"
#include "cli/cmd/option.h"
#include "cli/out/out.h"

static bool is_first_of_noun(u32 i)
{
	return !i || strcmp(command_table[i].noun, command_table[i - 1].noun);
}

static void put_nouns(FILE *fp)
{
	for (u32 i = 0; i < nr_commands; i++)
		if (is_first_of_noun(i))
			fprintf(fp, "%s%s", i ? " " : "", command_table[i].noun);
}

static void put_verbs(FILE *fp, const char *noun)
{
	const char *between = "";

	for (u32 i = 0; i < nr_commands; i++) {
		if (strcmp(command_table[i].noun, noun))
			continue;
		fprintf(fp, "%s%s", between, command_table[i].verb);
		between = " ";
	}
}

static bool verb_is_repeated(u32 command)
{
	for (u32 i = 0; i < command; i++)
		if (command_table[i].words &&
		    !strcmp(command_table[i].verb, command_table[command].verb))
			return true;
	return false;
}

/* The verbs behind which no patterns stand, but files. */
static void put_file_verbs(FILE *fp, const char *between)
{
	const char *before = "";

	for (u32 i = 0; i < nr_commands; i++) {
		if (!command_table[i].words || verb_is_repeated(i))
			continue;
		fprintf(fp, "%s%s", before, command_table[i].verb);
		before = between;
	}
}

static void put_choices(FILE *fp, const char *choices, char between)
{
	for (; *choices; choices++)
		fputc(*choices == '|' ? between : *choices, fp);
}

static bool has_column(const struct noun *rows, u32 nr_columns, const char *json)
{
	for (u32 i = 0; i < nr_columns; i++)
		if (!strcmp(rows->columns[i].json, json))
			return true;
	return false;
}

/* Was this column in an earlier command of the same noun? */
static bool is_repeated(u32 command, const char *json)
{
	for (u32 i = 0; i < command; i++)
		if (!strcmp(command_table[i].noun, command_table[command].noun) &&
		    has_column(command_rows(&command_table[i]),
			       command_rows(&command_table[i])->nr_columns, json))
			return true;
	return false;
}

/* The columns of every verb of a noun. */
static void put_columns(FILE *fp, const char *noun)
{
	const char *between = "";

	for (u32 i = 0; i < nr_commands; i++) {
		const struct noun *rows = command_rows(&command_table[i]);

		for (u32 k = 0; k < rows->nr_columns; k++) {
			const char *json = rows->columns[k].json;

			if (strcmp(command_table[i].noun, noun) || is_repeated(i, json))
				continue;
			fprintf(fp, "%s%s", between, json);
			between = " ";
		}
	}
}

static void put_sources(FILE *fp, const struct collect_noun *noun)
{
	fputs("auto", fp);
	for (u32 i = 0; i < noun->nr_sources; i++)
		if (noun->sources[i] != &file_source)
			fprintf(fp, " %s", noun->sources[i]->name);
}

static void put_formats(FILE *fp, const struct noun *rows)
{
	const char *between = "";

	for (u32 i = 0; i < nr_out_formats; i++) {
		if (!out_format_fits(out_formats[i], rows))
			continue;
		fprintf(fp, "%s%s", between, out_formats[i]->name);
		between = " ";
	}
}

static bool takes_columns(const struct option_row *row)
{
	return row->offset == offsetof(struct params, columns) ||
	       row->offset == offsetof(struct params, sort);
}

static bool takes_source(const struct option_row *row)
{
	return row->offset == offsetof(struct params, source);
}

static bool takes_format(const struct option_row *row)
{
	return row->offset == offsetof(struct params, format);
}

static bool takes_file(const struct option_row *row)
{
	return row->offset == offsetof(struct params, write_file) ||
	       row->offset == offsetof(struct params, read_file);
}

/* Of a noun, in the words of a shell that bash and zsh both understand. */
static void put_variables(FILE *fp, const struct command *command)
{
	fputs("sources='", fp);
	put_sources(fp, command->collect);
	fputs("' formats='", fp);
	put_formats(fp, command_rows(command));
	fputs("' columns='", fp);
	put_columns(fp, command->noun);
	fputs("' verbs='", fp);
	put_verbs(fp, command->noun);
	fputs("'", fp);
}

static void put_nouns_case(FILE *fp, const char *word)
{
	fprintf(fp, "\tcase %s in\n", word);
	for (u32 i = 0; i < nr_commands; i++) {
		if (!is_first_of_noun(i))
			continue;
		fprintf(fp, "\t%s) ", command_table[i].noun);
		put_variables(fp, &command_table[i]);
		fputs(" ;;\n", fp);
	}
	fputs("\tesac\n", fp);
}

/* --- bash ---------------------------------------------------------------------------------- */

static void bash_option_case(FILE *fp, const struct option_row *row)
{
	if (row->letter)
		fprintf(fp, "\t-%c|", row->letter);
	else
		fputc('\t', fp);
	fprintf(fp, "--%s) ", row->name);
	if (takes_source(row) || takes_format(row) || takes_columns(row)) {
		fprintf(fp, "COMPREPLY=($(compgen -W \"$%s%s\" -- \"$cur\"))",
			takes_source(row) ? "sources" : takes_format(row) ? "formats" : "columns",
			row->kind == OPTION_LIST ? " help" : "");
	} else if (row->choices) {
		fputs("COMPREPLY=($(compgen -W \"", fp);
		put_choices(fp, row->choices, ' ');
		fputs("\" -- \"$cur\"))", fp);
	} else if (takes_file(row)) {
		fputs("COMPREPLY=($(compgen -f -- \"$cur\"))", fp);
	} else {
		fputs("COMPREPLY=()", fp);
	}
	fputs("; return ;;\n", fp);
}

/* Options of one noun only, @noun; or those of all, NULL. */
static void bash_options(FILE *fp, const char *noun)
{
	for (u32 i = 0; i < nr_option_rows; i++) {
		const struct option_row *row = &option_table[i];

		if (noun ? !row->noun || strcmp(row->noun, noun) : !!row->noun)
			continue;
		if (row->letter)
			fprintf(fp, "-%c ", row->letter);
		fprintf(fp, "--%s ", row->name);
	}
}

static void bash_words(FILE *fp)
{
	fputs("\tif [[ $cur == -* ]]; then\n\t\tlocal options=\"", fp);
	bash_options(fp, NULL);
	fputs("\"\n\t\tcase ${COMP_WORDS[1]} in\n", fp);
	for (u32 i = 0; i < nr_commands; i++) {
		if (!is_first_of_noun(i))
			continue;
		fprintf(fp, "\t\t%s) options+=\"", command_table[i].noun);
		bash_options(fp, command_table[i].noun);
		fputs("\" ;;\n", fp);
	}
	fputs("\t\tesac\n\t\tCOMPREPLY=($(compgen -W \"$options\" -- \"$cur\"))\n"
	      "\t\treturn\n\tfi\n"
	      "\tif [[ $COMP_CWORD -gt 2 && ${COMP_WORDS[2]} == @(", fp);
	put_file_verbs(fp, "|");
	fputs(") ]]; then\n\t\tCOMPREPLY=($(compgen -f -- \"$cur\"))\n\t\treturn\n\tfi\n"
	      "\tCOMPREPLY=($(compgen -W \"$verbs\" -- \"$cur\"))\n", fp);
}

static void put_bash(FILE *fp)
{
	fputs("# bash completion for rove; made by rove --completion bash\n"
	      "_rove() {\n\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
	      "\tlocal sources formats columns verbs='", fp);
	put_nouns(fp);
	fputs("'\n\tCOMPREPLY=()\n", fp);
	put_nouns_case(fp, "${COMP_WORDS[1]}");
	fputs("\tcase $prev in\n", fp);
	for (u32 i = 0; i < nr_option_rows; i++)
		if (option_table[i].arg)
			bash_option_case(fp, &option_table[i]);
	fputs("\tesac\n", fp);
	bash_words(fp);
	fputs("}\ncomplete -F _rove rove\n", fp);
}

/* --- zsh ----------------------------------------------------------------------------------- */

/* Text inside '...' and [...]: those three characters end it or are read by _arguments. */
static void zsh_text(FILE *fp, const char *text)
{
	for (; *text; text++) {
		if (strchr("[]:\\", *text))
			fputc('\\', fp);
		if (*text == '\'')
			fputs("'\\''", fp);
		else
			fputc(*text, fp);
	}
}

static void zsh_argument(FILE *fp, const struct option_row *row)
{
	if (!row->arg)
		return;
	fputc(':', fp);
	zsh_text(fp, row->arg);
	fputc(':', fp);
	if (takes_source(row) || takes_format(row) || takes_columns(row)) {
		fprintf(fp, "{compadd -- ${=%s}}",
			takes_source(row) ? "sources" : takes_format(row) ? "formats" : "columns");
	} else if (row->choices) {
		fputc('(', fp);
		put_choices(fp, row->choices, ' ');
		fputc(')', fp);
	} else if (takes_file(row)) {
		fputs("_files", fp);
	}
}

static void zsh_spec(FILE *fp, const struct option_row *row, const char *option)
{
	fprintf(fp, "\t\t'%s%s[", row->kind == OPTION_LIST ? "*" : "", option);
	zsh_text(fp, row->help);
	fputc(']', fp);
	zsh_argument(fp, row);
	fputs("' \\\n", fp);
}

static void put_zsh(FILE *fp)
{
	fputs("#compdef rove\n# zsh completion for rove; made by rove --completion zsh\n"
	      "_rove() {\n\tlocal sources formats columns verbs\n", fp);
	put_nouns_case(fp, "$words[2]");
	fputs("\t_arguments -s \\\n", fp);
	for (u32 i = 0; i < nr_option_rows; i++) {
		const struct option_row *row = &option_table[i];
		char option[64];

		snprintf(option, sizeof(option), "--%s", row->name);
		zsh_spec(fp, row, option);
		snprintf(option, sizeof(option), "-%c", row->letter);
		if (row->letter)
			zsh_spec(fp, row, option);
	}
	fputs("\t\t'1:noun:(", fp);
	put_nouns(fp);
	fputs(")' \\\n\t\t'2:verb or pattern:{compadd -- ${=verbs}}' \\\n"
	      "\t\t'*:pattern:{[[ $words[3] == (", fp);
	put_file_verbs(fp, "|");
	fputs(") ]] && _files}'\n}\n_rove \"$@\"\n", fp);
}

/* --- fish ---------------------------------------------------------------------------------- */

static void fish_text(FILE *fp, const char *text)
{
	for (; *text; text++) {
		if (*text == '\'' || *text == '\\')
			fputc('\\', fp);
		fputc(*text, fp);
	}
}

/* @command: NULL: what is the same for every noun. */
static void fish_option(FILE *fp, const struct option_row *row, const struct command *command)
{
	fputs("complete -c rove", fp);
	if (row->letter)
		fprintf(fp, " -s %c", row->letter);
	fprintf(fp, " -l %s", row->name);
	if (command)
		fprintf(fp, " -n '__fish_seen_subcommand_from %s'", command->noun);
	if (row->arg)
		fputs(takes_file(row) ? " -r -F" : " -x", fp);
	if (row->choices || takes_columns(row)) {
		fputs(" -a '", fp);
		if (takes_columns(row))
			put_columns(fp, command->noun);
		else if (takes_source(row))
			put_sources(fp, command->collect);
		else if (takes_format(row))
			put_formats(fp, command_rows(command));
		else
			put_choices(fp, row->choices, ' ');
		fputc('\'', fp);
	}
	fputs(" -d '", fp);
	fish_text(fp, row->help);
	fputs("'\n", fp);
}

static void fish_options(FILE *fp, const struct option_row *row)
{
	if (!row->noun && !takes_columns(row) && !takes_source(row) && !takes_format(row)) {
		fish_option(fp, row, NULL);
		return;
	}
	for (u32 i = 0; i < nr_commands; i++)
		if (is_first_of_noun(i) && option_is_for(row, command_table[i].noun))
			fish_option(fp, row, &command_table[i]);
}

static void put_fish(FILE *fp)
{
	fputs("# fish completion for rove; made by rove --completion fish\n"
	      "complete -c rove -f\ncomplete -c rove -n __fish_use_subcommand -a '", fp);
	put_nouns(fp);
	fputs("'\n", fp);
	for (u32 i = 0; i < nr_commands; i++)
		fprintf(fp, "complete -c rove -n '__fish_seen_subcommand_from %s' -a %s\n",
			command_table[i].noun, command_table[i].verb);
	fputs("complete -c rove -F -n '__fish_seen_subcommand_from ", fp);
	put_file_verbs(fp, " ");
	fputs("'\n", fp);
	for (u32 i = 0; i < nr_option_rows; i++)
		fish_options(fp, &option_table[i]);
}

static const struct { const char *shell; void (*put)(FILE *fp); } shells[] = {
	{ "bash", put_bash }, { "zsh", put_zsh }, { "fish", put_fish },
};

/**
 * completion_print - the completions for a shell
 *
 * Context: may sleep.
 * Return:  0, or -ENOENT: not for that shell.
 */
int completion_print(FILE *fp, const char *shell)
{
	for (u32 i = 0; i < ARRAY_SIZE(shells); i++) {
		if (strcmp(shells[i].shell, shell))
			continue;
		shells[i].put(fp);
		return 0;
	}
	return -ENOENT;
}
