#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <certhall/clock.h>
#include <certhall/fault.h>
#include <certhall/log.h>

#include "service/invoice.h"

/* Issuing: the request is checked, what will be signed is written down, signed, and the result written down. A repeat finds
 * the plan or the result and comes to the same certificate. */

struct item {
	int state, attempt;
	char old_fingerprint[FINGERPRINT], spki_sha256[65], new_fingerprint[FINGERPRINT];
	struct bytes csr, old_cert;
	struct ca_plan plan;
};

struct order_terms {
	int state;
	char algorithms[64];
	int64_t new_not_after, validity_months;
};

static void item_free(struct item *item)
{
	bytes_free(&item->csr);
	bytes_free(&item->old_cert);
}

static int load_item(struct sql *db, const char *number, const char *role, struct item *out, struct error *err)
{
	struct sql_stmt *q = sql_prepare(db,
		"SELECT i.state, i.attempt, i.old_fingerprint, i.spki_sha256, i.new_fingerprint, i.csr, i.plan_transaction, i.plan_serial,"
		" i.plan_not_before, i.plan_not_after, c.der FROM order_item i JOIN certificate c ON c.fingerprint = i.old_fingerprint"
		" WHERE i.number = ? AND i.role = ?");
	sql_text(q, number);
	sql_text(q, role);
	bool found = sql_row(q);
	if (found) {
		out->state = (int)sql_get_int(q, 0);
		out->attempt = (int)sql_get_int(q, 1);
		sql_get_text(q, 2, out->old_fingerprint, sizeof out->old_fingerprint);
		sql_get_text(q, 3, out->spki_sha256, sizeof out->spki_sha256);
		sql_get_text(q, 4, out->new_fingerprint, sizeof out->new_fingerprint);
		sql_get_blob(q, 5, &out->csr);
		sql_get_text(q, 6, out->plan.transaction, sizeof out->plan.transaction);
		sql_get_text(q, 7, out->plan.serial, sizeof out->plan.serial);
		out->plan.not_before = sql_get_int(q, 8);
		out->plan.not_after = sql_get_int(q, 9);
		sql_get_blob(q, 10, &out->old_cert);
	}
	int rc = sql_done(q, err);
	return rc != 0 || found ? rc : error_set(err, ERR_INVALID_FIELD, "role", "the order has no such certificate");
}

static int load_terms(struct sql *db, const char *number, struct order_terms *out, struct error *err)
{
	struct sql_stmt *q = sql_prepare(db, "SELECT state, algorithms, new_not_after, validity_months FROM orders WHERE number = ?");
	sql_text(q, number);
	if (sql_row(q)) {
		out->state = (int)sql_get_int(q, 0);
		sql_get_text(q, 1, out->algorithms, sizeof out->algorithms);
		out->new_not_after = sql_get_int(q, 2);
		out->validity_months = sql_get_int(q, 3);
	}
	return sql_done(q, err);
}

static int check_state(const struct order_terms *terms, struct error *err)
{
	if (terms->state == ORDER_CREATED || terms->state == ORDER_PAYING)
		return error_set(err, ERR_NOT_PAID, NULL, "%s", order_state_names[terms->state]);
	if (terms->state > ORDER_INSTALLED)
		return error_set(err, ERR_ORDER_STATE, NULL, "%s", order_state_names[terms->state]);
	return 0;
}

static bool allows(const char *algorithms, const char *algorithm)
{
	size_t len = strlen(algorithm);
	for (const char *at = algorithms; at != NULL; at = strchr(at, ',')) {
		at += *at == ',';
		if (strncmp(at, algorithm, len) == 0 && (at[len] == ',' || at[len] == '\0'))
			return true;
	}
	return false;
}

struct proof {
	char nonce[64], spki_sha256[65];
	int64_t expires;
};

static int check_request(struct call *call, const char *number, const struct cert_request *asked, const struct item *item,
	const struct order_terms *terms, struct proof *out, struct error *err)
{
	struct bytes spki = { 0 }, statement = { 0 };
	char algorithm[24];
	int rc = challenge_check(call->hall, asked->challenge, "request", call->now, out->nonce, &out->expires, err);
	if (rc == 0)
		rc = csr_check(asked->csr.data, asked->csr.len, item->old_cert.data, item->old_cert.len, &spki, algorithm, err);
	if (rc == 0 && !allows(terms->algorithms, algorithm))
		rc = error_set(err, ERR_ALGORITHM_NOT_ALLOWED, algorithm, "not in %s", terms->algorithms);
	if (rc == 0)
		rc = pki_statement("request", call->hall->settings.audience, number, out->nonce, asked->csr.data, asked->csr.len, &statement);
	if (rc == 0)
		rc = cms_verify(asked->proof.data, asked->proof.len, item->old_cert.data, item->old_cert.len, statement.data, statement.len, err);
	if (rc == 0) {
		uint8_t digest[PKI_SHA256];
		pki_sha256(spki.data, spki.len, digest);
		hex_encode(digest, sizeof digest, out->spki_sha256);
	}
	bytes_free(&statement);
	bytes_free(&spki);
	return rc;
}

