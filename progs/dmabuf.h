/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * progs/dmabuf.h - the parts of DMA-bufs and of who holds them that our programs look at
 *
 * Only the members that are used, with the kernel's names (see progs/types.h).
 */
#ifndef ROVE_PROGS_DMABUF_H
#define ROVE_PROGS_DMABUF_H

#include "types.h"

#define DMA_BUF_MAGIC 0x444d4142	/* "DMAB": the file system that only DMA-bufs live on */

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct super_block {
	unsigned long s_magic;
};

struct inode {
	unsigned long i_ino;
	struct super_block *i_sb;
};

struct file {
	struct inode *f_inode;
	void *private_data;
};

/* How often a file is referenced: since Linux 6.13, where 0 is one reference, and before. */
struct file___ref {
	struct {
		struct {
			long counter;
		} refcnt;
	} f_ref;
};

struct file___count {
	struct {
		long counter;
	} f_count;
};

struct dma_buf {
	unsigned long size;
	struct file *file;
	struct list_head attachments;
	const char *exp_name;
	char *name;
};

/* In a process a buffer also counts its descriptors and mappings. */
struct dma_buf___rove {
	__u32 nr_fds, nr_maps;
};

struct dma_buf_attachment {
	struct dma_buf *dmabuf;
	struct device *dev;
	struct list_head node;
};

struct vm_area_struct {
	unsigned long vm_start, vm_end;
	struct mm_struct *vm_mm;
	struct file *vm_file;
};

struct task_struct {
	int tgid;
	char comm[16];
	struct task_struct *group_leader;
	struct files_struct *files;
};

struct bpf_iter__dmabuf {
	struct bpf_iter_meta *meta;
	struct dma_buf *dmabuf;
};

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	__u32 fd;
	struct file *file;
};

struct bpf_iter__task_vma {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	struct vm_area_struct *vma;
};

#pragma clang attribute pop

struct bpf_iter_dmabuf {
	__u64 opaque[1];
} __attribute__((aligned(8)));

extern int bpf_iter_dmabuf_new(struct bpf_iter_dmabuf *it) __ksym;
extern struct dma_buf *bpf_iter_dmabuf_next(struct bpf_iter_dmabuf *it) __ksym;
extern void bpf_iter_dmabuf_destroy(struct bpf_iter_dmabuf *it) __ksym;

#endif
