/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/home.h - workers that the system moved away go back to the CPUs of their pod
 */
#ifndef ROVE_WQ_HOME_H
#define ROVE_WQ_HOME_H

#include "wq/pool.h"

bool home_can_be_left(const struct pool_key *key, bool described);
bool home_return(const struct pool_key *key);
void home_leave_cpu(const struct pool_key *key);

#endif
