#include "app.h"

#include <string.h>

#include <certhall/log.h>
#include <certhall/text.h>

enum { TEXT_COLS_MIN = 30, TEXT_COLS_MAX = 70, QR_COLS = 42, TICK_MS = 1000, NO_CODE_ROWS = 2 };

struct pay {
	struct bar bar;
	struct qr *qr;
	char qr_url[256];        /* what qr shows */
	struct loop_timer *tick; /* only here the time is counted down */
};

/* ---- keeping up with the order ---- */

static void changed(struct screen *s)
{
	struct pay *pay = screen_state(s);
	const struct order *order = renewal_order(((struct app *)screen_app(s))->flow.renewal);
	struct error err = { 0 };
	if (order == NULL || strcmp(order->payment.qr_url, pay->qr_url) == 0)
		return;
	qr_free(&pay->qr);
	snprintf(pay->qr_url, sizeof pay->qr_url, "%s", order->payment.qr_url);
	if (*pay->qr_url != '\0' && qr_new(pay->qr_url, &pay->qr, &err) != 0)
		log_error("screens", &err);
}

static void tick(void *ctx)
{
	struct screen *s = ctx;
	struct pay *pay = screen_state(s);
	struct app *app = screen_app(s);
	screen_touch(s);
	if (loop_timer_start(app->loop, &pay->tick, TICK_MS, tick, s) != 0)
		screen_notice(s, STYLE_WARN, _("The time left is not counted down just now."));
}

static int init(struct screen *s, void *arg)
{
	(void)arg;
	flow_join(s, changed);
	changed(s);
	tick(s);
	return 0;
}

static void free_pay(struct screen *s)
{
	struct pay *pay = screen_state(s);
	loop_timer_cancel(((struct app *)screen_app(s))->loop, &pay->tick);
	qr_free(&pay->qr);
}

static const char *title(struct screen *s)
{
	(void)s;
	return _("Payment");
}

/* ---- keys ---- */

static const struct action *actions(struct screen *s)
{
	struct pay *pay = screen_state(s);
	const char *what;
	if (flow_busy(s, &what))
		return BAR(&pay->bar, ACT_STOP);
	return BAR(&pay->bar, ACT_PAID, ACT_FRESH_CODE, ACT_EDIT, ACT_CANCEL_ORDER, ACT_BACK);
}

static void on_cancel_order(void *ctx, int choice)
{
	struct app *app = ctx;
	if (choice == 1 && app->flow.renewal != NULL)
		renewal_cancel_order(app->flow.renewal);
}

static int act(struct screen *s, int action)
{
	struct app *app = screen_app(s);
	struct renewal *renewal = app->flow.renewal;
	if (action == ACT_PAID) {
		renewal_ask_paid(renewal);
	} else if (action == ACT_FRESH_CODE) {
		renewal_fresh_code(renewal);
	} else if (action == ACT_EDIT) {
		app->flow.has_draft = false; /* the order's own are newer */
		renewal_edit_details(renewal);
	} else if (action == ACT_CANCEL_ORDER) {
		const char *choices[] = { _("Keep the order"), _("Cancel the order") };
		dialog_choose(_("Cancel order"), _("Cancel this order? If you have already paid, do not cancel it: choose \"I have paid\" instead."),
			choices, 2, on_cancel_order, app);
	} else if (action == ACT_STOP) {
		renewal_abandon_work(renewal);
	} else if (action == ACT_BACK) {
		flow_leave(app);
	}
	return SCREEN_REDRAW;
}

/* ---- drawing ---- */

static int draw_time_left(const struct renewal *renewal, const struct area *a, int row, int labels)
{
	int64_t left = renewal_seconds_left(renewal);
	char text[64];
	if (left <= 0)
		return show_pair(a, row, labels, _("Time left"), STYLE_BAD, _("none; the order is being cancelled"));
	snprintf(text, sizeof text, "%02d:%02d", (int)(left / 60), (int)(left % 60));
	return show_pair(a, row, labels, _("Time left"), left < 120 ? STYLE_WARN : STYLE_NORMAL, text);
}

/* Broken only at the edge, so that it can be marked and copied whole. */
static int draw_link(const struct area *a, int row, const char *link)
{
	while (*link != '\0' && row < a->rows) {
		size_t n = text_cut(link, a->cols, NULL);
		term_textf(a, row++, 0, STYLE_NORMAL, "%.*s", (int)n, link);
		link += n > 0 ? n : text_next(link, 0);
	}
	return row;
}

