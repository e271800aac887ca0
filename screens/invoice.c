/* 发票查询: whose invoices. */
#include "app.h"

#include <stdlib.h>
#include <string.h>

#include <certhall/file.h>

#include "invoices.h"

enum field_id { F_TITLE = 1, F_TAX_NO, F_PHONE, F_ANSWER, F_KEEP };
enum { FORM_ROWS = 9, QUERY_MAX = 4096 };

struct query_page {
	struct app *app;
	struct bar bar;
	struct form *form;
	struct hall_call *call;
	const char *what;           /* busy()'s words */
	bool by_key;                /* logged in on this hall: no picture is needed */
	struct captcha captcha;
	struct bitmap picture;      /* pixels NULL: none yet */
	struct invoice_query query; /* as sent */
};

/* ---- the fields ---- */

static bool wants_digits(const void *ctx)
{
	return !((const struct query_page *)ctx)->by_key;
}

static bool may_keep(const void *ctx)
{
	const struct query_page *page = ctx;
	return page->app != NULL && !page->app->settings->kiosk;
}

#define SIZE_OF(member) sizeof(((struct invoice_query *)0)->member)

static const struct field fields[] = {
	{ .id = F_TITLE, .label = N_("Organisation"), .required = true, .max = SIZE_OF(title), .hint = N_("the full name, as on the invoice") },
	{ .id = F_TAX_NO, .label = N_("Taxpayer number"), .required = true, .max = SIZE_OF(tax_no), .hint = N_("as on the invoice"), .narrow = true },
	{ .id = F_PHONE, .label = N_("Contact's phone"), .required = true, .max = SIZE_OF(phone), .hint = N_("as given when renewing"), .narrow = true },
	{ .id = F_KEEP, .kind = FIELD_CHECK, .label = N_("Remember this query on this computer"), .visible = may_keep },
	{ .id = F_ANSWER, .label = N_("Digits in the picture"), .required = true, .max = SIZE_OF(answer), .narrow = true, .visible = wants_digits },
};
enum { FIELDS = sizeof fields / sizeof *fields };

/* ---- what is remembered ---- */

static char *kept_path(char *out, size_t size)
{
	return file_state_path("invoice-query.json", out, size);
}

static bool recall(struct invoice_query *query)
{
	char path[FILE_PATH_MAX];
	struct bytes file = { 0 };
	bool found = *kept_path(path, sizeof path) != '\0' && file_read(path, QUERY_MAX, &file, NULL) == 0
		&& codec_parse(invoice_query_codec, (const char *)file.data, file.len, query, NULL) == 0;
	bytes_free(&file);
	return found;
}

/* Not being able to is no reason to stop. */
static void keep(const struct invoice_query *query, bool wanted)
{
	char path[FILE_PATH_MAX], folder[FILE_PATH_MAX];
	struct invoice_query kept = *query;
	if (*kept_path(path, sizeof path) == '\0')
		return;
	if (!wanted) {
		remove(path);
		return;
	}
	kept.captcha[0] = kept.answer[0] = '\0';
	char *text = codec_text(invoice_query_codec, &kept);
	if (text != NULL && file_make_folder(file_state_path(NULL, folder, sizeof folder), NULL) == 0)
		(void)!file_replace(path, text, strlen(text), NULL);
	free(text);
}

/* ---- the picture ---- */

static void drop_picture(struct query_page *page)
{
	free((void *)page->picture.pixels);
	page->picture = (struct bitmap){ 0 };
	bytes_free(&page->captcha.pixels);
}

static void take_picture(struct query_page *page, const struct captcha *captcha)
{
	drop_picture(page);
	unsigned char *pixels = captcha_unpack(captcha);
	if (pixels == NULL)
		return;
	page->picture = (struct bitmap){ .width = (int)captcha->width, .height = (int)captcha->height, .pixels = pixels };
	page->captcha = *captcha;
	page->captcha.pixels = (struct bytes){ 0 };
}

static void on_captcha(void *ctx, const struct error *err, const void *result)
{
	struct screen *s = ctx;
	struct query_page *page = screen_state(s);
	page->call = NULL;
	if (err != NULL)
		dialog_error(err);
	else
		take_picture(page, result);
	screen_touch(s);
}

static void ask_picture(struct screen *s)
{
	struct query_page *page = screen_state(s);
	drop_picture(page);
	if (page->by_key || page->call != NULL)
		return;
	page->what = _("Asking the hall for a picture");
	page->call = hall_get_captcha(page->app->world.hall, on_captcha, s);
}

/* ---- the query ---- */

static void on_found(void *ctx, const struct error *err, const void *result)
{
	struct screen *s = ctx;
	struct query_page *page = screen_state(s);
	page->call = NULL;
	screen_touch(s);
	if (err == NULL) {
		keep(&page->query, may_keep(page) && form_checked(page->form, F_KEEP));
		screen_push(&page_invoices, (void *)(uintptr_t)result);
		return;
	}
	if (err->code == ERR_SESSION_NEEDED && page->by_key) { /* it has ended: then by the picture */
		hall_logout(page->app->world.hall);
		page->by_key = false;
	}
	(void)!form_set(page->form, F_ANSWER, "");
	ask_picture(s);
	dialog_error(err);
}

