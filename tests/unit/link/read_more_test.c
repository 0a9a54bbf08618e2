/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Reading iterators of every target, in reads of every size, records of every size, by several
 * threads, through signals, and while what they walk over goes away.
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

#include <rove/timer.h>
#include <rove/wakeup.h>
#include <rove/workqueue.h>

#include "base/atomic.h"
#include "base/clock.h"
#include "tests/test.h"
#include "tests/unit/link/iter.h"

#define ROOM (1 << 22)
#define NR_BUFS 320		/* more than 4096 bytes of records */
#define NR_OTHERS 20
#define RECORD 13

static char got[ROOM], want[ROOM];

/* --- every target ------------------------------------------------------------------------- */

/* 13 bytes each time it is called, with or without an object: its number, and five more. */
static const struct bpf_insn odd_records[] = {
	MOV_X(6, 1),
	SEQ_NUM_IN(3),
	STX(BPF_DW, 10, 3, -16),
	ST(BPF_DW, 10, -8, 0x2e2d2c2b),
	SEQ_IN_R1,
	MOV_X(2, 10),
	ADD_K(2, -16),
	MOV_K(3, RECORD),
	SEQ_WRITE,
	MOV_K(0, 0),
	EXIT(),
};

struct others {
	int maps[NR_OTHERS];
	struct wakeup_source *sources[NR_OTHERS];
	struct rove_hrtimer timers[NR_OTHERS];
	struct rove_workqueue *queue;
};

static enum rove_hrtimer_restart never(struct rove_hrtimer *timer)
{
	return ROVE_HRTIMER_NORESTART;
}

static void others_begin(struct others *o)
{
	struct rove_wq_options options = { .size = sizeof(options), .flags = ROVE_WQ_UNBOUND };

	for (u32 i = 0; i < NR_OTHERS; i++) {
		o->maps[i] = map_new(BPF_MAP_TYPE_ARRAY, 4, 8, 40, 0);
		EXPECT_TRUE(o->maps[i] >= 0);
		EXPECT_EQ(rove_wakeup_source_register(NULL, "test", &o->sources[i]), 0);
		EXPECT_EQ(rove_hrtimer_init(&o->timers[i], CLOCK_MONOTONIC, never), 0);
		rove_hrtimer_start(&o->timers[i], 1ull << 60, 0);
	}
	EXPECT_EQ(rove_workqueue_create("test", &options, &o->queue), 0);
}

static void others_end(struct others *o)
{
	rove_workqueue_free(o->queue);
	for (u32 i = 0; i < NR_OTHERS; i++) {
		rove_hrtimer_cancel(&o->timers[i]);
		rove_wakeup_source_unregister(o->sources[i]);
		EXPECT_EQ(rove_bpf_close(o->maps[i]), 0);
	}
	rove_wakeup_sources_barrier();
}

/*
 * Records whole and in order: at least @least, for the library has timers and pools of its own,
 * which come and go.  Behind the last object there may be one more with the last number.
 */
static void expect_records(ssize_t bytes, u32 least)
{
	s64 nr = bytes / RECORD;

	EXPECT_EQ(bytes % RECORD, 0);
	EXPECT_TRUE(nr >= least);
	for (s64 i = 0; i < nr; i++) {
		u64 number;

		memcpy(&number, got + i * RECORD, 8);
		EXPECT_TRUE(number == (u64)i || (i == nr - 1 && number == (u64)i - 1));
		EXPECT_MEM_EQ(got + i * RECORD + 8, "\x2b\x2c\x2d\x2e", 5);
	}
}

/* By read(2), and by asking for a descriptor that is only asked. */
static void expect_size(int link, u32 least, size_t size)
{
	int fd = iter_new(link), asked = rove_bpf_iter_open(link);

	EXPECT_TRUE(fd >= 0 && asked >= 0);
	expect_records(read_all(fd, got, ROOM, size), least);
	expect_records(ask_all(asked, got, ROOM, size), least);
	EXPECT_EQ(close(fd), 0);
	EXPECT_EQ(rove_bpf_close(asked), 0);
}

/* Reads of all sizes up to that which takes everything, and a few more. */
static void expect_every_size(const char *target, int map, u32 least)
{
	int prog = ITER_PROG(target, odd_records);
	int link = map ? link_to_map(prog, map) : link_new(prog);

	EXPECT_TRUE(prog >= 0 && link >= 0);
	for (size_t size = 1; size <= min(least * RECORD + 3, 4096u); size++)
		expect_size(link, least, size);
	EXPECT_EQ(rove_bpf_close(link), 0);
	EXPECT_EQ(rove_bpf_close(prog), 0);
}

