/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * target/elf_check.c - is an object file sound enough to be given to libbpf?
 *
 * libbpf trusts much of what it reads: a damaged file makes it divide by zero,
 * loop or write outside its memory.  So what it relies on is looked at first.
 * Nothing is interpreted here and nothing kept: a file that passes may still be
 * refused, by libbpf or by the verifier, with an error.
 *
 * Not here: symbols and code (elf_code.c), BTF (elf_btf.c).
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "target/elf_check.h"
#include "target/elf_image.h"

#define MAX_SECTIONS 1024
#define MAX_IMAGE_BYTES (256u << 20)
#define MAX_ZERO_BYTES (64u << 20)	/* of a section without contents: .bss */

#ifndef EM_BPF
#define EM_BPF 247
#endif
#define SHT_LLVM_ADDRSIG 0x6fff4c03

/* --- saying what is wrong ----------------------------------------------------------------- */

/* What a damaged file has for a name is not for a terminal. */
static void make_printable(char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}

/**
 * elf_bad - one printable sentence, headed by the section it is about
 * @section: 0: the file itself
 *
 * Context: thread.
 * Return:  -EINVAL.
 */
int elf_bad(const struct elf_image *img, u32 section, const char *fmt, ...)
{
	char text[256], where[96] = "";
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (section && img->names)
		snprintf(where, sizeof(where), "section %u '%.48s': ", section,
			 elf_section_name(img, section));
	else if (section)
		snprintf(where, sizeof(where), "section %u: ", section);
	snprintf(img->why, img->why_size, "%s%s", where, text);
	make_printable(img->why);
	return -EINVAL;
}

/* Context: any, once names are checked. */
const char *elf_section_name(const struct elf_image *img, u32 section)
{
	return (const char *)elf_section_data(img, img->names) + img->sections[section].sh_name;
}

/* Context: any.  Return: the first of this name, 0: there is none. */
u32 elf_find_section(const struct elf_image *img, const char *name)
{
	for (u32 i = 1; i < img->nr_sections; i++)
		if (strcmp(elf_section_name(img, i), name) == 0)
			return i;
	return 0;
}

/* --- the header --------------------------------------------------------------------------- */

/* Numbers that must be one of two. */
static const struct {
	const char *what;
	u8 offset, bytes;
	u16 want, or;
} header_fields[] = {
	{ "ELF class", EI_CLASS, 1, ELFCLASS64, ELFCLASS64 },
	{ "byte order", EI_DATA, 1, ELFDATA2LSB, ELFDATA2LSB },
	{ "ELF version", EI_VERSION, 1, EV_CURRENT, EV_CURRENT },
	{ "file type", offsetof(Elf64_Ehdr, e_type), 2, ET_REL, ET_REL },
	{ "machine", offsetof(Elf64_Ehdr, e_machine), 2, EM_BPF, EM_NONE },
	{ "section header size", offsetof(Elf64_Ehdr, e_shentsize), 2, sizeof(Elf64_Shdr),
	  sizeof(Elf64_Shdr) },
};

static int check_header_fields(const struct elf_image *img)
{
	for (u32 i = 0; i < ARRAY_SIZE(header_fields); i++) {
		u16 got = 0;

		memcpy(&got, img->data + header_fields[i].offset, header_fields[i].bytes);
		if (got != header_fields[i].want && got != header_fields[i].or)
			return elf_bad(img, 0, "%s is %u, %u expected", header_fields[i].what, got,
				       header_fields[i].want);
	}
	return 0;
}

