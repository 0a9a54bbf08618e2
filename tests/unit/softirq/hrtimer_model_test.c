/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * hrtimer_model_test.c - every interleaving of a small timer
 *
 * One timer; two writers with two operations each (a start for time 1 or 2, or a
 * cancel that does not wait), the thread, maybe somebody who cancels and waits and then
 * frees the timer, and a clock that may move on between any two steps.  A step is one access
 * that others can see; what the state becomes is computed by softirq/hrtimer_state.h
 * itself.  All reachable states are visited, for every choice of operations.
 *
 *	lost:	nobody has anything to do and the thread sleeps, but the timer is armed and
 *		the thread will look later than at its time
 *	early:	it is called before the time of the start that armed it
 *	ghost:	it is linked or touched when the one who waited, or the callback, has freed
 *		it; or a RESTART overrules a newer operation
 *	said:	a cancel said that the callback runs, or that it does not, and was wrong
 *
 * Each part of the protocol is left out in turn, and then such a state must be found.
 */
#include "softirq/hrtimer_state.h"
#include "tests/test.h"

#define NR_WRITERS 2
#define NR_OPS 2
#define LAST_NS 2
#define NOBODY 0xff
#define TABLE_SIZE (1u << 18)

struct variant {
	bool no_look_after_publish, no_look_before_sleep, no_rouse_when_taken_by_another,
	     arm_first, covered_by_expiry_of_idle_only, no_maybe, no_phase, no_take_at_fire,
	     restart_always, no_look_at_running;
};

enum { OP_NONE, OP_START_1, OP_START_2, OP_CANCEL, NR_OPERATIONS, OP_UNLESS_RUNNING };

enum writer_pc { W_NEXT, W_LOADED, W_PUSH, W_LOOK, W_WAKE, W_FOUND, W_NOT_RUNNING };
enum thread_pc { T_AWAKE, T_PLAN, T_CALLED, T_SLEEPY, T_ASLEEP };
enum other_pc { F_NONE, F_CANCEL, F_LOCK, F_WAIT, F_DONE, F_TAKE, F_BY_CALLBACK };

/* All bytes, so that states compare and hash as memory. */
struct state {
	/* The timer. */
	u8 expires, flags;	/* flags: the low byte of ctl */
	u8 in_list, key;	/* key: 0: not in the heap */
	u8 running;		/* enum hrt_running */
	/* The thread. */
	u8 pc, wake, asleep, restart_left, rouse_pending;
	u8 now;
	struct {
		u8 pc, op, seen_expires, seen_flags, before_flags;
		u8 overtaken;	/* by a start, since its cancel */
		u8 has_armed;	/* in this operation */
		u8 saw_call;	/* during an UNLESS_RUNNING */
		u8 nr_calls;	/* since it has seen the state */
	} writers[NR_WRITERS];
	u8 freer;
	u8 armed_by;		/* time of the newest start, for "early" */
	u8 newer;		/* than the call: an operation of a writer */
};

static struct state *table;
static u8 *table_used;
static u32 *todo, nr_todo;
static const char *found_bad;
static u8 ops[NR_WRITERS][NR_OPS];
static const struct variant *v;

static void visit(const struct state *s)
{
	u64 hash = 14695981039346656037ull;
	u32 at;

	for (size_t i = 0; i < sizeof(*s); i++)
		hash = (hash ^ ((const u8 *)s)[i]) * 1099511628211ull;
	for (at = (hash >> 32) % TABLE_SIZE; table_used[at]; at = (at + 1) % TABLE_SIZE) {
		if (!memcmp(&table[at], s, sizeof(*s)))
			return;
	}
	table[at] = *s;
	table_used[at] = 1;
	todo[nr_todo++] = at;
	if (nr_todo > TABLE_SIZE / 4 * 3) {
		fprintf(stderr, "the model outgrew its table\n");
		abort();
	}
}

static void bad(const char *what)
{
	found_bad = what;
}

static struct hrt_state get(const struct state *s)
{
	return (struct hrt_state){ .expires_ns = s->expires, .ctl = s->flags };
}

static void put(struct state *s, struct hrt_state next)
{
	s->expires = next.expires_ns;
	s->flags = next.ctl;
}

static void touch(const struct state *s)
{
	if (s->freer == F_DONE)
		bad("ghost: touched after it was freed");
}

static void rouse(struct state *s)
{
	if (s->asleep) {
		s->asleep = 0;
		s->rouse_pending = 1;
	}
}

