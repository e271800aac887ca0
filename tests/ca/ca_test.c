/* The embedded CA, with the openssl command as the judge of what it signs. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/x509v3.h>

#include <certhall/pki.h>

#include "pki/check.h"
#include "pki/fixture.h"
#include "service/ca/ca.h"

static const char *const algorithms[] = { "rsa:3072", "ec:P-256" };

static int open_with(const char *settings, struct ca **ca, struct error *err)
{
	config_t config;
	config_init(&config);
	assert_int_equal(CONFIG_TRUE, config_read_string(&config, settings));
	int rc = ca_open(config_lookup(&config, "ca"), ca, err);
	config_destroy(&config);
	return rc;
}

/* A CA of its own for each name. more: further settings. */
static struct ca *open_new(const char *name, const char *algorithm, const char *more)
{
	char cert[256], key[256], settings[1024];
	struct error err;
	struct ca *ca;
	snprintf(cert, sizeof cert, "%s/%s.pem", folder, name);
	snprintf(key, sizeof key, "%s/%s.key", folder, name);
	assert_int_equal(0, ca_create(cert, key, "山西CA 测试根 样票", algorithm, NOW - 2000 * DAY, NOW + 2000 * DAY, &err));
	snprintf(settings, sizeof settings, "ca: { backend = \"embedded\"; certificate = \"%s\"; key = \"%s\"; %s };", cert, key, more);
	assert_int_equal(0, open_with(settings, &ca, &err));
	return ca;
}

static struct bytes request_for(EVP_PKEY *key, const struct bytes *old)
{
	struct bytes csr = { 0 };
	assert_int_equal(0, csr_make(key, NULL, old->data, old->len, &csr, NULL));
	return csr;
}

/* An old certificate with everything in it, signed by the CA in folder/name.pem. */
static struct bytes old_of(const char *name, EVP_PKEY *key, const char *const *more)
{
	char path[256];
	struct bytes issuer;
	size_t count;
	snprintf(path, sizeof path, "%s/%s.pem", folder, name);
	assert_int_equal(0, cert_file_read(path, &issuer, 1, &count, NULL));
	snprintf(path, sizeof path, "%s/%s.key", folder, name);
	EVP_PKEY *ca_key = pki_key_read(path, NULL);
	assert_non_null(ca_key);
	struct bytes old = cert_make(&(struct recipe){ .cn = "样票测试贸易有限公司", .o = "样票集团", .key = key, .issuer = &issuer,
		.issuer_key = ca_key, .from = NOW - 400 * DAY, .to = NOW - 40 * DAY, .usage = "critical,digitalSignature,nonRepudiation",
		.extended = "clientAuth,emailProtection,1.2.156.99999.7", .basic = "critical,CA:FALSE", .key_ids = true, .more = more });
	pki_key_free(&ca_key);
	bytes_free(&issuer);
	return old;
}

static const char *const everything[] = {
	"subjectAltName", "email:test@example.com,DNS:example.com",
	"certificatePolicies", "1.2.156.99999.1",
	"1.2.156.10260.4.1.4", "ASN1:UTF8String:91140000MA0000000X",
	"crlDistributionPoints", "URI:http://old.example/crl",
	"authorityInfoAccess", "caIssuers;URI:http://old.example/ca",
	"1.3.6.1.4.1.11129.2.4.2", "DER:04:02:00:00", /* SCTs belong to the old signature */
	NULL,
};

