/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bench/tick.h - a clock cheap enough to stand on both sides of one call
 *
 * The processor's own counter where the kernel itself trusts it for time, else
 * CLOCK_MONOTONIC.  Header only: the peers are shared objects that link nothing
 * of ours.
 */
#ifndef ROVE_BENCH_TICK_H
#define ROVE_BENCH_TICK_H

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

struct tick_clock {
	double ns_per_tick;
	u32 cost_ticks; /* of two readings with nothing in between, the median */
};

static inline u64 tick_now(void)
{
#if defined(__x86_64__)
	return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
	u64 ticks;

	__asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
	return ticks;
#else
	return clock_mono_ns();
#endif
}

/* Does every CPU count the same?  The kernel uses the counter only if so. */
static inline bool tick_is_shared(void)
{
#if defined(__x86_64__)
	char name[32] = "";
	int fd = open("/sys/devices/system/clocksource/clocksource0/current_clocksource", O_RDONLY);

	if (fd >= 0) {
		if (read(fd, name, sizeof(name) - 1) < 0)
			name[0] = '\0';
		close(fd);
	}
	return !strncmp(name, "tsc", 3) || !strncmp(name, "kvm-clock", 9) ||
	       !strncmp(name, "hyperv", 6);
#else
	return true;
#endif
}

/* Takes 20 ms. */
static inline struct tick_clock tick_calibrate(void)
{
	struct tick_clock clock = { .ns_per_tick = 1 };
	u32 seen[64] = { 0 }, sum = 0;
	u64 start_ns = clock_mono_ns(), start = tick_now(), end_ns;

	do {
		end_ns = clock_mono_ns();
	} while (end_ns - start_ns < 20 * NSEC_PER_MSEC);
	clock.ns_per_tick = (double)(end_ns - start_ns) / (double)(tick_now() - start);
	for (u32 i = 0; i < 10000; i++) {
		u64 before = tick_now(), ticks = tick_now() - before;

		seen[ticks < 63 ? ticks : 63]++;
	}
	while (clock.cost_ticks < 63 && (sum += seen[clock.cost_ticks]) < 5000)
		clock.cost_ticks++;
	return clock;
}

#endif
