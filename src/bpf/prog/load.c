/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/prog/load.c - verify, fix up, publish
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rove/irq_work.h>

#include "base/clock.h"
#include "base/context.h"
#include "bpf/core/view.h"
#include "bpf/prog/prog.h"

static void prog_release(struct bpf_prog *prog)
{
	for (u32 i = 0; i < prog->nr_maps; i++)
		map_put(prog->maps[i]);
	free(prog->maps);
	free(prog->func_info);
	free(prog->line_info);
	free(prog->insns);
	interp_free(prog->code);
	free(prog->funcs);
	free(prog);
}

static void prog_object_free(struct object *obj)
{
	struct bpf_prog *prog = prog_of_object(obj);

	btf_object_put(prog->btf);
	prog_release(prog);
}

static void prog_view(struct object *obj, struct object_view *ret_view)
{
	struct bpf_prog *prog = prog_of_object(obj);
	u32 nr_maps;

	mutex_lock(&prog->lock);
	nr_maps = prog->nr_maps;
	mutex_unlock(&prog->lock);
	ret_view->aux = (struct bpf_prog_aux_view){
		.id = obj->id,
		.used_map_cnt = nr_maps,
		.func_info_cnt = prog->nr_func_info,
		.attach_btf_id = prog->attach_btf_id,
		.verified_insns = prog->verified_insns,
		.max_ctx_offset = prog->max_ctx_bytes,
		.load_time = prog->load_time_ns,
		.sleepable = prog->flags & BPF_F_SLEEPABLE,
	};
	memcpy(ret_view->aux.name, prog->name, sizeof(ret_view->aux.name));
	if (prog->iter) {
		snprintf(ret_view->attach_func, sizeof(ret_view->attach_func), "bpf_iter_%s",
			 prog->iter->name);
		ret_view->aux.attach_func_name = ret_view->attach_func;
	}
	ret_view->prog = (struct bpf_prog_view){
		.type = prog->type,
		.expected_attach_type = prog->attach_type,
		.len = prog->nr_insns,
		.aux = &ret_view->aux,
	};
	memcpy(ret_view->prog.tag, prog->tag, sizeof(ret_view->prog.tag));
}

const struct object_ops prog_object_ops = {
	.kind = OBJECT_PROG,
	.memfd_name = "bpf-prog",
	.free = prog_object_free,
	.put_later = prog_put_later,
	.view = prog_view,
};

/* Reasons that are ours to give, in the verifier's log. */
static int refuse(const struct prog_spec *spec, const char *why, u32 *ret_log_true_size)
{
	if (spec->log_level)
		*ret_log_true_size = strlen(why) + 1;
	if (spec->log_level && spec->log_buf)
		snprintf(spec->log_buf, spec->log_size, "%s", why);
	return -EINVAL;
}

/**
 * prog_check_attach - does a program of this type say right what it attaches to?
 *
 * Context: any.
 * Return:  0 or -EINVAL, whatever the rest is like.
 */
int prog_check_attach(const struct prog_spec *spec)
{
	if (spec->attach_btf_id && spec->type != BPF_PROG_TYPE_TRACING)
		return -EINVAL;
	return spec->type == BPF_PROG_TYPE_SYSCALL && spec->attach_type ? -EINVAL : 0;
}

/* A tracing program is one of an iterator; it says whose by a function of our BTF. */
static int check_attach(const struct prog_spec *spec, const struct platform *platform,
			u32 *ret_log_true_size)
{
	const struct btf_type *t = btf_type(btf_self(), spec->attach_btf_id);

	if (spec->type != BPF_PROG_TYPE_TRACING)
		return 0;
	if (!spec->attach_btf_id)
		return refuse(spec, "Tracing programs must provide btf_id\n", ret_log_true_size);
	if (!t)
		return refuse(spec, "attach_btf_id is invalid\n", ret_log_true_size);
	if (spec->attach_type == BPF_TRACE_ITER && btf_kind(t) != BTF_KIND_FUNC)
		return refuse(spec, "attach_btf_id is not a function\n", ret_log_true_size);
	return platform->iter ? 0 : -EINVAL;
}

