/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/tool/bpf_differ/side.h - one implementor of bpf(2), and what it answered
 *
 * A group of tests is a function that is run once on each side.  It says what it
 * was told, line by line; afterwards the two traces are compared.  So whatever
 * differs from run to run (ids, times, descriptors' numbers) must not be said.
 */
#ifndef ROVE_TESTS_TOOL_BPF_DIFFER_SIDE_H
#define ROVE_TESTS_TOOL_BPF_DIFFER_SIDE_H

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/unit/syscall/bpf.h"

#define LABEL_BYTES 160
#define ATTR_ROOM 4608		/* more than a page, so that too long is possible */

struct answer {
	char label[LABEL_BYTES];
	s64 value;
	u32 nr_bytes;
	u8 *bytes;
};

struct side {
	const char *name;
	int (*call)(int cmd, union bpf_attr *attr, unsigned int size);
	int (*close)(int fd);
	int (*mmap)(int fd, size_t length, int prot, int flags, long offset, void **ret_addr);
	/* An iterator's descriptor from its link; and what read(2) of it gives, or -errno. */
	int (*iter_open)(int link_fd);
	ssize_t (*read)(int fd, void *buf, size_t bytes);
	struct answer *answers;
	u32 nr, room;
};

/* Places that calls are given; the same for both sides, so that addresses are. */
struct places {
	u8 *readonly;		/* a page */
	u8 *nowhere;		/* a page that cannot be touched, behind one that can: */
	u8 *before_nowhere;
	u8 *wide;		/* 64 KiB */
};

extern struct places places;

#define KERNEL_ADDRESS 0xffff800000000000ull
#define WIDE_BYTES 65536

static inline int kernel_call(int cmd, union bpf_attr *attr, unsigned int size)
{
	long ret = syscall(__NR_bpf, cmd, attr, size);

	return ret < 0 ? -errno : ret;
}

static inline int kernel_close(int fd)
{
	return close(fd) ? -errno : 0;
}

static inline int kernel_mmap(int fd, size_t length, int prot, int flags, long offset,
			      void **ret_addr)
{
	void *addr = mmap(NULL, length, prot, flags, fd, offset);

	if (addr == MAP_FAILED)
		return -errno;
	*ret_addr = addr;
	return 0;
}

static inline int kernel_iter_open(int link_fd)
{
	union bpf_attr attr = { .iter_create = { .link_fd = link_fd } };

	return kernel_call(BPF_ITER_CREATE, &attr, sizeof(attr));
}

static inline ssize_t kernel_read(int fd, void *buf, size_t bytes)
{
	ssize_t n = read(fd, buf, bytes);

	return n < 0 ? -errno : n;
}

static inline struct answer *say_new(struct side *s, const char *format, va_list args)
{
	struct answer *a;

	if (s->nr == s->room) {
		s->room = s->room ? s->room * 2 : 256;
		s->answers = realloc(s->answers, s->room * sizeof(*s->answers));
		if (!s->answers)
			abort();
	}
	a = &s->answers[s->nr++];
	memset(a, 0, sizeof(*a));
	vsnprintf(a->label, sizeof(a->label), format, args);
	return a;
}

/* A number: what a call returned, or something that it wrote. */
static inline void say(struct side *s, s64 value, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static inline void say(struct side *s, s64 value, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say_new(s, format, args)->value = value;
	va_end(args);
}

/* What the rest of a group rests on: a difference in it, and a failure on either side. */
#define MUST "must be: "
#define must(s, right, format, ...) say(s, right, MUST format, ##__VA_ARGS__)

static inline void say_bytes(struct side *s, const void *bytes, u32 nr, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
static inline void say_bytes(struct side *s, const void *bytes, u32 nr, const char *format, ...)
{
	struct answer *a;
	va_list args;

	va_start(args, format);
	a = say_new(s, format, args);
	va_end(args);
	a->bytes = malloc(nr ?: 1);
	if (!a->bytes)
		abort();
	memcpy(a->bytes, bytes, nr);
	a->nr_bytes = nr;
}

static inline void forget_answers(struct side *s)
{
	for (u32 i = 0; i < s->nr; i++)
		free(s->answers[i].bytes);
	s->nr = 0;
}

/* --- calls -------------------------------------------------------------------------------- */

#define ASK(s, cmd, ...)                                                            \
	({                                                                           \
		union bpf_attr ask_attr_;                                           \
		memset(&ask_attr_, 0, sizeof(ask_attr_));                          \
		ask_attr_ = (union bpf_attr){ __VA_ARGS__ };                        \
		(s)->call((cmd), &ask_attr_, sizeof(ask_attr_));                   \
	})

static inline bool gives_descriptor(int cmd)
{
	return cmd == BPF_MAP_CREATE || cmd == BPF_PROG_LOAD || cmd == BPF_BTF_LOAD ||
	       cmd == BPF_PROG_GET_FD_BY_ID || cmd == BPF_MAP_GET_FD_BY_ID ||
	       cmd == BPF_BTF_GET_FD_BY_ID || cmd == BPF_LINK_CREATE ||
	       cmd == BPF_LINK_GET_FD_BY_ID || cmd == BPF_ITER_CREATE ||
	       cmd == BPF_ENABLE_STATS;
}

/* What a call returned, as something that can be compared; a descriptor is closed. */
static inline int settle(struct side *s, int cmd, int ret)
{
	if (ret < 0 || !gives_descriptor(cmd))
		return ret;
	/* One of ours that was read to its end is an ordinary descriptor. */
	if (s->close(ret))
		close(ret);
	return 0;
}

/* --- objects ------------------------------------------------------------------------------ */

static inline int make_map(struct side *s, u32 type, u32 key_size, u32 value_size, u32 entries,
			   u32 flags)
{
	return ASK(s, BPF_MAP_CREATE, .map_type = type, .key_size = key_size,
		    .value_size = value_size, .max_entries = entries, .map_flags = flags);
}

static inline int make_outer(struct side *s, u32 type, int inner_fd, u32 entries)
{
	return ASK(s, BPF_MAP_CREATE, .map_type = type, .key_size = 4, .value_size = 4,
		    .max_entries = entries, .inner_map_fd = inner_fd);
}

static inline int put(struct side *s, int fd, const void *key, const void *value, u64 flags)
{
	return ASK(s, BPF_MAP_UPDATE_ELEM, .map_fd = fd, .key = PTR(key), .value = PTR(value),
		    .flags = flags);
}

static inline int get(struct side *s, int fd, const void *key, void *value)
{
	return ASK(s, BPF_MAP_LOOKUP_ELEM, .map_fd = fd, .key = PTR(key), .value = PTR(value));
}

static inline int del(struct side *s, int fd, const void *key)
{
	return ASK(s, BPF_MAP_DELETE_ELEM, .map_fd = fd, .key = PTR(key));
}

static inline int load(struct side *s, u32 type, const struct bpf_insn *insns, u32 nr)
{
	return ASK(s, BPF_PROG_LOAD, .prog_type = type, .insns = PTR(insns), .insn_cnt = nr,
		    .license = PTR("GPL"),
		    .prog_flags = type == BPF_PROG_TYPE_SYSCALL ? BPF_F_SLEEPABLE : 0);
}

static inline int load_ret0(struct side *s, u32 type)
{
	static const struct bpf_insn ret0[] = { MOV_K(BPF_REG_0, 0), EXIT() };

	return load(s, type, ret0, ARRAY_SIZE(ret0));
}

/* A header, types, strings. */
struct tiny_btf {
	struct btf_header h;
	struct { struct btf_type t; u32 enc; } num;
	struct btf_type str;
	struct btf_member member;
	struct btf_type var;
	u32 linkage;
	struct btf_type sec;
	struct btf_var_secinfo where;
	char strings[32];
};

/* 1: int of 4 bytes, 2: struct of one, 3: a variable of type 1, 4: its section. */
static inline struct tiny_btf tiny_btf(void)
{
	struct tiny_btf b = {
		.h = { .magic = BTF_MAGIC, .version = BTF_VERSION, .hdr_len = sizeof(b.h),
		       .type_len = offsetof(struct tiny_btf, strings) - sizeof(b.h),
		       .str_off = offsetof(struct tiny_btf, strings) - sizeof(b.h),
		       .str_len = sizeof(b.strings) },
		.num = { { .name_off = 1, .info = BTF_KIND_INT << 24, .size = 4 },
			 BTF_INT_SIGNED << 24 | 32 },
		.str = { .name_off = 5, .info = BTF_KIND_STRUCT << 24 | 1, .size = 4 },
		.member = { .name_off = 7, .type = 1 },
		.var = { .name_off = 9, .info = BTF_KIND_VAR << 24, .type = 1 },
		.linkage = 1,
		.sec = { .name_off = 11, .info = BTF_KIND_DATASEC << 24 | 1, .size = 4 },
		.where = { .type = 3, .size = 4 },
	};

	memcpy(b.strings, "\0int\0s\0m\0v\0.data", 17);
	return b;
}

static inline int load_btf(struct side *s)
{
	struct tiny_btf b = tiny_btf();

	return ASK(s, BPF_BTF_LOAD, .btf = PTR(&b), .btf_size = sizeof(b));
}

/* One of everything, for a group. */
struct world {
	int array, hash, ringbuf, stacks, lru, percpu, mmapable, prog, filter, btf;
	int classifier;
	int percpu_hash, lru_percpu, outer, outer_hash;	/* maps like ->array are in the latter */
	int other;		/* a descriptor that bpf(2) knows nothing of */
};

static inline void make_world(struct side *s, struct world *w)
{
	w->array = make_map(s, BPF_MAP_TYPE_ARRAY, 4, 8, 3, 0);
	w->hash = make_map(s, BPF_MAP_TYPE_HASH, 4, 8, 3, BPF_F_NO_PREALLOC);
	w->ringbuf = make_map(s, BPF_MAP_TYPE_RINGBUF, 0, 0, 4096, 0);
	w->stacks = make_map(s, BPF_MAP_TYPE_STACK_TRACE, 4, 8, 3, 0);
	w->lru = make_map(s, BPF_MAP_TYPE_LRU_HASH, 4, 8, 100, 0);
	w->percpu = make_map(s, BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, 3, 0);
	w->percpu_hash = make_map(s, BPF_MAP_TYPE_PERCPU_HASH, 4, 8, 3, 0);
	w->lru_percpu = make_map(s, BPF_MAP_TYPE_LRU_PERCPU_HASH, 4, 8, 100, 0);
	w->outer = make_outer(s, BPF_MAP_TYPE_ARRAY_OF_MAPS, w->array, 3);
	w->outer_hash = make_outer(s, BPF_MAP_TYPE_HASH_OF_MAPS, w->array, 3);
	w->mmapable = make_map(s, BPF_MAP_TYPE_ARRAY, 4, 8, 1000, BPF_F_MMAPABLE);
	w->prog = load_ret0(s, BPF_PROG_TYPE_SYSCALL);
	w->filter = load_ret0(s, BPF_PROG_TYPE_SOCKET_FILTER);
	w->classifier = load_ret0(s, BPF_PROG_TYPE_SCHED_CLS);
	w->btf = load_btf(s);
	w->other = open("/dev/null", O_RDWR | O_CLOEXEC);
	must(s, w->array >= 0 && w->hash >= 0 && w->ringbuf >= 0 && w->stacks >= 0 &&
	       w->lru >= 0 && w->percpu >= 0 && w->percpu_hash >= 0 && w->lru_percpu >= 0 &&
	       w->outer >= 0 && w->outer_hash >= 0 && w->mmapable >= 0 && w->prog >= 0 &&
	       w->filter >= 0 && w->classifier >= 0 && w->btf >= 0 && w->other >= 0,
	     "one of each");
}

static inline void drop_world(struct side *s, struct world *w)
{
	s->close(w->array);
	s->close(w->hash);
	s->close(w->ringbuf);
	s->close(w->stacks);
	s->close(w->lru);
	s->close(w->percpu);
	s->close(w->percpu_hash);
	s->close(w->lru_percpu);
	s->close(w->outer);
	s->close(w->outer_hash);
	s->close(w->mmapable);
	s->close(w->prog);
	s->close(w->filter);
	s->close(w->classifier);
	s->close(w->btf);
	close(w->other);
}

#endif
