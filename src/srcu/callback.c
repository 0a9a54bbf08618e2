/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * srcu/callback.c - callbacks after a grace period
 *
 * One thread a domain, started by the first callback: it takes all that are
 * queued, waits for one grace period for all of them, and calls them in order.
 * Of a period that is only polled for it begins the next one.
 *
 * Invariant: a callback is in the queue, or in the thread's batch; the thread
 *            does not sleep while one is queued.
 * Ordering:  srcu.cb.push -> srcu.cb.take, srcu.cb.doze -> srcu.cb.rouse,
 *            srcu.cb.started -> srcu.cb.seen, srcu.cb.done -> srcu.cb.waited
 *            (docs/memory-model.md).
 */
#include <unistd.h>

#include "base/context.h"
#include "base/futex.h"
#include "base/thread.h"
#include "srcu/barrier.h"
#include "srcu/domain.h"

#define START_RETRY_US 1000

static __thread const struct rove_srcu *running_callbacks_of;

static struct rove_srcu_head *take_all_oldest_first(struct rove_srcu *dom)
{
	/*
	 * ORDER srcu.cb.take (acquire): a callback is run after what its caller
	 * did.  Pairs with srcu.cb.push in queue_push().
	 */
	struct rove_srcu_head *head = xchg_acquire(&dom->queue, NULL), *oldest = NULL;

	while (head) {
		struct rove_srcu_head *next = head->next;

		head->next = oldest;
		oldest = head;
		head = next;
	}
	return oldest;
}

static void queue_push(struct rove_srcu *dom, struct rove_srcu_head *head)
{
	struct rove_srcu_head *newest = READ_ONCE(dom->queue);

	/*
	 * ORDER srcu.cb.push (seq_cst): what the caller did, its unlinking too,
	 * comes before the callback is seen; and the push before the look at
	 * ->asleep.  Pairs with srcu.cb.take in take_all_oldest_first().
	 */
	do
		head->next = newest;
	while (!cmpxchg_seq_cst(&dom->queue, &newest, head));
}

static void thread_rouse(struct rove_srcu *dom)
{
	/*
	 * ORDER srcu.cb.rouse (seq_cst): after the push or the request to stop.
	 * Either this finds the thread asleep, or the thread finds what was
	 * pushed.  Pairs with srcu.cb.doze in thread_doze().
	 */
	if (load_seq_cst(&dom->asleep) && xchg_seq_cst(&dom->asleep, 0))
		futex_wake(&dom->asleep, 1);
}

static void thread_doze(struct rove_srcu *dom)
{
	/*
	 * ORDER srcu.cb.doze (seq_cst): before the last look at the queue and the
	 * state.  Pairs with srcu.cb.rouse in thread_rouse().
	 */
	store_seq_cst(&dom->asleep, 1);
	while (!load_seq_cst(&dom->queue) && !load_seq_cst(&dom->gp_wanted) &&
	       load_seq_cst(&dom->thread_state) != SRCU_THREAD_STOPPING &&
	       READ_ONCE(dom->asleep))
		futex_wait(&dom->asleep, 1, FUTEX_FOREVER);
	WRITE_ONCE(dom->asleep, 0);
}

static void run_batch(struct rove_srcu *dom, struct rove_srcu_head *head)
{
	rove_srcu_synchronize(dom);
	while (head) {
		struct rove_srcu_head *next = head->next;

		head->fn(head);		/* may free it */
		head = next;
	}
}

static void *callback_thread(void *arg)
{
	struct rove_srcu *dom = arg;

	running_callbacks_of = dom;
	for (;;) {
		bool stopping = load_seq_cst(&dom->thread_state) == SRCU_THREAD_STOPPING;
		bool wanted = xchg_seq_cst(&dom->gp_wanted, 0);
		struct rove_srcu_head *batch = take_all_oldest_first(dom);

		if (batch || wanted)
			run_batch(dom, batch);
		else if (stopping)
			return NULL;
		else
			thread_doze(dom);
	}
}

