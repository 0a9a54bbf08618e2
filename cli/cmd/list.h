/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/cmd/list.h - the listing of any noun
 */
#ifndef ROVE_CLI_CMD_LIST_H
#define ROVE_CLI_CMD_LIST_H

#include <time.h>

#include "cli/cmd/params.h"
#include "cli/cmd/request.h"

enum exit_code list_run(const struct collect_noun *noun, const struct view *view,
			struct params *params);

/* The steps of it, for commands that take more than one listing. */
struct list_run {
	const struct request *request;
	struct out *out;
	const char *where;		/* that is printed to: "stdout" or a file */
	u64 nr_shown;			/* rows of the last listing */
	bool is_first;			/* listing that is shown: with the footnote */
};

enum exit_code list_open_source(const struct request *request, struct collector *collector);
enum exit_code list_collect(const struct request *request, struct collector *collector,
			    struct listing *ret_listing, bool *ret_at_end);
enum exit_code list_show(struct list_run *run, const struct listing *listing);
enum exit_code list_columns(struct request *request);
enum exit_code list_failed(const char *where, int err);
void list_wait(struct timespec *next, u64 interval_ns);

#endif
