/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * dma_buf_torture.c - walks miss nothing and give nothing twice, whatever the others do
 *
 * Four threads export, rename, attach, map, open and release buffers, also each other's.
 * Each buffer has a number, which is in its name for ever, and a ledger says from when
 * to when it surely lived.  Walkers number their walks in the same count: a buffer that
 * lived from before the walk began to after it ended must have been given, once.
 *
 * ROVE_TORTURE_SECONDS says how long (2).
 */
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <rove/wakeup.h>

#include "base/clock.h"
#include "base/context.h"
#include "objects/dma_buf.h"
#include "objects/wakeup_source.h"
#include "tests/test.h"
#include "tests/torture/torture.h"

#define NR_WRITERS 4
#define NR_WALKERS 2
#define BUFS_EACH 24
#define MAX_BUFS (1u << 22)

/* Moments of a buffer, in ticks of t.clock; 0: not yet. */
struct life {
	u64 born;	/* the export had returned */
	u64 dying;	/* the last reference was about to be given back */
};

static struct {
	u32 stop;
	u64 clock;		/* one more at each event */
	u32 nr_bufs;
	struct life *ledger;	/* MAX_BUFS */
	u64 nr_walks, nr_given, nr_long_lived, nr_attachments, nr_bad;
	/* A place where writers leave buffers for each other. */
	struct dma_buf *swap;
} t;

static u64 tick(void)
{
	return add_fetch_acq_rel(&t.clock, 1);
}

static void bad(bool wrong, const char *what, u64 number)
{
	if (!wrong)
		return;
	if (fetch_add_relaxed(&t.nr_bad, 1) < 20)
		printf("# wrong: %s, %llu\n", what, (unsigned long long)number);
}

/* --- writers ------------------------------------------------------------------------------ */

struct owned {
	struct dma_buf *buf;
	struct dma_buf_attachment *attach;
	void *addr;
	int fd;
};

struct writer {
	u64 random;
	struct device *dev;
	struct owned owned[BUFS_EACH];
};

static u32 number_of(const char *name)
{
	return name ? strtoul(name, NULL, 10) : MAX_BUFS;
}

static void name_buf(struct dma_buf *buf, u32 number, u64 random)
{
	char name[ROVE_DMA_BUF_NAME_BYTES];

	snprintf(name, sizeof(name), "%u %s", number, random % 2 ? "odd" : "not odd at all");
	if (rove_dma_buf_set_name(buf, name))
		abort();
}

static u32 number_behind(struct dma_buf *buf)
{
	struct rove_dma_buf_attrs a;

	rove_dma_buf_read(buf, &a);
	return number_of(a.name);
}

static void export(struct owned *o)
{
	u32 number = fetch_add_relaxed(&t.nr_bufs, 1);
	struct rove_dma_buf_options opts = { .struct_bytes = sizeof(opts) };
	char name[ROVE_DMA_BUF_NAME_BYTES];

	if (number >= MAX_BUFS)
		return;
	snprintf(name, sizeof(name), "%u new", number);
	opts.name = name;
	if (rove_dma_buf_export(4096, "torture", &opts, &o->buf))
		abort();
	o->fd = -1;
	store_release(&t.ledger[number].born, tick());
}

/* After this the owner holds a plain reference and nothing else. */
static void let_go(struct owned *o)
{
	rove_dma_buf_detach(o->attach);
	o->attach = NULL;
	if (o->addr)
		rove_dma_buf_unmap(o->buf, o->addr);
	o->addr = NULL;
	if (o->fd >= 0 && rove_dma_buf_close(o->buf, o->fd))
		abort();
	o->fd = -1;
}

static void release(struct owned *o)
{
	let_go(o);
	store_release(&t.ledger[number_behind(o->buf)].dying, tick());
	rove_dma_buf_put(o->buf);
	o->buf = NULL;
}

