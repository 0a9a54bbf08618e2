/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/collect/dmabuf_proc.c - who holds DMA-bufs, by the files of /proc
 *
 * A descriptor is a link that begins with "/dmabuf:", and its fdinfo says what buffer it
 * is of.  A mapping is a line of maps with such a path on a device that is none.  Names are
 * any bytes: in fdinfo the name comes last, so what stands before it can be trusted, and
 * maps has it without newlines.
 *
 * The files of a process are those of its leader.  A thread may have a table of descriptors of
 * its own, and goes on when the leader has exited, who has nothing then; kcmp(2) tells.
 *
 * Not here: buffers that no process holds.  Nothing in /proc tells of them.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "cli/collect/collect.h"
#include "cli/collect/dmabuf_proc.h"

#define LINK_PREFIX "/dmabuf:"
#define MAX_TABLES 64		/* of descriptors, in one process */
#define FIRST_PID_NAMESPACE "pid:[4026531836]"	/* a number that does not change */

struct scan {
	struct dmabuf_set *set;
	bool add_buffers;
	struct dmabuf_proc_result *result;
	int proc_fd;
	bool is_real;		/* not a copy somewhere else, whose numbers mean nothing */
	/* The process that is looked into, or a thread of it: */
	int pid_fd;
	u64 pid;
	const char *comm;	/* NULL: not asked yet */
};

/* What a descriptor's fdinfo tells. */
struct fdinfo {
	u64 inode, size_bytes, refs;
	const char *exporter, *name;
};

static const char *proc_root(void)
{
	const char *root = getenv("ROVE_PROC_ROOT");

	return root ? root : "/proc";
}

/* --- small files --------------------------------------------------------------------------- */

/* The contents as a string; -E2BIG when they do not fit. */
static int read_file(struct scan *scan, const char *path, char *buf, size_t room)
{
	int fd = openat(scan->pid_fd, path, O_RDONLY | O_CLOEXEC);
	size_t used = 0;
	ssize_t len = 0;

	if (fd < 0)
		return -errno;
	while (used < room && (len = read(fd, buf + used, room - used)) > 0)
		used += len;
	if (len < 0)
		len = -errno;
	close(fd);
	scan->result->bytes += used;
	if (len < 0)
		return (int)len;
	if (used == room)
		return -E2BIG;
	buf[used] = '\0';
	return 0;
}

/* A process may have a newline in its name; the file ends in one of its own. */
static const char *comm_of(struct scan *scan)
{
	char buf[256];
	size_t len;

	if (scan->comm)
		return scan->comm;
	if (read_file(scan, "comm", buf, sizeof(buf)))
		return NULL;
	len = strlen(buf);
	if (len && buf[len - 1] == '\n')
		buf[len - 1] = '\0';
	scan->comm = dmabuf_set_text(scan->set, buf);
	return scan->comm;
}

/* --- descriptors --------------------------------------------------------------------------- */

/* The value of a line "key:\tvalue" that begins at @line, or NULL. */
static const char *value_of(const char *line, const char *key)
{
	size_t len = strlen(key);

	if (strncmp(line, key, len) || line[len] != ':')
		return NULL;
	line += len + 1;
	return line + (*line == '\t');
}

/* Cut @buf into what it says; the name is everything to the end. */
static int parse_fdinfo(char *buf, struct fdinfo *ret_info)
{
	struct fdinfo info = { .name = "" };
	bool has_size = false;
	char *line = buf, *newline;
	const char *value;

	for (; *line; line = newline + 1) {
		newline = strchr(line, '\n');
		if (!newline)
			break;
		if ((value = value_of(line, "name"))) {
			line[strlen(line) - 1] = '\0';
			info.name = value;
			break;
		}
		*newline = '\0';
		if ((value = value_of(line, "ino")))
			info.inode = strtoull(value, NULL, 10);
		else if ((value = value_of(line, "size")))
			info.size_bytes = strtoull(value, NULL, 10), has_size = true;
		else if ((value = value_of(line, "count")))
			info.refs = strtoull(value, NULL, 10);
		else if ((value = value_of(line, "exp_name")))
			info.exporter = value;
	}
	if (!info.exporter || !has_size)
		return -EBADMSG;
	*ret_info = info;
	return 0;
}

static int set_text(struct dmabuf_set *set, struct dmabuf_row *row, enum dmabuf_string field,
		    const char *text)
{
	if (row->string[field])
		return 0;
	row->string[field] = dmabuf_set_text(set, text);
	return row->string[field] ? 0 : -ENOMEM;
}

