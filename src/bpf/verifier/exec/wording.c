/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/exec/wording.c - values in the words that people search for
 *
 * Rejections name what a register holds as the kernel does: prefixes for its
 * rights, the kind, then "_or_null" and the type.
 */
#include <stdio.h>

#include "bpf/verifier/exec/parts.h"

static const struct {
	u16 flag;
	const char *prefix;
} flag_prefix[] = {
	{ VF_RDONLY, "rdonly_" },
	{ VF_UNTRUSTED, "untrusted_" },
	{ VF_RCU, "rcu_" },
	{ VF_TRUSTED, "trusted_" },
	{ VF_SCOPED, "scoped_" },
};

/**
 * value_words - what a register holds, as logs say it
 *
 * Context: any.
 * Return:  @buf's text.
 */
const char *value_words(const struct vrf *v, const struct value *val, struct wording *buf)
{
	bool or_null = val->flags & VF_MAYBE_NULL;
	size_t used = 0;

	buf->text[0] = '\0';
	for (u32 i = 0; i < ARRAY_SIZE(flag_prefix); i++) {
		if (val->flags & flag_prefix[i].flag)
			used += snprintf(buf->text + used, sizeof(buf->text) - used, "%s",
					 flag_prefix[i].prefix);
	}
	if (val->kind == V_BTF)
		snprintf(buf->text + used, sizeof(buf->text) - used, "ptr_%s%.80s",
			 or_null ? "or_null_" : "", btf_name(val->btf.btf, val->btf.type_id));
	else
		snprintf(buf->text + used, sizeof(buf->text) - used, "%s%s", value_name(val),
			 or_null ? "_or_null" : "");
	return buf->text;
}

/**
 * ended_words - why a register is no pointer any more, as a line behind what is said of it
 *
 * Context: any.
 * Return:  @buf's text, "" for any other value.
 */
const char *ended_words(const struct value *val, u32 reg, struct wording *buf)
{
	buf->text[0] = '\0';
	if (value_is_scalar(val) && val->flags & VF_ENDED)
		snprintf(buf->text, sizeof(buf->text),
			 "\nR%u was invalidated: its iterator moved on or ended", reg);
	return buf->text;
}

/**
 * number_words - a number, or its known and unknown bits
 *
 * Context: any.
 * Return:  @buf's text.
 */
const char *number_words(const struct scalar *num, struct wording *buf)
{
	if (scalar_is_const(num))
		snprintf(buf->text, sizeof(buf->text), "%lld", (long long)scalar_value(num));
	else
		snprintf(buf->text, sizeof(buf->text), "(0x%llx; 0x%llx)",
			 (unsigned long long)num->bits.value, (unsigned long long)num->bits.mask);
	return buf->text;
}
