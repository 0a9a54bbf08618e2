/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/iter/target.c - what can be iterated over, and what its programs are given
 */
#include <string.h>

#include "bpf/iter/iter.h"

#define FUNC_PREFIX "bpf_iter_"

static const struct iter_target targets[] = {
	{ "bpf_map", &iter_ops_map, { { "bpf_map" } }, .shows_end = true },
	{ "bpf_prog", &iter_ops_prog, { { "bpf_prog" } }, .shows_end = true },
	{ "bpf_link", &iter_ops_link, { { "bpf_link" } }, .shows_end = true },
	{ "bpf_map_elem", &iter_ops_map_elem,
	  { { "bpf_map", .always = true }, { .buf = CTX_BUF_RDONLY }, { .buf = CTX_BUF } },
	  .shows_end = true },
	{ "dmabuf", &iter_ops_dmabuf, { { "dma_buf" } }, .may_sleep = true },
	{ "wakeup_source", &iter_ops_wakeup_source, { { "wakeup_source" } } },
	/* Copies: they stay whatever their programs wait for. */
	{ "workqueue", &iter_ops_workqueue, { { "workqueue_view" } }, .may_sleep = true },
	{ "worker_pool", &iter_ops_worker_pool, { { "worker_pool_view" } }, .may_sleep = true },
	{ "timer", &iter_ops_timer, { { "timer_view" } }, .may_sleep = true },
};

/**
 * iter_target_of_func - the target that a program names by attaching to this function
 *
 * Context: any.
 * Return:  NULL: none of ours.
 */
const struct iter_target *iter_target_of_func(const char *func)
{
	size_t prefix = strlen(FUNC_PREFIX);

	if (strncmp(func, FUNC_PREFIX, prefix))
		return NULL;
	for (u32 i = 0; i < ARRAY_SIZE(targets); i++)
		if (!strcmp(targets[i].name, func + prefix))
			return &targets[i];
	return NULL;
}

const struct iter_target *iter_target_at(u32 i)
{
	return i < ARRAY_SIZE(targets) ? &targets[i] : NULL;
}

/**
 * iter_target_ctx - how the verifier is to see the target's context
 * @fields:  room for them; belongs to *@ret_ctx
 *
 * Whether there is an object is for the program to ask: behind the last there is none, but the
 * map whose elements were shown.
 *
 * Context: may sleep.
 */
void iter_target_ctx(const struct iter_target *target, struct ctx_field fields[ITER_MAX_WORDS + 1],
		     struct ctx_desc *ret_ctx)
{
	const struct btf *btf = btf_self();
	u32 nr = 1;

	fields[0] = (struct ctx_field){
		.size = 8, .btf_id = btf_find(btf, "bpf_iter_meta", BTF_KIND_STRUCT),
	};
	for (; nr <= ITER_MAX_WORDS; nr++) {
		const struct iter_word *word = &target->words[nr - 1];

		if (!word->type && !word->buf)
			break;
		fields[nr] = (struct ctx_field){
			.off = nr * 8, .size = 8, .buf = word->buf, .maybe_null = !word->always,
			.btf_id = word->type ? btf_find(btf, word->type, BTF_KIND_STRUCT) : 0,
		};
	}
	*ret_ctx = (struct ctx_desc){
		.name = target->name,
		.max_bytes = nr * 8,
		.fields = fields,
		.nr_fields = nr,
		.ret_min = 0,
		.ret_max = 1,
		.may_sleep = true,
		.in_thread = true,
	};
}