/* A key may not stand under a second certificate, least of all the old one. */
static int check_new_key(struct sql *db, const char *spki_sha256, struct error *err)
{
	struct sql_stmt *q = sql_prepare(db, "SELECT count(*) FROM certificate WHERE spki_sha256 = ?");
	sql_text(q, spki_sha256);
	bool known = sql_row(q) && sql_get_int(q, 0) > 0;
	int rc = sql_done(q, err);
	return rc == 0 && known ? error_set(err, ERR_CSR_INVALID, "key", "the key has a certificate already") : rc;
}

static int bind_item(struct call *call, const char *number, const char *role, const struct item *item, const char *spki_sha256,
	struct error *err)
{
	struct sql_stmt *q = sql_prepare(call->db,
		"UPDATE order_item SET state = ?, attempt = ?, spki_sha256 = ?, csr = ?, plan_transaction = ?, plan_serial = ?,"
		" plan_not_before = ?, plan_not_after = ?, new_fingerprint = NULL WHERE number = ? AND role = ? AND attempt = ? AND state < ?");
	sql_int(q, ITEM_BOUND);
	sql_int(q, item->attempt + 1);
	sql_text(q, spki_sha256);
	sql_blob(q, item->csr.data, item->csr.len);
	sql_text(q, item->plan.transaction);
	sql_text(q, item->plan.serial);
	sql_int(q, item->plan.not_before);
	sql_int(q, item->plan.not_after);
	sql_text(q, number);
	sql_text(q, role);
	sql_int(q, item->attempt);
	sql_int(q, ITEM_INSTALLED);
	int64_t changed;
	int rc = sql_changed(q, &changed, err);
	return rc != 0 || changed == 1 ? rc : error_set(err, ERR_ORDER_STATE, NULL, "another request was faster");
}

/* Binds the order's certificate to this key and writes down what will be signed. */
static int plan(struct call *call, const char *number, const struct cert_request *asked, const struct proof *proof,
	const struct order_terms *terms, struct item *item, struct error *err)
{
	bool moved;
	struct hall *hall = call->hall;
	if (item->attempt > hall->settings.rekeys)
		return error_set(err, ERR_KEY_OTHER, NULL, "bound to another key, and that %d times", item->attempt);
	int64_t end = terms->new_not_after != 0 ? terms->new_not_after : clock_add_months(call->now, (int)terms->validity_months);
	int rc = check_new_key(call->db, proof->spki_sha256, err);
	if (rc == 0)
		rc = ca_plan_new(hall->ca, number, asked->role, item->attempt + 1, call->now, end, &item->plan, err);
	if (rc == 0 && bytes_set(&item->csr, asked->csr.data, asked->csr.len) != 0)
		rc = error_set(err, ERR_NO_MEMORY, NULL, "csr");
	if (rc == 0)
		rc = sql_begin(call->db, err);
	if (rc != 0)
		return rc;
	rc = challenge_use(call->db, asked->challenge, proof->expires, err);
	if (rc == 0 && item->new_fingerprint[0] != '\0') /* the key of the first one is lost */
		rc = cert_revoke(call->db, item->new_fingerprint, REASON_SUPERSEDED, call->now, err);
	if (rc == 0)
		rc = bind_item(call, number, asked->role, item, proof->spki_sha256, err);
	if (rc == 0)
		rc = audit_write(call->db, call->now, "certificate.planned", number, err, "role=%s attempt=%d key=%.16s", asked->role, item->attempt + 1,
			proof->spki_sha256);
	if (rc == 0)
		rc = order_move(call->db, number, ORDER_BIT(ORDER_PAID) | ORDER_BIT(ORDER_ISSUED), ORDER_PAID, call->now, &moved, err);
	if (rc == 0 && !moved)
		rc = error_set(err, ERR_ORDER_STATE, NULL, "no longer paid");
	rc = sql_commit(call->db, rc, err);
	fault_point("plan-stored", NULL);
	return rc;
}

