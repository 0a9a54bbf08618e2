/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * fork_test.c - domains of the parent in a child: sections, callbacks, watches
 */
#include "tests/unit/srcu/fork.h"

/* --- a thread that stays in a section ------------------------------------------------------ */

struct reader {
	struct rove_srcu *dom;
	pthread_t thread;
	u32 inside, leave;
};

static void *stay_in_section(void *arg)
{
	struct reader *r = arg;
	int idx = rove_srcu_read_lock(r->dom);

	store_release(&r->inside, 1);
	wait_until(&r->leave, 1);
	rove_srcu_read_unlock(r->dom, idx);
	return NULL;
}

static void reader_start(struct reader *r, struct rove_srcu *dom)
{
	*r = (struct reader){ .dom = dom };
	EXPECT_EQ(pthread_create(&r->thread, NULL, stay_in_section, r), 0);
	wait_until(&r->inside, 1);
}

static void reader_end(struct reader *r)
{
	store_release(&r->leave, 1);
	pthread_join(r->thread, NULL);
}

/* --- a thread that waits for readers ------------------------------------------------------- */

struct waiter {
	struct rove_srcu *dom;
	pid_t process;
	pthread_t thread;
	u32 done;
};

static void *wait_for_readers(void *arg)
{
	struct waiter *w = arg;

	rove_srcu_synchronize(w->dom);
	if (getpid() != w->process)
		_exit(0);	/* it has forked, see fork_in_report() */
	store_release(&w->done, 1);
	return NULL;
}

/* Returns when the period has begun, which waits for somebody. */
static int waiter_start(struct waiter *w, struct rove_srcu *dom)
{
	u64 before = READ_ONCE(dom->gp_seq);
	int err;

	*w = (struct waiter){ .dom = dom, .process = getpid() };
	err = pthread_create(&w->thread, NULL, wait_for_readers, w);
	while (!err && READ_ONCE(dom->gp_seq) == before)
		sched_yield();
	return err;
}

/* --- sections ------------------------------------------------------------------------------ */

TEST(srcu_fork, readers_of_the_parent_are_not_waited_for_in_the_child)
{
	struct rove_srcu *dom = domain();
	struct reader other;
	pid_t child;

	reader_start(&other, dom);
	child = fork_child();
	if (!child) {
		rove_srcu_synchronize(dom);
		_exit(0);
	}
	expect_child_is_content(child);
	reader_end(&other);
	rove_srcu_synchronize(dom);
	rove_srcu_free(dom);
}

TEST(srcu_fork, a_section_of_the_thread_that_forks_goes_on_in_the_child)
{
	struct rove_srcu *dom = domain(), *none = domain();
	struct reader other;
	int outer, inner;
	pid_t child;

	reader_start(&other, dom);
	outer = rove_srcu_read_lock(dom);
	inner = rove_srcu_read_lock(dom);
	child = fork_child();
	if (!child) {
		rove_srcu_synchronize(none);
		NEED(srcu_open_at_most(dom, 0) + srcu_open_at_most(dom, 1) == 2);
		rove_srcu_read_unlock(dom, inner);
		NEED(srcu_open_at_most(dom, 0) + srcu_open_at_most(dom, 1) == 1);
		rove_srcu_read_unlock(dom, outer);
		rove_srcu_synchronize(dom);
		_exit(0);
	}
	rove_srcu_read_unlock(dom, inner);
	rove_srcu_read_unlock(dom, outer);
	expect_child_is_content(child);
	reader_end(&other);
	rove_srcu_free(dom);
	rove_srcu_free(none);
}

TEST(srcu_fork, the_child_waits_for_a_section_that_the_parent_began)
{
	struct rove_srcu *dom = domain();
	int idx = rove_srcu_read_lock(dom);
	struct waiter w;
	pid_t child;

	SKIP_WITHOUT_THREADS_IN_A_CHILD();
	child = fork_child();
	if (!child) {
		NEED(!waiter_start(&w, dom));
		for (u32 i = 0; i < 100; i++)
			sched_yield();
		NEED(!load_acquire(&w.done));
		rove_srcu_read_unlock(dom, idx);
		pthread_join(w.thread, NULL);
		_exit(0);
	}
	rove_srcu_read_unlock(dom, idx);
	expect_child_is_content(child);
	rove_srcu_free(dom);
}

static struct rove_srcu unnamed = SRCU_INIT;

