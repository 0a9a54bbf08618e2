/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/kfunc/cast.h - any address as a pointer to a struct of our BTF
 */
#ifndef ROVE_BPF_KFUNC_CAST_H
#define ROVE_BPF_KFUNC_CAST_H

#include "base/types.h"

void *bpf_rdonly_cast(const void *obj__ign, u32 btf_id__k);

#endif
