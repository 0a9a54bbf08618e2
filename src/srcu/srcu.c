/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * srcu/srcu.c - domains and grace periods
 *
 * Invariant: a grace period ends after the end of every section that began
 *            before it; the argument is above srcu_wait_readers().
 * Ordering:  srcu.enter -> srcu.scan, srcu.leave -> srcu.drained, srcu.gp.end ->
 *            srcu.gp.poll, srcu.fast.publish -> srcu.fast.observe
 *            (docs/memory-model.md).
 * Not here:  callbacks (callback.c), watching (watch.c), fork() (fork.c).
 */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/context.h"
#include "srcu/barrier.h"
#include "srcu/domain.h"
#include "srcu/fork.h"
#include "srcu/read.h"
#include "srcu/watch.h"

#define WAIT_SPINS 8
#define WAIT_FIRST_NS (10 * NSEC_PER_USEC)
#define WAIT_LONGEST_NS (2 * NSEC_PER_MSEC)

/**
 * rove_srcu_create - see rove/srcu.h
 */
int rove_srcu_create(struct rove_srcu **ret_dom)
{
	struct rove_srcu *dom;

	ctx_may_sleep();
	if (posix_memalign((void **)&dom, __alignof__(*dom), sizeof(*dom)))
		return -ENOMEM;
	*dom = (struct rove_srcu)SRCU_INIT;
	srcu_name(dom);
	srcu_speed_up(dom);
	*ret_dom = dom;
	return 0;
}

/**
 * rove_srcu_free - see rove/srcu.h
 */
void rove_srcu_free(struct rove_srcu *dom)
{
	ctx_may_sleep();
	if (!dom)
		return;
	srcu_stop_callbacks(dom);
	rove_srcu_unwatch(dom);
	srcu_unlist(dom);
	free(dom->fast);
	free(dom);
}

static struct srcu_slot *fast_slots_alloc(u32 nr_cpus)
{
	struct srcu_slot *slots;

	if (posix_memalign((void **)&slots, sizeof(*slots), nr_cpus * sizeof(*slots)))
		return NULL;
	memset(slots, 0, nr_cpus * sizeof(*slots));
	return slots;
}

/**
 * srcu_speed_up - give every CPU a slot of its own, if that is possible here
 * @dom:  works the same, only slower, if it is not
 *
 * Under the lock of grace periods: one that is under way may have been begun
 * without the barrier on every CPU that fast readers rely on.
 *
 * Context: may sleep.
 */
void srcu_speed_up(struct rove_srcu *dom)
{
	long nr_cpus = sysconf(_SC_NPROCESSORS_CONF);

	ctx_may_sleep();
	srcu_see_to_forks(dom);
	if (nr_cpus < 1 || !srcu_percpu_available() || !srcu_barrier_all_cpus_available())
		return;
	mutex_lock(&dom->gp_lock);
	if (!dom->fast) {
		dom->rseq = srcu_percpu_rseq();
		dom->own = (char *)&srcu_own[dom->name] - (char *)__builtin_thread_pointer();
		dom->fast = fast_slots_alloc(nr_cpus);
	}
	/*
	 * ORDER srcu.fast.publish (release): the slots are zero before readers
	 * use them.  Pairs with srcu.fast.observe in srcu_nr_fast().
	 */
	if (dom->fast)
		store_release(&dom->nr_slots, (u32)nr_cpus);
	/*
	 * ORDER srcu.fast.publish (release): the same; watched readers stay slow.
	 * Pairs with srcu.fast.observe in srcu_nr_fast().
	 */
	if (!dom->reporter)
		store_release(&dom->nr_fast, dom->nr_slots);
	mutex_unlock(&dom->gp_lock);
}

/* Those that were there when the sums began are enough: who counts in others comes later. */
static u32 nr_fast_slots(struct rove_srcu *dom)
{
	/* ORDER srcu.fast.observe (acquire): as in srcu_nr_fast().  Pairs with srcu.fast.publish. */
	return load_acquire(&dom->nr_slots);
}

static u64 srcu_sum_unlocks(struct rove_srcu *dom, u32 idx)
{
	u32 nr_slots = nr_fast_slots(dom);
	u64 sum = 0;

	/*
	 * ORDER srcu.drained (acquire): whoever waited goes on after the accesses
	 * of the sections counted here.  Pairs with srcu.leave in srcu_read_unlock().
	 */
	for (u32 i = 0; i < nr_slots; i++)
		sum += load_acquire(&dom->fast[i].nr_unlocks[idx]);
	for (u32 i = 0; i < SRCU_SHARED_SLOTS; i++)
		sum += load_acquire(&dom->shared[i].nr_unlocks[idx]);
	return sum;
}

static u64 srcu_sum_locks(struct rove_srcu *dom, u32 idx)
{
	u32 nr_slots = nr_fast_slots(dom);
	u64 sum = 0;

	/*
	 * ORDER srcu.scan (seq_cst): a section not counted here begins after
	 * everything the writer did before.  Pairs with srcu.enter in
	 * srcu_read_lock(); the barrier is in srcu_readers_gone().
	 */
	for (u32 i = 0; i < nr_slots; i++)
		sum += load_seq_cst(&dom->fast[i].nr_locks[idx]);
	for (u32 i = 0; i < SRCU_SHARED_SLOTS; i++)
		sum += load_seq_cst(&dom->shared[i].nr_locks[idx]);
	return sum;
}

/**
 * srcu_open_at_most - how many sections may be open
 *
 * Context: may sleep.
 * Return:  not less than were open under @idx during all of the call; 0: see srcu_wait_readers().
 */
