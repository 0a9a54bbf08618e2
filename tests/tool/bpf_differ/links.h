/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/tool/bpf_differ/links.h - links, iterators, and what reading them gives
 */
#ifndef ROVE_TESTS_TOOL_BPF_DIFFER_LINKS_H
#define ROVE_TESTS_TOOL_BPF_DIFFER_LINKS_H

#include <bpf/libbpf.h>

#include "target/target.h"
#include "tests/tool/bpf_differ/info.h"

static const struct bpf_insn link_ret0[] = { MOV_K(BPF_REG_0, 0), EXIT() };

/* What the bases are about; a group has one of each. */
static struct {
	int elem, elem2, map, link, map_link;
	union bpf_iter_link_info info;
} links;

/* "iter/@target"; flags as for the load. */
static inline int load_iter(struct side *s, const char *target, const struct bpf_insn *insns,
			    u32 nr, u32 flags)
{
	const struct target *was =
		target_use(s->call == kernel_call ? &target_kernel : &target_self);
	int id = libbpf_find_vmlinux_btf_id(target, BPF_TRACE_ITER);

	target_use(was);
	return ASK(s, BPF_PROG_LOAD, .prog_type = BPF_PROG_TYPE_TRACING,
		    .expected_attach_type = BPF_TRACE_ITER, .insns = PTR(insns), .insn_cnt = nr,
		    .license = PTR("GPL"), .prog_flags = flags, .attach_btf_id = max(id, 0));
}

static inline int link_iter(struct side *s, int prog, int map)
{
	union bpf_iter_link_info info = { .map.map_fd = map };

	return ASK(s, BPF_LINK_CREATE, .link_create = {
		.prog_fd = prog, .attach_type = BPF_TRACE_ITER,
		.iter_info = map ? PTR(&info) : 0, .iter_info_len = map ? sizeof(info) : 0 });
}

/* --- each member wrong in turn ------------------------------------------------------------ */

static inline void fill_link(struct world *w, union bpf_attr *a)
{
	links.info = (union bpf_iter_link_info){ .map.map_fd = w->array };
	a->link_create.prog_fd = links.elem;
	a->link_create.attach_type = BPF_TRACE_ITER;
	a->link_create.iter_info = PTR(&links.info);
	a->link_create.iter_info_len = sizeof(links.info);
}

static inline void fill_map_link(struct world *w, union bpf_attr *a)
{
	a->link_create.prog_fd = links.map;
	a->link_create.attach_type = BPF_TRACE_ITER;
}

static inline void fill_update(struct world *w, union bpf_attr *a)
{
	a->link_update.link_fd = links.link;
	a->link_update.new_prog_fd = links.elem;
}

static inline void fill_replace(struct world *w, union bpf_attr *a)
{
	fill_update(w, a);
	a->link_update.flags = BPF_F_REPLACE;
	a->link_update.old_prog_fd = links.elem;
}

static inline void fill_detach(struct world *w, union bpf_attr *a)
{
	a->link_detach.link_fd = links.link;
}

static inline void fill_iter(struct world *w, union bpf_attr *a)
{
	a->iter_create.link_fd = links.link;
}

static inline void fill_link_info(struct world *w, union bpf_attr *a)
{
	a->info.bpf_fd = links.link;
	a->info.info = PTR(places.wide);
	a->info.info_len = sizeof(struct bpf_link_info);
	memset(places.wide, 0, 4096);
}

#define LINK_MEMBERS                                                                 \
	{ MEMBER(FD, link_create.prog_fd), MEMBER(FD, link_create.target_fd), \
	  MEMBER(SMALL, link_create.attach_type), MEMBER(FLAGS, link_create.flags), \
	  MEMBER(POINTER, link_create.iter_info), MEMBER(SMALL, link_create.iter_info_len) }
#define UPDATE_MEMBERS                                                               \
	{ MEMBER(FD, link_update.link_fd), MEMBER(FD, link_update.new_prog_fd), \
	  MEMBER(FLAGS, link_update.flags), MEMBER(FD, link_update.old_prog_fd) }

static const struct base link_bases[] = {
	{ "link to elements", BPF_LINK_CREATE, fill_link, LINK_MEMBERS },
	{ "link to maps", BPF_LINK_CREATE, fill_map_link, LINK_MEMBERS },
	{ "update", BPF_LINK_UPDATE, fill_update, UPDATE_MEMBERS },
	{ "replace", BPF_LINK_UPDATE, fill_replace, UPDATE_MEMBERS },
	{ "detach", BPF_LINK_DETACH, fill_detach, { MEMBER(FD, link_detach.link_fd) } },
	{ "iterator", BPF_ITER_CREATE, fill_iter,
	  { MEMBER(FD, iter_create.link_fd), MEMBER(FLAGS, iter_create.flags) } },
	{ "link info", BPF_OBJ_GET_INFO_BY_FD, fill_link_info, OBJ_INFO_MEMBERS },
	{ "link by id", BPF_LINK_GET_FD_BY_ID, fill_id,
	  { MEMBER(FLAGS, next_id), MEMBER(FLAGS, open_flags) } },
	{ "next link", BPF_LINK_GET_NEXT_ID, fill_before_id, { MEMBER(FLAGS, open_flags) }, 4 },
};

