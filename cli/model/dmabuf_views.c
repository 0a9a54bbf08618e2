/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/model/dmabuf_views.c - DMA-bufs by exporter, by process, by device
 *
 * Every buffer gives entries, one for each group it counts in; sorted, the entries of a
 * group are neighbours, and are added up in place.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/model/dmabuf_views.h"

/* --- columns ------------------------------------------------------------------------------- */

static void get_number(const struct column *col, const void *row, struct value *ret_value)
{
	ret_value->count = *(const u64 *)((const char *)row + col->field);
	ret_value->known = ret_value->count != DMABUF_UNKNOWN;
}

static void get_name(const struct column *col, const void *row, struct value *ret_value)
{
	ret_value->string = ((const struct dmabuf_group *)row)->name;
	ret_value->known = ret_value->string;
}

static void get_parts(const struct column *col, const void *row, struct value *ret_value)
{
	const struct dmabuf_group *group = row;

	ret_value->known = true;
	ret_value->items = group->parts;
	ret_value->nr_items = group->nr_parts;
}

static void get_part_exporter(const struct column *col, const void *row, struct value *ret_value)
{
	ret_value->string = ((const struct dmabuf_part *)row)->exporter;
	ret_value->known = ret_value->string;
}

static const struct column part_columns[] = {
	{ .name = "EXPORTER", .json = "exporter", .type = VALUE_STRING,
	  .get = get_part_exporter, .help = "who made them" },
	{ .name = "BUFFERS", .json = "nr_buffers", .type = VALUE_COUNT,
	  .field = offsetof(struct dmabuf_part, nr_buffers), .get = get_number,
	  .help = "how many" },
	{ .name = "RSS", .json = "rss_bytes", .type = VALUE_BYTES,
	  .field = offsetof(struct dmabuf_part, size_bytes), .get = get_number,
	  .help = "their whole size" },
};

static const struct noun part_noun = {
	.name = "part",
	.columns = part_columns,
	.nr_columns = ARRAY_SIZE(part_columns),
	.row_bytes = sizeof(struct dmabuf_part),
};

#define GROUP_NAME(heading, key, words) \
	{ .name = heading, .json = key, .type = VALUE_STRING, .get = get_name, .help = words }
#define GROUP_NUMBER(heading, key, kind, member, words) \
	{ .name = heading, .json = key, .type = kind, .get = get_number, \
	  .field = offsetof(struct dmabuf_group, member), .help = words }

static const struct column exporter_columns[] = {
	GROUP_NAME("EXPORTER", "exporter", "who made the buffers"),
	GROUP_NUMBER("BUFFERS", "nr_buffers", VALUE_COUNT, nr_buffers, "how many"),
	GROUP_NUMBER("SIZE", "size_bytes", VALUE_BYTES, size_bytes, "their sizes together"),
	GROUP_NUMBER("ATTACH", "nr_attachments", VALUE_COUNT, nr_attachments,
		     "attachments of devices"),
	GROUP_NUMBER("NPROC", "nr_processes", VALUE_COUNT, nr_processes,
		     "processes that hold any of them"),
	GROUP_NUMBER("KERNEL", "nr_kernel_only", VALUE_COUNT, nr_kernel_only,
		     "buffers that no process holds"),
	GROUP_NUMBER("KSIZE", "kernel_only_bytes", VALUE_BYTES, kernel_only_bytes,
		     "the sizes of those together"),
};

static const struct column process_columns[] = {
	GROUP_NUMBER("PID", "pid", VALUE_COUNT, pid, "the process"),
	GROUP_NAME("COMM", "comm", "its name"),
	GROUP_NUMBER("BUFFERS", "nr_buffers", VALUE_COUNT, nr_buffers, "buffers it holds"),
	GROUP_NUMBER("FDS", "nr_fds", VALUE_COUNT, nr_fds, "its descriptors of them"),
	GROUP_NUMBER("MAPS", "nr_maps", VALUE_COUNT, nr_maps, "its mappings of them"),
	GROUP_NUMBER("RSS", "rss_bytes", VALUE_BYTES, rss_bytes, "their whole sizes together"),
	GROUP_NUMBER("PSS", "pss_bytes", VALUE_BYTES, pss_bytes,
		     "of each the size / processes that hold it"),
	{ .name = "EXPORTERS", .json = "exporters", .type = VALUE_ITEMS, .items = &part_noun,
	  .get = get_parts, .help = "RSS by exporter: exporter:buffers:bytes" },
};

