#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "service/payment/chinaums.h"

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct chinaums_field *)a)->name, ((const struct chinaums_field *)b)->name);
}

static bool update(EVP_MD_CTX *ctx, const char *text)
{
	return EVP_DigestUpdate(ctx, text, strlen(text)) == 1;
}

int chinaums_sign_fields(struct chinaums_field *fields, size_t count, const char *key, enum chinaums_digest digest, char *out)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = ctx != NULL && EVP_DigestInit_ex(ctx, digest == CHINAUMS_MD5 ? EVP_md5() : EVP_sha256(), NULL) == 1;
	if (count > 0)
		qsort(fields, count, sizeof *fields, by_name);
	const char *join = "";
	for (size_t i = 0; i < count && ok; i++) {
		if (fields[i].value[0] == '\0' || strcmp(fields[i].name, "sign") == 0)
			continue;
		ok = update(ctx, join) && update(ctx, fields[i].name) && update(ctx, "=") && update(ctx, fields[i].value);
		join = "&";
	}
	unsigned char sum[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	ok = ok && update(ctx, key) && EVP_DigestFinal_ex(ctx, sum, &len) == 1;
	EVP_MD_CTX_free(ctx);
	if (!ok)
		return ERR_UNEXPECTED;
	hex_encode(sum, len, out);
	for (char *p = out; *p != '\0'; p++)
		if (*p >= 'a')
			*p = (char)(*p - 'a' + 'A');
	return 0;
}

int chinaums_sign_object(json_object *object, const char *key, enum chinaums_digest digest, char *out)
{
	size_t count = 0;
	struct chinaums_field *fields = calloc((size_t)json_object_object_length(object) + 1, sizeof *fields);
	if (fields == NULL)
		return ERR_NO_MEMORY;
	json_object_object_foreach(object, name, value) {
		if (value == NULL)
			continue;
		const char *text = json_object_is_type(value, json_type_string)
			? json_object_get_string(value)
			: json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
		fields[count++] = (struct chinaums_field){ name, (char *)(uintptr_t)text };
	}
	int rc = chinaums_sign_fields(fields, count, key, digest, out);
	free(fields);
	return rc;
}

int chinaums_sign_body(const char *app_id, const char *app_key, const char *timestamp, const char *nonce, const char *body,
	size_t len, char *out)
{
	unsigned char sum[32], mac[32];
	char hex[65];
	if (EVP_Digest(body, len, sum, NULL, EVP_sha256(), NULL) != 1)
		return ERR_UNEXPECTED;
	hex_encode(sum, sizeof sum, hex);
	struct bytes text = { 0 };
	const char *const parts[] = { app_id, timestamp, nonce, hex };
	int rc = 0;
	for (size_t i = 0; i < 4 && rc == 0; i++)
		rc = bytes_append(&text, parts[i], strlen(parts[i]));
	if (rc == 0 && HMAC(EVP_sha256(), app_key, (int)strlen(app_key), text.data, text.len, mac, NULL) == NULL)
		rc = ERR_UNEXPECTED;
	bytes_free(&text);
	if (rc == 0)
		EVP_EncodeBlock((unsigned char *)out, mac, sizeof mac);
	return rc;
}
