#include "app.h"

#include <string.h>

static const struct screen_ops *page_of(enum renewal_phase phase)
{
	switch (phase) {
	case RENEWAL_WORKING: return NULL; /* stays where it is */
	case RENEWAL_NEED_PIN: return &page_login;
	case RENEWAL_NEED_DETAILS: return &page_details;
	case RENEWAL_NEED_PAYMENT: return &page_pay;
	case RENEWAL_NEED_INSTALL: return &page_install;
	case RENEWAL_INSTALLING: return &page_install;
	case RENEWAL_INSTALL_FAILED: return &page_install;
	case RENEWAL_DONE: return &page_done;
	case RENEWAL_REFUSED: return &page_refused;
	}
	return NULL;
}

static void go_to_page(struct app *app, enum renewal_phase phase)
{
	const struct screen_ops *wanted = page_of(phase);
	struct flow *flow = &app->flow;
	if (flow->page == NULL) {
		(void)screen_push(wanted != NULL ? wanted : &page_login, NULL);
		return;
	}
	if (wanted == NULL || wanted == screen_ops_of(flow->page))
		return;
	struct screen *old = flow->page;
	bool talking = chat_on_top(app);
	while (screen_top() != old)
		screen_pop(screen_top()); /* dialogs of the page that goes */
	flow->pin_waiting = false;
	flow->page = NULL; /* flow_join of the new page sets it */
	screen_replace(old, wanted, NULL);
	if (talking)
		chat_show(app);
}

void flow_join(struct screen *page, void (*changed)(struct screen *page))
{
	struct app *app = screen_app(page);
	app->flow.page = page;
	app->flow.changed = changed;
}

static bool about_pin(const struct error *err)
{
	return err->code == ERR_PIN_INCORRECT || err->code == ERR_PIN_LOW || err->code == ERR_PIN_FINAL || err->code == ERR_PIN_LENGTH;
}

/* ---- the PIN ---- */

static void on_pin(void *ctx, struct secret *pin)
{
	struct app *app = ctx;
	app->pin_ask.done(app, pin);
}

static void on_pin_pad(void *ctx, int choice)
{
	struct secret none = { 0 };
	on_pin(ctx, choice == 0 ? &none : NULL);
}

static void say_locked(void)
{
	struct error err;
	error_set(&err, ERR_PIN_LOCKED, NULL, "flag");
	dialog_error(&err);
}

static void open_pin_dialog(struct app *app)
{
	const struct pin_ask *ask = &app->pin_ask;
	char warning[512] = "", text[512];
	if (about_pin(&ask->err))
		error_sentence(&ask->err, warning, sizeof warning);
	else if (ask->slot.pin_final)
		snprintf(warning, sizeof warning, "%s", _(PIN_LAST_TRY));
	else if (ask->slot.pin_low)
		snprintf(warning, sizeof warning, "%s", _("Only a few tries are left, because a wrong PIN was entered before."));
	snprintf(text, sizeof text, _("Key: %s\nCertificate: %s"), ask->slot.label, ask->holder);
	if (!ask->slot.pin_pad) {
		dialog_pin(_("Enter the key's PIN"), text, *warning != '\0' ? warning : NULL, on_pin, app);
		return;
	}
	const char *choices[] = { _("Go on, and enter it on the reader"), _("Back") };
	char both[1200];
	snprintf(both, sizeof both, "%s\n%s%s%s", text, warning, *warning != '\0' ? "\n" : "",
		_("This reader has its own keypad: the PIN is entered there, not here."));
	dialog_choose(_("Enter the key's PIN"), both, choices, 2, on_pin_pad, app);
}

static void on_last_try(void *ctx, int choice)
{
	if (choice == 1)
		open_pin_dialog(ctx);
}

/* Whoever is not sure of the PIN keeps a key that is not locked. */
static void ask_last_try(struct app *app)
{
	const char *choices[] = { _("Back, and do not risk it"), _("I am sure of the PIN; enter it") };
	char text[512];
	snprintf(text, sizeof text, "%s\n%s", _(PIN_LAST_TRY), _("A locked key cannot be unlocked here: only the certificate authority can do it, "
		"once it has seen who you are. Find out the PIN first if you are not sure."));
	dialog_choose(_("The last try"), text, choices, 2, on_last_try, app);
}

