#include "curses_style.h"

#include <langinfo.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistr.h>
#include <uniwidth.h>
#include <wchar.h>

#include <certhall/text.h>

enum { LINE_CELLS = 1024, CLUSTER_MARKS = 4 };

static bool utf8;
static int ambiguous; /* columns, when the terminal does otherwise than the locale; 0: it does as the locale */
static int cursor_row, cursor_col;

/* What curses and the locale take it for: columns, or -1 when it cannot be shown. */
static int locale_columns(uint32_t ch)
{
	char bytes[MB_LEN_MAX];
	mbstate_t state = { 0 };
	if (!utf8 && wcrtomb(bytes, (wchar_t)ch, &state) == (size_t)-1)
		return -1;
	return wcwidth((wchar_t)ch);
}

static bool is_ambiguous(uint32_t ch)
{
	return uc_width(ch, "GBK") == 2 && uc_width(ch, "UTF-8") == 1;
}

/* The columns a character is drawn in; what cannot be drawn gets a stand-in. */
static int drawn_columns(uint32_t ch)
{
	if (ch < 0x7f)
		return 1;
	int columns = locale_columns(ch);
	if (columns < 0)
		return 1;
	return ambiguous != 0 && is_ambiguous(ch) ? ambiguous : columns;
}

static wchar_t stand_in(uint32_t ch)
{
	switch (ch) {
	case 0x2018: case 0x2019: return L'\'';
	case 0x201c: case 0x201d: return L'"';
	case 0x2013: case 0x2014: case 0x2015: return L'-';
	case 0x00b7: case 0x2022: case 0x2026: return L'.';
	case 0x00d7: return L'x';
	default: return L'?';
	}
}

/* Which cells of the picture are halves of a wide character. curses shifts the rest of a row when a wide character loses
 * one half to what is drawn over it, so the other half is blanked first. */
enum half { HALF_NONE, HALF_LEFT, HALF_RIGHT };
static unsigned char *halves;
static int halves_rows, halves_cols;

void draw_blank(void)
{
	if (halves_rows != LINES || halves_cols != COLS) {
		free(halves);
		halves = malloc((size_t)LINES * (size_t)COLS);
		halves_rows = halves != NULL ? LINES : 0; /* without memory a dialog's edge may look torn, no more */
		halves_cols = halves != NULL ? COLS : 0;
	}
	if (halves != NULL)
		memset(halves, HALF_NONE, (size_t)halves_rows * (size_t)halves_cols);
}

/* Before cells [from, to) of a row are drawn over; kinds (NULL: none) is what they become. */
static void clear_halves(int row, int from, int to, const unsigned char *kinds)
{
	if (row < 0 || row >= halves_rows || from < 0 || to > halves_cols || from >= to)
		return;
	unsigned char *cells = halves + (size_t)row * (size_t)halves_cols;
	if (from > 0 && cells[from] == HALF_RIGHT) {
		mvaddnwstr(row, from - 1, L" ", 1);
		cells[from - 1] = HALF_NONE;
	}
	if (to < halves_cols && cells[to] == HALF_RIGHT) {
		mvaddnwstr(row, to, L" ", 1);
		cells[to] = HALF_NONE;
	}
	if (kinds != NULL)
		memcpy(cells + from, kinds, (size_t)(to - from));
	else
		memset(cells + from, HALF_NONE, (size_t)(to - from));
}

void draw_init(int columns)
{
	utf8 = strcasecmp(nl_langinfo(CODESET), "UTF-8") == 0;
	draw_set_ambiguous(columns);
	text_set_columns(drawn_columns);
}

void draw_set_ambiguous(int columns)
{
	ambiguous = columns != 0 && columns != locale_columns(0x2580) ? columns : 0;
}

bool term_has_half_blocks(void)
{
	return ambiguous == 0 && locale_columns(0x2580) == 1;
}

/* A run of cells that is handed to curses in one piece. */
struct run {
	wchar_t text[LINE_CELLS];
	int len;
	unsigned char kinds[LINE_CELLS]; /* enum half of each cell */
	int cells;
};

static void run_cells(struct run *run, int columns)
{
	for (int i = 0; i < columns && run->cells < LINE_CELLS; i++)
		run->kinds[run->cells++] = columns < 2 ? HALF_NONE : i == 0 ? HALF_LEFT : HALF_RIGHT;
}

static void run_add(struct run *run, wchar_t wc)
{
	if (run->len < LINE_CELLS - 1)
		run->text[run->len++] = wc;
}

