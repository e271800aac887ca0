/* The hall's service: what its parts share. */
#ifndef SERVICE_SERVICE_H
#define SERVICE_SERVICE_H

#include <pthread.h>
#include <stdatomic.h>

#include <libconfig.h>

#include <certhall/file.h>
#include <certhall/model.h>
#include <certhall/pki.h>

#include "service/audit.h"
#include "service/ca/ca.h"
#include "service/gcra.h"
#include "service/http.h"
#include "service/payment/payment.h"
#include "service/store/sql.h"

enum { PROJECTS = 16, TRUSTED = 16, ORDER_LOCKS = 64, FINGERPRINT = 65, SWEEP_SOON = 8 };

struct project_rule {
	struct project project;
	char match_ou[96], match_issuer[96]; /* empty: not a condition */
};

/* What certhalld.conf says. Texts are borrowed from the configuration. */
struct settings {
	config_t config;
	const char *listen, *tls_certificate, *tls_key, *database, *log_file, *log_level;
	const char *name, *audience, *hotline, *minimum_version;
	const char *help_folder; /* empty: what is installed */
	const char *packages_folder, *packages_certificate, *packages_key;
	const char *audit_node, *audit_head_file;
	int pay_minutes, code_seconds, invoice_days, pin_tries, rekeys, idle_minutes, session_hours, heartbeat, max_age, sweep_every, sweep_first;
	int connections, connections_per_address, timeout, receive, body, waiting, workers, gateway_workers, threads;
	int address_rate, address_burst, certificate_rate, certificate_burst, query_rate, query_burst, captcha_rate, captcha_burst, invoice_delay;
	int chat_answer, chat_waiting, chat_keep_days, chat_rate, chat_burst;
	bool revoke_superseded, behind_proxy;
	size_t projects_count;
	struct project_rule projects[PROJECTS];
};

int settings_read(const char *path, struct settings *out, struct error *err) CH_MUST_CHECK;
void settings_free(struct settings *settings);

enum order_lock { LOCK_BILL, LOCK_ISSUE, LOCKS };

struct hall {
	struct settings settings;
	struct ca *ca;
	struct trust *trust;
	struct payment *payment;    /* NULL: nothing can be paid */
	char payment_driver[32];
	struct hs_server *server;   /* NULL in the operator's commands */
	int lock_fd;                /* holds the database while it is open here */
	struct sql **db;            /* one a worker's number; 0 is the sweeper's or the command's */
	int db_count;
	struct gcra *rates;         /* by certificate, and by what asks without one */
	uint8_t challenge_key[32];
	pthread_mutex_t order_locks[LOCKS][ORDER_LOCKS];
	atomic_bool payment_ready;
	struct shelf *shelf;        /* the help centre's content; NULL in the operator's commands */
	struct issuer *issuer;      /* NULL: no invoices are issued */
	atomic_uint queries_refused; /* of invoices, by their rate, since the start */

	pthread_mutex_t crl_lock;
	struct bytes crl;
	int64_t crl_made, crl_count, crl_newest;

	pthread_t sweeper, chat_clock;
	bool chat_runs;
	atomic_llong chat_changes;  /* of the desks: each event's number, growing over restarts */
	pthread_mutex_t sweep_lock;
	pthread_cond_t sweep_wake;
	bool sweeping, ending;
	struct soon {
		char bill_no[PAYMENT_NO_SIZE];
		int64_t until;
	} soon[SWEEP_SOON]; /* notified and not confirmed yet: the sweep asks about them at each turn till then; sweep_lock */
	int64_t audit_exported; /* number of the audit row last told to the head file */
};

/* Everything but the listening: configuration, database, CA, payment. For serve and for the operator's commands. */
int hall_open(const char *config_path, struct hall **out, struct error *err) CH_MUST_CHECK;
void hall_free(struct hall **hall);
/* Listens and answers until hall_stop. */
int hall_serve(struct hall *hall, struct error *err) CH_MUST_CHECK;
void hall_stop(struct hall *hall);

extern const struct hs_route hall_routes[];

/* The project a certificate belongs to. */
const struct project *project_of(const struct hall *hall, const struct cert_info *info);

/* ---- one request ---- */

struct call {
	struct hall *hall;
	struct hs_request *request;
	struct sql *db;
	int64_t now;
	char fingerprint[FINGERPRINT]; /* of the session's certificate; empty without a session */
	char token_sha256[65];
	int64_t session_until;         /* its absolute end */
};

