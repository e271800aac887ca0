/* EVP_PKEY_get0_EC_KEY: libp11 0.4 hands out keys of the old kind, and only the old call reaches inside one. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <certhall/file.h>
#include <certhall/i18n.h>

#include "pki/internal.h"

int pki_failed(struct error *err, enum error_code code, const char *param, const char *what)
{
	unsigned long last = ERR_peek_last_error();
	const char *reason = last != 0 ? ERR_reason_error_string(last) : NULL;
	ERR_clear_error();
	return error_set(err, code, param, "%s: %s", what, reason != NULL ? reason : "refused");
}

void pki_sha256(const void *data, size_t len, uint8_t out[PKI_SHA256])
{
	SHA256(data, len, out);
}

int pki_random(void *out, size_t len)
{
	return len <= INT32_MAX && RAND_bytes(out, (int)len) == 1 ? 0 : ERR_UNEXPECTED;
}

int pki_random_hex(size_t len, char *out, struct error *err)
{
	uint8_t random[32];
	if (len > sizeof random || pki_random(random, len) != 0)
		return error_set(err, ERR_UNEXPECTED, "random", "no random bytes");
	hex_encode(random, len, out);
	OPENSSL_cleanse(random, sizeof random);
	return 0;
}

int pki_statement(const char *purpose, const char *audience, const char *order, const char *nonce,
	const void *matter, size_t matter_len, struct bytes *out)
{
	const char *lines[] = { "certhall-v1", purpose, audience, order, nonce };
	uint8_t hash[PKI_SHA256];
	char hex[2 * PKI_SHA256 + 1];
	out->len = 0;
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		if (strchr(lines[i], '\n') != NULL)
			return ERR_BAD_INPUT;
		int rc = bytes_append(out, lines[i], strlen(lines[i]));
		if (rc == 0)
			rc = bytes_append(out, "\n", 1);
		if (rc != 0)
			return rc;
	}
	pki_sha256(matter, matter_len, hash);
	hex_encode(hash, sizeof hash, hex);
	hex[2 * PKI_SHA256] = '\n';
	return bytes_append(out, hex, sizeof hex);
}

static int no_password(char *buf, int size, int writing, void *ctx)
{
	(void)buf, (void)size, (void)writing, (void)ctx;
	return -1; /* never ask at the terminal */
}

EVP_PKEY *pki_key_read(const char *path, struct error *err)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		error_set(err, ERR_FILE, path, "open %s: %s", path, fd < 0 ? strerror(errno) : "not a regular file");
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
		char param[sizeof err->param];
		snprintf(param, sizeof param, _("others can read the key file %s (chmod 600)"), path);
		error_set(err, ERR_CONFIG, param, "%s has mode %03o", path, (unsigned)st.st_mode & 0777);
		close(fd);
		return NULL;
	}
	BIO *bio = BIO_new_fd(fd, BIO_CLOSE);
	if (bio == NULL)
		close(fd);
	EVP_PKEY *key = bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;
	if (key == NULL) {
		char param[sizeof err->param];
		snprintf(param, sizeof param, _("%s holds no private key that can be read"), path);
		pki_failed(err, ERR_CONFIG, param, "read a private key");
	}
	BIO_free(bio);
	ERR_clear_error();
	return key;
}

int pki_key_write(const char *path, EVP_PKEY *key, struct error *err)
{
	BIO *bio = BIO_new(BIO_s_secmem());
	char *pem = NULL;
	int rc;
	if (bio == NULL || PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) != 1)
		rc = pki_failed(err, ERR_UNEXPECTED, "key", "encode a private key");
	else {
		long len = BIO_get_mem_data(bio, &pem);
		rc = file_create(path, pem, (size_t)len, err);
	}
	BIO_free(bio);
	return rc;
}

void pki_key_free(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
	*key = NULL;
}

int spki_read(const X509_PUBKEY *pubkey, struct bytes *out)
{
	uint8_t *der = NULL;
	int len = i2d_X509_PUBKEY(pubkey, &der);
	int rc = len > 0 ? bytes_set(out, der, (size_t)len) : ERR_UNEXPECTED;
	OPENSSL_free(der);
	ERR_clear_error();
	return rc;
}

int pki_spki(const EVP_PKEY *key, struct bytes *out)
{
	uint8_t *der = NULL;
	int len = i2d_PUBKEY(key, &der);
	int rc = len > 0 ? bytes_set(out, der, (size_t)len) : ERR_UNEXPECTED;
	OPENSSL_free(der);
	ERR_clear_error();
	return rc;
}

void key_complete(EVP_PKEY *key, const EVP_PKEY *pub)
{
	if (!EVP_PKEY_is_a(key, "EC") || !EVP_PKEY_is_a(pub, "EC"))
		return;
	EC_KEY *ec = (EC_KEY *)(uintptr_t)EVP_PKEY_get0_EC_KEY(key);
	const EC_KEY *from = EVP_PKEY_get0_EC_KEY(pub);
	if (ec != NULL && from != NULL && EC_KEY_get0_public_key(ec) == NULL)
		EC_KEY_set_public_key(ec, EC_KEY_get0_public_key(from));
	ERR_clear_error();
}
