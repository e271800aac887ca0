/* Every truncation and every byte altered of a certificate, a request and a CMS message: never a crash, never taken for
 * what it is not. Worth most under the sanitizers. */
#include <stdlib.h>
#include <string.h>

#include <certhall/pki.h>

#include "check.h"
#include "fixture.h"

static const char content[] = "certhall-v1\nrequest\n";
enum { CONTENT = sizeof content - 1 };

static struct bytes cert;
static struct trust *trust;

/* A copy of exactly that length, so that a read behind its end is seen. */
static uint8_t *exactly(const uint8_t *data, size_t len)
{
	uint8_t *copy = malloc(len > 0 ? len : 1);
	assert_non_null(copy);
	if (len > 0)
		memcpy(copy, data, len);
	return copy;
}

typedef int attempt(const uint8_t *der, size_t len);

static int as_cert(const uint8_t *der, size_t len)
{
	struct cert_info info;
	char *text = NULL;
	int rc = cert_info_read(der, len, &info, NULL);
	if (cert_describe(der, len, &text, NULL) == 0)
		free(text);
	if (rc != 0)
		return rc;
	assert_non_null(memchr(info.subject, '\0', sizeof info.subject));
	return trust_check_chain(trust, der, len, NOW, NULL);
}

static int as_request(const uint8_t *der, size_t len)
{
	struct bytes spki = { 0 };
	char algorithm[24];
	int rc = csr_check(der, len, cert.data, cert.len, &spki, algorithm, NULL);
	bytes_free(&spki);
	return rc;
}

static int as_cms(const uint8_t *der, size_t len)
{
	int rc = cms_verify_detached(der, len, cert.data, cert.len, content, CONTENT, NOW, NULL);
	assert_int_not_equal(0, rc);
	return cms_verify(der, len, cert.data, cert.len, content, CONTENT, NULL);
}

/* How many altered forms were still taken. */
static size_t torture(const struct bytes *good, attempt *try)
{
	static const uint8_t flips[] = { 0x01, 0x80, 0xff };
	size_t taken = 0;
	for (size_t len = 0; len < good->len; len++) {
		uint8_t *copy = exactly(good->data, len);
		assert_int_not_equal(0, try(copy, len));
		free(copy);
	}
	uint8_t *copy = exactly(good->data, good->len);
	assert_int_equal(0, try(copy, good->len));
	for (size_t at = 0; at < good->len; at++)
		for (size_t i = 0; i < sizeof flips; i++) {
			copy[at] ^= flips[i];
			taken += try(copy, good->len) == 0;
			copy[at] ^= flips[i];
		}
	free(copy);
	return taken;
}

static void certificates(void **state)
{
	(void)state;
	assert_int_equal(0, torture(&cert, as_cert));
}

static void requests(void **state)
{
	(void)state;
	struct bytes csr = { 0 };
	assert_int_equal(0, csr_make(key_for("ec:P-256"), NULL, cert.data, cert.len, &csr, NULL));
	assert_int_equal(0, torture(&csr, as_request));
	bytes_free(&csr);
}

static void messages(void **state)
{
	(void)state;
	struct bytes cms = { 0 };
	assert_int_equal(0, cms_sign(key_for("ec:P-256"), cert.data, cert.len, content, CONTENT, &cms, NULL));
	/* the certificate it brings along, the versions and the list of digests prove nothing and may differ */
	uint8_t *inside = memmem(cms.data, cms.len, cert.data, cert.len);
	assert_non_null(inside);
	assert_true(torture(&cms, as_cms) < 3 * (cert.len + 32));
	bytes_free(&cms);
}

static int start(void **state)
{
	(void)state;
	struct bytes root = cert_make(&(struct recipe){ .cn = "样票测试根", .key = key_for("ec:P-256 ca"), .from = NOW - DAY, .to = NOW + DAY,
		.basic = "critical,CA:TRUE,pathlen:0", .usage = "critical,keyCertSign,cRLSign", .key_ids = true });
	cert = cert_make(&(struct recipe){ .cn = "样票公司", .o = "样票集团", .key = key_for("ec:P-256"), .from = NOW - DAY, .to = NOW + DAY,
		.issuer = &root, .issuer_key = key_for("ec:P-256 ca"), .usage = "critical,digitalSignature", .extended = "clientAuth",
		.basic = "critical,CA:FALSE", .key_ids = true });
	int rc = trust_open(&root, 1, &trust, NULL);
	bytes_free(&root);
	return rc;
}

static int end(void **state)
{
	(void)state;
	bytes_free(&cert);
	trust_free(&trust);
	keys_free();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(certificates), cmocka_unit_test(requests), cmocka_unit_test(messages),
	};
	return cmocka_run_group_tests(tests, start, end);
}