static const struct column device_columns[] = {
	GROUP_NAME("DEVICE", "device", "the device that is attached"),
	GROUP_NUMBER("BUFFERS", "nr_buffers", VALUE_COUNT, nr_buffers, "buffers it is attached to"),
	GROUP_NUMBER("ATTACH", "nr_attachments", VALUE_COUNT, nr_attachments, "its attachments"),
	GROUP_NUMBER("SIZE", "size_bytes", VALUE_BYTES, size_bytes, "sizes of the buffers together"),
};

static bool is_process(const void *row, u64 pid)
{
	return ((const struct dmabuf_group *)row)->pid == pid;
}

static bool is_always(const void *row, u64 pid)
{
	return true;
}

static const struct noun exporter_noun = {
	.name = "dmabuf",
	.schema = "rove.dmabuf.by-exporter",
	.version = 1,
	.columns = exporter_columns,
	.nr_columns = ARRAY_SIZE(exporter_columns),
	.default_columns = "EXPORTER,BUFFERS,SIZE,ATTACH,NPROC,KERNEL,KSIZE",
	.default_sort = "SIZE",
	.key = "EXPORTER",
	.row_bytes = sizeof(struct dmabuf_group),
	.footnote = DMABUF_FOOTNOTE,
	.held_by = is_always,
};

static const struct noun process_noun = {
	.name = "dmabuf",
	.schema = "rove.dmabuf.by-process",
	.version = 1,
	.columns = process_columns,
	.nr_columns = ARRAY_SIZE(process_columns),
	.default_columns = "PID,COMM,BUFFERS,FDS,MAPS,RSS,PSS,EXPORTERS",
	.default_sort = "PSS",
	.key = "COMM",
	.row_bytes = sizeof(struct dmabuf_group),
	.footnote = DMABUF_FOOTNOTE,
	.held_by = is_process,
};

static const struct noun device_noun = {
	.name = "dmabuf",
	.schema = "rove.dmabuf.by-device",
	.version = 1,
	.columns = device_columns,
	.nr_columns = ARRAY_SIZE(device_columns),
	.default_columns = "DEVICE,BUFFERS,ATTACH,SIZE",
	.default_sort = "SIZE",
	.key = "DEVICE",
	.row_bytes = sizeof(struct dmabuf_group),
	.footnote = DMABUF_FOOTNOTE,
	.held_by = is_always,
};

/* --- entries ------------------------------------------------------------------------------- */

struct entries {
	struct dmabuf_group *at;
	u64 nr, room;
};

static struct dmabuf_group *add_entry(struct entries *entries)
{
	if (entries->nr == entries->room) {
		u64 room = entries->room ? 2 * entries->room : 64;
		struct dmabuf_group *at = realloc(entries->at, room * sizeof(*at));

		if (!at)
			return NULL;
		entries->at = at;
		entries->room = room;
	}
	return memset(&entries->at[entries->nr++], 0, sizeof(*entries->at));
}

/* A sum with an unknown part is unknown, and so is one that no number holds. */
static void add(u64 *sum, u64 number)
{
	if (*sum == DMABUF_UNKNOWN || number == DMABUF_UNKNOWN ||
	    __builtin_add_overflow(*sum, number, sum))
		*sum = DMABUF_UNKNOWN;
}

static u64 attr(const struct dmabuf_row *row, enum dmabuf_attr attr)
{
	return dmabuf_row_knows(row, attr) ? row->attr[attr] : DMABUF_UNKNOWN;
}

static int compare_text(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "");
}

/* By name, and a buffer's own entry (pid 0) before those of its holders. */
static int compare_names(const void *a, const void *b)
{
	const struct dmabuf_group *one = a, *two = b;
	int order = compare_text(one->name, two->name);

	return order ? order : (one->pid > two->pid) - (one->pid < two->pid);
}

static int compare_processes(const void *a, const void *b)
{
	const struct dmabuf_group *one = a, *two = b;

	if (one->pid != two->pid)
		return one->pid < two->pid ? -1 : 1;
	return compare_text(one->exporter, two->exporter);
}

typedef int give_fn(struct entries *entries, const struct dmabuf_row *row);

static int gather(const struct listing *base, u64 pid, give_fn *give, struct entries *entries)
{
	struct dmabuf_row row;
	int err = 0;

	for (u64 i = 0; i < base->nr_rows && !err; i++) {
		base->row(base, i, &row);
		if (!pid || dmabuf_row_holder(&row, pid))
			err = give(entries, &row);
	}
	return err;
}

