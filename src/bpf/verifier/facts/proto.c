/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/facts/proto.c - a kfunc's BTF as a prototype
 *
 * The C declaration says types; what C cannot say stands in the flags of the
 * registration and in suffixes of parameter names, as in the kernel:
 *
 *	__k		a number known exactly
 *	__sz, __szk	the length of the memory before it
 *	__ign		not looked at
 *	__uninit	memory that the callee fills
 *	__nullable, __opt	NULL may be passed
 *	__str		a constant string
 *	__map		a map
 *	__prog		the program itself, which the callee is told otherwise
 *
 * Whatever does not fit is rejected: a pointer whose extent is not known is
 * never passed on.
 */
#include <errno.h>
#include <string.h>

#include "bpf/verifier/facts/facts.h"

#define KF_ITER_ANY (KF_ITER_NEW | KF_ITER_NEXT | KF_ITER_DESTROY)
#define ITER_PREFIX "bpf_iter_"

/* The declaration at hand. */
struct decl {
	struct vrf *v;
	const struct btf *btf;
	const struct btf_type *proto;
	const struct vrf_kfunc *kfunc;
	const char *name;
};

static bool has_suffix(const char *name, const char *suffix)
{
	size_t len = strlen(name), tail = strlen(suffix);

	return len >= tail && !strcmp(name + len - tail, suffix);
}

static const char *param_name(const struct decl *d, u32 i)
{
	return i < btf_vlen(d->proto) ? btf_str(d->btf, btf_params(d->proto)[i].name_off) : "";
}

static bool is_length(const struct decl *d, u32 i)
{
	return has_suffix(param_name(d, i), "__sz") || has_suffix(param_name(d, i), "__szk");
}

/* const T *: the callee does not write. */
static bool points_to_const(const struct btf *btf, u32 ptr_id)
{
	u32 id = btf_type(btf, btf_skip_mods(btf, ptr_id))->type;

	/* A chain of modifiers has an end: btf_parse() saw to it. */
	for (const struct btf_type *t = btf_type(btf, id); id; id = t->type) {
		t = btf_type(btf, id);
		switch (btf_kind(t)) {
		case BTF_KIND_CONST:
			return true;
		case BTF_KIND_VOLATILE:
		case BTF_KIND_RESTRICT:
		case BTF_KIND_TYPEDEF:
		case BTF_KIND_TYPE_TAG:
			continue;
		default:
			return false;
		}
	}
	return false;
}

static int bad_pointer(const struct decl *d, u32 i)
{
	return vlog_reject(d->v, -EINVAL, WHY_UNSUPPORTED,
			   "arg#%u pointer type of %s must point to scalar, or struct with scalar", i,
			   d->name);
}

static u8 pointer_flags(const struct decl *d, u32 i)
{
	const char *name = param_name(d, i);
	u8 flags = 0;

	if (has_suffix(name, "__nullable") || has_suffix(name, "__opt"))
		flags |= ARGF_MAYBE_NULL;
	if (has_suffix(name, "__uninit"))
		flags |= ARGF_UNINIT | ARGF_WRITE;
	return flags;
}

static bool is_iterator(const struct decl *d, u32 i, u32 struct_id)
{
	return i == 0 && d->kfunc->flags & KF_ITER_ANY &&
	       !strncmp(btf_name(d->btf, struct_id), ITER_PREFIX, strlen(ITER_PREFIX));
}

/* struct bpf_timer and struct bpf_wq exist in values of maps only. */
static bool field_arg(const struct decl *d, u32 struct_id, struct func_arg *arg)
{
	for (u32 kind = 0; kind < BTF_FIELD_KINDS; kind++) {
		if (strcmp(btf_name(d->btf, struct_id), btf_field_name(kind)))
			continue;
		*arg = (struct func_arg){ .kind = ARG_FIELD, .field = kind };
		return true;
	}
	return false;
}

static int struct_arg(const struct decl *d, u32 i, u32 struct_id, struct func_arg *arg)
{
	if (field_arg(d, struct_id, arg))
		return 0;
	arg->btf_id = struct_id;
	if (!is_iterator(d, i, struct_id)) {
		arg->kind = ARG_BTF;
		arg->flags |= ARGF_TRUSTED;
		if (d->kfunc->flags & KF_MAP_TOO && !strcmp(btf_name(d->btf, struct_id), "bpf_map"))
			arg->flags |= ARGF_MAP_TOO;
		return 0;
	}
	arg->kind = ARG_ITER;
	arg->size = btf_size(d->btf, struct_id);
	if (d->kfunc->flags & KF_ITER_NEW)
		arg->flags |= ARGF_UNINIT | ARGF_WRITE;
	if (!arg->size || arg->size % sizeof(u64))
		return vlog_reject(d->v, -EINVAL, WHY_UNSUPPORTED,
				   "iterator struct %s of %s has a size of %u bytes",
				   btf_name(d->btf, struct_id), d->name, arg->size);
	return 0;
}

