#include <stdio.h>
#include <string.h>

#include <certhall/fault.h>
#include <certhall/log.h>

#include "service/bill.h"

enum { SOON_SECONDS = 60 };

/* What a payment does to its order. Learned by notification, query or closing, once or many times: the payment's row makes it
 * happen once. What does not fit is held: written down, not counted, and left to staff. */

struct known {
	int nth, count;       /* of the payment in question, 0: it is new; of the bill's payments */
	enum payment_state state;
	bool clears;          /* held for what the gateway's own answer can put right */
	bool back;            /* its refund is on its way or done */
};

/* Two payments of one bill have two numbers, the wallet's and the gateway's. What is not told cannot tell them apart. */
static bool other(const char *a, const char *b)
{
	return a[0] != '\0' && b[0] != '\0' && strcmp(a, b) != 0;
}

static int find_payment(struct sql *db, const char *bill_no, const struct payment_result *result, struct known *out, struct error *err)
{
	struct sql_stmt *q = sql_prepare(db,
		"SELECT p.nth, p.state, p.gateway_transaction, p.gateway_sequence, p.held_for IN ('amount', 'unconfirmed'), r.refund_no IS NOT NULL FROM payment p"
		" LEFT JOIN refund r ON r.bill_no = p.bill_no AND r.nth = p.nth AND r.state IN (0, 1) WHERE p.bill_no = ? ORDER BY p.nth");
	sql_text(q, bill_no);
	char transaction[64], sequence[64];
	*out = (struct known){ 0 };
	while (sql_row(q)) {
		out->count = (int)sql_get_int(q, 0);
		bool second = other(sql_get_text(q, 2, transaction, sizeof transaction), result->transaction)
			&& other(sql_get_text(q, 3, sequence, sizeof sequence), result->sequence);
		if (out->nth != 0 || second)
			continue;
		out->nth = out->count;
		out->state = (enum payment_state)sql_get_int(q, 1);
		out->clears = sql_get_int(q, 4) != 0;
		out->back = sql_get_int(q, 5) != 0;
	}
	return sql_done(q, err);
}

/* Why a payment is left for staff to look at; empty: it is counted. hearsay: only a notification tells of it. */
static int why_held(struct sql *db, const struct bill *bill, const struct payment_result *result, bool hearsay, const char **why, struct error *err)
{
	*why = result->status == PAYMENT_REFUNDED ? "refunded" /* and not by us */
		: result->amount_fen != bill->gateway.amount_fen || result->told_fen != bill->gateway.amount_fen ? "amount"
		: hearsay ? "unconfirmed" : "";
	if (**why != '\0' || result->transaction[0] == '\0')
		return 0;
	struct sql_stmt *q = sql_prepare(db, "SELECT count(*) FROM payment WHERE number <> ? AND gateway_transaction = ?");
	sql_text(q, bill->number);
	sql_text(q, result->transaction);
	if (sql_row(q) && sql_get_int(q, 0) > 0)
		*why = "transaction";
	return sql_done(q, err);
}

