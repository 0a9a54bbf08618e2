/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/unit/target/elf_check_test.c - what is wrong with an object file is said in one sentence
 */
#include <elf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/btf.h>

#include "target/elf_check.h"
#include "tests/test.h"

extern const char rove_embed_wakeup_bpf_o[], rove_embed_wakeup_bpf_o_end[];
extern const char rove_embed_tasks_bpf_o[], rove_embed_tasks_bpf_o_end[];
extern const char rove_embed_wakeup_scoped_bpf_o[], rove_embed_wakeup_scoped_bpf_o_end[];

static char why[512];

/* A copy of an object file that may be damaged. */
struct file {
	char *data;
	size_t size;
	Elf64_Ehdr *ehdr;
	Elf64_Shdr *sections;
};

static struct file open_copy(void)
{
	struct file f = { .size = rove_embed_wakeup_bpf_o_end - rove_embed_wakeup_bpf_o };

	f.data = malloc(f.size);
	memcpy(f.data, rove_embed_wakeup_bpf_o, f.size);
	f.ehdr = (Elf64_Ehdr *)f.data;
	f.sections = (Elf64_Shdr *)(f.data + f.ehdr->e_shoff);
	return f;
}

static Elf64_Shdr *section(const struct file *f, const char *name)
{
	const char *names = f->data + f->sections[f->ehdr->e_shstrndx].sh_offset;

	for (u32 i = 1; i < f->ehdr->e_shnum; i++)
		if (strcmp(names + f->sections[i].sh_name, name) == 0)
			return &f->sections[i];
	fail_msg("no section %s", name);
	return NULL;
}

static void *contents(const struct file *f, const char *name)
{
	return f->data + section(f, name)->sh_offset;
}

/* The first function of a section. */
static Elf64_Sym *function(const struct file *f, const char *name)
{
	u32 wanted = section(f, name) - f->sections;
	Elf64_Sym *sym = contents(f, ".symtab");

	while (sym->st_shndx != wanted || ELF64_ST_TYPE(sym->st_info) != STT_FUNC)
		sym++;
	return sym;
}

/* The first type of a kind; libbpf's headers stay out of here. */
static struct btf_type *first_struct(const struct file *f)
{
	struct btf_header *hdr = contents(f, ".BTF");
	u32 *word = (u32 *)((char *)hdr + hdr->hdr_len);

	while (BTF_INFO_KIND(word[1]) != BTF_KIND_STRUCT || !word[0] || !word[2] || word[2] > 4096)
		word++;
	return (struct btf_type *)word;
}

/* Off and length of a part of .BTF.ext: 0 func_info, 1 line_info, 2 core_relo. */
static u32 *ext_part(const struct file *f, u32 part)
{
	u32 *words = contents(f, ".BTF.ext");

	return words + words[1] / 4 + words[2 + 2 * part] / 4;
}

/* --- damage ------------------------------------------------------------------------------- */

