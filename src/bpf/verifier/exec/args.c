/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/exec/args.c - may this value be passed
 *
 * One matcher for helpers, kfuncs and global functions: each kind of argument
 * is a row.  It looks and refuses; what the call changes is effects.c.
 */
#include <errno.h>
#include <string.h>

#include "bpf/verifier/exec/call.h"

#define ARG_REG(i) ((i) + 1)

/* One argument being matched. */
struct arg_at {
	struct call *call;
	const struct func_arg *arg;
	struct value *val;
	u32 reg;
	u32 i;
};

static bool is_kfunc(const struct arg_at *at)
{
	return at->call->proto->flags & FUNC_KFUNC;
}

static int reject_type(struct vrf *v, const struct arg_at *at, const char *expected)
{
	struct wording words, ended;

	return vlog_reject(v, -EACCES, WHY_ARGUMENT, "R%u type=%s expected=%s%s", at->reg,
			   value_words(v, at->val, &words), expected,
			   ended_words(at->val, at->reg, &ended));
}

static int reject_null(struct vrf *v, const struct arg_at *at)
{
	return vlog_reject(v, -EACCES, WHY_NULL, "Possibly NULL pointer passed to trusted R%u",
			   at->reg);
}

/* --- numbers ---------------------------------------------------------------------------------- */

static int arg_anything(struct vrf *v, struct vstate *st, const struct arg_at *at)
{
	return 0;
}

static int arg_scalar(struct vrf *v, struct vstate *st, const struct arg_at *at)
{
	if (value_is_scalar(at->val))
		return 0;
	return vlog_reject(v, -EINVAL, WHY_ARGUMENT, "R%u is not a scalar", at->reg);
}

static int arg_const(struct vrf *v, struct vstate *st, const struct arg_at *at)
{
	if (!value_is_scalar(at->val))
		return arg_scalar(v, st, at);
	if (!value_is_const(at->val) && is_kfunc(at))
		return vlog_reject(v, -EINVAL, WHY_ARGUMENT, "R%u must be a known constant",
				   at->reg);
	if (!value_is_const(at->val))
		return vlog_reject(v, -EACCES, WHY_ARGUMENT, "R%u is not a known constant'",
				   at->reg);
	want_reg(at->call->step, at->reg);
	at->call->has_const = true;
	at->call->const_arg = scalar_value(&at->val->num);
	return 0;
}

/* --- memory ----------------------------------------------------------------------------------- */

#define MEM_WORDS "fp, pkt, pkt_meta, map_key, map_value, mem, ringbuf_mem, buf, trusted_ptr_"

/* A pointer to some memory that may be NULL only where that is asked for. */
static int mem_type(struct vrf *v, const struct arg_at *at)
{
	bool may_be_null = at->arg->flags & ARGF_MAYBE_NULL;
	const struct region_ops *ops = region_of[at->val->kind];

	if (may_be_null && value_is_null(at->val)) {
		want_reg(at->call->step, at->reg);
		return 0;
	}
	if (!ops || !ops->arg || (!may_be_null && at->val->flags & VF_MAYBE_NULL))
		return reject_type(v, at, MEM_WORDS);
	return 0;
}

/* The callee may read or write @size bytes behind the argument. */
static int mem_access(struct vrf *v, struct vstate *st, const struct arg_at *at, u32 size)
{
	struct call_write *w = &at->call->writes[at->call->nr_writes];
	bool writes = at->arg->flags & ARGF_WRITE;
	bool reads = !writes || !(at->arg->flags & ARGF_UNINIT);
	struct access a = {
		.ptr = &w->ptr,
		.step = at->call->step,
		.reg = at->reg,
		.size = size,
		.how = ACC_ARG | (writes ? ACC_WRITE : 0) | (reads ? ACC_READ : 0),
	};
	int err;

	if (value_is_null(at->val))
		return size ? reject_type(v, at, "fp") : 0;
	*w = (struct call_write){ .ptr = *at->val, .reg = at->reg, .size = size };
	w->ptr.flags &= ~VF_MAYBE_NULL;
	err = access_check(v, st, &a);
	if (!err && writes)
		at->call->nr_writes++;
	return err;
}

