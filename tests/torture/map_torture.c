/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * map_torture.c - maps changed by threads, signal handlers and timer callbacks at once
 *
 * Handlers interrupt threads anywhere in their operations and do the same ones on the
 * same maps.  Each call may give what a table says; anything else is a failure, and the
 * counts are printed.  A ledger keeps what must be there:
 *
 *	hash		some keys are only replaced and must be found by every lookup; the
 *			others are inserted and deleted, and a key's balance is its presence
 *	LRU hash	a value is its key's, and there are never more than entries
 *	per-CPU array	all additions are in the sum
 *	per-CPU hash	so they are, while other elements come and go
 *	map of maps	each map in it has values of its own, whatever is put in its place
 *	task storage	each context's additions are in its thread's value; nothing is left of
 *			threads that ended
 *	ring buffer	each context's records come in the order in which it made them, none
 *			is missing that was taken
 *
 * ROVE_TORTURE_SECONDS says how long (2).
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <rove/irq_work.h>
#include <rove/timer.h>

#include "base/clock.h"
#include "base/context.h"
#include "bpf/map/hash.h"
#include "bpf/map/rcu.h"
#include "bpf/map/task.h"
#include "tests/torture/outer.h"
#include "tests/test.h"
#include "tests/unit/syscall/bpf.h"
#include "tests/torture/signal_stream.h"
#include "tests/torture/torture.h"

#define NR_THREADS 4
#define NR_FIXED 8u		/* keys that are only replaced */
#define NR_KEYS 40u
#define NR_ENTRIES 24u		/* so that some do not fit */
#define OPS_A_ROUND 20000
#define SIGNAL_NS 30000
#define TIMER_NS 20000
#define RING_BYTES (1u << 16)

enum who { THREAD, HANDLER, TIMER, NR_WHO };
enum op {
	LOOKUP, REPLACE, INSERT, DELETE, LRU_UPDATE, LRU_DELETE, COUNT, RECORD, HASH_COUNT, CHURN,
	INNER, OWN, NR_OPS,
};

static const char *const who_names[] = { "thread", "handler", "timer" };
static const char *const op_names[] = {
	"lookup", "replace", "insert", "delete", "LRU update", "LRU delete", "count", "record",
	"count in a hash", "change a per-CPU hash", "use a map in a map", "use the thread's value",
};

/* What a call may give; the last two for those who may not wait or allocate. */
#define NR_OUTCOMES 5
static const struct { int anywhere[3], only_handler[1], no_memory[1]; } allowed[NR_OPS] = {
	[LOOKUP] = { { 0, -ENOENT } },
	[REPLACE] = { { 0 }, { -EBUSY }, { -ENOMEM } },
	[INSERT] = { { 0, -EEXIST, -E2BIG }, { -EBUSY }, { -ENOMEM } },
	[DELETE] = { { 0, -ENOENT }, { -EBUSY } },
	[LRU_UPDATE] = { { 0 }, { -EBUSY }, { -ENOMEM } },
	[LRU_DELETE] = { { 0, -ENOENT }, { -EBUSY } },
	[COUNT] = { { 0 } },
	[RECORD] = { { 0, -EAGAIN } },
	[HASH_COUNT] = { { 0 } },
	[CHURN] = { { 0, -ENOENT, -E2BIG }, { -EBUSY }, { -ENOMEM } },
	[INNER] = { { 0, -ENOENT } },
	[OWN] = { { 0 }, { -EBUSY }, { -ENOMEM } },
};

struct value {
	u64 number, check;
};

struct record {
	u32 writer, number;
};

#define NR_WRITERS (2 * NR_THREADS + 1)		/* a thread, its handler; the timer */

/* A: all of it. */
static struct {
	struct bpf_map *hash, *lru, *percpu, *ring, *percpu_hash, *storage;
	struct outer outer;
	int fds[6];
	s32 balance[NR_KEYS];
	u64 nr_counted, nr_hash_counted;
	u32 nr_records[NR_WRITERS];
	u32 nr_running, stop;
} now;

