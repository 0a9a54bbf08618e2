/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/unit/target/seam_test.c - stock libbpf on this process, and on the kernel beside it
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <rove/bpf.h>

#include "objects/wakeup_sample.h"
#include "target/program.h"
#include "target/tasks_walk.h"
#include "target/wakeup_walk.h"
#include "tests/test.h"

static char why[256 * 1024];

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

static struct wakeup_sample *start_sample(u32 nr_sources)
{
	struct wakeup_sample *sample = NULL;

	EXPECT_EQ(wakeup_sample_start(
			  &(struct wakeup_sample_options){ .nr_sources = nr_sources, .nr_threads = 1 },
			  &sample),
		  0);
	return sample;
}

TEST(seam, a_walk_of_this_process_meets_every_source_once)
{
	struct wakeup_sample *sample = start_sample(150);
	struct wakeup_walk *walk = open_self();
	struct wakeup_walk_result res;

	EXPECT_EQ(wakeup_walk_run(walk, &res), 0);
	EXPECT_EQ(res.visited, 150);
	EXPECT_EQ(res.nr_records, 150);
	EXPECT_EQ(res.lost, 0);
	EXPECT_EQ(res.end, ROVE_WAKEUP_WALK_COMPLETE);
	EXPECT_EQ(res.nr_walks, 1);
	for (u64 i = 0; i < res.nr_records; i++)
		for (u64 k = 0; k < i; k++)
			EXPECT_NE(wakeup_walk_at(&res, i)->id, wakeup_walk_at(&res, k)->id);
	wakeup_walk_close(walk);
	wakeup_sample_stop(sample);
}

TEST(seam, a_walk_that_loses_records_is_repeated_with_more_room)
{
	struct wakeup_sample *sample = start_sample(10000);
	struct wakeup_walk *walk = open_self();
	struct wakeup_walk_result res;

	EXPECT_EQ(wakeup_walk_run(walk, &res), 0);
	EXPECT_EQ(res.nr_records, 10000);
	EXPECT_EQ(res.lost, 0);
	EXPECT_EQ(res.nr_walks, 2);
	EXPECT_EQ(wakeup_walk_run(walk, &res), 0);
	EXPECT_EQ(res.nr_records, 10000);
	EXPECT_EQ(res.nr_walks, 1);
	wakeup_walk_close(walk);
	wakeup_sample_stop(sample);
}

TEST(seam, a_bounded_walk_says_why_it_stopped)
{
	struct wakeup_sample *sample = start_sample(100);
	struct wakeup_walk *walk;
	struct wakeup_walk_result res;

	EXPECT_EQ(wakeup_walk_open(&(struct wakeup_walk_options){ .target = "self",
								  .max_objects = 7 },
				   &walk, why, sizeof(why)),
		  0);
	EXPECT_EQ(wakeup_walk_run(walk, &res), 0);
	EXPECT_EQ(res.end, ROVE_WAKEUP_WALK_MAX_OBJECTS);
	EXPECT_EQ(res.nr_records, 7);
	wakeup_walk_close(walk);
	wakeup_sample_stop(sample);
}

static void *walk_tasks(void *arg)
{
	struct tasks_walk *walk = arg;
	u64 ns;

	for (int i = 0; i < 200; i++)
		if (tasks_walk_run(walk, 100, &ns))
			return (void *)1;
	return NULL;
}

TEST(seam, one_process_uses_the_kernel_and_itself_at_the_same_time)
{
	struct wakeup_sample *sample;
	struct wakeup_walk *self;
	struct tasks_walk *tasks;
	struct wakeup_walk_result res;
	pthread_t thread;
	void *failed;

	if (tasks_walk_open(&tasks, why, sizeof(why)))
		SKIP("no program loads into this kernel: %.*s", (int)strcspn(why, "\n"), why);
	sample = start_sample(50);
	self = open_self();
	EXPECT_EQ(pthread_create(&thread, NULL, walk_tasks, tasks), 0);
	for (int i = 0; i < 200; i++) {
		EXPECT_EQ(wakeup_walk_run(self, &res), 0);
		EXPECT_EQ(res.visited, 50);
	}
	pthread_join(thread, &failed);
	EXPECT_PTR_EQ(failed, NULL);
	tasks_walk_close(tasks);
	wakeup_walk_close(self);
	wakeup_sample_stop(sample);
}

/* --- libbpf's own ring buffer reader ------------------------------------------------------ */

static int count_record(void *ctx, void *data, size_t bytes)
{
	if (bytes == sizeof(struct rove_wakeup_record))
		(*(int *)ctx)++;
	return 0;
}

