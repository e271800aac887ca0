#include "internal.h"

#include <stdio.h>
#include <string.h>

#include <certhall/i18n.h>
#include <certhall/text.h>

enum { ROWS_MIN = 10, COLS_MIN = 40, STEPS = 7, BOX_ROWS = 2, BOX_COLS = 4, WIDE_BAR = 80 };

static const char *const steps[STEPS] = {
	/* TRANSLATORS: the seven steps of a renewal; with " > " between them they must fit into 76 columns. */
	NC_("step", "Renewal"), NC_("step", "Check"), NC_("step", "Certificate"), NC_("step", "Details"), NC_("step", "Payment"),
	NC_("step", "Install"), NC_("step", "Done"),
};

/* The page the frame belongs to: the topmost that is no dialog. */
static struct screen *page_of(struct screen *s)
{
	while (s->ops->dialog && s->below != NULL)
		s = s->below;
	return s;
}

static const char *title_of(struct screen *s)
{
	return s->ops->title != NULL ? s->ops->title(s) : "";
}

bool frame_busy(struct screen *top, const char **what)
{
	for (struct screen *s = top; s != NULL; s = s->ops->dialog ? s->below : NULL) {
		*what = NULL;
		if (s->ops->busy != NULL && s->ops->busy(s, what))
			return true;
	}
	return false;
}

static void draw_title(const struct area *row, struct screen *page, const char *project)
{
	term_clear(row, STYLE_TITLE);
	int col = term_text(row, 0, 1, STYLE_TITLE, _("Online service hall"));
	const char *title = title_of(page);
	if (*title != '\0')
		col = term_textf(row, 0, col, STYLE_TITLE, " - %s", title);
	int room = row->cols - col - 3;
	if (room < 4)
		return;
	char cut[256];
	text_ellipsis(project, room, cut, sizeof cut);
	term_text(row, 0, row->cols - 1 - text_width(cut), STYLE_TITLE, cut);
}

/* Where one stands is told by the brackets and the place in the row; the colours only repeat it. */
static void draw_steps(const struct area *row, int now)
{
	int width = 0, col = 1;
	for (int i = 0; i < STEPS; i++)
		width += text_width(i18n_in_context(steps[i])) + 3;
	if (width - 1 + 2 > row->cols) {
		term_textf(row, 0, col, STYLE_STEP_NOW, "[%d/%d %s]", now, STEPS, i18n_in_context(steps[now - 1]));
		return;
	}
	for (int i = 1; i <= STEPS; i++) {
		const char *name = i18n_in_context(steps[i - 1]);
		if (i > 1)
			col = term_text(row, 0, col, STYLE_STEP_TODO, " > ");
		if (i == now)
			col = term_textf(row, 0, col, STYLE_STEP_NOW, "[%s]", name);
		else
			col = term_text(row, 0, col, i < now ? STYLE_STEP_DONE : STYLE_STEP_TODO, name);
	}
}

static void draw_status(const struct area *row, struct screen *top, int spinner)
{
	const char *what;
	struct screen *s = top;
	if (frame_busy(top, &what)) {
		term_textf(row, 0, 1, STYLE_HEADING, "%c", "|/-\\"[spinner & 3]);
		term_cell(row, 0, 3, row->cols - 4, STYLE_HEADING, what != NULL ? what : _("Please wait..."));
		return;
	}
	while (s->notice == NULL && s->ops->dialog && s->below != NULL)
		s = s->below;
	if (s->notice != NULL)
		term_cell(row, 0, 1, row->cols - 2, s->notice_style, s->notice);
}

static const char *f_key_name(enum key_code code, char *out, size_t size)
{
	if (code < KEY_CODE_F1 || code > KEY_CODE_F12)
		return "";
	snprintf(out, size, "F%d", (int)(code - KEY_CODE_F1) + 1);
	return out;
}

static int key_width(const char *f_key, const char *plain, const char *label)
{
	return text_width(f_key) + (*f_key != '\0' && *plain != '\0') + text_width(plain) + 1 + text_width(label);
}

static int draw_key(const struct area *row, int col, const char *f_key, const char *plain, const char *label)
{
	col = term_text(row, 0, col, STYLE_KEY, f_key);
	col = term_text(row, 0, col + (*f_key != '\0' && *plain != '\0'), STYLE_KEY, plain);
	return term_text(row, 0, col + 1, STYLE_BAR, label);
}

static const char *aside_label(const struct screen *top)
{
	const struct screen_aside *aside = screen_aside();
	return aside->label != NULL && !top->ops->dialog ? aside->label(aside->ctx, top->ops->name) : NULL;
}

