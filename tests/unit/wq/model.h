/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * model.h - visit all states that a small machine can reach
 *
 * A state is bytes, eight times n.  Found is what model_bad() was told in any of them, and "stuck" if
 * from one of them none is reached any more that is finished: nobody is lost, and nobody
 * waits for ever, if each who can go on goes on some time.
 */
#ifndef ROVE_TESTS_UNIT_WQ_MODEL_H
#define ROVE_TESTS_UNIT_WQ_MODEL_H

#include "base/types.h"
#include "tests/test.h"

static struct {
	size_t bytes;		/* of a state */
	u8 *states;
	u32 nr, room;
	u32 *table, nr_table;	/* hash: number of a state, and 1 */
	u32 (*edges)[2], nr_edges, room_edges;	/* from, to */
	u32 from;		/* whose successors are being visited */
	const char *bad;
} model;

static void model_bad(const char *what)
{
	model.bad = what;
}

static void *model_grow(void *bytes, u32 *room, size_t each)
{
	*room = *room ? *room * 2 : 1024;
	bytes = realloc(bytes, *room * each);
	if (!bytes)
		abort();
	return bytes;
}

static u32 *model_slot(const void *state)
{
	u64 hash = 14695981039346656037ull, word;
	u32 at;

	for (size_t i = 0; i + sizeof(word) <= model.bytes; i += sizeof(word)) {
		memcpy(&word, (const u8 *)state + i, sizeof(word));
		hash = (hash ^ word) * 0x9e3779b97f4a7c15ull;
		hash ^= hash >> 29;
	}
	for (at = (hash >> 32) % model.nr_table; model.table[at]; at = (at + 1) % model.nr_table) {
		if (!memcmp(model.states + (model.table[at] - 1) * model.bytes, state, model.bytes))
			break;
	}
	return &model.table[at];
}

static void model_rehash(u32 nr_table)
{
	free(model.table);
	model.nr_table = nr_table;
	model.table = calloc(nr_table, sizeof(*model.table));
	if (!model.table)
		abort();
	for (u32 i = 0; i < model.nr; i++)
		*model_slot(model.states + i * model.bytes) = i + 1;
}

/* A successor of the one that is being looked at. */
static void model_visit(const void *state)
{
	u32 *slot = model_slot(state);

	if (!*slot) {
		if (model.nr == model.room)
			model.states = model_grow(model.states, &model.room, model.bytes);
		memcpy(model.states + model.nr * model.bytes, state, model.bytes);
		*slot = ++model.nr;
	}
	if (model.nr_edges == model.room_edges)
		model.edges = model_grow(model.edges, &model.room_edges, sizeof(*model.edges));
	model.edges[model.nr_edges][0] = model.from;
	model.edges[model.nr_edges++][1] = *slot - 1;
	if (model.nr > model.nr_table / 2)
		model_rehash(model.nr_table * 4);
}

/* From all that are finished back along the edges, until nothing is added. */
static void model_find_stuck(bool (*finished)(const void *state))
{
	u8 *ends = calloc(model.nr, 1);
	bool more = true;

	for (u32 i = 0; i < model.nr; i++)
		ends[i] = finished(model.states + i * model.bytes);
	while (more) {
		more = false;
		for (u32 e = model.nr_edges; e-- > 0;) {
			u8 *from = &ends[model.edges[e][0]];

			more |= !*from && ends[model.edges[e][1]];
			*from |= ends[model.edges[e][1]];
		}
	}
	for (u32 i = 0; i < model.nr && !model.bad; i++) {
		if (!ends[i])
			model_bad("stuck");
	}
	free(ends);
}

/* Return: how many states there are; model.bad says what was found. */
static u32 model_run(const void *first, size_t bytes, void (*successors)(const void *state),
		     bool (*finished)(const void *state))
{
	u8 *state = malloc(bytes);

	model.bytes = bytes;
	model.nr = model.nr_edges = model.from = 0;
	model.bad = NULL;
	model_rehash(4096);
	model_visit(first);
	for (u32 i = 0; i < model.nr && !model.bad; i++) {
		memcpy(state, model.states + i * bytes, bytes);
		model.from = i;
		successors(state);
	}
	if (!model.bad)
		model_find_stuck(finished);
	free(state);
	return model.nr;
}

static void model_free(void)
{
	free(model.states);
	free(model.table);
	free(model.edges);
	memset(&model, 0, sizeof(model));
}

#endif
