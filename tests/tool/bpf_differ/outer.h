/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/tool/bpf_differ/outer.h - maps in maps, and values of each CPU
 */
#ifndef ROVE_TESTS_TOOL_BPF_DIFFER_OUTER_H
#define ROVE_TESTS_TOOL_BPF_DIFFER_OUTER_H

#include "tests/tool/bpf_differ/info.h"
#include "tests/tool/bpf_differ/map_more.h"

static const u32 outer_types[] = { BPF_MAP_TYPE_ARRAY_OF_MAPS, BPF_MAP_TYPE_HASH_OF_MAPS };

static inline u32 id_of_map(struct side *s, int fd)
{
	struct bpf_map_info info = { 0 };
	u32 bytes = sizeof(info);

	return ask_info(s, fd, &info, &bytes) ? 0 : info.id;
}

/* --- which maps may be in which -------------------------------------------------------------- */

struct inner_shape {
	u32 type, key_size, value_size, entries, flags;
};

/* Each is put into an outer map of each. */
static const struct inner_shape inner_shapes[] = {
	{ BPF_MAP_TYPE_ARRAY, 4, 8, 3, 0 },
	{ BPF_MAP_TYPE_ARRAY, 4, 8, 4, 0 },
	{ BPF_MAP_TYPE_ARRAY, 4, 8, 3, BPF_F_INNER_MAP },
	{ BPF_MAP_TYPE_ARRAY, 4, 8, 7, BPF_F_INNER_MAP },
	{ BPF_MAP_TYPE_ARRAY, 4, 7, 3, 0 },
	{ BPF_MAP_TYPE_ARRAY, 4, 8, 3, BPF_F_MMAPABLE },
	{ BPF_MAP_TYPE_ARRAY, 4, 8, 3, BPF_F_RDONLY },
	{ BPF_MAP_TYPE_ARRAY, 4, 8, 3, BPF_F_RDONLY_PROG },
	{ BPF_MAP_TYPE_HASH, 4, 8, 3, 0 },
	{ BPF_MAP_TYPE_HASH, 4, 8, 9, 0 },
	{ BPF_MAP_TYPE_HASH, 8, 8, 3, 0 },
	{ BPF_MAP_TYPE_HASH, 4, 8, 3, BPF_F_NO_PREALLOC },
	{ BPF_MAP_TYPE_LRU_HASH, 4, 8, 3, 0 },
	{ BPF_MAP_TYPE_LRU_HASH, 4, 8, 300, 0 },
	{ BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, 3, 0 },
	{ BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, 4, 0 },
	{ BPF_MAP_TYPE_PERCPU_HASH, 4, 8, 3, 0 },
	{ BPF_MAP_TYPE_PERCPU_HASH, 4, 8, 4, 0 },
	{ BPF_MAP_TYPE_LRU_PERCPU_HASH, 4, 8, 3, 0 },
	{ BPF_MAP_TYPE_STACK_TRACE, 4, 8, 4, 0 },
	{ BPF_MAP_TYPE_STACK_TRACE, 4, 8, 8, 0 },
	{ BPF_MAP_TYPE_RINGBUF, 0, 0, 4096, 0 },
	{ BPF_MAP_TYPE_RINGBUF, 0, 0, 8192, 0 },
};

#define NR_INNER ARRAY_SIZE(inner_shapes)

static inline void group_inner(struct side *s)
{
	int fds[NR_INNER];
	u32 key = 1;

	for (u32 i = 0; i < NR_INNER; i++) {
		const struct inner_shape *p = &inner_shapes[i];

		fds[i] = make_map(s, p->type, p->key_size, p->value_size, p->entries, p->flags);
		must(s, fds[i] >= 0, "an inner map");
	}
	for (u32 t = 0; t < ARRAY_SIZE(outer_types); t++) {
		for (u32 i = 0; i < NR_INNER; i++) {
			int outer = make_outer(s, outer_types[t], fds[i], 2);

			say(s, outer < 0 ? outer : 0, "outer type %u of %u", outer_types[t], i);
			for (u32 j = 0; outer >= 0 && j < NR_INNER; j++)
				say(s, put(s, outer, &key, &fds[j], 0),
				    "outer type %u of %u takes %u", outer_types[t], i, j);
			if (outer >= 0)
				s->close(outer);
		}
	}
	for (u32 i = 0; i < NR_INNER; i++)
		s->close(fds[i]);
}

/* --- one outer map ------------------------------------------------------------------------- */

static inline void say_lookup(struct side *s, int outer, u32 key, int inner, const char *what)
{
	u32 id = 0;
	int err = get(s, outer, &key, &id);

	say(s, err, "%s: lookup %u", what, key);
	say(s, !err && id == id_of_map(s, inner), "%s: %u is the id", what, key);
}

