/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/domain/alloc.c - where states get their memory
 */
#include <stdlib.h>

#include "bpf/verifier/domain/alloc.h"

static void *alloc_zeroed(size_t size)
{
	return calloc(1, size);
}

void *(*domain_alloc)(size_t size) = alloc_zeroed;

void domain_free(void *mem)
{
	free(mem);
}