static void no_magic(struct file *f) { f->data[0] = 'e'; }
static void class32(struct file *f) { f->data[EI_CLASS] = ELFCLASS32; }
static void big_endian(struct file *f) { f->data[EI_DATA] = ELFDATA2MSB; }
static void other_machine(struct file *f) { f->ehdr->e_machine = EM_X86_64; }
static void no_sections(struct file *f) { f->ehdr->e_shnum = 0; }
static void far_headers(struct file *f) { f->ehdr->e_shoff = ~0ull - 63; }
static void far_names(struct file *f) { f->ehdr->e_shstrndx = 500; }
static void section_name(struct file *f) { section(f, "syscall")->sh_name = 1 << 20; }
static void rel_entry(struct file *f) { section(f, ".relsyscall")->sh_entsize = 0; }
static void symbol_entry(struct file *f) { section(f, ".symtab")->sh_entsize = 0; }
static void odd_type(struct file *f) { section(f, ".maps")->sh_type = SHT_HASH; }
static void compressed(struct file *f) { section(f, ".BTF")->sh_flags |= SHF_COMPRESSED; }
static void far_section(struct file *f) { section(f, ".BTF")->sh_offset = ~0ull - 8; }
static void half_insn(struct file *f) { section(f, "syscall")->sh_size -= 4; }
static void open_license(struct file *f) { section(f, "license")->sh_size -= 1; }
static void empty_maps(struct file *f) { section(f, ".maps")->sh_type = SHT_NOBITS; }
static void symbol_name(struct file *f) { function(f, ".text")->st_name = 1 << 20; }
static void symbol_section(struct file *f) { function(f, ".text")->st_shndx = 200; }
static void far_function(struct file *f) { function(f, ".text")->st_value = ~7ull; }
static void long_function(struct file *f) { function(f, ".text")->st_size = ~7ull; }
static void odd_function(struct file *f) { function(f, ".text")->st_value += 4; }
static void rel_link(struct file *f) { section(f, ".relsyscall")->sh_link = 1; }
static void rel_info(struct file *f) { section(f, ".relsyscall")->sh_info = 900; }

static void data_function(struct file *f)
{
	function(f, "syscall")->st_shndx = section(f, "license") - f->sections;
	function(f, ".text")->st_shndx = section(f, "license") - f->sections;
}

static void rel_symbol(struct file *f)
{
	((Elf64_Rel *)contents(f, ".relsyscall"))->r_info = 0xffffull << 32;
}

static void rel_offset(struct file *f)
{
	((Elf64_Rel *)contents(f, ".relsyscall"))->r_offset = ~7ull;
}

static void wide_at_end(struct file *f)
{
	Elf64_Sym *sym = function(f, "syscall");
	struct bpf_insn *insns = contents(f, "syscall");

	insns[(sym->st_value + sym->st_size) / 8 - 1].code = BPF_LD | BPF_IMM | BPF_DW;
}

static void btf_magic(struct file *f) { *(u16 *)contents(f, ".BTF") = 0; }
static void btf_strings(struct file *f) { ((struct btf_header *)contents(f, ".BTF"))->str_len--; }

static void btf_member_type(struct file *f)
{
	struct btf_type *t = first_struct(f);

	((struct btf_member *)(t + 1))->type = 0x100000;
}

static void ext_header(struct file *f) { ((u32 *)contents(f, ".BTF.ext"))[1] = ~0u; }
static void ext_place(struct file *f) { ((u32 *)contents(f, ".BTF.ext"))[2] = ~3u; }
static void ext_record(struct file *f) { ext_part(f, 0)[0] = 0; }
static void ext_count(struct file *f) { ext_part(f, 0)[2] = ~0u; }
static void ext_function(struct file *f) { ext_part(f, 0)[4] = ~0u; }
static void ext_file(struct file *f) { ext_part(f, 1)[4] = ~0u; }
static void core_type(struct file *f) { ext_part(f, 2)[4] = ~0u; }
static void core_place(struct file *f) { ext_part(f, 2)[3] += 1; }
static void core_access(struct file *f) { ext_part(f, 2)[5] = 1; }

