/* The traps that keys, their modules and libp11 0.4.12 lay, one by one; which test steps into which:
 *
 *   slots looked at again and again (PKCS11_update_slots crashes)          faults_test test_watch
 *   no session to be had (libp11 waits for ever)                           faults_test test_one_session, test_removed
 *   no public key object (PKCS11_get_public_key crashes; EC has no point)  recovery_test test_torn_ec, test_torn_rsa
 *   a login in force makes any PIN look right                              pin_test test_checked_again, test_state_believed
 *   the first call decides that all is read only                           test_read_first
 *   sessions and lists that die when slots are looked at                   sequence_test (find and read between the writes)
 *   keys that move in libp11's list, destroyed ones that stay in it        sequence_test
 *   libp11 keeps the PIN                                                   pin_test test_memory, journey/secrecy.py
 *   key pairs that can be taken out                                        recovery_test test_leaky, sequence_test
 *   a certificate wants its serial number, refuses other attributes        test_strict, modules_test test_nss
 *   the same certificate is refused a second time                          test_written_once, modules_test test_nss_twice
 *   two pairs with one id are both kept                                    test_two_pairs, test_two_of_ours
 *   no CKM_RSA_X_509; attributes cannot be changed                         test_mechanisms
 *   a key that wants its PIN at each use (CKA_ALWAYS_AUTHENTICATE)         test_always_auth
 *   refuses curves; tells RSA sizes in bytes; limits it does not take      test_no_ec, test_bytes, test_template, renewal/refuses.py
 *   the point without its OCTET STRING                                     test_bare_point
 *   a kind of key nobody knows                                             sequence_test test_alien
 *   LOW, FINAL, LOCKED, no flags, too long, a pin pad                      pin_test, test_pin_len, journey/leaving.py
 *   pulled out before, in the middle, in and out again                     faults_test test_removed, recovery_test
 *   another one put in                                                     test_another_key
 *   done and an error told; fails, dies at the n-th call                   recovery_test, faults_test test_crash
 *   hangs; takes its time; starts slowly, or not at all                    faults_test test_hang, test_slow, test_start, journey/hung.py
 *   certificates without a serial number                                   test_no_serial
 *   tells of more than there is                                            test_lies
 *   half a certificate; one half of a pair; a pair without certificate     test_half_certificate, test_torn, recovery_test
 *   writes on the terminal, loses its daemon (SIGPIPE)                     test_noise
 *   instances, and logins, of its own for each caller (p11-kit)            modules_test test_proxy, test_client
 *   its daemon dies, and is started again                                  modules_test test_client_killed
 *   arguments to start with (NSS); a slot with services of its own         modules_test test_nss, test_nss_no_args
 *   a key without certificate left behind after renewing (OpenSC #2100)    modules_test (counts what is left), recovery_test test_remove
 *   what was written is read back, and proved, before anything goes        test_half_certificate, recovery_test
 *
 * and of the hall:
 *   a signer that has expired; too late, too early, not yet valid          service/renewal.py, pki/trust_test
 *   a certificate that is not for signing mail (CMS's default purpose)     pki/sign_test cms_by_any_usage
 *   an expired or too young CA                                             pki/trust_test ca_times_count
 *   SM2 keys and requests, with GM/T's distinguishing id or without        service/renewal.py (refused by name)
 *   issued, but the answer or the saving was lost                          renewal/recover.py, faults/matrix.py
 *
 * Not used here:
 *   C_WaitForSlotEvent      no two modules agree on it: slots are looked at once a second (faults_test test_watch)
 *   C_SetAttributeValue     OpenSC refuses it: an order's CKA_ID is final (test_mechanisms)
 *   RSA-PSS                 signatures are PKCS#1 v1.5: works where PSS does not
 *   CMP, EST                the hall issues by itself: no context lives from one request to the next, none keeps others' certificates
 *   SM2 on the key, SKF     vendors' numbers differ; a key of a kind that is not known does not disturb (sequence_test test_alien)
 *   tries left              PKCS#11 does not tell how many: never shown
 *   virtual PC/SC reader    the fault module plays pulling, locking and a single session
 */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t old_id[TOKEN_ID] = { 0x0f, 1 };
