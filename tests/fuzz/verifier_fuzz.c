/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/fuzz/verifier_fuzz.c - does the verifier hold what it claims
 *
 * The first byte of an input chooses: raw instructions, which only must not
 * crash it; or a program made of small sentences (program.h); or one of which
 * a few instructions were changed.  What is accepted with pruning must be
 * accepted without, and when an unchanged program runs every register must lie
 * inside what the verifier said of it.
 *
 * Without libFuzzer: verifier_fuzz [--seconds N] [--seed S] [--seeds DIRECTORY]
 * makes its own inputs; --seeds writes the corpus as inputs into a directory.
 */
#include <getopt.h>
#include <time.h>

#include "tests/fuzz/concrete.h"
#include "tests/tool/corpus/ours.h"

#define RUNS_EACH 8
#define LOG_BYTES 65536

struct tally {
	u64 programs, accepted, mutated, mutated_accepted, raw, raw_accepted, runs, probes;
};

static struct tally tally;
static struct corpus_case fuzz_case;
static struct claims fuzz_claims;

static int check_once(const struct search_debug *debug, struct vrf_result *ret_res)
{
	static char log[LOG_BYTES];
	struct ours_request r;
	int err;

	ours_prepare(&fuzz_case, &r);
	r.req.log_level = 1;
	r.req.log_buf = log;
	r.req.log_size = sizeof(log);
	search_debug = debug;
	err = vrf_check(&r.req, ret_res);
	search_debug = NULL;
	ours_finish(&r);
	return err == -ENOSPC ? 0 : err;
}

static void complain(const char *what)
{
	fprintf(stderr, "%s\n", what);
	for (u32 i = 0; i < fuzz_case.nr_insns; i++) {
		const struct bpf_insn *insn = &fuzz_case.insns[i];

		fprintf(stderr, "    raw 0x%02x, %u, %u, %d, %d\t# %u\n", insn->code, insn->dst_reg,
			insn->src_reg, insn->off, insn->imm, i);
	}
	abort();
}

static void complain_of_run(void)
{
	char text[64];

	for (u32 r = 0; r < 10; r++)
		fprintf(stderr, "r%u = 0x%llx\n", r, (unsigned long long)concrete_now.bad_regs[r]);
	snprintf(text, sizeof(text), "no state kept for instruction %u contains this run",
		 concrete_now.bad_pc);
	complain(text);
}

static void run_accepted(const struct vrf_result *res, u64 seed)
{
	static u8 is_dead[CASE_MAX_INSNS];

	for (u32 pc = 0; pc < fuzz_case.nr_insns; pc++)
		is_dead[pc] = res->notes[pc].kind == NOTE_DEAD;
	for (u32 i = 0; i < RUNS_EACH; i++) {
		if (!concrete_run(&fuzz_case, is_dead, &fuzz_claims, seed + i * 7919))
			complain_of_run();
		tally.runs++;
		tally.probes += concrete_now.probes;
	}
}

/* 'Q': with a checkpoint wherever paths meet, so that pruning has much to do. */
static void try_program(char kind, const u8 *bytes, size_t nr_bytes)
{
	struct search_debug debug = { .no_pruning = true, .visit = claims_add, .arg = &fuzz_claims };
	struct vrf_result res;
	u64 seed = nr_bytes;
	int err, full_err;

	program_from_bytes(&fuzz_case, bytes, nr_bytes);
	if (kind == 'Q')
		fuzz_case.prog_flags |= BPF_F_TEST_STATE_FREQ;
	err = check_once(NULL, &res);
	vrf_result_free(&res);
	tally.programs++;
	if (err)
		return;
	tally.accepted++;
	free(fuzz_claims.at);
	claims_init(&fuzz_claims);
	full_err = check_once(&debug, &res);
	if (full_err && full_err != -E2BIG)
		complain("accepted with pruning, rejected without");
	for (size_t i = 0; i < nr_bytes; i++)
		seed = seed * 31 + bytes[i];
	if (!full_err && !fuzz_claims.full)
		run_accepted(&res, seed);
	vrf_result_free(&res);
}

/* The maps of raw programs, by their numbers. */
static const struct case_map raw_maps[] = {
	{ BPF_MAP_TYPE_ARRAY, 4, PROGRAM_VALUE_BYTES, 1 },
	{ BPF_MAP_TYPE_RINGBUF, 0, 0, 4096 },
	{ BPF_MAP_TYPE_HASH, 4, 8, 4 },
};

static void try_raw(const u8 *bytes, size_t nr_bytes)
{
	struct vrf_result res;

	program_from_bytes(&fuzz_case, bytes, 0);
	memcpy(fuzz_case.maps, raw_maps, sizeof(raw_maps));
	fuzz_case.nr_maps = ARRAY_SIZE(raw_maps);
	fuzz_case.nr_insns = min(nr_bytes / sizeof(struct bpf_insn), (size_t)512);
	memcpy(fuzz_case.insns, bytes, fuzz_case.nr_insns * sizeof(struct bpf_insn));
	if (check_once(NULL, &res) == 0)
		tally.raw_accepted++;
	vrf_result_free(&res);
	tally.raw++;
}

/* One field of one instruction becomes another. */
static void mutate_insn(struct bpf_insn *insn, u8 field, u8 with)
{
	switch (field % 5) {
	case 0:
		insn->code ^= 1u << with % 8;
		break;
	case 1:
		insn->dst_reg = with % 12;
		break;
	case 2:
		insn->src_reg = with % 12;
		break;
	case 3:
		insn->off = (s8)with;
		break;
	case 4:
		insn->imm = (s8)with;
		break;
	}
}

#define MUTATIONS 4

