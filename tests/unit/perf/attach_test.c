/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Programs on perf events: attaching, which thread, which signal, and the end.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/test.h"
#include "tests/unit/perf/other.h"
#include "tests/unit/perf/perf.h"

static int counters(void)
{
	int map = map_new(BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0);

	EXPECT_TRUE(map >= 0);
	return map;
}

static int link_type_of(int link)
{
	struct bpf_link_info info = { 0 };

	EXPECT_EQ(BPF(BPF_OBJ_GET_INFO_BY_FD,
		      .info = { .bpf_fd = link, .info_len = sizeof(info), .info = PTR(&info) }), 0);
	return info.type;
}

TEST(perf, a_program_runs_for_each_sample_until_its_link_is_closed)
{
	int event = EVENT_OR_SKIP(0), map = counters(), prog = counting_prog(map);
	int link = attach(prog, event);
	u64 at_end;

	EXPECT_TRUE(link >= 0);
	EXPECT_EQ(link_type_of(link), BPF_LINK_TYPE_PERF_EVENT);
	event_start(event);
	burn_until(map, 20);
	EXPECT_EQ(rove_bpf_close(link), 0);
	at_end = count_of(map);
	for (volatile long i = 0; i < 50000000; i++)
		;
	EXPECT_EQ(count_of(map), at_end);
	/* And again, on the same event. */
	link = attach(prog, event);
	EXPECT_TRUE(link >= 0);
	burn_until(map, 5);
	EXPECT_EQ(rove_bpf_close(link), 0);
	close(event);
	EXPECT_EQ(rove_bpf_close(prog), 0);
	EXPECT_EQ(rove_bpf_close(map), 0);
}

TEST(perf, an_attached_event_outlives_its_descriptor)
{
	int event = EVENT_OR_SKIP(0), map = counters(), prog = counting_prog(map);
	int link = attach(prog, event);

	event_start(event);
	close(event);
	burn_until(map, 3);
	EXPECT_EQ(rove_bpf_close(prog), 0);
	burn_until(map, 3);
	EXPECT_EQ(rove_bpf_close(link), 0);
	EXPECT_EQ(count_ids(BPF_PROG_GET_NEXT_ID), 0);
	EXPECT_EQ(rove_bpf_close(map), 0);
}

TEST(perf, what_cannot_be_attached_is_refused_as_by_the_kernel)
{
	const struct bpf_insn nothing[] = { MOV_K(0, 0), EXIT() };
	int event = EVENT_OR_SKIP(0), map = counters(), prog = counting_prog(map), link;
	int tracepoint = prog_new(BPF_PROG_TYPE_TRACEPOINT, nothing, 2);
	int null = open("/dev/null", O_RDWR);

	/* This is how libbpf finds out that there are links of events. */
	EXPECT_EQ(attach(tracepoint, -1), -EBADF);
	EXPECT_EQ(attach(prog, -1), -EBADF);
	EXPECT_EQ(attach(prog, null), -EBADF);
	EXPECT_EQ(attach(tracepoint, event), -EINVAL);
	EXPECT_EQ(attach(map, event), -EINVAL);
	EXPECT_EQ(BPF(BPF_LINK_CREATE, .link_create = { .prog_fd = prog, .target_fd = event,
							.attach_type = BPF_PERF_EVENT,
							.flags = 1 }), -EINVAL);
	EXPECT_EQ(BPF(BPF_LINK_CREATE, .link_create = { .prog_fd = prog, .target_fd = event,
							.attach_type = BPF_TRACE_ITER }), -EINVAL);
	link = attach(prog, event);
	EXPECT_TRUE(link >= 0);
	EXPECT_EQ(attach(prog, event), -EEXIST);
	EXPECT_EQ(BPF(BPF_LINK_UPDATE, .link_update = { .link_fd = link, .new_prog_fd = prog }),
		  -EINVAL);
	EXPECT_EQ(BPF(BPF_LINK_DETACH, .link_detach = { .link_fd = link }), -EOPNOTSUPP);
	EXPECT_EQ(BPF(BPF_ITER_CREATE, .iter_create = { .link_fd = link }), -EINVAL);
	EXPECT_EQ(rove_bpf_close(link), 0);
	close(null);
	close(event);
	EXPECT_EQ(rove_bpf_close(tracepoint), 0);
	EXPECT_EQ(rove_bpf_close(prog), 0);
	EXPECT_EQ(rove_bpf_close(map), 0);
}

