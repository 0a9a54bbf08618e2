/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/cmd/params.h - what a command was asked for
 */
#ifndef ROVE_CLI_CMD_PARAMS_H
#define ROVE_CLI_CMD_PARAMS_H

#include "base/types.h"

enum exit_code {
	EXIT_COMPLETE = 0,
	EXIT_RUNTIME = 1,
	EXIT_USAGE = 2,
	EXIT_NOT_AVAILABLE = 3,
	EXIT_PARTIAL = 4,
	EXIT_REJECTED = 5,
	EXIT_DENIED = 6,
	EXIT_DIFFERENT = 10,
};

#define MAX_REPEATS 32

/* The arguments of an option that may be given more than once, in their order. */
struct string_list {
	const char *items[MAX_REPEATS];
	u32 nr;
};

/* One member for each option; NULL, 0 and false where it was not given. */
struct params {
	char **words;		/* what is no option: noun, verb, patterns */
	u32 nr_words;

	bool help, version, verbose, quiet;
	const char *completion;

	bool json, pretty;
	const char *format;
	struct string_list columns;
	bool no_headings, bytes, human;
	const char *color;

	const char *sort;
	u64 top;
	struct string_list filters;
	bool active, growing;
	u64 pid;
	char **patterns;
	u32 nr_patterns;

	u64 interval_ns;
	u64 count;

	const char *source;
	u64 sample;
	u64 max_objects;
	u64 budget_ms;
	const char *write_file, *read_file;
};

#endif