static void submit(struct screen *s)
{
	struct query_page *page = screen_state(s);
	struct invoice_query *q = &page->query;
	if (page->call != NULL)
		return;
	if (!form_submit(page->form)) {
		screen_notice(s, STYLE_WARN, _("Some fields are not right yet; the first one is marked."));
		return;
	}
	screen_notice(s, STYLE_NORMAL, NULL);
	*q = (struct invoice_query){ 0 };
	snprintf(q->title, sizeof q->title, "%s", form_value(page->form, F_TITLE));
	snprintf(q->tax_no, sizeof q->tax_no, "%s", form_value(page->form, F_TAX_NO));
	snprintf(q->phone, sizeof q->phone, "%s", form_value(page->form, F_PHONE));
	tax_no_normalize(q->tax_no, sizeof q->tax_no);
	phone_normalize(q->phone, sizeof q->phone);
	if (!page->by_key) {
		snprintf(q->captcha, sizeof q->captcha, "%s", page->captcha.id);
		snprintf(q->answer, sizeof q->answer, "%s", form_value(page->form, F_ANSWER));
	}
	page->what = _("Looking for invoices");
	page->call = hall_query_invoices(page->app->world.hall, q, on_found, s);
}

/* ---- the page ---- */

static int prefill(struct query_page *page)
{
	struct invoice_query kept = { 0 };
	bool found = !page->app->settings->kiosk && recall(&kept);
	const struct keyring *keyring = page->app->keyring;
	if (!found && keyring != NULL && keyring_count(keyring) > 0)
		snprintf(kept.title, sizeof kept.title, "%s", keyring_cert(keyring, 0)->info.organisation);
	int code = form_set(page->form, F_TITLE, kept.title);
	if (code == 0)
		code = form_set(page->form, F_TAX_NO, kept.tax_no);
	if (code == 0)
		code = form_set(page->form, F_PHONE, kept.phone);
	return code == 0 ? form_set(page->form, F_KEEP, found ? "1" : "0") : code;
}

static int init(struct screen *s, void *arg)
{
	struct query_page *page = screen_state(s);
	(void)arg;
	page->app = screen_app(s);
	page->by_key = hall_logged_in(page->app->world.hall);
	int code = form_new(fields, FIELDS, page, &page->form);
	if (code == 0)
		code = prefill(page);
	if (code == 0)
		ask_picture(s);
	return code;
}

static void free_query(struct screen *s)
{
	struct query_page *page = screen_state(s);
	hall_cancel(&page->call);
	form_free(&page->form);
	drop_picture(page);
}

/* The picture was used up by the query that led away. */
static void resume(struct screen *s)
{
	struct query_page *page = screen_state(s);
	if (page->call == NULL && page->query.title[0] != '\0' && !page->by_key) {
		page->query.title[0] = '\0';
		(void)!form_set(page->form, F_ANSWER, "");
		ask_picture(s);
	}
}

static const char *title(struct screen *s)
{
	(void)s;
	return _("Invoices");
}

static const struct action *actions(struct screen *s)
{
	struct query_page *page = screen_state(s);
	if (page->call != NULL)
		return BAR(&page->bar, ACT_STOP);
	if (page->by_key)
		return BAR(&page->bar, ACT_QUERY, ACT_BACK);
	return BAR(&page->bar, ACT_QUERY, ACT_PICTURE, ACT_BACK);
}

static int act(struct screen *s, int action)
{
	struct query_page *page = screen_state(s);
	if (action == ACT_QUERY)
		submit(s);
	else if (action == ACT_PICTURE)
		ask_picture(s);
	else if (action == ACT_STOP)
		hall_cancel(&page->call);
	else if (action == ACT_BACK)
		screen_pop(s);
	return SCREEN_REDRAW;
}

static int key(struct screen *s, const struct key *key)
{
	struct query_page *page = screen_state(s);
	return form_key(page->form, key);
}

static int draw_hint(const struct query_page *page, const struct area *a, int row)
{
	if (page->by_key)
		return term_paragraph(a, row, STYLE_DIM, _("You are logged in with your key, so no picture is needed."), true);
	if (page->picture.pixels == NULL)
		return term_paragraph(a, row, STYLE_DIM, page->call != NULL ? _("The picture is being fetched.") : _("There is no picture yet. F6 asks for one."), true);
	return term_paragraph(a, row, STYLE_DIM, _("Type the digits of this picture; F6 shows another one."), true);
}

static void draw(struct screen *s, const struct area *body)
{
	struct query_page *page = screen_state(s);
	struct area a = term_inset(body, 0, 1);
	int rows = 0, cols = 0;
	struct area form = term_sub(&a, 0, 0, a.rows < FORM_ROWS ? a.rows : FORM_ROWS, a.cols), rest;
	bool picture = page->picture.pixels != NULL && !page->by_key;
	if (picture) {
		bitmap_fits(&page->picture, &a, &rows, &cols);
		if (a.rows - rows - 1 < FORM_ROWS) /* the form scrolls; the picture stays whole */
			form = term_sub(&a, 0, 0, a.rows - rows - 1 > 3 ? a.rows - rows - 1 : 3, a.cols);
	}
	rest = term_sub(&a, form.rows, 0, a.rows - form.rows, a.cols);
	int row = draw_hint(page, &rest, 0);
	rest = term_sub(&rest, row, 0, rest.rows - row, rest.cols);
	if (picture && bitmap_fits(&page->picture, &rest, &rows, &cols))
		bitmap_draw(&page->picture, &rest);
	else if (picture)
		term_paragraph(&rest, 0, STYLE_WARN, _("The window is too small for the picture. Make it larger."), true);
	form_draw(page->form, &form);
}

static bool busy(struct screen *s, const char **what)
{
	const struct query_page *page = screen_state(s);
	*what = page->what;
	return page->call != NULL;
}

const struct screen_ops page_invoice = {
	.name = "invoice", .title = title, .state_size = sizeof(struct query_page), .init = init, .free = free_query, .actions = actions,
	.act = act, .key = key, .input = true, .resume = resume, .draw = draw, .busy = busy,
};