/* The length of this memory is the next argument. */
static bool has_size_arg(const struct arg_at *at)
{
	return at->i + 1 < FUNC_MAX_ARGS && at->arg[1].kind == ARG_SIZE;
}

static int arg_mem(struct vrf *v, struct vstate *st, const struct arg_at *at)
{
	int err = mem_type(v, at);

	if (err || has_size_arg(at))
		return err;
	if (!at->arg->size)
		return vlog_reject(v, -EINVAL, WHY_UNSUPPORTED,
				   "arg#%u of %s: memory of unknown size is not supported", at->i,
				   at->call->proto->name);
	return value_is_null(at->val) ? 0 : mem_access(v, st, at, at->arg->size);
}

/* The greatest length counts: what is not written then is only treated as if it were. */
static int check_size_range(struct vrf *v, const struct arg_at *at)
{
	const struct scalar *num = &at->val->num;

	if (scalar_smin(num) < 0)
		return vlog_reject(v, -EACCES, WHY_BOUNDS,
				   "R%u min value is negative, either use unsigned or 'var &= const'",
				   at->reg);
	if (!scalar_umin(num) && !(at->arg->flags & ARGF_ZERO_OK))
		return vlog_reject(v, -EACCES, WHY_BOUNDS,
				   "R%u invalid zero-sized read: u64=[%lld,%lld]", at->reg,
				   (long long)scalar_umin(num), (long long)scalar_umax(num));
	if (scalar_umax(num) >= EXEC_MAX_OFF)
		return vlog_reject(v, -EACCES, WHY_BOUNDS,
				   "R%u unbounded memory access, use 'var &= const' or 'if (var < const)'",
				   at->reg);
	return 0;
}

static int arg_size(struct vrf *v, struct vstate *st, const struct arg_at *at)
{
	struct arg_at mem = *at;
	int err;

	if (!value_is_scalar(at->val))
		return reject_type(v, at, "scalar");
	want_reg(at->call->step, at->reg);
	err = check_size_range(v, at);
	if (err)
		return err;
	mem.arg--;
	mem.val--;
	mem.reg--;
	mem.i--;
	return mem_access(v, st, &mem, (u32)scalar_umax(&at->val->num));
}

static int map_mem(struct vrf *v, struct vstate *st, const struct arg_at *at, const char *part,
		   u32 size)
{
	int err = mem_type(v, at);

	if (!err && value_is_null(at->val))
		return 0;
	if (!err && !size)
		return vlog_reject(v, -EACCES, WHY_ARGUMENT, "invalid zero-sized read of map %s", part);
	return err ?: mem_access(v, st, at, size);
}

/* Arrays that may be put into one outer map need not be of one size. */
static bool size_is_known(const struct vrf_map *map)
{
	return map->handle || !(map->map_flags & BPF_F_INNER_MAP);
}

/*
 * An array has all of its elements, always.  So a lookup by a known index finds one, and
 * that the index is known, in this frame's slots, is what the step depended on (corpus:
 * map_array_index_is_exact).
 */
static void find_known_index(const struct vstate *st, const struct arg_at *at)
{
	const struct vrf_map *map = at->call->map;
	const struct value *key = at->val;
	struct value index;
	s32 off;

	if (map->type != BPF_MAP_TYPE_ARRAY || !size_is_known(map) || key->kind != V_STACK ||
	    key->stack.frame != st->depth - 1 || !value_offset_is_const(key))
		return;
	off = (s32)value_offset(key);
	if (stack_read(&vstate_frame(st)->stack, off, sizeof(u32), UNINIT_ALLOWED, &index) ||
	    !value_is_const(&index) || scalar_value(&index.num) >= map->max_entries)
		return;
	want_slots(at->call->step, stack_slot_of(off), stack_slot_of(off + 3));
	at->call->key_is_there = true;
}

static int arg_map_key(struct vrf *v, struct vstate *st, const struct arg_at *at)
{
	int err;

	if (!at->call->map)
		return vlog_reject(v, -EACCES, WHY_ARGUMENT, "invalid map_ptr to access map->key");
	err = map_mem(v, st, at, "key", at->call->map->key_size);
	if (!err)
		find_known_index(st, at);
	return err;
}

