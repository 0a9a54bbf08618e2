/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bench/async.c - bpf_timer's operations, beside a latched slot and the kernel's timers
 *
 * Start and cancel, from a thread and from a signal handler; by one writer and by
 * eight on one timer, in threads and in their handlers, where the latch refuses; how late a callback
 * comes; and the same calls by a BPF program, here and in the running kernel.
 *
 *	async [-n ROUNDS] [-j FILE]
 *
 * Not here: a verdict; rove_hrtimer by itself (bench/timer).
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/timerfd.h>
#include <time.h>

#include "base/futex.h"
#include "bench/async/prog.h"
#include "bench/latch.h"
#include "bench/stats.h"
#include "bpf/async/async.h"
#include "bpf/core/func.h"
#include "bpf/map/fields.h"
#include "bpf/map/rcu.h"

#define NR_OPS 20000
#define TURNS 20		/* of NR_OPS, by each of eight: long enough to meet */
#define TURNS_OF_CALLS 2	/* system calls are longer */
#define NR_WRITERS 8
#define NR_LATENCIES 300
#define FAR_NS (3600ull * 1000000000)

/* --- what is measured -------------------------------------------------------------------------- */

static struct async_field field;
static struct latch_timer latch;
static timer_t posix_timer;
static bool has_posix_timer;		/* a user's may be used up */
static int timer_fd;

static const struct itimerspec far_away = { .it_value.tv_sec = 3600 }, disarmed;

static void field_start(void)
{
	async_timer_start(&field, FAR_NS, 0);
}

static void field_cancel(void)
{
	async_timer_cancel_async(&field);
}

static u32 nr_refused;			/* A */

static void latch_start(void)
{
	if (latch_do(&latch, LATCH_START, FAR_NS))
		fetch_add_relaxed(&nr_refused, 1);
}

static void latch_cancel(void)
{
	if (latch_do(&latch, LATCH_CANCEL, 0))
		fetch_add_relaxed(&nr_refused, 1);
}

static void posix_start(void)
{
	timer_settime(posix_timer, 0, &far_away, NULL);
}

static void posix_cancel(void)
{
	timer_settime(posix_timer, 0, &disarmed, NULL);
}

static void timerfd_start(void)
{
	timerfd_settime(timer_fd, 0, &far_away, NULL);
}

static void timerfd_cancel(void)
{
	timerfd_settime(timer_fd, 0, &disarmed, NULL);
}

struct way {
	void (*start)(void), (*cancel)(void);
	u32 nr_turns;
};

static struct way ways[] = {
	{ field_start, field_cancel, TURNS }, { latch_start, latch_cancel, TURNS },
	{ posix_start, posix_cancel, TURNS_OF_CALLS },
	{ timerfd_start, timerfd_cancel, TURNS_OF_CALLS },
};
static const char *const way_names[] = {
	"bpf_timer", "latched slot", "timer_settime", "timerfd_settime",
};

static double start_and_cancel(void *arg)
{
	const struct way *way = arg;
	u64 begin = clock_mono_ns();

	for (u32 i = 0; i < NR_OPS / 2; i++) {
		way->start();
		way->cancel();
	}
	return clock_mono_ns() - begin;
}

/* --- in a signal handler ------------------------------------------------------------------------ */

static void *handler_way;		/* the same for all threads that are in handlers at a time */
static __thread double handler_ns;

static void handler(int sig)
{
	ctx_nmi_enter();
	handler_ns = start_and_cancel(handler_way);
	ctx_nmi_exit();
}

static double in_handler(void *arg)
{
	handler_way = arg;
	raise(SIGUSR1);
	return handler_ns;
}

/* --- eight writers ---------------------------------------------------------------------------------- */

static pthread_barrier_t ready;

static void *writer(void *arg)
{
	const struct way *way = arg;

	pthread_barrier_wait(&ready);
	for (u32 i = 0; i < way->nr_turns; i++)
		start_and_cancel(arg);
	return NULL;
}

static void *writer_in_handler(void *arg)
{
	const struct way *way = arg;

	pthread_barrier_wait(&ready);
	for (u32 i = 0; i < way->nr_turns; i++)
		in_handler(arg);
	return NULL;
}

static double run_eight(void *(*writer)(void *), void *arg)
{
	pthread_t threads[NR_WRITERS];
	u64 begin;

	pthread_barrier_init(&ready, NULL, NR_WRITERS + 1);
	for (u32 i = 0; i < NR_WRITERS; i++)
		if (pthread_create(&threads[i], NULL, writer, arg))
			exit(1);
	begin = clock_mono_ns();
	pthread_barrier_wait(&ready);
	for (u32 i = 0; i < NR_WRITERS; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&ready);
	return clock_mono_ns() - begin;
}

