#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "service/service.h"

/* id = hex of: purpose (1) end (8) nonce seed (12) tag (10): 62 characters. The nonce is HMAC(key, "nonce" id). So nothing is
 * kept until it is used, and nobody can fill the database with questions. */
enum { SEED = 12, TAG = 10, HEAD = 1 + 8 + SEED, ID = HEAD + TAG, VALID_SECONDS = 300, SET_BACK = 60 };

static const char *const purposes[] = { "login", "request", "install", "service" };

static bool mac(const struct hall *hall, char what, const uint8_t head[HEAD], uint8_t out[32])
{
	uint8_t data[1 + HEAD];
	data[0] = (uint8_t)what;
	memcpy(data + 1, head, HEAD);
	unsigned len = 0;
	return HMAC(EVP_sha256(), hall->challenge_key, sizeof hall->challenge_key, data, sizeof data, out, &len) != NULL && len == 32;
}

static int purpose_number(const char *purpose)
{
	for (size_t i = 0; i < sizeof purposes / sizeof *purposes; i++)
		if (strcmp(purposes[i], purpose) == 0)
			return (int)i;
	return -1;
}

static bool nonce_text(const struct hall *hall, const uint8_t head[HEAD], char out[64])
{
	uint8_t nonce[32];
	char *text = mac(hall, 'n', head, nonce) ? base64_encode(nonce, sizeof nonce) : NULL;
	if (text != NULL)
		snprintf(out, 64, "%s", text);
	free(text);
	return text != NULL;
}

int challenge_make(const struct hall *hall, const char *purpose, int64_t now, struct challenge *out, struct error *err)
{
	int number = purpose_number(purpose);
	if (number < 0)
		return error_set(err, ERR_INVALID_FIELD, "purpose", "unknown purpose");
	uint8_t id[ID] = { (uint8_t)number }, tag[32];
	out->expires = now + VALID_SECONDS;
	for (int i = 0; i < 8; i++)
		id[1 + i] = (uint8_t)((uint64_t)out->expires >> (56 - 8 * i));
	if (pki_random(id + 9, SEED) != 0 || !mac(hall, 't', id, tag) || !nonce_text(hall, id, out->nonce))
		return error_set(err, ERR_NO_MEMORY, NULL, "challenge");
	memcpy(id + HEAD, tag, TAG);
	hex_encode(id, sizeof id, out->id);
	snprintf(out->audience, sizeof out->audience, "%s", hall->settings.audience);
	return 0;
}

int challenge_check(const struct hall *hall, const char *text, const char *purpose, int64_t now, char nonce[64], int64_t *expires,
	struct error *err)
{
	uint8_t id[ID], tag[32];
	char again[2 * ID + 1]; /* one spelling only, or it could be used twice */
	if (hex_decode(text, id, sizeof id) != ID || strcmp(hex_encode(id, sizeof id, again), text) != 0 || !mac(hall, 't', id, tag) || CRYPTO_memcmp(tag, id + HEAD, TAG) != 0)
		return error_set(err, ERR_CHALLENGE_INVALID, NULL, "not one of ours");
	uint64_t end = 0;
	for (int i = 0; i < 8; i++)
		end = end << 8 | id[1 + i];
	*expires = (int64_t)end;
	if (id[0] != purpose_number(purpose) || now > *expires || *expires > now + VALID_SECONDS + SET_BACK)
		return error_set(err, ERR_CHALLENGE_INVALID, NULL, "for another purpose or too old");
	return nonce_text(hall, id, nonce) ? 0 : error_set(err, ERR_NO_MEMORY, NULL, "challenge");
}

int challenge_use(struct sql *db, const char *id, int64_t expires, struct error *err)
{
	struct sql_stmt *q = sql_prepare(db, "INSERT INTO challenge_used (id, expires) VALUES (?, ?) ON CONFLICT DO NOTHING");
	sql_text(q, id);
	sql_int(q, expires);
	int64_t changed;
	int rc = sql_changed(q, &changed, err);
	return rc != 0 || changed == 1 ? rc : error_set(err, ERR_CHALLENGE_INVALID, NULL, "used already");
}

HALL_HANDLER(challenges_post)
{
	struct call call = call_begin(ctx, request, worker);
	struct challenge_request asked = { 0 };
	struct challenge challenge = { 0 };
	int rc = hs_read(request, challenge_request_codec, &asked, err);
	if (rc == 0)
		rc = challenge_make(call.hall, asked.purpose, call.now, &challenge, err);
	return rc != 0 ? rc : hs_answer(request, 201, challenge_codec, &challenge);
}
