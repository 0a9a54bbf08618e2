/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/poll.h - a worker keeps looking for works for as long as its queues ask for
 */
#ifndef ROVE_WQ_POLL_H
#define ROVE_WQ_POLL_H

#include "wq/worker.h"

bool poll_begin(struct worker *w);
bool poll_for_works(struct worker *w);

#endif
