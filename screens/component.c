#include "app.h"

#include <stdlib.h>

enum stage { STAGE_LIST, STAGE_LISTED, STAGE_DOWNLOAD, STAGE_INSTALLED };

struct component {
	struct bar bar;
	struct list list;
	enum stage stage;
	struct package_list packages;
	struct hall_call *call;
	int64_t got, total;
	char what[256];      /* busy()'s words */
	struct error error;  /* of the last thing tried */
	int visible;
};

static void on_packages(void *ctx, const struct error *err, const void *result)
{
	struct screen *s = ctx;
	struct component *page = screen_state(s);
	page->call = NULL;
	page->stage = STAGE_LISTED;
	if (err != NULL) {
		page->error = *err;
	} else {
		page->packages = *(const struct package_list *)result;
		page->list.count = (int)page->packages.packages_count;
		if (page->list.count == 0)
			error_set(&page->error, ERR_PACKAGE_NONE, NULL, "empty list");
	}
	screen_touch(s);
}

static void get_list(struct screen *s)
{
	struct component *page = screen_state(s);
	struct app *app = screen_app(s);
	page->error = (struct error){ 0 };
	page->stage = STAGE_LIST;
	page->list = (struct list){ 0 };
	snprintf(page->what, sizeof page->what, "%s", _("Asking the hall for its components"));
	page->call = hall_get_packages(app->world.hall, on_packages, s);
}

static int init(struct screen *s, void *arg)
{
	(void)arg;
	get_list(s);
	return 0;
}

static void free_component(struct screen *s)
{
	struct component *page = screen_state(s);
	hall_cancel(&page->call);
}

/* ---- the installation ---- */

static void on_progress(void *ctx, int64_t got, int64_t total)
{
	struct screen *s = ctx;
	struct component *page = screen_state(s);
	page->got = got;
	page->total = total;
	screen_touch(s);
}

/* What arrives here has the size and the SHA-256 that the signed list names. */
static void on_downloaded(void *ctx, const struct error *err, const void *result)
{
	struct screen *s = ctx;
	struct component *page = screen_state(s);
	struct app *app = screen_app(s);
	page->call = NULL;
	page->stage = STAGE_LISTED;
	screen_touch(s);
	if (err != NULL) {
		page->error = *err;
		return;
	}
	if (settings_set_module(app->settings, result, &page->error) != 0)
		return;
	int code = token_set_module(app->world.token, app->settings->module, NULL);
	if (code != 0) {
		error_set(&page->error, (enum error_code)code, NULL, "set module");
		return;
	}
	page->stage = STAGE_INSTALLED;
	app->component_installed = true;
	keyring_refresh(app->keyring);
}

static const struct package *chosen(const struct component *page)
{
	return page->list.selected < page->list.count ? &page->packages.packages[page->list.selected] : NULL;
}

static void download(struct screen *s)
{
	struct component *page = screen_state(s);
	struct app *app = screen_app(s);
	const struct package *package = chosen(page);
	if (package == NULL)
		return;
	page->error = (struct error){ 0 };
	page->stage = STAGE_DOWNLOAD;
	page->got = 0;
	page->total = package->size;
	snprintf(page->what, sizeof page->what, _("Downloading %s"), package->name);
	page->call = hall_download_package(app->world.hall, package, on_progress, on_downloaded, s);
}

static void stop_download(struct component *page)
{
	hall_cancel(&page->call);
	page->stage = STAGE_LISTED;
	error_set(&page->error, ERR_CANCELLED, NULL, "by the person");
}

/* ---- the page ---- */

static const char *title(struct screen *s)
{
	(void)s;
	return _("Install component");
}

static const struct action *actions(struct screen *s)
{
	struct component *page = screen_state(s);
	if (page->stage == STAGE_DOWNLOAD)
		return BAR(&page->bar, ACT_STOP);
	if (page->stage == STAGE_INSTALLED)
		return BAR(&page->bar, ACT_FINISH, ACT_BACK);
	if (chosen(page) != NULL)
		return BAR(&page->bar, ACT_COMPONENT_INSTALL, ACT_REFRESH, ACT_BACK);
	return BAR(&page->bar, ACT_REFRESH, ACT_BACK);
}

static int act(struct screen *s, int action)
{
	struct component *page = screen_state(s);
	if (action == ACT_COMPONENT_INSTALL)
		download(s);
	else if (action == ACT_STOP)
		stop_download(page);
	else if (action == ACT_REFRESH && page->call == NULL)
		get_list(s);
	else if (action == ACT_BACK || action == ACT_FINISH)
		screen_pop(s);
	return SCREEN_REDRAW;
}

static int key(struct screen *s, const struct key *key)
{
	struct component *page = screen_state(s);
	if (page->stage != STAGE_LISTED)
		return SCREEN_IGNORED;
	return list_key(&page->list, key, page->visible);
}

static void draw_package(void *ctx, const struct area *a, int index, bool selected)
{
	const struct package *package = &((const struct component *)ctx)->packages.packages[index];
	(void)selected;
	int col = term_textf(a, 0, 0, STYLE_HEADING, "%s  %s", package->name, package->version);
	term_textf(a, 0, col + 2, STYLE_DIM, _("%s %s, %lld kB"), package->os, package->arch, (long long)((package->size + 1023) / 1024));
	term_textf(a, 1, 2, STYLE_NORMAL, _("For: %s"), package->models);
}

static int draw_state(const struct component *page, const struct area *a)
{
	char text[768];
	if (page->stage == STAGE_INSTALLED)
		return term_paragraph(a, 0, STYLE_OK, _("The component was downloaded, verified against the hall's signature, and installed. "
			"Finish goes back to the environment check, which is done again."), true) + 1;
	if (page->stage == STAGE_DOWNLOAD) {
		term_text(a, 0, 0, STYLE_NORMAL, page->what);
		progress_draw(a, 1, 0, a->cols, page->got, page->total);
		return 3;
	}
	if (page->error.code != ERR_OK)
		return term_paragraph(a, 0, STYLE_WARN, error_sentence(&page->error, text, sizeof text), true) + 1;
	return term_paragraph(a, 0, STYLE_NORMAL, _("The key component is the software of your key's maker that lets this program talk to the key. "
		"Choose the one for your key:"), true) + 1;
}

static void draw(struct screen *s, const struct area *body)
{
	struct component *page = screen_state(s);
	struct area a = term_inset(body, 0, 1);
	int row = draw_state(page, &a);
	struct area list = term_sub(&a, row, 0, a.rows - row, a.cols);
	page->visible = list.rows / 3 > 0 ? list.rows / 3 : 1;
	list_draw(&page->list, &list, 3, draw_package, page);
}

static bool busy(struct screen *s, const char **what)
{
	const struct component *page = screen_state(s);
	*what = page->what;
	return page->call != NULL;
}

const struct screen_ops page_component = {
	.name = "component",
	.title = title,
	.step = 2,
	.state_size = sizeof(struct component),
	.init = init,
	.free = free_component,
	.actions = actions,
	.act = act,
	.key = key,
	.draw = draw,
	.busy = busy,
};
