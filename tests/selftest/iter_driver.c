/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/selftest/iter_driver.c - runs the kernel's iterator programs on this process
 *
 * Each is loaded by the stock libbpf from the directory that SELFTEST_OBJECTS names and
 * compared with what the kernel's test of it expects; and programs over targets of our own.
 * Prints TAP.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rove/bpf.h>
#include <rove/timer.h>
#include <rove/workqueue.h>

#include "target/target.h"

static int nr_tests, nr_wrong, nr_failed;
static char got[1 << 20];

#define EXPECT(x)                                                                    \
	do {                                                                         \
		if (!(x)) {                                                          \
			printf("# line %d: %s (errno %d)\n", __LINE__, #x, errno);   \
			nr_wrong++;                                                  \
		}                                                                    \
	} while (0)

static void end_test(const char *name)
{
	nr_failed += nr_wrong != 0;
	printf("%sok %d - selftest: %s\n", nr_wrong ? "not " : "", ++nr_tests, name);
	nr_wrong = 0;
}

/* --- objects -------------------------------------------------------------------------------- */

static struct bpf_object *object_open(const char *name)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s.bpf.o", getenv("SELFTEST_OBJECTS"), name);
	return bpf_object__open_file(path, NULL);
}

static struct bpf_object *object_load(const char *name)
{
	struct bpf_object *obj = object_open(name);

	EXPECT(obj && !bpf_object__load(obj));
	return obj;
}

/* Where a global variable is in its section, or -1. */
static int variable_at(struct bpf_object *obj, const char *section, const char *name)
{
	const struct btf *btf = bpf_object__btf(obj);
	int id = btf__find_by_name_kind(btf, section, BTF_KIND_DATASEC);
	const struct btf_type *t = id > 0 ? btf__type_by_id(btf, id) : NULL;

	for (int i = 0; t && i < btf_vlen(t); i++) {
		const struct btf_var_secinfo *var = &btf_var_secinfos(t)[i];
		const struct btf_type *v = btf__type_by_id(btf, var->type);

		if (!strcmp(btf__name_by_offset(btf, v->name_off), name))
			return var->offset;
	}
	EXPECT(!"the variable is there");
	return -1;
}

/* Reads or, with @write, sets 4 or 8 bytes of .bss. */
static __u64 bss(struct bpf_object *obj, const char *name, int bytes, const __u64 *write)
{
	struct bpf_map *map = bpf_object__find_map_by_name(obj, ".bss");
	int at = variable_at(obj, ".bss", name), key = 0;
	char *value = calloc(1, bpf_map__value_size(map));
	__u64 got_value = 0;

	EXPECT(!bpf_map_lookup_elem(bpf_map__fd(map), &key, value));
	memcpy(&got_value, value + at, bytes);
	if (write) {
		memcpy(value + at, write, bytes);
		EXPECT(!bpf_map_update_elem(bpf_map__fd(map), &key, value, 0));
	}
	free(value);
	return got_value;
}

static __u32 bss_u32(struct bpf_object *obj, const char *name)
{
	return bss(obj, name, 4, NULL);
}

static __u32 map_id(int fd)
{
	struct bpf_map_info info = { 0 };
	__u32 len = sizeof(info);

	EXPECT(!bpf_obj_get_info_by_fd(fd, &info, &len));
	return info.id;
}

/* @map_fd 0: none.  NULL: refused. */
static struct bpf_link *attach(struct bpf_object *obj, const char *prog, int map_fd)
{
	union bpf_iter_link_info info = { .map.map_fd = map_fd };
	LIBBPF_OPTS(bpf_iter_attach_opts, opts, .link_info = &info, .link_info_len = sizeof(info));
	struct bpf_program *p = bpf_object__find_program_by_name(obj, prog);

	EXPECT(p != NULL);
	return p ? bpf_program__attach_iter(p, map_fd ? &opts : NULL) : NULL;
}

