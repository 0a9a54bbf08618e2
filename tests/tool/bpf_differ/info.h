/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/tool/bpf_differ/info.h - ids, and what is told about objects; BTF
 */
#ifndef ROVE_TESTS_TOOL_BPF_DIFFER_INFO_H
#define ROVE_TESTS_TOOL_BPF_DIFFER_INFO_H

#include "tests/tool/bpf_differ/vary.h"

/* --- info --------------------------------------------------------------------------------- */

static inline void fill_map_info(struct world *w, union bpf_attr *a)
{
	a->info.bpf_fd = w->array;
	a->info.info = PTR(places.wide);
	a->info.info_len = sizeof(struct bpf_map_info);
	memset(places.wide, 0, 4096);
}

static inline void fill_prog_info(struct world *w, union bpf_attr *a)
{
	fill_map_info(w, a);
	a->info.bpf_fd = w->prog;
	a->info.info_len = sizeof(struct bpf_prog_info);
}

static inline void fill_btf_info(struct world *w, union bpf_attr *a)
{
	fill_map_info(w, a);
	a->info.bpf_fd = w->btf;
	a->info.info_len = sizeof(struct bpf_btf_info);
}

#define OBJ_INFO_MEMBERS                                                             \
	{ MEMBER(FD, info.bpf_fd), MEMBER(POINTER, info.info), MEMBER(SMALL, info.info_len) }

static const struct base info_bases[] = {
	{ "map info", BPF_OBJ_GET_INFO_BY_FD, fill_map_info, OBJ_INFO_MEMBERS },
	{ "program info", BPF_OBJ_GET_INFO_BY_FD, fill_prog_info, OBJ_INFO_MEMBERS },
	{ "BTF info", BPF_OBJ_GET_INFO_BY_FD, fill_btf_info, OBJ_INFO_MEMBERS },
};

static inline int ask_info(struct side *s, int fd, void *info, u32 *bytes)
{
	union bpf_attr a = { .info = { .bpf_fd = fd, .info = PTR(info), .info_len = *bytes } };
	int ret = s->call(BPF_OBJ_GET_INFO_BY_FD, &a, sizeof(a));

	*bytes = a.info.info_len;
	return ret;
}

/* Lengths up to what both know; zeros and one other byte behind it. */
static inline void info_lengths(struct side *s, int fd, u32 known, const char *what)
{
	static const u32 beyond[] = { 0, 8, 256, 3000 };
	u32 bytes;

	for (bytes = 0; bytes <= known; bytes += 4) {
		u32 len = bytes;

		memset(places.wide, 0, 4096);
		say(s, ask_info(s, fd, places.wide, &len), "%s info of %u", what, bytes);
		say(s, len, "%s info of %u: length", what, bytes);
		for (u32 i = bytes; i < 4096; i++)
			if (places.wide[i])
				say(s, i, "%s info of %u: written behind", what, bytes);
	}
	for (u32 i = 0; i < ARRAY_SIZE(beyond); i++) {
		u32 len = known + beyond[i];

		memset(places.wide, 0, 4096);
		say(s, ask_info(s, fd, places.wide, &len), "%s info, %u longer", what, beyond[i]);
		len = known + beyond[i];
		memset(places.wide, 0, 4096);
		places.wide[len - 1] = beyond[i] != 0;
		say(s, ask_info(s, fd, places.wide, &len), "%s info, %u longer, not zero", what,
		    beyond[i]);
	}
	for (bytes = 4095; bytes <= 4097; bytes++) {
		u32 len = bytes;

		memset(places.wide, 0, 8192);
		say(s, ask_info(s, fd, places.wide, &len), "%s info of %u", what, bytes);
	}
}

static inline void map_infos(struct side *s, struct world *w)
{
	int fds[] = {
		w->array,
		w->hash,
		w->ringbuf,
		w->mmapable,
		ASK(s, BPF_MAP_CREATE, .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4,
		    .value_size = 4, .max_entries = 1,
		    .map_flags = BPF_F_RDONLY_PROG | BPF_F_RDONLY, .map_name = "m.x_1",
		    .btf_fd = w->btf, .btf_key_type_id = 1, .btf_value_type_id = 1),
	};

	for (u32 i = 0; i < ARRAY_SIZE(fds); i++) {
		struct bpf_map_info info = { 0 };
		u32 len = sizeof(info);

		must(s, !ask_info(s, fds[i], &info, &len), "map %u", i);
		say(s, info.id > 0, "map %u has an id", i);
		say(s, info.btf_id > 0, "map %u has BTF", i);
		info.id = info.btf_id = 0;
		say_bytes(s, &info, sizeof(info), "map %u: info", i);
	}
	s->close(fds[4]);
}

