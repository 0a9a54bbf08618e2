/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/unit/search/search_test.c - pruning changes the work, not the verdict; failing memory
 * leaks nothing
 */
#include <errno.h>

#include "tests/fuzz/program.h"
#include "tests/test.h"
#include "tests/tool/corpus/ours.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OWN_MALLOC 0 /* the sanitizer's: it finds leaks itself */
#else
#define OWN_MALLOC 1
#endif

/* --- every allocation, of all folders, counted and made to fail ------------------------------- */

static bool watch;
static s64 nr_live;	/* allocations made and not given back while watching */
static u64 nr_made, fail_at;

static bool allocation_fails(void)
{
	return watch && ++nr_made == fail_at;
}

#if OWN_MALLOC
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t nr, size_t size);
void *__libc_realloc(void *mem, size_t size);
void __libc_free(void *mem);

void *malloc(size_t size)
{
	void *mem = allocation_fails() ? NULL : __libc_malloc(size);

	nr_live += watch && mem;
	return mem;
}

void *calloc(size_t nr, size_t size)
{
	void *mem = allocation_fails() ? NULL : __libc_calloc(nr, size);

	nr_live += watch && mem;
	return mem;
}

void *realloc(void *mem, size_t size)
{
	void *bigger = allocation_fails() ? NULL : __libc_realloc(mem, size);

	nr_live += watch && bigger && !mem;
	return bigger;
}

void free(void *mem)
{
	nr_live -= watch && mem;
	__libc_free(mem);
}
#else
static void *failing_alloc(size_t size)
{
	return allocation_fails() ? NULL : calloc(1, size);
}
#endif

static int check_watched(const struct vrf_request *req, u64 fail)
{
	struct vrf_result res;
	int err;

	nr_live = 0;
	nr_made = 0;
	fail_at = fail;
	watch = true;
	err = vrf_check(req, &res);
	vrf_result_free(&res);
	watch = false;
	return err;
}

/* A log that cannot be written in full is no reason to refuse; everything else is. */
static void fail_each_of(const struct vrf_request *req, int verdict, bool log_may_suffer)
{
	u64 nr_all;

	EXPECT_EQ(check_watched(req, 0), verdict);
	EXPECT_EQ(nr_live, 0);
	nr_all = nr_made;
	EXPECT_TRUE(nr_all > 5);
	for (u64 n = 1; n <= nr_all; n++) {
		int err = check_watched(req, n);

		EXPECT_TRUE(err == -ENOMEM || (log_may_suffer && err == verdict));
		EXPECT_EQ(nr_live, 0);
	}
}

static void fail_each_allocation(const char *file)
{
	static struct corpus_case c;
	static char log[65536];
	struct ours_request r;

	EXPECT_EQ(parse_case(file, &c), 0);
	ours_prepare(&c, &r);
	fail_each_of(&r.req, c.err, false);
	r.req.log_level = 2;
	r.req.log_buf = log;
	r.req.log_size = sizeof(log);
	fail_each_of(&r.req, c.err, true);
	ours_finish(&r);
}

TEST(search, failing_allocations_give_enomem_and_leak_nothing)
{
#if !OWN_MALLOC
	void *(*was)(size_t size) = domain_alloc;

	domain_alloc = failing_alloc;
#endif
	fail_each_allocation("tests/corpus/verifier/iter_nested_three.txt");
	fail_each_allocation("tests/corpus/verifier/iter_acquire_in_loop.txt");
	fail_each_allocation("tests/corpus/verifier/precise_callers_stack.txt");
	fail_each_allocation("tests/corpus/verifier/ringbuf_two_records.txt");
	fail_each_allocation("tests/corpus/verifier/global_function.txt");
#if !OWN_MALLOC
	domain_alloc = was;
#endif
}

/* --- with pruning and without ----------------------------------------------------------------- */

static u64 random_state = 88172645463325252ull;

static u8 random_byte(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state >> 24;
}

static int verdict(struct corpus_case *c, const struct search_debug *debug, u32 *ret_processed)
{
	struct ours_request r;
	struct vrf_result res;
	int err;

	ours_prepare(c, &r);
	search_debug = debug;
	err = vrf_check(&r.req, &res);
	search_debug = NULL;
	*ret_processed = res.stats.insns_processed;
	vrf_result_free(&res);
	ours_finish(&r);
	return err;
}

