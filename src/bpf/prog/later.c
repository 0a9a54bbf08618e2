/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/prog/later.c - give back references to a program from any context
 *
 * Who replaces the callback of a timer may be a signal handler, which may not free
 * a program, and somebody else may be about to call the old one.  So its reference
 * is only counted here; it is put after a grace period of maps.
 *
 * Invariant: while ->later is not 0, one round is under way, and ->later_batch of
 *            them have been counted before its grace period began.
 */
#include "base/context.h"
#include "bpf/map/rcu.h"
#include "bpf/prog/prog.h"

static void begin_round(struct bpf_prog *prog);

static void end_round(struct rcu_head *head)
{
	struct bpf_prog *prog = container_of(head, struct bpf_prog, later_rcu);
	u32 nr;

	map_rcu_told_grace();
	nr = prog->later_batch;
	/*
	 * ORDER prog.later.end (acq_rel): what others did with the program before they
	 * counted comes before it is freed; and this round comes before the next.  Pairs
	 * with prog.later.count in prog_put_later().
	 */
	if (sub_fetch_acq_rel(&prog->later, nr))
		begin_round(prog);
	while (nr--)
		object_put(&prog->obj);
}

static void begin_round(struct bpf_prog *prog)
{
	prog->later_batch = READ_ONCE(prog->later);
	map_call_rcu(&prog->later_rcu, end_round);
}

static void begin_from_softirq(struct rove_irq_work *work)
{
	begin_round(container_of(work, struct bpf_prog, later_work));
}

/**
 * prog_put_later - prog_put(), a grace period of maps later
 *
 * Context: any.
 */
void prog_put_later(struct object *obj)
{
	struct bpf_prog *prog = prog_of_object(obj);

	ctx_any();
	/*
	 * ORDER prog.later.count (acq_rel): the last round is over before the next begins.
	 * Pairs with prog.later.end in end_round().
	 */
	if (fetch_add_acq_rel(&prog->later, 1))
		return;		/* the round that is under way begins another one */
	if (!in_nmi()) {
		begin_round(prog);
		return;
	}
	rove_irq_work_init(&prog->later_work, begin_from_softirq);
	rove_irq_work_queue(&prog->later_work);
}
