#include <string.h>

#include <openssl/cms.h>
#include <openssl/err.h>

#include "pki/internal.h"

static CMS_ContentInfo *signed_data(EVP_PKEY *key, X509 *cert, const void *content, size_t len, unsigned flags)
{
	EVP_PKEY *pub = X509_get0_pubkey(cert);
	const struct algorithm *a = algorithm_of(pub);
	if (a == NULL || len > BYTES_MAX)
		return NULL;
	key_complete(key, pub);
	BIO *in = BIO_new_mem_buf(content, (int)len);
	CMS_ContentInfo *cms = in != NULL ? CMS_sign(NULL, NULL, NULL, NULL, flags | CMS_PARTIAL) : NULL;
	if (cms == NULL || CMS_add1_signer(cms, cert, key, EVP_get_digestbyname(a->digest), flags) == NULL ||
		CMS_final(cms, in, NULL, flags) != 1) {
		CMS_ContentInfo_free(cms);
		cms = NULL;
	}
	BIO_free(in);
	return cms;
}

static int sign(EVP_PKEY *key, const void *cert_der, size_t cert_len, const void *content, size_t len, unsigned flags,
	struct bytes *out, struct error *err)
{
	X509 *cert = x509_read(cert_der, cert_len, err);
	if (cert == NULL)
		return ERR_CERT_MALFORMED;
	CMS_ContentInfo *cms = signed_data(key, cert, content, len, flags | CMS_BINARY | CMS_NOSMIMECAP);
	uint8_t *der = NULL;
	int n = cms != NULL ? i2d_CMS_ContentInfo(cms, &der) : -1;
	int rc = n > 0 ? bytes_set(out, der, (size_t)n) : ERR_UNEXPECTED;
	if (rc != 0)
		pki_failed(err, (enum error_code)rc, "CMS", "make a CMS signature");
	OPENSSL_free(der);
	CMS_ContentInfo_free(cms);
	X509_free(cert);
	return rc;
}

int cms_sign(EVP_PKEY *key, const void *cert, size_t cert_len, const void *content, size_t len, struct bytes *out,
	struct error *err)
{
	return sign(key, cert, cert_len, content, len, 0, out, err);
}

int cms_sign_detached(EVP_PKEY *key, const void *cert, size_t cert_len, const void *content, size_t len, struct bytes *out,
	struct error *err)
{
	return sign(key, cert, cert_len, content, len, CMS_DETACHED, out, err);
}

static CMS_ContentInfo *cms_read(const void *der, size_t len)
{
	const uint8_t *p = der;
	CMS_ContentInfo *cms = len > 0 && len < BYTES_MAX ? d2i_CMS_ContentInfo(NULL, &p, (long)len) : NULL;
	if (cms != NULL && (p != (const uint8_t *)der + len || OBJ_obj2nid(CMS_get0_type(cms)) != NID_pkcs7_signed)) {
		CMS_ContentInfo_free(cms);
		cms = NULL;
	}
	return cms;
}

/* One signer, by the certificate's own algorithm. */
static bool signer_fits(CMS_ContentInfo *cms, X509 *cert)
{
	STACK_OF(CMS_SignerInfo) *signers = CMS_get0_SignerInfos(cms);
	const struct algorithm *a = algorithm_of(X509_get0_pubkey(cert));
	if (a == NULL || sk_CMS_SignerInfo_num(signers) != 1)
		return false;
	CMS_SignerInfo *signer = sk_CMS_SignerInfo_value(signers, 0);
	X509_ALGOR *digest;
	const ASN1_OBJECT *oid;
	CMS_SignerInfo_get0_algs(signer, NULL, NULL, &digest, NULL);
	X509_ALGOR_get0(&oid, NULL, NULL, digest);
	return CMS_SignerInfo_cert_cmp(signer, cert) == 0 && OBJ_obj2nid(oid) == OBJ_txt2nid(a->digest);
}

/* The signature by cert's key, and by no other certificate the message may bring along. detached NULL: the content is
 * inside and goes to out. */
