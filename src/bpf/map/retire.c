/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/map/retire.c - what readers may stand on, given back when none can be
 */
#include "base/context.h"
#include "base/forks.h"
#include "bpf/map/retire.h"

/* In ->busy: liburcu has been told; its queue is kept over fork(). */
#define BUSY_ROUND 1

/* Somebody in this process is about to tell it. */
static u32 busy_begin(void)
{
	return process_forks << 2 | 2;
}

static void round_end(struct rcu_head *rcu);

/* False: nothing waits. */
static bool round_begin(struct retire *r)
{
	/* In a child there may be what the parent's thread was about to tell. */
	if (!r->ripening)
		r->ripening = llist_take_oldest_first(&r->waiting);
	if (!r->ripening)
		return false;
	WRITE_ONCE(r->busy, BUSY_ROUND);
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

/* Does somebody see to the next round?  A thread of the parent's does not. */
static bool is_seen_to(u32 busy)
{
	return busy == BUSY_ROUND || busy == busy_begin();
}

/*
 * True: the caller has to see to the next round.
 * @has_hold: it holds the owner; otherwise it does on true, unless one holds it who sees to it
 *            no more.
 */
static bool become_busy(struct retire *r, bool has_hold)
{
	/*
	 * ORDER retire.add (seq_cst): after the push.  Who stops being busy afterwards
	 * finds what was pushed.  Pairs with retire.idle in round_end().
	 */
	u32 busy = load_seq_cst(&r->busy);

	while (!is_seen_to(busy)) {
		bool holds = !busy && !has_hold;

		if (holds)
			r->ops->hold(r);
		/* ORDER retire.add (seq_cst): as above.  Pairs with retire.idle in round_end(). */
		if (cmpxchg_seq_cst(&r->busy, &busy, busy_begin()))
			return true;
		if (holds)
			r->ops->drop(r);
	}
	return false;
}

void retire_add(struct retire *r, struct llist_node *node)
{
	ctx_any();
	llist_push(&r->waiting, node);
	if (!become_busy(r, false))
		return;
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
	r->ripening = NULL;
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
	if (!llist_empty(&r->waiting) && become_busy(r, true))
		round_begin(r);
	else
		r->ops->drop(r);
}
