/* 查询结果: the invoices found, more of them as the person comes to them. */
#include "app.h"

#include <stdlib.h>
#include <string.h>

#include <certhall/clock.h>
#include <certhall/file.h>
#include <certhall/path.h>
#include <certhall/text.h>

#include "invoices.h"
#include "save.h"

enum { WIDE = 116, TALL = 2, AHEAD = 20 };
enum sorting { BY_DATE, BY_AMOUNT, BY_STATE, SORTINGS };

struct row {
	struct invoice invoice;
	bool chosen;
};

struct found {
	struct app *app;
	struct bar bar;
	struct list list;
	struct row *rows;
	size_t count;
	int64_t total;
	char grant[96], next[64];
	struct hall_call *call;
	enum sorting sorting;
	bool everything;           /* all pages are wanted, to be sorted */
	bool again;                /* the page under way is the first one, anew */
	int visible;
	bool pdf, xml;             /* the format chosen */
};

/* ---- the rows ---- */

static int take_page(struct found *found, const struct invoice_page *page)
{
	struct row *rows = reallocarray(found->rows, found->count + page->invoices_count + 1, sizeof *rows);
	if (rows == NULL)
		return ERR_NO_MEMORY;
	found->rows = rows;
	for (size_t i = 0; i < page->invoices_count; i++)
		rows[found->count++] = (struct row){ .invoice = page->invoices[i] };
	found->total = page->total;
	found->list.count = (int)found->count;
	memcpy(found->grant, page->grant, sizeof found->grant);
	memcpy(found->next, page->next, sizeof found->next);
	return 0;
}

static int compare(const struct row *a, const struct row *b, enum sorting sorting)
{
	int64_t left = 0, right = 0;
	if (sorting == BY_AMOUNT)
		left = a->invoice.amount_fen, right = b->invoice.amount_fen;
	else if (sorting == BY_STATE)
		left = b->invoice.state, right = a->invoice.state;
	if (left == right)
		left = a->invoice.ordered, right = b->invoice.ordered;
	return left != right ? (left < right ? 1 : -1) : strcmp(b->invoice.id, a->invoice.id);
}

static int by_sorting(const void *a, const void *b, void *sorting)
{
	return compare(a, b, *(enum sorting *)sorting);
}

static void sort(struct found *found)
{
	qsort_r(found->rows, found->count, sizeof *found->rows, by_sorting, &found->sorting);
}

static void ask_more(struct screen *s);

static void on_more(void *ctx, const struct error *err, const void *result)
{
	struct screen *s = ctx;
	struct found *found = screen_state(s);
	found->call = NULL;
	screen_touch(s);
	if (found->again && err == NULL)
		found->count = 0;
	found->again = false;
	if (err != NULL || take_page(found, result) != 0) {
		found->everything = false;
		if (err != NULL)
			dialog_error(err);
		return;
	}
	if (found->everything && found->next[0] != '\0')
		ask_more(s);
	else if (found->sorting != BY_DATE)
		sort(found);
}

static void ask_more(struct screen *s)
{
	struct found *found = screen_state(s);
	if (found->call == NULL && found->next[0] != '\0')
		found->call = hall_more_invoices(found->app->world.hall, found->grant, found->next, on_more, s);
}

/* From the first page on, by the same grant: one that waited may have been issued. */
static void read_again(struct screen *s)
{
	struct found *found = screen_state(s);
	if (found->call != NULL)
		return;
	found->again = true;
	found->call = hall_more_invoices(found->app->world.hall, found->grant, "", on_more, s);
}

/* Other orders than the hall's want all of them first. */
static void next_sorting(struct screen *s)
{
	struct found *found = screen_state(s);
	found->sorting = (found->sorting + 1) % SORTINGS;
	found->list.selected = found->list.top = 0;
	sort(found);
	if (found->sorting == BY_DATE || found->next[0] == '\0')
		return;
	found->everything = true;
	ask_more(s);
}

