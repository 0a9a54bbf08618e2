/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bench/peers/wq_dispatch.c - libdispatch: a global queue, a concurrent queue
 *
 * Opened by name and without its header: distributions that have it ship the
 * library inside the Swift runtime, with the headers in a compiler of some
 * hundred megabytes.  These few functions are its stable C interface.  The
 * number of workers is libdispatch's own choice.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/peers/wq_peer.h"

static const char *const places[] = {
	"libdispatch.so",
	"libdispatch.so.0",
	"/usr/libexec/swift/lib/swift/linux/libdispatch.so",
	"/usr/lib/swift/linux/libdispatch.so",
};

static void *queue;
static void (*async_f)(void *queue, void *context, void (*run)(void *context));

static void *open_library(const char **why)
{
	static char last_error[256];
	const char *place = getenv("ROVE_LIBDISPATCH");
	void *lib = place ? dlopen(place, RTLD_NOW) : NULL;

	for (u32 i = 0; !lib && i < ARRAY_SIZE(places); i++) {
		lib = dlopen(places[i], RTLD_NOW);
		if (!lib && i == 0)
			snprintf(last_error, sizeof(last_error), "%s", dlerror());
	}
	*why = last_error;
	return lib;
}

static int dispatch_open(bool global, const char **why)
{
	void *(*get_global)(intptr_t priority, uintptr_t flags);
	void *(*create)(const char *label, void *attr);
	void *lib = open_library(why), *concurrent;

	if (!lib)
		return -ENOENT;
	get_global = dlsym(lib, "dispatch_get_global_queue");
	create = dlsym(lib, "dispatch_queue_create");
	concurrent = dlsym(lib, "_dispatch_queue_attr_concurrent");
	async_f = dlsym(lib, "dispatch_async_f");
	if (!get_global || !create || !concurrent || !async_f) {
		*why = "a libdispatch without these functions";
		return -ENOSYS;
	}
	queue = global ? get_global(0, 0) : create("bench", concurrent);
	return queue ? 0 : -ENOMEM;
}

static int global_init(const struct wq_conf *conf, const char **why)
{
	return dispatch_open(true, why);
}

static int concurrent_init(const struct wq_conf *conf, const char **why)
{
	return dispatch_open(false, why);
}

static void dispatch_submit(struct wq_item *item, u32 producer)
{
	async_f(queue, item, (void (*)(void *))item->run);
}

static void dispatch_fini(void)
{
}

static const struct wq_peer global = {
	.name = "libdispatch, global queue",
	.note = "chooses its number of workers",
	.item_bytes = sizeof(struct wq_item),
	.init = global_init,
	.fini = dispatch_fini,
	.submit = dispatch_submit,
};

static const struct wq_peer concurrent = {
	.name = "libdispatch, concurrent queue",
	.note = "chooses its number of workers",
	.item_bytes = sizeof(struct wq_item),
	.init = concurrent_init,
	.fini = dispatch_fini,
	.submit = dispatch_submit,
};

const struct wq_peer *const wq_peers[] = { &global, &concurrent, NULL };
