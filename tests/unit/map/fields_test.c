/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Values with a timer in them: found by their type, empty when made, hidden from
 * outside, and released exactly once.
 */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bpf/btf/fields.h"
#include "bpf/map/fields.h"
#include "bpf/map/rcu.h"
#include "tests/test.h"
#include "tests/tool/corpus/btf_maker.h"
#include "tests/unit/syscall/bpf.h"

struct value {
	u64 before;
	struct async_field timer;
	u64 behind;
};

static void put_members(struct btf_maker *m, u32 timer)
{
	u32 type_u64 = maker_int(m, "u64", 8, 0);

	maker_struct(m, "value", sizeof(struct value), 3);
	maker_member(m, "before", type_u64, 0);
	maker_member(m, "timer", timer, 8);
	maker_member(m, "behind", type_u64, 24);
}

static u32 put_special(struct btf_maker *m, const char *name, u32 bytes, u32 type_int)
{
	u32 id = maker_struct(m, name, bytes, 1);

	maker_member(m, "opaque", type_int, 0);
	return id;
}

/* The BTF of struct value, whose middle member is a struct of that name; the value's id. */
static struct btf_maker *value_btf(const char *name, u32 *ret_value)
{
	struct btf_maker *m = calloc(1, sizeof(*m));
	u32 type_int;

	maker_init(m);
	type_int = maker_int(m, "int", 4, BTF_INT_SIGNED);
	put_members(m, put_special(m, name, 16, type_int));
	*ret_value = m->nr_types;
	return m;
}

static int map_with(const struct btf_maker *m, u32 type, u32 value_id, u32 value_size, u32 flags)
{
	u32 bytes;
	void *image = maker_image(m, &bytes);
	int btf = BPF(BPF_BTF_LOAD, .btf = PTR(image), .btf_size = bytes);
	int fd;

	EXPECT_TRUE(btf >= 0);
	fd = BPF(BPF_MAP_CREATE, .map_type = type, .key_size = 4, .value_size = value_size,
		 .max_entries = 4, .map_flags = flags, .btf_fd = btf, .btf_key_type_id = 1,
		 .btf_value_type_id = value_id);
	rove_bpf_close(btf);
	free(image);
	return fd;
}

static int timer_map(u32 type, u32 flags)
{
	u32 value_id;
	struct btf_maker *m = value_btf("bpf_timer", &value_id);
	int fd = map_with(m, type, value_id, sizeof(struct value), flags);

	free(m);
	return fd;
}

/* --- what is a field -------------------------------------------------------------------------- */

static int find_in(const struct btf_maker *m, u32 id, struct btf_fields *ret_fields)
{
	struct btf *btf;
	u32 bytes;
	void *image = maker_image(m, &bytes);
	int err;

	EXPECT_EQ(btf_parse(image, bytes, NULL, NULL, NULL, &btf), 0);
	err = btf_find_fields(btf, id, ret_fields);
	btf_put(btf);
	free(image);
	return err;
}

TEST(fields, are_found_by_the_name_of_their_type)
{
	static const char *const refused[] = { "bpf_res_spin_lock", "bpf_list_head", "bpf_refcount" };
	struct btf_fields fields;
	struct btf_maker *m;
	u32 id;

	m = value_btf("bpf_wq", &id);
	EXPECT_EQ(find_in(m, id, &fields), 0);
	EXPECT_EQ(fields.nr, 1);
	EXPECT_EQ(fields.at[0].kind, BTF_FIELD_WQ);
	EXPECT_EQ(fields.at[0].off, 8);
	EXPECT_TRUE(!btf_field_of(&fields, BTF_FIELD_TIMER));
	free(m);
	m = value_btf("something", &id);
	EXPECT_EQ(find_in(m, id, &fields), 0);
	EXPECT_EQ(fields.nr, 0);
	free(m);
	for (u32 i = 0; i < ARRAY_SIZE(refused); i++) {
		m = value_btf(refused[i], &id);
		EXPECT_EQ(find_in(m, id, &fields), -EOPNOTSUPP);
		free(m);
	}
}

