/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * target/seam.h - what libbpf calls instead of the C library
 *
 * The build takes Debian's libbpf.a and renames these references in it, and
 * nowhere else (Makefile, SEAM_SYMBOLS): a call of ours or of the application
 * is never caught.
 */
#ifndef ROVE_TARGET_SEAM_H
#define ROVE_TARGET_SEAM_H

#include <stdio.h>
#include <sys/types.h>

struct epoll_event;

long rove_seam_syscall(long number, ...);
int rove_seam_faccessat(int dir_fd, const char *path, int mode, int flags);
FILE *rove_seam_fopen64(const char *path, const char *mode);
int rove_seam_open64(const char *path, int flags, ...);
void *rove_seam_mmap64(void *addr, size_t length, int prot, int flags, int fd, off_t offset);
int rove_seam_close(int fd);
int rove_seam_ioctl(int fd, unsigned long request, ...);
int rove_seam_epoll_ctl(int epoll_fd, int op, int fd, struct epoll_event *event);

#endif
