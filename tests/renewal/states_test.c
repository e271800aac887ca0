/* The table of states, with a hall and a key that only note what they are asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "renewal/workflow.h"

/* ---- the doors ---- */

static int asked; /* requests since it was set to 0 */
static bool logged_out;

#define HALL_STUB(name, ...) \
	struct hall_call *name(__VA_ARGS__) \
	{ \
		asked++; \
		return (struct hall_call *)&asked; \
	}
#define UNUSED __attribute__((unused))
HALL_STUB(hall_challenge, UNUSED struct hall *h, UNUSED const char *p, UNUSED hall_fn *d, UNUSED void *c)
HALL_STUB(hall_login, UNUSED struct hall *h, UNUSED const struct session_request *r, UNUSED hall_fn *d, UNUSED void *c)
HALL_STUB(hall_submit_order, UNUSED struct hall *h, UNUSED const struct order_request *r, UNUSED hall_fn *d, UNUSED void *c)
HALL_STUB(hall_get_order, UNUSED struct hall *h, UNUSED const char *n, UNUSED hall_fn *d, UNUSED void *c)
HALL_STUB(hall_open_payment, UNUSED struct hall *h, UNUSED const char *n, UNUSED hall_fn *d, UNUSED void *c)
HALL_STUB(hall_ask_payment, UNUSED struct hall *h, UNUSED const char *n, UNUSED hall_fn *d, UNUSED void *c)
HALL_STUB(hall_cancel_order, UNUSED struct hall *h, UNUSED const char *n, UNUSED hall_fn *d, UNUSED void *c)
HALL_STUB(hall_request_cert, UNUSED struct hall *h, UNUSED const char *n, UNUSED const struct cert_request *r, UNUSED hall_fn *d, UNUSED void *c)
HALL_STUB(hall_report_installed, UNUSED struct hall *h, UNUSED const char *n, UNUSED const struct install_report *r, UNUSED hall_fn *d, UNUSED void *c)

static hall_fn *follower;
static void *follower_ctx;

struct hall_call *hall_follow_order(UNUSED struct hall *hall, UNUSED const char *number, UNUSED int64_t revision, hall_fn *done, void *ctx)
{
	follower = done;
	follower_ctx = ctx;
	return (struct hall_call *)&follower;
}

void hall_cancel(struct hall_call **call)
{
	if (*call == (struct hall_call *)&follower)
		follower = NULL;
	*call = NULL;
}

int64_t hall_now(UNUSED const struct hall *hall)
{
	return 1000;
}

bool hall_logged_in(UNUSED const struct hall *hall)
{
	return !logged_out;
}

void hall_logout(UNUSED struct hall *hall)
{
	logged_out = true;
}

void token_close(UNUSED struct token *token)
{
}

void token_forget(UNUSED struct token *token, UNUSED const void *ctx)
{
}

void token_cancel(UNUSED struct token *token)
{
}

void token_list(UNUSED struct token *t, UNUSED token_list_fn *d, UNUSED void *c)
{
	asked++;
}

void token_login(UNUSED struct token *t, UNUSED uint64_t s, struct secret *pin, UNUSED token_done_fn *d, UNUSED void *c)
{
	asked++;
	secret_free(pin);
}

void token_logout(UNUSED struct token *t, UNUSED uint64_t s, UNUSED token_done_fn *d, UNUSED void *c)
{
}

void token_sign(UNUSED struct token *t, UNUSED uint64_t s, UNUSED const struct bytes *cert, UNUSED const void *data, UNUSED size_t len,
	UNUSED token_bytes_fn *d, UNUSED void *c)
{
	asked++;
}

void token_sign_cms(UNUSED struct token *t, UNUSED uint64_t s, UNUSED const struct bytes *cert, UNUSED const void *data, UNUSED size_t len,
	UNUSED token_bytes_fn *d, UNUSED void *c)
{
	asked++;
}

void token_generate_key(UNUSED struct token *t, UNUSED uint64_t s, UNUSED const uint8_t id[TOKEN_ID], UNUSED const char *label,
	UNUSED const char *algorithm, UNUSED token_key_fn *d, UNUSED void *c)
{
	asked++;
}

