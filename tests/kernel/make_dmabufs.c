/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/kernel/make_dmabufs.c - many real DMA-bufs in many hands while a command runs
 *
 *	make_dmabufs [-s] [-n NUMBER] -l LEDGER -- COMMAND...
 *
 * Makes udmabufs, or where a kernel has none buffers of the graphics driver vgem (1,000), gives
 * them names, and spreads them over itself and other processes: held, held more than once,
 * mapped, mapped in parts, passed through sockets, inherited, kept over execve(2), and held by
 * nobody but a socket; in a table of descriptors that two processes share, in one that a thread
 * has for itself, by threads whose leader has exited, in a PID namespace.  What it did it writes
 * into LEDGER, then it runs COMMAND while nothing changes.  The exit status is the command's, or
 * 77 when nothing makes buffers here.
 *
 * With -s another process makes, maps and passes buffers of its own meanwhile, and forks and
 * ends; the ledger knows nothing of it.
 *
 * The ledger has two kinds of lines, fields between tabs, bytes in hexadecimal:
 *
 *	buffer INODE SIZE REFS EXPORTER NAME	NAME is "-" where none was given
 *	holder INODE PID DESCRIPTORS MAPPINGS COMM
 *
 * Invariant: a buffer's REFS are its descriptors in all tables, its mappings in all address
 * spaces, and its places in sockets.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <linux/udmabuf.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a graphics driver is asked; its header is not in every installation. */
struct drm_create_dumb {
	uint32_t height, width, bpp, flags;
	uint32_t handle, pitch;		/* out */
	uint64_t size;			/* out */
};

struct drm_handle_to_fd {
	uint32_t handle, flags;
	int32_t fd;			/* out */
};

struct drm_close_handle {
	uint32_t handle, pad;
};

#define DRM_CREATE_DUMB		_IOWR('d', 0xb2, struct drm_create_dumb)
#define DRM_HANDLE_TO_FD	_IOWR('d', 0x2d, struct drm_handle_to_fd)
#define DRM_CLOSE_HANDLE	_IOW('d', 0x09, struct drm_close_handle)

/* Who holds buffers beside us. */
enum child {
	KEEPER, MAPPER,
	THREADED,		/* has a second thread */
	HEIR,			/* forked last: has what we have */
	LONER,			/* a thread of it has a table of its own, with all that it keeps */
	HEADLESS,		/* two threads, and the leader has exited */
	INNER,			/* in a PID namespace of its own */
	EXECUTED,		/* another program, with what we left open for it */
	SHARER,			/* has the table of KEEPER */
	NR_CHILDREN,
};

#define MEMORY_PAGES	64
#define PER_MESSAGE	100	/* descriptors in one message on the way */

/* What happens to a buffer, over and over. */
enum fate {
	KEPT,			/* one descriptor here */
	KEPT_TWICE,		/* two of them */
	KEPT_AND_MAPPED,
	ONLY_MAPPED,		/* no descriptor left: a leak that lsof does not show */
	MAPPED_TWICE,
	PASSED,			/* the keeper has it, we do not */
	SHARED,			/* here and in three others */
	PASSED_AND_MAPPED,	/* the mapper has a mapping and no descriptor; we have one */
	IN_FLIGHT,		/* in a socket that nobody reads */
	INHERITED,		/* the heir was forked with it, and so was its copy here */
	PARTLY_MAPPED,		/* its first page */
	SPLIT,			/* mapped, and the middle taken out: two mappings */
	IN_THREAD, MAPPED_IN_THREAD,
	HEADLESS_KEEPS, HEADLESS_MAPS,
	IN_NAMESPACE,
	OVER_EXEC,		/* here, and in another program */
	NR_FATES,
};

