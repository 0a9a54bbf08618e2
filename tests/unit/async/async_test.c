/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Timers and works in values of maps: what each call gives, in which context, and
 * that nothing is called, or kept, after its value is gone.
 */
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <rove/irq_work.h>

#include "base/clock.h"
#include "base/context.h"
#include "base/futex.h"
#include "tests/unit/async/async_map.h"

#define FAR_NS (3600ull * 1000000000)

/* --- a program, as far as a callback needs one --------------------------------------------- */

struct fake_prog {
	struct object obj;
	u32 put;		/* A: references given back */
};

static void fake_put_later(struct object *obj)
{
	struct fake_prog *prog = container_of(obj, struct fake_prog, obj);

	fetch_add_relaxed(&prog->put, 1);
}

static const struct object_ops fake_ops = { .kind = OBJECT_PROG, .put_later = fake_put_later };

static struct fake_prog progs[2] = {
	{ .obj = { .ops = &fake_ops, .refs = REFCOUNT_INIT(1) } },
	{ .obj = { .ops = &fake_ops, .refs = REFCOUNT_INIT(1) } },
};

/* References to a program that nobody has given back yet. */
static u32 held(u32 i)
{
	return refcount_read(&progs[i].obj.refs) - 1 - READ_ONCE(progs[i].put);
}

/* --- callbacks ------------------------------------------------------------------------------- */

static u32 nr_calls;			/* A: a futex */
static struct value *seen_value;
static u32 seen_key;
static bool seen_softirq;
static int inside[3];

static void wait_for_calls(u32 nr)
{
	u32 now;

	while ((now = load_acquire(&nr_calls)) < nr)
		futex_wait(&nr_calls, now, FUTEX_FOREVER);
}

static void called(void)
{
	fetch_add_release(&nr_calls, 1);
	futex_wake(&nr_calls, 1);
}

static u64 note_call(const struct bpf_func *f, u64 map, u64 key, u64 value, u64 r4, u64 r5)
{
	seen_key = *(u32 *)(uintptr_t)key;
	seen_value = (struct value *)(uintptr_t)value;
	seen_softirq = in_softirq();
	called();
	return 0;
}

/* What a timer's own callback is told when it uses its timer. */
static u64 use_itself(const struct bpf_func *f, u64 map, u64 key, u64 value, u64 r4, u64 r5)
{
	struct value *v = (struct value *)(uintptr_t)value;

	if (READ_ONCE(nr_calls) == 0) {
		inside[0] = async_timer_cancel(&v->timer);
		inside[1] = async_timer_cancel_async(&v->timer);
		inside[2] = async_timer_start(&v->timer, 0, 0);
	}
	called();
	return 0;
}

static const struct bpf_func note = { .call = note_call, .prog = &progs[0].obj };
static const struct bpf_func note_other = { .call = note_call, .prog = &progs[1].obj };
static const struct bpf_func itself = { .call = use_itself, .prog = &progs[0].obj };

/* --- a map for each test ----------------------------------------------------------------------- */

static int map_fd;
static struct bpf_map *map;

static struct value *begin(void)
{
	EXPECT_EQ(async_prepare(), 0);
	WRITE_ONCE(nr_calls, 0);
	memset(inside, 0, sizeof(inside));
	map_fd = async_map(BPF_MAP_TYPE_ARRAY, 4);
	map = map_at(map_fd);
	map_rcu_read_lock();
	return value_at(map, 2);
}

static void end(void)
{
	map_rcu_read_unlock();
	rove_bpf_close(map_fd);
	wait_for_reapers();
	EXPECT_EQ(held(0), 0);
	EXPECT_EQ(held(1), 0);
}

/* --- what calls give, by context ------------------------------------------------------------ */

