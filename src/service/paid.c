#include <stdio.h>
#include <string.h>

#include <certhall/fault.h>
#include <certhall/log.h>

#include "service/bill.h"

/* What a payment does to its order. Learned by notification, query or closing, once or many times: the payment's row, one a
 * bill, makes it happen once. */

static int insert_payment(struct sql *db, const struct bill *bill, const struct payment_result *result, int64_t now, bool *new,
	struct error *err)
{
	struct sql_stmt *q = sql_prepare(db,
		"INSERT INTO payment (bill_no, number, amount_fen, gateway_transaction, wallet, paid_at, learned_at)"
		" VALUES (?, ?, ?, NULLIF(?, ''), ?, ?, ?) ON CONFLICT (bill_no) DO NOTHING");
	sql_text(q, bill->gateway.bill_no);
	sql_text(q, bill->number);
	sql_int(q, result->amount_fen);
	sql_text(q, result->transaction);
	sql_text(q, result->wallet);
	sql_int(q, result->paid_at != 0 ? result->paid_at : now);
	sql_int(q, now);
	int64_t changed;
	int rc = sql_changed(q, &changed, err);
	*new = changed == 1;
	if (rc != 0 || !*new)
		return rc;
	q = sql_prepare(db, "UPDATE bill SET state = 3 WHERE bill_no = ?");
	sql_text(q, bill->gateway.bill_no);
	return sql_done(q, err);
}

static int note_payment(struct sql *db, const struct bill *bill, const struct payment_result *result, int64_t now, struct error *err)
{
	struct sql_stmt *q = sql_prepare(db, "UPDATE orders SET wallet = ?, paid_at = ? WHERE number = ?");
	sql_text(q, result->wallet);
	sql_int(q, result->paid_at != 0 ? result->paid_at : now);
	sql_text(q, bill->number);
	return sql_done(q, err);
}

static int insert_refund(struct hall *hall, struct sql *db, const struct bill *bill, int64_t now, struct error *err)
{
	char refund_no[PAYMENT_NO_SIZE];
	int rc = payment_make_refund_no(hall->payment, bill->gateway.bill_no, 1, refund_no, err);
	if (rc != 0)
		return rc;
	struct sql_stmt *q = sql_prepare(db, "INSERT INTO refund (refund_no, bill_no, number, amount_fen, state, created) VALUES (?, ?, ?, ?, 0, ?)");
	sql_text(q, refund_no);
	sql_text(q, bill->gateway.bill_no);
	sql_text(q, bill->number);
	sql_int(q, bill->gateway.amount_fen);
	sql_int(q, now);
	return sql_done(q, err);
}

/* A cancelled order can go on when nothing has taken its place: no other open order, and its certificates still current. */
static int can_go_on(struct sql *db, const char *number, bool *can, struct error *err)
{
	struct sql_stmt *q = sql_prepare(db,
		"SELECT count(*) FROM order_item i LEFT JOIN open_item o ON o.old_fingerprint = i.old_fingerprint"
		" LEFT JOIN certificate c ON c.fingerprint = i.old_fingerprint"
		" WHERE i.number = ? AND (o.number IS NOT NULL OR c.revoked_at IS NOT NULL OR c.replaced_by IS NOT NULL)");
	sql_text(q, number);
	*can = sql_row(q) && sql_get_int(q, 0) == 0;
	return sql_done(q, err);
}

static int reopen(struct sql *db, const char *number, int64_t now, struct error *err)
{
	struct sql_stmt *q = sql_prepare(db, "INSERT INTO open_item (old_fingerprint, number) SELECT old_fingerprint, number FROM order_item WHERE number = ?");
	sql_text(q, number);
	int rc = sql_done(q, err);
	bool moved;
	return rc == 0 ? order_move(db, number, ORDER_BIT(ORDER_CANCELLED), ORDER_PAID, now, &moved, err) : rc;
}

static int apply(struct hall *hall, struct sql *db, const struct bill *bill, const struct payment_result *result, int64_t now,
	struct error *err)
{
	bool moved, can = false;
	int state = 0;
	int64_t ignored;
	int rc = order_move(db, bill->number, ORDER_BIT(ORDER_CREATED) | ORDER_BIT(ORDER_PAYING), ORDER_PAID, now, &moved, err);
	if (rc == 0 && moved)
		return note_payment(db, bill, result, now, err);
	if (rc == 0)
		rc = bill_state_of_order(db, bill->number, &state, &ignored, &ignored, err);
	if (rc == 0 && state == ORDER_CANCELLED)
		rc = can_go_on(db, bill->number, &can, err);
	if (rc != 0)
		return rc;
	if (can) {
		rc = reopen(db, bill->number, now, err);
		return rc == 0 ? note_payment(db, bill, result, now, err) : rc;
	}
	rc = insert_refund(hall, db, bill, now, err); /* paid twice, or for an order that cannot go on */
	return rc == 0 ? order_move(db, bill->number, ORDER_BIT(ORDER_CANCELLED), ORDER_REFUNDING, now, &moved, err) : rc;
}

