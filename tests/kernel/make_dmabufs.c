/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * tests/kernel/make_dmabufs.c - many real DMA-bufs in many hands while a command runs
 *
 *	make_dmabufs [-n NUMBER] -l LEDGER -- COMMAND...
 *
 * Makes udmabufs, or where a kernel has none buffers of the graphics driver vgem (1,000), gives them names, and spreads them over itself and four other
 * processes: held, held more than once, mapped, passed through sockets, inherited, and held
 * by nobody but a socket.  What it did it writes into LEDGER, then it runs COMMAND while
 * nothing changes.  The exit status is the command's, or 77 when nothing makes buffers here.
 *
 * The ledger has two kinds of lines, fields between tabs, bytes in hexadecimal:
 *
 *	buffer INODE SIZE REFS EXPORTER NAME	NAME is "-" where none was given
 *	holder INODE PID DESCRIPTORS MAPPINGS COMM
 *
 * Invariant: a buffer's REFS are its descriptors and mappings in all processes, and its
 * places in sockets.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <linux/udmabuf.h>
#include <pthread.h>
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

#define NR_CHILDREN	4
#define MEMORY_PAGES	64
#define PER_MESSAGE	100	/* descriptors in one message on the way */

/* What happens to a buffer, over and over. */
enum fate {
	KEPT,			/* one descriptor here */
	KEPT_TWICE,		/* two of them */
	KEPT_AND_MAPPED,
	ONLY_MAPPED,		/* no descriptor left: a leak that lsof does not show */
	MAPPED_TWICE,
	PASSED,			/* child 0 has it, we do not */
	SHARED,			/* here, child 0, child 1 */
	PASSED_AND_MAPPED,	/* child 1 has a mapping and no descriptor; we have one */
	IN_FLIGHT,		/* in a socket that nobody reads */
	INHERITED,		/* child 3 was forked with it, and so was its copy here */
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

static const char *const comms[NR_CHILDREN] = { "keeper", "map\n\033[1mper", "thre) aded", "heir" };

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

static void map_fd(int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		die("fstat");
	if (mmap(NULL, st.st_size, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED)
		die("mmap of a buffer");
}

static void *sleep_for_ever(void *arg)
{
	for (;;)
		pause();
	return arg;
}

/* Take what comes, keep it ('k') or map it and let it go ('m'), and say so. */
static void __attribute__((noreturn)) child_main(unsigned int index, int socket_fd)
{
	pthread_t thread;
	char what;
	int fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, comms[index]);
	if (index == 2 && pthread_create(&thread, NULL, sleep_for_ever, NULL))
		die("pthread_create");
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

static void wait_for_child(unsigned int index)
{
	char answer;

	if (read(child_sockets[index], &answer, 1) != 1)
		die("child %u", index);
}

static void start_child(unsigned int index)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		die("socketpair");
	child_pids[index] = fork();
	if (child_pids[index] < 0)
		die("fork");
	if (!child_pids[index]) {
		close(ends[0]);
		child_main(index, ends[1]);
	}
	close(ends[1]);
	child_sockets[index] = ends[0];
	wait_for_child(index);
}

static void give(struct buffer *buf, unsigned int child, char what)
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

static void make_buffer(struct buffer *buf, unsigned int i)
{
	uint64_t size = (1 + i % 13) * 4096;
	struct stat st;

	buf->fd = exporter[0] == 'u' ? make_udmabuf(i, size) : make_drm_buffer(size);
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
		give(buf, 0, 'k');
		let_go(buf);
		break;
	case SHARED:
		give(buf, 0, 'k');
		give(buf, 1, 'k');
		give(buf, 2, 'k');
		break;
	case PASSED_AND_MAPPED:
		give(buf, 1, 'm');
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

/* Child 3 is forked last: it inherits every descriptor and mapping that is here. */
static void inherit(void)
{
	start_child(3);
	for (unsigned int i = 0; i < nr_buffers; i++) {
		buffers[i].fds[4] = buffers[i].fds[0];
		buffers[i].maps[4] = buffers[i].maps[0];
	}
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

int main(int argc, char **argv)
{
	const struct rlimit many = { 16384, 16384 };
	const char *ledger = NULL;
	int opt, status;

	while ((opt = getopt(argc, argv, "+n:l:")) != -1) {
		switch (opt) {
		case 'n': nr_buffers = strtoul(optarg, NULL, 10); break;
		case 'l': ledger = optarg; break;
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
	for (unsigned int i = 0; i < 3; i++)
		start_child(i);
	for (unsigned int i = 0; i < nr_buffers; i++) {
		make_buffer(&buffers[i], i);
		meet_fate(&buffers[i], i % NR_FATES);
	}
	put_in_flight();
	inherit();
	write_ledger(ledger);
	status = run(argv + optind);
	for (unsigned int i = 0; i < NR_CHILDREN; i++)
		kill(child_pids[i], SIGKILL);
	return status;
}
