/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * examples/profiler/flame.h - a flame graph: stacks side by side, callers below
 */
#ifndef PROFILER_FLAME_H
#define PROFILER_FLAME_H

#include <stdint.h>
#include <stdio.h>

struct flame;

/* NULL: no memory. */
struct flame *flame_new(void);
void flame_free(struct flame *flame);

/* @count samples of the stack @names, outermost first.  0 or -ENOMEM. */
int flame_add(struct flame *flame, char *const *names, int nr, uint64_t count);

/* One file that needs no other: a click shows a function alone, the mouse tells its share. */
void flame_write_svg(struct flame *flame, FILE *to, const char *title);

/* A line for each stack, "outer;inner count", as other tools read it. */
void flame_write_folded(struct flame *flame, FILE *to);

#endif
