/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/async/cell.c - the control block behind a timer or work in a map's value
 *
 * A field points to its cell; one exchange of that pointer attaches it, another one
 * detaches it, and whoever detached it ends it.  Whoever uses a cell found it in a
 * field during a read section of maps, so the cell stays until a grace period after
 * it was detached, and no user counts references.
 *
 * What is to be called is one word, ->func, which a program owns: nothing can be
 * seen half changed, and the newest always wins.  A cell with a function holds one
 * reference to its program.  Who replaces the word gives that reference back, a
 * grace period later, because others may be about to call what they read before.
 *
 * How a cell ends, in any context:
 *
 *	1. ->func becomes CELL_DEAD: what runs goes on, nothing begins;
 *	2. the timer is disarmed, which takes effect at once;
 *	3. after a grace period nobody can start it any more: it is disarmed once
 *	   again, against those who found it before 1., waited for, and freed.
 *
 * Without 1. a start between 2. and 3. would call a program that may be gone.
 *
 * Why each step is needed, and every interleaving: docs/async.md and
 * tests/unit/async/async_model_test.c.
 *
 * Ordering: async.func -> async.call (docs/memory-model.md).
 */
#include <errno.h>
#include <stdlib.h>

#include "base/context.h"
#include "bpf/async/cell.h"
#include "bpf/async/reserve.h"

_Static_assert(sizeof(struct cell) <= RESERVE_BLOCK_BYTES, "a cell fits a block");

int async_prepare(void)
{
	int err = rove_softirq_start();

	err = err ?: reserve_prepare();
	return err ?: work_prepare();
}

static bool may_allocate(void)
{
	return !in_nmi() && !in_softirq();
}

/**
 * cell_create - a cell for a field, not attached yet
 * @field: in a value of @map
 *
 * Context: any.
 * Return:  0 or -ENOMEM.
 */
int cell_create(struct bpf_map *map, struct async_field *field, enum btf_field_kind kind,
		struct cell **ret_cell)
{
	static const struct async_cell_ops *const ops[] = {
		[BTF_FIELD_TIMER] = &cell_timer_ops,
		[BTF_FIELD_WQ] = &cell_work_ops,
	};
	const struct btf_field *where = btf_field_of(&map->spec.fields, kind);
	struct cell *cell;

	check(where);
	cell = may_allocate() ? calloc(1, sizeof(*cell)) : reserve_take();
	if (!cell)
		return -ENOMEM;
	cell->head.ops = ops[kind];
	cell->map = map;
	cell->value = (u8 *)field - where->off;
	*ret_cell = cell;
	return 0;
}

static void free_never_attached(struct rcu_head *head)
{
	map_rcu_told_grace();
	free(container_of(head, struct cell, rcu));
}

/**
 * cell_attach - show it to everybody
 * @cell: complete; the field's, or gone
 *
 * The map may have lost its last descriptor meanwhile, and nobody would come to
 * detach the cell.
 *
 * Context: any.
 * Return:  0, -EBUSY (there is one) or -EPERM.
 */
int cell_attach(struct cell *cell, struct async_field *field)
{
	struct bpf_map *map = cell->map;

	if (!async_field_attach(field, &cell->head)) {
		cell_reap_later(cell, free_never_attached);
		return -EBUSY;
	}
	if (map_has_user(map))
		return 0;
	async_field_release(field);
	return -EPERM;
}

/**
 * cell_can_start - is there something to call?
 *
 * Context: any.
 * Return:  0, -EINVAL (no callback) or -ENOENT (the cell is dead).
 */
int cell_can_start(const struct cell *cell)
{
	return cell_func_start_error(READ_ONCE(cell->func));
}

/* Takes the place of @old, if that is still there; then its reference goes later. */
static bool replace_func(struct cell *cell, const struct bpf_func **old,
			 const struct bpf_func *func)
{
	/*
	 * ORDER async.func (acq_rel): what the program wrote before it set the callback,
	 * the callback sees.  Pairs with async.call in cell_call().
	 */
	return cmpxchg_acq_rel(&cell->func, old, func);
}

static void put_prog(const struct bpf_func *func)
{
	func->prog->ops->put_later(func->prog);
}

int async_set_callback(struct async_field *field, const struct bpf_func *func)
{
	struct cell *cell = cell_of_field(field);
	const struct bpf_func *old;

	ctx_any();
	if (!cell)
		return -EINVAL;
	object_get(func->prog);
	old = READ_ONCE(cell->func);
	do {
		if (cell_func_is_last(old)) {
			put_prog(func);
			return -ENOENT;
		}
	} while (!replace_func(cell, &old, func));
	if (old)
		put_prog(old);
	return 0;
}

/* Whatever stands there is replaced by @func, unless the cell is dead. */
static void take_callback_out(struct cell *cell, const struct bpf_func *func)
{
	const struct bpf_func *old = READ_ONCE(cell->func);

	while (!cell_func_is_last(old) && !replace_func(cell, &old, func))
		;
	if (cell_func_is_callable(old))
		put_prog(old);
}

/**
 * cell_forget_callback - nothing is called until another callback is set
 *
 * Context: any.
 */
void cell_forget_callback(struct cell *cell)
{
	take_callback_out(cell, NULL);
}

/**
 * cell_call - the time has come
 *
 * Context: softirq for timers, worker for works.
 */
void cell_call(struct cell *cell)
{
	const struct bpf_func *func;
	const void *key;
	u32 room = 0;

	map_rcu_read_lock();
	/* ORDER async.call (acquire): what it says there.  Pairs with async.func in replace_func(). */
	func = load_acquire(&cell->func);
	if (cell_func_is_callable(func)) {
		key = cell->map->ops->key_of(cell->map, cell->value, &room);
		bpf_func_call(func, (uintptr_t)cell->map, (uintptr_t)key, (uintptr_t)cell->value, 0);
	}
	map_rcu_read_unlock();
}

/**
 * cell_die - no callback begins any more
 *
 * Context: any; once, by whoever detached the cell.
 */
void cell_die(struct cell *cell)
{
	take_callback_out(cell, CELL_DEAD);
}

static void reap(struct rove_irq_work *irq_work)
{
	struct cell *cell = container_of(irq_work, struct cell, reap);

	map_call_rcu(&cell->rcu, cell->after_grace);
}

/**
 * cell_reap_later - have the rest done when nobody can be using it any more
 * @after_grace: on liburcu's thread, which may wait
 *
 * Context: any; once, by whoever detached the cell.
 */
void cell_reap_later(struct cell *cell, void (*after_grace)(struct rcu_head *head))
{
	if (!in_nmi()) {
		map_call_rcu(&cell->rcu, after_grace);
		return;
	}
	/* liburcu's queue may be made by its first user, which no signal handler may do. */
	cell->after_grace = after_grace;
	rove_irq_work_init(&cell->reap, reap);
	rove_irq_work_queue(&cell->reap);
}
