/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/map/retire.h - what readers may stand on, given back when none can be
 *
 * Any context retires a thing that nobody can find any more; after a grace period of
 * maps the owner gets it back, on liburcu's thread.  Things gather while a period is
 * under way and share the next one, so retiring costs one exchange, not a call of
 * liburcu.  A signal handler may not make that call; it has it made by an irq_work,
 * which needs the softirq thread (rove_softirq_start()).
 *
 * Invariant: ->busy says that a round is under way or about to begin in this process; then,
 *            and only then, there is one who will look at ->waiting again.
 * Ordering:  retire.add -> retire.idle (docs/memory-model.md).
 */
#ifndef ROVE_BPF_MAP_RETIRE_H
#define ROVE_BPF_MAP_RETIRE_H

#include <rove/irq_work.h>

#include "base/llist.h"
#include "bpf/map/rcu.h"

struct retire;

struct retire_ops {
	/* From its first retiring to the last one's end the owner may not go away. */
	void (*hold)(struct retire *r);		/* any context */
	void (*drop)(struct retire *r);		/* liburcu's thread; any, if it is not the last */
	/* Nobody can be standing on it any more.  liburcu's thread. */
	void (*give_back)(struct retire *r, struct llist_node *node);
};

/*
 * I  set before the first use, never changed
 * A  atomic
 * R  the round's
 */
struct retire {
	const struct retire_ops	*ops;		/* I */
	struct llist		waiting;	/* A: for the next round */
	u32			busy;		/* A: 0; a round; or a process that begins one */
	struct llist_node	*ripening;	/* R: what this round waits for; NULL: nothing yet */
	struct rove_irq_work	kick;		/* R */
	struct rcu_head		rcu;		/* R */
};

void retire_init(struct retire *r, const struct retire_ops *ops);

/*
 * @node: in what can be found no more.  Context: any, but in no lock of a map; in a
 * read section, or the owner is held otherwise.
 */
void retire_add(struct retire *r, struct llist_node *node);

#endif
