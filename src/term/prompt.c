/* Dialogs with one line to fill in: a PIN, a text. */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <certhall/file.h>
#include <certhall/i18n.h>
#include <certhall/path.h>
#include <certhall/text.h>

enum { WIDTH = 60, FIELD_COLUMNS = 36, PIN_MAX = 64 };

struct prompt {
	char *title, *text, *warning;
	const char *say; /* why the last key was not taken */
	struct edit edit;   /* dialog_text, dialog_path */
	struct path_names *names; /* dialog_path: what Tab found; NULL: another dialog */
	struct secret pin;  /* dialog_pin */
	void (*pin_done)(void *ctx, struct secret *pin);
	void (*text_done)(void *ctx, const char *value);
	void *ctx;
};

struct prompt_arg {
	const char *title, *text, *warning, *initial;
	size_t max;
	bool path;
	void (*pin_done)(void *ctx, struct secret *pin);
	void (*text_done)(void *ctx, const char *value);
	void *ctx;
};

static const char *prompt_title(struct screen *s)
{
	const struct prompt *p = screen_state(s);
	return p->title;
}

static void prompt_free(struct screen *s)
{
	struct prompt *p = screen_state(s);
	free(p->title);
	free(p->text);
	free(p->warning);
	edit_free(&p->edit);
	free(p->names);
	secret_free(&p->pin);
}

static int prompt_act(struct screen *s, int action)
{
	struct prompt *p = screen_state(s);
	bool ok = action == DIALOG_OK;
	if (ok && p->pin_done != NULL && p->pin.len == 0)
		return SCREEN_HANDLED;
	screen_pop(s);
	if (p->pin_done != NULL)
		p->pin_done(p->ctx, ok ? &p->pin : NULL);
	else if (p->text_done != NULL)
		p->text_done(p->ctx, ok ? p->edit.text : NULL);
	return SCREEN_HANDLED;
}

/* PINs are ASCII; full-width characters of an input method mean the same ones. */
static int pin_key(struct prompt *p, const struct key *key)
{
	uint32_t ch = key_ascii(key);
	p->say = NULL;
	if (key->code == KEY_CODE_BACKSPACE && p->pin.len > 0) {
		p->pin.text[--p->pin.len] = '\0';
	} else if (key->code == KEY_CODE_CTRL && key->ch == 'U') {
		secret_wipe(p->pin.text, p->pin.len);
		p->pin.len = 0;
	} else if (ch > 0x7e) {
		p->say = N_("Switch the input method off to type a PIN.");
	} else if (ch >= 0x20 && p->pin.len < PIN_MAX) {
		p->pin.text[p->pin.len++] = (char)ch;
		p->pin.text[p->pin.len] = '\0';
	} else {
		return key->code == KEY_CODE_CHAR || key->code == KEY_CODE_BACKSPACE ? SCREEN_HANDLED : SCREEN_IGNORED;
	}
	return SCREEN_HANDLED | SCREEN_REDRAW;
}

static int complete(struct prompt *p)
{
	char path[FILE_PATH_MAX];
	snprintf(path, sizeof path, "%s", p->edit.text);
	if (path_complete(path, sizeof path, p->names))
		edit_set(&p->edit, path);
	return SCREEN_HANDLED | SCREEN_REDRAW;
}

static int prompt_key(struct screen *s, const struct key *key)
{
	struct prompt *p = screen_state(s);
	if (p->names != NULL && key->code == KEY_CODE_TAB)
		return complete(p);
	if (p->names != NULL)
		p->names->count = 0;
	return p->pin_done != NULL ? pin_key(p, key) : edit_key(&p->edit, key);
}

static void draw_pin(const struct prompt *p, const struct area *body, int row, int cols)
{
	struct area field = term_sub(body, row, 0, 1, cols);
	int shown = (int)p->pin.len < field.cols ? (int)p->pin.len : field.cols - 1;
	char stars[FIELD_COLUMNS + 1];
	memset(stars, '*', sizeof stars);
	stars[shown > 0 ? shown : 0] = '\0';
	term_clear(&field, STYLE_FIELD_FOCUS);
	term_text(&field, 0, 0, STYLE_FIELD_FOCUS, stars);
	term_cursor(&field, 0, shown);
}

