#include <stdio.h>
#include <string.h>

#include <certhall/text.h>

#include "service/invoice.h"

enum { ID_BYTES = 16 };

char *invoice_title_key(const char *title, char *out, size_t size)
{
	char *to = out;
	text_normalize(title, out, size);
	for (const char *from = out; *from != '\0'; from++)
		if (*from != ' ')
			*to++ = *from;
	*to = '\0';
	return out;
}

int invoice_wait(struct sql *db, const char *number, int64_t now, int64_t due, struct error *err)
{
	uint8_t random[ID_BYTES];
	char id[2 * ID_BYTES + 1], key[sizeof((struct applicant *)0)->title], text[4096] = "";
	struct applicant applicant = { 0 };
	if (pki_random(random, sizeof random) != 0)
		return error_set(err, ERR_UNEXPECTED, "random", "no random bytes");
	struct sql_stmt *q = sql_prepare(db, "SELECT applicant FROM orders WHERE number = ?");
	sql_text(q, number);
	if (sql_row(q))
		sql_get_text(q, 0, text, sizeof text);
	int rc = sql_done(q, err);
	if (rc == 0)
		rc = codec_parse(applicant_codec, text, strlen(text), &applicant, err);
	if (rc != 0)
		return rc;
	q = sql_prepare(db, "INSERT INTO invoice (id, number, state, due, created, amount_fen, title, title_key, tax_no, phone, contact)"
		" SELECT ?, number, 0, ?, ?, amount_fen, ?, ?, ?, ?, ? FROM orders WHERE number = ? ON CONFLICT (number) DO NOTHING");
	sql_text(q, hex_encode(random, sizeof random, id));
	sql_int(q, due);
	sql_int(q, now);
	sql_text(q, applicant.title);
	sql_text(q, invoice_title_key(applicant.title, key, sizeof key));
	sql_text(q, applicant.tax_no);
	sql_text(q, applicant.phone);
	sql_text(q, applicant.contact);
	sql_text(q, number);
	return sql_done(q, err);
}

/* The two ways to look, each by an index. A certificate has few orders, a unit may have thousands. */
#define COLUMNS "SELECT v.id, v.state, v.reason, v.invoice_no, v.number, v.title, v.tax_no, v.amount_fen, v.contact, v.phone, v.created, v.issued"
#define OF_UNIT " FROM invoice v WHERE v.tax_no = ? AND v.title_key = ? AND v.phone = ?"
#define OF_CERTIFICATE " FROM invoice v WHERE v.number IN (SELECT number FROM order_item WHERE old_fingerprint = ? OR new_fingerprint = ?)" \
	" AND (? = '' OR v.tax_no = ?) AND (? = '' OR v.title_key = ?) AND (? = '' OR v.phone = ?)"
#define PAGE " AND (v.created < ? OR (v.created = ? AND v.id < ?)) ORDER BY v.created DESC, v.id DESC LIMIT 51"

static struct sql_stmt *begin(struct sql *db, const struct invoice_scope *scope, const char *of_unit, const char *of_certificate)
{
	bool own = scope->fingerprint[0] != '\0';
	struct sql_stmt *q = sql_prepare(db, own ? of_certificate : of_unit);
	const char *const values[] = { scope->fingerprint, scope->tax_no, scope->title, scope->phone };
	for (size_t i = own ? 0 : 1; i < sizeof values / sizeof *values; i++) {
		sql_text(q, values[i]);
		if (own)
			sql_text(q, values[i]); /* each is named twice there */
	}
	return q;
}

static void read_row(struct sql_stmt *q, bool masked, struct invoice *out)
{
	sql_get_text(q, 0, out->id, sizeof out->id);
	out->state = (int)sql_get_int(q, 1);
	sql_get_text(q, 2, out->reason, sizeof out->reason);
	if (out->state == INVOICE_ISSUED)
		sql_get_text(q, 3, out->number, sizeof out->number);
	sql_get_text(q, 4, out->order, sizeof out->order);
	sql_get_text(q, 5, out->title, sizeof out->title);
	sql_get_text(q, 6, out->tax_no, sizeof out->tax_no);
	out->amount_fen = sql_get_int(q, 7);
	sql_get_text(q, 8, out->contact, sizeof out->contact);
	sql_get_text(q, 9, out->phone, sizeof out->phone);
	out->ordered = sql_get_int(q, 10);
	out->issued = sql_get_int(q, 11);
	if (masked) {
		mask_name(out->contact, sizeof out->contact);
		mask_phone(out->phone);
	}
}

