/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/unit/report/print_test.c - values, states and instructions as the kernel's log has them
 *
 * The texts are what Linux 6.18 prints for the same values.
 */
#include "bpf/verifier/report/print.h"
#include "tests/insn.h"
#include "tests/unit/btf/image.h"

static const struct vrf_map counts = { .name = "counts", .key_size = 4, .value_size = 8 };

static void expect_text(const struct value *val, u32 frame, const char *want)
{
	struct strbuf out = STRBUF_INIT;
	struct vrf v = { 0 };

	print_value(&v, val, frame, &out);
	EXPECT_STR_EQ(strbuf_text(&out), want);
	strbuf_fini(&out);
}

TEST(print, scalars_say_only_what_is_known)
{
	struct value val;
	struct scalar s;

	value_set_const(&val, -1);
	expect_text(&val, 0, "-1");
	value_set_const(&val, 0xffffffff);
	expect_text(&val, 0, "0xffffffff");
	val.precise = true;
	expect_text(&val, 0, "P0xffffffff");
	value_set_unknown(&val);
	expect_text(&val, 0, "scalar()");
	val.id = 1;
	expect_text(&val, 0, "scalar(id=1)");
	s = scalar_unsigned(0, 255);
	value_set_scalar(&val, &s);
	expect_text(&val, 0, "scalar(smin=smin32=0,smax=umax=smax32=umax32=255,var_off=(0x0; 0xff))");
	s = scalar_unsigned(6, 255);
	value_set_scalar(&val, &s);
	expect_text(&val, 0, "scalar(smin=umin=smin32=umin32=6,smax=umax=smax32=umax32=255,"
			     "var_off=(0x0; 0xff))");
	s = scalar_signed(-128, 127);
	value_set_scalar(&val, &s);
	expect_text(&val, 0, "scalar(smin=smin32=-128,smax=smax32=127)");
	s = scalar_unsigned(6, UINT64_MAX);
	value_set_scalar(&val, &s);
	expect_text(&val, 0, "scalar(umin=6)");
	s = scalar_unsigned(0, 0xffffffff);
	value_set_scalar(&val, &s);
	expect_text(&val, 0, "scalar(smin=0,smax=umax=0xffffffff,var_off=(0x0; 0xffffffff))");
}

TEST(print, pointers_say_what_they_point_to)
{
	struct image im = IMAGE_INIT;
	struct btf *btf;
	struct value val;
	u32 id = image_struct(&im, "bpf_ws_lock", BTF_KIND_STRUCT, 0, 0);

	btf = image_parse(&im, 0);
	value_set_ctx(&val);
	expect_text(&val, 0, "ctx()");
	val.num = scalar_const(8);
	expect_text(&val, 0, "ctx(off=8)");
	value_set_stack(&val, 0, -8);
	expect_text(&val, 0, "fp-8");
	expect_text(&val, 1, "fp[0]-8");
	value_set_stack(&val, 0, 0);
	expect_text(&val, 0, "fp0");
	value_set_map(&val, &counts, 0);
	expect_text(&val, 0, "map_ptr(map=counts,ks=4,vs=8)");
	value_set_map_value(&val, &counts, 0);
	expect_text(&val, 0, "map_value(map=counts,ks=4,vs=8)");
	val.flags = VF_MAYBE_NULL;
	val.id = 1;
	expect_text(&val, 0, "map_value_or_null(id=1,map=counts,ks=4,vs=8)");
	value_set_btf(&val, btf, id);
	val.flags = VF_TRUSTED;
	val.ref = 2;
	expect_text(&val, 0, "trusted_ptr_bpf_ws_lock(ref_obj_id=2)");
	value_set_mem(&val, 16);
	val.flags = VF_DYNAMIC_RECORD | VF_MAYBE_NULL;
	expect_text(&val, 0, "ringbuf_mem_or_null(sz=16)");
	btf_put(btf);
}

/* One log, with a program of few instructions. */
struct fixture {
	struct vrf_platform platform;
	struct vrf_request req;
	struct vrf v;
	char log[2048];
};

