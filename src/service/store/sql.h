/* The database as the service sees it: one connection a thread, prepared statements, bound values, short transactions.
 * The SQL text is kept to what SQLite and PostgreSQL share. Nothing of the driver shows.
 *
 *	struct sql_stmt *q = sql_prepare(db, "SELECT state FROM orders WHERE number = ?", err);
 *	sql_text(q, number);
 *	if (sql_row(q)) state = sql_get_int(q, 0);
 *	rc = sql_done(q, err);
 *
 * Values are bound and read in their order. A failure anywhere on the way is kept and told by sql_done; sql_prepare never
 * gives NULL. Statements stay prepared; one text may not be used again before its sql_done.
 */
#ifndef SERVICE_STORE_SQL_H
#define SERVICE_STORE_SQL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <certhall/bytes.h>
#include <certhall/error.h>

struct sql;
struct sql_stmt;

/* Opens the database at path, makes it (0600) when it is missing, and brings its schema up to date. One struct sql may be
 * used by one thread at a time. ERR_FILE. */
int sql_open(const char *path, struct sql **out, struct error *err) CH_MUST_CHECK;
void sql_close(struct sql **db);

struct sql_stmt *sql_prepare(struct sql *db, const char *text);
void sql_int(struct sql_stmt *q, int64_t value);
void sql_text(struct sql_stmt *q, const char *value);
void sql_blob(struct sql_stmt *q, const void *data, size_t len); /* data NULL: SQL NULL */

/* The next row; false at the end and on failure. */
bool sql_row(struct sql_stmt *q);
int64_t sql_get_int(struct sql_stmt *q, int column);
bool sql_get_null(struct sql_stmt *q, int column);
/* Copies, cut at size; empty for NULL. Returns out. */
char *sql_get_text(struct sql_stmt *q, int column, char *out, size_t size);
void sql_get_blob(struct sql_stmt *q, int column, struct bytes *out); /* replaces what out held */

/* Ends the statement: 0, ERR_STORAGE (the disk, a damaged database), ERR_NET_OVERLOADED (another process writes),
 * ERR_ORDER_STATE (a UNIQUE constraint was in the way), ERR_NO_MEMORY or ERR_FILE (else). A statement that gives no rows is run
 * by it. */
int sql_done(struct sql_stmt *q, struct error *err) CH_MUST_CHECK;
/* The same; *changed gets the number of rows it touched. */
int sql_changed(struct sql_stmt *q, int64_t *changed, struct error *err) CH_MUST_CHECK;

/* A transaction that writes: BEGIN IMMEDIATE; one at a time in a process. commit also ends it by taking everything back when
 * rc is not 0, and returns rc or what the commit came to. */
int sql_begin(struct sql *db, struct error *err) CH_MUST_CHECK;
int sql_commit(struct sql *db, int rc, struct error *err) CH_MUST_CHECK;
/* How it stands, of this process: seen by what failed. Damaged: sql_begin refuses. */
enum sql_health { SQL_GOOD, SQL_UNWRITABLE, SQL_DAMAGED };
enum sql_health sql_health(void);
/* What was seen of it now; damage stays until somebody has looked. The log tells each change once. */
void sql_health_is(enum sql_health now, const char *why);
#define SQL_DAMAGED_WORDS "the database is damaged, restore the last backup (certhalld restore)"
/* Writes a row when it could not be written before, to see whether it can again. */
void sql_probe(struct sql *db, int64_t now);
/* At the start of serving: every page of a small one, of a large one what stands at its beginning. ERR_STORAGE. */
int sql_check(struct sql *db, struct error *err) CH_MUST_CHECK;

bool sql_in_transaction(const struct sql *db);

/* Steps from one version of the schema to the next; NULL ends it. Version n is reached by running the first n. */
extern const char *const sql_schema[];

#endif
