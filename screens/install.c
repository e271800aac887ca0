#include "app.h"

struct install {
	struct bar bar;
};

static void changed(struct screen *s)
{
	const struct app *app = screen_app(s);
	screen_lock(s, renewal_phase(app->flow.renewal) == RENEWAL_INSTALLING);
}

static int init(struct screen *s, void *arg)
{
	(void)arg;
	flow_join(s, changed);
	changed(s);
	return 0;
}

static const char *title(struct screen *s)
{
	(void)s;
	return _("Install certificate");
}

static const struct action *actions(struct screen *s)
{
	struct install *install = screen_state(s);
	const struct app *app = screen_app(s);
	switch (renewal_phase(app->flow.renewal)) {
	case RENEWAL_WORKING: return BAR(&install->bar, ACT_STOP);
	case RENEWAL_NEED_INSTALL: return BAR(&install->bar, ACT_INSTALL, ACT_BACK);
	case RENEWAL_INSTALL_FAILED: return BAR(&install->bar, ACT_RECOVER, ACT_BACK);
	default: return bar_set(&install->bar, (const enum page_action[]){ 0 });
	}
}

static int act(struct screen *s, int action)
{
	struct app *app = screen_app(s);
	if (action == ACT_INSTALL)
		flow_ask_pin(app, renewal_install);
	else if (action == ACT_RECOVER)
		renewal_recover(app->flow.renewal);
	else if (action == ACT_STOP)
		renewal_abandon_work(app->flow.renewal);
	else
		flow_leave(app);
	return SCREEN_REDRAW;
}

static int draw_head(const struct renewal *renewal, const struct area *a)
{
	const struct order *order = renewal_order(renewal);
	const struct error *err = renewal_error(renewal);
	char text[768];
	if (order != NULL)
		term_textf(a, 0, 0, STYLE_NORMAL, _("Order %s is paid."), order->number);
	switch (renewal_phase(renewal)) {
	case RENEWAL_INSTALLING:
		return term_paragraph(a, 1, STYLE_WARN, _("The certificate is being installed. Do not pull the key out; this page cannot be left now."), true);
	case RENEWAL_INSTALL_FAILED:
		term_text(a, 1, 0, STYLE_BAD, _("The installation did not succeed."));
		if (err != NULL)
			term_paragraph(a, 2, STYLE_BAD, error_sentence(err, text, sizeof text), true);
		return err != NULL ? term_paragraph(a, 2, STYLE_BAD, text, false) : 2;
	default:
		return term_paragraph(a, 1, STYLE_NORMAL, _("Install certificate asks for the PIN and puts the new certificate on the key. "
			"It can be repeated; nothing is paid or issued twice."), true);
	}
}

/* Each state has its word; the colour only repeats it. */
static const char *state_word(enum step_state state, enum style *style)
{
	switch (state) {
	case STEP_NOW: *style = STYLE_HEADING; return _("under way");
	case STEP_DONE: *style = STYLE_OK; return _("done");
	case STEP_FAILED: *style = STYLE_BAD; return _("failed");
	case STEP_SKIPPED: *style = STYLE_DIM; return _("not needed");
	default: *style = STYLE_DIM; return _("to do");
	}
}

static void draw(struct screen *s, const struct area *body)
{
	const struct renewal *renewal = ((struct app *)screen_app(s))->flow.renewal;
	struct area a = term_inset(body, 0, 1);
	int row = draw_head(renewal, &a) + 1;
	for (int i = 0; i < INSTALL_STEPS; i++, row++) {
		enum step_state state = renewal_step(renewal, (enum install_step)i);
		enum style style;
		const char *word = state_word(state, &style);
		term_textf(&a, row, 0, STYLE_DIM, "%2d", i + 1);
		term_cell(&a, row, 3, 12, style, word);
		term_text(&a, row, 16, state == STEP_TODO ? STYLE_DIM : STYLE_NORMAL, install_step_name((enum install_step)i));
	}
	if (renewal_phase(renewal) == RENEWAL_INSTALL_FAILED)
		term_paragraph(&a, row + 1, STYLE_NORMAL, _("Recover finds out from the hall and the key where it stood and goes on from there. Your payment is kept."), true);
}

const struct screen_ops page_install = {
	.name = "install",
	.title = title,
	.step = 6,
	.state_size = sizeof(struct install),
	.init = init,
	.actions = actions,
	.act = act,
	.draw = draw,
	.busy = flow_busy,
};
