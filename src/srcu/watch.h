/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * srcu/watch.h - who is inside a section, while somebody wants to know
 */
#ifndef ROVE_SRCU_WATCH_H
#define ROVE_SRCU_WATCH_H

#include "srcu/domain.h"

u32 srcu_watch_enter(struct srcu_watch *watch, u32 idx, const void *where);
void srcu_watch_leave(struct srcu_watch *watch, u32 tag);
u64 srcu_watch_report(struct rove_srcu *dom, u32 idx, u64 waited_ns);

#endif
