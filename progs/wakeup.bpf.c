/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * progs/wakeup.bpf.c - every wakeup source as one record, in one walk
 *
 * Takes the read lock, follows the list from its head and emits a record a
 * source into a ring buffer; the context returns what was visited, lost and
 * torn.  One object file for every side: the kernel, and a process.
 *
 * A source may change while it is read: the read lock keeps it alive, no more.
 * So its fields are read, and read again if it moved meanwhile; a record that
 * never settles is flagged, not hidden.
 */
#include <stdbool.h>

#include "types.h"
#include "iter.h"
#include "text.h"

#include <rove/wakeup_record.h>

#define READ_ATTEMPTS 4
#define STEPS_PER_ROUND (1 << 20)

/* Resized by the loader when a walk loses records. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} records SEC(".maps");

/* The compiler may not carry a loaded field across this line, nor move a load over it. */
#define barrier() asm volatile("" ::: "memory")

/* What changes whenever a source changes. */
struct moment {
	__u64 event_count, active_count, relax_count;
	__s64 last_time;
};

static __always_inline void read_moment(const struct wakeup_source *ws, struct moment *m)
{
	m->event_count = ws->event_count;
	m->active_count = ws->active_count;
	m->relax_count = ws->relax_count;
	m->last_time = ws->last_time;
}

static __always_inline bool has_generation(void)
{
	const struct wakeup_source___rove *own = NULL;

	return bpf_core_field_exists(own->generation);
}

/* Odd while a writer is inside; always 0 where sources have none. */
static __always_inline __u64 read_generation(const struct wakeup_source *ws)
{
	return has_generation() ? ((const struct wakeup_source___rove *)(const void *)ws)->generation : 0;
}

/*
 * Without a generation: nothing moved between two readings, and no writer was
 * inside.  An active source has been relaxed once less than activated, an idle one
 * as often, and a writer that is half-way breaks this for most of its way.
 */
static __always_inline bool moment_holds(const struct moment *a, const struct moment *b,
					 __u32 flags)
{
	return a->event_count == b->event_count && a->active_count == b->active_count &&
	       a->relax_count == b->relax_count && a->last_time == b->last_time &&
	       b->active_count - b->relax_count == (flags & ROVE_WAKEUP_ACTIVE);
}

/*
 * One reading of the numbers.  True: they fit together.  Every number is read
 * between the two readings of the generation.
 */
static __noinline bool read_numbers(const struct wakeup_source *ws, struct rove_wakeup_record *rec)
{
	struct moment before, after;
	__u64 generation;
	__u32 flags = 0;

	generation = read_generation(ws);
	barrier();
	read_moment(ws, &before);
	barrier();
	if (BPF_CORE_READ_BITFIELD(ws, active))
		flags |= ROVE_WAKEUP_ACTIVE;
	if (BPF_CORE_READ_BITFIELD(ws, autosleep_enabled))
		flags |= ROVE_WAKEUP_AUTOSLEEP;
	rec->wakeup_count = ws->wakeup_count;
	rec->expire_count = ws->expire_count;
	rec->total_time_ns = ws->total_time;
	rec->max_time_ns = ws->max_time;
	rec->prevent_sleep_time_ns = ws->prevent_sleep_time;
	rec->start_prevent_ns = ws->start_prevent_time;
	barrier();
	rec->event_count = before.event_count;
	rec->active_count = before.active_count;
	rec->relax_count = before.relax_count;
	rec->last_change_ns = before.last_time;
	rec->flags = flags;
	rec->now_ns = bpf_ktime_get_ns();
	if (has_generation())
		return !(generation & 1) && read_generation(ws) == generation;
	read_moment(ws, &after);
	return moment_holds(&before, &after, flags);
}

