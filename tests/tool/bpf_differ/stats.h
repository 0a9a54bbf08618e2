/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/tool/bpf_differ/stats.h - BPF_ENABLE_STATS, and what programs' infos say then
 *
 * Of the kernel, only what is counted while we ask for it: others may ask, too.
 */
#ifndef ROVE_TESTS_TOOL_BPF_DIFFER_STATS_H
#define ROVE_TESTS_TOOL_BPF_DIFFER_STATS_H

#include "tests/tool/bpf_differ/vary.h"

static inline void fill_stats(struct world *w, union bpf_attr *a)
{
	a->enable_stats.type = BPF_STATS_RUN_TIME;
}

static const struct base stats_base = {
	"stats", BPF_ENABLE_STATS, fill_stats, { MEMBER(NUMBER, enable_stats.type) },
};

static inline struct bpf_prog_info stats_of(struct side *s, int prog)
{
	struct bpf_prog_info info = { 0 };

	must(s, !ASK(s, BPF_OBJ_GET_INFO_BY_FD, .info = { .bpf_fd = prog, .info_len = sizeof(info),
							  .info = PTR(&info) }), "info");
	return info;
}

/* What @nr_calls runs, each repeated, add. */
static inline void say_counted(struct side *s, int prog, u32 repeat, u32 nr_calls)
{
	static u8 packet[64];
	struct bpf_prog_info before = stats_of(s, prog), after;
	union bpf_attr a = { .test = { .prog_fd = prog } };

	if (repeat) {
		a.test.repeat = repeat;
		a.test.data_in = PTR(packet);
		a.test.data_size_in = sizeof(packet);
	}
	for (u32 i = 0; i < nr_calls; i++)
		must(s, !s->call(BPF_PROG_TEST_RUN, &a, sizeof(a)), "run");
	after = stats_of(s, prog);
	say(s, after.run_cnt - before.run_cnt, "%u calls of %u runs: counted", nr_calls, repeat);
	say(s, after.run_time_ns > before.run_time_ns, "%u calls of %u runs: timed", nr_calls,
	    repeat);
	say(s, after.recursion_misses, "%u calls of %u runs: missed", nr_calls, repeat);
}

/* The descriptor is of no object that has anything else. */
static inline void say_nothing_else(struct side *s, int fd)
{
	struct bpf_prog_info info = { 0 };
	u64 key = 0, value = 0;

	say(s, ASK(s, BPF_OBJ_GET_INFO_BY_FD, .info = { .bpf_fd = fd, .info_len = sizeof(info),
							.info = PTR(&info) }), "info of stats");
	say(s, get(s, fd, &key, &value), "lookup in stats");
	say(s, ASK(s, BPF_PROG_TEST_RUN, .test = { .prog_fd = fd }), "run of stats");
	say(s, ASK(s, BPF_LINK_DETACH, .link_detach = { .link_fd = fd }), "detaching of stats");
	say(s, fcntl(fd, F_GETFD), "flags of stats");
}

static inline void group_stats(struct side *s)
{
	struct world w;
	int fd, again;

	make_world(s, &w);
	vary(s, &w, &stats_base);
	fd = ASK(s, BPF_ENABLE_STATS, .enable_stats = { .type = BPF_STATS_RUN_TIME });
	again = ASK(s, BPF_ENABLE_STATS, .enable_stats = { .type = BPF_STATS_RUN_TIME });
	must(s, fd >= 0 && again >= 0, "stats");
	say_counted(s, w.filter, 1, 1000);
	say_counted(s, w.filter, 500, 2);
	say_counted(s, w.prog, 0, 1000);
	s->close(fd);
	/* There is one more. */
	say_counted(s, w.filter, 1, 1000);
	say_nothing_else(s, again);
	s->close(again);
	drop_world(s, &w);
}

#endif