/* More domains than are counted apart, and one that is static. */
TEST(srcu_fork, sections_are_known_in_all_of_many_domains)
{
	struct rove_srcu *dom[2 * SRCU_OWN_NAMES];
	int idx[ARRAY_SIZE(dom)], own;
	struct reader other;
	pid_t child;

	rove_srcu_synchronize(&unnamed);
	own = rove_srcu_read_lock(&unnamed);
	for (u32 i = 0; i < ARRAY_SIZE(dom); i++) {
		dom[i] = domain();
		idx[i] = i % 2 ? rove_srcu_read_lock(dom[i]) : -1;
	}
	reader_start(&other, dom[0]);
	child = fork_child();
	if (!child) {
		NEED(srcu_open_at_most(&unnamed, 0) + srcu_open_at_most(&unnamed, 1) == 1);
		rove_srcu_read_unlock(&unnamed, own);
		rove_srcu_synchronize(&unnamed);
		for (u32 i = 0; i < ARRAY_SIZE(dom); i++) {
			NEED(srcu_open_at_most(dom[i], 0) + srcu_open_at_most(dom[i], 1) == i % 2);
			if (i % 2)
				rove_srcu_read_unlock(dom[i], idx[i]);
			rove_srcu_synchronize(dom[i]);
		}
		_exit(0);
	}
	expect_child_is_content(child);
	reader_end(&other);
	rove_srcu_read_unlock(&unnamed, own);
	for (u32 i = 0; i < ARRAY_SIZE(dom); i++) {
		if (i % 2)
			rove_srcu_read_unlock(dom[i], idx[i]);
		rove_srcu_free(dom[i]);
	}
}

TEST(srcu_fork, a_section_that_was_ended_elsewhere_is_not_waited_for)
{
	struct rove_srcu *dom = domain();
	struct reader other;
	pid_t child;

	/* Begins under this thread's name, ends under another's. */
	reader_start(&other, dom);
	srcu_own[dom->name].nr_begun[0]++;
	reader_end(&other);
	child = fork_child();
	if (!child) {
		rove_srcu_synchronize(dom);
		_exit(0);
	}
	expect_child_is_content(child);
	rove_srcu_free(dom);
}

TEST(srcu_fork, a_period_that_was_under_way_is_not_taken_for_a_whole_one)
{
	struct rove_srcu *dom = domain();
	struct reader other;
	struct waiter w;
	u64 before, during;
	pid_t child;

	reader_start(&other, dom);
	before = rove_srcu_get_state(dom);
	EXPECT_EQ(waiter_start(&w, dom), 0);
	during = rove_srcu_get_state(dom);
	child = fork_child();
	if (!child) {
		NEED(!rove_srcu_poll_state(dom, before) && !rove_srcu_poll_state(dom, during));
		rove_srcu_synchronize(dom);
		NEED(rove_srcu_poll_state(dom, before));
		rove_srcu_synchronize(dom);
		NEED(rove_srcu_poll_state(dom, during));
		_exit(0);
	}
	expect_child_is_content(child);
	reader_end(&other);
	pthread_join(w.thread, NULL);
	rove_srcu_free(dom);
}

/* --- callbacks ----------------------------------------------------------------------------- */

#define NR_CALLS 40

struct call {
	struct rove_srcu_head head;
	u32 number;
};

static struct call calls[NR_CALLS];
static u32 nr_called, in_order;

static void called(struct rove_srcu_head *head)
{
	struct call *call = (struct call *)head;

	in_order &= call->number == nr_called;
	fetch_add_seq_cst(&nr_called, 1);
}

static void ask(struct rove_srcu *dom, u32 first, u32 end)
{
	for (u32 i = first; i < end; i++) {
		calls[i].number = i;
		rove_srcu_call(dom, &calls[i].head, called);
	}
}

static void reset_calls(void)
{
	nr_called = 0;
	in_order = 1;
}

static bool batch_is_taken(struct rove_srcu *dom)
{
	bool taken;

	mutex_lock(&dom->call_lock);
	taken = dom->batch;
	mutex_unlock(&dom->call_lock);
	return taken;
}

/* Half of them the thread has taken, and waits with them; the others are queued. */
static void ask_all(struct rove_srcu *dom)
{
	ask(dom, 0, NR_CALLS / 2);
	while (!batch_is_taken(dom))
		sched_yield();
	ask(dom, NR_CALLS / 2, NR_CALLS);
}

