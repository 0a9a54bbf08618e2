/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/age.h - how long the works of a shard have waited
 */
#ifndef ROVE_WQ_AGE_H
#define ROVE_WQ_AGE_H

#include "base/types.h"

#define AGE_GROUPS 4

struct shard;

/* Works that came one after the other, between two looks. */
struct age_group {
	u64			nr;		/* that are in the list still */
	u64			since_ns;	/* none came before */
};

/* All under the shard's lock. */
struct shard_age {
	struct age_group	group[AGE_GROUPS];	/* oldest first */
	u32			nr_groups;	/* in use; each has works */
	u64			nr;		/* works in all of them */
	u64			queue_ns;	/* time in the queue, all works there ever were */
	u64			queue_max_ns;	/* of one of them */
};

void age_note_locked(struct shard *s, u64 now_ns);
void age_leave_locked(struct shard_age *age);
void age_return_locked(struct shard_age *age);
u64 age_oldest_ns_locked(const struct shard *s, u64 now_ns);

#endif
