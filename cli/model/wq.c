/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/model/wq.c - the columns of workqueues, of pools, and of works
 *
 * The words are those of the kernel's wq_monitor.py and wq_dump.py; whoever knows
 * these, or the JSON keys, can type them.
 */
#include "cli/model/wq.h"

static void get_string(const struct column *col, const void *row, struct value *ret_value)
{
	const struct wq_row *wq = row;

	ret_value->string = wq->string[col->field];
	ret_value->known = ret_value->string;
}

static void get_attr(const struct column *col, const void *row, struct value *ret_value)
{
	const struct wq_row *wq = row;

	ret_value->known = wq->known >> col->field & 1;
	ret_value->count = (u64)wq->attr[col->field];
}

static void get_flag(const struct column *col, const void *row, struct value *ret_value)
{
	const struct wq_row *wq = row;

	ret_value->known = wq->known >> col->field & 1;
	ret_value->flag = wq->attr[col->field];
}

/* As the columns get it, so it is put. */
static void set_value(const struct column *col, void *row, const struct value *value)
{
	struct wq_row *wq = row;

	switch (col->type) {
	case VALUE_STRING:
		wq->string[col->field] = value->string;
		break;
	case VALUE_FLAG:
		wq_row_set(wq, col->field, value->flag);
		break;
	default:
		wq_row_set(wq, col->field, value->count);
	}
}

#define STRING(name_, json_, field_, help_)                                          \
	{ .name = name_, .json = json_, .type = VALUE_STRING, .field = field_,       \
	  .get = get_string, .help = help_ }
#define COUNT(name_, json_, field_, help_)                                           \
	{ .name = name_, .json = json_, .type = VALUE_COUNT, .field = field_,        \
	  .get = get_attr, .help = help_ }
#define INTEGER(name_, json_, field_, help_)                                         \
	{ .name = name_, .json = json_, .type = VALUE_INTEGER, .field = field_,      \
	  .get = get_attr, .help = help_ }
#define TIME(name_, json_, field_, help_)                                            \
	{ .name = name_, .json = json_, .type = VALUE_DURATION, .field = field_,     \
	  .get = get_attr, .help = help_ }
#define FLAG(name_, json_, field_, help_)                                            \
	{ .name = name_, .json = json_, .type = VALUE_FLAG, .field = field_,         \
	  .get = get_flag, .help = help_ }

/* --- queues -------------------------------------------------------------------------------- */

static const struct column queue_columns[] = {
	STRING("NAME", "name", WQ_NAME, "name of the queue; not unique"),
	STRING("TYPE", "type", WQ_TYPE, "percpu, unbound, ordered or bh"),
	STRING("FLAGS", "flags", WQ_FLAGS, "highpri, cpu_intensive, mem_reclaim, freezable, help"),
	STRING("SCOPE", "affinity_scope", WQ_SCOPE, "which CPUs share a pool, of unbound queues"),
	INTEGER("NICE", "nice", WQ_NICE, "nice level of its workers"),
	COUNT("MAXACT", "max_active", WQ_MAX_ACTIVE, "works that may run at the same time"),
	COUNT("POOLS", "pools", WQ_POOLS, "pools that serve it"),
	COUNT("TOTAL", "started", WQ_STARTED, "works begun since it was made"),
	COUNT("INFL", "in_flight", WQ_IN_FLIGHT, "works taken and not completed"),
	COUNT("PENDING", "pending", WQ_PENDING, "works that wait"),
	TIME("CPUTIME", "cpu_time_ns", WQ_CPU_TIME, "CPU time of its works, as far as sampled"),
	COUNT("CPUHOG", "cpu_intensive", WQ_CPU_INTENSIVE, "works found to compute for long"),
	COUNT("CMW", "cm_wakeups", WQ_CM_WAKEUPS, "workers started because another one waited"),
	COUNT("RPR", "repatriated", WQ_REPATRIATED, "workers brought back to their CPUs"),
	COUNT("MAYDAY", "mayday", WQ_MAYDAY, "calls for the rescuer"),
	COUNT("RESCUED", "rescued", WQ_RESCUED, "works run by the rescuer"),
	COUNT("HELPED", "helped", WQ_HELPED, "works run by those who waited for them"),
	COUNT("WAKEUPS", "wakeups", WQ_WAKEUPS, "workers woken because something was queued"),
	COUNT("SAVED", "wakeups_saved", WQ_WAKEUPS_SAVED, "queueings that needed to wake nobody"),
	TIME("QTIME", "queue_time_ns", WQ_QUEUE_TIME, "mean time in the queue, so far"),
	TIME("QMAX", "queue_time_max_ns", WQ_QUEUE_TIME_MAX, "longest of these"),
	TIME("OLDEST", "oldest_pending_ns", WQ_OLDEST, "how long the oldest has waited"),
	TIME("POLL", "poll_ns", WQ_POLL, "how long an idle worker looks before it sleeps"),
};