static const struct {
	void (*damage)(struct file *f);
	const char *sentence;	/* it begins so, the number of the section aside */
} cases[] = {
	{ no_magic, "not an ELF file" },
	{ class32, "ELF class is 1, 2 expected" },
	{ big_endian, "byte order is 2, 1 expected" },
	{ other_machine, "machine is 62, 247 expected" },
	{ no_sections, "0 sections are not plausible" },
	{ far_headers, "the section headers lie outside the file" },
	{ far_names, "section names in section 500 of" },
	{ section_name, "name at 1048576 of" },
	{ rel_entry, "'.relsyscall': entry size 0, 16 expected" },
	{ symbol_entry, "'.symtab': entry size 0, 24 expected" },
	{ odd_type, "'.maps': type 0x5 is not known" },
	{ compressed, "'.BTF': compressed sections are not supported" },
	{ far_section, "'.BTF': " },
	{ half_insn, "'syscall': 844 bytes are no whole instructions" },
	{ open_license, "'license': the string does not end" },
	{ empty_maps, "'.maps': type 8, 1 expected" },
	{ symbol_name, "name at 1048576 of" },
	{ symbol_section, "in section 200 of" },
	{ far_function, "past its section" },
	{ long_function, "crosses the end" },
	{ odd_function, "'.text': function (symbol" },
	{ data_function, "outside of code" },
	{ rel_link, "'.relsyscall': symbols in section 1," },
	{ rel_info, "'.relsyscall': relocates section 900" },
	{ rel_symbol, "'.relsyscall': relocation 0: symbol 65535 of" },
	{ rel_offset, "'.relsyscall': relocation 0: offset" },
	{ wide_at_end, "'syscall': a wide instruction crosses the end" },
	{ btf_magic, "'.BTF': Invalid magic" },
	{ btf_strings, "'.BTF': " },
	{ btf_member_type, "'.BTF': [" },
	{ ext_header, "'.BTF.ext': no header" },
	{ ext_place, "'.BTF.ext': func_info: outside of the section" },
	{ ext_record, "'.BTF.ext': func_info: record size 0" },
	{ ext_count, "'.BTF.ext': func_info: too many or no records" },
	{ ext_function, "'.BTF.ext': func_info: no function is type" },
	{ ext_file, "'.BTF.ext': line_info: no string at" },
	{ core_type, "'.BTF.ext': core_relo: no type" },
	{ core_place, "'.BTF.ext': core_relo: no instruction at" },
	{ core_access, "'.BTF.ext': core_relo: no list of numbers" },
};

TEST(elf_check, each_damage_has_its_sentence)
{
	for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
		struct file f = open_copy();

		cases[i].damage(&f);
		EXPECT_EQ(elf_check(f.data, f.size, why, sizeof(why)), -EINVAL);
		if (!strstr(why, cases[i].sentence))
			fail_msg("'%s' is not in '%s'", cases[i].sentence, why);
		EXPECT_PTR_EQ(strchr(why, '\n'), NULL);
		free(f.data);
	}
}

/* --- what is sound ------------------------------------------------------------------------ */

static void expect_sound(const char *data, const char *end)
{
	int err = elf_check(data, end - data, why, sizeof(why));

	if (err)
		fail_msg("%s", why);
}

TEST(elf_check, our_own_object_files_are_sound)
{
	expect_sound(rove_embed_wakeup_bpf_o, rove_embed_wakeup_bpf_o_end);
	expect_sound(rove_embed_tasks_bpf_o, rove_embed_tasks_bpf_o_end);
	expect_sound(rove_embed_wakeup_scoped_bpf_o, rove_embed_wakeup_scoped_bpf_o_end);
}

TEST(elf_check, an_object_file_may_lie_anywhere)
{
	size_t size = rove_embed_wakeup_bpf_o_end - rove_embed_wakeup_bpf_o;
	char *room = malloc(size + 8);

	for (u32 off = 1; off < 8; off++) {
		memcpy(room + off, rove_embed_wakeup_bpf_o, size);
		EXPECT_EQ(elf_check(room + off, size, why, sizeof(why)), 0);
	}
	free(room);
}

TEST(elf_check, a_part_of_a_file_is_refused_at_every_length)
{
	size_t size = rove_embed_tasks_bpf_o_end - rove_embed_tasks_bpf_o;

	for (size_t bytes = 0; bytes < size; bytes++) {
		char *part = malloc(bytes + 1);

		memcpy(part, rove_embed_tasks_bpf_o, bytes);
		EXPECT_EQ(elf_check(part, bytes, why, sizeof(why)), -EINVAL);
		free(part);
	}
}
