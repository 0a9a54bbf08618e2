/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/cmd/request.h - options of a listing, checked and turned into what does the work
 */
#ifndef ROVE_CLI_CMD_REQUEST_H
#define ROVE_CLI_CMD_REQUEST_H

#include "cli/cmd/params.h"
#include "cli/collect/collect.h"
#include "cli/model/query.h"
#include "cli/model/view.h"
#include "cli/out/out.h"

struct request {
	const struct collect_noun *noun;
	const struct view *view;	/* NULL: rows are shown as they were collected */
	const struct noun *rows;	/* what is shown */
	const char *source;
	struct collect_options collect;
	struct query query;
	struct filter *filter;		/* ->query.filter, to be freed */
	const struct out_format *format;
	struct out_options out;		/* ->fp is set by whoever prints */
	bool columns_help;		/* -o help: list the columns instead */
	u64 interval_ns;		/* 0: once */
	u64 count;			/* 0: until stopped */
	const char *write_file;
	bool replay;			/* every listing of a recording, without waiting */
};

int request_make(const struct collect_noun *noun, const struct view *view, struct params *params,
		 struct request *ret_request);
void request_free(struct request *request);

#endif
