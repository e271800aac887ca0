#include "bank/ledger_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <certhall/clock.h>

/* A day's statement. A last line with counts and sums tells a whole file from one that was cut. */

struct total {
	int64_t count, sum;
};

static int add_rows(sqlite3_stmt *stmt, const char *kind, struct total *total, struct bytes *out)
{
	char line[512], when[24];
	int rc = stmt != NULL ? 0 : ERR_FILE, step = SQLITE_DONE;
	while (rc == 0 && (step = sqlite3_step(stmt)) == SQLITE_ROW) {
		int64_t amount = sqlite3_column_int64(stmt, 3);
		int len = snprintf(line, sizeof line, "%s,%s,%s,%s,%" PRId64 ",%s\n", kind, (const char *)sqlite3_column_text(stmt, 0),
			(const char *)sqlite3_column_text(stmt, 1), (const char *)sqlite3_column_text(stmt, 2), amount,
			clock_date_time(sqlite3_column_int64(stmt, 4), when, sizeof when));
		rc = bytes_append(out, line, (size_t)len);
		total->count++;
		total->sum += amount;
	}
	sqlite3_finalize(stmt);
	return rc == 0 && step != SQLITE_DONE ? ERR_FILE : rc;
}

int ledger_statement(struct ledger *ledger, const char *date, int64_t from, int64_t to, struct bytes *out)
{
	char line[128];
	struct total paid = { 0 }, given = { 0 };
	int len = snprintf(line, sizeof line, "statement,1,%s\nkind,bill_no,transaction,refund_no,amount_fen,moment\n", date);
	int rc = bytes_append(out, line, (size_t)len);
	if (rc == 0)
		rc = add_rows(ledger_query(ledger, "SELECT bill_no,txn,'',amount,paid_at FROM payment WHERE paid_at>=? AND paid_at<? ORDER BY paid_at,txn",
			"ii", from, to), "payment", &paid, out);
	if (rc == 0)
		rc = add_rows(ledger_query(ledger, "SELECT bill_no,'',refund_no,amount,created FROM refund WHERE settled AND created>=? AND created<?"
			" ORDER BY created,refund_no", "ii", from, to), "refund", &given, out);
	len = snprintf(line, sizeof line, "total,%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 "\n", paid.count, paid.sum, given.count, given.sum);
	if (rc == 0)
		rc = bytes_append(out, line, (size_t)len);
	return rc == 0 ? bytes_append(out, "", 1) : rc;
}