/* The kernel's table of return values; where a column differs, the last one is a handler's. */
static void expect_table(struct value *v, bool nmi)
{
	EXPECT_EQ(async_timer_start(&v->timer, FAR_NS, 0), -EINVAL);
	EXPECT_EQ(async_set_callback(&v->timer, &note), -EINVAL);
	EXPECT_EQ(async_timer_cancel(&v->timer), nmi ? -EOPNOTSUPP : -EINVAL);
	EXPECT_EQ(async_timer_cancel_async(&v->timer), -EINVAL);
	EXPECT_EQ(async_timer_init(map, &v->timer, CLOCK_TAI), -EINVAL);
	EXPECT_EQ(async_timer_init(map, &v->timer, 16), -EINVAL);
	EXPECT_EQ(async_timer_init(map, &v->timer, CLOCK_BOOTTIME), 0);
	EXPECT_EQ(async_timer_init(map, &v->timer, CLOCK_MONOTONIC), -EBUSY);
	EXPECT_EQ(async_timer_start(&v->timer, FAR_NS, 0), -EINVAL);
	EXPECT_EQ(async_set_callback(&v->timer, &note), 0);
	EXPECT_EQ(async_timer_start(&v->timer, FAR_NS, 4), -EINVAL);
	EXPECT_EQ(async_timer_start(&v->timer, FAR_NS, 0), 0);
	EXPECT_EQ(async_timer_start(&v->timer, INT64_MAX, ASYNC_TIMER_ABS), 0);
	EXPECT_EQ(async_timer_start(&v->timer, FAR_NS, ASYNC_TIMER_CPU_PIN), 0);
	EXPECT_EQ(async_timer_cancel_async(&v->timer), 1);
	EXPECT_EQ(async_timer_cancel_async(&v->timer), 0);
	EXPECT_EQ(async_timer_start(&v->timer, FAR_NS, 0), 0);
	EXPECT_EQ(async_timer_cancel(&v->timer), nmi ? -EOPNOTSUPP : 1);
	EXPECT_EQ(async_timer_cancel(&v->timer), nmi ? -EOPNOTSUPP : 0);
	EXPECT_EQ(async_timer_start(&v->timer, FAR_NS, 0), nmi ? 0 : -EINVAL);

	EXPECT_EQ(async_work_start(&v->work, 0), -EINVAL);
	EXPECT_EQ(async_set_callback(&v->work, &note), -EINVAL);
	EXPECT_EQ(async_work_init(map, &v->work, 1), -EINVAL);
	EXPECT_EQ(async_work_init(map, &v->work, 0), 0);
	EXPECT_EQ(async_work_init(map, &v->work, 0), -EBUSY);
	EXPECT_EQ(async_work_start(&v->work, 0), -EINVAL);
	EXPECT_EQ(async_set_callback(&v->work, &note), 0);
	EXPECT_EQ(async_work_start(&v->work, 1), -EINVAL);
	EXPECT_EQ(async_work_start(&v->work, 0), 0);
	EXPECT_EQ(async_work_start(&v->work, 0), 0);

	map_fields_release(map, v);
	EXPECT_EQ(async_timer_start(&v->timer, FAR_NS, 0), -EINVAL);
	EXPECT_EQ(async_timer_cancel_async(&v->timer), -EINVAL);
	EXPECT_EQ(async_set_callback(&v->work, &note), -EINVAL);
	EXPECT_EQ(async_work_start(&v->work, 0), -EINVAL);
}

TEST(async, calls_give_what_the_kernel_gives_in_a_thread)
{
	expect_table(begin(), false);
	end();
}

static struct value *handler_value;

static void in_handler(int sig)
{
	ctx_nmi_enter();
	expect_table(handler_value, true);
	ctx_nmi_exit();
}

TEST(async, calls_give_what_the_kernel_gives_in_a_signal_handler)
{
	struct sigaction action = { .sa_handler = in_handler };

	handler_value = begin();
	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
	end();
}

/* Works that the table starts are calls too. */
#define TABLE_DONE 1000

static u64 table_in_callback(const struct bpf_func *f, u64 m, u64 key, u64 value, u64 r4, u64 r5)
{
	expect_table((struct value *)(uintptr_t)value + 1, false);
	fetch_add_release(&nr_calls, TABLE_DONE);
	futex_wake(&nr_calls, 1);
	return 0;
}

static const struct bpf_func table = { .call = table_in_callback, .prog = &progs[0].obj };

TEST(async, calls_give_what_the_kernel_gives_in_a_timer_callback)
{
	struct value *v = begin();

	EXPECT_EQ(async_timer_init(map, &v->timer, CLOCK_MONOTONIC), 0);
	EXPECT_EQ(async_set_callback(&v->timer, &table), 0);
	EXPECT_EQ(async_timer_start(&v->timer, 0, 0), 0);
	wait_for_calls(TABLE_DONE);
	end();
}

