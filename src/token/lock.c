#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "token/helper.h"

enum { TRY_MS = 50, WAIT_MS = 8000 }; /* less than certhall waits for any answer */

static int open_one(const char *path)
{
	struct stat about;
	int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || (fstat(fd, &about) == 0 && about.st_uid == getuid() && S_ISREG(about.st_mode)))
		return fd;
	close(fd);
	return -1;
}

/* One file a user, in no folder of a terminal's own: the helper of a terminal that has gone counts too. Tests, which have keys of
 * their own, name another one. */
static int open_lock(void)
{
	char path[64];
	const char *named = getenv("CERTHALL_TOKEN_LOCK");
	if (named != NULL)
		return open_one(named);
	snprintf(path, sizeof path, "/run/user/%u/certhall-token.lock", (unsigned)getuid());
	int fd = open_one(path);
	if (fd < 0) {
		snprintf(path, sizeof path, "/tmp/certhall-token-%u.lock", (unsigned)getuid());
		fd = open_one(path);
	}
	return fd;
}

int token_lock(struct helper *helper, bool writes, bool wait, struct error *err)
{
	const struct timespec pause = { .tv_nsec = TRY_MS * 1000000L };
	if (helper->lock_fd < 0)
		helper->lock_fd = open_lock();
	if (helper->lock_fd < 0)
		return 0; /* nowhere to put one: as if nobody else was there */
	for (int waited = 0; flock(helper->lock_fd, (writes ? LOCK_EX : LOCK_SH) | LOCK_NB) != 0; waited += TRY_MS) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return 0;
		if (!wait || waited >= WAIT_MS)
			return error_set(err, ERR_TOKEN_BUSY, NULL, "another helper is writing");
		nanosleep(&pause, NULL);
	}
	return 0;
}

void token_unlock(struct helper *helper)
{
	if (helper->lock_fd >= 0)
		flock(helper->lock_fd, LOCK_UN);
}