static struct bytes old;

static int setup(void **state)
{
	static struct fixture f;
	fixture_open(&f, true, 0);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	bytes_free(&old);
	fixture_close(*state);
	return 0;
}

static void install(struct fixture *f, const char *algorithm)
{
	old = do_install(f, old_id, algorithm);
}

static int calls(const struct fixture *f, const char *function)
{
	char command[128];
	snprintf(command, sizeof command, "grep -c '^%s ' $DIR/trace || true", function);
	return atoi(fixture_run(f, command, NULL));
}

static void renew(struct fixture *f, const char *algorithm)
{
	uint8_t id[TOKEN_ID];
	new_id(id);
	do_renewal(f, &old, id, algorithm);
}

static void test_read_first(void **state)
{
	struct fixture *f = *state;
	expect(do_certs(f), ERR_OK);
	expect(do_find(f, old_id), ERR_OK);
	install(f, "ec:P-256");
	renew(f, "ec:P-256");
}

static void test_strict(void **state)
{
	struct fixture *f = *state;
	fixture_knob(f, "strict", "");
	install(f, "rsa:2048");
	renew(f, "ec:P-256");
}

/* Nothing is looked up by serial number: what another program left without one is read, used and removed. */
static void test_no_serial(void **state)
{
	struct fixture *f = *state;
	fixture_knob(f, "no_serial", "");
	install(f, "ec:P-256");
	expect(do_certs(f), ERR_OK);
	assert_int_equal(outcome.certs.count, 1);
	renew(f, "ec:P-256");
	expect(do_remove(f, &old), ERR_OK);
	expect(do_certs(f), ERR_OK);
	assert_int_equal(outcome.certs.count, 1);
}

static void test_written_once(void **state)
{
	struct fixture *f = *state;
	fixture_knob(f, "trace", "");
	install(f, "ec:P-256");
	expect(do_write(f, old_id, &old), ERR_OK);
	assert_int_equal(calls(f, "C_CreateObject"), 1);
}

static void test_mechanisms(void **state)
{
	struct fixture *f = *state;
	fixture_knob(f, "no_raw_rsa", "");
	fixture_knob(f, "trace", "");
	install(f, "rsa:2048");
	renew(f, "rsa:2048");
	assert_true(calls(f, "C_SignInit") > 3);
	assert_int_equal(calls(f, "C_SetAttributeValue"), 0);
}

/* It cannot be served, but nothing hangs, nothing asks on the terminal and no empty PIN is tried. */
static void test_always_auth(void **state)
{
	struct fixture *f = *state;
	install(f, "ec:P-256");
	fixture_knob(f, "always_auth", "");
	fixture_knob(f, "trace", "");
	expect(do_login(f, PIN), ERR_OK);
	int rc = do_sign(f, &old, "challenge");
	if (rc != ERR_TOKEN_DEVICE && rc != ERR_PIN_NEEDED && rc != ERR_OK) /* a module that only says so signs */
		fail_msg("%s", error_name((enum error_code)rc));
	assert_int_equal(calls(f, "C_Login"), 1);
	expect(do_list(f), ERR_OK);
}

static void test_no_ec(void **state)
{
	struct fixture *f = *state;
	uint8_t id[TOKEN_ID];
	new_id(id);
	fixture_knob(f, "no_ec", "");
	expect(do_list(f), ERR_OK);
	assert_string_equal(outcome.list.slots[0].mechanisms, "rsa:2048,rsa:3072");
	fixture_knob(f, "no_ec", "late");
	expect(do_list(f), ERR_OK);
	assert_string_equal(outcome.list.slots[0].mechanisms, "rsa:2048,rsa:3072,ec:P-256");
	expect(do_login(f, PIN), ERR_OK);
	expect(do_generate(f, id, "ec:P-256"), ERR_TOKEN_MECHANISM);
	assert_string_equal(outcome.err.param, "ec:P-256");
	expect(do_generate(f, id, "rsa:2048"), ERR_OK);
}

