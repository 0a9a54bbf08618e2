/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What each target shows.
 */
#include <rove/wakeup.h>

#include "bpf/iter/iter.h"
#include "tests/test.h"
#include "tests/tool/corpus/btf_maker.h"
#include "tests/unit/link/iter.h"

static char got[1 << 16];

/* Write @bytes at @off of the object, whose struct the verifier knows. */
#define WRITE_U32(off) { \
	MOV_X(6, 1), \
	LDX(BPF_DW, 2, 6, 8), \
	JMP_K(BPF_JEQ, 2, 0, 8), \
	LDX(BPF_W, 3, 2, off), \
	STX(BPF_W, 10, 3, -4), \
	SEQ_IN_R1, \
	MOV_X(2, 10), \
	ADD_K(2, -4), \
	MOV_K(3, 4), \
	SEQ_WRITE, \
	MOV_K(0, 0), \
	EXIT(), \
}

static ssize_t walk(int prog, int map)
{
	int link = map ? link_to_map(prog, map) : link_new(prog);
	int fd = rove_bpf_iter_open(link);
	ssize_t n;

	EXPECT_TRUE(prog >= 0 && link >= 0 && fd >= 0);
	n = ask_all(fd, got, sizeof(got), 4);
	EXPECT_EQ(rove_bpf_close(fd), 0);
	EXPECT_EQ(rove_bpf_close(link), 0);
	EXPECT_EQ(rove_bpf_close(prog), 0);
	return n;
}

static u32 got_u32(u32 i)
{
	u32 word;

	memcpy(&word, got + 4 * i, 4);
	return word;
}

TEST(iter_target, every_one_is_in_our_btf_as_loaders_look_for_it)
{
	const struct iter_target *t;
	char name[64];

	for (u32 i = 0; (t = iter_target_at(i)); i++) {
		snprintf(name, sizeof(name), "bpf_iter_%s", t->name);
		EXPECT_TRUE(func_id(name) != 0);
		EXPECT_PTR_EQ(iter_target_of_func(name), t);
		snprintf(name, sizeof(name), "bpf_iter__%s", t->name);
		EXPECT_TRUE(btf_find(btf_self(), name, BTF_KIND_STRUCT) != 0);
		for (u32 w = 0; w < ITER_MAX_WORDS && t->words[w].type; w++)
			EXPECT_TRUE(btf_find(btf_self(), t->words[w].type, BTF_KIND_STRUCT) != 0);
	}
	EXPECT_PTR_EQ(iter_target_of_func("bpf_iter_"), NULL);
	EXPECT_PTR_EQ(iter_target_of_func("dmabuf"), NULL);
}

TEST(iter_target, maps_programs_and_links_by_their_ids)
{
	static const struct bpf_insn insns[] = WRITE_U32(0);
	int maps[3], seen, link;
	u32 ids[3];

	for (u32 i = 0; i < 3; i++) {
		maps[i] = map_new(BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0);
		ids[i] = map_id(maps[i]);
	}
	EXPECT_EQ(walk(ITER_PROG("bpf_map", insns), 0), 3 * 4);
	for (u32 i = 0; i < 3; i++)
		EXPECT_EQ(got_u32(i), ids[i]);

	/* The first member of a program is its type, of a link its id. */
	EXPECT_EQ(walk(ITER_PROG("bpf_prog", insns), 0), 4);
	EXPECT_EQ(got_u32(0), BPF_PROG_TYPE_TRACING);
	seen = ITER_PROG("bpf_prog", insns);
	link = link_new(seen);
	EXPECT_EQ(walk(ITER_PROG("bpf_link", insns), 0), 2 * 4);
	EXPECT_TRUE(got_u32(0) < got_u32(1));
	EXPECT_EQ(rove_bpf_close(link), 0);
	EXPECT_EQ(rove_bpf_close(seen), 0);
	for (u32 i = 0; i < 3; i++)
		EXPECT_EQ(rove_bpf_close(maps[i]), 0);
}

