/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What programs on events see: registers, stacks, counters; beside the live kernel, which is
 * given the same instructions and the same event.
 */
#include <rove/bpf.h>

union bpf_attr;

/* Who answers bpf(2): this process, or the kernel. */
static int (*implementor)(int cmd, union bpf_attr *attr, unsigned int size) = rove_bpf;
#define rove_bpf(cmd, attr, size) implementor(cmd, attr, size)

#include <sys/prctl.h>

#include "base/clock.h"
#include "tests/test.h"
#include "tests/unit/perf/perf.h"

#define FRAMES __attribute__((noinline, optimize("no-omit-frame-pointer", "no-optimize-sibling-calls")))
#define FUNCTION_BYTES 1024

struct seen {
	u64 nr, ret, words[30];
};

static int kernel_bpf(int cmd, union bpf_attr *attr, unsigned int size)
{
	int ret = syscall(SYS_bpf, cmd, attr, size);

	return ret < 0 ? -errno : ret;
}

static void drop(int fd)
{
	if (implementor == kernel_bpf)
		close(fd);
	else
		EXPECT_EQ(rove_bpf_close(fd), 0);
}

static volatile u64 never;

FRAMES static void inner(int map, struct seen *seen)
{
	u32 key = 0;

	do {
		for (volatile int i = 0; i < 3000000; i++)
			;
		map_lookup(map, &key, seen);
	} while (!seen->nr);
	never++;
}

FRAMES static void middle(int map, struct seen *seen)
{
	inner(map, seen);
	never++;
}

FRAMES static void outer(int map, struct seen *seen)
{
	middle(map, seen);
	never++;
}

static bool is_in(u64 pc, void (*fn)(int map, struct seen *seen))
{
	return pc - (uintptr_t)fn < FUNCTION_BYTES;
}

/* r6 = the context, r7 = the value; @call leaves its result in r0.  The first run is kept. */
#define SEEN_PROG(map, ...)                                                          \
	MOV_X(6, 1), LD_MAP_VALUE(7, map, 0), __VA_ARGS__,                           \
	STX(BPF_DW, 7, 0, offsetof(struct seen, ret)), MOV_K(1, 1),                  \
	STX(BPF_DW, 7, 1, offsetof(struct seen, nr)), MOV_K(0, 0), EXIT()

#define WORDS(r) MOV_X(r, 7), ADD_K(r, offsetof(struct seen, words))

static void sample(int map, int prog, int event, struct seen *seen)
{
	int link = attach(prog, event);

	EXPECT_TRUE(prog >= 0);
	EXPECT_TRUE(link >= 0);
	event_start(event);
	outer(map, seen);
	event_stop(event);
	drop(link);
	drop(prog);
	drop(map);
}

static int seen_map(void)
{
	return map_new(BPF_MAP_TYPE_ARRAY, 4, sizeof(struct seen), 1, 0);
}

static void sample_stack(u32 size, u32 flags, int event, struct seen *seen)
{
	int map = seen_map();
	const struct bpf_insn insns[] = {
		SEEN_PROG(map, MOV_X(1, 6), WORDS(2), MOV_K(3, size), MOV_K(4, flags),
			  CALL(BPF_FUNC_get_stack)),
	};

	sample(map, PERF_PROG(insns), event, seen);
}

#ifdef __SANITIZE_THREAD__
#define SKIP_LATE() SKIP("ThreadSanitizer runs handlers late, when the stack is another")
#else
#define SKIP_LATE() ((void)0)
#endif

TEST(stack, is_that_of_the_interrupted_code)
{
	int event = EVENT_OR_SKIP(0);
	struct seen seen;

	SKIP_LATE();
	/* A sample may also fall into the lookup: then again. */
	do
		sample_stack(sizeof(seen.words), BPF_F_USER_STACK, event, &seen);
	while (!is_in(seen.words[0], inner));
	EXPECT_TRUE((s64)seen.ret >= 24);
	EXPECT_TRUE(is_in(seen.words[1], middle));
	EXPECT_TRUE(is_in(seen.words[2], outer));
	do
		sample_stack(16, BPF_F_USER_STACK | 1, event, &seen);
	while (!is_in(seen.words[0], middle));
	EXPECT_EQ(seen.ret, 16);
	EXPECT_TRUE(is_in(seen.words[1], outer));
	close(event);
}

