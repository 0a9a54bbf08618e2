/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/fork: queues of the parent in a child, whatever the parent's threads were doing
 *
 * A child tells by its exit status the line of what it found wrong.
 */
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rove/workqueue.h>

#include "base/clock.h"
#include "base/context.h"
#include "base/futex.h"
#include "tests/test.h"
#include "wq/fork.h"

#if defined(__SANITIZE_THREAD__)
#define SKIP_IF_FORK_IS_IMPOSSIBLE() \
	SKIP("ThreadSanitizer lets no thread be made in a child of a process with threads")
#elif defined(__SANITIZE_ADDRESS__)	/* workers come and go, which is enough */
#define SKIP_IF_FORK_IS_IMPOSSIBLE() \
	SKIP("AddressSanitizer's malloc() does not survive fork() while another thread is in it")
#else
#define SKIP_IF_FORK_IS_IMPOSSIBLE() ((void)0)
#endif

/* In a child only. */
#define NEED(x) ((x) ? (void)0 : child_fails(__LINE__))

static void child_fails(int line)
{
	static const char digits[] = "0123456789";
	char text[] = "# child: line 0000\n";

	for (int at = 17; line && at > 13; at--, line /= 10)
		text[at] = digits[line % 10];
	(void)!write(2, text, sizeof(text) - 1);
	_exit(1);
}

static void expect_child_is_content(pid_t child)
{
	int status = -1;

	EXPECT_TRUE(child > 0);
	EXPECT_EQ(waitpid(child, &status, 0), child);
	EXPECT_EQ(status, 0);
}

static struct rove_workqueue *make_queue(struct rove_wq_options options)
{
	struct rove_workqueue *wq = NULL;

	options.size = sizeof(options);
	EXPECT_EQ(rove_workqueue_create("test", &options, &wq), 0);
	return wq;
}

#define QUEUE(...) make_queue((struct rove_wq_options){ __VA_ARGS__ })

static u32 nr_runs, nr_inside, gate;

static void count(struct rove_work *work)
{
	fetch_add_relaxed(&nr_runs, 1);
}

static void stay(struct rove_work *work)
{
	fetch_add_seq_cst(&nr_inside, 1);
	futex_wake(&nr_inside, INT32_MAX);
	while (!load_acquire(&gate))
		futex_wait(&gate, 0, FUTEX_FOREVER);
	fetch_add_relaxed(&nr_runs, 1);
}

static void reset(void)
{
	WRITE_ONCE(nr_runs, 0);
	WRITE_ONCE(nr_inside, 0);
	WRITE_ONCE(gate, 0);
}

static void open_gate(void)
{
	store_release(&gate, 1);
	futex_wake(&gate, INT32_MAX);
}

static void wait_until(const u32 *word, u32 at_least)
{
	u32 now;

	while ((now = load_acquire(word)) < at_least)
		usleep(200);
}

static u32 nr_threads(void)
{
	DIR *dir = opendir("/proc/self/task");
	u32 nr = 0;

	while (dir && readdir(dir))
		nr++;
	if (dir)
		closedir(dir);
	return nr - 2;
}

#define HOUR_NS (3600ull * NSEC_PER_SEC)
#define NR_WORKS 40

/* What a parent has under way when it forks. */
struct scene {
	struct rove_workqueue *wq;
	struct rove_work inside, works[NR_WORKS];
	struct rove_delayed_work later, soon;
};

