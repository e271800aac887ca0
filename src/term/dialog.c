#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <certhall/bytes.h>
#include <certhall/i18n.h>
#include <certhall/text.h>

enum { WIDTH = 64, CHOICES_MAX = 12 };

/* All dialogs have a title and a text; what is below the text differs. */
struct head {
	char *title, *text;
	enum style style;
};

const struct action *dialog_actions(struct screen *s)
{
	static const struct action actions[] = {
		{ DIALOG_OK, N_("OK"), KEY_CODE_CHAR, { KEY_CODE_ENTER, "", 0 }, "Enter" },
		{ DIALOG_CANCEL, N_("Cancel"), KEY_CODE_CHAR, { KEY_CODE_ESC, "", 0 }, "Esc" },
		ACTION_END
	};
	(void)s;
	return actions;
}

static int head_init(struct head *head, enum style style, const char *title, const char *text)
{
	head->style = style;
	head->title = strdup(title != NULL ? title : "");
	head->text = strdup(text != NULL ? text : "");
	return head->title != NULL && head->text != NULL ? 0 : ERR_NO_MEMORY;
}

static void head_free(struct head *head)
{
	free(head->title);
	free(head->text);
}

static const char *head_title(struct screen *s)
{
	const struct head *head = screen_state(s);
	return head->title;
}

static int widest_line(const char *text)
{
	int widest = 0;
	size_t skip;
	uint32_t ch;
	for (; *text != '\0'; text += skip) {
		int width = 0;
		size_t end = text_wrap(text, WIDTH, &skip);
		for (size_t at = 0; at < end; at += text_character(text + at, &ch)) {
			text_character(text + at, &ch);
			width += text_columns(ch);
		}
		widest = width > widest ? width : widest;
	}
	return widest;
}

/* The width the texts want, at most what there is. */
static int wanted_width(const struct head *head, int least, int most)
{
	int width = least, text = widest_line(head->text), title = text_width(head->title) + 4;
	width = text > width ? text : width;
	width = width < WIDTH ? width : WIDTH;
	width = title > width ? title : width;
	return width < most ? width : most;
}

static void measure_with(const struct head *head, int more, int least, int max_cols, int *rows, int *cols)
{
	*cols = wanted_width(head, least, max_cols);
	struct area body = { 0, 0, 1000, *cols };
	*rows = term_paragraph(&body, 0, head->style, head->text, false) + more;
}

/* A message: a text to scroll when it is long */

struct message {
	struct head head;
	struct pager pager; /* borrows the text */
	int rows;
	struct error err;   /* what it tells of; code ERR_OK: nothing */
};

static struct {
	bool (*open)(void *ctx, const struct error *err, const char *page);
	void *ctx;
} help;

void screen_set_help(bool (*open)(void *ctx, const struct error *err, const char *page), void *ctx)
{
	help.open = open;
	help.ctx = ctx;
}

static int message_init(struct screen *s, void *arg);

static void message_free(struct screen *s)
{
	struct message *m = screen_state(s);
	head_free(&m->head);
}

static const struct action *message_actions(struct screen *s)
{
	static const struct action actions[] = { { DIALOG_OK, N_("OK"), KEY_CODE_CHAR, { KEY_CODE_ENTER, "", 0 }, "Enter" }, ACTION_END };
	(void)s;
	return actions;
}

static int message_act(struct screen *s, int action)
{
	(void)action;
	screen_pop(s);
	return SCREEN_HANDLED;
}

static int message_key(struct screen *s, const struct key *key)
{
	struct message *m = screen_state(s);
	return pager_key(&m->pager, key, m->rows);
}

static void message_draw(struct screen *s, const struct area *body)
{
	struct message *m = screen_state(s);
	m->rows = body->rows;
	m->pager.text = m->head.text;
	if (term_paragraph(body, 0, m->head.style, m->head.text, false) <= body->rows)
		term_paragraph(body, 0, m->head.style, m->head.text, true);
	else
		pager_draw(&m->pager, body);
}

