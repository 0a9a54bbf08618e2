/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/map/ringbuf.c - records of any size from programs to one reader
 *
 * The memfd is what the reader maps: a page with the consumer's position, a page
 * with the producer's, the data.  Here it is mapped with the data twice in a row,
 * so no record wraps, behind one page of our own:
 *
 *	own page | consumer | producer | data | data
 *
 * A record starts with a header: its length, with a bit while it is being written
 * and one when it is to be skipped, and how many pages it lies behind our page.
 *
 * Invariant: consumer <= producer <= consumer + data bytes; whatever lies between
 *            the two positions is whole records.  The consumer's page may be
 *            written by anybody who mapped it, so its position is only ever
 *            masked or compared.
 * Ordering:  ringbuf.reserve -> libbpf's reader; ringbuf.commit -> libbpf's
 *            reader; ringbuf.consumed (docs/memory-model.md).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/context.h"
#include "base/mutex.h"
#include "bpf/map/map.h"
#include "bpf/map/tsan.h"

#define RINGBUF_MAX_RECORD_BYTES (UINT32_MAX / 4)
#define RINGBUF_MAX_PAGES 0x80000000ull	/* what a header can count, with room */

struct ringbuf_map {
	struct bpf_map	map;
	u8		*base;			/* our own page */
	u64		map_bytes;		/* of everything from ->base on */
	u64		mask;			/* data bytes, a power of two, less one */
	u8		*data;
	u64		*consumer_pos;		/* A: the reader's */
	u64		*producer_pos;		/* L, read by anybody */
	u64		pending_pos;		/* L: no record before is still being written */
	struct mutex	lock;			/* leaf */
	int		event_fd;		/* A: -1 until somebody wants to wait */
};

struct ringbuf_header {
	u32 len;
	u32 pg_off;
};

static struct ringbuf_map *ringbuf_of(struct bpf_map *map)
{
	return container_of(map, struct ringbuf_map, map);
}

static int ringbuf_accepts(const struct map_spec *spec)
{
	u64 page = map_page_bytes();

	if (spec->flags & ~BPF_F_NUMA_NODE)
		return -EINVAL;
	if (spec->key_size || spec->value_size || !spec->max_entries ||
	    (spec->max_entries & (spec->max_entries - 1)) || spec->max_entries % page)
		return -EINVAL;
	if (spec->max_entries / page > RINGBUF_MAX_PAGES)
		return -E2BIG;
	return 0;
}

/* --- mapping ------------------------------------------------------------------------------ */

static bool map_at(void *addr, u64 bytes, int prot, int memfd, u64 offset)
{
	return mmap(addr, bytes, prot, MAP_SHARED | MAP_FIXED, memfd, offset) != MAP_FAILED;
}

/* From the memfd's @offset on to its end, and the data once more behind. */
static void *map_twice(const struct ringbuf_map *rb, u64 lead_bytes, int prot, int memfd,
		       u64 offset)
{
	u64 page = map_page_bytes(), data_bytes = rb->mask + 1;
	u64 once = 2 * page + data_bytes - offset;
	u64 bytes = lead_bytes + once + data_bytes;
	u8 *addr = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (addr == MAP_FAILED)
		return NULL;
	if (map_at(addr + lead_bytes, once, prot, memfd, offset) &&
	    map_at(addr + lead_bytes + once, data_bytes, prot, memfd, 2 * page))
		return addr;
	munmap(addr, bytes);
	return NULL;
}

/* Our own page names the map, so that a record finds it. */
static int map_base(struct ringbuf_map *rb, int memfd)
{
	u64 page = map_page_bytes();

	rb->base = map_twice(rb, page, PROT_READ | PROT_WRITE, memfd, 0);
	if (!rb->base)
		return -ENOMEM;
	rb->map_bytes = 3 * page + 2 * (rb->mask + 1);
	if (mprotect(rb->base, page, PROT_READ | PROT_WRITE)) {
		munmap(rb->base, rb->map_bytes);
		return -ENOMEM;
	}
	*(struct ringbuf_map **)rb->base = rb;
	rb->consumer_pos = (u64 *)(rb->base + page);
	rb->producer_pos = (u64 *)(rb->base + 2 * page);
	rb->data = rb->base + 3 * page;
	return 0;
}

static int ringbuf_create(const struct map_spec *spec, struct bpf_map **ret_map, int *ret_memfd)
{
	struct ringbuf_map *rb;
	int memfd, err;

	rb = calloc(1, sizeof(*rb));
	if (!rb)
		return -ENOMEM;
	rb->mask = spec->max_entries - 1;
	rb->event_fd = -1;
	memfd = object_memfd_create(&map_object_ops, 2 * map_page_bytes() + spec->max_entries);
	if (memfd < 0) {
		free(rb);
		return memfd;
	}
	err = map_base(rb, memfd);
	if (err) {
		close(memfd);
		free(rb);
		return err;
	}
	*ret_map = &rb->map;
	*ret_memfd = memfd;
	return 0;
}

