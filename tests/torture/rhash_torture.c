/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * rhash_torture.c - a resizable hash changed and walked over by threads, signal handlers and timer
 * callbacks, while its table grows and shrinks
 *
 * Handlers interrupt threads anywhere in their operations and do the same ones.  Everybody
 * fills the map for a while, and then empties it for a while.  A ledger keeps what must be there:
 *
 *	some keys	are only written: every lookup finds them and every walk, also one that ends
 *			its read section at every element, meets each of them once
 *	the others	come and go; a key's balance is its presence
 *	values		each word is of its key, whoever writes the other one
 *
 * Nobody is ever refused because somebody else is changing something.
 * ROVE_TORTURE_SECONDS says how long (2).
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <rove/irq_work.h>
#include <rove/timer.h>

#include "base/clock.h"
#include "base/context.h"
#include "bpf/core/uapi.h"
#include "bpf/map/rcu.h"
#include "bpf/map/rhash.h"
#include "tests/test.h"
#include "tests/unit/syscall/bpf.h"
#include "tests/torture/signal_stream.h"
#include "tests/torture/torture.h"

#define NR_THREADS 4
#define NR_FIXED 32u		/* keys that are only written */
#define NR_KEYS 12000u
#define NR_ENTRIES 8000u	/* so that some do not fit */
#define OPS_A_ROUND 60000
#define OPS_A_TIDE 20000u	/* of one thread: mostly in, then mostly out */
#define SIGNAL_NS 30000
#define TIMER_NS 20000

enum who { THREAD, HANDLER, TIMER, NR_WHO };
enum op { LOOKUP, WRITE, INSERT, DELETE, NEXT, WALK, WALK_IN_PARTS, NR_OPS };

static const char *const who_names[] = { "thread", "handler", "timer" };
static const char *const op_names[] = {
	"lookup", "write", "insert", "delete", "next key", "walk", "walk in parts",
};

#define NR_OUTCOMES 4
static const struct { int anywhere[3], no_memory; } allowed[NR_OPS] = {
	[LOOKUP] = { { 0, -ENOENT } },
	[WRITE] = { { 0 } },
	[INSERT] = { { 0, -EEXIST, -E2BIG }, -ENOMEM },
	[DELETE] = { { 0, -ENOENT } },
	[NEXT] = { { 0, -ENOENT } },
	[WALK] = { { 0 } },
	[WALK_IN_PARTS] = { { 0 } },
};

struct value {
	u64 a, b;
};

static struct bpf_map *map;
static int map_fd;
static s32 balance[NR_KEYS];				/* A */
static u32 outcomes[NR_WHO][NR_OPS][NR_OUTCOMES];	/* A */
static u32 nr_bad;					/* A */
static u32 is_ebbing;					/* A */
static u32 largest, smallest = UINT32_MAX;		/* A: signposts */

static void bad(const char *what, u64 a, u64 b)
{
	fetch_add_relaxed(&nr_bad, 1);
	dprintf(STDERR_FILENO, "# %s: %llu, %llu\n", what, (unsigned long long)a,
		(unsigned long long)b);
}

/* --- operations --------------------------------------------------------------------------- */

static struct value value_for(u32 key, u64 random)
{
	return (struct value){ (u64)key << 32 | (u32)random, (u64)key << 32 | (u32)~random };
}

static void check_value(u32 key, const struct value *v)
{
	if (READ_ONCE(v->a) >> 32 != key || READ_ONCE(v->b) >> 32 != key)
		bad("a value is not its key's", key, v->a);
}

static int lookup(u32 key)
{
	const struct value *v = map->ops->lookup(map, &key);

	if (v)
		check_value(key, v);
	else if (key < NR_FIXED)
		bad("a key that is only written was not found", key, 0);
	return v ? 0 : -ENOENT;
}

static int update(u32 key, u64 random, u64 flags)
{
	struct value v = value_for(key, random);

	return map->ops->update(map, &key, &v, flags);
}

static int insert(u32 key, u64 random)
{
	int err = update(key, random, BPF_NOEXIST);

	if (!err)
		fetch_add_relaxed(&balance[key], 1);
	return err;
}

static int take_out(u32 key)
{
	int err = map->ops->delete(map, &key);

	if (!err)
		fetch_add_relaxed(&balance[key], -1);
	return err;
}

