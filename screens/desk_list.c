/* The left of the desk: one's conversations, those that wait, messages left. */
#include "desk.h"

#include <string.h>

#include <certhall/clock.h>
#include <certhall/text.h>

const char *desk_state_name(int state)
{
	switch (state) {
	case AGENT_ONLINE: return i18n_in_context(NC_("agent", "online"));
	case AGENT_BUSY: return i18n_in_context(NC_("agent", "busy"));
	case AGENT_AWAY: return i18n_in_context(NC_("agent", "away"));
	default: return i18n_in_context(NC_("agent", "offline"));
	}
}

char *desk_name(const struct conversation *c, char *out, size_t size)
{
	char time[8];
	if (*c->holder != '\0')
		snprintf(out, size, "%s", c->holder);
	else if (*c->callback != '\0')
		snprintf(out, size, "%s", c->callback);
	else
		snprintf(out, size, _("no certificate, %s"), talk_time(c->created, time, sizeof time));
	return out;
}

static bool offered_to_me(const struct desk *desk, const struct conversation *c)
{
	return c->state == CONVERSATION_WAITING && c->offered_until != 0 && strcmp(c->agent, desk->agent.id) == 0;
}

int desk_seconds_left(const struct desk *desk, const struct conversation *c, int64_t now)
{
	if (!offered_to_me(desk, c))
		return -1;
	return c->offered_until > now ? (int)(c->offered_until - now) : 0;
}

/* ---- what there is ---- */

static enum desk_part part_of(const struct desk *desk, const struct conversation *c)
{
	switch (c->state) {
	case CONVERSATION_WAITING: return DESK_WAITING;
	case CONVERSATION_LEFT: return DESK_LEFT;
	default: return desk->agent.role == ROLE_AGENT && strcmp(c->agent, desk->agent.id) == 0 ? DESK_MINE : DESK_OTHERS;
	}
}

static bool was_mine(const struct desk_list *list, const char *id)
{
	for (int i = 0; i < list->count; i++)
		if (list->rows[i].part == DESK_MINE && strcmp(list->rows[i].id, id) == 0)
			return true;
	return false;
}

/* Each part in the hall's order, which is of waiting; what is offered to me stands above the others. */
static void gather(const struct desk_page *page, struct desk_list *fresh)
{
	const struct desk *desk = talks_desk(page->talks);
	for (int part = 0; part < DESK_PARTS; part++)
		for (int offered = 1; offered >= 0; offered--)
			for (size_t i = 0; i < talks_count(page->talks) && fresh->count < CHAT_ROWS; i++) {
				const struct conversation *c = talk_state(talks_at(page->talks, i));
				if (*c->id == '\0' || (int)part_of(desk, c) != part || offered_to_me(desk, c) != (offered == 1))
					continue;
				struct desk_row *row = &fresh->rows[fresh->count++];
				row->part = (enum desk_part)part;
				snprintf(row->id, sizeof row->id, "%s", c->id);
			}
}

bool desk_list_fill(struct desk_page *page, int *fresh)
{
	struct desk_list *list = &page->list, now = { .top = list->top, .selected = list->selected };
	const char *selected = list->count > 0 ? list->rows[list->selected].id : "";
	bool any = false;
	gather(page, &now);
	if (now.selected >= now.count)
		now.selected = now.count > 0 ? now.count - 1 : 0;
	for (int i = 0; i < now.count; i++) {
		if (strcmp(now.rows[i].id, selected) == 0)
			now.selected = i;
		if (now.rows[i].part == DESK_MINE && !was_mine(list, now.rows[i].id)) {
			any = true;
			*fresh = i;
		}
	}
	*list = now;
	return any;
}

/* ---- drawing ---- */

static char *say_tag(const struct desk *desk, const struct talk *talk, enum desk_part part, int64_t now, char *out, size_t size, enum style *style)
{
	const struct conversation *c = talk_state(talk);
	int left = desk_seconds_left(desk, c, now), minutes = (int)((now > c->since ? now - c->since : 0) / 60);
	char day[16];
	*style = STYLE_DIM;
	*out = '\0';
	if (left >= 0) {
		snprintf(out, size, ngettext("%d s!", "%d s!", (unsigned long)left), left);
		*style = STYLE_WARN;
	} else if (part == DESK_WAITING) {
		snprintf(out, size, ngettext("%d min", "%d min", (unsigned long)minutes), minutes);
	} else if (part == DESK_LEFT) {
		snprintf(out, size, "%.5s", clock_date(c->created, day, sizeof day) + sizeof "2026");
	} else if (c->state == CONVERSATION_CLOSED) {
		snprintf(out, size, "%s", i18n_in_context(NC_("conversation", "ended")));
	} else if (part == DESK_OTHERS) {
		snprintf(out, size, "%s", c->agent_name);
		out[text_cut(out, 8, NULL)] = '\0';
	} else if (talk_unread(talk) > 0) {
		snprintf(out, size, "*%d", (int)talk_unread(talk));
		*style = STYLE_WARN;
	} else if (talk_other_types(talk)) {
		snprintf(out, size, "...");
	}
	return out;
}

