/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Array maps, through bpf(2).
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/context.h"
#include "bpf/map/map.h"
#include "tests/test.h"
#include "tests/unit/syscall/bpf.h"

#define ARRAY(value_size, max_entries, flags) \
	map_new(BPF_MAP_TYPE_ARRAY, 4, (value_size), (max_entries), (flags))

TEST(array, sizes_and_flags_that_make_no_sense_are_refused)
{
	EXPECT_EQ(map_new(BPF_MAP_TYPE_ARRAY, 8, 8, 1, 0), -EINVAL);
	EXPECT_EQ(ARRAY(0, 1, 0), -EINVAL);
	EXPECT_EQ(ARRAY(8, 0, 0), -EINVAL);
	EXPECT_EQ(ARRAY(8, 1, BPF_F_NO_PREALLOC), -EINVAL);
	EXPECT_EQ(ARRAY(8, 1, BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG), -EINVAL);
	EXPECT_EQ(ARRAY(8, 1, BPF_F_RDONLY | BPF_F_WRONLY), -EINVAL);
	EXPECT_EQ(ARRAY(0x80000000, 1, 0), -E2BIG);
	EXPECT_EQ(map_new(BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 1, 0), -EINVAL);
	EXPECT_EQ(map_new(999, 4, 4, 1, 0), -EINVAL);
}

TEST(array, every_element_exists_and_is_zero_at_first)
{
	int fd = ARRAY(12, 3, 0);
	u32 key;
	u8 value[12], zero[12] = { 0 };

	for (key = 0; key < 3; key++) {
		memset(value, 1, sizeof(value));
		EXPECT_EQ(map_lookup(fd, &key, value), 0);
		EXPECT_MEM_EQ(value, zero, sizeof(value));
	}
	EXPECT_EQ(map_lookup(fd, &key, value), -ENOENT);
	rove_bpf_close(fd);
}

TEST(array, update_flags_and_errors_are_the_kernels)
{
	int fd = ARRAY(8, 2, 0);
	u32 key = 1, past = 2;
	u64 value = 5, got = 0;

	EXPECT_EQ(map_update(fd, &key, &value, BPF_ANY), 0);
	EXPECT_EQ(map_update(fd, &key, &value, BPF_EXIST), 0);
	EXPECT_EQ(map_update(fd, &key, &value, BPF_NOEXIST), -EEXIST);
	EXPECT_EQ(map_update(fd, &key, &value, 3), -EINVAL);
	EXPECT_EQ(map_update(fd, &key, &value, BPF_F_LOCK), -EINVAL);
	EXPECT_EQ(map_update(fd, &past, &value, BPF_ANY), -E2BIG);
	EXPECT_EQ(map_delete(fd, &key), -EINVAL);
	EXPECT_EQ(BPF(BPF_MAP_LOOKUP_ELEM, .map_fd = fd, .key = PTR(&key), .value = PTR(&got),
		      .flags = BPF_F_LOCK), -EINVAL);
	EXPECT_EQ(map_lookup(fd, &key, &got), 0);
	EXPECT_EQ(got, 5);
	rove_bpf_close(fd);
}

TEST(array, keys_come_in_order)
{
	int fd = ARRAY(8, 3, 0);
	u32 key = 77, next;

	EXPECT_EQ(map_next_key(fd, NULL, &next), 0);
	EXPECT_EQ(next, 0);
	EXPECT_EQ(map_next_key(fd, &key, &next), 0);
	EXPECT_EQ(next, 0);
	key = 1;
	EXPECT_EQ(map_next_key(fd, &key, &next), 0);
	EXPECT_EQ(next, 2);
	EXPECT_EQ(map_next_key(fd, &next, &key), -ENOENT);
	rove_bpf_close(fd);
}

