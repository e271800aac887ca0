#include "internal.h"

#include <stdlib.h>
#include <string.h>

#include <certhall/text.h>

int edit_init(struct edit *e, size_t max)
{
	*e = (struct edit){ .text = calloc(1, max > 0 ? max : 1), .max = max > 0 ? max : 1 };
	return e->text != NULL ? 0 : ERR_NO_MEMORY;
}

void edit_free(struct edit *e)
{
	if (e->text != NULL)
		secret_wipe(e->text, e->max);
	free(e->text);
	*e = (struct edit){ 0 };
}

void edit_set(struct edit *e, const char *text)
{
	size_t len = strlen(text);
	while (len >= e->max)
		len = text_previous(text, len);
	memmove(e->text, text, len);
	e->text[len] = '\0';
	e->at = len;
	e->scroll = 0;
}

static void erase(struct edit *e, size_t from, size_t to)
{
	memmove(e->text + from, e->text + to, strlen(e->text + to) + 1);
	e->at = from;
}

static bool insert(struct edit *e, const char *text)
{
	size_t len = strlen(e->text), n = strlen(text);
	e->full = len + n >= e->max;
	if (e->full)
		return false;
	memmove(e->text + e->at + n, e->text + e->at, len - e->at + 1);
	memcpy(e->text + e->at, text, n);
	e->at += n;
	return true;
}

int edit_key(struct edit *e, const struct key *key)
{
	size_t len = strlen(e->text);
	e->full = false;
	switch (key->code) {
	case KEY_CODE_CHAR:
		if (key->ch == '\n' && !e->lines)
			return SCREEN_HANDLED;
		return insert(e, key->text) ? SCREEN_HANDLED | SCREEN_REDRAW : SCREEN_HANDLED;
	case KEY_CODE_LEFT: e->at = text_previous(e->text, e->at); break;
	case KEY_CODE_RIGHT: e->at = text_next(e->text, e->at); break;
	case KEY_CODE_HOME: e->at = 0; break;
	case KEY_CODE_END: e->at = len; break;
	case KEY_CODE_BACKSPACE: erase(e, text_previous(e->text, e->at), e->at); break;
	case KEY_CODE_DELETE: erase(e, e->at, text_next(e->text, e->at)); break;
	case KEY_CODE_CTRL:
		if (key->ch == 'A')
			e->at = 0;
		else if (key->ch == 'E')
			e->at = len;
		else if (key->ch == 'U')
			erase(e, 0, len);
		else
			return SCREEN_IGNORED;
		break;
	default:
		return SCREEN_IGNORED;
	}
	return SCREEN_HANDLED | SCREEN_REDRAW;
}

void edit_draw(struct edit *e, const struct area *a, int row, int col, int cols, bool focused, const char *hint)
{
	enum style style = focused ? STYLE_FIELD_FOCUS : STYLE_FIELD;
	struct area field = term_sub(a, row, col, 1, cols);
	if (field.cols < 1 || field.rows < 1)
		return;
	char behind = e->text[e->at];
	e->text[e->at] = '\0';
	int before = text_width(e->text);
	e->text[e->at] = behind;
	if (!focused)
		e->scroll = 0;
	else if (before < e->scroll)
		e->scroll = before;
	else if (before > e->scroll + field.cols - 1) /* a column stays free for the cursor */
		e->scroll = before - field.cols + 1;
	int most = text_width(e->text) - field.cols + 1; /* a shorter text may have come in one turn */
	if (e->scroll > most)
		e->scroll = most > 0 ? most : 0;
	term_clear(&field, style);
	if (*e->text == '\0' && hint != NULL)
		term_cell(&field, 0, 0, field.cols, focused ? style : STYLE_DIM, hint);
	/* What begins left of the field is cut there, never in the middle of a character. */
	int used;
	size_t skip = text_cut(e->text, e->scroll, &used);
	int at = 0;
	if (used < e->scroll) {
		skip = text_next(e->text, skip);
		at = 1;
	}
	term_text(&field, 0, at, style, e->text + skip);
	if (focused)
		term_cursor(&field, 0, before - e->scroll < field.cols ? before - e->scroll : field.cols - 1);
}