static int check_header(struct elf_image *img)
{
	Elf64_Ehdr ehdr;
	int err;

	if (img->size < SELFMAG || memcmp(img->data, ELFMAG, SELFMAG) != 0)
		return elf_bad(img, 0, "not an ELF file");
	if (img->size < sizeof(ehdr) || img->size > MAX_IMAGE_BYTES)
		return elf_bad(img, 0, "an ELF file of %zu bytes is not plausible", img->size);
	err = check_header_fields(img);
	if (err)
		return err;
	memcpy(&ehdr, img->data, sizeof(ehdr));
	if (!ehdr.e_shnum || ehdr.e_shnum > MAX_SECTIONS)
		return elf_bad(img, 0, "%u sections are not plausible", ehdr.e_shnum);
	if (ehdr.e_shoff > img->size ||
	    ehdr.e_shnum * sizeof(Elf64_Shdr) > img->size - ehdr.e_shoff)
		return elf_bad(img, 0, "the section headers lie outside the file (truncated?)");
	if (!ehdr.e_shstrndx || ehdr.e_shstrndx >= ehdr.e_shnum)
		return elf_bad(img, 0, "section names in section %u of %u", ehdr.e_shstrndx,
			       ehdr.e_shnum);
	img->nr_sections = ehdr.e_shnum;
	img->sections = calloc(img->nr_sections, sizeof(*img->sections));
	if (!img->sections)
		return -ENOMEM;
	memcpy(img->sections, img->data + ehdr.e_shoff, img->nr_sections * sizeof(Elf64_Shdr));
	return 0;
}

/* --- sections ----------------------------------------------------------------------------- */

/* What a type of section has to be like; other types are refused. */
static const struct {
	u32 type;
	u32 entry_bytes;	/* 0: any */
	bool no_contents;
} type_rules[] = {
	{ SHT_PROGBITS },
	{ SHT_STRTAB },
	{ SHT_SYMTAB, .entry_bytes = sizeof(Elf64_Sym) },
	{ SHT_REL, .entry_bytes = sizeof(Elf64_Rel) },
	{ SHT_NOBITS, .no_contents = true },
	{ SHT_GROUP, .entry_bytes = sizeof(u32) },
	{ SHT_LLVM_ADDRSIG },
};

static int check_contents(const struct elf_image *img, u32 i, bool no_contents)
{
	const Elf64_Shdr *sh = &img->sections[i];

	if (sh->sh_flags & SHF_COMPRESSED)
		return elf_bad(img, i, "compressed sections are not supported");
	if (sh->sh_flags & SHF_EXECINSTR && sh->sh_type != SHT_PROGBITS)
		return elf_bad(img, i, "code in a section of type %u", sh->sh_type);
	if (no_contents && sh->sh_size > MAX_ZERO_BYTES)
		return elf_bad(img, i, "%llu bytes are not plausible",
			       (unsigned long long)sh->sh_size);
	if (no_contents)
		return 0;
	if (sh->sh_offset > img->size || sh->sh_size > img->size - sh->sh_offset)
		return elf_bad(img, i, "%llu bytes at offset %llu lie outside the file of %zu",
			       (unsigned long long)sh->sh_size,
			       (unsigned long long)sh->sh_offset, img->size);
	return 0;
}

static int check_section(const struct elf_image *img, u32 i)
{
	const Elf64_Shdr *sh = &img->sections[i];
	u32 rule = 0, entry;
	int err;

	while (rule < ARRAY_SIZE(type_rules) && type_rules[rule].type != sh->sh_type)
		rule++;
	if (rule == ARRAY_SIZE(type_rules))
		return elf_bad(img, i, "type %#x is not known", sh->sh_type);
	err = check_contents(img, i, type_rules[rule].no_contents);
	if (err)
		return err;
	entry = type_rules[rule].entry_bytes;
	if (entry && sh->sh_entsize != entry)
		return elf_bad(img, i, "entry size %llu, %u expected",
			       (unsigned long long)sh->sh_entsize, entry);
	if (entry && sh->sh_size % entry)
		return elf_bad(img, i, "%llu bytes are no multiple of %u",
			       (unsigned long long)sh->sh_size, entry);
	if (sh->sh_flags & SHF_EXECINSTR && sh->sh_size % 8)
		return elf_bad(img, i, "%llu bytes are no whole instructions",
			       (unsigned long long)sh->sh_size);
	return 0;
}

static int check_strings(const struct elf_image *img, u32 i)
{
	const Elf64_Shdr *sh = &img->sections[i];

	if (sh->sh_type != SHT_STRTAB)
		return elf_bad(img, i, "no string table");
	if (!sh->sh_size || elf_section_data(img, i)[sh->sh_size - 1])
		return elf_bad(img, i, "the last string does not end");
	return 0;
}