static void message_measure(struct screen *s, int max_rows, int max_cols, int *rows, int *cols)
{
	const struct message *m = screen_state(s);
	(void)max_rows;
	measure_with(&m->head, 0, 20, max_cols, rows, cols);
}

static const struct screen_ops message_ops = {
	.name = "message", .title = head_title, .state_size = sizeof(struct message), .init = message_init, .free = message_free,
	.actions = message_actions, .act = message_act, .key = message_key, .draw = message_draw, .dialog = true,
};

static int message_init(struct screen *s, void *arg)
{
	struct message *m = screen_state(s);
	const struct message *from = arg;
	s->measure = message_measure;
	m->err = from->err;
	return head_init(&m->head, from->head.style, from->head.title, from->head.text);
}

static void push_message(enum style style, const char *title, const char *text, const struct error *err)
{
	struct message message = { .head = { .style = style, .title = (char *)(uintptr_t)title, .text = (char *)(uintptr_t)text } };
	if (err != NULL)
		message.err = *err;
	screen_push(&message_ops, &message);
}

void dialog_message(enum style style, const char *title, const char *text)
{
	push_message(style, title, text, NULL);
}

void dialog_error(const struct error *err)
{
	char sentence[512];
	error_sentence(err, sentence, sizeof sentence);
	push_message(STYLE_BAD, _("Not done"), sentence, err);
}

static int help_line(struct bytes *text, const char *keys, const char *label)
{
	char line[256];
	int pad = 16 - text_width(keys);
	snprintf(line, sizeof line, "%s%*s%s\n", keys, pad > 1 ? pad : 1, "", label);
	return bytes_append(text, line, strlen(line));
}

/* F1 in a message: to what is known of it, or of the page below. */
static void message_help(struct screen *s)
{
	const struct message *m = screen_state(s);
	const struct error err = m->err;
	struct screen *page = s->below;
	while (page != NULL && page->ops->dialog)
		page = page->below;
	if (help.open == NULL || page == NULL)
		return;
	screen_pop(s);
	(void)help.open(help.ctx, &err, page->ops->name);
}

void dialog_help(struct screen *page)
{
	struct bytes text = { 0 };
	int rc = 0;
	bool back = page->below == NULL;
	if (page->ops == &message_ops) {
		message_help(page);
		return;
	}
	for (const struct action *action = screen_actions(page); action->id != 0 && rc == 0; action++) {
		char keys[64] = "";
		back |= action->plain.code == KEY_CODE_ESC;
		if (action->f_key >= KEY_CODE_F1 && action->f_key <= KEY_CODE_F12)
			snprintf(keys, sizeof keys, "F%d  ", (int)(action->f_key - KEY_CODE_F1) + 1);
		snprintf(keys + strlen(keys), sizeof keys - strlen(keys), "%s", action->plain_name != NULL ? _(action->plain_name) : "");
		rc = help_line(&text, keys, _(action->label));
	}
	if (rc == 0)
		rc = help_line(&text, page->ops->input ? "F1  Ctrl-G" : "F1  ?", help.open != NULL ? _("This help; once more: the help centre") : _("This help"));
	if (rc == 0 && screen_aside()->open != NULL && !page->ops->dialog)
		rc = help_line(&text, "F4  Ctrl-O", _(screen_aside()->name));
	if (rc == 0 && !back)
		rc = help_line(&text, "Esc", _("Back"));
	if (rc == 0)
		rc = help_line(&text, "Ctrl-C", _("Leave the program"));
	if (rc == 0)
		rc = help_line(&text, "Ctrl-L", _("Draw the screen again"));
	if (rc == 0) {
		text.data[text.len - 1] = '\0';
		dialog_message(STYLE_NORMAL, _("Keys of this page"), (const char *)text.data);
	}
	bytes_free(&text);
}

/* A choice */

struct choose {
	struct head head;
	struct list list;
	char *choices[CHOICES_MAX];
	void (*done)(void *ctx, int choice);
	void *ctx;
};

