/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/unit/facts/resolve_test.c - references, and kfuncs as prototypes
 */
#include "tests/unit/facts/fixture.h"

#define RUN(fx, ...)                                                      \
	({                                                                \
		static const struct bpf_insn prog[] = { __VA_ARGS__ };    \
		fixture_init(&(fx), prog, ARRAY_SIZE(prog));              \
		fixture_until_sites(&(fx));                               \
	})

static void refused(struct fixture *fx, int err, int want, const char *text)
{
	EXPECT_EQ(err, want);
	fixture_said(fx, text);
	fixture_fini(fx);
}

TEST(resolve, each_reference_is_found_once)
{
	struct fixture fx;

	EXPECT_EQ(RUN(fx, LD_MAP_FD(R1, MAP_FD_COUNTS), LD_MAP_VALUE(R2, MAP_FD_GLOBALS, 60),
		      LD_MAP_FD(R1, MAP_FD_COUNTS), LD_IMM64(R3, 0x123456789abcdef0ull),
		      CALL_HELPER(1), CALL_SUBPROG(1), EXIT(), MOV_IMM(R0, 0), EXIT()), 0);
	EXPECT_EQ(fx.f->nr_maps, 2);
	EXPECT_EQ(fx.f->sites[0].kind, SITE_MAP);
	EXPECT_EQ(fx.f->sites[0].map, 0);
	EXPECT_EQ(fx.f->sites[2].kind, SITE_MAP_VALUE);
	EXPECT_EQ(fx.f->sites[2].map, 1);
	EXPECT_EQ(fx.f->sites[2].off, 60);
	EXPECT_EQ(fx.f->sites[4].map, 0);
	EXPECT_EQ(fx.f->sites[6].kind, SITE_NUMBER);
	EXPECT_EQ(fx.f->sites[6].imm64, 0x123456789abcdef0ull);
	EXPECT_EQ(fx.f->sites[8].kind, SITE_HELPER);
	EXPECT_PTR_EQ(fx.f->sites[8].proto, &fixture_protos[1]);
	EXPECT_EQ(fx.f->sites[9].kind, SITE_SUBPROG);
	EXPECT_EQ(fx.f->sites[9].subprog, 1);
	EXPECT_EQ(fx.f->sites[10].kind, SITE_NONE);
	fixture_fini(&fx);
}

TEST(resolve, wrong_maps_are_refused)
{
	struct fixture fx;

	refused(&fx, RUN(fx, LD_MAP_FD(R1, 2000), EXIT()), -EBADF,
		"fd 2000 is not pointing to valid bpf_map");
	refused(&fx, RUN(fx, LD_MAP_FD(R1, 1), EXIT()), -EINVAL,
		"fd 1 is not pointing to valid bpf_map");
	refused(&fx, RUN(fx, LD_PSEUDO(R1, BPF_PSEUDO_MAP_FD, MAP_FD_COUNTS, 3), EXIT()), -EINVAL,
		"unrecognized bpf_ld_imm64 insn");
	refused(&fx, RUN(fx, LD_MAP_VALUE(R1, MAP_FD_COUNTS, 0), EXIT()), -EINVAL,
		"invalid access to map value pointer, value_size=8 off=0");
	refused(&fx, RUN(fx, LD_MAP_VALUE(R1, MAP_FD_GLOBALS, 64), EXIT()), -EINVAL,
		"invalid access to map value pointer, value_size=64 off=64");
	refused(&fx, RUN(fx, LD_MAP_VALUE(R1, MAP_FD_GLOBALS, 0x7fffffff), EXIT()), -EINVAL,
		"direct value offset of 2147483647 is not allowed");
	refused(&fx, RUN(fx, LD_PSEUDO(R1, BPF_PSEUDO_MAP_IDX, 0, 0), EXIT()), -EPROTO,
		"fd_idx without fd_array is invalid");
	refused(&fx, RUN(fx, LD_PSEUDO(R1, BPF_PSEUDO_BTF_ID, 5, 0), EXIT()), -EINVAL,
		"variable btf_id 5 is not supported");
}

