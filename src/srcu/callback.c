/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * srcu/callback.c - callbacks after a grace period
 *
 * One thread a domain, started by the first callback: it takes all that are
 * queued, waits for one grace period for all of them, and calls them in order.
 * Of a period that is only polled for it begins the next one.
 *
 * Invariant: a callback is in the queue, or in the thread's batch, until right before it is
 *            called; the thread does not sleep while one is queued.  Both lists are changed
 *            under a lock that is held over fork(), so that a child has them whole.
 * Ordering:  the lock's; srcu.cb.started -> srcu.cb.seen, srcu.cb.done -> srcu.cb.waited
 *            (docs/memory-model.md).
 */
#include "base/cancel.h"
#include "base/clock.h"
#include "base/context.h"
#include "base/futex.h"
#include "base/thread.h"
#include "srcu/domain.h"
#include "srcu/fork.h"

#define START_RETRY_NS NSEC_PER_MSEC

static __thread const struct rove_srcu *running_callbacks_of
	__attribute__((tls_model("initial-exec")));

/* Return: true: the caller wakes it, without the lock. */
static bool rouse_locked(struct rove_srcu *dom)
{
	bool asleep = dom->asleep;

	assert_held(&dom->call_lock);
	WRITE_ONCE(dom->asleep, 0);
	return asleep;
}

static void queue_push(struct rove_srcu *dom, struct rove_srcu_head *head)
{
	bool asleep;

	head->next = NULL;
	mutex_lock(&dom->call_lock);
	if (dom->queue)
		dom->newest->next = head;
	else
		dom->queue = head;
	dom->newest = head;
	asleep = rouse_locked(dom);
	mutex_unlock(&dom->call_lock);
	if (asleep)
		futex_wake(&dom->asleep, 1);
}

/* Return: true if a grace period is wanted, for a batch or for its own sake. */
static bool take_batch(struct rove_srcu *dom)
{
	bool any;

	mutex_lock(&dom->call_lock);
	if (!dom->batch) {
		dom->batch = dom->queue;
		dom->queue = NULL;
	}
	any = dom->batch || dom->gp_wanted;
	dom->gp_wanted = false;
	mutex_unlock(&dom->call_lock);
	return any;
}

/* Return: NULL if the batch is done. */
static struct rove_srcu_head *take_one(struct rove_srcu *dom)
{
	struct rove_srcu_head *head;

	mutex_lock(&dom->call_lock);
	head = dom->batch;
	if (head)
		dom->batch = head->next;
	mutex_unlock(&dom->call_lock);
	return head;
}

static void run_batch(struct rove_srcu *dom)
{
	struct rove_srcu_head *head;

	rove_srcu_synchronize(dom);
	while ((head = take_one(dom)))
		head->fn(head);		/* may free it */
}

/* Return: false: it is to end, and nothing is queued. */
static bool thread_doze(struct rove_srcu *dom)
{
	bool stopping, idle;

	mutex_lock(&dom->call_lock);
	stopping = READ_ONCE(dom->thread_state) == SRCU_THREAD_STOPPING;
	idle = !dom->queue && !dom->gp_wanted;
	WRITE_ONCE(dom->asleep, idle && !stopping);
	stopping &= idle;
	mutex_unlock(&dom->call_lock);
	while (READ_ONCE(dom->asleep))
		futex_wait(&dom->asleep, 1, FUTEX_FOREVER);
	return !stopping;
}

static void *callback_thread(void *arg)
{
	struct rove_srcu *dom = arg;

	running_callbacks_of = dom;
	do {
		while (take_batch(dom))
			run_batch(dom);
	} while (thread_doze(dom));
	return NULL;
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
	srcu_see_to_forks(dom);
	head->fn = fn;
	queue_push(dom, head);
	(void)thread_start(dom);	/* without a thread it stays queued: the next one finds it */
}

/**
 * rove_srcu_start_poll - see rove/srcu.h
 */
