/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/tool/async_differ/known.h - where verdicts about timers and works differ, and why
 *
 * By the words of the one who rejects, with N for every number.
 */
#ifndef ROVE_TESTS_TOOL_ASYNC_DIFFER_KNOWN_H
#define ROVE_TESTS_TOOL_ASYNC_DIFFER_KNOWN_H

#include <string.h>

#include "base/types.h"

struct async_known {
	const char *message;	/* part of it */
	const char *why;
	bool inner_walk;	/* only of programs in which a map found in another one is walked over */
};

/* We accept. */
static const struct async_known known_kernel_rejects[] = {
	{ "jumps is too complex",
	  "the kernel walks callbacks that set callbacks more often, and ends at its limit" },
	{ "BPF program is too large", "the same" },
	{ "failed callback verification", "the same, in a callback for later" },
	{ "old state: ", "the kernel takes a callback that sets itself, with a round of bpf_loop() "
			 "or another walk between, for an endless loop; no program here has one" },
	{ "verifier bug: No program to jit", "a fault of the kernel's, which it reports" },
	{ "doesn't match map pointer",
	  "before 7.3 the kernel does not know that a value is of the map that is walked over",
	  .inner_walk = true },
	{ NULL, NULL },
};

/* The kernel accepts. */
static const struct async_known known_we_reject[] = {
	{ "it is in a value of map",
	  "the kernel looks at the map of bpf_wq_init() only if its values have works themselves" },
	{ NULL, NULL },
};

static inline bool is_known(const struct async_known *known, const char *message, bool inner_walk)
{
	for (; known->message; known++) {
		if (strstr(message, known->message) && (inner_walk || !known->inner_walk))
			return true;
	}
	return false;
}

#endif
