/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Every way in which a timer's or work's value, its program or its process ends, with real
 * programs whose callbacks are running all the time.
 *
 * That nothing runs any more is seen in two steps: when grace periods are over nothing of an
 * old value is left; then another value's callbacks run some more times, and the old
 * one's tally stands still.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rove/bpf.h>

#include "target/target.h"
#include "tests/progs/async_life.h"
#include "tests/unit/async/async_map.h"

#define OBJECT "build/tests/progs/async_life.bpf.o"
#define MORE 5

/* --- an object, and its descriptors by name -------------------------------------------------- */

static struct bpf_object *obj;

static int fd_of_map(const char *name)
{
	return bpf_map__fd(bpf_object__find_map_by_name(obj, name));
}

static int fd_of_prog(void)
{
	return bpf_program__fd(bpf_object__find_program_by_name(obj, "arm"));
}

static void begin(void)
{
	static const char nothing[sizeof(struct life_tally) + 64];

	target_use(&target_self);
	obj = bpf_object__open_file(OBJECT, NULL);
	EXPECT_TRUE(obj != NULL);
	EXPECT_EQ(bpf_object__load(obj), 0);
	for (u32 key = 0; key < LIFE_KEYS; key++)
		EXPECT_EQ(bpf_map_update_elem(fd_of_map("hash"), &key, nothing, BPF_ANY), 0);
}

/* Closed by plain close(2) in libbpf: looking at the ids notices it. */
static u32 count_all(void)
{
	return count_ids(BPF_PROG_GET_NEXT_ID) + count_ids(BPF_MAP_GET_NEXT_ID);
}

static void expect_nothing_is_left(void)
{
	count_all();
	wait_for_reapers();
	wait_for_reapers();
	EXPECT_EQ(count_ids(BPF_PROG_GET_NEXT_ID), 0);
	EXPECT_EQ(count_ids(BPF_MAP_GET_NEXT_ID), 0);
}

static void end(void)
{
	bpf_object__close(obj);
	expect_nothing_is_left();
}

static int arm_by(int prog_fd, u32 key, bool in_array)
{
	struct life_arm args = { .key = key, .in_array = in_array };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &args, .ctx_size_in = sizeof(args));

	EXPECT_EQ(bpf_prog_test_run_opts(prog_fd, &opts), 0);
	return args.result;
}

/* --- what has been called ----------------------------------------------------------------------- */

static struct life_tally tally_at(int fd, u32 key)
{
	struct life_tally t;

	EXPECT_EQ(bpf_map_lookup_elem(fd, &key, &t), 0);
	return t;
}

/* Both go on. */
static void wait_for_more(int tally_fd, u32 key)
{
	struct life_tally before = tally_at(tally_fd, key), now;

	do {
		sched_yield();
		now = tally_at(tally_fd, key);
	} while (now.ticks < before.ticks + MORE || now.works < before.works + MORE);
}

static void expect_rest(int tally_fd, u32 key, u32 other_key)
{
	struct life_tally before = tally_at(tally_fd, key), after;

	wait_for_more(tally_fd, other_key);
	after = tally_at(tally_fd, key);
	EXPECT_EQ(after.ticks, before.ticks);
	EXPECT_EQ(after.works, before.works);
}

/* Key 0 is what ends, key 1 shows that time passes. */
static void arm_two(bool in_array)
{
	EXPECT_EQ(arm_by(fd_of_prog(), 0, in_array), 0);
	EXPECT_EQ(arm_by(fd_of_prog(), 1, in_array), 0);
	wait_for_more(fd_of_map("tally"), 0);
}

/* --- elements -------------------------------------------------------------------------------------- */

TEST(async_life, a_deleted_element_calls_no_more)
{
	u32 key = 0;

	begin();
	arm_two(false);
	EXPECT_EQ(bpf_map_delete_elem(fd_of_map("hash"), &key), 0);
	wait_for_reapers();
	expect_rest(fd_of_map("tally"), 0, 1);
	end();
}

