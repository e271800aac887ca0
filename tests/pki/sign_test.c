/* PKCS#10, CMS, plain signatures and keys, with the openssl command as the second opinion. */
#define OPENSSL_SUPPRESS_DEPRECATED /* the key without a public half */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>

#include <certhall/pki.h>

#include "check.h"
#include "fixture.h"

static const char content[] = "certhall-v1\nrequest\nhall\nAZT0000\nbm9uY2U=\n00\n";
enum { CONTENT = sizeof content - 1 };

static const char *const algorithms[] = { "rsa:2048", "ec:P-256" };

static struct bytes cert_of(EVP_PKEY *key, const char *cn, const char *serial)
{
	return cert_make(&(struct recipe){ .cn = cn, .o = "样票集团", .key = key, .from = NOW - DAY, .to = NOW + DAY,
		.serial = serial, .extended = "clientAuth" });
}

/* As libp11 gives an EC key when its token holds no public key object. */
static EVP_PKEY *without_public_half(const EVP_PKEY *key)
{
	BIGNUM *d = NULL;
	assert_int_equal(1, EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &d));
	EC_KEY *ec = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
	assert_int_equal(1, EC_KEY_set_private_key(ec, d));
	BN_clear_free(d);
	EVP_PKEY *half = EVP_PKEY_new();
	assert_int_equal(1, EVP_PKEY_assign_EC_KEY(half, ec));
	return half;
}

static void request(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		EVP_PKEY *key = key_for(algorithms[i]);
		struct bytes old = cert_of(key_for("ec:P-256 other"), "样票公司", NULL), csr = { 0 }, spki = { 0 }, own = { 0 };
		char algorithm[24];
		assert_int_equal(0, csr_make(key, NULL, old.data, old.len, &csr, NULL));
		put("csr.der", csr.data, csr.len);
		assert_int_equal(0, shell("openssl req -inform DER -in csr.der -verify -noout"));
		put_pem("old.pem", &old);
		assert_int_equal(0, shell("openssl req -inform DER -in csr.der -noout -subject | sort > a;"
			"openssl x509 -in old.pem -noout -subject | sort > b; cmp a b"));
		assert_int_equal(0, csr_check(csr.data, csr.len, old.data, old.len, &spki, algorithm, NULL));
		assert_string_equal(algorithms[i], algorithm);
		assert_int_equal(0, pki_spki(key, &own));
		assert_int_equal(own.len, spki.len);
		assert_memory_equal(own.data, spki.data, own.len);
		bytes_free(&old);
		bytes_free(&csr);
		bytes_free(&spki);
		bytes_free(&own);
	}
}

static void request_refused(void **state)
{
	(void)state;
	EVP_PKEY *key = key_for("ec:P-256");
	struct bytes old = cert_of(key, "样票公司", NULL), other = cert_of(key, "样票公司乙", NULL);
	struct bytes csr = { 0 }, spki = { 0 };
	char algorithm[24];
	struct error err;
	assert_int_equal(0, csr_make(key, NULL, old.data, old.len, &csr, NULL));
	assert_int_equal(ERR_CSR_INVALID, csr_check(csr.data, csr.len, other.data, other.len, &spki, algorithm, &err));
	assert_non_null(strstr(err.param, "subject"));
	assert_int_equal(0, csr_check(csr.data, csr.len, NULL, 0, &spki, algorithm, &err));
	/* the key inside exchanged: the signature is another key's */
	struct bytes mine = { 0 }, theirs = { 0 };
	assert_int_equal(0, pki_spki(key, &mine));
	assert_int_equal(0, pki_spki(key_for("ec:P-256 other"), &theirs));
	uint8_t *at = memmem(csr.data, csr.len, mine.data, mine.len);
	assert_non_null(at);
	memcpy(at, theirs.data, theirs.len);
	assert_int_equal(ERR_CSR_INVALID, csr_check(csr.data, csr.len, old.data, old.len, &spki, algorithm, &err));
	assert_non_null(strstr(err.param, "signed"));
	assert_int_equal(ERR_CSR_INVALID, csr_check("x", 1, old.data, old.len, &spki, algorithm, &err));
	/* an old hash */
	assert_int_equal(0, pki_key_write(in_folder("old-hash.pem"), key, &err));
	put_pem("old.pem", &old);
	assert_int_equal(0, shell("openssl x509 -x509toreq -in old.pem -signkey old-hash.pem -sha1 | openssl req -outform DER -out sha1.der"));
	struct bytes weak = get("sha1.der");
	assert_int_equal(ERR_CSR_INVALID, csr_check(weak.data, weak.len, old.data, old.len, &spki, algorithm, &err));
	assert_non_null(strstr(err.param, "algorithm"));
	bytes_free(&weak);
	bytes_free(&mine);
	bytes_free(&theirs);
	bytes_free(&old);
	bytes_free(&other);
	bytes_free(&csr);
	bytes_free(&spki);
}