static void ringbuf_free(struct bpf_map *map)
{
	struct ringbuf_map *rb = ringbuf_of(map);

	munmap(rb->base, rb->map_bytes);
	if (rb->event_fd >= 0)
		close(rb->event_fd);
	free(rb);
}

/* As the kernel: the consumer's page may be written, what is behind it only read. */
static int ringbuf_mmap(struct bpf_map *map, size_t length, int prot, u64 offset, void **ret_addr)
{
	struct ringbuf_map *rb = ringbuf_of(map);
	u64 page = map_page_bytes(), data_bytes = rb->mask + 1;
	u64 end = 2 * page + 2 * data_bytes, mapped;
	u8 *addr;
	int fd;

	if ((prot & PROT_WRITE) && (offset || length != page))
		return -EPERM;
	if (offset >= end || length > end - offset)
		return -EINVAL;
	/* The same pages, but such as the memfd has. */
	if (offset >= 2 * page + data_bytes)
		offset -= data_bytes;
	mapped = end - offset;
	fd = object_dup(&map->obj, prot & PROT_WRITE ? O_RDWR : O_RDONLY);
	if (fd < 0)
		return fd;
	addr = map_twice(rb, 0, prot, fd, offset);
	close(fd);
	if (!addr)
		return -ENOMEM;
	if (length < mapped)
		munmap(addr + length, mapped - length);
	*ret_addr = addr;
	return 0;
}

/* --- positions ---------------------------------------------------------------------------- */

static u64 consumer_position(const struct ringbuf_map *rb)
{
	/*
	 * ORDER ringbuf.consumed (seq_cst): the room is written again after the
	 * reader has said that it is done with it; and a wakeup is left out only
	 * if the reader's last look comes after our commit.  Pairs with the
	 * release store of the reader's position in libbpf's consumer.
	 */
	u64 pos = load_seq_cst(rb->consumer_pos);

	/* The reader stands between one writer's record and the next; it maps the pages elsewhere. */
	tsan_told_after(rb->data);
	return pos;
}

static u32 record_room(u64 size)
{
	return (size + BPF_RINGBUF_HDR_SZ + 7) & ~7ull;
}

static struct ringbuf_header *header_at(const struct ringbuf_map *rb, u64 pos)
{
	return (struct ringbuf_header *)(rb->data + (pos & rb->mask));
}

/* Step over the records that are complete: they are no obstacle for wrapping around. */
static void advance_pending_locked(struct ringbuf_map *rb)
{
	u64 end = READ_ONCE(*rb->producer_pos);

	assert_held(&rb->lock);
	while (rb->pending_pos < end) {
		u32 len = READ_ONCE(header_at(rb, rb->pending_pos)->len);

		if (len & BPF_RINGBUF_BUSY_BIT)
			return;
		rb->pending_pos += record_room(len & ~BPF_RINGBUF_DISCARD_BIT);
	}
}

static struct ringbuf_header *reserve_locked(struct ringbuf_map *rb, u32 size, u64 consumer)
{
	u64 producer = READ_ONCE(*rb->producer_pos);
	u64 end = producer + record_room(size);
	struct ringbuf_header *header;

	assert_held(&rb->lock);
	advance_pending_locked(rb);
	if (end - consumer > rb->mask || end - rb->pending_pos > rb->mask)
		return NULL;
	header = header_at(rb, producer);
	WRITE_ONCE(header->len, size | BPF_RINGBUF_BUSY_BIT);
	WRITE_ONCE(header->pg_off, ((u8 *)header - rb->base) / map_page_bytes());
	/*
	 * ORDER ringbuf.reserve (release): the header says "busy" before the
	 * position shows the record.  Pairs with the acquire load of the
	 * producer's position in libbpf's consumer.
	 */
	store_release(rb->producer_pos, end);
	return header;
}

/**
 * ringbuf_reserve - room for a record
 * @size: bytes of it
 *
 * Context: any.
 * Return:  NULL (too large, or no room; in a signal handler also: somebody else is reserving),
 *          or the record, to be given back with
 *          ringbuf_submit() or ringbuf_discard().
 */
void *ringbuf_reserve(struct bpf_map *map, u64 size)
{
	struct ringbuf_map *rb = ringbuf_of(map);
	struct ringbuf_header *header;
	u64 consumer;

	if (size > RINGBUF_MAX_RECORD_BYTES || record_room(size) > rb->mask + 1)
		return NULL;
	consumer = consumer_position(rb);
	if (!in_nmi())
		mutex_lock(&rb->lock);
	else if (!mutex_trylock(&rb->lock))
		return NULL;
	header = reserve_locked(rb, size, consumer);
	mutex_unlock(&rb->lock);
	return header ? header + 1 : NULL;
}

