#include <certhall/renewal.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <certhall/clock.h>
#include <certhall/i18n.h>
#include <certhall/log.h>

struct keyring {
	const struct world *world;
	keyring_fn *changed;
	void *ctx;
	bool reading;
	struct error err, hall_err; /* code ERR_OK: none */
	bool has_slot, has_info;
	struct token_slot slot;
	struct hall_info info;
	struct hall_call *info_call, *standings_call;
	size_t count;
	struct keyed_cert certs[TOKEN_CERTS];
};

static void read_all(struct keyring *keyring);

static void on_token_changed(void *ctx)
{
	read_all(ctx);
}

int keyring_new(const struct world *world, keyring_fn *changed, void *ctx, struct keyring **out)
{
	struct keyring *keyring = calloc(1, sizeof *keyring);
	if (keyring == NULL)
		return ERR_NO_MEMORY;
	keyring->world = world;
	keyring->changed = changed;
	keyring->ctx = ctx;
	*out = keyring;
	return 0;
}

static void forget_certs(struct keyring *keyring)
{
	for (size_t i = 0; i < keyring->count; i++)
		bytes_free(&keyring->certs[i].der);
	keyring->count = 0;
}

static void stop(struct keyring *keyring)
{
	token_forget(keyring->world->token, keyring);
	hall_cancel(&keyring->info_call);
	hall_cancel(&keyring->standings_call);
	keyring->reading = false;
}

void keyring_free(struct keyring **keyring_ref)
{
	struct keyring *keyring = *keyring_ref;
	if (keyring == NULL)
		return;
	*keyring_ref = NULL;
	stop(keyring);
	token_watch(keyring->world->token, NULL, NULL);
	forget_certs(keyring);
	free(keyring);
}

/* ---- what the hall says ---- */

/* Renewable ones first, then by the end. */
static int compare(const void *left, const void *right)
{
	const struct keyed_cert *a = left, *b = right;
	bool first = keyed_cert_renewable(a), second = keyed_cert_renewable(b);
	if (first != second)
		return first ? -1 : 1;
	return a->info.not_after < b->info.not_after ? -1 : a->info.not_after > b->info.not_after;
}

/* What it said before is not shown as if it still said so. */
static void hall_failed(struct keyring *keyring, const struct error *err)
{
	keyring->hall_err = *err;
	for (size_t i = 0; i < keyring->count; i++)
		keyring->certs[i].has_standing = false;
}

static void on_standings(void *ctx, const struct error *err, const void *result)
{
	struct keyring *keyring = ctx;
	const struct standing_answer *answer = result;
	keyring->standings_call = NULL;
	if (err != NULL)
		hall_failed(keyring, err);
	for (size_t i = 0; answer != NULL && i < keyring->count && i < answer->certificates_count; i++) {
		const struct cert_standing *standing = &answer->certificates[i];
		if (standing->fingerprint[0] != '\0' && strcmp(standing->fingerprint, keyring->certs[i].info.fingerprint) != 0)
			continue;
		keyring->certs[i].standing = *standing;
		keyring->certs[i].has_standing = true;
	}
	qsort(keyring->certs, keyring->count, sizeof *keyring->certs, compare);
	keyring->changed(keyring->ctx);
}

static void ask_standings(struct keyring *keyring)
{
	struct standing_request request = { .certificates_count = keyring->count };
	if (keyring->reading || keyring->count == 0)
		return;
	for (size_t i = 0; i < keyring->count; i++)
		request.certificates[i].der = keyring->certs[i].der; /* lent */
	keyring->standings_call = hall_standings(keyring->world->hall, &request, on_standings, keyring);
}

static void on_info(void *ctx, const struct error *err, const void *result)
{
	struct keyring *keyring = ctx;
	keyring->info_call = NULL;
	if (err != NULL)
		hall_failed(keyring, err);
	else
		keyring->info = *(const struct hall_info *)result;
	keyring->has_info = keyring->has_info || err == NULL;
	if (err == NULL)
		ask_standings(keyring);
	keyring->changed(keyring->ctx);
}

