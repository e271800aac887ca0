#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "certhalld/certhalld.h"

static bool add_extension(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	bool ok = extension != NULL && X509_add_ext(cert, extension, -1) == 1;
	X509_EXTENSION_free(extension);
	return ok;
}

/* "localhost,127.0.0.1" as OpenSSL wants it: "DNS:localhost,IP:127.0.0.1" */
static bool add_names(X509 *cert, const char *names)
{
	char list[512], copy[256], *rest = copy;
	size_t used = 0;
	snprintf(copy, sizeof copy, "%s", names);
	for (char *name; (name = strsep(&rest, ",")) != NULL && used < sizeof list;) {
		unsigned char address[16];
		bool numeric = inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1;
		used += (size_t)snprintf(list + used, sizeof list - used, "%s%s:%s", used > 0 ? "," : "", numeric ? "IP" : "DNS", name);
	}
	return used < sizeof list && add_extension(cert, NID_subject_alt_name, list) && add_extension(cert, NID_ext_key_usage, "serverAuth");
}

static bool fill(X509 *cert, EVP_PKEY *key, const char *name, const char *names, int64_t not_before, int64_t not_after)
{
	unsigned char serial[16];
	if (pki_random(serial, sizeof serial) != 0)
		return false;
	serial[0] &= 0x7f;
	serial[0] |= 0x01;
	BIGNUM *number = BN_bin2bn(serial, sizeof serial, NULL);
	X509_NAME *subject = X509_get_subject_name(cert);
	bool ok = number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) != NULL && X509_set_version(cert, X509_VERSION_3) == 1
		&& ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)not_before) != NULL
		&& ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)not_after) != NULL && X509_set_pubkey(cert, key) == 1
		&& X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0) == 1
		&& X509_set_issuer_name(cert, subject) == 1 && add_extension(cert, NID_basic_constraints, "critical,CA:FALSE")
		&& add_extension(cert, NID_key_usage, "critical,digitalSignature") && (names == NULL || add_names(cert, names))
		&& X509_sign(cert, key, EVP_sha256()) > 0;
	BN_free(number);
	return ok;
}

int selfsigned_create(const char *certificate, const char *key_path, const char *name, const char *names, int64_t not_before,
	int64_t not_after, struct error *err)
{
	EVP_PKEY *key = pki_key_generate("ec:P-256", err);
	if (key == NULL)
		return (int)err->code;
	X509 *cert = X509_new();
	BIO *pem = BIO_new(BIO_s_mem());
	char *text = NULL;
	long len = 0;
	int rc = 0;
	if (cert == NULL || pem == NULL || !fill(cert, key, name, names, not_before, not_after) || PEM_write_bio_X509(pem, cert) != 1
	    || (len = BIO_get_mem_data(pem, &text)) <= 0)
		rc = error_set(err, ERR_UNEXPECTED, certificate, "cannot make the certificate");
	if (rc == 0)
		rc = pki_key_write(key_path, key, err);
	if (rc == 0)
		rc = file_create(certificate, text, (size_t)len, err);
	BIO_free(pem);
	X509_free(cert);
	pki_key_free(&key);
	return rc;
}
