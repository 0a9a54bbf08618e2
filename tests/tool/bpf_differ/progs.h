/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/tool/bpf_differ/progs.h - loading programs, their logs, running and binding them
 */
#ifndef ROVE_TESTS_TOOL_BPF_DIFFER_PROGS_H
#define ROVE_TESTS_TOOL_BPF_DIFFER_PROGS_H

#include "tests/tool/bpf_differ/vary.h"

#define LOG_TRUE_SIZE 140	/* where it is in BPF_PROG_LOAD's attribute */
#define BTF_LOG_TRUE_SIZE 28

static const struct bpf_insn prog_ret0[] = { MOV_K(BPF_REG_0, 0), EXIT() };
static const struct bpf_insn prog_bad[] = { MOV_X(BPF_REG_0, BPF_REG_5), EXIT() };

/* --- load --------------------------------------------------------------------------------- */

static inline void fill_syscall(struct world *w, union bpf_attr *a)
{
	*a = (union bpf_attr){ .prog_type = BPF_PROG_TYPE_SYSCALL, .insns = PTR(prog_ret0),
			       .insn_cnt = 2, .license = PTR("GPL"),
			       .prog_flags = BPF_F_SLEEPABLE };
}

static inline void fill_filter(struct world *w, union bpf_attr *a)
{
	*a = (union bpf_attr){ .prog_type = BPF_PROG_TYPE_SOCKET_FILTER, .insns = PTR(prog_ret0),
			       .insn_cnt = 2, .license = PTR("GPL") };
}

static inline void fill_func_info(struct world *w, union bpf_attr *a)
{
	static const struct bpf_func_info nothing[1];

	fill_filter(w, a);
	a->prog_btf_fd = w->btf;
	a->func_info = PTR(nothing);
	a->func_info_cnt = 1;
	a->func_info_rec_size = 8;
}

static inline void fill_line_info(struct world *w, union bpf_attr *a)
{
	static const struct bpf_line_info line = { .file_name_off = 1,
						   .line_off = 1,
						   .line_col = 1025 };

	fill_filter(w, a);
	a->prog_btf_fd = w->btf;
	a->line_info = PTR(&line);
	a->line_info_cnt = 1;
	a->line_info_rec_size = 16;
}

#define LOAD_MEMBERS                                                                 \
	MEMBER(POINTER, insns), MEMBER(POINTER, license), MEMBER(FLAGS, log_level), \
	MEMBER(SMALL, log_size), MEMBER(POINTER, log_buf), MEMBER(SMALL, kern_version), \
	MEMBER(FLAGS, prog_flags), MEMBER(SMALL, prog_ifindex), \
	MEMBER(SMALL, expected_attach_type), MEMBER(POINTER, fd_array)
#define INFO_MEMBERS                                                                 \
	MEMBER(FD, prog_btf_fd), MEMBER(SMALL, func_info_rec_size), \
	MEMBER(POINTER, func_info), MEMBER(SMALL, func_info_cnt), \
	MEMBER(SMALL, line_info_rec_size), MEMBER(POINTER, line_info), \
	MEMBER(SMALL, line_info_cnt)

static const struct base load_bases[] = {
	{ "syscall", BPF_PROG_LOAD, fill_syscall,
	  { LOAD_MEMBERS, INFO_MEMBERS, MEMBER(NUMBER, insn_cnt), MEMBER(SMALL, attach_btf_id),
	    MEMBER(FD, attach_prog_fd), MEMBER(SMALL, core_relo_cnt), MEMBER(POINTER, core_relos),
	    MEMBER(SMALL, core_relo_rec_size) }, LOG_TRUE_SIZE },
	{ "filter", BPF_PROG_LOAD, fill_filter,
	  { LOAD_MEMBERS, INFO_MEMBERS, MEMBER(NUMBER, insn_cnt), MEMBER(SMALL, attach_btf_id),
	    MEMBER(FD, attach_prog_fd), MEMBER(SMALL, core_relo_rec_size) }, LOG_TRUE_SIZE },
	{ "filter with func_info", BPF_PROG_LOAD, fill_func_info,
	  { INFO_MEMBERS, MEMBER(SMALL, core_relo_rec_size) }, LOG_TRUE_SIZE },
	{ "filter with line_info", BPF_PROG_LOAD, fill_line_info,
	  { INFO_MEMBERS, MEMBER(SMALL, core_relo_rec_size) }, LOG_TRUE_SIZE },
};

