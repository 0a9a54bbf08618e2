/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * base/refcount.h - how many hold an object
 *
 * Ordering: refcount.put -> refcount.last (docs/memory-model.md).
 */
#ifndef ROVE_BASE_REFCOUNT_H
#define ROVE_BASE_REFCOUNT_H

#include "base/atomic.h"
#include "base/types.h"

struct refcount {
	u32 nr_holders;
};

#define REFCOUNT_INIT(n) { .nr_holders = (n) }

static inline void refcount_set(struct refcount *r, u32 n)
{
	WRITE_ONCE(r->nr_holders, n);
}

static inline u32 refcount_read(const struct refcount *r)
{
	return READ_ONCE(r->nr_holders);
}

/* The caller holds one already. */
static inline void refcount_get(struct refcount *r)
{
	fetch_add_relaxed(&r->nr_holders, 1);
}

/* False when the last holder is gone: then the object is about to be freed. */
static inline bool refcount_get_unless_zero(struct refcount *r)
{
	u32 n = READ_ONCE(r->nr_holders);

	do {
		if (!n)
			return false;
	} while (!cmpxchg_relaxed(&r->nr_holders, &n, n + 1));
	return true;
}

/* True for exactly one caller, who may free the object. */
static inline bool refcount_put(struct refcount *r)
{
	/*
	 * ORDER refcount.put (release): this holder's accesses come before the
	 * count says it is gone.  Pairs with refcount.last in refcount_put().
	 * ORDER refcount.last (acquire): the last holder frees after everybody
	 * else's accesses.  Pairs with refcount.put in refcount_put().
	 */
	return sub_fetch_acq_rel(&r->nr_holders, 1) == 0;
}

#endif
