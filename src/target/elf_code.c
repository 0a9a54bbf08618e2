/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * target/elf_code.c - the ELF check: symbols, relocations and instructions
 *
 * Instructions are looked at as far as libbpf changes them: the two halves of
 * a wide one, and calls of subprograms.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

#include "target/elf_image.h"

#define INSN_BYTES 8
/* libbpf descends into subprograms by recursion. */
#define MAX_FUNCTIONS 1024

static void read_symbol(const struct elf_image *img, u32 nr, Elf64_Sym *sym)
{
	memcpy(sym, elf_section_data(img, img->symtab) + nr * sizeof(*sym), sizeof(*sym));
}

/* --- instructions ------------------------------------------------------------------------- */

static bool is_wide(const struct bpf_insn *insn)
{
	return insn->code == (BPF_LD | BPF_IMM | BPF_DW);
}

/* A function in whole instructions; the halves of a wide one stay together. */
static int check_code(struct elf_image *img, u32 section, u64 start, u64 bytes)
{
	const u8 *code = elf_section_data(img, section) + start;
	bool second = false;

	for (u64 at = 0; at < bytes; at += INSN_BYTES) {
		struct bpf_insn insn;

		memcpy(&insn, code + at, sizeof(insn));
		if (second && insn.code)
			return elf_bad(img, section, "no second half of a wide instruction at %llu",
				       (unsigned long long)(start + at));
		second = !second && is_wide(&insn);
		if (insn.src_reg == BPF_PSEUDO_CALL && insn.code == (BPF_JMP | BPF_CALL))
			img->has_local_call = true;
		if (second && insn.src_reg == BPF_PSEUDO_FUNC)
			img->has_local_call = true;
	}
	if (second)
		return elf_bad(img, section, "a wide instruction crosses the end at %llu",
			       (unsigned long long)(start + bytes));
	return 0;
}

/* --- symbols ------------------------------------------------------------------------------ */

static int check_function(struct elf_image *img, u32 nr, const Elf64_Sym *sym)
{
	u32 section = sym->st_shndx;
	const Elf64_Shdr *sh = &img->sections[section];

	if (!(sh->sh_flags & SHF_EXECINSTR))
		return elf_bad(img, section, "function (symbol %u) outside of code", nr);
	if (!sym->st_size || sym->st_value % INSN_BYTES || sym->st_size % INSN_BYTES)
		return elf_bad(img, section, "function (symbol %u) of %llu bytes at %llu", nr,
			       (unsigned long long)sym->st_size,
			       (unsigned long long)sym->st_value);
	if (sym->st_size > sh->sh_size - sym->st_value)
		return elf_bad(img, section, "function (symbol %u) crosses the end", nr);
	img->function_bytes += sym->st_size;
	if (++img->nr_functions > MAX_FUNCTIONS || img->function_bytes > img->size)
		return elf_bad(img, section, "functions overlap, or are more than %u",
			       MAX_FUNCTIONS);
	if (strcmp(elf_section_name(img, section), ".text") == 0)
		img->text_functions++;
	return check_code(img, section, sym->st_value, sym->st_size);
}

static int check_symbol(struct elf_image *img, u32 nr, u64 names_bytes)
{
	Elf64_Sym sym;

	read_symbol(img, nr, &sym);
	if (sym.st_name >= names_bytes)
		return elf_bad(img, img->symtab, "symbol %u: name at %u of %llu bytes", nr,
			       sym.st_name, (unsigned long long)names_bytes);
	if (sym.st_shndx == SHN_UNDEF || sym.st_shndx == SHN_ABS || sym.st_shndx == SHN_COMMON)
		return 0;
	if (sym.st_shndx >= img->nr_sections)
		return elf_bad(img, img->symtab, "symbol %u: in section %u of %u", nr, sym.st_shndx,
			       img->nr_sections);
	if (sym.st_value > img->sections[sym.st_shndx].sh_size)
		return elf_bad(img, img->symtab, "symbol %u: at %llu, past its section", nr,
			       (unsigned long long)sym.st_value);
	if (ELF64_ST_TYPE(sym.st_info) == STT_FUNC)
		return check_function(img, nr, &sym);
	return 0;
}

