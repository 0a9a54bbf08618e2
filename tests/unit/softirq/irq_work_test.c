/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * irq_work_test.c - works: claimed once, called in order, from any context
 */
#include <errno.h>
#include <pthread.h>

#include <rove/irq_work.h>

#include "base/context.h"
#include "softirq/softirq.h"
#include "tests/unit/softirq/wait.h"

static u32 nr_calls, release_it, order[8], nr_order;
static bool was_softirq, was_signal_blocked;
static int ran_on_cpu;

static void count(struct rove_irq_work *work)
{
	sigset_t set;

	pthread_sigmask(SIG_BLOCK, NULL, &set);
	was_signal_blocked = sigismember(&set, SIGUSR1) && sigismember(&set, SIGALRM);
	was_softirq = in_softirq();
	ran_on_cpu = sched_getcpu();
	fetch_add_seq_cst(&nr_calls, 1);
}

/* Holds the thread until it is released: what is queued meanwhile stays pending. */
static void hold(struct rove_irq_work *work)
{
	fetch_add_seq_cst(&nr_calls, 1);
	WAIT_UNTIL(load_seq_cst(&release_it));
}

struct numbered {
	struct rove_irq_work work;
	u32 number;
};

static void note_number(struct rove_irq_work *work)
{
	order[nr_order++] = container_of(work, struct numbered, work)->number;
}

static struct rove_irq_work held = ROVE_IRQ_WORK_INIT(hold);

static void hold_thread(void)
{
	u32 before = load_seq_cst(&nr_calls);

	start();
	store_seq_cst(&release_it, 0);
	EXPECT_TRUE(rove_irq_work_queue(&held));
	WAIT_UNTIL(load_seq_cst(&nr_calls) == before + 1);
}

static void release_thread(void)
{
	store_seq_cst(&release_it, 1);
	EXPECT_EQ(rove_irq_work_sync(&held), 0);
}

/* Return: 0, or the number of what went wrong. */
static int start_late(void)
{
	static struct rove_irq_work early = ROVE_IRQ_WORK_INIT(count);
	pthread_attr_t usual, too_large;

	nr_calls = 0;
	if (!rove_irq_work_queue(&early) || rove_irq_work_queue(&early))
		return 1;
	if (!rove_irq_work_is_busy(&early) || load_seq_cst(&softirq.started))
		return 2;
	/* No memory for a thread's stack: an error, and nothing is lost. */
	pthread_getattr_default_np(&usual);
	too_large = usual;
	pthread_attr_setstacksize(&too_large, (size_t)1 << 46);
	if (pthread_setattr_default_np(&too_large) || rove_softirq_start() != -EAGAIN)
		return 3;
	if (pthread_setattr_default_np(&usual) || !rove_irq_work_is_busy(&early) || nr_calls)
		return 4;
	if (rove_softirq_start() || rove_irq_work_sync(&early))
		return 5;
	return nr_calls != 1 || rove_irq_work_is_busy(&early) ? 6 : 0;
}

TEST(irq_work, what_is_queued_before_there_is_a_thread_is_kept_also_if_it_cannot_be_started)
{
#ifdef __SANITIZE_THREAD__
	SKIP("ThreadSanitizer does not follow threads started after fork()");
#endif
	EXPECT_EQ(in_child(start_late), 0);
}

TEST(irq_work, runs_in_softirq_context_with_the_applications_signals_blocked)
{
	struct rove_irq_work work;

	start();
	rove_irq_work_init(&work, count);
	was_softirq = was_signal_blocked = false;
	EXPECT_TRUE(rove_irq_work_queue(&work));
	EXPECT_EQ(rove_irq_work_sync(&work), 0);
	EXPECT_TRUE(was_softirq && was_signal_blocked);
	EXPECT_FALSE(in_softirq());
}

