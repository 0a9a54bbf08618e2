/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/unit/cli/sysfs_listing_test.c - a listing of /sys/class/wakeup is whole, whatever readdir skips
 *
 * This program's own readdir(3) leaves out what a test asks it to, as the kernel's
 * does when sources come and go meanwhile.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/test.h"

#include "cli/collect/collect.h"
#include "cli/model/wakeup.h"

static const char *skipped[8];

static bool is_skipped(const char *name)
{
	for (u32 i = 0; i < ARRAY_SIZE(skipped) && skipped[i]; i++)
		if (!strcmp(skipped[i], name))
			return true;
	return false;
}

struct dirent *readdir(DIR *dir)
{
	static struct dirent *(*real)(DIR *dir);
	struct dirent *entry;

	if (!real)
		real = (struct dirent *(*)(DIR *))dlsym(RTLD_NEXT, "readdir");
	do {
		entry = real(dir);
	} while (entry && is_skipped(entry->d_name));
	return entry;
}

static char root[64];

static void make_source(u32 number)
{
	char path[160];
	int fd;

	snprintf(path, sizeof(path), "%s/class/wakeup/wakeup%u", root, number);
	EXPECT_EQ(mkdir(path, 0755), 0);
	strcat(path, "/active_count");
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	EXPECT_EQ(dprintf(fd, "%u\n", number), number < 10 ? 2 : 3);
	close(fd);
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
	setenv("ROVE_SYSFS_ROOT", root, 1);
}

static void remove_tree(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", root);
	EXPECT_EQ(system(command), 0);
}

/* The numbers of the sources that a collection finds, as bits. */
static u64 found(void)
{
	struct collect_options options = { 0 };
	struct collect_status status = { 0 };
	struct listing listing;
	struct wakeup_row row;
	u64 bits = 0;
	void *state;

	EXPECT_EQ(wakeup_sysfs_source.open(&options, &state, &status), COLLECT_OK);
	EXPECT_EQ(wakeup_sysfs_source.run(state, &listing), 0);
	for (u64 i = 0; i < listing.nr_rows; i++) {
		listing.row(&listing, i, &row);
		EXPECT_EQ(bits & 1ULL << row.attr[WAKEUP_ACTIVE_COUNT], 0);
		bits |= 1ULL << row.attr[WAKEUP_ACTIVE_COUNT];
	}
	wakeup_sysfs_source.close(state);
	return bits;
}

TEST(sysfs_listing, finds_sources_that_readdir_skips)
{
	make_tree();
	for (u32 i = 0; i < 12; i++)
		if (i != 5)
			make_source(i);

	EXPECT_EQ(found(), 0xfdf);
	skipped[0] = "wakeup0";
	skipped[1] = "wakeup7";
	skipped[2] = "wakeup8";
	skipped[3] = "wakeup11";
	EXPECT_EQ(found(), 0xfdf);
	memset(skipped, 0, sizeof(skipped));
	remove_tree();
}

TEST(sysfs_listing, of_an_empty_class_is_empty)
{
	make_tree();
	EXPECT_EQ(found(), 0);
	remove_tree();
}