TEST(resolve, a_map_may_be_named_by_its_place_in_fd_array)
{
	static const struct bpf_insn prog[] = { LD_PSEUDO(R1, BPF_PSEUDO_MAP_IDX, 1, 0), EXIT() };
	static const int fds[] = { 1, MAP_FD_COUNTS };
	struct fixture fx;

	for (u32 nr = 1; nr <= 2; nr++) {
		fixture_init(&fx, prog, ARRAY_SIZE(prog));
		fx.req.fd_array = fds;
		fx.req.nr_fd_array = nr;
		EXPECT_EQ(fixture_until_sites(&fx), nr == 2 ? 0 : -EINVAL);
		fixture_fini(&fx);
	}
}

TEST(resolve, there_are_at_most_64_maps)
{
	struct bpf_insn prog[2 * 65 + 1];
	struct fixture fx;

	for (u32 i = 0; i < 65; i++) {
		const struct bpf_insn load[] = { LD_MAP_FD(R1, (s32)(10 + i)) };

		memcpy(&prog[2 * i], load, sizeof(load));
	}
	prog[128] = (struct bpf_insn)EXIT();
	fixture_init(&fx, prog, 129);
	EXPECT_EQ(fixture_until_sites(&fx), 0);
	EXPECT_EQ(fx.f->nr_maps, 64);
	fixture_fini(&fx);
	memcpy(&prog[128], (struct bpf_insn[]){ LD_MAP_FD(R1, 900) }, 2 * sizeof(*prog));
	prog[130] = (struct bpf_insn)EXIT();
	fixture_init(&fx, prog, 131);
	refused(&fx, fixture_until_sites(&fx), -E2BIG,
		"The total number of maps per program has reached the limit of 64");
}

static void refused_when_called(struct bpf_insn call, int want, const char *text)
{
	const struct bpf_insn prog[] = { call, EXIT() };
	struct image im = IMAGE_INIT;
	struct fixture fx;
	struct btf *btf;
	u32 proto = image_type(&im, NULL, IMAGE_INFO(BTF_KIND_FUNC_PROTO, 0, 0), 0);

	image_ref(&im, "other", BTF_KIND_FUNC, proto);
	btf = image_parse(&im, 0);
	fixture_init(&fx, prog, 2);
	fx.platform.btf = btf;
	fx.req.gpl_compatible = false;
	EXPECT_EQ(fixture_until_sites(&fx), 0);
	EXPECT_EQ(fx.f->sites[0].kind, SITE_NONE);
	refused(&fx, facts_reject_call(&fx.v), want, text);
	btf_put(btf);
}

TEST(resolve, a_function_that_is_not_there_is_wrong_only_when_called)
{
	refused_when_called((struct bpf_insn)CALL_HELPER(9999), -EINVAL, "invalid func unknown#9999");
	refused_when_called((struct bpf_insn)CALL_HELPER(43), -EINVAL,
			    "program of this type cannot use helper bpf_skb_change_head#43");
	refused_when_called((struct bpf_insn)CALL_HELPER(HELPER_GPL), -EINVAL,
			    "cannot call GPL-restricted function from non-GPL compatible program");
	refused_when_called((struct bpf_insn)CALL_KFUNC(0), -EINVAL,
			    "invalid kernel function call not eliminated in verifier pass");
	refused_when_called((struct bpf_insn)CALL_KFUNC(2), -EACCES,
			    "calling kernel function other is not allowed");
}

/* --- prototypes ------------------------------------------------------------------------------- */

/* Types that declarations are made of; the kfunc comes last. */
struct decls {
	struct image im;
	u32 t_int, t_u64, t_char, t_obj, t_iter;
	u32 p_void, p_obj, p_iter, p_int, p_const_char;
};

static void decls_init(struct decls *d)
{
	u32 t_const;

	memset(d, 0, sizeof(*d));
	d->im.strs_bytes = 1;
	d->t_int = image_int(&d->im, "int", 4);
	d->t_u64 = image_int(&d->im, "u64", 8);
	d->t_char = image_int(&d->im, "char", 1);
	d->t_obj = image_struct(&d->im, "obj", BTF_KIND_STRUCT, 8, 1);
	image_member(&d->im, "n", d->t_u64, 0, 0);
	d->t_iter = image_struct(&d->im, "bpf_iter_obj", BTF_KIND_STRUCT, 16, 0);
	d->p_void = image_ref(&d->im, NULL, BTF_KIND_PTR, 0);
	d->p_obj = image_ref(&d->im, NULL, BTF_KIND_PTR, d->t_obj);
	d->p_iter = image_ref(&d->im, NULL, BTF_KIND_PTR, d->t_iter);
	d->p_int = image_ref(&d->im, NULL, BTF_KIND_PTR, d->t_int);
	t_const = image_ref(&d->im, NULL, BTF_KIND_CONST, d->t_char);
	d->p_const_char = image_ref(&d->im, NULL, BTF_KIND_PTR, t_const);
}

