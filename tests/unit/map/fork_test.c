/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * fork_test.c - maps in a child of fork(), when the application has liburcu see to it
 *
 * Who uses liburcu and lets children go on has to call what is called here; the library does
 * not, because it cannot know whether the application does, and twice is a deadlock.  A fork
 * then waits for grace periods that are under way, so not inside a read section.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#include <urcu/urcu-bp.h>

#include <rove/irq_work.h>

#include "base/context.h"
#include "bpf/map/map.h"
#include "bpf/map/rcu.h"
#include "tests/test.h"
#include "tests/unit/syscall/bpf.h"

#define LONGEST_S 100

static void before_fork(void)
{
	urcu_bp_call_rcu_before_fork();
	urcu_bp_before_fork();
}

static void after_fork_here(void)
{
	urcu_bp_after_fork_parent();
	urcu_bp_call_rcu_after_fork_parent();
}

static void after_fork_in_child(void)
{
	urcu_bp_after_fork_child();
	urcu_bp_call_rcu_after_fork_child();
}

static void install(void)
{
	static bool done;

	if (!done)
		pthread_atfork(before_fork, after_fork_here, after_fork_in_child);
	done = true;
}

/* How many updates a handler can do before it finds no block. */
static u32 updates_until_refused(struct bpf_map *map, u32 limit)
{
	u32 key = 1, nr = 0;
	u64 value = 5;
	int err = 0;

	map_rcu_read_lock();
	ctx_nmi_enter();
	for (; !err && nr < limit; nr += !err)
		err = map->ops->update(map, &key, &value, 0);
	ctx_nmi_exit();
	map_rcu_read_unlock();
	return nr;
}

static int blocks_come_back(struct bpf_map *map)
{
	u32 nr = updates_until_refused(map, 1u << 20);

	if (nr >= 1u << 20)
		return 1;
	while (updates_until_refused(map, 64) < 64)
		sched_yield();
	return 0;
}

/* It stays, because its descriptor does. */
static struct bpf_map *hash(void)
{
	struct bpf_map *map = NULL;

	EXPECT_EQ(map_by_fd(map_new(BPF_MAP_TYPE_HASH, 4, 8, 4, 0), &map), 0);
	map_put(map);
	return map;
}

static int use_in_child(struct bpf_map *map)
{
	u64 value = 7, got = 0;
	u32 key = 1;
	int err;

	alarm(LONGEST_S);
	if (rove_softirq_start())
		return 2;
	err = map->ops->update(map, &key, &value, 0);
	map_rcu_read_lock();
	got = *(u64 *)map->ops->lookup(map, &key);
	map_rcu_read_unlock();
	if (err || got != 7)
		return 3;
	return blocks_come_back(map) ?: blocks_come_back(hash());
}

TEST(map_fork, what_is_taken_out_of_maps_is_used_again_in_the_child)
{
	struct bpf_map *map = hash();
	int status = -1;
	pid_t child;

#ifdef __SANITIZE_THREAD__
	SKIP("ThreadSanitizer lets no thread be made in a child of a process with threads");
#endif
	install();
	EXPECT_EQ(rove_softirq_start(), 0);
	EXPECT_EQ(blocks_come_back(map), 0);
	urcu_bp_barrier();
	urcu_bp_barrier();
	child = fork();
	if (!child)
		_exit(use_in_child(map));
	EXPECT_TRUE(child > 0);
	EXPECT_EQ(waitpid(child, &status, 0), child);
	EXPECT_EQ(status, 0);
	EXPECT_EQ(blocks_come_back(map), 0);
}

static u32 softirq_is_held, softirq_may_go_on;

static void hold_softirq(struct rove_irq_work *work)
{
	store_release(&softirq_is_held, 1);
	while (!load_acquire(&softirq_may_go_on))
		sched_yield();
}

/* What a handler takes out is told to liburcu by the softirq thread, of which a child has none. */
TEST(map_fork, what_a_handler_took_out_right_before_is_used_again_in_the_child)
{
	struct rove_irq_work holder = ROVE_IRQ_WORK_INIT(hold_softirq);
	struct bpf_map *map = hash();
	int status = -1;
	pid_t child;

#ifdef __SANITIZE_THREAD__
	SKIP("ThreadSanitizer lets no thread be made in a child of a process with threads");
#endif
	install();
	EXPECT_EQ(rove_softirq_start(), 0);
	rove_irq_work_queue(&holder);
	while (!load_acquire(&softirq_is_held))
		sched_yield();
	EXPECT_TRUE(updates_until_refused(map, 1u << 20) >= 64);
	child = fork();
	if (!child)
		_exit(use_in_child(map));
	EXPECT_TRUE(child > 0);
	EXPECT_EQ(waitpid(child, &status, 0), child);
	EXPECT_EQ(status, 0);
	store_release(&softirq_may_go_on, 1);
	EXPECT_EQ(blocks_come_back(map), 0);
}
