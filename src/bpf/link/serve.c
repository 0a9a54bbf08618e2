/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/link/serve.c - the thread that keeps streams filled
 *
 * One for all iterators, while there are any.  It puts more into a stream when
 * there is room, and gives a walk back when the other end was closed.
 *
 * Invariant: a session is listed as long as its stream is open on our side; the
 *            thread runs as long as one is listed.
 */
#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/atfork.h"
#include "base/context.h"
#include "base/thread.h"
#include "bpf/link/session.h"

#define EVENTS_AT_ONCE 16
#define FAILURES_KEPT 64	/* for readers who ask why, a power of two */

struct failure {
	dev_t dev;
	ino_t ino;
	int err;
};

/* All of it under ->lock. */
static struct {
	struct mutex lock;		/* leaf, but for the thread's creation */
	struct list_head sessions;
	int epoll_fd;
	int wake_fd;			/* an eventfd: look whether there is still something to do */
	bool running;
	bool forks_seen;
	struct failure failures[FAILURES_KEPT];
	u32 nr_failures;
	u64 last_number;
} serve = { .lock = MUTEX_INIT, .sessions = LIST_INIT(serve.sessions), .epoll_fd = -1,
	    .wake_fd = -1 };

/* --- the thread --------------------------------------------------------------------------- */

static void remember_locked(const struct iter_session *s, int err)
{
	struct failure *f = &serve.failures[serve.nr_failures++ & (FAILURES_KEPT - 1)];

	assert_held(&serve.lock);
	*f = (struct failure){ .dev = s->dev, .ino = s->ino, .err = err };
}

static struct failure *find_failure_locked(dev_t dev, ino_t ino)
{
	for (u32 i = 0; i < FAILURES_KEPT; i++) {
		struct failure *f = &serve.failures[i];

		if (f->err && f->ino == ino && f->dev == dev)
			return f;
	}
	return NULL;
}

/* The inode is a new stream's now. */
static void forget_locked(const struct iter_session *s)
{
	struct failure *f = find_failure_locked(s->dev, s->ino);

	if (f)
		f->err = 0;
}

/* The last session went another way than by the thread, which waits for events of it. */
static void wake_if_idle_locked(void)
{
	u64 one = 1;

	assert_held(&serve.lock);
	if (list_empty(&serve.sessions) && write(serve.wake_fd, &one, sizeof(one)) < 0)
		return;	/* it is full: the thread is awake */
}

/* @err: what the reader is to be told, or 0.  The caller holds a reference. */
static void give_up(struct iter_session *s, int err)
{
	bool listed;

	mutex_lock(&serve.lock);
	listed = s->listed;
	if (listed) {
		epoll_ctl(serve.epoll_fd, EPOLL_CTL_DEL, s->sock, NULL);
		list_del(&s->entry);
		wake_if_idle_locked();
	}
	s->listed = false;
	if (err)
		remember_locked(s, err);
	mutex_unlock(&serve.lock);
	if (listed)
		iter_session_put(s);
}

/* By number: what an event says may be about a session that has gone meanwhile. */
static struct iter_session *find_number(u64 number)
{
	struct iter_session *s, *found = NULL;

	mutex_lock(&serve.lock);
	list_for_each_entry(s, &serve.sessions, entry)
		if (s->number == number)
			found = s;
	if (found)
		refcount_get(&found->refs);
	mutex_unlock(&serve.lock);
	return found;
}

static void handle(u64 number, u32 events)
{
	struct iter_session *s = find_number(number);
	int err = 0;

	if (!s)
		return;
	if (events & (EPOLLHUP | EPOLLERR))
		give_up(s, 0);
	else if (iter_session_serve(s, &err) != SERVE_MORE)
		give_up(s, err);
	iter_session_put(s);
}

/**
 * serve_closed - a reader's end was closed, perhaps the last: notice at once
 * @s: the caller holds a reference
 *
 * Context: may sleep.
 */
void serve_closed(struct iter_session *s)
{
	struct pollfd at = { .fd = s->sock };

	ctx_may_sleep();
	if (poll(&at, 1, 0) == 1 && at.revents & (POLLHUP | POLLERR))
		give_up(s, 0);
}

static void close_fds_locked(void)
{
	if (serve.epoll_fd >= 0)
		close(serve.epoll_fd);
	if (serve.wake_fd >= 0)
		close(serve.wake_fd);
	serve.epoll_fd = serve.wake_fd = -1;
}

