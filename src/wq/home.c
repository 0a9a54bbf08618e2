/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/home.c - workers that the system moved away go back to the CPUs of their pod
 *
 * A worker of an unbound queue that is not strict prefers the CPUs of its pod, and may be
 * elsewhere: the system's scheduler moves it when others are free.  A kernel brings it back
 * when it is woken, by a store of the waker's.  Here a thread is moved by system calls, so
 * the worker does it itself before it sleeps, when nobody waits for it, and only if it has
 * left: who wakes it finds it on a CPU of the pod.
 *
 * A worker that polls leaves the CPU of those who queue for another one of its pod.
 *
 * Not here: that it stays there while it runs (->strict).
 */
#include <sched.h>
#include <string.h>

#include "wq/home.h"

/* A mask of 8192 CPUs. */
#define MASK_BYTES 1024

/**
 * home_can_be_left - may workers of a pool be on other CPUs than those of its pod?
 * @described:  the pod's CPUs are not this machine's
 *
 * Context: any.
 */
bool home_can_be_left(const struct pool_key *key, bool described)
{
	return !described && !key->bound && !key->bh && memcmp(key->pod, key->cpus, key->set_bytes);
}

/**
 * home_return - the calling thread goes to a CPU of the pod if it is on none
 *
 * It may leave it again at once, as before; mostly a thread stays where it is.
 *
 * Context: may sleep.
 * Return:  true: it was elsewhere, and has been moved.
 */
bool home_return(const struct pool_key *key)
{
	char was[MASK_BYTES] = { 0 };
	int cpu = sched_getcpu();

	ctx_may_sleep();
	if (likely(cpu < 0 || CPU_ISSET_S(cpu, key->set_bytes, key->pod)))
		return false;
	if (sched_getaffinity(0, sizeof(was), (cpu_set_t *)was) ||
	    sched_setaffinity(0, key->set_bytes, key->pod))
		return false;
	/* It cannot fail but when all these CPUs have gone meanwhile: then the pod is as good. */
	(void)sched_setaffinity(0, sizeof(was), (cpu_set_t *)was);
	return true;
}

/**
 * home_leave_cpu - the calling thread goes to another CPU, if it may be on one
 *
 * To one of its pod.  It may come back at once; mostly a thread stays where it is.
 *
 * Context: may sleep.
 */
void home_leave_cpu(const struct pool_key *key)
{
	char was[MASK_BYTES] = { 0 }, others[MASK_BYTES];
	int cpu = sched_getcpu();

	ctx_may_sleep();
	if (cpu < 0 || sched_getaffinity(0, sizeof(was), (cpu_set_t *)was))
		return;
	memcpy(others, was, sizeof(others));
	if (key->home)
		CPU_AND_S(key->set_bytes, (cpu_set_t *)others, (cpu_set_t *)others, key->pod);
	CPU_CLR_S(cpu, sizeof(others), (cpu_set_t *)others);
	/* If there is none it is refused. */
	if (!sched_setaffinity(0, key->set_bytes, (cpu_set_t *)others))
		(void)sched_setaffinity(0, sizeof(was), (cpu_set_t *)was);
}