static void rouse_by(struct state *s, u8 limit)
{
	if (limit < s->wake)
		rouse(s);
}

static void armed(struct state *s, u8 time)
{
	s->armed_by = time;
	for (int w = 0; w < NR_WRITERS; w++)
		s->writers[w].overtaken = s->writers[w].pc == W_FOUND;
}

/* --- a writer ------------------------------------------------------------------------------ */

static void writer_done(struct state *s, int w)
{
	s->writers[w].pc = W_NEXT;
	s->writers[w].op++;
	s->writers[w].seen_expires = s->writers[w].seen_flags = s->writers[w].before_flags = 0;
	s->writers[w].has_armed = s->writers[w].saw_call = s->writers[w].nr_calls = 0;
}

/* The exchange: it fails, and the state is read again, if it has changed. */
static bool exchange(struct state *s, int w, struct hrt_state next)
{
	if (s->expires != s->writers[w].seen_expires || s->flags != s->writers[w].seen_flags) {
		s->writers[w].seen_expires = s->expires;
		s->writers[w].seen_flags = s->flags;
		return false;
	}
	put(s, next);
	return true;
}

static enum hrt_step start_step(struct hrt_state seen, struct hrt_state want,
				 struct hrt_state *next)
{
	enum hrt_step step = hrt_start(seen, want, next);

	if (v->arm_first && step == HRT_PUBLISH) {
		*next = want;
		next->ctl |= HRT_ARMED | HRT_PUBLISHED | (seen.ctl & HRT_LINKED);
	}
	if (v->covered_by_expiry_of_idle_only && step != HRT_COVERED && (seen.ctl & HRT_QUEUED)) {
		*next = want;
		next->ctl |= HRT_ARMED | (seen.ctl & HRT_LINKED);
		return HRT_COVERED;
	}
	return step;
}

static void start_exchange(struct state *s, int w, u8 time)
{
	struct hrt_state seen = { s->writers[w].seen_expires, s->writers[w].seen_flags }, next;
	enum hrt_step step = start_step(seen, (struct hrt_state){ .expires_ns = time }, &next);

	if (!exchange(s, w, next))
		return;
	if (step != HRT_PUBLISH || v->arm_first) {
		armed(s, time);
		s->writers[w].has_armed = s->newer = 1;
	}
	if (step == HRT_PUBLISH)
		s->writers[w].pc = W_PUSH;
	else if (step == HRT_WAKE)
		s->writers[w].pc = W_WAKE;
	else
		writer_done(s, w);
}

/* hrtimer_cancel_unless_running(), from its look at what runs on. */
static void unless_running_step(struct state *s, int w)
{
	struct hrt_state seen = { s->writers[w].seen_expires, s->writers[w].seen_flags };

	if (s->writers[w].pc == W_LOADED) {
		s->writers[w].pc = W_NOT_RUNNING;
		if (v->no_look_at_running || hrt_cancel_found(seen, s->running) >= 0)
			return;
		if (!s->writers[w].saw_call)
			bad("said: -1, but nothing was called meanwhile");
		writer_done(s, w);
		return;
	}
	s->writers[w].pc = W_LOADED;
	if (!exchange(s, w, hrt_cancel(seen))) {
		s->writers[w].nr_calls = 0;
		return;
	}
	/* Two calls and a start for the same time: it says so itself. */
	if (s->pc == T_CALLED && s->writers[w].nr_calls < 2)
		bad("said: not -1, but the callback is being called");
	s->newer = 1;
	writer_done(s, w);
}

static void writer_step(struct state *s, int w)
{
	u8 op = ops[w][s->writers[w].op], time = op;	/* OP_START_n is for time n */
	struct hrt_state seen;

	switch (s->writers[w].pc) {
	case W_NEXT:
		s->writers[w].seen_expires = s->expires;
		s->writers[w].seen_flags = s->flags;
		s->writers[w].pc = W_LOADED;
		s->writers[w].saw_call = op == OP_UNLESS_RUNNING && s->pc == T_CALLED;
		return;
	case W_NOT_RUNNING:
		unless_running_step(s, w);
		return;
	case W_LOADED:
		if (op == OP_UNLESS_RUNNING) {
			unless_running_step(s, w);
			return;
		}
		if (op != OP_CANCEL) {
			start_exchange(s, w, time);
			return;
		}
		seen = (struct hrt_state){ s->writers[w].seen_expires, s->writers[w].seen_flags };
		if (!exchange(s, w, hrt_cancel(seen)))
			return;
		s->writers[w].before_flags = seen.ctl;
		s->newer = 1;
		s->writers[w].pc = W_FOUND;
		return;
	case W_PUSH:
		touch(s);
		s->in_list = 1;
		s->writers[w].pc = W_LOOK;
		return;
	case W_LOOK:
		touch(s);
		if (!v->no_look_after_publish && (s->flags & HRT_ARMED))
			rouse_by(s, s->expires);
		s->writers[w].seen_expires = s->expires;
		s->writers[w].seen_flags = s->flags;
		s->writers[w].pc = v->arm_first ? W_WAKE : W_LOADED;
		return;
	case W_WAKE:
		rouse_by(s, time);
		writer_done(s, w);
		return;
	}
}

