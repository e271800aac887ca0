#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <certhall/pki.h>

#include "check.h"
#include "fixture.h"

static struct bytes company(const char *algorithm, const char *serial, const char *usage)
{
	return cert_make(&(struct recipe){ .cn = "样票测试贸易有限公司", .o = "样票集团", .ou = "财务部", .key = key_for(algorithm),
		.from = NOW - 10 * DAY, .to = NOW + 20 * DAY, .serial = serial, .usage = usage });
}

static void fields(void **state)
{
	(void)state;
	struct bytes der = company("rsa:2048", "00f00d", "critical,digitalSignature,nonRepudiation");
	struct cert_info info;
	assert_int_equal(0, cert_info_read(der.data, der.len, &info, NULL));
	assert_string_equal("样票测试贸易有限公司", info.holder);
	assert_string_equal("样票集团", info.organisation);
	assert_string_equal("财务部", info.unit);
	assert_string_equal("C=CN, O=样票集团, OU=财务部, CN=样票测试贸易有限公司", info.subject);
	assert_string_equal(info.subject, info.issuer_subject);
	assert_string_equal("样票测试贸易有限公司", info.issuer);
	assert_string_equal("F00D", info.serial);
	assert_int_equal(NOW - 10 * DAY, info.not_before);
	assert_int_equal(NOW + 20 * DAY, info.not_after);
	assert_string_equal("rsa:2048", info.key_algorithm);
	assert_string_equal("RSA 2048", info.key_text);
	assert_string_equal("sha256WithRSAEncryption", info.signature_text);
	assert_string_equal("digitalSignature,nonRepudiation", info.usage);
	assert_true(info.for_signing);
	assert_false(info.for_encryption);
	bytes_free(&der);
}

/* The hashes are those the openssl command makes. */
static void hashes(void **state)
{
	(void)state;
	const char *algorithms[] = { "rsa:2048", "ec:P-256" };
	for (size_t i = 0; i < 2; i++) {
		struct bytes der = company(algorithms[i], NULL, NULL);
		struct cert_info info;
		put_pem("cert.pem", &der);
		assert_int_equal(0, cert_info_read(der.data, der.len, &info, NULL));
		assert_int_equal(0, shell("openssl x509 -in cert.pem -outform DER | sha256sum | grep -q '^%s '", info.fingerprint));
		assert_int_equal(0, shell("openssl x509 -in cert.pem -pubkey -noout | openssl pkey -pubin -outform DER |"
			" sha256sum | grep -q '^%s '", info.spki_sha256));
		assert_string_equal(algorithms[i], info.key_algorithm);
		assert_true(info.for_signing && info.for_encryption);
		bytes_free(&der);
	}
}

static void every_usage_fits(void **state)
{
	(void)state;
	struct bytes der = company("ec:P-256", NULL, "digitalSignature,nonRepudiation,keyEncipherment,dataEncipherment,"
		"keyAgreement,keyCertSign,cRLSign,encipherOnly,decipherOnly");
	struct cert_info info;
	assert_int_equal(0, cert_info_read(der.data, der.len, &info, NULL));
	assert_string_equal("digitalSignature,nonRepudiation,keyEncipherment,dataEncipherment,keyAgreement,keyCertSign,cRLSign,"
		"encipherOnly,decipherOnly", info.usage);
	bytes_free(&der);
}

