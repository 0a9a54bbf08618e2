/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/prog/platform.c - what programs of each type may reach in this process
 */
#include <errno.h>
#include <limits.h>
#include <linux/bpf_perf_event.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/helper/helper.h"
#include "bpf/kfunc/kfunc.h"
#include "bpf/prog/prog.h"

/* --- contexts ----------------------------------------------------------------------------- */

/* The fields of struct __sk_buff that a test run fills in; the rest may not be touched. */
static const struct ctx_field skb_fields[] = {
	{ .off = offsetof(struct __sk_buff, len), .size = 4 },
	{ .off = offsetof(struct __sk_buff, mark), .size = 4 },
	{ .off = offsetof(struct __sk_buff, protocol), .size = 4 },
	{ .off = offsetof(struct __sk_buff, priority), .size = 4 },
	{ .off = offsetof(struct __sk_buff, cb[0]), .size = 4, .writable = true },
	{ .off = offsetof(struct __sk_buff, cb[1]), .size = 4, .writable = true },
	{ .off = offsetof(struct __sk_buff, cb[2]), .size = 4, .writable = true },
	{ .off = offsetof(struct __sk_buff, cb[3]), .size = 4, .writable = true },
	{ .off = offsetof(struct __sk_buff, cb[4]), .size = 4, .writable = true },
};

/* Registers as user space names them, whole; the two numbers behind them also in part. */
static const struct ctx_field perf_event_fields[] = {
	{ .off = 0, .size = offsetof(struct bpf_perf_event_data, sample_period), .words = true },
	{ .off = offsetof(struct bpf_perf_event_data, sample_period), .size = 8 },
	{ .off = offsetof(struct bpf_perf_event_data, addr), .size = 8 },
};

#define ANY_RETURN .ret_min = INT64_MIN, .ret_max = INT64_MAX

/*
 * Types without fields can be loaded, which is how libbpf finds out what there
 * is; nothing here can be attached to.
 */
static const struct ctx_desc ctx_descs[] = {
	[BPF_PROG_TYPE_SYSCALL] = {
		.name = "syscall", .plain = true, .writable = true, .max_bytes = USHRT_MAX,
		.may_sleep = true, .in_thread = true, ANY_RETURN,
	},
	[BPF_PROG_TYPE_SOCKET_FILTER] = {
		.name = "socket_filter", .max_bytes = sizeof(struct __sk_buff),
		.fields = skb_fields, .nr_fields = ARRAY_SIZE(skb_fields), .in_thread = true,
		ANY_RETURN,
	},
	[BPF_PROG_TYPE_KPROBE] = { .name = "kprobe", ANY_RETURN },
	[BPF_PROG_TYPE_SCHED_CLS] = { .name = "sched_cls", ANY_RETURN },
	[BPF_PROG_TYPE_TRACEPOINT] = { .name = "tracepoint", ANY_RETURN },
	[BPF_PROG_TYPE_PERF_EVENT] = {
		.name = "perf_event", .max_bytes = sizeof(struct bpf_perf_event_data),
		.fields = perf_event_fields, .nr_fields = ARRAY_SIZE(perf_event_fields), ANY_RETURN,
	},
	[BPF_PROG_TYPE_XDP] = { .name = "xdp", ANY_RETURN },
	[BPF_PROG_TYPE_RAW_TRACEPOINT] = { .name = "raw_tracepoint", ANY_RETURN },
};

static const struct ctx_desc *platform_ctx(const struct vrf_platform *p, u32 prog_type)
{
	const struct platform *platform = p->arg;

	if (platform->iter)
		return &platform->ctx;
	if (prog_type >= ARRAY_SIZE(ctx_descs) || !ctx_descs[prog_type].name)
		return NULL;
	return &ctx_descs[prog_type];
}

/* --- helpers and kfuncs ------------------------------------------------------------------- */

static bool is_packet_type(u32 prog_type)
{
	return prog_type == BPF_PROG_TYPE_SOCKET_FILTER || prog_type == BPF_PROG_TYPE_SCHED_CLS ||
	       prog_type == BPF_PROG_TYPE_XDP;
}

/* A row with a struct in it: the table does not know the struct's number. */
static const struct func_proto *with_struct(struct platform *platform, const struct helper *h)
{
	struct func_proto *proto;
	u32 id;

	for (u32 i = 0; i < platform->nr_protos; i++)
		if (platform->protos[i].name == h->proto.name)
			return &platform->protos[i];
	if (platform->nr_protos == PLATFORM_PROTOS)
		return NULL;
	proto = &platform->protos[platform->nr_protos++];
	*proto = h->proto;
	id = btf_find(platform->vrf.btf, h->struct_name, BTF_KIND_STRUCT);
	for (u32 i = 0; i < FUNC_MAX_ARGS; i++)
		if (proto->args[i].kind == ARG_BTF)
			proto->args[i].btf_id = id;
	if (proto->ret.kind == RET_BTF)
		proto->ret.btf_id = id;
	return proto;
}

