/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/collect/collect.c - open the source that was asked for, or the first there is
 */
#include <string.h>

#include "cli/collect/collect.h"

/**
 * collect_source_find - a noun's source by its name
 *
 * Context: any.
 * Return:  the source, or NULL when the noun has none of that name.
 */
const struct collect_source *collect_source_find(const struct collect_noun *noun,
						 const char *name)
{
	for (u32 i = 0; i < noun->nr_sources; i++)
		if (!strcmp(noun->sources[i]->name, name))
			return noun->sources[i];
	return NULL;
}

static enum collect_verdict try_source(struct collector *collector,
				       const struct collect_source *source,
				       const struct collect_options *options)
{
	struct collect_status *status = &collector->tried[collector->nr_tried++];

	memset(status, 0, sizeof(*status));
	status->source = source->name;
	if (options->budget_ns && !source->keeps_budget)
		status->verdict = collect_refuse(status, COLLECT_ABSENT, 0,
						 "it is read whole and cannot keep a budget");
	else
		status->verdict = source->open(options, &collector->state, status);
	if (status->verdict == COLLECT_OK)
		collector->source = source;
	return status->verdict;
}

/*
 * Why nothing works.  A fault of ours comes first.  A kernel too old for one
 * source says nothing against the others; one that lacks what the others need
 * does, so permission is the answer only when nothing is missing.
 */
static enum collect_verdict overall(const struct collector *collector)
{
	u32 seen[NR_COLLECT_VERDICTS] = { 0 };

	for (u32 i = 0; i < collector->nr_tried; i++)
		seen[collector->tried[i].verdict]++;
	if (seen[COLLECT_REJECTED])
		return COLLECT_REJECTED;
	if (seen[COLLECT_FAILED])
		return COLLECT_FAILED;
	if (seen[COLLECT_DENIED] && !seen[COLLECT_ABSENT])
		return COLLECT_DENIED;
	return COLLECT_ABSENT;
}

/**
 * collector_open - open a source
 * @name:  a source of @noun, which collect_source_find() knows, or "auto"
 *
 * ->tried tells afterwards what was tried and why it was not taken.
 *
 * Context: may sleep.
 * Return:  COLLECT_OK: close it with collector_close(); or what all of it came to.
 */
enum collect_verdict collector_open(struct collector *collector, const struct collect_noun *noun,
				    const char *name, const struct collect_options *options)
{
	struct collect_options of_noun = *options;

	of_noun.noun = noun->noun;
	memset(collector, 0, sizeof(*collector));
	if (strcmp(name, "auto"))
		return try_source(collector, collect_source_find(noun, name), &of_noun);
	for (u32 i = 0; i < noun->nr_sources; i++) {
		if (!noun->sources[i]->automatic)
			continue;
		if (try_source(collector, noun->sources[i], &of_noun) == COLLECT_OK)
			return COLLECT_OK;
	}
	return overall(collector);
}

/**
 * collector_run - collect once
 * @ret_listing: its rows stay valid until the next run or collector_close()
 *
 * Context: may sleep.
 * Return:  0 or -errno.
 */
int collector_run(struct collector *collector, struct listing *ret_listing)
{
	return collector->source->run(collector->state, ret_listing);
}

/**
 * collector_close - give everything back
 * @collector: from collector_open(), also one that did not open
 *
 * Context: may sleep.
 */
void collector_close(struct collector *collector)
{
	if (collector->source)
		collector->source->close(collector->state);
	collector->source = NULL;
}
