/* 打开: the invoice itself, as it stands in its XML. */
#include "app.h"

#include <stdlib.h>
#include <string.h>

#include <certhall/sheet.h>

#include "invoices.h"

struct view {
	struct app *app;
	struct bar bar;
	struct hall_call *call;
	struct bytes xml;
	struct pager pager;
	int columns;   /* the pager's text is for */
	int visible;
	struct error error;
};

static void lay_out(struct view *view, int columns)
{
	free(view->pager.text);
	view->pager.text = NULL;
	view->columns = columns;
	if (sheet_text(&view->xml, columns, &view->pager.text, &view->error) != 0)
		view->pager.text = NULL;
}

static void on_read(void *ctx, const struct error *err, const void *result)
{
	struct screen *s = ctx;
	struct view *view = screen_state(s);
	view->call = NULL;
	screen_touch(s);
	if (err != NULL) {
		view->error = *err;
		return;
	}
	view->xml = *(const struct bytes *)result;
	*(struct bytes *)(uintptr_t)result = (struct bytes){ 0 }; /* moved */
	lay_out(view, term_screen().cols - 2);
}

static int init(struct screen *s, void *arg)
{
	struct view *view = screen_state(s);
	const struct view_order *order = arg;
	view->app = screen_app(s);
	view->call = hall_read_invoice(view->app->world.hall, order->grant, order->invoice, on_read, s);
	return view->call != NULL ? 0 : ERR_NO_MEMORY;
}

static void free_view(struct screen *s)
{
	struct view *view = screen_state(s);
	hall_cancel(&view->call);
	free(view->pager.text);
	bytes_free(&view->xml);
}

static const char *title(struct screen *s)
{
	(void)s;
	return _("Invoice");
}

static const struct action *actions(struct screen *s)
{
	struct view *view = screen_state(s);
	return BAR(&view->bar, ACT_BACK);
}

static int act(struct screen *s, int action)
{
	(void)action;
	screen_pop(s);
	return SCREEN_REDRAW;
}

static int key(struct screen *s, const struct key *key)
{
	struct view *view = screen_state(s);
	return pager_key(&view->pager, key, view->visible);
}

static void draw(struct screen *s, const struct area *body)
{
	struct view *view = screen_state(s);
	struct area a = term_inset(body, 0, 1);
	char text[768];
	if (view->xml.len > 0 && view->columns != a.cols)
		lay_out(view, a.cols);
	view->visible = a.rows;
	if (view->pager.text != NULL)
		pager_draw(&view->pager, &a);
	else if (view->error.code != ERR_OK)
		term_paragraph(&a, 0, STYLE_WARN, error_sentence(&view->error, text, sizeof text), true);
}

static bool busy(struct screen *s, const char **what)
{
	const struct view *view = screen_state(s);
	*what = _("Fetching the invoice");
	return view->call != NULL;
}

const struct screen_ops page_invoice_view = {
	.name = "invoice-view", .title = title, .state_size = sizeof(struct view), .init = init, .free = free_view, .actions = actions,
	.act = act, .key = key, .draw = draw, .busy = busy,
};
