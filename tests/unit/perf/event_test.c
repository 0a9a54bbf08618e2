/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Events of every kind that a thread can have: what they count, how they were made, and many.
 */
#include <linux/hw_breakpoint.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/atomic.h"
#include "tests/test.h"
#include "tests/unit/perf/perf.h"

static int counters(void)
{
	int map = map_new(BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0);

	EXPECT_TRUE(map >= 0);
	return map;
}

/* Of the calling thread, with @attr's own period or none. */
static int event_with(struct perf_event_attr attr)
{
	int fd;

	attr.size = sizeof(attr);
	attr.disabled = 1;
	attr.exclude_hv = 1;
	fd = syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

#define OF_CLOCK(clock, period)                                                      \
	.type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_##clock, .sample_period = (period)

/* The program runs for @event's samples. */
static void expect_runs(int event)
{
	int map = counters(), prog = counting_prog(map), link = attach(prog, event);

	EXPECT_TRUE(link >= 0);
	event_start(event);
	burn_until(map, 5);
	EXPECT_EQ(rove_bpf_close(link), 0);
	close(event);
	EXPECT_EQ(rove_bpf_close(prog), 0);
	EXPECT_EQ(rove_bpf_close(map), 0);
}

TEST(perf_event, a_clock_of_the_cpu_or_of_the_thread_counts)
{
	close(EVENT_OR_SKIP(0));
	expect_runs(event_with((struct perf_event_attr){ OF_CLOCK(TASK_CLOCK, PERIOD_NS),
							 .exclude_kernel = 1 }));
	expect_runs(event_with((struct perf_event_attr){ OF_CLOCK(CPU_CLOCK, PERIOD_NS),
							 .exclude_kernel = 1 }));
}

TEST(perf_event, what_happens_in_the_kernel_counts_too_when_it_is_asked_for)
{
	int event;

	close(EVENT_OR_SKIP(0));
	event = event_with((struct perf_event_attr){ OF_CLOCK(TASK_CLOCK, PERIOD_NS) });
	if (event < 0)
		SKIP("perf_event_open(2) with the kernel's part: %s", strerror(-event));
	expect_runs(event);
}

TEST(perf_event, of_the_processor_counts)
{
	static const u64 configs[] = { PERF_COUNT_HW_CPU_CYCLES, PERF_COUNT_HW_INSTRUCTIONS };

	close(EVENT_OR_SKIP(0));
	for (size_t i = 0; i < ARRAY_SIZE(configs); i++) {
		int event = event_with((struct perf_event_attr){
			.type = PERF_TYPE_HARDWARE, .config = configs[i], .sample_period = 1000000,
			.exclude_kernel = 1 });

		if (event < 0)
			SKIP("no events of the processor: %s", strerror(-event));
		expect_runs(event);
	}
}

static u64 watched;

/* Each write is one sample, told before the next instruction but one. */
TEST(perf_event, of_a_breakpoint_runs_its_program_once_for_each_time)
{
	int event, map, prog, link;

	close(EVENT_OR_SKIP(0));
	event = event_with((struct perf_event_attr){
		.type = PERF_TYPE_BREAKPOINT, .bp_type = HW_BREAKPOINT_W, .bp_addr = PTR(&watched),
		.bp_len = HW_BREAKPOINT_LEN_8, .sample_period = 1, .exclude_kernel = 1 });
	if (event < 0)
		SKIP("no breakpoints: %s", strerror(-event));
	map = counters();
	prog = counting_prog(map);
	link = attach(prog, event);
	EXPECT_TRUE(link >= 0);
	event_start(event);
	for (int i = 0; i < 100; i++) {
		WRITE_ONCE(watched, i);
#ifdef __SANITIZE_THREAD__
		close(-1);
#endif
	}
	event_stop(event);
	EXPECT_EQ(count_of(map), 100);
	EXPECT_EQ(misses_of(prog), 0);
	EXPECT_EQ(rove_bpf_close(link), 0);
	close(event);
	EXPECT_EQ(rove_bpf_close(prog), 0);
	EXPECT_EQ(rove_bpf_close(map), 0);
}

/* --- a signal of the event's own ---------------------------------------------------------- */

#ifndef TRAP_PERF
#define TRAP_PERF 6
#endif

static u32 nr_traps, nr_other_traps;

static void trap_handler(int number, siginfo_t *info, void *uctx)
{
	fetch_add_relaxed(info->si_code == TRAP_PERF ? &nr_traps : &nr_other_traps, 1);
}

TEST(perf_event, that_sends_sigtrap_goes_on_sending_it_to_the_application)
{
	struct sigaction own = { .sa_sigaction = trap_handler, .sa_flags = SA_SIGINFO }, was;
	int event, map, prog, link;
	u32 before;

	close(EVENT_OR_SKIP(0));
	event = event_with((struct perf_event_attr){ OF_CLOCK(TASK_CLOCK, PERIOD_NS),
						     .exclude_kernel = 1, .sigtrap = 1,
						     .remove_on_exec = 1 });
	if (event < 0)
		SKIP("no events with sigtrap: %s", strerror(-event));
	EXPECT_EQ(sigaction(SIGTRAP, &own, &was), 0);
	map = counters();
	prog = counting_prog(map);
	link = attach(prog, event);
	EXPECT_TRUE(link >= 0);
	event_start(event);
	while (count_of(map) < 5 || READ_ONCE(nr_traps) < 5)
		;
	/* Without us it is as before. */
	EXPECT_EQ(rove_bpf_close(link), 0);
	before = READ_ONCE(nr_traps);
	while (READ_ONCE(nr_traps) < before + 5)
		close(-1);
	event_stop(event);
	EXPECT_EQ(nr_other_traps, 0);
	close(event);
	sigaction(SIGTRAP, &was, NULL);
	EXPECT_EQ(rove_bpf_close(prog), 0);
	EXPECT_EQ(rove_bpf_close(map), 0);
}

/* --- exec --------------------------------------------------------------------------------- */

#ifdef __SANITIZE_THREAD__
#define SKIP_FORKED() SKIP("ThreadSanitizer begins no threads in a child of a process that has some")
#else
#define SKIP_FORKED() ((void)0)
#endif

enum before_exec { NOT_STARTED, RUNNING, STOPPED };

/* A child with an attached event, that executes something; its wait status. */
static int exec_with(struct perf_event_attr attr, enum before_exec state)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		int event = event_with(attr), map = counters(), prog = counting_prog(map);

		fcntl(event, F_SETFD, 0);
		if (attach(prog, event) < 0)
			_exit(9);
		if (state != NOT_STARTED) {
			event_start(event);
			burn_until(map, 3);
		}
		if (state == STOPPED)
			event_stop(event);
		execl("/bin/sh", "sh", "-c", "i=0; while [ $i -lt 10000 ]; do i=$((i+1)); done", NULL);
		_exit(8);
	}
	EXPECT_EQ(waitpid(pid, &status, 0), pid);
	return status;
}