static int store_certificate(struct call *call, const char *number, const char *role, const struct item *item, const struct bytes *der,
	struct error *err)
{
	struct cert_info info;
	char masked[64];
	bool all, moved = false;
	int rc = cert_info_read(der->data, der->len, &info, err);
	if (rc == 0)
		rc = sql_begin(call->db, err);
	if (rc != 0)
		return rc;
	rc = cert_record(call->db, der, &info, true, call->now, err);
	if (rc == 0) {
		struct sql_stmt *q = sql_prepare(call->db,
			"UPDATE order_item SET state = ?, new_fingerprint = ? WHERE number = ? AND role = ? AND plan_transaction = ? AND state = ?");
		sql_int(q, ITEM_ISSUED);
		sql_text(q, info.fingerprint);
		sql_text(q, number);
		sql_text(q, role);
		sql_text(q, item->plan.transaction);
		sql_int(q, ITEM_BOUND);
		rc = sql_done(q, err);
	}
	if (rc == 0)
		rc = audit_write(call->db, call->now, "certificate.issued", number, err, "role=%s fingerprint=%.16s serial=%s", role, info.fingerprint,
			log_mask(info.serial, masked, sizeof masked));
	if (rc == 0)
		rc = order_item_states(call->db, number, ITEM_ISSUED, &all, err);
	if (rc == 0)
		rc = order_move(call->db, number, ORDER_BIT(ORDER_PAID), all ? ORDER_ISSUED : ORDER_SAME, call->now, &moved, err);
	if (rc == 0 && !moved) /* it was signed while the money went back */
		rc = cert_revoke(call->db, info.fingerprint, REASON_WITHDRAWN, call->now, err);
	rc = sql_commit(call->db, rc, err);
	return rc != 0 || moved ? rc : error_set(err, ERR_ORDER_STATE, NULL, "no longer paid");
}

static int sign(struct call *call, const char *number, const char *role, const struct item *item, struct error *err)
{
	struct bytes der = { 0 };
	char masked[64];
	int rc = ca_issue(call->hall->ca, &item->plan, &item->csr, &item->old_cert, &der, err);
	fault_point("signed", NULL);
	if (rc == 0)
		rc = store_certificate(call, number, role, item, &der, err);
	fault_point("certificate-stored", NULL);
	bytes_free(&der);
	if (rc == 0)
		log_line(LOG_LEVEL_INFO, "issue", "%s %s: serial %s", number, role, log_mask(item->plan.serial, masked, sizeof masked));
	return rc;
}

static int request_certificate(struct call *call, const char *number, const struct cert_request *asked, struct item *item,
	struct error *err)
{
	struct order_terms terms = { 0 };
	struct proof proof;
	struct cert_info info;
	struct cert_record record = { 0 };
	int rc = load_terms(call->db, number, &terms, err);
	if (rc == 0)
		rc = check_state(&terms, err);
	if (rc == 0)
		rc = load_item(call->db, number, asked->role, item, err);
	if (rc == 0)
		rc = check_request(call, number, asked, item, &terms, &proof, err);
	if (rc == 0)
		rc = cert_info_read(item->old_cert.data, item->old_cert.len, &info, err);
	if (rc == 0)
		rc = cert_record_read(call->db, &info, &record, err);
	if (rc == 0 && record.revoked && !record.superseded)
		rc = error_set(err, ERR_CERT_REVOKED, NULL, "revoked since");
	if (rc != 0)
		return rc;
	bool same = strcmp(item->spki_sha256, proof.spki_sha256) == 0;
	if (same && item->state >= ITEM_ISSUED)
		return 0;
	if (item->state == ITEM_INSTALLED)
		return error_set(err, ERR_KEY_OTHER, NULL, "installed with another key");
	if (!same)
		rc = plan(call, number, asked, &proof, &terms, item, err);
	return rc == 0 ? sign(call, number, asked->role, item, err) : rc;
}

HALL_HANDLER(order_requests)
{
	struct call call = call_begin(ctx, request, worker);
	const char *number = hs_param(request);
	struct cert_request asked = { 0 };
	struct item item = { 0 };
	int rc = call_session(&call, err);
	if (rc == 0)
		rc = order_owned(&call, number, err);
	if (rc == 0)
		rc = hs_read(request, cert_request_codec, &asked, err);
	if (rc == 0) {
		order_lock(call.hall, LOCK_ISSUE, number);
		rc = request_certificate(&call, number, &asked, &item, err);
		order_unlock(call.hall, LOCK_ISSUE, number);
		order_publish(call.hall, number);
	}
	item_free(&item);
	codec_free(cert_request_codec, &asked);
	return rc == 0 ? order_answer(&call, number, 200, err) : rc;
}

