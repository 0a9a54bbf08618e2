/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/link/perf_thread.c - which thread of this process an event counts for
 *
 * A descriptor does not tell.  But an event can only be made a member of another's group
 * if both count for the same thread, on the same CPUs, by the same clock, and are
 * inherited alike.  So a dummy event is tried as a member, for each thread, and closed
 * again at once.
 *
 * Not here: members of groups, events of other processes or of a CPU; nobody can tell
 *           whom they are about, or when.
 */
#include <dirent.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/context.h"
#include "base/mutex.h"
#include "bpf/link/perf.h"

#define NO_CLOCK -1

static const int clocks[] = {
	NO_CLOCK, CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_REALTIME, CLOCK_BOOTTIME, CLOCK_TAI,
};

static bool joins(int leader_fd, int tid, int clock, bool inherit)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_DUMMY,
		.size = PERF_ATTR_SIZE_VER5,
		.disabled = 1,
		.inherit = inherit,
		.exclude_kernel = 1,
		.exclude_hv = 1,
		.use_clockid = clock != NO_CLOCK,
		.clockid = clock == NO_CLOCK ? 0 : clock,
	};
	int fd = syscall(SYS_perf_event_open, &attr, tid, -1, leader_fd, PERF_FLAG_FD_CLOEXEC);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

/* 1: it is about @tid; 0: it is not; -EOPNOTSUPP: and about threads that @tid makes. */
static int is_about(int event_fd, int tid)
{
	for (size_t i = 0; i < ARRAY_SIZE(clocks); i++) {
		if (joins(event_fd, tid, clocks[i], false))
			return 1;
		/* Their samples would be told to @tid, and nobody could say whose they are. */
		if (joins(event_fd, tid, clocks[i], true))
			return -EOPNOTSUPP;
	}
	return 0;
}

static int search_threads(int event_fd, int *ret_tid)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *entry;
	int ret = 0;

	if (!dir)
		return -EOPNOTSUPP;
	while (!ret && (entry = readdir(dir))) {
		int tid = atoi(entry->d_name);

		if (tid <= 0)
			continue;
		ret = is_about(event_fd, tid);
		*ret_tid = tid;
	}
	closedir(dir);
	return ret;
}

/**
 * perf_event_thread - the thread that an event counts for
 * @ret_tid: set on success only
 *
 * Context: may sleep.
 * Return:  0; -EOPNOTSUPP: no one thread of this process, on all CPUs; or a member of a
 *          group; or inherited by threads that are made later.
 */
int perf_event_thread(int event_fd, int *ret_tid)
{
	int tid, ret;

	ctx_may_sleep();
	tid = mutex_self();
	ret = is_about(event_fd, tid);
	if (!ret)
		ret = search_threads(event_fd, &tid);
	if (ret <= 0)
		return -EOPNOTSUPP;
	*ret_tid = tid;
	return 0;
}