struct param {
	const char *name;
	u32 type;
};

/* The prototype of "ret kfunc(params)" registered with @flags. */
static int make(struct decls *d, u32 flags, u32 ret, const struct param *params,
		struct func_proto *proto, const char *said)
{
	const struct bpf_insn prog[] = { EXIT() };
	const struct vrf_kfunc kfunc = { .name = "kfunc", .flags = flags };
	struct fixture fx;
	struct btf *btf;
	u32 nr = 0, id;
	int err;

	while (params[nr].type)
		nr++;
	id = image_type(&d->im, NULL, IMAGE_INFO(BTF_KIND_FUNC_PROTO, 0, nr), ret);
	for (u32 i = 0; i < nr; i++)
		image_param(&d->im, params[i].name, params[i].type);
	id = image_ref(&d->im, "kfunc", BTF_KIND_FUNC, id);
	btf = image_parse(&d->im, 0);
	fixture_init(&fx, prog, 1);
	fx.platform.btf = btf;
	err = proto_from_btf(&fx.v, btf, id, &kfunc, proto);
	if (said)
		fixture_said(&fx, said);
	fixture_fini(&fx);
	btf_put(btf);
	return err;
}

#define PARAMS(...) ((const struct param[]){ __VA_ARGS__ { 0 } })

TEST(proto, an_acquire_gives_a_trusted_reference)
{
	struct func_proto p;
	struct decls d;

	decls_init(&d);
	EXPECT_EQ(make(&d, KF_ACQUIRE, d.p_obj, PARAMS(), &p, NULL), 0);
	EXPECT_EQ(p.ret.kind, RET_BTF);
	EXPECT_EQ(p.ret.btf_id, d.t_obj);
	EXPECT_EQ(p.ret.flags, RETF_ACQUIRE | RETF_TRUSTED);
	EXPECT_EQ(p.args[0].kind, ARG_NONE);
	EXPECT_EQ(p.flags, FUNC_KFUNC);
}

TEST(proto, a_release_takes_a_trusted_pointer)
{
	struct func_proto p;
	struct decls d;

	decls_init(&d);
	EXPECT_EQ(make(&d, KF_RELEASE, 0, PARAMS({ "lock", d.p_obj }, ), &p, NULL), 0);
	EXPECT_EQ(p.ret.kind, RET_VOID);
	EXPECT_EQ(p.args[0].kind, ARG_BTF);
	EXPECT_EQ(p.args[0].btf_id, d.t_obj);
	EXPECT_EQ(p.args[0].flags, ARGF_TRUSTED | ARGF_RELEASE);
	decls_init(&d);
	EXPECT_EQ(make(&d, KF_RELEASE, 0, PARAMS({ "n", d.t_int }, ), &p, "release kfunc"), -EINVAL);
}

TEST(proto, a_void_pointer_is_a_number_when_returned_and_refused_when_passed)
{
	struct func_proto p;
	struct decls d;

	decls_init(&d);
	EXPECT_EQ(make(&d, 0, d.p_void, PARAMS(), &p, NULL), 0);
	EXPECT_EQ(p.ret.kind, RET_SCALAR);
	EXPECT_EQ(p.ret.bits, 0);
	decls_init(&d);
	EXPECT_EQ(make(&d, 0, 0, PARAMS({ "p", d.p_void }, ), &p, "must point to scalar"), -EINVAL);
	decls_init(&d);
	EXPECT_EQ(make(&d, KF_ACQUIRE, d.p_void, PARAMS(), &p, "not supported"), -EINVAL);
}