static void test_bytes(void **state)
{
	struct fixture *f = *state;
	fixture_knob(f, "bytes", "");
	expect(do_list(f), ERR_OK);
	assert_string_equal(outcome.list.slots[0].mechanisms, "rsa:2048,rsa:3072,ec:P-256");
}

static void test_template(void **state)
{
	struct fixture *f = *state;
	fixture_knob(f, "plan", "C_GenerateKeyPair 1 rv 0xd1\n");
	install(f, "rsa:2048");
	fixture_knob(f, "trace", "");
	renew(f, "rsa:2048");
}

/* A point begins with the byte an OCTET STRING begins with: of some keys the rest looks like one, too. */
static void test_bare_point(void **state)
{
	struct fixture *f = *state;
	expect(do_login(f, PIN), ERR_OK);
	for (uint8_t i = 0; i < 32; i++) {
		const uint8_t id[TOKEN_ID] = { 0xb0, i };
		struct bytes spki = { 0 };
		expect(do_generate(f, id, "ec:P-256"), ERR_OK);
		assert_int_equal(bytes_set(&spki, outcome.key.spki.data, outcome.key.spki.len), 0);
		fixture_knob(f, "bare_point", "");
		expect(do_find(f, id), ERR_OK);
		assert_int_equal(outcome.key.spki.len, spki.len);
		assert_memory_equal(outcome.key.spki.data, spki.data, spki.len);
		fixture_knob(f, "bare_point", NULL);
		bytes_free(&spki);
	}
}

static void test_pin_len(void **state)
{
	struct fixture *f = *state;
	fixture_knob(f, "pin_len", "8");
	fixture_knob(f, "trace", "");
	expect(do_login(f, "123456789"), ERR_PIN_LENGTH);
	assert_int_equal(calls(f, "C_Login"), 0); /* a try that must fail would be one less */
	expect(do_login(f, PIN), ERR_OK);
}

/* The login was the other key's; the slot number says nothing. */
static void test_another_key(void **state)
{
	struct fixture *f = *state;
	fixture_run(f, "softhsm2-util --init-token --free --label OTHER --pin " PIN " --so-pin 24681012", NULL);
	fixture_restart(f, 0);
	fixture_knob(f, "inserted", LABEL);
	expect(do_list(f), ERR_OK);
	assert_int_equal(outcome.list.count, 1);
	f->slot = outcome.list.slots[0].id;
	install(f, "ec:P-256");
	fixture_knob(f, "inserted", "OTHER");
	int rc = do_sign(f, &old, "challenge");
	assert_true(rc == ERR_TOKEN_REMOVED || rc == ERR_TOKEN_ABSENT);
	expect(do_list(f), ERR_OK);
	assert_int_equal(outcome.list.count, 1);
	assert_string_equal(outcome.list.slots[0].label, "OTHER");
	uint64_t other = outcome.list.slots[0].id, first = f->slot;
	f->slot = other;
	expect(do_certs(f), ERR_OK);
	assert_int_equal(outcome.certs.count, 0);
	expect(do_generate(f, old_id, "ec:P-256"), ERR_PIN_NEEDED);
	fixture_knob(f, "inserted", LABEL);
	f->slot = first;
	expect(do_sign(f, &old, "challenge"), ERR_PIN_NEEDED);
	expect(do_login(f, PIN), ERR_OK);
	expect(do_sign(f, &old, "challenge"), ERR_OK);
}

static int slow_told, slow_over;

static void on_slow(void *ctx, bool slow)
{
	struct fixture *f = ctx;
	if (!slow) {
		slow_over++;
	} else if (slow_told++ == 0) {
		token_wait(f->token);
	} else {
		token_give_up(f->token);
	}
}