TEST(async, calls_give_what_the_kernel_gives_in_a_work)
{
	struct value *v = begin();

	EXPECT_EQ(async_work_init(map, &v->work, 0), 0);
	EXPECT_EQ(async_set_callback(&v->work, &table), 0);
	EXPECT_EQ(async_work_start(&v->work, 0), 0);
	wait_for_calls(TABLE_DONE);
	end();
}

TEST(async, a_callback_may_start_its_timer_but_not_wait_for_itself)
{
	struct value *v = begin();

	EXPECT_EQ(async_timer_init(map, &v->timer, CLOCK_MONOTONIC), 0);
	EXPECT_EQ(async_set_callback(&v->timer, &itself), 0);
	EXPECT_EQ(async_timer_start(&v->timer, 1000, 0), 0);
	wait_for_calls(2);
	EXPECT_EQ(inside[0], -EDEADLK);
	EXPECT_EQ(inside[1], -1);
	EXPECT_EQ(inside[2], 0);
	end();
}

/* The first run starts the timer and then asks for a cancel; the second comes all the same. */
static u64 start_then_cancel(const struct bpf_func *f, u64 m, u64 key, u64 value, u64 r4, u64 r5)
{
	struct value *v = (struct value *)(uintptr_t)value;

	if (READ_ONCE(nr_calls) == 0) {
		inside[0] = async_timer_start(&v->timer, 0, 0);
		inside[1] = async_timer_cancel_async(&v->timer);
	}
	called();
	return 0;
}

static const struct bpf_func starter = { .call = start_then_cancel, .prog = &progs[0].obj };

TEST(async, a_cancel_that_finds_the_callback_running_lets_its_start_stand)
{
	struct value *v = begin();

	EXPECT_EQ(async_timer_init(map, &v->timer, CLOCK_MONOTONIC), 0);
	EXPECT_EQ(async_set_callback(&v->timer, &starter), 0);
	EXPECT_EQ(async_timer_start(&v->timer, 1000, 0), 0);
	wait_for_calls(2);
	EXPECT_EQ(inside[0], 0);
	EXPECT_EQ(inside[1], -1);
	end();
}

static u32 may_return;			/* A: a futex */

static u64 start_itself_until_told(const struct bpf_func *f, u64 m, u64 key, u64 value, u64 r4,
				   u64 r5)
{
	struct value *v = (struct value *)(uintptr_t)value;

	async_timer_start(&v->timer, 0, 0);
	called();
	while (!load_acquire(&may_return))
		futex_wait(&may_return, 0, FUTEX_FOREVER);
	return 0;
}

static const struct bpf_func restless = { .call = start_itself_until_told, .prog = &progs[0].obj };

TEST(async, a_cancel_from_another_thread_finds_it_running_and_changes_nothing)
{
	struct value *v = begin();

	WRITE_ONCE(may_return, 0);
	EXPECT_EQ(async_timer_init(map, &v->timer, CLOCK_MONOTONIC), 0);
	EXPECT_EQ(async_set_callback(&v->timer, &restless), 0);
	EXPECT_EQ(async_timer_start(&v->timer, 0, 0), 0);
	wait_for_calls(1);
	EXPECT_EQ(async_timer_cancel_async(&v->timer), -1);
	store_release(&may_return, 1);
	futex_wake(&may_return, 1);
	wait_for_calls(2);
	EXPECT_TRUE(async_timer_cancel(&v->timer) >= 0);
	EXPECT_EQ(async_timer_start(&v->timer, 0, 0), -EINVAL);
	end();
}

/* --- what a callback gets --------------------------------------------------------------------- */

TEST(async, a_timer_calls_with_its_key_and_value_in_softirq_context)
{
	struct value *v = begin();

	EXPECT_EQ(async_timer_init(map, &v->timer, CLOCK_REALTIME), 0);
	EXPECT_EQ(async_set_callback(&v->timer, &note), 0);
	EXPECT_EQ(async_timer_start(&v->timer, 1000, 0), 0);
	wait_for_calls(1);
	EXPECT_EQ(seen_key, 2);
	EXPECT_PTR_EQ(seen_value, v);
	EXPECT_TRUE(seen_softirq);
	end();
}

