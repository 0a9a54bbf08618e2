/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/tool/corpus/ours.h - ask our own verifier about a case
 *
 * The platform is made up: a few helpers, kfuncs and types with the kernel's
 * names and signatures, so that the corpus tests the verifier and nothing else.
 */
#ifndef ROVE_TESTS_TOOL_CORPUS_OURS_H
#define ROVE_TESTS_TOOL_CORPUS_OURS_H

#include "bpf/btf/btf.h"
#include "bpf/verifier/search/search.h"
#include "bpf/verifier/verifier.h"
#include "tests/tool/corpus/btf.h"
#include "tests/tool/corpus/fill.h"

#define FIRST_MAP_FD 100

/* --- helpers ---------------------------------------------------------------------------------- */

#define ANY_MAP { .kind = ARG_MAP }
#define RINGBUF { .kind = ARG_MAP, .map_types = 1ull << BPF_MAP_TYPE_RINGBUF }
#define PERCPU_TYPES                                                                 \
	(1ull << BPF_MAP_TYPE_PERCPU_ARRAY | 1ull << BPF_MAP_TYPE_PERCPU_HASH |      \
	 1ull << BPF_MAP_TYPE_LRU_PERCPU_HASH)
#define KEYED_TYPES                                                                  \
	(1ull << BPF_MAP_TYPE_HASH | 1ull << BPF_MAP_TYPE_ARRAY |                    \
	 1ull << BPF_MAP_TYPE_LRU_HASH | 1ull << MAP_TYPE_RHASH | PERCPU_TYPES)
#define OUTER_TYPES (1ull << BPF_MAP_TYPE_ARRAY_OF_MAPS | 1ull << BPF_MAP_TYPE_HASH_OF_MAPS)
#define PERCPU_MAP { .kind = ARG_MAP, .map_types = PERCPU_TYPES }
#define KEYED_MAP { .kind = ARG_MAP, .map_types = KEYED_TYPES }
#define LOOKED_UP_MAP { .kind = ARG_MAP, .map_types = KEYED_TYPES | OUTER_TYPES }

#define TASK_MAP { .kind = ARG_MAP, .map_types = 1ull << BPF_MAP_TYPE_TASK_STORAGE }
#define TASK_OR_NULL { .kind = ARG_BTF, .flags = ARGF_TRUSTED | ARGF_MAYBE_NULL }
#define TIMER { .kind = ARG_FIELD, .field = BTF_FIELD_TIMER }
#define FUNC_ARG { .kind = ARG_FUNC }
#define CALLBACK_CTX { .kind = ARG_STACK, .flags = ARGF_MAYBE_NULL }
#define ANYTHING { .kind = ARG_ANYTHING }

