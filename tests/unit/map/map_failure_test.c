/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * map_failure_test.c - whatever fails while a map is made or used, nothing is left behind
 *
 * The n-th allocation or system call of a map's life fails, for every n.
 */
#include <dirent.h>
#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bpf/map/map.h"
#include "bpf/map/rcu.h"
#include "tests/test.h"
#include "tests/unit/syscall/bpf.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CAN_FAIL 0
static __thread long nr_until_failure;
#else
#define CAN_FAIL 1
static __thread long nr_until_failure;	/* 0: none fails; of this thread only */

static bool fails(int err)
{
	if (!nr_until_failure || --nr_until_failure)
		return false;
	errno = err;
	return true;
}

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t nr, size_t size);

void *malloc(size_t size)
{
	return fails(ENOMEM) ? NULL : __libc_malloc(size);
}

void *calloc(size_t nr, size_t size)
{
	return fails(ENOMEM) ? NULL : __libc_calloc(nr, size);
}

void *__libc_memalign(size_t align, size_t size);

void *aligned_alloc(size_t align, size_t size)
{
	return fails(ENOMEM) ? NULL : __libc_memalign(align, size);
}

int memfd_create(const char *name, unsigned int flags)
{
	return fails(EMFILE) ? -1 : syscall(SYS_memfd_create, name, flags);
}

void *mmap(void *addr, size_t bytes, int prot, int flags, int fd, off_t offset)
{
	return fails(ENOMEM) ? MAP_FAILED :
			       (void *)syscall(SYS_mmap, addr, bytes, prot, flags, fd, offset);
}
#endif

static u32 nr_open(void)
{
	DIR *dir = opendir("/proc/self/fd");
	u32 nr = 0;

	while (readdir(dir))
		nr++;
	closedir(dir);
	return nr;
}

/* More than a map has in all; what liburcu and the allocator map is noise. */
#define NR_LIVES 200

static u32 nr_mapped(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	u32 nr = 0;
	int ch;

	while ((ch = fgetc(maps)) != EOF)
		nr += ch == '\n';
	fclose(maps);
	return nr;
}

struct kind {
	u32 type, key_size, value_size, entries, flags;
};

static const struct kind kinds[] = {
	{ BPF_MAP_TYPE_ARRAY, 4, 8, 3, 0 },
	{ BPF_MAP_TYPE_ARRAY, 4, 8, 3, BPF_F_MMAPABLE },
	{ BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, 3, 0 },
	{ BPF_MAP_TYPE_PERCPU_HASH, 4, 8, 3, BPF_F_NO_PREALLOC },
	{ BPF_MAP_TYPE_LRU_PERCPU_HASH, 4, 8, 3, 0 },
	{ BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 4, 3, 0 },
	{ BPF_MAP_TYPE_HASH_OF_MAPS, 4, 4, 3, 0 },
	{ BPF_MAP_TYPE_HASH, 4, 8, 3, 0 },
	{ BPF_MAP_TYPE_HASH, 4, 8, 3, BPF_F_NO_PREALLOC },
	{ BPF_MAP_TYPE_LRU_HASH, 4, 8, 3, 0 },
	{ BPF_MAP_TYPE_STACK_TRACE, 4, 8, 3, 0 },
	{ BPF_MAP_TYPE_RINGBUF, 0, 0, 4096, 0 },
};

static bool has_maps(const struct kind *k)
{
	return k->type == BPF_MAP_TYPE_ARRAY_OF_MAPS || k->type == BPF_MAP_TYPE_HASH_OF_MAPS;
}

/* One map for all lives: it goes into outer ones, and does not fail itself. */
static int inner_fd(void)
{
	static int fd = -1;
	long nr = nr_until_failure;

	nr_until_failure = 0;
	if (fd < 0)
		fd = map_new(BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0);
	nr_until_failure = nr;
	return fd;
}

static int new_map(const struct kind *k)
{
	return BPF(BPF_MAP_CREATE, .map_type = k->type, .key_size = k->key_size,
		   .value_size = k->value_size, .max_entries = k->entries, .map_flags = k->flags,
		   .inner_map_fd = has_maps(k) ? inner_fd() : 0);
}

/* The first error ends it early. */
static int one_life(const struct kind *k)
{
	int fd = new_map(k), err = 0;
	u64 values[64] = { has_maps(k) ? inner_fd() : 0 };
	u32 key = 1;

	if (fd < 0)
		return fd;
	if (k->key_size && k->type != BPF_MAP_TYPE_STACK_TRACE && map_nr_cpus() <= 64) {
		err = map_update(fd, &key, values, BPF_ANY);
		err = err ?: map_update(fd, &key, values, BPF_ANY);
		err = err ?: map_lookup(fd, &key, values);
		/* No map is freed early for that. */
		if (inner_fd() < 0 || !map_id(inner_fd()))
			err = -EBADF;
	}
	nr_until_failure = 0;
	rove_bpf_close(fd);
	return err;
}

TEST(map_failure, the_nth_failure_leaves_nothing_for_every_n_and_type)
{
	u32 before, mapped;

	if (!CAN_FAIL)
		SKIP("the sanitizer's allocator cannot be made to fail");
	for (u32 i = 0; i < ARRAY_SIZE(kinds); i++) {
		int err = -1;
		long n;

		EXPECT_EQ(one_life(&kinds[i]), 0);	/* tables that grow once */
		before = nr_open();
		for (n = 1; err; n++) {
			nr_until_failure = n;
			err = one_life(&kinds[i]);
			nr_until_failure = 0;
			EXPECT_TRUE(!err || err == -ENOMEM || err == -EMFILE);
			EXPECT_EQ(nr_open(), before);
		}
		EXPECT_TRUE(n > 3);
	}
	mapped = nr_mapped();
	for (u32 i = 0; i < NR_LIVES; i++) {
		nr_until_failure = 1 + i / ARRAY_SIZE(kinds) % 8;
		one_life(&kinds[i % ARRAY_SIZE(kinds)]);
		nr_until_failure = 0;
	}
	EXPECT_TRUE(nr_mapped() < mapped + NR_LIVES / 4);
}
