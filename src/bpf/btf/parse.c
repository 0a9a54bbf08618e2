/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/btf/parse.c - check a BTF image and index it
 *
 * The image may come from anybody.  It is copied first, then checked from the
 * outside in: header, strings, the shape of each type, then what types say
 * about each other.
 *
 * Not here: the rules of each kind (kinds.c), sizes and loops (resolve.c).
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/btf/internal.h"

#define BTF_MAX_BYTES (16u << 20)
#define BTF_INFO_BITS 0x9f00ffffu /* kflag, kind, vlen */

/* --- complaints ------------------------------------------------------------------------------- */

/**
 * btf_complain - one line to whoever asked for the reasons
 *
 * Context: thread.
 */
void btf_complain(const struct btf_check *c, const char *fmt, ...)
{
	char text[512];
	va_list args;

	if (!c->log)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	c->log(c->log_arg, text);
}

/**
 * btf_bad - one line about one type, headed by what it is
 *
 * Context: thread.
 * Return:  -EINVAL.
 */
int btf_bad(const struct btf_check *c, u32 id, const char *fmt, ...)
{
	const struct btf_type *t = btf_type(c->btf, id);
	const struct btf_kind_rule *rule = &btf_kind_rules[btf_kind(t)];
	const char *name = btf_str(c->btf, t->name_off);
	char what[64] = "", text[256];
	va_list args;

	if (rule->word == BTF_WORD_SIZE && rule->vlen)
		snprintf(what, sizeof(what), " size=%u vlen=%u", t->size, btf_vlen(t));
	else if (rule->word == BTF_WORD_SIZE)
		snprintf(what, sizeof(what), " size=%u", t->size);
	else if (rule->word == BTF_WORD_TYPE)
		snprintf(what, sizeof(what), " type_id=%u", t->type);

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	btf_complain(c, "[%u] %s %.128s%s %s", id, rule->label, *name ? name : "(anon)", what, text);
	return -EINVAL;
}

/* --- header and strings ----------------------------------------------------------------------- */

static int header_bad(const struct btf_check *c, int err, const char *text)
{
	btf_complain(c, "%s", text);
	return err;
}

static int check_header_fields(const struct btf_check *c, const struct btf_header *hdr)
{
	const struct btf *btf = c->btf;

	if (hdr->magic != BTF_MAGIC)
		return header_bad(c, -EINVAL, "Invalid magic");
	if (hdr->version != BTF_VERSION)
		return header_bad(c, -ENOTSUP, "Unsupported version");
	if (hdr->flags)
		return header_bad(c, -ENOTSUP, "Unsupported flags");
	if (hdr->hdr_len < sizeof(*hdr) || hdr->hdr_len > btf->raw_bytes)
		return header_bad(c, -EINVAL, "hdr_len not found");
	for (u32 i = sizeof(*hdr); i < hdr->hdr_len; i++)
		if (btf->raw[i])
			return header_bad(c, -E2BIG, "Unsupported btf_header");
	if (hdr->hdr_len == btf->raw_bytes && !btf->base)
		return header_bad(c, -EINVAL, "No data");
	return 0;
}

/* The sections follow each other without a gap and end where the image ends. */
static int check_sections(const struct btf_check *c, const struct btf_header *hdr)
{
	u64 left = c->btf->raw_bytes - hdr->hdr_len;

	if (hdr->type_off > left || hdr->str_off > left)
		return header_bad(c, -EINVAL, "Invalid section offset");
	if ((hdr->hdr_len + hdr->type_off) % sizeof(u32))
		return header_bad(c, -EINVAL, "Unaligned type_off");
	if (hdr->type_off > 0)
		return header_bad(c, -EINVAL, "Unsupported section found");
	if (hdr->type_len > left || hdr->str_len > left - hdr->type_len)
		return header_bad(c, -EINVAL, "Total section length too long");
	if (hdr->str_off < hdr->type_len)
		return header_bad(c, -EINVAL, "Section overlap found");
	if (hdr->str_off > hdr->type_len)
		return header_bad(c, -EINVAL, "Unsupported section found");
	if ((u64)hdr->str_off + hdr->str_len != left)
		return header_bad(c, -EINVAL, "String section is not at the end");
	if (!hdr->type_len && !c->btf->base)
		return header_bad(c, -EINVAL, "No type found");
	return 0;
}

