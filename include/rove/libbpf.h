/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * rove/libbpf.h - libbpf, pointed at this process
 *
 * librove-libbpf.a is the distribution's libbpf whose own system calls go where the calling
 * thread has chosen: to the kernel, or to librove.  Link it in the place of libbpf:
 *
 *	cc app.c -lrove-libbpf -lrove -lelf -lz
 *
 * and use libbpf as ever: skeletons, bpf_object__open(), bpf_program__attach_perf_event().
 * The application's own system calls are never touched.  libbpf finds out once for the
 * process what its bpf(2) can do: load into the more capable one first.
 */
#ifndef ROVE_LIBBPF_H
#define ROVE_LIBBPF_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * rove_libbpf_use_self - which bpf(2) the calling thread's libbpf reaches
 * @self: true: this process's; false, as each thread begins: the kernel's
 *
 * What libbpf made with one is closed and used with the same one.
 *
 * Context: any.
 * Return:  what it was.
 */
bool rove_libbpf_use_self(bool self);

#ifdef __cplusplus
}
#endif

#endif
