#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>

#include <certhall/clock.h>

#include "service/service.h"

enum { TOKEN_BYTES = 32, SET_BACK = 300 };

void token_hash(const char *token, char out[65])
{
	uint8_t digest[PKI_SHA256];
	pki_sha256(token, strlen(token), digest);
	hex_encode(digest, sizeof digest, out);
}

struct call call_begin(void *ctx, struct hs_request *request, int worker)
{
	struct hall *hall = ctx;
	audit_as("terminal");
	return (struct call){ .hall = hall, .request = request, .db = hall->db[worker], .now = clock_now() };
}

/* That it is used is written down only every so often, so that reading costs no commit. */
static int touch(struct call *call, int64_t used, struct error *err)
{
	if (call->now - used < call->hall->settings.idle_minutes * 60 / 3)
		return 0;
	struct sql_stmt *q = sql_prepare(call->db, "UPDATE session SET used = ? WHERE token_sha256 = ?");
	sql_int(q, call->now);
	sql_text(q, call->token_sha256);
	return sql_done(q, err);
}

int call_rate(struct call *call, int per_minute, int burst, const char *kind, const char *whose, struct error *err)
{
	const struct gcra_rate rate = { per_minute, burst };
	char key[128];
	snprintf(key, sizeof key, "%s %s", kind, whose);
	int64_t wait = gcra_take(call->hall->rates, &rate, key, clock_monotonic_ms());
	if (wait == 0)
		return 0;
	int rc = error_set(err, ERR_RATE_LIMITED, NULL, "%s", kind);
	hs_answer_problem(call->request, err);
	hs_retry_after(call->request, wait);
	return rc;
}

int session_find(struct call *call, struct error *err)
{
	const struct settings *s = &call->hall->settings;
	const char *header = hs_header(call->request, "Authorization");
	if (header == NULL || strncasecmp(header, "Bearer ", 7) != 0 || strlen(header) != 7 + 2 * TOKEN_BYTES)
		return error_set(err, ERR_SESSION_NEEDED, NULL, "no bearer token");
	token_hash(header + 7, call->token_sha256);
	struct sql_stmt *q = sql_prepare(call->db, "SELECT fingerprint, created, used FROM session WHERE token_sha256 = ?");
	sql_text(q, call->token_sha256);
	int64_t created = 0, used = 0;
	if (sql_row(q)) {
		sql_get_text(q, 0, call->fingerprint, sizeof call->fingerprint);
		created = sql_get_int(q, 1);
		used = sql_get_int(q, 2);
	}
	int rc = sql_done(q, err);
	if (rc != 0)
		return rc;
	call->session_until = created + s->session_hours * 3600;
	if (call->fingerprint[0] == '\0' || call->now > call->session_until || call->now > used + s->idle_minutes * 60
	    || created > call->now + SET_BACK || used > call->now + SET_BACK) /* by a clock that was set back since: it would last too long */
		return error_set(err, ERR_SESSION_NEEDED, NULL, "no such session, or it is over");
	char actor[32];
	snprintf(actor, sizeof actor, "holder %.16s", call->fingerprint);
	audit_as(actor);
	return touch(call, used, err);
}

int call_session(struct call *call, struct error *err)
{
	const struct settings *s = &call->hall->settings;
	int rc = session_find(call, err);
	return rc == 0 ? call_rate(call, s->certificate_rate, s->certificate_burst, "certificate", call->fingerprint, err) : rc;
}

/* A certificate may log in while it can be renewed, and as long as an order of it is open: what was paid is finished. For service
 * (to talk, to see its invoices, as an agent) it need not be in its time of renewal: that is asked again when an order is made. */
static int may_login(const struct cert_standing *standing, const struct cert_info *info, bool service, struct error *err)
{
	bool outside = standing->standing == STANDING_TOO_EARLY || standing->standing == STANDING_TOO_LATE;
	return outside && (service || standing->has_order) ? 0 : standing_refusal(standing, info, err);
}

static int fill(struct call *call, const struct cert_info *info, const struct cert_standing *standing, struct session *out,
	struct error *err)
{
	const struct settings *s = &call->hall->settings;
	int64_t idle = call->now + s->idle_minutes * 60;
	out->expires = idle < call->session_until ? idle : call->session_until;
	out->standing = *standing;
	out->project = *project_of(call->hall, info);
	out->new_not_after = order_promise(&out->project, info->not_after, call->now);
	int rc = order_last_applicant(call->db, info->fingerprint, &out->applicant, &out->has_applicant, err);
	if (rc == 0 && standing->has_order) {
		rc = order_load(call->hall, call->db, standing->order.number, &out->order, err);
		out->has_order = rc == 0;
	}
	return rc;
}