static inline int load_with_maps(struct side *s, struct world *w)
{
	const struct bpf_insn insns[] = {
		LD_MAP(BPF_REG_1, w->array),
		LD_MAP(BPF_REG_2, w->hash),
		LD_MAP(BPF_REG_3, w->array),
		MOV_K(BPF_REG_0, 0),
		EXIT(),
	};

	return ASK(s, BPF_PROG_LOAD, .prog_type = BPF_PROG_TYPE_SYSCALL, .insns = PTR(insns),
		    .insn_cnt = ARRAY_SIZE(insns), .license = PTR("GPL"), .prog_name = "with_maps",
		    .prog_flags = BPF_F_SLEEPABLE);
}

/* Counts of arrays that are given no room, some, enough, and somewhere bad. */
static inline void prog_arrays(struct side *s, int fd)
{
	for (u32 room = 0; room < 5; room++)
		for (u32 place = 0; place < 5; place++) {
			struct bpf_prog_info info = { .nr_map_ids = room,
						      .map_ids = pointer_choice(place * 2 + 1) };
			u32 len = sizeof(info);

			if (place == 1)
				info.map_ids = 0;
			say(s, ask_info(s, fd, &info, &len), "%u map ids at place %u", room, place);
			say(s, info.nr_map_ids, "%u map ids at place %u: how many", room, place);
		}
}

static inline void prog_records(struct side *s, int fd)
{
	static const u32 sizes[] = { 0, 4, 8, 12, 16, 20, 252, 256 };

	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++)
		for (u32 nr = 0; nr < 3; nr++) {
			struct bpf_prog_info info = { .nr_func_info = nr,
						      .func_info_rec_size = sizes[i],
						      .func_info = PTR(places.wide) };
			struct bpf_prog_info lines = { .nr_line_info = nr,
						       .line_info_rec_size = sizes[i],
						       .line_info = PTR(places.wide) };
			u32 len = sizeof(info);

			say(s, ask_info(s, fd, &info, &len), "%u functions of %u", nr, sizes[i]);
			say(s, info.nr_func_info, "%u functions of %u: number", nr, sizes[i]);
			say(s, info.func_info_rec_size, "%u functions of %u: size", nr, sizes[i]);
			len = sizeof(lines);
			say(s, ask_info(s, fd, &lines, &len), "%u lines of %u", nr, sizes[i]);
			say(s, lines.nr_line_info, "%u lines of %u: number", nr, sizes[i]);
			say(s, lines.line_info_rec_size, "%u lines of %u: size", nr, sizes[i]);
		}
}

static inline void prog_infos(struct side *s, struct world *w)
{
	int fds[] = { w->prog, w->filter, load_with_maps(s, w) };

	for (u32 i = 0; i < ARRAY_SIZE(fds); i++) {
		struct bpf_prog_info info = { 0 };
		u32 len = sizeof(info);

		must(s, !ask_info(s, fds[i], &info, &len), "program %u", i);
		say(s, info.type, "program %u: type", i);
		say(s, info.id > 0, "program %u: id", i);
		say(s, info.nr_map_ids, "program %u: maps", i);
		say(s, info.gpl_compatible, "program %u: license", i);
		say(s, info.created_by_uid, "program %u: user", i);
		say(s, info.ifindex, "program %u: device", i);
		say(s, info.btf_id, "program %u: BTF", i);
		say(s, info.nr_func_info, "program %u: functions", i);
		say(s, info.nr_line_info, "program %u: lines", i);
		say(s, info.nr_prog_tags, "program %u: tags", i);
		say(s, info.func_info_rec_size, "program %u: size of functions", i);
		say(s, info.line_info_rec_size, "program %u: size of lines", i);
		say(s, info.verified_insns, "program %u: instructions looked at", i);
		say(s, info.load_time > 0, "program %u: when", i);
		say_bytes(s, info.name, sizeof(info.name), "program %u: name", i);
	}
	prog_arrays(s, fds[2]);
	prog_records(s, fds[0]);
	s->close(fds[2]);
}

