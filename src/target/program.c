/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * target/program.c - one of our embedded object files, loaded into a target
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "target/elf_check.h"
#include "target/program.h"

__attribute__((format(printf, 2, 3)))
static void say(struct program_why why, const char *fmt, ...)
{
	va_list ap;

	if (!why.text || !why.size)
		return;
	va_start(ap, fmt);
	vsnprintf(why.text, why.size, fmt, ap);
	va_end(ap);
}

/* --- what libbpf says --------------------------------------------------------------------- */

static _Thread_local struct program_why collecting;

/*
 * Keep what libbpf prints while a program of ours loads; the verifier's log is
 * among it.  When it does not fit, the end is what tells the reason.
 */
static int collect(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	char line[16 * 1024];
	size_t used, bytes, room = collecting.size;

	if (level == LIBBPF_DEBUG || !collecting.text || !room)
		return 0;
	vsnprintf(line, sizeof(line), fmt, ap);
	bytes = strlen(line);
	if (bytes >= room) {
		memcpy(collecting.text, line + bytes - (room - 1), room);
		return 0;
	}
	used = strlen(collecting.text);
	if (used + bytes >= room) {
		size_t drop = used + bytes + 1 - room;

		memmove(collecting.text, collecting.text + drop, used - drop + 1);
		used -= drop;
	}
	memcpy(collecting.text + used, line, bytes + 1);
	return 0;
}

static void collect_into(struct program_why why)
{
	libbpf_set_print(collect);
	collecting = why;
	if (why.text && why.size)
		why.text[0] = 0;
}

static void collect_end(void)
{
	collecting = (struct program_why){ NULL };
}

/* --- may we? ------------------------------------------------------------------------------ */

int program_may_load(const struct target *target, struct program_why why)
{
	static const struct bpf_insn ret0[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_SYSCALL,
		.insns = (uintptr_t)ret0,
		.insn_cnt = ARRAY_SIZE(ret0),
		.license = (uintptr_t) "Dual BSD/GPL",
		.prog_flags = BPF_F_SLEEPABLE,
	};
	int fd = target->bpf(BPF_PROG_LOAD, &attr, sizeof(attr));

	if (fd >= 0) {
		target->close(fd);
		return 0;
	}
	if (fd == -EPERM || fd == -EACCES) {
		say(why, "bpf(2) is not permitted here");
		return -EPERM;
	}
	if (fd == -ENOSYS)
		say(why, "this kernel has no bpf(2) (CONFIG_BPF_SYSCALL)");
	else
		say(why, "this kernel takes no syscall programs (Linux 5.14 or later): %s",
		    strerror(-fd));
	return -ENOTSUP;
}

int program_has_func(const struct target *target, const char *func)
{
	const struct target *was = target_use(target);
	struct btf *btf;
	int ret;

	/* That there is none is said by whoever asked. */
	collect_into((struct program_why){ NULL });
	btf = btf__load_vmlinux_btf();
	ret = -errno;
	collect_end();
	if (btf) {
		ret = btf__find_by_name_kind(btf, func, BTF_KIND_FUNC) > 0;
		btf__free(btf);
	}
	target_use(was);
	return ret;
}

/* --- open and load ------------------------------------------------------------------------ */

/* libbpf has numbers of its own behind the system's. */
static int real_errno(int err)
{
	return err <= -__LIBBPF_ERRNO__START ? -EINVAL : err;
}

/* One sentence in front of what was collected; of that the end is kept. */
static void say_first(struct program_why why, const char *what, const char *name, int err)
{
	char sentence[256], reason[128];
	size_t used, bytes, room = why.size;

	if (!why.text || !room)
		return;
	libbpf_strerror(err, reason, sizeof(reason));
	used = strlen(why.text);
	snprintf(sentence, sizeof(sentence), "%s '%.64s': %s%s", what, name, reason,
		 used ? "\n" : "");
	bytes = strlen(sentence);
	if (bytes >= room) {
		memcpy(why.text, sentence, room - 1);
		why.text[room - 1] = 0;
		return;
	}
	if (used > room - 1 - bytes) {
		size_t drop = used - (room - 1 - bytes);

		memmove(why.text, why.text + drop, used - drop);
		used -= drop;
	}
	memmove(why.text + bytes, why.text, used);
	memcpy(why.text, sentence, bytes);
	why.text[bytes + used] = 0;
}

int program_say_missing(int has, const char *what, struct program_why why)
{
	struct utsname uts;

	if (!why.text || !why.size)
		return -ENOTSUP;
	uname(&uts);
	if (has < 0)
		snprintf(why.text, why.size, "kernel %s has no readable BTF "
			 "(/sys/kernel/btf/vmlinux, CONFIG_DEBUG_INFO_BTF)", uts.release);
	else
		snprintf(why.text, why.size, "kernel %s has no %s", uts.release, what);
	return -ENOTSUP;
}

int program_open(const struct program_image *image, struct bpf_object **ret_obj,
		 struct program_why why)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = image->name);
	size_t size = (const char *)image->end - (const char *)image->data;
	struct bpf_object *obj;
	char wrong[256];
	int err = elf_check(image->data, size, wrong, sizeof(wrong));

	if (err) {
		say(why, "object '%s': %s", image->name, err == -EINVAL ? wrong : strerror(-err));
		return err;
	}
	collect_into(why);
	obj = bpf_object__open_mem(image->data, size, &opts);
	err = obj ? 0 : -errno;
	collect_end();
	if (err) {
		say_first(why, "libbpf refuses object", image->name, err);
		return real_errno(err);
	}
	*ret_obj = obj;
	return 0;
}

int program_load(struct bpf_object *obj, const struct program_image *image,
		 struct program_why why)
{
	int err;

	collect_into(why);
	err = bpf_object__load(obj);
	collect_end();
	if (err)
		say_first(why, "cannot load object", image->name, err);
	return real_errno(err);
}