static int event_with(struct perf_event_attr attr, int tid, int cpu, int group)
{
	attr.type = PERF_TYPE_SOFTWARE;
	attr.config = PERF_COUNT_SW_TASK_CLOCK;
	attr.size = sizeof(attr);
	if (!attr.freq)
		attr.sample_period = PERIOD_NS;
	else
		attr.sample_freq = 5000;
	attr.exclude_kernel = 1;
	attr.exclude_hv = 1;
	return syscall(SYS_perf_event_open, &attr, tid, cpu, group, PERF_FLAG_FD_CLOEXEC);
}

TEST(perf, events_that_are_not_of_one_thread_are_refused)
{
	int event = EVENT_OR_SKIP(0), map = counters(), prog = counting_prog(map);
	int inherited = event_with((struct perf_event_attr){ .inherit = 1 }, 0, -1, -1);
	int member = event_with((struct perf_event_attr){ .inherit = 0 }, 0, -1, event);
	int of_cpu = event_with((struct perf_event_attr){ .inherit = 0 }, -1, 0, -1);
	int other = event_with((struct perf_event_attr){ .inherit = 0 }, getppid(), -1, -1);

	EXPECT_EQ(attach(prog, inherited), -EOPNOTSUPP);
	EXPECT_EQ(attach(prog, member), -EOPNOTSUPP);
	if (of_cpu >= 0)
		EXPECT_EQ(attach(prog, of_cpu), -EOPNOTSUPP);
	if (other >= 0)
		EXPECT_EQ(attach(prog, other), -EOPNOTSUPP);
	close(inherited);
	close(member);
	close(of_cpu);
	close(other);
	close(event);
	EXPECT_EQ(rove_bpf_close(prog), 0);
	EXPECT_EQ(rove_bpf_close(map), 0);
}

