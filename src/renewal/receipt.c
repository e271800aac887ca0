#include <certhall/renewal.h>

#include <stdio.h>
#include <stdlib.h>

#include <certhall/clock.h>
#include <certhall/i18n.h>

static void person(FILE *out, const struct applicant *applicant)
{
	fprintf(out, _("Invoice title: %s\n"), applicant->title);
	fprintf(out, _("Taxpayer number: %s\n"), applicant->tax_no);
	fprintf(out, _("Contact: %s, %s\n"), applicant->contact, applicant->phone);
}

char *renewal_receipt(const struct renewal *renewal)
{
	const struct order *order = renewal_order(renewal);
	const struct cert_info *new_cert = renewal_new_cert(renewal);
	const struct cert_info *old_cert = &renewal_cert(renewal)->info;
	char *text = NULL, when[24], until[24], money[32], capital[160];
	size_t size;
	FILE *out = order != NULL ? open_memstream(&text, &size) : NULL;
	if (out == NULL)
		return NULL;
	fprintf(out, _("Receipt for a certificate renewal\n\n"));
	fprintf(out, _("Project: %s\nOrder: %s\n"), order->project_name, order->number);
	fprintf(out, _("Amount: %s (%s)\n"), money_text(order->amount_fen, money, sizeof money), money_capital(order->amount_fen, capital, sizeof capital));
	if (order->payment.paid_at != 0)
		fprintf(out, _("Paid: %s\n"), clock_date_time(order->payment.paid_at, when, sizeof when));
	person(out, &order->applicant);
	fprintf(out, _("\nCertificate holder: %s\nOld serial number: %s\n"), old_cert->holder, old_cert->serial);
	if (new_cert != NULL)
		fprintf(out, _("New serial number: %s\nValid: %s to %s\nAlgorithm: %s\nFingerprint (SHA-256): %s\n"), new_cert->serial,
			clock_date(new_cert->not_before, when, sizeof when), clock_date(new_cert->not_after, until, sizeof until),
			new_cert->key_text, new_cert->fingerprint);
	fprintf(out, _("\nThe invoice is issued within %d working days; find it by invoice query in the hall. This receipt is not an invoice.\n"), (int)order->invoice_days);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}