/* ---- what is on the key ---- */

static void read_failed(struct keyring *keyring, const struct error *err)
{
	keyring->err = *err;
	keyring->reading = false;
	forget_certs(keyring);
	keyring->changed(keyring->ctx);
}

/* What the hall said of a certificate holds until it has answered anew: a person who goes on meanwhile need not wait. */
static void carry_standing(struct keyed_cert *cert, const struct keyed_cert *before, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (before[i].has_standing && strcmp(before[i].info.fingerprint, cert->info.fingerprint) == 0) {
			cert->has_standing = true;
			cert->standing = before[i].standing;
		}
}

static void add_cert(struct keyring *keyring, struct token_cert *found)
{
	struct keyed_cert *cert = &keyring->certs[keyring->count];
	struct error err;
	*cert = (struct keyed_cert){ .has_key = found->has_public_key, .slot = keyring->slot.id };
	if (cert_info_read(found->der.data, found->der.len, &cert->info, &err) != 0) {
		log_error("keyring", &err);
		return;
	}
	cert->on_this_ca = keyring->world->trust != NULL
		&& trust_check_chain(keyring->world->trust, found->der.data, found->der.len, hall_now(keyring->world->hall), NULL) == 0;
	snprintf(cert->slot_label, sizeof cert->slot_label, "%s", keyring->slot.label);
	snprintf(cert->slot_serial, sizeof cert->slot_serial, "%s", keyring->slot.serial);
	cert->der = found->der;
	found->der = (struct bytes){ 0 };
	keyring->count++;
}

static void on_certs(void *ctx, const struct error *err, struct token_certs *certs)
{
	struct keyring *keyring = ctx;
	if (err != NULL) {
		read_failed(keyring, err);
		return;
	}
	struct keyed_cert *before = malloc(sizeof keyring->certs); /* NULL: then the hall's answer is waited for */
	size_t known = before != NULL ? keyring->count : 0;
	if (before != NULL)
		memcpy(before, keyring->certs, keyring->count * sizeof *before);
	forget_certs(keyring);
	for (size_t i = 0; i < certs->count; i++)
		add_cert(keyring, &certs->certs[i]);
	for (size_t i = 0; i < keyring->count && keyring->hall_err.code == ERR_OK; i++)
		carry_standing(&keyring->certs[i], before, known);
	free(before);
	qsort(keyring->certs, keyring->count, sizeof *keyring->certs, compare);
	keyring->reading = false;
	if (keyring->info_call == NULL && keyring->hall_err.code == ERR_OK)
		ask_standings(keyring);
	keyring->changed(keyring->ctx);
}

int token_list_only(const struct token_list *list, const struct token_slot **slot, struct error *err)
{
	size_t ready = 0;
	*slot = NULL;
	for (size_t i = 0; i < list->count; i++)
		if (list->slots[i].initialised && ready++ == 0)
			*slot = &list->slots[i];
	if (ready == 1)
		return 0;
	*slot = NULL;
	return error_set(err, ready > 1 ? ERR_TOKEN_SEVERAL : list->count > 0 ? ERR_TOKEN_UNINITIALISED : ERR_TOKEN_ABSENT,
		NULL, "%zu of %zu tokens initialised", ready, list->count);
}

static void on_list(void *ctx, const struct error *err, const struct token_list *list)
{
	struct keyring *keyring = ctx;
	const struct token_slot *slot;
	struct error problem;
	if (err == NULL && token_list_only(list, &slot, &problem) != 0)
		err = &problem;
	if (err != NULL) {
		read_failed(keyring, err);
		return;
	}
	keyring->slot = *slot;
	keyring->has_slot = true;
	token_read_certs(keyring->world->token, keyring->slot.id, on_certs, keyring);
}

static void read_all(struct keyring *keyring)
{
	stop(keyring);
	keyring->err = keyring->hall_err = (struct error){ 0 };
	keyring->has_slot = false;
	keyring->reading = true;
	token_list(keyring->world->token, on_list, keyring);
	token_watch(keyring->world->token, on_token_changed, keyring);
	keyring->info_call = hall_get_info(keyring->world->hall, on_info, keyring);
}

