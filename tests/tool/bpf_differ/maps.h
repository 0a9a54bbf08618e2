/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/tool/bpf_differ/maps.h - making maps, and one element at a time
 */
#ifndef ROVE_TESTS_TOOL_BPF_DIFFER_MAPS_H
#define ROVE_TESTS_TOOL_BPF_DIFFER_MAPS_H

#include "tests/tool/bpf_differ/vary.h"

/* --- create ------------------------------------------------------------------------------- */

static inline void fill_array(struct world *w, union bpf_attr *a)
{
	*a = (union bpf_attr){ .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 8,
			       .max_entries = 3 };
}

static inline void fill_hash(struct world *w, union bpf_attr *a)
{
	*a = (union bpf_attr){ .map_type = BPF_MAP_TYPE_HASH, .key_size = 4, .value_size = 8,
			       .max_entries = 3 };
}

static inline void fill_ringbuf(struct world *w, union bpf_attr *a)
{
	*a = (union bpf_attr){ .map_type = BPF_MAP_TYPE_RINGBUF, .max_entries = 4096 };
}

static inline void fill_lru(struct world *w, union bpf_attr *a)
{
	fill_hash(w, a);
	a->map_type = BPF_MAP_TYPE_LRU_HASH;
}

static inline void fill_percpu(struct world *w, union bpf_attr *a)
{
	fill_array(w, a);
	a->map_type = BPF_MAP_TYPE_PERCPU_ARRAY;
}

static inline void fill_percpu_hash(struct world *w, union bpf_attr *a)
{
	fill_hash(w, a);
	a->map_type = BPF_MAP_TYPE_PERCPU_HASH;
}

