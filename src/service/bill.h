/* A bill: the gateway's side of an order, as it stands in the database. */
#ifndef SERVICE_BILL_H
#define SERVICE_BILL_H

#include "service/service.h"

enum bill_state { BILL_ASKED, BILL_OPEN, BILL_CLOSED, BILL_PAID };

struct bill {
	struct payment_bill gateway; /* bill_no empty: there is none */
	char number[24];
	int attempt;                 /* from 1 */
	enum bill_state state;
	int64_t created;
};

int bill_load(struct sql *db, const char *bill_no, struct bill *out, struct error *err) CH_MUST_CHECK;
/* Asks the gateway how it stands and acts on the answer; ERR_PAYMENT_UNKNOWN changes nothing. */
int bill_ask(struct hall *hall, struct sql *db, const struct bill *bill, int64_t now, struct error *err) CH_MUST_CHECK;
int bill_heard(struct hall *hall, int rc) CH_MUST_CHECK;
int bill_state_of_order(struct sql *db, const char *number, int *state, int64_t *expires, int64_t *amount, struct error *err) CH_MUST_CHECK;
/* Asks for the refund of a bill that was written down; moves the order on when it is done. */
int refund_pursue(struct hall *hall, struct sql *db, const char *bill_no, const char *refund_no, int64_t now, struct error *err) CH_MUST_CHECK;

#endif