static void use_in_child(struct scene *scene)
{
	struct rove_workqueue *system_wq;

	NEED(nr_threads() == 1);
	WRITE_ONCE(nr_runs, 0);
	NEED(!rove_work_pending(&scene->works[0]));
	NEED(!rove_work_busy(&scene->inside));
	NEED(!rove_flush_work(&scene->works[0]));
	NEED(!rove_cancel_work_sync(&scene->works[1]));
	NEED(!rove_cancel_delayed_work_sync(&scene->later));
	rove_flush_workqueue(scene->wq);
	NEED(nr_runs == 0);
	NEED(nr_threads() == 1);

	for (u32 i = 0; i < NR_WORKS; i++)
		NEED(rove_queue_work(scene->wq, &scene->works[i]) == 1);
	store_release(&gate, 1);
	NEED(rove_queue_work(scene->wq, &scene->inside) == 1);
	rove_flush_workqueue(scene->wq);
	NEED(READ_ONCE(nr_runs) == NR_WORKS + 1);
	NEED(rove_queue_delayed_work(scene->wq, &scene->soon, NSEC_PER_MSEC) == 1);
	wait_until(&nr_runs, NR_WORKS + 2);
	NEED(rove_queue_delayed_work(scene->wq, &scene->later, HOUR_NS) == 1);
	NEED(rove_work_pending(&scene->later.work));
	NEED(rove_flush_delayed_work(&scene->later));
	NEED(READ_ONCE(nr_runs) == NR_WORKS + 3);
	NEED(!rove_system_workqueue(ROVE_SYSTEM_UNBOUND_WQ, &system_wq));
	NEED(rove_queue_work(system_wq, &scene->works[0]) == 1);
	NEED(rove_flush_work(&scene->works[0]) || READ_ONCE(nr_runs) == NR_WORKS + 4);
	rove_workqueue_free(scene->wq);
}

static const struct rove_wq_options kinds[] = {
	{ .flags = 0 },
	{ .flags = ROVE_WQ_UNBOUND },
	{ .flags = ROVE_WQ_UNBOUND, .max_active = 1, .nice = 1 },
	{ .flags = ROVE_WQ_UNBOUND, .max_pending = 100, .full = ROVE_WQ_FULL_WAIT },
	{ .flags = ROVE_WQ_ORDERED },
	{ .flags = ROVE_WQ_HIGHPRI | ROVE_WQ_CPU_INTENSIVE },
	{ .flags = ROVE_WQ_UNBOUND | ROVE_WQ_MEM_RECLAIM },
	{ .flags = ROVE_WQ_UNBOUND | ROVE_WQ_HELP },
	{ .flags = ROVE_WQ_UNBOUND, .wake = ROVE_WQ_WAKE_UNDER },
};

static void set_scene(struct scene *scene, const struct rove_wq_options *options)
{
	reset();
	scene->wq = make_queue(*options);
	rove_work_init(&scene->inside, stay);
	rove_delayed_work_init(&scene->later, count);
	rove_delayed_work_init(&scene->soon, count);
	for (u32 i = 0; i < NR_WORKS; i++)
		rove_work_init(&scene->works[i], count);
	EXPECT_EQ(rove_queue_work(scene->wq, &scene->inside), 1);
	wait_until(&nr_inside, 1);
	for (u32 i = 0; i < NR_WORKS; i++)
		EXPECT_EQ(rove_queue_work(scene->wq, &scene->works[i]), 1);
	EXPECT_EQ(rove_queue_delayed_work(scene->wq, &scene->later, HOUR_NS), 1);
}

/* Whatever the child did, it was not to these. */
static void end_scene(struct scene *scene)
{
	open_gate();
	rove_flush_workqueue(scene->wq);
	EXPECT_EQ(READ_ONCE(nr_runs), NR_WORKS + 1);
	EXPECT_TRUE(rove_cancel_delayed_work_sync(&scene->later));
	rove_workqueue_free(scene->wq);
}

TEST(fork, queues_of_the_parent_are_empty_in_the_child_and_run_what_it_queues)
{
	struct rove_workqueue *shared;
	struct scene scene;
	pid_t child;

	SKIP_IF_FORK_IS_IMPOSSIBLE();
	EXPECT_EQ(rove_system_workqueue(ROVE_SYSTEM_UNBOUND_WQ, &shared), 0);
	for (u32 i = 0; i < ARRAY_SIZE(kinds); i++) {
		set_scene(&scene, &kinds[i]);
		child = fork();
		if (!child) {
			use_in_child(&scene);
			_exit(0);
		}
		expect_child_is_content(child);
		end_scene(&scene);
	}
}

TEST(fork, the_child_makes_queues_of_its_own)
{
	struct rove_workqueue *wq = QUEUE(.flags = ROVE_WQ_UNBOUND);
	struct rove_work work = ROVE_WORK_INIT(count);
	pid_t child;

	SKIP_IF_FORK_IS_IMPOSSIBLE();
	reset();
	child = fork();
	if (!child) {
		struct rove_workqueue *mine = QUEUE(.flags = ROVE_WQ_UNBOUND | ROVE_WQ_MEM_RECLAIM);

		NEED(rove_queue_work(mine, &work) == 1);
		rove_flush_workqueue(mine);
		NEED(READ_ONCE(nr_runs) == 1);
		rove_workqueue_free(mine);
		rove_workqueue_free(wq);
		_exit(0);
	}
	expect_child_is_content(child);
	rove_workqueue_free(wq);
}

