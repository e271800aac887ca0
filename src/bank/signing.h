/* The bank's own signatures. */
#ifndef BANK_SIGNING_H
#define BANK_SIGNING_H

#include <stdbool.h>
#include <stddef.h>

#include <json-c/json.h>

/* Parameter signature ("legacy" transport, notifications): members of fields but "sign" and empty ones, sorted by byte
 * order of the name, joined name=value with "&", the key behind; MD5 or SHA-256 of that in upper-case hex. Nested
 * members enter as their JSON text. type "MD5" or "SHA256". out holds 65 bytes; false: type not known, or no memory. */
bool signing_parameters(json_object *fields, const char *key, const char *type, char *out);

/* OPEN-BODY-SIG: base64(HMAC-SHA256(app_key, app_id + timestamp + nonce + lowerhex(SHA256(body)))). out holds 45. */
bool signing_body(const char *app_id, const char *app_key, const char *timestamp, const char *nonce, const void *body,
	size_t len, char *out);

/* Compares without telling by its time where they differ. */
bool signing_equal(const char *a, const char *b);

#endif
