/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * base/futex.c - wait until a word changes
 *
 * Private futexes: the word is in this process's own memory.
 */
#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/context.h"
#include "base/futex.h"

/**
 * futex_wait - sleep while *@word is @expected
 * @timeout_ns:  from now; FUTEX_FOREVER for no end
 *
 * Context: may sleep, or a thread that takes a mutex.
 * Return:  0 (woken, maybe for nothing), -EAGAIN (it was another value),
 *          -EINTR or -ETIMEDOUT.
 */
int futex_wait(const u32 *word, u32 expected, u64 timeout_ns)
{
	struct timespec ts = {
		.tv_sec = timeout_ns / NSEC_PER_SEC,
		.tv_nsec = timeout_ns % NSEC_PER_SEC,
	};
	int saved = errno;
	int err = 0;

	ctx_thread();
	if (syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected,
		    timeout_ns == FUTEX_FOREVER ? NULL : &ts, NULL, 0))
		err = -errno;
	errno = saved;
	return err;
}

/**
 * futex_wake - wake threads that sleep on @word
 * @nr_threads:  at most so many
 *
 * Context: any.  @word need not be mapped any more.
 */
void futex_wake(const u32 *word, u32 nr_threads)
{
	int saved = errno;

	ctx_any();
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, nr_threads, NULL, NULL, 0);
	errno = saved;
}
