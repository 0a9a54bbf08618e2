/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/selftest/vmlinux.c - the types of a BTF file as a C header, on standard output
 *
 *	vmlinux FILE STRUCT	fails with status 3 if STRUCT is not in it
 */
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <stdarg.h>
#include <stdio.h>

static void print(void *arg, const char *fmt, va_list args)
{
	vprintf(fmt, args);
}

int main(int argc, char **argv)
{
	struct btf *btf = argc == 3 ? btf__parse_raw(argv[1]) : NULL;
	struct btf_dump *dump;
	int err = 0;

	if (!btf)
		return 2;
	if (btf__find_by_name_kind(btf, argv[2], BTF_KIND_STRUCT) < 0)
		return 3;
	dump = btf_dump__new(btf, print, NULL, NULL);
	if (!dump)
		return 2;
	printf("#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)\n");
	for (unsigned int id = 1; id < btf__type_cnt(btf) && !err; id++)
		err = btf_dump__dump_type(dump, id);
	printf("\n#pragma clang attribute pop\n");
	btf_dump__free(dump);
	btf__free(btf);
	return err != 0;
}
