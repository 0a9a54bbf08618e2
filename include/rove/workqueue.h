/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * rove/workqueue.h - concurrency-managed workqueues
 *
 * A work is a structure of the caller's with a function.  Queued, its function is
 * called soon, by a worker thread of a pool that all queues with the same needs
 * share.  A pool keeps about as many workers running as it has CPUs: it lets another
 * one run when one waits.
 *
 * What holds for every queue:
 *
 *  - A work that is pending is pending once: to queue it again does nothing.
 *  - A work never runs twice at the same time, whatever queues it was given to: a
 *    work queued while it runs is run again when that run has ended.
 *  - What the caller of a queueing function did before the call is seen by the
 *    function when it runs; also by the run that was pending already.
 *  - Pending ends before the function is called, so it may queue its own work again.
 *  - The function may free the memory its work is in: nothing touches it any more.
 *
 * Queueing may be done in every context, signal handlers included: it takes no lock,
 * allocates nothing and cannot fail for want of memory or threads.
 *
 * Workers run where the process's first thread may run, and at its priority, if the queue's
 * options do not say otherwise; not as the thread does that happened to need them first.  (A
 * real-time policy they get from these two only together.)
 *
 * No function is a cancellation point: a thread that is to be cancelled (pthread_cancel(3))
 * returns from it first.  A work's function has to return: it may not end the thread that it
 * is called on.  That is the waiting one where waiting helps (ROVE_WQ_HELP), and the queueing
 * one with ROVE_WQ_FULL_RUN: who may be cancelled there, and has such works with cancellation
 * points, holds it off (pthread_setcancelstate(3)).
 *
 * After fork() the parent's queues, the shared ones too, go on in the child, with their
 * options, empty and not frozen: what was pending or running is run by the parent only.
 * In the child every work is idle that was pending or ran when the process was forked; it
 * can be queued at once, without being initialised.  (That is known by the generation in
 * its state, which comes again after 256 forks, each by the child of the one before, and
 * that of a delayed work after 32: a work that was pending so many ago, and was not looked
 * at since, is to be initialised.)
 *
 *  - The child makes its threads when it first queues, waits or creates a queue; so one that
 *    soon calls exec() makes none.  A signal handler cannot make threads: what one that
 *    declares itself queues first is run when a thread has called one of these.  One that
 *    does not declare itself must not be the first.
 *  - A queue that another thread was just making or freeing is not there in the child.
 *  - A work that another thread was in rove_cancel_work_sync() for, or its like for delayed
 *    works, may be disabled in the child: queueing gives -ECANCELED, and it is to be
 *    initialised.
 *  - A work's function that called fork() is no longer a work in the child.  It may use
 *    queues, but should end with exec() or _exit(): if it returns its thread ends.
 *  - fork() in a signal handler that has interrupted a function of this library, or
 *    declares itself, and vfork() and clone(): the child may call exec() and _exit() only.
 */
#ifndef ROVE_WORKQUEUE_H
#define ROVE_WORKQUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rove/timer.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct rove_workqueue;
struct rove_work;

typedef void rove_work_fn(struct rove_work *work);

/* The caller's memory, from rove_work_init() until it is neither pending nor running. */
struct rove_work {
	uint64_t state;			/* all but ->fn is the library's */
	struct rove_work *next;
	struct rove_work *link;
	rove_work_fn *fn;
};

/* In C++ too. */
#define ROVE_WORK_INIT(function) { 0, 0, 0, (function) }

/* --- queues ------------------------------------------------------------------------------- */

/* May be combined. */
enum rove_wq_flags {
	/* Not bound to the CPU on which a work is queued: by ->scope. */
	ROVE_WQ_UNBOUND = 1 << 0,
	/* Workers of raised priority (->nice -20 unless another one is given). */
	ROVE_WQ_HIGHPRI = 1 << 1,
	/* Works that compute for long: they do not keep others of the pool from starting. */
	ROVE_WQ_CPU_INTENSIVE = 1 << 2,
	/* One work at a time, in the order in which they were queued. */
	ROVE_WQ_ORDERED = 1 << 3,
	/*
	 * Functions are called in softirq context: they must not wait (rove/irq_work.h).  That
	 * is one thread for all CPUs: on which it runs says nothing of where they were queued.
	 */
	ROVE_WQ_BH = 1 << 4,
	/* Has a worker of its own for the time when threads cannot be created. */
	ROVE_WQ_MEM_RECLAIM = 1 << 5,
	/* Stands still between rove_freeze_workqueues() and rove_thaw_workqueues(). */
	ROVE_WQ_FREEZABLE = 1 << 6,
	/*
	 * Who waits for a work that has not begun runs it: no worker has to be woken.
	 * So a function may be called on the thread that flushes its work, with the
	 * locks that thread holds.
	 */
	ROVE_WQ_HELP = 1 << 7,
};

