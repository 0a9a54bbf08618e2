/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Who holds a buffer: descriptors and mappings that several threads show are the same ones.
 */
#include "cli/collect/dmabuf_set.h"
#include "tests/test.h"

#define TABLE 0xffff888000001000ull	/* of descriptors */
#define SPACE 0xffff888000002000ull	/* of addresses */

static struct dmabuf_set set;
static struct dmabuf_row *row;

static void begin(void)
{
	memset(&set, 0, sizeof(set));
	EXPECT_EQ(dmabuf_set_add(&set, 9, &row), 0);
	dmabuf_row_set(row, DMABUF_SIZE, 4096);
	dmabuf_row_set(row, DMABUF_REFS, 3);
	set.knows_holders = true;
}

static void holds(u64 pid, u64 fds, u64 maps, u64 space, u64 place)
{
	EXPECT_EQ(dmabuf_set_hold(&set, &(struct dmabuf_hold){
		.inode = 9, .pid = pid, .nr_fds = fds, .nr_maps = maps, .space = space,
		.place = place, .comm = "test" }), 0);
}

static void expect_held(u64 processes, u64 fds, u64 maps)
{
	EXPECT_EQ(dmabuf_set_finish(&set), 0);
	EXPECT_EQ(row->attr[DMABUF_NR_PROCESSES], processes);
	EXPECT_EQ(row->attr[DMABUF_NR_FDS], fds);
	EXPECT_EQ(row->attr[DMABUF_NR_MAPS], maps);
	EXPECT_EQ(row->attr[DMABUF_RSS], 4096 * processes);
	EXPECT_EQ(row->attr[DMABUF_PSS], 4096 / processes);
	dmabuf_set_fini(&set);
}

TEST(dmabuf_set, what_several_threads_show_counts_once)
{
	begin();
	for (u32 thread = 0; thread < 3; thread++) {
		holds(7, 1, 0, TABLE, 5);
		holds(7, 1, 0, TABLE, 6);
		holds(7, 0, 1, SPACE, 0x7f0000000000);
	}
	expect_held(1, 2, 1);
}

TEST(dmabuf_set, a_thread_may_have_the_same_number_in_another_table)
{
	begin();
	holds(7, 1, 0, TABLE, 5);
	holds(7, 1, 0, TABLE + 64, 5);
	holds(7, 1, 0, TABLE, 5);
	expect_held(1, 2, 0);
}

TEST(dmabuf_set, processes_that_share_a_table_hold_it_each)
{
	begin();
	holds(7, 1, 0, TABLE, 5);
	holds(8, 1, 0, TABLE, 5);
	expect_held(2, 2, 0);
}

TEST(dmabuf_set, what_has_no_place_is_never_the_same)
{
	begin();
	holds(7, 1, 0, 0, 0);
	holds(7, 1, 0, 0, 0);
	holds(7, 0, 1, 0, 0);
	expect_held(1, 2, 1);
}

TEST(dmabuf_set, a_product_that_no_number_holds_is_unknown)
{
	begin();
	dmabuf_row_set(row, DMABUF_SIZE, 1ull << 63);
	holds(7, 1, 0, 0, 0);
	holds(8, 1, 0, 0, 0);
	EXPECT_EQ(dmabuf_set_finish(&set), 0);
	EXPECT_FALSE(dmabuf_row_knows(row, DMABUF_RSS));
	EXPECT_EQ(row->attr[DMABUF_PSS], 1ull << 62);
	dmabuf_set_fini(&set);
}