static void begin_impatient(struct fixture *f)
{
	struct token_options options = { .module = f->module, .helper = fixture_built("certhall-token"), .log = f->log, .slow_ms = 300 };
	token_free(&f->token);
	assert_int_equal(token_new(f->loop, &options, &f->token), 0);
	token_on_slow(f->token, on_slow, f);
	slow_told = slow_over = 0;
}

/* A module that looks for its readers when it starts, cannot find its daemon, hangs; whose next start is a good one. */
static void test_start(void **state)
{
	struct fixture *f = *state;
	begin_impatient(f);
	fixture_knob(f, "plan", "C_Initialize * sleep 1\n");
	expect(do_list(f), ERR_OK);
	assert_int_equal(slow_told, 1);
	begin_impatient(f);
	fixture_knob(f, "plan", "C_Initialize * sleep 100\n");
	expect(do_list(f), ERR_TOKEN_TIMEOUT); /* given up */
	fixture_knob(f, "plan", "C_Initialize * rv 0x30\n");
	expect(do_list(f), ERR_TOKEN_MODULE);
	assert_string_equal(outcome.err.param, "it does not start");
	expect(do_list(f), ERR_OK);
	assert_int_equal(outcome.list.count, 1);
}

/* Told of, waited for, told of again, given up: a write too; the next request starts another helper. */
static void test_slow(void **state)
{
	struct fixture *f = *state;
	uint8_t id[TOKEN_ID];
	new_id(id);
	begin_impatient(f);
	expect(do_login(f, PIN), ERR_OK);
	fixture_knob(f, "plan", "C_GenerateKeyPair * sleep 100\n");
	expect(do_generate(f, id, "ec:P-256"), ERR_TOKEN_TIMEOUT);
	assert_int_equal(slow_told, 2);
	assert_int_equal(slow_over, 1);
	fixture_knob(f, "plan", "C_GetSlotList * sleep 1\n"); /* the first wait is enough */
	slow_told = slow_over = 0;
	expect(do_list(f), ERR_OK);
	assert_int_equal(slow_told, 1);
	/* a person at the reader's keypad is not slow */
	fixture_knob(f, "pin_pad", PIN "\n");
	fixture_knob(f, "plan", "C_Login * sleep 1\n");
	slow_told = 0;
	expect(do_login(f, NULL), ERR_OK);
	assert_int_equal(slow_told, 0);
}

/* What each request is told; param: of the one that fails. A certificate or an id whose length cannot be counts as none. */
static const struct lie {
	const char *plan, *param;
	int list, certs, sign;
	size_t cert_count;
	bool has_key;
} lies[] = {
	{ "C_GetSlotList 1 lie\n", "", ERR_OK, ERR_OK, ERR_OK, 1, true }, /* only asked whether there is news */
	{ "C_GetSlotList 2 lie\n", "", ERR_OK, ERR_OK, ERR_OK, 1, true }, /* the module is loaded again */
	{ "C_FindObjects 1 lie\n", "C_FindObjects", ERR_OK, ERR_TOKEN_DEVICE, ERR_OK, 0, false },
	{ "C_GetAttributeValue 1 lie\n", "", ERR_OK, ERR_OK, ERR_OK, 0, false },
	{ "C_GetAttributeValue 2 lie\n", "", ERR_OK, ERR_OK, ERR_OK, 0, false },
	{ "C_GetAttributeValue 4 lie\n", "", ERR_OK, ERR_OK, ERR_OK, 1, false },
#ifndef __SANITIZE_ADDRESS__ /* libp11 believes it: the helper dies of it, and is started again */
	{ "C_Sign 1 lie\n", "", ERR_OK, ERR_OK, ERR_TOKEN_HELPER, 1, true },
#endif
};

static void told(int code, int expected, const char *param)
{
	expect(code, expected);
	if (expected != ERR_OK)
		assert_string_equal(outcome.err.param, param);
}