/* Which CPUs share one pool of workers, for unbound queues. */
enum rove_wq_scope {
	ROVE_WQ_SCOPE_DEFAULT,		/* the library's choice: CACHE_SHARD */
	ROVE_WQ_SCOPE_CPU,
	ROVE_WQ_SCOPE_SMT,
	ROVE_WQ_SCOPE_CACHE_SHARD,	/* about eight cores of one last-level cache */
	ROVE_WQ_SCOPE_CACHE,
	ROVE_WQ_SCOPE_NUMA,
	ROVE_WQ_SCOPE_SYSTEM,
};

/* What queueing does when ->max_pending works are pending. */
enum rove_wq_full {
	ROVE_WQ_FULL_REFUSE,		/* gives -EAGAIN */
	ROVE_WQ_FULL_WAIT,		/* waits for room: not for signal handlers */
	ROVE_WQ_FULL_RUN,		/* calls the function here and now, unless the queue is
					 * ordered or max_active run already, then it gives -EAGAIN:
					 * not for signal handlers */
};

/*
 * When an idle worker is woken: for comparison.  All do the same work, but only queues
 * with the default may be used by signal handlers.
 */
enum rove_wq_wake {
	ROVE_WQ_WAKE_DEFAULT,		/* chosen and woken without any lock */
	ROVE_WQ_WAKE_AFTER,		/* chosen under the pool's lock, woken after it */
	ROVE_WQ_WAKE_UNDER,		/* chosen and woken under the pool's lock */
};

/* Zero is the default of every member.  Grows at its end: ->size says what is known. */
struct rove_wq_options {
	size_t size;			/* sizeof(struct rove_wq_options) */
	uint32_t flags;			/* enum rove_wq_flags */
	uint32_t max_active;		/* works that run at the same time: for each CPU, or, of an
					 * unbound queue, for all, each pool having its share by
					 * CPUs, rounded up, and no less than ->min_active; 0: 1024 */
	uint32_t min_active;		/* unbound: what each pool may run at least; 0: 8, or
					 * max_active if that is less */
	uint32_t scope;			/* enum rove_wq_scope; ROVE_WQ_UNBOUND only */
	bool strict;			/* workers stay on the CPUs of their scope */
	int32_t nice;			/* -20 to 19; 0: that of the process's first thread, or of
					 * ROVE_WQ_HIGHPRI; what the system refuses is left out */
	const char *cpus;		/* where workers may run, "0-3,8"; NULL: everywhere */
	uint32_t max_pending;		/* 0: no bound */
	uint32_t full;			/* enum rove_wq_full */
	uint32_t wake;			/* enum rove_wq_wake */
	uint32_t max_blocked;		/* workers of a pool that may wait at the same time and be
					 * replaced by others; 0: 512 */
	uint32_t poll_us;		/* how long an idle worker looks for works before it sleeps:
					 * see rove_workqueue_set_poll_us(); not for ROVE_WQ_BH */
};

#define ROVE_WQ_MAX_ACTIVE 2048

/**
 * rove_workqueue_create - make a queue
 * @name:     for tools and messages; copied; threads are named after pools
 * @options:  NULL for the defaults: bound to CPUs
 * @ret_wq:   set on success only; free with rove_workqueue_free()
 *
 * Context: may sleep.
 * Return:  0, -EINVAL (an option), -E2BIG (an option this library does not know is
 *          set), -ENOMEM, -EAGAIN (the first worker could not be started), or -EIO (what
 *          CPUs the machine has cannot be read).
 */
int rove_workqueue_create(const char *name, const struct rove_wq_options *options,
			  struct rove_workqueue **ret_wq);

/**
 * rove_workqueue_free - drain a queue, then end it
 * @wq:  NULL, or a queue nobody else uses any more; works that queue themselves
 *       again are run until they stop; a delayed work whose time has not come is a
 *       use, and is not waited for: cancel it first
 *
 * Context: may sleep; not from a work of @wq.
 */
void rove_workqueue_free(struct rove_workqueue *wq);

/* The queues every process may share, made when first asked for and never freed. */
enum rove_system_wq {
	ROVE_SYSTEM_WQ,			/* bound */
	ROVE_SYSTEM_HIGHPRI_WQ,
	ROVE_SYSTEM_LONG_WQ,		/* bound, for works that may take long */
	ROVE_SYSTEM_UNBOUND_WQ,
	ROVE_SYSTEM_FREEZABLE_WQ,
	ROVE_SYSTEM_BH_WQ,
	ROVE_SYSTEM_WQS,
};

