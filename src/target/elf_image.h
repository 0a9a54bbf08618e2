/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * target/elf_image.h - what the files of the ELF check share
 *
 * Invariant: once elf_check.c has read the section headers, every section's
 *            bytes lie inside the image and every name is a string.
 */
#ifndef ROVE_TARGET_ELF_IMAGE_H
#define ROVE_TARGET_ELF_IMAGE_H

#include <elf.h>

#include "base/types.h"

struct elf_image {
	const u8 *data;
	size_t size;
	Elf64_Shdr *sections;	/* a copy: the image may be misaligned */
	u32 nr_sections;
	u32 names;		/* the section that holds section names */
	u32 symtab, nr_symbols;	/* 0: none yet */
	u32 nr_functions, text_functions;
	u64 function_bytes;
	bool has_local_call;	/* of a subprogram, or its address taken */
	char *why;
	size_t why_size;
};

/* "section 3 '.text': ..."; section 0 is the file itself.  Return: -EINVAL. */
int elf_bad(const struct elf_image *img, u32 section, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

const char *elf_section_name(const struct elf_image *img, u32 section);
u32 elf_find_section(const struct elf_image *img, const char *name);	/* 0: there is none */

static inline const u8 *elf_section_data(const struct elf_image *img, u32 section)
{
	return img->data + img->sections[section].sh_offset;
}

/* elf_code.c: symbols, relocations and instructions. */
int elf_check_symbols(struct elf_image *img);
int elf_check_relocations(const struct elf_image *img);

/* elf_btf.c: .BTF and .BTF.ext. */
int elf_check_btf(const struct elf_image *img);

#endif
