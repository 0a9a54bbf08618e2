/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/map/task_storage.c - a value for each thread of this process
 *
 * A hash, by threads' numbers.  bpf(2) names a thread by a descriptor of pidfd_open(2).
 *
 * When a thread ends, its values are taken out of all these maps: they hang in one list.
 * Signal handlers walk it too, so it is changed under a lock and read without one, and
 * a map is freed a grace period after it has left the list.
 *
 * A thread that has never run a program with task_storage_get() is not watched, nor one
 * that ends by a way that runs no destructors.  What is kept of such a one goes when bpf(2)
 * next puts something in, or when there are twice as many values as threads.
 *
 * Ordering: storages.publish -> storages.observe (docs/memory-model.md).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/context.h"
#include "bpf/map/fields.h"
#include "bpf/map/hash.h"
#include "bpf/map/rcu.h"
#include "bpf/map/task.h"

#ifndef BPF_F_CLONE
#define BPF_F_CLONE (1u << 9)
#endif

#define STORAGE_FLAGS (BPF_F_NO_PREALLOC | BPF_F_CLONE)
#define MAX_VALUE_BYTES (0xffffu - 128)		/* as in the kernel, whose elements have that much more */
#define MAX_THREADS (1u << 22)			/* as many numbers as there are */
#define NR_BUCKETS 1024u
#define FIRST_SWEEP 64u

/*
 * Under ->lock; ->first and the maps' ->next_storage are read by anybody in a read section.
 */
static struct {
	struct mutex lock;	/* leaf */
	struct hash_map *first;
} storages = { .lock = MUTEX_INIT };

static struct hash_map *storage_observe(struct hash_map *const *link)
{
	/*
	 * ORDER storages.observe (acquire): the map is used after the pointer to it was
	 * read.  Pairs with storages.publish in storage_publish().
	 */
	return load_acquire(link);
}

static void storage_publish(struct hash_map **link, struct hash_map *hash)
{
	/*
	 * ORDER storages.publish (release): the map is complete before it is found.
	 * Pairs with storages.observe in storage_observe().
	 */
	store_release(link, hash);
}

/* --- making and unmaking --------------------------------------------------------------------- */

static int storage_accepts(const struct map_spec *spec)
{
	if (spec->flags & ~STORAGE_FLAGS || !(spec->flags & BPF_F_NO_PREALLOC))
		return -EINVAL;
	if (spec->max_entries || spec->key_size != sizeof(int) || !spec->value_size)
		return -EINVAL;
	if (!spec->btf_key_type_id || !spec->btf_value_type_id)
		return -EINVAL;
	return spec->value_size > MAX_VALUE_BYTES ? -E2BIG : 0;
}

static int storage_check_btf(const struct map_spec *spec)
{
	const struct btf *btf = btf_object_btf(spec->btf);
	const struct btf_type *t = btf_type(btf, btf_skip_mods(btf, spec->btf_key_type_id));

	return t && btf_kind(t) == BTF_KIND_INT ? 0 : -EINVAL;
}

static void storage_started(struct bpf_map *map)
{
	struct hash_map *hash = hash_of(map);

	mutex_lock(&storages.lock);
	hash->next_storage = storages.first;
	storage_publish(&storages.first, hash);
	mutex_unlock(&storages.lock);
}

static void storage_gone(struct bpf_map *map)
{
	struct hash_map **link = &storages.first;

	mutex_lock(&storages.lock);
	while (*link != hash_of(map))
		link = &(*link)->next_storage;
	/* Who comes by this link to the next one has not seen the one who published that. */
	storage_publish(link, (*link)->next_storage);
	mutex_unlock(&storages.lock);
}

void task_storage_forget(u32 tid)
{
	struct hash_map *hash;

	ctx_any();
	map_rcu_read_lock();
	for (hash = storage_observe(&storages.first); hash;
	     hash = storage_observe(&hash->next_storage))
		hash_delete(&hash->map, &tid);
	map_rcu_read_unlock();
}

/* --- threads that ended unseen ---------------------------------------------------------------- */

static bool is_our_thread(u32 tid)
{
	char path[sizeof("/proc/self/task/") + 11];

	snprintf(path, sizeof(path), "/proc/self/task/%u", tid);
	return !access(path, F_OK);
}

static u64 drop_if_dead(void *arg, const void *key, void *value)
{
	if (!is_our_thread(*(const u32 *)key))
		hash_delete(arg, key);
	return 0;
}