void token_make_csr(UNUSED struct token *t, UNUSED uint64_t s, UNUSED const uint8_t id[TOKEN_ID], UNUSED const struct bytes *old, UNUSED token_bytes_fn *d,
	UNUSED void *c)
{
	asked++;
}

void token_write_cert(UNUSED struct token *t, UNUSED uint64_t s, UNUSED const uint8_t id[TOKEN_ID], UNUSED const char *label, UNUSED const struct bytes *cert,
	UNUSED token_bytes_fn *d, UNUSED void *c)
{
	asked++;
}

void token_prove(UNUSED struct token *t, UNUSED uint64_t s, UNUSED const uint8_t id[TOKEN_ID], UNUSED token_done_fn *d, UNUSED void *c)
{
	asked++;
}

void token_remove(UNUSED struct token *t, UNUSED uint64_t s, UNUSED const struct bytes *cert, UNUSED token_done_fn *d, UNUSED void *c)
{
	asked++;
}

void token_id_of_order(UNUSED const char *order, UNUSED const char *role, uint8_t id[TOKEN_ID])
{
	memset(id, 1, TOKEN_ID);
}

/* ---- one renewal in any state ---- */

static struct world world;

static void on_changed(UNUSED void *ctx)
{
}

static struct renewal *renewal_at(enum state state)
{
	struct keyed_cert cert = { .slot_label = "key", .slot_serial = "1" };
	struct renewal *r;
	assert_int_equal(bytes_set(&cert.der, "old", 3), 0);
	assert_int_equal(renewal_new(&world, &cert, on_changed, NULL, &r), 0);
	bytes_free(&cert.der);
	r->state = state;
	r->order = (struct order){ .number = "AZT112217NR3QT", .state = ORDER_PAYING, .algorithms = "ec:P-256", .items_count = 1, .remove_old = true };
	strcpy(r->slot.mechanisms, "ec:P-256");
	r->has_order = r->has_slot = true;
	logged_out = false;
	asked = 0;
	return r;
}

static bool waits(enum state state)
{
	return state_rows[state].request == NULL;
}

static bool installs(enum state state)
{
	return state_rows[state].phase == RENEWAL_INSTALLING;
}

static void fails_with(struct renewal *r, enum error_code code)
{
	struct error err;
	error_set(&err, code, NULL, "test");
	workflow_outcome(r, &err, NULL);
}

/* ---- tests ---- */

static void every_row_is_whole(UNUSED void **state)
{
	for (int i = 0; i < STATES; i++) {
		const struct state_row *row = &state_rows[i];
		assert_non_null(row->name);
		if (row->request == NULL)
			continue;
		assert_non_null(row->doing);
		assert_true(row->next < STATES && row->failed < STATES && row->again < STATES);
		assert_true(waits(row->failed));
		assert_false(waits(row->again));
		assert_true(row->step >= 0 ? installs((enum state)i) : !installs((enum state)i));
	}
}

/* Whatever fails wherever: it ends with a state that waits for the person and tells why, or asks for exactly one thing. */
static void every_error_leads_somewhere(UNUSED void **state)
{
	for (int at = 0; at < STATES; at++) {
		if (waits((enum state)at))
			continue;
		for (int code = ERR_UNEXPECTED; code < ERR_COUNT; code++) {
			struct renewal *r = renewal_at((enum state)at);
			fails_with(r, (enum error_code)code);
			if (waits(r->state)) {
				assert_int_equal(r->err.code, code);
				assert_int_equal(asked, 0);
			} else {
				assert_int_equal(asked, 1);
			}
			assert_int_not_equal(renewal_phase(r), waits(r->state) ? RENEWAL_WORKING : RENEWAL_DONE);
			renewal_free(&r);
		}
	}
}