static void wake(const struct ringbuf_map *rb)
{
	int fd = READ_ONCE(rb->event_fd), saved = errno;

	/* Full means that it is ready already; who was interrupted has an errno of its own. */
	if (fd >= 0 && eventfd_write(fd, 1))
		errno = saved;
}

static void commit(void *record, u64 flags, u32 discard)
{
	struct ringbuf_header *header = (struct ringbuf_header *)record - 1;
	u64 page = map_page_bytes();
	u8 *page_start = (u8 *)((uintptr_t)header & ~(page - 1));
	const struct ringbuf_map *rb;
	u64 record_pos;

	rb = *(struct ringbuf_map **)(page_start - READ_ONCE(header->pg_off) * page);
	record_pos = (u8 *)header - rb->data;
	tsan_told_before(rb->data);
	/*
	 * ORDER ringbuf.commit (seq_cst): the record's bytes come before the
	 * length that shows them, and that before our look at the reader's
	 * position.  Pairs with the acquire load of the length in libbpf's
	 * consumer.
	 */
	xchg_seq_cst(&header->len, (READ_ONCE(header->len) & ~BPF_RINGBUF_BUSY_BIT) | discard);

	/* The reader has caught up to this record: it may be about to wait. */
	if (flags & BPF_RB_FORCE_WAKEUP)
		wake(rb);
	else if (!(flags & BPF_RB_NO_WAKEUP) && (consumer_position(rb) & rb->mask) == record_pos)
		wake(rb);
}

/**
 * ringbuf_submit - the record is complete
 * @record: from ringbuf_reserve(); not the caller's any more
 * @flags:  BPF_RB_NO_WAKEUP, BPF_RB_FORCE_WAKEUP, or 0: wake when the reader has caught up
 *
 * Context: any.
 */
void ringbuf_submit(void *record, u64 flags)
{
	commit(record, flags, 0);
}

/* As ringbuf_submit(), but the reader skips it. */
void ringbuf_discard(void *record, u64 flags)
{
	commit(record, flags, BPF_RINGBUF_DISCARD_BIT);
}

/**
 * ringbuf_output - a record that exists already
 *
 * Context: any.
 * Return:  0, -EINVAL (flags) or -EAGAIN (as ringbuf_reserve()'s NULL).
 */
int ringbuf_output(struct bpf_map *map, const void *data, u64 size, u64 flags)
{
	void *record;

	if (flags & ~(u64)(BPF_RB_NO_WAKEUP | BPF_RB_FORCE_WAKEUP))
		return -EINVAL;
	record = ringbuf_reserve(map, size);
	if (!record)
		return -EAGAIN;
	memcpy(record, data, size);
	ringbuf_submit(record, flags);
	return 0;
}

static u64 unread_bytes(const struct ringbuf_map *rb)
{
	u64 consumer = consumer_position(rb);

	return READ_ONCE(*rb->producer_pos) - consumer;
}

/**
 * ringbuf_query - how full is it
 * @what: BPF_RB_AVAIL_DATA, BPF_RB_RING_SIZE, BPF_RB_CONS_POS, BPF_RB_PROD_POS
 *
 * Context: any.
 * Return:  0 for anything else.
 */
u64 ringbuf_query(struct bpf_map *map, u64 what)
{
	struct ringbuf_map *rb = ringbuf_of(map);

	switch (what) {
	case BPF_RB_AVAIL_DATA:
		return unread_bytes(rb);
	case BPF_RB_RING_SIZE:
		return rb->mask + 1;
	case BPF_RB_CONS_POS:
		return consumer_position(rb);
	case BPF_RB_PROD_POS:
		return READ_ONCE(*rb->producer_pos);
	default:
		return 0;
	}
}

/* Made by the first who asks; ready at once if there is something to read. */
static int ringbuf_poll_fd(struct bpf_map *map)
{
	struct ringbuf_map *rb = ringbuf_of(map);
	int fd;

	mutex_lock(&rb->lock);
	fd = rb->event_fd;
	if (fd < 0) {
		fd = eventfd(unread_bytes(rb) ? 1 : 0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (fd < 0)
			fd = -errno;
		else
			WRITE_ONCE(rb->event_fd, fd);
	}
	mutex_unlock(&rb->lock);
	return fd;
}

const struct map_ops map_ringbuf_ops = {
	.accepts = ringbuf_accepts,
	.create = ringbuf_create,
	.free = ringbuf_free,
	.mmap = ringbuf_mmap,
	.poll_fd = ringbuf_poll_fd,
};
