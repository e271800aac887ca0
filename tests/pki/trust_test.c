/* Chains, and what a renewed certificate must be. */
#include <string.h>

#include <certhall/clock.h>
#include <certhall/pki.h>

#include "check.h"
#include "fixture.h"

static struct bytes ca(const char *key, const char *serial, int64_t from, int64_t to, bool key_ids)
{
	return cert_make(&(struct recipe){ .cn = "样票测试根", .key = key_for(key), .from = from, .to = to, .serial = serial,
		.basic = "critical,CA:TRUE,pathlen:0", .usage = "critical,keyCertSign,cRLSign", .key_ids = key_ids });
}

static struct bytes leaf_of(const struct bytes *issuer, const char *issuer_key, int64_t from, int64_t to)
{
	return cert_make(&(struct recipe){ .cn = "样票公司", .o = "样票集团", .key = key_for("ec:P-256"), .from = from, .to = to,
		.issuer = issuer, .issuer_key = key_for(issuer_key), .usage = "critical,digitalSignature", .key_ids = true,
		.basic = "critical,CA:FALSE", .extended = "clientAuth" });
}

static int chain(const struct bytes *anchor, const struct bytes *leaf)
{
	struct trust *trust;
	struct error err;
	assert_int_equal(0, trust_open(anchor, 1, &trust, &err));
	int rc = trust_check_chain(trust, leaf->data, leaf->len, NOW, &err);
	trust_free(&trust);
	assert_null(trust);
	return rc;
}

static void leaf_times_are_the_callers(void **state)
{
	(void)state;
	const char *algorithms[] = { "rsa:2048", "ec:P-256 ca" };
	for (size_t i = 0; i < 2; i++) {
		struct bytes root = ca(algorithms[i], NULL, NOW - 1000 * DAY, NOW + 1000 * DAY, true);
		struct bytes good = leaf_of(&root, algorithms[i], NOW - DAY, NOW + DAY);
		struct bytes expired = leaf_of(&root, algorithms[i], NOW - 400 * DAY, NOW - 40 * DAY);
		struct bytes early = leaf_of(&root, algorithms[i], NOW + DAY, NOW + 2 * DAY);
		assert_int_equal(0, chain(&root, &good));
		assert_int_equal(0, chain(&root, &expired));
		assert_int_equal(0, chain(&root, &early));
		put_pem("root.pem", &root);
		put_pem("expired.pem", &expired);
		assert_int_equal(0, shell("openssl verify -CAfile root.pem -no_check_time expired.pem"));
		assert_int_not_equal(0, shell("openssl verify -CAfile root.pem -attime %d expired.pem", NOW));
		/* one byte of the signature */
		good.data[good.len - 1] ^= 1;
		assert_int_equal(ERR_CERT_UNKNOWN_ISSUER, chain(&root, &good));
		bytes_free(&root);
		bytes_free(&good);
		bytes_free(&expired);
		bytes_free(&early);
	}
}

static void ca_times_count(void **state)
{
	(void)state;
	struct bytes expired = ca("rsa:2048", NULL, NOW - 1000 * DAY, NOW - DAY, true);
	struct bytes early = ca("rsa:2048", NULL, NOW + DAY, NOW + 1000 * DAY, true);
	struct bytes good = ca("rsa:2048", "0B", NOW - DAY, NOW + 1000 * DAY, true);
	struct bytes leaf = leaf_of(&good, "rsa:2048", NOW - DAY, NOW + DAY);
	assert_int_equal(ERR_CERT_UNKNOWN_ISSUER, chain(&expired, &leaf));
	assert_int_equal(ERR_CERT_UNKNOWN_ISSUER, chain(&early, &leaf));
	assert_int_equal(0, chain(&good, &leaf));
	/* a CA that renewed itself with the same key: one certificate that is valid is enough, in whatever order */
	for (int order = 0; order < 2; order++) {
		struct bytes both[2] = { order == 0 ? expired : good, order == 0 ? good : expired };
		struct trust *trust;
		assert_int_equal(0, trust_open(both, 2, &trust, NULL));
		assert_int_equal(0, trust_check_chain(trust, leaf.data, leaf.len, NOW, NULL));
		trust_free(&trust);
	}
	bytes_free(&expired);
	bytes_free(&early);
	bytes_free(&good);
	bytes_free(&leaf);
}

