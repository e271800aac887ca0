#include <stdatomic.h>
#include <string.h>

#include <certhall/log.h>

#include "service/store/sql.h"

enum { SMALL_PAGES = 16384 /* 64 MiB: checked in a moment */ };

static atomic_int health = SQL_GOOD;

enum sql_health sql_health(void)
{
	return (enum sql_health)atomic_load(&health);
}

void sql_health_is(enum sql_health now, const char *why)
{
	static const char *const words[] = { [SQL_GOOD] = "can be written again",
		[SQL_UNWRITABLE] = "cannot be written: nothing is signed or billed until it can",
		[SQL_DAMAGED] = "damaged: nothing more is written; restore the last backup" };
	int before = atomic_load(&health);
	while (before != (int)now && before != SQL_DAMAGED)
		if (atomic_compare_exchange_weak(&health, &before, now)) {
			log_line(now == SQL_GOOD ? LOG_LEVEL_WARN : LOG_LEVEL_ERROR, "database", "%s (%s)", words[now], why);
			return;
		}
}

void sql_probe(struct sql *db, int64_t now)
{
	if (sql_health() != SQL_UNWRITABLE || sql_begin(db, NULL) != 0)
		return;
	struct sql_stmt *q = sql_prepare(db,
		"INSERT INTO setting (name, value) VALUES ('probe', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value");
	sql_int(q, now);
	int rc = sql_done(q, NULL);
	rc = sql_commit(db, rc, NULL);
	(void)rc; /* told by the health */
}

int sql_check(struct sql *db, struct error *err)
{
	char said[256] = "ok";
	struct sql_stmt *q = sql_prepare(db, "SELECT page_count FROM pragma_page_count()");
	bool small = sql_row(q) && sql_get_int(q, 0) < SMALL_PAGES;
	int rc = sql_done(q, err);
	if (rc != 0 || !small)
		return rc;
	q = sql_prepare(db, "PRAGMA quick_check(1)");
	if (sql_row(q))
		sql_get_text(q, 0, said, sizeof said);
	rc = sql_done(q, err);
	if (rc != 0 || strcmp(said, "ok") == 0)
		return rc;
	sql_health_is(SQL_DAMAGED, said);
	return error_set(err, ERR_STORAGE, NULL, SQL_DAMAGED_WORDS ": %s", said);
}
