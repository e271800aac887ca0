#include "service/bill.h"

#include <stdio.h>
#include <string.h>

#include <certhall/clock.h>
#include <certhall/fault.h>
#include <certhall/log.h>


enum { LEAST_SECONDS = 5, ATTEMPTS_MAX = 99 }; /* a code that ends sooner is not worth showing */

static const char bill_columns[] =
	"SELECT bill_no, number, attempt, bill_date, amount_fen, qr_id, qr_url, expires, state, created FROM bill ";

static void read_bill(struct sql_stmt *q, struct bill *out)
{
	sql_get_text(q, 0, out->gateway.bill_no, sizeof out->gateway.bill_no);
	sql_get_text(q, 1, out->number, sizeof out->number);
	out->attempt = (int)sql_get_int(q, 2);
	sql_get_text(q, 3, out->gateway.bill_date, sizeof out->gateway.bill_date);
	out->gateway.amount_fen = sql_get_int(q, 4);
	sql_get_text(q, 5, out->gateway.qr_id, sizeof out->gateway.qr_id);
	sql_get_text(q, 6, out->gateway.qr_url, sizeof out->gateway.qr_url);
	out->gateway.expires = sql_get_int(q, 7);
	out->state = (enum bill_state)sql_get_int(q, 8);
	out->created = sql_get_int(q, 9);
	snprintf(out->gateway.description, sizeof out->gateway.description, "%s", out->number);
}

static int load_where(struct sql *db, const char *where, const char *value, struct bill *out, struct error *err)
{
	char text[512];
	*out = (struct bill){ 0 };
	snprintf(text, sizeof text, "%s%s", bill_columns, where);
	struct sql_stmt *q = sql_prepare(db, text);
	sql_text(q, value);
	if (sql_row(q))
		read_bill(q, out);
	return sql_done(q, err);
}

int bill_load(struct sql *db, const char *bill_no, struct bill *out, struct error *err)
{
	return load_where(db, "WHERE bill_no = ?", bill_no, out, err);
}

static int newest(struct sql *db, const char *number, struct bill *out, struct error *err)
{
	return load_where(db, "WHERE number = ? ORDER BY attempt DESC LIMIT 1", number, out, err);
}

int bill_newest(struct sql *db, const char *number, struct payment_bill *out, struct error *err)
{
	struct bill bill;
	int rc = newest(db, number, &bill, err);
	*out = bill.gateway;
	return rc != 0 || bill.state == BILL_OPEN ? rc : error_set(err, ERR_ORDER_STATE, number, "no bill of it is open");
}

int bill_state_of_order(struct sql *db, const char *number, int *state, int64_t *expires, int64_t *amount, struct error *err)
{
	struct sql_stmt *q = sql_prepare(db, "SELECT state, expires, amount_fen FROM orders WHERE number = ?");
	sql_text(q, number);
	bool found = sql_row(q);
	if (found) {
		*state = (int)sql_get_int(q, 0);
		*expires = sql_get_int(q, 1);
		*amount = sql_get_int(q, 2);
	}
	int rc = sql_done(q, err);
	return rc != 0 || found ? rc : error_set(err, ERR_ORDER_NONE, NULL, "no such order");
}

/* Whether the gateway can be reached is shown to everybody. */
int bill_heard(struct hall *hall, int rc)
{
	atomic_store(&hall->payment_ready, rc != ERR_PAYMENT_UNAVAILABLE && rc != ERR_PAYMENT_UNKNOWN);
	return rc;
}

static int mark_closed(struct sql *db, const struct bill *bill, int64_t now, struct error *err)
{
	int64_t changed = 0;
	int rc = sql_begin(db, err);
	if (rc != 0)
		return rc;
	struct sql_stmt *q = sql_prepare(db, "UPDATE bill SET state = 2 WHERE bill_no = ? AND state < 2");
	sql_text(q, bill->gateway.bill_no);
	rc = sql_changed(q, &changed, err);
	if (rc == 0 && changed == 1)
		rc = audit_write(db, now, "bill.closed", bill->number, err, "bill=%s", bill->gateway.bill_no);
	return sql_commit(db, rc, err);
}

