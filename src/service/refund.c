#include <stdio.h>
#include <string.h>

#include <certhall/fault.h>
#include <certhall/i18n.h>
#include <certhall/log.h>
#include <certhall/text.h>

#include "service/bill.h"

/* Money on its way back. A refund is written down with its number before the gateway hears of it, so that asking again gives
 * nothing twice. Staff need two people for one. */

struct refund {
	char refund_no[PAYMENT_NO_SIZE], bill_no[PAYMENT_NO_SIZE], number[24], asked_by[64];
	int nth;
	int64_t amount;
	bool counted; /* the payment was, it is not a held one */
};

int refund_store(struct hall *hall, struct sql *db, const struct bill *bill, int nth, int64_t amount, const char *reason, const char *by,
	int64_t now, char refund_no[PAYMENT_NO_SIZE], struct error *err)
{
	struct sql_stmt *q = sql_prepare(db, "SELECT count(*) FROM refund WHERE bill_no = ?");
	sql_text(q, bill->gateway.bill_no);
	int before = sql_row(q) ? (int)sql_get_int(q, 0) : 0;
	int rc = sql_done(q, err);
	if (rc == 0)
		rc = payment_make_refund_no(hall->payment, bill->gateway.bill_no, before + 1, refund_no, err);
	if (rc != 0)
		return rc;
	q = sql_prepare(db, "INSERT INTO refund (refund_no, bill_no, nth, number, amount_fen, state, created, done_at, reason, asked_by, approved_by)"
		" VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, ?, '')");
	sql_text(q, refund_no);
	sql_text(q, bill->gateway.bill_no);
	sql_int(q, nth);
	sql_text(q, bill->number);
	sql_int(q, amount);
	sql_int(q, by[0] != '\0' ? REFUND_WAITING : REFUND_ASKED);
	sql_int(q, now);
	sql_text(q, reason);
	sql_text(q, by);
	rc = sql_done(q, err);
	char masked[128];
	return rc != 0 ? rc : audit_write(db, now, "refund.asked", bill->number, err, "refund=%s fen=%lld%s%s", refund_no, (long long)amount,
		reason[0] != '\0' ? " reason=" : "", audit_mask(reason, masked, sizeof masked));
}

static int load_refund(struct sql *db, const char *refund_no, struct refund *out, struct error *err)
{
	*out = (struct refund){ 0 };
	struct sql_stmt *q = sql_prepare(db,
		"SELECT r.refund_no, r.bill_no, r.number, r.asked_by, r.nth, r.amount_fen, p.state FROM refund r"
		" JOIN payment p ON p.bill_no = r.bill_no AND p.nth = r.nth WHERE r.refund_no = ?");
	sql_text(q, refund_no);
	if (sql_row(q)) {
		sql_get_text(q, 0, out->refund_no, sizeof out->refund_no);
		sql_get_text(q, 1, out->bill_no, sizeof out->bill_no);
		sql_get_text(q, 2, out->number, sizeof out->number);
		sql_get_text(q, 3, out->asked_by, sizeof out->asked_by);
		out->nth = (int)sql_get_int(q, 4);
		out->amount = sql_get_int(q, 5);
		out->counted = sql_get_int(q, 6) == PAYMENT_COUNTED;
	}
	return sql_done(q, err);
}

/* All that was counted for the order has gone back. */
static int all_back(struct sql *db, const char *number, bool *all, struct error *err)
{
	struct sql_stmt *q = sql_prepare(db,
		"SELECT count(*) FROM payment p WHERE p.number = ? AND p.state = 0 AND NOT EXISTS"
		" (SELECT 1 FROM refund r WHERE r.bill_no = p.bill_no AND r.nth = p.nth AND r.state = 1)");
	sql_text(q, number);
	*all = sql_row(q) && sql_get_int(q, 0) == 0;
	return sql_done(q, err);
}