TEST(read_more, every_size_gives_whole_records_of_every_target)
{
	struct others o;

	others_begin(&o);
	expect_every_size("bpf_map", 0, NR_OTHERS);
	expect_every_size("bpf_prog", 0, 1);
	expect_every_size("bpf_link", 0, 1);
	expect_every_size("bpf_map_elem", o.maps[3], 40);
	expect_every_size("wakeup_source", 0, NR_OTHERS);
	expect_every_size("timer", 0, NR_OTHERS);
	expect_every_size("workqueue", 0, 1);
	expect_every_size("worker_pool", 0, 1);
	others_end(&o);
}

TEST(read_more, every_size_up_to_4096_gives_the_same_buffers)
{
	static struct dma_buf *bufs[NR_BUFS];

	buffers_new(bufs, NR_BUFS);
	expect_every_size("dmabuf", 0, NR_BUFS);
	buffers_put(bufs, NR_BUFS);
}

/* --- records of any size ------------------------------------------------------------------ */

#define NR_RECORDS 150
#define TEXT_BYTES 40000
#define MOST 32767		/* what fits eight pages of 4 KiB */

/* Of element i as many bytes as it says, from byte i of the text on. */
static int any_size_prog(int text)
{
	const struct bpf_insn insns[] = {
		MOV_X(6, 1),
		LDX(BPF_DW, 7, 6, 24),
		JMP_K(BPF_JEQ, 7, 0, 12),
		LDX(BPF_DW, 8, 6, 16),
		JMP_K(BPF_JEQ, 8, 0, 10),
		LDX(BPF_W, 8, 8, 0),
		INSN(BPF_ALU64 | BPF_AND | BPF_K, 8, 0, 0, 0xff),
		LDX(BPF_DW, 3, 7, 0),
		JMP_K(BPF_JGT, 3, MOST, 6),
		SEQ_IN_R1,
		LD_MAP_VALUE(2, text, 0),
		INSN(BPF_ALU64 | BPF_ADD | BPF_X, 2, 8, 0, 0),
		SEQ_WRITE,
		MOV_K(0, 0),
		EXIT(),
	};

	return iter_prog_flags("bpf_map_elem", insns, ARRAY_SIZE(insns), 0);
}

static u64 any(u64 *state)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return *state >> 33;
}

static u64 any_size(u64 *state)
{
	static const u32 edges[] = { 0, 1, 4095, 4096, MOST - 1, MOST };

	switch (any(state) % 8) {
	case 0: return edges[any(state) % ARRAY_SIZE(edges)];
	case 1: return any(state) % (MOST + 1);
	default: return any(state) % 200;
	}
}

/* Sizes for all elements, and what is to come of them. */
static size_t fill_sizes(int sizes, const char *text, u64 *state)
{
	size_t bytes = 0;

	for (u32 i = 0; i < NR_RECORDS; i++) {
		u64 size = any_size(state);

		EXPECT_EQ(map_update(sizes, &i, &size, 0), 0);
		memcpy(want + bytes, text + i, size);
		bytes += size;
	}
	return bytes;
}

/* The size of each read is another. */
static void expect_text(int fd, bool asks, size_t bytes, u64 *state)
{
	size_t have = 0;
	ssize_t n;

	do {
		size_t size = 1 + any_size(state);

		n = asks ? rove_bpf_iter_read(fd, got + have, size) : read(fd, got + have, size);
		EXPECT_TRUE(n >= 0 && n <= (ssize_t)size);
		have += n;
	} while (n);
	EXPECT_EQ(have, bytes);
	EXPECT_MEM_EQ(got, want, bytes);
	EXPECT_EQ(close(fd), 0);
}

TEST(read_more, records_of_any_size_arrive_whole_and_in_order)
{
	int text_map = map_new(BPF_MAP_TYPE_ARRAY, 4, TEXT_BYTES, 1, 0);
	int sizes = map_new(BPF_MAP_TYPE_ARRAY, 4, 8, NR_RECORDS, 0);
	char *text = malloc(TEXT_BYTES);
	u64 random = 1;
	u32 first = 0;
	int prog, link;

	for (u32 i = 0; i < TEXT_BYTES; i++)
		text[i] = i * 7 + i / 251;
	EXPECT_EQ(map_update(text_map, &first, text, 0), 0);
	prog = any_size_prog(text_map);
	link = link_to_map(prog, sizes);
	EXPECT_TRUE(prog >= 0 && link >= 0);
	for (u32 round = 0; round < 60; round++) {
		size_t bytes = fill_sizes(sizes, text, &random);

		expect_text(iter_new(link), false, bytes, &random);
		expect_text(iter_new(link), true, bytes, &random);
		expect_text(rove_bpf_iter_open(link), true, bytes, &random);
	}
	EXPECT_EQ(rove_bpf_close(link), 0);
	EXPECT_EQ(rove_bpf_close(prog), 0);
	EXPECT_EQ(rove_bpf_close(sizes), 0);
	EXPECT_EQ(rove_bpf_close(text_map), 0);
	free(text);
}

