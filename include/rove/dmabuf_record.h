/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * rove/dmabuf_record.h - what progs/dmabuf.bpf.c takes and what it emits
 *
 * Included by the BPF programs and by whoever reads their ring buffer, so it uses
 * nothing but the kernel's fixed-width types.  Every record begins with its type;
 * a record of a buffer stands before those of its attachments.
 */
#ifndef ROVE_DMABUF_RECORD_H
#define ROVE_DMABUF_RECORD_H

/* A BPF program has these types from the header of its target. */
#ifndef __bpf__
#include <linux/types.h>
#endif

#define ROVE_DMABUF_EXPORTER_BYTES 48
#define ROVE_DMABUF_NAME_BYTES 48
#define ROVE_DMABUF_DEVICE_BYTES 64
#define ROVE_DMABUF_COMM_BYTES 16

enum rove_dmabuf_record_type {
	ROVE_DMABUF_BUFFER = 1,		/* struct rove_dmabuf_buffer */
	ROVE_DMABUF_ATTACHMENT,		/* struct rove_dmabuf_attachment */
	ROVE_DMABUF_FD,			/* struct rove_dmabuf_holder: one descriptor */
	ROVE_DMABUF_MAPPING,		/* struct rove_dmabuf_holder: one mapping */
	ROVE_DMABUF_SEEN,		/* struct rove_dmabuf_seen: in the list again later */
};

enum rove_dmabuf_record_flag {
	ROVE_DMABUF_TORN = 1 << 0,	    /* kept changing while it was read */
	ROVE_DMABUF_NAME_CUT = 1 << 1,	    /* did not fit, or could not be read whole */
	ROVE_DMABUF_EXPORTER_CUT = 1 << 2,
	ROVE_DMABUF_DEVICE_CUT = 1 << 3,
	ROVE_DMABUF_COUNTS_HOLDS = 1 << 4,  /* the buffer itself counts ->nr_fds and ->nr_maps */
};

struct rove_dmabuf_buffer {
	__u32 type;
	__u32 flags;			/* enum rove_dmabuf_record_flag */
	__u64 inode;			/* of its file; used again once the buffer is gone */
	__u64 size_bytes;
	__u64 refs;			/* to its file, without the walk's own */
	__u32 nr_attachments;		/* as many attachment records follow, if none was lost */
	__u32 nr_attachments_again;	/* counted once more; not the same: torn */
	__u32 nr_fds, nr_maps;		/* with ROVE_DMABUF_COUNTS_HOLDS */
	char exporter[ROVE_DMABUF_EXPORTER_BYTES];
	char name[ROVE_DMABUF_NAME_BYTES];	/* any bytes; empty: it has none */
};

struct rove_dmabuf_attachment {
	__u32 type;
	__u32 flags;
	__u64 inode;
	char device[ROVE_DMABUF_DEVICE_BYTES];
};

struct rove_dmabuf_holder {
	__u32 type;
	__u32 pid;			/* the process, not the thread */
	__u64 inode;
	__u64 size_bytes;		/* of the buffer (descriptor) or the mapping */
	/*
	 * Which table of descriptors or address space, and where in it: the descriptor's number,
	 * the mapping's address.  Met by way of several threads, it is the same one.
	 */
	__u64 space, place;
	char comm[ROVE_DMABUF_COMM_BYTES];	/* of the process; any bytes */
};

struct rove_dmabuf_seen {
	__u32 type;
	__u32 pad;
	__u64 inode;
	__u64 size_bytes;
};

enum rove_dmabuf_walk_end {
	ROVE_DMABUF_WALK_COMPLETE = 0,
	ROVE_DMABUF_WALK_MAX_OBJECTS,	/* stopped at max_objects */
	ROVE_DMABUF_WALK_BUDGET,	/* stopped at budget_ns */
};

/* The value of the map "walk": what the programs are asked, and what they answer. */
struct rove_dmabuf_walk {
	__u64 max_objects;	/* in: 0 means all of them */
	__u64 budget_ns;	/* in: 0 means no bound */
	__u64 visited;		/* out: buffers met by dmabuf_walk or dmabuf_each */
	__u64 holders;		/* out: descriptors and mappings met */
	__u64 lost;		/* out: records that the ring buffer had no room for */
	__u64 torn;		/* out: buffers flagged ROVE_DMABUF_TORN */
	__u64 start_ns;		/* in: CLOCK_MONOTONIC, for budget_ns */
	__u32 end;		/* out: enum rove_dmabuf_walk_end */
	__u32 only_seen;	/* in: emit ROVE_DMABUF_SEEN records and nothing else */
};

#endif
