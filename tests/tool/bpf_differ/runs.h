/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/tool/bpf_differ/runs.h - BPF_PROG_TEST_RUN and what programs leave behind
 */
#ifndef ROVE_TESTS_TOOL_BPF_DIFFER_RUNS_H
#define ROVE_TESTS_TOOL_BPF_DIFFER_RUNS_H

#include "tests/tool/bpf_differ/vary.h"

static u64 run_ctx[16];
static u8 run_packet[64], run_packet_out[64];

static inline void reset_run_places(void)
{
	memset(places.wide, 0, WIDE_BYTES);
	for (u32 i = 0; i < ARRAY_SIZE(run_ctx); i++)
		run_ctx[i] = i;
	for (u32 i = 0; i < sizeof(run_packet); i++)
		run_packet[i] = i;
	memset(run_packet_out, 0, sizeof(run_packet_out));
}

/* No context. */
static inline void fill_run(struct world *w, union bpf_attr *a)
{
	a->test.prog_fd = w->prog;
}

static inline void fill_run_ctx(struct world *w, union bpf_attr *a)
{
	a->test.prog_fd = w->prog;
	a->test.ctx_in = PTR(run_ctx);
	a->test.ctx_size_in = 64;
}

static inline void fill_run_filter(struct world *w, union bpf_attr *a)
{
	a->test.prog_fd = w->filter;
	a->test.data_in = PTR(run_packet);
	a->test.data_size_in = 64;
	a->test.data_out = PTR(run_packet_out);
	a->test.data_size_out = 64;
}

static inline void fill_run_classifier(struct world *w, union bpf_attr *a)
{
	fill_run_filter(w, a);
	a->test.prog_fd = w->classifier;
}

#define RUN_MEMBERS                                                                  \
	MEMBER(FD, test.prog_fd), MEMBER(NUMBER, test.retval), MEMBER(SMALL, test.data_size_in), \
	MEMBER(SMALL, test.data_size_out), MEMBER(POINTER, test.data_in), \
	MEMBER(POINTER, test.data_out), MEMBER(SMALL, test.repeat), MEMBER(SMALL, test.duration), \
	MEMBER(SMALL, test.ctx_size_in), MEMBER(SMALL, test.ctx_size_out), \
	MEMBER(POINTER, test.ctx_in), MEMBER(POINTER, test.ctx_out), MEMBER(FLAGS, test.flags), \
	MEMBER(SMALL, test.batch_size)

static const struct base run_bases[] = {
	{ "syscall", BPF_PROG_TEST_RUN, fill_run, { RUN_MEMBERS, MEMBER(SMALL, test.cpu) },
	  offsetof(union bpf_attr, test.duration) },
	{ "syscall with context", BPF_PROG_TEST_RUN, fill_run_ctx,
	  { RUN_MEMBERS, MEMBER(SMALL, test.cpu) }, offsetof(union bpf_attr, test.duration) },
	{ "filter", BPF_PROG_TEST_RUN, fill_run_filter, { RUN_MEMBERS },
	  offsetof(union bpf_attr, test.duration) },
	{ "classifier", BPF_PROG_TEST_RUN, fill_run_classifier, { RUN_MEMBERS },
	  offsetof(union bpf_attr, test.duration) },
};

/* The context comes back as the program left it, the value as it was returned. */
static inline void run_with_sizes(struct side *s)
{
	static const u32 sizes[] = { 0, 1, 7, 8, 15, 16, 17, 64, 511, 512, 513, 4096, 65534, 65535,
				     65536, 0x7fffffff, 0xffffffff };
	const struct bpf_insn insns[] = {
		LDX(BPF_DW, BPF_REG_2, BPF_REG_1, 0), ADD_K(BPF_REG_2, 41),
		STX(BPF_DW, BPF_REG_1, BPF_REG_2, 8), MOV_K(BPF_REG_0, -7), EXIT(),
	};
	int fd = load(s, BPF_PROG_TYPE_SYSCALL, insns, ARRAY_SIZE(insns));

	must(s, fd >= 0, "load");
	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++) {
		union bpf_attr a = { .test = { .prog_fd = fd, .ctx_in = PTR(places.wide),
					       .ctx_size_in = sizes[i] } };

		memset(places.wide, i + 1, WIDE_BYTES);
		say(s, s->call(BPF_PROG_TEST_RUN, &a, sizeof(a)), "context of %u", sizes[i]);
		say(s, a.test.retval, "context of %u: value", sizes[i]);
		say(s, a.test.ctx_size_in, "context of %u: its size", sizes[i]);
		say(s, a.test.ctx_size_out, "context of %u: size out", sizes[i]);
		say_bytes(s, places.wide, 64, "context of %u: bytes", sizes[i]);
	}
	s->close(fd);
}