static int arg_map_value(struct vrf *v, struct vstate *st, const struct arg_at *at)
{
	if (!at->call->map)
		return vlog_reject(v, -EACCES, WHY_ARGUMENT, "invalid map_ptr to access map->value");
	return map_mem(v, st, at, "value", at->call->map->value_size);
}

static int arg_const_str(struct vrf *v, struct vstate *st, const struct arg_at *at)
{
	const struct vrf_map *map = at->val->map.map;
	s64 off;

	if (at->val->kind != V_MAP_VALUE || at->val->flags & VF_MAYBE_NULL)
		return reject_type(v, at, "map_value");
	if (!map->const_data)
		return vlog_reject(v, -EACCES, WHY_ARGUMENT,
				   "R%u does not point to a readonly map'", at->reg);
	if (!value_offset_is_const(at->val))
		return vlog_reject(v, -EACCES, WHY_ARGUMENT, "R%u is not a constant address'",
				   at->reg);
	off = value_offset(at->val);
	if (off < 0 || off >= map->value_size)
		return vlog_reject(v, -EACCES, WHY_BOUNDS,
				   "invalid access to map value, value_size=%u off=%lld size=1",
				   map->value_size, (long long)off);
	if (!memchr(map->const_data + off, '\0', map->value_size - off))
		return vlog_reject(v, -EINVAL, WHY_ARGUMENT, "string is not zero-terminated");
	return 0;
}

/* --- objects ---------------------------------------------------------------------------------- */

static bool at_offset_zero(const struct value *val)
{
	return value_offset_is_const(val) && !value_offset(val);
}

static int arg_ctx(struct vrf *v, struct vstate *st, const struct arg_at *at)
{
	if (at->val->kind != V_CTX)
		return reject_type(v, at, "ctx");
	if (!at_offset_zero(at->val))
		return vlog_reject(v, -EACCES, WHY_ARGUMENT,
				   "dereference of modified ctx ptr R%u disallowed", at->reg);
	return 0;
}

static int arg_map(struct vrf *v, struct vstate *st, const struct arg_at *at)
{
	const struct vrf_map *map = at->val->map.map;

	if (at->val->kind == V_MAP && at->val->flags & VF_MAYBE_NULL)
		return is_kfunc(at) ? reject_null(v, at) : reject_type(v, at, "map_ptr");
	if (at->val->kind != V_MAP && is_kfunc(at))
		return vlog_reject(v, -EINVAL, WHY_ARGUMENT, "pointer in R%u isn't map pointer",
				   at->reg);
	if (at->val->kind != V_MAP)
		return reject_type(v, at, "map_ptr");
	if (at->arg->map_types && (map->type >= 64 || !(at->arg->map_types >> map->type & 1)))
		return vlog_reject(v, -EINVAL, WHY_ARGUMENT, "cannot pass map_type %u into func %s",
				   map->type, at->call->proto->name);
	if (at->call->field)
		return obj_async_check_map(v, at->reg, at->val, at->call->field->field,
					   at->call->map, at->call->map_uid);
	at->call->map = map;
	at->call->map_uid = at->val->map.uid;
	return 0;
}

static int arg_field(struct vrf *v, struct vstate *st, const struct arg_at *at)
{
	if (at->val->kind == V_MAP_VALUE && !(at->val->flags & VF_MAYBE_NULL)) {
		at->call->field = at->arg;
		at->call->map_uid = at->val->map.uid;
		return obj_async_check(v, at->reg, at->val, at->arg, &at->call->map);
	}
	if (is_kfunc(at))
		return vlog_reject(v, -EINVAL, WHY_ARGUMENT, "R%u doesn't point to a map value",
				   at->reg);
	return reject_type(v, at, "map_value");
}

static int arg_func(struct vrf *v, struct vstate *st, const struct arg_at *at)
{
	if (at->val->kind != V_FUNC) {
		if (is_kfunc(at))
			return vlog_reject(v, -EINVAL, WHY_ARGUMENT,
					   "arg#%u expected pointer to func", at->i);
		return reject_type(v, at, "func");
	}
	at->call->subprog = at->val->func.subprog;
	return 0;
}