/* The buffer's row, made where that is wanted; what it did not know, it learns. */
static int learn(struct scan *scan, const struct fdinfo *info)
{
	struct dmabuf_row *row = dmabuf_set_find(scan->set, info->inode);
	int err = 0;

	if (!row && !scan->add_buffers)
		return 0;
	if (!row)
		err = dmabuf_set_add(scan->set, info->inode, &row);
	if (err)
		return err;
	if (!dmabuf_row_knows(row, DMABUF_SIZE))
		dmabuf_row_set(row, DMABUF_SIZE, info->size_bytes);
	if (!dmabuf_row_knows(row, DMABUF_REFS))
		dmabuf_row_set(row, DMABUF_REFS, info->refs);
	dmabuf_row_set(row, DMABUF_NAME_TRUNCATED, 0);
	err = set_text(scan->set, row, DMABUF_EXPORTER, info->exporter);
	return err ?: set_text(scan->set, row, DMABUF_NAME, info->name);
}

/* Kernels before 5.14 have no "ino" in fdinfo. */
static void find_inode(struct scan *scan, const char *fd_name, struct fdinfo *info)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "fd/%.20s", fd_name);
	if (!info->inode && !fstatat(scan->pid_fd, path, &st, 0))
		info->inode = st.st_ino;
}

static int look_at_fd(struct scan *scan, const char *fd_name)
{
	char path[64], link[sizeof(LINK_PREFIX)], buf[4096];
	struct fdinfo info;
	int err;

	snprintf(path, sizeof(path), "fd/%.20s", fd_name);
	if (readlinkat(scan->pid_fd, path, link, sizeof(link)) < (ssize_t)strlen(LINK_PREFIX) ||
	    memcmp(link, LINK_PREFIX, strlen(LINK_PREFIX)))
		return 0;
	snprintf(path, sizeof(path), "fdinfo/%.20s", fd_name);
	err = read_file(scan, path, buf, sizeof(buf));
	if (err || parse_fdinfo(buf, &info))
		return 0;	/* closed meanwhile, or a file that is only called so */
	find_inode(scan, fd_name, &info);
	err = learn(scan, &info);
	return err ?: dmabuf_set_hold(scan->set, &(struct dmabuf_hold){
		.inode = info.inode, .pid = scan->pid, .nr_fds = 1, .comm = comm_of(scan),
	});
}

