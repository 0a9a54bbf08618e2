/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/collect/dmabuf_sysfs.c - DMA-bufs from the per-buffer files of sysfs, holders from /proc
 *
 * A folder for each buffer, named by its inode, with its exporter and its size and nothing
 * else: references and names are known only of buffers that a process has a descriptor of,
 * attachments of none.  Kernels with CONFIG_DMABUF_SYSFS_STATS have it, mostly Android's.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/collect/collect.h"
#include "cli/collect/dmabuf_proc.h"

struct sysfs_state {
	struct collect_options options;
	DIR *dir;
	struct dmabuf_set set;
};

/* One line; its newline goes. */
static int read_line(int dir_fd, const char *node, const char *file, char *buf, size_t room)
{
	char path[256];
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "%.64s/%s", node, file);
	fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	len = read(fd, buf, room - 1);
	if (len < 0)
		len = -errno;
	close(fd);
	if (len < 0)
		return (int)len;
	buf[len] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	return 0;
}

static void note_unreadable(struct listing *listing, int err)
{
	listing->unreadable++;
	listing->denied += err == -EACCES || err == -EPERM;
	listing_incomplete(listing, "unreadable");
}

static void add_size(struct dmabuf_row *row, const char *text, struct listing *listing)
{
	char *end;
	u64 size;

	errno = 0;
	size = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno)
		note_unreadable(listing, -EBADMSG);
	else
		dmabuf_row_set(row, DMABUF_SIZE, size);
}

/* A buffer that went since its folder was listed is no longer one. */
static int add_node(struct sysfs_state *sysfs, const char *node, struct listing *listing)
{
	char exporter[256] = "", size[64] = "";
	struct dmabuf_row *row;
	int dir_fd = dirfd(sysfs->dir), err;
	int exporter_err = read_line(dir_fd, node, "exporter_name", exporter, sizeof(exporter));
	int size_err = read_line(dir_fd, node, "size", size, sizeof(size));

	if (exporter_err == -ENOENT && size_err == -ENOENT)
		return 0;
	err = dmabuf_set_add(&sysfs->set, strtoull(node, NULL, 10), &row);
	if (err)
		return err == -EEXIST ? 0 : err;
	if (size_err)
		note_unreadable(listing, size_err);
	else
		add_size(row, size, listing);
	if (exporter_err) {
		note_unreadable(listing, exporter_err);
		return 0;
	}
	row->string[DMABUF_EXPORTER] = dmabuf_set_text(&sysfs->set, exporter);
	return row->string[DMABUF_EXPORTER] ? 0 : -ENOMEM;
}

static int add_nodes(struct sysfs_state *sysfs, struct listing *listing)
{
	u64 most = sysfs->options.max_objects;
	struct dirent *entry;
	int err = 0;

	rewinddir(sysfs->dir);
	while (!err && (entry = readdir(sysfs->dir))) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		if (most && sysfs->set.nr_rows == most) {
			listing->lost++;
			listing_incomplete(listing, "max-objects");
		} else {
			err = add_node(sysfs, entry->d_name, listing);
		}
	}
	return err;
}

static int sysfs_run(void *state, struct listing *ret_listing)
{
	struct sysfs_state *sysfs = state;
	struct dmabuf_proc_result result = { 0 };
	int err;

	dmabuf_set_clear(&sysfs->set);
	listing_begin(ret_listing, &dmabuf_noun, dmabuf_sysfs_source.name);
	err = add_nodes(sysfs, ret_listing);
	err = err ?: dmabuf_proc_scan(&sysfs->set, false, &result);
	err = err ?: dmabuf_set_finish(&sysfs->set);
	if (err)
		return err;
	dmabuf_set_listing(&sysfs->set, ret_listing);
	listing_took(ret_listing);
	dmabuf_proc_note(&result, ret_listing);
	return 0;
}

static void sysfs_close(void *state)
{
	struct sysfs_state *sysfs = state;

	if (sysfs->dir)
		closedir(sysfs->dir);
	dmabuf_set_fini(&sysfs->set);
	free(sysfs);
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
	snprintf(path, sizeof(path), "%s/kernel/dmabuf/buffers", root ? root : "/sys");
	sysfs->dir = opendir(path);
	if (sysfs->dir) {
		*ret_state = sysfs;
		return COLLECT_OK;
	}
	err = -errno;
	sysfs_close(sysfs);
	return collect_refuse_file(status, path, err,
				   "a kernel with CONFIG_DMABUF_SYSFS_STATS has it",
				   "needs CAP_DAC_READ_SEARCH");
}

const struct collect_source dmabuf_sysfs_source = {
	.name = "sysfs",
	.help = "kernel/dmabuf/buffers of sysfs, and /proc for the holders",
	.automatic = true,
	.open = sysfs_open,
	.run = sysfs_run,
	.close = sysfs_close,
};
