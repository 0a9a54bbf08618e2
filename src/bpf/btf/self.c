/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/btf/self.c - the BTF of librove's own objects and kfuncs
 *
 * The image is made at build time and linked in.  It is parsed when first
 * asked for; threads that ask at once may each parse it, one result is kept.
 *
 * Ordering: btf.publish -> btf.observe (docs/memory-model.md).
 */
#include "base/atomic.h"
#include "bpf/btf/btf.h"

extern const u8 rove_embed_self_btf[] __attribute__((visibility("hidden")));
extern const u8 rove_embed_self_btf_end[] __attribute__((visibility("hidden")));

static struct btf *self_btf;

/**
 * btf_self_data - the image itself, for whoever is asked for "vmlinux"
 *
 * Context: any.
 */
const void *btf_self_data(u32 *ret_size)
{
	*ret_size = rove_embed_self_btf_end - rove_embed_self_btf;
	return rove_embed_self_btf;
}

static const struct btf *parse_self(void)
{
	struct btf *fresh, *found = NULL;
	const void *data;
	u32 size;

	data = btf_self_data(&size);
	if (btf_parse(data, size, NULL, NULL, NULL, &fresh))
		return NULL;
	/*
	 * ORDER btf.publish (acq_rel): the parsed BTF is complete before the
	 * pointer shows it; a loser sees the winner's.  Pairs with btf.observe
	 * in btf_self().
	 */
	if (cmpxchg_acq_rel(&self_btf, &found, fresh))
		return fresh;
	btf_put(fresh);
	return found;
}

/**
 * btf_self - the parsed image; the library's for good
 *
 * Context: may sleep.
 * Return:  NULL when there is no memory for it.
 */
const struct btf *btf_self(void)
{
	/* ORDER btf.observe (acquire): as above.  Pairs with btf.publish in parse_self(). */
	const struct btf *btf = load_acquire(&self_btf);

	return btf ? btf : parse_self();
}