/* --- several readers, signals ------------------------------------------------------------- */

#define NR_READERS 4
#define NR_NUMBERS 30000

static u8 seen[NR_NUMBERS];

struct readers {
	int fd;
	bool ask;
};

/* Each read takes whole records, however many read at once. */
static void *read_some(void *arg)
{
	struct readers *r = arg;
	u64 numbers[7];
	ssize_t n;

	for (u32 i = 0;; i++) {
		size_t size = (1 + i % 7) * 8;

		n = r->ask ? rove_bpf_iter_read(r->fd, numbers, size) : read(r->fd, numbers, size);
		if (n <= 0)
			return (void *)(intptr_t)n;
		for (ssize_t at = 0; at < n / 8; at++)
			if (numbers[at] < NR_NUMBERS)
				add_fetch_relaxed(&seen[numbers[at]], 1);
		if (n % 8)
			return (void *)-1;
	}
}

static void expect_shared(int link, bool ask)
{
	struct readers r = { .fd = ask ? rove_bpf_iter_open(link) : iter_new(link), .ask = ask };
	pthread_t threads[NR_READERS];
	void *end;

	memset(seen, 0, sizeof(seen));
	for (u32 i = 0; i < NR_READERS; i++)
		EXPECT_EQ(pthread_create(&threads[i], NULL, read_some, &r), 0);
	for (u32 i = 0; i < NR_READERS; i++) {
		EXPECT_EQ(pthread_join(threads[i], &end), 0);
		EXPECT_PTR_EQ(end, NULL);
	}
	for (u32 i = 0; i < NR_NUMBERS; i++)
		EXPECT_EQ(seen[i], 1);
	EXPECT_EQ(close(r.fd), 0);
}

/* A link whose program writes a number, of 8 bytes, for each of @nr elements. */
static int numbers_link(int map)
{
	const struct bpf_insn insns[] = {
		MOV_X(6, 1),
		LDX(BPF_DW, 2, 6, 16),
		JMP_K(BPF_JEQ, 2, 0, 9),
		SEQ_NUM_IN(3),
		STX(BPF_DW, 10, 3, -8),
		SEQ_IN_R1,
		MOV_X(2, 10),
		ADD_K(2, -8),
		MOV_K(3, 8),
		SEQ_WRITE,
		MOV_K(0, 0),
		EXIT(),
	};
	int prog = iter_prog_flags("bpf_map_elem", insns, ARRAY_SIZE(insns), 0);
	int link = link_to_map(prog, map);

	EXPECT_TRUE(prog >= 0 && link >= 0);
	EXPECT_EQ(rove_bpf_close(prog), 0);
	return link;
}

TEST(read_more, several_readers_of_one_descriptor_share_out_whole_records)
{
	int map = map_new(BPF_MAP_TYPE_ARRAY, 4, 8, NR_NUMBERS, 0), link = numbers_link(map);

	for (u32 round = 0; round < 5; round++) {
		expect_shared(link, false);
		expect_shared(link, true);
	}
	EXPECT_EQ(rove_bpf_close(link), 0);
	EXPECT_EQ(rove_bpf_close(map), 0);
}

static u32 nr_signals;

static void on_signal(int nr)
{
	add_fetch_relaxed(&nr_signals, 1);
}

TEST(read_more, signals_interrupt_a_read_and_lose_nothing)
{
	int map = map_new(BPF_MAP_TYPE_ARRAY, 4, 8, NR_NUMBERS, 0), link = numbers_link(map);
	struct itimerval often = { { 0, 50 }, { 0, 50 } }, off = { { 0, 0 }, { 0, 0 } };
	struct sigaction action = { .sa_handler = on_signal }, was;	/* no SA_RESTART */

	EXPECT_EQ(sigaction(SIGALRM, &action, &was), 0);
	EXPECT_EQ(setitimer(ITIMER_REAL, &often, NULL), 0);
	while (load_acquire(&nr_signals) < 500) {
		int fd = iter_new(link);
		u64 next = 0, number;
		ssize_t n;

		if (fd < 0) {
			EXPECT_EQ(fd, -EINTR);
			continue;
		}
		while ((n = read(fd, &number, 8))) {
			if (n < 0) {
				EXPECT_EQ(errno, EINTR);
				continue;
			}
			EXPECT_EQ(n, 8);
			EXPECT_EQ(number, next);
			next++;
		}
		EXPECT_EQ(next, NR_NUMBERS);
		close(fd);
	}
	EXPECT_EQ(setitimer(ITIMER_REAL, &off, NULL), 0);
	EXPECT_EQ(sigaction(SIGALRM, &was, NULL), 0);
	EXPECT_EQ(rove_bpf_close(link), 0);
	EXPECT_EQ(rove_bpf_close(map), 0);
}

