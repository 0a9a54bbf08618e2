/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/collect/collect.h - where rows come from
 *
 * A noun has several sources.  Each can say that it is not to be had here, and
 * why; "auto" takes the first of the noun's list that is.
 *
 * Invariant: a source that opens is never given up for another one later: what
 * it cannot tell is unknown in its rows.
 */
#ifndef ROVE_CLI_COLLECT_COLLECT_H
#define ROVE_CLI_COLLECT_COLLECT_H

#include "cli/model/listing.h"

enum collect_verdict {
	COLLECT_OK,
	COLLECT_OLD,		/* this kernel is too old for it */
	COLLECT_ABSENT,		/* not configured, not mounted */
	COLLECT_DENIED,		/* there, but not for us */
	COLLECT_REJECTED,	/* a verifier refused our program */
	COLLECT_FAILED,		/* anything else: memory, a broken file */
	NR_COLLECT_VERDICTS,
};

struct collect_options {
	u64 max_objects;	/* 0: all of them */
	u64 budget_ns;		/* 0: no bound */
	u32 sample;		/* make so many sources of our own first; 0: none */
	const char *file;	/* a recording, for the source "file" */
	const struct noun *noun;	/* set by collector_open(), for sources of any noun */
};

/* What opening a source came to. */
struct collect_status {
	const char *source;
	enum collect_verdict verdict;
	int err;		/* -errno, or 0 */
	const char *hint;	/* how to get it, or NULL */
	char why[16384];	/* a sentence; after a rejection also the verifier's log */
};

struct collect_source {
	const char *name;
	const char *help;
	bool automatic;		/* "auto" considers it */
	bool keeps_budget;	/* can stop in time for ->budget_ns */
	/* Fills @status unless it returns COLLECT_OK. */
	enum collect_verdict (*open)(const struct collect_options *options, void **ret_state,
				     struct collect_status *status);
	/* One collection; its rows stay valid until the next or close.  0 or -errno. */
	int (*run)(void *state, struct listing *ret_listing);
	void (*close)(void *state);
};

struct collect_noun {
	const struct noun *noun;
	const struct collect_source *const *sources;	/* in the order "auto" tries them */
	u32 nr_sources;
	const char *nowhere;	/* what to do where "auto" finds none of them */
};

extern const struct collect_noun collect_wakeup, collect_dmabuf, collect_wq, collect_wq_pools,
	collect_wq_pending, collect_wq_lockup;
extern const struct collect_source file_source;		/* of every noun: a recording */
extern const struct collect_source wakeup_kernel_source, wakeup_self_source, wakeup_sysfs_source,
	wakeup_debugfs_source;
extern const struct collect_source dmabuf_kernel_source, dmabuf_debugfs_source,
	dmabuf_sysfs_source, dmabuf_proc_source, dmabuf_self_source;

#define COLLECT_MAX_SOURCES 8

struct collector {
	const struct collect_source *source;
	void *state;
	struct collect_status tried[COLLECT_MAX_SOURCES];
	u32 nr_tried;
};

const struct collect_source *collect_source_find(const struct collect_noun *noun,
						 const char *name);
enum collect_verdict collector_open(struct collector *collector, const struct collect_noun *noun,
				    const char *name, const struct collect_options *options);
int collector_run(struct collector *collector, struct listing *ret_listing);
void collector_close(struct collector *collector);

enum collect_verdict collect_refuse(struct collect_status *status, enum collect_verdict verdict,
				    int err, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
enum collect_verdict collect_refuse_file(struct collect_status *status, const char *path, int err,
					 const char *has_it, const char *may);
enum collect_verdict collect_refuse_bpf(struct collect_status *status, int err, u32 major,
					u32 minor);
bool collect_kernel_older_than(u32 major, u32 minor);

#endif