void app_ask_pin(struct app *app, const struct token_slot *slot, const char *holder, const struct error *err,
	void (*done)(struct app *app, struct secret *pin))
{
	app->pin_ask = (struct pin_ask){ .slot = *slot, .done = done };
	snprintf(app->pin_ask.holder, sizeof app->pin_ask.holder, "%s", holder);
	if (err != NULL)
		app->pin_ask.err = *err;
	if (slot->pin_locked)
		say_locked();
	else if (slot->pin_final)
		ask_last_try(app);
	else
		open_pin_dialog(app);
}

static void on_flow_pin(struct app *app, struct secret *pin)
{
	struct flow *flow = &app->flow;
	if (pin != NULL && flow->pin_then != NULL && flow->renewal != NULL)
		flow->pin_then(flow->renewal, pin);
}

/* The flags have come, or why they could not be read. */
static void on_flags(struct app *app)
{
	struct flow *flow = &app->flow;
	const struct token_slot *slot = renewal_slot(flow->renewal);
	const struct error *err = renewal_slot_error(flow->renewal);
	if (!flow->pin_waiting || (slot == NULL && err == NULL))
		return;
	flow->pin_waiting = false;
	if (slot == NULL)
		dialog_error(err);
	else
		app_ask_pin(app, slot, renewal_cert(flow->renewal)->info.holder, renewal_error(flow->renewal), on_flow_pin);
}

void flow_ask_pin(struct app *app, void (*then)(struct renewal *renewal, struct secret *pin))
{
	app->flow.pin_then = then;
	app->flow.pin_waiting = true;
	renewal_refresh_slot(app->flow.renewal);
}

/* ---- the flow ---- */

/* Something was asked for and has failed: said once, when it ends. After a wrong PIN it is asked for again. */
static void on_work_ended(struct app *app, enum renewal_phase phase)
{
	const struct error *err = renewal_error(app->flow.renewal);
	app->flow.said = err != NULL ? *err : (struct error){ 0 };
	if (err == NULL || err->code == ERR_CANCELLED || phase == RENEWAL_REFUSED || phase == RENEWAL_INSTALL_FAILED)
		return;
	if (about_pin(err) && phase == RENEWAL_NEED_PIN)
		flow_ask_pin(app, renewal_login);
	else if (about_pin(err) && phase == RENEWAL_NEED_INSTALL)
		flow_ask_pin(app, renewal_install);
	else if (err->code != ERR_INVALID_FIELD || phase != RENEWAL_NEED_DETAILS)
		dialog_error(err);
}

static void follow(void *ctx)
{
	struct app *app = ctx;
	struct flow *flow = &app->flow;
	enum renewal_phase phase = renewal_phase(flow->renewal);
	bool working = phase == RENEWAL_WORKING || phase == RENEWAL_INSTALLING;
	const struct error *err = renewal_error(flow->renewal);
	bool fresh = err != NULL && (err->code != flow->said.code || strcmp(err->detail, flow->said.detail) != 0);
	bool ended = !working && (flow->working || fresh); /* what failed at once was never seen working */
	flow->working = working;
	const struct session *session = renewal_session(flow->renewal);
	if (session != NULL)
		screen_set_project(session->project.name);
	go_to_page(app, phase);
	if (flow->page == NULL)
		return;
	if (flow->changed != NULL)
		flow->changed(flow->page);
	screen_touch(flow->page);
	if (ended)
		on_work_ended(app, phase);
	on_flags(app);
}

void flow_begin(struct app *app, const struct keyed_cert *cert)
{
	struct flow *flow = &app->flow;
	struct error err;
	flow_end(app);
	int code = renewal_new(&app->world, cert, follow, app, &flow->renewal);
	if (code != 0) {
		error_set(&err, (enum error_code)code, NULL, "renewal");
		dialog_error(&err);
		return;
	}
	follow(app);
}

void flow_end(struct app *app)
{
	renewal_free(&app->flow.renewal);
	secret_wipe(&app->flow, sizeof app->flow);
}

void flow_leave(struct app *app)
{
	struct flow *flow = &app->flow;
	struct screen *page = flow->page;
	bool changed = renewal_order(flow->renewal) != NULL; /* the key or the standings may be other than they were */
	flow_end(app);
	if (page != NULL)
		screen_pop(page);
	if (changed)
		keyring_refresh(app->keyring);
}

bool flow_busy(struct screen *s, const char **what)
{
	const struct app *app = screen_app(s);
	const struct renewal *renewal = app->flow.renewal;
	if (renewal == NULL)
		return false;
	enum renewal_phase phase = renewal_phase(renewal);
	if (phase != RENEWAL_WORKING && phase != RENEWAL_INSTALLING)
		return false;
	*what = renewal_doing(renewal);
	return true;
}
