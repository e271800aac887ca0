#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <certhall/clock.h>
#include <certhall/fault.h>

#include "service/service.h"

static const char order_columns[] =
	"SELECT number, state, revision, created, expires, amount_fen, price_note, project, project_name, algorithms, remove_old,"
	" old_not_after, new_not_after, validity_months, invoice_days, applicant, wallet, paid_at FROM orders WHERE number = ?";

static int read_applicant(struct sql_stmt *q, int column, struct applicant *out, struct error *err)
{
	char text[4096];
	sql_get_text(q, column, text, sizeof text);
	return codec_parse(applicant_codec, text, strlen(text), out, err);
}

static int load_order(struct sql *db, const char *number, struct order *out, struct error *err)
{
	struct sql_stmt *q = sql_prepare(db, order_columns);
	sql_text(q, number);
	bool found = sql_row(q);
	int bad = 0;
	if (found) {
		sql_get_text(q, 0, out->number, sizeof out->number);
		out->state = (int)sql_get_int(q, 1);
		out->revision = sql_get_int(q, 2);
		out->created = sql_get_int(q, 3);
		out->expires = out->state <= ORDER_PAYING ? sql_get_int(q, 4) : 0;
		out->amount_fen = sql_get_int(q, 5);
		sql_get_text(q, 6, out->price_note, sizeof out->price_note);
		sql_get_text(q, 7, out->project, sizeof out->project);
		sql_get_text(q, 8, out->project_name, sizeof out->project_name);
		sql_get_text(q, 9, out->algorithms, sizeof out->algorithms);
		out->remove_old = sql_get_int(q, 10) != 0;
		out->old_not_after = sql_get_int(q, 11);
		out->new_not_after = sql_get_int(q, 12);
		out->validity_months = sql_get_int(q, 13);
		out->invoice_days = sql_get_int(q, 14);
		bad = read_applicant(q, 15, &out->applicant, err);
		sql_get_text(q, 16, out->payment.wallet, sizeof out->payment.wallet);
		out->payment.paid_at = sql_get_int(q, 17);
	}
	int rc = sql_done(q, err);
	if (rc == 0 && !found)
		return error_set(err, ERR_ORDER_NONE, NULL, "no such order");
	return rc != 0 ? rc : bad;
}

static int load_items(struct sql *db, struct order *out, struct error *err)
{
	struct sql_stmt *q = sql_prepare(db,
		"SELECT i.role, i.state, i.old_fingerprint, i.spki_sha256, c.der FROM order_item i LEFT JOIN certificate c"
		" ON c.fingerprint = i.new_fingerprint WHERE i.number = ? ORDER BY i.role DESC");
	sql_text(q, out->number);
	while (out->items_count < MODEL_ITEMS && sql_row(q)) {
		struct order_item *item = &out->items[out->items_count++];
		sql_get_text(q, 0, item->role, sizeof item->role);
		item->state = (int)sql_get_int(q, 1);
		sql_get_text(q, 2, item->old_fingerprint, sizeof item->old_fingerprint);
		sql_get_text(q, 3, item->spki_sha256, sizeof item->spki_sha256);
		if (!sql_get_null(q, 4))
			sql_get_blob(q, 4, &item->certificate);
	}
	return sql_done(q, err);
}

static int load_payment(struct sql *db, struct order *out, struct error *err)
{
	snprintf(out->payment.method, sizeof out->payment.method, "aggregate");
	if (out->state != ORDER_PAYING)
		return 0;
	struct sql_stmt *q = sql_prepare(db, "SELECT qr_url, expires FROM bill WHERE number = ? AND state = 1 ORDER BY attempt DESC LIMIT 1");
	sql_text(q, out->number);
	if (sql_row(q)) {
		sql_get_text(q, 0, out->payment.qr_url, sizeof out->payment.qr_url);
		out->payment.expires = sql_get_int(q, 1);
	}
	return sql_done(q, err);
}

static int load_chain(struct hall *hall, struct order *out)
{
	size_t count;
	const struct bytes *chain = ca_chain(hall->ca, &count);
	bool issued = false;
	for (size_t i = 0; i < out->items_count; i++)
		issued = issued || out->items[i].certificate.len > 0;
	int rc = 0;
	for (size_t i = 0; issued && rc == 0 && i < count && i < MODEL_CHAIN; i++)
		rc = bytes_set(&out->chain[out->chain_count++].der, chain[i].data, chain[i].len);
	return rc;
}

int order_load(struct hall *hall, struct sql *db, const char *number, struct order *out, struct error *err)
{
	*out = (struct order){ .time = clock_now() };
	int rc = load_order(db, number, out, err);
	if (rc == 0)
		rc = load_items(db, out, err);
	if (rc == 0)
		rc = load_payment(db, out, err);
	if (rc == 0 && load_chain(hall, out) != 0)
		rc = error_set(err, ERR_NO_MEMORY, NULL, "chain");
	return rc;
}

void order_free(struct order *order)
{
	codec_free(order_codec, order);
}

int order_find_open(struct sql *db, const char *fingerprint, struct order_brief *out, struct error *err)
{
	struct sql_stmt *q = sql_prepare(db,
		"SELECT o.number, o.state, o.expires FROM open_item i JOIN orders o ON o.number = i.number WHERE i.old_fingerprint = ?");
	sql_text(q, fingerprint);
	if (sql_row(q)) {
		sql_get_text(q, 0, out->number, sizeof out->number);
		out->state = (int)sql_get_int(q, 1);
		out->expires = out->state <= ORDER_PAYING ? sql_get_int(q, 2) : 0;
	}
	return sql_done(q, err);
}

