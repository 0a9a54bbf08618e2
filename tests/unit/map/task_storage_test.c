/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Values of threads: each has its own, bpf(2) finds them by a descriptor of the thread,
 * and they go when it ends.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/context.h"
#include "base/futex.h"
#include "base/mutex.h"
#include "bpf/map/hash.h"
#include "bpf/map/task.h"
#include "tests/unit/async/async_map.h"

#define FAR_NS (3600ull * 1000000000)
#define CREATE BPF_LOCAL_STORAGE_GET_F_CREATE

#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL
#endif

/* Values with a number, a timer and a work. */
static int storage_new(void)
{
	u32 value_id;
	int btf = value_btf(&value_id), fd;

	EXPECT_EQ(task_prepare(), 0);
	fd = BPF(BPF_MAP_CREATE, .map_type = BPF_MAP_TYPE_TASK_STORAGE, .key_size = 4,
		 .value_size = sizeof(struct value), .map_flags = BPF_F_NO_PREALLOC,
		 .btf_fd = btf, .btf_key_type_id = 1, .btf_value_type_id = value_id);
	EXPECT_TRUE(fd >= 0);
	rove_bpf_close(btf);
	return fd;
}

static struct value *get_own(struct bpf_map *map, u64 flags)
{
	return task_storage_get(map, task_current(), NULL, flags);
}

static u32 nr_values(struct bpf_map *map)
{
	return hash_nr_elems(map);
}

static int pidfd_of(int tid)
{
	return syscall(SYS_pidfd_open, tid, tid == getpid() ? 0 : PIDFD_THREAD);
}

/* --- the thread ---------------------------------------------------------------------------------- */

TEST(task, a_program_is_given_the_thread_that_it_runs_on)
{
	const struct bpf_insn insns[] = {
		CALL(BPF_FUNC_get_current_task_btf),
		LDX(BPF_W, BPF_REG_0, BPF_REG_0, offsetof(struct task_struct, pid)),
		EXIT(),
	};
	int prog = SYSCALL_PROG(insns);
	u32 ret;

	EXPECT_TRUE(prog >= 0);
	EXPECT_EQ(prog_test_run(prog, NULL, 0, &ret), 0);
	EXPECT_EQ(ret, gettid());
	rove_bpf_close(prog);
	EXPECT_EQ(task_current()->tgid, getpid());
	pthread_setname_np(pthread_self(), "called so");
	EXPECT_STR_EQ(task_current()->comm, "called so");
}

TEST(task, a_forked_process_is_another_one)
{
	int status;
	pid_t pid;

	task_current();
	pid = fork();
	if (!pid)
		_exit(task_current()->pid != getpid() || task_current()->tgid != getpid());
	EXPECT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT_EQ(status, 0);
}

/* --- values ---------------------------------------------------------------------------------------- */

TEST(task_storage, what_makes_no_sense_is_refused)
{
	int fd = storage_new();
	struct bpf_map *map = map_at(fd);
	u8 value[sizeof(struct value)] = { 0 };

	EXPECT_EQ(map_new(BPF_MAP_TYPE_TASK_STORAGE, 4, 8, 0, BPF_F_NO_PREALLOC), -EINVAL);
	map_rcu_read_lock();
	EXPECT_TRUE(!task_storage_get(map, NULL, NULL, CREATE));
	EXPECT_TRUE(!get_own(map, 2));
	EXPECT_TRUE(!get_own(map, 0));
	EXPECT_EQ(task_storage_delete(map, NULL), -EINVAL);
	EXPECT_EQ(task_storage_delete(map, task_current()), -ENOENT);
	map_rcu_read_unlock();
	EXPECT_EQ(map_lookup(fd, &(int){ -1 }, value), -EBADF);
	EXPECT_EQ(map_lookup(fd, &fd, value), -EBADF);
	EXPECT_EQ(map_next_key(fd, NULL, value), -ENOTSUPP);
	EXPECT_EQ(nr_values(map), 0);
	rove_bpf_close(fd);
}

static int shared_fd;
static pthread_barrier_t barrier;

static void *use_own(void *arg)
{
	struct bpf_map *map = map_at(shared_fd);
	struct value *v, first = { .number = (uintptr_t)arg };

	map_rcu_read_lock();
	EXPECT_TRUE(!get_own(map, 0));
	v = task_storage_get(map, task_current(), &first, CREATE);
	EXPECT_TRUE(v && v->number == (uintptr_t)arg);
	EXPECT_TRUE(get_own(map, 0) == v && get_own(map, CREATE) == v);
	map_rcu_read_unlock();
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	EXPECT_EQ(v->number, (uintptr_t)arg);
	return NULL;
}

#define NR_THREADS 8

