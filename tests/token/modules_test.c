/* A renewal on other modules than SoftHSM: p11-kit's two proxies, which give every caller an instance of its own, and NSS.
 * Behind p11-kit is the fault module, so that the key can be pulled and the daemon die.
 */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LIBRARIES "/usr/lib/x86_64-linux-gnu/"

static const uint8_t old_id[TOKEN_ID] = { 0x3d, 1 };
static struct bytes old;

static void no_crash(const struct fixture *f)
{
	assert_int_equal(atoi(fixture_run(f, "grep -c 'helper ended by' $DIR/log || true", NULL)), 0);
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	token_free(&f->token);
	no_crash(f);
	fixture_run(f, "test ! -e $DIR/server.pid || kill -9 -$(cat $DIR/server.pid) || true", NULL);
	unsetenv("XDG_CONFIG_HOME");
	unsetenv("P11_KIT_SERVER_ADDRESS");
	bytes_free(&old);
	fixture_close(f);
	return 0;
}

static int count(const struct fixture *f, const char *type)
{
	char command[300];
	snprintf(command, sizeof command, "pkcs11-tool --module /usr/lib/softhsm/libsofthsm2.so --login --pin " PIN " --list-objects --type %s"
		" | grep -c '^[A-Z].*Object;' || true", type);
	return atoi(fixture_run(f, command, NULL));
}

/* Begins with a key of the one kind, ends with one of the other, and nothing else on the token. */
static void renew_and_tidy(struct fixture *f, const char *from, const char *to)
{
	uint8_t id[TOKEN_ID];
	new_id(id);
	old = do_install(f, old_id, from);
	do_renewal(f, &old, id, to);
	expect(do_remove(f, &old), ERR_OK);
	expect(do_prove(f, id), ERR_OK);
	expect(do_find(f, id), ERR_OK);
	bytes_free(&old);
	assert_int_equal(bytes_set(&old, outcome.key.cert.data, outcome.key.cert.len), 0);
	expect(do_certs(f), ERR_OK);
	assert_int_equal(outcome.certs.count, 1);
	assert_true(outcome.certs.certs[0].has_public_key);
}

static void expect_one_each(const struct fixture *f)
{
	assert_int_equal(count(f, "privkey"), 1);
	assert_int_equal(count(f, "pubkey"), 1);
	assert_int_equal(count(f, "cert"), 1);
}

static void pull_and_put_back(struct fixture *f)
{
	expect(do_login(f, PIN), ERR_OK);
	fixture_knob(f, "plan", "C_Sign * remove\n");
	expect(do_sign(f, &old, "challenge"), ERR_TOKEN_REMOVED);
	expect(do_list(f), ERR_OK);
	assert_int_equal(outcome.list.count, 0);
	fixture_knob(f, "removed", NULL);
	expect(do_sign(f, &old, "challenge"), ERR_PIN_NEEDED);
	expect(do_list(f), ERR_OK);
	assert_int_equal(outcome.list.count, 1);
	expect(do_login(f, PIN), ERR_OK);
	expect(do_sign(f, &old, "challenge"), ERR_OK);
}

/* ---- p11-kit-proxy.so: several instances in this process ---- */

/* p11-kit reads no person's configuration when root asks: then the helper is somebody else's. */
static void become_somebody(struct fixture *f)
{
	static char helper[128];
	char command[600];
	fixture_knob(f, "helper", "#!/bin/sh\nexec setpriv --reuid=65534 --clear-groups \"$DIR/program\" \"$@\"\n");
	snprintf(command, sizeof command, "cp %s $DIR/program && chmod 0755 $DIR/program $DIR/helper && chown -R 65534 $DIR",
		fixture_built("certhall-token"));
	fixture_run(f, command, NULL);
	snprintf(helper, sizeof helper, "%s/helper", f->dir);
	f->helper = helper;
}

static int setup_proxy(void **state)
{
	static struct fixture f;
	char folder[128];
	fixture_open(&f, true, 0);
	*state = &f;
	fixture_run(&f, "mkdir -p $DIR/config/pkcs11/modules && cp $FAULT_MODULE $DIR/fault.so && chmod 0755 $DIR/fault.so"
		" && echo 'user-config: only' >$DIR/config/pkcs11/pkcs11.conf"
		" && echo \"module: $DIR/fault.so\" >$DIR/config/pkcs11/modules/fault.module", NULL);
	snprintf(folder, sizeof folder, "%s/config", f.dir);
	setenv("XDG_CONFIG_HOME", folder, 1);
	if (getuid() == 0)
		become_somebody(&f);
	fixture_use(&f, LIBRARIES "p11-kit-proxy.so", NULL, LABEL);
	return 0;
}

static void test_proxy(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(outcome.list.count, 1); /* through our configuration, no one else's */
	renew_and_tidy(f, "rsa:2048", "ec:P-256");
	expect_one_each(f);
	pull_and_put_back(f);
}

static void test_proxy_rsa(void **state)
{
	struct fixture *f = *state;
	renew_and_tidy(f, "ec:P-256", "rsa:2048");
	expect_one_each(f);
}

/* ---- p11-kit-client.so: every instance has a server's process of its own, and a login of its own ---- */

static void start_server(struct fixture *f)
{
	fixture_run(f, "rm -f $DIR/server; setsid p11-kit server -f -n $DIR/server -p $FAULT_MODULE pkcs11: >$DIR/server.log 2>&1 & "
		"echo $! >$DIR/server.pid; for i in $(seq 200); do test -S $DIR/server && exit 0; sleep 0.05; done; exit 1", NULL);
}

