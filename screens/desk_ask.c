/* What the desk asks before it does it. */
#include "desk.h"

#include <string.h>

#include <certhall/bytes.h>

enum { LEAVE_MS = 3000 };

static const enum agent_state states[] = { AGENT_ONLINE, AGENT_BUSY, AGENT_AWAY };

/* Dialogs remember the conversation they were opened for, whatever is selected when they end. */
static struct desk_page *ask_about(struct screen *s)
{
	struct desk_page *page = screen_state(s);
	const struct desk_row *row = desk_selected(page);
	snprintf(page->about, sizeof page->about, "%s", row != NULL ? row->id : "");
	return page;
}

void desk_say(const struct desk_page *page, enum message_kind kind, const char *text)
{
	struct talk *talk = talks_find(page->talks, page->about);
	struct error err;
	if (talk == NULL)
		error_set(&err, ERR_CHAT_NONE, NULL, "desk");
	else if (talk_say(talk, kind, text, &err) == 0)
		return;
	dialog_error(&err);
}

/* ---- one's state ---- */

static void on_state(void *ctx, int choice)
{
	const struct desk_page *page = screen_state(ctx);
	if (choice >= 0)
		talks_set_state(page->talks, states[choice]);
}

void desk_ask_state(struct screen *s)
{
	const char *choices[] = { _("Online: customers are offered to me"), _("Busy: nobody is offered to me just now"), _("Away: I am not at my desk") };
	dialog_choose(_("My state"), "", choices, sizeof choices / sizeof *choices, on_state, s);
}

/* ---- the end of a conversation ---- */

static void on_close(void *ctx, int choice)
{
	const struct desk_page *page = screen_state(ctx);
	if (choice == 1)
		talks_close(page->talks, page->about);
}

void desk_ask_close(struct screen *s)
{
	const struct desk_page *page = ask_about(s);
	const struct talk *talk = desk_talk(page);
	if (talk == NULL)
		return;
	bool left = talk_state(talk)->state == CONVERSATION_LEFT;
	const char *choices[] = { _("Back"), left ? _("Done: the customer has been called") : _("End it") };
	char name[128];
	dialog_choose(left ? _("Is this message done?") : _("End this conversation?"), desk_name(talk_state(talk), name, sizeof name), choices, 2, on_close, s);
}

/* ---- a note ---- */

static void on_note(void *ctx, const char *value)
{
	if (value != NULL && *value != '\0')
		desk_say(screen_state(ctx), MESSAGE_NOTE, value);
}

void desk_ask_note(struct screen *s)
{
	if (desk_talk(ask_about(s)) != NULL)
		dialog_text(_("Note for colleagues"), _("Only agents read it; the customer does not."), NULL, CHAT_TEXT, on_note, s);
}

/* ---- leaving ---- */

static void leave_now(void *ctx)
{
	(void)ctx;
	screen_quit(0);
}

/* The hall is told first; without an answer it notices by itself. */
static void on_leave(void *ctx, int choice)
{
	struct app *app = screen_app(ctx);
	struct desk_page *page = screen_state(ctx);
	if (choice != 1)
		return;
	page->leaving = true;
	if (page->talks == NULL || desk_of(page) == NULL || loop_timer_start(app->loop, &page->leave, LEAVE_MS, leave_now, NULL) != 0)
		screen_quit(0);
	else
		talks_set_state(page->talks, AGENT_OFFLINE);
}

void desk_ask_leave(struct screen *s)
{
	const struct desk_page *page = screen_state(s);
	const struct desk *desk = desk_of(page);
	const char *choices[] = { _("Stay"), _("Leave") };
	int serving = desk != NULL ? (int)desk->agent.serving : 0;
	char text[256];
	if (serving > 0)
		snprintf(text, sizeof text, ngettext("You are answering %d customer. Whoever is not finished waits again and gets another agent.",
			"You are answering %d customers. Whoever is not finished waits again and gets another agent.", (unsigned long)serving), serving);
	else
		snprintf(text, sizeof text, "%s", _("Nobody is offered to you any more after that."));
	dialog_choose(_("Leave the desk?"), text, choices, 2, on_leave, s);
}

/* ---- colleagues ---- */

void desk_show_agents(const struct desk_page *page)
{
	const struct desk *desk = desk_of(page);
	struct bytes text = { 0 };
	char line[256];
	int code = 0;
	for (size_t i = 0; desk != NULL && i < desk->agents_count && code == 0; i++) {
		const struct agent *agent = &desk->agents[i];
		snprintf(line, sizeof line, _("%s: %s, serving %d of at most %d\n"), agent->name, desk_state_name(agent->state), (int)agent->serving, (int)agent->most);
		code = bytes_append(&text, line, strlen(line));
	}
	if (code == 0 && bytes_append(&text, "", 1) == 0)
		dialog_message(STYLE_NORMAL, _("Agents"), text.len > 1 ? (const char *)text.data : _("No agent is registered."));
	bytes_free(&text);
}