static int thread_start(struct rove_srcu *dom)
{
	int err = 0;

	/*
	 * ORDER srcu.cb.seen (acquire): the thread's id is used after it is known.
	 * Pairs with srcu.cb.started in thread_start().
	 */
	if (likely(load_acquire(&dom->thread_state) != SRCU_THREAD_NONE))
		return 0;
	mutex_lock(&dom->thread_lock);
	if (dom->thread_state == SRCU_THREAD_NONE) {
		err = thread_create("rove-srcu", callback_thread, dom, &dom->thread);
		/*
		 * ORDER srcu.cb.started (release): the thread's id comes before the
		 * state.  Pairs with srcu.cb.seen in thread_start().
		 */
		if (!err)
			store_release(&dom->thread_state, SRCU_THREAD_RUNNING);
	}
	mutex_unlock(&dom->thread_lock);
	return err;
}

/**
 * rove_srcu_call - see rove/srcu.h
 */
void rove_srcu_call(struct rove_srcu *dom, struct rove_srcu_head *head,
		    void (*fn)(struct rove_srcu_head *head))
{
	ctx_thread();
	head->fn = fn;
	queue_push(dom, head);
	/* Without a thread it stays queued: the next one finds it. */
	if (!thread_start(dom))
		thread_rouse(dom);
}

/**
 * rove_srcu_start_poll - see rove/srcu.h
 */
uint64_t rove_srcu_start_poll(struct rove_srcu *dom)
{
	u64 cookie = rove_srcu_get_state(dom);

	ctx_thread();
	store_seq_cst(&dom->gp_wanted, 1);	/* as a push */
	if (!thread_start(dom))
		thread_rouse(dom);
	return cookie;
}

struct barrier_wait {
	struct rove_srcu_head	head;
	u32			done;	/* A */
};

static void barrier_reached(struct rove_srcu_head *head)
{
	struct barrier_wait *wait = container_of(head, struct barrier_wait, head);
	u32 *done = &wait->done;

	/*
	 * ORDER srcu.cb.done (release): what the callbacks before this one did
	 * comes before the waiter goes on.  From here on *wait may be gone.  Pairs
	 * with srcu.cb.waited in rove_srcu_barrier().
	 */
	store_release(done, 1);
	futex_wake(done, 1);
}

/**
 * rove_srcu_barrier - see rove/srcu.h
 *
 * Callbacks run in order, so one more at the end tells when the others have run.
 */
void rove_srcu_barrier(struct rove_srcu *dom)
{
	struct barrier_wait wait = { .done = 0 };

	ctx_may_sleep();
	check(running_callbacks_of != dom);
	/* ORDER srcu.cb.seen (acquire): as above.  Pairs with srcu.cb.started in thread_start(). */
	if (load_acquire(&dom->thread_state) == SRCU_THREAD_NONE && !load_seq_cst(&dom->queue))
		return;		/* so there was never a callback */
	while (thread_start(dom))
		usleep(START_RETRY_US);
	rove_srcu_call(dom, &wait.head, barrier_reached);
	/* ORDER srcu.cb.waited (acquire): pairs with srcu.cb.done in barrier_reached(). */
	while (!load_acquire(&wait.done))
		futex_wait(&wait.done, 0, FUTEX_FOREVER);
}

/**
 * srcu_stop_callbacks - run what is queued, then end the thread
 *
 * Context: may sleep; nobody else uses @dom any more.
 */
void srcu_stop_callbacks(struct rove_srcu *dom)
{
	struct rove_srcu_head *batch;

	ctx_may_sleep();
	check(running_callbacks_of != dom);
	/* ORDER srcu.cb.seen (acquire): as above.  Pairs with srcu.cb.started in thread_start(). */
	if (load_acquire(&dom->thread_state) != SRCU_THREAD_NONE) {
		store_seq_cst(&dom->thread_state, SRCU_THREAD_STOPPING);	/* as a push */
		thread_rouse(dom);
		pthread_join(dom->thread, NULL);
		return;
	}
	/* The thread could never be started. */
	while ((batch = take_all_oldest_first(dom)))
		run_batch(dom, batch);
}
