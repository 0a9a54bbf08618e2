/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/helper/probe.c - read from addresses nobody has checked
 */
#include "base/checked_copy.h"
#include "bpf/helper/helper.h"

/* dst, size, address; dst is zero on failure */
HELPER(helper_probe_read)
{
	return checked_copy((void *)r1, r3, r2);
}

/* dst, size, address; the length counts the NUL */
HELPER(helper_probe_read_str)
{
	return checked_copy_str((void *)r1, r3, r2);
}
