/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/pods: the kernel's rules, on machines from tables and on odd ones
 */
#include "tests/test.h"

#include <errno.h>

#include "wq/pods.h"

static struct topology *machine(const char *description, const char *allowed, const char *isolated)
{
	struct topology_spec spec = {
		.machine = description, .allowed = allowed, .isolated = isolated,
	};
	struct topology *topo = NULL;

	EXPECT_EQ(topology_create(&spec, &topo), 0);
	return topo;
}

static struct pods *group(const struct topology *topo, enum pod_scope scope)
{
	struct pods *pods = NULL;

	EXPECT_EQ(pods_create(topo, scope, NULL, 0, &pods), 0);
	return pods;
}

struct row {
	const char *description, *allowed, *isolated;
	u32 nr_pods[NR_POD_SCOPES];	/* cpu smt cache_shard cache numa system */
};

static const struct row rows[] = {
	{ "pack:2 l3:4 core:64 pu:1", NULL, NULL, { 512, 512, 64, 8, 1, 1 } },
	{ "node:2 l3:4 core:32 pu:2", NULL, NULL, { 512, 256, 32, 8, 2, 1 } },
	{ "core:1 pu:1", NULL, NULL, { 1, 1, 1, 1, 1, 1 } },
	{ "l3:1 core:2 pu:1", NULL, NULL, { 2, 2, 1, 1, 1, 1 } },
	{ "l3:1 core:8 pu:2", NULL, NULL, { 16, 8, 1, 1, 1, 1 } },
	{ "l3:1 core:11 pu:2", NULL, NULL, { 22, 11, 1, 1, 1, 1 } },	/* 11/8 rounds down */
	{ "l3:1 core:12 pu:2", NULL, NULL, { 24, 12, 2, 1, 1, 1 } },	/* 12/8 rounds up */
	{ "l3:1 core:36 pu:2", NULL, NULL, { 72, 36, 5, 1, 1, 1 } },
	{ "l3:3 core:3 pu:1", NULL, NULL, { 9, 9, 3, 3, 1, 1 } },
	{ "pu:4", NULL, NULL, { 4, 4, 1, 1, 1, 1 } },
	{ "node:8 pack:2 l3:2 core:16 pu:2", NULL, NULL, { 1024, 512, 64, 32, 8, 1 } },
	/* One thread of each core: as with SMT switched off. */
	{ "l3:2 core:8 pu:2", "0,2,4,6,8,10,12,14,16,18,20,22,24,26,28,30", NULL,
	  { 16, 16, 2, 2, 1, 1 } },
	/* A cgroup that has five CPUs of one cache and one of another. */
	{ "node:2 l3:2 core:16 pu:1", "3-7,63", NULL, { 6, 6, 2, 2, 2, 1 } },
	/* A whole cache is isolated, and part of another. */
	{ "l3:4 core:16 pu:1", NULL, "16-31,32-33", { 46, 46, 6, 3, 1, 1 } },
};

TEST(pods, there_are_as_many_as_the_rules_say)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct topology *topo = machine(rows[i].description, rows[i].allowed,
						rows[i].isolated);

		for (enum pod_scope scope = 0; scope < NR_POD_SCOPES; scope++) {
			struct pods *pods = group(topo, scope);

			EXPECT_EQ(pods->nr_pods, rows[i].nr_pods[scope]);
			EXPECT_EQ(pods->scope, scope);
			pods_free(pods);
		}
		topology_free(topo);
	}
}

/* A machine out of a list of (core, cache, node) triples; core TOPO_NONE: a hole. */
static struct topology *by_hand(const struct topo_cpu *cpus, u32 nr)
{
	struct topology *topo = calloc(1, sizeof(*topo) + nr * sizeof(*cpus));

	topo->nr_cpus = nr;
	topo->described = true;
	memcpy(topo->cpu, cpus, nr * sizeof(*cpus));
	for (u32 i = 0; i < nr; i++)
		topo->nr_usable += cpus[i].usable;
	return topo;
}

static u32 nr_in_shard(const struct pods *pods, u32 pod)
{
	EXPECT_EQ(CPU_COUNT_S(pods->set_bytes, pods->pod[pod].cpus), pods->pod[pod].nr_cpus);
	return pods->pod[pod].nr_cpus;
}

TEST(pods, uneven_caches_are_sharded_each_for_itself)
{
	struct topo_cpu cpus[29];
	struct topology *topo;
	struct pods *pods;

	/* 20 cores on one cache: 3 shards of 7, 7 and 6; 9 on another: one shard. */
	for (u32 i = 0; i < 29; i++)
		cpus[i] = (struct topo_cpu){ .core = i, .llc = i < 20 ? 0 : 20, .usable = true };
	topo = by_hand(cpus, 29);
	pods = group(topo, POD_CACHE_SHARD);
	EXPECT_EQ(pods->nr_pods, 4);
	EXPECT_EQ(nr_in_shard(pods, 0), 7);
	EXPECT_EQ(nr_in_shard(pods, 1), 7);
	EXPECT_EQ(nr_in_shard(pods, 2), 6);
	EXPECT_EQ(nr_in_shard(pods, 3), 9);
	pods_free(pods);
	topology_free(topo);
}

