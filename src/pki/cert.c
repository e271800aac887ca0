#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <certhall/file.h>
#include <certhall/text.h>

#include "pki/internal.h"

enum {
	CERT_FILE_MAX = 1024 * 1024,
	/* RFC 2253's escapes, but UTF-8 as it is, and from the country down to the name */
	NAME_FLAGS = (ASN1_STRFLGS_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) | ASN1_STRFLGS_UTF8_CONVERT | XN_FLAG_SEP_CPLUS_SPC | XN_FLAG_FN_SN,
};

X509 *x509_read(const void *der, size_t len, struct error *err)
{
	const uint8_t *p = der;
	uint8_t *again = NULL;
	X509 *x = len > 0 && len < BYTES_MAX ? d2i_X509(NULL, &p, (long)len) : NULL;
	/* encoded again it is the same: no bytes behind it, no second form of the same certificate */
	int n = x != NULL ? i2d_X509(x, &again) : -1;
	if (n < 0 || (size_t)n != len || memcmp(again, der, len) != 0) {
		X509_free(x);
		x = NULL;
		pki_failed(err, ERR_CERT_MALFORMED, NULL, "read a certificate");
	}
	OPENSSL_free(again);
	return x;
}

bool x509_name_same(const X509_NAME *a, const X509_NAME *b)
{
	const uint8_t *da, *db;
	size_t na, nb;
	return X509_NAME_get0_der(a, &da, &na) == 1 && X509_NAME_get0_der(b, &db, &nb) == 1 && na == nb &&
		memcmp(da, db, na) == 0;
}

int64_t x509_time(const ASN1_TIME *t)
{
	struct tm tm;
	if (ASN1_TIME_to_tm(t, &tm) != 1)
		return INT64_MIN;
	return (int64_t)timegm(&tm);
}

/* A NUL inside must not hide what stands behind it. */
static void sanitize(char *raw, size_t len, char *out, size_t size, bool keep_newlines)
{
	for (size_t i = 0; i < len; i++)
		if (raw[i] == '\0')
			raw[i] = '?';
	raw[len] = '\0';
	text_sanitize(raw, out, size, keep_newlines);
}

/* The last (most specific) entry of that kind. */
static void name_entry(const X509_NAME *name, int nid, char out[PKI_NAME])
{
	int at = -1;
	for (int next; (next = X509_NAME_get_index_by_NID(name, nid, at)) >= 0;)
		at = next;
	out[0] = '\0';
	if (at < 0)
		return;
	uint8_t *utf8 = NULL;
	int len = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
	if (len >= 0)
		sanitize((char *)utf8, (size_t)len, out, PKI_NAME, false);
	OPENSSL_free(utf8);
}

/* What was printed into a memory BIO, terminated. */
static char *printed(BIO *bio, size_t *len)
{
	char *text = NULL;
	if (BIO_write(bio, "", 1) != 1)
		return NULL;
	*len = (size_t)BIO_get_mem_data(bio, &text) - 1;
	return text;
}

static void name_line(const X509_NAME *name, char out[PKI_NAME])
{
	BIO *bio = BIO_new(BIO_s_mem());
	size_t len;
	char *text;
	out[0] = '\0';
	if (bio != NULL && X509_NAME_print_ex(bio, name, 0, NAME_FLAGS) >= 0 && (text = printed(bio, &len)) != NULL)
		sanitize(text, len, out, PKI_NAME, false);
	BIO_free(bio);
}

static int read_serial(const X509 *x, char out[PKI_SERIAL])
{
	BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x), NULL);
	char *hex = number != NULL ? BN_bn2hex(number) : NULL;
	int len = hex != NULL ? snprintf(out, PKI_SERIAL, "%s", hex) : -1;
	OPENSSL_free(hex);
	BN_free(number);
	return len > 0 && len < PKI_SERIAL ? 0 : ERR_CERT_MALFORMED;
}

static void read_usage(X509 *x, struct cert_info *out)
{
	static const struct {
		uint32_t bit;
		const char *name;
	} names[] = {
		{ KU_DIGITAL_SIGNATURE, "digitalSignature" }, { KU_NON_REPUDIATION, "nonRepudiation" },
		{ KU_KEY_ENCIPHERMENT, "keyEncipherment" }, { KU_DATA_ENCIPHERMENT, "dataEncipherment" },
		{ KU_KEY_AGREEMENT, "keyAgreement" }, { KU_KEY_CERT_SIGN, "keyCertSign" }, { KU_CRL_SIGN, "cRLSign" },
		{ KU_ENCIPHER_ONLY, "encipherOnly" }, { KU_DECIPHER_ONLY, "decipherOnly" },
	};
	uint32_t usage = X509_get_key_usage(x); /* all bits when there is no such extension */
	out->for_signing = usage & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION);
	out->for_encryption = usage & (KU_KEY_ENCIPHERMENT | KU_DATA_ENCIPHERMENT | KU_KEY_AGREEMENT);
	size_t at = 0;
	for (size_t i = 0; usage != UINT32_MAX && i < sizeof names / sizeof names[0]; i++)
		if ((usage & names[i].bit) != 0)
			at += (size_t)snprintf(out->usage + at, sizeof out->usage - at, "%s%s", at > 0 ? "," : "", names[i].name);
}

