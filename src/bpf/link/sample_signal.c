/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/link/sample_signal.c - the signal by which a thread learns that it was sampled
 *
 * A real-time signal, because only these say which descriptor they are about and are
 * not merged with others: the highest that the application leaves at its default, or
 * the one that it names.  Nothing is installed before the first program is attached.
 *
 * The kernel sends SIGIO instead when it cannot queue one more real-time signal, and
 * that ends a process which does not handle it; so an unused SIGIO is handled, too, and
 * does nothing.
 *
 * A thread that is ending has no samples any more, because no section can be begun in
 * it (bpf/map/rcu.c).
 *
 * Invariant: the handler runs with all signals blocked but those that report faults of
 *            its own, so no handler of the application's runs inside a program.
 */
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/context.h"
#include "base/mutex.h"
#include "bpf/link/perf.h"
#include "bpf/map/rcu.h"

#define KERNEL_SIGSET_BYTES 8
#define PATIENCE_NS (NSEC_PER_SEC / 10)

static const int fault_signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS };

static struct mutex signal_lock = MUTEX_INIT;	/* leaf */
static int signal_number;			/* under signal_lock; 0: none yet */

/* From a descriptor with F_SETSIG: nobody else can send these codes. */
static bool is_from_descriptor(const siginfo_t *info)
{
	return info->si_code >= POLL_IN && info->si_code <= POLL_HUP;
}

/* Somebody sent the signal by its number: what it would have done without us. */
static void as_if_not_handled(int number)
{
	const struct sigaction by_default = { .sa_handler = SIG_DFL };

	sigaction(number, &by_default, NULL);
	raise(number);
}

/* What the calling thread has had of the processor. */
static u64 thread_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (u64)ts.tv_sec * NSEC_PER_SEC + (u64)ts.tv_nsec;
}

/*
 * What came while the program ran, or while the application blocked the signal, is
 * told to the event's program as missed.  Events that come so fast that this does not
 * end leave the thread no time: they are silenced.
 */
static void miss_the_rest(int number)
{
	const struct timespec now = { 0 };
	u64 until_ns = thread_ns() + PATIENCE_NS;
	siginfo_t info;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, number);
	while (syscall(SYS_rt_sigtimedwait, &set, &info, &now, KERNEL_SIGSET_BYTES) == number) {
		if (is_from_descriptor(&info))
			perf_sample_missed(info.si_fd, thread_ns() > until_ns);
		else
			as_if_not_handled(number);
	}
}

/* The thread is at its end, and has had its last sample. */
static void block_for_good(int number, ucontext_t *uc)
{
	sigaddset(&uc->uc_sigmask, number);
}

static void sample_handler(int number, siginfo_t *info, void *uctx)
{
	int saved_errno = errno;

	if (!is_from_descriptor(info)) {
		as_if_not_handled(number);
	} else if (!map_rcu_may_begin()) {
		block_for_good(number, uctx);
	} else {
		perf_sample(info->si_fd, uctx);
		miss_the_rest(number);
	}
	errno = saved_errno;
}

static void lost_handler(int number)
{
}

static bool is_default(const struct sigaction *action)
{
	return !(action->sa_flags & SA_SIGINFO) && action->sa_handler == SIG_DFL;
}

static bool is_free(int number)
{
	struct sigaction action;

	return !sigaction(number, NULL, &action) && is_default(&action);
}

static bool is_ours(int number)
{
	struct sigaction action;

	return number && !sigaction(number, NULL, &action) && action.sa_flags & SA_SIGINFO &&
	       action.sa_sigaction == sample_handler;
}

static int install(int number)
{
	struct sigaction action = {
		.sa_sigaction = sample_handler,
		.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK,
	};

	sigfillset(&action.sa_mask);
	for (size_t i = 0; i < ARRAY_SIZE(fault_signals); i++)
		sigdelset(&action.sa_mask, fault_signals[i]);
	return sigaction(number, &action, NULL) ? -errno : 0;
}

static int highest_free(void)
{
	for (int number = SIGRTMAX; number >= SIGRTMIN; number--)
		if (is_free(number))
			return number;
	return 0;
}

static int get_locked(void)
{
	const struct sigaction ignore_lost = { .sa_handler = lost_handler, .sa_flags = SA_RESTART };
	int number, err;

	assert_held(&signal_lock);
	if (is_ours(signal_number))
		return signal_number;
	/* The application may have chosen it, or have taken it from us meanwhile. */
	number = signal_number && is_free(signal_number) ? signal_number : highest_free();
	if (!number)
		return -EBUSY;
	err = install(number);
	if (err)
		return err;
	if (is_free(SIGIO))
		sigaction(SIGIO, &ignore_lost, NULL);
	signal_number = number;
	return number;
}

/**
 * sample_signal_get - the signal to be sent for samples; its handler is installed
 *
 * Context: may sleep.
 * Return:  its number, or -EBUSY: the application handles or ignores all real-time signals.
 */
int sample_signal_get(void)
{
	int ret;

	ctx_may_sleep();
	mutex_lock(&signal_lock);
	ret = get_locked();
	mutex_unlock(&signal_lock);
	return ret;
}

static int choose_locked(int number)
{
	assert_held(&signal_lock);
	if (number == signal_number)
		return 0;
	if (number < SIGRTMIN || number > SIGRTMAX)
		return -EINVAL;
	if (!is_free(number))
		return -EBUSY;
	signal_number = number;
	return 0;
}

/**
 * sample_signal_choose - use this one for what is attached from now on
 * @number: a real-time signal; 0: only ask
 *
 * Context: may sleep.
 * Return:  the number in use; 0: none yet; -EINVAL: no real-time signal; -EBUSY: it is in use
 *          otherwise.
 */
int sample_signal_choose(int number)
{
	int ret = 0;

	ctx_may_sleep();
	mutex_lock(&signal_lock);
	if (number)
		ret = choose_locked(number);
	ret = ret ?: signal_number;
	mutex_unlock(&signal_lock);
	return ret;
}
