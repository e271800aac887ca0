#include "talk_pane.h"

#include <stdio.h>
#include <string.h>

#include <certhall/clock.h>
#include <certhall/i18n.h>
#include <certhall/text.h>

enum { INDENT = 2 };

char *talk_time(int64_t at, char *out, size_t size)
{
	char whole[24];
	clock_date_time(at, whole, sizeof whole);
	snprintf(out, size, "%.5s", whole + sizeof "2026-11-22");
	return out;
}

/* ---- what a message says ---- */

static int lines_of(const char *text)
{
	int lines = *text != '\0';
	for (; *text != '\0'; text++)
		lines += *text == '\n' && text[1] != '\0';
	return lines;
}

/* Of those that are not shown whole, and of the hall's own; false for the rest. */
static bool say_kind(const struct message *m, bool customer, char *out, size_t size)
{
	int first = (int)strcspn(m->body, "\n"), id = (int)strcspn(m->body, " \n");
	const char *who = *m->author != '\0' ? m->author : _("The customer");
	switch (m->kind) {
	case MESSAGE_REPORT:
		snprintf(out, size, ngettext("[Report of the environment check, %d line]", "[Report of the environment check, %d lines]", (unsigned long)lines_of(m->body)),
			lines_of(m->body));
		return true;
	case MESSAGE_ORDER: snprintf(out, size, _("[Order] %.*s"), first, m->body); return true;
	case MESSAGE_QUESTION:
		snprintf(out, size, _("[Help centre %.*s] %s"), id, m->body, m->body + id + (m->body[id] != '\0'));
		return true;
	case MESSAGE_JOINED: snprintf(out, size, _("%s has taken the conversation"), who); return true;
	case MESSAGE_TRANSFERRED: snprintf(out, size, _("%s has handed the conversation over"), who); return true;
	case MESSAGE_CLOSED:
		if (customer && *m->author == '\0')
			snprintf(out, size, "%s", _("You have ended the conversation"));
		else
			snprintf(out, size, _("%s has ended the conversation"), who);
		return true;
	default: return false;
	}
}

char *talk_line(const struct message *message, char *out, size_t size)
{
	if (!say_kind(message, false, out, size))
		snprintf(out, size, "%.*s", (int)strcspn(message->body, "\n"), message->body);
	text_sanitize(out, out, size, false); /* never half a character */
	return out;
}

static const char *who_of(const struct talk *talk, size_t index)
{
	const struct message *m = talk_message(talk, index);
	if (talk_is_mine(talk, index))
		return _("Me");
	return *m->author != '\0' ? m->author : m->side == SIDE_CUSTOMER ? _("Customer") : _("Agent");
}

static const char *mark_of(enum talk_mark mark)
{
	switch (mark) {
	case TALK_SENDING: return i18n_in_context(NC_("message", "sending"));
	case TALK_SENT: return i18n_in_context(NC_("message", "sent"));
	case TALK_DELIVERED: return i18n_in_context(NC_("message", "delivered"));
	case TALK_READ: return i18n_in_context(NC_("message", "read"));
	case TALK_REFUSED: return i18n_in_context(NC_("message", "not sent"));
	}
	return "";
}

/* ---- drawing; with draw false only measured, and rows above the area are not drawn ---- */

static void draw_head(const struct area *a, int row, const struct talk *talk, size_t index)
{
	const struct message *m = talk_message(talk, index);
	bool mine = talk_is_mine(talk, index);
	char time[8];
	int col = term_text(a, row, 0, STYLE_DIM, talk_time(m->at, time, sizeof time));
	col = term_text(a, row, col + 1, mine ? STYLE_LABEL : STYLE_HEADING, who_of(talk, index));
	if (m->kind == MESSAGE_NOTE)
		col = term_textf(a, row, col, STYLE_WARN, " %s", _("(note for colleagues)"));
	enum talk_mark mark = talk_mark(talk, index);
	if (mine)
		term_text(a, row, col + 2, mark == TALK_REFUSED ? STYLE_BAD : STYLE_DIM, mark_of(mark));
}

static bool begins_day(const struct talk *talk, size_t index, char *day, size_t size)
{
	char before[16] = "";
	clock_date(talk_message(talk, index)->at, day, size);
	if (index > 0)
		clock_date(talk_message(talk, index - 1)->at, before, sizeof before);
	return index == 0 || strcmp(day, before) != 0;
}

