/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/link/perf_set.c - programs that an event has by itself, without a link
 *
 * As ioctl(PERF_EVENT_IOC_SET_BPF) gives them in the kernel, until the event is gone.
 * The attachment has a descriptor of its own, so the event would stay; it is taken off
 * when no other one is open in this process.  A plain close(2) is noticed when events are
 * given programs or ids are listed, as that of an object is (bpf/core/object.h).
 *
 * Invariant: an event is listed from perf_set_prog() until it is detached.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/context.h"
#include "base/mutex.h"
#include "bpf/link/perf.h"

#define EVENT_NAME "anon_inode:[perf_event]"

struct set_event {
	struct set_event *next;
	struct perf_attach *attach;
};

static struct mutex set_lock = MUTEX_INIT;	/* leaf, but for /proc */
static struct set_event *set_events;		/* under set_lock */

/* Is @fd a descriptor of an event?  Nothing else is to be asked with an event's ioctl. */
static bool is_event(int fd)
{
	char path[sizeof("/proc/self/fd/") + 11], name[sizeof(EVENT_NAME)];
	ssize_t bytes;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	bytes = readlink(path, name, sizeof(name));
	return bytes == sizeof(EVENT_NAME) - 1 && !memcmp(name, EVENT_NAME, bytes);
}

/* Is the event open on another descriptor than the attachment's own?  If nobody can tell, yes. */
static bool is_open(const struct perf_attach *attach)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;
	bool found = false;

	if (!dir)
		return true;
	while (!found && (entry = readdir(dir))) {
		int fd = atoi(entry->d_name);

		found = entry->d_name[0] != '.' && is_event(fd) && perf_is_about(attach, fd);
	}
	closedir(dir);
	return found;
}

/* Out of the list, those that nobody else has open any more. */
static struct set_event *take_closed(void)
{
	struct set_event **link = &set_events, *closed = NULL;

	mutex_lock(&set_lock);
	while (*link) {
		struct set_event *e = *link;

		if (is_open(e->attach)) {
			link = &e->next;
			continue;
		}
		*link = e->next;
		e->next = closed;
		closed = e;
	}
	mutex_unlock(&set_lock);
	return closed;
}

/**
 * perf_sweep - notice events that were closed with close(2)
 *
 * Context: may sleep.
 */
void perf_sweep(void)
{
	struct set_event *e, *next;

	ctx_may_sleep();
	if (!READ_ONCE(set_events))
		return;
	for (e = take_closed(); e; e = next) {
		next = e->next;
		perf_detach(e->attach);
		free(e);
	}
}

/**
 * perf_set_prog - give an event a program for as long as it is open
 * @event_fd: as for perf_attach()
 * @prog:     a reference is taken
 *
 * Context: may sleep.
 * Return:  0, -ENOMEM, or as perf_attach().
 */
int perf_set_prog(int event_fd, struct bpf_prog *prog)
{
	struct set_event *e = malloc(sizeof(*e));
	int err;

	ctx_may_sleep();
	if (!e)
		return -ENOMEM;
	perf_sweep();
	err = perf_attach(event_fd, prog, 0, &e->attach);
	if (err) {
		free(e);
		return err;
	}
	mutex_lock(&set_lock);
	e->next = set_events;
	WRITE_ONCE(set_events, e);
	mutex_unlock(&set_lock);
	return 0;
}

static bool has_set(int fd)
{
	bool found = false;

	mutex_lock(&set_lock);
	for (struct set_event *e = set_events; e && !found; e = e->next)
		found = perf_is_about(e->attach, fd);
	mutex_unlock(&set_lock);
	return found;
}

/**
 * perf_close - close a descriptor of an event that was given a program
 *
 * Context: may sleep: with the last one the program is taken off.
 * Return:  0, or -EBADF: it is none, and still open.
 */
int perf_close(int fd)
{
	ctx_may_sleep();
	if (!READ_ONCE(set_events) || !is_event(fd) || !has_set(fd))
		return -EBADF;
	close(fd);
	perf_sweep();
	return 0;
}
