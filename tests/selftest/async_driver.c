/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/selftest/async_driver.c - runs the kernel's test files of timers and works on this process
 *
 * Threads that a test file makes use this process, too, and descriptors that it closes are
 * closed at once: its references to such functions are renamed (tests/selftest/run-async.sh).
 * What runs at every system call in the kernel is run when a test file sleeps for it.  Prints TAP; what cannot be run here is a skip
 * with its reason.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <linux/bpf.h>
#include <regex.h>
#include <spawn.h>
#include <sys/mman.h>

#include <rove/bpf.h>

#include "bpf/map/rcu.h"
#include "target/target.h"
#include "tests/selftest/selftest_skel.h"
#include "tests/selftest/test_progs.h"
#include "tests/selftest/testmod.h"

#define LOG_BYTES (1 << 20)
#define MAX_TAGS 32
#define MAX_LOG_LINES 200

void serial_test_timer_stress(void);
void serial_test_timer_stress_async_cancel(void);
void serial_test_timer_async_cancel(void);
void serial_test_failures_wq(void);
void test_free_timer(void);
void test_timer_start_delete_race(void);
void serial_test_timer_mim(void);
void test_btf_map_in_map(void);
void serial_test_wq(void);
void test_wq_custom(void);
void test_rhash_timer(void);
void test_rhash(void);
void test_timer_lockup(void);
void test_async_stack_depth(void);
void test_helper_restricted(void);
void test_btf_map_keyless(void);
int selftest_close(int fd);
int selftest_usleep(unsigned int us);
int selftest_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*fn)(void *),
			    void *arg);

/* --- what the runner is asked ---------------------------------------------------------------- */

static int nr_tests, nr_wrong, nr_failed;
static bool is_skipped;

/* What a program needs that is not there. */
static const struct {
	const char *name, *needs;
} left_out[] = {
	{ "test_rhash_kptr_update", "a pointer to a kernel object in a value (bpf_kptr_xchg)" },
	{ "test_rhash_kptr_delete", "a pointer to a kernel object in a value (bpf_kptr_xchg)" },
};

static const char *what_it_needs(const char *name)
{
	for (size_t i = 0; i < sizeof(left_out) / sizeof(left_out[0]); i++)
		if (!strcmp(left_out[i].name, name))
			return left_out[i].needs;
	return NULL;
}

bool test__start_subtest(const char *name)
{
	const char *needs = what_it_needs(name);

	if (needs)
		printf("# not run: %s: %s\n", name, needs);
	return !needs;
}

void test__skip(void)
{
	is_skipped = true;
}

bool selftest_check(bool ok, const char *what, const char *name, long long value)
{
	__atomic_fetch_add(&nr_wrong, !ok, __ATOMIC_RELAXED);
	if (!ok)
		printf("# %s %s: %lld\n", name, what, value);
	return ok;
}

int kern_sync_rcu(void)
{
	map_rcu_synchronize();
	urcu_bp_barrier();
	return 0;
}

struct start {
	void *(*fn)(void *);
	void *arg;
};

static void *run_on_self(void *arg)
{
	struct start start = *(struct start *)arg;

	free(arg);
	target_use(&target_self);
	return start.fn(start.arg);
}

int selftest_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*fn)(void *),
			    void *arg)
{
	struct start *start = malloc(sizeof(*start));

	*start = (struct start){ fn, arg };
	return pthread_create(thread, attr, run_on_self, start);
}

/* --- objects --------------------------------------------------------------------------------- */

struct bpf_object *selftest_object(const char *name)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s.bpf.o", getenv("SELFTEST_OBJECTS"), name);
	return bpf_object__open_file(path, NULL);
}

struct bpf_object_skeleton *selftest_skeleton(int nr_progs)
{
	struct bpf_object_skeleton *skeleton = calloc(1, sizeof(*skeleton));

	skeleton->prog_cnt = nr_progs;
	skeleton->progs = calloc(nr_progs, sizeof(*skeleton->progs));
	return skeleton;
}

void selftest_skeleton_free(struct bpf_object_skeleton *skeleton)
{
	free(skeleton->progs);
	free(skeleton);
}

/* Its type is one that this process does not have: those that trace functions, and LSM's. */
static bool type_is_missing(const struct bpf_program *prog)
{
	enum bpf_prog_type type = bpf_program__type(prog);

	if (type == BPF_PROG_TYPE_TRACING)
		return bpf_program__expected_attach_type(prog) != BPF_TRACE_ITER;
	return type == BPF_PROG_TYPE_LSM;
}

int selftest_load(struct bpf_object *obj)
{
	struct bpf_program *prog;

	bpf_object__for_each_program(prog, obj) {
		const char *needs = what_it_needs(bpf_program__name(prog));

		if (type_is_missing(prog))
			needs = bpf_program__section_name(prog);
		if (!needs)
			continue;
		printf("# program %s: not loaded: %s\n", bpf_program__name(prog), needs);
		bpf_program__set_autoload(prog, false);
	}
	return bpf_object__load(obj);
}