static u32 outcomes[NR_WHO][NR_OPS][NR_OUTCOMES];	/* A */
static u32 nr_bad;					/* A */

static void bad(const char *what, u64 a, u64 b)
{
	fetch_add_relaxed(&nr_bad, 1);
	dprintf(STDERR_FILENO, "# %s: %llu, %llu\n", what, (unsigned long long)a,
		(unsigned long long)b);
}

/* --- operations --------------------------------------------------------------------------- */

static struct value value_for(u32 key, u64 number)
{
	return (struct value){ number, number ^ (key + 1) * 0x9e3779b97f4a7c15ull };
}

static void check_value(u32 key, const struct value *v)
{
	u64 number = READ_ONCE(v->number);

	if (READ_ONCE(v->check) != value_for(key, number).check)
		bad("a value is not its key's", key, number);
}

static int lookup(u32 key)
{
	const struct value *v = now.hash->ops->lookup(now.hash, &key);

	if (v)
		check_value(key, v);
	else if (key < NR_FIXED)
		bad("a key that is only replaced was not found", key, 0);
	return v ? 0 : -ENOENT;
}

static int update(struct bpf_map *map, u32 key, u64 number, u64 flags)
{
	struct value v = value_for(key, number);

	return map->ops->update(map, &key, &v, flags);
}

static int insert(u32 key, u64 number)
{
	int err = update(now.hash, key, number, BPF_NOEXIST);

	if (!err)
		fetch_add_relaxed(&now.balance[key], 1);
	return err;
}

static int take_out(u32 key)
{
	int err = now.hash->ops->delete(now.hash, &key);

	if (!err)
		fetch_add_relaxed(&now.balance[key], -1);
	return err;
}

static int lru_update(u32 key, u64 number)
{
	const struct value *v = now.lru->ops->lookup(now.lru, &key);

	if (v)
		check_value(key, v);
	return update(now.lru, key, number, BPF_ANY);
}

static int count(void)
{
	u64 *v = now.percpu->ops->lookup(now.percpu, &(u32){ 0 });

	fetch_add_relaxed(v, 1);
	fetch_add_relaxed(&now.nr_counted, 1);
	return 0;
}

/* Nobody else is this writer; a handler inside its thread's call is another one. */
static int record(u32 writer)
{
	struct record *r = ringbuf_reserve(now.ring, sizeof(*r));

	if (!r)
		return -EAGAIN;
	r->writer = writer;
	r->number = now.nr_records[writer]++;
	if (r->number % 8 == 7) {
		now.nr_records[writer]--;
		ringbuf_discard(r, 0);
		r = ringbuf_reserve(now.ring, sizeof(*r));
		if (!r)
			return -EAGAIN;
		*r = (struct record){ writer, now.nr_records[writer]++ };
	}
	ringbuf_submit(r, 0);
	return 0;
}

/* Key 0 is always there: what is added to it stays. */
static int hash_count(void)
{
	u64 *v = now.percpu_hash->ops->lookup(now.percpu_hash, &(u32){ 0 });

	if (!v) {
		bad("a key that is never deleted was not found", 0, 0);
		return 0;
	}
	fetch_add_relaxed(v, 1);
	fetch_add_relaxed(&now.nr_hash_counted, 1);
	return 0;
}

static int churn(u64 random)
{
	u32 key = 1 + (random >> 1) % NR_KEYS;

	if (random & 1)
		return now.percpu_hash->ops->delete(now.percpu_hash, &key);
	return now.percpu_hash->ops->update(now.percpu_hash, &key, &random, BPF_ANY);
}

static __thread u64 nr_own;	/* of this thread, its handlers too */

