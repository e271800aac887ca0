/* What the files of pki share. */
#ifndef PKI_INTERNAL_H
#define PKI_INTERNAL_H

#include <openssl/x509.h>

#include <certhall/pki.h>

/* One row an algorithm; another one (SM2) is another row. */
struct algorithm {
	const char *name, *shown; /* "rsa:2048", "RSA 2048" */
	const char *type;         /* of the EVP_PKEY */
	int bits;                 /* RSA: of the modulus */
	const char *group;        /* EC: the curve */
	const char *signature;    /* OpenSSL's long name */
	const char *digest;
};

/* NULL: none of ours. Also for a private key that knows no public half. */
const struct algorithm *algorithm_of(const EVP_PKEY *key);
const struct algorithm *algorithm_named(const char *name);
/* "rsa:1024", "ec:secp256k1", "ed25519": also for what is none of ours. */
void algorithm_name_of(const EVP_PKEY *key, char out[24]);

/* error_set with OpenSSL's last error in the detail; empties OpenSSL's queue. */
int pki_failed(struct error *err, enum error_code code, const char *param, const char *what);

/* Exactly one certificate in DER, or NULL and ERR_CERT_MALFORMED. */
X509 *x509_read(const void *der, size_t len, struct error *err);

/* Whether two names are the same to the byte. */
bool x509_name_same(const X509_NAME *a, const X509_NAME *b);
int64_t x509_time(const ASN1_TIME *t);
int spki_read(const X509_PUBKEY *pubkey, struct bytes *out) CH_MUST_CHECK;

/* An EC key of libp11's knows no public point when the token has no public key object; it is given this one, because
 * OpenSSL compares the halves before it makes a CMS signature. Nothing happens to other keys. */
void key_complete(EVP_PKEY *key, const EVP_PKEY *pub);

#endif
