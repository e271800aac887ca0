#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <certhall/clock.h>
#include <certhall/text.h>

#include "service/invoice/embedded.h"

enum { RATE_MAX = 10000 };

static void read_text(const config_setting_t *group, const char *name, const char *fallback, char *out, size_t size)
{
	const char *text = fallback;
	config_setting_lookup_string(group, name, &text);
	text_sanitize(text, out, size, false);
}

static int wrong(const char *name, struct error *err)
{
	return error_set(err, ERR_CONFIG, name, "%s is missing or cannot be", name);
}

static int check(const struct embedded *e, struct error *err)
{
	if (e->seller.name[0] == '\0')
		return wrong("invoice.seller.name", err);
	if (e->seller.tax_no[0] == '\0')
		return wrong("invoice.seller.tax_no", err);
	if (e->item[0] == '\0')
		return wrong("invoice.item", err);
	if (e->rate < 0 || e->rate > RATE_MAX)
		return wrong("invoice.rate", err);
	if (strlen(e->province) != 2 || strspn(e->province, "0123456789") != 2)
		return wrong("invoice.province", err);
	return 0;
}

static int open_embedded(const config_setting_t *group, struct issuer **out, struct error *err)
{
	struct embedded *e = calloc(1, sizeof *e);
	if (e == NULL)
		return error_set(err, ERR_NO_MEMORY, NULL, "issuer");
	const config_setting_t *seller = config_setting_get_member(group, "seller");
	e->base.backend = &issuer_embedded;
	e->rate = 600;
	config_setting_lookup_int(group, "rate", &e->rate);
	read_text(group, "item", "", e->item, sizeof e->item);
	read_text(group, "unit", "项", e->unit, sizeof e->unit);
	read_text(group, "drawer", "", e->drawer, sizeof e->drawer);
	read_text(group, "tax_class", "", e->tax_class, sizeof e->tax_class);
	read_text(group, "province", "14", e->province, sizeof e->province);
	read_text(group, "font", "Noto Sans CJK SC, Droid Sans Fallback, sans", e->font, sizeof e->font);
	if (seller != NULL) {
		read_text(seller, "name", "", e->seller.name, sizeof e->seller.name);
		read_text(seller, "tax_no", "", e->seller.tax_no, sizeof e->seller.tax_no);
		read_text(seller, "address", "", e->seller.address, sizeof e->seller.address);
		read_text(seller, "phone", "", e->seller.phone, sizeof e->seller.phone);
		read_text(seller, "bank", "", e->seller.bank, sizeof e->seller.bank);
		read_text(seller, "account", "", e->seller.account, sizeof e->seller.account);
	}
	int rc = check(e, err);
	if (rc == 0)
		*out = &e->base;
	else
		free(e);
	return rc;
}

static void free_embedded(struct issuer *issuer)
{
	free(issuer);
}

/* Year, province, 9 for a sample, the sequence. */
static void number(const struct issuer *issuer, int64_t sequence, int64_t now, char out[24])
{
	const struct embedded *e = (const struct embedded *)issuer;
	char date[16];
	clock_date(now, date, sizeof date);
	snprintf(out, 24, "%.2s%s9%015lld", date + 2, e->province, (long long)(sequence % 1000000000000000));
}

char *sheet_amount(int64_t fen, char *out, size_t size)
{
	snprintf(out, size, "%lld.%02d", (long long)(fen / 100), (int)(fen % 100));
	return out;
}

char *sheet_rate(int rate, char *out, size_t size)
{
	if (rate % 100 == 0)
		snprintf(out, size, "%d%%", rate / 100);
	else
		snprintf(out, size, "%d.%0*d%%", rate / 100, rate % 10 == 0 ? 1 : 2, rate % 10 == 0 ? rate % 100 / 10 : rate % 100);
	return out;
}

static int issue(struct issuer *issuer, const struct invoice_order *order, struct invoice_documents *out, struct error *err)
{
	const struct embedded *e = (const struct embedded *)issuer;
	struct sheet sheet = { .issuer = e, .order = order, .split = tax_split(order->amount_fen, e->rate) };
	if (order->amount_fen <= 0 || order->title[0] == '\0' || order->tax_no[0] == '\0')
		return error_set(err, ERR_INVOICE_REFUSED, order->amount_fen <= 0 ? "amount" : "buyer", "order %s", order->order);
	money_capital(order->amount_fen, sheet.capital, sizeof sheet.capital);
	clock_date(order->issued, sheet.date, sizeof sheet.date);
	clock_date_time(order->issued, sheet.time, sizeof sheet.time);
	snprintf(out->number, sizeof out->number, "%s", order->number);
	int rc = sheet_xml(&sheet, &out->xml, err);
	return rc == 0 ? sheet_pdf(&sheet, &out->pdf, err) : rc;
}

static int try_one(struct issuer *issuer, struct error *err)
{
	struct invoice_order order = { .order = "样票", .number = "样票", .title = "样票", .tax_no = "样票", .amount_fen = 1, .issued = clock_now() };
	struct invoice_documents documents = { 0 };
	int rc = issue(issuer, &order, &documents, err);
	invoice_documents_free(&documents);
	return rc;
}

const struct issuer_backend issuer_embedded = { "embedded", open_embedded, free_embedded, number, try_one, issue };