TEST(fields, of_both_kinds_are_told_in_the_order_of_their_offsets)
{
	struct btf_maker *m = calloc(1, sizeof(*m));
	struct btf_fields fields;
	u32 type_int, timer, wq, id;

	maker_init(m);
	type_int = maker_int(m, "int", 4, BTF_INT_SIGNED);
	timer = put_special(m, "bpf_timer", 16, type_int);
	wq = put_special(m, "bpf_wq", 16, type_int);
	id = maker_struct(m, "value", 48, 2);
	maker_member(m, "wq", wq, 0);
	maker_member(m, "timer", timer, 24);
	EXPECT_EQ(find_in(m, id, &fields), 0);
	EXPECT_EQ(fields.nr, 2);
	EXPECT_EQ(fields.at[0].kind, BTF_FIELD_WQ);
	EXPECT_EQ(fields.at[1].off, 24);
	free(m);
}

/* A map whose value has a lock at 12 of 24 bytes. */
static int lock_map(u32 type)
{
	struct btf_maker *m = calloc(1, sizeof(*m));
	u32 type_int, type_u64, lock, id;
	int fd;

	maker_init(m);
	type_int = maker_int(m, "int", 4, BTF_INT_SIGNED);
	type_u64 = maker_int(m, "u64", 8, 0);
	lock = put_special(m, "bpf_spin_lock", 4, type_int);
	id = maker_struct(m, "value", 24, 3);
	maker_member(m, "before", type_u64, 0);
	maker_member(m, "lock", lock, 12);
	maker_member(m, "behind", type_u64, 16);
	fd = map_with(m, type, id, 24, 0);
	free(m);
	return fd;
}

TEST(fields, a_lock_is_there_and_hidden_but_in_a_lru_hash)
{
	u8 in[24], out[24];
	u32 key = 1;

	for (u32 i = 0; i < 24; i++)
		in[i] = i + 1;
	EXPECT_EQ(lock_map(BPF_MAP_TYPE_LRU_HASH), -EOPNOTSUPP);
	EXPECT_EQ(lock_map(BPF_MAP_TYPE_PERCPU_ARRAY), -EOPNOTSUPP);
	for (u32 round = 0; round < 2; round++) {
		int fd = lock_map(round ? BPF_MAP_TYPE_ARRAY : BPF_MAP_TYPE_HASH);

		EXPECT_TRUE(fd >= 0);
		EXPECT_EQ(map_update(fd, &key, in, BPF_F_LOCK), -EINVAL);
		EXPECT_EQ(map_update(fd, &key, in, 0), 0);
		EXPECT_EQ(map_lookup(fd, &key, out), 0);
		for (u32 i = 0; i < 24; i++)
			EXPECT_EQ(out[i], i >= 12 && i < 16 ? 0 : i + 1);
		rove_bpf_close(fd);
	}
}

static int load_with(u32 prog_type, int map)
{
	struct bpf_insn insns[] = { LD_MAP(1, map), MOV_K(0, 0), EXIT() };
	int fd = prog_new(prog_type, insns, ARRAY_SIZE(insns));

	if (fd >= 0)
		rove_bpf_close(fd);
	return min(fd, 0);
}

TEST(fields, a_lock_is_not_for_filters_and_tracing_programs)
{
	int map = lock_map(BPF_MAP_TYPE_HASH);

	EXPECT_EQ(load_with(BPF_PROG_TYPE_SYSCALL, map), 0);
	EXPECT_EQ(load_with(BPF_PROG_TYPE_SCHED_CLS, map), 0);
	EXPECT_EQ(load_with(BPF_PROG_TYPE_SOCKET_FILTER, map), -EINVAL);
	EXPECT_EQ(load_with(BPF_PROG_TYPE_PERF_EVENT, map), -EINVAL);
	EXPECT_EQ(load_with(BPF_PROG_TYPE_KPROBE, map), -EINVAL);
	rove_bpf_close(map);
}

TEST(fields, two_of_a_kind_or_an_array_of_them_are_none)
{
	struct btf_maker *m = calloc(1, sizeof(*m));
	struct btf_array array = { .nelems = 2 };
	struct btf_fields fields;
	u32 type_int, timer, two, many, arr;

	maker_init(m);
	type_int = maker_int(m, "int", 4, BTF_INT_SIGNED);
	timer = put_special(m, "bpf_timer", 16, type_int);
	two = maker_struct(m, "two", 32, 2);
	maker_member(m, "a", timer, 0);
	maker_member(m, "b", timer, 16);
	array.type = timer;
	array.index_type = type_int;
	arr = maker_type(m, "", BTF_KIND_ARRAY, 0, 0);
	maker_put(m, &array, sizeof(array));
	many = maker_struct(m, "many", 32, 1);
	maker_member(m, "a", arr, 0);
	EXPECT_EQ(find_in(m, two, &fields), 0);
	EXPECT_EQ(fields.nr, 0);
	EXPECT_EQ(find_in(m, many, &fields), 0);
	EXPECT_EQ(fields.nr, 0);
	free(m);
}

