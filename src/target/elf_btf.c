/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * target/elf_btf.c - the ELF check: .BTF and .BTF.ext
 *
 * btf_parse() knows all the rules, but for BTF that libbpf has finished.  What
 * a compiler leaves open is filled in libbpf's way in a copy, the copy is
 * parsed, and what was filled in is looked at here:
 *
 * - sections have no sizes, offsets or order yet;
 * - kfuncs stand in a section, where otherwise only variables are;
 * - extern variables, which may be void, and parameters of kfuncs without a name.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/btf/btf.h"
#include "target/elf_image.h"

#define MAX_SECTION_BYTES INT32_MAX
#define MAX_KCONFIG_BYTES 4096
#define MAX_ACCESS_DIGITS 9
#define MAX_ACCESS_PARTS 64

/* A variable or function: its type in the file, and whether a section has named it. */
struct var_place {
	u32 type;
	bool in_section;
};

/* One .BTF: where its parts are, and what btf_parse() made of it. */
struct btf_part {
	const struct elf_image *img;
	u32 section;
	const u8 *types;	/* as they are in the file, perhaps misaligned */
	struct btf_header hdr;
	u32 nr_types;		/* in the file, without void */
	struct btf *btf;
	struct var_place *vars;	/* [id] */
	char complaint[160];
};

/* --- types as they stand in the file ------------------------------------------------------ */

/* Bytes behind struct btf_type: once, and for each of vlen. */
static const struct {
	u8 fixed, item;
} kind_bytes[NR_BTF_KINDS] = {
	[BTF_KIND_INT] = { .fixed = sizeof(u32) },
	[BTF_KIND_ARRAY] = { .fixed = sizeof(struct btf_array) },
	[BTF_KIND_STRUCT] = { .item = sizeof(struct btf_member) },
	[BTF_KIND_UNION] = { .item = sizeof(struct btf_member) },
	[BTF_KIND_ENUM] = { .item = sizeof(struct btf_enum) },
	[BTF_KIND_FUNC_PROTO] = { .item = sizeof(struct btf_param) },
	[BTF_KIND_VAR] = { .fixed = sizeof(struct btf_var) },
	[BTF_KIND_DATASEC] = { .item = sizeof(struct btf_var_secinfo) },
	[BTF_KIND_DECL_TAG] = { .fixed = sizeof(struct btf_decl_tag) },
	[BTF_KIND_ENUM64] = { .item = sizeof(struct btf_enum64) },
};

/* The type at @off and where the next is; false: it does not fit, or there is none. */
static bool next_type(const u8 *types, u32 type_bytes, u32 *off, struct btf_type *ret_t,
		      u32 *ret_items)
{
	u64 bytes;
	u32 kind;

	if (type_bytes - *off < sizeof(*ret_t))
		return false;
	memcpy(ret_t, types + *off, sizeof(*ret_t));
	kind = btf_kind(ret_t);
	if (kind >= NR_BTF_KINDS)
		return false;
	*ret_items = *off + sizeof(*ret_t) + kind_bytes[kind].fixed;
	bytes = sizeof(*ret_t) + kind_bytes[kind].fixed +
		(u64)kind_bytes[kind].item * (kind_bytes[kind].item ? btf_vlen(ret_t) : 0);
	if (bytes > type_bytes - *off)
		return false;
	*off += bytes;
	return true;
}

static u32 count_types(const u8 *types, u32 type_bytes)
{
	struct btf_type t;
	u32 nr = 0, off = 0, items;

	while (next_type(types, type_bytes, &off, &t, &items))
		nr++;
	return nr;
}

/* --- a copy as libbpf would finish it ----------------------------------------------------- */

/* Behind the file's own types: what the filled-in places refer to. */
struct stand_in {
	struct btf_type int_type;
	u32 int_data;
	struct btf_type var_type;
	struct btf_var var;
};

static void finish_section(struct btf_type *t, u32 var_id)
{
	struct btf_var_secinfo *si = (struct btf_var_secinfo *)(t + 1);

	t->size = max(btf_vlen(t), 1u);
	for (u32 i = 0; i < btf_vlen(t); i++)
		si[i] = (struct btf_var_secinfo){ .type = var_id, .offset = i, .size = 1 };
}

