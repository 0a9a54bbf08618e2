/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/link/perf.c - attach a program to an event, and run it for each sample
 *
 * The descriptor's description is shared with the application; what is set there
 * (O_ASYNC, the signal, its receiver) is set through a duplicate with a number of our own,
 * which the signal names and under which the handler finds the program.
 *
 * Invariant: an attachment is in the table from before the first signal until detaching
 *            begins, and freed a grace period of maps later: a handler that has found it
 *            is inside a read section.  So when perf_detach() returns the program does not
 *            run for it and will not; signals still queued find nothing.
 * Ordering:  perf.publish -> perf.observe (docs/memory-model.md).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/context.h"
#include "base/mutex.h"
#include "bpf/helper/sample.h"
#include "bpf/link/perf.h"
#include "bpf/map/rcu.h"

#define BUCKETS 64		/* a power of two */
#define PRIVATE_FD_MIN 256	/* as in bpf/core/object.c */

/*
 * I  set before the table shows it, never changed
 * L  under attach_lock; handlers read it in a read section
 * H  the handler's, on the one thread that is sampled
 */
struct perf_attach {
	struct perf_attach	*next;		/* L: of the same bucket */
	struct bpf_prog		*prog;		/* I: referenced */
	int			fd;		/* I: our duplicate */
	u64			event_id;	/* I: the kernel's */
	u64			cookie;		/* I */
	int			tid;		/* I: who is sampled */
	pid_t			pid;		/* I: a child of fork() has only a copy */
	u64			counted;	/* H: the event's value at the last sample */
};

static struct mutex attach_lock = MUTEX_INIT;	/* outside signal_lock */
static struct perf_attach *attached[BUCKETS];	/* L */

/* Is the thread inside perf_sample()?  Its own handler reads and writes it only. */
static __thread bool running __attribute__((tls_model("initial-exec")));

static struct perf_attach **bucket_of(int fd)
{
	return &attached[(u32)fd % BUCKETS];
}

/* --- samples ------------------------------------------------------------------------------ */

static struct perf_attach *find(int fd)
{
	struct perf_attach *attach;

	/*
	 * ORDER perf.observe (acquire): an attachment is looked at after it was made.
	 * Pairs with perf.publish in publish().
	 */
	attach = load_acquire(bucket_of(fd));
	while (attach && (attach->fd != fd || attach->tid != (int)mutex_self()))
		attach = load_acquire(&attach->next);	/* ORDER: as above */
	return attach;
}

#if defined(__x86_64__)

static void read_registers(const ucontext_t *uc, bpf_user_pt_regs_t *regs, struct user_frame *user)
{
	const greg_t *g = uc->uc_mcontext.gregs;

	*regs = (bpf_user_pt_regs_t){
		.r15 = g[REG_R15], .r14 = g[REG_R14], .r13 = g[REG_R13], .r12 = g[REG_R12],
		.rbp = g[REG_RBP], .rbx = g[REG_RBX], .r11 = g[REG_R11], .r10 = g[REG_R10],
		.r9 = g[REG_R9], .r8 = g[REG_R8], .rax = g[REG_RAX], .rcx = g[REG_RCX],
		.rdx = g[REG_RDX], .rsi = g[REG_RSI], .rdi = g[REG_RDI], .orig_rax = -1ul,
		.rip = g[REG_RIP], .cs = g[REG_CSGSFS] & 0xffff, .eflags = g[REG_EFL],
		.rsp = g[REG_RSP], .ss = (u64)g[REG_CSGSFS] >> 48,
	};
	*user = (struct user_frame){ .pc = regs->rip, .fp = regs->rbp, .sp = regs->rsp };
}

#elif defined(__aarch64__)

static void read_registers(const ucontext_t *uc, bpf_user_pt_regs_t *regs, struct user_frame *user)
{
	memcpy(regs->regs, uc->uc_mcontext.regs, sizeof(regs->regs));
	regs->sp = uc->uc_mcontext.sp;
	regs->pc = uc->uc_mcontext.pc;
	regs->pstate = uc->uc_mcontext.pstate;
	*user = (struct user_frame){ .pc = regs->pc, .fp = regs->regs[29], .sp = regs->sp };
}

#else
#error "samples need the registers of this architecture"
#endif

