/* The certificate authority behind the hall: a backend as a struct of functions (embedded here; CMP to a real one fits the
 * same seam). The rest of the service cannot tell which. Thread-safe.
 *
 * The caller stores the intent (ca_plan) durably before it asks for the signature (ca_issue), so that a crash between the
 * two asks for the very same certificate again: same plan, same certificate.
 */
#ifndef SERVICE_CA_H
#define SERVICE_CA_H

#include <libconfig.h>

#include <certhall/bytes.h>
#include <certhall/error.h>

struct ca;

/* What is going to be signed; written down before it is. */
struct ca_plan {
	char transaction[33];       /* hex of SHA-256(order NUL role NUL attempt)[:16], attempt in decimal; the same for a repeat */
	char serial[41];            /* 20 random bytes (RFC 5280 4.1.2.2: positive, at most 20 octets); hex as in cert_info */
	int64_t not_before, not_after;
};

/* settings: the `ca` group of the configuration: backend = "embedded"; certificate (PEM; its own CAs may follow in the same
 * file), key (PEM, mode 0600), crl_days (7); optional crl_url and issuer_url, where the CRL and the CA's certificate are
 * published. Missing addresses are those of the old certificate. ERR_CONFIG, ERR_FILE, ERR_CERT_MALFORMED. */
int ca_open(const config_setting_t *settings, struct ca **out, struct error *err) CH_MUST_CHECK;
void ca_free(struct ca **ca);

/* Refuses (ERR_CA_FAILED) what would outlive the CA's own certificate. */
int ca_plan_new(struct ca *ca, const char *order, const char *role, int attempt, int64_t not_before, int64_t not_after,
	struct ca_plan *out, struct error *err) CH_MUST_CHECK;

/* Signs: subject, subject alternative name, key usage, extended key usage, policies and private extensions of the old
 * certificate; new SPKI; new subject key id; authority key id of this CA. old_cert NULL with a CSR alone: the operator's
 * `issue` (subject from the CSR, end-entity defaults). The PKCS#10 is checked as csr_check does (ERR_CSR_INVALID). The same
 * plan, CSR and old certificate give the same bytes from an RSA CA; from an EC one the same but for the signature. */
int ca_issue(struct ca *ca, const struct ca_plan *plan, const struct bytes *csr, const struct bytes *old_cert,
	struct bytes *cert, struct error *err) CH_MUST_CHECK;

/* The CA certificates, DER, leaf CA first; borrowed. */
const struct bytes *ca_chain(const struct ca *ca, size_t *count);

/* One revoked serial for the CRL. reason: CRLReason of RFC 5280 5.3.1 (superseded 4, unspecified 0 ...). */
struct ca_revoked {
	char serial[41];
	int64_t at;
	int reason;
};
int ca_crl(struct ca *ca, const struct ca_revoked *revoked, size_t count, int64_t number, int64_t now, struct bytes *der,
	struct error *err) CH_MUST_CHECK;

/* Makes a new embedded CA: key file (0600) and self-signed certificate. For `certhalld init`. */
int ca_create(const char *certificate, const char *key, const char *name, const char *algorithm, int64_t not_before,
	int64_t not_after, struct error *err) CH_MUST_CHECK;

#endif