static bool signature_holds(CMS_ContentInfo *cms, X509 *cert, BIO *detached, BIO *out)
{
	const unsigned flags = CMS_BINARY | CMS_NOINTERN | CMS_NO_SIGNER_CERT_VERIFY;
	STACK_OF(X509) *certs = sk_X509_new_null();
	bool ok = certs != NULL && sk_X509_push(certs, cert) > 0 && signer_fits(cms, cert) &&
		(CMS_is_detached(cms) == 1) == (detached != NULL) && CMS_verify(cms, certs, NULL, detached, out, flags) == 1;
	sk_X509_free(certs);
	return ok;
}

int cms_verify(const void *cms_der, size_t cms_len, const void *cert_der, size_t cert_len, const void *content, size_t len,
	struct error *err)
{
	X509 *cert = x509_read(cert_der, cert_len, err);
	if (cert == NULL)
		return ERR_CERT_MALFORMED;
	CMS_ContentInfo *cms = cms_read(cms_der, cms_len);
	BIO *out = BIO_new(BIO_s_mem());
	char *found = NULL;
	int rc = 0;
	if (cms == NULL || out == NULL)
		rc = pki_failed(err, ERR_PROOF_INVALID, NULL, "read a CMS message");
	else if (!signature_holds(cms, cert, NULL, out))
		rc = pki_failed(err, ERR_PROOF_INVALID, NULL, "verify a CMS message");
	else if ((size_t)BIO_get_mem_data(out, &found) != len || memcmp(found, content, len) != 0)
		rc = error_set(err, ERR_PROOF_INVALID, NULL, "what is signed is not what was asked for");
	BIO_free(out);
	CMS_ContentInfo_free(cms);
	X509_free(cert);
	return rc;
}

int cms_verify_detached(const void *cms_der, size_t cms_len, const void *cert_der, size_t cert_len, const void *content,
	size_t len, int64_t now, struct error *err)
{
	X509 *cert = x509_read(cert_der, cert_len, err);
	if (cert == NULL)
		return ERR_CERT_MALFORMED;
	CMS_ContentInfo *cms = cms_read(cms_der, cms_len);
	BIO *in = len <= BYTES_MAX ? BIO_new_mem_buf(content, (int)len) : NULL;
	int rc = 0;
	if (cms == NULL || in == NULL || !signature_holds(cms, cert, in, NULL))
		rc = pki_failed(err, ERR_PACKAGE_SIGNATURE, NULL, "verify a detached CMS signature");
	else if (now < x509_time(X509_get0_notBefore(cert)) || now > x509_time(X509_get0_notAfter(cert)))
		rc = error_set(err, ERR_PACKAGE_SIGNATURE, NULL, "the signer's certificate is not valid now");
	BIO_free(in);
	CMS_ContentInfo_free(cms);
	X509_free(cert);
	return rc;
}

int cms_sign_with(const char *certificate, const char *key_file, const void *content, size_t len, struct bytes *out, struct error *err)
{
	struct bytes cert = { 0 };
	struct error unread = { .code = ERR_NO_MEMORY };
	size_t count = 0;
	int rc = cert_file_read(certificate, &cert, 1, &count, err);
	EVP_PKEY *key = rc == 0 ? pki_key_read(key_file, &unread) : NULL;
	if (rc == 0 && key == NULL) {
		rc = (int)unread.code;
		if (err != NULL)
			*err = unread;
	}
	if (rc == 0)
		rc = cms_sign_detached(key, cert.data, cert.len, content, len, out, err);
	pki_key_free(&key);
	bytes_free(&cert);
	return rc;
}

int cms_verify_with(const char *certificate, const struct bytes *cms, const struct bytes *content, int64_t now, struct error *err)
{
	struct bytes cert = { 0 };
	size_t count = 0;
	int rc = cert_file_read(certificate, &cert, 1, &count, err);
	if (rc == 0)
		rc = cms_verify_detached(cms->data, cms->len, cert.data, cert.len, content->data, content->len, now, err);
	bytes_free(&cert);
	return rc;
}