static int store_answer(struct hall *hall, struct sql *db, const struct refund *refund, bool done, int64_t now, struct error *err)
{
	bool moved = false, all = false;
	int64_t changed = 0;
	int rc = sql_begin(db, err);
	if (rc != 0)
		return rc;
	struct sql_stmt *q = sql_prepare(db, "UPDATE refund SET state = ?, done_at = ? WHERE refund_no = ? AND state = 0");
	sql_int(q, done ? REFUND_DONE : REFUND_REFUSED);
	sql_int(q, now);
	sql_text(q, refund->refund_no);
	rc = sql_changed(q, &changed, err);
	if (rc == 0 && changed == 1)
		rc = audit_write(db, now, done ? "refund.done" : "refund.refused", refund->number, err, "refund=%s fen=%lld", refund->refund_no,
			(long long)refund->amount);
	if (rc == 0)
		rc = all_back(db, refund->number, &all, err);
	if (rc == 0 && all)
		rc = order_move(db, refund->number, ORDER_BIT(ORDER_REFUNDING), ORDER_REFUNDED, now, &moved, err);
	rc = sql_commit(db, rc, err);
	if (rc == 0 && moved)
		order_publish(hall, refund->number);
	return rc;
}

int refund_pursue(struct hall *hall, struct sql *db, const char *refund_no, int64_t now, struct error *err)
{
	struct refund refund;
	struct bill bill;
	enum payment_refund_status status = PAYMENT_REFUND_UNKNOWN;
	int rc = load_refund(db, refund_no, &refund, err);
	if (rc == 0)
		rc = bill_load(db, refund.bill_no, &bill, err);
	if (rc == 0)
		rc = bill_heard(hall, payment_refund(hall->payment, &bill.gateway, refund_no, refund.amount, &status, err));
	fault_point("refund-asked", NULL);
	if (rc != 0 || status == PAYMENT_REFUND_UNKNOWN || status == PAYMENT_REFUND_PROCESSING)
		return rc;
	log_line(status == PAYMENT_REFUND_DONE ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR, "payment", "refund %s %s", refund_no,
		status == PAYMENT_REFUND_DONE ? "done" : "refused: somebody must look");
	return store_answer(hall, db, &refund, status == PAYMENT_REFUND_DONE, now, err);
}

/* ---- staff ---- */

static int payment_to_return(struct sql *db, const char *number, const char *bill_no, char found[PAYMENT_NO_SIZE], int64_t *nth, struct error *err)
{
	struct sql_stmt *q = sql_prepare(db,
		"SELECT p.bill_no, p.nth FROM payment p WHERE p.number = ? AND p.state < 2 AND (? = '' OR p.bill_no = ?) AND NOT EXISTS"
		" (SELECT 1 FROM refund r WHERE r.bill_no = p.bill_no AND r.nth = p.nth AND r.state IN (0, 1, 3)) AND NOT EXISTS"
		" (SELECT 1 FROM verdict v WHERE v.bill_no = p.bill_no AND v.nth = p.nth AND v.approved_by = '')");
	return staff_only_one(q, number, bill_no, _("no payment of it is there that could go back"), found, nth, err);
}

static int read_payment(struct sql *db, const char *bill_no, int nth, int64_t *amount, bool *counted, struct error *err)
{
	struct sql_stmt *q = sql_prepare(db, "SELECT amount_fen, state FROM payment WHERE bill_no = ? AND nth = ?");
	sql_text(q, bill_no);
	sql_int(q, nth);
	if (sql_row(q)) {
		*amount = sql_get_int(q, 0);
		*counted = sql_get_int(q, 1) == PAYMENT_COUNTED;
	}
	return sql_done(q, err);
}

/* A certificate that is in use is not taken back by a refund; that is for the service point. */
static int check_order(struct sql *db, const char *number, bool counted, struct error *err)
{
	int state = 0;
	int64_t ignored;
	int rc = bill_state_of_order(db, number, &state, &ignored, &ignored, err);
	if (rc != 0 || !counted || state == ORDER_PAID || state == ORDER_ISSUED || state == ORDER_REFUNDING)
		return rc;
	return error_set(err, ERR_STAFF_REFUSED, number, _("its state is %s"), order_state_names[state]);
}

int refund_request(struct hall *hall, struct sql *db, const char *number, const char *bill_no, const char *reason, const char *by, int64_t now,
	char refund_no[PAYMENT_NO_SIZE], struct error *err)
{
	struct bill bill;
	char found[PAYMENT_NO_SIZE] = "", name[STAFF_NAME], words[256];
	int64_t nth = 0, amount = 0;
	bool counted = false;
	text_sanitize(reason, words, sizeof words, true);
	int rc = staff_begin(db, by, name, err);
	if (rc != 0)
		return rc;
	rc = payment_to_return(db, number, bill_no, found, &nth, err);
	if (rc == 0)
		rc = read_payment(db, found, (int)nth, &amount, &counted, err);
	if (rc == 0)
		rc = check_order(db, number, counted, err);
	if (rc == 0)
		rc = bill_load(db, found, &bill, err);
	if (rc == 0)
		rc = refund_store(hall, db, &bill, (int)nth, amount, words, name, now, refund_no, err);
	return sql_commit(db, rc, err);
}