static inline void outer_elements(struct side *s, u32 type)
{
	int a = make_map(s, BPF_MAP_TYPE_ARRAY, 4, 8, 3, 0);
	int b = make_map(s, BPF_MAP_TYPE_ARRAY, 4, 8, 3, 0);
	int outer = make_outer(s, type, a, 2), nested, err;
	u32 key, id, next;
	char what[32];

	must(s, a >= 0 && b >= 0 && outer >= 0, "two maps and one for them");
	nested = make_outer(s, type, outer, 2);
	say(s, nested < 0 ? nested : 0, "type %u: of outer maps", type);
	for (u64 flags = 0; flags < 6; flags++) {
		for (key = 0; key < 4; key++) {
			snprintf(what, sizeof(what), "type %u flags %llu", type,
				 (unsigned long long)flags);
			say(s, put(s, outer, &key, &a, flags), "%s: put %u", what, key);
			say_lookup(s, outer, key, a, what);
			say(s, put(s, outer, &key, &b, flags), "%s: replace %u", what, key);
			say_lookup(s, outer, key, b, what);
		}
		key = flags;
		say(s, del(s, outer, &key), "%s: delete", what);
		say(s, del(s, outer, &key), "%s: delete again", what);
		say_lookup(s, outer, key, b, what);
	}
	say_keys(s, outer, what);
	err = -1;
	say(s, put(s, outer, &(u32){ 9 }, &err, 77), "%s: all is wrong", what);
	say(s, put(s, outer, &(u32){ 0 }, &outer, 0), "%s: itself", what);
	err = a;
	s->close(a);
	say(s, put(s, outer, &(u32){ 0 }, &err, 0), "%s: closed", what);
	/* Only the outer map holds it now. */
	key = 1;
	say(s, put(s, outer, &key, &b, 0), "%s: put the last", what);
	s->close(b);
	err = get(s, outer, &key, &id);
	say(s, err, "%s: it is there", what);
	b = ASK(s, BPF_MAP_GET_FD_BY_ID, .map_id = id);
	say(s, b < 0 ? b : 0, "%s: and is opened by its id", what);
	say_lookup(s, outer, key, b, what);
	s->close(b);
	say(s, ASK(s, BPF_MAP_FREEZE, .map_fd = outer), "%s: freeze", what);
	say(s, del(s, outer, &key), "%s: delete when frozen", what);
	s->close(outer);
	b = ASK(s, BPF_MAP_GET_FD_BY_ID, .map_id = id);
	say(s, ASK(s, BPF_MAP_GET_NEXT_KEY, .map_fd = -1, .next_key = PTR(&next)), "%s: end", what);
	if (b >= 0)
		s->close(b);
}

static inline void group_outer(struct side *s)
{
	for (u32 t = 0; t < ARRAY_SIZE(outer_types); t++)
		outer_elements(s, outer_types[t]);
}

/* --- each CPU ------------------------------------------------------------------------------- */

static inline void group_percpu_hash(struct side *s)
{
	static const u32 types[] = { BPF_MAP_TYPE_PERCPU_HASH, BPF_MAP_TYPE_LRU_PERCPU_HASH,
				     BPF_MAP_TYPE_LRU_HASH };
	/* Newer kernels have flags for a CPU or all of them. */
	static const u64 flag_sets[] = { BPF_ANY, BPF_NOEXIST, BPF_EXIST, BPF_F_LOCK, 1 << 5,
					 1 << 20, BPF_ANY };
	static u64 values[MOST_CPUS], back[MOST_CPUS];

	for (u32 t = 0; t < ARRAY_SIZE(types); t++) {
		u32 entries = types[t] == BPF_MAP_TYPE_PERCPU_HASH ? 2 : 100;
		int fd = make_map(s, types[t], 4, 5, entries, 0);

		for (u32 f = 0; f < ARRAY_SIZE(flag_sets); f++) {
			u64 flags = flag_sets[f];

			memset(values, 0x11 + f, sizeof(values));
			for (u32 key = 0; key < 5; key++) {
				u32 k = key % 4;

				say(s, put(s, fd, &k, values, flags), "type %u put %u flags %llu",
				    types[t], key, (unsigned long long)flags);
				memset(back, 0, sizeof(back));
				say(s, get(s, fd, &k, back), "type %u get %u flags %llu",
				    types[t], key, (unsigned long long)flags);
				say_bytes(s, back, 4096, "type %u values %u flags %llu", types[t],
					  key, (unsigned long long)flags);
			}
			say(s, del(s, fd, &(u32){ flags % 4 }), "type %u delete", types[t]);
			say(s, ASK(s, BPF_MAP_LOOKUP_AND_DELETE_ELEM, .map_fd = fd,
				    .key = PTR(&(u32){ 1 }), .value = PTR(back)),
			    "type %u take", types[t]);
			say_bytes(s, back, 4096, "type %u taken flags %llu", types[t],
				  (unsigned long long)flags);
		}
		say_keys(s, fd, "left");
		s->close(fd);
	}
	for (u32 entries = 1; entries < 200; entries += 13) {
		struct bpf_map_info info = { 0 };
		u32 bytes = sizeof(info);
		int fd = make_map(s, BPF_MAP_TYPE_LRU_PERCPU_HASH, 4, 8, entries,
				  BPF_F_NO_COMMON_LRU);

		ask_info(s, fd, &info, &bytes);
		say(s, info.max_entries, "entries of %u", entries);
		s->close(fd);
	}
}

#endif
