/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/test.h - tests as sentences, on cmocka
 *
 *	TEST(mailbox, second_put_is_refused_until_taken)
 *	{
 *		EXPECT_EQ(mailbox_put(&mb, &a), 0);
 *	}
 *
 * A file of tests is one program: it includes this header once and needs no
 * main().  Output is TAP, which tools/run-tests.py counts.  A test that this
 * machine cannot run calls SKIP("reason"): the reason is printed and counted.
 */
#ifndef ROVE_TESTS_TEST_H
#define ROVE_TESTS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct test_case {
	const char *name;
	void (*run)(void **state);
};

#define TEST(suite, sentence)                                                              \
	static void test_##suite##_##sentence(void **state);                               \
	static const struct test_case test_case_##suite##_##sentence                       \
		__attribute__((used, section("rove_tests"), aligned(8))) = {               \
			.name = #suite ": " #sentence,                                     \
			.run = test_##suite##_##sentence,                                  \
	};                                                                                 \
	static void test_##suite##_##sentence(void **state __attribute__((unused)))

#define EXPECT_TRUE(x) _assert_true((uintmax_t)!!(x), #x, __FILE__, __LINE__)
#define EXPECT_FALSE(x) _assert_true((uintmax_t)!(x), "!(" #x ")", __FILE__, __LINE__)
#define EXPECT_EQ(a, b) test_expect_eq((intmax_t)(a), (intmax_t)(b), #a, #b, __FILE__, __LINE__)
#define EXPECT_NE(a, b) EXPECT_TRUE((a) != (b))
#define EXPECT_PTR_EQ(a, b) EXPECT_TRUE((const void *)(a) == (const void *)(b))
#define EXPECT_STR_EQ(a, b) assert_string_equal((a), (b))
#define EXPECT_MEM_EQ(a, b, n) assert_memory_equal((a), (b), (n))

/* The reason is part of the TAP line; the runner prints and counts it. */
#define SKIP(...)                                   \
	do {                                        \
		printf("# SKIP-REASON " __VA_ARGS__); \
		printf("\n");                       \
		fflush(stdout);                     \
		skip();                             \
	} while (0)

/* Where one thread runs at a time, and everything takes many times as long. */
static inline int under_valgrind(void)
{
	const char *preloaded = getenv("LD_PRELOAD");

	return preloaded && strstr(preloaded, "/vgpreload_");
}

static inline void test_expect_eq(intmax_t a, intmax_t b, const char *a_text, const char *b_text,
				  const char *file, int line)
{
	if (a == b)
		return;
	print_error("%s is %jd (0x%jx), %s is %jd (0x%jx)\n", a_text, a, (uintmax_t)a, b_text, b,
		    (uintmax_t)b);
	_fail(file, line);
}

extern const struct test_case __start_rove_tests[], __stop_rove_tests[];

#ifdef __SANITIZE_THREAD__
/* liburcu is not instrumented: the order of what its barrier allocates is not seen. */
__attribute__((visibility("default"))) const char *__tsan_default_suppressions(void);

const char *__tsan_default_suppressions(void)
{
	return "race:urcu_bp_barrier";
}
#endif

int main(void)
{
	size_t nr = __stop_rove_tests - __start_rove_tests;
	struct CMUnitTest *tests = calloc(nr, sizeof(*tests));
	int failed;

	if (!tests)
		return 1;
	for (size_t i = 0; i < nr; i++) {
		tests[i].name = __start_rove_tests[i].name;
		tests[i].test_func = __start_rove_tests[i].run;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	failed = _cmocka_run_group_tests("tests", tests, nr, NULL, NULL);
	free(tests);
	return failed != 0;
}

#endif