/* The bill is written down before the gateway hears of it: whatever happens, it is asked about. */
static int store_intent(struct hall *hall, struct sql *db, const char *number, int attempt, int64_t amount, int64_t now,
	struct bill *out, struct error *err)
{
	*out = (struct bill){ .attempt = attempt, .created = now, .gateway = { .amount_fen = amount } };
	snprintf(out->number, sizeof out->number, "%s", number);
	snprintf(out->gateway.description, sizeof out->gateway.description, "%s", number);
	clock_date(now, out->gateway.bill_date, sizeof out->gateway.bill_date);
	if (attempt > ATTEMPTS_MAX)
		return error_set(err, ERR_PAYMENT_UNAVAILABLE, NULL, "too many codes");
	int64_t expires = 0, ignored;
	int state;
	int rc = payment_make_bill_no(hall->payment, number, attempt, out->gateway.bill_no, err);
	if (rc == 0)
		rc = bill_state_of_order(db, number, &state, &expires, &ignored, err);
	out->gateway.expires = expires;
	if (now + hall->settings.code_seconds < expires)
		out->gateway.expires = now + hall->settings.code_seconds;
	if (rc == 0)
		rc = sql_begin(db, err);
	if (rc != 0)
		return rc;
	struct sql_stmt *q = sql_prepare(db,
		"INSERT INTO bill (bill_no, number, attempt, bill_date, amount_fen, expires, state, created) VALUES (?, ?, ?, ?, ?, ?, 0, ?)");
	sql_text(q, out->gateway.bill_no);
	sql_text(q, number);
	sql_int(q, attempt);
	sql_text(q, out->gateway.bill_date);
	sql_int(q, amount);
	sql_int(q, out->gateway.expires);
	sql_int(q, now);
	rc = sql_done(q, err);
	if (rc == 0)
		rc = audit_write(db, now, "bill.asked", number, err, "bill=%s fen=%lld", out->gateway.bill_no, (long long)amount);
	rc = sql_commit(db, rc, err);
	fault_point("bill-intent-stored", NULL);
	return rc;
}

static int store_code(struct sql *db, const struct bill *bill, int64_t now, struct error *err)
{
	bool moved;
	int rc = sql_begin(db, err);
	if (rc != 0)
		return rc;
	struct sql_stmt *q = sql_prepare(db, "UPDATE bill SET state = 1, qr_id = ?, qr_url = ? WHERE bill_no = ? AND state = 0");
	sql_text(q, bill->gateway.qr_id);
	sql_text(q, bill->gateway.qr_url);
	sql_text(q, bill->gateway.bill_no);
	rc = sql_done(q, err);
	if (rc == 0)
		rc = audit_write(db, now, "bill.open", bill->number, err, "bill=%s", bill->gateway.bill_no);
	if (rc == 0) /* unless it is paid by now */
		rc = order_move(db, bill->number, ORDER_BIT(ORDER_CREATED) | ORDER_BIT(ORDER_PAYING), ORDER_PAYING, now, &moved, err);
	return sql_commit(db, rc, err);
}

static int ask_for_code(struct hall *hall, struct sql *db, struct bill *bill, int64_t now, struct error *err)
{
	int rc = bill_heard(hall, payment_bill_create(hall->payment, &bill->gateway, err));
	fault_point("bill-created", NULL);
	if (rc == 0)
		rc = store_code(db, bill, now, err);
	if (rc == 0)
		order_publish(hall, bill->number);
	return rc;
}

/* A code that was never handed out (the gateway's answer did not arrive) cannot be paid; all others are closed there. */
static int close_bill(struct hall *hall, struct sql *db, const struct bill *bill, int64_t now, bool *paid, struct error *err)
{
	struct payment_result result = { 0 };
	*paid = false;
	int rc;
	if (bill->state == BILL_ASKED) {
		if (payment_bill_query(hall->payment, &bill->gateway, &result, NULL) != 0)
			result.status = PAYMENT_CLOSED;
		rc = 0;
	} else {
		rc = bill_heard(hall, payment_bill_close(hall->payment, &bill->gateway, &result, err));
	}
	fault_point("bill-closed", NULL);
	if (rc != 0)
		return rc;
	if (result.status == PAYMENT_PAID || result.status == PAYMENT_REFUNDED) {
		int state = 0;
		int64_t ignored;
		rc = bill_paid(hall, db, bill->gateway.bill_no, &result, LEARNED_BY_CLOSE, now, err);
		if (rc == 0)
			rc = bill_state_of_order(db, bill->number, &state, &ignored, &ignored, err);
		*paid = rc == 0 && state > ORDER_PAYING;
		if (*paid || (rc != 0 && rc != ERR_PAYMENT_HELD))
			return rc;
		return mark_closed(db, bill, now, err); /* staff look after it, or have dismissed it; the order goes its way */
	}
	if (result.status == PAYMENT_CLOSED || bill->state == BILL_ASKED)
		return mark_closed(db, bill, now, err);
	return error_set(err, ERR_PAYMENT_UNKNOWN, NULL, "not closed: %s", payment_status_name(result.status));
}

