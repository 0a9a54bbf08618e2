/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * softirq/hrtimer_run.c - the queues, and the callbacks
 *
 * Invariant: under softirq.lock a timer is in its clock's queue if and only if its state
 *            says QUEUED (hrtimer_state.h).  A timer is touched without QUEUED, and
 *            without PUBLISHED, by nobody here: its memory is its owner's.
 * Not here:  when the thread looks (sleep.c).
 */
#include <string.h>

#include "base/context.h"
#include "softirq/hrtimer.h"

/* Then it is another clock's turn: callbacks that are always due keep only their own waiting. */
#define TURN 256

static bool is_in_queue_locked(struct rove_hrtimer *timer)
{
	return tqueue_is_queued(hrtimer_queue(timer), hrtimer_node(timer));
}

static void queue_remove_locked(struct rove_hrtimer *timer)
{
	if (is_in_queue_locked(timer))
		tqueue_remove(hrtimer_queue(timer), hrtimer_node(timer));
}

/*
 * A timer that is queued when its limit has passed is queued by the time of that, behind what
 * was due before: else one that is armed for the past by its callback, again and again, would
 * be the first for ever.
 *
 * Argument: let a timer B be due, and the thread call others.  Each of them that is armed again
 * for a time that the thread has seen gets the clock's time as its key; for a later time, it
 * is not due before the thread has looked at the clock once more, and its key is later than
 * the look before that.  So keys that are given grow with the clock, beyond B's, and what has a
 * smaller one is called once before it is B's turn.
 *
 * The key may be later than the limit by this, but not than the time at which it was given.  So
 * "covered" holds as before (hrtimer_state.h), if the clock is not set back: then such
 * keys are put right (put_right_locked()).  They are near, where few are looked through.
 */
static u64 late_key_locked(u32 clock, u64 limit_ns)
{
	u64 now_ns = softirq_clock_ns(clock);

	if (limit_ns >= now_ns)
		return limit_ns;
	tqueue_advance(&softirq.queues[clock], now_ns);	/* so that the key is near */
	softirq.late_ns[clock] = max(softirq.late_ns[clock], now_ns);
	return now_ns;
}

/* Into the queue, or up in it; an earlier key may stay. */
static void queue_add_locked(struct rove_hrtimer *timer, u64 limit_ns)
{
	struct pheap_node *node = hrtimer_node(timer);
	u64 key = limit_ns;

	if (unlikely(limit_ns <= softirq.seen_ns[timer->clock]))
		key = late_key_locked(timer->clock, limit_ns);
	if (is_in_queue_locked(timer)) {
		if (node->key <= key)
			return;
		tqueue_remove(hrtimer_queue(timer), node);
	}
	node->key = key;
	tqueue_add(hrtimer_queue(timer), node);
	/* Not the thread, but a canceller, has emptied the list: the thread may be asleep. */
	if (!softirq_is_this_thread())
		softirq_rouse_by(timer->clock, limit_ns);
}

/*
 * It leaves the queue before the exchange that says so: afterwards it may be freed.  What is
 * not QUEUED may have been in a queue of the process that forked this one.
 */
static void take_one_locked(struct rove_hrtimer *timer)
{
	struct hrt_state s = hrtimer_read(timer), next;

	if (!(s.ctl & HRT_QUEUED))
		memset(timer->node, 0, sizeof(timer->node));
	do {
		next = hrt_take(s);
		if (!(next.ctl & HRT_QUEUED))
			queue_remove_locked(timer);
	} while (!hrtimer_exchange(timer, &s, next));
	if (next.ctl & HRT_QUEUED)
		queue_add_locked(timer, hrt_limit(next));
}

/**
 * hrtimer_take_changes_locked - the queues agree with what has been published
 *
 * Context: thread, under softirq.lock.
 */
void hrtimer_take_changes_locked(void)
{
	struct llist_node *change = llist_take_oldest_first(&softirq.changes), *next;

	assert_held(&softirq.lock);
	for (; change; change = next) {
		next = change->next;	/* it may be published again at once */
		take_one_locked(hrtimer_of_change(change));
	}
}

/**
 * hrtimer_unqueue_idle_locked - let go of a timer that is not armed
 *
 * Context: thread, under softirq.lock.
 */
void hrtimer_unqueue_idle_locked(struct rove_hrtimer *timer)
{
	struct hrt_state s = hrtimer_read(timer);

	assert_held(&softirq.lock);
	while ((s.ctl & HRT_QUEUED) && !(s.ctl & HRT_ARMED)) {
		queue_remove_locked(timer);
		if (hrtimer_exchange(timer, &s, hrt_unqueue(s)))
			return;
	}
	/* Armed again by somebody else while it was out of the queue. */
	if (s.ctl & HRT_QUEUED)
		queue_add_locked(timer, hrt_limit(s));
}