static void key_without_public_half(void **state)
{
	(void)state;
	EVP_PKEY *half = without_public_half(key_for("ec:P-256"));
	struct bytes old = cert_of(key_for("ec:P-256"), "样票公司", NULL), spki = { 0 }, wrong = { 0 }, out = { 0 };
	char algorithm[24];
	assert_string_equal("ecdsa-with-SHA256", pki_signature_algorithm(half));
	assert_int_equal(0, pki_sign(half, content, CONTENT, &out, NULL));
	assert_int_equal(0, pki_verify(old.data, old.len, "ecdsa-with-SHA256", content, CONTENT, out.data, out.len, NULL));
	assert_int_not_equal(0, csr_make(half, NULL, old.data, old.len, &out, NULL));
	assert_int_equal(0, pki_spki(key_for("ec:P-256"), &spki));
	assert_int_equal(0, csr_make(half, &spki, old.data, old.len, &out, NULL));
	assert_int_equal(0, csr_check(out.data, out.len, old.data, old.len, &wrong, algorithm, NULL));
	EVP_PKEY_free(half);

	half = without_public_half(key_for("ec:P-256"));
	assert_int_equal(0, cms_sign(half, old.data, old.len, content, CONTENT, &out, NULL));
	assert_int_equal(0, cms_verify(out.data, out.len, old.data, old.len, content, CONTENT, NULL));
	EVP_PKEY_free(half);

	/* another key's SPKI: a request nobody could use never leaves */
	half = without_public_half(key_for("ec:P-256"));
	assert_int_equal(0, pki_spki(key_for("ec:P-256 other"), &wrong));
	assert_int_not_equal(0, csr_make(half, &wrong, old.data, old.len, &out, NULL));
	EVP_PKEY_free(half);
	bytes_free(&old);
	bytes_free(&spki);
	bytes_free(&wrong);
	bytes_free(&out);
}

static void cms(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		EVP_PKEY *key = key_for(algorithms[i]);
		char other_name[32];
		snprintf(other_name, sizeof other_name, "%s other", algorithms[i]);
		struct bytes cert = cert_of(key, "样票公司", NULL), out = { 0 };
		struct bytes twin = cert_of(key_for(other_name), "样票公司", NULL); /* same names and serial, other key */
		struct bytes sibling = cert_of(key, "样票公司", "0B");            /* same key, other serial */
		struct error err;
		assert_int_equal(0, cms_sign(key, cert.data, cert.len, content, CONTENT, &out, &err));
		put("cms.der", out.data, out.len);
		put_pem("cert.pem", &cert);
		assert_int_equal(0, shell("openssl cms -verify -binary -inform DER -in cms.der -CAfile cert.pem -purpose any"
			" -no_check_time -out content"));
		struct bytes found = get("content");
		assert_int_equal(CONTENT, found.len);
		assert_memory_equal(content, found.data, CONTENT);
		bytes_free(&found);

		assert_int_equal(0, cms_verify(out.data, out.len, cert.data, cert.len, content, CONTENT, &err));
		assert_int_equal(ERR_PROOF_INVALID, cms_verify(out.data, out.len, cert.data, cert.len, content, CONTENT - 1, &err));
		assert_int_equal(ERR_PROOF_INVALID, cms_verify(out.data, out.len, cert.data, cert.len, "other", 5, &err));
		assert_int_equal(ERR_PROOF_INVALID, cms_verify(out.data, out.len, twin.data, twin.len, content, CONTENT, &err));
		assert_int_equal(ERR_PROOF_INVALID, cms_verify(out.data, out.len, sibling.data, sibling.len, content, CONTENT, &err));
		assert_int_equal(ERR_PROOF_INVALID, cms_verify(out.data, out.len - 1, cert.data, cert.len, content, CONTENT, &err));
		/* another order's statement expected; then content exchanged inside, and expected so */
		char altered[CONTENT + 1];
		memcpy(altered, content, sizeof altered);
		memcpy(memmem(altered, CONTENT, "AZT0000", 7), "AZT0001", 7);
		assert_int_equal(ERR_PROOF_INVALID, cms_verify(out.data, out.len, cert.data, cert.len, altered, CONTENT, &err));
		char *at = memmem(out.data, out.len, "AZT0000", 7);
		assert_non_null(at);
		at[6] = '1';
		assert_int_equal(ERR_PROOF_INVALID, cms_verify(out.data, out.len, cert.data, cert.len, altered, CONTENT, &err));
		at[6] = '0';
		assert_int_equal(0, bytes_append(&out, "", 1));
		assert_int_equal(ERR_PROOF_INVALID, cms_verify(out.data, out.len, cert.data, cert.len, content, CONTENT, &err));
		/* by another key, with the certificate of that key inside */
		assert_int_equal(0, cms_sign(key_for(other_name), twin.data, twin.len, content, CONTENT, &out, &err));
		assert_int_equal(ERR_PROOF_INVALID, cms_verify(out.data, out.len, cert.data, cert.len, content, CONTENT, &err));
		/* and a certificate that is not the key's is refused at once */
		assert_int_not_equal(0, cms_sign(key_for(other_name), cert.data, cert.len, content, CONTENT, &out, &err));
		bytes_free(&cert);
		bytes_free(&twin);
		bytes_free(&sibling);
		bytes_free(&out);
	}
}

