/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/kfunc/kfunc.c - all kfuncs by name
 */
#include <string.h>

#include "bpf/kfunc/kfunc.h"

static const struct kfunc *const subjects[] = { kfuncs_iter_num, kfuncs_cast, kfuncs_wakeup,
						kfuncs_dmabuf, kfuncs_async, kfuncs_map };

/**
 * kfunc_find - a kfunc by its name
 *
 * Context: any.
 * Return:  NULL: there is none.
 */
const struct kfunc *kfunc_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(subjects); i++)
		for (const struct kfunc *k = subjects[i]; k->name; k++)
			if (!strcmp(k->name, name))
				return k;
	return NULL;
}