static inline void btf_infos(struct side *s, struct world *w)
{
	static const u32 rooms[] = { 0, 1, 8, sizeof(struct tiny_btf) - 1, sizeof(struct tiny_btf),
				     400 };
	static const u32 name_rooms[] = { 0, 1, 8 };

	for (u32 r = 0; r < ARRAY_SIZE(rooms); r++)
		for (u32 n = 0; n < ARRAY_SIZE(name_rooms); n++)
			for (u32 place = 0; place < 3; place++) {
				struct bpf_btf_info info = {
					.btf = place == 1 ? 0 : PTR(places.wide),
					.btf_size = rooms[r],
					.name = place == 2 ? 0 : PTR(places.wide + 1024),
					.name_len = name_rooms[n],
				};
				u32 len = sizeof(info);

				memset(places.wide, 0xee, 4096);
				say(s, ask_info(s, w->btf, &info, &len),
				    "BTF room %u, name %u, place %u", rooms[r], name_rooms[n],
				    place);
				say(s, info.btf_size, "BTF room %u, name %u, place %u: size",
				    rooms[r], name_rooms[n], place);
				say(s, info.name_len, "BTF room %u, name %u, place %u: name",
				    rooms[r], name_rooms[n], place);
				say(s, info.kernel_btf, "BTF room %u, name %u, place %u: whose",
				    rooms[r], name_rooms[n], place);
				say_bytes(s, places.wide, 2048,
					  "BTF room %u, name %u, place %u: bytes", rooms[r],
					  name_rooms[n], place);
			}
}

static inline void group_info(struct side *s)
{
	struct world w;

	make_world(s, &w);
	for (u32 i = 0; i < ARRAY_SIZE(info_bases); i++) {
		u32 len = info_bases[i].fill == fill_prog_info ? sizeof(struct bpf_prog_info) :
			  info_bases[i].fill == fill_btf_info ? sizeof(struct bpf_btf_info) :
			  sizeof(struct bpf_map_info);

		vary(s, &w, &info_bases[i]);
		info_lengths(s, info_bases[i].fill == fill_prog_info ? w.prog :
				info_bases[i].fill == fill_btf_info ? w.btf : w.array,
			     len, info_bases[i].name);
	}
	map_infos(s, &w);
	prog_infos(s, &w);
	btf_infos(s, &w);
	drop_world(s, &w);
}

/* --- ids ---------------------------------------------------------------------------------- */

static inline u32 id_of(struct side *s, int fd)
{
	struct bpf_map_info info = { 0 };
	struct bpf_btf_info btf = { 0 };
	u32 len = sizeof(btf);

	/* An info of a map or program has its id behind the type. */
	if (ask_info(s, fd, &info, &(u32){ 8 }))
		return 0;
	if (info.type)
		return info.id;
	return ask_info(s, fd, &btf, &len) ? 0 : btf.id;
}

static u32 id_start;		/* an id that exists, of what a base is about */

static inline void fill_id(struct world *w, union bpf_attr *a)
{
	a->start_id = id_start;
}

static inline void fill_before_id(struct world *w, union bpf_attr *a)
{
	a->start_id = id_start - 1;
}

static const struct base id_bases[] = {
	{ "map by id",
	  BPF_MAP_GET_FD_BY_ID,
	  fill_id,
	  { MEMBER(FLAGS, next_id), MEMBER(FLAGS, open_flags) } },
	{ "program by id", BPF_PROG_GET_FD_BY_ID, fill_id, { MEMBER(FLAGS, open_flags) } },
	{ "BTF by id", BPF_BTF_GET_FD_BY_ID, fill_id, { MEMBER(FLAGS, open_flags) } },
};

static const struct base next_bases[] = {
	{ "next map", BPF_MAP_GET_NEXT_ID, fill_before_id, { MEMBER(FLAGS, open_flags) }, 4 },
	{ "next program", BPF_PROG_GET_NEXT_ID, fill_before_id, { MEMBER(FLAGS, open_flags) }, 4 },
	{ "next BTF", BPF_BTF_GET_NEXT_ID, fill_before_id, { MEMBER(FLAGS, open_flags) }, 4 },
};

