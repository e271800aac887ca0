#include <openssl/err.h>

#include "service/ca/embedded.h"

enum { DAY = 86400, UNSPECIFIED = 0 };

static int add_reason(X509_REVOKED *entry, int reason)
{
	if (reason == UNSPECIFIED) /* is said by saying nothing, RFC 5280 5.3.1 */
		return 0;
	ASN1_ENUMERATED *value = ASN1_ENUMERATED_new();
	int ok = value != NULL && ASN1_ENUMERATED_set(value, reason) == 1 &&
		X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, value, 0, 0) == 1;
	ASN1_ENUMERATED_free(value);
	return ok ? 0 : -1;
}

static int add_entry(X509_CRL *crl, const struct ca_revoked *revoked)
{
	X509_REVOKED *entry = X509_REVOKED_new();
	ASN1_INTEGER *serial = embedded_serial(revoked->serial);
	ASN1_TIME *at = ASN1_TIME_set(NULL, (time_t)revoked->at);
	int ok = entry != NULL && serial != NULL && at != NULL && X509_REVOKED_set_serialNumber(entry, serial) == 1 &&
		X509_REVOKED_set_revocationDate(entry, at) == 1 && add_reason(entry, revoked->reason) == 0 &&
		X509_CRL_add0_revoked(crl, entry) == 1;
	if (!ok)
		X509_REVOKED_free(entry);
	ASN1_TIME_free(at);
	ASN1_INTEGER_free(serial);
	return ok ? 0 : -1;
}

static int extend(const struct embedded *e, X509_CRL *crl, int64_t number)
{
	X509V3_CTX ctx;
	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, e->cert, NULL, NULL, crl, 0);
	X509_EXTENSION *authority = X509V3_EXT_conf_nid(NULL, &ctx, NID_authority_key_identifier, embedded_authority(e->cert));
	ASN1_INTEGER *value = ASN1_INTEGER_new();
	int ok = authority != NULL && X509_CRL_add_ext(crl, authority, -1) == 1 && value != NULL &&
		ASN1_INTEGER_set_int64(value, number) == 1 && X509_CRL_add1_ext_i2d(crl, NID_crl_number, value, 0, 0) == 1;
	ASN1_INTEGER_free(value);
	X509_EXTENSION_free(authority);
	return ok ? 0 : -1;
}

static int fill(const struct embedded *e, X509_CRL *crl, int64_t number, int64_t now)
{
	ASN1_TIME *from = ASN1_TIME_set(NULL, (time_t)now);
	ASN1_TIME *to = ASN1_TIME_set(NULL, (time_t)(now + (int64_t)e->crl_days * DAY));
	int ok = from != NULL && to != NULL && X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1 &&
		X509_CRL_set_issuer_name(crl, X509_get_subject_name(e->cert)) == 1 && X509_CRL_set1_lastUpdate(crl, from) == 1 &&
		X509_CRL_set1_nextUpdate(crl, to) == 1 && extend(e, crl, number) == 0;
	ASN1_TIME_free(from);
	ASN1_TIME_free(to);
	return ok ? 0 : -1;
}

int embedded_crl(struct ca *ca, const struct ca_revoked *revoked, size_t count, int64_t number, int64_t now,
	struct bytes *der, struct error *err)
{
	const struct embedded *e = (const struct embedded *)ca;
	X509_CRL *crl = X509_CRL_new();
	uint8_t *raw = NULL;
	int len = -1, rc = crl != NULL ? fill(e, crl, number, now) : -1;
	for (size_t i = 0; i < count && rc == 0; i++)
		rc = add_entry(crl, &revoked[i]);
	if (rc == 0 && X509_CRL_sort(crl) == 1 && X509_CRL_sign(crl, e->key, embedded_digest(e->key)) > 0)
		len = i2d_X509_CRL(crl, &raw);
	rc = len > 0 ? bytes_set(der, raw, (size_t)len) : -1;
	if (rc != 0)
		rc = embedded_failed(err, "sign a CRL");
	OPENSSL_free(raw);
	X509_CRL_free(crl);
	return rc;
}
