/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/cmd/list.c - the listing of any noun: collect, choose, print, say how good it is
 *
 * SIGPIPE keeps its action, so a reader that goes away ends us as it ends any
 * filter; where it is ignored the write fails and we leave quietly with 1.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/cmd/command.h"
#include "cli/cmd/list.h"
#include "cli/model/columns.h"
#include "cli/out/diag.h"

static const struct { const char *code; enum exit_code exit; } verdicts[NR_COLLECT_VERDICTS] = {
	[COLLECT_OK] = { "taken", EXIT_COMPLETE },
	[COLLECT_OLD] = { "not-available", EXIT_NOT_AVAILABLE },
	[COLLECT_ABSENT] = { "not-available", EXIT_NOT_AVAILABLE },
	[COLLECT_DENIED] = { "permission", EXIT_DENIED },
	[COLLECT_REJECTED] = { "rejected", EXIT_REJECTED },
	[COLLECT_FAILED] = { "failed", EXIT_RUNTIME },
};

/* The first that was not good counts. */
static enum exit_code list_worse(enum exit_code a, enum exit_code b)
{
	return a ? a : b;
}

/* Say what failed; a reader that went away is not worth a word. */
enum exit_code list_failed(const char *where, int err)
{
	if (err != -EPIPE)
		diag(&(struct diag){ .level = DIAG_ERROR, .code = "failed", .where = where,
				     .err = err }, "%s", strerror(-err));
	return EXIT_RUNTIME;
}

/* What was read is in another form than this source's. */
static enum exit_code not_ours(const struct request *request, const char *source)
{
	const char *file = request->collect.file;

	diag(&(struct diag){ .level = DIAG_ERROR, .code = "format", .where = source,
			     .err = -EBADMSG },
	     "%s%swhat was read is no %s listing that this version knows", file ? file : "",
	     file ? ": " : "", request->noun->noun->name);
	return EXIT_RUNTIME;
}

/* What was read from, as a message calls it. */
static const char *origin(const struct request *request, const struct collector *collector)
{
	return request->collect.file ? request->collect.file : collector->source->name;
}

static enum exit_code ends_early(const struct request *request)
{
	diag(&(struct diag){ .level = DIAG_WARNING, .code = "partial",
			     .where = request->collect.file },
	     "the recording ends in the middle of a listing's first line");
	return EXIT_PARTIAL;
}

/* --- the source ---------------------------------------------------------------------------- */

static void say_tried(const struct collect_status *status, enum diag_level level)
{
	if (status->verdict == COLLECT_OK)
		diag(&(struct diag){ .level = DIAG_VERBOSE, .code = "source",
				     .where = status->source }, "is the source");
	else
		diag(&(struct diag){ .level = level, .code = verdicts[status->verdict].code,
				     .where = status->source, .err = status->err,
				     .hint = status->hint }, "%s", status->why);
}

/*
 * What did not work is an error only when nothing did.  A program of ours that
 * a verifier rejects is never an expected reason to look elsewhere.
 */
static void say_all_tried(const struct collector *collector, bool opened)
{
	for (u32 i = 0; i < collector->nr_tried; i++) {
		enum diag_level level = opened ? DIAG_VERBOSE : DIAG_ERROR;

		if (opened && collector->tried[i].verdict == COLLECT_REJECTED)
			level = DIAG_WARNING;
		say_tried(&collector->tried[i], level);
	}
}

/* Open what the request asks for, and say what came of it. */
enum exit_code list_open_source(const struct request *request, struct collector *collector)
{
	enum collect_verdict verdict = collector_open(collector, request->noun, request->source,
						      &request->collect);

	say_all_tried(collector, verdict == COLLECT_OK);
	if (verdict != COLLECT_OK && !strcmp(request->source, "auto"))
		diag(&(struct diag){ .level = DIAG_ERROR, .code = verdicts[verdict].code,
				    .hint = request->noun->nowhere },
		     "no source of %s %s here", request->noun->noun->name,
		     verdict == COLLECT_DENIED ? "may be read" : "is available");
	return verdicts[verdict].exit;
}

/* --- one listing --------------------------------------------------------------------------- */

static int print_rows(struct out *out, const struct listing *listing,
		      const struct selection *selection)
{
	void *row = malloc(listing->noun->row_bytes);
	int err = row ? 0 : -ENOMEM;

	for (u64 i = 0; i < selection->nr && !err; i++) {
		listing->row(listing, selection_row(selection, i), row);
		err = out_row(out, row);
	}
	free(row);
	return err;
}