static bool extension_same(const struct bytes *a, const struct bytes *b, const char *oid)
{
	const uint8_t *pa = a->data, *pb = b->data;
	X509 *xa = d2i_X509(NULL, &pa, (long)a->len), *xb = d2i_X509(NULL, &pb, (long)b->len);
	ASN1_OBJECT *object = OBJ_txt2obj(oid, 0);
	int at = X509_get_ext_by_OBJ(xa, object, -1), bt = X509_get_ext_by_OBJ(xb, object, -1);
	bool same = at < 0 && bt < 0;
	if (at >= 0 && bt >= 0) {
		X509_EXTENSION *ea = X509_get_ext(xa, at), *eb = X509_get_ext(xb, bt);
		same = X509_EXTENSION_get_critical(ea) == X509_EXTENSION_get_critical(eb) &&
			ASN1_OCTET_STRING_cmp(X509_EXTENSION_get_data(ea), X509_EXTENSION_get_data(eb)) == 0;
	}
	ASN1_OBJECT_free(object);
	X509_free(xa);
	X509_free(xb);
	return same;
}

static void creates(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		char cert[256], key[256];
		struct error err;
		struct stat st;
		snprintf(cert, sizeof cert, "%s/new%zu.pem", folder, i);
		snprintf(key, sizeof key, "%s/new%zu.key", folder, i);
		assert_int_equal(0, ca_create(cert, key, "山西CA 测试根 样票", algorithms[i], NOW - DAY, NOW + 3650 * (int64_t)DAY, &err));
		assert_int_equal(0, stat(key, &st));
		assert_int_equal(0600, st.st_mode & 07777);
		assert_int_equal(0, shell("openssl verify -x509_strict -check_ss_sig -attime %d -CAfile new%zu.pem new%zu.pem", NOW, i, i));
		assert_int_equal(0, shell("openssl x509 -in new%zu.pem -noout -text > text; grep -q 'CA:TRUE, pathlen:0' text &&"
			" grep -A1 'Key Usage: critical' text | grep -q 'Certificate Sign, CRL Sign$'", i));
		struct bytes der;
		size_t count;
		struct cert_info info;
		assert_int_equal(0, cert_file_read(cert, &der, 1, &count, &err));
		assert_int_equal(0, cert_info_read(der.data, der.len, &info, &err));
		assert_string_equal("C=CN, CN=山西CA 测试根 样票", info.subject);
		assert_string_equal(algorithms[i], info.key_algorithm);
		bytes_free(&der);
		/* neither file is ever written over; a certificate that cannot be written leaves no key */
		assert_int_equal(ERR_FILE, ca_create(cert, key, "x", "ec:P-256", NOW, NOW + DAY, &err));
		assert_int_equal(ERR_FILE, ca_create(cert, in_folder("fresh.key"), "x", "ec:P-256", NOW, NOW + DAY, &err));
		assert_int_not_equal(0, stat(in_folder("fresh.key"), &st));
	}
	struct error err;
	assert_int_equal(ERR_ALGORITHM_NOT_ALLOWED, ca_create("/nowhere/a", "/nowhere/b", "x", "rsa:1024", NOW, NOW + DAY, &err));
}

static void opens_only_what_fits(void **state)
{
	(void)state;
	struct ca *ca = open_new("one", "ec:P-256", ""), *none;
	ca_free(&ca);
	assert_null(ca);
	ca = open_new("two", "ec:P-256", "");
	ca_free(&ca);
	struct bytes person = old_of("one", key_for("ec:P-256"), NULL);
	struct error err;
	put_pem("person.pem", &person);
	assert_int_equal(0, pki_key_write(in_folder("person.key"), key_for("ec:P-256"), &err));
	assert_int_equal(0, shell("cp one.key open.key && chmod 644 open.key"));
	const struct {
		const char *cert, *key, *more;
		int expected;
	} cases[] = {
		{ "one.pem", "two.key", "", ERR_CONFIG }, { "one.pem", "open.key", "", ERR_CONFIG },
		{ "person.pem", "person.key", "", ERR_CONFIG }, { "none.pem", "one.key", "", ERR_FILE },
		{ "one.pem", "none.key", "", ERR_FILE }, { "one.key", "one.key", "", ERR_CERT_MALFORMED },
		{ "one.pem", "one.key", "crl_days = 0;", ERR_CONFIG }, { "one.pem", "one.key", "crl_url = \"http://a/,b\";", ERR_CONFIG },
		{ "one.pem", "one.key", "crl_days = 3;", 0 },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char settings[1024];
		snprintf(settings, sizeof settings, "ca: { backend = \"embedded\"; certificate = \"%s/%s\"; key = \"%s/%s\"; %s };",
			folder, cases[i].cert, folder, cases[i].key, cases[i].more);
		assert_int_equal(cases[i].expected, open_with(settings, &none, &err));
		ca_free(&none);
	}
	assert_int_equal(ERR_CONFIG, open_with("ca: { };", &none, &err));
	assert_int_equal(ERR_CONFIG, open_with("ca: { backend = \"other\"; };", &none, &err));
	assert_int_equal(ERR_CONFIG, open_with("ca: { backend = \"embedded\"; };", &none, &err));
	assert_int_equal(ERR_CONFIG, open_with("", &none, &err));
	bytes_free(&person);
}

