/* The bank simulator: the other side of the ChinaUMS C-scan-B protocol, for the demo and the tests. It stands apart
 * on purpose: it shares nothing with the driver in src/service/payment, so a mistake there cannot cancel out here. */
#ifndef BANK_BANK_H
#define BANK_BANK_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <json-c/json.h>

#include <certhall/bytes.h>
#include <certhall/error.h>

struct ledger;

enum verdict {
#define X(id, code, text) VERDICT_##id,
#include "bank/verdict.h"
#undef X
	VERDICT_COUNT
};

/* The one merchant this bank knows. */
struct merchant {
	char mid[16];      /* 15 digits */
	char tid[9];       /* 8 digits */
	char source_id[5]; /* 4 characters every bill and refund number begins with */
	char msg_src[64];
	char key[129];     /* communication key of the parameter signature; also signs notifications */
	char app_id[129];  /* open platform */
	char app_key[129];
	char name[128];    /* shown to the payer */
};

/* Faults that tests switch on. 0 is off; n > 0 the next n times (slow_ms, notify_times, coupon: the value itself);
 * -1 every time. */
#define BANK_FAULTS(X) \
	X(refunds_only)        /* while it is on, fail_5xx, truncate and not_json are for refunds */ \
	X(fail_5xx)            /* a request is answered 503 and does nothing */ \
	X(truncate)            /* done, but the answer is cut short */ \
	X(slow_ms)             /* done, but every answer waits so long */ \
	X(status_unknown)      /* query answers billStatus UNKNOWN */ \
	X(query_behind)        /* query answers UNPAID for what is paid */ \
	X(not_json)            /* done, but the answer is a page of HTML */ \
	X(refund_processing)   /* a refund is PROCESSING until it is asked for again */ \
	X(refund_fail)         /* a refund is refused: FAIL, and nothing is given back */ \
	X(refund_unknown)      /* a refund's answer is UNKNOWN; it is done when it is asked for again */ \
	X(coupon)              /* fen the wallet gives: invoiceAmount = totalAmount - coupon */ \
	X(late)                /* a closed or expired bill is paid all the same */ \
	X(pay_early)           /* paid (and notified) before the answer to get-qrcode leaves */ \
	X(drop_notify)         /* paid, but no notification */ \
	X(hold_notify)         /* notifications wait until this is off again */ \
	X(notify_reverse)      /* of those that wait the newest goes first */ \
	X(notify_wrong_merchant) /* a notification is for another merchant, well signed */ \
	X(notify_times)        /* each notification is sent so often although it was taken */ \
	X(notify_bad_sign)     /* a notification goes out with a wrong signature */ \
	X(notify_wrong_amount) /* a notification goes out with another amount, well signed */

struct faults {
#define X(name) int64_t name;
	BANK_FAULTS(X)
#undef X
};

struct bank {
	struct merchant merchant;
	struct faults faults;
	struct ledger *ledger;
	char url[256];        /* what QR codes begin with, without a slash at the end */
	pthread_mutex_t lock; /* held while a request or a notification works on ledger and faults */
	pthread_cond_t ended; /* signalled with stopping, so that slow answers do not hold up the end */
	bool stopping;
	void (*notify)(void *ctx); /* there may be something to send; any thread */
	void *notify_ctx;
};

struct request {
	const char *method, *path, *id; /* id: of the query string, or NULL */
	const char *authorization, *content_type, *origin;
	const char *body; /* NUL-terminated */
	size_t len;
	bool loopback; /* the peer is this machine */
};

struct reply {
	unsigned status;
	const char *type;
	struct bytes body;
	char location[320]; /* of a redirect */
	char policy[160];   /* Content-Security-Policy, or empty */
	int64_t wait_ms;
	size_t cut; /* bytes left off the end */
};

/* Takes one use of a fault; true when it is on. The lock is held. */
bool bank_fault(int64_t *fault);

/* Each answers its part of the address space; the lock is held. */
void gateway_handle(struct bank *bank, const struct request *request, struct reply *reply); /* both transports */
void page_handle(struct bank *bank, const struct request *request, struct reply *reply);    /* the QR code's address */
void control_handle(struct bank *bank, const struct request *request, struct reply *reply); /* faults, pay, ledger */

/* Puts JSON or text into the reply. */
void reply_json(struct reply *reply, unsigned status, json_object *json); /* takes json over */
void reply_text(struct reply *reply, unsigned status, const char *type, const char *text);

/* What is out of the ordinary with a payment. */
struct oddity {
	int64_t coupon; /* fen the wallet gives; < 0: by the faults */
	int64_t amount; /* 0: the bill's */
	int64_t at;     /* seconds since 1970; 0: now */
	bool late;      /* although the code is closed or expired */
	bool again;     /* although it is paid */
};

/* A payer pays bill_no: books it and queues the notification. */
enum verdict bank_pay(struct bank *bank, const char *bill_no, const char *wallet, const struct oddity *oddity);

const char *verdict_code(enum verdict verdict);
const char *verdict_text(enum verdict verdict);

#endif
