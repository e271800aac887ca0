#include "app.h"

#include <stdio.h>

#include <certhall/text.h>

struct home {
	struct observer observer;
	struct bar bar;
	struct list menu;
	bool unfinished;   /* the first row goes on with an order */
	bool touched;      /* the person has moved in the menu */
};

static const struct entry {
	uint32_t digit;
	enum page_action action;
	const char *note;
} entries[] = {
	{ '0', ACT_GO_ON, N_("from where it stood") },
	{ '1', ACT_MENU_1, N_("check, pay, install the new one on the key") },
	{ '2', ACT_MENU_2, N_("what is on the key, and until when") },
	{ '3', ACT_MENU_3, N_("find, open and save the invoices of renewals") },
	{ '4', ACT_MENU_4, N_("process, downloads, questions, service") },
};
enum { ENTRIES = sizeof entries / sizeof *entries };

static const struct entry *entry_at(const struct home *home, int index)
{
	return &entries[index + (home->unfinished ? 0 : 1)];
}

/* An order that turns up becomes the first choice, unless the person has already begun to choose. */
static void keyring_changed(struct screen *s)
{
	struct home *home = screen_state(s);
	struct app *app = screen_app(s);
	bool unfinished = keyring_unfinished(app->keyring) != NULL;
	if (unfinished != home->unfinished)
		home->menu.selected = !home->touched ? 0 : home->menu.selected + (unfinished ? 1 : home->menu.selected > 0 ? -1 : 0);
	home->unfinished = unfinished;
	home->menu.count = unfinished ? ENTRIES : ENTRIES - 1;
}

static int init(struct screen *s, void *arg)
{
	struct home *home = screen_state(s);
	(void)arg;
	home->menu.count = ENTRIES - 1;
	app_observe(screen_app(s), &home->observer, s, keyring_changed);
	return 0;
}

static void free_home(struct screen *s)
{
	struct home *home = screen_state(s);
	app_unobserve(screen_app(s), &home->observer);
}

static const char *title(struct screen *s)
{
	(void)s;
	return "";
}

static const struct action *actions(struct screen *s)
{
	struct home *home = screen_state(s);
	return BAR(&home->bar, ACT_OPEN, ACT_REFRESH, ACT_HELP, ACT_QUIT, ACT_LOCK);
}

static int act(struct screen *s, int action)
{
	struct home *home = screen_state(s);
	struct app *app = screen_app(s);
	screen_notice(s, STYLE_NORMAL, NULL);
	if (action == ACT_OPEN)
		action = (int)entry_at(home, home->menu.selected)->action;
	if (action == ACT_QUIT) {
		dialog_quit();
	} else if (action == ACT_LOCK) {
		app_lock(app);
	} else if (action == ACT_MENU_4 || action == ACT_HELP) {
		screen_push(&page_help, NULL);
	} else if (!app_awake(app)) {
		return SCREEN_REDRAW; /* a dialog has said why */
	} else if (action == ACT_MENU_1) {
		screen_push(&page_check, NULL);
	} else if (action == ACT_MENU_3) {
		screen_push(&page_invoice, NULL);
	} else if (action == ACT_MENU_2) {
		screen_push(&page_certs, NULL);
	} else if (action == ACT_REFRESH) {
		keyring_refresh(app->keyring);
	} else if (action == ACT_GO_ON && keyring_unfinished(app->keyring) != NULL) {
		flow_begin(app, keyring_unfinished(app->keyring));
	}
	return SCREEN_REDRAW;
}

/* The digits stand in the menu itself, not in the bar; an input method may make them full-width. */
static int key(struct screen *s, const struct key *key)
{
	struct home *home = screen_state(s);
	uint32_t digit = key->code != KEY_CODE_CHAR ? 0 : key->ch >= 0xff10 && key->ch <= 0xff19 ? key->ch - 0xff10 + '0' : key->ch;
	for (int i = 0; i < home->menu.count; i++)
		if (entry_at(home, i)->digit == digit) {
			home->menu.selected = i;
			return act(s, (int)entry_at(home, i)->action);
		}
	int flags = list_key(&home->menu, key, home->menu.count);
	if (flags != SCREEN_IGNORED)
		home->touched = true;
	return flags;
}

static int draw_banner(const struct area *a, int row, const struct keyed_cert *cert)
{
	char text[512];
	snprintf(text, sizeof text, _("Unfinished order %s for %s: %s."), cert->standing.order.number, cert->info.holder,
		order_note(cert->standing.order.state));
	return term_paragraph(a, row, STYLE_WARN, text, true);
}

static int draw_error(const struct area *a, int row, const struct error *err, const char *more)
{
	char text[768];
	error_sentence(err, text, sizeof text);
	row = term_paragraph(a, row, STYLE_WARN, text, true);
	return more != NULL ? term_paragraph(a, row, STYLE_DIM, more, true) : row;
}

static int draw_key(const struct app *app, const struct area *a)
{
	const struct error *err = app->keyring != NULL ? keyring_error(app->keyring) : NULL;
	if (app->wake_error.code != ERR_OK)
		return draw_error(a, 0, &app->wake_error, NULL);
	if (err != NULL)
		return draw_error(a, 0, err, err->code == ERR_TOKEN_NO_MODULE || err->code == ERR_TOKEN_MODULE ?
			_("Choose 1: the environment check offers to install it.") : NULL);
	if (app->keyring != NULL && keyring_count(app->keyring) > 0) {
		show_cert(app, a, keyring_cert(app->keyring, 0));
		return SHOW_CERT_ROWS - 1;
	}
	if (app->keyring == NULL || keyring_busy(app->keyring))
		return term_paragraph(a, 0, STYLE_DIM, _("The key is being read."), true);
	if (keyring_slot(app->keyring) == NULL)
		return term_paragraph(a, 0, STYLE_WARN, _("No key is inserted. Insert the key that holds your certificate."), true);
	return term_paragraph(a, 0, STYLE_WARN, _("There is no certificate on this key."), true);
}

static void draw_entry(void *ctx, const struct area *a, int index, bool selected)
{
	const struct entry *entry = entry_at(ctx, index);
	(void)selected;
	for (const struct action *row = page_actions; row->id != 0; row++) {
		if (row->id != (int)entry->action)
			continue;
		show_entry(a, row->plain_name, _(row->label), _(entry->note));
	}
}

static void draw(struct screen *s, const struct area *body)
{
	struct home *home = screen_state(s);
	const struct app *app = screen_app(s);
	struct area a = term_inset(body, 0, 2);
	int row = draw_key(app, &a) + 1;
	const struct error *err = app->keyring != NULL ? keyring_hall_error(app->keyring) : NULL;
	if (err != NULL)
		row = draw_error(&a, row, err, _("Certificates are shown as they are on the key; renewing needs the hall. F5 tries again.")) + 1;
	if (home->unfinished)
		row = draw_banner(&a, row, keyring_unfinished(app->keyring)) + 1;
	int height = a.rows - row >= 2 * home->menu.count ? 2 : 1;
	struct area menu = term_sub(&a, row, 0, a.rows - row, a.cols);
	list_draw(&home->menu, &menu, height, draw_entry, home);
}

static bool busy(struct screen *s, const char **what)
{
	const struct app *app = screen_app(s);
	*what = _("Reading the key and asking the hall");
	return app->keyring != NULL && keyring_busy(app->keyring);
}

const struct screen_ops page_home = {
	.name = "home",
	.title = title,
	.state_size = sizeof(struct home),
	.init = init,
	.free = free_home,
	.actions = actions,
	.act = act,
	.key = key,
	.draw = draw,
	.busy = busy,
};
