/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * rhash_fork_test.c - a resizable hash in a child of fork(), whatever its table was about to become
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#include <urcu/urcu-bp.h>

#include "base/atomic.h"
#include "base/forks.h"
#include "bpf/core/uapi.h"
#include "bpf/map/rcu.h"
#include "bpf/map/rhash.h"
#include "tests/test.h"
#include "tests/unit/syscall/bpf.h"

#define NR_ROUNDS 12u
#define NR_MOST 20000u
/* With the last of so many it begins to double from 16384 signposts, or to halve to as many. */
#define NR_GROWS 12289u
#define NR_SHRINKS 9829u

/* What an application does whose children go on (rove/bpf.h). */
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

static bool all_there(int fd, u32 nr)
{
	for (u32 key = 0; key < NR_MOST; key++) {
		u64 value = 0;
		int err = map_lookup(fd, &key, &value);

		if (err != (key < nr ? 0 : -ENOENT) || (!err && value != key))
			return false;
	}
	return true;
}

static void set_number(int fd, u32 from, u32 to)
{
	for (u32 key = from; key < to; key++)
		map_update(fd, &key, &(u64){ key }, 0);
	for (u32 key = to; key < from; key++)
		map_delete(fd, &key);
}

static void wait_for_posts(const struct rhash_map *rhash, u32 nr)
{
	while (rhash_mask(rhash) + 1 != nr)
		sched_yield();
}

/* 0: everything was as it is in the parent. */
static int child(int fd, struct rhash_map *rhash, u32 nr)
{
	if (!all_there(fd, nr))
		return 1;
	set_number(fd, nr, NR_MOST);
	/* One more to say it, where the parent's last one did. */
	map_delete(fd, &(u32){ NR_MOST - 1 });
	wait_for_posts(rhash, 1 << 15);
	if (!all_there(fd, NR_MOST - 1))
		return 2;
	set_number(fd, NR_MOST - 1, 5);
	map_delete(fd, &(u32){ 4 });
	wait_for_posts(rhash, 64);
	if (!all_there(fd, 4))
		return 3;
	return rove_bpf_close(fd) ? 4 : 0;
}

static int status_of(pid_t pid)
{
	int status;

	EXPECT_EQ(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
}

/* As if a work had been queued that did not come to run. */
static void work_begin(struct rhash_map *rhash)
{
	u32 idle = 0;

	while (!cmpxchg_acquire(&rhash->resizing, &idle, process_forks << 2 | 2)) {
		idle = 0;
		sched_yield();
	}
	refcount_get(&rhash->refs);
}

static void work_end(struct rhash_map *rhash)
{
	WRITE_ONCE(rhash->resizing, 0);
	rhash_put(rhash);
}

TEST(rhash_fork, a_child_goes_on_with_a_table_that_was_being_resized)
{
	int fd = BPF(BPF_MAP_CREATE, .map_type = MAP_TYPE_RHASH, .key_size = 4, .value_size = 8,
		     .max_entries = NR_MOST, .map_flags = BPF_F_NO_PREALLOC);
	struct bpf_map *map;
	u32 nr = 0;

#ifdef __SANITIZE_THREAD__
	SKIP("ThreadSanitizer lets no thread be made in a child of a process with threads");
#endif
	pthread_atfork(before_fork, after_fork_here, after_fork_in_child);
	EXPECT_EQ(map_by_fd(fd, &map), 0);
	map_put(map);
	for (u32 round = 0; round < NR_ROUNDS; round++) {
		u32 to = round % 2 ? NR_SHRINKS : NR_GROWS;
		pid_t pid;

		set_number(fd, nr, to);
		nr = to;
		work_begin(rhash_of(map));
		pid = fork();
		if (!pid) {
			alarm(100);
			_exit(child(fd, rhash_of(map), nr));
		}
		EXPECT_EQ(status_of(pid), 0);
		work_end(rhash_of(map));
	}
	EXPECT_TRUE(all_there(fd, nr));
	rove_bpf_close(fd);
}
