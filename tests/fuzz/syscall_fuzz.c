/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/fuzz/syscall_fuzz.c - no attribute, however wrong, harms the process or leaks
 *
 * An input is a sequence of calls of bpf(2): a command, an attribute that would
 * be right, and changes to it.  Descriptors come from earlier calls; pointers
 * from a few places that are harmless to write to, or not there at all.  When
 * the input ends all descriptors are closed: then nothing may be left.
 *
 * Without libFuzzer: syscall_fuzz [--seconds N] [--seed S] makes its own inputs.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "bpf/btf/btf.h"
#include "bpf/core/object.h"
#include "bpf/iter/iter.h"
#include "tests/left.h"
#include "tests/unit/syscall/bpf.h"

#define ATTR_ROOM 192
#define ARENA_BYTES 8192
#define MAX_FDS 32
#define MAX_CALLS 24
#define NR_COMMANDS 40

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

struct input {
	const u8 *data;
	size_t left;
};

/* Where 64-bit members of a command's attribute point. */
static const u8 pointer_offsets[NR_COMMANDS][6] = {
	[BPF_MAP_LOOKUP_ELEM] = { 8, 16 },
	[BPF_MAP_UPDATE_ELEM] = { 8, 16 },
	[BPF_MAP_DELETE_ELEM] = { 8 },
	[BPF_MAP_GET_NEXT_KEY] = { 8, 16 },
	[BPF_MAP_LOOKUP_AND_DELETE_ELEM] = { 8, 16 },
	[BPF_MAP_LOOKUP_BATCH] = { 255, 8, 16, 24 },	/* 255: offset 0 */
	[BPF_MAP_UPDATE_BATCH] = { 255, 8, 16, 24 },
	[BPF_MAP_DELETE_BATCH] = { 255, 8, 16, 24 },
	[BPF_PROG_LOAD] = { 8, 16, 32, 80, 96, 120 },
	[BPF_PROG_TEST_RUN] = { 16, 24, 48, 56 },
	[BPF_OBJ_GET_INFO_BY_FD] = { 8 },
	[BPF_BTF_LOAD] = { 255, 8 },
	[BPF_LINK_CREATE] = { 16 },
};

static u8 *arena;	/* a guard page follows */
static u8 *readonly_page;
static const char license[] = "GPL";
static int fds[MAX_FDS];
static u32 nr_fds;

static u8 take8(struct input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->data++;
}

static u32 take32(struct input *in)
{
	u32 v = take8(in);

	v |= (u32)take8(in) << 8;
	v |= (u32)take8(in) << 16;
	return v | (u32)take8(in) << 24;
}

static u64 safe_pointer(u64 choice)
{
	u32 off = (choice >> 3) % ARENA_BYTES;

	switch (choice & 7) {
	case 0:
		return 0;
	case 1:
		return choice % 4096;
	case 2:
		return 0xffff800000000000ull + off;
	case 3:
		return PTR(readonly_page);
	default:
		return PTR(arena + (off & ~7u));
	}
}

static int some_fd(u32 choice)
{
	return nr_fds ? fds[choice % nr_fds] : (int)(choice % 8) - 1;
}

/* A number that is likely to be at an edge of something. */
static u32 edge(struct input *in)
{
	static const u32 edges[] = { 0, 1, 4, 8, 16, 4096, 65536, 0x7fffffff, 0x80000000, 0xffffffff };
	u8 how = take8(in);

	if (how < 100)
		return edges[how % ARRAY_SIZE(edges)];
	if (how < 180)
		return some_fd(how);
	return how < 220 ? how % 32 : take32(in);
}

static void set32(u8 *attr, u32 off, u32 value)
{
	memcpy(attr + off, &value, sizeof(value));
}

static void fill_iter(u32 choice, union bpf_attr *a)
{
	const struct iter_target *target = iter_target_at(choice % 8);
	char func[64];

	snprintf(func, sizeof(func), "bpf_iter_%s", target ? target->name : "num_new");
	a->prog_type = BPF_PROG_TYPE_TRACING;
	a->expected_attach_type = BPF_TRACE_ITER;
	a->attach_btf_id = btf_find(btf_self(), func, BTF_KIND_FUNC);
}