TEST(async, a_work_calls_with_its_key_and_value_where_it_may_sleep)
{
	struct value *v = begin();

	EXPECT_EQ(async_work_init(map, &v->work, 0), 0);
	EXPECT_EQ(async_set_callback(&v->work, &note), 0);
	EXPECT_EQ(async_work_start(&v->work, 0), 0);
	wait_for_calls(1);
	EXPECT_EQ(seen_key, 2);
	EXPECT_PTR_EQ(seen_value, v);
	EXPECT_FALSE(seen_softirq);
	end();
}

/* --- who holds what --------------------------------------------------------------------------- */

TEST(async, a_program_is_held_until_another_callback_is_set_or_the_value_goes)
{
	struct value *v = begin();

	EXPECT_EQ(async_timer_init(map, &v->timer, CLOCK_MONOTONIC), 0);
	EXPECT_EQ(async_set_callback(&v->timer, &note), 0);
	EXPECT_EQ(held(0), 1);
	EXPECT_EQ(async_set_callback(&v->timer, &note), 0);
	EXPECT_EQ(held(0), 1);
	EXPECT_EQ(async_set_callback(&v->timer, &note_other), 0);
	EXPECT_EQ(held(0), 0);
	EXPECT_EQ(held(1), 1);
	EXPECT_EQ(async_timer_cancel(&v->timer), 0);
	EXPECT_EQ(held(1), 0);
	EXPECT_EQ(async_set_callback(&v->timer, &note_other), 0);
	map_fields_release(map, v);
	EXPECT_EQ(held(1), 0);
	end();
}

TEST(async, a_value_that_goes_takes_its_timer_along)
{
	struct value *v = begin();

	EXPECT_EQ(async_timer_init(map, &v->timer, CLOCK_MONOTONIC), 0);
	EXPECT_EQ(async_set_callback(&v->timer, &note), 0);
	EXPECT_EQ(async_timer_start(&v->timer, 20000000, 0), 0);
	map_fields_release(map, v);
	/* One that is armed later, and called, shows that the first one's time has passed. */
	EXPECT_EQ(async_timer_init(map, &v->timer, CLOCK_MONOTONIC), 0);
	EXPECT_EQ(async_set_callback(&v->timer, &note), 0);
	EXPECT_EQ(async_timer_start(&v->timer, 40000000, 0), 0);
	wait_for_calls(1);
	end();
	EXPECT_EQ(nr_calls, 1);
}

TEST(async, a_map_without_descriptors_takes_no_timers)
{
	struct value *v = begin();

	map_get(map);
	EXPECT_EQ(async_timer_init(map, &v->timer, CLOCK_MONOTONIC), 0);
	EXPECT_EQ(async_set_callback(&v->timer, &note), 0);
	rove_bpf_close(map_fd);
	EXPECT_EQ(held(0), 0);
	EXPECT_EQ(async_timer_start(&v->timer, 0, 0), -EINVAL);
	EXPECT_EQ(async_timer_init(map, &v->timer, CLOCK_MONOTONIC), -EPERM);
	EXPECT_EQ(async_work_init(map, &v->work, 0), -EPERM);
	map_rcu_read_unlock();
	map_put(map);
	wait_for_reapers();
}

/* Looks at its value until it is told to return. */
static u64 stay_on_value(const struct bpf_func *f, u64 m, u64 key, u64 value, u64 r4, u64 r5)
{
	struct value *v = (struct value *)(uintptr_t)value;

	called();
	while (!load_acquire(&may_return))
		if (READ_ONCE(v->number) != 42)
			WRITE_ONCE(inside[0], 1);
	return 0;
}

static const struct bpf_func stayer = { .call = stay_on_value, .prog = &progs[0].obj };

static void fill_hash(int fd, u64 number)
{
	struct value value = { .number = number };

	for (u32 key = 0; key < 4; key++)
		EXPECT_EQ(map_update(fd, &key, &value, BPF_ANY), 0);
}

/* Long enough, as a rule, for a grace period to end in. */
static void replace_for_a_while(int fd)
{
	u64 end = clock_mono_ns() + 40000000;

	while (clock_mono_ns() < end)
		fill_hash(fd, 43);
}

/*
 * The timer is started by one who stands on the element after it was deleted, so what the
 * element's first grace period waits for is not the callback.  Others then
 * replace elements, which use again what was freed.
 */
