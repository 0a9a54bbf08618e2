/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Every allocation of a step may fail: then that is the answer, and nothing is lost. */
#include "tests/unit/exec/fixture.h"

static u32 allocs_left;

static void *failing_alloc(size_t size)
{
	if (!allocs_left)
		return NULL;
	allocs_left--;
	return calloc(1, size);
}

/* Each kind of step that allocates, in an order that is legal. */
static int run_steps(struct fixture *f)
{
	const struct func_proto fresh = {
		.name = "new", .flags = FUNC_KFUNC | FUNC_ITER_NEW, .ret = { .kind = RET_SCALAR },
		.args = { { .kind = ARG_ITER, .btf_id = f->t_iter, .size = 8 } },
	};
	const struct func_proto next = {
		.name = "next", .flags = FUNC_KFUNC | FUNC_ITER_NEXT,
		.args = { { .kind = ARG_ITER, .btf_id = f->t_iter, .size = 8 } },
		.ret = { .kind = RET_BTF, .btf_id = f->t_task, .flags = RETF_SCOPED },
	};
	const struct func_proto acquire = {
		.name = "acquire", .flags = FUNC_KFUNC,
		.ret = { .kind = RET_BTF, .btf_id = f->t_task, .flags = RETF_ACQUIRE },
	};
	const struct func_proto *const calls[] = { &fresh, &next, &acquire, &acquire, &acquire };
	int err;

	for (u32 i = 0; i < ARRAY_SIZE(calls); i++) {
		fixture_step(f, MOV_REG(1, 10));
		fixture_step(f, ALU_IMM(BPF_ADD, 1, -8));
		err = fixture_call(f, calls[i]);
		if (err)
			return err;
	}
	err = fixture_step(f, STX(BPF_DW, 10, 0, -512));
	if (err)
		return err;
	fixture_unknown(f, 2);
	err = fixture_step(f, JMP_IMM(BPF_JLT, 2, 8, 4));
	if (err)
		return err;
	f->sites[f->pc] = (struct callsite){ .kind = SITE_SUBPROG, .subprog = 1 };
	return fixture_step(f, CALL);
}

TEST(alloc, the_nth_failure_is_out_of_memory_and_loses_nothing)
{
	void *(*before)(size_t size) = domain_alloc;
	u32 failures = 0;
	int err;

	do {
		struct fixture *f = fixture_new();

		domain_alloc = failing_alloc;
		allocs_left = failures;
		err = run_steps(f);
		domain_alloc = before;
		EXPECT_TRUE(!err || err == -ENOMEM);
		fixture_free(f);
	} while (err && ++failures < 1000);
	EXPECT_EQ(err, 0);
	EXPECT_TRUE(failures > 5);
}
