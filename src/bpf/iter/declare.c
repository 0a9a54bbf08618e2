/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/iter/declare.c - the iterators as our BTF has them
 *
 * A program says which target it is for by the number of the function
 * bpf_iter_NAME, and reads its context as a struct bpf_iter__NAME: loaders look
 * for both in the BTF of what they load into.  The functions are never called.
 *
 * Invariant: the structs are laid out as struct iter_ctx.
 */
#define VIEW_IN_BTF
#include "bpf/core/view.h"
#include "bpf/iter/iter.h"
#include "bpf/iter/wq_view.h"
#include "bpf/map/task.h"
#include "objects/dma_buf.h"
#include "objects/wakeup_source.h"
#include "softirq/hrtimer_view.h"

/* The last function only says to the compiler that the struct is used. */
#define TARGET(target, type, member)                                                 \
	struct bpf_iter__##target {                                                  \
		struct bpf_iter_meta *meta;                                          \
		type member;                                                         \
	};                                                                           \
	_Static_assert(offsetof(struct bpf_iter__##target, member) ==                \
			       offsetof(struct iter_ctx, words), "as the program's");        \
	int bpf_iter_##target(struct bpf_iter_meta *meta, type member);              \
	int bpf_iter_##target(struct bpf_iter_meta *meta, type member)               \
	{                                                                            \
		return 0;                                                            \
	}                                                                            \
	void iter_declare_##target(const struct bpf_iter__##target *ctx);            \
	void iter_declare_##target(const struct bpf_iter__##target *ctx)             \
	{                                                                            \
	}

TARGET(bpf_map, struct bpf_map *, map)
TARGET(bpf_prog, struct bpf_prog *, prog)
TARGET(bpf_link, struct bpf_link *, link)
TARGET(dmabuf, struct dma_buf *, dmabuf)
TARGET(wakeup_source, struct wakeup_source *, ws)
TARGET(workqueue, struct workqueue_view *, wq)
TARGET(worker_pool, struct worker_pool_view *, pool)
TARGET(timer, struct timer_view *, timer)

/* What programs are given of the thread that they run on. */
void iter_declare_task_struct(const struct task_struct *task);
void iter_declare_task_struct(const struct task_struct *task)
{
}

struct bpf_iter__bpf_map_elem {
	struct bpf_iter_meta *meta;
	struct bpf_map *map;
	void *key, *value;
};

_Static_assert(sizeof(struct bpf_iter__bpf_map_elem) == sizeof(struct iter_ctx), "all words");

int bpf_iter_bpf_map_elem(struct bpf_iter_meta *meta, struct bpf_map *map, void *key, void *value);
int bpf_iter_bpf_map_elem(struct bpf_iter_meta *meta, struct bpf_map *map, void *key, void *value)
{
	return 0;
}

void iter_declare_bpf_map_elem(const struct bpf_iter__bpf_map_elem *ctx);
void iter_declare_bpf_map_elem(const struct bpf_iter__bpf_map_elem *ctx)
{
}
