/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * mutex_test.c - locks, and the counts of holders
 */
#include <pthread.h>
#include <unistd.h>

#include "base/mutex.h"
#include "base/refcount.h"
#include "tests/test.h"

#define NR_THREADS 4
#define NR_ROUNDS 20000

static struct mutex lock = MUTEX_INIT;
static u64 guarded;
static u32 held_elsewhere;

static void *add_under_lock(void *arg)
{
	for (int i = 0; i < NR_ROUNDS; i++) {
		mutex_lock(&lock);
		guarded++;
		mutex_unlock(&lock);
	}
	return NULL;
}

TEST(mutex, no_increment_is_lost)
{
	pthread_t threads[NR_THREADS];

	guarded = 0;
	for (int i = 0; i < NR_THREADS; i++)
		EXPECT_EQ(pthread_create(&threads[i], NULL, add_under_lock, NULL), 0);
	for (int i = 0; i < NR_THREADS; i++)
		pthread_join(threads[i], NULL);
	EXPECT_EQ(guarded, NR_THREADS * NR_ROUNDS);
	EXPECT_EQ(lock.owner, 0);
}

static void *hold_for_a_while(void *arg)
{
	mutex_lock(&lock);
	WRITE_ONCE(held_elsewhere, 1);
	usleep(30000);
	WRITE_ONCE(held_elsewhere, 2);
	mutex_unlock(&lock);
	return NULL;
}

TEST(mutex, who_must_wait_for_long_is_woken)
{
	pthread_t thread;

	WRITE_ONCE(held_elsewhere, 0);
	EXPECT_EQ(pthread_create(&thread, NULL, hold_for_a_while, NULL), 0);
	while (!READ_ONCE(held_elsewhere))
		usleep(100);
	EXPECT_FALSE(mutex_trylock(&lock));
	mutex_lock(&lock);
	EXPECT_EQ(READ_ONCE(held_elsewhere), 2);
	mutex_unlock(&lock);
	pthread_join(thread, NULL);
}

TEST(mutex, trylock_takes_a_free_lock_and_only_that)
{
	struct mutex m = MUTEX_INIT;

	EXPECT_TRUE(mutex_trylock(&m));
	EXPECT_FALSE(mutex_trylock(&m));
	mutex_unlock(&m);
	EXPECT_TRUE(mutex_trylock(&m));
	mutex_unlock(&m);
}

TEST(mutex, its_owner_is_the_thread_id)
{
	struct mutex m = MUTEX_INIT;

	mutex_lock(&m);
	EXPECT_EQ(m.owner, gettid());
	mutex_unlock(&m);
}

TEST(refcount, the_last_put_says_so_and_no_get_succeeds_after_it)
{
	struct refcount r = REFCOUNT_INIT(1);

	EXPECT_TRUE(refcount_get_unless_zero(&r));
	refcount_get(&r);
	EXPECT_EQ(refcount_read(&r), 3);
	EXPECT_FALSE(refcount_put(&r));
	EXPECT_FALSE(refcount_put(&r));
	EXPECT_TRUE(refcount_put(&r));
	EXPECT_FALSE(refcount_get_unless_zero(&r));
	EXPECT_EQ(refcount_read(&r), 0);
}
