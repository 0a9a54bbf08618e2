/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * async_torture.c - timers and works in values of maps, used by everybody at once
 *
 * Threads and signal handlers that interrupt them do every operation on the same
 * few values, which are updated, deleted and made again meanwhile, in arrays and hashes that
 * lose their last descriptor.  What each call may give is a table; anything else is a
 * failure, and the counts are printed.  Programs are freed a grace period after
 * they are given back: a callback of one that is gone is found.
 *
 * In between all stand still, and one last operation is done, by a thread or in a
 * handler: a start must be followed by its callback, a cancel or delete by none.
 *
 * ROVE_TORTURE_SECONDS says how long (2).
 */
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/context.h"
#include "base/futex.h"
#include "tests/torture/signal_stream.h"
#include "tests/torture/torture.h"
#include "tests/unit/async/async_map.h"

#define NR_THREADS 8
#define NR_VALUES 3
#define NR_PROGS 4
#define OPS_A_ROUND 60000
#define SIGNAL_NS 30000
#define ALIVE 0x600dc0de
#define SPOILT 0xbadbadba

/* --- programs ------------------------------------------------------------------------------- */

struct fake_prog {
	struct object obj;
	struct bpf_func func;
	u32 state;			/* A: ALIVE until it is freed */
	u32 later;			/* A: to be put, as prog_put_later() does it */
};

static u32 nr_bad, nr_callbacks;	/* A */

static void put_later(struct object *obj);

static const struct object_ops fake_ops = { .kind = OBJECT_PROG, .put_later = put_later };
static struct fake_prog *progs[NR_PROGS];	/* A */
static u32 nr_progs_made, nr_progs_freed;	/* A */

struct put {
	struct rcu_head rcu;
	struct fake_prog *prog;
};

static void put_prog(struct fake_prog *prog)
{
	if (!refcount_put(&prog->obj.refs))
		return;
	WRITE_ONCE(prog->state, SPOILT);
	fetch_add_relaxed(&nr_progs_freed, 1);
	/* Freed much later: so that a late callback is found here, not by a crash. */
}

/* By the collector: nothing may be allocated in handlers. */
static void put_later(struct object *obj)
{
	fetch_add_acq_rel(&container_of(obj, struct fake_prog, obj)->later, 1);
}

static u64 callback(const struct bpf_func *f, u64 map, u64 key, u64 value, u64 r4, u64 r5)
{
	struct fake_prog *prog = container_of(f, struct fake_prog, func);

	if (READ_ONCE(prog->state) != ALIVE)
		fetch_add_relaxed(&nr_bad, 1);
	if (*(u32 *)(uintptr_t)key >= NR_VALUES)
		fetch_add_relaxed(&nr_bad, 1);
	fetch_add_relaxed(&((struct value *)(uintptr_t)value)->number, 1);
	fetch_add_release(&nr_callbacks, 1);
	futex_wake(&nr_callbacks, 1);
	return 0;
}

static struct fake_prog *make_prog(void)
{
	struct fake_prog *prog = calloc(1, sizeof(*prog));

	prog->obj.ops = &fake_ops;
	refcount_set(&prog->obj.refs, 1);
	prog->state = ALIVE;
	prog->func = (struct bpf_func){ .call = callback, .prog = &prog->obj };
	nr_progs_made++;
	return prog;
}

/* --- operations ----------------------------------------------------------------------------- */

enum op {
	TIMER_INIT, TIMER_SET, TIMER_START, TIMER_START_ABS, TIMER_CANCEL, TIMER_CANCEL_ASYNC,
	WORK_INIT, WORK_SET, WORK_START, RELEASE, MAP_UPDATE, MAP_DELETE, NR_OPS,
};

static const char *const op_names[] = {
	"timer_init", "timer_set", "timer_start", "timer_start_abs", "timer_cancel",
	"timer_cancel_async", "work_init", "work_set", "work_start", "release", "map_update",
	"map_delete",
};