/* What openssl's own default (signing mail) refuses: a certificate for logging in alone. */
static void cms_by_any_usage(void **state)
{
	(void)state;
	struct error err;
	struct bytes out = { 0 }, cert = cert_make(&(struct recipe){ .cn = "样票公司", .o = "o", .key = key_for("ec:P-256"), .from = NOW, .to = NOW + DAY,
		.usage = "digitalSignature", .extended = "clientAuth" });
	assert_int_equal(0, cms_sign(key_for("ec:P-256"), cert.data, cert.len, content, CONTENT, &out, &err));
	put("usage.der", out.data, out.len);
	put_pem("usage.pem", &cert);
	assert_int_not_equal(0, shell("openssl cms -verify -binary -inform DER -in usage.der -CAfile usage.pem -no_check_time -out usage"));
	assert_int_equal(0, cms_verify(out.data, out.len, cert.data, cert.len, content, CONTENT, &err));
	bytes_free(&out);
	bytes_free(&cert);
}

static void cms_by_the_openssl_command(void **state)
{
	(void)state;
	EVP_PKEY *key = key_for("rsa:2048");
	struct bytes cert = cert_of(key, "样票公司", NULL), other = cert_of(key_for("ec:P-256"), "样票公司乙", "77");
	struct error err;
	put_pem("cert.pem", &cert);
	put_pem("other.pem", &other);
	put("content", content, CONTENT);
	unlink(in_folder("k1.pem"));
	assert_int_equal(0, pki_key_write(in_folder("k1.pem"), key, &err));
	assert_int_equal(0, pki_key_write(in_folder("k2.pem"), key_for("ec:P-256"), &err));
	const struct {
		const char *options;
		int expected;
	} cases[] = {
		{ "-sign -nodetach -signer cert.pem -inkey k1.pem", 0 },
		{ "-sign -nodetach -signer cert.pem -inkey k1.pem -nocerts", 0 },
		{ "-sign -nodetach -signer cert.pem -inkey k1.pem -md sha1", ERR_PROOF_INVALID },
		{ "-sign -nodetach -signer other.pem -inkey k2.pem", ERR_PROOF_INVALID },
		{ "-sign -nodetach -signer cert.pem -inkey k1.pem -signer other.pem -inkey k2.pem", ERR_PROOF_INVALID },
		{ "-sign -signer cert.pem -inkey k1.pem", ERR_PROOF_INVALID }, /* detached */
		{ "-encrypt cert.pem", ERR_PROOF_INVALID },
		{ "-data_create", ERR_PROOF_INVALID },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_int_equal(0, shell("openssl cms -binary -in content -outform DER -out c.der %s", cases[i].options));
		struct bytes der = get("c.der");
		assert_int_equal(cases[i].expected, cms_verify(der.data, der.len, cert.data, cert.len, content, CONTENT, &err));
		bytes_free(&der);
	}
	bytes_free(&cert);
	bytes_free(&other);
}