static const char *const awkward_names[] = {
	"plain",
	"two words",
	"new\nline",
	"\033[31mred\033[0m",
	"\n\tAttached Devices:\n",
	"\n00001000\t00000002\t00080005",
	"tab\tand\\backslash",
	"not-utf8-\377\376-end",
	"exactly thirty-one bytes long!!",
	"gr\303\266\303\237e",
	"quote\",comma",
	"\nname:\tspoofed\nsize:\t1\n",
};
#define NR_AWKWARD (sizeof(awkward_names) / sizeof(awkward_names[0]))

static const char *const comms[NR_CHILDREN] = {
	[KEEPER] = "keeper", [MAPPER] = "map\n\033[1mper", [THREADED] = "thre) aded",
	[HEIR] = "heir", [LONER] = "loner", [HEADLESS] = "headless", [INNER] = "inner",
	[EXECUTED] = "executed", [SHARER] = "sharer",
};

struct buffer {
	int fd;			/* here; -1: none */
	uint64_t inode, size;
	unsigned int refs;
	const char *name;
	/* By process: 0 is this one, then the children. */
	unsigned int fds[1 + NR_CHILDREN], maps[1 + NR_CHILDREN];
};

static struct buffer *buffers;
static unsigned int nr_buffers = 1000;
static int memory_fd, device_fd;
static const char *exporter;
static int child_sockets[NR_CHILDREN];
static pid_t child_pids[NR_CHILDREN];
static pid_t *sharer_pid;	/* written by KEEPER */

static void __attribute__((format(printf, 1, 2), noreturn)) die(const char *format, ...)
{
	int err = errno;
	va_list ap;

	fprintf(stderr, "make_dmabufs: ");
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fprintf(stderr, ": %s\n", strerror(err));
	exit(1);
}

/* --- descriptors through sockets ----------------------------------------------------------- */

static void send_fds(int socket_fd, const int *fds, unsigned int nr, char what)
{
	char control[CMSG_SPACE(PER_MESSAGE * sizeof(int))] = { 0 };
	struct iovec data = { .iov_base = &what, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &data, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = CMSG_SPACE(nr * sizeof(int)),
	};
	struct cmsghdr *head = CMSG_FIRSTHDR(&msg);

	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(nr * sizeof(int));
	memcpy(CMSG_DATA(head), fds, nr * sizeof(int));
	if (sendmsg(socket_fd, &msg, 0) != 1)
		die("sendmsg");
}

static int receive_fd(int socket_fd, char *what)
{
	char control[CMSG_SPACE(sizeof(int))];
	struct iovec data = { .iov_base = what, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &data, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	int fd;

	if (recvmsg(socket_fd, &msg, 0) <= 0)
		return -1;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

/* --- the children -------------------------------------------------------------------------- */

static void *map_part(int fd, size_t bytes)
{
	char *at = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);

	if (at == MAP_FAILED)
		die("mmap of a buffer");
	return at;
}

/* Whole; of every other one a page is there, too. */
static char *map_fd(int fd)
{
	static unsigned int nr;
	struct stat st;
	char *at;

	if (fstat(fd, &st))
		die("fstat");
	at = map_part(fd, st.st_size);
	if (nr++ & 1)
		(void)*(volatile char *)at;
	return at;
}

static void *sleep_for_ever(void *arg)
{
	for (;;)
		pause();
	return arg;
}

/* Take what comes, keep it ('k') or map it and let it go ('m'), and say so. */
static void __attribute__((noreturn)) serve(int socket_fd)
{
	char what;
	int fd;

	if (write(socket_fd, "!", 1) != 1)
		die("write");
	while ((fd = receive_fd(socket_fd, &what)) >= 0) {
		if (what == 'm') {
			map_fd(fd);
			close(fd);
		}
		if (write(socket_fd, "!", 1) != 1)
			die("write");
	}
	for (;;)
		pause();
}

static void start_thread(void *(*function)(void *arg), void *arg)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, function, arg))
		die("pthread_create");
}

static void *serve_alone(void *arg)
{
	if (unshare(CLONE_FILES))
		die("unshare");
	serve((int)(intptr_t)arg);
}

