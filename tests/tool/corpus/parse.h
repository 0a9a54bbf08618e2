/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/tool/corpus/parse.h - read one corpus file
 *
 *	name:     a sentence
 *	type:     syscall, perf_event or socket_filter; syscall when absent; iter/TARGET,
 *	          and iter.s/TARGET for one that may sleep
 *	flags:    test_state_freq
 *	kernel:   skip REASON, when a kernel cannot be asked
 *	map N:    array key=4 value=8 entries=1 [rdonly=HEXBYTES] [timer=OFFSET] [wq=OFFSET] [lock=OFFSET]
 *	          [any_size]; of a map of maps inner=N, a map before it
 *	global:   NAME ARGS: the subprogram at that label is global and takes ARGS numbers
 *	code:     instructions and "label:" lines, until an empty line
 *	state N:  r0 is ...; r1 is ...	before instruction N, on some path
 *	accept
 *	reject:   -EACCES at 6
 *	log:      a part of what the log must say; may be repeated
 *
 * "#" begins a comment.
 */
#ifndef ROVE_TESTS_TOOL_CORPUS_PARSE_H
#define ROVE_TESTS_TOOL_CORPUS_PARSE_H

#include "tests/tool/corpus/asm.h"

#ifndef BPF_F_TEST_STATE_FREQ
#define BPF_F_TEST_STATE_FREQ (1U << 3)
#endif

static inline char *trim(char *text)
{
	char *end;

	while (isspace((unsigned char)*text))
		text++;
	end = text + strlen(text);
	while (end > text && isspace((unsigned char)end[-1]))
		*--end = 0;
	return text;
}

static inline int parse_hex(struct corpus_case *c, struct case_map *map, const char *hex)
{
	for (; hex[0] && hex[1]; hex += 2) {
		unsigned int byte;

		if (map->nr_data == sizeof(map->data) || sscanf(hex, "%2x", &byte) != 1)
			return case_bad(c, "map content '%s'", hex);
		map->data[map->nr_data++] = byte;
	}
	map->rdonly = true;
	return 0;
}

/* "N: array key=4 value=8 entries=1" */
static inline int parse_map(struct corpus_case *c, char *text)
{
	struct case_map *map;
	const struct case_word *type;
	char *word, *save = NULL;

	if (c->nr_maps == CASE_MAX_MAPS || strtoul(text, &text, 10) != c->nr_maps || *text++ != ':')
		return case_bad(c, "maps are numbered from 0 on, at most %u", CASE_MAX_MAPS);
	map = &c->maps[c->nr_maps++];
	word = strtok_r(text, " \t", &save);
	type = word ? case_word(case_map_types, word) : NULL;
	if (!type)
		return case_bad(c, "map type '%s'", word ?: "");
	map->type = type->value;
	while ((word = strtok_r(NULL, " \t", &save))) {
		if (sscanf(word, "timer=%u", &map->timer) == 1) {
			map->has_timer = true;
		} else if (sscanf(word, "wq=%u", &map->wq) == 1) {
			map->has_wq = true;
		} else if (sscanf(word, "lock=%u", &map->lock) == 1) {
			map->has_lock = true;
		} else if (sscanf(word, "inner=%u", &map->inner) == 1) {
			map->has_inner = true;
			if (map->inner >= c->nr_maps - 1)
				return case_bad(c, "inner=%u is no map before", map->inner);
		} else if (!strcmp(word, "any_size")) {
			map->any_size = true;
		} else if (!strncmp(word, "rdonly=", 7)) {
			if (parse_hex(c, map, word + 7))
				return -EINVAL;
		} else if (sscanf(word, "key=%u", &map->key_size) != 1 &&
			   sscanf(word, "value=%u", &map->value_size) != 1 &&
			   sscanf(word, "entries=%u", &map->max_entries) != 1) {
			return case_bad(c, "map '%s'", word);
		}
	}
	return 0;
}

static inline int parse_label(struct corpus_case *c, char *name)
{
	if (c->nr_labels == CASE_MAX_NAMES)
		return case_bad(c, "too many labels");
	snprintf(c->labels[c->nr_labels].name, sizeof(c->labels[0].name), "%.60s", name);
	c->labels[c->nr_labels++].pc = c->nr_insns;
	return 0;
}

static inline int parse_reject(struct corpus_case *c, char *text)
{
	char error[32];
	int pc;
	int n = sscanf(text, "%31s at %d", error, &pc);
	const struct case_word *word = n >= 1 ? case_word(case_errors, error) : NULL;

	if (!word)
		return case_bad(c, "error '%s'", text);
	c->expected = true;
	c->err = word->value;
	c->reject_pc = n == 2 ? pc : -1;
	return 0;
}

static inline int parse_line_list(struct corpus_case *c, char (*lines)[CASE_TEXT], u32 *nr,
				  const char *text)
{
	if (*nr == CASE_MAX_LINES)
		return case_bad(c, "too many lines");
	snprintf(lines[(*nr)++], CASE_TEXT, "%s", text);
	return 0;
}