/* The buffer goes to whoever comes next, with its only reference. */
static void swap(struct owned *o)
{
	let_go(o);
	o->buf = xchg_acq_rel(&t.swap, o->buf);
}

static void hold_more(struct writer *w, struct owned *o, u64 n)
{
	switch (n % 3) {
	case 0:
		if (!o->attach && rove_dma_buf_attach(o->buf, w->dev, &o->attach))
			abort();
		break;
	case 1:
		if (!o->addr && rove_dma_buf_map(o->buf, PROT_READ, &o->addr))
			abort();
		break;
	default:
		if (o->fd < 0)
			o->fd = rove_dma_buf_fd(o->buf);
		break;
	}
}

static void write_once(struct writer *w)
{
	u64 n = next_random(&w->random);
	struct owned *o = &w->owned[n / 64 % BUFS_EACH];

	if (!o->buf) {
		export(o);
		return;
	}
	switch (n % 8) {
	case 0:
	case 1:
		release(o);
		break;
	case 2:
		swap(o);
		break;
	case 3:
		name_buf(o->buf, number_behind(o->buf), n / 8);
		break;
	case 4:
		let_go(o);
		break;
	default:
		hold_more(w, o, n / 8);
		break;
	}
}

static void *writer(void *arg)
{
	struct writer w = { .random = (u64)(intptr_t)arg };

	if (rove_device_create(NULL, NULL, "torture device", &w.dev))
		abort();
	for (u64 n = 0; !READ_ONCE(t.stop); n++) {
		write_once(&w);
		/* Some live long. */
		if (n % 1024 == 0)
			usleep(2000);
	}
	for (u32 i = 0; i < BUFS_EACH; i++)
		if (w.owned[i].buf)
			release(&w.owned[i]);
	rove_device_put(w.dev);
	return NULL;
}

/* --- walkers ------------------------------------------------------------------------------ */

static void check_attachments(struct dma_buf *buf)
{
	struct dma_buf_attachment *attach;
	u32 nr = 0;

	list_for_each_entry_rcu(attach, &buf->attachments, node) {
		bad(attach->dmabuf != buf, "an attachment of another buffer", nr);
		bad(strcmp(attach->dev->kobj.name, "torture device"), "its device", nr);
		nr++;
	}
	fetch_add_relaxed(&t.nr_attachments, nr);
}

static u32 check_buf(struct dma_buf *buf)
{
	int idx = wakeup_sources_read_lock();
	const char *name = dma_buf_name_rcu(buf), *rest = name ? strchr(name, ' ') : NULL;
	u32 number = number_of(name);

	bad(!rest || (strcmp(rest, " new") && strcmp(rest, " odd") &&
		      strcmp(rest, " not odd at all")), "a name nobody gave", number);
	bad(buf->size != 4096 || strcmp(buf->exp_name, "torture"), "size or exporter", number);
	bad(READ_ONCE(buf->file->f_ref.refcnt.counter) < 0, "no reference", number);
	bad(!READ_ONCE(buf->file->f_inode->i_ino), "no inode number", number);
	check_attachments(buf);
	wakeup_sources_read_unlock(idx);
	return number;
}

struct walker {
	bool softirq;
	u8 *given;		/* MAX_BUFS: how often in this walk */
	u32 *numbers;		/* MAX_BUFS: in the order given */
};

/* Was it there all the time?  Born before, and not dying after. */
static bool outlived(const struct life *life, u64 begin, u64 end)
{
	u64 born = load_acquire(&life->born), dying = load_acquire(&life->dying);

	return born && born < begin && (!dying || dying > end);
}

static void check_ledger(struct walker *w, u64 begin, u64 end, u32 from, u32 to)
{
	u64 nr = 0;

	for (u32 i = from; i < to; i++) {
		if (!outlived(&t.ledger[i], begin, end))
			continue;
		nr++;
		bad(w->given[i] != 1, "lived all the time and was not given once", i);
	}
	fetch_add_relaxed(&t.nr_long_lived, nr);
}