TEST(fork, a_queue_of_bottom_halves_runs_in_the_child)
{
	struct rove_workqueue *wq = QUEUE(.flags = ROVE_WQ_BH);
	struct rove_work work = ROVE_WORK_INIT(count);
	pid_t child;

	SKIP_IF_FORK_IS_IMPOSSIBLE();
	reset();
	rove_queue_work(wq, &work);
	rove_flush_work(&work);
	child = fork();
	if (!child) {
		NEED(rove_queue_work(wq, &work) == 1);
		rove_flush_workqueue(wq);
		NEED(READ_ONCE(nr_runs) == 2);
		rove_workqueue_free(wq);
		_exit(0);
	}
	expect_child_is_content(child);
	rove_workqueue_free(wq);
}

static struct rove_work in_order[64];
static u32 order[64], nr_order;

static void note_order(struct rove_work *work)
{
	order[fetch_add_relaxed(&nr_order, 1)] = work - in_order;
}

TEST(fork, an_ordered_queue_stays_ordered_in_the_child)
{
	struct rove_workqueue *wq = QUEUE(.flags = ROVE_WQ_ORDERED);
	struct rove_work inside = ROVE_WORK_INIT(stay);
	pid_t child;

	SKIP_IF_FORK_IS_IMPOSSIBLE();
	reset();
	rove_queue_work(wq, &inside);
	wait_until(&nr_inside, 1);
	for (u32 i = 0; i < ARRAY_SIZE(in_order); i++)
		rove_work_init(&in_order[i], note_order);
	for (u32 i = 0; i < ARRAY_SIZE(in_order); i++)
		rove_queue_work(wq, &in_order[63 - i]);
	child = fork();
	if (!child) {
		for (u32 i = 0; i < ARRAY_SIZE(in_order); i++)
			NEED(rove_queue_work(wq, &in_order[i]) == 1);
		rove_flush_workqueue(wq);
		NEED(nr_order == 64);
		for (u32 i = 0; i < ARRAY_SIZE(in_order); i++)
			NEED(order[i] == i);
		_exit(0);
	}
	expect_child_is_content(child);
	open_gate();
	rove_workqueue_free(wq);
	EXPECT_EQ(nr_order, 64);
}

/* More of them than there are generations of works, or, where fork() is slow, of timers. */
static u32 nr_forks(void)
{
	return under_valgrind() ? 40 : 300;
}

TEST(fork, children_of_children_use_the_same_works)
{
	struct rove_workqueue *wq = QUEUE(.flags = ROVE_WQ_UNBOUND);
	struct rove_work work = ROVE_WORK_INIT(count);
	struct rove_delayed_work later;
	pid_t child;

	SKIP_IF_FORK_IS_IMPOSSIBLE();
	reset();
	rove_delayed_work_init(&later, count);
	child = fork();
	for (u32 i = 1; !child && i < nr_forks(); i++) {
		NEED(rove_queue_delayed_work(wq, &later, HOUR_NS) == 1);
		NEED(rove_queue_work(wq, &work) == 1);
		rove_flush_work(&work);
		NEED(READ_ONCE(nr_runs) == i);
		rove_queue_work(wq, &work);	/* which may be pending when it forks */
		WRITE_ONCE(nr_runs, i);
		child = fork();
		if (child) {
			int status = -1;

			NEED(waitpid(child, &status, 0) == child && !status);
			_exit(0);
		}
		WRITE_ONCE(nr_runs, i);
	}
	if (!child)
		_exit(0);
	expect_child_is_content(child);
	rove_workqueue_free(wq);
}

static struct rove_workqueue *forks_in;
static u32 child_of_work;

/* The child goes on in here, outside of any work. */
static void call_fork(struct rove_work *work)
{
	struct rove_work other = ROVE_WORK_INIT(count);
	pid_t child = fork();

	if (!child) {
		NEED(!rove_current_work());
		NEED(rove_queue_work(forks_in, &other) == 1);
		rove_flush_workqueue(forks_in);
		NEED(READ_ONCE(nr_runs) == 1);
		_exit(0);
	}
	store_release(&child_of_work, child);
}

