/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/tool/corpus/states.h - what a case says about states
 *
 *	state 6:  r0 is map_value(0), off 0; r1 is 0..7
 *
 * holds when some path reaches instruction 6 in such a state.  Numbers: "5",
 * "0..7" (unsigned bounds), "-4..4" (signed bounds), "unknown".
 */
#ifndef ROVE_TESTS_TOOL_CORPUS_STATES_H
#define ROVE_TESTS_TOOL_CORPUS_STATES_H

#include "tests/tool/corpus/ours.h"

struct states_watch {
	struct corpus_case *c;
	bool met[CASE_MAX_LINES];
	char seen[CASE_MAX_LINES][CASE_TEXT]; /* the last state there, for the complaint */
};

static inline void describe_number(const struct scalar *num, char *text, size_t size)
{
	if (scalar_is_const(num))
		snprintf(text, size, "%lld", (long long)scalar_value(num));
	else if (scalar_is_unknown(num))
		snprintf(text, size, "unknown");
	else if (scalar_smin(num) < 0 && scalar_umax(num) == UINT64_MAX)
		snprintf(text, size, "%lld..%lld", (long long)scalar_smin(num),
			 (long long)scalar_smax(num));
	else
		snprintf(text, size, "%llu..%llu", (unsigned long long)scalar_umin(num),
			 (unsigned long long)scalar_umax(num));
}

static inline void describe_value(const struct corpus_case *c, const struct value *val, char *text,
				  size_t size)
{
	const char *or_null = val->flags & VF_MAYBE_NULL ? "_or_null" : "";
	char num[96];

	describe_number(&val->num, num, sizeof(num));
	switch (val->kind) {
	case V_SCALAR:
		snprintf(text, size, "%s", num);
		break;
	case V_MAP:
	case V_MAP_VALUE:
		snprintf(text, size, "%s%s(%ld), off %s", value_name(val), or_null,
			 (long)((const struct case_map *)
				((const struct vrf_map *)val->map.map)->handle - c->maps), num);
		break;
	case V_NONE:
		snprintf(text, size, "none");
		break;
	default:
		snprintf(text, size, "%s%s, off %s", value_name(val), or_null, num);
	}
}

/* "r0 is ...; r1 is ..." */
static inline bool states_match(const struct states_watch *watch, const struct vstate *st,
				const char *line, char *seen)
{
	char copy[CASE_TEXT], *save = NULL;

	snprintf(copy, sizeof(copy), "%s", line);
	for (char *part = strtok_r(copy, ";", &save); part; part = strtok_r(NULL, ";", &save)) {
		char is[CASE_TEXT - 16];
		unsigned int reg;
		int at = 0;

		if (sscanf(part, " r%u is %n", &reg, &at) != 1 || !at || reg > 10)
			return false;
		describe_value(watch->c, vstate_reg(st, reg), is, sizeof(is));
		if (strcmp(trim(part + at), is)) {
			snprintf(seen, CASE_TEXT, "r%u is %s", reg, is);
			return false;
		}
	}
	return true;
}

static inline void states_visit(void *arg, const struct vstate *st, u32 pc)
{
	struct states_watch *watch = arg;

	for (u32 i = 0; i < watch->c->nr_states; i++) {
		char *rest;

		if (strtoul(watch->c->states[i], &rest, 10) != pc || *rest != ':')
			continue;
		if (states_match(watch, st, rest + 1, watch->seen[i]))
			watch->met[i] = true;
	}
}

static inline bool states_all_met(const struct states_watch *watch, char *detail, size_t size)
{
	for (u32 i = 0; i < watch->c->nr_states; i++) {
		if (watch->met[i])
			continue;
		snprintf(detail, size, "no path has state %s; last seen: %s", watch->c->states[i],
			 watch->seen[i]);
		return false;
	}
	return true;
}

#endif