/* Types and attach types that this library knows of, in every combination. */
static inline void load_types(struct side *s)
{
	static const u32 types[] = { 0, BPF_PROG_TYPE_SOCKET_FILTER, BPF_PROG_TYPE_SYSCALL, 1000,
				     0xffffffff };

	for (u32 t = 0; t < ARRAY_SIZE(types); t++)
		for (u32 attach = 0; attach < 40; attach++)
			for (u32 sleepable = 0; sleepable < 2; sleepable++) {
				int fd = ASK(s, BPF_PROG_LOAD, .prog_type = types[t],
					      .insns = PTR(prog_ret0), .insn_cnt = 2,
					      .license = PTR("GPL"), .expected_attach_type = attach,
					      .prog_flags = sleepable ? BPF_F_SLEEPABLE : 0);

				say(s, settle(s, BPF_PROG_LOAD, fd),
				    "type %u attach type %u sleepable %u", types[t], attach,
				    sleepable);
			}
}

/* Whose functions may a program call? */
static inline void load_licenses(struct side *s)
{
	static const char *const licenses[] = {
		"GPL", "GPL v2", "GPL and additional rights", "Dual BSD/GPL", "Dual MIT/GPL",
		"Dual MPL/GPL", "gpl", "GPLv2", "", "Proprietary", "GPL ", "BSD",
	};
	const struct bpf_insn print[] = {
		ST(BPF_DW, BPF_REG_10, -8, 0), MOV_X(BPF_REG_1, BPF_REG_10), ADD_K(BPF_REG_1, -8),
		MOV_K(BPF_REG_2, 8), CALL(BPF_FUNC_trace_printk), MOV_K(BPF_REG_0, 0), EXIT(),
	};

	for (u32 i = 0; i < ARRAY_SIZE(licenses); i++) {
		int fd = ASK(s, BPF_PROG_LOAD, .prog_type = BPF_PROG_TYPE_SYSCALL,
			      .insns = PTR(print), .insn_cnt = ARRAY_SIZE(print),
			      .license = PTR(licenses[i]), .prog_flags = BPF_F_SLEEPABLE);

		say(s, settle(s, BPF_PROG_LOAD, fd), "license '%s'", licenses[i]);
	}
}

/* A map named by its place in an array of descriptors. */
static inline void load_fd_arrays(struct side *s, struct world *w)
{
	int fds[] = { w->array, w->prog, w->other, -1, w->hash };

	for (s32 index = 0; index < (s32)ARRAY_SIZE(fds); index++) {
		const struct bpf_insn insns[] = {
			INSN(BPF_LD | BPF_IMM | BPF_DW, 1, BPF_PSEUDO_MAP_IDX, 0, index),
			INSN(0, 0, 0, 0, 0), MOV_K(BPF_REG_0, 0), EXIT(),
		};
		const u64 pointers[] = { PTR(fds), 0, PTR(places.nowhere), KERNEL_ADDRESS };

		for (u32 p = 0; p < ARRAY_SIZE(pointers); p++) {
			int fd = ASK(s, BPF_PROG_LOAD, .prog_type = BPF_PROG_TYPE_SYSCALL,
				      .insns = PTR(insns), .insn_cnt = ARRAY_SIZE(insns),
				      .license = PTR("GPL"), .prog_flags = BPF_F_SLEEPABLE,
				      .fd_array = pointers[p]);

			say(s, settle(s, BPF_PROG_LOAD, fd), "fd_array %u, index %d", p, index);
		}
	}
}

