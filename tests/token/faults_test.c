/* The helper crashes, hangs, talks nonsense or is not there; the module is not one; the key comes and goes. */
#include "fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <certhall/clock.h>

static const uint8_t id[TOKEN_ID] = { 0xfa, 1 };
static struct bytes cert;

static int setup(void **state)
{
	static struct fixture f;
	fixture_open(&f, true, 0);
	expect(do_login(&f, PIN), ERR_OK);
	expect(do_generate(&f, id, "ec:P-256"), ERR_OK);
	cert = make_cert(&outcome.key.spki, "Fault", 1);
	expect(do_write(&f, id, &cert), ERR_OK);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	bytes_free(&cert);
	fixture_close(*state);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child is left, not even a dead one */
	assert_int_equal(errno, ECHILD);
	return 0;
}

enum { LIST, CERTS, LOGIN, SIGN, CMS, FIND, GENERATE, CSR, WRITE, PROVE, REMOVE, OPERATIONS };

static const char *const calls[OPERATIONS] = {
	[LIST] = "C_GetSlotInfo",
	[CERTS] = "C_FindObjects",
	[LOGIN] = "C_Login",
	[SIGN] = "C_Sign",
	[CMS] = "C_Sign",
	[FIND] = "C_GetAttributeValue",
	[GENERATE] = "C_GenerateKeyPair",
	[CSR] = "C_SignInit",
	[WRITE] = "C_CreateObject",
	[PROVE] = "C_Sign",
	[REMOVE] = "C_DestroyObject",
};

static int run(struct fixture *f, int operation)
{
	const uint8_t other[TOKEN_ID] = { 0xfa, 2 };
	switch (operation) {
	case LIST:
		return do_list(f);
	case CERTS:
		return do_certs(f);
	case LOGIN:
		return do_login(f, PIN);
	case SIGN:
		return do_sign(f, &cert, "challenge");
	case CMS:
		return do_cms(f, &cert, "statement");
	case FIND:
		return do_find(f, id);
	case GENERATE:
		return do_generate(f, other, "ec:P-256");
	case CSR:
		return do_csr(f, id, &cert);
	case WRITE:
		return do_write(f, other, &cert);
	case PROVE:
		return do_prove(f, id);
	default:
		return do_remove(f, &cert);
	}
}

static void inject(struct fixture *f, int operation, const char *action)
{
	char plan[128];
	snprintf(plan, sizeof plan, "%s * %s\n", calls[operation], action);
	fixture_knob(f, "plan", plan);
}

static void test_crash(void **state)
{
	struct fixture *f = *state;
	for (int i = 0; i < OPERATIONS; i++) {
		expect(do_login(f, PIN), ERR_OK);
		inject(f, i, "exit");
		expect(run(f, i), ERR_TOKEN_HELPER);
		expect(do_list(f), ERR_OK); /* another helper */
		expect(do_sign(f, &cert, "challenge"), ERR_PIN_NEEDED);
	}
}

static void test_hang(void **state)
{
	static const int operations[] = { LIST, LOGIN, SIGN, GENERATE, WRITE };
	struct fixture *f = *state;
	fixture_restart(f, 1500);
	for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
		expect(do_login(f, PIN), ERR_OK);
		inject(f, operations[i], "sleep 100");
		expect(run(f, operations[i]), ERR_TOKEN_TIMEOUT);
		expect(do_list(f), ERR_OK);
	}
}

/* Pulled out in the middle: said so, and when it is back the PIN is needed again. */
static void test_removed(void **state)
{
	static const int operations[] = { CERTS, SIGN, CMS, FIND, GENERATE, CSR, WRITE, PROVE, REMOVE };
	struct fixture *f = *state;
	for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
		expect(do_login(f, PIN), ERR_OK);
		inject(f, operations[i], "remove");
		expect(run(f, operations[i]), ERR_TOKEN_REMOVED);
		expect(do_list(f), ERR_OK);
		assert_int_equal(outcome.list.count, 0);
		expect(do_certs(f), ERR_TOKEN_ABSENT);
		expect(do_login(f, PIN), ERR_TOKEN_ABSENT);
		fixture_knob(f, "removed", NULL);
		expect(do_sign(f, &cert, "challenge"), ERR_PIN_NEEDED);
	}
	/* out and in again between two requests */
	expect(do_login(f, PIN), ERR_OK);
	fixture_knob(f, "removed", "");
	expect(do_list(f), ERR_OK);
	fixture_knob(f, "removed", NULL);
	expect(do_sign(f, &cert, "challenge"), ERR_PIN_NEEDED);
	expect(do_certs(f), ERR_OK);
	assert_int_equal(outcome.certs.count, 1);
	expect(do_login(f, PIN), ERR_OK);
	expect(do_sign(f, &cert, "challenge"), ERR_OK);
}

