/* The hall's components: the signed list, and one of them fetched into the data folder. */
#include "hall/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <certhall/file.h>
#include <certhall/pki.h>

enum { PACKAGE_MAX = 512 * 1024 * 1024 };

/* ---- the list ---- */

struct listing {
	struct hall_call call;
};

/* What is for this machine, of a list that was checked. */
static void keep_ours(struct package_list *list)
{
	struct utsname us;
	size_t kept = 0;
	if (uname(&us) != 0)
		return;
	for (size_t i = 0; i < list->packages_count; i++) {
		const struct package *package = &list->packages[i];
		if (strcasecmp(package->os, us.sysname) == 0 && strcmp(package->arch, us.machine) == 0)
			list->packages[kept++] = *package;
	}
	list->packages_count = kept;
}

static int read_list(const struct hall *hall, const struct signed_packages *packages, struct package_list *list, struct error *err)
{
	struct bytes signer = { 0 };
	size_t count = 0;
	if (hall->settings->signer_file[0] == '\0')
		return error_set(err, ERR_CONFIG, "components.signer", "not set");
	int code = cert_file_read(hall->settings->signer_file, &signer, 1, &count, err);
	if (code != 0)
		return code;
	code = cms_verify_detached(packages->signature.data, packages->signature.len, signer.data, signer.len,
		packages->manifest.data, packages->manifest.len, hall_now(hall), err);
	bytes_free(&signer);
	if (code == 0)
		code = codec_parse(package_list_codec, (const char *)packages->manifest.data, packages->manifest.len, list, err);
	if (code != 0)
		return code;
	keep_ours(list);
	return list->packages_count > 0 ? 0 : error_set(err, ERR_PACKAGE_NONE, NULL, "none for this machine");
}

static void on_list(void *ctx, const struct error *err, long status, bool sent)
{
	struct hall_call *call = ctx;
	call->transfer = NULL;
	if (err != NULL && call_retry(call, err, sent))
		return;
	struct error problem = { 0 };
	struct signed_packages packages = { 0 };
	struct package_list *list = calloc(1, sizeof *list);
	int code = 0;
	if (err != NULL) {
		problem = *err;
		code = (int)err->code;
	} else if (status != 200) {
		call_problem(call, status, &problem);
		code = (int)problem.code;
	} else if (list == NULL) {
		code = error_set(&problem, ERR_NO_MEMORY, NULL, "list");
	} else if (codec_parse(signed_packages_codec, (const char *)call->answer.data, call->answer.len, &packages, &problem) != 0) {
		problem.code = ERR_NET_PROTOCOL;
		code = ERR_NET_PROTOCOL;
	} else {
		code = read_list(call->hall, &packages, list, &problem);
	}
	call_finish(call, code != 0 ? &problem : NULL, code != 0 ? NULL : list);
	codec_free(signed_packages_codec, &packages);
	free(list);
}

static void list_start(struct hall_call *call)
{
	struct error err;
	if (call_send(call, "application/json, application/problem+json", on_list, &err) != 0)
		call_finish(call, &err, NULL);
}

struct hall_call *hall_get_packages(struct hall *hall, hall_fn *done, void *ctx)
{
	static const struct call_ops ops = { .start = list_start };
	struct hall_call *call = call_new(hall, sizeof(struct listing), &ops, done, ctx);
	if (call == NULL)
		return NULL;
	call->method = "GET";
	call->repeatable = true;
	snprintf(call->path, sizeof call->path, "/v1/packages");
	return call;
}

/* ---- one file ---- */

struct download {
	struct hall_call call;
	struct package package;
	hall_progress_fn *progress;
	struct loop_timer *progress_timer;
	char folder[FILE_PATH_MAX], part[128];
	int folder_fd, fd;
	int64_t got;
	long status;
};

static void tell_progress(void *ctx)
{
	struct download *download = ctx;
	download->progress(download->call.ctx, download->got, download->package.size);
}

static void file_failed(struct download *download)
{
	call_fail(&download->call, ERR_FILE, download->folder, strerror(errno));
}

/* The hash over the whole file, of which a part may be from an earlier try. */
static bool is_genuine(int fd, const struct package *package)
{
	struct stat about;
	if (fstat(fd, &about) != 0 || about.st_size != package->size || package->size == 0)
		return false;
	void *map = mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return false;
	uint8_t hash[PKI_SHA256];
	char hex[2 * PKI_SHA256 + 1];
	pki_sha256(map, (size_t)about.st_size, hash);
	munmap(map, (size_t)about.st_size);
	return strcmp(hex_encode(hash, sizeof hash, hex), package->sha256) == 0;
}

