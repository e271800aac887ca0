#include "service/store/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include <certhall/fault.h>
#include <certhall/file.h>

#include "service/store/sql.h"

enum { BUSY_MS = 10000 };

static int wrong(struct error *err, const char *path, const char *what, const char *why)
{
	return error_set(err, ERR_FILE, path, "%s %s: %s", what, path, why);
}

static int open_one(const char *path, int flags, sqlite3 **out, struct error *err)
{
	int rc = sqlite3_open_v2(path, out, flags | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc != SQLITE_OK)
		return wrong(err, path, "open", *out != NULL ? sqlite3_errmsg(*out) : "no memory");
	sqlite3_busy_timeout(*out, BUSY_MS);
	return 0;
}

/* Checks every page, and that it is a hall's. */
static int check(sqlite3 *db, const char *path, struct error *err)
{
	sqlite3_stmt *q = NULL;
	bool good = sqlite3_prepare_v2(db, "PRAGMA integrity_check(1)", -1, &q, NULL) == SQLITE_OK && sqlite3_step(q) == SQLITE_ROW
		&& strcmp((const char *)sqlite3_column_text(q, 0), "ok") == 0;
	sqlite3_finalize(q);
	if (!good)
		return error_set(err, ERR_BAD_INPUT, path, "it is damaged, or no database");
	good = sqlite3_prepare_v2(db, "SELECT count(*) FROM orders, (SELECT count(*) FROM bill)", -1, &q, NULL) == SQLITE_OK && sqlite3_step(q) == SQLITE_ROW;
	sqlite3_finalize(q);
	return good ? 0 : error_set(err, ERR_BAD_INPUT, path, "it is no database of a hall");
}

static int copy_pages(sqlite3 *from, const char *from_path, sqlite3 *to, const char *path, struct error *err)
{
	sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
	int rc = backup != NULL ? sqlite3_backup_step(backup, -1) : SQLITE_ERROR; /* all of it in one read: one moment */
	int end = sqlite3_backup_finish(backup);
	if (end == SQLITE_NOTADB || end == SQLITE_CORRUPT)
		return error_set(err, ERR_BAD_INPUT, from_path, "%s", sqlite3_errmsg(to));
	return rc == SQLITE_DONE && end == SQLITE_OK ? 0 : wrong(err, path, "copy to", sqlite3_errmsg(to));
}

static int sync_file(const char *path, struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int rc = fd >= 0 && fsync(fd) == 0 ? 0 : wrong(err, path, "sync", strerror(errno));
	if (fd >= 0)
		close(fd);
	return rc;
}

static int fill(const char *from, const char *part, struct error *err)
{
	sqlite3 *source = NULL, *target = NULL;
	int rc = open_one(from, SQLITE_OPEN_READONLY, &source, err);
	if (rc == 0)
		rc = open_one(part, SQLITE_OPEN_READWRITE, &target, err);
	if (rc == 0)
		rc = copy_pages(source, from, target, part, err);
	if (rc == 0 && sqlite3_exec(target, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL) != SQLITE_OK) /* one file, without a log beside it */
		rc = wrong(err, part, "write", sqlite3_errmsg(target));
	if (rc == 0)
		rc = check(target, part, err);
	sqlite3_close(target);
	sqlite3_close(source);
	return rc == 0 ? sync_file(part, err) : rc;
}

int sql_copy(const char *from, const char *to, struct error *err)
{
	char part[FILE_PATH_MAX];
	if (snprintf(part, sizeof part, "%s.part", to) >= (int)sizeof part)
		return wrong(err, to, "write", "the path is too long");
	if (access(to, F_OK) == 0)
		return error_set(err, ERR_FILE_EXISTS, to, "nothing is written over");
	unlink(part); /* of one that was interrupted */
	int rc = file_create(part, "", 0, err);
	if (rc != 0)
		return rc;
	rc = fill(from, part, err);
	fault_point("database-copied", NULL);
	if (rc == 0 && link(part, to) != 0) /* unlike rename, never over another */
		rc = wrong(err, to, "write", strerror(errno));
	unlink(part);
	return rc == 0 ? file_sync_folder(to, err) : rc;
}

int sql_lock(const char *path, bool alone, int *fd, struct error *err)
{
	char lock[FILE_PATH_MAX];
	if (snprintf(lock, sizeof lock, "%s.lock", path) >= (int)sizeof lock)
		return wrong(err, path, "lock", "the path is too long");
	*fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (*fd < 0)
		return wrong(err, lock, "open", strerror(errno));
	if (flock(*fd, (alone ? LOCK_EX : LOCK_SH) | LOCK_NB) == 0)
		return 0;
	close(*fd);
	*fd = -1;
	return error_set(err, ERR_DATABASE_IN_USE, path, alone ? "locked" : "it is being restored");
}

/* The old one's log is taken into it, so that it can stand aside as one file, and none lies where the new one will stand. */
static int settle(const char *path, const char *aside, struct error *err)
{
	sqlite3 *db = NULL;
	char log[FILE_PATH_MAX], aside_log[FILE_PATH_MAX];
	if (open_one(path, SQLITE_OPEN_READWRITE, &db, NULL) == 0)
		sqlite3_exec(db, "PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL);
	sqlite3_close(db); /* the last one to close removes the log */
	const char *const ends[] = { "-wal", "-shm" };
	for (size_t i = 0; i < 2; i++) { /* of a damaged one that could not be opened */
		snprintf(log, sizeof log, "%s%s", path, ends[i]);
		snprintf(aside_log, sizeof aside_log, "%s%s", aside, ends[i]);
		if (rename(log, aside_log) != 0 && errno != ENOENT)
			return wrong(err, log, "set aside", strerror(errno));
	}
	return 0;
}

int sql_swap(const char *path, const char *by, const char *aside, struct error *err)
{
	bool there = access(path, F_OK) == 0;
	int rc = there ? settle(path, aside, err) : 0;
	fault_point("database-settled", NULL);
	if (rc == 0 && there && link(path, aside) != 0)
		rc = wrong(err, aside, "set aside as", strerror(errno));
	fault_point("database-aside", NULL);
	if (rc == 0 && rename(by, path) != 0)
		rc = wrong(err, path, "replace", strerror(errno));
	fault_point("database-replaced", NULL);
	return rc == 0 ? file_sync_folder(path, err) : rc;
}