static int check_spec(const struct prog_spec *spec, const struct platform *platform,
		      u32 *ret_log_true_size)
{
	const struct ctx_desc *ctx = platform->vrf.ctx(&platform->vrf, spec->type);
	bool sleepable = spec->flags & BPF_F_SLEEPABLE;
	int err = check_attach(spec, platform, ret_log_true_size);

	if (err)
		return err;
	if (!ctx)
		return -EINVAL;
	if (spec->type == BPF_PROG_TYPE_SYSCALL && !sleepable)
		return refuse(spec, "Syscall programs can only be sleepable\n", ret_log_true_size);
	if (sleepable && !ctx->may_sleep)
		return refuse(spec, "Program of this type cannot be sleepable\n",
			      ret_log_true_size);
	return 0;
}

static int verify(const struct prog_spec *spec, const struct vrf_platform *platform,
		  struct vrf_result *ret_res)
{
	struct vrf_request req = {
		.insns = spec->insns,
		.nr_insns = spec->nr_insns,
		.platform = platform,
		.prog_btf = spec->btf ? btf_object_btf(spec->btf) : NULL,
		.func_info = spec->func_info,
		.nr_func_info = spec->nr_func_info,
		.line_info = spec->line_info,
		.nr_line_info = spec->nr_line_info,
		.prog_type = spec->type,
		.attach_type = spec->attach_type,
		.prog_flags = spec->flags,
		.gpl_compatible = spec->gpl_compatible,
		.fd_array = spec->fd_array,
		.nr_fd_array = spec->nr_fd_array,
		.log_level = spec->log_level,
		.log_buf = spec->log_buf,
		.log_size = spec->log_size,
	};

	return vrf_check(&req, ret_res);
}

/* A name for the instructions' content, wherever its maps are: FNV-1a. */
static void make_tag(struct bpf_prog *prog)
{
	u64 h = 0xcbf29ce484222325ull;

	for (u32 pc = 0; pc < prog->nr_insns; pc++) {
		struct bpf_insn insn = prog->insns[pc];

		if (insn_is_ld_imm64(&insn) && insn.src_reg)
			insn.imm = 0;
		for (u32 i = 0; i < sizeof(insn); i++)
			h = (h ^ ((u8 *)&insn)[i]) * 0x100000001b3ull;
	}
	memcpy(prog->tag, &h, sizeof(prog->tag));
}

static u64 boottime_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (u64)ts.tv_sec * NSEC_PER_SEC + (u64)ts.tv_nsec;
}

/* NULL for nothing; *err is set when there is no memory. */
static void *copy_array(const void *from, u32 nr, size_t bytes, int *err)
{
	void *to;

	if (!nr)
		return NULL;
	to = malloc(nr * bytes);
	if (to)
		memcpy(to, from, nr * bytes);
	else
		*err = -ENOMEM;
	return to;
}

/* Everything but ->code, ->maps and ->btf. */
static int prog_create(const struct prog_spec *spec, const struct vrf_result *res,
		       struct bpf_prog **ret_prog)
{
	struct bpf_prog *prog = calloc(1, sizeof(*prog));
	int err = 0;

