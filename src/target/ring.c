/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * target/ring.c - read the records of a ring buffer where they lie
 *
 * The layout is bpf(2)'s: a page with the consumer's position, a page with the
 * producer's, the data, and the data again so that no record wraps.
 */
#include <linux/bpf.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/atomic.h"
#include "target/ring.h"

static size_t page_bytes(void)
{
	return sysconf(_SC_PAGESIZE);
}

int ring_map(const struct target *target, int fd, u32 data_bytes, struct ring *ret_ring)
{
	size_t page = page_bytes();
	struct ring ring = { .data_bytes = data_bytes };
	int err;

	err = target->mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0, &ring.consumer);
	if (err)
		return err;
	err = target->mmap(NULL, page + 2 * (size_t)data_bytes, PROT_READ, MAP_SHARED, fd, page,
			   &ring.producer);
	if (err) {
		munmap(ring.consumer, page);
		return err;
	}
	*ret_ring = ring;
	return 0;
}

void ring_unmap(struct ring *ring)
{
	size_t page = page_bytes();

	if (ring->consumer)
		munmap(ring->consumer, page);
	if (ring->producer)
		munmap(ring->producer, page + 2 * (size_t)ring->data_bytes);
	memset(ring, 0, sizeof(*ring));
}

static u64 producer_position(const struct ring *ring)
{
	/* The other side of this ordering is the program's submit, in kernel or process. */
	return __atomic_load_n((const u64 *)ring->producer, __ATOMIC_ACQUIRE);
}

u64 ring_unread(const struct ring *ring, const void **ret_first)
{
	u64 from = *(const u64 *)ring->consumer; /* only this side writes it */
	const char *data = (const char *)ring->producer + page_bytes();

	*ret_first = data + (from & (ring->data_bytes - 1));
	return producer_position(ring) - from;
}

void ring_consume_all(const struct ring *ring)
{
	__atomic_store_n((u64 *)ring->consumer, producer_position(ring), __ATOMIC_RELEASE);
}

u32 ring_record_bytes(u32 bytes)
{
	return BPF_RINGBUF_HDR_SZ + ((bytes + 7) & ~7u);
}
