/* What the parts of this library share and nobody else sees. */
#ifndef CERTHALL_TERM_INTERNAL_H
#define CERTHALL_TERM_INTERNAL_H

#include <certhall/screen.h>

/* input.c: bytes of the terminal in the locale's encoding become keys, however they are split. */
enum decoder_wait {
	DECODER_IDLE,
	DECODER_ESC,      /* an Esc that may begin a sequence */
	DECODER_SEQUENCE, /* a sequence or a character whose end has not come */
};
struct decoder {
	char bytes[64];
	size_t len;
	bool in_string;     /* inside an OSC, DCS, ...: all is passed over up to its end */
	bool pasting;       /* between the brackets of a paste: all is text */
	bool pasted_return; /* the last character of it was one, which a newline may follow */
	bool report_wanted; /* the terminal was asked for its cursor position */
	void (*key)(const struct key *key);
	void (*report)(int row, int column);
	struct {
		char text[14];
		unsigned char len, code;
	} sequences[40];
	size_t sequence_count;
};
/* lookup gives a terminfo string by its name (tigetstr). */
void decoder_init(struct decoder *d, char *(*lookup)(const char *name));
enum decoder_wait decoder_feed(struct decoder *d, const char *bytes, size_t len);
void decoder_flush(struct decoder *d); /* the rest has not come in time */

/* term.c */
struct term_hooks {
	void (*key)(const struct key *key);
	void (*resized)(void);
	void (*ended)(int status); /* a signal asks the program to end */
};
void term_set_hooks(const struct term_hooks *hooks);
void term_blank(void);   /* starts a new picture */
void term_show(void);    /* sends it, in one write */
void term_repair(void);  /* the next picture is sent whole */
bool term_cursor_is_shown(void);
bool term_is_open(void);

/* theme.c, in terms of curses */
void theme_init(const char *name);

/* draw.c */
void draw_init(int ambiguous); /* 0: as the locale has it */
void draw_blank(void); /* a new picture, behind erase() */
void draw_set_ambiguous(int columns);
void draw_place_cursor(void);
void draw_text(const struct area *a, int row, int col, enum style style, const char *text, size_t len, int *behind);

/* screen.c; a page's private state follows it */
struct screen {
	struct screen *below;
	const struct screen_ops *ops;
	bool locked, popped;
	enum style notice_style;
	char *notice;
	/* Dialogs: the size wanted, given the most there is. NULL: what ops say. */
	void (*measure)(struct screen *s, int max_rows, int max_cols, int *rows, int *cols);
	_Alignas(max_align_t) unsigned char state[];
};
const struct action *screen_actions(struct screen *s); /* never NULL */
const struct screen_aside *screen_aside(void);         /* open NULL: none was set */

/* frame.c */
void frame_draw(struct screen *top, const char *project, int spinner);
bool frame_busy(struct screen *top, const char **what);

/* dialog.c */
enum { DIALOG_OK = 1, DIALOG_CANCEL };
const struct action *dialog_actions(struct screen *s); /* Enter and Esc */
void dialog_help(struct screen *page);

/* edit.c: one line of text being edited by grapheme */
struct edit {
	char *text;
	size_t max; /* bytes, with the NUL */
	size_t at;
	int scroll; /* columns left of the field's edge */
	bool lines; /* newlines of a paste are kept; else passed over */
	bool full;  /* what was typed last found no room */
};
int edit_init(struct edit *e, size_t max) CH_MUST_CHECK;
void edit_free(struct edit *e);
void edit_set(struct edit *e, const char *text); /* cut by whole characters; the cursor behind it */
int edit_key(struct edit *e, const struct key *key);
/* Draws cols columns and, when focused, puts the hardware cursor. */
void edit_draw(struct edit *e, const struct area *a, int row, int col, int cols, bool focused, const char *hint);

/* list.c */
uint32_t key_ascii(const struct key *key); /* the character, full-width forms as ASCII; 0 for named keys */

#endif
