/* The way to the payment gateway. Which one it is, nobody above can tell.
 *
 * Calls wait for the gateway's answer (at most timeout_ms of the settings): make them from a worker's thread. All of
 * them may run at once on the same struct payment. The gateway is authenticated by TLS; its notifications by their
 * signature.
 *
 * What a caller must keep to (domain rules of every gateway):
 *  - a bill is stored, with its bill_no and bill_date, before payment_bill_create is called; both never change;
 *  - PAYMENT_UNKNOWN and an error of query, close or refund say nothing about the money: ask again;
 *  - amount_fen and told_fen of a result are compared with the bill's before anything is delivered;
 *  - one payment may be learned many times (notification, query, close), also after the bill was closed. */
#ifndef SERVICE_PAYMENT_PAYMENT_H
#define SERVICE_PAYMENT_PAYMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libconfig.h>

#include <certhall/bytes.h>
#include <certhall/error.h>

struct payment;

#define PAYMENT_NO_SIZE 64

struct payment_bill {
	char bill_no[PAYMENT_NO_SIZE]; /* of payment_make_bill_no */
	char bill_date[11];            /* China time, "2026-11-22", the day it was made: kept for all later calls */
	char qr_id[64];                /* given by the gateway */
	char qr_url[256];              /* given by the gateway: what the QR code says; ASCII, host checked */
	int64_t amount_fen;
	int64_t expires; /* seconds since 1970; 0: as the gateway likes */
	char description[128];
};

enum payment_status {
	PAYMENT_UNKNOWN, /* not known yet, or not understood; never guessed */
	PAYMENT_UNPAID,
	PAYMENT_PAID,
	PAYMENT_CLOSED,
	PAYMENT_REFUNDED,
};

/* All but status is only set when there was a payment (PAID, REFUNDED). */
struct payment_result {
	enum payment_status status;
	int64_t amount_fen;  /* what was paid */
	int64_t told_fen;    /* of the bill as the gateway knows it; the same, or somebody must look */
	int64_t invoice_fen; /* what the payer may be invoiced by the gateway's reckoning: less when the wallet gave coupons */
	int64_t paid_at;     /* seconds since 1970; 0: not said */
	char wallet[32];     /* as the gateway names it; sanitised */
	char transaction[64], sequence[64]; /* the wallet's number and the gateway's; empty: not told. A second payment of a bill has others */
};

enum payment_refund_status { PAYMENT_REFUND_UNKNOWN, PAYMENT_REFUND_PROCESSING, PAYMENT_REFUND_DONE, PAYMENT_REFUND_FAILED };

/* From the group `payment` of certhalld.conf (see certhalld.conf.sample). ERR_CONFIG names the setting in param. Call it
 * before other threads run. */
int payment_open(const config_setting_t *settings, struct payment **out, struct error *err) CH_MUST_CHECK;
void payment_free(struct payment **payment);

/* Bill number of the n-th attempt (1..99) at paying an order, and refund number of the n-th refund (1..9) of a bill:
 * the same every time. order_no: letters and digits. ERR_BAD_INPUT when it does not fit. */
int payment_make_bill_no(const struct payment *payment, const char *order_no, int attempt, char out[PAYMENT_NO_SIZE],
	struct error *err) CH_MUST_CHECK;
int payment_make_refund_no(const struct payment *payment, const char *bill_no, int n, char out[PAYMENT_NO_SIZE],
	struct error *err) CH_MUST_CHECK;

/* Asks for a QR code: fills in qr_id and qr_url. Again with the same bill_no gives the same or an equal code.
 * ERR_PAYMENT_UNAVAILABLE: no usable answer, ask again. */
int payment_bill_create(struct payment *payment, struct payment_bill *bill, struct error *err) CH_MUST_CHECK;

/* ERR_PAYMENT_UNKNOWN: no usable answer. */
int payment_bill_query(struct payment *payment, const struct payment_bill *bill, struct payment_result *out,
	struct error *err) CH_MUST_CHECK;

/* Takes the code back, then asks how the bill stands: CLOSED, or PAID when the payer was faster (nothing is refunded).
 * A bill whose qr_id never arrived is CLOSED without asking: nobody was ever shown its code.
 * ERR_PAYMENT_UNKNOWN: it may still be payable. */
int payment_bill_close(struct payment *payment, const struct payment_bill *bill, struct payment_result *out,
	struct error *err) CH_MUST_CHECK;

/* Gives back amount_fen of a paid bill. Again with the same refund_no gives nothing twice, and tells how it stands.
 * ERR_PAYMENT_UNKNOWN: no usable answer, call again with the same refund_no. */
int payment_refund(struct payment *payment, const struct payment_bill *bill, const char *refund_no, int64_t amount_fen,
	enum payment_refund_status *out, struct error *err) CH_MUST_CHECK;

/* A notification's body (with sign_type = "SHA256", MD5 is not taken). 0: it is the gateway's, about our merchant; bill_no and *out are set, and bill, amount and state
 * are the caller's to check, by asking the gateway: the key that signs is shared. ERR_BAD_INPUT: malformed or not the gateway's; ERR_TOO_LARGE. */
int payment_notify(struct payment *payment, const char *body, size_t len, char bill_no[PAYMENT_NO_SIZE],
	struct payment_result *out, struct error *err) CH_MUST_CHECK;

/* What the gateway wants to hear (text/plain): taken, also for one already dealt with; or to be sent again. */
const char *payment_notify_answer(const struct payment *payment, bool taken);

/* A stand-in for a gateway, where a payment can be made by telling it so; ERR_ORDER_STATE when it will not,
 * ERR_METHOD_NOT_ALLOWED with a real gateway. */
bool payment_is_sandbox(const struct payment *payment);
int payment_sandbox_pay(struct payment *payment, const struct payment_bill *bill, struct error *err) CH_MUST_CHECK;
/* Its statement of a day ("2026-11-22"); a real gateway's comes as a file. */
int payment_sandbox_statement(struct payment *payment, const char *date, struct bytes *out, struct error *err) CH_MUST_CHECK;

const char *payment_status_name(enum payment_status status); /* "unknown", "unpaid", "paid", "closed", "refunded" */

#endif