/*
 * What a cancel says against what is so: the callback is being called, in the eyes of
 * everybody, in T_CALLED and from the exchange that fires.
 */
static void writer_found(struct state *s, int w)
{
	struct hrt_state before = { .ctl = s->writers[w].before_flags };
	int found = hrt_cancel_found(before, s->running);

	if (v->no_phase)
		found = s->running != HRT_RUNS_NOT ? -1 : (before.ctl & HRT_ARMED) != 0;
	/* With a start after the cancel both answers have been true. */
	if (!s->writers[w].overtaken && found == -1 && s->pc != T_CALLED)
		bad("said: -1, but nothing is being called");
	if (!s->writers[w].overtaken && found != -1 && s->pc == T_CALLED)
		bad("said: not -1, but the callback is being called");
	s->writers[w].overtaken = 0;
	writer_done(s, w);
}

/* --- the thread ---------------------------------------------------------------------------- */

/* Under the lock, so without steps in between, but the timer's state is shared: one exchange. */
static void take_change(struct state *s, bool is_thread)
{
	struct hrt_state next;

	if (!s->in_list)
		return;
	touch(s);
	s->in_list = 0;
	next = hrt_take(get(s));
	put(s, next);
	if (!(next.ctl & HRT_QUEUED)) {
		s->key = 0;
		return;
	}
	if (!s->key || s->key > hrt_limit(next))
		s->key = hrt_limit(next);
	if (!is_thread && !v->no_rouse_when_taken_by_another)
		rouse_by(s, s->key);
}

static void fire(struct state *s)
{
	if (s->now < s->armed_by)
		bad("early");
	s->pc = T_CALLED;
	s->newer = 0;
	for (int w = 0; w < NR_WRITERS; w++)
		if (s->writers[w].pc != W_NEXT && s->writers[w].op < NR_OPS &&
		    ops[w][s->writers[w].op] == OP_UNLESS_RUNNING) {
			s->writers[w].saw_call = 1;
			s->writers[w].nr_calls = min(s->writers[w].nr_calls + 1, 2);
		}
	if ((s->flags & HRT_PUBLISHED) && !v->no_take_at_fire)
		take_change(s, true);
}

/* Two steps: what may be called is named, then the exchange decides. */
static void look_at_first(struct state *s)
{
	struct hrt_state next;
	enum hrt_due due = hrt_look(get(s), s->now, &next);

	touch(s);
	if (due == HRT_FIRE && s->running == HRT_RUNS_NOT && !v->no_maybe) {
		s->running = hrt_maybe(get(s));
		return;
	}
	s->key = due == HRT_LATER ? hrt_limit(next) : 0;
	put(s, next);
	if (due == HRT_FIRE)
		fire(s);
	else
		s->running = HRT_RUNS_NOT;
}

/* Who has started it and does nothing more has given it to the callback. */
static bool callback_may_free(const struct state *s)
{
	for (int w = 0; w < NR_WRITERS; w++) {
		u8 op = s->writers[w].op;

		if (op < NR_OPS && ops[w][op] != OP_NONE &&
		    !(s->writers[w].has_armed && (op + 1 == NR_OPS || ops[w][op + 1] == OP_NONE)))
			return false;
	}
	return s->freer == F_BY_CALLBACK && !s->newer;
}

static void end_call(struct state *s)
{
	struct hrt_state next;

	if (callback_may_free(s)) {
		s->freer = F_DONE;
		if (s->in_list || s->key)
			bad("ghost: still linked when its callback frees it");
	} else if (s->restart_left) {
		s->restart_left = 0;
		touch(s);
		if (hrt_restart(get(s), s->expires, &next) || v->restart_always) {
			if (s->newer)
				bad("ghost: a restart overruled a newer operation");
			if (v->restart_always)
				next.ctl |= HRT_ARMED | HRT_QUEUED;
			put(s, next);
			armed(s, s->expires);
			if (next.ctl & HRT_QUEUED)
				s->key = hrt_limit(next);
		}
	}
	s->running = HRT_RUNS_NOT;
	s->pc = T_AWAKE;
}

