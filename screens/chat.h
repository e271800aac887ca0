/* 在线客服 at this terminal: the one conversation there may be, and its pages. */
#ifndef SCREENS_CHAT_H
#define SCREENS_CHAT_H

#include <certhall/screen.h>
#include <certhall/signin.h>
#include <certhall/talk.h>

#include "talk_pane.h"

struct app;

enum { CHAT_CERTS = 9 };

struct chat {
	struct talk *talk;          /* NULL: none */
	struct talk_pane pane;
	struct draft *draft;        /* what is being written, whatever page is shown */
	struct error said;          /* the last error that was shown */
	char topic[64];             /* the page the person came from */
	struct signin *signin;      /* under way */
	char serial[PKI_SERIAL];    /* of the certificate it is with */
	char holder[PKI_NAME];
	char label[128];
	struct screen *page;        /* told of every change: the conversation's page, or that of a message to leave; NULL: none */
	void (*changed)(struct screen *page);
};

void chat_join(struct app *app);                          /* F4 on every page */
void chat_open(struct app *app, const char *page);        /* the conversation, or who is on duty; page: where the person is */
/* The conversation begins; false when it did not and a dialog has said why. agent "": the next free. callback: a number; then text is left
 * as a message. */
bool chat_begin(struct app *app, const char *agent, const char *callback, const char *text);
void chat_show(struct app *app);                          /* its page on top */
bool chat_is_own(const char *page);                       /* one of the conversation's own pages, where its key leads nowhere */
bool chat_on_top(const struct app *app);                  /* it is what the person sees, perhaps below a dialog */
void chat_forget(struct app *app);                        /* at this terminal; the hall keeps it */
void chat_close(struct app *app);                         /* before the doors close */
bool chat_waits(const struct app *app);                   /* it needs no keys now: in the queue, or something was said a moment ago */
bool chat_under_way(const struct chat *chat);             /* waiting or talking */
bool chat_about_the_line(enum error_code code);
/* An error of the conversation that was not shown yet and does not pass by itself; NULL: none. */
const struct error *chat_fresh_error(struct chat *chat);

extern const struct screen_ops page_agents, page_chat, page_chat_leave;
extern const struct screen_ops page_chat_report; /* shows the report of the environment check, and sends it */
void chat_attach_order(struct app *app);         /* likewise the order number; says so when none is known */
bool chat_knows_order(const struct app *app);
bool chat_can_sign_in(const struct app *app);    /* a key is there and has not been shown */
void chat_sign_in(struct app *app);
void chat_ask_end(struct app *app);              /* ends it when the person says yes */
void chat_save(struct app *app);                 /* what was said, into a file */

#endif
