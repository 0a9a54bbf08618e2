/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * child_test.c - objects of a child of fork(), of a parent whose threads were elsewhere
 */
#include <errno.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rove/dmabuf.h>
#include <rove/wakeup.h>

#include "tests/test.h"

#define LONGEST_S 100

#ifdef __SANITIZE_THREAD__
#define SKIP_WITHOUT_THREADS_IN_A_CHILD() \
	SKIP("ThreadSanitizer lets no thread be made in a child of a process with threads")
#else
#define SKIP_WITHOUT_THREADS_IN_A_CHILD() ((void)0)
#endif

/* In a child: a test cannot fail there. */
#define NEED(x)                     \
	do {                        \
		if (!(x))           \
			_exit(1);   \
	} while (0)

static void expect_child_is_content(pid_t child)
{
	int status = -1;

	EXPECT_TRUE(child > 0);
	EXPECT_EQ(waitpid(child, &status, 0), child);
	EXPECT_EQ(status, 0);
}

static void use_own_source(void)
{
	struct rove_wakeup_attrs attrs;
	struct wakeup_source *ws;

	NEED(!rove_wakeup_source_register(NULL, "child", &ws));
	NEED(!rove_pm_wakeup_event(ws, 1));
	do {
		rove_wakeup_source_read(ws, &attrs);
	} while (!attrs.expire_count);
	NEED(attrs.event_count == 1);
	rove_wakeup_source_unregister(ws);
	rove_wakeup_sources_barrier();
}

TEST(child, makes_wakeup_sources_of_its_own)
{
	struct wakeup_source *ws;
	pid_t child;

	SKIP_WITHOUT_THREADS_IN_A_CHILD();
	EXPECT_EQ(rove_wakeup_source_register(NULL, "parent", &ws), 0);
	rove_pm_stay_awake(ws);
	child = fork();
	if (!child) {
		alarm(LONGEST_S);
		use_own_source();
		_exit(0);
	}
	expect_child_is_content(child);
	rove_pm_relax(ws);
	rove_wakeup_source_unregister(ws);
	rove_wakeup_sources_barrier();
}

static void use_own_buffer(void)
{
	struct dma_buf *dmabuf;
	void *addr;

	NEED(!rove_dma_buf_export(4096, "child", NULL, &dmabuf));
	NEED(!rove_dma_buf_set_name(dmabuf, "one"));
	NEED(!rove_dma_buf_set_name(dmabuf, "two"));
	NEED(!rove_dma_buf_map(dmabuf, PROT_READ | PROT_WRITE, &addr));
	*(int *)addr = 1;
	rove_dma_buf_unmap(dmabuf, addr);
	rove_dma_buf_put(dmabuf);
	rove_dma_bufs_barrier();
}

TEST(child, makes_dma_bufs_of_its_own)
{
	struct dma_buf *dmabuf;
	pid_t child;

	SKIP_WITHOUT_THREADS_IN_A_CHILD();
	EXPECT_EQ(rove_dma_buf_export(4096, "parent", NULL, &dmabuf), 0);
	EXPECT_EQ(rove_dma_buf_set_name(dmabuf, "parents"), 0);
	child = fork();
	if (!child) {
		alarm(LONGEST_S);
		use_own_buffer();
		_exit(0);
	}
	expect_child_is_content(child);
	rove_dma_buf_put(dmabuf);
	rove_dma_bufs_barrier();
}
