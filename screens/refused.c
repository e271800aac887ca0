#include "app.h"

struct refused {
	struct bar bar;
};

static int init(struct screen *s, void *arg)
{
	(void)arg;
	flow_join(s, NULL);
	return 0;
}

static const char *title(struct screen *s)
{
	(void)s;
	return _("Renewal cannot go on");
}

static const struct action *actions(struct screen *s)
{
	struct refused *refused = screen_state(s);
	return BAR(&refused->bar, ACT_HOME);
}

static int act(struct screen *s, int action)
{
	struct app *app = screen_app(s);
	(void)action;
	flow_leave(app);
	screen_pop_to("home");
	return SCREEN_REDRAW;
}

static int key(struct screen *s, const struct key *key)
{
	return key->code == KEY_CODE_ESC ? act(s, ACT_HOME) : SCREEN_IGNORED;
}

static const char *order_end(const struct order *order)
{
	switch (order != NULL ? (enum order_state)order->state : ORDER_CREATED) {
	case ORDER_CANCELLED: return _("This order has been cancelled; nothing is to be paid for it any more. A new one can be made at any time.");
	case ORDER_REFUNDING: return _("This order was cancelled before the payment came; the payment is being given back.");
	case ORDER_REFUNDED: return _("This order was cancelled and the payment has been given back.");
	default: return NULL;
	}
}

static void draw(struct screen *s, const struct area *body)
{
	const struct renewal *renewal = ((struct app *)screen_app(s))->flow.renewal;
	const struct error *err = renewal_error(renewal);
	const struct order *order = renewal_order(renewal);
	char text[768];
	struct area a = term_inset(body, 0, 1);
	int row = 0;
	if (order != NULL)
		row = show_pair(&a, row, 16, _("Order number"), STYLE_NORMAL, order->number);
	if (order_end(order) != NULL)
		term_paragraph(&a, row, STYLE_WARN, order_end(order), true);
	else if (err != NULL)
		term_paragraph(&a, row, STYLE_WARN, error_sentence(err, text, sizeof text), true);
}

const struct screen_ops page_refused = {
	.name = "refused",
	.title = title,
	.state_size = sizeof(struct refused),
	.init = init,
	.actions = actions,
	.act = act,
	.key = key,
	.draw = draw,
};
