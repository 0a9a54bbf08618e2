/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/tool/differ/classes.h - verdicts that differ, by what the one who rejects says
 */
#ifndef ROVE_TESTS_TOOL_DIFFER_CLASSES_H
#define ROVE_TESTS_TOOL_DIFFER_CLASSES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/types.h"

#define MAX_CLASSES 256
#define MESSAGE_BYTES 160

/* Programs whose verdicts differ in the same way. */
struct class {
	char message[MESSAGE_BYTES];	/* of who rejects, its numbers as N */
	u64 seed;			/* the first */
	u32 nr;
	bool only_ours;			/* accepts */
};

struct classes {
	struct class at[MAX_CLASSES];
	u32 nr;
};

static inline bool is_summary(const char *line)
{
	return !strncmp(line, "processed ", 10) || !strncmp(line, "verification time", 17) ||
	       !strncmp(line, "stack depth", 11) || !strncmp(line, "  (", 3) || !*line;
}

/* The last line that says something, with N for every number. */
static inline void last_message(char *log, char *ret)
{
	char *end = log + strlen(log), *line = end, *out = ret;

	for (;;) {
		while (line > log && line[-1] != '\n')
			line--;
		*end = 0;
		if (!is_summary(line) || line == log)
			break;
		end = --line;
	}
	while (*line && out < ret + MESSAGE_BYTES - 2) {
		if (*line >= '0' && *line <= '9') {
			while ((*line >= '0' && *line <= '9') || (*line >= 'a' && *line <= 'f'))
				line++;
			*out++ = 'N';
		} else {
			*out++ = *line++;
		}
	}
	*out = 0;
}

static inline void count_class(struct classes *classes, const char *message, bool only_ours, u64 seed)
{
	u32 i = 0;

	while (i < classes->nr && (classes->at[i].only_ours != only_ours ||
				   strcmp(classes->at[i].message, message)))
		i++;
	if (i == MAX_CLASSES)
		return;
	if (i == classes->nr) {
		classes->nr++;
		classes->at[i].only_ours = only_ours;
		classes->at[i].seed = seed;
		strcpy(classes->at[i].message, message);
	}
	classes->at[i].nr++;
}

static inline u32 times_seen(const struct classes *classes, const char *message, bool only_ours)
{
	for (u32 i = 0; i < classes->nr; i++) {
		if (classes->at[i].only_ours == only_ours &&
		    !strcmp(classes->at[i].message, message))
			return classes->at[i].nr;
	}
	return 0;
}

static inline int by_number(const void *a, const void *b)
{
	return (int)((const struct class *)b)->nr - (int)((const struct class *)a)->nr;
}

/* Most frequent first. */
static inline void report_classes(struct classes *classes)
{
	qsort(classes->at, classes->nr, sizeof(classes->at[0]), by_number);
	for (u32 i = 0; i < classes->nr; i++) {
		const struct class *class = &classes->at[i];

		printf("# %u only %s: %s (seed %llu)\n", class->nr,
		       class->only_ours ? "ours, kernel" : "the kernel, ours", class->message,
		       (unsigned long long)class->seed);
	}
}

#endif
