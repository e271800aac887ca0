#include <string.h>

#include <certhall/i18n.h>
#include <certhall/log.h>
#include <certhall/text.h>

#include "service/bill.h"

/* Held payments that staff have looked into. The gateway is asked before anything is done: nothing is counted that is not paid, and
 * nothing is dismissed that is still there. */

struct held {
	char bill_no[PAYMENT_NO_SIZE], asked_by[STAFF_NAME];
	int nth;
	enum held_verdict verdict;
};

/* Held, and no refund of it under way or done. */
#define STILL_HELD                                                                                                                        \
	" p.state = 1 AND NOT EXISTS (SELECT 1 FROM refund r WHERE r.bill_no = p.bill_no AND r.nth = p.nth AND r.state IN (0, 1, 3))"

static int find_held(struct sql *db, const char *number, const char *bill_no, struct held *out, struct error *err)
{
	struct sql_stmt *q = sql_prepare(db, "SELECT p.bill_no, p.nth FROM payment p WHERE p.number = ? AND (? = '' OR p.bill_no = ?) AND" STILL_HELD);
	int64_t nth = 0;
	int rc = staff_only_one(q, number, bill_no, _("no payment of it is held, without a refund"), out->bill_no, &nth, err);
	out->nth = (int)nth;
	return rc;
}

/* Another amount than the price is never counted: the invoice would be wrong. */
static int check_reason(struct sql *db, const struct held *held, enum held_verdict verdict, struct error *err)
{
	char why[24] = "";
	struct sql_stmt *q = sql_prepare(db, "SELECT held_for FROM payment WHERE bill_no = ? AND nth = ?");
	sql_text(q, held->bill_no);
	sql_int(q, held->nth);
	if (sql_row(q))
		sql_get_text(q, 0, why, sizeof why);
	int rc = sql_done(q, err);
	if (rc != 0 || verdict == HELD_DISMISS || strcmp(why, "transaction") == 0 || strcmp(why, "unconfirmed") == 0)
		return rc;
	return error_set(err, ERR_STAFF_REFUSED, held->bill_no, _("what was held for its amount cannot be accepted; give it back: refund ask"));
}

static const char *verdict_name(enum held_verdict verdict)
{
	return verdict == HELD_ACCEPT ? "accept" : "dismiss";
}

static int store_verdict(struct sql *db, const struct held *held, const char *number, enum held_verdict verdict, const char *reason, const char *by,
	int64_t now, struct error *err)
{
	char masked[128];
	int64_t changed = 0;
	struct sql_stmt *q = sql_prepare(db, "INSERT INTO verdict (bill_no, nth, number, verdict, reason, asked, asked_by) VALUES (?, ?, ?, ?, ?, ?, ?)"
		" ON CONFLICT DO NOTHING");
	sql_text(q, held->bill_no);
	sql_int(q, held->nth);
	sql_text(q, number);
	sql_int(q, verdict);
	sql_text(q, reason);
	sql_int(q, now);
	sql_text(q, by);
	int rc = sql_changed(q, &changed, err);
	if (rc == 0 && changed == 0)
		return error_set(err, ERR_STAFF_REFUSED, number, _("one waits for a second person already: approve or withdraw it"));
	return rc != 0 ? rc : audit_write(db, now, "held.asked", number, err, "bill=%s nth=%d verdict=%s reason=%s", held->bill_no, held->nth,
		verdict_name(verdict), audit_mask(reason, masked, sizeof masked));
}

int held_judge(struct sql *db, const char *number, const char *bill_no, enum held_verdict verdict, const char *reason, const char *by, int64_t now,
	struct error *err)
{
	struct held held = { 0 };
	char name[STAFF_NAME], words[256];
	text_sanitize(reason, words, sizeof words, false);
	int rc = staff_begin(db, by, name, err);
	if (rc != 0)
		return rc;
	rc = find_held(db, number, bill_no, &held, err);
	if (rc == 0)
		rc = check_reason(db, &held, verdict, err);
	if (rc == 0)
		rc = store_verdict(db, &held, number, verdict, words, name, now, err);
	return sql_commit(db, rc, err);
}

static int find_verdict(struct sql *db, const char *number, const char *bill_no, struct held *out, struct error *err)
{
	int64_t nth = 0;
	struct sql_stmt *q = sql_prepare(db, "SELECT bill_no, nth FROM verdict WHERE number = ? AND approved_by = '' AND (? = '' OR bill_no = ?)");
	int rc = staff_only_one(q, number, bill_no, _("nothing about it waits for a second person"), out->bill_no, &nth, err);
	if (rc != 0)
		return rc;
	out->nth = (int)nth;
	q = sql_prepare(db, "SELECT verdict, asked_by FROM verdict WHERE bill_no = ? AND nth = ?");
	sql_text(q, out->bill_no);
	sql_int(q, out->nth);
	if (sql_row(q)) {
		out->verdict = (enum held_verdict)sql_get_int(q, 0);
		sql_get_text(q, 1, out->asked_by, sizeof out->asked_by);
	}
	return sql_done(q, err);
}

static const char *in_words(enum payment_status status)
{
	switch (status) {
	case PAYMENT_UNPAID: return _("not paid");
	case PAYMENT_PAID: return _("paid");
	case PAYMENT_CLOSED: return _("closed");
	case PAYMENT_REFUNDED: return _("given back");
	default: return _("not known");
	}
}