static void wrong_issuers(void **state)
{
	(void)state;
	for (int key_ids = 0; key_ids < 2; key_ids++) {
		struct bytes root = ca("rsa:2048", NULL, NOW - DAY, NOW + DAY, key_ids == 1);
		struct bytes namesake = ca("rsa:2048 other", NULL, NOW - DAY, NOW + DAY, key_ids == 1);
		struct bytes leaf = cert_make(&(struct recipe){ .cn = "样票公司", .key = key_for("ec:P-256"), .from = NOW - DAY,
			.to = NOW + DAY, .issuer = &namesake, .issuer_key = key_for("rsa:2048 other"), .key_ids = key_ids == 1 });
		assert_int_equal(0, chain(&namesake, &leaf));
		assert_int_equal(ERR_CERT_UNKNOWN_ISSUER, chain(&root, &leaf));
		/* the CA's own certificate is nobody's */
		assert_int_equal(ERR_CERT_UNKNOWN_ISSUER, chain(&root, &root));
		bytes_free(&root);
		bytes_free(&namesake);
		bytes_free(&leaf);
	}
	struct bytes self = leaf_of(NULL, "ec:P-256", NOW - DAY, NOW + DAY);
	struct bytes root = ca("rsa:2048", NULL, NOW - DAY, NOW + DAY, true);
	assert_int_equal(ERR_CERT_UNKNOWN_ISSUER, chain(&root, &self));
	bytes_free(&self);
	/* a person's certificate is no CA */
	struct bytes person = leaf_of(&root, "rsa:2048", NOW - DAY, NOW + DAY);
	struct bytes forged = leaf_of(&person, "ec:P-256", NOW - DAY, NOW + DAY);
	struct trust *trust;
	assert_int_equal(ERR_CERT_UNKNOWN_ISSUER, chain(&root, &forged));
	assert_int_equal(ERR_CERT_MALFORMED, trust_open(&person, 1, &trust, NULL));
	assert_null(trust);
	/* nor is a CA without the key usage for it, nor one of SHA-1 */
	struct bytes crl_only = cert_make(&(struct recipe){ .cn = "样票测试根", .key = key_for("rsa:2048"), .from = NOW - DAY,
		.to = NOW + DAY, .basic = "critical,CA:TRUE", .usage = "critical,cRLSign", .key_ids = true });
	assert_int_equal(ERR_CERT_MALFORMED, trust_open(&crl_only, 1, &trust, NULL));
	struct bytes sha1 = cert_make(&(struct recipe){ .cn = "样票公司", .key = key_for("ec:P-256"), .from = NOW - DAY, .to = NOW + DAY,
		.issuer = &root, .issuer_key = key_for("rsa:2048"), .digest = "SHA1" });
	assert_int_equal(ERR_CERT_UNKNOWN_ISSUER, chain(&root, &sha1));
	bytes_free(&sha1);
	bytes_free(&crl_only);
	bytes_free(&person);
	bytes_free(&forged);
	bytes_free(&root);
}

static void between(void **state)
{
	(void)state;
	struct bytes root = cert_make(&(struct recipe){ .cn = "样票顶层", .key = key_for("rsa:2048 other"), .from = NOW - DAY, .to = NOW + DAY,
		.basic = "critical,CA:TRUE", .usage = "critical,keyCertSign,cRLSign", .key_ids = true });
	struct recipe recipe = { .cn = "样票二级", .key = key_for("rsa:2048"), .from = NOW - DAY, .to = NOW + DAY, .issuer = &root,
		.issuer_key = key_for("rsa:2048 other"), .basic = "critical,CA:TRUE,pathlen:0",
		.usage = "critical,keyCertSign,cRLSign", .key_ids = true };
	struct bytes sub = cert_make(&recipe);
	struct bytes leaf = leaf_of(&sub, "rsa:2048", NOW - 9 * DAY, NOW - 8 * DAY), both[2] = { sub, root };
	struct trust *trust;
	assert_int_equal(0, chain(&sub, &leaf));
	assert_int_equal(ERR_CERT_UNKNOWN_ISSUER, chain(&root, &leaf));
	assert_int_equal(0, trust_open(both, 2, &trust, NULL));
	assert_int_equal(0, trust_check_chain(trust, leaf.data, leaf.len, NOW, NULL));
	assert_int_equal(ERR_CERT_UNKNOWN_ISSUER, trust_check_chain(trust, leaf.data, leaf.len, NOW + 2 * DAY, NULL));
	trust_free(&trust);
	bytes_free(&root);
	bytes_free(&sub);
	bytes_free(&leaf);
}