static int init(struct screen *s, void *arg)
{
	struct found *found = screen_state(s);
	found->app = screen_app(s);
	return take_page(found, arg);
}

static void free_found(struct screen *s)
{
	struct found *found = screen_state(s);
	hall_cancel(&found->call);
	free(found->rows);
}

/* ---- 下载 ---- */

static size_t chosen(const struct found *found, const struct invoice **out)
{
	size_t n = 0;
	for (size_t i = 0; i < found->count; i++)
		if (found->rows[i].chosen) {
			if (out != NULL)
				out[n] = &found->rows[i].invoice;
			n++;
		}
	if (n == 0 && found->count > 0) {
		if (out != NULL)
			out[0] = &found->rows[found->list.selected].invoice;
		n = 1;
	}
	return n;
}

static const struct invoice *first_chosen(const struct found *found)
{
	for (size_t i = 0; i < found->count; i++)
		if (found->rows[i].chosen)
			return &found->rows[i].invoice;
	return &found->rows[found->list.selected].invoice;
}

static void save_into(struct screen *s, struct save_order *order)
{
	struct found *found = screen_state(s);
	const struct invoice **invoices = calloc(found->count, sizeof *invoices);
	if (invoices == NULL)
		return;
	order->invoices = invoices;
	order->count = chosen(found, invoices);
	order->grant = found->grant;
	order->pdf = found->pdf;
	order->xml = found->xml;
	screen_push(&page_save, order);
	free(invoices);
}

static void home_folder(const struct found *found, char *out, size_t size)
{
	save_folder(found->app, "certhall-invoices", out, size);
}

static void on_folder(void *ctx, const char *value)
{
	struct save_order order = { 0 };
	if (value == NULL || *value == '\0')
		return;
	path_expand(value, order.folder, sizeof order.folder);
	save_into(ctx, &order);
}

/* One file: an ending of the two formats is taken off. */
static void on_file(void *ctx, const char *value)
{
	struct save_order order = { 0 };
	if (!save_place(value, &order))
		return;
	char *dot = strrchr(order.name, '.');
	if (dot != NULL && (strcmp(dot, ".pdf") == 0 || strcmp(dot, ".xml") == 0))
		*dot = '\0';
	save_into(ctx, &order);
}

static void ask_where(struct screen *s)
{
	struct found *found = screen_state(s);
	char folder[FILE_PATH_MAX - 80], path[FILE_PATH_MAX];
	home_folder(found, folder, sizeof folder);
	if (chosen(found, NULL) > 1) {
		dialog_path(_("Save as"), _("The folder to save the invoices in; Tab completes:"), folder, on_folder, s);
		return;
	}
	snprintf(path, sizeof path, "%s/fapiao_%s%s", folder, first_chosen(found)->number, found->pdf && found->xml ? "" : found->pdf ? ".pdf" : ".xml");
	dialog_path(_("Save as"), _("The file to save the invoice as; Tab completes:"), path, on_file, s);
}

static void on_format(struct screen *s, int choice, bool ask)
{
	struct found *found = screen_state(s);
	struct save_order order = { 0 };
	if (choice < 0)
		return;
	found->pdf = choice != 1;
	found->xml = choice != 0;
	home_folder(found, order.folder, sizeof order.folder);
	if (ask)
		ask_where(s);
	else
		save_into(s, &order);
}

static void on_format_save(void *ctx, int choice)
{
	on_format(ctx, choice, false);
}

static void on_format_save_as(void *ctx, int choice)
{
	on_format(ctx, choice, true);
}

static void open_one(struct screen *s)
{
	struct found *found = screen_state(s);
	const struct view_order order = { .invoice = first_chosen(found), .grant = found->grant };
	screen_push(&page_invoice_view, (void *)(uintptr_t)&order);
}

/* By the viewer that is configured, from the download folder. */
static void open_outside(struct screen *s)
{
	struct found *found = screen_state(s);
	const struct invoice *one = first_chosen(found);
	struct save_order order = { .invoices = &one, .count = 1, .grant = found->grant, .pdf = true, .open = true };
	home_folder(found, order.folder, sizeof order.folder);
	screen_push(&page_save, &order);
}

