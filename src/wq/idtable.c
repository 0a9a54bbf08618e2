/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/idtable.c - numbers for things that are never freed
 */
#include <stdlib.h>

#include "wq/idtable.h"

/**
 * idtable_add - give a thing a number
 * @thing:  stays where it is for ever
 *
 * Context: thread.
 * Return:  false: no memory, or no number is left.
 */
bool idtable_add(struct idtable *t, void *thing, u32 *ret_id)
{
	struct idtable_chunk *chunk;
	bool added = false;
	u32 id;

	ctx_thread();
	mutex_lock(&t->lock);
	id = t->nr;
	if (id >= IDTABLE_CHUNK * IDTABLE_CHUNKS)
		goto unlock;
	chunk = t->chunk[id / IDTABLE_CHUNK];
	if (!chunk) {
		chunk = calloc(1, sizeof(*chunk));
		if (!chunk)
			goto unlock;
	}
	*ret_id = id;
	/*
	 * ORDER idtable.publish (release): the thing, its number in it, and the chunk are
	 * complete before they are found.  Pairs with idtable.observe in idtable_get().
	 */
	store_release(&chunk->thing[id % IDTABLE_CHUNK], thing);
	store_release(&t->chunk[id / IDTABLE_CHUNK], chunk);
	store_release(&t->nr, id + 1);
	added = true;
unlock:
	mutex_unlock(&t->lock);
	return added;
}

/**
 * idtable_reuse - a thing that was released
 *
 * Context: thread.
 * Return:  NULL: there is none.
 */
void *idtable_reuse(struct idtable *t)
{
	void *thing = NULL;
	u32 id;

	ctx_thread();
	mutex_lock(&t->lock);
	id = t->first_free;
	if (id) {
		struct idtable_chunk *chunk = t->chunk[id / IDTABLE_CHUNK];

		t->first_free = chunk->next_free[id % IDTABLE_CHUNK];
		thing = chunk->thing[id % IDTABLE_CHUNK];
	}
	mutex_unlock(&t->lock);
	return thing;
}

/**
 * idtable_refill - of all things that there are, give out again those that are free
 *
 * Context: the only thread that uses the table.
 */
void idtable_refill(struct idtable *t, bool (*is_free)(void *thing))
{
	t->first_free = 0;
	for (u32 id = t->nr; --id > 0;) {
		struct idtable_chunk *chunk = t->chunk[id / IDTABLE_CHUNK];

		if (!is_free(chunk->thing[id % IDTABLE_CHUNK]))
			continue;
		chunk->next_free[id % IDTABLE_CHUNK] = t->first_free;
		t->first_free = id;
	}
}

/**
 * idtable_release - a thing may be given out again
 *
 * Context: thread.
 */
void idtable_release(struct idtable *t, u32 id)
{
	ctx_thread();
	mutex_lock(&t->lock);
	t->chunk[id / IDTABLE_CHUNK]->next_free[id % IDTABLE_CHUNK] = t->first_free;
	t->first_free = id;
	mutex_unlock(&t->lock);
}
