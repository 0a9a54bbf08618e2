/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/verifier/verifier.c - the pipeline: facts, then the search, then the answer
 *
 * Each pass states what it needs and what it gives.  What leaves the verifier
 * is struct vrf_result alone; everything else is freed here.
 */
#include "bpf/verifier/verifier.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/context.h"
#include "bpf/verifier/report/log.h"
#include "bpf/verifier/search/search.h"

#define LOG_STATS 4

static u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (u64)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* Execution writes the stack bytes of each subprogram here. */
static int result_begin_subprogs(struct vrf *v, const struct facts *f)
{
	struct vrf_result *res = v->res;

	res->subprogs = domain_alloc(f->nr_subprogs * sizeof(*res->subprogs));
	if (!res->subprogs)
		return -ENOMEM;
	res->nr_subprogs = f->nr_subprogs;
	for (u32 i = 0; i < f->nr_subprogs; i++) {
		res->subprogs[i].start = f->subprogs[i].start;
		res->subprogs[i].nr_insns = f->subprogs[i].end - f->subprogs[i].start;
	}
	return 0;
}

static int result_begin_maps(struct vrf *v, const struct facts *f)
{
	struct vrf_result *res = v->res;

	if (!f->nr_maps)
		return 0;
	res->maps = domain_alloc(f->nr_maps * sizeof(*res->maps));
	if (!res->maps)
		return -ENOMEM;
	for (u32 i = 0; i < f->nr_maps; i++)
		res->maps[i] = f->maps[i].handle;
	res->nr_maps = f->nr_maps;
	return 0;
}

static int run_passes(struct vrf *v, struct facts *f)
{
	int err;

	err = facts_check_insns(v);			/* gives: every opcode is legal */
	err = err ?: facts_find_subprogs(v, f);		/* needs that; gives subprogs, calls */
	err = err ?: result_begin_subprogs(v, f);
	err = err ?: facts_resolve(v, f);		/* needs subprogs; gives maps, sites */
	err = err ?: result_begin_maps(v, f);
	err = err ?: facts_build_cfg(v, f);		/* needs sites; gives order, loops */
	err = err ?: facts_compute_liveness(v, f);	/* needs cfg; gives live_regs, _slots */
	v->facts = f;					/* const from here on */
	err = err ?: search_all(v);			/* needs facts; gives notes */
	err = err ?: facts_check_stack_depth(v, f, &v->res->stack_bytes);
	return err;
}

/* In the words of the kernel, which tools like veristat read. */
static void log_statistics(struct vrf *v)
{
	const struct vrf_stats *stats = &v->res->stats;

	vlog_print(v, LOG_STATS, "verification time %llu usec\n",
		   (unsigned long long)stats->verification_ns / 1000);
	vlog_print(v, LOG_STATS, "stack depth ");
	for (u32 i = 0; i < v->res->nr_subprogs; i++)
		vlog_print(v, LOG_STATS, "%s%u", i ? "+" : "", v->res->subprogs[i].stack_bytes);
	vlog_print(v, LOG_STATS, "\n");
	vlog_print(v, LOG_STATS | 1 | 2,
		   "processed %u insns (limit %d) max_states_per_insn %u total_states %u "
		   "peak_states %u mark_read %u\n",
		   stats->insns_processed, SEARCH_MAX_INSNS, stats->max_states_per_insn,
		   stats->total_states, stats->peak_states, stats->longest_mark_read_walk);
}

static int check_with_log(struct vrf *v, const struct vrf_request *req)
{
	struct vrf_result *res = v->res;
	struct facts *f = NULL;
	u64 begin_ns = now_ns();
	int err;

	res->notes = domain_alloc(req->nr_insns * sizeof(*res->notes));
	if (!res->notes)
		return -ENOMEM;
	v->notes = res->notes;
	err = facts_create(&f);
	if (err)
		return err;
	err = run_passes(v, f);
	res->stats.verification_ns = now_ns() - begin_ns;
	log_statistics(v);
	facts_free(f);
	v->facts = NULL;
	return err;
}

int vrf_check(const struct vrf_request *req, struct vrf_result *ret_res)
{
	struct vrf v = { .req = req, .res = ret_res };
	int err, log_err;

	ctx_may_sleep();
	memset(ret_res, 0, sizeof(*ret_res));
	if (!req->nr_insns || req->nr_insns > SEARCH_MAX_INSNS)
		return -E2BIG;
	err = vlog_create(req, &v.log);
	if (err)
		return err;
	err = check_with_log(&v, req);
	log_err = vlog_finish(v.log, &ret_res->log_true_size);
	vlog_free(v.log);
	return err ?: log_err;
}

void vrf_result_free(struct vrf_result *res)
{
	ctx_thread();
	if (!res)
		return;
	domain_free(res->notes);
	domain_free(res->maps);
	domain_free(res->subprogs);
	memset(res, 0, sizeof(*res));
}
