/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/unit/cli/list_test.c - what a source says, as exit code and message
 */
#include <errno.h>
#include <unistd.h>

#include "tests/test.h"

#include "cli/cmd/list.h"
#include "cli/model/wakeup.h"
#include "cli/out/diag.h"

/* One source that answers what the test wants. */
static enum collect_verdict verdict;
static int run_err;
static struct listing answer;

static enum collect_verdict open_fake(const struct collect_options *options, void **ret_state,
				      struct collect_status *status)
{
	*ret_state = NULL;
	if (verdict == COLLECT_OK)
		return COLLECT_OK;
	status->hint = "a hint";
	return collect_refuse(status, verdict, -EACCES,
			      "first line\n\033[31mR1 is bad\n\n0: exit\n");
}

static void fill_row(const struct listing *listing, u64 index, void *ret_row)
{
	memset(ret_row, 0, sizeof(struct wakeup_row));
}

static int run_fake(void *state, struct listing *ret_listing)
{
	*ret_listing = answer;
	return run_err;
}

static void close_fake(void *state)
{
}

static const struct collect_source fake = {
	.name = "fake", .automatic = true, .open = open_fake, .run = run_fake, .close = close_fake,
};
static const struct collect_source *const sources[] = { &fake };
static const struct collect_noun noun = { &wakeup_noun, sources, 1 };

/* Run the listing with stdout and stderr going to files, and give back stderr. */
static enum exit_code list(struct params *params, struct diag_mode mode, char *err, size_t size)
{
	int out_was = dup(STDOUT_FILENO), err_was = dup(STDERR_FILENO);
	FILE *out_file = tmpfile(), *err_file = tmpfile();
	enum exit_code code;
	ssize_t len;

	fflush(stdout);
	dup2(fileno(out_file), STDOUT_FILENO);
	dup2(fileno(err_file), STDERR_FILENO);
	diag_set_mode(&mode);
	code = list_run(&noun, NULL, params);
	fflush(stdout);
	fflush(stderr);
	dup2(out_was, STDOUT_FILENO);
	dup2(err_was, STDERR_FILENO);
	close(out_was);
	close(err_was);
	len = pread(fileno(err_file), err, size - 1, 0);
	err[len > 0 ? len : 0] = '\0';
	fclose(out_file);
	fclose(err_file);
	return code;
}

static enum exit_code list_source(const char *source, char *err, size_t size)
{
	struct params params = { .source = source };

	return list(&params, (struct diag_mode){ .json = false }, err, size);
}

static void answer_with(enum collect_verdict new_verdict)
{
	verdict = new_verdict;
	run_err = 0;
	listing_begin(&answer, &wakeup_noun, "fake");
	answer.row = fill_row;
}

TEST(list, every_verdict_has_its_exit_code)
{
	static const struct { enum collect_verdict verdict; enum exit_code named, all; } codes[] = {
		{ COLLECT_OK, EXIT_COMPLETE, EXIT_COMPLETE },
		{ COLLECT_OLD, EXIT_NOT_AVAILABLE, EXIT_NOT_AVAILABLE },
		{ COLLECT_ABSENT, EXIT_NOT_AVAILABLE, EXIT_NOT_AVAILABLE },
		{ COLLECT_DENIED, EXIT_DENIED, EXIT_DENIED },
		{ COLLECT_REJECTED, EXIT_REJECTED, EXIT_REJECTED },
		{ COLLECT_FAILED, EXIT_RUNTIME, EXIT_RUNTIME },
	};
	char err[1024];

	EXPECT_EQ(ARRAY_SIZE(codes), NR_COLLECT_VERDICTS);
	for (u32 i = 0; i < ARRAY_SIZE(codes); i++) {
		answer_with(codes[i].verdict);
		EXPECT_EQ(list_source("fake", err, sizeof(err)), codes[i].named);
		EXPECT_EQ(list_source("auto", err, sizeof(err)), codes[i].all);
	}
}

TEST(list, a_rejection_is_shown_with_its_log_and_without_escapes)
{
	char err[1024];

	answer_with(COLLECT_REJECTED);
	EXPECT_EQ(list_source("fake", err, sizeof(err)), EXIT_REJECTED);
	EXPECT_STR_EQ(err, "rove: fake: first line\n"
		      "    \\x1b[31mR1 is bad\n    0: exit (a hint)\n");
}

TEST(list, a_rejection_in_json_mode_is_one_object)
{
	struct params params = { .source = "fake", .json = true };
	char err[1024];

	answer_with(COLLECT_REJECTED);
	EXPECT_EQ(list(&params, (struct diag_mode){ .json = true }, err, sizeof(err)),
		  EXIT_REJECTED);
	EXPECT_STR_EQ(err, "{\"code\":\"rejected\",\"where\":\"fake\",\"errno\":13,\"message\":"
		      "\"first line\\n\\u001b[31mR1 is bad\\n\\n0: exit\\n\","
		      "\"hint\":\"a hint\"}\n");
}

TEST(list, a_collection_that_fails_is_a_runtime_error)
{
	char err[1024];

	answer_with(COLLECT_OK);
	run_err = -EIO;
	EXPECT_EQ(list_source("fake", err, sizeof(err)), EXIT_RUNTIME);
	EXPECT_STR_EQ(err, "rove: fake: Input/output error\n");
}

TEST(list, what_is_not_complete_is_exit_4_and_says_why)
{
	char err[1024];

	answer_with(COLLECT_OK);
	answer.visited = answer.nr_rows = 2;
	answer.lost = 3;
	listing_incomplete(&answer, "lost");
	listing_incomplete(&answer, "later reasons do not count");
	EXPECT_EQ(list_source("fake", err, sizeof(err)), EXIT_PARTIAL);
	EXPECT_TRUE(strstr(err, "not complete: lost; 2 seen, 3 lost"));
}

TEST(list, torn_rows_and_cut_names_are_told_but_complete)
{
	char err[1024];

	answer_with(COLLECT_OK);
	answer.torn = 2;
	answer.names_truncated = 1;
	EXPECT_EQ(list_source("fake", err, sizeof(err)), EXIT_COMPLETE);
	EXPECT_TRUE(strstr(err, "changed whenever they were read: 2\n"));
	EXPECT_TRUE(strstr(err, "longer than shown: 1\n"));
}

TEST(list, quiet_says_errors_only)
{
	struct params params = { .source = "fake" };
	char err[1024];

	answer_with(COLLECT_OK);
	answer.torn = 2;
	EXPECT_EQ(list(&params, (struct diag_mode){ .quiet = true }, err, sizeof(err)), 0);
	EXPECT_STR_EQ(err, "");
	answer_with(COLLECT_DENIED);
	EXPECT_EQ(list(&params, (struct diag_mode){ .quiet = true }, err, sizeof(err)),
		  EXIT_DENIED);
	EXPECT_TRUE(err[0]);
}