/* Nobody is to look before the leader is seen to be gone. */
static void *serve_headless(void *arg)
{
	char line[512] = "", *state;

	do {
		FILE *fp = fopen("/proc/self/stat", "re");

		if (!fp || !fgets(line, sizeof(line), fp))
			die("/proc/self/stat");
		fclose(fp);
		state = strrchr(line, ')');
		sched_yield();
	} while (!state || state[2] != 'Z');
	serve((int)(intptr_t)arg);
}

/* Another process with the same table. */
static void start_sharer(void)
{
	pid_t pid = syscall(SYS_clone, CLONE_FILES | SIGCHLD, NULL, NULL, NULL, NULL);

	if (pid < 0)
		die("clone");
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, comms[SHARER]);
		*sharer_pid = getpid();
		sleep_for_ever(NULL);
	}
	while (!__atomic_load_n(sharer_pid, __ATOMIC_ACQUIRE))
		sched_yield();
}

static void __attribute__((noreturn)) child_main(enum child who, int socket_fd)
{
	void *arg = (void *)(intptr_t)socket_fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, comms[who]);
	switch (who) {
	case KEEPER:
		start_sharer();
		break;
	case THREADED:
		start_thread(sleep_for_ever, NULL);
		break;
	case LONER:
		start_thread(serve_alone, arg);
		sleep_for_ever(NULL);
		break;
	case HEADLESS:
		start_thread(serve_headless, arg);
		start_thread(sleep_for_ever, NULL);
		syscall(SYS_exit, 0);	/* of this thread; what it was stays */
		break;
	default:
		break;
	}
	serve(socket_fd);
}

static void wait_for_child(enum child who)
{
	char answer;

	if (read(child_sockets[who], &answer, 1) != 1)
		die("child %u", who);
}

static void start_child(enum child who)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		die("socketpair");
	if (who == INNER)
		child_pids[who] = syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, NULL, NULL, NULL, NULL);
	else
		child_pids[who] = fork();
	if (child_pids[who] < 0)
		die("fork");
	if (!child_pids[who]) {
		close(ends[0]);
		child_main(who, ends[1]);
	}
	close(ends[1]);
	child_sockets[who] = ends[0];
	wait_for_child(who);
}

static void give(struct buffer *buf, enum child child, char what)
{
	send_fds(child_sockets[child], &buf->fd, 1, what);
	wait_for_child(child);
	if (what == 'm')
		buf->maps[1 + child]++;
	else
		buf->fds[1 + child]++;
}

/* --- the buffers --------------------------------------------------------------------------- */

