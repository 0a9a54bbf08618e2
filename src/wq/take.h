/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/take.h - works change from a shard to a worker, and back
 */
#ifndef ROVE_WQ_TAKE_H
#define ROVE_WQ_TAKE_H

#include "wq/worker.h"

/* Works that take less than so much together are not worth another worker. */
#define WORTH_WAKING_NS 5000

enum take_result {
	TAKE_NONE,	/* there was nothing */
	TAKE_SOME,	/* the worker has a batch and a token */
	TAKE_STARVED,	/* there are works, but no token */
};

enum take_result shard_take(struct shard *s, struct worker *w);
void shard_left_locked(struct shard *s, u32 nr);
void worker_board_locked(struct worker *w, struct shard *s);
void shard_begin_locked(struct shard *s, u32 nr);
void shard_land(struct shard *s, u32 color, u32 nr);

/* A work that is taken back, or must wait, goes to the front again. */
void shard_return(struct shard *s, struct rove_work *work, u32 color);

#endif