/* The last part of each name that Tab found, as many as fit. */
static void draw_names(const struct prompt *p, const struct area *body, int row)
{
	int col = 0;
	for (size_t i = 0; i < p->names->count && i < PATH_NAMES && p->names->count > 1; i++) {
		const char *name = p->names->names[i];
		if (col > 0 && col + text_width(name) > body->cols) {
			row++;
			col = 0;
		}
		if (row >= body->rows)
			return;
		col = term_text(body, row, col, STYLE_DIM, name) + 2;
	}
}

static int draw_texts(const struct prompt *p, const struct area *body, bool draw)
{
	int row = term_paragraph(body, 0, STYLE_NORMAL, p->text, draw);
	if (*p->warning != '\0')
		row = term_paragraph(body, row, STYLE_WARN, p->warning, draw);
	return row;
}

static void prompt_draw(struct screen *s, const struct area *body)
{
	struct prompt *p = screen_state(s);
	int row = draw_texts(p, body, true) + 1, below = p->names != NULL ? 3 : 0;
	if (row > body->rows - 2 - below)
		row = body->rows - 2 - below;
	if (row < 0)
		row = 0;
	if (p->pin_done != NULL)
		draw_pin(p, body, row, body->cols < FIELD_COLUMNS ? body->cols : FIELD_COLUMNS);
	else
		edit_draw(&p->edit, body, row, 0, body->cols, true, NULL);
	if (p->names != NULL)
		draw_names(p, body, row + 1);
	if (p->say != NULL)
		term_cell(body, row + 1, 0, body->cols, STYLE_WARN, _(p->say));
}

static void prompt_measure(struct screen *s, int max_rows, int max_cols, int *rows, int *cols)
{
	const struct prompt *p = screen_state(s);
	(void)max_rows;
	*cols = WIDTH < max_cols ? WIDTH : max_cols;
	struct area body = { 0, 0, 1000, *cols };
	*rows = draw_texts(p, &body, false) + (p->names != NULL ? 6 : 3);
}

static int prompt_init(struct screen *s, void *arg)
{
	struct prompt *p = screen_state(s);
	const struct prompt_arg *from = arg;
	s->measure = prompt_measure;
	p->pin_done = from->pin_done;
	p->text_done = from->text_done;
	p->ctx = from->ctx;
	p->title = strdup(from->title != NULL ? from->title : "");
	p->text = strdup(from->text != NULL ? from->text : "");
	p->warning = strdup(from->warning != NULL ? from->warning : "");
	if (p->title == NULL || p->text == NULL || p->warning == NULL)
		return ERR_NO_MEMORY;
	if (p->pin_done != NULL)
		return secret_set(&p->pin, "", 0);
	if (from->path && (p->names = calloc(1, sizeof *p->names)) == NULL)
		return ERR_NO_MEMORY;
	int rc = edit_init(&p->edit, from->max);
	if (rc == 0 && from->initial != NULL)
		edit_set(&p->edit, from->initial);
	return rc;
}

static const struct screen_ops prompt_ops = {
	.name = "prompt", .title = prompt_title, .state_size = sizeof(struct prompt), .init = prompt_init, .free = prompt_free,
	.actions = dialog_actions, .act = prompt_act, .key = prompt_key, .input = true, .draw = prompt_draw, .dialog = true,
};

void dialog_pin(const char *title, const char *text, const char *warning, void (*done)(void *ctx, struct secret *pin), void *ctx)
{
	struct prompt_arg arg = { .title = title, .text = text, .warning = warning, .pin_done = done, .ctx = ctx };
	screen_push(&prompt_ops, &arg);
}

void dialog_text(const char *title, const char *text, const char *initial, size_t max, void (*done)(void *ctx, const char *value), void *ctx)
{
	struct prompt_arg arg = { .title = title, .text = text, .initial = initial, .max = max, .text_done = done, .ctx = ctx };
	screen_push(&prompt_ops, &arg);
}

void dialog_path(const char *title, const char *text, const char *initial, void (*done)(void *ctx, const char *value), void *ctx)
{
	struct prompt_arg arg = { .title = title, .text = text, .initial = initial, .max = FILE_PATH_MAX, .path = true, .text_done = done, .ctx = ctx };
	screen_push(&prompt_ops, &arg);
}
