/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/map/map.c - what all map types share
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/context.h"
#include "bpf/core/uapi.h"
#include "bpf/core/view.h"
#include "bpf/map/fields.h"
#include "bpf/map/inner.h"
#include "bpf/map/map.h"
#include "bpf/map/rcu.h"

static const struct map_ops *const map_types[] = {
	[BPF_MAP_TYPE_HASH] = &map_hash_ops,
	[BPF_MAP_TYPE_ARRAY] = &map_array_ops,
	[BPF_MAP_TYPE_LRU_HASH] = &map_lru_hash_ops,
	[BPF_MAP_TYPE_PERCPU_HASH] = &map_percpu_hash_ops,
	[BPF_MAP_TYPE_PERCPU_ARRAY] = &map_percpu_array_ops,
	[BPF_MAP_TYPE_LRU_PERCPU_HASH] = &map_lru_percpu_hash_ops,
	[BPF_MAP_TYPE_ARRAY_OF_MAPS] = &map_array_of_maps_ops,
	[BPF_MAP_TYPE_HASH_OF_MAPS] = &map_hash_of_maps_ops,
	[BPF_MAP_TYPE_STACK_TRACE] = &map_stack_trace_ops,
	[BPF_MAP_TYPE_RINGBUF] = &map_ringbuf_ops,
	[BPF_MAP_TYPE_TASK_STORAGE] = &map_task_storage_ops,
	[MAP_TYPE_RHASH] = &map_rhash_ops,
};

/*
 * Nobody outside can reach the map any more.  Timers in it hold their program, which
 * holds the map: cancelled now, they do not keep each other for ever.
 */
static void map_object_closed(struct object *obj)
{
	struct bpf_map *map = map_of_object(obj);

	map_rcu_read_lock();
	map_fields_release_all(map);
	map_rcu_read_unlock();
}

static void free_after_grace(struct rcu_head *head)
{
	struct bpf_map *map = container_of(head, struct bpf_map, rcu);

	map_rcu_told_grace();
	map->ops->free(map);
}

/*
 * A callback may be running on a value of a map that has left the map it was in, and a program
 * may have found the map itself in an outer one.
 */
static void map_object_free(struct object *obj)
{
	struct bpf_map *map = map_of_object(obj);

	btf_object_put(map->spec.btf);
	inner_spec_free(map->inner);
	if (map->ops->gone)
		map->ops->gone(map);
	if (map->spec.fields.nr || READ_ONCE(map->found_unheld))
		map_call_rcu(&map->rcu, free_after_grace);
	else
		map->ops->free(map);
}

static void map_view(struct object *obj, struct object_view *ret_view)
{
	struct bpf_map *map = map_of_object(obj);
	const struct map_spec *spec = &map->spec;

	ret_view->map = (struct bpf_map_view){
		.id = obj->id,
		.map_type = spec->type,
		.key_size = spec->key_size,
		.value_size = spec->value_size,
		.max_entries = spec->max_entries,
		.map_flags = spec->flags & ~(BPF_F_RDONLY | BPF_F_WRONLY),
		.map_extra = spec->extra,
		.frozen = map_is_frozen(map),
		.refcnt.counter = refcount_read(&obj->refs),
		.usercnt.counter = object_is_open(obj),
		.nr_elems = map->ops->nr_elems ? map->ops->nr_elems(map) : 0,
	};
	memcpy(ret_view->map.name, spec->name, sizeof(ret_view->map.name));
}

const struct object_ops map_object_ops = {
	.kind = OBJECT_MAP,
	.memfd_name = "bpf-map",
	.closed = map_object_closed,
	.free = map_object_free,
	.view = map_view,
};

u64 map_page_bytes(void)
{
	static u64 bytes;

	if (unlikely(!READ_ONCE(bytes)))
		WRITE_ONCE(bytes, sysconf(_SC_PAGESIZE));
	return READ_ONCE(bytes);
}

/**
 * map_copy_value - copy a value that programs may be writing, or to where they may be reading
 * @dst, @src: aligned alike
 *
 * Aligned words are copied whole; that is all the order there is, as in the kernel.
 *
 * Context: any.
 */