int order_fingerprints(struct sql *db, const char *number, bool new, char out[MODEL_ITEMS][FINGERPRINT], size_t *count, struct error *err)
{
	struct sql_stmt *q = sql_prepare(db, new ? "SELECT new_fingerprint FROM order_item WHERE number = ? AND new_fingerprint IS NOT NULL"
						 : "SELECT old_fingerprint FROM order_item WHERE number = ?");
	sql_text(q, number);
	*count = 0;
	while (*count < MODEL_ITEMS && sql_row(q))
		sql_get_text(q, 0, out[(*count)++], sizeof *out);
	return sql_done(q, err);
}

/* Of this certificate, or of the one it was renewed from. */
int order_last_applicant(struct sql *db, const char *fingerprint, struct applicant *out, bool *found, struct error *err)
{
	struct sql_stmt *q = sql_prepare(db,
		"SELECT o.applicant FROM order_item i JOIN orders o ON o.number = i.number"
		" WHERE i.old_fingerprint = ? OR i.new_fingerprint = ? ORDER BY o.created DESC LIMIT 1");
	sql_text(q, fingerprint);
	sql_text(q, fingerprint);
	*found = sql_row(q);
	int bad = *found ? read_applicant(q, 0, out, err) : 0;
	int rc = sql_done(q, err);
	return rc != 0 ? rc : bad;
}

int64_t order_promise(const struct project *project, int64_t not_after, int64_t now)
{
	return now <= not_after ? clock_add_months(not_after, (int)project->validity_months) : 0;
}

static int write_event(struct sql *db, const char *number, int64_t revision, int state, int64_t now, struct error *err)
{
	char body[64];
	snprintf(body, sizeof body, "{\"state\":\"%s\"}", order_state_names[state]);
	struct sql_stmt *q = sql_prepare(db, "INSERT INTO event (subject, seq, at, body) VALUES (?, ?, ?, ?)");
	sql_text(q, number);
	sql_int(q, revision);
	sql_int(q, now);
	sql_text(q, body);
	return sql_done(q, err);
}

int order_move(struct sql *db, const char *number, int from_mask, int to, int64_t now, bool *moved, struct error *err)
{
	struct sql_stmt *q = sql_prepare(db, "UPDATE orders SET state = CASE ? WHEN ? THEN state ELSE ? END, revision = revision + 1, changed = ?"
		" WHERE number = ? AND (? >> state) & 1 RETURNING revision, state");
	sql_int(q, to);
	sql_int(q, ORDER_SAME);
	sql_int(q, to);
	sql_int(q, now);
	sql_text(q, number);
	sql_int(q, from_mask);
	int64_t revision = 0, state = 0;
	*moved = sql_row(q);
	if (*moved) {
		revision = sql_get_int(q, 0);
		state = sql_get_int(q, 1);
	}
	int rc = sql_done(q, err);
	if (rc != 0 || !*moved)
		return rc;
	if (fault_point("order", order_state_names[state]))
		return error_set(err, ERR_FILE, "database", "fault");
	if (to == ORDER_INSTALLED || to == ORDER_CANCELLED || to == ORDER_REFUNDING) {
		q = sql_prepare(db, "DELETE FROM open_item WHERE number = ?");
		sql_text(q, number);
		rc = sql_done(q, err);
	}
	if (rc == 0)
		rc = write_event(db, number, revision, (int)state, now, err);
	char action[24];
	snprintf(action, sizeof action, "order.%s", order_state_names[state]);
	return rc == 0 ? audit_write(db, now, action, number, err, "revision=%lld", (long long)revision) : rc;
}

int order_item_states(struct sql *db, const char *number, enum item_state least, bool *all, struct error *err)
{
	struct sql_stmt *q = sql_prepare(db, "SELECT count(*) FROM order_item WHERE number = ? AND state < ?");
	sql_text(q, number);
	sql_int(q, least);
	*all = sql_row(q) && sql_get_int(q, 0) == 0;
	return sql_done(q, err);
}

void order_publish(const struct hall *hall, const char *number)
{
	if (hall->server != NULL)
		hs_publish(hall->server, number);
}

int order_render(void *ctx, const char *number, int worker, int64_t *seq, struct bytes *event, bool *last, struct error *err)
{
	struct hall *hall = ctx;
	struct order order;
	int rc = order_load(hall, hall->db[worker], number, &order, err);
	char *json = rc == 0 ? codec_text(order_codec, &order) : NULL;
	if (rc == 0 && json == NULL)
		rc = error_set(err, ERR_NO_MEMORY, NULL, "event");
	char head[64];
	*seq = order.revision;
	*last = order.state == ORDER_INSTALLED || order.state == ORDER_CANCELLED || order.state == ORDER_REFUNDED;
	int used = snprintf(head, sizeof head, "event: order\nid: %lld\ndata: ", (long long)order.revision);
	if (rc == 0 && (bytes_append(event, head, (size_t)used) != 0 || bytes_append(event, json, strlen(json)) != 0
			|| bytes_append(event, "\n\n", 2) != 0))
		rc = error_set(err, ERR_NO_MEMORY, NULL, "event");
	free(json);
	order_free(&order);
	return rc;
}

static pthread_mutex_t *lock_of(struct hall *hall, enum order_lock about, const char *number)
{
	unsigned h = 0;
	for (; *number != '\0'; number++)
		h = h * 31 + (unsigned char)*number;
	return &hall->order_locks[about][h % ORDER_LOCKS];
}

void order_lock(struct hall *hall, enum order_lock about, const char *number)
{
	pthread_mutex_lock(lock_of(hall, about, number));
}

void order_unlock(struct hall *hall, enum order_lock about, const char *number)
{
	pthread_mutex_unlock(lock_of(hall, about, number));
}