static void thread_step(struct state *s)
{
	switch (s->pc) {
	case T_AWAKE:
		if (s->in_list && s->running == HRT_RUNS_NOT)
			take_change(s, true);
		else if (s->key && (s->key <= s->now || s->running != HRT_RUNS_NOT))
			look_at_first(s);
		else
			s->pc = T_PLAN;
		return;
	case T_PLAN:	/* under the same lock */
		s->asleep = 1;
		s->wake = s->key ?: NOBODY;
		s->pc = T_SLEEPY;
		return;
	case T_CALLED:
		if (s->running != HRT_RUNS)
			s->running = HRT_RUNS;
		else
			end_call(s);
		return;
	case T_SLEEPY:
		s->pc = s->in_list && !v->no_look_before_sleep ? T_AWAKE : T_ASLEEP;
		if (s->pc == T_ASLEEP)
			return;
		break;
	case T_ASLEEP:
		s->pc = T_AWAKE;
		break;
	}
	s->asleep = s->wake = s->rouse_pending = 0;
}

static bool thread_can_step(const struct state *s)
{
	return s->pc != T_ASLEEP || s->rouse_pending || s->wake <= s->now;
}

/* --- who waits and frees, or empties the list for another timer's sake ----------------------- */

static void freer_step(struct state *s)
{
	struct hrt_state next;

	switch (s->freer) {
	case F_CANCEL:
		s->freer = s->flags & HRT_LINKED ? F_LOCK : F_WAIT;
		put(s, hrt_cancel(get(s)));
		return;
	case F_LOCK:	/* not while the thread is looking at it, which is under the lock */
		take_change(s, false);
		next = get(s);
		if (!(next.ctl & HRT_ARMED) && (next.ctl & HRT_QUEUED)) {
			s->key = 0;
			put(s, hrt_unqueue(next));
		}
		s->freer = F_WAIT;
		return;
	case F_TAKE:
		take_change(s, false);
		s->freer = F_NONE;
		return;
	case F_WAIT:	/* only when nothing runs; if something did, once more from the start */
		s->freer = F_DONE;
		return;
	}
}

static bool freer_can_step(const struct state *s)
{
	switch (s->freer) {
	case F_CANCEL:	/* nobody may start what is about to be freed */
		return s->writers[0].op == NR_OPS && s->writers[1].op == NR_OPS;
	case F_LOCK:
	case F_TAKE:
		return s->pc != T_PLAN && (s->running == HRT_RUNS_NOT || s->running == HRT_RUNS);
	case F_WAIT:
		return s->running == HRT_RUNS_NOT;
	}
	return false;
}

/* --- all of it ------------------------------------------------------------------------------ */

/* Also when a writer stands still, but for the few steps in which it publishes. */
static void check_lost(const struct state *s)
{
	for (int w = 0; w < NR_WRITERS; w++) {
		u8 pc = s->writers[w].pc;

		if (pc == W_PUSH || pc == W_LOOK || pc == W_WAKE)
			return;
	}
	if (s->pc != T_ASLEEP || s->rouse_pending || s->freer == F_LOCK)
		return;
	if ((s->flags & HRT_ARMED) && s->wake > s->expires)
		bad("lost");
}

static void visit_successors(const struct state *s)
{
	struct state next;

	check_lost(s);
	if (s->now < LAST_NS) {
		next = *s;
		next.now++;
		visit(&next);
	}
	for (int w = 0; w < NR_WRITERS; w++) {
		if (s->writers[w].op == NR_OPS)
			continue;
		next = *s;
		if (ops[w][s->writers[w].op] == OP_NONE)
			next.writers[w].op = NR_OPS;
		else if (s->writers[w].pc == W_FOUND)
			writer_found(&next, w);
		else
			writer_step(&next, w);
		visit(&next);
	}
	if (thread_can_step(s)) {
		next = *s;
		thread_step(&next);
		visit(&next);
	}
	if (freer_can_step(s)) {
		next = *s;
		freer_step(&next);
		visit(&next);
	}
}

