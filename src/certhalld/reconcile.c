#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <certhall/clock.h>
#include <certhall/i18n.h>
#include <certhall/text.h>

#include "certhalld/certhalld.h"
#include "certhalld/statement.h"
#include "service/bill.h"

/* A day's statement beside the books. What lies close to midnight may stand on the neighbouring day's statement (日切). */

enum { DAY = 86400, DATE_LINE = 1800, STATEMENT_MAX = 64 << 20 };

enum difference { LONG, SHORT, ONE_SIDED, AMOUNT, OTHER_DAY, AT_DATE_LINE, KINDS };

struct comparison {
	struct hall *hall;
	struct statement statement;
	int64_t from, to; /* the day */
	int64_t count[KINDS], sum[KINDS], books, books_sum;
	bool ask;
};

/* What the books have of a row. */
struct entry {
	bool found;
	char number[24];
	int64_t amount, at;
	int state;
};

static const char *label(enum difference difference)
{
	const char *const labels[] = { [LONG] = _("only at the bank"), [SHORT] = _("only in the books"), [ONE_SIDED] = _("refund on one side"),
		[AMOUNT] = _("amount differs"), [OTHER_DAY] = _("another day"), [AT_DATE_LINE] = _("at the date line") };
	return labels[difference];
}

static void report(struct comparison *all, enum difference difference, const char *what, const char *number, int64_t amount, int64_t other,
	int64_t at)
{
	char money[24], more[24], when[24];
	all->count[difference]++;
	all->sum[difference] += difference == AMOUNT ? amount - other : amount;
	printf("%-20s %-28s %-15s %10s%s%s  %s\n", label(difference), what, number, money_text(amount, money, sizeof money), difference == AMOUNT ? " / " : "",
		difference == AMOUNT ? money_text(other, more, sizeof more) : "", clock_date_time(at, when, sizeof when));
}

static int find_payment(struct sql *db, const struct statement_row *row, struct entry *out, struct error *err)
{
	struct sql_stmt *q = sql_prepare(db,
		"SELECT number, amount_fen, paid_at, state FROM payment WHERE gateway_transaction = ?"
		" UNION ALL SELECT number, amount_fen, paid_at, state FROM payment WHERE bill_no = ? AND gateway_transaction = ''");
	sql_text(q, row->transaction);
	sql_text(q, row->bill_no);
	out->found = sql_row(q);
	if (out->found) {
		sql_get_text(q, 0, out->number, sizeof out->number);
		out->amount = sql_get_int(q, 1);
		out->at = sql_get_int(q, 2);
		out->state = (int)sql_get_int(q, 3);
	}
	return sql_done(q, err);
}

static int find_refund(struct sql *db, const struct statement_row *row, struct entry *out, struct error *err)
{
	struct sql_stmt *q = sql_prepare(db, "SELECT number, amount_fen, created, state FROM refund WHERE refund_no = ?");
	sql_text(q, row->refund_no);
	out->found = sql_row(q);
	if (out->found) {
		sql_get_text(q, 0, out->number, sizeof out->number);
		out->amount = sql_get_int(q, 1);
		out->at = row->at; /* when it was learned says nothing about when it was made */
		out->state = (int)sql_get_int(q, 3);
	}
	return sql_done(q, err);
}

/* Money that nobody told of is learned now, and does what it would have done. */
static void ask_gateway(struct comparison *all, const struct statement_row *row)
{
	struct bill bill;
	struct error err = { 0 };
	char sentence[512];
	if (bill_load(all->hall->db[0], row->bill_no, &bill, &err) != 0 || bill.attempt == 0)
		return;
	if (bill_ask(all->hall, all->hall->db[0], &bill, clock_now(), &err) != 0)
		printf("  %s\n", error_sentence(&err, sentence, sizeof sentence));
	else
		printf(_("  The gateway was asked, and the order goes on from there.\n"));
}

static int check_row(struct comparison *all, struct statement_row *row, struct error *err)
{
	struct entry entry = { 0 };
	const char *name = row->refund ? row->refund_no : row->bill_no;
	int rc = row->refund ? find_refund(all->hall->db[0], row, &entry, err) : find_payment(all->hall->db[0], row, &entry, err);
	if (rc != 0)
		return rc;
	int64_t apart = llabs((entry.at + 8 * 3600) / DAY - (row->at + 8 * 3600) / DAY);
	bool never = row->refund && entry.found && (entry.state == REFUND_WAITING || entry.state == REFUND_REFUSED);
	if (!entry.found || never)
		report(all, row->refund ? ONE_SIDED : LONG, name, entry.number, row->amount, 0, row->at);
	else if (entry.amount != row->amount)
		report(all, AMOUNT, name, entry.number, row->amount, entry.amount, row->at);
	else if (apart > 1)
		report(all, OTHER_DAY, name, entry.number, row->amount, 0, row->at);
	else if (apart == 1)
		report(all, AT_DATE_LINE, name, entry.number, row->amount, 0, row->at);
	if (!entry.found && !row->refund && all->ask)
		ask_gateway(all, row);
	return 0;
}

