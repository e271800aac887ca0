#include "bank/ledger_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <certhall/log.h>

struct ledger {
	sqlite3 *db;
};

#define PAYMENT_TABLE(name) \
	"CREATE TABLE " name "(bill_no TEXT NOT NULL REFERENCES bill, nth INTEGER NOT NULL, txn TEXT NOT NULL UNIQUE," \
	" wallet TEXT NOT NULL, amount INTEGER NOT NULL, coupon INTEGER NOT NULL, paid_at INTEGER NOT NULL, PRIMARY KEY(bill_no,nth))" \
	" STRICT, WITHOUT ROWID;"

/* Of a ledger from before bills could be paid again. */
static const char again_schema[] =
	"BEGIN; ALTER TABLE payment RENAME TO payment_once;" PAYMENT_TABLE("payment")
	"INSERT INTO payment SELECT bill_no,1,txn,wallet,amount,coupon,paid_at FROM payment_once; DROP TABLE payment_once;"
	"ALTER TABLE notice ADD COLUMN nth INTEGER NOT NULL DEFAULT 1; COMMIT";

static const char schema[] =
	"PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;"
	"CREATE TABLE IF NOT EXISTS bill(bill_no TEXT PRIMARY KEY, bill_date TEXT NOT NULL, qr_id TEXT NOT NULL UNIQUE,"
	" description TEXT NOT NULL, notify_url TEXT NOT NULL, state INTEGER NOT NULL, amount INTEGER NOT NULL CHECK(amount>0),"
	" created INTEGER NOT NULL, expires INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
	PAYMENT_TABLE("IF NOT EXISTS payment")
	"CREATE TABLE IF NOT EXISTS refund(refund_no TEXT PRIMARY KEY, bill_no TEXT NOT NULL REFERENCES bill,"
	" amount INTEGER NOT NULL CHECK(amount>0), created INTEGER NOT NULL, settled INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE INDEX IF NOT EXISTS refund_bill ON refund(bill_no);"
	"CREATE TABLE IF NOT EXISTS notice(id TEXT PRIMARY KEY, bill_no TEXT NOT NULL REFERENCES bill, pending INTEGER NOT NULL,"
	" next_ms INTEGER NOT NULL, tries INTEGER NOT NULL, taken INTEGER NOT NULL, answer TEXT NOT NULL, nth INTEGER NOT NULL DEFAULT 1)"
	" STRICT, WITHOUT ROWID;"
	"CREATE INDEX IF NOT EXISTS notice_pending ON notice(next_ms) WHERE pending;"
	"CREATE TABLE IF NOT EXISTS nonce(nonce TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;";

static const char *const state_names[] = { "UNPAID", "PAID", "CLOSED", "REFUND" };

const char *bill_state_name(enum bill_state state)
{
	return state_names[state];
}

int ledger_open(const char *path, struct ledger **out, struct error *err)
{
	struct ledger *ledger = calloc(1, sizeof *ledger);
	if (ledger == NULL)
		return error_set(err, ERR_NO_MEMORY, "", "ledger");
	mode_t before = umask(077);
	int rc = sqlite3_open_v2(path, &ledger->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc == SQLITE_OK) {
		sqlite3_busy_timeout(ledger->db, 5000);
		rc = sqlite3_exec(ledger->db, schema, NULL, NULL, NULL);
		if (rc == SQLITE_OK && sqlite3_exec(ledger->db, "SELECT nth FROM payment", NULL, NULL, NULL) != SQLITE_OK)
			rc = sqlite3_exec(ledger->db, again_schema, NULL, NULL, NULL);
	}
	umask(before);
	if (rc != SQLITE_OK) {
		error_set(err, ERR_FILE, path, "%s", sqlite3_errmsg(ledger->db));
		ledger_close(&ledger);
		return ERR_FILE;
	}
	*out = ledger;
	return 0;
}

void ledger_close(struct ledger **ledger)
{
	if (*ledger == NULL)
		return;
	sqlite3_close(((*ledger)->db));
	free(*ledger);
	*ledger = NULL;
}

