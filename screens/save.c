/* 保存, 另存为: one file after the other, each checked before it has its name. */
#include "app.h"

#include <fcntl.h>
#include <libgen.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <certhall/file.h>
#include <certhall/path.h>

#include "save.h"

struct piece {
	struct invoice invoice;
	const char *format;
	char name[224];
	enum { TO_DO, NOW, SAVED, SKIPPED, LOST } state;
};

struct save {
	struct app *app;
	struct bar bar;
	struct list list;
	struct package package;    /* instead of invoices, when it has an id */
	struct piece *pieces;
	size_t count, at;
	char folder[FILE_PATH_MAX], grant[96];
	struct hall_call *call;
	bool replace, replace_all, open;
	int64_t got, total;
	struct error error;        /* what stopped it */
};

static void next(struct screen *s);

/* ---- where to ---- */

void save_folder(const struct app *app, const char *name, char *out, size_t size)
{
	const char *set = app->settings->download_folder, *xdg = getenv("XDG_DOWNLOAD_DIR"), *home = getenv("HOME");
	if (*set != '\0')
		snprintf(out, size, "%s", set);
	else if (xdg != NULL && *xdg == '/')
		snprintf(out, size, "%s", xdg);
	else if (home != NULL)
		snprintf(out, size, "%s/%s", home, name);
	else
		file_data_path(name, out, size);
}

bool save_place(const char *typed, struct save_order *order)
{
	char path[FILE_PATH_MAX], copy[FILE_PATH_MAX];
	if (typed == NULL || *typed == '\0')
		return false;
	path_expand(typed, path, sizeof path);
	snprintf(copy, sizeof copy, "%s", path);
	snprintf(order->name, sizeof order->name, "%s", basename(copy));
	snprintf(order->folder, sizeof order->folder, "%s", dirname(path));
	return true;
}

/* ---- one after the other ---- */

static void on_progress(void *ctx, int64_t got, int64_t total)
{
	struct screen *s = ctx;
	struct save *save = screen_state(s);
	save->got = got;
	save->total = total;
	screen_touch(s);
}

static void on_overwrite(void *ctx, int choice)
{
	struct screen *s = ctx;
	struct save *save = screen_state(s);
	if (choice == 1 || choice == 2) {
		save->replace = true;
		save->replace_all = choice == 2;
	} else {
		save->pieces[save->at++].state = SKIPPED;
	}
	next(s);
}

static void ask_overwrite(struct screen *s)
{
	struct save *save = screen_state(s);
	const char *choices[] = { _("Keep the old one"), _("Overwrite"), _("Overwrite all") };
	char text[FILE_PATH_MAX];
	snprintf(text, sizeof text, _("There is a file %s already. Overwrite it?"), save->pieces[save->at].name);
	dialog_choose(_("File exists"), text, choices, save->count == 1 ? 2 : 3, on_overwrite, s);
}

static void on_saved(void *ctx, const struct error *err, const void *result)
{
	struct screen *s = ctx;
	struct save *save = screen_state(s);
	struct piece *piece = &save->pieces[save->at];
	(void)result;
	save->call = NULL;
	save->replace = false;
	screen_touch(s);
	if (err != NULL && err->code == ERR_FILE_EXISTS) {
		piece->state = TO_DO;
		ask_overwrite(s);
		return;
	}
	piece->state = err == NULL ? SAVED : LOST;
	if (err != NULL) { /* most likely the next one would fare no better */
		save->error = *err;
		return;
	}
	save->at++;
	next(s);
}

/* On its own, with nothing of ours: the terminal stays this program's. */
static void show_outside(struct save *save)
{
	char path[FILE_PATH_MAX + 256], *argv[] = { save->app->settings->viewer, path, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	pid_t pid;
	snprintf(path, sizeof path, "%s/%s", save->folder, save->pieces[0].name);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	for (int fd = 0; fd < 3; fd++)
		posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_RDWR, 0);
	posix_spawn_file_actions_addclosefrom_np(&actions, 3);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
	int rc = posix_spawn(&pid, argv[0], &actions, &attributes, argv, environ);
	if (rc != 0)
		error_set(&save->error, ERR_CONFIG, argv[0], "viewer: %s", strerror(rc));
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
}

static void next(struct screen *s)
{
	struct save *save = screen_state(s);
	screen_touch(s);
	if (save->at == save->count && save->open)
		show_outside(save);
	if (save->at == save->count)
		return;
	struct piece *piece = &save->pieces[save->at];
	piece->state = NOW;
	save->got = save->total = 0;
	save->error = (struct error){ 0 };
	save->list.selected = (int)save->at;
	bool replace = save->replace || save->replace_all;
	if (save->package.id[0] != '\0')
		save->call = hall_save_package(save->app->world.hall, &save->package, save->folder, piece->name, replace, on_progress, on_saved, s);
	else
		save->call = hall_save_invoice(save->app->world.hall, save->grant, &piece->invoice, piece->format, save->folder,
			piece->name, replace, on_progress, on_saved, s);
}