TEST(async, a_callback_keeps_the_deleted_element_that_it_runs_on)
{
	u32 key = 2;

	begin();
	map_rcu_read_unlock();
	for (int i = 0; i < 5; i++) {
		int fd = async_map(BPF_MAP_TYPE_HASH, 4);
		struct bpf_map *hash = map_at(fd);
		struct value *v;

		WRITE_ONCE(nr_calls, 0);
		WRITE_ONCE(may_return, 0);
		fill_hash(fd, 42);
		map_rcu_read_lock();
		v = value_at(hash, key);
		EXPECT_EQ(map_delete(fd, &key), 0);
		EXPECT_EQ(async_timer_init(hash, &v->timer, CLOCK_MONOTONIC), 0);
		EXPECT_EQ(async_set_callback(&v->timer, &stayer), 0);
		/* By then the element's grace period has begun, as a rule. */
		EXPECT_EQ(async_timer_start(&v->timer, 40000000, 0), 0);
		wait_for_calls(1);
		map_rcu_read_unlock();
		replace_for_a_while(fd);
		EXPECT_EQ(READ_ONCE(inside[0]), 0);
		store_release(&may_return, 1);
		wait_for_reapers();
		rove_bpf_close(fd);
	}
	map_rcu_read_lock();
	end();
}

/* Its place goes to another element, in which nothing is initialised yet. */
TEST(async, what_is_initialised_in_a_deleted_element_ends_with_it)
{
	int fd;

	begin();
	map_rcu_read_unlock();
	fd = async_map(BPF_MAP_TYPE_HASH, 4);
	for (u32 round = 0; round < 8; round++) {
		fill_hash(fd, round);
		map_rcu_read_lock();
		for (u32 key = 0; key < 4; key++) {
			struct value *v = value_at(map_at(fd), key);

			EXPECT_EQ(map_delete(fd, &key), 0);
			EXPECT_EQ(async_timer_init(map_at(fd), &v->timer, CLOCK_MONOTONIC), 0);
			EXPECT_EQ(async_work_init(map_at(fd), &v->work, 0), 0);
		}
		map_rcu_read_unlock();
		wait_for_reapers();
	}
	rove_bpf_close(fd);
	map_rcu_read_lock();
	end();
}

static void init_until_empty(int sig)
{
	struct async_field fields[1000];
	int err = 0;
	u32 nr = 0;

	ctx_nmi_enter();
	memset(fields, 0, sizeof(fields));
	while (nr < ARRAY_SIZE(fields) && !err) {
		/* Not where the map has one, so nobody else looks at it. */
		err = async_work_init(map, &fields[nr], 0);
		nr += !err;
	}
	EXPECT_TRUE(nr >= 1);
	EXPECT_TRUE(!err || err == -ENOMEM);
	while (nr)
		async_field_release(&fields[--nr]);
	ctx_nmi_exit();
}

TEST(async, a_signal_handler_that_takes_the_whole_reserve_is_told_so)
{
	struct sigaction action = { .sa_handler = init_until_empty };

	begin();
	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
	end();
}

/* --- in a child of fork() ----------------------------------------------------------------------- */

static int use_timer_in_child(struct value *v)
{
	alarm(100);
	if (rove_softirq_start())
		return 1;
	/* What the parent has armed is armed there only. */
	if (async_timer_cancel_async(&v->timer) || READ_ONCE(nr_calls))
		return 2;
	if (async_timer_start(&v->timer, 0, 0))
		return 3;
	while (!load_acquire(&nr_calls))
		sched_yield();
	return async_timer_cancel(&v->timer) ? 4 : 0;
}

TEST(async, a_timer_of_the_parent_is_idle_in_a_child_and_can_be_used_there)
{
	struct value *v;
	int status = -1;
	pid_t child;

#ifdef __SANITIZE_THREAD__
	SKIP("ThreadSanitizer lets no thread be made in a child of a process with threads");
#endif
	v = begin();
	EXPECT_EQ(async_timer_init(map, &v->timer, CLOCK_MONOTONIC), 0);
	EXPECT_EQ(async_set_callback(&v->timer, &note), 0);
	EXPECT_EQ(async_timer_start(&v->timer, FAR_NS, 0), 0);
	child = fork();
	if (!child)
		_exit(use_timer_in_child(v));
	EXPECT_EQ(waitpid(child, &status, 0), child);
	EXPECT_EQ(status, 0);
	EXPECT_EQ(async_timer_cancel(&v->timer), 1);
	EXPECT_EQ(READ_ONCE(nr_calls), 0);
	end();
}