/* The callback is given the pointer as it is, so where it points is for the callback's accesses. */
static int arg_stack(struct vrf *v, struct vstate *st, const struct arg_at *at)
{
	if (at->arg->flags & ARGF_MAYBE_NULL && value_is_null(at->val)) {
		want_reg(at->call->step, at->reg);
		return 0;
	}
	return at->val->kind == V_STACK ? 0 : reject_type(v, at, "fp");
}

/* What is given up must be held, whole, and by a path of its own: not lent by an iterator. */
static int release_ref(struct vrf *v, const struct vstate *st, const struct arg_at *at)
{
	const struct ref *held = refs_find(&st->refs, at->val->ref);

	if (!at->val->ref || !held || held->kind != REF_OBJECT || at->val->flags & VF_SCOPED) {
		if (is_kfunc(at))
			return vlog_reject(v, -EINVAL, WHY_REFERENCE,
					   "release kfunc %s expects referenced PTR_TO_BTF_ID passed to R%u",
					   at->call->proto->name, at->reg);
		return vlog_reject(v, -EINVAL, WHY_REFERENCE,
				   "R%u must be referenced when passed to release function",
				   at->reg);
	}
	if (!at_offset_zero(at->val))
		return vlog_reject(v, -EINVAL, WHY_ARGUMENT,
				   "R%u must have zero offset when passed to release func or trusted arg to kfunc",
				   at->reg);
	if (at->call->release_ref)
		return vlog_reject(v, -EINVAL, WHY_REFERENCE,
				   "more than one arg with reference R%u", at->reg);
	at->call->release_ref = at->val->ref;
	return 0;
}

static int arg_record(struct vrf *v, struct vstate *st, const struct arg_at *at)
{
	if (at->val->kind != V_MEM || !(at->val->flags & VF_DYNAMIC_RECORD) ||
	    at->val->flags & VF_MAYBE_NULL)
		return reject_type(v, at, "ringbuf_mem");
	if (!at_offset_zero(at->val))
		return vlog_reject(v, -EINVAL, WHY_ARGUMENT,
				   "R%u must have zero offset when passed to release func or trusted arg to kfunc",
				   at->reg);
	return 0;
}

static int btf_kind_fits(struct vrf *v, const struct arg_at *at)
{
	const char *want = btf_name(v->req->platform->btf, at->arg->btf_id);
	struct wording words, ended;

	if (at->val->kind == V_BTF)
		return 0;
	if (at->arg->flags & ARGF_RELEASE)
		return vlog_reject(v, -EINVAL, WHY_REFERENCE,
				   "release kfunc %s expects referenced PTR_TO_BTF_ID passed to R%u",
				   at->call->proto->name, at->reg);
	return vlog_reject(v, is_kfunc(at) ? -EINVAL : -EACCES, WHY_ARGUMENT,
			   "R%u type=%s expected=ptr_%s%s", at->reg,
			   value_words(v, at->val, &words), want,
			   ended_words(at->val, at->reg, &ended));
}

/* An untrusted pointer goes nowhere: only checked loads can live with what it may be. */
static int btf_trust_fits(struct vrf *v, const struct arg_at *at)
{
	const struct value *val = at->val;
	bool trusted = val->flags & (VF_TRUSTED | VF_SCOPED) || val->ref;

	if (!(val->flags & VF_UNTRUSTED) && (trusted || !(at->arg->flags & ARGF_TRUSTED)))
		return 0;
	if (!is_kfunc(at))
		return reject_type(v, at, "ptr_, trusted_ptr_, rcu_ptr_");
	return vlog_reject(v, -EINVAL, WHY_ARGUMENT, "R%u must be referenced or trusted", at->reg);
}

