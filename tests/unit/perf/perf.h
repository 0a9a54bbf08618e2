/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/unit/perf/perf.h - events of threads, and programs for them
 */
#ifndef ROVE_TESTS_UNIT_PERF_PERF_H
#define ROVE_TESTS_UNIT_PERF_PERF_H

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/bpf_perf_event.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/unit/syscall/bpf.h"

#define PERIOD_NS 200000

/* A clock (PERF_COUNT_SW_*) of a thread (0: the caller's), stopped; or -errno. */
static inline int event_of(u32 clock, int tid, u64 period_ns)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.config = clock,
		.size = sizeof(attr),
		.sample_period = period_ns,
		.disabled = 1,
		.exclude_kernel = 1,
		.exclude_hv = 1,
	};
	int fd = syscall(SYS_perf_event_open, &attr, tid, -1, -1, PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static inline int clock_event(int tid, u64 period_ns)
{
	return event_of(PERF_COUNT_SW_TASK_CLOCK, tid, period_ns);
}

/* All processes of a user share the queue of real-time signals. */
static inline long signals_left(void)
{
	FILE *status = fopen("/proc/self/status", "re");
	long used, limit, left = LONG_MAX;
	char line[256];

	while (status && fgets(line, sizeof(line), status))
		if (sscanf(line, "SigQ: %ld/%ld", &used, &limit) == 2)
			left = limit - used;
	if (status)
		fclose(status);
	return left;
}

#define SIGNALS_WANTED 2000

#define EVENT_OR_SKIP(tid)                                                           \
	({                                                                           \
		if (signals_left() < SIGNALS_WANTED)                                 \
			SKIP("this user's other processes have filled the queue of signals"); \
		int event_fd_ = clock_event(tid, PERIOD_NS);                         \
		if (event_fd_ < 0)                                                   \
			SKIP("perf_event_open(2): %s", strerror(-event_fd_));        \
		event_fd_;                                                           \
	})

static inline void event_start(int fd)
{
	EXPECT_EQ(ioctl(fd, PERF_EVENT_IOC_ENABLE, 0), 0);
}

static inline void event_stop(int fd)
{
	EXPECT_EQ(ioctl(fd, PERF_EVENT_IOC_DISABLE, 0), 0);
}

#define PERF_PROG(insns) prog_new(BPF_PROG_TYPE_PERF_EVENT, (insns), ARRAY_SIZE(insns))

/* Adds one to the only value of array @map. */
static inline int counting_prog(int map)
{
	const struct bpf_insn insns[] = {
		LD_MAP_VALUE(1, map, 0),
		MOV_K(2, 1),
		INSN(BPF_STX | BPF_ATOMIC | BPF_DW, 1, 2, 0, BPF_ADD),
		MOV_K(0, 0),
		EXIT(),
	};

	return PERF_PROG(insns);
}

static inline int attach(int prog, int event)
{
	return BPF(BPF_LINK_CREATE, .link_create = { .prog_fd = prog, .target_fd = event,
						     .attach_type = BPF_PERF_EVENT });
}

static inline u64 count_of(int map)
{
	u64 value = 0;
	u32 key = 0;

	EXPECT_EQ(map_lookup(map, &key, &value), 0);
	return value;
}

/* Use the processor until the value of @map has grown by @by. */
static inline void burn_until(int map, u64 by)
{
	u64 until = count_of(map) + by;

	while (count_of(map) < until)
		for (volatile int i = 0; i < 10000; i++)
			;
}

static inline u64 misses_of(int prog)
{
	struct bpf_prog_info info = { 0 };

	EXPECT_EQ(BPF(BPF_OBJ_GET_INFO_BY_FD,
		      .info = { .bpf_fd = prog, .info_len = sizeof(info), .info = PTR(&info) }), 0);
	return info.recursion_misses;
}

#endif
