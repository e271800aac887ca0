/* 帮助中心: what there is, and the way in from a page or an error. */
#include "app.h"

#include <stdlib.h>
#include <string.h>

#include <certhall/bytes.h>

#include "questions.h"

/* What fits an error, else the page. */
static bool open_help(void *ctx, const struct error *err, const char *page)
{
	struct app *app = ctx;
	const struct help *help = app_help(app);
	const struct help_entry *entry = help == NULL ? NULL : err->code != ERR_OK ? help_for_error(help, err->code) : NULL;
	if (entry == NULL && help != NULL)
		entry = help_for_page(help, page);
	if (entry == NULL)
		return screen_push(&page_help, NULL) != NULL;
	const struct question_arg arg = { .category = (int)entry->category, .id = entry->id };
	return screen_push(&page_questions, (void *)(uintptr_t)&arg) != NULL;
}

void help_join(struct app *app)
{
	screen_set_help(open_help, app);
}

/* ---- the menu ---- */

enum entry { PROCESS, DOWNLOADS, QUESTIONS, SERVICE, KEYS, ENTRIES };

struct help_page {
	struct bar bar;
	struct list list;
};

static const struct {
	const char *label, *note;
} entries[ENTRIES] = {
	[PROCESS] = { N_("How it goes"), N_("the steps of renewing, and what to mind") },
	[DOWNLOADS] = { N_("Downloads"), N_("components, drivers and handbooks") },
	[QUESTIONS] = { N_("Questions and answers"), N_("certificates, drivers, components; search") },
	[SERVICE] = { N_("Online service"), N_("talk to an agent, or leave a message") },
	[KEYS] = { N_("Keys of the program"), N_("every key of every page") },
};

static int init(struct screen *s, void *arg)
{
	struct help_page *page = screen_state(s);
	(void)arg;
	app_help_fetch(screen_app(s));
	page->list.count = ENTRIES;
	return 0;
}

static const char *title(struct screen *s)
{
	(void)s;
	return _("Help centre");
}

static const struct action *actions(struct screen *s)
{
	struct help_page *page = screen_state(s);
	return BAR(&page->bar, ACT_OPEN, ACT_BACK);
}

/* The plain key of an F-key is the digit beside it; all of them from the one table. */
static void show_keys(void)
{
	struct bytes text = { 0 };
	char line[160], f[8];
	int code = 0;
	for (const struct action *row = page_actions; row->id != 0 && code == 0; row++) {
		bool has_f = row->f_key >= KEY_CODE_F1 && row->f_key <= KEY_CODE_F12;
		snprintf(f, sizeof f, "F%d", has_f ? (int)(row->f_key - KEY_CODE_F1) + 1 : 0);
		snprintf(line, sizeof line, "%-4s %-7s %s\n", has_f ? f : "", _(row->plain_name), _(row->label));
		code = bytes_append(&text, line, strlen(line));
	}
	if (code == 0 && bytes_append(&text, "", 1) == 0)
		dialog_message(STYLE_NORMAL, _("Keys of the program"), (const char *)text.data);
	bytes_free(&text);
}

static void open_entry(struct app *app, enum entry entry)
{
	struct question_arg arg = { .category = entry == PROCESS ? HELP_PROCESS : QUESTIONS_ALL };
	if (entry == KEYS) {
		show_keys();
	} else if (entry == SERVICE) {
		chat_open(app, "help");
	} else if (entry == DOWNLOADS && app->settings->kiosk) {
		dialog_message(STYLE_NORMAL, _("Downloads"), _("At this terminal only whoever looks after it installs components. Tell them, please."));
	} else if (entry == DOWNLOADS) {
		if (app_awake(app))
			screen_push(&page_downloads, NULL);
	} else if (app_help(app) == NULL) {
		dialog_message(STYLE_WARN, _("Help centre"), _("The texts of the help centre are not installed. Install the program again, or set help.folder."));
	} else {
		screen_push(&page_questions, &arg);
	}
}

static int act(struct screen *s, int action)
{
	struct help_page *page = screen_state(s);
	if (action == ACT_OPEN)
		open_entry(screen_app(s), (enum entry)page->list.selected);
	else
		screen_pop(s);
	return SCREEN_REDRAW;
}

static int key(struct screen *s, const struct key *key)
{
	struct help_page *page = screen_state(s);
	return list_key(&page->list, key, ENTRIES);
}

static void draw_entry(void *ctx, const struct area *a, int index, bool selected)
{
	(void)ctx, (void)selected;
	const char digit[] = { (char)('1' + index), '\0' };
	show_entry(a, digit, _(entries[index].label), _(entries[index].note));
}

static void draw(struct screen *s, const struct area *body)
{
	struct help_page *page = screen_state(s);
	struct area a = term_inset(body, 1, 2);
	list_draw(&page->list, &a, a.rows >= 2 * ENTRIES ? 2 : 1, draw_entry, page);
}

const struct screen_ops page_help = {
	.name = "help", .title = title, .state_size = sizeof(struct help_page), .init = init, .actions = actions, .act = act, .key = key, .draw = draw,
};
