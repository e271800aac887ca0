/* A renewal: the workflow from the choice of a certificate to the new one on the key, without any screen in it. A table of
 * states, each with one request to make of the key or of the hall; every state can be entered again.
 *
 * What has happened is known to the hall and to the key, not to a file here: renewal_begin finds out where it stood.
 */
#ifndef CERTHALL_RENEWAL_H
#define CERTHALL_RENEWAL_H

#include <certhall/hall.h>
#include <certhall/pki.h>
#include <certhall/token.h>

/* ---- what is on the key ---- */

struct keyed_cert {             /* one certificate on the token and what the hall says of it */
	struct bytes der;
	struct cert_info info;
	bool on_this_ca;            /* chains to our CA */
	bool has_standing;          /* the hall has answered */
	struct cert_standing standing;
	char slot_label[64], slot_serial[32];
	uint64_t slot;
	bool has_key;
};
struct keyring;                 /* the certificates of the inserted key, kept up to date */
typedef void keyring_fn(void *ctx);

struct world {                  /* everything a workflow needs; made once by main, borrowed everywhere */
	struct loop *loop;
	struct hall *hall;
	struct token *token;
	struct settings *settings;
	struct trust *trust;        /* our CA; NULL when the file cannot be read */
};
/* The trust anchored in the certificates of a PEM file (settings' ca_file). ERR_CONFIG when path is empty. */
int trust_open_file(const char *path, struct trust **out, struct error *err) CH_MUST_CHECK;
/* The one initialised token of a list; ERR_TOKEN_ABSENT, ERR_TOKEN_UNINITIALISED, ERR_TOKEN_SEVERAL. Borrowed from list. */
int token_list_only(const struct token_list *list, const struct token_slot **slot, struct error *err) CH_MUST_CHECK;
/* Uses token_watch from the first refresh on. */
int keyring_new(const struct world *world, keyring_fn *changed, void *ctx, struct keyring **out) CH_MUST_CHECK;
void keyring_free(struct keyring **keyring);
void keyring_refresh(struct keyring *keyring);             /* reads the key (no PIN), then asks the hall for standings */
bool keyring_busy(const struct keyring *keyring);
const struct error *keyring_error(const struct keyring *keyring); /* of reading the key; NULL: none */
const struct error *keyring_hall_error(const struct keyring *keyring);
const struct token_slot *keyring_slot(const struct keyring *keyring); /* NULL: no key, or several */
const struct hall_info *keyring_hall(const struct keyring *keyring);  /* NULL before the hall has answered */
size_t keyring_count(const struct keyring *keyring);
const struct keyed_cert *keyring_cert(const struct keyring *keyring, size_t index); /* renewable ones first, then by end */
/* The certificate with an unfinished order, or NULL. */
const struct keyed_cert *keyring_unfinished(const struct keyring *keyring);
/* Its standing in words (可更新 ...), with dates and what to do. Before the hall has answered (has_standing) it is not known:
 * say tells so, and *standing is STANDING_MALFORMED, or STANDING_UNKNOWN_ISSUER when it is not of our CA. */
void keyed_cert_standing(const struct keyed_cert *cert, enum standing *standing, char *say, size_t size);
bool keyed_cert_renewable(const struct keyed_cert *cert);

/* The name the hall knows for the signatures of a certificate's key; size at least 32. */
void renewal_signature_algorithm(const struct cert_info *info, char *out, size_t size);

/* ---- the workflow ---- */

enum renewal_phase {            /* what the person is asked for next; the seven-step bar comes from it */
	RENEWAL_WORKING,            /* something is under way: renewal_doing */
	RENEWAL_NEED_PIN,           /* to log in to the hall: renewal_login */
	RENEWAL_NEED_DETAILS,       /* 确认信息: renewal_submit */
	RENEWAL_NEED_PAYMENT,       /* 费用支付: order with QR; notices payment by itself */
	RENEWAL_NEED_INSTALL,       /* paid; PIN for the installation: renewal_install */
	RENEWAL_INSTALLING,         /* the list of steps ticks off; cannot be left */
	RENEWAL_INSTALL_FAILED,     /* renewal_error; 异常恢复: renewal_recover */
	RENEWAL_DONE,
	RENEWAL_REFUSED,            /* cannot go on: renewal_error says why (not renewable, cancelled, refunded) */
};

enum install_step {
	STEP_PIN, STEP_KEY, STEP_REQUEST, STEP_ISSUE, STEP_CHECK, STEP_WRITE, STEP_READ_BACK, STEP_PROVE, STEP_TELL, STEP_OLD, INSTALL_STEPS
};
enum step_state { STEP_TODO, STEP_NOW, STEP_DONE, STEP_FAILED, STEP_SKIPPED };

struct renewal;
typedef void renewal_fn(void *ctx); /* phase, order, error or steps changed; from the loop, so it may free the renewal */

/* cert is copied. Asks nothing yet; phase NEED_PIN. */
int renewal_new(const struct world *world, const struct keyed_cert *cert, renewal_fn *changed, void *ctx, struct renewal **out) CH_MUST_CHECK;
void renewal_free(struct renewal **renewal);

enum renewal_phase renewal_phase(const struct renewal *renewal);
const char *renewal_doing(const struct renewal *renewal);          /* translated: what is under way */
const struct error *renewal_error(const struct renewal *renewal);  /* of the last thing that failed; NULL: none */
const struct keyed_cert *renewal_cert(const struct renewal *renewal);
const struct session *renewal_session(const struct renewal *renewal); /* NULL before the login */
const struct order *renewal_order(const struct renewal *renewal);     /* NULL before there is one */
enum step_state renewal_step(const struct renewal *renewal, enum install_step step);
const char *install_step_name(enum install_step step);             /* translated */
const struct cert_info *renewal_new_cert(const struct renewal *renewal); /* once it is on the key; NULL before */
int64_t renewal_seconds_left(const struct renewal *renewal);       /* to pay, by the hall's clock */
bool renewal_followed(const struct renewal *renewal);              /* the event stream stands (else it is reconnecting) */

/* What the person does. Each is only taken in its phase and otherwise without effect. */
void renewal_login(struct renewal *renewal, struct secret *pin);    /* takes pin over; fresh flags first: see renewal_slot */
void renewal_submit(struct renewal *renewal, const struct applicant *applicant, bool acknowledged);
void renewal_ask_paid(struct renewal *renewal);                     /* 我已支付 */
void renewal_fresh_code(struct renewal *renewal);
void renewal_cancel_order(struct renewal *renewal);
void renewal_edit_details(struct renewal *renewal);                 /* back from payment to 确认信息 */
void renewal_install(struct renewal *renewal, struct secret *pin);
void renewal_recover(struct renewal *renewal);                      /* finds out anew; leads to NEED_PIN or NEED_INSTALL */
void renewal_abandon_work(struct renewal *renewal);                 /* cancels what is under way where that does no harm */
/* Flags of the slot as of just now (few tries left, locked, pin pad), for the PIN dialog; NULL: ask renewal_refresh_slot. */
const struct token_slot *renewal_slot(const struct renewal *renewal);
const struct error *renewal_slot_error(const struct renewal *renewal); /* why they could not be read; NULL: none */
void renewal_refresh_slot(struct renewal *renewal);                 /* changed is called when it is there */

/* Said before a PIN is asked for on a slot with pin_final, which is asked for only when the person confirms it. */
#define PIN_LAST_TRY N_("One try is left. If the PIN is wrong now, the key is locked.")

/* The receipt as text, malloc'd. */
char *renewal_receipt(const struct renewal *renewal) CH_MUST_CHECK;

#endif
