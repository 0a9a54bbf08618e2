/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/tool/differ/side.h - one who answers bpf(2): the kernel, or this process
 *
 * Both get the same programs, maps with the same content and the same contexts.
 */
#ifndef ROVE_TESTS_TOOL_DIFFER_SIDE_H
#define ROVE_TESTS_TOOL_DIFFER_SIDE_H

#include <rove/bpf.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bpf/btf/btf.h"
#include "tests/tool/corpus/fill.h"
#include "tests/tool/differ/block.h"

#define LOG_BYTES (16u << 20)
#define CTX_BYTES OBJECT_BYTES
#define BEHIND_BYTES 512	/* that are watched, behind an array's values */

struct side {
	const char *name;
	int (*call)(int cmd, union bpf_attr *attr, u32 size);	/* -errno, not errno */
	int (*map_pages)(int fd, size_t length, int prot, int flags, long off, void **ret_addr);
	void (*close)(int fd);
	const struct btf *btf;		/* where kfuncs are found */
	int maps[NR_MAPS];
	u64 *consumer, *producer;	/* positions of the ring buffer */
	u8 *values[NR_MAPS];		/* the arrays' first page; behind the values is nobody's */
};

/* What a program is given, and what it leaves. */
struct world {
	u64 ctx[CTX_BYTES / 8];
	u64 one[OBJECT_BYTES / 8];
	u64 array[ARRAY_ENTRIES][OBJECT_BYTES / 8];
	u64 hash[HASH_KEYS][OBJECT_BYTES / 8];
};

struct outcome {
	int err;
	u32 retval;
	struct world world;
};

/* --- the two ---------------------------------------------------------------------------------- */

static int call_kernel(int cmd, union bpf_attr *attr, u32 size)
{
	long ret = syscall(__NR_bpf, cmd, attr, size);

	return ret < 0 ? -errno : (int)ret;
}

static int call_ours(int cmd, union bpf_attr *attr, u32 size)
{
	return rove_bpf(cmd, attr, size);
}

static int map_pages_kernel(int fd, size_t length, int prot, int flags, long off, void **ret_addr)
{
	*ret_addr = mmap(NULL, length, prot, flags, fd, off);
	return *ret_addr == MAP_FAILED ? -errno : 0;
}

static void close_kernel(int fd)
{
	close(fd);
}

static void close_ours(int fd)
{
	rove_bpf_close(fd);
}

/* The types of the running kernel, or NULL. */
static inline struct btf *kernel_types(void)
{
	FILE *file = fopen("/sys/kernel/btf/vmlinux", "r");
	u32 room = 64u << 20;
	void *data = malloc(room);
	struct btf *btf = NULL;

	if (file && data && btf_parse(data, fread(data, 1, room, file), NULL, NULL, NULL, &btf))
		btf = NULL;
	if (file)
		fclose(file);
	free(data);
	return btf;
}

/* --- maps ------------------------------------------------------------------------------------- */

static inline int side_make_map(struct side *side, const struct case_map *map)
{
	union bpf_attr attr = {
		.map_type = map->type,
		.key_size = map->key_size,
		.value_size = map->value_size,
		.max_entries = map->max_entries,
		.map_flags = map->type == BPF_MAP_TYPE_ARRAY ? BPF_F_MMAPABLE : 0,
	};

	return side->call(BPF_MAP_CREATE, &attr, sizeof(attr));
}

/* 0 or -errno */
static inline int side_open(struct side *side, const struct corpus_case *c)
{
	long page = sysconf(_SC_PAGESIZE);
	void *at;
	int err;

	for (u32 i = 0; i < NR_MAPS; i++) {
		side->maps[i] = side_make_map(side, &c->maps[i]);
		if (side->maps[i] < 0)
			return side->maps[i];
	}
	err = side->map_pages(side->maps[MAP_RING], page, PROT_READ | PROT_WRITE, MAP_SHARED, 0, &at);
	if (err)
		return err;
	side->consumer = at;
	err = side->map_pages(side->maps[MAP_RING], page, PROT_READ, MAP_SHARED, page, &at);
	side->producer = at;
	for (u32 i = MAP_ONE; i <= MAP_ARRAY && !err; i++) {
		err = side->map_pages(side->maps[i], page, PROT_READ | PROT_WRITE, MAP_SHARED, 0, &at);
		side->values[i] = at;
	}
	return err;
}

