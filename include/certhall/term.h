/* The terminal: the only library that includes curses. Everything here takes and gives UTF-8 and counts columns.
 *
 * A page draws on a struct area, a rectangle that clips; rows and columns count from 0 inside it. Nothing reaches the
 * terminal before the end of the loop's turn (one doupdate, one write).
 */
#ifndef CERTHALL_TERM_H
#define CERTHALL_TERM_H

#include <stdbool.h>
#include <stdint.h>

#include <certhall/error.h>
#include <certhall/loop.h>

/* What a piece of text is, not how it looks; the theme gives it colours, the monochrome one attributes. State is never
 * told by colour alone. */
enum style {
	STYLE_NORMAL,
	STYLE_DIM,
	STYLE_TITLE,
	STYLE_HEADING,
	STYLE_LABEL,
	STYLE_FIELD,         /* an input field */
	STYLE_FIELD_FOCUS,
	STYLE_SELECTED,      /* the row the cursor is on */
	STYLE_KEY,           /* a key's name in the bar */
	STYLE_BAR,
	STYLE_OK,
	STYLE_WARN,
	STYLE_BAD,
	STYLE_STEP_DONE,
	STYLE_STEP_NOW,
	STYLE_STEP_TODO,
	STYLE_DIALOG,
	STYLE_QR_LIGHT,      /* white whatever the theme */
	STYLE_QR_DARK,       /* black whatever the theme */
	STYLE_COUNT
};

struct area {
	int row, col;       /* of its corner on the screen */
	int rows, cols;
};

/* A key a user pressed. Either a character (code 0) or a named key. */
enum key_code {
	KEY_CODE_CHAR, KEY_CODE_ENTER, KEY_CODE_ESC, KEY_CODE_TAB, KEY_CODE_BACKTAB, KEY_CODE_BACKSPACE, KEY_CODE_DELETE,
	KEY_CODE_UP, KEY_CODE_DOWN, KEY_CODE_LEFT, KEY_CODE_RIGHT, KEY_CODE_HOME, KEY_CODE_END,
	KEY_CODE_PAGE_UP, KEY_CODE_PAGE_DOWN, KEY_CODE_F1, KEY_CODE_F2, KEY_CODE_F3, KEY_CODE_F4, KEY_CODE_F5, KEY_CODE_F6,
	KEY_CODE_F7, KEY_CODE_F8, KEY_CODE_F9, KEY_CODE_F10, KEY_CODE_F11, KEY_CODE_F12,
	KEY_CODE_CTRL /* ch is the letter, 'A' to 'Z' */
};
struct key {
	enum key_code code;
	char text[8];   /* the character as UTF-8 (KEY_CODE_CHAR) */
	uint32_t ch;    /* its code point; the letter of a KEY_CODE_CTRL */
};

struct term_options {
	const char *theme;   /* "default", "mono"; NULL: default, mono when NO_COLOR is set or there are no colours */
	int esc_delay_ms;    /* 0: $ESCDELAY, else 150 */
	int ambiguous;       /* columns of an ambiguous character (U+201C, U+2580): 0 asks the terminal, else 1 or 2 */
};

/* Takes the terminal; input, resize and signals then arrive through loop. ERR_CONFIG with a plain param when there is no
 * usable terminal (not a tty, unknown TERM). i18n_init comes first. */
int term_open(struct loop *loop, const struct term_options *options, struct error *err) CH_MUST_CHECK;
void term_close(void); /* gives the terminal back as it was; fine to call twice */

struct area term_screen(void);           /* the whole screen */
int term_colours(void);                  /* how many it shows; 0: none */
bool term_has_half_blocks(void);         /* the encoding has U+2580 and it is one column wide here */

/* Drawing. What does not fit is cut at the area's edge, never half a wide character. */
void term_clear(const struct area *a, enum style style);
int term_text(const struct area *a, int row, int col, enum style style, const char *text); /* gives the column behind it */
int term_textf(const struct area *a, int row, int col, enum style style, const char *fmt, ...) CH_PRINTF(5, 6);
void term_text_right(const struct area *a, int row, enum style style, const char *text);
/* Draws text padded or cut (with "...") to exactly cols columns. */
void term_cell(const struct area *a, int row, int col, int cols, enum style style, const char *text);
/* Wraps text into the area from row on; gives the row behind it. With draw false only measures. */
int term_paragraph(const struct area *a, int row, enum style style, const char *text, bool draw);
void term_box(const struct area *a, enum style style, const char *title);
void term_rule(const struct area *a, int row, enum style style);
void term_rule_down(const struct area *a, int col, enum style style);
struct area term_inset(const struct area *a, int rows, int cols); /* the area inside a margin */
struct area term_sub(const struct area *a, int row, int col, int rows, int cols);
/* Where the hardware cursor stands after this paint (input methods and screen readers follow it). */
void term_cursor(const struct area *a, int row, int col);
void term_hide_cursor(void);

void term_bell(void); /* rings, or flashes, as the terminal is set */

/* A picture of few pixels, black on white whatever the theme: half blocks where the encoding has them, cells of spaces where not. */
struct bitmap {
	int width, height;
	const unsigned char *pixels; /* one byte each, rows from the top; not 0: black. Borrowed */
};
bool bitmap_fits(const struct bitmap *bitmap, const struct area *a, int *rows, int *cols); /* in any case what it needs */
void bitmap_draw(const struct bitmap *bitmap, const struct area *a);                       /* at the top left */
/* The same for a program without a screen, in half blocks with a quiet zone; malloc'd, NULL when memory is short. */
char *bitmap_text(const struct bitmap *bitmap, int quiet) CH_MUST_CHECK;

/* A QR code in black on white. Sizes in cells with the widest quiet zone (4, at least 2) that fits the area. */
struct qr;
int qr_new(const char *text, struct qr **out, struct error *err) CH_MUST_CHECK; /* libqrencode, level L */
void qr_free(struct qr **qr);
bool qr_fits(const struct qr *qr, const struct area *a, int *rows, int *cols); /* needed with quiet zone 2 when false */
void qr_draw(const struct qr *qr, const struct area *a);                        /* centred horizontally, at the top */
/* The same for a program without a screen: lines of text (half blocks), malloc'd; NULL when memory is short. */
char *qr_text(const struct qr *qr) CH_MUST_CHECK;

/* What the screen shows now, as text rows with "\n" (golden screens). malloc'd. */
char *term_dump(void) CH_MUST_CHECK;

#endif