/* Of a payment whose number in the wallet was never told. */
static bool has_bill(const struct statement *statement, const char *bill_no)
{
	for (size_t i = 0; i < statement->count; i++)
		if (!statement->rows[i].refund && strcmp(statement->rows[i].bill_no, bill_no) == 0)
			return true;
	return false;
}

/* The other direction: what the books have of that day. A refund is made between its beginning and its being learned. */
static int check_books(struct comparison *all, bool refund, struct error *err)
{
	struct sql_stmt *q = sql_prepare(all->hall->db[0], refund
		? "SELECT number, refund_no, '', amount_fen, created, done_at FROM refund WHERE state = 1 AND done_at >= ? AND done_at < ?"
		: "SELECT number, bill_no, gateway_transaction, amount_fen, paid_at, paid_at FROM payment WHERE paid_at >= ? AND paid_at < ?");
	sql_int(q, all->from);
	sql_int(q, all->to);
	char number[24], name[64], transaction[64];
	while (sql_row(q)) {
		sql_get_text(q, 0, number, sizeof number);
		sql_get_text(q, 1, name, sizeof name);
		sql_get_text(q, 2, transaction, sizeof transaction);
		int64_t amount = sql_get_int(q, 3), begun = sql_get_int(q, 4), at = sql_get_int(q, 5);
		all->books++;
		all->books_sum += refund ? -amount : amount;
		if (statement_has(&all->statement, refund, refund ? name : transaction)
			|| (!refund && transaction[0] == '\0' && has_bill(&all->statement, name)))
			continue;
		bool line = begun < all->from + DATE_LINE || at >= all->to - DATE_LINE;
		report(all, line ? AT_DATE_LINE : refund ? ONE_SIDED : SHORT, name, number, amount, 0, at);
	}
	return sql_done(q, err);
}

static void print_sums(const struct comparison *all)
{
	char a[24], b[24];
	printf(_("Statement: %zu rows, %s. Books: %lld rows, %s.\n"), all->statement.count,
		money_text(all->statement.paid - all->statement.given, a, sizeof a), (long long)all->books, money_text(all->books_sum, b, sizeof b));
	for (int i = 0; i < KINDS; i++)
		if (all->count[i] > 0)
			printf("%s: %lld, %s\n", label((enum difference)i), (long long)all->count[i], money_text(all->sum[i], a, sizeof a));
}

static int get_statement(struct hall *hall, const char *file, const char *date, struct statement *out, struct error *err)
{
	struct bytes text = { 0 };
	int rc;
	if (file != NULL)
		rc = file_read(file, STATEMENT_MAX, &text, err);
	else if (hall->payment != NULL)
		rc = payment_sandbox_statement(hall->payment, date, &text, err);
	else
		rc = error_set(err, ERR_PAYMENT_UNAVAILABLE, NULL, "no gateway is configured");
	if (rc == 0)
		rc = statement_read(&text, date, out, err);
	bytes_free(&text);
	return rc;
}

static int compare(struct comparison *all, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < all->statement.count; i++)
		rc = check_row(all, &all->statement.rows[i], err);
	if (rc == 0)
		rc = check_books(all, false, err);
	return rc == 0 ? check_books(all, true, err) : rc;
}

int command_reconcile(int argc, char **argv)
{
	const char *config = NULL, *date = NULL, *file = NULL;
	struct comparison all = { 0 };
	const struct option_row options[] = { { "--config", &config, NULL, true }, { "--date", &date, NULL, true },
		{ "--statement", &file, NULL, false }, { "--ask", NULL, &all.ask, false }, { 0 } };
	if (!options_read(argc, argv, options, NULL))
		return 2;
	struct error err = { 0 };
	char begin[40];
	snprintf(begin, sizeof begin, "%.10sT00:00:00+08:00", date);
	int rc = strlen(date) == 10 && clock_parse_rfc3339(begin, &all.from) == 0 ? 0
		: error_set(&err, ERR_BAD_INPUT, date, "--date wants a day like 2026-11-22");
	all.to = all.from + DAY;
	if (rc == 0)
		rc = hall_open(config, &all.hall, &err);
	if (rc == 0)
		rc = get_statement(all.hall, file, date, &all.statement, &err);
	if (rc == 0)
		rc = compare(&all, &err);
	int64_t differences = 0;
	for (int i = 0; i < AT_DATE_LINE; i++)
		differences += all.count[i];
	if (rc == 0)
		print_sums(&all);
	statement_free(&all.statement);
	hall_free(&all.hall);
	return rc != 0 ? command_failed(&err) : differences > 0 ? 1 : 0;
}