/* How a bearer's token is kept and found: what the database holds cannot be used by who reads it. */
void token_hash(const char *token, char out[65]);
struct call call_begin(void *ctx, struct hs_request *request, int worker);
/* One request more of that kind and by whom. ERR_RATE_LIMITED: it is answered, with when to come again. */
int call_rate(struct call *call, int per_minute, int burst, const char *kind, const char *whose, struct error *err) CH_MUST_CHECK;
/* The session of the bearer token, its certificate's rate not asked about. ERR_SESSION_NEEDED. */
int session_find(struct call *call, struct error *err) CH_MUST_CHECK;
/* The same with the rate. ERR_SESSION_NEEDED, ERR_RATE_LIMITED. */
int call_session(struct call *call, struct error *err) CH_MUST_CHECK;

/* ---- challenges (stateless until used: id carries purpose, end and nonce under our key) ---- */

int challenge_make(const struct hall *hall, const char *purpose, int64_t now, struct challenge *out, struct error *err) CH_MUST_CHECK;
/* That id is ours, for that purpose, and not too old. nonce: base64, 64 bytes. ERR_CHALLENGE_INVALID. */
int challenge_check(const struct hall *hall, const char *id, const char *purpose, int64_t now, char nonce[64], int64_t *expires,
	struct error *err) CH_MUST_CHECK;
/* In a transaction: from here on it is used. ERR_CHALLENGE_INVALID when it was. */
int challenge_use(struct sql *db, const char *id, int64_t expires, struct error *err) CH_MUST_CHECK;

/* ---- certificates ---- */

/* In a transaction: keeps a certificate that is not known yet. */
int cert_record(struct sql *db, const struct bytes *der, const struct cert_info *info, bool issued_here, int64_t now,
	struct error *err) CH_MUST_CHECK;
/* What is on record of it; status of one that is not on record is good. */
struct cert_record {
	bool known, revoked, superseded;
	int64_t replaced_until; /* superseded: the end of the one that replaced it */
};
int cert_record_read(struct sql *db, const struct cert_info *info, struct cert_record *out, struct error *err) CH_MUST_CHECK;
int cert_der(struct sql *db, const char *fingerprint, struct bytes *der, struct error *err) CH_MUST_CHECK;
/* Where it stands; info gets what could be read of it. Fails only when the database does. */
int cert_stand(struct hall *hall, struct sql *db, const struct bytes *der, int64_t now, struct cert_info *info,
	struct cert_standing *out, struct error *err) CH_MUST_CHECK;
/* The standing as the error a renewal is refused with; 0 when it may be renewed. */
int standing_refusal(const struct cert_standing *standing, const struct cert_info *info, struct error *err) CH_MUST_CHECK;
/* In a transaction. reason: of RFC 5280 5.3.1. */
enum { REASON_SUPERSEDED = 4, REASON_WITHDRAWN = 9 /* the price went back */ };
int cert_revoke(struct sql *db, const char *fingerprint, int reason, int64_t now, struct error *err) CH_MUST_CHECK;
int crl_get(struct hall *hall, struct sql *db, int64_t now, struct bytes *out, struct error *err) CH_MUST_CHECK;

/* ---- orders ---- */

/* The whole order by its number; ERR_ORDER_NONE. Free with order_free. */
int order_load(struct hall *hall, struct sql *db, const char *number, struct order *out, struct error *err) CH_MUST_CHECK;
void order_free(struct order *order);
/* The open one of a certificate; number empty when there is none. */
int order_find_open(struct sql *db, const char *fingerprint, struct order_brief *out, struct error *err) CH_MUST_CHECK;
/* Of an order's certificates, the old ones or the new ones there are. */
int order_fingerprints(struct sql *db, const char *number, bool new, char out[MODEL_ITEMS][FINGERPRINT], size_t *count, struct error *err)
	CH_MUST_CHECK;
/* The details of this certificate holder's last order. */
int order_last_applicant(struct sql *db, const char *fingerprint, struct applicant *out, bool *found, struct error *err) CH_MUST_CHECK;
/* What a renewal at now promises; 0: months from the day of issue. */
int64_t order_promise(const struct project *project, int64_t not_after, int64_t now);
/* In a transaction: moves an order that is in one of the states of the mask (ORDER_BIT) and writes the event; *moved tells
 * whether it was. to ORDER_SAME: a change without another state. */
