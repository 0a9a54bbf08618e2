/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Ring buffers: the kernel's layout, and one reader against several writers.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/context.h"
#include "bpf/map/map.h"
#include "tests/test.h"
#include "tests/unit/syscall/bpf.h"

#define PAGE 4096u

static int ringbuf(u32 bytes)
{
	return map_new(BPF_MAP_TYPE_RINGBUF, 0, 0, bytes, 0);
}

/* A reader's view, as libbpf maps it. */
struct reader {
	int fd;
	u32 bytes;
	struct bpf_map *map;
	u64 *consumer;
	u8 *producer, *data;
};

static struct reader reader_new(u32 bytes)
{
	struct reader r = { .fd = ringbuf(bytes), .bytes = bytes };
	void *addr = NULL;

	EXPECT_EQ(map_by_fd(r.fd, &r.map), 0);
	EXPECT_EQ(rove_bpf_mmap(r.fd, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, 0, &addr), 0);
	r.consumer = addr;
	EXPECT_EQ(rove_bpf_mmap(r.fd, PAGE + 2 * bytes, PROT_READ, MAP_SHARED, PAGE, &addr), 0);
	r.producer = addr;
	r.data = r.producer + PAGE;
	return r;
}

static void reader_free(struct reader *r)
{
	munmap(r->consumer, PAGE);
	munmap(r->producer, PAGE + 2 * r->bytes);
	map_put(r->map);
	EXPECT_EQ(rove_bpf_close(r->fd), 0);
}

static u64 produced(const struct reader *r)
{
	return load_acquire((u64 *)r->producer);
}

TEST(ringbuf, sizes_that_make_no_sense_are_refused)
{
	EXPECT_EQ(ringbuf(0), -EINVAL);
	EXPECT_EQ(ringbuf(100), -EINVAL);
	EXPECT_EQ(ringbuf(PAGE * 3), -EINVAL);
	EXPECT_EQ(map_new(BPF_MAP_TYPE_RINGBUF, 4, 0, PAGE, 0), -EINVAL);
	EXPECT_EQ(map_new(BPF_MAP_TYPE_RINGBUF, 0, 4, PAGE, 0), -EINVAL);
	EXPECT_EQ(map_new(BPF_MAP_TYPE_RINGBUF, 0, 0, PAGE, BPF_F_MMAPABLE), -EINVAL);
}

TEST(ringbuf, it_has_no_elements)
{
	int fd = ringbuf(PAGE);
	u32 next;

	EXPECT_EQ(map_lookup(fd, NULL, &next), -ENOTSUPP);
	EXPECT_EQ(map_update(fd, NULL, &next, 0), -ENOTSUPP);
	EXPECT_EQ(map_delete(fd, NULL), -ENOTSUPP);
	EXPECT_EQ(map_next_key(fd, NULL, &next), -ENOTSUPP);
	EXPECT_EQ(map_lookup(fd, &next, &next), -EINVAL);
	rove_bpf_close(fd);
}

TEST(ringbuf, a_record_is_busy_until_it_is_submitted_and_lies_where_the_kernel_puts_it)
{
	struct reader r = reader_new(PAGE);
	u32 *header = (u32 *)r.data;
	char *record = ringbuf_reserve(r.map, 13);

	EXPECT_TRUE(record != NULL);
	strcpy(record, "twelve chars");
	EXPECT_EQ(produced(&r), 24);
	EXPECT_EQ(header[0], 13 | BPF_RINGBUF_BUSY_BIT);
	EXPECT_EQ(header[1], 3);
	ringbuf_submit(record, 0);
	EXPECT_EQ(header[0], 13);
	EXPECT_STR_EQ((char *)&header[2], "twelve chars");

	record = ringbuf_reserve(r.map, 8);
	ringbuf_discard(record, 0);
	EXPECT_EQ(header[6], 8 | BPF_RINGBUF_DISCARD_BIT);
	EXPECT_EQ(produced(&r), 40);
	EXPECT_EQ(ringbuf_query(r.map, BPF_RB_AVAIL_DATA), 40);
	EXPECT_EQ(ringbuf_query(r.map, BPF_RB_RING_SIZE), PAGE);
	EXPECT_EQ(ringbuf_query(r.map, BPF_RB_PROD_POS), 40);
	store_release(r.consumer, 24);
	EXPECT_EQ(ringbuf_query(r.map, BPF_RB_CONS_POS), 24);
	EXPECT_EQ(ringbuf_query(r.map, BPF_RB_AVAIL_DATA), 16);
	EXPECT_EQ(ringbuf_query(r.map, 4), 0);
	reader_free(&r);
}