/* A system call's program needs nothing to be attached to, and a classifier is not by this. */
static struct bpf_program *at_system_calls;

static bool is_run_by_the_test(const struct bpf_program *prog)
{
	return bpf_program__type(prog) == BPF_PROG_TYPE_SYSCALL ||
	       bpf_program__type(prog) == BPF_PROG_TYPE_SCHED_CLS;
}

int selftest_attach(struct bpf_object *obj)
{
	struct bpf_program *prog;

	bpf_object__for_each_program(prog, obj)
		if (!is_run_by_the_test(prog))
			return -ENOTSUP;
	prog = bpf_object__find_program_by_name(obj, "handle__sys_enter");
	if (prog)
		at_system_calls = prog;
	return 0;
}

int selftest_close(int fd)
{
	return target_self.close(fd);
}

int selftest_usleep(unsigned int us)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);

	if (at_system_calls)
		selftest_check(!bpf_prog_test_run_opts(bpf_program__fd(at_system_calls), &opts),
			       "cannot be run", bpf_program__name(at_system_calls), errno);
	return usleep(us);
}

void *selftest_memory(struct bpf_object *obj, const char *section)
{
	struct bpf_map *map = bpf_object__find_map_by_name(obj, section);
	void *memory;

	if (!map)
		return NULL;
	if (rove_bpf_mmap(bpf_map__fd(map), getpagesize(), PROT_READ | PROT_WRITE, MAP_SHARED, 0,
			  &memory))
		return NULL;
	return memory;
}

/* --- programs with tags ------------------------------------------------------------------------ */

struct expected {
	bool failure, is_run;
	int log_level, retval;
	unsigned int flags;
	const char *messages[MAX_TAGS];	/* by their numbers, so in the order of the source */
	int numbers[MAX_TAGS], nr_messages;
};

static void expect_message(struct expected *e, int number, const char *text)
{
	int at = e->nr_messages++;

	for (; at && e->numbers[at - 1] > number; at--) {
		e->numbers[at] = e->numbers[at - 1];
		e->messages[at] = e->messages[at - 1];
	}
	e->numbers[at] = number;
	e->messages[at] = text;
}

static void take_tag(struct expected *e, const char *tag)
{
	int number, used = 0;

	if (sscanf(tag, "comment:%d:%n", &number, &used) != 1 || !used)
		return;
	tag += used;
	if (!strcmp(tag, "test_expect_failure"))
		e->failure = true;
	else if (!strncmp(tag, "test_expect_msg=", 16) && e->nr_messages < MAX_TAGS)
		expect_message(e, number, tag + 16);
	else if (!strncmp(tag, "test_retval=", 12)) {
		e->is_run = true;
		e->retval = atoi(tag + 12);
	} else if (!strncmp(tag, "test_log_level=", 15))
		e->log_level = atoi(tag + 15);
	else if (!strcmp(tag, "test_prog_flags=BPF_F_TEST_STATE_FREQ"))
		e->flags |= BPF_F_TEST_STATE_FREQ;
}

static struct expected expected_of(struct bpf_object *obj, const char *name)
{
	struct btf *btf = bpf_object__btf(obj);
	int func = btf__find_by_name_kind(btf, name, BTF_KIND_FUNC);
	struct expected e = { .log_level = 1 };

	for (unsigned int id = 1; id < btf__type_cnt(btf); id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);

		if (btf_is_decl_tag(t) && (int)t->type == func)
			take_tag(&e, btf__name_by_offset(btf, t->name_off));
	}
	return e;
}

/*
 * How precision is tracked back is not told in our logs, whose tracking is another: such a
 * line is not looked for.
 */
static bool is_of_precision(const char *message)
{
	return !strncmp(message, "mark_precise:", 13);
}

/* Where @message is in the log, and how long; what stands in {{ }} is a regular expression. */
static const char *find_message(const char *log, const char *message, size_t *ret_bytes)
{
	const char *end = message + strlen(message);
	char pattern[1024], *to = pattern;
	bool inside = false;
	regmatch_t match;
	regex_t regex;
	int err;

	while (message < end && to < pattern + sizeof(pattern) - 2) {
		if (!strncmp(message, inside ? "}}" : "{{", 2)) {
			*to++ = inside ? ')' : '(';
			inside = !inside;
			message += 2;
			continue;
		}
		if (!inside && strchr("[]{}()*+?.^$|\\", *message))
			*to++ = '\\';
		*to++ = *message++;
	}
	*to = '\0';
	err = regcomp(&regex, pattern, REG_EXTENDED | REG_NEWLINE);
	selftest_check(!err, "is no pattern", pattern, err);
	if (err)
		return NULL;
	err = regexec(&regex, log, 1, &match, 0);
	regfree(&regex);
	*ret_bytes = err ? 0 : match.rm_eo - match.rm_so;
	return err ? NULL : log + match.rm_so;
}