static int check_strings(const struct btf_check *c, const struct btf_header *hdr)
{
	struct btf *btf = c->btf;

	btf->strs = (const char *)btf->raw + hdr->hdr_len + hdr->str_off;
	btf->strs_bytes = hdr->str_len;
	if (!hdr->str_len && btf->base)
		return 0;
	if (!hdr->str_len || btf->strs[hdr->str_len - 1] || (!btf->base && btf->strs[0]))
		return header_bad(c, -EINVAL, "Invalid string section");
	return 0;
}

/* --- types ------------------------------------------------------------------------------------ */

/**
 * btf_str_valid - is there a string at this offset
 *
 * Context: any.
 */
bool btf_str_valid(const struct btf *btf, u32 name_off)
{
	if (!name_off)
		return true;
	while (btf && name_off < btf->first_str)
		btf = btf->base;
	return btf && name_off - btf->first_str < btf->strs_bytes;
}

/* The rules that a table can express; the rest is the kind's own. */
static int check_type(const struct btf_check *c, u32 id, const struct btf_type *t)
{
	const struct btf_kind_rule *rule = &btf_kind_rules[btf_kind(t)];

	if (btf_vlen(t) && !rule->vlen)
		return btf_bad(c, id, "vlen != 0");
	if (BTF_INFO_KFLAG(t->info) && !rule->kflag)
		return btf_bad(c, id, "Invalid btf_info kind_flag");
	if (!btf_name_fits(c->btf, t->name_off, rule->name))
		return btf_bad(c, id, "Invalid name");
	if (rule->word == BTF_WORD_ZERO && t->size)
		return btf_bad(c, id, btf_kind(t) == BTF_KIND_FWD ? "type != 0" : "size != 0");
	if (rule->word == BTF_WORD_TYPE && t->type >= c->btf->nr_types)
		return btf_bad(c, id, "Invalid type_id");
	if (rule->word == BTF_WORD_SIZE && t->size > INT32_MAX)
		return btf_bad(c, id, "Invalid size");
	return rule->check_shape ? rule->check_shape(c, id, t) : 0;
}

/* What must hold before anything else of the type may be looked at. */
static int check_type_head(const struct btf_check *c, u32 id, const struct btf_type *t, u64 left,
			   u64 *ret_bytes)
{
	const struct btf_kind_rule *rule;
	u32 kind = btf_kind(t);

	if (t->info & ~BTF_INFO_BITS) {
		btf_complain(c, "[%u] Invalid btf_info:%x", id, t->info);
		return -EINVAL;
	}
	rule = kind < NR_BTF_KINDS ? &btf_kind_rules[kind] : NULL;
	if (!rule || !rule->label) {
		btf_complain(c, "[%u] Invalid kind:%u", id, kind);
		return kind ? -ENOTSUP : -EINVAL;
	}
	if (!btf_str_valid(c->btf, t->name_off)) {
		btf_complain(c, "[%u] Invalid name_offset:%u", id, t->name_off);
		return -EINVAL;
	}
	*ret_bytes = sizeof(*t) + rule->fixed_bytes + (u64)btf_vlen(t) * rule->item_bytes;
	if (*ret_bytes > left) {
		btf_complain(c, "[%u] meta_left:%llu meta_needed:%llu", id, (unsigned long long)left,
			     (unsigned long long)*ret_bytes);
		return -EINVAL;
	}
	return 0;
}

/* Find where each type begins; ->types has room for the most that can be there. */
static int index_types(const struct btf_check *c, const u8 *at, u32 left)
{
	struct btf *btf = c->btf;
	u64 bytes;
	int err;

	while (left) {
		if (left < sizeof(struct btf_type)) {
			btf_complain(c, "[%u] meta_left:%u meta_needed:%zu", btf->nr_types, left,
				     sizeof(struct btf_type));
			return -EINVAL;
		}
		err = check_type_head(c, btf->nr_types, (const struct btf_type *)at, left, &bytes);
		if (err)
			return err;
		if (btf->nr_types > BTF_MAX_TYPE)
			return header_bad(c, -E2BIG, "Too many types");
		btf->types[btf->nr_types++ - btf->first_id] = (const struct btf_type *)at;
		at += bytes;
		left -= bytes;
	}
	return 0;
}

