/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/unit/cli/no_memory_test.c - whole commands, with the n-th allocation failing
 *
 * For every n until a run gets through: the command may fail, with the exit code
 * of an error, but it may not crash, hang, or claim success with less than it
 * had to print.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/failing.h"
#include "tests/test.h"

#include "cli/cmd/command.h"

static char root[64];

static void put(const char *dir, const char *file, const char *text)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	fd = open(path, O_WRONLY | O_CREAT, 0644);
	EXPECT_TRUE(fd >= 0);
	EXPECT_EQ(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void make_source(u32 i)
{
	static const char *const files[] = {
		"active_count", "relax_count", "event_count", "wakeup_count", "expire_count",
		"active_time_ms", "total_time_ms", "max_time_ms", "last_change_ms",
		"prevent_suspend_time_ms",
	};
	char dir[128];

	snprintf(dir, sizeof(dir), "%s/class/wakeup/wakeup%u", root, i);
	EXPECT_EQ(mkdir(dir, 0755), 0);
	for (u32 f = 0; f < ARRAY_SIZE(files); f++)
		put(dir, files[f], "12\n");
	put(dir, "name", "some \033name that is a little longer than others\n");
	EXPECT_EQ(symlink("/nowhere/a-device-with-a-name-of-some-length", strcat(dir, "/device")),
		  0);
}

static const char *make_dir(const char *name)
{
	static char path[160];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	EXPECT_EQ(mkdir(path, 0755), 0);
	return path;
}

/* Two buffers, one process with a descriptor and a mapping of the first. */
static void make_dmabufs(void)
{
	char path[192];

	put(make_dir("dma_buf"), "bufinfo", "\nDma-buf Objects:\nsize\tino     \tname\n"
	    "00004096\t00000002\t00080007\t00000002\tsystem\t00000007\ta name\n"
	    "\tAttached Devices:\n\tgpu0\nTotal 1 devices attached\n\n"
	    "00008192\t00000002\t00080007\t00000001\tudmabuf\t00000008\t<none>\n"
	    "\tAttached Devices:\nTotal 0 devices attached\n\n"
	    "\nTotal 2 objects, 12288 bytes\n");
	put(make_dir("77"), "comm", "holder\n");
	put(make_dir("77/fdinfo"), "3",
	    "ino:\t7\nsize:\t4096\ncount:\t2\nexp_name:\tsystem\nname:\ta name\n");
	snprintf(path, sizeof(path), "%s/3", make_dir("77/fd"));
	EXPECT_EQ(symlink("/dmabuf:a name", path), 0);
	snprintf(path, sizeof(path), "%s/77", root);
	put(path, "maps", "7f0000000000-7f0000001000 rw-s 00000000 00:0b 7    /dmabuf:a name\n");
}

static void make_tree(void)
{
	char path[128];

	strcpy(root, "/tmp/rove-unit-XXXXXX");
	EXPECT_TRUE(mkdtemp(root));
	snprintf(path, sizeof(path), "%s/class", root);
	EXPECT_EQ(mkdir(path, 0755), 0);
	strcat(path, "/wakeup");
	EXPECT_EQ(mkdir(path, 0755), 0);
	for (u32 i = 0; i < 3; i++)
		make_source(i);
	put(root, "wakeup_sources", "name\t\tactive_count\tevent_count\n"
	    "one         \t1\t\t2\nthe other one\t3\t\t4\ndeleted     \t0\t\t0\n");
	make_dmabufs();
	setenv("ROVE_SYSFS_ROOT", root, 1);
	setenv("ROVE_DEBUGFS_ROOT", root, 1);
	setenv("ROVE_PROC_ROOT", root, 1);
}

static void remove_tree(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", root);
	EXPECT_EQ(system(command), 0);
}

/* What the child found: the size of its output, and whether an allocation failed. */
struct outcome {
	int status;
	off_t bytes;
	bool failed_one;
};

static void child(char **argv, u64 n, int out)
{
	int argc = 0, code;
	bool failed_one;

	while (argv[argc])
		argc++;
	dup2(out, STDOUT_FILENO);
	close(STDERR_FILENO);
	open("/dev/null", O_WRONLY);
	alarm(20);
	fail_nth(n);
	code = command_main(argc, argv);
	failed_one = fail_none();
	fflush(stdout);
	_exit(code | (failed_one ? 0x40 : 0));
}

static struct outcome run(char **argv, u64 n)
{
	char path[] = "/tmp/rove-unit-out-XXXXXX";
	struct outcome outcome;
	struct stat st;
	int fd = mkstemp(path);
	pid_t pid;

	EXPECT_TRUE(fd >= 0);
	unlink(path);
	fflush(stdout);
	pid = fork();
	if (!pid)
		child(argv, n, fd);
	EXPECT_EQ(waitpid(pid, &outcome.status, 0), pid);
	EXPECT_EQ(fstat(fd, &st), 0);
	close(fd);
	outcome.bytes = st.st_size;
	outcome.failed_one = WIFEXITED(outcome.status) && (WEXITSTATUS(outcome.status) & 0x40);
	return outcome;
}

static int code_of(const struct outcome *outcome)
{
	return WEXITSTATUS(outcome->status) & ~0x40;
}

static bool is_whole(const struct outcome *outcome, const struct outcome *whole, off_t slack)
{
	return code_of(outcome) == EXIT_COMPLETE && outcome->bytes + slack > whole->bytes;
}

/* @slack: bytes that may be missing from a success: json-c's printer does not tell. */
static void fail_each(char **argv, off_t slack)
{
	struct outcome whole = run(argv, INT64_MAX), outcome;
	u64 n = 1;

	EXPECT_EQ(whole.status, 0);
	for (;; n++) {
		outcome = run(argv, n);
		if (!WIFEXITED(outcome.status))
			print_error("%s %s: allocation %llu: signal %d\n", argv[1], argv[2],
				    (unsigned long long)n, WTERMSIG(outcome.status));
		EXPECT_TRUE(WIFEXITED(outcome.status));
		if (!outcome.failed_one)
			break;
		EXPECT_TRUE(code_of(&outcome) == EXIT_RUNTIME || is_whole(&outcome, &whole, slack));
	}
	EXPECT_EQ(outcome.status, 0);
	EXPECT_TRUE(n > 10);
}

/* Clocks and costs may have a digit less; a name or a row would be more. */
#define FEW_DIGITS 16

#define FAIL_EACH_OF(noun, slack, ...)                                          \
	do {                                                                    \
		if (!ANY_CALL_CAN_FAIL)                                         \
			SKIP("a sanitizer's allocator cannot be made to fail"); \
		make_tree();                                                    \
		fail_each((char *[]){ "rove", noun, __VA_ARGS__, NULL }, slack); \
		remove_tree();                                                  \
	} while (0)

#define FAIL_EACH(slack, ...) FAIL_EACH_OF("wakeup", slack, __VA_ARGS__)

TEST(no_memory, a_table_of_sysfs)
{
	FAIL_EACH(FEW_DIGITS, "--source", "sysfs", "-s", "NAME", "-F", "name~some,active_count>1",
		  "some*");
}

TEST(no_memory, json_of_sysfs)
{
	FAIL_EACH(100, "--source", "sysfs", "-j", "--top", "2", "-o", "name,total,device");
}

TEST(no_memory, csv_of_debugfs)
{
	FAIL_EACH(FEW_DIGITS, "--source", "debugfs", "-O", "csv");
}

TEST(no_memory, key_value_pairs)
{
	FAIL_EACH(FEW_DIGITS, "--source", "sysfs", "-O", "kv");
}

TEST(no_memory, the_kernels_layout)
{
	FAIL_EACH(FEW_DIGITS, "--source", "sysfs", "-O", "debugfs");
}

TEST(no_memory, the_table_of_android)
{
	FAIL_EACH(FEW_DIGITS, "--source", "sysfs", "-O", "dumpsys");
}

TEST(no_memory, the_columns)
{
	FAIL_EACH(FEW_DIGITS, "-o", "help", "-O", "tsv");
}

TEST(no_memory, dmabufs_of_debugfs)
{
	FAIL_EACH_OF("dmabuf", FEW_DIGITS, "--source", "debugfs", "-O", "csv");
}

TEST(no_memory, dmabufs_as_json_with_lists_in_it)
{
	FAIL_EACH_OF("dmabuf", 150, "--source", "debugfs", "-j", "-o", "inode,holders,devices");
}

TEST(no_memory, dmabufs_by_exporter)
{
	FAIL_EACH_OF("dmabuf", FEW_DIGITS, "by-exporter", "--source", "debugfs");
}

TEST(no_memory, dmabufs_by_process)
{
	FAIL_EACH_OF("dmabuf", FEW_DIGITS, "by-process", "--source", "debugfs");
}

TEST(no_memory, dmabufs_by_device)
{
	FAIL_EACH_OF("dmabuf", FEW_DIGITS, "by-device", "--source", "debugfs");
}

TEST(no_memory, dmabufs_compared)
{
	FAIL_EACH_OF("dmabuf", FEW_DIGITS, "diff", "--source", "debugfs", "-i", "0.001");
}

TEST(no_memory, dmabufs_as_bufinfo)
{
	FAIL_EACH_OF("dmabuf", FEW_DIGITS, "--source", "debugfs", "-O", "bufinfo");
}

TEST(no_memory, wakeup_sources_compared)
{
	FAIL_EACH(FEW_DIGITS, "diff", "--source", "sysfs", "-i", "0.001");
}
