/* Who issues invoices: a backend as a struct of functions (embedded here; a provider's service fits the same seam). The rest of
 * the service cannot tell which. Called by one thread at a time.
 *
 * The caller stores the number (invoice_number) before it asks for the invoice, and asks again with the same one after a
 * crash: the same order, the same invoice.
 */
#ifndef SERVICE_INVOICE_ISSUER_H
#define SERVICE_INVOICE_ISSUER_H

#include <libconfig.h>

#include <certhall/bytes.h>
#include <certhall/error.h>

struct issuer;

/* What is to be invoiced. Texts are borrowed. */
struct invoice_order {
	const char *order;         /* its number */
	const char *number;        /* of invoice_number; empty: the issuer gives one itself */
	const char *title, *tax_no;
	const char *address, *phone, *bank, *account; /* the buyer's; may be empty */
	int64_t amount_fen;        /* with tax */
	int64_t issued;            /* the moment it is dated */
};

struct invoice_documents {
	char number[24];
	struct bytes pdf, xml;
};

/* settings: the `invoice` group of the configuration; NULL: no invoices are issued (*out NULL). ERR_CONFIG. */
int issuer_open(const config_setting_t *settings, struct issuer **out, struct error *err) CH_MUST_CHECK;
void issuer_free(struct issuer **issuer);
/* The number of the sequence-th invoice; empty when the issuer gives numbers itself. */
void issuer_number(const struct issuer *issuer, int64_t sequence, int64_t now, char out[24]);
/* Whether invoices can be issued at all: the error that each would fail with. Keeps nothing. */
int issuer_try(struct issuer *issuer, struct error *err) CH_MUST_CHECK;
/* ERR_INVOICE_REFUSED: never, as it stands (param: why); any other error: try again. Free the documents. */
int issuer_issue(struct issuer *issuer, const struct invoice_order *order, struct invoice_documents *out, struct error *err) CH_MUST_CHECK;
void invoice_documents_free(struct invoice_documents *documents);

#endif
