/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/async/cell.h - the control block behind a timer or work in a map's value
 */
#ifndef ROVE_BPF_ASYNC_CELL_H
#define ROVE_BPF_ASYNC_CELL_H

#include <rove/irq_work.h>
#include <rove/timer.h>
#include <rove/workqueue.h>

#include "bpf/async/async.h"
#include "bpf/async/cell_state.h"
#include "bpf/core/func.h"
#include "bpf/map/fields.h"
#include "bpf/map/rcu.h"

/*
 * I  set before the cell is attached, never changed
 * A  atomic
 * R  the one who detached the cell, once
 */
struct cell {
	struct async_cell	head;		/* I */
	struct bpf_map		*map;		/* I: whose callback it is gives it */
	void			*value;		/* I */
	const struct bpf_func	*func;		/* A: NULL: none; CELL_DEAD */
	struct rove_irq_work	reap;		/* R */
	struct rcu_head		rcu;		/* R */
	void			(*after_grace)(struct rcu_head *head);	/* R */
	union {
		struct rove_hrtimer timer;	/* BTF_FIELD_TIMER */
		struct rove_work work;		/* BTF_FIELD_WQ */
	};
};

extern const struct async_cell_ops cell_timer_ops, cell_work_ops;

static inline struct cell *cell_of(struct async_cell *head)
{
	return container_of(head, struct cell, head);
}

static inline struct cell *cell_of_field(struct async_field *field)
{
	struct async_cell *head = async_field_cell(field);

	return head ? cell_of(head) : NULL;
}

int cell_create(struct bpf_map *map, struct async_field *field, enum btf_field_kind kind,
		struct cell **ret_cell);
int cell_attach(struct cell *cell, struct async_field *field);
int cell_can_start(const struct cell *cell);
void cell_forget_callback(struct cell *cell);
void cell_call(struct cell *cell);
void cell_die(struct cell *cell);
void cell_reap_later(struct cell *cell, void (*after_grace)(struct rcu_head *head));

int work_prepare(void);

#endif
