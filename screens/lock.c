/* 锁屏: whoever comes next finds nothing of who was here. */
#include "app.h"

#include <string.h>

struct lock {
	struct bar bar;
};

/* Logged out of the hall and of the key, and no page is left but the first. */
static void end_all(struct app *app)
{
	flow_end(app);
	chat_close(app);
	screen_pop_to("home");
	if (app->world.hall != NULL && hall_logged_in(app->world.hall))
		hall_logout(app->world.hall);
	if (app->world.token != NULL)
		token_close(app->world.token);
}

static void read_again(struct app *app)
{
	if (app->keyring != NULL)
		keyring_refresh(app->keyring);
}

/* ---- the page ---- */

static const char *title(struct screen *s)
{
	(void)s;
	return _("Locked");
}

static const struct action *actions(struct screen *s)
{
	struct lock *lock = screen_state(s);
	return BAR(&lock->bar, ACT_UNLOCK);
}

static int act(struct screen *s, int action)
{
	(void)action;
	screen_pop(s);
	read_again(screen_app(s));
	return SCREEN_REDRAW;
}

static int key(struct screen *s, const struct key *key)
{
	return key->code == KEY_CODE_ESC ? act(s, ACT_UNLOCK) : SCREEN_IGNORED;
}

static void draw(struct screen *s, const struct area *body)
{
	struct area a = term_inset(body, 0, 2);
	(void)s;
	int row = term_paragraph(&a, 1, STYLE_HEADING, _("The hall is locked."), true) + 1;
	row = term_paragraph(&a, row, STYLE_NORMAL, _("You are logged out of the hall and of the key; going on needs the PIN again. "
		"What was ordered and paid is kept."), true) + 1;
	term_paragraph(&a, row, STYLE_WARN, _("Take your key with you when you leave."), true);
}

static const struct screen_ops page_lock = {
	.name = "lock", .title = title, .state_size = sizeof(struct lock), .actions = actions, .act = act, .key = key, .draw = draw,
};

void app_lock(struct app *app)
{
	end_all(app);
	(void)screen_push(&page_lock, NULL);
}

/* ---- the key taken out ---- */

/* An order that is being worked on and a conversation go on without the key. */
static bool goes_on(const struct app *app)
{
	const struct renewal *renewal = app->flow.renewal;
	enum renewal_phase phase = renewal != NULL ? renewal_phase(renewal) : RENEWAL_DONE;
	return chat_under_way(&app->chat) || (phase != RENEWAL_DONE && phase != RENEWAL_REFUSED);
}

static bool key_has_gone(struct app *app)
{
	const struct token_slot *slot = keyring_slot(app->keyring);
	const struct error *err = keyring_error(app->keyring);
	bool other = slot != NULL && *app->key_serial != '\0' && strcmp(slot->serial, app->key_serial) != 0;
	if (slot != NULL && !hall_logged_in(app->world.hall)) /* another one put in meanwhile does not become who is logged in */
		snprintf(app->key_serial, sizeof app->key_serial, "%s", slot->serial);
	return other || (slot == NULL && err != NULL && err->code == ERR_TOKEN_ABSENT);
}

void lock_key_seen(struct app *app)
{
	if (app->keyring == NULL || !key_has_gone(app) || !hall_logged_in(app->world.hall) || goes_on(app))
		return;
	hall_logout(app->world.hall);
	if (!chat_on_top(app) && !chat_is_own(screen_ops_of(screen_top())->name)) /* what is written there is not lost */
		screen_pop_to(app->flow.page != NULL ? screen_ops_of(app->flow.page)->name : "home"); /* how a renewal has ended may still be read */
	screen_notice(screen_top(), STYLE_WARN, _("The key was taken out: you are logged out of the hall."));
}

/* ---- nobody there ---- */

static void on_idle(void *ctx)
{
	struct app *app = ctx;
	const char *where = screen_ops_of(screen_top())->name;
	if (app->chat.talk == NULL && (strcmp(where, "home") == 0 || strcmp(where, "lock") == 0))
		return; /* nobody is logged in there */
	if (chat_waits(app)) {
		lock_join(app); /* a while longer */
		return;
	}
	end_all(app);
	read_again(app);
	screen_notice(screen_top(), STYLE_WARN, _("Logged out: no key was pressed for a while. Orders and payments are kept."));
}

void lock_join(struct app *app)
{
	screen_on_idle(app->settings->idle_s, on_idle, app);
}