static struct func_proto ours_helpers[] = {
	[1] = { .name = "bpf_map_lookup_elem",
		.args = { LOOKED_UP_MAP, { .kind = ARG_MAP_KEY } },
		.ret = { .kind = RET_MAP_VALUE, .flags = RETF_MAYBE_NULL } },
	[2] = { .name = "bpf_map_update_elem",
		.args = { KEYED_MAP, { .kind = ARG_MAP_KEY }, { .kind = ARG_MAP_VALUE },
			  { .kind = ARG_ANYTHING } },
		.ret = { .kind = RET_SCALAR } },
	[3] = { .name = "bpf_map_delete_elem",
		.args = { KEYED_MAP, { .kind = ARG_MAP_KEY } },
		.ret = { .kind = RET_SCALAR } },
	[5] = { .name = "bpf_ktime_get_ns", .ret = { .kind = RET_SCALAR } },
	[7] = { .name = "bpf_get_prandom_u32", .ret = { .kind = RET_SCALAR } },
	[8] = { .name = "bpf_get_smp_processor_id", .ret = { .kind = RET_SCALAR } },
	[14] = { .name = "bpf_get_current_pid_tgid", .ret = { .kind = RET_SCALAR } },
	[16] = { .name = "bpf_get_current_comm",
		 .args = { { .kind = ARG_MEM, .flags = ARGF_WRITE | ARGF_UNINIT },
			   { .kind = ARG_SIZE } },
		 .ret = { .kind = RET_SCALAR } },
	[113] = { .name = "bpf_probe_read_kernel",
		  .args = { { .kind = ARG_MEM, .flags = ARGF_WRITE | ARGF_UNINIT },
			    { .kind = ARG_SIZE, .flags = ARGF_ZERO_OK }, { .kind = ARG_ANYTHING } },
		  .ret = { .kind = RET_SCALAR },
		  .flags = FUNC_GPL },
	[126] = { .name = "bpf_seq_printf",
		  .args = { { .kind = ARG_BTF, .flags = ARGF_TRUSTED }, { .kind = ARG_MEM },
			    { .kind = ARG_SIZE }, { .kind = ARG_MEM, .flags = ARGF_MAYBE_NULL },
			    { .kind = ARG_SIZE, .flags = ARGF_ZERO_OK } },
		  .ret = { .kind = RET_SCALAR } },
	[127] = { .name = "bpf_seq_write",
		  .args = { { .kind = ARG_BTF, .flags = ARGF_TRUSTED }, { .kind = ARG_MEM },
			    { .kind = ARG_SIZE, .flags = ARGF_ZERO_OK } },
		  .ret = { .kind = RET_SCALAR } },
	[130] = { .name = "bpf_ringbuf_output",
		  .args = { RINGBUF, { .kind = ARG_MEM },
			    { .kind = ARG_SIZE, .flags = ARGF_ZERO_OK }, { .kind = ARG_ANYTHING } },
		  .ret = { .kind = RET_SCALAR } },
	[131] = { .name = "bpf_ringbuf_reserve",
		  .args = { RINGBUF, { .kind = ARG_CONST }, { .kind = ARG_ANYTHING } },
		  .ret = { .kind = RET_MEM,
			   .flags = RETF_MAYBE_NULL | RETF_ACQUIRE | RETF_RECORD } },
	[132] = { .name = "bpf_ringbuf_submit",
		  .args = { { .kind = ARG_RECORD, .flags = ARGF_RELEASE }, { .kind = ARG_ANYTHING } },
		  .ret = { .kind = RET_VOID } },
	[133] = { .name = "bpf_ringbuf_discard",
		  .args = { { .kind = ARG_RECORD, .flags = ARGF_RELEASE }, { .kind = ARG_ANYTHING } },
		  .ret = { .kind = RET_VOID } },
	[134] = { .name = "bpf_ringbuf_query",
		  .args = { RINGBUF, { .kind = ARG_ANYTHING } },
		  .ret = { .kind = RET_SCALAR } },
	[156] = { .name = "bpf_task_storage_get",
		  .args = { TASK_MAP, TASK_OR_NULL,
			    { .kind = ARG_MAP_VALUE, .flags = ARGF_MAYBE_NULL }, ANYTHING },
		  .ret = { .kind = RET_MAP_VALUE, .flags = RETF_MAYBE_NULL } },
	[157] = { .name = "bpf_task_storage_delete",
		  .args = { TASK_MAP, TASK_OR_NULL },
		  .ret = { .kind = RET_SCALAR } },
	[158] = { .name = "bpf_get_current_task_btf",
		  .ret = { .kind = RET_BTF, .flags = RETF_TRUSTED },
		  .flags = FUNC_GPL },
	[164] = { .name = "bpf_for_each_map_elem",
		  .args = { ANY_MAP, FUNC_ARG, CALLBACK_CTX, ANYTHING },
		  .ret = { .kind = RET_SCALAR },
		  .callback = CALLBACK_MAP_ELEM },
	[169] = { .name = "bpf_timer_init",
		  .args = { TIMER, ANY_MAP, ANYTHING },
		  .ret = { .kind = RET_SCALAR } },
	[170] = { .name = "bpf_timer_set_callback",
		  .args = { TIMER, FUNC_ARG },
		  .ret = { .kind = RET_SCALAR },
		  .callback = CALLBACK_ASYNC },
	[171] = { .name = "bpf_timer_start",
		  .args = { TIMER, ANYTHING, ANYTHING },
		  .ret = { .kind = RET_SCALAR } },
	[172] = { .name = "bpf_timer_cancel", .args = { TIMER }, .ret = { .kind = RET_SCALAR } },
	[181] = { .name = "bpf_loop",
		  .args = { ANYTHING, FUNC_ARG, CALLBACK_CTX, ANYTHING },
		  .ret = { .kind = RET_SCALAR },
		  .callback = CALLBACK_LOOP },
	[195] = { .name = "bpf_map_lookup_percpu_elem",
		  .args = { PERCPU_MAP, { .kind = ARG_MAP_KEY }, ANYTHING },
		  .ret = { .kind = RET_MAP_VALUE, .flags = RETF_MAYBE_NULL } },
};

