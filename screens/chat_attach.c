/* What is sent with one key, after it has been seen: the report of the environment check, an order's number. */
#include "app.h"

#include <stdlib.h>
#include <string.h>

#include <certhall/text.h>

/* ---- the report ---- */

struct attach {
	struct app *app;
	struct bar bar;
	struct doctor *doctor;
	struct pager pager;
	int rows;
};

/* What is shown is what is sent: whole lines, as many as a message holds; one that would be refused (the label of a key may name a PIN)
 * without what it says. NULL: no memory. */
static char *fit(const char *report)
{
	char *out = calloc(1, CHAT_TEXT), line[512];
	size_t len = 0;
	while (out != NULL && *report != '\0') {
		size_t n = strcspn(report, "\n");
		snprintf(line, sizeof line, "%.*s", (int)n, report);
		text_sanitize(line, line, sizeof line - 1, false);
		if (!chat_guard(line))
			snprintf(line, sizeof line, "%.2s  %s", report, _("(not sent: it looks like a PIN)"));
		if (len + strlen(line) + 1 >= CHAT_TEXT)
			break;
		len += (size_t)snprintf(out + len, CHAT_TEXT - len, "%s\n", line);
		report += n + (report[n] == '\n');
	}
	return out;
}

static void on_doctor(void *ctx)
{
	struct screen *s = ctx;
	struct attach *attach = screen_state(s);
	screen_touch(s);
	if (attach->doctor == NULL || !doctor_done(attach->doctor) || attach->pager.text != NULL)
		return;
	char *report = doctor_report(attach->doctor, false);
	attach->pager.text = report != NULL ? fit(report) : NULL;
	free(report);
}

static int init_report(struct screen *s, void *arg)
{
	struct attach *attach = screen_state(s);
	struct app *app = attach->app = screen_app(s);
	struct area screen = term_screen();
	(void)arg;
	struct doctor_options options = {
		.loop = app->loop, .hall = app->world.hall, .token = app->world.token, .settings = app->settings,
		.terminal_rows = screen.rows, .terminal_cols = screen.cols, .terminal_colours = term_colours(),
	};
	int code = doctor_new(&options, on_doctor, s, &attach->doctor);
	if (code == 0)
		doctor_run(attach->doctor);
	return code;
}

static void free_report(struct screen *s)
{
	struct attach *attach = screen_state(s);
	doctor_free(&attach->doctor);
	free(attach->pager.text);
}

static const char *title_report(struct screen *s)
{
	(void)s;
	return _("Send this report?");
}

static const struct action *actions_report(struct screen *s)
{
	struct attach *attach = screen_state(s);
	if (attach->pager.text == NULL)
		return BAR(&attach->bar, ACT_STOP);
	return BAR(&attach->bar, ACT_SEND, ACT_STOP);
}

static void say(struct app *app, enum message_kind kind, const char *text)
{
	struct error err = { 0 };
	if (app->chat.talk != NULL && talk_say(app->chat.talk, kind, text, &err) != 0)
		dialog_error(&err);
	talk_pane_newest(&app->chat.pane);
}

static int act_report(struct screen *s, int action)
{
	struct attach *attach = screen_state(s);
	screen_pop(s);
	if (action == ACT_SEND)
		say(attach->app, MESSAGE_REPORT, attach->pager.text);
	return SCREEN_HANDLED;
}

static int key_report(struct screen *s, const struct key *key)
{
	struct attach *attach = screen_state(s);
	return pager_key(&attach->pager, key, attach->rows);
}

static void draw_report(struct screen *s, const struct area *body)
{
	struct attach *attach = screen_state(s);
	attach->rows = body->rows;
	if (attach->pager.text == NULL)
		term_paragraph(body, 0, STYLE_DIM, _("The environment is being checked. The report is shown here before it is sent."), true);
	else
		pager_draw(&attach->pager, body);
}

static bool busy_report(struct screen *s, const char **what)
{
	const struct attach *attach = screen_state(s);
	*what = _("Checking the environment");
	return attach->pager.text == NULL;
}

const struct screen_ops page_chat_report = {
	.name = "chat-report", .title = title_report, .state_size = sizeof(struct attach), .init = init_report, .free = free_report,
	.actions = actions_report, .act = act_report, .key = key_report, .draw = draw_report, .busy = busy_report, .dialog = true,
};

/* ---- the order ---- */

/* The one of the renewal under way, else one that is unfinished, as text; false: none is known. */
static bool order_text(const struct app *app, char *out, size_t size)
{
	const struct order *order = app->flow.renewal != NULL ? renewal_order(app->flow.renewal) : NULL;
	const struct keyed_cert *cert = app->keyring != NULL ? keyring_unfinished(app->keyring) : NULL;
	if (order == NULL && cert == NULL)
		return false;
	const char *number = order != NULL ? order->number : cert->standing.order.number;
	int state = order != NULL ? order->state : cert->standing.order.state;
	snprintf(out, size, "%s %s", number, state == ORDER_INSTALLED ? _("installed") : order_note(state));
	return true;
}

bool chat_knows_order(const struct app *app)
{
	char text[256];
	return order_text(app, text, sizeof text);
}

static void on_order(void *ctx, int choice)
{
	struct app *app = ctx;
	char text[256];
	if (choice == 0 && order_text(app, text, sizeof text))
		say(app, MESSAGE_ORDER, text);
}

void chat_attach_order(struct app *app)
{
	const char *choices[] = { _("Send"), _("Do not send") };
	char text[256];
	if (order_text(app, text, sizeof text))
		dialog_choose(_("Send this order number?"), text, choices, 2, on_order, app);
}
