/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bench/timer.c - timers and works beside what a C programmer would use instead
 *
 *	arm + cancel		one timer that never fires, alone and among 1,000
 *	lateness		1,000 timers of 1 ms, all at once
 *	a million		armed, cancelled, fired: each
 *	in a signal handler	arm + cancel, and having a function called
 *
 * The event loops' timers belong to one thread and may not be touched in a handler, so they
 * are missing there.  Every peer runs in a child process of its own.
 *
 *	-m NR	timers in place of a million
 */
#include <dlfcn.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>

#include <rove/irq_work.h>

#include "base/atomic.h"
#include "base/futex.h"
#include "base/thread.h"
#include "bench/stats.h"
#include "bench/timer/own.h"

#define NR_LATE 1000
#define NR_PAIRS 20000
#define FAR_NS (3600 * NSEC_PER_SEC)
#define MAX_PEERS 8

enum { ONE, AMONG_1000, LATE_P50, LATE_P99, ARM_MANY, CANCEL_MANY, FIRE_MANY, NR_FIGURES };

static const char *const figure_names[NR_FIGURES] = {
	[ONE] = "arm+cancel, ns", [AMONG_1000] = "among 1000, ns",
	[LATE_P50] = "late p50, us", [LATE_P99] = "late p99, us",
	[ARM_MANY] = "arm, ns", [CANCEL_MANY] = "cancel, ns", [FIRE_MANY] = "fire, cpu ns",
};

static const struct timer_peer *peers[MAX_PEERS];
static u32 nr_peers, nr_many = 1000000;

static u64 *due_ns;
static double *late_us;
static u32 nr_late;

static void note_lateness(u32 i)
{
	if (nr_late < NR_LATE)
		late_us[nr_late++] = ((double)clock_mono_ns() - (double)due_ns[i]) / 1e3;
}

static void ignore(u32 i)
{
}

static double pair_ns(const struct timer_peer *peer, u32 among)
{
	u64 start_ns;

	if (peer->init(among + 1, ignore))
		return -1;
	for (u32 i = 1; i <= among; i++)
		peer->arm(i, FAR_NS - i);
	start_ns = clock_mono_ns();
	for (u32 n = 0; n < NR_PAIRS; n++) {
		peer->arm(0, FAR_NS);
		peer->disarm(0);
	}
	start_ns = clock_mono_ns() - start_ns;
	peer->fini();
	return (double)start_ns / NR_PAIRS;
}

static void lateness(const struct timer_peer *peer, double *figures)
{
	if (peer->init(NR_LATE, note_lateness))
		return;
	nr_late = 0;
	for (u32 i = 0; i < NR_LATE; i++) {
		due_ns[i] = clock_mono_ns() + NSEC_PER_MSEC;
		peer->arm(i, NSEC_PER_MSEC);
	}
	peer->wait(NR_LATE);
	peer->fini();
	qsort(late_us, nr_late, sizeof(double), bench_compare);
	figures[LATE_P50] = late_us[nr_late / 2];
	figures[LATE_P99] = late_us[nr_late * 99 / 100];
}

static u64 cpu_ns(void)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	return (r.ru_utime.tv_sec + r.ru_stime.tv_sec) * NSEC_PER_SEC +
	       (r.ru_utime.tv_usec + r.ru_stime.tv_usec) * NSEC_PER_USEC;
}

static u64 spread(u32 i)
{
	return i * 2654435761u % 1000 * NSEC_PER_MSEC;
}

static void many(const struct timer_peer *peer, double *figures)
{
	u64 start_ns;

	if ((peer->max_timers && peer->max_timers < nr_many) || peer->init(nr_many, ignore))
		return;
	start_ns = clock_mono_ns();
	for (u32 i = 0; i < nr_many; i++)
		peer->arm(i, FAR_NS + spread(i));
	figures[ARM_MANY] = (double)(clock_mono_ns() - start_ns) / nr_many;
	start_ns = clock_mono_ns();
	for (u32 i = 0; i < nr_many; i++)
		peer->disarm(i);
	figures[CANCEL_MANY] = (double)(clock_mono_ns() - start_ns) / nr_many;
	start_ns = cpu_ns();
	for (u32 i = 0; i < nr_many; i++)
		peer->arm(i, NSEC_PER_SEC / 5 + spread(i));
	peer->wait(nr_many);
	figures[FIRE_MANY] = (double)(cpu_ns() - start_ns) / nr_many;
	peer->fini();
}

