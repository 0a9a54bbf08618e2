/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/block.h - a worker is about to wait
 */
#ifndef ROVE_WQ_BLOCK_H
#define ROVE_WQ_BLOCK_H

#include "wq/worker.h"

struct block {
	struct worker *worker;		/* NULL: no worker's thread */
};

void block_begin(struct block *block);
void block_end(struct block *block);

#endif
