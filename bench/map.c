/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bench/map.c - what the operations of hash maps cost, resizable ones too, beside the kernel's
 *
 * Ours are called as helpers call them, in one read section for NR_OPS of them: in a
 * thread, and declared as in a signal handler, where nothing may be locked for or
 * allocated.  The kernel's are called by a program that does nothing else, run once for
 * NR_OPS of them; so the kernel's numbers have two or three instructions more in them.
 * Where bpf(2) is not allowed, its rows are missing and that is said.
 *
 *	map [-n ROUNDS] [-j FILE]
 *
 * Not here: a verdict; programs of ours, which bench/walk.c times.
 */
#include <errno.h>
#include <sys/syscall.h>

#include <rove/irq_work.h>

#include "base/context.h"
#include "bench/stats.h"
#include "bpf/core/uapi.h"
#include "bpf/map/map.h"
#include "bpf/map/rcu.h"
#include "tests/unit/syscall/bpf.h"

#define NR_OPS 4096u
#define NR_KEYS 1024u

enum op {
	LOOKUP, UPDATE, INSERT_DELETE,
	PERCPU_LOOKUP, PERCPU_UPDATE,	/* a value for each CPU */
	INNER_LOOKUP,			/* of a hash in an array of maps, and in that */
	NR_OP_KINDS,
};

struct ours {
	struct bpf_map *map, *outer;
	enum op op;
	bool looks_up;
	bool handler;
};

struct kernels {
	int prog;
};

/* --- ours --------------------------------------------------------------------------------- */

static u32 nr_refused;

static u32 type_of(enum op op)
{
	return op == PERCPU_LOOKUP || op == PERCPU_UPDATE ? BPF_MAP_TYPE_PERCPU_HASH :
							    BPF_MAP_TYPE_HASH;
}

static bool looks_up(enum op op)
{
	return op == LOOKUP || op == PERCPU_LOOKUP || op == INNER_LOOKUP;
}

static void one(const struct ours *o, u32 key)
{
	u64 value = key;
	int err = 0;

	if (o->looks_up)
		err = o->map->ops->lookup(o->map, &key) ? 0 : -ENOENT;
	else
		err = o->map->ops->update(o->map, &key, &value, BPF_ANY);
	if (o->op == INSERT_DELETE && !err)
		err = o->map->ops->delete(o->map, &key);
	nr_refused += !!err;
}

static void one_in_outer(const struct ours *o, u32 key)
{
	struct bpf_map *map = o->outer->ops->lookup(o->outer, &(u32){ 0 });

	nr_refused += !map->ops->lookup(map, &key);
}

static void all(const struct ours *o)
{
	for (u32 i = 0; !o->outer && i < NR_OPS; i++)
		one(o, i % NR_KEYS);
	for (u32 i = 0; o->outer && i < NR_OPS; i++)
		one_in_outer(o, i % NR_KEYS);
}

static double ours_once(void *arg)
{
	const struct ours *o = arg;
	u64 start_ns;

	if (o->handler)
		usleep(30000);	/* not timed: what was replaced comes back */
	start_ns = clock_mono_ns();
	map_rcu_read_lock();
	if (o->handler)
		ctx_nmi_enter();
	all(o);
	if (o->handler)
		ctx_nmi_exit();
	map_rcu_read_unlock();
	return clock_mono_ns() - start_ns;
}

/* The value of all CPUs. */
static u64 zeros[8192];

static struct bpf_map *map_at(int fd)
{
	struct bpf_map *map;

	if (fd < 0 || map_by_fd(fd, &map)) {
		fprintf(stderr, "map: no map\n");
		exit(1);
	}
	return map;
}

static struct ours new_ours(enum op op, u32 type, u32 flags, bool handler)
{
	int fd = map_new(type, 4, 8, 4 * NR_KEYS, flags), outer;
	struct ours o = {
		.map = map_at(fd), .op = op, .looks_up = looks_up(op), .handler = handler,
	};

	for (u32 key = 0; op != INSERT_DELETE && key < NR_KEYS; key++)
		map_update(fd, &key, zeros, 0);
	if (op != INNER_LOOKUP)
		return o;
	outer = BPF(BPF_MAP_CREATE, .map_type = BPF_MAP_TYPE_ARRAY_OF_MAPS, .key_size = 4,
		    .value_size = 4, .max_entries = 1, .inner_map_fd = fd);
	o.outer = map_at(outer);
	map_update(outer, &(u32){ 0 }, &fd, 0);
	return o;
}

