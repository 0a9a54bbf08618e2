/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/unit/link/iter.h - programs of iterators, links and descriptors, a call a line
 */
#ifndef ROVE_TESTS_UNIT_LINK_ITER_H
#define ROVE_TESTS_UNIT_LINK_ITER_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <rove/dmabuf.h>

#include "bpf/btf/btf.h"
#include "bpf/kfunc/kfunc.h"
#include "tests/unit/syscall/bpf.h"

#define SEQ_WRITE CALL(BPF_FUNC_seq_write)
#define PAGE 4096

/* r1 = the file to write to; the context is in r6. */
#define SEQ_IN_R1 LDX(BPF_DW, 1, 6, 0), LDX(BPF_DW, 1, 1, 0)
/* The last @bytes of the stack go to it. */
#define WRITE_AND_EXIT(bytes) \
	SEQ_IN_R1, MOV_X(2, 10), ADD_K(2, -(bytes)), MOV_K(3, bytes), SEQ_WRITE, MOV_K(0, 0), EXIT()
#define SEQ_NUM_IN(r) LDX(BPF_DW, r, 6, 0), LDX(BPF_DW, r, r, 16)

static inline u32 func_id(const char *name)
{
	return btf_find(btf_self(), name, BTF_KIND_FUNC);
}

/* A program for SEC("iter/@target"). */
static inline int iter_prog_flags(const char *target, const struct bpf_insn *insns, u32 nr,
				  u32 flags)
{
	char func[64];

	snprintf(func, sizeof(func), "bpf_iter_%s", target);
	return BPF(BPF_PROG_LOAD, .prog_type = BPF_PROG_TYPE_TRACING,
		   .expected_attach_type = BPF_TRACE_ITER, .insns = PTR(insns), .insn_cnt = nr,
		   .license = PTR("Dual BSD/GPL"), .prog_flags = flags,
		   .attach_btf_id = func_id(func));
}

#define ITER_PROG(target, insns) iter_prog_flags((target), (insns), ARRAY_SIZE(insns), 0)

static inline int link_new(int prog)
{
	return BPF(BPF_LINK_CREATE, .link_create = { .prog_fd = prog,
						     .attach_type = BPF_TRACE_ITER });
}

static inline int link_to_map(int prog, int map)
{
	union bpf_iter_link_info info = { .map.map_fd = map };

	return BPF(BPF_LINK_CREATE, .link_create = { .prog_fd = prog,
						     .attach_type = BPF_TRACE_ITER,
						     .iter_info = PTR(&info),
						     .iter_info_len = sizeof(info) });
}

static inline int iter_new(int link)
{
	return BPF(BPF_ITER_CREATE, .iter_create = { .link_fd = link });
}

/* For each object: eight bytes, its number in the walk. */
static const struct bpf_insn write_numbers[] = {
	MOV_X(6, 1),
	LDX(BPF_DW, 2, 6, 8),
	JMP_K(BPF_JEQ, 2, 0, 9),
	SEQ_NUM_IN(3),
	STX(BPF_DW, 10, 3, -8),
	WRITE_AND_EXIT(8),
};

/* Everything there is, @chunk bytes at a time.  Bytes, or -errno. */
static inline ssize_t read_all(int fd, char *buf, size_t room, size_t chunk)
{
	size_t have = 0;
	ssize_t n;

	while ((n = read(fd, buf + have, chunk < room - have ? chunk : room - have)) > 0)
		have += n;
	return n < 0 ? -errno : (ssize_t)have;
}

static inline ssize_t ask_all(int fd, char *buf, size_t room, size_t chunk)
{
	size_t have = 0;
	ssize_t n;

	while ((n = rove_bpf_iter_read(fd, buf + have,
				       chunk < room - have ? chunk : room - have)) > 0)
		have += n;
	return n < 0 ? n : (ssize_t)have;
}

/* @nr buffers of a page. */
static inline void buffers_new(struct dma_buf **bufs, u32 nr)
{
	for (u32 i = 0; i < nr; i++)
		if (rove_dma_buf_export(PAGE, "test", NULL, &bufs[i]))
			abort();
}

static inline void buffers_put(struct dma_buf **bufs, u32 nr)
{
	for (u32 i = 0; i < nr; i++)
		rove_dma_buf_put(bufs[i]);
}

#endif