static int read_files(struct sql *db, struct invoice *invoice, struct error *err)
{
	struct sql_stmt *q = sql_prepare(db, "SELECT format, size, sha256 FROM invoice_file WHERE id = ? ORDER BY format");
	sql_text(q, invoice->id);
	while (invoice->files_count < INVOICE_FILES && sql_row(q)) {
		struct invoice_file *file = &invoice->files[invoice->files_count++];
		sql_get_text(q, 0, file->format, sizeof file->format);
		file->size = sql_get_int(q, 1);
		sql_get_text(q, 2, file->sha256, sizeof file->sha256);
	}
	return sql_done(q, err);
}

/* "created.id" of the last one that was shown. */
static bool read_next(const char *after, int64_t *created, char id[40])
{
	long long moment;
	int used = 0;
	*created = INT64_MAX;
	id[0] = '\0';
	if (*after == '\0')
		return true;
	if (sscanf(after, "%18lld.%39[0-9a-f]%n", &moment, id, &used) != 2 || after[used] != '\0')
		return false;
	*created = moment;
	return true;
}

static int count(struct sql *db, const struct invoice_scope *scope, int64_t *total, struct error *err)
{
	struct sql_stmt *q = begin(db, scope, "SELECT count(*)" OF_UNIT, "SELECT count(*)" OF_CERTIFICATE);
	*total = sql_row(q) ? sql_get_int(q, 0) : 0;
	return sql_done(q, err);
}

int invoice_list(struct sql *db, const struct invoice_scope *scope, const char *after, struct invoice_page *out, struct error *err)
{
	int64_t created;
	char id[40];
	if (!read_next(after, &created, id))
		return error_set(err, ERR_INVALID_FIELD, "next", "not one of ours");
	int rc = count(db, scope, &out->total, err);
	if (rc != 0)
		return rc;
	bool own = scope->fingerprint[0] != '\0';
	struct sql_stmt *q = begin(db, scope, COLUMNS OF_UNIT PAGE, COLUMNS OF_CERTIFICATE PAGE);
	sql_int(q, created);
	sql_int(q, created);
	sql_text(q, id);
	bool more = false;
	while (!more && sql_row(q)) {
		more = out->invoices_count == INVOICE_PAGE;
		if (!more)
			read_row(q, !own, &out->invoices[out->invoices_count++]);
	}
	rc = sql_done(q, err);
	for (size_t i = 0; rc == 0 && i < out->invoices_count; i++)
		rc = read_files(db, &out->invoices[i], err);
	if (rc == 0 && more) {
		const struct invoice *last = &out->invoices[out->invoices_count - 1];
		snprintf(out->next, sizeof out->next, "%lld.%s", (long long)last->ordered, last->id);
	}
	return rc;
}

int invoice_content(struct sql *db, const struct invoice_scope *scope, const char *id, const char *format, struct bytes *content,
	char sha256[65], struct error *err)
{
	bool found, there = false;
	struct sql_stmt *q = begin(db, scope, "SELECT 1" OF_UNIT " AND v.id = ?", "SELECT 1" OF_CERTIFICATE " AND v.id = ?");
	sql_text(q, id);
	found = sql_row(q);
	int rc = sql_done(q, err);
	if (rc != 0 || !found)
		return rc != 0 ? rc : error_set(err, ERR_INVOICE_NONE, NULL, "not within the query");
	q = sql_prepare(db, "SELECT content, sha256 FROM invoice_file WHERE id = ? AND format = ?");
	sql_text(q, id);
	sql_text(q, format);
	if (sql_row(q)) {
		there = true;
		sql_get_blob(q, 0, content);
		sql_get_text(q, 1, sha256, 65);
	}
	rc = sql_done(q, err);
	return rc != 0 || there ? rc : error_set(err, ERR_INVOICE_WAITING, NULL, "no document yet");
}