static const struct {
	u32 size, flags;
} stack_calls[] = {
	{ 24, BPF_F_USER_STACK },
	{ 8, BPF_F_USER_STACK },
	{ 0, BPF_F_USER_STACK },
	{ 24, 0 },			/* the kernel's stack: none */
	{ 24, 1 },
	{ 12, BPF_F_USER_STACK },
	{ 24, BPF_F_USER_STACK | BPF_F_FAST_STACK_CMP },
	{ 24, BPF_F_USER_STACK | BPF_F_REUSE_STACKID },
	{ 24, BPF_F_USER_STACK | 1u << 20 },
	{ 24, BPF_F_USER_STACK | 255 },
	{ 24, BPF_F_USER_BUILD_ID },
	{ 32, BPF_F_USER_BUILD_ID | BPF_F_USER_STACK },
	{ 24, BPF_F_USER_BUILD_ID | BPF_F_USER_STACK },
};

TEST(stack, calls_give_what_the_kernel_gives)
{
	int event = EVENT_OR_SKIP(0);
	struct seen ours, kernels;
	int probe;

	SKIP_LATE();
	implementor = kernel_bpf;
	probe = seen_map();
	if (probe < 0) {
		implementor = rove_bpf;
		SKIP("no bpf(2) of the kernel's: %s", strerror(-probe));
	}
	close(probe);
	for (size_t i = 0; i < ARRAY_SIZE(stack_calls); i++) {
		implementor = kernel_bpf;
		sample_stack(stack_calls[i].size, stack_calls[i].flags, event, &kernels);
		implementor = rove_bpf;
		sample_stack(stack_calls[i].size, stack_calls[i].flags, event, &ours);
		if (ours.ret != kernels.ret)
			print_message("# size %u flags %#x\n", stack_calls[i].size,
				      stack_calls[i].flags);
		EXPECT_EQ(ours.ret, kernels.ret);
		if (!(stack_calls[i].flags & BPF_F_USER_BUILD_ID))
			for (u32 k = 1; k < 3; k++)
				if (is_in(ours.words[0], inner) && is_in(kernels.words[0], inner))
					EXPECT_EQ(ours.words[k], kernels.words[k]);
	}
	close(event);
}

TEST(stack, has_a_number_in_a_map_of_stacks)
{
	int event = EVENT_OR_SKIP(0), map, stacks;
	u64 ips[8] = { 0 };
	struct seen seen;
	u32 id;

	SKIP_LATE();
	do {
		/* Many: another stack in the same place would be -EEXIST. */
		stacks = map_new(BPF_MAP_TYPE_STACK_TRACE, 4, sizeof(ips), 1 << 14, 0);
		map = seen_map();
		const struct bpf_insn insns[] = {
			SEEN_PROG(map, MOV_X(1, 6), LD_MAP(2, stacks), MOV_K(3, BPF_F_USER_STACK),
				  CALL(BPF_FUNC_get_stackid)),
		};

		sample(map, PERF_PROG(insns), event, &seen);
		id = seen.ret;
		EXPECT_TRUE((s64)seen.ret >= 0);
		EXPECT_EQ(map_lookup(stacks, &id, ips), 0);
		drop(stacks);
	} while (!is_in(ips[0], inner));
	EXPECT_TRUE(is_in(ips[1], middle));
	EXPECT_TRUE(is_in(ips[2], outer));
	close(event);
}

static void stackid(u32 flags, int event, struct seen *seen)
{
	int map = seen_map(), stacks = map_new(BPF_MAP_TYPE_STACK_TRACE, 4, 64, 16, 0);
	const struct bpf_insn insns[] = {
		SEEN_PROG(map, MOV_X(1, 6), LD_MAP(2, stacks), MOV_K(3, flags),
			  CALL(BPF_FUNC_get_stackid)),
	};

	sample(map, PERF_PROG(insns), event, seen);
	drop(stacks);
}

TEST(stack, its_number_is_refused_with_the_kernels_errors)
{
	static const u32 flags[] = { 0, 1, BPF_F_USER_STACK | 255, BPF_F_USER_STACK | 1 << 20,
				     BPF_F_USER_STACK | BPF_F_USER_BUILD_ID };
	int event = EVENT_OR_SKIP(0);
	struct seen seen;

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		stackid(flags[i], event, &seen);
		EXPECT_EQ(seen.ret, i < 3 ? -EFAULT : -EINVAL);
		implementor = kernel_bpf;
		if (seen_map() >= 0) {
			stackid(flags[i], event, &seen);
			EXPECT_EQ(seen.ret, i < 3 ? -EFAULT : -EINVAL);
		}
		implementor = rove_bpf;
	}
	close(event);
}

/* --- the caller of bpf(2) ----------------------------------------------------------------- */

