/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * objects/device.h - the little of the driver model that objects point to
 *
 * Member names and types are the kernel's, because programs reach them by
 * CO-RE; the layout is ours.
 *
 * Devices and drivers are counted; the memory is freed a grace period of
 * wakeup_srcu after the last reference, so a reader may follow the pointers.
 */
#ifndef ROVE_OBJECTS_DEVICE_H
#define ROVE_OBJECTS_DEVICE_H

#include <rove/srcu.h>

#include "base/refcount.h"
#include "base/types.h"

struct kobject {
	const char *name;
};

/* All members but ->refs are set before the object is visible, never changed. */
struct device_driver {
	const char		*name;
	struct refcount		refs;
	struct rove_srcu_head	srcu;
};

struct device {
	struct kobject		kobj;
	struct device		*parent;	/* NULL, or referenced */
	struct device_driver	*driver;	/* NULL, or referenced */
	struct refcount		refs;
	struct rove_srcu_head	srcu;
};

struct device *device_get(struct device *dev);

#endif
