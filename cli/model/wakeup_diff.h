/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/model/wakeup_diff.h - two listings of wakeup sources compared
 */
#ifndef ROVE_CLI_MODEL_WAKEUP_DIFF_H
#define ROVE_CLI_MODEL_WAKEUP_DIFF_H

#include "cli/model/view.h"

extern const struct view wakeup_changes;

#endif
