/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/cmd/completion.c - completions for shells, from the table of options
 */
#include <errno.h>
#include <string.h>

#include "cli/cmd/command.h"
#include "cli/cmd/option.h"
#include "cli/model/wakeup.h"

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

static void put_choices(FILE *fp, const char *choices, char between)
{
	for (; *choices; choices++)
		fputc(*choices == '|' ? between : *choices, fp);
}

static void put_columns(FILE *fp)
{
	for (u32 i = 0; i < wakeup_noun.nr_columns; i++)
		fprintf(fp, "%s%s", i ? " " : "", wakeup_noun.columns[i].json);
}

static bool takes_columns(const struct option_row *row)
{
	return row->offset == offsetof(struct params, columns) ||
	       row->offset == offsetof(struct params, sort);
}

static bool takes_file(const struct option_row *row)
{
	return row->offset == offsetof(struct params, write_file) ||
	       row->offset == offsetof(struct params, read_file);
}

/* --- bash ---------------------------------------------------------------------------------- */

static void bash_option_case(FILE *fp, const struct option_row *row)
{
	if (row->letter)
		fprintf(fp, "\t-%c|", row->letter);
	else
		fputc('\t', fp);
	fprintf(fp, "--%s) ", row->name);
	if (row->choices) {
		fputs("COMPREPLY=($(compgen -W \"", fp);
		put_choices(fp, row->choices, ' ');
		fputs("\" -- \"$cur\"))", fp);
	} else if (takes_columns(row)) {
		fputs("COMPREPLY=($(compgen -W \"", fp);
		put_columns(fp);
		fputs(row->kind == OPTION_LIST ? " help" : "", fp);
		fputs("\" -- \"$cur\"))", fp);
	} else if (takes_file(row)) {
		fputs("COMPREPLY=($(compgen -f -- \"$cur\"))", fp);
	} else {
		fputs("COMPREPLY=()", fp);
	}
	fputs("; return ;;\n", fp);
}

static void bash_words(FILE *fp)
{
	fputs("\tif [[ $cur == -* ]]; then\n\t\tCOMPREPLY=($(compgen -W \"", fp);
	for (u32 i = 0; i < nr_option_rows; i++) {
		const struct option_row *row = &option_table[i];

		if (row->letter)
			fprintf(fp, "-%c ", row->letter);
		fprintf(fp, "--%s ", row->name);
	}
	fputs("\" -- \"$cur\"))\n\t\treturn\n\tfi\n\tcase ${COMP_WORDS[1]} in\n", fp);
	for (u32 i = 0; i < nr_commands; i++) {
		if (!is_first_of_noun(i))
			continue;
		fprintf(fp, "\t%s) COMPREPLY=($(compgen -W \"", command_table[i].noun);
		put_verbs(fp, command_table[i].noun);
		fputs("\" -- \"$cur\")) ;;\n", fp);
	}
	fputs("\t*) COMPREPLY=($(compgen -W \"", fp);
	put_nouns(fp);
	fputs("\" -- \"$cur\")) ;;\n\tesac\n", fp);
}

static void put_bash(FILE *fp)
{
	fputs("# bash completion for rove; made by rove --completion bash\n"
	      "_rove() {\n\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
	      "\tCOMPREPLY=()\n\tcase $prev in\n", fp);
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
	if (row->choices || takes_columns(row)) {
		fputc('(', fp);
		if (row->choices)
			put_choices(fp, row->choices, ' ');
		else
			put_columns(fp);
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
	      "_rove() {\n\t_arguments -s \\\n", fp);
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
	fputs(")' \\\n\t\t'2:verb or pattern:(", fp);
	put_verbs(fp, command_table[0].noun);
	fputs(")' \\\n\t\t'*:pattern:'\n}\n_rove \"$@\"\n", fp);
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

static void fish_option(FILE *fp, const struct option_row *row)
{
	fputs("complete -c rove", fp);
	if (row->letter)
		fprintf(fp, " -s %c", row->letter);
	fprintf(fp, " -l %s", row->name);
	if (row->arg)
		fputs(takes_file(row) ? " -r -F" : " -x", fp);
	if (row->choices || takes_columns(row)) {
		fputs(" -a '", fp);
		if (row->choices)
			put_choices(fp, row->choices, ' ');
		else
			put_columns(fp);
		fputc('\'', fp);
	}
	fputs(" -d '", fp);
	fish_text(fp, row->help);
	fputs("'\n", fp);
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
	for (u32 i = 0; i < nr_option_rows; i++)
		fish_option(fp, &option_table[i]);
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
