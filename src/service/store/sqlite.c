#include "service/store/sql.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sqlite3.h>

#include <certhall/fault.h>

enum { BUSY_MS = 5000 };

struct sql_stmt {
	struct sql_stmt *next;
	struct sql *db;
	char *text;
	sqlite3_stmt *handle; /* NULL: preparing failed */
	int rc;               /* first failure, or SQLITE_ROW / SQLITE_DONE */
	int bound;
	bool busy;
};

struct sql {
	sqlite3 *handle;
	struct sql_stmt *statements;
	struct sql_stmt none; /* stands in when memory is short */
	bool in_transaction;
	int changes; /* at the beginning of the transaction */
};

/* SQLite lets one connection write and makes the others poll; taking turns here is fair and costs nothing. */
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

static int failed(const struct sql *db, int rc, const char *what, struct error *err)
{
	const char *why = db->handle != NULL ? sqlite3_errmsg(db->handle) : sqlite3_errstr(rc);
	switch (rc & 0xff) {
	case SQLITE_NOMEM:
		return error_set(err, ERR_NO_MEMORY, NULL, "sql: %s", why);
	case SQLITE_CONSTRAINT:
		return error_set(err, ERR_ORDER_STATE, NULL, "sql: %s: %s", what, why);
	case SQLITE_BUSY:
		return error_set(err, ERR_NET_OVERLOADED, NULL, "sql: another process holds the database");
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		sql_health_is(SQL_DAMAGED, why);
		return error_set(err, ERR_STORAGE, NULL, SQL_DAMAGED_WORDS ": %s", why);
	case SQLITE_FULL:
	case SQLITE_IOERR:
	case SQLITE_READONLY:
	case SQLITE_CANTOPEN:
		sql_health_is(SQL_UNWRITABLE, why);
		return error_set(err, ERR_STORAGE, NULL, "the database cannot be written: %s (%d)", why, rc);
	default:
		return error_set(err, ERR_FILE, "database", "sql: %s: %s (%d)", what, why, rc);
	}
}

static int run(struct sql *db, const char *text, struct error *err)
{
	int rc = sqlite3_exec(db->handle, text, NULL, NULL, NULL);
	return rc == SQLITE_OK ? 0 : failed(db, rc, "exec", err);
}

static int version_of(struct sql *db, int64_t *version, struct error *err)
{
	struct sql_stmt *q = sql_prepare(db, "PRAGMA user_version");
	*version = sql_row(q) ? sql_get_int(q, 0) : 0;
	return sql_done(q, err);
}

static int migrate(struct sql *db, struct error *err)
{
	int64_t version, known = 0;
	while (sql_schema[known] != NULL)
		known++;
	int rc = version_of(db, &version, err);
	if (rc != 0 || version == known)
		return rc;
	rc = sql_begin(db, err);
	if (rc != 0)
		return rc;
	rc = version_of(db, &version, err); /* another process may have been faster */
	if (rc == 0 && version > known)
		rc = error_set(err, ERR_FILE, "database", "schema %lld is newer than this program", (long long)version);
	for (; rc == 0 && version < known; version++) {
		char set[48];
		snprintf(set, sizeof set, "PRAGMA user_version = %d", (int)version + 1);
		rc = run(db, sql_schema[version], err);
		if (rc == 0)
			rc = run(db, set, err);
	}
	return sql_commit(db, rc, err);
}

/* Made here so that only its owner can read it. One that is there is not opened: closing it would take away the locks that
 * this process holds on it (fcntl(2)), and others would then write over what it writes. */
static int make_file(const char *path, struct error *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd >= 0)
		close(fd);
	return fd >= 0 || errno == EEXIST ? 0 : error_set(err, ERR_FILE, path, "make %s: %s", path, strerror(errno));
}

