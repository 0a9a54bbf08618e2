/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/model/dmabuf.c - the columns of a DMA-buf, and of those who hold it
 */
#include "cli/model/dmabuf.h"
#include "cli/model/text.h"

/* --- a holder ------------------------------------------------------------------------------ */

enum { HOLDER_PID, HOLDER_COMM, HOLDER_FDS, HOLDER_MAPS };

static void get_holder(const struct column *col, const void *row, struct value *ret_value)
{
	const struct dmabuf_holder *holder = row;
	const u64 counts[] = {
		[HOLDER_PID] = holder->pid,
		[HOLDER_FDS] = holder->nr_fds,
		[HOLDER_MAPS] = holder->nr_maps,
	};

	if (col->field == HOLDER_COMM) {
		ret_value->known = holder->comm;
		ret_value->string = holder->comm;
	} else {
		ret_value->known = true;
		ret_value->count = counts[col->field];
	}
}

static void set_holder(const struct column *col, void *row, const struct value *value)
{
	struct dmabuf_holder *holder = row;

	switch (col->field) {
	case HOLDER_PID:
		holder->pid = value->count;
		break;
	case HOLDER_COMM:
		holder->comm = value->string;
		break;
	case HOLDER_FDS:
		holder->nr_fds = value->count;
		break;
	case HOLDER_MAPS:
		holder->nr_maps = value->count;
		break;
	}
}

static const struct column holder_columns[] = {
	{ .name = "PID", .json = "pid", .type = VALUE_COUNT,
	  .field = HOLDER_PID, .get = get_holder, .help = "the process" },
	{ .name = "COMM", .json = "comm", .type = VALUE_STRING,
	  .field = HOLDER_COMM, .get = get_holder, .help = "its name" },
	{ .name = "FDS", .json = "nr_fds", .type = VALUE_COUNT,
	  .field = HOLDER_FDS, .get = get_holder, .help = "its descriptors of the buffer" },
	{ .name = "MAPS", .json = "nr_maps", .type = VALUE_COUNT,
	  .field = HOLDER_MAPS, .get = get_holder, .help = "its mappings of the buffer" },
};

const struct noun dmabuf_holder_noun = {
	.name = "holder",
	.columns = holder_columns,
	.nr_columns = ARRAY_SIZE(holder_columns),
	.row_bytes = sizeof(struct dmabuf_holder),
	.set = set_holder,
};

/* --- a device ------------------------------------------------------------------------------ */

static void get_device(const struct column *col, const void *row, struct value *ret_value)
{
	const struct dmabuf_device *device = row;

	ret_value->known = device->name;
	ret_value->string = device->name;
}

static void set_device(const struct column *col, void *row, const struct value *value)
{
	((struct dmabuf_device *)row)->name = value->string;
}

static const struct column device_columns[] = {
	{ .name = "DEVICE", .json = "device", .type = VALUE_STRING,
	  .get = get_device, .help = "the device that is attached" },
};

const struct noun dmabuf_device_noun = {
	.name = "device",
	.columns = device_columns,
	.nr_columns = ARRAY_SIZE(device_columns),
	.row_bytes = sizeof(struct dmabuf_device),
	.set = set_device,
};

/* --- a buffer ------------------------------------------------------------------------------ */

static void get_string(const struct column *col, const void *row, struct value *ret_value)
{
	const struct dmabuf_row *buf = row;

	ret_value->string = buf->string[col->field];
	ret_value->known = ret_value->string;
}

static void get_attr(const struct column *col, const void *row, struct value *ret_value)
{
	const struct dmabuf_row *buf = row;

	ret_value->known = dmabuf_row_knows(buf, col->field);
	if (col->type == VALUE_FLAG)
		ret_value->flag = buf->attr[col->field];
	else
		ret_value->count = buf->attr[col->field];
}

static void get_devices(const struct column *col, const void *row, struct value *ret_value)
{
	const struct dmabuf_row *buf = row;

	ret_value->known = buf->knows_devices;
	ret_value->items = buf->devices;
	ret_value->nr_items = buf->nr_devices;
}

static void get_holders(const struct column *col, const void *row, struct value *ret_value)
{
	const struct dmabuf_row *buf = row;

	ret_value->known = buf->knows_holders;
	ret_value->items = buf->holders;
	ret_value->nr_items = buf->nr_holders;
}

static void set_value(const struct column *col, void *row, const struct value *value)
{
	struct dmabuf_row *buf = row;

	if (col->items == &dmabuf_holder_noun) {
		buf->knows_holders = true;
		buf->holders = value->items;
		buf->nr_holders = value->nr_items;
	} else if (col->items == &dmabuf_device_noun) {
		buf->knows_devices = true;
		buf->devices = value->items;
		buf->nr_devices = value->nr_items;
	} else if (col->type == VALUE_STRING) {
		buf->string[col->field] = value->string;
	} else {
		dmabuf_row_set(buf, col->field,
			       col->type == VALUE_FLAG ? value->flag : value->count);
	}
}

