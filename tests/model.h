/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/model.h - visit all states that a small machine can reach
 *
 * A state is bytes without padding.  A test gives the first one and a function that calls
 * model_visit() with every successor of the one it is given and model_bad() if something is
 * wrong with it.  "stuck" is found if from some state none is reached any more that is
 * finished: so nobody is lost, and nobody waits for ever, if each who can go on goes on some
 * time.
 *
 * Nothing is thrown away and nothing is taken as equal that is not: the numbers of states are
 * those of the machine, not of this file.
 */
#ifndef ROVE_TESTS_MODEL_H
#define ROVE_TESTS_MODEL_H

#include "base/types.h"
#include "tests/test.h"

static struct {
	size_t bytes;		/* of a state */
	u8 *states;
	u32 nr, room;
	u32 *table, nr_table;	/* hash: number of a state, and 1; the length is a power of two */
	u32 (*edges)[2], nr_edges, room_edges;	/* from, to */
	u32 from;		/* whose successors are being visited */
	bool has_edges;
	const char *bad;	/* what was found in the latest run, or NULL */
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

static u64 model_hash(const u8 *state)
{
	u64 hash = 14695981039346656037ull, word;

	for (size_t i = 0; i < model.bytes; i += sizeof(word)) {
		word = 0;
		if (i + sizeof(word) <= model.bytes)
			memcpy(&word, state + i, sizeof(word));
		else
			memcpy(&word, state + i, model.bytes - i);
		hash = (hash ^ word) * 0x9e3779b97f4a7c15ull;
		hash ^= hash >> 29;
	}
	return hash >> 32;
}

static u32 *model_slot(const void *state)
{
	u32 mask = model.nr_table - 1;
	u32 at;

	for (at = model_hash(state) & mask; model.table[at]; at = (at + 1) & mask) {
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

static void model_add_edge(u32 to)
{
	if (model.nr_edges == model.room_edges)
		model.edges = model_grow(model.edges, &model.room_edges, sizeof(*model.edges));
	model.edges[model.nr_edges][0] = model.from;
	model.edges[model.nr_edges++][1] = to;
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
	if (model.has_edges)
		model_add_edge(*slot - 1);
	if (model.nr > model.nr_table / 2)
		model_rehash(model.nr_table * 4);
}

/* From all that are finished back along the edges, until nothing is added. */
static void model_find_stuck(bool (*finished)(const void *state))
{
	u8 *ends = calloc(model.nr, 1);
	bool more = true;

	if (!ends)
		abort();
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

/**
 * model_run - visit all that can be reached, or all until something is found
 * @first:       a state
 * @bytes:       of each state, in this run and all until model_end()
 * @successors:  calls model_visit(), and maybe model_bad(), which ends the run
 * @finished:    nobody needs to go on; NULL: "stuck" is not looked for
 *
 * Return: how many states there are; model.bad says what was found.
 */
static u32 model_run(const void *first, size_t bytes, void (*successors)(const void *state),
		     bool (*finished)(const void *state))
{
	u8 *state;

#ifdef __SANITIZE_THREAD__
	SKIP("one thread: ThreadSanitizer would see nothing, and take minutes");
#endif
	state = malloc(bytes);
	if (!state || (model.states && bytes != model.bytes))
		abort();
	model.bytes = bytes;
	model.nr = model.nr_edges = model.from = 0;
	model.has_edges = finished != NULL;
	model.bad = NULL;
	model_rehash(4096);
	model_visit(first);
	for (u32 i = 0; i < model.nr && !model.bad; i++) {
		memcpy(state, model.states + i * bytes, bytes);
		model.from = i;
		successors(state);
	}
	if (!model.bad && finished)
		model_find_stuck(finished);
	free(state);
	return model.nr;
}

/* Says what the runs of @name, with @nr_states in all, have found.  Return: model.bad. */
static const char *model_end(const char *name, u64 nr_states)
{
	const char *bad = model.bad;

	printf("# %s: %s after %llu states\n", name, bad ?: "sound", (unsigned long long)nr_states);
	free(model.states);
	free(model.table);
	free(model.edges);
	memset(&model, 0, sizeof(model));
	return bad;
}

#endif
