/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/core/object.c - the registry: who has which id, and who is open on what
 *
 * Three tables under one lock: by id, by inode, by descriptor number.  The last
 * is only a guess, because close(2) and dup(2) do not tell us: before an object
 * loses the reference of its descriptors, /proc/self/fd is asked.
 *
 * Invariant: an object is in the tables of ids and inodes from object_init()
 *            until its last reference is gone; its own memfd stays open as long,
 *            so nobody else can have its inode.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/context.h"
#include "base/mutex.h"
#include "bpf/core/object.h"

#define INO_BUCKETS 256		/* a power of two */
#define PRIVATE_FD_MIN 256	/* ours stay out of the way of small numbers */

#define TRY_NUMBERS_MAX 65536

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008u
#endif

/* Ids only grow, so the newest object is last and the table is sorted. */
struct id_table {
	struct object **objs;
	u32 nr, room;
	u32 last_id;
};

/* All of it under ->lock. */
static struct {
	struct mutex lock;			/* leaf, but for allocation and /proc */
	struct id_table by_id[OBJECT_KINDS];
	struct object *by_ino[INO_BUCKETS];
	struct object **by_fd;			/* NULL: not one of ours, as far as we know */
	u32 nr_fds;
	u32 sweep_next;
	struct object *lost;			/* see fd_lost_locked() */
} reg = { .lock = MUTEX_INIT };

/* --- by id ------------------------------------------------------------------------------- */