FRAMES static u32 call_it(int prog, u64 *ips, u32 bytes)
{
	u32 value = 0;

	EXPECT_EQ(prog_test_run(prog, ips, bytes, &value), 0);
	never++;
	return value;
}

TEST(stack, of_a_syscall_program_is_that_of_its_caller)
{
	const struct bpf_insn insns[] = {
		MOV_X(6, 1),
		MOV_X(2, 10),
		ADD_K(2, -32),
		MOV_K(3, 32),
		MOV_K(4, BPF_F_USER_STACK),
		CALL(BPF_FUNC_get_stack),
		LDX(BPF_DW, 1, 10, -32),
		STX(BPF_DW, 6, 1, 0),
		LDX(BPF_DW, 1, 10, -24),
		STX(BPF_DW, 6, 1, 8),
		EXIT(),
	};
	int prog = SYSCALL_PROG(insns);
	u64 ips[2] = { 0 };

	EXPECT_TRUE(prog >= 0);
	EXPECT_TRUE(call_it(prog, ips, sizeof(ips)) >= 8);
	/* prog_test_run() may be inlined; it is in this file, and call_it() calls it. */
	EXPECT_TRUE(ips[0] - (uintptr_t)call_it < FUNCTION_BYTES ||
		    ips[1] - (uintptr_t)call_it < FUNCTION_BYTES);
	drop(prog);
}

/* --- the rest of the context -------------------------------------------------------------- */

#if defined(__x86_64__)
#define PC_OFFSET offsetof(struct bpf_perf_event_data, regs.rip)
#define SP_OFFSET offsetof(struct bpf_perf_event_data, regs.rsp)
#else
#define PC_OFFSET offsetof(struct bpf_perf_event_data, regs.pc)
#define SP_OFFSET offsetof(struct bpf_perf_event_data, regs.sp)
#endif
#define CTX_WORD(off, i) \
	LDX(BPF_DW, 1, 6, off), STX(BPF_DW, 7, 1, offsetof(struct seen, words) + 8 * (i))

TEST(context, has_the_interrupted_registers_and_the_period)
{
	int event = EVENT_OR_SKIP(0), map;
	struct seen seen;

	SKIP_LATE();
	do {
		map = seen_map();
		const struct bpf_insn insns[] = {
			SEEN_PROG(map, CTX_WORD(PC_OFFSET, 0), CTX_WORD(SP_OFFSET, 1),
				  CTX_WORD(offsetof(struct bpf_perf_event_data, sample_period), 2),
				  CTX_WORD(offsetof(struct bpf_perf_event_data, addr), 3),
				  MOV_K(0, 0)),
		};

		sample(map, PERF_PROG(insns), event, &seen);
	} while (!is_in(seen.words[0], inner));
	EXPECT_TRUE((uintptr_t)&seen - seen.words[1] < 4096);
	EXPECT_TRUE(seen.words[2] >= PERIOD_NS / 2);
	EXPECT_EQ(seen.words[3], 0);
	close(event);
}

TEST(context, of_an_event_tells_what_it_counted_and_the_links_cookie)
{
	int event = EVENT_OR_SKIP(0), map = seen_map(), link, prog;
	const struct bpf_insn insns[] = {
		SEEN_PROG(map, MOV_X(1, 6), WORDS(2), MOV_K(3, 24),
			  CALL(BPF_FUNC_perf_prog_read_value), MOV_X(8, 0), MOV_X(1, 6),
			  CALL(BPF_FUNC_get_attach_cookie),
			  STX(BPF_DW, 7, 0, offsetof(struct seen, words) + 24), MOV_X(0, 8)),
	};
	struct seen seen;
	u64 value;

	prog = PERF_PROG(insns);
	EXPECT_TRUE(prog >= 0);
	link = BPF(BPF_LINK_CREATE, .link_create = {
			.prog_fd = prog, .target_fd = event, .attach_type = BPF_PERF_EVENT,
			.perf_event = { .bpf_cookie = 0x1122334455667788 } });
	event_start(event);
	outer(map, &seen);
	event_stop(event);
	EXPECT_EQ(read(event, &value, sizeof(value)), sizeof(value));
	EXPECT_EQ(seen.ret, 0);
	EXPECT_TRUE(seen.words[0] > 0 && seen.words[0] <= value);
	EXPECT_EQ(seen.words[3], 0x1122334455667788);
	drop(link);
	drop(prog);
	drop(map);
	close(event);
}

