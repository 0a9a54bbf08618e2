/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/helper/trace.h - where bpf_printk() goes
 */
#ifndef ROVE_BPF_HELPER_TRACE_H
#define ROVE_BPF_HELPER_TRACE_H

void trace_set_fd(int fd);

#endif