static const struct func_proto *platform_helper(const struct vrf_platform *p, u32 prog_type,
						u32 id, bool *ret_known)
{
	const struct helper *h = helper_find(id);
	struct platform *platform = p->arg;

	/* A number of the kernel's that we do not offer is known, too. */
	*ret_known = id > BPF_FUNC_unspec && id < __BPF_FUNC_MAX_ID;
	if (!h || (h->tracing_only && is_packet_type(prog_type)))
		return NULL;
	if (h->iter_only && !platform->iter)
		return NULL;
	if (h->perf_event_only && prog_type != BPF_PROG_TYPE_PERF_EVENT)
		return NULL;
	if (h->syscall_only && prog_type != BPF_PROG_TYPE_SYSCALL)
		return NULL;
	return h->struct_name ? with_struct(platform, h) : &h->proto;
}

static int platform_kfunc(const struct vrf_platform *p, u32 prog_type, u32 id,
			  struct vrf_kfunc *ret_kfunc)
{
	const struct btf_type *t = btf_type(p->btf, id);
	const struct kfunc *k;

	if (!t || btf_kind(t) != BTF_KIND_FUNC)
		return -ENOENT;
	k = kfunc_find(btf_name(p->btf, id));
	if (!k)
		return -ENOENT;
	if (k->prog_types && !(k->prog_types & 1ull << prog_type))
		return -EACCES;
	*ret_kfunc = (struct vrf_kfunc){ .name = k->name, .flags = k->flags };
	return 0;
}

/* --- maps --------------------------------------------------------------------------------- */

/* Keep a map until the check ends; the caller's reference is given up in every case. */
static int map_set_add(struct map_set *set, struct bpf_map *map)
{
	for (u32 i = 0; i < set->nr; i++) {
		if (set->maps[i] == map) {
			map_put(map);
			return 0;
		}
	}
	if (set->nr == set->room) {
		u32 room = set->room ? set->room * 2 : 8;
		struct bpf_map **maps = realloc(set->maps, room * sizeof(*maps));

		if (!maps) {
			map_put(map);
			return -ENOMEM;
		}
		set->maps = maps;
		set->room = room;
	}
	set->maps[set->nr++] = map;
	return 0;
}

/* Values that nobody can change any more are known numbers. */
static const u8 *const_data(struct bpf_map *map)
{
	bool is_const = (map->spec.flags & BPF_F_RDONLY_PROG) && map_is_frozen(map);

	return is_const && map->ops->values ? map->ops->values(map) : NULL;
}

static void describe(const struct map_spec *spec, struct vrf_map *ret_map)
{
	*ret_map = (struct vrf_map){
		.type = spec->type,
		.key_size = spec->key_size,
		.value_size = spec->value_size,
		.max_entries = spec->max_entries,
		.map_flags = spec->flags,
		.name = spec->name,
		.fields = spec->btf ? &spec->fields : NULL,
	};
}

static int platform_map(const struct vrf_platform *p, int fd, struct vrf_map *ret_map)
{
	struct platform *platform = p->arg;
	struct bpf_map *map;
	int err = map_by_fd(fd, &map);

	if (err)
		return err;
	describe(&map->spec, ret_map);
	ret_map->handle = map;
	ret_map->const_data = const_data(map);
	if (map->inner) {
		describe(map->inner, &platform->inner);
		ret_map->inner = &platform->inner;
	}
	return map_set_add(&platform->maps, map);
}

/* --- one check ---------------------------------------------------------------------------- */

static const struct trusted_member trusted_members[] = { { "bpf_iter_meta", "seq" }, { NULL } };

/* The target of an iterator's program, or NULL: it is none, or of no target. */
static const struct iter_target *target_of(const struct prog_spec *spec)
{
	const struct btf *btf = btf_self();
	const struct btf_type *t = btf_type(btf, spec->attach_btf_id);

	if (spec->type != BPF_PROG_TYPE_TRACING || spec->attach_type != BPF_TRACE_ITER || !t ||
	    btf_kind(t) != BTF_KIND_FUNC)
		return NULL;
	return iter_target_of_func(btf_name(btf, spec->attach_btf_id));
}

/**
 * platform_init - the table of one check
 * @platform: keeps every map that the check meets; platform_fini() it when the result
 *            is used up
 *
 * Context: may sleep.
 */
void platform_init(struct platform *platform, const struct prog_spec *spec)
{
	*platform = (struct platform){
		.type = spec->type,
		.attach_type = spec->attach_type,
		.iter = target_of(spec),
		.vrf = {
			.btf = btf_self(),
			.trusted_members = trusted_members,
			.helper = platform_helper,
			.kfunc = platform_kfunc,
			.map = platform_map,
			.ctx = platform_ctx,
			.arg = platform,
		},
	};
	if (platform->iter)
		iter_target_ctx(platform->iter, platform->fields, &platform->ctx);
}

void platform_fini(struct platform *platform)
{
	for (u32 i = 0; i < platform->maps.nr; i++)
		map_put(platform->maps.maps[i]);
	free(platform->maps.maps);
}
