#include <certhall/sheet.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libxml/parser.h>
#include <libxml/tree.h>

#include <certhall/i18n.h>
#include <certhall/text.h>

enum { XML_MAX = 1024 * 1024, VALUE_MAX = 512, COLUMNS_MIN = 40, COLUMNS_MAX = 100 };

struct writer {
	xmlNodePtr root;
	struct bytes text;
	int columns;
	bool failed;
};

/* The element at a path of names below root, "EInvoiceData/BuyerInformation/BuyerName". */
static xmlNodePtr find(xmlNodePtr at, const char *path)
{
	while (at != NULL && *path != '\0') {
		size_t n = strcspn(path, "/");
		xmlNodePtr child = at->children;
		while (child != NULL && !(child->type == XML_ELEMENT_NODE && strlen((const char *)child->name) == n
				&& memcmp(child->name, path, n) == 0))
			child = child->next;
		at = child;
		path += n + (path[n] == '/');
	}
	return at;
}

/* Sanitised; empty when it is not there. */
static const char *value(const struct writer *w, const char *path, char out[VALUE_MAX])
{
	xmlNodePtr node = find(w->root, path);
	xmlChar *text = node != NULL ? xmlNodeGetContent(node) : NULL;
	out[0] = '\0';
	if (text != NULL)
		text_sanitize((const char *)text, out, VALUE_MAX, false);
	xmlFree(text);
	return out;
}

static CH_PRINTF(2, 3) void line(struct writer *w, const char *fmt, ...)
{
	char *text = NULL;
	va_list args;
	va_start(args, fmt);
	int len = vasprintf(&text, fmt, args);
	va_end(args);
	if (len < 0 || bytes_append(&w->text, text, (size_t)len) != 0 || bytes_append(&w->text, "\n", 1) != 0)
		w->failed = true;
	free(text);
}

static void rule(struct writer *w)
{
	char dashes[COLUMNS_MAX + 1];
	memset(dashes, '-', sizeof dashes);
	line(w, "%.*s", w->columns, dashes);
}

/* text at the right edge behind left. */
static void both(struct writer *w, const char *left, const char *right)
{
	int gap = w->columns - text_width(left) - text_width(right);
	line(w, "%s%*s%s", left, gap > 1 ? gap : 2, "", right);
}

static void pair(struct writer *w, const char *label, const char *path)
{
	char text[VALUE_MAX];
	if (*value(w, path, text) != '\0')
		line(w, "  %s%s", label, text);
}

static void write_party(struct writer *w, const char *heading, const char *side)
{
	static const struct {
		const char *label, *member;
	} rows[] = { { N_("Name: "), "Name" }, { N_("Taxpayer number: "), "IdNum" }, { N_("Address: "), "Addr" }, { N_("Telephone: "), "TelNum" },
		{ N_("Bank: "), "BankName" }, { N_("Account: "), "BankAccNum" } };
	char path[96];
	line(w, "%s", heading);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		snprintf(path, sizeof path, "EInvoiceData/%sInformation/%s%s", side, side, rows[i].member);
		pair(w, _(rows[i].label), path);
	}
}

static void write_item(struct writer *w)
{
	char item[VALUE_MAX], unit[VALUE_MAX], quantity[VALUE_MAX], price[VALUE_MAX], net[VALUE_MAX], tax[VALUE_MAX], rate[VALUE_MAX], left[2 * VALUE_MAX];
#define ITEM "EInvoiceData/IssuItemInformation/"
	snprintf(left, sizeof left, "%s", value(w, ITEM "ItemName", item));
	both(w, left, value(w, ITEM "Amount", net));
	line(w, _("  %s %s at %s, tax rate %.4g%%, tax %s"), value(w, ITEM "Quantity", quantity), value(w, ITEM "MeaUnits", unit),
		value(w, ITEM "UnPrice", price), strtod(value(w, ITEM "TaxRate", rate), NULL) * 100, value(w, ITEM "ComTaxAm", tax));
#undef ITEM
}

static void write_amount(struct writer *w, const char *label, const char *path)
{
	char amount[VALUE_MAX], money[VALUE_MAX + 8];
	snprintf(money, sizeof money, "￥%s", value(w, path, amount));
	both(w, label, money);
}

static void write_all(struct writer *w)
{
	char a[VALUE_MAX], b[VALUE_MAX], sample[VALUE_MAX], left[VALUE_MAX + 64], right[VALUE_MAX + 64];
	both(w, value(w, "Header/InherentLabel/EInvoiceType/LabelName", a), value(w, "Header/Sample", sample));
	snprintf(left, sizeof left, _("Invoice number: %s"), value(w, "TaxSupervisionInfo/InvoiceNumber", a));
	snprintf(right, sizeof right, _("Date: %.10s"), value(w, "TaxSupervisionInfo/IssueTime", b));
	both(w, left, right);
	rule(w);
	write_party(w, _("Buyer"), "Buyer");
	write_party(w, _("Seller"), "Seller");
	rule(w);
	write_item(w);
	rule(w);
#define SUM "EInvoiceData/BasicInformation/"
	write_amount(w, _("Total without tax"), SUM "TotalAmWithoutTax");
	write_amount(w, _("Tax"), SUM "TotalTaxAm");
	snprintf(left, sizeof left, _("Total with tax: %s"), value(w, SUM "TotalTax-includedAmountInChinese", a));
	write_amount(w, left, SUM "TotalTax-includedAmount");
	rule(w);
	pair(w, _("Remark: "), "EInvoiceData/AdditionalInformation/Remark");
	pair(w, _("Drawn by: "), SUM "Drawer");
#undef SUM
}

int sheet_text(const struct bytes *xml, int columns, char **out, struct error *err)
{
	struct writer w = { .columns = columns < COLUMNS_MIN ? COLUMNS_MIN : columns > COLUMNS_MAX ? COLUMNS_MAX : columns };
	xmlDocPtr doc = xml->len > 0 && xml->len <= XML_MAX
		? xmlReadMemory((const char *)xml->data, (int)xml->len, "invoice.xml", NULL, XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING)
		: NULL;
	*out = NULL;
	w.root = doc != NULL ? xmlDocGetRootElement(doc) : NULL;
	if (w.root == NULL || strcmp((const char *)w.root->name, "EInvoice") != 0 || find(w.root, "EInvoiceData") == NULL) {
		xmlFreeDoc(doc);
		return error_set(err, ERR_BAD_INPUT, _("this is no electronic invoice"), "XML");
	}
	write_all(&w);
	xmlFreeDoc(doc);
	if (w.failed || bytes_append(&w.text, "", 1) != 0) {
		bytes_free(&w.text);
		return error_set(err, ERR_NO_MEMORY, NULL, "invoice");
	}
	*out = (char *)w.text.data;
	return 0;
}
