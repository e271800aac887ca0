#include "certhall/line.h"

#include <stdlib.h>

#include <json-c/json.h>

#include <certhall/clock.h>
#include <certhall/i18n.h>

static void on_changed(void *ctx)
{
	struct world *world = ctx;
	loop_stop(world->loop, 0);
}

static void add(struct json_object *to, const char *name, const char *text)
{
	if (text[0] != '\0')
		json_object_object_add(to, name, json_object_new_string(text));
}

static struct json_object *cert_json(const struct keyed_cert *cert, int64_t now)
{
	struct json_object *row = json_object_new_object();
	const struct cert_info *info = &cert->info;
	enum standing standing;
	char say[256], moment[24];
	keyed_cert_standing(cert, &standing, say, sizeof say);
	add(row, "fingerprint", info->fingerprint);
	add(row, "serial", info->serial);
	add(row, "holder", info->holder);
	add(row, "subject", info->subject);
	add(row, "issuer", info->issuer);
	add(row, "not_before", clock_rfc3339(info->not_before, moment, sizeof moment));
	add(row, "not_after", clock_rfc3339(info->not_after, moment, sizeof moment));
	json_object_object_add(row, "days_left", json_object_new_int64(clock_days_until(info->not_after, now)));
	add(row, "key_algorithm", info->key_algorithm);
	add(row, "signature_algorithm", info->signature_text);
	add(row, "usage", info->usage);
	add(row, "token_label", cert->slot_label);
	add(row, "token_serial", cert->slot_serial);
	json_object_object_add(row, "of_this_authority", json_object_new_boolean(cert->on_this_ca));
	json_object_object_add(row, "renewable", json_object_new_boolean(keyed_cert_renewable(cert)));
	if (cert->has_standing)
		add(row, "standing", standing_names[standing]);
	add(row, "standing_text", say);
	if (cert->has_standing && cert->standing.has_order) {
		struct json_object *order = json_object_new_object();
		add(order, "number", cert->standing.order.number);
		add(order, "state", order_state_names[cert->standing.order.state]);
		json_object_object_add(row, "order", order);
	}
	return row;
}

static void list_json(const struct keyring *keyring, int64_t now)
{
	struct json_object *all = json_object_new_object(), *rows = json_object_new_array();
	for (size_t i = 0; i < keyring_count(keyring); i++)
		json_object_array_add(rows, cert_json(keyring_cert(keyring, i), now));
	json_object_object_add(all, "certificates", rows);
	puts(json_object_to_json_string_ext(all, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(all);
}

static void list_text(const struct keyring *keyring, int64_t now)
{
	for (size_t i = 0; i < keyring_count(keyring); i++) {
		const struct keyed_cert *cert = keyring_cert(keyring, i);
		const struct cert_info *info = &cert->info;
		enum standing standing;
		char say[256], from[16], to[16];
		long long days = clock_days_until(info->not_after, now);
		keyed_cert_standing(cert, &standing, say, sizeof say);
		line_say(stdout, "%s%s\n", i > 0 ? "\n" : "", info->holder);
		line_say(stdout, _("  Standing: %s\n"), say);
		if (cert->has_standing && cert->standing.has_order)
			line_say(stdout, _("  Unfinished order: %s\n"), cert->standing.order.number);
		line_say(stdout, _("  Valid: %s to %s, "), clock_date(info->not_before, from, sizeof from), clock_date(info->not_after, to, sizeof to));
		line_say(stdout, days >= 0 ? _("%lld days left\n") : _("expired %lld days ago\n"), days >= 0 ? days : -days);
		line_say(stdout, _("  Algorithm: %s, issuer: %s\n"), info->key_text, info->issuer);
		line_say(stdout, _("  Serial number: %s\n  Fingerprint: %s\n"), info->serial, info->fingerprint);
		line_say(stdout, _("  On the key: %s\n"), cert->slot_label);
	}
	if (keyring_count(keyring) == 0)
		line_say(stdout, "%s\n", _("There is no certificate on the key."));
}

int keyring_wait(const struct world *world, struct keyring **keyring, struct error *err)
{
	struct world *waiting = (struct world *)world;
	if (keyring_new(world, on_changed, waiting, keyring) != 0)
		return error_set(err, ERR_NO_MEMORY, NULL, "keyring");
	keyring_refresh(*keyring);
	do
		loop_run(world->loop);
	while (keyring_busy(*keyring));
	const struct error *problem = keyring_error(*keyring);
	if (problem == NULL)
		return 0;
	*err = *problem;
	return (int)problem->code;
}

int command_certs(struct world *world, const struct options *options)
{
	struct keyring *keyring = NULL;
	struct error err;
	int status = EXIT_DONE;
	if (keyring_wait(world, &keyring, &err) != 0) {
		line_error(&err);
		status = EXIT_FAILED;
	} else if (options->json) {
		list_json(keyring, hall_now(world->hall));
	} else {
		list_text(keyring, hall_now(world->hall));
	}
	if (keyring != NULL && keyring_hall_error(keyring) != NULL && status == EXIT_DONE) {
		line_error(keyring_hall_error(keyring));
		status = EXIT_FAILED;
	}
	keyring_free(&keyring);
	return status;
}
