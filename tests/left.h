/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/left.h - what this process has, to see that nothing is left of what was made
 */
#ifndef ROVE_TESTS_LEFT_H
#define ROVE_TESTS_LEFT_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/types.h"
#include "bpf/core/object.h"

/* Descriptors: and always the same few more. */
static inline u32 nr_open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	u32 nr = 0;

	while (dir && readdir(dir))
		nr++;
	if (dir)
		closedir(dir);
	return nr;
}

static inline u32 nr_mappings(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	u32 nr = 0;
	int ch;

	while ((ch = fgetc(maps)) != EOF)
		nr += ch == '\n';
	fclose(maps);
	return nr;
}

/* Programs, maps, types and links. */
static inline u32 nr_objects(void)
{
	return object_count(OBJECT_PROG) + object_count(OBJECT_MAP) + object_count(OBJECT_BTF) +
	       object_count(OBJECT_LINK);
}

/* For a fuzz target, which has no other way to fail. */
static inline void check_same(const char *what, u32 before, u32 after)
{
	if (before == after)
		return;
	fprintf(stderr, "%s: %u before, %u after\n", what, before, after);
	abort();
}

#endif
