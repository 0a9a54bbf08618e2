/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/tool/bpf_differ/map_more.h - many elements at once, access, freezing, mapping
 */
#ifndef ROVE_TESTS_TOOL_BPF_DIFFER_MAP_MORE_H
#define ROVE_TESTS_TOOL_BPF_DIFFER_MAP_MORE_H

#include "tests/tool/bpf_differ/maps.h"

/* --- batches ------------------------------------------------------------------------------ */

#define BATCH_ROOM 4096	/* more than any count here, in a map with values of several CPUs */

static u32 batch_keys[BATCH_ROOM], batch_in, batch_out;
static u64 batch_values[BATCH_ROOM];

static inline void fill_batch(int fd, union bpf_attr *a)
{
	for (u32 i = 0; i < BATCH_ROOM; i++) {
		batch_keys[i] = i;
		batch_values[i] = 100 + i;
	}
	*a = (union bpf_attr){ .batch = { .map_fd = fd, .count = 2, .keys = PTR(batch_keys),
					  .values = PTR(batch_values),
					  .out_batch = PTR(&batch_out) } };
}

static inline void fill_array_batch(struct world *w, union bpf_attr *a)
{
	fill_batch(w->array, a);
}

static inline void fill_hash_batch(struct world *w, union bpf_attr *a)
{
	fill_batch(w->hash, a);
}

static inline void fill_ringbuf_batch(struct world *w, union bpf_attr *a)
{
	fill_batch(w->ringbuf, a);
}

static inline void fill_stacks_batch(struct world *w, union bpf_attr *a)
{
	fill_batch(w->stacks, a);
}

static inline void fill_lru_batch(struct world *w, union bpf_attr *a)
{
	fill_batch(w->lru, a);
}

static inline void fill_percpu_hash_batch(struct world *w, union bpf_attr *a)
{
	fill_batch(w->percpu_hash, a);
	a->batch.values = PTR(places.wide);
}

static inline void fill_outer_batch(struct world *w, union bpf_attr *a)
{
	fill_batch(w->outer, a);
}

static inline void fill_outer_hash_batch(struct world *w, union bpf_attr *a)
{
	fill_batch(w->outer_hash, a);
}

#define BATCH_MEMBERS                                                                \
	MEMBER(FD, batch.map_fd), MEMBER(POINTER, batch.in_batch),                       \
	MEMBER(POINTER, batch.out_batch), MEMBER(POINTER, batch.keys),                   \
	MEMBER(POINTER, batch.values), MEMBER(SMALL, batch.count),                       \
	MEMBER(FLAGS, batch.elem_flags), MEMBER(FLAGS, batch.flags)
