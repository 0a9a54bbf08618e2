/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * rove/srcu.h - sleepable read-copy-update
 *
 * Readers mark the sections in which they use shared objects; a writer that has
 * unlinked an object waits for a grace period, or asks for a call after one,
 * before it frees the object.  Readers are cheap, may nest, may wait, and may
 * be signal handlers.  A section may end on another thread than the one on which
 * it began: the index is all that travels.
 *
 * A domain is alone: its grace periods wait for its own readers only.
 *
 * No function is a cancellation point (pthread_cancel(3)).  A thread that ends inside of a
 * section does not end the section.
 *
 * After fork() the parent's domains go on in the child, where only the thread is that forked:
 *
 *  - Sections of the other threads are over; nobody waits for them, and their indices may
 *    not be used.  A section of the thread that forked is still open, and ends with its
 *    index, on any thread.  (A thread that had given a section away, or had ended another's,
 *    may be taken for having one section more or less of that domain.)
 *  - Callbacks that had not been called are called in the child, too, in their order, for the
 *    child's copies; its own thread is made when rove_srcu_call(), rove_srcu_barrier() or
 *    rove_srcu_start_poll() is next called, or rove_srcu_free() calls them itself.  One that
 *    was being called is the parent's alone, unless it is the one that forked: that goes on.
 *  - A grace period that another thread was waiting for is not over; cookies stay good, but
 *    none is on its way before the domain has a thread again, see above.
 *  - A watched domain is watched, by the same function.
 *
 * A fork() in a signal handler that has interrupted a function of this library, or declares
 * itself, and vfork() and clone(): the child may call exec() and _exit() only.
 */
#ifndef ROVE_SRCU_H
#define ROVE_SRCU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct rove_srcu;

/* Embed it in the object that is to be freed. */
struct rove_srcu_head {
	struct rove_srcu_head *next;
	void (*fn)(struct rove_srcu_head *head);
};

/**
 * rove_srcu_create - make a domain
 * @ret_dom:  set on success only; free with rove_srcu_free()
 *
 * Context: may sleep.
 * Return:  0 or -ENOMEM.
 */
int rove_srcu_create(struct rove_srcu **ret_dom);

/**
 * rove_srcu_free - end a domain
 * @dom:  NULL, or a domain without readers; callbacks still queued are run
 *
 * Context: may sleep; not from a callback of @dom.
 */
void rove_srcu_free(struct rove_srcu *dom);

/**
 * rove_srcu_read_lock - begin a read section
 *
 * Context: any.  Neither locks nor allocates nor waits.
 * Return:  the index to end the section with; not negative.
 */
int rove_srcu_read_lock(struct rove_srcu *dom);

/**
 * rove_srcu_read_unlock - end a read section
 * @idx:  what rove_srcu_read_lock() gave, on this thread or another
 *
 * Context: any.
 */
void rove_srcu_read_unlock(struct rove_srcu *dom, int idx);

/**
 * rove_srcu_synchronize - wait until every section that has begun has ended
 *
 * Context: may sleep; not inside a read section of @dom.
 */
void rove_srcu_synchronize(struct rove_srcu *dom);

/**
 * rove_srcu_call - call @fn after a grace period
 * @head:  of the caller until then; @fn may free it
 * @fn:    called on the domain's own thread, in the order of the calls; may wait,
 *         but others' callbacks wait with it
 *
 * The first call starts that thread.  While it cannot be started (no memory, too
 * many threads) callbacks are kept, and the next call or barrier tries again.
 *
 * Context: thread; also inside a read section.
 */
void rove_srcu_call(struct rove_srcu *dom, struct rove_srcu_head *head,
		    void (*fn)(struct rove_srcu_head *head));

/**
 * rove_srcu_barrier - wait until all callbacks asked for so far have run
 *
 * Context: may sleep; not inside a read section, not from a callback of @dom.
 */
void rove_srcu_barrier(struct rove_srcu *dom);

/**
 * rove_srcu_get_state - what a grace period from now on would be called
 *
 * Context: any.
 * Return:  a cookie for rove_srcu_poll_state().
 */
uint64_t rove_srcu_get_state(struct rove_srcu *dom);

/**
 * rove_srcu_start_poll - the same, and see to it that one passes
 *
 * Done by the thread of rove_srcu_call(), as soon as one that is under way has ended.
 * While that cannot be started, the next of these calls tries again.
 *
 * Context: thread; also inside a read section.
 * Return:  a cookie for rove_srcu_poll_state().
 */
uint64_t rove_srcu_start_poll(struct rove_srcu *dom);

/**
 * rove_srcu_poll_state - has a whole grace period passed since @cookie was taken?
 *
 * Starts none: rove_srcu_start_poll(), rove_srcu_synchronize() and rove_srcu_call() do.
 *
 * Context: any.
 */
bool rove_srcu_poll_state(struct rove_srcu *dom, uint64_t cookie);

/* A reader that a grace period has waited for too long; for the length of the call. */
struct rove_srcu_stall {
	const char	*name;		/* of the domain, as given to rove_srcu_watch() */
	uint64_t	waited_ns;	/* by the grace period, so far */
	uint64_t	section_ns;	/* since the section began */
	const void	*address;	/* in the code that began it */
	const char	*function;	/* the same as text: "function+0x1f" or "program+0x1f" */
	uint32_t	tid;		/* of the thread that began it; 0: the readers are not known */
	char		comm[16];	/* its name; "" if the thread has ended */
};

/* Set what is not needed to zero. */
struct rove_srcu_watch_opts {
	size_t		size;		/* sizeof(struct rove_srcu_watch_opts) */
	const char	*name;		/* for messages; copied */
	uint64_t	timeout_ns;	/* how long a grace period may wait; not 0 */
	/* Called by whoever waits; may not use the domain.  NULL: a line on stderr. */
	void		(*fn)(void *arg, const struct rove_srcu_stall *stall);
	void		*arg;
};

/**
 * rove_srcu_watch - report readers that hold up a grace period
 * @opts:  copied
 *
 * From now on each section leaves a record of the thread that began it, when, and
 * where in the code.  A grace period that has waited longer than the timeout names
 * every open section it waits for, and does so again each time its waiting has
 * doubled.  A section keeps the name of who began it, wherever its index travels.
 * Sections that began before the call, and those beyond about a thousand at a time,
 * are waited for but not named.
 *
 * Costs nothing while it is off, and some tens of nanoseconds a section while it is on.
 *
 * Context: may sleep (a grace period that is under way is waited for); not inside a
 *          read section of @dom.
 * Return:  0, -EINVAL (size or timeout), -EBUSY (it is watched already) or -ENOMEM.
 */
int rove_srcu_watch(struct rove_srcu *dom, const struct rove_srcu_watch_opts *opts);

/**
 * rove_srcu_unwatch - end that
 * @dom:  watched or not
 *
 * Context: may sleep (waits for a grace period); not inside a read section of @dom.
 */
void rove_srcu_unwatch(struct rove_srcu *dom);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
