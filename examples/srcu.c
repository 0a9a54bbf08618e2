/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * examples/srcu.c - readers use a configuration while it is replaced
 *
 *	cc -std=c11 -pthread srcu.c $(pkg-config --cflags --libs rove)
 *
 * A reader never waits and never sees a configuration that has been freed: the old one is
 * freed when all have left the sections in which they may have found it.
 */
#include <pthread.h>
#include <rove/srcu.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NR_VERSIONS 1000

struct config {
	struct rove_srcu_head head;
	int version, twice;	/* of it */
};

static struct rove_srcu *dom;
static _Atomic(struct config *) current;

static struct config *config_new(int version)
{
	struct config *config = malloc(sizeof(*config));

	if (!config)
		abort();
	config->version = version;
	config->twice = 2 * version;
	return config;
}

static void config_free(struct rove_srcu_head *head)
{
	free((char *)head - offsetof(struct config, head));
}

static void *read_until_last(void *nr_wrong)
{
	int version;

	do {
		int idx = rove_srcu_read_lock(dom);
		struct config *config = atomic_load(&current);

		version = config->version;
		*(int *)nr_wrong += config->twice != 2 * version;
		rove_srcu_read_unlock(dom, idx);
	} while (version != NR_VERSIONS);
	return NULL;
}

int main(void)
{
	int err = rove_srcu_create(&dom), nr_wrong = 0;
	pthread_t reader;

	if (err) {
		fprintf(stderr, "no domain: %s\n", strerror(-err));
		return 1;
	}
	atomic_store(&current, config_new(0));
	if (pthread_create(&reader, NULL, read_until_last, &nr_wrong))
		return 1;
	for (int version = 1; version <= NR_VERSIONS; version++) {
		struct config *old = atomic_exchange(&current, config_new(version));

		rove_srcu_call(dom, &old->head, config_free);
	}
	pthread_join(reader, NULL);
	rove_srcu_barrier(dom);		/* config_free() has run for all of them */
	rove_srcu_free(dom);
	free(atomic_load(&current));
	printf("%d versions, %d of them read wrongly\n", NR_VERSIONS, nr_wrong);
	return nr_wrong != 0;
}
