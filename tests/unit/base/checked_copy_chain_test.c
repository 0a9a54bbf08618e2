/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * checked_copy_chain_test.c - faults that are not ours belong to whom they belonged before
 *
 * Each case is a child of its own, in which the handlers are installed on top of
 * what the case has set up; so this program itself never installs them.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/checked_copy.h"
#include "tests/test.h"

#define PAGE 4096u
#define CAUGHT 40

static volatile u8 *hole;

static void real_fault(void)
{
	*hole = 1;
}

/* Return: the wait status of a child that runs @scenario after the rest is set up. */
static int status_of(void (*scenario)(void))
{
	struct rlimit no_core = { 0, 0 };
	int status;
	pid_t pid = fork();

	EXPECT_TRUE(pid >= 0);
	if (!pid) {
		setrlimit(RLIMIT_CORE, &no_core);
		hole = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		signal(SIGSEGV, SIG_DFL);
		signal(SIGBUS, SIG_DFL);
		alarm(20);
		scenario();
		_exit(0);
	}
	EXPECT_EQ(waitpid(pid, &status, 0), pid);
	return status;
}

static void expect_exit(int status, int code)
{
	EXPECT_TRUE(WIFEXITED(status));
	EXPECT_EQ(WEXITSTATUS(status), code);
}

static void expect_killed(int status, int sig)
{
	EXPECT_TRUE(WIFSIGNALED(status));
	EXPECT_EQ(WTERMSIG(status), sig);
}

/* Ours still work, whatever else is going on. */
static void expect_checked_read_works(void)
{
	u64 value;

	if (checked_load((u64)hole, 8, &value) != -EFAULT)
		_exit(99);
}

static void install(void)
{
	if (checked_copy_init())
		_exit(98);
	expect_checked_read_works();
}

static void default_and_fault(void)
{
	install();
	real_fault();
}

TEST(checked_copy, a_real_fault_still_kills)
{
	expect_killed(status_of(default_and_fault), SIGSEGV);
}

static void default_and_sent(void)
{
	install();
	kill(getpid(), SIGSEGV);
	pause();
}

TEST(checked_copy, a_sent_signal_still_kills)
{
	expect_killed(status_of(default_and_sent), SIGSEGV);
}

static void default_and_sent_bus(void)
{
	install();
	raise(SIGBUS);
}

TEST(checked_copy, a_sent_bus_error_still_kills)
{
	expect_killed(status_of(default_and_sent_bus), SIGBUS);
}

static void ignored_and_sent(void)
{
	signal(SIGSEGV, SIG_IGN);
	install();
	raise(SIGSEGV);
	expect_checked_read_works();
	_exit(CAUGHT);
}

TEST(checked_copy, an_ignored_signal_is_still_ignored)
{
	expect_exit(status_of(ignored_and_sent), CAUGHT);
}

static void ignored_and_fault(void)
{
	signal(SIGSEGV, SIG_IGN);
	install();
	real_fault();
}

TEST(checked_copy, a_real_fault_cannot_be_ignored)
{
	expect_killed(status_of(ignored_and_fault), SIGSEGV);
}

static void exit_simple(int sig)
{
	_exit(CAUGHT + sig);
}

static void simple_handler(void)
{
	struct sigaction sa = { .sa_handler = exit_simple };

	sigaction(SIGSEGV, &sa, NULL);
	install();
	real_fault();
}

TEST(checked_copy, a_simple_handler_is_called)
{
	expect_exit(status_of(simple_handler), CAUGHT + SIGSEGV);
}

static void read_and_exit(int sig)
{
	expect_checked_read_works();
	_exit(CAUGHT);
}

static void reading_handler(void)
{
	struct sigaction sa = { .sa_handler = read_and_exit, .sa_flags = SA_NODEFER };

	sigaction(SIGSEGV, &sa, NULL);
	install();
	real_fault();
}

TEST(checked_copy, a_handler_that_does_not_block_faults_may_do_checked_reads)
{
#ifdef __SANITIZE_THREAD__
	SKIP("ThreadSanitizer blocks all signals in every handler");
#endif
	expect_exit(status_of(reading_handler), CAUGHT);
}

static void exit_with_info(int sig, siginfo_t *info, void *uctx)
{
	_exit(info->si_addr == (void *)hole && info->si_signo == sig && uctx ? CAUGHT : 1);
}

