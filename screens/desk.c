/* 客服工作台: the agents' page. */
#include "desk.h"

#include <stdlib.h>
#include <string.h>

enum desk_action { DO_SEND = 1, DO_TAKE, DO_STATE, DO_ANSWER, DO_QUESTION, DO_ATTACHED, DO_TRANSFER, DO_CLOSE, DO_NOTE, DO_AGENTS, DO_OPEN, DO_LIST, DO_LEAVE };

#define CTRL(letter) { KEY_CODE_CTRL, "", letter[0] }, "Ctrl-" letter
#define ENTER { KEY_CODE_ENTER, "", 0 }, "Enter"
#define ESC { KEY_CODE_ESC, "", 0 }, "Esc"

/* Text is typed here at any time, so the plain keys are Ctrl's. */
static const struct action rows[] = {
	{ DO_SEND, N_("Send"), KEY_CODE_CHAR, ENTER },
	{ DO_OPEN, N_("Open"), KEY_CODE_CHAR, ENTER },
	{ DO_TAKE, N_("Take"), KEY_CODE_F2, CTRL("T") },
	{ DO_ANSWER, N_("Answers"), KEY_CODE_F4, CTRL("R") },
	{ DO_QUESTION, N_("Help centre's"), KEY_CODE_F5, CTRL("K") },
	{ DO_ATTACHED, N_("Attached"), KEY_CODE_F6, CTRL("D") },
	{ DO_TRANSFER, N_("Hand over"), KEY_CODE_F7, CTRL("F") },
	{ DO_CLOSE, N_("End"), KEY_CODE_F8, CTRL("W") },
	{ DO_NOTE, N_("Note"), KEY_CODE_F9, CTRL("N") },
	{ DO_STATE, N_("My state"), KEY_CODE_F3, CTRL("P") },
	{ DO_AGENTS, N_("Agents"), KEY_CODE_F3, CTRL("P") },
	{ DO_LIST, N_("List"), KEY_CODE_CHAR, ESC },
	{ DO_LEAVE, N_("Leave"), KEY_CODE_F10, ESC },
};

bool desk_narrow(void)
{
	return term_screen().cols < DESK_WIDE;
}

/* ---- what is there ---- */

const struct desk *desk_of(const struct desk_page *page)
{
	return page->talks != NULL ? talks_desk(page->talks) : NULL;
}

bool desk_reads_only(const struct desk_page *page)
{
	const struct desk *desk = desk_of(page);
	return desk != NULL && desk->agent.role == ROLE_SUPERVISOR;
}

const struct desk_row *desk_selected(const struct desk_page *page)
{
	return page->list.count > 0 ? &page->list.rows[page->list.selected] : NULL;
}

struct talk *desk_talk(const struct desk_page *page)
{
	const struct desk_row *row = desk_selected(page);
	return row != NULL ? talks_find(page->talks, row->id) : NULL;
}

static const struct conversation *about(const struct desk_page *page)
{
	const struct talk *talk = desk_talk(page);
	return talk != NULL ? talk_state(talk) : NULL;
}

/* Answered by me; a message that was left, kept by me to call back. */
static bool is_kept(const struct desk_page *page, int state)
{
	const struct conversation *c = about(page);
	return c != NULL && !desk_reads_only(page) && c->state == state && strcmp(c->agent, desk_of(page)->agent.id) == 0;
}

bool desk_mine(const struct desk_page *page)
{
	return is_kept(page, CONVERSATION_TALKING);
}

static bool can_take(const struct desk_page *page)
{
	const struct conversation *c = about(page);
	return c != NULL && !desk_reads_only(page) && (c->state == CONVERSATION_WAITING || (c->state == CONVERSATION_LEFT && *c->agent == '\0'));
}

bool desk_somebody_waits(const struct desk_page *page)
{
	for (int i = 0; i < page->list.count; i++)
		if (page->list.rows[i].part == DESK_WAITING)
			return true;
	return false;
}

static struct draft *input_of(struct desk_page *page)
{
	return desk_mine(page) ? desk_input(page, desk_selected(page)->id) : NULL;
}

