/* Screens, actions, forms: the shapes every page is made of. */
#ifndef CERTHALL_SCREEN_H
#define CERTHALL_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

#include <certhall/secret.h>
#include <certhall/term.h>

struct screen;

/* What key() gives back. */
enum {
	SCREEN_IGNORED = 0,
	SCREEN_HANDLED = 1,
	SCREEN_REDRAW = 2, /* repaint at the end of this turn */
};

/* A key a user can press on a page: the key map, the bottom bar and the help page all come from such rows. Every F-key has
 * a plain key beside it (a digit, Enter, Esc, Ctrl; never a letter, which an input method in Chinese mode swallows). */
struct action {
	int id;                  /* > 0, the page's own */
	const char *label;       /* N_() */
	enum key_code f_key;     /* KEY_CODE_F1 ..., or KEY_CODE_CHAR for none */
	struct key plain;        /* code + ch; e.g. { KEY_CODE_CHAR, "1", '1' } */
	const char *plain_name;  /* as shown: "1", "Enter", "Esc", "Ctrl-R" */
};
#define ACTION_END { 0, NULL, KEY_CODE_CHAR, { KEY_CODE_CHAR, "", 0 }, NULL }

struct screen_ops {
	const char *name;                                       /* stable, for tests and logs: "home" */
	const char *(*title)(struct screen *s);                 /* translated; borrowed */
	int step;                                               /* in the seven-step bar, 1 to 7; 0: no bar */
	size_t state_size;                                      /* zeroed private state, screen_state() */
	int (*init)(struct screen *s, void *arg);               /* 0 or an ERR_ code (then free is called) */
	void (*free)(struct screen *s);
	const struct action *(*actions)(struct screen *s);      /* the bar, most important first; up to ACTION_END. An action that
	                                                           cannot be used now is left out (build the list in the state) */
	int (*act)(struct screen *s, int action);               /* gives SCREEN_ flags */
	int (*key)(struct screen *s, const struct key *key);    /* keys that are no action; may be NULL */
	bool input;                                             /* the page holds a form: key() sees a key before the actions do
	                                                           (all but F-keys and Ctrl), and only what it ignores is an action */
	void (*resume)(struct screen *s);                       /* it is on top again; may be NULL */
	void (*draw)(struct screen *s, const struct area *body); /* decides nothing, changes nothing */
	bool (*busy)(struct screen *s, const char **what);      /* something is under way: spinner and its words in the status line */
	bool dialog;                                            /* drawn in a box over the screen below; body is inside it */
	int dialog_rows, dialog_cols;                           /* wanted size; 0: as large as allowed */
	bool locked;                                            /* cannot be left by Esc or quit (see also screen_lock) */
};

/* The program's one stack; app is the caller's context, given to every screen. */
void screen_start(struct loop *loop, void *app);
void screen_finish(void); /* frees all pages; after loop_run, before term_close */
void *screen_app(struct screen *s);
void *screen_state(struct screen *s);
const struct screen_ops *screen_ops_of(const struct screen *s);

/* Pushes a page on top; on failure nothing is pushed and a message dialog says so. */
struct screen *screen_push(const struct screen_ops *ops, void *arg);
void screen_pop(struct screen *s);                 /* s and all above it; safe from its own callbacks */
void screen_pop_to(const char *name);              /* until the named page is on top */
void screen_replace(struct screen *s, const struct screen_ops *ops, void *arg);
struct screen *screen_top(void);

void screen_touch(struct screen *s);               /* mark for repaint (from an event); cheap, any number of times */
void screen_lock(struct screen *s, bool locked);   /* while locked it cannot be left, and the program not quit */
void screen_quit(int status);

/* idle is called once no key has come for so long, and not before what locks a page is over; then again after the next key.
 * 0 seconds: never. */
void screen_on_idle(int seconds, void (*idle)(void *ctx), void *ctx);

/* A line under the title saying what happened last (translated, may be NULL to clear). */
void screen_notice(struct screen *s, enum style style, const char *text);
/* The head of every page: project's name on the right. Borrowed until the next call. */
void screen_set_project(const char *name);

/* Who opens the help centre: from F1 in a message (err: what it tells of, ERR_OK: nothing) above the page of that name; true when
 * something was opened. */
void screen_set_help(bool (*open)(void *ctx, const struct error *err, const char *page), void *ctx);

/* Something that goes on beside every page: its key is F4 or Ctrl-O. page: the name of the page on top. */
struct screen_aside {
	const char *(*label)(void *ctx, const char *page); /* for that page's bar, translated, borrowed; "": nothing goes on; NULL: no key there */
	void (*open)(void *ctx, const char *page);         /* the key was pressed; on pages, not in dialogs */
	const char *(*leaving)(void *ctx);                 /* what to mind when the program is left; NULL: nothing */
	const char *name;                                  /* N_(), in the list of keys */
	void *ctx;
};
void screen_set_aside(const struct screen_aside *aside); /* copied */
bool screen_shown(const struct screen_ops *ops);         /* it is the page one sees, perhaps below a dialog */
/* Puts a page of the stack on top; false when it is not on the stack. */
bool screen_raise(struct screen *s);