static int print_listing(const struct query *query, const struct listing *listing,
			 struct out *out, u64 *ret_shown)
{
	struct selection selection = { .nr = 0 };
	int err = query_run(query, listing, &selection);
	int end;

	if (err)
		return err;
	err = out_begin(out, listing, selection.nr);
	if (!err)
		err = print_rows(out, listing, &selection);
	end = out_end(out);
	*ret_shown = selection.nr;
	selection_free(&selection);
	return err ? err : end;
}

static void say_partial(const struct listing *listing)
{
	const char *needs = listing->needs ? listing->needs : "needs CAP_DAC_READ_SEARCH";
	const char *hint = listing->denied ? needs : NULL;

	diag(&(struct diag){ .level = DIAG_WARNING, .code = "partial", .where = listing->source,
			     .hint = hint },
	     "the list is not complete: %s; %llu seen, %llu lost, %llu attributes unreadable",
	     listing->why, (unsigned long long)listing->visited,
	     (unsigned long long)listing->lost, (unsigned long long)listing->unreadable);
}

static void say_footnote(const struct listing *listing, u64 shown)
{
	diag(&(struct diag){ .level = DIAG_NOTE, .code = "note", .where = listing->noun->name },
	     "%llu of %llu shown, from %s in %.2f ms; %s", (unsigned long long)shown,
	     (unsigned long long)listing->nr_rows, listing->source,
	     listing->walk_ns.known ? listing->walk_ns.ns / 1e6 : 0.0, listing->noun->footnote);
}

static void say_how_good(const struct request *request, const struct listing *listing, u64 shown,
			 bool first)
{
	if (!listing->complete)
		say_partial(listing);
	if (listing->torn)
		diag(&(struct diag){ .level = DIAG_WARNING, .code = "torn",
				     .where = listing->source },
		     "rows that changed whenever they were read: %llu",
		     (unsigned long long)listing->torn);
	if (listing->names_truncated)
		diag(&(struct diag){ .level = DIAG_WARNING, .code = "truncated",
				     .where = listing->source },
		     "names that are longer than shown: %llu",
		     (unsigned long long)listing->names_truncated);
	if (first && (request->format->flags & OUT_PEOPLE) && listing->noun->footnote)
		say_footnote(listing, shown);
}

/* --- again and again ----------------------------------------------------------------------- */

static void advance(struct timespec *next, u64 interval_ns)
{
	u64 ns = (u64)next->tv_nsec + interval_ns % 1000000000;

	next->tv_sec += (time_t)(interval_ns / 1000000000 + ns / 1000000000);
	next->tv_nsec = (long)(ns % 1000000000);
}

/* Points in time, not pauses: what a listing costs does not add up. */
void list_wait(struct timespec *next, u64 interval_ns)
{
	struct timespec now;

	advance(next, interval_ns);
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (now.tv_sec > next->tv_sec ||
	    (now.tv_sec == next->tv_sec && now.tv_nsec > next->tv_nsec))
		*next = now;	/* late: go on from here instead of catching up */
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, next, NULL) == EINTR)
		;
}

static bool is_last(const struct request *request, u64 nr_done)
{
	if (request->replay)
		return false;
	return !request->interval_ns || (request->count && nr_done >= request->count);
}

/* @ret_at_end: there is no further listing in the recording, or only the beginning of one. */
enum exit_code list_collect(const struct request *request, struct collector *collector,
			    struct listing *ret_listing, bool *ret_at_end)
{
	int err = collector_run(collector, ret_listing);

	*ret_at_end = (err == -ENODATA || err == -EPROTO) && request->replay;
	if (*ret_at_end)
		return err == -EPROTO ? EXIT_PARTIAL : EXIT_COMPLETE;
	if (err == -EBADMSG || err == -EPROTO || err == -ENODATA)
		return not_ours(request, collector->source->name);
	if (!err && request->query.pid)
		err = listing_note_holders(ret_listing);
	return err ? list_failed(origin(request, collector), err) : EXIT_COMPLETE;
}

/* Choose, print, and say how good it is: EXIT_PARTIAL when something is missing. */
enum exit_code list_show(struct list_run *run, const struct listing *listing)
{
	int err = print_listing(&run->request->query, listing, run->out, &run->nr_shown);

