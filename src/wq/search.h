/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/search.h - a worker looks for works for a while before it sleeps
 */
#ifndef ROVE_WQ_SEARCH_H
#define ROVE_WQ_SEARCH_H

#include "wq/worker.h"

bool search(struct worker *w);
bool search_found(struct worker *w);

#endif