static void add(struct save *save, const struct invoice *invoice, const char *format, const char *name)
{
	struct piece *piece = &save->pieces[save->count++];
	piece->invoice = *invoice;
	piece->format = format;
	if (*name != '\0')
		snprintf(piece->name, sizeof piece->name, "%s.%s", name, format);
	else
		snprintf(piece->name, sizeof piece->name, "fapiao_%s.%s", invoice->number, format);
}

static int init(struct screen *s, void *arg)
{
	struct save *save = screen_state(s);
	const struct save_order *order = arg;
	save->app = screen_app(s);
	save->pieces = calloc(2 * order->count + 1, sizeof *save->pieces);
	if (save->pieces == NULL)
		return ERR_NO_MEMORY;
	if (order->package != NULL) {
		save->package = *order->package;
		snprintf(save->pieces[save->count++].name, sizeof save->pieces->name, "%s", *order->name != '\0' ? order->name : order->package->file);
	}
	for (size_t i = 0; i < order->count; i++) {
		if (order->pdf)
			add(save, order->invoices[i], "pdf", order->name);
		if (order->xml)
			add(save, order->invoices[i], "xml", order->name);
	}
	save->list.count = (int)save->count;
	snprintf(save->folder, sizeof save->folder, "%s", order->folder);
	snprintf(save->grant, sizeof save->grant, "%s", order->grant);
	save->open = save->replace_all = order->open; /* of ours: the file it shows */
	next(s);
	return 0;
}

static void free_save(struct screen *s)
{
	struct save *save = screen_state(s);
	hall_cancel(&save->call);
	free(save->pieces);
}

/* ---- the page ---- */

static const char *title(struct screen *s)
{
	const struct save *save = screen_state(s);
	return save->package.id[0] != '\0' ? _("Download") : _("Save invoices");
}

static const struct action *actions(struct screen *s)
{
	struct save *save = screen_state(s);
	if (save->call != NULL)
		return BAR(&save->bar, ACT_STOP);
	if (save->at < save->count)
		return BAR(&save->bar, ACT_AGAIN, ACT_BACK);
	return BAR(&save->bar, ACT_FINISH, ACT_BACK);
}

static int act(struct screen *s, int action)
{
	struct save *save = screen_state(s);
	if (action == ACT_STOP) {
		hall_cancel(&save->call);
		save->pieces[save->at].state = TO_DO;
		error_set(&save->error, ERR_CANCELLED, NULL, "by the person");
	} else if (action == ACT_AGAIN) {
		next(s);
	} else {
		screen_pop(s);
	}
	return SCREEN_REDRAW;
}

static int key(struct screen *s, const struct key *key)
{
	struct save *save = screen_state(s);
	return list_key(&save->list, key, 10);
}

static void draw_piece(void *ctx, const struct area *a, int index, bool selected)
{
	static const struct {
		enum style style;
		const char *word;
	} states[] = { { STYLE_DIM, N_("waiting") }, { STYLE_HEADING, N_("being fetched") }, { STYLE_OK, N_("saved") },
		{ STYLE_DIM, N_("kept the old one") }, { STYLE_BAD, N_("not saved") } };
	const struct piece *piece = &((const struct save *)ctx)->pieces[index];
	(void)selected;
	term_cell(a, 0, 0, a->cols - 18, STYLE_NORMAL, piece->name);
	term_cell(a, 0, a->cols - 16, 16, states[piece->state].style, _(states[piece->state].word));
}

static int draw_outcome(const struct save *save, const struct area *a)
{
	char text[FILE_PATH_MAX + 256], say[768];
	size_t saved = 0;
	for (size_t i = 0; i < save->count; i++)
		saved += save->pieces[i].state == SAVED;
	if (save->error.code != ERR_OK)
		return term_paragraph(a, 0, STYLE_WARN, error_sentence(&save->error, say, sizeof say), true);
	if (save->at < save->count) {
		progress_draw(a, 0, 0, a->cols, save->got, save->total);
		return 1;
	}
	snprintf(text, sizeof text, ngettext("%d file was checked and saved to %s.", "%d files were checked and saved to %s.", saved), (int)saved, save->folder);
	return term_paragraph(a, 0, STYLE_OK, text, true);
}

static void draw(struct screen *s, const struct area *body)
{
	struct save *save = screen_state(s);
	struct area a = term_inset(body, 0, 1);
	int row = draw_outcome(save, &a) + 1;
	struct area list = term_sub(&a, row, 0, a.rows - row, a.cols);
	list_draw(&save->list, &list, 1, draw_piece, save);
}

static bool busy(struct screen *s, const char **what)
{
	const struct save *save = screen_state(s);
	*what = save->package.id[0] != '\0' ? _("Fetching the file") : _("Fetching the invoice");
	return save->call != NULL;
}

const struct screen_ops page_save = {
	.name = "save", .title = title, .state_size = sizeof(struct save), .init = init, .free = free_save, .actions = actions,
	.act = act, .key = key, .draw = draw, .busy = busy,
};