TEST(fields, behind_a_typedef_or_in_a_union_are_plain_bytes_as_in_the_kernel)
{
	struct btf_maker *m = calloc(1, sizeof(*m));
	struct btf_fields fields;
	u32 type_int, timer, alias, id, uni;

	maker_init(m);
	type_int = maker_int(m, "int", 4, BTF_INT_SIGNED);
	timer = put_special(m, "bpf_timer", 16, type_int);
	alias = maker_type(m, "alias", BTF_KIND_TYPEDEF, 0, timer);
	id = maker_struct(m, "value", 16, 1);
	maker_member(m, "t", alias, 0);
	uni = maker_type(m, "uni", BTF_KIND_UNION, 1, 16);
	maker_member(m, "t", timer, 0);
	EXPECT_EQ(find_in(m, id, &fields), 0);
	EXPECT_EQ(fields.nr, 0);
	EXPECT_EQ(find_in(m, uni, &fields), 0);
	EXPECT_EQ(fields.nr, 0);
	free(m);
}

/* --- maps ------------------------------------------------------------------------------------- */

TEST(fields, only_maps_that_can_live_with_them_have_them)
{
	int fd = timer_map(BPF_MAP_TYPE_ARRAY, BPF_F_RDONLY_PROG);

	EXPECT_EQ(fd, -EACCES);
	fd = timer_map(BPF_MAP_TYPE_ARRAY, 0);
	EXPECT_TRUE(fd >= 0);
	rove_bpf_close(fd);
}

TEST(fields, keep_the_pages_of_an_array_from_being_mapped)
{
	int fd = timer_map(BPF_MAP_TYPE_ARRAY, BPF_F_MMAPABLE);
	void *addr;

	EXPECT_EQ(rove_bpf_mmap(fd, 4096, PROT_READ, MAP_SHARED, 0, &addr), -ENOTSUPP);
	rove_bpf_close(fd);
}

/* A cell as the runtime makes them, which counts. */
struct counted {
	struct async_cell cell;
	u32 nr_released;
};

static void count_release(struct async_cell *cell)
{
	struct counted *c = container_of(cell, struct counted, cell);

	fetch_add_release(&c->nr_released, 1);
}

static const struct async_cell_ops counting = { .release = count_release };

static struct value *value_at(int fd, u32 key, struct bpf_map **ret_map)
{
	struct value *value;

	EXPECT_EQ(map_by_fd(fd, ret_map), 0);
	map_rcu_read_lock();
	value = (*ret_map)->ops->lookup(*ret_map, &key);
	map_rcu_read_unlock();
	return value;
}

/* Put a cell into element @key; later steps look at how often it was released. */
static void attach(int fd, u32 key, struct counted *c)
{
	struct bpf_map *map;
	struct value *value = value_at(fd, key, &map);

	*c = (struct counted){ .cell.ops = &counting };
	EXPECT_TRUE(async_field_attach(&value->timer, &c->cell));
	EXPECT_TRUE(!async_field_attach(&value->timer, &c->cell));
	EXPECT_TRUE(map_has_user(map));
	map_put(map);
}

static void check_hidden_and_released_on_update(u32 type)
{
	struct value in, out;
	struct counted c;
	int fd = timer_map(type, 0);
	u32 key = 1;

	memset(&in, 0xff, sizeof(in));
	EXPECT_EQ(map_update(fd, &key, &in, 0), 0);
	EXPECT_EQ(map_lookup(fd, &key, &out), 0);
	EXPECT_EQ(out.before, ~0ull);
	EXPECT_EQ(out.behind, ~0ull);
	EXPECT_TRUE(!out.timer.cell);
	EXPECT_EQ(out.timer.unused, 0);
	attach(fd, key, &c);
	EXPECT_EQ(map_lookup(fd, &key, &out), 0);
	EXPECT_TRUE(!out.timer.cell);
	EXPECT_EQ(c.nr_released, 0);
	EXPECT_EQ(map_update(fd, &key, &in, 0), 0);
	EXPECT_EQ(c.nr_released, 1);
	attach(fd, key, &c);
	rove_bpf_close(fd);
	EXPECT_EQ(c.nr_released, 1);
}