static const struct func_proto *ours_helper(const struct vrf_platform *p, u32 prog_type, u32 id,
					    bool *ret_known)
{
	*ret_known = id > 0 && id < 212;
	if (id >= ARRAY_SIZE(ours_helpers) || !ours_helpers[id].name)
		return NULL;
	if (id == BPF_FUNC_seq_printf || id == BPF_FUNC_seq_write) {
		if (prog_type != BPF_PROG_TYPE_TRACING)
			return NULL;
		ours_helpers[id].args[0].btf_id = btf_find(p->btf, "seq_file", BTF_KIND_STRUCT);
	}
	if (id >= 156 && id <= 158) {
		u32 task = btf_find(p->btf, "task_struct", BTF_KIND_STRUCT);

		ours_helpers[id].args[1].btf_id = task;
		ours_helpers[id].ret.btf_id = task;
	}
	return &ours_helpers[id];
}

/* --- kfuncs ----------------------------------------------------------------------------------- */

struct ours_kfunc {
	const char *name;
	u32 flags;
};

static const struct ours_kfunc ours_kfuncs[] = {
	{ "bpf_iter_num_new", KF_ITER_NEW },
	{ "bpf_iter_num_next", KF_ITER_NEXT | KF_RET_NULL },
	{ "bpf_iter_num_destroy", KF_ITER_DESTROY },
	{ "bpf_rdonly_cast", KF_RDONLY_CAST },
	{ "bpf_wakeup_sources_read_lock", KF_ACQUIRE },
	{ "bpf_wakeup_sources_read_unlock", KF_RELEASE },
	{ "bpf_wakeup_sources_get_head", 0 },
	{ "bpf_iter_wakeup_source_new", KF_ITER_NEW },
	{ "bpf_iter_wakeup_source_next", KF_ITER_NEXT | KF_RET_NULL | KF_SCOPED },
	{ "bpf_iter_wakeup_source_destroy", KF_ITER_DESTROY },
	{ "bpf_iter_dmabuf_new", KF_ITER_NEW | KF_SLEEPABLE | KF_THREAD },
	{ "bpf_iter_dmabuf_next",
	  KF_ITER_NEXT | KF_RET_NULL | KF_SLEEPABLE | KF_THREAD | KF_SCOPED },
	{ "bpf_iter_dmabuf_destroy", KF_ITER_DESTROY | KF_SLEEPABLE | KF_THREAD },
	{ "bpf_task_from_pid", KF_ACQUIRE | KF_RET_NULL },
	{ "bpf_task_acquire", KF_ACQUIRE | KF_RET_NULL | KF_TRUSTED_ARGS },
	{ "bpf_task_release", KF_RELEASE },
	{ "bpf_timer_cancel_async", 0 },
	{ "bpf_wq_init", 0 },
	{ "bpf_wq_set_callback_impl", KF_ASYNC_CALLBACK },
	{ "bpf_wq_start", 0 },
	{ "bpf_copy_from_user_str", KF_SLEEPABLE },
	{ "bpf_map_sum_elem_count", KF_TRUSTED_ARGS | KF_MAP_TOO },
};