/* What would be right for the command, so that changes get beyond the first check. */
static void fill_attr(u32 cmd, u8 *attr, struct input *in)
{
	static const u8 key_sizes[] = { 4, 0, 5, 8 }, types[] = { 2, 1, 27, 2 };
	union bpf_attr *a = (union bpf_attr *)attr;
	u32 choice = take8(in);

	a->map_fd = some_fd(choice);
	switch (cmd) {
	case BPF_MAP_CREATE:
		a->map_type = types[choice % 4];
		a->key_size = a->map_type == 27 ? 0 : key_sizes[a->map_type == 2 ? 0 : choice % 4];
		a->value_size = a->map_type == 27 ? 0 : 1 + choice;
		a->max_entries = a->map_type == 27 ? 4096 << choice % 4 : 1 + choice;
		a->map_flags = choice & 64 && a->map_type == 2 ? BPF_F_MMAPABLE : 0;
		break;
	case BPF_PROG_LOAD:
		a->prog_type = choice & 1 ? BPF_PROG_TYPE_SYSCALL : BPF_PROG_TYPE_SOCKET_FILTER;
		a->prog_flags = choice & 1 ? BPF_F_SLEEPABLE : 0;
		if (choice & 4)
			fill_iter(choice >> 3, a);
		a->insn_cnt = choice & 2 ? 2 : choice;
		a->insns = PTR(arena);
		a->license = PTR(license);
		break;
	case BPF_LINK_CREATE:
		a->link_create.attach_type = BPF_TRACE_ITER;
		a->link_create.iter_info_len = choice & 1 ? sizeof(union bpf_iter_link_info) : 0;
		break;
	case BPF_LINK_UPDATE:
		a->link_update.new_prog_fd = some_fd(choice / 4);
		break;
	case BPF_BTF_LOAD:
		a->btf = PTR(arena);
		a->btf_size = choice * 4;
		break;
	case BPF_OBJ_GET_INFO_BY_FD:
		a->info.info_len = choice;
		break;
	case BPF_MAP_LOOKUP_BATCH:
	case BPF_MAP_UPDATE_BATCH:
	case BPF_MAP_DELETE_BATCH:
		a->batch.count = choice;
		a->batch.map_fd = some_fd(choice);
		break;
	case BPF_PROG_TEST_RUN:
		a->test.ctx_size_in = choice & 1 ? choice : 0;
		a->test.data_size_in = choice & 1 ? 0 : choice;
		break;
	case BPF_PROG_GET_FD_BY_ID ... BPF_MAP_GET_FD_BY_ID:
	case BPF_BTF_GET_FD_BY_ID:
	case BPF_LINK_GET_FD_BY_ID:
		a->map_id = object_next_id(choice % OBJECT_KINDS, 0) + choice % 4;
		break;
	}
}

/* Two instructions that are a program, and what the input puts behind or over them. */
static void fill_arena(struct input *in)
{
	static const struct bpf_insn ret0[] = { MOV_K(0, 0), EXIT() };
	u32 bytes = take8(in), at = take8(in);

	memcpy(arena, ret0, sizeof(ret0));
	for (u32 i = 0; i < bytes && in->left; i++)
		arena[at * 8 + i] = take8(in);
}

static void make_pointers_safe(u32 cmd, u8 *attr)
{
	for (u32 i = 0; i < ARRAY_SIZE(pointer_offsets[0]); i++) {
		u32 off = pointer_offsets[cmd][i];
		u64 word;

		if (!off)
			return;
		off = off == 255 ? 0 : off;
		memcpy(&word, attr + off, sizeof(word));
		if (word >= 4096 && (word < PTR(arena) || word > PTR(arena) + ARENA_BYTES) &&
		    word != PTR(license))
			word = safe_pointer(word);
		memcpy(attr + off, &word, sizeof(word));
	}
}

/* Info structs hold pointers and lengths of their own. */
static void make_arena_safe(void)
{
	u64 *word = (u64 *)arena;

	for (u32 i = 0; i < ARENA_BYTES / 8; i++)
		if (word[i] >= 4096)
			word[i] = safe_pointer(word[i]);
}

/* Nothing here is about running out of memory. */
static void limit_sizes(u32 cmd, union bpf_attr *a)
{
	if (cmd == BPF_MAP_CREATE) {
		a->key_size &= 0x8000ffff;
		a->value_size &= 0x8000ffff;
		a->max_entries &= 0x8000ffff;
		if (a->map_type != BPF_MAP_TYPE_ARRAY)
			a->max_entries &= 0xffff;
	}
	if (cmd == BPF_PROG_LOAD)
		a->log_size &= 0xfffff;
	if (cmd == BPF_PROG_TEST_RUN)
		a->test.repeat &= 0xff;
}

