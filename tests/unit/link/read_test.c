/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Reading an iterator: by read(2) and by asking, whole, in pieces, too much, not to the end.
 */
#include <sys/mman.h>
#include <sys/wait.h>

#include "tests/test.h"
#include "tests/unit/link/iter.h"

#define NR 300

static char got[1 << 20];

/* One link of write_numbers[] over @nr buffers. */
struct fixture {
	struct dma_buf *bufs[NR];
	int prog, link;
};

static void begin_with(struct fixture *f, const struct bpf_insn *insns, u32 nr_insns)
{
	buffers_new(f->bufs, NR);
	f->prog = iter_prog_flags("dmabuf", insns, nr_insns, BPF_F_SLEEPABLE);
	EXPECT_TRUE(f->prog >= 0);
	f->link = link_new(f->prog);
	EXPECT_TRUE(f->link >= 0);
}

static void begin(struct fixture *f)
{
	begin_with(f, write_numbers, ARRAY_SIZE(write_numbers));
}

static void end(struct fixture *f)
{
	EXPECT_EQ(rove_bpf_close(f->link), 0);
	EXPECT_EQ(rove_bpf_close(f->prog), 0);
	buffers_put(f->bufs, NR);
	rove_dma_bufs_barrier();
}

static void expect_numbers(u32 nr)
{
	u64 number;

	for (u32 i = 0; i < nr; i++) {
		memcpy(&number, got + 8 * i, 8);
		EXPECT_EQ(number, i);
	}
}

TEST(iter_read, every_size_of_a_read_gives_the_same_bytes)
{
	static const size_t sizes[] = { 1, 3, 8, 13, 100, 2400, sizeof(got) };
	struct fixture f;

	begin(&f);
	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++) {
		int fd = iter_new(f.link), asked = iter_new(f.link);
		int quiet = rove_bpf_iter_open(f.link);

		EXPECT_TRUE(fd >= 0 && asked >= 0 && quiet >= 0);
		EXPECT_EQ(read_all(fd, got, sizeof(got), sizes[i]), 8 * NR);
		expect_numbers(NR);
		EXPECT_EQ(read(fd, got, 8), 0);
		EXPECT_EQ(rove_bpf_iter_read(fd, got, 8), 0);
		EXPECT_EQ(ask_all(asked, got, sizeof(got), sizes[i]), 8 * NR);
		expect_numbers(NR);
		EXPECT_EQ(ask_all(quiet, got, sizeof(got), sizes[i]), 8 * NR);
		expect_numbers(NR);
		EXPECT_EQ(rove_bpf_iter_read(quiet, got, 8), 0);
		close(fd);
		close(asked);
		close(quiet);
	}
	end(&f);
}

TEST(iter_read, a_read_that_shows_nothing_ends_after_the_last)
{
	static const struct bpf_insn nothing[] = { MOV_K(0, 0), EXIT() };
	struct fixture f;
	int fd;

	begin_with(&f, nothing, ARRAY_SIZE(nothing));
	fd = iter_new(f.link);
	EXPECT_EQ(read(fd, got, sizeof(got)), 0);
	close(fd);
	fd = rove_bpf_iter_open(f.link);
	EXPECT_EQ(rove_bpf_iter_read(fd, got, sizeof(got)), 0);
	EXPECT_EQ(rove_bpf_iter_read(fd, got, 0), 0);
	EXPECT_EQ(read(fd, got, 1), -1);
	EXPECT_EQ(errno, EAGAIN);
	close(fd);
	end(&f);
}

/* @bytes of the value of @map for each object; the first @small of them only 8. */
#define WRITE_VALUE(map, bytes, small) { \
	MOV_X(6, 1), \
	LDX(BPF_DW, 2, 6, 8), \
	JMP_K(BPF_JEQ, 2, 0, 10), \
	SEQ_NUM_IN(4), \
	MOV_K(3, 8), \
	JMP_K(BPF_JLT, 4, small, 1), \
	MOV_K(3, bytes), \
	SEQ_IN_R1, \
	LD_MAP_VALUE(2, map, 0), \
	SEQ_WRITE, \
	MOV_K(0, 0), \
	EXIT(), \
}