static void finish_type(struct btf_type *t, u32 var_id, u32 name_off)
{
	struct btf_var *var = (struct btf_var *)(t + 1);
	struct btf_param *p = (struct btf_param *)(t + 1);

	switch (btf_kind(t)) {
	case BTF_KIND_DATASEC:
		finish_section(t, var_id);
		break;
	case BTF_KIND_VAR:
		if (var->linkage != BTF_VAR_GLOBAL_EXTERN)
			break;
		var->linkage = BTF_VAR_GLOBAL_ALLOCATED;
		t->type = var_id - 1;
		break;
	case BTF_KIND_FUNC_PROTO:
		for (u32 i = 0; i < btf_vlen(t); i++)
			if (p[i].type && !p[i].name_off)
				p[i].name_off = name_off;
		break;
	}
}

static void finish_copy(const struct btf_part *b, u8 *copy)
{
	u32 type_bytes = b->hdr.type_len, off = 0, at = 0, items;
	u8 *types = copy + b->hdr.hdr_len;
	struct btf_header *hdr = (struct btf_header *)copy;
	struct stand_in more = {
		.int_type = { .info = BTF_KIND_INT << 24, .size = 1, .name_off = b->hdr.str_len },
		.int_data = 8,
		.var_type = { .info = BTF_KIND_VAR << 24, .type = b->nr_types + 1,
			      .name_off = b->hdr.str_len },
	};
	struct btf_type t;

	for (; next_type(types, type_bytes, &off, &t, &items); at = off)
		finish_type((struct btf_type *)(types + at), b->nr_types + 2, b->hdr.str_len);
	memmove(types + type_bytes + sizeof(more), types + type_bytes, b->hdr.str_len);
	memcpy(types + type_bytes, &more, sizeof(more));
	memcpy(types + type_bytes + sizeof(more) + b->hdr.str_len, "_", 2);
	hdr->type_len += sizeof(more);
	hdr->str_off += sizeof(more);
	hdr->str_len += 2;
}

/* Types, then strings, then the end: anything else is for btf_parse() to refuse. */
static bool has_usual_layout(const struct btf_header *hdr, u64 bytes)
{
	return hdr->hdr_len >= sizeof(*hdr) && hdr->hdr_len % 4 == 0 && !hdr->type_off &&
	       hdr->type_len % 4 == 0 && hdr->str_off == hdr->type_len &&
	       (u64)hdr->hdr_len + hdr->type_len + hdr->str_len == bytes;
}

static void keep_complaint(void *arg, const char *text)
{
	struct btf_part *b = arg;

	strncpy(b->complaint, text, sizeof(b->complaint) - 1);
}

static int parse_finished(struct btf_part *b)
{
	u64 bytes = b->img->sections[b->section].sh_size;
	const u8 *data = elf_section_data(b->img, b->section);
	u8 *copy = calloc(1, bytes + sizeof(struct stand_in) + 2);
	u32 more = 0;
	int err;

	if (!copy)
		return -ENOMEM;
	memcpy(copy, data, bytes);
	if (bytes >= sizeof(b->hdr))
		memcpy(&b->hdr, data, sizeof(b->hdr));
	if (bytes >= sizeof(b->hdr) && has_usual_layout(&b->hdr, bytes)) {
		b->types = data + b->hdr.hdr_len;
		b->nr_types = count_types(b->types, b->hdr.type_len);
		finish_copy(b, copy);
		more = sizeof(struct stand_in) + 2;
	}
	err = btf_parse(copy, bytes + more, NULL, keep_complaint, b, &b->btf);
	free(copy);
	if (err && err != -ENOMEM)
		err = elf_bad(b->img, b->section, "%s", b->complaint);
	if (!err && !b->types) {
		btf_put(b->btf);
		err = elf_bad(b->img, b->section, "types and strings do not fill it");
	}
	return err;
}

/* --- sections ----------------------------------------------------------------------------- */

static u32 kind_of(const struct btf_part *b, u32 id)
{
	return btf_kind(btf_type(b->btf, id));
}