/* types: 't' const char *, 'i' int64_t; one for each parameter of sql. */
static sqlite3_stmt *prepare(struct ledger *ledger, const char *sql, const char *types, va_list args)
{
	sqlite3_stmt *stmt = NULL;
	if (sqlite3_prepare_v2(ledger->db, sql, -1, &stmt, NULL) != SQLITE_OK) {
		log_line(LOG_LEVEL_ERROR, "ledger", "%s: %s", sql, sqlite3_errmsg(ledger->db));
		return NULL;
	}
	for (int i = 0; types[i] != '\0'; i++)
		if (types[i] == 't')
			sqlite3_bind_text(stmt, i + 1, va_arg(args, const char *), -1, SQLITE_TRANSIENT);
		else
			sqlite3_bind_int64(stmt, i + 1, va_arg(args, int64_t));
	return stmt;
}

sqlite3_stmt *ledger_query(struct ledger *ledger, const char *sql, const char *types, ...)
{
	va_list args;
	va_start(args, types);
	sqlite3_stmt *stmt = prepare(ledger, sql, types, args);
	va_end(args);
	return stmt;
}

/* Runs a statement; true when it changed exactly one row. */
static bool change(struct ledger *ledger, const char *sql, const char *types, ...)
{
	va_list args;
	va_start(args, types);
	sqlite3_stmt *stmt = prepare(ledger, sql, types, args);
	va_end(args);
	if (stmt == NULL)
		return false;
	int rc = sqlite3_step(stmt);
	if (rc != SQLITE_DONE && rc != SQLITE_CONSTRAINT)
		log_line(LOG_LEVEL_ERROR, "ledger", "%s: %s", sql, sqlite3_errmsg(ledger->db));
	sqlite3_finalize(stmt);
	return rc == SQLITE_DONE && sqlite3_changes(ledger->db) == 1;
}

static void begin(struct ledger *ledger)
{
	sqlite3_exec(ledger->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
}

static bool end(struct ledger *ledger, bool ok)
{
	if (ok && sqlite3_exec(ledger->db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK)
		return true;
	sqlite3_exec(ledger->db, "ROLLBACK", NULL, NULL, NULL);
	return false;
}

static void column(sqlite3_stmt *stmt, int i, char *out, size_t size)
{
	snprintf(out, size, "%s", (const char *)sqlite3_column_text(stmt, i));
}

/* Ends a query of at most one row: what its step said. */
static enum found found(sqlite3_stmt *stmt, int rc)
{
	sqlite3_finalize(stmt);
	return rc == SQLITE_ROW ? FOUND : rc == SQLITE_DONE ? NOT_FOUND : FIND_FAILED;
}

#define BILL_SELECT "SELECT bill_no,bill_date,qr_id,description,notify_url,state,amount,created,expires FROM bill WHERE "

static enum found read_bill(sqlite3_stmt *stmt, struct bill *out)
{
	if (stmt == NULL)
		return FIND_FAILED;
	int rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW) {
		column(stmt, 0, out->no, sizeof out->no);
		column(stmt, 1, out->date, sizeof out->date);
		column(stmt, 2, out->qr_id, sizeof out->qr_id);
		column(stmt, 3, out->description, sizeof out->description);
		column(stmt, 4, out->notify_url, sizeof out->notify_url);
		out->state = (enum bill_state)sqlite3_column_int(stmt, 5);
		out->amount = sqlite3_column_int64(stmt, 6);
		out->created = sqlite3_column_int64(stmt, 7);
		out->expires = sqlite3_column_int64(stmt, 8);
	}
	return found(stmt, rc);
}

enum found ledger_bill(struct ledger *ledger, const char *bill_no, struct bill *out)
{
	return read_bill(ledger_query(ledger, BILL_SELECT "bill_no=?", "t", bill_no), out);
}

enum found ledger_bill_by_qr(struct ledger *ledger, const char *qr_id, struct bill *out)
{
	return read_bill(ledger_query(ledger, BILL_SELECT "qr_id=?", "t", qr_id), out);
}

bool ledger_bill_add(struct ledger *ledger, const struct bill *bill)
{
	return change(ledger, "INSERT INTO bill VALUES(?,?,?,?,?,?,?,?,?)", "tttttiiii", bill->no, bill->date, bill->qr_id,
		bill->description, bill->notify_url, (int64_t)bill->state, bill->amount, bill->created, bill->expires);
}

bool ledger_bill_set_state(struct ledger *ledger, const char *bill_no, enum bill_state state)
{
	return change(ledger, "UPDATE bill SET state=? WHERE bill_no=?", "it", (int64_t)state, bill_no);
}

bool ledger_bill_expire(struct ledger *ledger, const char *bill_no, int64_t at)
{
	return change(ledger, "UPDATE bill SET expires=? WHERE bill_no=?", "it", at, bill_no);
}

enum found ledger_payment(struct ledger *ledger, const char *bill_no, int nth, struct bill_payment *out)
{
	sqlite3_stmt *stmt = ledger_query(ledger, "SELECT txn,wallet,amount,coupon,paid_at,nth FROM payment WHERE bill_no=? AND (?=0 OR nth=?)"
		" ORDER BY nth DESC LIMIT 1", "tii", bill_no, (int64_t)nth, (int64_t)nth);
	if (stmt == NULL)
		return FIND_FAILED;
	int rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW) {
		column(stmt, 0, out->transaction, sizeof out->transaction);
		column(stmt, 1, out->wallet, sizeof out->wallet);
		out->amount = sqlite3_column_int64(stmt, 2);
		out->coupon = sqlite3_column_int64(stmt, 3);
		out->paid_at = sqlite3_column_int64(stmt, 4);
		out->nth = sqlite3_column_int(stmt, 5);
	}
	return found(stmt, rc);
}

