#include <string.h>

#include <openssl/err.h>
#include <openssl/x509.h>

#include <certhall/i18n.h>

#include "pki/internal.h"

/* Signed by key, carrying pub; the signature is tried at once, so that a key and an SPKI that are no pair never leave. */
static int build(X509_REQ *req, const X509_NAME *subject, EVP_PKEY *key, EVP_PKEY *pub)
{
	const struct algorithm *a = algorithm_of(pub);
	return a != NULL && X509_REQ_set_version(req, X509_REQ_VERSION_1) == 1 && X509_REQ_set_subject_name(req, subject) == 1 &&
		X509_REQ_set_pubkey(req, pub) == 1 && X509_REQ_sign(req, key, EVP_get_digestbyname(a->digest)) > 0 &&
		X509_REQ_verify(req, pub) == 1 ? 0 : -1;
}

int csr_make(EVP_PKEY *key, const struct bytes *spki, const void *old_cert, size_t old_len, struct bytes *out,
	struct error *err)
{
	X509 *old = x509_read(old_cert, old_len, err);
	if (old == NULL)
		return ERR_CERT_MALFORMED;
	const uint8_t *p = spki != NULL ? spki->data : NULL;
	EVP_PKEY *pub = spki != NULL ? d2i_PUBKEY(NULL, &p, (long)spki->len) : NULL;
	X509_REQ *req = X509_REQ_new();
	uint8_t *der = NULL;
	int len = -1;
	if (req != NULL && (spki == NULL || pub != NULL) &&
		build(req, X509_get_subject_name(old), key, pub != NULL ? pub : key) == 0)
		len = i2d_X509_REQ(req, &der);
	int rc = len > 0 ? bytes_set(out, der, (size_t)len) : ERR_UNEXPECTED;
	if (rc != 0)
		pki_failed(err, (enum error_code)rc, "PKCS#10", "make a PKCS#10");
	OPENSSL_free(der);
	X509_REQ_free(req);
	EVP_PKEY_free(pub);
	X509_free(old);
	return rc;
}

static X509_REQ *csr_read(const void *csr, size_t len)
{
	const uint8_t *p = csr;
	uint8_t *again = NULL;
	X509_REQ *req = len > 0 && len < BYTES_MAX ? d2i_X509_REQ(NULL, &p, (long)len) : NULL;
	int n = req != NULL ? i2d_X509_REQ(req, &again) : -1;
	if (n < 0 || (size_t)n != len || memcmp(again, csr, len) != 0) {
		X509_REQ_free(req);
		req = NULL;
	}
	OPENSSL_free(again);
	return req;
}

/* What is wrong with it, NULL when nothing is. */
static const char *fault_of(X509_REQ *req, const X509 *old)
{
	EVP_PKEY *pub = X509_REQ_get0_pubkey(req);
	const struct algorithm *a = algorithm_of(pub);
	if (pub == NULL)
		return _("the public key cannot be used");
	if (a != NULL && X509_REQ_get_signature_nid(req) != OBJ_txt2nid(a->signature))
		return _("the signature algorithm is not the one expected");
	if (X509_REQ_verify(req, pub) != 1)
		return _("it is not signed by its own key");
	if (old != NULL && !x509_name_same(X509_REQ_get_subject_name(req), X509_get_subject_name(old)))
		return _("the subject is not the old certificate's");
	return NULL;
}

int csr_check(const void *csr, size_t len, const void *old_cert, size_t old_len, struct bytes *spki, char algorithm[24],
	struct error *err)
{
	X509 *old = old_cert != NULL ? x509_read(old_cert, old_len, err) : NULL;
	if (old_cert != NULL && old == NULL)
		return ERR_CERT_MALFORMED;
	X509_REQ *req = csr_read(csr, len);
	EVP_PKEY *pub = req != NULL ? X509_REQ_get0_pubkey(req) : NULL;
	bool known = pub == NULL || algorithm_of(pub) != NULL; /* if not, its signature cannot be judged: SM2's is over an id that OpenSSL does not know of */
	const char *fault = req == NULL ? _("it cannot be read") : known ? fault_of(req, old) : NULL;
	int rc = 0;
	algorithm_name_of(pub, algorithm);
	if (!known) {
		rc = pki_failed(err, ERR_ALGORITHM_NOT_ALLOWED, algorithm, "PKCS#10");
	} else if (fault != NULL) {
		rc = pki_failed(err, ERR_CSR_INVALID, fault, "PKCS#10");
	} else {
		rc = spki_read(X509_REQ_get_X509_PUBKEY(req), spki);
		if (rc != 0)
			error_set(err, (enum error_code)rc, NULL, "SPKI");
	}
	X509_REQ_free(req);
	X509_free(old);
	return rc;
}
