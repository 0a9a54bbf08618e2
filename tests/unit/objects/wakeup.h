/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/unit/objects/wakeup.h - sources to test with, and what is to be seen of them
 */
#ifndef ROVE_TESTS_UNIT_OBJECTS_WAKEUP_H
#define ROVE_TESTS_UNIT_OBJECTS_WAKEUP_H

#include "objects/wakeup_event.h"
#include "tests/test.h"

static inline struct wakeup_source *source_new(struct device *dev, const char *name)
{
	struct wakeup_source *ws = NULL;

	EXPECT_EQ(rove_wakeup_source_register(dev, name, &ws), 0);
	return ws;
}

static inline struct rove_wakeup_attrs attrs_of(struct wakeup_source *ws)
{
	struct rove_wakeup_attrs a;

	rove_wakeup_source_read(ws, &a);
	return a;
}

static inline struct rove_wakeup_attrs deleted_attrs(void)
{
	struct rove_wakeup_attrs a;

	rove_wakeup_deleted_read(&a);
	return a;
}

static u32 handled_now(void)
{
	u32 count;

	EXPECT_TRUE(rove_pm_get_wakeup_count(&count));
	return count;
}

static inline void stop_watching(void)
{
	rove_pm_save_wakeup_count(handled_now() - 1);
}

static inline bool is_listed(const struct wakeup_source *wanted)
{
	int idx = wakeup_sources_read_lock();
	struct wakeup_source *ws = wakeup_sources_first();

	while (ws && ws != wanted)
		ws = wakeup_sources_next(ws);
	wakeup_sources_read_unlock(idx);
	return ws != NULL;
}

#endif