/* A hall that refuses for ever is not asked for ever. */
static void no_error_goes_round_for_ever(UNUSED void **state)
{
	static const enum error_code codes[] = { ERR_SESSION_NEEDED, ERR_CHALLENGE_INVALID };
	for (size_t i = 0; i < 2; i++) {
		for (int at = 0; at < STATES; at++) {
			if (waits((enum state)at))
				continue;
			struct renewal *r = renewal_at((enum state)at);
			int turns = 0;
			/* All that leads back to the refused request succeeds. */
			while (!waits(r->state) && turns++ < 100) {
				static const struct challenge challenge = { .nonce = "n", .audience = "a" };
				static const struct session session = { 0 };
				struct bytes signature = { .data = (uint8_t *)"s", .len = 1 };
				if (r->state == (enum state)at)
					fails_with(r, codes[i]);
				else
					workflow_outcome(r, NULL, r->state == LOGIN_CHALLENGE || r->state == INSTALL_ASK_NONCE || r->state == INSTALL_TELL_NONCE ? (const void *)&challenge
						: r->state == LOGIN_SESSION ? (const void *)&session : &signature);
			}
			assert_true(turns < 100);
			renewal_free(&r);
		}
	}
}

static void wrong_pin_stays_where_it_was_asked(UNUSED void **state)
{
	struct renewal *r = renewal_at(LOGIN_PIN);
	fails_with(r, ERR_PIN_INCORRECT);
	assert_int_equal(renewal_phase(r), RENEWAL_NEED_PIN);
	assert_int_equal(renewal_error(r)->code, ERR_PIN_INCORRECT);
	renewal_free(&r);
	r = renewal_at(INSTALL_PIN);
	fails_with(r, ERR_PIN_FINAL);
	assert_int_equal(renewal_phase(r), RENEWAL_NEED_INSTALL);
	assert_int_equal(renewal_step(r, STEP_PIN), STEP_TODO);
	renewal_free(&r);
}

static void install_names_the_step_that_failed(UNUSED void **state)
{
	for (int at = INSTALL_KEY; at < INSTALL_OLD; at++) {
		struct order order = { .number = "AZT112217NR3QT", .state = ORDER_PAID, .items_count = 1, .algorithms = "ec:P-256" };
		struct renewal *r = renewal_at((enum state)at);
		r->steps[state_rows[at].step] = STEP_NOW;
		fails_with(r, ERR_TOKEN_REMOVED);
		assert_int_equal(renewal_phase(r), RENEWAL_INSTALL_FAILED);
		assert_int_equal(renewal_step(r, (enum install_step)state_rows[at].step), STEP_FAILED);
		assert_int_equal(renewal_error(r)->code, ERR_TOKEN_REMOVED);
		renewal_recover(r);
		assert_int_equal(r->state, ORDER_FETCH);
		workflow_outcome(r, NULL, &order);
		assert_int_equal(renewal_phase(r), RENEWAL_NEED_INSTALL);
		for (int step = 0; step < INSTALL_STEPS; step++)
			assert_int_equal(renewal_step(r, (enum install_step)step), STEP_TODO); /* nothing that is over is shown as it was */
		renewal_free(&r);
	}
}

static void refusals_are_refused_before_and_failed_while_installing(UNUSED void **state)
{
	struct renewal *r = renewal_at(LOGIN_SESSION);
	fails_with(r, ERR_RENEWAL_TOO_EARLY);
	assert_int_equal(renewal_phase(r), RENEWAL_REFUSED);
	renewal_free(&r);
	r = renewal_at(INSTALL_ISSUE);
	fails_with(r, ERR_CERT_REVOKED);
	assert_int_equal(renewal_phase(r), RENEWAL_INSTALL_FAILED);
	renewal_free(&r);
}

/* The hall was told, and only its answer was lost: the old certificate is replaced, so logging in with it is refused. */
static void superseded_after_the_proof_is_success(UNUSED void **state)
{
	struct renewal *r = renewal_at(LOGIN_SESSION);
	r->proved = true;
	r->resume = INSTALL_TELL_NONCE;
	fails_with(r, ERR_CERT_SUPERSEDED);
	assert_int_equal(r->state, INSTALL_OLD);
	renewal_free(&r);
}