/* What the gateway says must go with it. */
static int ask_gateway(struct hall *hall, const struct bill *bill, enum held_verdict verdict, struct payment_result *result, struct error *err)
{
	char money[32];
	int rc = bill_heard(hall, payment_bill_query(hall->payment, &bill->gateway, result, err));
	if (rc != 0)
		return rc;
	if (verdict == HELD_DISMISS && result->status != PAYMENT_REFUNDED)
		return error_set(err, ERR_STAFF_REFUSED, bill->number, _("the gateway says: %s; what is still there is given back with refund ask"),
			in_words(result->status));
	bool right = result->status == PAYMENT_PAID && result->amount_fen == bill->gateway.amount_fen && result->told_fen == bill->gateway.amount_fen;
	if (verdict == HELD_ACCEPT && !right)
		return error_set(err, ERR_STAFF_REFUSED, bill->number, _("the gateway says: %s, %s"), in_words(result->status),
			money_text(result->amount_fen, money, sizeof money));
	return 0;
}

static int dismiss(struct sql *db, const struct held *held, const char *number, int64_t now, struct error *err)
{
	struct sql_stmt *q = sql_prepare(db, "UPDATE payment SET state = 2 WHERE bill_no = ? AND nth = ?");
	sql_text(q, held->bill_no);
	sql_int(q, held->nth);
	int rc = sql_done(q, err);
	if (rc == 0) { /* the order gets another code */
		q = sql_prepare(db, "UPDATE bill SET state = 2 WHERE bill_no = ? AND state < 2");
		sql_text(q, held->bill_no);
		rc = sql_done(q, err);
	}
	return rc == 0 ? audit_write(db, now, "payment.dismissed", number, err, "bill=%s nth=%d", held->bill_no, held->nth) : rc;
}

static int mark_approved(struct sql *db, const struct held *held, const char *by, struct error *err)
{
	int64_t changed = 0;
	struct sql_stmt *q = sql_prepare(db,
		"UPDATE verdict SET approved_by = ? WHERE bill_no = ? AND nth = ? AND approved_by = '' AND EXISTS"
		" (SELECT 1 FROM payment p WHERE p.bill_no = verdict.bill_no AND p.nth = verdict.nth AND" STILL_HELD ")");
	sql_text(q, by);
	sql_text(q, held->bill_no);
	sql_int(q, held->nth);
	int rc = sql_changed(q, &changed, err);
	return rc != 0 || changed == 1 ? rc : error_set(err, ERR_STAFF_REFUSED, held->bill_no, _("it is not held any more; withdraw this"));
}

static int carry_out(struct hall *hall, struct sql *db, const struct held *held, const struct bill *bill, const struct payment_result *result,
	const char *by, int64_t now, struct error *err)
{
	int rc = sql_begin(db, err);
	if (rc != 0)
		return rc;
	rc = mark_approved(db, held, by, err);
	if (rc == 0)
		rc = audit_write(db, now, "held.approved", bill->number, err, "bill=%s nth=%d verdict=%s", held->bill_no, held->nth, verdict_name(held->verdict));
	if (rc == 0)
		rc = held->verdict == HELD_ACCEPT ? payment_count(hall, db, bill, held->nth, result, now, err) : dismiss(db, held, bill->number, now, err);
	return sql_commit(db, rc, err);
}

int held_approve(struct hall *hall, struct sql *db, const char *number, const char *bill_no, const char *by, int64_t now, enum held_verdict *verdict,
	struct error *err)
{
	struct held held = { 0 };
	struct bill bill;
	struct payment_result result = { 0 };
	char name[STAFF_NAME];
	int rc = staff_name(by, name, err);
	if (rc == 0)
		rc = find_verdict(db, number, bill_no, &held, err);
	*verdict = held.verdict;
	if (rc == 0 && staff_same(held.asked_by, name))
		rc = error_set(err, ERR_BAD_INPUT, "--by", _("%s has asked for it: another person must approve"), name);
	if (rc == 0)
		rc = bill_load(db, held.bill_no, &bill, err);
	if (rc == 0)
		rc = ask_gateway(hall, &bill, held.verdict, &result, err);
	if (rc == 0)
		rc = carry_out(hall, db, &held, &bill, &result, name, now, err);
	if (rc == 0)
		log_line(LOG_LEVEL_INFO, "payment", "bill %s: held payment %sed by staff", held.bill_no, verdict_name(held.verdict));
	return rc;
}

int held_withdraw(struct sql *db, const char *number, const char *bill_no, const char *by, int64_t now, struct error *err)
{
	struct held held = { 0 };
	char name[STAFF_NAME];
	int rc = staff_begin(db, by, name, err);
	if (rc != 0)
		return rc;
	rc = find_verdict(db, number, bill_no, &held, err);
	if (rc == 0) {
		struct sql_stmt *q = sql_prepare(db, "DELETE FROM verdict WHERE bill_no = ? AND nth = ? AND approved_by = ''");
		sql_text(q, held.bill_no);
		sql_int(q, held.nth);
		rc = sql_done(q, err);
	}
	if (rc == 0)
		rc = audit_write(db, now, "held.withdrawn", number, err, "bill=%s nth=%d verdict=%s", held.bill_no, held.nth, verdict_name(held.verdict));
	return sql_commit(db, rc, err);
}