/* An alternate stack may be smaller than a program needs; how much is left of others is not known. */
static bool has_stack(const ucontext_t *uc)
{
	uintptr_t here = (uintptr_t)__builtin_frame_address(0), base = (uintptr_t)uc->uc_stack.ss_sp;

	if (uc->uc_stack.ss_flags & SS_DISABLE || here - base >= uc->uc_stack.ss_size)
		return true;
	return here - base >= SAMPLE_STACK_BYTES;
}

/*
 * How much the event counted since the last sample: its period, when none was missed.
 * Only a descriptor that gives the value alone can be read without knowing its format.
 */
static u64 period_of(struct perf_attach *attach)
{
	u64 value[2], before = attach->counted;

	if (read(attach->fd, value, sizeof(value)) != sizeof(value[0]))
		return 0;
	attach->counted = value[0];
	return value[0] - before;
}

static void run(struct perf_attach *attach, const ucontext_t *uc)
{
	struct run_origin outer = run_origin;
	struct perf_sample sample = { .fd = attach->fd, .cookie = attach->cookie };
	u32 ignored;

	read_registers(uc, &sample.ctx.regs, &run_origin.user);
	if (attach->prog->max_ctx_bytes > offsetof(struct bpf_perf_event_data, sample_period))
		sample.ctx.sample_period = period_of(attach);
	run_origin.sample = &sample;
	prog_run(attach->prog, &sample.ctx, &ignored);
	run_origin = outer;
}

static void miss(struct perf_attach *attach)
{
	fetch_add_relaxed(&attach->prog->recursion_misses, 1);
}

/**
 * perf_sample - run the program that is attached to an event
 * @fd:   as the signal says; of an event that has been detached, or was never attached: nothing
 *        is run
 * @uctx: the interrupted thread's
 *
 * Context: the handler of the signal, in the thread that was sampled.
 */
void perf_sample(int fd, void *uctx)
{
	struct perf_attach *attach;

	ctx_nmi_enter();
	map_rcu_read_lock();
	attach = find(fd);
	if (attach && (running || !has_stack(uctx))) {
		miss(attach);
	} else if (attach) {
		running = true;
		compiler_barrier();
		run(attach, uctx);
		compiler_barrier();
		running = false;
	}
	map_rcu_read_unlock();
	ctx_nmi_exit();
}

/* A sample for which the program is not run; none follows if @silence.  Context: as perf_sample(). */
void perf_sample_missed(int fd, bool silence)
{
	struct perf_attach *attach;

	ctx_nmi_enter();
	map_rcu_read_lock();
	attach = find(fd);
	if (attach)
		miss(attach);
	if (attach && silence)
		fcntl(attach->fd, F_SETFL, fcntl(attach->fd, F_GETFL) & ~O_ASYNC);
	map_rcu_read_unlock();
	ctx_nmi_exit();
}

/* --- attaching ---------------------------------------------------------------------------- */

static int event_id(int fd, u64 *ret_id)
{
	return ioctl(fd, PERF_EVENT_IOC_ID, ret_id) ? -EBADF : 0;
}

/**
 * perf_check_fd - is this a descriptor of an event?
 *
 * Context: thread.
 * Return:  0 or -EBADF.
 */
int perf_check_fd(int event_fd)
{
	u64 id;

	return event_id(event_fd, &id);
}

/* Is @fd, of an event, another descriptor of the attachment's event?  Context: thread. */
bool perf_is_about(const struct perf_attach *attach, int fd)
{
	u64 id;

	return fd != attach->fd && !event_id(fd, &id) && id == attach->event_id;
}

static bool has_program(u64 id)
{
	assert_held(&attach_lock);
	for (u32 i = 0; i < BUCKETS; i++)
		for (struct perf_attach *a = attached[i]; a; a = a->next)
			if (a->event_id == id && a->pid == getpid())
				return true;
	return false;
}

static void publish(struct perf_attach *attach)
{
	struct perf_attach **bucket = bucket_of(attach->fd);

	assert_held(&attach_lock);
	attach->next = *bucket;
	/*
	 * ORDER perf.publish (release): the attachment is complete before a handler finds
	 * it.  Pairs with perf.observe in find().
	 */
	store_release(bucket, attach);
}

static void unpublish(struct perf_attach *attach)
{
	struct perf_attach **link = bucket_of(attach->fd);

	assert_held(&attach_lock);
	while (*link != attach)
		link = &(*link)->next;
	/* ORDER perf.publish (release): the next one was complete long ago.  Pairs with
	 * perf.observe in find(). */
	store_release(link, attach->next);
}

