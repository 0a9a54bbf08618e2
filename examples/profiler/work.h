/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * examples/profiler/work.h - something to profile: a thread's load, of known shape
 */
#ifndef PROFILER_WORK_H
#define PROFILER_WORK_H

#include <stdbool.h>

/* Serve made-up requests until *stop. */
void work_until(const bool *stop);

#endif
