/* A key that does not answer: wait, or give up. */
#include "app.h"

struct slow {
	struct bar bar;
};

static int init(struct screen *s, void *arg)
{
	struct app *app = screen_app(s);
	(void)arg;
	app->slow = s;
	return 0;
}

static void free_slow(struct screen *s)
{
	struct app *app = screen_app(s);
	if (app->slow == s)
		app->slow = NULL;
}

static const char *title(struct screen *s)
{
	(void)s;
	return _("The key does not answer");
}

static const struct action *actions(struct screen *s)
{
	struct slow *slow = screen_state(s);
	return BAR(&slow->bar, ACT_WAIT, ACT_GIVE_UP);
}

static int act(struct screen *s, int action)
{
	struct app *app = screen_app(s);
	screen_pop(s);
	if (action == ACT_GIVE_UP)
		token_give_up(app->world.token);
	else
		token_wait(app->world.token);
	return SCREEN_REDRAW;
}

static int key(struct screen *s, const struct key *key)
{
	return key->code == KEY_CODE_ESC ? act(s, ACT_WAIT) : SCREEN_IGNORED;
}

static void draw(struct screen *s, const struct area *body)
{
	(void)s;
	int row = term_paragraph(body, 0, STYLE_WARN, _("The key has not answered for several seconds. Making a key pair takes some keys "
		"half a minute: then waiting helps."), true);
	term_paragraph(body, row, STYLE_NORMAL, _("If nothing comes of it, give up: then pull the key out, insert it again and go on. "
		"Your order and your payment are kept."), true);
}

static const struct screen_ops page_slow = {
	.name = "slow", .title = title, .state_size = sizeof(struct slow), .init = init, .free = free_slow, .actions = actions, .act = act,
	.key = key, .draw = draw, .dialog = true, .dialog_rows = 5, .dialog_cols = 64,
};

static void on_slow(void *ctx, bool slow)
{
	struct app *app = ctx;
	if (slow && app->slow == NULL)
		(void)screen_push(&page_slow, NULL);
	else if (!slow && app->slow != NULL)
		screen_pop(app->slow);
}

void slow_join(struct app *app)
{
	token_on_slow(app->world.token, on_slow, app);
}
