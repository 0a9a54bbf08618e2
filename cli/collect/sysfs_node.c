/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/collect/sysfs_node.c - one wakeupN directory, read through kept descriptors
 *
 * Every attribute is a file with its own moment of reading, so a source may
 * change between two of them.  active_count and relax_count count all changes:
 * they are read before and after the others, and a row in between which they
 * moved is read again, a few times, and then flagged.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/collect/sysfs_node.h"

#define NS_PER_MS 1000000
#define NR_STAMPS 2		/* of attr_files, the first */
#define MAX_READS 4
#define SPARE_FDS 64		/* for everything else */
#define TEXT_BYTES 4096		/* no sysfs file is longer */

static const struct { const char *file; enum wakeup_attr attr; s64 scale; } attr_files[] = {
	{ "active_count", WAKEUP_ACTIVE_COUNT, 1 },
	{ "relax_count", WAKEUP_RELAX_COUNT, 1 },
	{ "event_count", WAKEUP_EVENT_COUNT, 1 },
	{ "wakeup_count", WAKEUP_WAKEUP_COUNT, 1 },
	{ "expire_count", WAKEUP_EXPIRE_COUNT, 1 },
	{ "active_time_ms", WAKEUP_ACTIVE_TIME, NS_PER_MS },
	{ "total_time_ms", WAKEUP_TOTAL_TIME, NS_PER_MS },
	{ "max_time_ms", WAKEUP_MAX_TIME, NS_PER_MS },
	{ "last_change_ms", WAKEUP_LAST_CHANGE, NS_PER_MS },
	{ "prevent_suspend_time_ms", WAKEUP_PREVENT_TIME, NS_PER_MS },
};
_Static_assert(ARRAY_SIZE(attr_files) == SYSFS_NODE_FILES, "a descriptor for each file");

/* --- descriptors -------------------------------------------------------------------------- */

/**
 * fd_budget_init - what the soft limit of this process leaves for nodes
 *
 * Context: thread.
 */
void fd_budget_init(struct fd_budget *budget)
{
	struct rlimit rl;

	budget->used = 0;
	budget->limit = 0;
	if (!getrlimit(RLIMIT_NOFILE, &rl) && rl.rlim_cur > SPARE_FDS)
		budget->limit = rl.rlim_cur - SPARE_FDS;
}

static void raise_limit(struct fd_budget *budget)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) || rl.rlim_cur >= rl.rlim_max)
		return;
	rl.rlim_cur = rl.rlim_max;
	if (!setrlimit(RLIMIT_NOFILE, &rl) && rl.rlim_cur > SPARE_FDS)
		budget->limit = rl.rlim_cur - SPARE_FDS;
}

static bool fd_budget_take(struct fd_budget *budget)
{
	if (budget->used + SYSFS_NODE_FILES > budget->limit)
		raise_limit(budget);
	if (budget->used + SYSFS_NODE_FILES > budget->limit)
		return false;
	budget->used += SYSFS_NODE_FILES;
	return true;
}

