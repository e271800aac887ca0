/* What a renewal asks of a key, on a real token, with pkcs11-tool as the second opinion. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <certhall/pki.h>

static int alien; /* keys on the token of a kind we do not know */

static int setup(void **state)
{
	static struct fixture f;
	alien = 0;
	fixture_open(&f, false, 0);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	fixture_close(*state);
	return 0;
}

static void test_list(void **state)
{
	struct fixture *f = *state;
	expect(do_list(f), ERR_OK);
	const struct token_slot *slot = &outcome.list.slots[0];
	assert_int_equal(outcome.list.count, 1); /* not the slot where one more token could be made */
	assert_string_equal(slot->label, LABEL);
	assert_string_equal(slot->mechanisms, "rsa:2048,rsa:3072,ec:P-256");
	assert_true(slot->initialised && !slot->pin_locked && !slot->pin_pad && !slot->write_protected);
	assert_int_equal(strlen(slot->serial), 16);
	assert_string_equal(outcome.list.module.cryptoki, "2.40");
	assert_non_null(strstr(outcome.list.module.path, "libsofthsm2.so"));
	assert_false(outcome.list.several_readers);
	expect(do_certs(f), ERR_OK);
	assert_int_equal(outcome.certs.count, 0);
}

static struct bytes copy(const struct bytes *from)
{
	struct bytes to = { 0 };
	assert_int_equal(bytes_set(&to, from->data, from->len), 0);
	return to;
}

static int count_objects(const struct fixture *f, const char *type)
{
	char command[300];
	snprintf(command, sizeof command, "pkcs11-tool --module /usr/lib/softhsm/libsofthsm2.so --login --pin %s"
		" --list-objects --type %s | grep -c '^[A-Z].*Object;' || true", PIN, type);
	return atoi(fixture_run(f, command, NULL)) - (strcmp(type, "cert") == 0 ? 0 : alien);
}

/* A pair and its certificate under an id, as an earlier renewal left it. */
static struct bytes install(struct fixture *f, const uint8_t *id, const char *algorithm, const char *name, int serial)
{
	expect(do_generate(f, id, algorithm), ERR_OK);
	assert_true(outcome.key.present && !outcome.key.adopted);
	struct bytes cert = make_cert(&outcome.key.spki, name, serial);
	expect(do_write(f, id, &cert), ERR_OK);
	assert_int_equal(outcome.bytes.len, cert.len);
	assert_memory_equal(outcome.bytes.data, cert.data, cert.len);
	return cert;
}

/* As another program sees them. SoftHSM's idea of what a key is for: "sign" and nothing else. */
static void check_private_keys(const struct fixture *f, int keys)
{
	char command[300];
	snprintf(command, sizeof command, "pkcs11-tool --module /usr/lib/softhsm/libsofthsm2.so --login --pin %s"
		" --list-objects --type privkey | tee $DIR/keys | grep -c 'sensitive, always sensitive, never extractable, local'", PIN);
	assert_int_equal(atoi(fixture_run(f, command, NULL)), keys);
	assert_int_equal(atoi(fixture_run(f, "grep -cE '^  Usage: +sign$' $DIR/keys || true", NULL)), keys - alien);
}

