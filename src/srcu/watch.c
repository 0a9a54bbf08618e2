/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * srcu/watch.c - who is inside a section, while somebody wants to know
 *
 * Sections are found by counts, and a count has no name.  While a domain is
 * watched, its readers see no fast slots and so come to srcu_read_lock_slow(),
 * which leaves a record; what the reader gets is the index with the number of the
 * record above it, so that whoever ends the section finds the record, on whatever
 * thread.  Nothing of this is on the way of readers that are not watched.
 *
 * Invariant: a record is in use from its reader's claim to the end of the section.
 *            A watch lives until a grace period after the last reader could load
 *            its pointer, and readers load it inside their sections only.
 * Ordering:  srcu.watch.publish -> srcu.watch.observe, srcu.record.free ->
 *            srcu.record.claim, srcu.record.fill -> srcu.record.show
 *            (docs/memory-model.md).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/context.h"
#include "base/symbol.h"
#include "srcu/fork.h"
#include "srcu/read.h"
#include "srcu/watch.h"

#define NR_RECORDS 1024		/* a power of two; sections open at once that have a name */
#define NR_PROBES 16
#define NAME_BYTES 64

/*
 * A  atomic; the ORDER tag at each access says why
 */
struct srcu_record {
	u32		tid;		/* A: 0 means free */
	u32		idx;		/* A */
	u64		start_ns;	/* A: 0 while it is being filled */
	const void	*where;		/* A */
};

/*
 * I  set before the domain shows it, never changed
 * G  under the domain's ->gp_lock
 */
struct srcu_watch {
	struct srcu_record	records[NR_RECORDS];
	char			name[NAME_BYTES];	/* I */
	u64			timeout_ns;		/* I */
	void			(*fn)(void *arg, const struct rove_srcu_stall *stall);	/* I */
	void			*arg;			/* I */
};

/* Coarse, because it is read at each section's beginning: some milliseconds late. */
static u64 clock_coarse_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	return (u64)ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec + 1;
}

/**
 * srcu_watch_enter - leave a record of a section
 *
 * Context: any; inside the section.
 * Return:  what to put above the index, not 0; 0 if there was no room.
 */
u32 srcu_watch_enter(struct srcu_watch *watch, u32 idx, const void *where)
{
	u32 tid = mutex_self(), at = tid * 0x9e3779b1u >> 16;

	ctx_any();
	for (u32 i = 0; i < NR_PROBES; i++) {
		u32 nr = (at + i) & (NR_RECORDS - 1), free_tid = 0;
		struct srcu_record *record = &watch->records[nr];

		/*
		 * ORDER srcu.record.claim (acquire): the record is written after its
		 * last user's end of it.  Pairs with srcu.record.free in
		 * srcu_watch_leave().
		 */
		if (READ_ONCE(record->tid) || !cmpxchg_acquire(&record->tid, &free_tid, tid))
			continue;
		WRITE_ONCE(record->idx, idx);
		WRITE_ONCE(record->where, where);
		/*
		 * ORDER srcu.record.fill (release): the record is complete before it
		 * has a time.  Pairs with srcu.record.show in record_read().
		 */
		store_release(&record->start_ns, clock_coarse_ns());
		return nr + 1;
	}
	return 0;
}

/**
 * srcu_watch_leave - take a record back
 * @tag:  not 0
 *
 * Context: any; still inside the section.
 */
void srcu_watch_leave(struct srcu_watch *watch, u32 tag)
{
	struct srcu_record *record = &watch->records[(tag - 1) & (NR_RECORDS - 1)];

	ctx_any();
	WRITE_ONCE(record->start_ns, 0);
	/*
	 * ORDER srcu.record.free (release): pairs with srcu.record.claim in
	 * srcu_watch_enter().
	 */
	store_release(&record->tid, 0);
}

/* False if it is free, or was given back meanwhile. */
static bool record_read(const struct srcu_record *record, struct srcu_record *ret)
{
	/*
	 * ORDER srcu.record.show (acquire): what is read after the time belongs to
	 * it, or to a later section, which the second look finds.  Pairs with
	 * srcu.record.fill in srcu_watch_enter().
	 */
	ret->start_ns = load_acquire(&record->start_ns);
	ret->tid = READ_ONCE(record->tid);
	ret->idx = READ_ONCE(record->idx);
	ret->where = READ_ONCE(record->where);
	return ret->start_ns && ret->tid && READ_ONCE(record->start_ns) == ret->start_ns;
}

static void say_on_stderr(const struct rove_srcu_stall *stall)
{
	double waited = (double)stall->waited_ns / NSEC_PER_SEC;

	if (!stall->tid)
		fprintf(stderr, "rove: srcu '%s': waits since %.1f s for readers without "
			"a record\n", stall->name, waited);
	else
		fprintf(stderr, "rove: srcu '%s': reader tid %u (%s) in section since %.1f s, "
			"entered at %s\n", stall->name, stall->tid,
			stall->comm[0] ? stall->comm : "ended",
			(double)stall->section_ns / NSEC_PER_SEC, stall->function);
}

static void tell(const struct srcu_watch *watch, const struct rove_srcu_stall *stall)
{
	if (!watch->fn) {
		say_on_stderr(stall);
		return;
	}
	/* It may fork, and for that ->gp_lock is as if it were not held (fork.c). */
	mutex_count(-1);
	watch->fn(watch->arg, stall);
	mutex_count(1);
}

