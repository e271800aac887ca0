#include "app.h"

#include <stdlib.h>
#include <string.h>

#include <certhall/clock.h>
#include <certhall/file.h>
#include <certhall/path.h>

#include "invoices.h"

struct done {
	struct bar bar;
	struct hall_call *call; /* for the invoices of this key */
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
	return _("Renewal complete");
}

static const struct action *actions(struct screen *s)
{
	struct done *done = screen_state(s);
	if (done->call != NULL)
		return BAR(&done->bar, ACT_STOP);
	if (((const struct app *)screen_app(s))->settings->kiosk)
		return BAR(&done->bar, ACT_HOME, ACT_INVOICES);
	return BAR(&done->bar, ACT_HOME, ACT_SAVE, ACT_INVOICES);
}

/* ---- the receipt ---- */

static void ask_path(struct app *app, const char *initial);

static void on_path(void *ctx, const char *typed)
{
	struct app *app = ctx;
	char path[FILE_PATH_MAX];
	struct error err = { 0 };
	char say[FILE_PATH_MAX + 64];
	if (typed == NULL || *typed == '\0' || app->flow.renewal == NULL)
		return;
	path_expand(typed, path, sizeof path);
	char *text = renewal_receipt(app->flow.renewal);
	int code = text == NULL ? error_set(&err, ERR_NO_MEMORY, NULL, "receipt") : file_create(path, text, strlen(text), &err);
	free(text);
	if (code != 0) {
		ask_path(app, path);
		dialog_error(&err);
		return;
	}
	snprintf(say, sizeof say, _("The receipt was saved as %s."), path);
	screen_notice(app->flow.page, STYLE_OK, say);
}

static void ask_path(struct app *app, const char *initial)
{
	dialog_path(_("Save receipt"), _("The file to save the receipt as (one that does not exist yet):"), initial, on_path, app);
}

static void save(struct app *app)
{
	char path[FILE_PATH_MAX];
	const struct order *order = renewal_order(app->flow.renewal);
	const char *home = getenv("HOME");
	snprintf(path, sizeof path, "%s%scerthall-%s.txt", home != NULL ? home : "", home != NULL ? "/" : "",
		order != NULL ? order->number : "receipt");
	ask_path(app, path);
}

/* ---- the invoice: whoever holds the key needs no picture ---- */

static void on_invoices(void *ctx, const struct error *err, const void *result)
{
	struct screen *s = ctx;
	((struct done *)screen_state(s))->call = NULL;
	screen_touch(s);
	if (err != NULL)
		dialog_error(err);
	else
		screen_push(&page_invoices, (void *)(uintptr_t)result);
}

static void free_done(struct screen *s)
{
	struct done *done = screen_state(s);
	hall_cancel(&done->call);
}

static bool busy(struct screen *s, const char **what)
{
	const struct done *done = screen_state(s);
	*what = _("Looking for invoices");
	return done->call != NULL;
}

static int act(struct screen *s, int action)
{
	static const struct invoice_query all = { 0 };
	struct app *app = screen_app(s);
	struct done *done = screen_state(s);
	if (action == ACT_SAVE) {
		save(app);
	} else if (action == ACT_INVOICES && !hall_logged_in(app->world.hall)) {
		screen_push(&page_invoice, NULL);
	} else if (action == ACT_INVOICES) {
		done->call = hall_query_invoices(app->world.hall, &all, on_invoices, s);
	} else if (action == ACT_STOP) {
		hall_cancel(&done->call);
	} else {
		flow_leave(app);
		screen_pop_to("home");
	}
	return SCREEN_REDRAW;
}

static int key(struct screen *s, const struct key *key)
{
	return key->code == KEY_CODE_ESC ? act(s, ACT_HOME) : SCREEN_IGNORED; /* the workflow behind it is over */
}

static int draw_verified(const struct renewal *renewal, const struct area *a, int row)
{
	static const enum install_step shown[] = { STEP_CHECK, STEP_WRITE, STEP_READ_BACK, STEP_PROVE, STEP_TELL, STEP_OLD };
	term_text(a, row++, 0, STYLE_LABEL, _("What was done and verified:"));
	for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
		if (renewal_step(renewal, shown[i]) == STEP_DONE)
			term_textf(a, row++, 2, STYLE_OK, "- %s", install_step_name(shown[i]));
	return row;
}

static void draw(struct screen *s, const struct area *body)
{
	const struct renewal *renewal = ((struct app *)screen_app(s))->flow.renewal;
	const struct cert_info *cert = renewal_new_cert(renewal);
	const struct order *order = renewal_order(renewal);
	const int labels = 16;
	char from[16], to[16], text[256];
	struct area a = term_inset(body, 0, 1);
	term_text(&a, 0, 0, STYLE_OK, _("The certificate has been renewed."));
	int row = 2;
	if (cert != NULL) {
		snprintf(text, sizeof text, _("%s to %s"), clock_date(cert->not_before, from, sizeof from), clock_date(cert->not_after, to, sizeof to));
		row = show_pair(&a, row, labels, _("Holder"), STYLE_HEADING, cert->holder);
		row = show_pair(&a, row, labels, _("New validity"), STYLE_HEADING, text);
		row = show_pair(&a, row, labels, _("Serial"), STYLE_NORMAL, cert->serial);
		row = show_pair(&a, row, labels, _("Algorithm"), STYLE_NORMAL, cert->key_text);
	}
	if (order != NULL)
		row = show_pair(&a, row, labels, _("Order number"), STYLE_NORMAL, order->number);
	row = draw_verified(renewal, &a, row + 1) + 1;
	snprintf(text, sizeof text, _("The invoice comes within %d working days; look for it under Invoices."), order != NULL ? (int)order->invoice_days : 3);
	term_paragraph(&a, row, STYLE_NORMAL, text, true);
}

const struct screen_ops page_done = {
	.name = "done",
	.title = title,
	.step = 7,
	.state_size = sizeof(struct done),
	.init = init,
	.actions = actions,
	.act = act,
	.key = key,
	.draw = draw,
	.free = free_done,
	.busy = busy,
};
