/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/unit/btf/hostile_test.c - real BTF, and real BTF with wrong bytes
 *
 * The kernel's own BTF is the largest at hand; libbpf, which reads it
 * independently, says how large each of its types is.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bpf/btf/btf.h"
#include "tests/test.h"

/* By hand: libbpf's header has inline functions with the names of ours. */
void *btf__parse(const char *path, void *ret_ext);
void btf__free(void *btf);
u32 btf__type_cnt(const void *btf);
s64 btf__resolve_size(const void *btf, u32 id);

#define KERNEL_BTF "/sys/kernel/btf/vmlinux"

static u8 *read_file(const char *path, u32 *ret_bytes)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	u32 got = 0;
	ssize_t n;
	u8 *data;

	if (fd < 0 || fstat(fd, &st))
		return NULL;
	data = malloc(st.st_size + 1);
	while (got < st.st_size && (n = read(fd, data + got, st.st_size - got)) > 0)
		got += n;
	close(fd);
	*ret_bytes = got;
	return data;
}

static void print_log(void *arg, const char *text)
{
	print_message("%s\n", text);
}

TEST(btf_real, the_kernels_types_have_the_sizes_that_libbpf_says)
{
	struct btf *btf = NULL;
	u32 bytes = 0, nr_sized = 0;
	u8 *data = read_file(KERNEL_BTF, &bytes);
	void *other;

	if (!data)
		SKIP("no %s", KERNEL_BTF);
	other = btf__parse(KERNEL_BTF, NULL);
	EXPECT_TRUE(other);
	EXPECT_EQ(btf_parse(data, bytes, NULL, print_log, NULL, &btf), 0);
	EXPECT_EQ(btf_nr_types(btf), btf__type_cnt(other));
	for (u32 id = 1; id < btf_nr_types(btf); id++) {
		u32 kind = btf_kind(btf_type(btf, id));

		if (btf_size(btf, id) < 0 || kind == BTF_KIND_DATASEC || kind == BTF_KIND_VAR)
			continue;
		EXPECT_EQ(btf_size(btf, id), btf__resolve_size(other, id));
		nr_sized++;
	}
	EXPECT_TRUE(nr_sized > 10000);
	EXPECT_EQ(btf_size(btf, btf_find(btf, "list_head", BTF_KIND_STRUCT)), 16);
	btf_put(btf);
	btf__free(other);
	free(data);
}

static u32 seed = 1;

static u32 rnd(u32 n)
{
	seed = seed * 1664525u + 1013904223u;
	return (u32)(((u64)seed * n) >> 32);
}

/* Ask everything that can be asked of whatever was accepted. */
static void use(const struct btf *btf)
{
	struct btf_hit hit;

	for (u32 id = 0; id < btf_nr_types(btf); id++) {
		btf_find(btf, btf_name(btf, id), btf_kind(btf_type(btf, id)));
		btf_pointee(btf, id);
		if (btf_size(btf, id) < 0 || !btf_is_struct(btf, id))
			continue;
		for (u32 off = 0; off < 64; off += 1 + rnd(8)) {
			btf_walk(btf, id, off, rnd(9), &hit);
			btf_struct_matches(btf, id, off, rnd(btf_nr_types(btf)));
		}
	}
}

TEST(btf_hostile, bytes_changed_at_random_never_do_harm)
{
	u32 bytes, nr_accepted = 0, nr_refused = 0;
	const u8 *data = btf_self_data(&bytes);
	u8 *copy = malloc(bytes);

	for (u32 round = 0; round < 3000; round++) {
		struct btf *btf = NULL;

		memcpy(copy, data, bytes);
		for (u32 n = 1 + rnd(4); n; n--)
			copy[round % 4 ? rnd(bytes) : rnd(24)] = rnd(2) ? rnd(256) : 1u << rnd(8);
		if (btf_parse(copy, round % 5 ? bytes : rnd(bytes), NULL, NULL, NULL, &btf)) {
			nr_refused++;
			continue;
		}
		nr_accepted++;
		if (round % 8 == 0)
			use(btf);
		btf_put(btf);
	}
	EXPECT_TRUE(nr_accepted > 0 && nr_refused > 0);
	free(copy);
}

TEST(btf_self, our_own_types_are_parsed_once)
{
	const struct btf *btf = btf_self();
	const void *raw;
	u32 bytes, raw_bytes;

	EXPECT_TRUE(btf);
	EXPECT_PTR_EQ(btf_self(), btf);
	raw = btf_raw(btf, &raw_bytes);
	EXPECT_MEM_EQ(raw, btf_self_data(&bytes), raw_bytes);
	EXPECT_EQ(bytes, raw_bytes);
	EXPECT_TRUE(btf_find(btf, "wakeup_source", BTF_KIND_STRUCT));
}
