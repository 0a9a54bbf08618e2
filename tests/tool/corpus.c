/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/tool/corpus.c - run the corpus: small programs and what a verifier says about them
 *
 *	corpus [--ours | --self | --kernel] [-v] [FILE or DIRECTORY]...
 *
 * Each file is one test of TAP.  --ours (the default) asks our verifier alone,
 * on a made-up platform; --self asks bpf(2) of this process, with its real
 * maps, helpers, kfuncs and types; --kernel asks bpf(2) of the running kernel,
 * and there a difference from what the file says is a failure unless
 * DIVERGENCES beside it has a line "file: reason".  "since 7.2" and
 * "before 7.2" behind the file say which kernels the line is about.
 */
#include <dirent.h>
#include <getopt.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "tests/tool/corpus/ours.h"
#include "tests/tool/corpus/states.h"
#include "tests/tool/corpus/target.h"

#define LOG_BYTES (16u << 20)
#define MAX_FILES 4096

struct corpus {
	char *files[MAX_FILES];
	u32 nr_files;
	bool verbose;
	const struct target *target;	/* NULL: our verifier alone */
	struct btf *types;		/* of the target */
	char *log;
	u32 nr_failed;
};

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len >= end_len && !strcmp(text + len - end_len, end);
}

static void add_path(struct corpus *corpus, const char *path)
{
	struct dirent **entries;
	struct stat st;
	int nr;

	if (stat(path, &st) || !S_ISDIR(st.st_mode)) {
		if (corpus->nr_files < MAX_FILES)
			corpus->files[corpus->nr_files++] = strdup(path);
		return;
	}
	nr = scandir(path, &entries, NULL, alphasort);
	for (int i = 0; i < nr; i++) {
		char sub[1024];

		snprintf(sub, sizeof(sub), "%s/%s", path, entries[i]->d_name);
		if (ends_with(sub, ".txt"))
			add_path(corpus, sub);
		free(entries[i]);
	}
	if (nr >= 0)
		free(entries);
}

/* --- one answer ------------------------------------------------------------------------------- */

/* The end of a log says what was wrong. */
static const char *last_lines(const char *text, u32 nr)
{
	const char *at = text + strlen(text);

	while (at > text && nr) {
		at--;
		if (at > text && at[-1] == '\n')
			nr--;
	}
	return at;
}

static void print_lines(const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "\n");

		printf("#   %.*s\n", (int)len, text);
		text += len + (text[len] == '\n');
	}
}

/* @save: strtok_r() has read the file; "since VERSION", "before VERSION", both or nothing follow */
static bool is_about_running_kernel(char **save)
{
	unsigned int running[2] = { 0 }, bound[2];
	struct utsname uts;
	char *word, *version;

	if (uname(&uts) || sscanf(uts.release, "%u.%u", &running[0], &running[1]) != 2)
		return false;
	while ((word = strtok_r(NULL, " ", save)) && (version = strtok_r(NULL, " ", save))) {
		bool older;

		if (sscanf(version, "%u.%u", &bound[0], &bound[1]) != 2)
			return false;
		older = running[0] < bound[0] ||
			(running[0] == bound[0] && running[1] < bound[1]);
		if (older != !strcmp(word, "before"))
			return false;
	}
	return true;
}

/* The reason in DIVERGENCES beside the file, or NULL. */
static const char *divergence(const struct corpus_case *c)
{
	static char line[1024];
	char list[600];
	const char *slash = strrchr(c->path, '/');
	const char *file = slash ? slash + 1 : c->path;
	FILE *f;

	snprintf(list, sizeof(list), "%.*s/DIVERGENCES", slash ? (int)(slash - c->path) : 1,
		 slash ? c->path : ".");
	f = fopen(list, "r");
	while (f && fgets(line, sizeof(line), f)) {
		char *colon = strchr(line, ':'), *save;

		if (line[0] == '#' || !colon)
			continue;
		*colon = 0;
		if (!strcmp(strtok_r(line, " ", &save), file) &&
		    is_about_running_kernel(&save)) {
			fclose(f);
			return trim(colon + 1);
		}
	}
	if (f)
		fclose(f);
	return NULL;
}

static bool report(struct corpus *corpus, u32 nr, const struct corpus_case *c, bool ok,
		   const char *detail)
{
	printf("%sok %u - %s: %s\n", ok ? "" : "not ", nr, c->path, c->name);
	if (!ok)
		printf("# %s\n", detail);
	if (!ok || corpus->verbose)
		print_lines(corpus->verbose ? corpus->log : last_lines(corpus->log, 8));
	corpus->nr_failed += !ok;
	return ok;
}

static bool same_verdict(const struct corpus_case *c, int err, s32 pc, char *detail, size_t size)
{
	if (err != c->err) {
		snprintf(detail, size, "expected %s, got %s at %d", case_error_name(c->err),
			 case_error_name(err), pc);
		return false;
	}
	if (err && pc >= 0 && c->reject_pc >= 0 && pc != c->reject_pc) {
		snprintf(detail, size, "rejected at %d, expected at %d", pc, c->reject_pc);
		return false;
	}
	return true;
}

static const char *missing_log(const struct corpus_case *c, const char *log)
{
	for (u32 i = 0; i < c->nr_logs; i++) {
		if (!strstr(log, c->logs[i]))
			return c->logs[i];
	}
	return NULL;
}