TEST(search, random_programs_get_the_same_verdict_without_pruning)
{
	static const struct search_debug full = { .no_pruning = true };
	static struct corpus_case c;
	u32 nr_accepted = 0, nr_pruned = 0;

	for (u32 i = 0; i < 2000; i++) {
		u32 with, without;
		u8 bytes[200];
		int err;

		for (u32 b = 0; b < sizeof(bytes); b++)
			bytes[b] = random_byte();
		program_from_bytes(&c, bytes, 40 + i % 160);
		c.prog_flags = i & 1 ? BPF_F_TEST_STATE_FREQ : 0;
		err = verdict(&c, NULL, &with);
		EXPECT_EQ(!err, !verdict(&c, &full, &without));
		nr_accepted += !err;
		nr_pruned += !err && with < without;
	}
	/* The test says something only if many are accepted, and pruning took place. */
	EXPECT_TRUE(nr_accepted > 300);
	EXPECT_TRUE(nr_pruned > 100);
}

/* --- limits and statistics -------------------------------------------------------------------- */

static void check_file(const char *file, u32 log_level, char *log, u32 log_size,
		       struct vrf_result *ret_res, int *ret_err)
{
	static struct corpus_case c;
	struct ours_request r;

	EXPECT_EQ(parse_case(file, &c), 0);
	ours_prepare(&c, &r);
	r.req.log_level = log_level;
	r.req.log_buf = log;
	r.req.log_size = log_size;
	*ret_err = vrf_check(&r.req, ret_res);
	ours_finish(&r);
}

TEST(search, statistics_are_told_in_the_words_of_the_kernel)
{
	char log[4096] = "";
	struct vrf_result res;
	int err;

	check_file("tests/corpus/verifier/loop_bounded.txt", 4, log, sizeof(log), &res, &err);
	EXPECT_EQ(err, 0);
	EXPECT_TRUE(strstr(log, "verification time "));
	EXPECT_TRUE(strstr(log, "stack depth 0\n"));
	EXPECT_TRUE(strstr(log, "processed 203 insns (limit 1000000) max_states_per_insn "));
	EXPECT_EQ(res.stats.insns_processed, 203);
	vrf_result_free(&res);
}

TEST(search, a_loop_over_an_iterator_is_proved_in_few_steps)
{
	struct vrf_result res;
	int err;

	check_file("tests/corpus/verifier/iter_nested_three.txt", 0, NULL, 0, &res, &err);
	EXPECT_EQ(err, 0);
	EXPECT_TRUE(res.stats.insns_processed < 1000);
	vrf_result_free(&res);
}

TEST(search, thirty_branches_are_walked_in_few_steps)
{
	struct vrf_result res;
	int err;

	check_file("tests/corpus/verifier/prune_many_branches.txt", 0, NULL, 0, &res, &err);
	EXPECT_EQ(err, 0);
	EXPECT_TRUE(res.stats.insns_processed < 2000);
	vrf_result_free(&res);
}

TEST(search, an_unproved_million_is_refused_with_the_count)
{
	struct vrf_result res;
	int err;

	check_file("tests/corpus/verifier/loop_too_long.txt", 0, NULL, 0, &res, &err);
	EXPECT_EQ(err, -E2BIG);
	EXPECT_EQ(res.stats.insns_processed, SEARCH_MAX_INSNS + 1);
	EXPECT_EQ(res.reject_errno, -E2BIG);
	vrf_result_free(&res);
}

/* "if r0 == K_i goto +1; r7 += 1" for many K_i, of a number that may be anything. */
static u32 processed_for_chain(u8 class, u32 nr_tests, int first)
{
	static struct corpus_case c;
	u32 nr = 0, processed;

	memset(&c, 0, sizeof(c));
	c.prog_type = BPF_PROG_TYPE_SYSCALL;
	c.insns[nr++] = (struct bpf_insn){ .code = BPF_JMP | BPF_CALL, .imm = 7 };
	c.insns[nr++] = (struct bpf_insn){ .code = BPF_ALU64 | BPF_MOV, .dst_reg = 7 };
	for (u32 i = 0; i < nr_tests; i++) {
		c.insns[nr++] = (struct bpf_insn){ .code = class | BPF_JEQ, .off = 1,
						   .imm = first + i };
		c.insns[nr++] = (struct bpf_insn){ .code = BPF_ALU64 | BPF_ADD, .dst_reg = 7,
						   .imm = 1 };
	}
	c.insns[nr++] = (struct bpf_insn){ .code = BPF_JMP | BPF_EXIT };
	c.nr_insns = nr;
	EXPECT_EQ(verdict(&c, NULL, &processed), 0);
	return processed;
}

TEST(search, a_chain_of_cases_that_fall_back_into_it_is_not_walked_from_each)
{
	/* Each test is walked for both outcomes, and what follows it a few times: the kernel, 6 n. */
	EXPECT_TRUE(processed_for_chain(BPF_JMP, 400, 5) < 8 * 400);
	EXPECT_TRUE(processed_for_chain(BPF_JMP, 4000, 5) < 8 * 4000);
	EXPECT_TRUE(processed_for_chain(BPF_JMP32, 400, 5) < 8 * 400);
	EXPECT_TRUE(processed_for_chain(BPF_JMP, 400, -5000) < 8 * 400);
}
