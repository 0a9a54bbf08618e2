/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/unit/facts/debug_info_test.c - func_info and line_info must agree with the program
 */
#include "tests/unit/facts/fixture.h"

static const struct bpf_insn prog[] = {
	LD_IMM64(R1, 5), CALL_SUBPROG(1), EXIT(), MOV_IMM(R0, 0), EXIT(),
};

#define SUB 4	/* where the subprogram begins */

/* Type 3 is "int main(void)", type 4 the global "int sub(int a)", type 2 no function. */
static struct btf *make_btf(void)
{
	struct image im = IMAGE_INIT;
	u32 t_int = image_int(&im, "int", 4);
	u32 proto = image_type(&im, NULL, IMAGE_INFO(BTF_KIND_FUNC_PROTO, 0, 1), t_int);

	image_param(&im, "a", t_int);
	image_type(&im, "main", IMAGE_INFO(BTF_KIND_FUNC, 0, BTF_FUNC_GLOBAL), proto);
	image_type(&im, "sub", IMAGE_INFO(BTF_KIND_FUNC, 0, BTF_FUNC_GLOBAL), proto);
	return image_parse(&im, 0);
}

static void check(const struct bpf_func_info *funcs, u32 nr_funcs, const struct bpf_line_info *lines,
		  u32 nr_lines, const char *said)
{
	struct btf *btf = make_btf();
	struct fixture fx;

	fixture_init(&fx, prog, ARRAY_SIZE(prog));
	fx.req.prog_btf = btf;
	fx.req.func_info = funcs;
	fx.req.nr_func_info = nr_funcs;
	fx.req.line_info = lines;
	fx.req.nr_line_info = nr_lines;
	EXPECT_EQ(fixture_until_subprogs(&fx), said ? -EINVAL : 0);
	if (said) {
		fixture_said(&fx, said);
	} else if (nr_funcs) {
		EXPECT_STR_EQ(fx.f->subprogs[1].name, "sub");
		EXPECT_TRUE(fx.f->subprogs[1].global);
		EXPECT_FALSE(fx.f->subprogs[0].global);
		EXPECT_EQ(fx.f->subprogs[1].nr_args, 1);
	}
	fixture_fini(&fx);
	btf_put(btf);
}

#define FUNCS(...) (const struct bpf_func_info[]){ __VA_ARGS__ }
#define LINES(...) (const struct bpf_line_info[]){ __VA_ARGS__ }

TEST(debug_info, functions_are_named_and_counted)
{
	check(NULL, 0, NULL, 0, NULL);
	check(FUNCS({ 0, 3 }, { SUB, 4 }), 2, NULL, 0, NULL);
	check(FUNCS({ 0, 3 }), 1, NULL, 0, "number of funcs in func_info doesn't match");
	check(FUNCS({ 1, 3 }, { SUB, 4 }), 2, NULL, 0, "nonzero insn_off 1 for the first func info");
	check(FUNCS({ 0, 3 }, { 0, 4 }), 2, NULL, 0, "same or smaller insn offset (0)");
	check(FUNCS({ 0, 3 }, { 3, 4 }), 2, NULL, 0, "doesn't match subprog layout");
	check(FUNCS({ 0, 3 }, { SUB, 2 }), 2, NULL, 0, "invalid type id 2 in func info");
	check(FUNCS({ 0, 3 }, { SUB, 99 }), 2, NULL, 0, "invalid type id 99 in func info");
}

TEST(debug_info, lines_ascend_and_begin_each_function)
{
	check(NULL, 0, LINES({ 0, 1, 1 }, { SUB, 1, 1 }), 2, NULL);
	check(NULL, 0, LINES({ 0, 1, 1 }, { 2, 1, 1 }, { SUB, 1, 1 }, { SUB + 1, 1, 1 }), 4, NULL);
	check(NULL, 0, LINES({ 0, 1, 1 }), 1, "missing bpf_line_info for func#1");
	check(NULL, 0, LINES({ 0, 1, 1 }, { SUB + 1, 1, 1 }), 2, "missing bpf_line_info for func#1");
	check(NULL, 0, LINES({ 0, 1, 1 }, { 0, 1, 1 }), 2, "Invalid line_info[1].insn_off:0");
	check(NULL, 0, LINES({ 0, 1, 1 }, { 99, 1, 1 }), 2, "Invalid line_info[1].insn_off:99");
	check(NULL, 0, LINES({ 0, 1, 1 }, { 1, 1, 1 }), 2, "Invalid insn code at line_info[1].insn_off");
	check(NULL, 0, LINES({ 0, 1, 9999 }), 1, "Invalid line_info[0].line_off or .file_name_off");
}