static void setup(struct fixture *fx, const struct bpf_insn *insns, u32 nr)
{
	memset(fx, 0, sizeof(*fx));
	fx->req = (struct vrf_request){
		.insns = insns, .nr_insns = nr, .platform = &fx->platform, .log_level = 2,
		.log_buf = fx->log, .log_size = sizeof(fx->log),
	};
	fx->v.req = &fx->req;
	EXPECT_EQ(vlog_create(&fx->req, &fx->v.log), 0);
}

static void expect_log(struct fixture *fx, const char *want)
{
	u32 size;

	EXPECT_EQ(vlog_finish(fx->v.log, &size), 0);
	EXPECT_STR_EQ(fx->log, want);
	vlog_free(fx->v.log);
}

TEST(print, a_step_is_a_line_with_what_it_touched)
{
	static const struct bpf_insn prog[] = {
		ST_IMM(BPF_DW, FP, -8, 0),
		STX(BPF_B, FP, R1, -16),
		MOV_REG(R2, FP),
		ATOMIC(BPF_DW, BPF_ADD, FP, R6, -8),
		EXIT(),
	};
	struct fixture fx;
	struct vstate *st;
	struct value val;

	setup(&fx, prog, ARRAY_SIZE(prog));
	EXPECT_EQ(vstate_new(0, &st), 0);
	value_set_ctx(vstate_reg(st, 1));
	print_state(&fx.v, 2, st, 0);
	value_set_const(&val, 0);
	EXPECT_EQ(stack_write(&vstate_frame(st)->stack, -8, 8, &val), 0);
	print_touched(&fx.v, 2, st, 0, print_insn(&fx.v, 2, 0));
	EXPECT_EQ(stack_write_misc(&vstate_frame(st)->stack, -16, 1), 0);
	print_touched(&fx.v, 2, st, 1, print_insn(&fx.v, 2, 1));
	value_set_stack(vstate_reg(st, 2), 0, 0);
	print_touched(&fx.v, 2, st, 2, print_insn(&fx.v, 2, 2));
	value_set_const(vstate_reg(st, 6), 5);
	EXPECT_EQ(stack_write_misc(&vstate_frame(st)->stack, -8, 8), 0);
	print_touched(&fx.v, 2, st, 3, print_insn(&fx.v, 2, 3));
	print_touched(&fx.v, 2, st, 4, print_insn(&fx.v, 2, 4));
	print_state(&fx.v, 2, st, 4);
	expect_log(&fx, "0: R1=ctx() R10=fp0\n"
			"0: (7a) *(u64 *)(r10 -8) = 0          ; R10=fp0 fp-8=0\n"
			"1: (73) *(u8 *)(r10 -16) = r1         ; R1=ctx() R10=fp0 fp-16=???????m\n"
			"2: (bf) r2 = r10                      ; R2=fp0 R10=fp0\n"
			"3: (db) lock *(u64 *)(r10 -8) += r6   ; R6=5 R10=fp0 fp-8=mmmmmmmm\n"
			"4: (95) exit\n"
			"4: R1=ctx() R2=fp0 R6=5 R10=fp0 fp-8=mmmmmmmm fp-16=???????m\n");
	vstate_free(st);
}

TEST(print, lines_of_source_stand_before_their_instructions)
{
	static const struct bpf_insn prog[] = { MOV_IMM(R0, 0), EXIT() };
	struct image im = IMAGE_INIT;
	struct bpf_line_info lines[1] = { 0 };
	struct fixture fx;
	struct btf *btf;

	image_int(&im, "int", 4);
	lines[0].file_name_off = image_str(&im, "/src/dir/prog.bpf.c");
	lines[0].line_off = image_str(&im, "\treturn 0;");
	lines[0].line_col = 12 << 10 | 2;
	btf = image_parse(&im, 0);
	setup(&fx, prog, ARRAY_SIZE(prog));
	fx.req.prog_btf = btf;
	fx.req.line_info = lines;
	fx.req.nr_line_info = 1;
	print_source(&fx.v, 2, 0);
	print_source(&fx.v, 2, 1);
	expect_log(&fx, "; return 0; @ prog.bpf.c:12\n");
	btf_put(btf);
}
