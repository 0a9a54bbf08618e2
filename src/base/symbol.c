/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * base/symbol.c - code addresses and threads by the names people know
 *
 * dladdr(3) knows exported symbols only and gives the nearest one below, which is
 * wrong inside a static function.  So a name is given only if the symbol is said to
 * cover the address; otherwise it is the file and the offset in it, as addr2line(1)
 * wants them.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cancel.h"
#include "base/context.h"
#include "base/symbol.h"

static const char *file_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool covers(const ElfW(Sym) *symbol, const Dl_info *info, const void *address)
{
	return symbol && info->dli_sname && address >= info->dli_saddr &&
	       (const char *)address < (const char *)info->dli_saddr + max(symbol->st_size, 1ul);
}

/**
 * symbol_name - "function+0x1f", "program+0x1f" without a symbol, or the bare address
 * @ret_text:    always set, and ended by a NUL
 * @room_bytes:  not 0; SYMBOL_BYTES is enough for most
 *
 * Context: may sleep (the loader's lock).
 */
void symbol_name(const void *address, char *ret_text, size_t room_bytes)
{
	const ElfW(Sym) *symbol = NULL;
	Dl_info info;

	ctx_may_sleep();
	if (!dladdr1(address, &info, (void **)&symbol, RTLD_DL_SYMENT))
		snprintf(ret_text, room_bytes, "%p", address);
	else if (covers(symbol, &info, address))
		snprintf(ret_text, room_bytes, "%s+0x%tx", info.dli_sname,
			 (const char *)address - (const char *)info.dli_saddr);
	else
		snprintf(ret_text, room_bytes, "%s+0x%tx", file_name(info.dli_fname),
			 (const char *)address - (const char *)info.dli_fbase);
}

/**
 * thread_comm - the name of a thread of this process
 * @ret_comm:  always set; "" if there is no such thread
 *
 * Context: may sleep.
 * Return:  is there such a thread?
 */
bool thread_comm(u32 tid, char ret_comm[COMM_BYTES])
{
	int state CANCEL_HELD = cancel_hold();
	char path[64];
	ssize_t len;
	int fd;

	ctx_may_sleep();
	ret_comm[0] = '\0';
	snprintf(path, sizeof(path), "/proc/self/task/%u/comm", tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	len = read(fd, ret_comm, COMM_BYTES);
	close(fd);
	ret_comm[len > 0 ? len - 1 : 0] = '\0';		/* instead of the newline */
	return len > 0;
}
