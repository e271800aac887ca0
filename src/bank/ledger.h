/* What the bank has booked, in a SQLite file that outlives the program. One thread at a time. */
#ifndef BANK_LEDGER_H
#define BANK_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <json-c/json.h>

#include <certhall/bytes.h>
#include <certhall/error.h>

/* As the protocol spells them; expiry is not a state but a moment (bill_status looks at it). */
enum bill_state { BILL_UNPAID, BILL_PAID, BILL_CLOSED, BILL_REFUND };

struct bill {
	char no[64], date[11], qr_id[33], description[256], notify_url[256];
	enum bill_state state;
	int64_t amount;           /* fen */
	int64_t created, expires; /* seconds since 1970 */
};

struct bill_payment {
	char transaction[40], wallet[32];
	int64_t amount, coupon; /* fen; what the payer paid is amount - coupon */
	int64_t paid_at;
	int nth; /* of the bill's: 1, or more when it was paid again */
};

struct refund {
	char no[64], bill_no[64];
	int64_t amount, created;
	bool settled;
};

struct notice {
	char id[40], bill_no[64];
	int nth; /* of the payment it tells of */
	int tries;
	int taken; /* times it was answered SUCCESS */
};

enum found { FOUND, NOT_FOUND, FIND_FAILED };

struct ledger;
int ledger_open(const char *path, struct ledger **out, struct error *err) CH_MUST_CHECK;
void ledger_close(struct ledger **ledger);

enum found ledger_bill(struct ledger *ledger, const char *bill_no, struct bill *out);
enum found ledger_bill_by_qr(struct ledger *ledger, const char *qr_id, struct bill *out);
bool ledger_bill_add(struct ledger *ledger, const struct bill *bill);
bool ledger_bill_set_state(struct ledger *ledger, const char *bill_no, enum bill_state state);
bool ledger_bill_expire(struct ledger *ledger, const char *bill_no, int64_t at);

/* The nth of a bill; 0: the newest. */
enum found ledger_payment(struct ledger *ledger, const char *bill_no, int nth, struct bill_payment *out);
/* Books the payment (nth is its to choose) and the bill's state, and queues a notice unless notice_id is NULL, in one transaction. */
bool ledger_pay(struct ledger *ledger, const char *bill_no, const struct bill_payment *payment, const char *notice_id);
int64_t ledger_paid(struct ledger *ledger, const char *bill_no); /* fen, all payments of it; -1: failed */

enum found ledger_refund(struct ledger *ledger, const char *refund_no, struct refund *out);
bool ledger_refund_add(struct ledger *ledger, const struct refund *refund);
/* The money has gone back; the bill is REFUND when all of it has. */
bool ledger_refund_settle(struct ledger *ledger, const char *refund_no);
int64_t ledger_refunded(struct ledger *ledger, const char *bill_no, bool settled_only); /* fen; -1: failed */

/* Pending notices, due first, or the newest first; *due gets the moment (ms) of each. Returns how many. */
size_t ledger_notices(struct ledger *ledger, struct notice *out, int64_t *due, size_t max, bool newest_first);
bool ledger_notice_result(struct ledger *ledger, const struct notice *notice, bool pending, int64_t next_ms, const char *answer);

/* false when the nonce was used since the moment `since`, or the ledger fails. */
bool ledger_nonce(struct ledger *ledger, const char *nonce, int64_t now, int64_t since);

/* Everything, for tests: {"bills":[...],"payments":[...],"refunds":[...],"notifications":[...]}. */
json_object *ledger_json(struct ledger *ledger);

/* A day's statement (docs/operations.md) of what was paid and given back from the moment `from` until before `to`. */
int ledger_statement(struct ledger *ledger, const char *date, int64_t from, int64_t to, struct bytes *out) CH_MUST_CHECK;

const char *bill_state_name(enum bill_state state);

#endif
