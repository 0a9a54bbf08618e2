/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * target/ring.h - read the records of a ring buffer where they lie
 *
 * For programs that have run to their end: every record is complete, and the
 * reader wants all of them at once without a copy (libbpf's ring_buffer hands
 * them out one by one).
 */
#ifndef ROVE_TARGET_RING_H
#define ROVE_TARGET_RING_H

#include "target/target.h"

struct ring {
	void *consumer;		/* one page: consumer position */
	void *producer;		/* one page: producer position; then the data, twice in a row */
	u32 data_bytes;
};

/**
 * ring_map - map a BPF_MAP_TYPE_RINGBUF
 * @target: whose map it is
 * @fd:     the map
 * @data_bytes: its max_entries
 * @ret_ring: written on success only; ring_unmap() it
 *
 * Context: may sleep.
 * Return:  0 or -errno of mmap.
 */
int ring_map(const struct target *target, int fd, u32 data_bytes, struct ring *ret_ring);

void ring_unmap(struct ring *ring); /* a zeroed ring is fine */

/* What is unread: bytes from *ret_first on, headers included, contiguous. */
u64 ring_unread(const struct ring *ring, const void **ret_first);

/* Everything unread has been read. */
void ring_consume_all(const struct ring *ring);

/* Bytes a record of @bytes occupies, header and padding included. */
u32 ring_record_bytes(u32 bytes);

#endif
