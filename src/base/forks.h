/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * base/forks.h - which process this is, among those that fork() has made of one
 *
 * What a thread was about to do in the parent, nobody does in the child.  Who notes for which
 * of them it was finds that out.
 */
#ifndef ROVE_BASE_FORKS_H
#define ROVE_BASE_FORKS_H

#include "base/types.h"

extern u32 process_forks;	/* fork()s between the first process and this one */

#endif