/* Gives the rows it takes. */
static int show(const struct talk_pane *pane, const struct area *a, int row, const struct talk *talk, size_t index, bool draw)
{
	const struct message *m = talk_message(talk, index);
	char text[CHAT_TEXT + 256], day[16], time[8];
	int top = row;
	if (m->kind == MESSAGE_NOTE && *m->body == '\0') /* not for this reader */
		return 0;
	if (begins_day(talk, index, day, sizeof day)) {
		if (draw)
			term_textf(a, row, 0, STYLE_DIM, "-- %s --", day);
		row++;
	}
	bool said = say_kind(m, pane->customer, text, sizeof text);
	if (m->kind >= MESSAGE_JOINED) {
		char line[sizeof text + 16];
		snprintf(line, sizeof line, "%s -- %s --", talk_time(m->at, time, sizeof time), text);
		return term_paragraph(a, row, STYLE_DIM, line, draw) - top;
	}
	struct area body = { .row = a->row, .col = a->col + INDENT, .rows = a->rows, .cols = a->cols - INDENT };
	if (draw)
		draw_head(a, row, talk, index);
	enum style style = m->kind == MESSAGE_NOTE ? STYLE_WARN : said ? STYLE_HEADING : STYLE_NORMAL;
	int end = term_paragraph(&body, row + 1, style, said ? text : m->body, draw);
	for (int at = row + 1; at < end && draw && talk_is_mine(talk, index); at++) /* told apart without colours, too */
		term_text(a, at, 0, STYLE_DIM, ">");
	return end - top;
}

/* ---- where one is ---- */

static int height(const struct talk_pane *pane, const struct talk *talk, size_t index)
{
	const struct area a = { 0, 0, 1, pane->cols };
	return show(pane, &a, 0, talk, index, false);
}

/* The place from which the newest fill the rows; index talk_count when there is nothing. */
static void find_newest(const struct talk_pane *pane, const struct talk *talk, int rows, size_t *first, int *above)
{
	int sum = 0;
	*first = talk_count(talk);
	while (*first > 0 && sum < rows)
		sum += height(pane, talk, --*first);
	*above = sum > rows ? sum - rows : 0;
}

static void up(struct talk_pane *pane, const struct talk *talk, int lines)
{
	for (pane->above -= lines; pane->above < 0 && pane->first > 0;)
		pane->above += height(pane, talk, --pane->first);
	if (pane->above < 0)
		pane->above = 0;
}

static void down(struct talk_pane *pane, const struct talk *talk, int lines)
{
	size_t last;
	int last_above, tall;
	for (pane->above += lines; pane->first < talk_count(talk) && pane->above >= (tall = height(pane, talk, pane->first)); pane->first++)
		pane->above -= tall;
	find_newest(pane, talk, pane->rows, &last, &last_above);
	if (pane->first > last || (pane->first == last && pane->above >= last_above))
		talk_pane_newest(pane);
}

void talk_pane_oldest(struct talk_pane *pane, const struct talk *talk)
{
	find_newest(pane, talk, pane->rows, &pane->first, &pane->above);
	pane->back = pane->first > 0 || pane->above > 0; /* else all of it is shown */
	pane->first = 0;
	pane->above = 0;
}

void talk_pane_newest(struct talk_pane *pane)
{
	pane->back = false;
}

int talk_pane_key(struct talk_pane *pane, const struct talk *talk, const struct key *key)
{
	int page = pane->rows > 2 ? pane->rows - 2 : 1;
	if (key->code != KEY_CODE_PAGE_UP && key->code != KEY_CODE_PAGE_DOWN)
		return SCREEN_IGNORED;
	if (!pane->back)
		find_newest(pane, talk, pane->rows, &pane->first, &pane->above);
	if (key->code == KEY_CODE_PAGE_UP && (pane->first > 0 || pane->above > 0)) {
		pane->back = true;
		up(pane, talk, page);
	} else if (key->code == KEY_CODE_PAGE_DOWN && pane->back) {
		down(pane, talk, page);
	}
	return SCREEN_HANDLED | SCREEN_REDRAW;
}

/* There is more below: what has come since stands out. */
static void draw_more(const struct area *a, const struct talk *talk)
{
	char text[160];
	unsigned long fresh = talk_unread(talk);
	if (fresh > 0)
		snprintf(text, sizeof text, ngettext("v %d new message below (PageDown)", "v %d new messages below (PageDown)", fresh), (int)fresh);
	else
		snprintf(text, sizeof text, "%s", _("v more below (PageDown)"));
	term_cell(a, a->rows - 1, 0, a->cols, fresh > 0 ? STYLE_WARN : STYLE_DIM, text);
}

void talk_pane_draw(struct talk_pane *pane, const struct area *a, const struct talk *talk)
{
	size_t first = pane->first;
	int above = pane->above, row;
	pane->rows = a->rows;
	pane->cols = a->cols;
	if (!pane->back)
		find_newest(pane, talk, a->rows, &first, &above);
	struct area part = term_sub(a, 0, 0, pane->back ? a->rows - 1 : a->rows, a->cols);
	row = -above;
	for (size_t i = first; i < talk_count(talk) && row < part.rows; i++)
		row += show(pane, &part, row, talk, i, true);
	if (pane->back)
		draw_more(a, talk);
}