static void finish_download(struct download *download)
{
	const char *file = download->package.file;
	if (!is_genuine(download->fd, &download->package)) {
		unlinkat(download->folder_fd, download->part, 0);
		call_fail(&download->call, ERR_PACKAGE_HASH, NULL, file);
		return;
	}
	if (fsync(download->fd) != 0 || renameat(download->folder_fd, download->part, download->folder_fd, file) != 0
		|| fsync(download->folder_fd) != 0) {
		file_failed(download);
		return;
	}
	char path[FILE_PATH_MAX + 128];
	snprintf(path, sizeof path, "%s/%s", download->folder, file);
	call_finish(&download->call, NULL, path);
}

static void on_head(void *ctx, long status, const char *type)
{
	struct download *download = ctx;
	download->status = status;
	snprintf(download->call.type, sizeof download->call.type, "%s", type);
	if (status == 200 && download->got > 0) { /* the whole of it, from the start */
		download->got = 0;
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
	if (download->got + (int64_t)len > download->package.size)
		return ERR_PACKAGE_HASH;
	for (size_t done = 0; done < len;) {
		ssize_t n = pwrite(download->fd, (const char *)data + done, len - done, download->got);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return ERR_FILE;
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
	if (err != NULL && call_retry(call, err, sent))
		return;
	if (err != NULL && err->code == ERR_PACKAGE_HASH)
		unlinkat(download->folder_fd, download->part, 0);
	if (err != NULL && err->code == ERR_FILE) {
		call_fail(call, ERR_FILE, download->folder, err->detail);
	} else if (err != NULL) {
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

static int open_part(struct download *download)
{
	if (download->fd >= 0)
		return 0;
	struct error err;
	if (file_make_folder(download->folder, &err) != 0)
		return -1;
	download->folder_fd = open(download->folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (download->folder_fd < 0)
		return -1;
	download->fd = openat(download->folder_fd, download->part, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	struct stat about;
	if (download->fd < 0 || fstat(download->fd, &about) != 0)
		return -1;
	if (!S_ISREG(about.st_mode) || about.st_size > download->package.size)
		return ftruncate(download->fd, 0);
	download->got = about.st_size;
	return 0;
}

static bool package_ok(const struct package *package)
{
	return call_name_ok(package->id) && call_name_ok(package->version) && call_name_ok(package->file)
		&& package->size > 0 && package->size <= PACKAGE_MAX && strlen(package->sha256) == 64;
}

static void download_start(struct hall_call *call)
{
	struct download *download = (struct download *)call;
	if (!package_ok(&download->package)) {
		call_fail(call, ERR_PACKAGE_SIGNATURE, NULL, "a name or size that cannot be");
		return;
	}
	if (open_part(download) != 0) {
		file_failed(download);
		return;
	}
	if (download->got == download->package.size) {
		finish_download(download);
		return;
	}
	char range[64];
	struct error err;
	snprintf(range, sizeof range, "Range: bytes=%lld-", (long long)download->got);
	bytes_drop(&call->answer, call->answer.len);
	call->tries++;
	const struct transfer_request request = { .method = "GET", .path = call->path, .accept = "application/octet-stream",
		.header = download->got > 0 ? range : NULL, .token = &call->hall->token, .endless = true,
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

struct hall_call *hall_download_package(struct hall *hall, const struct package *package, hall_progress_fn *progress,
	hall_fn *done, void *ctx)
{
	static const struct call_ops ops = { .start = download_start, .free = download_free };
	struct download *download = call_new(hall, sizeof *download, &ops, done, ctx);
	if (download == NULL)
		return NULL;
	download->package = *package;
	download->progress = progress;
	download->fd = download->folder_fd = -1;
	download->call.method = "GET";
	download->call.repeatable = true;
	char folder[160];
	snprintf(folder, sizeof folder, "components/%s-%s", package->id, package->version);
	file_data_path(folder, download->folder, sizeof download->folder);
	snprintf(download->part, sizeof download->part, "%s.part", package->file);
	snprintf(download->call.path, sizeof download->call.path, "/v1/packages/%s/content", package->id);
	return &download->call;
}