TEST(srcu_fork, callbacks_that_are_waiting_are_called_on_both_sides_in_order)
{
	struct rove_srcu *dom = domain();
	struct reader other;
	pid_t child;

	SKIP_WITHOUT_THREADS_IN_A_CHILD();
	reset_calls();
	reader_start(&other, dom);
	ask_all(dom);
	child = fork_child();
	if (!child) {
		rove_srcu_barrier(dom);
		NEED(nr_called == NR_CALLS && in_order);
		rove_srcu_call(dom, &calls[0].head, called);
		rove_srcu_free(dom);
		NEED(nr_called == NR_CALLS + 1);
		_exit(0);
	}
	expect_child_is_content(child);
	EXPECT_EQ(nr_called, 0);
	reader_end(&other);
	rove_srcu_barrier(dom);
	EXPECT_TRUE(nr_called == NR_CALLS && in_order);
	rove_srcu_free(dom);
}

TEST(srcu_fork, a_child_without_a_thread_calls_them_when_the_domain_is_freed)
{
	struct rove_srcu *dom = domain();
	struct reader other;
	pid_t child;

	reset_calls();
	reader_start(&other, dom);
	ask_all(dom);
	child = fork_child();
	if (!child) {
		NEED(dom->thread_state == SRCU_THREAD_NONE);
		rove_srcu_free(dom);
		NEED(nr_called == NR_CALLS && in_order);
		_exit(0);
	}
	expect_child_is_content(child);
	reader_end(&other);
	rove_srcu_free(dom);
	EXPECT_TRUE(nr_called == NR_CALLS && in_order);
}

static void *wait_for_callbacks(void *arg)
{
	struct waiter *w = arg;

	rove_srcu_barrier(w->dom);
	store_release(&w->done, 1);
	return NULL;
}

static bool newest_is_not(struct rove_srcu *dom, const struct rove_srcu_head *head)
{
	bool other;

	mutex_lock(&dom->call_lock);
	other = dom->newest != head;
	mutex_unlock(&dom->call_lock);
	return other;
}

/* Its stack is not the child's: a new thread there may have it. */
TEST(srcu_fork, who_waits_for_callbacks_in_the_parent_is_forgotten)
{
	struct rove_srcu *dom = domain();
	struct waiter w = { .dom = dom };
	struct reader other;
	pid_t child;

	reset_calls();
	reader_start(&other, dom);
	ask_all(dom);
	EXPECT_EQ(pthread_create(&w.thread, NULL, wait_for_callbacks, &w), 0);
	while (!newest_is_not(dom, &calls[NR_CALLS - 1].head))
		sched_yield();
	child = fork_child();
	if (!child) {
		NEED(dom->newest == &calls[NR_CALLS - 1].head);
		rove_srcu_free(dom);
		NEED(nr_called == NR_CALLS && in_order && !w.done);
		_exit(0);
	}
	expect_child_is_content(child);
	reader_end(&other);
	pthread_join(w.thread, NULL);
	EXPECT_TRUE(nr_called == NR_CALLS && in_order);
	rove_srcu_free(dom);
}

static struct rove_srcu *forks_in;
static u32 child_of_callback;

/* The child goes on in here: the thread is its callback thread, and its only one. */
static void call_fork(struct rove_srcu_head *head)
{
	pid_t child = fork_child();

	if (!child) {
		int idx = rove_srcu_read_lock(forks_in);

		rove_srcu_read_unlock(forks_in, idx);
		rove_srcu_synchronize(forks_in);
		return;
	}
	store_release(&child_of_callback, child);
}

static void end_the_child(struct rove_srcu_head *head)
{
	if (!load_acquire(&child_of_callback))
		_exit(nr_called == 1 && in_order ? 0 : 1);
}

TEST(srcu_fork, a_callback_may_fork_and_the_child_calls_those_after_it)
{
	struct rove_srcu *dom = forks_in = domain();
	struct rove_srcu_head fork_now, end;
	struct reader other;

	SKIP_WITHOUT_THREADS_IN_A_CHILD();
	reset_calls();
	child_of_callback = 0;
	reader_start(&other, dom);
	rove_srcu_call(dom, &fork_now, call_fork);
	ask(dom, 0, 1);
	rove_srcu_call(dom, &end, end_the_child);
	reader_end(&other);
	rove_srcu_barrier(dom);
	expect_child_is_content(child_of_callback);
	EXPECT_EQ(nr_called, 1);
	rove_srcu_free(dom);
}

