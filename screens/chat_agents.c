/* Who is on duty, and whom to talk to. */
#include "app.h"

#include <string.h>

enum { ASK_EVERY_MS = 10000, NEXT_FREE = -1, MESSAGE = -2, NAME_COLS = 24, STATE_COLS = 10 };

struct agents {
	struct app *app;
	struct observer observer;
	struct bar bar;
	struct list list;
	int rows[CHAT_AGENTS + 2];  /* what stands where: an index of service.agents, NEXT_FREE or MESSAGE */
	struct chat_service service;
	bool known;                 /* the hall has answered */
	bool nobody;                /* there is no one who could answer */
	struct error error;
	struct hall_call *call;
	struct loop_timer *timer;
};

static void ask(void *ctx);

/* ---- what the hall says ---- */

static bool can_answer(const struct agent *agent)
{
	return agent->role == ROLE_AGENT && (agent->state == AGENT_ONLINE || agent->state == AGENT_BUSY);
}

/* The selection stays on what it was on. */
static void arrange(struct agents *page)
{
	int was = page->list.count > 0 ? page->rows[page->list.selected] : NEXT_FREE, count = 0;
	const struct chat_service *service = &page->service;
	page->nobody = true;
	for (size_t i = 0; i < service->agents_count; i++)
		page->nobody &= !can_answer(&service->agents[i]);
	if (!page->nobody)
		page->rows[count++] = NEXT_FREE;
	for (size_t i = 0; i < service->agents_count && !page->nobody; i++)
		if (service->agents[i].role == ROLE_AGENT && service->agents[i].state != AGENT_OFFLINE)
			page->rows[count++] = (int)i;
	page->rows[count++] = MESSAGE;
	page->list.count = count;
	page->list.selected = 0;
	for (int i = 0; i < count; i++)
		if (page->rows[i] == was)
			page->list.selected = i;
}

static void on_service(void *ctx, const struct error *err, const void *result)
{
	struct screen *s = ctx;
	struct agents *page = screen_state(s);
	page->call = NULL;
	page->error = err != NULL ? *err : (struct error){ 0 };
	if (err == NULL) {
		page->service = *(const struct chat_service *)result;
		page->known = true;
		arrange(page);
	}
	if (loop_timer_start(page->app->loop, &page->timer, ASK_EVERY_MS, ask, s) != 0)
		log_line(LOG_LEVEL_WARN, "chat", "no memory for a timer");
	screen_touch(s);
}

static void ask(void *ctx)
{
	struct screen *s = ctx;
	struct agents *page = screen_state(s);
	if (page->call == NULL)
		page->call = hall_get_service(page->app->world.hall, on_service, s);
}

/* A key that has been put in can be shown. */
static void keyring_changed(struct screen *s)
{
	screen_touch(s);
}

static int init(struct screen *s, void *arg)
{
	struct agents *page = screen_state(s);
	(void)arg;
	page->app = screen_app(s);
	app_observe(page->app, &page->observer, s, keyring_changed);
	ask(s);
	return 0;
}

static void free_agents(struct screen *s)
{
	struct agents *page = screen_state(s);
	app_unobserve(page->app, &page->observer);
	hall_cancel(&page->call);
	loop_timer_cancel(page->app->loop, &page->timer);
}

/* ---- the page ---- */

static const char *title(struct screen *s)
{
	(void)s;
	return _("Online service");
}

static const struct action *actions(struct screen *s)
{
	struct agents *page = screen_state(s);
	if (!page->known)
		return BAR(&page->bar, ACT_REFRESH, ACT_BACK);
	if (page->app->chat.signin != NULL)
		return BAR(&page->bar, ACT_STOP);
	if (chat_can_sign_in(page->app))
		return BAR(&page->bar, ACT_OPEN, ACT_SHOW_KEY, ACT_REFRESH, ACT_BACK);
	return BAR(&page->bar, ACT_OPEN, ACT_REFRESH, ACT_BACK);
}

static void choose(struct screen *s)
{
	struct agents *page = screen_state(s);
	struct app *app = page->app;
	int row = page->rows[page->list.selected];
	const struct agent *agent = row >= 0 ? &page->service.agents[row] : NULL;
	char text[256];
	if (row == MESSAGE) {
		screen_push(&page_chat_leave, NULL);
	} else if (agent != NULL && agent->state == AGENT_AWAY) {
		snprintf(text, sizeof text, _("%s is away just now. Choose another, or the next free."), agent->name);
		screen_notice(s, STYLE_WARN, text);
	} else if (chat_begin(app, agent != NULL ? agent->id : "", "", "")) {
		screen_replace(s, &page_chat, NULL);
	}
}

static int act(struct screen *s, int action)
{
	struct agents *page = screen_state(s);
	screen_notice(s, STYLE_NORMAL, NULL);
	if (action == ACT_OPEN) {
		choose(s);
	} else if (action == ACT_SHOW_KEY) {
		chat_sign_in(page->app);
	} else if (action == ACT_STOP) {
		signin_cancel(&page->app->chat.signin);
	} else if (action == ACT_REFRESH) {
		loop_timer_cancel(page->app->loop, &page->timer);
		ask(s);
	} else {
		screen_pop(s);
	}
	return SCREEN_REDRAW;
}

