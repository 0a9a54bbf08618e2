/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/cmd/command.h - the commands there are
 */
#ifndef ROVE_CLI_CMD_COMMAND_H
#define ROVE_CLI_CMD_COMMAND_H

#include <stdio.h>

#include "cli/cmd/params.h"
#include "cli/collect/collect.h"
#include "cli/model/view.h"

struct command {
	const char *noun;
	const char *verb;
	bool is_default;	/* the verb may be left out */
	const char *help;
	const struct collect_noun *collect;	/* what there is to list */
	const struct view *view;		/* NULL: as it was collected */
	const char *words;	/* what help calls the words after it; NULL: patterns */
	enum exit_code (*run)(const struct command *command, struct params *params);
};

extern const struct command command_table[];
extern const u32 nr_commands;

enum exit_code run_list(const struct command *command, struct params *params);
enum exit_code run_diff(const struct command *command, struct params *params);

enum exit_code command_main(int argc, char **argv);
void help_print(FILE *fp, const struct command *command);
int completion_print(FILE *fp, const char *shell);

/* The noun whose columns -o, -s and -F name. */
static inline const struct noun *command_rows(const struct command *command)
{
	return command->view ? command->view->noun : command->collect->noun;
}

#endif