/* Of the kernel's events only; others may not even ask. */
TEST(context, of_other_programs_has_no_event)
{
	const struct bpf_insn insns[] = {
		MOV_X(2, 10), ADD_K(2, -24), MOV_K(3, 24), CALL(BPF_FUNC_perf_prog_read_value),
		EXIT(),
	};

	EXPECT_EQ(SYSCALL_PROG(insns), -EINVAL);
}

/* --- who runs it -------------------------------------------------------------------------- */

static void who_is_sampled(int event, struct seen *seen)
{
	int map = seen_map();
	const struct bpf_insn insns[] = {
		SEEN_PROG(map, CALL(BPF_FUNC_get_current_pid_tgid),
			  STX(BPF_DW, 7, 0, offsetof(struct seen, words)),
			  CALL(BPF_FUNC_get_smp_processor_id),
			  STX(BPF_DW, 7, 0, offsetof(struct seen, words) + 8),
			  CALL(BPF_FUNC_ktime_get_ns),
			  STX(BPF_DW, 7, 0, offsetof(struct seen, words) + 16),
			  CALL(BPF_FUNC_get_current_uid_gid),
			  STX(BPF_DW, 7, 0, offsetof(struct seen, words) + 24), MOV_X(1, 7),
			  ADD_K(1, offsetof(struct seen, words) + 32), MOV_K(2, 16),
			  CALL(BPF_FUNC_get_current_comm)),
	};

	sample(map, PERF_PROG(insns), event, seen);
}

static void check_who(const struct seen *seen, u64 before_ns)
{
	char comm[16] = "";

	EXPECT_EQ(prctl(PR_GET_NAME, comm), 0);
	EXPECT_EQ(seen->ret, 0);
	EXPECT_EQ(seen->words[0], (u64)getpid() << 32 | gettid());
	EXPECT_TRUE(seen->words[1] < sysconf(_SC_NPROCESSORS_CONF));
	EXPECT_TRUE(seen->words[2] >= before_ns && seen->words[2] <= clock_mono_ns());
	EXPECT_EQ(seen->words[3], (u64)getgid() << 32 | getuid());
	EXPECT_STR_EQ((const char *)&seen->words[4], comm);
}

TEST(context, is_the_sampled_threads)
{
	int event = EVENT_OR_SKIP(0), probe;
	u64 before_ns = clock_mono_ns();
	struct seen seen;

	who_is_sampled(event, &seen);
	check_who(&seen, before_ns);
	implementor = kernel_bpf;
	probe = seen_map();
	if (probe >= 0) {
		close(probe);
		who_is_sampled(event, &seen);
		check_who(&seen, before_ns);
	}
	implementor = rove_bpf;
	close(event);
}

/* --- attaching ---------------------------------------------------------------------------- */

/* What LINK_CREATE answers, one after the other. */
static void try_to_attach(int event, int answers[7])
{
	const struct bpf_insn nothing[] = { MOV_K(0, 0), EXIT() };
	int prog = PERF_PROG(nothing), null = open("/dev/null", O_RDONLY), link;
	int tracepoint = prog_new(BPF_PROG_TYPE_TRACEPOINT, nothing, 2);

	answers[0] = attach(tracepoint, -1);
	answers[1] = attach(tracepoint, event);
	answers[2] = attach(prog, -1);
	answers[3] = attach(prog, null);
	answers[4] = BPF(BPF_LINK_CREATE, .link_create = { .prog_fd = prog, .target_fd = event,
							   .attach_type = BPF_PERF_EVENT,
							   .flags = 1 });
	answers[5] = BPF(BPF_LINK_CREATE, .link_create = { .prog_fd = prog, .target_fd = event,
							   .attach_type = BPF_TRACE_ITER });
	link = attach(prog, event);
	EXPECT_TRUE(link >= 0);
	answers[6] = attach(prog, event);
	drop(link);
	drop(tracepoint);
	drop(prog);
	close(null);
}

TEST(attach, errors_are_the_kernels)
{
	static const int expected[7] = { -EBADF, -EINVAL, -EBADF, -EBADF, -EINVAL, -EINVAL, -EEXIST };
	int event = EVENT_OR_SKIP(0), ours[7], kernels[7], probe;

	try_to_attach(event, ours);
	EXPECT_MEM_EQ(ours, expected, sizeof(ours));
	implementor = kernel_bpf;
	probe = seen_map();
	if (probe >= 0) {
		close(probe);
		try_to_attach(event, kernels);
	}
	implementor = rove_bpf;
	close(event);
	if (probe < 0)
		SKIP("no bpf(2) of the kernel's: %s", strerror(-probe));
	EXPECT_MEM_EQ(kernels, expected, sizeof(kernels));
}
