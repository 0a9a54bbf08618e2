/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/syscall/info.c - what BPF_OBJ_GET_INFO_BY_FD tells about each kind of object
 *
 * The caller's struct may be shorter than ours, or longer; what it holds beyond
 * must be zero.  Arrays go where the caller's struct points, as many elements as
 * it has room for; the count that is given back is that of all.
 */
#include <errno.h>
#include <string.h>

#include "bpf/link/link.h"
#include "bpf/map/map.h"
#include "bpf/prog/prog.h"
#include "bpf/syscall/call.h"
#include "bpf/syscall/user.h"

#define OWN_BTF_ID 1	/* btf_object.c */
#define LINK_INFO_BYTES 64	/* in Linux 6.18, of which our header may know less */

/* Newer structs are longer than our header knows; zero means "not told". */
static int read_info(void *info, u32 known, u64 user_info, u32 *bytes)
{
	if (*bytes > map_page_bytes())
		return -E2BIG;
	memset(info, 0, known);
	if (*bytes > known) {
		int err = user_check_zero(user_info + known, *bytes - known);

		if (err)
			return err;
		*bytes = known;
	}
	return user_read(info, user_info, *bytes);
}

/* One array: at most *count elements to @to; *count becomes @nr. */
static int give_array(u64 to, u32 *count, const void *from, u32 nr, u32 elem_bytes)
{
	u32 n = min(*count, nr);

	*count = nr;
	return n ? user_write(to, from, (u64)n * elem_bytes) : 0;
}

int info_of_map(struct bpf_map *map, u64 user_info, u32 *bytes)
{
	const struct map_spec *spec = &map->spec;
	struct bpf_map_info info;
	int err = read_info(&info, sizeof(info), user_info, bytes);

	if (err)
		return err;
	info = (struct bpf_map_info){
		.type = spec->type,
		.id = map->obj.id,
		.key_size = spec->key_size,
		.value_size = spec->value_size,
		.max_entries = spec->max_entries,
		.map_flags = spec->flags & ~(BPF_F_RDONLY | BPF_F_WRONLY),
		.map_extra = spec->extra,
		.btf_id = spec->btf ? spec->btf->obj.id : 0,
		.btf_key_type_id = spec->btf_key_type_id,
		.btf_value_type_id = spec->btf_value_type_id,
	};
	memcpy(info.name, spec->name, sizeof(info.name));
	return user_write(user_info, &info, *bytes);
}

int info_of_btf(struct btf_object *bo, u64 user_info, u32 *bytes)
{
	const char *name = bo->name;
	struct bpf_btf_info info;
	u32 size, name_bytes = strlen(name), room;
	const void *data = btf_raw(btf_object_btf(bo), &size);
	int err = read_info(&info, sizeof(info), user_info, bytes);

	if (err)
		return err;
	err = give_array(info.btf, &info.btf_size, data, size, 1);
	if (err)
		return err;
	room = info.name_len;
	if (!!info.name != !!room)
		return -EINVAL;
	info.id = bo->obj.id;
	info.kernel_btf = btf_object_is_kernel(bo);
	info.name_len = name_bytes;
	if (room)
		err = user_write(info.name, name, min(name_bytes, room - 1)) ?:
		      user_write(info.name + min(name_bytes, room - 1), "", 1);
	err = err ?: user_write(user_info, &info, *bytes);
	return err ?: room && room <= name_bytes ? -ENOSPC : 0;
}

/* --- links -------------------------------------------------------------------------------- */

/* The name whole, or what fits of it; its length is told in any case. */
static int give_target_name(const char *name, struct bpf_link_info *info)
{
	u32 room = info->iter.target_name_len, bytes = strlen(name) + 1;

	if (!info->iter.target_name != !room)
		return -EINVAL;
	info->iter.target_name_len = bytes;
	if (!room)
		return 0;
	if (user_write(info->iter.target_name, name, min(room, bytes) - 1) ||
	    user_write(info->iter.target_name + min(room, bytes) - 1, "", 1))
		return -EFAULT;
	return room < bytes ? -ENOSPC : 0;
}