static void old_certificate_goes_only_when_the_new_one_was_seen(UNUSED void **state)
{
	struct renewal *r = renewal_at(INSTALL_ORDER);
	struct order order = { .number = "AZT112217NR3QT", .state = ORDER_INSTALLED, .items_count = 1, .remove_old = true };
	workflow_outcome(r, NULL, &order);
	assert_int_equal(r->state, DONE);
	assert_int_equal(asked, 0);
	renewal_free(&r);
	r = renewal_at(INSTALL_OLD);
	fails_with(r, ERR_TOKEN_DEVICE);
	assert_int_equal(renewal_phase(r), RENEWAL_DONE);
	renewal_free(&r);
}

static void session_that_ended_is_renewed_in_silence(UNUSED void **state)
{
	struct renewal *r = renewal_at(INSTALL_TELL);
	static const struct challenge challenge = { .nonce = "n", .audience = "a" };
	struct bytes signature = { .data = (uint8_t *)"s", .len = 1 };
	struct session session = { .has_order = true, .order = { .number = "AZT112217NR3QT", .state = ORDER_ISSUED, .items_count = 1 } };
	fails_with(r, ERR_SESSION_NEEDED);
	assert_int_equal(r->state, LOGIN_CHALLENGE);
	assert_int_equal(renewal_phase(r), RENEWAL_INSTALLING);
	workflow_outcome(r, NULL, &challenge);
	workflow_outcome(r, NULL, &signature);
	workflow_outcome(r, NULL, &session);
	assert_int_equal(r->state, INSTALL_TELL_NONCE);
	renewal_free(&r);
	r = renewal_at(ORDER_ASK);
	fails_with(r, ERR_SESSION_NEEDED);
	workflow_outcome(r, NULL, &challenge);
	fails_with(r, ERR_PIN_NEEDED); /* the key was pulled out in the meantime */
	assert_int_equal(renewal_phase(r), RENEWAL_NEED_PIN);
	renewal_free(&r);
}

static void follow(const struct error *err, int order_state)
{
	struct order order = { .number = "AZT112217NR3QT", .state = order_state, .revision = 9, .items_count = 1 };
	assert_non_null(follower);
	follower(follower_ctx, err, err == NULL ? &order : NULL);
}

static void payment_is_noticed_wherever_the_person_is(UNUSED void **state)
{
	static const enum state places[] = { WAIT_PAYMENT, WAIT_DETAILS, ORDER_SUBMIT, ORDER_OPEN, ORDER_ASK, ORDER_CANCEL };
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		struct renewal *r = renewal_at(WAIT_PAYMENT);
		workflow_enter(r, WAIT_PAYMENT);
		workflow_enter(r, places[i]);
		follow(NULL, ORDER_PAID);
		assert_int_equal(renewal_phase(r), RENEWAL_NEED_INSTALL);
		assert_null(follower);
		renewal_free(&r);
		r = renewal_at(WAIT_PAYMENT);
		workflow_enter(r, WAIT_PAYMENT);
		workflow_enter(r, places[i]);
		follow(NULL, ORDER_CANCELLED);
		assert_int_equal(renewal_phase(r), RENEWAL_REFUSED);
		assert_int_equal(renewal_error(r)->code, ERR_ORDER_CANCELLED);
		renewal_free(&r);
	}
}

static void stream_that_is_lost_is_said_and_an_ended_session_renewed(UNUSED void **state)
{
	struct renewal *r = renewal_at(WAIT_PAYMENT);
	struct error err = { .code = ERR_OK };
	workflow_enter(r, WAIT_PAYMENT);
	assert_false(renewal_followed(r));
	follow(&err, 0);
	assert_true(renewal_followed(r));
	err.code = ERR_NET_CONNECT;
	follow(&err, 0);
	assert_false(renewal_followed(r));
	assert_int_equal(renewal_phase(r), RENEWAL_NEED_PAYMENT);
	err.code = ERR_SESSION_NEEDED;
	follow(&err, 0);
	assert_int_equal(r->state, LOGIN_CHALLENGE);
	assert_int_equal(r->resume, WAIT_PAYMENT);
	renewal_free(&r);
}