static void test_lies(void **state)
{
	struct fixture *f = *state;
	install(f, "ec:P-256");
	for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
		const struct lie *lie = &lies[i];
		fixture_restart(f, 0);
		fixture_knob(f, "plan", lie->plan);
		told(do_list(f), lie->list, lie->param);
		told(do_certs(f), lie->certs, lie->param);
		assert_int_equal(outcome.certs.count, lie->cert_count);
		if (lie->cert_count > 0)
			assert_int_equal(outcome.certs.certs[0].has_public_key, lie->has_key);
		expect(do_login(f, PIN), ERR_OK);
		told(do_sign(f, &old, "challenge"), lie->sign, lie->param);
		int status;
		fixture_run(f, "test -s $DIR/plan", &status);
		assert_int_equal(status, 1); /* it has lied */
		expect(do_list(f), ERR_OK);
		expect(do_login(f, PIN), ERR_OK);
		expect(do_sign(f, &old, "challenge"), ERR_OK);
	}
}

/* ---- what is torn, and what is others' ---- */

/* Everything on the token but what has this id. */
static char *others(const struct fixture *f, const uint8_t id[TOKEN_ID], const char *into)
{
	char command[800], hex[2 * TOKEN_ID + 1];
	hex_encode(id, TOKEN_ID, hex);
	snprintf(command, sizeof command, "pkcs11-tool --module /usr/lib/softhsm/libsofthsm2.so --token-label '" LABEL "' --login --pin " PIN
		" --list-objects | awk '/^[A-Z].*[Oo]bject/ { if (r !~ /%s/) print r; r = \"\" } { r = r $0 } END { if (r !~ /%s/) print r }' | sed 's/Data object [0-9]*/Data object/' | sort >$DIR/%s;"
		" cat $DIR/%s", hex, hex, into, into);
	return fixture_run(f, command, NULL);
}

static void tool(const struct fixture *f, const char *arguments, const uint8_t id[TOKEN_ID])
{
	char command[500], hex[2 * TOKEN_ID + 1];
	snprintf(command, sizeof command, "pkcs11-tool --module /usr/lib/softhsm/libsofthsm2.so --token-label '" LABEL "' --login --pin " PIN
		" %s --id %s", arguments, hex_encode(id, TOKEN_ID, hex));
	fixture_run(f, command, NULL);
}

static int count(const struct fixture *f, const char *type, const uint8_t id[TOKEN_ID])
{
	char command[500], hex[2 * TOKEN_ID + 1];
	snprintf(command, sizeof command, "pkcs11-tool --module /usr/lib/softhsm/libsofthsm2.so --token-label '" LABEL "' --login --pin " PIN
		" --list-objects --type %s | grep -c 'ID: *%s' || true", type, hex_encode(id, TOKEN_ID, hex));
	return atoi(fixture_run(f, command, NULL));
}

/* Others' objects, torn ones among them: half pairs, a certificate without key, data. */
static void add_foreign(struct fixture *f)
{
	static const uint8_t half[TOKEN_ID] = { 0xf0, 1 }, other_half[TOKEN_ID] = { 0xf0, 2 }, lone[TOKEN_ID] = { 0xf0, 3 };
	install(f, "ec:P-256");
	expect(do_generate(f, half, "ec:P-256"), ERR_OK);
	expect(do_generate(f, other_half, "ec:P-256"), ERR_OK);
	expect(do_generate(f, lone, "ec:P-256"), ERR_OK);
	struct bytes cert = make_cert(&outcome.key.spki, "Lone", 9);
	expect(do_write(f, lone, &cert), ERR_OK);
	bytes_free(&cert);
	tool(f, "--delete-object --type pubkey", half);
	tool(f, "--delete-object --type privkey", other_half);
	tool(f, "--delete-object --type privkey", lone);
	tool(f, "--delete-object --type pubkey", lone);
	fixture_run(f, "echo x >$DIR/data && pkcs11-tool --module /usr/lib/softhsm/libsofthsm2.so --token-label '" LABEL "' --login --pin " PIN
		" --write-object $DIR/data --type data --label others", NULL);
	fixture_restart(f, 0);
	expect(do_login(f, PIN), ERR_OK);
}

