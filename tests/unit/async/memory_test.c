/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Timers and works without memory: whichever allocation fails, getting ready and init say so,
 * leave nothing behind, and can be tried again.
 *
 * Allocations go through the functions of this file, which can be told to fail.
 */
#include <errno.h>
#include <time.h>

#include "tests/failing.h"
#include "tests/unit/async/async_map.h"

static int prepare_with(s32 nr)
{
	int err;

	fail_from(nr + 1);
	err = async_prepare();
	fail_none();
	return err;
}


TEST(async_memory, init_without_memory_says_so_and_can_be_tried_again)
{
	int fd;
	struct bpf_map *map;
	struct value *v;

	EXPECT_EQ(async_prepare(), 0);
	fd = async_map(BPF_MAP_TYPE_ARRAY, 1);
	map = map_at(fd);
	map_rcu_read_lock();
	v = value_at(map, 0);
	fail_from(1);
	EXPECT_EQ(async_timer_init(map, &v->timer, CLOCK_MONOTONIC), -ENOMEM);
	EXPECT_EQ(async_work_init(map, &v->work, 0), -ENOMEM);
	fail_none();
	EXPECT_EQ(async_timer_start(&v->timer, 0, 0), -EINVAL);
	EXPECT_EQ(async_work_start(&v->work, 0), -EINVAL);
	EXPECT_EQ(async_timer_init(map, &v->timer, CLOCK_MONOTONIC), 0);
	EXPECT_EQ(async_work_init(map, &v->work, 0), 0);
	map_rcu_read_unlock();
	rove_bpf_close(fd);
	wait_for_reapers();
}

TEST(async_memory, whichever_allocation_fails_getting_ready_fails_or_is_complete)
{
	int err = -ENOMEM;
	u32 nr_failed = 0;

	for (s32 nth = 0; err; nth++) {
		err = prepare_with(nth);
		EXPECT_TRUE(!err || err == -ENOMEM || err == -EAGAIN);
		nr_failed += err != 0;
		EXPECT_TRUE(nth < 10000);
	}
	EXPECT_TRUE(nr_failed > 0);
	EXPECT_EQ(prepare_with(0), 0);
}