/* True: nothing is left to do, and the next session starts another thread. */
static bool may_end(void)
{
	bool end;

	mutex_lock(&serve.lock);
	end = list_empty(&serve.sessions);
	if (end) {
		close_fds_locked();
		serve.running = false;
	}
	mutex_unlock(&serve.lock);
	return end;
}

static void *serve_thread(void *arg)
{
	struct epoll_event events[EVENTS_AT_ONCE];
	int epoll_fd = (int)(intptr_t)arg;

	do {
		int nr = epoll_wait(epoll_fd, events, EVENTS_AT_ONCE, -1);

		for (int i = 0; i < nr; i++)
			handle(events[i].data.u64, events[i].events);
	} while (!may_end());
	return NULL;
}

/* --- who lists and finds ------------------------------------------------------------------ */

static __thread struct atfork forking __attribute__((tls_model("initial-exec")));

static void before_fork(void)
{
	if (atfork_begin(&forking))
		atfork_lock(&serve.lock);
}

static void after_fork_here(void)
{
	if (atfork_end(&forking))
		atfork_unlock(&serve.lock);
}

/*
 * The parent's thread goes on serving; the child has only copies of our ends,
 * which would keep streams open that the parent closes.
 */
static void after_fork_in_child(void)
{
	struct iter_session *s;

	if (!atfork_end(&forking))
		return;		/* it may call exec() and _exit(), which close all of it */
	list_for_each_entry(s, &serve.sessions, entry)
		close(s->sock);
	close_fds_locked();
	list_init(&serve.sessions);
	serve.running = false;
	atfork_unlock(&serve.lock);
}

static int open_fds_locked(void)
{
	/* Number 0 is no session's.  Each write is one edge; nobody reads. */
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };

	serve.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	serve.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (serve.epoll_fd < 0 || serve.wake_fd < 0 ||
	    epoll_ctl(serve.epoll_fd, EPOLL_CTL_ADD, serve.wake_fd, &event))
		return -errno;
	return 0;
}

static int start_locked(void)
{
	pthread_t thread;
	int err = 0;

	assert_held(&serve.lock);
	if (serve.running)
		return 0;
	if (!serve.forks_seen)
		err = -pthread_atfork(before_fork, after_fork_here, after_fork_in_child);
	if (err)
		return err;
	serve.forks_seen = true;
	err = open_fds_locked();
	err = err ?: thread_create("rove-iter", serve_thread, (void *)(intptr_t)serve.epoll_fd,
				   &thread);
	if (err) {
		close_fds_locked();
		return err;
	}
	pthread_detach(thread);
	serve.running = true;
	return 0;
}

/**
 * serve_add - list a session and care for its stream
 * @s: the list's reference is the caller's, on success
 *
 * Context: may sleep.
 * Return:  0 or -errno.
 */
int serve_add(struct iter_session *s)
{
	struct epoll_event event = { .events = s->served ? EPOLLOUT : 0 };
	int err;

	ctx_may_sleep();
	mutex_lock(&serve.lock);
	err = start_locked();
	if (!err) {
		forget_locked(s);
		list_add(&s->entry, &serve.sessions);
		s->listed = true;
		event.data.u64 = s->number = ++serve.last_number;
		if (epoll_ctl(serve.epoll_fd, EPOLL_CTL_ADD, s->sock, &event)) {
			err = -errno;
			s->listed = false;
			list_del(&s->entry);
			wake_if_idle_locked();
		}
	}
	mutex_unlock(&serve.lock);
	return err;
}

/**
 * serve_find - the session whose reader's end this is
 *
 * Context: thread.
 * Return:  with a reference for the caller; NULL: none, or not any more.
 */
struct iter_session *serve_find(dev_t dev, ino_t ino)
{
	struct iter_session *s, *found = NULL;

	mutex_lock(&serve.lock);
	list_for_each_entry(s, &serve.sessions, entry)
		if (s->ino == ino && s->dev == dev)
			found = s;
	if (found)
		refcount_get(&found->refs);
	mutex_unlock(&serve.lock);
	return found;
}

/**
 * serve_failure - why the walk behind a stream failed
 *
 * Context: thread.
 * Return:  -errno, or 0: not known.
 */
int serve_failure(dev_t dev, ino_t ino)
{
	struct failure *f;
	int err;

	mutex_lock(&serve.lock);
	f = find_failure_locked(dev, ino);
	err = f ? f->err : 0;
	mutex_unlock(&serve.lock);
	return err;
}