static void copy_group(const struct listing *listing, u64 index, void *ret_row)
{
	*(struct dmabuf_group *)ret_row = ((const struct dmabuf_group *)listing->rows)[index];
}

static void give_listing(const struct listing *base, const struct noun *noun,
			 const struct entries *entries, struct listing *ret_listing)
{
	*ret_listing = *base;
	ret_listing->noun = noun;
	ret_listing->nr_rows = entries->nr;
	ret_listing->rows = entries->at;
	ret_listing->row = copy_group;
}

/* --- by exporter --------------------------------------------------------------------------- */

static int give_exporter(struct entries *entries, const struct dmabuf_row *row)
{
	struct dmabuf_group *entry = add_entry(entries);
	u64 is_kernel_only = attr(row, DMABUF_KERNEL_ONLY);

	if (!entry)
		return -ENOMEM;
	entry->name = row->string[DMABUF_EXPORTER];
	entry->nr_buffers = 1;
	entry->size_bytes = attr(row, DMABUF_SIZE);
	entry->nr_attachments = attr(row, DMABUF_NR_ATTACHMENTS);
	entry->nr_kernel_only = is_kernel_only;
	entry->kernel_only_bytes = is_kernel_only == 1 ? entry->size_bytes : is_kernel_only;
	if (!dmabuf_row_knows(row, DMABUF_NR_PROCESSES))
		entry->nr_processes = DMABUF_UNKNOWN;
	for (u64 i = 0; i < row->nr_holders; i++) {
		entry = add_entry(entries);
		if (!entry)
			return -ENOMEM;
		entry->name = row->string[DMABUF_EXPORTER];
		entry->pid = row->holders[i].pid;
	}
	return 0;
}

static void sum_exporters(struct entries *entries)
{
	struct dmabuf_group *group = entries->at;
	u64 nr = 0, last_pid = 0;

	for (u64 i = 0; i < entries->nr; i++) {
		struct dmabuf_group entry = entries->at[i];

		if (!nr || compare_text(group->name, entry.name)) {
			group = &entries->at[nr++];
			*group = (struct dmabuf_group){ .name = entry.name };
			last_pid = 0;
		}
		add(&group->nr_buffers, entry.nr_buffers);
		add(&group->size_bytes, entry.size_bytes);
		add(&group->nr_attachments, entry.nr_attachments);
		add(&group->nr_kernel_only, entry.nr_kernel_only);
		add(&group->kernel_only_bytes, entry.kernel_only_bytes);
		add(&group->nr_processes, entry.pid ? entry.pid != last_pid : entry.nr_processes);
		last_pid = entry.pid;
	}
	entries->nr = nr;
}

static int make_by_exporter(const struct listing *base, u64 pid, struct listing *ret_listing,
			    struct view_memory *ret_memory)
{
	struct entries entries = { NULL };
	int err = gather(base, pid, give_exporter, &entries);

	*ret_memory = (struct view_memory){ .rows = entries.at };
	if (err)
		return err;
	if (entries.nr)
		qsort(entries.at, entries.nr, sizeof(*entries.at), compare_names);
	sum_exporters(&entries);
	give_listing(base, &exporter_noun, &entries, ret_listing);
	ret_memory->rows = entries.at;
	return 0;
}

/* --- by process ---------------------------------------------------------------------------- */

static int give_holders(struct entries *entries, const struct dmabuf_row *row)
{
	for (u64 i = 0; i < row->nr_holders; i++) {
		const struct dmabuf_holder *holder = &row->holders[i];
		struct dmabuf_group *entry = add_entry(entries);

		if (!entry)
			return -ENOMEM;
		entry->name = holder->comm;
		entry->pid = holder->pid;
		entry->nr_buffers = 1;
		entry->nr_fds = holder->nr_fds;
		entry->nr_maps = holder->nr_maps;
		entry->rss_bytes = attr(row, DMABUF_SIZE);
		entry->pss_bytes = attr(row, DMABUF_PSS);
		entry->exporter = row->string[DMABUF_EXPORTER];
	}
	return 0;
}

