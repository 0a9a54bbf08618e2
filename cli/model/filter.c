/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/model/filter.c - conditions on rows, as -F takes them
 */
#include <errno.h>
#include <inttypes.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/model/filter.h"

enum filter_op { OP_EQ, OP_NE, OP_LT, OP_LE, OP_GT, OP_GE, OP_MATCH, OP_NO_MATCH, NR_OPS };

/* Longer spellings first: "<=" is not "<" and "=...". */
static const struct { const char *text; enum filter_op op; } op_names[] = {
	{ "!=", OP_NE }, { "!~", OP_NO_MATCH }, { "<=", OP_LE }, { ">=", OP_GE },
	{ "==", OP_EQ }, { "=", OP_EQ }, { "<", OP_LT }, { ">", OP_GT }, { "~", OP_MATCH },
};

struct condition {
	const struct column *col;
	enum filter_op op;
	struct value want;	/* ->string is ->text */
	char *text;
	regex_t regex;
	bool has_regex;
};

struct filter {
	struct condition *conds;
	u32 nr;
};

struct unit {
	const char *name;
	s64 ns;
};

static const struct unit units[] = {
	{ "ns", 1 }, { "us", 1000 }, { "ms", 1000000 }, { "s", 1000000000 },
	{ "m", 60000000000 }, { "h", 3600000000000 }, { "d", 86400000000000 },
};

static s64 unit_ns(const char *name)
{
	for (u32 i = 0; i < ARRAY_SIZE(units); i++)
		if (!strcmp(units[i].name, name))
			return units[i].ns;
	return 0;
}

/* What a bare number means next to this spelling of the field. */
static s64 default_unit_ns(const struct column *col, const char *field)
{
	return !strcasecmp(field, col->json) ? 1 : 1000000;
}

/* A number, or a minus before one: nothing else of what strtoll() and strtod() take. */
static bool starts_number(const char *text)
{
	text += *text == '-';
	text += *text == '.';
	return *text >= '0' && *text <= '9';
}

/* Decimal, or hexadecimal after 0x, as JSON has large numbers; zeros in front mean nothing. */
static int base_of(const char *digits)
{
	return digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X') ? 16 : 10;
}

static int parse_duration(const char *text, s64 bare_unit_ns, s64 *ret_ns)
{
	char *end;
	double number;
	s64 unit, whole;

	if (!starts_number(text))
		return -EINVAL;
	errno = 0;
	whole = strtoll(text, &end, 10);
	if (errno)
		return -EINVAL;
	if (*end != '.') {
		unit = *end ? unit_ns(end) : bare_unit_ns;
		return !unit || __builtin_mul_overflow(whole, unit, ret_ns) ? -EINVAL : 0;
	}
	number = strtod(text, &end);
	unit = *end ? unit_ns(end) : bare_unit_ns;
	if (!unit || number * unit >= 9e18 || number * unit <= -9e18)
		return -EINVAL;
	*ret_ns = (s64)(number * unit);
	return 0;
}

static int parse_count(const char *text, u64 *ret_count)
{
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return -EINVAL;
	errno = 0;
	*ret_count = strtoull(text, &end, base_of(text));
	return *end || errno ? -EINVAL : 0;
}

static int parse_integer(const char *text, s64 *ret_integer)
{
	const char *digits = text + (text[0] == '-');
	char *end;

	if (digits[0] < '0' || digits[0] > '9')
		return -EINVAL;
	errno = 0;
	*ret_integer = strtoll(text, &end, base_of(digits));
	return *end || errno ? -EINVAL : 0;
}

/* Bytes; without a unit in @bare_unit. */
static int parse_bytes(const char *text, u64 bare_unit, u64 *ret_bytes)
{
	static const char units[] = "BKMGTP";
	const char *at;
	double number;
	u64 unit, whole;
	char *end;

	if (text[0] == '-' || !starts_number(text))
		return -EINVAL;
	errno = 0;
	whole = strtoull(text, &end, 10);
	if (errno)
		return -EINVAL;
	number = *end == '.' ? strtod(text, &end) : 0;
	at = *end ? strchr(units, *end >= 'a' ? *end - 'a' + 'A' : *end) : NULL;
	if (*end && (!at || (end[1] && strcmp(end + 1, "iB"))))
		return -EINVAL;
	unit = at ? 1ull << (10 * (at - units)) : bare_unit;
	if (!number)
		return __builtin_mul_overflow(whole, unit, ret_bytes) ? -EINVAL : 0;
	if (number * unit >= 1.8e19)
		return -EINVAL;
	*ret_bytes = (u64)(number * unit);
	return 0;
}

