/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/syscall/prog.c - BPF_PROG_LOAD and BPF_PROG_BIND_MAP
 *
 * Everything that the attribute points to is copied before it is looked at.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked_copy.h"
#include "bpf/prog/prog.h"
#include "bpf/syscall/call.h"
#include "bpf/syscall/user.h"

#define MAX_INSNS 1000000
#define LICENSE_BYTES 128
#define MAX_RECORD_BYTES 252

#define KNOWN_FLAGS (BPF_F_STRICT_ALIGNMENT | BPF_F_ANY_ALIGNMENT | BPF_F_TEST_RND_HI32 |    \
		     BPF_F_TEST_STATE_FREQ | BPF_F_SLEEPABLE | BPF_F_XDP_HAS_FRAGS |         \
		     (1u << 7) /* BPF_F_TEST_REG_INVARIANTS */)

static const char *const gpl_licenses[] = {
	"GPL", "GPL v2", "GPL and additional rights", "Dual BSD/GPL", "Dual MIT/GPL",
	"Dual MPL/GPL",
};

/* The copies of one load. */
struct load {
	struct prog_spec spec;
	void *insns, *func_info, *line_info, *fd_array;
};

static void load_fini(struct load *load)
{
	free(load->insns);
	free(load->func_info);
	free(load->line_info);
	free(load->fd_array);
	free(load->spec.log_buf);
	btf_object_put(load->spec.btf);
}

static int read_license(u64 user_license, bool *ret_gpl)
{
	char license[LICENSE_BYTES];

	if (checked_copy_str(license, user_license, sizeof(license)) < 0)
		return -EFAULT;
	*ret_gpl = false;
	for (size_t i = 0; i < ARRAY_SIZE(gpl_licenses); i++)
		*ret_gpl |= !strcmp(license, gpl_licenses[i]);
	return 0;
}

/* Records of the caller's size, of which we know the first @known bytes. */
static int read_records(u64 user, u32 nr, u32 rec_bytes, u32 known, void **ret_copy)
{
	u8 *copy;
	int err = 0;

	*ret_copy = NULL;
	if (!nr)
		return 0;
	if (rec_bytes < known || rec_bytes > MAX_RECORD_BYTES || rec_bytes % 4 ||
	    nr > MAX_INSNS)
		return -EINVAL;
	copy = malloc((size_t)nr * known);
	if (!copy)
		return -ENOMEM;
	for (u32 i = 0; i < nr && !err; i++) {
		u64 from = user + (u64)i * rec_bytes;

		err = user_check_zero(from + known, rec_bytes - known);
		err = err ?: user_read(copy + (size_t)i * known, from, known);
	}
	*ret_copy = copy;	/* freed with the load, whatever the outcome */
	return err;
}

/* Who knows more than we do is told how much we know. */
static int tell_known(struct call *c, int err, u32 at, u32 known)
{
	if (err == -E2BIG && user_write_u32(c->user_attr + at, known))
		return -EFAULT;
	return err;
}

static int read_types(struct call *c, struct load *load)
{
	const union bpf_attr *attr = &c->attr;
	int err;

	/* As the kernel: types are for these only. */
	if (!attr->func_info_cnt && !attr->line_info_cnt)
		return 0;
	err = btf_object_by_fd(attr->prog_btf_fd, &load->spec.btf);
	if (err)
		return err;
	if (btf_object_is_kernel(load->spec.btf))
		return -EACCES;
	err = read_records(attr->func_info, attr->func_info_cnt, attr->func_info_rec_size,
			   sizeof(struct bpf_func_info), &load->func_info);
	err = tell_known(c, err, offsetof(union bpf_attr, func_info_rec_size),
			 sizeof(struct bpf_func_info));
	if (err)
		return err;
	err = read_records(attr->line_info, attr->line_info_cnt, attr->line_info_rec_size,
			   sizeof(struct bpf_line_info), &load->line_info);
	err = tell_known(c, err, offsetof(union bpf_attr, line_info_rec_size),
			 sizeof(struct bpf_line_info));
	load->spec.func_info = load->func_info;
	load->spec.nr_func_info = attr->func_info_cnt;
	load->spec.line_info = load->line_info;
	load->spec.nr_line_info = attr->line_info_cnt;
	return err;
}

/* How many entries of the array of descriptors the instructions name. */
static u32 count_fd_array(const struct bpf_insn *insns, u32 nr_insns)
{
	u32 nr = 0;

	for (u32 pc = 0; pc < nr_insns; pc++) {
		const struct bpf_insn *insn = &insns[pc];
		s64 index = -1;

		if (insn_is_ld_imm64(insn) && (insn->src_reg == BPF_PSEUDO_MAP_IDX ||
					       insn->src_reg == BPF_PSEUDO_MAP_IDX_VALUE))
			index = insn->imm;
		else if (insn_is_kfunc_call(insn) && insn->off > 0)
			index = insn->off;
		if (index >= 0 && index < MAX_INSNS)
			nr = max(nr, (u32)index + 1);
	}
	return nr;
}