TEST(proto, suffixes_say_what_types_cannot)
{
	struct func_proto p;
	struct decls d;

	decls_init(&d);
	EXPECT_EQ(make(&d, KF_RDONLY_CAST, d.p_void,
		       PARAMS({ "obj__ign", d.p_void }, { "id__k", d.t_int }, ), &p, NULL), 0);
	EXPECT_EQ(p.args[0].kind, ARG_ANYTHING);
	EXPECT_EQ(p.args[0].flags, ARGF_IGNORE);
	EXPECT_EQ(p.args[1].kind, ARG_CONST);
	EXPECT_EQ(p.ret.kind, RET_BTF_BY_ARG);
	EXPECT_TRUE(p.ret.flags & RETF_UNTRUSTED);

	decls_init(&d);
	EXPECT_EQ(make(&d, 0, d.t_int, PARAMS({ "from", d.p_void }, { "from__sz", d.t_int },
					      { "to__uninit", d.p_int },
					      { "text__nullable", d.p_const_char },
					      { "n", d.t_u64 }, ), &p, NULL), 0);
	EXPECT_EQ(p.args[0].kind, ARG_MEM);
	EXPECT_EQ(p.args[0].size, 0);
	EXPECT_EQ(p.args[0].flags, ARGF_WRITE);
	EXPECT_EQ(p.args[1].kind, ARG_SIZE);
	EXPECT_EQ(p.args[2].size, 4);
	EXPECT_EQ(p.args[2].flags, ARGF_UNINIT | ARGF_WRITE);
	EXPECT_EQ(p.args[3].size, 1);
	EXPECT_EQ(p.args[3].flags, ARGF_MAYBE_NULL);
	EXPECT_EQ(p.args[4].kind, ARG_SCALAR);
	EXPECT_EQ(p.ret.bits, 32);
}

TEST(proto, iterators_are_recognised)
{
	struct func_proto p;
	struct decls d;

	decls_init(&d);
	EXPECT_EQ(make(&d, KF_ITER_NEW, d.t_int, PARAMS({ "it", d.p_iter }, { "n", d.t_int }, ), &p,
		       NULL), 0);
	EXPECT_EQ(p.args[0].kind, ARG_ITER);
	EXPECT_EQ(p.args[0].size, 16);
	EXPECT_EQ(p.args[0].btf_id, d.t_iter);
	EXPECT_EQ(p.args[0].flags, ARGF_UNINIT | ARGF_WRITE);
	EXPECT_TRUE(p.flags & FUNC_ITER_NEW);

	decls_init(&d);
	EXPECT_EQ(make(&d, KF_ITER_NEXT | KF_RET_NULL, d.p_int, PARAMS({ "it", d.p_iter }, ), &p, NULL),
		  0);
	EXPECT_EQ(p.ret.kind, RET_MEM);
	EXPECT_EQ(p.ret.size, 4);
	EXPECT_EQ(p.ret.flags, RETF_RDONLY | RETF_MAYBE_NULL);

	decls_init(&d);
	EXPECT_EQ(make(&d, KF_ITER_NEXT | KF_RET_NULL | KF_SCOPED, d.p_obj,
		       PARAMS({ "it", d.p_iter }, ), &p, NULL), 0);
	EXPECT_EQ(p.ret.flags, RETF_MAYBE_NULL | RETF_SCOPED | RETF_TRUSTED);
	EXPECT_TRUE(p.flags & FUNC_SCOPED);

	decls_init(&d);
	EXPECT_EQ(make(&d, KF_ITER_DESTROY, 0, PARAMS({ "o", d.p_obj }, ), &p,
		       "does not take its struct first"), -EINVAL);
}

TEST(proto, what_is_not_understood_is_refused)
{
	struct func_proto p;
	struct decls d;

	decls_init(&d);
	EXPECT_EQ(make(&d, 0, d.t_obj, PARAMS(), &p, "is not supported"), -EINVAL);
	decls_init(&d);
	EXPECT_EQ(make(&d, 0, d.p_int, PARAMS(), &p, "is not supported"), -EINVAL);
	decls_init(&d);
	EXPECT_EQ(make(&d, 0, 0, PARAMS({ "o", d.t_obj }, ), &p, "Unrecognized arg#0"), -EINVAL);
	decls_init(&d);
	EXPECT_EQ(make(&d, 0, 0, PARAMS({ "a", 1 }, { "b", 1 }, { "c", 1 }, { "d", 1 }, { "e", 1 },
					{ "f", 1 }, ), &p, "Function kfunc has 6 > 5 args"), -EINVAL);
	decls_init(&d);
	EXPECT_EQ(make(&d, 0, d.p_obj, PARAMS(), &p, NULL), 0);
	EXPECT_EQ(p.ret.flags, RETF_UNTRUSTED);
}
