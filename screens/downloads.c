/* 相关下载: everything on the hall's list, what is for this machine first. */
#include "app.h"

#include <stdlib.h>
#include <string.h>

#include <certhall/file.h>

#include "save.h"

enum { HASH_COLS = 72, MARK_COLS = 13 };

struct downloads {
	struct bar bar;
	struct list list;
	struct package_list packages;
	size_t ours;         /* so many of them, the first, are for this machine */
	struct hall_call *call;
	struct error error;
	int visible;
};

static const char *kind_name(int kind)
{
	return kind == PACKAGE_DRIVER ? i18n_in_context(NC_("downloads", "Driver")) : kind == PACKAGE_DOCUMENT ? i18n_in_context(NC_("downloads", "Handbook"))
		: i18n_in_context(NC_("downloads", "Component"));
}

/* ---- the list ---- */

static int compare(const void *left, const void *right)
{
	const struct package *a = left, *b = right;
	bool first = hall_package_fits(a), second = hall_package_fits(b);
	if (first != second)
		return first ? -1 : 1;
	return a->kind != b->kind ? a->kind - b->kind : strcmp(a->id, b->id);
}

static void on_list(void *ctx, const struct error *err, const void *result)
{
	struct screen *s = ctx;
	struct downloads *page = screen_state(s);
	page->call = NULL;
	screen_touch(s);
	if (err != NULL) {
		page->error = *err;
		return;
	}
	page->packages = *(const struct package_list *)result;
	qsort(page->packages.packages, page->packages.packages_count, sizeof *page->packages.packages, compare);
	page->list.count = (int)page->packages.packages_count;
	while (page->ours < page->packages.packages_count && hall_package_fits(&page->packages.packages[page->ours]))
		page->ours++;
}

static void get_list(struct screen *s)
{
	struct downloads *page = screen_state(s);
	struct app *app = screen_app(s);
	page->error = (struct error){ 0 };
	page->list = (struct list){ 0 };
	page->ours = 0;
	page->call = hall_get_downloads(app->world.hall, on_list, s);
}

static int init(struct screen *s, void *arg)
{
	(void)arg;
	get_list(s);
	return 0;
}

static void free_downloads(struct screen *s)
{
	struct downloads *page = screen_state(s);
	hall_cancel(&page->call);
}

/* ---- downloading ---- */

static const struct package *chosen(const struct downloads *page)
{
	return page->list.selected < page->list.count ? &page->packages.packages[page->list.selected] : NULL;
}

static void on_file(void *ctx, const char *value)
{
	const struct downloads *page = screen_state(ctx);
	struct save_order order = { .package = chosen(page) };
	if (order.package != NULL && save_place(value, &order))
		screen_push(&page_save, &order);
}

static void on_how(void *ctx, int choice)
{
	const struct downloads *page = screen_state(ctx);
	struct save_order order = { .package = chosen(page) };
	char path[FILE_PATH_MAX + sizeof order.package->file];
	if (order.package == NULL)
		return;
	save_folder(screen_app(ctx), "certhall-downloads", order.folder, sizeof order.folder);
	if (choice == 0) {
		screen_push(&page_save, &order);
	} else if (choice == 1) {
		snprintf(path, sizeof path, "%s/%s", order.folder, order.package->file);
		dialog_path(_("Save as"), _("The file to save it as; Tab completes:"), path, on_file, ctx);
	} else if (choice == 2) {
		screen_push(&page_component, NULL);
	}
}

/* A component for this machine is most likely wanted to be installed, which needs no file of the person's. */
static void ask_how(struct screen *s)
{
	const struct downloads *page = screen_state(s);
	const struct package *package = chosen(page);
	const char *choices[] = { _("Save"), _("Save as"), _("Install component") };
	char text[640];
	if (package == NULL)
		return;
	bool install = package->kind == PACKAGE_COMPONENT && hall_package_fits(package);
	snprintf(text, sizeof text, "%s  %s\n%s%s%s", package->name, package->version, package->notes, *package->notes != '\0' ? "\n" : "",
		_("Save puts it into the download folder, once it was checked against the hall's list."));
	dialog_choose(_("Download"), text, choices, install ? 3 : 2, on_how, s);
}