/* libbpf puts values of its own into these: numbers and short texts. */
static bool is_kconfig_type(const struct btf_part *b, u32 id)
{
	u32 type = btf_skip_mods(b->btf, id), kind = kind_of(b, type);
	const struct btf_array *a;

	if (kind == BTF_KIND_INT || kind == BTF_KIND_ENUM)
		return true;
	if (kind != BTF_KIND_ARRAY)
		return false;
	a = btf_array(btf_type(b->btf, type));
	type = btf_skip_mods(b->btf, a->type);
	return a->nelems && a->nelems <= MAX_KCONFIG_BYTES && kind_of(b, type) == BTF_KIND_INT &&
	       btf_size(b->btf, type) == 1;
}

/*
 * A map is declared as a struct whose member "type" points to an array of that
 * many elements.  libbpf takes a map of struct_ops for one that it made itself.
 */
static bool is_struct_ops_map(const struct btf_part *b, u32 id)
{
	const struct btf_type *t = btf_type(b->btf, btf_skip_mods(b->btf, id));

	if (btf_kind(t) != BTF_KIND_STRUCT)
		return false;
	for (u32 i = 0; i < btf_vlen(t); i++) {
		const struct btf_member *m = &btf_members(t)[i];
		const struct btf_type *to = btf_type(b->btf, btf_skip_mods(b->btf, m->type));

		if (strcmp(btf_str(b->btf, m->name_off), "type") != 0 || btf_kind(to) != BTF_KIND_PTR)
			continue;
		to = btf_type(b->btf, to->type);
		if (btf_kind(to) == BTF_KIND_ARRAY &&
		    btf_array(to)->nelems == BPF_MAP_TYPE_STRUCT_OPS)
			return true;
	}
	return false;
}

static int check_entry(const struct btf_part *b, u32 id, const char *name, u64 room,
		       const struct btf_var_secinfo *si)
{
	bool is_func;

	if (!si->type || si->type > b->nr_types)
		return elf_bad(b->img, b->section, "[%u] DATASEC %.32s: type %u of %u", id, name,
			       si->type, b->nr_types);
	is_func = kind_of(b, si->type) == BTF_KIND_FUNC && strcmp(name, ".ksyms") == 0;
	if (!is_func && kind_of(b, si->type) != BTF_KIND_VAR)
		return elf_bad(b->img, b->section, "[%u] DATASEC %.32s: type %u is no variable", id,
			       name, si->type);
	if (b->vars[si->type].in_section)
		return elf_bad(b->img, b->section, "[%u] DATASEC %.32s: variable %u again", id, name,
			       si->type);
	b->vars[si->type].in_section = true;
	if ((u64)si->offset + si->size > room)
		return elf_bad(b->img, b->section,
			       "[%u] DATASEC %.32s: variable %u, %u bytes at %u, lies outside", id,
			       name, si->type, si->size, si->offset);
	if (strcmp(name, ".kconfig") == 0 &&
	    !is_kconfig_type(b, b->vars[si->type].type))
		return elf_bad(b->img, b->section, "[%u] DATASEC .kconfig: the type of variable %u",
			       id, si->type);
	if (strcmp(name, ".maps") == 0 &&
	    is_struct_ops_map(b, b->vars[si->type].type))
		return elf_bad(b->img, b->section, "map '%.48s': struct_ops are not supported",
			       btf_name(b->btf, si->type));
	return 0;
}

static int check_datasec(const struct btf_part *b, u32 id, const struct btf_type *t, u32 items)
{
	const char *name = btf_str(b->btf, t->name_off);
	u32 section = elf_find_section(b->img, name);
	u64 room = section ? b->img->sections[section].sh_size : MAX_SECTION_BYTES;
	int err = 0;

	if (btf_find(b->btf, name, BTF_KIND_DATASEC) != id)
		return elf_bad(b->img, b->section, "[%u] DATASEC %.32s: there is another", id, name);
	if (t->size > room)
		return elf_bad(b->img, b->section, "[%u] DATASEC %.32s: %u bytes of %llu", id, name,
			       t->size, (unsigned long long)room);
	for (u32 i = 0; !err && i < btf_vlen(t); i++) {
		struct btf_var_secinfo si;

		memcpy(&si, b->types + items + i * sizeof(si), sizeof(si));
		err = check_entry(b, id, name, room, &si);
	}
	return err;
}