/* What ld_imm64 may name. */
static inline void load_map_refs(struct side *s, struct world *w)
{
	const struct { const char *name; int fd; } maps[] = {
		{ "array", w->array }, { "hash", w->hash }, { "ringbuf", w->ringbuf },
		{ "LRU", w->lru }, { "per CPU", w->percpu }, { "stacks", w->stacks },
		{ "mmapable", w->mmapable }, { "prog", w->prog }, { "btf", w->btf },
		{ "other", w->other }, { "-1", -1 }, { "9999", 9999 },
	};

	static const s32 offs[] = { 0, 1, 7, 8, 23, 24, 7999, 8000, 1 << 29, -1 };

	for (u32 m = 0; m < ARRAY_SIZE(maps); m++)
		for (u32 src = 0; src < 8; src++)
			for (u32 o = 0; o < ARRAY_SIZE(offs); o++) {
				const struct bpf_insn insns[] = {
					INSN(BPF_LD | BPF_IMM | BPF_DW, 1, src, 0, maps[m].fd),
					INSN(0, 0, 0, 0, offs[o]), MOV_K(BPF_REG_0, 0), EXIT(),
				};

				/* Variables and functions need BTF, places an array of descriptors.
				 */
				if (src > BPF_PSEUDO_MAP_VALUE || (!src && o))
					continue;
				say(s,
				    settle(s, BPF_PROG_LOAD,
					   load(s, BPF_PROG_TYPE_SYSCALL, insns, 4)),
				    "ld_imm64 %s source %u offset %d", maps[m].name, src, offs[o]);
			}
}

static inline void group_load(struct side *s)
{
	struct world w;

	make_world(s, &w);
	for (u32 i = 0; i < ARRAY_SIZE(load_bases); i++) {
		memset(places.wide, 0, WIDE_BYTES);
		vary(s, &w, &load_bases[i]);
	}
	load_types(s);
	load_licenses(s);
	load_fd_arrays(s, &w);
	load_map_refs(s, &w);
	drop_world(s, &w);
}

/* --- logs --------------------------------------------------------------------------------- */

static inline u32 true_size_of(const union attr_room *room, u32 at)
{
	return room->words[at / 4];
}

/*
 * The texts are each side's own, and so are their lengths.  What is said is how
 * they relate: to the room there was, and to the true size.
 */
static inline void say_log(struct side *s, int ret, u32 size, u32 true_size, u32 full,
			   const char *what)
{
	u32 len = strnlen((char *)places.wide, WIDE_BYTES);

	say(s, ret, "%s", what);
	say(s, true_size == 0, "%s: true size is 0", what);
	say(s, true_size == full, "%s: true size is that of the full log", what);
	if (size)
		say(s, len == min(full, size) - 1 || !full, "%s: as much as fits", what);
	say(s, len < WIDE_BYTES && places.wide[size] == 0xee, "%s: nothing behind it", what);
}

static inline void fill_log(union attr_room *room, int cmd, const struct bpf_insn *insns, u32 level,
			    u32 size, u64 buf)
{
	static struct tiny_btf btf;

	memset(room, 0, sizeof(*room));
	if (cmd == BPF_BTF_LOAD) {
		btf = tiny_btf();
		if (insns == prog_bad)
			btf.str.size = 3;
		room->attr = (union bpf_attr){ .btf = PTR(&btf), .btf_size = sizeof(btf),
					       .btf_log_level = level, .btf_log_size = size,
					       .btf_log_buf = buf };
		return;
	}
	fill_filter(NULL, &room->attr);
	room->attr.insns = PTR(insns);
	room->attr.log_level = level;
	room->attr.log_size = size;
	room->attr.log_buf = buf;
}

static inline u32 full_log(struct side *s, int cmd, const struct bpf_insn *insns, u32 level, u32 at)
{
	static union attr_room room;

	fill_log(&room, cmd, insns, level, WIDE_BYTES / 2, PTR(places.wide));
	settle(s, cmd, s->call(cmd, &room.attr, 152));
	return true_size_of(&room, at);
}

static inline void try_log(struct side *s, int cmd, const struct bpf_insn *insns, u32 level)
{
	u32 at = cmd == BPF_BTF_LOAD ? BTF_LOG_TRUE_SIZE : LOG_TRUE_SIZE;
	u32 full = full_log(s, cmd, insns, level, at);
	const struct { const char *name; u32 size;
	} sizes[] = {
		{ "0", 0 },	    { "1", 1 },
		{ "2", 2 },	    { "3", 3 },
		{ "20", 20 },	    { "full-1", full - 1 },
		{ "full", full },   { "full+1", full + 1 },
		{ "32768", 32768 },
	};
	static union attr_room room;
	char what[100];

	/* The statistics' numbers change the length from run to run. */
	bool same_length = !(level & 4);

	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++) {
		if (!full && sizes[i].name[0] == 'f')
			continue;
		if (!same_length && sizes[i].name[0] == 'f')
			continue;
		for (u32 buf = 0; buf < 2; buf++) {
			int ret;

			memset(places.wide, 0xee, WIDE_BYTES);
			fill_log(&room, cmd, insns, level, sizes[i].size,
				 buf ? PTR(places.wide) : 0);
			ret = settle(s, cmd, s->call(cmd, &room.attr, 152));
			snprintf(what, sizeof(what), "command %d %s level %u size %s buffer %u",
				 cmd, insns == prog_bad ? "bad" : "good", level, sizes[i].name,
				 buf);
			say_log(s, ret, buf ? sizes[i].size : 0, true_size_of(&room, at),
				same_length ? full : true_size_of(&room, at), what);
		}
	}
}

