/*
 * What this machine can do for one second each, the yardsticks of the service's benchmark:
 *	rates sign ALGORITHM    certificates signed by an authority of that kind (rsa:2048, rsa:3072, ec:P-256), one core
 *	rates commit FOLDER     durable SQLite commits there (WAL, synchronous=FULL), one writer
 * Prints the rate per second.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <sqlite3.h>

enum { BATCH = 50 };
static const double SPAN = 2.0;

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "rates: %s\n", what);
	exit(1);
}

static EVP_PKEY *make_key(const char *algorithm)
{
	unsigned bits = 0;
	EVP_PKEY *key = NULL;
	if (sscanf(algorithm, "rsa:%u", &bits) == 1)
		key = EVP_RSA_gen(bits);
	else if (strncmp(algorithm, "ec:", 3) == 0)
		key = EVP_EC_gen(algorithm + 3);
	if (key == NULL)
		die(algorithm);
	return key;
}

static X509 *make_cert(EVP_PKEY *ca, EVP_PKEY *subject, long serial)
{
	X509 *cert = X509_new();
	X509_NAME *name = X509_get_subject_name(cert);
	X509_set_version(cert, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), serial);
	X509_NAME_add_entry_by_NID(name, NID_countryName, MBSTRING_UTF8, (const unsigned char *)"CN", -1, -1, 0);
	X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8, (const unsigned char *)"bench", -1, -1, 0);
	X509_set_issuer_name(cert, name);
	X509_gmtime_adj(X509_getm_notBefore(cert), 0);
	X509_gmtime_adj(X509_getm_notAfter(cert), 31536000);
	X509_set_pubkey(cert, subject);
	const struct { int nid; const char *value; } extensions[] = { { NID_basic_constraints, "critical,CA:FALSE" },
		{ NID_key_usage, "critical,digitalSignature,nonRepudiation" }, { NID_subject_key_identifier, "hash" } };
	X509V3_CTX context;
	X509V3_set_ctx(&context, cert, cert, NULL, NULL, 0);
	for (size_t i = 0; i < sizeof extensions / sizeof extensions[0]; i++) {
		X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, extensions[i].nid, extensions[i].value);
		X509_add_ext(cert, extension, -1);
		X509_EXTENSION_free(extension);
	}
	if (X509_sign(cert, ca, EVP_sha256()) == 0)
		die("X509_sign");
	return cert;
}

static double sign_rate(const char *algorithm)
{
	EVP_PKEY *ca = make_key(algorithm), *subject = make_key("ec:P-256");
	double began = now();
	long done = 0;
	for (; now() - began < SPAN; done++) {
		unsigned char *der = NULL;
		X509 *cert = make_cert(ca, subject, done + 1);
		if (i2d_X509(cert, &der) <= 0)
			die("i2d_X509");
		OPENSSL_free(der);
		X509_free(cert);
	}
	double rate = (double)done / (now() - began);
	EVP_PKEY_free(ca);
	EVP_PKEY_free(subject);
	return rate;
}

static double commit_rate(const char *folder)
{
	char path[4096];
	sqlite3 *db;
	sqlite3_stmt *insert;
	snprintf(path, sizeof path, "%s/rates.db", folder);
	if (sqlite3_open(path, &db) != SQLITE_OK || sqlite3_exec(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
		"CREATE TABLE t (id INTEGER PRIMARY KEY, body TEXT)", NULL, NULL, NULL) != SQLITE_OK ||
		sqlite3_prepare_v2(db, "INSERT INTO t (body) VALUES (?)", -1, &insert, NULL) != SQLITE_OK)
		die(sqlite3_errmsg(db));
	char body[300];
	memset(body, 'x', sizeof body);
	double began = now();
	long done = 0;
	while (now() - began < SPAN) {
		for (int i = 0; i < BATCH; i++, done++) {
			sqlite3_bind_text(insert, 1, body, sizeof body, SQLITE_STATIC);
			if (sqlite3_step(insert) != SQLITE_DONE)
				die(sqlite3_errmsg(db));
			sqlite3_reset(insert);
		}
	}
	double rate = (double)done / (now() - began);
	sqlite3_finalize(insert);
	sqlite3_close(db);
	return rate;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "sign") == 0)
		printf("%.0f\n", sign_rate(argv[2]));
	else if (argc == 3 && strcmp(argv[1], "commit") == 0)
		printf("%.0f\n", commit_rate(argv[2]));
	else
		die("usage: rates sign ALGORITHM | rates commit FOLDER");
	return 0;
}
