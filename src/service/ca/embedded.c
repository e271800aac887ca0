#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include <certhall/i18n.h>
#include <certhall/pki.h>

#include "service/ca/embedded.h"

enum { CRL_DAYS = 7, CRL_DAYS_MAX = 366 };

int embedded_failed(struct error *err, const char *what)
{
	unsigned long last = ERR_peek_last_error();
	const char *reason = last != 0 ? ERR_reason_error_string(last) : NULL;
	ERR_clear_error();
	return error_set(err, ERR_CA_FAILED, NULL, "%s: %s", what, reason != NULL ? reason : "refused");
}

X509 *embedded_read(const struct bytes *der)
{
	const uint8_t *p = der->data;
	return d2i_X509(NULL, &p, (long)der->len);
}

const EVP_MD *embedded_digest(const EVP_PKEY *key)
{
	const char *name = pki_signature_algorithm(key);
	int digest = NID_undef;
	if (name == NULL || OBJ_find_sigid_algs(OBJ_txt2nid(name), &digest, NULL) != 1)
		return NULL;
	return EVP_get_digestbynid(digest);
}

ASN1_INTEGER *embedded_serial(const char *hex)
{
	size_t len = strlen(hex);
	BIGNUM *number = NULL;
	ASN1_INTEGER *serial = NULL;
	if (len > 0 && len <= 40 && strspn(hex, "0123456789ABCDEFabcdef") == len && BN_hex2bn(&number, hex) == (int)len)
		serial = BN_to_ASN1_INTEGER(number, NULL);
	BN_free(number);
	return serial;
}

const char *embedded_authority(const X509 *issuer)
{
	return X509_get_ext_by_NID(issuer, NID_subject_key_identifier, -1) >= 0 ? "keyid:always" : "issuer:always";
}

int embedded_extend(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	int rc = ext != NULL && X509_add_ext(x, ext, -1) == 1 ? 0 : -1;
	X509_EXTENSION_free(ext);
	return rc;
}

static void embedded_free(struct ca *ca)
{
	struct embedded *e = (struct embedded *)ca;
	for (size_t i = 0; i < e->chain_count; i++)
		bytes_free(&e->chain[i]);
	X509_free(e->cert);
	pki_key_free(&e->key);
	free(e->crl_points);
	free(e->issuer_access);
	free(e);
}

static int load(struct embedded *e, const char *certificate, const char *key, struct error *err)
{
	int rc = cert_file_read(certificate, e->chain, CA_CHAIN_MAX, &e->chain_count, err);
	if (rc != 0)
		return rc;
	e->key = pki_key_read(key, err);
	if (e->key == NULL)
		return err != NULL ? (int)err->code : ERR_CONFIG;
	e->cert = embedded_read(&e->chain[0]);
	if (e->cert == NULL)
		return embedded_failed(err, "read the CA's certificate");
	if (X509_check_ca(e->cert) != 1)
		return error_set(err, ERR_CONFIG, _("\"ca.certificate\" is not a CA's certificate"), "%s", certificate);
	if (X509_check_private_key(e->cert, e->key) != 1) {
		ERR_clear_error();
		return error_set(err, ERR_CONFIG, _("\"ca.key\" is not the key of \"ca.certificate\""), "%s, %s", certificate, key);
	}
	if (embedded_digest(e->key) == NULL)
		return error_set(err, ERR_CONFIG, _("\"ca.key\" is of a kind that cannot be used"), "%s", key);
	return 0;
}

/* "prefix URL" from the configuration; a comma would begin another value in OpenSSL's notation. */
static int read_url(const config_setting_t *settings, const char *name, const char *prefix, char **out, struct error *err)
{
	const char *url = "";
	config_setting_lookup_string(settings, name, &url);
	if (url[0] == '\0')
		return 0;
	if (strchr(url, ',') != NULL)
		return error_set(err, ERR_CONFIG, _("an address of the CA must not hold a comma"), "ca.%s", name);
	return asprintf(out, "%s%s", prefix, url) > 0 ? 0 : error_set(err, ERR_NO_MEMORY, NULL, "ca.%s", name);
}

static int configure(struct embedded *e, const config_setting_t *settings, struct error *err)
{
	const char *certificate = NULL, *key = NULL;
	config_setting_lookup_string(settings, "certificate", &certificate);
	config_setting_lookup_string(settings, "key", &key);
	config_setting_lookup_int(settings, "crl_days", &e->crl_days);
	if (certificate == NULL || key == NULL)
		return error_set(err, ERR_CONFIG, _("the group \"ca\" needs \"certificate\" and \"key\""), "ca.certificate, ca.key");
	if (e->crl_days < 1 || e->crl_days > CRL_DAYS_MAX)
		return error_set(err, ERR_CONFIG, _("\"ca.crl_days\" must be between 1 and 366"), "ca.crl_days = %d", e->crl_days);
	int rc = read_url(settings, "crl_url", "URI:", &e->crl_points, err);
	if (rc == 0)
		rc = read_url(settings, "issuer_url", "caIssuers;URI:", &e->issuer_access, err);
	return rc == 0 ? load(e, certificate, key, err) : rc;
}

static int embedded_open(const config_setting_t *settings, struct ca **out, struct error *err)
{
	struct embedded *e = calloc(1, sizeof *e);
	if (e == NULL)
		return error_set(err, ERR_NO_MEMORY, NULL, "embedded CA");
	e->ca.backend = &ca_embedded;
	e->crl_days = CRL_DAYS;
	int rc = configure(e, settings, err);
	if (rc != 0)
		embedded_free(&e->ca);
	else
		*out = &e->ca;
	return rc;
}

static const struct bytes *embedded_chain(const struct ca *ca, size_t *count)
{
	const struct embedded *e = (const struct embedded *)ca;
	*count = e->chain_count;
	return e->chain;
}

const struct ca_backend ca_embedded = {
	.name = "embedded",
	.open = embedded_open,
	.free = embedded_free,
	.issue = embedded_issue,
	.chain = embedded_chain,
	.crl = embedded_crl,
};
