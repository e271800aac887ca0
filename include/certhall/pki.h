/* X.509, PKCS#10, CMS and signatures, on OpenSSL only; nothing of OpenSSL shows in the interface but EVP_PKEY, X509 as
 * opaque pointers. DER travels as struct bytes. Algorithms are named by OpenSSL's long names so that one more (SM2) is one
 * more name: keys "rsa:2048", "rsa:3072", "ec:P-256" ("sm2" later); signatures "RSA-SHA256", "ecdsa-with-SHA256".
 */
#ifndef CERTHALL_PKI_H
#define CERTHALL_PKI_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/types.h>

#include <certhall/bytes.h>
#include <certhall/error.h>

enum { PKI_SHA256 = 32, PKI_NAME = 256, PKI_SERIAL = 48 };

/* What the programs need to know of a certificate; plain values, no ownership. Texts are sanitised UTF-8. */
struct cert_info {
	char fingerprint[65];        /* SHA-256 of the DER, lower-case hex */
	char spki_sha256[65];        /* SHA-256 of SubjectPublicKeyInfo DER (RFC 5280 4.1.2.7) */
	char serial[PKI_SERIAL];     /* upper-case hex without leading 00 */
	char holder[PKI_NAME];       /* CN of the subject, else O, else the whole name */
	char subject[PKI_NAME];      /* RFC 2253 order reversed for reading, UTF-8 */
	char organisation[PKI_NAME]; /* O, may be empty */
	char unit[PKI_NAME];         /* OU, may be empty */
	char issuer[PKI_NAME];       /* CN of the issuer */
	char issuer_subject[PKI_NAME];
	int64_t not_before, not_after;
	char key_algorithm[24];      /* "rsa:2048" ... */
	char key_text[24];           /* as shown: "RSA 2048", "EC P-256" */
	char signature_text[48];     /* as shown: "sha256WithRSAEncryption" */
	char usage[128];             /* key usage names, comma separated */
	bool for_signing, for_encryption; /* by key usage (both when there is none) */
};

/* All of it from DER; ERR_CERT_MALFORMED when it is not exactly one certificate. */
int cert_info_read(const void *der, size_t len, struct cert_info *out, struct error *err) CH_MUST_CHECK;
/* The certificate as readable text, every field and extension, sanitised. malloc'd. */
int cert_describe(const void *der, size_t len, char **text, struct error *err) CH_MUST_CHECK;
/* PEM file with one or more certificates: the DER of the first max of them, each to be freed; gives the count. */
int cert_file_read(const char *path, struct bytes *ders, size_t max, size_t *count, struct error *err) CH_MUST_CHECK;

/* Trust: an anchor store made of CA certificates. */
struct trust;
int trust_open(const struct bytes *ca_ders, size_t count, struct trust **out, struct error *err) CH_MUST_CHECK;
void trust_free(struct trust **trust);
/* Chain to an anchor with every check but the time of the certificate itself (an expired one may be renewed); the CA's own
 * times, basic constraints, key usage and signatures are checked. ERR_CERT_UNKNOWN_ISSUER. */
int trust_check_chain(const struct trust *trust, const void *der, size_t len, int64_t now, struct error *err) CH_MUST_CHECK;

void pki_sha256(const void *data, size_t len, uint8_t out[PKI_SHA256]);
int pki_random(void *out, size_t len) CH_MUST_CHECK;
/* So many random bytes (at most 32) as lower-case hex, for ids and tokens; out holds 2 * len + 1. ERR_UNEXPECTED. */
int pki_random_hex(size_t len, char *out, struct error *err) CH_MUST_CHECK;

/* Signature over data by the certificate's public key. algorithm must be one that fits the key. */
const char *pki_signature_algorithm(const EVP_PKEY *key); /* the one we use for that key; NULL: none */
const char *pki_signature_named(const char *key_algorithm); /* the same for "ec:P-256" ... */
int pki_sign(EVP_PKEY *key, const void *data, size_t len, struct bytes *signature, struct error *err) CH_MUST_CHECK;
bool pki_fits(EVP_PKEY *key, const void *data, size_t len, const struct bytes *signature); /* whether the public key verifies what pki_sign made */
int pki_verify(const void *cert_der, size_t cert_len, const char *algorithm, const void *data, size_t len,
	const void *signature, size_t signature_len, struct error *err) CH_MUST_CHECK; /* ERR_SIGNATURE_INVALID, ERR_ALGORITHM_NOT_ALLOWED */