static const u32 forking_flags[] = {
	0, ROVE_WQ_UNBOUND, ROVE_WQ_ORDERED, ROVE_WQ_BH, ROVE_WQ_UNBOUND | ROVE_WQ_HELP,
	ROVE_WQ_UNBOUND | ROVE_WQ_MEM_RECLAIM,
};

TEST(fork, a_work_may_fork_and_the_child_uses_its_queue)
{
	SKIP_IF_FORK_IS_IMPOSSIBLE();
	for (u32 i = 0; i < ARRAY_SIZE(forking_flags); i++) {
		struct rove_work work = ROVE_WORK_INIT(call_fork);

		reset();
		forks_in = QUEUE(.flags = forking_flags[i]);
		rove_queue_work(forks_in, &work);
		rove_flush_work(&work);
		expect_child_is_content(load_acquire(&child_of_work));
		rove_workqueue_free(forks_in);
	}
}

static pid_t forker;

static void fork_and_return(struct rove_work *work)
{
	pid_t child = fork();

	if (child)
		store_release(&forker, child);
}

/* The thread that helps is the caller's: the child goes on with it. */
TEST(fork, a_work_run_by_who_waits_for_it_returns_to_it_in_the_child)
{
	struct rove_workqueue *wq = QUEUE(.flags = ROVE_WQ_ORDERED | ROVE_WQ_HELP);
	struct rove_work inside = ROVE_WORK_INIT(stay), work = ROVE_WORK_INIT(fork_and_return);
	struct rove_work other = ROVE_WORK_INIT(count), *both[] = { &work, &other };
	pid_t self = getpid();

	SKIP_IF_FORK_IS_IMPOSSIBLE();
	reset();
	(void)inside;
	do {
		store_release(&forker, 0);
		rove_queue_work(wq, &work);
		rove_queue_work(wq, &other);
		rove_flush_works(both, 2);
		if (getpid() != self) {
			NEED(rove_queue_work(wq, &other) == 1);
			rove_flush_work(&other);
			NEED(rove_queue_work(wq, &other) == 1);
			rove_flush_workqueue(wq);
			_exit(0);
		}
		/* Run by a worker: then its thread has ended, and the child with it. */
		kill(load_acquire(&forker), SIGKILL);
		waitpid(forker, NULL, 0);
	} while (READ_ONCE(nr_runs) < 20);
	rove_workqueue_free(wq);
}

TEST(fork, what_a_signal_handler_queues_first_is_run_when_a_thread_comes)
{
	struct rove_workqueue *wq = QUEUE(.flags = ROVE_WQ_UNBOUND);
	struct rove_work works[3] = {
		ROVE_WORK_INIT(count), ROVE_WORK_INIT(count), ROVE_WORK_INIT(count),
	};
	struct rove_delayed_work later;
	pid_t child;

	SKIP_IF_FORK_IS_IMPOSSIBLE();
	reset();
	rove_delayed_work_init(&later, count);
	child = fork();
	if (!child) {
		ctx_nmi_enter();
		NEED(rove_queue_work_on(0, wq, &works[0]) == 1);
		NEED(rove_queue_work_on(1, wq, &works[1]) == 1);
		NEED(rove_queue_delayed_work(wq, &later, 1000) == 1);
		ctx_nmi_exit();
		NEED(nr_threads() == 1);
		NEED(rove_queue_work_on(0, wq, &works[2]) == 1);
		rove_flush_workqueue(wq);
		NEED(READ_ONCE(nr_runs) >= 3);
		wait_until(&nr_runs, 4);
		_exit(0);
	}
	expect_child_is_content(child);
	rove_workqueue_free(wq);
}

/* --- while everything moves ---------------------------------------------------------------- */

#define NR_PRODUCERS 3

struct traffic {
	struct rove_workqueue *wq[ARRAY_SIZE(kinds)];
	struct rove_work works[ARRAY_SIZE(kinds)][NR_WORKS];
	struct rove_delayed_work later[ARRAY_SIZE(kinds)];
	struct rove_work by_handler;
	u32 stop;
	pthread_t thread[NR_PRODUCERS];
};

