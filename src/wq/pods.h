/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/pods.h - groups of CPUs that one worker pool serves
 *
 * The rules are the kernel's: a cache shard is about eight cores of one
 * last-level cache, the cores of a cache are spread evenly over its shards, and
 * the threads of a core are never split.
 *
 * A pod has usable CPUs only, and at least one.  Every CPU number has a pod all the
 * same: work may be queued by a thread on an isolated CPU, or on one that came
 * later, and goes to the nearest.
 */
#ifndef ROVE_WQ_PODS_H
#define ROVE_WQ_PODS_H

#include <sched.h>

#include "wq/topology.h"

/* From the smallest pods to the largest. */
enum pod_scope {
	POD_CPU,
	POD_SMT,		/* the threads of a core */
	POD_CACHE_SHARD,
	POD_CACHE,		/* a last-level cache */
	POD_NUMA,
	POD_SYSTEM,
	NR_POD_SCOPES,
	POD_DEFAULT = POD_CACHE_SHARD,
};

struct pod {
	cpu_set_t	*cpus;		/* pods.set_bytes large */
	u32		nr_cpus;
	u32		first_cpu;
	u32		node;		/* of its first CPU */
};

/* I: set by pods_create(), never changed. */
struct pods {
	enum pod_scope	scope;
	u32		nr_cpus;	/* length of ->pod_of */
	u32		nr_pods;	/* never 0 */
	size_t		set_bytes;	/* for CPU_SET_S() and pthread_setaffinity_np() */
	bool		described;	/* do not bind threads to ->cpus */
	u32		*pod_of;	/* by CPU number */
	struct pod	*pod;		/* in the order of their first CPUs */
};

int pods_create(const struct topology *topo, enum pod_scope scope, const cpu_set_t *only,
		size_t only_bytes, struct pods **ret_pods);
void pods_free(struct pods *pods);

const char *pod_scope_name(enum pod_scope scope);
int pod_scope_parse(const char *name, enum pod_scope *ret_scope);

/* Context: any.  Always a pod, whatever the number. */
static inline u32 pods_of_cpu(const struct pods *pods, u32 cpu)
{
	return likely(cpu < pods->nr_cpus) ? pods->pod_of[cpu] : cpu % pods->nr_pods;
}

#endif