static void info_handler(void)
{
	struct sigaction sa = { .sa_sigaction = exit_with_info, .sa_flags = SA_SIGINFO };

	sigaction(SIGSEGV, &sa, NULL);
	install();
	real_fault();
}

TEST(checked_copy, a_handler_with_siginfo_gets_the_address)
{
	expect_exit(status_of(info_handler), CAUGHT);
}

static sigjmp_buf again;

static void jump_out(int sig)
{
	siglongjmp(again, 1);
}

static void jumping_handler(void)
{
	struct sigaction sa = { .sa_handler = jump_out };
	volatile int nr_faults = 0;

	sigaction(SIGSEGV, &sa, NULL);
	install();
	if (sigsetjmp(again, 1))
		nr_faults++;
	if (nr_faults < 3)
		real_fault();
	expect_checked_read_works();
	_exit(CAUGHT);
}

TEST(checked_copy, a_handler_may_jump_out_again_and_again)
{
	expect_exit(status_of(jumping_handler), CAUGHT);
}

static void open_the_hole(int sig)
{
	mprotect((void *)hole, PAGE, PROT_READ | PROT_WRITE);
}

static void repairing_handler(void)
{
	struct sigaction sa = { .sa_handler = open_the_hole };

	sigaction(SIGSEGV, &sa, NULL);
	install();
	real_fault();
	_exit(*hole == 1 ? CAUGHT : 1);
}

TEST(checked_copy, a_handler_may_repair_and_return)
{
	expect_exit(status_of(repairing_handler), CAUGHT);
}

static void once_handler(void)
{
	struct sigaction sa = { .sa_handler = jump_out, .sa_flags = SA_RESETHAND | SA_NODEFER };

	sigaction(SIGSEGV, &sa, NULL);
	install();
	sigsetjmp(again, 1);
	real_fault();		/* the first one jumps back, the second one kills */
}

TEST(checked_copy, a_handler_for_once_is_called_once)
{
	expect_killed(status_of(once_handler), SIGSEGV);
}

static void expect_usr1_blocked(int sig)
{
	sigset_t blocked;

	sigprocmask(SIG_BLOCK, NULL, &blocked);
	_exit(sigismember(&blocked, SIGUSR1) && sigismember(&blocked, SIGSEGV) ? CAUGHT : 1);
}

static void masking_handler(void)
{
	struct sigaction sa = { .sa_handler = expect_usr1_blocked };

	sigaddset(&sa.sa_mask, SIGUSR1);
	sigaction(SIGSEGV, &sa, NULL);
	install();
	real_fault();
}

TEST(checked_copy, a_handler_runs_with_its_own_mask)
{
	expect_exit(status_of(masking_handler), CAUGHT);
}

static struct sigaction ours_as_seen;
static int nr_calls;

/* A good citizen: calls what was there before it. */
static void count_and_call_on(int sig, siginfo_t *info, void *uctx)
{
	if (++nr_calls > 10)
		_exit(97);	/* round and round */
	ours_as_seen.sa_sigaction(sig, info, uctx);
}

static void install_again_under_a_chaining_one(void)
{
	struct sigaction oldest = { .sa_handler = exit_simple };
	struct sigaction later = { .sa_sigaction = count_and_call_on, .sa_flags = SA_SIGINFO };

	sigaction(SIGSEGV, &oldest, NULL);
	install();
	sigaction(SIGSEGV, &later, &ours_as_seen);
	expect_checked_read_works();	/* through theirs */
	install();			/* in front of theirs */
	nr_calls = 0;
	real_fault();
}

TEST(checked_copy, installed_again_it_does_not_go_round_with_a_handler_that_calls_it)
{
	expect_exit(status_of(install_again_under_a_chaining_one), CAUGHT + SIGSEGV);
}

static void replaced_and_installed_again(void)
{
	struct sigaction theirs = { .sa_handler = jump_out };
	volatile int nr_faults = 0;

	install();
	sigaction(SIGSEGV, &theirs, NULL);
	install();
	if (sigsetjmp(again, 1))
		nr_faults++;
	if (nr_faults < 3)
		real_fault();
	expect_checked_read_works();
	_exit(CAUGHT);
}

TEST(checked_copy, a_handler_that_replaced_ours_is_the_next_previous_one)
{
	expect_exit(status_of(replaced_and_installed_again), CAUGHT);
}
