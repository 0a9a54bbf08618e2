/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/btf/btf_object.c - BTF with an id and descriptors
 *
 * Our own BTF is id 1, as the kernel's own is there.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/context.h"
#include "base/mutex.h"
#include "bpf/btf/btf_object.h"

static void btf_object_free(struct object *obj)
{
	struct btf_object *bo = container_of(obj, struct btf_object, obj);

	btf_put(bo->btf);
	free(bo);
}

const struct object_ops btf_object_ops = {
	.kind = OBJECT_BTF,
	.memfd_name = "bpf-btf",
	.free = btf_object_free,
};

static int create(struct btf *btf, const char *name, struct btf_object **ret_bo)
{
	struct btf_object *bo;
	int memfd, err;

	bo = calloc(1, sizeof(*bo));
	if (!bo)
		return -ENOMEM;
	memfd = object_memfd_create(&btf_object_ops, 0);
	if (memfd < 0) {
		free(bo);
		return memfd;
	}
	bo->btf = btf;
	bo->name = name;
	err = object_init(&bo->obj, &btf_object_ops, memfd);
	if (err) {
		close(memfd);
		free(bo);
		return err;
	}
	*ret_bo = bo;
	return 0;
}

/**
 * btf_object_create - give BTF an id
 * @btf: the object's on success
 *
 * Context: may sleep.
 * Return:  0 or -errno.
 */
int btf_object_create(struct btf *btf, struct btf_object **ret_bo)
{
	return create(btf, "", ret_bo);
}

/**
 * btf_object_self - our own BTF as an object
 * @ret_bo: borrowed: it lives as long as the process
 *
 * Context: may sleep.
 * Return:  0 or -errno.
 */
int btf_object_self(struct btf_object **ret_bo)
{
	static struct mutex lock = MUTEX_INIT;	/* outside the registry's */
	static struct btf_object *self;
	int err = 0;

	ctx_may_sleep();
	mutex_lock(&lock);
	if (!self)
		err = create(NULL, "vmlinux", &self);
	if (!err)
		*ret_bo = self;
	mutex_unlock(&lock);
	return err;
}

/**
 * btf_object_by_fd - the BTF behind a descriptor
 * @ret_bo: with a reference; btf_object_put()
 *
 * Context: thread.
 * Return:  0, -EBADF, or -EINVAL (open on something else).
 */
int btf_object_by_fd(int fd, struct btf_object **ret_bo)
{
	struct object *obj;
	int err = object_by_fd(fd, &obj);

	if (err)
		return err;
	if (obj->ops != &btf_object_ops) {
		object_put(obj);
		return -EINVAL;
	}
	*ret_bo = container_of(obj, struct btf_object, obj);
	return 0;
}

void btf_object_put(struct btf_object *bo)
{
	if (bo)
		object_put(&bo->obj);
}