/* libp11 would wait for ever for a session that it cannot have. */
static void test_one_session(void **state)
{
	struct fixture *f = *state;
	fixture_knob(f, "sessions_max", "1");
	expect(do_login(f, PIN), ERR_TOKEN_BUSY);
	expect(do_certs(f), ERR_OK);
	fixture_knob(f, "sessions_max", "2");
	expect(do_login(f, PIN), ERR_OK);
	expect(do_sign(f, &cert, "challenge"), ERR_OK);
}

static void test_full(void **state)
{
	struct fixture *f = *state;
	fixture_knob(f, "plan", "C_CreateObject * rv 0x31\n");
	expect(run(f, WRITE), ERR_TOKEN_FULL);
	fixture_knob(f, "plan", "C_GenerateKeyPair * rv 0x70\n");
	expect(run(f, GENERATE), ERR_TOKEN_MECHANISM);
	assert_string_equal(outcome.err.param, "ec:P-256");
}

/* the queue */

static void on_stop(void *ctx)
{
	loop_stop(ctx, 0);
}

static void turn(struct fixture *f, int64_t ms)
{
	struct loop_timer *timer = NULL;
	assert_int_equal(loop_timer_start(f->loop, &timer, ms, on_stop, f->loop), 0);
	loop_run(f->loop);
}

static void wait_for_call(struct fixture *f, const char *function)
{
	char command[128];
	int status;
	snprintf(command, sizeof command, "grep -q '%s' $DIR/plan", function);
	status = 0;
	for (int i = 0; i < 500 && status == 0; i++) { /* the line is taken out when its call has begun */
		turn(f, 10);
		fixture_run(f, command, &status);
	}
	assert_int_equal(status, 1);
}

static void test_cancel(void **state)
{
	struct fixture *f = *state;
	inject(f, SIGN, "sleep 100");
	token_sign(f->token, f->slot, &cert, "x", 1, on_bytes, NULL);
	token_list(f->token, on_list, NULL);
	wait_for_call(f, "C_Sign");
	int before = outcome.done;
	token_cancel(f->token);
	assert_int_equal(outcome.done, before); /* told from the loop, not from inside */
	turn(f, 0);
	turn(f, 0);
	assert_int_equal(outcome.done, before + 2);
	expect((int)outcome.err.code, ERR_CANCELLED);
	expect(do_list(f), ERR_OK);
}

/* A write ends as it ends; what waits behind it does not begin. */
static void test_cancel_while_writing(void **state)
{
	struct fixture *f = *state;
	const uint8_t other[TOKEN_ID] = { 0xfa, 3 };
	inject(f, GENERATE, "sleep 1");
	token_generate_key(f->token, f->slot, other, "L", "ec:P-256", on_key, NULL);
	token_list(f->token, on_list, NULL);
	wait_for_call(f, "C_GenerateKeyPair");
	int before = outcome.done;
	token_cancel(f->token);
	wait_done(f);
	assert_int_equal(outcome.done, before + 1);
	expect((int)outcome.err.code, ERR_CANCELLED); /* the list */
	wait_done(f);
	expect((int)outcome.err.code, ERR_OK);
	assert_true(outcome.key.present);
	expect(do_sign(f, &cert, "x"), ERR_OK); /* the same helper, still logged in */
}

static void test_freed_under_way(void **state)
{
	struct fixture *f = *state;
	inject(f, SIGN, "sleep 100");
	token_sign(f->token, f->slot, &cert, "x", 1, on_bytes, NULL);
	token_list(f->token, on_list, NULL);
	wait_for_call(f, "C_Sign");
	int before = outcome.done;
	token_free(&f->token);
	turn(f, 0);
	assert_int_equal(outcome.done, before);
}

static void free_in_done(void *ctx, const struct error *err, const struct token_list *list)
{
	struct fixture *f = ctx;
	(void)list;
	token_free(&f->token);
	on_done(NULL, err);
}

static void test_freed_in_done(void **state)
{
	struct fixture *f = *state;
	token_list(f->token, free_in_done, f);
	token_list(f->token, on_list, NULL);
	wait_done(f);
	int before = outcome.done;
	turn(f, 0);
	assert_int_equal(outcome.done, before);
}

static void on_changed(void *ctx)
{
	int *count = ctx;
	++*count;
	on_done(NULL, NULL);
}

static void test_watch(void **state)
{
	struct fixture *f = *state;
	int changes = 0;
	token_watch(f->token, on_changed, &changes);
	expect(do_list(f), ERR_OK);
	fixture_knob(f, "removed", "");
	wait_done(f);
	assert_int_equal(changes, 1);
	fixture_knob(f, "removed", NULL);
	wait_done(f);
	assert_int_equal(changes, 2);
	/* a helper that dies while it watches says so too, once; the next one watches again */
	fixture_knob(f, "plan", "C_GetSlotInfo * exit\n");
	wait_done(f);
	assert_int_equal(changes, 3);
	expect(do_list(f), ERR_OK);
	fixture_knob(f, "removed", "");
	wait_done(f);
	assert_int_equal(changes, 4);
	token_watch(f->token, NULL, NULL);
	expect(do_list(f), ERR_OK);
	fixture_knob(f, "removed", NULL);
	turn(f, 1500);
	assert_int_equal(changes, 4);
}

