/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/age.c - how long the works of a shard have waited
 *
 * A work has no room for a time, and reading a clock would double what queueing costs.  So
 * times are known by groups: what came between two looks at the stack came evenly spaced.
 * What is in the list has waited all the time from one look to the next; the sum of that
 * over all looks is the time that all works together have waited, however many there are.
 *
 * Invariant: the groups have no more works than the list, and those in its order.
 * Not here:  whose turn it is (take.c), adding up over shards (stats.c).
 */
#include <string.h>

#include "base/context.h"
#include "wq/shard.h"

/* When nobody had queued yet what is new. */
static u64 new_since_ns(const struct shard *s, u64 now_ns)
{
	return min(max(s->splice_ns, READ_ONCE(s->announce_ns)), now_ns);
}

/* Too many groups: the newest grows, and its last ones seem older than they are. */
static void add_group(struct shard_age *age, u64 nr, u64 since_ns)
{
	if (age->nr_groups == AGE_GROUPS)
		age->group[AGE_GROUPS - 1].nr += nr;
	else
		age->group[age->nr_groups++] = (struct age_group){ nr, since_ns };
	age->nr += nr;
}

/**
 * age_note_locked - look at what has come since the last time
 *
 * Context: thread, under s->lock; the stack has been spliced.
 */
void age_note_locked(struct shard *s, u64 now_ns)
{
	struct shard_age *age = &s->age;
	u64 nr_new = s->nr_listed - min(age->nr, s->nr_listed), since_ns = new_since_ns(s, now_ns);

	assert_held(&s->lock);
	age->queue_ns += age->nr * (now_ns - min(s->splice_ns, now_ns));
	age->queue_ns += nr_new * (now_ns - since_ns) / 2;
	if (nr_new)
		add_group(age, nr_new, since_ns);
	if (age->nr)
		age->queue_max_ns = max(age->queue_max_ns, now_ns - age->group[0].since_ns);
	s->splice_ns = now_ns;
}

/**
 * age_leave_locked - a work has left the list, the oldest as likely as not
 *
 * Context: thread, under the shard's lock.
 */
void age_leave_locked(struct shard_age *age)
{
	if (!age->nr)
		return;
	age->nr--;
	if (--age->group[0].nr)
		return;
	memmove(age->group, age->group + 1, --age->nr_groups * sizeof(age->group[0]));
}

/**
 * age_return_locked - a work that was taken is the first of the list again
 *
 * Context: thread, under the shard's lock.
 */
void age_return_locked(struct shard_age *age)
{
	if (!age->nr)
		return;		/* it is new when somebody looks */
	age->group[0].nr++;
	age->nr++;
}

/**
 * age_oldest_ns_locked - for how long the oldest work in a shard has waited
 *
 * Context: thread, under s->lock.
 * Return:  0 if there is none.
 */
u64 age_oldest_ns_locked(const struct shard *s, u64 now_ns)
{
	u64 since_ns = s->age.nr ? s->age.group[0].since_ns : new_since_ns(s, now_ns);

	assert_held(&s->lock);
	if (shard_looks_empty(s) || !since_ns || now_ns < since_ns)
		return 0;
	return now_ns - since_ns;
}
