/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * base/checked_copy.c - read any address, and survive
 *
 * Ordering: checked.publish -> checked.observe (docs/memory-model.md).
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "base/atomic.h"
#include "base/checked_copy.h"
#include "base/context.h"
#include "base/mutex.h"

#define SMALLEST_PAGE 4096u

extern const struct checked_fault __start_rove_ex_table[] __attribute__((visibility("hidden")));
extern const struct checked_fault __stop_rove_ex_table[] __attribute__((visibility("hidden")));

/*
 * Whom the other faults of a signal belong to.  The application may replace our
 * handler and, knowing it or not, call it from its own; so there may be several.
 *
 * I  set before the list shows it, never changed
 * A  atomic
 */
struct fault_previous {
	struct sigaction	action;		/* I */
	struct fault_previous	*older;		/* I: what was there before that; NULL: nothing */
	bool			spent;		/* A: it asked to be called once, and was */
};

static struct fault_signal {
	int			number;		/* I */
	struct fault_previous	*newest;	/* A: NULL until installed */
} fault_signals[] = {
	{ .number = SIGSEGV },
	{ .number = SIGBUS },
};

/* The call of a previous handler that this thread is in, or jumped out of. */
static __thread struct fault_call {
	const void	*uctx;
	const char	*frame;
	u32		level;
} fault_call __attribute__((tls_model("initial-exec")));

static const struct sigaction action_default = { .sa_handler = SIG_DFL };
static struct mutex init_lock = MUTEX_INIT;	/* leaf */

static u64 *fault_pc(void *uctx)
{
	ucontext_t *uc = uctx;

#if defined(__x86_64__)
	return (u64 *)&uc->uc_mcontext.gregs[REG_RIP];
#else
	return (u64 *)&uc->uc_mcontext.pc;
#endif
}

/* Few rows, and a signal costs more than all of them: no need to sort. */
static bool fault_is_ours(u64 pc, u64 *ret_fixup)
{
	const struct checked_fault *row;

	for (row = __start_rove_ex_table; row < __stop_rove_ex_table; row++) {
		if ((u64)&row->insn + (s64)row->insn != pc)
			continue;
		*ret_fixup = (u64)&row->fixup + (s64)row->fixup;
		return true;
	}
	return false;
}

/*
 * As if we were not here.  A fault comes again when the handler returns, and
 * then kills; a signal somebody sent must be sent again.
 */
static void fault_default(int sig, const siginfo_t *info)
{
	sigaction(sig, &action_default, NULL);
	if (info->si_code <= 0)
		raise(sig);
}

static void fault_pass_on(const struct sigaction *to, int sig, siginfo_t *info, void *uctx)
{
	if (to->sa_flags & SA_SIGINFO)
		to->sa_sigaction(sig, info, uctx);
	else if (to->sa_handler == SIG_DFL)
		fault_default(sig, info);
	else if (to->sa_handler != SIG_IGN)
		to->sa_handler(sig);
	else if (info->si_code > 0)	/* the kernel does not let a fault be ignored */
		fault_default(sig, info);
}

/*
 * How many handlers have passed this very signal on to us.  One that was called
 * from here and calls us has our context and a frame deeper than ours was.  One
 * that jumped out leaves a record too, but the next signal's frame, if its context
 * lies at the same place, is at the same depth.
 */
static u32 fault_level(const void *uctx, const char *frame)
{
	bool from_here = fault_call.uctx == uctx && frame < fault_call.frame;

	return from_here ? fault_call.level + 1 : 0;
}

static void fault_chain(struct fault_signal *fs, siginfo_t *info, void *uctx, const char *frame)
{
	struct fault_call outer = fault_call;
	u32 level = fault_level(uctx, frame);
	/*
	 * ORDER checked.observe (acquire): the action is read after the pointer
	 * to it.  Pairs with checked.publish in fault_remember().
	 */
	struct fault_previous *previous = load_acquire(&fs->newest);

	for (u32 i = 0; i < level && previous; i++)
		previous = previous->older;
	if (!previous || READ_ONCE(previous->spent)) {
		fault_default(fs->number, info);
		return;
	}
	if (previous->action.sa_flags & SA_RESETHAND)
		WRITE_ONCE(previous->spent, true);
	fault_call = (struct fault_call){ .uctx = uctx, .frame = frame, .level = level };
	fault_pass_on(&previous->action, fs->number, info, uctx);
	fault_call = outer;
}

