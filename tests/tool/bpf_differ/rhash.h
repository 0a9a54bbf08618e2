/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/tool/bpf_differ/rhash.h - resizable hashes: all of the above on one map type
 *
 * On a kernel that does not have it (before Linux 7.3) nothing is asked.
 */
#ifndef ROVE_TESTS_TOOL_BPF_DIFFER_RHASH_H
#define ROVE_TESTS_TOOL_BPF_DIFFER_RHASH_H

#include "bpf/core/uapi.h"
#include "tests/tool/bpf_differ/map_more.h"

static inline void fill_rhash(struct world *w, union bpf_attr *a)
{
	*a = (union bpf_attr){ .map_type = MAP_TYPE_RHASH, .key_size = 4, .value_size = 8,
			       .max_entries = 3, .map_flags = BPF_F_NO_PREALLOC };
}

static inline void fill_rhash_hint(struct world *w, union bpf_attr *a)
{
	fill_rhash(w, a);
	a->max_entries = 1 << 20;
	a->map_extra = 100;
}

static inline void fill_typed_rhash(struct world *w, union bpf_attr *a)
{
	fill_rhash(w, a);
	a->value_size = 4;
	a->btf_fd = w->btf;
	a->btf_key_type_id = 1;
	a->btf_value_type_id = 1;
}

#define RHASH_MEMBERS CREATE_MEMBERS, MEMBER(NUMBER, max_entries)

static const struct base rhash_bases[] = {
	{ "rhash", BPF_MAP_CREATE, fill_rhash, { RHASH_MEMBERS } },
	{ "rhash with a hint", BPF_MAP_CREATE, fill_rhash_hint,
	  { RHASH_MEMBERS, MEMBER(FLAGS, map_extra) } },
	{ "typed rhash", BPF_MAP_CREATE, fill_typed_rhash, { RHASH_MEMBERS } },
};

static inline int make_rhash(struct side *s, u32 entries)
{
	return make_map(s, MAP_TYPE_RHASH, 4, 8, entries, BPF_F_NO_PREALLOC);
}

