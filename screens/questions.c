#include "questions.h"

#include <stdlib.h>
#include <string.h>

#include <certhall/text.h>

enum { F_QUERY = 1, QUERY_MAX = 128, HITS_MAX = 2000, NOTHING = -1, HEAD_ROWS = 3 };

struct questions {
	struct help *help;         /* held */
	struct bar bar;
	struct form *form;         /* the line to search in */
	int category;
	bool process;              /* steps, which are few: no search */
	struct help_hit hits[HITS_MAX];
	int count, selected;
	int open;                  /* the hit whose answer shows; NOTHING: none */
	int top, lines, rows;      /* of the flattened list, as last drawn */
	int reached;               /* the line of the selected question, as last drawn */
};

static const struct field fields[] = {
	{ .id = F_QUERY, .label = N_("Search"), .max = QUERY_MAX, .hint = N_("words, or pinyin initials such as zsgx") },
};

static const char *category_name(int category)
{
	switch (category) {
	case HELP_PROCESS: return _("How it goes");
	case HELP_CERT: return i18n_in_context(NC_("questions", "Certificates"));
	case HELP_DRIVER: return i18n_in_context(NC_("questions", "Drivers"));
	case HELP_COMPONENT: return i18n_in_context(NC_("questions", "Components"));
	case HELP_OTHER: return i18n_in_context(NC_("questions", "Other"));
	default: return i18n_in_context(NC_("questions", "All"));
	}
}

/* ---- what is listed ---- */

static bool belongs(const struct questions *q, const struct help_entry *entry)
{
	return q->category == QUESTIONS_ALL ? entry->category != HELP_PROCESS : (int)entry->category == q->category;
}

/* Looked for in all questions; without words, those of the category in their order. */
static void gather(struct questions *q)
{
	const char *query = form_value(q->form, F_QUERY);
	q->count = q->selected = q->top = 0;
	q->open = NOTHING;
	if (query[strspn(query, " ")] != '\0') {
		q->count = (int)help_search(q->help, query, q->hits, HITS_MAX);
		return;
	}
	for (size_t i = 0; i < help_count(q->help) && q->count < HITS_MAX; i++)
		if (belongs(q, help_at(q->help, i)))
			q->hits[q->count++] = (struct help_hit){ .index = i };
}

static int init(struct screen *s, void *arg)
{
	struct questions *q = screen_state(s);
	const struct question_arg *from = arg;
	struct help *help = app_help(screen_app(s));
	q->help = help != NULL ? help_hold(help) : NULL;
	q->category = from->category;
	q->process = from->category == HELP_PROCESS;
	if (q->help == NULL || form_new(fields, 1, NULL, &q->form) != 0)
		return ERR_NO_MEMORY;
	gather(q);
	for (int i = 0; i < q->count && from->id != NULL; i++)
		if (strcmp(help_at(q->help, q->hits[i].index)->id, from->id) == 0)
			q->selected = q->open = i;
	return 0;
}

static void free_questions(struct screen *s)
{
	struct questions *q = screen_state(s);
	form_free(&q->form);
	help_free(&q->help);
}

static const char *title(struct screen *s)
{
	const struct questions *q = screen_state(s);
	return q->process ? _("How it goes") : _("Questions and answers");
}

static const struct action *actions(struct screen *s)
{
	struct questions *q = screen_state(s);
	if (q->process)
		return BAR(&q->bar, ACT_TOGGLE, ACT_BACK);
	return BAR(&q->bar, ACT_TOGGLE, ACT_CATEGORY, ACT_BACK);
}

/* ---- keys ---- */

static void toggle(struct questions *q)
{
	if (q->count > 0)
		q->open = q->open == q->selected ? NOTHING : q->selected;
}

static int act(struct screen *s, int action)
{
	struct questions *q = screen_state(s);
	if (action == ACT_TOGGLE) {
		toggle(q);
	} else if (action == ACT_CATEGORY) {
		q->category = q->category == QUESTIONS_ALL ? HELP_CERT : q->category == HELP_OTHER ? QUESTIONS_ALL : q->category + 1;
		(void)!form_set(q->form, F_QUERY, "");
		gather(q);
	} else if (*form_value(q->form, F_QUERY) != '\0') { /* Esc first empties the line */
		(void)!form_set(q->form, F_QUERY, "");
		gather(q);
	} else {
		screen_pop(s);
	}
	return SCREEN_REDRAW;
}

static void move(struct questions *q, int to)
{
	q->selected = to < 0 ? 0 : to >= q->count ? q->count - 1 : to;
	if (q->selected < 0)
		q->selected = 0;
}