/* What lies behind the values is filled, or is found as it was filled. */
static inline void side_fill_behind(struct side *side, u8 with)
{
	for (u32 i = MAP_ONE; i <= MAP_ARRAY; i++) {
		u32 bytes = i == MAP_ONE ? OBJECT_BYTES : ARRAY_ENTRIES * OBJECT_BYTES;

		memset(side->values[i] + bytes, with, BEHIND_BYTES);
	}
}

static inline bool side_behind_is(const struct side *side, u8 with)
{
	for (u32 i = MAP_ONE; i <= MAP_ARRAY; i++) {
		u32 bytes = i == MAP_ONE ? OBJECT_BYTES : ARRAY_ENTRIES * OBJECT_BYTES;

		for (u32 at = bytes; at < bytes + BEHIND_BYTES; at++) {
			if (side->values[i][at] != with)
				return false;
		}
	}
	return true;
}

static inline void side_elem(struct side *side, int cmd, int fd, u32 key, void *value)
{
	union bpf_attr attr = {
		.map_fd = fd,
		.key = (u64)(unsigned long)&key,
		.value = (u64)(unsigned long)value,
	};
	int err = side->call(cmd, &attr, sizeof(attr));

	if (err) {
		printf("Bail out! %s: map element: %s\n", side->name, strerror(-err));
		exit(1);
	}
}

static inline void side_elems(struct side *side, int cmd, struct world *w)
{
	side_elem(side, cmd, side->maps[MAP_ONE], 0, w->one);
	for (u32 i = 0; i < ARRAY_ENTRIES; i++)
		side_elem(side, cmd, side->maps[MAP_ARRAY], i, w->array[i]);
	for (u32 i = 0; i < HASH_KEYS; i++)
		side_elem(side, cmd, side->maps[MAP_HASH], i, w->hash[i]);
}

/* --- programs --------------------------------------------------------------------------------- */

/* Return: a descriptor or -errno. */
static inline int side_load(struct side *side, const struct corpus_case *c, char *log)
{
	static struct bpf_insn insns[CASE_MAX_INSNS];
	union bpf_attr attr = {
		.prog_type = c->prog_type,
		.prog_flags = c->prog_flags | BPF_F_SLEEPABLE,
		.insns = (u64)(unsigned long)insns,
		.insn_cnt = c->nr_insns,
		.license = (u64)(unsigned long)"GPL",
		.log_level = log ? 1 : 0,
		.log_buf = (u64)(unsigned long)log,
		.log_size = log ? LOG_BYTES : 0,
	};

	memcpy(insns, c->insns, c->nr_insns * sizeof(*insns));
	case_fill_maps(c, insns, side->maps);
	for (u32 i = 0; i < c->nr_kfuncs; i++)
		insns[c->kfuncs[i].pc].imm =
			btf_find(side->btf, c->kfuncs[i].name, BTF_KIND_FUNC);
	if (log)
		log[0] = 0;
	return side->call(BPF_PROG_LOAD, &attr, sizeof(attr));
}

static inline void side_run(struct side *side, int fd, const struct world *before,
			    struct outcome *ret)
{
	union bpf_attr attr = {
		.test.prog_fd = fd,
		.test.ctx_size_in = CTX_BYTES,
		.test.ctx_in = (u64)(unsigned long)ret->world.ctx,
	};

	ret->world = *before;
	side_elems(side, BPF_MAP_UPDATE_ELEM, &ret->world);
	*side->consumer = *side->producer;
	ret->err = side->call(BPF_PROG_TEST_RUN, &attr, sizeof(attr));
	ret->retval = ret->err ? 0 : attr.test.retval;
	side_elems(side, BPF_MAP_LOOKUP_ELEM, &ret->world);
}

static inline bool same_outcome(const struct outcome *a, const struct outcome *b)
{
	return a->err == b->err && a->retval == b->retval &&
	       !memcmp(&a->world, &b->world, sizeof(a->world));
}

#endif