static void finish(struct fixture *f, const uint8_t id[TOKEN_ID], bool adopted)
{
	expect(do_login(f, PIN), ERR_OK);
	expect(do_generate(f, id, "ec:P-256"), ERR_OK);
	assert_int_equal(outcome.key.adopted, adopted);
	struct bytes cert = make_cert(&outcome.key.spki, "New", 2);
	expect(do_csr(f, id, &old), ERR_OK);
	expect(do_write(f, id, &cert), ERR_OK);
	expect(do_prove(f, id), ERR_OK);
	bytes_free(&cert);
	assert_int_equal(count(f, "privkey", id), 1);
	assert_int_equal(count(f, "pubkey", id), 1);
	assert_int_equal(count(f, "cert", id), 1);
}

static void test_torn(void **state)
{
	static const struct {
		const char *takes[2];
		bool adopted;
	} tears[] = {
		{ { "--delete-object --type pubkey", NULL }, false },  /* a private key alone: on a curve it does not tell its point */
		{ { "--delete-object --type privkey", NULL }, false }, /* a public key alone */
		{ { NULL, NULL }, true },                               /* a pair without its certificate */
	};
	struct fixture *f = *state;
	uint8_t id[TOKEN_ID];
	add_foreign(f);
	new_id(id);
	char *before = strdup(others(f, id, "before"));
	assert_true(strstr(before, "others") != NULL && strstr(before, "f002") != NULL);
	free(before);
	for (size_t i = 0; i < sizeof tears / sizeof *tears; i++) {
		expect(do_login(f, PIN), ERR_OK);
		expect(do_generate(f, id, "ec:P-256"), ERR_OK);
		for (size_t k = 0; k < 2 && tears[i].takes[k] != NULL; k++)
			tool(f, tears[i].takes[k], id);
		fixture_restart(f, 0);
		finish(f, id, tears[i].adopted);
		(void)others(f, id, "after");
		fixture_run(f, "diff $DIR/before $DIR/after", NULL); /* others' stay as they were */
		tool(f, "--delete-object --type privkey", id);
		tool(f, "--delete-object --type pubkey", id);
		tool(f, "--delete-object --type cert", id);
		fixture_restart(f, 0);
	}
}

static void test_half_certificate(void **state)
{
	static const char *const answers[] = { "0", "0x30", "0x5" };
	struct fixture *f = *state;
	add_foreign(f);
	for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
		uint8_t id[TOKEN_ID];
		char plan[64];
		new_id(id);
		(void)others(f, id, "before");
		expect(do_login(f, PIN), ERR_OK);
		expect(do_generate(f, id, "ec:P-256"), ERR_OK);
		struct bytes cert = make_cert(&outcome.key.spki, "New", 2);
		snprintf(plan, sizeof plan, "C_CreateObject * half %s\n", answers[i]);
		fixture_knob(f, "plan", plan);
		assert_int_not_equal(do_write(f, id, &cert), ERR_OK);
		assert_int_equal(count(f, "cert", id), 1); /* the half is there */
		bytes_free(&cert);
		fixture_restart(f, 0);
		expect(do_certs(f), ERR_OK);
		finish(f, id, true);
		(void)others(f, id, "after");
		fixture_run(f, "diff $DIR/before $DIR/after", NULL);
	}
}

/* ---- two pairs under one id: on curves a private key does not tell which is its public half ---- */

static struct bytes generate(struct fixture *f, const uint8_t id[TOKEN_ID], const char *algorithm)
{
	struct bytes spki = { 0 };
	expect(do_generate(f, id, algorithm), ERR_OK);
	assert_int_equal(bytes_set(&spki, outcome.key.spki.data, outcome.key.spki.len), 0);
	return spki;
}

