/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/active.h - how many works of a queue run at the same time
 *
 * A lane is a queue's share in a pool.  It has as many tokens as works of it may run;
 * who runs works of it, one after the other, holds one.  Tokens lie with the shards,
 * where taking one costs nothing, and the rest with the lane.
 *
 * Invariant: lane.spare + the tokens of its shards + those held = lane.max_active.
 *            A shard that is starved has its lane's nr_starved counted, and is woken
 *            by the next token that is put back.
 *            A lane that its queue has left is freed when nobody has a token of it, or is
 *            putting one back: not in worker.lane, nor counted by token_put_parked().
 * Ordering:  lane.leave -> lane.reap, token.put -> token.get, token.starve (docs/memory-model.md).
 */
#ifndef ROVE_WQ_ACTIVE_H
#define ROVE_WQ_ACTIVE_H

#include "wq/shard.h"

/*
 * I  set before the lane is visible, never changed while it is used
 * A  atomic; the ORDER tag at each access says why
 * C  under the lock of the queue's configuration
 */
struct lane {
	s32			spare;		/* A: tokens with no shard; negative: owed */
	u32			nr_starved;	/* A: shards with works and without a token */
	u32			keep;		/* A: tokens that stay with a shard */
	u32			max_active;	/* C */
	u32			id;		/* I: of lanes that there ever were; not 0 */
	struct rove_workqueue	*wq;		/* I */
	struct worker_pool	*pool;		/* C */
	u32			nr_cpus;	/* C: of its pod, for its share */
	u32			nr_shards;	/* C */
	struct shard		**shards;	/* I: array; entries before they have this lane */
	struct lane		*next_old;	/* C: not used any more */
};

void lane_set_max_active(struct lane *lane, u32 max_active);
bool token_try_get_locked(struct shard *s);
bool token_get_locked(struct shard *s);
void token_put(struct lane *lane, struct shard *s);
u32 lane_adopt_locked(struct lane *lane, struct shard *s);
void token_put_parked(struct lane *lane, struct shard *s);
bool lane_holds(struct lane *lane);
bool lane_is_left(struct lane *lane);

#endif
