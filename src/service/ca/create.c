#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include <certhall/file.h>
#include <certhall/pki.h>

#include "service/ca/embedded.h"

static int fill(X509 *x, EVP_PKEY *key, const char *name, int64_t not_before, int64_t not_after)
{
	uint8_t raw[20];
	char hex[41];
	if (pki_random(raw, sizeof raw) != 0)
		return -1;
	raw[0] = (uint8_t)((raw[0] & 0x7f) | 0x40);
	hex_encode(raw, sizeof raw, hex);
	ASN1_INTEGER *serial = embedded_serial(hex);
	X509_NAME *subject = X509_get_subject_name(x);
	int ok = serial != NULL && X509_set_version(x, X509_VERSION_3) == 1 && X509_set_serialNumber(x, serial) == 1 &&
		X509_NAME_add_entry_by_txt(subject, "C", MBSTRING_ASC, (const uint8_t *)"CN", -1, -1, 0) == 1 &&
		X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const uint8_t *)name, -1, -1, 0) == 1 &&
		X509_set_issuer_name(x, subject) == 1 && ASN1_TIME_set(X509_getm_notBefore(x), (time_t)not_before) != NULL &&
		ASN1_TIME_set(X509_getm_notAfter(x), (time_t)not_after) != NULL && X509_set_pubkey(x, key) == 1;
	ASN1_INTEGER_free(serial);
	return ok ? 0 : -1;
}

static int extend(X509 *x)
{
	return embedded_extend(x, x, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") == 0 &&
		embedded_extend(x, x, NID_key_usage, "critical,keyCertSign,cRLSign") == 0 &&
		embedded_extend(x, x, NID_subject_key_identifier, "hash") == 0 ? 0 : -1;
}

static int write_pem(const char *path, X509 *x, struct error *err)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *pem = NULL;
	int rc;
	if (bio == NULL || PEM_write_bio_X509(bio, x) != 1) {
		rc = embedded_failed(err, "write the CA's certificate");
	} else {
		long len = BIO_get_mem_data(bio, &pem);
		rc = file_create(path, pem, (size_t)len, err);
	}
	BIO_free(bio);
	return rc;
}

int ca_create(const char *certificate, const char *key, const char *name, const char *algorithm, int64_t not_before,
	int64_t not_after, struct error *err)
{
	EVP_PKEY *made = pki_key_generate(algorithm, err);
	if (made == NULL)
		return err != NULL ? (int)err->code : ERR_CA_FAILED;
	X509 *x = X509_new();
	int rc;
	if (x == NULL || fill(x, made, name, not_before, not_after) != 0 || extend(x) != 0 ||
		X509_sign(x, made, embedded_digest(made)) <= 0)
		rc = embedded_failed(err, "make the CA's certificate");
	else if ((rc = pki_key_write(key, made, err)) == 0 && (rc = write_pem(certificate, x, err)) != 0)
		unlink(key); /* ours, and nothing was signed with it */
	X509_free(x);
	pki_key_free(&made);
	return rc;
}