static void make_memory(void)
{
	memory_fd = memfd_create("dmabufs", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	if (memory_fd < 0 || ftruncate(memory_fd, MEMORY_PAGES * 4096) ||
	    fcntl(memory_fd, F_ADD_SEALS, F_SEAL_SHRINK))
		die("memfd");
}

static void open_device(void)
{
	exporter = "udmabuf";
	device_fd = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
	if (device_fd >= 0)
		return;
	exporter = "drm";
	device_fd = open("/dev/dri/card0", O_RDWR | O_CLOEXEC);
	if (device_fd >= 0)
		return;
	fprintf(stderr, "make_dmabufs: neither /dev/udmabuf nor /dev/dri/card0 is there\n");
	exit(77);
}

static int make_udmabuf(unsigned int i, uint64_t size)
{
	struct udmabuf_create create = {
		.memfd = memory_fd,
		.flags = UDMABUF_FLAGS_CLOEXEC,
		.offset = (i % 7) * 4096,
		.size = size,
	};

	return ioctl(device_fd, UDMABUF_CREATE, &create);
}

/* The driver's own handle goes, and with it the driver's references. */
static int make_drm_buffer(uint64_t size)
{
	struct drm_create_dumb create = { .width = 4096, .height = size / 4096, .bpp = 8 };
	struct drm_handle_to_fd prime = { .flags = O_CLOEXEC | O_RDWR };
	struct drm_close_handle gone = { 0 };

	if (ioctl(device_fd, DRM_CREATE_DUMB, &create))
		return -1;
	prime.handle = gone.handle = create.handle;
	if (ioctl(device_fd, DRM_HANDLE_TO_FD, &prime) ||
	    ioctl(device_fd, DRM_CLOSE_HANDLE, &gone))
		return -1;
	return prime.fd;
}

/* Every third one has a name, and of the first ones each an awkward one. */
static void name_buffer(struct buffer *buf, unsigned int i)
{
	char name[32];

	if (i % 3)
		return;
	if (i / 3 < NR_AWKWARD)
		snprintf(name, sizeof(name), "%s", awkward_names[i / 3]);
	else
		snprintf(name, sizeof(name), "buffer %u", i);
	if (ioctl(buf->fd, DMA_BUF_SET_NAME, name))
		die("DMA_BUF_SET_NAME '%s'", name);
	buf->name = strdup(name);
}

static int make_one(unsigned int i, uint64_t size)
{
	return exporter[0] == 'u' ? make_udmabuf(i, size) : make_drm_buffer(size);
}

static void make_buffer(struct buffer *buf, unsigned int i)
{
	uint64_t size = (1 + i % 13) * 4096;
	struct stat st;

	buf->fd = make_one(i, size);
	if (buf->fd < 0)
		die("making number %u", i);
	if (fstat(buf->fd, &st))
		die("fstat");
	buf->inode = st.st_ino;
	buf->size = size;
	buf->fds[0] = 1;
	name_buffer(buf, i);
}

static void let_go(struct buffer *buf)
{
	close(buf->fd);
	buf->fd = -1;
	buf->fds[0]--;
}

static void map_here(struct buffer *buf)
{
	map_fd(buf->fd);
	buf->maps[0]++;
}

static void map_first_page(struct buffer *buf)
{
	map_part(buf->fd, 4096);
	buf->maps[0]++;
}

/* Of three pages or more the middle goes. */
static void map_ends(struct buffer *buf)
{
	char *at = map_fd(buf->fd);

	buf->maps[0]++;
	if (buf->size < 3 * 4096)
		return;
	if (munmap(at + 4096, buf->size - 2 * 4096))
		die("munmap");
	buf->maps[0]++;
}

static void meet_fate(struct buffer *buf, enum fate fate)
{
	switch (fate) {
	case KEPT_TWICE:
		if (fcntl(buf->fd, F_DUPFD_CLOEXEC, 3) < 0)
			die("dup");
		buf->fds[0]++;
		break;
	case MAPPED_TWICE:
		map_here(buf);
		/* fall through */
	case KEPT_AND_MAPPED:
		map_here(buf);
		break;
	case ONLY_MAPPED:
		map_here(buf);
		let_go(buf);
		break;
	case PASSED:
		give(buf, KEEPER, 'k');
		let_go(buf);
		break;
	case SHARED:
		give(buf, KEEPER, 'k');
		give(buf, MAPPER, 'k');
		give(buf, THREADED, 'k');
		break;
	case PASSED_AND_MAPPED:
		give(buf, MAPPER, 'm');
		break;
	case PARTLY_MAPPED:
		map_first_page(buf);
		break;
	case SPLIT:
		map_ends(buf);
		break;
	case IN_THREAD:
		give(buf, LONER, 'k');
		let_go(buf);
		break;
	case MAPPED_IN_THREAD:
		give(buf, LONER, 'm');
		break;
	case HEADLESS_KEEPS:
		give(buf, HEADLESS, 'k');
		let_go(buf);
		break;
	case HEADLESS_MAPS:
		give(buf, HEADLESS, 'm');
		let_go(buf);
		break;
	case IN_NAMESPACE:
		give(buf, INNER, 'k');
		break;
	default:
		break;
	}
}

/* The other end stays open and nobody reads it. */
static void put_in_flight(void)
{
	int fds[PER_MESSAGE], ends[2];
	unsigned int nr = 0;

	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends))
		die("socketpair");
	for (unsigned int i = 0; i < nr_buffers; i++) {
		if (i % NR_FATES == IN_FLIGHT) {
			buffers[i].refs++;
			fds[nr++] = buffers[i].fd;
		}
		if (nr == PER_MESSAGE || (nr && i == nr_buffers - 1)) {
			send_fds(ends[0], fds, nr, 'x');
			nr = 0;
		}
	}
	for (unsigned int i = 0; i < nr_buffers; i++)
		if (i % NR_FATES == IN_FLIGHT)
			let_go(&buffers[i]);
}

