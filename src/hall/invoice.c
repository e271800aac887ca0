/* Looking up invoices, and reading one. */
#include "hall/internal.h"

#include <stdio.h>
#include <string.h>

#include <certhall/pki.h>

struct hall_call *hall_get_captcha(struct hall *hall, hall_fn *done, void *ctx)
{
	static const struct plain plain = { "POST", true, captcha_codec, sizeof(struct captcha), NULL };
	return plain_call(hall, &plain, "/v1/captchas", NULL, NULL, done, ctx);
}

struct hall_call *hall_query_invoices(struct hall *hall, const struct invoice_query *query, hall_fn *done, void *ctx)
{
	static const struct plain plain = { "POST", false, invoice_page_codec, sizeof(struct invoice_page), NULL };
	return plain_call(hall, &plain, "/v1/invoices/query", invoice_query_codec, query, done, ctx);
}

struct hall_call *hall_more_invoices(struct hall *hall, const char *grant, const char *next, hall_fn *done, void *ctx)
{
	static const struct plain plain = { "POST", true, invoice_page_codec, sizeof(struct invoice_page), NULL };
	struct invoice_more more = { 0 };
	snprintf(more.next, sizeof more.next, "%s", next);
	return call_granted(plain_call(hall, &plain, "/v1/invoices/page", invoice_more_codec, &more, done, ctx), grant);
}

/* ---- the document itself, in memory ---- */

struct reading {
	struct hall_call call;
	struct invoice_file file;
};

static void on_document(void *ctx, const struct error *err, long status, bool sent)
{
	struct reading *reading = ctx;
	struct hall_call *call = &reading->call;
	uint8_t hash[PKI_SHA256];
	char hex[2 * PKI_SHA256 + 1];
	if (!call_answered(call, err, status, sent))
		return;
	pki_sha256(call->answer.data, call->answer.len, hash);
	struct bytes document = call->answer;
	if ((int64_t)document.len != reading->file.size || strcmp(hex_encode(hash, sizeof hash, hex), reading->file.sha256) != 0) {
		call_fail(call, ERR_PACKAGE_HASH, NULL, reading->file.format);
		return;
	}
	call->answer = (struct bytes){ 0 };
	call_finish(call, NULL, &document);
	bytes_free(&document);
}

static void reading_start(struct hall_call *call)
{
	struct error err;
	if (call_send(call, "application/octet-stream", on_document, &err) != 0)
		call_finish(call, &err, NULL);
}

/* id comes from the hall: it goes into a path. */
static bool document_path(const struct invoice *invoice, const char *format, char *path, size_t size)
{
	snprintf(path, size, "/v1/invoices/%s/%s", call_name_ok(invoice->id) ? invoice->id : "-", strcmp(format, "pdf") == 0 ? "pdf" : "xml");
	return call_name_ok(invoice->id);
}

static const struct invoice_file *file_of(const struct invoice *invoice, const char *format)
{
	for (size_t i = 0; i < invoice->files_count; i++)
		if (strcmp(invoice->files[i].format, format) == 0)
			return &invoice->files[i];
	return NULL;
}

struct hall_call *hall_read_invoice(struct hall *hall, const char *grant, const struct invoice *invoice, hall_fn *done, void *ctx)
{
	static const struct call_ops ops = { .start = reading_start };
	const struct invoice_file *file = file_of(invoice, "xml");
	struct reading *reading = call_new(hall, sizeof *reading, &ops, done, ctx);
	if (reading == NULL)
		return NULL;
	reading->file = file != NULL ? *file : (struct invoice_file){ .format = "xml" };
	reading->call.method = "GET";
	reading->call.repeatable = true;
	document_path(invoice, "xml", reading->call.path, sizeof reading->call.path);
	return call_granted(&reading->call, grant);
}

struct hall_call *hall_save_invoice(struct hall *hall, const char *grant, const struct invoice *invoice, const char *format,
	const char *folder, const char *name, bool replace, hall_progress_fn *progress, hall_fn *done, void *ctx)
{
	const struct invoice_file *file = file_of(invoice, format);
	char path[PATH_ROOM];
	document_path(invoice, format, path, sizeof path);
	const struct hall_file target = { .path = path, .folder = folder, .name = name, .size = file != NULL ? file->size : 0,
		.sha256 = file != NULL ? file->sha256 : "", .magic = strcmp(format, "pdf") == 0 ? "%PDF-" : "<?xml", .grant = grant, .replace = replace };
	return hall_download(hall, &target, progress, done, ctx);
}
