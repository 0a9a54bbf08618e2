/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/tool/bpf_differ/vary.h - one command with each member wrong in turn
 *
 * A base makes an attribute that is right; each variation starts from it anew,
 * changes one member, or some, calls, and says what was returned and which words of the
 * attribute were written.
 */
#ifndef ROVE_TESTS_TOOL_BPF_DIFFER_VARY_H
#define ROVE_TESTS_TOOL_BPF_DIFFER_VARY_H

#include "tests/tool/bpf_differ/side.h"

enum member_kind {
	MEMBER_NUMBER,
	MEMBER_SMALL,
	MEMBER_FLAGS,
	MEMBER_POINTER,
	MEMBER_FD,
	MEMBER_KINDS
};

struct member {
	const char *name;	/* NULL: no more */
	u16 off, bytes;
	u8 kind;		/* enum member_kind */
};

#define MEMBER(k, m)                                                                 \
	{ #m, offsetof(union bpf_attr, m), sizeof(((union bpf_attr *)0)->m), MEMBER_##k }

#define MAX_MEMBERS 28

static u32 nr_together = 25;

struct base {
	const char *name;
	int cmd;
	void (*fill)(struct world *w, union bpf_attr *attr);
	struct member members[MAX_MEMBERS];
	u16 own_word;		/* what the call writes there differs from run to run; 0: none */
};

union attr_room {
	union bpf_attr attr;
	u8 raw[ATTR_ROOM];
	u32 words[ATTR_ROOM / 4];
};

static const u64 small_numbers[] = { 0, 1, 2, 3, 4, 5, 7, 8, 12, 16, 24, 31, 64, 252, 256, 260 };
static const u64 numbers[] = {
	0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 14, 16, 17, 24, 31, 64, 252, 256, 260, 0x7fffffff,
	0x80000000, 0xffffffff,
};

static inline u64 pointer_choice(u32 i)
{
	const u64 pointers[] = {
		0, 1, 4095, PTR(places.readonly), PTR(places.readonly) + 4092, PTR(places.nowhere),
		PTR(places.nowhere) - 1, PTR(places.nowhere) - 4, PTR(places.nowhere) - 8,
		PTR(places.wide), PTR(places.wide) + 1, KERNEL_ADDRESS, ~0ull, 1ull << 63,
	};

	return pointers[i];
}

static inline u64 fd_choice(const struct world *w, u32 i, char *label)
{
	static const char *const names[] = {
		"array", "hash", "ringbuf", "mmapable", "prog", "filter", "btf", "other", "-1",
		"9999", "INT_MAX", "INT_MIN",
	};
	const s64 fds[] = {
		w->array, w->hash, w->ringbuf, w->mmapable, w->prog, w->filter, w->btf, w->other,
		-1, 9999, INT32_MAX, INT32_MIN,
	};

	strcpy(label, names[i]);
	return fds[i];
}

static const u32 nr_choices[] = {
	[MEMBER_NUMBER] = ARRAY_SIZE(numbers),
	[MEMBER_SMALL] = ARRAY_SIZE(small_numbers),
	[MEMBER_FLAGS] = 64,
	[MEMBER_POINTER] = 14,
	[MEMBER_FD] = 12,
};

/* The @i-th value that a member is given; false: there is none. */
static inline bool choose(const struct world *w, const struct member *m, u32 i, u64 *ret_value,
			  char *ret_label)
{
	if (i >= nr_choices[m->kind] || (m->kind == MEMBER_FLAGS && i >= m->bytes * 8u))
		return false;
	if (m->kind == MEMBER_FD) {
		*ret_value = fd_choice(w, i, ret_label);
		return true;
	}
	if (m->kind == MEMBER_POINTER) {
		*ret_value = pointer_choice(i);
		sprintf(ret_label, "pointer %u", i);
		return true;
	}
	*ret_value = m->kind == MEMBER_FLAGS ? 1ull << i :
		     m->kind == MEMBER_SMALL ? small_numbers[i] : numbers[i];
	sprintf(ret_label, "0x%llx", (unsigned long long)*ret_value);
	return true;
}

/* Which of the caller's words the call has changed. */
static inline void say_changes(struct side *s, const struct base *b, const union attr_room *before,
			       const union attr_room *after, const char *what)
{
	for (u32 i = 0; i < sizeof(union bpf_attr) / 4; i++)
		if (before->words[i] != after->words[i])
			say(s, b->own_word == i * 4 && i ? -1 : after->words[i],
			    "%s %s: wrote at %u", b->name, what, i * 4);
}

static inline void call_and_say(struct side *s, const struct base *b, union attr_room *room,
				u32 size, const char *what)
{
	union attr_room before = *room;
	int ret = s->call(b->cmd, &room->attr, size);

	say(s, settle(s, b->cmd, ret), "%s %s", b->name, what);
	say_changes(s, b, &before, room, what);
}

static inline void start(struct world *w, const struct base *b, union attr_room *room)
{
	memset(room, 0, sizeof(*room));
	b->fill(w, &room->attr);
}

static inline void vary_member(struct side *s, struct world *w, const struct base *b,
			       const struct member *m)
{
	static union attr_room room;
	char label[32], what[80];
	u64 value;

	for (u32 i = 0; choose(w, m, i, &value, label); i++) {
		start(w, b, &room);
		memcpy(room.raw + m->off, &value, m->bytes);
		snprintf(what, sizeof(what), "%s=%s", m->name, label);
		call_and_say(s, b, &room, sizeof(union bpf_attr), what);
	}
}

static inline void vary_sizes(struct side *s, struct world *w, const struct base *b)
{
	static const u32 sizes[] = { 0, 1, 4, 8, 12, 16, 20, 24,
				     28, 31, 32, 40, 48, 64, 72, 80,
				     112, 116, 120, 128, 136, 144, 152, 168,
				     176, 256, 4095, 4096, 4097, 0x7fffffff, 0xffffffff };
	static union attr_room room;
	char what[80];

	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++) {
		start(w, b, &room);
		snprintf(what, sizeof(what), "size %u", sizes[i]);
		call_and_say(s, b, &room, sizes[i], what);
	}
}

