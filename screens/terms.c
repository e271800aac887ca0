#include "terms.h"

#include <stdlib.h>
#include <string.h>

#include <certhall/clock.h>

char *terms_new_end(const struct renewal *renewal, char *out, size_t size)
{
	const struct order *order = renewal_order(renewal);
	const struct session *session = renewal_session(renewal);
	int64_t end = order != NULL ? order->new_not_after : session != NULL ? session->new_not_after : 0;
	int64_t months = order != NULL ? order->validity_months : session != NULL ? session->project.validity_months : 0;
	char date[16];
	if (end != 0)
		snprintf(out, size, _("until %s"), clock_date(end, date, sizeof date));
	else
		snprintf(out, size, ngettext("%d month from the day it is issued", "%d months from the day it is issued", (unsigned long)months), (int)months);
	return out;
}

int terms_text(const struct app *app, char **text)
{
	const struct renewal *renewal = app->flow.renewal;
	const struct order *order = renewal_order(renewal);
	const struct session *session = renewal_session(renewal);
	int64_t price = order != NULL ? order->amount_fen : session != NULL ? session->project.price_fen : 0;
	int64_t days = order != NULL ? order->invoice_days : keyring_hall(app->keyring) != NULL ? keyring_hall(app->keyring)->invoice_days : 3;
	const char *note = order != NULL ? order->price_note : session != NULL ? session->project.price_note : "";
	char money[32], today[16], new_end[96];
	int n = asprintf(text, _("Price: %s\n"
		"About the price: %s\n"
		"Valid now: until %s\n"
		"Renewed: %s\n\n"
		"Mind this: files and bids that were encrypted with the old key can be opened with the old key only. "
		"If a bid has been handed in and is not opened yet, renew after it has been opened. "
		"Decrypt what you still need before you go on.\n\n"
		"The invoice is issued within %d working days after payment and installation; then look under Invoices."),
		money_text(price, money, sizeof money), *note != '\0' ? note : _("none"),
		clock_date(renewal_cert(renewal)->info.not_after, today, sizeof today), terms_new_end(renewal, new_end, sizeof new_end), (int)days);
	if (n >= 0)
		return 0;
	*text = NULL;
	return ERR_NO_MEMORY;
}