TEST(pods, siblings_numbered_far_apart_are_not_split)
{
	struct topo_cpu cpus[32];
	struct topology *topo;
	struct pods *pods;

	/* As Intel numbers them: CPU n and CPU n + 16 are one core. */
	for (u32 i = 0; i < 32; i++)
		cpus[i] = (struct topo_cpu){ .core = i % 16, .llc = 0, .usable = true };
	topo = by_hand(cpus, 32);
	pods = group(topo, POD_CACHE_SHARD);
	EXPECT_EQ(pods->nr_pods, 2);
	for (u32 i = 0; i < 16; i++) {
		EXPECT_EQ(pods_of_cpu(pods, i), i / 8);
		EXPECT_EQ(pods_of_cpu(pods, i + 16), i / 8);
	}
	pods_free(pods);
	topology_free(topo);
}

TEST(pods, offline_cpus_leave_holes_that_map_somewhere)
{
	struct topo_cpu cpus[8];
	struct topology *topo;
	struct pods *pods;

	for (u32 i = 0; i < 8; i++)
		cpus[i] = i % 2 ? (struct topo_cpu){ TOPO_NONE, TOPO_NONE, 0 } :
				  (struct topo_cpu){ .core = i, .llc = 0, .usable = true };
	topo = by_hand(cpus, 8);
	pods = group(topo, POD_CPU);
	EXPECT_EQ(pods->nr_pods, 4);
	for (u32 i = 0; i < 20; i++)
		EXPECT_TRUE(pods_of_cpu(pods, i) < 4);
	EXPECT_EQ(pods_of_cpu(pods, 6), 3);
	/* Work from the holes does not all go to one pod. */
	EXPECT_NE(pods_of_cpu(pods, 1), pods_of_cpu(pods, 3));
	pods_free(pods);
	topology_free(topo);
}

TEST(pods, an_isolated_cpu_has_the_pod_of_what_is_nearest)
{
	struct topology *topo = machine("node:2 l3:2 core:4 pu:2", NULL, "1,8-15,31");
	struct pods *pods = group(topo, POD_SMT);

	EXPECT_EQ(pods_of_cpu(pods, 1), pods_of_cpu(pods, 0));		/* its sibling's */
	EXPECT_EQ(pods_of_cpu(pods, 31), pods_of_cpu(pods, 30));
	for (u32 i = 8; i < 16; i++) {					/* its node's */
		EXPECT_EQ(pods->pod[pods_of_cpu(pods, i)].node, 0);
		EXPECT_FALSE(CPU_ISSET_S(i, pods->set_bytes, pods->pod[pods_of_cpu(pods, i)].cpus));
	}
	pods_free(pods);
	topology_free(topo);
}

TEST(pods, a_pod_knows_its_node)
{
	struct topology *topo = machine("node:2 l3:2 core:4 pu:2", NULL, NULL);
	struct pods *pods = group(topo, POD_CACHE);

	EXPECT_EQ(pods->nr_pods, 4);
	for (u32 i = 0; i < 4; i++)
		EXPECT_EQ(pods->pod[i].node, i / 2);
	pods_free(pods);
	topology_free(topo);
}

TEST(pods, a_mask_narrows_them)
{
	struct topology *topo = machine("l3:4 core:4 pu:1", NULL, NULL);
	struct pods *pods = NULL;
	cpu_set_t only;

	CPU_ZERO(&only);
	CPU_SET(5, &only);
	CPU_SET(12, &only);
	EXPECT_EQ(pods_create(topo, POD_CACHE, &only, sizeof(only), &pods), 0);
	EXPECT_EQ(pods->nr_pods, 2);
	EXPECT_EQ(pods_of_cpu(pods, 5), 0);
	EXPECT_EQ(pods_of_cpu(pods, 4), 0);	/* left out: the same cache's */
	EXPECT_EQ(pods_of_cpu(pods, 15), 1);
	pods_free(pods);

	CPU_ZERO(&only);
	EXPECT_EQ(pods_create(topo, POD_CACHE, &only, sizeof(only), &pods), -EINVAL);
	EXPECT_EQ(pods_create(topo, POD_CACHE, &only, 1, &pods), -EINVAL);
	EXPECT_EQ(pods_create(topo, NR_POD_SCOPES, NULL, 0, &pods), -EINVAL);
	topology_free(topo);
}

static u32 random_below(u32 *seed, u32 limit)
{
	*seed = *seed * 1664525 + 1013904223;
	return (*seed >> 8) % limit;
}

/* Caches of 1 to 40 cores, cores of 1 or 2 threads, a tenth of the CPUs not usable. */
static struct topology *odd_machine(u32 *seed)
{
	struct topo_cpu cpus[600];
	u32 nr = 0, nr_caches = 1 + random_below(seed, 6);