TEST(array, mapped_pages_are_the_values_eight_bytes_aligned)
{
	int fd = ARRAY(12, 300, BPF_F_MMAPABLE);
	u32 key = 7;
	u8 value[12] = "eleven bytes", got[12];
	u8 *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	void *same;

	EXPECT_TRUE(pages != MAP_FAILED);
	EXPECT_EQ(map_update(fd, &key, value, 0), 0);
	EXPECT_MEM_EQ(pages + 7 * 16, value, 12);
	pages[299 * 16] = 'x';
	key = 299;
	EXPECT_EQ(map_lookup(fd, &key, got), 0);
	EXPECT_EQ(got[0], 'x');

	EXPECT_EQ(rove_bpf_mmap(fd, 8192, PROT_READ, MAP_SHARED, 0, &same), 0);
	EXPECT_MEM_EQ(same, pages, 300 * 16);
	munmap(same, 8192);
	EXPECT_EQ(rove_bpf_mmap(fd, 12288, PROT_READ, MAP_SHARED, 0, &same), -EINVAL);
	EXPECT_EQ(ftruncate(fd, 0), -1);	/* would take the pages from under programs */
	munmap(pages, 8192);
	rove_bpf_close(fd);
}

TEST(array, one_that_is_not_mmapable_cannot_be_mapped)
{
	int fd = ARRAY(8, 1, 0);
	void *addr;

	EXPECT_EQ(rove_bpf_mmap(fd, 4096, PROT_READ, MAP_SHARED, 0, &addr), -EINVAL);
	rove_bpf_close(fd);
}

