/* 客服工作台: what its files share. */
#ifndef SCREENS_DESK_H
#define SCREENS_DESK_H

#include <certhall/talk.h>

#include "app.h"
#include "talk_pane.h"

enum { DESK_WIDE = 72 /* list and conversation side by side */, DESK_WIDEST = 96 /* and what the customer attached */, DESK_LIST = 26 };

/* The parts of the list in their order. */
enum desk_part { DESK_MINE, DESK_OTHERS, DESK_WAITING, DESK_LEFT, DESK_PARTS };

struct desk_row {
	enum desk_part part;
	char id[CHAT_ID];
};

/* What is written and not sent yet, a conversation each. */
struct desk_draft {
	struct desk_draft *next;
	char id[CHAT_ID];
	struct draft *text;
};

struct desk_list {
	struct desk_row rows[CHAT_ROWS];
	int count, selected, top;
};

struct desk_page {
	struct action bar[12];
	struct talks *talks;
	struct loop_timer *second;
	struct desk_list list;
	struct desk_draft *drafts;
	struct talk_pane pane;
	char pane_of[CHAT_ID];         /* the conversation it belongs to */
	bool open;                     /* where there is room for one only: the conversation, not the list */
	bool taking;                   /* what becomes mine is to be selected */
	char offered[CHAT_ID];         /* to me, when last looked */
	bool was_connected, broken;    /* the line, when last told */
	enum error_code said;          /* of the talks, when last told */
	bool refused;                  /* this certificate, or its session: the page goes */
	bool leaving;
	struct loop_timer *leave;
	struct help *answers[2];       /* canned ones, in the program's language and in the other; NULL: not read yet */
	char about[CHAT_ID];           /* the conversation a dialog is about */
};

/* ---- desk.c ---- */

const struct desk *desk_of(const struct desk_page *page);           /* NULL before the hall has answered */
bool desk_reads_only(const struct desk_page *page);                 /* a supervisor */
const struct desk_row *desk_selected(const struct desk_page *page); /* NULL: nothing there */
struct talk *desk_talk(const struct desk_page *page);               /* the selected one; NULL */
bool desk_mine(const struct desk_page *page);                       /* the selected one is answered by me and not ended */
bool desk_somebody_waits(const struct desk_page *page);
bool desk_narrow(void);                                             /* list or conversation, not both */

/* ---- desk_watch.c ---- */

void desk_changed(void *screen);                                    /* of the talks */
void desk_mark_shown(struct screen *s);                             /* what is on the screen to its end counts as read */
struct draft *desk_input(struct desk_page *page, const char *id);   /* made when it is not there; NULL: no memory */
void desk_drop_drafts(struct desk_page *page, bool all);            /* else those of conversations that are gone */

/* ---- desk_list.c ---- */

/* What there is now, with the same conversation selected if it is still there. True when some became mine; its index then in *fresh. */
bool desk_list_fill(struct desk_page *page, int *fresh);
void desk_list_draw(struct desk_page *page, const struct area *a, int64_t now);
int desk_seconds_left(const struct desk *desk, const struct conversation *c, int64_t now); /* of an offer to me; -1: it is not */
char *desk_name(const struct conversation *c, char *out, size_t size); /* holder, number to call, or that no certificate was shown */
const char *desk_state_name(int state);

/* ---- desk_talk.c ---- */

void desk_talk_draw(struct desk_page *page, const struct area *a, int64_t now);
void desk_side_draw(const struct desk_page *page, const struct area *a);
/* What the customer attached, newest first, malloc'd; NULL: nothing. */
char *desk_attached(const struct talk *talk);
bool desk_has_attached(const struct talk *talk);

/* ---- desk_ask.c: what is asked before it is done ---- */

void desk_ask_state(struct screen *s);
void desk_ask_close(struct screen *s);
void desk_ask_note(struct screen *s);
void desk_ask_leave(struct screen *s);
void desk_say(const struct desk_page *page, enum message_kind kind, const char *text);
void desk_show_agents(const struct desk_page *page);

/* ---- desk_pick.c: one of many, found as one types ---- */

struct pick_arg {
	const char *title;
	struct help *help;
	bool question;  /* its title may be sent; else its text is wanted */
	void (*done)(void *ctx, const struct help_entry *entry, bool text);
	void *ctx;
};
void desk_pick_answer(struct screen *s);
void desk_pick_question(struct screen *s);

extern const struct screen_ops page_desk, page_desk_login, page_pick, page_transfer;

#endif