static int find_symtab(struct elf_image *img)
{
	for (u32 i = 1; i < img->nr_sections; i++) {
		const Elf64_Shdr *sh = &img->sections[i];

		if (sh->sh_type != SHT_SYMTAB)
			continue;
		if (img->symtab)
			return elf_bad(img, i, "a second symbol table");
		if (!sh->sh_link || sh->sh_link >= img->nr_sections ||
		    img->sections[sh->sh_link].sh_type != SHT_STRTAB)
			return elf_bad(img, i, "symbol names in section %u, no string table",
				       sh->sh_link);
		img->symtab = i;
		img->nr_symbols = sh->sh_size / sizeof(Elf64_Sym);
	}
	return img->symtab ? 0 : elf_bad(img, 0, "no symbol table (a stripped object file?)");
}

/* Context: thread.  Return: 0 or -EINVAL. */
int elf_check_symbols(struct elf_image *img)
{
	int err = find_symtab(img);
	u64 names_bytes;

	if (err)
		return err;
	names_bytes = img->sections[img->sections[img->symtab].sh_link].sh_size;
	for (u32 i = 0; !err && i < img->nr_symbols; i++)
		err = check_symbol(img, i, names_bytes);
	if (err)
		return err;
	/* The one function of .text is a program; libbpf cannot append it to itself. */
	if (img->nr_functions == 1 && img->text_functions && img->has_local_call)
		return elf_bad(img, elf_find_section(img, ".text"), "the only function calls itself");
	return 0;
}

/* --- relocations -------------------------------------------------------------------------- */

/* How far a relocation reaches, and where it must begin. */
static u32 relocated_bytes(const struct elf_image *img, u32 target)
{
	if (img->sections[target].sh_flags & SHF_EXECINSTR ||
	    strcmp(elf_section_name(img, target), ".maps") == 0)
		return INSN_BYTES;
	return 1;
}

static int check_relocation(const struct elf_image *img, u32 section, u32 nr, u32 target)
{
	u32 bytes = relocated_bytes(img, target);
	u64 room = img->sections[target].sh_size;
	Elf64_Rel rel;

	memcpy(&rel, elf_section_data(img, section) + nr * sizeof(rel), sizeof(rel));
	if (ELF64_R_SYM(rel.r_info) >= img->nr_symbols)
		return elf_bad(img, section, "relocation %u: symbol %llu of %u", nr,
			       (unsigned long long)ELF64_R_SYM(rel.r_info), img->nr_symbols);
	if (rel.r_offset % bytes || room < bytes || rel.r_offset > room - bytes)
		return elf_bad(img, section, "relocation %u: offset %llu of %llu bytes", nr,
			       (unsigned long long)rel.r_offset, (unsigned long long)room);
	return 0;
}

static int check_relocation_section(const struct elf_image *img, u32 section)
{
	const Elf64_Shdr *sh = &img->sections[section];
	int err = 0;

	if (sh->sh_link != img->symtab)
		return elf_bad(img, section, "symbols in section %u, %u expected", sh->sh_link,
			       img->symtab);
	if (!sh->sh_info || sh->sh_info >= img->nr_sections ||
	    img->sections[sh->sh_info].sh_type != SHT_PROGBITS)
		return elf_bad(img, section, "relocates section %u, which has no contents",
			       sh->sh_info);
	for (u32 i = 0; !err && i < sh->sh_size / sizeof(Elf64_Rel); i++)
		err = check_relocation(img, section, i, sh->sh_info);
	return err;
}

/* Context: thread, after the symbols.  Return: 0 or -EINVAL. */
int elf_check_relocations(const struct elf_image *img)
{
	int err = 0;

	for (u32 i = 1; !err && i < img->nr_sections; i++)
		if (img->sections[i].sh_type == SHT_REL)
			err = check_relocation_section(img, i);
	return err;
}