static int take_back_certificates(struct sql *db, const char *number, int64_t now, struct error *err)
{
	char fingerprints[MODEL_ITEMS][FINGERPRINT];
	size_t count = 0;
	int rc = order_fingerprints(db, number, true, fingerprints, &count, err);
	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = cert_revoke(db, fingerprints[i], REASON_WITHDRAWN, now, err);
	return rc;
}

static int put_on_its_way(struct sql *db, const struct refund *refund, const char *by, int64_t now, struct error *err)
{
	bool moved;
	struct sql_stmt *q = sql_prepare(db, "UPDATE refund SET state = 0, approved_by = ?, created = ? WHERE refund_no = ? AND state = 3");
	sql_text(q, by);
	sql_int(q, now);
	sql_text(q, refund->refund_no);
	int rc = sql_done(q, err);
	if (rc == 0)
		rc = audit_write(db, now, "refund.approved", refund->number, err, "refund=%s fen=%lld", refund->refund_no, (long long)refund->amount);
	if (rc == 0 && refund->counted)
		rc = take_back_certificates(db, refund->number, now, err);
	if (rc == 0 && !refund->counted) { /* nobody can pay by this one any more */
		q = sql_prepare(db, "UPDATE bill SET state = 2 WHERE bill_no = ? AND state < 2");
		sql_text(q, refund->bill_no);
		rc = sql_done(q, err);
	}
	int from = refund->counted ? ORDER_BIT(ORDER_PAID) | ORDER_BIT(ORDER_ISSUED) : ORDER_BIT(ORDER_CANCELLED);
	return rc == 0 ? order_move(db, refund->number, from, ORDER_REFUNDING, now, &moved, err) : rc;
}

static int find_waiting(struct sql *db, const char *number, const char *bill_no, char refund_no[PAYMENT_NO_SIZE], struct error *err)
{
	int64_t ignored;
	struct sql_stmt *q = sql_prepare(db, "SELECT refund_no, nth FROM refund WHERE number = ? AND state = 3 AND (? = '' OR bill_no = ?)");
	return staff_only_one(q, number, bill_no, _("no refund of it waits for a second person"), refund_no, &ignored, err);
}

int refund_approve(struct sql *db, const char *number, const char *bill_no, const char *by, int64_t now, char refund_no[PAYMENT_NO_SIZE],
	struct error *err)
{
	struct refund refund = { 0 };
	char name[STAFF_NAME];
	int rc = staff_begin(db, by, name, err);
	if (rc != 0)
		return rc;
	rc = find_waiting(db, number, bill_no, refund_no, err);
	if (rc == 0)
		rc = load_refund(db, refund_no, &refund, err);
	if (rc == 0 && staff_same(refund.asked_by, name))
		rc = error_set(err, ERR_BAD_INPUT, "--by", _("%s has asked for it: another person must approve"), name);
	if (rc == 0)
		rc = check_order(db, number, refund.counted, err);
	if (rc == 0)
		rc = put_on_its_way(db, &refund, name, now, err);
	return sql_commit(db, rc, err);
}

int refund_withdraw(struct sql *db, const char *number, const char *bill_no, const char *by, int64_t now, char refund_no[PAYMENT_NO_SIZE],
	struct error *err)
{
	char name[STAFF_NAME];
	int rc = staff_begin(db, by, name, err);
	if (rc != 0)
		return rc;
	rc = find_waiting(db, number, bill_no, refund_no, err);
	if (rc == 0) {
		struct sql_stmt *q = sql_prepare(db, "UPDATE refund SET state = 4, done_at = ? WHERE refund_no = ? AND state = 3");
		sql_int(q, now);
		sql_text(q, refund_no);
		rc = sql_done(q, err);
	}
	if (rc == 0)
		rc = audit_write(db, now, "refund.withdrawn", number, err, "refund=%s", refund_no);
	return sql_commit(db, rc, err);
}
