/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * base/symbol.h - code addresses and threads by the names people know
 */
#ifndef ROVE_BASE_SYMBOL_H
#define ROVE_BASE_SYMBOL_H

#include "base/types.h"

#define SYMBOL_BYTES 96		/* longer names are cut */
#define COMM_BYTES 16

void symbol_name(const void *address, char *ret_text, size_t room_bytes);
bool thread_comm(u32 tid, char ret_comm[COMM_BYTES]);

#endif