TEST(iter_target, a_walk_over_maps_goes_on_behind_one_that_has_gone)
{
	static const struct bpf_insn insns[] = WRITE_U32(0);
	int maps[4], prog = ITER_PROG("bpf_map", insns), link = link_new(prog), fd;
	u32 ids[4];

	for (u32 i = 0; i < 4; i++) {
		maps[i] = map_new(BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0);
		ids[i] = map_id(maps[i]);
	}
	fd = rove_bpf_iter_open(link);
	EXPECT_EQ(rove_bpf_iter_read(fd, got, 4), 4);
	EXPECT_EQ(got_u32(0), ids[0]);
	EXPECT_EQ(rove_bpf_close(maps[1]), 0);
	EXPECT_EQ(rove_bpf_iter_read(fd, got, 4), 4);
	EXPECT_EQ(got_u32(0), ids[2]);
	EXPECT_EQ(rove_bpf_close(maps[2]), 0);
	EXPECT_EQ(rove_bpf_close(maps[3]), 0);
	EXPECT_EQ(rove_bpf_iter_read(fd, got, 4), 0);
	EXPECT_EQ(rove_bpf_close(fd), 0);
	EXPECT_EQ(rove_bpf_close(maps[0]), 0);
	EXPECT_EQ(rove_bpf_close(link), 0);
	EXPECT_EQ(rove_bpf_close(prog), 0);
}

TEST(iter_target, a_program_runs_once_more_without_a_map_behind_the_last)
{
	struct bpf_insn insns[] = {
		MOV_X(6, 1),
		LDX(BPF_DW, 2, 6, 8),
		JMP_K(BPF_JNE, 2, 0, 7),
		ST(BPF_W, 10, -4, 77),
		SEQ_IN_R1,
		MOV_X(2, 10),
		ADD_K(2, -4),
		MOV_K(3, 4),
		SEQ_WRITE,
		MOV_K(0, 0),
		EXIT(),
	};
	int map = map_new(BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0);

	EXPECT_EQ(walk(ITER_PROG("bpf_map", insns), 0), 4);
	EXPECT_EQ(got_u32(0), 77);
	/* Of elements the map is still there, but no key. */
	insns[1].off = 16;
	EXPECT_EQ(walk(ITER_PROG("bpf_map_elem", insns), map), 4);
	insns[1].off = 8;
	EXPECT_EQ(walk(ITER_PROG("bpf_map_elem", insns), map), 0);
	EXPECT_EQ(rove_bpf_close(map), 0);
}

/* --- elements ----------------------------------------------------------------------------- */

/* Write the key, add one to the value. */
static const struct bpf_insn count_elems[] = {
	MOV_X(6, 1),
	LDX(BPF_DW, 2, 6, 16),
	JMP_K(BPF_JEQ, 2, 0, 9),
	LDX(BPF_DW, 7, 6, 24),
	JMP_K(BPF_JEQ, 7, 0, 7),
	LDX(BPF_DW, 1, 7, 0),
	ADD_K(1, 1),
	STX(BPF_DW, 7, 1, 0),
	SEQ_IN_R1,
	MOV_K(3, 4),
	SEQ_WRITE,
	MOV_K(0, 0),
	EXIT(),
};

TEST(iter_target, elements_of_an_array_in_order_and_their_values_may_be_changed)
{
	int map = map_new(BPF_MAP_TYPE_ARRAY, 4, 8, 100, 0);
	u64 value;

	EXPECT_EQ(walk(ITER_PROG("bpf_map_elem", count_elems), map), 100 * 4);
	for (u32 i = 0; i < 100; i++) {
		EXPECT_EQ(got_u32(i), i);
		EXPECT_EQ(map_lookup(map, &i, &value), 0);
		EXPECT_EQ(value, 1);
	}
	EXPECT_EQ(rove_bpf_close(map), 0);
}

TEST(iter_target, elements_of_a_hash_each_once)
{
	int map = map_new(BPF_MAP_TYPE_HASH, 4, 8, 500, BPF_F_NO_PREALLOC);
	u64 value = 0;

	for (u32 i = 0; i < 500; i++)
		EXPECT_EQ(map_update(map, &i, &value, 0), 0);
	EXPECT_EQ(walk(ITER_PROG("bpf_map_elem", count_elems), map), 500 * 4);
	for (u32 i = 0; i < 500; i++) {
		EXPECT_EQ(map_lookup(map, &i, &value), 0);
		EXPECT_EQ(value, 1);
	}
	EXPECT_EQ(rove_bpf_close(map), 0);
}

