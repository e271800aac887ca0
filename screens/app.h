/* What every page shares: the doors to the hall and the key, the renewal under way, and the pages themselves. */
#ifndef SCREENS_APP_H
#define SCREENS_APP_H

#include <stdio.h>

#include <certhall/doctor.h>
#include <certhall/help.h>
#include <certhall/i18n.h>
#include <certhall/log.h>
#include <certhall/renewal.h>
#include <certhall/screen.h>
#include <certhall/screens.h>

#include "actions.h"
#include "chat.h"

/* Told of every change of the keyring; embedded in a page's state. */
struct observer {
	struct observer *next;
	void (*changed)(struct screen *page);
	struct screen *page;
};

/* The renewal under way and the page that stands for its phase. */
struct flow {
	struct renewal *renewal;       /* NULL: none */
	struct screen *page;           /* NULL: not shown yet */
	void (*changed)(struct screen *page); /* the page's own; NULL: a repaint is enough */
	bool working;                  /* as of the last change */
	struct error said;             /* the last one shown */
	bool pin_waiting;              /* for the key's flags, to ask for the PIN */
	void (*pin_then)(struct renewal *renewal, struct secret *pin); /* who gets the PIN */
	struct applicant draft;        /* what was submitted, should the page have to be shown again */
	bool has_draft;
};

/* The PIN that is being asked for. */
struct pin_ask {
	struct token_slot slot;
	char holder[PKI_NAME];         /* of the certificate */
	struct error err;              /* why the last one was not taken; ERR_OK: nothing */
	void (*done)(struct app *app, struct secret *pin);
};

struct app {
	struct loop *loop;
	struct settings *settings;
	struct world world;
	struct keyring *keyring;
	struct error wake_error;       /* why the doors could not be opened; ERR_OK: they could */
	struct loop_timer *wake;
	struct observer *observers;
	struct flow flow;
	struct screen *slow;           /* the dialog of a key that does not answer; NULL: none */
	struct help *help;             /* NULL: not read yet, or not there */
	bool help_knows_hall;          /* the hall's values are in its texts */
	struct hall_call *help_call;   /* the hall's content is asked for */
	bool help_asked;               /* once since the program was started */
	struct chat chat;
	struct pin_ask pin_ask;
	char key_serial[32];           /* of the key that was there before the login */
	bool component_installed;      /* since the environment was last checked */
};

/* Opens the doors if they are not yet; false when that is not possible, and a dialog has said why. */
bool app_awake(struct app *app);
/* The help centre's content; NULL: not installed. */
struct help *app_help(struct app *app); /* hold it to keep it */
/* Asks the hall for what it has newer, when it is known to answer; from then on that is shown, also when the hall cannot be reached. */
void app_help_fetch(struct app *app);
const char *app_language(void);                                      /* of the texts: "zh_CN", "en" */
void app_help_values(const struct app *app, struct help_values *out); /* what the hall has said; without it, words that are true anyway */
void help_join(struct app *app); /* F1 opens what fits an error or a page */
void slow_join(struct app *app); /* a key that does not answer is told of */
void lock_join(struct app *app); /* when nobody is there any more */
void lock_key_seen(struct app *app); /* the keyring was read: who has taken the key out has gone */
void app_lock(struct app *app);  /* logs out everywhere and shows nothing of anybody */
void app_observe(struct app *app, struct observer *observer, struct screen *page, void (*changed)(struct screen *page));
void app_unobserve(struct app *app, struct observer *observer);
int64_t app_now(const struct app *app); /* by the hall's clock */
const char *app_hotline(const struct app *app); /* whom to call; "customer service" when the hall has not said */

/* A renewal of this certificate, from wherever it stands; the page of its phase comes on top. */
void flow_begin(struct app *app, const struct keyed_cert *cert);
void flow_end(struct app *app);   /* without a page of it left; fine when there is none */
void flow_leave(struct app *app); /* back to the page below; an order stays with the hall */
void flow_join(struct screen *page, void (*changed)(struct screen *page)); /* in the init of every page of the flow */
/* Asks for the PIN with the key's present flags said first, and hands it to then. */
void flow_ask_pin(struct app *app, void (*then)(struct renewal *renewal, struct secret *pin));
/* Asks for a PIN with the slot's flags said first; err: why the last one was not taken, may be NULL. done gets it (to move out of) or NULL. */
void app_ask_pin(struct app *app, const struct token_slot *slot, const char *holder, const struct error *err,
	void (*done)(struct app *app, struct secret *pin));
bool flow_busy(struct screen *s, const char **what); /* the busy() of every page of the flow */

extern const struct screen_ops page_home, page_certs, page_cert_detail, page_check, page_component, page_choose, page_login,
	page_details, page_pay, page_install, page_done, page_refused, page_invoice, page_help, page_downloads, page_desk_login;

/* Rows of text that pages share; each gives the row behind it. */
int show_pair(const struct area *a, int row, int label_cols, const char *label, enum style style, const char *value);
/* A row of a menu: its digit, its name, and what one finds there. */
void show_entry(const struct area *a, const char *digit, const char *label, const char *note);
void show_cert(const struct app *app, const struct area *a, const struct keyed_cert *cert); /* SHOW_CERT_ROWS rows */
enum { SHOW_CERT_ROWS = 5 }; /* the last is mostly empty */
enum style standing_style(enum standing standing);
const char *order_note(int state); /* of an unfinished one, in words */
char *days_text(int64_t end, int64_t now, char *out, size_t size); /* "20 days left", "expired 40 days ago" */

#endif