static void plans(void **state)
{
	(void)state;
	struct ca *ca = open_new("plans", "ec:P-256", "");
	struct ca_plan one, again, other;
	struct error err;
	assert_int_equal(0, ca_plan_new(ca, "AZT0001", "sign", 1, NOW, NOW + DAY, &one, &err));
	assert_int_equal(0, ca_plan_new(ca, "AZT0001", "sign", 1, NOW, NOW + DAY, &again, &err));
	assert_string_equal(one.transaction, again.transaction);
	assert_string_not_equal(one.serial, again.serial);
	assert_int_equal(40, strlen(one.serial));
	assert_int_equal(40, strspn(one.serial, "0123456789ABCDEF"));
	assert_true(one.serial[0] >= '4' && one.serial[0] <= '7');
	/* printf 'AZT0001\0sign\0001' | sha256sum */
	assert_int_equal(0, shell("printf 'AZT0001\\0sign\\0%%s' 1 | sha256sum | grep -q '^%s'", one.transaction));
	assert_int_equal(0, ca_plan_new(ca, "AZT0001", "sign", 2, NOW, NOW + DAY, &other, &err));
	assert_string_not_equal(one.transaction, other.transaction);
	assert_int_equal(0, ca_plan_new(ca, "AZT0001", "enc", 1, NOW, NOW + DAY, &other, &err));
	assert_string_not_equal(one.transaction, other.transaction);
	assert_int_equal(ERR_CA_FAILED, ca_plan_new(ca, "AZT0001", "sign", 1, NOW, NOW, &other, &err));
	assert_int_equal(ERR_CA_FAILED, ca_plan_new(ca, "AZT0001", "sign", 1, NOW, NOW + 2001 * DAY, &other, &err));
	ca_free(&ca);
}

