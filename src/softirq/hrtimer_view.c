/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * softirq/hrtimer_view.c - all armed timers, a part of them at a time
 *
 * A walk goes through the clocks, and through a clock's queue by the timers' limits (time
 * and slack).  It copies one part of the queue at a time, in pieces: softirq.lock is held
 * for at most PIECE timers of a slot.  What is near, that is due within milliseconds, is copied
 * at once.
 *
 * Invariant: a timer that is armed when the walk begins, and is neither started, cancelled
 *            nor called until it ends, is in exactly one part.  Its limit does not change,
 *            and the walk takes it only with its limit as the queue's key: a key that is
 *            too early is put right first.  Keys only grow then, away from what is done.
 *            A slot that is emptied while the walk is in it is begun anew, by its keys.
 * Not here:  the queue's parts (tqueue_walk.c), what programs see of it (bpf/iter/timer.c).
 */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/context.h"
#include "softirq/hrtimer.h"
#include "softirq/hrtimer_view.h"

#define PIECE 256

static u32 public_clock(u32 clock)
{
	static const u32 ids[NR_SOFTIRQ_CLOCKS] = {
		[SOFTIRQ_MONOTONIC] = CLOCK_MONOTONIC,
		[SOFTIRQ_REALTIME] = CLOCK_REALTIME,
		[SOFTIRQ_BOOTTIME] = CLOCK_BOOTTIME,
	};

	return ids[clock];
}

static int reserve(struct hrtimer_walk *w, u32 nr)
{
	u32 room = max(w->room * 2, w->nr + nr);
	struct timer_view *more;

	if (w->nr + nr <= w->room)
		return 0;
	more = realloc(w->timers, (size_t)room * sizeof(*more));
	if (!more)
		return -ENOMEM;
	w->timers = more;
	w->room = room;
	return 0;
}

static u64 limit_of(const struct timer_view *v)
{
	return min(v->expires_ns + v->slack_ns, HRT_NEVER);
}

/* False: it is not armed, or belongs to another part. */
static bool look_at_locked(const struct hrtimer_walk *w, struct rove_hrtimer *timer, u64 end_ns,
			   struct timer_view *ret_view)
{
	struct pheap_node *node = hrtimer_node(timer);
	struct hrt_state s = hrtimer_read(timer);

	/* Changes nothing, but tells that both words are of one state. */
	while (!hrtimer_exchange(timer, &s, s))
		;
	if (!(s.ctl & HRT_ARMED))
		return false;
	/* Every start that makes the limit earlier than this from now on publishes it. */
	if (node->key < hrt_limit(s))
		tqueue_postpone(hrtimer_queue(timer), node, hrt_limit(s));
	*ret_view = (struct timer_view){
		.address = (uintptr_t)timer,
		.function = (uintptr_t)timer->fn,
		.expires_ns = s.expires_ns,
		.slack_ns = s.ctl >> HRT_SLACK_SHIFT,
		.clock = public_clock(w->clock),
		.cpu = hrt_cpu(s),
	};
	return node->key >= w->from_ns && node->key < end_ns;
}

/* The addresses from ->nr on up to @end become views, of the timers that belong here. */
static void look_at_all_locked(struct hrtimer_walk *w, u32 end, u64 end_ns)
{
	for (u32 i = w->nr; i < end; i++) {
		struct rove_hrtimer *timer = (struct rove_hrtimer *)(uintptr_t)w->timers[i].address;

		if (look_at_locked(w, timer, end_ns, &w->timers[w->nr]))
			w->nr++;
	}
}

/* First all addresses, because looking may move a timer in the heap.  0, or how many there are. */
static u32 take_near_locked(struct hrtimer_walk *w, struct tqueue *q, u64 end_ns)
{
	u32 nr = 0;

	for (struct pheap_node *n = tqueue_near_first(q); n; n = tqueue_near_next(q, n), nr++)
		if (nr < w->room)
			w->timers[nr].address = (uintptr_t)hrtimer_of_node(n);
	if (nr > w->room)
		return nr;
	look_at_all_locked(w, nr, end_ns);
	return 0;
}

static void take_piece_locked(struct hrtimer_walk *w, struct tqueue_cursor *c, u64 end_ns)
{
	u32 end = w->nr;

	for (; c->at && end < w->nr + PIECE; c->at = c->at->next)
		w->timers[end++].address = (uintptr_t)hrtimer_of_node(c->at);
	look_at_all_locked(w, end, end_ns);
}

/* Context: drops and retakes the lock.  Return: 0, -ENOMEM, or -EAGAIN (it was emptied). */
static int take_slot_locked(struct hrtimer_walk *w, struct tqueue *q,
			    const struct tqueue_place *place)
{
	struct tqueue_cursor c;
	int err = 0;

	tqueue_cursor_begin(q, &c, place->slot);
	for (;;) {
		take_piece_locked(w, &c, place->end_ns);
		if (!c.at)
			break;
		mutex_unlock(&softirq.lock);
		err = reserve(w, PIECE);
		mutex_lock(&softirq.lock);
		if (err || c.spread)
			break;
	}
	tqueue_cursor_end(q, &c);
	return err ?: c.spread ? -EAGAIN : 0;
}

/* Return: 0; -ENOENT: nothing is left of this clock; -EAGAIN: once more; -ENOMEM. */
static int take_place(struct hrtimer_walk *w)
{
	struct tqueue *q = &softirq.queues[w->clock];
	struct tqueue_place place;
	u32 need = 0;
	int err = 0;

	w->nr = 0;
	mutex_lock(&softirq.lock);
	hrtimer_take_changes_locked();
	if (!tqueue_place_from(q, w->from_ns, &place))
		err = -ENOENT;
	else if (place.slot)
		err = take_slot_locked(w, q, &place);
	else
		need = take_near_locked(w, q, place.end_ns);
	mutex_unlock(&softirq.lock);
	if (need)
		return reserve(w, need + PIECE) ?: -EAGAIN;
	if (!err)
		w->from_ns = place.end_ns;
	return err;
}

static int by_limit(const void *a, const void *b)
{
	const struct timer_view *x = a, *y = b;

	if (limit_of(x) != limit_of(y))
		return limit_of(x) < limit_of(y) ? -1 : 1;
	return x->address < y->address ? -1 : x->address > y->address;
}

/**
 * hrtimer_walk_next - copy the next timers, by their limits and addresses
 * @w:  ->timers and ->nr are those; none: the walk is over
 *
 * Context: may sleep.
 * Return:  0 or -ENOMEM.
 */
int hrtimer_walk_next(struct hrtimer_walk *w)
{
	int err;

	ctx_may_sleep();
	w->nr = 0;
	err = reserve(w, PIECE);
	while (!err && w->clock < NR_SOFTIRQ_CLOCKS) {
		err = take_place(w);
		if (!err && w->nr)
			break;
		if (err == -ENOENT) {
			w->clock++;
			w->from_ns = 0;
		}
		if (err != -ENOMEM)
			err = 0;
	}
	if (err)
		w->nr = 0;
	else
		qsort(w->timers, w->nr, sizeof(*w->timers), by_limit);
	return err;
}

/**
 * hrtimer_walk_fini - forget the copies
 *
 * Context: thread.
 */
void hrtimer_walk_fini(struct hrtimer_walk *w)
{
	free(w->timers);
	*w = (struct hrtimer_walk){ 0 };
}