/* What a call may give: in a thread, and in a handler where that differs. */
static const struct { int thread[4], handler[4]; u32 nr_thread, nr_handler; } allowed[] = {
	[TIMER_INIT] = { { 0, -EBUSY, -EPERM }, { 0, -EBUSY, -EPERM, -ENOMEM }, 3, 4 },
	[TIMER_SET] = { { 0, -EINVAL, -ENOENT }, { 0, -EINVAL, -ENOENT }, 3, 3 },
	[TIMER_START] = { { 0, -EINVAL, -ENOENT }, { 0, -EINVAL, -ENOENT }, 3, 3 },
	[TIMER_START_ABS] = { { 0, -EINVAL, -ENOENT }, { 0, -EINVAL, -ENOENT }, 3, 3 },
	[TIMER_CANCEL] = { { 1, 0, -EINVAL }, { -EOPNOTSUPP }, 3, 1 },
	[TIMER_CANCEL_ASYNC] = { { 1, 0, -1, -EINVAL }, { 1, 0, -1, -EINVAL }, 4, 4 },
	[WORK_INIT] = { { 0, -EBUSY, -EPERM }, { 0, -EBUSY, -EPERM, -ENOMEM }, 3, 4 },
	[WORK_SET] = { { 0, -EINVAL, -ENOENT }, { 0, -EINVAL, -ENOENT }, 3, 3 },
	[WORK_START] = { { 0, -EINVAL, -ENOENT }, { 0, -EINVAL, -ENOENT }, 3, 3 },
	[RELEASE] = { { 0 }, { 0 }, 1, 1 },
	/* -E2BIG: an element that is just being deleted still counts. */
	[MAP_UPDATE] = { { 0, -E2BIG }, { 0, -E2BIG, -EBUSY, -ENOMEM }, 2, 4 },
	/* Elements of arrays are not deleted. */
	[MAP_DELETE] = { { 0, -ENOENT, -EINVAL }, { 0, -ENOENT, -EINVAL, -EBUSY }, 3, 4 },
};

#define NR_OUTCOMES 4

static u32 outcomes[2][NR_OPS][NR_OUTCOMES];	/* A */
static struct bpf_map *map;			/* A: what threads work on; in a read section */

static int do_op(enum op op, struct bpf_map *in, struct value *v, u64 random)
{
	const struct bpf_func *func = &load_acquire(&progs[random % NR_PROGS])->func;
	struct timespec now;

	switch (op) {
	case TIMER_INIT:
		return async_timer_init(in, &v->timer, CLOCK_MONOTONIC);
	case TIMER_SET:
		return async_set_callback(&v->timer, func);
	case TIMER_START:
		return async_timer_start(&v->timer, random % 50000, random & ASYNC_TIMER_CPU_PIN);
	case TIMER_START_ABS:
		clock_gettime(CLOCK_MONOTONIC, &now);
		return async_timer_start(&v->timer, now.tv_sec * 1000000000ull + now.tv_nsec +
					 random % 50000, ASYNC_TIMER_ABS);
	case TIMER_CANCEL:
		return async_timer_cancel(&v->timer);
	case TIMER_CANCEL_ASYNC:
		return async_timer_cancel_async(&v->timer);
	case WORK_INIT:
		return async_work_init(in, &v->work, 0);
	case WORK_SET:
		return async_set_callback(&v->work, func);
	case WORK_START:
		return async_work_start(&v->work, 0);
	default:
		map_fields_release(in, v);
		return 0;
	}
}

static int change_map(enum op op, struct bpf_map *in, u32 key)
{
	const struct value zero = { 0 };

	return op == MAP_DELETE ? in->ops->delete(in, &key) :
				  in->ops->update(in, &key, &zero, BPF_ANY);
}

static void count_outcome(enum op op, bool handler, int result)
{
	const int *may = handler ? allowed[op].handler : allowed[op].thread;
	u32 nr = handler ? allowed[op].nr_handler : allowed[op].nr_thread;

	for (u32 i = 0; i < nr; i++)
		if (may[i] == result) {
			fetch_add_relaxed(&outcomes[handler][op][i], 1);
			return;
		}
	fetch_add_relaxed(&nr_bad, 1);
	dprintf(STDERR_FILENO, "# %s gave %d in a %s\n", op_names[op], result,
		handler ? "handler" : "thread");
}

/* What ends a value is rare, or nothing would ever be armed. */
static enum op pick(u64 random)
{
	enum op op = random % NR_OPS;

	return op >= RELEASE && random / NR_OPS % 8 ? TIMER_START : op;
}

static void one_op(u64 random, bool handler)
{
	u32 key = random % NR_VALUES;
	enum op op = pick(random / 64);
	struct bpf_map *in;
	struct value *v;

	map_rcu_read_lock();
	in = load_acquire(&map);
	v = value_at(in, key);
	if (!v)
		op = MAP_UPDATE;	/* it was deleted */
	count_outcome(op, handler, op >= MAP_UPDATE ? change_map(op, in, key) :
						      do_op(op, in, v, random / 1024));
	map_rcu_read_unlock();
}