/* @chunk bytes at a time.  Each of 500 elements is shown, though each is deleted then. */
static void walk_and_delete(size_t chunk)
{
	int map = map_new(BPF_MAP_TYPE_HASH, 4, 8, 500, BPF_F_NO_PREALLOC), prog, link, fd;
	const struct bpf_insn insns[] = {
		MOV_X(6, 1),
		LDX(BPF_DW, 7, 6, 16),
		JMP_K(BPF_JEQ, 7, 0, 12),
		LDX(BPF_W, 1, 7, 0),
		STX(BPF_W, 10, 1, -4),
		SEQ_IN_R1,
		MOV_X(2, 7),
		MOV_K(3, 4),
		SEQ_WRITE,
		LD_MAP(1, map),
		MOV_X(2, 10),
		ADD_K(2, -4),
		CALL(BPF_FUNC_map_delete_elem),
		MOV_K(0, 0),
		EXIT(),
	};
	bool shown[500] = { false };
	u64 value = 0;

	for (u32 i = 0; i < 500; i++)
		EXPECT_EQ(map_update(map, &i, &value, 0), 0);
	prog = ITER_PROG("bpf_map_elem", insns);
	link = link_to_map(prog, map);
	fd = rove_bpf_iter_open(link);
	EXPECT_TRUE(prog >= 0 && link >= 0 && fd >= 0);
	EXPECT_EQ(ask_all(fd, got, sizeof(got), chunk), 500 * 4);
	for (u32 i = 0; i < 500; i++)
		shown[got_u32(i)] = true;
	for (u32 i = 0; i < 500; i++) {
		EXPECT_TRUE(shown[i]);
		EXPECT_EQ(map_lookup(map, &i, &value), -ENOENT);
	}
	EXPECT_EQ(rove_bpf_close(fd), 0);
	EXPECT_EQ(rove_bpf_close(link), 0);
	EXPECT_EQ(rove_bpf_close(prog), 0);
	EXPECT_EQ(rove_bpf_close(map), 0);
}

TEST(iter_target, a_program_may_delete_each_element_that_it_is_shown)
{
	walk_and_delete(sizeof(got));
	walk_and_delete(4);
}

TEST(iter_target, elements_that_are_smaller_than_a_program_reaches_are_refused)
{
	int prog = ITER_PROG("bpf_map_elem", count_elems);
	int small_key = map_new(BPF_MAP_TYPE_HASH, 2, 8, 1, 0);
	int small_value = map_new(BPF_MAP_TYPE_HASH, 4, 4, 1, 0);
	int ring = map_new(BPF_MAP_TYPE_RINGBUF, 0, 0, PAGE, 0);

	EXPECT_TRUE(prog >= 0);
	EXPECT_EQ(link_to_map(prog, small_key), -EACCES);
	EXPECT_EQ(link_to_map(prog, small_value), -EACCES);
	EXPECT_EQ(link_to_map(prog, ring), -EINVAL);
	EXPECT_EQ(link_to_map(prog, prog), -EINVAL);
	EXPECT_EQ(link_to_map(prog, 1000), -EBADF);
	EXPECT_EQ(link_new(prog), -EBADF);
	EXPECT_EQ(rove_bpf_close(small_key), 0);
	EXPECT_EQ(rove_bpf_close(small_value), 0);
	EXPECT_EQ(rove_bpf_close(ring), 0);
	EXPECT_EQ(rove_bpf_close(prog), 0);
}

TEST(iter_target, values_that_programs_only_read_are_not_changed)
{
	static const struct bpf_insn reads[] = {
		LDX(BPF_DW, 7, 1, 24),
		JMP_K(BPF_JEQ, 7, 0, 1),
		LDX(BPF_DW, 2, 7, 0),
		MOV_K(0, 0),
		EXIT(),
	};
	int map = map_new(BPF_MAP_TYPE_ARRAY, 4, 8, 3, BPF_F_RDONLY_PROG);
	int writer = ITER_PROG("bpf_map_elem", count_elems);

	EXPECT_TRUE(map >= 0 && writer >= 0);
	EXPECT_EQ(link_to_map(writer, map), -EACCES);
	EXPECT_EQ(rove_bpf_close(writer), 0);
	EXPECT_EQ(walk(ITER_PROG("bpf_map_elem", reads), map), 0);
	EXPECT_EQ(rove_bpf_close(map), 0);
}