static inline void id_edges(struct side *s, int next_cmd, int open_cmd)
{
	static const u32 ids[] = { 0, 0x7ffffffe, 0x7fffffff, 0x80000000, 0xffffffff };

	for (u32 i = 0; i < ARRAY_SIZE(ids); i++) {
		int ret = ASK(s, next_cmd, .start_id = ids[i]);

		say(s, ret, "command %d behind %u", next_cmd, ids[i]);
		say(s, settle(s, open_cmd, ASK(s, open_cmd, .map_id = ids[i])),
		    "command %d of %u", open_cmd, ids[i]);
	}
}

/* Other processes make objects, too: what can be said is that ours are met, and how. */
static inline void id_of_each(struct side *s, int fd, int next_cmd, int open_cmd, const char *what)
{
	union bpf_attr a = { .start_id = id_of(s, fd) - 1 };
	int again;

	say(s, s->call(next_cmd, &a, sizeof(a)), "%s behind the one before", what);
	say(s, a.next_id == id_of(s, fd), "%s is met", what);
	again = ASK(s, open_cmd, .map_id = id_of(s, fd));
	say(s, again >= 0, "%s opened by id", what);
	say(s, id_of(s, again) == id_of(s, fd), "%s is the same", what);
	say(s, fcntl(again, F_GETFD), "%s: descriptor flags", what);
	s->close(again);
}

static inline void id_after_close(struct side *s)
{
	int fd = make_map(s, BPF_MAP_TYPE_ARRAY, 4, 4, 1, 0), second = dup(fd);
	u32 id = id_of(s, fd);

	s->close(fd);
	fd = ASK(s, BPF_MAP_GET_FD_BY_ID, .map_id = id);
	say(s, fd >= 0, "open while a duplicate is");
	s->close(fd);
	s->close(second);
	say(s, settle(s, BPF_MAP_GET_FD_BY_ID, ASK(s, BPF_MAP_GET_FD_BY_ID, .map_id = id)),
	    "open when all is closed");
}

/* A descriptor for less than the map allows. */
static inline void id_access(struct side *s)
{
	static const u32 flags[] = { 0, BPF_F_RDONLY, BPF_F_WRONLY, BPF_F_RDONLY | BPF_F_WRONLY };
	static const u32 map_flags[] = { 0, BPF_F_RDONLY, BPF_F_WRONLY };
	u32 key = 0;
	u64 value = 0;

	for (u32 m = 0; m < ARRAY_SIZE(map_flags); m++)
		for (u32 f = 0; f < ARRAY_SIZE(flags); f++) {
			int fd = make_map(s, BPF_MAP_TYPE_ARRAY, 4, 8, 1, map_flags[m]);
			int again = ASK(s, BPF_MAP_GET_FD_BY_ID, .map_id = id_of(s, fd),
					 .open_flags = flags[f]);

			say(s, again < 0 ? again : 0, "flags 0x%x of map 0x%x", flags[f],
			    map_flags[m]);
			say(s, get(s, again, &key, &value), "flags 0x%x of map 0x%x: get", flags[f],
			    map_flags[m]);
			say(s, put(s, again, &key, &value, 0), "flags 0x%x of map 0x%x: put",
			    flags[f], map_flags[m]);
			say(s, ASK(s, BPF_MAP_FREEZE, .map_fd = again),
			    "flags 0x%x of map 0x%x: freeze", flags[f], map_flags[m]);
			if (again >= 0)
				s->close(again);
			s->close(fd);
		}
}

static inline void group_ids(struct side *s)
{
	struct world w;

	make_world(s, &w);
	for (u32 i = 0; i < ARRAY_SIZE(id_bases); i++) {
		id_start = id_of(s, i == 0 ? w.array : i == 1 ? w.prog : w.btf);
		vary(s, &w, &id_bases[i]);
		vary(s, &w, &next_bases[i]);
	}
	id_edges(s, BPF_MAP_GET_NEXT_ID, BPF_MAP_GET_FD_BY_ID);
	id_edges(s, BPF_PROG_GET_NEXT_ID, BPF_PROG_GET_FD_BY_ID);
	id_of_each(s, w.array, BPF_MAP_GET_NEXT_ID, BPF_MAP_GET_FD_BY_ID, "a map");
	id_of_each(s, w.prog, BPF_PROG_GET_NEXT_ID, BPF_PROG_GET_FD_BY_ID, "a program");
	id_of_each(s, w.btf, BPF_BTF_GET_NEXT_ID, BPF_BTF_GET_FD_BY_ID, "BTF");
	id_after_close(s);
	id_access(s);
	drop_world(s, &w);
}