static int btf_type_fits(struct vrf *v, const struct arg_at *at)
{
	const struct btf *btf = v->req->platform->btf;
	const struct value *val = at->val;
	bool exact = at->arg->flags & ARGF_RELEASE;

	if (val->btf.btf == btf && value_offset_is_const(val) && value_offset(val) >= 0 &&
	    value_offset(val) < EXEC_MAX_OFF) {
		u32 off = (u32)value_offset(val);

		if (exact ? !off && val->btf.type_id == at->arg->btf_id :
			    btf_struct_matches(btf, val->btf.type_id, off, at->arg->btf_id))
			return 0;
	}
	if (!is_kfunc(at))
		return vlog_reject(v, -EACCES, WHY_ARGUMENT,
				   "R%u is of type %s but %s is expected", at->reg,
				   btf_name(val->btf.btf, val->btf.type_id),
				   btf_name(btf, at->arg->btf_id));
	return vlog_reject(v, -EINVAL, WHY_ARGUMENT,
			   "kernel function %s args#%u expected pointer to STRUCT %s but R%u has a pointer to STRUCT %s",
			   at->call->proto->name, at->i, btf_name(btf, at->arg->btf_id), at->reg,
			   btf_name(val->btf.btf, val->btf.type_id));
}

static int arg_btf(struct vrf *v, struct vstate *st, const struct arg_at *at)
{
	bool is_null = value_is_null(at->val);
	int err;

	if (at->arg->flags & ARGF_MAP_TOO && at->val->kind == V_MAP) {
		at->call->took_map = true;
		return at->val->flags & VF_MAYBE_NULL ? reject_null(v, at) : 0;
	}
	if (is_null || at->val->flags & VF_MAYBE_NULL) {
		if (!(at->arg->flags & ARGF_MAYBE_NULL))
			return reject_null(v, at);
		if (is_null)
			want_reg(at->call->step, at->reg);
		if (is_null)
			return 0;
	}
	err = btf_kind_fits(v, at);
	err = err ?: btf_trust_fits(v, at);
	if (!err && at->arg->flags & ARGF_RELEASE)
		err = release_ref(v, st, at);
	return err ?: btf_type_fits(v, at);
}

static int arg_iter(struct vrf *v, struct vstate *st, const struct arg_at *at)
{
	int err;

	err = obj_iter_check(v, st, at->reg, at->val, at->call->proto, at->arg, &at->call->iter);
	if (!err)
		note_stack(v, st, at->call->iter.frame, at->call->iter.off);
	return err;
}

/* --- the table -------------------------------------------------------------------------------- */

static int (*const arg_rule[ARG_KINDS])(struct vrf *v, struct vstate *st,
					const struct arg_at *at) = {
	[ARG_ANYTHING] = arg_anything,
	[ARG_SCALAR] = arg_scalar,
	[ARG_CONST] = arg_const,
	[ARG_CTX] = arg_ctx,
	[ARG_MAP] = arg_map,
	[ARG_MAP_KEY] = arg_map_key,
	[ARG_MAP_VALUE] = arg_map_value,
	[ARG_MEM] = arg_mem,
	[ARG_SIZE] = arg_size,
	[ARG_RECORD] = arg_record,
	[ARG_CONST_STR] = arg_const_str,
	[ARG_BTF] = arg_btf,
	[ARG_ITER] = arg_iter,
	[ARG_FIELD] = arg_field,
	[ARG_FUNC] = arg_func,
	[ARG_STACK] = arg_stack,
};

static int match_one(struct vrf *v, struct vstate *st, struct arg_at *at)
{
	int err;

	if (at->arg->flags & ARGF_IGNORE)
		return 0;
	err = reg_read(v, st, at->reg, &at->val);
	if (err)
		return err;
	if (at->arg->kind >= ARG_KINDS || !arg_rule[at->arg->kind])
		return vlog_reject(v, -EINVAL, WHY_UNSUPPORTED,
				   "arg#%u of %s: this kind of argument is not supported", at->i,
				   at->call->proto->name);
	err = arg_rule[at->arg->kind](v, st, at);
	/* ARG_BTF has looked at its reference itself, in the order of its own messages. */
	if (!err && at->arg->flags & ARGF_RELEASE && at->arg->kind != ARG_BTF)
		err = release_ref(v, st, at);
	return err;
}

int call_match_args(struct vrf *v, struct vstate *st, struct call *call)
{
	int err = 0;

	ctx_thread();
	for (u32 i = 0; i < FUNC_MAX_ARGS && call->proto->args[i].kind != ARG_NONE && !err; i++) {
		struct arg_at at = {
			.call = call,
			.arg = &call->proto->args[i],
			.reg = ARG_REG(i),
			.i = i,
		};

		err = match_one(v, st, &at);
	}
	return err;
}
