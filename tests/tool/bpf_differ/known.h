/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/tool/bpf_differ/known.h - differences that are meant, and why
 *
 * What anybody may meet stands in docs/differences.md as well.
 */
#ifndef ROVE_TESTS_TOOL_BPF_DIFFER_KNOWN_H
#define ROVE_TESTS_TOOL_BPF_DIFFER_KNOWN_H

/*
 * Patterns of fnmatch(3) for the group and for what is said; the kernels it is about.  A version is
 * that in which it was seen first: what 7.3 has and 6.18 has not may be older than 7.3.
 */
struct known {
	const char *group, *label, *reason, *since, *before;
};

static const struct known known[] = {
	/* --- what a process has none of */
	{ "create", "*map_ifindex=*", "devices are the kernel's" },
	{ "create", "* word at 7[26]", "tokens and BTF of modules: must be zero here", "6.9" },
	{ "rhash", "*rhash* word at 7[26]", "tokens and BTF of modules: must be zero here", "6.9" },
	{ "storage", "storage word at 7[26]", "tokens and BTF of modules: must be zero here", "6.9" },
	{ "load", "*attach_prog_fd=*", "no program is attached to another here" },
	{ "load", "*prog_flags=0x40", "bound to a device", "6.3" },
	{ "load", "*core_relo_cnt*", "relocations by the loader: must be none here", "5.17" },
	{ "load", "* word at 14[48]", "tokens and fd_array_cnt: must be zero here", "6.9" },
	{ "load", "* word at 15[26]", "signatures: must be zero here", "6.18" },
	{ "load", "* word at 16[04]", "signatures: must be zero here", "6.18" },
	{ "create", "typed outer word at 8[048]", "signatures: looked at before types here", "6.18" },
	{ "ids", "BTF by id word at 12", "tokens: must be zero here", "6.17" },
	{ "btf", "BTF word at 3[26]", "tokens: must be zero here", "6.9" },
	{ "runs", "classifier test.flags=0x4*", "packets here have no checksum" },
	{ "runs", "filter test.flags=0x4*", "packets here have no checksum" },
	{ "runs", "classifier *test.ctx_* size *", "packets here have no context" },
	{ "runs", "filter *test.ctx_* size *", "packets here have no context" },
	{ "runs", "syscall with context *prog_fd=filter*", "packets here have no context" },

	/* --- stricter */
	{ "names", "* name 1???",
	  "a name's letters are those of ASCII; the kernel takes Latin-1's too" },
	{ "create", "typed*type_id=0x3*", "a variable is not the type of a key or value" },
	{ "storage", "storage btf_*_type_id=0x3*", "the same" },
	{ "rhash", "typed rhash btf_*_type_id=0x3*", "the same" },
	{ "create", "section btf_key_type_id=0x3", "a variable is not the type of a key" },
	{ "batch_attr", "*batch.flags=*", "batches have no flags: must be zero here" },
	{ "rhash", "*batch.flags=*", "the same" },
	{ "btf", "BTF with 0x100 at 36", "bits of an int that mean nothing must be zero here" },
	{ "btf", "BTF with bit ? of byte 37 turned", "so must these" },
	{ "btf", "BTF with 0x[8f]* at 48", "a size is at most INT_MAX here" },
	{ "btf", "BTF with 0x[8f]* at 88", "a size is at most INT_MAX here" },
	{ "btf", "BTF with bit 7 of byte 51 turned", "a size is at most INT_MAX here" },
	{ "btf", "BTF with bit 7 of byte 91 turned", "a size is at most INT_MAX here" },
	{ "btf", "BTF with 0xffffffff at 1[0-3]?", "names are ASCII here" },
	{ "btf", "BTF with bit 7 of byte 1??*", "names are ASCII here" },

	/* --- other words for a refusal */
	{ "btf", "BTF with 0x2 at 56", "a struct in itself is -EINVAL here, -EEXIST there" },
	{ "btf", "BTF with bit 4 of byte ?? turned", "a kind that we do not know is -ENOTSUPP" },
	{ "btf", "BTF with 0x2 at 4", "flags are looked at later here" },
	{ "load", "ld_imm64 * source 2 *", "a place in an array of several is -EINVAL here" },

	{ "load", "filter with func_info * size *", "all records are read before any is looked at" },
	

	/* --- logs */
	{ "logs", "command 5 * level 8 *", "8 without 1 or 2 logs nothing here" },
	{ "logs", "command 18 good *", "the log of good BTF is empty here" },
	{ "logs", "command 18 log at place *, good", "so there is nothing to write" },

	/* --- newer structs */
	{ "info", "*: wrote at 4", "bpf_map_info has a hash there, which our header does not know",
	  "6.18" },
	{ "info", "map info info, 8 longer, not zero", "and looks at its members", "6.18" },

	{ "links", "link info info.info_len=*", "bpf_link_info was shorter", NULL, "6.6" },
	{ "links", "dmabuf *", "the iterator is of Linux 6.16", NULL, "6.16" },

	/* --- newer kernels */
	{ "*", "*percpu* flags=*", "flags for a CPU, or all of them", "7.3" },
	{ "batch_attr", "percpu_hash * batch.elem_flags=*", "the same", "7.3" },
	{ "elements", "* update * size *", "flags are looked at before keys and values", "7.3" },
	{ "elements", "* put *flags=* size *", "the same", "7.3" },
	{ "elements", "* lookup *flags=* size *", "and after the descriptor", "7.3" },
	{ "elements", "* take *flags=* size *", "the same", "7.3" },
	{ "elements", "* update flags=*", "flags are looked at before keys and values", "7.3" },
	{ "links", "link to * word at 60", "an attribute is longer there", "7.3" },
	{ "commands", "command -1*", "a bit of the command asks for a common attribute", "7.3" },
	{ "commands", "command 2147483647*", "a bit of the command asks for a common attribute",
	  "7.3" },
	{ "commands", "command 65536*", "a bit of the command asks for a common attribute", "7.3" },
	{ "create", "ringbuf map_flags=0x80000", "a ring buffer that overwrites", "6.19" },
	{ "btf", "BTF with 0x?? at 4", "a header is longer there", "7.3" },
	{ "btf", "BTF with bit ? of byte 4 turned", "a header is longer there", "7.3" },

	/* --- this test's own */
	{ "ids", "* by id size 1", "one byte of an id that is larger than that" },
	{ "links", "link by id size 1", "the same" },

	/* --- older kernels */
	{ "inner", "outer type 1? of 1[45] takes 1[45]", "per-CPU arrays could differ in their size",
	  NULL, "7.3" },
	{ "percpu_hash", "type * values *", "bytes between two CPUs' values were kept", NULL, "7.3" },
	{ "percpu_hash", "type * taken *", "the same", NULL, "7.3" },
	{ "*", "*freeze*again", "what is frozen was -EBUSY", NULL, "6.5" },
	{ "elements", "freeze *", "what is frozen was -EBUSY", NULL, "6.5" },
	{ "load", "* log_level=*", "a level needed a buffer", NULL, "6.4" },
	{ "load", "* prog_flags=0x80", "a flag of the verifier's tests", NULL, "6.8" },
	{ "load", "* size [014]", "a license that is not there was noticed first", NULL, "6.9" },
	{ "programs_on_maps", "* update *: result", "helpers returned an int", NULL, "6.4" },
	{ "programs_on_maps", "* delete *: result", "helpers returned an int", NULL, "6.4" },
	{ "btf", "BTF btf_log_level=*", "a level needed a buffer", NULL, "6.4" },
	{ "btf", "BTF word at 28*", "the true size is told", NULL, "6.4" },
	{ "btf", "BTF with * at 1[0-9]?", "fewer characters could be in a section's name", NULL,
	  "6.12" },
	{ "btf", "BTF with bit ? of byte 1?? turned",
	  "fewer characters could be in a section's name", NULL, "6.12" },
	{ "ids", "*: freeze", "freezing was allowed for who may only read", NULL, "6.5" },
	{ "access", "*: freeze", "freezing was allowed for who may only read", NULL, "6.5" },
	{ "*", "* word at 1[4-6]?", "attributes were shorter: -E2BIG", NULL, "6.18" },
	{ "mmap", "*prot [4-7] *", "maps could be mapped executable", NULL, "6.16" },
	{ "*", "*freeze it unmapped", "what is frozen was -EBUSY", NULL, "6.5" },
	{ "logs", "*", "the true size is told, and a cut log is the end of the text", NULL, "6.4" },
	{ "load", "*wrote at 140", "the true size is told", NULL, "6.4" },
};

#endif