/* ---- coming and going ---- */

static int init(struct screen *s, void *arg)
{
	struct app *app = screen_app(s);
	struct desk_page *page = screen_state(s);
	(void)arg;
	return talks_new(app->world.hall, app->loop, desk_changed, s, &page->talks);
}

static void free_desk(struct screen *s)
{
	struct app *app = screen_app(s);
	struct desk_page *page = screen_state(s);
	loop_timer_cancel(app->loop, &page->second);
	loop_timer_cancel(app->loop, &page->leave);
	desk_drop_drafts(page, true);
	talks_free(&page->talks);
	help_free(&page->answers[0]);
	help_free(&page->answers[1]);
}

/* ---- keys ---- */

static const struct action *actions(struct screen *s)
{
	struct desk_page *page = screen_state(s);
	bool list_only = desk_narrow() && !page->open, mine = desk_mine(page), kept = is_kept(page, CONVERSATION_LEFT);
	const bool now[] = {
		[DO_SEND] = mine && !list_only, [DO_OPEN] = list_only && about(page) != NULL && !can_take(page),
		[DO_TAKE] = can_take(page) || (!desk_reads_only(page) && desk_somebody_waits(page)), [DO_STATE] = desk_of(page) != NULL && !desk_reads_only(page),
		[DO_AGENTS] = desk_reads_only(page), [DO_ANSWER] = mine, [DO_QUESTION] = mine, [DO_ATTACHED] = desk_has_attached(desk_talk(page)),
		[DO_TRANSFER] = mine, [DO_CLOSE] = mine || kept, [DO_NOTE] = mine, [DO_LIST] = desk_narrow() && page->open, [DO_LEAVE] = !desk_narrow() || !page->open,
	};
	size_t count = 0;
	for (size_t i = 0; i < sizeof rows / sizeof *rows && count < sizeof page->bar / sizeof *page->bar - 1; i++)
		if (now[rows[i].id])
			page->bar[count++] = rows[i];
	page->bar[count] = (struct action)ACTION_END;
	return page->bar;
}

static void take(struct desk_page *page)
{
	page->taking = true;
	talks_take(page->talks, can_take(page) ? desk_selected(page)->id : "");
}

static void send(struct desk_page *page)
{
	struct draft *input = input_of(page);
	struct error err;
	const char *text = input != NULL ? draft_text(input) : "";
	if (text[strspn(text, " \n")] == '\0')
		return;
	if (talk_say(desk_talk(page), MESSAGE_TEXT, text, &err) != 0) {
		dialog_error(&err);
		return;
	}
	draft_set(input, "");
	talk_pane_newest(&page->pane);
}

static void show_attached(const struct desk_page *page)
{
	char *text = desk_attached(desk_talk(page));
	if (text != NULL)
		dialog_message(STYLE_NORMAL, _("What the customer attached"), text);
	free(text);
}

static int act(struct screen *s, int action)
{
	struct desk_page *page = screen_state(s);
	switch (action) {
	case DO_SEND: send(page); break;
	case DO_OPEN: page->open = true; break;
	case DO_LIST: page->open = false; break;
	case DO_TAKE: take(page); break;
	case DO_STATE: desk_ask_state(s); break;
	case DO_AGENTS: desk_show_agents(page); break;
	case DO_ANSWER: desk_pick_answer(s); break;
	case DO_QUESTION: desk_pick_question(s); break;
	case DO_ATTACHED: show_attached(page); break;
	case DO_TRANSFER: screen_push(&page_transfer, s); break;
	case DO_CLOSE: desk_ask_close(s); break;
	case DO_NOTE: desk_ask_note(s); break;
	default: desk_ask_leave(s); break;
	}
	desk_mark_shown(s);
	return SCREEN_REDRAW;
}

static int move(struct screen *s, int by)
{
	struct desk_page *page = screen_state(s);
	int to = page->list.selected + by;
	if (to < 0 || to >= page->list.count)
		return SCREEN_HANDLED;
	page->list.selected = to;
	desk_mark_shown(s);
	return SCREEN_HANDLED | SCREEN_REDRAW;
}