/**
 * rove_system_workqueue - a queue that is shared
 * @ret_wq:  set on success only; not to be freed
 *
 * Context: may sleep.
 * Return:  0, -EINVAL, -ENOMEM, -EAGAIN or -EIO.
 */
int rove_system_workqueue(enum rove_system_wq which, struct rove_workqueue **ret_wq);

/* --- works -------------------------------------------------------------------------------- */

/**
 * rove_work_init - make a work idle
 * @work:  not pending; not running, unless @fn itself does this to memory it freed
 *
 * Context: any.
 */
void rove_work_init(struct rove_work *work, rove_work_fn *fn);

/**
 * rove_queue_work - have a work's function called soon
 *
 * Context: any.  A bounded queue may wait or run the function (enum rove_wq_full).
 * Return:  1; 0 if it was pending already; -ECANCELED (disabled), -ESHUTDOWN (the queue
 *          is being drained and this is none of its works), -EAGAIN (the queue is full).
 */
int rove_queue_work(struct rove_workqueue *wq, struct rove_work *work);

/**
 * rove_queue_work_on - the same, for the worker of a CPU
 * @cpu:  a bound queue runs it there, an unbound one in the pool of that CPU; if no
 *        worker may run there, in the nearest.  Of ROVE_WQ_BH it tells with which
 *        others the work has an order, not where it runs
 *
 * Context: any.
 * Return:  as rove_queue_work().
 */
int rove_queue_work_on(int cpu, struct rove_workqueue *wq, struct rove_work *work);

/**
 * rove_queue_works - queue many works with one announcement
 * @works:  in the order in which they are to begin
 *
 * Context: any.
 * Return:  how many are pending by this call; the others are as rove_queue_work()
 *          would not have queued them.
 */
size_t rove_queue_works(struct rove_workqueue *wq, struct rove_work *const *works, size_t nr);

/**
 * rove_flush_work - wait until the last queueing of a work has been run
 *
 * Context: may sleep.
 * Return:  true if it waited or helped, false if the work was idle.
 */
bool rove_flush_work(struct rove_work *work);

/**
 * rove_flush_works - the same for many, in no order
 *
 * Context: may sleep.
 */
void rove_flush_works(struct rove_work *const *works, size_t nr);

/**
 * rove_flush_workqueue - wait until all that is queued now has been run
 *
 * Works queued later, by whomever, are not waited for.
 *
 * Context: may sleep; not from a work of @wq.
 */
void rove_flush_workqueue(struct rove_workqueue *wq);

/**
 * rove_drain_workqueue - wait until the queue is empty
 *
 * Meanwhile only works of @wq itself may queue to it, and delayed works whose time comes.
 *
 * Context: may sleep; not from a work of @wq.
 */
void rove_drain_workqueue(struct rove_workqueue *wq);

/**
 * rove_cancel_work - take back what is pending
 *
 * A run that has begun goes on.
 *
 * Context: may sleep.
 * Return:  true if it was pending and now will not run.
 */
bool rove_cancel_work(struct rove_work *work);

/**
 * rove_cancel_work_sync - take back what is pending and wait for what is running
 *
 * Nothing of the library touches @work after this, unless it is queued anew; a
 * function that queues its own work again does not outwit it.  Called by the work's
 * own function it does not wait for that.
 *
 * Context: may sleep.
 * Return:  true if it was pending.
 */
bool rove_cancel_work_sync(struct rove_work *work);

/* As cancel; until as many rove_enable_work() (65535 at most), queueing gives -ECANCELED. */
bool rove_disable_work(struct rove_work *work);
bool rove_disable_work_sync(struct rove_work *work);

/**
 * rove_enable_work - take back one rove_disable_work()
 *
 * Context: any.
 * Return:  true if it may be queued again.
 */
bool rove_enable_work(struct rove_work *work);

/* Context: any.  What was true a moment ago. */
bool rove_work_pending(const struct rove_work *work);

enum rove_work_busy {
	ROVE_WORK_PENDING = 1,
	ROVE_WORK_RUNNING = 2,
};

/* Context: any.  Return: enum rove_work_busy, combined; 0: idle. */
unsigned int rove_work_busy(const struct rove_work *work);

/**
 * rove_current_work - the work whose function this thread is in
 *
 * Context: any.
 * Return:  NULL outside of works; an address only: the memory may be freed.
 */
struct rove_work *rove_current_work(void);

/* --- delayed works ------------------------------------------------------------------------ */

