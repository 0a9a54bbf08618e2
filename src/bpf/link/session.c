/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/link/session.c - read a walk through a descriptor
 *
 * Nothing tells a user-space library that somebody waits in read(2).  So the
 * descriptor is one end of a stream, and a thread (serve.c) keeps the stream
 * filled: it runs the program no further ahead than the stream has room, and it
 * learns at once when the reader's end is closed.  A caller who asks us directly
 * (iter_session_read()) takes what is in the stream, and then runs the program
 * itself.
 *
 * Invariant: bytes enter the stream, or are taken from the walk directly, under
 *            ->lock; directly only while the stream is empty.
 *
 * An error cannot be sent.  A byte lies in our end from the beginning: if our
 * end is closed with it, the reader finds what was sent before, then
 * ECONNRESET; if it is taken out before, the reader finds the end.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/context.h"
#include "bpf/link/session.h"

#define PRIVATE_FD_MIN 256	/* ours stay out of the way of small numbers */
#define STREAM_BYTES (64 << 10)

static int run_program(void *arg, const struct iter_ctx *ctx, u32 *ret_value)
{
	return prog_run(arg, ctx, ret_value);
}

/* Context: may sleep: the last one gives everything back. */
void iter_session_put(struct iter_session *s)
{
	if (!refcount_put(&s->refs))
		return;
	ctx_may_sleep();
	iter_walk_fini(&s->walk);
	close(s->sock);
	prog_put(s->prog);
	map_put(s->map);
	free(s);
}

/* --- making ------------------------------------------------------------------------------- */