static int key(struct screen *s, const struct key *key)
{
	struct agents *page = screen_state(s);
	return list_key(&page->list, key, 10);
}

static void resume(struct screen *s)
{
	struct agents *page = screen_state(s);
	if (page->app->chat.talk != NULL) /* it has begun meanwhile */
		screen_replace(s, &page_chat, NULL);
}

static const char *state_word(int state)
{
	return state == AGENT_ONLINE ? _("online") : state == AGENT_BUSY ? _("busy") : _("away");
}

static enum style state_style(int state)
{
	return state == AGENT_ONLINE ? STYLE_OK : state == AGENT_BUSY ? STYLE_WARN : STYLE_DIM;
}

static void draw_row(void *ctx, const struct area *a, int index, bool selected)
{
	const struct agents *page = ctx;
	int row = page->rows[index];
	char text[128];
	(void)selected;
	if (row == NEXT_FREE) {
		unsigned long waiting = (unsigned long)page->service.waiting;
		int col = term_text(a, 0, 0, STYLE_HEADING, _("The next free agent"));
		if (waiting > 0)
			snprintf(text, sizeof text, ngettext("%d waits before you", "%d wait before you", waiting), (int)waiting);
		else
			snprintf(text, sizeof text, "%s", _("nobody waits before you"));
		term_cell(a, 0, col + 2, a->cols - col - 2, STYLE_DIM, text);
	} else if (row == MESSAGE) {
		int col = term_text(a, 0, 0, STYLE_HEADING, _("Leave a message"));
		term_cell(a, 0, col + 2, a->cols - col - 2, STYLE_DIM, _("with a number; somebody calls back"));
	} else {
		const struct agent *agent = &page->service.agents[row];
		term_cell(a, 0, 0, NAME_COLS, STYLE_NORMAL, agent->name);
		term_cell(a, 0, NAME_COLS + 1, STATE_COLS, state_style(agent->state), state_word(agent->state));
		snprintf(text, sizeof text, _("serves %d of %d"), (int)agent->serving, (int)agent->most);
		term_cell(a, 0, NAME_COLS + STATE_COLS + 2, a->cols - NAME_COLS - STATE_COLS - 2, STYLE_DIM, text);
	}
}

static int draw_error(const struct agents *page, const struct area *a, int row)
{
	char text[768];
	row = term_paragraph(a, row, STYLE_WARN, error_sentence(&page->error, text, sizeof text), true);
	snprintf(text, sizeof text, _("You can also call %s."), app_hotline(page->app));
	return term_paragraph(a, row, STYLE_NORMAL, text, true) + 1;
}

static int draw_head(const struct agents *page, const struct area *a, int row)
{
	char text[512];
	if (page->error.code != ERR_OK)
		row = draw_error(page, a, row);
	if (!page->known)
		return row;
	if (page->nobody) {
		snprintf(text, sizeof text, _("No agent is on duty just now. Leave a message, and somebody will call you back; or call %s."), app_hotline(page->app));
		return term_paragraph(a, row, STYLE_WARN, text, true) + 1;
	}
	return term_paragraph(a, row, STYLE_NORMAL, _("Choose whom to talk to. Nobody will ask for your PIN; do not tell it."), true) + 1;
}

/* What the agent will see of whom he talks to. */
static void draw_who(const struct agents *page, const struct area *a)
{
	const struct chat *chat = &page->app->chat;
	const struct renewal *renewal = page->app->flow.renewal;
	const char *holder = *chat->holder != '\0' ? chat->holder : renewal != NULL ? renewal_cert(renewal)->info.holder : "";
	char text[512];
	if (!hall_logged_in(page->app->world.hall))
		snprintf(text, sizeof text, "%s", chat_can_sign_in(page->app) ?
			_("You are anonymous. F7 shows your key first: then the agent sees whose it is, and you can go on at another computer.") : "");
	else
		snprintf(text, sizeof text, _("The agent sees your certificate: %s"), holder);
	term_paragraph(a, 0, STYLE_DIM, text, true);
}

static void draw(struct screen *s, const struct area *body)
{
	struct agents *page = screen_state(s);
	struct area a = term_inset(body, 0, 2);
	int row = draw_head(page, &a, 0);
	struct area list = term_sub(&a, row, 0, a.rows - row - 3, a.cols), who = term_sub(&a, a.rows - 2, 0, 2, a.cols);
	if (!page->known)
		return;
	draw_who(page, &who);
	list_draw(&page->list, &list, 1, draw_row, page);
}

static bool busy(struct screen *s, const char **what)
{
	const struct agents *page = screen_state(s);
	*what = page->app->chat.signin != NULL ? _("Signing in at the hall") : _("Asking who is on duty");
	return page->app->chat.signin != NULL || (page->call != NULL && !page->known);
}

const struct screen_ops page_agents = {
	.name = "agents", .title = title, .state_size = sizeof(struct agents), .init = init, .free = free_agents, .actions = actions,
	.act = act, .key = key, .resume = resume, .draw = draw, .busy = busy,
};
