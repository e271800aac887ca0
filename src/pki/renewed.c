#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <certhall/clock.h>
#include <certhall/i18n.h>

#include "pki/internal.h"

enum { CLOCK_SKEW = 300 };

static bool same_extension(const X509 *a, const X509 *b, int nid)
{
	int at = X509_get_ext_by_NID(a, nid, -1), bt = X509_get_ext_by_NID(b, nid, -1);
	if (at < 0 || bt < 0)
		return at < 0 && bt < 0;
	return ASN1_OCTET_STRING_cmp(X509_EXTENSION_get_data(X509_get_ext(a, at)),
		X509_EXTENSION_get_data(X509_get_ext(b, bt))) == 0;
}

/* What does not fit, NULL when all does. */
static const char *misfit(const X509 *new_cert, const X509 *old, const struct cert_info *info,
	const struct cert_expectation *expected)
{
	int64_t end = expected->not_after != 0 ? expected->not_after : clock_add_months(info->not_before, expected->months);
	if (strcmp(info->spki_sha256, expected->spki_sha256) != 0)
		return _("the public key");
	if (!x509_name_same(X509_get_subject_name(new_cert), X509_get_subject_name(old)))
		return _("the subject");
	if (ASN1_INTEGER_cmp(X509_get0_serialNumber(new_cert), X509_get0_serialNumber(old)) == 0)
		return _("the serial number");
	if (!same_extension(new_cert, old, NID_key_usage))
		return _("the key usage");
	if (!same_extension(new_cert, old, NID_ext_key_usage))
		return _("the extended key usage");
	if (info->not_before > expected->now + CLOCK_SKEW)
		return _("the start of validity");
	if (info->not_after != end || info->not_after <= expected->now)
		return _("the end of validity");
	return NULL;
}

int cert_check_renewed(const void *der, size_t len, const struct cert_expectation *expected, struct error *err)
{
	struct cert_info info;
	int rc = cert_info_read(der, len, &info, err);
	if (rc != 0)
		return rc;
	X509 *new_cert = x509_read(der, len, err);
	X509 *old = x509_read(expected->old_cert->data, expected->old_cert->len, err);
	struct error chain = { 0 };
	if (new_cert == NULL || old == NULL) {
		rc = ERR_CERT_MALFORMED;
	} else {
		const char *what = misfit(new_cert, old, &info, expected);
		if (what != NULL)
			rc = error_set(err, ERR_CERT_MISMATCH, what, "renewed certificate %s", info.fingerprint);
		else if (trust_check_chain(expected->trust, der, len, expected->now, &chain) != 0)
			rc = error_set(err, ERR_CERT_MISMATCH, _("the issuer"), "%s", chain.detail);
	}
	X509_free(old);
	X509_free(new_cert);
	return rc;
}