void map_copy_value(void *dst, const void *src, u32 nr_bytes)
{
	u64 *d64 = dst;
	const u64 *s64 = src;
	u8 *d8;
	const u8 *s8;

	if (!(((uintptr_t)dst | (uintptr_t)src) & 7))
		for (; nr_bytes >= 8; nr_bytes -= 8)
			WRITE_ONCE(*d64++, READ_ONCE(*s64++));
	d8 = (u8 *)d64;
	s8 = (const u8 *)s64;
	while (nr_bytes--)
		WRITE_ONCE(*d8++, READ_ONCE(*s8++));
}

static int check_access_flags(u32 flags)
{
	if ((flags & BPF_F_RDONLY) && (flags & BPF_F_WRONLY))
		return -EINVAL;
	if ((flags & BPF_F_RDONLY_PROG) && (flags & BPF_F_WRONLY_PROG))
		return -EINVAL;
	return 0;
}

/* Only one who may write all of a value can be told what not to write. */
static int check_fields(struct map_spec *spec, const struct map_ops *ops)
{
	int err = btf_find_fields(btf_object_btf(spec->btf), spec->btf_value_type_id,
				  &spec->fields);

	if (err || !spec->fields.nr)
		return err;
	if (spec->flags & (BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG))
		return -EACCES;
	if (ops->no_locks && btf_field_of(&spec->fields, BTF_FIELD_LOCK))
		return -EOPNOTSUPP;
	return ops->has_fields ? 0 : -EOPNOTSUPP;
}

/* The types must have the sizes that the map has. */
static int check_btf(struct map_spec *spec, const struct map_ops *ops)
{
	const struct btf *btf;
	int err;

	if (!spec->btf_key_type_id && !spec->btf_value_type_id)
		return 0;
	err = btf_object_by_fd(spec->btf_fd, &spec->btf);
	if (err)
		return err;
	if (btf_object_is_kernel(spec->btf))
		return -EACCES;
	btf = btf_object_btf(spec->btf);
	if (spec->btf_key_type_id &&
	    btf_size(btf, spec->btf_key_type_id) != (s64)spec->key_size)
		return -EINVAL;
	if (!spec->btf_value_type_id ||
	    btf_size(btf, spec->btf_value_type_id) != (s64)spec->value_size)
		return -EINVAL;
	err = check_fields(spec, ops);
	return err ?: ops->check_btf ? ops->check_btf(spec) : -EINVAL;
}

/* Everything but the object.  @inner: the map's on success. */
static int make_map(const struct map_spec *spec, const struct map_ops *ops,
		    struct map_spec *inner, struct bpf_map **ret_map)
{
	struct bpf_map *map;
	int memfd = -1;
	int err = ops->create(spec, &map, &memfd);

	if (err)
		return err;
	map->ops = ops;
	map->spec = *spec;
	map->inner = inner;
	err = object_init(&map->obj, &map_object_ops, memfd);
	if (err) {
		ops->free(map);
		close(memfd);
		return err;
	}
	if (ops->started)
		ops->started(map);
	*ret_map = map;
	return 0;
}

/**
 * map_create - make a map
 * @spec: borrowed
 *
 * Context: may sleep.
 * Return:  0; -EINVAL, -E2BIG (sizes or flags that the type does not take); -EBADF, -EINVAL,
 *          -EACCES (no types of a program's); -EACCES,
 *          -EOPNOTSUPP (special fields that its values cannot have); -ENOMEM, -EMFILE; of an
 *          outer map -EBADF, -EINVAL, -ENOTSUPP (what is to be like those in it).
 */