static int draw_text(const struct renewal *renewal, bool expired, const struct area *a)
{
	const struct order *order = renewal_order(renewal);
	char money[32];
	const int labels = 13;
	int row = term_paragraph(a, 0, STYLE_HEADING, _("The order is submitted. Please pay soon."), true);
	row = term_paragraph(a, row, STYLE_DIM, _("If it is not paid in time it is cancelled by itself."), true);
	row = show_pair(a, row, labels, _("Order number"), STYLE_HEADING, order->number);
	row = show_pair(a, row, labels, _("Amount"), STYLE_HEADING, money_text(order->amount_fen, money, sizeof money));
	row = draw_time_left(renewal, a, row, labels);
	row = show_pair(a, row, labels, _("Method"), STYLE_NORMAL, _("Aggregate payment"));
	row = term_paragraph(a, row, STYLE_DIM, _("Scan the code with WeChat, Alipay or UnionPay. Bank transfers are not taken here."), true);
	if (*order->payment.qr_url != '\0' && !expired) {
		term_text(a, row++, 0, STYLE_LABEL, _("The same as a link:"));
		row = draw_link(a, row, order->payment.qr_url);
	}
	row = term_paragraph(a, row, renewal_followed(renewal) ? STYLE_OK : STYLE_WARN, renewal_followed(renewal) ?
		_("The payment is noticed by itself.") : _("The connection is being made again. If you have paid, press F5."), true);
	return row;
}

/* What is needed to pay, where no more fits. */
static void draw_brief(const struct renewal *renewal, bool expired, const struct area *a, int row)
{
	const struct order *order = renewal_order(renewal);
	char money[32];
	const int labels = 13;
	row = show_pair(a, row, labels, _("Amount"), STYLE_HEADING, money_text(order->amount_fen, money, sizeof money));
	row = draw_time_left(renewal, a, row, labels);
	if (!expired)
		draw_link(a, row, order->payment.qr_url);
}

static void draw_price_note(const struct order *order, const struct area *a, int row)
{
	char text[sizeof order->price_note + 64];
	if (*order->price_note == '\0')
		return;
	snprintf(text, sizeof text, _("About the price: %s"), order->price_note);
	term_paragraph(a, row, STYLE_DIM, text, true);
}

/* Beside the text, else below it; never a code that a phone could not read. */
static bool place_qr(const struct pay *pay, const struct area *a, const struct area *text, int behind, struct area *out, int *rows, int *cols)
{
	*out = term_sub(a, 0, text->cols + 1, a->rows, a->cols - text->cols - 1);
	if (qr_fits(pay->qr, out, rows, cols))
		return true;
	*out = term_sub(a, behind, 0, a->rows - behind, a->cols);
	int r, c;
	return qr_fits(pay->qr, out, &r, &c);
}

static int draw_no_code(const struct pay *pay, const struct area *a, int row, int rows, int cols)
{
	struct area screen = term_screen();
	char text[256];
	if (pay->qr == NULL)
		snprintf(text, sizeof text, "%s", _("There is no QR code yet. F6 asks for one."));
	else
		snprintf(text, sizeof text, _("The window is too small for the QR code. Make it at least %d columns by %d rows, or use the link."),
			cols + TEXT_COLS_MIN + 1 + screen.cols - a->cols, rows + screen.rows - a->rows);
	return term_paragraph(a, row, STYLE_WARN, text, true);
}

static void draw(struct screen *s, const struct area *body)
{
	struct pay *pay = screen_state(s);
	const struct app *app = screen_app(s);
	const struct renewal *renewal = app->flow.renewal;
	const struct order *order = renewal_order(renewal);
	if (order == NULL)
		return;
	struct area a = *body, out;
	int cols = a.cols - QR_COLS - 1, need_rows = 0, need_cols = 0;
	cols = cols < TEXT_COLS_MIN ? TEXT_COLS_MIN : cols > TEXT_COLS_MAX ? TEXT_COLS_MAX : cols;
	struct area text = term_sub(&a, 0, 0, a.rows, cols < a.cols ? cols : a.cols);
	bool expired = order->payment.expires != 0 && order->payment.expires <= app_now(app);
	if (pay->qr != NULL && !expired) {
		int behind = draw_text(renewal, expired, &text);
		if (place_qr(pay, &a, &text, behind, &out, &need_rows, &need_cols)) {
			qr_draw(pay->qr, &out);
			draw_price_note(order, &text, behind);
			return;
		}
		term_clear(&a, STYLE_NORMAL);
	}
	int row = draw_text(renewal, expired, &a); /* nothing beside it: the whole width */
	bool brief = row + NO_CODE_ROWS > a.rows;
	if (brief) {
		term_clear(&a, STYLE_NORMAL);
		row = 0;
	}
	if (expired)
		row = term_paragraph(&a, row, STYLE_WARN, _("This code has expired. F6 asks for a fresh one."), true);
	else
		row = draw_no_code(pay, &a, row, need_rows, need_cols);
	if (brief)
		draw_brief(renewal, expired, &a, row);
	else
		draw_price_note(order, &a, row);
}

const struct screen_ops page_pay = {
	.name = "pay",
	.title = title,
	.step = 5,
	.state_size = sizeof(struct pay),
	.init = init,
	.free = free_pay,
	.actions = actions,
	.act = act,
	.draw = draw,
	.busy = flow_busy,
};