static void where_an_order_leads(UNUSED void **state)
{
	static const struct {
		int order_state;
		enum renewal_phase phase;
	} rows[] = {
		{ ORDER_CREATED, RENEWAL_WORKING }, { ORDER_PAYING, RENEWAL_WORKING }, { ORDER_PAID, RENEWAL_NEED_INSTALL },
		{ ORDER_ISSUED, RENEWAL_NEED_INSTALL }, { ORDER_INSTALLED, RENEWAL_DONE }, { ORDER_CANCELLED, RENEWAL_REFUSED },
		{ ORDER_REFUNDING, RENEWAL_REFUSED }, { ORDER_REFUNDED, RENEWAL_REFUSED },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct renewal *r = renewal_at(LOGIN_SESSION);
		struct session session = { .has_order = true, .order = { .number = "AZT112217NR3QT", .state = rows[i].order_state, .items_count = 1 } };
		workflow_outcome(r, NULL, &session);
		assert_int_equal(renewal_phase(r), rows[i].phase);
		assert_int_equal(r->state == ORDER_OPEN, i < 2);
		renewal_free(&r);
	}
	struct renewal *r = renewal_at(LOGIN_SESSION);
	struct session none = { 0 };
	r->has_order = false;
	workflow_outcome(r, NULL, &none);
	assert_int_equal(renewal_phase(r), RENEWAL_NEED_DETAILS);
	renewal_free(&r);
}

static void algorithm_is_the_first_of_the_halls_that_the_key_makes(UNUSED void **state)
{
	struct renewal *r = renewal_at(INSTALL_ORDER);
	struct order order = { .number = "AZT112217NR3QT", .state = ORDER_PAID, .items_count = 1, .algorithms = "sm2,ec:P-25" };
	workflow_outcome(r, NULL, &order);
	assert_int_equal(renewal_phase(r), RENEWAL_INSTALL_FAILED);
	assert_int_equal(renewal_error(r)->code, ERR_TOKEN_MECHANISM);
	assert_int_equal(asked, 0);
	renewal_free(&r);
}

static void what_is_not_its_time_has_no_effect(UNUSED void **state)
{
	struct renewal *r = renewal_at(WAIT_PIN);
	struct secret pin = { 0 };
	struct applicant applicant = { 0 };
	renewal_submit(r, &applicant, true);
	renewal_ask_paid(r);
	renewal_fresh_code(r);
	renewal_cancel_order(r);
	renewal_edit_details(r);
	renewal_install(r, &pin);
	renewal_recover(r);
	renewal_abandon_work(r);
	workflow_outcome(r, NULL, NULL);
	assert_int_equal(r->state, WAIT_PIN);
	assert_int_equal(asked, 0);
	renewal_free(&r);
}

static int make_world(UNUSED void **state)
{
	static struct settings settings;
	world = (struct world){ .loop = loop_new(), .settings = &settings };
	return world.loop == NULL;
}

static int free_world(UNUSED void **state)
{
	loop_free(&world.loop);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_whole),
		cmocka_unit_test(every_error_leads_somewhere),
		cmocka_unit_test(no_error_goes_round_for_ever),
		cmocka_unit_test(wrong_pin_stays_where_it_was_asked),
		cmocka_unit_test(install_names_the_step_that_failed),
		cmocka_unit_test(refusals_are_refused_before_and_failed_while_installing),
		cmocka_unit_test(superseded_after_the_proof_is_success),
		cmocka_unit_test(old_certificate_goes_only_when_the_new_one_was_seen),
		cmocka_unit_test(session_that_ended_is_renewed_in_silence),
		cmocka_unit_test(payment_is_noticed_wherever_the_person_is),
		cmocka_unit_test(stream_that_is_lost_is_said_and_an_ended_session_renewed),
		cmocka_unit_test(where_an_order_leads),
		cmocka_unit_test(algorithm_is_the_first_of_the_halls_that_the_key_makes),
		cmocka_unit_test(what_is_not_its_time_has_no_effect),
	};
	return cmocka_run_group_tests_name("states", tests, make_world, free_world);
}