static void on_how(void *ctx, int choice)
{
	const struct settings *settings = ((struct app *)screen_app(ctx))->settings;
	static const char *const formats[] = { "PDF", "XML", N_("PDF and XML") };
	const char *labels[] = { formats[0], formats[1], _(formats[2]) };
	if (choice == 0 && *settings->viewer != '\0')
		open_outside(ctx);
	else if (choice == 0)
		open_one(ctx);
	else if (choice == 1)
		dialog_choose(_("Save"), _("In which form?"), labels, 3, on_format_save, ctx);
	else if (choice == 2)
		dialog_choose(_("Save as"), _("In which form?"), labels, 3, on_format_save_as, ctx);
}

static void on_confirmed(void *ctx, int choice)
{
	const char *choices[] = { _("Open"), _("Save"), _("Save as") };
	if (choice == 0)
		dialog_choose(_("Download"), _("Open shows the invoice here; Save puts it into the download folder."), choices, 3, on_how, ctx);
}

/* Where anybody may stand, an invoice is shown and no file is written. */
static bool kiosk(const struct found *found)
{
	return found->app->settings->kiosk;
}

static void download(struct screen *s)
{
	struct found *found = screen_state(s);
	const char *choices[] = { _("OK"), _("Cancel") };
	char text[512];
	const struct invoice *missing = NULL;
	size_t count = 0;
	for (size_t i = 0; i < found->count; i++)
		if (found->rows[i].chosen && found->rows[i].invoice.state != INVOICE_ISSUED)
			missing = &found->rows[i].invoice;
	count = kiosk(found) ? 1 : chosen(found, NULL);
	if (count == 1 && missing == NULL && found->rows[found->list.selected].invoice.state != INVOICE_ISSUED)
		missing = &found->rows[found->list.selected].invoice;
	if (missing != NULL) {
		struct error err;
		error_set(&err, missing->state == INVOICE_FAILED ? ERR_INVOICE_REFUSED : ERR_INVOICE_WAITING, missing->reason, "not issued");
		dialog_error(&err);
		return;
	}
	if (kiosk(found)) {
		open_one(s);
		return;
	}
	if (count == 1)
		snprintf(text, sizeof text, "%s", _("Download the invoice?"));
	else
		snprintf(text, sizeof text, _("Download these %d invoices?"), (int)count);
	dialog_choose(_("Download"), text, choices, 2, on_confirmed, s);
}

/* ---- the page ---- */

static const char *title(struct screen *s)
{
	(void)s;
	return _("Invoices found");
}

static const struct action *actions(struct screen *s)
{
	struct found *found = screen_state(s);
	if (found->everything && found->call != NULL)
		return BAR(&found->bar, ACT_STOP);
	if (found->count == 0)
		return BAR(&found->bar, ACT_BACK);
	if (kiosk(found))
		return BAR(&found->bar, ACT_OPEN, ACT_SORT, ACT_REFRESH, ACT_BACK);
	return BAR(&found->bar, ACT_DOWNLOAD, ACT_CHOOSE, ACT_CHOOSE_ALL, ACT_SORT, ACT_REFRESH, ACT_BACK);
}

static void choose_page(struct found *found)
{
	bool all = true;
	int end = found->list.top + found->visible < found->list.count ? found->list.top + found->visible : found->list.count;
	for (int i = found->list.top; i < end; i++)
		all = all && (found->rows[i].chosen || found->rows[i].invoice.state != INVOICE_ISSUED);
	for (int i = found->list.top; i < end; i++)
		found->rows[i].chosen = !all && found->rows[i].invoice.state == INVOICE_ISSUED;
}

