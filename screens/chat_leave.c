/* 留言: a question and a number to call back, when nobody answers or one does not want to wait. */
#include "app.h"

#include <string.h>

#include <certhall/text.h>

enum { F_PHONE = 1, TEXT_ROWS_MOST = 8 };

struct leave {
	struct app *app;
	struct bar bar;
	struct form *form;
	struct draft *text;
	bool writing;      /* the keys go to the text */
	bool sending;
	char say[512];     /* why the text was not taken */
	char phone[40];    /* as it was sent */
};

static enum field_verdict on_phone(const char *value, char *say, size_t size)
{
	char phone[sizeof((struct conversation_request *)0)->callback];
	snprintf(phone, sizeof phone, "%s", value);
	phone_normalize(phone, sizeof phone);
	enum check_verdict verdict = check_phone(phone, say, size);
	return verdict == CHECK_GOOD ? FIELD_GOOD : verdict == CHECK_CONFIRM ? FIELD_CONFIRM : FIELD_WRONG;
}

static const struct field fields[] = {
	{ .id = F_PHONE, .label = N_("Phone"), .required = true, .max = sizeof((struct conversation_request *)0)->callback,
		.hint = N_("where to call you back"), .narrow = true, .validate = on_phone },
};

/* ---- sending ---- */

static void on_left(struct screen *s)
{
	struct leave *leave = screen_state(s);
	char text[256];
	snprintf(text, sizeof text, _("Your message has been left. Somebody will call %s."), leave->phone);
	chat_forget(leave->app);
	screen_pop(s);
	dialog_message(STYLE_OK, _("Leave a message"), text);
}

static void on_change(struct screen *s)
{
	struct leave *leave = screen_state(s);
	struct chat *chat = &leave->app->chat;
	if (chat->talk == NULL)
		return;
	const struct conversation *now = talk_state(chat->talk);
	const struct error *err = chat_fresh_error(chat), *line = err == NULL ? talk_error(chat->talk) : NULL;
	if (now->state == CONVERSATION_LEFT && *now->id != '\0') {
		on_left(s);
	} else if (leave->sending && line != NULL) { /* beginning is tried again by itself, the rest not */
		error_sentence(line, leave->say, sizeof leave->say);
		leave->sending = *now->id == '\0';
	} else if (leave->sending && err != NULL) {
		const struct error copy = *err;
		leave->sending = false;
		if (*now->id == '\0')
			chat_forget(leave->app);
		dialog_error(&copy);
	}
}

static void send(struct screen *s)
{
	struct leave *leave = screen_state(s);
	struct app *app = leave->app;
	char text[CHAT_TEXT];
	const struct error pin = { .code = ERR_CHAT_PIN };
	snprintf(text, sizeof text, "%s", draft_text(leave->text));
	leave->writing = form_submit(leave->form); /* the focus goes where something is missing */
	if (!leave->writing)
		return;
	if (text[strspn(text, " \n")] == '\0') {
		snprintf(leave->say, sizeof leave->say, "%s", _("This must be filled in."));
		return;
	}
	if (!chat_guard(text)) {
		error_sentence(&pin, leave->say, sizeof leave->say);
		return;
	}
	snprintf(leave->phone, sizeof leave->phone, "%s", form_value(leave->form, F_PHONE));
	phone_normalize(leave->phone, sizeof leave->phone);
	leave->sending = true;
	if (chat_under_way(&app->chat) && *talk_state(app->chat.talk)->id != '\0')
		talk_leave(app->chat.talk, leave->phone, text);
	else
		leave->sending = chat_begin(app, "", leave->phone, text);
}

/* ---- the page ---- */

static int init(struct screen *s, void *arg)
{
	struct leave *leave = screen_state(s);
	(void)arg;
	leave->app = screen_app(s);
	leave->app->chat.page = s;
	leave->app->chat.changed = on_change;
	int code = form_new(fields, sizeof fields / sizeof *fields, NULL, &leave->form);
	return code != 0 ? code : draft_new(CHAT_TEXT, &leave->text);
}

static void free_leave(struct screen *s)
{
	struct leave *leave = screen_state(s);
	if (leave->app->chat.page == s)
		leave->app->chat.page = NULL;
	form_free(&leave->form);
	draft_free(&leave->text);
}

static const char *title(struct screen *s)
{
	(void)s;
	return _("Leave a message");
}

static const struct action *actions(struct screen *s)
{
	struct leave *leave = screen_state(s);
	if (leave->sending)
		return BAR(&leave->bar, ACT_STOP);
	return BAR(&leave->bar, ACT_SEND, ACT_BACK);
}

/* What was not answered may have been kept all the same; sent once more it is left twice, no worse. */
static void stop(struct screen *s)
{
	struct leave *leave = screen_state(s);
	leave->sending = false;
	if (*talk_state(leave->app->chat.talk)->id == '\0')
		chat_forget(leave->app);
}

static int act(struct screen *s, int action)
{
	if (action == ACT_SEND)
		send(s);
	else if (action == ACT_STOP)
		stop(s);
	else
		screen_pop(s);
	return SCREEN_REDRAW;
}

static int key(struct screen *s, const struct key *key)
{
	struct leave *leave = screen_state(s);
	bool moves = key->code == KEY_CODE_TAB || key->code == KEY_CODE_BACKTAB || key->code == KEY_CODE_UP || key->code == KEY_CODE_DOWN;
	if (leave->sending)
		return SCREEN_IGNORED;
	if (leave->writing && moves) {
		leave->writing = false;
		return SCREEN_HANDLED | SCREEN_REDRAW;
	}
	if (leave->writing) {
		leave->say[0] = '\0';
		return draft_key(leave->text, key);
	}
	int flags = form_key(leave->form, key); /* Enter on its last field is not taken when the field is good */
	if (moves || (key->code == KEY_CODE_ENTER && flags == SCREEN_IGNORED)) {
		leave->writing = true;
		return SCREEN_HANDLED | SCREEN_REDRAW;
	}
	return flags;
}

static void draw(struct screen *s, const struct area *body)
{
	struct leave *leave = screen_state(s);
	struct area a = term_inset(body, 0, 2);
	int row = term_paragraph(&a, 0, STYLE_NORMAL, _("Write your question and a number. Nobody needs your PIN; do not write it down."), true) + 1;
	struct area form = term_sub(&a, row, 0, 3, a.cols);
	int most = a.rows - row - 6 > TEXT_ROWS_MOST ? TEXT_ROWS_MOST : a.rows - row - 6 < 1 ? 1 : a.rows - row - 6;
	struct area text = term_sub(&a, row + 4, 0, most, a.cols);
	if (leave->writing)
		form_draw(leave->form, &form);
	term_text(&a, row + 3, 0, STYLE_LABEL, _("Question *"));
	draft_draw(leave->text, &text, leave->writing, _("what it is about; Enter sends it"));
	if (!leave->writing)
		form_draw(leave->form, &form);
	const char *say = draft_full(leave->text) ? _("There is no more room.") : leave->say;
	if (*say != '\0')
		term_paragraph(&a, row + 4 + most, STYLE_BAD, say, true);
}

static bool busy(struct screen *s, const char **what)
{
	const struct leave *leave = screen_state(s);
	*what = _("Leaving the message");
	return leave->sending;
}

const struct screen_ops page_chat_leave = {
	.name = "chat-message", .title = title, .state_size = sizeof(struct leave), .init = init, .free = free_leave, .actions = actions,
	.act = act, .key = key, .input = true, .draw = draw, .busy = busy,
};
