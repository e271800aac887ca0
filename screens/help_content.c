/* The help centre's content: what the hall sent last, else what was installed; read when it is first wanted. */
#include "app.h"

#include <certhall/hall.h>

const char *app_language(void)
{
	return /* TRANSLATORS: the folder of the help texts in this language */ _("en");
}

/* ---- values ---- */

static void say_months(int64_t months, char *out, size_t size)
{
	if (months % 12 == 0)
		snprintf(out, size, ngettext("%d year", "%d years", (unsigned long)(months / 12)), (int)(months / 12));
	else
		snprintf(out, size, ngettext("%d month", "%d months", (unsigned long)months), (int)months);
}

void app_help_values(const struct app *app, struct help_values *out)
{
	const struct hall_info *hall = app->keyring != NULL ? keyring_hall(app->keyring) : NULL;
	*out = (struct help_values){ 0 };
	snprintf(out->before, sizeof out->before, "%s", _("the time set by the hall"));
	snprintf(out->after, sizeof out->after, "%s", out->before);
	snprintf(out->pay_ttl, sizeof out->pay_ttl, "%s", out->before);
	snprintf(out->invoice_days, sizeof out->invoice_days, "%s", _("a few working days"));
	snprintf(out->pinmax, sizeof out->pinmax, "%s", _("several"));
	snprintf(out->drift, sizeof out->drift, ngettext("%d minute", "%d minutes", 5), 5); /* as the environment check has it */
	if (hall == NULL)
		return;
	say_months(hall->project.window.before_months, out->before, sizeof out->before);
	say_months(hall->project.window.after_months, out->after, sizeof out->after);
	snprintf(out->pay_ttl, sizeof out->pay_ttl, ngettext("%d minute", "%d minutes", (unsigned long)hall->pay_minutes), (int)hall->pay_minutes);
	snprintf(out->invoice_days, sizeof out->invoice_days, ngettext("%d working day", "%d working days", (unsigned long)hall->invoice_days),
		(int)hall->invoice_days);
	snprintf(out->hotline, sizeof out->hotline, "%s", hall->hotline);
	if (hall->pin_tries > 0)
		snprintf(out->pinmax, sizeof out->pinmax, "%d", (int)hall->pin_tries);
}

/* ---- the texts ---- */

static int open_texts(struct app *app, const struct help_values *values, struct error *err)
{
	struct help_bundle kept;
	int code = help_kept_read(app_language(), app->settings->signer_file, &kept, NULL);
	if (code == 0)
		code = help_open_bundle(&kept, values, &app->help, NULL);
	codec_free(help_bundle_codec, &kept);
	return code == 0 ? 0 : help_open(app->settings->help_folder, app_language(), values, NULL, NULL, &app->help, err);
}

struct help *app_help(struct app *app)
{
	const struct hall_info *hall = app->keyring != NULL ? keyring_hall(app->keyring) : NULL;
	struct help_values values;
	struct error err;
	if (app->help != NULL && app->help_knows_hall == (hall != NULL))
		return app->help;
	help_free(&app->help);
	app_help_values(app, &values);
	app->help_knows_hall = hall != NULL;
	if (open_texts(app, &values, &err) != 0)
		log_error("help", &err);
	return app->help;
}

/* ---- the hall's ---- */

/* A page that shows the old ones goes on with them. */
static void on_help(void *ctx, const struct error *err, const void *result)
{
	struct app *app = ctx;
	struct error problem;
	app->help_call = NULL;
	if (err == NULL && result == NULL)
		return;
	if (err == NULL && help_keep(result, app_language(), app->settings->signer_file, hall_now(app->world.hall), &problem) != 0)
		err = &problem;
	if (err != NULL)
		log_error("help", err);
	else
		help_free(&app->help);
}

void app_help_fetch(struct app *app)
{
	struct help_bundle kept;
	if (app->help_call != NULL || app->settings->signer_file[0] == '\0' || app->keyring == NULL || keyring_hall(app->keyring) == NULL)
		return;
	(void)!help_kept_read(app_language(), app->settings->signer_file, &kept, NULL);
	app->help_call = hall_get_help(app->world.hall, app_language(), kept.version, on_help, app);
	codec_free(help_bundle_codec, &kept);
}