const struct noun wq_noun = {
	.name = "wq",
	.schema = "rove.wq",
	.version = 1,
	.columns = queue_columns,
	.nr_columns = ARRAY_SIZE(queue_columns),
	.default_columns = "NAME,TYPE,TOTAL,INFL,PENDING,CPUTIME,CPUHOG,CMW,RPR,MAYDAY,RESCUED,OLDEST",
	.default_sort = "TOTAL",
	.key = "NAME",
	.row_bytes = sizeof(struct wq_row),
	.set = set_value,
};

/* --- pools --------------------------------------------------------------------------------- */

static const struct column pool_columns[] = {
	COUNT("POOL", "pool", WQ_POOL, "its number"),
	STRING("TYPE", "type", WQ_TYPE, "thread, or bh: the softirq thread is its worker"),
	STRING("CPUS", "cpus", WQ_CPUS, "whose works it runs"),
	INTEGER("NICE", "nice", WQ_NICE, "nice level of its workers"),
	COUNT("QUEUES", "queues", WQ_QUEUES, "queues it serves"),
	COUNT("IDLE", "idle", WQ_IDLE, "workers that have nothing to do"),
	COUNT("WORKERS", "workers", WQ_WORKERS, "workers it has"),
	COUNT("RUNNING", "running", WQ_RUNNING, "workers that count as using a CPU"),
	COUNT("BLOCKED", "blocked", WQ_BLOCKED_WORKERS, "workers in a work that waits"),
	COUNT("TOTAL", "started", WQ_STARTED, "works begun by its workers"),
	COUNT("PENDING", "pending", WQ_PENDING, "works that wait for it"),
	COUNT("WAKEUPS", "wakeups", WQ_WAKEUPS, "workers woken"),
	TIME("OLDEST", "oldest_pending_ns", WQ_OLDEST, "how long the oldest has waited"),
	TIME("POLL", "poll_ns", WQ_POLL, "how long an idle worker looks before it sleeps"),
	COUNT("POLLING", "polling", WQ_POLLING, "idle workers that look; not running"),
	TIME("POLLTIME", "poll_time_ns", WQ_POLL_TIME, "CPU time used to look"),
};

const struct noun wq_pools_noun = {
	.name = "wq pools",
	.schema = "rove.wq-pools",
	.version = 1,
	.columns = pool_columns,
	.nr_columns = ARRAY_SIZE(pool_columns),
	.default_columns = "POOL,TYPE,CPUS,NICE,QUEUES,IDLE,WORKERS,RUNNING,BLOCKED,POLLING,POLLTIME,PENDING,OLDEST",
	.default_sort = "POOL:a",
	.key = "CPUS",
	.row_bytes = sizeof(struct wq_row),
	.set = set_value,
};

/* --- works --------------------------------------------------------------------------------- */

#define WORK_COLUMNS                                                                 \
	STRING("QUEUE", "queue", WQ_NAME, "queue it was given to"),                  \
	COUNT("POOL", "pool", WQ_POOL, "pool it waits for or runs in"),              \
	STRING("STATE", "state", WQ_STATE, "pending or running"),                    \
	STRING("FUNCTION", "function", WQ_FUNCTION, "its function, or the place in the file"), \
	TIME("AGE", "age_ns", WQ_AGE, "since when, about"),                          \
	COUNT("TID", "tid", WQ_TID, "thread that runs it"),                          \
	STRING("COMM", "comm", WQ_COMM, "name of the thread"),                       \
	STRING("S", "thread_state", WQ_THREAD_STATE, "state of the thread, as in ps"), \
	FLAG("BLK", "blocked", WQ_BLOCKED, "it waits: it said so or was found"),     \
	TIME("STALL", "stalled_ns", WQ_STALLED, "works of its pool wait and none has begun since"), \
	STRING("WORK", "work", WQ_WORK, "address of the work")

static const struct column work_columns[] = { WORK_COLUMNS };

const struct noun wq_pending_noun = {
	.name = "wq pending",
	.schema = "rove.wq-works",
	.version = 1,
	.columns = work_columns,
	.nr_columns = ARRAY_SIZE(work_columns),
	.default_columns = "QUEUE,POOL,STATE,FUNCTION,AGE,TID,S,BLK",
	.default_sort = "AGE",
	.key = "QUEUE",
	.row_bytes = sizeof(struct wq_row),
	.set = set_value,
	.footnote = "delayed works are not in this list before their time",
};

const struct noun wq_lockup_noun = {
	.name = "wq lockup",
	.schema = "rove.wq-works",
	.version = 1,
	.columns = work_columns,
	.nr_columns = ARRAY_SIZE(work_columns),
	.default_columns = "POOL,STALL,QUEUE,FUNCTION,AGE,TID,COMM,S,BLK",
	.default_sort = "STALL",
	.key = "QUEUE",
	.row_bytes = sizeof(struct wq_row),
	.set = set_value,
};
