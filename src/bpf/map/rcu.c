/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/map/rcu.c - when a signal handler may begin a read section
 *
 * A section registers its thread with liburcu, which forgets it again in a destructor
 * of thread-local data.  That one takes a lock for registering with signals open: a handler that
 * interrupts it and registers the thread anew waits for the thread it has interrupted.  So
 * who was registered once, and is not any more, is ending.
 *
 * Not here:  threads that only the application registers, by its own use of liburcu: the
 *            first section that a handler wants of those may be at their end.
 */
#include <urcu/tls-compat.h>

#include "bpf/map/rcu.h"

struct urcu_bp_reader;

/* Exported, for those who inline liburcu's read sections. */
extern DECLARE_URCU_TLS(struct urcu_bp_reader *, urcu_bp_reader)
	__attribute__((tls_model("initial-exec")));

char map_rcu_token;
__thread bool map_rcu_known __attribute__((tls_model("initial-exec")));

/**
 * map_rcu_may_begin - may a signal handler begin a section?
 *
 * Context: any.
 * Return:  false: the thread is ending, after its functions have returned.
 */
bool map_rcu_may_begin(void)
{
	return URCU_TLS(urcu_bp_reader) || !map_rcu_known;
}
