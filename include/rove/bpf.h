/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * rove/bpf.h - bpf(2) inside this process
 *
 * The same commands, the same union bpf_attr and the same errors as the system
 * call, over this process's own objects.  Descriptors that it returns are real
 * descriptors: they can be duplicated, passed over a unix socket and polled or
 * mapped as the kernel's can, and they are closed with close(2).
 *
 * After fork() a child may use rove/workqueue.h, timer.h, irq_work.h and srcu.h, whatever threads
 * of the parent are doing here or there; and it may close what it has inherited.  Timers and
 * works in values of maps are idle there, and may be started again; events sample the parent
 * only.  A child that goes on to change maps, the parent's or its own, needs two things of the
 * application:
 *
 *  - While it forks, no other thread is inside of a call of this header, or runs a program.
 *  - It has liburcu's threads go on in the child, as every user of liburcu has to whose children
 *    do: handlers of pthread_atfork() that call urcu_bp_call_rcu_before_fork() and
 *    urcu_bp_before_fork(), and their two counterparts each.  The library does not, because a
 *    second caller of these waits for ever.  Without them, what the child takes out of maps
 *    is never used again.
 */
#ifndef ROVE_BPF_H
#define ROVE_BPF_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

union bpf_attr;

#define ROVE_API __attribute__((visibility("default")))

/**
 * rove_bpf - bpf(2), answered by this process
 * @cmd:  BPF_MAP_CREATE, BPF_PROG_LOAD, … of <linux/bpf.h>
 * @attr: as for the system call; pointers in it are addresses of this process
 * @size: bytes of @attr the caller knows; what lies beyond the part we know must be zero
 *
 * Context: may sleep.
 * Return:  what the system call returns on success; -errno, never errno, on failure.
 *          -EINVAL: unknown command or bad attribute.  -E2BIG: unknown bytes are not zero.
 *          -EFAULT: @attr or a pointer in it is not readable or writable.
 */
ROVE_API int rove_bpf(int cmd, union bpf_attr *attr, unsigned int size);

/**
 * rove_bpf_close - close a descriptor and drop its object now
 * @fd: from rove_bpf() or rove_bpf_iter_open(); or an event's, see rove_bpf_perf_event_set()
 *
 * A plain close(2) does as well: the object is then freed when its descriptor's
 * number is used again or when the library next looks over its descriptors.  An
 * iterator of BPF_ITER_CREATE whose end was sent is no descriptor of the library's any
 * more (-EBADF): close(2) it.
 *
 * Context: may sleep.
 * Return:  0, or -EBADF.
 */
ROVE_API int rove_bpf_close(int fd);

/**
 * rove_bpf_mmap - map the pages behind an array map or a ring buffer
 * @fd, @length, @prot, @flags, @offset: as for mmap(2) on the kernel's map
 * @ret_addr: written on success only; unmapped with munmap(2)
 *
 * Needed for ring buffers, whose data area the kernel maps twice in a row.  An
 * array map's descriptor can be given to mmap(2) directly, but what that maps for
 * reading may be made writable later.  MAP_FIXED is ignored.
 *
 * Context: may sleep.
 * Return:  0, -EBADF (not a descriptor of ours), -ENODEV (not a map), -ENOTSUPP (524), -EACCES,
 *          -EPERM, -EINVAL, -EOVERFLOW, -ENOMEM.
 */
ROVE_API int rove_bpf_mmap(int fd, size_t length, int prot, int flags, long offset,
			   void **ret_addr);

/**
 * rove_bpf_poll_fd - the descriptor to wait on for a ring buffer's records
 * @fd: a ring buffer
 *
 * Context: any.
 * Return:  an eventfd that belongs to the map (do not close it; wait for it edge
 *          triggered), -EBADF (not a descriptor of ours), -EINVAL (nothing to wait for).
 */
ROVE_API int rove_bpf_poll_fd(int fd);

/**
 * rove_bpf_owns - is this a descriptor of ours?
 * @fd: any descriptor
 *
 * Context: may sleep.
 */
ROVE_API bool rove_bpf_owns(int fd);

