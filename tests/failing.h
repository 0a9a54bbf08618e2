/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/failing.h - the n-th call fails
 *
 * A program that includes this has the allocator's functions of this file, which can be told
 * to fail, and may add functions of its own that ask call_fails() first.
 *
 * A sanitizer has an allocator of its own, of which only calloc() and aligned_alloc() can be had
 * from behind these: ANY_CALL_CAN_FAIL is 0 there.
 */
#ifndef ROVE_TESTS_FAILING_H
#define ROVE_TESTS_FAILING_H

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/atomic.h"
#include "base/types.h"

static struct {
	s64 left;		/* A: calls before the one that fails */
	bool with_later;	/* A: and all after it */
	bool is_bound;		/* A: only ->thread's calls */
	pthread_t thread;	/* before ->is_bound */
} failing = { .left = INT64_MAX };

/* The caller, a function that is about to do something for the code under test, is to fail. */
static bool call_fails(int err)
{
	s64 left;

	if (READ_ONCE(failing.is_bound) && !pthread_equal(failing.thread, pthread_self()))
		return false;
	left = add_fetch_relaxed(&failing.left, -1);
	if (left > 0 || (left < 0 && !READ_ONCE(failing.with_later)))
		return false;
	errno = err;
	return true;
}

/* The @n-th call from now on, from 1, of any thread. */
static inline void fail_nth(u64 n)
{
	WRITE_ONCE(failing.left, n);
}

/* The @n-th call of this thread. */
static inline void fail_nth_here(u64 n)
{
	failing.thread = pthread_self();
	WRITE_ONCE(failing.is_bound, true);
	fail_nth(n);
}

/* The @n-th call and all after it. */
static inline void fail_from(u64 n)
{
	WRITE_ONCE(failing.with_later, true);
	fail_nth(n);
}

/* None fails any more.  Return: has one? */
static inline bool fail_none(void)
{
	bool has_failed = READ_ONCE(failing.left) <= 0;

	WRITE_ONCE(failing.left, INT64_MAX);
	WRITE_ONCE(failing.with_later, false);
	WRITE_ONCE(failing.is_bound, false);
	return has_failed;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ANY_CALL_CAN_FAIL 0

/* dlsym() may allocate: what it wants before it has found ours it gets from here. */
static char first_bytes[4096];
static size_t nr_first;

void *calloc(size_t nr, size_t size)
{
	static void *(*real)(size_t, size_t);
	static bool looking;

	if (!real && looking) {
		void *bytes = first_bytes + nr_first;

		nr_first += (nr * size + 15) / 16 * 16;
		return nr_first <= sizeof(first_bytes) ? bytes : NULL;
	}
	looking = true;
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "calloc");
	return call_fails(ENOMEM) ? NULL : real(nr, size);
}

void *aligned_alloc(size_t align, size_t size)
{
	void *(*real)(size_t, size_t);

	*(void **)&real = dlsym(RTLD_NEXT, "aligned_alloc");
	return call_fails(ENOMEM) ? NULL : real(align, size);
}
#else
#define ANY_CALL_CAN_FAIL 1

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t nr, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t align, size_t size);

void *malloc(size_t size)
{
	return call_fails(ENOMEM) ? NULL : __libc_malloc(size);
}

void *calloc(size_t nr, size_t size)
{
	return call_fails(ENOMEM) ? NULL : __libc_calloc(nr, size);
}

void *realloc(void *old, size_t size)
{
	return call_fails(ENOMEM) ? NULL : __libc_realloc(old, size);
}

void *aligned_alloc(size_t align, size_t size)
{
	return call_fails(ENOMEM) ? NULL : __libc_memalign(align, size);
}
#endif

#endif
