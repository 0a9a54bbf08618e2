#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# tools/check-install.sh - an application builds against an installed tree, shared and static (TAP)

B=${B:-build}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
number=0
echo 1..7

report()
{
	number=$((number + 1))
	if [ "$1" = 0 ]; then
		echo "ok $number - install: $2"
	else
		sed 's/^/# /' "$dir/log"
		echo "not ok $number - install: $2"
	fi
}

make --no-print-directory install DESTDIR="$dir" PREFIX=/usr >"$dir/log" 2>&1
report $? "make install with DESTDIR and PREFIX"

# An application with names that librove uses inside.
cat > "$dir/app.c" <<'APP'
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <rove/bpf.h>

int btf_parse(void) { return 7; }
int list_init(void) { return 8; }

int main(void)
{
	union bpf_attr attr;
	int fd;

	memset(&attr, 0, sizeof(attr));
	attr.map_type = BPF_MAP_TYPE_ARRAY;
	attr.key_size = 4;
	attr.value_size = 8;
	attr.max_entries = 1;
	fd = rove_bpf(BPF_MAP_CREATE, &attr, sizeof(attr));
	if (fd < 0 || btf_parse() != 7 || list_init() != 8)
		return 1;
	return rove_bpf_close(fd) != 0;
}
APP
export PKG_CONFIG_PATH=$dir/usr/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$dir
flags=$(pkg-config --cflags --libs rove)
static=$(pkg-config --static --cflags --libs rove | sed "s|-lrove|$dir/usr/lib/librove.a|")

gcc -o "$dir/app" "$dir/app.c" $flags >"$dir/log" 2>&1 &&
	LD_LIBRARY_PATH=$dir/usr/lib "$dir/app" >>"$dir/log" 2>&1
report $? "an application links the shared library and runs"

gcc -o "$dir/app-static" "$dir/app.c" $static >"$dir/log" 2>&1 && "$dir/app-static" >>"$dir/log" 2>&1
report $? "an application links the static library and runs, with names of its own that rove uses inside"

# The ordinary libbpf, pointed at this process.
cat > "$dir/libbpf.c" <<'APP'
#include <bpf/bpf.h>
#include <rove/bpf.h>
#include <rove/libbpf.h>

int main(void)
{
	int fd;

	if (rove_libbpf_use_self(true))
		return 1;
	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "numbers", 4, 8, 1, NULL);
	return fd < 0 || !rove_bpf_owns(fd) || rove_bpf_close(fd) || !rove_libbpf_use_self(false);
}
APP
libbpf=$(echo "$static" | sed "s|$dir/usr/lib/librove.a|$dir/usr/lib/librove-libbpf.a &|")
gcc -o "$dir/libbpf" "$dir/libbpf.c" $libbpf -lelf -lz >"$dir/log" 2>&1 && "$dir/libbpf" >>"$dir/log" 2>&1
report $? "an application uses libbpf on this process"

# Whoever copies an example, or includes a header alone, gets no warning, whichever the compiler.
strict="-Wall -Wextra -Wpedantic -Werror $(pkg-config --cflags rove)"
examples()
{
	for cc in gcc clang; do
		for source in examples/*.c; do
			echo "$cc $source:"
			$cc -std=c11 $strict -pthread -o "$dir/example" "$source" $(pkg-config --libs rove) &&
				LD_LIBRARY_PATH=$dir/usr/lib "$dir/example" || return 1
		done
	done
}

examples >"$dir/log" 2>&1
report $? "each example is C11 without a warning, and does what it is for"

# -x c++: not every machine has g++.
headers()
{
	for header in include/rove/*.h; do
		for lang in "gcc -x c -std=c11" "clang -x c -std=c11" "clang -x c++ -std=c++11"; do
			echo "$lang $header:"
			printf '#include <rove/%s>\n%s\n' "$(basename "$header")" "$1" |
				$lang $strict -fsyntax-only - || return 1
		done
	done
	printf '#include <rove/irq_work.h>\n#include <rove/workqueue.h>\n%s\n' \
		'struct rove_work work = ROVE_WORK_INIT(nullptr);
		 struct rove_irq_work irq_work = ROVE_IRQ_WORK_INIT(nullptr);' |
		clang -x c++ -std=c++11 $strict -fsyntax-only -
}

headers "int main(void);" >"$dir/log" 2>&1
report $? "each header can be included alone, in C11 and C++11"

# Its threads go on when the plugin that made them is closed: the code must stay, also when it
# is part of the plugin.
cat > "$dir/plugin.c" <<'APP'
#include <errno.h>
#include <rove/srcu.h>
#include <rove/workqueue.h>
#include <semaphore.h>

static sem_t done;

static void note(struct rove_work *work)
{
	sem_post(&done);
}

int use(void);

int use(void)
{
	struct rove_delayed_work work;
	struct rove_workqueue *wq;
	struct rove_srcu *dom;

	if (rove_workqueue_create("plugin", NULL, &wq) || rove_srcu_create(&dom))
		return 1;
	sem_init(&done, 0, 0);
	rove_delayed_work_init(&work, note);
	rove_queue_delayed_work(wq, &work, 1000);
	while (sem_wait(&done) && errno == EINTR)
		continue;
	rove_cancel_delayed_work_sync(&work);
	rove_srcu_synchronize(dom);
	rove_srcu_free(dom);
	rove_workqueue_free(wq);
	return 0;
}
APP
cat > "$dir/host.c" <<'APP'
#include <dlfcn.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

static void *nothing(void *arg)
{
	return arg;
}

/* Threads that end and children after that call what a library has left behind. */
static int aftermath(void)
{
	int status = 1;
	pthread_t thread;
	pid_t pid;

	if (pthread_create(&thread, NULL, nothing, NULL) || pthread_join(thread, NULL))
		return 1;
	pid = fork();
	if (!pid)
		_exit(0);
	return pid < 0 || waitpid(pid, &status, 0) != pid || status;
}

int main(int argc, char **argv)
{
	for (int i = 0; i < 3; i++) {
		void *plugin = dlopen(argv[1], RTLD_NOW);
		int (*use)(void);

		if (!plugin)
			return 2;
		*(void **)&use = dlsym(plugin, "use");
		if (use() || dlclose(plugin))
			return 3;
		usleep(20000);	/* what its threads did then was the fault */
		if (aftermath())
			return 4;
	}
	return 0;
}
APP
plugin()
{
	gcc -fPIC -shared -o "$dir/$1.so" "$dir/plugin.c" "${@:2}" &&
		LD_LIBRARY_PATH=$dir/usr/lib "$dir/host" "$dir/$1.so"
}

{ gcc -o "$dir/host" "$dir/host.c" -ldl -pthread && plugin shared $flags && plugin static $static; } >"$dir/log" 2>&1
report $? "a plugin that uses it may be closed and opened again"
