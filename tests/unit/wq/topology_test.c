/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/topology: the snapshot agrees with sysfs and with the kernel's masks
 */
#include "tests/test.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>

#include "wq/topology.h"

static struct topology *described(const char *machine, const char *allowed, const char *isolated)
{
	struct topology_spec spec = {
		.machine = machine, .allowed = allowed, .isolated = isolated,
	};
	struct topology *topo = NULL;

	EXPECT_EQ(topology_create(&spec, &topo), 0);
	return topo;
}

/* The first number in a list such as "4-7,12", or -1 if there is no such file. */
static int first_in_file(const char *format, u32 cpu, u32 index)
{
	char path[128];
	int first = -1;
	FILE *file;

	snprintf(path, sizeof(path), format, cpu, index);
	file = fopen(path, "r");
	if (!file)
		return -1;
	if (fscanf(file, "%d", &first) != 1)
		first = -1;
	fclose(file);
	return first;
}

/* sysfs numbers caches from the core outwards; those of instructions do not count. */
static int first_of_last_cache(u32 cpu)
{
	int last = -1;

	for (u32 index = 0; index < 8; index++) {
		int first = first_in_file("/sys/devices/system/cpu/cpu%u/cache/index%u/"
					  "shared_cpu_list", cpu, index);

		if (first >= 0)
			last = first;
	}
	return last;
}

TEST(topology, this_machine_is_as_sysfs_says)
{
	struct topology *topo = described(NULL, NULL, "");

	for (u32 i = 0; i < topo->nr_cpus; i++) {
		int core, llc = first_of_last_cache(i);

		if (!topo->cpu[i].usable)
			continue;
		core = first_in_file("/sys/devices/system/cpu/cpu%u/topology/"
				     "thread_siblings_list", i, 0);
		if (core >= 0)
			EXPECT_EQ(topo->cpu[i].core, core);
		if (llc >= 0)
			EXPECT_EQ(topo->cpu[i].llc, llc);
	}
	topology_free(topo);
}

TEST(topology, usable_is_what_the_kernel_lets_this_process_use)
{
	struct topology *topo = described(NULL, NULL, "");
	cpu_set_t set;

	EXPECT_FALSE(topo->described);
	EXPECT_EQ(sched_getaffinity(0, sizeof(set), &set), 0);
	EXPECT_EQ(topo->nr_usable, CPU_COUNT(&set));
	for (u32 i = 0; i < topo->nr_cpus; i++)
		EXPECT_EQ(topo->cpu[i].usable, CPU_ISSET(i, &set));
	topology_free(topo);
}

static void *create_on_one_cpu(void *ret)
{
	struct topology_spec spec = { .isolated = "" };
	cpu_set_t set, one;

	sched_getaffinity(0, sizeof(set), &set);
	CPU_ZERO(&one);
	for (int i = 0; i < CPU_SETSIZE && !CPU_COUNT(&one); i++)
		if (CPU_ISSET(i, &set))
			CPU_SET(i, &one);
	sched_setaffinity(0, sizeof(one), &one);
	if (topology_create(&spec, ret))
		*(struct topology **)ret = NULL;
	return NULL;
}

TEST(topology, a_thread_that_bound_itself_does_not_narrow_the_process)
{
	struct topology *topo;
	pthread_t thread;
	cpu_set_t set;

	EXPECT_EQ(sched_getaffinity(0, sizeof(set), &set), 0);
	if (CPU_COUNT(&set) < 2)
		SKIP("one CPU only");
	EXPECT_EQ(pthread_create(&thread, NULL, create_on_one_cpu, &topo), 0);
	pthread_join(thread, NULL);
	EXPECT_TRUE(topo);
	EXPECT_EQ(topo->nr_usable, CPU_COUNT(&set));
	topology_free(topo);
}

TEST(topology, the_caller_stays_bound_as_it_was)
{
	cpu_set_t before, after;
	struct topology *topo;

	EXPECT_EQ(sched_getaffinity(0, sizeof(before), &before), 0);
	topo = described(NULL, NULL, NULL);
	EXPECT_EQ(sched_getaffinity(0, sizeof(after), &after), 0);
	EXPECT_TRUE(CPU_EQUAL(&before, &after));
	topology_free(topo);
}

struct machine {
	const char *description;
	u32 nr_cpus, nr_cores, nr_llcs, nr_nodes;
};

