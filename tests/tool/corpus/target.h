/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/tool/corpus/target.h - ask an implementor of bpf(2) about a case
 *
 * The running kernel and this process are asked in the same way, through the
 * stock libbpf: maps and BTF are really made, and kfuncs are looked up by name
 * in the target's own BTF.
 */
#ifndef ROVE_TESTS_TOOL_CORPUS_TARGET_H
#define ROVE_TESTS_TOOL_CORPUS_TARGET_H

#include <bpf/bpf.h>

#include "bpf/btf/btf.h"
#include "target/target.h"
#include "tests/tool/corpus/btf.h"
#include "tests/tool/corpus/fill.h"

struct target_answer {
	int err;		/* 0: accepted */
	char skip[CASE_TEXT];	/* not asked, and why; "" asked */
};

/* @fds: those of the maps before.  A descriptor, or -errno. */
static inline int target_make_map(const struct target *target, const struct case_map *map,
				  const int *fds)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts,
		    .map_flags = (map->rdonly ? BPF_F_RDONLY_PROG : 0) |
				 (map->any_size ? BPF_F_INNER_MAP : 0) |
				 (map->type == BPF_MAP_TYPE_TASK_STORAGE ||
				  map->type == MAP_TYPE_RHASH ? BPF_F_NO_PREALLOC : 0),
		    .inner_map_fd = map->has_inner ? fds[map->inner] : 0);
	struct case_map_btf btf = { 0 };
	u32 zero = 0;
	int fd, err;

	if (case_map_has_btf(map)) {
		case_map_btf_make(map, &btf);
		opts.btf_fd = bpf_btf_load(btf.data, btf.size, NULL);
		opts.btf_key_type_id = btf.key_id;
		opts.btf_value_type_id = btf.value_id;
		free(btf.data);
	}
	fd = bpf_map_create(map->type, "corpus", map->key_size, map->value_size, map->max_entries,
			    &opts);
	err = fd < 0 ? -errno : 0;
	if (btf.data)
		target->close(opts.btf_fd);
	if (err)
		return err;
	if (map->rdonly &&
	    (bpf_map_update_elem(fd, &zero, map->data, 0) || bpf_map_freeze(fd))) {
		err = -errno;
		target->close(fd);
		return err;
	}
	return fd;
}

/* Can it load the simplest program of the type at all? */
static inline bool target_has_prog_type(const struct target *target, u32 prog_type)
{
	static const struct bpf_insn nothing[] = {
		{ .code = BPF_ALU64 | BPF_MOV },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts,
		    .prog_flags = prog_type == BPF_PROG_TYPE_SYSCALL ? BPF_F_SLEEPABLE : 0);
	int fd = bpf_prog_load(prog_type, "corpus", "GPL", nothing, ARRAY_SIZE(nothing), &opts);

	if (fd < 0)
		return false;
	target->close(fd);
	return true;
}

/* The number of the function that a program attaches to, or 0. */
static inline u32 target_iter_func(const struct corpus_case *c, const struct btf *types)
{
	char func[80];

	snprintf(func, sizeof(func), "bpf_iter_%s", c->iter);
	return c->iter[0] ? btf_find(types, func, BTF_KIND_FUNC) : 0;
}

/* Does it know this helper in programs of this type?  Its log says when it does not. */
static inline bool target_has_helper(const struct target *target, u32 prog_type, u32 id)
{
	struct bpf_insn call[] = {
		{ .code = BPF_JMP | BPF_CALL, .imm = id },
		{ .code = BPF_ALU64 | BPF_MOV },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	char log[4096] = "";
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .log_level = 1, .log_buf = log,
		    .log_size = sizeof(log),
		    .prog_flags = prog_type == BPF_PROG_TYPE_SYSCALL ? BPF_F_SLEEPABLE : 0);
	int fd = bpf_prog_load(prog_type, "corpus", "GPL", call, ARRAY_SIZE(call), &opts);

	if (fd >= 0)
		target->close(fd);
	return fd >= 0 || (!strstr(log, "cannot use helper ") && !strstr(log, "unknown func "));
}

/* The name of a helper that the case needs and the target has not, or NULL. */
static inline const char *target_missing_helper(const struct target *target,
						const struct corpus_case *c)
{
	static const char *const offered_later[] = { "timer_", "get_stack", "perf_prog_" };

	for (u32 pc = 0; pc < c->nr_insns; pc++) {
		const char *name;

		if (!insn_is_helper_call(&c->insns[pc]))
			continue;
		name = case_word_of(case_helpers, c->insns[pc].imm);
		for (u32 i = 0; name && i < ARRAY_SIZE(offered_later); i++) {
			if (!strncmp(name, offered_later[i], strlen(offered_later[i])) &&
			    !target_has_helper(target, c->prog_type, c->insns[pc].imm))
				return name;
		}
	}
	return NULL;
}