static const s32 run_values[] = { 0, 1, -1, 0x7fffffff, (s32)0x80000000, 42 };

static inline void run_for_values(struct side *s, u32 type)
{
	for (u32 i = 0; i < ARRAY_SIZE(run_values); i++) {
		const struct bpf_insn insns[] = { MOV_K(BPF_REG_0, run_values[i]), EXIT() };
		int fd = load(s, type, insns, ARRAY_SIZE(insns));
		union bpf_attr a = { .test = { .prog_fd = fd } };

		if (type != BPF_PROG_TYPE_SYSCALL) {
			a.test.data_in = PTR(run_packet);
			a.test.data_size_in = sizeof(run_packet);
		}
		say(s, s->call(BPF_PROG_TEST_RUN, &a, sizeof(a)), "type %u returning %d", type,
		    run_values[i]);
		say(s, a.test.retval, "type %u returned %d", type, run_values[i]);
		s->close(fd);
	}
}

/* A filter's packet, and the room for it. */
static inline void run_packets(struct side *s, int prog, const char *name)
{
	static const u32 sizes[] = { 0, 1, 13, 14, 15, 33, 34, 64 };

	for (u32 in = 0; in < ARRAY_SIZE(sizes); in++)
		for (u32 out = 0; out < ARRAY_SIZE(sizes); out++) {
			union bpf_attr a = { .test = { .prog_fd = prog,
						       .data_in = PTR(run_packet),
						       .data_size_in = sizes[in],
						       .data_out = PTR(run_packet_out),
						       .data_size_out = sizes[out] } };

			reset_run_places();
			say(s, s->call(BPF_PROG_TEST_RUN, &a, sizeof(a)),
			    "%s: packet of %u, room for %u", name, sizes[in], sizes[out]);
			say(s, a.test.data_size_out, "%s: packet of %u, room for %u: size out",
			    name, sizes[in], sizes[out]);
			say_bytes(s, run_packet_out, sizeof(run_packet_out),
				  "%s: packet of %u, room for %u: bytes", name, sizes[in],
				  sizes[out]);
		}
}

/* What a program reads of a filter's context, field by field. */
static inline void run_filter_fields(struct side *s)
{
	static const u32 fields[] = {
		offsetof(struct __sk_buff, len), offsetof(struct __sk_buff, mark),
		offsetof(struct __sk_buff, protocol), offsetof(struct __sk_buff, priority),
		offsetof(struct __sk_buff, cb[0]), offsetof(struct __sk_buff, cb[4]),
	};

	for (u32 i = 0; i < ARRAY_SIZE(fields); i++) {
		const struct bpf_insn insns[] = {
			LDX(BPF_W, BPF_REG_0, BPF_REG_1, fields[i]), EXIT(),
		};
		int fd = load(s, BPF_PROG_TYPE_SOCKET_FILTER, insns, ARRAY_SIZE(insns));
		union bpf_attr a = { .test = { .prog_fd = fd, .data_in = PTR(run_packet),
					       .data_size_in = sizeof(run_packet) } };

		say(s, s->call(BPF_PROG_TEST_RUN, &a, sizeof(a)), "run with field at %u",
		    fields[i]);
		say(s, a.test.retval, "field at %u", fields[i]);
		s->close(fd);
	}
}

