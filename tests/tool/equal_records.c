/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/tool/equal_records.c - one object file, the kernel and this process: the same records
 *
 *	WAKEUP_BPF_O=build/progs/wakeup.bpf.o equal_records
 *
 * Run where the kernel has the kfuncs (tests/kernel boots one).  Drives real
 * wakeup sources by epoll, and sources of this process by the C API, through
 * the same history; then makes this process's sources the image of the
 * kernel's, number by number, and compares whole records.
 */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <rove/wakeup.h>

#include "objects/device.h"
#include "objects/wakeup_source.h"
#include "target/wakeup_walk.h"
#include "tests/test.h"

#ifndef EPOLLWAKEUP
#define EPOLLWAKEUP (1u << 29)
#endif

#define NR_SOURCES 40
#define MAX_RECORDS 4096

static char why[256 * 1024];

static struct wakeup_walk *open_kernel(void)
{
	struct wakeup_walk *walk = NULL;
	int err;

	err = wakeup_walk_open(&(struct wakeup_walk_options){ .target = "kernel" }, &walk, why,
			       sizeof(why));
	if (err == -ENOTSUP || err == -EPERM)
		SKIP("%.*s", (int)strcspn(why, "\n"), why);
	if (err)
		print_error("%s\n", why);
	EXPECT_EQ(err, 0);
	return walk;
}

static u64 take(struct wakeup_walk *walk, struct rove_wakeup_record *records)
{
	struct wakeup_walk_result res;

	EXPECT_EQ(wakeup_walk_run(walk, &res), 0);
	EXPECT_EQ(res.lost, 0);
	EXPECT_EQ(res.end, ROVE_WAKEUP_WALK_COMPLETE);
	EXPECT_EQ(res.visited, res.nr_records);
	EXPECT_TRUE(res.nr_records <= MAX_RECORDS);
	for (u64 i = 0; i < res.nr_records; i++)
		records[i] = *wakeup_walk_at(&res, i);
	return res.nr_records;
}

static struct wakeup_walk *open_self(void)
{
	struct wakeup_walk *walk = NULL;
	int err = wakeup_walk_open(&(struct wakeup_walk_options){ .target = "self" }, &walk, why,
				   sizeof(why));

	if (err)
		print_error("%s\n", why);
	EXPECT_EQ(err, 0);
	return walk;
}

/* --- the same history --------------------------------------------------------------------- */

struct driven {
	int epoll_fd;
	int event_fd[NR_SOURCES];
};

static u32 nr_events(u32 i)
{
	return 1 + i % 7;
}

static bool stays_active(u32 i)
{
	return i % 5 == 0;
}

/* Edge triggered: each write activates, each wait relaxes. */
static void drive_kernel(struct driven *d)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET | EPOLLWAKEUP };
	u64 one = 1;

	d->epoll_fd = epoll_create1(0);
	for (u32 i = 0; i < NR_SOURCES; i++) {
		d->event_fd[i] = eventfd(0, EFD_NONBLOCK);
		EXPECT_EQ(epoll_ctl(d->epoll_fd, EPOLL_CTL_ADD, d->event_fd[i], &event), 0);
	}
	for (u32 i = 0; i < NR_SOURCES; i++) {
		for (u32 n = 0; n < nr_events(i); n++) {
			EXPECT_EQ(write(d->event_fd[i], &one, sizeof(one)), sizeof(one));
			EXPECT_EQ(epoll_wait(d->epoll_fd, &event, 1, 0), 1);
		}
	}
	for (u32 i = 0; i < NR_SOURCES; i++)
		if (stays_active(i))
			EXPECT_EQ(write(d->event_fd[i], &one, sizeof(one)), sizeof(one));
}

static void drive_self(struct wakeup_source **ws, const char *name)
{
	for (u32 i = 0; i < NR_SOURCES; i++)
		EXPECT_EQ(rove_wakeup_source_register(NULL, name, &ws[i]), 0);
	for (u32 i = 0; i < NR_SOURCES; i++) {
		for (u32 n = 0; n < nr_events(i); n++) {
			rove_pm_stay_awake(ws[i]);
			rove_pm_relax(ws[i]);
		}
		if (stays_active(i))
			rove_pm_stay_awake(ws[i]);
	}
}

/* Those named as the newest one is, newest first. */
static u64 keep_named(struct rove_wakeup_record *records, u64 nr, const char *name)
{
	u64 kept = 0;

	for (u64 i = 0; i < nr; i++)
		if (!strcmp(records[i].name, name))
			records[kept++] = records[i];
	return kept;
}

static struct rove_wakeup_record of_kernel[MAX_RECORDS], of_self[MAX_RECORDS];

