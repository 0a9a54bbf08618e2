/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * softirq/hrtimer_state.h - what each operation makes of a timer's state
 *
 * The whole of what callers want of a timer, and where it is linked, is one pair of
 * words, changed by one exchange.  So the newest operation wins whole, and each
 * function here maps the state before to the state after and to what its caller must
 * do next.  Pure: the tests run every interleaving of them.
 *
 * Words:   the time (never called before it), and flags, CPU and slack.
 * Terms:   the limit is time plus slack; the key is the queue's, under its lock.
 *
 * Invariant (covered): ARMED implies PUBLISHED, or QUEUED with a key no later than the
 *          limit, or than the time at which it was queued: then the thread is awake, or about
 *          to wake.  QUEUED without PUBLISHED implies that key even when not ARMED.
 *          "Is queued" counts from the exchange on: whoever has made it holds the queue's
 *          lock until the queue agrees.
 *
 *          Therefore a start that does not make the limit earlier need tell nobody; the
 *          queue's key may be too early, and then the thread looks in vain and queues it
 *          again.  A cancel never tells anybody, and keeps time and slack, so that the
 *          next start still knows what limit is covered.
 *
 * Two steps: a start that must tell somebody first sets PUBLISHED and adds the timer to
 *          the list, and arms it afterwards.  Arming is the last time it touches the timer,
 *          because from then on the callback may run, and free it.  Another start in
 *          between finds it PUBLISHED and arms it at once; the first, when it has added
 *          it, looks whether the thread must be woken for that.
 *
 * Who:     PUBLISHED is set by a start and cleared by whoever has taken the timer from the
 *          list.  QUEUED is changed under the queue's lock only.  CANCELLED says that a
 *          cancel came after the callback was begun or the last start: a RESTART does not
 *          overrule it.  PHASE changes with every
 *          call, and with nothing else.  GENERATION is that of the process, by forks, in
 *          which the state was made: another's is idle (hrtimer_read()); they come again
 *          after 32 forks, each by the child of the one before.
 */
#ifndef ROVE_SOFTIRQ_HRTIMER_STATE_H
#define ROVE_SOFTIRQ_HRTIMER_STATE_H

#include "base/types.h"

#define HRT_ARMED ((u64)1 << 0)
#define HRT_CANCELLED ((u64)1 << 1)
#define HRT_PUBLISHED ((u64)1 << 2)	/* in the list of changes, or about to be */
#define HRT_QUEUED ((u64)1 << 3)	/* in the queue, or about to be */
#define HRT_PHASE ((u64)1 << 4)
#define HRT_LINKED (HRT_PUBLISHED | HRT_QUEUED)

#define HRT_GENERATION_ONE ((u64)1 << 5)
#define HRT_GENERATION ((u64)0x1f << 5)

#define HRT_CPU_SHIFT 10		/* 14 bits: the CPU plus 1, or 0 */
#define HRT_CPU_MAX 0x3fff
#define HRT_CPU_MASK ((u64)HRT_CPU_MAX << HRT_CPU_SHIFT)
#define HRT_SLACK_SHIFT 24		/* 40 bits: ns */
#define HRT_SLACK_MASK (~(u64)0 << HRT_SLACK_SHIFT)

#define HRT_NEVER ((u64)INT64_MAX)

struct hrt_state {
	u64 expires_ns;
	u64 ctl;
};

/* When the thread must have looked at it. */
static inline u64 hrt_limit(struct hrt_state s)
{
	u64 limit = s.expires_ns + (s.ctl >> HRT_SLACK_SHIFT);

	return limit < HRT_NEVER ? limit : HRT_NEVER;
}

static inline int hrt_cpu(struct hrt_state s)
{
	return (int)((s.ctl & HRT_CPU_MASK) >> HRT_CPU_SHIFT) - 1;
}

enum hrt_step {
	HRT_COVERED,	/* armed, and the thread will look in time */
	HRT_WAKE,	/* armed; the thread may have to be woken */
	HRT_PUBLISH,	/* not yet: add it to the list of changes, then start again */
};