/* Thread and handler add to one value; it may only be missing where memory may not be taken. */
static int use_own(enum who who)
{
	u64 *v = task_storage_get(now.storage, task_current(), NULL,
				  BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (!v)
		return who == HANDLER ? -EBUSY : -ENOMEM;
	fetch_add_relaxed(v, 1);
	fetch_add_relaxed(&nr_own, 1);
	return 0;
}

static int do_op(enum op op, enum who who, u32 writer, u64 random)
{
	u32 fixed = random % NR_FIXED, key = NR_FIXED + random % (NR_KEYS - NR_FIXED);

	switch (op) {
	case LOOKUP:
		return lookup(random % NR_KEYS);
	case REPLACE:
		return update(now.hash, fixed, random, BPF_EXIST);
	case INSERT:
		return insert(key, random);
	case DELETE:
		return take_out(key);
	case LRU_UPDATE:
		return lru_update(random % (4 * NR_KEYS), random);
	case LRU_DELETE:
		return now.lru->ops->delete(now.lru, &(u32){ random % (4 * NR_KEYS) });
	case COUNT:
		return count();
	case HASH_COUNT:
		return hash_count();
	case CHURN:
		return churn(random);
	case INNER:
		return outer_use(&now.outer, random);
	case OWN:
		return use_own(who);
	default:
		return record(writer);
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
	if (result && result == allowed[op].only_handler[0] && who == HANDLER)
		fetch_add_relaxed(&to[3], 1);
	else if (result && result == allowed[op].no_memory[0] && who != THREAD)
		fetch_add_relaxed(&to[4], 1);
	else
		bad(op_names[op], who, -result);
}

static void one_op(enum who who, u32 writer, u64 random)
{
	enum op op = random % NR_OPS;

	map_rcu_read_lock();
	count_outcome(op, who, do_op(op, who, writer, random / NR_OPS));
	map_rcu_read_unlock();
}

/* --- who does them ------------------------------------------------------------------------ */

static __thread u64 handler_random;
static __thread u32 handler_writer;

static void in_handler(int sig)
{
	int saved = errno;

	ctx_nmi_enter();
	one_op(HANDLER, handler_writer, next_random(&handler_random) ^ clock_mono_ns() >> 4);
	ctx_nmi_exit();
	errno = saved;
}

static enum rove_hrtimer_restart timer_fired(struct rove_hrtimer *timer)
{
	static u64 random = 5;

	one_op(TIMER, 2 * NR_THREADS, next_random(&random));
	rove_hrtimer_forward_now(timer, TIMER_NS);
	return ROVE_HRTIMER_RESTART;
}

/* At the end of a thread: nothing that was added is missing. */
static void check_own(void)
{
	const u64 *v;

	map_rcu_read_lock();
	v = task_storage_get(now.storage, task_current(), NULL, 0);
	if ((v ? READ_ONCE(*v) : 0) != READ_ONCE(nr_own))
		bad("a thread's value is not what was added to it", v ? *v : 0, nr_own);
	map_rcu_read_unlock();
}

static void *worker(void *arg)
{
	u32 index = (intptr_t)arg;
	u64 random = index * 77 + clock_mono_ns();
	sigset_t usr1;
	timer_t timer;

	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	handler_random = random * 31;
	handler_writer = NR_THREADS + index;
	timer = signal_stream_begin(SIGUSR1, SIGNAL_NS);
	for (u32 i = 0; i < OPS_A_ROUND; i++)
		one_op(THREAD, index, next_random(&random));
	pthread_sigmask(SIG_BLOCK, &usr1, NULL);	/* what is pending dies with the thread */
	timer_delete(timer);
	check_own();
	return NULL;
}

/* --- the reader of the ring buffer -------------------------------------------------------- */

struct reader {
	u64 *consumer, *producer;
	u8 *data;
	u32 next[NR_WRITERS];
};

static void read_one(struct reader *r, const struct record *record)
{
	if (record->writer >= NR_WRITERS || record->number != r->next[record->writer]++)
		bad("a record is out of order", record->writer, record->number);
}

static void read_all(struct reader *r)
{
	u64 pos = *r->consumer, end = load_acquire(r->producer);

	while (pos < end) {
		u32 *header = (u32 *)(r->data + (pos & (RING_BYTES - 1)));
		u32 len = load_acquire(header);

		if (len & BPF_RINGBUF_BUSY_BIT)
			return;
		if (!(len & BPF_RINGBUF_DISCARD_BIT))
			read_one(r, (struct record *)(header + 2));
		pos += 16;
		store_release(r->consumer, pos);
	}
}

static void *read_thread(void *arg)
{
	while (!load_acquire(&now.stop)) {
		read_all(arg);
		sched_yield();
	}
	read_all(arg);
	return NULL;
}

/* --- a round ------------------------------------------------------------------------------ */

static struct bpf_map *begin_map(u32 at, u32 type, u32 key_size, u32 value_size, u32 entries,
				 u32 flags)
{
	struct bpf_map *map;

	now.fds[at] = map_new(type, key_size, value_size, entries, flags);
	EXPECT_EQ(map_by_fd(now.fds[at], &map), 0);
	map_put(map);
	return map;
}

static struct bpf_map *begin_storage(void)
{
	struct bpf_map *map;

	EXPECT_EQ(task_prepare(), 0);
	now.fds[5] = outer_storage_new();
	EXPECT_EQ(map_by_fd(now.fds[5], &map), 0);
	map_put(map);
	return map;
}

static void begin_round(u32 flags, struct reader *reader)
{
	u64 page = map_page_bytes();
	void *addr;

	memset(&now, 0, sizeof(now));
	now.hash = begin_map(0, BPF_MAP_TYPE_HASH, 4, sizeof(struct value), NR_ENTRIES, flags);
	now.lru = begin_map(1, BPF_MAP_TYPE_LRU_HASH, 4, sizeof(struct value), NR_ENTRIES, 0);
	now.percpu = begin_map(2, BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, 1, 0);
	now.ring = begin_map(3, BPF_MAP_TYPE_RINGBUF, 0, 0, RING_BYTES, 0);
	now.percpu_hash = begin_map(4, BPF_MAP_TYPE_PERCPU_HASH, 4, 8, NR_ENTRIES, flags);
	now.storage = begin_storage();
	outer_begin(&now.outer, flags ? BPF_MAP_TYPE_HASH_OF_MAPS : BPF_MAP_TYPE_ARRAY_OF_MAPS);
	map_rcu_read_lock();
	EXPECT_EQ(now.percpu_hash->ops->update(now.percpu_hash, &(u32){ 0 }, &(u64){ 0 }, 0), 0);
	map_rcu_read_unlock();
	for (u32 key = 0; key < NR_FIXED; key++)
		EXPECT_EQ(insert(key, key), 0);
	*reader = (struct reader){ NULL };
	EXPECT_EQ(rove_bpf_mmap(now.fds[3], page, PROT_READ | PROT_WRITE, MAP_SHARED, 0, &addr), 0);
	reader->consumer = addr;
	EXPECT_EQ(rove_bpf_mmap(now.fds[3], page + 2 * RING_BYTES, PROT_READ, MAP_SHARED, page,
				&addr), 0);
	reader->producer = addr;
	reader->data = (u8 *)addr + page;
}

static void run_round(struct reader *reader)
{
	pthread_t threads[NR_THREADS], consumer, changer;
	struct rove_hrtimer timer;

	EXPECT_EQ(pthread_create(&consumer, NULL, read_thread, reader), 0);
	EXPECT_EQ(pthread_create(&changer, NULL, outer_change, &now.outer), 0);
	EXPECT_EQ(rove_hrtimer_init(&timer, CLOCK_MONOTONIC, timer_fired), 0);
	rove_hrtimer_start(&timer, TIMER_NS, ROVE_HRTIMER_REL);
	for (intptr_t i = 0; i < NR_THREADS; i++)
		EXPECT_EQ(pthread_create(&threads[i], NULL, worker, (void *)i), 0);
	for (u32 i = 0; i < NR_THREADS; i++)
		pthread_join(threads[i], NULL);
	rove_hrtimer_cancel(&timer);
	store_release(&now.stop, 1);
	store_release(&now.outer.stop, 1);
	pthread_join(consumer, NULL);
	pthread_join(changer, NULL);
}

static u64 count_element(void *arg, const void *key, void *value)
{
	check_value(*(const u32 *)key, value);
	++*(u32 *)arg;
	return 0;
}

static u32 count_elements(struct bpf_map *map)
{
	u32 nr = 0;

	map_rcu_read_lock();
	map->ops->for_each(map, count_element, &nr);
	map_rcu_read_unlock();
	return nr;
}

static void check_hashes(void)
{
	struct value v;
	s32 sum = 0;

	for (u32 key = 0; key < NR_KEYS; key++) {
		s32 there = !map_lookup(now.fds[0], &key, &v);

		if (there != now.balance[key])
			bad("a key's balance is not its presence", key, now.balance[key]);
		sum += there;
	}
	EXPECT_EQ(count_elements(now.hash), sum);
	EXPECT_EQ(hash_of(now.hash)->nr_elems, sum);
	EXPECT_TRUE(count_elements(now.lru) <= NR_ENTRIES);
	EXPECT_EQ(count_elements(now.lru), hash_of(now.lru)->nr_elems);
}

static void end_round(struct reader *reader)
{
	u64 page = map_page_bytes(), sum = 0;

	check_hashes();
	for (u32 cpu = 0; cpu < map_nr_cpus(); cpu++)
		sum += *(u64 *)now.percpu->ops->lookup_cpu(now.percpu, &(u32){ 0 }, cpu);
	EXPECT_EQ(sum, now.nr_counted);
	sum = 0;
	map_rcu_read_lock();
	for (u32 cpu = 0; cpu < map_nr_cpus(); cpu++)
		sum += *(u64 *)now.percpu_hash->ops->lookup_cpu(now.percpu_hash, &(u32){ 0 }, cpu);
	map_rcu_read_unlock();
	EXPECT_EQ(sum, now.nr_hash_counted);
	EXPECT_TRUE(hash_nr_elems(now.percpu_hash) <= NR_ENTRIES);
	/* The timer's thread lives on. */
	EXPECT_TRUE(hash_nr_elems(now.storage) <= 1);
	nr_bad += outer_end(&now.outer);
	for (u32 i = 0; i < NR_WRITERS; i++)
		EXPECT_EQ(reader->next[i], now.nr_records[i]);
	munmap(reader->consumer, page);
	munmap(reader->producer, page + 2 * RING_BYTES);
	for (u32 i = 0; i < ARRAY_SIZE(now.fds); i++)
		EXPECT_EQ(rove_bpf_close(now.fds[i]), 0);
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
			if (who == HANDLER && allowed[op].only_handler[0])
				printf(" %d x %u", allowed[op].only_handler[0], nr[3]);
			if (who != THREAD && allowed[op].no_memory[0])
				printf(" %d x %u", allowed[op].no_memory[0], nr[4]);
			printf("\n");
		}
}

TEST(map_torture, every_operation_at_once_from_threads_handlers_and_timers)
{
	u64 end = clock_mono_ns() + torture_ns();
	struct sigaction action = { .sa_handler = in_handler, .sa_flags = SA_RESTART };
	struct reader reader;
	u32 round = 0;

	EXPECT_EQ(rove_softirq_start(), 0);
	sigaction(SIGUSR1, &action, NULL);
	do {
		begin_round(round++ % 2 ? BPF_F_NO_PREALLOC : 0, &reader);
		run_round(&reader);
		end_round(&reader);
		EXPECT_EQ(nr_bad, 0);
	} while (clock_mono_ns() < end || round < 2);
	print_outcomes();
	EXPECT_TRUE(outcomes[HANDLER][INSERT][0] && outcomes[TIMER][INSERT][0]);
}
