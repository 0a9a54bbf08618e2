/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/kernel/make_wakeup_sources.c - many real wakeup sources while a command runs
 *
 *	make_wakeup_sources [-n NUMBER] [-a NUMBER] [-s] [-l] [-b] [-c] -- COMMAND...
 *
 * Every file watched with EPOLLWAKEUP is a wakeup source with the name of the file, and every
 * epoll instance with such a file is one more, named "eventpoll".  The sources live as long as
 * the watches, so this program makes them, gives each a history of its own, and holds them
 * while COMMAND runs.  Its exit status is the command's; on stderr it says what it made.
 *
 *	-n   how many sources, without those named "eventpoll" (400)
 *	-a   how many of them stay active (16)
 *	-s   a short history: one event each (for thousands of them)
 *	-l   one name has a newline in it, which the debugfs file cannot express
 *	-b   busy: a thread keeps every fourth source changing while the command runs
 *	-c   churn: a thread makes sources named "churn" and takes them away again
 *
 * Invariant: without -s, number i has seen i + 1 events, so (name, event_count) identifies a source where
 * an interface does not say which is which.  Busy sources are those with i % 4 == 0.
 *
 * How a watch behaves (edge-triggered, as all of these are): a write to the file makes its
 * source active; epoll_wait() that reports the file relaxes it.  The instance's own source is
 * active meanwhile and counts an event for each file reported.  With a wakeup count
 * saved in /sys/power/wakeup_count every event counts as a wakeup as well.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PER_EPOLL	50
#define BUSY_EVERY	4
#define FIFO_DIR	"/tmp/wakeup-fifos"

/* File names that are awkward to print, to parse or to encode; FIFOs carry them. */
static const char *const awkward_names[] = {
	"plain-fifo",
	"two words",
	" leading-space",
	"tab\there",
	"1 2 3 4 5 6 7 8 9 10",
	"gr\303\266\303\237e \342\234\223",
	"not-utf8-\377\376-end",
	"quote\"backslash\\comma,end",
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
};
#define NR_AWKWARD (sizeof(awkward_names) / sizeof(awkward_names[0]))

struct source {
	int fd;
	int epoll_fd;
	bool is_eventfd;
};

static struct source *sources;
static unsigned int nr_sources = 400;
static unsigned int nr_active = 16;
static bool with_short, with_newline, with_busy, with_churn;
static atomic_bool stop_threads;

static void __attribute__((format(printf, 1, 2), noreturn)) die(const char *format, ...)
{
	int err = errno;
	va_list ap;

	fprintf(stderr, "make_wakeup_sources: ");
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fprintf(stderr, ": %s\n", strerror(err));
	exit(1);
}

static int open_fifo(const char *name)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", FIFO_DIR, name);
	if (mkfifo(path, 0600) && errno != EEXIST)
		die("mkfifo '%s'", path);
	fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		die("open '%s'", path);
	return fd;
}

/* The write end of a pipe reads nothing, so the pipe is given by its two ends in one. */
static int open_nameless_pipe(void)
{
	char path[64];
	int ends[2], fd;

	if (pipe2(ends, O_NONBLOCK | O_CLOEXEC))
		die("pipe2");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[0]);
	fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		die("open '%s'", path);
	close(ends[0]);
	close(ends[1]);
	return fd;
}

static int open_file(unsigned int i, bool *ret_is_eventfd)
{
	int fd;

	*ret_is_eventfd = false;
	if (i < NR_AWKWARD)
		return open_fifo(awkward_names[i]);
	if (i == NR_AWKWARD)
		return open_nameless_pipe();
	if (i == NR_AWKWARD + 1 && with_newline)
		return open_fifo("new\nline");

	*ret_is_eventfd = true;
	fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (fd < 0)
		die("eventfd");
	return fd;
}

static void make_sources(void)
{
	int epoll_fd = -1;

	if (mkdir(FIFO_DIR, 0700) && errno != EEXIST)
		die("mkdir '%s'", FIFO_DIR);

	for (unsigned int i = 0; i < nr_sources; i++) {
		struct epoll_event event = {
			.events = EPOLLIN | EPOLLET | EPOLLWAKEUP,
			.data.u32 = i,
		};
		struct source *src = &sources[i];

		if (i % PER_EPOLL == 0) {
			epoll_fd = epoll_create1(EPOLL_CLOEXEC);
			if (epoll_fd < 0)
				die("epoll_create1");
		}
		src->epoll_fd = epoll_fd;
		src->fd = open_file(i, &src->is_eventfd);
		if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, src->fd, &event))
			die("epoll_ctl for source %u", i);
	}
}

static void activate(struct source *src)
{
	uint64_t one = 1;

	if (write(src->fd, &one, src->is_eventfd ? sizeof(one) : 1) < 0)
		die("write");
}

/* Take everything that is ready off one epoll instance: its sources relax. */
static void relax_all(int epoll_fd)
{
	struct epoll_event events[PER_EPOLL];
	int nr;

	nr = epoll_wait(epoll_fd, events, PER_EPOLL, 0);
	if (nr < 0)
		die("epoll_wait");
	for (int i = 0; i < nr; i++) {
		char drain[4096];

		if (read(sources[events[i].data.u32].fd, drain, sizeof(drain)) < 0)
			die("read");
	}
}

