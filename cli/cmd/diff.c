/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/cmd/diff.c - two listings of a noun compared
 *
 *	diff OLD NEW		two recordings
 *	diff OLD		a recording, and now
 *	diff -i SECONDS		now, and later; with -c so often, each against the one before
 *
 * Two collectors take turns, because the rows of one stay valid only until it runs again.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cmd/command.h"
#include "cli/cmd/list.h"
#include "cli/model/dmabuf_views.h"
#include "cli/out/diag.h"

/* One side of a comparison. */
struct side {
	struct request request;		/* a copy, with a source of its own */
	struct collector collector;
	bool is_open;
	struct listing listing;
};

static enum exit_code usage(const char *where, const char *what)
{
	diag(&(struct diag){ .level = DIAG_ERROR, .code = "usage", .where = where,
			     .hint = "--help says how it is used" }, "%s", what);
	return EXIT_USAGE;
}

static enum exit_code check(const struct params *params)
{
	if (params->nr_patterns > 2)
		return usage("diff", "compares two recordings, no more");
	if (params->read_file)
		return usage("--read", "the recordings are given as words: diff OLD NEW");
	if (params->nr_patterns && params->interval_ns)
		return usage("--interval", "a recording was taken already");
	if (!params->nr_patterns && !params->interval_ns)
		return usage("diff", "needs recordings, or an interval: -i SECONDS");
	if (params->nr_patterns == 2 && (params->source || params->max_objects ||
					 params->budget_ms))
		return usage("--source", "recordings were taken already");
	return EXIT_COMPLETE;
}

/* --- the two sides ------------------------------------------------------------------------- */

static enum exit_code open_side(struct side *side, const struct request *request, const char *file)
{
	enum exit_code code;

	side->request = *request;
	if (file) {
		side->request.source = "file";
		side->request.collect.file = file;
	}
	code = list_open_source(&side->request, &side->collector);
	side->is_open = !code;
	return code;
}

/* Of a recording, the first listing in it. */
static enum exit_code take(struct side *side)
{
	bool at_end;

	return list_collect(&side->request, &side->collector, &side->listing, &at_end);
}

static void close_side(struct side *side)
{
	if (side->is_open)
		collector_close(&side->collector);
}

/* --- the comparison ------------------------------------------------------------------------ */

static enum exit_code compare(struct list_run *run, const struct side *before,
			      const struct side *after)
{
	u64 pid = run->request->query.pid;
	struct view_memory memory;
	struct listing listing;
	enum exit_code code;
	int err;

	err = run->request->view->compare(&before->listing, &after->listing, pid, &listing, &memory);
	code = err ? list_failed(NULL, err) : list_show(run, &listing);
	free(memory.rows);
	free(memory.more);
	if (!code && run->nr_shown)
		code = EXIT_DIFFERENT;
	return code;
}

static bool goes_on(enum exit_code code)
{
	return !code || code == EXIT_PARTIAL || code == EXIT_DIFFERENT;
}

/* Each listing against the one before it. */
static enum exit_code compare_all(struct list_run *run, const struct params *params,
				  struct side sides[2])
{
	enum exit_code code = take(&sides[0]), all = EXIT_COMPLETE;
	u64 nr_wanted = !params->interval_ns ? 1 : params->count ? params->count : 1;
	struct timespec next;

	clock_gettime(CLOCK_MONOTONIC, &next);
	for (u64 nr = 0; nr < nr_wanted && goes_on(code); nr++) {
		if (params->interval_ns)
			list_wait(&next, params->interval_ns);
		code = take(&sides[!(nr % 2)]);
		if (!code)
			code = compare(run, &sides[nr % 2], &sides[!(nr % 2)]);
		all = all == EXIT_DIFFERENT || !all ? code ? code : all : all;
	}
	return goes_on(code) ? all : code;
}

static enum exit_code open_and_compare(const struct request *request, const struct params *params)
{
	struct side *sides = calloc(2, sizeof(*sides));
	struct out_options options = request->out;
	enum exit_code code;
	struct out out;

	if (!sides)
		return list_failed(NULL, -ENOMEM);
	options.fp = stdout;
	out_init(&out, request->format, &options);
	code = open_side(&sides[0], request, params->nr_patterns ? params->patterns[0] : NULL);
	if (!code)
		code = open_side(&sides[1], request,
				 params->nr_patterns > 1 ? params->patterns[1] : NULL);
	if (!code)
		code = compare_all(&(struct list_run){
			.request = request, .out = &out, .where = "stdout", .is_first = true,
		}, params, sides);
	close_side(&sides[0]);
	close_side(&sides[1]);
	out_fini(&out);
	free(sides);
	return code;
}

/**
 * run_diff - compare two listings
 *
 * Context: may sleep.
 * Return:  the exit code of the process; EXIT_DIFFERENT when a row was printed.
 */
enum exit_code run_diff(const struct command *command, struct params *params)
{
	struct request request;
	enum exit_code code;
	int err = request_make(command->collect, params->growing ? &dmabuf_growths : command->view,
			       params, &request);

	/* The words are files. */
	request.query.patterns = NULL;
	request.query.nr_patterns = 0;
	if (err)
		code = err == -EINVAL ? EXIT_USAGE : EXIT_RUNTIME;
	else if (request.columns_help)
		code = list_columns(&request);
	else
		code = check(params);
	if (!err && !request.columns_help && !code)
		code = open_and_compare(&request, params);
	request_free(&request);
	return code;
}
