/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/prog/prog.h - a program: verified, decoded, ready to run
 */
#ifndef ROVE_BPF_PROG_PROG_H
#define ROVE_BPF_PROG_PROG_H

#include <linux/bpf.h>
#include <urcu/urcu-bp.h>

#include <rove/irq_work.h>

#include "base/mutex.h"
#include "bpf/core/func.h"
#include "bpf/interp/interp.h"
#include "bpf/iter/iter.h"
#include "bpf/map/map.h"
#include "bpf/verifier/verifier.h"

#define PROG_TAG_BYTES 8

/*
 * BPF_PROG_LOAD in its own terms.  Everything is copied, but for ->btf: its
 * reference is the program's on success.
 */
struct prog_spec {
	u32 type, attach_type, flags;
	u32 attach_btf_id;	/* a function of our BTF; 0: none */
	bool gpl_compatible;
	char name[BPF_OBJ_NAME_LEN];
	const struct bpf_insn *insns;
	u32 nr_insns;
	struct btf_object *btf;
	const struct bpf_func_info *func_info;
	u32 nr_func_info;
	const struct bpf_line_info *line_info;
	u32 nr_line_info;
	const int *fd_array;
	u32 nr_fd_array;
	u32 log_level;
	char *log_buf;		/* written within ->log_size; NULL: none */
	u32 log_size;
};

/*
 * I  set before the program is published, never changed
 * L  under ->lock
 * A  atomic
 * R  the round that gives back references, see bpf/prog/later.c
 */
struct bpf_prog {
	struct object		obj;
	u32			type, attach_type, flags;	/* I */
	u32			attach_btf_id;			/* I */
	const struct iter_target *iter;				/* I: NULL: no iterator's program */
	bool			gpl_compatible;			/* I */
	char			name[BPF_OBJ_NAME_LEN];		/* I */
	u8			tag[PROG_TAG_BYTES];		/* I */
	u64			load_time_ns;			/* I: CLOCK_BOOTTIME */
	u32			uid;				/* I: who loaded it */
	u32			verified_insns;			/* I */
	u32			max_ctx_bytes;			/* I: how far it reaches into its context */
	u32			max_buf_rdonly_bytes;		/* I: and into memory there, to read */
	u32			max_buf_bytes;			/* I: and to read or write */
	bool			writes_buf;			/* I: it does write there */
	struct bpf_insn		*insns;				/* I: as loaded, maps by id */
	u32			nr_insns;			/* I */
	struct interp_code	*code;				/* I */
	struct bpf_func		*funcs;				/* I: one each, NULL: no address is taken */
	struct btf_object	*btf;				/* I: NULL, or referenced */
	struct bpf_func_info	*func_info;			/* I */
	u32			nr_func_info;			/* I */
	struct bpf_line_info	*line_info;			/* I */
	u32			nr_line_info;			/* I */
	struct mutex		lock;				/* leaf */
	struct bpf_map		**maps;				/* L: each referenced, none twice */
	u32			nr_maps;			/* L */
	u64			recursion_misses;		/* A: samples it was not run for */
	u64			run_cnt;			/* A: runs while prog_stats_users was not 0 */
	u64			run_time_ns;			/* A: of those */
	u32			later;				/* A: references to be put later */
	u32			later_batch;			/* R */
	struct rcu_head		later_rcu;			/* R */
	struct rove_irq_work	later_work;			/* R */
};

extern const struct object_ops prog_object_ops;

int prog_check_attach(const struct prog_spec *spec);
int prog_load(const struct prog_spec *spec, u32 *ret_log_true_size, struct bpf_prog **ret_prog);
int prog_by_fd(int fd, struct bpf_prog **ret_prog);
int prog_bind_map(struct bpf_prog *prog, struct bpf_map *map);
void prog_put_later(struct object *obj);
int prog_run(struct bpf_prog *prog, const void *ctx, u32 *ret_value);

extern const struct object_ops stats_object_ops;

int prog_stats_create(struct object **ret_obj);

static inline void prog_put(struct bpf_prog *prog)
{
	if (prog)
		object_put(&prog->obj);
}

static inline struct bpf_prog *prog_of_object(struct object *obj)
{
	return container_of(obj, struct bpf_prog, obj);
}

/* --- within bpf/prog ---------------------------------------------------------------------- */

extern u32 prog_stats_users;	/* A: see bpf/prog/stats.c */

/* The maps that one check has met, each referenced once until it ends. */
struct map_set {
	struct bpf_map **maps;
	u32 nr, room;
};

#define PLATFORM_PROTOS 8

/* What one check needs beside the tables. */
struct platform {
	struct vrf_platform	vrf;
	u32			type, attach_type;
	const struct iter_target *iter;		/* NULL: not an iterator's program */
	struct map_set		maps;
	struct vrf_map		inner;		/* of the outer map that was asked for last */
	struct ctx_desc		ctx;		/* of ->iter */
	struct ctx_field	fields[ITER_MAX_WORDS + 1];
	struct func_proto	protos[PLATFORM_PROTOS]; /* tables' rows, with numbers of BTF filled in */
	u32			nr_protos;
};

void platform_init(struct platform *platform, const struct prog_spec *spec);
void platform_fini(struct platform *platform);

int fixup_program(struct bpf_prog *prog, const struct vrf_result *res);

#endif