static bool is_function(const struct decl *d, u32 id)
{
	return id && btf_kind(btf_type(d->btf, id)) == BTF_KIND_FUNC_PROTO;
}

static int pointer_arg(const struct decl *d, u32 i, u32 type_id, struct func_arg *arg)
{
	u32 to = btf_pointee(d->btf, type_id);

	arg->flags = pointer_flags(d, i);
	if (has_suffix(param_name(d, i), "__str")) {
		arg->kind = ARG_CONST_STR;
		return 0;
	}
	if (has_suffix(param_name(d, i), "__map")) {
		arg->kind = ARG_MAP;
		return 0;
	}
	if (is_function(d, to)) {
		arg->kind = ARG_FUNC;
		return 0;
	}
	if (is_length(d, i + 1)) {
		arg->kind = ARG_MEM;
	} else if (to && btf_is_struct(d->btf, to)) {
		return struct_arg(d, i, to, arg);
	} else if (to && btf_is_scalar(d->btf, to)) {
		arg->kind = ARG_MEM;
		arg->size = btf_size(d->btf, to);
	} else {
		return bad_pointer(d, i);
	}
	if (!points_to_const(d->btf, type_id))
		arg->flags |= ARGF_WRITE;
	return 0;
}

static int scalar_arg(const struct decl *d, u32 i, const struct func_arg *before,
		      struct func_arg *arg)
{
	if (before && before->kind == ARG_MEM && is_length(d, i)) {
		arg->kind = ARG_SIZE;
		arg->flags = ARGF_ZERO_OK;
	} else if (has_suffix(param_name(d, i), "__k")) {
		arg->kind = ARG_CONST;
	} else {
		arg->kind = ARG_SCALAR;
	}
	return 0;
}

static int one_arg(const struct decl *d, u32 i, struct func_proto *p)
{
	u32 type_id = btf_params(d->proto)[i].type;
	struct func_arg *arg = &p->args[i];

	if (has_suffix(param_name(d, i), "__ign") || has_suffix(param_name(d, i), "__prog")) {
		arg->kind = ARG_ANYTHING;
		arg->flags = ARGF_IGNORE;
		return 0;
	}
	if (btf_is_ptr(d->btf, type_id))
		return pointer_arg(d, i, type_id, arg);
	if (btf_is_scalar(d->btf, type_id) && btf_size(d->btf, type_id) <= (int)sizeof(u64))
		return scalar_arg(d, i, i ? arg - 1 : NULL, arg);
	return vlog_reject(d->v, -EINVAL, WHY_UNSUPPORTED, "Unrecognized arg#%u type of %s", i, d->name);
}

/* The reference that a release takes is that of the first typed pointer. */
static int mark_release(const struct decl *d, struct func_proto *p)
{
	if (!(d->kfunc->flags & KF_RELEASE))
		return 0;
	for (u32 i = 0; i < FUNC_MAX_ARGS; i++) {
		if (p->args[i].kind != ARG_BTF)
			continue;
		p->args[i].flags |= ARGF_RELEASE;
		return 0;
	}
	return vlog_reject(d->v, -EINVAL, WHY_UNSUPPORTED,
			   "release kfunc %s takes no pointer to a struct", d->name);
}

/* --- what it returns -------------------------------------------------------------------------- */

static int bad_return(const struct decl *d)
{
	return vlog_reject(d->v, -EINVAL, WHY_UNSUPPORTED,
			   "what kernel function %s returns is not supported", d->name);
}

static u8 pointer_ret_flags(u32 kf)
{
	u8 flags = kf & (KF_RET_NULL | KF_ITER_NEXT) ? RETF_MAYBE_NULL : 0;

	if (kf & KF_ACQUIRE)
		return flags | RETF_ACQUIRE | RETF_TRUSTED;
	if (kf & KF_SCOPED)
		return flags | RETF_SCOPED | RETF_TRUSTED;
	/* Nothing keeps it alive, unless an iterator does until the next step. */
	return flags | (kf & KF_ITER_NEXT ? RETF_TRUSTED : RETF_UNTRUSTED);
}

