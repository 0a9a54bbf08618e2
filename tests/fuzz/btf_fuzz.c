/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/fuzz/btf_fuzz.c - any bytes as BTF
 *
 * What is accepted is asked everything: queries have no error paths, so a
 * check that is missing shows as a crash here.
 */
#include "bpf/btf/btf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct btf_hit hit;
	struct btf *btf;

	if (size > UINT32_MAX || btf_parse(data, size, NULL, NULL, NULL, &btf))
		return 0;
	for (u32 id = 0; id < btf_nr_types(btf); id++) {
		btf_find(btf, btf_name(btf, id), btf_kind(btf_type(btf, id)));
		btf_pointee(btf, id);
		btf_size(btf, id);
		for (u32 off = 0; off < 32; off++) {
			btf_walk(btf, id, off, off % 9, &hit);
			btf_struct_matches(btf, id, off, off);
		}
	}
	btf_put(btf);
	return 0;
}