TEST(iter_read, an_object_that_does_not_fit_eight_pages_is_an_error_behind_the_others)
{
	int map = map_new(BPF_MAP_TYPE_ARRAY, 4, 16 * PAGE, 1, 0);
	struct bpf_insn insns[] = WRITE_VALUE(map, 8 * PAGE, 5);
	struct bpf_insn fits[] = WRITE_VALUE(map, 8 * PAGE - 1, 5);
	struct fixture f;
	ssize_t n;
	int fd;

	begin_with(&f, insns, ARRAY_SIZE(insns));
	fd = rove_bpf_iter_open(f.link);
	EXPECT_EQ(rove_bpf_iter_read(fd, got, sizeof(got)), 5 * 8);
	EXPECT_EQ(rove_bpf_iter_read(fd, got, sizeof(got)), -E2BIG);
	EXPECT_EQ(rove_bpf_iter_read(fd, got, sizeof(got)), -E2BIG);
	close(fd);
	/* read(2) cannot say so, but never looks like the end. */
	fd = iter_new(f.link);
	EXPECT_EQ(read_all(fd, got, 5 * 8, sizeof(got)), 5 * 8);
	EXPECT_EQ(read(fd, got, sizeof(got)), -1);
	EXPECT_EQ(errno, ECONNRESET);
	/* Asked, it says why, as often as one likes. */
	EXPECT_EQ(rove_bpf_iter_read(fd, got, sizeof(got)), -E2BIG);
	EXPECT_EQ(rove_bpf_iter_read(fd, got, sizeof(got)), -E2BIG);
	close(fd);
	fd = iter_new(f.link);
	n = ask_all(fd, got, sizeof(got), sizeof(got));
	EXPECT_EQ(n, -E2BIG);
	close(fd);
	end(&f);

	begin_with(&f, fits, ARRAY_SIZE(fits));
	fd = rove_bpf_iter_open(f.link);
	EXPECT_EQ(rove_bpf_iter_read(fd, got, sizeof(got)), 5 * 8);
	EXPECT_EQ(rove_bpf_iter_read(fd, got, sizeof(got)), 8 * PAGE - 1);
	close(fd);
	end(&f);
	EXPECT_EQ(rove_bpf_close(map), 0);
}

TEST(iter_read, much_more_than_a_stream_holds_arrives_whole)
{
	int map = map_new(BPF_MAP_TYPE_ARRAY, 4, 16 * PAGE, 1, 0);
	struct bpf_insn insns[] = WRITE_VALUE(map, 8000, 0);
	struct fixture f;
	ssize_t n, sum = 0;
	int fd;

	begin_with(&f, insns, ARRAY_SIZE(insns));
	fd = iter_new(f.link);
	while ((n = read(fd, got, 1000)) > 0)
		sum += n;
	EXPECT_EQ(n, 0);
	EXPECT_EQ(sum, 8000 * NR);
	close(fd);
	end(&f);
	EXPECT_EQ(rove_bpf_close(map), 0);
}

TEST(iter_read, a_program_that_returns_1_gets_the_same_object_again)
{
	int map = map_new(BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0);
	/* 8 bytes for each; for number 2 only if the map says so */
	struct bpf_insn insns[] = {
		MOV_X(6, 1),
		MOV_K(0, 0),
		LDX(BPF_DW, 2, 6, 8),
		JMP_K(BPF_JEQ, 2, 0, 16),
		SEQ_NUM_IN(3),
		STX(BPF_DW, 10, 3, -8),
		LD_MAP_VALUE(1, map, 0),
		LDX(BPF_DW, 4, 1, 0),
		MOV_K(0, 1),
		JMP_K(BPF_JNE, 3, 2, 1),
		JMP_K(BPF_JEQ, 4, 0, 7),
		WRITE_AND_EXIT(8),
	};
	struct fixture f;
	u64 yes = 1;
	u32 key = 0;
	int fd;

	begin_with(&f, insns, ARRAY_SIZE(insns));
	fd = rove_bpf_iter_open(f.link);
	EXPECT_EQ(rove_bpf_iter_read(fd, got, sizeof(got)), 2 * 8);
	EXPECT_EQ(rove_bpf_iter_read(fd, got, sizeof(got)), -EAGAIN);
	EXPECT_EQ(rove_bpf_iter_read(fd, got, sizeof(got)), -EAGAIN);
	EXPECT_EQ(map_update(map, &key, &yes, 0), 0);
	EXPECT_EQ(ask_all(fd, got + 2 * 8, sizeof(got) - 16, sizeof(got)), 8 * (NR - 2));
	expect_numbers(NR);
	close(fd);
	end(&f);
	EXPECT_EQ(rove_bpf_close(map), 0);
}

/* --- who holds what ----------------------------------------------------------------------- */

