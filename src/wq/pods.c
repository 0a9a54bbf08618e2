/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/pods.c - groups of CPUs that one worker pool serves
 *
 * A pure function of a snapshot.  Each CPU gets a key, which depends on the
 * scope; CPUs with equal keys are a pod.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/context.h"
#include "wq/pods.h"

#define CORES_PER_SHARD 8

static const char *const scope_names[NR_POD_SCOPES] = {
	[POD_CPU] = "cpu",
	[POD_SMT] = "smt",
	[POD_CACHE_SHARD] = "cache_shard",
	[POD_CACHE] = "cache",
	[POD_NUMA] = "numa",
	[POD_SYSTEM] = "system",
};

/**
 * pod_scope_name - the scope as the kernel writes it
 *
 * Context: any.
 */
const char *pod_scope_name(enum pod_scope scope)
{
	ctx_any();
	return scope < NR_POD_SCOPES ? scope_names[scope] : "?";
}

/**
 * pod_scope_parse - the scope of a name; "default" is one
 *
 * Context: any.
 * Return:  0 or -EINVAL.
 */
int pod_scope_parse(const char *name, enum pod_scope *ret_scope)
{
	ctx_any();
	if (!strcmp(name, "default")) {
		*ret_scope = POD_DEFAULT;
		return 0;
	}
	for (u32 i = 0; i < NR_POD_SCOPES; i++) {
		if (!strcmp(name, scope_names[i])) {
			*ret_scope = i;
			return 0;
		}
	}
	return -EINVAL;
}

/* What building needs; by CPU number, as cores and caches have such numbers. */
struct build {
	const struct topology	*topo;
	const cpu_set_t		*only;		/* NULL: all that are usable */
	size_t			only_bytes;
	u32			*core_rank;	/* by core: how many of its cache come before */
	u32			*llc_cores;	/* by cache: how many cores have a CPU to use */
};

static bool takes_part(const struct build *b, u32 cpu)
{
	return b->topo->cpu[cpu].usable &&
	       (!b->only || CPU_ISSET_S(cpu, b->only_bytes, b->only));
}

static void rank_cores(struct build *b)
{
	const struct topology *topo = b->topo;

	memset(b->core_rank, 0xff, topo->nr_cpus * sizeof(*b->core_rank));
	for (u32 i = 0; i < topo->nr_cpus; i++) {
		const struct topo_cpu *cpu = &topo->cpu[i];

		if (takes_part(b, i) && b->core_rank[cpu->core] == TOPO_NONE)
			b->core_rank[cpu->core] = b->llc_cores[cpu->llc]++;
	}
}

/*
 * Which shard of its cache a core is in.  Cores that do not divide evenly make
 * the first shards one larger.
 */
static u32 shard_of_core(u32 rank, u32 nr_cores)
{
	u32 nr_shards = max(1u, (nr_cores + CORES_PER_SHARD / 2) / CORES_PER_SHARD);
	u32 size = nr_cores / nr_shards, nr_larger = nr_cores % nr_shards;
	u32 in_larger = nr_larger * (size + 1);

	return rank < in_larger ? rank / (size + 1) : nr_larger + (rank - in_larger) / size;
}

static u64 pod_key(const struct build *b, enum pod_scope scope, u32 nr)
{
	const struct topo_cpu *cpu = &b->topo->cpu[nr];

	switch (scope) {
	case POD_CPU:
		return nr;
	case POD_SMT:
		return cpu->core;
	case POD_CACHE_SHARD:
		return (u64)cpu->llc << 32 |
		       shard_of_core(b->core_rank[cpu->core], b->llc_cores[cpu->llc]);
	case POD_CACHE:
		return cpu->llc;
	case POD_NUMA:
		return cpu->node;
	default:
		return 0;
	}
}

static int pod_add_cpu(struct pods *pods, struct pod *pod, u32 cpu)
{
	if (!pod->cpus) {
		pod->cpus = calloc(1, pods->set_bytes);
		if (!pod->cpus)
			return -ENOMEM;
		pod->first_cpu = cpu;
		pods->nr_pods++;
	}
	CPU_SET_S(cpu, pods->set_bytes, pod->cpus);
	pod->nr_cpus++;
	return 0;
}