static int write_key(struct desk_page *page, const struct key *key)
{
	struct draft *input = input_of(page);
	if (input == NULL || (desk_narrow() && !page->open))
		return SCREEN_IGNORED;
	int flags = draft_key(input, key);
	if (flags != SCREEN_IGNORED && key->code == KEY_CODE_CHAR)
		talk_type(desk_talk(page));
	return flags;
}

static int key(struct screen *s, const struct key *key)
{
	struct desk_page *page = screen_state(s);
	struct talk *talk = desk_talk(page);
	int flags = SCREEN_IGNORED;
	if (key->code == KEY_CODE_UP || key->code == KEY_CODE_DOWN)
		return move(s, key->code == KEY_CODE_UP ? -1 : 1);
	if (key->code == KEY_CODE_CTRL && key->ch == 'C') {
		desk_ask_leave(s);
		return SCREEN_HANDLED | SCREEN_REDRAW;
	}
	if (key->code == KEY_CODE_ENTER && can_take(page)) {
		take(page);
		return SCREEN_HANDLED;
	}
	if (talk != NULL && (!desk_narrow() || page->open))
		flags = talk_pane_key(&page->pane, talk, key);
	if (flags == SCREEN_IGNORED)
		flags = write_key(page, key);
	desk_mark_shown(s);
	return flags;
}

static void resume(struct screen *s)
{
	desk_mark_shown(s);
}

/* ---- drawing ---- */

static const char *title(struct screen *s)
{
	static char text[160];
	const struct desk *desk = desk_of(screen_state(s));
	if (desk == NULL)
		return _("Agents' desk");
	if (desk->agent.role == ROLE_SUPERVISOR)
		snprintf(text, sizeof text, _("Agents' desk - %s (supervisor)"), desk->agent.name);
	else
		snprintf(text, sizeof text, _("Agents' desk - %s (%s)"), desk->agent.name, desk_state_name(desk->agent.state));
	return text;
}

static void draw(struct screen *s, const struct area *body)
{
	struct desk_page *page = screen_state(s);
	int64_t now = app_now(screen_app(s));
	struct area a = term_inset(body, 0, 1);
	if (desk_of(page) == NULL) {
		term_paragraph(&a, 0, STYLE_DIM, _("The hall is being asked."), true);
		return;
	}
	if (desk_narrow()) {
		if (page->open)
			desk_talk_draw(page, &a, now);
		else
			desk_list_draw(page, &a, now);
		return;
	}
	bool side = a.cols >= DESK_WIDEST && desk_has_attached(desk_talk(page));
	int side_cols = side ? (a.cols - DESK_LIST) * 2 / 5 : 0;
	struct area list = term_sub(&a, 0, 0, a.rows, DESK_LIST), talk = term_sub(&a, 0, DESK_LIST + 3, a.rows, a.cols - DESK_LIST - 3 - (side ? side_cols + 3 : 0));
	desk_list_draw(page, &list, now);
	term_rule_down(&a, DESK_LIST + 1, STYLE_DIM);
	desk_talk_draw(page, &talk, now);
	if (!side)
		return;
	struct area right = term_sub(&a, 0, a.cols - side_cols, a.rows, side_cols);
	term_rule_down(&a, a.cols - side_cols - 2, STYLE_DIM);
	desk_side_draw(page, &right);
}

static bool busy(struct screen *s, const char **what)
{
	const struct desk_page *page = screen_state(s);
	*what = page->leaving ? _("Telling the hall that you leave") : _("Asking the hall");
	return page->leaving || (desk_of(page) == NULL && talks_error(page->talks) == NULL);
}

const struct screen_ops page_desk = {
	.name = "desk", .title = title, .state_size = sizeof(struct desk_page), .init = init, .free = free_desk, .actions = actions, .act = act, .key = key,
	.input = true, .resume = resume, .draw = draw, .busy = busy,
};