void keyring_refresh(struct keyring *keyring)
{
	/* Some modules see a key only when they start. */
	if (keyring->err.code == ERR_TOKEN_ABSENT && !keyring->reading)
		token_close(keyring->world->token);
	read_all(keyring);
}

/* ---- asking the keyring ---- */

bool keyring_busy(const struct keyring *keyring)
{
	return keyring->reading || keyring->info_call != NULL || keyring->standings_call != NULL;
}

const struct error *keyring_error(const struct keyring *keyring)
{
	return keyring->err.code != ERR_OK ? &keyring->err : NULL;
}

const struct error *keyring_hall_error(const struct keyring *keyring)
{
	return keyring->hall_err.code != ERR_OK ? &keyring->hall_err : NULL;
}

const struct token_slot *keyring_slot(const struct keyring *keyring)
{
	return keyring->has_slot ? &keyring->slot : NULL;
}

const struct hall_info *keyring_hall(const struct keyring *keyring)
{
	return keyring->has_info ? &keyring->info : NULL;
}

size_t keyring_count(const struct keyring *keyring)
{
	return keyring->count;
}

const struct keyed_cert *keyring_cert(const struct keyring *keyring, size_t index)
{
	return index < keyring->count ? &keyring->certs[index] : NULL;
}

const struct keyed_cert *keyring_unfinished(const struct keyring *keyring)
{
	for (size_t i = 0; i < keyring->count; i++)
		if (keyring->certs[i].has_standing && keyring->certs[i].standing.has_order)
			return &keyring->certs[i];
	return NULL;
}

bool keyed_cert_renewable(const struct keyed_cert *cert)
{
	int standing = cert->standing.standing;
	return cert->has_standing && (standing == STANDING_RENEWABLE || standing == STANDING_EXPIRED_RENEWABLE || cert->standing.has_order);
}

void keyed_cert_standing(const struct keyed_cert *cert, enum standing *standing, char *say, size_t size)
{
	char from[16], until[16];
	const struct cert_standing *told = &cert->standing;
	*standing = cert->has_standing ? (enum standing)told->standing : cert->on_this_ca ? STANDING_MALFORMED : STANDING_UNKNOWN_ISSUER;
	clock_date(told->renewable_from, from, sizeof from);
	clock_date(told->renewable_until, until, sizeof until);
	if (!cert->has_standing) {
		snprintf(say, size, "%s", _("Unknown until the hall answers"));
		return;
	}
	switch (*standing) {
	case STANDING_RENEWABLE:
		snprintf(say, size, _("Renewable now, until %s"), until);
		return;
	case STANDING_EXPIRED_RENEWABLE:
		snprintf(say, size, _("Expired, still renewable until %s"), until);
		return;
	case STANDING_TOO_EARLY:
		snprintf(say, size, _("Not yet renewable; from %s on"), from);
		return;
	case STANDING_TOO_LATE:
		snprintf(say, size, _("The time for renewing ended on %s; visit a service point with your organisation's documents"), until);
		return;
	case STANDING_NOT_YET_VALID:
		snprintf(say, size, "%s", _("Not valid yet; check this computer's clock"));
		return;
	case STANDING_REVOKED:
		snprintf(say, size, "%s", _("Revoked; apply for a new certificate at a service point"));
		return;
	case STANDING_SUPERSEDED:
		if (told->replaced_until[0] != '\0')
			snprintf(say, size, _("Replaced by a newer certificate, valid until %s"), told->replaced_until);
		else
			snprintf(say, size, "%s", _("Replaced by a newer certificate"));
		return;
	case STANDING_UNKNOWN_ISSUER:
		snprintf(say, size, "%s", _("Not issued by this certificate authority; it cannot be renewed here"));
		return;
	case STANDING_MALFORMED:
		break;
	}
	snprintf(say, size, "%s", _("The hall cannot read this certificate"));
}
