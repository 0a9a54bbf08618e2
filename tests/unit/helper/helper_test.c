/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Helpers as functions, and in programs.
 */
#include <errno.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/checked_copy.h"
#include "bpf/helper/format.h"
#include "bpf/helper/helper.h"
#include "tests/test.h"
#include "tests/unit/syscall/bpf.h"

static char text[200];

static int print_n(u32 size, const char *fmt, const u64 *args, u32 nr_args)
{
	memset(text, '#', sizeof(text));
	text[sizeof(text) - 1] = 0;
	return format_text(text, size, fmt, strlen(fmt) + 1, args, nr_args);
}

#define PRINT(fmt, ...)                                                              \
	print_n(sizeof(text), (fmt), (const u64[]){ __VA_ARGS__ },                   \
		sizeof((u64[]){ __VA_ARGS__ }) / sizeof(u64))

#define EXPECT_TEXT(expected, fmt, ...)                                              \
	do {                                                                         \
		EXPECT_EQ(PRINT(fmt, __VA_ARGS__), strlen(expected));                \
		EXPECT_STR_EQ(text, expected);                                       \
	} while (0)

TEST(format, numbers_have_the_width_their_length_says)
{
	EXPECT_TEXT("-1 4294967295", "%d %u", UINT64_MAX, UINT64_MAX);
	EXPECT_TEXT("-1 -1", "%ld %lli", UINT64_MAX, UINT64_MAX);
	EXPECT_TEXT("18446744073709551615", "%llu", UINT64_MAX);
	EXPECT_TEXT("deadbeef DEADBEEF ffffffffffffffff", "%x %X %lx", 0x1deadbeef, 0x1deadbeef,
		    UINT64_MAX);
	EXPECT_TEXT("[  5] [007] [9  ] [+3] [ 4]", "[%3d] [%03d] [%-3d] [%+d] [% d]", 5, 7, 9, 3, 4);
}

/* Every set of flags, widths up to more than there are digits, numbers of every length. */
TEST(format, numbers_are_as_snprintf_prints_them)
{
	static const char *const lengths[] = { "", "l", "ll" };
	char fmt[32], expected[200];

	for (u32 n = 0; n < 16 * 25 * 5 * 3; n++) {
		u32 flags = n % 16, width = n / 16 % 25, letter = n / 400 % 5, length = n / 2000;

		snprintf(fmt, sizeof(fmt), "<%%%s%s%s%s%.0d%s%c>", flags & 1 ? "0" : "",
			 flags & 2 ? " " : "", flags & 4 ? "+" : "", flags & 8 ? "-" : "",
			 width, lengths[length], "diuxX"[letter]);
		for (u32 shift = 0; shift < 64; shift += 1 + n % 7) {
			u64 arg = 0x8765432187654321ull >> shift, neg = -arg;

			for (u32 i = 0; i < 2; i++, arg = neg) {
				int len = length ? snprintf(expected, 200, fmt, arg) :
						   snprintf(expected, 200, fmt, (u32)arg);

				EXPECT_EQ(PRINT(fmt, arg), len);
				EXPECT_STR_EQ(text, expected);
			}
		}
	}
	EXPECT_TEXT("0 0 0", "%d %u %x", 0, 0, 0);
	EXPECT_TEXT("-9223372036854775808", "%lld", (u64)1 << 63);
}

TEST(format, characters_strings_pointers_and_percents)
{
	EXPECT_TEXT("a 100%", "%c 100%%", 'a');
	EXPECT_TEXT("<word> <word>", "<%s> <%pks>", PTR("word"), PTR("word"));
	EXPECT_TEXT("0000000000001234 0000000000001234.", "%p %px.", 0x1234, 0x1234);
	EXPECT_TEXT("[  ab] [ab  ]", "[%4s] [%-4s]", PTR("ab"), PTR("ab"));
}

TEST(format, a_string_that_is_not_there_is_empty)
{
	EXPECT_EQ(checked_copy_init(), 0);
	EXPECT_TEXT("<> <>", "<%s> <%s>", 8, 0xffff800000000000);
}