static int parse_flag(const char *text, bool *ret_flag)
{
	static const struct { const char *text; bool flag; } names[] = {
		{ "1", true }, { "true", true }, { "yes", true },
		{ "0", false }, { "false", false }, { "no", false },
	};

	for (u32 i = 0; i < ARRAY_SIZE(names); i++) {
		if (!strcasecmp(text, names[i].text)) {
			*ret_flag = names[i].flag;
			return 0;
		}
	}
	return -EINVAL;
}

static int parse_want(struct condition *cond, const char *field)
{
	cond->want.known = true;
	switch (cond->col->type) {
	case VALUE_STRING:
		cond->want.string = cond->text;
		return 0;
	case VALUE_FLAG:
		return parse_flag(cond->text, &cond->want.flag);
	case VALUE_COUNT:
		return parse_count(cond->text, &cond->want.count);
	case VALUE_INTEGER:
		return parse_integer(cond->text, &cond->want.integer);
	case VALUE_DURATION:
		return parse_duration(cond->text, default_unit_ns(cond->col, field),
				      &cond->want.ns);
	case VALUE_BYTES:
		return parse_bytes(cond->text, !strcasecmp(field, cond->col->json) ? 1 : 1024,
				   &cond->want.count);
	case VALUE_ITEMS:
		return parse_count(cond->text, &cond->want.nr_items);
	case NR_VALUE_TYPES:
		break;
	}
	return -EINVAL;
}

static bool op_fits(enum filter_op op, enum value_type type)
{
	if (op == OP_MATCH || op == OP_NO_MATCH)
		return type == VALUE_STRING;
	return op == OP_EQ || op == OP_NE || type != VALUE_FLAG;
}

static int compile_regex(struct condition *cond, char *why, size_t why_size)
{
	char text[128];
	int err = regcomp(&cond->regex, cond->text, REG_EXTENDED | REG_NOSUB);

	if (!err) {
		cond->has_regex = true;
		return 0;
	}
	if (err == REG_ESPACE)
		return -ENOMEM;
	regerror(err, &cond->regex, text, sizeof(text));
	snprintf(why, why_size, "'%s': %s", cond->text, text);
	return -EINVAL;
}

/* Where in "field>=value" the operator stands. */
static const char *find_op(const char *cond, enum filter_op *ret_op, size_t *ret_len)
{
	const char *at = cond + strcspn(cond, "=!<>~");

	for (u32 i = 0; *at && i < ARRAY_SIZE(op_names); i++) {
		size_t len = strlen(op_names[i].text);

		if (strncmp(at, op_names[i].text, len))
			continue;
		*ret_op = op_names[i].op;
		*ret_len = len;
		return at;
	}
	return NULL;
}

static const char *type_word(enum value_type type)
{
	static const char *const words[NR_VALUE_TYPES] = {
		[VALUE_STRING] = "text",
		[VALUE_FLAG] = "true or false",
		[VALUE_COUNT] = "whole number",
		[VALUE_INTEGER] = "number",
		[VALUE_DURATION] = "time (5, 5ms, 1.5s)",
		[VALUE_BYTES] = "amount of memory (64, 64K, 1.5M)",
		[VALUE_ITEMS] = "length of a list",
	};

	return words[type];
}

static int parse_condition(const struct noun *noun, const char *text, struct condition *cond,
			   char *why, size_t why_size)
{
	char field[32];
	size_t op_len;
	const char *at = find_op(text, &cond->op, &op_len);

	if (!at) {
		snprintf(why, why_size, "'%s' has no operator: = != < <= > >= ~ !~", text);
		return -EINVAL;
	}
	snprintf(field, sizeof(field), "%.*s", (int)(at - text), text);
	cond->col = noun_column(noun, field);
	if (!cond->col) {
		snprintf(why, why_size, "there is no field '%s' (-o help lists them)", field);
		return -EINVAL;
	}
	cond->text = strdup(at + op_len);
	if (!cond->text)
		return -ENOMEM;
	if (!op_fits(cond->op, cond->col->type)) {
		snprintf(why, why_size, "'%s': this operator does not fit a %s", text,
			 type_word(cond->col->type));
		return -EINVAL;
	}
	if (cond->op == OP_MATCH || cond->op == OP_NO_MATCH)
		return compile_regex(cond, why, why_size);
	if (!parse_want(cond, field))
		return 0;
	snprintf(why, why_size, "%s: '%s' is no %s", field, cond->text,
		 type_word(cond->col->type));
	return -EINVAL;
}