TEST(ringbuf, a_record_over_the_end_is_in_one_piece)
{
	struct reader r = reader_new(PAGE);
	char text[1000];

	memset(text, 'x', sizeof(text));
	for (u32 i = 0; i < 4; i++)
		EXPECT_EQ(ringbuf_output(r.map, text, sizeof(text), 0), 0);
	store_release(r.consumer, produced(&r));
	memset(text, 'y', sizeof(text));
	EXPECT_EQ(ringbuf_output(r.map, text, sizeof(text), 0), 0);
	EXPECT_EQ(produced(&r), 5 * 1008);
	EXPECT_MEM_EQ(r.data + 4 * 1008 + 8, text, sizeof(text));
	reader_free(&r);
}

TEST(ringbuf, a_full_one_refuses_until_the_reader_moves_on)
{
	struct reader r = reader_new(PAGE);
	u8 byte = 0;
	u32 nr = 0;

	while (!ringbuf_output(r.map, &byte, 1, 0))
		nr++;
	EXPECT_EQ(nr, PAGE / 16 - 1);	/* a full ring would look empty */
	EXPECT_EQ(ringbuf_output(r.map, &byte, 1, 0), -EAGAIN);
	EXPECT_EQ(ringbuf_output(r.map, &byte, 1, 4), -EINVAL);
	EXPECT_PTR_EQ(ringbuf_reserve(r.map, PAGE), NULL);
	EXPECT_PTR_EQ(ringbuf_reserve(r.map, UINT32_MAX), NULL);
	EXPECT_PTR_EQ(ringbuf_reserve(r.map, UINT64_MAX), NULL);
	store_release(r.consumer, 16);
	EXPECT_EQ(ringbuf_output(r.map, &byte, 1, 0), 0);
	/* A reader that lies gets nothing overwritten. */
	store_release(r.consumer, produced(&r) + 1000000);
	EXPECT_EQ(ringbuf_output(r.map, &byte, 1, 0), -EAGAIN);
	reader_free(&r);
}

TEST(ringbuf, only_the_readers_page_may_be_written)
{
	int fd = ringbuf(PAGE);
	void *addr;

	EXPECT_EQ(rove_bpf_mmap(fd, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, 0, &addr), -EPERM);
	EXPECT_EQ(rove_bpf_mmap(fd, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, PAGE, &addr), -EPERM);
	EXPECT_EQ(rove_bpf_mmap(fd, PAGE, PROT_READ, MAP_PRIVATE, PAGE, &addr), -EINVAL);
	EXPECT_EQ(rove_bpf_mmap(fd, 10 * PAGE, PROT_READ, MAP_SHARED, PAGE, &addr), -EINVAL);
	rove_bpf_close(fd);
}