/* An extern variable's type was not part of the copy. */
static int check_var(const struct btf_part *b, u32 id, const struct btf_type *t)
{
	static const bool is_no_type[NR_BTF_KINDS] = {
		[BTF_KIND_FUNC] = true, [BTF_KIND_VAR] = true,
		[BTF_KIND_DATASEC] = true, [BTF_KIND_DECL_TAG] = true,
	};

	if (t->type > b->nr_types || is_no_type[kind_of(b, t->type)])
		return elf_bad(b->img, b->section, "[%u] VAR %.48s: type %u of %u", id,
			       btf_name(b->btf, id), t->type, b->nr_types);
	b->vars[id].type = t->type;
	return 0;
}

static int check_each(const struct btf_part *b, u32 kind)
{
	u32 off = 0, items;
	struct btf_type t;
	int err = 0;

	for (u32 id = 1; !err && next_type(b->types, b->hdr.type_len, &off, &t, &items); id++) {
		if (btf_kind(&t) != kind)
			continue;
		err = kind == BTF_KIND_VAR ? check_var(b, id, &t) : check_datasec(b, id, &t, items);
	}
	return err;
}

static int check_datasecs(struct btf_part *b)
{
	int err;

	b->vars = calloc(b->nr_types + 1, sizeof(*b->vars));
	if (!b->vars)
		return -ENOMEM;
	err = check_each(b, BTF_KIND_VAR);
	err = err ?: check_each(b, BTF_KIND_DATASEC);
	free(b->vars);
	return err;
}

/* --- .BTF.ext ----------------------------------------------------------------------------- */

/* The header of .BTF.ext, which has no UAPI header of its own. */
struct ext_header {
	u16 magic;
	u8 version, flags;
	u32 hdr_len;
	struct {
		u32 off, len;
	} parts[3];
};

#define EXT_HEADER_MIN offsetof(struct ext_header, parts[2])

/* A place in .BTF.ext and the part it belongs to, for complaints. */
struct ext_part {
	const struct btf_part *b;
	u32 section;
	const char *label;
	const u8 *at;
	u64 left;
};

static int bad_part(const struct ext_part *p, const char *what, u32 number)
{
	return elf_bad(p->b->img, p->section, "%s: %s %u", p->label, what, number);
}

static u32 get32(const u8 *at)
{
	u32 word;

	memcpy(&word, at, sizeof(word));
	return word;
}

static bool str_valid(const struct btf_part *b, u32 off)
{
	return off < b->hdr.str_len;
}

static int check_func_info(const struct ext_part *p, const u8 *rec)
{
	u32 type = get32(rec + offsetof(struct bpf_func_info, type_id));

	if (!type || type > p->b->nr_types || kind_of(p->b, type) != BTF_KIND_FUNC)
		return bad_part(p, "no function is type", type);
	return 0;
}

static int check_line_info(const struct ext_part *p, const u8 *rec)
{
	u32 file = get32(rec + offsetof(struct bpf_line_info, file_name_off));
	u32 line = get32(rec + offsetof(struct bpf_line_info, line_off));

	if (!str_valid(p->b, file))
		return bad_part(p, "no string at", file);
	if (!str_valid(p->b, line))
		return bad_part(p, "no string at", line);
	return 0;
}

/* "0:1:2": what libbpf reads with %d must be no other number than it looks. */
static bool is_access_text(const char *text)
{
	u32 nr_parts = 0, nr_digits;

	do {
		nr_digits = strspn(text, "0123456789");
		if (!nr_digits || nr_digits > MAX_ACCESS_DIGITS || ++nr_parts > MAX_ACCESS_PARTS)
			return false;
		text += nr_digits;
	} while (*text++ == ':');
	return !text[-1];
}

static int check_core_relo(const struct ext_part *p, const u8 *rec)
{
	u32 type = get32(rec + offsetof(struct bpf_core_relo, type_id));
	u32 access = get32(rec + offsetof(struct bpf_core_relo, access_str_off));

	if (!type || type > p->b->nr_types)
		return bad_part(p, "no type", type);
	if (!str_valid(p->b, access) || !is_access_text(btf_str(p->b->btf, access)))
		return bad_part(p, "no list of numbers is the string at", access);
	return 0;
}