	for (u32 cache = 0; cache < nr_caches; cache++) {
		u32 llc = nr, nr_cores = 1 + random_below(seed, 40);

		for (u32 c = 0; c < nr_cores; c++) {
			u32 core = nr, nr_threads = 1 + random_below(seed, 2);

			for (u32 t = 0; t < nr_threads; t++)
				cpus[nr++] = (struct topo_cpu){
					.core = core, .llc = llc, .node = cache / 2,
					.usable = random_below(seed, 10) > 0,
				};
		}
	}
	cpus[random_below(seed, nr)].usable = true;
	return by_hand(cpus, nr);
}

static bool in_pod(const struct pods *pods, u32 pod, u32 cpu)
{
	return CPU_ISSET_S(cpu, pods->set_bytes, pods->pod[pod].cpus);
}

static void expect_a_partition(const struct topology *topo, const struct pods *pods)
{
	u32 nr = 0;

	for (u32 i = 0; i < pods->nr_pods; i++) {
		EXPECT_TRUE(pods->pod[i].nr_cpus > 0);
		EXPECT_TRUE(in_pod(pods, i, pods->pod[i].first_cpu));
		nr += nr_in_shard(pods, i);
	}
	EXPECT_EQ(nr, topo->nr_usable);
	for (u32 i = 0; i < topo->nr_cpus; i++)
		EXPECT_EQ(in_pod(pods, pods_of_cpu(pods, i), i), topo->cpu[i].usable);
}

static void expect_nested(const struct topology *topo, const struct pods *small,
			  const struct pods *large)
{
	for (u32 i = 0; i < small->nr_pods; i++)
		for (u32 cpu = 0; cpu < topo->nr_cpus; cpu++)
			if (in_pod(small, i, cpu))
				EXPECT_EQ(pods_of_cpu(large, cpu),
					  pods_of_cpu(large, small->pod[i].first_cpu));
}

/* Cores of a pod that somebody may use. */
static u32 nr_cores_of(const struct topology *topo, const struct pods *pods, u32 pod)
{
	u32 nr = 0;

	for (u32 i = 0; i < topo->nr_cpus; i++) {
		u32 j = i;

		if (!in_pod(pods, pod, i))
			continue;
		while (j && topo->cpu[j - 1].core == topo->cpu[i].core)
			j--;
		for (; j < i && !in_pod(pods, pod, j); j++)
			;
		nr += j == i;
	}
	return nr;
}

static void expect_even_shards(const struct topology *topo, const struct pods *shards,
			       const struct pods *caches)
{
	for (u32 c = 0; c < caches->nr_pods; c++) {
		u32 nr_cores = nr_cores_of(topo, caches, c), nr_shards = 0, sum = 0;
		u32 least = UINT32_MAX, most = 0;

		for (u32 s = 0; s < shards->nr_pods; s++) {
			u32 nr = nr_cores_of(topo, shards, s);

			if (!in_pod(caches, c, shards->pod[s].first_cpu))
				continue;
			nr_shards++;
			sum += nr;
			least = min(least, nr);
			most = max(most, nr);
		}
		EXPECT_EQ(nr_shards, max(1u, (nr_cores + 4) / 8));
		EXPECT_EQ(sum, nr_cores);
		EXPECT_TRUE(most - least <= 1);
	}
}

TEST(pods, of_any_machine_are_nested_partitions_with_even_shards)
{
	u32 seed = 1;

	for (int round = 0; round < 100; round++) {
		struct topology *topo = odd_machine(&seed);
		struct pods *pods[NR_POD_SCOPES];

		for (enum pod_scope scope = 0; scope < NR_POD_SCOPES; scope++) {
			pods[scope] = group(topo, scope);
			expect_a_partition(topo, pods[scope]);
			if (scope)
				expect_nested(topo, pods[scope - 1], pods[scope]);
		}
		expect_even_shards(topo, pods[POD_CACHE_SHARD], pods[POD_CACHE]);
		for (enum pod_scope scope = 0; scope < NR_POD_SCOPES; scope++)
			pods_free(pods[scope]);
		topology_free(topo);
	}
}

TEST(pods, scopes_have_the_kernels_names)
{
	enum pod_scope scope = NR_POD_SCOPES;

	for (enum pod_scope i = 0; i < NR_POD_SCOPES; i++) {
		EXPECT_EQ(pod_scope_parse(pod_scope_name(i), &scope), 0);
		EXPECT_EQ(scope, i);
	}
	EXPECT_EQ(pod_scope_parse("default", &scope), 0);
	EXPECT_EQ(scope, POD_CACHE_SHARD);
	EXPECT_EQ(pod_scope_parse("socket", &scope), -EINVAL);
	EXPECT_STR_EQ(pod_scope_name(POD_CACHE_SHARD), "cache_shard");
	EXPECT_STR_EQ(pod_scope_name(NR_POD_SCOPES), "?");
}
