/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * examples/timer.c - a timer that comes three times, every ten milliseconds
 *
 *	cc -std=c11 timer.c $(pkg-config --cflags --libs rove)
 *
 * The callback may not wait: to tell main() it posts a semaphore.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <rove/irq_work.h>
#include <rove/timer.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define PERIOD_NS 10000000u
#define TIMES 3

static unsigned int times;	/* of the callback, of which one runs at a time */
static sem_t done;

static enum rove_hrtimer_restart tick(struct rove_hrtimer *timer)
{
	if (++times == TIMES) {
		sem_post(&done);
		return ROVE_HRTIMER_NORESTART;
	}
	rove_hrtimer_forward_now(timer, PERIOD_NS);
	return ROVE_HRTIMER_RESTART;
}

int main(void)
{
	struct rove_hrtimer timer;
	int err = rove_softirq_start();

	if (err) {
		fprintf(stderr, "no thread: %s\n", strerror(-err));
		return 1;
	}
	sem_init(&done, 0, 0);
	rove_hrtimer_init(&timer, CLOCK_MONOTONIC, tick);
	rove_hrtimer_start(&timer, PERIOD_NS, ROVE_HRTIMER_REL);
	while (sem_wait(&done) && errno == EINTR)
		continue;
	rove_hrtimer_cancel(&timer);	/* from here on its memory is ours again */
	printf("the timer came %u times\n", times);
	sem_destroy(&done);
	return 0;
}
