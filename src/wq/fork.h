/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/fork.h - the child begins as if there had never been a queue
 */
#ifndef ROVE_WQ_FORK_H
#define ROVE_WQ_FORK_H

void fork_prepare(void);

/* What each file does for it, in the child. */
void watch_forget(void);
void shards_forget(void);
void workers_forget(void);
void pools_forget(void);
void attrs_forget(void);
void machine_forget(void);
void manager_forget(void);
void system_forget(void);
void freeze_forget(void);
void help_forget(void);

#endif
