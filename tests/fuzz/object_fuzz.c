/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/fuzz/object_fuzz.c - any bytes as an object file
 *
 * An input is an object file, or a few changes to one of ours: its first byte
 * chooses.  It is opened and loaded into this process by libbpf and goes away
 * again; then nothing may be left.  A refusal has to come with a sentence.
 *
 * Without libFuzzer: object_fuzz [--seconds N] [--seed S] changes ours by itself,
 * object_fuzz FILE... tries files.
 */
#include <bpf/libbpf.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "target/program.h"
#include "target/wakeup_walk.h"
#include "tests/left.h"

#define MAX_BYTES (64 << 10)

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static struct {
	u64 files, opened, loaded;
} tally;

static void check_sentence(const char *why)
{
	if (why[0] > ' ' && strcspn(why, "\n") > 10)
		return;
	fprintf(stderr, "refused with '%s'\n", why);
	abort();
}

static void load(const u8 *data, size_t size)
{
	static char text[64 * 1024];
	const struct program_why why = { text, sizeof(text) };
	const struct program_image image = { .name = "fuzz", .data = data, .end = data + size };
	struct bpf_object *obj;
	int err = program_open(&image, &obj, why);

	tally.files++;
	if (err) {
		check_sentence(text);
		return;
	}
	tally.opened++;
	err = program_load(obj, &image, why);
	if (err)
		check_sentence(text);
	else
		tally.loaded++;
	bpf_object__close(obj);
}

/* The first use makes things that stay: our own BTF, what libbpf found out. */
static void prepare(void)
{
	static bool prepared;
	size_t size;
	const u8 *whole = wakeup_walk_object(&size);

	if (prepared)
		return;
	prepared = true;
	target_use(&target_self);
	load(whole, size);
	tally.files = tally.opened = tally.loaded = 0;
}

/* Five bytes a change: where, what is put there, and how. */
static size_t change(u8 *copy, size_t size, const u8 *data, size_t nr)
{
	for (; nr >= 5; data += 5, nr -= 5) {
		u32 at = (data[0] | data[1] << 8) % size, with = data[2] | data[3] << 8;

		switch (data[4] % 4) {
		case 0:
			copy[at] = with;
			break;
		case 1:
			copy[at] ^= 1u << with % 8;
			break;
		case 2:
			at &= ~3u;
			memcpy(copy + at, &with, min(size - at, sizeof(with)));
			break;
		case 3:
			copy[at] += (s8)with;
			break;
		}
	}
	return size;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	u32 nr_open, nr_made;
	size_t whole_size, bytes = size;
	u8 *copy;
	const u8 *whole = wakeup_walk_object(&whole_size);

	if (!size || size > MAX_BYTES)
		return 0;
	prepare();
	nr_open = nr_open_descriptors();
	nr_made = nr_objects();
	copy = malloc(max(size, whole_size));
	if (!copy)
		return 0;
	if (data[0] == 'C') {
		memcpy(copy, whole, whole_size);
		bytes = change(copy, whole_size, data + 1, size - 1);
	} else {
		memcpy(copy, data, size);
	}
	load(copy, bytes);
	free(copy);
	check_same("objects", nr_made, nr_objects());
	check_same("descriptors", nr_open, nr_open_descriptors());
	return 0;
}

#ifndef ROVE_LIBFUZZER

static u64 next_random(u64 *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static void fuzz_for(u64 seconds, u64 seed)
{
	time_t end = time(NULL) + seconds;

	while (time(NULL) < end) {
		u8 data[1 + 5 * 4] = { 'C' };
		size_t size = 1 + 5 * (1 + next_random(&seed) % 4);

		for (size_t i = 1; i < size; i++)
			data[i] = next_random(&seed) >> 32;
		LLVMFuzzerTestOneInput(data, size);
	}
}

static int try_file(const char *path)
{
	static u8 data[MAX_BYTES];
	FILE *file = fopen(path, "r");
	size_t size;

	if (!file) {
		perror(path);
		return 1;
	}
	size = fread(data, 1, sizeof(data), file);
	fclose(file);
	LLVMFuzzerTestOneInput(data, size);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seconds", required_argument, NULL, 't' },
		{ "seed", required_argument, NULL, 's' },
		{ NULL },
	};
	u64 seed = 1, seconds = 5;
	int c, failed = 0;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 't')
			seconds = strtoull(optarg, NULL, 0);
		else if (c == 's')
			seed = strtoull(optarg, NULL, 0) | 1;
		else
			return 2;
	}
	for (int i = optind; i < argc; i++)
		failed |= try_file(argv[i]);
	if (optind == argc)
		fuzz_for(seconds, seed);
	printf("%llu files, %llu opened, %llu loaded; none crashed or left anything\n",
	       (unsigned long long)tally.files, (unsigned long long)tally.opened,
	       (unsigned long long)tally.loaded);
	return failed;
}

#endif
