/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/topology.c - the snapshot of a machine, taken with hwloc
 *
 * hwloc reads sysfs, or builds a machine from a description.  It runs when a
 * snapshot is asked for, leaves nothing behind, and is known to this file only.
 *
 * May use: what any thread of the process may run on, because the thread that asks
 * may have bound itself, and within what the process's cgroup allows.
 */
#include <dirent.h>
#include <errno.h>
#include <hwloc.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cancel.h"
#include "base/context.h"
#include "base/symbol.h"
#include "wq/topology.h"

#define KERNEL_ISOLATED "/sys/devices/system/cpu/isolated"
#define KERNEL_NOHZ_FULL "/sys/devices/system/cpu/nohz_full"

/* Backends that start threads, bind the caller to each CPU in turn, or open devices. */
static const char *const unwanted[] = {
	"x86", "pci", "opencl", "cuda", "nvml", "rsmi", "levelzero", "gl",
};

/* CPU on which a thread of a described machine believes to be, and one; 0: not told. */
static __thread u32 pretended_cpu __attribute__((tls_model("initial-exec")));

static int machine_load(hwloc_topology_t machine, const char *description)
{
	if (description && hwloc_topology_set_synthetic(machine, description))
		return -EINVAL;
	for (size_t i = 0; i < ARRAY_SIZE(unwanted); i++)
		hwloc_topology_set_components(machine, HWLOC_TOPOLOGY_COMPONENTS_FLAG_BLACKLIST,
					      unwanted[i]);
	hwloc_topology_set_all_types_filter(machine, HWLOC_TYPE_FILTER_KEEP_ALL);
	hwloc_topology_set_io_types_filter(machine, HWLOC_TYPE_FILTER_KEEP_NONE);
	hwloc_topology_set_icache_types_filter(machine, HWLOC_TYPE_FILTER_KEEP_NONE);
	return hwloc_topology_load(machine) ? -EIO : 0;
}

static int machine_open(const char *description, hwloc_topology_t *ret_machine)
{
	hwloc_topology_t machine;
	int err;

	if (hwloc_topology_init(&machine))
		return -ENOMEM;
	err = machine_load(machine, description);
	if (err) {
		hwloc_topology_destroy(machine);
		return err;
	}
	*ret_machine = machine;
	return 0;
}

/* The cache farthest from the CPU; without any, the package, or the machine. */
static hwloc_obj_t last_level_cache(hwloc_obj_t pu)
{
	hwloc_obj_t last = NULL, package = NULL;

	for (hwloc_obj_t obj = pu->parent; obj; obj = obj->parent) {
		if (hwloc_obj_type_is_dcache(obj->type))
			last = obj;
		if (obj->type == HWLOC_OBJ_PACKAGE || !obj->parent)
			package = package ? package : obj;
	}
	return last ? last : package;
}

static hwloc_obj_t core_of(hwloc_topology_t machine, hwloc_obj_t pu)
{
	hwloc_obj_t core = hwloc_get_ancestor_obj_by_type(machine, HWLOC_OBJ_CORE, pu);

	return core ? core : pu;
}

/* Number a group by its first CPU, which no other group of its kind has. */
static u32 first_cpu_of(hwloc_obj_t obj)
{
	return hwloc_bitmap_first(obj->cpuset);
}

static u32 node_of(hwloc_obj_t pu)
{
	int node = pu->nodeset ? hwloc_bitmap_first(pu->nodeset) : 0;

	return node < 0 ? 0 : node;
}

static void fill_cpu(struct topology *topo, hwloc_topology_t machine, hwloc_obj_t pu)
{
	topo->cpu[pu->os_index] = (struct topo_cpu){
		.core = first_cpu_of(core_of(machine, pu)),
		.llc = first_cpu_of(last_level_cache(pu)),
		.node = node_of(pu),
	};
}

