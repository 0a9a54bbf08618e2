/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/cmd/option.c - parse a command line by the table of options
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cmd/option.h"

#define MAX_OPTIONS 64
#define WORD 1			/* getopt_long's value for what is no option */
#define LONG_ONLY 256		/* values of getopt_long above every letter */

/* What getopt_long() needs, made from the table. */
struct getopt_tables {
	char letters[2 * MAX_OPTIONS + 3];
	struct option longs[MAX_OPTIONS + 1];
};

static void make_tables(struct getopt_tables *tables)
{
	char *letter = tables->letters;

	memset(tables, 0, sizeof(*tables));
	/* Words come in their order, whatever POSIXLY_CORRECT says. */
	*letter++ = '-';
	*letter++ = ':';	/* tell a missing argument from an unknown option */
	for (u32 i = 0; i < nr_option_rows; i++) {
		const struct option_row *row = &option_table[i];

		tables->longs[i] = (struct option){
			.name = row->name,
			.has_arg = row->arg ? required_argument : no_argument,
			.val = LONG_ONLY + (int)i,
		};
		if (!row->letter)
			continue;
		*letter++ = row->letter;
		if (row->arg)
			*letter++ = ':';
	}
}

static const struct option_row *row_of(int value)
{
	if (value >= LONG_ONLY)
		return &option_table[value - LONG_ONLY];
	for (u32 i = 0; i < nr_option_rows; i++)
		if (option_table[i].letter == value)
			return &option_table[i];
	return NULL;
}

static bool is_choice(const char *choices, const char *word)
{
	size_t len = strlen(word);

	if (!len || strchr(word, '|'))
		return false;
	for (const char *at = choices; at; at = strchr(at, '|')) {
		at += *at == '|';
		if (!strncmp(at, word, len) && (at[len] == '|' || !at[len]))
			return true;
	}
	return false;
}

static int parse_number(const struct option_row *row, const char *arg, u64 *ret_number,
			struct option_error *error)
{
	char *end;

	errno = 0;
	*ret_number = strtoull(arg, &end, 10);
	if (*arg < '0' || *arg > '9' || *end || errno || *ret_number < row->least ||
	    *ret_number > row->most) {
		snprintf(error->text, sizeof(error->text),
			 "'%.64s' is no whole number from %llu to %llu", arg,
			 (unsigned long long)row->least, (unsigned long long)row->most);
		return -EINVAL;
	}
	return 0;
}

static int parse_seconds(const char *arg, u64 *ret_ns, struct option_error *error)
{
	char *end;
	double seconds = strtod(arg, &end);

	/* The comparison is written so that NaN fails it. */
	if ((*arg != '.' && (*arg < '0' || *arg > '9')) || *end ||
	    !(seconds >= 0.001 && seconds <= 1e6)) {
		snprintf(error->text, sizeof(error->text),
			 "'%.64s' is no number of seconds from 0.001 to 1000000", arg);
		return -EINVAL;
	}
	*ret_ns = (u64)(seconds * 1e9);
	return 0;
}

static int parse_list(const char *arg, struct string_list *list, struct option_error *error)
{
	if (list->nr == MAX_REPEATS) {
		snprintf(error->text, sizeof(error->text), "given more than %d times",
			 MAX_REPEATS);
		return -EINVAL;
	}
	list->items[list->nr++] = arg;
	return 0;
}

static int parse_choice(const struct option_row *row, const char *arg, const char **ret_word,
			struct option_error *error)
{
	if (!is_choice(row->choices, arg)) {
		snprintf(error->text, sizeof(error->text), "'%.64s' is none of %s", arg,
			 row->choices);
		return -EINVAL;
	}
	*ret_word = arg;
	return 0;
}

static int store(const struct option_row *row, const char *arg, struct params *params,
		 struct option_error *error)
{
	void *member = (char *)params + row->offset;

	if (arg && !*arg) {
		snprintf(error->text, sizeof(error->text), "its argument is empty");
		return -EINVAL;
	}
	switch (row->kind) {
	case OPTION_FLAG:
		*(bool *)member = true;
		return 0;
	case OPTION_TEXT:
	case OPTION_WORD:
		*(const char **)member = arg;
		return 0;
	case OPTION_CHOICE:
		return parse_choice(row, arg, member, error);
	case OPTION_LIST:
		return parse_list(arg, member, error);
	case OPTION_NUMBER:
		return parse_number(row, arg, member, error);
	case OPTION_SECONDS:
		return parse_seconds(arg, member, error);
	}
	return -EINVAL;
}

/* "--s": getopt takes a beginning where only one option has it. */
static bool is_ambiguous(const char *word)
{
	u32 nr = 0;

	if (strncmp(word, "--", 2))
		return false;
	for (u32 i = 0; i < nr_option_rows; i++)
		nr += !strncmp(option_table[i].name, word + 2, strcspn(word + 2, "="));
	return nr > 1;
}

