/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/link/session.h - one walk, and the two ends of the stream that carries it
 *
 * Within bpf/link.
 */
#ifndef ROVE_BPF_LINK_SESSION_H
#define ROVE_BPF_LINK_SESSION_H

#include "base/list.h"
#include "bpf/link/link.h"

/*
 * I  set before the session is listed, never changed
 * L  under ->lock
 * S  under the list's lock (serve.c)
 */
struct iter_session {
	struct refcount		refs;		/* one while listed, one for each who uses it */
	struct list_head	entry;		/* S */
	bool			listed;		/* S */
	u64			number;		/* S: never used again */
	struct bpf_prog		*prog;		/* I: referenced */
	struct bpf_map		*map;		/* I: referenced, or NULL */
	dev_t			dev;		/* I: the reader's end */
	ino_t			ino;		/* I */
	int			sock;		/* I: our end */
	bool			served;		/* I: read(2) is answered */
	struct mutex		lock;		/* one reader at a time; outside the target's locks */
	struct iter_walk	walk;		/* L */
	bool			over;		/* L: nothing more goes into the stream */
	int			err;		/* L: why it is over; 0: that was all */
};

enum serve_more {
	SERVE_MORE,		/* the stream has room again when epoll says so */
	SERVE_OVER,		/* everything was sent */
	SERVE_FAILED,		/* as far as it goes: the error is the reader's */
};

/* *ret_err: set for SERVE_FAILED */
enum serve_more iter_session_serve(struct iter_session *s, int *ret_err);
void iter_session_put(struct iter_session *s);

/* serve.c */
int serve_add(struct iter_session *s);
struct iter_session *serve_find(dev_t dev, ino_t ino);
void serve_closed(struct iter_session *s);
int serve_failure(dev_t dev, ino_t ino);

#endif