static void check_met(const u32 *met, const char *how)
{
	for (u32 key = 0; key < NR_FIXED; key++)
		if (met[key] != 1)
			bad(how, key, met[key]);
}

static u64 meet(void *arg, const void *key, void *value)
{
	u32 *met = arg, k = *(const u32 *)key;

	check_value(k, value);
	if (k < NR_FIXED)
		met[k]++;
	return 0;
}

static int walk(void)
{
	u32 met[NR_FIXED] = { 0 };

	map->ops->for_each(map, meet, met);
	check_met(met, "a walk has not met a key once");
	return 0;
}

/* The caller's read section ends, and another one begins, at every element. */
static int walk_in_parts(void)
{
	u32 met[NR_FIXED] = { 0 }, at = 0, nth = 0;
	const void *key;
	void *value;
	int err = 0;

	while (err != -ERANGE) {
		err = map->ops->elem_at(map, &at, nth, &key, &value);
		if (!err)
			meet(met, key, value);
		at += err == -ENOENT;
		nth = err ? 0 : nth + 1;
		map_rcu_read_unlock();
		map_rcu_read_lock();
	}
	check_met(met, "a walk in parts has not met a key once");
	return 0;
}

static int next_key(u32 key)
{
	u32 next;
	int err = map->ops->next_key(map, &key, &next);

	if (!err && next >= NR_KEYS)
		bad("a key is none of ours", key, next);
	return err;
}

static void note_size(void)
{
	u32 nr = rhash_mask(rhash_of(map)) + 1, was = READ_ONCE(largest);

	while (nr > was && !cmpxchg_relaxed(&largest, &was, nr))
		;
	was = READ_ONCE(smallest);
	while (nr < was && !cmpxchg_relaxed(&smallest, &was, nr))
		;
}

/* Walks are long, so few, and only threads do them. */
static enum op choose(enum who who, u64 random)
{
	static const enum op in[] = { INSERT, INSERT, INSERT, INSERT, DELETE, WRITE, LOOKUP, NEXT };
	static const enum op out[] = { DELETE, DELETE, DELETE, DELETE, INSERT, WRITE, LOOKUP, NEXT };

	if (who == THREAD && random % 5000 < 2)
		return random % 5000 ? WALK : WALK_IN_PARTS;
	return (READ_ONCE(is_ebbing) ? out : in)[random / 5000 % ARRAY_SIZE(in)];
}

static int do_op(enum op op, u64 random)
{
	u32 fixed = random % NR_FIXED, key = NR_FIXED + random % (NR_KEYS - NR_FIXED);

	switch (op) {
	case LOOKUP:
		return lookup(random & 1 ? fixed : key);
	case WRITE:
		return update(fixed, random, BPF_EXIST);
	case INSERT:
		return insert(key, random);
	case DELETE:
		return take_out(key);
	case NEXT:
		return next_key(key);
	case WALK:
		return walk();
	default:
		return walk_in_parts();
	}
}

static void count_outcome(enum op op, enum who who, int result)
{
	u32 *to = outcomes[who][op];

	for (u32 i = 0; i < 3; i++)
		if (result == allowed[op].anywhere[i] && (result || !i)) {
			fetch_add_relaxed(&to[i], 1);
			return;
		}
	if (result && result == allowed[op].no_memory && who != THREAD)
		fetch_add_relaxed(&to[3], 1);
	else
		bad(op_names[op], who, -result);
}

static void one_op(enum who who, u64 random)
{
	enum op op = choose(who, random);

	map_rcu_read_lock();
	count_outcome(op, who, do_op(op, random >> 20));
	map_rcu_read_unlock();
}

/* --- who does them ------------------------------------------------------------------------ */

static __thread u64 handler_random;

static void in_handler(int sig)
{
	int saved = errno;

	ctx_nmi_enter();
	one_op(HANDLER, next_random(&handler_random) ^ clock_mono_ns() << 13);
	ctx_nmi_exit();
	errno = saved;
}

static enum rove_hrtimer_restart timer_fired(struct rove_hrtimer *timer)
{
	static u64 random = 5;

	one_op(TIMER, next_random(&random));
	rove_hrtimer_forward_now(timer, TIMER_NS);
	return ROVE_HRTIMER_RESTART;
}

