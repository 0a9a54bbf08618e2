/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bench/peers/wq_openmp.h - tasks of OpenMP, the same source for each runtime
 *
 * Tasks live in a parallel region, so the producers are its threads and run the
 * items themselves while they wait: no worker stands beside them.
 */
#include <omp.h>

#include "bench/peers/wq_peer.h"

static int openmp_init(const struct wq_conf *conf, const char **why)
{
	omp_set_dynamic(0);
	return 0;
}

static void openmp_fini(void)
{
}

static void openmp_submit(struct wq_item *item, u32 producer)
{
#pragma omp task firstprivate(item)
	item->run(item);
}

static void openmp_wait(struct wq_item *const *items, u32 nr, u32 producer)
{
#pragma omp taskwait
}

static void openmp_producers(u32 nr, void (*fn)(u32 producer))
{
#pragma omp parallel num_threads(nr)
	fn(omp_get_thread_num());
}

static const struct wq_peer openmp = {
	.name = "OpenMP task, " OPENMP_RUNTIME,
	.note = "the producers are the workers; own wait, which helps",
	.item_bytes = sizeof(struct wq_item),
	.init = openmp_init,
	.fini = openmp_fini,
	.submit = openmp_submit,
	.wait = openmp_wait,
	.producers = openmp_producers,
};

const struct wq_peer *const wq_peers[] = { &openmp, NULL };