/* The option as it was written, for a message: getopt moves past it. */
static void refuse_option(int kind, char **argv, struct option_error *error)
{
	const char *what = kind == ':' ? "needs an argument" : "is not an option here";

	if (optopt >= LONG_ONLY) {
		snprintf(error->where, sizeof(error->where), "--%s",
			 option_table[optopt - LONG_ONLY].name);
		if (kind != ':')
			what = "takes no argument";
	} else if (optopt) {
		snprintf(error->where, sizeof(error->where), "-%c", optopt);
	} else {
		snprintf(error->where, sizeof(error->where), "%.60s", argv[optind - 1]);
		if (is_ambiguous(argv[optind - 1]))
			what = "is the beginning of more than one option";
	}
	snprintf(error->text, sizeof(error->text), "%s", what);
}

/**
 * option_wants_json - does this command line, right or wrong, ask for JSON
 *
 * For messages about the command line itself.
 *
 * Context: thread.
 */
bool option_wants_json(int argc, char **argv)
{
	struct getopt_tables tables;
	bool json = false, format = false;
	int value;

	make_tables(&tables);
	opterr = 0;
	optind = 0;
	while ((value = getopt_long(argc, argv, tables.letters, tables.longs, NULL)) != -1) {
		const struct option_row *row = value == '?' ? NULL : row_of(value);

		if (row && row->offset == offsetof(struct params, json))
			json = true;
		if (row && row->offset == offsetof(struct params, format))
			format = !strcmp(optarg, "json") || !strcmp(optarg, "ndjson");
	}
	return json || format;
}

static int parse_one(int value, char **argv, struct params *params, struct option_error *error)
{
	const struct option_row *row;

	if (value == WORD) {
		params->words[params->nr_words++] = optarg;
		return 0;
	}
	if (value == '?' || value == ':') {
		refuse_option(value, argv, error);
		return -EINVAL;
	}
	row = row_of(value);
	snprintf(error->where, sizeof(error->where), "--%s", row->name);
	return store(row, optarg, params, error);
}

/**
 * option_parse - read a command line
 * @ret_params: always set; ->words is to be freed and holds pointers into @argv
 * @ret_error:  what is wrong, on -EINVAL
 *
 * Context: may sleep.
 * Return:  0, -EINVAL or -ENOMEM.
 */
int option_parse(int argc, char **argv, struct params *ret_params, struct option_error *ret_error)
{
	struct getopt_tables tables;
	int value, err = 0;

	memset(ret_params, 0, sizeof(*ret_params));
	ret_params->words = calloc(argc + 1, sizeof(*ret_params->words));
	if (!ret_params->words)
		return -ENOMEM;
	make_tables(&tables);
	opterr = 0;
	optind = 0;
	while (!err &&
	       (value = getopt_long(argc, argv, tables.letters, tables.longs, NULL)) != -1)
		err = parse_one(value, argv, ret_params, ret_error);
	while (!err && optind < argc)
		ret_params->words[ret_params->nr_words++] = argv[optind++];
	return err;
}

/**
 * option_is_given - was this option on the command line
 *
 * Context: any.
 */
static bool option_is_given(const struct option_row *row, const struct params *params)
{
	const void *member = (const char *)params + row->offset;

	switch (row->kind) {
	case OPTION_FLAG:
		return *(const bool *)member;
	case OPTION_TEXT:
	case OPTION_WORD:
	case OPTION_CHOICE:
		return *(const char *const *)member;
	case OPTION_LIST:
		return ((const struct string_list *)member)->nr;
	case OPTION_NUMBER:
	case OPTION_SECONDS:
		return *(const u64 *)member;
	}
	return false;
}

/**
 * option_only_for_commands - an option that means nothing without a noun
 *
 * Context: any.
 * Return:  the first such option that was given, or NULL.
 */
const struct option_row *option_only_for_commands(const struct params *params)
{
	for (u32 i = 0; i < nr_option_rows; i++)
		if (!option_table[i].everywhere && option_is_given(&option_table[i], params))
			return &option_table[i];
	return NULL;
}

/**
 * option_is_for - may this option stand with a noun
 *
 * Context: any.
 */
bool option_is_for(const struct option_row *row, const char *noun)
{
	return !row->noun || !strcmp(row->noun, noun);
}

/**
 * option_of_other_noun - an option that means nothing for this noun
 *
 * Context: any.
 * Return:  the first such option that was given, or NULL.
 */
const struct option_row *option_of_other_noun(const struct params *params, const char *noun)
{
	for (u32 i = 0; i < nr_option_rows; i++)
		if (!option_is_for(&option_table[i], noun) &&
		    option_is_given(&option_table[i], params))
			return &option_table[i];
	return NULL;
}