static int pointer_ret(const struct decl *d, struct func_ret *ret)
{
	u32 to = btf_pointee(d->btf, d->proto->type);

	if (d->kfunc->flags & KF_RDONLY_CAST) {
		ret->kind = RET_BTF_BY_ARG;
		ret->flags = RETF_UNTRUSTED | RETF_RDONLY;
	} else if (!to) {
		/* void *: a number, and nothing may be acquired through it. */
		ret->kind = RET_SCALAR;
	} else if (btf_is_struct(d->btf, to)) {
		ret->kind = RET_BTF;
		ret->btf_id = to;
		ret->flags = pointer_ret_flags(d->kfunc->flags);
	} else if (btf_is_scalar(d->btf, to) && d->kfunc->flags & KF_ITER_NEXT) {
		ret->kind = RET_MEM;
		ret->size = btf_size(d->btf, to);
		ret->flags = RETF_RDONLY | RETF_MAYBE_NULL;
	} else {
		return bad_return(d);
	}
	return 0;
}

static int make_ret(const struct decl *d, struct func_ret *ret)
{
	u32 type_id = d->proto->type;
	int bytes;

	if (!btf_skip_mods(d->btf, type_id)) {
		ret->kind = RET_VOID;
	} else if (btf_is_ptr(d->btf, type_id)) {
		if (pointer_ret(d, ret))
			return -EINVAL;
	} else if (btf_is_scalar(d->btf, type_id)) {
		bytes = btf_size(d->btf, type_id);
		if (bytes > (int)sizeof(u64))
			return bad_return(d);
		ret->kind = RET_SCALAR;
		ret->bits = bytes == sizeof(u64) ? 0 : bytes * 8;
	} else {
		return bad_return(d);
	}
	if (d->kfunc->flags & KF_ACQUIRE && !(ret->flags & RETF_ACQUIRE))
		return bad_return(d);
	return 0;
}

static u32 func_flags(u32 kf)
{
	static const struct {
		u32 kfunc, func;
	} same[] = {
		{ KF_SLEEPABLE, FUNC_SLEEPABLE },   { KF_ITER_NEW, FUNC_ITER_NEW },
		{ KF_ITER_NEXT, FUNC_ITER_NEXT },   { KF_ITER_DESTROY, FUNC_ITER_DESTROY },
		{ KF_SCOPED, FUNC_SCOPED },	    { KF_THREAD, FUNC_THREAD },
		{ KF_ASYNC_CALLBACK, FUNC_CALLBACK_SLEEPS },
	};
	u32 flags = FUNC_KFUNC;

	for (u32 i = 0; i < ARRAY_SIZE(same); i++)
		flags |= kf & same[i].kfunc ? same[i].func : 0;
	return flags;
}

/**
 * proto_from_btf - turn a declaration into what args.c and effects.c understand
 * @btf:        of the platform
 * @func_id:    a BTF_KIND_FUNC
 * @kfunc:      its registration
 * @ret_proto:  written on success only; ->name is @kfunc's
 *
 * Context: thread.
 * Return:  0, or -EINVAL when the declaration says something not understood.
 */
int proto_from_btf(struct vrf *v, const struct btf *btf, u32 func_id, const struct vrf_kfunc *kfunc,
		   struct func_proto *ret_proto)
{
	struct decl d = { .v = v, .btf = btf, .kfunc = kfunc, .name = kfunc->name };
	struct func_proto p = { .name = kfunc->name, .flags = func_flags(kfunc->flags) };
	int err = 0;

	if (kfunc->flags & KF_ASYNC_CALLBACK)
		p.callback = CALLBACK_ASYNC;
	d.proto = btf_type(btf, btf_type(btf, func_id)->type);
	if (btf_vlen(d.proto) > FUNC_MAX_ARGS)
		return vlog_reject(v, -EINVAL, WHY_UNSUPPORTED, "Function %s has %u > %u args", d.name,
				   btf_vlen(d.proto), FUNC_MAX_ARGS);
	for (u32 i = 0; !err && i < btf_vlen(d.proto); i++)
		err = one_arg(&d, i, &p);
	err = err ?: mark_release(&d, &p);
	err = err ?: make_ret(&d, &p.ret);
	if (!err && kfunc->flags & KF_ITER_ANY && p.args[0].kind != ARG_ITER)
		err = vlog_reject(v, -EINVAL, WHY_UNSUPPORTED,
				  "iterator kfunc %s does not take its struct first", d.name);
	if (err)
		return err;
	*ret_proto = p;
	return 0;
}