TEST(equal_records, the_same_history_gives_the_same_counts)
{
	struct wakeup_source *ws[NR_SOURCES];
	struct wakeup_walk *kernel = open_kernel(), *self = open_self();
	struct driven driven;
	u64 nr_kernel, nr_self;

	drive_kernel(&driven);
	nr_kernel = take(kernel, of_kernel);
	nr_kernel = keep_named(of_kernel, nr_kernel, "[eventfd]");
	drive_self(ws, "[eventfd]");
	nr_self = take(self, of_self);
	EXPECT_EQ(nr_kernel, NR_SOURCES);
	EXPECT_EQ(nr_self, NR_SOURCES);

	for (u64 i = 0; i < NR_SOURCES; i++) {
		const struct rove_wakeup_record *k = &of_kernel[i], *s = &of_self[i];

		EXPECT_STR_EQ(k->name, s->name);
		EXPECT_EQ(k->active_count, s->active_count);
		EXPECT_EQ(k->event_count, s->event_count);
		EXPECT_EQ(k->relax_count, s->relax_count);
		EXPECT_EQ(k->expire_count, s->expire_count);
		EXPECT_EQ(k->wakeup_count, s->wakeup_count);
		EXPECT_EQ(k->flags, s->flags);
		EXPECT_EQ(k->active_count, nr_events(NR_SOURCES - 1 - i) + stays_active(NR_SOURCES - 1 - i));
	}
	for (u32 i = 0; i < NR_SOURCES; i++) {
		close(driven.event_fd[i]);
		rove_wakeup_source_unregister(ws[i]);
	}
	close(driven.epoll_fd);
	wakeup_walk_close(kernel);
	wakeup_walk_close(self);
}

/* --- the same state ----------------------------------------------------------------------- */

static struct wakeup_source *image_of(const struct rove_wakeup_record *rec)
{
	struct device_driver *driver = NULL;
	struct device *dev = NULL;
	struct wakeup_source *ws;

	if (rec->flags & ROVE_WAKEUP_HAS_DRIVER)
		EXPECT_EQ(rove_device_driver_create(rec->driver, &driver), 0);
	if (rec->flags & ROVE_WAKEUP_HAS_PARENT)
		EXPECT_EQ(rove_device_create(NULL, driver, rec->device, &dev), 0);
	EXPECT_EQ(rove_wakeup_source_register(dev, rec->name, &ws), 0);
	rove_device_put(dev);
	rove_device_driver_put(driver);

	ws->id = rec->id;
	ws->active = !!(rec->flags & ROVE_WAKEUP_ACTIVE);
	ws->autosleep_enabled = !!(rec->flags & ROVE_WAKEUP_AUTOSLEEP);
	ws->active_count = rec->active_count;
	ws->event_count = rec->event_count;
	ws->wakeup_count = rec->wakeup_count;
	ws->expire_count = rec->expire_count;
	ws->relax_count = rec->relax_count;
	ws->total_time = rec->total_time_ns;
	ws->max_time = rec->max_time_ns;
	ws->last_time = rec->last_change_ns;
	ws->prevent_sleep_time = rec->prevent_sleep_time_ns;
	ws->start_prevent_time = rec->start_prevent_ns;
	return ws;
}

static void expect_equal(const struct rove_wakeup_record *k, const struct rove_wakeup_record *s)
{
	/* now_ns is when each was read; everything up to the strings is numbers. */
	EXPECT_MEM_EQ(&k->active_count, &s->active_count,
		      offsetof(struct rove_wakeup_record, name) -
			      offsetof(struct rove_wakeup_record, active_count));
	EXPECT_STR_EQ(k->name, s->name);
	EXPECT_STR_EQ(k->device, s->device);
	EXPECT_STR_EQ(k->driver, s->driver);
	EXPECT_TRUE(k->now_ns <= s->now_ns);
}

TEST(equal_records, the_image_of_the_kernels_sources_gives_equal_records)
{
	static struct wakeup_source *ws[MAX_RECORDS];
	struct wakeup_walk *kernel = open_kernel(), *self = open_self();
	struct driven driven;
	u64 nr;

	drive_kernel(&driven);
	nr = take(kernel, of_kernel);
	EXPECT_TRUE(nr >= NR_SOURCES);
	for (u64 i = nr; i-- > 0;)
		ws[i] = image_of(&of_kernel[i]);
	EXPECT_EQ(take(self, of_self), nr);
	for (u64 i = 0; i < nr; i++)
		expect_equal(&of_kernel[i], &of_self[i]);
	for (u32 i = 0; i < NR_SOURCES; i++)
		close(driven.event_fd[i]);
	close(driven.epoll_fd);
	for (u64 i = 0; i < nr; i++) {
		ws[i]->active = false; /* these never counted as events being handled */
		rove_wakeup_source_unregister(ws[i]);
	}
	wakeup_walk_close(kernel);
	wakeup_walk_close(self);
}

/* --- the same bytes ----------------------------------------------------------------------- */

TEST(equal_records, both_sides_run_the_object_file_that_was_compiled)
{
	const char *path = getenv("WAKEUP_BPF_O");
	const char *object;
	size_t size, bytes;
	FILE *file;
	char *disk;

	if (!path)
		SKIP("WAKEUP_BPF_O does not name the compiled object file");
	object = wakeup_walk_object(&size);
	disk = malloc(size + 1);
	file = fopen(path, "r");
	EXPECT_TRUE(file && disk);
	bytes = fread(disk, 1, size + 1, file);
	fclose(file);
	EXPECT_EQ(bytes, size);
	EXPECT_MEM_EQ(disk, object, size);
	free(disk);
}
