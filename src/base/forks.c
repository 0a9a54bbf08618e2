/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * base/forks.c - which process this is, among those that fork() has made of one
 */
#include <pthread.h>

#include "base/forks.h"

u32 process_forks;

/* The child has one thread, which has called fork(). */
static void count_fork(void)
{
	process_forks++;
}

/* Before everybody else's handlers, who may want to know. */
static void __attribute__((constructor(101))) prepare_for_fork(void)
{
	pthread_atfork(NULL, NULL, count_fork);
}