TEST(perf, events_of_other_clocks_and_formats_can_be_attached)
{
	int event = EVENT_OR_SKIP(0), map = counters(), prog = counting_prog(map), link;
	struct perf_event_attr attrs[] = {
		{ .use_clockid = 1, .clockid = CLOCK_MONOTONIC },
		{ .use_clockid = 1, .clockid = CLOCK_BOOTTIME },
		{ .read_format = PERF_FORMAT_TOTAL_TIME_ENABLED },
		{ .sample_type = PERF_SAMPLE_IP | PERF_SAMPLE_CALLCHAIN },
		{ .freq = 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(attrs); i++) {
		int fd = event_with(attrs[i], 0, -1, -1);

		EXPECT_TRUE(fd >= 0);
		link = attach(prog, fd);
		EXPECT_TRUE(link >= 0);
		burn_until(map, 3);
		EXPECT_EQ(rove_bpf_close(link), 0);
		close(fd);
	}
	close(event);
	EXPECT_EQ(rove_bpf_close(prog), 0);
	EXPECT_EQ(rove_bpf_close(map), 0);
}

/* --- another thread's event --------------------------------------------------------------- */

/* Counts samples of the thread whose id is value 1 in value 0, others in value 2. */
static int who_prog(int map)
{
	const struct bpf_insn insns[] = {
		CALL(BPF_FUNC_get_current_pid_tgid),
		LD_MAP_VALUE(1, map, 0),
		LDX(BPF_W, 2, 1, 8),
		MOV_K(3, 1),
		INSN(BPF_JMP32 | BPF_JEQ | BPF_X, 0, 2, 2, 0),
		INSN(BPF_STX | BPF_ATOMIC | BPF_DW, 1, 3, 16, BPF_ADD),
		INSN(BPF_JMP | BPF_JA, 0, 0, 1, 0),
		INSN(BPF_STX | BPF_ATOMIC | BPF_DW, 1, 3, 0, BPF_ADD),
		MOV_K(0, 0),
		EXIT(),
	};

	return PERF_PROG(insns);
}

TEST(perf, a_program_runs_on_the_thread_that_is_sampled_whoever_attached_it)
{
	int map_one, prog, link, event = EVENT_OR_SKIP(0);
	struct other other;
	u64 values[4] = { 0 };
	u32 key = 0;

	close(event);
	other_start(&other);
	values[1] = other.tid;
	map_one = map_new(BPF_MAP_TYPE_ARRAY, 4, sizeof(values), 1, 0);
	EXPECT_EQ(map_update(map_one, &key, values, BPF_ANY), 0);
	prog = who_prog(map_one);
	EXPECT_TRUE(prog >= 0);
	event = clock_event(other.tid, PERIOD_NS);
	link = attach(prog, event);
	EXPECT_TRUE(link >= 0);
	event_start(event);
	while (values[0] < 10)
		EXPECT_EQ(map_lookup(map_one, &key, values), 0);
	EXPECT_EQ(values[2], 0);
	/* The thread ends first, then its event. */
	other_stop(&other);
	EXPECT_EQ(rove_bpf_close(link), 0);
	close(event);
	EXPECT_EQ(rove_bpf_close(prog), 0);
	EXPECT_EQ(rove_bpf_close(map_one), 0);
}

static const volatile u64 *seen;
static u64 seen_at_end[2];

static void use_the_processor(void)
{
	for (volatile long i = 0; i < 20000000; i++)
		;
}

/* After liburcu's destructor, whose key was made before. */
static void note_the_end(void *arg)
{
	seen_at_end[0] = *seen;
	use_the_processor();
	seen_at_end[1] = *seen;
}

static void *burn_and_end(void *arg)
{
	int event = clock_event(0, PERIOD_NS), prog = *(int *)arg, link = attach(prog, event);
	pthread_key_t key;

	EXPECT_TRUE(link >= 0);
	EXPECT_EQ(pthread_key_create(&key, note_the_end), 0);
	EXPECT_EQ(pthread_setspecific(key, arg), 0);
	event_start(event);
	while (*seen < 3)
		close(-1);
	*(int *)arg = link;
	return NULL;
}

/* Where it may hold liburcu's lock. */
TEST(perf, a_thread_that_is_ending_has_no_samples_any_more)
{
	int map, prog, arg;
	pthread_t thread;
	void *addr;

	close(EVENT_OR_SKIP(0));
	map = map_new(BPF_MAP_TYPE_ARRAY, 4, 8, 1, BPF_F_MMAPABLE);
	EXPECT_EQ(rove_bpf_mmap(map, 4096, PROT_READ, MAP_SHARED, 0, &addr), 0);
	seen = addr;
	arg = prog = counting_prog(map);
	EXPECT_EQ(pthread_create(&thread, NULL, burn_and_end, &arg), 0);
	pthread_join(thread, NULL);
	EXPECT_TRUE(seen_at_end[0] >= 3);
	EXPECT_EQ(seen_at_end[0], seen_at_end[1]);
	EXPECT_EQ(rove_bpf_close(arg), 0);
	EXPECT_EQ(rove_bpf_close(prog), 0);
	EXPECT_EQ(munmap(addr, 4096), 0);
	EXPECT_EQ(rove_bpf_close(map), 0);
}

/* --- the application's own ---------------------------------------------------------------- */

TEST(perf, errno_is_what_it_was)
{
	int event = EVENT_OR_SKIP(0), map = counters(), prog = counting_prog(map);
	int link = attach(prog, event);

	event_start(event);
	errno = 77;
	for (volatile long i = 0; i < 20000000; i++)
		;
	EXPECT_EQ(errno, 77);
	event_stop(event);
	EXPECT_TRUE(count_of(map) > 0);
	EXPECT_EQ(rove_bpf_close(link), 0);
	close(event);
	EXPECT_EQ(rove_bpf_close(prog), 0);
	EXPECT_EQ(rove_bpf_close(map), 0);
}

static volatile sig_atomic_t nr_own;

static void own_handler(int number, siginfo_t *info, void *uctx)
{
	nr_own++;
}

TEST(perf, an_event_whose_signals_the_application_takes_is_left_to_it)
{
	int event = EVENT_OR_SKIP(0), map = counters(), prog = counting_prog(map);
	struct f_owner_ex owner = { F_OWNER_TID, gettid() };
	struct sigaction own = { .sa_sigaction = own_handler, .sa_flags = SA_SIGINFO }, was;

	EXPECT_EQ(sigaction(SIGUSR2, &own, &was), 0);
	EXPECT_EQ(fcntl(event, F_SETSIG, SIGUSR2), 0);
	EXPECT_EQ(fcntl(event, F_SETOWN_EX, &owner), 0);
	EXPECT_EQ(fcntl(event, F_SETFL, O_ASYNC), 0);
	EXPECT_EQ(attach(prog, event), -EBUSY);
	event_start(event);
	while (!nr_own)
		close(-1);
	EXPECT_EQ(count_of(map), 0);
	close(event);
	sigaction(SIGUSR2, &was, NULL);
	EXPECT_EQ(rove_bpf_close(prog), 0);
	EXPECT_EQ(rove_bpf_close(map), 0);
}

TEST(perf, the_signal_is_one_that_the_application_does_not_use)
{
	int event = EVENT_OR_SKIP(0), map = counters(), prog = counting_prog(map), link;
	struct sigaction own = { .sa_sigaction = own_handler, .sa_flags = SA_SIGINFO };
	struct sigaction by_default = { .sa_handler = SIG_DFL };
	int first, second, nr_before = nr_own;

	link = attach(prog, event);
	EXPECT_EQ(rove_bpf_close(link), 0);
	first = rove_bpf_sample_signal(0);
	EXPECT_TRUE(first >= SIGRTMIN && first <= SIGRTMAX);
	EXPECT_EQ(rove_bpf_sample_signal(SIGUSR1), -EINVAL);
	/* The application takes it: what is attached from now on uses another. */
	EXPECT_EQ(sigaction(first, &own, NULL), 0);
	link = attach(prog, event);
	EXPECT_TRUE(link >= 0);
	second = rove_bpf_sample_signal(0);
	EXPECT_NE(second, first);
	EXPECT_EQ(rove_bpf_sample_signal(first), -EBUSY);
	event_start(event);
	burn_until(map, 3);
	EXPECT_EQ(nr_own, nr_before);
	EXPECT_EQ(rove_bpf_close(link), 0);
	EXPECT_EQ(sigaction(first, &by_default, NULL), 0);
	EXPECT_EQ(rove_bpf_sample_signal(first), first);
	link = attach(prog, event);
	burn_until(map, 3);
	EXPECT_EQ(rove_bpf_close(link), 0);
	close(event);
	EXPECT_EQ(rove_bpf_close(prog), 0);
	EXPECT_EQ(rove_bpf_close(map), 0);
}

/* --- what a run needs --------------------------------------------------------------------- */

#define STACK_ENOUGH (256u << 10)
#define STACK_SMALL (16u << 10)

static void use_stack(size_t bytes)
{
	int event = clock_event(0, PERIOD_NS), map = counters(), prog = counting_prog(map);
	stack_t stack = { .ss_sp = malloc(bytes), .ss_size = bytes }, was;
	int link = attach(prog, event);

	EXPECT_EQ(sigaltstack(&stack, &was), 0);
	event_start(event);
	if (bytes == STACK_ENOUGH)
		burn_until(map, 5);
	else
		while (misses_of(prog) < 5)
			;
	event_stop(event);
	EXPECT_EQ(count_of(map) > 0, bytes == STACK_ENOUGH);
	EXPECT_EQ(rove_bpf_close(link), 0);
	EXPECT_EQ(sigaltstack(&was, NULL), 0);
	free(stack.ss_sp);
	close(event);
	EXPECT_EQ(rove_bpf_close(prog), 0);
	EXPECT_EQ(rove_bpf_close(map), 0);
}

TEST(perf, an_alternate_stack_is_used_and_one_too_small_means_a_miss)
{
	int event = EVENT_OR_SKIP(0);

	close(event);
	use_stack(STACK_ENOUGH);
#ifdef __SANITIZE_THREAD__
	SKIP("ThreadSanitizer runs handlers late, on the ordinary stack");
#endif
	use_stack(STACK_SMALL);
}

TEST(perf, samples_that_were_held_back_are_counted_as_missed)
{
	int event, map, prog, link;
	sigset_t set, was;

#ifdef __SANITIZE_THREAD__
	SKIP("ThreadSanitizer merges signals of one number");
#endif
	event = EVENT_OR_SKIP(0);
	map = counters();
	prog = counting_prog(map);
	link = attach(prog, event);
	sigemptyset(&set);
	sigaddset(&set, rove_bpf_sample_signal(0));
	EXPECT_EQ(pthread_sigmask(SIG_BLOCK, &set, &was), 0);
	event_start(event);
	for (volatile long i = 0; i < 50000000; i++)
		;
	event_stop(event);
	EXPECT_EQ(count_of(map), 0);
	EXPECT_EQ(pthread_sigmask(SIG_SETMASK, &was, NULL), 0);
	EXPECT_EQ(count_of(map), 1);
	EXPECT_TRUE(misses_of(prog) > 10);
	EXPECT_EQ(rove_bpf_close(link), 0);
	close(event);
	EXPECT_EQ(rove_bpf_close(prog), 0);
	EXPECT_EQ(rove_bpf_close(map), 0);
}

TEST(perf, an_event_that_leaves_its_thread_no_time_is_silenced)
{
	int event, map, prog, link;

#ifdef __SANITIZE_THREAD__
	SKIP("ThreadSanitizer takes the signals itself, and leaves the thread no time either");
#endif
	close(EVENT_OR_SKIP(0));
	map = counters();
	prog = counting_prog(map);
	event = clock_event(0, 1000);	/* the kernel makes it 10 us */
	link = attach(prog, event);
	event_start(event);
	/* Ends, whether the machine is fast enough for both or not. */
	for (volatile long i = 0; i < 20000000; i++)
		;
	EXPECT_TRUE(count_of(map) > 0);
	EXPECT_EQ(rove_bpf_close(link), 0);
	close(event);
	EXPECT_EQ(rove_bpf_close(prog), 0);
	EXPECT_EQ(rove_bpf_close(map), 0);
}

/* --- other processes ---------------------------------------------------------------------- */

TEST(perf, a_child_can_close_its_copy_of_a_link_and_the_parent_goes_on)
{
	int event = EVENT_OR_SKIP(0), map = counters(), prog = counting_prog(map);
	int link = attach(prog, event), status;
	pid_t pid;

	event_start(event);
	burn_until(map, 3);
	pid = fork();
	if (!pid) {
		rove_bpf_close(link);
		_exit(0);
	}
	EXPECT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT_EQ(status, 0);
	burn_until(map, 3);
	EXPECT_EQ(rove_bpf_close(link), 0);
	close(event);
	EXPECT_EQ(rove_bpf_close(prog), 0);
	EXPECT_EQ(rove_bpf_close(map), 0);
}

TEST(perf, an_exec_while_samples_arrive_ends_well)
{
	int event = EVENT_OR_SKIP(0), status;
	pid_t pid = fork();

	close(event);
	if (!pid) {
		int own = clock_event(0, 50000), map = counters(), prog = counting_prog(map);

		fcntl(own, F_SETFD, 0);
		if (attach(prog, own) < 0)
			_exit(9);
		event_start(own);
		burn_until(map, 3);
		execl("/bin/sh", "sh", "-c", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done",
		      NULL);
		_exit(8);
	}
	EXPECT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT_EQ(status, 0);
}