static inline void group_runs(struct side *s)
{
	struct world w;

	make_world(s, &w);
	for (u32 i = 0; i < ARRAY_SIZE(run_bases); i++) {
		reset_run_places();
		vary(s, &w, &run_bases[i]);
	}
	run_with_sizes(s);
	reset_run_places();
	run_for_values(s, BPF_PROG_TYPE_SYSCALL);
	run_for_values(s, BPF_PROG_TYPE_SOCKET_FILTER);
	run_for_values(s, BPF_PROG_TYPE_SCHED_CLS);
	run_packets(s, w.filter, "filter");
	run_packets(s, w.classifier, "classifier");
	reset_run_places();
	run_filter_fields(s);
	drop_world(s, &w);
}

/* --- a program works on maps -------------------------------------------------------------- */

/* r0 = helper(map, &key, &value, flags) with what the context says. */
static inline int load_map_call(struct side *s, int map, u32 helper)
{
	const struct bpf_insn insns[] = {
		MOV_X(BPF_REG_6, BPF_REG_1),
		LDX(BPF_DW, BPF_REG_2, BPF_REG_6, 0), STX(BPF_DW, BPF_REG_10, BPF_REG_2, -8),
		LDX(BPF_DW, BPF_REG_3, BPF_REG_6, 8), STX(BPF_DW, BPF_REG_10, BPF_REG_3, -16),
		LDX(BPF_DW, BPF_REG_4, BPF_REG_6, 16),
		MOV_X(BPF_REG_2, BPF_REG_10), ADD_K(BPF_REG_2, -8),
		MOV_X(BPF_REG_3, BPF_REG_10), ADD_K(BPF_REG_3, -16),
		LD_MAP(BPF_REG_1, map), CALL(helper),
		STX(BPF_DW, BPF_REG_6, BPF_REG_0, 24), MOV_K(BPF_REG_0, 0), EXIT(),
	};

	return load(s, BPF_PROG_TYPE_SYSCALL, insns, ARRAY_SIZE(insns));
}

static inline void run_map_call(struct side *s, int prog, const char *what)
{
	static const u64 flags[] = { 0, 1, 2, 3, 4, 5, 8, 1ull << 32, ~0ull };

	for (u64 key = 0; key < 5; key++)
		for (u32 f = 0; f < ARRAY_SIZE(flags); f++) {
			u64 ctx[4] = { key, key + 70 + f, flags[f] };

			say(s,
			    ASK(s, BPF_PROG_TEST_RUN,
				.test = { .prog_fd = prog,
					  .ctx_in = PTR(ctx),
					  .ctx_size_in = sizeof(ctx) }),
			    "%s key %llu flags %u", what, (unsigned long long)key, f);
			say(s, ctx[3], "%s key %llu flags %u: result", what,
			    (unsigned long long)key, f);
		}
}

static inline void group_programs_on_maps(struct side *s)
{
	static const struct { const char *name; u32 id; } helpers[] = {
		{ "update", BPF_FUNC_map_update_elem }, { "delete", BPF_FUNC_map_delete_elem },
	};
	/* Which element a full LRU map loses is its own business. */
	static const struct { u32 type, entries; } maps[] = {
		{ BPF_MAP_TYPE_ARRAY, 3 }, { BPF_MAP_TYPE_HASH, 3 }, { BPF_MAP_TYPE_LRU_HASH, 100 },
	};
	char what[64];

	for (u32 t = 0; t < ARRAY_SIZE(maps); t++)
		for (u32 h = 0; h < ARRAY_SIZE(helpers); h++) {
			int map = make_map(s, maps[t].type, 4, 8, maps[t].entries, 0);
			int prog = load_map_call(s, map, helpers[h].id);
			u64 value = 9;

			for (u32 key = 0; key < 2; key++)
				put(s, map, &key, &value, 0);
			snprintf(what, sizeof(what), "type %u %s", maps[t].type, helpers[h].name);
			must(s, prog >= 0, "%s", what);
			run_map_call(s, prog, what);
			for (u32 key = 0; key < 5; key++) {
				value = 0;
				say(s, get(s, map, &key, &value), "%s: get %u", what, key);
				say(s, value, "%s: value %u", what, key);
			}
			s->close(prog);
			s->close(map);
		}
}

/* --- ring buffers ------------------------------------------------------------------------- */