static int check_report(struct call *call, const char *number, const struct install_report *report, const struct item *item,
	int64_t *expires, struct error *err)
{
	char nonce[64];
	struct bytes der = { 0 }, statement = { 0 };
	if (item->state < ITEM_ISSUED)
		return error_set(err, ERR_ORDER_STATE, NULL, "not issued yet");
	if (strcmp(report->certificate_sha256, item->new_fingerprint) != 0)
		return error_set(err, ERR_INVALID_FIELD, "certificate_sha256", "another certificate");
	int rc = challenge_check(call->hall, report->challenge, "install", call->now, nonce, expires, err);
	if (rc == 0)
		rc = cert_der(call->db, item->new_fingerprint, &der, err);
	if (rc == 0)
		rc = pki_statement("install", call->hall->settings.audience, number, nonce, der.data, der.len, &statement);
	if (rc == 0)
		rc = pki_verify(der.data, der.len, report->algorithm, statement.data, statement.len, report->signature.data,
			report->signature.len, err);
	bytes_free(&statement);
	bytes_free(&der);
	return rc;
}

static int supersede(struct call *call, const struct item *item, struct error *err)
{
	struct sql_stmt *q = sql_prepare(call->db, "UPDATE certificate SET replaced_by = ? WHERE fingerprint = ?");
	sql_text(q, item->new_fingerprint);
	sql_text(q, item->old_fingerprint);
	int rc = sql_done(q, err);
	if (rc == 0 && call->hall->settings.revoke_superseded)
		rc = cert_revoke(call->db, item->old_fingerprint, REASON_SUPERSEDED, call->now, err);
	return rc;
}

static int store_installed(struct call *call, const char *number, const struct install_report *report, const struct item *item,
	int64_t expires, struct error *err)
{
	bool all, moved;
	int rc = sql_begin(call->db, err);
	if (rc != 0)
		return rc;
	rc = challenge_use(call->db, report->challenge, expires, err);
	if (rc == 0) {
		struct sql_stmt *q = sql_prepare(call->db, "UPDATE order_item SET state = ? WHERE number = ? AND role = ? AND new_fingerprint = ?");
		sql_int(q, ITEM_INSTALLED);
		sql_text(q, number);
		sql_text(q, report->role);
		sql_text(q, item->new_fingerprint);
		rc = sql_done(q, err);
	}
	if (rc == 0)
		rc = audit_write(call->db, call->now, "certificate.installed", number, err, "role=%s fingerprint=%.16s", report->role, item->new_fingerprint);
	if (rc == 0)
		rc = supersede(call, item, err);
	if (rc == 0)
		rc = order_item_states(call->db, number, ITEM_INSTALLED, &all, err);
	if (rc == 0)
		rc = order_move(call->db, number, ORDER_BIT(ORDER_ISSUED) | ORDER_BIT(ORDER_PAID), all ? ORDER_INSTALLED : ORDER_SAME, call->now,
			&moved, err);
	if (rc == 0 && !moved)
		rc = error_set(err, ERR_ORDER_STATE, NULL, "no longer paid");
	if (rc == 0 && all)
		rc = invoice_wait(call->db, number, call->now, call->now + call->hall->settings.invoice_delay * 60, err);
	rc = sql_commit(call->db, rc, err);
	fault_point("installed-stored", NULL);
	if (rc == 0)
		log_line(LOG_LEVEL_INFO, "order", "%s %s installed", number, report->role);
	return rc;
}

HALL_HANDLER(order_installed)
{
	struct call call = call_begin(ctx, request, worker);
	const char *number = hs_param(request);
	struct install_report report = { 0 };
	struct item item = { 0 };
	int64_t expires = 0;
	int rc = call_session(&call, err);
	if (rc == 0)
		rc = order_owned(&call, number, err);
	if (rc == 0)
		rc = hs_read(request, install_report_codec, &report, err);
	if (rc == 0) {
		order_lock(call.hall, LOCK_ISSUE, number);
		rc = load_item(call.db, number, report.role, &item, err);
		if (rc == 0)
			rc = check_report(&call, number, &report, &item, &expires, err);
		if (rc == 0 && item.state != ITEM_INSTALLED)
			rc = store_installed(&call, number, &report, &item, expires, err);
		order_unlock(call.hall, LOCK_ISSUE, number);
		order_publish(call.hall, number);
	}
	item_free(&item);
	codec_free(install_report_codec, &report);
	return rc == 0 ? order_answer(&call, number, 200, err) : rc;
}
