/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/tool/bpf_differ/storage.h - values of threads
 */
#ifndef ROVE_TESTS_TOOL_BPF_DIFFER_STORAGE_H
#define ROVE_TESTS_TOOL_BPF_DIFFER_STORAGE_H

#include <pthread.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/tool/bpf_differ/outer.h"

#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL
#endif

static inline void fill_storage(struct world *w, union bpf_attr *a)
{
	*a = (union bpf_attr){ .map_type = BPF_MAP_TYPE_TASK_STORAGE, .key_size = 4,
			       .value_size = 4, .map_flags = BPF_F_NO_PREALLOC, .btf_fd = w->btf,
			       .btf_key_type_id = 1, .btf_value_type_id = 1 };
}

static const struct base storage_base = {
	"storage", BPF_MAP_CREATE, fill_storage,
	{ MEMBER(FLAGS, map_flags), MEMBER(SMALL, max_entries), MEMBER(SMALL, key_size),
	  MEMBER(SMALL, value_size), MEMBER(SMALL, map_ifindex), MEMBER(FD, btf_fd),
	  MEMBER(SMALL, btf_key_type_id), MEMBER(SMALL, btf_value_type_id) },
};

static inline int make_storage(struct side *s, struct world *w)
{
	union bpf_attr a;

	fill_storage(w, &a);
	return s->call(BPF_MAP_CREATE, &a, sizeof(a));
}

static inline void say_storage(struct side *s, int map, int pidfd, const char *what)
{
	u32 value = 5, back = 0, next;

	say(s, get(s, map, &pidfd, &back), "%s: get", what);
	for (u64 flags = 0; flags < 6; flags++)
		say(s, put(s, map, &pidfd, &value, flags), "%s: put with %llu", what,
		    (unsigned long long)flags);
	value = 6;
	say(s, put(s, map, &pidfd, &value, BPF_EXIST), "%s: put in its place", what);
	say(s, get(s, map, &pidfd, &back), "%s: get it", what);
	say(s, back, "%s: it is", what);
	say(s, del(s, map, &pidfd), "%s: delete", what);
	say(s, del(s, map, &pidfd), "%s: delete again", what);
	say(s, put(s, map, &pidfd, &value, BPF_EXIST), "%s: put in no place", what);
	say(s, put(s, map, &pidfd, &value, BPF_NOEXIST), "%s: put anew", what);
	say(s, ASK(s, BPF_MAP_GET_NEXT_KEY, .map_fd = map, .next_key = PTR(&next)), "%s: next",
	    what);
	say(s, ASK(s, BPF_MAP_LOOKUP_AND_DELETE_ELEM, .map_fd = map, .key = PTR(&pidfd),
		    .value = PTR(&back)), "%s: take", what);
	for (int cmd = BPF_MAP_LOOKUP_BATCH; cmd <= BPF_MAP_DELETE_BATCH; cmd++) {
		union bpf_attr a;

		if (cmd == BPF_MAP_LOOKUP_BATCH + 1)	/* lookup and delete */
			continue;
		fill_batch(map, &a);
		say(s, s->call(cmd, &a, sizeof(a)), "%s: batch command %d", what, cmd);
	}
}

struct sleeper {
	pthread_barrier_t barrier;
	int tid;
};

static inline void *sleep_until_asked(void *arg)
{
	struct sleeper *sleeper = arg;

	sleeper->tid = gettid();
	pthread_barrier_wait(&sleeper->barrier);
	pthread_barrier_wait(&sleeper->barrier);
	return NULL;
}

/* A descriptor of a thread is of Linux 6.9. */
static inline void storage_of_thread(struct side *s, int map)
{
	struct sleeper sleeper;
	pthread_t thread;
	u32 back;
	int pidfd;

	pthread_barrier_init(&sleeper.barrier, NULL, 2);
	if (pthread_create(&thread, NULL, sleep_until_asked, &sleeper))
		abort();
	pthread_barrier_wait(&sleeper.barrier);
	pidfd = syscall(SYS_pidfd_open, sleeper.tid, PIDFD_THREAD);
	if (pidfd >= 0)
		say_storage(s, map, pidfd, "another thread");
	pthread_barrier_wait(&sleeper.barrier);
	pthread_join(thread, NULL);
	if (pidfd < 0)
		return;
	/* It may be seen for a moment after it was waited for. */
	while (!kill(sleeper.tid, 0) || !syscall(SYS_tgkill, getpid(), sleeper.tid, 0))
		sched_yield();
	say(s, get(s, map, &pidfd, &back), "a thread that is gone: get");
	say(s, put(s, map, &pidfd, &back, 0), "a thread that is gone: put");
	say(s, del(s, map, &pidfd), "a thread that is gone: delete");
	close(pidfd);
}

static inline void group_storage(struct side *s)
{
	struct world w;
	int map, pidfd = syscall(SYS_pidfd_open, getpid(), 0), outer;
	u32 key = 0;

	make_world(s, &w);
	vary(s, &w, &storage_base);
	for (u32 bytes = 65390; bytes < 65420; bytes++) {
		/* Its type is of another size, which is noticed later. */
		union bpf_attr a;

		fill_storage(&w, &a);
		a.value_size = bytes;
		say(s, settle(s, BPF_MAP_CREATE, s->call(BPF_MAP_CREATE, &a, sizeof(a))),
		    "value of %u", bytes);
	}
	map = make_storage(s, &w);
	must(s, map >= 0 && pidfd >= 0, "a storage and a process");
	say_storage(s, map, pidfd, "this process");
	say_storage(s, map, -1, "no descriptor");
	say_storage(s, map, 99999, "a descriptor of nothing");
	say_storage(s, map, map, "the map itself");
	say_storage(s, map, w.other, "a descriptor of something else");
	storage_of_thread(s, map);
	outer = make_outer(s, BPF_MAP_TYPE_ARRAY_OF_MAPS, map, 1);
	say(s, outer < 0 ? outer : 0, "in another map");
	say(s, put(s, outer, &key, &map, 0), "put in another map");
	s->close(outer);
	say(s, ASK(s, BPF_MAP_FREEZE, .map_fd = map), "freeze");
	say_storage(s, map, pidfd, "frozen");
	s->close(map);
	close(pidfd);
	drop_world(s, &w);
}

#endif
