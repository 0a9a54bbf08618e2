/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/poll.h - a worker keeps looking for works for as long as its queues ask for
 */
#ifndef ROVE_WQ_POLL_H
#define ROVE_WQ_POLL_H

#include "wq/worker.h"

bool poll_begin(struct worker *w);
bool poll_for_works(struct worker *w);
void poll_took(struct worker *w);

/* Works come one by one if this is more than their mean number in a batch, times POLL_BATCH_ONE. */
#define POLL_BATCH_ONE 64u

void poll_note_batch_locked(struct shard *s, const struct worker *w);
void poll_hand_over(void);
void poll_prepare(void);

#endif