/* What iterators show, and what they are given to write to. */
static void ours_btf_iterators(struct btf_maker *m, u32 type_int, u32 type_u64, u32 ptr_char)
{
	u32 seq, ptr_seq, meta, inode, ptr_inode, file, ptr_file, dmabuf, ptr_dmabuf, map, it, ptr_it;
	u32 ptr_map;

	seq = maker_struct(m, "seq_file", 24, 3);
	maker_member(m, "buf", ptr_char, 0);
	maker_member(m, "size", type_u64, 8);
	maker_member(m, "count", type_u64, 16);
	ptr_seq = maker_type(m, "", BTF_KIND_PTR, 0, seq);
	meta = maker_struct(m, "bpf_iter_meta", 24, 3);
	maker_member(m, "seq", ptr_seq, 0);
	maker_member(m, "session_id", type_u64, 8);
	maker_member(m, "seq_num", type_u64, 16);
	inode = maker_struct(m, "inode", 8, 1);
	maker_member(m, "i_ino", type_u64, 0);
	ptr_inode = maker_type(m, "", BTF_KIND_PTR, 0, inode);
	file = maker_struct(m, "file", 8, 1);
	maker_member(m, "f_inode", ptr_inode, 0);
	ptr_file = maker_type(m, "", BTF_KIND_PTR, 0, file);
	dmabuf = maker_struct(m, "dma_buf", 16, 2);
	maker_member(m, "size", type_u64, 0);
	maker_member(m, "file", ptr_file, 8);
	ptr_dmabuf = maker_type(m, "", BTF_KIND_PTR, 0, dmabuf);
	map = maker_struct(m, "bpf_map", 8, 1);
	maker_member(m, "id", type_int, 0);
	ptr_map = maker_type(m, "", BTF_KIND_PTR, 0, map);
	it = maker_struct(m, "bpf_iter_dmabuf", 8, 1);
	maker_member(m, "__opaque", type_u64, 0);
	ptr_it = maker_type(m, "", BTF_KIND_PTR, 0, it);
	(void)meta;
	maker_func(m, "bpf_map_sum_elem_count", BTF_FUNC_GLOBAL, type_u64,
		   (struct maker_param[]){ { "map", ptr_map } }, 1);
	maker_func(m, "bpf_iter_dmabuf_new", BTF_FUNC_GLOBAL, type_int,
		   (struct maker_param[]){ { "it", ptr_it } }, 1);
	maker_func(m, "bpf_iter_dmabuf_next", BTF_FUNC_GLOBAL, ptr_dmabuf,
		   (struct maker_param[]){ { "it", ptr_it } }, 1);
	maker_func(m, "bpf_iter_dmabuf_destroy", BTF_FUNC_GLOBAL, 0,
		   (struct maker_param[]){ { "it", ptr_it } }, 1);
}

