/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/sample.h - workqueues like a busy server's, made up
 *
 * For demonstrations and tests: as many queues as asked for, of all types, kept busy
 * by works that compute, that wait and say so, and that wait and do not; and, of four
 * queues or more, one whose works are stuck until the end.
 */
#ifndef ROVE_WQ_SAMPLE_H
#define ROVE_WQ_SAMPLE_H

#include "base/types.h"

struct wq_sample;

int wq_sample_start(u32 nr_queues, struct wq_sample **ret_sample);
void wq_sample_stop(struct wq_sample *sample);

#endif