static int read_insns(const union bpf_attr *attr, struct load *load)
{
	int err = user_dup(attr->insns, (u64)attr->insn_cnt * sizeof(struct bpf_insn),
			   &load->insns);

	if (err)
		return err;
	load->spec.insns = load->insns;
	load->spec.nr_insns = attr->insn_cnt;
	return 0;
}

static int read_fd_array(const union bpf_attr *attr, struct load *load)
{
	int err;

	if (!attr->fd_array)
		return 0;
	load->spec.nr_fd_array = count_fd_array(load->insns, attr->insn_cnt);
	err = user_dup(attr->fd_array, (u64)load->spec.nr_fd_array * sizeof(int),
		       &load->fd_array);
	load->spec.fd_array = load->fd_array;
	return err;
}

static int read_log(const union bpf_attr *attr, struct load *load)
{
	int err = call_check_log(attr->log_level, attr->log_buf, attr->log_size);

	if (err)
		return err;
	load->spec.log_level = attr->log_level;
	if (!attr->log_buf)
		return 0;
	load->spec.log_buf = malloc(attr->log_size);
	if (!load->spec.log_buf)
		return -ENOMEM;
	load->spec.log_buf[0] = 0;
	load->spec.log_size = attr->log_size;
	return 0;
}

static int check_attr(const union bpf_attr *attr)
{
	if (attr->prog_flags & ~KNOWN_FLAGS)
		return -EINVAL;
	if (!attr->insn_cnt || attr->insn_cnt > MAX_INSNS)
		return -E2BIG;
	/* Programs to extend, and relocations by the loader: there are none here. */
	if (attr->attach_prog_fd || attr->core_relo_cnt)
		return -EINVAL;
	return 0;
}

/* In the kernel's order: of several things that are wrong the caller is told the same one. */
static int load_init(struct call *c, struct load *load)
{
	const union bpf_attr *attr = &c->attr;
	int err = check_attr(attr);

	load->spec.type = attr->prog_type;
	load->spec.attach_type = attr->expected_attach_type;
	load->spec.flags = attr->prog_flags;
	load->spec.attach_btf_id = attr->attach_btf_id;
	err = err ?: prog_check_attach(&load->spec);
	err = err ?: read_insns(attr, load);
	err = err ?: read_license(attr->license, &load->spec.gpl_compatible);
	/* There are no devices here. */
	err = err ?: attr->prog_ifindex ? -EINVAL : 0;
	err = err ?: call_copy_name(load->spec.name, attr->prog_name);
	err = err ?: read_log(attr, load);
	err = err ?: read_fd_array(attr, load);
	return err ?: read_types(c, load);
}

static int give_log(const struct call *c, const struct load *load, u32 true_size)
{
	const struct prog_spec *spec = &load->spec;

	if (c->bytes >= ATTR_PROG_LOG_TRUE_SIZE_END &&
	    user_write_u32(c->user_attr + ATTR_PROG_LOG_TRUE_SIZE, true_size))
		return -EFAULT;
	if (!spec->log_buf)
		return 0;
	return user_write(c->attr.log_buf, spec->log_buf,
			  min((u32)strnlen(spec->log_buf, spec->log_size) + 1, spec->log_size));
}

int cmd_prog_load(struct call *c)
{
	struct load load = { .insns = NULL };
	struct bpf_prog *prog = NULL;
	u32 true_size;
	int err;

	err = load_init(c, &load);
	if (err) {
		load_fini(&load);
		return err;
	}
	err = prog_load(&load.spec, &true_size, &prog);
	if (!err)
		load.spec.btf = NULL;	/* the program's now */
	if (give_log(c, &load, true_size))
		err = -EFAULT;
	load_fini(&load);
	if (err) {
		prog_put(prog);
		return err;
	}
	return call_open_new(&prog->obj, O_RDWR);
}

int cmd_prog_bind_map(struct call *c)
{
	struct bpf_prog *prog;
	struct bpf_map *map;
	int err;

	if (c->attr.prog_bind_map.flags)
		return -EINVAL;
	err = prog_by_fd(c->attr.prog_bind_map.prog_fd, &prog);
	if (err)
		return err;
	err = map_by_fd(c->attr.prog_bind_map.map_fd, &map);
	if (!err) {
		err = prog_bind_map(prog, map);
		map_put(map);
	}
	prog_put(prog);
	return err;
}