/*
 * Save the wakeup count, so that from now on events count as wakeups; or with
 * a count that cannot be right, end that.
 */
static void count_wakeups(bool on)
{
	char count[32] = "4000000000\n";
	ssize_t len = strlen(count);
	int fd;

	fd = open("/sys/power/wakeup_count", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		die("/sys/power/wakeup_count");
	if (on) {
		len = read(fd, count, sizeof(count));
		if (len <= 0)
			die("read of /sys/power/wakeup_count");
	}
	if (write(fd, count, len) != len && on)
		die("write of /sys/power/wakeup_count");
	close(fd);
}

/*
 * Round r gives an event to each source with i >= r, so source i gets i of
 * them in rounds 1 to i.  Sources of one epoll instance are active together
 * for a while in some rounds, so that times differ.
 */
static void give_history(void)
{
	for (unsigned int r = 1; r < nr_sources; r++) {
		if (r % 100 == 50)
			count_wakeups(true);
		for (unsigned int base = r / PER_EPOLL * PER_EPOLL; base < nr_sources;
		     base += PER_EPOLL) {
			for (unsigned int i = base; i < base + PER_EPOLL && i < nr_sources; i++)
				if (i >= r)
					activate(&sources[i]);
			if ((r + base / PER_EPOLL) % 16 == 0)
				usleep(1000 + r * 10);
			relax_all(sources[base].epoll_fd);
		}
		if (r % 100 == 50)
			count_wakeups(false);
	}
}

/* The event number i + 1 of source i; the last nr_active sources stay active. */
static void last_event(void)
{
	for (unsigned int i = 0; i < nr_sources; i++) {
		activate(&sources[i]);
		if (i + nr_active < nr_sources)
			relax_all(sources[i].epoll_fd);
	}
}

static void *busy_thread(void *arg)
{
	while (!atomic_load(&stop_threads)) {
		for (unsigned int i = 0; i + nr_active < nr_sources; i += BUSY_EVERY) {
			if (sources[i].epoll_fd == sources[nr_sources - 1].epoll_fd)
				continue;
			activate(&sources[i]);
			relax_all(sources[i].epoll_fd);
		}
	}
	return arg;
}

/* One at a time is enough: each end of a watch is a removal from the list and a grace period. */
static void *churn_thread(void *arg)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET | EPOLLWAKEUP };
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	int fd = open_fifo("churn");
	unsigned int rounds;

	if (epoll_fd < 0)
		die("epoll_create1");
	for (rounds = 0; !atomic_load(&stop_threads); rounds++) {
		if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) ||
		    epoll_ctl(epoll_fd, EPOLL_CTL_DEL, fd, NULL))
			die("epoll_ctl for a churning source");
	}
	fprintf(stderr, "churned %u\n", rounds);
	return arg;
}

static int run(char **argv)
{
	int status;
	pid_t pid;

	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid) {
		execvp(argv[0], argv);
		die("exec '%s'", argv[0]);
	}
	if (waitpid(pid, &status, 0) < 0)
		die("waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int run_with(void *(*work)(void *), char **argv)
{
	pthread_t thread;
	int status;

	if (!work)
		return run(argv);
	if (pthread_create(&thread, NULL, work, NULL))
		die("pthread_create");
	status = run(argv);
	atomic_store(&stop_threads, true);
	pthread_join(thread, NULL);
	return status;
}

static void raise_descriptor_limit(void)
{
	struct rlimit limit = { .rlim_cur = nr_sources * 2 + 64, .rlim_max = nr_sources * 2 + 64 };

	if (setrlimit(RLIMIT_NOFILE, &limit))
		die("setrlimit");
}

static void parse_options(int argc, char **argv)
{
	int opt;

	while ((opt = getopt(argc, argv, "+n:a:slbc")) != -1) {
		switch (opt) {
		case 'n': nr_sources = atoi(optarg); break;
		case 'a': nr_active = atoi(optarg); break;
		case 's': with_short = true; break;
		case 'l': with_newline = true; break;
		case 'b': with_busy = true; break;
		case 'c': with_churn = true; break;
		default: exit(2);
		}
	}
	if (!argv[optind] || nr_sources < NR_AWKWARD + 2 || nr_active > nr_sources ||
	    (with_busy && with_churn)) {
		fprintf(stderr, "usage: make_wakeup_sources [-n N] [-a N] [-s] [-l] [-b | -c] "
				"-- COMMAND\n");
		exit(2);
	}
}

int main(int argc, char **argv)
{
	int status;

	parse_options(argc, argv);
	raise_descriptor_limit();
	sources = calloc(nr_sources, sizeof(*sources));
	if (!sources)
		die("calloc");
	make_sources();
	if (!with_short)
		give_history();
	last_event();
	fprintf(stderr, "made %u sources, %u epoll instances, %u active%s%s\n", nr_sources,
		(nr_sources + PER_EPOLL - 1) / PER_EPOLL, nr_active, with_busy ? ", busy" : "",
		with_churn ? ", churn" : "");
	status = run_with(with_busy ? busy_thread : with_churn ? churn_thread : NULL,
			  argv + optind);
	free(sources);
	return status;
}
