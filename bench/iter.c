/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bench/iter.c - reading all DMA-bufs of this process: links, a ring buffer, files
 *
 *	iter [-n ROUNDS] [-j FILE] [-m BUFFERS]
 *
 * 10,000 buffers with a name, or as many as descriptors allow.  Each way gives inode
 * number, size, name and exporter of each, and each is checked to have given all of
 * them; but the files of /proc/self/fdinfo of the same buffers, which give less.
 * Where a way is read in pieces, they are of 64 KiB.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <sys/resource.h>

#include <rove/bpf.h>

#include "bench/iter.h"
#include "bench/stats.h"
#include "objects/dma_buf.h"
#include "target/target.h"

#define OBJECT "build/bench/progs/iter.bpf.o"
#define PIECE (64 << 10)
#define SPARE_FDS 512

static struct {
	u32 nr_bufs;
	struct dma_buf **bufs;
	struct bpf_object *obj;
	struct bpf_link *text, *binary;
	int open_coded;
	struct ring_buffer *ring;
	char piece[PIECE];
} b;

/* --- the ways ----------------------------------------------------------------------------- */

/* What one read of a piece gives; @fd's bytes are counted. */
static bool gave_all(u64 bytes, u64 newlines, bool text)
{
	return text ? newlines == 4ull * b.nr_bufs :
		      bytes == sizeof(struct bench_record) * b.nr_bufs;
}

static u64 count_lines(ssize_t n)
{
	u64 nr = 0;

	for (const char *at = b.piece; (at = memchr(at, '\n', b.piece + n - at)); at++)
		nr++;
	return nr;
}

static double read_link(struct bpf_link *link, bool text, bool asks)
{
	u64 start_ns = clock_mono_ns(), bytes = 0, lines = 0;
	int fd = asks ? rove_bpf_iter_open(bpf_link__fd(link)) :
			bpf_iter_create(bpf_link__fd(link));
	ssize_t n;

	if (fd < 0)
		return -1;
	while ((n = asks ? rove_bpf_iter_read(fd, b.piece, PIECE) : read(fd, b.piece, PIECE)) > 0) {
		bytes += n;
		lines += text ? count_lines(n) : 0;
	}
	close(fd);
	return n || !gave_all(bytes, lines, text) ? -1 : clock_mono_ns() - start_ns;
}

static double text_read(void *arg)
{
	return read_link(b.text, true, false);
}

static double text_asked(void *arg)
{
	return read_link(b.text, true, true);
}

static double binary_read(void *arg)
{
	return read_link(b.binary, false, false);
}

static double binary_asked(void *arg)
{
	return read_link(b.binary, false, true);
}

static u64 nr_consumed;

static int consume(void *arg, void *data, size_t size)
{
	nr_consumed += size == sizeof(struct bench_record);
	return 0;
}

static double open_coded(void *arg)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	u64 start_ns = clock_mono_ns();

	nr_consumed = 0;
	if (bpf_prog_test_run_opts(b.open_coded, &opts) || ring_buffer__consume(b.ring) < 0)
		return -1;
	return nr_consumed != b.nr_bufs ? -1 : clock_mono_ns() - start_ns;
}

static double fdinfo(void *arg)
{
	u64 start_ns = clock_mono_ns();
	char path[64];

	for (u32 i = 0; i < b.nr_bufs; i++) {
		int fd;

		snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", b.bufs[i]->fd);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || read(fd, b.piece, PIECE) <= 0)
			return -1;
		close(fd);
	}
	return clock_mono_ns() - start_ns;
}

/* --- making ------------------------------------------------------------------------------- */

static int make_buffers(u32 want)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return 1;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	b.nr_bufs = want;
	if (limit.rlim_cur < (u64)want + SPARE_FDS) {
		b.nr_bufs = limit.rlim_cur - SPARE_FDS;
		printf("only %u buffers: no more descriptors are allowed\n", b.nr_bufs);
	}
	b.bufs = calloc(b.nr_bufs, sizeof(*b.bufs));
	for (u32 i = 0; b.bufs && i < b.nr_bufs; i++) {
		struct rove_dma_buf_options opts = {
			.struct_bytes = sizeof(opts), .name = "a-buffer-of-the-bench",
		};

		if (rove_dma_buf_export(4096, "bench", &opts, &b.bufs[i]))
			return 1;
	}
	return !b.bufs;
}

static int load(void)
{
	b.obj = bpf_object__open_file(OBJECT, NULL);
	if (!b.obj || bpf_object__load(b.obj))
		return 1;
	b.text = bpf_program__attach(bpf_object__find_program_by_name(b.obj, "text"));
	b.binary = bpf_program__attach(bpf_object__find_program_by_name(b.obj, "binary"));
	b.open_coded = bpf_program__fd(bpf_object__find_program_by_name(b.obj, "open_coded"));
	b.ring = ring_buffer__new(bpf_map__fd(bpf_object__find_map_by_name(b.obj, "records")),
				  consume, NULL, NULL);
	return !b.text || !b.binary || !b.ring;
}

int main(int argc, char **argv)
{
	struct bench_case cases[] = {
		{ "text, read(2)", text_read },
		{ "text, asked for", text_asked },
		{ "binary, read(2)", binary_read },
		{ "binary, asked for", binary_asked },
		{ "open-coded into a ring", open_coded },
		{ "a file each", fdinfo },
	};
	struct bench_options opts = { .rounds = 15 };
	u32 want = 10000;
	int opt;

	while ((opt = bench_getopt(argc, argv, "m:", &opts)) != -1)
		want = strtoul(optarg, NULL, 10);
	target_use(&target_self);
	if (make_buffers(want) || load()) {
		fprintf(stderr, "iter: cannot begin\n");
		return 1;
	}
	for (u32 i = 0; i < ARRAY_SIZE(cases); i++)
		cases[i].per = b.nr_bufs;
	bench_run(cases, ARRAY_SIZE(cases), opts.rounds);
	printf("%u buffers, ns each: median (least .. most), times that of the ring\n", b.nr_bufs);
	for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct bench_case *c = &cases[i];

		if (!c->nr) {
			printf("%-24s  did not give all of them\n", c->name);
			return 1;
		}
		printf("%-24s %8.1f (%8.1f .. %8.1f)  %6.2f\n", c->name, bench_median(c),
		       c->samples[0], c->samples[c->nr - 1],
		       bench_median(c) / bench_median(&cases[4]));
	}
	bench_json(&opts, "iter", "ns/buffer", cases, ARRAY_SIZE(cases));
	return 0;
}