static const struct machine machines[] = {
	{ "pack:2 l3:4 core:64 pu:1", 512, 512, 8, 1 },
	{ "pack:2 l3:4 core:32 pu:2", 512, 256, 8, 1 },
	{ "node:2 l3:4 core:32 pu:2", 512, 256, 8, 2 },
	{ "core:1 pu:1", 1, 1, 1, 1 },
	{ "pu:4", 4, 4, 1, 1 },				/* no cores, no caches */
	{ "pack:2 core:4 pu:2", 16, 8, 2, 1 },		/* no caches: the package */
	{ "l2:4 core:2 pu:1", 8, 8, 4, 1 },		/* the second level is the last */
	{ "node:8 pack:2 l3:2 core:16 pu:2", 1024, 512, 32, 8 },
};

/* How many different values a field of the CPUs has. */
static u32 count_different(const struct topology *topo, size_t field)
{
	u32 nr = 0;

	for (u32 i = 0; i < topo->nr_cpus; i++) {
		u32 j = 0, value = *(const u32 *)((const char *)&topo->cpu[i] + field);

		while (j < i && *(const u32 *)((const char *)&topo->cpu[j] + field) != value)
			j++;
		nr += j == i;
	}
	return nr;
}

TEST(topology, a_described_machine_has_what_the_description_says)
{
	for (size_t i = 0; i < ARRAY_SIZE(machines); i++) {
		const struct machine *m = &machines[i];
		struct topology *topo = described(m->description, NULL, NULL);

		EXPECT_TRUE(topo->described);
		EXPECT_EQ(topo->nr_cpus, m->nr_cpus);
		EXPECT_EQ(topo->nr_usable, m->nr_cpus);
		EXPECT_EQ(count_different(topo, offsetof(struct topo_cpu, core)), m->nr_cores);
		EXPECT_EQ(count_different(topo, offsetof(struct topo_cpu, llc)), m->nr_llcs);
		EXPECT_EQ(count_different(topo, offsetof(struct topo_cpu, node)), m->nr_nodes);
		topology_free(topo);
	}
}

TEST(topology, isolated_cpus_are_not_usable)
{
	struct topology *topo = described("core:8 pu:1", NULL, "2-3,7");

	EXPECT_EQ(topo->nr_usable, 5);
	for (u32 i = 0; i < 8; i++) {
		EXPECT_EQ(topo->cpu[i].isolated, i == 2 || i == 3 || i == 7);
		EXPECT_EQ(topo->cpu[i].usable, !topo->cpu[i].isolated);
	}
	topology_free(topo);
}

TEST(topology, a_process_put_on_isolated_cpus_only_uses_them)
{
	struct topology *topo = described("core:8 pu:1", "2-3", "2-3,7");

	EXPECT_EQ(topo->nr_usable, 2);
	EXPECT_TRUE(topo->cpu[2].usable && topo->cpu[2].isolated);
	EXPECT_FALSE(topo->cpu[0].usable);
	topology_free(topo);
}

TEST(topology, cpus_that_are_not_allowed_are_there_but_not_usable)
{
	struct topology *topo = described("l3:2 core:4 pu:1", "1,5-6", NULL);

	EXPECT_EQ(topo->nr_cpus, 8);
	EXPECT_EQ(topo->nr_usable, 3);
	EXPECT_EQ(topo->cpu[0].llc, 0);
	EXPECT_EQ(topo->cpu[7].llc, 4);
	topology_free(topo);
}

static const struct topology_spec nonsense[] = {
	{ .machine = "l3:2 core:" },
	{ .machine = "no machine" },
	{ .machine = "core:4 pu:1", .allowed = "4-7" },		/* nothing is left */
	{ .machine = "core:4 pu:1", .allowed = "x" },
	{ .machine = "core:4 pu:1", .isolated = "x" },
};

TEST(topology, nonsense_is_refused)
{
	for (size_t i = 0; i < ARRAY_SIZE(nonsense); i++) {
		struct topology *topo = NULL;

		EXPECT_EQ(topology_create(&nonsense[i], &topo), -EINVAL);
		EXPECT_PTR_EQ(topo, NULL);
	}
}

TEST(topology, a_thread_is_where_it_is_or_says_it_is)
{
	struct topology *here = described(NULL, NULL, NULL);
	struct topology *there = described("l3:2 core:4 pu:1", NULL, NULL);

	EXPECT_TRUE(topology_this_cpu(there) < 8);
	topology_pretend_cpu(6);
	EXPECT_EQ(topology_this_cpu(there), 6);
	topology_pretend_cpu(13);
	EXPECT_EQ(topology_this_cpu(there), 5);
	EXPECT_TRUE(topology_this_cpu(here) < here->nr_cpus);
	topology_free(there);
	topology_free(here);
}