/* All that the program writes, with a NUL behind it.  Bytes, or -errno. */
static ssize_t read_all(struct bpf_object *obj, const char *prog, int map_fd)
{
	struct bpf_link *link = attach(obj, prog, map_fd);
	size_t have = 0;
	ssize_t n;
	int fd;

	EXPECT(link != NULL);
	if (!link)
		return -EINVAL;
	fd = bpf_iter_create(bpf_link__fd(link));
	EXPECT(fd >= 0);
	while ((n = read(fd, got + have, sizeof(got) - 1 - have)) > 0)
		have += n;
	got[have] = '\0';
	close(fd);
	bpf_link__destroy(link);
	return n ? -errno : (ssize_t)have;
}

static int array_new(__u32 nr)
{
	return bpf_map_create(BPF_MAP_TYPE_ARRAY, "numbers", 4, 8, nr, NULL);
}

/* --- the kernel's programs ------------------------------------------------------------------ */

static void test_bpf_map(void)
{
	struct bpf_object *obj = object_load("bpf_iter_bpf_map");
	int map = array_new(3);
	char line[64];

	EXPECT(read_all(obj, "dump_bpf_map", 0) > 0);
	/* The reader's own reference, and the descriptor's. */
	snprintf(line, sizeof(line), "\n%8u %8d %8d %10d\n", map_id(map), 2, 1, 0);
	EXPECT(strstr(got, "      id   refcnt  usercnt  locked_vm\n") == got);
	EXPECT(strstr(got, line));
	EXPECT(strstr(got, "      %%% END %%%\n"));
	close(map);
	bpf_object__close(obj);
	end_test("bpf_iter_bpf_map");
}

static void test_bpf_link(void)
{
	struct bpf_object *obj = object_load("bpf_iter_bpf_link");
	struct bpf_link *other = attach(obj, "dump_bpf_link", 0);
	struct bpf_link_info info = { 0 };
	__u32 len = sizeof(info), id;
	ssize_t n = read_all(obj, "dump_bpf_link", 0);

	EXPECT(!bpf_obj_get_info_by_fd(bpf_link__fd(other), &info, &len));
	EXPECT(n == 8);
	memcpy(&id, got, 4);
	EXPECT(id == info.id);
	bpf_link__destroy(other);
	bpf_object__close(obj);
	end_test("bpf_iter_bpf_link");
}

static void test_map_elem(void)
{
	struct bpf_object *obj = object_load("bpf_iter_map_elem");
	int map = array_new(5);

	for (__u32 i = 0; i < 5; i++)
		EXPECT(!bpf_map_update_elem(map, &i, &(__u64){ i + 10 }, 0));
	EXPECT(read_all(obj, "dump_bpf_map_values", map) == 0);
	EXPECT(bss_u32(obj, "value_sum") == 10 + 11 + 12 + 13 + 14);
	close(map);
	bpf_object__close(obj);
	end_test("bpf_iter_map_elem");
}

static void test_bpf_array_map(void)
{
	struct bpf_object *obj = object_load("bpf_iter_bpf_array_map");
	int map = bpf_object__find_map_fd_by_name(obj, "arraymap1");
	int hash = bpf_object__find_map_fd_by_name(obj, "hashmap1");
	__u64 value, sum = 0;
	__u32 key;

	for (__u32 i = 0; i < 3; i++) {
		value = i + 4;
		sum += value;
		EXPECT(!bpf_map_update_elem(map, &i, &value, 0));
	}
	EXPECT(read_all(obj, "dump_bpf_array_map", map) == 3 * 12);
	for (__u32 i = 0; i < 3; i++) {
		memcpy(&key, got + 12 * i, 4);
		memcpy(&value, got + 12 * i + 4, 8);
		EXPECT(key == i && value == i + 4);
		EXPECT(!bpf_map_lookup_elem(hash, &value, &key) && key == i);
		EXPECT(!bpf_map_lookup_elem(map, &i, &value) && value == i);
	}
	EXPECT(bss_u32(obj, "key_sum") == 0 + 1 + 2);
	EXPECT(bss(obj, "val_sum", 8, NULL) == sum);
	bpf_object__close(obj);
	end_test("bpf_iter_bpf_array_map");
}

