/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/collect/dmabuf_set.c - join DMA-bufs with who holds them
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/collect/dmabuf_set.h"

/* Room for one more member of an array. */
static int reserve(void *array, u64 nr, u64 *room, size_t bytes)
{
	u64 more = *room ? 2 * *room : 64;
	void *grown;

	if (nr < *room)
		return 0;
	grown = realloc(*(void **)array, more * bytes);
	if (!grown)
		return -ENOMEM;
	*(void **)array = grown;
	*room = more;
	return 0;
}

/**
 * dmabuf_set_clear - forget everything, and keep the room
 * @set: zeroed, or used before
 *
 * Context: may sleep.
 */
void dmabuf_set_clear(struct dmabuf_set *set)
{
	for (u64 i = 0; i < set->nr_kept; i++)
		free(set->kept[i]);
	set->nr_kept = 0;
	set->nr_rows = 0;
	set->nr_holds = 0;
	set->nr_attaches = 0;
	set->knows_devices = set->knows_holders = set->misses_holders = false;
	if (set->index)
		memset(set->index, 0, set->index_room * sizeof(*set->index));
}

/**
 * dmabuf_set_fini - free what the set has
 *
 * Context: may sleep.
 */
void dmabuf_set_fini(struct dmabuf_set *set)
{
	dmabuf_set_clear(set);
	free(set->rows);
	free(set->index);
	free(set->holds);
	free(set->attaches);
	free(set->kept);
}

static void *keep(struct dmabuf_set *set, void *memory)
{
	if (memory && reserve(&set->kept, set->nr_kept, &set->kept_room, sizeof(*set->kept))) {
		free(memory);
		return NULL;
	}
	if (memory)
		set->kept[set->nr_kept++] = memory;
	return memory;
}

/**
 * dmabuf_set_text - a copy that lives as long as the rows
 *
 * Context: may sleep.
 * Return:  the copy, or NULL: no memory.
 */
const char *dmabuf_set_text(struct dmabuf_set *set, const char *bytes)
{
	return keep(set, strdup(bytes));
}

/* --- buffers by inode ---------------------------------------------------------------------- */

/* Inodes are numbered one after the other, so they spread by themselves. */
static u32 *slot_of(const struct dmabuf_set *set, u64 inode)
{
	u64 at = inode & (set->index_room - 1);

	while (set->index[at] && set->rows[set->index[at] - 1].attr[DMABUF_INODE] != inode)
		at = (at + 1) & (set->index_room - 1);
	return &set->index[at];
}

static int grow_index(struct dmabuf_set *set)
{
	u64 room = set->index_room ? 2 * set->index_room : 256;
	u32 *index;

	if (set->index_room > 2 * set->nr_rows + 2)
		return 0;
	index = calloc(room, sizeof(*index));
	if (!index)
		return -ENOMEM;
	free(set->index);
	set->index = index;
	set->index_room = room;
	for (u64 i = 0; i < set->nr_rows; i++)
		*slot_of(set, set->rows[i].attr[DMABUF_INODE]) = i + 1;
	return 0;
}

/**
 * dmabuf_set_find - the row of an inode
 *
 * Context: any.
 * Return:  the row, until the next is added; or NULL.
 */
struct dmabuf_row *dmabuf_set_find(const struct dmabuf_set *set, u64 inode)
{
	u32 slot = set->index_room ? *slot_of(set, inode) : 0;

	return slot ? &set->rows[slot - 1] : NULL;
}

/**
 * dmabuf_set_add - a new row
 * @inode:   is set in it, everything else is unknown
 * @ret_row: valid until the next is added
 *
 * Context: may sleep.
 * Return:  0, -EEXIST (it is there already) or -ENOMEM.
 */
int dmabuf_set_add(struct dmabuf_set *set, u64 inode, struct dmabuf_row **ret_row)
{
	int err = reserve(&set->rows, set->nr_rows, &set->rows_room, sizeof(*set->rows));
	struct dmabuf_row *row;
	u32 *slot;

	err = err ?: grow_index(set);
	if (err)
		return err;
	slot = slot_of(set, inode);
	if (*slot)
		return -EEXIST;
	row = memset(&set->rows[set->nr_rows++], 0, sizeof(*row));
	dmabuf_row_set(row, DMABUF_INODE, inode);
	*slot = set->nr_rows;
	*ret_row = row;
	return 0;
}