static void renews(void **state)
{
	(void)state;
	for (size_t i = 0; i < 4; i++) {
		const char *ca_algorithm = algorithms[i / 2], *user = i % 2 == 0 ? "rsa:2048" : "ec:P-256";
		char name[16], user_new[32];
		snprintf(name, sizeof name, "renew%zu", i);
		snprintf(user_new, sizeof user_new, "%s other", user);
		struct ca *ca = open_new(name, ca_algorithm, "crl_url = \"http://hall.example/ca.crl\";");
		struct bytes old = old_of(name, key_for(user), everything), csr = request_for(key_for(user_new), &old);
		struct bytes cert = { 0 }, again = { 0 };
		struct ca_plan plan;
		struct error err;
		struct cert_info info, was;
		assert_int_equal(0, ca_plan_new(ca, "AZT0001", "sign", 1, NOW, NOW + 365 * DAY, &plan, &err));
		assert_int_equal(0, ca_issue(ca, &plan, &csr, &old, &cert, &err));
		assert_int_equal(0, cert_info_read(cert.data, cert.len, &info, &err));
		assert_int_equal(0, cert_info_read(old.data, old.len, &was, &err));
		assert_string_equal(plan.serial, info.serial);
		assert_string_equal(was.subject, info.subject);
		assert_string_equal(was.issuer_subject, info.issuer_subject);
		assert_int_equal(NOW, info.not_before);
		assert_int_equal(NOW + 365 * DAY, info.not_after);

		/* what the terminal checks before it writes it */
		size_t count;
		struct trust *trust;
		const struct bytes *chain = ca_chain(ca, &count);
		assert_int_equal(0, trust_open(chain, count, &trust, &err));
		struct bytes spki = { 0 };
		uint8_t hash[PKI_SHA256];
		char hex[2 * PKI_SHA256 + 1];
		assert_int_equal(0, pki_spki(key_for(user_new), &spki));
		pki_sha256(spki.data, spki.len, hash);
		struct cert_expectation expected = { .old_cert = &old, .spki_sha256 = hex_encode(hash, sizeof hash, hex), .trust = trust,
			.not_after = NOW + 365 * DAY, .now = NOW };
		assert_int_equal(0, cert_check_renewed(cert.data, cert.len, &expected, &err));
		trust_free(&trust);
		bytes_free(&spki);

		const char *kept[] = { "basicConstraints", "keyUsage", "extendedKeyUsage", "subjectAltName", "certificatePolicies",
			"1.2.156.10260.4.1.4", "authorityKeyIdentifier", "authorityInfoAccess" };
		for (size_t k = 0; k < sizeof kept / sizeof kept[0]; k++)
			assert_true(extension_same(&old, &cert, kept[k]));
		assert_false(extension_same(&old, &cert, "subjectKeyIdentifier"));
		put_pem("new.pem", &cert);
		assert_int_equal(0, shell("openssl verify -x509_strict -check_ss_sig -CAfile %s.pem -attime %d new.pem", name, NOW));
		assert_int_equal(0, shell("openssl x509 -in new.pem -noout -text > text; grep -q 'URI:http://hall.example/ca.crl' text &&"
			" ! grep -q 'old.example/crl' text && ! grep -q '11129\\|SCT' text"));

		/* the same plan again is the same certificate */
		assert_int_equal(0, ca_issue(ca, &plan, &csr, &old, &again, &err));
		if (i / 2 == 0) {
			assert_int_equal(cert.len, again.len);
			assert_memory_equal(cert.data, again.data, cert.len);
		} else { /* an ECDSA signature is another each time; what is signed is not */
			const uint8_t *pa = cert.data, *pb = again.data;
			X509 *a = d2i_X509(NULL, &pa, (long)cert.len), *b = d2i_X509(NULL, &pb, (long)again.len);
			uint8_t *tbs_a = NULL, *tbs_b = NULL;
			int la = i2d_re_X509_tbs(a, &tbs_a), lb = i2d_re_X509_tbs(b, &tbs_b);
			assert_int_equal(la, lb);
			assert_memory_equal(tbs_a, tbs_b, (size_t)la);
			OPENSSL_free(tbs_a);
			OPENSSL_free(tbs_b);
			X509_free(a);
			X509_free(b);
		}
		bytes_free(&old);
		bytes_free(&csr);
		bytes_free(&cert);
		bytes_free(&again);
		ca_free(&ca);
	}
}

