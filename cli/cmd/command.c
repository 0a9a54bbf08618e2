/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/cmd/command.c - from the command line to the command
 *
 *	rove NOUN [VERB] [OPTIONS] [PATTERN...]
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cmd/command.h"
#include "cli/cmd/option.h"
#include "cli/model/dmabuf_views.h"
#include "cli/model/wakeup_diff.h"
#include "cli/out/diag.h"

const struct command command_table[] = {
	{ .noun = "wakeup", .verb = "list", .is_default = true, .run = run_list,
	  .collect = &collect_wakeup,
	  .help = "wakeup sources: what keeps the system from suspending" },
	{ .noun = "wakeup", .verb = "diff", .run = run_diff,
	  .collect = &collect_wakeup, .view = &wakeup_changes, .words = "[OLD [NEW]]",
	  .help = "what was active, came and went: between recordings, or in an interval" },
	{ .noun = "dmabuf", .verb = "list", .is_default = true, .run = run_list,
	  .collect = &collect_dmabuf,
	  .help = "DMA-bufs: memory that devices and processes share, and who holds it" },
	{ .noun = "dmabuf", .verb = "by-exporter", .run = run_list,
	  .collect = &collect_dmabuf, .view = &dmabuf_by_exporter,
	  .help = "DMA-bufs summed up by who made them" },
	{ .noun = "dmabuf", .verb = "by-process", .run = run_list,
	  .collect = &collect_dmabuf, .view = &dmabuf_by_process,
	  .help = "DMA-bufs summed up by who holds them: RSS and PSS" },
	{ .noun = "dmabuf", .verb = "by-device", .run = run_list,
	  .collect = &collect_dmabuf, .view = &dmabuf_by_device,
	  .help = "DMA-bufs summed up by the devices attached to them" },
	{ .noun = "dmabuf", .verb = "diff", .run = run_diff,
	  .collect = &collect_dmabuf, .view = &dmabuf_changes, .words = "[OLD [NEW]]",
	  .help = "what came, went and changed: between recordings, or in an interval" },
	{ .noun = "wq", .verb = "list", .is_default = true, .run = run_list,
	  .collect = &collect_wq,
	  .help = "workqueues: what they have run, and what waits" },
	{ .noun = "wq", .verb = "pools", .run = run_list, .collect = &collect_wq_pools,
	  .help = "pools of workers: whose works they run, and who of them is busy" },
	{ .noun = "wq", .verb = "pending", .run = run_list, .collect = &collect_wq_pending,
	  .help = "works that wait or run, their functions and threads" },
	{ .noun = "wq", .verb = "lockup", .run = run_list, .collect = &collect_wq_lockup,
	  .help = "works that keep a pool from getting anything done" },
};
const u32 nr_commands = ARRAY_SIZE(command_table);

/*
 * Words of the grammar.  Without a verb the next word is a pattern, and a
 * pattern that is one of these must be told from a verb that is not here.
 */
static const char *const verb_words[] = { "list", "top", "diff", "why", "snapshot", "help" };

static enum exit_code usage(const char *where, const char *what)
{
	diag(&(struct diag){ .level = DIAG_ERROR, .code = "usage", .where = where,
			     .hint = "rove --help" }, "%s", what);
	return EXIT_USAGE;
}

static const struct command *find_noun(const char *noun)
{
	for (u32 i = 0; i < nr_commands; i++)
		if (!strcmp(command_table[i].noun, noun))
			return &command_table[i];
	return NULL;
}

static const struct command *find_verb(const char *noun, const char *verb)
{
	for (u32 i = 0; i < nr_commands; i++)
		if (!strcmp(command_table[i].noun, noun) && !strcmp(command_table[i].verb, verb))
			return &command_table[i];
	return NULL;
}

static const struct command *find_default(const char *noun)
{
	for (u32 i = 0; i < nr_commands; i++)
		if (!strcmp(command_table[i].noun, noun) && command_table[i].is_default)
			return &command_table[i];
	return NULL;
}

static bool is_verb_word(const char *word)
{
	for (u32 i = 0; i < ARRAY_SIZE(verb_words); i++)
		if (!strcmp(verb_words[i], word))
			return true;
	for (u32 i = 0; i < nr_commands; i++)
		if (!strcmp(command_table[i].verb, word))
			return true;
	return false;
}

static enum exit_code unknown_noun(const char *noun)
{
	char there[256] = "";

	for (u32 i = 0; i < nr_commands; i++) {
		if (find_noun(command_table[i].noun) != &command_table[i])
			continue;
		strncat(there, there[0] ? ", " : "", sizeof(there) - strlen(there) - 1);
		strncat(there, command_table[i].noun, sizeof(there) - strlen(there) - 1);
	}
	diag(&(struct diag){ .level = DIAG_ERROR, .code = "usage", .where = noun,
			     .hint = "rove --help" }, "there is no such noun; there is: %s",
	     there);
	return EXIT_USAGE;
}

