/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Every helper and kfunc that a perf event's program may call, called in the handler; what each
 * gives stands in handler_table.tsv, beside what a kernel gives in its interrupt.
 *
 * Its columns: the call; what it gives here, and in a kernel ("." where no kernel that we have
 * takes the call in such a program); why they differ; and what else it may give in a handler,
 * with the test that shows it.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <pthread.h>

#include "bpf/kfunc/kfunc.h"
#include "bpf/prog/prog.h"
#include "target/target.h"
#include "tests/progs/handler_table.h"
#include "tests/test.h"
#include "tests/unit/perf/perf.h"

#define OBJECT "build/tests/progs/handler_table.bpf.o"
#define TABLE "tests/unit/perf/handler_table.tsv"

static const char *const row_names[] = {
#define NAME(name) #name,
	HANDLER_HELPERS(NAME)
	HANDLER_MORE(NAME)
	HANDLER_ASYNC(NAME)
#undef NAME
};

static const char *const program_names[] = { "table_helpers", "table_more", "table_async" };

/* --- the table ---------------------------------------------------------------------------- */

struct row {
	char name[40];
	long long self, kernel;
	char why[160], also[160];
};

static struct row table[NR_HANDLER_ROWS + 1];

static long long number_of(const char *text)
{
	return strcmp(text, ".") ? atoll(text) : HANDLER_NOT_CALLED;
}

static void copy(char *to, size_t room, const char *from)
{
	EXPECT_TRUE(from && strlen(from) < room);
	strcpy(to, from);
}

static void read_row(char *line, struct row *row)
{
	char *column[5];

	line[strcspn(line, "\n")] = 0;
	for (int i = 0; i < 5; i++) {
		column[i] = strsep(&line, "\t");
		EXPECT_TRUE(column[i] != NULL);
	}
	copy(row->name, sizeof(row->name), column[0]);
	copy(row->why, sizeof(row->why), column[3]);
	copy(row->also, sizeof(row->also), column[4]);
	row->self = number_of(column[1]);
	row->kernel = number_of(column[2]);
}

/* In the order of enum handler_row. */
static void read_table(void)
{
	FILE *file = fopen(TABLE, "re");
	char line[512];
	u32 nr = 0;

	EXPECT_TRUE(file && fgets(line, sizeof(line), file));
	for (; nr < NR_HANDLER_ROWS && fgets(line, sizeof(line), file); nr++) {
		read_row(line, &table[nr]);
		EXPECT_STR_EQ(table[nr].name, row_names[nr]);
	}
	EXPECT_EQ(nr, NR_HANDLER_ROWS);
	EXPECT_TRUE(!fgets(line, sizeof(line), file));
	fclose(file);
}

static const struct row *find_row(const char *name)
{
	for (u32 i = 0; i < NR_HANDLER_ROWS; i++)
		if (!strcmp(table[i].name, name))
			return &table[i];
	return NULL;
}

/* --- what is offered ---------------------------------------------------------------------- */

static u32 expect_helpers_have_rows(void)
{
	const struct prog_spec spec = { .type = BPF_PROG_TYPE_PERF_EVENT };
	struct platform platform;
	u32 nr = 0;
	bool known;

	platform_init(&platform, &spec);
	for (u32 id = 0; id < __BPF_FUNC_MAX_ID; id++) {
		const struct func_proto *proto =
			platform.vrf.helper(&platform.vrf, BPF_PROG_TYPE_PERF_EVENT, id, &known);

		if (!proto)
			continue;
		nr++;
		if (!find_row(proto->name))
			print_error("%s has no row\n", proto->name);
		EXPECT_TRUE(find_row(proto->name) != NULL);
	}
	platform_fini(&platform);
	return nr;
}

static bool is_offered(const struct kfunc *k)
{
	return !(k->flags & KF_SLEEPABLE) &&
	       (!k->prog_types || k->prog_types & 1ull << BPF_PROG_TYPE_PERF_EVENT);
}

static u32 expect_kfuncs_have_rows(void)
{
	static const struct kfunc *const subjects[] = {
		kfuncs_iter_num, kfuncs_cast, kfuncs_wakeup, kfuncs_dmabuf, kfuncs_async, kfuncs_map,
	};
	u32 nr = 0;

	for (size_t i = 0; i < ARRAY_SIZE(subjects); i++)
		for (const struct kfunc *k = subjects[i]; k->name; k++) {
			if (!is_offered(k))
				continue;
			nr++;
			if (!find_row(k->name))
				print_error("%s has no row\n", k->name);
			EXPECT_TRUE(find_row(k->name) != NULL);
		}
	return nr;
}