static void expect_replaced(const char *map, bool in_array)
{
	static const char nothing[64];
	u32 key = 0;

	arm_two(in_array);
	EXPECT_EQ(arm_by(fd_of_prog(), 0, in_array), -EBUSY);
	EXPECT_EQ(bpf_map_update_elem(fd_of_map(map), &key, nothing, BPF_EXIST), 0);
	wait_for_reapers();
	expect_rest(fd_of_map("tally"), 0, 1);
	EXPECT_EQ(arm_by(fd_of_prog(), 0, in_array), 0);
	wait_for_more(fd_of_map("tally"), 0);
}

TEST(async_life, an_element_of_a_hash_that_is_replaced_calls_no_more)
{
	begin();
	expect_replaced("hash", false);
	end();
}

TEST(async_life, an_element_of_an_array_that_is_written_calls_no_more)
{
	begin();
	expect_replaced("array", true);
	end();
}

/* --- maps and programs ------------------------------------------------------------------------------- */

TEST(async_life, a_map_without_descriptors_calls_no_more_though_a_program_has_it)
{
	int prog_fd, tally_fd, hash_fd;

	begin();
	arm_two(true);
	EXPECT_EQ(arm_by(fd_of_prog(), 2, false), 0);
	prog_fd = dup(fd_of_prog());
	tally_fd = dup(fd_of_map("tally"));
	hash_fd = dup(fd_of_map("hash"));
	bpf_object__close(obj);
	count_all();
	wait_for_reapers();
	expect_rest(tally_fd, 0, 2);
	expect_rest(tally_fd, 1, 2);
	EXPECT_EQ(arm_by(prog_fd, 3, true), -EPERM);
	rove_bpf_close(hash_fd);
	rove_bpf_close(tally_fd);
	rove_bpf_close(prog_fd);
	expect_nothing_is_left();
}

TEST(async_life, a_program_without_descriptors_goes_on_until_its_values_are_gone)
{
	u32 key = 0;
	int tally_fd, hash_fd;

	begin();
	EXPECT_EQ(arm_by(fd_of_prog(), 0, false), 0);
	tally_fd = dup(fd_of_map("tally"));
	hash_fd = dup(fd_of_map("hash"));
	bpf_object__close(obj);
	count_all();
	wait_for_reapers();
	EXPECT_EQ(count_ids(BPF_PROG_GET_NEXT_ID), 1);
	wait_for_more(tally_fd, 0);
	EXPECT_EQ(bpf_map_delete_elem(hash_fd, &key), 0);
	wait_for_reapers();
	wait_for_reapers();
	EXPECT_EQ(count_ids(BPF_PROG_GET_NEXT_ID), 0);
	rove_bpf_close(hash_fd);
	rove_bpf_close(tally_fd);
	expect_nothing_is_left();
}

TEST(async_life, everything_may_be_closed_while_callbacks_run)
{
	for (int i = 0; i < 20; i++) {
		begin();
		arm_two(i % 2);
		end();
	}
}

/* --- the process ---------------------------------------------------------------------------------------- */

/* exit() runs destructors while the callbacks go on in their threads. */
static void be_the_child(void)
{
	unsetenv("ASYNC_LIFE_CHILD");
	begin();
	arm_two(false);
	exit(7);
}

/* Before any test, so in whatever order they come. */
__attribute__((constructor)) static void maybe_be_the_child(void)
{
	if (getenv("ASYNC_LIFE_CHILD"))
		be_the_child();
}

TEST(async_life, a_process_ends_while_callbacks_run)
{
	int status;
	pid_t pid;

	pid = fork();
	if (!pid) {
		char *const argv[] = { "life_test", NULL }, *const envp[] = { "ASYNC_LIFE_CHILD=1", NULL };
		char self[PATH_MAX] = "";

		/* Its name, because under valgrind the link itself is valgrind. */
		if (dup2(STDERR_FILENO, STDOUT_FILENO) < 0 ||
		    readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
			_exit(1);
		execve(self, argv, envp);
		_exit(1);
	}
	EXPECT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT_TRUE(WIFEXITED(status));
	EXPECT_EQ(WEXITSTATUS(status), 7);
}