/* Names and links: set before the source is listed, so they cannot be torn. */
static __noinline void read_names(const struct wakeup_source *ws, struct rove_wakeup_record *rec)
{
	const struct device_driver *driver;
	const struct device *parent;
	__u32 flags = rec->flags;

	rec->id = ws->id;
	flags |= read_string(rec->name, sizeof(rec->name), ws->name, ROVE_WAKEUP_NAME_CUT);
	rec->device[0] = 0;
	rec->driver[0] = 0;
	if (!ws->dev)
		goto out;
	flags |= ROVE_WAKEUP_HAS_DEVICE;
	parent = ws->dev->parent;
	if (!parent)
		goto out;
	flags |= ROVE_WAKEUP_HAS_PARENT;
	flags |= read_string(rec->device, sizeof(rec->device), parent->kobj.name,
			     ROVE_WAKEUP_DEVICE_CUT);
	driver = parent->driver;
	if (!driver)
		goto out;
	flags |= ROVE_WAKEUP_HAS_DRIVER;
	flags |= read_string(rec->driver, sizeof(rec->driver), driver->name,
			     ROVE_WAKEUP_DRIVER_CUT);
out:
	rec->flags = flags;
}

static __noinline void emit(const struct wakeup_source *ws, struct rove_wakeup_walk *walk)
{
	struct rove_wakeup_record *rec = bpf_ringbuf_reserve(&records, sizeof(*rec), 0);
	bool settled = false;
	int attempt;

	if (!rec) {
		walk->lost++;
		return;
	}
	for_range(attempt, 0, READ_ATTEMPTS) {
		settled = read_numbers(ws, rec);
		if (settled)
			break;
	}
	if (!settled) {
		rec->flags |= ROVE_WAKEUP_TORN;
		walk->torn++;
	}
	read_names(ws, rec);
	bpf_ringbuf_submit(rec, BPF_RB_NO_WAKEUP);
}

static __always_inline __u32 walk_end(const struct rove_wakeup_walk *walk, const void *pos)
{
	if (!pos)
		return ROVE_WAKEUP_WALK_BROKEN_LIST;
	if (walk->max_objects && walk->visited >= walk->max_objects)
		return ROVE_WAKEUP_WALK_MAX_OBJECTS;
	if (walk->budget_ns && bpf_ktime_get_ns() - walk->locked_ns >= walk->budget_ns)
		return ROVE_WAKEUP_WALK_BUDGET;
	return ROVE_WAKEUP_WALK_COMPLETE;
}

/*
 * Two nested ranges, because one alone is bounded to ITER_NUM_MAX steps: together
 * they allow more steps than there can be sources.
 */
static __always_inline void walk_list(struct rove_wakeup_walk *walk)
{
	const void *head = bpf_wakeup_sources_get_head();
	const void *pos = core_cast(head, struct list_head)->next;
	int round, step;

	walk->end = ROVE_WAKEUP_WALK_COMPLETE;
	for_range(round, 0, STEPS_PER_ROUND) {
		for_range(step, 0, STEPS_PER_ROUND) {
			const struct wakeup_source *ws;

			if (pos == head)
				return;
			walk->end = walk_end(walk, pos);
			if (walk->end)
				return;
			ws = core_cast(pos - bpf_core_field_offset(struct wakeup_source, entry),
				       struct wakeup_source);
			walk->visited++;
			emit(ws, walk);
			pos = ws->entry.next;
		}
	}
	walk->end = ROVE_WAKEUP_WALK_MAX_OBJECTS;
}

SEC("syscall")
int wakeup_walk(struct rove_wakeup_walk *walk)
{
	struct bpf_ws_lock *lock;

	walk->visited = 0;
	walk->lost = 0;
	walk->torn = 0;
	walk->start_ns = bpf_ktime_get_ns();
	lock = bpf_wakeup_sources_read_lock();
	walk->locked_ns = bpf_ktime_get_ns();
	walk_list(walk);
	bpf_wakeup_sources_read_unlock(lock);
	walk->end_ns = bpf_ktime_get_ns();
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