/* Nothing older than this lives: a walk need not look at it again. */
static u32 skip_dead(u32 from, u32 to)
{
	while (from < to && load_acquire(&t.ledger[from].dying))
		from++;
	return from;
}

static void walk(struct walker *w, u32 *from)
{
	u64 begin, end;
	struct dma_buf *buf;
	u32 nr = 0;

	/* Some only: walks are what is tried here. */
	if (!w->softirq && READ_ONCE(t.nr_walks) % 32 == 0)
		dma_buf_walk_wait();
	begin = tick();
	for (buf = dma_buf_iter_begin(); buf; buf = dma_buf_iter_next(buf)) {
		u32 number = check_buf(buf);

		if (number >= MAX_BUFS)
			continue;
		bad(w->given[number]++, "given twice", number);
		w->numbers[nr++] = number;
		if (nr % 16 == 0)
			sched_yield();
	}
	end = tick();
	check_ledger(w, begin, end, *from, min(READ_ONCE(t.nr_bufs), MAX_BUFS));
	*from = skip_dead(*from, min(READ_ONCE(t.nr_bufs), MAX_BUFS));
	for (u32 i = 0; i < nr; i++)
		w->given[w->numbers[i]] = 0;
	fetch_add_relaxed(&t.nr_walks, 1);
	fetch_add_relaxed(&t.nr_given, nr);
}

static void *walker(void *arg)
{
	struct walker w = { .softirq = arg };
	u32 from = 0;

	w.given = calloc(MAX_BUFS, sizeof(*w.given));
	w.numbers = calloc(MAX_BUFS, sizeof(*w.numbers));
	if (!w.given || !w.numbers)
		abort();
	if (w.softirq)
		ctx_softirq_enter();
	while (!READ_ONCE(t.stop))
		walk(&w, &from);
	if (w.softirq)
		ctx_softirq_exit();
	free(w.numbers);
	free(w.given);
	return NULL;
}

static void start(pthread_t *thread, void *(*run)(void *), intptr_t arg)
{
	EXPECT_EQ(pthread_create(thread, NULL, run, (void *)arg), 0);
}

TEST(dma_buf_torture, a_buffer_that_outlives_a_walk_is_given_once_and_none_twice)
{
	pthread_t writers[NR_WRITERS], walkers[NR_WALKERS];
	u64 end_ns;

	t.ledger = calloc(MAX_BUFS, sizeof(*t.ledger));
	EXPECT_TRUE(t.ledger);
	for (int i = 0; i < NR_WRITERS; i++)
		start(&writers[i], writer, i + 1);
	for (int i = 0; i < NR_WALKERS; i++)
		start(&walkers[i], walker, i);
	end_ns = clock_mono_ns() + torture_ns();
	while (clock_mono_ns() < end_ns && READ_ONCE(t.nr_bufs) < MAX_BUFS)
		usleep(10000);

	WRITE_ONCE(t.stop, 1);
	for (int i = 0; i < NR_WRITERS; i++)
		pthread_join(writers[i], NULL);
	for (int i = 0; i < NR_WALKERS; i++)
		pthread_join(walkers[i], NULL);
	rove_dma_buf_put(t.swap);
	rove_dma_bufs_barrier();

	printf("# %u buffers, %llu walks gave %llu, %llu had to be given, %llu attachments\n",
	       t.nr_bufs, (unsigned long long)t.nr_walks, (unsigned long long)t.nr_given,
	       (unsigned long long)t.nr_long_lived, (unsigned long long)t.nr_attachments);
	EXPECT_EQ(t.nr_bad, 0);
	EXPECT_TRUE(t.nr_walks && t.nr_long_lived && t.nr_attachments);
	EXPECT_PTR_EQ(dma_buf_iter_begin(), NULL);
	free(t.ledger);
}
