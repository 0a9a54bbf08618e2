// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * bench/progs/iter.bpf.c - the same four members of each DMA-buf by three ways
 *
 * As text and as records through a link, and as records into a ring buffer from one
 * run with an iterator of the program's own.
 */
#include "bench/iter.h"
#include "dmabuf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct bpf_iter_meta {
	struct seq_file *seq;
};
#pragma clang attribute pop

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, BENCH_RING_BYTES);
} records SEC(".maps");

static __always_inline void fill(struct bench_record *rec, const struct dma_buf *buf)
{
	rec->inode = buf->file->f_inode->i_ino;
	rec->size = buf->size;
	rec->name[0] = 0;
	bpf_probe_read_kernel_str(rec->name, sizeof(rec->name), buf->name);
	bpf_probe_read_kernel_str(rec->exporter, sizeof(rec->exporter), buf->exp_name);
}

SEC("iter.s/dmabuf")
int text(struct bpf_iter__dmabuf *ctx)
{
	static const char fmt[] = "%lu\n%lu\n%s\n%s\n";
	struct dma_buf *buf = ctx->dmabuf;
	struct bench_record rec;
	__u64 args[4];

	if (!buf)
		return 0;
	fill(&rec, buf);
	args[0] = rec.inode;
	args[1] = rec.size;
	args[2] = (__u64)rec.name;
	args[3] = (__u64)rec.exporter;
	bpf_seq_printf(ctx->meta->seq, fmt, sizeof(fmt), args, sizeof(args));
	return 0;
}

SEC("iter.s/dmabuf")
int binary(struct bpf_iter__dmabuf *ctx)
{
	struct dma_buf *buf = ctx->dmabuf;
	struct bench_record rec;

	if (!buf)
		return 0;
	fill(&rec, buf);
	bpf_seq_write(ctx->meta->seq, &rec, sizeof(rec));
	return 0;
}

SEC("syscall")
int open_coded(void *ctx)
{
	struct bench_record *rec;
	struct bpf_iter_dmabuf it;
	struct dma_buf *buf;
	int nr = 0;

	bpf_iter_dmabuf_new(&it);
	while ((buf = bpf_iter_dmabuf_next(&it))) {
		rec = bpf_ringbuf_reserve(&records, sizeof(*rec), 0);
		if (!rec)
			break;
		fill(rec, buf);
		bpf_ringbuf_submit(rec, BPF_RB_NO_WAKEUP);
		nr++;
	}
	bpf_iter_dmabuf_destroy(&it);
	return nr;
}