/* -EACCES: this process may not be looked into. */
static int look_at_fds(struct scan *scan)
{
	int fd = openat(scan->pid_fd, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	int err = 0;

	if (!dir) {
		err = -errno;
		if (fd >= 0)
			close(fd);
		return err;
	}
	while (!err && (entry = readdir(dir)))
		if (isdigit((unsigned char)entry->d_name[0]))
			err = look_at_fd(scan, entry->d_name);
	closedir(dir);
	return err;
}

/* --- mappings ------------------------------------------------------------------------------ */

/* Undo what maps does to a newline in a path. */
static void unescape(char *path)
{
	char *to = path;

	for (; *path; path++) {
		if (!strncmp(path, "\\012", 4)) {
			*to++ = '\n';
			path += 3;
		} else {
			*to++ = *path;
		}
	}
	*to = '\0';
}

/* A buffer that only mappings show: its exporter is not told, its size by a link at most. */
static int add_mapped(struct scan *scan, u64 inode, const char *range, char *name)
{
	struct dmabuf_row *row;
	char path[64];
	struct stat st;
	int err = dmabuf_set_add(scan->set, inode, &row);

	if (err)
		return err;
	unescape(name);
	row->string[DMABUF_NAME] = dmabuf_set_text(scan->set, name);
	if (!row->string[DMABUF_NAME])
		return -ENOMEM;
	dmabuf_row_set(row, DMABUF_NAME_TRUNCATED, 0);
	snprintf(path, sizeof(path), "map_files/%.40s", range);
	if (!fstatat(scan->pid_fd, path, &st, 0) && st.st_ino == inode)
		dmabuf_row_set(row, DMABUF_SIZE, st.st_size);
	return 0;
}

/* START-END PERMISSIONS OFFSET MAJOR:MINOR INODE PATH */
static int look_at_line(struct scan *scan, char *line)
{
	char *path = strstr(line, LINK_PREFIX);
	unsigned long long inode;
	unsigned int major;
	int err = 0;

	if (!path || path != strchr(line, '/') ||
	    sscanf(line, "%*s %*s %*s %x:%*x %llu", &major, &inode) != 2 || major)
		return 0;
	line[strcspn(line, " ")] = '\0';
	if (!dmabuf_set_find(scan->set, inode)) {
		if (!scan->add_buffers)
			return 0;
		err = add_mapped(scan, inode, line, path + strlen(LINK_PREFIX));
	}
	return err ?: dmabuf_set_hold(scan->set, &(struct dmabuf_hold){
		.inode = inode, .pid = scan->pid, .nr_maps = 1, .comm = comm_of(scan),
	});
}

static int look_at_maps(struct scan *scan)
{
	int fd = openat(scan->pid_fd, "maps", O_RDONLY | O_CLOEXEC);
	FILE *fp = fd < 0 ? NULL : fdopen(fd, "r");
	size_t room = 0;
	char *line = NULL;
	ssize_t len;
	int err = 0;

	if (!fp) {
		err = -errno;
		if (fd >= 0)
			close(fd);
		return err;
	}
	while (!err && (len = getline(&line, &room, fp)) > 0) {
		scan->result->bytes += len;
		line[len - (line[len - 1] == '\n')] = '\0';
		err = look_at_line(scan, line);
	}
	free(line);
	fclose(fp);
	return err;
}

/* --- all processes ------------------------------------------------------------------------- */

/* Threads of one process, no two of which have the same table of descriptors. */
struct tables {
	u64 threads[MAX_TABLES];
	u32 nr;
	bool has_maps;		/* one of them had an address space; all have the same */
};

static bool is_gone(int err)
{
	return err == -ENOENT || err == -ESRCH;
}

static int compare_threads(u64 thread, u64 other, int what)
{
	return syscall(SYS_kcmp, (pid_t)thread, (pid_t)other, what, 0, 0);
}

/* Where kcmp(2) is not to be had, or there is no room: taken for one that has been seen. */
static bool has_new_table(const struct tables *tables, u64 thread)
{
	if (tables->nr == MAX_TABLES || compare_threads(thread, thread, KCMP_FILES))
		return false;
	for (u32 i = 0; i < tables->nr; i++)
		if (!compare_threads(thread, tables->threads[i], KCMP_FILES))
			return false;
	return true;
}

static int look_at_thread(struct scan *scan, int task_fd, const char *name, struct tables *tables)
{
	u64 thread = strtoull(name, NULL, 10);
	int pid_fd = scan->pid_fd, err;
	bool has_maps = !tables->has_maps && compare_threads(thread, scan->pid, KCMP_VM) > 0;

	if (!has_new_table(tables, thread))
		return 0;
	scan->pid_fd = openat(task_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	err = scan->pid_fd < 0 ? -errno : look_at_fds(scan);
	if (!err && has_maps)
		err = look_at_maps(scan);
	if (!err) {
		tables->threads[tables->nr++] = thread;
		tables->has_maps |= has_maps;
	}
	if (scan->pid_fd >= 0)
		close(scan->pid_fd);
	scan->pid_fd = pid_fd;
	return is_gone(err) ? 0 : err;
}

/* The directory of the threads has two links more than there are threads. */
static int look_at_threads(struct scan *scan)
{
	struct tables tables = { .threads = { scan->pid }, .nr = 1 };
	int fd = openat(scan->pid_fd, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC), err = 0;
	struct dirent *entry;
	struct stat st;
	DIR *dir;

	dir = fd >= 0 && !fstat(fd, &st) && st.st_nlink > 3 ? fdopendir(fd) : NULL;
	while (dir && !err && (entry = readdir(dir)))
		if (isdigit((unsigned char)entry->d_name[0]) &&
		    strtoull(entry->d_name, NULL, 10) != scan->pid)
			err = look_at_thread(scan, fd, entry->d_name, &tables);
	if (dir)
		closedir(dir);
	else if (fd >= 0)
		close(fd);
	return err;
}

/* A leader that has exited has neither descriptors nor mappings. */
static int look_into_process(struct scan *scan, const char *pid_name)
{
	int err;

	scan->pid_fd = openat(scan->proc_fd, pid_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (scan->pid_fd < 0)
		return -errno;
	scan->pid = strtoull(pid_name, NULL, 10);
	scan->comm = NULL;
	err = look_at_fds(scan);
	if (!err)
		err = look_at_maps(scan);
	if ((!err || is_gone(err)) && scan->is_real)
		err = look_at_threads(scan);
	close(scan->pid_fd);
	return err;
}

/* What is neither gone nor refused, such as no descriptors left, is a failure of ours. */
static int look_at_process(struct scan *scan, const char *pid_name)
{
	int err = look_into_process(scan, pid_name);

	switch (err) {
	case -EACCES:
	case -EPERM:
		scan->result->nr_denied++;
		return 0;
	case -ENOENT:
	case -ESRCH:
		return 0;
	default:
		return err;
	}
}

/* Another PID namespace than the first shows its own processes only. */
static bool is_in_namespace(int proc_fd)
{
	char name[64];
	ssize_t len = readlinkat(proc_fd, "self/ns/pid", name, sizeof(name) - 1);

	if (len < 0)
		return false;
	name[len] = '\0';
	return strcmp(name, FIRST_PID_NAMESPACE);
}

/* Mounted with hidepid=invisible, it shows those of the user only: then 1 is not there. */
static bool hides_processes(int proc_fd)
{
	return !faccessat(proc_fd, "self", F_OK, 0) &&
	       faccessat(proc_fd, "1", F_OK, 0) && errno == ENOENT;
}

bool dmabuf_proc_in_namespace(void)
{
	int fd = open(proc_root(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool in_namespace = fd >= 0 && is_in_namespace(fd);

	if (fd >= 0)
		close(fd);
	return in_namespace;
}

int dmabuf_proc_scan(struct dmabuf_set *set, bool add_buffers,
		     struct dmabuf_proc_result *ret_result)
{
	struct scan scan = { .set = set, .add_buffers = add_buffers, .result = ret_result };
	DIR *dir = opendir(proc_root());
	struct dirent *entry;
	int err = 0;

	memset(ret_result, 0, sizeof(*ret_result));
	if (!dir)
		return -errno;
	scan.proc_fd = dirfd(dir);
	scan.is_real = !getenv("ROVE_PROC_ROOT");
	ret_result->hides = is_in_namespace(scan.proc_fd) || hides_processes(scan.proc_fd);
	while (!err && (entry = readdir(dir)))
		if (isdigit((unsigned char)entry->d_name[0]))
			err = look_at_process(&scan, entry->d_name);
	closedir(dir);
	set->knows_holders = true;
	set->misses_holders = ret_result->nr_denied || ret_result->hides;
	return err;
}

void dmabuf_proc_note(const struct dmabuf_proc_result *result, struct listing *listing)
{
	if (result->hides)
		listing_incomplete(listing, DMABUF_PROCESSES_HIDDEN);
	if (!result->nr_denied)
		return;
	listing->denied += result->nr_denied;
	listing->needs = "needs CAP_SYS_PTRACE to look into every process";
	listing_incomplete(listing, "processes-denied");
}

/* --- the collector: /proc alone ------------------------------------------------------------ */

static int proc_run(void *state, struct listing *ret_listing)
{
	struct dmabuf_set *set = state;
	struct dmabuf_proc_result result;
	int err;

	dmabuf_set_clear(set);
	listing_begin(ret_listing, &dmabuf_noun, dmabuf_proc_source.name);
	err = dmabuf_proc_scan(set, true, &result);
	err = err ?: dmabuf_set_finish(set);
	if (err)
		return err;
	dmabuf_set_listing(set, ret_listing);
	listing_took(ret_listing);
	ret_listing->bytes = (struct value){ .known = true, .ns = (s64)result.bytes };
	dmabuf_proc_note(&result, ret_listing);
	listing_incomplete(ret_listing, "kernel-only-unseen");
	return 0;
}

static void proc_close(void *state)
{
	dmabuf_set_fini(state);
	free(state);
}

static enum collect_verdict proc_open(const struct collect_options *options, void **ret_state,
				      struct collect_status *status)
{
	struct dmabuf_set *set;

	if (options->max_objects)
		return collect_refuse(status, COLLECT_ABSENT, 0,
				      "it goes through processes and cannot bound its buffers");
	if (access(proc_root(), R_OK | X_OK))
		return collect_refuse(status, COLLECT_ABSENT, -errno, "there is no /proc");
	set = calloc(1, sizeof(*set));
	if (!set)
		return collect_refuse(status, COLLECT_FAILED, -ENOMEM, "%s", strerror(ENOMEM));
	*ret_state = set;
	return COLLECT_OK;
}

const struct collect_source dmabuf_proc_source = {
	.name = "proc",
	.help = "descriptors and mappings in /proc: not what only the kernel holds",
	.automatic = true,
	.open = proc_open,
	.run = proc_run,
	.close = proc_close,
};
