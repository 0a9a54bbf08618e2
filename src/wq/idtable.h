/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/idtable.h - things that are found by a small number, from any context
 *
 * What was added stays for ever, so that a number that is out of date still leads
 * to a thing of the same type; released things are given out again.
 *
 * Invariant: a number leads to the same thing always; 0 to nothing.
 * Ordering:  idtable.publish -> idtable.observe (docs/memory-model.md).
 */
#ifndef ROVE_WQ_IDTABLE_H
#define ROVE_WQ_IDTABLE_H

#include "base/atomic.h"
#include "base/mutex.h"
#include "base/types.h"

#define IDTABLE_CHUNK 1024
#define IDTABLE_CHUNKS 1024

struct idtable_chunk {
	void	*thing[IDTABLE_CHUNK];		/* A */
	u32	next_free[IDTABLE_CHUNK];	/* L */
};

/*
 * L  under ->lock
 * A  atomic; the ORDER tag at each access says why
 */
struct idtable {
	struct mutex		lock;
	u32			nr;		/* A, changed under ->lock: numbers given out, and 1 */
	u32			first_free;	/* L: 0: none */
	struct idtable_chunk	*chunk[IDTABLE_CHUNKS];	/* A */
};

#define IDTABLE_INIT { .nr = 1 }

bool idtable_add(struct idtable *t, void *thing, u32 *ret_id);
void *idtable_reuse(struct idtable *t);
void idtable_refill(struct idtable *t, bool (*is_free)(void *thing));
void idtable_release(struct idtable *t, u32 id);

/* Context: any. */
static inline void *idtable_get(struct idtable *t, u32 id)
{
	struct idtable_chunk *chunk;

	if (unlikely(id >= IDTABLE_CHUNK * IDTABLE_CHUNKS))
		return NULL;
	/*
	 * ORDER idtable.observe (acquire): a thing is used after it was made.  Pairs with
	 * idtable.publish in idtable_add().
	 */
	chunk = load_acquire(&t->chunk[id / IDTABLE_CHUNK]);
	return chunk ? load_acquire(&chunk->thing[id % IDTABLE_CHUNK]) : NULL;
}

/* Context: any.  No number so large has been given out. */
static inline u32 idtable_end(struct idtable *t)
{
	/* ORDER idtable.observe (acquire): as above.  Pairs with idtable.publish in idtable_add(). */
	return load_acquire(&t->nr);
}

#endif