/* Why this case is nothing for the target goes to ->skip. */
static inline bool target_has_all(const struct target *target, const struct corpus_case *c,
				  const struct btf *types, struct target_answer *answer)
{
	const char *missing = NULL;

	for (u32 i = 0; i < c->nr_kfuncs && !missing; i++) {
		if (!btf_find(types, c->kfuncs[i].name, BTF_KIND_FUNC))
			missing = c->kfuncs[i].name;
	}
	for (u32 i = 0; i < c->nr_types && !missing; i++) {
		if (!btf_find(types, c->types[i].name, BTF_KIND_STRUCT))
			missing = c->types[i].name;
	}
	if (!missing && c->iter[0] && !target_iter_func(c, types))
		missing = c->iter;
	if (!missing && !c->iter[0] && !target_has_prog_type(target, c->prog_type))
		missing = case_word_of(case_prog_types, c->prog_type);
	if (!missing)
		missing = target_missing_helper(target, c);
	if (missing)
		snprintf(answer->skip, sizeof(answer->skip), "%s has no %s", target->name, missing);
	return !missing;
}

static inline void target_load(const struct target *target, const struct corpus_case *c,
			       const struct bpf_insn *insns, const struct btf *types, char *log,
			       u32 log_size, struct target_answer *answer)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .log_level = 2, .log_buf = log, .log_size = log_size,
		    .prog_flags = c->prog_flags, .attach_btf_id = target_iter_func(c, types),
		    .expected_attach_type = c->iter[0] ? BPF_TRACE_ITER : 0);
	struct case_btf *btf = case_btf_make(c);
	int btf_fd = -1, fd;

	log[0] = 0;
	if (c->prog_type == BPF_PROG_TYPE_SYSCALL)
		opts.prog_flags |= BPF_F_SLEEPABLE;
	if (btf) {
		btf_fd = bpf_btf_load(btf->data, btf->size, NULL);
		opts.prog_btf_fd = btf_fd;
		opts.func_info = btf->func_info;
		opts.func_info_cnt = btf->nr_func_info;
		opts.func_info_rec_size = sizeof(btf->func_info[0]);
	}
	fd = bpf_prog_load(c->prog_type, "corpus", "GPL", insns, c->nr_insns, &opts);
	if (fd < 0 && errno == ENOSPC) {
		/* The log did not fit, which hides the verdict. */
		opts.log_level = 0;
		opts.log_buf = NULL;
		opts.log_size = 0;
		fd = bpf_prog_load(c->prog_type, "corpus", "GPL", insns, c->nr_insns, &opts);
	}
	answer->err = fd < 0 ? -errno : 0;
	if (fd >= 0)
		target->close(fd);
	if (btf_fd >= 0)
		target->close(btf_fd);
	case_btf_free(btf);
}

static inline void target_ask_this(const struct target *target, const struct corpus_case *c,
				   struct bpf_insn *insns, const struct btf *types, char *log,
				   u32 log_size, struct target_answer *answer)
{
	int fds[CASE_MAX_MAPS];
	u32 nr = 0;

	while (nr < c->nr_maps && !answer->skip[0]) {
		fds[nr] = target_make_map(target, &c->maps[nr], fds);
		if (fds[nr] < 0)
			snprintf(answer->skip, sizeof(answer->skip), "map %u: %s", nr,
				 strerror(-fds[nr]));
		else
			nr++;
	}
	if (!answer->skip[0]) {
		case_fill_maps(c, insns, fds);
		case_fill_kfuncs(c, insns, types);
		case_fill_types(c, insns, types);
		target_load(target, c, insns, types, log, log_size, answer);
	}
	while (nr)
		target->close(fds[--nr]);
}

/* @types: target_btf() of @target */
static inline void target_ask(const struct target *target, const struct corpus_case *c,
			      const struct btf *types, char *log, u32 log_size,
			      struct target_answer *answer)
{
	struct bpf_insn *insns = malloc(sizeof(c->insns));
	const struct target *was = target_use(target);

	if (!insns)
		abort();
	memset(answer, 0, sizeof(*answer));
	memcpy(insns, c->insns, sizeof(c->insns));
	if (target_has_all(target, c, types, answer))
		target_ask_this(target, c, insns, types, log, log_size, answer);
	target_use(was);
	free(insns);
}

/* The types that a target calls vmlinux, or NULL. */
static inline struct btf *target_btf(const struct target *target)
{
	FILE *file = target->open_btf ? target->open_btf() : fopen("/sys/kernel/btf/vmlinux", "r");
	u32 cap = 64 << 20;
	char *data = malloc(cap);
	struct btf *btf = NULL;

	if (file && data) {
		u32 size = fread(data, 1, cap, file);

		if (btf_parse(data, size, NULL, NULL, NULL, &btf))
			btf = NULL;
	}
	if (file)
		fclose(file);
	free(data);
	return btf;
}

#endif