/* Ready-made dialogs. Texts are copied. */
void dialog_message(enum style style, const char *title, const char *text);
void dialog_error(const struct error *err);
void dialog_quit(void); /* asks whether to leave the program */
/* Several choices, the first is the default; done gets the index, or -1 for Esc. */
void dialog_choose(const char *title, const char *text, const char *const choices[], size_t count, void (*done)(void *ctx, int choice), void *ctx);
/* A PIN: shown as *, in wiped memory; done gets it (to move out of) or NULL for Esc. warning: styled text above the
 * field (few tries left), may be NULL. */
void dialog_pin(const char *title, const char *text, const char *warning, void (*done)(void *ctx, struct secret *pin), void *ctx);
/* One line of text, e.g. a file's path; initial may be NULL. */
void dialog_text(const char *title, const char *text, const char *initial, size_t max, void (*done)(void *ctx, const char *value), void *ctx);

/* The same for a path, with completion: Tab writes on as far as the names agree and then shows them. */
void dialog_path(const char *title, const char *text, const char *initial, void (*done)(void *ctx, const char *value), void *ctx);

/* A list: rows drawn by the page, a selection that is a mark and an attribute on few cells, scrolling. */
struct list {
	int count, selected, top;
};
int list_key(struct list *list, const struct key *key, int visible); /* SCREEN_ flags; arrows, Page, Home, End, digits 1 to 9
                                                                         (select; a page's own digit actions come first) */
/* Calls row() for each visible entry; per entry height rows of the area. The mark of the selection and the hardware
 * cursor are drawn here, left of what row() gets; row() itself draws a selected entry like any other (so that a cursor
 * key costs few bytes). */
void list_draw(struct list *list, const struct area *a, int height,
	void (*row)(void *ctx, const struct area *a, int index, bool selected), void *ctx);

/* A long text that scrolls. */
struct pager {
	char *text; /* malloc'd, the page's */
	int top, lines, rows; /* rows: as last drawn */
};
int pager_key(struct pager *pager, const struct key *key, int visible);
void pager_draw(struct pager *pager, const struct area *a);

/* A form: a table of fields; validity of all enables the next step. */
enum field_kind { FIELD_TEXT, FIELD_CHOICE, FIELD_CHECK };
enum field_verdict { FIELD_GOOD, FIELD_CONFIRM /* a warning the person may confirm */, FIELD_WRONG };
struct field {
	int id;
	enum field_kind kind;
	const char *label;            /* N_() */
	bool required;
	size_t max;                   /* bytes of the value, with its NUL */
	const char *hint;             /* N_(), shown in the empty field; may be NULL */
	const char *const *choices;   /* N_(), up to NULL (FIELD_CHOICE) */
	bool narrow;                  /* NFKC: full-width digits and letters become ASCII when the person leaves the field */
	/* Says what is wrong (translated, into say) about a non-empty value; may be NULL. */
	enum field_verdict (*validate)(const char *value, char *say, size_t size);
	bool (*visible)(const void *form_ctx); /* NULL: always */
};
struct form; /* owns values; editing is by character with the hardware cursor at the right column */
int form_new(const struct field *fields, size_t count, const void *ctx, struct form **out) CH_MUST_CHECK;
void form_free(struct form **form);
const char *form_value(const struct form *form, int id);
/* Sets a value, cut at the limit by whole characters. FIELD_CHECK: "" or "0" is off; FIELD_CHOICE: the decimal index. */
int form_set(struct form *form, int id, const char *value) CH_MUST_CHECK;
bool form_checked(const struct form *form, int id);
int form_choice(const struct form *form, int id);
void form_error(struct form *form, int id, const char *say);       /* e.g. the hall refused this field */
/* Validates all visible fields; false leaves the focus on the first that is wrong or not confirmed. */
bool form_submit(struct form *form);
/* Tab, arrows move; Enter moves on when the field is good (on a warning it confirms it) and is ignored on the last field,
 * so that the page's own Enter action submits; Space toggles; Ctrl-U empties the field. SCREEN_ flags. */
int form_key(struct form *form, const struct key *key);
void form_draw(struct form *form, const struct area *a);           /* scrolls to the focus; messages stand at the field */

/* Text being written, wrapped over a few rows. What is typed has no newlines, a paste may. */
struct draft;
int draft_new(size_t max, struct draft **out) CH_MUST_CHECK; /* max: bytes, with the NUL */
void draft_free(struct draft **draft);
const char *draft_text(const struct draft *draft);
void draft_set(struct draft *draft, const char *text);     /* cut at the limit by whole characters */
bool draft_full(const struct draft *draft);                /* what was typed or pasted last found no room */
int draft_key(struct draft *draft, const struct key *key); /* as a form's text field; SCREEN_ flags */
int draft_rows(const struct draft *draft, int cols);       /* with that of the cursor */
/* On the whole area, scrolled to the cursor, which is put there when focused. hint: shown while it is empty; may be NULL. */
void draft_draw(struct draft *draft, const struct area *a, bool focused, const char *hint);

/* Progress and spinner, drawn into one row. */
void progress_draw(const struct area *a, int row, int col, int cols, int64_t done, int64_t total);

#endif
