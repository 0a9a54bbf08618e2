/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * progs/linux_bpf.h - <linux/bpf.h>, the same of every version: newer ones define the
 * number iterator's struct, older ones do not, and no macro tells which
 */
#ifndef ROVE_PROGS_LINUX_BPF_H
#define ROVE_PROGS_LINUX_BPF_H

#define bpf_iter_num bpf_iter_num_of_linux
#include <linux/bpf.h>
#undef bpf_iter_num

#endif
