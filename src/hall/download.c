/* A file of the hall's, fetched into a folder: resumed when a part of it is there, checked, and only then given its name. */
#include "hall/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <certhall/file.h>
#include <certhall/pki.h>

enum { SIZE_MAX_OF_ONE = 512 * 1024 * 1024, NAME_ROOM = 256 };

struct download {
	struct hall_call call;
	char folder[FILE_PATH_MAX], name[NAME_ROOM], part[NAME_ROOM + 8], sha256[65], magic[8];
	int64_t size;
	bool replace;
	bool resumed;             /* what is there began as another try's part */
	hall_progress_fn *progress;
	struct loop_timer *progress_timer;
	int folder_fd, fd;
	int64_t got;
	long status;
	int failed_with;          /* errno of a write */
};

static void tell_progress(void *ctx)
{
	struct download *download = ctx;
	download->progress(download->call.ctx, download->got, download->size);
}

/* What the disk said, as what a person can do about it. A part on a full disk is in the way of everything else there. */
static void file_failed(struct download *download, int number)
{
	bool full = number == ENOSPC || number == EDQUOT || number == EFBIG;
	enum error_code code = full ? ERR_DISK_FULL : number == EROFS || number == EACCES || number == EPERM ? ERR_FOLDER_CLOSED
		: number == EEXIST ? ERR_FILE_EXISTS : ERR_FILE;
	if (full && download->folder_fd >= 0)
		unlinkat(download->folder_fd, download->part, 0);
	call_fail(&download->call, code, code == ERR_FILE_EXISTS ? download->name : download->folder, strerror(number));
}

/* The hash over the whole file, of which a part may be from an earlier try. */
static bool is_genuine(int fd, const struct download *download)
{
	struct stat about;
	if (fstat(fd, &about) != 0 || about.st_size != download->size)
		return false;
	void *map = mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return false;
	uint8_t hash[PKI_SHA256];
	char hex[2 * PKI_SHA256 + 1];
	pki_sha256(map, (size_t)about.st_size, hash);
	size_t magic = strlen(download->magic);
	bool known = magic <= (size_t)about.st_size && memcmp(map, download->magic, magic) == 0;
	munmap(map, (size_t)about.st_size);
	return known && strcmp(hex_encode(hash, sizeof hash, hex), download->sha256) == 0;
}

/* A part may be of another file of that name, or have holes where a machine lost its power: the whole is asked for once. */
static bool start_over(struct download *download)
{
	if (!download->resumed || ftruncate(download->fd, 0) != 0)
		return false;
	download->resumed = false;
	download->got = 0;
	download->call.ops->start(&download->call);
	return true;
}

/* Not every file system (NFS) can rename without replacing; giving a second name never replaces. */
static int give_name(const struct download *download)
{
	int folder = download->folder_fd;
	if (download->replace)
		return renameat(folder, download->part, folder, download->name);
	int rc = renameat2(folder, download->part, folder, download->name, RENAME_NOREPLACE);
	if (rc == 0 || errno != EINVAL)
		return rc;
	rc = linkat(folder, download->part, folder, download->name, 0);
	return rc == 0 ? unlinkat(folder, download->part, 0) : rc;
}

static void finish_download(struct download *download)
{
	if (!is_genuine(download->fd, download)) {
		if (start_over(download))
			return;
		unlinkat(download->folder_fd, download->part, 0);
		call_fail(&download->call, ERR_PACKAGE_HASH, NULL, download->name);
		return;
	}
	if (fsync(download->fd) != 0 || give_name(download) != 0 || fsync(download->folder_fd) != 0) {
		file_failed(download, errno);
		return;
	}
	char path[FILE_PATH_MAX + NAME_ROOM];
	snprintf(path, sizeof path, "%s/%s", download->folder, download->name);
	call_finish(&download->call, NULL, path);
}

static void on_head(void *ctx, long status, const char *type)
{
	struct download *download = ctx;
	download->status = status;
	snprintf(download->call.type, sizeof download->call.type, "%s", type);
	if (status == 200 && download->got > 0) { /* the whole of it, from the start */
		download->got = 0;
		download->resumed = false;
		if (ftruncate(download->fd, 0) != 0)
			download->status = 0;
	}
}

static int on_data(void *ctx, const void *data, size_t len)
{
	struct download *download = ctx;
	struct hall_call *call = &download->call;
	if (download->status >= 400)
		return call->answer.len + len > ANSWER_MAX ? ERR_NET_PROTOCOL : bytes_append(&call->answer, data, len);
	if (download->status != 200 && download->status != 206)
		return ERR_NET_PROTOCOL;
	if (download->got + (int64_t)len > download->size)
		return ERR_PACKAGE_HASH;
	for (size_t done = 0; done < len;) {
		ssize_t n = pwrite(download->fd, (const char *)data + done, len - done, download->got);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			download->failed_with = n < 0 ? errno : EIO;
			return ERR_FILE;
		}
		done += (size_t)n;
		download->got += n;
	}
	if (download->progress != NULL && download->progress_timer == NULL)
		return loop_timer_start(call->hall->loop, &download->progress_timer, 0, tell_progress, download);
	return 0;
}