TEST(perf_event, that_is_to_begin_with_an_exec_does_not_reach_the_program_executed)
{
	SKIP_FORKED();
	close(EVENT_OR_SKIP(0));
	EXPECT_EQ(exec_with((struct perf_event_attr){ OF_CLOCK(TASK_CLOCK, 50000),
						      .exclude_kernel = 1, .enable_on_exec = 1 },
			    NOT_STARTED), 0);
}

TEST(perf_event, that_counts_when_its_thread_executes_ends_with_it)
{
	SKIP_FORKED();
	close(EVENT_OR_SKIP(0));
	EXPECT_EQ(exec_with((struct perf_event_attr){ OF_CLOCK(CPU_CLOCK, 50000),
						      .exclude_kernel = 1 }, RUNNING), 0);
}

/* Or the signal of a sample in execve(2) itself would end the program executed. */
TEST(perf_event, that_counts_in_the_kernel_too_is_stopped_before_an_exec)
{
	int event;

	SKIP_FORKED();
	close(EVENT_OR_SKIP(0));
	event = event_with((struct perf_event_attr){ OF_CLOCK(CPU_CLOCK, 50000) });
	if (event < 0)
		SKIP("perf_event_open(2) with the kernel's part: %s", strerror(-event));
	close(event);
	EXPECT_EQ(exec_with((struct perf_event_attr){ OF_CLOCK(CPU_CLOCK, 50000) }, STOPPED), 0);
}

/* --- many --------------------------------------------------------------------------------- */

#define NR_EVENTS 8

struct one {
	int event, map, prog, link;
};

static void make_one(struct one *one, int tid, u64 period_ns)
{
	one->event = clock_event(tid, period_ns);
	one->map = counters();
	one->prog = counting_prog(one->map);
	one->link = attach(one->prog, one->event);
	EXPECT_TRUE(one->link >= 0);
	event_start(one->event);
}

static void drop_one(struct one *one)
{
	EXPECT_EQ(rove_bpf_close(one->link), 0);
	close(one->event);
	EXPECT_EQ(rove_bpf_close(one->prog), 0);
	EXPECT_EQ(rove_bpf_close(one->map), 0);
}

TEST(perf_event, several_of_one_thread_run_their_own_programs)
{
	struct one all[NR_EVENTS];

	close(EVENT_OR_SKIP(0));
	for (int i = 0; i < NR_EVENTS; i++)
		make_one(&all[i], 0, (i + 4) * PERIOD_NS);
	for (int i = 0; i < NR_EVENTS; i++)
		while (count_of(all[i].map) < 5)
			;
	/* One that goes does not take the others along. */
	drop_one(&all[0]);
	for (int i = 1; i < NR_EVENTS; i++)
		burn_until(all[i].map, 3);
	for (int i = 1; i < NR_EVENTS; i++)
		drop_one(&all[i]);
}

static pthread_barrier_t ready;
static bool stop;

static void *burn(void *arg)
{
	*(int *)arg = gettid();
	pthread_barrier_wait(&ready);
	while (!READ_ONCE(stop))
		close(-1);
	return NULL;
}

TEST(perf_event, one_of_each_thread_runs_there)
{
	pthread_t threads[NR_EVENTS];
	struct one all[NR_EVENTS];
	int tids[NR_EVENTS];

	close(EVENT_OR_SKIP(0));
	pthread_barrier_init(&ready, NULL, NR_EVENTS + 1);
	for (int i = 0; i < NR_EVENTS; i++)
		EXPECT_EQ(pthread_create(&threads[i], NULL, burn, &tids[i]), 0);
	pthread_barrier_wait(&ready);
	for (int i = 0; i < NR_EVENTS; i++)
		make_one(&all[i], tids[i], PERIOD_NS);
	for (int i = 0; i < NR_EVENTS; i++)
		while (count_of(all[i].map) < 5)
			;
	WRITE_ONCE(stop, true);
	for (int i = 0; i < NR_EVENTS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < NR_EVENTS; i++)
		drop_one(&all[i]);
}
