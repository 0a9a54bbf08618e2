/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/fork.c - the child begins as if there had never been a queue
 *
 * No thread of ours is there, and what others were doing is in the middle.  So nothing
 * is looked at: pools, queues and shared queues of the parent are forgotten, their memory
 * is not used again.  Works of the parent are of no use until they are initialised anew.
 *
 * Each file forgets its own; locks that others may have held are made free.
 */
#include <pthread.h>

#include "wq/fork.h"
#include "wq/manager.h"
#include "wq/pool.h"
#include "wq/watch.h"
#include "wq/wq.h"

static void forget_all(void)
{
	mutex_self_tid = 0;
	worker_self = NULL;
	watch_forget();
	shards_forget();
	workers_forget();
	pools_forget();
	attrs_forget();
	machine_forget();
	manager_forget();
	system_forget();
	freeze_forget();
	help_forget();
	mutex_init(&wq_list_lock);
	list_init(&wq_list);
}

static void prepare(void)
{
	pthread_atfork(NULL, NULL, forget_all);
}

/**
 * fork_prepare - see to it that children forget
 *
 * Context: thread.
 */
void fork_prepare(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, prepare);
}