TEST(irq_work, a_second_queue_while_it_is_pending_is_one_call)
{
	static struct rove_irq_work work = ROVE_IRQ_WORK_INIT(count);
	u32 before;

	hold_thread();
	before = nr_calls;
	EXPECT_TRUE(rove_irq_work_queue(&work));
	EXPECT_FALSE(rove_irq_work_queue(&work));
	EXPECT_FALSE(rove_irq_work_queue_on(&work, 0));
	EXPECT_TRUE(rove_irq_work_is_busy(&work));
	release_thread();
	EXPECT_EQ(rove_irq_work_sync(&work), 0);
	EXPECT_EQ(nr_calls, before + 1);
	EXPECT_TRUE(rove_irq_work_queue(&work));
	EXPECT_EQ(rove_irq_work_sync(&work), 0);
	EXPECT_EQ(nr_calls, before + 2);
}

TEST(irq_work, works_are_called_in_the_order_in_which_they_were_queued)
{
	static struct numbered works[ARRAY_SIZE(order)];

	hold_thread();
	for (u32 i = 0; i < ARRAY_SIZE(works); i++) {
		works[i].number = i;
		rove_irq_work_init(&works[i].work, note_number);
		EXPECT_TRUE(rove_irq_work_queue(&works[i].work));
	}
	release_thread();
	for (u32 i = 0; i < ARRAY_SIZE(works); i++)
		EXPECT_EQ(rove_irq_work_sync(&works[i].work), 0);
	EXPECT_EQ(nr_order, ARRAY_SIZE(order));
	for (u32 i = 0; i < ARRAY_SIZE(order); i++)
		EXPECT_EQ(order[i], i);
}

static struct rove_irq_work from_handler = ROVE_IRQ_WORK_INIT(count);
static bool handler_claimed;

static void queue_it(void)
{
	handler_claimed = rove_irq_work_queue(&from_handler);
}

static void queue_it_declared(void)
{
	ctx_nmi_enter();
	queue_it();
	ctx_nmi_exit();
}

TEST(irq_work, may_be_queued_in_a_signal_handler_that_declares_itself_or_not)
{
	u32 before = nr_calls;

	start();
	in_signal_handler(queue_it);
	EXPECT_TRUE(handler_claimed);
	EXPECT_EQ(rove_irq_work_sync(&from_handler), 0);
	in_signal_handler(queue_it_declared);
	EXPECT_TRUE(handler_claimed);
	EXPECT_EQ(rove_irq_work_sync(&from_handler), 0);
	EXPECT_EQ(nr_calls, before + 2);
}

static int sync_result, other_result;
static struct rove_irq_work other = ROVE_IRQ_WORK_INIT(count);

static void sync_inside(struct rove_irq_work *work)
{
	sync_result = rove_irq_work_sync(work);
	rove_irq_work_queue(&other);
	other_result = rove_irq_work_sync(&other);
}

TEST(irq_work, waiting_in_softirq_context_is_refused)
{
	struct rove_irq_work work;

	start();
	rove_irq_work_init(&work, sync_inside);
	EXPECT_TRUE(rove_irq_work_queue(&work));
	EXPECT_EQ(rove_irq_work_sync(&work), 0);
	EXPECT_EQ(sync_result, -EDEADLK);
	EXPECT_EQ(other_result, -EDEADLK);
	EXPECT_EQ(rove_irq_work_sync(&other), 0);
}

static void free_itself(struct rove_irq_work *work)
{
	memset(work, 0xa5, sizeof(*work));
	free(work);
	fetch_add_seq_cst(&nr_calls, 1);
}

TEST(irq_work, a_function_may_free_its_work)
{
	start();
	for (u32 i = 0; i < 1000; i++) {
		struct rove_irq_work *work = malloc(sizeof(*work));
		u32 before = load_seq_cst(&nr_calls);

		rove_irq_work_init(work, free_itself);
		EXPECT_TRUE(rove_irq_work_queue(work));
		WAIT_UNTIL(load_seq_cst(&nr_calls) != before);
	}
}

static void queue_again(struct rove_irq_work *work)
{
	if (add_fetch_acq_rel(&nr_calls, 1) % 16)
		EXPECT_TRUE(rove_irq_work_queue(work));
}

TEST(irq_work, a_function_may_queue_its_work_again)
{
	struct rove_irq_work work;

	start();
	store_seq_cst(&nr_calls, 0);
	rove_irq_work_init(&work, queue_again);
	EXPECT_TRUE(rove_irq_work_queue(&work));
	WAIT_UNTIL(load_seq_cst(&nr_calls) == 16);
	EXPECT_EQ(rove_irq_work_sync(&work), 0);
	EXPECT_EQ(nr_calls, 16);
}