static void set_cloexec(bool on)
{
	for (unsigned int i = 0; i < nr_buffers; i++)
		if (i % NR_FATES == OVER_EXEC && fcntl(buffers[i].fd, F_SETFD, on ? FD_CLOEXEC : 0))
			die("F_SETFD");
}

/* This program again, which keeps what it finds open. */
static void execute(void)
{
	int ends[2];
	char number[16];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		die("socketpair");
	set_cloexec(false);
	child_pids[EXECUTED] = fork();
	if (child_pids[EXECUTED] < 0)
		die("fork");
	if (!child_pids[EXECUTED]) {
		fcntl(ends[1], F_SETFD, 0);
		snprintf(number, sizeof(number), "%d", ends[1]);
		execl("/proc/self/exe", "make_dmabufs", "-e", number, NULL);
		die("execl");
	}
	set_cloexec(true);
	close(ends[1]);
	child_sockets[EXECUTED] = ends[0];
	wait_for_child(EXECUTED);
	for (unsigned int i = 0; i < nr_buffers; i++)
		if (i % NR_FATES == OVER_EXEC)
			buffers[i].fds[1 + EXECUTED]++;
}

/* The heir is forked last: it inherits every descriptor and mapping that is here. */
static void inherit(void)
{
	start_child(HEIR);
	for (unsigned int i = 0; i < nr_buffers; i++) {
		buffers[i].fds[1 + HEIR] = buffers[i].fds[0];
		buffers[i].maps[1 + HEIR] = buffers[i].maps[0];
	}
}

/* One that had everything and is dead has nothing, though nobody has waited for it. */
static void leave_zombie(void)
{
	siginfo_t info;
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (!pid)
		_exit(0);
	if (waitid(P_PID, pid, &info, WEXITED | WNOWAIT))
		die("waitid");
}

/* --- while somebody looks ------------------------------------------------------------------ */

static void stir_once(unsigned int round)
{
	int fds[8], ends[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends))
		die("socketpair");
	for (unsigned int i = 0; i < 8; i++) {
		struct buffer buf = { .fd = make_one(i + round, (1 + (i + round) % 5) * 4096) };

		fds[i] = buf.fd;
		if (fds[i] < 0)
			die("making another one");
		if (i & 1)
			map_first_page(&buf);
	}
	send_fds(ends[0], fds, 4, 'x');
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid)
		_exit(0);
	for (unsigned int i = 0; i < 8; i++)
		close(fds[i]);
	close(ends[0]);
	close(ends[1]);
	if (waitpid(pid, NULL, 0) != pid)
		die("waitpid");
}

/* Mappings go with the process that does it for a while. */
static void __attribute__((noreturn)) stir(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "stirrer");
	for (unsigned int round = 0;; round++) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork");
		if (!pid) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (unsigned int i = 0; i < 20; i++)
				stir_once(round + i);
			_exit(0);
		}
		if (waitpid(pid, NULL, 0) != pid)
			die("waitpid");
	}
}

static pid_t start_stirring(void)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (!pid)
		stir();
	return pid;
}

/* --- the ledger ---------------------------------------------------------------------------- */

static void put_hex(FILE *fp, const char *bytes)
{
	for (; *bytes; bytes++)
		fprintf(fp, "%02x", (unsigned char)*bytes);
}

