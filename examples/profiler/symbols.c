/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * examples/profiler/symbols.c - names from the program's ELF file, then from the dynamic linker
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <gelf.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "symbols.h"

struct symbol {
	uint64_t start, bytes;
	char *name;
};

static struct symbol *symbols;
static size_t nr_symbols, room;
static uint64_t load_base;	/* what the program's addresses are relative to */

static void add(const GElf_Sym *sym, const char *name)
{
	if (GELF_ST_TYPE(sym->st_info) != STT_FUNC || !sym->st_value || !name)
		return;
	if (nr_symbols == room) {
		size_t more = room ? room * 2 : 1024;
		struct symbol *grown = realloc(symbols, more * sizeof(*grown));

		if (!grown)
			return;
		symbols = grown;
		room = more;
	}
	symbols[nr_symbols++] = (struct symbol){ sym->st_value, sym->st_size, strdup(name) };
}

static void read_section(Elf *elf, Elf_Scn *section)
{
	Elf_Data *data = elf_getdata(section, NULL);
	GElf_Shdr header;
	GElf_Sym sym;

	if (!data || !gelf_getshdr(section, &header) || header.sh_type != SHT_SYMTAB ||
	    !header.sh_entsize)
		return;
	for (size_t i = 0; i < header.sh_size / header.sh_entsize; i++)
		if (gelf_getsym(data, i, &sym))
			add(&sym, elf_strptr(elf, header.sh_link, sym.st_name));
}

static int by_start(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

/* The program itself comes first. */
static int take_base(struct dl_phdr_info *info, size_t size, void *arg)
{
	load_base = info->dlpi_addr;
	return 1;
}

void symbols_load(void)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	Elf_Scn *section = NULL;
	Elf *elf;

	dl_iterate_phdr(take_base, NULL);
	elf_version(EV_CURRENT);
	elf = fd < 0 ? NULL : elf_begin(fd, ELF_C_READ, NULL);
	while (elf && (section = elf_nextscn(elf, section)))
		read_section(elf, section);
	elf_end(elf);
	if (fd >= 0)
		close(fd);
	if (nr_symbols)
		qsort(symbols, nr_symbols, sizeof(*symbols), by_start);
}

void symbols_free(void)
{
	for (size_t i = 0; i < nr_symbols; i++)
		free(symbols[i].name);
	free(symbols);
	symbols = NULL;
	nr_symbols = room = 0;
}

/* The last symbol that begins at or before @at. */
static const struct symbol *find(uint64_t at)
{
	size_t low = 0, high = nr_symbols;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (symbols[mid].start <= at)
			low = mid + 1;
		else
			high = mid;
	}
	return low && at - symbols[low - 1].start < symbols[low - 1].bytes ? &symbols[low - 1] :
									     NULL;
}

void symbol_name(uint64_t pc, char *name, size_t size)
{
	const struct symbol *own = find(pc - load_base);
	Dl_info info;

	if (own) {
		snprintf(name, size, "%s", own->name);
	} else if (!dladdr((void *)pc, &info)) {
		snprintf(name, size, "0x%llx", (unsigned long long)pc);
	} else if (info.dli_sname) {
		snprintf(name, size, "%s", info.dli_sname);
	} else {
		const char *slash = strrchr(info.dli_fname, '/');

		snprintf(name, size, "[%s]", slash ? slash + 1 : info.dli_fname);
	}
}