static __thread u64 handler_random;

static void in_handler(int sig)
{
	int saved = errno;

	ctx_nmi_enter();
	one_op(next_random(&handler_random) ^ clock_mono_ns() >> 4, true);
	ctx_nmi_exit();
	errno = saved;
}

static u32 nr_running;			/* A: threads that still do operations in this round */

static void *worker(void *arg)
{
	u64 random = (u64)(intptr_t)arg * 77 + clock_mono_ns();
	timer_t timer;

	handler_random = random * 31;
	timer = signal_stream_begin(SIGUSR1, SIGNAL_NS);
	for (int i = 0; i < OPS_A_ROUND; i++)
		one_op(next_random(&random), false);
	timer_delete(timer);
	sub_fetch_acq_rel(&nr_running, 1);
	return NULL;
}

/* --- meanwhile ------------------------------------------------------------------------------ */

#define NR_KEPT 512
#define KEPT_BYTES (1u << 20)	/* at most, more than after the first round */

static struct fake_prog *all[NR_KEPT];	/* the newest, most of them spoilt long ago */

/* The oldest makes room, unless a timer still has it. */
static void replace_prog(void)
{
	struct fake_prog **slot = &all[nr_progs_made % NR_KEPT], *old;

	if (*slot && READ_ONCE((*slot)->state) == ALIVE)
		return;
	free(*slot);
	*slot = make_prog();
	old = xchg_acq_rel(&progs[nr_progs_made % NR_PROGS], *slot);
	if (old)
		put_later(&old->obj);
}

/* Give back what has waited long enough; now and then a program is replaced. */
static void collect(bool replace)
{
	u32 taken[NR_KEPT] = { 0 };

	if (replace)
		replace_prog();
	for (u32 i = 0; i < NR_KEPT; i++)
		if (all[i] && READ_ONCE(all[i]->later))
			taken[i] = xchg_acq_rel(&all[i]->later, 0);
	urcu_bp_synchronize_rcu();
	map_rcu_told_grace();
	for (u32 i = 0; i < NR_KEPT; i++)
		while (taken[i]--)
			put_prog(all[i]);
}

static void fill_hash(struct bpf_map *in)
{
	map_rcu_read_lock();
	for (u32 key = 0; key < NR_VALUES; key++)
		if (!value_at(in, key))
			EXPECT_EQ(change_map(MAP_UPDATE, in, key), 0);
	map_rcu_read_unlock();
}

/* A map that has lost its descriptors while it was used. */
static void replace_map(int *fd)
{
	static u32 nr_maps;
	struct bpf_map *old = map;
	int old_fd = *fd;

	*fd = async_map(nr_maps++ % 2 ? BPF_MAP_TYPE_ARRAY : BPF_MAP_TYPE_HASH, NR_VALUES);
	fill_hash(map_at(*fd));
	store_release(&map, map_at(*fd));
	if (!old)
		return;
	map_get(old);
	rove_bpf_close(old_fd);
	urcu_bp_synchronize_rcu();
	map_put(old);
}

static void storm(int *fd)
{
	pthread_t threads[NR_THREADS];

	store_release(&nr_running, NR_THREADS);
	for (intptr_t i = 0; i < NR_THREADS; i++)
		EXPECT_EQ(pthread_create(&threads[i], NULL, worker, (void *)i), 0);
	for (u32 n = 0; load_acquire(&nr_running); n++) {
		collect(n % 4 == 0);
		if (n % 2)
			replace_map(fd);
	}
	for (int i = 0; i < NR_THREADS; i++)
		EXPECT_EQ(pthread_join(threads[i], NULL), 0);
}

/* --- the last operation wins ---------------------------------------------------------------- */

static struct value *last_value;
static enum op last_op;
static int last_result;

static void last_in_handler(int sig)
{
	ctx_nmi_enter();
	last_result = do_op(last_op, map, last_value, 0);
	ctx_nmi_exit();
}

static int last(enum op op, struct value *v, bool handler)
{
	struct sigaction action = { .sa_handler = last_in_handler }, before;

	if (!handler)
		return do_op(op, map, v, 0);
	last_op = op;
	last_value = v;
	sigaction(SIGUSR2, &action, &before);
	raise(SIGUSR2);
	sigaction(SIGUSR2, &before, NULL);
	return last_result;
}

