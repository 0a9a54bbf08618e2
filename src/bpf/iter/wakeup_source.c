/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/iter/wakeup_source.c - all wakeup sources, newest first
 *
 * A read is one read section.  Between two reads no section is held, which would
 * keep back everybody who removes a source: the number of the next source is
 * kept instead, and numbers fall along the list.
 */
#include "bpf/iter/iter.h"
#include "objects/wakeup_source.h"

struct state {
	int section;
	bool begun;
	bool ended;
	int next_id;
};

_Static_assert(sizeof(struct state) <= ITER_STATE_BYTES, "state fits");

static struct wakeup_source *at_most(int id)
{
	struct wakeup_source *ws = wakeup_sources_first();

	while (ws && ws->id > id)
		ws = wakeup_sources_next(ws);
	return ws;
}

static void *start(void *state)
{
	struct state *s = state;

	s->section = wakeup_sources_read_lock();
	if (s->ended)
		return NULL;
	return s->begun ? at_most(s->next_id) : wakeup_sources_first();
}

static void *next(void *state, void *obj)
{
	return wakeup_sources_next(obj);
}

static void stop(void *state, void *obj)
{
	struct state *s = state;
	const struct wakeup_source *ws = obj;

	s->begun = true;
	s->ended = !ws;
	s->next_id = ws ? ws->id : 0;
	wakeup_sources_read_unlock(s->section);
}

static void show(void *state, void *obj, u64 *words)
{
	words[0] = (uintptr_t)obj;
}

const struct iter_ops iter_ops_wakeup_source = {
	.start = start, .next = next, .stop = stop, .show = show,
};