/*
 * Cut the next condition off @rest and undo its backslashes.  Only those before
 * a comma or a backslash go: a regular expression needs the others.
 */
static const char *next_condition(const char *rest, char *buf)
{
	while (*rest && *rest != ',') {
		if (rest[0] == '\\' && (rest[1] == ',' || rest[1] == '\\'))
			rest++;
		*buf++ = *rest++;
	}
	*buf = '\0';
	return *rest ? rest + 1 : NULL;
}

static struct condition *filter_grow(struct filter *filter)
{
	struct condition *conds;

	conds = realloc(filter->conds, (filter->nr + 1) * sizeof(*conds));
	if (!conds)
		return NULL;
	filter->conds = conds;
	memset(&conds[filter->nr], 0, sizeof(*conds));
	return &conds[filter->nr++];
}

static int parse_conditions(struct filter *filter, const struct noun *noun, const char *expr,
			    char *why, size_t why_size)
{
	char *buf = malloc(strlen(expr) + 1);
	int err = buf ? 0 : -ENOMEM;

	while (!err && expr) {
		struct condition *cond = filter_grow(filter);

		expr = next_condition(expr, buf);
		err = cond ? parse_condition(noun, buf, cond, why, why_size) : -ENOMEM;
	}
	free(buf);
	return err;
}

/**
 * filter_parse - read an expression and add its conditions to a filter
 * @filter:  where there is NULL, a filter is made; free with filter_free()
 * @why:     on -EINVAL, what is wrong with @expr
 *
 * Context: may sleep.
 * Return:  0, -EINVAL or -ENOMEM.
 */
int filter_parse(const struct noun *noun, const char *expr, struct filter **filter, char *why,
		 size_t why_size)
{
	if (!*filter)
		*filter = calloc(1, sizeof(**filter));
	if (!*filter)
		return -ENOMEM;
	return parse_conditions(*filter, noun, expr, why, why_size);
}

/**
 * filter_free - free a filter; takes NULL
 *
 * Context: may sleep.
 */
void filter_free(struct filter *filter)
{
	if (!filter)
		return;
	for (u32 i = 0; i < filter->nr; i++) {
		free(filter->conds[i].text);
		if (filter->conds[i].has_regex)
			regfree(&filter->conds[i].regex);
	}
	free(filter->conds);
	free(filter);
}

static bool order_holds(enum filter_op op, int order)
{
	static const bool holds[NR_OPS][3] = {
		/*          less   equal  greater */
		[OP_EQ] = { false, true,  false },
		[OP_NE] = { true,  false, true },
		[OP_LT] = { true,  false, false },
		[OP_LE] = { true,  true,  false },
		[OP_GT] = { false, false, true },
		[OP_GE] = { false, true,  true },
	};

	return holds[op][order + 1];
}

/* glibc says "no match" when it has no memory, and only errno tells. */
static int match_regex(const struct condition *cond, const char *string)
{
	int err;

	errno = 0;
	err = regexec(&cond->regex, string, 0, NULL, 0);
	if (err && (err == REG_ESPACE || errno == ENOMEM))
		return -ENOMEM;
	return !err == (cond->op == OP_MATCH);
}

static int condition_holds(const struct condition *cond, const void *row)
{
	struct value value;

	cond->col->get(cond->col, row, &value);
	if (!value.known)
		return 0;
	if (cond->has_regex)
		return match_regex(cond, value.string);
	return order_holds(cond->op, value_order(cond->col->type, &value, &cond->want));
}

/**
 * filter_holds - do all conditions hold for this row
 * @filter: NULL holds for every row
 *
 * Context: may sleep.
 * Return:  1, 0, or -ENOMEM: a regular expression needs memory to be matched.
 */
int filter_holds(const struct filter *filter, const void *row)
{
	for (u32 i = 0; filter && i < filter->nr; i++) {
		int holds = condition_holds(&filter->conds[i], row);

		if (holds <= 0)
			return holds;
	}
	return 1;
}