/* --- what is told ------------------------------------------------------------------------- */

static inline void link_names(struct side *s, int fd, const char *what)
{
	char name[32];

	for (u32 room = 0; room < sizeof(name); room++)
		for (u32 place = 0; place < 2; place++) {
			struct bpf_link_info info = {
				.iter = { .target_name = place ? PTR(name) : 0,
					  .target_name_len = room },
			};
			u32 len = sizeof(info);

			memset(name, '#', sizeof(name));
			say(s, ask_info(s, fd, &info, &len), "%s: name of %u at %u", what, room,
			    place);
			say(s, info.iter.target_name_len, "%s: name of %u at %u: length", what, room,
			    place);
			say_bytes(s, name, sizeof(name), "%s: name of %u at %u: bytes", what, room,
				  place);
			say(s, info.type, "%s: type", what);
			say(s, len, "%s: info's length", what);
		}
}

/* --- what may be bound to what ------------------------------------------------------------ */

static inline void link_loads(struct side *s, struct world *w)
{
	static const char *const targets[] = { "bpf_map", "bpf_prog", "bpf_link", "bpf_map_elem",
					       "dmabuf" };
	const int maps[] = { 0, w->array, w->hash, w->ringbuf, w->prog, w->other, 9999 };

	for (u32 t = 0; t < ARRAY_SIZE(targets); t++)
		for (u32 sleepable = 0; sleepable < 2; sleepable++) {
			int prog = load_iter(s, targets[t], link_ret0, 2,
					     sleepable ? BPF_F_SLEEPABLE : 0);

			say(s, prog >= 0, "%s sleepable %u loads", targets[t], sleepable);
			for (u32 m = 0; m < ARRAY_SIZE(maps); m++)
				say(s, settle(s, BPF_LINK_CREATE, link_iter(s, prog, maps[m])),
				    "%s sleepable %u map %u", targets[t], sleepable, m);
			if (prog >= 0)
				s->close(prog);
		}
}

/* A program that reaches @key_end into keys and @value_end into values. */
static inline void link_reaches(struct side *s, struct world *w, u32 key_end, u32 value_end)
{
	const struct bpf_insn insns[] = {
		LDX(BPF_DW, 6, 1, 16), LDX(BPF_DW, 7, 1, 24), JMP_K(BPF_JEQ, 6, 0, 3),
		JMP_K(BPF_JEQ, 7, 0, 2), LDX(BPF_B, 2, 6, key_end - 1),
		ST(BPF_B, 7, value_end - 1, 1), MOV_K(0, 0), EXIT(),
	};
	int prog = load_iter(s, "bpf_map_elem", insns, ARRAY_SIZE(insns), 0);

	say(s, settle(s, BPF_LINK_CREATE, link_iter(s, prog, w->array)),
	    "reaches %u into a key, %u into a value", key_end, value_end);
	if (prog >= 0)
		s->close(prog);
}

/* --- reading ------------------------------------------------------------------------------ */

/*
 * @bytes of a map's value for each element; for none, behind the last, 4.  At the
 * element @again it asks for another run.
 */
static inline void link_reads(struct side *s, struct world *w, int text, u32 bytes, u32 again,
			      size_t chunk)
{
	const struct bpf_insn insns[] = {
		MOV_X(6, 1),
		LDX(BPF_DW, 4, 6, 0),
		LDX(BPF_DW, 4, 4, 16),
		MOV_K(0, 1),
		JMP_K(BPF_JEQ, 4, again, 10),
		MOV_K(3, 4),
		LDX(BPF_DW, 2, 6, 16),
		JMP_K(BPF_JEQ, 2, 0, 1),
		MOV_K(3, bytes),
		LDX(BPF_DW, 1, 6, 0),
		LDX(BPF_DW, 1, 1, 0),
		LD_MAP_VALUE(2, text, 0),
		CALL(BPF_FUNC_seq_write),
		MOV_K(0, 0),
		EXIT(),
	};
	int prog, link, fd;

	prog = load_iter(s, "bpf_map_elem", insns, ARRAY_SIZE(insns), 0);
	link = link_iter(s, prog, w->array);
	fd = s->iter_open(link);
	must(s, prog >= 0 && link >= 0 && fd >= 0, "bytes %u again %u: a descriptor", bytes, again);
	for (u32 i = 0; i < 12; i++)
		say(s, s->read(fd, places.wide, chunk), "bytes %u again %u pieces of %zu: read %u",
		    bytes, again, chunk, i);
	close(fd);
	s->close(link);
	s->close(prog);
}

