/* Certificates to try things on, made with OpenSSL directly and not with the code under test. */
#ifndef TESTS_PKI_FIXTURE_H
#define TESTS_PKI_FIXTURE_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/types.h>

#include <certhall/bytes.h>

#define DAY 86400
#define NOW 1795363200 /* 2026-11-22T16:00:00Z; the tests' own clock */

struct recipe {
	const char *cn, *o, *ou;      /* CN may be NULL */
	EVP_PKEY *key;                /* the subject's */
	EVP_PKEY *issuer_key;         /* NULL: self-signed */
	const struct bytes *issuer;   /* NULL: self-signed */
	int64_t from, to;
	const char *serial;           /* hex; NULL: 0A12 */
	const char *usage, *extended; /* as in OpenSSL's configuration; NULL: none */
	const char *basic;            /* basicConstraints; NULL: none */
	const char *digest;           /* NULL: SHA256 */
	bool key_ids;                 /* subject and authority key identifiers */
	const char *const *more;      /* further extensions: name, value, name, value ... NULL */
};

/* DER; freed by the caller. Fails the test when it cannot be made. */
struct bytes cert_make(const struct recipe *recipe);

/* Keys made once a program: "rsa:2048", "rsa:2048 other", "ec:P-256", "ec:P-256 other" ... up to the space is the algorithm. */
EVP_PKEY *key_for(const char *name);
void keys_free(void);

/* A folder of its own, removed by folder_free. */
extern char folder[64];
void folder_make(void);
void folder_free(void);
const char *in_folder(const char *name); /* four in turn */
void put(const char *name, const void *data, size_t len);
void put_pem(const char *name, const struct bytes *cert);
struct bytes get(const char *name);

/* Runs a shell command inside the folder; its exit status. What it said goes to the file "said". */
int shell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
