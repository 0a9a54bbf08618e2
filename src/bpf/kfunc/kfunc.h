/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/kfunc/kfunc.h - functions of this process that programs may call by name
 *
 * What they take and give is in our BTF, made from their C declarations; here is
 * what BTF does not say.  Parameter names matter: __k and __ign (see
 * enum arg_kind and enum arg_flag).
 */
#ifndef ROVE_BPF_KFUNC_KFUNC_H
#define ROVE_BPF_KFUNC_KFUNC_H

#include "bpf/core/proto.h"

struct kfunc {
	const char *name;
	u32 flags;		/* enum kfunc_flag */
	u64 prog_types;		/* a bit for each BPF_PROG_TYPE_*; 0: all */
	void (*fn)(void);	/* of the type that BTF says */
	void (*fn_sleepable)(void);	/* instead, in programs that may sleep; NULL: the same */
	void (*fn_map)(void);	/* instead, given a map; there with KF_MAP_TOO */
	int (*prepare)(void);	/* before a program that calls it first runs; 0 or -errno */
};

const struct kfunc *kfunc_find(const char *name);

#define ANY_FN(fn) ((void (*)(void))(fn))

/* Rows of one subject, in its own file; ends with a row without a name. */
extern const struct kfunc kfuncs_iter_num[], kfuncs_cast[], kfuncs_wakeup[], kfuncs_dmabuf[],
	kfuncs_async[], kfuncs_map[];

#endif