static void cms_detached(void **state)
{
	(void)state;
	EVP_PKEY *key = key_for("ec:P-256");
	struct bytes cert = cert_of(key, "样票大厅", NULL), other = cert_of(key_for("ec:P-256 other"), "样票大厅", NULL);
	struct bytes out = { 0 }, inside = { 0 };
	struct error err;
	assert_int_equal(0, cms_sign_detached(key, cert.data, cert.len, content, CONTENT, &out, &err));
	assert_null(memmem(out.data, out.len, content, CONTENT));
	put("cms.der", out.data, out.len);
	put("content", content, CONTENT);
	put_pem("cert.pem", &cert);
	assert_int_equal(0, shell("openssl cms -verify -binary -inform DER -in cms.der -content content -CAfile cert.pem -purpose any"
		" -no_check_time -out /dev/null"));
	assert_int_equal(0, cms_verify_detached(out.data, out.len, cert.data, cert.len, content, CONTENT, NOW, &err));
	assert_int_equal(0, cms_verify_detached(out.data, out.len, cert.data, cert.len, content, CONTENT, NOW + DAY, &err));
	assert_int_equal(ERR_PACKAGE_SIGNATURE,
		cms_verify_detached(out.data, out.len, cert.data, cert.len, content, CONTENT, NOW + DAY + 1, &err));
	assert_int_equal(ERR_PACKAGE_SIGNATURE,
		cms_verify_detached(out.data, out.len, cert.data, cert.len, content, CONTENT, NOW - DAY - 1, &err));
	assert_int_equal(ERR_PACKAGE_SIGNATURE,
		cms_verify_detached(out.data, out.len, cert.data, cert.len, content, CONTENT - 1, NOW, &err));
	assert_int_equal(ERR_PACKAGE_SIGNATURE,
		cms_verify_detached(out.data, out.len, other.data, other.len, content, CONTENT, NOW, &err));
	assert_int_equal(0, cms_sign(key, cert.data, cert.len, content, CONTENT, &inside, &err));
	assert_int_equal(ERR_PACKAGE_SIGNATURE,
		cms_verify_detached(inside.data, inside.len, cert.data, cert.len, content, CONTENT, NOW, &err));
	bytes_free(&cert);
	bytes_free(&other);
	bytes_free(&out);
	bytes_free(&inside);
}

static void plain_signature(void **state)
{
	(void)state;
	const char *names[] = { "RSA-SHA256", "ecdsa-with-SHA256" };
	for (size_t i = 0; i < 2; i++) {
		EVP_PKEY *key = key_for(algorithms[i]);
		struct bytes cert = cert_of(key, "样票公司", NULL), out = { 0 };
		struct error err;
		assert_string_equal(names[i], pki_signature_algorithm(key));
		assert_string_equal(names[i], pki_signature_named(algorithms[i]));
		assert_int_equal(0, pki_sign(key, content, CONTENT, &out, &err));
		put("sig", out.data, out.len);
		put("content", content, CONTENT);
		put_pem("cert.pem", &cert);
		assert_int_equal(0, shell("openssl x509 -in cert.pem -noout -pubkey > pub.pem;"
			"openssl dgst -sha256 -verify pub.pem -signature sig content"));
		assert_int_equal(0, pki_verify(cert.data, cert.len, names[i], content, CONTENT, out.data, out.len, &err));
		assert_int_equal(ERR_SIGNATURE_INVALID,
			pki_verify(cert.data, cert.len, names[1 - i], content, CONTENT, out.data, out.len, &err));
		assert_int_equal(ERR_SIGNATURE_INVALID,
			pki_verify(cert.data, cert.len, names[i], content, CONTENT - 1, out.data, out.len, &err));
		out.data[out.len - 1] ^= 1;
		assert_int_equal(ERR_SIGNATURE_INVALID,
			pki_verify(cert.data, cert.len, names[i], content, CONTENT, out.data, out.len, &err));
		assert_int_equal(ERR_SIGNATURE_INVALID, pki_verify(cert.data, cert.len, names[i], content, CONTENT, "", 0, &err));
		bytes_free(&cert);
		bytes_free(&out);
	}
}