static void expect_log(const char *name, const struct expected *e, const char *log)
{
	for (int i = 0; i < e->nr_messages; i++) {
		const char *found;
		size_t bytes = 0;

		if (is_of_precision(e->messages[i])) {
			printf("# %s: not looked for: %s\n", name, e->messages[i]);
			continue;
		}
		found = find_message(log, e->messages[i], &bytes);
		if (!selftest_check(found != NULL, "has not in its log", name, i))
			printf("# expected: %s\n", e->messages[i]);
		else
			log = found + (is_of_precision(e->messages[i + 1 < e->nr_messages ? i + 1 : i]) ?
				       0 : bytes);
	}
}

/* As the kernel's runner does: a packet of nothing, or to a system call's program nothing. */
static void expect_result(const struct bpf_program *prog, const struct expected *e)
{
	static char packet[64];
	LIBBPF_OPTS(bpf_test_run_opts, opts);

	if (bpf_program__type(prog) != BPF_PROG_TYPE_SYSCALL) {
		opts.data_in = packet;
		opts.data_size_in = sizeof(packet);
	}
	selftest_check(!bpf_prog_test_run_opts(bpf_program__fd(prog), &opts), "cannot be run",
		       bpf_program__name(prog), errno);
	selftest_check((int)opts.retval == e->retval, "returned", bpf_program__name(prog),
		       (int)opts.retval);
}

static void print_log(char *log)
{
	char *save, *line = strtok_r(log, "\n", &save);

	for (int i = 0; line && i < MAX_LOG_LINES; i++, line = strtok_r(NULL, "\n", &save))
		printf("#	%s\n", line);
}

static void run_one(const char *object, const char *name)
{
	static char log[LOG_BYTES];
	struct bpf_object *obj = selftest_object(object);
	struct expected e = expected_of(obj, name);
	struct bpf_program *prog, *it = NULL;
	int err, was_wrong = nr_wrong;

	log[0] = 0;
	bpf_object__for_each_program(prog, obj) {
		bool is_it = !strcmp(bpf_program__name(prog), name);

		if (is_it)
			it = prog;

		bpf_program__set_autoload(prog, is_it);
		if (is_it) {
			bpf_program__set_log_buf(prog, log, sizeof(log));
			bpf_program__set_log_level(prog, e.log_level);
			bpf_program__set_flags(prog, bpf_program__flags(prog) | e.flags);
		}
	}
	err = bpf_object__load(obj);
	printf("# %s/%s: %s\n", object, name, err ? strerror(-err) : "accepted");
	selftest_check(!!err == e.failure, "verdict", name, err);
	expect_log(name, &e, log);
	if (!err && e.is_run)
		expect_result(it, &e);
	if (nr_wrong != was_wrong)
		print_log(log);
	bpf_object__close(obj);
}

void selftest_run_tests(const char *name)
{
	struct bpf_object *obj = selftest_object(name);
	struct bpf_program *prog;

	if (!selftest_check(obj != NULL, "cannot be opened", name, errno))
		return;
	bpf_object__for_each_program(prog, obj)
		if (type_is_missing(prog))
			printf("# not run: %s/%s: %s\n", name, bpf_program__name(prog),
			       bpf_program__section_name(prog));
		else
			run_one(name, bpf_program__name(prog));
	bpf_object__close(obj);
}

/* --- all of them ----------------------------------------------------------------------------- */

static void test_timer_failure(void)
{
	RUN_TESTS(timer_failure);
}

static void test_verifier_async_cb_context(void)
{
	RUN_TESTS(verifier_async_cb_context);
}

/*
 * What the programs called is what they say that they did.  The works that call the other function
 * end with their maps, right after they were started: on a busy machine none may have begun.
 */
static void test_wq(void)
{
	unsigned int sleepable = testmod_sleepable_calls, common = testmod_common_calls;

	serial_test_wq();
	if (nr_wrong)
		return;
	selftest_check(testmod_sleepable_calls > sleepable, "was not called",
		       "bpf_kfunc_call_test_sleepable", 0);
	printf("# bpf_kfunc_common_test was called %u times\n", testmod_common_calls - common);
}

static void test_map_in_map(void)
{
	test_btf_map_in_map();
	at_system_calls = NULL;
}