	if (!prog)
		return -ENOMEM;
	prog->type = spec->type;
	prog->attach_type = spec->attach_type;
	prog->flags = spec->flags;
	prog->gpl_compatible = spec->gpl_compatible;
	memcpy(prog->name, spec->name, sizeof(prog->name));
	prog->load_time_ns = boottime_ns();
	prog->uid = getuid();
	prog->verified_insns = res->stats.insns_processed;
	prog->max_ctx_bytes = res->max_ctx_bytes;
	prog->max_buf_rdonly_bytes = res->max_buf_rdonly_bytes;
	prog->max_buf_bytes = res->max_buf_bytes;
	prog->writes_buf = res->writes_buf;
	prog->attach_btf_id = spec->attach_btf_id;
	prog->nr_insns = spec->nr_insns;
	prog->nr_func_info = spec->nr_func_info;
	prog->nr_line_info = spec->nr_line_info;
	prog->insns = copy_array(spec->insns, spec->nr_insns, sizeof(*spec->insns), &err);
	prog->func_info = copy_array(spec->func_info, spec->nr_func_info,
				     sizeof(*spec->func_info), &err);
	prog->line_info = copy_array(spec->line_info, spec->nr_line_info,
				     sizeof(*spec->line_info), &err);
	if (err) {
		prog_release(prog);
		return err;
	}
	make_tag(prog);
	*ret_prog = prog;
	return 0;
}

static int take_maps(struct bpf_prog *prog, const struct vrf_result *res)
{
	if (!res->nr_maps)
		return 0;
	prog->maps = calloc(res->nr_maps, sizeof(prog->maps[0]));
	if (!prog->maps)
		return -ENOMEM;
	for (u32 i = 0; i < res->nr_maps; i++) {
		struct bpf_map *map = (struct bpf_map *)res->maps[i];

		map_get(map);
		prog->maps[prog->nr_maps++] = map;
	}
	return 0;
}

static int publish(struct bpf_prog *prog, const struct prog_spec *spec)
{
	int memfd = object_memfd_create(&prog_object_ops, 0);
	int err;

	if (memfd < 0)
		return memfd;
	prog->btf = spec->btf;
	err = object_init(&prog->obj, &prog_object_ops, memfd);
	if (err) {
		prog->btf = NULL;
		close(memfd);
	}
	return err;
}

/* What a signal handler takes out of a map is handed to the softirq thread. */
static int prepare_maps(const struct bpf_prog *prog, const struct platform *platform)
{
	const struct ctx_desc *ctx = platform->vrf.ctx(&platform->vrf, prog->type);

	return prog->nr_maps && !ctx->in_thread ? rove_softirq_start() : 0;
}

static int accept_program(const struct prog_spec *spec, const struct platform *platform,
			  const struct vrf_result *res, struct bpf_prog **ret_prog)
{
	struct bpf_prog *prog;
	int err = prog_create(spec, res, &prog);

	if (err)
		return err;
	prog->iter = platform->iter;
	err = take_maps(prog, res);
	err = err ?: fixup_program(prog, res);
	err = err ?: prepare_maps(prog, platform);
	err = err ?: publish(prog, spec);
	if (err) {
		prog_release(prog);
		return err;
	}
	*ret_prog = prog;
	return 0;
}

/**
 * prog_load - from instructions to a program
 * @ret_log_true_size: bytes the full log would need; 0: there is none
 * @ret_prog:          with one reference; set on success only
 *
 * Context: may sleep.
 * @spec: prog_check_attach() has been asked
 * Return:  0; -EINVAL, -EACCES, … of the verifier; -ENOSPC: the log did not fit, whatever
 *          the verdict; -ENOMEM, -EMFILE, -EAGAIN (no thread).
 */
int prog_load(const struct prog_spec *spec, u32 *ret_log_true_size, struct bpf_prog **ret_prog)
{
	struct platform platform;
	struct vrf_result res;
	int err;

	ctx_may_sleep();
	*ret_log_true_size = 0;
	platform_init(&platform, spec);
	err = check_spec(spec, &platform, ret_log_true_size);
	if (err)
		return err;
	err = verify(spec, &platform.vrf, &res);
	*ret_log_true_size = res.log_true_size;
	/* A log that is cut off hides the verdict, so that callers come again with more room. */
	if (spec->log_size && res.log_true_size > spec->log_size)
		err = -ENOSPC;
	err = err ?: accept_program(spec, &platform, &res, ret_prog);
	vrf_result_free(&res);
	platform_fini(&platform);
	return err;
}
