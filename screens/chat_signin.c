/* Showing the key first: the agent then sees whose certificate it is, and the conversation can be gone on with elsewhere. */
#include "app.h"

#include <string.h>

/* What the hall would refuse is not offered: of a renewed one the old certificate may still be on the key. */
static bool shows(const struct keyed_cert *cert)
{
	enum standing standing = cert->standing.standing;
	bool refused = standing == STANDING_SUPERSEDED || standing == STANDING_REVOKED || standing == STANDING_NOT_YET_VALID;
	return cert->on_this_ca && cert->has_key && !(cert->has_standing && refused);
}

static size_t shown_certs(const struct app *app, const struct keyed_cert *out[], size_t most)
{
	size_t count = 0;
	for (size_t i = 0; app->keyring != NULL && i < keyring_count(app->keyring) && count < most; i++)
		if (shows(keyring_cert(app->keyring, i)))
			out[count++] = keyring_cert(app->keyring, i);
	return count;
}

bool chat_can_sign_in(const struct app *app)
{
	const struct keyed_cert *one;
	return !hall_logged_in(app->world.hall) && app->chat.signin == NULL && keyring_slot(app->keyring) != NULL && shown_certs(app, &one, 1) > 0;
}

static void on_signed_in(void *ctx, const struct error *err)
{
	struct app *app = ctx;
	app->chat.signin = NULL;
	screen_touch(screen_top());
	if (err != NULL)
		dialog_error(err);
}

static void on_pin(struct app *app, struct secret *pin)
{
	const struct keyed_cert *certs[CHAT_CERTS];
	size_t count = shown_certs(app, certs, CHAT_CERTS);
	for (size_t i = 0; pin != NULL && i < count && app->chat.signin == NULL; i++)
		if (strcmp(certs[i]->info.serial, app->chat.serial) == 0) {
			snprintf(app->chat.holder, sizeof app->chat.holder, "%s", certs[i]->info.holder);
			app->chat.signin = signin_start(&app->world, certs[i], pin, on_signed_in, app);
		}
}

static void ask_pin(struct app *app, const struct keyed_cert *cert)
{
	snprintf(app->chat.serial, sizeof app->chat.serial, "%s", cert->info.serial);
	if (keyring_slot(app->keyring) != NULL)
		app_ask_pin(app, keyring_slot(app->keyring), cert->info.holder, NULL, on_pin);
}

static void on_cert(void *ctx, int choice)
{
	struct app *app = ctx;
	const struct keyed_cert *certs[CHAT_CERTS];
	size_t count = shown_certs(app, certs, CHAT_CERTS);
	if (choice >= 0 && (size_t)choice < count)
		ask_pin(app, certs[choice]);
}

void chat_sign_in(struct app *app)
{
	const struct keyed_cert *certs[CHAT_CERTS];
	const char *holders[CHAT_CERTS];
	size_t count = shown_certs(app, certs, CHAT_CERTS);
	for (size_t i = 0; i < count; i++)
		holders[i] = certs[i]->info.holder;
	if (count == 1)
		ask_pin(app, certs[0]);
	else if (count > 1)
		dialog_choose(_("Show the key"), _("Which certificate is it about?"), holders, count, on_cert, app);
}