static const struct {
	const char *name;
	void (*run)(void);
	const char *reason;		/* of a skip */
	/*
	 * More than one: the test allows so little time between two calls, or between the first
	 * calls of two threads, that it fails when a thread is interrupted there; one try that is
	 * not shows what it is about.
	 */
	int tries;
	bool own_process;		/* of each try: the test keeps count of its threads */
} tests[] = {
	{ "timer_stress", serial_test_timer_stress },
	{ "timer_stress_async_cancel", serial_test_timer_stress_async_cancel },
	{ "timer_async_cancel", serial_test_timer_async_cancel, .tries = 50 },
	{ "timer_failure", test_timer_failure },
	{ "free_timer", test_free_timer },
	{ "timer_start_delete_race", test_timer_start_delete_race },
	{ "wq_failures", serial_test_failures_wq },
	{ "wq", test_wq, .tries = 50 },
	{ "wq_custom", test_wq_custom },
	/* Also when a callback cancels the other thread's timer before that was initialised. */
	{ "timer_lockup", test_timer_lockup, .tries = 300, .own_process = true,
	  .reason = "it says so itself: no callback ever met another one" },
	{ "async_stack_depth", test_async_stack_depth },
	{ "helper_restricted", test_helper_restricted },
	{ "verifier_async_cb_context", test_verifier_async_cb_context },
	{ "rhash_timer", test_rhash_timer },
	{ "rhash", test_rhash },
	{ "btf_map_keyless", test_btf_map_keyless },
	{ "timer_mim", serial_test_timer_mim },
	{ "btf_map_in_map", test_map_in_map },
	/* A program type that is not there, by the section that asks for it. */
	{ "timer", NULL, "SEC(\"fentry/bpf_fentry_test1\") to 5" },
	{ "timer_interrupt", NULL, "SEC(\"fentry/bpf_fentry_test1\")" },
	{ "timer_crash", NULL, "SEC(\"fentry/do_nanosleep\")" },
	{ "timer_start_deadlock", NULL, "SEC(\"tp_btf/hrtimer_start\")" },
	{ "htab_update", NULL, "SEC(\"?fentry/bpf_obj_cancel_fields\")" },
	{ "verifier_private_stack: timers", NULL, "SEC(\"fentry/bpf_fentry_test9\")" },
	{ "test_struct_ops_assoc: st_ops_assoc_in_timer", NULL, "SEC(\"struct_ops\")" },
	/* Something else that is not. */
	{ "timer_stress_nmi_race", NULL, "it samples another process: PERF_TYPE_HARDWARE of a child" },
	{ "timer_stress_nmi_update", NULL, "it samples another process: PERF_TYPE_HARDWARE of a child" },
	{ "timer_stress_nmi_cancel", NULL, "it samples another process: PERF_TYPE_HARDWARE of a child" },
	{ "ksock_wq", NULL, "the kernel's sockets: bpf_ksock_create()" },
	{ "stream: stream_arena_callback_fault", NULL, "BPF_MAP_TYPE_ARENA, and streams of a program" },
	{ "exceptions: reject_async_callback_throw", NULL, "bpf_throw()" },
	{ "stack_arg: test_async_cb_many_args", NULL, "functions of more than five arguments" },
	{ "pinning_htab", NULL, "pinning: /sys/fs/bpf" },
	{ "verifier_subprog_insn_stats", NULL, "instructions of each function in a log of level 4" },
};

#define STATUS_SKIP 77

static int run_named(const char *name)
{
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		if (tests[i].run && !strcmp(tests[i].name, name))
			tests[i].run();
	return nr_wrong ? 1 : is_skipped ? STATUS_SKIP : 0;
}

/* This program again, for one test. */
static void run_in_own_process(const char *name)
{
	char *argv[] = { "driver", (char *)name, NULL };
	int status;
	pid_t pid;

	if (!selftest_check(!posix_spawn(&pid, "/proc/self/exe", NULL, NULL, argv, environ),
			    "cannot be run", name, errno))
		return;
	waitpid(pid, &status, 0);
	is_skipped = WIFEXITED(status) && WEXITSTATUS(status) == STATUS_SKIP;
	selftest_check(is_skipped || !status, "ended with status", name, status);
}

int main(int argc, char **argv)
{
	target_use(&target_self);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 1)
		return run_named(argv[1]);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		int left = tests[i].tries ?: 1;

		do {
			nr_wrong = 0;
			is_skipped = !tests[i].run;
			if (tests[i].own_process)
				run_in_own_process(tests[i].name);
			else if (tests[i].run)
				tests[i].run();
		} while (nr_wrong && --left);
		nr_failed += nr_wrong != 0;
		printf("%sok %d - selftest: %s%s%s\n", nr_wrong ? "not " : "", ++nr_tests,
		       tests[i].name, is_skipped ? " # SKIP " : "",
		       !is_skipped ? "" : tests[i].reason ?: "as it says itself");
	}
	printf("1..%d\n", nr_tests);
	return nr_failed != 0;
}
