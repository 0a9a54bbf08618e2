/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/iter/iter.h - walk all objects of a kind, run something for each, read what it wrote
 *
 * A target is a kind of objects: a row of the table in target.c, its operations
 * in a file of its own, and a line in declare.c that puts its function and its
 * context into our BTF.  The walk, its position between two reads and the rules
 * of reading are the same for all (seq.c).
 *
 * Not here: programs (the caller's ->run), links and descriptors (bpf/link).
 */
#ifndef ROVE_BPF_ITER_ITER_H
#define ROVE_BPF_ITER_ITER_H

#include "base/types.h"
#include "bpf/helper/seq.h"
#include "bpf/verifier/platform.h"

struct bpf_map;

#define ITER_MAX_WORDS 3		/* of a context, behind meta */
#define ITER_STATE_BYTES 320
#define ITER_BUF_PAGES 8
#define ITER_MAX_OBJECTS 1000000	/* shown in one read */

/* The kernel's name and members: programs read them. */
struct bpf_iter_meta {
	struct seq_file *seq;
	u64 session_id;
	u64 seq_num;		/* of the object, from 0 on */
};

/* One member of a context, as the verifier is to see it. */
struct iter_word {
	const char *type;	/* a struct of our BTF; NULL: memory, see ->buf */
	u8 buf;			/* enum ctx_buf */
	bool always;		/* there is one behind the last object too: not NULL */
};

/* What a link is bound to, beside the target. */
struct iter_bind {
	struct bpf_map *map;	/* NULL, or the caller's */
};

/*
 * ->state is zero at first and belongs to one walk; every function is called
 * under the walk's lock.  Between ->start and ->stop nothing else happens to it.
 */
struct iter_ops {
	/* A bind is needed and allowed only with this one. */
	bool (*takes_map)(const struct bpf_map *map);
	/* 0 or -errno; the bind lives longer than the walk. */
	int (*open)(void *state, const struct iter_bind *bind);
	/* The object that was not done with when the last read ended, or the first. */
	void *(*start)(void *state);
	void *(*next)(void *state, void *obj);	/* NULL: that was the last */
	/* Why ->start or ->next gave NULL: 0, or -errno and the next read tries again. */
	int (*error)(void *state);
	/*
	 * The read ends; @obj comes first in the next one (NULL: there is none left).  Without
	 * it nothing is to be done.
	 */
	void (*stop)(void *state, void *obj);
	void (*close)(void *state);		/* NULL: nothing is held between reads */
	/* The context's words for @obj; with ->takes_map also for none (NULL), at the end. */
	void (*show)(void *state, void *obj, u64 *words);
};

struct iter_target {
	const char *name;	/* "iter/NAME" */
	const struct iter_ops *ops;
	struct iter_word words[ITER_MAX_WORDS];
	bool may_sleep;		/* its programs may, while an object is shown */
	bool shows_end;		/* programs run once more behind the last object, without one */
};

/* NULL: no such target.  @func: "bpf_iter_NAME". */
const struct iter_target *iter_target_of_func(const char *func);
/* The row at @i, or NULL behind the last. */
const struct iter_target *iter_target_at(u32 i);

/* A context's description; ->fields is @fields. */
void iter_target_ctx(const struct iter_target *target, struct ctx_field fields[ITER_MAX_WORDS + 1],
		     struct ctx_desc *ret_ctx);

extern const struct iter_ops iter_ops_map, iter_ops_prog, iter_ops_link, iter_ops_map_elem,
	iter_ops_wakeup_source, iter_ops_dmabuf, iter_ops_workqueue, iter_ops_worker_pool,
	iter_ops_timer;

/* --- one walk -------------------------------------------------------------------------- */

/* The context that a program gets: our BTF's struct bpf_iter__NAME. */
struct iter_ctx {
	struct bpf_iter_meta	*meta;
	u64			words[ITER_MAX_WORDS];
};

/* All of it is the owner's, one thread at a time. */
struct iter_walk {
	struct seq_file		seq;
	struct bpf_iter_meta	meta;
	const struct iter_target *target;
	int			(*run)(void *arg, const struct iter_ctx *ctx, u32 *ret_value);
	void			*arg;
	bool			end_shown;
	bool			paused;		/* -EAGAIN was only to take breath */
	u64			state[ITER_STATE_BYTES / 8];
};

int iter_walk_init(struct iter_walk *w, const struct iter_target *target,
		   const struct iter_bind *bind);
void iter_walk_fini(struct iter_walk *w);
int iter_walk_fill(struct iter_walk *w, u64 want);

/* What was written and not taken yet. */
static inline u64 iter_walk_left(const struct iter_walk *w)
{
	return w->seq.count;
}

static inline const char *iter_walk_bytes(const struct iter_walk *w)
{
	return w->seq.buf + w->seq.from;
}

static inline void iter_walk_take(struct iter_walk *w, u64 bytes)
{
	w->seq.from += bytes;
	w->seq.count -= bytes;
}

#endif
