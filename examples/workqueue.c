/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * examples/workqueue.c - add up squares on the workers of a queue
 *
 *	cc -std=c11 workqueue.c $(pkg-config --cflags --libs rove)
 *
 * A work is a member of what it works on; its function finds that by the work's address.
 */
#include <rove/workqueue.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define NR 100

struct square {
	struct rove_work work;
	unsigned int of;
};

static atomic_uint sum;

static void add_square(struct rove_work *work)
{
	struct square *s = (struct square *)((char *)work - offsetof(struct square, work));

	atomic_fetch_add(&sum, s->of * s->of);
}

int main(void)
{
	struct rove_wq_options options = { .size = sizeof(options), .flags = ROVE_WQ_UNBOUND };
	static struct square squares[NR];
	struct rove_workqueue *wq;
	int err = rove_workqueue_create("squares", &options, &wq);

	if (err) {
		fprintf(stderr, "no queue: %s\n", strerror(-err));
		return 1;
	}
	for (unsigned int i = 0; i < NR; i++) {
		squares[i].of = i + 1;
		rove_work_init(&squares[i].work, add_square);
		rove_queue_work(wq, &squares[i].work);
	}
	rove_flush_workqueue(wq);
	printf("the squares up to %d are %u\n", NR, atomic_load(&sum));
	rove_workqueue_free(wq);
	return 0;
}
