/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/topology.h - which CPUs share what
 *
 * A snapshot: taken once, of this machine or of one that is only described, and
 * never changed.  Pods (wq/pods.h) are computed from it and from nothing else,
 * so every rule about machines can be tested without having them.
 *
 * Not here:  hwloc, which topology.c alone knows; CPUs that come and go.
 */
#ifndef ROVE_WQ_TOPOLOGY_H
#define ROVE_WQ_TOPOLOGY_H

#include "base/types.h"

/* The core, cache and node of a CPU number behind which there is no CPU. */
#define TOPO_NONE UINT32_MAX

struct topo_cpu {
	u32	core;		/* < nr_cpus, or TOPO_NONE */
	u32	llc;		/* last-level cache: < nr_cpus, or TOPO_NONE */
	u32	node;		/* of memory, the system's number; 0 on a machine without */
	bool	isolated;	/* the kernel keeps it free of unasked-for work */
	bool	usable;		/* our threads may run here */
};

struct topology {
	u32		nr_cpus;	/* the highest CPU number, and one */
	u32		nr_usable;	/* never 0 */
	bool		described;	/* not the machine we run on: threads cannot be bound */
	struct topology	*replaced;	/* the one before, which queues may use still */
	struct topo_cpu	cpu[];		/* by the system's CPU number */
};

/* CPU lists are written as the kernel does: "0-3,8". */
struct topology_spec {
	const char *machine;	/* hwloc's description, "pack:2 l3:4 core:32 pu:2"; NULL: this one */
	const char *allowed;	/* NULL: what this process may use; all of a described machine */
	const char *isolated;	/* NULL: what the kernel says; none of a described machine */
};

int topology_create(const struct topology_spec *spec, struct topology **ret_topo);
void topology_free(struct topology *topo);

u32 topology_this_cpu(const struct topology *topo);
void topology_pretend_cpu(u32 cpu);

#endif