/* A program that made sense until a few instructions were changed: not run, only judged twice. */
static void try_mutated(const u8 *bytes, size_t nr_bytes)
{
	struct search_debug debug = { .no_pruning = true };
	struct vrf_result res;
	int err;

	if (nr_bytes < MUTATIONS * 4)
		return;
	program_from_bytes(&fuzz_case, bytes + MUTATIONS * 4, nr_bytes - MUTATIONS * 4);
	for (u32 i = 0; i < MUTATIONS; i++, bytes += 4) {
		u32 pc = (bytes[0] << 8 | bytes[1]) % fuzz_case.nr_insns;

		if (!i || bytes[2] & 128)
			mutate_insn(&fuzz_case.insns[pc], bytes[2], bytes[3]);
	}
	err = check_once(NULL, &res);
	vrf_result_free(&res);
	tally.mutated++;
	if (err)
		return;
	tally.mutated_accepted++;
	err = check_once(&debug, &res);
	vrf_result_free(&res);
	if (err && err != -E2BIG)
		complain("accepted with pruning, rejected without");
}

int LLVMFuzzerTestOneInput(const u8 *bytes, size_t nr_bytes);

int LLVMFuzzerTestOneInput(const u8 *bytes, size_t nr_bytes)
{
	if (!nr_bytes)
		return 0;
	if (bytes[0] == 'R')
		try_raw(bytes + 1, nr_bytes - 1);
	else if (bytes[0] == 'M')
		try_mutated(bytes + 1, nr_bytes - 1);
	else
		try_program(bytes[0], bytes + 1, nr_bytes - 1);
	return 0;
}

#ifndef ROVE_LIBFUZZER

static u64 next_random(u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Raw instructions that are half-way legal: fields in range, jumps short. */
static void make_raw(u8 *bytes, size_t nr_bytes, u64 *state)
{
	for (size_t i = 1; i + sizeof(struct bpf_insn) <= nr_bytes; i += sizeof(struct bpf_insn)) {
		struct bpf_insn insn;

		memcpy(&insn, bytes + i, sizeof(insn));
		insn.dst_reg %= 11;
		insn.src_reg %= 11;
		if (next_random(state) % 4)
			insn.off = insn.off % 16;
		if (next_random(state) % 2)
			insn.imm = insn.imm % 64;
		memcpy(bytes + i, &insn, sizeof(insn));
	}
}

static void fuzz_for(u32 seconds, u64 seed)
{
	static u8 bytes[4096];
	time_t end = time(NULL) + seconds;
	u64 state = seed * 0x9e3779b97f4a7c15ull + 1;

	while (time(NULL) < end) {
		size_t nr = 8 + next_random(&state) % 300;

		for (size_t i = 0; i < nr; i++)
			bytes[i] = next_random(&state) >> 24;
		bytes[0] = "PQPQPQMR"[next_random(&state) % 8];
		if (bytes[0] == 'R')
			make_raw(bytes, nr, &state);
		LLVMFuzzerTestOneInput(bytes, nr);
	}
	printf("%llu programs (%llu accepted), %llu mutated (%llu accepted), %llu raw "
	       "(%llu accepted), %llu runs, %llu probes\n",
	       (unsigned long long)tally.programs, (unsigned long long)tally.accepted,
	       (unsigned long long)tally.mutated, (unsigned long long)tally.mutated_accepted,
	       (unsigned long long)tally.raw, (unsigned long long)tally.raw_accepted,
	       (unsigned long long)tally.runs, (unsigned long long)tally.probes);
}

static s32 raw_map_number(u32 type)
{
	for (u32 i = 0; i < ARRAY_SIZE(raw_maps); i++) {
		if (raw_maps[i].type == type)
			return i;
	}
	return -1;
}

/* Maps get the numbers they have here, kfuncs and types those of the made-up BTF. */
static void fill_seed(struct corpus_case *c)
{
	int numbers[CASE_MAX_MAPS];

	for (u32 i = 0; i < c->nr_maps; i++)
		numbers[i] = raw_map_number(c->maps[i].type);
	case_fill_maps(c, c->insns, numbers);
	case_fill_types(c, c->insns, ours_btf());
	for (u32 i = 0; i < c->nr_kfuncs; i++)
		c->insns[c->kfuncs[i].pc].imm =
			btf_find(ours_btf(), c->kfuncs[i].name, BTF_KIND_FUNC);
}

/* A corpus file becomes an input of raw instructions. */
static int write_seeds(const char *directory, char **files, int nr_files)
{
	for (int i = 0; i < nr_files; i++) {
		const char *slash = strrchr(files[i], '/');
		char path[1024];
		FILE *out;

		if (parse_case(files[i], &fuzz_case) || fuzz_case.nr_insns > 512)
			continue;
		snprintf(path, sizeof(path), "%s/%s", directory, slash ? slash + 1 : files[i]);
		fill_seed(&fuzz_case);
		out = fopen(path, "w");
		if (!out)
			return 1;
		fputc('R', out);
		fwrite(fuzz_case.insns, sizeof(struct bpf_insn), fuzz_case.nr_insns, out);
		fclose(out);
	}
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seconds", required_argument, NULL, 's' },
		{ "seed", required_argument, NULL, 'S' },
		{ "seeds", required_argument, NULL, 'd' },
		{ 0 },
	};
	const char *seeds = NULL;
	u32 seconds = 10;
	u64 seed = 1;
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == 's')
			seconds = atoi(optarg);
		else if (opt == 'S')
			seed = strtoull(optarg, NULL, 0);
		else if (opt == 'd')
			seeds = optarg;
		else
			return 2;
	}
	if (seeds)
		return write_seeds(seeds, argv + optind, argc - optind);
	fuzz_for(seconds, seed);
	return 0;
}

#endif
