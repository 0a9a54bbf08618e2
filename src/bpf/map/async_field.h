/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/map/async_field.h - a bpf_timer or bpf_wq in a value of a map
 *
 * The program's 16 opaque bytes hold one pointer: NULL, or a cell that the
 * runtime of timers and works made in init().  Maps know no more of it than
 * that it must be told when its value goes away.
 *
 * A cell leaves its field exactly once: by async_field_detach(), which is what
 * a map does when a value is deleted or replaced, when the last descriptor of
 * the map is closed, and when the map is freed.  Whoever detached it owns it.
 * Others may have read the pointer shortly before; they hold a read section of
 * maps (bpf/map/rcu.h), so a cell is freed a grace period later at the earliest.
 *
 * Ordering: field.publish -> field.observe (docs/memory-model.md).
 * Not here: what init, start and cancel do; which values have fields (bpf/btf/fields.h).
 */
#ifndef ROVE_BPF_MAP_ASYNC_FIELD_H
#define ROVE_BPF_MAP_ASYNC_FIELD_H

#include "base/atomic.h"
#include "base/types.h"

struct async_cell;

struct async_cell_ops {
	/*
	 * The cell was detached and is the callee's: no callback may begin that has not
	 * begun, and the cell and what it holds go when nobody can be using them.
	 *
	 * Context: whatever may delete an element: a signal handler, inside the cell's
	 * own callback, under no lock of a map.  Neither waits nor fails.
	 */
	void (*release)(struct async_cell *cell);
};

/* The head of the runtime's control block. */
struct async_cell {
	const struct async_cell_ops *ops;	/* never changed */
};

/* What the bytes are.  8-byte aligned; all zero: not initialised. */
struct async_field {
	struct async_cell *cell;	/* A */
	u64 unused;
};

/**
 * async_field_cell - the cell, for an operation on it
 *
 * Context: any, in a read section of maps.
 * Return:  NULL: not initialised, or the element was deleted.
 */
static inline struct async_cell *async_field_cell(struct async_field *field)
{
	/*
	 * ORDER field.observe (acquire): what is in the cell is read after the pointer
	 * to it.  Pairs with field.publish in async_field_attach().
	 */
	return load_acquire(&field->cell);
}

/**
 * async_field_attach - init() made a cell
 *
 * Afterwards the caller asks map_has_user(): when nobody can be told of the map any
 * more, the cell is detached again, by whoever comes first.
 *
 * Context: any.
 * Return:  false: there is one already; @cell stays with the caller.
 */
static inline bool async_field_attach(struct async_field *field, struct async_cell *cell)
{
	struct async_cell *none = NULL;

	/*
	 * ORDER field.publish (seq_cst): the cell is complete before the field shows it,
	 * and the field shows it before map_has_user() is asked.  Pairs with
	 * field.observe in async_field_cell().
	 */
	return cmpxchg_seq_cst(&field->cell, &none, cell);
}

/**
 * async_field_detach - take the cell out
 *
 * Context: any.
 * Return:  NULL: there was none; otherwise the caller's, to be given to ->ops->release().
 */
static inline struct async_cell *async_field_detach(struct async_field *field)
{
	if (!READ_ONCE(field->cell))
		return NULL;
	return xchg_acq_rel(&field->cell, NULL);
}

/* Detach and release, if there is anything: then true. */
static inline bool async_field_release(struct async_field *field)
{
	struct async_cell *cell = async_field_detach(field);

	if (cell)
		cell->ops->release(cell);
	return cell != NULL;
}

#endif