static const struct {
	const char *label;
	u32 record_bytes;	/* at least */
	int (*check)(const struct ext_part *p, const u8 *rec);
} ext_rules[] = {
	{ "func_info", sizeof(struct bpf_func_info), check_func_info },
	{ "line_info", sizeof(struct bpf_line_info), check_line_info },
	{ "core_relo", sizeof(struct bpf_core_relo), check_core_relo },
};

/* Records of one program section, behind its name and their number. */
static int check_records(struct ext_part *p, u32 rule, u32 record_bytes)
{
	u32 name, nr;
	int err = 0;

	if (p->left < 2 * sizeof(u32))
		return bad_part(p, "the end is cut off, left:", p->left);
	name = get32(p->at);
	nr = get32(p->at + sizeof(u32));
	if (!str_valid(p->b, name))
		return bad_part(p, "no string at", name);
	p->at += 2 * sizeof(u32);
	p->left -= 2 * sizeof(u32);
	if (!nr || nr > p->left / record_bytes)
		return bad_part(p, "too many or no records:", nr);
	for (u32 i = 0; !err && i < nr; i++) {
		if (get32(p->at) % sizeof(struct bpf_insn))
			return bad_part(p, "no instruction at", get32(p->at));
		err = ext_rules[rule].check(p, p->at);
		p->at += record_bytes;
		p->left -= record_bytes;
	}
	return err;
}

static int check_ext_part(struct ext_part *p, u32 rule)
{
	u32 record_bytes;
	int err = 0;

	if (!p->left)
		return 0;
	if (p->left < sizeof(u32))
		return bad_part(p, "the end is cut off, left:", p->left);
	record_bytes = get32(p->at);
	if (record_bytes < ext_rules[rule].record_bytes || record_bytes % 4)
		return bad_part(p, "record size", record_bytes);
	p->at += sizeof(u32);
	p->left -= sizeof(u32);
	do {
		err = check_records(p, rule, record_bytes);
	} while (!err && p->left);
	return err;
}

static int check_ext(const struct btf_part *b, u32 section)
{
	u64 bytes = b->img->sections[section].sh_size;
	const u8 *data = elf_section_data(b->img, section);
	struct ext_header hdr = { 0 };
	int err = 0;

	memcpy(&hdr, data, min(bytes, (u64)sizeof(hdr)));
	if (bytes < EXT_HEADER_MIN || hdr.magic != BTF_MAGIC || hdr.version != BTF_VERSION ||
	    hdr.hdr_len < EXT_HEADER_MIN || hdr.hdr_len > bytes)
		return elf_bad(b->img, section, "no header of .BTF.ext");
	if (hdr.hdr_len < sizeof(hdr))
		hdr.parts[2].len = 0;
	for (u32 i = 0; !err && i < ARRAY_SIZE(ext_rules); i++) {
		struct ext_part p = { b, section, ext_rules[i].label };
		u64 room = bytes - hdr.hdr_len;

		if (hdr.parts[i].off > room || hdr.parts[i].len > room - hdr.parts[i].off ||
		    hdr.parts[i].off % 4)
			return bad_part(&p, "outside of the section at", hdr.parts[i].off);
		p.at = data + hdr.hdr_len + hdr.parts[i].off;
		p.left = hdr.parts[i].len;
		err = check_ext_part(&p, i);
	}
	return err;
}

/* Context: may sleep.  Return: 0, -EINVAL or -ENOMEM. */
int elf_check_btf(const struct elf_image *img)
{
	struct btf_part b = { .img = img, .section = elf_find_section(img, ".BTF") };
	u32 ext = elf_find_section(img, ".BTF.ext");
	int err;

	if (!b.section)
		return ext ? elf_bad(img, ext, "there is no .BTF") : 0;
	err = parse_finished(&b);
	if (err)
		return err;
	err = check_datasecs(&b);
	if (!err && ext)
		err = check_ext(&b, ext);
	btf_put(b.btf);
	return err;
}