static void sweep(struct hash_map *hash)
{
	hash_for_each(&hash->map, drop_if_dead, &hash->map);
	WRITE_ONCE(hash->sweep_at, 2 * READ_ONCE(hash->nr_elems) + FIRST_SWEEP);
}

/* --- programs -------------------------------------------------------------------------------- */

static void *find(struct hash_map *hash, u32 tid)
{
	struct hash_elem *elem = hash_lookup_elem(hash, &tid);

	return elem ? elem_value(hash, elem) : NULL;
}

static void put_in(struct hash_map *hash, u32 tid, const void *value)
{
	struct hash_elem *elem;

	if (READ_ONCE(hash->nr_elems) >= READ_ONCE(hash->sweep_at) && !in_nmi() && !in_softirq())
		sweep(hash);
	elem = elem_create(hash, hash_key(hash, &tid), &tid);
	if (!elem)
		return;
	if (value)
		map_value_read(&hash->map, elem_value(hash, elem), value);
	else
		memset(elem_value(hash, elem), 0, hash->map.spec.value_size);
	hash_insert(hash, elem, BPF_NOEXIST);
}

void *task_storage_get(struct bpf_map *map, const struct task_struct *task, const void *value,
		       u64 flags)
{
	struct hash_map *hash = hash_of(map);
	bool watched;
	void *found;

	ctx_any();
	if (!task || flags & ~(u64)BPF_LOCAL_STORAGE_GET_F_CREATE)
		return NULL;
	watched = task_watch_end();
	found = find(hash, task->pid);
	if (found || !flags || !watched)
		return found;
	/* A signal handler may do the same in between; then there is one, too. */
	put_in(hash, task->pid, value);
	return find(hash, task->pid);
}

int task_storage_delete(struct bpf_map *map, const struct task_struct *task)
{
	ctx_any();
	return task ? hash_delete(map, &(u32){ task->pid }) : -EINVAL;
}

/* --- bpf(2) ---------------------------------------------------------------------------------- */

/* "Pid:\t7"; -1: its thread is gone. */
static int pid_of_info(FILE *info)
{
	char line[128];
	int pid;

	while (fgets(line, sizeof(line), info))
		if (sscanf(line, "Pid: %d", &pid) == 1)
			return pid > 0 ? pid : -ENOENT;
	return -EBADF;
}

/* A thread of this process by its descriptor, or -EBADF (it is of none), -ENOENT. */
static int tid_of_pidfd(int fd)
{
	char path[sizeof("/proc/self/fdinfo/") + 11];
	FILE *info;
	int tid;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	info = fd < 0 ? NULL : fopen(path, "re");
	if (!info)
		return -EBADF;
	tid = pid_of_info(info);
	fclose(info);
	return tid < 0 || is_our_thread(tid) ? tid : -ENOENT;
}

static int storage_read(struct bpf_map *map, const void *key, void *ret_value)
{
	int tid = tid_of_pidfd(*(const int *)key);

	return tid < 0 ? tid : hash_read(map, &(u32){ tid }, ret_value);
}

static int storage_update(struct bpf_map *map, const void *key, const void *value, u64 flags)
{
	int tid = tid_of_pidfd(*(const int *)key), err;

	ctx_thread();
	if (tid < 0)
		return tid;
	sweep(hash_of(map));
	err = hash_update(map, &(u32){ tid }, value, flags);
	if (!err)
		drop_if_dead(map, &(u32){ tid }, NULL);
	return err;
}

static int storage_delete(struct bpf_map *map, const void *key)
{
	int tid = tid_of_pidfd(*(const int *)key);

	return tid < 0 ? tid : hash_delete(map, &(u32){ tid });
}

/* --- the type -------------------------------------------------------------------------------- */

static int storage_create(const struct map_spec *spec, struct bpf_map **ret_map, int *ret_memfd)
{
	struct map_spec sized = *spec;
	int err;

	sized.max_entries = NR_BUCKETS;
	err = hash_make(&sized, &hash_plain_values, ret_map, ret_memfd);
	if (err)
		return err;
	hash_of(*ret_map)->most_elems = MAX_THREADS;
	hash_of(*ret_map)->sweep_at = FIRST_SWEEP;
	(*ret_map)->found_unheld = true;
	return 0;
}

const struct map_ops map_task_storage_ops = {
	.has_fields = true,
	.no_batches = true,
	.accepts = storage_accepts,
	.check_btf = storage_check_btf,
	.create = storage_create,
	.started = storage_started,
	.gone = storage_gone,
	.free = hash_free,
	.read = storage_read,
	.update = storage_update,
	.delete = storage_delete,
	.for_each = hash_for_each,
	.key_of = hash_key_of,
};
