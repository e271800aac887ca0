#include "app.h"

#include <stdio.h>

#include <certhall/clock.h>
#include <certhall/text.h>

enum { WIDE_MENU = 70, WIDE_NAMES = 24, NAMES = 18 };

int show_pair(const struct area *a, int row, int label_cols, const char *label, enum style style, const char *value)
{
	term_cell(a, row, 0, label_cols, STYLE_LABEL, label);
	struct area right = term_sub(a, row, label_cols, a->rows - row, a->cols - label_cols);
	return row + term_paragraph(&right, 0, style, value, true);
}

void show_entry(const struct area *a, const char *digit, const char *label, const char *note)
{
	int names = a->cols >= WIDE_MENU ? WIDE_NAMES : NAMES;
	int col = term_text(a, 0, 0, STYLE_KEY, digit) + 1;
	if (names < text_width(label))
		names = text_width(label);
	term_cell(a, 0, col, names, STYLE_HEADING, label);
	term_cell(a, 0, col + names + 1, a->cols - col - names - 1, STYLE_DIM, note);
}

enum style standing_style(enum standing standing)
{
	switch (standing) {
	case STANDING_RENEWABLE: return STYLE_OK;
	case STANDING_EXPIRED_RENEWABLE: return STYLE_WARN;
	case STANDING_TOO_EARLY: return STYLE_NORMAL;
	default: return STYLE_BAD;
	}
}

const char *order_note(int state)
{
	switch (state) {
	case ORDER_CREATED:
	case ORDER_PAYING: return _("waiting for payment");
	case ORDER_PAID: return _("paid, not installed yet");
	case ORDER_ISSUED: return _("issued, not installed yet");
	default: return _("unfinished");
	}
}

char *days_text(int64_t end, int64_t now, char *out, size_t size)
{
	int64_t days = end > now ? clock_days_until(end, now) : (now - end) / 86400; /* whole days behind */
	if (end > now)
		snprintf(out, size, ngettext("%d day left", "%d days left", (unsigned long)days), (int)days);
	else
		snprintf(out, size, ngettext("expired %d day ago", "expired %d days ago", (unsigned long)days), (int)days);
	return out;
}

/* The standing says what to do as well and may need two rows. */
static int show_standing(const struct area *a, int row, const struct keyed_cert *cert)
{
	enum standing standing;
	char say[256], text[400];
	keyed_cert_standing(cert, &standing, say, sizeof say);
	snprintf(text, sizeof text, "%s", say);
	if (cert->has_standing && cert->standing.has_order)
		snprintf(text, sizeof text, _("%s. Order %s: %s"), say, cert->standing.order.number, order_note(cert->standing.order.state));
	int col = term_text(a, row, 2, STYLE_LABEL, _("Standing: "));
	struct area right = term_sub(a, row, col, 2, a->cols - col);
	return row + term_paragraph(&right, 0, standing_style(standing), text, true);
}

void show_cert(const struct app *app, const struct area *a, const struct keyed_cert *cert)
{
	const struct cert_info *info = &cert->info;
	char from[16], to[16], days[64], line[PKI_NAME + 128];
	int col = term_text(a, 0, 0, STYLE_HEADING, info->holder);
	term_textf(a, 0, col + 2, STYLE_NORMAL, "%s  %s", days_text(info->not_after, app_now(app), days, sizeof days), info->key_text);
	int row = show_standing(a, 1, cert);
	snprintf(line, sizeof line, _("From %s to %s  Issuer: %s"), clock_date(info->not_before, from, sizeof from),
		clock_date(info->not_after, to, sizeof to), info->issuer);
	term_cell(a, row, 2, a->cols - 2, STYLE_NORMAL, line);
	snprintf(line, sizeof line, _("Serial %s on %s"), info->serial, cert->slot_label);
	term_cell(a, row + 1, 2, a->cols - 2, STYLE_NORMAL, line);
}
