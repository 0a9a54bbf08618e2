/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/iter/timer.c - all armed timers, clock by clock, by the times they are due at the latest
 *
 * A part of them is copied at a time (softirq/hrtimer_view.c), and the rest only when the
 * reader has come so far.  So what is shown was armed when its part was copied, and what
 * is armed all the time, and not started anew, is shown once.
 */
#include "bpf/iter/iter.h"
#include "softirq/hrtimer_view.h"

struct state {
	struct hrtimer_walk walk;
	u32	at;		/* the first of the part that was not shown */
	int	err;		/* why there is no more of it */
};

_Static_assert(sizeof(struct state) <= ITER_STATE_BYTES, "state fits");

static void *at(struct state *s)
{
	if (s->at == s->walk.nr) {
		s->err = hrtimer_walk_next(&s->walk);
		s->at = 0;
	}
	return s->at < s->walk.nr ? &s->walk.timers[s->at] : NULL;
}

static void *start(void *state)
{
	return at(state);
}

static void *next(void *state, void *obj)
{
	struct state *s = state;

	s->at++;
	return at(s);
}

static int error(void *state)
{
	return ((struct state *)state)->err;
}

static void close_walk(void *state)
{
	hrtimer_walk_fini(&((struct state *)state)->walk);
}

static void show(void *state, void *obj, u64 *words)
{
	words[0] = (uintptr_t)obj;
}

const struct iter_ops iter_ops_timer = {
	.start = start, .next = next, .error = error, .close = close_walk, .show = show,
};