static void report_record(const struct srcu_watch *watch, const struct srcu_record *record,
			  u64 waited_ns)
{
	u64 now_ns = clock_coarse_ns();
	char function[SYMBOL_BYTES];
	struct rove_srcu_stall stall = {
		.tid = record->tid,
		.name = watch->name,
		.waited_ns = waited_ns,
		.section_ns = now_ns > record->start_ns ? now_ns - record->start_ns : 0,
		.address = record->where,
		.function = function,
	};

	thread_comm(record->tid, stall.comm);
	/* A return address: the call before it is what began the section. */
	symbol_name((const char *)record->where - 1, function, sizeof(function));
	tell(watch, &stall);
}

/**
 * srcu_watch_report - a grace period has waited for so long: for whom?
 * @dom:        watched
 * @idx:        under which it waits
 * @waited_ns:  so far
 *
 * Context: may sleep, under the domain's ->gp_lock.
 * Return:  when to ask again, in ns of waiting.
 */
u64 srcu_watch_report(struct rove_srcu *dom, u32 idx, u64 waited_ns)
{
	const struct srcu_watch *watch = dom->reporter;
	int state CANCEL_HELD = cancel_hold();	/* the lock is held, and @watch->fn may print */
	u32 nr = 0;

	ctx_may_sleep();
	assert_held(&dom->gp_lock);
	if (waited_ns < watch->timeout_ns)
		return watch->timeout_ns;
	for (u32 i = 0; i < NR_RECORDS; i++) {
		struct srcu_record record;

		if (record_read(&watch->records[i], &record) && record.idx == idx) {
			report_record(watch, &record, waited_ns);
			nr++;
		}
	}
	if (!nr)
		tell(watch, &(struct rove_srcu_stall){
			.name = watch->name, .waited_ns = waited_ns, .function = "",
		});
	return waited_ns * 2;
}

static struct srcu_watch *watch_alloc(const struct rove_srcu_watch_opts *opts)
{
	struct srcu_watch *watch = calloc(1, sizeof(*watch));

	if (!watch)
		return NULL;
	snprintf(watch->name, sizeof(watch->name), "%s", opts->name ? opts->name : "?");
	watch->timeout_ns = opts->timeout_ns;
	watch->fn = opts->fn;
	watch->arg = opts->arg;
	return watch;
}

/**
 * rove_srcu_watch - see rove/srcu.h
 *
 * Under the lock of grace periods, because one that runs uses ->watch.
 */
int rove_srcu_watch(struct rove_srcu *dom, const struct rove_srcu_watch_opts *opts)
{
	struct srcu_watch *watch;
	int err = 0;

	ctx_may_sleep();
	if (opts->size != sizeof(*opts) || !opts->timeout_ns)
		return -EINVAL;
	watch = watch_alloc(opts);
	if (!watch)
		return -ENOMEM;
	mutex_lock(&dom->gp_lock);
	if (dom->reporter) {
		err = -EBUSY;
	} else {
		/*
		 * ORDER srcu.watch.publish (release): the records are there before
		 * readers see them.  Pairs with srcu.watch.observe in srcu_watch_of().
		 */
		store_release(&dom->watch, watch);
		dom->reporter = watch;
		WRITE_ONCE(dom->nr_fast, 0);
	}
	mutex_unlock(&dom->gp_lock);
	if (err)
		free(watch);
	return err;
}

/**
 * rove_srcu_unwatch - see rove/srcu.h
 *
 * Sections with a tagged index must end before readers are sent to the fast slots,
 * where an index is 0 or 1; they have, after a grace period that began when no new
 * tag could be given.
 */
void rove_srcu_unwatch(struct rove_srcu *dom)
{
	struct srcu_watch *watch;

	ctx_may_sleep();
	mutex_lock(&dom->gp_lock);
	watch = dom->reporter;
	if (watch) {
		WRITE_ONCE(dom->watch, NULL);
		srcu_grace_period(dom);
		dom->reporter = NULL;
		/*
		 * ORDER srcu.fast.publish (release): as in srcu_speed_up().  Pairs
		 * with srcu.fast.observe in srcu_nr_fast().
		 */
		store_release(&dom->nr_fast, dom->nr_slots);
	}
	mutex_unlock(&dom->gp_lock);
	free(watch);
}

/**
 * srcu_fork_watch - in a child of fork(): records of other threads' sections end with them
 * @old_tid:    of the thread that forked: its records go on, under its new id
 * @in_period:  the forking thread holds ->gp_lock, so nothing is half done
 *
 * What another thread had begun of rove_srcu_watch() has been done, of rove_srcu_unwatch()
 * has not: either way readers with a record may be there.
 *
 * Context: the only thread of the process.
 */
void srcu_fork_watch(struct rove_srcu *dom, u32 old_tid, bool in_period)
{
	struct srcu_watch *watch = dom->reporter ?: dom->watch;

	for (u32 i = 0; watch && i < NR_RECORDS; i++) {
		struct srcu_record *record = &watch->records[i];
		bool mine = record->tid == old_tid && record->start_ns;

		WRITE_ONCE(record->tid, mine ? mutex_self() : 0);
		WRITE_ONCE(record->start_ns, mine ? record->start_ns : 0);
	}
	if (in_period)
		return;
	dom->watch = dom->reporter = watch;
	dom->nr_fast = watch ? 0 : dom->nr_slots;
}
