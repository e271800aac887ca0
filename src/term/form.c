#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <certhall/i18n.h>
#include <certhall/text.h>

enum { SAY_MAX = 256, LABEL_MAX = 26, FIELD_GAP = 2 };

/* A field as it stands. A verdict counts until the value changes. */
struct entry {
	const struct field *field;
	struct edit edit;
	int choice;
	bool checked;
	enum field_verdict verdict;
	bool confirmed;
	char say[SAY_MAX];
};

struct form {
	const void *ctx;
	size_t count, focus;
	int top; /* first row shown */
	struct entry entries[];
};

int form_new(const struct field *fields, size_t count, const void *ctx, struct form **out)
{
	struct form *form = calloc(1, sizeof *form + count * sizeof form->entries[0]);
	*out = form;
	if (form == NULL)
		return ERR_NO_MEMORY;
	form->ctx = ctx;
	form->count = count;
	for (size_t i = 0; i < count; i++) {
		form->entries[i].field = &fields[i];
		if (edit_init(&form->entries[i].edit, fields[i].kind == FIELD_TEXT ? fields[i].max : 1) != 0) {
			form_free(out);
			return ERR_NO_MEMORY;
		}
	}
	return 0;
}

void form_free(struct form **form_ref)
{
	struct form *form = *form_ref;
	if (form == NULL)
		return;
	for (size_t i = 0; i < form->count; i++)
		edit_free(&form->entries[i].edit);
	free(form);
	*form_ref = NULL;
}

static struct entry *find(const struct form *form, int id)
{
	for (size_t i = 0; i < form->count; i++)
		if (form->entries[i].field->id == id)
			return (struct entry *)(uintptr_t)&form->entries[i];
	return NULL;
}

const char *form_value(const struct form *form, int id)
{
	const struct entry *entry = find(form, id);
	return entry != NULL ? entry->edit.text : "";
}

bool form_checked(const struct form *form, int id)
{
	const struct entry *entry = find(form, id);
	return entry != NULL && entry->checked;
}

int form_choice(const struct form *form, int id)
{
	const struct entry *entry = find(form, id);
	return entry != NULL ? entry->choice : -1;
}

static int choice_count(const struct field *field)
{
	int n = 0;
	while (field->choices != NULL && field->choices[n] != NULL)
		n++;
	return n;
}

static void changed(struct entry *entry)
{
	entry->verdict = FIELD_GOOD;
	entry->confirmed = false;
	entry->say[0] = '\0';
}

int form_set(struct form *form, int id, const char *value)
{
	struct entry *entry = find(form, id);
	if (entry == NULL)
		return ERR_UNEXPECTED;
	changed(entry);
	if (entry->field->kind == FIELD_CHECK) {
		entry->checked = *value != '\0' && strcmp(value, "0") != 0;
	} else if (entry->field->kind == FIELD_CHOICE) {
		int choice = atoi(value);
		entry->choice = choice >= 0 && choice < choice_count(entry->field) ? choice : 0;
	} else {
		char *clean = malloc(strlen(value) + 1);
		if (clean == NULL)
			return ERR_NO_MEMORY;
		text_sanitize(value, clean, strlen(value) + 1, false);
		edit_set(&entry->edit, clean);
		free(clean);
	}
	return 0;
}

void form_error(struct form *form, int id, const char *say)
{
	struct entry *entry = find(form, id);
	if (entry == NULL)
		return;
	entry->verdict = FIELD_WRONG;
	text_sanitize(say, entry->say, sizeof entry->say, false);
	form->focus = (size_t)(entry - form->entries);
}

static bool visible(const struct form *form, size_t i)
{
	const struct field *field = form->entries[i].field;
	return field->visible == NULL || field->visible(form->ctx);
}

/* The next visible field in a direction, or the same one at the end. */
static size_t neighbour(const struct form *form, size_t from, int step)
{
	for (size_t i = from + (size_t)step; i < form->count; i += (size_t)step)
		if (visible(form, i))
			return i;
	return from;
}

/* Verdicts */

static void trim(struct edit *edit)
{
	const char *from = edit->text + strspn(edit->text, " ");
	size_t len = strlen(from);
	while (len > 0 && from[len - 1] == ' ')
		len--;
	memmove(edit->text, from, len);
	edit->text[len] = '\0';
	if (edit->at > len)
		edit->at = len;
}

