/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * rove/wakeup_record.h - what progs/wakeup.bpf.c takes and what it emits
 *
 * Included by the BPF program and by whoever reads its ring buffer, so it uses
 * nothing but the kernel's fixed-width types.  The times are raw, as the source
 * holds them: an activity that goes on is not yet in total_time_ns, it is
 * now_ns - last_change_ns more (include/rove/wakeup.h has the rules).
 */
#ifndef ROVE_WAKEUP_RECORD_H
#define ROVE_WAKEUP_RECORD_H

/* A BPF program has these types from the header of its target. */
#ifndef __bpf__
#include <linux/types.h>
#endif

#define ROVE_WAKEUP_NAME_BYTES 96
#define ROVE_WAKEUP_DEVICE_BYTES 64
#define ROVE_WAKEUP_DRIVER_BYTES 32

enum rove_wakeup_record_flag {
	ROVE_WAKEUP_ACTIVE = 1 << 0,
	ROVE_WAKEUP_AUTOSLEEP = 1 << 1,	  /* start_prevent_ns counts */
	ROVE_WAKEUP_TORN = 1 << 2,	  /* kept changing while it was read: fields may not fit together */
	ROVE_WAKEUP_HAS_DEVICE = 1 << 3,  /* ->id names the class device wakeup<id> */
	ROVE_WAKEUP_HAS_PARENT = 1 << 4,  /* ->device is the device that owns the source */
	ROVE_WAKEUP_HAS_DRIVER = 1 << 5,
	ROVE_WAKEUP_NAME_CUT = 1 << 6,	  /* a string did not fit, or could not be read whole */
	ROVE_WAKEUP_DEVICE_CUT = 1 << 7,
	ROVE_WAKEUP_DRIVER_CUT = 1 << 8,
};

struct rove_wakeup_record {
	__u64 now_ns;			/* CLOCK_MONOTONIC when the fields were read */
	__u64 active_count;
	__u64 event_count;
	__u64 wakeup_count;
	__u64 expire_count;
	__u64 relax_count;
	__s64 total_time_ns;
	__s64 max_time_ns;
	__s64 last_change_ns;		/* CLOCK_MONOTONIC */
	__s64 prevent_sleep_time_ns;
	__s64 start_prevent_ns;		/* CLOCK_MONOTONIC, with ROVE_WAKEUP_AUTOSLEEP */
	__u32 flags;			/* enum rove_wakeup_record_flag */
	__s32 id;
	char name[ROVE_WAKEUP_NAME_BYTES];
	char device[ROVE_WAKEUP_DEVICE_BYTES];
	char driver[ROVE_WAKEUP_DRIVER_BYTES];
};

enum rove_wakeup_walk_end {
	ROVE_WAKEUP_WALK_COMPLETE = 0,
	ROVE_WAKEUP_WALK_MAX_OBJECTS,	/* stopped at max_objects */
	ROVE_WAKEUP_WALK_BUDGET,	/* stopped at budget_ns */
	ROVE_WAKEUP_WALK_BROKEN_LIST,	/* a link read as NULL */
};

/* The context of the program, in and out. */
struct rove_wakeup_walk {
	__u64 max_objects;	/* in: 0 means all of them */
	__u64 budget_ns;	/* in: 0 means no bound */
	__u64 visited;		/* out: sources met */
	__u64 lost;		/* out: visited, but the ring buffer had no room */
	__u64 torn;		/* out: records flagged ROVE_WAKEUP_TORN */
	__u64 start_ns;		/* out: before the lock was taken */
	__u64 locked_ns;	/* out: once it was held */
	__u64 end_ns;		/* out: after it was released */
	__u32 end;		/* out: enum rove_wakeup_walk_end */
	__u32 pad;
};

#endif