TEST(seam, libbpfs_ring_buffer_reads_the_records_of_this_process)
{
	const struct target *was = target_use(&target_self);
	struct program_image image = { .name = "wakeup" };
	struct rove_wakeup_walk ctx = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &ctx, .ctx_size_in = sizeof(ctx));
	struct wakeup_sample *sample = start_sample(20);
	struct ring_buffer *ring;
	struct bpf_object *obj;
	int seen = 0;
	size_t size;

	image.data = wakeup_walk_object(&size);
	image.end = (const char *)image.data + size;
	EXPECT_EQ(program_open(&image, &obj, (struct program_why){ why, sizeof(why) }), 0);
	EXPECT_EQ(program_load(obj, &image, (struct program_why){ why, sizeof(why) }), 0);
	ring = ring_buffer__new(bpf_object__find_map_fd_by_name(obj, "records"), count_record, &seen,
				NULL);
	EXPECT_TRUE(ring != NULL);
	EXPECT_EQ(bpf_prog_test_run_opts(
			  bpf_program__fd(bpf_object__find_program_by_name(obj, "wakeup_walk")), &opts),
		  0);
	EXPECT_EQ(ctx.visited, 20);
	EXPECT_EQ(ring_buffer__consume(ring), 20);
	EXPECT_EQ(seen, 20);
	ring_buffer__free(ring);
	bpf_object__close(obj);
	target_use(was);
	wakeup_sample_stop(sample);
}

/* --- bad input ---------------------------------------------------------------------------- */

static int nr_open_descriptors(void)
{
	int nr = 0;

	for (int fd = 0; fd < 1024; fd++)
		nr += fcntl(fd, F_GETFD) >= 0;
	return nr;
}

/* What becomes of an object file; it goes away again.  0 or -errno. */
static int load_object(const char *data, size_t bytes)
{
	struct program_image image = { .name = "part", .data = data, .end = data + bytes };
	struct bpf_object *obj;
	int err = program_open(&image, &obj, (struct program_why){ why, sizeof(why) });

	if (err)
		return err;
	err = program_load(obj, &image, (struct program_why){ why, sizeof(why) });
	bpf_object__close(obj);
	return err;
}

TEST(seam, a_truncated_object_file_is_an_error_at_every_length)
{
	const struct target *was = target_use(&target_self);
	int before = nr_open_descriptors();
	size_t size;
	const char *whole = wakeup_walk_object(&size);

	for (size_t bytes = 0; bytes < size; bytes += 1 + size / 97) {
		char *part = malloc(bytes + 1);

		memcpy(part, whole, bytes);
		EXPECT_TRUE(load_object(part, bytes) < 0);
		free(part);
	}
	EXPECT_EQ(nr_open_descriptors(), before);
	target_use(was);
}

static u32 next_random(u32 *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

/* Some damage does not matter; what counts is that the answer is 0 or an error. */
TEST(seam, a_damaged_object_file_is_loaded_or_refused_and_leaves_nothing_behind)
{
	const struct target *was = target_use(&target_self);
	int before, nr_refused = 0;
	size_t size;
	const char *whole = wakeup_walk_object(&size);
	char *copy = malloc(size);
	u32 random = 1;

	/* The first use of a target opens what stays: its own BTF. */
	EXPECT_EQ(load_object(whole, size), 0);
	before = nr_open_descriptors();
	for (int round = 0; round < 400; round++) {
		memcpy(copy, whole, size);
		for (int n = 1 + round % 4; n > 0; n--)
			copy[next_random(&random) % size] = next_random(&random);
		nr_refused += load_object(copy, size) < 0;
	}
	EXPECT_TRUE(nr_refused > 0 && nr_refused < 400);
	EXPECT_EQ(nr_open_descriptors(), before);
	free(copy);
	target_use(was);
}

TEST(seam, random_bytes_are_no_object_file)
{
	const struct target *was = target_use(&target_self);
	char noise[4096];
	u32 random = 7;

	for (size_t bytes = 1; bytes <= sizeof(noise); bytes += 101) {
		for (size_t i = 0; i < bytes; i++)
			noise[i] = next_random(&random);
		EXPECT_TRUE(load_object(noise, bytes) < 0);
	}
	target_use(was);
}

TEST(seam, an_unknown_target_is_an_error)
{
	struct wakeup_walk *walk;

	EXPECT_EQ(wakeup_walk_open(&(struct wakeup_walk_options){ .target = "elsewhere" }, &walk, why,
				   sizeof(why)),
		  -EINVAL);
	EXPECT_PTR_EQ(target_find("elsewhere"), NULL);
}