static struct traffic traffic;

static void *produce(void *arg)
{
	struct traffic *t = arg;
	unsigned int seed = 1;

	while (!READ_ONCE(t->stop)) {
		u32 k = rand_r(&seed) % ARRAY_SIZE(kinds), i = rand_r(&seed) % NR_WORKS;

		rove_queue_work(t->wq[k], &t->works[k][i]);
		rove_queue_delayed_work(t->wq[k], &t->later[k], rand_r(&seed) % 100000);
		if (!(i % 8))
			rove_cancel_work_sync(&t->works[k][i]);
		if (!(i % 16))
			rove_flush_work(&t->works[k][i]);
		if (!(i % 32))
			rove_flush_workqueue(t->wq[k]);
		if (k == 1 && !(i % 32))
			rove_workqueue_apply_attrs(t->wq[k], &(struct rove_wq_attrs){
				.size = sizeof(struct rove_wq_attrs),
				.scope = 1 + rand_r(&seed) % ROVE_WQ_SCOPE_SYSTEM });
		if (!(i % 39))
			rove_workqueue_free(QUEUE(.flags = ROVE_WQ_UNBOUND));
	}
	return NULL;
}

static void queue_in_handler(int sig)
{
	ctx_nmi_enter();
	rove_queue_work(traffic.wq[1], &traffic.by_handler);
	ctx_nmi_exit();
}

static void *interrupt(void *arg)
{
	struct traffic *t = arg;

	while (!READ_ONCE(t->stop)) {
		for (u32 i = 0; i < NR_PRODUCERS - 1; i++)
			pthread_kill(t->thread[i], SIGUSR1);
		usleep(100);
	}
	return NULL;
}

static void use_after_traffic(struct traffic *t)
{
	for (u32 k = 0; k < ARRAY_SIZE(kinds); k++) {
		WRITE_ONCE(nr_runs, 0);
		for (u32 i = 0; i < NR_WORKS; i++)
			NEED(rove_queue_work(t->wq[k], &t->works[k][i]) == 1);
		NEED(rove_queue_delayed_work(t->wq[k], &t->later[k], 1000) == 1);
		rove_flush_delayed_work(&t->later[k]);
		rove_flush_workqueue(t->wq[k]);
		NEED(READ_ONCE(nr_runs) == NR_WORKS + 1);
		rove_queue_work(t->wq[k], &t->works[k][0]);
		rove_cancel_work_sync(&t->works[k][0]);
		NEED(!rove_work_busy(&t->works[k][0]));
	}
	for (u32 k = 0; k < ARRAY_SIZE(kinds); k++)
		rove_workqueue_free(t->wq[k]);
}

TEST(fork, works_while_threads_queue_flush_move_and_free_and_are_interrupted)
{
	struct sigaction action = { .sa_handler = queue_in_handler, .sa_flags = SA_RESTART };
	struct traffic *t = &traffic;

	SKIP_IF_FORK_IS_IMPOSSIBLE();
	sigaction(SIGUSR1, &action, NULL);
	rove_work_init(&t->by_handler, count);
	for (u32 k = 0; k < ARRAY_SIZE(kinds); k++) {
		t->wq[k] = make_queue(kinds[k]);
		rove_delayed_work_init(&t->later[k], count);
		for (u32 i = 0; i < NR_WORKS; i++)
			rove_work_init(&t->works[k][i], count);
	}
	for (u32 i = 0; i < NR_PRODUCERS; i++)
		pthread_create(&t->thread[i], NULL, i < NR_PRODUCERS - 1 ? produce : interrupt, t);
	for (u32 i = 0; i < 40; i++) {
		pid_t child = fork();

		if (!child) {
			use_after_traffic(t);
			_exit(0);
		}
		expect_child_is_content(child);
	}
	WRITE_ONCE(t->stop, 1);
	pthread_join(t->thread[NR_PRODUCERS - 1], NULL);
	for (u32 i = 0; i < NR_PRODUCERS - 1; i++)
		pthread_join(t->thread[i], NULL);
	for (u32 k = 0; k < ARRAY_SIZE(kinds); k++) {
		rove_cancel_delayed_work_sync(&t->later[k]);
		rove_workqueue_free(t->wq[k]);
	}
}
