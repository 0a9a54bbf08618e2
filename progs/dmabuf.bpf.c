/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * progs/dmabuf.bpf.c - every DMA-buf as a record, and every descriptor and mapping of one
 *
 *	dmabuf_walk	the buffers, by the open-coded iterator
 *	dmabuf_each	the same as an iter/dmabuf link, where only that exists
 *	dmabuf_files	descriptors (iter/task_file)
 *	dmabuf_maps	mappings (iter/task_vma)
 *
 * A buffer is used only between the iterator's step that gave it and the next one:
 * it is referenced for so long.  Its name and its attachments may change meanwhile,
 * because their locks are not taken; they are read through checked loads, twice, and
 * a record that does not hold still is flagged.
 *
 * A file is a DMA-buf's when its inode lies on the DMA-bufs' file system, so no symbol
 * of the kernel has to be looked up.
 */
#include <stdbool.h>

#include "dmabuf.h"
#include "iter.h"
#include "text.h"

#include <rove/dmabuf_record.h>

#define READ_ATTEMPTS 4
#define MAX_ATTACHMENTS 4096

/* Of an iterator's program: read(2) ends here, with -EAGAIN. */
#define STOP 1

/* Resized by the loader when records are lost. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} records SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct rove_dmabuf_walk);
} walks SEC(".maps");

#define barrier() asm volatile("" ::: "memory")

static __always_inline struct rove_dmabuf_walk *the_walk(void)
{
	__u32 first = 0;

	return bpf_map_lookup_elem(&walks, &first);
}

/* --- a buffer ------------------------------------------------------------------------------ */

/* The iterator holds one reference, which is not the buffer's own. */
static __always_inline __u64 read_refs(const struct file *file)
{
	const struct file___ref *ref = (const void *)file;
	const struct file___count *count = (const void *)file;

	if (bpf_core_field_exists(ref->f_ref))
		return BPF_CORE_READ(ref, f_ref.refcnt.counter);
	return BPF_CORE_READ(count, f_count.counter) - 1;
}

/* The name is replaced, not rewritten, by whoever sets one. */
static __noinline bool read_name(const struct dma_buf *buf, struct rove_dmabuf_buffer *rec)
{
	const char *name = buf->name;

	rec->flags = read_string(rec->name, sizeof(rec->name), name, ROVE_DMABUF_NAME_CUT);
	barrier();
	return buf->name == name;
}

static __noinline void emit_attachment(const struct dma_buf_attachment *attach, __u64 inode,
				       struct rove_dmabuf_walk *walk)
{
	struct rove_dmabuf_attachment *rec = bpf_ringbuf_reserve(&records, sizeof(*rec), 0);

	if (!rec) {
		walk->lost++;
		return;
	}
	rec->type = ROVE_DMABUF_ATTACHMENT;
	rec->inode = inode;
	rec->flags = read_string(rec->device, sizeof(rec->device), attach->dev->kobj.name,
				 ROVE_DMABUF_DEVICE_CUT);
	bpf_ringbuf_submit(rec, BPF_RB_NO_WAKEUP);
}

/*
 * Follow the list of attachments.  Without its lock an entry may be unlinked and freed
 * under us: one that does not name its buffer ends the walk, which then does not fit
 * what another one counts.
 * @count lies in memory that the verifier does not follow, else no two rounds are alike.
 */
static __noinline void walk_attachments(const struct dma_buf *buf, __u64 inode, __u32 *count,
					struct rove_dmabuf_walk *emit_into)
{
	const void *head = (const void *)buf + bpf_core_field_offset(struct dma_buf, attachments);
	const void *pos = core_cast(head, struct list_head)->next;
	int step;

	for_range(step, 0, MAX_ATTACHMENTS) {
		const struct dma_buf_attachment *attach;

		if (!pos || pos == head)
			break;
		attach = core_cast(pos - bpf_core_field_offset(struct dma_buf_attachment, node),
				   struct dma_buf_attachment);
		if (attach->dmabuf != buf)
			break;
		++*count;
		if (emit_into)
			emit_attachment(attach, inode, emit_into);
		pos = attach->node.next;
	}
}

static __noinline void emit_seen(const struct dma_buf *buf, __u64 inode,
				 struct rove_dmabuf_walk *walk)
{
	struct rove_dmabuf_seen *rec = bpf_ringbuf_reserve(&records, sizeof(*rec), 0);

	if (!rec) {
		walk->lost++;
		return;
	}
	rec->type = ROVE_DMABUF_SEEN;
	rec->pad = 0;
	rec->inode = inode;
	rec->size_bytes = buf->size;
	bpf_ringbuf_submit(rec, BPF_RB_NO_WAKEUP);
}

static __always_inline void read_holds(const struct dma_buf *buf, struct rove_dmabuf_buffer *rec)
{
	const struct dma_buf___rove *own = (const void *)buf;

	rec->nr_fds = 0;
	rec->nr_maps = 0;
	if (!bpf_core_field_exists(own->nr_fds))
		return;
	rec->nr_fds = own->nr_fds;
	rec->nr_maps = own->nr_maps;
	rec->flags |= ROVE_DMABUF_COUNTS_HOLDS;
}

static __noinline void emit_buffer(const struct dma_buf *buf, __u64 inode,
				   struct rove_dmabuf_walk *walk)
{
	struct rove_dmabuf_buffer *rec = bpf_ringbuf_reserve(&records, sizeof(*rec), 0);
	bool settled = false;
	int attempt;