static int insert_payment(struct sql *db, const struct bill *bill, int nth, const struct payment_result *result, const char *why, int64_t now,
	struct error *err)
{
	struct sql_stmt *q = sql_prepare(db,
		"INSERT INTO payment (bill_no, nth, number, amount_fen, told_fen, gateway_transaction, gateway_sequence, wallet, paid_at,"
		" learned_at, state, held_for) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
	sql_text(q, bill->gateway.bill_no);
	sql_int(q, nth);
	sql_text(q, bill->number);
	sql_int(q, result->amount_fen);
	sql_int(q, result->told_fen);
	sql_text(q, result->transaction);
	sql_text(q, result->sequence);
	sql_text(q, result->wallet);
	sql_int(q, result->paid_at != 0 ? result->paid_at : now);
	sql_int(q, now);
	sql_int(q, *why != '\0' ? PAYMENT_IS_HELD : PAYMENT_COUNTED);
	sql_text(q, why);
	return sql_done(q, err);
}

/* What was told wrong before, or by a notification alone, is told right by now. */
static int release_payment(struct sql *db, const struct bill *bill, int nth, const struct payment_result *result, struct error *err)
{
	struct sql_stmt *q = sql_prepare(db, "UPDATE payment SET state = 0, held_for = '', amount_fen = ?, told_fen = ? WHERE bill_no = ? AND nth = ?");
	sql_int(q, result->amount_fen);
	sql_int(q, result->told_fen);
	sql_text(q, bill->gateway.bill_no);
	sql_int(q, nth);
	return sql_done(q, err);
}

static int mark_paid(struct sql *db, const struct bill *bill, struct error *err)
{
	struct sql_stmt *q = sql_prepare(db, "UPDATE bill SET state = 3 WHERE bill_no = ?");
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

/* A cancelled order can go on when its certificates could be renewed now: nothing has taken its place, and it is not too late. */
static int can_go_on(struct hall *hall, struct sql *db, const char *number, int64_t now, bool *can, struct error *err)
{
	char fingerprints[MODEL_ITEMS][FINGERPRINT];
	size_t count = 0;
	int rc = order_fingerprints(db, number, false, fingerprints, &count, err);
	*can = true;
	for (size_t i = 0; rc == 0 && *can && i < count; i++) {
		struct bytes der = { 0 };
		struct cert_info info;
		struct cert_standing standing;
		rc = cert_der(db, fingerprints[i], &der, err);
		if (rc == 0)
			rc = cert_stand(hall, db, &der, now, &info, &standing, err);
		*can = rc == 0 && !standing.has_order && standing_refusal(&standing, &info, NULL) == 0;
		bytes_free(&der);
	}
	return rc;
}

static int reopen(struct sql *db, const char *number, int64_t now, struct error *err)
{
	struct sql_stmt *q = sql_prepare(db, "INSERT INTO open_item (old_fingerprint, number) SELECT old_fingerprint, number FROM order_item WHERE number = ?");
	sql_text(q, number);
	int rc = sql_done(q, err);
	bool moved;
	return rc == 0 ? order_move(db, number, ORDER_BIT(ORDER_CANCELLED), ORDER_PAID, now, &moved, err) : rc;
}

static int apply(struct hall *hall, struct sql *db, const struct bill *bill, int nth, const struct payment_result *result, int64_t now,
	struct error *err)
{
	char refund_no[PAYMENT_NO_SIZE];
	bool moved, can = false;
	int state = 0;
	int64_t ignored;
	int rc = order_move(db, bill->number, ORDER_BIT(ORDER_CREATED) | ORDER_BIT(ORDER_PAYING), ORDER_PAID, now, &moved, err);
	if (rc == 0 && moved)
		return note_payment(db, bill, result, now, err);
	if (rc == 0)
		rc = bill_state_of_order(db, bill->number, &state, &ignored, &ignored, err);
	if (rc == 0 && state == ORDER_CANCELLED)
		rc = can_go_on(hall, db, bill->number, now, &can, err);
	if (rc != 0)
		return rc;
	if (can) {
		rc = reopen(db, bill->number, now, err);
		return rc == 0 ? note_payment(db, bill, result, now, err) : rc;
	}
	rc = refund_store(hall, db, bill, nth, bill->gateway.amount_fen, "", "", now, refund_no, err); /* twice, or too late */
	return rc == 0 ? order_move(db, bill->number, ORDER_BIT(ORDER_CANCELLED), ORDER_REFUNDING, now, &moved, err) : rc;
}

int payment_count(struct hall *hall, struct sql *db, const struct bill *bill, int nth, const struct payment_result *result, int64_t now,
	struct error *err)
{
	int rc = release_payment(db, bill, nth, result, err);
	if (rc == 0)
		rc = audit_write(db, now, "payment.released", bill->number, err, "bill=%s nth=%d fen=%lld told=%lld way=staff", bill->gateway.bill_no, nth,
			(long long)result->amount_fen, (long long)result->told_fen);
	if (rc == 0)
		rc = mark_paid(db, bill, err);
	return rc == 0 ? apply(hall, db, bill, nth, result, now, err) : rc;
}

static int take_new(struct hall *hall, struct sql *db, const struct bill *bill, const struct known *known, const struct payment_result *result,
	enum learned way, int64_t now, const char **why, struct error *err)
{
	static const char *const names[] = { "notification", "query", "close" };
	int nth = known->nth != 0 ? known->nth : known->count + 1;
	bool held = **why != '\0';
	int rc = known->nth != 0 ? release_payment(db, bill, nth, result, err) : insert_payment(db, bill, nth, result, *why, now, err);
	if (rc == 0)
		rc = audit_write(db, now, held ? "payment.held" : known->nth != 0 ? "payment.released" : "payment.learned", bill->number, err,
			"bill=%s nth=%d fen=%lld told=%lld way=%s%s%s", bill->gateway.bill_no, nth, (long long)result->amount_fen,
			(long long)result->told_fen, names[way], held ? " why=" : "", *why);
	if (rc == 0 && !held)
		rc = mark_paid(db, bill, err);
	return rc == 0 && !held ? apply(hall, db, bill, nth, result, now, err) : rc;
}

static void tell(const struct hall *hall, const struct bill *bill, const struct known *known, const char *why, bool new)
{
	const char *bill_no = bill->gateway.bill_no;
	if (new && *why != '\0')
		log_line(LOG_LEVEL_ERROR, "payment", "bill %s: held for staff (%s)", bill_no, why);
	else if (new)
		log_line(LOG_LEVEL_INFO, "payment", "%s paid by bill %s%s", bill->number, bill_no, known->count > 0 && known->nth == 0 ? ", once more" : "");
	else if (*why != '\0' && known->state == PAYMENT_COUNTED)
		log_line(LOG_LEVEL_ERROR, "payment", "bill %s is paid, and is told of again otherwise (%s)", bill_no, why);
	if (new)
		order_publish(hall, bill->number);
}

int bill_paid(struct hall *hall, struct sql *db, const char *bill_no, const struct payment_result *result, enum learned way, int64_t now,
	struct error *err)
{
	struct bill bill;
	struct known known;
	const char *why = "";
	bool new = false;
	int rc = bill_load(db, bill_no, &bill, err);
	if (rc == 0 && bill.attempt == 0)
		rc = error_set(err, ERR_ORDER_NONE, NULL, "no such bill");
	fault_point("paid-learned", NULL);
	if (rc == 0)
		rc = sql_begin(db, err);
	if (rc != 0)
		return rc;
	rc = find_payment(db, bill_no, result, &known, err);
	if (rc == 0)
		rc = why_held(db, &bill, result, way == LEARNED_BY_NOTIFICATION && known.nth == 0, &why, err);
	new = rc == 0 && (known.nth == 0 || (known.state == PAYMENT_IS_HELD && known.clears && way != LEARNED_BY_NOTIFICATION && !known.back && *why == '\0'));
	if (new)
		rc = take_new(hall, db, &bill, &known, result, way, now, &why, err);
	rc = sql_commit(db, rc, err);
	if (rc != 0)
		return rc;
	tell(hall, &bill, &known, why, new);
	bool held = new ? *why != '\0' : known.state == PAYMENT_IS_HELD && !known.back;
	return held ? error_set(err, ERR_PAYMENT_HELD, NULL, "bill %s is held for staff", bill_no) : 0;
}

int payment_is_held(struct sql *db, const char *number, bool *held, struct error *err)
{
	struct sql_stmt *q = sql_prepare(db,
		"SELECT count(*) FROM payment p WHERE p.number = ? AND p.state = 1 AND NOT EXISTS"
		" (SELECT 1 FROM refund r WHERE r.bill_no = p.bill_no AND r.nth = p.nth AND r.state IN (0, 1))");
	sql_text(q, number);
	*held = sql_row(q) && sql_get_int(q, 0) > 0;
	return sql_done(q, err);
}

/* The gateway may confirm it in a moment: the sweep asks at each turn. The one that has waited longest makes room. */
static void ask_soon(struct hall *hall, const char *bill_no, int64_t now)
{
	pthread_mutex_lock(&hall->sweep_lock);
	struct soon *soon = &hall->soon[0];
	for (size_t i = 1; i < SWEEP_SOON && strcmp(soon->bill_no, bill_no) != 0; i++)
		if (hall->soon[i].until < soon->until || strcmp(hall->soon[i].bill_no, bill_no) == 0)
			soon = &hall->soon[i];
	snprintf(soon->bill_no, sizeof soon->bill_no, "%s", bill_no);
	soon->until = now + SOON_SECONDS;
	pthread_mutex_unlock(&hall->sweep_lock);
}

/* Whoever has the merchant's key can sign a notification. So nothing counts before the gateway itself, asked over TLS, has told of it; of a
 * bill it tells one payment, and another that only a notification tells of is held. */
static int notified(struct hall *hall, struct sql *db, const char *bill_no, const struct payment_result *told, int64_t now, struct error *err)
{
	struct bill bill;
	struct known known = { 0 };
	int rc = bill_load(db, bill_no, &bill, err);
	if (rc == 0 && bill.attempt == 0)
		rc = error_set(err, ERR_ORDER_NONE, NULL, "no such bill");
	if (rc == 0)
		rc = find_payment(db, bill_no, told, &known, err);
	if (rc == 0 && (known.nth == 0 || known.clears)) {
		rc = bill_ask(hall, db, &bill, now, err);
		if (rc == 0 || rc == ERR_PAYMENT_HELD)
			rc = find_payment(db, bill_no, told, &known, err);
		if (rc == 0 && known.count == 0)
			rc = error_set(err, ERR_PAYMENT_UNKNOWN, NULL, "bill %s: the gateway itself does not tell of a payment", bill_no);
		if (rc != 0)
			ask_soon(hall, bill_no, now);
	}
	return rc == 0 ? bill_paid(hall, db, bill_no, told, LEARNED_BY_NOTIFICATION, now, err) : rc;
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
	audit_as("bank");
	int rc = payment_notify(hall->payment, body->data != NULL ? (const char *)body->data : "", body->len, bill_no, &result, err);
	if (rc == 0 && result.status == PAYMENT_PAID)
		rc = notified(hall, call.db, bill_no, &result, call.now, err);
	if (rc == ERR_PAYMENT_HELD) /* it is written down: nothing is gained by hearing it again */
		rc = 0;
	if (rc != 0)
		log_line(LOG_LEVEL_WARN, "payment", "notification not taken: %s", err->detail);
	const char *words = payment_notify_answer(hall->payment, rc == 0);
	return hs_answer_bytes(request, 200, "text/plain", words, strlen(words));
}