#define BATCH_ROWS(map)                                                              \
	{ #map " update", BPF_MAP_UPDATE_BATCH, fill_##map##_batch, { BATCH_MEMBERS } }, \
	{ #map " lookup", BPF_MAP_LOOKUP_BATCH, fill_##map##_batch, { BATCH_MEMBERS } }, \
	{ #map " delete", BPF_MAP_DELETE_BATCH, fill_##map##_batch, { BATCH_MEMBERS } }

static const struct base batch_bases[] = {
	BATCH_ROWS(array), BATCH_ROWS(hash), BATCH_ROWS(ringbuf), BATCH_ROWS(stacks), BATCH_ROWS(lru),
	BATCH_ROWS(percpu_hash), BATCH_ROWS(outer), BATCH_ROWS(outer_hash),
};

static inline void group_batch_attr(struct side *s)
{
	struct world w;

	for (u32 i = 0; i < ARRAY_SIZE(batch_bases); i++) {
		memset(places.wide, 0, WIDE_BYTES);
		make_world(s, &w);
		vary(s, &w, &batch_bases[i]);
		drop_world(s, &w);
	}
}

struct pair {
	u32 key;
	u64 value;
};

/*
 * A whole map by batches of @room.  Which elements come with which batch is a
 * hash's own business; all of them together are not.
 */
static inline void walk_by_batches(struct side *s, int fd, u32 room, bool exact, const char *name)
{
	u32 all[64], nr = 0;
	u64 sum = 0;
	int err = 0;

	for (u32 turn = 0; !err && turn < 64; turn++) {
		union bpf_attr a = { .batch = { .map_fd = fd, .count = room,
						.in_batch = turn ? PTR(&batch_in) : 0,
						.out_batch = PTR(&batch_out),
						.keys = PTR(batch_keys),
						.values = PTR(batch_values) } };

		err = s->call(BPF_MAP_LOOKUP_BATCH, &a, sizeof(a));
		if (exact)
			say(s, err, "%s by %u, batch %u", name, room, turn);
		for (u32 i = 0; (!err || err == -ENOENT) && i < a.batch.count && nr < 64; i++) {
			all[nr++] = batch_keys[i];
			sum += batch_values[i];
		}
		batch_in = batch_out;
	}
	say(s, err, "%s by %u, the end", name, room);
	qsort(all, nr, sizeof(all[0]), by_value);
	say_bytes(s, all, nr * sizeof(all[0]), "%s by %u, keys", name, room);
	say(s, sum, "%s by %u, sum of values", name, room);
}

static inline void group_batch_walks(struct side *s)
{
	for (u32 nr = 0; nr <= 9; nr += 3) {
		int array = make_map(s, BPF_MAP_TYPE_ARRAY, 4, 8, nr ?: 1, 0);
		int hash = make_map(s, BPF_MAP_TYPE_HASH, 4, 8, 9, 0);
		char name[32];
		u64 value = 7;

		for (u32 key = 0; key < nr; key++, value++) {
			put(s, array, &key, &value, 0);
			put(s, hash, &key, &value, 0);
		}
		for (u32 room = 1; room <= 12; room++) {
			snprintf(name, sizeof(name), "array of %u", nr);
			walk_by_batches(s, array, room, true, name);
			snprintf(name, sizeof(name), "hash of %u", nr);
			/* A small room may or may not be enough for a bucket. */
			if (room >= 9)
				walk_by_batches(s, hash, room, true, name);
		}
		s->close(array);
		s->close(hash);
	}
}

/* --- access ------------------------------------------------------------------------------- */

static inline void say_access(struct side *s, int fd, const char *what)
{
	u32 key = 0, next;
	u64 value = 3, back;
	void *addr;
	int err;

	say(s, get(s, fd, &key, &back), "%s: get", what);
	say(s, put(s, fd, &key, &value, 0), "%s: put", what);
	say(s, put(s, fd, &key, &value, 99), "%s: put with a bad flag", what);
	say(s, del(s, fd, &key), "%s: delete", what);
	say(s, ASK(s, BPF_MAP_GET_NEXT_KEY, .map_fd = fd, .next_key = PTR(&next)), "%s: next",
	    what);
	say(s, ASK(s, BPF_MAP_LOOKUP_AND_DELETE_ELEM, .map_fd = fd, .key = PTR(&key),
		    .value = PTR(&back)), "%s: take", what);
	for (int cmd = BPF_MAP_LOOKUP_BATCH; cmd <= BPF_MAP_DELETE_BATCH; cmd++) {
		union bpf_attr a;

		if (cmd == BPF_MAP_LOOKUP_BATCH + 1)	/* lookup and delete */
			continue;
		fill_batch(fd, &a);
		a.batch.count = 1;
		say(s, s->call(cmd, &a, sizeof(a)), "%s: batch command %d", what, cmd);
	}
	for (int prot = 0; prot < 4; prot++) {
		err = s->mmap(fd, 4096, prot, MAP_SHARED, 0, &addr);
		say(s, err, "%s: mmap with prot %d", what, prot);
		if (!err)
			munmap(addr, 4096);
	}
}

static inline void group_access(struct side *s)
{
	static const u32 types[] = { BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_HASH };
	static const u32 flags[] = {
		0, BPF_F_RDONLY, BPF_F_WRONLY, BPF_F_RDONLY_PROG, BPF_F_WRONLY_PROG,
		BPF_F_RDONLY | BPF_F_RDONLY_PROG, BPF_F_MMAPABLE, BPF_F_MMAPABLE | BPF_F_RDONLY,
		BPF_F_MMAPABLE | BPF_F_WRONLY, BPF_F_MMAPABLE | BPF_F_RDONLY_PROG,
		BPF_F_MMAPABLE | BPF_F_WRONLY_PROG,
	};
	char what[64];

	for (u32 t = 0; t < ARRAY_SIZE(types); t++) {
		for (u32 f = 0; f < ARRAY_SIZE(flags); f++) {
			int fd = make_map(s, types[t], 4, 8, 2, flags[f]);

			snprintf(what, sizeof(what), "type %u flags 0x%x", types[t], flags[f]);
			say(s, fd >= 0, "%s", what);
			if (fd < 0)
				continue;
			say_access(s, fd, what);
			say(s, ASK(s, BPF_MAP_FREEZE, .map_fd = fd), "%s: freeze", what);
			say(s, ASK(s, BPF_MAP_FREEZE, .map_fd = fd), "%s: freeze again", what);
			strcat(what, " frozen");
			say_access(s, fd, what);
			s->close(fd);
		}
	}
}

/* --- freezing and mappings ---------------------------------------------------------------- */

static inline void freeze_under(struct side *s, u32 map_flags, int prot, int flags)
{
	int fd = make_map(s, BPF_MAP_TYPE_ARRAY, 4, 8, 2, BPF_F_MMAPABLE | map_flags);
	void *addr = NULL, *later;
	char what[64];
	int err;

	snprintf(what, sizeof(what), "map flags 0x%x prot %d flags %d", map_flags, prot, flags);
	err = s->mmap(fd, 4096, prot, flags, 0, &addr);
	say(s, err, "%s: map", what);
	say(s, ASK(s, BPF_MAP_FREEZE, .map_fd = fd), "%s: freeze it", what);
	if (!err && !(prot & PROT_WRITE))
		say(s, mprotect(addr, 4096, PROT_READ | PROT_WRITE) ? -errno : 0,
		    "%s: writable after all", what);
	if (!err)
		munmap(addr, 4096);
	say(s, ASK(s, BPF_MAP_FREEZE, .map_fd = fd), "%s: freeze it unmapped", what);
	err = s->mmap(fd, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, 0, &later);
	say(s, err, "%s: map it writable", what);
	err = s->mmap(fd, 4096, PROT_READ, MAP_SHARED, 0, &later);
	say(s, err, "%s: map it readable", what);
	if (!err) {
		say(s, mprotect(later, 4096, PROT_READ | PROT_WRITE) ? -errno : 0,
		    "%s: make that writable", what);
		munmap(later, 4096);
	}
	s->close(fd);
}

static inline void group_freeze(struct side *s)
{
	static const u32 flags[] = { 0, BPF_F_RDONLY_PROG, BPF_F_WRONLY_PROG };

	for (u32 f = 0; f < ARRAY_SIZE(flags); f++) {
		for (int prot = 0; prot < 4; prot++) {
			freeze_under(s, flags[f], prot, MAP_SHARED);
			freeze_under(s, flags[f], prot, MAP_PRIVATE);
		}
	}
}

static inline void try_mmap(struct side *s, int fd, const char *what, size_t length, int prot,
			    int flags, long offset)
{
	void *addr;
	int err = s->mmap(fd, length, prot, flags, offset, &addr);

	say(s, err, "%s: length %zu prot %d flags %d offset %ld", what, length, prot, flags,
	    offset);
	if (err)
		return;
	say(s, mprotect(addr, length, PROT_READ | PROT_WRITE) ? -errno : 0,
	    "%s: length %zu prot %d flags %d offset %ld: make it writable", what, length, prot,
	    flags, offset);
	munmap(addr, length);
}

static inline void group_mmap(struct side *s)
{
	static const size_t lengths[] = { 0, 1, 4095, 4096, 4097, 8000,
					  8192, 8193, 12288, 16384, 20480, 1ul << 26 };
	static const long offsets[] = { 0, 1, 4095, 4096, 8192, 12288, -4096, 1l << 40 };
	static const int flags[] = { MAP_SHARED, MAP_PRIVATE };
	struct world w;

	make_world(s, &w);
	for (u32 l = 0; l < ARRAY_SIZE(lengths); l++)
		for (u32 o = 0; o < ARRAY_SIZE(offsets); o++)
			for (u32 f = 0; f < ARRAY_SIZE(flags); f++)
				for (int prot = 0; prot < 8; prot++) {
					try_mmap(s, w.mmapable, "array", lengths[l], prot, flags[f],
						 offsets[o]);
					try_mmap(s, w.ringbuf, "ringbuf", lengths[l], prot,
						 flags[f], offsets[o]);
				}
	try_mmap(s, w.array, "not mmapable", 4096, PROT_READ, MAP_SHARED, 0);
	try_mmap(s, w.hash, "hash", 4096, PROT_READ, MAP_SHARED, 0);
	try_mmap(s, w.prog, "program", 4096, PROT_READ, MAP_SHARED, 0);
	try_mmap(s, w.btf, "BTF", 4096, PROT_READ, MAP_SHARED, 0);
	drop_world(s, &w);
}

#endif