static int group_by_key(struct pods *pods, const struct build *b, u64 *keys)
{
	for (u32 cpu = 0; cpu < pods->nr_cpus; cpu++) {
		u64 key;
		u32 i = 0;

		if (!takes_part(b, cpu))
			continue;
		key = pod_key(b, pods->scope, cpu);
		while (i < pods->nr_pods && keys[i] != key)
			i++;
		keys[i] = key;
		if (pod_add_cpu(pods, &pods->pod[i], cpu))
			return -ENOMEM;
		pods->pod[i].node = b->topo->cpu[pods->pod[i].first_cpu].node;
		pods->pod_of[cpu] = i;
	}
	return pods->nr_pods ? 0 : -EINVAL;
}

/* How much two CPUs share: 3 a core, 2 a cache, 1 a node. */
static u32 nearness(const struct topo_cpu *a, const struct topo_cpu *b)
{
	if (a->core == TOPO_NONE)
		return 0;
	if (a->core == b->core)
		return 3;
	if (a->llc == b->llc)
		return 2;
	return a->node == b->node;
}

/* Begins behind @cpu, so that neighbours without a pod do not all meet in one. */
static u32 nearest_pod(const struct pods *pods, const struct build *b, u32 cpu)
{
	u32 best = TOPO_NONE, best_pod = 0;

	for (u32 i = 1; i < pods->nr_cpus; i++) {
		u32 other = (cpu + i) % pods->nr_cpus, near;

		if (!takes_part(b, other))
			continue;
		near = nearness(&b->topo->cpu[cpu], &b->topo->cpu[other]);
		if (best == TOPO_NONE || near > best) {
			best = near;
			best_pod = pods->pod_of[other];
		}
	}
	return best_pod;
}

static int build_pods(struct pods *pods, struct build *b)
{
	u64 *keys = calloc(pods->nr_cpus, sizeof(*keys));
	int err = -ENOMEM;

	b->core_rank = calloc(pods->nr_cpus, sizeof(*b->core_rank));
	b->llc_cores = calloc(pods->nr_cpus, sizeof(*b->llc_cores));
	if (keys && b->core_rank && b->llc_cores) {
		rank_cores(b);
		err = group_by_key(pods, b, keys);
	}
	for (u32 cpu = 0; !err && cpu < pods->nr_cpus; cpu++)
		if (!takes_part(b, cpu))
			pods->pod_of[cpu] = nearest_pod(pods, b, cpu);
	free(b->llc_cores);
	free(b->core_rank);
	free(keys);
	return err;
}

/**
 * pods_create - group the CPUs of a machine
 * @topo:        read only during the call
 * @only:        use these CPUs only; NULL for all that are usable
 * @only_bytes:  its size; at least as many CPUs as the machine has
 * @ret_pods:    set on success only; free with pods_free()
 *
 * Context: thread.
 * Return:  0, -EINVAL (no such scope, @only too short or without a usable CPU) or -ENOMEM.
 */
int pods_create(const struct topology *topo, enum pod_scope scope, const cpu_set_t *only,
		size_t only_bytes, struct pods **ret_pods)
{
	struct build b = { .topo = topo, .only = only, .only_bytes = only_bytes };
	struct pods *pods;
	int err = -ENOMEM;

	ctx_thread();
	if (scope >= NR_POD_SCOPES || (only && only_bytes < CPU_ALLOC_SIZE(topo->nr_cpus)))
		return -EINVAL;
	pods = calloc(1, sizeof(*pods));
	if (!pods)
		return -ENOMEM;
	pods->scope = scope;
	pods->nr_cpus = topo->nr_cpus;
	pods->set_bytes = CPU_ALLOC_SIZE(topo->nr_cpus);
	pods->described = topo->described;
	pods->pod_of = calloc(topo->nr_cpus, sizeof(*pods->pod_of));
	pods->pod = calloc(topo->nr_cpus, sizeof(*pods->pod));
	if (pods->pod_of && pods->pod)
		err = build_pods(pods, &b);
	if (err) {
		pods_free(pods);
		return err;
	}
	*ret_pods = pods;
	return 0;
}

/**
 * pods_free - forget the groups
 * @pods:  NULL, or half built
 *
 * Context: thread.
 */
void pods_free(struct pods *pods)
{
	ctx_thread();
	if (!pods)
		return;
	for (u32 i = 0; pods->pod && i < pods->nr_cpus; i++)
		free(pods->pod[i].cpus);
	free(pods->pod);
	free(pods->pod_of);
	free(pods);
}