/* "iter/dmabuf" */
static inline bool parse_iter(struct corpus_case *c, const char *value)
{
	bool sleeps = !strncmp(value, "iter.s/", 7);

	if (!sleeps && strncmp(value, "iter/", 5))
		return false;
	c->prog_type = BPF_PROG_TYPE_TRACING;
	c->prog_flags |= sleeps ? BPF_F_SLEEPABLE : 0;
	snprintf(c->iter, sizeof(c->iter), "%s", strchr(value, '/') + 1);
	return true;
}

static inline int parse_key(struct corpus_case *c, char *key, char *value)
{
	const struct case_word *word;

	if (!strcmp(key, "name")) {
		snprintf(c->name, sizeof(c->name), "%s", value);
		return 0;
	}
	if (!strcmp(key, "type") && parse_iter(c, value))
		return 0;
	if (!strcmp(key, "type")) {
		word = case_word(case_prog_types, value);
		if (!word)
			return case_bad(c, "program type '%s'", value);
		c->prog_type = word->value;
		return 0;
	}
	if (!strcmp(key, "flags")) {
		if (strcmp(value, "test_state_freq"))
			return case_bad(c, "flags '%s'", value);
		c->prog_flags |= BPF_F_TEST_STATE_FREQ;
		return 0;
	}
	if (!strcmp(key, "kernel")) {
		if (strncmp(value, "skip ", 5))
			return case_bad(c, "kernel '%s'", value);
		snprintf(c->kernel_skip, sizeof(c->kernel_skip), "%s", value + 5);
		return 0;
	}
	if (!strcmp(key, "global")) {
		struct case_label *global = &c->globals[c->nr_globals++];

		return sscanf(value, "%60s %u", global->name, &global->pc) == 2 ?
			       0 :
			       case_bad(c, "global '%s'", value);
	}
	if (!strcmp(key, "reject"))
		return parse_reject(c, value);
	if (!strcmp(key, "log"))
		return parse_line_list(c, c->logs, &c->nr_logs, value);
	return case_bad(c, "'%s:' is not known", key);
}

static inline int parse_line(struct corpus_case *c, char *line, bool *in_code)
{
	char *colon;

	line[strcspn(line, "#\n")] = 0;
	line = trim(line);
	if (*in_code) {
		size_t len = strlen(line);

		if (!len) {
			*in_code = false;
			return 0;
		}
		if (line[len - 1] == ':') {
			line[len - 1] = 0;
			return parse_label(c, line);
		}
		return asm_insn(c, line);
	}
	if (!*line)
		return 0;
	if (!strcmp(line, "code:")) {
		*in_code = true;
		return 0;
	}
	if (!strcmp(line, "accept")) {
		c->expected = true;
		c->err = 0;
		return 0;
	}
	if (!strncmp(line, "map ", 4))
		return parse_map(c, line + 4);
	if (!strncmp(line, "state ", 6))
		return parse_line_list(c, c->states, &c->nr_states, line + 6);
	colon = strchr(line, ':');
	if (!colon)
		return case_bad(c, "'%s': no key", line);
	*colon = 0;
	return parse_key(c, line, trim(colon + 1));
}

/* The distance of a jump is told in instructions behind it. */
static inline int parse_resolve_jump(struct corpus_case *c, const struct case_jump *jump)
{
	struct bpf_insn *insn = &c->insns[jump->pc];
	u32 i;

	if (jump->name[0] == '+' || jump->name[0] == '-') {
		insn->off = atoi(jump->name);
		return 0;
	}
	for (i = 0; i < c->nr_labels && strcmp(c->labels[i].name, jump->name); i++)
		;
	if (i == c->nr_labels)
		return case_bad(c, "'%s': no label '%s'", jump->where, jump->name);
	if (jump->is_call || jump->is_func)
		insn->imm = c->labels[i].pc - jump->pc - 1;
	else
		insn->off = c->labels[i].pc - jump->pc - 1;
	return 0;
}

/* Return: 0, or -EINVAL with ->bad saying why. */
static inline int parse_case(const char *path, struct corpus_case *c)
{
	FILE *file = fopen(path, "r");
	bool in_code = false;
	char line[1024];
	int err = 0;

	memset(c, 0, sizeof(*c));
	snprintf(c->path, sizeof(c->path), "%s", path);
	c->prog_type = BPF_PROG_TYPE_SYSCALL;
	c->reject_pc = -1;
	if (!file)
		return case_bad(c, "%s", strerror(errno));
	while (!err && fgets(line, sizeof(line), file))
		err = parse_line(c, line, &in_code);
	fclose(file);
	for (u32 i = 0; !err && i < c->nr_jumps; i++)
		err = parse_resolve_jump(c, &c->jumps[i]);
	if (!err && (!c->name[0] || !c->expected))
		err = case_bad(c, "a name and accept or reject are needed");
	return err;
}

#endif
