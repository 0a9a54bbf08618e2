/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/collect/dmabuf_sample.c - DMA-bufs of this process, made up to look at
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <rove/dmabuf.h>
#include <rove/wakeup.h>

#include "cli/collect/dmabuf_sample.h"

#define NR_DEVICES 3

/* Number i is of kind i % NR_KINDS. */
static const struct kind {
	const char *exporter, *name;	/* ->name with the number behind; NULL: none */
	u32 kib;
	bool attached[NR_DEVICES];
	bool mapped, has_fd;
} kinds[] = {
	{ "system", "frame", 8100, { true, true, false }, false, true },
	{ "system", "video", 3038, { false, true, true }, false, true },
	{ "i915", NULL, 64, { false, false, false }, true, false },
	{ "system-uncached", "camera", 12288, { true, false, true }, true, true },
	{ "udmabuf", NULL, 4, { false, false, false }, false, false },
};

static const char *const device_names[NR_DEVICES] = { "0000:00:02.0", "display-subsystem", "vdec" };

struct made {
	struct dma_buf *buf;
	struct dma_buf_attachment *attachments[NR_DEVICES];
	void *address;
	int fd;			/* -1: none */
};

struct dmabuf_sample {
	struct device *devices[NR_DEVICES];
	struct made *made;
	u32 nr_made;
};

static void allow_more_files(void)
{
	struct rlimit limit;

	if (!getrlimit(RLIMIT_NOFILE, &limit)) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int attach(struct dmabuf_sample *sample, const struct kind *kind, struct made *made)
{
	int err = 0;

	for (u32 i = 0; i < NR_DEVICES && !err; i++)
		if (kind->attached[i])
			err = rove_dma_buf_attach(made->buf, sample->devices[i],
						  &made->attachments[i]);
	return err;
}

static int name(const struct kind *kind, const struct made *made, u32 i)
{
	char text[32];

	if (!kind->name)
		return 0;
	snprintf(text, sizeof(text), "%s %u", kind->name, i);
	return rove_dma_buf_set_name(made->buf, text);
}

static int make(struct dmabuf_sample *sample, u32 i)
{
	const struct kind *kind = &kinds[i % ARRAY_SIZE(kinds)];
	struct made *made = &sample->made[i];
	int err;

	made->fd = -1;
	err = rove_dma_buf_export((size_t)kind->kib * 1024, kind->exporter, NULL, &made->buf);
	if (err)
		return err;
	sample->nr_made++;
	err = name(kind, made, i);
	err = err ?: attach(sample, kind, made);
	if (!err && kind->mapped)
		err = rove_dma_buf_map(made->buf, PROT_READ, &made->address);
	if (!err && kind->has_fd) {
		made->fd = rove_dma_buf_fd(made->buf);
		err = made->fd < 0 ? made->fd : 0;
	}
	return err;
}

static void unmake(struct made *made)
{
	if (made->fd >= 0)
		rove_dma_buf_close(made->buf, made->fd);
	if (made->address)
		rove_dma_buf_unmap(made->buf, made->address);
	for (u32 i = 0; i < NR_DEVICES; i++)
		rove_dma_buf_detach(made->attachments[i]);
	rove_dma_buf_put(made->buf);
}

int dmabuf_sample_start(u32 nr_buffers, struct dmabuf_sample **ret_sample)
{
	struct dmabuf_sample *sample = calloc(1, sizeof(*sample));
	int err = 0;

	if (!sample)
		return -ENOMEM;
	allow_more_files();
	sample->made = calloc(nr_buffers, sizeof(*sample->made));
	err = sample->made ? 0 : -ENOMEM;
	for (u32 i = 0; i < NR_DEVICES && !err; i++)
		err = rove_device_create(NULL, NULL, device_names[i], &sample->devices[i]);
	for (u32 i = 0; i < nr_buffers && !err; i++)
		err = make(sample, i);
	if (err)
		dmabuf_sample_stop(sample);
	else
		*ret_sample = sample;
	return err;
}

void dmabuf_sample_stop(struct dmabuf_sample *sample)
{
	if (!sample)
		return;
	for (u32 i = 0; i < sample->nr_made; i++)
		unmake(&sample->made[i]);
	rove_dma_bufs_barrier();
	for (u32 i = 0; i < NR_DEVICES; i++)
		rove_device_put(sample->devices[i]);
	free(sample->made);
	free(sample);
}