struct rove_delayed_work {
	struct rove_work work;		/* ->fn gets this one: see rove_to_delayed_work() */
	struct rove_hrtimer timer;
	struct rove_workqueue *wq;
};

static inline struct rove_delayed_work *rove_to_delayed_work(struct rove_work *work)
{
	return (struct rove_delayed_work *)((char *)work - offsetof(struct rove_delayed_work, work));
}

/* Context: any. */
void rove_delayed_work_init(struct rove_delayed_work *dwork, rove_work_fn *fn);

/**
 * rove_queue_delayed_work - queue a work when a time has passed
 * @delay_ns:  0: now
 *
 * It is pending from now on.
 *
 * Context: any.
 * Return:  1, 0 if it was pending already, or an error as rove_queue_work().
 */
int rove_queue_delayed_work(struct rove_workqueue *wq, struct rove_delayed_work *dwork,
			    uint64_t delay_ns);

/* The same, to be run for a CPU as by rove_queue_work_on(). */
int rove_queue_delayed_work_on(int cpu, struct rove_workqueue *wq,
			       struct rove_delayed_work *dwork, uint64_t delay_ns);

/**
 * rove_mod_delayed_work - queue it, or change the time if it is pending
 *
 * Not for signal handlers, where a kernel's may be called in interrupts: one whose time
 * has come lies in a list that belongs to the holder of a lock, which the handler may have
 * interrupted.  A handler that has to put off something, or bring it forward, starts a
 * rove_hrtimer (rove/timer.h: the newest start wins, in every context) whose callback
 * queues the work; rove_queue_delayed_work() is for handlers if the first time may stand.
 *
 * Context: may sleep.
 * Return:  1 if it was pending, 0 if it is only now, or an error as rove_queue_work().
 */
int rove_mod_delayed_work(struct rove_workqueue *wq, struct rove_delayed_work *dwork,
			  uint64_t delay_ns);

/* Do not wait for the time any more: queue it now if it is waiting, and flush it. */
bool rove_flush_delayed_work(struct rove_delayed_work *dwork);

/* As for works; rove_cancel_delayed_work() leaves the memory in use, the others do not. */
bool rove_cancel_delayed_work(struct rove_delayed_work *dwork);
bool rove_cancel_delayed_work_sync(struct rove_delayed_work *dwork);
bool rove_disable_delayed_work(struct rove_delayed_work *dwork);
bool rove_disable_delayed_work_sync(struct rove_delayed_work *dwork);
bool rove_enable_delayed_work(struct rove_delayed_work *dwork);

/* --- workers that wait -------------------------------------------------------------------- */

/**
 * rove_wq_block_begin - this work is about to wait
 *
 * The pool lets another worker run meanwhile.  A work that waits without saying so is
 * noticed after some milliseconds.  Outside of works this does nothing; it may nest.
 *
 * Context: thread.
 */
void rove_wq_block_begin(void);
void rove_wq_block_end(void);

/* --- while it runs ------------------------------------------------------------------------ */

/**
 * rove_workqueue_set_max_active - change the number of works that run at the same time
 * @max_active:  1 to ROVE_WQ_MAX_ACTIVE; 0: the default
 *
 * Context: may sleep.
 * Return:  0 or -EINVAL (also for an ordered queue).
 */
int rove_workqueue_set_max_active(struct rove_workqueue *wq, uint32_t max_active);

/**
 * rove_workqueue_set_min_active - change what each pool may run at least
 *
 * Context: may sleep.
 * Return:  0 or -EINVAL (not an unbound queue; more than its max_active).
 */
int rove_workqueue_set_min_active(struct rove_workqueue *wq, uint32_t min_active);