int map_create(const struct map_spec *spec, struct bpf_map **ret_map)
{
	struct map_spec found = *spec, *inner = NULL;
	const struct map_ops *ops;
	int err;

	ctx_may_sleep();
	found.fields.nr = 0;
	found.btf = NULL;
	if (spec->type >= ARRAY_SIZE(map_types) || !map_types[spec->type])
		return -EINVAL;
	ops = map_types[spec->type];
	err = ops->accepts(spec);
	err = err ?: check_access_flags(spec->flags);
	if (!err && ops->has_maps)
		err = inner_spec_create(spec->inner_fd, &inner);
	err = err ?: check_btf(&found, ops);
	if (!err && ops->round)
		ops->round(&found);
	err = err ?: make_map(&found, ops, inner, ret_map);
	if (err) {
		inner_spec_free(inner);
		btf_object_put(found.btf);
	}
	return err;
}

/**
 * map_by_fd - the map behind a descriptor
 * @ret_map: with a reference; map_put()
 *
 * Context: thread.
 * Return:  0, -EBADF, or -EINVAL (open on something else).
 */
int map_by_fd(int fd, struct bpf_map **ret_map)
{
	struct object *obj;
	int err = object_by_fd(fd, &obj);

	if (err)
		return err;
	if (obj->ops != &map_object_ops) {
		object_put(obj);
		return -EINVAL;
	}
	*ret_map = map_of_object(obj);
	return 0;
}

/**
 * map_write_begin - somebody outside is about to change the map
 *
 * Context: thread.
 * Return:  true: map_write_end() it; false: the map is frozen.
 */
bool map_write_begin(struct bpf_map *map)
{
	u32 writers = READ_ONCE(map->writers);

	ctx_thread();
	while (writers != MAP_FROZEN)
		if (cmpxchg_relaxed(&map->writers, &writers, writers + 1))
			return true;
	return false;
}

/* Context: thread. */
void map_write_end(struct bpf_map *map)
{
	/*
	 * ORDER map.written (release): the change comes before the end of its
	 * writer.  Pairs with map.freeze in map_freeze().
	 */
	fetch_add_release(&map->writers, -1);
}

/**
 * map_freeze - no more writes from outside
 *
 * While it is being tried, others are told that the map is frozen.
 *
 * Context: may sleep.
 * Return:  0, -EBUSY (frozen already, being written, or mapped writable), -ENOMEM, -EMFILE.
 */
int map_freeze(struct bpf_map *map)
{
	u32 none = 0;
	int err;

	ctx_may_sleep();
	/*
	 * ORDER map.freeze (acquire): what writers changed comes before the map is
	 * constant.  Pairs with map.written in map_write_end().
	 */
	if (!cmpxchg_acquire(&map->writers, &none, MAP_FROZEN))
		return -EBUSY;
	err = map->ops->freeze ? map->ops->freeze(map) : 0;
	if (err)
		WRITE_ONCE(map->writers, 0);
	return err;
}

/**
 * map_mmap - map a map's pages, as mmap(2) on the kernel's
 * @ret_addr: written on success only
 *
 * Context: may sleep.
 * Return:  0, -ENOTSUPP, -EINVAL, -EOVERFLOW, -EPERM (frozen; or not the reader's page), -EACCES
 *          (read-only for programs, so not writable at all), -ENOMEM.
 */
int map_mmap(struct bpf_map *map, size_t length, int prot, int flags, u64 offset, void **ret_addr)
{
	u64 page = map_page_bytes();
	bool writes = prot & PROT_WRITE;
	int err;

	ctx_may_sleep();
	if (!length || offset % page)
		return -EINVAL;
	if (length > SIZE_MAX - page)
		return -ENOMEM;
	if (offset > INT64_MAX)
		return -EOVERFLOW;
	if (prot & PROT_EXEC)
		return -EPERM;
	if (!map->ops->mmap || map->spec.fields.nr)
		return -ENOTSUPP;
	if ((flags & MAP_TYPE) != MAP_SHARED)
		return -EINVAL;
	if (writes && !map_write_begin(map))
		return -EPERM;
	length = (length + page - 1) & ~(page - 1);
	err = writes && (map->spec.flags & BPF_F_RDONLY_PROG) ? -EACCES : 0;
	err = err ?: map->ops->mmap(map, length, prot, offset, ret_addr);
	if (writes)
		map_write_end(map);
	return err;
}
