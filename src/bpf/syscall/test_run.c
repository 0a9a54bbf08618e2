/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/syscall/test_run.c - BPF_PROG_TEST_RUN
 *
 * `syscall` programs get a context, which is given back as they left it.  Socket
 * filters and classifiers get a packet and may be repeated.  Each refuses what is the
 * other's, as in the kernel.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "bpf/prog/prog.h"
#include "bpf/syscall/call.h"
#include "bpf/syscall/user.h"

#define ETHER_HEADER_BYTES 14
#define ETHER_TYPE_OFFSET 12
#define PACKET_MAX_BYTES (1u << 20)
#define SMALL_CTX_BYTES 512	/* on the stack */

static int check_sizes(const union bpf_attr *attr)
{
	if (!attr->test.ctx_size_in != !attr->test.ctx_in)
		return -EINVAL;
	if (!attr->test.ctx_size_out != !attr->test.ctx_out)
		return -EINVAL;
	return 0;
}

/* --- syscall programs --------------------------------------------------------------------- */

static int run_with_ctx(struct call *c, struct bpf_prog *prog, void *ctx)
{
	u32 bytes = c->attr.test.ctx_size_in, retval = 0;
	int err;

	err = user_read(ctx, c->attr.test.ctx_in, bytes);
	err = err ?: prog_run(prog, ctx, &retval);
	err = err ?: call_answer(c, test.retval, retval);
	return err ?: user_write(c->attr.test.ctx_in, ctx, bytes);
}

static int run_syscall(struct call *c, struct bpf_prog *prog)
{
	const __typeof__(c->attr.test) *t = &c->attr.test;
	u64 small[SMALL_CTX_BYTES / sizeof(u64)];
	void *ctx = small;
	int err;

	if (t->data_in || t->data_out || t->ctx_out || t->duration || t->repeat || t->flags ||
	    t->batch_size)
		return -EINVAL;
	if (t->ctx_size_in < prog->max_ctx_bytes || t->ctx_size_in > USHRT_MAX)
		return -EINVAL;
	if (t->ctx_size_in > sizeof(small)) {
		ctx = malloc(t->ctx_size_in);
		if (!ctx)
			return -ENOMEM;
	}
	err = run_with_ctx(c, prog, ctx);
	if (ctx != small)
		free(ctx);
	return err;
}

/* --- programs with packets ---------------------------------------------------------------- */

/* A filter does not see the link-layer header. */
static u32 hidden_bytes(const struct bpf_prog *prog)
{
	return prog->type == BPF_PROG_TYPE_SOCKET_FILTER ? ETHER_HEADER_BYTES : 0;
}

static struct __sk_buff packet_ctx(const struct bpf_prog *prog, const u8 *data, u32 bytes)
{
	struct __sk_buff ctx = { .len = bytes - hidden_bytes(prog) };
	u16 protocol;

	memcpy(&protocol, data + ETHER_TYPE_OFFSET, sizeof(protocol));
	ctx.protocol = protocol;
	return ctx;
}

/* @ret_ns: of one run, on average. */
static int run_repeatedly(struct bpf_prog *prog, struct __sk_buff *ctx, u32 repeat,
			  u32 *ret_value, u32 *ret_ns)
{
	u64 start = clock_mono_ns(), ns;
	int err = 0;

	for (u32 i = 0; i < repeat && !err; i++)
		err = prog_run(prog, ctx, ret_value);
	ns = (clock_mono_ns() - start) / repeat;
	*ret_ns = min(ns, (u64)UINT32_MAX);
	return err;
}

/* What programs see of the packet is unchanged; what they do not see is gone. */
static int give_packet(struct call *c, const struct bpf_prog *prog, u8 *data, u32 bytes)
{
	u32 room = c->attr.test.data_size_out ?: bytes;

	memset(data, 0, hidden_bytes(prog));
	if (!c->attr.test.data_out)
		return 0;
	return user_write(c->attr.test.data_out, data, min(room, bytes));
}

static int run_on_packet(struct call *c, struct bpf_prog *prog, u8 *data)
{
	u32 bytes = c->attr.test.data_size_in, retval = 0, ns = 0;
	u32 room = c->attr.test.data_size_out;
	int short_of_room = room && room < bytes ? -ENOSPC : 0;
	struct __sk_buff ctx = packet_ctx(prog, data, bytes);
	int err;

	err = run_repeatedly(prog, &ctx, c->attr.test.repeat ?: 1, &retval, &ns);
	if (err)
		return err;
	err = give_packet(c, prog, data, bytes);
	err = err ?: call_answer(c, test.data_size_out, bytes);
	err = err ?: call_answer(c, test.retval, retval);
	err = err ?: call_answer(c, test.duration, ns);
	return short_of_room ?: err;
}

static int run_packet(struct call *c, struct bpf_prog *prog)
{
	const __typeof__(c->attr.test) *t = &c->attr.test;
	void *data;
	int err;

	if (t->flags || t->cpu || t->batch_size || t->ctx_in || t->ctx_out)
		return -EINVAL;
	if (t->data_size_in < ETHER_HEADER_BYTES || t->data_size_in > PACKET_MAX_BYTES)
		return -EINVAL;
	err = user_dup(t->data_in, t->data_size_in, &data);
	if (err)
		return err;
	err = run_on_packet(c, prog, data);
	free(data);
	return err;
}

int cmd_prog_test_run(struct call *c)
{
	struct bpf_prog *prog;
	int err = check_sizes(&c->attr);

	if (err)
		return err;
	err = prog_by_fd(c->attr.test.prog_fd, &prog);
	if (err)
		return err;
	switch (prog->type) {
	case BPF_PROG_TYPE_SYSCALL:
		err = run_syscall(c, prog);
		break;
	case BPF_PROG_TYPE_SOCKET_FILTER:
	case BPF_PROG_TYPE_SCHED_CLS:
		err = run_packet(c, prog);
		break;
	default:
		err = -ENOTSUPP;
		break;
	}
	prog_put(prog);
	return err;
}
