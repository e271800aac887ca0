#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <certhall/fault.h>
#include <certhall/i18n.h>
#include <certhall/log.h>

#include "service/invoice.h"
#include "service/invoice/issuer.h"

enum { BATCH = 32, TRIES = 8, WAIT_FIRST = 30, CATCH_UP = 500 };

struct due {
	char id[40], order[24], number[24];
	int64_t tries, amount_fen;
	struct applicant applicant;
};

static int load_due(struct sql *db, const char id[40], struct due *out, struct error *err)
{
	char text[4096] = "";
	struct sql_stmt *q = sql_prepare(db, "SELECT v.number, v.invoice_no, v.tries, v.amount_fen, o.applicant FROM invoice v"
		" JOIN orders o ON o.number = v.number WHERE v.id = ?");
	sql_text(q, id);
	if (sql_row(q)) {
		sql_get_text(q, 0, out->order, sizeof out->order);
		sql_get_text(q, 1, out->number, sizeof out->number);
		out->tries = sql_get_int(q, 2);
		out->amount_fen = sql_get_int(q, 3);
		sql_get_text(q, 4, text, sizeof text);
	}
	memcpy(out->id, id, sizeof out->id);
	int rc = sql_done(q, err);
	return rc == 0 ? codec_parse(applicant_codec, text, strlen(text), &out->applicant, err) : rc;
}

/* Written down before the document is made: after a crash the same order gets the same number. */
static int number_it(struct hall *hall, struct due *due, int64_t now, struct error *err)
{
	struct sql *db = hall->db[0];
	int64_t sequence = 0;
	int rc = sql_begin(db, err);
	if (rc != 0)
		return rc;
	struct sql_stmt *q = sql_prepare(db, "UPDATE counter SET last = last + 1 WHERE name = 'invoice' RETURNING last");
	if (sql_row(q))
		sequence = sql_get_int(q, 0);
	rc = sql_done(q, err);
	if (rc == 0) {
		issuer_number(hall->issuer, sequence, now, due->number);
		q = sql_prepare(db, "UPDATE invoice SET invoice_no = ? WHERE id = ? AND invoice_no IS NULL");
		sql_text(q, due->number);
		sql_text(q, due->id);
		rc = sql_done(q, err);
	}
	rc = sql_commit(db, rc, err);
	fault_point("invoice-numbered", NULL);
	return rc;
}

static int store_file(struct sql *db, const char *id, const char *format, const struct bytes *content, struct error *err)
{
	uint8_t digest[PKI_SHA256];
	char hex[65];
	pki_sha256(content->data, content->len, digest);
	struct sql_stmt *q = sql_prepare(db, "INSERT INTO invoice_file (id, format, size, sha256, content) VALUES (?, ?, ?, ?, ?)");
	sql_text(q, id);
	sql_text(q, format);
	sql_int(q, (int64_t)content->len);
	sql_text(q, hex_encode(digest, sizeof digest, hex));
	sql_blob(q, content->data, content->len);
	return sql_done(q, err);
}

static int store_issued(struct sql *db, const struct due *due, const struct invoice_documents *documents, int64_t now, struct error *err)
{
	int64_t changed = 0;
	int rc = sql_begin(db, err);
	if (rc != 0)
		return rc;
	struct sql_stmt *q = sql_prepare(db, "UPDATE invoice SET state = 1, issued = ?, reason = '', invoice_no = ? WHERE id = ? AND state = 0");
	sql_int(q, now);
	sql_text(q, documents->number);
	sql_text(q, due->id);
	rc = sql_changed(q, &changed, err);
	if (rc == 0 && changed == 1)
		rc = store_file(db, due->id, "pdf", &documents->pdf, err);
	if (rc == 0 && changed == 1)
		rc = store_file(db, due->id, "xml", &documents->xml, err);
	if (rc == 0 && changed == 1)
		rc = audit_write(db, now, "invoice.issued", due->order, err, "number=%s", documents->number);
	rc = sql_commit(db, rc, err);
	fault_point("invoice-stored", NULL);
	return rc;
}

/* Later again, with growing waits; what was refused, or fails too often, is left to somebody. */
static void put_off(struct sql *db, const struct due *due, const struct error *why, int64_t now)
{
	bool over = why->code == ERR_INVOICE_REFUSED || due->tries + 1 >= TRIES;
	struct error err;
	struct sql_stmt *q = sql_prepare(db, "UPDATE invoice SET tries = tries + 1, due = ?, state = ?, reason = ? WHERE id = ? AND state = 0");
	sql_int(q, now + ((int64_t)WAIT_FIRST << due->tries));
	sql_int(q, over ? INVOICE_FAILED : INVOICE_WAITING);
	sql_text(q, why->param[0] != '\0' ? why->param : error_name(why->code));
	sql_text(q, due->id);
	if (sql_done(q, &err) != 0)
		log_error("invoice", &err);
}

