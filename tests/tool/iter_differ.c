/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/tool/iter_differ.c - random programs over iterators: what they can do, and two verdicts
 *
 *	iter_differ [--seed S] [--programs N] [--ours] [--verbose]
 *
 * A machine that knows nothing of verifiers visits all that a program can do: so there is an
 * exact answer to compare verdicts with.  Three tests: what can go wrong we reject; what cannot
 * we accept; and the kernel answers as the machine, but for buffers that are gone, of which it
 * knows nothing.  Program number i of seed S is made from S + i alone.
 * --ours asks no kernel.
 */
#include <getopt.h>

#include "tests/tool/corpus/ours.h"
#include "tests/tool/corpus/target.h"
#include "tests/tool/iter_differ/machine.h"

#define DEFAULT_SEED 20000
#define DEFAULT_PROGRAMS 10000
#define KERNELS_SHARE 8		/* one of so many programs is given to the kernel */
#define LOG_BYTES (1u << 20)
#define MAX_SHOWN 5

static struct {
	struct machine machine;
	struct corpus_case c;
	char log[LOG_BYTES];
	bool verbose;
	u32 nr_fine, nr_wrong, nr_endless, nr_vague, nr_kernel;
	u32 nr_unsound, nr_strict, nr_kernel_differs;
} d;

static int our_verdict(void)
{
	struct ours_request r;
	struct vrf_result res;
	int err;

	ours_prepare(&d.c, &r);
	r.req.log_level = 1;
	r.req.log_buf = d.log;
	r.req.log_size = LOG_BYTES;
	d.log[0] = 0;
	err = vrf_check(&r.req, &res);
	vrf_result_free(&res);
	ours_finish(&r);
	return err;
}

static void show_program(const struct iter_program *p, u64 seed, const char *what, const char *why)
{
	static const char *const words[] = {
		[OP_NEW] = "new it%u", [OP_END] = "end it%u", [OP_NEXT] = "v%2$u = next it%1$u",
		[OP_LOOP] = "loop: next it%u", [OP_NEXT_SUB] = "v%2$u = sub next it%1$u", [OP_COPY] = "v%u = v%u",
		[OP_ZERO] = "v%u = 0", [OP_LOOK] = "follow v%u", [OP_LOOK_SUB] = "sub follow v%u",
		[OP_IF_NULL] = "if !v%1$u goto %3$u", [OP_IF_SOME] = "if v%1$u goto %3$u",
		[OP_PERHAPS] = "perhaps goto %3$u", [OP_LEAVE] = "leave",
	};

	printf("# seed %llu: %s (%s)\n", (unsigned long long)seed, what, why ?: "nothing is wrong");
	for (u32 i = 0; i < p->nr_steps; i++) {
		const struct step_of *s = &p->steps[i];
		char line[64];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(line, sizeof(line), words[s->op], s->a, s->b, s->to);
#pragma GCC diagnostic pop
		printf("#   %2u: %s\n", i, line);
	}
	for (char *line = strtok(d.log, "\n"); line && d.verbose; line = strtok(NULL, "\n"))
		printf("#     %s\n", line);
}

static void found(u32 *nr, const struct iter_program *p, u64 seed, const char *what,
		  const char *why)
{
	if (++*nr <= MAX_SHOWN)
		show_program(p, seed, what, why);
}

/* The machine's answer: why it is to be rejected, or NULL. */
static const char *answer(const struct iter_program *p, bool vague, bool gone_is_fine)
{
	machine_run(&d.machine, p, vague, gone_is_fine);
	return d.machine.wrong ?: d.machine.endless;
}

static void ask_us(const struct iter_program *p, u64 seed)
{
	const char *why = answer(p, false, false);
	int err = our_verdict();

	d.nr_wrong += !!d.machine.wrong;
	d.nr_endless += !!d.machine.endless;
	if (why && !err)
		found(&d.nr_unsound, p, seed, "accepted", why);
	if (why)
		return;
	if (answer(p, true, false)) {
		d.nr_vague++;
		return;
	}
	d.nr_fine++;
	if (err)
		found(&d.nr_strict, p, seed, "rejected", NULL);
}

/*
 * Rounds without end are another matter: the kernel walks them up to its limit, and DIVERGENCES
 * of the corpus says which ones it lets pass.
 */
static void ask_kernel(const struct iter_program *p, u64 seed, const struct btf *types)
{
	const char *why = answer(p, true, true);
	struct target_answer said;

	if (d.machine.endless)
		return;
	target_ask(&target_kernel, &d.c, types, d.log, LOG_BYTES, &said);
	if (said.skip[0])
		return;
	d.nr_kernel++;
	if (!why == !!said.err)
		found(&d.nr_kernel_differs, p, seed, said.err ? "the kernel rejects" :
		      "the kernel accepts", why);
}

static struct btf *kernels_types(void)
{
	struct btf *types = target_btf(&target_kernel);

	if (types && btf_find(types, "bpf_iter_dmabuf_new", BTF_KIND_FUNC))
		return types;
	btf_put(types);
	return NULL;
}

static void result(u32 nr, u32 nr_bad, const char *sentence)
{
	printf("%sok %u - iter_differ: %s\n", nr_bad ? "not " : "", nr, sentence);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "programs", required_argument, NULL, 'n' },
		{ "ours", no_argument, NULL, 'o' },
		{ "verbose", no_argument, NULL, 'v' },
		{ 0 },
	};
	u32 nr_programs = DEFAULT_PROGRAMS;
	struct btf *types = NULL;
	bool ask_both = true;
	struct iter_program p;
	u64 seed = DEFAULT_SEED;
	int opt;

	while ((opt = getopt_long(argc, argv, "s:n:ov", options, NULL)) != -1) {
		switch (opt) {
		case 's': seed = strtoull(optarg, NULL, 10); break;
		case 'n': nr_programs = strtoul(optarg, NULL, 10); break;
		case 'o': ask_both = false; break;
		case 'v': d.verbose = true; break;
		default: return 2;
		}
	}
	if (ask_both)
		types = kernels_types();
	printf("1..3\n");
	for (u32 i = 0; i < nr_programs; i++) {
		make_program(&p, seed + i);
		write_program(&p, &d.c);
		ask_us(&p, seed + i);
		if (types && (i % KERNELS_SHARE == 0 || nr_programs == 1))
			ask_kernel(&p, seed + i, types);
	}
	btf_put(types);
	result(1, d.nr_unsound, "what can go wrong we reject");
	result(2, d.nr_strict, "what cannot go wrong we accept");
	if (d.nr_kernel)
		result(3, d.nr_kernel_differs, "the kernel answers as the machine does");
	else
		printf("ok 3 - iter_differ: the kernel's answers # SKIP it has no iterator over "
		       "buffers, or no bpf(2) for us\n");
	printf("# %u programs: %u fine, %u wrong, %u endless, %u only if a number may be 0; "
	       "the kernel judged %u\n", nr_programs, d.nr_fine, d.nr_wrong, d.nr_endless,
	       d.nr_vague, d.nr_kernel);
	return d.nr_unsound || d.nr_strict || d.nr_kernel_differs;
}
