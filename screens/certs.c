#include "app.h"

#include <string.h>

struct certs {
	struct observer observer;
	struct bar bar;
	struct list list;
	char wanted[65]; /* to be renewed as soon as the hall has said that it may be */
};

static void renew(struct screen *s);

static void keyring_changed(struct screen *s)
{
	struct certs *certs = screen_state(s);
	const struct keyring *keyring = ((struct app *)screen_app(s))->keyring;
	certs->list.count = (int)keyring_count(keyring);
	if (certs->list.selected >= certs->list.count)
		certs->list.selected = certs->list.count > 0 ? certs->list.count - 1 : 0;
	for (int i = 0; *certs->wanted != '\0' && !keyring_busy(keyring) && i < certs->list.count; i++)
		if (strcmp(keyring_cert(keyring, (size_t)i)->info.fingerprint, certs->wanted) == 0)
			certs->list.selected = i;
	if (*certs->wanted != '\0' && !keyring_busy(keyring) && screen_top() == s)
		renew(s);
}

static int init(struct screen *s, void *arg)
{
	struct certs *certs = screen_state(s);
	(void)arg;
	app_observe(screen_app(s), &certs->observer, s, keyring_changed);
	keyring_changed(s);
	return 0;
}

static void free_certs(struct screen *s)
{
	struct certs *certs = screen_state(s);
	app_unobserve(screen_app(s), &certs->observer);
}

static const char *title_certs(struct screen *s)
{
	(void)s;
	return _("View certificates");
}

static const char *title_choose(struct screen *s)
{
	(void)s;
	return _("Choose certificate");
}

static const struct keyed_cert *chosen(struct screen *s)
{
	const struct certs *certs = screen_state(s);
	const struct app *app = screen_app(s);
	return certs->list.selected < certs->list.count ? keyring_cert(app->keyring, (size_t)certs->list.selected) : NULL;
}

static const struct action *actions_certs(struct screen *s)
{
	struct certs *certs = screen_state(s);
	if (chosen(s) == NULL)
		return BAR(&certs->bar, ACT_REFRESH, ACT_BACK);
	return BAR(&certs->bar, ACT_DETAIL, ACT_REFRESH, ACT_BACK);
}

/* Here Enter renews, so the details have a key of their own. */
static const struct action *actions_choose(struct screen *s)
{
	struct certs *certs = screen_state(s);
	if (chosen(s) == NULL)
		return actions_certs(s);
	BAR(&certs->bar, ACT_RENEW, ACT_DETAIL, ACT_REFRESH, ACT_BACK);
	certs->bar.rows[1].plain = (struct key){ KEY_CODE_CHAR, "3", '3' };
	certs->bar.rows[1].plain_name = "3";
	return certs->bar.rows;
}

static void renew(struct screen *s)
{
	struct certs *certs = screen_state(s);
	struct app *app = screen_app(s);
	const struct keyed_cert *cert = chosen(s);
	enum standing standing;
	char say[256];
	certs->wanted[0] = '\0';
	if (cert == NULL)
		return;
	if (keyed_cert_renewable(cert)) {
		flow_begin(app, cert);
		return;
	}
	if (!cert->has_standing && keyring_busy(app->keyring)) {
		snprintf(certs->wanted, sizeof certs->wanted, "%s", cert->info.fingerprint);
		return;
	}
	keyed_cert_standing(cert, &standing, say, sizeof say);
	dialog_message(STYLE_WARN, _("This certificate cannot be renewed"), say);
}

static int act(struct screen *s, int action)
{
	struct app *app = screen_app(s);
	if (action == ACT_BACK)
		screen_pop(s);
	else if (action == ACT_REFRESH)
		keyring_refresh(app->keyring);
	else if (action == ACT_DETAIL && chosen(s) != NULL)
		screen_push(&page_cert_detail, (void *)(uintptr_t)chosen(s));
	else if (action == ACT_RENEW && chosen(s) != NULL)
		renew(s);
	return SCREEN_REDRAW;
}

static int visible(const struct area *a)
{
	int rows = a->rows / SHOW_CERT_ROWS;
	return rows > 0 ? rows : 1;
}

static int key(struct screen *s, const struct key *key)
{
	struct certs *certs = screen_state(s);
	struct area all = term_screen();
	certs->wanted[0] = '\0'; /* whoever moves on has changed their mind */
	return list_key(&certs->list, key, visible(&all));
}

static void draw_row(void *ctx, const struct area *a, int index, bool selected)
{
	const struct app *app = ctx;
	(void)selected;
	show_cert(app, a, keyring_cert(app->keyring, (size_t)index));
}

/* Why there is nothing, or not everything, to show; gives the row behind it. */
static int draw_trouble(const struct app *app, const struct area *a, int count)
{
	const struct error *err = keyring_error(app->keyring) != NULL ? keyring_error(app->keyring) : keyring_hall_error(app->keyring);
	char text[768];
	if (err != NULL)
		return term_paragraph(a, 0, STYLE_WARN, error_sentence(err, text, sizeof text), true) + 1;
	if (count == 0 && !keyring_busy(app->keyring))
		return term_paragraph(a, 0, STYLE_WARN, _("There is no certificate on this key."), true);
	return 0;
}

static void draw(struct screen *s, const struct area *body)
{
	struct certs *certs = screen_state(s);
	struct app *app = screen_app(s);
	struct area a = term_inset(body, 0, 1);
	int row = draw_trouble(app, &a, certs->list.count);
	struct area rest = term_sub(&a, row, 0, a.rows - row, a.cols);
	list_draw(&certs->list, &rest, SHOW_CERT_ROWS, draw_row, app);
}

static bool busy(struct screen *s, const char **what)
{
	const struct app *app = screen_app(s);
	*what = _("Reading the key and asking the hall");
	return keyring_busy(app->keyring);
}

/* 查看证书 and 选择证书 show the same list; they differ in what Enter does. */
#define LIST_OF_CERTS(page_name, page_title, page_step, page_actions_of) \
	.name = page_name, .title = page_title, .step = page_step, .state_size = sizeof(struct certs), .init = init, \
	.free = free_certs, .actions = page_actions_of, .act = act, .key = key, .draw = draw, .busy = busy

const struct screen_ops page_certs = { LIST_OF_CERTS("certs", title_certs, 0, actions_certs) };
const struct screen_ops page_choose = { LIST_OF_CERTS("choose", title_choose, 3, actions_choose) };