u64 srcu_open_at_most(struct rove_srcu *dom, u32 idx)
{
	u64 nr_unlocks = srcu_sum_unlocks(dom, idx);

	srcu_barrier_all_cpus();
	return srcu_sum_locks(dom, idx) - nr_unlocks;
}

static bool srcu_readers_gone(struct rove_srcu *dom, u32 idx)
{
	assert_held(&dom->gp_lock);
	return !srcu_open_at_most(dom, idx);
}

static void wait_a_while(u64 ns)
{
	struct timespec ts = { .tv_nsec = ns };

	/* Not clock_nanosleep(), a cancellation point: ->gp_lock is held. */
	syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &ts, NULL);
}

/*
 * Wait until no section that began under @idx before this call is open.
 *
 * One look sums the ends, runs a barrier M on all CPUs, then sums the beginnings.
 * Let a look find both sums equal.
 *
 * (1) An end that was counted has its beginning counted too.  The beginning comes
 *     before the end: in program order, or along whatever carried the index to
 *     another thread.  The end was visible before M, so the beginning is after
 *     it.  Hence beginnings counted >= ends counted, and as the sums are equal,
 *     every beginning that was counted has its end counted.
 * (2) A beginning that was not counted took effect after M on its CPU: M would
 *     have made it visible otherwise.  So the reads of its section come after M,
 *     see everything the writer did before M, and need not be waited for.
 * (3) An end that was counted was visible before M, so the accesses of its section,
 *     which come before it in program order, are complete after M.
 *
 * So when this returns, the sections under @idx that began before the call have
 * ended, and what they did is done.  Counts are 64 bits wide and do not wrap.
 *
 * On shared slots M is the fence in srcu_barrier_all_cpus() on this side and the
 * locked instruction of srcu_read_lock() on the other; (3) is release and acquire.
 */
static void srcu_wait_readers(struct rove_srcu *dom, u32 idx)
{
	u64 wait_ns = WAIT_FIRST_NS, start_ns = 0, report_ns = 0;

	for (int looks = 1; !srcu_readers_gone(dom, idx); looks++) {
		if (looks <= WAIT_SPINS) {
			sched_yield();
			continue;
		}
		start_ns = start_ns ?: clock_mono_ns();
		if (dom->reporter && clock_mono_ns() - start_ns >= report_ns)
			report_ns = srcu_watch_report(dom, idx, clock_mono_ns() - start_ns);
		wait_a_while(wait_ns);
		wait_ns = min(wait_ns * 2, (u64)WAIT_LONGEST_NS);
	}
}

/*
 * Why two indices and two waits.  With one index, readers that keep coming could
 * keep the sums apart for ever; so new readers are sent to the other index, and
 * only the old one must drain.  But a reader may load the index, be delayed, and
 * count itself long after a flip: under the index that nobody looks at then.  The
 * next grace period would flip back and wait for the other one, and miss it.
 * Hence the first wait: it finds such latecomers before the index is used again.
 * Only readers delayed between two instructions come there, so it ends.
 *
 * tests/unit/srcu/srcu_model_test.c visits every interleaving of a small case, and
 * finds one that fails when a wait, the barrier, or the order of the sums is dropped.
 *
 * Context: may sleep, under ->gp_lock.
 */
void srcu_grace_period(struct rove_srcu *dom)
{
	u32 idx = dom->idx;

	assert_held(&dom->gp_lock);
	WRITE_ONCE(dom->gp_seq, dom->gp_seq + 1);
	srcu_wait_readers(dom, !idx);
	WRITE_ONCE(dom->idx, !idx);
	srcu_wait_readers(dom, idx);
	/*
	 * ORDER srcu.gp.end (release): the readers' accesses come before the end
	 * of the period.  Pairs with srcu.gp.poll in rove_srcu_poll_state().
	 */
	store_release(&dom->gp_seq, dom->gp_seq + 1);
}

/**
 * rove_srcu_read_lock - see rove/srcu.h
 */
int rove_srcu_read_lock(struct rove_srcu *dom)
{
	ctx_any();
	return srcu_read_lock_from(dom, __builtin_return_address(0));
}

/**
 * rove_srcu_read_unlock - see rove/srcu.h
 */
void rove_srcu_read_unlock(struct rove_srcu *dom, int idx)
{
	ctx_any();
	srcu_read_unlock(dom, idx);
}

/**
 * rove_srcu_synchronize - see rove/srcu.h
 *
 * Those who wait for the lock while a period runs share the next one.
 */
void rove_srcu_synchronize(struct rove_srcu *dom)
{
	u64 cookie = rove_srcu_get_state(dom);

	ctx_may_sleep();
	srcu_see_to_forks(dom);
	mutex_lock(&dom->gp_lock);
	if (!rove_srcu_poll_state(dom, cookie))
		srcu_grace_period(dom);
	mutex_unlock(&dom->gp_lock);
}

/**
 * rove_srcu_get_state - see rove/srcu.h
 *
 * A period under way may have looked already, so it does not count.  The fence
 * orders the caller's changes before the look at gp_seq: if it finds no period
 * begun, the next one begins, and looks, after them.
 */
uint64_t rove_srcu_get_state(struct rove_srcu *dom)
{
	ctx_any();
	srcu_fence();
	return (READ_ONCE(dom->gp_seq) + 3) & ~1ull;
}

/**
 * rove_srcu_poll_state - see rove/srcu.h
 */
bool rove_srcu_poll_state(struct rove_srcu *dom, uint64_t cookie)
{
	ctx_any();
	/*
	 * ORDER srcu.gp.poll (acquire): the caller goes on after the readers'
	 * accesses.  Pairs with srcu.gp.end in srcu_grace_period().
	 */
	return load_acquire(&dom->gp_seq) >= cookie;
}