static int open_below(int class_fd, const char *dir, const char *file)
{
	char path[96];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	fd = openat(class_fd, path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int read_fd(int fd, char *buf, size_t size)
{
	ssize_t len = pread(fd, buf, size - 1, 0);

	if (len < 0)
		return -errno;
	buf[len] = '\0';
	return (int)len;
}

static int read_below(int class_fd, const char *dir, const char *file, char *buf, size_t size)
{
	int fd = open_below(class_fd, dir, file);
	int len;

	if (fd < 0)
		return fd;
	len = read_fd(fd, buf, size);
	close(fd);
	return len;
}

/* --- what does not change while a node lives ---------------------------------------------- */

static int keep(char **string, const char *text)
{
	free(*string);
	*string = strdup(text);
	return *string ? 0 : -ENOMEM;
}

/* A name ends with the one newline that the kernel adds; others are its own. */
static int read_name(struct sysfs_node *node, int class_fd, struct sysfs_tally *tally)
{
	char buf[TEXT_BYTES + 1];
	int len = read_below(class_fd, node->dir, "name", buf, sizeof(buf));

	node->name_err = len < 0 ? len : 0;
	if (len < 0)
		return 0;
	tally->bytes += len;
	node->name_cut = len == TEXT_BYTES && buf[len - 1] != '\n';
	if (len && buf[len - 1] == '\n')
		buf[len - 1] = '\0';
	return keep(&node->string[WAKEUP_NAME], buf);
}

/* The last part of what a link points to; NULL where there is no link. */
static int read_link(int class_fd, const char *dir, const char *link, char **string)
{
	char path[64], target[512];
	const char *slash;
	ssize_t len;

	snprintf(path, sizeof(path), "%s/%s", dir, link);
	len = readlinkat(class_fd, path, target, sizeof(target) - 1);
	if (len <= 0) {
		free(*string);
		*string = NULL;
		return 0;
	}
	target[len] = '\0';
	slash = strrchr(target, '/');
	return keep(string, slash ? slash + 1 : target);
}

/* Busses call it differently; the first that is there and not empty is taken. */
static int read_label(int class_fd, const char *dir, char **string)
{
	static const char *const files[] = { "device/label", "device/product", "device/name" };
	char buf[256];

	for (u32 i = 0; i < ARRAY_SIZE(files); i++) {
		int len = read_below(class_fd, dir, files[i], buf, sizeof(buf));

		while (len > 0 && (buf[len - 1] == '\n' || buf[len - 1] == ' '))
			buf[--len] = '\0';
		if (len > 0)
			return keep(string, buf);
	}
	return 0;
}

static void open_files(struct sysfs_node *node, int class_fd, struct fd_budget *budget)
{
	node->kept = fd_budget_take(budget);
	for (u32 i = 0; i < SYSFS_NODE_FILES; i++)
		node->fd[i] = node->kept ?
			open_below(class_fd, node->dir, attr_files[i].file) : -EMFILE;
}

static int node_open(struct sysfs_node *node, int class_fd, struct fd_budget *budget,
		     struct sysfs_tally *tally)
{
	int err;

	open_files(node, class_fd, budget);
	node->open = true;
	err = read_name(node, class_fd, tally);
	err = err ?: read_link(class_fd, node->dir, "device", &node->string[WAKEUP_DEVICE]);
	if (!err && node->string[WAKEUP_DEVICE])
		err = read_label(class_fd, node->dir, &node->string[WAKEUP_LABEL]);
	return err;
}

/**
 * sysfs_node_close - close its files and forget what was read once
 * @node: may be closed already; ->dir and ->ino stay
 *
 * Context: may sleep.
 */
void sysfs_node_close(struct sysfs_node *node, struct fd_budget *budget)
{
	for (u32 i = 0; node->open && node->kept && i < SYSFS_NODE_FILES; i++)
		if (node->fd[i] >= 0)
			close(node->fd[i]);
	if (node->open && node->kept)
		budget->used -= SYSFS_NODE_FILES;
	for (u32 i = 0; i < NR_WAKEUP_STRINGS; i++) {
		free(node->string[i]);
		node->string[i] = NULL;
	}
	node->open = node->kept = node->name_cut = false;
	node->name_err = 0;
}

/* --- what does ----------------------------------------------------------------------------- */

static int parse_number(const char *text, s64 scale, s64 *ret_number)
{
	char *end;
	s64 number;

	errno = 0;
	/* Counters are unsigned long: one in the upper half keeps its bits. */
	number = scale == 1 && text[0] != '-' ? (s64)strtoull(text, &end, 10) :
		strtoll(text, &end, 10);
	if (errno || end == text || (*end && strcmp(end, "\n")))
		return -EILSEQ;
	return __builtin_mul_overflow(number, scale, ret_number) ? -EILSEQ : 0;
}

static int read_attr(const struct sysfs_node *node, int class_fd, u32 i, struct sysfs_tally *tally,
		     s64 *ret_number)
{
	char buf[64];
	int len = node->kept ? node->fd[i] : 0;

	if (len < 0)
		return len;
	len = node->kept ? read_fd(node->fd[i], buf, sizeof(buf)) :
		read_below(class_fd, node->dir, attr_files[i].file, buf, sizeof(buf));
	if (len < 0)
		return len;
	tally->bytes += len;
	return parse_number(buf, attr_files[i].scale, ret_number);
}

static bool is_gone(int err)
{
	return err == -ENODEV || err == -ENOENT;
}

/* A file that is not there is an older kernel's; one that is and says nothing is a loss. */
static void count_error(int err, struct sysfs_tally *tally)
{
	if (!err || is_gone(err))
		return;
	tally->unreadable++;
	tally->denied += err == -EACCES || err == -EPERM;
}

/* Returns -ENODEV when a file went away under its descriptor: the source did. */
static int read_attrs(const struct sysfs_node *node, int class_fd, struct sysfs_tally *tally,
		      struct wakeup_row *row, int errs[SYSFS_NODE_FILES])
{
	row->known = 0;
	for (u32 i = 0; i < SYSFS_NODE_FILES; i++) {
		s64 number;

		errs[i] = read_attr(node, class_fd, i, tally, &number);
		if (errs[i] == -ENODEV)
			return -ENODEV;
		if (!errs[i])
			wakeup_row_set(row, attr_files[i].attr, number);
	}
	return 0;
}

static bool held_still(const struct sysfs_node *node, int class_fd, struct sysfs_tally *tally,
		       const struct wakeup_row *row, const int errs[SYSFS_NODE_FILES])
{
	for (u32 i = 0; i < NR_STAMPS; i++) {
		s64 number;

		if (errs[i])
			continue;
		if (!read_attr(node, class_fd, i, tally, &number) &&
		    number != row->attr[attr_files[i].attr])
			return false;
	}
	return true;
}

/*
 * There is no attribute that says it.  Activations that are more than the
 * relaxations read after them prove it; so does a time since it began, which
 * is 0 in the first millisecond.
 */
static void set_active(struct wakeup_row *row)
{
	if (wakeup_row_knows(row, WAKEUP_ACTIVE_TIME) && row->attr[WAKEUP_ACTIVE_TIME] > 0)
		wakeup_row_set(row, WAKEUP_ACTIVE, 1);
	else if (wakeup_row_knows(row, WAKEUP_RELAX_COUNT) &&
		 wakeup_row_knows(row, WAKEUP_ACTIVE_COUNT))
		wakeup_row_set(row, WAKEUP_ACTIVE, row->attr[WAKEUP_RELAX_COUNT] <
			       row->attr[WAKEUP_ACTIVE_COUNT]);
	else if (wakeup_row_knows(row, WAKEUP_ACTIVE_TIME))
		wakeup_row_set(row, WAKEUP_ACTIVE, 0);
}

static int read_numbers(const struct sysfs_node *node, int class_fd, struct sysfs_tally *tally,
			struct wakeup_row *row)
{
	int errs[SYSFS_NODE_FILES];
	bool still = false;

	for (u32 reads = 0; reads < MAX_READS && !still; reads++) {
		if (read_attrs(node, class_fd, tally, row, errs))
			return -ENODEV;
		still = held_still(node, class_fd, tally, row, errs);
	}
	for (u32 i = 0; i < SYSFS_NODE_FILES; i++)
		count_error(errs[i], tally);
	count_error(node->name_err, tally);
	set_active(row);
	wakeup_row_set(row, WAKEUP_TORN, !still);
	wakeup_row_set(row, WAKEUP_NAME_TRUNCATED, node->name_cut);
	wakeup_row_set(row, WAKEUP_READ_AT, (s64)clock_mono_ns());
	return 0;
}

/* A driver comes and goes while its device stays. */
static int refresh_driver(struct sysfs_node *node, int class_fd)
{
	if (!node->string[WAKEUP_DEVICE])
		return 0;
	return read_link(class_fd, node->dir, "device/driver", &node->string[WAKEUP_DRIVER]);
}

static int read_once(struct sysfs_node *node, int class_fd, struct fd_budget *budget,
		     struct sysfs_tally *tally, struct wakeup_row *row)
{
	int err = node->open ? 0 : node_open(node, class_fd, budget, tally);

	err = err ?: refresh_driver(node, class_fd);
	err = err ?: read_numbers(node, class_fd, tally, row);
	if (!err && faccessat(class_fd, node->dir, F_OK, 0))
		err = -ENODEV;
	if (err)
		return err;
	memcpy(row->string, node->string, sizeof(node->string));
	row->string[WAKEUP_NODE] = node->dir;
	return 0;
}

/**
 * sysfs_node_read - read a source into a row
 * @node:    opened when it is not; after an error it is closed
 * @tally:   added to
 * @ret_row: its strings belong to the node
 *
 * Context: may sleep.
 * Return:  0, -ENODEV when the source is gone, or -ENOMEM.
 */
int sysfs_node_read(struct sysfs_node *node, int class_fd, struct fd_budget *budget,
		    struct sysfs_tally *tally, struct wakeup_row *ret_row)
{
	int err = -ENODEV;

	/* Twice: the number of a source that went may be a new source's already. */
	for (int attempt = 0; attempt < 2 && err == -ENODEV; attempt++) {
		err = read_once(node, class_fd, budget, tally, ret_row);
		if (err)
			sysfs_node_close(node, budget);
	}
	return err;
}
