/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/cpulist.c - sets of CPUs as the kernel writes them: "0-3,8"
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/context.h"
#include "wq/cpulist.h"

/* Digits only: strtoul() would take a sign and blanks as well. */
static int parse_number(const char **text, unsigned long *ret_number)
{
	char *end;

	if (!isdigit((unsigned char)**text))
		return -EINVAL;
	errno = 0;
	*ret_number = strtoul(*text, &end, 10);
	*text = end;
	return errno ? -EINVAL : 0;
}

static int parse_range(const char **text, cpu_set_t *set, size_t set_bytes)
{
	unsigned long first, last;

	if (parse_number(text, &first))
		return -EINVAL;
	last = first;
	if (**text == '-') {
		++*text;
		if (parse_number(text, &last) || last < first)
			return -EINVAL;
	}
	for (unsigned long cpu = first; cpu <= last && cpu < set_bytes * 8; cpu++)
		CPU_SET_S(cpu, set_bytes, set);
	return 0;
}

/**
 * cpulist_parse - the set that a list names
 * @list:  "" is the empty set; a newline at the end is allowed
 * @set:   filled; CPUs it has no room for are left out
 *
 * Context: thread.
 * Return:  0, or -EINVAL (no list; @set is of no use then).
 */
int cpulist_parse(const char *list, cpu_set_t *set, size_t set_bytes)
{
	ctx_thread();
	CPU_ZERO_S(set_bytes, set);
	while (*list && *list != '\n') {
		if (parse_range(&list, set, set_bytes))
			return -EINVAL;
		if (*list == ',')
			list++;
		else if (*list && *list != '\n')
			return -EINVAL;
	}
	return list[0] && list[1] ? -EINVAL : 0;
}

/**
 * cpulist_print - a set as a list
 * @ret_text:  always ended by a NUL, cut if there is no room
 *
 * Context: thread.
 * Return:  how long the whole list is, without the NUL.
 */
size_t cpulist_print(const cpu_set_t *set, size_t set_bytes, char *ret_text, size_t room_bytes)
{
	size_t len = 0, nr_cpus = set_bytes * 8, first, cpu = 0;

	ctx_thread();
	if (room_bytes)
		ret_text[0] = '\0';
	while (cpu < nr_cpus) {
		if (!CPU_ISSET_S(cpu, set_bytes, set)) {
			cpu++;
			continue;
		}
		for (first = cpu; cpu < nr_cpus && CPU_ISSET_S(cpu, set_bytes, set); cpu++)
			;
		len += snprintf(ret_text + min(len, room_bytes), room_bytes - min(len, room_bytes),
				cpu - first > 1 ? "%s%zu-%zu" : "%s%zu", len ? "," : "", first,
				cpu - 1);
	}
	return len;
}
