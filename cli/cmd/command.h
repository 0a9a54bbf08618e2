/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/cmd/command.h - the commands there are
 */
#ifndef ROVE_CLI_CMD_COMMAND_H
#define ROVE_CLI_CMD_COMMAND_H

#include <stdio.h>

#include "cli/cmd/params.h"

struct command {
	const char *noun;
	const char *verb;
	bool is_default;	/* the verb may be left out */
	const char *help;
	enum exit_code (*run)(struct params *params);
};

extern const struct command command_table[];
extern const u32 nr_commands;

enum exit_code run_wakeup_list(struct params *params);

enum exit_code command_main(int argc, char **argv);
void help_print(FILE *fp, const struct command *command);
int completion_print(FILE *fp, const char *shell);

#endif
