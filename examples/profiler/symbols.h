/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * examples/profiler/symbols.h - what an address of this process is called
 */
#ifndef PROFILER_SYMBOLS_H
#define PROFILER_SYMBOLS_H

#include <stddef.h>
#include <stdint.h>

/* The program's own functions, static ones too.  Without them only what is exported has a name. */
void symbols_load(void);
void symbols_free(void);

/* Always a name: of a function, else of a file, else the number. */
void symbol_name(uint64_t pc, char *name, size_t size);

#endif
