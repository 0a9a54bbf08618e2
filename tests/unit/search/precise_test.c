/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/unit/search/precise_test.c - from what is wanted behind an instruction to before it
 */
#include "bpf/verifier/search/internal.h"
#include "tests/test.h"

#define INSN(c, d, s, o, i) \
	((struct bpf_insn){ .code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i) })

/* One instruction at pc 0, called as a function of the program when it is a call. */
struct hop_fixture {
	struct vrf v;
	struct vrf_request req;
	struct facts facts;
	struct callsite site;
	struct bpf_insn insn;
	struct wanted w;
};

static void hop_begin(struct hop_fixture *f, struct bpf_insn insn)
{
	memset(f, 0, sizeof(*f));
	f->insn = insn;
	f->site.kind = SITE_SUBPROG;
	f->facts.sites = &f->site;
	f->req.insns = &f->insn;
	f->req.nr_insns = 1;
	f->v.req = &f->req;
	f->v.facts = &f->facts;
	f->w.nr_frames = STATE_FRAMES;
}

static void hop_back(struct hop_fixture *f, struct hop hop, u32 next_frame)
{
	precise_hop(&f->v, &f->w, &hop, next_frame);
}

#define R(n) (1u << (n))

TEST(precise_hop, a_constant_ends_the_search)
{
	struct hop_fixture f;

	hop_begin(&f, INSN(BPF_ALU64 | BPF_MOV | BPF_K, 3, 0, 0, 5));
	f.w.regs[0] = R(3) | R(4);
	hop_back(&f, (struct hop){ 0 }, 0);
	EXPECT_EQ(f.w.regs[0], R(4));
}

TEST(precise_hop, a_move_asks_for_its_source_instead)
{
	struct hop_fixture f;

	hop_begin(&f, INSN(BPF_ALU64 | BPF_MOV | BPF_X, 3, 7, 0, 0));
	f.w.regs[0] = R(3);
	hop_back(&f, (struct hop){ 0 }, 0);
	EXPECT_EQ(f.w.regs[0], R(7));
}

TEST(precise_hop, what_is_not_wanted_asks_for_nothing)
{
	struct hop_fixture f;

	hop_begin(&f, INSN(BPF_ALU64 | BPF_ADD | BPF_X, 3, 7, 0, 0));
	f.w.regs[0] = R(4);
	hop_back(&f, (struct hop){ 0 }, 0);
	EXPECT_EQ(f.w.regs[0], R(4));
}

TEST(precise_hop, a_sum_asks_for_both)
{
	struct hop_fixture f;

	hop_begin(&f, INSN(BPF_ALU64 | BPF_ADD | BPF_X, 3, 7, 0, 0));
	f.w.regs[0] = R(3);
	hop_back(&f, (struct hop){ 0 }, 0);
	EXPECT_EQ(f.w.regs[0], R(3) | R(7));
}

TEST(precise_hop, byte_order_has_no_source)
{
	struct hop_fixture f;

	hop_begin(&f, INSN(BPF_ALU | BPF_END | BPF_TO_BE, 3, 0, 0, 16));
	f.w.regs[0] = R(3);
	hop_back(&f, (struct hop){ 0 }, 0);
	EXPECT_EQ(f.w.regs[0], R(3));
}

TEST(precise_hop, a_fill_asks_for_the_slot)
{
	struct hop_fixture f;

	hop_begin(&f, INSN(BPF_LDX | BPF_MEM | BPF_DW, 3, 10, -16, 0));
	f.w.regs[0] = R(3);
	hop_back(&f, (struct hop){ .flags = HOP_STACK | HOP_WHOLE_SLOT, .slots = 2 }, 0);
	EXPECT_EQ(f.w.regs[0], 0);
	EXPECT_EQ(f.w.slots[0], 2);
}

TEST(precise_hop, a_fill_from_the_callers_stack_asks_there)
{
	struct hop_fixture f;

	hop_begin(&f, INSN(BPF_LDX | BPF_MEM | BPF_DW, 3, 1, 0, 0));
	f.w.regs[1] = R(3);
	hop_back(&f, (struct hop){ .flags = HOP_STACK, .frame = 1, .slots = 4 }, 1);
	EXPECT_EQ(f.w.regs[1], 0);
	EXPECT_EQ(f.w.slots[0], 4);
	EXPECT_EQ(f.w.slots[1], 0);
}

TEST(precise_hop, a_load_from_elsewhere_ends_the_search)
{
	struct hop_fixture f;

	hop_begin(&f, INSN(BPF_LDX | BPF_MEM | BPF_DW, 3, 1, 0, 0));
	f.w.regs[0] = R(3);
	hop_back(&f, (struct hop){ 0 }, 0);
	EXPECT_EQ(f.w.regs[0], 0);
}

TEST(precise_hop, a_whole_spill_asks_for_the_register_instead)
{
	struct hop_fixture f;

	hop_begin(&f, INSN(BPF_STX | BPF_MEM | BPF_DW, 10, 6, -8, 0));
	f.w.slots[0] = 1;
	hop_back(&f, (struct hop){ .flags = HOP_STACK | HOP_WHOLE_SLOT, .slots = 1 }, 0);
	EXPECT_EQ(f.w.slots[0], 0);
	EXPECT_EQ(f.w.regs[0], R(6));
}

