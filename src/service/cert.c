#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <certhall/clock.h>

#include "service/service.h"

int cert_record(struct sql *db, const struct bytes *der, const struct cert_info *info, bool issued_here, int64_t now,
	struct error *err)
{
	struct sql_stmt *q = sql_prepare(db,
		"INSERT INTO certificate (fingerprint, issuer, serial, spki_sha256, der, subject, not_before, not_after, issued_here,"
		" recorded_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING");
	sql_text(q, info->fingerprint);
	sql_text(q, info->issuer_subject);
	sql_text(q, info->serial);
	sql_text(q, info->spki_sha256);
	sql_blob(q, der->data, der->len);
	sql_text(q, info->subject);
	sql_int(q, info->not_before);
	sql_int(q, info->not_after);
	sql_int(q, issued_here);
	sql_int(q, now);
	return sql_done(q, err);
}

int cert_record_read(struct sql *db, const struct cert_info *info, struct cert_record *out, struct error *err)
{
	*out = (struct cert_record){ 0 };
	struct sql_stmt *q = sql_prepare(db,
		"SELECT c.revoked_at, c.replaced_by, n.not_after FROM certificate c LEFT JOIN certificate n"
		" ON n.fingerprint = c.replaced_by WHERE c.issuer = ? AND c.serial = ?");
	sql_text(q, info->issuer_subject);
	sql_text(q, info->serial);
	if (sql_row(q)) {
		out->known = true;
		out->revoked = !sql_get_null(q, 0);
		out->superseded = !sql_get_null(q, 1);
		out->replaced_until = sql_get_int(q, 2);
	}
	return sql_done(q, err);
}

int cert_der(struct sql *db, const char *fingerprint, struct bytes *der, struct error *err)
{
	struct sql_stmt *q = sql_prepare(db, "SELECT der FROM certificate WHERE fingerprint = ?");
	sql_text(q, fingerprint);
	bool found = sql_row(q);
	if (found)
		sql_get_blob(q, 0, der);
	int rc = sql_done(q, err);
	return rc != 0 || found ? rc : error_set(err, ERR_UNEXPECTED, "certificate", "not on record");
}

static int stand_by_records(struct hall *hall, struct sql *db, const struct cert_info *info, int64_t now, struct cert_standing *out,
	struct error *err)
{
	const struct project *project = project_of(hall, info);
	struct cert_record record;
	int rc = cert_record_read(db, info, &record, err);
	if (rc != 0)
		return rc;
	snprintf(out->project_name, sizeof out->project_name, "%s", project->name);
	out->standing = window_standing(&project->window, info->not_before, info->not_after, now, &out->renewable_from,
		&out->renewable_until);
	if (record.superseded) { /* which is also how it was revoked */
		out->standing = STANDING_SUPERSEDED;
		clock_date(record.replaced_until, out->replaced_until, sizeof out->replaced_until);
	} else if (record.revoked) {
		out->standing = STANDING_REVOKED;
	}
	rc = order_find_open(db, info->fingerprint, &out->order, err);
	out->has_order = rc == 0 && out->order.number[0] != '\0';
	return rc;
}

int cert_stand(struct hall *hall, struct sql *db, const struct bytes *der, int64_t now, struct cert_info *info,
	struct cert_standing *out, struct error *err)
{
	*out = (struct cert_standing){ .standing = STANDING_MALFORMED };
	*info = (struct cert_info){ 0 };
	if (cert_info_read(der->data, der->len, info, NULL) != 0)
		return 0;
	memcpy(out->fingerprint, info->fingerprint, sizeof out->fingerprint);
	out->standing = STANDING_UNKNOWN_ISSUER;
	if (trust_check_chain(hall->trust, der->data, der->len, now, NULL) != 0)
		return 0;
	return stand_by_records(hall, db, info, now, out, err);
}

int standing_refusal(const struct cert_standing *standing, const struct cert_info *info, struct error *err)
{
	char date[16];
	switch ((enum standing)standing->standing) {
	case STANDING_RENEWABLE:
	case STANDING_EXPIRED_RENEWABLE:
		return 0;
	case STANDING_TOO_EARLY:
		return error_set(err, ERR_RENEWAL_TOO_EARLY, clock_date(standing->renewable_from, date, sizeof date), "window");
	case STANDING_TOO_LATE:
		return error_set(err, ERR_RENEWAL_TOO_LATE, clock_date(standing->renewable_until, date, sizeof date), "window");
	case STANDING_NOT_YET_VALID:
		return error_set(err, ERR_CERT_NOT_YET_VALID, clock_date(info->not_before, date, sizeof date), "not before");
	case STANDING_REVOKED:
		return error_set(err, ERR_CERT_REVOKED, NULL, "revoked");
	case STANDING_SUPERSEDED:
		return error_set(err, ERR_CERT_SUPERSEDED, standing->replaced_until, "superseded");
	case STANDING_UNKNOWN_ISSUER:
		return error_set(err, ERR_CERT_UNKNOWN_ISSUER, NULL, "chain");
	case STANDING_MALFORMED:
		break;
	}
	return error_set(err, ERR_CERT_MALFORMED, NULL, "malformed");
}

int cert_revoke(struct sql *db, const char *fingerprint, int reason, int64_t now, struct error *err)
{
	struct sql_stmt *q = sql_prepare(db, "UPDATE certificate SET revoked_at = ?, reason = ? WHERE fingerprint = ? AND revoked_at IS NULL");
	sql_int(q, now);
	sql_int(q, reason);
	sql_text(q, fingerprint);
	int64_t changed;
	int rc = sql_changed(q, &changed, err);
	return rc == 0 && changed == 1 ? audit_write(db, now, "certificate.revoked", "", err, "fingerprint=%.16s reason=%d", fingerprint, reason) : rc;
}

HALL_HANDLER(standings_post)
{
	struct call call = call_begin(ctx, request, worker);
	struct standing_request *asked = calloc(1, sizeof *asked);
	struct standing_answer *answer = calloc(1, sizeof *answer);
	int rc = asked != NULL && answer != NULL ? hs_read(request, standing_request_codec, asked, err)
						 : error_set(err, ERR_NO_MEMORY, NULL, "standings");
	if (rc == 0) {
		answer->time = call.now;
		answer->certificates_count = asked->certificates_count;
	}
	struct cert_info info;
	for (size_t i = 0; rc == 0 && i < answer->certificates_count; i++)
		rc = cert_stand(call.hall, call.db, &asked->certificates[i].der, call.now, &info, &answer->certificates[i], err);
	if (rc == 0)
		rc = hs_answer(request, 200, standing_answer_codec, answer);
	if (asked != NULL)
		codec_free(standing_request_codec, asked);
	free(asked);
	free(answer);
	return rc;
}
