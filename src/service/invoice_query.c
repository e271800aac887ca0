#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <unistd.h>

#include <certhall/clock.h>
#include <certhall/log.h>
#include <certhall/text.h>

#include "service/invoice.h"

enum { GRANT_BYTES = 24, GRANT_SECONDS = 900, ANSWER_MS = 40 };

/* ---- grants ---- */

static int grant_make(struct call *call, const struct invoice_scope *scope, struct invoice_page *page, struct error *err)
{
	char hash[65];
	int rc = pki_random_hex(GRANT_BYTES, page->grant, err);
	if (rc != 0)
		return rc;
	token_hash(page->grant, hash);
	page->expires = call->now + GRANT_SECONDS;
	struct sql_stmt *q = sql_prepare(call->db, "INSERT INTO invoice_grant (token_sha256, expires, title, tax_no, phone, fingerprint)"
		" VALUES (?, ?, ?, ?, ?, ?)");
	sql_text(q, hash);
	sql_int(q, page->expires);
	sql_text(q, scope->title);
	sql_text(q, scope->tax_no);
	sql_text(q, scope->phone);
	sql_text(q, scope->fingerprint);
	return sql_done(q, err);
}

/* The grant that came as bearer. ERR_INVOICE_NONE. */
static int grant_read(struct call *call, struct invoice_scope *scope, int64_t *expires, struct error *err)
{
	const char *header = hs_header(call->request, "Authorization");
	char hash[65];
	*expires = 0;
	if (header == NULL || strncasecmp(header, "Bearer ", 7) != 0 || strlen(header) != 7 + 2 * GRANT_BYTES)
		return error_set(err, ERR_INVOICE_NONE, NULL, "no grant");
	token_hash(header + 7, hash);
	struct sql_stmt *q = sql_prepare(call->db, "SELECT expires, title, tax_no, phone, fingerprint FROM invoice_grant WHERE token_sha256 = ?");
	sql_text(q, hash);
	if (sql_row(q)) {
		*expires = sql_get_int(q, 0);
		sql_get_text(q, 1, scope->title, sizeof scope->title);
		sql_get_text(q, 2, scope->tax_no, sizeof scope->tax_no);
		sql_get_text(q, 3, scope->phone, sizeof scope->phone);
		sql_get_text(q, 4, scope->fingerprint, sizeof scope->fingerprint);
	}
	int rc = sql_done(q, err);
	return rc != 0 || *expires > call->now ? rc : error_set(err, ERR_INVOICE_NONE, NULL, "no such grant, or it is over");
}

/* ---- the query ---- */

/* Buckets by address and by taxpayer number: who tries names and numbers is soon stopped, whatever comes of the tries. */
static int check_rate(struct call *call, const char *tax_no, struct error *err)
{
	const struct settings *s = &call->hall->settings;
	int rc = call_rate(call, s->query_rate, s->query_burst, "invoices of address", hs_address(call->request), err);
	int unit = tax_no[0] != '\0' ? call_rate(call, s->query_rate, s->query_burst, "invoices of unit", tax_no, err) : 0;
	if (rc == 0 && unit == 0)
		return 0;
	char masked[64];
	unsigned refused = atomic_fetch_add(&call->hall->queries_refused, 1) + 1;
	log_line(LOG_LEVEL_WARN, "invoice", "query refused by rate (%u so far): unit %s", refused, log_mask(tax_no, masked, sizeof masked));
	return rc != 0 ? rc : unit;
}

static void take_scope(const struct invoice_query *asked, struct invoice_scope *scope)
{
	invoice_title_key(asked->title, scope->title, sizeof scope->title);
	snprintf(scope->tax_no, sizeof scope->tax_no, "%s", asked->tax_no);
	tax_no_normalize(scope->tax_no, sizeof scope->tax_no);
	snprintf(scope->phone, sizeof scope->phone, "%s", asked->phone);
	phone_normalize(scope->phone, sizeof scope->phone);
}

