/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * objects/wakeup_sample.h - a machine's worth of wakeup sources, made up
 *
 * For demonstrations, tests and benchmarks: as many sources as asked for, with
 * names, devices, drivers and a history that look like a real machine's, and
 * threads that keep some of them busy.
 */
#ifndef ROVE_OBJECTS_WAKEUP_SAMPLE_H
#define ROVE_OBJECTS_WAKEUP_SAMPLE_H

#include "base/types.h"

struct wakeup_sample;

struct wakeup_sample_options {
	u32 nr_sources;
	u32 nr_threads;		/* that keep sources busy; 0: nothing moves */
	u64 seed;		/* the same seed makes the same names and history */
};

int wakeup_sample_start(const struct wakeup_sample_options *options,
			struct wakeup_sample **ret_sample);
void wakeup_sample_stop(struct wakeup_sample *sample);

#endif
