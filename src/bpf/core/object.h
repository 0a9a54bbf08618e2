/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/core/object.h - maps, programs, BTF, links and stats as things with an id and descriptors
 *
 * An object is a counted struct with an id of its kind.  Its descriptors are
 * real ones, of a memfd: so they can be duplicated, passed on and mapped, and a
 * descriptor is recognised by what it is open on, not by its number.
 *
 * Invariant: all descriptors together hold one reference, which goes away when
 *            none is open any more in this process.  A plain close(2) is noticed
 *            when the number is used again or when object_sweep() passes by.
 * Not here:  what the objects are.
 */
#ifndef ROVE_BPF_CORE_OBJECT_H
#define ROVE_BPF_CORE_OBJECT_H

#include <sys/types.h>

#include "base/refcount.h"
#include "base/types.h"

enum object_kind { OBJECT_PROG, OBJECT_MAP, OBJECT_BTF, OBJECT_LINK, OBJECT_STATS, OBJECT_KINDS };

struct object;
struct object_view;

struct object_ops {
	u8 kind;				/* enum object_kind */
	const char *memfd_name;
	/*
	 * The last descriptor is gone, and the reference of them all is about to be put;
	 * it may have been opened again meanwhile.  NULL: nobody needs to know.
	 */
	void (*closed)(struct object *obj);
	void (*free)(struct object *obj);	/* the last reference is gone */
	/*
	 * object_put() after a grace period of maps.  Context: any.  NULL: nobody needs it.
	 */
	void (*put_later)(struct object *obj);
	/* What programs see of it (bpf/core/view.h); NULL: nothing. */
	void (*view)(struct object *obj, struct object_view *ret_view);
};

/*
 * I  set before the object is published, never changed
 * O  under the registry's lock
 * A  atomic
 */
struct object {
	const struct object_ops	*ops;		/* I */
	struct refcount		refs;
	u32			id;		/* I: 1 and up, never used again */
	int			memfd;		/* I: ours alone, never handed out; -1: none yet */
	dev_t			dev;		/* I: what ->memfd is open on */
	ino_t			ino;		/* I */
	struct object		*next_ino;	/* O: others of the same hash */
	u32			nr_fds;		/* O: numbers known to be open on it */
	bool			opened;		/* O, A: the descriptors hold their reference */
	struct object		*next_lost;	/* O */
	u32			nr_lost;	/* O: references of descriptors that are to be put */
};

int object_memfd_create(const struct object_ops *ops, u64 bytes);
int object_init(struct object *obj, const struct object_ops *ops, int memfd);

static inline void object_get(struct object *obj)
{
	refcount_get(&obj->refs);
}

void object_put(struct object *obj);

/* Does some descriptor, as far as we know, still lead to it?  Context: any. */
static inline bool object_is_open(const struct object *obj)
{
	/*
	 * ORDER object.asked (seq_cst): who puts something into an object, and then sees
	 * that it is open, is followed by ->closed(), which takes it out.  Pairs with
	 * object.lost in fd_lost_locked().
	 */
	return load_seq_cst(&obj->opened);
}

int object_dup(const struct object *obj, int access);
int object_open(struct object *obj, int access);
int object_by_fd(int fd, struct object **ret_obj);
struct object *object_by_id(enum object_kind kind, u32 id);
u32 object_next_id(enum object_kind kind, u32 after);
int object_close(int fd);
void object_sweep(u32 nr_numbers);
void object_keep_lost(bool keep);
u32 object_count(enum object_kind kind);

#endif