int info_of_link(struct bpf_link *link, u64 user_info, u32 *bytes)
{
	union {
		struct bpf_link_info told;
		u8 raw[LINK_INFO_BYTES];
	} info;
	struct bpf_prog *prog;
	int err = read_info(&info, sizeof(info), user_info, bytes);

	if (err)
		return err;
	prog = link_prog(link);
	info.told.type = link_type(link);
	info.told.id = link->obj.id;
	info.told.prog_id = prog->obj.id;
	prog_put(prog);
	/* A descriptor does not tell what its event counts. */
	if (link->perf)
		return user_write(user_info, &info, *bytes);
	err = give_target_name(link->target->name, &info.told);
	if (err)
		return err;
	if (link->map)
		info.told.iter.map.map_id = link->map->obj.id;
	return user_write(user_info, &info, *bytes);
}

/* --- programs ----------------------------------------------------------------------------- */

static int give_map_ids(struct bpf_prog *prog, struct bpf_prog_info *info)
{
	u32 room = info->nr_map_ids, nr;
	int err = 0;

	mutex_lock(&prog->lock);
	nr = prog->nr_maps;
	for (u32 i = 0; i < nr && i < room && !err; i++)
		err = user_write_u32(info->map_ids + 4ull * i, prog->maps[i]->obj.id);
	mutex_unlock(&prog->lock);
	info->nr_map_ids = nr;
	return err;
}

/* Who asks for records, or says how large they are, must know their size. */
static int give_records(u64 to, u32 *count, u32 *rec_bytes, const void *from, u32 nr,
			u32 elem_bytes)
{
	if ((*count || *rec_bytes) && *rec_bytes != elem_bytes)
		return -EINVAL;
	*rec_bytes = elem_bytes;
	return give_array(to, count, from, nr, elem_bytes);
}

static int give_arrays(struct bpf_prog *prog, struct bpf_prog_info *info)
{
	u32 insn_bytes = prog->nr_insns * sizeof(struct bpf_insn), room = info->xlated_prog_len;
	int err = 0;

	/* Instructions come whole or not at all, but for a shorter room. */
	info->xlated_prog_len = insn_bytes;
	if (room)
		err = user_write(info->xlated_prog_insns, prog->insns, min(room, insn_bytes));
	err = err ?: give_map_ids(prog, info);
	err = err ?: give_records(info->func_info, &info->nr_func_info, &info->func_info_rec_size,
				  prog->func_info, prog->nr_func_info,
				  sizeof(struct bpf_func_info));
	err = err ?: give_records(info->line_info, &info->nr_line_info, &info->line_info_rec_size,
				  prog->line_info, prog->nr_line_info,
				  sizeof(struct bpf_line_info));
	return err ?: give_array(info->prog_tags, &info->nr_prog_tags, prog->tag, 1,
				 sizeof(prog->tag));
}

int info_of_prog(struct bpf_prog *prog, u64 user_info, u32 *bytes)
{
	struct bpf_prog_info info;
	int err = read_info(&info, sizeof(info), user_info, bytes);

	if (err)
		return err;
	info.type = prog->type;
	info.id = prog->obj.id;
	info.load_time = prog->load_time_ns;
	info.created_by_uid = prog->uid;
	info.gpl_compatible = prog->gpl_compatible;
	info.btf_id = prog->btf ? prog->btf->obj.id : 0;
	info.verified_insns = prog->verified_insns;
	memcpy(info.tag, prog->tag, sizeof(info.tag));
	memcpy(info.name, prog->name, sizeof(info.name));

	/* There is no machine code, and nothing else that describes it. */
	info.jited_prog_len = 0;
	info.nr_jited_ksyms = 0;
	info.nr_jited_func_lens = 0;
	info.ifindex = 0;
	info.netns_dev = 0;
	info.netns_ino = 0;
	info.run_time_ns = READ_ONCE(prog->run_time_ns);
	info.run_cnt = READ_ONCE(prog->run_cnt);
	info.recursion_misses = READ_ONCE(prog->recursion_misses);
	info.attach_btf_obj_id = prog->attach_btf_id ? OWN_BTF_ID : 0;
	info.attach_btf_id = prog->attach_btf_id;

	err = give_records(0, &info.nr_jited_line_info, &info.jited_line_info_rec_size, NULL, 0,
			   sizeof(u64));
	err = err ?: give_arrays(prog, &info);
	return err ?: user_write(user_info, &info, *bytes);
}
