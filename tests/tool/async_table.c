/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/tool/async_table.c - what each call on timers and works gives, by context
 *
 *	async_table [-o OBJECT] kernel | self	the table, tab separated
 *	async_table [-o OBJECT] -c TABLE	self's beside one of a kernel's, as TAP
 *
 * One object file, tests/progs/async_table.bpf.c, by libbpf on either side.  A kernel's
 * hard interrupt is that of a software clock, its NMI that of a backtrace of all CPUs
 * (sysrq l); here both are the signal handler of the same clock.
 *
 * What differs on purpose is in known[], with its reason; docs/differences.md has it too.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/context.h"
#include "bpf/interp/interp.h"
#include "bpf/map/rcu.h"
#include "bpf/prog/prog.h"
#include "target/target.h"
#include "tests/progs/async_table.h"

#define TICK_NS 1000000
#define LOOK_MS 1

static const char *const row_names[] = {
#define NAME(name) #name,
	ASYNC_ROWS(NAME)
#undef NAME
};

static const char *const context_names[] = { "thread", "softirq", "worker", "handler", "nmi" };

struct table {
	long long at[NR_ASYNC_ROWS][NR_ASYNC_CONTEXTS];
};

/* --- what differs on purpose ------------------------------------------------------------------ */

static const struct {
	enum async_row row;
	bool handler;		/* in handlers; otherwise everywhere else */
	long long kernel, self;
	const char *reason;
} known[] = {
	{ ROW_timer_async_armed, true, -ECANCELED, 1, "nothing is deferred" },
	{ ROW_timer_async_idle, true, -ECANCELED, 0, "nothing is deferred" },
};

static const char *known_reason(u32 row, bool handler, long long kernel, long long self)
{
	for (u32 i = 0; i < ARRAY_SIZE(known); i++)
		if (known[i].row == row && known[i].handler == handler &&
		    known[i].kernel == kernel && known[i].self == self)
			return known[i].reason;
	return NULL;
}

/* --- loading ------------------------------------------------------------------------------------ */

static void die(const char *what, int err)
{
	fprintf(stderr, "async_table: %s: %s\n", what, strerror(err < 0 ? -err : err));
	exit(1);
}

static int print_warnings(enum libbpf_print_level level, const char *format, va_list args)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, format, args) : 0;
}

static struct bpf_program *program(struct bpf_object *obj, const char *name)
{
	struct bpf_program *prog = bpf_object__find_program_by_name(obj, name);

	if (!prog)
		die(name, ENOENT);
	return prog;
}

static int map_fd(struct bpf_object *obj, const char *name)
{
	return bpf_map__fd(bpf_object__find_map_by_name(obj, name));
}

static void fill(struct bpf_object *obj)
{
	size_t bytes = bpf_map__value_size(bpf_object__find_map_by_name(obj, "elements"));
	void *element = calloc(1, bytes);
	struct async_results none = { .begun = 0 };

	for (u32 i = 0; i < NR_ASYNC_ROWS; i++)
		none.row[i] = ASYNC_NOT_CALLED;
	for (u32 key = 0; key < NR_ASYNC_CONTEXTS; key++)
		if (bpf_map_update_elem(map_fd(obj, "results"), &key, &none, BPF_ANY) ||
		    bpf_map_update_elem(map_fd(obj, "elements"), &key, element, BPF_ANY))
			die("an element", errno);
	free(element);
}

static struct bpf_object *load(const char *path, bool kernel)
{
	struct bpf_object *obj = bpf_object__open_file(path, NULL);

	if (!obj)
		die(path, errno);
	if (!kernel)
		bpf_program__set_autoload(program(obj, "table_nmi"), false);
	if (bpf_object__load(obj))
		die("the object is not loaded", errno);
	fill(obj);
	return obj;
}

/* --- the contexts ------------------------------------------------------------------------------- */

static struct async_results results_of(struct bpf_object *obj, u32 context)
{
	struct async_results r;

	if (bpf_map_lookup_elem(map_fd(obj, "results"), &context, &r))
		die("results", errno);
	return r;
}

