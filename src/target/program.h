/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * target/program.h - one of our embedded object files, loaded into a target
 */
#ifndef ROVE_TARGET_PROGRAM_H
#define ROVE_TARGET_PROGRAM_H

#include "target/target.h"

struct bpf_object;

struct program_image {
	const char *name;	/* "wakeup": for messages */
	const void *data, *end;	/* the object file */
};

/* Room for an error sentence and a verifier's log. */
struct program_why {
	char *text;		/* may be NULL */
	size_t size;
};

/**
 * program_may_load - is bpf(2) there, and may we use it?
 * @target: asked with the smallest syscall program
 * @why:    one sentence when not
 *
 * Asked before libbpf is let near a target, because libbpf remembers for the
 * whole process what it found missing at its first use.
 *
 * Context: may sleep.
 * Return:  0, -EPERM (@why names the capability), -ENOTSUP (no bpf(2) here).
 */
int program_may_load(const struct target *target, struct program_why why);

/**
 * program_has_func - does the target's BTF have a function?
 * Return: 1 or 0, or -errno when it has no readable BTF.
 */
int program_has_func(const struct target *target, const char *func);

/**
 * program_say_missing - the kernel has not what a program needs
 * @has:    what program_has_func() gave
 * @what:   "wakeup-source kfuncs: they need Linux 7.2 or later with CONFIG_..."
 *
 * Return:  -ENOTSUP, and @why a sentence with the kernel's release.
 */
int program_say_missing(int has, const char *what, struct program_why why);

/**
 * program_open - an object file in the hands of libbpf, not yet loaded
 * @image:   stays in place until the object is closed
 * @ret_obj: bpf_object__close() it with the target in use
 *
 * Context: may sleep, with the target in use (target_use()).
 * Return:  0 or -errno.
 */
int program_open(const struct program_image *image, struct bpf_object **ret_obj,
		 struct program_why why);

/* Load it; on failure @why is a sentence and what libbpf and the verifier said. */
int program_load(struct bpf_object *obj, const struct program_image *image,
		 struct program_why why);

#endif
