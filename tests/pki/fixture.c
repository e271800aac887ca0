#include "fixture.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "check.h"

char folder[64];

static struct {
	char name[32];
	EVP_PKEY *key;
} keys[8];

EVP_PKEY *key_for(const char *name)
{
	size_t i = 0;
	while (i < 8 && keys[i].key != NULL) {
		if (strcmp(keys[i].name, name) == 0)
			return keys[i].key;
		i++;
	}
	assert_true(i < 8);
	snprintf(keys[i].name, sizeof keys[i].name, "%s", name);
	char curve[16];
	if (sscanf(name, "ec:%15s", curve) == 1)
		keys[i].key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", curve);
	else
		keys[i].key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)atoi(name + strlen("rsa:")));
	assert_non_null(keys[i].key);
	return keys[i].key;
}

void keys_free(void)
{
	for (size_t i = 0; i < 8; i++) {
		EVP_PKEY_free(keys[i].key);
		keys[i].key = NULL;
	}
}

static void add_name(X509_NAME *name, const char *field, const char *value)
{
	if (value != NULL)
		assert_int_equal(1, X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, (const uint8_t *)value, -1, -1, 0));
}

static void add_extension(X509 *x, X509 *issuer, const char *name, const char *value)
{
	X509V3_CTX ctx;
	if (value == NULL)
		return;
	CONF *none = NCONF_new(NULL); /* policies want a configuration, be it empty */
	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	X509V3_set_nconf(&ctx, none);
	X509_EXTENSION *ext = X509V3_EXT_nconf(none, &ctx, name, value);
	NCONF_free(none);
	if (ext == NULL)
		fail_msg("%s: %s", name, value);
	assert_int_equal(1, X509_add_ext(x, ext, -1));
	X509_EXTENSION_free(ext);
}

struct bytes cert_make(const struct recipe *r)
{
	X509 *x = X509_new();
	const uint8_t *p = r->issuer != NULL ? r->issuer->data : NULL;
	X509 *issuer = r->issuer != NULL ? d2i_X509(NULL, &p, (long)r->issuer->len) : x;
	assert_non_null(x);
	assert_non_null(issuer);
	BIGNUM *serial = NULL;
	BN_hex2bn(&serial, r->serial != NULL ? r->serial : "0A12");
	BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(x));
	BN_free(serial);
	X509_set_version(x, X509_VERSION_3);
	X509_NAME *name = X509_get_subject_name(x);
	add_name(name, "C", "CN");
	add_name(name, "O", r->o);
	add_name(name, "OU", r->ou);
	add_name(name, "CN", r->cn);
	X509_set_issuer_name(x, X509_get_subject_name(issuer));
	ASN1_TIME_set(X509_getm_notBefore(x), (time_t)r->from);
	ASN1_TIME_set(X509_getm_notAfter(x), (time_t)r->to);
	X509_set_pubkey(x, r->key);
	add_extension(x, issuer, "basicConstraints", r->basic);
	add_extension(x, issuer, "keyUsage", r->usage);
	add_extension(x, issuer, "extendedKeyUsage", r->extended);
	if (r->key_ids) {
		add_extension(x, issuer, "subjectKeyIdentifier", "hash");
		add_extension(x, issuer, "authorityKeyIdentifier", "keyid");
	}
	for (const char *const *more = r->more; more != NULL && *more != NULL; more += 2)
		add_extension(x, issuer, more[0], more[1]);
	const EVP_MD *md = EVP_get_digestbyname(r->digest != NULL ? r->digest : "SHA256");
	assert_true(X509_sign(x, r->issuer_key != NULL ? r->issuer_key : r->key, md) > 0);
	uint8_t *der = NULL;
	int len = i2d_X509(x, &der);
	assert_true(len > 0);
	struct bytes out = { 0 };
	assert_int_equal(0, bytes_set(&out, der, (size_t)len));
	OPENSSL_free(der);
	if (issuer != x)
		X509_free(issuer);
	X509_free(x);
	return out;
}

void folder_make(void)
{
	snprintf(folder, sizeof folder, "/tmp/certhall-pki-XXXXXX");
	assert_non_null(mkdtemp(folder));
}

void folder_free(void)
{
	char command[96];
	snprintf(command, sizeof command, "rm -rf '%s'", folder);
	assert_int_equal(0, system(command));
}

const char *in_folder(const char *name)
{
	static char paths[4][256];
	static int turn;
	turn = (turn + 1) % 4;
	snprintf(paths[turn], sizeof paths[turn], "%s/%s", folder, name);
	return paths[turn];
}

void put(const char *name, const void *data, size_t len)
{
	FILE *f = fopen(in_folder(name), "w");
	assert_non_null(f);
	assert_int_equal(len, fwrite(data, 1, len, f));
	assert_int_equal(0, fclose(f));
}

void put_pem(const char *name, const struct bytes *cert)
{
	FILE *f = fopen(in_folder(name), "w");
	assert_non_null(f);
	assert_true(PEM_write(f, PEM_STRING_X509, "", cert->data, (long)cert->len) > 0);
	assert_int_equal(0, fclose(f));
}

struct bytes get(const char *name)
{
	struct bytes out = { 0 };
	char block[4096];
	size_t n;
	FILE *f = fopen(in_folder(name), "r");
	assert_non_null(f);
	while ((n = fread(block, 1, sizeof block, f)) > 0)
		assert_int_equal(0, bytes_append(&out, block, n));
	fclose(f);
	return out;
}

int shell(const char *fmt, ...)
{
	char inner[1024], command[1280];
	va_list args;
	va_start(args, fmt);
	vsnprintf(inner, sizeof inner, fmt, args);
	va_end(args);
	snprintf(command, sizeof command, "cd '%s' && { %s ; } > said 2>&1", folder, inner);
	int status = system(command);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
