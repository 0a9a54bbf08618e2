/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/cmd/request.c - options of a listing, checked and turned into what does the work
 *
 * An option that would do nothing here is refused, not ignored.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "cli/cmd/request.h"
#include "cli/out/diag.h"

static int refuse(const char *where, const char *hint, const char *what)
{
	diag(&(struct diag){ .level = DIAG_ERROR, .code = "usage", .where = where, .hint = hint },
	     "%s", what);
	return -EINVAL;
}

static int out_of_memory(void)
{
	diag(&(struct diag){ .level = DIAG_ERROR, .code = "memory", .err = -ENOMEM }, "%s",
	     strerror(ENOMEM));
	return -ENOMEM;
}

/* --- what goes with what ------------------------------------------------------------------- */

/* Options that a format must be able to do something with. */
static const struct { const char *option; size_t offset; u32 needs; const char *what; } needs[] = {
	{ "--pretty", offsetof(struct params, pretty), OUT_PRETTY,
	  "is for --json only" },
	{ "--noheadings", offsetof(struct params, no_headings), OUT_HEADINGS,
	  "this format has no heading line" },
	{ "--human", offsetof(struct params, human), OUT_STYLES,
	  "only a table is for people; this format has exact numbers" },
	{ "--bytes", offsetof(struct params, bytes), OUT_STYLES,
	  "only a table has other than exact numbers" },
};

/* Of what is in @names, "|a|b|c", nothing is @word. */
static int refuse_word(const char *where, const char *word, struct strbuf *names)
{
	int err = strbuf_error(names);
	char what[256];

	if (!err) {
		snprintf(what, sizeof(what), "'%.64s' is none of %s", word,
			 strbuf_text(names) + 1);
		err = refuse(where, "--help says what they are", what);
	}
	strbuf_fini(names);
	return err;
}

static int refuse_format(const struct request *request, const char *word)
{
	struct strbuf names = STRBUF_INIT;

	for (u32 i = 0; i < nr_out_formats; i++)
		if (out_format_fits(out_formats[i], request->rows))
			strbuf_printf(&names, "|%s", out_formats[i]->name);
	return refuse_word("--format", word, &names);
}

static int refuse_source(const struct collect_noun *noun, const char *word)
{
	struct strbuf names = STRBUF_INIT;

	strbuf_puts(&names, "|auto");
	for (u32 i = 0; i < noun->nr_sources; i++)
		if (noun->sources[i] != &file_source)
			strbuf_printf(&names, "|%s", noun->sources[i]->name);
	return refuse_word("--source", word, &names);
}

static int check_format(const struct request *request, const struct params *params)
{
	if (!request->format || !out_format_fits(request->format, request->rows))
		return refuse_format(request, params->format);
	if (request->view && params->write_file)
		return refuse("--write", NULL,
			      "a recording is of the objects themselves: use the verb list");
	return 0;
}

static int check_format_options(const struct params *params, const struct out_format *format)
{
	for (u32 i = 0; i < ARRAY_SIZE(needs); i++)
		if (*(const bool *)((const char *)params + needs[i].offset) &&
		    !(format->flags & needs[i].needs))
			return refuse(needs[i].option, NULL, needs[i].what);
	if (params->columns.nr && !(format->flags & OUT_COLUMNS))
		return refuse("--output", NULL, "this format has its own columns");
	if (params->color && !(format->flags & OUT_COLOR))
		return refuse("--color", NULL, "only a table has colours");
	return 0;
}

static int check_pairs(const struct params *params)
{
	if (params->bytes && params->human)
		return refuse("--human", NULL, "numbers cannot be exact at the same time");
	if (params->count && !params->interval_ns)
		return refuse("--count", NULL, "needs --interval");
	if (params->json && params->format && strcmp(params->format, "json"))
		return refuse("--json", NULL, "another format was asked for with --format");
	return 0;
}

static int check_source(const struct collect_noun *noun, const struct params *params)
{
	const char *name = params->source ? params->source : "auto";
	const struct collect_source *source = collect_source_find(noun, name);

	if (strcmp(name, "auto") && (!source || source == &file_source))
		return refuse_source(noun, name);
	if (params->sample && strcmp(name, "self"))
		return refuse("--sample", NULL,
			      "makes objects of this process: needs --source self");
	if (!strcmp(name, "self") && !params->sample)
		return refuse("--source", NULL,
			      "self is this process, which has none: needs --sample N");
	if (params->budget_ms && source && !source->keeps_budget)
		return refuse("--budget-ms", NULL, "this source is read whole");
	return 0;
}

/* "-" is standard input; what cannot be looked at is not the same. */
static bool is_same_file(const char *read, const char *written)
{
	struct stat one, two;
	int err = strcmp(read, "-") ? stat(read, &one) : fstat(STDIN_FILENO, &one);

	return !err && !stat(written, &two) && S_ISREG(one.st_mode) &&
	       one.st_dev == two.st_dev && one.st_ino == two.st_ino;
}

static int check_recording(const struct params *params)
{
	if (params->read_file && (params->source || params->sample || params->interval_ns ||
				  params->budget_ms || params->max_objects))
		return refuse("--read", NULL,
			      "a recording was taken already: no --source, --sample, --interval, "
			      "--budget-ms, --max-objects");
	if (params->write_file && (params->format || params->json || params->columns.nr))
		return refuse("--write", NULL,
			      "a recording has one format and all columns: no --format, --json, "
			      "--output");
	if (params->read_file && params->write_file &&
	    is_same_file(params->read_file, params->write_file))
		return refuse("--write", NULL, "would destroy the recording that is read");
	return 0;
}

/* --- making it ----------------------------------------------------------------------------- */