int bill_paid(struct hall *hall, struct sql *db, const char *bill_no, const struct payment_result *result, int64_t now,
	struct error *err)
{
	struct bill bill;
	bool new = false;
	int rc = bill_load(db, bill_no, &bill, err);
	if (rc == 0 && bill.attempt == 0)
		rc = error_set(err, ERR_ORDER_NONE, NULL, "no such bill");
	if (rc == 0 && result->amount_fen != bill.gateway.amount_fen) {
		log_line(LOG_LEVEL_ERROR, "payment", "bill %s: paid %lld fen instead of %lld, left alone", bill_no,
			(long long)result->amount_fen, (long long)bill.gateway.amount_fen);
		rc = error_set(err, ERR_PAYMENT_UNKNOWN, NULL, "the amount differs");
	}
	fault_point("paid-learned", NULL);
	if (rc == 0)
		rc = sql_begin(db, err);
	if (rc != 0)
		return rc;
	rc = insert_payment(db, &bill, result, now, &new, err);
	if (rc == 0 && new)
		rc = apply(hall, db, &bill, result, now, err);
	rc = sql_commit(db, rc, err);
	if (rc == 0 && new) {
		log_line(LOG_LEVEL_INFO, "payment", "%s paid by bill %s", bill.number, bill_no);
		order_publish(hall, bill.number);
	}
	return rc;
}

static int store_refund(struct hall *hall, struct sql *db, const struct bill *bill, const char *refund_no, bool done, int64_t now,
	struct error *err)
{
	bool moved = false;
	int rc = sql_begin(db, err);
	if (rc != 0)
		return rc;
	struct sql_stmt *q = sql_prepare(db, "UPDATE refund SET state = ? WHERE refund_no = ? AND state = 0");
	sql_int(q, done ? 1 : 2);
	sql_text(q, refund_no);
	rc = sql_done(q, err);
	if (rc == 0 && done)
		rc = order_move(db, bill->number, ORDER_BIT(ORDER_REFUNDING), ORDER_REFUNDED, now, &moved, err);
	rc = sql_commit(db, rc, err);
	if (rc == 0 && moved)
		order_publish(hall, bill->number);
	return rc;
}

int refund_pursue(struct hall *hall, struct sql *db, const char *bill_no, const char *refund_no, int64_t now, struct error *err)
{
	struct bill bill;
	enum payment_refund_status status = PAYMENT_REFUND_UNKNOWN;
	int rc = bill_load(db, bill_no, &bill, err);
	if (rc == 0)
		rc = bill_heard(hall, payment_refund(hall->payment, &bill.gateway, refund_no, bill.gateway.amount_fen, &status, err));
	fault_point("refund-asked", NULL);
	if (rc != 0 || status == PAYMENT_REFUND_UNKNOWN || status == PAYMENT_REFUND_PROCESSING)
		return rc;
	log_line(status == PAYMENT_REFUND_DONE ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR, "payment", "refund %s %s", refund_no,
		status == PAYMENT_REFUND_DONE ? "done" : "refused: somebody must look");
	return store_refund(hall, db, &bill, refund_no, status == PAYMENT_REFUND_DONE, now, err);
}

/* The answer is the gateway's own words. What cannot be kept now is sent again. */
HALL_HANDLER(notify_post)
{
	struct call call = call_begin(ctx, request, worker);
	struct hall *hall = call.hall;
	const struct bytes *body = hs_body(request);
	char bill_no[PAYMENT_NO_SIZE];
	struct payment_result result = { 0 };
	if (hall->payment == NULL || strcmp(hs_param(request), hall->payment_driver) != 0)
		return error_set(err, ERR_NOT_FOUND, NULL, "no such driver");
	int rc = payment_notify(hall->payment, body->data != NULL ? (const char *)body->data : "", body->len, bill_no, &result, err);
	if (rc == 0 && result.status == PAYMENT_PAID)
		rc = bill_paid(hall, call.db, bill_no, &result, call.now, err);
	if (rc != 0)
		log_line(LOG_LEVEL_WARN, "payment", "notification not taken: %s", err->detail);
	const char *words = payment_notify_answer(hall->payment, rc == 0);
	return hs_answer_bytes(request, 200, "text/plain", words, strlen(words));
}
