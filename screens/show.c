#include "app.h"

#include <stdio.h>

#include <certhall/clock.h>
#include <certhall/text.h>

int show_pair(const struct area *a, int row, int label_cols, const char *label, enum style style, const char *value)
{
	term_cell(a, row, 0, label_cols, STYLE_LABEL, label);
	struct area right = term_sub(a, row, label_cols, a->rows - row, a->cols - label_cols);
	return row + term_paragraph(&right, 0, style, value, true);
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
	int64_t days = clock_days_until(end, now);
	if (end > now)
		snprintf(out, size, ngettext("%d day left", "%d days left", (unsigned long)days), (int)days);
	else
		snprintf(out, size, ngettext("expired %d day ago", "expired %d days ago", (unsigned long)-days), (int)-days);
	return out;
}

void show_cert(const struct app *app, const struct area *a, const struct keyed_cert *cert)
{
	const struct cert_info *info = &cert->info;
	enum standing standing;
	char say[256], from[16], to[16], days[64];
	keyed_cert_standing(cert, &standing, say, sizeof say);
	int col = term_text(a, 0, 0, STYLE_HEADING, info->holder);
	days_text(info->not_after, app_now(app), days, sizeof days);
	term_textf(a, 0, col + 2, STYLE_NORMAL, "%s", days);
	col = term_text(a, 1, 2, STYLE_LABEL, _("Standing: "));
	col = term_text(a, 1, col, standing_style(standing), say);
	if (cert->has_standing && cert->standing.has_order)
		term_textf(a, 1, col + 2, STYLE_WARN, _("Order %s: %s"), cert->standing.order.number, order_note(cert->standing.order.state));
	term_textf(a, 2, 2, STYLE_NORMAL, _("From %s to %s  Issuer: %s"), clock_date(info->not_before, from, sizeof from),
		clock_date(info->not_after, to, sizeof to), info->issuer);
	term_textf(a, 3, 2, STYLE_NORMAL, _("%s  Key: %s  Serial: %s"), info->key_text, cert->slot_label, info->serial);
}
