/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/helper/current.c - who runs the program, and small things
 */
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mutex.h"
#include "bpf/helper/helper.h"

#define COMM_BYTES 16

HELPER(helper_get_smp_processor_id)
{
	int cpu = sched_getcpu();

	return cpu < 0 ? 0 : cpu;
}

/* Process above, thread below. */
HELPER(helper_get_current_pid_tgid)
{
	return (u64)getpid() << 32 | mutex_self();
}

/* Group above, user below. */
HELPER(helper_get_current_uid_gid)
{
	return (u64)getgid() << 32 | getuid();
}

/* buf, size; cut to fit, zero to the end */
HELPER(helper_get_current_comm)
{
	char comm[COMM_BYTES + 1] = "";
	char *buf = (char *)r1;
	u32 size = r2;

	if (!size || prctl(PR_GET_NAME, comm)) {
		memset(buf, 0, size);
		return -EINVAL;
	}
	strncpy(buf, comm, size - 1);
	buf[size - 1] = 0;
	return 0;
}

/* Not for secrets.  Each thread has its own sequence. */
HELPER(helper_get_prandom_u32)
{
	static __thread u64 state __attribute__((tls_model("initial-exec")));
	u64 z;

	if (!state && getrandom(&state, sizeof(state), GRND_NONBLOCK) != sizeof(state))
		state = (uintptr_t)&state;
	state += 0x9e3779b97f4a7c15ull;
	z = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9ull;
	return (u32)((z ^ (z >> 27)) * 0x94d049bb133111ebull >> 32);
}

/* s1, its size, s2 */
HELPER(helper_strncmp)
{
	return (s64)strncmp((const char *)r1, (const char *)r3, r2);
}