/* --- the kernel's ------------------------------------------------------------------------- */

static int kernel_call(int cmd, union bpf_attr *attr)
{
	long ret = syscall(__NR_bpf, cmd, attr, sizeof(*attr));

	return ret < 0 ? -errno : ret;
}

static double kernel_once(void *arg)
{
	const struct kernels *k = arg;
	union bpf_attr attr = { .test = { .prog_fd = k->prog } };
	u64 start_ns = clock_mono_ns();

	if (kernel_call(BPF_PROG_TEST_RUN, &attr))
		return -1;
	return clock_mono_ns() - start_ns;
}

#define CALL_WITH_KEY(map, func)                                                     \
	LD_MAP(BPF_REG_1, map), MOV_X(BPF_REG_2, BPF_REG_10), ADD_K(BPF_REG_2, -4),  \
		MOV_X(BPF_REG_3, BPF_REG_10), ADD_K(BPF_REG_3, -16), MOV_K(BPF_REG_4, 0), \
		CALL(func)

static int kernel_prog(int map, enum op op)
{
	const s32 first = looks_up(op) ? BPF_FUNC_map_lookup_elem : BPF_FUNC_map_update_elem;
	struct bpf_insn insns[] = {
		ST(BPF_DW, BPF_REG_10, -16, 0),
		MOV_K(BPF_REG_6, 0),
		MOV_X(BPF_REG_1, BPF_REG_6),
		INSN(BPF_ALU64 | BPF_AND | BPF_K, BPF_REG_1, 0, 0, NR_KEYS - 1),
		STX(BPF_W, BPF_REG_10, BPF_REG_1, -4),
		CALL_WITH_KEY(map, first),
		CALL_WITH_KEY(map, BPF_FUNC_map_delete_elem),
		ADD_K(BPF_REG_6, 1),
		JMP_K(BPF_JLT, BPF_REG_6, NR_OPS, op == INSERT_DELETE ? -21 : -13),
		MOV_K(BPF_REG_0, 0),
		EXIT(),
	};
	union bpf_attr attr = { .prog_type = BPF_PROG_TYPE_SYSCALL, .insns = PTR(insns),
				.insn_cnt = ARRAY_SIZE(insns), .license = PTR("GPL"),
				.prog_flags = BPF_F_SLEEPABLE };
	const u32 nr_call = 8, second = 5 + nr_call;

	if (op != INSERT_DELETE) {
		attr.insn_cnt -= nr_call;
		memmove(&insns[second], &insns[second + nr_call],
			(attr.insn_cnt - second) * sizeof(insns[0]));
	}
	return kernel_call(BPF_PROG_LOAD, &attr);
}

static int kernel_inner_prog(int outer)
{
	struct bpf_insn insns[] = {
		ST(BPF_DW, BPF_REG_10, -16, 0),
		MOV_K(BPF_REG_6, 0),
		MOV_X(BPF_REG_1, BPF_REG_6),
		INSN(BPF_ALU64 | BPF_AND | BPF_K, BPF_REG_1, 0, 0, NR_KEYS - 1),
		STX(BPF_W, BPF_REG_10, BPF_REG_1, -4),
		LD_MAP(BPF_REG_1, outer),
		MOV_X(BPF_REG_2, BPF_REG_10),
		ADD_K(BPF_REG_2, -16),
		CALL(BPF_FUNC_map_lookup_elem),
		JMP_K(BPF_JEQ, BPF_REG_0, 0, 4),
		MOV_X(BPF_REG_1, BPF_REG_0),
		MOV_X(BPF_REG_2, BPF_REG_10),
		ADD_K(BPF_REG_2, -4),
		CALL(BPF_FUNC_map_lookup_elem),
		ADD_K(BPF_REG_6, 1),
		JMP_K(BPF_JLT, BPF_REG_6, NR_OPS, -15),
		MOV_K(BPF_REG_0, 0),
		EXIT(),
	};
	union bpf_attr attr = { .prog_type = BPF_PROG_TYPE_SYSCALL, .insns = PTR(insns),
				.insn_cnt = ARRAY_SIZE(insns), .license = PTR("GPL"),
				.prog_flags = BPF_F_SLEEPABLE };

	return kernel_call(BPF_PROG_LOAD, &attr);
}

