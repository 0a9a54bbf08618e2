/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * examples/irq_work.c - a signal handler has something done that it may not do itself
 *
 *	cc -std=c11 irq_work.c $(pkg-config --cflags --libs rove)
 *
 * printf() may lock and allocate, so a handler must not call it; a work's function may.
 */
#define _POSIX_C_SOURCE 200809L

#include <rove/irq_work.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static volatile sig_atomic_t nr_signals;

static void report(struct rove_irq_work *work)
{
	(void)work;
	printf("there was a signal\n");
}

static struct rove_irq_work report_work = ROVE_IRQ_WORK_INIT(report);

static void handler(int signo)
{
	(void)signo;
	nr_signals++;
	rove_irq_work_queue(&report_work);
}

int main(void)
{
	struct sigaction action;
	int err = rove_softirq_start();

	if (err) {
		fprintf(stderr, "no thread: %s\n", strerror(-err));
		return 1;
	}
	memset(&action, 0, sizeof(action));
	action.sa_handler = handler;
	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
	rove_irq_work_sync(&report_work);
	return nr_signals != 1;
}