static bool is_ready(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

TEST(ringbuf, a_waiting_reader_is_woken_as_the_flags_say)
{
	struct reader r = reader_new(PAGE);
	int fd = rove_bpf_poll_fd(r.fd), array = map_new(BPF_MAP_TYPE_ARRAY, 4, 4, 1, 0);
	u64 value = 0, count;

	EXPECT_TRUE(fd >= 0);
	EXPECT_EQ(rove_bpf_poll_fd(r.fd), fd);
	EXPECT_EQ(rove_bpf_poll_fd(array), -EINVAL);
	EXPECT_FALSE(is_ready(fd));
	EXPECT_EQ(ringbuf_output(r.map, &value, 8, BPF_RB_NO_WAKEUP), 0);
	EXPECT_FALSE(is_ready(fd));
	EXPECT_EQ(ringbuf_output(r.map, &value, 8, 0), 0);	/* the reader is still behind */
	EXPECT_FALSE(is_ready(fd));
	EXPECT_EQ(ringbuf_output(r.map, &value, 8, BPF_RB_FORCE_WAKEUP), 0);
	EXPECT_TRUE(is_ready(fd));
	EXPECT_EQ(read(fd, &count, 8), 8);
	store_release(r.consumer, produced(&r));
	EXPECT_EQ(ringbuf_output(r.map, &value, 8, 0), 0);	/* the reader has caught up */
	EXPECT_TRUE(is_ready(fd));
	rove_bpf_close(array);
	reader_free(&r);
}

TEST(ringbuf, a_large_one_costs_what_is_used)
{
	int fd = ringbuf(512u << 20);
	struct bpf_map *map;
	u64 value = 1;

	EXPECT_TRUE(fd >= 0);
	EXPECT_EQ(map_by_fd(fd, &map), 0);
	EXPECT_EQ(ringbuf_output(map, &value, 8, 0), 0);
	map_put(map);
	EXPECT_EQ(rove_bpf_close(fd), 0);
}

#define NR_WRITERS 3
#define NR_RECORDS 20000

struct numbered {
	u32 writer, number;
};

struct writer {
	struct bpf_map *map;
	u32 index;
	pthread_t thread;
};

static void *writer_thread(void *arg)
{
	struct writer *w = arg;

	for (u32 i = 0; i < NR_RECORDS;) {
		struct numbered *n = ringbuf_reserve(w->map, sizeof(*n));

		if (!n) {
			sched_yield();
			continue;
		}
		*n = (struct numbered){ w->index, i };
		if (i % 3 == 2 && READ_ONCE(n->number) % 2) {
			ringbuf_discard(n, 0);	/* and again, so that the reader misses none */
			n = NULL;
		}
		if (n) {
			ringbuf_submit(n, 0);
			i++;
		} else {
			while (ringbuf_output(w->map, &(struct numbered){ w->index, i },
					      sizeof(struct numbered), 0))
				sched_yield();
			i++;
		}
	}
	return NULL;
}

/* Read what there is; each writer's records must come complete and in order. */
static u32 read_records(struct reader *r, u32 *next)
{
	u64 pos = *r->consumer, end = produced(r);
	u32 nr = 0;

	while (pos < end) {
		u32 *header = (u32 *)(r->data + (pos & (r->bytes - 1)));
		u32 len = load_acquire(&header[0]);
		struct numbered *n = (void *)&header[2];

		if (len & BPF_RINGBUF_BUSY_BIT)
			break;
		if (!(len & BPF_RINGBUF_DISCARD_BIT)) {
			EXPECT_EQ(len, sizeof(*n));
			EXPECT_EQ(n->number, next[n->writer]++);
			nr++;
		}
		pos += 16;
		store_release(r->consumer, pos);
	}
	return nr;
}

TEST(ringbuf, several_writers_and_a_reader_lose_nothing)
{
	struct reader r = reader_new(PAGE);
	struct writer w[NR_WRITERS];
	u32 next[NR_WRITERS] = { 0 }, nr = 0;

	for (u32 i = 0; i < NR_WRITERS; i++) {
		w[i] = (struct writer){ .map = r.map, .index = i };
		EXPECT_EQ(pthread_create(&w[i].thread, NULL, writer_thread, &w[i]), 0);
	}
	while (nr < NR_WRITERS * NR_RECORDS) {
		u32 n = read_records(&r, next);

		nr += n;
		if (!n)
			sched_yield();
	}
	for (u32 i = 0; i < NR_WRITERS; i++)
		pthread_join(w[i].thread, NULL);
	EXPECT_EQ(read_records(&r, next), 0);
	reader_free(&r);
}

TEST(ringbuf, a_signal_handler_reserves_submits_and_wakes)
{
	struct reader r = reader_new(PAGE);
	u64 count = 0, *busy, *record;
	int poll_fd = rove_bpf_poll_fd(r.fd);

	EXPECT_TRUE(poll_fd >= 0);
	busy = ringbuf_reserve(r.map, 8);	/* as if the handler interrupted its writer */
	ctx_nmi_enter();
	EXPECT_TRUE(!ringbuf_output(r.map, &count, sizeof(count), BPF_RB_FORCE_WAKEUP));
	record = ringbuf_reserve(r.map, 8);
	EXPECT_TRUE(record);
	ringbuf_discard(record, 0);
	ctx_nmi_exit();
	EXPECT_EQ(read(poll_fd, &count, sizeof(count)), sizeof(count));
	EXPECT_EQ(count, 1);
	ringbuf_submit(busy, BPF_RB_NO_WAKEUP);
	EXPECT_EQ(produced(&r), 48);
	reader_free(&r);
}

TEST(ringbuf, a_wakeup_that_is_one_too_many_leaves_errno_alone)
{
	struct reader r = reader_new(PAGE);
	int poll_fd = rove_bpf_poll_fd(r.fd);
	u64 most = UINT64_MAX - 1;

	EXPECT_EQ(write(poll_fd, &most, sizeof(most)), sizeof(most));
	errno = 77;
	EXPECT_EQ(ringbuf_output(r.map, &most, sizeof(most), BPF_RB_FORCE_WAKEUP), 0);
	EXPECT_EQ(errno, 77);
	reader_free(&r);
}
