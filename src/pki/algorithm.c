#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "pki/internal.h"

static const struct algorithm algorithms[] = {
	{ "rsa:2048", "RSA 2048", "RSA", 2048, NULL, "RSA-SHA256", "SHA256" },
	{ "rsa:3072", "RSA 3072", "RSA", 3072, NULL, "RSA-SHA256", "SHA256" },
	{ "rsa:4096", "RSA 4096", "RSA", 4096, NULL, "RSA-SHA256", "SHA256" },
	{ "ec:P-256", "EC P-256", "EC", 256, "prime256v1", "ecdsa-with-SHA256", "SHA256" },
	{ "ec:P-384", "EC P-384", "EC", 384, "secp384r1", "ecdsa-with-SHA384", "SHA384" },
};
enum { ALGORITHMS = sizeof algorithms / sizeof algorithms[0] };

const struct algorithm *algorithm_named(const char *name)
{
	for (size_t i = 0; i < ALGORITHMS; i++)
		if (strcmp(algorithms[i].name, name) == 0)
			return &algorithms[i];
	return NULL;
}

const struct algorithm *algorithm_of(const EVP_PKEY *key)
{
	char group[64] = "";
	if (key == NULL)
		return NULL;
	EVP_PKEY_get_group_name(key, group, sizeof group, NULL);
	for (size_t i = 0; i < ALGORITHMS; i++) {
		const struct algorithm *a = &algorithms[i];
		if (!EVP_PKEY_is_a(key, a->type))
			continue;
		if (a->group != NULL ? strcmp(a->group, group) == 0 : a->bits == EVP_PKEY_get_bits(key))
			return a;
	}
	return NULL;
}

void algorithm_name_of(const EVP_PKEY *key, char out[24])
{
	const struct algorithm *a = algorithm_of(key);
	const char *type = key != NULL ? EVP_PKEY_get0_type_name(key) : NULL;
	char group[64] = "?";
	if (a != NULL) {
		snprintf(out, 24, "%s", a->name);
	} else if (key != NULL && EVP_PKEY_is_a(key, "EC")) {
		EVP_PKEY_get_group_name(key, group, sizeof group, NULL);
		snprintf(out, 24, "ec:%.20s", group);
	} else if (key != NULL && EVP_PKEY_is_a(key, "RSA")) {
		snprintf(out, 24, "rsa:%d", EVP_PKEY_get_bits(key));
	} else {
		snprintf(out, 24, "%.23s", type != NULL ? type : "?");
		for (char *p = out; *p != '\0'; p++)
			*p = (char)tolower((unsigned char)*p);
	}
}

const char *pki_signature_algorithm(const EVP_PKEY *key)
{
	const struct algorithm *a = algorithm_of(key);
	return a != NULL ? a->signature : NULL;
}

const char *pki_signature_named(const char *key_algorithm)
{
	const struct algorithm *a = algorithm_named(key_algorithm);
	return a != NULL ? a->signature : NULL;
}

EVP_PKEY *pki_key_generate(const char *algorithm, struct error *err)
{
	const struct algorithm *a = algorithm_named(algorithm);
	EVP_PKEY *key = NULL;
	if (a == NULL) {
		error_set(err, ERR_ALGORITHM_NOT_ALLOWED, algorithm, "no such key algorithm: %s", algorithm);
		return NULL;
	}
	if (strcmp(a->type, "RSA") == 0)
		key = EVP_PKEY_Q_keygen(NULL, NULL, a->type, (size_t)a->bits);
	else
		key = EVP_PKEY_Q_keygen(NULL, NULL, a->type, a->group);
	if (key == NULL)
		pki_failed(err, ERR_UNEXPECTED, algorithm, "generate a key");
	return key;
}

int pki_sign(EVP_PKEY *key, const void *data, size_t len, struct bytes *signature, struct error *err)
{
	const struct algorithm *a = algorithm_of(key);
	if (a == NULL)
		return error_set(err, ERR_ALGORITHM_NOT_ALLOWED, "?", "no signature algorithm for this key");
	uint8_t raw[1024];
	size_t n = sizeof raw;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int rc;
	if (ctx == NULL || EVP_DigestSignInit(ctx, NULL, EVP_get_digestbyname(a->digest), NULL, key) <= 0 ||
		EVP_DigestSign(ctx, raw, &n, data, len) <= 0)
		rc = pki_failed(err, ERR_UNEXPECTED, "sign", "sign");
	else if ((rc = bytes_set(signature, raw, n)) != 0)
		error_set(err, (enum error_code)rc, NULL, "signature");
	EVP_MD_CTX_free(ctx);
	return rc;
}

static bool fits(EVP_PKEY *key, const char *digest, const void *data, size_t len, const void *signature, size_t signature_len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = ctx != NULL && EVP_DigestVerifyInit(ctx, NULL, EVP_get_digestbyname(digest), NULL, key) == 1 &&
		EVP_DigestVerify(ctx, signature, signature_len, data, len) == 1;
	EVP_MD_CTX_free(ctx);
	return good;
}

bool pki_fits(EVP_PKEY *key, const void *data, size_t len, const struct bytes *signature)
{
	const struct algorithm *a = algorithm_of(key);
	bool good = a != NULL && fits(key, a->digest, data, len, signature->data, signature->len);
	ERR_clear_error();
	return good;
}

int pki_verify(const void *cert_der, size_t cert_len, const char *algorithm, const void *data, size_t len,
	const void *signature, size_t signature_len, struct error *err)
{
	X509 *cert = x509_read(cert_der, cert_len, err);
	if (cert == NULL)
		return ERR_CERT_MALFORMED;
	EVP_PKEY *key = X509_get0_pubkey(cert);
	const struct algorithm *a = algorithm_of(key);
	char name[24];
	int rc = 0;
	algorithm_name_of(key, name);
	if (a == NULL)
		rc = error_set(err, ERR_ALGORITHM_NOT_ALLOWED, name, "verify: no signature algorithm for this key");
	else if (strcmp(a->signature, algorithm) != 0)
		rc = error_set(err, ERR_SIGNATURE_INVALID, NULL, "the algorithm is not the certificate key's");
	else if (!fits(key, a->digest, data, len, signature, signature_len))
		rc = pki_failed(err, ERR_SIGNATURE_INVALID, NULL, "verify");
	X509_free(cert);
	return rc;
}