/* What the person sees is what is judged: the value is normalised first. */
static void judge(struct entry *entry, bool on_submit)
{
	if (entry->verdict != FIELD_GOOD)
		return; /* unchanged since, and the hall's word counts too */
	if (entry->field->kind == FIELD_TEXT) {
		if (entry->field->narrow) {
			char *narrow = malloc(entry->edit.max);
			if (narrow != NULL && strcmp(text_normalize(entry->edit.text, narrow, entry->edit.max), entry->edit.text) != 0)
				edit_set(&entry->edit, narrow);
			free(narrow);
		}
		trim(&entry->edit);
	}
	bool empty = entry->field->kind == FIELD_TEXT ? *entry->edit.text == '\0' : entry->field->kind == FIELD_CHECK && !entry->checked;
	if (empty && entry->field->required && on_submit) {
		entry->verdict = FIELD_WRONG;
		snprintf(entry->say, sizeof entry->say, "%s", entry->field->kind == FIELD_CHECK ? _("This must be confirmed.") : _("This must be filled in."));
	} else if (!empty && entry->field->validate != NULL && entry->field->kind == FIELD_TEXT) {
		entry->say[0] = '\0';
		entry->verdict = entry->field->validate(entry->edit.text, entry->say, sizeof entry->say);
	}
}

static bool passes(const struct entry *entry)
{
	return entry->verdict == FIELD_GOOD || (entry->verdict == FIELD_CONFIRM && entry->confirmed);
}

bool form_submit(struct form *form)
{
	size_t bad = form->count;
	for (size_t i = form->count; i-- > 0;) {
		if (!visible(form, i))
			continue;
		judge(&form->entries[i], true);
		if (!passes(&form->entries[i]))
			bad = i;
	}
	if (bad == form->count)
		return true;
	form->focus = bad;
	return false;
}

/* Keys */

static int move_to(struct form *form, size_t to)
{
	if (to == form->focus)
		return SCREEN_HANDLED | SCREEN_REDRAW; /* its verdict may be new */
	form->focus = to;
	struct edit *edit = &form->entries[to].edit;
	edit->at = strlen(edit->text);
	return SCREEN_HANDLED | SCREEN_REDRAW;
}

static int on_enter(struct form *form, struct entry *entry)
{
	if (entry->verdict == FIELD_CONFIRM)
		entry->confirmed = true; /* it has been seen */
	judge(entry, false);
	if (!passes(entry))
		return SCREEN_HANDLED | SCREEN_REDRAW;
	size_t to = neighbour(form, form->focus, 1);
	return to == form->focus ? SCREEN_IGNORED : move_to(form, to);
}

static int on_toggle(struct entry *entry, const struct key *key)
{
	int n = choice_count(entry->field);
	bool space = key_ascii(key) == ' ';
	if (entry->field->kind == FIELD_CHECK && space) {
		entry->checked = !entry->checked;
	} else if (entry->field->kind == FIELD_CHOICE && n > 0 && (space || key->code == KEY_CODE_RIGHT)) {
		entry->choice = (entry->choice + 1) % n;
	} else if (entry->field->kind == FIELD_CHOICE && n > 0 && key->code == KEY_CODE_LEFT) {
		entry->choice = (entry->choice + n - 1) % n;
	} else {
		return SCREEN_IGNORED;
	}
	changed(entry);
	return SCREEN_HANDLED | SCREEN_REDRAW;
}

static int on_text(struct entry *entry, const struct key *key)
{
	size_t len = strlen(entry->edit.text);
	int flags = edit_key(&entry->edit, key);
	bool edits = key->code == KEY_CODE_CHAR || strlen(entry->edit.text) != len;
	if ((flags & SCREEN_REDRAW) && edits)
		changed(entry);
	return flags;
}

int form_key(struct form *form, const struct key *key)
{
	if (form->count == 0)
		return SCREEN_IGNORED;
	if (!visible(form, form->focus))
		form->focus = neighbour(form, form->focus, -1);
	struct entry *entry = &form->entries[form->focus];
	switch (key->code) {
	case KEY_CODE_TAB: case KEY_CODE_DOWN:
		judge(entry, false);
		return move_to(form, neighbour(form, form->focus, 1));
	case KEY_CODE_BACKTAB: case KEY_CODE_UP:
		judge(entry, false);
		return move_to(form, neighbour(form, form->focus, -1));
	case KEY_CODE_ENTER:
		return on_enter(form, entry);
	default:
		return entry->field->kind == FIELD_TEXT ? on_text(entry, key) : on_toggle(entry, key);
	}
}

