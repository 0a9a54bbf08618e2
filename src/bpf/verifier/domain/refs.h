/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/domain/refs.h - what a path holds and must give back
 *
 * Objects, iterators, locks and sections, oldest first.
 *
 * Invariant: ids are not 0 and differ; ->nr_of[] counts them by kind.
 * Not here:  whether giving back is allowed now (typestate/), values that die
 *            with a reference (exec/effects.c).
 */
#ifndef ROVE_BPF_VERIFIER_DOMAIN_REFS_H
#define ROVE_BPF_VERIFIER_DOMAIN_REFS_H

#include "base/types.h"
#include "bpf/verifier/domain/value.h"

enum ref_kind {
	REF_OBJECT,	/* a kfunc's or helper's acquired pointer, a ring-buffer record */
	REF_ITER,	/* an open-coded iterator between new and destroy */
	REF_LOCK,	/* a spin lock; ->key and ->key_uid say which */
	REF_RCU,	/* an RCU read section, counted */
	REF_PREEMPT,	/* preemption disabled, counted */
	REF_IRQ,	/* interrupts disabled; leave in reverse order */
	REF_KINDS,
};

struct ref {
	u8 kind;		/* enum ref_kind */
	u32 id;			/* value.ref of whatever lives and dies with it */
	u32 pc;			/* instruction that acquired it */
	u32 key_uid;		/* with ->key: value.map.uid or the like; 0: none */
	const void *key;	/* what is held, compared by address; NULL: nothing more to say */
};

struct refset {
	struct ref *ref;	/* oldest first; NULL when nr is 0 */
	u32 nr;
	u32 cap;
	u16 nr_of[REF_KINDS];
};

/* An empty set is { 0 }; this gives its memory back and makes it empty. */
void refs_clear(struct refset *set);

/**
 * refs_copy - @dst becomes a copy of @src
 * @dst:  an initialised set; its memory is used again when it suffices
 *
 * Context: thread.
 * Return:  0, or -ENOMEM; then @dst is unchanged.
 */
int refs_copy(struct refset *dst, const struct refset *src);

/**
 * refs_acquire - hold one more; see vstate_acquire() for a new id
 * @ref:  copied; ->id is not 0 and not in @set
 *
 * Context: thread.
 * Return:  0 or -ENOMEM.
 */
int refs_acquire(struct refset *set, const struct ref *ref);

/**
 * refs_release - hold one less
 *
 * Context: any.
 * Return:  0, or -ENOENT: @id is not held.
 */
int refs_release(struct refset *set, u32 id);

/* What is held under @id, or NULL. */
const struct ref *refs_find(const struct refset *set, u32 id);

/* The newest of a kind, or NULL. */
const struct ref *refs_last(const struct refset *set, enum ref_kind kind);

/* How many of a kind are held: the depth of a counted section. */
u32 refs_count(const struct refset *set, enum ref_kind kind);

/* The oldest thing that is still held, or NULL: to be reported when the path ends. */
const struct ref *refs_first_leak(const struct refset *set);

/* The same things in the same order, identities through @ids; where they were acquired aside. */
bool refs_cover(const struct refset *old, const struct refset *cur, struct idmap *ids);

#endif