	if (!rec) {
		walk->lost++;
		return;
	}
	for_range(attempt, 0, READ_ATTEMPTS) {
		settled = read_name(buf, rec);
		if (settled)
			break;
	}
	rec->type = ROVE_DMABUF_BUFFER;
	rec->inode = inode;
	rec->size_bytes = buf->size;
	rec->refs = read_refs(buf->file);
	rec->flags |= read_string(rec->exporter, sizeof(rec->exporter), buf->exp_name,
				  ROVE_DMABUF_EXPORTER_CUT);
	read_holds(buf, rec);
	rec->nr_attachments = 0;
	rec->nr_attachments_again = 0;
	walk_attachments(buf, inode, &rec->nr_attachments, walk);
	walk_attachments(buf, inode, &rec->nr_attachments_again, NULL);
	if (!settled || rec->nr_attachments != rec->nr_attachments_again) {
		rec->flags |= ROVE_DMABUF_TORN;
		walk->torn++;
	}
	bpf_ringbuf_submit(rec, BPF_RB_NO_WAKEUP);
}

static __always_inline bool is_over(struct rove_dmabuf_walk *walk)
{
	if (walk->budget_ns && bpf_ktime_get_ns() - walk->start_ns >= walk->budget_ns)
		walk->end = ROVE_DMABUF_WALK_BUDGET;
	return walk->end == ROVE_DMABUF_WALK_BUDGET;
}

/* False: the walk ends here. */
static __noinline bool visit(const struct dma_buf *buf, struct rove_dmabuf_walk *walk)
{
	__u64 inode = buf->file->f_inode->i_ino;

	if (walk->max_objects && walk->visited >= walk->max_objects)
		walk->end = ROVE_DMABUF_WALK_MAX_OBJECTS;
	if (is_over(walk) || walk->end)
		return false;
	walk->visited++;
	if (walk->only_seen)
		emit_seen(buf, inode, walk);
	else
		emit_buffer(buf, inode, walk);
	return true;
}

SEC("syscall")
int dmabuf_walk(void *ctx)
{
	struct rove_dmabuf_walk *walk = the_walk();
	struct bpf_iter_dmabuf it;
	struct dma_buf *buf;

	if (!walk)
		return 0;
	bpf_iter_dmabuf_new(&it);
	while ((buf = bpf_iter_dmabuf_next(&it))) {
		if (!visit(buf, walk))
			break;
	}
	bpf_iter_dmabuf_destroy(&it);
	return 0;
}

SEC("iter/dmabuf")
int dmabuf_each(struct bpf_iter__dmabuf *ctx)
{
	struct rove_dmabuf_walk *walk = the_walk();
	struct dma_buf *buf = ctx->dmabuf;

	return walk && buf && !visit(buf, walk) ? STOP : 0;
}

/* --- who holds it -------------------------------------------------------------------------- */

static __always_inline bool is_dmabuf(const struct file *file)
{
	return file->f_inode->i_sb->s_magic == DMA_BUF_MAGIC;
}

struct hold {
	__u32 type;
	__u64 size_bytes, space, place;
};

/*
 * The kernel goes from thread to thread, and passes by those that have the table of their
 * leader.  Where that has none any more, or a thread has another, what threads share comes
 * several times; the reader of the records tells by the place.
 */
static __always_inline void emit_holder(const struct task_struct *task, const struct file *file,
					const struct hold *hold, struct rove_dmabuf_walk *walk)
{
	struct rove_dmabuf_holder *rec;

	walk->holders++;
	rec = bpf_ringbuf_reserve(&records, sizeof(*rec), 0);
	if (!rec) {
		walk->lost++;
		return;
	}
	rec->type = hold->type;
	rec->pid = task->tgid;
	rec->inode = file->f_inode->i_ino;
	rec->size_bytes = hold->size_bytes;
	rec->space = hold->space;
	rec->place = hold->place;
	bpf_probe_read_kernel_str(rec->comm, sizeof(rec->comm), task->group_leader->comm);
	bpf_ringbuf_submit(rec, BPF_RB_NO_WAKEUP);
}

SEC("iter/task_file")
int dmabuf_files(struct bpf_iter__task_file *ctx)
{
	struct rove_dmabuf_walk *walk = the_walk();
	const struct task_struct *task = ctx->task;
	const struct file *file = ctx->file;

	if (!walk || !task || !file)
		return 0;
	if (is_over(walk))
		return STOP;
	if (is_dmabuf(file)) {
		const struct hold hold = {
			.type = ROVE_DMABUF_FD,
			.size_bytes = core_cast(file->private_data, struct dma_buf)->size,
			.space = (unsigned long)task->files,
			.place = ctx->fd,
		};

		emit_holder(task, file, &hold, walk);
	}
	return 0;
}

SEC("iter/task_vma")
int dmabuf_maps(struct bpf_iter__task_vma *ctx)
{
	struct rove_dmabuf_walk *walk = the_walk();
	const struct task_struct *task = ctx->task;
	const struct vm_area_struct *vma = ctx->vma;
	const struct file *file;

	if (!walk || !task || !vma)
		return 0;
	if (is_over(walk))
		return STOP;
	file = vma->vm_file;
	if (file && is_dmabuf(file)) {
		const struct hold hold = {
			.type = ROVE_DMABUF_MAPPING,
			.size_bytes = vma->vm_end - vma->vm_start,
			.space = (unsigned long)vma->vm_mm,
			.place = vma->vm_start,
		};

		emit_holder(task, file, &hold, walk);
	}
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