/* --- watched domains ----------------------------------------------------------------------- */

struct report {
	u32 nr, nr_nameless, tid, expected;
	int idx;
	pid_t child;
	struct rove_srcu *dom;
};

/* Told of the section that it then ends. */
static void end_section(void *arg, const struct rove_srcu_stall *stall)
{
	struct report *r = arg;

	if (stall->tid)
		r->tid = stall->tid;
	else
		r->nr_nameless++;
	if (!r->nr++)
		rove_srcu_read_unlock(r->dom, r->idx);
}

TEST(srcu_fork, a_stalled_reader_in_the_child_is_named_by_its_new_number_and_no_other)
{
	struct report report = { .dom = domain() };
	struct rove_srcu_watch_opts opts = {
		.size = sizeof(opts), .name = "watched", .timeout_ns = NSEC_PER_MSEC,
		.fn = end_section, .arg = &report,
	};
	struct reader other;
	pid_t child;

	EXPECT_EQ(rove_srcu_watch(report.dom, &opts), 0);
	reader_start(&other, report.dom);
	report.idx = rove_srcu_read_lock(report.dom);
	child = fork_child();
	if (!child) {
		rove_srcu_synchronize(report.dom);
		NEED(report.nr == 1 && report.tid == (u32)gettid() && !report.nr_nameless);
		rove_srcu_unwatch(report.dom);
		NEED(report.dom->nr_fast == report.dom->nr_slots);
		rove_srcu_synchronize(report.dom);
		_exit(0);
	}
	rove_srcu_read_unlock(report.dom, report.idx);
	expect_child_is_content(child);
	reader_end(&other);
	rove_srcu_free(report.dom);
}

/* Inside a grace period, with its lock held. */
static void fork_in_report(void *arg, const struct rove_srcu_stall *stall)
{
	struct report *r = arg;

	if (!r->nr++)
		store_release(&r->child, fork_child());
}

TEST(srcu_fork, who_is_told_of_a_stalled_reader_may_fork)
{
	struct report report = { .dom = domain(), .child = -1 };
	struct rove_srcu_watch_opts opts = {
		.size = sizeof(opts), .name = "watched", .timeout_ns = NSEC_PER_MSEC,
		.fn = fork_in_report, .arg = &report,
	};
	struct reader other;
	struct waiter w;

	EXPECT_EQ(rove_srcu_watch(report.dom, &opts), 0);
	reader_start(&other, report.dom);
	EXPECT_EQ(waiter_start(&w, report.dom), 0);
	while (load_acquire(&report.child) < 0)
		sched_yield();
	reader_end(&other);
	pthread_join(w.thread, NULL);
	expect_child_is_content(report.child);
	rove_srcu_free(report.dom);
}

TEST(srcu_fork, children_of_children_go_on_as_well)
{
	struct rove_srcu *dom = domain();
	int idx = rove_srcu_read_lock(dom);
	pid_t child;

	SKIP_WITHOUT_THREADS_IN_A_CHILD();
	reset_calls();
	ask(dom, 0, 1);
	child = fork_child();
	for (u32 i = 1; !child && i < NR_CALLS / 4; i++) {
		ask(dom, i, i + 1);
		child = fork_child();
		if (child) {
			int status = -1;

			NEED(waitpid(child, &status, 0) == child && !status);
			_exit(0);
		}
	}
	if (!child) {
		rove_srcu_read_unlock(dom, idx);
		rove_srcu_free(dom);
		NEED(nr_called == NR_CALLS / 4 && in_order);
		_exit(0);
	}
	expect_child_is_content(child);
	rove_srcu_read_unlock(dom, idx);
	rove_srcu_free(dom);
	EXPECT_EQ(nr_called, 1);
}

/* Nothing is prepared for the child, and nothing is held up in the parent. */
TEST(srcu_fork, a_handler_that_declares_itself_may_fork_for_exec)
{
	struct rove_srcu *dom = domain();
	pid_t child;

	ctx_nmi_enter();
	child = fork_child();
	if (!child)
		_exit(0);
	ctx_nmi_exit();
	expect_child_is_content(child);
	rove_srcu_synchronize(dom);
	rove_srcu_free(dom);
}
