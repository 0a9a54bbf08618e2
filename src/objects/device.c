/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * objects/device.c - devices and drivers that objects point to
 *
 * Invariant: whoever points to a device or driver holds a reference; readers,
 *            who hold none, are protected by their section of wakeup_sources_srcu().
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/context.h"
#include "objects/device.h"
#include "objects/wakeup_source.h"

/* One allocation with the name behind. */
static void *alloc_with_name(size_t object_bytes, const char *name, const char **ret_name)
{
	size_t name_bytes = strlen(name) + 1;
	char *object = calloc(1, object_bytes + name_bytes);

	if (!object)
		return NULL;
	*ret_name = memcpy(object + object_bytes, name, name_bytes);
	return object;
}

/**
 * rove_device_driver_create - see rove/wakeup.h
 */
int rove_device_driver_create(const char *name, struct device_driver **ret_driver)
{
	struct device_driver *driver;
	const char *copy;

	ctx_may_sleep();
	if (!name || !name[0])
		return -EINVAL;
	driver = alloc_with_name(sizeof(*driver), name, &copy);
	if (!driver)
		return -ENOMEM;
	driver->name = copy;
	refcount_set(&driver->refs, 1);
	*ret_driver = driver;
	return 0;
}

static void driver_free(struct rove_srcu_head *head)
{
	free(container_of(head, struct device_driver, srcu));
}

/**
 * rove_device_driver_put - see rove/wakeup.h
 */
void rove_device_driver_put(struct device_driver *driver)
{
	ctx_thread();
	if (driver && refcount_put(&driver->refs))
		rove_srcu_call(wakeup_sources_srcu(), &driver->srcu, driver_free);
}

/**
 * rove_device_create - see rove/wakeup.h
 */
int rove_device_create(struct device *parent, struct device_driver *driver, const char *name,
		       struct device **ret_dev)
{
	struct device *dev;
	const char *copy;

	ctx_may_sleep();
	if (!name || !name[0])
		return -EINVAL;
	dev = alloc_with_name(sizeof(*dev), name, &copy);
	if (!dev)
		return -ENOMEM;
	dev->kobj.name = copy;
	dev->parent = device_get(parent);
	dev->driver = driver;
	if (driver)
		refcount_get(&driver->refs);
	refcount_set(&dev->refs, 1);
	*ret_dev = dev;
	return 0;
}

/**
 * device_get - one reference more
 * @dev:  NULL, or referenced by the caller
 *
 * Context: any.
 * Return:  @dev.
 */
struct device *device_get(struct device *dev)
{
	ctx_any();
	if (dev)
		refcount_get(&dev->refs);
	return dev;
}

static void device_free(struct rove_srcu_head *head)
{
	free(container_of(head, struct device, srcu));
}

/**
 * rove_device_put - see rove/wakeup.h
 *
 * The last reference gives back those to parent and driver at once: a reader that
 * still sees this device began before their grace periods do.
 */
void rove_device_put(struct device *dev)
{
	ctx_thread();
	while (dev && refcount_put(&dev->refs)) {
		struct device *parent = dev->parent;

		rove_device_driver_put(dev->driver);
		rove_srcu_call(wakeup_sources_srcu(), &dev->srcu, device_free);
		dev = parent;
	}
}