int bill_ensure(struct hall *hall, struct sql *db, const char *number, int64_t now, struct error *err)
{
	struct bill bill;
	int state;
	int64_t expires, amount;
	bool paid = false, held = false;
	int rc = bill_state_of_order(db, number, &state, &expires, &amount, err);
	if (rc != 0 || state == ORDER_PAID || state == ORDER_ISSUED || state == ORDER_INSTALLED)
		return rc;
	if (state > ORDER_PAYING)
		return error_set(err, ERR_ORDER_STATE, NULL, "%s", order_state_names[state]);
	if (hall->payment == NULL)
		return error_set(err, ERR_PAYMENT_UNAVAILABLE, NULL, "no gateway is configured");
	if (now >= expires) {
		rc = bill_cancel(hall, db, number, now, err);
		return rc != 0 ? rc : bill_ensure(hall, db, number, now, err); /* it has left the two states */
	}
	rc = payment_is_held(db, number, &held, err);
	if (rc != 0 || held) /* nobody is asked to pay again before that is settled */
		return rc != 0 ? rc : bill_query(hall, db, number, now, err);
	rc = newest(db, number, &bill, err);
	bool ended = now + LEAST_SECONDS >= bill.gateway.expires;
	if (rc == 0 && bill.state < BILL_CLOSED && bill.attempt > 0 && ended)
		rc = close_bill(hall, db, &bill, now, &paid, err);
	if (rc != 0 || paid || bill.state == BILL_PAID || (bill.state == BILL_OPEN && !ended))
		return rc;
	if (bill.attempt == 0 || bill.state == BILL_CLOSED || ended)
		rc = store_intent(hall, db, number, bill.attempt + 1, amount, now, &bill, err);
	return rc != 0 ? rc : ask_for_code(hall, db, &bill, now, err);
}

/* Those of an order that the gateway may still know something new about, newest first. */
enum { BILLS = 8 };

static int load_unpaid(struct sql *db, const char *number, struct bill *out, int *count, struct error *err)
{
	char text[512];
	snprintf(text, sizeof text, "%sWHERE number = ? AND state < 3 ORDER BY attempt DESC LIMIT 8", bill_columns);
	struct sql_stmt *q = sql_prepare(db, text);
	sql_text(q, number);
	*count = 0;
	while (*count < BILLS && sql_row(q))
		read_bill(q, &out[(*count)++]);
	return sql_done(q, err);
}

int bill_ask(struct hall *hall, struct sql *db, const struct bill *bill, int64_t now, struct error *err)
{
	struct payment_result result = { 0 };
	int rc = bill_heard(hall, payment_bill_query(hall->payment, &bill->gateway, &result, err));
	if (rc != 0)
		return rc;
	if (result.status == PAYMENT_PAID || result.status == PAYMENT_REFUNDED)
		return bill_paid(hall, db, bill->gateway.bill_no, &result, LEARNED_BY_QUERY, now, err);
	if (result.status == PAYMENT_CLOSED && bill->state == BILL_OPEN)
		return mark_closed(db, bill, now, err);
	if (result.status == PAYMENT_UNKNOWN)
		return error_set(err, ERR_PAYMENT_UNKNOWN, NULL, "the gateway does not know yet");
	return 0;
}

int bill_query(struct hall *hall, struct sql *db, const char *number, int64_t now, struct error *err)
{
	struct bill bills[BILLS];
	int count = 0, state;
	int64_t ignored;
	int rc = bill_state_of_order(db, number, &state, &ignored, &ignored, err);
	if (rc != 0 || state == ORDER_PAID || state == ORDER_ISSUED || state == ORDER_INSTALLED)
		return rc;
	rc = load_unpaid(db, number, bills, &count, err);
	if (rc == 0 && count > 0 && hall->payment == NULL)
		return error_set(err, ERR_PAYMENT_UNAVAILABLE, NULL, "no gateway is configured");
	for (int i = 0; rc == 0 && i < count && state <= ORDER_CANCELLED; i++) {
		if (bills[i].state == BILL_ASKED)
			continue;
		rc = bill_ask(hall, db, &bills[i], now, err);
		if (rc == 0 || (bills[i].state == BILL_CLOSED && rc != ERR_PAYMENT_HELD)) /* of an old code nothing more need be known */
			rc = bill_state_of_order(db, number, &state, &ignored, &ignored, err);
		if (state == ORDER_PAID)
			break;
	}
	return rc;
}

int bill_cancel(struct hall *hall, struct sql *db, const char *number, int64_t now, struct error *err)
{
	struct bill bills[BILLS];
	int count = 0;
	bool paid = false, moved = false;
	int rc = load_unpaid(db, number, bills, &count, err);
	if (rc == 0 && count > 0 && hall->payment == NULL)
		return error_set(err, ERR_PAYMENT_UNAVAILABLE, NULL, "no gateway is configured");
	for (int i = 0; rc == 0 && !paid && i < count; i++)
		if (bills[i].state < BILL_CLOSED)
			rc = close_bill(hall, db, &bills[i], now, &paid, err);
	if (rc != 0 || paid)
		return rc;
	rc = sql_begin(db, err);
	if (rc == 0)
		rc = sql_commit(db, order_move(db, number, ORDER_BIT(ORDER_CREATED) | ORDER_BIT(ORDER_PAYING), ORDER_CANCELLED, now, &moved, err), err);
	if (rc == 0 && moved) {
		log_line(LOG_LEVEL_INFO, "order", "%s cancelled", number);
		order_publish(hall, number);
	}
	return rc;
}
