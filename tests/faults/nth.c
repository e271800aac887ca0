/* Loaded before a program (LD_PRELOAD): counts its calls to the kernel and kills it at one of them, as the file that CERTHALL_NTH
 * names says (tests/faults/nth.py): for each program and call two int64_t, how often it was made, and how many times more until
 * the program dies (0: never). It dies before the call, or, when the number is negative, behind it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* As in nth.py. */
static const char *const programs[] = { "certhall", "certhall-token", "certhalld", "talker" };
enum call { WRITE, PWRITE, FSYNC, FDATASYNC, RENAME, CONNECT, SEND, SENDMSG, UNLINK, FTRUNCATE, FFLUSH, FCLOSE, OPEN, MKDIR, CALLS };

struct rule {
	int64_t made, left;
};

static struct rule *rules(void)
{
	static struct rule none[CALLS], *found;
	struct rule *mine = __atomic_load_n(&found, __ATOMIC_ACQUIRE);
	if (mine != NULL)
		return mine;
	const char *path = getenv("CERTHALL_NTH");
	int program = 0, count = sizeof programs / sizeof *programs;
	while (program < count && strcmp(programs[program], program_invocation_short_name) != 0)
		program++;
	int fd = path != NULL && program < count ? (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0) : -1;
	void *map = fd >= 0 ? mmap(NULL, sizeof none * (size_t)count, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;
	if (fd >= 0)
		syscall(SYS_close, fd);
	mine = map != MAP_FAILED ? (struct rule *)map + program * CALLS : none;
	__atomic_store_n(&found, mine, __ATOMIC_RELEASE);
	return mine;
}

/* SoftHSM writes its token.object anew at each login, emptied first: who dies until it is closed has lost the whole token, and no
 * program that uses it could help. A real key keeps its own. So meanwhile nobody dies. */
static _Thread_local bool spared;

static bool is_token(int fd)
{
	char link[32], path[4096];
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, path, sizeof path - 1);
	path[n > 0 ? n : 0] = '\0';
	return strstr(path, "/token.object") != NULL;
}

static void before(enum call call)
{
	if (spared)
		return;
	struct rule *rule = &rules()[call];
	__atomic_add_fetch(&rule->made, 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&rule->left, __ATOMIC_SEQ_CST) > 0 && __atomic_sub_fetch(&rule->left, 1, __ATOMIC_SEQ_CST) == 0)
		kill(getpid(), SIGKILL);
}

static void behind(enum call call)
{
	struct rule *rule = &rules()[call];
	int error = errno;
	if (spared)
		return;
	if (__atomic_load_n(&rule->left, __ATOMIC_SEQ_CST) < 0 && __atomic_add_fetch(&rule->left, 1, __ATOMIC_SEQ_CST) == 0)
		kill(getpid(), SIGKILL);
	errno = error;
}

#define CALL(call, type, name, parameters, arguments) \
	type name parameters; \
	type name parameters \
	{ \
		static type (*real) parameters; \
		if (real == NULL) \
			real = (type (*) parameters)dlsym(RTLD_NEXT, #name); \
		before(call); \
		type result = real arguments; \
		behind(call); \
		return result; \
	}

CALL(WRITE, ssize_t, write, (int fd, const void *data, size_t len), (fd, data, len))
CALL(WRITE, ssize_t, writev, (int fd, const struct iovec *parts, int count), (fd, parts, count))
CALL(PWRITE, ssize_t, pwrite, (int fd, const void *data, size_t len, off_t at), (fd, data, len, at))
CALL(PWRITE, ssize_t, pwrite64, (int fd, const void *data, size_t len, off64_t at), (fd, data, len, at))
CALL(FSYNC, int, fsync, (int fd), (fd))
CALL(FDATASYNC, int, fdatasync, (int fd), (fd))
CALL(RENAME, int, rename, (const char *from, const char *to), (from, to))
CALL(RENAME, int, renameat, (int from_fd, const char *from, int to_fd, const char *to), (from_fd, from, to_fd, to))
CALL(RENAME, int, linkat, (int from_fd, const char *from, int to_fd, const char *to, int flags), (from_fd, from, to_fd, to, flags))
CALL(CONNECT, int, connect, (int fd, const struct sockaddr *to, socklen_t len), (fd, to, len))
CALL(SEND, ssize_t, send, (int fd, const void *data, size_t len, int flags), (fd, data, len, flags))
CALL(SENDMSG, ssize_t, sendmsg, (int fd, const struct msghdr *message, int flags), (fd, message, flags))
CALL(UNLINK, int, unlink, (const char *path), (path))
CALL(UNLINK, int, remove, (const char *path), (path))
CALL(UNLINK, int, unlinkat, (int fd, const char *path, int flags), (fd, path, flags))
CALL(MKDIR, int, mkdir, (const char *path, mode_t mode), (path, mode))
CALL(FFLUSH, int, fflush, (FILE *file), (file))

/* With CERTHALL_OLD_DISK as on a file system that cannot but replace. */
int renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
	before(RENAME);
	bool cannot = flags != 0 && getenv("CERTHALL_OLD_DISK") != NULL;
	int result = cannot ? -1 : (int)syscall(SYS_renameat2, from_fd, from, to_fd, to, flags);
	if (cannot)
		errno = EINVAL;
	behind(RENAME);
	return result;
}

int ftruncate(int fd, off_t len)
{
	static int (*real)(int fd, off_t len);
	if (real == NULL)
		real = (int (*)(int fd, off_t len))dlsym(RTLD_NEXT, "ftruncate");
	spared = spared || is_token(fd);
	before(FTRUNCATE);
	int result = real(fd, len);
	behind(FTRUNCATE);
	return result;
}

int ftruncate64(int fd, off64_t len)
{
	return ftruncate(fd, len);
}

/* Only what makes a file, or empties one, is counted. */
static bool makes(int folder, const char *path, int flags)
{
	return (flags & O_TRUNC) || ((flags & O_CREAT) && faccessat(folder, path, F_OK, 0) != 0);
}

#define OPENED(name, folder, parameters, arguments) \
	int name parameters \
	{ \
		static int (*real) parameters; \
		if (real == NULL) \
			real = (int (*) parameters)dlsym(RTLD_NEXT, #name); \
		va_list more; \
		va_start(more, flags); \
		mode_t mode = flags & O_CREAT ? (mode_t)va_arg(more, int) : 0; \
		va_end(more); \
		bool counted = makes(folder, path, flags); \
		if (counted) \
			before(OPEN); \
		int fd = real arguments; \
		if (counted) \
			behind(OPEN); \
		return fd; \
	}

OPENED(open, AT_FDCWD, (const char *path, int flags, ...), (path, flags, mode))
OPENED(open64, AT_FDCWD, (const char *path, int flags, ...), (path, flags, mode))
OPENED(openat, folder, (int folder, const char *path, int flags, ...), (folder, path, flags, mode))
OPENED(openat64, folder, (int folder, const char *path, int flags, ...), (folder, path, flags, mode))

/* What was only read loses nothing. */
int fclose(FILE *file)
{
	static int (*real)(FILE *file);
	if (real == NULL)
		real = (int (*)(FILE *))dlsym(RTLD_NEXT, "fclose");
	if ((fcntl(fileno(file), F_GETFL) & O_ACCMODE) == O_RDONLY)
		return real(file);
	bool last = is_token(fileno(file));
	before(FCLOSE);
	int result = real(file);
	behind(FCLOSE);
	spared = spared && !last;
	return result;
}