static void run_blank(struct run *run, wchar_t wc, int columns)
{
	for (int i = 0; i < columns; i++) {
		run_add(run, i == 0 ? wc : L' ');
		run_cells(run, 1);
	}
}

static size_t add_marks(struct run *run, const char *text, const char *end, bool base_shown)
{
	size_t at = 0, n;
	uint32_t ch;
	for (int marks = 0; text + at < end && (n = text_character(text + at, &ch)) > 0 && text_columns(ch) == 0; at += n)
		if (base_shown && text_is_safe(ch) && locale_columns(ch) == 0 && marks++ < CLUSTER_MARKS)
			run_add(run, (wchar_t)ch);
	return at;
}

static int clip(int value, int low, int high)
{
	return value < low ? low : value > high ? high : value;
}

void draw_text(const struct area *a, int row, int col, enum style style, const char *text, size_t len, int *behind)
{
	int right = clip(COLS - a->col, 0, a->cols), left = a->col < 0 ? -a->col : 0, from = -1;
	bool shown = row >= 0 && row < a->rows && a->row + row >= 0 && a->row + row < LINES;
	struct run run;
	run.len = run.cells = 0;
	const char *end = text + len;
	uint32_t ch;
	for (size_t n; text < end && (n = text_character(text, &ch)) > 0;) {
		int columns = text_columns(ch);
		text += n;
		bool visible = columns > 0 && col >= left && col + columns <= right;
		if (visible && from < 0)
			from = col;
		bool as_it_is = visible && ch != 0xfffd && locale_columns(ch) == columns;
		if (as_it_is) {
			run_add(&run, (wchar_t)ch);
			run_cells(&run, columns);
		} else if (visible) {
			run_blank(&run, stand_in(ch), columns);
		} else if (columns == 2 && col < right && col + columns > left && right > left) {
			if (from < 0)
				from = clip(col, left, right - 1);
			run_blank(&run, L' ', 1); /* half of it would be outside */
		}
		if (columns > 0)
			text += add_marks(&run, text, end, as_it_is);
		col += columns;
	}
	if (behind != NULL)
		*behind = col;
	if (!shown || run.len == 0)
		return;
	struct brush brush = theme_brush(style);
	attr_set(brush.attrs, brush.pair, NULL);
	clear_halves(a->row + row, a->col + from, a->col + from + run.cells, run.kinds);
	mvaddnwstr(a->row + row, a->col + from, run.text, run.len);
}

int term_text(const struct area *a, int row, int col, enum style style, const char *text)
{
	draw_text(a, row, col, style, text, strlen(text), &col);
	return col;
}

int term_textf(const struct area *a, int row, int col, enum style style, const char *fmt, ...)
{
	char text[2048];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	return term_text(a, row, col, style, text);
}

void term_text_right(const struct area *a, int row, enum style style, const char *text)
{
	term_text(a, row, a->cols - text_width(text), style, text);
}

void term_cell(const struct area *a, int row, int col, int cols, enum style style, const char *text)
{
	char cut[LINE_CELLS];
	if (cols <= 0)
		return;
	struct area cell = term_sub(a, row, col, 1, cols);
	int end = term_text(&cell, 0, 0, style, text_ellipsis(text, cols, cut, sizeof cut));
	struct area rest = term_sub(&cell, 0, end, 1, cols - end);
	term_clear(&rest, style);
}

int term_paragraph(const struct area *a, int row, enum style style, const char *text, bool draw)
{
	size_t skip;
	for (; *text != '\0'; text += skip, row++) {
		size_t n = text_wrap(text, a->cols, &skip);
		if (draw)
			draw_text(a, row, 0, style, text, n, NULL);
	}
	return row;
}

struct area term_sub(const struct area *a, int row, int col, int rows, int cols)
{
	int top = clip(row, 0, a->rows), left = clip(col, 0, a->cols);
	return (struct area){ a->row + top, a->col + left, clip(row + rows, top, a->rows) - top, clip(col + cols, left, a->cols) - left };
}

struct area term_inset(const struct area *a, int rows, int cols)
{
	return term_sub(a, rows, cols, a->rows - 2 * rows, a->cols - 2 * cols);
}

struct area term_screen(void)
{
	return (struct area){ 0, 0, LINES, COLS };
}