static int answer(struct call *call, int status, const struct bytes *der, const char *token, struct error *err)
{
	struct session session = { 0 };
	struct cert_standing standing;
	struct cert_info info;
	int rc = cert_stand(call->hall, call->db, der, call->now, &info, &standing, err);
	if (rc == 0)
		rc = fill(call, &info, &standing, &session, err);
	if (token != NULL)
		snprintf(session.token, sizeof session.token, "%s", token);
	if (rc == 0)
		rc = hs_answer(call->request, status, session_codec, &session);
	OPENSSL_cleanse(session.token, sizeof session.token);
	codec_free(session_codec, &session);
	return rc;
}

static bool is_service(const struct session_request *asked)
{
	return strcmp(asked->purpose, "service") == 0;
}

static int check_signature(struct call *call, const struct session_request *asked, int64_t *expires, struct error *err)
{
	char nonce[64];
	struct bytes statement = { 0 };
	const char *purpose = is_service(asked) ? "service" : "login";
	int rc = challenge_check(call->hall, asked->challenge, purpose, call->now, nonce, expires, err);
	if (rc == 0)
		rc = pki_statement(purpose, call->hall->settings.audience, "-", nonce, asked->certificate.data, asked->certificate.len,
			&statement);
	if (rc == 0)
		rc = pki_verify(asked->certificate.data, asked->certificate.len, asked->algorithm, statement.data, statement.len,
			asked->signature.data, asked->signature.len, err);
	bytes_free(&statement);
	return rc;
}

static int store(struct call *call, const struct session_request *asked, const struct cert_info *info, int64_t expires,
	char token[2 * TOKEN_BYTES + 1], struct error *err)
{
	uint8_t random[TOKEN_BYTES];
	if (pki_random(random, sizeof random) != 0)
		return error_set(err, ERR_UNEXPECTED, "random", "no random bytes");
	hex_encode(random, sizeof random, token);
	OPENSSL_cleanse(random, sizeof random);
	token_hash(token, call->token_sha256);
	int rc = sql_begin(call->db, err);
	if (rc != 0)
		return rc;
	rc = challenge_use(call->db, asked->challenge, expires, err);
	if (rc == 0)
		rc = cert_record(call->db, &asked->certificate, info, false, call->now, err);
	if (rc == 0) {
		struct sql_stmt *q = sql_prepare(call->db, "INSERT INTO session (token_sha256, fingerprint, created, used) VALUES (?, ?, ?, ?)");
		sql_text(q, call->token_sha256);
		sql_text(q, info->fingerprint);
		sql_int(q, call->now);
		sql_int(q, call->now);
		rc = sql_done(q, err);
	}
	return sql_commit(call->db, rc, err);
}

static int login(struct call *call, const struct session_request *asked, struct error *err)
{
	struct cert_info info;
	struct cert_standing standing;
	int64_t expires;
	char token[2 * TOKEN_BYTES + 1];
	int rc = cert_stand(call->hall, call->db, &asked->certificate, call->now, &info, &standing, err);
	if (rc == 0 && (standing.standing == STANDING_MALFORMED || standing.standing == STANDING_UNKNOWN_ISSUER))
		rc = standing_refusal(&standing, &info, err);
	if (rc == 0) /* the rest is told to the holder of the key */
		rc = check_signature(call, asked, &expires, err);
	if (rc == 0)
		rc = may_login(&standing, &info, is_service(asked), err);
	if (rc == 0)
		rc = store(call, asked, &info, expires, token, err);
	if (rc == 0) {
		call->session_until = call->now + call->hall->settings.session_hours * 3600;
		rc = answer(call, 201, &asked->certificate, token, err);
	}
	OPENSSL_cleanse(token, sizeof token);
	return rc;
}

HALL_HANDLER(sessions_post)
{
	struct call call = call_begin(ctx, request, worker);
	struct session_request asked = { 0 };
	int rc = hs_read(request, session_request_codec, &asked, err);
	if (rc == 0)
		rc = login(&call, &asked, err);
	codec_free(session_request_codec, &asked);
	return rc;
}

HALL_HANDLER(session_get)
{
	struct call call = call_begin(ctx, request, worker);
	struct bytes der = { 0 };
	int rc = call_session(&call, err);
	if (rc == 0)
		rc = cert_der(call.db, call.fingerprint, &der, err);
	if (rc == 0)
		rc = answer(&call, 200, &der, NULL, err);
	bytes_free(&der);
	return rc;
}

HALL_HANDLER(session_delete)
{
	struct call call = call_begin(ctx, request, worker);
	int rc = call_session(&call, err);
	if (rc != 0)
		return rc;
	struct sql_stmt *q = sql_prepare(call.db, "DELETE FROM session WHERE token_sha256 = ?");
	sql_text(q, call.token_sha256);
	rc = sql_done(q, err);
	return rc != 0 ? rc : hs_answer_none(request);
}
