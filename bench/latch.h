/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bench/latch.h - a timer whose operations pass through a sequence-latched slot
 *
 * The protocol that bpf_timer had in the kernel for a while, for comparison: one
 * writer at a time puts a command into a slot of two copies, others are refused;
 * whoever takes the newest command performs it: the writer itself in a thread, the
 * handler of an irq_work where the writer was a signal handler.
 */
#ifndef ROVE_BENCH_LATCH_H
#define ROVE_BENCH_LATCH_H

#include <errno.h>
#include <string.h>
#include <time.h>

#include <rove/irq_work.h>
#include <rove/timer.h>

#include "base/atomic.h"
#include "base/context.h"

enum latch_op { LATCH_START, LATCH_CANCEL };

struct latch_command {
	u64 nsec;
	u32 op;
};

struct latch_timer {
	u32 writer;			/* A: 1 while somebody writes */
	u32 seq;			/* A: the copy to read is number seq & 1 */
	struct latch_command copy[2];
	u32 last;			/* A: the newest that was performed */
	u32 refs;			/* A: of those who deferred */
	struct rove_irq_work work;
	struct rove_hrtimer timer;
};

static inline bool latch_take(struct latch_timer *t, struct latch_command *ret_command)
{
	for (;;) {
		u32 last = load_acquire(&t->last), seq = load_acquire(&t->seq);

		if (seq == last)
			return false;
		ret_command->nsec = READ_ONCE(t->copy[seq & 1].nsec);
		ret_command->op = READ_ONCE(t->copy[seq & 1].op);
		if (load_acquire(&t->seq) == seq && cmpxchg_acq_rel(&t->last, &last, seq))
			return true;
	}
}

static inline void latch_perform(struct latch_timer *t)
{
	struct latch_command command;

	if (!latch_take(t, &command))
		return;
	if (command.op == LATCH_START)
		rove_hrtimer_start(&t->timer, command.nsec, ROVE_HRTIMER_REL);
	else
		rove_hrtimer_try_to_cancel(&t->timer);
}

static void latch_deferred(struct rove_irq_work *work)
{
	struct latch_timer *t = container_of(work, struct latch_timer, work);

	latch_perform(t);
	sub_fetch_acq_rel(&t->refs, 1);
}

static inline void latch_write(struct latch_command *copy, enum latch_op op, u64 nsec)
{
	WRITE_ONCE(copy->nsec, nsec);
	WRITE_ONCE(copy->op, op);
}

/* -EBUSY: somebody else is writing, and this operation is lost. */
static inline int latch_do(struct latch_timer *t, enum latch_op op, u64 nsec)
{
	u32 free = 0;

	if (!cmpxchg_acquire(&t->writer, &free, 1))
		return -EBUSY;
	store_release(&t->seq, t->seq + 1);
	latch_write(&t->copy[0], op, nsec);
	store_release(&t->seq, t->seq + 1);
	latch_write(&t->copy[1], op, nsec);
	store_release(&t->writer, 0);
	if (!in_nmi()) {
		latch_perform(t);
		return 0;
	}
	fetch_add_relaxed(&t->refs, 1);
	if (!rove_irq_work_queue(&t->work))
		sub_fetch_acq_rel(&t->refs, 1);
	return 0;
}

static inline void latch_init(struct latch_timer *t, rove_hrtimer_fn *fn)
{
	memset(t, 0, sizeof(*t));
	rove_irq_work_init(&t->work, latch_deferred);
	rove_hrtimer_init(&t->timer, CLOCK_MONOTONIC, fn);
}

#endif