void term_clear(const struct area *a, enum style style)
{
	struct brush brush = theme_brush(style);
	struct area screen = term_screen(), part = term_sub(&screen, a->row, a->col, a->rows, a->cols);
	cchar_t blank;
	setcchar(&blank, L" ", A_NORMAL, 0, NULL);
	attr_set(brush.attrs, brush.pair, NULL);
	for (int row = 0; row < part.rows && part.cols > 0; row++) {
		clear_halves(part.row + row, part.col, part.col + part.cols, NULL);
		mvhline_set(part.row + row, part.col, &blank, part.cols);
	}
}

/* Lines are the terminal's own line drawing characters, one column wide in every encoding. */
static void line(int row, int col, int n, bool down, enum style style)
{
	struct brush brush = theme_brush(style);
	struct area screen = term_screen(), part = term_sub(&screen, row, col, down ? n : 1, down ? 1 : n);
	if (part.rows == 0 || part.cols == 0)
		return;
	attr_set(brush.attrs, brush.pair, NULL);
	for (int i = 0; i < part.rows; i++)
		clear_halves(part.row + i, part.col, part.col + part.cols, NULL);
	if (down)
		mvvline(part.row, part.col, ACS_VLINE, part.rows);
	else
		mvhline(part.row, part.col, ACS_HLINE, part.cols);
}

static void corner(int row, int col, chtype ch)
{
	if (row >= 0 && row < LINES && col >= 0 && col < COLS)
		mvaddch(row, col, ch);
}

void term_box(const struct area *a, enum style style, const char *title)
{
	int bottom = a->row + a->rows - 1, right = a->col + a->cols - 1;
	if (a->rows < 2 || a->cols < 2)
		return;
	line(a->row, a->col, a->cols, false, style);
	line(bottom, a->col, a->cols, false, style);
	line(a->row, a->col, a->rows, true, style);
	line(a->row, right, a->rows, true, style);
	corner(a->row, a->col, ACS_ULCORNER);
	corner(a->row, right, ACS_URCORNER);
	corner(bottom, a->col, ACS_LLCORNER);
	corner(bottom, right, ACS_LRCORNER);
	if (title == NULL || *title == '\0' || a->cols < 8)
		return;
	char cut[LINE_CELLS], padded[LINE_CELLS];
	snprintf(padded, sizeof padded, " %s ", text_ellipsis(title, a->cols - 6, cut, sizeof cut - 3));
	term_text(a, 0, 2, STYLE_HEADING, padded);
}

void term_rule(const struct area *a, int row, enum style style)
{
	if (row >= 0 && row < a->rows)
		line(a->row + row, a->col, a->cols, false, style);
}

void term_rule_down(const struct area *a, int col, enum style style)
{
	if (col >= 0 && col < a->cols)
		line(a->row, a->col + col, a->rows, true, style);
}

void term_cursor(const struct area *a, int row, int col)
{
	cursor_row = a->row + row;
	cursor_col = a->col + col;
}

void term_hide_cursor(void)
{
	cursor_row = -1;
}

bool term_cursor_is_shown(void)
{
	return cursor_row >= 0 && cursor_row < LINES && cursor_col >= 0 && cursor_col < COLS;
}

void draw_place_cursor(void)
{
	if (term_cursor_is_shown())
		move(cursor_row, cursor_col);
}

static char *dump_cell(char *out, int row, int col, int *columns)
{
	cchar_t cell;
	wchar_t text[CCHARW_MAX + 1] = { 0 };
	attr_t attrs;
	short pair;
	*columns = 1;
	if (mvin_wch(row, col, &cell) != OK || getcchar(&cell, text, &attrs, &pair, NULL) != OK)
		return out;
	if (attrs & A_ALTCHARSET)
		text[0] = text[0] == L'q' ? L'-' : text[0] == L'x' ? L'|' : L'+', text[1] = 0;
	for (int i = 0; text[i] != 0; i++)
		out += u8_uctomb((uint8_t *)out, (ucs4_t)text[i], 8);
	int width = wcwidth(text[0]);
	*columns = width > 1 ? width : 1;
	return out;
}

char *term_dump(void)
{
	char *dump = malloc((size_t)LINES * ((size_t)COLS * CCHARW_MAX * 4 + 1) + 16), *out = dump;
	if (dump == NULL)
		return NULL;
	int row_was, col_was;
	getyx(stdscr, row_was, col_was);
	for (int row = 0; row < LINES; row++) {
		char *start = out;
		for (int col = 0, columns; col < COLS; col += columns)
			out = dump_cell(out, row, col, &columns);
		while (out > start && out[-1] == ' ')
			out--;
		*out++ = '\n';
	}
	*out = '\0';
	move(row_was, col_was);
	return dump;
}
