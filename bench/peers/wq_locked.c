/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bench/peers/wq_locked.c - one list under one lock, as most people write it
 *
 * Two ways to sleep: all workers on one condition variable, or each on a word
 * of its own, where a producer claims one sleeper under the lock (what the
 * kernel's workqueue does).  The wakeup itself stands under the lock or after
 * it; the lock is a mutex or spins.
 *
 * The claiming pool kicks the next worker before it runs an item, too, since a
 * producer claims one worker for each item, not one for each that is idle.
 */
#include <string.h>

#include "bench/peers/wq_thread.h"

enum { WAKE_AFTER = 1, LOCK_SPINS = 2 };

struct locked_item {
	struct wq_item item;
	struct locked_item *next;
};

struct locked_worker {
	struct locked_worker *next_idle;
	u32 called; /* futex word */
} __attribute__((aligned(WQ_CACHE_LINE)));

static struct {
	pthread_mutex_t mutex __attribute__((aligned(WQ_CACHE_LINE)));
	u32 spin;
	bool stop;
	struct locked_item *first, **last;
	struct locked_worker *idle;
	pthread_cond_t some;
	struct locked_worker workers[WQ_MAX_WORKERS];
	struct wq_crew crew;
} pool;

static inline __attribute__((always_inline)) void pool_lock(u32 form)
{
	if (form & LOCK_SPINS)
		spin_lock(&pool.spin);
	else
		pthread_mutex_lock(&pool.mutex);
}

static inline __attribute__((always_inline)) void pool_unlock(u32 form)
{
	if (form & LOCK_SPINS)
		spin_unlock(&pool.spin);
	else
		pthread_mutex_unlock(&pool.mutex);
}

static void pool_append(struct wq_item *item)
{
	struct locked_item *it = (struct locked_item *)item;

	it->next = NULL;
	*pool.last = it;
	pool.last = &it->next;
}

static struct locked_item *pool_take(void)
{
	struct locked_item *it = pool.first;

	if (it) {
		pool.first = it->next;
		if (!pool.first)
			pool.last = &pool.first;
	}
	return it;
}

static void call_worker(struct locked_worker *worker)
{
	store_release(&worker->called, 1);
	word_wake(&worker->called, 1);
}

/* Under the lock; what it returns is to be called by call_worker(). */
static struct locked_worker *claim_worker(void)
{
	struct locked_worker *worker = pool.idle;

	if (worker)
		pool.idle = worker->next_idle;
	return worker;
}

static inline __attribute__((always_inline)) void kick_and_unlock(u32 form)
{
	struct locked_worker *worker = pool.first ? claim_worker() : NULL;

	if (worker && !(form & WAKE_AFTER))
		call_worker(worker);
	pool_unlock(form);
	if (worker && (form & WAKE_AFTER))
		call_worker(worker);
}

static inline __attribute__((always_inline)) void claiming_submit(struct wq_item *item, u32 form)
{
	pool_lock(form);
	pool_append(item);
	kick_and_unlock(form);
}

static void mutex_submit_many(struct wq_item *const *items, u32 nr, u32 producer)
{
	pool_lock(WAKE_AFTER);
	for (u32 i = 0; i < nr; i++)
		pool_append(items[i]);
	kick_and_unlock(WAKE_AFTER);
}

static inline __attribute__((always_inline)) void *
claiming_worker(struct locked_worker *self, u32 form)
{
	pool_lock(form);
	for (;;) {
		struct locked_item *it = pool_take();

		if (it) {
			kick_and_unlock(form);
			it->item.run(&it->item);
			pool_lock(form);
		} else if (pool.stop) {
			break;
		} else {
			self->called = 0;
			self->next_idle = pool.idle;
			pool.idle = self;
			pool_unlock(form);
			while (!load_acquire(&self->called))
				word_wait(&self->called, 0);
			pool_lock(form);
		}
	}
	pool_unlock(form);
	return NULL;
}

static inline __attribute__((always_inline)) void cond_submit(struct wq_item *item, u32 form)
{
	pthread_mutex_lock(&pool.mutex);
	pool_append(item);
	if (!(form & WAKE_AFTER))
		pthread_cond_signal(&pool.some);
	pthread_mutex_unlock(&pool.mutex);
	if (form & WAKE_AFTER)
		pthread_cond_signal(&pool.some);
}

static void *cond_worker(void *index)
{
	pthread_mutex_lock(&pool.mutex);
	for (;;) {
		struct locked_item *it = pool_take();

		if (it) {
			pthread_mutex_unlock(&pool.mutex);
			it->item.run(&it->item);
			pthread_mutex_lock(&pool.mutex);
		} else if (pool.stop) {
			break;
		} else {
			pthread_cond_wait(&pool.some, &pool.mutex);
		}
	}
	pthread_mutex_unlock(&pool.mutex);
	return NULL;
}

static int pool_start(const struct wq_conf *conf, void *(*worker)(void *index))
{
	memset(&pool, 0, sizeof(pool));
	pthread_mutex_init(&pool.mutex, NULL);
	pthread_cond_init(&pool.some, NULL);
	pool.last = &pool.first;
	return crew_start(&pool.crew, conf->nr_workers, worker);
}

static inline __attribute__((always_inline)) void pool_stop(u32 form)
{
	struct locked_worker *worker;

	pool_lock(form);
	pool.stop = true;
	while ((worker = claim_worker()))
		call_worker(worker);
	pool_unlock(form);
	pthread_cond_broadcast(&pool.some);
	crew_join(&pool.crew);
}

#define POOL(id, form_, worker_, submit_, name_, ...)                                  \
	static int id##_init(const struct wq_conf *conf, const char **why)             \
	{                                                                              \
		return pool_start(conf, worker_);                                      \
	}                                                                              \
	static void id##_fini(void)                                                    \
	{                                                                              \
		pool_stop(form_);                                                      \
	}                                                                              \
	static void id##_submit(struct wq_item *item, u32 producer)                    \
	{                                                                              \
		submit_(item, form_);                                                  \
	}                                                                              \
	static const struct wq_peer id = {                                             \
		.name = name_,                                                         \
		.item_bytes = sizeof(struct locked_item),                              \
		.init = id##_init,                                                     \
		.fini = id##_fini,                                                     \
		.submit = id##_submit,                                                 \
		__VA_ARGS__                                                            \
	}

#define CLAIMING(id, form, name, ...)                                                  \
	static void *id##_worker(void *index)                                          \
	{                                                                              \
		return claiming_worker(&pool.workers[(uintptr_t)index], form);         \
	}                                                                              \
	POOL(id, form, id##_worker, claiming_submit, name, __VA_ARGS__)

CLAIMING(mutex_after, WAKE_AFTER, "mutex pool, one woken after unlock");
CLAIMING(mutex_many, WAKE_AFTER, "mutex pool, one call a batch", .submit_many = mutex_submit_many);
CLAIMING(mutex_under, 0, "mutex pool, one woken under the lock");
CLAIMING(spin_after, LOCK_SPINS | WAKE_AFTER, "spin pool, one woken after unlock");
CLAIMING(spin_under, LOCK_SPINS, "spin pool, one woken under the lock");
POOL(cond_after, WAKE_AFTER, cond_worker, cond_submit, "mutex + condition, signal after");
POOL(cond_under, 0, cond_worker, cond_submit, "mutex + condition, signal under");

const struct wq_peer *const wq_peers[] = {
	&mutex_after, &mutex_under, &mutex_many, &spin_after, &spin_under, &cond_after, &cond_under,
	NULL,
};
