/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Programs that an event is given by ioctl(PERF_EVENT_IOC_SET_BPF): by libbpf where it finds no
 * links of events, by the function that stands for the call, and by the kernel beside it.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "target/target.h"
#include "tests/test.h"
#include "tests/unit/perf/perf.h"

#define OBJECT "build/tests/progs/perf_count.bpf.o"

static u32 nr_links_asked_for;

/* As a kernel before 5.15. */
static int bpf_without_links(int cmd, union bpf_attr *attr, unsigned int size)
{
	if (cmd == BPF_LINK_CREATE) {
		nr_links_asked_for++;
		return -EINVAL;
	}
	return rove_bpf(cmd, attr, size);
}

static u64 samples_of(struct bpf_object *obj)
{
	return count_of(bpf_object__find_map_fd_by_name(obj, "samples"));
}

static void use_the_processor(void)
{
	for (volatile long i = 0; i < 30000000; i++)
		;
}

TEST(perf_ioctl, libbpf_attaches_by_it_where_there_are_no_links_of_events)
{
	struct target without_links = target_self;
	struct bpf_object *obj;
	struct bpf_link *link;
	int event = EVENT_OR_SKIP(0);
	u64 at_end;

	without_links.bpf = bpf_without_links;
	target_use(&without_links);
	obj = bpf_object__open_file(OBJECT, NULL);
	EXPECT_TRUE(obj != NULL);
	EXPECT_EQ(bpf_object__load(obj), 0);
	link = bpf_program__attach_perf_event(bpf_object__find_program_by_name(obj, "count_sample"),
					      event);
	EXPECT_TRUE(link != NULL);
	EXPECT_EQ(nr_links_asked_for, 1);
	while (samples_of(obj) < 5)
		;
	EXPECT_EQ(bpf_link__destroy(link), 0);
	at_end = samples_of(obj);
	use_the_processor();
	EXPECT_EQ(samples_of(obj), at_end);
	bpf_object__close(obj);
	target_use(&target_kernel);
	EXPECT_EQ(count_ids(BPF_PROG_GET_NEXT_ID), 0);
	EXPECT_EQ(count_ids(BPF_MAP_GET_NEXT_ID), 0);
}

static int counters(void)
{
	int map = map_new(BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0);

	EXPECT_TRUE(map >= 0);
	return map;
}

TEST(perf_ioctl, an_event_keeps_its_program_until_its_last_descriptor_is_closed)
{
	int event = EVENT_OR_SKIP(0), map = counters(), prog = counting_prog(map), other;
	u64 at_end;

	EXPECT_EQ(rove_bpf_perf_event_set(event, prog), 0);
	EXPECT_EQ(rove_bpf_close(prog), 0);
	event_start(event);
	burn_until(map, 3);
	other = fcntl(event, F_DUPFD_CLOEXEC, 0);
	EXPECT_EQ(rove_bpf_close(event), 0);
	burn_until(map, 3);
	EXPECT_EQ(rove_bpf_close(other), 0);
	at_end = count_of(map);
	use_the_processor();
	EXPECT_EQ(count_of(map), at_end);
	EXPECT_EQ(count_ids(BPF_PROG_GET_NEXT_ID), 0);
	EXPECT_EQ(rove_bpf_close(map), 0);
}

TEST(perf_ioctl, a_plain_close_is_noticed_when_ids_are_listed)
{
	int event = EVENT_OR_SKIP(0), map = counters(), prog = counting_prog(map);
	u64 at_end;

	EXPECT_EQ(rove_bpf_perf_event_set(event, prog), 0);
	EXPECT_EQ(rove_bpf_close(prog), 0);
	event_start(event);
	burn_until(map, 3);
	EXPECT_EQ(count_ids(BPF_PROG_GET_NEXT_ID), 1);
	close(event);
	EXPECT_EQ(count_ids(BPF_PROG_GET_NEXT_ID), 0);
	at_end = count_of(map);
	use_the_processor();
	EXPECT_EQ(count_of(map), at_end);
	EXPECT_EQ(rove_bpf_close(map), 0);
}

/* --- beside the kernel -------------------------------------------------------------------- */

struct side {
	int (*bpf)(int cmd, union bpf_attr *attr, unsigned int size);
	int (*set)(int event, int prog);
	int (*close)(int fd);
};

static int kernel_bpf(int cmd, union bpf_attr *attr, unsigned int size)
{
	return target_kernel.bpf(cmd, attr, size);
}

static int kernel_set(int event, int prog)
{
	return target_kernel.ioctl(event, PERF_EVENT_IOC_SET_BPF, prog);
}

static int kernel_close(int fd)
{
	return target_kernel.close(fd);
}

static const struct side ours = { rove_bpf, rove_bpf_perf_event_set, rove_bpf_close };
static const struct side kernels = { kernel_bpf, kernel_set, kernel_close };

static int load_on(const struct side *side, u32 type)
{
	const struct bpf_insn insns[] = { MOV_K(0, 0), EXIT() };
	union bpf_attr attr = { .prog_type = type, .insns = PTR(insns), .insn_cnt = 2,
				.license = PTR("GPL") };

	return side->bpf(BPF_PROG_LOAD, &attr, sizeof(attr));
}

static int link_on(const struct side *side, int prog, int event)
{
	union bpf_attr attr = { .link_create = { .prog_fd = prog, .target_fd = event,
						 .attach_type = BPF_PERF_EVENT } };

	return side->bpf(BPF_LINK_CREATE, &attr, sizeof(attr));
}

/* What each call gives; fds are only good or not. */
static void ask(const struct side *side, int *answers)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), event = clock_event(0, PERIOD_NS), link;
	int prog = load_on(side, BPF_PROG_TYPE_PERF_EVENT), n = 0;
	int filter = load_on(side, BPF_PROG_TYPE_SOCKET_FILTER);

	EXPECT_TRUE(prog >= 0 && filter >= 0 && event >= 0);
	answers[n++] = side->set(event, -1);
	answers[n++] = side->set(event, null);
	answers[n++] = side->set(event, filter);
	answers[n++] = side->set(event, prog);
	answers[n++] = side->set(event, prog);
	answers[n++] = side->set(event, filter);
	answers[n++] = link_on(side, prog, event);
	side->close(event);
	event = clock_event(0, PERIOD_NS);
	link = link_on(side, prog, event);
	answers[n++] = link < 0 ? link : 0;
	answers[n++] = side->set(event, prog);
	side->close(link);
	answers[n++] = side->set(event, prog);
	side->close(event);
	side->close(prog);
	side->close(filter);
	close(null);
}

#define NR_ANSWERS 10

TEST(perf_ioctl, each_call_gives_what_the_kernels_gives)
{
	int mine[NR_ANSWERS], theirs[NR_ANSWERS], prog;

	close(EVENT_OR_SKIP(0));
	ask(&ours, mine);
	EXPECT_EQ(count_ids(BPF_PROG_GET_NEXT_ID), 0);
	prog = load_on(&kernels, BPF_PROG_TYPE_PERF_EVENT);
	if (prog < 0)
		SKIP("bpf(2): %s", strerror(-prog));
	kernel_close(prog);
	ask(&kernels, theirs);
	for (int i = 0; i < NR_ANSWERS; i++)
		EXPECT_EQ(mine[i], theirs[i]);
}