static int snapshot(hwloc_topology_t machine, struct topology **ret_topo)
{
	int last = hwloc_bitmap_last(hwloc_topology_get_complete_cpuset(machine));
	hwloc_obj_t pu = NULL;
	struct topology *topo;

	if (last < 0)
		return -EIO;
	topo = calloc(1, sizeof(*topo) + (last + 1) * sizeof(topo->cpu[0]));
	if (!topo)
		return -ENOMEM;
	topo->nr_cpus = last + 1;
	topo->described = !hwloc_topology_is_thissystem(machine);
	for (u32 i = 0; i < topo->nr_cpus; i++)
		topo->cpu[i] = (struct topo_cpu){ TOPO_NONE, TOPO_NONE, 0 };
	while ((pu = hwloc_get_next_obj_by_type(machine, HWLOC_OBJ_PU, pu)))
		fill_cpu(topo, machine, pu);
	*ret_topo = topo;
	return 0;
}

static int parse_list(hwloc_bitmap_t set, const char *list)
{
	return hwloc_bitmap_list_sscanf(set, list) ? -EINVAL : 0;
}

/* A file that is not there names no CPU; neither does one that says "(null)". */
static void or_list_in_file(hwloc_bitmap_t set, const char *path)
{
	hwloc_bitmap_t more = hwloc_bitmap_alloc();
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t room = 0;

	if (file && more && getline(&line, &room, file) > 1 && line[0] != '(' &&
	    !parse_list(more, line))
		hwloc_bitmap_or(set, set, more);
	free(line);
	if (file)
		fclose(file);
	hwloc_bitmap_free(more);
}

static void or_affinity_of_thread(hwloc_bitmap_t set, pid_t tid, u32 nr_cpus)
{
	size_t bytes = CPU_ALLOC_SIZE(nr_cpus);
	cpu_set_t *mine = CPU_ALLOC(nr_cpus);

	if (mine && !sched_getaffinity(tid, bytes, mine))
		for (u32 cpu = 0; cpu < nr_cpus; cpu++)
			if (CPU_ISSET_S(cpu, bytes, mine))
				hwloc_bitmap_set(set, cpu);
	CPU_FREE(mine);
}

/* Our workers are where an earlier look has put them. */
static bool is_ours(u32 tid)
{
	char comm[COMM_BYTES];

	return thread_comm(tid, comm) && !strncmp(comm, "rove-", 5);
}

static void or_affinity_of_process(hwloc_bitmap_t set, u32 nr_cpus)
{
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *entry;

	or_affinity_of_thread(set, 0, nr_cpus);
	while (tasks && (entry = readdir(tasks))) {
		if (entry->d_name[0] != '.' && !is_ours(atoi(entry->d_name)))
			or_affinity_of_thread(set, atoi(entry->d_name), nr_cpus);
	}
	if (tasks)
		closedir(tasks);
}

/*
 * The kernel's mask may be longer than the numbers hwloc knows of, and a call
 * with room for fewer fails.
 */
static u32 kernel_nr_cpus(u32 nr_cpus)
{
	u32 nr = max(nr_cpus, (u32)CPU_SETSIZE);

	for (; nr < 1u << 20; nr *= 2) {
		cpu_set_t *set = CPU_ALLOC(nr);
		bool fits = set && !sched_getaffinity(0, CPU_ALLOC_SIZE(nr), set);

		CPU_FREE(set);
		if (fits)
			break;
	}
	return nr;
}

static int find_allowed(const struct topology_spec *spec, const struct topology *topo,
			hwloc_topology_t machine, hwloc_bitmap_t set)
{
	if (spec->allowed)
		return parse_list(set, spec->allowed);
	if (topo->described)
		hwloc_bitmap_fill(set);
	else
		or_affinity_of_process(set, kernel_nr_cpus(topo->nr_cpus));
	hwloc_bitmap_and(set, set, hwloc_topology_get_allowed_cpuset(machine));
	return 0;
}

