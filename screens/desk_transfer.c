/* Handing a conversation over: to whom, and what they should know. */
#include "desk.h"

#include <string.h>

#include <certhall/text.h>

enum { NOTE_ROWS = 3 };
enum { DO_HAND_OVER = 1, DO_BACK };

struct transfer {
	struct desk_page *desk;
	struct list list;
	struct draft *note;
	char about[CHAT_ID];
};

/* The index-th choice: NULL is the next who is free. */
static const struct agent *agent_at(const struct transfer *t, int index)
{
	const struct desk *desk = desk_of(t->desk);
	for (size_t i = 0; index > 0 && i < desk->agents_count; i++) {
		const struct agent *agent = &desk->agents[i];
		if (agent->role == ROLE_AGENT && agent->state != AGENT_OFFLINE && strcmp(agent->id, desk->agent.id) != 0 && --index == 0)
			return agent;
	}
	return NULL;
}

static int count_choices(const struct transfer *t)
{
	int count = 1;
	while (agent_at(t, count) != NULL)
		count++;
	return count;
}

static int init(struct screen *s, void *arg)
{
	struct transfer *t = screen_state(s);
	t->desk = screen_state(arg);
	const struct desk_row *row = desk_selected(t->desk);
	snprintf(t->about, sizeof t->about, "%s", row != NULL ? row->id : "");
	return draft_new(CHAT_TEXT, &t->note);
}

static void free_transfer(struct screen *s)
{
	struct transfer *t = screen_state(s);
	draft_free(&t->note);
}

static const char *title(struct screen *s)
{
	(void)s;
	return _("Hand over");
}

static const struct action *actions(struct screen *s)
{
	static const struct action rows[] = {
		{ DO_HAND_OVER, N_("Hand over"), KEY_CODE_F2, { KEY_CODE_ENTER, "", 0 }, "Enter" },
		{ DO_BACK, N_("Back"), KEY_CODE_CHAR, { KEY_CODE_ESC, "", 0 }, "Esc" }, ACTION_END };
	(void)s;
	return rows;
}

static int act(struct screen *s, int action)
{
	const struct transfer *t = screen_state(s);
	const struct agent *agent = agent_at(t, t->list.selected);
	if (action == DO_HAND_OVER)
		talks_transfer(t->desk->talks, t->about, agent != NULL ? agent->id : "", draft_text(t->note));
	screen_pop(s);
	return SCREEN_REDRAW;
}

static int key(struct screen *s, const struct key *key)
{
	struct transfer *t = screen_state(s);
	t->list.count = count_choices(t);
	if (key->code == KEY_CODE_UP || key->code == KEY_CODE_DOWN)
		return list_key(&t->list, key, t->list.count);
	return draft_key(t->note, key);
}

static void draw_row(void *ctx, const struct area *a, int index, bool selected)
{
	const struct transfer *t = ctx;
	const struct agent *agent = agent_at(t, index);
	(void)selected;
	if (agent == NULL) {
		term_text(a, 0, 0, STYLE_NORMAL, _("The next who is free"));
		return;
	}
	term_cell(a, 0, 0, 24, STYLE_NORMAL, agent->name);
	term_textf(a, 0, 25, agent->state == AGENT_ONLINE ? STYLE_OK : STYLE_DIM, _("%s, serving %d of at most %d"), desk_state_name(agent->state),
		(int)agent->serving, (int)agent->most);
}

static void draw(struct screen *s, const struct area *body)
{
	struct transfer *t = screen_state(s);
	const struct talk *talk = talks_find(t->desk->talks, t->about);
	struct area a = term_inset(body, 0, 1), list = term_sub(&a, 2, 0, a.rows - NOTE_ROWS - 4, a.cols), note = term_sub(&a, a.rows - NOTE_ROWS, 0, NOTE_ROWS, a.cols);
	char name[128];
	if (talk != NULL)
		term_cell(&a, 0, 0, a.cols, STYLE_HEADING, desk_name(talk_state(talk), name, sizeof name));
	t->list.count = count_choices(t);
	list_draw(&t->list, &list, 1, draw_row, t);
	term_cell(&a, a.rows - NOTE_ROWS - 1, 0, a.cols, STYLE_LABEL, _("What the colleague should know (the customer does not read it)"));
	draft_draw(t->note, &note, true, _("Up and Down choose, Enter hands over."));
}

const struct screen_ops page_transfer = {
	.name = "transfer", .title = title, .state_size = sizeof(struct transfer), .init = init, .free = free_transfer, .actions = actions, .act = act,
	.key = key, .input = true, .draw = draw,
};
