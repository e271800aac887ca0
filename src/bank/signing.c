#include "bank/signing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <certhall/bytes.h>

struct field {
	const char *name, *value;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct field *)a)->name, ((const struct field *)b)->name);
}

static const char *text_of(json_object *value)
{
	if (value == NULL)
		return "";
	if (json_object_is_type(value, json_type_string))
		return json_object_get_string(value);
	return json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
}

static int joined(json_object *fields, const char *key, struct bytes *out)
{
	struct field *list = calloc((size_t)json_object_object_length(fields) + 1, sizeof *list);
	if (list == NULL)
		return ERR_NO_MEMORY;
	size_t n = 0;
	json_object_object_foreach(fields, name, value) {
		const char *text = text_of(value);
		if (strcmp(name, "sign") != 0 && *text != '\0')
			list[n++] = (struct field){ name, text };
	}
	qsort(list, n, sizeof *list, by_name);
	int rc = 0;
	for (size_t i = 0; i < n && rc == 0; i++) {
		rc = i == 0 ? 0 : bytes_append(out, "&", 1);
		rc = rc != 0 ? rc : bytes_append(out, list[i].name, strlen(list[i].name));
		rc = rc != 0 ? rc : bytes_append(out, "=", 1);
		rc = rc != 0 ? rc : bytes_append(out, list[i].value, strlen(list[i].value));
	}
	free(list);
	return rc != 0 ? rc : bytes_append(out, key, strlen(key));
}

bool signing_parameters(json_object *fields, const char *key, const char *type, char *out)
{
	const EVP_MD *md = strcmp(type, "MD5") == 0 ? EVP_md5() : strcmp(type, "SHA256") == 0 ? EVP_sha256() : NULL;
	struct bytes text = { 0 };
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	bool ok = md != NULL && joined(fields, key, &text) == 0 && EVP_Digest(text.data, text.len, digest, &len, md, NULL) == 1;
	for (unsigned i = 0; ok && i < len; i++)
		snprintf(out + 2 * i, 3, "%02X", digest[i]);
	bytes_free(&text);
	return ok;
}

bool signing_body(const char *app_id, const char *app_key, const char *timestamp, const char *nonce, const void *body,
	size_t len, char *out)
{
	unsigned char digest[32];
	char hex[65];
	if (EVP_Digest(body, len, digest, NULL, EVP_sha256(), NULL) != 1)
		return false;
	hex_encode(digest, sizeof digest, hex);
	char text[512];
	int n = snprintf(text, sizeof text, "%s%s%s%s", app_id, timestamp, nonce, hex);
	unsigned char mac[32];
	unsigned mac_len = sizeof mac;
	if (n < 0 || (size_t)n >= sizeof text
		|| HMAC(EVP_sha256(), app_key, (int)strlen(app_key), (unsigned char *)text, (size_t)n, mac, &mac_len) == NULL)
		return false;
	EVP_EncodeBlock((unsigned char *)out, mac, (int)mac_len);
	return true;
}

bool signing_equal(const char *a, const char *b)
{
	return strlen(a) == strlen(b) && CRYPTO_memcmp(a, b, strlen(a)) == 0;
}