static void draw_row(const struct desk_page *page, const struct area *a, int line, int index, int64_t now)
{
	const struct desk_row *row = &page->list.rows[index];
	const struct talk *talk = talks_find(page->talks, row->id);
	bool selected = index == page->list.selected;
	char name[128], tag[64];
	enum style style;
	if (talk == NULL)
		return;
	say_tag(desk_of(page), talk, row->part, now, tag, sizeof tag, &style);
	int right = a->cols - text_width(tag);
	if (selected)
		term_text(a, line, 0, STYLE_SELECTED, ">");
	term_cell(a, line, 2, right - 3, selected ? STYLE_LABEL : STYLE_NORMAL, desk_name(talk_state(talk), name, sizeof name));
	term_text(a, line, right, style, tag);
	if (selected)
		term_cursor(a, line, 0);
}

static void say_heading(const struct desk_page *page, enum desk_part part, int count, char *out, size_t size)
{
	const struct agent *me = &desk_of(page)->agent;
	switch (part) {
	case DESK_MINE: snprintf(out, size, _("My conversations %d/%d"), (int)me->serving, (int)me->most); break;
	case DESK_OTHERS: snprintf(out, size, _("Under way %d"), count); break;
	case DESK_WAITING: snprintf(out, size, _("Waiting %d"), count); break;
	default: snprintf(out, size, _("Messages left %d"), count); break;
	}
}

static int count_of(const struct desk_list *list, enum desk_part part)
{
	int count = 0;
	for (int i = 0; i < list->count; i++)
		count += list->rows[i].part == part;
	return count;
}

/* A part that is empty is named only where somebody looks for it. */
static bool has_heading(const struct desk_page *page, enum desk_part part, int count)
{
	return count > 0 || part == DESK_WAITING || part == (desk_reads_only(page) ? DESK_OTHERS : DESK_MINE);
}

/* Gives the lines it takes; row < 0 for the area's: not drawn. selected_at: the line of the selected one. */
static int lay_out(const struct desk_page *page, const struct area *a, int line, int64_t now, int *selected_at)
{
	const struct desk *desk = desk_of(page);
	char heading[96];
	for (int part = 0, i = 0; part < DESK_PARTS; part++) {
		int count = count_of(&page->list, (enum desk_part)part);
		if (!has_heading(page, (enum desk_part)part, count))
			continue;
		say_heading(page, (enum desk_part)part, count, heading, sizeof heading);
		term_text(a, line++, 0, STYLE_HEADING, heading);
		for (; count > 0; count--, i++, line++) {
			if (i == page->list.selected)
				*selected_at = line;
			if (line >= 0 && line < a->rows)
				draw_row(page, a, line, i, now);
		}
	}
	if (!desk_reads_only(page))
		return line;
	term_textf(a, line++, 0, STYLE_HEADING, _("Agents %d"), (int)desk->agents_count);
	for (size_t i = 0; i < desk->agents_count; i++, line++) {
		const struct agent *agent = &desk->agents[i];
		char tag[64];
		snprintf(tag, sizeof tag, "%s %d/%d", desk_state_name(agent->state), (int)agent->serving, (int)agent->most);
		if (line < 0 || line >= a->rows)
			continue;
		term_cell(a, line, 2, a->cols - text_width(tag) - 3, agent->state == AGENT_OFFLINE ? STYLE_DIM : STYLE_NORMAL, agent->name);
		term_text(a, line, a->cols - text_width(tag), agent->state == AGENT_ONLINE ? STYLE_OK : STYLE_DIM, tag);
	}
	return line;
}

void desk_list_draw(struct desk_page *page, const struct area *a, int64_t now)
{
	const struct area nowhere = { a->row, a->col, 0, 0 };
	struct desk_list *list = &page->list;
	int selected = 0, lines = lay_out(page, &nowhere, 0, now, &selected);
	if (list->top > lines - a->rows)
		list->top = lines - a->rows;
	if (list->top > selected - 1) /* with the heading above it */
		list->top = selected - 1;
	if (list->top < selected - a->rows + 1)
		list->top = selected - a->rows + 1;
	if (list->top < 0)
		list->top = 0;
	lay_out(page, a, -list->top, now, &selected);
}