/* Context: the thread, drops and retakes the lock. */
static void fire_locked(struct rove_hrtimer *timer, struct hrt_state s)
{
	enum rove_hrtimer_restart again;
	struct hrt_state next;

	softirq_begin(timer, HRT_RUNS);
	/* What is armed from the list must be off the list: the callback may free it. */
	if (s.ctl & HRT_PUBLISHED)
		hrtimer_take_changes_locked();
	timer->next_expires = s.expires_ns;
	mutex_unlock(&softirq.lock);

	if (unlikely(hrt_cpu(s) >= 0))
		softirq_move_to(hrt_cpu(s));
	again = timer->fn(timer);
	softirq_end_if_parents();

	mutex_lock(&softirq.lock);
	if (again == ROVE_HRTIMER_NORESTART) {
		softirq_end();
		return;
	}
	s = hrtimer_read(timer);
	while (hrt_restart(s, timer->next_expires, &next)) {
		if (!hrtimer_exchange(timer, &s, next))
			continue;
		if (next.ctl & HRT_QUEUED)
			queue_add_locked(timer, hrt_limit(next));
		break;
	}
	softirq_end();
}

/*
 * It is out of the queue while its state is being looked at, and goes back if it is armed
 * for later.  Said to run before it is said not to be armed any more.
 *
 * Context: the thread, may drop and retake the lock.
 */
static void look_at_locked(struct rove_hrtimer *timer, u64 now_ns)
{
	struct hrt_state s = hrtimer_read(timer), next;
	enum hrt_due due;

	queue_remove_locked(timer);
	do {
		due = hrt_look(s, now_ns, &next);
		if (due == HRT_FIRE)
			softirq_begin(timer, hrt_maybe(s));
	} while (!hrtimer_exchange(timer, &s, next));
	if (due == HRT_FIRE)
		fire_locked(timer, next);
	else if (READ_ONCE(softirq.running))
		softirq_end();	/* it was going to fire, but was cancelled or put off */
	if (due == HRT_LATER)
		queue_add_locked(timer, hrt_limit(next));
}

/* Its limit has come; or its time, and since the thread is awake it need not wait longer. */
static bool is_due_locked(struct pheap_node *first, u64 now_ns)
{
	struct hrt_state s;

	if (first->key <= now_ns)
		return true;
	s = hrtimer_read(hrtimer_of_node(first));
	return (s.ctl & HRT_ARMED) && s.expires_ns <= now_ns;
}

static u64 limit_of(struct rove_hrtimer *timer)
{
	struct hrt_state s = hrtimer_read(timer);

	/* Changes nothing, but tells that both words are of one state. */
	while (!hrtimer_exchange(timer, &s, s))
		;
	return hrt_limit(s);
}

/* What is near gets its limits as keys again. */
static void put_right_locked(struct tqueue *q)
{
	struct pheap_node *near = NULL, *node;

	while ((node = tqueue_near_first(q))) {
		tqueue_remove(q, node);
		node->next = near;
		near = node;
	}
	while ((node = near)) {
		near = node->next;
		node->next = NULL;
		node->key = min(node->key, limit_of(hrtimer_of_node(node)));
		tqueue_add(q, node);
	}
}

/* Return: the time, of which all that is due is near now. */
static u64 look_at_clock_locked(enum softirq_clock clock)
{
	u64 now_ns = softirq_clock_ns(clock);

	/* It was set back since: by an hour, perhaps. */
	if (unlikely(now_ns < softirq.late_ns[clock])) {
		put_right_locked(&softirq.queues[clock]);
		softirq.late_ns[clock] = 0;
	}
	softirq.seen_ns[clock] = now_ns;
	tqueue_advance(&softirq.queues[clock], now_ns);
	return now_ns;
}

/* Context: the thread, may drop and retake the lock. */
static bool run_clock_locked(enum softirq_clock clock)
{
	struct tqueue *q = &softirq.queues[clock];
	u64 now_ns = 0;
	bool any = false;

	for (u32 nr = 0; nr < TURN; nr++) {
		struct pheap_node *first;

		hrtimer_take_changes_locked();
		first = tqueue_first(q);
		if (!first || !is_due_locked(first, now_ns)) {
			if (tqueue_is_empty(q))
				return any;
			now_ns = look_at_clock_locked(clock);
			first = tqueue_first(q);
			if (!first || !is_due_locked(first, now_ns))
				return any;
		}
		look_at_locked(hrtimer_of_node(first), now_ns);
		any = true;
		if (READ_ONCE(softirq.works.newest))
			break;		/* they go first */
	}
	return any;
}

/**
 * softirq_run_timers - call back those that are due, until there are works
 *
 * Context: the thread.
 * Return:  true if there were any.
 */
bool softirq_run_timers(void)
{
	bool any = false;

	mutex_lock(&softirq.lock);
	for (u32 c = 0; c < NR_SOFTIRQ_CLOCKS; c++)
		any |= run_clock_locked(c);
	mutex_unlock(&softirq.lock);
	return any;
}
