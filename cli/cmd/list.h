/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/cmd/list.h - the listing of any noun
 */
#ifndef ROVE_CLI_CMD_LIST_H
#define ROVE_CLI_CMD_LIST_H

#include "cli/cmd/params.h"
#include "cli/collect/collect.h"

enum exit_code list_run(const struct collect_noun *noun, struct params *params);

#endif