int sql_open(const char *path, struct sql **out, struct error *err)
{
	*out = NULL;
	int rc = make_file(path, err);
	if (rc != 0)
		return rc;
	struct sql *db = calloc(1, sizeof *db);
	if (db == NULL)
		return error_set(err, ERR_NO_MEMORY, NULL, "sql");
	db->none.db = db;
	rc = sqlite3_open_v2(path, &db->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
	rc = rc == SQLITE_OK ? 0 : failed(db, rc, path, err);
	if (rc == 0) {
		sqlite3_busy_timeout(db->handle, BUSY_MS);
		rc = run(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
			     "PRAGMA trusted_schema = OFF", err);
	}
	if (rc == 0)
		rc = migrate(db, err);
	if (rc != 0)
		sql_close(&db);
	*out = db;
	return rc;
}

void sql_close(struct sql **db_ref)
{
	struct sql *db = *db_ref;
	*db_ref = NULL;
	if (db == NULL)
		return;
	while (db->statements != NULL) {
		struct sql_stmt *q = db->statements;
		db->statements = q->next;
		sqlite3_finalize(q->handle);
		free(q->text);
		free(q);
	}
	sqlite3_close(db->handle);
	free(db);
}

static struct sql_stmt *remember(struct sql *db, const char *text)
{
	struct sql_stmt *q = calloc(1, sizeof *q);
	char *copy = strdup(text);
	if (q == NULL || copy == NULL) {
		free(q);
		free(copy);
		db->none.rc = SQLITE_NOMEM;
		return &db->none;
	}
	q->db = db;
	q->text = copy;
	q->next = db->statements;
	db->statements = q;
	return q;
}

struct sql_stmt *sql_prepare(struct sql *db, const char *text)
{
	struct sql_stmt *q = db->statements;
	while (q != NULL && (q->busy || strcmp(q->text, text) != 0))
		q = q->next;
	if (q == NULL)
		q = remember(db, text);
	if (q == &db->none)
		return q;
	q->rc = SQLITE_OK;
	q->bound = 0;
	q->busy = true;
	if (q->handle == NULL)
		q->rc = sqlite3_prepare_v3(db->handle, text, -1, SQLITE_PREPARE_PERSISTENT, &q->handle, NULL);
	return q;
}

static void keep(struct sql_stmt *q, int rc)
{
	if (q->rc == SQLITE_OK && rc != SQLITE_OK)
		q->rc = rc;
}

void sql_int(struct sql_stmt *q, int64_t value)
{
	if (q->rc == SQLITE_OK)
		keep(q, sqlite3_bind_int64(q->handle, ++q->bound, value));
}

void sql_text(struct sql_stmt *q, const char *value)
{
	if (q->rc == SQLITE_OK)
		keep(q, sqlite3_bind_text(q->handle, ++q->bound, value, -1, SQLITE_TRANSIENT));
}

void sql_blob(struct sql_stmt *q, const void *data, size_t len)
{
	if (q->rc == SQLITE_OK)
		keep(q, sqlite3_bind_blob64(q->handle, ++q->bound, data, len, SQLITE_TRANSIENT));
}

bool sql_row(struct sql_stmt *q)
{
	if (q->rc != SQLITE_OK && q->rc != SQLITE_ROW)
		return false;
	q->rc = sqlite3_step(q->handle);
	return q->rc == SQLITE_ROW;
}

int64_t sql_get_int(struct sql_stmt *q, int column)
{
	return sqlite3_column_int64(q->handle, column);
}

bool sql_get_null(struct sql_stmt *q, int column)
{
	return sqlite3_column_type(q->handle, column) == SQLITE_NULL;
}

char *sql_get_text(struct sql_stmt *q, int column, char *out, size_t size)
{
	const char *text = (const char *)sqlite3_column_text(q->handle, column);
	snprintf(out, size, "%s", text != NULL ? text : "");
	return out;
}

void sql_get_blob(struct sql_stmt *q, int column, struct bytes *out)
{
	const void *data = sqlite3_column_blob(q->handle, column);
	size_t len = (size_t)sqlite3_column_bytes(q->handle, column);
	if (bytes_set(out, data != NULL ? data : "", len) != 0)
		q->rc = SQLITE_NOMEM;
}

int sql_changed(struct sql_stmt *q, int64_t *changed, struct error *err)
{
	if (q->rc == SQLITE_OK)
		q->rc = sqlite3_step(q->handle);
	int rc = q->rc == SQLITE_DONE || q->rc == SQLITE_ROW ? 0 : failed(q->db, q->rc, q->text != NULL ? q->text : "prepare", err);
	*changed = rc == 0 ? sqlite3_changes(q->db->handle) : 0;
	if (q->handle != NULL) {
		sqlite3_reset(q->handle);
		sqlite3_clear_bindings(q->handle);
	}
	q->busy = false;
	return rc;
}

int sql_done(struct sql_stmt *q, struct error *err)
{
	int64_t ignored;
	return sql_changed(q, &ignored, err);
}

int sql_begin(struct sql *db, struct error *err)
{
	struct timespec until;
	if (sql_health() == SQL_DAMAGED)
		return error_set(err, ERR_STORAGE, NULL, "the database is damaged");
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += BUSY_MS / 1000;
	if (pthread_mutex_clocklock(&turn, CLOCK_MONOTONIC, &until) != 0)
		return error_set(err, ERR_NET_OVERLOADED, NULL, "sql: no turn to write");
	int rc = run(db, "BEGIN IMMEDIATE", err);
	if (rc != 0) {
		pthread_mutex_unlock(&turn);
		return rc;
	}
	db->in_transaction = true;
	db->changes = sqlite3_total_changes(db->handle);
	return 0;
}

int sql_commit(struct sql *db, int rc, struct error *err)
{
	if (fault_point("before-commit", NULL) && rc == 0)
		rc = error_set(err, ERR_FILE, "database", "fault");
	if (rc == 0)
		rc = run(db, "COMMIT", err);
	if (rc == 0 && sql_health() == SQL_UNWRITABLE && sqlite3_total_changes(db->handle) != db->changes)
		sql_health_is(SQL_GOOD, "a row was");
	if (rc != 0)
		sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL); /* may have been taken back already */
	db->in_transaction = false;
	pthread_mutex_unlock(&turn);
	return fault_point("after-commit", NULL) && rc == 0 ? error_set(err, ERR_FILE, "database", "fault") : rc;
}

bool sql_in_transaction(const struct sql *db)
{
	return db->in_transaction;
}