TEST(fields, of_an_array_are_hidden_and_released_by_an_update_and_at_the_end)
{
	check_hidden_and_released_on_update(BPF_MAP_TYPE_ARRAY);
}

TEST(fields, of_a_hash_are_hidden_and_released_by_an_update_and_at_the_end)
{
	check_hidden_and_released_on_update(BPF_MAP_TYPE_HASH);
	check_hidden_and_released_on_update(BPF_MAP_TYPE_LRU_HASH);
}

TEST(fields, of_an_evicted_element_are_released)
{
	struct value zero = { 0 };
	struct counted c;
	int fd = timer_map(BPF_MAP_TYPE_LRU_HASH, 0);
	u32 key = 0;

	EXPECT_EQ(map_update(fd, &key, &zero, 0), 0);
	attach(fd, key, &c);
	while (!map_lookup(fd, &(u32){ 0 }, &zero)) {
		EXPECT_EQ(c.nr_released, 0);
		key++;
		EXPECT_EQ(map_update(fd, &key, &zero, 0), 0);
	}
	EXPECT_EQ(c.nr_released, 1);
	rove_bpf_close(fd);
}

TEST(fields, of_a_deleted_element_are_released_at_once_and_again_when_nobody_stands_on_it)
{
	struct counted first, late = { .cell.ops = &counting };
	struct value zero = { 0 }, *value;
	int fd = timer_map(BPF_MAP_TYPE_HASH, 0);
	struct bpf_map *map;
	u32 key = 7;

	EXPECT_EQ(map_update(fd, &key, &zero, 0), 0);
	attach(fd, key, &first);
	EXPECT_EQ(map_by_fd(fd, &map), 0);
	map_rcu_read_lock();
	value = map->ops->lookup(map, &key);
	EXPECT_EQ(map->ops->delete(map, &key), 0);
	EXPECT_EQ(first.nr_released, 1);
	EXPECT_TRUE(!async_field_cell(&value->timer));
	EXPECT_TRUE(async_field_attach(&value->timer, &late.cell));
	map_rcu_read_unlock();
	map_put(map);
	/* By another thread, when nobody can be standing on the element any more. */
	while (!load_acquire(&late.nr_released))
		usleep(1000);
	rove_bpf_close(fd);
	EXPECT_EQ(READ_ONCE(late.nr_released), 1);
	EXPECT_EQ(first.nr_released, 1);
}

TEST(fields, are_released_when_the_last_descriptor_goes_though_a_program_keeps_the_map)
{
	struct value zero = { 0 };
	int fd = timer_map(BPF_MAP_TYPE_HASH, 0);
	struct bpf_map *map;
	struct counted c;
	u32 key = 7;

	EXPECT_EQ(map_update(fd, &key, &zero, 0), 0);
	attach(fd, key, &c);
	EXPECT_EQ(map_by_fd(fd, &map), 0);
	rove_bpf_close(fd);
	EXPECT_TRUE(!map_has_user(map));
	EXPECT_EQ(c.nr_released, 1);
	map_put(map);
	EXPECT_EQ(c.nr_released, 1);
}

TEST(fields, the_key_of_an_element_is_found_from_its_value)
{
	static const u32 types[] = { BPF_MAP_TYPE_HASH, BPF_MAP_TYPE_ARRAY };

	for (u32 i = 0; i < ARRAY_SIZE(types); i++) {
		int fd = timer_map(types[i], 0);
		struct value zero = { 0 };
		struct bpf_map *map;
		u32 key = 2, room;
		const u32 *found;

		EXPECT_EQ(map_update(fd, &key, &zero, 0), 0);
		found = NULL;
		{
			struct value *value = value_at(fd, key, &map);

			found = map->ops->key_of(map, value, &room);
		}
		EXPECT_EQ(*found, 2);
		map_put(map);
		rove_bpf_close(fd);
	}
}