static void two_pairs(struct fixture *f, const uint8_t id[TOKEN_ID], const char *algorithm, struct bytes spki[2])
{
	char hex[2 * TOKEN_ID + 1], arguments[128];
	uint8_t other[TOKEN_ID];
	new_id(other);
	expect(do_login(f, PIN), ERR_OK);
	spki[0] = generate(f, id, algorithm);
	spki[1] = generate(f, other, algorithm);
	hex_encode(id, TOKEN_ID, hex);
	snprintf(arguments, sizeof arguments, "--set-id %s --type privkey", hex);
	tool(f, arguments, other);
	snprintf(arguments, sizeof arguments, "--set-id %s --type pubkey", hex);
	tool(f, arguments, other);
	fixture_restart(f, 0);
	expect(do_login(f, PIN), ERR_OK);
}

static void expect_pair(struct fixture *f, const uint8_t id[TOKEN_ID], const struct bytes *spki)
{
	assert_int_equal(count(f, "privkey", id), 1);
	assert_int_equal(count(f, "pubkey", id), 1);
	struct bytes cert = make_cert(spki, "Left", 3);
	expect(do_write(f, id, &cert), ERR_OK);
	expect(do_prove(f, id), ERR_OK);
	bytes_free(&cert);
}

/* Whichever the token shows first: the certificate's signs, goes with it, and leaves the other. */
static void test_two_pairs(void **state)
{
	static const char *const algorithms[] = { "ec:P-256", "rsa:2048" };
	struct fixture *f = *state;
	for (int i = 0; i < 4; i++) {
		uint8_t id[TOKEN_ID];
		struct bytes spki[2];
		new_id(id);
		two_pairs(f, id, algorithms[i / 2], spki);
		struct bytes cert = make_cert(&spki[i % 2], "Old", 1);
		expect(do_write(f, id, &cert), ERR_OK);
		expect(do_sign(f, &cert, "challenge"), ERR_OK);
		expect(do_cms(f, &cert, "statement"), ERR_OK);
		expect(do_remove(f, &cert), ERR_OK);
		expect_pair(f, id, &spki[1 - i % 2]);
		bytes_free(&cert);
		bytes_free(&spki[0]);
		bytes_free(&spki[1]);
	}
}

/* Under an order's own id only one may stay: the one with the certificate, where there is one. */
static void test_two_of_ours(void **state)
{
	struct fixture *f = *state;
	for (int i = 0; i < 3; i++) {
		uint8_t id[TOKEN_ID];
		struct bytes spki[2];
		new_id(id);
		two_pairs(f, id, "ec:P-256", spki);
		if (i < 2) {
			struct bytes cert = make_cert(&spki[i], "New", 2);
			expect(do_write(f, id, &cert), ERR_OK);
			bytes_free(&cert);
		}
		struct bytes left = generate(f, id, "ec:P-256");
		assert_true(outcome.key.adopted);
		if (i < 2)
			assert_memory_equal(left.data, spki[i].data, left.len);
		expect_pair(f, id, &left);
		bytes_free(&left);
		bytes_free(&spki[0]);
		bytes_free(&spki[1]);
	}
}

static void test_noise(void **state)
{
	struct fixture *f = *state;
	fixture_knob(f, "noisy", "");
	expect(do_list(f), ERR_OK);
	fixture_run(f, "grep -q 'VENDOR ERROR' $DIR/log", NULL); /* there, and on no terminal */
	fixture_knob(f, "plan", "C_GetTokenInfo * sigpipe\n");
	expect(do_list(f), ERR_OK);
	assert_int_equal(outcome.list.count, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(test_read_first), TEST(test_strict), TEST(test_no_serial), TEST(test_written_once), TEST(test_mechanisms), TEST(test_always_auth), TEST(test_no_ec),
		TEST(test_bytes), TEST(test_template), TEST(test_bare_point), TEST(test_pin_len), TEST(test_another_key), TEST(test_start), TEST(test_slow),
		TEST(test_lies), TEST(test_torn), TEST(test_half_certificate), TEST(test_two_pairs), TEST(test_two_of_ours),
		TEST(test_noise),
#undef TEST
	};
	return cmocka_run_group_tests_name("traps", tests, NULL, NULL);
}
