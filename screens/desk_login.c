/* The desk's first page: which certificate signs in, its PIN, the challenge. */
#include "desk.h"

#include <string.h>

#include <certhall/clock.h>
#include <certhall/signin.h>

enum { CERT_ROWS = 3 };

struct login {
	struct observer observer;
	struct bar bar;
	struct list list;
	struct signin *signin;
	struct error pin_error;   /* of the last try; ERR_OK: none */
	bool ask;                 /* for the PIN, as soon as the key has been read */
	bool asked;               /* once by itself, when there is one certificate only */
};

static const struct keyed_cert *chosen(struct screen *s)
{
	const struct login *login = screen_state(s);
	const struct app *app = screen_app(s);
	return app->keyring != NULL && login->list.selected < login->list.count ? keyring_cert(app->keyring, (size_t)login->list.selected) : NULL;
}

/* ---- signing in ---- */

static bool about_pin(const struct error *err)
{
	return err->code == ERR_PIN_INCORRECT || err->code == ERR_PIN_LOW || err->code == ERR_PIN_FINAL || err->code == ERR_PIN_LENGTH;
}

/* Whether the certificate is an agent's is told by the desk itself, when it asks for its first page. */
static void on_signed_in(void *ctx, const struct error *err)
{
	struct screen *s = ctx;
	struct app *app = screen_app(s);
	struct login *login = screen_state(s);
	login->signin = NULL;
	screen_touch(s);
	if (err == NULL) {
		screen_push(&page_desk, NULL);
		return;
	}
	if (!about_pin(err)) {
		dialog_error(err);
		return;
	}
	login->pin_error = *err;
	login->ask = true;
	keyring_refresh(app->keyring); /* how many tries are left */
}

/* The question stood on this page, which is on top again. */
static void on_pin(struct app *app, struct secret *pin)
{
	struct screen *s = screen_top();
	struct login *login = screen_state(s);
	const struct keyed_cert *cert = chosen(s);
	struct error err;
	login->pin_error = (struct error){ 0 };
	if (pin == NULL || cert == NULL || login->signin != NULL)
		return;
	login->signin = signin_start(&app->world, cert, pin, on_signed_in, s);
	if (login->signin != NULL)
		return;
	error_set(&err, ERR_NO_MEMORY, NULL, "signing in");
	dialog_error(&err);
}

static void ask_pin(struct screen *s, const struct token_slot *slot)
{
	struct login *login = screen_state(s);
	login->ask = false;
	app_ask_pin(screen_app(s), slot, chosen(s)->info.holder, &login->pin_error, on_pin);
}

static void ask_when_read(struct screen *s)
{
	const struct app *app = screen_app(s);
	const struct login *login = screen_state(s);
	if (login->ask && !keyring_busy(app->keyring) && keyring_slot(app->keyring) != NULL && chosen(s) != NULL && screen_top() == s)
		ask_pin(s, keyring_slot(app->keyring));
}

/* ---- the page ---- */

static void keyring_changed(struct screen *s)
{
	struct login *login = screen_state(s);
	const struct keyring *keyring = ((struct app *)screen_app(s))->keyring;
	login->list.count = (int)keyring_count(keyring);
	if (login->list.selected >= login->list.count)
		login->list.selected = login->list.count > 0 ? login->list.count - 1 : 0;
	if (login->list.count == 1 && !login->asked && !keyring_busy(keyring))
		login->asked = login->ask = true;
	ask_when_read(s);
}

static int init(struct screen *s, void *arg)
{
	struct login *login = screen_state(s);
	(void)arg;
	app_observe(screen_app(s), &login->observer, s, keyring_changed);
	return 0;
}

static void free_login(struct screen *s)
{
	struct login *login = screen_state(s);
	app_unobserve(screen_app(s), &login->observer);
	signin_cancel(&login->signin);
}

static const char *title(struct screen *s)
{
	(void)s;
	return _("Agents' desk");
}

static const struct action *actions(struct screen *s)
{
	struct login *login = screen_state(s);
	if (login->signin != NULL)
		return BAR(&login->bar, ACT_STOP);
	if (chosen(s) == NULL)
		return BAR(&login->bar, ACT_REFRESH, ACT_QUIT);
	return BAR(&login->bar, ACT_LOGIN, ACT_REFRESH, ACT_QUIT);
}

static int act(struct screen *s, int action)
{
	struct login *login = screen_state(s);
	struct app *app = screen_app(s);
	if (action == ACT_STOP) {
		signin_cancel(&login->signin);
	} else if (action == ACT_QUIT) {
		screen_quit(0);
	} else if (app_awake(app) && action == ACT_REFRESH) {
		keyring_refresh(app->keyring);
	} else if (action == ACT_LOGIN) {
		login->ask = login->asked = true;
		ask_when_read(s);
	}
	return SCREEN_REDRAW;
}

static int key(struct screen *s, const struct key *key)
{
	struct login *login = screen_state(s);
	return login->signin == NULL ? list_key(&login->list, key, term_screen().rows / CERT_ROWS) : SCREEN_IGNORED;
}

static void draw_cert(void *ctx, const struct area *a, int index, bool selected)
{
	const struct app *app = ctx;
	const struct cert_info *info = &keyring_cert(app->keyring, (size_t)index)->info;
	char date[16];
	(void)selected;
	term_cell(a, 0, 0, a->cols, STYLE_HEADING, info->holder);
	term_textf(a, 1, 0, STYLE_DIM, _("%s, until %s"), info->issuer, clock_date(info->not_after, date, sizeof date));
}

static int draw_trouble(const struct app *app, const struct area *a, int row)
{
	const struct error *err = app->wake_error.code != ERR_OK ? &app->wake_error : app->keyring == NULL ? NULL :
		keyring_error(app->keyring) != NULL ? keyring_error(app->keyring) : keyring_hall_error(app->keyring);
	char text[768];
	if (err != NULL)
		return term_paragraph(a, row, STYLE_WARN, error_sentence(err, text, sizeof text), true) + 1;
	if (app->keyring == NULL || keyring_busy(app->keyring))
		return term_paragraph(a, row, STYLE_DIM, _("The key is being read."), true) + 1;
	if (keyring_slot(app->keyring) == NULL)
		return term_paragraph(a, row, STYLE_WARN, _("No key is inserted. Insert the key that holds your certificate."), true) + 1;
	return keyring_count(app->keyring) == 0 ? term_paragraph(a, row, STYLE_WARN, _("There is no certificate on this key."), true) + 1 : row;
}

static void draw(struct screen *s, const struct area *body)
{
	struct login *login = screen_state(s);
	struct app *app = screen_app(s);
	struct area a = term_inset(body, 0, 1);
	int row = term_paragraph(&a, 0, STYLE_NORMAL, _("Sign in with your staff key: the key signs what the hall asks for. Who is an agent or a supervisor is set by the hall."), true) + 1;
	row = draw_trouble(app, &a, row);
	struct area list = term_sub(&a, row, 0, a.rows - row, a.cols);
	list_draw(&login->list, &list, CERT_ROWS, draw_cert, app);
}

static bool busy(struct screen *s, const char **what)
{
	const struct app *app = screen_app(s);
	const struct login *login = screen_state(s);
	*what = login->signin != NULL ? _("Signing in at the hall") : _("Reading the key and asking the hall");
	return login->signin != NULL || (app->keyring != NULL && keyring_busy(app->keyring));
}

const struct screen_ops page_desk_login = {
	.name = "desk-login", .title = title, .state_size = sizeof(struct login), .init = init, .free = free_login, .actions = actions, .act = act,
	.key = key, .draw = draw, .busy = busy,
};