static void issue_one(struct hall *hall, const char id[40], int64_t now)
{
	struct due due = { 0 };
	struct error err = { 0 };
	struct invoice_documents documents = { 0 };
	int rc = load_due(hall->db[0], id, &due, &err);
	if (rc == 0 && due.number[0] == '\0')
		rc = number_it(hall, &due, now, &err);
	const struct applicant *a = &due.applicant;
	const struct invoice_order order = { .order = due.order, .number = due.number, .title = a->title, .tax_no = a->tax_no,
		.address = a->detailed ? a->address : "", .phone = a->detailed ? a->unit_phone : "", .bank = a->detailed ? a->bank : "",
		.account = a->detailed ? a->account : "", .amount_fen = due.amount_fen, .issued = now };
	if (rc == 0)
		rc = issuer_issue(hall->issuer, &order, &documents, &err);
	if (rc == 0)
		rc = store_issued(hall->db[0], &due, &documents, now, &err);
	if (rc != 0) {
		log_error("invoice", &err);
		put_off(hall->db[0], &due, &err, now);
	} else {
		log_line(LOG_LEVEL_INFO, "invoice", "order %s: %s", due.order, documents.number);
	}
	invoice_documents_free(&documents);
}

void invoice_try(struct hall *hall)
{
	struct error err;
	if (hall->issuer != NULL && issuer_try(hall->issuer, &err) != 0)
		log_error("invoice", &err);
}

/* Gives how many there were. */
static int catch_up(struct hall *hall, char last[24], int64_t now, struct error *err)
{
	struct { char number[24]; int64_t installed; } orders[CATCH_UP];
	struct sql *db = hall->db[0];
	int count = 0;
	struct sql_stmt *q = sql_prepare(db, "SELECT o.number, o.changed FROM orders o WHERE o.number > ? AND o.state = ?"
		" AND NOT EXISTS (SELECT 1 FROM invoice v WHERE v.number = o.number) ORDER BY o.number LIMIT ?");
	sql_text(q, last);
	sql_int(q, ORDER_INSTALLED);
	sql_int(q, CATCH_UP);
	for (; count < CATCH_UP && sql_row(q); count++) {
		sql_get_text(q, 0, orders[count].number, sizeof orders->number);
		orders[count].installed = sql_get_int(q, 1);
	}
	int rc = sql_done(q, err);
	if (rc == 0 && count > 0 && (rc = sql_begin(db, err)) == 0) {
		for (int i = 0; rc == 0 && i < count; i++)
			rc = invoice_wait(db, orders[i].number, now, orders[i].installed + hall->settings.invoice_delay * 60, err);
		memcpy(last, orders[count - 1].number, sizeof orders->number);
		rc = sql_commit(db, rc, err);
	}
	return rc == 0 ? count : -1;
}

bool invoice_catch_up(struct hall *hall, char last[24], int64_t now)
{
	struct error err;
	int count = catch_up(hall, last, now, &err);
	if (count < 0)
		log_error("invoice", &err);
	if (count > 0)
		log_line(LOG_LEVEL_INFO, "invoice", "%d orders from before there were invoices get theirs, the last is %s", count, last);
	return count == CATCH_UP;
}

void invoice_sweep(struct hall *hall, int64_t now)
{
	char ids[BATCH][40];
	int found = 0;
	struct error err;
	if (hall->issuer == NULL)
		return;
	struct sql_stmt *q = sql_prepare(hall->db[0], "SELECT id FROM invoice WHERE state = 0 AND due <= ? ORDER BY due LIMIT 32");
	sql_int(q, now);
	while (found < BATCH && sql_row(q))
		sql_get_text(q, 0, ids[found++], sizeof ids[0]);
	if (sql_done(q, &err) != 0) {
		log_error("invoice", &err);
		return;
	}
	for (int i = 0; i < found; i++)
		issue_one(hall, ids[i], now);
}

int invoice_retry(struct sql *db, const char *order, int64_t now, struct error *err)
{
	int64_t changed;
	struct sql_stmt *q = sql_prepare(db, "UPDATE invoice SET state = 0, tries = 0, due = ? WHERE number = ? AND state = 2");
	sql_int(q, now);
	sql_text(q, order);
	int rc = sql_changed(q, &changed, err);
	return rc != 0 || changed == 1 ? rc : error_set(err, ERR_STAFF_REFUSED, order, _("it has no invoice that failed"));
}
