/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * objects/wakeup_sample.c - a machine's worth of wakeup sources, made up
 *
 * Names and their devices come from the table below, again and again with other
 * devices when more are asked for than it has rows; so names repeat, as they do
 * on real machines.  A past is written into each source as if it had been busy
 * since boot.
 *
 * Invariant: a source's past obeys what the counters of a real one obey:
 *            relaxed as often as activated, events >= activations, expirations <=
 *            relaxations, longest <= total <= time since boot.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/context.h"
#include "base/futex.h"
#include "base/thread.h"
#include "objects/wakeup_event.h"
#include "objects/wakeup_sample.h"

#define MAX_DEVICES 4096
#define MAX_BUSY 1024
#define SOURCES_PER_DEVICE 8
#define LONGEST_PAUSE_US 2000

struct sample_row {
	const char *source;
	const char *driver;	/* NULL: a source without a device */
	const char *device;	/* printf format with one %u */
};

static const struct sample_row sample_rows[] = {
	{ "alarmtimer", "alarmtimer", "alarmtimer.%u.auto" },
	{ "rtc0", "rtc_cmos", "00:%02u" },
	{ "eventpoll" },
	{ "PNP0C0C:00", "button", "PNP0C0C:%02u" },
	{ "battery", "battery", "PNP0C0A:%02u" },
	{ "AC adapter", "ac", "ACPI0003:%02u" },
	{ "xhci_hcd", "xhci_hcd", "0000:00:%02x.0" },
	{ "usb hub port", "hub", "1-%u" },
	{ "keyboard", "usbhid", "1-1.%u:1.0" },
	{ "mouse", "usbhid", "1-2.%u:1.1" },
	{ "ttyS0", "serial8250", "serial8250:0.%u" },
	{ "eth0", "e1000e", "0000:01:%02x.0" },
	{ "wlan_rx_wake", "iwlwifi", "0000:02:%02x.0" },
	{ "wlan pno scan", "iwlwifi", "0000:03:%02x.0" },
	{ "bluetooth", "btusb", "1-10.%u:1.0" },
	{ "NETLINK" },
	{ "modem status", "qcom_q6v5", "remoteproc%u" },
	{ "qcom_rx_wakelock", "qrtr", "qrtr.%u" },
	{ "charger", "pmic_glink", "pmic_glink.power-supply.%u" },
	{ "USB PD", "typec", "port%u" },
	{ "touchscreen", "goodix", "i2c-GDX%04u" },
	{ "fingerprint", "fpc1020", "spi0.%u" },
	{ "gpio-keys", "gpio-keys", "gpio-keys.%u" },
	{ "PowerManagerService.WakeLocks" },
	{ "hal_bluetooth_lock" },
	{ "thermal zone", "thermal", "thermal_zone%u" },
};

struct wakeup_sample {
	struct wakeup_source	**sources;
	struct device		**devices;
	u16			*device_rows;		/* by device: the row it was made from */
	struct device_driver	*drivers[ARRAY_SIZE(sample_rows)];	/* by row */
	pthread_t		*threads;
	u32			nr_sources;
	u32			nr_devices;
	u32			nr_threads;
	u32			next_stream;		/* A: one random stream for each thread */
	u32			stop;			/* A: a futex */
	u64			seed;
};

