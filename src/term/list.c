#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <certhall/text.h>

uint32_t key_ascii(const struct key *key)
{
	if (key->code != KEY_CODE_CHAR)
		return 0;
	return key->ch >= 0xff01 && key->ch <= 0xff5e ? key->ch - 0xff01 + '!' : key->ch == 0x3000 ? ' ' : key->ch;
}

/* Where a key of a scrolling thing leads from at; false when it is none. */
static bool scrolled(const struct key *key, int page, int last, int *at)
{
	if (page < 1)
		page = 1;
	switch (key->code) {
	case KEY_CODE_UP: *at -= 1; break;
	case KEY_CODE_DOWN: *at += 1; break;
	case KEY_CODE_PAGE_UP: *at -= page; break;
	case KEY_CODE_PAGE_DOWN: *at += page; break;
	case KEY_CODE_HOME: *at = 0; break;
	case KEY_CODE_END: *at = last; break;
	default: return false;
	}
	if (*at > last)
		*at = last;
	if (*at < 0)
		*at = 0;
	return true;
}

int list_key(struct list *list, const struct key *key, int visible)
{
	int at = list->selected;
	uint32_t ch = key_ascii(key);
	if (ch >= '1' && ch <= '9' && (int)(ch - '1') < list->count)
		at = (int)(ch - '1');
	else if (!scrolled(key, visible, list->count - 1, &at))
		return SCREEN_IGNORED;
	if (at == list->selected)
		return SCREEN_HANDLED;
	list->selected = at;
	return SCREEN_HANDLED | SCREEN_REDRAW;
}

/* The window is moved no more than needed. */
static void keep_in_view(struct list *list, int visible)
{
	if (list->selected >= list->count)
		list->selected = list->count > 0 ? list->count - 1 : 0;
	if (list->top > list->count - visible)
		list->top = list->count - visible;
	if (list->top > list->selected)
		list->top = list->selected;
	if (list->top < list->selected - visible + 1)
		list->top = list->selected - visible + 1;
	if (list->top < 0)
		list->top = 0;
}

static void draw_more(const struct area *a, int from, int shown, int count)
{
	char text[32];
	if (shown >= count)
		return;
	snprintf(text, sizeof text, "%d-%d/%d", from + 1, from + shown, count);
	term_text_right(a, a->rows - 1, STYLE_DIM, text);
}

void list_draw(struct list *list, const struct area *a, int height,
	void (*row)(void *ctx, const struct area *a, int index, bool selected), void *ctx)
{
	if (height < 1)
		height = 1;
	int visible = a->rows / height > 0 ? a->rows / height : 1;
	bool scrolls = list->count > visible;
	if (scrolls && a->rows > height) /* a row for where one is */
		visible = (a->rows - 1) / height;
	keep_in_view(list, visible);
	for (int i = 0; i < visible && list->top + i < list->count; i++) {
		int index = list->top + i;
		bool selected = index == list->selected;
		struct area part = term_sub(a, i * height, 2, height, a->cols - 2);
		row(ctx, &part, index, selected);
		if (selected) {
			term_text(a, i * height, 0, STYLE_SELECTED, ">");
			term_cursor(a, i * height, 0);
		}
	}
	if (scrolls)
		draw_more(a, list->top, visible < list->count - list->top ? visible : list->count - list->top, list->count);
}

int pager_key(struct pager *pager, const struct key *key, int visible)
{
	if (pager->rows > 0) /* a row less when it scrolls */
		visible = pager->rows;
	int at = pager->top, last = pager->lines > visible ? pager->lines - visible : 0;
	if (key_ascii(key) == ' ')
		at = at + visible < last ? at + visible : last;
	else if (!scrolled(key, visible - 1, last, &at))
		return SCREEN_IGNORED;
	bool moved = at != pager->top;
	pager->top = at;
	return moved ? SCREEN_HANDLED | SCREEN_REDRAW : SCREEN_HANDLED;
}

void pager_draw(struct pager *pager, const struct area *a)
{
	size_t skip;
	int line = 0;
	const char *text = pager->text != NULL ? pager->text : "";
	pager->lines = term_paragraph(a, 0, STYLE_NORMAL, text, false);
	bool scrolls = pager->lines > a->rows;
	int rows = pager->rows = scrolls ? a->rows - 1 : a->rows;
	if (pager->top > pager->lines - rows)
		pager->top = pager->lines > rows ? pager->lines - rows : 0;
	struct area part = term_sub(a, 0, 0, rows, a->cols);
	for (; *text != '\0' && line < pager->top + rows; text += skip, line++) {
		size_t n = text_wrap(text, a->cols, &skip);
		if (line >= pager->top)
			draw_text(&part, line - pager->top, 0, STYLE_NORMAL, text, n, NULL);
	}
	if (scrolls)
		draw_more(a, pager->top, rows, pager->lines);
}

void progress_draw(const struct area *a, int row, int col, int cols, int64_t done, int64_t total)
{
	char text[16], bar[512];
	int room = cols - 7 < (int)sizeof bar - 1 ? cols - 7 : (int)sizeof bar - 1;
	double share = total > 0 ? (double)done / (double)total : 0;
	share = share < 0 ? 0 : share > 1 ? 1 : share;
	snprintf(text, sizeof text, "%3d%%", (int)(share * 100));
	if (room > 0) {
		int full = (int)(share * room);
		memset(bar, '#', (size_t)full);
		memset(bar + full, '.', (size_t)(room - full));
		bar[room] = '\0';
		term_textf(a, row, col, STYLE_NORMAL, "[%s]", bar);
		col += room + 3;
	}
	term_text(a, row, col, STYLE_NORMAL, text);
}
