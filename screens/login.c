#include "app.h"

struct login {
	struct bar bar;
};

static int init(struct screen *s, void *arg)
{
	struct app *app = screen_app(s);
	(void)arg;
	flow_join(s, NULL);
	flow_ask_pin(app, renewal_login);
	return 0;
}

static const char *title(struct screen *s)
{
	(void)s;
	return _("Choose certificate");
}

static const struct action *actions(struct screen *s)
{
	struct login *login = screen_state(s);
	const char *what;
	if (flow_busy(s, &what))
		return BAR(&login->bar, ACT_STOP);
	return BAR(&login->bar, ACT_LOGIN, ACT_BACK);
}

static int act(struct screen *s, int action)
{
	struct app *app = screen_app(s);
	if (action == ACT_LOGIN)
		flow_ask_pin(app, renewal_login);
	else if (action == ACT_STOP)
		renewal_abandon_work(app->flow.renewal);
	else
		flow_leave(app);
	return SCREEN_REDRAW;
}

static void draw(struct screen *s, const struct area *body)
{
	const struct app *app = screen_app(s);
	struct area a = term_inset(body, 0, 1);
	show_cert(app, &a, renewal_cert(app->flow.renewal));
	term_rule(&a, SHOW_CERT_ROWS, STYLE_DIM);
	term_paragraph(&a, SHOW_CERT_ROWS + 1, STYLE_NORMAL, _("To log in to the hall, the key signs what the hall asks for; this needs the key's PIN. "
		"The PIN stays on this computer. The hall sees only the signature."), true);
}

const struct screen_ops page_login = {
	.name = "login",
	.title = title,
	.step = 3,
	.state_size = sizeof(struct login),
	.init = init,
	.actions = actions,
	.act = act,
	.draw = draw,
	.busy = flow_busy,
};
