/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/selftest/dmabuf_iter.skel.h - the kernel's program as its test file knows it
 *
 * The object is loaded by the stock libbpf from the file that SELFTEST_OBJECT names.
 */
#ifndef ROVE_TESTS_SELFTEST_DMABUF_ITER_SKEL_H
#define ROVE_TESTS_SELFTEST_DMABUF_ITER_SKEL_H

#include <bpf/libbpf.h>
#include <stdlib.h>

struct dmabuf_iter {
	struct bpf_object *obj;
	struct {
		struct bpf_map *testbuf_hash;
	} maps;
	struct {
		struct bpf_program *dmabuf_collector, *iter_dmabuf_for_each;
	} progs;
	struct {
		struct bpf_link *dmabuf_collector;
	} links;
};

static inline void dmabuf_iter__destroy(struct dmabuf_iter *skel)
{
	if (!skel)
		return;
	bpf_link__destroy(skel->links.dmabuf_collector);
	bpf_object__close(skel->obj);
	free(skel);
}

static inline struct dmabuf_iter *dmabuf_iter__open_and_load(void)
{
	struct dmabuf_iter *skel = calloc(1, sizeof(*skel));

	if (!skel)
		return NULL;
	skel->obj = bpf_object__open_file(getenv("SELFTEST_OBJECT"), NULL);
	if (!skel->obj || bpf_object__load(skel->obj)) {
		dmabuf_iter__destroy(skel);
		return NULL;
	}
	skel->maps.testbuf_hash = bpf_object__find_map_by_name(skel->obj, "testbuf_hash");
	skel->progs.dmabuf_collector =
		bpf_object__find_program_by_name(skel->obj, "dmabuf_collector");
	skel->progs.iter_dmabuf_for_each =
		bpf_object__find_program_by_name(skel->obj, "iter_dmabuf_for_each");
	return skel;
}

static inline int dmabuf_iter__attach(struct dmabuf_iter *skel)
{
	skel->links.dmabuf_collector = bpf_program__attach(skel->progs.dmabuf_collector);
	return skel->links.dmabuf_collector ? 0 : -1;
}

#endif
