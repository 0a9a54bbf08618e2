/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * target/elf_check.h - is an object file sound enough to be given to libbpf?
 */
#ifndef ROVE_TARGET_ELF_CHECK_H
#define ROVE_TARGET_ELF_CHECK_H

#include "base/types.h"

/**
 * elf_check - look for what libbpf would trip over
 * @data:     the object file
 * @size:     its length in bytes
 * @why:      on -EINVAL one sentence, headed by the section it is about
 * @why_size: room there; not 0
 *
 * Context: may sleep.
 * Return:  0, -EINVAL (damaged, or no BPF object file) or -ENOMEM.
 */
int elf_check(const void *data, size_t size, char *why, size_t why_size);

#endif
