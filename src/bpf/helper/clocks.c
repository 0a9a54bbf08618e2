/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/helper/clocks.c - the time, by several clocks
 */
#include "base/clock.h"
#include "bpf/helper/helper.h"

#define JIFFIES_PER_SEC 250 /* Debian's; a process cannot know the kernel's */

static u64 clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (u64)ts.tv_sec * NSEC_PER_SEC + (u64)ts.tv_nsec;
}

HELPER(helper_ktime_get_ns)
{
	return clock_mono_ns();
}

HELPER(helper_ktime_get_boot_ns)
{
	return clock_ns(CLOCK_BOOTTIME);
}

HELPER(helper_ktime_get_coarse_ns)
{
	return clock_ns(CLOCK_MONOTONIC_COARSE);
}

HELPER(helper_ktime_get_tai_ns)
{
	return clock_ns(CLOCK_TAI);
}

HELPER(helper_jiffies64)
{
	return clock_ns(CLOCK_MONOTONIC_COARSE) / (NSEC_PER_SEC / JIFFIES_PER_SEC);
}
