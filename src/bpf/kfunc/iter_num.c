/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/kfunc/iter_num.c - the iterator over start, start + 1, ... end - 1
 */
#include <errno.h>

#include "bpf/kfunc/iter_num.h"
#include "bpf/kfunc/kfunc.h"

/* What the opaque bytes are.  ->cur is one behind what comes next, modulo 2^32. */
struct iter_num_state {
	int cur, end;
};

_Static_assert(sizeof(struct iter_num_state) <= sizeof(struct bpf_iter_num), "state fits");

static struct iter_num_state *state_of(struct bpf_iter_num *it)
{
	return (struct iter_num_state *)it;
}

static void set_empty(struct iter_num_state *s)
{
	s->cur = 0;
	s->end = 0;
}

/**
 * bpf_iter_num_new - begin at @start
 * @it: empty, also on failure, until then
 *
 * Context: any.
 * Return:  0, -EINVAL (@start above @end) or -E2BIG (more than ITER_NUM_MAX numbers).
 */
int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end)
{
	struct iter_num_state *s = state_of(it);

	set_empty(s);
	if (start > end)
		return -EINVAL;
	if ((s64)end - start > ITER_NUM_MAX)
		return -E2BIG;
	s->cur = (int)((u32)start - 1);
	s->end = end;
	return 0;
}

/**
 * bpf_iter_num_next - the next number
 *
 * Context: any.
 * Return:  NULL after the last; otherwise valid until the next call.
 */
int *bpf_iter_num_next(struct bpf_iter_num *it)
{
	struct iter_num_state *s = state_of(it);
	int next = (int)((u32)s->cur + 1);

	if (next >= s->end) {
		set_empty(s);
		return NULL;
	}
	s->cur = next;
	return &s->cur;
}

void bpf_iter_num_destroy(struct bpf_iter_num *it)
{
	set_empty(state_of(it));
}

const struct kfunc kfuncs_iter_num[] = {
	{ "bpf_iter_num_new", KF_ITER_NEW, .fn = ANY_FN(bpf_iter_num_new) },
	{ "bpf_iter_num_next", KF_ITER_NEXT | KF_RET_NULL, .fn = ANY_FN(bpf_iter_num_next) },
	{ "bpf_iter_num_destroy", KF_ITER_DESTROY, .fn = ANY_FN(bpf_iter_num_destroy) },
	{ NULL },
};
