/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/selftest/selftest_skel.h - what all skeletons of tests/selftest/skeleton.py call
 */
#ifndef ROVE_TESTS_SELFTEST_SELFTEST_SKEL_H
#define ROVE_TESTS_SELFTEST_SELFTEST_SKEL_H

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>

/* NAME.bpf.o of the directory SELFTEST_OBJECTS, opened. */
struct bpf_object *selftest_object(const char *name);

/* Room for that many programs.  Freed by the other. */
struct bpf_object_skeleton *selftest_skeleton(int nr_progs);
void selftest_skeleton_free(struct bpf_object_skeleton *skeleton);

/* Without programs of kinds that this process does not have; says which. */
int selftest_load(struct bpf_object *obj);

/* 0, or -ENOTSUP: its programs are not run by the test itself. */
int selftest_attach(struct bpf_object *obj);

/* The mapped values of .bss or .data; NULL: there are none. */
void *selftest_memory(struct bpf_object *obj, const char *section);

#endif