/* One thing at a time is wrong with the new certificate. */
static void renewed(void **state)
{
	(void)state;
	EVP_PKEY *root_key = key_for("rsa:2048"), *old_key = key_for("ec:P-256"), *new_key = key_for("ec:P-256 other");
	struct bytes root = ca("rsa:2048", NULL, NOW - 1000 * DAY, NOW + 1000 * DAY, true);
	struct bytes impostor = ca("rsa:2048 other", NULL, NOW - 1000 * DAY, NOW + 1000 * DAY, true);
	const int64_t end = clock_add_months(NOW - 60, 12);
	struct recipe fine = { .cn = "样票公司", .o = "样票集团", .key = old_key, .issuer = &root, .issuer_key = root_key,
		.from = NOW - 400 * DAY, .to = NOW + 20 * DAY, .serial = "01", .usage = "critical,digitalSignature",
		.extended = "clientAuth", .basic = "critical,CA:FALSE", .key_ids = true };
	struct bytes old = cert_make(&fine);
	fine.key = new_key;
	fine.serial = "02";
	fine.from = NOW - 60;
	fine.to = end;
	struct bytes good = cert_make(&fine);
	struct cert_info info;
	assert_int_equal(0, cert_info_read(good.data, good.len, &info, NULL));
	struct trust *trust;
	assert_int_equal(0, trust_open(&root, 1, &trust, NULL));
	struct cert_expectation expected = { .old_cert = &old, .spki_sha256 = info.spki_sha256, .trust = trust, .not_after = end,
		.now = NOW };
	assert_int_equal(0, cert_check_renewed(good.data, good.len, &expected, NULL));
	struct cert_expectation by_months = expected;
	by_months.not_after = 0;
	by_months.months = 12;
	assert_int_equal(0, cert_check_renewed(good.data, good.len, &by_months, NULL));
	by_months.months = 24;
	assert_int_equal(ERR_CERT_MISMATCH, cert_check_renewed(good.data, good.len, &by_months, NULL));

	struct recipe other_key = fine, subject = fine, unit = fine, serial = fine, issuer = fine, usage = fine, no_usage = fine,
		extended = fine, no_extended = fine, start = fine, longer = fine, shorter = fine, authority = fine, just = fine;
	other_key.key = old_key;
	subject.cn = "样票公司乙";
	unit.ou = "财务部";
	serial.serial = "01";
	issuer.issuer = &impostor;
	issuer.issuer_key = key_for("rsa:2048 other");
	usage.usage = "critical,digitalSignature,keyEncipherment";
	no_usage.usage = NULL;
	extended.extended = "clientAuth,serverAuth";
	no_extended.extended = NULL;
	start.from = NOW + 301;
	just.from = NOW + 300;
	longer.to = end + 1;
	shorter.to = end - 1;
	authority.basic = "critical,CA:TRUE";
	const struct {
		const struct recipe *recipe;
		const char *param; /* NULL: fits */
	} cases[] = {
		{ &other_key, "the public key" }, { &subject, "the subject" }, { &unit, "the subject" }, { &serial, "the serial number" },
		{ &issuer, "the issuer" }, { &usage, "the key usage" }, { &no_usage, "the key usage" },
		{ &extended, "the extended key usage" }, { &no_extended, "the extended key usage" }, { &start, "the start of validity" },
		{ &longer, "the end of validity" }, { &shorter, "the end of validity" }, { &authority, "the issuer" }, { &just, NULL },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct error err = { 0 };
		struct bytes der = cert_make(cases[i].recipe);
		int rc = cert_check_renewed(der.data, der.len, &expected, &err);
		assert_string_equal(cases[i].param != NULL ? cases[i].param : "", err.param);
		assert_int_equal(cases[i].param != NULL ? ERR_CERT_MISMATCH : 0, rc);
		bytes_free(&der);
	}
	/* promised, but over already */
	struct recipe over = fine;
	over.to = NOW - 1;
	expected.not_after = NOW - 1;
	struct bytes der = cert_make(&over);
	struct error err;
	assert_int_equal(ERR_CERT_MISMATCH, cert_check_renewed(der.data, der.len, &expected, &err));
	assert_string_equal("the end of validity", err.param);
	assert_int_equal(ERR_CERT_MALFORMED, cert_check_renewed("x", 1, &expected, &err));
	bytes_free(&der);
	bytes_free(&root);
	bytes_free(&impostor);
	bytes_free(&old);
	bytes_free(&good);
	trust_free(&trust);
}

static int begin(void **state)
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
		cmocka_unit_test(leaf_times_are_the_callers), cmocka_unit_test(ca_times_count), cmocka_unit_test(wrong_issuers),
		cmocka_unit_test(between), cmocka_unit_test(renewed),
	};
	return cmocka_run_group_tests(tests, begin, end);
}
