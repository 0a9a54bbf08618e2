/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/tool/differ/known.h - where we accept what the kernel rejects, and why that is right
 *
 * By the kernel's message, with N for every number.  Whatever else we accept
 * alone is a failure; so it is when what is known here happens more often than
 * KNOWN_PERCENT of what we accept, because then we have become too generous.
 * Whether an access that the kernel refuses is inside its object is seen when
 * the program runs here (wrong_in_run()).
 */
#ifndef ROVE_TESTS_TOOL_DIFFER_KNOWN_H
#define ROVE_TESTS_TOOL_DIFFER_KNOWN_H

#include <string.h>

#include "base/types.h"

#define KNOWN_PERCENT 12

/*
 * Quotients and remainders by constants, products with 0, negation, sign
 * extension of a bounded half, byte order, bounds that meet known bits: we know
 * the result's range, the kernel (some of it before 7.x) anything.
 */
#define WHY_RANGE "we know the number's range more exactly"
#define WHY_BRANCH "the place is on a side of a branch that we know is never taken"
#define WHY_EFFORT "the kernel's walk is longer, because it knows less, and ends at its limit"

struct known {
	const char *message;	/* part of the kernel's last line */
	const char *why;
};

static const struct known known_differences[] = {
	{ "unbounded memory access",
	  "we allow a pointer to go back by a number and forth by a constant; " WHY_RANGE },
	{ "with unbounded min value is not allowed", WHY_RANGE },
	{ "is outside of the allowed memory range", WHY_RANGE },
	{ "min value is negative", WHY_RANGE },
	{ "pointer be out of bounds", WHY_RANGE },
	{ "invalid variable-offset", WHY_RANGE },
	{ "invalid unbounded variable-offset", WHY_RANGE },
	{ "misaligned stack access", WHY_RANGE ", or " WHY_BRANCH },
	{ "misaligned value access", WHY_RANGE ", or " WHY_BRANCH },
	{ "misaligned mem access", WHY_RANGE ", or " WHY_BRANCH },
	{ "misaligned access off", WHY_RANGE ", or " WHY_BRANCH },
	{ "invalid access to map value", WHY_RANGE ", or " WHY_BRANCH },
	{ "invalid access to memory", WHY_RANGE ", or " WHY_BRANCH },
	{ "invalid bpf_context access", WHY_BRANCH },
	{ "invalid write to stack", WHY_BRANCH },
	{ "invalid read from stack", WHY_BRANCH },
	{ "subtraction from stack pointer prohibited", WHY_BRANCH },
	{ "pointer offset -N is not allowed",
	  "the kernel takes a number's distance to its copy for its size" },
	{ "pointer offset N is not allowed",
	  "the kernel takes a number's distance to its copy for its size" },
	{ "variable offset stack pointer cannot be passed into helper function",
	  "an atomic at a variable place of the stack: all slots it can reach become unknown" },
	{ "BPF program is too large", WHY_EFFORT },
	{ "jumps is too complex", WHY_EFFORT },
};

static inline const struct known *known_difference(const char *message)
{
	for (u32 i = 0; i < ARRAY_SIZE(known_differences); i++) {
		if (strstr(message, known_differences[i].message))
			return &known_differences[i];
	}
	return NULL;
}

#endif