/* A log that cannot be written, and an attribute that has no room for the true size. */
static inline void try_log_places(struct side *s, int cmd, const struct bpf_insn *insns)
{
	static union attr_room room;
	const u64 pointers[] = { 1, PTR(places.readonly), PTR(places.nowhere),
				 PTR(places.nowhere) - 4, KERNEL_ADDRESS };
	static const u32 sizes[] = { 24, 28, 30, 32, 136, 140, 142, 144 };

	for (u32 i = 0; i < ARRAY_SIZE(pointers); i++)
		for (u32 level = 0; level < 3; level++) {
			fill_log(&room, cmd, insns, level, 4096, pointers[i]);
			say(s, settle(s, cmd, s->call(cmd, &room.attr, 152)),
			    "command %d log at place %u, level %u, %s", cmd, i, level,
			    insns == prog_bad ? "bad" : "good");
		}
	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++) {
		fill_log(&room, cmd, insns, 1, 4096, PTR(places.wide));
		say(s, settle(s, cmd, s->call(cmd, &room.attr, sizes[i])),
		    "command %d, log, attribute of %u, %s", cmd, sizes[i],
		    insns == prog_bad ? "bad" : "good");
		say(s,
		    !true_size_of(&room, cmd == BPF_BTF_LOAD ? BTF_LOG_TRUE_SIZE : LOG_TRUE_SIZE),
		    "command %d, attribute of %u, %s: no true size", cmd, sizes[i],
		    insns == prog_bad ? "bad" : "good");
	}
}

static inline void group_logs(struct side *s)
{
	static const u32 levels[] = { 0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 32, 0x80000001 };
	static const int cmds[] = { BPF_PROG_LOAD, BPF_BTF_LOAD };

	for (u32 c = 0; c < ARRAY_SIZE(cmds); c++) {
		for (u32 i = 0; i < ARRAY_SIZE(levels); i++) {
			try_log(s, cmds[c], prog_bad, levels[i]);
			try_log(s, cmds[c], prog_ret0, levels[i]);
		}
		try_log_places(s, cmds[c], prog_bad);
		try_log_places(s, cmds[c], prog_ret0);
	}
}

/* --- bind --------------------------------------------------------------------------------- */

static inline void fill_bind(struct world *w, union bpf_attr *a)
{
	a->prog_bind_map.prog_fd = w->prog;
	a->prog_bind_map.map_fd = w->array;
}

static const struct base bind_base = {
	"bind", BPF_PROG_BIND_MAP, fill_bind,
	{ MEMBER(FD, prog_bind_map.prog_fd), MEMBER(FD, prog_bind_map.map_fd),
	  MEMBER(FLAGS, prog_bind_map.flags) },
};

static inline u32 nr_maps_of(struct side *s, int prog)
{
	struct bpf_prog_info info = { 0 };

	ASK(s, BPF_OBJ_GET_INFO_BY_FD, .info = { .bpf_fd = prog, .info = PTR(&info),
						  .info_len = sizeof(info) });
	return info.nr_map_ids;
}

static inline void group_bind(struct side *s)
{
	const int *maps;
	struct world w;

	make_world(s, &w);
	maps = &w.array;
	for (u32 turn = 0; turn < 2; turn++)
		for (u32 i = 0; i < 4; i++) {
			say(s, ASK(s, BPF_PROG_BIND_MAP,
				    .prog_bind_map = { .prog_fd = w.prog, .map_fd = maps[i] }),
			    "bind %u, turn %u", i, turn);
			say(s, nr_maps_of(s, w.prog), "maps after %u, turn %u", i, turn);
		}
	vary(s, &w, &bind_base);
	drop_world(s, &w);
}

#endif