/* The reader's end gets the smallest number; what it writes goes nowhere. */
static int make_stream(int *ret_reader, int *ret_ours)
{
	int ends[2], ours, room = STREAM_BYTES;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return -errno;
	ours = fcntl(ends[1], F_DUPFD_CLOEXEC, PRIVATE_FD_MIN);
	if (ours < 0)
		ours = ends[1];	/* a small RLIMIT_NOFILE */
	else
		close(ends[1]);
	setsockopt(ours, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	if (send(ends[0], "", 1, MSG_NOSIGNAL) != 1 || shutdown(ends[0], SHUT_WR)) {
		close(ends[0]);
		close(ours);
		return -ENOBUFS;
	}
	*ret_reader = ends[0];
	*ret_ours = ours;
	return 0;
}

static int session_create(struct bpf_link *link, enum iter_serve serve, int reader, int ours,
			  struct iter_session **ret_session)
{
	struct iter_bind bind = { .map = link->map };
	struct iter_session *s;
	struct stat st;
	int err;

	if (!link->target)
		return -EINVAL;
	if (fstat(reader, &st))
		return -errno;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->refs = (struct refcount)REFCOUNT_INIT(1);
	s->dev = st.st_dev;
	s->ino = st.st_ino;
	s->sock = ours;
	s->served = serve == ITER_SERVE_READ;
	mutex_init(&s->lock);
	err = iter_walk_init(&s->walk, link->target, &bind);
	if (err) {
		free(s);
		return err;
	}
	s->prog = link_prog(link);
	s->walk.run = run_program;
	s->walk.arg = s->prog;
	s->map = link->map;
	if (s->map)
		map_get(s->map);
	*ret_session = s;
	return 0;
}

/**
 * iter_session_open - begin a walk
 * @link: the walk runs the program that it has now
 *
 * A descriptor that is read with iter_session_read() only never makes read(2) wait.
 *
 * Context: may sleep.
 * Return:  a descriptor, or -errno.
 */
int iter_session_open(struct bpf_link *link, enum iter_serve serve)
{
	struct iter_session *s = NULL;
	int reader = -1, ours = -1, err;

	ctx_may_sleep();
	err = make_stream(&reader, &ours);
	if (err)
		return err;
	if (serve == ITER_SERVE_CALLS)
		fcntl(reader, F_SETFL, O_NONBLOCK);
	err = session_create(link, serve, reader, ours, &s);
	if (err) {
		close(ours);
		close(reader);
		return err;
	}
	err = serve_add(s);
	if (err) {
		iter_session_put(s);
		close(reader);
		return err;
	}
	return reader;
}

/* --- serving read(2) ---------------------------------------------------------------------- */

static enum serve_more serve_locked(struct iter_session *s)
{
	ssize_t sent;
	char mark;
	int err;

	assert_held(&s->lock);
	err = iter_walk_fill(&s->walk, s->walk.seq.size);
	if (err == -EAGAIN && s->walk.paused)
		return SERVE_MORE;
	if (err) {
		s->err = err;
		return SERVE_FAILED;
	}
	if (!iter_walk_left(&s->walk)) {
		recv(s->sock, &mark, 1, MSG_DONTWAIT);
		shutdown(s->sock, SHUT_WR);
		return SERVE_OVER;
	}
	sent = send(s->sock, iter_walk_bytes(&s->walk), iter_walk_left(&s->walk),
		    MSG_DONTWAIT | MSG_NOSIGNAL);
	if (sent > 0)
		iter_walk_take(&s->walk, sent);
	return SERVE_MORE;
}

/**
 * iter_session_serve - put more into the stream, if there is room
 * @ret_err: why the walk failed, or 0
 *
 * Context: may sleep.
 */
enum serve_more iter_session_serve(struct iter_session *s, int *ret_err)
{
	enum serve_more more = SERVE_OVER;

	mutex_lock(&s->lock);
	if (!s->over)
		more = serve_locked(s);
	s->over |= more != SERVE_MORE;
	*ret_err = s->err;
	mutex_unlock(&s->lock);
	return more;
}

/* --- being asked ------------------------------------------------------------------------- */

static ssize_t read_directly(struct iter_session *s, void *buf, size_t bytes)
{
	int err = iter_walk_fill(&s->walk, bytes);

	assert_held(&s->lock);
	if (err)
		return err;
	bytes = min((u64)bytes, iter_walk_left(&s->walk));
	memcpy(buf, iter_walk_bytes(&s->walk), bytes);
	iter_walk_take(&s->walk, bytes);
	return bytes;
}

/* What the thread has put into the stream comes first. */
static ssize_t read_locked(struct iter_session *s, int fd, void *buf, size_t bytes)
{
	ssize_t n = s->served ? recv(fd, buf, bytes, MSG_DONTWAIT) : -1;

	if (n >= 0)
		return n;
	if (s->served && errno != EAGAIN)
		return -errno;
	return read_directly(s, buf, bytes);
}

/* The walk is over: what is left in the stream, and then why. */
static ssize_t read_over(struct iter_session *s, int fd, void *buf, size_t bytes)
{
	ssize_t n = recv(fd, buf, bytes, MSG_DONTWAIT);

	assert_held(&s->lock);
	return n >= 0 ? n : s->err;
}

/* The same when there is no session any more.  A socket's error is told once, the reason again. */
static ssize_t read_rest(int fd, const struct stat *st, void *buf, size_t bytes)
{
	ssize_t n = recv(fd, buf, bytes, MSG_DONTWAIT);
	int err = -errno, failure;

	if (n > 0)
		return n;
	if (n < 0 && (err == -ENOTSOCK || err == -EAGAIN))
		return -EINVAL;	/* not one of ours */
	failure = serve_failure(st->st_dev, st->st_ino);
	return failure ?: n < 0 ? err : 0;
}

/**
 * iter_session_read - read(2) of an iterator's descriptor, with the errors of a walk
 * @fd:  from iter_session_open(), or a duplicate
 *
 * Context: may sleep.
 * Return:  bytes, 0 at the end; -EBADF, -EINVAL (not an iterator's descriptor); what
 *          iter_walk_fill() says.
 */
ssize_t iter_session_read(int fd, void *buf, size_t bytes)
{
	struct iter_session *s;
	struct stat st;
	ssize_t n;

	ctx_may_sleep();
	if (fstat(fd, &st))
		return -EBADF;
	if (!bytes)
		return 0;
	s = serve_find(st.st_dev, st.st_ino);
	if (!s)
		return read_rest(fd, &st, buf, bytes);
	mutex_lock(&s->lock);
	n = s->over ? read_over(s, fd, buf, bytes) : read_locked(s, fd, buf, bytes);
	mutex_unlock(&s->lock);
	iter_session_put(s);
	return n;
}

/**
 * iter_session_close - close an iterator's descriptor, and notice at once
 *
 * Context: may sleep.
 * Return:  0, or -EBADF: not open, or not an iterator's; then nothing is closed.
 */
int iter_session_close(int fd)
{
	struct iter_session *s;
	struct stat st;

	ctx_may_sleep();
	if (fstat(fd, &st))
		return -EBADF;
	s = serve_find(st.st_dev, st.st_ino);
	if (!s)
		return -EBADF;
	close(fd);
	serve_closed(s);
	iter_session_put(s);
	return 0;
}
