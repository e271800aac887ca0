#include <string.h>

#include <openssl/err.h>

#include <certhall/pki.h>

#include "service/ca/embedded.h"

/* Extensions that belong to the old key, the old signature or the old span of time, and are not carried over. */
static bool left_behind(const struct embedded *e, const X509_EXTENSION *ext)
{
	switch (OBJ_obj2nid(X509_EXTENSION_get_object((X509_EXTENSION *)(uintptr_t)ext))) {
	case NID_subject_key_identifier:
	case NID_authority_key_identifier:
	case NID_private_key_usage_period:
	case NID_ct_precert_scts:
	case NID_ct_precert_poison:
		return true;
	case NID_crl_distribution_points:
		return e->crl_points != NULL;
	case NID_info_access:
		return e->issuer_access != NULL;
	default:
		return false;
	}
}

static int carry_over(const struct embedded *e, X509 *x, const X509 *old)
{
	for (int i = 0; i < X509_get_ext_count(old); i++) {
		X509_EXTENSION *ext = X509_get_ext(old, i);
		if (!left_behind(e, ext) && X509_add_ext(x, ext, -1) != 1)
			return -1;
	}
	return 0;
}

/* Of a first certificate, which has no old one to be like. */
static int defaults(X509 *x)
{
	const char *usage = EVP_PKEY_is_a(X509_get0_pubkey(x), "RSA") ? "critical,digitalSignature,nonRepudiation,keyEncipherment"
		: "critical,digitalSignature,nonRepudiation";
	return embedded_extend(x, x, NID_basic_constraints, "critical,CA:FALSE") == 0 &&
		embedded_extend(x, x, NID_key_usage, usage) == 0 &&
		embedded_extend(x, x, NID_ext_key_usage, "clientAuth,emailProtection") == 0 ? 0 : -1;
}

static int extend(const struct embedded *e, X509 *x, const X509 *old)
{
	if (embedded_extend(x, e->cert, NID_subject_key_identifier, "hash") != 0 ||
		embedded_extend(x, e->cert, NID_authority_key_identifier, embedded_authority(e->cert)) != 0)
		return -1;
	if ((old != NULL ? carry_over(e, x, old) : defaults(x)) != 0)
		return -1;
	if (e->crl_points != NULL && embedded_extend(x, e->cert, NID_crl_distribution_points, e->crl_points) != 0)
		return -1;
	return e->issuer_access != NULL ? embedded_extend(x, e->cert, NID_info_access, e->issuer_access) : 0;
}

/* All but the extensions. */
static int fill(const struct embedded *e, X509 *x, const struct ca_plan *plan, const X509_NAME *subject, EVP_PKEY *pub)
{
	ASN1_INTEGER *serial = embedded_serial(plan->serial);
	int ok = serial != NULL && X509_set_version(x, X509_VERSION_3) == 1 && X509_set_serialNumber(x, serial) == 1 &&
		X509_set_issuer_name(x, X509_get_subject_name(e->cert)) == 1 &&
		ASN1_TIME_set(X509_getm_notBefore(x), (time_t)plan->not_before) != NULL &&
		ASN1_TIME_set(X509_getm_notAfter(x), (time_t)plan->not_after) != NULL &&
		X509_set_subject_name(x, subject) == 1 && X509_set_pubkey(x, pub) == 1;
	ASN1_INTEGER_free(serial);
	return ok ? 0 : -1;
}

static int sign(const struct embedded *e, X509 *x, struct bytes *cert)
{
	uint8_t *der = NULL;
	int len = X509_sign(x, e->key, embedded_digest(e->key)) > 0 ? i2d_X509(x, &der) : -1;
	int rc = len > 0 ? bytes_set(cert, der, (size_t)len) : -1;
	OPENSSL_free(der);
	return rc;
}

int embedded_issue(struct ca *ca, const struct ca_plan *plan, const struct bytes *csr, const struct bytes *old_cert,
	struct bytes *cert, struct error *err)
{
	const struct embedded *e = (const struct embedded *)ca;
	struct bytes spki = { 0 };
	char algorithm[24];
	int rc = csr_check(csr->data, csr->len, old_cert != NULL ? old_cert->data : NULL, old_cert != NULL ? old_cert->len : 0,
		&spki, algorithm, err);
	if (rc != 0) {
		bytes_free(&spki);
		return rc;
	}
	const uint8_t *p = csr->data;
	X509_REQ *req = d2i_X509_REQ(NULL, &p, (long)csr->len);
	X509 *old = old_cert != NULL ? embedded_read(old_cert) : NULL, *x = X509_new();
	EVP_PKEY *pub = req != NULL ? X509_REQ_get0_pubkey(req) : NULL;
	if (x == NULL || pub == NULL || (old_cert != NULL && old == NULL))
		rc = embedded_failed(err, "read what to sign");
	else if (old != NULL && (X509_get_extension_flags(old) & EXFLAG_CA) != 0)
		rc = error_set(err, ERR_CA_FAILED, NULL, "a CA's certificate is not renewed here");
	else if (fill(e, x, plan, X509_REQ_get_subject_name(req), pub) != 0 || extend(e, x, old) != 0 || sign(e, x, cert) != 0)
		rc = embedded_failed(err, "sign a certificate");
	X509_free(x);
	X509_free(old);
	X509_REQ_free(req);
	bytes_free(&spki);
	ERR_clear_error();
	return rc;
}
