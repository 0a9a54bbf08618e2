/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/cmd/wakeup.c - rove wakeup list
 */
#include "cli/cmd/command.h"
#include "cli/cmd/list.h"

/**
 * run_wakeup_list - list wakeup sources
 *
 * Context: may sleep.
 * Return:  the exit code of the process.
 */
enum exit_code run_wakeup_list(struct params *params)
{
	return list_run(&collect_wakeup, params);
}
