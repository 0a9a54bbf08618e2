/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/collect/dmabuf_debugfs.c - DMA-bufs from the debugfs file bufinfo, holders from /proc
 *
 * A buffer is a line of numbers that ends in its name, perhaps lines about fences, and a
 * block of devices:
 *
 *	SIZE FLAGS MODE COUNT EXPORTER INODE NAME	between tabs
 *		Attached Devices:
 *		DEVICE					any number of them
 *	Total N devices attached
 *							an empty line
 *
 * A name is up to 31 bytes of anything.  That is too short to hold a whole block of
 * devices, so the first block that is right in itself is the buffer's own, and what is
 * between the numbers and it is the name.  The file ends in how many buffers and bytes it
 * told of; where that is not what was read, the listing says that it is not complete.
 *
 * The file is read before and after the processes are looked into: what is in only one of
 * the two readings came or went meanwhile and is flagged as torn.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "cli/collect/collect.h"
#include "cli/collect/dmabuf_proc.h"

#define BLOCK_BEGIN "\n\tAttached Devices:\n"

struct debugfs_state {
	struct collect_options options;
	int fd;
	struct strbuf text, again;	/* the file, before and after */
	struct dmabuf_set set;
};

/* One buffer in the text. */
struct entry {
	u64 size_bytes, refs, inode;
	char *exporter, *name;
	char *devices;			/* the first line of the block; each begins with a tab */
	u32 nr_devices;
};

/* --- the text ------------------------------------------------------------------------------ */

static int read_whole(int fd, struct strbuf *text)
{
	char buf[16384];
	off_t at = 0;
	ssize_t len;

	strbuf_clear(text);
	while ((len = pread(fd, buf, sizeof(buf), at)) > 0) {
		strbuf_add(text, buf, len);
		at += len;
	}
	return len < 0 ? -errno : strbuf_error(text);
}

/* A number and the tab behind it. */
static int take_number(char **at, int base, u64 *ret_number)
{
	char *end;

	errno = 0;
	*ret_number = strtoull(*at, &end, base);
	if (end == *at || **at < '0' || errno || *end != '\t')
		return -EILSEQ;
	*at = end + 1;
	return 0;
}

/* "00004096\t00000002\t02080007\t00000002\tudmabuf\t00000040\t": then the name. */
static int take_numbers(char **at, struct entry *entry)
{
	u64 ignored;
	int err = take_number(at, 10, &entry->size_bytes);
	char *tab;

	err = err ?: take_number(at, 16, &ignored);
	err = err ?: take_number(at, 16, &ignored);
	err = err ?: take_number(at, 10, &entry->refs);
	if (err)
		return err;
	tab = strchr(*at, '\t');
	if (!tab)
		return -EILSEQ;
	entry->exporter = *at;
	*at = tab + 1;
	err = take_number(at, 10, &entry->inode);
	if (!err)
		*tab = '\0';
	return err;
}

/* Is this the block of devices whole, from its first device on?  Where it ends, or NULL. */
static char *end_of_block(char *devices, u32 *ret_nr)
{
	char *line = devices;
	u32 nr = 0, said;
	int used = 0;

	for (; *line == '\t'; nr++) {
		line = strchr(line, '\n');
		if (!line++)
			return NULL;
	}
	if (sscanf(line, "Total %u devices attached\n%n", &said, &used) != 1 || !used ||
	    said != nr)
		return NULL;
	line = strchr(line, '\n') + 1;
	*ret_nr = nr;
	return *line == '\n' ? line + 1 : NULL;
}

/* Lines about fences stand behind the name: "\tkernel fence:..." */
static void cut_fences(char *name)
{
	char *line;

	while ((line = strrchr(name, '\n')) && line[1] == '\t' && strstr(line, " fence:"))
		*line = '\0';
}

/* The name and its block; @at is moved behind it. */
static int take_rest(char **at, struct entry *entry)
{
	char *block = *at, *end;

	entry->name = *at;
	while ((block = strstr(block, BLOCK_BEGIN))) {
		entry->devices = block + strlen(BLOCK_BEGIN);
		end = end_of_block(entry->devices, &entry->nr_devices);
		if (end)
			break;
		block++;
	}
	if (!block)
		return -EILSEQ;
	*block = '\0';
	cut_fences(entry->name);
	*at = end;
	return 0;
}

static int add_devices(struct dmabuf_set *set, const struct entry *entry)
{
	char *line = entry->devices;
	int err = 0;

	for (u32 i = 0; i < entry->nr_devices && !err; i++) {
		char *newline = strchr(line, '\n');

		*newline = '\0';
		err = dmabuf_set_attach(set, &(struct dmabuf_attach){ .inode = entry->inode,
								       .device = line + 1 });
		line = newline + 1;
	}
	return err;
}

/* The kernel writes "<none>", or nothing, where no name was given. */
static int add_entry(struct dmabuf_set *set, const struct entry *entry)
{
	struct dmabuf_row *row;
	int err = dmabuf_set_add(set, entry->inode, &row);

	if (err)
		return err;
	dmabuf_row_set(row, DMABUF_SIZE, entry->size_bytes);
	dmabuf_row_set(row, DMABUF_REFS, entry->refs);
	dmabuf_row_set(row, DMABUF_NR_ATTACHMENTS, entry->nr_devices);
	dmabuf_row_set(row, DMABUF_TORN, 1);	/* until it is read again */
	dmabuf_row_set(row, DMABUF_NAME_TRUNCATED, 0);
	row->string[DMABUF_EXPORTER] = entry->exporter;
	row->string[DMABUF_NAME] = strcmp(entry->name, "<none>") ? entry->name : "";
	return add_devices(set, entry);
}