/* By looking again and again: nothing tells a process that a program has run. */
static void wait_for(struct bpf_object *obj, u32 context, u32 done)
{
	while (results_of(obj, context).done < done)
		poll(NULL, 0, LOOK_MS);
}

static void run(struct bpf_object *obj, const char *name)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);

	if (bpf_prog_test_run_opts(bpf_program__fd(program(obj, name)), &opts))
		die(name, errno);
}

static int open_clock(bool kernel)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE, .size = sizeof(attr),
		.config = PERF_COUNT_SW_CPU_CLOCK, .sample_period = TICK_NS,
	};

	/* The kernel's, on a CPU; ours, on this thread. */
	return syscall(SYS_perf_event_open, &attr, kernel ? -1 : 0, kernel ? 0 : -1, -1, 0);
}

/* A thread that is sampled has to be running, so this does not sleep. */
static void run_at_samples(struct bpf_object *obj, int clock_fd)
{
	struct bpf_link *link = bpf_program__attach_perf_event(program(obj, "table_handler"),
							       clock_fd);

	if (!link)
		die("attaching to a perf event", errno);
	while (!results_of(obj, CONTEXT_handler).done)
		;
	bpf_link__destroy(link);
}

static void ask_for_backtraces(void)
{
	int fd = open("/proc/sysrq-trigger", O_WRONLY);

	if (fd < 0 || write(fd, "l", 1) != 1)
		die("/proc/sysrq-trigger", errno);
	close(fd);
}

static void run_in_nmi(struct bpf_object *obj)
{
	struct bpf_link *link = bpf_program__attach(program(obj, "table_nmi"));

	if (!link)
		die("attaching to NMIs", errno);
	ask_for_backtraces();
	wait_for(obj, CONTEXT_nmi, 1);
	bpf_link__destroy(link);
}

static struct bpf_prog *handler_prog;

static void on_signal(int sig)
{
	const u64 args[INTERP_MAX_ARGS] = { 0 };
	u64 r0;

	ctx_nmi_enter();
	interp_run(handler_prog->code, 0, args, &r0);
	ctx_nmi_exit();
}

/* Where perf events may not be opened: as the handler of a sample would. */
static void run_in_raised_signal(struct bpf_object *obj)
{
	struct sigaction action = { .sa_handler = on_signal }, before;

	if (prog_by_fd(bpf_program__fd(program(obj, "table_handler")), &handler_prog))
		die("table_handler", EBADF);
	sigaction(SIGUSR1, &action, &before);
	map_rcu_read_lock();
	raise(SIGUSR1);
	map_rcu_read_unlock();
	sigaction(SIGUSR1, &before, NULL);
	prog_put(handler_prog);
}

static void run_in_handler(struct bpf_object *obj, bool kernel)
{
	int fd = open_clock(kernel);

	if (fd >= 0) {
		run_at_samples(obj, fd);
		return;
	}
	if (kernel)
		die("perf_event_open", errno);
	printf("# a raised signal in place of a sample: perf_event_open: %s\n", strerror(errno));
	run_in_raised_signal(obj);
}

static void run_all(struct bpf_object *obj, bool kernel)
{
	run(obj, "table_thread");
	run(obj, "drive_softirq");
	wait_for(obj, CONTEXT_softirq, 1);
	run(obj, "drive_worker");
	wait_for(obj, CONTEXT_worker, 1);
	run(obj, "drive_own");
	wait_for(obj, CONTEXT_softirq, 2);
	run(obj, "drive_twice");
	wait_for(obj, CONTEXT_worker, 2);
	run_in_handler(obj, kernel);
	if (kernel)
		run_in_nmi(obj);
}

static u32 nr_errors(struct bpf_object *obj)
{
	u32 zero = 0, nr = 0;

	if (bpf_map_lookup_elem(map_fd(obj, ".bss"), &zero, &nr))
		die(".bss", errno);
	return nr;
}

static void take(const char *path, bool kernel, struct table *table)
{
	struct bpf_object *obj;

	libbpf_set_print(print_warnings);
	target_use(kernel ? &target_kernel : &target_self);
	obj = load(path, kernel);
	run_all(obj, kernel);
	for (u32 c = 0; c < NR_ASYNC_CONTEXTS; c++) {
		struct async_results r = results_of(obj, c);

		for (u32 i = 0; i < NR_ASYNC_ROWS; i++)
			table->at[i][c] = r.row[i];
	}
	if (nr_errors(obj))
		die("a call that prepares the others was refused", EINVAL);
	bpf_object__close(obj);
}

