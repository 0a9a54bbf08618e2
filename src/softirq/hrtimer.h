/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * softirq/hrtimer.h - a timer's members by their real types
 *
 * ->state	A: softirq/hrtimer_state.h
 * ->fn, ->clock  set by init
 * ->next	who has PUBLISHED it, then who has taken it from the list
 * ->node	under softirq.lock
 * ->next_expires  its own callback
 */
#ifndef ROVE_SOFTIRQ_HRTIMER_H
#define ROVE_SOFTIRQ_HRTIMER_H

#include "base/atomic_pair.h"
#include "softirq/hrtimer_state.h"
#include "softirq/softirq.h"

_Static_assert(sizeof(((struct rove_hrtimer *)0)->node) == sizeof(struct pheap_node), "node");
_Static_assert(sizeof(((struct rove_hrtimer *)0)->state) == sizeof(struct atomic_pair), "state");
_Static_assert(ROVE_HRTIMER_SLACK_MAX == (u64)1 << (64 - HRT_SLACK_SHIFT), "slack");

static inline struct pheap_node *hrtimer_node(struct rove_hrtimer *timer)
{
	return (struct pheap_node *)timer->node;
}

static inline struct rove_hrtimer *hrtimer_of_node(struct pheap_node *node)
{
	return container_of((u64 *)node, struct rove_hrtimer, node[0]);
}

static inline struct rove_hrtimer *hrtimer_of_change(struct llist_node *change)
{
	return container_of((struct rove_hrtimer **)change, struct rove_hrtimer, next);
}

static inline struct tqueue *hrtimer_queue(const struct rove_hrtimer *timer)
{
	return &softirq.queues[timer->clock];
}

/*
 * ORDER hrtimer.change (seq_cst): what the caller did comes before what it wants is seen,
 * and the callback after; before the look at the sleeper's words.  Pairs with
 * hrtimer.change and hrtimer.look, in hrtimer_exchange() and hrtimer_cancel_unless_running().
 */
static inline bool hrtimer_exchange(struct rove_hrtimer *timer, struct hrt_state *s,
				    struct hrt_state next)
{
	struct atomic_pair old = { { s->expires_ns, s->ctl } };
	struct atomic_pair new = { { next.expires_ns, next.ctl } };

	if (cmpxchg_pair((struct atomic_pair *)timer->state, &old, new))
		return true;
	*s = (struct hrt_state){ old.word[0], old.word[1] };
	return false;
}

static inline bool hrtimer_is_parents(struct hrt_state s)
{
	return (s.ctl & HRT_GENERATION) != softirq.generation;
}

/*
 * Maybe half of one state and half of another: an exchange tells.  What a process wanted that
 * forked this one is made idle first, by the same kind of exchange.
 */
static inline struct hrt_state hrtimer_read(struct rove_hrtimer *timer)
{
	struct hrt_state s = {
		.expires_ns = READ_ONCE(timer->state[0]),
		.ctl = READ_ONCE(timer->state[1]),
	};

	while (unlikely(hrtimer_is_parents(s))) {
		const struct hrt_state idle = { .ctl = softirq.generation };

		if (hrtimer_exchange(timer, &s, idle))
			return idle;
	}
	return s;
}

/* For bpf/async. */
int hrtimer_cancel_unless_running(struct rove_hrtimer *timer);

#endif