/* Each kind of key has its own digest. */
static void public_key_alone(void **state)
{
	(void)state;
	const char *kinds[] = { "rsa:2048", "ec:P-256", "ec:P-384" };
	for (size_t i = 0; i < 3; i++) {
		struct bytes out = { 0 };
		assert_int_equal(0, pki_sign(key_for(kinds[i]), content, CONTENT, &out, NULL));
		assert_true(pki_fits(key_for(kinds[i]), content, CONTENT, &out));
		assert_false(pki_fits(key_for(kinds[i]), content, CONTENT - 1, &out));
		assert_false(pki_fits(key_for(kinds[(i + 1) % 3]), content, CONTENT, &out));
		bytes_free(&out);
	}
}

static void statement(void **state)
{
	(void)state;
	assert_string_equal("ecdsa-with-SHA384", pki_signature_named("ec:P-384"));
	assert_null(pki_signature_named("sm2"));
	struct bytes out = { 0 };
	assert_int_equal(0, pki_statement("login", "hall.example", "-", "bm9uY2U=", "abc", 3, &out));
	assert_string_equal("certhall-v1\nlogin\nhall.example\n-\nbm9uY2U=\n"
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n", (char *)out.data);
	assert_int_equal(strlen((char *)out.data), out.len);
	assert_int_equal(ERR_BAD_INPUT, pki_statement("login", "hall\nx", "-", "n", "abc", 3, &out));
	bytes_free(&out);
}

static void key_files(void **state)
{
	(void)state;
	const char *kinds[] = { "rsa:2048", "ec:P-256" };
	for (size_t i = 0; i < 2; i++) {
		const char *path = in_folder(i == 0 ? "rsa.pem" : "ec.pem");
		struct error err;
		struct stat st;
		EVP_PKEY *key = pki_key_generate(kinds[i], &err);
		assert_non_null(key);
		assert_int_equal(0, pki_key_write(path, key, &err));
		assert_int_equal(ERR_FILE, pki_key_write(path, key, &err)); /* is there already */
		assert_int_equal(0, stat(path, &st));
		assert_int_equal(0600, st.st_mode & 07777);
		assert_int_equal(0, shell("openssl pkey -in %s -noout -check", path));
		EVP_PKEY *again = pki_key_read(path, &err);
		assert_non_null(again);
		assert_int_equal(1, EVP_PKEY_eq(key, again));
		pki_key_free(&again);
		assert_null(again);
		for (unsigned mode = 0601; mode < 0700; mode = mode == 0601 ? 0604 : mode == 0604 ? 0640 : 0700) {
			assert_int_equal(0, chmod(path, mode));
			assert_null(pki_key_read(path, &err));
			assert_int_equal(ERR_CONFIG, err.code);
		}
		pki_key_free(&key);
	}
	struct error err;
	assert_null(pki_key_generate("rsa:512", &err));
	assert_int_equal(ERR_ALGORITHM_NOT_ALLOWED, err.code);
	assert_null(pki_key_read(in_folder("none.pem"), &err));
	assert_int_equal(ERR_FILE, err.code);
	assert_null(pki_key_read("/dev/null", &err));
	assert_int_equal(0, shell("umask 077; echo words > words.pem;"
		"openssl genpkey -algorithm ed25519 -aes256 -pass pass:x -out locked.pem"));
	assert_null(pki_key_read(in_folder("words.pem"), &err));
	assert_int_equal(ERR_CONFIG, err.code);
	assert_null(pki_key_read(in_folder("locked.pem"), &err)); /* and nothing is asked at the terminal */
	assert_int_equal(ERR_CONFIG, err.code);
}

static int start(void **state)
{
	(void)state;
	folder_make();
	return 0;
}

static int end(void **state)
{
	(void)state;
	folder_free();
	keys_free();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request), cmocka_unit_test(request_refused), cmocka_unit_test(key_without_public_half),
		cmocka_unit_test(cms), cmocka_unit_test(cms_by_any_usage), cmocka_unit_test(cms_by_the_openssl_command), cmocka_unit_test(cms_detached),
		cmocka_unit_test(plain_signature), cmocka_unit_test(public_key_alone), cmocka_unit_test(statement), cmocka_unit_test(key_files),
	};
	return cmocka_run_group_tests(tests, start, end);
}