	if (err)
		return list_failed(run->where, err);
	say_how_good(run->request, listing, run->nr_shown, run->is_first);
	run->is_first = false;
	return listing->complete ? EXIT_COMPLETE : EXIT_PARTIAL;
}

static enum exit_code show_view(struct list_run *run, const struct listing *base)
{
	const struct view *view = run->request->view;
	struct view_memory memory;
	struct listing listing;
	enum exit_code code;
	int err = view->make(base, run->request->query.pid, &listing, &memory);

	code = err ? list_failed(NULL, err) : list_show(run, &listing);
	free(memory.rows);
	free(memory.more);
	return code;
}

static enum exit_code list_loop(struct list_run *run, struct collector *collector)
{
	const struct request *request = run->request;
	enum exit_code code = EXIT_COMPLETE, shown;
	struct timespec next;

	clock_gettime(CLOCK_MONOTONIC, &next);
	for (u64 nr = 0;; list_wait(&next, request->interval_ns)) {
		struct listing listing;
		bool at_end;

		shown = list_collect(request, collector, &listing, &at_end);
		if (at_end && !nr)
			return not_ours(request, collector->source->name);
		if (at_end)
			return list_worse(code, shown ? ends_early(request) : EXIT_COMPLETE);
		if (shown)
			return shown;
		shown = request->view ? show_view(run, &listing) : list_show(run, &listing);
		if (shown && shown != EXIT_PARTIAL)
			return shown;
		code = list_worse(code, shown);
		if (is_last(request, ++nr))
			return code;
	}
}

/* -o help */
enum exit_code list_columns(struct request *request)
{
	struct listing listing;
	struct out out;
	struct query all = { .nr_patterns = 0 };
	u64 shown;
	int err;

	columns_listing(request->rows, &listing);
	err = noun_all_columns(listing.noun, &request->out.columns);
	if (err)
		return list_failed(NULL, err);
	request->out.fp = stdout;
	out_init(&out, request->format, &request->out);
	err = print_listing(&all, &listing, &out, &shown);
	out_fini(&out);
	return err ? list_failed("stdout", err) : EXIT_COMPLETE;
}

static enum exit_code list_opened(const struct request *request, struct collector *collector,
				  FILE *fp)
{
	struct out_options options = request->out;
	enum exit_code code;
	struct out out;

	options.fp = fp;
	out_init(&out, request->format, &options);
	code = list_loop(&(struct list_run){
		.request = request,
		.out = &out,
		.where = request->write_file ? request->write_file : "stdout",
		.is_first = true,
	}, collector);
	out_fini(&out);
	return code;
}

static enum exit_code list_into_file(const struct request *request, struct collector *collector)
{
	FILE *fp = fopen(request->write_file, "we");
	enum exit_code code;

	if (!fp)
		return list_failed(request->write_file, -errno);
	code = list_opened(request, collector, fp);
	if (fclose(fp) && !code)
		code = list_failed(request->write_file, -errno);
	return code;
}

static enum exit_code list_requested(const struct request *request)
{
	struct collector collector;
	enum exit_code code = list_open_source(request, &collector);

	if (code)
		return code;
	if (request->write_file && strcmp(request->write_file, "-"))
		code = list_into_file(request, &collector);
	else
		code = list_opened(request, &collector, stdout);
	collector_close(&collector);
	return code;
}

/**
 * list_run - list the objects of a noun as the options say
 * @view: what is made of them first; or NULL
 *
 * Context: may sleep.
 * Return:  the exit code of the process.
 */
enum exit_code list_run(const struct collect_noun *noun, const struct view *view,
			struct params *params)
{
	struct request request;
	enum exit_code code;
	int err = request_make(noun, view, params, &request);

	if (err)
		code = err == -EINVAL ? EXIT_USAGE : EXIT_RUNTIME;
	else if (request.columns_help)
		code = list_columns(&request);
	else
		code = list_requested(&request);
	request_free(&request);
	return code;
}

/**
 * run_list - the commands that are a listing and nothing else
 *
 * Context: may sleep.
 * Return:  the exit code of the process.
 */
enum exit_code run_list(const struct command *command, struct params *params)
{
	if (params->growing) {
		diag(&(struct diag){ .level = DIAG_ERROR, .code = "usage", .where = "--growing",
				     .hint = "rove dmabuf diff --growing -i 10" },
		     "compares two listings: it is for the verb diff");
		return EXIT_USAGE;
	}
	return list_run(command->collect, command->view, params);
}