TEST(task_storage, each_thread_has_its_own_value_until_it_ends)
{
	pthread_t threads[NR_THREADS];
	struct bpf_map *map;

	shared_fd = storage_new();
	map = map_at(shared_fd);
	pthread_barrier_init(&barrier, NULL, NR_THREADS + 1);
	for (u32 i = 0; i < NR_THREADS; i++)
		pthread_create(&threads[i], NULL, use_own, (void *)(uintptr_t)(100 + i));
	pthread_barrier_wait(&barrier);
	EXPECT_EQ(nr_values(map), NR_THREADS);
	pthread_barrier_wait(&barrier);
	for (u32 i = 0; i < NR_THREADS; i++)
		pthread_join(threads[i], NULL);
	EXPECT_EQ(nr_values(map), 0);
	rove_bpf_close(shared_fd);
	wait_for_reapers();
}

static void *delete_own(void *arg)
{
	struct bpf_map *map = map_at(shared_fd);
	struct value *v;

	map_rcu_read_lock();
	v = get_own(map, CREATE);
	v->number = 7;
	EXPECT_EQ(task_storage_delete(map, task_current()), 0);
	EXPECT_EQ(task_storage_delete(map, task_current()), -ENOENT);
	EXPECT_EQ(v->number, 7);	/* who stands on it goes on */
	v = get_own(map, CREATE);
	EXPECT_EQ(v->number, 0);
	map_rcu_read_unlock();
	return NULL;
}

TEST(task_storage, a_value_that_was_deleted_begins_anew)
{
	pthread_t thread;

	shared_fd = storage_new();
	pthread_create(&thread, NULL, delete_own, NULL);
	pthread_join(thread, NULL);
	EXPECT_EQ(nr_values(map_at(shared_fd)), 0);
	rove_bpf_close(shared_fd);
	wait_for_reapers();
}

/* --- the end ----------------------------------------------------------------------------------- */

static pthread_key_t late_key;
static bool made_late;

/* Once more, so that one round comes behind every other destructor. */
static void run_late(void *arg)
{
	uintptr_t round = (uintptr_t)arg;
	struct bpf_map *map = map_at(shared_fd);

	map_rcu_read_lock();
	made_late = get_own(map, CREATE) != NULL;
	map_rcu_read_unlock();
	if (round < 2)
		pthread_setspecific(late_key, (void *)(round + 1));
}

static void *end_late(void *arg)
{
	struct bpf_map *map = map_at(shared_fd);

	map_rcu_read_lock();
	EXPECT_TRUE(get_own(map, CREATE) != NULL);
	map_rcu_read_unlock();
	pthread_setspecific(late_key, (void *)1);
	return NULL;
}

TEST(task_storage, a_thread_that_is_ending_gets_no_value_that_nobody_would_free)
{
	pthread_t thread;

	shared_fd = storage_new();
	EXPECT_EQ(pthread_key_create(&late_key, run_late), 0);
	pthread_create(&thread, NULL, end_late, NULL);
	pthread_join(thread, NULL);
	EXPECT_FALSE(made_late);
	EXPECT_EQ(nr_values(map_at(shared_fd)), 0);
	pthread_key_delete(late_key);
	rove_bpf_close(shared_fd);
	wait_for_reapers();
}

static void *close_map_first(void *arg)
{
	struct bpf_map *map = map_at(shared_fd);

	map_rcu_read_lock();
	EXPECT_TRUE(get_own(map, CREATE) != NULL);
	map_rcu_read_unlock();
	rove_bpf_close(shared_fd);
	return NULL;
}

TEST(task_storage, a_map_may_go_before_the_threads_that_have_values_in_it)
{
	int before = storage_new(), behind;
	pthread_t thread;

	shared_fd = storage_new();
	behind = storage_new();
	pthread_create(&thread, NULL, close_map_first, NULL);
	pthread_join(thread, NULL);
	rove_bpf_close(before);
	rove_bpf_close(behind);
	wait_for_reapers();
}

/* --- bpf(2) -------------------------------------------------------------------------------------- */

static u32 own_tid;

static void *show_own(void *arg)
{
	struct bpf_map *map = map_at(shared_fd);

	WRITE_ONCE(own_tid, gettid());
	if (arg) {
		map_rcu_read_lock();
		get_own(map, CREATE)->number = 5;
		map_rcu_read_unlock();
	}
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	if (arg) {
		map_rcu_read_lock();
		EXPECT_EQ(get_own(map, 0)->number, 6);
		map_rcu_read_unlock();
	}
	return NULL;
}