static void fault_handler(int sig, siginfo_t *info, void *uctx)
{
	struct fault_signal *fs = &fault_signals[sig == SIGBUS];
	u64 *pc = fault_pc(uctx);
	int saved = errno;

	if (info->si_code <= 0 || !fault_is_ours(*pc, pc))
		fault_chain(fs, info, uctx, __builtin_frame_address(0));
	errno = saved;
}

static bool is_function(const struct sigaction *action)
{
	return (action->sa_flags & SA_SIGINFO) ||
	       (action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN);
}

static bool is_ours(const struct sigaction *action)
{
	return (action->sa_flags & SA_SIGINFO) && action->sa_sigaction == fault_handler;
}

/* sa_handler and sa_sigaction are one word. */
static bool same_action(const struct sigaction *a, const struct sigaction *b)
{
	return a->sa_handler == b->sa_handler && a->sa_flags == b->sa_flags;
}

/*
 * Ours blocks what the previous one blocked and runs on the stack it ran on, so
 * that it notices no difference when it is called.
 */
static struct sigaction fault_action(const struct sigaction *previous)
{
	struct sigaction ours = {
		.sa_sigaction = fault_handler,
		.sa_flags = SA_SIGINFO,
	};

	if (is_function(previous)) {
		ours.sa_mask = previous->sa_mask;
		ours.sa_flags |= previous->sa_flags & (SA_NODEFER | SA_RESTART | SA_ONSTACK);
	} else {
		sigemptyset(&ours.sa_mask);
		ours.sa_flags |= SA_ONSTACK | SA_RESTART;
	}
	return ours;
}

/* Entries are never freed: a handler may be reading them. */
static int fault_remember(struct fault_signal *fs, const struct sigaction *action)
{
	struct fault_previous *newest = fs->newest, *entry;

	assert_held(&init_lock);
	if (newest && !READ_ONCE(newest->spent) && same_action(&newest->action, action))
		return 0;
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return -ENOMEM;
	entry->action = *action;
	entry->older = newest;
	/*
	 * ORDER checked.publish (release): the action comes before the pointer
	 * to it; a fault may happen as soon as ours is installed.  Pairs with
	 * checked.observe in fault_chain().
	 */
	store_release(&fs->newest, entry);
	return 0;
}

static int fault_install(struct fault_signal *fs)
{
	struct sigaction present, replaced, ours;
	int err;

	if (sigaction(fs->number, NULL, &present))
		return -errno;
	if (is_ours(&present))
		return 0;
	err = fault_remember(fs, &present);
	if (err)
		return err;
	ours = fault_action(&present);
	if (sigaction(fs->number, &ours, &replaced))
		return -errno;
	/* Somebody may have changed it in between: theirs counts. */
	return is_ours(&replaced) ? 0 : fault_remember(fs, &replaced);
}

/**
 * checked_copy_init - catch faults of checked reads from now on
 *
 * Call it whenever a program is loaded: if the application has replaced the
 * handlers meanwhile, they are installed again, in front of the application's.
 *
 * Context: may sleep.
 * Return:  0, -ENOMEM, or what sigaction() says.
 */
int checked_copy_init(void)
{
	int err = 0;

	ctx_may_sleep();
	mutex_lock(&init_lock);
	for (size_t i = 0; i < ARRAY_SIZE(fault_signals) && !err; i++)
		err = fault_install(&fault_signals[i]);
	mutex_unlock(&init_lock);
	return err;
}

/* The first @nr_bytes, 1 to 8, of a word; what is behind them in @dst stays. */
static void put_bytes(char *dst, u64 word, u32 nr_bytes)
{
	if (nr_bytes & 8) {
		memcpy(dst, &word, 8);
		return;
	}
	if (nr_bytes & 4) {
		memcpy(dst, &word, 4);
		dst += 4;
		word >>= 32;
	}
	if (nr_bytes & 2) {
		memcpy(dst, &word, 2);
		dst += 2;
		word >>= 16;
	}
	if (nr_bytes & 1)
		*dst = (char)word;
}

