/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/syscall/map.c - create maps, and their elements one by one
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/core/uapi.h"
#include "bpf/map/fields.h"
#include "bpf/map/map.h"
#include "bpf/map/rcu.h"
#include "bpf/syscall/call.h"
#include "bpf/syscall/map_ref.h"
#include "bpf/syscall/user.h"

/* --- create ------------------------------------------------------------------------------- */

static int spec_from_attr(const union bpf_attr *attr, struct map_spec *spec)
{
	*spec = (struct map_spec){
		.type = attr->map_type,
		.key_size = attr->key_size,
		.value_size = attr->value_size,
		.max_entries = attr->max_entries,
		.flags = attr->map_flags,
		.extra = attr->map_extra,
		.inner_fd = (int)attr->inner_map_fd,
		.btf_fd = (int)attr->btf_fd,
		.btf_key_type_id = attr->btf_key_type_id,
		.btf_value_type_id = attr->btf_value_type_id,
	};
	/* What belongs to map types, devices and nodes that a process has none of. */
	if (attr->btf_vmlinux_value_type_id || attr->map_ifindex)
		return -EINVAL;
	if (attr->map_extra && attr->map_type != MAP_TYPE_RHASH)
		return -EINVAL;
	if ((attr->map_flags & BPF_F_NUMA_NODE) && attr->numa_node)
		return -EINVAL;
	if (attr->btf_key_type_id && !attr->btf_value_type_id)
		return -EINVAL;
	return call_copy_name(spec->name, attr->map_name);
}

static int access_of_flags(u32 flags)
{
	if (flags & BPF_F_RDONLY)
		return O_RDONLY;
	return flags & BPF_F_WRONLY ? O_WRONLY : O_RDWR;
}

int cmd_map_create(struct call *c)
{
	struct map_spec spec;
	struct bpf_map *map;
	int err;

	err = spec_from_attr(&c->attr, &spec);
	err = err ?: map_create(&spec, &map);
	if (err)
		return err;
	return call_open_new(&map->obj, access_of_flags(spec.flags));
}

/* --- who may do what ---------------------------------------------------------------------- */

static int check_access(struct bpf_map *map, int fd, u32 want)
{
	int mode = fcntl(fd, F_GETFL);

	if (mode < 0)
		return -EBADF;
	mode &= O_ACCMODE;
	if ((want & MAP_READ) && mode == O_WRONLY)
		return -EPERM;
	if ((want & MAP_WRITE) && (mode == O_RDONLY || map_is_frozen(map)))
		return -EPERM;
	return 0;
}

/**
 * map_ref_get - the map that a call is about, and room for a key and a value
 * @want:    MAP_READ, MAP_WRITE: what the descriptor must allow
 * @ret_ref: map_ref_put() it, on success only
 *
 * Context: may sleep.
 * Return:  0, -EBADF, -EINVAL (not a map), -EPERM or -ENOMEM.
 */
int map_ref_get(int fd, u32 want, struct map_ref *ret_ref)
{
	struct map_ref ref = { NULL };
	u32 key_room;
	int err;

	err = map_by_fd(fd, &ref.map);
	if (err)
		return err;
	err = check_access(ref.map, fd, want);
	if (err)
		goto put_map;
	err = -EPERM;
	ref.writes = want & MAP_WRITE;
	if (ref.writes && !map_write_begin(ref.map))
		goto put_map;
	err = -ENOMEM;
	key_room = (ref.map->spec.key_size + 7) & ~7u;
	ref.room = malloc(2ull * key_room + map_user_value_bytes(ref.map) + 8);
	if (!ref.room)
		goto end_write;
	ref.key = ref.room;
	ref.next_key = (char *)ref.room + key_room;
	ref.value = (char *)ref.room + 2 * key_room;
	*ret_ref = ref;
	return 0;

end_write:
	if (ref.writes)
		map_write_end(ref.map);
put_map:
	map_put(ref.map);
	return err;
}

void map_ref_put(struct map_ref *ref)
{
	free(ref->room);
	if (ref->writes)
		map_write_end(ref->map);
	map_put(ref->map);
}

/* A map without keys takes none. */
int map_ref_read_key(struct map_ref *ref, u64 user_key)
{
	if (!ref->map->spec.key_size)
		return user_key ? -EINVAL : 0;
	return user_read(ref->key, user_key, ref->map->spec.key_size);
}

static int read_looked_up(struct map_ref *ref)
{
	const void *value = ref->map->ops->lookup(ref->map, ref->key);

	if (!value)
		return -ENOENT;
	map_value_read(ref->map, ref->value, value);
	return 0;
}

/**
 * map_ref_lookup - copy the value of ->key into ->value
 *
 * Context: may sleep.
 * Return:  0, -ENOENT or -ENOTSUPP.
 */