static void *ours_btf_image(u32 *ret_bytes)
{
	struct btf_maker *m = calloc(1, sizeof(*m));
	u32 type_int, type_u64, type_char, ptr_void, iter_num, ptr_iter_num, ptr_int, ptr_const_int;
	u32 list, ptr_list, ptr_char, ws, ptr_ws, lock, ptr_lock, iter_ws, ptr_iter_ws, task;
	u32 ptr_task, arr1, const_void, ptr_const_void, ptr_timer, ptr_wq, ptr_callback;
	void *image;

	maker_init(m);
	type_int = maker_int(m, "int", 4, BTF_INT_SIGNED);
	type_u64 = maker_int(m, "unsigned long", 8, 0);
	type_char = maker_int(m, "char", 1, BTF_INT_SIGNED);
	ptr_void = maker_type(m, "", BTF_KIND_PTR, 0, 0);
	const_void = maker_type(m, "", BTF_KIND_CONST, 0, 0);
	ptr_const_void = maker_type(m, "", BTF_KIND_PTR, 0, const_void);
	ptr_int = maker_type(m, "", BTF_KIND_PTR, 0, type_int);
	ptr_const_int = ptr_int;
	ptr_char = maker_type(m, "", BTF_KIND_PTR, 0, type_char);
	{
		struct btf_array array = { .type = type_u64, .index_type = type_int, .nelems = 1 };

		arr1 = maker_type(m, "", BTF_KIND_ARRAY, 0, 0);
		maker_put(m, &array, sizeof(array));
	}
	iter_num = maker_struct(m, "bpf_iter_num", 8, 1);
	maker_member(m, "__opaque", arr1, 0);
	ptr_iter_num = maker_type(m, "", BTF_KIND_PTR, 0, iter_num);
	list = maker_struct(m, "list_head", 16, 2);
	ptr_list = list + 1;
	maker_member(m, "next", ptr_list, 0);
	maker_member(m, "prev", ptr_list, 8);
	ptr_list = maker_type(m, "", BTF_KIND_PTR, 0, list);
	ws = maker_struct(m, "wakeup_source", 48, 4);
	ptr_ws = ws + 1;
	maker_member(m, "name", ptr_char, 0);
	maker_member(m, "entry", list, 8);
	maker_member(m, "active_count", type_u64, 24);
	maker_member(m, "self", ptr_ws, 32);
	ptr_ws = maker_type(m, "", BTF_KIND_PTR, 0, ws);
	lock = maker_struct(m, "bpf_ws_lock", 0, 0);
	ptr_lock = maker_type(m, "", BTF_KIND_PTR, 0, lock);
	iter_ws = maker_struct(m, "bpf_iter_wakeup_source", 16, 2);
	maker_member(m, "__opaque0", type_u64, 0);
	maker_member(m, "__opaque1", type_u64, 8);
	ptr_iter_ws = maker_type(m, "", BTF_KIND_PTR, 0, iter_ws);
	task = maker_struct(m, "task_struct", 32, 4);
	ptr_task = task + 1;
	maker_member(m, "pid", type_int, 0);
	maker_member(m, "tgid", type_int, 4);
	maker_member(m, "real_parent", ptr_task, 8);
	maker_member(m, "start_time", type_u64, 16);
	ptr_task = maker_type(m, "", BTF_KIND_PTR, 0, task);
	ptr_timer = maker_struct(m, "bpf_timer", 16, 2);
	maker_member(m, "a", type_u64, 0);
	maker_member(m, "b", type_u64, 8);
	ptr_timer = maker_type(m, "", BTF_KIND_PTR, 0, ptr_timer);
	ptr_wq = maker_struct(m, "bpf_wq", 16, 2);
	maker_member(m, "a", type_u64, 0);
	maker_member(m, "b", type_u64, 8);
	ptr_wq = maker_type(m, "", BTF_KIND_PTR, 0, ptr_wq);
	ptr_callback = maker_type(m, "", BTF_KIND_FUNC_PROTO, 0, type_int);
	ptr_callback = maker_type(m, "", BTF_KIND_PTR, 0, ptr_callback);

	ours_btf_iterators(m, type_int, type_u64, ptr_char);

#define FUNC(name, ret, ...) do { \
		const struct maker_param params[] = { __VA_ARGS__ }; \
		maker_func(m, name, BTF_FUNC_GLOBAL, ret, params, ARRAY_SIZE(params)); \
	} while (0)
	FUNC("bpf_iter_num_new", type_int, { "it", ptr_iter_num }, { "start", type_int },
	     { "end", type_int });
	FUNC("bpf_iter_num_next", ptr_const_int, { "it", ptr_iter_num });
	FUNC("bpf_iter_num_destroy", 0, { "it", ptr_iter_num });
	FUNC("bpf_rdonly_cast", ptr_void, { "obj__ign", ptr_const_void },
	     { "btf_id__k", type_int });
	maker_func(m, "bpf_wakeup_sources_read_lock", BTF_FUNC_GLOBAL, ptr_lock, NULL, 0);
	FUNC("bpf_wakeup_sources_read_unlock", 0, { "lock", ptr_lock });
	maker_func(m, "bpf_wakeup_sources_get_head", BTF_FUNC_GLOBAL, ptr_void, NULL, 0);
	FUNC("bpf_iter_wakeup_source_new", type_int, { "it", ptr_iter_ws });
	FUNC("bpf_iter_wakeup_source_next", ptr_ws, { "it", ptr_iter_ws });
	FUNC("bpf_iter_wakeup_source_destroy", 0, { "it", ptr_iter_ws });
	FUNC("bpf_task_from_pid", ptr_task, { "pid", type_int });
	FUNC("bpf_task_acquire", ptr_task, { "p", ptr_task });
	FUNC("bpf_task_release", 0, { "p", ptr_task });
	FUNC("bpf_timer_cancel_async", type_int, { "timer", ptr_timer });
	FUNC("bpf_wq_init", type_int, { "wq", ptr_wq }, { "p__map", ptr_void },
	     { "flags", type_int });
	FUNC("bpf_wq_set_callback_impl", type_int, { "wq", ptr_wq },
	     { "callback_fn", ptr_callback }, { "flags", type_int }, { "aux__prog", ptr_void });
	FUNC("bpf_wq_start", type_int, { "wq", ptr_wq }, { "flags", type_int });
	FUNC("bpf_copy_from_user_str", type_int, { "dst", ptr_void }, { "dst__sz", type_int },
	     { "unsafe_ptr__ign", ptr_const_void }, { "flags", type_u64 });
