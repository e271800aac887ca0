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
/* Whether a payment of the order is kept for staff to look at, and no refund of it is on its way. */
int payment_is_held(struct sql *db, const char *number, bool *held, struct error *err) CH_MUST_CHECK;

enum payment_state { PAYMENT_COUNTED, PAYMENT_IS_HELD, PAYMENT_DISMISSED /* it went back at the gateway, not by us */ };
enum refund_state { REFUND_ASKED, REFUND_DONE, REFUND_REFUSED, REFUND_WAITING /* for a second person */, REFUND_WITHDRAWN };

/* In a transaction: writes a refund of the nth payment of a bill down, with its number. by: who asks, empty: the hall itself. */
int refund_store(struct hall *hall, struct sql *db, const struct bill *bill, int nth, int64_t amount, const char *reason, const char *by,
	int64_t now, char refund_no[PAYMENT_NO_SIZE], struct error *err) CH_MUST_CHECK;
/* Asks the gateway for a refund that was written down; moves the order on when it is done. */
int refund_pursue(struct hall *hall, struct sql *db, const char *refund_no, int64_t now, struct error *err) CH_MUST_CHECK;
/* In a transaction: a payment that was held is counted after all, and does to its order what payments do. result: as the gateway tells it now. */
int payment_count(struct hall *hall, struct sql *db, const struct bill *bill, int nth, const struct payment_result *result, int64_t now,
	struct error *err) CH_MUST_CHECK;

enum { STAFF_NAME = 64 };
/* The name somebody gives with --by, as it is kept; ERR_BAD_INPUT: there is none. */
int staff_name(const char *by, char out[STAFF_NAME], struct error *err) CH_MUST_CHECK;
bool staff_same(const char *one, const char *other); /* the same letters and digits, whatever their case and width and what stands between */
/* The same, and begins the transaction of what they do. */
int staff_begin(struct sql *db, const char *by, char name[STAFF_NAME], struct error *err) CH_MUST_CHECK;
/* The one row, a text and a number, of a query about an order, a bill (NULL: any) and that bill once more, which are bound here. None (words:
 * why) or several are refused with words for staff: ERR_STAFF_REFUSED. */
int staff_only_one(struct sql_stmt *q, const char *number, const char *bill_no, const char *none, char first[PAYMENT_NO_SIZE], int64_t *second,
	struct error *err) CH_MUST_CHECK;

/* What staff say of a held payment. ACCEPT: it is counted, unless its amount was another, when the gateway tells that the bill is paid.
 * DISMISS: it went back at the gateway, which must tell so; the order can be paid anew. */
enum held_verdict { HELD_ACCEPT, HELD_DISMISS };
/* Two people for each; bill_no NULL: the order's only one. reason, by: a person's words. ERR_ORDER_NONE, ERR_STAFF_REFUSED (detail says
 * why), ERR_BAD_INPUT (the same person), and the gateway's. A verdict that waits for its second person can be withdrawn by anybody. */
int held_judge(struct sql *db, const char *number, const char *bill_no, enum held_verdict verdict, const char *reason, const char *by, int64_t now,
	struct error *err) CH_MUST_CHECK;
int held_approve(struct hall *hall, struct sql *db, const char *number, const char *bill_no, const char *by, int64_t now, enum held_verdict *verdict,
	struct error *err) CH_MUST_CHECK;
int held_withdraw(struct sql *db, const char *number, const char *bill_no, const char *by, int64_t now, struct error *err) CH_MUST_CHECK;

/* Staff: one asks for the refund of an order's payment (bill_no NULL: the only one there is), another approves it. reason and
 * names: a person's words. ERR_ORDER_NONE, ERR_STAFF_REFUSED (detail says why), ERR_BAD_INPUT (the same person). */
int refund_request(struct hall *hall, struct sql *db, const char *number, const char *bill_no, const char *reason, const char *by, int64_t now,
	char refund_no[PAYMENT_NO_SIZE], struct error *err) CH_MUST_CHECK;
int refund_approve(struct sql *db, const char *number, const char *bill_no, const char *by, int64_t now, char refund_no[PAYMENT_NO_SIZE],
	struct error *err) CH_MUST_CHECK;
int refund_withdraw(struct sql *db, const char *number, const char *bill_no, const char *by, int64_t now, char refund_no[PAYMENT_NO_SIZE],
	struct error *err) CH_MUST_CHECK;

#endif