TEST(format, what_is_not_a_conversion_is_refused)
{
	static const char *const bad[] = {
		"%", "%z", "%ld %", "%lld%hd", "%5", "%-", "%s%d %lf", "%n", "%*d", "%.3s", "%sx",
		"%cc", "%pz", "%l", "%lc", "\x01", "\x80",
	};

	for (u32 i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_EQ(PRINT(bad[i], 1, 2, 3), -EINVAL);
	EXPECT_EQ(PRINT("%d %d %d", 1, 2), -EINVAL);	/* more than there are */
	EXPECT_EQ(PRINT("%d", 1, 2), 1);		/* fewer */
	EXPECT_EQ(format_text(NULL, 0, "no end", 6, NULL, 0), -EINVAL);
}

TEST(format, too_long_a_text_is_cut_and_its_length_told)
{
	u64 args[] = { 12345, PTR("abcdefgh") };

	for (u32 size = 1; size < 20; size++) {
		EXPECT_EQ(print_n(size, "%d-%s!", args, 2), 15);
		EXPECT_EQ(strlen(text), min(size - 1, 15u));
		EXPECT_EQ(strncmp(text, "12345-abcdefgh!", size - 1), 0);
		EXPECT_EQ(text[size], '#');	/* nothing beyond */
	}
	EXPECT_EQ(print_n(0, "%d", args, 1), 5);
	EXPECT_EQ(text[0], '#');
}

TEST(helper, every_row_of_the_table_can_be_called)
{
	u32 nr = 0;

	for (u32 id = 0; id < 300; id++) {
		const struct helper *h = helper_find(id);

		if (!h)
			continue;
		nr++;
		EXPECT_TRUE(h->fn != NULL);
		EXPECT_EQ(strncmp(h->proto.name, "bpf_", 4), 0);
	}
	EXPECT_TRUE(nr >= 32);
	EXPECT_PTR_EQ(helper_find(UINT32_MAX), NULL);
	EXPECT_PTR_EQ(helper_find(0), NULL);
}

TEST(helper, probe_read_gives_bytes_or_zeros)
{
	char from[8] = "abcdefg", to[8];

	EXPECT_EQ(checked_copy_init(), 0);
	EXPECT_EQ(helper_probe_read(PTR(to), 8, PTR(from), 0, 0), 0);
	EXPECT_STR_EQ(to, "abcdefg");
	EXPECT_EQ(helper_probe_read(PTR(to), 8, 1, 0, 0), -EFAULT);
	EXPECT_EQ(to[0] | to[7], 0);
	EXPECT_EQ(helper_probe_read_str(PTR(to), 4, PTR(from), 0, 0), 4);
	EXPECT_STR_EQ(to, "abc");
	EXPECT_EQ(helper_probe_read_str(PTR(to), 8, PTR(from), 0, 0), 8);
	EXPECT_EQ((s64)helper_probe_read_str(PTR(to), 8, 1, 0, 0), -EFAULT);
	EXPECT_EQ(to[0], 0);
}

static u64 now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

TEST(helper, clocks_are_the_ones_they_say)
{
	u64 before = now_ns(CLOCK_MONOTONIC), t = helper_ktime_get_ns(0, 0, 0, 0, 0);

	EXPECT_TRUE(before <= t && t <= now_ns(CLOCK_MONOTONIC));
	before = now_ns(CLOCK_BOOTTIME);
	t = helper_ktime_get_boot_ns(0, 0, 0, 0, 0);
	EXPECT_TRUE(before <= t && t <= now_ns(CLOCK_BOOTTIME));
	before = now_ns(CLOCK_TAI);
	t = helper_ktime_get_tai_ns(0, 0, 0, 0, 0);
	EXPECT_TRUE(before <= t && t <= now_ns(CLOCK_TAI));
	before = now_ns(CLOCK_MONOTONIC_COARSE);
	t = helper_ktime_get_coarse_ns(0, 0, 0, 0, 0);
	EXPECT_TRUE(before <= t && t <= now_ns(CLOCK_MONOTONIC_COARSE));
	before = now_ns(CLOCK_MONOTONIC_COARSE) / 4000000;
	t = helper_jiffies64(0, 0, 0, 0, 0);
	EXPECT_TRUE(before <= t && t <= now_ns(CLOCK_MONOTONIC_COARSE) / 4000000);
}

TEST(helper, who_runs_the_program)
{
	char comm[16], was[16];

	EXPECT_EQ(helper_get_current_pid_tgid(0, 0, 0, 0, 0),
		  (u64)getpid() << 32 | (u32)syscall(SYS_gettid));
	EXPECT_EQ(helper_get_current_uid_gid(0, 0, 0, 0, 0), (u64)getgid() << 32 | getuid());
	prctl(PR_GET_NAME, was);
	prctl(PR_SET_NAME, "fifteen letters");
	EXPECT_EQ(helper_get_current_comm(PTR(comm), 16, 0, 0, 0), 0);
	EXPECT_STR_EQ(comm, "fifteen letters");
	EXPECT_EQ(helper_get_current_comm(PTR(comm), 4, 0, 0, 0), 0);
	EXPECT_STR_EQ(comm, "fif");
	prctl(PR_SET_NAME, was);
	EXPECT_TRUE(helper_get_smp_processor_id(0, 0, 0, 0, 0) < 4096);
}

TEST(helper, random_numbers_differ)
{
	u32 a = helper_get_prandom_u32(0, 0, 0, 0, 0), b = helper_get_prandom_u32(0, 0, 0, 0, 0);
	u32 c = helper_get_prandom_u32(0, 0, 0, 0, 0);

	EXPECT_FALSE(a == b && b == c);
}

TEST(helper, snprintf_counts_the_nul_and_checks_its_arguments)
{
	u64 args[2] = { 5, 6 };
	char out[8];

	EXPECT_EQ(helper_snprintf(PTR(out), 8, PTR("%d,%d"), PTR(args), 16), 4);
	EXPECT_STR_EQ(out, "5,6");
	EXPECT_EQ(helper_snprintf(PTR(out), 3, PTR("%d,%d"), PTR(args), 16), 4);
	EXPECT_STR_EQ(out, "5,");
	EXPECT_EQ(helper_snprintf(0, 0, PTR("%d,%d"), PTR(args), 16), 4);
	EXPECT_EQ((s64)helper_snprintf(PTR(out), 8, PTR("%d"), PTR(args), 9), -EINVAL);
	EXPECT_EQ((s64)helper_snprintf(PTR(out), 8, PTR("%d"), PTR(args), 104), -EINVAL);
	EXPECT_EQ((s64)helper_snprintf(PTR(out), 8, PTR("%d"), 0, 8), -EINVAL);
}

TEST(helper, strncmp_stops_at_its_size)
{
	EXPECT_EQ(helper_strncmp(PTR("abcX"), 3, PTR("abc"), 0, 0), 0);
	EXPECT_TRUE((s64)helper_strncmp(PTR("abd"), 3, PTR("abc"), 0, 0) > 0);
	EXPECT_TRUE((s64)helper_strncmp(PTR("abb"), 3, PTR("abc"), 0, 0) < 0);
}

TEST(helper, a_trace_line_goes_where_it_was_told_and_else_nowhere)
{
	/* "n=%d\n" on the stack */
	struct bpf_insn insns[] = {
		ST(BPF_W, 10, -8, 'n' | '=' << 8 | '%' << 16 | 'd' << 24), ST(BPF_W, 10, -4, 0),
		MOV_X(1, 10), ADD_K(1, -8), MOV_K(2, 5), MOV_K(3, 42),
		CALL(BPF_FUNC_trace_printk), EXIT(),
	};
	int fd = SYSCALL_PROG(insns), pipe_fds[2];
	char line[32] = "";
	u32 value;

	EXPECT_TRUE(fd >= 0);
	EXPECT_EQ(prog_test_run(fd, NULL, 0, &value), 0);
	EXPECT_EQ(value, 4);
	EXPECT_EQ(pipe(pipe_fds), 0);
	rove_bpf_set_trace_fd(pipe_fds[1]);
	EXPECT_EQ(prog_test_run(fd, NULL, 0, &value), 0);
	rove_bpf_set_trace_fd(-1);
	EXPECT_EQ(read(pipe_fds[0], line, sizeof(line) - 1), 5);
	EXPECT_STR_EQ(line, "n=42\n");
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	rove_bpf_close(fd);
}

/* h[7] = 3 if it is not there; then h[7]++; return h[7] */
TEST(helper, programs_find_and_change_elements)
{
	int map = map_new(BPF_MAP_TYPE_HASH, 4, 8, 4, 0);
	struct bpf_insn insns[] = {
		ST(BPF_W, 10, -4, 7), ST(BPF_DW, 10, -16, 3),
		LD_MAP(1, map), MOV_X(2, 10), ADD_K(2, -4), MOV_X(3, 10), ADD_K(3, -16),
		MOV_K(4, BPF_NOEXIST), CALL(BPF_FUNC_map_update_elem),
		LD_MAP(1, map), MOV_X(2, 10), ADD_K(2, -4), CALL(BPF_FUNC_map_lookup_elem),
		JMP_K(BPF_JNE, 0, 0, 2), MOV_K(0, -1), EXIT(),
		LDX(BPF_DW, 1, 0, 0), ADD_K(1, 1), STX(BPF_DW, 0, 1, 0), MOV_X(0, 1), EXIT(),
	};
	int fd = SYSCALL_PROG(insns);
	u32 value, key = 7;
	u64 got;

	EXPECT_TRUE(fd >= 0);
	EXPECT_EQ(prog_test_run(fd, NULL, 0, &value), 0);
	EXPECT_EQ(value, 4);
	EXPECT_EQ(prog_test_run(fd, NULL, 0, &value), 0);
	EXPECT_EQ(value, 5);
	EXPECT_EQ(map_lookup(map, &key, &got), 0);
	EXPECT_EQ(got, 5);
	rove_bpf_close(fd);
	rove_bpf_close(map);
}
