/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/unit/exec/fixture.h - one state, some instructions, a made-up platform
 *
 *	struct fixture *f = fixture_new();
 *
 *	fixture_step(f, MOV_REG(1, 2));
 *	EXPECT_EQ(f->err, 0);
 */
#ifndef ROVE_TESTS_UNIT_EXEC_FIXTURE_H
#define ROVE_TESTS_UNIT_EXEC_FIXTURE_H

#include <errno.h>

#include "bpf/verifier/exec/exec.h"
#include "bpf/verifier/report/log.h"
#include "tests/test.h"
#include "tests/unit/btf/image.h"

#define INSN(c, d, s, o, i)                                                          \
	((struct bpf_insn){ .code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i) })
#define MOV_REG(d, s) INSN(BPF_ALU64 | BPF_MOV | BPF_X, d, s, 0, 0)
#define MOV32_REG(d, s) INSN(BPF_ALU | BPF_MOV | BPF_X, d, s, 0, 0)
#define MOVSX_REG(d, s, bits) INSN(BPF_ALU64 | BPF_MOV | BPF_X, d, s, bits, 0)
#define MOV_IMM(d, i) INSN(BPF_ALU64 | BPF_MOV | BPF_K, d, 0, 0, i)
#define ALU_REG(op, d, s) INSN(BPF_ALU64 | (op) | BPF_X, d, s, 0, 0)
#define ALU_IMM(op, d, i) INSN(BPF_ALU64 | (op) | BPF_K, d, 0, 0, i)
#define ALU32_IMM(op, d, i) INSN(BPF_ALU | (op) | BPF_K, d, 0, 0, i)
#define LDX(size, d, s, o) INSN(BPF_LDX | BPF_MEM | (size), d, s, o, 0)
#define STX(size, d, s, o) INSN(BPF_STX | BPF_MEM | (size), d, s, o, 0)
#define ST(size, d, o, i) INSN(BPF_ST | BPF_MEM | (size), d, 0, o, i)
#define ATOMIC(size, op, d, s, o) INSN(BPF_STX | BPF_ATOMIC | (size), d, s, o, op)
#define JMP_IMM(op, d, i, o) INSN(BPF_JMP | (op) | BPF_K, d, 0, o, i)
#define JMP_REG(op, d, s, o) INSN(BPF_JMP | (op) | BPF_X, d, s, o, 0)
#define EXIT INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)
#define CALL INSN(BPF_JMP | BPF_CALL, 0, 0, 0, 0)

#define FIXTURE_INSNS 64

struct fixture {
	struct vrf v;
	struct vrf_request req;
	struct vrf_result res;
	struct vrf_platform platform;
	struct ctx_desc ctx;
	struct facts facts;
	struct callsite sites[FIXTURE_INSNS];
	struct insn_note notes[FIXTURE_INSNS];
	struct vrf_subprog subprogs[4];
	struct vrf_map maps[3];
	struct bpf_insn insns[FIXTURE_INSNS];
	struct image image;
	struct btf *btf;
	struct vstate *st;
	struct step step;
	u32 pc;			/* of the next fixture_step() */
	int err;
	char log[16384];
	u64 log_mark;		/* where the last step began to speak */
	u32 t_task, t_empty, t_iter;
};

enum { MAP_DATA, MAP_FROZEN, MAP_RING };

static const u8 fixture_frozen[16] = {
	1, 2, 3, 4, 'a', 'b', 0, 'x', 0, 0, 0, 0, 'n', 'o', 'n', 'e',
};

/* struct task { int pid; struct task *next; }, an empty one, an iterator. */
static inline void fixture_types(struct fixture *f)
{
	struct image *im = &f->image;
	u32 t_int = image_int(im, "int", 4);
	u32 t_ptr = image_ref(im, NULL, BTF_KIND_PTR, 3);

	f->t_task = image_struct(im, "task", BTF_KIND_STRUCT, 16, 2);
	image_member(im, "pid", t_int, 0, 0);
	image_member(im, "next", t_ptr, 64, 0);
	f->t_empty = image_struct(im, "bpf_ws_lock", BTF_KIND_STRUCT, 0, 0);
	f->t_iter = image_struct(im, "bpf_iter_task", BTF_KIND_STRUCT, 8, 1);
	image_member(im, "opaque", t_ptr, 0, 0);
	f->btf = image_parse(im, 0);
}