/* The first entry whose id is at least @id. */
static u32 id_position(const struct id_table *t, u32 id)
{
	u32 low = 0, high = t->nr;

	while (low < high) {
		u32 mid = low + (high - low) / 2;

		if (t->objs[mid]->id < id)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static int id_add(struct object *obj)
{
	struct id_table *t = &reg.by_id[obj->ops->kind];

	if (t->last_id == INT32_MAX)
		return -ENOSPC;
	if (t->nr == t->room) {
		u32 room = t->room ? t->room * 2 : 16;
		struct object **objs = realloc(t->objs, room * sizeof(*objs));

		if (!objs)
			return -ENOMEM;
		t->objs = objs;
		t->room = room;
	}
	obj->id = ++t->last_id;
	t->objs[t->nr++] = obj;
	return 0;
}

static void id_remove(struct object *obj)
{
	struct id_table *t = &reg.by_id[obj->ops->kind];
	u32 pos = id_position(t, obj->id);

	check(pos < t->nr && t->objs[pos] == obj);
	memmove(&t->objs[pos], &t->objs[pos + 1], (t->nr - pos - 1) * sizeof(t->objs[0]));
	t->nr--;
}

/* --- by inode ---------------------------------------------------------------------------- */

static struct object **ino_bucket(ino_t ino)
{
	return &reg.by_ino[ino & (INO_BUCKETS - 1)];
}

static void ino_add(struct object *obj)
{
	struct object **bucket = ino_bucket(obj->ino);

	obj->next_ino = *bucket;
	*bucket = obj;
}

static void ino_remove(struct object *obj)
{
	struct object **link = ino_bucket(obj->ino);

	while (*link != obj)
		link = &(*link)->next_ino;
	*link = obj->next_ino;
}

static struct object *ino_find(dev_t dev, ino_t ino)
{
	struct object *obj = *ino_bucket(ino);

	while (obj && (obj->ino != ino || obj->dev != dev))
		obj = obj->next_ino;
	return obj;
}

/*
 * The number may be anybody's, who may be closing it: the answer is then old, not
 * wrong.  statx(2), because ThreadSanitizer takes fstat(2) for a use of the file.
 */
static bool fd_is_open_on(int fd, const struct object *obj)
{
	struct statx sx;
	struct stat st;

	if (!statx(fd, "", AT_EMPTY_PATH, STATX_INO, &sx))
		return sx.stx_ino == obj->ino &&
		       makedev(sx.stx_dev_major, sx.stx_dev_minor) == obj->dev;
	/* Some sandboxes do not know the newer call. */
	return errno != EBADF && !fstat(fd, &st) && st.st_ino == obj->ino && st.st_dev == obj->dev;
}

/* --- by number --------------------------------------------------------------------------- */

static int fd_room(u32 fd)
{
	u32 nr = reg.nr_fds ? reg.nr_fds : 64;
	struct object **by_fd;

	if (fd < reg.nr_fds)
		return 0;
	while (nr <= fd)
		nr *= 2;
	by_fd = realloc(reg.by_fd, nr * sizeof(*by_fd));
	if (!by_fd)
		return -ENOMEM;
	memset(by_fd + reg.nr_fds, 0, (nr - reg.nr_fds) * sizeof(*by_fd));
	reg.by_fd = by_fd;
	reg.nr_fds = nr;
	return 0;
}

/* A number of /proc/self/fd, or -1. */
static int proc_fd_number(const char *name)
{
	char *end;
	long n = strtol(name, &end, 10);

	return *name && !*end ? (int)n : -1;
}

/* For a process without /proc, or without a free number to look into it. */
static int fd_try_numbers(const struct object *obj)
{
	long end = sysconf(_SC_OPEN_MAX);

	if (end < 0 || end > TRY_NUMBERS_MAX)
		end = TRY_NUMBERS_MAX;
	for (int fd = 0; fd < end; fd++)
		if (fd != obj->memfd && fd_is_open_on(fd, obj))
			return fd;
	return -1;
}

/* A descriptor that we did not make but that is open on @obj, or -1. */
static int fd_find_duplicate(const struct object *obj)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;
	int found = -1;

	if (!dir)
		return fd_try_numbers(obj);
	while (found < 0 && (entry = readdir(dir))) {
		int fd = proc_fd_number(entry->d_name);

		if (fd >= 0 && fd != obj->memfd && fd != dirfd(dir) && fd_is_open_on(fd, obj))
			found = fd;
	}
	closedir(dir);
	return found;
}

/* It may be known already: closed unnoticed and opened again on the same object. */
static void fd_record(u32 fd, struct object *obj)
{
	if (reg.by_fd[fd] == obj)
		return;
	reg.by_fd[fd] = obj;
	obj->nr_fds++;
}

/* @obj lost a number.  Was it the last, and no duplicate is open?  put_lost() follows. */
static void fd_lost_locked(struct object *obj);

/* Forget what was known of @fd. */
static void fd_forget_locked(u32 fd)
{
	struct object *obj;

	assert_held(&reg.lock);
	if (fd >= reg.nr_fds || !reg.by_fd[fd])
		return;
	obj = reg.by_fd[fd];
	reg.by_fd[fd] = NULL;
	obj->nr_fds--;
	fd_lost_locked(obj);
}

/*
 * The descriptors' one reference is put when the lock has been dropped.  Until
 * then the object waits in one list with a count: it may be opened and lost again
 * before, by another thread, and then there are two references to put.
 */
static void fd_lost_locked(struct object *obj)
{
	int fd;

	assert_held(&reg.lock);
	if (obj->nr_fds || !obj->opened)
		return;
	fd = fd_find_duplicate(obj);
	if (fd >= 0 && !fd_room(fd)) {
		/* Ends: each turn takes a number from an object that has it wrongly. */
		fd_forget_locked(fd);
		fd_record(fd, obj);
		return;
	}
	/*
	 * ORDER object.lost (seq_cst): the object is closed before ->closed() looks into
	 * it.  Pairs with object.asked in object_is_open().
	 */
	store_seq_cst(&obj->opened, false);
	if (obj->nr_lost++)
		return;
	obj->next_lost = reg.lost;
	reg.lost = obj;
}

/* The next object that waits, with the references to put; NULL: none waits. */
static struct object *take_lost(u32 *ret_nr_refs)
{
	struct object *obj;

	mutex_lock(&reg.lock);
	obj = reg.lost;
	if (obj) {
		reg.lost = obj->next_lost;
		*ret_nr_refs = obj->nr_lost;
		obj->nr_lost = 0;
	}
	mutex_unlock(&reg.lock);
	return obj;
}

static void put_one_lost(struct object *obj, u32 nr_refs)
{
	if (nr_refs && obj->ops->closed)
		obj->ops->closed(obj);
	while (nr_refs--)
		object_put(obj);
}

/* In this thread: a program runs, and the end of some objects waits for programs. */
static __thread bool keeps_lost __attribute__((tls_model("initial-exec")));

/**
 * object_keep_lost - put no reference of lost descriptors in this thread
 * @keep:  they stay for the next call of any thread
 *
 * Context: any.
 */
void object_keep_lost(bool keep)
{
	keeps_lost = keep;
}

static void put_lost(void)
{
	struct object *obj;
	u32 nr_refs;

	if (keeps_lost)
		return;
	while ((obj = take_lost(&nr_refs)))
		put_one_lost(obj, nr_refs);
}

/* The references of @obj that wait, so that nobody else puts them later. */
static u32 take_lost_of_locked(struct object *obj)
{
	struct object **link = &reg.lost;
	u32 nr_refs = obj->nr_lost;

	assert_held(&reg.lock);
	if (!nr_refs)
		return 0;
	while (*link != obj)
		link = &(*link)->next_lost;
	*link = obj->next_lost;
	obj->nr_lost = 0;
	return nr_refs;
}

/* --- making and unmaking ----------------------------------------------------------------- */

/**
 * object_memfd_create - the file behind an object's descriptors
 * @ops:   whose
 * @bytes: its size, fixed from here on; pages cost memory when they are touched
 *
 * Context: may sleep.
 * Return:  a descriptor for object_init(), or -errno.
 */
int object_memfd_create(const struct object_ops *ops, u64 bytes)
{
	int low, fd, err;

	ctx_may_sleep();
	low = memfd_create(ops->memfd_name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
	if (low < 0 && errno == EINVAL)
		low = memfd_create(ops->memfd_name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (low < 0)
		return -errno;
	fd = fcntl(low, F_DUPFD_CLOEXEC, PRIVATE_FD_MIN);
	if (fd < 0)
		fd = low;	/* a small RLIMIT_NOFILE */
	else
		close(low);
	/* Nobody who holds a descriptor may cut off the pages under our mapping. */
	if (ftruncate(fd, bytes) || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW)) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

/**
 * object_init - give an object its id and make it visible
 * @obj:   complete but for this struct; the caller holds the one reference
 * @memfd: from object_memfd_create(); the object's on success
 *
 * Context: may sleep.
 * Return:  0 or -errno.
 */
int object_init(struct object *obj, const struct object_ops *ops, int memfd)
{
	struct stat st;
	int err;

	ctx_may_sleep();
	if (fstat(memfd, &st))
		return -errno;
	*obj = (struct object){
		.ops = ops,
		.refs = REFCOUNT_INIT(1),
		.memfd = memfd,
		.dev = st.st_dev,
		.ino = st.st_ino,
	};
	mutex_lock(&reg.lock);
	err = id_add(obj);
	if (!err)
		ino_add(obj);
	mutex_unlock(&reg.lock);
	return err;
}

/**
 * object_put - give a reference back
 *
 * Context: may sleep: the last one frees the object.
 */
void object_put(struct object *obj)
{
	if (!refcount_put(&obj->refs))
		return;
	ctx_may_sleep();
	mutex_lock(&reg.lock);
	id_remove(obj);
	ino_remove(obj);
	mutex_unlock(&reg.lock);
	if (fd_is_open_on(obj->memfd, obj))
		close(obj->memfd);
	obj->ops->free(obj);
}

/* --- descriptors -------------------------------------------------------------------------- */

/**
 * object_dup - a descriptor that is not counted, for a moment
 * @obj:    the caller holds a reference
 * @access: O_RDWR is a duplicate of ours; less is a description of its own
 *
 * Context: may sleep.
 * Return:  a descriptor, which the caller closes before the object can go away; or -errno.
 */
int object_dup(const struct object *obj, int access)
{
	char path[sizeof("/proc/self/fd/") + 11];
	int fd;

	ctx_may_sleep();
	if (access == O_RDWR) {
		fd = fcntl(obj->memfd, F_DUPFD_CLOEXEC, 0);
	} else {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", obj->memfd);
		fd = open(path, access | O_CLOEXEC);
	}
	return fd < 0 ? -errno : fd;
}

/**
 * object_open - one more descriptor for an object
 * @obj:    the caller holds a reference, and keeps it
 * @access: O_RDWR, O_RDONLY or O_WRONLY
 *
 * Context: may sleep.
 * Return:  the smallest free number, close-on-exec; or -errno.
 */
int object_open(struct object *obj, int access)
{
	int fd, err;

	ctx_may_sleep();
	fd = object_dup(obj, access);
	if (fd < 0)
		return fd;
	mutex_lock(&reg.lock);
	err = fd_room(fd);
	if (!err) {
		if (reg.by_fd[fd] != obj)
			fd_forget_locked(fd);
		fd_record(fd, obj);
		if (!obj->opened)
			object_get(obj);
		store_seq_cst(&obj->opened, true);
	}
	mutex_unlock(&reg.lock);
	put_lost();
	if (!err)
		return fd;
	close(fd);
	return err;
}

/**
 * object_by_fd - what a descriptor is open on
 * @ret_obj: with a reference for the caller
 *
 * Context: thread.
 * Return:  0, -EBADF (no open descriptor), or -EINVAL (not one of ours).
 */
int object_by_fd(int fd, struct object **ret_obj)
{
	struct object *obj;
	struct stat st;

	ctx_thread();
	if (fstat(fd, &st))
		return -EBADF;
	mutex_lock(&reg.lock);
	obj = ino_find(st.st_dev, st.st_ino);
	if (obj && !refcount_get_unless_zero(&obj->refs))
		obj = NULL;
	mutex_unlock(&reg.lock);
	if (!obj)
		return -EINVAL;
	*ret_obj = obj;
	return 0;
}

/**
 * object_by_id - the object with an id
 *
 * Context: thread.
 * Return:  NULL (there is none), or the object with a reference for the caller.
 */
struct object *object_by_id(enum object_kind kind, u32 id)
{
	struct id_table *t = &reg.by_id[kind];
	struct object *obj = NULL;
	u32 pos;

	ctx_thread();
	mutex_lock(&reg.lock);
	pos = id_position(t, id);
	if (pos < t->nr && t->objs[pos]->id == id &&
	    refcount_get_unless_zero(&t->objs[pos]->refs))
		obj = t->objs[pos];
	mutex_unlock(&reg.lock);
	return obj;
}

/**
 * object_next_id - the smallest id above @after
 *
 * Context: thread.
 * Return:  0 when there is none.
 */
u32 object_next_id(enum object_kind kind, u32 after)
{
	struct id_table *t = &reg.by_id[kind];
	u32 pos, id;

	ctx_thread();
	if (after == UINT32_MAX)
		return 0;
	mutex_lock(&reg.lock);
	pos = id_position(t, after + 1);
	id = pos < t->nr ? t->objs[pos]->id : 0;
	mutex_unlock(&reg.lock);
	return id;
}

/**
 * object_count - how many objects of a kind there are
 *
 * Context: thread.
 */
u32 object_count(enum object_kind kind)
{
	u32 nr;

	mutex_lock(&reg.lock);
	nr = reg.by_id[kind].nr;
	mutex_unlock(&reg.lock);
	return nr;
}

/**
 * object_close - close a descriptor of an object, and notice at once
 *
 * If it was the last, and nobody uses the object just now, it is gone when this returns.
 *
 * Context: may sleep.
 * Return:  0, or -EBADF: not open, or not one of ours; then nothing is closed.
 */
int object_close(int fd)
{
	struct object *obj;
	u32 nr_refs;

	ctx_may_sleep();
	if (object_by_fd(fd, &obj))
		return -EBADF;
	mutex_lock(&reg.lock);
	close(fd);
	if (fd < reg.nr_fds && reg.by_fd[fd] == obj) {
		reg.by_fd[fd] = NULL;
		obj->nr_fds--;
	}
	fd_lost_locked(obj);
	nr_refs = take_lost_of_locked(obj);
	mutex_unlock(&reg.lock);
	put_one_lost(obj, nr_refs);
	put_lost();
	object_put(obj);
	return 0;
}

/* Is what we know of @fd no longer true? */
static void sweep_one_locked(u32 fd)
{
	struct object *obj = reg.by_fd[fd];

	if (obj && !fd_is_open_on(fd, obj))
		fd_forget_locked(fd);
}

/**
 * object_sweep - notice descriptors that were closed with close(2)
 * @nr_numbers: look at so many, going on where the last sweep ended; UINT32_MAX: all
 *
 * Context: may sleep.
 */
void object_sweep(u32 nr_numbers)
{
	ctx_may_sleep();
	mutex_lock(&reg.lock);
	nr_numbers = min(nr_numbers, reg.nr_fds);
	for (u32 i = 0; i < nr_numbers; i++) {
		reg.sweep_next = (reg.sweep_next + 1) % reg.nr_fds;
		sweep_one_locked(reg.sweep_next);
	}
	mutex_unlock(&reg.lock);
	put_lost();
}