/* What is read again was there all the time. */
static int settle_entry(struct dmabuf_set *set, const struct entry *entry)
{
	struct dmabuf_row *row = dmabuf_set_find(set, entry->inode);

	if (row && row->attr[DMABUF_SIZE] == entry->size_bytes)
		row->attr[DMABUF_TORN] = 0;
	return 0;
}

struct totals {
	u64 nr, bytes;
};

static bool ends_in(const char *text, const struct totals *read)
{
	unsigned long long nr, bytes;

	return sscanf(text, "\nTotal %llu objects, %llu bytes", &nr, &bytes) == 2 &&
	       nr == read->nr && bytes == read->bytes;
}

/* -EBADMSG: no bufinfo.  @ret_whole: it told of as many as were read. */
static int parse(struct strbuf *text, struct dmabuf_set *set,
		 int (*take)(struct dmabuf_set *set, const struct entry *entry), bool *ret_whole)
{
	struct totals read = { 0 };
	char *at = text->text ? strstr(text->text, "\nDma-buf Objects:\n") : NULL;
	int err = 0;

	at = at ? strstr(at, "\tino") : NULL;
	at = at ? strchr(at, '\n') : NULL;
	if (!at || strlen(text->text) != text->len)
		return -EBADMSG;
	at++;
	while (!err && *at >= '0' && *at <= '9') {
		struct entry entry = { 0 };

		err = take_numbers(&at, &entry);
		err = err ?: take_rest(&at, &entry);
		err = err ?: take(set, &entry);
		read.nr++;
		read.bytes += entry.size_bytes;
	}
	*ret_whole = !err && ends_in(at - 1, &read);
	return err == -EILSEQ || err == -EEXIST ? 0 : err;
}

/* --- the collector ------------------------------------------------------------------------- */

static void bound(u64 most, struct listing *listing)
{
	if (!most || most >= listing->nr_rows)
		return;
	listing->lost = listing->nr_rows - most;
	listing->visited = listing->nr_rows = most;
	listing_incomplete(listing, "max-objects");
}

static int read_both(struct debugfs_state *debugfs, struct dmabuf_proc_result *ret_result,
		     bool *ret_whole)
{
	struct dmabuf_set *set = &debugfs->set;
	bool whole;
	int err = read_whole(debugfs->fd, &debugfs->text);

	err = err ?: parse(&debugfs->text, set, add_entry, ret_whole);
	set->knows_devices = true;
	err = err ?: dmabuf_proc_scan(set, false, ret_result);
	err = err ?: read_whole(debugfs->fd, &debugfs->again);
	return err ?: parse(&debugfs->again, set, settle_entry, &whole);
}

static int debugfs_run(void *state, struct listing *ret_listing)
{
	struct debugfs_state *debugfs = state;
	struct dmabuf_proc_result result;
	bool whole;
	int err;

	dmabuf_set_clear(&debugfs->set);
	listing_begin(ret_listing, &dmabuf_noun, dmabuf_debugfs_source.name);
	err = read_both(debugfs, &result, &whole);
	err = err ?: dmabuf_set_finish(&debugfs->set);
	if (err)
		return err;
	dmabuf_set_listing(&debugfs->set, ret_listing);
	listing_took(ret_listing);
	ret_listing->bytes = (struct value){ .known = true,
		.ns = (s64)(debugfs->text.len + debugfs->again.len + result.bytes) };
	if (!whole) {
		ret_listing->unreadable++;
		listing_incomplete(ret_listing, "unreadable");
	}
	dmabuf_proc_note(&result, ret_listing);
	bound(debugfs->options.max_objects, ret_listing);
	return 0;
}

static void debugfs_close(void *state)
{
	struct debugfs_state *debugfs = state;

	if (debugfs->fd >= 0)
		close(debugfs->fd);
	strbuf_fini(&debugfs->text);
	strbuf_fini(&debugfs->again);
	dmabuf_set_fini(&debugfs->set);
	free(debugfs);
}

static enum collect_verdict debugfs_open(const struct collect_options *options, void **ret_state,
					 struct collect_status *status)
{
	const char *root = getenv("ROVE_DEBUGFS_ROOT");
	struct debugfs_state *debugfs = calloc(1, sizeof(*debugfs));
	char path[4096];
	int err;

	if (!debugfs)
		return collect_refuse(status, COLLECT_FAILED, -ENOMEM, "%s", strerror(ENOMEM));
	debugfs->options = *options;
	strbuf_init(&debugfs->text);
	strbuf_init(&debugfs->again);
	snprintf(path, sizeof(path), "%s/dma_buf/bufinfo", root ? root : "/sys/kernel/debug");
	debugfs->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (debugfs->fd < 0) {
		err = -errno;
		debugfs_close(debugfs);
		return collect_refuse_file(status, path, err,
					   "a kernel with CONFIG_DMA_SHARED_BUFFER and "
					   "CONFIG_DEBUG_FS has it, where debugfs is mounted "
					   "and not locked down",
					   "needs CAP_DAC_READ_SEARCH, and a kernel that is "
					   "not locked down");
	}
	*ret_state = debugfs;
	return COLLECT_OK;
}

const struct collect_source dmabuf_debugfs_source = {
	.name = "debugfs",
	.help = "the file dma_buf/bufinfo of debugfs, and /proc for the holders: root",
	.automatic = true,
	.open = debugfs_open,
	.run = debugfs_run,
	.close = debugfs_close,
};