static u32 explore(u8 other, bool with_restart)
{
	struct state first = { .running = HRT_RUNS_NOT, .freer = other, .restart_left = with_restart };

	memset(table_used, 0, TABLE_SIZE);
	nr_todo = 0;
	visit(&first);
	for (u32 i = 0; i < nr_todo && !found_bad; i++) {
		struct state s = table[todo[i]];

		visit_successors(&s);
	}
	return nr_todo;
}

/* Every choice of operations. */
static const char *whats_broken(const struct variant *variant, bool unless_running,
				u64 *ret_nr_states)
{
	u32 nr_choices = NR_OPERATIONS * NR_OPERATIONS * NR_OPERATIONS * NR_OPERATIONS;

	v = variant;
	table = calloc(TABLE_SIZE, sizeof(*table));
	table_used = calloc(TABLE_SIZE, 1);
	todo = calloc(TABLE_SIZE, sizeof(*todo));
	EXPECT_TRUE(table && table_used && todo);
	found_bad = NULL;
	*ret_nr_states = 0;
	for (u32 choice = 0; choice < nr_choices * 8 && !found_bad; choice++) {
		static const u8 others[] = { F_NONE, F_CANCEL, F_TAKE, F_BY_CALLBACK };
		u32 rest = choice / 8;

		for (int i = 0; i < NR_WRITERS * NR_OPS; i++, rest /= NR_OPERATIONS)
			ops[i / NR_OPS][i % NR_OPS] = rest % NR_OPERATIONS;
		/* In place of the last operation of the second writer. */
		if (unless_running && ops[1][1] != OP_NONE)
			continue;
		if (unless_running)
			ops[1][ops[1][0] != OP_NONE] = OP_UNLESS_RUNNING;
		else if (ops[0][0] == OP_NONE || memcmp(ops[0], ops[1], NR_OPS) < 0)
			continue;	/* nothing, or the same with the writers exchanged */
		*ret_nr_states += explore(others[choice / 2 % 4], choice & 1);
	}
	free(table);
	free(table_used);
	free(todo);
	return found_bad;
}

static const char *try_with(struct variant variant, bool unless_running, const char *name)
{
	u64 nr_states;
	const char *broken = whats_broken(&variant, unless_running, &nr_states);

	printf("# %s: %s after %llu states\n", name, broken ?: "sound",
	       (unsigned long long)nr_states);
	return broken;
}

static const char *try(struct variant variant, const char *name)
{
	return try_with(variant, false, name);
}

/* @part: what is left out, or done in its place. */
#define BROKEN_WITHOUT(part) EXPECT_TRUE(try((struct variant){ .part = true }, #part))

TEST(hrtimer_model, no_interleaving_loses_or_invents_a_call)
{
	EXPECT_PTR_EQ(try((struct variant){ .no_maybe = false }, "the protocol"), NULL);
}

TEST(hrtimer_model, who_publishes_must_look_for_others)
{
	BROKEN_WITHOUT(no_look_after_publish);
}

TEST(hrtimer_model, the_thread_must_look_once_more_before_it_sleeps)
{
	BROKEN_WITHOUT(no_look_before_sleep);
}

TEST(hrtimer_model, who_empties_the_list_for_the_thread_must_wake_it)
{
	BROKEN_WITHOUT(no_rouse_when_taken_by_another);
}

TEST(hrtimer_model, only_what_is_not_earlier_is_covered)
{
	BROKEN_WITHOUT(covered_by_expiry_of_idle_only);
}

TEST(hrtimer_model, a_call_is_announced_before_the_exchange)
{
	BROKEN_WITHOUT(no_maybe);
}

TEST(hrtimer_model, an_announced_call_is_believed_only_if_it_fired)
{
	BROKEN_WITHOUT(no_phase);
}

TEST(hrtimer_model, arming_is_the_last_time_that_a_start_touches_it)
{
	BROKEN_WITHOUT(arm_first);
}

TEST(hrtimer_model, a_restart_yields_to_newer_operations)
{
	BROKEN_WITHOUT(restart_always);
}

TEST(hrtimer_model, what_fires_must_be_off_the_list)
{
	BROKEN_WITHOUT(no_take_at_fire);
}

TEST(hrtimer_model, a_cancel_unless_it_runs_changes_nothing_while_it_runs)
{
	EXPECT_PTR_EQ(try_with((struct variant){ .no_maybe = false }, true, "unless running"), NULL);
}

TEST(hrtimer_model, and_must_look_before_its_exchange)
{
	EXPECT_TRUE(try_with((struct variant){ .no_look_at_running = true }, true,
			     "no_look_at_running"));
}