/* modules and helpers that are none */

static int list_with(struct fixture *f, const char *module, const char *helper)
{
	struct token_options options = { .module = module, .helper = helper };
	char path[512];
	const char *top = getenv("top_builddir");
	snprintf(path, sizeof path, "%s/certhall-token", top != NULL ? top : ".");
	if (helper == NULL)
		options.helper = path;
	token_free(&f->token);
	assert_int_equal(token_new(f->loop, &options, &f->token), 0);
	return do_list(f);
}

static void test_modules(void **state)
{
	struct fixture *f = *state;
	char path[128], link[128];
	expect(list_with(f, NULL, NULL), ERR_TOKEN_NO_MODULE);
	expect(list_with(f, "", NULL), ERR_TOKEN_NO_MODULE);
	expect(list_with(f, "/nonexistent/pkcs11.so", NULL), ERR_TOKEN_NO_MODULE);
	expect(list_with(f, "softhsm/libsofthsm2.so", NULL), ERR_TOKEN_MODULE);
	expect(list_with(f, "/tmp", NULL), ERR_TOKEN_MODULE);
	expect(list_with(f, "/etc/hostname", NULL), ERR_TOKEN_MODULE);
	expect(list_with(f, "/lib/x86_64-linux-gnu/libm.so.6", NULL), ERR_TOKEN_MODULE);
	assert_string_equal(outcome.err.param, "it is no PKCS#11 module");
	snprintf(path, sizeof path, "%s/module.so", f->dir);
	fixture_run(f, "cp /usr/lib/softhsm/libsofthsm2.so $DIR/module.so && ln -s module.so $DIR/link.so", NULL);
	snprintf(link, sizeof link, "%s/link.so", f->dir);
	expect(list_with(f, link, NULL), ERR_OK);
	assert_string_equal(outcome.list.module.path, path);
	assert_int_equal(chmod(path, 0664), 0);
	expect(list_with(f, link, NULL), ERR_TOKEN_MODULE);
	assert_string_equal(outcome.err.param, "other users may change it");
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(chmod(f->dir, 0777), 0);
	expect(list_with(f, path, NULL), ERR_TOKEN_MODULE);
	assert_int_equal(chmod(f->dir, 0700), 0);
	if (getuid() == 0) {
		assert_int_equal(chown(path, 65534, 65534), 0);
		expect(list_with(f, path, NULL), ERR_TOKEN_MODULE);
		assert_string_equal(outcome.err.param, "it belongs to another user");
	}
}

static void test_helpers(void **state)
{
	static const char *const scripts[] = {
		"#!/bin/sh\nexit 0\n",
		"#!/bin/sh\nhead -c 4096 /dev/urandom >&3\n",
		"#!/bin/sh\nprintf '\\377\\377\\377\\377\\0\\0\\0\\0' >&3; exec sleep 100\n",
		"#!/bin/sh\nprintf '\\5\\0\\0\\0\\0\\0\\0\\0not{}' >&3; exec sleep 100\n",
		"#!/bin/sh\nprintf '\\2\\0\\0\\0\\0\\0\\0\\0{}{}' >&3; sleep 3\n", /* no list in it; and its child keeps the socket */
	};
	struct fixture *f = *state;
	char path[128];
	expect(list_with(f, f->module, "/nonexistent/helper"), ERR_TOKEN_HELPER);
	snprintf(path, sizeof path, "%s/helper", f->dir);
	for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
		fixture_knob(f, "helper", scripts[i]);
		assert_int_equal(chmod(path, 0700), 0);
		expect(list_with(f, f->module, path), ERR_TOKEN_HELPER);
	}
}

static void test_set_module(void **state)
{
	struct fixture *f = *state;
	expect(list_with(f, "/etc/hostname", NULL), ERR_TOKEN_MODULE);
	assert_int_equal(token_set_module(f->token, "/usr/lib/softhsm/libsofthsm2.so", NULL), 0);
	expect(do_list(f), ERR_OK);
	assert_int_equal(outcome.list.count, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_crash, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hang, setup, teardown),
		cmocka_unit_test_setup_teardown(test_removed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_one_session, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cancel, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cancel_while_writing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_freed_under_way, setup, teardown),
		cmocka_unit_test_setup_teardown(test_freed_in_done, setup, teardown),
		cmocka_unit_test_setup_teardown(test_watch, setup, teardown),
		cmocka_unit_test_setup_teardown(test_modules, setup, teardown),
		cmocka_unit_test_setup_teardown(test_helpers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_set_module, setup, teardown),
	};
	return cmocka_run_group_tests_name("faults", tests, NULL, NULL);
}
