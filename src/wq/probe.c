/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/probe.c - what another thread of this process is doing, and what that means
 *
 * A thread that has used no CPU time between two looks and does not want any is
 * blocked: nothing it may do in a library, a system call or a page fault hides it.
 * Its clock is one system call; only of a thread whose clock stands still is the
 * state read from /proc, which costs some microseconds.
 *
 * Not here: what to do about it (observe.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cancel.h"
#include "base/context.h"
#include "wq/probe.h"

/* The system's number for a thread's CPU clock: clock_getcpuclockid(3) makes those of processes. */
#define CLOCK_OF_THREAD 4
#define CLOCK_OF_SCHEDULER 2

static clockid_t thread_clock(u32 tid)
{
	return (clockid_t)(~tid << 3 | CLOCK_OF_THREAD | CLOCK_OF_SCHEDULER);
}

/**
 * probe_cpu_ns - the CPU time a thread has used
 *
 * Context: thread.
 * Return:  0 or -ESRCH.
 */
int probe_cpu_ns(u32 tid, u64 *ret_ns)
{
	struct timespec ts;

	ctx_thread();
	if (clock_gettime(thread_clock(tid), &ts))
		return -ESRCH;
	*ret_ns = (u64)ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
	return 0;
}

/**
 * probe_state - the letter ps(1) shows for a thread
 *
 * Context: may sleep.
 * Return:  enum probe_state, or another letter.
 */
char probe_state(u32 tid)
{
	int state CANCEL_HELD = cancel_hold();
	char path[64], text[128];
	const char *end;
	ssize_t len;
	int fd;

	ctx_may_sleep();
	snprintf(path, sizeof(path), "/proc/self/task/%u/stat", tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return PROBE_UNKNOWN;
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[max(len, (ssize_t)0)] = '\0';
	end = strrchr(text, ')');		/* names may have parentheses */
	return end && end[1] == ' ' && end[2] ? end[2] : PROBE_UNKNOWN;
}

static enum probe_verdict verdict_of_state(char state)
{
	switch (state) {
	case PROBE_RUNNING:
		return PROBE_SAYS_STARVES;
	case PROBE_SLEEPING:
	case PROBE_WAITING:
	case PROBE_UNKNOWN:		/* no /proc: its clock has told */
		return PROBE_SAYS_BLOCKED;
	default:
		return PROBE_SAYS_STARVES;	/* stopped: nothing would help */
	}
}

/**
 * probe_look - look at a worker that is in a work
 * @memory:  of this worker, kept between looks
 * @run:     another number for each work it runs; not 0
 *
 * Context: may sleep.
 * Return:  what the time since the last look says.
 */
enum probe_verdict probe_look(struct probe_memory *memory, u32 tid, u64 run)
{
	u64 cpu_ns, before_ns = memory->cpu_ns;

	ctx_may_sleep();
	if (probe_cpu_ns(tid, &cpu_ns))
		return PROBE_SAYS_GONE;
	memory->cpu_ns = cpu_ns;
	if (memory->run != run) {
		memory->run = run;
		memory->first_cpu_ns = cpu_ns;
		return PROBE_SAYS_NEW;
	}
	if (cpu_ns == before_ns)
		return verdict_of_state(probe_state(tid));
	if (cpu_ns - memory->first_cpu_ns >= PROBE_CPU_INTENSIVE_NS)
		return PROBE_SAYS_INTENSIVE;
	return PROBE_SAYS_RUNS;
}
