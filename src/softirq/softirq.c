/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * softirq/softirq.c - the thread: start, loop, wake
 *
 * Invariant: there is no thread before rove_softirq_start(), and one for ever after, but
 *            not in a child of fork(), which begins without, and makes its own.
 * Not here:  what it calls (irq_work.c, hrtimer_run.c), how it sleeps (sleep.c).
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/context.h"
#include "base/futex.h"
#include "base/thread.h"
#include "softirq/softirq.h"
#include "softirq/tqueue_run.h"

#define SOFTIRQ_INIT { .wake_fd = -1, .step_fd = -1, .bound_cpu = -1, .token = 1 }

struct softirq softirq = SOFTIRQ_INIT;

/* This is the softirq thread; this was the parent's when a function called fork(). */
static __thread bool is_softirq __attribute__((tls_model("initial-exec")));
static __thread bool is_parents __attribute__((tls_model("initial-exec")));

/**
 * softirq_rouse - the thread looks at its lists now
 *
 * The first of several callers pays for the system call.
 *
 * Context: any.  Wait-free.
 */
void softirq_rouse(void)
{
	u32 where;

	ctx_any();
	/*
	 * ORDER softirq.rouse (seq_cst): after what was added to a list.  Pairs with
	 * softirq.doze in plan_sleep_locked().
	 */
	if (!load_seq_cst(&softirq.asleep))
		return;
	where = xchg_seq_cst(&softirq.asleep, SOFTIRQ_AWAKE);
	if (where == SOFTIRQ_IN_FUTEX) {
		futex_wake(&softirq.asleep, 1);
	} else if (where == SOFTIRQ_IN_POLL) {
		u64 one = 1;
		int saved = errno;

		/*
		 * Not write(), a cancellation point: a thread that ended here would leave the
		 * other one asleep, and said to be awake.  If the counter is full it is readable.
		 */
		syscall(SYS_write, READ_ONCE(softirq.wake_fd), &one, sizeof(one));
		errno = saved;
	}
}

/**
 * softirq_begin - a function is about to be called
 * @what:  its work or timer
 * @how:   if "maybe", softirq_begin() again or softirq_end() decides
 *
 * Context: the thread.
 */
void softirq_begin(const void *what, enum hrt_running how)
{
	/*
	 * ORDER softirq.done (seq_cst): it is said to run before it is said not to be
	 * pending or armed any more.  Pairs with softirq.waited in softirq_running().
	 */
	store_seq_cst(&softirq.running, (uintptr_t)what + how);
}

/**
 * softirq_end_if_parents - a function that called fork() has returned in the child: no further
 *
 * The child has a softirq thread of its own, if it wants one.
 *
 * Context: the thread, under no lock.
 */
void softirq_end_if_parents(void)
{
	if (unlikely(is_parents))
		pthread_exit(NULL);
}

/**
 * softirq_end - it has returned; its work or timer may be gone
 *
 * Context: the thread.
 */
void softirq_end(void)
{
	/*
	 * ORDER softirq.done (seq_cst): what the function did comes before it is said
	 * to have ended, and that before the look for waiters.  Pairs with
	 * softirq.waited in softirq_running() and softirq_wait_while().
	 */
	softirq_end_if_parents();
	store_seq_cst(&softirq.running, 0);
	if (unlikely(load_seq_cst(&softirq.nr_waiters))) {
		fetch_add_seq_cst(&softirq.done_word, 1);
		futex_wake(&softirq.done_word, INT32_MAX);
	}
}

/**
 * softirq_wait_while - sleep until a work or timer is not busy
 * @is_busy:  may become false only when a function ends
 *
 * Context: may sleep; not the softirq thread.
 * Return:  was it busy at first?
 */
bool softirq_wait_while(bool (*is_busy)(const void *what), const void *what)
{
	check(!softirq_is_this_thread());
	if (!is_busy(what))
		return false;
	/*
	 * ORDER softirq.waited (seq_cst): the waiter is counted before it looks again,
	 * so that either it finds the function ended or it is woken.  Pairs with
	 * softirq.done in softirq_end().
	 */
	fetch_add_seq_cst(&softirq.nr_waiters, 1);
	for (;;) {
		u32 word = load_seq_cst(&softirq.done_word);

		if (!is_busy(what))
			break;
		futex_wait(&softirq.done_word, word, FUTEX_FOREVER);
	}
	fetch_add_seq_cst(&softirq.nr_waiters, -1);
	return true;
}

static void *softirq_thread(void *arg)
{
	is_softirq = true;
	ctx_softirq_enter();
	softirq_sleep_init();
	WRITE_ONCE(softirq.tid, mutex_self());
	for (;;) {
		bool busy = softirq_run_works();

		busy |= softirq_run_timers();
		if (!busy)
			softirq_sleep();
	}
	return NULL;
}

/*
 * In the child: the thread is not there, and what it was doing is in the middle.  Works
 * and timers of the parent are not looked at: a new generation begins without any.
 */
static void forget_all(void)
{
	static const struct softirq first = SOFTIRQ_INIT;
	u64 generation = (softirq.generation + HRT_GENERATION_ONE) & HRT_GENERATION;
	u32 token = softirq.token + 1;

	if (is_softirq) {
		is_softirq = false;
		is_parents = true;
		ctx_softirq_exit();
	}
	softirq_sleep_fini();
	run_forget();
	memcpy(&softirq, &first, sizeof(softirq));
	softirq.generation = generation;
	softirq.token = token ?: 1;
}

static void prepare_for_fork(void)
{
	pthread_atfork(NULL, NULL, forget_all);
}

/**
 * rove_softirq_start - see rove/irq_work.h
 */
int rove_softirq_start(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_t thread;
	int err = 0;

	ctx_thread();
	/*
	 * ORDER softirq.seen (acquire): the thread is relied on after it is there.
	 * Pairs with softirq.ready in rove_softirq_start().
	 */
	if (likely(load_acquire(&softirq.started)))
		return 0;
	pthread_once(&once, prepare_for_fork);
	mutex_lock(&softirq.start_lock);
	if (!softirq.started)
		err = thread_create("rove-softirq", softirq_thread, NULL, &thread);
	/*
	 * ORDER softirq.ready (release): the thread is there before it is said to be.
	 * Pairs with softirq.seen in rove_softirq_start().
	 */
	if (!err)
		store_release(&softirq.started, true);
	mutex_unlock(&softirq.start_lock);
	return err;
}
