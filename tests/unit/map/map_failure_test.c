/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * map_failure_test.c - whatever fails while a map is made or used, nothing is left behind
 *
 * The n-th allocation or system call of a map's life fails, for every n.
 */
#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bpf/core/uapi.h"
#include "bpf/map/map.h"
#include "bpf/map/rcu.h"
#include "tests/failing.h"
#include "tests/left.h"
#include "tests/test.h"
#include "tests/unit/syscall/bpf.h"

#if ANY_CALL_CAN_FAIL
int memfd_create(const char *name, unsigned int flags)
{
	return call_fails(EMFILE) ? -1 : syscall(SYS_memfd_create, name, flags);
}

void *mmap(void *addr, size_t bytes, int prot, int flags, int fd, off_t offset)
{
	return call_fails(ENOMEM) ? MAP_FAILED :
			       (void *)syscall(SYS_mmap, addr, bytes, prot, flags, fd, offset);
}

int mprotect(void *addr, size_t bytes, int prot)
{
	return call_fails(ENOMEM) ? -1 : syscall(SYS_mprotect, addr, bytes, prot);
}
#endif

/* More than a map has in all; what liburcu and the allocator map is noise. */
#define NR_LIVES 200

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
	{ MAP_TYPE_RHASH, 4, 8, 3, BPF_F_NO_PREALLOC },
	{ MAP_TYPE_RHASH, 4, 8, 1000, BPF_F_NO_PREALLOC },
	{ BPF_MAP_TYPE_STACK_TRACE, 4, 8, 3, 0 },
	{ BPF_MAP_TYPE_RINGBUF, 0, 0, 4096, 0 },
};

static bool has_maps(const struct kind *k)
{
	return k->type == BPF_MAP_TYPE_ARRAY_OF_MAPS || k->type == BPF_MAP_TYPE_HASH_OF_MAPS;
}

/* One map for all lives, made in the first, in which nothing fails: it goes into outer ones. */
static int inner_fd(void)
{
	static int fd = -1;

	if (fd < 0)
		fd = map_new(BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0);
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
	fail_none();
	rove_bpf_close(fd);
	return err;
}

TEST(map_failure, the_nth_failure_leaves_nothing_for_every_n_and_type)
{
	u32 before, mapped;

	if (!ANY_CALL_CAN_FAIL)
		SKIP("the sanitizer's allocator cannot be made to fail");
	for (u32 i = 0; i < ARRAY_SIZE(kinds); i++) {
		int err = -1;
		long n;

		EXPECT_EQ(one_life(&kinds[i]), 0);	/* tables that grow once */
		before = nr_open_descriptors();
		for (n = 1; err; n++) {
			fail_nth_here(n);
			err = one_life(&kinds[i]);
			fail_none();
			EXPECT_TRUE(!err || err == -ENOMEM || err == -EMFILE);
			EXPECT_EQ(nr_open_descriptors(), before);
		}
		EXPECT_TRUE(n > 3);
	}
	mapped = nr_mappings();
	for (u32 i = 0; i < NR_LIVES; i++) {
		fail_nth_here(1 + i / ARRAY_SIZE(kinds) % 8);
		one_life(&kinds[i % ARRAY_SIZE(kinds)]);
		fail_none();
	}
	EXPECT_TRUE(nr_mappings() < mapped + NR_LIVES / 4);
}