static int find_isolated(const struct topology_spec *spec, const struct topology *topo,
			 hwloc_bitmap_t set)
{
	if (spec->isolated)
		return spec->isolated[0] ? parse_list(set, spec->isolated) : 0;
	if (!topo->described) {
		or_list_in_file(set, KERNEL_ISOLATED);
		or_list_in_file(set, KERNEL_NOHZ_FULL);
	}
	return 0;
}

/*
 * A process that may use isolated CPUs only was put there by somebody who
 * meant it.
 */
static int mark_usable(struct topology *topo, hwloc_bitmap_t allowed, hwloc_bitmap_t isolated)
{
	bool only_isolated = true;

	for (u32 i = 0; i < topo->nr_cpus; i++) {
		struct topo_cpu *cpu = &topo->cpu[i];

		cpu->isolated = hwloc_bitmap_isset(isolated, i);
		cpu->usable = cpu->core != TOPO_NONE && hwloc_bitmap_isset(allowed, i);
		only_isolated &= !cpu->usable || cpu->isolated;
	}
	for (u32 i = 0; i < topo->nr_cpus; i++) {
		topo->cpu[i].usable &= only_isolated || !topo->cpu[i].isolated;
		topo->nr_usable += topo->cpu[i].usable;
	}
	return topo->nr_usable ? 0 : -EINVAL;
}

static int restrict_to_usable(struct topology *topo, const struct topology_spec *spec,
			      hwloc_topology_t machine)
{
	hwloc_bitmap_t allowed = hwloc_bitmap_alloc(), isolated = hwloc_bitmap_alloc();
	int err = -ENOMEM;

	if (allowed && isolated)
		err = find_allowed(spec, topo, machine, allowed);
	if (!err)
		err = find_isolated(spec, topo, isolated);
	if (!err)
		err = mark_usable(topo, allowed, isolated);
	hwloc_bitmap_free(isolated);
	hwloc_bitmap_free(allowed);
	return err;
}

/**
 * topology_create - take a snapshot
 * @spec:      of which machine, and what of it may be used
 * @ret_topo:  set on success only; free with topology_free()
 *
 * Context: may sleep; milliseconds.
 * Return:  0, -EINVAL (a description or list that makes no sense, or no CPU is left),
 *          -EIO (the machine could not be read) or -ENOMEM.
 */
int topology_create(const struct topology_spec *spec, struct topology **ret_topo)
{
	int state CANCEL_HELD = cancel_hold();	/* callers hold locks */
	struct topology *topo = NULL;
	hwloc_topology_t machine;
	int err;

	ctx_may_sleep();
	err = machine_open(spec->machine, &machine);
	if (err)
		return err;
	err = snapshot(machine, &topo);
	if (!err)
		err = restrict_to_usable(topo, spec, machine);
	hwloc_topology_destroy(machine);
	if (err) {
		topology_free(topo);
		return err;
	}
	*ret_topo = topo;
	return 0;
}

/**
 * topology_free - end a snapshot
 *
 * Context: thread.
 */
void topology_free(struct topology *topo)
{
	ctx_thread();
	free(topo);
}

/**
 * topology_this_cpu - the CPU the caller is on, or believes to be on
 *
 * Context: any.
 * Return:  a CPU number; of this machine possibly past the snapshot, if CPUs came later.
 */
u32 topology_this_cpu(const struct topology *topo)
{
	int cpu = sched_getcpu();

	ctx_any();
	if (likely(!topo->described))
		return cpu < 0 ? 0 : cpu;
	return (pretended_cpu ? pretended_cpu - 1 : (u32)cpu) % topo->nr_cpus;
}

/**
 * topology_pretend_cpu - on described machines, be on @cpu from now on
 * @cpu:  for the calling thread; modulo the number of CPUs the machine has
 *
 * Context: any.
 */
void topology_pretend_cpu(u32 cpu)
{
	ctx_any();
	pretended_cpu = cpu + 1;
}
