/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/btf/btf_object.h - BTF with an id and descriptors
 */
#ifndef ROVE_BPF_BTF_BTF_OBJECT_H
#define ROVE_BPF_BTF_BTF_OBJECT_H

#include "bpf/btf/btf.h"
#include "bpf/core/object.h"

struct btf_object {
	struct object	obj;
	struct btf	*btf;		/* owned; NULL: btf_self() */
	const char	*name;		/* "" but for our own */
};

extern const struct object_ops btf_object_ops;

int btf_object_create(struct btf *btf, struct btf_object **ret_bo);
int btf_object_self(struct btf_object **ret_bo);
int btf_object_by_fd(int fd, struct btf_object **ret_bo);
void btf_object_put(struct btf_object *bo);

static inline const struct btf *btf_object_btf(const struct btf_object *bo)
{
	return bo->btf ? bo->btf : btf_self();
}

/* Of the platform, not of a program. */
static inline bool btf_object_is_kernel(const struct btf_object *bo)
{
	return !bo->btf;
}

#endif