static void run_ours(struct corpus *corpus, u32 nr, struct corpus_case *c)
{
	struct states_watch watch = { .c = c };
	struct search_debug debug = { .visit = states_visit, .arg = &watch };
	struct ours_request r;
	struct vrf_result res;
	char detail[CASE_TEXT * 3] = "";
	const char *missing;
	bool ok;
	int err;

	ours_prepare(c, &r);
	r.req.log_level = corpus->verbose ? 2 : 1;
	r.req.log_buf = corpus->log;
	r.req.log_size = LOG_BYTES;
	corpus->log[0] = 0;
	search_debug = &debug;
	err = vrf_check(&r.req, &res);
	search_debug = NULL;
	ok = same_verdict(c, err, err ? (s32)res.reject_pc : -1, detail, sizeof(detail));
	missing = missing_log(c, corpus->log);
	if (ok && missing) {
		snprintf(detail, sizeof(detail), "the log lacks '%s'", missing);
		ok = false;
	}
	if (ok)
		ok = states_all_met(&watch, detail, sizeof(detail));
	vrf_result_free(&res);
	ours_finish(&r);
	report(corpus, nr, c, ok, detail);
}

/*
 * Tasks are the kernel's alone.  Helpers and kfuncs of timers and works are offered when
 * there is a runtime for them.
 */
static bool may_be_skipped(const struct corpus *corpus, const char *why)
{
	static const char *const self_has_no[] = { "task", "timer_", "bpf_wq_",
						   "bpf_copy_from_user_str" };

	if (corpus->target == &target_kernel)
		return true;
	for (u32 i = 0; i < ARRAY_SIZE(self_has_no); i++) {
		if (strstr(why, self_has_no[i]))
			return true;
	}
	return false;
}

static void ask_target(struct corpus *corpus, struct corpus_case *c, struct target_answer *answer)
{
	corpus->log[0] = 0;
	if (corpus->target == &target_kernel && c->kernel_skip[0])
		snprintf(answer->skip, sizeof(answer->skip), "%s", c->kernel_skip);
	else
		target_ask(corpus->target, c, corpus->types, corpus->log, LOG_BYTES, answer);
}

/* Our own words are a promise, the kernel's may change. */
static bool same_words(struct corpus *corpus, const struct corpus_case *c, char *detail,
		       size_t size)
{
	const char *missing = missing_log(c, corpus->log);

	if (!missing)
		return true;
	if (corpus->target == &target_kernel) {
		printf("# %s: the kernel words it differently from '%s'\n", c->path, missing);
		return true;
	}
	snprintf(detail, size, "the log lacks '%s'", missing);
	return false;
}

static void run_target(struct corpus *corpus, u32 nr, struct corpus_case *c)
{
	const char *reason = corpus->target == &target_kernel ? divergence(c) : NULL;
	struct target_answer answer = { 0 };
	char detail[CASE_TEXT * 2] = "";
	bool ok;

	ask_target(corpus, c, &answer);
	if (answer.skip[0] && !may_be_skipped(corpus, answer.skip)) {
		report(corpus, nr, c, false, answer.skip);
		return;
	}
	if (answer.skip[0]) {
		printf("ok %u - %s: %s # SKIP %s\n", nr, c->path, c->name, answer.skip);
		return;
	}
	ok = same_verdict(c, answer.err, -1, detail, sizeof(detail));
	if (!ok && reason) {
		printf("ok %u - %s: %s (diverges: %s)\n", nr, c->path, c->name, reason);
		return;
	}
	ok = ok && same_words(corpus, c, detail, sizeof(detail));
	if (ok && reason) {
		snprintf(detail, sizeof(detail), "agrees, but DIVERGENCES says: %s", reason);
		ok = false;
	}
	report(corpus, nr, c, ok, detail);
}

static void run_file(struct corpus *corpus, u32 nr, const char *path)
{
	struct corpus_case *c = malloc(sizeof(*c));

	if (!c)
		abort();
	if (parse_case(path, c)) {
		corpus->log[0] = 0;
		report(corpus, nr, c, false, c->bad);
	} else if (corpus->target) {
		run_target(corpus, nr, c);
	} else {
		run_ours(corpus, nr, c);
	}
	free(c);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "ours", no_argument, NULL, 'o' },
		{ "self", no_argument, NULL, 's' },
		{ "kernel", no_argument, NULL, 'k' },
		{ "verbose", no_argument, NULL, 'v' },
		{ 0 },
	};
	static struct corpus corpus;
	int opt;

	while ((opt = getopt_long(argc, argv, "oskv", options, NULL)) != -1) {
		if (opt == 'k')
			corpus.target = &target_kernel;
		else if (opt == 's')
			corpus.target = &target_self;
		else if (opt == 'v')
			corpus.verbose = true;
		else if (opt != 'o')
			return 2;
	}
	for (int i = optind; i < argc; i++)
		add_path(&corpus, argv[i]);
	if (optind == argc)
		add_path(&corpus, "tests/corpus/verifier");
	corpus.log = malloc(LOG_BYTES);
	if (!corpus.log)
		return 1;
	printf("1..%u\n", corpus.nr_files);
	if (corpus.target) {
		corpus.types = target_btf(corpus.target);
		if (!corpus.types) {
			for (u32 i = 0; i < corpus.nr_files; i++)
				printf("ok %u - %s # SKIP %s has no BTF that we can read\n",
				       i + 1, corpus.files[i], corpus.target->name);
			return 0;
		}
	}
	for (u32 i = 0; i < corpus.nr_files; i++) {
		run_file(&corpus, i + 1, corpus.files[i]);
		free(corpus.files[i]);
	}
	btf_put(corpus.types);
	free(corpus.log);
	return corpus.nr_failed != 0;
}
