/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/map/map.h - a map: sizes, a name, and what its type can do
 *
 * Pointers that ->lookup gives are valid until the caller's read section ends
 * (bpf/map/rcu.h).  Everything about a map is checked when it is created, so the
 * operations see keys and values of the right size only.
 *
 * Not here: who may use which operation through a descriptor (bpf/syscall), what
 *           programs may do with which type (bpf/prog/platform.c).
 */
#ifndef ROVE_BPF_MAP_MAP_H
#define ROVE_BPF_MAP_MAP_H

#include <linux/bpf.h>
#include <urcu/urcu-bp.h>

#include "bpf/btf/btf_object.h"
#include "bpf/btf/fields.h"
#include "bpf/core/object.h"

#ifndef ENOTSUPP
#define ENOTSUPP 524	/* bpf(2) gives it away although user space has no name for it */
#endif

#define PERCPU_MAX_VALUE_BYTES (32u << 10)	/* of one CPU, as in the kernel */
#define MAP_ACCESS_FLAGS (BPF_F_RDONLY | BPF_F_WRONLY | BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG)

/* What a map is to be: BPF_MAP_CREATE in its own terms. */
struct map_spec {
	u32 type, key_size, value_size, max_entries, flags;
	u64 extra;
	char name[BPF_OBJ_NAME_LEN];
	int btf_fd;			/* looked at if one of the types is not 0 */
	struct btf_object *btf;		/* the map's; map_create() finds it */
	u32 btf_key_type_id, btf_value_type_id;
	struct btf_fields fields;	/* of the value; map_create() finds them */
	int inner_fd;			/* of an outer map: one like those that will be in it */
};

/*
 * I  set before the map is published, never changed
 * A  atomic
 */
struct bpf_map {
	struct object		obj;
	const struct map_ops	*ops;	/* I */
	struct map_spec		spec;	/* I */
	struct map_spec		*inner;	/* I: what the maps in it are like; NULL: it is no outer one */
	bool			found_unheld; /* A: may be found without a reference, in a read section */
	u32			writers; /* A: changes under way from outside, or MAP_FROZEN */
	struct rcu_head		rcu;	/* of one that is being freed */
};

#define MAP_FROZEN 0x80000000u	/* once so, always so */

typedef u64 (*map_visit)(void *arg, const void *key, void *value);

/* NULL: the type has no such thing. */
struct map_ops {
	bool has_fields;	/* values may have special fields, see bpf/map/fields.h */
	bool no_locks;		/* but of those no locks */
	bool per_cpu;		/* to bpf(2) a value is those of all CPUs in a row, see map_nr_cpus() */
	bool has_maps;		/* values are maps: descriptors to bpf(2), then ids; see bpf/map/inner.h */
	bool one_size;		/* those in an outer map have the same number of entries */
	bool no_batches;	/* elements come one at a time only */
	int (*accepts)(const struct map_spec *spec);
	/* What is accepted may become something a little larger.  NULL: it does not. */
	void (*round)(struct map_spec *spec);
	/* Keys and values as types; without it a map has none. */
	int (*check_btf)(const struct map_spec *spec);
	/* Make the type's own struct, with everything but what map_create() fills in. */
	int (*create)(const struct map_spec *spec, struct bpf_map **ret_map, int *ret_memfd);
	void (*free)(struct bpf_map *map);
	/* Every special field, also of what is no element now.  NULL: ->for_each finds them. */
	void (*release_all)(struct bpf_map *map);
	/* It can be used; its last reference is gone.  NULL: nobody needs to know. */
	void (*started)(struct bpf_map *map);
	void (*gone)(struct bpf_map *map);

	/* In a read section.  NULL: no such element. */
	void *(*lookup)(struct bpf_map *map, const void *key);
	int (*update)(struct bpf_map *map, const void *key, const void *value, u64 flags);
	int (*delete)(struct bpf_map *map, const void *key);
	/* For bpf(2), where that is something else than a copy of what ->lookup gives. */
	int (*read)(struct bpf_map *map, const void *key, void *ret_value);
	/* By bpf(2), where that is something else than ->update. */
	int (*write)(struct bpf_map *map, const void *key, const void *value, u64 flags);
	/* Another CPU's.  NULL: no such element or CPU. */
	void *(*lookup_cpu)(struct bpf_map *map, const void *key, u32 cpu);
	int (*lookup_and_delete)(struct bpf_map *map, const void *key, void *ret_value);
	/* @key NULL or unknown: the first.  -ENOENT: that was the last. */
	int (*next_key)(struct bpf_map *map, const void *key, void *ret_key);