/* ---- the page ---- */

static const char *title(struct screen *s)
{
	(void)s;
	return _("Downloads");
}

static const struct action *actions(struct screen *s)
{
	struct downloads *page = screen_state(s);
	if (page->list.count > 0)
		return BAR(&page->bar, ACT_DOWNLOAD, ACT_REFRESH, ACT_BACK);
	return BAR(&page->bar, ACT_REFRESH, ACT_BACK);
}

static int act(struct screen *s, int action)
{
	struct downloads *page = screen_state(s);
	if (action == ACT_DOWNLOAD)
		ask_how(s);
	else if (action == ACT_REFRESH && page->call == NULL)
		get_list(s);
	else if (action == ACT_BACK)
		screen_pop(s);
	return SCREEN_REDRAW;
}

static int key(struct screen *s, const struct key *key)
{
	struct downloads *page = screen_state(s);
	return list_key(&page->list, key, page->visible);
}

static void draw_facts(const struct package *package, const struct area *a)
{
	char system[48];
	snprintf(system, sizeof system, "%s %s", package->os, package->arch);
	int col = term_textf(a, 0, 0, STYLE_NORMAL, _("%s, %lld kB"), strcmp(package->os, "any") == 0 ? _("Any system") : system,
		(long long)((package->size + 1023) / 1024));
	if (package->released[0] != '\0')
		col = term_textf(a, 0, col, STYLE_NORMAL, "  %s", package->released);
	char models[sizeof package->models + 64];
	snprintf(models, sizeof models, _("For: %s"), package->models);
	if (package->models[0] != '\0')
		term_cell(a, 0, col + 2, a->cols - col - 2, STYLE_NORMAL, models);
}

/* The hash stands on one row where it fits, else on two. */
static void draw_package(void *ctx, const struct area *a, int index, bool selected)
{
	const struct downloads *page = ctx;
	const struct package *package = &page->packages.packages[index];
	bool ours = (size_t)index < page->ours, wide = a->cols >= HASH_COLS;
	struct area rest = term_sub(a, 1, wide ? 2 : 0, a->rows - 1, a->cols - (wide ? 2 : 0));
	char line[160];
	(void)selected;
	snprintf(line, sizeof line, "%s  %s  %s", kind_name(package->kind), package->name, package->version);
	term_cell(a, 0, 0, a->cols - MARK_COLS - 1, STYLE_HEADING, line);
	term_cell(a, 0, a->cols - MARK_COLS, MARK_COLS, ours ? STYLE_OK : STYLE_DIM, ours ? _("this machine") : _("other system"));
	draw_facts(package, &rest);
	int col = term_text(&rest, 1, 0, STYLE_DIM, "SHA-256 ");
	term_textf(&rest, 1, col, STYLE_DIM, "%.*s", wide ? 64 : 32, package->sha256);
	if (!wide)
		term_text(&rest, 2, col, STYLE_DIM, package->sha256 + 32);
	term_cell(&rest, wide ? 2 : 3, 0, rest.cols, STYLE_NORMAL, package->notes);
}

static void draw(struct screen *s, const struct area *body)
{
	struct downloads *page = screen_state(s);
	struct area a = term_inset(body, 0, 1);
	int height = a.cols - 2 >= HASH_COLS ? 4 : 5, row = 0;
	char text[512];
	if (page->error.code != ERR_OK)
		row = term_paragraph(&a, 0, STYLE_WARN, error_sentence(&page->error, text, sizeof text), true) + 1;
	struct area list = term_sub(&a, row, 0, a.rows - row, a.cols);
	page->visible = list.rows / height > 0 ? list.rows / height : 1;
	list_draw(&page->list, &list, height, draw_package, page);
}

static bool busy(struct screen *s, const char **what)
{
	const struct downloads *page = screen_state(s);
	*what = _("Asking the hall what there is to download");
	return page->call != NULL;
}

const struct screen_ops page_downloads = {
	.name = "downloads", .title = title, .state_size = sizeof(struct downloads), .init = init, .free = free_downloads, .actions = actions,
	.act = act, .key = key, .draw = draw, .busy = busy,
};
