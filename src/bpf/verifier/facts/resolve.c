/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/facts/resolve.c - what pseudo loads and calls refer to
 *
 * Each reference is asked for once.  A map that is not there is wrong wherever
 * it stands; a function that is not there is wrong only where the program can
 * really call it, because a loader leaves calls of functions that this system
 * lacks behind branches that are never taken.  Such a call has SITE_NONE, and
 * facts_reject_call() has the words for it.
 */
#include <errno.h>
#include <stdlib.h>

#include "bpf/core/disasm.h"
#include "bpf/core/uapi.h"
#include "bpf/verifier/facts/internal.h"

#define MAX_USED_MAPS 64
#define MAX_KFUNCS 256
#define MAX_VALUE_OFF (1u << 29)

/* --- maps ------------------------------------------------------------------------------------- */

static void copy_map(struct facts *f, u32 i, const struct vrf_map *map)
{
	f->maps[i] = *map;
	if (!map->inner)
		return;
	f->inner_maps[i] = *map->inner;
	f->maps[i].inner = &f->inner_maps[i];
}

static int add_map(struct vrf *v, struct facts *f, const struct vrf_map *map, u32 *ret_index)
{
	u32 i;

	for (i = 0; i < f->nr_maps; i++)
		if (f->maps[i].handle == map->handle)
			break;
	if (i == MAX_USED_MAPS)
		return vlog_reject(v, -E2BIG, WHY_COMPLEXITY,
				   "The total number of maps per program has reached the limit of %u",
				   MAX_USED_MAPS);
	if (!f->maps)
		f->maps = calloc(MAX_USED_MAPS, sizeof(*f->maps));
	if (!f->inner_maps)
		f->inner_maps = calloc(MAX_USED_MAPS, sizeof(*f->inner_maps));
	if (!f->maps || !f->inner_maps)
		return -ENOMEM;
	if (i == f->nr_maps)
		copy_map(f, f->nr_maps++, map);
	*ret_index = i;
	return 0;
}

/* By descriptor, or by the place of the descriptor in fd_array. */
static int map_fd(struct vrf *v, const struct bpf_insn *insn, int *ret_fd)
{
	const struct vrf_request *req = v->req;

	if (insn->src_reg == BPF_PSEUDO_MAP_FD || insn->src_reg == BPF_PSEUDO_MAP_VALUE) {
		*ret_fd = insn->imm;
		return 0;
	}
	if (!req->fd_array)
		return vlog_reject(v, -EPROTO, WHY_INSN, "fd_idx without fd_array is invalid");
	if (insn->imm < 0 || (u32)insn->imm >= req->nr_fd_array)
		return vlog_reject(v, -EINVAL, WHY_INSN, "fd_idx %d is outside fd_array", insn->imm);
	*ret_fd = req->fd_array[insn->imm];
	return 0;
}

static int check_value_off(struct vrf *v, const struct vrf_map *map, u32 off)
{
	if (off >= MAX_VALUE_OFF)
		return vlog_reject(v, -EINVAL, WHY_BOUNDS, "direct value offset of %u is not allowed",
				   off);
	if (map->type != BPF_MAP_TYPE_ARRAY || map->max_entries != 1 || off >= map->value_size)
		return vlog_reject(v, -EINVAL, WHY_BOUNDS,
				   "invalid access to map value pointer, value_size=%u off=%u",
				   map->value_size, off);
	return 0;
}

static int check_sleeper_uses(struct vrf *v, const struct vrf_map *map)
{
	static const u64 may = 1ull << BPF_MAP_TYPE_HASH | 1ull << BPF_MAP_TYPE_LRU_HASH |
			       1ull << BPF_MAP_TYPE_ARRAY | 1ull << BPF_MAP_TYPE_PERCPU_ARRAY |
			       1ull << BPF_MAP_TYPE_PERCPU_HASH |
			       1ull << BPF_MAP_TYPE_LRU_PERCPU_HASH | 1ull << BPF_MAP_TYPE_RINGBUF |
			       1ull << BPF_MAP_TYPE_ARRAY_OF_MAPS |
			       1ull << BPF_MAP_TYPE_HASH_OF_MAPS |
			       1ull << BPF_MAP_TYPE_TASK_STORAGE | 1ull << MAP_TYPE_RHASH;

	if (!(v->req->prog_flags & BPF_F_SLEEPABLE) || may & 1ull << map->type)
		return 0;
	return vlog_reject(v, -EINVAL, WHY_ARGUMENT,
			   "Sleepable programs can only use array, hash, ringbuf and local storage maps");
}

static bool is_tracing(u32 prog_type)
{
	return prog_type == BPF_PROG_TYPE_KPROBE || prog_type == BPF_PROG_TYPE_TRACEPOINT ||
	       prog_type == BPF_PROG_TYPE_PERF_EVENT || prog_type == BPF_PROG_TYPE_RAW_TRACEPOINT;
}

