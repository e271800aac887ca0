/* Loaded before a program (LD_PRELOAD): its wall clock stands elsewhere, and its disk is full or read-only, as the file that
 * CERTHALL_MACHINE names says: two int64_t, the seconds to add and the errno that writing gives (0: none). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct machine {
	volatile int64_t seconds, error;
};

static struct machine *machine(void)
{
	static struct machine still, *found;
	if (found != NULL)
		return found;
	const char *path = getenv("CERTHALL_MACHINE");
	int fd = path != NULL ? (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0) : -1;
	void *map = fd >= 0 ? mmap(NULL, sizeof *found, PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;
	if (fd >= 0)
		close(fd);
	return found = map != MAP_FAILED ? map : &still;
}

/* Sockets and pipes are no disk; nor is standard error, where the test reads what the program says. */
static int refused(int fd)
{
	struct stat st;
	int64_t error = machine()->error;
	if (error == 0 || fd <= STDERR_FILENO || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return 0;
	errno = (int)error;
	return 1;
}

time_t time(time_t *out)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	time_t told = now.tv_sec + machine()->seconds;
	if (out != NULL)
		*out = told;
	return told;
}

#define REAL(type, name, ...) \
	static type (*real)(__VA_ARGS__); \
	if (real == NULL) \
		real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

ssize_t write(int fd, const void *data, size_t len)
{
	REAL(ssize_t, "write", int, const void *, size_t);
	return refused(fd) ? -1 : real(fd, data, len);
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t at)
{
	REAL(ssize_t, "pwrite", int, const void *, size_t, off_t);
	return refused(fd) ? -1 : real(fd, data, len, at);
}

ssize_t pwrite64(int fd, const void *data, size_t len, off64_t at)
{
	REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t);
	return refused(fd) ? -1 : real(fd, data, len, at);
}

static int refused_to_make(int flags)
{
	if (machine()->error == 0 || (flags & O_CREAT) == 0)
		return 0;
	errno = (int)machine()->error;
	return 1;
}

static mode_t mode_of(int flags, va_list args)
{
	return flags & O_CREAT ? (mode_t)va_arg(args, int) : 0;
}

int open(const char *path, int flags, ...)
{
	REAL(int, "open", const char *, int, ...);
	va_list args;
	va_start(args, flags);
	mode_t mode = mode_of(flags, args);
	va_end(args);
	return refused_to_make(flags) ? -1 : real(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
	REAL(int, "open64", const char *, int, ...);
	va_list args;
	va_start(args, flags);
	mode_t mode = mode_of(flags, args);
	va_end(args);
	return refused_to_make(flags) ? -1 : real(path, flags, mode);
}
