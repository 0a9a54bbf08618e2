/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * base/symbol: names of addresses are right or are not given
 */
#include "tests/test.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include "base/symbol.h"

static int some_function_of_ours(int x)
{
	return x * 3;
}

TEST(symbol, an_exported_function_is_named)
{
	char text[SYMBOL_BYTES], *plus, *end;
	void *qsort_address = dlsym(RTLD_DEFAULT, "qsort");

	symbol_name((char *)qsort_address + 1, text, sizeof(text));
	plus = strchr(text, '+');
	EXPECT_TRUE(plus);
	EXPECT_EQ(strtoul(plus + 1, &end, 16), 1);
	EXPECT_EQ(*end, '\0');
	*plus = '\0';
	EXPECT_PTR_EQ(dlsym(RTLD_DEFAULT, text), qsort_address);
}

/* The nearest exported symbol would be another function's. */
TEST(symbol, a_function_nobody_exports_is_an_offset_in_its_file)
{
	const void *address = (const void *)some_function_of_ours;
	char text[SYMBOL_BYTES], expected[SYMBOL_BYTES];
	Dl_info info;

	EXPECT_TRUE(dladdr(address, &info));
	symbol_name(address, text, sizeof(text));
	snprintf(expected, sizeof(expected), "symbol_test+0x%zx",
		 (size_t)((const char *)address - (const char *)info.dli_fbase));
	EXPECT_STR_EQ(text, expected);
}

TEST(symbol, an_address_in_no_file_is_a_number)
{
	char text[SYMBOL_BYTES];

	symbol_name((void *)0x10, text, sizeof(text));
	EXPECT_STR_EQ(text, "0x10");
	symbol_name(NULL, text, sizeof(text));
	EXPECT_STR_EQ(text, "(nil)");
}

TEST(symbol, a_name_without_room_is_cut)
{
	char text[4] = "xxx";

	symbol_name(dlsym(RTLD_DEFAULT, "qsort"), text, sizeof(text));
	EXPECT_EQ(strlen(text), 3);
}

TEST(symbol, a_thread_is_known_by_its_name_until_it_ends)
{
	char comm[COMM_BYTES], own[COMM_BYTES];

	EXPECT_EQ(pthread_getname_np(pthread_self(), own, sizeof(own)), 0);
	EXPECT_TRUE(thread_comm(gettid(), comm));
	EXPECT_STR_EQ(comm, own);
	EXPECT_FALSE(thread_comm(1u << 30, comm));
	EXPECT_STR_EQ(comm, "");
	EXPECT_EQ(pthread_setname_np(pthread_self(), "exactly 15 long"), 0);
	EXPECT_TRUE(thread_comm(gettid(), comm));
	EXPECT_STR_EQ(comm, "exactly 15 long");
	EXPECT_EQ(pthread_setname_np(pthread_self(), own), 0);
	EXPECT_EQ(some_function_of_ours(1), 3);
}