TEST(handler_table, has_a_row_for_everything_that_is_offered_and_for_nothing_else)
{
	read_table();
	EXPECT_EQ(expect_helpers_have_rows() + expect_kfuncs_have_rows(), NR_HANDLER_ROWS);
	for (u32 i = 0; i < NR_HANDLER_ROWS; i++)
		if (table[i].kernel != HANDLER_NOT_CALLED && table[i].self != table[i].kernel)
			EXPECT_TRUE(table[i].why[0]);
}

/* --- what each gives ---------------------------------------------------------------------- */

static int results_fd(struct bpf_object *obj)
{
	return bpf_map__fd(bpf_object__find_map_by_name(obj, "results"));
}

static struct handler_results results_of(struct bpf_object *obj)
{
	struct handler_results r;
	u32 zero = 0;

	EXPECT_EQ(bpf_map_lookup_elem(results_fd(obj), &zero, &r), 0);
	return r;
}

static void prepare(struct bpf_object *obj)
{
	struct handler_results none = {
		.pid_tgid = (u64)getpid() << 32 | gettid(),
		.uid_gid = (u64)getgid() << 32 | getuid(),
	};
	u32 zero = 0;

	for (u32 i = 0; i < NR_HANDLER_ROWS; i++)
		none.row[i] = HANDLER_NOT_CALLED;
	EXPECT_EQ(bpf_map_update_elem(results_fd(obj), &zero, &none, BPF_ANY), 0);
}

/* NULL: these programs are not taken. */
static struct bpf_object *load(u32 first, u32 last)
{
	struct bpf_object *obj = bpf_object__open_file(OBJECT, NULL);

	EXPECT_TRUE(obj != NULL);
	for (u32 i = 0; i < ARRAY_SIZE(program_names); i++)
		bpf_program__set_autoload(bpf_object__find_program_by_name(obj, program_names[i]),
					  i >= first && i <= last);
	if (!bpf_object__load(obj))
		return obj;
	bpf_object__close(obj);
	return NULL;
}

/* On this thread, until it has run once. */
static void run(struct bpf_object *obj, u32 program)
{
	DECLARE_LIBBPF_OPTS(bpf_perf_event_opts, opts, .bpf_cookie = HANDLER_COOKIE);
	struct bpf_link *link = bpf_program__attach_perf_event_opts(
		bpf_object__find_program_by_name(obj, program_names[program]),
		clock_event(0, PERIOD_NS), &opts);

	EXPECT_TRUE(link != NULL);
	while (!results_of(obj).done[program])
		for (volatile int i = 0; i < 1000000; i++)
			;
	EXPECT_EQ(bpf_link__destroy(link), 0);
}

static u32 compare(const struct handler_results *r, u32 first, u32 end, bool kernel)
{
	u32 nr_bad = 0;

	for (u32 i = first; i < end; i++) {
		long long wanted = kernel ? table[i].kernel : table[i].self;

		if (r->row[i] == wanted || (kernel && wanted == HANDLER_NOT_CALLED))
			continue;
		print_error("%s gives %lld, not %lld\n", row_names[i], r->row[i], wanted);
		nr_bad++;
	}
	return nr_bad;
}

TEST(handler_table, each_call_gives_in_a_signal_handler_what_the_table_says)
{
	struct handler_results r;
	struct bpf_object *obj;

#ifdef __SANITIZE_THREAD__
	SKIP("ThreadSanitizer runs handlers late, with the signals of faults blocked");
#endif
	close(EVENT_OR_SKIP(0));
	read_table();
	target_use(&target_self);
	obj = load(0, 2);
	EXPECT_TRUE(obj != NULL);
	prepare(obj);
	for (u32 i = 0; i < ARRAY_SIZE(program_names); i++)
		run(obj, i);
	r = results_of(obj);
	bpf_object__close(obj);
	target_use(&target_kernel);
	EXPECT_EQ(compare(&r, 0, NR_HANDLER_ROWS, false), 0);
}

TEST(handler_table, each_call_gives_in_the_running_kernel_what_the_table_says)
{
	struct handler_results r;
	struct bpf_object *obj;
	int probe;

	close(EVENT_OR_SKIP(0));
	probe = bpf_map_create(BPF_MAP_TYPE_ARRAY, "probe", 4, 4, 1, NULL);
	if (probe < 0)
		SKIP("bpf(2): %s", strerror(-probe));
	close(probe);
	read_table();
	obj = load(0, 0);
	if (!obj)
		SKIP("this kernel does not take the program");
	prepare(obj);
	run(obj, 0);
	r = results_of(obj);
	bpf_object__close(obj);
	EXPECT_EQ(compare(&r, 0, ROW_bpf_ktime_get_coarse_ns, true), 0);
}