static int check_lock(struct vrf *v, const struct vrf_map *map)
{
	u32 type = v->req->prog_type;

	if (!map->fields || !btf_field_of(map->fields, BTF_FIELD_LOCK))
		return 0;
	if (type == BPF_PROG_TYPE_SOCKET_FILTER)
		return vlog_reject(v, -EINVAL, WHY_ARGUMENT,
				   "socket filter progs cannot use bpf_spin_lock yet");
	if (is_tracing(type))
		return vlog_reject(v, -EINVAL, WHY_ARGUMENT,
				   "tracing progs cannot use bpf_spin_lock yet");
	return 0;
}

static int resolve_map(struct vrf *v, struct facts *f, const struct bpf_insn *insn)
{
	const struct vrf_platform *p = v->req->platform;
	struct callsite *site = &f->sites[v->pc];
	struct vrf_map map;
	int fd = -1, err;

	err = map_fd(v, insn, &fd);
	if (err)
		return err;
	err = p->map(p, fd, &map);
	if (err)
		return vlog_reject(v, err, WHY_ARGUMENT, "fd %d is not pointing to valid bpf_map", fd);
	err = check_lock(v, &map) ?: check_sleeper_uses(v, &map);
	if (err)
		return err;
	site->kind = SITE_MAP;
	if (insn->src_reg == BPF_PSEUDO_MAP_VALUE || insn->src_reg == BPF_PSEUDO_MAP_IDX_VALUE) {
		site->kind = SITE_MAP_VALUE;
		site->off = insn[1].imm;
		err = check_value_off(v, &map, site->off);
	}
	return err ?: add_map(v, f, &map, &site->map);
}

/* --- other loads ------------------------------------------------------------------------------ */

static int resolve_ld_imm64(struct vrf *v, struct facts *f)
{
	const struct bpf_insn *insn = &v->req->insns[v->pc];
	struct callsite *site = &f->sites[v->pc];

	/* Only numbers and places in a value have something to say in the second half. */
	if (insn[1].imm && (insn->src_reg == BPF_PSEUDO_MAP_FD ||
			    insn->src_reg == BPF_PSEUDO_MAP_IDX || insn->src_reg == BPF_PSEUDO_FUNC))
		return vlog_reject(v, -EINVAL, WHY_INSN, "unrecognized bpf_ld_imm64 insn");
	switch (insn->src_reg) {
	case 0:
		site->kind = SITE_NUMBER;
		site->imm64 = (u64)(u32)insn[1].imm << 32 | (u32)insn->imm;
		return 0;
	case BPF_PSEUDO_MAP_FD:
	case BPF_PSEUDO_MAP_VALUE:
	case BPF_PSEUDO_MAP_IDX:
	case BPF_PSEUDO_MAP_IDX_VALUE:
		return resolve_map(v, f, insn);
	case BPF_PSEUDO_FUNC:
		site->kind = SITE_FUNC;
		site->subprog = facts_subprog_of(f, v->pc + 1 + insn->imm);
		return 0;
	case BPF_PSEUDO_BTF_ID:
		return vlog_reject(v, -EINVAL, WHY_UNSUPPORTED,
				   "ldimm64 of variable btf_id %u is not supported", (u32)insn->imm);
	default:
		return vlog_reject(v, -EINVAL, WHY_INSN, "unrecognized bpf_ld_imm64 insn");
	}
}

/* --- calls ------------------------------------------------------------------------------------ */

static int reject_helper(struct vrf *v, u32 id)
{
	const struct vrf_platform *p = v->req->platform;
	const struct func_proto *proto;
	bool known = false;

	proto = p->helper(p, v->req->prog_type, id, &known);
	if (proto)
		return vlog_reject(v, -EINVAL, WHY_CALL,
				   "cannot call GPL-restricted function from non-GPL compatible program");
	if (known)
		return vlog_reject(v, -EINVAL, WHY_CALL,
				   "program of this type cannot use helper %s#%u", helper_name(id), id);
	return vlog_reject(v, -EINVAL, WHY_CALL, "invalid func %s#%d", helper_name(id), (int)id);
}

static int reject_kfunc(struct vrf *v, u32 id)
{
	if (!id)
		return vlog_reject(v, -EINVAL, WHY_CALL,
				   "invalid kernel function call not eliminated in verifier pass");
	return vlog_reject(v, -EACCES, WHY_CALL, "calling kernel function %s is not allowed",
			   btf_name(v->req->platform->btf, id));
}

/**
 * facts_reject_call - the call at v->pc has SITE_NONE and would be executed: say why not
 *
 * Context: thread.
 * Return:  -EINVAL or -EACCES.
 */
int facts_reject_call(struct vrf *v)
{
	const struct bpf_insn *insn = &v->req->insns[v->pc];

	if (insn_is_kfunc_call(insn))
		return reject_kfunc(v, insn->imm);
	return reject_helper(v, insn->imm);
}

