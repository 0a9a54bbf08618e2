/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/selftest/test_progs.h - what the kernel's test files expect of their runner
 *
 * By the names that they use: each check is said when it fails, and gives its
 * outcome; each subtest is one line of TAP.
 */
#ifndef ROVE_TESTS_SELFTEST_TEST_PROGS_H
#define ROVE_TESTS_SELFTEST_TEST_PROGS_H

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

/* As the kernel's test files write them. */
typedef uint32_t u32;
typedef uint64_t u64;

bool selftest_check(bool ok, const char *what, const char *name, long long value);
bool test__start_subtest(const char *name);
void test__skip(void);

/* Each program of NAME.bpf.o is loaded and, as its tags say, accepted, or rejected with a log. */
void selftest_run_tests(const char *name);
#define RUN_TESTS(name) selftest_run_tests(#name)

/* A grace period of maps has passed, and what waited for it is done.  0. */
int kern_sync_rcu(void);

#define CHECK(bad, name, ...)                                                        \
	({                                                                           \
		bool bad_ = (bad);                                                   \
		selftest_check(!bad_, "is wrong", (name), 0);                        \
		bad_;                                                                \
	})
#define CHECK_FAIL(bad) CHECK(bad, #bad)

/* A driver may have the library's own. */
#ifndef READ_ONCE
#define READ_ONCE(x) (*(volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))
#endif

#define ASSERT_FAIL(...) selftest_check(false, "failed", (__VA_ARGS__), 0)
#define ASSERT_TRUE(x, name) selftest_check(!!(x), "is not true", (name), 0)
#define ASSERT_OK(x, name)                                                           \
	({                                                                           \
		long long x_ = (x);                                                  \
		selftest_check(!x_, "failed", (name), x_);                           \
	})
#define ASSERT_OK_FD(x, name)                                                        \
	({                                                                           \
		long long x_ = (x);                                                  \
		selftest_check(x_ >= 0, "is no descriptor", (name), x_);             \
	})
#define ASSERT_OK_PTR(x, name) selftest_check((x) != NULL, "is NULL", (name), errno)
#define ASSERT_EQ(x, y, name)                                                        \
	({                                                                           \
		__typeof__(x) x_ = (x);                                              \
		selftest_check(x_ == (y), "differs from " #y, (name), (long long)x_); \
	})
#define ASSERT_GT(x, y, name)                                                        \
	({                                                                           \
		long long x_ = (x);                                                  \
		selftest_check(x_ > (long long)(y), "is not above " #y, (name), x_);  \
	})
#define ASSERT_LE(x, y, name)                                                        \
	({                                                                           \
		long long x_ = (x);                                                  \
		selftest_check(x_ <= (long long)(y), "is above " #y, (name), x_);     \
	})

#define ASSERT_NEQ(x, y, name)                                                        \
	({                                                                           \
		__typeof__(x) x_ = (x);                                              \
		selftest_check(x_ != (y), "is " #y, (name), (long long)x_);          \
	})
#define ASSERT_LT(x, y, name)                                                        \
	({                                                                           \
		__typeof__(x) x_ = (x);                                              \
		selftest_check(x_ < (y), "is not below " #y, (name), (long long)x_);          \
	})
#define ASSERT_GE(x, y, name)                                                        \
	({                                                                           \
		__typeof__(x) x_ = (x);                                              \
		selftest_check(x_ >= (y), "is below " #y, (name), (long long)x_);          \
	})
#define ASSERT_ERR(x, name) selftest_check((x) < 0, "succeeded", (name), 0)
#define ASSERT_HAS_SUBSTR(text, part, name)                                          \
	selftest_check(strstr((text), (part)) != NULL, "has no " part, (name), 0)

#endif