static void expect_refused(struct bpf_object *obj, const char *prog, const char *map)
{
	struct bpf_link *link = attach(obj, prog, bpf_object__find_map_fd_by_name(obj, map));

	EXPECT(!link);
	bpf_link__destroy(link);
}

static void test_bpf_hash_map(void)
{
	struct bpf_object *obj = object_load("bpf_iter_bpf_hash_map");
	int map = bpf_object__find_map_fd_by_name(obj, "hashmap1");
	__u64 sum = 0;

	expect_refused(obj, "dump_bpf_hash_map", "hashmap2");
	expect_refused(obj, "dump_bpf_hash_map", "hashmap3");
	expect_refused(obj, "sleepable_dummy_dump", "hashmap1");
	for (int i = 0; i < 3; i++) {
		int key[3] = { i + 1, i + 2, i + 3 };
		__u64 value = i + 4;

		sum += value;
		EXPECT(!bpf_map_update_elem(map, key, &value, 0));
	}
	EXPECT(read_all(obj, "dump_bpf_hash_map", map) > 0);
	EXPECT(strstr(got, "map dump starts\n") == got && strstr(got, "map dump ends\n"));
	EXPECT(strstr(got, ": (1 2 3) (4)\n") && strstr(got, ": (3 4 5) (6)\n"));
	bss(obj, "in_test_mode", 1, &(__u64){ 1 });
	EXPECT(read_all(obj, "dump_bpf_hash_map", map) == 0);
	EXPECT(bss_u32(obj, "key_sum_a") == 6 && bss_u32(obj, "key_sum_b") == 9);
	EXPECT(bss_u32(obj, "key_sum_c") == 12);
	bpf_object__close(obj);
	end_test("bpf_iter_bpf_hash_map");
}

/* What the program writes for each of two maps, and what comes of it. */
static void overflow(__u32 print_len, __u32 ret1, ssize_t expected, const char *name)
{
	struct bpf_object *obj = object_open("bpf_iter_test_kern4");
	struct bpf_map *rodata = bpf_object__find_map_by_name(obj, ".rodata");
	int map1 = array_new(1), map2 = array_new(1), fd;
	struct bpf_link *link;
	size_t bytes, have = 0;
	ssize_t n;
	char *values = malloc(bpf_map__value_size(rodata));

	bytes = bpf_map__value_size(rodata);
	memset(values, 0, bytes);
	memcpy(values + variable_at(obj, ".rodata", "print_len"), &print_len, 4);
	memcpy(values + variable_at(obj, ".rodata", "ret1"), &ret1, 4);
	EXPECT(!bpf_map__set_initial_value(rodata, values, bytes));
	EXPECT(!bpf_object__load(obj));
	bss(obj, "map1_id", 4, &(__u64){ map_id(map1) });
	bss(obj, "map2_id", 4, &(__u64){ map_id(map2) });
	link = attach(obj, "dump_bpf_map", 0);
	fd = rove_bpf_iter_open(bpf_link__fd(link));
	EXPECT(fd >= 0);
	do {
		n = rove_bpf_iter_read(fd, got + have, sizeof(got) - have);
		have += n > 0 ? n : 0;
	} while (n > 0 || n == -EAGAIN);
	EXPECT((n ?: (ssize_t)have) == expected);
	if (expected > 0) {
		EXPECT(bss_u32(obj, "map1_accessed") == 1);
		EXPECT(bss_u32(obj, "map2_accessed") == 2);
		EXPECT(bss(obj, "map2_seqnum1", 8, NULL) == bss(obj, "map2_seqnum2", 8, NULL));
	}
	rove_bpf_close(fd);
	bpf_link__destroy(link);
	free(values);
	close(map1);
	close(map2);
	bpf_object__close(obj);
	end_test(name);
}