/* The widest load that @addr is aligned to and @left has room for. */
static u32 copy_unit(u64 addr, u32 left)
{
	u32 unit = 8;

	while (unit > left || (addr & (unit - 1)))
		unit /= 2;
	return unit;
}

/* Up to the first whole word, or from the last one on: in the widest units. */
static int copy_bytes(char *dst, u64 addr, u32 len)
{
	while (len) {
		u32 unit = copy_unit(addr, len);
		u64 value;

		if (unlikely(checked_load(addr, unit, &value)))
			return -EFAULT;
		put_bytes(dst, value, unit);
		dst += unit;
		addr += unit;
		len -= unit;
	}
	return 0;
}

static int copy_words(char *dst, u64 addr, u32 nr_words)
{
	for (u32 i = 0; i < nr_words; i++) {
		u64 value;

		if (unlikely(checked_load(addr + i * 8ull, 8, &value)))
			return -EFAULT;
		memcpy(dst + i * 8ull, &value, 8);
	}
	return 0;
}

/* One field, as most copies are: one load, aligned or not. */
static int copy_field(char *dst, u64 addr, u32 size)
{
	u64 value;

	if (unlikely(checked_load(addr, size, &value)))
		return -EFAULT;
	put_bytes(dst, value, size);
	return 0;
}

static int copy_units(char *dst, u64 addr, u32 len)
{
	u32 head = min(-(u32)addr & 7, len), body = (len - head) & ~7u;
	int err = 0;

	if (head)
		err = copy_bytes(dst, addr, head);
	if (!err)
		err = copy_words(dst + head, addr + head, body / 8);
	if (!err && len > head + body)
		err = copy_bytes(dst + head + body, addr + head + body, len - head - body);
	return err;
}

/**
 * checked_copy - copy from an address nobody has checked
 * @dst:   @len bytes; all zero on failure
 * @addr:  any number
 *
 * Context: any.
 * Return:  0 or -EFAULT.
 */
int checked_copy(void *dst, u64 addr, u32 len)
{
	int err;

	ctx_any();
	err = len == 8 || len == 4 || len == 2 || len == 1 ? copy_field(dst, addr, len) :
							     copy_units(dst, addr, len);
	if (unlikely(err))
		memset(dst, 0, len);
	return err;
}

/* Not 0 if a byte of @word is; its lowest set bit is the top bit of the first. */
static u64 zero_bytes(u64 word)
{
	return (word - 0x0101010101010101ull) & ~word & 0x8080808080808080ull;
}

/* Then a word may be read whose first byte may: the NUL may be any of them. */
static bool word_is_on_one_page(u64 addr)
{
	return (addr & (SMALLEST_PAGE - 1)) <= SMALLEST_PAGE - 8;
}

static s64 copy_str(char *dst, u64 addr, u32 size)
{
	u32 done = 0;

	while (done < size) {
		u32 unit = size - done >= 8 && word_is_on_one_page(addr + done) ? 8 : 1;
		u64 word, zeros;
		int err = checked_load(addr + done, unit, &word);

		if (unlikely(err))
			return err;
		zeros = unit == 8 ? zero_bytes(word) : (u64)!word << 7;
		if (zeros)
			unit = __builtin_ctzll(zeros) / 8 + 1;
		put_bytes(dst + done, word, unit);
		done += unit;
		if (zeros)
			return done;
	}
	dst[size - 1] = '\0';
	return size;
}

/**
 * checked_copy_str - copy a string from an address nobody has checked
 * @dst:   @size bytes: at most @size - 1 characters and a NUL; empty on failure
 * @addr:  any number
 * @size:  0 copies nothing
 *
 * A longer string is cut off.  Up to @size bytes are read, never one behind the
 * NUL that would need another page.
 *
 * Context: any.
 * Return:  length with the NUL, 0 if @size is 0, or -EFAULT.
 */
s64 checked_copy_str(void *dst, u64 addr, u32 size)
{
	s64 len;

	ctx_any();
	if (!size)
		return 0;
	len = copy_str(dst, addr, size);
	if (unlikely(len < 0))
		memset(dst, 0, size);
	return len;
}
