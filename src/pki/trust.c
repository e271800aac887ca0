#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "pki/internal.h"

struct trust {
	X509_STORE *store;
};

/* OpenSSL: SHA-1 and RSA below 1024 bits are no longer taken from anyone. */
enum { SECURITY_LEVEL = 1 };

int trust_open(const struct bytes *ca_ders, size_t count, struct trust **out, struct error *err)
{
	struct trust *trust = calloc(1, sizeof *trust);
	*out = NULL;
	if (trust == NULL || (trust->store = X509_STORE_new()) == NULL) {
		trust_free(&trust);
		return error_set(err, ERR_NO_MEMORY, NULL, "trust store");
	}
	int rc = 0;
	for (size_t i = 0; i < count && rc == 0; i++) {
		X509 *ca = x509_read(ca_ders[i].data, ca_ders[i].len, err);
		if (ca == NULL)
			rc = ERR_CERT_MALFORMED;
		else if (X509_check_ca(ca) != 1)
			rc = error_set(err, ERR_CERT_MALFORMED, NULL, "anchor %zu is not a CA's certificate", i);
		else if (X509_STORE_add_cert(trust->store, ca) != 1)
			rc = pki_failed(err, ERR_NO_MEMORY, NULL, "trust store");
		X509_free(ca);
	}
	if (rc != 0)
		trust_free(&trust);
	*out = trust;
	return rc;
}

void trust_free(struct trust **trust)
{
	if (*trust != NULL)
		X509_STORE_free((*trust)->store);
	free(*trust);
	*trust = NULL;
}

/* An expired certificate may be renewed; an expired CA vouches for nothing. */
static int but_the_leafs_time(int ok, X509_STORE_CTX *ctx)
{
	int what = X509_STORE_CTX_get_error(ctx);
	bool time = what == X509_V_ERR_CERT_HAS_EXPIRED || what == X509_V_ERR_CERT_NOT_YET_VALID;
	return ok || (time && X509_STORE_CTX_get_error_depth(ctx) == 0);
}

int trust_check_chain(const struct trust *trust, const void *der, size_t len, int64_t now, struct error *err)
{
	X509 *leaf = x509_read(der, len, err);
	if (leaf == NULL)
		return ERR_CERT_MALFORMED;
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	int rc = 0;
	if (X509_check_ca(leaf) != 0 || (X509_get_extension_flags(leaf) & (EXFLAG_CA | EXFLAG_INVALID)) != 0) {
		rc = error_set(err, ERR_CERT_UNKNOWN_ISSUER, NULL, "a CA's own certificate, or one with extensions that make no sense");
	} else if (ctx == NULL || X509_STORE_CTX_init(ctx, trust->store, leaf, NULL) != 1) {
		rc = pki_failed(err, ERR_NO_MEMORY, NULL, "chain");
	} else {
		X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
		X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_CHECK_SS_SIGNATURE);
		X509_VERIFY_PARAM_set_auth_level(param, SECURITY_LEVEL);
		X509_VERIFY_PARAM_set_time(param, (time_t)now);
		X509_STORE_CTX_set_verify_cb(ctx, but_the_leafs_time);
		if (X509_verify_cert(ctx) != 1)
			rc = error_set(err, ERR_CERT_UNKNOWN_ISSUER, NULL, "chain: %s (depth %d)",
				X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)), X509_STORE_CTX_get_error_depth(ctx));
	}
	X509_STORE_CTX_free(ctx);
	X509_free(leaf);
	ERR_clear_error();
	return rc;
}
