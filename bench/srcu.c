/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bench/srcu.c - what a read section costs, beside liburcu's
 *
 * Each way is timed in turn, round after round, so that a drift of the machine
 * meets all of them.  A library call is made through a pointer, for all alike.
 *
 *	srcu [-n ROUNDS] [-j FILE]
 *
 * Not here: a verdict.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _LGPL_SOURCE		/* liburcu: inline */
#include <urcu/urcu-bp.h>
#include <urcu/urcu-memb.h>

#include "bench/stats.h"
#include "srcu/read.h"

#define PAIRS_PER_SAMPLE 1000000u
#define SYNCS_PER_SAMPLE 500u

/* The same functions, not inlined. */
extern void bp_read_lock_call(void) __asm__("urcu_bp_read_lock");
extern void bp_read_unlock_call(void) __asm__("urcu_bp_read_unlock");
extern void memb_read_lock_call(void) __asm__("urcu_memb_read_lock");
extern void memb_read_unlock_call(void) __asm__("urcu_memb_read_unlock");

static int (*volatile srcu_lock)(struct rove_srcu *dom) = rove_srcu_read_lock;
static void (*volatile srcu_unlock)(struct rove_srcu *dom, int idx) = rove_srcu_read_unlock;
static void (*volatile bp_lock)(void) = bp_read_lock_call;
static void (*volatile bp_unlock)(void) = bp_read_unlock_call;
static void (*volatile memb_lock)(void) = memb_read_lock_call;
static void (*volatile memb_unlock)(void) = memb_read_unlock_call;

static struct rove_srcu *fast_domain;
static struct rove_srcu shared_domain = SRCU_INIT;	/* never sped up */
static struct rove_srcu *watched_domain;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

#define REPEAT(nr) for (u32 i_ = 0; i_ < (nr); i_++)

static void srcu_inlined(void)
{
	REPEAT(PAIRS_PER_SAMPLE)
		srcu_read_unlock(fast_domain, srcu_read_lock(fast_domain));
}

static void srcu_called(void)
{
	REPEAT(PAIRS_PER_SAMPLE)
		srcu_unlock(fast_domain, srcu_lock(fast_domain));
}

static void srcu_shared_called(void)
{
	REPEAT(PAIRS_PER_SAMPLE)
		srcu_unlock(&shared_domain, srcu_lock(&shared_domain));
}

static void srcu_watched(void)
{
	REPEAT(PAIRS_PER_SAMPLE)
		srcu_read_unlock(watched_domain, srcu_read_lock(watched_domain));
}

static void bp_inlined(void)
{
	REPEAT(PAIRS_PER_SAMPLE) {
		urcu_bp_read_lock();
		urcu_bp_read_unlock();
	}
}

static void bp_called(void)
{
	REPEAT(PAIRS_PER_SAMPLE) {
		bp_lock();
		bp_unlock();
	}
}

static void memb_inlined(void)
{
	REPEAT(PAIRS_PER_SAMPLE) {
		urcu_memb_read_lock();
		urcu_memb_read_unlock();
	}
}

static void memb_called(void)
{
	REPEAT(PAIRS_PER_SAMPLE) {
		memb_lock();
		memb_unlock();
	}
}

static void mutex_pair(void)
{
	REPEAT(PAIRS_PER_SAMPLE) {
		pthread_mutex_lock(&mutex);
		pthread_mutex_unlock(&mutex);
	}
}

static void srcu_sync(void)
{
	REPEAT(SYNCS_PER_SAMPLE)
		rove_srcu_synchronize(fast_domain);
}

static void bp_sync(void)
{
	REPEAT(SYNCS_PER_SAMPLE)
		urcu_bp_synchronize_rcu();
}

static void memb_sync(void)
{
	REPEAT(SYNCS_PER_SAMPLE)
		urcu_memb_synchronize_rcu();
}

/* The time of one operation among many. */
struct way {
	void (*run)(void);
	u32 nr;
};

#define SECTION(fn) &(struct way){ .run = fn, .nr = PAIRS_PER_SAMPLE }, PAIRS_PER_SAMPLE
#define PERIOD(fn) &(struct way){ .run = fn, .nr = SYNCS_PER_SAMPLE }, SYNCS_PER_SAMPLE

static double once(void *arg)
{
	const struct way *way = arg;
	u64 start_ns = clock_mono_ns();

	way->run();
	return clock_mono_ns() - start_ns;
}

static struct bench_case sections[] = {
	{ "rove srcu, inlined", once, SECTION(srcu_inlined) },
	{ "liburcu memb, inlined", once, SECTION(memb_inlined) },
	{ "liburcu bp, inlined", once, SECTION(bp_inlined) },
	{ "rove srcu, call", once, SECTION(srcu_called) },
	{ "liburcu memb, call", once, SECTION(memb_called) },
	{ "liburcu bp, call", once, SECTION(bp_called) },
	{ "rove srcu without rseq or membarrier, call", once, SECTION(srcu_shared_called) },
	{ "rove srcu, watched (rove_srcu_watch())", once, SECTION(srcu_watched) },
	{ "pthread mutex", once, SECTION(mutex_pair) },
};

static struct bench_case periods[] = {
	{ "rove srcu", once, PERIOD(srcu_sync) },
	{ "liburcu memb", once, PERIOD(memb_sync) },
	{ "liburcu bp", once, PERIOD(bp_sync) },
};

static void print_table(const char *title, const struct bench_case *cases, u32 nr)
{
	printf("%-46s %10s   %s\n", title, "median ns", "min .. max");
	for (u32 i = 0; i < nr; i++)
		printf("  %-44s %10.2f   %.2f .. %.2f\n", cases[i].name, bench_median(&cases[i]),
		       cases[i].samples[0], cases[i].samples[cases[i].nr - 1]);
}

int main(int argc, char **argv)
{
	struct bench_options opts = { .rounds = 15 };

	bench_getopt(argc, argv, "", &opts);
	if (rove_srcu_create(&fast_domain) || rove_srcu_create(&watched_domain) ||
	    rove_srcu_watch(watched_domain, &(struct rove_srcu_watch_opts){
			.size = sizeof(struct rove_srcu_watch_opts), .timeout_ns = NSEC_PER_SEC,
	    })) {
		fprintf(stderr, "srcu: no memory\n");
		return 1;
	}
	if (!fast_domain->nr_fast)
		printf("no rseq or no membarrier(2) here: \"rove srcu\" uses shared slots\n");
	urcu_memb_register_thread();
	bench_run(sections, ARRAY_SIZE(sections), opts.rounds);
	bench_run(periods, ARRAY_SIZE(periods), opts.rounds);
	print_table("one read section: begin + end", sections, ARRAY_SIZE(sections));
	print_table("one grace period, nobody reading", periods, ARRAY_SIZE(periods));
	bench_json(&opts, "srcu-section", "ns", sections, ARRAY_SIZE(sections));
	bench_json(&opts, "srcu-grace-period", "ns", periods, ARRAY_SIZE(periods));
	urcu_memb_unregister_thread();
	rove_srcu_free(watched_domain);
	rove_srcu_free(fast_domain);
	return 0;
}