	/*
	 * All elements of the @at-th place in which the map keeps some, in *ret_nr; they
	 * are copied, key behind key and value behind value, if they are at most @room.
	 * -ENOENT: there are fewer places.
	 */
	int (*elems_at)(struct bpf_map *map, u32 at, void *keys, void *values, u32 room,
			u32 *ret_nr);

	/*
	 * In a read section: the @nth element of the @at-th place, where it lies.  A key
	 * of NULL is the number of the place.  -ENOENT: the place has fewer; -ERANGE: there
	 * are fewer places.  Where few of many places have any, *at moves to the next that has.
	 */
	int (*elem_at)(struct bpf_map *map, u32 *at, u32 nth, const void **ret_key,
		       void **ret_value);

	/*
	 * In the read section in which @key was found: what stands behind it in its place, even
	 * if it has been taken out since.  NULL: ->elem_at does.  -ENOENT: it is the last there.
	 */
	int (*elem_behind)(struct bpf_map *map, const void *key, const void **ret_key,
			   void **ret_value);

	/*
	 * ->per_cpu: @value, as ->elem_at gives it, stands for those of all CPUs: these in a row.
	 */
	void (*read_cpus)(struct bpf_map *map, const void *value, void *ret_values);

	/* All values in a row, for programs that use them without a lookup. */
	void *(*values)(struct bpf_map *map);
	/*
	 * Every element, in a read section, until @visit gives something else than 0;
	 * some may be missed or met twice that come and go meanwhile.  Return: how many.
	 */
	u64 (*for_each)(struct bpf_map *map, map_visit visit, void *arg);
	/*
	 * The same from the element with a key on (NULL: the first), where a batch of lookups is
	 * to go on at the key that the one before has left.  -EAGAIN: it is not there.
	 */
	int (*for_each_from)(struct bpf_map *map, const void *key, map_visit visit, void *arg);
	/* How many there are just now.  NULL: nobody counts them. */
	u32 (*nr_elems)(const struct bpf_map *map);
	/* The key of an element whose value is @value; @room is 4 bytes for one that is made. */
	const void *(*key_of)(struct bpf_map *map, const void *value, u32 *room);
	int (*freeze)(struct bpf_map *map);
	/* Whole pages, shared; what is mapped without PROT_WRITE never becomes writable. */
	int (*mmap)(struct bpf_map *map, size_t length, int prot, u64 offset, void **ret_addr);
	int (*poll_fd)(struct bpf_map *map);
};

extern const struct object_ops map_object_ops;
extern const struct map_ops map_array_ops, map_hash_ops, map_lru_hash_ops, map_ringbuf_ops,
	map_stack_trace_ops, map_percpu_array_ops, map_percpu_hash_ops, map_lru_percpu_hash_ops,
	map_array_of_maps_ops, map_hash_of_maps_ops, map_task_storage_ops, map_rhash_ops;

int map_create(const struct map_spec *spec, struct bpf_map **ret_map);
int map_by_fd(int fd, struct bpf_map **ret_map);
bool map_write_begin(struct bpf_map *map);
void map_write_end(struct bpf_map *map);
int map_freeze(struct bpf_map *map);
int map_mmap(struct bpf_map *map, size_t length, int prot, int flags, u64 offset, void **ret_addr);

static inline bool map_is_frozen(const struct bpf_map *map)
{
	return READ_ONCE(map->writers) == MAP_FROZEN;
}

static inline void map_get(struct bpf_map *map)
{
	object_get(&map->obj);
}

static inline void map_put(struct bpf_map *map)
{
	if (map)
		object_put(&map->obj);
}

static inline struct bpf_map *map_of_object(struct object *obj)
{
	return container_of(obj, struct bpf_map, obj);
}

/* One value's room where values lie in a row. */
static inline u32 map_value_stride(const struct map_spec *spec)
{
	return (spec->value_size + 7) & ~7u;
}

u32 map_nr_cpus(void);
u32 map_this_cpu(void);

/* What a value is to bpf(2), which may be more than a program sees. */
static inline u64 map_user_value_bytes(const struct bpf_map *map)
{
	if (!map->ops->per_cpu)
		return map->spec.value_size;
	return (u64)map_value_stride(&map->spec) * map_nr_cpus();
}

u64 map_page_bytes(void);
void map_copy_value(void *dst, const void *src, u32 nr_bytes);

/* Map types that helpers know by their record operations. */
void *ringbuf_reserve(struct bpf_map *map, u64 size);
void ringbuf_submit(void *record, u64 flags);
void ringbuf_discard(void *record, u64 flags);
int ringbuf_output(struct bpf_map *map, const void *data, u64 size, u64 flags);
u64 ringbuf_query(struct bpf_map *map, u64 what);

#endif
