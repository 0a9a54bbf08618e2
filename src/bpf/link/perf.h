/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/link/perf.h - programs on events of perf_event_open(2), run on the sampled thread
 *
 * The kernel runs a perf event's program itself when the event overflows.  A process can
 * only be told: the descriptor is made to send a signal to the thread that the event
 * counts for, and the program runs in the signal's handler.
 *
 * Not here: what the program sees (bpf/prog/platform.c, bpf/helper/sample.h).
 */
#ifndef ROVE_BPF_LINK_PERF_H
#define ROVE_BPF_LINK_PERF_H

#include <signal.h>

#include "bpf/prog/prog.h"

struct perf_attach;

int perf_attach(int event_fd, struct bpf_prog *prog, u64 cookie, struct perf_attach **ret_attach);
void perf_detach(struct perf_attach *attach);
int perf_check_fd(int event_fd);

int perf_set_prog(int event_fd, struct bpf_prog *prog);
int perf_close(int fd);
void perf_sweep(void);

/* --- within bpf/link ---------------------------------------------------------------------- */

/* Stack that a run needs beside the signal's frame; with less, it is missed. */
#define SAMPLE_STACK_BYTES (16u << 10)

int perf_event_thread(int event_fd, int *ret_tid);
bool perf_is_about(const struct perf_attach *attach, int fd);

int sample_signal_get(void);
int sample_signal_choose(int number);

/* A signal that says what @fd's event has done.  Context: the handler of it. */
void perf_sample(int fd, void *uctx);
void perf_sample_missed(int fd, bool silence);

#endif