#define ORDER_BIT(state) (1 << (state))
enum { ORDER_SAME = -1 };
int order_move(struct sql *db, const char *number, int from_mask, int to, int64_t now, bool *moved, struct error *err) CH_MUST_CHECK;
int order_item_states(struct sql *db, const char *number, enum item_state least, bool *all, struct error *err) CH_MUST_CHECK;
/* Tells the streams; after the commit. */
void order_publish(const struct hall *hall, const char *number);
int order_render(void *ctx, const char *number, int worker, int64_t *seq, struct bytes *event, bool *last, struct error *err);
/* What goes on about one order (with the gateway about its bills, with the CA) goes on one at a time. The database guards what
 * is written; this saves asking twice. */
void order_lock(struct hall *hall, enum order_lock about, const char *number);
void order_unlock(struct hall *hall, enum order_lock about, const char *number);
/* That the order is the session's; ERR_ORDER_NONE, ERR_FORBIDDEN. */
int order_owned(struct call *call, const char *number, struct error *err) CH_MUST_CHECK;
int order_answer(struct call *call, const char *number, int status, struct error *err) CH_MUST_CHECK;

/* ---- payment ---- */

/* A code that can be paid; the order may turn out paid. The order is locked. */
int bill_ensure(struct hall *hall, struct sql *db, const char *number, int64_t now, struct error *err) CH_MUST_CHECK;
/* Asks the gateway about the order's bills. */
int bill_query(struct hall *hall, struct sql *db, const char *number, int64_t now, struct error *err) CH_MUST_CHECK;
/* Closes what is open and cancels; the payer may have been faster. */
int bill_cancel(struct hall *hall, struct sql *db, const char *number, int64_t now, struct error *err) CH_MUST_CHECK;
enum learned { LEARNED_BY_NOTIFICATION, LEARNED_BY_QUERY, LEARNED_BY_CLOSE };
/* A payment is a fact, however often it is learned. ERR_PAYMENT_HELD: it does not fit its bill, or a notification alone tells of it, and it
 * is written down for staff. */
int bill_paid(struct hall *hall, struct sql *db, const char *bill_no, const struct payment_result *result, enum learned way, int64_t now,
	struct error *err) CH_MUST_CHECK;
/* The newest bill of an order, for the sandbox. ERR_ORDER_STATE when there is none to pay. */
int bill_newest(struct sql *db, const char *number, struct payment_bill *out, struct error *err) CH_MUST_CHECK;

/* Looks after deadlines, payments nobody told about, refunds, and what has expired. */
int sweep_start(struct hall *hall, struct error *err) CH_MUST_CHECK;
void sweep_stop(struct hall *hall);

/* ---- routes (handlers) ---- */

#define HALL_HANDLER(name) int name(void *ctx, struct hs_request *request, int worker, struct error *err)
HALL_HANDLER(standings_post);
HALL_HANDLER(challenges_post);
HALL_HANDLER(sessions_post);
HALL_HANDLER(session_get);
HALL_HANDLER(session_delete);
HALL_HANDLER(orders_post);
HALL_HANDLER(order_get);
HALL_HANDLER(order_events);
HALL_HANDLER(order_payment);
HALL_HANDLER(order_payment_query);
HALL_HANDLER(order_cancel);
HALL_HANDLER(order_requests);
HALL_HANDLER(order_installed);
HALL_HANDLER(notify_post);
HALL_HANDLER(captchas_post);
HALL_HANDLER(invoices_query);
HALL_HANDLER(invoices_page);
HALL_HANDLER(invoice_pdf);
HALL_HANDLER(invoice_xml);
HALL_HANDLER(service_get);
HALL_HANDLER(conversations_post);
HALL_HANDLER(conversation_get);
HALL_HANDLER(conversation_events);
HALL_HANDLER(messages_post);
HALL_HANDLER(history_post);
HALL_HANDLER(marks_post);
HALL_HANDLER(leave_post);
HALL_HANDLER(close_post);
HALL_HANDLER(transfer_post);
HALL_HANDLER(desk_get);
HALL_HANDLER(desk_events);
HALL_HANDLER(desk_state);
HALL_HANDLER(desk_take);
HALL_HANDLER(packages_get);
HALL_HANDLER(package_content);
HALL_HANDLER(help_get);

#endif