static enum exit_code unknown_verb(const char *noun, const char *verb)
{
	char there[256] = "";

	for (u32 i = 0; i < nr_commands; i++) {
		if (strcmp(command_table[i].noun, noun))
			continue;
		strncat(there, there[0] ? ", " : "", sizeof(there) - strlen(there) - 1);
		strncat(there, command_table[i].verb, sizeof(there) - strlen(there) - 1);
	}
	diag(&(struct diag){ .level = DIAG_ERROR, .code = "usage", .where = verb,
			     .hint = "a pattern of that name goes after the verb" },
	     "'%s' has no such verb; it has: %s", noun, there);
	return EXIT_USAGE;
}

/* The command that the words ask for; the words after it are its patterns. */
static enum exit_code find_command(struct params *params, const struct command **ret_command)
{
	const char *noun = params->words[0];
	const char *word = params->nr_words > 1 ? params->words[1] : NULL;
	const struct command *command = NULL;
	u32 used = 1;

	if (!find_noun(noun))
		return unknown_noun(noun);
	if (word) {
		command = find_verb(noun, word);
		if (command)
			used = 2;
		else if (is_verb_word(word))
			return unknown_verb(noun, word);
	}
	*ret_command = command ? command : find_default(noun);
	params->patterns = params->words + used;
	params->nr_patterns = params->nr_words - used;
	return EXIT_COMPLETE;
}

static enum exit_code check_patterns(const struct params *params)
{
	for (u32 i = 0; i < params->nr_patterns; i++)
		if (!params->patterns[i][0])
			return usage(NULL, "an empty pattern matches no name");
	return EXIT_COMPLETE;
}

static enum exit_code check_options(const struct command *command, const struct params *params)
{
	const struct option_row *row = option_of_other_noun(params, command->noun);
	char where[64], what[96];

	if (!row)
		return EXIT_COMPLETE;
	snprintf(where, sizeof(where), "--%s", row->name);
	snprintf(what, sizeof(what), "is not an option of %s, only of %s", command->noun, row->noun);
	return usage(where, what);
}

static enum exit_code finish_stdout(void)
{
	if (!fflush(stdout) && !ferror(stdout))
		return EXIT_COMPLETE;
	if (errno != EPIPE)
		diag(&(struct diag){ .level = DIAG_ERROR, .code = "write", .where = "stdout",
				     .err = -errno }, "%s", strerror(errno));
	return EXIT_RUNTIME;
}

static enum exit_code print_version(void)
{
	printf("rove %s\n", ROVE_VERSION);
	return finish_stdout();
}

static enum exit_code print_help(const struct command *command)
{
	help_print(stdout, command);
	return finish_stdout();
}

static enum exit_code print_completion(const char *shell)
{
	if (completion_print(stdout, shell))
		return usage("--completion", "there are none for this shell");
	return finish_stdout();
}

static enum exit_code without_noun(const struct params *params)
{
	const struct option_row *row = option_only_for_commands(params);
	char where[64] = "";

	if (row) {
		snprintf(where, sizeof(where), "--%s", row->name);
		return usage(where, "needs a noun: rove wakeup");
	}
	if (params->help)
		return print_help(NULL);
	if (params->completion)
		return print_completion(params->completion);
	return usage(NULL, "a noun is missing: rove wakeup");
}

static enum exit_code run_words(struct params *params)
{
	const struct command *command;
	enum exit_code code;

	if (params->verbose && params->quiet)
		return usage("--verbose", "cannot be quiet at the same time");
	if (params->version)
		return print_version();
	if (!params->nr_words)
		return without_noun(params);
	if (params->completion)
		return usage("--completion", "is for all nouns: give none");
	code = find_command(params, &command);
	if (code)
		return code;
	if (params->help)
		return print_help(command);
	code = check_options(command, params);
	if (code)
		return code;
	code = check_patterns(params);
	return code ? code : command->run(command, params);
}

/**
 * command_main - do what a command line says
 *
 * Context: may sleep; the main thread, before there are others.
 * Return:  the exit code of the process.
 */
enum exit_code command_main(int argc, char **argv)
{
	struct option_error error = { "", "" };
	struct params params;
	enum exit_code code;
	int err;

	diag_set_mode(&(struct diag_mode){ .json = option_wants_json(argc, argv) });
	err = option_parse(argc, argv, &params, &error);
	diag_set_mode(&(struct diag_mode){
		.json = option_wants_json(argc, argv),
		.quiet = params.quiet,
		.verbose = params.verbose,
	});
	switch (err) {
	case 0:
		code = run_words(&params);
		break;
	case -EINVAL:
		code = usage(error.where, error.text);
		break;
	default:
		diag(&(struct diag){ .level = DIAG_ERROR, .code = "memory", .err = err }, "%s",
		     strerror(-err));
		code = EXIT_RUNTIME;
	}
	free(params.words);
	return code;
}
