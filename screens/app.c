#include "app.h"

#include <string.h>

#include <certhall/clock.h>
#include <certhall/log.h>

/* The doors open a moment after the first paint: it stands whole, and a key typed at once is answered first. */
enum { WAKE_MS = 60, CA_MAX = 8 };

static void on_keyring(void *ctx)
{
	struct app *app = ctx;
	const struct hall_info *hall = keyring_hall(app->keyring);
	if (hall != NULL)
		screen_set_project(hall->project.name);
	if (hall != NULL && !app->help_asked)
		app_help_fetch(app);
	app->help_asked = app->help_asked || hall != NULL;
	lock_key_seen(app);
	for (struct observer *at = app->observers, *next; at != NULL; at = next) {
		next = at->next;
		at->changed(at->page);
		screen_touch(at->page);
	}
}

/* Without the certificate authority's file the checks say what is wrong; nothing else is kept from working. */
static void open_trust(struct app *app)
{
	struct bytes ders[CA_MAX] = { 0 };
	size_t count = 0;
	struct error err = { 0 };
	if (cert_file_read(app->settings->ca_file, ders, CA_MAX, &count, &err) != 0 ||
	    trust_open(ders, count, &app->world.trust, &err) != 0)
		log_error("screens", &err);
	for (size_t i = 0; i < CA_MAX; i++)
		bytes_free(&ders[i]);
}

static int open_doors(struct app *app)
{
	struct settings *settings = app->settings;
	struct token_options token = {
		.module = settings->module,
		.module_args = *settings->module_args != '\0' ? settings->module_args : NULL,
		.helper = *settings->helper != '\0' ? settings->helper : NULL,
	};
	int code = 0;
	if (app->world.hall == NULL)
		code = hall_new(app->loop, settings, &app->world.hall);
	if (code == 0 && app->world.token == NULL)
		code = token_new(app->loop, &token, &app->world.token);
	if (code == 0)
		slow_join(app);
	if (code == 0 && app->world.trust == NULL)
		open_trust(app);
	if (code == 0)
		code = keyring_new(&app->world, on_keyring, app, &app->keyring);
	if (code == 0)
		keyring_refresh(app->keyring);
	return code;
}

static void wake(void *ctx)
{
	struct app *app = ctx;
	if (app->keyring != NULL)
		return;
	app->wake_error = (struct error){ 0 };
	int code = open_doors(app);
	if (code != 0)
		error_set(&app->wake_error, (enum error_code)code, NULL, "opening the doors");
	screen_touch(screen_top());
}

bool app_awake(struct app *app)
{
	loop_timer_cancel(app->loop, &app->wake);
	wake(app);
	if (app->wake_error.code != ERR_OK)
		dialog_error(&app->wake_error);
	return app->wake_error.code == ERR_OK;
}

void app_observe(struct app *app, struct observer *observer, struct screen *page, void (*changed)(struct screen *page))
{
	*observer = (struct observer){ .next = app->observers, .changed = changed, .page = page };
	app->observers = observer;
}

void app_unobserve(struct app *app, struct observer *observer)
{
	for (struct observer **at = &app->observers; *at != NULL; at = &(*at)->next)
		if (*at == observer) {
			*at = observer->next;
			return;
		}
}

int64_t app_now(const struct app *app)
{
	return app->world.hall != NULL ? hall_now(app->world.hall) : clock_now();
}

const char *app_hotline(const struct app *app)
{
	const struct hall_info *hall = app->keyring != NULL ? keyring_hall(app->keyring) : NULL;
	return hall != NULL && *hall->hotline != '\0' ? hall->hotline : _("customer service");
}

static void close_doors(struct app *app)
{
	loop_timer_cancel(app->loop, &app->wake);
	chat_close(app);
	renewal_free(&app->flow.renewal);
	help_free(&app->help);
	keyring_free(&app->keyring);
	token_free(&app->world.token);
	hall_free(&app->world.hall);
	trust_free(&app->world.trust);
	secret_wipe(&app->flow, sizeof app->flow);
}

int screens_run(struct loop *loop, struct settings *settings, const struct screens_options *options, struct error *err)
{
	struct app app = { .loop = loop, .settings = settings, .world = { .loop = loop, .settings = settings } };
	const char *theme = options->theme != NULL ? options->theme : settings->theme;
	struct term_options term = {
		.theme = *theme != '\0' ? theme : NULL,
		.esc_delay_ms = settings->esc_delay_ms,
		.ambiguous = options->ambiguous != 0 ? options->ambiguous : settings->ambiguous,
	};
	int code = term_open(loop, &term, err);
	if (code != 0)
		return code;
	screen_start(loop, &app);
	help_join(&app);
	if (!options->desk) { /* an agent waits for long, and is found at the desk */
		lock_join(&app);
		chat_join(&app);
	}
	screen_push(options->desk ? &page_desk_login : &page_home, NULL);
	code = loop_timer_start(loop, &app.wake, WAKE_MS, wake, &app);
	if (code == 0)
		(void)loop_run(loop);
	else
		error_set(err, (enum error_code)code, NULL, "timer");
	screen_finish();
	close_doors(&app);
	term_close();
	return code;
}
