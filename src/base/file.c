#include <certhall/file.h>

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int failed(struct error *err, const char *what, const char *path)
{
	return error_set(err, ERR_FILE, path, "%s %s: %s", what, path, strerror(errno));
}

int file_read(const char *path, size_t max, struct bytes *out, struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return failed(err, "open", path);
	out->len = 0;
	char block[16384];
	for (;;) {
		ssize_t n = read(fd, block, sizeof block);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			int rc = failed(err, "read", path);
			close(fd);
			return rc;
		}
		if (n == 0)
			break;
		int rc = out->len + (size_t)n > max ? ERR_TOO_LARGE : bytes_append(out, block, (size_t)n);
		if (rc != 0) {
			close(fd);
			return error_set(err, (enum error_code)rc, path, "%s is larger than %zu bytes", path, max);
		}
	}
	close(fd);
	return out->data != NULL ? 0 : bytes_append(out, "", 0);
}

static int write_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		data += n;
		len -= (size_t)n;
	}
	return fsync(fd);
}

int file_create(const char *path, const void *data, size_t len, struct error *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return failed(err, "create", path);
	if (write_all(fd, data, len) != 0) {
		int rc = failed(err, "write", path);
		close(fd);
		unlink(path);
		return rc;
	}
	return close(fd) == 0 ? 0 : failed(err, "close", path);
}

static int sync_folder_of(const char *path)
{
	char copy[FILE_PATH_MAX];
	snprintf(copy, sizeof copy, "%s", path);
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	int rc = fsync(fd);
	close(fd);
	return rc;
}

int file_replace(const char *path, const void *data, size_t len, struct error *err)
{
	char beside[FILE_PATH_MAX];
	if (snprintf(beside, sizeof beside, "%s.%ld.new", path, (long)getpid()) >= (int)sizeof beside)
		return error_set(err, ERR_FILE, path, "path too long");
	unlink(beside); /* left by a process of this number that died here */
	int rc = file_create(beside, data, len, err);
	if (rc != 0)
		return rc;
	if (rename(beside, path) != 0 || sync_folder_of(path) != 0) {
		rc = failed(err, "rename", path);
		unlink(beside);
	}
	return rc;
}

int file_sync_folder(const char *path, struct error *err)
{
	return sync_folder_of(path) == 0 ? 0 : failed(err, "sync the folder of", path);
}

int file_make_folder(const char *path, struct error *err)
{
	char part[FILE_PATH_MAX];
	if (snprintf(part, sizeof part, "%s", path) >= (int)sizeof part)
		return error_set(err, ERR_FILE, path, "path too long");
	for (char *p = part + 1;; p++) {
		if (*p != '/' && *p != '\0')
			continue;
		char end = *p;
		*p = '\0';
		if (mkdir(part, 0700) != 0 && errno != EEXIST)
			return failed(err, "mkdir", part);
		if (end == '\0')
			return 0;
		*p = end;
	}
}

static char *xdg_path(const char *variable, const char *fallback, const char *name, char *out, size_t size)
{
	const char *base = getenv(variable), *home = getenv("HOME");
	if (home == NULL || *home != '/') {
		const struct passwd *pw = getpwuid(getuid());
		home = pw != NULL ? pw->pw_dir : "";
	}
	int n;
	if (base != NULL && *base == '/') /* a relative one is to be ignored, says the specification */
		n = snprintf(out, size, "%s/certhall%s%s", base, name != NULL ? "/" : "", name != NULL ? name : "");
	else
		n = snprintf(out, size, "%s/%s/certhall%s%s", home, fallback, name != NULL ? "/" : "", name != NULL ? name : "");
	if (n < 0 || (size_t)n >= size)
		*out = '\0';
	return out;
}

char *file_data_path(const char *name, char *out, size_t size)
{
	return xdg_path("XDG_DATA_HOME", ".local/share", name, out, size);
}

char *file_config_path(const char *name, char *out, size_t size)
{
	return xdg_path("XDG_CONFIG_HOME", ".config", name, out, size);
}

char *file_state_path(const char *name, char *out, size_t size)
{
	return xdg_path("XDG_STATE_HOME", ".local/state", name, out, size);
}

char *file_installed_path(const char *name, char *out, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", out, size);
	const char *slash = n > 0 && (size_t)n < size ? memrchr(out, '/', (size_t)n) : NULL;
	size_t folder = slash != NULL ? (size_t)(slash + 1 - out) : 0;
	if (slash != NULL && folder + strlen(name) < size) {
		strcpy(out + folder, name);
		if (access(out, X_OK) == 0)
			return out;
	}
	if (snprintf(out, size, "%s/%s", PKGDATADIR, name) >= (int)size)
		*out = '\0';
	return out;
}
