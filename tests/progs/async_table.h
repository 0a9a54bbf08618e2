/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * tests/progs/async_table.h - the calls whose results are compared, and where they are made
 *
 * Shared by the program, which makes them, and tests/tool/async_table.c, which tells.
 */
#ifndef ROVE_TESTS_PROGS_ASYNC_TABLE_H
#define ROVE_TESTS_PROGS_ASYNC_TABLE_H

/* In the order of the calls, on one element. */
#define ASYNC_ROWS(X)                \
	X(timer_start_before_init)   \
	X(timer_set_before_init)     \
	X(timer_cancel_before_init)  \
	X(timer_async_before_init)   \
	X(timer_init_tai)            \
	X(timer_init_unknown_flags)  \
	X(timer_init)                \
	X(timer_init_again)          \
	X(timer_start_before_set)    \
	X(timer_set)                 \
	X(timer_start_unknown_flags) \
	X(timer_start)               \
	X(timer_start_absolute)      \
	X(timer_start_pinned)        \
	X(timer_async_armed)         \
	X(timer_async_idle)          \
	X(timer_start_after_async)   \
	X(timer_cancel_armed)        \
	X(timer_cancel_idle)         \
	X(timer_start_after_cancel)  \
	X(timer_set_after_cancel)    \
	X(timer_start_after_set)     \
	X(wq_start_before_init)      \
	X(wq_set_before_init)        \
	X(wq_init_flags)             \
	X(wq_init)                   \
	X(wq_init_again)             \
	X(wq_start_before_set)       \
	X(wq_set_flags)              \
	X(wq_set)                    \
	X(wq_start_flags)            \
	X(wq_start)                  \
	X(wq_start_again)            \
	X(delete)                    \
	X(deleted_timer_start)       \
	X(deleted_timer_set)         \
	X(deleted_timer_cancel)      \
	X(deleted_timer_async)       \
	X(deleted_wq_start)          \
	X(deleted_wq_set)            \
	X(deleted_timer_init)        \
	X(deleted_timer_init_start)  \
	X(deleted_wq_init)           \
	X(own_cancel)                \
	X(own_async)                 \
	X(own_start)                 \
	X(own_async_after_start)     \
	X(own_runs)                  \
	X(two_starts_runs)

enum async_row {
#define ROW(name) ROW_##name,
	ASYNC_ROWS(ROW)
#undef ROW
	NR_ASYNC_ROWS
};

/* Who makes them: also the key of the element and of the results. */
enum async_context {
	CONTEXT_thread,		/* a syscall program */
	CONTEXT_softirq,	/* the callback of a timer */
	CONTEXT_worker,		/* the callback of a work */
	CONTEXT_handler,	/* a perf event's program: hard interrupt, or signal handler */
	CONTEXT_nmi,		/* a real one */
	NR_ASYNC_CONTEXTS,
};

/* No call gives this. */
#define ASYNC_NOT_CALLED (-99999)

struct async_results {
	long long row[NR_ASYNC_ROWS];
	unsigned int begun;	/* atomic */
	unsigned int done;
};

#endif
