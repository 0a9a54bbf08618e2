/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * base/thread.c - threads of our own in somebody else's process
 *
 * The application's signals are not for them: all are blocked, but those that
 * say that the thread itself has gone wrong, which checked reads rely on.
 */
#include <errno.h>
#include <signal.h>

#include "base/context.h"
#include "base/thread.h"

static const int own_signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS };

/**
 * thread_create - start a thread that takes none of the application's signals
 * @name:        up to 15 characters, for tools that list threads
 * @ret_thread:  set on success only; join or detach it
 *
 * Context: may sleep.
 * Return:  0 or -EAGAIN.
 */
int thread_create(const char *name, void *(*run)(void *arg), void *arg, pthread_t *ret_thread)
{
	sigset_t blocked, before;
	pthread_t thread;
	int err;

	ctx_thread();
	sigfillset(&blocked);
	for (size_t i = 0; i < ARRAY_SIZE(own_signals); i++)
		sigdelset(&blocked, own_signals[i]);
	pthread_sigmask(SIG_BLOCK, &blocked, &before);
	err = pthread_create(&thread, NULL, run, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err)
		return -EAGAIN;
	pthread_setname_np(thread, name);
	*ret_thread = thread;
	return 0;
}
