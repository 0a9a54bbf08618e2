/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/map/percpu.c - the CPUs that values of per-CPU maps are counted by
 */
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#include "base/atomic.h"
#include "bpf/map/map.h"

#define MAX_CPUS 8192u	/* any number in a file of the system's is less */

/* The last number in "0-3" or "0,2-7"; 0 if there is none. */
static u32 last_number(FILE *file)
{
	u32 last = 0, nr;

	while (fscanf(file, "%*[-,]") != EOF && fscanf(file, "%u", &nr) == 1)
		last = nr;
	return last;
}

/* Callers of bpf(2) count them in this file as well, to know how large a value is. */
static u32 count_possible_cpus(void)
{
	FILE *file = fopen("/sys/devices/system/cpu/possible", "re");
	u32 nr = file ? last_number(file) + 1 : sysconf(_SC_NPROCESSORS_CONF);

	if (file)
		fclose(file);
	return nr > MAX_CPUS ? MAX_CPUS : nr;
}

/**
 * map_nr_cpus - how many values a value of a per-CPU map is
 *
 * Context: the first call may sleep; any afterwards.
 */
u32 map_nr_cpus(void)
{
	static u32 nr;

	if (unlikely(!READ_ONCE(nr)))
		WRITE_ONCE(nr, count_possible_cpus());
	return READ_ONCE(nr);
}

/**
 * map_this_cpu - the CPU whose values a program sees
 *
 * Context: any, after map_nr_cpus().
 */
u32 map_this_cpu(void)
{
	u32 cpu = sched_getcpu();

	/* An error is a large number, too. */
	return likely(cpu < map_nr_cpus()) ? cpu : 0;
}