static double by_eight(void *arg)
{
	return run_eight(writer, arg);
}

static double by_eight_in_handlers(void *arg)
{
	return run_eight(writer_in_handler, arg);
}

/* --- how late a callback is ------------------------------------------------------------------------- */

static u32 nr_called;			/* A: a futex */
static u64 called_at;

static void tell(void)
{
	called_at = clock_mono_ns();
	fetch_add_release(&nr_called, 1);
	futex_wake(&nr_called, 1);
}

static u64 callback(const struct bpf_func *f, u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	tell();
	return 0;
}

static void start_now(int sig)
{
	ctx_nmi_enter();
	async_timer_start(&field, 0, 0);
	ctx_nmi_exit();
}

/* --- the kernel's timers have a thread that waits for them, too ----------------------------------- */

static const struct itimerspec at_once = { .it_value.tv_nsec = 1 };
static int latency_fd;

static void *wait_for_timerfd(void *arg)
{
	u64 expirations;

	while (read(latency_fd, &expirations, sizeof(expirations)) > 0)
		tell();
	return NULL;
}

static timer_t latency_timer;
static pthread_barrier_t waiting;

/* The timer is its own: the signal goes to this thread. */
static void *wait_for_signal(void *arg)
{
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGRTMIN };
	sigset_t set;
	bool *made = arg;

	event._sigev_un._tid = gettid();
	*made = !timer_create(CLOCK_MONOTONIC, &event, &latency_timer);
	pthread_barrier_wait(&waiting);
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	while (*made && sigwaitinfo(&set, NULL) == SIGRTMIN)
		tell();
	return NULL;
}

static void by_thread(void)
{
	async_timer_start(&field, 0, 0);
}

static void by_handler(void)
{
	raise(SIGUSR2);
}

static void by_timerfd(void)
{
	timerfd_settime(latency_fd, 0, &at_once, NULL);
}

static void by_posix(void)
{
	timer_settime(latency_timer, 0, &at_once, NULL);
}

/* From the moment before the start to the callback: the timer's thread has to be woken. */
static void measure_latency(void (*start)(void), double *late)
{
	for (u32 i = 0; i < NR_LATENCIES; i++) {
		struct timespec pause = { .tv_nsec = 200000 };
		u32 before = load_acquire(&nr_called);
		u64 begin;

		nanosleep(&pause, NULL);
		begin = clock_mono_ns();
		start();
		while (load_acquire(&nr_called) == before)
			futex_wait(&nr_called, before, FUTEX_FOREVER);
		late[i] = called_at - begin;
	}
	qsort(late, NR_LATENCIES, sizeof(*late), bench_compare);
}

/* --- setting up --------------------------------------------------------------------------------------- */

static enum rove_hrtimer_restart do_nothing(struct rove_hrtimer *timer)
{
	return ROVE_HRTIMER_NORESTART;
}

static void put_never(struct object *obj)
{
}

static const void *key_of_none(struct bpf_map *map, const void *value, u32 *room)
{
	return NULL;
}

/* As much of a map and a program as a timer looks at. */
static void make_field(void)
{
	static const struct object_ops prog_ops = { .kind = OBJECT_PROG, .put_later = put_never };
	static struct object prog = { .ops = &prog_ops, .refs = REFCOUNT_INIT(1) };
	static const struct bpf_func func = { .call = callback, .prog = &prog };
	static const struct map_ops ops = { .key_of = key_of_none };
	static struct bpf_map map = {
		.obj.opened = true,
		.ops = &ops,
		.spec.fields = { .nr = 1, .at = { { .kind = BTF_FIELD_TIMER } } },
	};

	if (async_prepare() || async_timer_init(&map, &field, CLOCK_MONOTONIC) ||
	    async_set_callback(&field, &func)) {
		fprintf(stderr, "async: no timer\n");
		exit(1);
	}
}

static void make_others(void)
{
	struct sigevent none = { .sigev_notify = SIGEV_NONE };
	struct sigaction loop = { .sa_handler = handler }, now = { .sa_handler = start_now };

	latch_init(&latch, do_nothing);
	timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	has_posix_timer = !timer_create(CLOCK_MONOTONIC, &none, &posix_timer);
	if (!has_posix_timer)
		printf("  timer_settime: SKIP timer_create: %s\n", strerror(errno));
	if (timer_fd < 0) {
		perror("async: timerfd_create");
		exit(1);
	}
	sigaction(SIGUSR1, &loop, NULL);
	sigaction(SIGUSR2, &now, NULL);
}

