/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/unit/facts/fixture.h - a check of a small program, with a made-up platform
 *
 *	struct fixture fx;
 *
 *	fixture_init(&fx, prog, ARRAY_SIZE(prog));
 *	EXPECT_EQ(fixture_until_cfg(&fx), 0);
 *	...
 *	fixture_fini(&fx);
 */
#ifndef ROVE_TESTS_UNIT_FACTS_FIXTURE_H
#define ROVE_TESTS_UNIT_FACTS_FIXTURE_H

#include <errno.h>

#include "bpf/verifier/facts/facts.h"
#include "tests/insn.h"
#include "tests/unit/btf/image.h"

#define MAP_FD_COUNTS 3		/* array of 4 values of 8 bytes */
#define MAP_FD_GLOBALS 4	/* array of 1 value of 64 bytes */
#define HELPER_GPL 6		/* trace_printk, here only to be restricted */

struct fixture {
	struct vrf_request req;
	struct vrf_platform platform;
	struct vrf_result res;
	struct vrf_subprog subprogs[FACTS_MAX_SUBPROGS];
	struct vrf v;
	struct facts *f;
	u32 kfunc_id, kfunc_flags;	/* the one kfunc there is, 0: none */
	const char *kfunc_name;
	char log[4096];
};

static const struct func_proto fixture_protos[] = {
	[BPF_FUNC_map_lookup_elem] = {
		.name = "bpf_map_lookup_elem",
		.args = { { .kind = ARG_MAP }, { .kind = ARG_MAP_KEY } },
		.ret = { .kind = RET_MAP_VALUE, .flags = RETF_MAYBE_NULL },
	},
	[BPF_FUNC_ktime_get_ns] = { .name = "bpf_ktime_get_ns", .ret = { .kind = RET_SCALAR } },
	[HELPER_GPL] = { .name = "bpf_trace_printk", .flags = FUNC_GPL },
	[BPF_FUNC_timer_set_callback] = {
		.name = "bpf_timer_set_callback",
		.args = { { .kind = ARG_ANYTHING }, { .kind = ARG_ANYTHING } },
		.ret = { .kind = RET_SCALAR },
	},
};

static inline const struct func_proto *fixture_helper(const struct vrf_platform *p, u32 prog_type,
						      u32 id, bool *ret_known)
{
	*ret_known = id && id < 212;
	return id < ARRAY_SIZE(fixture_protos) && fixture_protos[id].name ? &fixture_protos[id] : NULL;
}

static inline int fixture_kfunc(const struct vrf_platform *p, u32 prog_type, u32 id,
				struct vrf_kfunc *ret_kfunc)
{
	const struct fixture *fx = p->arg;

	if (id != fx->kfunc_id)
		return -EACCES;
	ret_kfunc->name = fx->kfunc_name;
	ret_kfunc->flags = fx->kfunc_flags;
	return 0;
}

static inline int fixture_map(const struct vrf_platform *p, int fd, struct vrf_map *ret_map)
{
	static const char handles[1000];

	if (fd == 1)
		return -EINVAL;
	if (fd < 3 || fd >= (int)sizeof(handles))
		return -EBADF;
	*ret_map = (struct vrf_map){
		.handle = &handles[fd], .type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .name = "m",
		.value_size = fd == MAP_FD_GLOBALS ? 64 : 8,
		.max_entries = fd == MAP_FD_GLOBALS ? 1 : 4,
	};
	return 0;
}

static inline const struct ctx_desc *fixture_ctx(const struct vrf_platform *p, u32 prog_type)
{
	static const struct ctx_desc plain = { .name = "plain", .max_bytes = 64, .plain = true };

	return prog_type == BPF_PROG_TYPE_SYSCALL ? &plain : NULL;
}

static inline void fixture_init(struct fixture *fx, const struct bpf_insn *insns, u32 nr)
{
	memset(fx, 0, sizeof(*fx));
	fx->platform = (struct vrf_platform){
		.helper = fixture_helper, .kfunc = fixture_kfunc, .map = fixture_map,
		.ctx = fixture_ctx, .arg = fx,
	};
	fx->req = (struct vrf_request){
		.insns = insns, .nr_insns = nr, .platform = &fx->platform,
		.prog_type = BPF_PROG_TYPE_SYSCALL, .gpl_compatible = true,
		.log_level = 1, .log_buf = fx->log, .log_size = sizeof(fx->log),
	};
	fx->res.subprogs = fx->subprogs;
	fx->v = (struct vrf){ .req = &fx->req, .res = &fx->res };
	EXPECT_EQ(vlog_create(&fx->req, &fx->v.log), 0);
	EXPECT_EQ(facts_create(&fx->f), 0);
}

static inline void fixture_fini(struct fixture *fx)
{
	vlog_free(fx->v.log);
	facts_free(fx->f);
}

/* Does the log say this?  Ends it. */
static inline void fixture_said(struct fixture *fx, const char *text)
{
	u32 size;

	vlog_finish(fx->v.log, &size);
	if (!strstr(fx->log, text))
		print_error("log says '%s', wanted '%s'\n", fx->log, text);
	EXPECT_TRUE(strstr(fx->log, text));
}

static inline int fixture_until_subprogs(struct fixture *fx)
{
	int err = facts_check_insns(&fx->v);

	return err ?: facts_find_subprogs(&fx->v, fx->f);
}

static inline int fixture_until_sites(struct fixture *fx)
{
	int err = fixture_until_subprogs(fx);

	return err ?: facts_resolve(&fx->v, fx->f);
}

static inline int fixture_until_cfg(struct fixture *fx)
{
	int err = fixture_until_sites(fx);

	return err ?: facts_build_cfg(&fx->v, fx->f);
}

static inline int fixture_until_liveness(struct fixture *fx)
{
	int err = fixture_until_cfg(fx);

	return err ?: facts_compute_liveness(&fx->v, fx->f);
}

#endif
