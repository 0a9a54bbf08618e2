/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/helper/sys.c - bpf(2) and close(2) for programs of BPF_PROG_TYPE_SYSCALL
 *
 * What loads other programs from inside of one, as light skeletons do.  The program is in a
 * read section meanwhile, so nothing here may wait for running programs to end.
 */
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/context.h"
#include "bpf/btf/btf.h"
#include "bpf/helper/helper.h"

int (*helper_bpf_call)(int cmd, u64 attr, u32 size);

/* cmd, attr, size */
HELPER(helper_sys_bpf)
{
	ctx_may_sleep();
	return (s64)helper_bpf_call(r1, r2, r3);
}

/*
 * fd.  What it led to ends when the next call of bpf(2) finds it closed, as after close(2) by
 * anybody: that may wait for programs.
 */
HELPER(helper_sys_close)
{
	ctx_may_sleep();
	return syscall(SYS_close, (int)r1) ? (u64)(s64)-errno : 0;
}

/* name, its bytes with the NUL, kind, flags */
HELPER(helper_btf_find_by_name_kind)
{
	const char *name = (const char *)r1;
	u32 bytes = r2, id;

	ctx_may_sleep();
	if (r4 || bytes <= 1 || name[bytes - 1])
		return (u64)(s64)-EINVAL;
	id = btf_find(btf_self(), name, r3);
	return id ?: (u64)(s64)-ENOENT;
}
