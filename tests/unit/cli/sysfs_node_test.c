/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/unit/cli/sysfs_node_test.c - a row of files that change while they are read
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/test.h"

#include "cli/collect/sysfs_node.h"

static const char *const files[] = {
	"active_count", "relax_count", "event_count", "wakeup_count", "expire_count",
	"active_time_ms", "total_time_ms", "max_time_ms", "last_change_ms",
	"prevent_suspend_time_ms", "name",
};

struct fake {
	char dir[64];
	int class_fd;
	struct fd_budget budget;
	struct sysfs_tally tally;
	struct sysfs_node node;
	struct wakeup_row row;
};

static void put(const struct fake *fake, const char *file, const char *text)
{
	char path[160];
	int fd;

	snprintf(path, sizeof(path), "%s/wakeup7/%s", fake->dir, file);
	fd = open(path, O_WRONLY | O_CREAT, 0644);
	EXPECT_TRUE(fd >= 0);
	EXPECT_EQ(pwrite(fd, text, strlen(text), 0), strlen(text));
	close(fd);
}

static void fake_init(struct fake *fake)
{
	char path[128];

	memset(fake, 0, sizeof(*fake));
	strcpy(fake->dir, "/tmp/rove-unit-XXXXXX");
	EXPECT_TRUE(mkdtemp(fake->dir));
	snprintf(path, sizeof(path), "%s/wakeup7", fake->dir);
	EXPECT_EQ(mkdir(path, 0755), 0);
	for (u32 i = 0; i < ARRAY_SIZE(files); i++)
		put(fake, files[i], "10000000\n");
	fake->class_fd = open(fake->dir, O_RDONLY | O_DIRECTORY);
	EXPECT_TRUE(fake->class_fd >= 0);
	strcpy(fake->node.dir, "wakeup7");
	fd_budget_init(&fake->budget);
}

static void fake_fini(struct fake *fake)
{
	char path[160];

	sysfs_node_close(&fake->node, &fake->budget);
	EXPECT_EQ(fake->budget.used, 0);
	for (u32 i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof(path), "%s/wakeup7/%s", fake->dir, files[i]);
		unlink(path);
	}
	snprintf(path, sizeof(path), "%s/wakeup7", fake->dir);
	rmdir(path);
	close(fake->class_fd);
	rmdir(fake->dir);
}

static int read_row(struct fake *fake)
{
	return sysfs_node_read(&fake->node, fake->class_fd, &fake->budget, &fake->tally,
			       &fake->row);
}

TEST(sysfs_node, a_source_at_rest_is_never_torn)
{
	struct fake fake;

	fake_init(&fake);
	for (u32 i = 0; i < 200; i++) {
		EXPECT_EQ(read_row(&fake), 0);
		EXPECT_FALSE(fake.row.attr[WAKEUP_TORN]);
		EXPECT_EQ(fake.row.attr[WAKEUP_TOTAL_TIME], 10000000ll * 1000000);
	}
	EXPECT_EQ(fake.tally.unreadable, 0);
	fake_fini(&fake);
}

/* The source changes after every so many reads of any file, so many times. */
static struct fake *changing;
static u32 reads_to_change, nr_reads, changes_left;

/* Instead of libc's: what is read next may have changed since what was read last. */
ssize_t pread(int fd, void *buf, size_t size, off_t offset)
{
	ssize_t len = syscall(SYS_pread64, fd, buf, size, offset);
	char text[16];

	if (changes_left && ++nr_reads % reads_to_change == 0) {
		changes_left--;
		snprintf(text, sizeof(text), "%u\n", 10000000 + nr_reads);
		put(changing, "active_count", text);
		put(changing, "event_count", text);
	}
	return len;
}

static void read_changing(struct fake *fake, u32 every, u32 times)
{
	changing = fake;
	nr_reads = 0;
	reads_to_change = every;
	changes_left = times;
	EXPECT_EQ(read_row(fake), 0);
	changes_left = 0;
}

TEST(sysfs_node, a_source_that_never_rests_is_flagged)
{
	struct fake fake;

	fake_init(&fake);
	EXPECT_EQ(read_row(&fake), 0);
	for (u32 every = 1; every < 10; every++) {
		read_changing(&fake, every, UINT32_MAX);
		EXPECT_TRUE(fake.row.attr[WAKEUP_TORN]);
		EXPECT_EQ(read_row(&fake), 0);
		EXPECT_FALSE(fake.row.attr[WAKEUP_TORN]);
	}
	fake_fini(&fake);
}

TEST(sysfs_node, a_source_that_changed_once_is_read_again)
{
	struct fake fake;

	fake_init(&fake);
	EXPECT_EQ(read_row(&fake), 0);
	/* After the last number of the first reading, so that only the stamps tell. */
	read_changing(&fake, SYSFS_NODE_FILES, 1);
	EXPECT_FALSE(fake.row.attr[WAKEUP_TORN]);
	EXPECT_EQ(fake.row.attr[WAKEUP_ACTIVE_COUNT], 10000000 + SYSFS_NODE_FILES);
	EXPECT_EQ(fake.row.attr[WAKEUP_EVENT_COUNT], 10000000 + SYSFS_NODE_FILES);
	fake_fini(&fake);
}

TEST(sysfs_node, without_a_budget_files_are_opened_for_each_read)
{
	struct fake fake;

	fake_init(&fake);
	fake.budget.limit = 0;
	fake.budget.used = UINT64_MAX / 2;	/* raising the limit does not help */
	EXPECT_EQ(read_row(&fake), 0);
	EXPECT_FALSE(fake.node.kept);
	EXPECT_EQ(fake.row.attr[WAKEUP_EVENT_COUNT], 10000000);
	put(&fake, "event_count", "20000000\n");
	EXPECT_EQ(read_row(&fake), 0);
	EXPECT_EQ(fake.row.attr[WAKEUP_EVENT_COUNT], 20000000);
	fake.budget.used = 0;
	fake_fini(&fake);
}

TEST(sysfs_node, a_source_that_is_gone_is_enodev_and_closed)
{
	struct fake fake;
	char from[160], to[160];

	fake_init(&fake);
	EXPECT_EQ(read_row(&fake), 0);
	snprintf(from, sizeof(from), "%s/wakeup7", fake.dir);
	snprintf(to, sizeof(to), "%s/gone", fake.dir);
	EXPECT_EQ(rename(from, to), 0);
	EXPECT_EQ(read_row(&fake), -ENODEV);
	EXPECT_FALSE(fake.node.open);
	EXPECT_EQ(fake.budget.used, 0);
	EXPECT_EQ(rename(to, from), 0);
	EXPECT_EQ(read_row(&fake), 0);
	fake_fini(&fake);
}