static void on_end(void *ctx, const struct error *err, long status, bool sent)
{
	struct download *download = ctx;
	struct hall_call *call = &download->call;
	call->transfer = NULL;
	struct error problem;
	if (err != NULL && err->code == ERR_FILE) {
		file_failed(download, download->failed_with);
		return;
	}
	if (err != NULL && call_retry(call, err, sent))
		return;
	if (err != NULL && err->code == ERR_PACKAGE_HASH)
		unlinkat(download->folder_fd, download->part, 0);
	if (err != NULL) {
		call_finish(call, err, NULL);
	} else if (status == 200 || status == 206) {
		finish_download(download);
	} else if (status == 416 && download->got > 0 && call->tries < TRIES) { /* the part is of no use to the hall */
		download->got = 0;
		call->ops->start(call);
	} else {
		call_problem(call, status, &problem);
		call_finish(call, &problem, NULL);
	}
}

/* A part that is not plainly ours is not written to. */
static bool is_ours(int fd)
{
	struct stat about;
	return fstat(fd, &about) == 0 && S_ISREG(about.st_mode) && about.st_uid == geteuid() && about.st_nlink == 1;
}

static bool is_taken(const struct download *download)
{
	struct stat about, part;
	if (fstatat(download->folder_fd, download->name, &about, AT_SYMLINK_NOFOLLOW) != 0)
		return false;
	if (fstatat(download->folder_fd, download->part, &part, AT_SYMLINK_NOFOLLOW) == 0 && part.st_dev == about.st_dev && part.st_ino == about.st_ino)
		unlinkat(download->folder_fd, download->part, 0); /* give_name was interrupted */
	return true;
}

static int open_part(struct download *download)
{
	if (download->fd >= 0)
		return 0;
	struct error err;
	if (file_make_folder(download->folder, &err) != 0)
		return -1;
	download->folder_fd = open(download->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (download->folder_fd < 0)
		return -1;
	struct stat about;
	if (!download->replace && is_taken(download)) {
		errno = EEXIST;
		return -1;
	}
	download->fd = openat(download->folder_fd, download->part, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (download->fd >= 0 && !is_ours(download->fd)) {
		close(download->fd);
		download->fd = -1;
		unlinkat(download->folder_fd, download->part, 0);
	}
	if (download->fd < 0 && errno != ELOOP) /* a link there is not ours to remove */
		download->fd = openat(download->folder_fd, download->part, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (download->fd < 0 || fchmod(download->fd, 0600) != 0 || fstat(download->fd, &about) != 0)
		return -1;
	if (about.st_size > download->size)
		return ftruncate(download->fd, 0);
	download->got = about.st_size;
	download->resumed = about.st_size > 0;
	return 0;
}

/* The person may have chosen it. */
static bool name_ok(const char *name)
{
	return *name != '\0' && strchr(name, '/') == NULL && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && strlen(name) + 6 < NAME_ROOM;
}

static void download_start(struct hall_call *call)
{
	struct download *download = (struct download *)call;
	if (!name_ok(download->name)) {
		call_fail(call, ERR_BAD_INPUT, download->name, "file name");
		return;
	}
	if (download->size <= 0 || download->size > SIZE_MAX_OF_ONE || strlen(download->sha256) != 64) {
		call_fail(call, ERR_PACKAGE_SIGNATURE, NULL, "a size or hash that cannot be");
		return;
	}
	errno = 0;
	if (open_part(download) != 0) {
		file_failed(download, errno);
		return;
	}
	if (download->got == download->size) {
		finish_download(download);
		return;
	}
	char range[64];
	struct error err;
	snprintf(range, sizeof range, "Range: bytes=%lld-", (long long)download->got);
	bytes_drop(&call->answer, call->answer.len);
	call->tries++;
	const struct transfer_request request = { .method = "GET", .path = call->path, .accept = "application/octet-stream",
		.header = download->got > 0 ? range : NULL, .token = call_token(call), .endless = true,
		.head = on_head, .data = on_data, .end = on_end, .ctx = download };
	if (transfer_start(call->hall->transport, &request, &call->transfer, &err) != 0)
		call_finish(call, &err, NULL);
}

static void download_free(struct hall_call *call)
{
	struct download *download = (struct download *)call;
	loop_timer_cancel(call->hall->loop, &download->progress_timer);
	if (download->fd >= 0)
		close(download->fd);
	if (download->folder_fd >= 0)
		close(download->folder_fd);
}

struct hall_call *hall_download(struct hall *hall, const struct hall_file *file, hall_progress_fn *progress, hall_fn *done, void *ctx)
{
	static const struct call_ops ops = { .start = download_start, .free = download_free };
	struct download *download = call_new(hall, sizeof *download, &ops, done, ctx);
	if (download == NULL)
		return NULL;
	download->progress = progress;
	download->fd = download->folder_fd = -1;
	download->size = file->size;
	download->replace = file->replace;
	download->call.method = "GET";
	download->call.repeatable = true;
	snprintf(download->folder, sizeof download->folder, "%s", file->folder);
	snprintf(download->name, sizeof download->name, "%s", file->name);
	snprintf(download->part, sizeof download->part, "%s.part", file->name);
	snprintf(download->sha256, sizeof download->sha256, "%s", file->sha256);
	snprintf(download->magic, sizeof download->magic, "%s", file->magic != NULL ? file->magic : "");
	snprintf(download->call.path, sizeof download->call.path, "%s", file->path);
	if (file->grant != NULL && secret_set(&download->call.grant, file->grant, strlen(file->grant)) != 0) {
		call_free(&download->call);
		return NULL;
	}
	return &download->call;
}
