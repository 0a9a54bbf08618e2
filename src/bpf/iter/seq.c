/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/iter/seq.c - the rules of reading an iterator
 *
 * A read shows objects until there is as much as was asked for.  An object is
 * shown whole or not at all: if it does not fit behind others, the read ends in
 * front of it and the next one begins with it.
 *
 * Invariant: between two reads the walk stands on an object that was not shown
 *            yet, or behind the last.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/atomic.h"
#include "base/context.h"
#include "bpf/iter/iter.h"
#include "bpf/map/map.h"

static u64 last_session;

/**
 * iter_walk_init - begin in front of the first object
 * @w:     the caller sets ->run and ->arg
 * @bind:  what the walk is bound to; lives longer
 *
 * Context: may sleep.
 * Return:  0, -ENOMEM, or what the target says.
 */
int iter_walk_init(struct iter_walk *w, const struct iter_target *target,
		   const struct iter_bind *bind)
{
	int err = 0;

	ctx_may_sleep();
	*w = (struct iter_walk){
		.target = target,
		.seq.size = ITER_BUF_PAGES * map_page_bytes(),
		.meta.session_id = add_fetch_relaxed(&last_session, 1),
	};
	w->meta.seq = &w->seq;
	w->seq.buf = malloc(w->seq.size);
	if (!w->seq.buf)
		return -ENOMEM;
	if (target->ops->open)
		err = target->ops->open(w->state, bind);
	if (err)
		free(w->seq.buf);
	return err;
}

/* Context: may sleep: what the walk stands on is given back. */
void iter_walk_fini(struct iter_walk *w)
{
	ctx_may_sleep();
	if (w->target->ops->close)
		w->target->ops->close(w->state);
	free(w->seq.buf);
}

/* Run the program on @obj.  0, -EAGAIN (it asks for the same object again) or -EIO. */
static int run(struct iter_walk *w, void *obj)
{
	struct iter_ctx ctx = { .meta = &w->meta };
	u32 value;

	/* A map is there behind its last element, too. */
	if (obj || w->target->ops->takes_map)
		w->target->ops->show(w->state, obj, ctx.words);
	if (w->run(w->arg, &ctx, &value))
		return -EIO;
	return value ? -EAGAIN : 0;
}

/* As if it had not run, unless all that it wrote is there. */
static int show(struct iter_walk *w, void *obj)
{
	u64 before = w->seq.count;
	int err = run(w, obj);

	if (!err && seq_has_overflowed(&w->seq))
		err = -E2BIG;
	if (err)
		w->seq.count = before;
	return err;
}

/* Behind the last object, once; what the program answers there does not matter. */
static int show_end(struct iter_walk *w)
{
	u64 before = w->seq.count;

	if (!w->target->shows_end || w->end_shown)
		return 0;
	run(w, NULL);
	if (!seq_has_overflowed(&w->seq)) {
		w->end_shown = true;
		return 0;
	}
	w->seq.count = before;
	return -E2BIG;
}

/* There is no more; or it could not be got. */
static int no_more(struct iter_walk *w)
{
	const struct iter_ops *ops = w->target->ops;

	return (ops->error ? ops->error(w->state) : 0) ?: show_end(w);
}

/* From *@obj on, which becomes the first that was not shown. */
static int show_all(struct iter_walk *w, void **obj, u64 want)
{
	const struct iter_ops *ops = w->target->ops;

	for (u32 nr = 1; *obj; nr++) {
		int err = show(w, *obj);

		if (err)
			return err;
		*obj = ops->next(w->state, *obj);
		if (!*obj)
			break;
		w->meta.seq_num++;
		if (w->seq.count >= want)
			return 0;
		if (nr >= ITER_MAX_OBJECTS) {
			w->paused = true;
			return -EAGAIN;
		}
	}
	return no_more(w);
}

/**
 * iter_walk_fill - show objects until there are @want bytes, or no more objects
 * @want:  more than 0; there may be more, or less
 *
 * Does nothing while something is left from before.  Nothing left and 0 is the end.
 *
 * Context: may sleep.
 * Return:  0; with nothing left: -E2BIG (an object does not fit the buffer), -EAGAIN (the
 *          program wants to see the same object again, or it wrote nothing for
 *          ITER_MAX_OBJECTS of them), or what the target says.  Then the next call goes on
 *          where this one stopped.
 */
int iter_walk_fill(struct iter_walk *w, u64 want)
{
	const struct iter_ops *ops = w->target->ops;
	void *obj;
	int err;

	ctx_may_sleep();
	if (w->seq.count)
		return 0;
	w->seq.from = 0;
	w->paused = false;
	obj = ops->start(w->state);
	err = show_all(w, &obj, want);
	if (ops->stop)
		ops->stop(w->state, obj);
	return w->seq.count ? 0 : err;
}