/* --- BTF ---------------------------------------------------------------------------------- */

static struct tiny_btf image;

static inline void fill_btf(struct world *w, union bpf_attr *a)
{
	image = tiny_btf();
	a->btf = PTR(&image);
	a->btf_size = sizeof(image);
}

static const struct base btf_base = {
	"BTF", BPF_BTF_LOAD, fill_btf,
	{ MEMBER(POINTER, btf), MEMBER(POINTER, btf_log_buf), MEMBER(NUMBER, btf_size),
	  MEMBER(SMALL, btf_log_size), MEMBER(FLAGS, btf_log_level) }, 28,
};

/* Each word of an image, one wrong value after the other. */
static inline void btf_words(struct side *s)
{
	static const u32 values[] = { 0, 1, 2, 3, 4,
				      5, 24, 31, 32, 33,
				      64, 0x100, 0x10000, 0x1000000, 0x3000000,
				      0x7fffffff, 0x80000000, 0xffffffff };
	union {
		struct tiny_btf btf;
		u32 words[sizeof(struct tiny_btf) / 4];
	} b;

	for (u32 i = 0; i < ARRAY_SIZE(b.words); i++)
		for (u32 v = 0; v < ARRAY_SIZE(values); v++) {
			b.btf = tiny_btf();
			b.words[i] = values[v];
			say(s, settle(s, BPF_BTF_LOAD, ASK(s, BPF_BTF_LOAD, .btf = PTR(&b),
							    .btf_size = sizeof(b))),
			    "BTF with 0x%x at %u", values[v], i * 4);
		}
}

static inline void btf_bytes(struct side *s)
{
	struct tiny_btf b;

	for (u32 i = 0; i < sizeof(b); i++)
		for (u32 bit = 0; bit < 8; bit++) {
			b = tiny_btf();
			((u8 *)&b)[i] ^= 1 << bit;
			say(s, settle(s, BPF_BTF_LOAD, ASK(s, BPF_BTF_LOAD, .btf = PTR(&b),
							    .btf_size = sizeof(b))),
			    "BTF with bit %u of byte %u turned", bit, i);
		}
	for (u32 bytes = 0; bytes < sizeof(b); bytes++) {
		b = tiny_btf();
		say(s,
		    settle(s, BPF_BTF_LOAD,
			   ASK(s, BPF_BTF_LOAD, .btf = PTR(&b), .btf_size = bytes)),
		    "the first %u bytes of BTF", bytes);
	}
}

static inline void group_btf(struct side *s)
{
	struct world w;

	make_world(s, &w);
	memset(places.wide, 0, WIDE_BYTES);
	vary(s, &w, &btf_base);
	btf_words(s);
	btf_bytes(s);
	drop_world(s, &w);
}

/* --- commands ----------------------------------------------------------------------------- */

static inline void group_commands(struct side *s)
{
	static const int cmds[] = { -1, INT32_MIN, INT32_MAX, 64, 100, 1000, 0x10000 };
	static union attr_room room;

	for (u32 i = 0; i < ARRAY_SIZE(cmds); i++) {
		say(s, s->call(cmds[i], &room.attr, sizeof(room.attr)), "command %d", cmds[i]);
		say(s, s->call(cmds[i], &room.attr, 4097), "command %d, too long", cmds[i]);
		say(s, s->call(cmds[i], (void *)places.nowhere, 64), "command %d, nowhere",
		    cmds[i]);
	}
	for (int cmd = BPF_MAP_CREATE; cmd <= BPF_MAP_GET_NEXT_KEY; cmd++)
		for (u32 i = 0; i < 14; i++)
			say(s,
			    s->call(cmd, (void *)pointer_choice(i), i == 9 || i == 10 ? 4097 : 64),
			    "command %d at pointer %u", cmd, i);
}

#endif