TEST(irq_work, runs_on_the_cpu_that_was_asked_for)
{
	static const int nowhere[] = { 100000, INT32_MAX, INT32_MIN, -1 };
	cpu_set_t allowed;
	struct rove_irq_work work;

	start();
	rove_irq_work_init(&work, count);
	EXPECT_EQ(sched_getaffinity(0, sizeof(allowed), &allowed), 0);
	for (int round = 0; round < 10; round++) {
		for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
			if (!CPU_ISSET(cpu, &allowed))
				continue;
			EXPECT_TRUE(rove_irq_work_queue_on(&work, cpu));
			EXPECT_EQ(rove_irq_work_sync(&work), 0);
			EXPECT_EQ(ran_on_cpu, cpu);
		}
	}
	for (u32 i = 0; i < ARRAY_SIZE(nowhere); i++) {
		u64 before = READ_ONCE(nr_calls);

		EXPECT_TRUE(rove_irq_work_queue_on(&work, nowhere[i]));
		EXPECT_EQ(rove_irq_work_sync(&work), 0);
		EXPECT_EQ(READ_ONCE(nr_calls), before + 1);
	}
}

/* In the child: the parent's thread is not there; what is initialised anew works. */
static int child(void)
{
	struct rove_irq_work work;

	rove_irq_work_init(&work, count);
	nr_calls = 0;
	if (load_seq_cst(&softirq.started) || !rove_irq_work_queue(&work) || nr_calls)
		return 1;
	if (rove_softirq_start() || rove_irq_work_sync(&work))
		return 2;
	return nr_calls == 1 ? 0 : 3;
}

TEST(irq_work, a_child_of_fork_starts_from_nothing)
{
	int status;

#ifdef __SANITIZE_THREAD__
	SKIP("ThreadSanitizer does not follow threads started after fork()");
#endif
	hold_thread();
	status = in_child(child);
	release_thread();
	EXPECT_EQ(status, 0);
}

static struct rove_irq_work of_parent;

static int use_pending_of_parent(void)
{
	if (rove_irq_work_is_busy(&of_parent) || rove_irq_work_sync(&of_parent))
		return 1;
	nr_calls = 0;
	if (!rove_irq_work_queue(&of_parent) || rove_irq_work_queue(&of_parent))
		return 2;
	if (rove_softirq_start() || rove_irq_work_sync(&of_parent))
		return 3;
	return nr_calls == 1 ? 0 : 4;
}

TEST(irq_work, of_the_parent_are_idle_in_a_child_and_can_be_used_there)
{
	int status;

#ifdef __SANITIZE_THREAD__
	SKIP("ThreadSanitizer does not follow threads started after fork()");
#endif
	rove_irq_work_init(&of_parent, count);
	hold_thread();
	EXPECT_TRUE(rove_irq_work_queue(&of_parent));
	status = in_child(use_pending_of_parent);
	EXPECT_TRUE(rove_irq_work_is_busy(&of_parent));
	release_thread();
	EXPECT_EQ(rove_irq_work_sync(&of_parent), 0);
	EXPECT_EQ(status, 0);
}

static pid_t child_of_work;

/* The parent's softirq thread is the only one of the child until that makes another. */
static void call_fork(struct rove_irq_work *work)
{
	pid_t pid = fork();

	if (!pid) {
		if (in_softirq() || use_pending_of_parent())
			_exit(1);
		_exit(0);
	}
	child_of_work = pid;
}

TEST(irq_work, may_fork_and_the_child_makes_its_own_thread)
{
	struct rove_irq_work work;
	int status = -1;

#ifdef __SANITIZE_THREAD__
	SKIP("ThreadSanitizer does not follow threads started after fork()");
#endif
	start();
	rove_irq_work_init(&of_parent, count);
	rove_irq_work_init(&work, call_fork);
	EXPECT_TRUE(rove_irq_work_queue(&work));
	EXPECT_EQ(rove_irq_work_sync(&work), 0);
	EXPECT_EQ(waitpid(child_of_work, &status, 0), child_of_work);
	EXPECT_EQ(status, 0);
}
