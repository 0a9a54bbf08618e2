/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * srcu/barrier.c - membarrier(2), where the kernel has it
 *
 * Registered on first use; the kernel keeps that for the process until exec.
 */
#include <linux/membarrier.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/context.h"
#include "srcu/barrier.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool available;	/* A: set once, before anything depends on it */

static int membarrier(int cmd)
{
	return syscall(SYS_membarrier, cmd, 0, 0);
}

static void probe(void)
{
	int commands = membarrier(MEMBARRIER_CMD_QUERY);

	WRITE_ONCE(available, commands > 0 &&
			      (commands & MEMBARRIER_CMD_PRIVATE_EXPEDITED) &&
			      !membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED));
}

/**
 * srcu_barrier_all_cpus_available - may readers do without barriers?
 *
 * Context: may sleep.
 */
bool srcu_barrier_all_cpus_available(void)
{
	ctx_may_sleep();
	pthread_once(&once, probe);
	return READ_ONCE(available);
}

/**
 * srcu_barrier_all_cpus - a full barrier here, and on every CPU if that is available
 *
 * Readers may rely on it since it was said to be available: if the kernel refuses
 * then (a filter installed later), going on would free what is still being read.
 *
 * Context: may sleep.
 */
void srcu_barrier_all_cpus(void)
{
	ctx_may_sleep();
	srcu_fence();
	if (READ_ONCE(available) && membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED)) {
		fprintf(stderr, "rove: membarrier(2): allowed before, refused now: cannot go on\n");
		abort();
	}
}
