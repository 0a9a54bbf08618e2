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

/* Into the queue, or up in it; an earlier key may stay. */
static void queue_add_locked(struct rove_hrtimer *timer, u64 limit_ns)
{
	struct pheap_node *node = hrtimer_node(timer);

	if (is_in_queue_locked(timer)) {
		if (node->key <= limit_ns)
			return;
		tqueue_remove(hrtimer_queue(timer), node);
	}
	node->key = limit_ns;
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
			now_ns = softirq_clock_ns(clock);
			tqueue_advance(q, now_ns);
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
