/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/out/diag.h - messages on stderr, as lines or as JSON objects
 */
#ifndef ROVE_CLI_OUT_DIAG_H
#define ROVE_CLI_OUT_DIAG_H

#include "base/types.h"

enum diag_level {
	DIAG_ERROR,		/* always said */
	DIAG_WARNING,		/* not with -q */
	DIAG_NOTE,		/* not with -q, nor in JSON: it is only for people */
	DIAG_VERBOSE,		/* only with -v */
};

struct diag {
	enum diag_level level;
	const char *code;	/* one word for programs: "usage", "not-available" */
	const char *where;	/* what it is about: "--sort", "sysfs"; or NULL */
	int err;		/* -errno, or 0 */
	const char *hint;	/* what to do about it, or NULL */
};

struct diag_mode {
	bool json;
	bool quiet;
	bool verbose;
};

void diag_set_mode(const struct diag_mode *mode);
void diag(const struct diag *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