/* Within a long answer the arrows scroll, before they go on to the next question. */
static int key(struct screen *s, const struct key *key)
{
	struct questions *q = screen_state(s);
	bool reading = q->open == q->selected && q->count > 0;
	switch (key->code) {
	case KEY_CODE_DOWN:
		if (reading && q->top + q->rows < q->lines && q->top < q->reached)
			q->top++;
		else
			move(q, q->selected + 1);
		return SCREEN_HANDLED | SCREEN_REDRAW;
	case KEY_CODE_UP: move(q, q->selected - 1); return SCREEN_HANDLED | SCREEN_REDRAW;
	case KEY_CODE_PAGE_DOWN:
	case KEY_CODE_PAGE_UP:
		if (reading)
			q->top += key->code == KEY_CODE_PAGE_DOWN ? q->rows - 1 : 1 - q->rows;
		else
			move(q, q->selected + (key->code == KEY_CODE_PAGE_DOWN ? q->rows : -q->rows));
		return SCREEN_HANDLED | SCREEN_REDRAW;
	case KEY_CODE_ENTER:
	case KEY_CODE_TAB:
	case KEY_CODE_BACKTAB:
	case KEY_CODE_ESC: return SCREEN_IGNORED;
	default: break;
	}
	if (q->process)
		return SCREEN_IGNORED;
	char before[QUERY_MAX];
	snprintf(before, sizeof before, "%s", form_value(q->form, F_QUERY));
	int flags = form_key(q->form, key);
	if (strcmp(before, form_value(q->form, F_QUERY)) != 0)
		gather(q);
	return flags;
}

/* ---- drawing ---- */

static void draw_title(const struct questions *q, const struct area *a, int row, int index)
{
	const struct help_hit *hit = &q->hits[index];
	const struct help_entry *entry = help_at(q->help, hit->index);
	bool selected = index == q->selected;
	char part[512];
	int col = term_text(a, row, 0, STYLE_KEY, selected ? "> " : "  ");
	col = term_text(a, row, col, STYLE_DIM, index == q->open ? "- " : "+ ");
	snprintf(part, sizeof part, "%.*s", (int)hit->mark_at, entry->title);
	col = term_text(a, row, col, STYLE_HEADING, hit->mark_len > 0 ? part : entry->title);
	if (hit->mark_len > 0) {
		snprintf(part, sizeof part, "%.*s", (int)hit->mark_len, entry->title + hit->mark_at);
		col = term_text(a, row, col, STYLE_SELECTED, part);
		term_text(a, row, col, STYLE_HEADING, entry->title + hit->mark_at + hit->mark_len);
	}
	if (selected)
		term_cursor(a, row, 0);
}

/* Lays the list out from line -top on; with draw false it is only measured. */
static void flatten(struct questions *q, const struct area *a, bool draw)
{
	struct area answer = term_sub(a, 0, 4, a->rows, a->cols - 4);
	int line = 0;
	for (int i = 0; i < q->count; i++) {
		if (i == q->selected)
			q->reached = line;
		if (draw && line - q->top >= 0 && line - q->top < a->rows)
			draw_title(q, a, line - q->top, i);
		line++;
		if (i != q->open)
			continue;
		const char *text = help_at(q->help, q->hits[i].index)->body;
		for (size_t skip; *text != '\0'; text += skip, line++) {
			char part[1024];
			size_t n = text_wrap(text, answer.cols, &skip);
			snprintf(part, sizeof part, "%.*s", (int)n, text);
			if (draw && line - q->top >= 0 && line - q->top < a->rows)
				term_text(&answer, line - q->top, 0, STYLE_NORMAL, part);
		}
		line++; /* a row of air */
	}
	q->lines = line;
}

/* The selected question is in view; its answer scrolls by the page keys. */
static void keep_in_view(struct questions *q)
{
	bool reading = q->open == q->selected;
	if (q->top > q->reached)
		q->top = reading && q->top < q->lines ? q->top : q->reached;
	if (q->top < q->reached - q->rows + 1 || (reading && q->top < q->reached - q->rows / 2))
		q->top = reading ? q->reached : q->reached - q->rows + 1;
	if (q->top > q->lines - 1)
		q->top = q->lines - 1;
	if (q->top < 0)
		q->top = 0;
}

static void draw_tabs(const struct questions *q, const struct area *a, int row)
{
	static const int tabs[] = { QUESTIONS_ALL, HELP_CERT, HELP_DRIVER, HELP_COMPONENT, HELP_OTHER };
	int col = 0;
	for (size_t i = 0; i < sizeof tabs / sizeof *tabs; i++) {
		bool now = tabs[i] == (*form_value(q->form, F_QUERY) != '\0' ? QUESTIONS_ALL : q->category); /* all are searched */
		col = term_textf(a, row, col, now ? STYLE_STEP_NOW : STYLE_STEP_TODO, now ? "[%s]" : " %s ", category_name(tabs[i])) + 1;
	}
}

static void draw(struct screen *s, const struct area *body)
{
	struct questions *q = screen_state(s);
	struct area a = term_inset(body, 0, 1), search = term_sub(&a, 1, 0, 1, a.cols);
	int head = q->process ? 0 : HEAD_ROWS;
	struct area list = term_sub(&a, head, 0, a.rows - head, a.cols);
	q->rows = list.rows;
	flatten(q, &list, false);
	keep_in_view(q);
	flatten(q, &list, true);
	if (q->count == 0)
		term_paragraph(&list, 0, STYLE_WARN, _("Nothing was found. Try fewer or other words."), true);
	if (q->process)
		return;
	draw_tabs(q, &a, 0);
	form_draw(q->form, &search); /* last: the cursor stands where one types */
}

const struct screen_ops page_questions = {
	.name = "questions", .title = title, .state_size = sizeof(struct questions), .init = init, .free = free_questions, .actions = actions,
	.act = act, .key = key, .input = true, .draw = draw,
};