/* What goes on beside the page stands left of help; gives the column it begins at. */
static int draw_aside(const struct area *row, const char *label, int right)
{
	if (label == NULL || *label == '\0')
		return right;
	const char *plain = row->cols >= WIDE_BAR ? "Ctrl-O" : "";
	int col = right - key_width("F4", plain, label);
	draw_key(row, col > 0 ? col : 0, "F4", plain, label);
	return col - 2;
}

/* Its key, while nothing goes on there, where room is left. */
static void draw_aside_key(const struct area *row, int col, int right)
{
	const char *name = _(screen_aside()->name);
	const char *plain = col + key_width("F4", "Ctrl-O", name) <= right ? "Ctrl-O" : "";
	if (col + key_width("F4", plain, name) <= right)
		draw_key(row, col, "F4", plain, name);
}

/* The most important keys first, as many as fit; help, which lists them all, always. */
static void draw_keys(const struct area *row, struct screen *top)
{
	char name[8];
	bool own_help = false, own_back = top->locked || top->below == NULL;
	const struct action *actions = screen_actions(top);
	for (const struct action *action = actions; action->id != 0; action++) {
		own_help |= action->f_key == KEY_CODE_F1;
		own_back |= action->plain.code == KEY_CODE_ESC && action->plain_name != NULL;
	}
	const char *help = _("Help"), *help_key = top->ops->input ? "Ctrl-G" : "?";
	const char *label = aside_label(top);
	int col = 1, right = draw_aside(row, label, row->cols - 1 - (own_help ? 0 : key_width("F1", help_key, help) + 2));
	for (const struct action *action = actions; action->id != 0; action++) {
		const char *f_key = f_key_name(action->f_key, name, sizeof name);
		const char *plain = action->plain_name != NULL ? _(action->plain_name) : "";
		if (col + key_width(f_key, plain, _(action->label)) <= right)
			col = draw_key(row, col, f_key, plain, _(action->label)) + 2;
	}
	if (!own_back && col + key_width("", "Esc", _("Back")) <= right)
		col = draw_key(row, col, "", "Esc", _("Back")) + 2;
	if (label != NULL && *label == '\0')
		draw_aside_key(row, col, right);
	if (!own_help)
		draw_key(row, row->cols - 1 - key_width("F1", help_key, help), "F1", help_key, help);
}

static void draw_dialog(struct screen *s, const struct area *room)
{
	int rows = s->ops->dialog_rows, cols = s->ops->dialog_cols, most_rows = room->rows - BOX_ROWS, most_cols = room->cols - BOX_COLS;
	if (s->measure != NULL)
		s->measure(s, most_rows, most_cols, &rows, &cols);
	if (rows <= 0 || rows > most_rows)
		rows = most_rows;
	if (cols <= 0 || cols > most_cols)
		cols = most_cols;
	struct area box = term_sub(room, (most_rows - rows) / 2, (most_cols - cols) / 2, rows + BOX_ROWS, cols + BOX_COLS);
	struct area body = term_sub(&box, 1, 2, rows, cols);
	term_clear(&box, STYLE_DIALOG);
	term_box(&box, STYLE_DIALOG, title_of(s));
	if (s->ops->draw != NULL)
		s->ops->draw(s, &body);
}

static void draw_above(struct screen *s, const struct area *page_body, const struct area *room)
{
	if (s->ops->dialog && s->below != NULL)
		draw_above(s->below, page_body, room);
	term_hide_cursor(); /* it belongs to the topmost */
	if (s->ops->dialog)
		draw_dialog(s, room);
	else if (s->ops->draw != NULL)
		s->ops->draw(s, page_body);
}

void frame_draw(struct screen *top, const char *project, int spinner)
{
	struct area screen = term_screen();
	if (screen.rows < ROWS_MIN || screen.cols < COLS_MIN) {
		char text[160];
		snprintf(text, sizeof text, _("The window is too small (%d x %d). Make it at least %d x %d."), screen.cols, screen.rows, COLS_MIN, ROWS_MIN);
		term_paragraph(&screen, 0, STYLE_WARN, text, true);
		return;
	}
	struct screen *page = page_of(top);
	int row = 0;
	struct area line = term_sub(&screen, row++, 0, 1, screen.cols);
	draw_title(&line, page, project);
	if (page->ops->step > 0 && page->ops->step <= STEPS) {
		line = term_sub(&screen, row++, 0, 1, screen.cols);
		draw_steps(&line, page->ops->step);
	}
	line = term_sub(&screen, row++, 0, 1, screen.cols);
	draw_status(&line, top, spinner);
	line = term_sub(&screen, screen.rows - 1, 0, 1, screen.cols);
	draw_keys(&line, top);
	struct area body = term_sub(&screen, row, 1, screen.rows - 1 - row, screen.cols - 2);
	struct area room = term_sub(&screen, 1, 0, screen.rows - 2, screen.cols);
	draw_above(top, &body, &room);
}
