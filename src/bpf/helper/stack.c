/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/helper/stack.c - user stacks, and what else an event's program asks for
 *
 * A stack is walked by frame pointers, like the kernel's: code that is compiled without
 * them is skipped or ends the walk.  Every word is read with a check.  There is no
 * kernel's stack here: it is empty, as the kernel's is when user code is sampled.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/checked_copy.h"
#include "bpf/helper/helper.h"
#include "bpf/helper/sample.h"
#include "bpf/map/stack_trace.h"

#define SKIP_AND_USER (BPF_F_SKIP_FIELD_MASK | BPF_F_USER_STACK)
#define STACK_FLAGS (SKIP_AND_USER | BPF_F_USER_BUILD_ID)
#define STACKID_FLAGS (SKIP_AND_USER | BPF_F_FAST_STACK_CMP | BPF_F_REUSE_STACKID)

__thread struct run_origin run_origin __attribute__((tls_model("initial-exec")));

/**
 * user_stack_walk - the return addresses above a point of the calling thread's code
 * @from: ->pc 0: there is none, so nothing is found
 * @ips:  room for @max; innermost first, beginning with ->pc
 *
 * Ends where a frame pointer is not above the last one, is not aligned, or cannot be read.
 *
 * Context: any.
 * Return:  how many.
 */
u32 user_stack_walk(const struct user_frame *from, u64 *ips, u32 max)
{
	u64 fp = from->fp, above = from->sp;
	u32 nr = 0;

	if (!from->pc || !max)
		return 0;
	ips[nr++] = from->pc;
	while (nr < max && fp >= above && !(fp & 7)) {
		u64 next, pc;

		if (checked_load(fp, 8, &next) || checked_load(fp + 8, 8, &pc) || !pc)
			break;
		ips[nr++] = pc;
		above = fp + 16;
		fp = next;
	}
	return nr;
}

static u32 walk(u64 flags, u64 *ips, u32 max)
{
	if (!(flags & BPF_F_USER_STACK))
		return 0;
	return user_stack_walk(&run_origin.user, ips, min(max, USER_STACK_MAX));
}

/* Which file an address is of cannot be found out here: the address itself is told. */
static void put_build_ids(struct bpf_stack_build_id *to, const u64 *ips, u32 nr)
{
	for (u32 i = 0; i < nr; i++) {
		memset(&to[i], 0, sizeof(to[i]));
		to[i].status = BPF_STACK_BUILD_ID_IP;
		to[i].ip = ips[i];
	}
}

static s64 get_stack(void *buf, u32 size, u64 flags)
{
	u32 skip = flags & BPF_F_SKIP_FIELD_MASK, nr;
	bool ids = flags & BPF_F_USER_BUILD_ID;
	u32 each = ids ? sizeof(struct bpf_stack_build_id) : sizeof(u64);
	u64 ips[USER_STACK_MAX];

	if (flags & ~(u64)STACK_FLAGS || (ids && !(flags & BPF_F_USER_STACK)) || size % each)
		return -EINVAL;
	nr = walk(flags, ips, size / each + skip);
	if (nr < skip)
		return -EFAULT;
	nr = min(nr - skip, size / each);
	if (ids)
		put_build_ids(buf, ips + skip, nr);
	else
		memcpy(buf, ips + skip, nr * sizeof(u64));
	return nr * each;
}

/* ctx, buf, size, flags; the bytes used, the rest of buf is zero */
HELPER(helper_get_stack)
{
	s64 bytes = get_stack((void *)r2, r3, r4);
	u32 used = bytes < 0 ? 0 : bytes;

	memset((char *)r2 + used, 0, (u32)r3 - used);
	return bytes;
}

/* ctx, map, flags; a number for the stack */
HELPER(helper_get_stackid)
{
	u64 ips[USER_STACK_MAX];
	u32 nr;

	if (r3 & ~(u64)STACKID_FLAGS)
		return -EINVAL;
	nr = walk(r3, ips, USER_STACK_MAX);
	return (s64)stack_trace_id((struct bpf_map *)r2, ips, nr, r3);
}

/* --- of events only ----------------------------------------------------------------------- */

/*
 * A descriptor does not tell the format in which its event is read.  The value alone has
 * one size; with both times behind it there is a format of the same size with an id.
 */
static int read_value(int fd, struct bpf_perf_event_value *ret_value)
{
	u64 words[8];
	ssize_t bytes = read(fd, words, sizeof(words));

	memset(ret_value, 0, sizeof(*ret_value));
	if (bytes < 0)
		return -errno;
	if (bytes != 8 && (bytes != 24 || words[2] > words[1]))
		return -EOPNOTSUPP;
	ret_value->counter = words[0];
	if (bytes == 24) {
		ret_value->enabled = words[1];
		ret_value->running = words[2];
	}
	return 0;
}

/* ctx, buf, size */
HELPER(helper_perf_prog_read_value)
{
	const struct perf_sample *sample = (const struct perf_sample *)r1;
	struct bpf_perf_event_value value;
	int err = (u32)r3 == sizeof(value) ? read_value(sample->fd, &value) : -EINVAL;

	if (err)
		memset((void *)r2, 0, (u32)r3);
	else
		memcpy((void *)r2, &value, sizeof(value));
	return (s64)err;
}

/* ctx */
HELPER(helper_get_attach_cookie)
{
	return ((const struct perf_sample *)r1)->cookie;
}