TEST(precise_hop, a_partial_spill_leaves_the_rest_wanted)
{
	struct hop_fixture f;

	hop_begin(&f, INSN(BPF_STX | BPF_MEM | BPF_W, 10, 6, -4, 0));
	f.w.slots[0] = 1;
	hop_back(&f, (struct hop){ .flags = HOP_STACK, .slots = 1 }, 0);
	EXPECT_EQ(f.w.slots[0], 1);
	EXPECT_EQ(f.w.regs[0], R(6));
}

TEST(precise_hop, a_store_elsewhere_changes_nothing)
{
	struct hop_fixture f;

	hop_begin(&f, INSN(BPF_STX | BPF_MEM | BPF_DW, 1, 6, 0, 0));
	f.w.slots[0] = 1;
	hop_back(&f, (struct hop){ 0 }, 0);
	EXPECT_EQ(f.w.slots[0], 1);
	EXPECT_EQ(f.w.regs[0], 0);
}

TEST(precise_hop, an_exchange_asks_for_slot_and_register)
{
	struct hop_fixture f;

	hop_begin(&f, INSN(BPF_STX | BPF_ATOMIC | BPF_DW, 10, 6, -8, BPF_XCHG));
	f.w.regs[0] = R(6);
	hop_back(&f, (struct hop){ .flags = HOP_STACK | HOP_WHOLE_SLOT, .slots = 1 }, 0);
	EXPECT_TRUE(f.w.slots[0] & 1);

	hop_begin(&f, INSN(BPF_STX | BPF_ATOMIC | BPF_DW, 10, 6, -8, BPF_XCHG));
	f.w.slots[0] = 1;
	hop_back(&f, (struct hop){ .flags = HOP_STACK | HOP_WHOLE_SLOT, .slots = 1 }, 0);
	EXPECT_TRUE(f.w.regs[0] & R(6));
}

TEST(precise_hop, a_comparison_of_registers_asks_for_both)
{
	struct hop_fixture f;

	hop_begin(&f, INSN(BPF_JMP | BPF_JGT | BPF_X, 3, 7, 1, 0));
	f.w.regs[0] = R(7);
	hop_back(&f, (struct hop){ 0 }, 0);
	EXPECT_EQ(f.w.regs[0], R(3) | R(7));
}

TEST(precise_hop, a_comparison_asks_for_all_that_were_linked)
{
	struct hop_fixture f;

	hop_begin(&f, INSN(BPF_JMP | BPF_JGT | BPF_K, 3, 0, 1, 5));
	f.w.regs[0] = R(8);
	hop_back(&f, (struct hop){ .flags = HOP_LINKED, .regs = R(3) | R(8), .slots = 4 }, 0);
	EXPECT_EQ(f.w.regs[0], R(3) | R(8));
	EXPECT_EQ(f.w.slots[0], 4);
}

TEST(precise_hop, a_helper_call_ends_the_search_for_r0)
{
	struct hop_fixture f;

	hop_begin(&f, INSN(BPF_JMP | BPF_CALL, 0, 0, 0, 7));
	f.site.kind = SITE_HELPER;
	f.w.regs[0] = R(0) | R(6);
	hop_back(&f, (struct hop){ 0 }, 0);
	EXPECT_EQ(f.w.regs[0], R(6));
}

TEST(precise_hop, an_argument_is_asked_of_the_caller)
{
	struct hop_fixture f;

	hop_begin(&f, INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, 3));
	f.w.regs[1] = R(2) | R(6);
	f.w.regs[0] = R(7);
	f.w.slots[1] = 8;
	hop_back(&f, (struct hop){ .frame = 0 }, 1);
	EXPECT_EQ(f.w.regs[0], R(2) | R(7));
	EXPECT_EQ(f.w.regs[1], 0);
	EXPECT_EQ(f.w.slots[1], 0);
}

TEST(precise_hop, a_result_is_asked_of_the_callee)
{
	struct hop_fixture f;

	hop_begin(&f, INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0));
	f.w.regs[0] = R(0) | R(7);
	hop_back(&f, (struct hop){ .frame = 1 }, 0);
	EXPECT_EQ(f.w.regs[0], R(7));
	EXPECT_EQ(f.w.regs[1], R(0));
}

TEST(precise_hop, behind_a_callback_the_caller_has_what_it_had)
{
	struct hop_fixture f;

	hop_begin(&f, INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0));
	f.w.regs[0] = R(1) | R(7);
	hop_back(&f, (struct hop){ .frame = 1, .flags = HOP_CALLBACK_EXIT }, 0);
	EXPECT_EQ(f.w.regs[0], R(1) | R(7));
	EXPECT_EQ(f.w.regs[1], 0);
}

/* A loop that often falls back to it must not pay for the whole chain each time. */
TEST(precise_mark_all, what_is_above_a_marked_checkpoint_is_not_looked_at_again)
{
	struct visited first = { 0 }, second = { .parent = &first };

	EXPECT_EQ(vstate_new(0, &first.st), 0);
	EXPECT_EQ(vstate_new(0, &second.st), 0);
	value_set_unknown(vstate_reg(first.st, 6));
	value_set_unknown(vstate_reg(second.st, 7));
	EXPECT_TRUE(precise_mark_all(&second));
	EXPECT_TRUE(vstate_reg(first.st, 6)->precise);
	EXPECT_TRUE(vstate_reg(second.st, 7)->precise);
	vstate_reg(first.st, 6)->precise = false;
	EXPECT_FALSE(precise_mark_all(&second));
	EXPECT_FALSE(vstate_reg(first.st, 6)->precise);
	vstate_free(first.st);
	vstate_free(second.st);
}