static int setup_client(void **state)
{
	static struct fixture f;
	char address[128];
	fixture_open(&f, true, 0);
	*state = &f;
	start_server(&f);
	snprintf(address, sizeof address, "unix:path=%s/server", f.dir);
	setenv("P11_KIT_SERVER_ADDRESS", address, 1);
	fixture_use(&f, LIBRARIES "pkcs11/p11-kit-client.so", NULL, LABEL);
	return 0;
}

static void test_client(void **state)
{
	struct fixture *f = *state;
	renew_and_tidy(f, "rsa:2048", "ec:P-256");
	expect_one_each(f);
	pull_and_put_back(f);
}

/* The process behind one instance dies in the middle of a signature, then the server with all of them. */
static void test_client_killed(void **state)
{
	struct fixture *f = *state;
	old = do_install(f, old_id, "ec:P-256");
	fixture_knob(f, "plan", "C_Sign * exit\n");
	expect(do_sign(f, &old, "challenge"), ERR_TOKEN_REMOVED);
	expect(do_sign(f, &old, "challenge"), ERR_TOKEN_ABSENT);
	expect(do_list(f), ERR_OK); /* it was loaded again */
	assert_int_equal(outcome.list.count, 1);
	expect(do_login(f, PIN), ERR_OK);
	expect(do_sign(f, &old, "challenge"), ERR_OK);

	fixture_run(f, "kill -9 -$(cat $DIR/server.pid)", NULL);
	expect(do_sign(f, &old, "challenge"), ERR_TOKEN_REMOVED);
	if (do_list(f) != ERR_TOKEN_MODULE) /* so when the server is just dying */
		expect((int)outcome.err.code, ERR_OK);
	assert_int_equal(outcome.list.count, 0);
	expect(do_certs(f), ERR_TOKEN_ABSENT); /* without a server it starts all the same, and has no slots until it starts again */
	start_server(f);
	expect(do_list(f), ERR_OK);
	assert_int_equal(outcome.list.count, 0);
	token_close(f->token); /* as a look at the key does when none was there */
	expect(do_list(f), ERR_OK);
	assert_int_equal(outcome.list.count, 1);
	expect(do_login(f, PIN), ERR_OK);
	expect(do_sign(f, &old, "challenge"), ERR_OK);
}

/* ---- NSS: wants arguments to start, each attribute of a certificate, and issuer and serial number only once ---- */

static int setup_nss(void **state)
{
	static struct fixture f;
	static char args[200];
	fixture_open(&f, true, 0);
	*state = &f;
	fixture_run(&f, "mkdir $DIR/nss && printf " PIN " >$DIR/nss/pin && certutil -N -d sql:$DIR/nss -f $DIR/nss/pin", NULL);
	snprintf(args, sizeof args, "configdir='sql:%s/nss' certPrefix='' keyPrefix='' secmod='' flags=", f.dir);
	fixture_use(&f, LIBRARIES "libsoftokn3.so", args, "NSS Certificate DB");
	return 0;
}

static int nss(struct fixture *f, const char *what)
{
	char command[300];
	snprintf(command, sizeof command, "certutil %s -d sql:$DIR/nss -f $DIR/nss/pin | tee $DIR/nss.out | grep -cE '^<|u,u,u'", what);
	return atoi(fixture_run(f, command, NULL));
}

static void test_nss(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(outcome.list.count, 1); /* not the slot with NSS's own services */
	renew_and_tidy(f, "rsa:2048", "ec:P-256");
	assert_int_equal(nss(f, "-K"), 1);
	assert_int_equal(nss(f, "-L"), 1);
	fixture_run(f, "grep -q AZT000000NEXT $DIR/nss.out", NULL);
	expect(do_logout(f), ERR_OK);
	expect(do_sign(f, &old, "challenge"), ERR_PIN_NEEDED);
	expect(do_login(f, "000000"), ERR_PIN_INCORRECT);
	expect(do_login(f, PIN), ERR_OK);
}

static void test_nss_rsa(void **state)
{
	renew_and_tidy(*state, "ec:P-256", "rsa:2048");
}

/* The same certificate under another id, put there by another program: refused, and nothing is lost. */
static void test_nss_twice(void **state)
{
	struct fixture *f = *state;
	uint8_t id[TOKEN_ID];
	new_id(id);
	old = do_install(f, old_id, "ec:P-256");
	expect(do_write(f, old_id, &old), ERR_OK);
	expect(do_write(f, id, &old), ERR_TOKEN_DEVICE);
	expect(do_certs(f), ERR_OK);
	assert_int_equal(outcome.certs.count, 1);
	expect(do_sign(f, &old, "challenge"), ERR_OK);
}

static void test_nss_no_args(void **state)
{
	struct fixture *f = *state;
	f->args = NULL;
	fixture_restart(f, 0);
	expect(do_list(f), ERR_TOKEN_MODULE);
	assert_string_equal(outcome.err.param, "it does not start");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_proxy, setup_proxy, teardown),
		cmocka_unit_test_setup_teardown(test_proxy_rsa, setup_proxy, teardown),
		cmocka_unit_test_setup_teardown(test_client, setup_client, teardown),
		cmocka_unit_test_setup_teardown(test_client_killed, setup_client, teardown),
		cmocka_unit_test_setup_teardown(test_nss, setup_nss, teardown),
		cmocka_unit_test_setup_teardown(test_nss_rsa, setup_nss, teardown),
		cmocka_unit_test_setup_teardown(test_nss_twice, setup_nss, teardown),
		cmocka_unit_test_setup_teardown(test_nss_no_args, setup_nss, teardown),
	};
	return cmocka_run_group_tests_name("modules", tests, NULL, NULL);
}