static void refuses(void **state)
{
	(void)state;
	struct ca *ca = open_new("refuse", "ec:P-256", "");
	struct bytes old = old_of("refuse", key_for("ec:P-256"), NULL), cert = { 0 };
	struct bytes other = cert_make(&(struct recipe){ .cn = "样票公司乙", .key = key_for("ec:P-256"), .from = NOW, .to = NOW + DAY });
	struct bytes csr = request_for(key_for("ec:P-256 other"), &old);
	struct ca_plan plan;
	struct error err;
	assert_int_equal(0, ca_plan_new(ca, "AZT0001", "sign", 1, NOW, NOW + DAY, &plan, &err));
	assert_int_equal(ERR_CSR_INVALID, ca_issue(ca, &plan, &csr, &other, &cert, &err));
	struct ca_plan bad = plan;
	snprintf(bad.serial, sizeof bad.serial, "12x4");
	assert_int_equal(ERR_CA_FAILED, ca_issue(ca, &bad, &csr, &old, &cert, &err));
	csr.data[csr.len - 1] ^= 1;
	assert_int_equal(ERR_CSR_INVALID, ca_issue(ca, &plan, &csr, &old, &cert, &err));
	/* a CA's certificate does not get another one for asking */
	size_t count;
	const struct bytes *chain = ca_chain(ca, &count);
	struct bytes authority = request_for(key_for("ec:P-256 other"), &chain[0]);
	assert_int_equal(ERR_CA_FAILED, ca_issue(ca, &plan, &authority, &chain[0], &cert, &err));
	bytes_free(&authority);
	bytes_free(&old);
	bytes_free(&other);
	bytes_free(&csr);
	bytes_free(&cert);
	ca_free(&ca);
}

static void issues_first_ones(void **state)
{
	(void)state;
	struct ca *ca = open_new("first", "rsa:3072", "issuer_url = \"http://hall.example/ca.crt\";");
	const char *users[] = { "rsa:2048", "ec:P-256" };
	const char *usages[] = { "Digital Signature, Non Repudiation, Key Encipherment", "Digital Signature, Non Repudiation" };
	for (size_t i = 0; i < 2; i++) {
		struct bytes named = cert_make(&(struct recipe){ .cn = "样票公司丙", .key = key_for(users[i]), .from = NOW, .to = NOW + DAY });
		struct bytes csr = request_for(key_for(users[i]), &named), cert = { 0 };
		struct ca_plan plan;
		struct error err;
		assert_int_equal(0, ca_plan_new(ca, "operator", "sign", 1, NOW - 400 * DAY, NOW - 40 * DAY, &plan, &err));
		assert_int_equal(0, ca_issue(ca, &plan, &csr, NULL, &cert, &err));
		put_pem("first-one.pem", &cert);
		assert_int_equal(0, shell("openssl verify -x509_strict -CAfile first.pem -attime %d first-one.pem", NOW - 100 * DAY));
		assert_int_equal(0, shell("openssl x509 -in first-one.pem -noout -text > text; grep -q 'CA:FALSE' text &&"
			" grep -A1 'X509v3 Key Usage: critical' text | grep -q '^ *%s$' &&"
			" grep -q 'TLS Web Client Authentication, E-mail Protection$' text && grep -q 'CA Issuers - URI:http://hall.example/ca.crt' text",
			usages[i]));
		bytes_free(&named);
		bytes_free(&csr);
		bytes_free(&cert);
	}
	ca_free(&ca);
}