static bool is_there(u32 way)
{
	return ways[way].start != posix_start || has_posix_timer;
}

/* A refusal is quick, so what counts is the time for each operation that was not refused. */
static void print_refused(const struct bench_case *latched, u32 nr)
{
	printf("  refused: bpf_timer 0 of %u, latched slot %u", nr, nr_refused);
	if (nr_refused && nr_refused < nr)
		printf(": %.1f ns for each that was done",
		       bench_median(latched) * nr / (nr - nr_refused));
	printf("\n");
}

static void print_cases(const struct bench_options *opts, const char *what, const char *name,
			double (*once)(void *), bool many)
{
	const u32 nr_ways = ARRAY_SIZE(ways);
	struct bench_case cases[ARRAY_SIZE(ways)];

	memset(cases, 0, sizeof(cases));
	for (u32 i = 0; i < nr_ways; i++)
		cases[i] = (struct bench_case){ .name = way_names[i], .once = is_there(i) ? once : NULL,
						.arg = &ways[i],
						.per = many ? ways[i].nr_turns * NR_OPS * NR_WRITERS :
						       NR_OPS };
	nr_refused = 0;
	bench_run(cases, nr_ways, opts->rounds);
	printf("%s\n", what);
	for (u32 i = 0; i < nr_ways; i++)
		if (cases[i].nr)
			printf("  %-16s %8.1f ns  (%.1f to %.1f)  x %.2f\n", cases[i].name,
			       bench_median(&cases[i]), cases[i].samples[0],
			       cases[i].samples[cases[i].nr - 1],
			       bench_median(&cases[i]) / bench_median(&cases[0]));
	print_refused(&cases[1], cases[1].per * (opts->rounds + 1));	/* one more, to warm up */
	bench_json(opts, name, "ns per operation", cases, nr_ways);
}

static void print_latency(const struct bench_options *opts, const char *name, void (*start)(void))
{
	double late[NR_LATENCIES];
	double p50, p99;

	measure_latency(start, late);
	p50 = late[NR_LATENCIES / 2] / 1000;
	p99 = late[NR_LATENCIES * 99 / 100] / 1000;
	printf("  %-34s %8.1f us   p99 %.1f us\n", name, p50, p99);
	if (opts->json)
		fprintf(opts->json, "{\"bench\":\"async_latency\",\"unit\":\"us\",\"name\":\"%s\","
			"\"p50\":%.3f,\"p99\":%.3f}\n", name, p50, p99);
}

static void print_latencies(const struct bench_options *opts)
{
	bool has_timer = false;
	pthread_t thread;
	sigset_t set;

	printf("started for now, until its callback runs: median of %u\n", NR_LATENCIES);
	print_latency(opts, "bpf_timer, from a thread", by_thread);
	print_latency(opts, "bpf_timer, from a signal handler", by_handler);
	latency_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	if (latency_fd < 0 || pthread_create(&thread, NULL, wait_for_timerfd, NULL))
		exit(1);
	print_latency(opts, "timerfd_settime, a thread reads", by_timerfd);
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	pthread_barrier_init(&waiting, NULL, 2);
	if (pthread_create(&thread, NULL, wait_for_signal, &has_timer))
		exit(1);
	pthread_barrier_wait(&waiting);
	if (has_timer)
		print_latency(opts, "timer_settime, a thread is signalled", by_posix);
	else
		printf("  timer_settime: SKIP timer_create\n");
}

int main(int argc, char **argv)
{
	struct bench_options opts = { .rounds = 15 };

	while (bench_getopt(argc, argv, "", &opts) != -1)
		;
	make_field();
	make_others();
	map_rcu_read_lock();
	printf("start and cancel, ns each: median of %u (least to greatest), times bpf_timer\n",
	       opts.rounds);
	print_cases(&opts, "from a thread", "async_thread", start_and_cancel, false);
	print_cases(&opts,
		    "from a signal handler (the latched slot's are only asked for there, and done later)",
		    "async_handler", in_handler, false);
	print_cases(&opts, "eight threads on one timer (each operation's share of the time)",
		    "async_eight", by_eight, true);
	print_cases(&opts, "eight signal handlers on one timer (the same)", "async_eight_handlers",
		    by_eight_in_handlers, true);
	print_latencies(&opts);
	async_field_release(&field);
	map_rcu_read_unlock();
	prog_bench(&opts);
	return 0;
}