static void wait_for_callback(u32 before)
{
	u32 now;

	while ((now = load_acquire(&nr_callbacks)) == before)
		futex_wait(&nr_callbacks, now, FUTEX_FOREVER);
}

/* Everything is idle afterwards: what was started has run, or never will. */
static void settle(void)
{
	fill_hash(map);
	map_rcu_read_lock();
	for (u32 key = 0; key < NR_VALUES; key++)
		map_fields_release(map, value_at(map, key));
	map_rcu_read_unlock();
	wait_for_reapers();
}

static void expect_last_start_runs(struct value *v, bool handler)
{
	u32 before = READ_ONCE(nr_callbacks);

	EXPECT_EQ(last(TIMER_INIT, v, handler), 0);
	EXPECT_EQ(last(TIMER_SET, v, handler), 0);
	EXPECT_EQ(last(TIMER_START, v, handler), 0);
	EXPECT_TRUE(last(TIMER_CANCEL_ASYNC, v, handler) != -EINVAL);
	EXPECT_EQ(last(TIMER_START, v, handler), 0);
	wait_for_callback(before);
	before = READ_ONCE(nr_callbacks);
	EXPECT_EQ(last(WORK_INIT, v, handler), 0);
	EXPECT_EQ(last(WORK_SET, v, handler), 0);
	EXPECT_EQ(last(WORK_START, v, handler), 0);
	wait_for_callback(before);
}

static void check_last(void)
{
	for (int handler = 0; handler < 2; handler++) {
		u32 before;

		settle();
		before = READ_ONCE(nr_callbacks);
		map_rcu_read_lock();
		expect_last_start_runs(value_at(map, 1), handler);
		map_rcu_read_unlock();
		settle();
		before = READ_ONCE(nr_callbacks);
		urcu_bp_synchronize_rcu();
		EXPECT_EQ(READ_ONCE(nr_callbacks), before);
	}
}

/* What is allocated when nothing is under way; 0 where a sanitizer's allocator is used. */
static u64 idle_bytes(void)
{
	settle();
	return mallinfo2().uordblks;
}

static void print_outcomes(void)
{
	for (int handler = 0; handler < 2; handler++)
		for (u32 op = 0; op < NR_OPS; op++) {
			const int *may = handler ? allowed[op].handler : allowed[op].thread;
			u32 nr = handler ? allowed[op].nr_handler : allowed[op].nr_thread;

			printf("# %s %s:", handler ? "handler" : "thread", op_names[op]);
			for (u32 i = 0; i < nr; i++)
				printf(" %d x %u", may[i], outcomes[handler][op][i]);
			printf("\n");
		}
	printf("# %u callbacks, %u programs, %u freed\n", nr_callbacks, nr_progs_made,
	       nr_progs_freed);
}

TEST(async_torture, every_operation_at_once_from_threads_and_handlers)
{
	u64 end = clock_mono_ns() + torture_ns();
	struct sigaction action = { .sa_handler = in_handler, .sa_flags = SA_RESTART };
	u64 bytes_at_first = 0, bytes_at_last;
	int fd = -1;

	EXPECT_EQ(async_prepare(), 0);
	sigaction(SIGUSR1, &action, NULL);
	for (int i = 0; i < NR_PROGS; i++)
		collect(true);
	replace_map(&fd);
	do {
		storm(&fd);
		check_last();
		EXPECT_EQ(nr_bad, 0);
		bytes_at_last = idle_bytes();
		if (!bytes_at_first)
			bytes_at_first = bytes_at_last;
	} while (clock_mono_ns() < end);
	rove_bpf_close(fd);
	for (int i = 0; i < NR_PROGS; i++)
		put_later(&xchg_acq_rel(&progs[i], NULL)->obj);
	collect(false);
	collect(false);
	print_outcomes();
	printf("# %llu bytes in use after the first round, %llu after the last\n",
	       (unsigned long long)bytes_at_first, (unsigned long long)bytes_at_last);
	EXPECT_TRUE(bytes_at_last <= bytes_at_first + KEPT_BYTES);
	EXPECT_EQ(nr_progs_freed, nr_progs_made);
	EXPECT_TRUE(outcomes[1][TIMER_START][0] > 0 && nr_callbacks > 0);
}
