/* The right of the desk: the selected conversation, what is being answered, and what the customer attached. */
#include "desk.h"

#include <stdlib.h>
#include <string.h>

#include <certhall/bytes.h>
#include <certhall/text.h>

enum { HEAD_ROWS = 2, INPUT_ROWS = 4 };

/* ---- who and about what ---- */

static const char *topic_name(const char *topic)
{
	static const struct {
		const char *page, *name;
	} names[] = {
		{ "home", N_("home page") }, { "check", N_("Environment check") }, { "choose", N_("Choose certificate") }, { "certs", N_("View certificates") },
		{ "login", N_("Choose certificate") }, { "details", N_("Confirm details") }, { "pay", N_("Payment") }, { "install", N_("Install certificate") },
		{ "done", N_("Renewal complete") }, { "refused", N_("The order has ended") }, { "component", N_("Install component") },
		{ "invoice", N_("Invoices") }, { "invoices", N_("Invoices") }, { "help", N_("Help centre") }, { "questions", N_("Questions and answers") },
	};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(names[i].page, topic) == 0)
			return _(names[i].name);
	return topic;
}

static void say_state(const struct desk *desk, const struct conversation *c, int64_t now, char *out, size_t size)
{
	int left = desk_seconds_left(desk, c, now), minutes = (int)((now > c->since ? now - c->since : 0) / 60);
	if (left >= 0)
		snprintf(out, size, ngettext("offered to you: %d second", "offered to you: %d seconds", (unsigned long)left), left);
	else if (c->state == CONVERSATION_WAITING)
		snprintf(out, size, ngettext("waiting for %d minute", "waiting for %d minutes", (unsigned long)minutes), minutes);
	else if (c->state == CONVERSATION_LEFT)
		snprintf(out, size, _("call back: %s"), c->callback);
	else if (c->state == CONVERSATION_CLOSED && c->rating > 0)
		snprintf(out, size, _("ended, rated %d of 5"), (int)c->rating);
	else if (c->state == CONVERSATION_CLOSED)
		snprintf(out, size, "%s", i18n_in_context(NC_("conversation", "ended")));
	else
		snprintf(out, size, _("with %s"), c->agent_name);
}

static void draw_head(const struct desk *desk, const struct area *a, const struct talk *talk, int64_t now)
{
	const struct conversation *c = talk_state(talk);
	char state[160], from[160] = "";
	term_cell(a, 0, 0, a->cols, STYLE_HEADING, *c->holder != '\0' ? c->holder : _("No certificate shown"));
	say_state(desk, c, now, state, sizeof state);
	if (*c->topic != '\0')
		snprintf(from, sizeof from, _("  from: %s"), topic_name(c->topic));
	size_t used = strlen(from);
	if (strcmp(c->wanted, desk->agent.id) == 0 && c->state == CONVERSATION_WAITING)
		snprintf(from + used, sizeof from - used, "  %s", _("asked for you"));
	else if (desk_has_attached(talk))
		snprintf(from + used, sizeof from - used, "  %s", _("(attached: F6)"));
	int col = term_text(a, 1, 0, desk_seconds_left(desk, c, now) >= 0 ? STYLE_WARN : STYLE_DIM, state);
	term_cell(a, 1, col, a->cols - col, STYLE_DIM, from);
}

/* ---- what may be done here ---- */

static const char *why_no_input(const struct desk_page *page, const struct conversation *c)
{
	if (desk_reads_only(page))
		return _("A supervisor reads and does not write.");
	if (c->state == CONVERSATION_WAITING)
		return _("Enter takes this conversation.");
	if (c->state == CONVERSATION_LEFT)
		return *c->agent == '\0' ? _("Enter: I call this customer back.") : _("When the customer has been called, F8 marks it as done.");
	if (c->state == CONVERSATION_CLOSED)
		return _("This conversation has ended.");
	return desk_mine(page) ? NULL : _("Another agent answers here.");
}

static void draw_typing(const struct area *a, int row, const struct talk *talk)
{
	term_rule(a, row, STYLE_DIM);
	if (talk_other_types(talk) && talk_state(talk)->state == CONVERSATION_TALKING)
		term_text(a, row, 2, STYLE_DIM, _(" The customer is typing "));
}

/* Gives the rows of the input, at the bottom of the area. */
static int draw_input(struct desk_page *page, const struct area *a, const struct talk *talk)
{
	const char *why = why_no_input(page, talk_state(talk));
	struct draft *input = why == NULL ? desk_input(page, talk_state(talk)->id) : NULL;
	int rows = input != NULL ? draft_rows(input, a->cols - 2) : 1;
	if (rows > INPUT_ROWS)
		rows = INPUT_ROWS;
	if (why != NULL) {
		term_cell(a, a->rows - 1, 0, a->cols, STYLE_DIM, why);
	} else if (input != NULL) {
		struct area line = term_sub(a, a->rows - rows, 2, rows, a->cols - 2);
		term_text(a, a->rows - rows, 0, STYLE_LABEL, ">");
		draft_draw(input, &line, true, _("Write; Enter sends."));
	}
	draw_typing(a, a->rows - rows - 1, talk);
	return rows + 1;
}

void desk_talk_draw(struct desk_page *page, const struct area *a, int64_t now)
{
	struct talk *talk = desk_talk(page);
	if (talk == NULL) {
		term_paragraph(a, 0, STYLE_DIM, _("Nobody is waiting. When a customer is offered to you, the terminal rings."), true);
		return;
	}
	draw_head(desk_of(page), a, talk, now);
	term_rule(a, HEAD_ROWS, STYLE_DIM);
	int below = draw_input(page, a, talk);
	struct area pane = term_sub(a, HEAD_ROWS + 1, 0, a->rows - HEAD_ROWS - 1 - below, a->cols);
	talk_pane_draw(&page->pane, &pane, talk);
}

/* ---- what the customer attached ---- */

static bool is_attached(const struct message *m)
{
	return m->kind == MESSAGE_REPORT || m->kind == MESSAGE_ORDER;
}

bool desk_has_attached(const struct talk *talk)
{
	for (size_t i = 0; talk != NULL && i < talk_count(talk); i++)
		if (is_attached(talk_message(talk, i)))
			return true;
	return false;
}

char *desk_attached(const struct talk *talk)
{
	struct bytes text = { 0 };
	char head[160], time[8];
	int code = 0;
	for (size_t i = talk != NULL ? talk_count(talk) : 0; i-- > 0 && code == 0;) {
		const struct message *m = talk_message(talk, i);
		if (!is_attached(m))
			continue;
		snprintf(head, sizeof head, "%s-- %s %s --\n", text.len > 0 ? "\n\n" : "", talk_time(m->at, time, sizeof time),
			m->kind == MESSAGE_ORDER ? _("Order") : _("Report of the environment check"));
		code = bytes_append(&text, head, strlen(head));
		if (code == 0)
			code = bytes_append(&text, m->body, strlen(m->body));
	}
	if (text.len > 0 && code == 0 && bytes_append(&text, "", 1) == 0)
		return (char *)text.data;
	bytes_free(&text);
	return NULL;
}

void desk_side_draw(const struct desk_page *page, const struct area *a)
{
	char *text = desk_attached(desk_talk(page));
	if (text != NULL)
		term_paragraph(a, 0, STYLE_NORMAL, text, true);
	free(text);
}