static inline struct fixture *fixture_new(void)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->image = (struct image)IMAGE_INIT;
	fixture_types(f);
	f->maps[MAP_DATA] = (struct vrf_map){ .type = BPF_MAP_TYPE_ARRAY, .key_size = 4,
					      .value_size = 16, .max_entries = 1 };
	f->maps[MAP_FROZEN] = (struct vrf_map){ .type = BPF_MAP_TYPE_ARRAY, .key_size = 4,
						.value_size = 16, .max_entries = 1,
						.map_flags = BPF_F_RDONLY_PROG,
						.const_data = fixture_frozen };
	f->maps[MAP_RING] = (struct vrf_map){ .type = BPF_MAP_TYPE_RINGBUF, .max_entries = 4096 };
	f->ctx = (struct ctx_desc){ .name = "ctx", .max_bytes = 64, .plain = true, .writable = true,
				    .ret_min = INT64_MIN, .ret_max = INT64_MAX, .may_sleep = true };
	f->platform.btf = f->btf;
	f->facts.sites = f->sites;
	f->facts.maps = f->maps;
	f->facts.nr_maps = ARRAY_SIZE(f->maps);
	f->facts.ctx = &f->ctx;
	f->facts.nr_subprogs = 2;
	f->facts.subprogs[0] = (struct subprog){ .end = 32, .name = "main", .is_main = true };
	f->facts.subprogs[1] = (struct subprog){ .start = 32, .end = 64, .name = "sub" };
	f->req = (struct vrf_request){
		.insns = f->insns, .nr_insns = FIXTURE_INSNS, .platform = &f->platform,
		.prog_flags = BPF_F_SLEEPABLE, .gpl_compatible = true,
		.log_level = 1, .log_buf = f->log, .log_size = sizeof(f->log),
	};
	f->res.subprogs = f->subprogs;
	f->v = (struct vrf){ .req = &f->req, .facts = &f->facts, .notes = f->notes, .res = &f->res };
	assert_int_equal(vlog_create(&f->req, &f->v.log), 0);
	assert_int_equal(exec_entry_state(&f->v, 0, &f->st), 0);
	return f;
}

static inline void fixture_free(struct fixture *f)
{
	vstate_free(f->step.fork);
	vstate_free(f->st);
	vlog_free(f->v.log);
	btf_put(f->btf);
	free(f);
}

static inline void fixture_step_at(struct fixture *f, u32 pc, struct bpf_insn insn)
{
	vstate_free(f->step.fork);
	f->step = (struct step){ 0 };
	f->log_mark = vlog_mark(&f->v);
	f->insns[pc] = insn;
	f->err = exec_step(&f->v, f->st, pc, &f->step);
}

/* Execute @insn on f->st, each at a place of its own. */
static inline int fixture_step(struct fixture *f, struct bpf_insn insn)
{
	fixture_step_at(f, f->pc++, insn);
	return f->err;
}

/* Call @proto; the arguments are in r1 to r5. */
static inline int fixture_call(struct fixture *f, const struct func_proto *proto)
{
	f->sites[f->pc] = (struct callsite){
		.kind = proto->flags & FUNC_KFUNC ? SITE_KFUNC : SITE_HELPER,
		.proto = proto,
		.id = 1,
	};
	return fixture_step(f, CALL);
}

/* In the last step's part of the log. */
static inline bool fixture_said(struct fixture *f, const char *text)
{
	if (strstr(f->log + f->log_mark, text))
		return true;
	print_error("not said: %s\nbut: %s\n", text, f->log + f->log_mark);
	return false;
}

/* In the log, which is closed by looking. */
static inline bool fixture_logged(struct fixture *f, const char *text)
{
	u32 size;

	vlog_finish(f->v.log, &size);
	return strstr(f->log, text) != NULL;
}

static inline struct value *fixture_reg(struct fixture *f, u32 r)
{
	return vstate_reg(f->st, r);
}

/* Register @r becomes a number of which nothing is known, a map's value, a typed pointer. */
static inline void fixture_unknown(struct fixture *f, u32 r)
{
	value_set_unknown(fixture_reg(f, r));
}

static inline void fixture_map_value(struct fixture *f, u32 r, u32 map, u16 flags)
{
	value_set_map_value(fixture_reg(f, r), &f->maps[map], vstate_new_id(f->st));
	fixture_reg(f, r)->flags = flags;
	if (flags & VF_MAYBE_NULL)
		fixture_reg(f, r)->id = vstate_new_id(f->st);
}

static inline void fixture_btf(struct fixture *f, u32 r, u32 type_id, u16 flags)
{
	value_set_btf(fixture_reg(f, r), f->btf, type_id);
	fixture_reg(f, r)->flags = flags;
}

/* The other path of the last step takes the place of the state. */
static inline void fixture_take_fork(struct fixture *f)
{
	vstate_free(f->st);
	f->st = f->step.fork;
	f->step.fork = NULL;
}

#endif