/* Drawing */

static int label_columns(const struct form *form, const struct area *a)
{
	int widest = 0, most = a->cols / 2 < LABEL_MAX ? a->cols / 2 : LABEL_MAX;
	for (size_t i = 0; i < form->count; i++) {
		int width = text_width(_(form->entries[i].field->label)) + 2;
		if (form->entries[i].field->kind != FIELD_CHECK && visible(form, i) && width > widest)
			widest = width;
	}
	return widest < most ? widest : most;
}

static int say_columns(const struct area *a)
{
	return a->cols - 2;
}

static int entry_rows(const struct form *form, size_t i, const struct area *a)
{
	const struct entry *entry = &form->entries[i];
	struct area part = { 0, 0, a->rows, say_columns(a) };
	if (!visible(form, i))
		return 0;
	return 1 + (entry->say[0] != '\0' ? term_paragraph(&part, 0, STYLE_NORMAL, entry->say, false) : 0)
		+ (entry->verdict == FIELD_CONFIRM && !entry->confirmed);
}

static void draw_value(struct entry *entry, const struct area *a, int row, int labels, bool focused)
{
	int col = labels + FIELD_GAP, room = a->cols - col;
	enum style style = focused ? STYLE_FIELD_FOCUS : STYLE_NORMAL;
	const struct field *field = entry->field;
	if (field->kind == FIELD_TEXT) {
		int wanted = (int)field->max < room ? (int)field->max : room;
		edit_draw(&entry->edit, a, row, col, wanted, focused, field->hint != NULL ? _(field->hint) : NULL);
	} else if (field->kind == FIELD_CHOICE) {
		int n = choice_count(field);
		const char *value = n > 0 ? _(field->choices[entry->choice]) : "";
		term_textf(a, row, col, style, n > 1 ? "< %s >" : "%s", value);
		if (focused)
			term_cursor(a, row, col);
	} else {
		int end = term_text(a, row, 0, style, entry->checked ? "[x]" : "[ ]");
		term_text(a, row, end + 1, STYLE_LABEL, _(field->label));
		if (focused)
			term_cursor(a, row, 1);
	}
}

static void draw_entry(struct form *form, size_t i, const struct area *a, int row, int labels)
{
	struct entry *entry = &form->entries[i];
	const struct field *field = entry->field;
	bool unconfirmed = entry->verdict == FIELD_CONFIRM && !entry->confirmed;
	enum style style = entry->verdict == FIELD_WRONG ? STYLE_BAD : unconfirmed ? STYLE_WARN : STYLE_DIM;
	if (field->kind != FIELD_CHECK) {
		char label[128];
		snprintf(label, sizeof label, "%s%s", _(field->label), field->required ? " *" : "");
		term_cell(a, row, 0, labels, STYLE_LABEL, label);
	}
	draw_value(entry, a, row, labels, i == form->focus);
	if (entry->say[0] == '\0')
		return;
	struct area say = { a->row, a->col + 2, a->rows, say_columns(a) };
	row = term_paragraph(&say, row + 1, style, entry->say, true);
	if (unconfirmed)
		term_text(&say, row, 0, STYLE_DIM, _("If it is right as it is, press Enter on the field to confirm."));
}

void form_draw(struct form *form, const struct area *a)
{
	int labels = label_columns(form, a), at = 0, focus_at = 0, focus_rows = 0;
	if (form->count > 0 && !visible(form, form->focus))
		form->focus = neighbour(form, form->focus, -1);
	for (size_t i = 0; i < form->count; i++) {
		int rows = entry_rows(form, i, a);
		if (i == form->focus)
			focus_at = at, focus_rows = rows;
		at += rows;
	}
	if (form->top > at - a->rows)
		form->top = at - a->rows;
	if (form->top < focus_at + focus_rows - a->rows)
		form->top = focus_at + focus_rows - a->rows;
	if (form->top > focus_at)
		form->top = focus_at;
	if (form->top < 0)
		form->top = 0;
	at = -form->top;
	for (size_t i = 0; i < form->count; i++) {
		int rows = entry_rows(form, i, a);
		if (rows > 0 && at + rows > 0 && at < a->rows)
			draw_entry(form, i, a, at, labels);
		at += rows;
	}
}