/* A program over an outer map with @map in it. */
static int kernel_inner(int map)
{
	union bpf_attr attr = { .map_type = BPF_MAP_TYPE_ARRAY_OF_MAPS, .key_size = 4,
				.value_size = 4, .max_entries = 1, .inner_map_fd = map };
	int outer = kernel_call(BPF_MAP_CREATE, &attr);

	if (outer < 0)
		return outer;
	attr = (union bpf_attr){ .map_fd = outer, .key = PTR(&(u32){ 0 }), .value = PTR(&map) };
	return kernel_call(BPF_MAP_UPDATE_ELEM, &attr) ?: kernel_inner_prog(outer);
}

static int kernel_new(enum op op, u32 flags)
{
	union bpf_attr attr = { .map_type = type_of(op), .key_size = 4, .value_size = 8,
				.max_entries = 4 * NR_KEYS, .map_flags = flags };
	int map = kernel_call(BPF_MAP_CREATE, &attr);

	if (map < 0)
		return map;
	for (u32 key = 0; op != INSERT_DELETE && key < NR_KEYS; key++) {
		attr = (union bpf_attr){ .map_fd = map, .key = PTR(&key), .value = PTR(zeros) };
		kernel_call(BPF_MAP_UPDATE_ELEM, &attr);
	}
	return op == INNER_LOOKUP ? kernel_inner(map) : kernel_prog(map, op);
}

/* --- both --------------------------------------------------------------------------------- */

static const char *const op_names[] = {
	"lookup", "update of what is there", "insert and delete", "per-CPU hash: lookup",
	"per-CPU hash: update", "map in a map: both lookups",
};

static const char *const json_names[] = {
	"map-lookup", "map-update", "map-insert-delete", "map-percpu-lookup", "map-percpu-update",
	"map-inner-lookup",
};

static void run_op(enum op op, const struct bench_options *opts)
{
	static struct ours ours[5];
	static struct kernels kernels[2];
	struct bench_case cases[] = {
		{ "rove, thread", ours_once, &ours[0], NR_OPS },
		{ "rove, thread, BPF_F_NO_PREALLOC", ours_once, &ours[1], NR_OPS },
		{ "rove, signal handler", ours_once, &ours[2], NR_OPS },
		{ "the kernel", kernel_once, &kernels[0], NR_OPS },
		{ "the kernel, BPF_F_NO_PREALLOC", kernel_once, &kernels[1], NR_OPS },
		{ "rove, resizable, thread", ours_once, &ours[3], NR_OPS },
		{ "rove, resizable, signal handler", ours_once, &ours[4], NR_OPS },
	};
	/* There is none with values of CPUs, and one in a map is found as any. */
	u32 nr_cases = op <= INSERT_DELETE ? ARRAY_SIZE(cases) : ARRAY_SIZE(cases) - 2;

	ours[0] = new_ours(op, type_of(op), 0, false);
	ours[1] = new_ours(op, type_of(op), BPF_F_NO_PREALLOC, false);
	ours[2] = new_ours(op, type_of(op), 0, true);
	for (u32 i = 3; i < nr_cases - 2; i++)
		ours[i] = new_ours(op, MAP_TYPE_RHASH, BPF_F_NO_PREALLOC, i == 4);
	kernels[0].prog = kernel_new(op, 0);
	kernels[1].prog = kernel_new(op, BPF_F_NO_PREALLOC);
	if (kernels[0].prog < 0)
		printf("the kernel's bpf(2): %s\n", strerror(-kernels[0].prog));
	nr_refused = 0;
	bench_run(cases, nr_cases, opts->rounds);
	printf("%-36s %10s   %-18s %s\n", op_names[op], "median ns", "min .. max", "ratio to the kernel's");
	for (u32 i = 0; i < nr_cases; i++)
		if (cases[i].nr)
			printf("  %-34s %10.1f   %6.1f .. %-8.1f %.2f\n", cases[i].name,
			       bench_median(&cases[i]), cases[i].samples[0],
			       cases[i].samples[cases[i].nr - 1],
			       bench_median(&cases[3]) ?
			       bench_median(&cases[i]) / bench_median(&cases[3]) : 0);
	if (nr_refused)
		printf("  %u operations of ours were refused\n", nr_refused);
	bench_json(opts, json_names[op], "ns", cases, nr_cases);
}

int main(int argc, char **argv)
{
	struct bench_options opts = { .rounds = 15 };

	bench_getopt(argc, argv, "", &opts);
	if (rove_softirq_start()) {
		fprintf(stderr, "map: no thread\n");
		return 1;
	}
	for (enum op op = 0; op < NR_OP_KINDS; op++)
		run_op(op, &opts);
	return 0;
}
