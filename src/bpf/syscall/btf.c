/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * bpf/syscall/btf.c - BPF_BTF_LOAD
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/strbuf.h"
#include "bpf/btf/btf_object.h"
#include "bpf/map/map.h"
#include "bpf/syscall/call.h"
#include "bpf/syscall/user.h"

#define BTF_MAX_BYTES (16u << 20)

static void log_line(void *arg, const char *text)
{
	strbuf_puts(arg, text);
}

/* What fits of the log, ended by a NUL, and how much there would be. */
static int give_log(struct call *c, const struct strbuf *log)
{
	u32 room = c->attr.btf_log_size, bytes = c->attr.btf_log_level ? log->len + 1 : 0;

	if (c->bytes >= ATTR_BTF_LOG_TRUE_SIZE_END &&
	    user_write_u32(c->user_attr + ATTR_BTF_LOG_TRUE_SIZE, bytes))
		return -EFAULT;
	if (!room)
		return 0;
	if (user_write(c->attr.btf_log_buf, strbuf_text(log), min(bytes, room) - 1) ||
	    user_write(c->attr.btf_log_buf + min(bytes, room) - 1, "", 1))
		return -EFAULT;
	return bytes > room ? -ENOSPC : 0;
}

static int open_new(struct btf *btf)
{
	struct btf_object *bo;
	int err = btf_object_create(btf, &bo);

	if (err) {
		btf_put(btf);
		return err;
	}
	return call_open_new(&bo->obj, O_RDWR);
}

int cmd_btf_load(struct call *c)
{
	struct strbuf log = STRBUF_INIT;
	struct btf *btf = NULL;
	void *data;
	int err, log_err;

	if (c->attr.btf_size > BTF_MAX_BYTES)
		return -E2BIG;
	err = call_check_log(c->attr.btf_log_level, c->attr.btf_log_buf, c->attr.btf_log_size);
	err = err ?: user_dup(c->attr.btf, c->attr.btf_size, &data);
	if (err)
		return err;
	err = btf_parse(data ?: "", c->attr.btf_size, NULL, log_line, &log, &btf);
	free(data);
	log_err = give_log(c, &log);
	strbuf_fini(&log);
	if (err || log_err) {
		btf_put(btf);
		return log_err ?: err == -ENOTSUP ? -ENOTSUPP : err;
	}
	return open_new(btf);
}