bool ledger_pay(struct ledger *ledger, const char *bill_no, const struct bill_payment *payment, const char *notice_id)
{
	begin(ledger);
	struct bill_payment before = { 0 };
	int64_t nth = ledger_payment(ledger, bill_no, 0, &before) == FOUND ? before.nth + 1 : 1;
	bool ok = change(ledger, "INSERT INTO payment VALUES(?,?,?,?,?,?,?)", "tittiii", bill_no, nth, payment->transaction,
			  payment->wallet, payment->amount, payment->coupon, payment->paid_at)
		&& ledger_bill_set_state(ledger, bill_no, BILL_PAID)
		&& (notice_id == NULL
			|| change(ledger, "INSERT INTO notice VALUES(?,?,1,0,0,0,'',?)", "tti", notice_id, bill_no, nth));
	return end(ledger, ok);
}

static int64_t sum(sqlite3_stmt *stmt)
{
	if (stmt == NULL)
		return -1;
	int64_t amount = sqlite3_step(stmt) == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : -1;
	sqlite3_finalize(stmt);
	return amount;
}

int64_t ledger_paid(struct ledger *ledger, const char *bill_no)
{
	return sum(ledger_query(ledger, "SELECT coalesce(sum(amount),0) FROM payment WHERE bill_no=?", "t", bill_no));
}

enum found ledger_refund(struct ledger *ledger, const char *refund_no, struct refund *out)
{
	sqlite3_stmt *stmt = ledger_query(ledger, "SELECT refund_no,bill_no,amount,created,settled FROM refund WHERE refund_no=?", "t",
		refund_no);
	if (stmt == NULL)
		return FIND_FAILED;
	int rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW) {
		column(stmt, 0, out->no, sizeof out->no);
		column(stmt, 1, out->bill_no, sizeof out->bill_no);
		out->amount = sqlite3_column_int64(stmt, 2);
		out->created = sqlite3_column_int64(stmt, 3);
		out->settled = sqlite3_column_int(stmt, 4) != 0;
	}
	return found(stmt, rc);
}

bool ledger_refund_add(struct ledger *ledger, const struct refund *refund)
{
	return change(ledger, "INSERT INTO refund VALUES(?,?,?,?,0)", "ttii", refund->no, refund->bill_no, refund->amount,
		refund->created);
}

bool ledger_refund_settle(struct ledger *ledger, const char *refund_no)
{
	begin(ledger);
	bool ok = change(ledger, "UPDATE refund SET settled=1 WHERE refund_no=?", "t", refund_no);
	struct refund refund;
	ok = ok && ledger_refund(ledger, refund_no, &refund) == FOUND;
	if (ok && ledger_refunded(ledger, refund.bill_no, true) == ledger_paid(ledger, refund.bill_no))
		ok = ledger_bill_set_state(ledger, refund.bill_no, BILL_REFUND);
	return end(ledger, ok);
}