/**
 * rove_bpf_iter_open - begin a walk that is read with rove_bpf_iter_read() only
 * @link_fd: a link of an iterator (BPF_LINK_CREATE)
 *
 * What BPF_ITER_CREATE gives works with read(2), for which a thread of the library
 * runs the program ahead of the reader.  Here nothing runs before it is asked for, and
 * in the thread that asks.  read(2) of this descriptor fails with EAGAIN.
 *
 * An iterator over DMA-bufs waits here, as BPF_ITER_CREATE does, up to 50 ms, if walks have
 * taken over very many new buffers just before; programs that may sleep wait as long in
 * bpf_iter_dmabuf_new().  Who walks now and then never waits.
 *
 * Context: may sleep.
 * Return:  a descriptor, which close(2) closes; -EBADF; -EINVAL (not a link); -EMFILE,
 *          -ENOMEM, -EAGAIN (no thread can be made to notice that it is closed).
 */
ROVE_API int rove_bpf_iter_open(int link_fd);

/**
 * rove_bpf_iter_read - read(2) of an iterator's descriptor, with the kernel's errors
 * @fd:    from rove_bpf_iter_open() or BPF_ITER_CREATE, or a duplicate
 * @buf:   the caller's
 * @bytes: its size; any but 0 will do, the next call goes on where this one ended
 *
 * read(2) of what BPF_ITER_CREATE gave can only say ECONNRESET where this says why.
 *
 * Context: may sleep; the program may run in the calling thread.
 * Return:  bytes; 0 at the end; -EBADF; -EINVAL (not an iterator's); -E2BIG: what the program
 *          writes for one object does not fit eight pages; -EAGAIN: it wants to be run again
 *          for the same object, or wrote nothing for a million of them: call again.
 */
ROVE_API ssize_t rove_bpf_iter_read(int fd, void *buf, size_t bytes);

/**
 * rove_bpf_btf - what /sys/kernel/btf/vmlinux is for programs of this process
 * @ret_size: bytes
 *
 * Context: any.
 * Return:  the raw BTF of librove's own objects and kfuncs; lives as long as the process.
 */
ROVE_API const void *rove_bpf_btf(size_t *ret_size);

/**
 * rove_bpf_set_trace_fd - where bpf_printk() of programs goes
 * @fd: each message is one write(2) of a line to it; the caller keeps it open.
 *      -1, the default: nowhere
 *
 * Context: any.
 */
ROVE_API void rove_bpf_set_trace_fd(int fd);

/**
 * rove_bpf_perf_event_set - ioctl(event_fd, PERF_EVENT_IOC_SET_BPF, prog_fd) of this process's programs
 * @event_fd: from perf_event_open(2), for one thread of this process; it is made close-on-exec
 * @prog_fd:  a program of type perf_event, which stays as long as the event
 *
 * For who attaches without a link; the system call itself reaches the kernel, which does not
 * know our programs.  Close the event with rove_bpf_close(): the program runs no more when
 * its last descriptor has been closed so.  A plain close(2) of it is noticed when ids are
 * listed, or objects made, later.
 *
 * Context: may sleep.
 * Return:  0; -EBADF: no event, or no program; -EINVAL: another type of program; -EEXIST: it has
 *          one; -EBUSY, -EOPNOTSUPP, -ENOMEM, -EMFILE: as BPF_LINK_CREATE.
 */
ROVE_API int rove_bpf_perf_event_set(int event_fd, int prog_fd);

/**
 * rove_bpf_sample_signal - the signal that runs programs of perf events
 * @number: a real-time signal that the process leaves at its default: what is attached from now
 *          on uses it; 0: only ask
 *
 * A program that is attached to a perf event (BPF_LINK_CREATE, or libbpf's
 * bpf_program__attach_perf_event()) runs in a handler of this signal, in the thread that
 * the event counts for.  Without a call it is the highest real-time signal left at its
 * default when the first program is attached.  A thread that is to be sampled must not block it.
 *
 * Context: may sleep.
 * Return:  the number in use; 0: none yet; -EINVAL: no real-time signal; -EBUSY: it is handled
 *          or ignored already.
 */
ROVE_API int rove_bpf_sample_signal(int number);

#ifdef __cplusplus
}
#endif

#endif