/* Entries are sorted by exporter too: those of one become one part. */
static void add_part(struct dmabuf_group *group, struct dmabuf_part *parts,
		     const struct dmabuf_group *entry)
{
	struct dmabuf_part *last = group->nr_parts ? &parts[group->nr_parts - 1] : NULL;

	if (!last || compare_text(last->exporter, entry->exporter)) {
		last = &parts[group->nr_parts++];
		*last = (struct dmabuf_part){ .exporter = entry->exporter };
	}
	last->nr_buffers++;
	add(&last->size_bytes, entry->rss_bytes);
}

static void sum_processes(struct entries *entries, struct dmabuf_part *parts)
{
	struct dmabuf_group *group = entries->at;
	u64 nr = 0;

	for (u64 i = 0; i < entries->nr; i++) {
		struct dmabuf_group entry = entries->at[i];

		if (!nr || group->pid != entry.pid) {
			group = &entries->at[nr++];
			*group = (struct dmabuf_group){ .name = entry.name, .pid = entry.pid,
							.parts = &parts[i] };
		}
		group->nr_buffers++;
		group->nr_fds += entry.nr_fds;
		group->nr_maps += entry.nr_maps;
		add(&group->rss_bytes, entry.rss_bytes);
		add(&group->pss_bytes, entry.pss_bytes);
		add_part(group, &parts[group->parts - parts], &entry);
	}
	entries->nr = nr;
}

/* Where nobody can tell who holds a buffer, no processes are not none. */
static bool holders_are_known(const struct listing *base)
{
	struct dmabuf_row row;

	for (u64 i = 0; i < base->nr_rows; i++) {
		base->row(base, i, &row);
		if (!row.knows_holders)
			return false;
	}
	return true;
}

static int make_by_process(const struct listing *base, u64 pid, struct listing *ret_listing,
			   struct view_memory *ret_memory)
{
	struct entries entries = { NULL };
	struct dmabuf_part *parts;
	int err = gather(base, pid, give_holders, &entries);

	*ret_memory = (struct view_memory){ .rows = entries.at };
	if (err)
		return err;
	parts = calloc(entries.nr + 1, sizeof(*parts));
	ret_memory->more = parts;
	if (!parts)
		return -ENOMEM;
	if (entries.nr)
		qsort(entries.at, entries.nr, sizeof(*entries.at), compare_processes);
	sum_processes(&entries, parts);
	give_listing(base, &process_noun, &entries, ret_listing);
	if (!holders_are_known(base))
		listing_incomplete(ret_listing, "holders-unknown");
	return 0;
}

/* --- by device ----------------------------------------------------------------------------- */

/* Attachments of one device to one buffer are neighbours: together they are one entry. */
static int give_devices(struct entries *entries, const struct dmabuf_row *row)
{
	struct dmabuf_group *entry = NULL;

	for (u64 i = 0; i < row->nr_devices; i++) {
		if (!entry || compare_text(entry->name, row->devices[i].name)) {
			entry = add_entry(entries);
			if (!entry)
				return -ENOMEM;
			entry->name = row->devices[i].name;
			entry->nr_buffers = 1;
			entry->size_bytes = attr(row, DMABUF_SIZE);
		}
		entry->nr_attachments++;
	}
	return 0;
}

static void sum_devices(struct entries *entries)
{
	struct dmabuf_group *group = entries->at;
	u64 nr = 0;

	for (u64 i = 0; i < entries->nr; i++) {
		struct dmabuf_group entry = entries->at[i];

		if (!nr || compare_text(group->name, entry.name)) {
			group = &entries->at[nr++];
			*group = (struct dmabuf_group){ .name = entry.name };
		}
		group->nr_buffers += entry.nr_buffers;
		group->nr_attachments += entry.nr_attachments;
		add(&group->size_bytes, entry.size_bytes);
	}
	entries->nr = nr;
}

static int make_by_device(const struct listing *base, u64 pid, struct listing *ret_listing,
			  struct view_memory *ret_memory)
{
	struct entries entries = { NULL };
	int err = gather(base, pid, give_devices, &entries);

	*ret_memory = (struct view_memory){ .rows = entries.at };
	if (err)
		return err;
	if (entries.nr)
		qsort(entries.at, entries.nr, sizeof(*entries.at), compare_names);
	sum_devices(&entries);
	give_listing(base, &device_noun, &entries, ret_listing);
	return 0;
}

const struct view dmabuf_by_exporter = { &exporter_noun, make_by_exporter };
const struct view dmabuf_by_process = { &process_noun, make_by_process };
const struct view dmabuf_by_device = { &device_noun, make_by_device };