static void test_overflow(void)
{
	__u32 size = getpagesize() * 8;

	overflow((size - 8) / 8, 0, 2 * (size - 8), "bpf_iter_test_kern4, overflow");
	overflow((size + 8) / 8, 0, -E2BIG, "bpf_iter_test_kern4, overflow-e2big");
	overflow(1, 1, 2 * 8, "bpf_iter_test_kern4, prog-ret-1");
}

static void test_bounds(void)
{
	struct bpf_object *obj = object_load("bpf_iter_test_kern5");

	expect_refused(obj, "dump_bpf_hash_map", "hashmap1");
	bpf_object__close(obj);
	end_test("bpf_iter_test_kern5, rdonly-buf-out-of-bound");
	obj = object_open("bpf_iter_test_kern6");
	EXPECT(obj && bpf_object__load(obj));
	bpf_object__close(obj);
	end_test("bpf_iter_test_kern6, buf-neg-offset");
}

/* What the kernel has in its own image, for /sys/fs/bpf/maps.debug and progs.debug. */
static void test_preload(void)
{
	struct bpf_object *obj = object_load("iterators");
	int map = bpf_map_create(BPF_MAP_TYPE_HASH, "some_keys", 4, 8, 50, NULL);
	char line[128];

	for (__u32 i = 0; i < 7; i++)
		EXPECT(!bpf_map_update_elem(map, &i, &(__u64){ i }, 0));
	EXPECT(read_all(obj, "dump_bpf_map", 0) > 0);
	snprintf(line, sizeof(line), "\n%4u %-16s  %10d   %10d\n", map_id(map), "some_keys", 50, 7);
	EXPECT(strstr(got, "  id name             max_entries  cur_entries\n") == got);
	EXPECT(strstr(got, line));
	EXPECT(read_all(obj, "dump_bpf_prog", 0) > 0);
	EXPECT(strstr(got, "  id name             attached\n") == got);
	EXPECT(strstr(got, " dump_bpf_map     bpf_iter_bpf_map \n"));
	EXPECT(strstr(got, " dump_bpf_prog    bpf_iter_bpf_prog \n"));
	close(map);
	bpf_object__close(obj);
	end_test("iterators.bpf.c of kernel/bpf/preload");
}

/* --- our own -------------------------------------------------------------------------------- */

static enum rove_hrtimer_restart never(struct rove_hrtimer *timer)
{
	return ROVE_HRTIMER_NORESTART;
}

static void test_own_targets(void)
{
	struct rove_wq_options options = { .size = sizeof(options), .flags = ROVE_WQ_UNBOUND,
					   .max_active = 17 };
	struct bpf_object *obj = object_load("own_targets");
	struct rove_hrtimer timer;
	struct rove_workqueue *wq;
	char line[64];

	EXPECT(!rove_workqueue_create("some_queue", &options, &wq));
	EXPECT(read_all(obj, "show_workqueue", 0) > 0);
	EXPECT(strstr(got, "some_queue: 17, 0 wait\n"));
	EXPECT(read_all(obj, "show_worker_pool", 0) > 0);
	EXPECT(strstr(got, ": on 0"));
	rove_workqueue_free(wq);

	EXPECT(!rove_hrtimer_init(&timer, CLOCK_BOOTTIME, never));
	rove_hrtimer_start_range(&timer, &(struct rove_hrtimer_when){
		.expires_ns = 1ull << 60, .slack_ns = 99, .cpu = -1 });
	EXPECT(read_all(obj, "show_timer", 0) > 0);
	snprintf(line, sizeof(line), "%llx: clock %u, 99\n", (unsigned long long)(uintptr_t)&timer,
		 CLOCK_BOOTTIME);
	EXPECT(strstr(got, line));
	rove_hrtimer_cancel(&timer);
	bpf_object__close(obj);
	end_test("iter/workqueue, iter/worker_pool and iter/timer by the stock libbpf");
}

