/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/worker.h - who runs works
 *
 * A worker is a thread of a pool, a rescuer, or a thread of the application that
 * helps with what it waits for.  It takes works from a shard in batches; a batch lies
 * in ->slot, one word each, and whoever exchanges such a word for 0 owns the work:
 * usually the worker itself, else somebody who takes the work back or runs it first.
 *
 * Invariant: ->current is the work that is being run, and said so before the work's
 *            state is; it is left before anybody is told that the run has ended.
 * Ordering:  worker.end -> worker.ended, worker.attend -> worker.notice
 *            (docs/memory-model.md).
 */
#ifndef ROVE_WQ_WORKER_H
#define ROVE_WQ_WORKER_H

#include "wq/probe.h"
#include "wq/shard.h"

#define WORKER_SLOTS 32

/* How long a worker looks for works at most before it sleeps. */
#define WORKER_SPIN_NS (64 * NSEC_PER_USEC)
#define WORKER_ID_MAX 0xffff

#define SLOT_COLOR 1ul
#define SLOT_ORDERED 2ul	/* only the worker itself, or who wants this very work, takes it out */
#define SLOT_BITS 7ul

enum worker_state {
	WORKER_IDLE,		/* sleeps, or is about to: in the pool's stack of idle workers */
	WORKER_ACTIVE,		/* counted in pool.nr_running: looks for work, or runs it */
	WORKER_STALLED,		/* in a work for long: not counted, the manager found out */
	WORKER_BLOCKED,		/* in a work that waits: not counted, it said so */
	WORKER_INTENSIVE,	/* in a work of a CPU-intensive queue: not counted */
};

/*
 * I  set before the worker runs, never changed while it does
 * A  atomic; the ORDER tag at each access says why
 * L  under ->lock
 * P  under the pool's lock
 * W  the worker itself
 *
 * Workers are never freed, only used again.
 */
struct worker {
	struct rove_work	*current;	/* A: written by the worker only */
	u32			attention;	/* A: somebody waits for the end of ->current */
	u32			id;		/* I: in the table of workers; in works' states */
	struct worker_pool	*pool;		/* I, looked at by anybody: NULL: helps */
	struct shard		*shard;		/* A: where the batch is from; NULL: none */
	struct lane		*lane;		/* A: whose token it holds, or is putting back; written
						 * by the worker only */
	u32			color;		/* W: under which the batch is in flight */
	u64			nr_begun;	/* A: works, since ever */
	rove_work_fn		*current_fn;	/* A: of ->current, which may free itself */
	u64			take_ns;	/* A: when the batch was taken; 0: not known */
	u32			nr_ended;	/* W: of the batch, not yet said */
	u32			ended_color;	/* W: theirs, and of the one being run */
	u32			nr_batch;	/* W: slots in use */
	bool			searching;	/* W: counted in pool.nr_searching */
	bool			leaves_more;	/* W: the batch was not all */
	bool			came_home;	/* W: from a CPU outside of its pod, before it slept */
	unsigned long		slot[WORKER_SLOTS] __attribute__((aligned(CACHE_LINE)));
						/* A: work and SLOT_COLOR, or 0 */

	struct mutex		lock __attribute__((aligned(CACHE_LINE)));
						/* nests inside everything */
	struct watcher		*watchers;	/* L: of ->current */
	struct rove_work	*parked;	/* L: pending again while ->current, by ->next */

	u32			wake_word __attribute__((aligned(CACHE_LINE)));
						/* A: a futex: 0: may sleep */
	u32			idle_next;	/* A: in a stack of idle workers */
	u32			idle_cpu;	/* of who has claimed it: the CPU it went to sleep on */
	struct shard		*hint;		/* A: where to look first, by who woke it; or NULL */
	u32			state;		/* A: enum worker_state */
	u32			block_depth;	/* W */
	u32			nr_spins_wasted; /* W: searches since the last that found something */
	u32			searched;	/* W: for the last work, before it slept; 0: not at all */
	bool			has_slept;	/* W: since it took the last work */
	u64			slept_ns;	/* W: the last time, until there was a work */
	struct list_head	node;		/* P: of pool.workers */
	struct worker		*outer;		/* W: who helps from inside a work of this one */
	struct rove_workqueue	*rescues;	/* I: the rescuer of this queue */
	u32			tid;		/* A: 0: not started */
	u32			dying;		/* A: it shall end */
	struct probe_memory	memory;		/* the manager's: what it saw last */
	u64			idle_since_ns;	/* A: when it went to sleep */
	u64			ended_ns;	/* W: when its last batch had been run, or it began */
	bool			may_poll;	/* W: it has not polled in vain since its last work */
	bool			beside;		/* W: the last work it polled for came from its own CPU */
	u64			polled_at_ns;	/* W: when it knew last that it was on a CPU, polling */
	u64			polled_ns;	/* A: how long it has polled, since ever */
	u64			polled_seen_ns;	/* the manager's: at its last look */
};

extern __thread struct worker *worker_self __attribute__((tls_model("initial-exec")));

struct worker *worker_alloc(void);
void worker_release(struct worker *w);
struct worker *worker_by_id(u32 id);
u32 worker_id_end(void);

/* run.c: batches */
bool worker_run_batch(struct worker *w, unsigned long first);
bool worker_end_batch(struct worker *w);
void worker_give_back(struct worker *w);
bool worker_claim_slot(struct worker *w, u32 i, unsigned long slot);

/* worker.c: threads */
int worker_start(struct worker_pool *pool);
void worker_wake(struct worker *w);
void worker_uncount(struct worker *w, enum worker_state state);
void worker_recount(struct worker *w);

/* Is @w in @work?  Context: any. */
static inline bool worker_is_in(struct worker *w, const struct rove_work *work)
{
	/*
	 * ORDER worker.ended (seq_cst): who finds the worker out of a work comes after the
	 * run, and who does not has asked for attention before.  Pairs with worker.end
	 * in run_claimed() and worker_end_batch().
	 */
	return load_seq_cst(&w->current) == work;
}

#endif
