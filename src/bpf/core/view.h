/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/core/view.h - what programs see of maps, programs and links
 *
 * Programs that iterate over these read members by the kernel's names, but the
 * objects themselves are not the kernel's.  A view is a copy with those names,
 * made anew for each object that is shown.
 *
 * In our BTF the structs are called as in the kernel: bpf/iter/declare.c defines
 * VIEW_IN_BTF.  Everywhere else they end in _view.
 *
 * Some members are here for programs that were written for the kernel: pointers that are
 * NULL, which such programs find in a kernel too, with the types that they follow them by.
 */
#ifndef ROVE_BPF_CORE_VIEW_H
#define ROVE_BPF_CORE_VIEW_H

#include "base/types.h"

#ifdef VIEW_IN_BTF
#define VIEW(name) struct name
#else
#define VIEW(name) struct name##_view
#endif

#define VIEW_NAME_BYTES 16
#define VIEW_FUNC_BYTES 64

#ifdef VIEW_IN_BTF
#include <linux/bpf.h>
#include <linux/btf.h>

struct btf {
	struct btf_type **types;
	const char *strings;
	struct btf_header hdr;
};
#else
struct btf;
struct bpf_func_info;
#endif

struct view_counter {
	s64 counter;
};

VIEW(bpf_map) {
	u32 id;
	u32 map_type;
	u32 key_size;
	u32 value_size;
	u32 max_entries;
	u32 map_flags;
	u64 map_extra;
	char name[VIEW_NAME_BYTES];
	bool frozen;
	struct view_counter refcnt;	/* the reader's own reference is one */
	struct view_counter usercnt;	/* of those, descriptors': all together are one */
	u32 nr_elems;			/* ours: of a map that counts them, else 0 */
};

struct bpf_prog;

VIEW(bpf_prog_aux) {
	u32 id;
	u32 used_map_cnt;
	u32 func_info_cnt;
	u32 attach_btf_id;
	u32 verified_insns;
	u32 max_ctx_offset;
	u64 load_time;		/* ns of CLOCK_BOOTTIME */
	char name[VIEW_NAME_BYTES];
	bool sleepable;
	const char *attach_func_name;	/* "bpf_iter_bpf_map"; NULL: it has none */
	struct bpf_prog *dst_prog;	/* NULL: no program replaces a part of another */
	struct bpf_func_info *func_info; /* NULL */
	struct btf *btf;		/* NULL */
};

VIEW(bpf_prog) {
	u32 type;
	u32 expected_attach_type;
	u32 len;		/* instructions, as loaded */
	u8 tag[8];
	VIEW(bpf_prog_aux) *aux;
};

VIEW(bpf_link) {
	u32 id;
	u32 type;
	VIEW(bpf_prog) *prog;
};

#ifndef VIEW_IN_BTF
/* Room for one object's view; pointers in it point into it. */
struct object_view {
	struct bpf_map_view	map;
	struct bpf_link_view	link;
	struct bpf_prog_view	prog;
	struct bpf_prog_aux_view aux;
	char			attach_func[VIEW_FUNC_BYTES];
};
#endif

#endif