#undef FUNC
	image = maker_image(m, ret_bytes);
	free(m);
	return image;
}

static const struct btf *ours_btf(void)
{
	static struct btf *btf;
	void *image;
	u32 bytes;

	if (btf)
		return btf;
	image = ours_btf_image(&bytes);
	if (btf_parse(image, bytes, NULL, NULL, NULL, &btf)) {
		fprintf(stderr, "the made-up BTF is malformed\n");
		exit(1);
	}
	free(image);
	return btf;
}

static int ours_kfunc(const struct vrf_platform *p, u32 prog_type, u32 id,
		      struct vrf_kfunc *ret_kfunc)
{
	const char *name = btf_name(p->btf, id);

	for (u32 i = 0; i < ARRAY_SIZE(ours_kfuncs); i++) {
		if (strcmp(ours_kfuncs[i].name, name))
			continue;
		if (prog_type != BPF_PROG_TYPE_SYSCALL && strstr(name, "wakeup"))
			return -EACCES;
		*ret_kfunc = (struct vrf_kfunc){ .name = name, .flags = ours_kfuncs[i].flags };
		return 0;
	}
	return -ENOENT;
}

/* --- maps and contexts ------------------------------------------------------------------------ */

/* Where the type of the value puts them. */
static const struct btf_fields *ours_fields(const struct case_map *map)
{
	static struct btf_fields fields[CASE_MAX_MAPS];
	static u32 next;
	struct btf_fields *f = &fields[next++ % CASE_MAX_MAPS];
	struct case_map_btf image;
	struct btf *btf;

	if (!case_map_has_btf(map))
		return NULL;
	case_map_btf_make(map, &image);
	if (btf_parse(image.data, image.size, NULL, NULL, NULL, &btf) ||
	    btf_find_fields(btf, image.value_id, f))
		abort();
	btf_put(btf);
	free(image.data);
	return f;
}

static struct vrf_map ours_describe(const struct case_map *map)
{
	return (struct vrf_map){
		.type = map->type,
		.key_size = map->key_size,
		.value_size = map->value_size,
		.max_entries = map->max_entries,
		.map_flags = (map->rdonly ? BPF_F_RDONLY_PROG : 0) |
			     (map->any_size ? BPF_F_INNER_MAP : 0),
		.name = "corpus",
		.fields = ours_fields(map),
	};
}

static int ours_map(const struct vrf_platform *p, int fd, struct vrf_map *ret_map)
{
	static struct vrf_map inner;
	const struct corpus_case *c = p->arg;
	const struct case_map *map;

	if (fd < FIRST_MAP_FD || fd >= FIRST_MAP_FD + (int)c->nr_maps)
		return -EBADF;
	map = &c->maps[fd - FIRST_MAP_FD];
	*ret_map = ours_describe(map);
	ret_map->handle = map;
	ret_map->const_data = map->rdonly ? map->data : NULL;
	if (map->has_inner) {
		inner = ours_describe(&c->maps[map->inner]);
		ret_map->inner = &inner;
	}
	return 0;
}

/* As on x86-64, wherever this runs: the corpus says offsets. */
static const struct ctx_field ours_perf_event_fields[] = {
	{ .off = 0, .size = 168, .words = true },
	{ .off = 168, .size = 8 }, /* sample_period */
	{ .off = 176, .size = 8 }, /* addr */
};

static const struct ctx_desc ours_ctx_syscall = {
	.name = "syscall",
	.max_bytes = 65535,
	.plain = true,
	.writable = true,
	.ret_min = INT64_MIN,
	.ret_max = INT64_MAX,
	.may_sleep = true,
};

static const struct ctx_desc ours_ctx_perf_event = {
	.name = "perf_event",
	.fields = ours_perf_event_fields,
	.nr_fields = ARRAY_SIZE(ours_perf_event_fields),
	.ret_min = INT64_MIN,
	.ret_max = INT64_MAX,
};

