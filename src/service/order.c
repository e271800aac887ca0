#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <certhall/clock.h>
#include <certhall/log.h>

#include "service/service.h"

/* AZT, month, day and hour in China, five letters nobody can guess: AZT112217NR3QT. */
static int make_number(int64_t now, char out[24])
{
	static const char letters[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"; /* Crockford's: no I, L, O, U */
	uint8_t random[5];
	if (pki_random(random, sizeof random) != 0)
		return ERR_UNEXPECTED;
	char when[24];
	clock_date_time(now, when, sizeof when); /* 2026-11-22 17:... */
	snprintf(out, 24, "AZT%.2s%.2s%.2s%c%c%c%c%c", when + 5, when + 8, when + 11, letters[random[0] % 32], letters[random[1] % 32],
		letters[random[2] % 32], letters[random[3] % 32], letters[random[4] % 32]);
	return 0;
}

static int insert_order(struct call *call, const char *number, const struct project *project, const struct cert_info *info,
	const char *applicant, struct error *err)
{
	const struct settings *s = &call->hall->settings;
	struct sql_stmt *q = sql_prepare(call->db,
		"INSERT INTO orders (number, state, revision, created, expires, changed, amount_fen, price_note, project, project_name,"
		" algorithms, remove_old, old_not_after, new_not_after, validity_months, invoice_days, applicant)"
		" VALUES (?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
	sql_text(q, number);
	sql_int(q, ORDER_CREATED);
	sql_int(q, call->now);
	sql_int(q, call->now + s->pay_minutes * 60);
	sql_int(q, call->now);
	sql_int(q, project->price_fen);
	sql_text(q, project->price_note);
	sql_text(q, project->id);
	sql_text(q, project->name);
	sql_text(q, project->algorithms);
	sql_int(q, project->remove_old);
	sql_int(q, info->not_after);
	sql_int(q, order_promise(project, info->not_after, call->now));
	sql_int(q, project->validity_months);
	sql_int(q, s->invoice_days);
	sql_text(q, applicant);
	return sql_done(q, err);
}

static int insert_item(struct call *call, const char *number, struct error *err)
{
	struct sql_stmt *q = sql_prepare(call->db, "INSERT INTO order_item (number, role, old_fingerprint, state) VALUES (?, 'signing', ?, 0)");
	sql_text(q, number);
	sql_text(q, call->fingerprint);
	int rc = sql_done(q, err);
	if (rc != 0)
		return rc;
	q = sql_prepare(call->db, "INSERT INTO open_item (old_fingerprint, number) VALUES (?, ?)");
	sql_text(q, call->fingerprint);
	sql_text(q, number);
	return sql_done(q, err);
}

static int create(struct call *call, const char *applicant, char number[24], struct error *err)
{
	struct bytes der = { 0 };
	struct cert_info info;
	struct cert_standing standing;
	bool moved;
	int rc = cert_der(call->db, call->fingerprint, &der, err);
	if (rc == 0)
		rc = cert_stand(call->hall, call->db, &der, call->now, &info, &standing, err);
	if (rc == 0)
		rc = standing_refusal(&standing, &info, err);
	if (rc == 0 && make_number(call->now, number) != 0)
		rc = error_set(err, ERR_UNEXPECTED, "random", "no random bytes");
	if (rc == 0)
		rc = insert_order(call, number, project_of(call->hall, &info), &info, applicant, err);
	if (rc == 0)
		rc = insert_item(call, number, err);
	if (rc == 0)
		rc = order_move(call->db, number, ORDER_BIT(ORDER_CREATED), ORDER_SAME, call->now, &moved, err);
	bytes_free(&der);
	return rc;
}

/* Details may change while nothing is paid. */
static int update(struct call *call, const char *number, const char *applicant, struct error *err)
{
	bool moved;
	struct sql_stmt *q = sql_prepare(call->db, "UPDATE orders SET applicant = ? WHERE number = ? AND state IN (0, 1) AND applicant <> ?");
	sql_text(q, applicant);
	sql_text(q, number);
	sql_text(q, applicant);
	int64_t changed;
	int rc = sql_changed(q, &changed, err);
	if (rc != 0 || changed == 0)
		return rc;
	return order_move(call->db, number, ORDER_BIT(ORDER_CREATED) | ORDER_BIT(ORDER_PAYING), ORDER_SAME, call->now, &moved, err);
}

static int submit(struct call *call, const char *applicant, struct error *err)
{
	struct order_brief open = { 0 };
	char number[24] = "";
	int rc = sql_begin(call->db, err);
	if (rc != 0)
		return rc;
	rc = order_find_open(call->db, call->fingerprint, &open, err);
	bool new = rc == 0 && open.number[0] == '\0';
	if (!new)
		memcpy(number, open.number, sizeof number);
	if (rc == 0)
		rc = new ? create(call, applicant, number, err) : update(call, number, applicant, err);
	rc = sql_commit(call->db, rc, err);
	if (rc != 0)
		return rc;
	log_line(LOG_LEVEL_INFO, "order", "%s %s", number, new ? "made" : "submitted again");
	order_publish(call->hall, number);
	return order_answer(call, number, new ? 201 : 200, err);
}

HALL_HANDLER(orders_post)
{
	struct call call = call_begin(ctx, request, worker);
	struct order_request asked = { 0 };
	int rc = call_session(&call, err);
	if (rc == 0)
		rc = hs_read(request, order_request_codec, &asked, err);
	if (rc == 0 && !asked.acknowledged)
		rc = error_set(err, ERR_ACK_NEEDED, NULL, "not acknowledged");
	if (rc == 0)
		rc = applicant_check(&asked.applicant, err);
	char *applicant = rc == 0 ? codec_text(applicant_codec, &asked.applicant) : NULL;
	if (rc == 0)
		rc = applicant != NULL ? submit(&call, applicant, err) : error_set(err, ERR_NO_MEMORY, NULL, "applicant");
	free(applicant);
	return rc;
}

int order_owned(struct call *call, const char *number, struct error *err)
{
	struct sql_stmt *q = sql_prepare(call->db, "SELECT old_fingerprint FROM order_item WHERE number = ?");
	sql_text(q, number);
	bool found = false, owned = false;
	char fingerprint[FINGERPRINT];
	while (sql_row(q)) {
		found = true;
		owned = owned || strcmp(sql_get_text(q, 0, fingerprint, sizeof fingerprint), call->fingerprint) == 0;
	}
	int rc = sql_done(q, err);
	if (rc != 0 || owned)
		return rc;
	return error_set(err, found ? ERR_FORBIDDEN : ERR_ORDER_NONE, NULL, "order");
}

int order_answer(struct call *call, const char *number, int status, struct error *err)
{
	struct order order;
	int rc = order_load(call->hall, call->db, number, &order, err);
	if (rc == 0)
		rc = hs_answer(call->request, status, order_codec, &order);
	order_free(&order);
	return rc;
}

HALL_HANDLER(order_get)
{
	struct call call = call_begin(ctx, request, worker);
	int rc = call_session(&call, err);
	if (rc == 0)
		rc = order_owned(&call, hs_param(request), err);
	return rc != 0 ? rc : order_answer(&call, hs_param(request), 200, err);
}

HALL_HANDLER(order_events)
{
	struct call call = call_begin(ctx, request, worker);
	int rc = call_session(&call, err);
	if (rc == 0)
		rc = order_owned(&call, hs_param(request), err);
	const char *last = hs_header(request, "Last-Event-ID");
	if (last != NULL && (strlen(last) > 18 || last[strspn(last, "0123456789")] != '\0'))
		last = NULL;
	return rc != 0 ? rc : hs_answer_stream(request, hs_param(request), last != NULL ? atoll(last) : 0, call.session_until);
}

typedef int order_step_fn(struct hall *hall, struct sql *db, const char *number, int64_t now, struct error *err);

static int step(void *ctx, struct hs_request *request, int worker, order_step_fn *fn, struct error *err)
{
	struct call call = call_begin(ctx, request, worker);
	const char *number = hs_param(request);
	int rc = call_session(&call, err);
	if (rc == 0)
		rc = order_owned(&call, number, err);
	if (rc != 0)
		return rc;
	order_lock(call.hall, LOCK_BILL, number);
	rc = fn(call.hall, call.db, number, call.now, err);
	order_unlock(call.hall, LOCK_BILL, number);
	return rc != 0 ? rc : order_answer(&call, number, 200, err);
}

HALL_HANDLER(order_payment)
{
	return step(ctx, request, worker, bill_ensure, err);
}

HALL_HANDLER(order_payment_query)
{
	return step(ctx, request, worker, bill_query, err);
}

HALL_HANDLER(order_cancel)
{
	return step(ctx, request, worker, bill_cancel, err);
}
