/* What the files of the embedded CA share. Nothing in it changes after it is opened, so any thread may use it. */
#ifndef SERVICE_CA_EMBEDDED_H
#define SERVICE_CA_EMBEDDED_H

#include <openssl/x509v3.h>

#include "service/ca/backend.h"

enum { CA_CHAIN_MAX = 8 };

struct embedded {
	struct ca ca;
	X509 *cert;
	EVP_PKEY *key;
	struct bytes chain[CA_CHAIN_MAX];
	size_t chain_count;
	int crl_days;
	char *crl_points;   /* extension value, NULL: as the old certificate has it */
	char *issuer_access;
};

/* error_set(ERR_CA_FAILED) with OpenSSL's reason. */
int embedded_failed(struct error *err, const char *what);

X509 *embedded_read(const struct bytes *der); /* NULL: not a certificate */
/* The digest that goes with the key's signature algorithm. */
const EVP_MD *embedded_digest(const EVP_PKEY *key);
ASN1_INTEGER *embedded_serial(const char *hex); /* NULL: not 1 to 20 octets in hex */
/* Adds one extension by its value in OpenSSL's notation; 0 or -1. */
int embedded_extend(X509 *x, X509 *issuer, int nid, const char *value);
const char *embedded_authority(const X509 *issuer); /* value of the authority key identifier */

int embedded_issue(struct ca *ca, const struct ca_plan *plan, const struct bytes *csr, const struct bytes *old_cert,
	struct bytes *cert, struct error *err) CH_MUST_CHECK;
int embedded_crl(struct ca *ca, const struct ca_revoked *revoked, size_t count, int64_t number, int64_t now,
	struct bytes *der, struct error *err) CH_MUST_CHECK;

#endif
