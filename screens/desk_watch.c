/* What the desk does by itself: what comes from the hall, what has been shown, and drafts that go with their conversation. */
#include "desk.h"

#include <stdlib.h>
#include <string.h>

enum { SECOND_MS = 1000 };

/* ---- drafts ---- */

struct draft *desk_input(struct desk_page *page, const char *id)
{
	for (struct desk_draft *at = page->drafts; at != NULL; at = at->next)
		if (strcmp(at->id, id) == 0)
			return at->text;
	struct desk_draft *fresh = calloc(1, sizeof *fresh);
	if (fresh == NULL || draft_new(CHAT_TEXT, &fresh->text) != 0) {
		free(fresh);
		return NULL;
	}
	snprintf(fresh->id, sizeof fresh->id, "%s", id);
	fresh->next = page->drafts;
	page->drafts = fresh;
	return fresh->text;
}

void desk_drop_drafts(struct desk_page *page, bool all)
{
	for (struct desk_draft **at = &page->drafts; *at != NULL;) {
		struct desk_draft *draft = *at;
		if (!all && talks_find(page->talks, draft->id) != NULL) {
			at = &draft->next;
			continue;
		}
		*at = draft->next;
		draft_free(&draft->text);
		free(draft);
	}
}

/* ---- what has changed ---- */

/* What is on the screen to its end counts as read. */
void desk_mark_shown(struct screen *s)
{
	struct desk_page *page = screen_state(s);
	struct talk *talk = desk_talk(page);
	const char *id = talk != NULL ? talk_state(talk)->id : "";
	if (strcmp(page->pane_of, id) != 0) {
		page->pane = (struct talk_pane){ 0 };
		snprintf(page->pane_of, sizeof page->pane_of, "%s", id);
	}
	if (talk != NULL && screen_top() == s && !page->pane.back && (!desk_narrow() || page->open))
		talk_shown(talk);
}

static const char *offered_now(const struct desk_page *page, int64_t now)
{
	for (int i = 0; i < page->list.count; i++) {
		const struct talk *talk = talks_find(page->talks, page->list.rows[i].id);
		if (talk != NULL && desk_seconds_left(desk_of(page), talk_state(talk), now) >= 0)
			return page->list.rows[i].id;
	}
	return "";
}

/* Why the one who was offered is not any more; NULL: I have taken the conversation. */
static const char *say_gone(const struct desk_page *page)
{
	const struct talk *before = talks_find(page->talks, page->offered);
	const struct conversation *c = before != NULL ? talk_state(before) : NULL;
	if (c == NULL || c->state == CONVERSATION_CLOSED || c->state == CONVERSATION_LEFT)
		return _("The customer who was offered to you is not waiting any more.");
	if (c->state == CONVERSATION_TALKING && strcmp(c->agent, desk_of(page)->agent.id) == 0)
		return NULL;
	return _("You were passed over: the customer goes to the next agent.");
}

/* Rings for a customer who is offered; one who went to another agent unanswered is told of. */
static void watch_offers(struct screen *s)
{
	struct app *app = screen_app(s);
	struct desk_page *page = screen_state(s);
	const char *now = offered_now(page, app_now(app));
	if (strcmp(now, page->offered) == 0)
		return;
	if (*now != '\0') {
		screen_notice(s, STYLE_WARN, _("A customer is offered to you. F2 takes the conversation."));
		if (app->settings->desk_bell)
			term_bell();
	} else {
		screen_notice(s, STYLE_WARN, say_gone(page));
	}
	snprintf(page->offered, sizeof page->offered, "%s", now);
}

static void tell_trouble(struct screen *s)
{
	struct desk_page *page = screen_state(s);
	const struct error *err = talks_error(page->talks);
	bool connected = talks_connected(page->talks), broken = page->was_connected && !connected;
	enum error_code code = err != NULL ? err->code : ERR_OK;
	char text[768];
	page->was_connected = page->was_connected || connected;
	if (code == page->said && broken == page->broken)
		return;
	if (broken)
		screen_notice(s, STYLE_WARN, _("The line to the hall is broken. What you write is sent when it stands again."));
	else
		screen_notice(s, STYLE_BAD, err != NULL ? error_sentence(err, text, sizeof text) : NULL);
	page->said = code;
	page->broken = broken;
}

/* Not an agent's certificate, or signed in too long ago: back to where one signs in. */
static bool is_refused(struct screen *s)
{
	struct desk_page *page = screen_state(s);
	const struct error *err = talks_error(page->talks);
	if (page->refused || err == NULL || (err->code != ERR_STAFF_ONLY && err->code != ERR_SESSION_NEEDED && err->code != ERR_FORBIDDEN))
		return page->refused;
	struct error said = *err;
	page->refused = true;
	screen_pop(s);
	dialog_error(&said);
	return true;
}

static void start_clock(struct screen *s);

/* Waiting times and an offer's countdown go on by themselves: a few cells a second. */
static void on_second(void *ctx)
{
	struct screen *s = ctx;
	screen_touch(s);
	start_clock(s);
}

static void start_clock(struct screen *s)
{
	struct app *app = screen_app(s);
	struct desk_page *page = screen_state(s);
	if (desk_somebody_waits(page) && page->second == NULL && loop_timer_start(app->loop, &page->second, SECOND_MS, on_second, s) != 0)
		log_line(LOG_LEVEL_WARN, "desk", "no memory for the countdown");
}

void desk_changed(void *screen)
{
	struct screen *s = screen;
	struct desk_page *page = screen_state(s);
	const struct desk *desk = desk_of(page);
	int fresh = 0;
	if (is_refused(s))
		return;
	tell_trouble(s);
	if (desk == NULL)
		return;
	if (page->leaving && desk->agent.state == AGENT_OFFLINE)
		screen_quit(0);
	if (desk_list_fill(page, &fresh) && page->taking) {
		page->list.selected = fresh;
		page->open = true;
		page->taking = false;
	}
	desk_drop_drafts(page, false);
	watch_offers(s);
	desk_mark_shown(s);
	start_clock(s);
	screen_touch(s);
}
