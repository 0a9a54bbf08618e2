/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/collect/wakeup_sysfs.c - wakeup sources from /sys/class/wakeup
 *
 * The directory is read for every collection; nodes that are still there keep
 * their descriptors.  The class has been there since Linux 5.4.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/collect/collect.h"
#include "cli/collect/sysfs_node.h"

struct node_list {
	struct sysfs_node **nodes;
	u32 nr, room;
};

struct sysfs_state {
	struct collect_options options;
	int class_fd;
	struct fd_budget budget;
	struct node_list list;		/* by number */
	struct wakeup_row *rows;
	u32 rows_room;
};

/* --- the directory ------------------------------------------------------------------------- */

static int list_add(struct node_list *list, const char *dir, ino_t ino)
{
	struct sysfs_node *node;

	if (list->nr == list->room) {
		u32 room = list->room ? 2 * list->room : 256;
		struct sysfs_node **nodes = realloc(list->nodes, room * sizeof(*nodes));

		if (!nodes)
			return -ENOMEM;
		list->nodes = nodes;
		list->room = room;
	}
	node = calloc(1, sizeof(*node));
	if (!node)
		return -ENOMEM;
	strcpy(node->dir, dir);		/* the caller has looked at its length */
	node->ino = ino;
	list->nodes[list->nr++] = node;
	return 0;
}

static void list_fini(struct node_list *list, struct fd_budget *budget)
{
	for (u32 i = 0; i < list->nr; i++) {
		if (!list->nodes[i])
			continue;
		sysfs_node_close(list->nodes[i], budget);
		free(list->nodes[i]);
	}
	free(list->nodes);
	memset(list, 0, sizeof(*list));
}

static int compare_nodes(const void *a, const void *b)
{
	const struct sysfs_node *const *one = a, *const *two = b;

	return strverscmp((*one)->dir, (*two)->dir);
}