static const struct column dmabuf_columns[] = {
	{ .name = "INODE", .json = "inode", .type = VALUE_COUNT,
	  .field = DMABUF_INODE, .get = get_attr,
	  .help = "number of its file; used again when it is gone" },
	{ .name = "SIZE", .json = "size_bytes", .type = VALUE_BYTES,
	  .field = DMABUF_SIZE, .get = get_attr,
	  .help = "size of the buffer" },
	{ .name = "REFS", .json = "refs", .alias = "count", .type = VALUE_COUNT,
	  .field = DMABUF_REFS, .get = get_attr,
	  .help = "references to it, by processes and the kernel" },
	{ .name = "EXPORTER", .json = "exporter", .alias = "exp_name", .type = VALUE_STRING,
	  .field = DMABUF_EXPORTER, .get = get_string,
	  .help = "who made it: driver or heap" },
	{ .name = "NAME", .json = "name", .type = VALUE_STRING,
	  .field = DMABUF_NAME, .get = get_string,
	  .help = "name a process gave it; any bytes" },
	{ .name = "ATTACH", .json = "nr_attachments", .type = VALUE_COUNT,
	  .field = DMABUF_NR_ATTACHMENTS, .get = get_attr,
	  .help = "attachments of devices" },
	{ .name = "DEVICES", .json = "devices", .type = VALUE_ITEMS,
	  .items = &dmabuf_device_noun, .get = get_devices,
	  .help = "the device of each attachment" },
	{ .name = "NPROC", .json = "nr_processes", .type = VALUE_COUNT,
	  .field = DMABUF_NR_PROCESSES, .get = get_attr,
	  .help = "processes that hold it" },
	{ .name = "FDS", .json = "nr_fds", .type = VALUE_COUNT,
	  .field = DMABUF_NR_FDS, .get = get_attr,
	  .help = "their descriptors of it" },
	{ .name = "MAPS", .json = "nr_maps", .type = VALUE_COUNT,
	  .field = DMABUF_NR_MAPS, .get = get_attr,
	  .help = "their mappings of it" },
	{ .name = "RSS", .json = "rss_bytes", .type = VALUE_BYTES,
	  .field = DMABUF_RSS, .get = get_attr,
	  .help = "size times holding processes" },
	{ .name = "PSS", .json = "pss_bytes", .type = VALUE_BYTES,
	  .field = DMABUF_PSS, .get = get_attr,
	  .help = "size / holding processes" },
	{ .name = "KERNEL", .json = "kernel_only", .type = VALUE_FLAG,
	  .field = DMABUF_KERNEL_ONLY, .get = get_attr,
	  .help = "no process holds it" },
	{ .name = "OWNER", .json = "owner", .type = VALUE_STRING,
	  .field = DMABUF_OWNER, .get = get_string,
	  .help = "first holding process, and how many more" },
	{ .name = "HOLDERS", .json = "holders", .type = VALUE_ITEMS,
	  .items = &dmabuf_holder_noun, .get = get_holders,
	  .help = "who holds it: pid:comm:descriptors:mappings" },
	{ .name = "TORN", .json = "torn", .type = VALUE_FLAG,
	  .field = DMABUF_TORN, .get = get_attr,
	  .help = "came, went or changed while it was read" },
	{ .name = "CUT", .json = "name_truncated", .type = VALUE_FLAG,
	  .field = DMABUF_NAME_TRUNCATED, .get = get_attr,
	  .help = "the name is longer than shown" },
};

bool dmabuf_row_is_same(const struct dmabuf_row *a, const struct dmabuf_row *b)
{
	return a->attr[DMABUF_INODE] == b->attr[DMABUF_INODE] &&
	       a->attr[DMABUF_SIZE] == b->attr[DMABUF_SIZE] &&
	       !text_order(a->string[DMABUF_EXPORTER], b->string[DMABUF_EXPORTER]);
}

const struct dmabuf_holder *dmabuf_row_holder(const struct dmabuf_row *row, u64 pid)
{
	for (u64 i = 0; i < row->nr_holders; i++)
		if (row->holders[i].pid == pid)
			return &row->holders[i];
	return NULL;
}

static bool is_held_by(const void *row, u64 pid)
{
	return dmabuf_row_holder(row, pid);
}

static bool knows_holders(const void *row)
{
	return ((const struct dmabuf_row *)row)->knows_holders;
}

const struct noun dmabuf_noun = {
	.name = "dmabuf",
	.schema = "rove.dmabuf",
	.version = 1,
	.columns = dmabuf_columns,
	.nr_columns = ARRAY_SIZE(dmabuf_columns),
	.default_columns = "INODE,SIZE,REFS,EXPORTER,NAME,ATTACH,NPROC,PSS,OWNER",
	.default_sort = "SIZE",
	.key = "NAME",
	.row_bytes = sizeof(struct dmabuf_row),
	.footnote = DMABUF_FOOTNOTE,
	.layout = "|bufinfo|",
	.set = set_value,
	.held_by = is_held_by,
	.knows_holders = knows_holders,
};