/* All figures of one peer, in a child: what it leaves behind disturbs nobody. */
static void measure(const struct timer_peer *peer, bool with_many, double *figures)
{
	int status;
	pid_t pid;

	for (u32 f = 0; f < NR_FIGURES; f++)
		figures[f] = -1;
	fflush(NULL);
	pid = fork();
	if (!pid) {
		figures[ONE] = pair_ns(peer, 0);
		figures[AMONG_1000] = pair_ns(peer, 1000);
		lateness(peer, figures);
		if (with_many)
			many(peer, figures);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		fprintf(stderr, "%s: ended badly (status %d)\n", peer->name, status);
}

static void find_peers(const char *program)
{
	static const char *const files[][2] = {
		{ "timer_uv", "libuv" }, { "timer_ev", "libev" }, { "timer_event", "libevent" },
	};
	const char *slash = strrchr(program, '/');
	int dir = slash ? slash - program : 1;

	peers[nr_peers++] = &rove_absolute_peer;
	peers[nr_peers++] = &rove_relative_peer;
	peers[nr_peers++] = &rove_waiting_peer;
	peers[nr_peers++] = &rove_lax_peer;
	peers[nr_peers++] = &timerfd_peer;
	for (u32 i = 0; i < ARRAY_SIZE(files); i++) {
		char path[256];
		void *lib;

		snprintf(path, sizeof(path), "%.*s/peers/%s.so", dir, slash ? program : ".", files[i][0]);
		lib = dlopen(path, RTLD_NOW | RTLD_LOCAL);
		if (lib)
			peers[nr_peers++] = dlsym(lib, TIMER_PEER_SYMBOL);
		else
			printf("not here: %s\n", files[i][1]);
	}
}

static struct bench_case cases[NR_FIGURES][MAX_PEERS];

static void compare_peers(const struct bench_options *opts)
{
	double *figures = mmap(NULL, NR_FIGURES * sizeof(double), PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	due_ns = calloc(NR_LATE, sizeof(*due_ns));
	late_us = calloc(NR_LATE, sizeof(*late_us));
	for (u32 round = 0; round < opts->rounds; round++) {
		for (u32 p = 0; p < nr_peers; p++) {
			measure(peers[p], round < 3, figures);
			for (u32 f = 0; f < NR_FIGURES; f++) {
				struct bench_case *c = &cases[f][p];

				c->name = peers[p]->name;
				if (figures[f] >= 0)
					c->samples[c->nr++] = figures[f];
			}
		}
	}
	for (u32 f = 0; f < NR_FIGURES; f++) {
		printf("%s%-30s %12s   %-24s %s\n", f == ARM_MANY ? "with very many armed\n" : "",
		       figure_names[f], "median", "min .. max", "of rove");
		for (u32 p = 0; p < nr_peers; p++) {
			struct bench_case *c = &cases[f][p];

			qsort(c->samples, c->nr, sizeof(double), bench_compare);
			if (!c->nr) {
				printf("  %-28s %12s\n", c->name, "-");
				continue;
			}
			printf("  %-28s %12.1f   %8.1f .. %-12.1f %6.2f x\n", c->name, bench_median(c),
			       c->samples[0], c->samples[c->nr - 1],
			       bench_median(c) / bench_median(&cases[f][0]));
		}
		bench_json(opts, figure_names[f], strstr(figure_names[f], "us") ? "us" : "ns", cases[f],
			   nr_peers);
	}
}

/* --- in a signal handler ---------------------------------------------------------------------- */

static struct rove_hrtimer handler_timer;
static timer_t posix_timer;
static int timer_fd;
static void (*handler_body)(void);
static u64 handler_ns;

static void handler(int sig)
{
	u64 start_ns = clock_mono_ns();

	handler_body();
	handler_ns = clock_mono_ns() - start_ns;
}

#define HANDLER_PAIRS 100

static void rove_pairs(void)
{
	for (u32 i = 0; i < HANDLER_PAIRS; i++) {
		rove_hrtimer_start(&handler_timer, FAR_NS, ROVE_HRTIMER_REL);
		rove_hrtimer_try_to_cancel(&handler_timer);
	}
}

static const struct itimerspec far = { .it_value.tv_sec = 3600 }, off;

static void timerfd_pairs(void)
{
	for (u32 i = 0; i < HANDLER_PAIRS; i++) {
		timerfd_settime(timer_fd, 0, &far, NULL);
		timerfd_settime(timer_fd, 0, &off, NULL);
	}
}

static void posix_pairs(void)
{
	for (u32 i = 0; i < HANDLER_PAIRS; i++) {
		timer_settime(posix_timer, 0, &far, NULL);
		timer_settime(posix_timer, 0, &off, NULL);
	}
}

static double in_handler(void *body)
{
	handler_body = body;
	raise(SIGUSR1);
	return handler_ns;
}

/* --- having a function called ------------------------------------------------------------------ */

static struct {
	u64 asked_ns, ran_ns;
	u32 ran, futex, stop;
	sem_t sem;
	int eventfd;
} call;

static void ran(void)
{
	call.ran_ns = clock_mono_ns();
	store_release(&call.ran, 1);
}

static void work_fn(struct rove_irq_work *work)
{
	ran();
}

static struct rove_irq_work work = ROVE_IRQ_WORK_INIT(work_fn);

static void ask_work(void)
{
	rove_irq_work_queue(&work);
}

static void ask_sem(void)
{
	sem_post(&call.sem);
}

static void ask_eventfd(void)
{
	u64 one = 1;
	ssize_t ignored = write(call.eventfd, &one, sizeof(one));

	(void)ignored;
}

static void ask_futex(void)
{
	store_release(&call.futex, 1);
	futex_wake(&call.futex, 1);
}

static void *sem_waiter(void *arg)
{
	for (;;) {
		sem_wait(&call.sem);
		ran();
	}
	return NULL;
}

static void *eventfd_waiter(void *arg)
{
	for (u64 count; read(call.eventfd, &count, sizeof(count)) > 0;)
		ran();
	return NULL;
}

static void *futex_waiter(void *arg)
{
	for (;;) {
		while (!xchg_acquire(&call.futex, 0))
			futex_wait(&call.futex, 0, FUTEX_FOREVER);
		ran();
	}
	return NULL;
}

static void handler_asks(void)
{
	call.asked_ns = clock_mono_ns();
	((void (*)(void))handler_body)();
}

static void ask_handler(int sig)
{
	handler_asks();
}

/* Until it runs; the thread sleeps before.  Each sample is a median, because one is noisy. */
static double until_it_runs(void *ask)
{
	double us[51];

	handler_body = ask;
	for (u32 i = 0; i < ARRAY_SIZE(us); i++) {
		usleep(200);
		WRITE_ONCE(call.ran, 0);
		raise(SIGUSR2);
		while (!load_acquire(&call.ran))
			cpu_relax();
		us[i] = call.ran_ns - call.asked_ns;
	}
	qsort(us, ARRAY_SIZE(us), sizeof(double), bench_compare);
	return us[ARRAY_SIZE(us) / 2];
}

static struct bench_case handler_pairs[] = {
	{ "rove hrtimer", in_handler, rove_pairs, HANDLER_PAIRS },
	{ "timerfd_settime", in_handler, timerfd_pairs, HANDLER_PAIRS },
	{ "timer_settime", in_handler, posix_pairs, HANDLER_PAIRS },
};

static struct bench_case handler_calls[] = {
	{ "rove irq_work", until_it_runs, ask_work },
	{ "futex", until_it_runs, ask_futex },
	{ "sem_post", until_it_runs, ask_sem },
	{ "eventfd", until_it_runs, ask_eventfd },
};

static void print_table(const char *title, const struct bench_case *c, u32 nr)
{
	printf("%-30s %12s   %-24s %s\n", title, "median", "min .. max", "of rove");
	for (u32 i = 0; i < nr; i++)
		printf("  %-28s %12.1f   %8.1f .. %-12.1f %6.2f x\n", c[i].name, bench_median(&c[i]),
		       c[i].samples[0], c[i].samples[c[i].nr - 1], bench_median(&c[i]) / bench_median(c));
}

static enum rove_hrtimer_restart never_called(struct rove_hrtimer *timer)
{
	return ROVE_HRTIMER_NORESTART;
}

static void compare_in_handler(const struct bench_options *opts)
{
	struct sigaction pairs = { .sa_handler = handler }, asks = { .sa_handler = ask_handler };
	struct sigevent none = { .sigev_notify = SIGEV_NONE };
	pthread_t threads[3];

	rove_softirq_start();
	rove_hrtimer_init(&handler_timer, CLOCK_MONOTONIC, never_called);
	/* Armed once, so that its place is known to the thread: as after the first of many pairs. */
	rove_hrtimer_start(&handler_timer, FAR_NS, ROVE_HRTIMER_REL);
	usleep(10000);
	timer_create(CLOCK_MONOTONIC, &none, &posix_timer);
	timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	sigaction(SIGUSR1, &pairs, NULL);
	sigaction(SIGUSR2, &asks, NULL);
	sem_init(&call.sem, 0, 0);
	call.eventfd = eventfd(0, EFD_CLOEXEC);
	if (thread_create("sem", sem_waiter, NULL, &threads[0]) ||
	    thread_create("eventfd", eventfd_waiter, NULL, &threads[1]) ||
	    thread_create("futex", futex_waiter, NULL, &threads[2]))
		return;
	bench_run(handler_pairs, ARRAY_SIZE(handler_pairs), opts->rounds);
	bench_run(handler_calls, ARRAY_SIZE(handler_calls), opts->rounds);
	print_table("in a handler: arm+cancel, ns", handler_pairs, ARRAY_SIZE(handler_pairs));
	print_table("from a handler until it runs, ns", handler_calls, ARRAY_SIZE(handler_calls));
	bench_json(opts, "timer-in-handler", "ns", handler_pairs, ARRAY_SIZE(handler_pairs));
	bench_json(opts, "call-from-handler", "ns", handler_calls, ARRAY_SIZE(handler_calls));
}

int main(int argc, char **argv)
{
	struct bench_options opts = { .rounds = 7 };

	while (bench_getopt(argc, argv, "m:", &opts) != -1)
		nr_many = strtoul(optarg, NULL, 10);
	setvbuf(stdout, NULL, _IOLBF, 0);
	find_peers(argv[0]);
	compare_peers(&opts);
	compare_in_handler(&opts);
	return 0;
}