TEST(array, a_frozen_one_is_written_by_programs_only)
{
	int fd = ARRAY(8, 1, BPF_F_MMAPABLE);
	u32 key = 0;
	u64 value = 1;
	void *addr;

	EXPECT_EQ(BPF(BPF_MAP_FREEZE, .map_fd = fd), 0);
	EXPECT_EQ(BPF(BPF_MAP_FREEZE, .map_fd = fd), -EPERM);
	EXPECT_EQ(map_update(fd, &key, &value, 0), -EPERM);
	EXPECT_EQ(map_lookup(fd, &key, &value), 0);
	EXPECT_EQ(rove_bpf_mmap(fd, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, 0, &addr), -EPERM);
	EXPECT_TRUE(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
	EXPECT_EQ(rove_bpf_mmap(fd, 4096, PROT_READ, MAP_SHARED, 0, &addr), 0);
	munmap(addr, 4096);
	EXPECT_EQ(pwrite(fd, &value, 8, 0), -1);
	rove_bpf_close(fd);
}

TEST(array, what_is_mapped_for_reading_never_becomes_writable)
{
	int fd = ARRAY(8, 1, BPF_F_MMAPABLE);
	void *addr;

	EXPECT_EQ(rove_bpf_mmap(fd, 4096, PROT_READ, MAP_SHARED, 0, &addr), 0);
	EXPECT_EQ(mprotect(addr, 4096, PROT_READ | PROT_WRITE), -1);
	EXPECT_EQ(BPF(BPF_MAP_FREEZE, .map_fd = fd), 0);
	EXPECT_EQ(mprotect(addr, 4096, PROT_READ | PROT_WRITE), -1);
	munmap(addr, 4096);
	rove_bpf_close(fd);
}

/* The verifier reads them, so not even a mapping that may become writable is left. */
TEST(array, frozen_values_that_programs_only_read_cannot_be_changed_in_any_way)
{
	int fd = ARRAY(8, 1, BPF_F_MMAPABLE | BPF_F_RDONLY_PROG);
	u32 key = 0;
	u64 value = 7, *later;
	void *addr;

	EXPECT_EQ(map_update(fd, &key, &value, 0), 0);
	EXPECT_EQ(rove_bpf_mmap(fd, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, 0, &addr), -EACCES);
	later = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	EXPECT_TRUE(later != MAP_FAILED);
	EXPECT_EQ(BPF(BPF_MAP_FREEZE, .map_fd = fd), -EBUSY);
	value = 8;
	EXPECT_EQ(map_update(fd, &key, &value, 0), 0);	/* it is as it was */
	munmap(later, 4096);
	EXPECT_EQ(BPF(BPF_MAP_FREEZE, .map_fd = fd), 0);
	EXPECT_EQ(map_update(fd, &key, &value, 0), -EPERM);
	EXPECT_TRUE(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
	EXPECT_EQ(pwrite(fd, &value, 8, 0), -1);
	EXPECT_EQ(rove_bpf_mmap(fd, 4096, PROT_READ, MAP_SHARED, 0, (void **)&later), 0);
	EXPECT_EQ(*later, 8);
	EXPECT_EQ(mprotect(later, 4096, PROT_READ | PROT_WRITE), -1);
	munmap(later, 4096);
	rove_bpf_close(fd);
}

static void *write_until_frozen(void *arg)
{
	int fd = *(int *)arg, err = 0;
	u64 value = 0;
	u32 key = 0;

	while (!err) {
		value++;
		err = map_update(fd, &key, &value, 0);
		/* A freeze that is being tried may say so before it fails. */
		if (err == -EPERM && BPF(BPF_MAP_FREEZE, .map_fd = fd) == 0)
			err = 0;
	}
	return (void *)(intptr_t)err;
}

TEST(array, a_freeze_waits_for_nobody_and_cuts_off_nobody)
{
	for (u32 round = 0; round < 100; round++) {
		int fd = ARRAY(8, 1, BPF_F_MMAPABLE | BPF_F_RDONLY_PROG), err;
		pthread_t thread;
		void *ret;

		EXPECT_EQ(pthread_create(&thread, NULL, write_until_frozen, &fd), 0);
		do {
			err = BPF(BPF_MAP_FREEZE, .map_fd = fd);
		} while (err == -EBUSY);
		EXPECT_TRUE(err == 0 || err == -EPERM);
		pthread_join(thread, &ret);
		EXPECT_EQ((intptr_t)ret, -EPERM);
		rove_bpf_close(fd);
	}
}

TEST(array, one_that_is_mapped_writable_is_not_frozen)
{
	int fd = ARRAY(8, 1, BPF_F_MMAPABLE);
	void *addr = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	EXPECT_EQ(BPF(BPF_MAP_FREEZE, .map_fd = fd), -EBUSY);
	munmap(addr, 4096);
	EXPECT_EQ(BPF(BPF_MAP_FREEZE, .map_fd = fd), 0);
	rove_bpf_close(fd);
}

TEST(array, batches_read_and_write_many)
{
	int fd = ARRAY(8, 5, 0);
	u32 keys[5] = { 0, 1, 2, 3, 4 }, got_keys[3], token;
	u64 values[5] = { 10, 11, 12, 13, 14 }, got[3];
	union bpf_attr attr = { .batch = { .map_fd = fd, .keys = PTR(keys), .count = 5,
					   .values = PTR(values) } };

	EXPECT_EQ(rove_bpf(BPF_MAP_UPDATE_BATCH, &attr, sizeof(attr)), 0);
	EXPECT_EQ(attr.batch.count, 5);
	attr.batch.keys = PTR(got_keys);
	attr.batch.values = PTR(got);
	attr.batch.out_batch = PTR(&token);
	attr.batch.count = 3;
	EXPECT_EQ(rove_bpf(BPF_MAP_LOOKUP_BATCH, &attr, sizeof(attr)), 0);
	EXPECT_EQ(attr.batch.count, 3);
	EXPECT_EQ(got[2], 12);
	attr.batch.in_batch = PTR(&token);
	EXPECT_EQ(rove_bpf(BPF_MAP_LOOKUP_BATCH, &attr, sizeof(attr)), -ENOENT);
	EXPECT_EQ(attr.batch.count, 2);
	EXPECT_EQ(got_keys[1], 4);
	EXPECT_EQ(got[1], 14);
	keys[1] = 99;
	attr = (union bpf_attr){ .batch = { .map_fd = fd, .keys = PTR(keys), .count = 5,
					    .values = PTR(values) } };
	EXPECT_EQ(rove_bpf(BPF_MAP_UPDATE_BATCH, &attr, sizeof(attr)), -E2BIG);
	EXPECT_EQ(attr.batch.count, 1);
	rove_bpf_close(fd);
}

/* --- for each CPU ------------------------------------------------------------------------- */

#define PERCPU(value_size, max_entries, flags) \
	map_new(BPF_MAP_TYPE_PERCPU_ARRAY, 4, (value_size), (max_entries), (flags))

TEST(percpu_array, sizes_and_flags_that_make_no_sense_are_refused)
{
	EXPECT_EQ(map_new(BPF_MAP_TYPE_PERCPU_ARRAY, 8, 8, 1, 0), -EINVAL);
	EXPECT_EQ(PERCPU(0, 1, 0), -EINVAL);
	EXPECT_EQ(PERCPU(8, 0, 0), -EINVAL);
	EXPECT_EQ(PERCPU(8, 1, BPF_F_MMAPABLE), -EINVAL);
	EXPECT_EQ(PERCPU(8, 1, BPF_F_NUMA_NODE), -EINVAL);
	EXPECT_EQ(PERCPU(32769, 1, 0), -E2BIG);
	rove_bpf_close(PERCPU(32768, 1, 0));
}

TEST(percpu_array, programs_see_their_cpus_value_and_bpf_2_all_of_them)
{
	int fd = PERCPU(4, 3, 0);
	u32 nr = map_nr_cpus(), key = 1, sum = 0;
	u64 *values = calloc(nr, sizeof(*values));
	struct bpf_map *map;

	EXPECT_TRUE(nr >= 1);
	EXPECT_EQ(map_by_fd(fd, &map), 0);
	for (u32 cpu = 0; cpu < nr; cpu++)
		values[cpu] = 10 + cpu;
	EXPECT_EQ(map_update(fd, &key, values, BPF_ANY), 0);
	for (u32 cpu = 0; cpu < nr; cpu++)
		EXPECT_EQ(*(u32 *)map->ops->lookup_cpu(map, &key, cpu), 10 + cpu);
	EXPECT_TRUE(!map->ops->lookup_cpu(map, &key, nr));
	EXPECT_TRUE(!map->ops->lookup_cpu(map, &(u32){ 3 }, 0));

	ctx_nmi_enter();
	EXPECT_TRUE(*(u32 *)map->ops->lookup(map, &key) >= 10);
	EXPECT_EQ(map->ops->update(map, &key, &(u32){ 5 }, BPF_ANY), 0);
	EXPECT_EQ(map->ops->update(map, &key, &(u32){ 5 }, BPF_NOEXIST), -EEXIST);
	ctx_nmi_exit();
	EXPECT_EQ(map_lookup(fd, &key, values), 0);
	for (u32 cpu = 0; cpu < nr; cpu++)
		sum += values[cpu] == 5;
	EXPECT_EQ(sum, 1);
	EXPECT_EQ(map_delete(fd, &key), -EINVAL);
	EXPECT_EQ(map_lookup(fd, &(u32){ 3 }, values), -ENOENT);
	EXPECT_EQ(map_update(fd, &(u32){ 3 }, values, BPF_ANY), -E2BIG);
	free(values);
	map_put(map);
	rove_bpf_close(fd);
}

TEST(percpu_array, a_batch_has_the_values_of_all_cpus)
{
	int fd = PERCPU(8, 2, 0);
	u32 nr = map_nr_cpus(), keys[2] = { 0, 1 }, out;
	u64 *values = calloc(2 * nr, sizeof(*values)), *got = calloc(2 * nr, sizeof(*got));
	union bpf_attr attr = { .batch = { .map_fd = fd, .keys = PTR(keys), .count = 2,
					   .values = PTR(values), .out_batch = PTR(&out) } };

	for (u32 i = 0; i < 2 * nr; i++)
		values[i] = i;
	EXPECT_EQ(rove_bpf(BPF_MAP_UPDATE_BATCH, &attr, sizeof(attr)), 0);
	attr.batch.values = PTR(got);
	EXPECT_EQ(rove_bpf(BPF_MAP_LOOKUP_BATCH, &attr, sizeof(attr)), 0);
	EXPECT_EQ(attr.batch.count, 2);
	EXPECT_MEM_EQ(got, values, 2 * nr * sizeof(*got));
	free(got);
	free(values);
	rove_bpf_close(fd);
}

TEST(array, a_signal_handler_updates_as_a_thread_does)
{
	int fd = ARRAY(8, 2, 0);
	struct bpf_map *map;
	u64 got;

	EXPECT_EQ(map_by_fd(fd, &map), 0);
	ctx_nmi_enter();
	EXPECT_EQ(map->ops->update(map, &(u32){ 1 }, &(u64){ 7 }, BPF_ANY), 0);
	EXPECT_EQ(map->ops->update(map, &(u32){ 2 }, &(u64){ 7 }, BPF_ANY), -E2BIG);
	EXPECT_EQ(map->ops->delete(map, &(u32){ 1 }), -EINVAL);
	ctx_nmi_exit();
	EXPECT_EQ(map_lookup(fd, &(u32){ 1 }, &got), 0);
	EXPECT_EQ(got, 7);
	map_put(map);
	rove_bpf_close(fd);
}