/* A word that is not zero, everywhere behind what is known to be used. */
static inline void vary_tail(struct side *s, struct world *w, const struct base *b)
{
	u32 from = 0;
	static union attr_room room;
	char what[80];

	for (u32 i = 0; i < MAX_MEMBERS && b->members[i].name; i++)
		from = max(from, (u32)(b->members[i].off + b->members[i].bytes));
	for (u32 at = (from + 3) & ~3u; at < 200; at += 4) {
		start(w, b, &room);
		room.words[at / 4] = 1;
		snprintf(what, sizeof(what), "word at %u", at);
		call_and_say(s, b, &room, 200, what);
	}
	start(w, b, &room);
	room.raw[4095] = 1;
	call_and_say(s, b, &room, 4096, "last byte of a page");
	call_and_say(s, b, &room, 4095, "one byte less than a page");
}

/* The same numbers on both sides. */
static inline u32 next_choice(u64 *state, u32 below)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return (*state >> 33) % below;
}

/* Two or three members wrong at once, perhaps in an attribute that is cut: who is told first? */
static inline void vary_together(struct side *s, struct world *w, const struct base *b)
{
	static const u32 sizes[] = { 8, 12, 16, 24, 32, 48, 64, 72, 80, 112, 120, 128, 152, 200 };
	u64 state = strlen(b->name) * 31 + b->cmd;
	static union attr_room room;
	u32 nr_members = 0;

	while (nr_members < MAX_MEMBERS && b->members[nr_members].name)
		nr_members++;
	for (u32 i = 0; i < nr_together && nr_members; i++) {
		u32 nr = 2 + next_choice(&state, 2), size = sizeof(union bpf_attr), at = 0;
		char what[100] = "", label[32];
		u64 value;

		start(w, b, &room);
		while (nr--) {
			const struct member *m = &b->members[next_choice(&state, nr_members)];

			if (!choose(w, m, next_choice(&state, nr_choices[m->kind]), &value, label))
				continue;
			memcpy(room.raw + m->off, &value, m->bytes);
			at += snprintf(what + at, sizeof(what) - at, "%s%s=%s", at ? " " : "",
				       m->name, label);
			at = min(at, (u32)sizeof(what) - 1);
		}
		if (!next_choice(&state, 4))
			size = sizes[next_choice(&state, ARRAY_SIZE(sizes))];
		at = min(at, (u32)sizeof(what) - 12);
		snprintf(what + at, sizeof(what) - at, " size %u", size);
		call_and_say(s, b, &room, size, what);
	}
}

static inline void vary(struct side *s, struct world *w, const struct base *b)
{
	static union attr_room room;

	start(w, b, &room);
	call_and_say(s, b, &room, sizeof(union bpf_attr), "as it is");
	for (u32 i = 0; i < MAX_MEMBERS && b->members[i].name; i++)
		vary_member(s, w, b, &b->members[i]);
	vary_sizes(s, w, b);
	vary_tail(s, w, b);
	vary_together(s, w, b);
}

#endif