static inline void fill_lru_percpu(struct world *w, union bpf_attr *a)
{
	fill_hash(w, a);
	a->map_type = BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

static inline void fill_outer(struct world *w, union bpf_attr *a)
{
	*a = (union bpf_attr){ .map_type = BPF_MAP_TYPE_ARRAY_OF_MAPS, .key_size = 4,
			       .value_size = 4, .max_entries = 3, .inner_map_fd = w->array };
}

static inline void fill_outer_hash(struct world *w, union bpf_attr *a)
{
	fill_outer(w, a);
	a->map_type = BPF_MAP_TYPE_HASH_OF_MAPS;
}

static inline void fill_typed_outer(struct world *w, union bpf_attr *a)
{
	fill_outer(w, a);
	a->btf_fd = w->btf;
	a->btf_key_type_id = 1;
	a->btf_value_type_id = 1;
}

static inline void fill_stacks(struct world *w, union bpf_attr *a)
{
	*a = (union bpf_attr){ .map_type = BPF_MAP_TYPE_STACK_TRACE, .key_size = 4,
			       .value_size = 16, .max_entries = 3 };
}

static inline void fill_typed(struct world *w, union bpf_attr *a)
{
	*a = (union bpf_attr){ .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4,
			       .max_entries = 1, .btf_fd = w->btf, .btf_key_type_id = 1,
			       .btf_value_type_id = 1 };
}

static inline void fill_section(struct world *w, union bpf_attr *a)
{
	fill_typed(w, a);
	a->btf_key_type_id = 0;
	a->btf_value_type_id = 4;
}

static inline void fill_typed_hash(struct world *w, union bpf_attr *a)
{
	fill_typed(w, a);
	a->map_type = BPF_MAP_TYPE_HASH;
}

static inline void fill_typed_stacks(struct world *w, union bpf_attr *a)
{
	fill_typed(w, a);
	a->map_type = BPF_MAP_TYPE_STACK_TRACE;
	a->value_size = 8;
}

static inline void fill_typed_ringbuf(struct world *w, union bpf_attr *a)
{
	fill_ringbuf(w, a);
	a->btf_fd = w->btf;
	a->btf_value_type_id = 1;
}

/* Numbers of entries and sizes are tried below, where they cannot take all memory. */
#define CREATE_MEMBERS                                                               \
	MEMBER(FLAGS, map_flags), MEMBER(SMALL, inner_map_fd), MEMBER(SMALL, numa_node), \
	MEMBER(SMALL, map_ifindex), MEMBER(SMALL, btf_key_type_id), \
	MEMBER(SMALL, btf_value_type_id), MEMBER(SMALL, btf_vmlinux_value_type_id), \
	MEMBER(SMALL, map_extra), MEMBER(SMALL, key_size), MEMBER(SMALL, value_size)

#define OUTER_MEMBERS                                                                \
	MEMBER(FLAGS, map_flags), MEMBER(FD, inner_map_fd), MEMBER(SMALL, numa_node), \
	MEMBER(SMALL, map_ifindex), MEMBER(SMALL, btf_key_type_id), \
	MEMBER(SMALL, btf_value_type_id), MEMBER(SMALL, key_size), MEMBER(SMALL, value_size)

static const struct base create_bases[] = {
	{ "array", BPF_MAP_CREATE, fill_array, { CREATE_MEMBERS } },
	{ "hash", BPF_MAP_CREATE, fill_hash, { CREATE_MEMBERS } },
	{ "ringbuf", BPF_MAP_CREATE, fill_ringbuf, { CREATE_MEMBERS } },
	{ "LRU", BPF_MAP_CREATE, fill_lru, { CREATE_MEMBERS } },
	{ "per CPU", BPF_MAP_CREATE, fill_percpu, { CREATE_MEMBERS } },
	{ "per CPU hash", BPF_MAP_CREATE, fill_percpu_hash, { CREATE_MEMBERS } },
	{ "LRU per CPU", BPF_MAP_CREATE, fill_lru_percpu, { CREATE_MEMBERS } },
	{ "outer", BPF_MAP_CREATE, fill_outer, { OUTER_MEMBERS } },
	{ "outer hash", BPF_MAP_CREATE, fill_outer_hash, { OUTER_MEMBERS } },
	{ "typed outer", BPF_MAP_CREATE, fill_typed_outer, { MEMBER(FD, btf_fd) } },
	{ "stacks", BPF_MAP_CREATE, fill_stacks, { CREATE_MEMBERS } },
	{ "typed array", BPF_MAP_CREATE, fill_typed, { CREATE_MEMBERS, MEMBER(FD, btf_fd) } },
	{ "section", BPF_MAP_CREATE, fill_section, { CREATE_MEMBERS, MEMBER(FD, btf_fd) } },
	{ "typed hash", BPF_MAP_CREATE, fill_typed_hash, { CREATE_MEMBERS, MEMBER(FD, btf_fd) } },
	{ "typed stacks", BPF_MAP_CREATE, fill_typed_stacks, { MEMBER(FD, btf_fd) } },
	{ "typed ringbuf", BPF_MAP_CREATE, fill_typed_ringbuf, { MEMBER(FD, btf_fd) } },
};

struct shape {
	u32 type, key_size, value_size, entries, flags;
};

/* Only what is small, or refused before memory is asked for. */
static const struct shape shapes[] = {
	{ 0, 4, 8, 1, 0 },
	{ 200, 4, 8, 1, 0 },
	{ 0xffffffff, 4, 8, 1, 0 },
	{ 0x80000002, 4, 8, 1, 0 },
	{ 2, 4, 8, 0, 0 },
	{ 2, 4, 8, 1, BPF_F_RDONLY | BPF_F_WRONLY },
	{ 2, 4, 0x80000000, 1, 0 },
	{ 2, 4, 0xffffffff, 1, 0 },
	{ 2, 4, 0xfffffff8, 1, 0 },
	{ 2, 4, 1, 100000, 0 },
	{ 2, 0xffffffff, 1, 1, 0 },
	{ 2, 4, 4096, 3, BPF_F_MMAPABLE },
	{ 2, 4, 1, 1, BPF_F_MMAPABLE | BPF_F_RDONLY_PROG },
	{ 2, 4, 1, 1, BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG },
	{ 2, 4, 1, 1, BPF_F_RDONLY | BPF_F_RDONLY_PROG },
	{ 2, 4, 1, 1, BPF_F_WRONLY | BPF_F_WRONLY_PROG },
	{ 2, 4, 1, 1, BPF_F_NUMA_NODE | BPF_F_MMAPABLE },
	{ 1, 4, 8, 0, 0 },
	{ 1, 512, 8, 1, 0 },
	{ 1, 513, 8, 1, 0 },
	{ 1, 4096, 8, 1, 1 },
	{ 1, 1 << 22, 8, 1, 1 },
	{ 1, 4, 1 << 22, 1, 1 },
	{ 1, 1 << 21, 1 << 21, 1, 1 },
	{ 1, 0xffffffff, 8, 1, 1 },
	{ 1, 4, 0xffffffff, 1, 1 },
	{ 1, 4, 0x7fffffff, 1, 0 },
	{ 1, 4, 8, 100000, 1 },
	{ 1, 4, 8, 0x80000001, 1 },
	{ 1, 4, 8, 0xffffffff, 1 },
	{ 1, 4, 8, 0xffffffff, 0 },
	{ 1, 4, 8, 1, 1 | BPF_F_RDONLY },
	{ 1, 4, 8, 1, BPF_F_RDONLY | BPF_F_WRONLY },
	{ 1, 4, 8, 1, BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG },
	{ 1, 4, 8, 1, BPF_F_RDONLY_PROG },
	{ 1, 4, 8, 1, BPF_F_ZERO_SEED },
	{ 1, 4, 8, 1, BPF_F_NO_PREALLOC | BPF_F_NO_COMMON_LRU },
	{ 5, 4, 8, 0, 0 },
	{ 5, 4, 32768, 1, 0 },
	{ 5, 4, 32769, 1, 0 },
	{ 5, 4, 32768, 1, BPF_F_NO_PREALLOC },
	{ 5, 4, 8, 1, BPF_F_NUMA_NODE },
	{ 5, 4, 8, 1, BPF_F_NO_COMMON_LRU },
	{ 5, 4, 1 << 22, 1, 0 },
	{ 5, 4, 8, 0xffffffff, 1 },
	{ 5, 4, 8, 1, BPF_F_RDONLY_PROG },
	{ 6, 4, 8, 0, 0 },
	{ 6, 8, 8, 1, 0 },
	{ 6, 4, 32768, 1, 0 },
	{ 6, 4, 32769, 1, 0 },
	{ 6, 4, 0x7fffffff, 1, 0 },
	{ 6, 4, 0xffffffff, 1, 0 },
	{ 6, 4, 8, 1, BPF_F_NUMA_NODE },
	{ 6, 4, 8, 1, BPF_F_RDONLY_PROG },
	{ 6, 4, 8, 1, BPF_F_RDONLY | BPF_F_WRONLY },
	{ 7, 4, 8, 0, 0 },
	{ 7, 8, 8, 1, 0 },
	{ 7, 4, 4, 1, 0 },
	{ 7, 4, 12, 1, 0 },
	{ 7, 4, 127 * 8, 5, 0 },
	{ 7, 4, 128 * 8, 5, 0 },
	{ 7, 4, 0xfffffff8, 5, 0 },
	{ 7, 4, 8, 0x80000001, 0 },
	{ 7, 4, 8, 0xffffffff, 0 },
	{ 7, 4, 8, 1, BPF_F_NO_PREALLOC },
	{ 7, 4, 8, 1, BPF_F_RDONLY_PROG },
	{ 7, 4, 8, 1, BPF_F_RDONLY | BPF_F_WRONLY },
	{ 9, 4, 8, 0, 0 },
	{ 9, 0, 8, 1, 0 },
	{ 9, 4, 8, 1, BPF_F_NO_PREALLOC },
	{ 9, 4, 8, 1, BPF_F_NO_COMMON_LRU },
	{ 9, 4, 8, 1, BPF_F_NO_COMMON_LRU | BPF_F_NUMA_NODE },
	{ 9, 4, 8, 1, BPF_F_NUMA_NODE },
	{ 9, 4, 8, 1, BPF_F_MMAPABLE },
	{ 9, 4, 8, 1, BPF_F_RDONLY | BPF_F_WRONLY },
	{ 9, 4, 1 << 22, 1, 0 },
	{ 9, 4, 8, 0xffffffff, 0 },
	{ 10, 4, 8, 0, 0 },
	{ 10, 4, 32768, 1, 0 },
	{ 10, 4, 32769, 1, 0 },
	{ 10, 4, 8, 1, BPF_F_NO_PREALLOC },
	{ 10, 4, 8, 1, BPF_F_NO_COMMON_LRU },
	{ 10, 4, 8, 1, BPF_F_NO_COMMON_LRU | BPF_F_NUMA_NODE },
	{ 10, 4, 8, 1, BPF_F_NUMA_NODE },
	{ 12, 4, 8, 1, 0 },
	{ 12, 8, 4, 1, 0 },
	{ 12, 4, 4, 0, 0 },
	{ 13, 4, 8, 1, 0 },
	{ 13, 4, 4, 0, 0 },
	{ 13, 1 << 22, 4, 1, 0 },
	{ 27, 0, 0, 0, 0 },
	{ 27, 0, 0, 1, 0 },
	{ 27, 0, 0, 4095, 0 },
	{ 27, 0, 0, 4097, 0 },
	{ 27, 0, 0, 2048, 0 },
	{ 27, 0, 0, 8192, 0 },
	{ 27, 0, 0, 12288, 0 },
	{ 27, 0, 0, 1 << 20, 0 },
	{ 27, 0, 0, 0xffffffff, 0 },
	{ 27, 0, 0, 0xfffff000, 0 },
	{ 27, 0, 0, 0x7ffff000, 0 },
	{ 27, 4, 0, 4096, 0 },
	{ 27, 0, 4, 4096, 0 },
	{ 27, 0, 0, 4096, BPF_F_NUMA_NODE },
};

static inline void group_create(struct side *s)
{
	struct world w;

	make_world(s, &w);
	for (u32 i = 0; i < ARRAY_SIZE(create_bases); i++)
		vary(s, &w, &create_bases[i]);
	for (u32 i = 0; i < ARRAY_SIZE(shapes); i++) {
		const struct shape *p = &shapes[i];
		int fd = make_map(s, p->type, p->key_size, p->value_size, p->entries, p->flags);

		say(s, settle(s, BPF_MAP_CREATE, fd),
		    "type %u key %u value %u entries %u flags 0x%x", p->type, p->key_size,
		    p->value_size, p->entries, p->flags);
	}
	drop_world(s, &w);
}

/* --- names -------------------------------------------------------------------------------- */

static inline void try_name(struct side *s, int cmd, const char *name, u32 bytes, u32 nr)
{
	static const struct bpf_insn ret0[] = { MOV_K(BPF_REG_0, 0), EXIT() };
	union bpf_attr a = { .prog_type = BPF_PROG_TYPE_SOCKET_FILTER, .insns = PTR(ret0),
			     .insn_cnt = 2, .license = PTR("") };
	char *to = cmd == BPF_MAP_CREATE ? a.map_name : a.prog_name;
	struct bpf_map_info info = { 0 };
	int fd;

	if (cmd == BPF_MAP_CREATE) {
		a = (union bpf_attr){ .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4,
				      .value_size = 4, .max_entries = 1 };
	}
	memcpy(to, name, bytes);
	fd = s->call(cmd, &a, sizeof(a));
	if (fd >= 0 && cmd == BPF_MAP_CREATE) {
		ASK(s, BPF_OBJ_GET_INFO_BY_FD, .info = { .bpf_fd = fd, .info = PTR(&info),
							  .info_len = sizeof(info) });
		say_bytes(s, info.name, sizeof(info.name), "the name %u", nr);
	}
	say(s, settle(s, cmd, fd), "%s with name %u", cmd == BPF_MAP_CREATE ? "map" : "program",
	    nr);
}

static inline void group_names(struct side *s)
{
	static const char *const names[] = {
		"", "a", "a.b_c", "123456789012345", "1234567890123456", "a b", "a-b", "a/b", ".",
		"_", "\x80", "\xc3\xa9", "a\0b", "a\0\0\0b", "\0a", "a\n", "A9z",
	};
	static const u8 lengths[] = { 1, 2, 6, 16, 16, 4, 4, 4, 2, 2, 2, 3, 4, 6, 3, 3, 4 };
	char one[BPF_OBJ_NAME_LEN] = "x";

	for (u32 i = 0; i < ARRAY_SIZE(names); i++) {
		try_name(s, BPF_MAP_CREATE, names[i], lengths[i], i);
		try_name(s, BPF_PROG_LOAD, names[i], lengths[i], i);
	}
	for (u32 ch = 1; ch < 256; ch++) {
		one[1] = ch;
		try_name(s, BPF_MAP_CREATE, one, sizeof(one), 1000 + ch);
	}
}

/* --- one element -------------------------------------------------------------------------- */

/* A value of a map for each CPU is as many. */
#define MOST_CPUS 8192

#define ELEM_BASE(map, command, members, ...)                                        \
	static inline void fill_##map##_##command(struct world *w, union bpf_attr *a)    \
	{                                                                            \
		static u32 key = 1, key_room[4];                                     \
		static u64 value = 0x1122334455667788ull, value_room[4];             \
		*a = (union bpf_attr){ .map_fd = w->map, __VA_ARGS__ };                  \
		(void)key, (void)key_room, (void)value, (void)value_room;            \
	}

#define ELEM_BASES(map)                                                              \
	ELEM_BASE(map, lookup, , .key = PTR(&key), .value = PTR(value_room))         \
	ELEM_BASE(map, update, , .key = PTR(&key), .value = PTR(value))             \
	ELEM_BASE(map, delete, , .key = PTR(&key))                                   \
	ELEM_BASE(map, next_key, , .key = PTR(&key), .next_key = PTR(key_room))      \
	ELEM_BASE(map, take, , .key = PTR(&key), .value = PTR(value_room))

ELEM_BASES(array)
ELEM_BASES(hash)
ELEM_BASES(ringbuf)
ELEM_BASES(stacks)
ELEM_BASES(lru)
ELEM_BASES(percpu)
ELEM_BASES(percpu_hash)
ELEM_BASES(lru_percpu)
ELEM_BASES(outer)
ELEM_BASES(outer_hash)

/* An outer map is given a descriptor. */
static inline void fill_outer_put(struct world *w, union bpf_attr *a)
{
	fill_outer_update(w, a);
	a->value = PTR(&w->array);
}

static inline void fill_outer_hash_put(struct world *w, union bpf_attr *a)
{
	fill_outer_hash_update(w, a);
	a->value = PTR(&w->array);
}

static inline void fill_freeze(struct world *w, union bpf_attr *a)
{
	a->map_fd = w->array;
}

#define PLAIN_MEMBERS MEMBER(FD, map_fd), MEMBER(POINTER, key)
#define ELEM_ROWS(map)                                                               \
	{ #map " update", BPF_MAP_UPDATE_ELEM, fill_##map##_update,                      \
	  { PLAIN_MEMBERS, MEMBER(POINTER, value), MEMBER(FLAGS, flags), MEMBER(SMALL, flags) } }, \
	{ #map " lookup", BPF_MAP_LOOKUP_ELEM, fill_##map##_lookup,                      \
	  { PLAIN_MEMBERS, MEMBER(POINTER, value), MEMBER(FLAGS, flags) } }, \
	{ #map " next key", BPF_MAP_GET_NEXT_KEY, fill_##map##_next_key,                 \
	  { PLAIN_MEMBERS, MEMBER(POINTER, next_key) } }, \
	{ #map " take", BPF_MAP_LOOKUP_AND_DELETE_ELEM, fill_##map##_take,               \
	  { PLAIN_MEMBERS, MEMBER(POINTER, value), MEMBER(FLAGS, flags) } }, \
	{ #map " delete", BPF_MAP_DELETE_ELEM, fill_##map##_delete, { PLAIN_MEMBERS } }

static const struct base elem_bases[] = {
	ELEM_ROWS(array), ELEM_ROWS(hash), ELEM_ROWS(ringbuf), ELEM_ROWS(stacks),
	ELEM_ROWS(lru), ELEM_ROWS(percpu), ELEM_ROWS(percpu_hash), ELEM_ROWS(lru_percpu),
	{ "outer put", BPF_MAP_UPDATE_ELEM, fill_outer_put,
	  { PLAIN_MEMBERS, MEMBER(POINTER, value), MEMBER(FLAGS, flags), MEMBER(SMALL, flags) } },
	{ "outer hash put", BPF_MAP_UPDATE_ELEM, fill_outer_hash_put,
	  { PLAIN_MEMBERS, MEMBER(POINTER, value), MEMBER(FLAGS, flags), MEMBER(SMALL, flags) } },
	ELEM_ROWS(outer), ELEM_ROWS(outer_hash),
	{ "freeze", BPF_MAP_FREEZE, fill_freeze, { MEMBER(FD, map_fd) } },
};

static inline void group_elements(struct side *s)
{
	struct world w;

	for (u32 i = 0; i < ARRAY_SIZE(elem_bases); i++) {
		u32 key = 1;
		u64 value = 5;

		make_world(s, &w);
		say(s, put(s, w.hash, &key, &value, 0), "one is there");
		vary(s, &w, &elem_bases[i]);
		drop_world(s, &w);
	}
}

/* Every flag on a full map, on one with room, on elements that are and are not there. */
static inline void group_update_flags(struct side *s)
{
	static const u32 types[] = { BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_HASH, BPF_MAP_TYPE_RINGBUF };

	for (u32 t = 0; t < ARRAY_SIZE(types); t++) {
		bool keyless = types[t] == BPF_MAP_TYPE_RINGBUF;

		for (u64 flags = 0; flags < 34; flags++) {
			int fd = make_map(s, types[t], keyless ? 0 : 4, keyless ? 0 : 5,
					  keyless ? 4096 : 2, 0);
			u64 value = 0x0102030405060708ull + flags, back = 0;

			for (u32 key = 0; key < 5; key++) {
				u32 k = key % 4;

				say(s, put(s, fd, &k, &value, flags), "type %u key %u flags %llu",
				    types[t], key, (unsigned long long)flags);
				say(s, get(s, fd, &k, &back), "type %u get %u flags %llu", types[t],
				    key, (unsigned long long)flags);
				say(s, back, "type %u value %u flags %llu", types[t], key,
				    (unsigned long long)flags);
			}
			s->close(fd);
		}
	}
}

/* --- walks -------------------------------------------------------------------------------- */

static inline int by_value(const void *a, const void *b)
{
	return *(const u32 *)a < *(const u32 *)b ? -1 : *(const u32 *)a > *(const u32 *)b;
}

/* All keys, in order of their values: a hash has an order of its own. */
static inline void say_keys(struct side *s, int fd, const char *what)
{
	u32 keys[64], nr = 0, next;
	int err = ASK(s, BPF_MAP_GET_NEXT_KEY, .map_fd = fd, .next_key = PTR(&next));

	while (!err && nr < ARRAY_SIZE(keys)) {
		keys[nr++] = next;
		err = ASK(s, BPF_MAP_GET_NEXT_KEY, .map_fd = fd, .key = PTR(&keys[nr - 1]),
			   .next_key = PTR(&next));
	}
	say(s, err, "%s: the end", what);
	qsort(keys, nr, sizeof(keys[0]), by_value);
	say_bytes(s, keys, nr * sizeof(keys[0]), "%s: keys", what);
}

/* Every element is deleted while the walk stands on it; the next is then the first again. */
static inline void walk_and_delete(struct side *s, int fd)
{
	u32 key, next, first, nr = 0;
	int err = ASK(s, BPF_MAP_GET_NEXT_KEY, .map_fd = fd, .next_key = PTR(&key));

	while (!err && nr < 64) {
		say(s, del(s, fd, &key), "delete %u", nr);
		say(s, del(s, fd, &key), "delete %u again", nr);
		err = ASK(s, BPF_MAP_GET_NEXT_KEY, .map_fd = fd, .key = PTR(&key),
			   .next_key = PTR(&next));
		say(s, err, "next behind a deleted one %u", nr++);
		if (!err && !ASK(s, BPF_MAP_GET_NEXT_KEY, .map_fd = fd, .next_key = PTR(&first)))
			say(s, first == next, "it is the first");
		key = next;
	}
}

static inline void group_walks(struct side *s)
{
	static const u32 types[] = { BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_HASH };

	for (u32 t = 0; t < ARRAY_SIZE(types); t++) {
		int fd = make_map(s, types[t], 4, 8, 9, 0);
		u64 value = 1;

		say_keys(s, fd, "empty");
		for (u32 i = 0; i < 9; i++) {
			u32 key = types[t] == BPF_MAP_TYPE_ARRAY ? i : i * 77;

			say(s, put(s, fd, &key, &value, BPF_ANY), "put %u", i);
		}
		say_keys(s, fd, "full");
		for (u32 key = 7; key < 11; key++) {
			u32 next = 0;

			/* Array: behind the last is the first; hash: behind an unknown one as well.
			 */
			say(s, ASK(s, BPF_MAP_GET_NEXT_KEY, .map_fd = fd, .key = PTR(&key),
				    .next_key = PTR(&next)), "next of %u", key);
			if (types[t] == BPF_MAP_TYPE_ARRAY)
				say(s, next, "is");
		}
		if (types[t] == BPF_MAP_TYPE_HASH)
			walk_and_delete(s, fd);
		s->close(fd);
	}
}

#endif
