/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bench/workqueue/entries.c - all that can be measured here, and what is missing
 *
 * A child opens the shared objects and lists what they hold, so that this
 * process stays without other people's constructors and threads.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/workqueue/entries.h"

static const struct {
	const char *file; /* bench/peers/FILE.c or .cc */
	const char *what; /* what it measures and where Debian has it */
} libraries[] = {
	{ "wq_direct", "direct call" },
	{ "wq_tbb", "oneTBB (libtbb-dev, g++)" },
	{ "wq_dispatch", "libdispatch (libswiftlang, from Debian 13 on)" },
	{ "wq_glib", "GLib (libglib2.0-dev)" },
	{ "wq_uv", "libuv (libuv1-dev)" },
	{ "wq_moody", "moodycamel's concurrent queue (libconcurrentqueue-dev, g++)" },
	{ "wq_ck", "Concurrency Kit (libck-dev)" },
	{ "wq_urcu", "liburcu wfcqueue (liburcu-dev)" },
	{ "wq_lifo", "LIFO + semaphore" },
	{ "wq_locked", "locked pools" },
	{ "wq_gomp", "OpenMP, libgomp (gcc)" },
	{ "wq_libomp", "OpenMP, libomp (clang, libomp-dev)" },
};

struct listing {
	u32 nr;
	struct wq_entry entries[WQ_MAX_ENTRIES];
};

static void entry_fill(struct wq_entry *entry, const struct wq_peer *peer)
{
	snprintf(entry->name, sizeof(entry->name), "%s", peer->name);
	snprintf(entry->note, sizeof(entry->note), "%s", peer->note ?: "");
}

static void list_library(struct listing *list, const char *dir, u32 which, u32 max)
{
	char path[LIBRARY_PATH_BYTES];
	const struct wq_peer *const *peers;
	void *lib;

	snprintf(path, sizeof(path), "%s/peers/%s.so", dir, libraries[which].file);
	lib = dlopen(path, RTLD_LAZY | RTLD_LOCAL);
	peers = lib ? dlsym(lib, WQ_PEERS_SYMBOL) : NULL;
	if (!peers) {
		printf("not here: %s\n", libraries[which].what);
		return;
	}
	for (u32 i = 0; peers[i] && list->nr < max; i++) {
		struct wq_entry *entry = &list->entries[list->nr++];

		entry_fill(entry, peers[i]);
		entry->index = i;
		memcpy(entry->library, path, sizeof(path));
	}
}

static void list_all(struct listing *list, u32 max)
{
	char dir[200];
	char *slash;

	snprintf(dir, sizeof(dir), "%s", program_invocation_name);
	slash = strrchr(dir, '/');
	if (slash)
		*slash = '\0';
	for (u32 i = 0; i < ARRAY_SIZE(libraries); i++)
		list_library(list, dir, i, max);
	fflush(stdout);
}

/**
 * entries_of - entries for peers inside this program
 *
 * Context: any.
 * Return:  how many were written, at most @max.
 */
u32 entries_of(const struct wq_peer *const *peers, struct wq_entry *entries, u32 max)
{
	u32 nr;

	for (nr = 0; peers[nr] && nr < max; nr++) {
		memset(&entries[nr], 0, sizeof(entries[nr]));
		entry_fill(&entries[nr], peers[nr]);
		entries[nr].peer = peers[nr];
	}
	return nr;
}

/**
 * entries_scan - entries for all shared objects beside this program; prints what is not here
 *
 * Context: may sleep; the process must have one thread only.
 * Return:  how many were written, at most @max.
 */
u32 entries_scan(struct wq_entry *entries, u32 max)
{
	struct listing *list = mmap(NULL, sizeof(*list), PROT_READ | PROT_WRITE,
				    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	u32 nr = 0;
	pid_t pid;

	if (list == MAP_FAILED)
		return 0;
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		list_all(list, min(max, (u32)WQ_MAX_ENTRIES));
		_exit(0);
	}
	if (pid > 0 && waitpid(pid, NULL, 0) == pid) {
		nr = list->nr;
		memcpy(entries, list->entries, nr * sizeof(entries[0]));
	}
	munmap(list, sizeof(*list));
	return nr;
}
