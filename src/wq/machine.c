/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/machine.c - the machine all queues are laid out for
 *
 * Looked at once, when the first queue is made.
 */
#include <errno.h>

#include "base/context.h"
#include "base/mutex.h"
#include "wq/fork.h"
#include "wq/attrs.h"

static struct mutex lock;
static struct topology *machine;

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
	int err = 0;

	ctx_may_sleep();
	mutex_lock(&lock);
	if (!machine)
		err = topology_create(&spec, &machine);
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
	topo->replaced = machine;
	machine = topo;
	mutex_unlock(&lock);
	return 0;
}

/* In a child of fork().  Context: thread. */
void machine_forget(void)
{
	mutex_init(&lock);
}