/**
 * dmabuf_set_hold - somebody holds a buffer
 * @hold: of a buffer that need not be there yet; copied
 *
 * Context: may sleep.
 * Return:  0 or -ENOMEM.
 */
int dmabuf_set_hold(struct dmabuf_set *set, const struct dmabuf_hold *hold)
{
	int err = reserve(&set->holds, set->nr_holds, &set->holds_room, sizeof(*set->holds));

	if (!err)
		set->holds[set->nr_holds++] = *hold;
	return err;
}

/**
 * dmabuf_set_attach - a device is attached to a buffer
 * @attach: as in dmabuf_set_hold()
 *
 * Context: may sleep.
 * Return:  0 or -ENOMEM.
 */
int dmabuf_set_attach(struct dmabuf_set *set, const struct dmabuf_attach *attach)
{
	int err = reserve(&set->attaches, set->nr_attaches, &set->attaches_room,
			  sizeof(*set->attaches));

	if (!err)
		set->attaches[set->nr_attaches++] = *attach;
	return err;
}

/* --- the join ------------------------------------------------------------------------------ */

static int compare_holds(const void *a, const void *b)
{
	const struct dmabuf_hold *one = a, *two = b;

	if (one->inode != two->inode)
		return one->inode < two->inode ? -1 : 1;
	if (one->pid != two->pid)
		return one->pid < two->pid ? -1 : 1;
	if (one->space != two->space)
		return one->space < two->space ? -1 : 1;
	return (one->place > two->place) - (one->place < two->place);
}

/* Met again, by way of another thread? */
static bool is_same_hold(const struct dmabuf_hold *a, const struct dmabuf_hold *b)
{
	return a->space && !compare_holds(a, b);
}

static int compare_attaches(const void *a, const void *b)
{
	const struct dmabuf_attach *one = a, *two = b;

	if (one->inode != two->inode)
		return one->inode < two->inode ? -1 : 1;
	return strcmp(one->device ? one->device : "", two->device ? two->device : "");
}

static void add_holder(struct dmabuf_row *row, struct dmabuf_holder *holders,
		       const struct dmabuf_hold *hold)
{
	struct dmabuf_holder *last = row->nr_holders ? &holders[row->nr_holders - 1] : NULL;

	if (!last || last->pid != hold->pid) {
		last = &holders[row->nr_holders++];
		*last = (struct dmabuf_holder){ .pid = hold->pid, .comm = hold->comm };
	}
	last->nr_fds += hold->nr_fds;
	last->nr_maps += hold->nr_maps;
}

/* Sorted, the holds of one buffer are neighbours; merged, they need no more room. */
static int join_holders(struct dmabuf_set *set)
{
	struct dmabuf_holder *holders = keep(set, calloc(set->nr_holds + 1, sizeof(*holders)));

	if (!holders)
		return -ENOMEM;
	if (set->nr_holds)
		qsort(set->holds, set->nr_holds, sizeof(*set->holds), compare_holds);
	for (u64 i = 0; i < set->nr_holds; i++) {
		struct dmabuf_row *row = dmabuf_set_find(set, set->holds[i].inode);

		if (!row)
			continue;	/* it came after the buffers were looked at */
		if (i && is_same_hold(&set->holds[i - 1], &set->holds[i]))
			continue;
		if (!row->holders)
			row->holders = &holders[i];
		add_holder(row, (struct dmabuf_holder *)row->holders, &set->holds[i]);
	}
	return 0;
}

static int join_devices(struct dmabuf_set *set)
{
	struct dmabuf_device *devices = keep(set, calloc(set->nr_attaches + 1, sizeof(*devices)));

	if (!devices)
		return -ENOMEM;
	if (set->nr_attaches)
		qsort(set->attaches, set->nr_attaches, sizeof(*set->attaches), compare_attaches);
	for (u64 i = 0; i < set->nr_attaches; i++) {
		struct dmabuf_row *row = dmabuf_set_find(set, set->attaches[i].inode);

		devices[i].name = set->attaches[i].device;
		if (!row)
			continue;
		if (!row->devices)
			row->devices = &devices[i];
		row->nr_devices++;
	}
	return 0;
}