/* --- the table as text --------------------------------------------------------------------------- */

static void print_table(const struct table *table)
{
	printf("call");
	for (u32 c = 0; c < NR_ASYNC_CONTEXTS; c++)
		printf("\t%s", context_names[c]);
	printf("\n");
	for (u32 i = 0; i < NR_ASYNC_ROWS; i++) {
		printf("%s", row_names[i]);
		for (u32 c = 0; c < NR_ASYNC_CONTEXTS; c++)
			if (table->at[i][c] == ASYNC_NOT_CALLED)
				printf("\t.");
			else
				printf("\t%lld", table->at[i][c]);
		printf("\n");
	}
}

static bool read_row(FILE *file, long long *at, const char *name)
{
	char call[64], value[NR_ASYNC_CONTEXTS][32];

	if (fscanf(file, "%63s %31s %31s %31s %31s %31s", call, value[0], value[1], value[2],
		   value[3], value[4]) != 1 + NR_ASYNC_CONTEXTS || strcmp(call, name))
		return false;
	for (u32 c = 0; c < NR_ASYNC_CONTEXTS; c++)
		at[c] = strcmp(value[c], ".") ? atoll(value[c]) : ASYNC_NOT_CALLED;
	return true;
}

static void read_table(const char *path, struct table *table)
{
	FILE *file = fopen(path, "r");
	long long head[NR_ASYNC_CONTEXTS];

	if (!file)
		die(path, errno);
	if (!read_row(file, head, "call"))
		die("the head of the kernel's table", EINVAL);
	for (u32 i = 0; i < NR_ASYNC_ROWS; i++)
		if (!read_row(file, table->at[i], row_names[i]))
			die(row_names[i], EINVAL);
	fclose(file);
}

static const char *number(long long value, char *room)
{
	if (value == ASYNC_NOT_CALLED)
		return "not called";
	sprintf(room, "%lld", value);
	return room;
}

/* One line of TAP for each call in each context of the kernel's. */
static u32 compare_at(u32 row, u32 context, long long kernel, long long self, u32 nr)
{
	bool handler = context >= CONTEXT_handler;
	char room[2][32];
	const char *reason = kernel == self ? "" : known_reason(row, handler, kernel, self);

	printf("%sok %u - async_table: %s in %s", reason ? "" : "not ", nr, row_names[row],
	       context_names[context]);
	if (kernel == self)
		printf(" is %lld\n", self);
	else
		printf(" is %s, the kernel's %s: %s\n", number(self, room[0]),
		       number(kernel, room[1]), reason ?: "unknown");
	return reason == NULL;
}

static int compare(const struct table *kernel, const struct table *self)
{
	u32 nr = 0, nr_bad = 0;

	for (u32 c = 0; c < NR_ASYNC_CONTEXTS; c++)
		for (u32 i = 0; i < NR_ASYNC_ROWS; i++)
			if (kernel->at[i][c] != ASYNC_NOT_CALLED)
				nr_bad += compare_at(i, c, kernel->at[i][c],
						     self->at[i][min(c, (u32)CONTEXT_handler)],
						     ++nr);
	printf("1..%u\n", nr);
	return nr_bad || !nr;
}

int main(int argc, char **argv)
{
	const char *object = "build/tests/progs/async_table.bpf.o", *against = NULL;
	struct table self, kernel;
	int opt;

	while ((opt = getopt(argc, argv, "o:c:")) != -1) {
		if (opt == 'o')
			object = optarg;
		else if (opt == 'c')
			against = optarg;
		else
			return 2;
	}
	if (against) {
		read_table(against, &kernel);
		take(object, false, &self);
		return compare(&kernel, &self);
	}
	if (optind + 1 != argc)
		return 2;
	take(object, !strcmp(argv[optind], "kernel"), &self);
	print_table(&self);
	return 0;
}