static void names_are_made_safe(void **state)
{
	(void)state;
	struct cert_info info;
	struct bytes der = cert_make(&(struct recipe){ .cn = "a\x1b[31mb\xe2\x80\xae" "c\xc2\x9b" "d", .o = "o", .key = key_for("ec:P-256"),
		.from = NOW, .to = NOW + DAY });
	assert_int_equal(0, cert_info_read(der.data, der.len, &info, NULL));
	assert_string_equal("a[31mbcd", info.holder);
	assert_null(strchr(info.subject, 0x1b));
	assert_null(strstr(info.subject, "\xe2\x80\xae"));
	char *text;
	assert_int_equal(0, cert_describe(der.data, der.len, &text, NULL));
	assert_null(strchr(text, 0x1b));
	free(text);
	bytes_free(&der);

	/* without a CN it is the O, without that the whole name */
	der = cert_make(&(struct recipe){ .o = "样票集团", .key = key_for("ec:P-256"), .from = NOW, .to = NOW + DAY });
	assert_int_equal(0, cert_info_read(der.data, der.len, &info, NULL));
	assert_string_equal("样票集团", info.holder);
	bytes_free(&der);
	der = cert_make(&(struct recipe){ .ou = "部", .key = key_for("ec:P-256"), .from = NOW, .to = NOW + DAY });
	assert_int_equal(0, cert_info_read(der.data, der.len, &info, NULL));
	assert_string_equal("C=CN, OU=部", info.holder);
	bytes_free(&der);
}

static void description(void **state)
{
	(void)state;
	struct bytes der = company("rsa:2048", NULL, "digitalSignature");
	char *text;
	assert_int_equal(0, cert_describe(der.data, der.len, &text, NULL));
	assert_non_null(strstr(text, "样票测试贸易有限公司"));
	assert_non_null(strstr(text, "\n"));
	assert_non_null(strstr(text, "Digital Signature"));
	assert_non_null(strstr(text, "Signature Algorithm"));
	free(text);
	bytes_free(&der);
}

static void only_one_certificate(void **state)
{
	(void)state;
	struct bytes der = company("ec:P-256", NULL, NULL);
	struct cert_info info;
	struct error err;
	assert_int_equal(0, bytes_append(&der, "\0", 1));
	assert_int_equal(ERR_CERT_MALFORMED, cert_info_read(der.data, der.len, &info, &err));
	assert_int_equal(ERR_CERT_MALFORMED, err.code);
	assert_int_equal(ERR_CERT_MALFORMED, cert_info_read(der.data, 0, &info, &err));
	assert_int_equal(ERR_CERT_MALFORMED, cert_info_read(der.data, der.len - 2, &info, &err));
	bytes_free(&der);
}

static void files(void **state)
{
	(void)state;
	struct bytes one = company("ec:P-256", "01", NULL), two = company("ec:P-256", "02", NULL), found[4];
	size_t count;
	struct error err;
	put_pem("one.pem", &one);
	put_pem("two.pem", &two);
	assert_int_equal(0, shell("{ echo some words; cat one.pem; openssl genpkey -algorithm ed25519; cat two.pem; } > both.pem"));
	assert_int_equal(0, cert_file_read(in_folder("both.pem"), found, 4, &count, &err));
	assert_int_equal(2, count);
	assert_memory_equal(one.data, found[0].data, one.len);
	assert_memory_equal(two.data, found[1].data, two.len);
	bytes_free(&found[0]);
	bytes_free(&found[1]);
	assert_int_equal(0, cert_file_read(in_folder("both.pem"), found, 1, &count, &err));
	assert_int_equal(1, count);
	bytes_free(&found[0]);
	assert_int_equal(ERR_FILE, cert_file_read(in_folder("none.pem"), found, 4, &count, &err));
	assert_int_equal(0, shell("echo nothing > empty.pem"));
	assert_int_equal(ERR_CERT_MALFORMED, cert_file_read(in_folder("empty.pem"), found, 4, &count, &err));
	assert_int_equal(0, shell("{ cat one.pem; printf -- '-----BEGIN CERTIFICATE-----\\nMAA=\\n-----END CERTIFICATE-----\\n'; } > torn.pem"));
	assert_int_equal(ERR_CERT_MALFORMED, cert_file_read(in_folder("torn.pem"), found, 4, &count, &err));
	assert_int_equal(0, count);
	bytes_free(&one);
	bytes_free(&two);
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
		cmocka_unit_test(fields), cmocka_unit_test(hashes), cmocka_unit_test(every_usage_fits),
		cmocka_unit_test(names_are_made_safe), cmocka_unit_test(description), cmocka_unit_test(only_one_certificate),
		cmocka_unit_test(files),
	};
	return cmocka_run_group_tests(tests, start, end);
}
