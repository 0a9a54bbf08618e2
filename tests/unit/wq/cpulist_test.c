/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/cpulist: lists are read and written as the kernel does
 */
#include "tests/test.h"

#include <errno.h>

#include "wq/cpulist.h"

static const struct { const char *list, *as; u32 nr; } lists[] = {
	{ "", "", 0 },
	{ "\n", "", 0 },
	{ "0", "0", 1 },
	{ "0-3,8\n", "0-3,8", 5 },
	{ "8,0-3", "0-3,8", 5 },
	{ "0,1,2,5", "0-2,5", 4 },
	{ "63-64,127", "63-64,127", 3 },
	{ "5-5", "5", 1 },
	{ "1020-2000000000", "1020-1023", 4 },		/* what does not fit is left out */
};

TEST(cpulist, what_is_read_is_written_in_its_shortest_form)
{
	char text[128];
	cpu_set_t set;

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		EXPECT_EQ(cpulist_parse(lists[i].list, &set, sizeof(set)), 0);
		EXPECT_EQ(CPU_COUNT(&set), lists[i].nr);
		EXPECT_EQ(cpulist_print(&set, sizeof(set), text, sizeof(text)), strlen(lists[i].as));
		EXPECT_STR_EQ(text, lists[i].as);
	}
}

static const char *const no_lists[] = {
	"x", "-1", "3-1", "1-", "1,,2", " 1", "1 2", "+1", "1-2-3", "0x1", "1\n2",
	"99999999999999999999",
};

TEST(cpulist, nonsense_is_refused)
{
	cpu_set_t set;

	for (size_t i = 0; i < ARRAY_SIZE(no_lists); i++)
		EXPECT_EQ(cpulist_parse(no_lists[i], &set, sizeof(set)), -EINVAL);
}

TEST(cpulist, a_list_without_room_is_cut_and_its_length_told)
{
	char text[6] = "xxxxx";
	cpu_set_t set;

	EXPECT_EQ(cpulist_parse("1,3,5,7,9", &set, sizeof(set)), 0);
	EXPECT_EQ(cpulist_print(&set, sizeof(set), text, sizeof(text)), 9);
	EXPECT_STR_EQ(text, "1,3,5");
	EXPECT_EQ(cpulist_print(&set, sizeof(set), text, 0), 9);
}