/* What is signed, so that a signature for one purpose is no use for another:
 *   "certhall-v1\n" purpose "\n" audience "\n" order "\n" nonce-base64 "\n" hex-sha256-of-subject-matter "\n"
 * purpose "login": matter is the certificate's DER, order "-". "install": matter is the new certificate's DER as read back
 * from the key. "request" (CMS content): matter is the PKCS#10's DER. */
int pki_statement(const char *purpose, const char *audience, const char *order, const char *nonce,
	const void *matter, size_t matter_len, struct bytes *out) CH_MUST_CHECK;

/* PKCS#10 (RFC 2986) for the old certificate's subject, signed by key. spki: the public half when the key itself does not
 * know it (a token's EC key); NULL: from the key. The signature is verified before it is given out. */
int csr_make(EVP_PKEY *key, const struct bytes *spki, const void *old_cert, size_t old_len, struct bytes *out,
	struct error *err) CH_MUST_CHECK;
/* Checks the self-signature and that subject equals the old certificate's (NULL: any subject); gives SPKI and key algorithm.
 * ERR_CSR_INVALID; ERR_ALGORITHM_NOT_ALLOWED when it is none that is known here: which of those are wanted is the caller's to decide. */
int csr_check(const void *csr, size_t len, const void *old_cert, size_t old_len, struct bytes *spki, char algorithm[24],
	struct error *err) CH_MUST_CHECK;

/* CMS SignedData (RFC 5652), content inside, one signer, with its certificate. verify holds the signer to the given
 * certificate (the chain and the window are the caller's) and the content to the expected bytes. ERR_PROOF_INVALID. */
int cms_sign(EVP_PKEY *key, const void *cert, size_t cert_len, const void *content, size_t len, struct bytes *out,
	struct error *err) CH_MUST_CHECK;
int cms_verify(const void *cms, size_t cms_len, const void *cert, size_t cert_len, const void *content, size_t len,
	struct error *err) CH_MUST_CHECK;
/* Detached form, for the hall's manifests; the signer must be exactly the pinned certificate and be valid now.
 * ERR_PACKAGE_SIGNATURE. */
int cms_sign_detached(EVP_PKEY *key, const void *cert, size_t cert_len, const void *content, size_t len, struct bytes *out,
	struct error *err) CH_MUST_CHECK;
int cms_verify_detached(const void *cms, size_t cms_len, const void *cert, size_t cert_len, const void *content,
	size_t len, int64_t now, struct error *err) CH_MUST_CHECK;
/* The same with the certificate, and the key, in files. */
int cms_sign_with(const char *certificate, const char *key, const void *content, size_t len, struct bytes *out,
	struct error *err) CH_MUST_CHECK;
int cms_verify_with(const char *certificate, const struct bytes *cms, const struct bytes *content, int64_t now,
	struct error *err) CH_MUST_CHECK;

/* What a renewed certificate must be, checked by the terminal before it is written to the key. */
struct cert_expectation {
	const struct bytes *old_cert;   /* DER: subject equal, serial different */
	const char *spki_sha256;        /* the new key's */
	const struct trust *trust;      /* chain */
	int64_t not_after;              /* promised end; 0: not_before plus months */
	int months;
	int64_t now;
};
/* ERR_CERT_MISMATCH with the thing that does not fit as param (translated). Also: key usage and extended key usage equal to
 * the old one's, not_before not after now + 300 s. */
int cert_check_renewed(const void *der, size_t len, const struct cert_expectation *expected, struct error *err) CH_MUST_CHECK;

EVP_PKEY *pki_key_read(const char *path, struct error *err); /* PEM private key file; refuses one others can read */
EVP_PKEY *pki_key_generate(const char *algorithm, struct error *err);
int pki_key_write(const char *path, EVP_PKEY *key, struct error *err) CH_MUST_CHECK; /* 0600, must not exist */
void pki_key_free(EVP_PKEY **key);
int pki_spki(const EVP_PKEY *key, struct bytes *out) CH_MUST_CHECK; /* SubjectPublicKeyInfo DER */

#endif
