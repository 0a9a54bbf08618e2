/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * objects/wakeup_source.c - the list of all sources, and reading them
 *
 * Invariant: a source is in the list from its registration until it is
 *            unregistered, and its memory lives until the read sections that
 *            may have found it there have ended.
 * Ordering:  list.publish -> list.observe, ws.store -> ws.load, ws.end -> ws.open
 *            (docs/memory-model.md).
 * Not here:  events (wakeup_event.c), the handshake (wakeup_count.c).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/context.h"
#include "objects/wakeup_event.h"
#include "srcu/domain.h"
#include "srcu/read.h"

#define CLASS_NAME_BYTES sizeof("wakeup4294967295")

/* One allocation for a source, its class device, and their names. */
struct wakeup_source_block {
	struct wakeup_source	ws;
	struct device		dev;
	char			dev_name[CLASS_NAME_BYTES];
	char			name[] __attribute__((aligned(8)));
};

/*
 * W  under ->lock; readers follow ->list in a read section of ->srcu
 */
static struct {
	struct mutex	lock;		/* outside a source's */
	u32		next_id;	/* W */
	bool		fast;		/* W: srcu_speed_up() was called */
} sources;

static struct list_head wakeup_sources = LIST_INIT(wakeup_sources);
static struct rove_srcu wakeup_srcu = SRCU_INIT;

/* The sums of those that were unregistered; not in the list. */
static struct wakeup_source deleted_source = { .name = "deleted" };

/**
 * wakeup_sources_srcu - the domain in whose sections sources, devices and drivers live
 *
 * Context: any.
 */
struct rove_srcu *wakeup_sources_srcu(void)
{
	ctx_any();
	return &wakeup_srcu;
}

/**
 * wakeup_sources_head - the list itself, for programs
 *
 * Context: any.
 */
struct list_head *wakeup_sources_head(void)
{
	ctx_any();
	return &wakeup_sources;
}

/**
 * wakeup_sources_read_lock - from here on what is found in the list stays
 *
 * Context: any.
 * Return:  the index for wakeup_sources_read_unlock(): 0 or 1.
 */
int wakeup_sources_read_lock(void)
{
	ctx_any();
	return srcu_read_lock(&wakeup_srcu);
}

/**
 * wakeup_sources_read_unlock - end of the section, on this thread or another
 *
 * Context: any.
 */
void wakeup_sources_read_unlock(int idx)
{
	ctx_any();
	srcu_read_unlock(&wakeup_srcu, idx);
}

static struct wakeup_source *source_behind(const struct list_head *pos)
{
	struct list_head *next = list_next_rcu(pos);

	return next == &wakeup_sources ? NULL : list_entry(next, struct wakeup_source, entry);
}

/**
 * wakeup_sources_first - the source registered last
 *
 * Context: any, inside a read section.
 * Return:  NULL if there is none.
 */
struct wakeup_source *wakeup_sources_first(void)
{
	ctx_any();
	return source_behind(&wakeup_sources);
}

/**
 * wakeup_sources_next - the source registered before @ws
 * @ws:  found in this section; may have been unregistered since
 *
 * Context: any, inside the read section in which @ws was found.
 * Return:  NULL after the last.
 */
struct wakeup_source *wakeup_sources_next(const struct wakeup_source *ws)
{
	ctx_any();
	return source_behind(&ws->entry);
}

/* "wakeup" and the number; printf would be a third of a registration. */
static void write_class_name(char *name, u32 id)
{
	char digits[10];
	int nr_digits = 0;

	do {
		digits[nr_digits++] = '0' + id % 10;
		id /= 10;
	} while (id);
	name = mempcpy(name, "wakeup", 6);
	while (nr_digits)
		*name++ = digits[--nr_digits];
	*name = '\0';
}

static void source_add(struct wakeup_source_block *block)
{
	mutex_lock(&sources.lock);
	block->ws.id = sources.next_id++ & INT32_MAX;
	write_class_name(block->dev_name, block->ws.id);
	list_add_rcu(&block->ws.entry, &wakeup_sources);
	mutex_unlock(&sources.lock);
}

/* Not before the first source, so that nothing is asked of the kernel before. */
static void speed_up_once(void)
{
	bool first;

	if (likely(READ_ONCE(sources.fast)))
		return;
	mutex_lock(&sources.lock);
	first = !sources.fast;
	WRITE_ONCE(sources.fast, true);
	mutex_unlock(&sources.lock);
	if (first)
		srcu_speed_up(&wakeup_srcu);
}

/**
 * rove_wakeup_source_register - see rove/wakeup.h
 */
int rove_wakeup_source_register(struct device *dev, const char *name,
				struct wakeup_source **ret_ws)
{
	struct wakeup_source_block *block;
	size_t name_bytes;

	ctx_may_sleep();
	if (!name)
		return -EINVAL;
	name_bytes = strlen(name) + 1;
	block = calloc(1, sizeof(*block) + name_bytes);
	if (!block)
		return -ENOMEM;
	memcpy(block->name, name, name_bytes);
	block->ws.name = block->name;
	block->ws.dev = &block->dev;
	block->dev.kobj.name = block->dev_name;
	block->dev.parent = device_get(dev);
	refcount_set(&block->dev.refs, 1);
	wakeup_timer_init(&block->ws);
	speed_up_once();
	source_add(block);
	*ret_ws = &block->ws;
	return 0;
}

static void source_free(struct rove_srcu_head *head)
{
	free(container_of(head, struct wakeup_source_block, dev.srcu));
}

