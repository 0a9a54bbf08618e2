/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/domain/domain.h - all of domain/, for the folders above it
 */
#ifndef ROVE_BPF_VERIFIER_DOMAIN_DOMAIN_H
#define ROVE_BPF_VERIFIER_DOMAIN_DOMAIN_H

#include "bpf/verifier/domain/alloc.h"
#include "bpf/verifier/domain/range.h"
#include "bpf/verifier/domain/refs.h"
#include "bpf/verifier/domain/scalar.h"
#include "bpf/verifier/domain/stack.h"
#include "bpf/verifier/domain/state.h"
#include "bpf/verifier/domain/tnum.h"
#include "bpf/verifier/domain/value.h"

#endif
