/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/domain/alloc.h - where states get their memory
 *
 * One pointer, so that a test can let the n-th allocation fail.
 */
#ifndef ROVE_BPF_VERIFIER_DOMAIN_ALLOC_H
#define ROVE_BPF_VERIFIER_DOMAIN_ALLOC_H

#include <stddef.h>

/* Zeroed memory of @size bytes, or NULL; given back with domain_free().  Tests replace it. */
extern void *(*domain_alloc)(size_t size);

/* NULL is allowed. */
void domain_free(void *mem);

#endif