static inline bool kernel_has_rhash(void)
{
	union bpf_attr a = { .map_type = MAP_TYPE_RHASH, .key_size = 4, .value_size = 8,
			     .max_entries = 1, .map_flags = BPF_F_NO_PREALLOC };
	int fd = kernel_call(BPF_MAP_CREATE, &a, sizeof(a));

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static inline void rhash_sizes(struct side *s)
{
	static const u32 keys[] = { 1, 3, 8, 255, 512, 65534, 65535, 65536, 0x7fffffff };
	static const u32 values[] = { 1, 7, 65536, (4 << 20) - 65600, (4 << 20) - 56,
				      (4 << 20) - 57, (4 << 20) - 52, (4 << 20) - 49, 4 << 20 };
	static const u32 entries[] = { 1, 65535, 1u << 30, 1u << 31, (1u << 31) + 1, ~0u };

	for (u32 i = 0; i < ARRAY_SIZE(keys); i++)
		say(s, settle(s, BPF_MAP_CREATE,
			      make_map(s, MAP_TYPE_RHASH, keys[i], 8, 1, BPF_F_NO_PREALLOC)),
		    "key of %u", keys[i]);
	for (u32 i = 0; i < ARRAY_SIZE(values); i++)
		say(s, settle(s, BPF_MAP_CREATE,
			      make_map(s, MAP_TYPE_RHASH, 4, values[i], 1, BPF_F_NO_PREALLOC)),
		    "value of %u", values[i]);
	for (u32 i = 0; i < ARRAY_SIZE(entries); i++)
		say(s, settle(s, BPF_MAP_CREATE, make_rhash(s, entries[i])), "%u entries",
		    entries[i]);
}

/* Every flag on a key that is there, one that is not, and when nothing more fits. */
static inline void rhash_update_flags(struct side *s)
{
	for (u64 flags = 0; flags < 70; flags++) {
		int fd = make_rhash(s, 2);
		u64 value = 1, got = 0;
		u32 key = 1;

		must(s, put(s, fd, &key, &value, 0) == 0, "first");
		value = 2;
		say(s, put(s, fd, &key, &value, flags), "there, flags %llu",
		    (unsigned long long)flags);
		say(s, get(s, fd, &key, &got), "lookup");
		say(s, got, "value, flags %llu", (unsigned long long)flags);
		key = 2;
		say(s, put(s, fd, &key, &value, flags), "not there, flags %llu",
		    (unsigned long long)flags);
		put(s, fd, &key, &value, 0);
		key = 3;
		say(s, put(s, fd, &key, &value, flags), "full, flags %llu",
		    (unsigned long long)flags);
		s->close(fd);
	}
}

static inline void rhash_elements(struct side *s)
{
	int fd = make_rhash(s, 100);
	u64 value = 7;
	u32 key = 1, next = 0;

	say(s, ASK(s, BPF_MAP_GET_NEXT_KEY, .map_fd = fd, .next_key = PTR(&next)), "first of none");
	say(s, del(s, fd, &key), "delete what is not there");
	put(s, fd, &key, &value, 0);
	say(s, ASK(s, BPF_MAP_GET_NEXT_KEY, .map_fd = fd, .next_key = PTR(&next)), "first");
	say(s, next, "its key");
	say(s, ASK(s, BPF_MAP_GET_NEXT_KEY, .map_fd = fd, .key = PTR(&key),
		   .next_key = PTR(&next)), "behind the last");
	key = 99;
	say(s, ASK(s, BPF_MAP_GET_NEXT_KEY, .map_fd = fd, .key = PTR(&key),
		   .next_key = PTR(&next)), "behind one that is not there");
	say(s, next, "that is the first");
	key = 1;
	for (u64 flags = 0; flags < 9; flags++) {
		put(s, fd, &key, &value, 0);
		value = 0;
		say(s, ASK(s, BPF_MAP_LOOKUP_ELEM, .map_fd = fd, .key = PTR(&key),
			   .value = PTR(&value), .flags = flags), "lookup, flags %llu",
		    (unsigned long long)flags);
		say(s, ASK(s, BPF_MAP_LOOKUP_AND_DELETE_ELEM, .map_fd = fd, .key = PTR(&key),
			   .value = PTR(&value), .flags = flags), "lookup and delete, flags %llu",
		    (unsigned long long)flags);
		say(s, value, "what it was");
		value = 7;
	}
	say(s, del(s, fd, &key), "delete");
	say(s, ASK(s, BPF_MAP_FREEZE, .map_fd = fd), "freeze");
	say(s, put(s, fd, &key, &value, 0), "a frozen one");
	s->close(fd);
}

static int rhash_batch_fd;

static inline void fill_rhash_batch(struct world *w, union bpf_attr *a)
{
	fill_batch(rhash_batch_fd, a);
}

static const struct base rhash_batch_bases[] = { BATCH_ROWS(rhash) };

static inline void rhash_batches(struct side *s)
{
	struct world w;

	for (u32 i = 0; i < ARRAY_SIZE(rhash_batch_bases); i++) {
		memset(places.wide, 0, WIDE_BYTES);
		make_world(s, &w);
		rhash_batch_fd = make_rhash(s, 20);
		vary(s, &w, &rhash_batch_bases[i]);
		s->close(rhash_batch_fd);
		drop_world(s, &w);
	}
}

/* Who has lost his place is told so; nothing is left where he was. */
static inline void rhash_lost_place(struct side *s)
{
	int fd = make_rhash(s, 20);
	u64 value = 7;

	for (u32 key = 0; key < 9; key++)
		put(s, fd, &key, &value, 0);
	for (u32 turn = 0; turn < 3; turn++) {
		union bpf_attr a = { .batch = { .map_fd = fd, .count = 2, .out_batch = PTR(&batch_out),
						.in_batch = turn ? PTR(&batch_in) : 0,
						.keys = PTR(batch_keys), .values = PTR(batch_values) } };

		say(s, s->call(BPF_MAP_LOOKUP_BATCH, &a, sizeof(a)), "batch %u", turn);
		say(s, a.batch.count, "elements of batch %u", turn);
		batch_in = batch_out;
		if (turn)
			say(s, del(s, fd, &batch_in), "delete where it goes on");
	}
	s->close(fd);
}

static inline void group_rhash(struct side *s)
{
	struct world w;

	if (!kernel_has_rhash())
		return;
	make_world(s, &w);
	for (u32 i = 0; i < ARRAY_SIZE(rhash_bases); i++)
		vary(s, &w, &rhash_bases[i]);
	drop_world(s, &w);
	rhash_sizes(s);
	rhash_update_flags(s);
	rhash_elements(s);
	rhash_batches(s);
	rhash_lost_place(s);
	for (u32 nr = 0; nr <= 9; nr += 3) {
		int fd = make_rhash(s, 20);
		char name[32];
		u64 value = 7;

		for (u32 key = 0; key < nr; key++, value++)
			put(s, fd, &key, &value, 0);
		snprintf(name, sizeof(name), "rhash of %u", nr);
		for (u32 room = 1; room <= 12; room++)
			walk_by_batches(s, fd, room, false, name);
		s->close(fd);
	}
}

#endif
