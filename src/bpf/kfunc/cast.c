/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/kfunc/cast.c - any address as a pointer to a struct of our BTF
 *
 * All the work is the verifier's: it gives the result the type, and makes loads
 * through it checked ones.
 */
#include "bpf/kfunc/cast.h"
#include "bpf/kfunc/kfunc.h"

/**
 * bpf_rdonly_cast - an untrusted typed pointer
 * @obj__ign:  any value at all
 * @btf_id__k: a constant: the struct
 *
 * Context: any.
 */
void *bpf_rdonly_cast(const void *obj__ign, u32 btf_id__k)
{
	return (void *)obj__ign;
}

const struct kfunc kfuncs_cast[] = {
	{ "bpf_rdonly_cast", KF_RDONLY_CAST, .fn = ANY_FN(bpf_rdonly_cast) },
	{ NULL },
};