/* Everything is done whatever is wrong, so that an answer tells nothing by the time it takes. */
static int look_up(struct call *call, const struct invoice_query *asked, struct invoice_scope *scope, struct invoice_page *page, struct error *err)
{
	bool right = scope->fingerprint[0] != '\0';
	int rc = sql_begin(call->db, err);
	if (rc != 0)
		return rc;
	if (!right)
		rc = captcha_use(call->db, asked->captcha, asked->answer, call->now, &right, err);
	if (rc == 0)
		rc = invoice_list(call->db, scope, "", page, err);
	if (rc == 0)
		rc = grant_make(call, scope, page, err);
	rc = sql_commit(call->db, rc, err);
	bool nothing = page->total == 0 && scope->fingerprint[0] == '\0';
	return rc == 0 && (!right || nothing) ? error_set(err, ERR_INVOICE_NO_MATCH, NULL, "no match") : rc;
}

HALL_HANDLER(invoices_query)
{
	struct call call = call_begin(ctx, request, worker);
	int64_t began = clock_monotonic_ms();
	struct invoice_query asked = { 0 };
	struct invoice_scope scope = { 0 };
	struct invoice_page *page = calloc(1, sizeof *page);
	int rc = page == NULL ? error_set(err, ERR_NO_MEMORY, NULL, "invoices") : hs_read(request, invoice_query_codec, &asked, err);
	if (rc == 0 && hs_header(request, "Authorization") != NULL)
		rc = call_session(&call, err);
	if (rc == 0)
		take_scope(&asked, &scope);
	memcpy(scope.fingerprint, call.fingerprint, sizeof scope.fingerprint);
	if (rc == 0 && scope.fingerprint[0] == '\0')
		rc = check_rate(&call, scope.tax_no, err);
	if (rc == 0 && scope.fingerprint[0] == '\0')
		hs_answer_not_before(request, began + ANSWER_MS);
	if (rc == 0)
		rc = look_up(&call, &asked, &scope, page, err);
	if (rc == 0)
		rc = hs_answer(request, 200, invoice_page_codec, page);
	free(page);
	return rc;
}

HALL_HANDLER(invoices_page)
{
	struct call call = call_begin(ctx, request, worker);
	struct invoice_more asked = { 0 };
	struct invoice_scope scope = { 0 };
	struct invoice_page *page = calloc(1, sizeof *page);
	int64_t expires = 0;
	int rc = page == NULL ? error_set(err, ERR_NO_MEMORY, NULL, "invoices") : hs_read(request, invoice_more_codec, &asked, err);
	if (rc == 0)
		rc = grant_read(&call, &scope, &expires, err);
	if (rc == 0)
		rc = invoice_list(call.db, &scope, asked.next, page, err);
	if (rc == 0) {
		page->expires = expires;
		snprintf(page->grant, sizeof page->grant, "%s", hs_header(request, "Authorization") + 7);
		rc = hs_answer(request, 200, invoice_page_codec, page);
	}
	free(page);
	return rc;
}

/* ---- the documents ---- */

/* As a file, since that knows how to be resumed. */
static int answer_content(struct hs_request *request, const struct bytes *content, const char *sha256, struct error *err)
{
	char etag[72];
	int fd = memfd_create("invoice", MFD_CLOEXEC);
	if (fd < 0 || write(fd, content->data, content->len) != (ssize_t)content->len) {
		if (fd >= 0)
			close(fd);
		return error_set(err, ERR_NO_MEMORY, NULL, "document");
	}
	snprintf(etag, sizeof etag, "\"%s\"", sha256);
	return hs_answer_file(request, fd, content->len, etag, err);
}

static int answer_document(void *ctx, struct hs_request *request, int worker, const char *format, struct error *err)
{
	struct call call = call_begin(ctx, request, worker);
	struct invoice_scope scope = { 0 };
	struct bytes content = { 0 };
	char sha256[65];
	int64_t expires;
	int rc = grant_read(&call, &scope, &expires, err);
	if (rc == 0)
		rc = invoice_content(call.db, &scope, hs_param(request), format, &content, sha256, err);
	if (rc == 0)
		rc = answer_content(request, &content, sha256, err);
	bytes_free(&content);
	return rc;
}

HALL_HANDLER(invoice_pdf)
{
	return answer_document(ctx, request, worker, "pdf", err);
}

HALL_HANDLER(invoice_xml)
{
	return answer_document(ctx, request, worker, "xml", err);
}