static inline void link_reading(struct side *s, struct world *w)
{
	static const u32 sizes[] = { 0, 1, 4, 100, 8191, 16383, 16384, 32763, 32764, 32767, 32768,
				     40000 };
	static const size_t chunks[] = { 1, 7, 4096, 32767, 32768, WIDE_BYTES };
	int text = make_map(s, BPF_MAP_TYPE_ARRAY, 4, 65536, 1, 0);

	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++)
		for (u32 c = 0; c < ARRAY_SIZE(chunks); c++)
			for (u32 again = 0; again < 4; again++)
				link_reads(s, w, text, sizes[i], again, chunks[c]);
	s->close(text);
}

/* One byte for the element @at only: a read ends after a million objects. */
static inline void link_million(struct side *s, int map, u32 at, u32 text)
{
	const struct bpf_insn insns[] = {
		MOV_X(6, 1),
		LDX(BPF_DW, 4, 6, 0),
		LDX(BPF_DW, 4, 4, 16),
		JMP_K(BPF_JNE, 4, at, 6),
		LDX(BPF_DW, 1, 6, 0),
		LDX(BPF_DW, 1, 1, 0),
		LD_MAP_VALUE(2, text, 0),
		MOV_K(3, 1),
		CALL(BPF_FUNC_seq_write),
		MOV_K(0, 0),
		EXIT(),
	};
	int prog = load_iter(s, "bpf_map_elem", insns, ARRAY_SIZE(insns), 0);
	int link = link_iter(s, prog, map), fd = s->iter_open(link);

	must(s, prog >= 0 && link >= 0 && fd >= 0, "a million, byte at %u: a descriptor", at);
	for (u32 i = 0; i < 5; i++)
		say(s, s->read(fd, places.wide, 100), "a million, byte at %u: read %u", at, i);
	close(fd);
	s->close(link);
	s->close(prog);
}

static inline void link_millions(struct side *s)
{
	static const u32 at[] = { 0, 1, 999998, 999999, 1000000, 1000001, 1000002 };
	int text = make_map(s, BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0);
	int map = make_map(s, BPF_MAP_TYPE_ARRAY, 4, 1, 1000002, 0);

	for (u32 i = 0; i < ARRAY_SIZE(at); i++)
		link_million(s, map, at[i], text);
	s->close(map);
	s->close(text);
}

/*
 * Each element says how much is written for it, in two pieces, and whether it is to be shown
 * again: 0 to the length of @text's value each.  What a read gives depends on all before it.
 */
static inline int random_prog(struct side *s, int text)
{
	const struct bpf_insn insns[] = {
		MOV_X(6, 1),
		LDX(BPF_DW, 7, 6, 24),		/* the value, or none */
		JMP_K(BPF_JEQ, 7, 0, 23),
		LDX(BPF_DW, 8, 6, 16),
		JMP_K(BPF_JEQ, 8, 0, 21),
		LDX(BPF_W, 8, 8, 0),
		INSN(BPF_ALU64 | BPF_AND | BPF_K, 8, 0, 0, 0xff),
		LDX(BPF_W, 3, 7, 0),
		JMP_K(BPF_JGT, 3, 40000, 17),
		LDX(BPF_DW, 1, 6, 0),
		LDX(BPF_DW, 1, 1, 0),
		LD_MAP_VALUE(2, text, 0),
		INSN(BPF_ALU64 | BPF_ADD | BPF_X, 2, 8, 0, 0),
		CALL(BPF_FUNC_seq_write),
		LDX(BPF_H, 3, 7, 4),
		INSN(BPF_ALU64 | BPF_AND | BPF_K, 3, 0, 0, 0x7fff),
		LDX(BPF_DW, 1, 6, 0),
		LDX(BPF_DW, 1, 1, 0),
		LD_MAP_VALUE(2, text, 0),
		CALL(BPF_FUNC_seq_write),
		LDX(BPF_H, 0, 7, 6),
		ST(BPF_H, 7, 6, 0),		/* once */
		INSN(BPF_ALU64 | BPF_AND | BPF_K, 0, 0, 0, 1),
		EXIT(),
		MOV_K(0, 0),
		EXIT(),
	};

	return load_iter(s, "bpf_map_elem", insns, ARRAY_SIZE(insns), 0);
}

static inline u32 random_below(u64 *state, u32 bound)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return (u32)(*state >> 33) % bound;
}

static inline u32 random_size(u64 *state)
{
	static const u32 edges[] = { 0, 1, 7, 4095, 4096, 4097, 16384, 32766, 32767, 32768, 40000 };

	switch (random_below(state, 4)) {
	case 0: return edges[random_below(state, ARRAY_SIZE(edges))];
	case 1: return random_below(state, 40001);
	default: return random_below(state, 300);
	}
}

