/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/domain/idmap.c - which identity of one state is which of another
 *
 * Invariant: pairs are one to one, so links and references that were two stay two.
 */
#include "bpf/verifier/domain/value.h"

/* Above every identity that a path gives out itself. */
#define FRESH_IDS 0x80000000u

void idmap_init(struct idmap *ids)
{
	ids->nr = 0;
	ids->next_fresh = FRESH_IDS;
}

bool idmap_match(struct idmap *ids, u32 old_id, u32 cur_id)
{
	if (!old_id || !cur_id)
		return old_id == cur_id;

	for (u32 i = 0; i < ids->nr; i++) {
		if (ids->pair[i].old_id == old_id || ids->pair[i].cur_id == cur_id)
			return ids->pair[i].old_id == old_id && ids->pair[i].cur_id == cur_id;
	}
	if (ids->nr == IDMAP_MAX)
		return false;
	ids->pair[ids->nr].old_id = old_id;
	ids->pair[ids->nr].cur_id = cur_id;
	ids->nr++;
	return true;
}

bool idmap_link(struct idmap *ids, u32 old_id, u32 cur_id)
{
	if (!old_id)
		return true;
	return idmap_match(ids, old_id, cur_id ?: ids->next_fresh++);
}