/* ctx[2] = ringbuf_output(map, values, ctx[0], ctx[1]) with a size that is bounded. */
static inline int load_output(struct side *s, int map, int values)
{
	const struct bpf_insn insns[] = {
		MOV_X(BPF_REG_6, BPF_REG_1), LDX(BPF_DW, BPF_REG_3, BPF_REG_6, 0),
		JMP_K(BPF_JGT, BPF_REG_3, 4095, 7), LDX(BPF_DW, BPF_REG_4, BPF_REG_6, 8),
		LD_MAP_VALUE(BPF_REG_2, values, 0), LD_MAP(BPF_REG_1, map),
		CALL(BPF_FUNC_ringbuf_output),
		STX(BPF_DW, BPF_REG_6, BPF_REG_0, 16), MOV_K(BPF_REG_0, 0), EXIT(),
	};

	return load(s, BPF_PROG_TYPE_SYSCALL, insns, ARRAY_SIZE(insns));
}

static inline int load_query(struct side *s, int map)
{
	const struct bpf_insn insns[] = {
		MOV_X(BPF_REG_6, BPF_REG_1), LDX(BPF_DW, BPF_REG_2, BPF_REG_6, 0),
		LD_MAP(BPF_REG_1, map), CALL(BPF_FUNC_ringbuf_query),
		STX(BPF_DW, BPF_REG_6, BPF_REG_0, 16), MOV_K(BPF_REG_0, 0), EXIT(),
	};

	return load(s, BPF_PROG_TYPE_SYSCALL, insns, ARRAY_SIZE(insns));
}

static inline s64 run_on(struct side *s, int prog, u64 first, u64 second)
{
	u64 *ctx = (u64 *)places.wide;

	for (u32 i = 0; i < 512; i++)
		ctx[i] = i * 0x0101010101010101ull;
	ctx[0] = first;
	ctx[1] = second;
	if (ASK(s, BPF_PROG_TEST_RUN, .test = { .prog_fd = prog, .ctx_in = PTR(ctx),
						 .ctx_size_in = 4096 }))
		return INT64_MIN;
	return ctx[2];
}

static inline void say_ring(struct side *s, int map, u32 turn)
{
	void *addr;

	if (s->mmap(map, 4096 * 4, PROT_READ, MAP_SHARED, 4096, &addr))
		return;
	say(s, *(u64 *)addr, "producer's position, turn %u", turn);
	say_bytes(s, (u8 *)addr + 4096, 8192, "the records, twice, turn %u", turn);
	munmap(addr, 4096 * 4);
}

static inline void consume(struct side *s, int map, u64 pos)
{
	void *addr;

	if (s->mmap(map, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, 0, &addr))
		return;
	*(volatile u64 *)addr = pos;
	munmap(addr, 4096);
}

static inline void group_ringbuf(struct side *s)
{
	static const u32 sizes[] = { 0, 1, 7, 8, 9, 100, 1000, 2000, 900, 4088, 4080, 16 };
	static const u64 flags[] = { 0, BPF_RB_NO_WAKEUP, BPF_RB_FORCE_WAKEUP, 3, 4, 1ull << 40 };
	int map = make_map(s, BPF_MAP_TYPE_RINGBUF, 0, 0, 4096, 0);
	int values = make_map(s, BPF_MAP_TYPE_ARRAY, 4, 4096, 1, 0);
	int output = load_output(s, map, values), query = load_query(s, map);
	u64 consumed = 0;
	u32 key = 0;

	must(s, output >= 0, "load");
	must(s, query >= 0, "load the query");
	memset(places.wide, 0x5a, 4096);
	must(s, !put(s, values, &key, places.wide, 0), "what is put out");
	for (u32 turn = 0; turn < 60; turn++) {
		u32 size = sizes[turn % ARRAY_SIZE(sizes)];

		say(s, run_on(s, output, size, flags[turn % ARRAY_SIZE(flags)]),
		    "output of %u, turn %u", size, turn);
		for (u32 what = 0; what < 6; what++)
			say(s, run_on(s, query, what, 0), "query %u, turn %u", what, turn);
		say_ring(s, map, turn);
		if (turn % 4 == 3) {
			consumed = run_on(s, query, BPF_RB_PROD_POS, 0);
			consume(s, map, consumed);
		}
	}
	s->close(output);
	s->close(query);
	s->close(values);
	s->close(map);
}

#endif