/* meta, and an object or an element. */
static const struct ctx_desc *ours_ctx_iter(const struct vrf_platform *p, const char *target)
{
	static struct ctx_field fields[4];
	static struct ctx_desc desc;
	bool elem = !strcmp(target, "bpf_map_elem");
	const char *type = !strcmp(target, "dmabuf") ? "dma_buf" : "bpf_map";

	fields[0] = (struct ctx_field){
		.size = 8, .btf_id = btf_find(p->btf, "bpf_iter_meta", BTF_KIND_STRUCT),
	};
	fields[1] = (struct ctx_field){
		.off = 8, .size = 8, .maybe_null = !elem,
		.btf_id = btf_find(p->btf, type, BTF_KIND_STRUCT),
	};
	fields[2] = (struct ctx_field){
		.off = 16, .size = 8, .maybe_null = true, .buf = CTX_BUF_RDONLY,
	};
	fields[3] = (struct ctx_field){
		.off = 24, .size = 8, .maybe_null = true, .buf = CTX_BUF,
	};
	desc = (struct ctx_desc){
		.name = "iter", .fields = fields, .nr_fields = elem ? 4 : 2,
		.ret_min = 0, .ret_max = 1, .may_sleep = true, .in_thread = true,
	};
	return &desc;
}

static const struct ctx_desc *ours_ctx(const struct vrf_platform *p, u32 prog_type)
{
	const struct corpus_case *c = p->arg;

	switch (prog_type) {
	case BPF_PROG_TYPE_TRACING:
		return ours_ctx_iter(p, c->iter);
	case BPF_PROG_TYPE_SYSCALL:
		return &ours_ctx_syscall;
	case BPF_PROG_TYPE_PERF_EVENT:
		return &ours_ctx_perf_event;
	default:
		return NULL;
	}
}

static const struct trusted_member ours_trusted_members[] = {
	{ "bpf_iter_meta", "seq" }, { NULL },
};

/* --- asking ----------------------------------------------------------------------------------- */

struct ours_request {
	struct corpus_case *c;
	struct vrf_platform platform;
	struct vrf_request req;
	struct bpf_insn *insns;
	struct btf *prog_btf;
	struct case_btf *btf;
};

static inline void ours_finish(struct ours_request *r)
{
	btf_put(r->prog_btf);
	case_btf_free(r->btf);
	free(r->insns);
}

/* Everything vrf_check() needs but a log.  0, or -ENOENT: we have no such kfunc. */
static inline int ours_prepare(struct corpus_case *c, struct ours_request *r)
{
	int fds[CASE_MAX_MAPS];

	memset(r, 0, sizeof(*r));
	r->c = c;
	r->platform = (struct vrf_platform){
		.btf = ours_btf(),
		.helper = ours_helper,
		.kfunc = ours_kfunc,
		.map = ours_map,
		.ctx = ours_ctx,
		.trusted_members = ours_trusted_members,
		.arg = c,
	};
	r->insns = malloc(sizeof(c->insns));
	if (!r->insns)
		abort();
	memcpy(r->insns, c->insns, sizeof(c->insns));
	for (u32 i = 0; i < c->nr_maps; i++)
		fds[i] = FIRST_MAP_FD + i;
	case_fill_maps(c, r->insns, fds);
	case_fill_kfuncs(c, r->insns, r->platform.btf);
	case_fill_types(c, r->insns, r->platform.btf);
	r->btf = case_btf_make(c);
	if (r->btf && btf_parse(r->btf->data, r->btf->size, NULL, NULL, NULL, &r->prog_btf))
		abort();
	r->req = (struct vrf_request){
		.insns = r->insns,
		.nr_insns = c->nr_insns,
		.platform = &r->platform,
		.prog_btf = r->prog_btf,
		.func_info = r->btf ? r->btf->func_info : NULL,
		.nr_func_info = r->btf ? r->btf->nr_func_info : 0,
		.prog_type = c->prog_type,
		.prog_flags = c->prog_flags,
		.gpl_compatible = true,
	};
	if (c->prog_type == BPF_PROG_TYPE_SYSCALL)
		r->req.prog_flags |= BPF_F_SLEEPABLE;
	return 0;
}

#endif
