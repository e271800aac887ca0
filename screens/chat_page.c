/* The conversation with an agent. */
#include "app.h"

#include <string.h>

#include "questions.h"

enum { LOOK_EVERY_MS = 10000, INPUT_ROWS = 3, RATES = 5, NO_QUESTION = -1 };

struct chat_page {
	struct app *app;
	struct bar bar;
	struct loop_timer *timer;
	struct error refused;      /* why what was written was not sent; code ERR_OK: nothing */
};

static const struct conversation *now_of(const struct chat_page *page)
{
	static const struct conversation none;
	return page->app->chat.talk != NULL ? talk_state(page->app->chat.talk) : &none;
}

static bool is_open(const struct chat_page *page)
{
	return page->app->chat.talk != NULL && now_of(page)->state != CONVERSATION_CLOSED && now_of(page)->state != CONVERSATION_LEFT;
}

/* ---- what comes ---- */

static void mark_shown(struct screen *s)
{
	struct chat *chat = &((struct app *)screen_app(s))->chat;
	if (chat->talk != NULL && !chat->pane.back && screen_top() == s)
		talk_shown(chat->talk);
}

/* It never began: nobody is there, so a message can be left instead; or the hall refuses. */
static void give_up(struct screen *s, const struct error *err)
{
	struct app *app = screen_app(s);
	const struct error copy = *err;
	chat_forget(app);
	screen_replace(s, copy.code == ERR_CHAT_NOBODY ? &page_chat_leave : &page_agents, NULL);
	dialog_error(&copy);
}

static void on_change(struct screen *s)
{
	struct chat_page *page = screen_state(s);
	struct chat *chat = &page->app->chat;
	const struct error *err = chat_fresh_error(chat);
	if (err != NULL && *now_of(page)->id == '\0')
		give_up(s, err);
	else if (err != NULL)
		dialog_error(err);
	mark_shown(s);
}

/* How long one has waited changes by itself. */
static void look(void *ctx)
{
	struct screen *s = ctx;
	struct chat_page *page = screen_state(s);
	screen_touch(s);
	if (loop_timer_start(page->app->loop, &page->timer, LOOK_EVERY_MS, look, s) != 0)
		log_line(LOG_LEVEL_WARN, "chat", "no memory for a timer");
}

static void listen(struct screen *s)
{
	struct chat *chat = &((struct app *)screen_app(s))->chat;
	chat->page = s;
	chat->changed = on_change;
	mark_shown(s);
}

static int init(struct screen *s, void *arg)
{
	struct chat_page *page = screen_state(s);
	(void)arg;
	page->app = screen_app(s);
	listen(s);
	look(s);
	return 0;
}

static void resume(struct screen *s)
{
	struct chat_page *page = screen_state(s);
	if (page->app->chat.talk == NULL)
		screen_pop(s);
	else
		listen(s);
}

static void free_chat(struct screen *s)
{
	struct chat_page *page = screen_state(s);
	if (page->app->chat.page == s)
		page->app->chat.page = NULL;
	loop_timer_cancel(page->app->loop, &page->timer);
}

/* ---- keys ---- */

static const char *title(struct screen *s)
{
	(void)s;
	return _("Online service");
}

/* The help centre's question that was named last; NULL: none. */
static const struct help_entry *named_question(const struct chat_page *page)
{
	const struct talk *talk = page->app->chat.talk;
	const struct help *help = app_help(page->app);
	char id[16];
	for (size_t i = talk_count(talk); help != NULL && i-- > 0;) {
		const struct message *m = talk_message(talk, i);
		if (m->kind != MESSAGE_QUESTION)
			continue;
		snprintf(id, sizeof id, "%.*s", (int)strcspn(m->body, " \n"), m->body);
		return help_by_id(help, id);
	}
	return NULL;
}

static const struct action *actions(struct screen *s)
{
	struct chat_page *page = screen_state(s);
	enum page_action ids[BAR_MAX + 1] = { 0 };
	size_t n = 0;
	if (page->app->chat.talk == NULL)
		return BAR(&page->bar, ACT_BACK);
	if (!is_open(page))
		return BAR(&page->bar, ACT_FINISH, ACT_SAVE_TALK, ACT_BACK);
	ids[n++] = ACT_SEND;
	if (now_of(page)->state == CONVERSATION_WAITING && *now_of(page)->id != '\0')
		ids[n++] = ACT_LEAVE_MESSAGE;
	if (named_question(page) != NULL)
		ids[n++] = ACT_QUESTION;
	ids[n++] = ACT_SEND_REPORT;
	ids[n++] = ACT_END_TALK;
	if (chat_knows_order(page->app))
		ids[n++] = ACT_SEND_ORDER;
	ids[n++] = ACT_SAVE_TALK;
	ids[n++] = ACT_BACK;
	return bar_set(&page->bar, ids);
}