static s64 nr_refs(struct dma_buf *buf)
{
	struct rove_dma_buf_attrs attrs;

	rove_dma_buf_read(buf, &attrs);
	return attrs.nr_refs;
}

TEST(iter_read, the_buffer_at_hand_is_held_until_the_reader_goes_away)
{
	struct fixture f;
	int fd, copy;

	begin(&f);
	/* Newest first: after one object the walk stands on the last but one. */
	fd = rove_bpf_iter_open(f.link);
	EXPECT_EQ(rove_bpf_iter_read(fd, got, 8), 8);
	EXPECT_EQ(nr_refs(f.bufs[NR - 1]), 1);
	EXPECT_EQ(nr_refs(f.bufs[NR - 2]), 2);
	EXPECT_EQ(rove_bpf_iter_read(fd, got, 8), 8);
	EXPECT_EQ(nr_refs(f.bufs[NR - 2]), 1);
	EXPECT_EQ(nr_refs(f.bufs[NR - 3]), 2);
	copy = dup(fd);
	close(fd);
	EXPECT_EQ(rove_bpf_iter_read(copy, got, 8), 8);
	EXPECT_EQ(nr_refs(f.bufs[NR - 4]), 2);
	close(copy);
	while (nr_refs(f.bufs[NR - 4]) != 1)	/* the thread notices */
		usleep(100);
	end(&f);
}

TEST(iter_read, a_reader_that_goes_away_half_way_leaves_nothing_held)
{
	int map = map_new(BPF_MAP_TYPE_ARRAY, 4, 16 * PAGE, 1, 0);
	struct bpf_insn insns[] = WRITE_VALUE(map, 8000, 0);
	struct fixture f;
	s64 more = 1;
	int fd;

	begin_with(&f, insns, ARRAY_SIZE(insns));
	fd = iter_new(f.link);
	EXPECT_EQ(read(fd, got, 100), 100);
	close(fd);
	while (more) {
		more = 0;
		for (u32 i = 0; i < NR; i++)
			more += nr_refs(f.bufs[i]) - 1;
		if (more)
			usleep(100);
	}
	end(&f);
	EXPECT_EQ(rove_bpf_close(map), 0);
}

TEST(iter_read, a_descriptor_outlives_its_link_and_its_program)
{
	struct dma_buf *bufs[3];
	int prog, link, fd;

	buffers_new(bufs, 3);
	prog = ITER_PROG("dmabuf", write_numbers);
	link = link_new(prog);
	fd = rove_bpf_iter_open(link);
	EXPECT_EQ(rove_bpf_close(prog), 0);
	EXPECT_EQ(rove_bpf_close(link), 0);
	EXPECT_EQ(count_ids(BPF_LINK_GET_NEXT_ID), 0);
	EXPECT_EQ(count_ids(BPF_PROG_GET_NEXT_ID), 1);
	EXPECT_EQ(ask_all(fd, got, sizeof(got), 8), 3 * 8);
	expect_numbers(3);
	close(fd);
	while (count_ids(BPF_PROG_GET_NEXT_ID))	/* the thread notices */
		usleep(100);
	buffers_put(bufs, 3);
}

TEST(iter_read, a_child_that_keeps_everything_open_does_not_keep_the_stream_open)
{
	struct fixture f;
	int fd, hold[2];
	pid_t child;
	char byte;

	begin(&f);
	fd = iter_new(f.link);
	EXPECT_EQ(pipe(hold), 0);
	child = fork();
	if (!child) {
		close(hold[1]);
		_exit(read(hold[0], &byte, 1) ? 1 : 0);
	}
	EXPECT_EQ(read_all(fd, got, sizeof(got), 100), 8 * NR);
	close(fd);
	close(hold[1]);
	close(hold[0]);
	EXPECT_EQ(waitpid(child, NULL, 0), child);
	end(&f);
}

TEST(iter_read, what_is_no_iterator_is_refused)
{
	int pipes[2], map = map_new(BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0);

	EXPECT_EQ(pipe(pipes), 0);
	EXPECT_EQ(rove_bpf_iter_read(pipes[0], got, 8), -EINVAL);
	EXPECT_EQ(rove_bpf_iter_read(map, got, 8), -EINVAL);
	EXPECT_EQ(rove_bpf_iter_read(-1, got, 8), -EBADF);
	EXPECT_EQ(rove_bpf_iter_open(map), -EINVAL);
	EXPECT_EQ(rove_bpf_iter_open(-1), -EBADF);
	close(pipes[0]);
	close(pipes[1]);
	EXPECT_EQ(rove_bpf_close(map), 0);
}