static int act(struct screen *s, int action)
{
	struct found *found = screen_state(s);
	if (action == ACT_DOWNLOAD || action == ACT_OPEN) {
		download(s);
	} else if (action == ACT_CHOOSE) {
		found->rows[found->list.selected].chosen = !found->rows[found->list.selected].chosen;
	} else if (action == ACT_CHOOSE_ALL) {
		choose_page(found);
	} else if (action == ACT_REFRESH) {
		read_again(s);
	} else if (action == ACT_SORT) {
		next_sorting(s);
	} else if (action == ACT_STOP) {
		hall_cancel(&found->call);
		found->everything = false;
	} else if (action == ACT_BACK) {
		screen_pop(s);
	}
	return SCREEN_REDRAW;
}

static int key(struct screen *s, const struct key *key)
{
	struct found *found = screen_state(s);
	int flags = list_key(&found->list, key, found->visible);
	if (found->list.selected + AHEAD >= found->list.count)
		ask_more(s);
	return flags;
}

static const char *state_text(int state)
{
	return state == INVOICE_ISSUED ? _("issued") : state == INVOICE_FAILED ? _("issue failed") : _("to be issued");
}

static enum style state_style(int state)
{
	return state == INVOICE_ISSUED ? STYLE_OK : state == INVOICE_FAILED ? STYLE_BAD : STYLE_NORMAL;
}

static void draw_row(void *ctx, const struct area *a, int index, bool selected)
{
	const struct row *row = &((const struct found *)ctx)->rows[index];
	const struct invoice *v = &row->invoice;
	char money[32], date[16], line[700];
	bool wide = a->cols >= WIDE - 4;
	(void)selected;
	money_text(v->amount_fen, money, sizeof money);
	clock_date(v->issued != 0 ? v->issued : v->ordered, date, sizeof date);
	int col = term_text(a, 0, 0, STYLE_NORMAL, row->chosen ? "[x] " : "[ ] ");
	int name = wide ? 30 : a->cols - col - 13 - 13 - 11;
	term_cell(a, 0, col, name, STYLE_HEADING, v->title);
	col += name + 1;
	if (wide) {
		term_cell(a, 0, col, 20, STYLE_NORMAL, v->tax_no);
		col += 21;
	}
	struct area amount = term_sub(a, 0, col, 1, 11);
	term_text_right(&amount, 0, STYLE_NORMAL, money);
	col += 12;
	term_cell(a, 0, col, 12, state_style(v->state), state_text(v->state));
	term_text(a, 0, col + 13, STYLE_NORMAL, date);
	snprintf(line, sizeof line, "%s  %s  %s", v->contact, v->phone, v->state == INVOICE_ISSUED ? v->number : v->order);
	if (wide)
		term_cell(a, 0, col + 25, a->cols - col - 25, STYLE_NORMAL, line);
	else
		term_textf(a, 1, 4, STYLE_DIM, "%s  %s", v->tax_no, line);
}

static void draw(struct screen *s, const struct area *body)
{
	static const char *const sorted[] = { N_("newest first"), N_("largest first"), N_("by state") };
	struct found *found = screen_state(s);
	struct area a = term_inset(body, 0, 1);
	char text[256];
	snprintf(text, sizeof text, ngettext("%d invoice, %s", "%d invoices, %s", (unsigned long)found->total), (int)found->total, _(sorted[found->sorting]));
	term_text(&a, 0, 0, STYLE_LABEL, text);
	if (found->count == 0)
		term_paragraph(&a, 2, STYLE_WARN, _("There is no invoice. It is issued after payment and installation."), true);
	int height = a.cols >= WIDE ? 1 : TALL;
	struct area list = term_sub(&a, 2, 0, a.rows - 2, a.cols);
	found->visible = list.rows / height > 1 ? list.rows / height : 1;
	list_draw(&found->list, &list, height, draw_row, found);
}

static bool busy(struct screen *s, const char **what)
{
	const struct found *found = screen_state(s);
	*what = _("Asking the hall for more invoices");
	return found->call != NULL;
}

const struct screen_ops page_invoices = {
	.name = "invoices", .title = title, .state_size = sizeof(struct found), .init = init, .free = free_found, .actions = actions,
	.act = act, .key = key, .draw = draw, .busy = busy,
};
