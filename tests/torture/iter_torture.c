/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/torture/iter_torture.c - walks through links while buffers come and go
 *
 * Two threads export and release DMA-bufs, and exchange the link's program; four
 * read iterators: to the end or not, by read(2) or by asking, in pieces of any
 * size, and one walks from inside a program.  Some buffers stay all the time: a walk
 * to the end gives each of them exactly once.  When all is over nothing is held.
 * ROVE_TORTURE_SECONDS (2) bounds the run.
 */
#include <pthread.h>

#include "base/clock.h"
#include "objects/dma_buf.h"
#include "objects/dma_buf_pace.h"
#include "tests/test.h"
#include "tests/torture/torture.h"
#include "tests/unit/link/iter.h"

#define NR_MAKERS 2
#define NR_READERS 4
#define NR_STAY 50
#define NR_COME_AND_GO 64
#define GOT_BYTES (64 << 10)

static bool stop;
static struct dma_buf *stay[NR_STAY];
static u64 stay_ino[NR_STAY];
static int prog_a, prog_b, link_fd, walker;

/* Walks without a pause are what is tried here. */
static void do_not_wait(u64 ns)
{
}

static const struct pace_clock impatient = { .now_ns = clock_mono_ns, .sleep_until = do_not_wait };

static u64 inode_of(struct dma_buf *buf)
{
	struct rove_dma_buf_attrs attrs;

	rove_dma_buf_read(buf, &attrs);
	return attrs.ino;
}

static s64 refs_of(struct dma_buf *buf)
{
	struct rove_dma_buf_attrs attrs;

	rove_dma_buf_read(buf, &attrs);
	return attrs.nr_refs;
}

/* The inode number of each buffer, eight bytes. */
static int inode_prog(void)
{
	const struct bpf_insn insns[] = {
		MOV_X(6, 1),
		LDX(BPF_DW, 2, 6, 8),
		JMP_K(BPF_JEQ, 2, 0, 10),
		LDX(BPF_DW, 3, 2, offsetof(struct dma_buf, file)),
		LDX(BPF_DW, 3, 3, offsetof(struct file, f_inode)),
		LDX(BPF_DW, 3, 3, offsetof(struct inode, i_ino)),
		STX(BPF_DW, 10, 3, -8),
		WRITE_AND_EXIT(8),
	};

	return iter_prog_flags("dmabuf", insns, ARRAY_SIZE(insns), BPF_F_SLEEPABLE);
}

#define KFUNC(name) INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, func_id(name))

/* Counts the buffers with an iterator of its own. */
static int walker_prog(void)
{
	const struct bpf_insn insns[] = {
		MOV_K(6, 0),
		MOV_X(1, 10),
		ADD_K(1, -8),
		KFUNC("bpf_iter_dmabuf_new"),
		MOV_X(1, 10),
		ADD_K(1, -8),
		KFUNC("bpf_iter_dmabuf_next"),
		JMP_K(BPF_JEQ, 0, 0, 3),
		LDX(BPF_DW, 1, 0, offsetof(struct dma_buf, size)),
		ADD_K(6, 1),
		INSN(BPF_JMP | BPF_JA, 0, 0, -7, 0),
		MOV_X(1, 10),
		ADD_K(1, -8),
		KFUNC("bpf_iter_dmabuf_destroy"),
		MOV_X(0, 6),
		EXIT(),
	};

	return SYSCALL_PROG(insns);
}

/* --- makers ------------------------------------------------------------------------------- */

static void *maker(void *arg)
{
	struct dma_buf *bufs[NR_COME_AND_GO] = { NULL };
	u64 random = 88172645463325252ull + (uintptr_t)arg;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		u64 r = next_random(&random);
		struct dma_buf **buf = &bufs[r % NR_COME_AND_GO];

		if (*buf) {
			rove_dma_buf_put(*buf);
			*buf = NULL;
		} else if (rove_dma_buf_export(PAGE, "torture", NULL, buf)) {
			*buf = NULL;
		}
		if (r >> 32 & 1)
			BPF(BPF_LINK_UPDATE, .link_update = {
				.link_fd = link_fd, .new_prog_fd = r >> 33 & 1 ? prog_a : prog_b });
	}
	for (u32 i = 0; i < NR_COME_AND_GO; i++)
		if (bufs[i])
			rove_dma_buf_put(bufs[i]);
	return NULL;
}

/* --- readers ------------------------------------------------------------------------------ */

struct tally {
	u64 whole, left, walked, wrong;
};