/* What is not sent stays where it was written. */
static void send(struct chat_page *page)
{
	struct chat *chat = &page->app->chat;
	const char *text = draft_text(chat->draft);
	page->refused = (struct error){ 0 };
	if (text[strspn(text, " \n")] == '\0' || talk_say(chat->talk, MESSAGE_TEXT, text, &page->refused) != 0)
		return;
	draft_set(chat->draft, "");
	talk_pane_newest(&chat->pane);
}

static void read_question(struct chat_page *page)
{
	const struct help_entry *entry = named_question(page);
	struct question_arg arg = { .category = entry != NULL ? (int)entry->category : QUESTIONS_ALL, .id = entry != NULL ? entry->id : NULL };
	screen_push(&page_questions, &arg);
}

static int act(struct screen *s, int action)
{
	struct chat_page *page = screen_state(s);
	struct app *app = page->app;
	switch (action) {
	case ACT_SEND: send(page); break;
	case ACT_LEAVE_MESSAGE: screen_push(&page_chat_leave, NULL); break;
	case ACT_QUESTION: read_question(page); break;
	case ACT_SEND_REPORT: screen_push(&page_chat_report, NULL); break;
	case ACT_SEND_ORDER: chat_attach_order(app); break;
	case ACT_SAVE_TALK: chat_save(app); break;
	case ACT_END_TALK: chat_ask_end(app); break;
	default:
		if (!is_open(page))
			chat_forget(app);
		screen_pop(s);
		break;
	}
	mark_shown(s);
	return SCREEN_REDRAW;
}

static bool may_rate(const struct chat_page *page)
{
	return now_of(page)->state == CONVERSATION_CLOSED && now_of(page)->rating == 0;
}

static int rate(struct chat_page *page, const struct key *key)
{
	uint32_t ch = key->code != KEY_CODE_CHAR ? 0 : key->ch >= 0xff11 && key->ch <= 0xff15 ? key->ch - 0xff11 + '1' : key->ch;
	if (ch < '1' || ch > '0' + RATES || !may_rate(page))
		return SCREEN_IGNORED;
	talk_close(page->app->chat.talk, (int)(ch - '0'));
	return SCREEN_HANDLED | SCREEN_REDRAW;
}

/* Home and End scroll unless there is something written to move in. */
static int scroll(const struct chat_page *page, struct chat *chat, const struct key *key)
{
	if (key->code != KEY_CODE_HOME && key->code != KEY_CODE_END)
		return talk_pane_key(&chat->pane, chat->talk, key);
	if (!chat->pane.back && is_open(page) && *draft_text(chat->draft) != '\0')
		return SCREEN_IGNORED;
	if (key->code == KEY_CODE_HOME)
		talk_pane_oldest(&chat->pane, chat->talk);
	else
		talk_pane_newest(&chat->pane);
	return SCREEN_HANDLED | SCREEN_REDRAW;
}

static int key(struct screen *s, const struct key *key)
{
	struct chat_page *page = screen_state(s);
	struct chat *chat = &page->app->chat;
	if (chat->talk == NULL)
		return SCREEN_IGNORED;
	int flags = scroll(page, chat, key);
	if (flags != SCREEN_IGNORED) {
		mark_shown(s);
		return flags;
	}
	if (!is_open(page))
		return rate(page, key);
	flags = draft_key(chat->draft, key);
	if (flags & SCREEN_REDRAW)
		page->refused = (struct error){ 0 };
	if (key->code == KEY_CODE_CHAR)
		talk_type(chat->talk);
	return flags;
}

/* ---- drawing ---- */

static void waiting_words(const struct chat_page *page, char *out, size_t size)
{
	const struct conversation *now = now_of(page);
	int64_t minutes = (app_now(page->app) - now->since) / 60;
	char since[96];
	if (minutes < 1)
		snprintf(since, sizeof since, "%s", _("less than a minute"));
	else
		snprintf(since, sizeof since, ngettext("%d minute", "%d minutes", (unsigned long)minutes), (int)minutes);
	if (now->on_duty == 0)
		snprintf(out, size, _("Nobody is on duty any more (waiting for %s). F3 leaves a message."), since);
	else if (now->position > 0)
		snprintf(out, size, _("Place %d in the queue, waiting for %s"), (int)now->position, since);
	else
		snprintf(out, size, _("An agent is being called, waiting for %s"), since);
}