/**
 * rove_workqueue_set_poll_us - change how long an idle worker looks for works before it sleeps
 * @poll_us:  microseconds since its last work; 0: only as long as that has paid of late, and
 *            not at all where works come seldom
 *
 * To buy latency with CPU time, as with the kernel's busy polling and OpenMP's block time: a
 * work that comes while a worker looks begins a fraction of a microsecond later, which is as
 * long as memory takes from one CPU to another; a worker that sleeps takes some microseconds to
 * be woken, and whoever queues the work pays for that.  In return a CPU is in use all that time.
 * So it is for works that come about every @poll_us or sooner and are waited for, where there are
 * more CPUs than threads with something to do.
 *
 *  - One worker of each pool looks.  A bound queue has a pool for each CPU that it is used on,
 *    and its worker needs the very CPU of those who queue: it gives way after each look.  An
 *    unbound queue is the better choice.
 *  - It keeps away from the CPU on which works are queued, if it may be on another; to give it
 *    a CPU of its own use ->cpus.
 *  - It is preempted like any other thread, gives way from time to time, and if others keep the
 *    CPU from it for half a millisecond nobody of its pool looks for 10 ms, later for up to a
 *    second: then works wake a worker, as they always do.  A work that comes while it is
 *    preempted waits until it is back.
 *  - Where works come one by one, each from a thread that waits for it, the call that queues
 *    one of an unbound queue gives that worker a moment to take it, of 0.15 us: so the thread
 *    finds it done, most times, and need not go to sleep.
 *  - While it runs a work nobody looks, and so what is queued meanwhile may wait until that ends
 *    or is found to take long, as in every queue.  Pools are shared by queues that have the
 *    same @poll_us only.
 *  - Works still pending move along, as by rove_workqueue_apply_attrs().
 *
 * rove_wq_pool_view has how long workers have looked in this way; it is no CPU time of works.
 *
 * Context: may sleep.
 * Return:  0, -EINVAL (ROVE_WQ_BH), -ENOMEM or -EAGAIN; then nothing has changed.
 */
int rove_workqueue_set_poll_us(struct rove_workqueue *wq, uint32_t poll_us);

struct rove_wq_attrs {
	size_t size;			/* sizeof(struct rove_wq_attrs) */
	uint32_t scope;			/* these as in struct rove_wq_options */
	bool strict;
	int32_t nice;			/* but that 0 is no more for a ROVE_WQ_HIGHPRI queue, as in
					 * the kernel: its attributes have just a value */
	const char *cpus;
	uint32_t poll_us;		/* 0: as for options, not as it was */
};

/**
 * rove_workqueue_apply_attrs - move an unbound queue to other pools
 *
 * Also to let a queue use CPUs that the process may use only now, or no others: which
 * these are (affinity of its first thread, CPUs that come and go) is looked at when a
 * queue is made and here.
 *
 * What is pending moves along, and no order is lost; what runs ends where it is, and
 * until then is not counted in what may run, but for an ordered queue.
 *
 * Context: may sleep.
 * Return:  0, -EINVAL, -E2BIG, -ENOMEM or -EAGAIN; then nothing has changed.
 */
int rove_workqueue_apply_attrs(struct rove_workqueue *wq, const struct rove_wq_attrs *attrs);

/**
 * rove_freeze_workqueues - let no work of a freezable queue begin
 *
 * Returns when none is running any more.  May nest.
 *
 * Context: may sleep; not from a work of a freezable queue.
 */
void rove_freeze_workqueues(void);
void rove_thaw_workqueues(void);

/**
 * rove_workqueues_set_cpus - where workers of all queues may run
 * @cpus:  "0-3,8"; NULL: everywhere but on isolated CPUs
 *
 * For queues created from now on.
 *
 * Context: may sleep.
 * Return:  0, -EINVAL (not a list, or no CPU of it can be used) or -ENOMEM.
 */
int rove_workqueues_set_cpus(const char *cpus);

/* --- statistics --------------------------------------------------------------------------- */

/* Grows at its end. */
struct rove_wq_stats {
	uint64_t started;
	uint64_t completed;
	uint64_t in_flight;		/* taken from the queue, not completed */
	uint64_t pending;		/* may be a moment old */
	uint64_t cpu_time_ns;		/* of its works, as far as sampled */
	uint64_t cpu_intensive;		/* works found to compute for long */
	uint64_t cm_wakeups;		/* workers started because another one waited */
	uint64_t repatriated;		/* workers that run works of it after they had left the
					 * CPUs of their scope, and were moved back when they
					 * went to sleep; of queues that are not ->strict */
	uint64_t mayday;		/* calls for the rescuer */
	uint64_t rescued;		/* works run by it */
	uint64_t helped;		/* works run by those who waited for them */
	uint64_t wakeups;		/* workers woken because something was queued */
	uint64_t wakeups_saved;		/* queueings that needed to wake nobody */
	uint64_t queue_time_ns;		/* time in the queue, all works together, those too that are
					 * there still; estimated: what came between two looks of a
					 * worker counts as evenly spaced */
	uint64_t queue_time_max_ns;
	uint64_t oldest_pending_ns;	/* how long the oldest pending work has waited; 0: none */
};

/**
 * rove_workqueue_stats - what a queue has done
 * @stats:       filled; members of one another may be a moment apart
 * @stats_size:  sizeof(struct rove_wq_stats) as the caller knows it
 *
 * Context: thread.
 */
void rove_workqueue_stats(struct rove_workqueue *wq, struct rove_wq_stats *stats,
			  size_t stats_size);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
