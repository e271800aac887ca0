#include <stdio.h>
#include <stdlib.h>

#include <certhall/clock.h>
#include <certhall/i18n.h>

#include "certhalld/certhalld.h"
#include "service/invoice.h"

/* One line an invoice: as a row of text, or as JSON with the names of the contract. */
static int print_row(struct sql_stmt *q, bool json, struct error *err)
{
	struct invoice invoice = { 0 };
	sql_get_text(q, 0, invoice.id, sizeof invoice.id);
	sql_get_text(q, 1, invoice.order, sizeof invoice.order);
	invoice.state = (int)sql_get_int(q, 2);
	sql_get_text(q, 3, invoice.number, sizeof invoice.number);
	invoice.amount_fen = sql_get_int(q, 4);
	sql_get_text(q, 5, invoice.title, sizeof invoice.title);
	sql_get_text(q, 6, invoice.tax_no, sizeof invoice.tax_no);
	invoice.ordered = sql_get_int(q, 7);
	invoice.issued = sql_get_int(q, 8);
	sql_get_text(q, 9, invoice.reason, sizeof invoice.reason);
	if (json) {
		char *text = codec_text(invoice_codec, &invoice);
		if (text == NULL)
			return error_set(err, ERR_NO_MEMORY, NULL, "invoices");
		puts(text);
		free(text);
		return 0;
	}
	static const char *const states[] = { N_("waiting"), N_("issued"), N_("failed") };
	char money[32], when[24];
	printf("%-15s %-20s %-8s %12s  %s  %s %s\n", invoice.order, invoice.number, _(states[invoice.state % 3]),
		money_text(invoice.amount_fen, money, sizeof money), clock_date_time(invoice.issued != 0 ? invoice.issued : invoice.ordered, when, sizeof when),
		invoice.title, invoice.reason);
	return 0;
}

static int list(struct sql *db, bool json, struct error *err)
{
	struct sql_stmt *q = sql_prepare(db, "SELECT id, number, state, invoice_no, amount_fen, title, tax_no, created, issued, reason FROM invoice"
		" ORDER BY created, id");
	int bad = 0;
	while (bad == 0 && sql_row(q))
		bad = print_row(q, json, err);
	int rc = sql_done(q, err);
	return rc != 0 ? rc : bad;
}

static int retry(struct sql *db, const char *order, struct error *err)
{
	int64_t now = clock_now();
	int rc = sql_begin(db, err);
	if (rc != 0)
		return rc;
	rc = invoice_retry(db, order, now, err);
	if (rc == 0)
		rc = audit_write(db, now, "invoice.retry", order, err, "by staff");
	return sql_commit(db, rc, err);
}

int command_invoices(int argc, char **argv)
{
	const char *config = NULL, *order = NULL;
	bool json = false;
	const struct option_row options[] = { { "--config", &config, NULL, true }, { "--json", NULL, &json, false },
		{ "--retry", &order, NULL, false }, { 0 } };
	if (!options_read(argc, argv, options, NULL))
		return 2;
	struct hall *hall = NULL;
	struct error err = { 0 };
	int rc = hall_open(config, &hall, &err);
	if (rc == 0)
		rc = order != NULL ? retry(hall->db[0], order, &err) : list(hall->db[0], json, &err);
	hall_free(&hall);
	return rc == 0 ? 0 : command_failed(&err);
}