static bool gives_descriptor(u32 cmd)
{
	return cmd == BPF_MAP_CREATE || cmd == BPF_PROG_LOAD || cmd == BPF_BTF_LOAD ||
	       cmd == BPF_PROG_GET_FD_BY_ID || cmd == BPF_MAP_GET_FD_BY_ID ||
	       cmd == BPF_BTF_GET_FD_BY_ID || cmd == BPF_LINK_CREATE ||
	       cmd == BPF_LINK_GET_FD_BY_ID || cmd == BPF_ITER_CREATE;
}

/* By both ways; whether there is more, or an error, is all the same. */
static void read_some(int fd)
{
	char piece[100];

	if (rove_bpf_iter_read(fd, piece, sizeof(piece)) > 0 && read(fd, piece, 1) < 0)
		return;
}

/* An iterator that was served to its end is an ordinary descriptor. */
static void close_one(int fd)
{
	if (rove_bpf_close(fd) && close(fd))
		abort();
}

static void one_call(struct input *in)
{
	u8 attr[ATTR_ROOM] __attribute__((aligned(8))) = { 0 };
	u32 cmd = take8(in) % NR_COMMANDS, nr_changes, size;
	int ret;

	fill_attr(cmd, attr, in);
	for (u32 i = 0; i < ARRAY_SIZE(pointer_offsets[0]) && pointer_offsets[cmd][i]; i++) {
		u32 off = pointer_offsets[cmd][i] == 255 ? 0 : pointer_offsets[cmd][i];
		u64 to = PTR(arena + 1024 * (i + 1));

		if (take8(in) & 3 && !*(u64 *)(attr + off))
			memcpy(attr + off, &to, sizeof(to));
	}
	nr_changes = take8(in) % 4;
	for (u32 i = 0; i < nr_changes; i++)
		set32(attr, take8(in) % (ATTR_ROOM / 4) * 4, edge(in));
	make_pointers_safe(cmd, attr);
	limit_sizes(cmd, (union bpf_attr *)attr);
	if (cmd == BPF_OBJ_GET_INFO_BY_FD)
		make_arena_safe();
	size = take8(in);
	size = size < 200 ? sizeof(union bpf_attr) : size % (ATTR_ROOM + 1);
	ret = rove_bpf(cmd, (union bpf_attr *)attr, size);
	if (ret >= 0 && gives_descriptor(cmd)) {
		if (cmd == BPF_ITER_CREATE && size & 1)
			read_some(ret);
		if (nr_fds < MAX_FDS)
			fds[nr_fds++] = ret;
		else
			close_one(ret);
	}
}

/* --- what is left ------------------------------------------------------------------------- */

static void prepare(void)
{
	u32 id;

	if (arena)
		return;
	arena = mmap(NULL, ARENA_BYTES + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		     -1, 0);
	readonly_page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (arena == MAP_FAILED || readonly_page == MAP_FAILED ||
	    mprotect(arena + ARENA_BYTES, 4096, PROT_NONE))
		abort();
	id = count_ids(BPF_BTF_GET_NEXT_ID);	/* our own BTF is made by the first call */
	check_same("objects at first", 1, id);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input in = { data, size };
	u32 nr_open, nr_made;

	prepare();
	nr_open = nr_open_descriptors();
	nr_made = nr_objects();
	memset(arena, 0, ARENA_BYTES);
	nr_fds = 0;
	for (u32 i = 0; i < MAX_CALLS && in.left; i++) {
		fill_arena(&in);
		one_call(&in);
	}
	while (nr_fds)
		close_one(fds[--nr_fds]);
	/* The thread that serves iterators lets go in its own time. */
	for (u32 i = 0; i < 10000 && (nr_objects() != nr_made || nr_open_descriptors() != nr_open); i++)
		usleep(1000);
	check_same("objects", nr_made, nr_objects());
	check_same("descriptors", nr_open, nr_open_descriptors());
	return 0;
}

#ifndef ROVE_LIBFUZZER

static u64 next_random(u64 *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seconds", required_argument, NULL, 't' },
		{ "seed", required_argument, NULL, 's' },
		{ NULL },
	};
	u64 seed = 1, seconds = 5, nr = 0;
	time_t end;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 't')
			seconds = strtoull(optarg, NULL, 0);
		else if (c == 's')
			seed = strtoull(optarg, NULL, 0) | 1;
		else
			return 2;
	}
	for (end = time(NULL) + seconds; time(NULL) < end; nr++) {
		u8 data[512];
		size_t size = next_random(&seed) % sizeof(data);

		for (size_t i = 0; i < size; i++)
			data[i] = next_random(&seed) >> 32;
		LLVMFuzzerTestOneInput(data, size);
	}
	printf("%llu inputs, none crashed or leaked\n", (unsigned long long)nr);
	return 0;
}

#endif
