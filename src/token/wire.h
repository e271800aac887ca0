/* What certhall and certhall-token say to each other over the socketpair: frames of
 *   u32 length of the JSON, u32 length of the secret (host order: one machine), the JSON, the secret.
 * A request is an object with "op" and "slot"; its answer holds the results or "error"; a frame with "event" is not asked
 * for. Only a login carries a secret, and only to the helper.
 */
#ifndef CERTHALL_TOKEN_WIRE_H
#define CERTHALL_TOKEN_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <json-c/json.h>

#include <certhall/bytes.h>
#include <certhall/error.h>

enum { WIRE_FD = 3, WIRE_JSON_MAX = 2 * 1024 * 1024 };

struct wire_header {
	uint32_t json, secret;
};

/* The object in len bytes of text, or NULL; json_object_put releases it. */
struct json_object *wire_parse(const char *text, size_t len);

/* Adding gives false without memory; reading a missing or other value gives "", 0 or false. Bytes travel as base64. */
bool wire_add_bytes(struct json_object *object, const char *key, const void *data, size_t len);
bool wire_add_text(struct json_object *object, const char *key, const char *text);
bool wire_add_number(struct json_object *object, const char *key, int64_t number);
bool wire_add_bool(struct json_object *object, const char *key, bool value);
const char *wire_text(struct json_object *object, const char *key);
int64_t wire_number(struct json_object *object, const char *key);
bool wire_bool(struct json_object *object, const char *key);
int wire_bytes(struct json_object *object, const char *key, struct bytes *out) CH_MUST_CHECK; /* empty when missing */
struct json_object *wire_array(struct json_object *object, const char *key);                  /* NULL when missing */

#endif
