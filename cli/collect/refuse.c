/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/collect/refuse.c - why a source cannot be had, by what it is made of
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "cli/collect/collect.h"

/**
 * collect_refuse - fill a status and pass its verdict on
 *
 * Context: may sleep.
 * Return:  @verdict.
 */
enum collect_verdict collect_refuse(struct collect_status *status, enum collect_verdict verdict,
				    int err, const char *fmt, ...)
{
	va_list ap;

	status->err = err;
	va_start(ap, fmt);
	vsnprintf(status->why, sizeof(status->why), fmt, ap);
	va_end(ap);
	return verdict;
}

/**
 * collect_refuse_file - a file of the kernel's could not be opened
 * @err:     -errno
 * @has_it:  which kernel has it, where: the hint if it is not there
 * @may:     what it needs: the hint if it may not be read
 *
 * Context: may sleep.
 * Return:  the verdict.
 */
enum collect_verdict collect_refuse_file(struct collect_status *status, const char *path, int err,
					 const char *has_it, const char *may)
{
	switch (err) {
	case -ENOENT:
	case -ENOTDIR:
		status->hint = has_it;
		return collect_refuse(status, COLLECT_ABSENT, err, "there is no %s", path);
	case -EACCES:
	case -EPERM:
		status->hint = may;
		return collect_refuse(status, COLLECT_DENIED, err, "%s may not be read", path);
	default:
		return collect_refuse(status, COLLECT_FAILED, err, "%s: %s", path, strerror(-err));
	}
}

/**
 * collect_refuse_bpf - our programs could not be loaded
 * @status:        ->why may be filled already
 * @err:           -errno of the target's
 * @major, @minor: the kernel that first had what they need
 *
 * Context: may sleep.
 * Return:  the verdict.
 */
enum collect_verdict collect_refuse_bpf(struct collect_status *status, int err, u32 major,
					u32 minor)
{
	static const struct { int err; enum collect_verdict verdict; const char *hint; } verdicts[] = {
		{ -EPERM, COLLECT_DENIED, "needs CAP_BPF and CAP_PERFMON" },
		{ -EACCES, COLLECT_REJECTED, NULL },
		{ -EINVAL, COLLECT_REJECTED, NULL },
		{ -E2BIG, COLLECT_REJECTED, NULL },
	};

	status->err = err;
	if (!status->why[0])
		snprintf(status->why, sizeof(status->why), "%s", strerror(-err));
	if (err == -ENOTSUP)
		return collect_kernel_older_than(major, minor) ? COLLECT_OLD : COLLECT_ABSENT;
	for (u32 i = 0; i < ARRAY_SIZE(verdicts); i++) {
		if (verdicts[i].err != err)
			continue;
		status->hint = verdicts[i].hint;
		return verdicts[i].verdict;
	}
	return COLLECT_FAILED;
}

/**
 * collect_kernel_older_than - is the running kernel older than this
 *
 * Context: any.
 */
bool collect_kernel_older_than(u32 major, u32 minor)
{
	struct utsname uts;
	u32 has_major, has_minor;

	if (uname(&uts) || sscanf(uts.release, "%u.%u", &has_major, &has_minor) != 2)
		return false;
	return has_major < major || (has_major == major && has_minor < minor);
}