/* Numbers that look random and depend on the seed only (splitmix64). */
static u64 random_next(u64 *state)
{
	u64 z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

static u64 random_below(u64 *state, u64 limit)
{
	return limit ? random_next(state) % limit : 0;
}

/* Small numbers often, large ones seldom, as counters are. */
static u64 random_skewed(u64 *state, u32 max_bits)
{
	return random_below(state, 1ull << random_below(state, max_bits + 1));
}

static int create_drivers(struct wakeup_sample *s)
{
	int err = 0;

	for (size_t i = 0; i < ARRAY_SIZE(sample_rows) && !err; i++) {
		if (sample_rows[i].driver)
			err = rove_device_driver_create(sample_rows[i].driver, &s->drivers[i]);
	}
	return err;
}

/* Rows without a device are passed over: @nr devices are made of the others. */
static int create_devices(struct wakeup_sample *s, u32 nr)
{
	u32 row = 0, round = 0;
	char name[64];
	int err;

	while (s->nr_devices < nr) {
		if (sample_rows[row].driver) {
			snprintf(name, sizeof(name), sample_rows[row].device, round);
			err = rove_device_create(NULL, s->drivers[row], name,
						 &s->devices[s->nr_devices]);
			if (err)
				return err;
			s->device_rows[s->nr_devices++] = row;
		}
		row = (row + 1) % ARRAY_SIZE(sample_rows);
		round += row == 0;
	}
	return 0;
}

static void write_past(struct wakeup_source *ws, u64 *random)
{
	u64 active_count = random_skewed(random, 14);
	u64 now = clock_mono_ns(), longest = now / 64 + 1;
	u64 total = 0, max_time = 0;

	if (!active_count)
		return;		/* never used since boot, as many are */
	max_time = random_below(random, longest);
	total = max_time + random_below(random, min(max_time * (active_count - 1) + 1, now / 2));
	mutex_lock(&ws->lock);
	ws_write_begin(ws);
	ws_store(ws->active_count, active_count);
	ws_store(ws->relax_count, active_count);
	ws_store(ws->event_count, active_count + random_skewed(random, 10));
	ws_store(ws->expire_count, random_below(random, active_count + 1));
	ws_store(ws->wakeup_count, random_below(random, active_count / 16 + 1));
	ws_store(ws->max_time, (ktime_t)max_time);
	ws_store(ws->total_time, (ktime_t)total);
	ws_store(ws->last_time, (ktime_t)(now - random_below(random, now / 8 + 1)));
	ws_store(ws->prevent_sleep_time, (ktime_t)random_below(random, total + 1));
	ws_write_end(ws);
	mutex_unlock(&ws->lock);
}

/* One in seven has no device; the others take one, and the name of its row. */
static int create_source(struct wakeup_sample *s, u64 *random)
{
	u32 d = random_below(random, s->nr_devices);
	struct device *dev = s->devices[d];
	u32 row = s->device_rows[d];
	int err;

	if (!random_below(random, 7)) {
		dev = NULL;
		row = random_below(random, ARRAY_SIZE(sample_rows));
	}
	err = rove_wakeup_source_register(dev, sample_rows[row].source,
					  &s->sources[s->nr_sources]);
	if (!err)
		write_past(s->sources[s->nr_sources++], random);
	return err;
}

static int create_sources(struct wakeup_sample *s, u32 nr)
{
	u64 random = s->seed;
	int err = 0;

	for (u32 i = 0; i < nr && !err; i++)
		err = create_source(s, &random);
	return err;
}

static void one_event(struct wakeup_source *ws, u64 *random)
{
	switch (random_below(random, 4)) {
	case 0:
		rove_pm_stay_awake(ws);
		break;
	case 1:
		/* Without a thread to end it the event ends at once: busy enough. */
		rove_pm_wakeup_event(ws, 1 + random_below(random, 50));
		break;
	default:
		rove_pm_relax(ws);
		break;
	}
}

static void *busy_thread(void *arg)
{
	struct wakeup_sample *s = arg;
	u32 nr_busy = min(max(s->nr_sources / 8, 1u), (u32)MAX_BUSY);
	u32 stride = s->nr_sources / nr_busy;
	u64 random = s->seed ^ ((u64)fetch_add_relaxed(&s->next_stream, 1) + 1) << 32;

	while (!READ_ONCE(s->stop)) {
		one_event(s->sources[random_below(&random, nr_busy) * stride], &random);
		futex_wait(&s->stop, 0, random_below(&random, LONGEST_PAUSE_US) * NSEC_PER_USEC);
	}
	return NULL;
}

static int start_threads(struct wakeup_sample *s, u32 nr)
{
	int err = 0;

	while (s->nr_threads < nr && !err) {
		err = thread_create("rove-sample", busy_thread, s, &s->threads[s->nr_threads]);
		s->nr_threads += !err;
	}
	return err;
}

/**
 * wakeup_sample_start - register sources and keep some busy
 * @ret_sample:  set on success only; end with wakeup_sample_stop()
 *
 * Context: may sleep.
 * Return:  0, -EINVAL (no sources), -ENOMEM or -EAGAIN (a thread cannot be started).
 */
int wakeup_sample_start(const struct wakeup_sample_options *options,
			struct wakeup_sample **ret_sample)
{
	u32 nr_devices = min(options->nr_sources / SOURCES_PER_DEVICE + 1, (u32)MAX_DEVICES);
	struct wakeup_sample *s;
	int err = -ENOMEM;

	ctx_may_sleep();
	if (!options->nr_sources)
		return -EINVAL;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->seed = options->seed;
	s->sources = calloc(options->nr_sources, sizeof(struct wakeup_source *));
	s->devices = calloc(nr_devices, sizeof(struct device *));
	s->device_rows = calloc(nr_devices, sizeof(u16));
	s->threads = calloc(options->nr_threads + 1, sizeof(pthread_t));
	if (s->sources && s->devices && s->device_rows && s->threads)
		err = create_drivers(s);
	err = err ?: create_devices(s, nr_devices);
	err = err ?: create_sources(s, options->nr_sources);
	err = err ?: start_threads(s, options->nr_threads);
	if (err)
		wakeup_sample_stop(s);
	else
		*ret_sample = s;
	return err;
}

/**
 * wakeup_sample_stop - end the threads, unregister and free everything
 * @sample:  NULL, or half-built
 *
 * Context: may sleep, not inside a read section.
 */
void wakeup_sample_stop(struct wakeup_sample *sample)
{
	ctx_may_sleep();
	if (!sample)
		return;
	WRITE_ONCE(sample->stop, 1);
	futex_wake(&sample->stop, INT32_MAX);
	for (u32 i = 0; i < sample->nr_threads; i++)
		thread_join(sample->threads[i]);
	for (u32 i = 0; i < sample->nr_sources; i++)
		rove_wakeup_source_unregister(sample->sources[i]);
	for (u32 i = 0; i < sample->nr_devices; i++)
		rove_device_put(sample->devices[i]);
	for (size_t i = 0; i < ARRAY_SIZE(sample->drivers); i++)
		rove_device_driver_put(sample->drivers[i]);
	rove_wakeup_sources_barrier();
	free(sample->threads);
	free(sample->device_rows);
	free(sample->devices);
	free(sample->sources);
	free(sample);
}