static void put_holder(FILE *fp, const struct buffer *buf, unsigned int who)
{
	char comm[17] = "";

	if (!buf->fds[who] && !buf->maps[who])
		return;
	prctl(PR_GET_NAME, comm);
	fprintf(fp, "holder\t%llu\t%d\t%u\t%u\t", (unsigned long long)buf->inode,
		who ? child_pids[who - 1] : getpid(), buf->fds[who], buf->maps[who]);
	put_hex(fp, who ? comms[who - 1] : comm);
	fputc('\n', fp);
}

static void write_ledger(const char *path)
{
	FILE *fp = fopen(path, "we");

	if (!fp)
		die("%s", path);
	for (unsigned int i = 0; i < nr_buffers; i++) {
		struct buffer *buf = &buffers[i];

		for (unsigned int who = 0; who <= NR_CHILDREN; who++)
			buf->refs += buf->fds[who] + buf->maps[who];
		/* The same descriptor, seen from another process. */
		buf->fds[1 + SHARER] = buf->fds[1 + KEEPER];
		fprintf(fp, "buffer\t%llu\t%llu\t%u\t%s\t", (unsigned long long)buf->inode,
			(unsigned long long)buf->size, buf->refs, exporter);
		if (buf->name)
			put_hex(fp, buf->name);
		else
			fputc('-', fp);
		fputc('\n', fp);
		for (unsigned int who = 0; who <= NR_CHILDREN; who++)
			put_holder(fp, buf, who);
	}
	if (fclose(fp))
		die("%s", path);
}

static int run(char **command)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		die("fork");
	if (!pid) {
		/* The mappings go with exec; no descriptor was inherited either. */
		execvp(command[0], command);
		die("%s", command[0]);
	}
	if (waitpid(pid, &status, 0) != pid)
		die("waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* What execute() has started. */
static int __attribute__((noreturn)) keep_open(int socket_fd)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, comms[EXECUTED]);
	if (write(socket_fd, "!", 1) != 1)
		die("write");
	for (;;)
		pause();
}

static void start_children(void)
{
	static const enum child first[] = { KEEPER, MAPPER, THREADED, LONER, HEADLESS, INNER };

	sharer_pid = mmap(NULL, sizeof(*sharer_pid), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (sharer_pid == MAP_FAILED)
		die("mmap");
	for (unsigned int i = 0; i < sizeof(first) / sizeof(first[0]); i++)
		start_child(first[i]);
	child_pids[SHARER] = *sharer_pid;
}

static int make_all_and_run(const char *ledger, char **command)
{
	start_children();
	for (unsigned int i = 0; i < nr_buffers; i++) {
		make_buffer(&buffers[i], i);
		meet_fate(&buffers[i], i % NR_FATES);
	}
	put_in_flight();
	execute();
	inherit();
	leave_zombie();
	write_ledger(ledger);
	return run(command);
}

int main(int argc, char **argv)
{
	const struct rlimit many = { 16384, 16384 };
	const char *ledger = NULL;
	bool stirs = false;
	pid_t stirrer = 0;
	int opt, status;

	while ((opt = getopt(argc, argv, "+n:l:se:")) != -1) {
		switch (opt) {
		case 'n': nr_buffers = strtoul(optarg, NULL, 10); break;
		case 'l': ledger = optarg; break;
		case 's': stirs = true; break;
		case 'e': keep_open(atoi(optarg));
		default: return 2;
		}
	}
	if (!ledger || optind == argc || !nr_buffers)
		return 2;
	if (setrlimit(RLIMIT_NOFILE, &many))
		die("RLIMIT_NOFILE");
	make_memory();
	open_device();
	buffers = calloc(nr_buffers, sizeof(*buffers));
	if (!buffers)
		die("memory");
	if (stirs)
		stirrer = start_stirring();
	status = make_all_and_run(ledger, argv + optind);
	for (unsigned int i = 0; i < NR_CHILDREN; i++)
		kill(child_pids[i], SIGKILL);
	if (stirs)
		kill(stirrer, SIGKILL);
	return status;
}