uint64_t rove_srcu_start_poll(struct rove_srcu *dom)
{
	u64 cookie = rove_srcu_get_state(dom);
	bool asleep;

	ctx_thread();
	srcu_see_to_forks(dom);
	mutex_lock(&dom->call_lock);
	dom->gp_wanted = true;
	asleep = rouse_locked(dom);
	mutex_unlock(&dom->call_lock);
	if (asleep)
		futex_wake(&dom->asleep, 1);
	(void)thread_start(dom);
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

static bool is_empty(struct rove_srcu *dom)
{
	bool empty;

	mutex_lock(&dom->call_lock);
	empty = !dom->queue;
	mutex_unlock(&dom->call_lock);
	return empty;
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
	if (load_acquire(&dom->thread_state) == SRCU_THREAD_NONE && is_empty(dom))
		return;		/* so there is no callback */
	while (thread_start(dom))
		futex_wait(&wait.done, 0, START_RETRY_NS);
	rove_srcu_call(dom, &wait.head, barrier_reached);
	/* ORDER srcu.cb.waited (acquire): pairs with srcu.cb.done in barrier_reached(). */
	while (!load_acquire(&wait.done))
		futex_wait(&wait.done, 0, FUTEX_FOREVER);
}

static void thread_stop(struct rove_srcu *dom)
{
	mutex_lock(&dom->call_lock);
	WRITE_ONCE(dom->thread_state, SRCU_THREAD_STOPPING);
	(void)rouse_locked(dom);
	mutex_unlock(&dom->call_lock);
	futex_wake(&dom->asleep, 1);
	thread_join(dom->thread);
}

/**
 * srcu_stop_callbacks - run what is queued, then end the thread
 *
 * Context: may sleep; nobody else uses @dom any more.
 */
void srcu_stop_callbacks(struct rove_srcu *dom)
{
	int state CANCEL_HELD = cancel_hold();

	ctx_may_sleep();
	check(running_callbacks_of != dom);
	/* ORDER srcu.cb.seen (acquire): as above.  Pairs with srcu.cb.started in thread_start(). */
	if (load_acquire(&dom->thread_state) != SRCU_THREAD_NONE) {
		thread_stop(dom);
		return;
	}
	/* The thread could never be started, or is the parent's. */
	while (take_batch(dom))
		run_batch(dom);
}

/* --- in a child of fork() ------------------------------------------------------------------ */

/* Who waits in rove_srcu_barrier() is not in the child, nor is the stack it waits on. */
static struct rove_srcu_head *without_barriers(struct rove_srcu_head *head,
					       struct rove_srcu_head **ret_last)
{
	struct rove_srcu_head *first = NULL, **link = &first, *last = NULL;

	for (; head; head = head->next) {
		if (head->fn == barrier_reached)
			continue;
		*link = last = head;
		link = &head->next;
	}
	*link = NULL;
	*ret_last = last;
	return first;
}

/**
 * srcu_fork_callbacks - what the parent's thread would have called is called here, too
 *
 * The thread is made by who next calls or waits.  But if a callback has forked, this is
 * the thread, and goes on as such when the callback returns.
 *
 * Context: the only thread of the process; ->call_lock was held when it was forked.
 */
void srcu_fork_callbacks(struct rove_srcu *dom)
{
	struct rove_srcu_head *batch, *queue, *batch_last;

	batch = without_barriers(dom->batch, &batch_last);
	queue = without_barriers(dom->queue, &dom->newest);
	WRITE_ONCE(dom->asleep, 0);
	if (running_callbacks_of == dom) {
		dom->batch = batch;
		dom->queue = queue;
		return;
	}
	dom->batch = NULL;
	if (batch) {
		batch_last->next = queue;
		dom->newest = queue ? dom->newest : batch_last;
	}
	dom->queue = batch ?: queue;
	dom->thread_state = SRCU_THREAD_NONE;
}