static int list_read(int class_fd, struct node_list *list)
{
	int fd = openat(class_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	int err = 0;

	if (!dir)
		return -errno;
	while (!err && (errno = 0, entry = readdir(dir)))
		if (entry->d_name[0] != '.' &&
		    strlen(entry->d_name) < sizeof(((struct sysfs_node *)0)->dir))
			err = list_add(list, entry->d_name, entry->d_ino);
	if (!err && errno)
		err = -errno;
	closedir(dir);
	return err;
}

static void list_sort(struct node_list *list)
{
	if (list->nr)
		qsort(list->nodes, list->nr, sizeof(*list->nodes), compare_nodes);
}

/* --- what readdir(3) leaves out -------------------------------------------------------------- */

#define NODE_PREFIX "wakeup"
#define PROBES_BEYOND 16	/* numbers above the highest one listed */
#define PROBES_AT_LEAST 65536

static bool node_number(const char *dir, u32 *ret_number)
{
	size_t prefix = strlen(NODE_PREFIX);
	unsigned long number;
	char *end;

	if (strncmp(dir, NODE_PREFIX, prefix) || dir[prefix] < '0' || dir[prefix] > '9')
		return false;
	errno = 0;
	number = strtoul(dir + prefix, &end, 10);
	if (*end || errno || number >= INT32_MAX)
		return false;
	*ret_number = (u32)number;
	return true;
}

static int probe(int class_fd, u32 number, struct node_list *list)
{
	char dir[sizeof(((struct sysfs_node *)0)->dir)];
	struct stat st;

	snprintf(dir, sizeof(dir), NODE_PREFIX "%u", number);
	if (fstatat(class_fd, dir, &st, AT_SYMLINK_NOFOLLOW))
		return 0;
	return list_add(list, dir, st.st_ino);
}

/*
 * The kernel's readdir(3) goes on from an entry that was removed meanwhile by the
 * hash of its name, and may skip the next one; the same one each time, when a new
 * source takes the name of the old (seen on 6.1).  But nodes are numbered, lowest
 * free number first: the numbers that the listing leaves out are few, and asking
 * for each by its name cannot miss it.
 */
static int list_fill_gaps(int class_fd, struct node_list *list)
{
	u32 nr = list->nr, room = max(4 * nr, PROBES_AT_LEAST), next = 0, number;
	int err = 0;

	for (u32 i = 0; i < nr && !err; i++) {
		if (!node_number(list->nodes[i]->dir, &number))
			continue;
		for (; next < number && room && !err; next++, room--)
			err = probe(class_fd, next, list);
		next = number + 1;
	}
	for (u32 i = 0; i < PROBES_BEYOND && !err; i++)
		err = probe(class_fd, next + i, list);
	return err;
}

static int list_read_whole(int class_fd, struct node_list *list)
{
	int err = list_read(class_fd, list);

	if (!err)
		list_sort(list);
	err = err ?: list_fill_gaps(class_fd, list);
	if (!err)
		list_sort(list);
	return err;
}

/* Nodes of the last collection that are still there take the place of the new ones. */
static void list_keep(struct node_list *list, struct node_list *old)
{
	u32 o = 0;

	for (u32 i = 0; i < list->nr; i++) {
		int order = 1;

		while (o < old->nr && (order = compare_nodes(&old->nodes[o], &list->nodes[i])) < 0)
			o++;
		if (o == old->nr)
			return;
		if (!order && old->nodes[o]->ino == list->nodes[i]->ino) {
			free(list->nodes[i]);
			list->nodes[i] = old->nodes[o];
			old->nodes[o++] = NULL;
		} else if (!order) {
			o++;
		}
	}
}

static int refresh(struct sysfs_state *sysfs)
{
	struct node_list list = { NULL };
	int err = list_read_whole(sysfs->class_fd, &list);

	if (err) {
		list_fini(&list, &sysfs->budget);
		return err;
	}
	list_keep(&list, &sysfs->list);
	list_fini(&sysfs->list, &sysfs->budget);
	sysfs->list = list;
	return 0;
}

/* --- rows ---------------------------------------------------------------------------------- */

static int reserve_rows(struct sysfs_state *sysfs)
{
	struct wakeup_row *rows;

	if (sysfs->list.nr <= sysfs->rows_room)
		return 0;
	rows = realloc(sysfs->rows, sysfs->list.nr * sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	sysfs->rows = rows;
	sysfs->rows_room = sysfs->list.nr;
	return 0;
}

/* Why to stop before the next source, or NULL. */
static const char *reason_to_stop(const struct sysfs_state *sysfs, const struct listing *listing)
{
	const struct collect_options *options = &sysfs->options;

	if (options->max_objects && listing->visited >= options->max_objects)
		return "max-objects";
	if (options->budget_ns && clock_mono_ns() - listing->monotonic_ns >= options->budget_ns)
		return "budget";
	return NULL;
}

static int read_nodes(struct sysfs_state *sysfs, struct listing *listing,
		      struct sysfs_tally *tally)
{
	int err;

	for (u32 i = 0; i < sysfs->list.nr; i++) {
		struct wakeup_row *row = &sysfs->rows[listing->nr_rows];
		const char *stop = reason_to_stop(sysfs, listing);

		if (stop) {
			listing->lost += sysfs->list.nr - i;
			listing_incomplete(listing, stop);
			return 0;
		}
		err = sysfs_node_read(sysfs->list.nodes[i], sysfs->class_fd, &sysfs->budget, tally,
				      row);
		if (err == -ENODEV)
			continue;	/* gone: not registered any more, so not lost */
		if (err)
			return err;
		listing->visited++;
		listing->nr_rows++;
		listing->torn += row->attr[WAKEUP_TORN];
		listing->names_truncated += row->attr[WAKEUP_NAME_TRUNCATED];
	}
	return 0;
}

static void copy_row(const struct listing *listing, u64 index, void *ret_row)
{
	const struct wakeup_row *rows = listing->rows;

	*(struct wakeup_row *)ret_row = rows[index];
}

static int sysfs_run(void *state, struct listing *ret_listing)
{
	struct sysfs_state *sysfs = state;
	struct sysfs_tally tally = { 0 };
	int err;

	listing_begin(ret_listing, &wakeup_noun, wakeup_sysfs_source.name);
	err = refresh(sysfs);
	err = err ?: reserve_rows(sysfs);
	err = err ?: read_nodes(sysfs, ret_listing, &tally);
	if (err)
		return err;
	listing_took(ret_listing);
	ret_listing->bytes = (struct value){ .known = true, .ns = (s64)tally.bytes };
	ret_listing->unreadable = tally.unreadable;
	ret_listing->denied = tally.denied;
	if (tally.unreadable)
		listing_incomplete(ret_listing, tally.denied ? "permission" : "unreadable");
	ret_listing->row = copy_row;
	ret_listing->rows = sysfs->rows;
	return 0;
}

static void sysfs_close(void *state)
{
	struct sysfs_state *sysfs = state;

	list_fini(&sysfs->list, &sysfs->budget);
	free(sysfs->rows);
	if (sysfs->class_fd >= 0)
		close(sysfs->class_fd);
	free(sysfs);
}

static enum collect_verdict refused(struct collect_status *status, const char *path, int err)
{
	if (err == -ENOENT && collect_kernel_older_than(5, 4))
		return collect_refuse(status, COLLECT_OLD, err,
				      "there is no %s: it came with Linux 5.4", path);
	return collect_refuse_file(status, path, err,
				   "a kernel with CONFIG_PM_SLEEP has it, where sysfs is mounted",
				   "needs CAP_DAC_READ_SEARCH");
}

static enum collect_verdict sysfs_open(const struct collect_options *options, void **ret_state,
				       struct collect_status *status)
{
	const char *root = getenv("ROVE_SYSFS_ROOT");
	struct sysfs_state *sysfs = calloc(1, sizeof(*sysfs));
	char path[4096];
	int err;

	if (!sysfs)
		return collect_refuse(status, COLLECT_FAILED, -ENOMEM, "%s", strerror(ENOMEM));
	sysfs->options = *options;
	fd_budget_init(&sysfs->budget);
	snprintf(path, sizeof(path), "%s/class/wakeup", root ? root : "/sys");
	sysfs->class_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (sysfs->class_fd < 0) {
		err = -errno;
		sysfs_close(sysfs);
		return refused(status, path, err);
	}
	*ret_state = sysfs;
	return COLLECT_OK;
}

const struct collect_source wakeup_sysfs_source = {
	.name = "sysfs",
	.help = "/sys/class/wakeup, a file for each attribute: Linux 5.4",
	.automatic = true,
	.keeps_budget = true,
	.open = sysfs_open,
	.run = sysfs_run,
	.close = sysfs_close,
};
