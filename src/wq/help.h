/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/help.h - who waits for a work runs it
 */
#ifndef ROVE_WQ_HELP_H
#define ROVE_WQ_HELP_H

#include "wq/worker.h"

int help_instead(struct shard *s, struct rove_work *work);
bool help_with(struct rove_work *work);
bool help_uses(const struct worker *w);
u32 help_with_many(struct rove_work *const *works, size_t nr);

#endif