static u32 times_given(const char *got, size_t bytes, u64 ino)
{
	u32 times = 0;

	for (size_t at = 0; at + 8 <= bytes; at += 8)
		times += !memcmp(got + at, &ino, 8);
	return times;
}

static void check_whole(const char *got, ssize_t bytes, struct tally *t)
{
	t->whole++;
	if (bytes < 8 * NR_STAY || bytes % 8)
		t->wrong++;
	for (u32 i = 0; bytes > 0 && i < NR_STAY; i++)
		t->wrong += times_given(got, bytes, stay_ino[i]) != 1;
}

static void read_one(char *got, u64 r, struct tally *t)
{
	bool asks = r & 1, quiet = r & 2, leaves = r & 4;
	size_t chunk = 1 + (r >> 8) % 4000;
	int fd = quiet ? rove_bpf_iter_open(link_fd) : iter_new(link_fd);
	ssize_t n;

	if (fd < 0) {
		t->wrong++;
		return;
	}
	if (leaves) {
		t->left++;
		n = quiet || asks ? rove_bpf_iter_read(fd, got, chunk) : read(fd, got, chunk);
		t->wrong += n <= 0;
	} else {
		n = quiet || asks ? ask_all(fd, got, GOT_BYTES, chunk) :
				    read_all(fd, got, GOT_BYTES, chunk);
		check_whole(got, n, t);
	}
	if (r & 8)
		close(fd);
	else if (rove_bpf_close(fd))
		close(fd);
}

static void *reader(void *arg)
{
	struct tally *t = arg;
	u64 random = 0x9e3779b97f4a7c15ull + (uintptr_t)arg;
	char *got = malloc(GOT_BYTES);
	u32 value;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		u64 r = next_random(&random);

		if (r >> 60) {
			read_one(got, r, t);
			continue;
		}
		t->walked++;
		t->wrong += prog_test_run(walker, NULL, 0, &value) || value < NR_STAY;
	}
	free(got);
	return NULL;
}

TEST(iter_torture, whole_walks_are_whole_and_nothing_stays_held)
{
	struct tally tally[NR_READERS] = { 0 }, all = { 0 };
	pthread_t makers[NR_MAKERS], readers[NR_READERS];
	u64 end_ns;

	dma_buf_pace_clock = &impatient;
	buffers_new(stay, NR_STAY);
	for (u32 i = 0; i < NR_STAY; i++)
		stay_ino[i] = inode_of(stay[i]);
	prog_a = inode_prog();
	prog_b = inode_prog();
	walker = walker_prog();
	EXPECT_TRUE(prog_a >= 0 && prog_b >= 0 && walker >= 0);
	link_fd = link_new(prog_a);
	EXPECT_TRUE(link_fd >= 0);
	end_ns = clock_mono_ns() + torture_ns();
	for (u32 i = 0; i < NR_MAKERS; i++)
		pthread_create(&makers[i], NULL, maker, (void *)(uintptr_t)(i + 1));
	for (u32 i = 0; i < NR_READERS; i++)
		pthread_create(&readers[i], NULL, reader, &tally[i]);
	while (clock_mono_ns() < end_ns)
		usleep(10000);
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (u32 i = 0; i < NR_MAKERS; i++)
		pthread_join(makers[i], NULL);
	for (u32 i = 0; i < NR_READERS; i++) {
		pthread_join(readers[i], NULL);
		all.whole += tally[i].whole;
		all.left += tally[i].left;
		all.walked += tally[i].walked;
		all.wrong += tally[i].wrong;
	}
	printf("# %llu whole walks, %llu left half-way, %llu from inside\n",
	       (unsigned long long)all.whole, (unsigned long long)all.left,
	       (unsigned long long)all.walked);
	EXPECT_EQ(all.wrong, 0);
	EXPECT_TRUE(all.whole && all.left && all.walked);

	EXPECT_EQ(rove_bpf_close(link_fd), 0);
	EXPECT_EQ(rove_bpf_close(prog_a), 0);
	EXPECT_EQ(rove_bpf_close(prog_b), 0);
	EXPECT_EQ(rove_bpf_close(walker), 0);
	/* The thread notices the last plain close(2) in its own time. */
	while (count_ids(BPF_PROG_GET_NEXT_ID))
		usleep(1000);
	for (u32 i = 0; i < NR_STAY; i++)
		EXPECT_EQ(refs_of(stay[i]), 1);
	buffers_put(stay, NR_STAY);
	rove_dma_bufs_barrier();
}
