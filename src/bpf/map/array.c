/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/map/array.c - values in a row, found by index
 *
 * A mmapable array's values are the pages of its memfd, each value rounded up to
 * 8 bytes, so whoever has a descriptor can map them; other arrays are private
 * memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/context.h"
#include "bpf/map/array.h"
#include "bpf/map/fields.h"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

/* Arrays that are to be in one outer map are of one size, or say BPF_F_INNER_MAP. */
#define ARRAY_FLAGS (BPF_F_NUMA_NODE | BPF_F_MMAPABLE | MAP_ACCESS_FLAGS | BPF_F_INNER_MAP)

struct array_map {
	struct bpf_map	map;
	u8		*values;
	u32		stride;
	u64		bytes;		/* whole pages */
};

static struct array_map *array_of(struct bpf_map *map)
{
	return container_of(map, struct array_map, map);
}

int array_check_sizes(const struct map_spec *spec)
{
	if (!spec->max_entries || spec->key_size != sizeof(u32) || !spec->value_size)
		return -EINVAL;
	return spec->value_size > INT_MAX ? -E2BIG : 0;
}

static int array_check(const struct map_spec *spec)
{
	return spec->flags & ~ARRAY_FLAGS ? -EINVAL : array_check_sizes(spec);
}

/* A key is a 32-bit int, or nothing at all for the one section of variables. */
int array_check_btf(const struct map_spec *spec)
{
	const struct btf *btf = btf_object_btf(spec->btf);
	const struct btf_type *t;

	if (!spec->btf_key_type_id) {
		t = btf_type(btf, spec->btf_value_type_id);
		if (spec->max_entries != 1 || !t || btf_kind(t) != BTF_KIND_DATASEC)
			return -EINVAL;
		return 0;
	}
	t = btf_type(btf, btf_skip_mods(btf, spec->btf_key_type_id));
	if (!t || btf_kind(t) != BTF_KIND_INT || btf_size(btf, spec->btf_key_type_id) != 4)
		return -EINVAL;
	return 0;
}

static u8 *array_map_pages(const struct array_map *array, int memfd)
{
	int flags = memfd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE : MAP_SHARED;
	void *addr = mmap(NULL, array->bytes, PROT_READ | PROT_WRITE, flags, memfd, 0);

	return addr == MAP_FAILED ? NULL : addr;
}

static int array_create(const struct map_spec *spec, struct bpf_map **ret_map, int *ret_memfd)
{
	/* What only certain functions may touch is in no pages that others can map. */
	bool mmapable = spec->flags & BPF_F_MMAPABLE && !spec->fields.nr;
	struct array_map *array;
	int memfd;

	array = calloc(1, sizeof(*array));
	if (!array)
		return -ENOMEM;
	array->stride = map_value_stride(spec);
	array->bytes = (u64)array->stride * spec->max_entries;
	array->bytes = (array->bytes + map_page_bytes() - 1) & ~(map_page_bytes() - 1);

	memfd = object_memfd_create(&map_object_ops, mmapable ? array->bytes : 0);
	if (memfd < 0) {
		free(array);
		return memfd;
	}
	array->values = array_map_pages(array, mmapable ? memfd : -1);
	if (!array->values) {
		close(memfd);
		free(array);
		return -ENOMEM;
	}
	*ret_map = &array->map;
	*ret_memfd = memfd;
	return 0;
}

static void array_free(struct bpf_map *map)
{
	struct array_map *array = array_of(map);

	map_fields_release_all(map);
	munmap(array->values, array->bytes);
	free(array);
}

static void *array_lookup(struct bpf_map *map, const void *key)
{
	struct array_map *array = array_of(map);
	u32 index = array_index(key);

	if (unlikely(index >= map->spec.max_entries))
		return NULL;
	return array->values + (u64)index * array->stride;
}

/* In the kernel's order: the lock that BPF_F_LOCK needs is looked for last. */
int array_check_update(const struct bpf_map *map, const void *key, u64 flags)
{
	if ((flags & ~(u64)BPF_F_LOCK) > BPF_EXIST)
		return -EINVAL;
	if (array_index(key) >= map->spec.max_entries)
		return -E2BIG;
	if (flags & BPF_NOEXIST)
		return -EEXIST;
	return flags & BPF_F_LOCK ? -EINVAL : 0;
}

static int array_update(struct bpf_map *map, const void *key, const void *value, u64 flags)
{
	int err = array_check_update(map, key, flags);
	void *slot;

	ctx_any();
	if (err)
		return err;
	slot = array_lookup(map, key);
	map_value_assign(map, slot, value);
	map_fields_release(map, slot);
	return 0;
}

int array_delete(struct bpf_map *map, const void *key)
{
	return -EINVAL;
}

static int array_elem_at(struct bpf_map *map, u32 *at, u32 nth, const void **ret_key,
			 void **ret_value)
{
	if (*at >= map->spec.max_entries)
		return -ERANGE;
	if (nth)
		return -ENOENT;
	*ret_key = NULL;
	*ret_value = array_lookup(map, at);
	return 0;
}

