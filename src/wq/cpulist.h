/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/cpulist.h - sets of CPUs as the kernel writes them: "0-3,8"
 */
#ifndef ROVE_WQ_CPULIST_H
#define ROVE_WQ_CPULIST_H

#include <sched.h>

#include "base/types.h"

int cpulist_parse(const char *list, cpu_set_t *set, size_t set_bytes);
size_t cpulist_print(const cpu_set_t *set, size_t set_bytes, char *ret_text, size_t room_bytes);

#endif