/* "comm(pid)", and how many hold it besides. */
static int name_owner(struct dmabuf_set *set, struct dmabuf_row *row)
{
	const struct dmabuf_holder *first = row->holders;
	char text[64], more[32] = "";

	if (!row->nr_holders)
		return 0;
	if (row->nr_holders > 1)
		snprintf(more, sizeof(more), "+%llu", (unsigned long long)row->nr_holders - 1);
	snprintf(text, sizeof(text), "%.15s(%llu)%s", first->comm ? first->comm : "?",
		 (unsigned long long)first->pid, more);
	row->string[DMABUF_OWNER] = dmabuf_set_text(set, text);
	return row->string[DMABUF_OWNER] ? 0 : -ENOMEM;
}

/*
 * Where some processes could not be looked into, the count of holders is known only if
 * all references to the buffer have been found.
 */
static void sum_up(const struct dmabuf_set *set, struct dmabuf_row *row)
{
	u64 nr_fds = 0, nr_maps = 0, rss;

	for (u64 i = 0; i < row->nr_holders; i++) {
		nr_fds += row->holders[i].nr_fds;
		nr_maps += row->holders[i].nr_maps;
	}
	if (set->misses_holders && !(dmabuf_row_knows(row, DMABUF_REFS) &&
				     nr_fds + nr_maps >= row->attr[DMABUF_REFS]))
		return;
	dmabuf_row_set(row, DMABUF_NR_PROCESSES, row->nr_holders);
	dmabuf_row_set(row, DMABUF_NR_FDS, nr_fds);
	dmabuf_row_set(row, DMABUF_NR_MAPS, nr_maps);
	dmabuf_row_set(row, DMABUF_KERNEL_ONLY, !row->nr_holders);
	if (!dmabuf_row_knows(row, DMABUF_SIZE))
		return;
	if (!__builtin_mul_overflow(row->attr[DMABUF_SIZE], row->nr_holders, &rss))
		dmabuf_row_set(row, DMABUF_RSS, rss);
	if (row->nr_holders)
		dmabuf_row_set(row, DMABUF_PSS, row->attr[DMABUF_SIZE] / row->nr_holders);
}

static int finish_row(struct dmabuf_set *set, struct dmabuf_row *row)
{
	row->knows_devices = set->knows_devices;
	if (set->knows_devices && !dmabuf_row_knows(row, DMABUF_NR_ATTACHMENTS))
		dmabuf_row_set(row, DMABUF_NR_ATTACHMENTS, row->nr_devices);
	/* One that came or went meanwhile may be held by whom we did not see. */
	if (!set->knows_holders ||
	    (row->attr[DMABUF_TORN] && !row->nr_holders))
		return 0;
	row->knows_holders = true;
	sum_up(set, row);
	return name_owner(set, row);
}

/**
 * dmabuf_set_finish - make the rows whole
 *
 * Context: may sleep.
 * Return:  0 or -ENOMEM.
 */
int dmabuf_set_finish(struct dmabuf_set *set)
{
	int err = join_holders(set);

	err = err ?: join_devices(set);
	for (u64 i = 0; i < set->nr_rows && !err; i++)
		err = finish_row(set, &set->rows[i]);
	return err;
}

static void copy_row(const struct listing *listing, u64 index, void *ret_row)
{
	*(struct dmabuf_row *)ret_row = ((const struct dmabuf_row *)listing->rows)[index];
}

/**
 * dmabuf_set_listing - the finished rows as those of a listing
 * @listing: begun; ->visited is set too
 *
 * Context: thread.
 */
void dmabuf_set_listing(const struct dmabuf_set *set, struct listing *listing)
{
	listing->visited = listing->nr_rows = set->nr_rows;
	listing->row = copy_row;
	listing->rows = set->rows;
	for (u64 i = 0; i < set->nr_rows; i++) {
		listing->torn += !!set->rows[i].attr[DMABUF_TORN];
		listing->names_truncated += !!set->rows[i].attr[DMABUF_NAME_TRUNCATED];
	}
}