static int check_types(const struct btf_check *c)
{
	const struct btf *btf = c->btf;
	int err;

	for (u32 id = max(btf->first_id, 1u); id < btf->nr_types; id++) {
		err = check_type(c, id, btf_type(btf, id));
		if (err)
			return err;
	}
	err = btf_resolve(c);
	for (u32 id = max(btf->first_id, 1u); !err && id < btf->nr_types; id++) {
		const struct btf_type *t = btf_type(btf, id);
		const struct btf_kind_rule *rule = &btf_kind_rules[btf_kind(t)];

		err = rule->check_refs ? rule->check_refs(c, id, t) : 0;
	}
	return err;
}

/* --- building --------------------------------------------------------------------------------- */

static int index_names(struct btf *btf)
{
	u32 nr = btf->nr_types - btf->first_id, nr_heads = 16;

	while (nr_heads < nr)
		nr_heads *= 2;
	btf->heads = calloc(nr_heads, sizeof(*btf->heads));
	btf->chain = calloc(nr + 1, sizeof(*btf->chain));
	if (!btf->heads || !btf->chain)
		return -ENOMEM;
	btf->hash_mask = nr_heads - 1;
	for (u32 id = btf->nr_types; id-- > max(btf->first_id, 1u);)
		if (btf_type(btf, id)->name_off)
			btf_index_name(btf, id);
	return 0;
}

static int alloc_types(struct btf *btf, u32 type_bytes)
{
	/* Slot 0 of a BTF without base is void. */
	size_t most = type_bytes / sizeof(struct btf_type) + 1;

	btf->types = calloc(most, sizeof(*btf->types));
	btf->target = calloc(most, sizeof(*btf->target));
	btf->bytes = calloc(most, sizeof(*btf->bytes));
	if (!btf->types || !btf->target || !btf->bytes)
		return -ENOMEM;
	if (!btf->first_id) {
		btf->nr_types = 1;
		btf->bytes[0] = BTF_NO_SIZE;
	}
	return 0;
}

static int parse_checked(const struct btf_check *c)
{
	struct btf_header hdr;
	int err;

	memcpy(&hdr, c->btf->raw, sizeof(hdr));
	err = check_header_fields(c, &hdr);
	err = err ?: check_sections(c, &hdr);
	err = err ?: check_strings(c, &hdr);
	err = err ?: alloc_types(c->btf, hdr.type_len);
	err = err ?: index_types(c, c->btf->raw + hdr.hdr_len + hdr.type_off, hdr.type_len);
	err = err ?: check_types(c);
	return err ?: index_names(c->btf);
}

static void btf_free(struct btf *btf)
{
	free(btf->raw);
	free(btf->types);
	free(btf->target);
	free(btf->bytes);
	free(btf->heads);
	free(btf->chain);
	free(btf);
}

static int copy_image(struct btf *btf, const void *data, u32 size)
{
	btf->raw = malloc(size);
	if (!btf->raw)
		return -ENOMEM;
	memcpy(btf->raw, data, size);
	btf->raw_bytes = size;
	return 0;
}

/* See btf.h. */
int btf_parse(const void *data, u32 size, const struct btf *base,
	      void (*log)(void *log_arg, const char *text), void *log_arg, struct btf **ret_btf)
{
	struct btf_check c = { .log = log, .log_arg = log_arg };
	int err;

	if (size < sizeof(struct btf_header))
		return header_bad(&c, -EINVAL, "btf_header not found");
	if (size > BTF_MAX_BYTES)
		return header_bad(&c, -E2BIG, "BTF is too large");

	c.btf = calloc(1, sizeof(*c.btf));
	if (!c.btf)
		return -ENOMEM;
	c.btf->base = base;
	if (base) {
		c.btf->first_id = base->nr_types;
		c.btf->nr_types = base->nr_types;
		c.btf->first_str = base->first_str + base->strs_bytes;
	}
	err = copy_image(c.btf, data, size);
	err = err ?: parse_checked(&c);
	if (err) {
		btf_free(c.btf);
		return err;
	}
	*ret_btf = c.btf;
	return 0;
}

/**
 * btf_put - free what btf_parse() made
 * @btf: NULL is fine
 *
 * Context: thread.
 */
void btf_put(struct btf *btf)
{
	if (btf)
		btf_free(btf);
}