/* { u64 n; struct bpf_timer t; } */
static int map_with_timer(void)
{
	struct btf_maker *m = calloc(1, sizeof(*m));
	u32 type_int, type_u64, timer, value, bytes;
	void *image;
	int btf, fd;

	EXPECT_TRUE(m != NULL);
	maker_init(m);
	type_int = maker_int(m, "int", 4, BTF_INT_SIGNED);
	type_u64 = maker_int(m, "u64", 8, 0);
	timer = maker_struct(m, "bpf_timer", 16, 1);
	maker_member(m, "opaque", type_u64, 0);
	value = maker_struct(m, "value", 24, 2);
	maker_member(m, "n", type_u64, 0);
	maker_member(m, "t", timer, 8);
	image = maker_image(m, &bytes);
	btf = BPF(BPF_BTF_LOAD, .btf = PTR(image), .btf_size = bytes);
	fd = BPF(BPF_MAP_CREATE, .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 24,
		 .max_entries = 3, .btf_fd = btf, .btf_key_type_id = type_int,
		 .btf_value_type_id = value);
	EXPECT_TRUE(btf >= 0 && fd >= 0);
	EXPECT_EQ(rove_bpf_close(btf), 0);
	free(image);
	free(m);
	return fd;
}

TEST(iter_target, a_timer_in_a_value_is_out_of_reach)
{
	static const struct bpf_insn beyond[] = {
		LDX(BPF_DW, 7, 1, 24),
		JMP_K(BPF_JEQ, 7, 0, 1),
		ST(BPF_DW, 7, 8, 0),
		MOV_K(0, 0),
		EXIT(),
	};
	int map = map_with_timer(), prog = ITER_PROG("bpf_map_elem", beyond);

	EXPECT_TRUE(prog >= 0);
	EXPECT_EQ(link_to_map(prog, map), -EACCES);
	EXPECT_EQ(rove_bpf_close(prog), 0);
	EXPECT_EQ(walk(ITER_PROG("bpf_map_elem", count_elems), map), 3 * 4);
	EXPECT_EQ(rove_bpf_close(map), 0);
}

/* --- objects of the process ---------------------------------------------------------------- */

TEST(iter_target, wakeup_sources_go_on_behind_one_that_has_gone_and_keep_nobody_waiting)
{
	struct wakeup_source *ws[5];
	struct bpf_insn insns[] = WRITE_U32(0);
	int prog, link, fd;
	u32 first;

	for (u32 i = 0; i < 5; i++)
		EXPECT_EQ(rove_wakeup_source_register(NULL, "test", &ws[i]), 0);
	insns[3].off = 8;	/* ->id */
	prog = ITER_PROG("wakeup_source", insns);
	EXPECT_TRUE(prog >= 0);
	link = link_new(prog);
	fd = rove_bpf_iter_open(link);
	EXPECT_EQ(rove_bpf_iter_read(fd, got, 4), 4);
	first = got_u32(0);
	/* Between two reads no section is held, or this would wait for ever. */
	rove_wakeup_source_unregister(ws[3]);
	rove_wakeup_sources_barrier();
	EXPECT_EQ(ask_all(fd, got, sizeof(got), 4), 3 * 4);
	EXPECT_EQ(got_u32(0), first - 2);
	EXPECT_EQ(got_u32(2), first - 4);
	EXPECT_EQ(rove_bpf_close(fd), 0);
	EXPECT_EQ(rove_bpf_close(link), 0);
	EXPECT_EQ(rove_bpf_close(prog), 0);
	for (u32 i = 0; i < 5; i++)
		if (i != 3)
			rove_wakeup_source_unregister(ws[i]);
	rove_wakeup_sources_barrier();
}
