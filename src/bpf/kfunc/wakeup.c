/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/kfunc/wakeup.c - walk the wakeup sources from a program
 */
#include <linux/bpf.h>

#include "bpf/kfunc/kfunc.h"
#include "bpf/kfunc/wakeup.h"
#include "objects/wakeup_source.h"

/**
 * bpf_wakeup_sources_read_lock - keep the sources that are listed now
 *
 * Context: any.
 * Return:  never NULL: the index of the read section, plus one.  Give it to
 *          bpf_wakeup_sources_read_unlock().
 */
struct bpf_ws_lock *bpf_wakeup_sources_read_lock(void)
{
	return (struct bpf_ws_lock *)(uintptr_t)(wakeup_sources_read_lock() + 1);
}

void bpf_wakeup_sources_read_unlock(struct bpf_ws_lock *lock)
{
	wakeup_sources_read_unlock((int)(uintptr_t)lock - 1);
}

/**
 * bpf_wakeup_sources_get_head - the list itself, a struct list_head
 *
 * Context: any.
 */
void *bpf_wakeup_sources_get_head(void)
{
	return wakeup_sources_head();
}

enum walk { WALK_BEFORE_FIRST, WALK_ON_SOURCE, WALK_BEHIND_LAST };

/* What the opaque bytes are. */
struct iter_state {
	struct wakeup_source *ws;	/* WALK_ON_SOURCE: the one given last */
	u32 section;			/* index of the read section */
	u32 walk;			/* enum walk */
};

_Static_assert(sizeof(struct iter_state) <= sizeof(struct bpf_iter_wakeup_source), "state fits");

/**
 * bpf_iter_wakeup_source_new - begin a walk over all sources, newest first
 *
 * Context: any.
 * Return:  0.
 */
int bpf_iter_wakeup_source_new(struct bpf_iter_wakeup_source *it)
{
	struct iter_state *s = (struct iter_state *)it;

	s->ws = NULL;
	s->section = wakeup_sources_read_lock();
	s->walk = WALK_BEFORE_FIRST;
	return 0;
}

/**
 * bpf_iter_wakeup_source_next - the next source
 *
 * Context: any.
 * Return:  NULL after the last, and from then on; otherwise valid until the next call.
 */
struct wakeup_source *bpf_iter_wakeup_source_next(struct bpf_iter_wakeup_source *it)
{
	struct iter_state *s = (struct iter_state *)it;

	if (s->walk == WALK_BEHIND_LAST)
		return NULL;
	s->ws = s->walk == WALK_BEFORE_FIRST ? wakeup_sources_first() :
					       wakeup_sources_next(s->ws);
	s->walk = s->ws ? WALK_ON_SOURCE : WALK_BEHIND_LAST;
	return s->ws;
}

void bpf_iter_wakeup_source_destroy(struct bpf_iter_wakeup_source *it)
{
	struct iter_state *s = (struct iter_state *)it;

	wakeup_sources_read_unlock(s->section);
	s->walk = WALK_BEHIND_LAST;
}

#define SYSCALL_ONLY (1ull << BPF_PROG_TYPE_SYSCALL)

const struct kfunc kfuncs_wakeup[] = {
	{ "bpf_wakeup_sources_read_lock", KF_ACQUIRE, SYSCALL_ONLY,
	  ANY_FN(bpf_wakeup_sources_read_lock) },
	{ "bpf_wakeup_sources_read_unlock", KF_RELEASE, SYSCALL_ONLY,
	  ANY_FN(bpf_wakeup_sources_read_unlock) },
	{ "bpf_wakeup_sources_get_head", 0, SYSCALL_ONLY, ANY_FN(bpf_wakeup_sources_get_head) },
	{ "bpf_iter_wakeup_source_new", KF_ITER_NEW, SYSCALL_ONLY,
	  ANY_FN(bpf_iter_wakeup_source_new) },
	{ "bpf_iter_wakeup_source_next", KF_ITER_NEXT | KF_RET_NULL | KF_SCOPED, SYSCALL_ONLY,
	  ANY_FN(bpf_iter_wakeup_source_next) },
	{ "bpf_iter_wakeup_source_destroy", KF_ITER_DESTROY, SYSCALL_ONLY,
	  ANY_FN(bpf_iter_wakeup_source_destroy) },
	{ NULL },
};