static int resolve_helper(struct vrf *v, struct facts *f, u32 id)
{
	const struct vrf_platform *p = v->req->platform;
	struct callsite *site = &f->sites[v->pc];
	const struct func_proto *proto;
	bool known;

	proto = p->helper(p, v->req->prog_type, id, &known);
	if (!proto || (proto->flags & FUNC_GPL && !v->req->gpl_compatible))
		return 0;
	site->kind = SITE_HELPER;
	site->id = id;
	site->proto = proto;
	return 0;
}

static const struct func_proto *known_kfunc(const struct facts *f, u32 id, u32 *ret_nr)
{
	*ret_nr = 0;
	for (const struct kfunc_proto *k = f->mem->kfuncs; k; k = k->next, ++*ret_nr)
		if (k->id == id)
			return &k->proto;
	return NULL;
}

static int add_kfunc(struct vrf *v, struct facts *f, u32 id, const struct vrf_kfunc *kfunc,
		     const struct func_proto **ret_proto)
{
	struct kfunc_proto *k = calloc(1, sizeof(*k));
	int err;

	if (!k)
		return -ENOMEM;
	err = proto_from_btf(v, v->req->platform->btf, id, kfunc, &k->proto);
	if (err) {
		free(k);
		return err;
	}
	k->id = id;
	k->next = f->mem->kfuncs;
	f->mem->kfuncs = k;
	*ret_proto = &k->proto;
	return 0;
}

static int resolve_kfunc(struct vrf *v, struct facts *f, u32 id)
{
	const struct vrf_platform *p = v->req->platform;
	const struct btf_type *t = btf_type(p->btf, id);
	struct callsite *site = &f->sites[v->pc];
	const struct func_proto *proto;
	struct vrf_kfunc kfunc;
	u32 nr;
	int err;

	if (!id)
		return 0;
	if (!t || btf_kind(t) != BTF_KIND_FUNC)
		return vlog_reject(v, -EINVAL, WHY_CALL, "kernel btf_id %u is not a function", id);
	proto = known_kfunc(f, id, &nr);
	if (!proto) {
		if (nr == MAX_KFUNCS)
			return vlog_reject(v, -E2BIG, WHY_COMPLEXITY,
					   "too many different kernel function calls");
		if (p->kfunc(p, v->req->prog_type, id, &kfunc))
			return 0;
		err = add_kfunc(v, f, id, &kfunc, &proto);
		if (err)
			return err;
	}
	site->kind = SITE_KFUNC;
	site->id = id;
	site->proto = proto;
	return 0;
}

static int resolve_call(struct vrf *v, struct facts *f)
{
	const struct bpf_insn *insn = &v->req->insns[v->pc];
	struct callsite *site = &f->sites[v->pc];

	if (insn_is_helper_call(insn))
		return resolve_helper(v, f, insn->imm);
	if (insn_is_kfunc_call(insn))
		return resolve_kfunc(v, f, insn->imm);
	site->kind = SITE_SUBPROG;
	site->subprog = facts_subprog_of(f, v->pc + 1 + insn->imm);
	return 0;
}

/* --- sleeping --------------------------------------------------------------------------------- */

static bool site_might_sleep(const struct facts *f, const struct callsite *site)
{
	switch (site->kind) {
	case SITE_HELPER:
	case SITE_KFUNC:
		return site->proto->flags & FUNC_SLEEPABLE;
	case SITE_SUBPROG:
	case SITE_FUNC:
		return f->subprogs[site->subprog].might_sleep;
	default:
		return false;
	}
}

/* A global function is checked once, for callers that may sleep; others need to know. */
static void find_sleepers(const struct vrf_request *req, struct facts *f)
{
	bool again = true;

	while (again) {
		again = false;
		for (u32 pc = 0; pc < req->nr_insns; pc++) {
			struct subprog *sub;

			if (!site_might_sleep(f, &f->sites[pc]))
				continue;
			sub = &f->subprogs[facts_subprog_of(f, pc)];
			again |= !sub->might_sleep;
			sub->might_sleep = true;
		}
	}
}

/**
 * facts_resolve - maps, numbers, functions
 * @f: needs ->subprogs; gives ->sites, ->maps, ->ctx
 *
 * Context: thread.
 * Return:  0, the rejection, or -ENOMEM.
 */
int facts_resolve(struct vrf *v, struct facts *f)
{
	const struct vrf_request *req = v->req;
	int err;

	f->ctx = req->platform->ctx(req->platform, req->prog_type);
	if (!f->ctx)
		return vlog_reject(v, -EINVAL, WHY_CONTEXT, "unknown program type %u", req->prog_type);
	f->sites = calloc(req->nr_insns, sizeof(*f->sites));
	if (!f->sites)
		return -ENOMEM;
	for (v->pc = 0; v->pc < req->nr_insns; v->pc++) {
		const struct bpf_insn *insn = &req->insns[v->pc];

		err = 0;
		if (insn_is_ld_imm64(insn))
			err = resolve_ld_imm64(v, f);
		else if (insn->code == (BPF_JMP | BPF_CALL))
			err = resolve_call(v, f);
		if (err)
			return err;
		v->pc += insn_is_ld_imm64(insn);
	}
	v->pc = 0;
	find_sleepers(req, f);
	return 0;
}
