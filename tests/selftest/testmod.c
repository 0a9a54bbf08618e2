/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/selftest/testmod.c - the functions of the kernel's test module that its programs call here
 *
 * They are linked beside the library and described in its BTF (tests/selftest/common.sh,
 * more_kfuncs), so a program calls them by the names and with the rules that they have in the
 * kernel; and they count, so that the driver knows that they were.
 */
#include <string.h>

#include "bpf/kfunc/kfunc.h"
#include "tests/selftest/testmod.h"

unsigned int testmod_common_calls, testmod_sleepable_calls;

void bpf_kfunc_common_test(void);
void bpf_kfunc_call_test_sleepable(void);
const struct kfunc *__real_kfunc_find(const char *name);
const struct kfunc *__wrap_kfunc_find(const char *name);

void bpf_kfunc_common_test(void)
{
	__atomic_fetch_add(&testmod_common_calls, 1, __ATOMIC_RELAXED);
}

void bpf_kfunc_call_test_sleepable(void)
{
	__atomic_fetch_add(&testmod_sleepable_calls, 1, __ATOMIC_RELAXED);
}

static const struct kfunc kfuncs[] = {
	{ "bpf_kfunc_common_test", .fn = ANY_FN(bpf_kfunc_common_test) },
	{ "bpf_kfunc_call_test_sleepable", KF_SLEEPABLE,
	  .fn = ANY_FN(bpf_kfunc_call_test_sleepable) },
	{ NULL },
};

const struct kfunc *__wrap_kfunc_find(const char *name)
{
	for (const struct kfunc *k = kfuncs; k->name; k++)
		if (!strcmp(k->name, name))
			return k;
	return __real_kfunc_find(name);
}
