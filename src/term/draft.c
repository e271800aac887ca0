#include "internal.h"

#include <stdlib.h>
#include <string.h>

#include <certhall/text.h>

struct draft {
	struct edit edit;
	int top; /* the first row shown */
};

int draft_new(size_t max, struct draft **out)
{
	*out = calloc(1, sizeof **out);
	if (*out == NULL || edit_init(&(*out)->edit, max) != 0) {
		draft_free(out);
		return ERR_NO_MEMORY;
	}
	(*out)->edit.lines = true;
	return 0;
}

void draft_free(struct draft **draft)
{
	if (*draft != NULL)
		edit_free(&(*draft)->edit);
	free(*draft);
	*draft = NULL;
}

const char *draft_text(const struct draft *draft)
{
	return draft->edit.text;
}

void draft_set(struct draft *draft, const char *text)
{
	edit_set(&draft->edit, text);
	draft->edit.full = false;
	draft->top = 0;
}

bool draft_full(const struct draft *draft)
{
	return draft->edit.full;
}

int draft_key(struct draft *draft, const struct key *key)
{
	bool was_full = draft->edit.full;
	int flags = edit_key(&draft->edit, key);
	return was_full != draft->edit.full ? flags | SCREEN_REDRAW : flags;
}

struct place {
	int row, col;
};

/* Over one character; true when a row ends before it (or with it, a newline). */
static bool pass(struct place *at, uint32_t ch, int cols)
{
	int columns = ch == '\n' ? 0 : text_columns(ch);
	bool ends = ch == '\n' || at->col + columns > cols;
	if (ends)
		*at = (struct place){ at->row + 1, 0 };
	at->col += columns;
	return ends;
}

/* Where the character at a byte offset stands: behind a full row, at the start of the next. */
static struct place place_of(const char *text, size_t to, int cols)
{
	struct place place = { 0, 0 };
	uint32_t ch;
	for (size_t at = 0, n; at < to && (n = text_character(text + at, &ch)) > 0; at += n)
		pass(&place, ch, cols);
	return place.col < cols ? place : (struct place){ place.row + 1, 0 };
}

int draft_rows(const struct draft *draft, int cols)
{
	return place_of(draft->edit.text, strlen(draft->edit.text), cols).row + 1;
}

static void scroll_to(struct draft *draft, int row, int rows, int shown)
{
	if (draft->top > rows - shown)
		draft->top = rows > shown ? rows - shown : 0;
	if (draft->top > row)
		draft->top = row;
	if (draft->top < row - shown + 1)
		draft->top = row - shown + 1;
}

void draft_draw(struct draft *draft, const struct area *a, bool focused, const char *hint)
{
	const struct edit *e = &draft->edit;
	enum style style = focused ? STYLE_FIELD_FOCUS : STYLE_FIELD;
	struct place cursor = place_of(e->text, e->at, a->cols), at = { 0, 0 };
	if (a->rows < 1 || a->cols < 1)
		return;
	scroll_to(draft, cursor.row, draft_rows(draft, a->cols), a->rows);
	term_clear(a, style);
	if (*e->text == '\0' && hint != NULL)
		term_cell(a, 0, 0, a->cols, focused ? style : STYLE_DIM, hint);
	size_t from = 0, to = 0;
	uint32_t ch;
	for (size_t n; (n = text_character(e->text + to, &ch)) > 0; to += n) {
		int row = at.row - draft->top;
		if (!pass(&at, ch, a->cols))
			continue;
		draw_text(a, row, 0, style, e->text + from, to - from, NULL);
		from = ch == '\n' ? to + n : to;
	}
	draw_text(a, at.row - draft->top, 0, style, e->text + from, to - from, NULL);
	if (focused)
		term_cursor(a, cursor.row - draft->top, cursor.col);
}
