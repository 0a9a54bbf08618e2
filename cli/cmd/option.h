/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/cmd/option.h - the one table of options
 *
 * Parsing, --help, the completions and the check of the man pages all come from
 * it.  One letter means one thing in every command.
 *
 * Parsing is getopt_long(3) over that table and not argp: argp brings its own
 * layout of help, options and exit codes of its own, and reads an environment
 * variable, where our help, messages and codes are part of the contract.
 */
#ifndef ROVE_CLI_CMD_OPTION_H
#define ROVE_CLI_CMD_OPTION_H

#include "cli/cmd/params.h"

enum option_kind {
	OPTION_FLAG,		/* bool */
	OPTION_TEXT,		/* const char *, not empty */
	OPTION_WORD,		/* the same; which of ->choices there are depends on the noun */
	OPTION_CHOICE,		/* const char *, one of ->choices */
	OPTION_LIST,		/* struct string_list, may be repeated */
	OPTION_NUMBER,		/* u64 from ->least to ->most */
	OPTION_SECONDS,		/* u64 ns from a decimal number of seconds */
};

enum option_group { GROUP_GENERAL, GROUP_OUTPUT, GROUP_SELECT, GROUP_SOURCE, NR_OPTION_GROUPS };

struct option_row {
	char letter;		/* 0: only the long form */
	const char *name;
	const char *arg;	/* what help calls its argument; NULL: it takes none */
	enum option_kind kind;
	enum option_group group;
	size_t offset;		/* in struct params */
	const char *choices;	/* "a|b|c" */
	u64 least, most;
	bool everywhere;	/* also without a noun */
	const char *noun;	/* only for this one; NULL: for all */
	const char *help;
};

extern const struct option_row option_table[];
extern const u32 nr_option_rows;
extern const char *const option_group_names[NR_OPTION_GROUPS];

/* What was wrong with the command line. */
struct option_error {
	char where[64];		/* "--sort" */
	char text[192];
};

bool option_wants_json(int argc, char **argv);
int option_parse(int argc, char **argv, struct params *ret_params, struct option_error *ret_error);
const struct option_row *option_only_for_commands(const struct params *params);
const struct option_row *option_of_other_noun(const struct params *params, const char *noun);
bool option_is_for(const struct option_row *row, const char *noun);

#endif
