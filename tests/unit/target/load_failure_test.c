/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Whatever fails while types, maps and a program are loaded: the caller is told what was wanting,
 * and nothing stays.  The programs are cases of the corpus, accepted ones and others.
 */
#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <urcu/urcu-bp.h>

#include "tests/failing.h"
#include "tests/left.h"
#include "tests/test.h"
#include "tests/tool/corpus/target.h"

#define LOG_BYTES (1u << 20)

#if ANY_CALL_CAN_FAIL
int memfd_create(const char *name, unsigned int flags)
{
	return call_fails(EMFILE) ? -1 : syscall(SYS_memfd_create, name, flags);
}
#endif

static const char *const files[] = {
	"timer_callback_arguments", "timer_two_callbacks_set_each_other", "wq_callback_uses_its_work",
	"callback_in_bounded_loop", "callback_changes_callers_stack", "inner_timer_of_another_lookup",
	"inner_each_element_inits", "iter_late_precision", "iter_chain_through_stack",
	"bounds_off_by_one", "map_count_of_own_map", "bounds_linked_spill",
};

static struct corpus_case c;
static char log_room[LOG_BYTES];

static bool is_for_want(int err)
{
	return err == -ENOMEM || err == -EMFILE || err == -EAGAIN;
}

/* Calls within bpf(2) are counted, those of libbpf and of this test are not. */
static s64 calls_left;
static bool has_failed, was_told;
static int expected;		/* of the whole, when nothing fails */

static int failing_bpf(int cmd, union bpf_attr *attr, unsigned int size)
{
	bool failed_here;
	int ret;

	fail_nth_here(calls_left);
	ret = target_self.bpf(cmd, attr, size);
	calls_left = READ_ONCE(failing.left);
	failed_here = fail_none() && !has_failed;
	has_failed |= failed_here;
	was_told |= failed_here && is_for_want(ret);
	/* What libbpf only tries, to see what there is, is refused anyhow. */
	EXPECT_TRUE(!failed_here || ret >= 0 || is_for_want(ret) || ret == expected ||
		    cmd == BPF_PROG_LOAD);
	return ret;
}

static void fail_in_bpf(s64 n)
{
	calls_left = n;
	has_failed = was_told = false;
}

/* 0 or -errno, of whichever call it was; -ENOMEM when it was not that of the program. */
static int load_case(const struct btf *types)
{
	struct target failing_self = target_self;
	struct target_answer answer;

	failing_self.bpf = failing_bpf;
	target_ask(&failing_self, &c, types, log_room, sizeof(log_room), &answer);
	return answer.skip[0] ? -ENOMEM : answer.err;
}

static void settle(void)
{
	urcu_bp_barrier();
	urcu_bp_barrier();
}

static void fail_each_call(const char *name)
{
	struct btf *types = target_btf(&target_self);
	u32 open, objects, n = 1, nr_wanting = 0;
	bool all_worked = false;
	char path[256];
	int err;

	snprintf(path, sizeof(path), "tests/corpus/verifier/%s.txt", name);
	EXPECT_EQ(parse_case(path, &c), 0);
	fail_in_bpf(INT64_MAX);
	expected = load_case(types);
	settle();
	open = nr_open_descriptors();
	objects = nr_objects();
	for (; !all_worked; n++) {
		fail_in_bpf(n);
		err = load_case(types);
		all_worked = !has_failed;
		EXPECT_TRUE(err == expected || was_told);
		nr_wanting += was_told;
		EXPECT_TRUE(n < 20000);
	}
	settle();
	EXPECT_EQ(nr_open_descriptors(), open);
	EXPECT_EQ(nr_objects(), objects);
	EXPECT_TRUE(nr_wanting > 0);
	print_message("# %s: %u calls, %u of them told\n", name, n, nr_wanting);
	btf_put(types);
}

TEST(load_failure, the_nth_call_fails_and_nothing_stays)
{
	for (u32 i = 0; i < ARRAY_SIZE(files); i++)
		fail_each_call(files[i]);
}