/* Arm.  @want has the time, and CPU and slack in ctl. */
static inline enum hrt_step hrt_start(struct hrt_state s, struct hrt_state want,
				      struct hrt_state *next)
{
	bool covered = (s.ctl & HRT_LINKED) == HRT_QUEUED && hrt_limit(want) >= hrt_limit(s);

	if (!covered && !(s.ctl & HRT_PUBLISHED)) {
		*next = s;
		next->ctl |= HRT_PUBLISHED;
		return HRT_PUBLISH;
	}
	*next = want;
	next->ctl |= HRT_ARMED | (s.ctl & (HRT_LINKED | HRT_PHASE | HRT_GENERATION));
	return covered ? HRT_COVERED : HRT_WAKE;
}

static inline struct hrt_state hrt_cancel(struct hrt_state s)
{
	s.ctl = (s.ctl & ~HRT_ARMED) | HRT_CANCELLED;
	return s;
}

/*
 * What the thread says of the timer that it is about to call: before the exchange that fires,
 * with the phase before it; and after it.  The first three fit below an address.
 */
enum hrt_running {
	HRT_RUNS = 0,
	HRT_RUNS_MAYBE_0 = 1,
	HRT_RUNS_MAYBE_1 = 3,
	HRT_RUNS_NOT = 4,
};

static inline enum hrt_running hrt_maybe(struct hrt_state s)
{
	return s.ctl & HRT_PHASE ? HRT_RUNS_MAYBE_1 : HRT_RUNS_MAYBE_0;
}

/*
 * What a cancel has found.  @before: the state that hrt_cancel() was given; @running: looked
 * at afterwards.  "Maybe" had come to a call if and only if the phase had changed.
 */
static inline int hrt_cancel_found(struct hrt_state before, enum hrt_running running)
{
	bool was_called = running == HRT_RUNS ||
			  (running != HRT_RUNS_NOT && running != hrt_maybe(before));

	return was_called ? -1 : (before.ctl & HRT_ARMED) != 0;
}

/*
 * Taken from the list of changes, under the queue's lock.  If QUEUED afterwards, the key
 * must be no later than hrt_limit(); else it must not be in the queue, and is let go of.
 */
static inline struct hrt_state hrt_take(struct hrt_state s)
{
	s.ctl &= ~HRT_LINKED;
	if (s.ctl & HRT_ARMED)
		s.ctl |= HRT_QUEUED;
	return s;
}

enum hrt_due {
	HRT_DROP,	/* not armed: let go of it */
	HRT_LATER,	/* armed, for later: queue it again; the state stays */
	HRT_FIRE,	/* call the callback; but first take it from the list, if PUBLISHED */
};

/* The first of the queue, under its lock.  *@next is for DROP and FIRE. */
static inline enum hrt_due hrt_look(struct hrt_state s, u64 now_ns, struct hrt_state *next)
{
	*next = s;
	if (!(s.ctl & HRT_ARMED)) {
		next->ctl &= ~HRT_QUEUED;
		return HRT_DROP;
	}
	if (s.expires_ns > now_ns)
		return HRT_LATER;
	next->ctl &= ~(HRT_ARMED | HRT_QUEUED);
	next->ctl ^= HRT_PHASE;
	return HRT_FIRE;
}

/*
 * The callback said RESTART, under the queue's lock.  False: a newer operation stands.
 * A start that is about to publish will find it armed; else it goes into the queue.
 */
static inline bool hrt_restart(struct hrt_state s, u64 expires_ns, struct hrt_state *next)
{
	*next = s;
	if (s.ctl & (HRT_ARMED | HRT_CANCELLED))
		return false;
	next->expires_ns = expires_ns;
	next->ctl |= HRT_ARMED | (s.ctl & HRT_PUBLISHED ? 0 : HRT_QUEUED);
	return true;
}

/* Taken out of the queue by a cancel that waits, under the queue's lock. */
static inline struct hrt_state hrt_unqueue(struct hrt_state s)
{
	s.ctl &= ~HRT_QUEUED;
	return s;
}

#endif