/* Section names first: what is wrong with a section is said with its name. */
static int check_names(struct elf_image *img, u32 names)
{
	int err = check_contents(img, names, false);

	err = err ?: check_strings(img, names);
	if (err)
		return err;
	for (u32 i = 0; i < img->nr_sections; i++)
		if (img->sections[i].sh_name >= img->sections[names].sh_size)
			return elf_bad(img, i, "name at %u of %llu bytes", img->sections[i].sh_name,
				       (unsigned long long)img->sections[names].sh_size);
	img->names = names;
	return 0;
}

static int check_sections(struct elf_image *img)
{
	const Elf64_Shdr *first = img->sections;
	u16 names;
	int err;

	memcpy(&names, img->data + offsetof(Elf64_Ehdr, e_shstrndx), sizeof(names));
	if (first->sh_type != SHT_NULL || first->sh_flags || first->sh_size || first->sh_offset)
		return elf_bad(img, 0, "section 0 is not empty");
	err = check_names(img, names);
	for (u32 i = 1; !err && i < img->nr_sections; i++)
		err = check_section(img, i);
	for (u32 i = 1; !err && i < img->nr_sections; i++)
		if (img->sections[i].sh_type == SHT_STRTAB)
			err = check_strings(img, i);
	return err;
}

/* --- sections with a meaning -------------------------------------------------------------- */

static int check_terminated(const struct elf_image *img, u32 i)
{
	u64 bytes = img->sections[i].sh_size;

	if (!bytes || elf_section_data(img, i)[bytes - 1])
		return elf_bad(img, i, "the string does not end");
	return 0;
}

static int check_version(const struct elf_image *img, u32 i)
{
	if (img->sections[i].sh_size != sizeof(u32))
		return elf_bad(img, i, "%llu bytes, 4 expected",
			       (unsigned long long)img->sections[i].sh_size);
	return 0;
}

static int check_data(const struct elf_image *img, u32 i)
{
	if (img->sections[i].sh_flags & SHF_EXECINSTR)
		return elf_bad(img, i, "marked as code");
	return 0;
}

static int refuse_struct_ops(const struct elf_image *img, u32 i)
{
	return elf_bad(img, i, "struct_ops are not supported");
}

/* Each at most once, all with contents. */
static const struct {
	const char *name;
	int (*check)(const struct elf_image *img, u32 section);
} name_rules[] = {
	{ "license", check_terminated },
	{ "version", check_version },
	{ ".maps", check_data },
	{ ".BTF", check_data },
	{ ".BTF.ext", check_data },
	{ ".text" },
	{ ".struct_ops", refuse_struct_ops },
};

static int check_meanings(const struct elf_image *img)
{
	int err = 0;

	for (u32 r = 0; !err && r < ARRAY_SIZE(name_rules); r++) {
		u32 nr = 0;

		for (u32 i = 1; !err && i < img->nr_sections; i++) {
			if (strcmp(elf_section_name(img, i), name_rules[r].name) != 0)
				continue;
			if (nr++)
				err = elf_bad(img, i, "there is another of this name");
			else if (img->sections[i].sh_type != SHT_PROGBITS)
				err = elf_bad(img, i, "type %u, %u expected",
					      img->sections[i].sh_type, SHT_PROGBITS);
			else if (name_rules[r].check)
				err = name_rules[r].check(img, i);
		}
	}
	return err;
}

/* See elf_check.h. */
int elf_check(const void *data, size_t size, char *why, size_t why_size)
{
	struct elf_image img = { .data = data, .size = size, .why = why, .why_size = why_size };
	int err;

	why[0] = 0;
	err = check_header(&img);
	err = err ?: check_sections(&img);
	err = err ?: check_meanings(&img);
	err = err ?: elf_check_symbols(&img);
	err = err ?: elf_check_relocations(&img);
	err = err ?: elf_check_btf(&img);
	free(img.sections);
	return err;
}
