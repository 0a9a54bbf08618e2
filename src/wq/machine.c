/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/machine.c - the machine all queues are laid out for
 *
 * Looked at when the first queue is made, and again when a queue is made or laid out anew
 * and the process may use other CPUs than the last time.
 */
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "base/context.h"
#include "base/mutex.h"
#include "wq/fork.h"
#include "wq/attrs.h"

/* So much of a mask is compared: that of 8192 CPUs. */
#define MASK_BYTES 1024

static struct mutex lock;
static struct topology *machine;	/* under it */
static struct topology *topologies;	/* under it: all there ever were, by ->replaced */
static char mask[MASK_BYTES];		/* under it: of the first thread, when machine was read */

/* What is the same as an earlier one is that one: masks may change back and forth. */
static struct topology *keep(struct topology *topo)
{
	size_t bytes = topo->nr_cpus * sizeof(topo->cpu[0]);

	for (struct topology *old = topologies; old; old = old->replaced) {
		if (old->nr_cpus == topo->nr_cpus && old->described == topo->described &&
		    !memcmp(old->cpu, topo->cpu, bytes)) {
			topology_free(topo);
			return old;
		}
	}
	topo->replaced = topologies;
	topologies = topo;
	return topo;
}

/* CPUs that go or come change it too. */
static bool mask_has_changed(void)
{
	char now[MASK_BYTES] = { 0 };

	if (sched_getaffinity(getpid(), sizeof(now), (cpu_set_t *)now) ||
	    !memcmp(now, mask, sizeof(now)))
		return false;
	memcpy(mask, now, sizeof(mask));
	return true;
}

/**
 * machine_get - the machine
 * @ret_topo:  set on success only; stays
 *
 * Context: may sleep.
 * Return:  0, -EIO, -EINVAL or -ENOMEM.
 */
int machine_get(struct topology **ret_topo)
{
	struct topology_spec spec = { 0 };
	struct topology *topo;
	int err = 0;

	ctx_may_sleep();
	mutex_lock(&lock);
	if (!machine || (!machine->described && mask_has_changed())) {
		mask_has_changed();
		err = topology_create(&spec, &topo);
		if (!err)
			machine = keep(topo);
		else if (machine)
			err = 0;	/* as it was */
	}
	if (!err)
		*ret_topo = machine;
	mutex_unlock(&lock);
	return err;
}

/**
 * machine_describe - lay out queues made from now on for another machine
 *
 * For tests and measurements.  Queues that are there keep theirs.
 *
 * Context: may sleep.
 * Return:  as topology_create().
 */
int machine_describe(const struct topology_spec *spec)
{
	struct topology *topo;
	int err = topology_create(spec, &topo);

	if (err)
		return err;
	mutex_lock(&lock);
	machine = keep(topo);
	mutex_unlock(&lock);
	return 0;
}

/* In a child of fork().  Context: thread. */
void machine_forget(void)
{
	mutex_init(&lock);
}