static const char *format_name(const struct params *params)
{
	if (params->write_file)
		return "ndjson";
	if (params->json)
		return "json";
	return params->format ? params->format : "table";
}

/* All -o together: each begins anew, but "+COL" goes on. */
static int join_columns(const struct string_list *list, struct strbuf *spec)
{
	for (u32 i = 0; i < list->nr; i++) {
		const char *item = list->items[i];

		if (item[0] != '+')
			strbuf_clear(spec);
		if (item[0] == '+' && spec->len)
			strbuf_puts(spec, ",");
		strbuf_puts(spec, item + (item[0] == '+' && spec->len));
	}
	return strbuf_error(spec);
}

/* Without -o "+COL" has nothing to go on in a format that shows all columns. */
static int parse_columns(const struct params *params, struct request *request)
{
	const struct noun *noun = request->rows;
	struct strbuf spec = STRBUF_INIT;
	const char *bad = "";
	char what[96];
	int err = join_columns(&params->columns, &spec);

	if (!err)
		err = noun_parse_columns(noun, strbuf_text(&spec), &request->out.columns, &bad);
	if (err == -ENOENT) {
		snprintf(what, sizeof(what), "there is no column '%.*s'",
			 (int)min(strcspn(bad, ","), (size_t)40), bad);
		refuse("--output", "-o help lists them", what);
	}
	strbuf_fini(&spec);
	return err;
}

static int make_columns(const struct params *params, struct request *request)
{
	const struct noun *noun = request->rows;

	if (params->columns.nr == 1 && !strcmp(params->columns.items[0], "help")) {
		request->columns_help = true;
		return 0;
	}
	if (params->columns.nr)
		return parse_columns(params, request);
	if (request->format->flags & OUT_PEOPLE)
		return noun_parse_columns(noun, noun->default_columns, &request->out.columns,
					  NULL);
	return noun_all_columns(noun, &request->out.columns);
}

static int make_sort(const struct params *params, struct request *request)
{
	const struct noun *noun = request->rows;
	bool ordered = (request->format->flags & OUT_PEOPLE) || params->top;
	const char *spec = params->sort ? params->sort : ordered ? noun->default_sort : NULL;
	int err = spec ? query_parse_sort(noun, spec, &request->query) : 0;

	if (err == -ENOENT)
		return refuse("--sort", "-o help lists them", "there is no such column");
	if (err == -EINVAL)
		return refuse("--sort", NULL, "a direction is :a or :d");
	request->query.top = params->top;
	return err;
}

static int add_filter(struct request *request, const char *expr)
{
	char why[256] = "";
	int err = filter_parse(request->rows, expr, &request->filter, why, sizeof(why));

	return err == -EINVAL ? refuse("--filter", NULL, why) : err;
}

static int make_filter(const struct params *params, struct request *request)
{
	int err = params->active ? add_filter(request, "active=1") : 0;

	for (u32 i = 0; i < params->filters.nr && !err; i++)
		err = add_filter(request, params->filters.items[i]);
	request->query.filter = request->filter;
	return err;
}

static bool wants_color(const struct params *params)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	if (params->color && strcmp(params->color, "auto"))
		return !strcmp(params->color, "always");
	return isatty(STDOUT_FILENO) && !(no_color && *no_color) && term && strcmp(term, "dumb");
}

static void fill_rest(const struct params *params, struct request *request)
{
	request->source = params->read_file ? "file" : params->source ? params->source : "auto";
	request->replay = params->read_file;
	request->collect = (struct collect_options){
		.max_objects = params->max_objects,
		.budget_ns = params->budget_ms * 1000000,
		.sample = (u32)params->sample,
		.file = params->read_file,
	};
	request->query.patterns = params->patterns;
	request->query.nr_patterns = params->nr_patterns;
	request->query.pid = params->pid;
	request->out.style = params->bytes ? TEXT_EXACT : params->human ? TEXT_HUMAN : TEXT_PLAIN;
	request->out.headings = !params->no_headings;
	request->out.pretty = params->pretty;
	request->out.color = wants_color(params);
	request->interval_ns = params->interval_ns;
	request->count = params->count;
	request->write_file = params->write_file;
}

static int check(const struct request *request, const struct params *params)
{
	int err = check_pairs(params);

	err = err ?: check_recording(params);
	err = err ?: check_format(request, params);
	err = err ?: check_format_options(params, request->format);
	return err ?: check_source(request->noun, params);
}

/**
 * request_make - check the options and prepare the listing
 * @view:        what is shown instead of the objects themselves; or NULL
 * @params:      stays the caller's, until after request_free()
 * @ret_request: always set; free with request_free()
 *
 * Says itself what is wrong.
 *
 * Context: may sleep.
 * Return:  0, -EINVAL (what was asked for makes no sense) or -ENOMEM.
 */
int request_make(const struct collect_noun *noun, const struct view *view, struct params *params,
		 struct request *ret_request)
{
	int err;

	memset(ret_request, 0, sizeof(*ret_request));
	ret_request->noun = noun;
	ret_request->view = view;
	ret_request->rows = view ? view->noun : noun->noun;
	ret_request->format = out_format_find(format_name(params));
	err = check(ret_request, params);
	err = err ?: make_columns(params, ret_request);
	err = err ?: make_sort(params, ret_request);
	err = err ?: make_filter(params, ret_request);
	fill_rest(params, ret_request);
	if (err == -ENOMEM)
		return out_of_memory();
	return err ? -EINVAL : 0;
}

/**
 * request_free - free what request_make() made
 *
 * Context: may sleep.
 */
void request_free(struct request *request)
{
	column_list_free(&request->out.columns);
	filter_free(request->filter);
}
