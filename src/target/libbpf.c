/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * target/libbpf.c - what rove/libbpf.h offers
 */
#include <rove/libbpf.h>

#include "target/target.h"

__attribute__((visibility("default"))) bool rove_libbpf_use_self(bool self)
{
	return target_use(self ? &target_self : &target_kernel) == &target_self;
}