TEST(task_storage, bpf_2_reads_and_writes_the_value_of_another_thread)
{
	struct value got, next = { .number = 6 };
	pthread_t thread;
	int pidfd;

	shared_fd = storage_new();
	pthread_barrier_init(&barrier, NULL, 2);
	pthread_create(&thread, NULL, show_own, &barrier);
	pthread_barrier_wait(&barrier);
	pidfd = pidfd_of(READ_ONCE(own_tid));
	if (pidfd >= 0) {
		EXPECT_EQ(map_lookup(shared_fd, &pidfd, &got), 0);
		EXPECT_EQ(got.number, 5);
		EXPECT_EQ(map_update(shared_fd, &pidfd, &next, BPF_NOEXIST), -EEXIST);
		EXPECT_EQ(map_update(shared_fd, &pidfd, &next, BPF_EXIST), 0);
	} else {
		map_rcu_read_lock();
		EXPECT_EQ(hash_update(map_at(shared_fd), &(u32){ READ_ONCE(own_tid) }, &next, 0), 0);
		map_rcu_read_unlock();
	}
	pthread_barrier_wait(&barrier);
	pthread_join(thread, NULL);
	EXPECT_EQ(nr_values(map_at(shared_fd)), 0);
	if (pidfd >= 0) {
		EXPECT_EQ(map_lookup(shared_fd, &pidfd, &got), -ENOENT);
		close(pidfd);
	}
	rove_bpf_close(shared_fd);
	wait_for_reapers();
	if (pidfd < 0)
		SKIP("descriptors of threads are of Linux 6.9");
}

TEST(task_storage, what_bpf_2_kept_of_a_thread_that_ran_nothing_goes_with_the_next_update)
{
	struct value v = { .number = 1 };
	int self = pidfd_of(getpid()), pidfd;
	struct bpf_map *map;
	pthread_t thread;

	shared_fd = storage_new();
	map = map_at(shared_fd);
	pthread_barrier_init(&barrier, NULL, 2);
	pthread_create(&thread, NULL, show_own, NULL);
	pthread_barrier_wait(&barrier);
	pidfd = pidfd_of(READ_ONCE(own_tid));
	if (pidfd >= 0)
		EXPECT_EQ(map_update(shared_fd, &pidfd, &v, 0), 0);
	pthread_barrier_wait(&barrier);
	pthread_join(thread, NULL);
	/* It may be seen for a moment after it was joined. */
	while (pidfd >= 0 && map_lookup(shared_fd, &pidfd, &v) != -ENOENT)
		sched_yield();
	EXPECT_EQ(map_update(shared_fd, &self, &v, 0), 0);
	EXPECT_EQ(nr_values(map), 1);
	EXPECT_EQ(map_delete(shared_fd, &self), 0);
	rove_bpf_close(shared_fd);
	close(self);
	if (pidfd >= 0)
		close(pidfd);
	wait_for_reapers();
	if (pidfd < 0)
		SKIP("descriptors of threads are of Linux 6.9");
}

static void *find_what_was_put(void *arg)
{
	struct bpf_map *map = map_at(shared_fd);

	WRITE_ONCE(own_tid, gettid());
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	map_rcu_read_lock();
	EXPECT_EQ(get_own(map, CREATE)->number, 8);
	map_rcu_read_unlock();
	return NULL;
}

TEST(task_storage, a_thread_finds_what_was_put_in_for_it_before)
{
	struct value v = { .number = 8 };
	struct bpf_map *map;
	pthread_t thread;
	u32 tid;

	shared_fd = storage_new();
	map = map_at(shared_fd);
	pthread_barrier_init(&barrier, NULL, 2);
	pthread_create(&thread, NULL, find_what_was_put, NULL);
	pthread_barrier_wait(&barrier);
	tid = READ_ONCE(own_tid);
	map_rcu_read_lock();
	EXPECT_EQ(hash_update(map, &tid, &v, 0), 0);
	map_rcu_read_unlock();
	pthread_barrier_wait(&barrier);
	pthread_join(thread, NULL);
	EXPECT_EQ(nr_values(map), 0);
	rove_bpf_close(shared_fd);
	wait_for_reapers();
}

static void *leave_much(void *arg)
{
	struct bpf_map *map = map_at(shared_fd);
	u32 first = *(u32 *)arg;

	/* Numbers that no thread has: as if their threads had ended. */
	map_rcu_read_lock();
	for (u32 i = 0; i < 1000; i++) {
		struct value v = { .number = i };

		EXPECT_EQ(hash_update(map, &(u32){ first + i }, &v, 0), 0);
	}
	EXPECT_TRUE(get_own(map, CREATE) != NULL);
	map_rcu_read_unlock();
	return NULL;
}

TEST(task_storage, what_threads_left_that_ended_unseen_is_swept_when_there_is_much_of_it)
{
	u32 first = 1u << 30;
	pthread_t thread;

	shared_fd = storage_new();
	pthread_create(&thread, NULL, leave_much, &first);
	pthread_join(thread, NULL);
	EXPECT_EQ(nr_values(map_at(shared_fd)), 0);
	rove_bpf_close(shared_fd);
	wait_for_reapers();
}

