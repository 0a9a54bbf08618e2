/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * base/thread.h - threads of our own in somebody else's process
 */
#ifndef ROVE_BASE_THREAD_H
#define ROVE_BASE_THREAD_H

#include <pthread.h>

int thread_create(const char *name, void *(*run)(void *arg), void *arg, pthread_t *ret_thread);
void thread_join(pthread_t thread);

#endif