static void stop_signals(struct perf_attach *attach)
{
	const struct f_owner_ex nobody = { .type = F_OWNER_TID };

	fcntl(attach->fd, F_SETFL, fcntl(attach->fd, F_GETFL) & ~O_ASYNC);
	fcntl(attach->fd, F_SETSIG, 0);
	fcntl(attach->fd, F_SETOWN_EX, &nobody);
}

static int start_signals(struct perf_attach *attach, int number)
{
	const struct f_owner_ex owner = { .type = F_OWNER_TID, .pid = attach->tid };
	int flags = fcntl(attach->fd, F_GETFL);

	if (flags < 0 || fcntl(attach->fd, F_SETSIG, number) ||
	    fcntl(attach->fd, F_SETOWN_EX, &owner) ||
	    fcntl(attach->fd, F_SETFL, flags | O_ASYNC))
		return -errno;
	return 0;
}

/* The application takes signals of this event itself. */
static bool is_taken(int fd)
{
	return fcntl(fd, F_GETFL) & O_ASYNC;
}

static int prepare(struct perf_attach *attach)
{
	int err = event_id(attach->fd, &attach->event_id);

	assert_held(&attach_lock);
	if (err)
		return err;
	if (has_program(attach->event_id))
		return -EEXIST;
	if (attach->prog->type != BPF_PROG_TYPE_PERF_EVENT)
		return -EINVAL;
	if (is_taken(attach->fd))
		return -EBUSY;
	return perf_event_thread(attach->fd, &attach->tid);
}

static int attach_locked(struct perf_attach *attach)
{
	int err = prepare(attach), number;

	if (err)
		return err;
	number = sample_signal_get();
	if (number < 0)
		return number;
	publish(attach);
	err = start_signals(attach, number);
	if (err) {
		stop_signals(attach);
		unpublish(attach);
		map_rcu_synchronize();
	}
	return err;
}

static int duplicate(int fd)
{
	int dup = fcntl(fd, F_DUPFD_CLOEXEC, PRIVATE_FD_MIN);

	if (dup < 0 && errno == EINVAL)	/* a small RLIMIT_NOFILE */
		dup = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return dup < 0 ? -errno : dup;
}

/**
 * perf_attach - run a program whenever an event overflows
 * @event_fd:  from perf_event_open(2), for one thread of this process; it is made close-on-exec,
 *             because after an exec its signals would end the process
 * @prog:      a reference is taken
 * @cookie:    for the program to ask for
 * @ret_attach: set on success only; perf_detach() it
 *
 * Context: may sleep.
 * Return:  0; -EBADF: no event; -EEXIST: it has a program; -EINVAL: not of its type; -EBUSY: its signals, or all real-time
 *          signals, are the application's; -EOPNOTSUPP: see perf_event_thread(); -ENOMEM,
 *          -EMFILE.
 */
int perf_attach(int event_fd, struct bpf_prog *prog, u64 cookie, struct perf_attach **ret_attach)
{
	struct perf_attach *attach;
	int err, fd;

	ctx_may_sleep();
	fd = duplicate(event_fd);
	if (fd < 0)
		return fd;
	attach = calloc(1, sizeof(*attach));
	if (!attach) {
		close(fd);
		return -ENOMEM;
	}
	*attach = (struct perf_attach){ .fd = fd, .prog = prog, .cookie = cookie, .pid = getpid() };
	mutex_lock(&attach_lock);
	err = attach_locked(attach);
	mutex_unlock(&attach_lock);
	if (err) {
		close(fd);
		free(attach);
		return err;
	}
	fcntl(event_fd, F_SETFD, FD_CLOEXEC);
	object_get(&prog->obj);
	*ret_attach = attach;
	return 0;
}

/**
 * perf_detach - the program runs no more for the event
 * @attach: freed
 *
 * In a child of fork() the parent's event goes on.
 *
 * Context: may sleep: waits for handlers that run the program.
 */
void perf_detach(struct perf_attach *attach)
{
	ctx_may_sleep();
	mutex_lock(&attach_lock);
	if (attach->pid == getpid())
		stop_signals(attach);
	unpublish(attach);
	mutex_unlock(&attach_lock);
	/* A child has no handlers to wait for, only sections of threads that it lacks. */
	if (attach->pid == getpid())
		map_rcu_synchronize();
	close(attach->fd);
	prog_put(attach->prog);
	free(attach);
}
