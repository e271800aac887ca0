/* The conversation, whatever page is shown. */
#include "app.h"

#include <string.h>

bool chat_is_own(const char *page)
{
	return strcmp(page, page_chat.name) == 0 || strcmp(page, page_agents.name) == 0 || strcmp(page, page_chat_leave.name) == 0;
}

bool chat_under_way(const struct chat *chat)
{
	if (chat->talk == NULL)
		return false;
	int state = talk_state(chat->talk)->state;
	return state == CONVERSATION_WAITING || state == CONVERSATION_TALKING;
}

bool chat_waits(const struct app *app)
{
	if (!chat_under_way(&app->chat))
		return false;
	const struct conversation *now = talk_state(app->chat.talk);
	return now->state == CONVERSATION_WAITING || (now->has_last && app_now(app) - now->last.at < app->settings->idle_s);
}

static void on_change(void *ctx)
{
	struct app *app = ctx;
	if (app->chat.page != NULL)
		app->chat.changed(app->chat.page);
	lock_key_seen(app); /* it may have been the last thing that went on without the key */
	if (screen_top() != NULL)
		screen_touch(screen_top());
}

bool chat_about_the_line(enum error_code code)
{
	return code == ERR_NET_RESOLVE || code == ERR_NET_CONNECT || code == ERR_NET_TIMEOUT || code == ERR_NET_OVERLOADED || code == ERR_RATE_LIMITED;
}

/* A conversation that has begun tries these again by itself; a line that is cut can look like any of them. */
static bool passes(const struct chat *chat, enum error_code code)
{
	bool begun = *talk_state(chat->talk)->id != '\0';
	return chat_about_the_line(code) || (begun && (code == ERR_NET_TLS || code == ERR_NET_PROTOCOL || code == ERR_STORAGE || code == ERR_UNEXPECTED));
}

const struct error *chat_fresh_error(struct chat *chat)
{
	const struct error *err = chat->talk != NULL ? talk_error(chat->talk) : NULL;
	bool asked = chat->talk != NULL && talk_act_failed(chat->talk); /* a person waits for it: whatever it is */
	bool same = err != NULL && err->code == chat->said.code && strcmp(err->detail, chat->said.detail) == 0;
	chat->said = err != NULL ? *err : (struct error){ 0 };
	return err == NULL || (!asked && (same || passes(chat, err->code))) ? NULL : &chat->said;
}

bool chat_begin(struct app *app, const char *agent, const char *callback, const char *text)
{
	struct chat *chat = &app->chat;
	struct conversation_request request = { 0 };
	struct error err = { 0 };
	chat_forget(app);
	snprintf(request.agent, sizeof request.agent, "%s", agent);
	snprintf(request.topic, sizeof request.topic, "%s", chat->topic);
	snprintf(request.language, sizeof request.language, "%s", /* TRANSLATORS: the folder of the help texts in this language */ _("en"));
	snprintf(request.callback, sizeof request.callback, "%s", callback);
	snprintf(request.text, sizeof request.text, "%s", text);
	/* Known to nobody else: asked again, the hall gives the same conversation. */
	int code = pki_random_hex(CHAT_ID_BYTES, request.request, &err);
	if (code == 0)
		code = draft_new(CHAT_TEXT, &chat->draft);
	if (code == 0)
		code = talk_begin(app->world.hall, app->loop, &request, on_change, app, &chat->talk);
	if (code == 0)
		return true;
	chat_forget(app);
	error_set(&err, (enum error_code)code, NULL, "conversation");
	dialog_error(&err);
	return false;
}

void chat_close(struct app *app)
{
	struct chat *chat = &app->chat;
	signin_cancel(&chat->signin);
	chat_forget(app);
	*chat->serial = *chat->holder = *chat->topic = '\0';
}

void chat_forget(struct app *app)
{
	struct chat *chat = &app->chat;
	talk_free(&chat->talk);
	draft_free(&chat->draft);
	chat->pane = (struct talk_pane){ .customer = true };
	chat->said = (struct error){ 0 };
}

bool chat_on_top(const struct app *app)
{
	return app->chat.talk != NULL && screen_shown(&page_chat);
}

void chat_show(struct app *app)
{
	if (app->chat.page == NULL || screen_ops_of(app->chat.page) != &page_chat || !screen_raise(app->chat.page))
		screen_push(&page_chat, NULL);
}

void chat_open(struct app *app, const char *page)
{
	if (chat_is_own(page))
		return;
	if (app->chat.talk != NULL) {
		chat_show(app);
		return;
	}
	if (strcmp(page, page_help.name) != 0) /* which knows where the person came from */
		snprintf(app->chat.topic, sizeof app->chat.topic, "%s", page);
	if (app_awake(app))
		screen_push(&page_agents, NULL);
}

/* ---- beside every page ---- */

static const char *label(void *ctx, const char *page)
{
	struct chat *chat = &((struct app *)ctx)->chat;
	if (chat_is_own(page))
		return NULL;
	if (chat->talk == NULL)
		return "";
	const struct conversation *now = talk_state(chat->talk);
	unsigned long unread = talk_unread(chat->talk);
	if (unread > 0)
		snprintf(chat->label, sizeof chat->label, ngettext("Online service: %d new message", "Online service: %d new messages", unread), (int)unread);
	else if (now->state == CONVERSATION_WAITING && now->position > 0)
		snprintf(chat->label, sizeof chat->label, _("Online service: place %d"), (int)now->position);
	else
		snprintf(chat->label, sizeof chat->label, "%s", _("Online service"));
	return chat->label;
}

static void open_aside(void *ctx, const char *page)
{
	chat_open(ctx, page);
}

static const char *leaving(void *ctx)
{
	const struct chat *chat = &((const struct app *)ctx)->chat;
	if (!chat_under_way(chat))
		return NULL;
	if (*talk_state(chat->talk)->holder != '\0')
		return _("The conversation with the service stays with the hall: with your key you can go on with it at any computer.");
	return _("A conversation with the service is under way. No key was shown, so it cannot be gone on with once you leave.");
}

void chat_join(struct app *app)
{
	const struct screen_aside aside = { .label = label, .open = open_aside, .leaving = leaving, .name = N_("Online service"), .ctx = app };
	screen_set_aside(&aside);
}