static void read_algorithms(const X509 *x, struct cert_info *out)
{
	EVP_PKEY *key = X509_get0_pubkey(x);
	const struct algorithm *a = algorithm_of(key);
	const X509_ALGOR *signature;
	const ASN1_OBJECT *oid;
	algorithm_name_of(key, out->key_algorithm);
	if (a != NULL)
		snprintf(out->key_text, sizeof out->key_text, "%s", a->shown);
	else
		snprintf(out->key_text, sizeof out->key_text, "%s", out->key_algorithm);
	X509_get0_signature(NULL, &signature, x);
	X509_ALGOR_get0(&oid, NULL, NULL, signature);
	OBJ_obj2txt(out->signature_text, sizeof out->signature_text, oid, 0);
	ERR_clear_error(); /* a key of an unknown kind is no error here */
}

static int read_hashes(const X509 *x, const void *der, size_t len, struct cert_info *out)
{
	struct bytes spki = { 0 };
	uint8_t hash[PKI_SHA256];
	int rc = spki_read(X509_get_X509_PUBKEY(x), &spki);
	if (rc != 0)
		return rc;
	pki_sha256(spki.data, spki.len, hash);
	hex_encode(hash, sizeof hash, out->spki_sha256);
	pki_sha256(der, len, hash);
	hex_encode(hash, sizeof hash, out->fingerprint);
	bytes_free(&spki);
	return 0;
}

int cert_info_read(const void *der, size_t len, struct cert_info *out, struct error *err)
{
	*out = (struct cert_info){ 0 };
	X509 *x = x509_read(der, len, err);
	if (x == NULL)
		return ERR_CERT_MALFORMED;
	const X509_NAME *subject = X509_get_subject_name(x), *issuer = X509_get_issuer_name(x);
	name_line(subject, out->subject);
	name_entry(subject, NID_organizationName, out->organisation);
	name_entry(subject, NID_organizationalUnitName, out->unit);
	name_entry(subject, NID_commonName, out->holder);
	if (out->holder[0] == '\0')
		memcpy(out->holder, out->organisation[0] != '\0' ? out->organisation : out->subject, PKI_NAME);
	name_line(issuer, out->issuer_subject);
	name_entry(issuer, NID_commonName, out->issuer);
	out->not_before = x509_time(X509_get0_notBefore(x));
	out->not_after = x509_time(X509_get0_notAfter(x));
	read_usage(x, out);
	read_algorithms(x, out);
	int rc = 0;
	if (out->not_before == INT64_MIN || out->not_after == INT64_MIN || read_serial(x, out->serial) != 0 ||
		read_hashes(x, der, len, out) != 0)
		rc = pki_failed(err, ERR_CERT_MALFORMED, NULL, "read a certificate's times, serial or key");
	X509_free(x);
	return rc;
}

int cert_describe(const void *der, size_t len, char **text, struct error *err)
{
	X509 *x = x509_read(der, len, err);
	if (x == NULL)
		return ERR_CERT_MALFORMED;
	BIO *bio = BIO_new(BIO_s_mem());
	size_t n = 0;
	char *raw = NULL;
	if (bio != NULL && X509_print_ex(bio, x, NAME_FLAGS, 0) == 1)
		raw = printed(bio, &n);
	*text = raw != NULL ? malloc(n + 1) : NULL;
	if (*text != NULL)
		sanitize(raw, n, *text, n + 1, true);
	BIO_free(bio);
	X509_free(x);
	ERR_clear_error();
	return *text != NULL ? 0 : error_set(err, ERR_NO_MEMORY, NULL, "print a certificate");
}

/* The next certificate's DER; false at the end. */
static bool next_in_pem(BIO *bio, uint8_t **der, long *len)
{
	char *name = NULL, *header = NULL;
	while (PEM_read_bio(bio, &name, &header, der, len) == 1) {
		bool wanted = strcmp(name, PEM_STRING_X509) == 0;
		OPENSSL_free(name);
		OPENSSL_free(header);
		if (wanted)
			return true;
		OPENSSL_free(*der);
	}
	ERR_clear_error();
	return false;
}

int cert_file_read(const char *path, struct bytes *ders, size_t max, size_t *count, struct error *err)
{
	struct bytes file = { 0 };
	*count = 0;
	int rc = file_read(path, CERT_FILE_MAX, &file, err);
	BIO *bio = rc == 0 ? BIO_new_mem_buf(file.data, (int)file.len) : NULL;
	uint8_t *der = NULL;
	long len = 0;
	while (bio != NULL && rc == 0 && *count < max && next_in_pem(bio, &der, &len)) {
		X509 *x = x509_read(der, (size_t)len, err);
		ders[*count] = (struct bytes){ 0 };
		if (x == NULL)
			rc = ERR_CERT_MALFORMED;
		else if ((rc = bytes_set(&ders[*count], der, (size_t)len)) != 0)
			error_set(err, (enum error_code)rc, NULL, "certificate file");
		else
			*count += 1;
		X509_free(x);
		OPENSSL_free(der);
	}
	if (rc == 0 && *count == 0)
		rc = error_set(err, ERR_CERT_MALFORMED, NULL, "no certificate in %s", path);
	while (rc != 0 && *count > 0)
		bytes_free(&ders[--*count]);
	BIO_free(bio);
	bytes_free(&file);
	return rc;
}
