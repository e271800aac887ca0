/* Invoices in the service: their rows (invoice_store.c), how they come about (invoice_job.c), who may see them (invoice_query.c). */
#ifndef SERVICE_INVOICE_H
#define SERVICE_INVOICE_H

#include <certhall/invoice.h>

#include "service/service.h"

/* Whose invoices: a unit's, or those of a certificate's orders (fingerprint not empty; the unit's fields then narrow it down). */
struct invoice_scope {
	char title[320], tax_no[32], phone[40], fingerprint[FINGERPRINT]; /* title: as invoice_title_key */
};

/* The name without spaces, its brackets and letters of one width: people type them either way. size as struct applicant's title. */
char *invoice_title_key(const char *title, char *out, size_t size);

/* In the transaction that makes an order INSTALLED: its invoice is to be issued. Again does nothing. */
int invoice_wait(struct sql *db, const char *number, int64_t now, int64_t due, struct error *err) CH_MUST_CHECK;

/* One page, newest first, behind `after` (as a page's next; empty: from the start). Masked unless the scope is a certificate's. */
int invoice_list(struct sql *db, const struct invoice_scope *scope, const char *after, struct invoice_page *out, struct error *err) CH_MUST_CHECK;
/* A document of an invoice within the scope. ERR_INVOICE_NONE, ERR_INVOICE_WAITING. */
int invoice_content(struct sql *db, const struct invoice_scope *scope, const char *id, const char *format, struct bytes *content,
	char sha256[65], struct error *err) CH_MUST_CHECK;

/* These use the database connection 0; called by the sweep's thread. */
/* Says in the log when no invoice could be issued. */
void invoice_try(struct hall *hall);
/* Orders that were installed before there were invoices get theirs, some at a time: those behind last, which moves on (empty: from
 * the first). True: there may be more. */
bool invoice_catch_up(struct hall *hall, char last[24], int64_t now);
/* Issues what is due. */
void invoice_sweep(struct hall *hall, int64_t now);
/* A failed one back to waiting. ERR_STAFF_REFUSED when it has not failed. */
int invoice_retry(struct sql *db, const char *order, int64_t now, struct error *err) CH_MUST_CHECK;

/* Uses the captcha up, right or not. */
int captcha_use(struct sql *db, const char *id, const char *answer, int64_t now, bool *right, struct error *err) CH_MUST_CHECK;

#endif
