/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * srcu/fork.c - domains go on in a child of fork()
 *
 * Of the parent's threads the child has only the one that forked.  Sections of the others
 * never end there, so they are not waited for; a section of that one goes on, and ends where
 * it would have ended.  Counts do not say whose a section is, so each thread also counts its
 * own (read.h), by domain and index.  Domains that are static, or too many, are counted as one;
 * of these, a section of the forking thread in one may be taken for one in another, too.
 *
 * Callbacks that are queued, or that the parent's callback thread has taken but not called
 * yet, belong to the child's copies of their objects: the child calls them as well.  Its
 * thread is made when the domain is next called or waited for.
 *
 * Memory is not copied in one moment: what other threads write meanwhile may be found half
 * written.  So what is taken over is either changed under ->call_lock, which is held over
 * fork(), or is the forking thread's own; all other words are set.
 *
 * Invariant: a domain is in the list from before its first grace period, callback or fast
 *            reader until it is freed.
 * Locks:     domains_lock, then each ->call_lock; inside of all other locks of the library,
 *            because these handlers are registered before any other that locks.
 * Not here:  domains that nobody has ever sped up, waited for or called.
 */
#include <pthread.h>

#include "base/atfork.h"
#include "base/context.h"
#include "base/list.h"
#include "srcu/fork.h"
#include "srcu/read.h"

static struct mutex domains_lock;
static struct list_head domains = LIST_INIT(domains);	/* under domains_lock */
static u32 names_used = 1;	/* under domains_lock: bit n: ->name n; 0: all the others */

__thread struct srcu_own srcu_own[SRCU_OWN_NAMES];

static __thread struct atfork forking __attribute__((tls_model("initial-exec")));
/* The thread's id before it forked. */
static __thread u32 forker __attribute__((tls_model("initial-exec")));

static struct rove_srcu *domain_after(const struct list_head *pos)
{
	return pos->next == &domains ? NULL : list_entry(pos->next, struct rove_srcu, node);
}

#define for_each_domain(dom) \
	for (dom = domain_after(&domains); dom; dom = domain_after(&dom->node))

/* --- which domains there are -------------------------------------------------------------- */

/**
 * srcu_name - sections of this domain are counted apart from those of others, if possible
 * @dom:  has no readers yet: what has begun under one name must end under it
 *
 * Context: thread.
 */
void srcu_name(struct rove_srcu *dom)
{
	ctx_thread();
	mutex_lock(&domains_lock);
	for (u32 name = 1; name < SRCU_OWN_NAMES && !dom->name; name++) {
		if (!(names_used & 1u << name)) {
			names_used |= 1u << name;
			dom->name = name;
		}
	}
	mutex_unlock(&domains_lock);
}

/**
 * srcu_list - from now on fork() knows of a domain
 *
 * Context: thread.
 */
void srcu_list(struct rove_srcu *dom)
{
	ctx_thread();
	mutex_lock(&domains_lock);
	if (!dom->listed) {
		list_add_tail(&dom->node, &domains);
		WRITE_ONCE(dom->listed, true);
	}
	mutex_unlock(&domains_lock);
}

/**
 * srcu_unlist - it is about to be freed
 *
 * Context: thread.
 */
void srcu_unlist(struct rove_srcu *dom)
{
	ctx_thread();
	mutex_lock(&domains_lock);
	if (dom->listed) {
		list_del(&dom->node);
		dom->listed = false;
		if (dom->name) {
			/* What it gave away is not the next one's.  Other threads' stays. */
			srcu_own[dom->name] = (struct srcu_own){ 0 };
			names_used &= ~(1u << dom->name);
		}
	}
	mutex_unlock(&domains_lock);
}

/* --- around fork() ------------------------------------------------------------------------ */

/*
 * What this thread has begun and not ended.  A section that was ended by another thread is
 * still counted; but no more are open than all that are, so that one which was given away
 * and ended is not waited for when there is no other.
 */
static void count_own(struct rove_srcu *dom)
{
	for (u32 idx = 0; idx < 2; idx++) {
		const struct srcu_own *counts = &srcu_own[dom->name];
		s32 own = max((s32)(counts->nr_begun[idx] - counts->nr_ended[idx]), 0);

		if (own && !in_softirq())
			own = min((u64)own, srcu_open_at_most(dom, idx));
		dom->own_at_fork[idx] = own;
	}
}

static void before_fork(void)
{
	struct rove_srcu *dom;

	if (!atfork_begin(&forking))
		return;
	forker = mutex_self();
	atfork_lock(&domains_lock);
	for_each_domain(dom) {
		count_own(dom);
		atfork_lock(&dom->call_lock);
	}
}

static void after_fork_here(void)
{
	struct rove_srcu *dom;

	if (!atfork_end(&forking))
		return;
	for_each_domain(dom)
		atfork_unlock(&dom->call_lock);
	atfork_unlock(&domains_lock);
}

/* --- in the child ------------------------------------------------------------------------- */

static void restart_counts(struct rove_srcu *dom)
{
	for (u32 i = 0; dom->fast && i < dom->nr_slots; i++)
		dom->fast[i] = (struct srcu_slot){ 0 };
	for (u32 i = 0; i < SRCU_SHARED_SLOTS; i++)
		dom->shared[i] = (struct srcu_slot){ 0 };
	for (u32 idx = 0; idx < 2; idx++) {
		dom->shared[0].nr_locks[idx] = dom->own_at_fork[idx];
		if (!dom->name)
			continue;
		srcu_own[dom->name].nr_begun[idx] = dom->own_at_fork[idx];
		srcu_own[dom->name].nr_ended[idx] = 0;
	}
}

/*
 * A period that another thread had under way has not been: what its number promises is
 * promised by the next one.  One of this thread's own, which has forked when it was told
 * of a stalled reader, goes on.
 */
static void restart_domain(struct rove_srcu *dom)
{
	bool in_period = (dom->gp_lock.owner & ~MUTEX_WAITERS) == forker;

	dom->gp_lock.owner = in_period ? mutex_self() : 0;
	if (!in_period && dom->gp_seq & 1) {
		dom->gp_seq--;
		dom->gp_wanted = true;
	}
	mutex_init(&dom->thread_lock);
	atfork_unlock(&dom->call_lock);
	restart_counts(dom);
	srcu_fork_watch(dom, forker, in_period);
	srcu_fork_callbacks(dom);
}

static void after_fork_in_child(void)
{
	struct rove_srcu *dom;

	if (!atfork_end(&forking))
		return;		/* it may call exec() and _exit() */
	for_each_domain(dom)
		restart_domain(dom);
	atfork_unlock(&domains_lock);
}

/* Before everybody else's but the lock's own: so it locks last, and is inside of all others. */
static void __attribute__((constructor(102))) prepare_for_fork(void)
{
	pthread_atfork(before_fork, after_fork_here, after_fork_in_child);
}