int map_ref_lookup(struct map_ref *ref)
{
	const struct map_ops *ops = ref->map->ops;
	int err;

	if (!ops->read && !ops->lookup)
		return -ENOTSUPP;
	map_rcu_read_lock();
	err = ops->read ? ops->read(ref->map, ref->key, ref->value) : read_looked_up(ref);
	map_rcu_read_unlock();
	return err;
}

/* ->key to ->value; as ->update() or -ENOTSUPP. */
int map_ref_update(struct map_ref *ref, u64 flags)
{
	const struct map_ops *ops = ref->map->ops;
	int err;

	if (!ops->update)
		return -ENOTSUPP;
	map_rcu_read_lock();
	err = (ops->write ?: ops->update)(ref->map, ref->key, ref->value, flags);
	map_rcu_read_unlock();
	return err;
}

int map_ref_delete(struct map_ref *ref)
{
	int err;

	if (!ref->map->ops->delete)
		return -ENOTSUPP;
	map_rcu_read_lock();
	err = ref->map->ops->delete(ref->map, ref->key);
	map_rcu_read_unlock();
	return err;
}

/* The key behind @key, or the first; into ->next_key. */
int map_ref_next_key(struct map_ref *ref, const void *key)
{
	int err;

	if (!ref->map->ops->next_key)
		return -ENOTSUPP;
	map_rcu_read_lock();
	err = ref->map->ops->next_key(ref->map, key, ref->next_key);
	map_rcu_read_unlock();
	return err;
}

/* --- one element -------------------------------------------------------------------------- */

int cmd_map_lookup(struct call *c)
{
	struct map_ref ref;
	int err;

	if (c->attr.flags & ~(u64)BPF_F_LOCK)
		return -EINVAL;
	err = map_ref_get(c->attr.map_fd, MAP_READ, &ref);
	if (err)
		return err;
	/* BPF_F_LOCK needs a lock in the value, which no map here has. */
	err = c->attr.flags ? -EINVAL : 0;
	err = err ?: map_ref_read_key(&ref, c->attr.key);
	err = err ?: map_ref_lookup(&ref);
	err = err ?: user_write(c->attr.value, ref.value, map_user_value_bytes(ref.map));
	map_ref_put(&ref);
	return err;
}

int cmd_map_update(struct call *c)
{
	struct map_ref ref;
	int err;

	err = map_ref_get(c->attr.map_fd, MAP_WRITE, &ref);
	if (err)
		return err;
	err = c->attr.flags & BPF_F_LOCK ? -EINVAL : 0;
	err = err ?: map_ref_read_key(&ref, c->attr.key);
	err = err ?: user_read(ref.value, c->attr.value, map_user_value_bytes(ref.map));
	err = err ?: map_ref_update(&ref, c->attr.flags);
	map_ref_put(&ref);
	return err;
}

int cmd_map_delete(struct call *c)
{
	struct map_ref ref;
	int err;

	err = map_ref_get(c->attr.map_fd, MAP_WRITE, &ref);
	if (err)
		return err;
	err = map_ref_read_key(&ref, c->attr.key);
	err = err ?: map_ref_delete(&ref);
	map_ref_put(&ref);
	return err;
}

int cmd_map_next_key(struct call *c)
{
	struct map_ref ref;
	int err;

	err = map_ref_get(c->attr.map_fd, MAP_READ, &ref);
	if (err)
		return err;
	if (c->attr.key)
		err = map_ref_read_key(&ref, c->attr.key);
	err = err ?: map_ref_next_key(&ref, c->attr.key ? ref.key : NULL);
	err = err ?: user_write(c->attr.next_key, ref.next_key, ref.map->spec.key_size);
	map_ref_put(&ref);
	return err;
}

int cmd_map_lookup_and_delete(struct call *c)
{
	const struct map_ops *ops;
	struct map_ref ref;
	int err;

	if (c->attr.flags & ~(u64)BPF_F_LOCK)
		return -EINVAL;
	err = map_ref_get(c->attr.map_fd, MAP_READ | MAP_WRITE, &ref);
	if (err)
		return err;
	ops = ref.map->ops;
	err = c->attr.flags ? -EINVAL : 0;
	err = err ?: map_ref_read_key(&ref, c->attr.key);
	if (!err)
		err = ops->lookup_and_delete ?
		      ops->lookup_and_delete(ref.map, ref.key, ref.value) : -ENOTSUPP;
	err = err ?: user_write(c->attr.value, ref.value, map_user_value_bytes(ref.map));
	map_ref_put(&ref);
	return err;
}

int cmd_map_freeze(struct call *c)
{
	struct bpf_map *map;
	int err = map_by_fd(c->attr.map_fd, &map);

	if (err)
		return err;
	/* To freeze is to write: what is frozen cannot be frozen again. */
	err = check_access(map, c->attr.map_fd, MAP_WRITE);
	err = err ?: map_freeze(map);
	map_put(map);
	return err;
}
