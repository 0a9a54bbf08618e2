/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * base/context.c - the calling thread's context, and the end of a wrong one
 *
 * The counters are in the thread's static block, so that a signal handler may
 * touch them on any thread without allocating.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/context.h"

__thread struct context context_self __attribute__((tls_model("initial-exec")));

/* write(2) directly: this may be a signal handler that interrupted stdio. */
static void say(const char *text)
{
	ssize_t ignored = write(STDERR_FILENO, text, strlen(text));

	(void)ignored;
}

/**
 * check_failed - the end of a process in which we are wrong
 *
 * Context: any.
 * Return:  does not.
 */
void check_failed(const char *what, const char *file, int line)
{
	char digits[16];
	int at = sizeof(digits) - 1;

	digits[at] = '\0';
	do {
		digits[--at] = '0' + line % 10;
		line /= 10;
	} while (line && at);
	say("rove: check failed: ");
	say(what);
	say(" at ");
	say(file);
	say(":");
	say(&digits[at]);
	say("\n");
	abort();
}
