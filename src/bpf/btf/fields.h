/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/btf/fields.h - members of a map's value that only certain functions may touch
 */
#ifndef ROVE_BPF_BTF_FIELDS_H
#define ROVE_BPF_BTF_FIELDS_H

#include "bpf/btf/btf.h"

enum btf_field_kind {
	BTF_FIELD_TIMER, BTF_FIELD_WQ,
	BTF_FIELD_LOCK,		/* out of reach: programs have no function that takes it */
	BTF_FIELD_KINDS,
};

struct btf_field {
	u32 kind;	/* enum btf_field_kind */
	u32 off;	/* bytes from the start of the value */
};

#define BTF_FIELD_BYTES 16	/* of a timer or work */
#define BTF_LOCK_BYTES 4

/* A value has each kind once at most; ascending, not overlapping, aligned. */
struct btf_fields {
	u32 nr;
	struct btf_field at[BTF_FIELD_KINDS];
};

static inline u32 btf_field_bytes(const struct btf_field *field)
{
	return field->kind == BTF_FIELD_LOCK ? BTF_LOCK_BYTES : BTF_FIELD_BYTES;
}

/* "bpf_timer", "bpf_wq", "bpf_spin_lock" */
const char *btf_field_name(u32 kind);

/* NULL: the value has no such field.  Context: any. */
static inline const struct btf_field *btf_field_of(const struct btf_fields *fields, u32 kind)
{
	for (u32 i = 0; i < fields->nr; i++)
		if (fields->at[i].kind == kind)
			return &fields->at[i];
	return NULL;
}

int btf_find_fields(const struct btf *btf, u32 value_id, struct btf_fields *ret_fields);

#endif
