/* Canned answers and the help centre's questions: found as one types, by text or pinyin initials, and read before they are used. */
#include "desk.h"

#include <stdlib.h>
#include <string.h>

#include <certhall/bytes.h>
#include <certhall/text.h>

enum { QUERY_MAX = 128, HITS_MAX = 2000, LIST_ROWS_LEAST = 3 };
enum { DO_PICK = 1, DO_TEXT, DO_BACK };

struct pick {
	struct pick_arg arg;
	struct draft *query;
	struct list list;
	struct help_hit hits[HITS_MAX];
	int visible;
};

static const struct help_entry *chosen(const struct pick *pick)
{
	return pick->list.count > 0 ? help_at(pick->arg.help, pick->hits[pick->list.selected].index) : NULL;
}

/* Without words, all of them in their order. */
static void gather(struct pick *pick)
{
	const char *query = draft_text(pick->query);
	pick->list = (struct list){ 0 };
	if (query[strspn(query, " ")] != '\0') {
		pick->list.count = (int)help_search(pick->arg.help, query, pick->hits, HITS_MAX);
		return;
	}
	for (size_t i = 0; i < help_count(pick->arg.help) && pick->list.count < HITS_MAX; i++)
		pick->hits[pick->list.count++] = (struct help_hit){ .index = i };
}

static int init(struct screen *s, void *arg)
{
	struct pick *pick = screen_state(s);
	pick->arg = *(const struct pick_arg *)arg;
	help_hold(pick->arg.help);
	if (draft_new(QUERY_MAX, &pick->query) != 0)
		return ERR_NO_MEMORY;
	gather(pick);
	return 0;
}

static void free_pick(struct screen *s)
{
	struct pick *pick = screen_state(s);
	draft_free(&pick->query);
	help_free(&pick->arg.help);
}

static const char *title(struct screen *s)
{
	const struct pick *pick = screen_state(s);
	return pick->arg.title;
}

static const struct action *actions(struct screen *s)
{
	static const struct action questions[] = {
		{ DO_PICK, N_("Send the question"), KEY_CODE_F2, { KEY_CODE_ENTER, "", 0 }, "Enter" },
		{ DO_TEXT, N_("Its answer as text"), KEY_CODE_F6, { KEY_CODE_CTRL, "", 'T' }, "Ctrl-T" },
		{ DO_BACK, N_("Back"), KEY_CODE_CHAR, { KEY_CODE_ESC, "", 0 }, "Esc" }, ACTION_END };
	static const struct action answers[] = {
		{ DO_TEXT, N_("Put it into the line"), KEY_CODE_F2, { KEY_CODE_ENTER, "", 0 }, "Enter" },
		{ DO_BACK, N_("Back"), KEY_CODE_CHAR, { KEY_CODE_ESC, "", 0 }, "Esc" }, ACTION_END };
	const struct pick *pick = screen_state(s);
	return pick->arg.question ? questions : answers;
}

/* Esc first empties the line. */
static int act(struct screen *s, int action)
{
	struct pick *pick = screen_state(s);
	const struct help_entry *entry = chosen(pick);
	if (action == DO_BACK && *draft_text(pick->query) != '\0') {
		draft_set(pick->query, "");
		gather(pick);
	} else if (action == DO_BACK) {
		screen_pop(s);
	} else if (entry != NULL) {
		screen_pop(s);
		pick->arg.done(pick->arg.ctx, entry, action == DO_TEXT);
	}
	return SCREEN_REDRAW;
}

static bool moves(const struct key *key)
{
	return key->code == KEY_CODE_UP || key->code == KEY_CODE_DOWN || key->code == KEY_CODE_PAGE_UP || key->code == KEY_CODE_PAGE_DOWN;
}

static int key(struct screen *s, const struct key *key)
{
	struct pick *pick = screen_state(s);
	char before[QUERY_MAX];
	if (moves(key))
		return list_key(&pick->list, key, pick->visible);
	snprintf(before, sizeof before, "%s", draft_text(pick->query));
	int flags = draft_key(pick->query, key);
	if (strcmp(before, draft_text(pick->query)) != 0)
		gather(pick);
	return flags;
}

static void draw_row(void *ctx, const struct area *a, int index, bool selected)
{
	const struct pick *pick = ctx;
	const struct help_hit *hit = &pick->hits[index];
	const struct help_entry *entry = help_at(pick->arg.help, hit->index);
	char marked[256];
	(void)selected;
	int col = term_textf(a, 0, 0, STYLE_DIM, "%-4s", entry->id);
	snprintf(marked, sizeof marked, "%.*s", (int)hit->mark_at, entry->title);
	int from = col + text_width(marked);
	term_text(a, 0, col, STYLE_NORMAL, entry->title);
	snprintf(marked, sizeof marked, "%.*s", (int)hit->mark_len, entry->title + hit->mark_at);
	term_text(a, 0, from, STYLE_HEADING, marked);
}

