/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/map/retire.c - what readers may stand on, given back when none can be
 */
#include "base/context.h"
#include "bpf/map/retire.h"

static void round_end(struct rcu_head *rcu);

/* False: nothing waits. */
static bool round_begin(struct retire *r)
{
	r->ripening = llist_take_oldest_first(&r->waiting);
	if (!r->ripening)
		return false;
	map_call_rcu(&r->rcu, round_end);
	return true;
}

static void kicked(struct rove_irq_work *work)
{
	/* Whoever queued it has added something, and nobody else takes it. */
	round_begin(container_of(work, struct retire, kick));
}

void retire_init(struct retire *r, const struct retire_ops *ops)
{
	*r = (struct retire){ .ops = ops };
	rove_irq_work_init(&r->kick, kicked);
}

/* True: the caller has to see to the next round. */
static bool become_busy(struct retire *r)
{
	/*
	 * ORDER retire.add (seq_cst): after the push.  Who stops being busy afterwards
	 * finds what was pushed.  Pairs with retire.idle in round_end().
	 */
	return !load_seq_cst(&r->busy) && !xchg_seq_cst(&r->busy, 1);
}

void retire_add(struct retire *r, struct llist_node *node)
{
	ctx_any();
	llist_push(&r->waiting, node);
	if (!become_busy(r))
		return;
	r->ops->hold(r);
	/* liburcu may make a thread for its first caller, and takes locks. */
	if (in_nmi())
		rove_irq_work_queue(&r->kick);
	else
		round_begin(r);
}

static void give_back(struct retire *r)
{
	struct llist_node *next;

	for (struct llist_node *node = r->ripening; node; node = next) {
		next = node->next;
		r->ops->give_back(r, node);
	}
}

static void round_end(struct rcu_head *rcu)
{
	struct retire *r = container_of(rcu, struct retire, rcu);

	map_rcu_told_grace();
	give_back(r);
	if (round_begin(r))
		return;
	/*
	 * ORDER retire.idle (seq_cst): before the last look at the list.  Who pushed too
	 * late to be seen there finds this and begins a round.  Pairs with retire.add in
	 * become_busy().
	 */
	store_seq_cst(&r->busy, 0);
	if (!llist_empty(&r->waiting) && become_busy(r))
		round_begin(r);
	else
		r->ops->drop(r);
}