static inline u32 sum_of(const u8 *bytes, u32 nr)
{
	u32 sum = nr;

	for (u32 i = 0; i < nr; i++)
		sum = sum * 31 + bytes[i];
	return sum;
}

#define RANDOM_ELEMS 40

static inline void random_elem(struct side *s, int map, u32 key, u64 *state)
{
	struct {
		u32 first;
		u16 second, again;
	} value = { random_size(state), random_size(state), !random_below(state, 10) };

	if (random_below(state, 3))
		value.second = 0;
	say(s, ASK(s, BPF_MAP_UPDATE_ELEM, .map_fd = map, .key = PTR(&key), .value = PTR(&value)),
	    "element %u", key);
}

/* Elements change between two reads. */
static inline void link_random(struct side *s, int text, u32 seed)
{
	int map = make_map(s, BPF_MAP_TYPE_ARRAY, 4, 8, RANDOM_ELEMS, 0), prog, link, fd;
	u64 state = seed;

	for (u32 i = 0; i < RANDOM_ELEMS; i++)
		random_elem(s, map, i, &state);
	prog = random_prog(s, text);
	link = link_iter(s, prog, map);
	fd = s->iter_open(link);
	must(s, prog >= 0 && link >= 0 && fd >= 0, "random %u: a descriptor", seed);
	for (u32 i = 0; i < 80; i++) {
		u32 size = max(1u, random_size(&state));
		ssize_t n = s->read(fd, places.wide, size);

		say(s, n, "random %u: read %u of %u", seed, i, size);
		if (n > 0)
			say(s, sum_of(places.wide, n), "random %u: bytes of read %u", seed, i);
		if (!random_below(&state, 8))
			random_elem(s, map, random_below(&state, RANDOM_ELEMS), &state);
	}
	close(fd);
	s->close(link);
	s->close(prog);
	s->close(map);
}

static inline void link_randoms(struct side *s)
{
	int text = make_map(s, BPF_MAP_TYPE_ARRAY, 4, 65536, 1, 0);
	u32 first = 0;

	for (u32 i = 0; i < WIDE_BYTES; i++)
		places.wide[i] = i * 31 + i / 251;
	say(s, ASK(s, BPF_MAP_UPDATE_ELEM, .map_fd = text, .key = PTR(&first),
		    .value = PTR(places.wide)), "the text");
	for (u32 seed = 1; seed <= 120; seed++)
		link_random(s, text, seed);
	s->close(text);
}

/* --- the group ---------------------------------------------------------------------------- */

static inline u32 link_id(struct side *s, int fd)
{
	struct bpf_link_info info = { 0 };
	u32 len = sizeof(info);

	return ask_info(s, fd, &info, &len) ? 0 : info.id;
}

static inline void group_links(struct side *s)
{
	struct world w;

	make_world(s, &w);
	links.elem = load_iter(s, "bpf_map_elem", link_ret0, 2, 0);
	links.elem2 = load_iter(s, "bpf_map_elem", link_ret0, 2, 0);
	links.map = load_iter(s, "bpf_map", link_ret0, 2, 0);
	links.link = link_iter(s, links.elem, w.array);
	links.map_link = link_iter(s, links.map, 0);
	must(s, links.elem >= 0 && links.map >= 0 && links.link >= 0 && links.map_link >= 0,
	     "programs and links");
	id_start = link_id(s, links.link);
	for (u32 i = 0; i < ARRAY_SIZE(link_bases); i++)
		vary(s, &w, &link_bases[i]);
	say(s, ASK(s, BPF_LINK_UPDATE, .link_update = { .link_fd = links.link,
							.new_prog_fd = links.elem2 }), "exchange");
	say(s, ASK(s, BPF_LINK_UPDATE, .link_update = {
		.link_fd = links.link, .new_prog_fd = links.elem, .flags = BPF_F_REPLACE,
		.old_prog_fd = links.elem }), "exchange what is not there");
	say(s, ASK(s, BPF_LINK_UPDATE, .link_update = { .link_fd = links.link,
							.new_prog_fd = links.map }),
	    "exchange for another target's");
	link_names(s, links.link, "elements");
	link_names(s, links.map_link, "maps");
	link_loads(s, &w);
	for (u32 end = 1; end <= 9; end++) {
		link_reaches(s, &w, end, 8);
		link_reaches(s, &w, 4, end);
	}
	link_reading(s, &w);
	link_randoms(s);
	link_millions(s);
	s->close(links.map_link);
	s->close(links.link);
	s->close(links.map);
	s->close(links.elem2);
	s->close(links.elem);
	drop_world(s, &w);
}

#endif