static int be_quiet(enum libbpf_print_level level, const char *fmt, va_list args)
{
	return level == LIBBPF_DEBUG ? 0 : vfprintf(stderr, fmt, args);
}

/* How many CPUs the program is to add up, in its read-only variables. */
static struct bpf_object *object_load_for(const char *name, __u32 nr_cpus)
{
	struct bpf_object *obj = object_open(name);
	struct bpf_map *map = bpf_object__find_map_by_name(obj, ".rodata");
	int at = variable_at(obj, ".rodata", "num_cpus");
	size_t bytes;
	char *initial = map ? (char *)bpf_map__initial_value(map, &bytes) : NULL;

	EXPECT(initial && at >= 0);
	if (initial && at >= 0)
		memcpy(initial + at, &nr_cpus, sizeof(nr_cpus));
	EXPECT(!bpf_object__load(obj));
	return obj;
}

/* As the kernel's test: each CPU has another number in each element. */
static __u32 fill_cpus(int map, const void *key, __u32 i, __u32 nr_cpus)
{
	__u64 *values = calloc(nr_cpus, sizeof(*values));
	__u32 sum = 0;

	for (__u32 cpu = 0; cpu < nr_cpus; cpu++) {
		*(__u32 *)&values[cpu] = (i + 1) * 100 + cpu;
		sum += (i + 1) * 100 + cpu;
	}
	EXPECT(!bpf_map_update_elem(map, key, values, BPF_ANY));
	free(values);
	return sum;
}

static void test_bpf_percpu_array_map(void)
{
	__u32 nr_cpus = libbpf_num_possible_cpus(), sum = 0;
	struct bpf_object *obj = object_load_for("bpf_iter_bpf_percpu_array_map", nr_cpus);
	int map = bpf_object__find_map_fd_by_name(obj, "arraymap1");

	for (__u32 i = 0; i < 3; i++)
		sum += fill_cpus(map, &i, i, nr_cpus);
	EXPECT(read_all(obj, "dump_bpf_percpu_array_map", map) == 0);
	EXPECT(bss_u32(obj, "key_sum") == 0 + 1 + 2);
	EXPECT(bss_u32(obj, "val_sum") == sum);
	bpf_object__close(obj);
	end_test("bpf_iter_bpf_percpu_array_map");
}

static void test_bpf_percpu_hash_map(void)
{
	__u32 nr_cpus = libbpf_num_possible_cpus(), sum = 0;
	struct bpf_object *obj = object_load_for("bpf_iter_bpf_percpu_hash_map", nr_cpus);
	int map = bpf_object__find_map_fd_by_name(obj, "hashmap1");

	for (__u32 i = 0; i < 3; i++) {
		__u32 key[3] = { i + 1, i + 2, i + 3 };

		sum += fill_cpus(map, key, i, nr_cpus);
	}
	EXPECT(read_all(obj, "dump_bpf_percpu_hash_map", map) == 0);
	EXPECT(bss_u32(obj, "key_sum_a") == 1 + 2 + 3);
	EXPECT(bss_u32(obj, "key_sum_b") == 2 + 3 + 4);
	EXPECT(bss_u32(obj, "key_sum_c") == 3 + 4 + 5);
	EXPECT(bss_u32(obj, "val_sum") == sum);
	bpf_object__close(obj);
	end_test("bpf_iter_bpf_percpu_hash_map");
}

int main(void)
{
	target_use(&target_self);
	libbpf_set_print(be_quiet);
	setvbuf(stdout, NULL, _IOLBF, 0);
	test_bpf_map();
	test_bpf_link();
	test_map_elem();
	test_bpf_array_map();
	test_bpf_hash_map();
	test_bpf_percpu_array_map();
	test_bpf_percpu_hash_map();
	test_overflow();
	test_bounds();
	test_preload();
	test_own_targets();
	printf("1..%d\n", nr_tests);
	return nr_failed != 0;
}