struct choose_arg {
	struct head head;
	const char *const *choices;
	size_t count;
	void (*done)(void *ctx, int choice);
	void *ctx;
};

static void choose_free(struct screen *s)
{
	struct choose *c = screen_state(s);
	head_free(&c->head);
	for (int i = 0; i < CHOICES_MAX; i++)
		free(c->choices[i]);
}

static int choose_act(struct screen *s, int action)
{
	struct choose *c = screen_state(s);
	screen_pop(s);
	if (c->done != NULL)
		c->done(c->ctx, action == DIALOG_OK ? c->list.selected : -1);
	return SCREEN_HANDLED;
}

static int choose_key(struct screen *s, const struct key *key)
{
	struct choose *c = screen_state(s);
	return list_key(&c->list, key, c->list.count);
}

static void choose_row(void *ctx, const struct area *a, int index, bool selected)
{
	const struct choose *c = ctx;
	(void)selected;
	term_textf(a, 0, 0, STYLE_NORMAL, "%d %s", index + 1, c->choices[index]);
}

static void choose_draw(struct screen *s, const struct area *body)
{
	struct choose *c = screen_state(s);
	int row = term_paragraph(body, 0, c->head.style, c->head.text, true);
	row += *c->head.text != '\0';
	if (row > body->rows - c->list.count)
		row = body->rows - c->list.count;
	struct area rest = term_sub(body, row > 0 ? row : 0, 0, c->list.count, body->cols);
	list_draw(&c->list, &rest, 1, choose_row, c);
}

static void choose_measure(struct screen *s, int max_rows, int max_cols, int *rows, int *cols)
{
	const struct choose *c = screen_state(s);
	int widest = 20;
	(void)max_rows;
	for (int i = 0; i < c->list.count; i++)
		if (text_width(c->choices[i]) + 4 > widest)
			widest = text_width(c->choices[i]) + 4;
	measure_with(&c->head, c->list.count + (*c->head.text != '\0'), widest, max_cols, rows, cols);
}

static int choose_init(struct screen *s, void *arg)
{
	struct choose *c = screen_state(s);
	const struct choose_arg *from = arg;
	s->measure = choose_measure;
	c->done = from->done;
	c->ctx = from->ctx;
	for (size_t i = 0; i < from->count && i < CHOICES_MAX; i++) {
		c->choices[i] = strdup(from->choices[i]);
		if (c->choices[i] == NULL)
			return ERR_NO_MEMORY;
		c->list.count++;
	}
	return head_init(&c->head, from->head.style, from->head.title, from->head.text);
}

static const struct screen_ops choose_ops = {
	.name = "choose", .title = head_title, .state_size = sizeof(struct choose), .init = choose_init, .free = choose_free,
	.actions = dialog_actions, .act = choose_act, .key = choose_key, .draw = choose_draw, .dialog = true,
};

void dialog_choose(const char *title, const char *text, const char *const choices[], size_t count, void (*done)(void *ctx, int choice), void *ctx)
{
	struct choose_arg arg = { .head = { .title = (char *)(uintptr_t)title, .text = (char *)(uintptr_t)text },
		.choices = choices, .count = count, .done = done, .ctx = ctx };
	screen_push(&choose_ops, &arg);
}

static void on_quit_choice(void *ctx, int choice)
{
	(void)ctx;
	if (choice == 1)
		screen_quit(0);
}

void dialog_quit(void)
{
	const char *choices[] = { _("Stay"), _("Leave") };
	const struct screen_aside *aside = screen_aside();
	const char *more = aside->leaving != NULL ? aside->leaving(aside->ctx) : NULL;
	char text[768];
	for (const struct screen *s = screen_top(); s != NULL; s = s->below)
		if (s->ops == &choose_ops && ((const struct choose *)(const void *)s->state)->done == on_quit_choice)
			return;
	snprintf(text, sizeof text, "%s%s%s", more != NULL ? more : "", more != NULL ? "\n" : "", _("What has been paid is kept; you can go on later."));
	dialog_choose(_("Leave the program?"), text, choices, 2, on_quit_choice, NULL);
}