static void revokes(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		char name[16];
		snprintf(name, sizeof name, "crl%zu", i);
		struct ca *ca = open_new(name, algorithms[i], "crl_days = 3;");
		struct bytes old = old_of(name, key_for("ec:P-256"), NULL), csr = request_for(key_for("ec:P-256"), &old), der = { 0 };
		struct ca_revoked revoked[2] = { { .at = NOW - 60, .reason = 4 }, { .at = NOW - 50, .reason = 0 } };
		struct error err;
		for (int k = 0; k < 3; k++) {
			struct ca_plan plan;
			struct bytes cert = { 0 };
			char file[16];
			assert_int_equal(0, ca_plan_new(ca, "AZT0001", "sign", k, NOW - DAY, NOW + 365 * DAY, &plan, &err));
			assert_int_equal(0, ca_issue(ca, &plan, &csr, &old, &cert, &err));
			snprintf(file, sizeof file, "c%d.pem", k);
			put_pem(file, &cert);
			bytes_free(&cert);
			if (k < 2)
				memcpy(revoked[k].serial, plan.serial, sizeof plan.serial);
		}
		assert_int_equal(0, ca_crl(ca, revoked, 2, 17, NOW, &der, &err));
		put("crl.der", der.data, der.len);
		assert_int_equal(0, shell("openssl crl -inform DER -in crl.der -out crl.pem"));
		char command[3][256];
		for (int k = 0; k < 3; k++)
			snprintf(command[k], sizeof command[k], "openssl verify -x509_strict -CAfile %s.pem -crl_check -CRLfile crl.pem"
				" -attime %d c%d.pem", name, NOW + DAY, k);
		for (int k = 0; k < 2; k++)
			assert_int_equal(0, shell("%s 2>&1 | grep -q 'certificate revoked'", command[k]));
		assert_int_equal(0, shell("%s", command[2]));
		assert_int_equal(0, shell("openssl crl -in crl.pem -noout -text > text; grep -A1 'CRL Number' text | grep -q ' 17$' &&"
			" grep -q 'Authority Key Identifier' text && [ $(grep -c 'Reason Code' text) = 1 ] && grep -q Superseded text &&"
			" [ $(grep -c 'Serial Number' text) = 2 ]"));
		/* three days on it is out of date */
		assert_int_not_equal(0, shell("openssl verify -CAfile %s.pem -crl_check -CRLfile crl.pem -attime %d c2.pem", name, NOW + 4 * DAY));
		assert_int_equal(0, ca_crl(ca, NULL, 0, 18, NOW, &der, &err));
		put("crl.der", der.data, der.len);
		assert_int_equal(0, shell("openssl crl -inform DER -in crl.der -noout -CAfile %s.pem", name));
		snprintf(revoked[0].serial, sizeof revoked[0].serial, "no");
		assert_int_equal(ERR_CA_FAILED, ca_crl(ca, revoked, 1, 19, NOW, &der, &err));
		bytes_free(&old);
		bytes_free(&csr);
		bytes_free(&der);
		ca_free(&ca);
	}
}

struct worker {
	pthread_t thread;
	struct ca *ca;
	const struct bytes *csr, *old;
	int failures;
};

static void *work(void *ctx)
{
	struct worker *w = ctx;
	for (int i = 0; i < 20; i++) {
		struct bytes cert = { 0 }, crl = { 0 };
		struct ca_plan plan;
		struct cert_info info;
		w->failures += ca_plan_new(w->ca, "AZT0001", "sign", i, NOW, NOW + DAY, &plan, NULL) != 0 ||
			ca_issue(w->ca, &plan, w->csr, w->old, &cert, NULL) != 0 || cert_info_read(cert.data, cert.len, &info, NULL) != 0 ||
			strcmp(info.serial, plan.serial) != 0 || ca_crl(w->ca, NULL, 0, i, NOW, &crl, NULL) != 0;
		bytes_free(&cert);
		bytes_free(&crl);
	}
	return NULL;
}

static void many_threads(void **state)
{
	(void)state;
	struct ca *ca = open_new("threads", "ec:P-256", "");
	struct bytes old = old_of("threads", key_for("ec:P-256"), everything), csr = request_for(key_for("ec:P-256"), &old);
	struct worker workers[4] = { 0 };
	for (size_t i = 0; i < 4; i++) {
		workers[i] = (struct worker){ .ca = ca, .csr = &csr, .old = &old };
		assert_int_equal(0, pthread_create(&workers[i].thread, NULL, work, &workers[i]));
	}
	for (size_t i = 0; i < 4; i++) {
		pthread_join(workers[i].thread, NULL);
		assert_int_equal(0, workers[i].failures);
	}
	bytes_free(&old);
	bytes_free(&csr);
	ca_free(&ca);
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
		cmocka_unit_test(creates), cmocka_unit_test(opens_only_what_fits), cmocka_unit_test(plans), cmocka_unit_test(renews),
		cmocka_unit_test(refuses), cmocka_unit_test(issues_first_ones), cmocka_unit_test(revokes), cmocka_unit_test(many_threads),
	};
	return cmocka_run_group_tests(tests, start, end);
}