/* --- what a descriptor is not ------------------------------------------------------------- */

TEST(read_more, a_descriptor_has_no_place_and_takes_nothing)
{
	int map = map_new(BPF_MAP_TYPE_ARRAY, 4, 8, 10, 0), link = numbers_link(map);
	int fd = iter_new(link);
	struct pollfd at = { .fd = fd, .events = POLLIN };
	u64 number;

	EXPECT_EQ(lseek(fd, 0, SEEK_SET), -1);
	EXPECT_EQ(errno, ESPIPE);
	EXPECT_EQ(pread(fd, &number, 8, 0), -1);
	EXPECT_EQ(errno, ESPIPE);
	/* What is to be had says poll(2), at the end as well. */
	EXPECT_EQ(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	for (u32 i = 0; i < 10; i++) {
		EXPECT_EQ(poll(&at, 1, -1), 1);
		EXPECT_EQ(read(fd, &number, 8), 8);
		EXPECT_EQ(number, i);
	}
	EXPECT_EQ(poll(&at, 1, -1), 1);
	EXPECT_EQ(read(fd, &number, 8), 0);
	close(fd);
	EXPECT_EQ(rove_bpf_close(link), 0);
	EXPECT_EQ(rove_bpf_close(map), 0);
}

/* --- what goes away ----------------------------------------------------------------------- */

/* Which elements of @nr were shown, by the numbers that lie at the beginning of each. */
static void expect_once(u32 nr_records, u32 step, u32 nr)
{
	memset(seen, 0, nr);
	for (u32 i = 0; i < nr_records; i++) {
		u64 number;

		memcpy(&number, got + 8 * i, 8);
		EXPECT_TRUE(number < nr);
		EXPECT_EQ(seen[number]++, 0);
	}
	for (u32 i = 0; i < nr; i += step)
		EXPECT_EQ(seen[i], 1);
}

/* A link over dmabufs whose program writes their sizes in pages, less one. */
static int sizes_link(void)
{
	struct bpf_insn insns[] = {
		MOV_X(6, 1),
		LDX(BPF_DW, 2, 6, 8),
		JMP_K(BPF_JEQ, 2, 0, 10),
		LDX(BPF_DW, 3, 2, 0),
		INSN(BPF_ALU64 | BPF_RSH | BPF_K, 3, 0, 0, 12),
		ADD_K(3, -1),
		STX(BPF_DW, 10, 3, -8),
		SEQ_IN_R1,
		MOV_X(2, 10),
		ADD_K(2, -8),
		MOV_K(3, 8),
		SEQ_WRITE,
		MOV_K(0, 0),
		EXIT(),
	};
	int prog = iter_prog_flags("dmabuf", insns, ARRAY_SIZE(insns), 0), link = link_new(prog);

	EXPECT_TRUE(prog >= 0 && link >= 0);
	EXPECT_EQ(rove_bpf_close(prog), 0);
	return link;
}

/* Before each read some that are behind go, and some that stand first, too. */
TEST(read_more, buffers_that_go_between_two_reads_hide_no_other_and_show_none_twice)
{
	enum { NR = 400, STAYS = 4 };
	static struct dma_buf *bufs[NR];
	int link = sizes_link();
	u64 random = 7;

	for (u32 round = 0; round < 30; round++) {
		int fd = rove_bpf_iter_open(link);
		size_t have = 0;
		ssize_t n;

		for (u32 i = 0; i < NR; i++)
			EXPECT_EQ(rove_dma_buf_export((i + 1) * PAGE, "test", NULL, &bufs[i]), 0);
		while ((n = rove_bpf_iter_read(fd, got + have, 8 * (1 + any(&random) % 9))) > 0) {
			have += n;
			for (u32 k = 0; k < 12; k++) {
				u32 i = any(&random) % NR;

				if (i % STAYS) {
					rove_dma_buf_put(bufs[i]);
					bufs[i] = NULL;
				}
			}
		}
		EXPECT_EQ(n, 0);
		EXPECT_EQ(have % 8, 0);
		expect_once(have / 8, STAYS, NR);
		EXPECT_EQ(rove_bpf_close(fd), 0);
		for (u32 i = 0; i < NR; i++)
			rove_dma_buf_put(bufs[i]);
	}
	rove_dma_bufs_barrier();
	EXPECT_EQ(rove_bpf_close(link), 0);
}