static void draw_head(const struct chat_page *page, const struct area *a)
{
	const struct conversation *now = now_of(page);
	char text[256];
	enum style style = STYLE_HEADING;
	if (*now->id == '\0') {
		snprintf(text, sizeof text, "%s", _("The hall is being asked for an agent."));
	} else if (now->state == CONVERSATION_WAITING) {
		waiting_words(page, text, sizeof text);
		style = now->on_duty == 0 ? STYLE_WARN : style;
	} else if (now->state == CONVERSATION_TALKING) {
		snprintf(text, sizeof text, _("You are talking to %s"), now->agent_name);
	} else {
		snprintf(text, sizeof text, "%s", _("The conversation has ended."));
	}
	term_cell(a, 0, 0, a->cols, style, text);
}

/* The one thing to mind about what one writes, above the input; "": nothing. */
static enum style remark(const struct chat_page *page, char *out, size_t size)
{
	const struct chat *chat = &page->app->chat;
	const struct conversation *now = now_of(page);
	*out = '\0';
	if (page->refused.code != ERR_OK) {
		error_sentence(&page->refused, out, size);
		return STYLE_BAD;
	}
	if (chat->draft != NULL && draft_full(chat->draft))
		snprintf(out, size, "%s", _("There is no more room in this message; the rest was not taken."));
	else if (is_open(page) && talk_error(chat->talk) != NULL && !talk_connected(chat->talk) && !chat_about_the_line(talk_error(chat->talk)->code))
		error_sentence(talk_error(chat->talk), out, size);
	else if (is_open(page) && *now->id != '\0' && !talk_connected(chat->talk))
		snprintf(out, size, "%s", _("The line is broken. Go on writing: all is sent when it stands again."));
	if (*out != '\0')
		return STYLE_WARN;
	if (is_open(page) && talk_other_types(chat->talk))
		snprintf(out, size, _("%s is typing..."), now->agent_name);
	return STYLE_DIM;
}

static int draw_rating(const struct chat_page *page, const struct area *a, bool draw)
{
	char text[256];
	if (may_rate(page))
		snprintf(text, sizeof text, "%s", _("How was the service? Press 1 (bad) to 5 (very good)."));
	else if (now_of(page)->rating > 0)
		snprintf(text, sizeof text, _("You have given %d of %d. Thank you."), (int)now_of(page)->rating, RATES);
	else
		return 1;
	return term_paragraph(a, 0, STYLE_HEADING, text, draw);
}

static void draw(struct screen *s, const struct area *body)
{
	struct chat_page *page = screen_state(s);
	struct chat *chat = &page->app->chat;
	struct area a = term_inset(body, 0, 1);
	char text[512];
	if (chat->talk == NULL)
		return;
	enum style style = remark(page, text, sizeof text);
	int input = is_open(page) ? draft_rows(chat->draft, a.cols) : draw_rating(page, &a, false);
	input = input > INPUT_ROWS ? INPUT_ROWS : input;
	int said = *text != '\0' ? term_paragraph(&a, 0, style, text, false) : 1;
	struct area below = term_sub(&a, a.rows - input, 0, input, a.cols), above = term_sub(&a, a.rows - input - said, 0, said, a.cols);
	struct area pane = term_sub(&a, 1, 0, a.rows - input - said - 1, a.cols);
	draw_head(page, &a);
	talk_pane_draw(&chat->pane, &pane, chat->talk);
	term_paragraph(&above, 0, style, text, true);
	if (is_open(page))
		draft_draw(chat->draft, &below, true, _("Write here; Enter sends"));
	else
		draw_rating(page, &below, true);
}

static bool busy(struct screen *s, const char **what)
{
	const struct chat_page *page = screen_state(s);
	*what = _("Reaching the service");
	return page->app->chat.talk != NULL && *now_of(page)->id == '\0';
}

const struct screen_ops page_chat = {
	.name = "chat", .title = title, .state_size = sizeof(struct chat_page), .init = init, .free = free_chat, .actions = actions,
	.act = act, .key = key, .input = true, .resume = resume, .draw = draw, .busy = busy,
};
