/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * wq/attrs.h - which pools serve a queue
 */
#ifndef ROVE_WQ_ATTRS_H
#define ROVE_WQ_ATTRS_H

#include "wq/wq.h"

int machine_get(struct topology **ret_topo);
int machine_describe(const struct topology_spec *spec);

int wq_lay_out(struct rove_workqueue *wq, const struct rove_wq_attrs *attrs);
void wq_take_down(struct rove_workqueue *wq);
void wq_free_old_lanes(struct rove_workqueue *wq);
void wq_spread_active(struct rove_workqueue *wq);

#endif