/* A source that never had an event counts as one that was active once. */
static void add_to_deleted(const struct wakeup_source *ws)
{
	struct wakeup_source *sum = &deleted_source;

	mutex_lock(&sum->lock);
	ws_write_begin(sum);
	if (ws->event_count) {
		ws_store(sum->total_time, sum->total_time + ws->total_time);
		ws_store(sum->prevent_sleep_time, sum->prevent_sleep_time + ws->prevent_sleep_time);
		ws_store(sum->max_time, max(sum->max_time, ws->max_time));
		ws_store(sum->event_count, sum->event_count + ws->event_count);
		ws_store(sum->active_count, sum->active_count + ws->active_count);
		ws_store(sum->relax_count, sum->relax_count + ws->relax_count);
		ws_store(sum->expire_count, sum->expire_count + ws->expire_count);
		ws_store(sum->wakeup_count, sum->wakeup_count + ws->wakeup_count);
	} else {
		ws_store(sum->active_count, sum->active_count + 1);
	}
	ws_write_end(sum);
	mutex_unlock(&sum->lock);
}

/**
 * rove_wakeup_source_unregister - see rove/wakeup.h
 */
void rove_wakeup_source_unregister(struct wakeup_source *ws)
{
	ctx_may_sleep();
	if (!ws)
		return;
	mutex_lock(&sources.lock);
	list_del_rcu(&ws->entry);
	mutex_unlock(&sources.lock);

	wakeup_timer_cancel_wait(ws);
	rove_pm_relax(ws);
	add_to_deleted(ws);
	rove_device_put(ws->dev->parent);
	rove_srcu_call(&wakeup_srcu, &ws->dev->srcu, source_free);
}

/**
 * rove_wakeup_sources_barrier - see rove/wakeup.h
 */
void rove_wakeup_sources_barrier(void)
{
	rove_srcu_barrier(&wakeup_srcu);
}

/*
 * ORDER ws.load (acquire): the generation is looked at again after every value, and
 * whoever saw a new value finds it changed.  Pairs with ws.store in ws_store().
 */
#define WS_LOAD(field) load_acquire(&(field))

/* The values as they are stored; what the present adds comes in attrs_add_now(). */
static void attrs_load(const struct wakeup_source *ws, struct rove_wakeup_attrs *attrs)
{
	attrs->name = ws->name;
	attrs->active_count = WS_LOAD(ws->active_count);
	attrs->event_count = WS_LOAD(ws->event_count);
	attrs->wakeup_count = WS_LOAD(ws->wakeup_count);
	attrs->expire_count = WS_LOAD(ws->expire_count);
	attrs->relax_count = WS_LOAD(ws->relax_count);
	attrs->active_time_ns = 0;
	attrs->total_time_ns = WS_LOAD(ws->total_time);
	attrs->max_time_ns = WS_LOAD(ws->max_time);
	attrs->last_change_ns = WS_LOAD(ws->last_time);
	attrs->prevent_suspend_time_ns = WS_LOAD(ws->prevent_sleep_time);
}

static void attrs_add_now(struct rove_wakeup_attrs *attrs, u8 flags, ktime_t start_prevent_time)
{
	ktime_t now = ktime_get();

	attrs->active = flags & WAKEUP_SOURCE_ACTIVE;
	if (!attrs->active)
		return;
	attrs->active_time_ns = now - attrs->last_change_ns;
	attrs->total_time_ns += attrs->active_time_ns;
	attrs->max_time_ns = max(attrs->max_time_ns, attrs->active_time_ns);
	if (flags & WAKEUP_SOURCE_AUTOSLEEP)
		attrs->prevent_suspend_time_ns += now - start_prevent_time;
}

/**
 * rove_wakeup_source_read - see rove/wakeup.h
 */
void rove_wakeup_source_read(struct wakeup_source *ws, struct rove_wakeup_attrs *ret_attrs)
{
	ctx_thread();
	mutex_lock(&ws->lock);
	attrs_load(ws, ret_attrs);
	attrs_add_now(ret_attrs, ws->flags, ws->start_prevent_time);
	mutex_unlock(&ws->lock);
}

/**
 * rove_wakeup_deleted_read - see rove/wakeup.h
 */
void rove_wakeup_deleted_read(struct rove_wakeup_attrs *ret_attrs)
{
	rove_wakeup_source_read(&deleted_source, ret_attrs);
}

/**
 * wakeup_source_try_read - the attributes without the lock, if nobody writes meanwhile
 * @ret_attrs:  may be written in any case; all of one moment if true is returned
 *
 * Context: any, inside a read section.
 * Return:  false if the record may be torn; trying again may help.
 */
bool wakeup_source_try_read(const struct wakeup_source *ws, struct rove_wakeup_attrs *ret_attrs)
{
	u64 generation;
	ktime_t start_prevent_time;
	u8 flags;

	ctx_any();
	/*
	 * ORDER ws.open (acquire): all values of that generation, or newer, are
	 * seen.  Pairs with ws.end in ws_write_end().
	 */
	generation = load_acquire(&ws->generation);
	if (generation & 1)
		return false;
	attrs_load(ws, ret_attrs);
	start_prevent_time = WS_LOAD(ws->start_prevent_time);
	flags = WS_LOAD(ws->flags);
	if (READ_ONCE(ws->generation) != generation)
		return false;
	attrs_add_now(ret_attrs, flags, start_prevent_time);
	return true;
}