TEST(task_storage, a_thread_of_another_process_has_no_value_here)
{
	int fd = storage_new(), pidfd, status;
	struct value v = { .number = 1 };
	int ends[2];
	pid_t pid;

	EXPECT_EQ(pipe(ends), 0);
	pid = fork();
	if (!pid) {
		close(ends[1]);
		_exit(read(ends[0], &status, 1) != 0);
	}
	close(ends[0]);
	pidfd = syscall(SYS_pidfd_open, pid, 0);
	EXPECT_EQ(map_lookup(fd, &pidfd, &v), -ENOENT);
	EXPECT_EQ(map_update(fd, &pidfd, &v, 0), -ENOENT);
	close(ends[1]);
	EXPECT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT_EQ(status, 0);
	close(pidfd);
	rove_bpf_close(fd);
}

/* --- signal handlers --------------------------------------------------------------------------------- */

static void *use_in_handler(void *arg)
{
	struct bpf_map *map = map_at(shared_fd);
	struct hash_map *hash = hash_of(map);
	u32 tid = gettid();
	struct hash_bucket *bucket = bucket_of(hash, hash_key(hash, &tid));

	map_rcu_read_lock();
	mutex_lock(&bucket->lock);
	ctx_nmi_enter();
	EXPECT_TRUE(!get_own(map, CREATE));	/* somebody changes the bucket */
	ctx_nmi_exit();
	mutex_unlock(&bucket->lock);
	ctx_nmi_enter();
	EXPECT_TRUE(get_own(map, CREATE) != NULL);
	EXPECT_TRUE(get_own(map, 0) == get_own(map, CREATE));
	ctx_nmi_exit();
	map_rcu_read_unlock();
	EXPECT_EQ(nr_values(map), 1);
	return NULL;
}

TEST(task_storage, a_signal_handler_makes_a_value_that_goes_with_its_thread)
{
	pthread_t thread;

	shared_fd = storage_new();
	pthread_create(&thread, NULL, use_in_handler, NULL);
	pthread_join(thread, NULL);
	EXPECT_EQ(nr_values(map_at(shared_fd)), 0);
	rove_bpf_close(shared_fd);
	wait_for_reapers();
}

/* --- timers and works --------------------------------------------------------------------------------- */

static u32 nr_calls;		/* A: a futex */
static u32 seen_key;

static u64 tick(const struct bpf_func *f, u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	seen_key = *(const u32 *)r2;
	((struct value *)r3)->number = 9;
	fetch_add_acq_rel(&nr_calls, 1);
	futex_wake(&nr_calls, INT32_MAX);
	return 0;
}

static void put_later(struct object *obj)
{
	refcount_put(&obj->refs);
}

static const struct object_ops prog_ops = { .kind = OBJECT_PROG, .put_later = put_later };
static struct object prog = { .ops = &prog_ops, .refs = REFCOUNT_INIT(1) };
static const struct bpf_func tick_func = { .call = tick, .prog = &prog };

static void *run_timer(void *arg)
{
	struct bpf_map *map = map_at(shared_fd);
	struct value *v;
	u32 now;

	map_rcu_read_lock();
	v = get_own(map, CREATE);
	EXPECT_EQ(async_timer_init(map, &v->timer, CLOCK_MONOTONIC), 0);
	EXPECT_EQ(async_set_callback(&v->timer, &tick_func), 0);
	EXPECT_EQ(async_timer_start(&v->timer, 0, 0), 0);
	map_rcu_read_unlock();
	while ((now = load_acquire(&nr_calls)) < 1)
		futex_wait(&nr_calls, now, FUTEX_FOREVER);
	EXPECT_EQ(seen_key, gettid());
	map_rcu_read_lock();
	EXPECT_EQ(get_own(map, 0)->number, 9);
	EXPECT_EQ(async_timer_start(&v->timer, FAR_NS, 0), 0);
	map_rcu_read_unlock();
	return NULL;
}

TEST(task_storage, a_timer_of_a_thread_is_called_with_its_number_and_ends_with_it)
{
	pthread_t thread;

	EXPECT_EQ(async_prepare(), 0);
	shared_fd = storage_new();
	pthread_create(&thread, NULL, run_timer, NULL);
	pthread_join(thread, NULL);
	EXPECT_EQ(nr_values(map_at(shared_fd)), 0);
	wait_for_reapers();
	EXPECT_EQ(refcount_read(&prog.refs), 1);
	EXPECT_EQ(nr_calls, 1);
	rove_bpf_close(shared_fd);
	wait_for_reapers();
}
