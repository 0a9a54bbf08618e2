/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/unit/domain/small.h - scalars again, for numbers of 8 bits and halves of 4
 *
 * The same text as the verifier's, so that every member of a scalar can be
 * asked.  Its functions get other names: the library's are linked in as well.
 */
#ifndef ROVE_TESTS_UNIT_DOMAIN_SMALL_H
#define ROVE_TESTS_UNIT_DOMAIN_SMALL_H

#define SCALAR_BITS 8

#define scalar_const small_const
#define scalar_unknown small_unknown
#define scalar_unsigned small_unsigned
#define scalar_signed small_signed
#define scalar_unknown_bytes small_unknown_bytes
#define scalar_is_const small_is_const
#define scalar_is_unknown small_is_unknown
#define scalar_value small_value
#define scalar_contains small_contains
#define scalar_umin small_umin
#define scalar_umax small_umax
#define scalar_smin small_smin
#define scalar_smax small_smax
#define scalar_umin32 small_umin32
#define scalar_umax32 small_umax32
#define scalar_smin32 small_smin32
#define scalar_smax32 small_smax32
#define scalar_alu small_alu
#define scalar_end small_end
#define scalar_zext32 small_zext32
#define scalar_sext small_sext
#define scalar_trunc small_trunc
#define scalar_compare small_compare
#define scalar_refine small_refine
#define scalar_sync small_sync
#define scalar_meet small_meet
#define scalar_covers small_covers
#define scalar_equal small_equal
#define scalar_widen small_widen
#define scalar_is_sane small_is_sane

#include "bpf/verifier/domain/scalar.c"
#include "bpf/verifier/domain/scalar_join.c"

#endif