static void renew(struct fixture *f, const char *algorithm, const char *signature)
{
	uint8_t old_id[TOKEN_ID], new_id[TOKEN_ID];
	char algorithm_found[24];
	struct error err;
	token_id_of_order("AZT000000OLD1", "sign", old_id);
	token_id_of_order("AZT000000NEW1", "sign", new_id);
	expect(do_find(f, new_id), ERR_OK);
	assert_false(outcome.key.present);
	expect(do_generate(f, new_id, algorithm), ERR_PIN_NEEDED);
	expect(do_login(f, PIN), ERR_OK);
	struct bytes old = install(f, old_id, algorithm, "Old", 1);

	/* the old key speaks for the order */
	expect(do_sign(f, &old, "challenge"), ERR_OK);
	assert_int_equal(pki_verify(old.data, old.len, signature, "challenge", 9, outcome.bytes.data, outcome.bytes.len, &err), 0);
	expect(do_cms(f, &old, "statement"), ERR_OK);
	assert_int_equal(cms_verify(outcome.bytes.data, outcome.bytes.len, old.data, old.len, "statement", 9, &err), 0);

	/* the new key, twice the same */
	expect(do_generate(f, new_id, algorithm), ERR_OK);
	assert_true(outcome.key.present && !outcome.key.adopted && outcome.key.cert.len == 0);
	struct bytes spki = copy(&outcome.key.spki);
	check_private_keys(f, 2 + alien);
	expect(do_generate(f, new_id, algorithm), ERR_OK);
	assert_true(outcome.key.adopted && outcome.key.spki.len == spki.len);
	assert_memory_equal(outcome.key.spki.data, spki.data, spki.len);
	expect(do_csr(f, new_id, &old), ERR_OK);
	struct bytes in_csr = { 0 };
	assert_int_equal(csr_check(outcome.bytes.data, outcome.bytes.len, old.data, old.len, &in_csr, algorithm_found, &err), 0);
	assert_string_equal(algorithm_found, algorithm);
	assert_memory_equal(in_csr.data, spki.data, spki.len);

	/* the new certificate, twice the same */
	struct bytes new = make_cert(&spki, "Old", 2);
	expect(do_prove(f, new_id), ERR_TOKEN_VERIFY);
	expect(do_write(f, new_id, &new), ERR_OK);
	expect(do_write(f, new_id, &new), ERR_OK);
	assert_memory_equal(outcome.bytes.data, new.data, new.len);
	expect(do_prove(f, new_id), ERR_OK);
	assert_int_equal(count_objects(f, "cert"), 2);
	assert_int_equal(count_objects(f, "privkey"), 2);
	expect(do_find(f, new_id), ERR_OK);
	assert_true(outcome.key.present && outcome.key.cert.len == new.len);

	/* a certificate of another key is found out */
	expect(do_generate(f, old_id, algorithm), ERR_OK);
	struct bytes foreign = make_cert(&outcome.key.spki, "Old", 3);
	expect(do_write(f, new_id, &foreign), ERR_OK); /* and replaces the one of an earlier attempt */
	assert_int_equal(count_objects(f, "cert"), 2);
	expect(do_write(f, new_id, &new), ERR_OK);

	/* the old ones go, and only they */
	expect(do_remove(f, &old), ERR_OK);
	expect(do_remove(f, &old), ERR_OK);
	expect(do_sign(f, &old, "challenge"), ERR_TOKEN_NO_KEY);
	assert_int_equal(count_objects(f, "cert"), 1);
	assert_int_equal(count_objects(f, "privkey"), 1);
	assert_int_equal(count_objects(f, "pubkey"), 1);
	expect(do_prove(f, new_id), ERR_OK);

	/* logged out, what is public still shows */
	expect(do_logout(f), ERR_OK);
	expect(do_sign(f, &new, "challenge"), ERR_PIN_NEEDED);
	expect(do_find(f, new_id), ERR_OK);
	assert_true(outcome.key.present);
	assert_memory_equal(outcome.key.spki.data, spki.data, spki.len);
	expect(do_certs(f), ERR_OK);
	assert_int_equal(outcome.certs.count, 1);
	assert_true(outcome.certs.certs[0].has_public_key);
	assert_memory_equal(outcome.certs.certs[0].id, new_id, TOKEN_ID);
	assert_string_equal(outcome.certs.certs[0].label, "AZT000000TEST");

	bytes_free(&old);
	bytes_free(&new);
	bytes_free(&foreign);
	bytes_free(&spki);
	bytes_free(&in_csr);
}

static void test_rsa_2048(void **state)
{
	renew(*state, "rsa:2048", "RSA-SHA256");
}

static void test_rsa_3072(void **state)
{
	renew(*state, "rsa:3072", "RSA-SHA256");
}

static void test_ec(void **state)
{
	renew(*state, "ec:P-256", "ecdsa-with-SHA256");
}

/* As SM2 keys stand on keys that carry both: libp11 0.4.12 then lists no key at all. */
static void test_alien(void **state)
{
	fixture_run(*state, "pkcs11-tool --module /usr/lib/softhsm/libsofthsm2.so --login --pin " PIN
		" --keypairgen --key-type EC:edwards25519 --id 77", NULL);
	fixture_restart(*state, 0);
	alien = 1;
	renew(*state, "rsa:2048", "RSA-SHA256");
}

static void test_alien_ec(void **state)
{
	fixture_run(*state, "pkcs11-tool --module /usr/lib/softhsm/libsofthsm2.so --login --pin " PIN
		" --keypairgen --key-type EC:edwards25519 --id 77", NULL);
	fixture_restart(*state, 0);
	alien = 1;
	renew(*state, "ec:P-256", "ecdsa-with-SHA256");
}

static void test_algorithm_unknown(void **state)
{
	struct fixture *f = *state;
	const uint8_t id[TOKEN_ID] = { 1 };
	expect(do_login(f, PIN), ERR_OK);
	expect(do_generate(f, id, "rsa:1024"), ERR_TOKEN_MECHANISM);
	assert_string_equal(outcome.err.param, "rsa:1024");
	assert_int_equal(count_objects(f, "privkey"), 0);
}

/* SHA-256("certhall:AZT112217NR3QT:sign"), first 20 bytes, by sha256sum */
static void test_id(void **state)
{
	uint8_t id[TOKEN_ID];
	char hex[2 * TOKEN_ID + 1];
	token_id_of_order("AZT112217NR3QT", "sign", id);
	char *expected = fixture_run(*state, "printf certhall:AZT112217NR3QT:sign | sha256sum | cut -c1-40", NULL);
	expected[40] = '\0';
	assert_string_equal(hex_encode(id, TOKEN_ID, hex), expected);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_list, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rsa_2048, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rsa_3072, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ec, setup, teardown),
		cmocka_unit_test_setup_teardown(test_alien, setup, teardown),
		cmocka_unit_test_setup_teardown(test_alien_ec, setup, teardown),
		cmocka_unit_test_setup_teardown(test_algorithm_unknown, setup, teardown),
		cmocka_unit_test_setup_teardown(test_id, setup, teardown),
	};
	return cmocka_run_group_tests_name("token sequence", tests, NULL, NULL);
}