static void draw(struct screen *s, const struct area *body)
{
	struct pick *pick = screen_state(s);
	struct area a = term_inset(body, 0, 1);
	const char *label = _("Search");
	int list_rows = a.rows / 2 - 1 > LIST_ROWS_LEAST ? a.rows / 2 - 1 : LIST_ROWS_LEAST, col = term_text(&a, 0, 0, STYLE_LABEL, label) + 1;
	struct area line = term_sub(&a, 0, col, 1, a.cols - col), list = term_sub(&a, 1, 0, list_rows, a.cols);
	struct area text = term_sub(&a, list_rows + 2, 0, a.rows - list_rows - 2, a.cols);
	const struct help_entry *entry = chosen(pick);
	pick->visible = list_rows;
	if (entry == NULL)
		term_paragraph(&list, 0, STYLE_WARN, _("Nothing was found. Try fewer or other words."), true);
	list_draw(&pick->list, &list, 1, draw_row, pick);
	term_rule(&a, list_rows + 1, STYLE_DIM);
	if (entry != NULL)
		term_paragraph(&text, 0, STYLE_NORMAL, entry->body, true);
	draft_draw(pick->query, &line, true, _("words, or pinyin initials such as zsgx")); /* last: the cursor stands where one types */
}

const struct screen_ops page_pick = {
	.name = "pick", .title = title, .state_size = sizeof(struct pick), .init = init, .free = free_pick, .actions = actions, .act = act, .key = key,
	.input = true, .draw = draw,
};

/* ---- what the desk does with it ---- */

static struct desk_page *ask_for(struct screen *s)
{
	struct desk_page *page = screen_state(s);
	const struct desk_row *row = desk_selected(page);
	snprintf(page->about, sizeof page->about, "%s", row != NULL ? row->id : "");
	return page;
}

/* Behind what is written there already. */
static void put_into_line(struct desk_page *page, const char *body)
{
	struct draft *input = talks_find(page->talks, page->about) != NULL ? desk_input(page, page->about) : NULL;
	struct bytes text = { 0 };
	if (input == NULL)
		return;
	const char *before = draft_text(input);
	int code = bytes_append(&text, before, strlen(before));
	if (code == 0 && bytes_append(&text, body, strlen(body) + 1) == 0)
		draft_set(input, (const char *)text.data);
	bytes_free(&text);
}

/* A customer who reads another language gets the answer of the same id in it. */
static void on_answer(void *ctx, const struct help_entry *entry, bool text)
{
	struct desk_page *page = screen_state(ctx);
	const struct talk *talk = talks_find(page->talks, page->about);
	const char *language = talk != NULL ? talk_state(talk)->language : "";
	(void)text;
	if (page->answers[1] != NULL && *language != '\0' && strcmp(language, app_language()) != 0) {
		const struct help_entry *other = help_by_id(page->answers[1], entry->id);
		entry = other != NULL ? other : entry;
	}
	put_into_line(page, entry->body);
}

static void on_question(void *ctx, const struct help_entry *entry, bool text)
{
	struct desk_page *page = screen_state(ctx);
	char line[1024];
	if (text) {
		put_into_line(page, entry->body);
		return;
	}
	snprintf(line, sizeof line, "%s %s", entry->id, entry->title);
	desk_say(page, MESSAGE_QUESTION, line);
}

/* Read anew each time: staff may have changed them. */
static void read_answers(const struct app *app, struct desk_page *page)
{
	struct help_values values;
	struct error err;
	app_help_values(app, &values);
	for (int i = 0; i < 2; i++) {
		const char *language = i == 0 ? app_language() : strcmp(app_language(), "en") == 0 ? "zh_CN" : "en";
		help_free(&page->answers[i]);
		if (help_open_answers(app->settings->answers_folder, language, &values, NULL, NULL, &page->answers[i], &err) != 0)
			log_error("answers", &err);
	}
}

void desk_pick_answer(struct screen *s)
{
	struct desk_page *page = ask_for(s);
	read_answers(screen_app(s), page);
	struct pick_arg arg = { .title = _("Canned answers"), .help = page->answers[0], .done = on_answer, .ctx = s };
	if (arg.help != NULL)
		screen_push(&page_pick, &arg);
	else
		dialog_message(STYLE_WARN, _("Canned answers"), _("There is no file of answers. Set desk.answers to the folder that holds them."));
}

void desk_pick_question(struct screen *s)
{
	ask_for(s);
	struct pick_arg arg = { .title = _("A question of the help centre"), .help = app_help(screen_app(s)), .question = true, .done = on_question, .ctx = s };
	if (arg.help != NULL)
		screen_push(&page_pick, &arg);
	else
		dialog_message(STYLE_WARN, _("Help centre"), _("The texts of the help centre are not installed. Install the program again, or set help.folder."));
}