int array_next_key(struct bpf_map *map, const void *key, void *ret_key)
{
	u32 index = key ? array_index(key) : UINT32_MAX;
	u32 *next = ret_key;

	if (index >= map->spec.max_entries) {
		*next = 0;
		return 0;
	}
	if (index == map->spec.max_entries - 1)
		return -ENOENT;
	*next = index + 1;
	return 0;
}

static u64 array_for_each(struct bpf_map *map, map_visit visit, void *arg)
{
	struct array_map *array = array_of(map);
	u32 i = 0;

	while (i < map->spec.max_entries) {
		u32 key = i;

		if (visit(arg, &key, array->values + (u64)i++ * array->stride))
			break;
	}
	return i;
}

static const void *array_key_of(struct bpf_map *map, const void *value, u32 *room)
{
	const struct array_map *array = array_of(map);

	*room = ((const u8 *)value - array->values) / array->stride;
	return room;
}

static void *array_values(struct bpf_map *map)
{
	return array_of(map)->values;
}

/* Does a line of /proc/self/maps show a writable mapping of our file that is not ours? */
static bool line_is_foreign_write(const struct array_map *array, const char *line)
{
	char readable, writable, exec, shared;
	uint64_t from, to, offset, ino;
	unsigned int major, minor;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %c%c%c%c %" SCNx64 " %x:%x %" SCNu64, &from, &to,
		   &readable, &writable, &exec, &shared, &offset, &major, &minor, &ino) != 10)
		return false;
	return ino == array->map.obj.ino && writable == 'w' && shared == 's' &&
	       from != (uintptr_t)array->values;
}

static bool array_is_mapped_writable(const struct array_map *array)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	bool found = false;
	char *line = NULL;
	size_t room = 0;

	if (!maps)
		return false;
	while (!found && getline(&line, &room, maps) > 0)
		found = line_is_foreign_write(array, line);
	free(line);
	fclose(maps);
	return found;
}

/* In place, so that programs which read the values meanwhile do not notice. */
static bool array_remap(const struct array_map *array, int prot, int fd)
{
	return mmap(array->values, array->bytes, prot, MAP_SHARED | MAP_FIXED, fd, 0) != MAP_FAILED;
}

/*
 * What the verifier takes from values must stay true.  The seal is the system's
 * word for it: it is refused while any process has a mapping that is or may
 * become writable, and there are none later.  That is why our own must go.
 */
static int array_seal_values(const struct array_map *array)
{
	int fd = object_dup(&array->map.obj, O_RDONLY), memfd = array->map.obj.memfd, err;

	if (fd < 0)
		return fd;
	err = array_remap(array, PROT_READ, fd) ? 0 : -ENOMEM;
	close(fd);
	if (!err && fcntl(memfd, F_ADD_SEALS, F_SEAL_WRITE))
		err = -errno;
	/* The same pages at the same place: nothing is taken that could be missing. */
	if (err && !array_remap(array, PROT_READ | PROT_WRITE, memfd))
		abort();
	return err;
}

/* Programs may still write to other arrays, so there our own mapping stays. */
static int array_freeze(struct bpf_map *map)
{
	struct array_map *array = array_of(map);

	if (!(map->spec.flags & BPF_F_MMAPABLE) || map->spec.fields.nr)
		return 0;
	if (map->spec.flags & BPF_F_RDONLY_PROG)
		return array_seal_values(array);
	if (array_is_mapped_writable(array))
		return -EBUSY;
	return fcntl(map->obj.memfd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE) ? -errno : 0;
}

static int array_mmap(struct bpf_map *map, size_t length, int prot, u64 offset, void **ret_addr)
{
	struct array_map *array = array_of(map);
	void *addr;
	int fd, err;

	if (!(map->spec.flags & BPF_F_MMAPABLE) || offset > array->bytes ||
	    length > array->bytes - offset)
		return -EINVAL;
	fd = object_dup(&map->obj, prot & PROT_WRITE ? O_RDWR : O_RDONLY);
	if (fd < 0)
		return fd;
	addr = mmap(NULL, length, prot, MAP_SHARED, fd, offset);
	err = addr == MAP_FAILED ? -errno : 0;
	close(fd);
	if (!err)
		*ret_addr = addr;
	return err;
}

const struct map_ops map_array_ops = {
	.has_fields = true,
	.one_size = true,
	.accepts = array_check,
	.check_btf = array_check_btf,
	.create = array_create,
	.free = array_free,
	.lookup = array_lookup,
	.update = array_update,
	.delete = array_delete,
	.next_key = array_next_key,
	.elem_at = array_elem_at,
	.values = array_values,
	.for_each = array_for_each,
	.key_of = array_key_of,
	.freeze = array_freeze,
	.mmap = array_mmap,
};
