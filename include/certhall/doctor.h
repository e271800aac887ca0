/* 环境检测: the checks, in dependency order, each with a state, what was seen and the cure. Runs them side by side where
 * they do not depend on each other; never asks for or sends a PIN.
 */
#ifndef CERTHALL_DOCTOR_H
#define CERTHALL_DOCTOR_H

#include <certhall/hall.h>
#include <certhall/token.h>

enum check_item {
	CHECK_TERMINAL,     /* size, encoding, colours */
	CHECK_VERSION,      /* of this program against the hall's minimum */
	CHECK_NETWORK,      /* name, TCP, TLS to the hall */
	CHECK_CLOCK,        /* offset: warning over 60 s, wrong over 5 minutes */
	CHECK_COMPONENT,    /* 控件: the PKCS#11 module: there, loads, version */
	CHECK_PCSC,         /* smart card service: only a warning, and skipped for modules that do not need it */
	CHECK_KEY_PRESENT,  /* exactly one */
	CHECK_KEY_KNOWN,    /* vendor, model, serial, initialised, room */
	CHECK_PIN,          /* flags only */
	CHECK_CERTIFICATES, /* readable, chain to our CA */
	CHECK_ORDER,        /* an unfinished order: offers 异常恢复 */
	CHECK_PAYMENT,      /* the hall says its payment channel answers */
	CHECK_FOLDER,       /* write access to the data folder */
	CHECK_ITEMS
};
enum check_state { CHECK_WAITING, CHECK_RUNNING, CHECK_OK, CHECK_WARNING, CHECK_BROKEN, CHECK_SKIPPED };
enum check_offer { OFFER_NONE, OFFER_INSTALL_COMPONENT, OFFER_RECOVERY };

struct check {
	enum check_state state;
	enum check_offer offer;
	char seen[256]; /* translated: what was found */
	char cure[384]; /* translated: what to do; empty when nothing is wrong */
};

struct doctor;
typedef void doctor_fn(void *ctx); /* something changed */

/* Borrows all of them. terminal_rows/cols 0: not on a terminal (the check is skipped). */
struct doctor_options {
	struct loop *loop;
	struct hall *hall;
	struct token *token;
	const struct settings *settings;
	int terminal_rows, terminal_cols, terminal_colours;
};
int doctor_new(const struct doctor_options *options, doctor_fn *changed, void *ctx, struct doctor **out) CH_MUST_CHECK;
void doctor_free(struct doctor **doctor);
void doctor_run(struct doctor *doctor);                             /* 重新检测: all */
void doctor_run_one(struct doctor *doctor, enum check_item item);   /* and what depends on it */
const struct check *doctor_check(const struct doctor *doctor, enum check_item item);
const char *check_item_name(enum check_item item);                  /* translated */
const char *check_item_id(enum check_item item);                    /* "terminal", "version" ... as in the JSON report */
const char *check_state_name(enum check_state state);               /* translated: 正常 警告 异常 跳过 ... */
bool doctor_done(const struct doctor *doctor);                      /* nothing waiting or running */
bool doctor_passed(const struct doctor *doctor);                    /* done, nothing broken: the next step may open */
int doctor_status(const struct doctor *doctor);                     /* 0, 1 warnings, 2 broken */
/* The report (serials masked) as text, or as JSON. malloc'd. */
char *doctor_report(const struct doctor *doctor, bool json) CH_MUST_CHECK;

#endif