static void *worker(void *arg)
{
	intptr_t index = (intptr_t)arg;
	u64 random = index * 77 + clock_mono_ns();
	sigset_t usr1;
	timer_t timer;

	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	handler_random = random * 31;
	timer = signal_stream_begin(SIGUSR1, SIGNAL_NS);
	for (u32 i = 0; i < OPS_A_ROUND; i++) {
		if (!index && i % OPS_A_TIDE == 0)
			WRITE_ONCE(is_ebbing, i / OPS_A_TIDE % 2);
		one_op(THREAD, next_random(&random));
		note_size();
	}
	pthread_sigmask(SIG_BLOCK, &usr1, NULL);	/* what is pending dies with the thread */
	timer_delete(timer);
	return NULL;
}

/* --- a round ------------------------------------------------------------------------------ */

static void begin_round(void)
{
	memset(balance, 0, sizeof(balance));
	map_fd = map_new(MAP_TYPE_RHASH, 4, sizeof(struct value), NR_ENTRIES, BPF_F_NO_PREALLOC);
	EXPECT_EQ(map_by_fd(map_fd, &map), 0);
	map_put(map);
	map_rcu_read_lock();
	for (u32 key = 0; key < NR_FIXED; key++)
		EXPECT_EQ(insert(key, key), 0);
	map_rcu_read_unlock();
}

static void run_round(void)
{
	pthread_t threads[NR_THREADS];
	struct rove_hrtimer timer;

	EXPECT_EQ(rove_hrtimer_init(&timer, CLOCK_MONOTONIC, timer_fired), 0);
	rove_hrtimer_start(&timer, TIMER_NS, ROVE_HRTIMER_REL);
	for (intptr_t i = 0; i < NR_THREADS; i++)
		EXPECT_EQ(pthread_create(&threads[i], NULL, worker, (void *)i), 0);
	for (u32 i = 0; i < NR_THREADS; i++)
		pthread_join(threads[i], NULL);
	rove_hrtimer_cancel(&timer);
}

static u64 count_element(void *arg, const void *key, void *value)
{
	check_value(*(const u32 *)key, value);
	++*(u32 *)arg;
	return 0;
}

static void end_round(void)
{
	u32 nr = 0;
	s32 sum = 0;

	map_rcu_read_lock();
	for (u32 key = 0; key < NR_KEYS; key++) {
		s32 there = map->ops->lookup(map, &key) != NULL;

		if (there != balance[key])
			bad("a key's balance is not its presence", key, balance[key]);
		sum += there;
	}
	map->ops->for_each(map, count_element, &nr);
	map_rcu_read_unlock();
	EXPECT_EQ(nr, sum);
	EXPECT_EQ(map->ops->nr_elems(map), sum);
	EXPECT_EQ(rove_bpf_close(map_fd), 0);
}

static void print_outcomes(void)
{
	for (u32 who = 0; who < NR_WHO; who++)
		for (u32 op = 0; op < NR_OPS; op++) {
			const u32 *nr = outcomes[who][op];

			printf("# %s %s: 0 x %u", who_names[who], op_names[op], nr[0]);
			for (u32 i = 1; i < 3; i++)
				if (allowed[op].anywhere[i])
					printf(" %d x %u", allowed[op].anywhere[i], nr[i]);
			if (who != THREAD && allowed[op].no_memory)
				printf(" %d x %u", allowed[op].no_memory, nr[3]);
			printf("\n");
		}
	printf("# signposts: %u to %u\n", smallest, largest);
}

TEST(rhash_torture, what_stays_is_found_and_met_once_while_everything_else_changes)
{
	u64 end = clock_mono_ns() + torture_ns();
	struct sigaction action = { .sa_handler = in_handler, .sa_flags = SA_RESTART };
	u32 round = 0;

	EXPECT_EQ(rove_softirq_start(), 0);
	sigaction(SIGUSR1, &action, NULL);
	do {
		begin_round();
		run_round();
		end_round();
		EXPECT_EQ(nr_bad, 0);
		round++;
	} while (clock_mono_ns() < end || round < 2);
	print_outcomes();
	EXPECT_TRUE(outcomes[HANDLER][INSERT][0] && outcomes[TIMER][INSERT][0]);
	EXPECT_TRUE(outcomes[HANDLER][DELETE][0] && outcomes[THREAD][WALK_IN_PARTS][0]);
	EXPECT_TRUE(smallest <= 1024 && largest >= 4096);
}