int64_t ledger_refunded(struct ledger *ledger, const char *bill_no, bool settled_only)
{
	return sum(ledger_query(ledger, "SELECT coalesce(sum(amount),0) FROM refund WHERE bill_no=? AND settled>=?", "ti", bill_no,
		(int64_t)settled_only));
}

size_t ledger_notices(struct ledger *ledger, struct notice *out, int64_t *due, size_t max, bool newest_first)
{
	sqlite3_stmt *stmt = ledger_query(ledger, newest_first
		? "SELECT n.id,n.bill_no,n.tries,n.taken,n.next_ms,n.nth FROM notice n JOIN payment p ON p.bill_no=n.bill_no AND p.nth=n.nth"
		  " WHERE n.pending ORDER BY n.next_ms, p.paid_at DESC, p.bill_no DESC, p.nth DESC LIMIT ?"
		: "SELECT id,bill_no,tries,taken,next_ms,nth FROM notice WHERE pending ORDER BY next_ms LIMIT ?", "i", (int64_t)max);
	size_t n = 0;
	for (; stmt != NULL && n < max && sqlite3_step(stmt) == SQLITE_ROW; n++) {
		column(stmt, 0, out[n].id, sizeof out[n].id);
		column(stmt, 1, out[n].bill_no, sizeof out[n].bill_no);
		out[n].tries = sqlite3_column_int(stmt, 2);
		out[n].taken = sqlite3_column_int(stmt, 3);
		due[n] = sqlite3_column_int64(stmt, 4);
		out[n].nth = sqlite3_column_int(stmt, 5);
	}
	sqlite3_finalize(stmt);
	return n;
}

bool ledger_notice_result(struct ledger *ledger, const struct notice *notice, bool pending, int64_t next_ms, const char *answer)
{
	return change(ledger, "UPDATE notice SET pending=?,next_ms=?,tries=?,taken=?,answer=? WHERE id=?", "iiiitt", (int64_t)pending,
		next_ms, (int64_t)notice->tries, (int64_t)notice->taken, answer, notice->id);
}

bool ledger_nonce(struct ledger *ledger, const char *nonce, int64_t now, int64_t since)
{
	sqlite3_stmt *stmt = ledger_query(ledger, "DELETE FROM nonce WHERE at<?", "i", since);
	if (stmt == NULL)
		return false;
	sqlite3_step(stmt);
	sqlite3_finalize(stmt);
	return change(ledger, "INSERT INTO nonce VALUES(?,?)", "ti", nonce, now);
}

static json_object *rows(struct ledger *ledger, const char *sql)
{
	json_object *list = json_object_new_array();
	sqlite3_stmt *stmt = ledger_query(ledger, sql, "");
	while (stmt != NULL && sqlite3_step(stmt) == SQLITE_ROW) {
		json_object *row = json_object_new_object();
		for (int i = 0; i < sqlite3_column_count(stmt); i++)
			json_object_object_add(row, sqlite3_column_name(stmt, i),
				sqlite3_column_type(stmt, i) == SQLITE_INTEGER
					? json_object_new_int64(sqlite3_column_int64(stmt, i))
					: json_object_new_string((const char *)sqlite3_column_text(stmt, i)));
		json_object_array_add(list, row);
	}
	sqlite3_finalize(stmt);
	return list;
}

json_object *ledger_json(struct ledger *ledger)
{
	json_object *all = json_object_new_object();
	json_object_object_add(all, "bills", rows(ledger,
		"SELECT bill_no,bill_date,qr_id,description,notify_url,amount,created,expires,"
		" CASE state WHEN 0 THEN 'UNPAID' WHEN 1 THEN 'PAID' WHEN 2 THEN 'CLOSED' ELSE 'REFUND' END AS state FROM bill"
		" ORDER BY created,bill_no"));
	json_object_object_add(all, "payments", rows(ledger, "SELECT bill_no,nth,txn,wallet,amount,coupon,paid_at FROM payment ORDER BY paid_at,txn"));
	json_object_object_add(all, "refunds", rows(ledger, "SELECT refund_no,bill_no,amount,created,settled FROM refund ORDER BY created,refund_no"));
	json_object_object_add(all, "notifications",
		rows(ledger, "SELECT id,bill_no,pending,next_ms,tries,taken,answer FROM notice ORDER BY id"));
	return all;
}
