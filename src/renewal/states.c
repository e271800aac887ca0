#include "renewal/workflow.h"

#include <stdio.h>
#include <string.h>

#include <certhall/i18n.h>

/* ---- the ends of requests ---- */

static void on_hall(void *ctx, const struct error *err, const void *result)
{
	((struct renewal *)ctx)->call = NULL;
	workflow_outcome(ctx, err, result);
}

static void on_list(void *ctx, const struct error *err, const struct token_list *list)
{
	workflow_outcome(ctx, err, list);
}

static void on_done(void *ctx, const struct error *err)
{
	workflow_outcome(ctx, err, NULL);
}

static void on_bytes(void *ctx, const struct error *err, const struct bytes *result)
{
	workflow_outcome(ctx, err, result);
}

static void failed_here(struct renewal *r, enum error_code code, const char *param, const char *detail)
{
	struct error err;
	error_set(&err, code, param, "%s", detail);
	workflow_outcome(r, &err, NULL);
}

/* A call that could not even be made. */
static void sent(struct renewal *r, struct hall_call *call)
{
	r->call = call;
	if (call == NULL)
		failed_here(r, ERR_NO_MEMORY, NULL, state_rows[r->state].name);
}

static const struct order_item *item_of(const struct renewal *r)
{
	return &r->order.items[0];
}

/* ---- the key is there, and open ---- */

static void ask_slots(struct renewal *r)
{
	token_list(r->world->token, on_list, r);
}

/* The same key as before, wherever it is plugged in now. */
static enum state took_slots(struct renewal *r, const void *result, struct error *err)
{
	const struct token_list *list = result;
	for (size_t i = 0; i < list->count; i++) {
		const struct token_slot *slot = &list->slots[i];
		if (strcmp(slot->serial, r->cert.slot_serial) != 0 || strcmp(slot->label, r->cert.slot_label) != 0)
			continue;
		r->slot = *slot;
		r->has_slot = true;
		return state_rows[r->state].next;
	}
	r->has_slot = false;
	error_set(err, list->count == 0 ? ERR_TOKEN_ABSENT : ERR_TOKEN_NO_KEY, NULL, "%zu tokens, not this one", list->count);
	return STATE_ERROR;
}

static void ask_pin(struct renewal *r)
{
	struct secret pin = { 0 };
	secret_move(&pin, &r->pin);
	token_login(r->world->token, r->slot.id, &pin, on_done, r);
}

/* ---- challenges and what is signed for them ---- */

static void ask_challenge(struct renewal *r)
{
	const char *purpose = r->state == LOGIN_CHALLENGE ? "login" : r->state == INSTALL_ASK_NONCE ? "request" : "install";
	sent(r, hall_challenge(r->world->hall, purpose, on_hall, r));
}

static enum state took_challenge(struct renewal *r, const void *result, struct error *err)
{
	(void)err;
	r->challenge = *(const struct challenge *)result;
	return state_rows[r->state].next;
}

static void ask_signature(struct renewal *r)
{
	bool login = r->state == LOGIN_SIGN, request = r->state == INSTALL_PROOF;
	const struct bytes *matter = login ? &r->cert.der : request ? &r->csr : &r->read_back;
	struct bytes statement = { 0 };
	int code = pki_statement(login ? "login" : request ? "request" : "install", r->challenge.audience,
		login ? "-" : r->order.number, r->challenge.nonce, matter->data, matter->len, &statement);
	if (code != 0)
		failed_here(r, (enum error_code)code, NULL, "statement");
	else if (request)
		token_sign_cms(r->world->token, r->slot.id, &r->cert.der, statement.data, statement.len, on_bytes, r);
	else
		token_sign(r->world->token, r->slot.id, login ? &r->cert.der : &r->read_back, statement.data, statement.len, on_bytes, r);
	bytes_free(&statement);
}

static enum state took_signature(struct renewal *r, const void *result, struct error *err)
{
	const struct bytes *signature = result;
	int code = bytes_set(&r->signature, signature->data, signature->len);
	if (code == 0)
		return state_rows[r->state].next;
	error_set(err, (enum error_code)code, NULL, "signature");
	return STATE_ERROR;
}

void renewal_signature_algorithm(const struct cert_info *info, char *out, size_t size)
{
	const char *name = pki_signature_named(info->key_algorithm);
	snprintf(out, size, "%s", name != NULL ? name : "RSA-SHA256"); /* the hall says that it does not take the key */
}

/* ---- logging in ---- */

static void ask_session(struct renewal *r)
{
	struct session_request request = { .certificate = r->cert.der, .signature = r->signature }; /* lent */
	snprintf(request.challenge, sizeof request.challenge, "%s", r->challenge.id);
	renewal_signature_algorithm(&r->cert.info, request.algorithm, sizeof request.algorithm);
	sent(r, hall_login(r->world->hall, &request, on_hall, r));
}

static enum state took_session(struct renewal *r, const void *result, struct error *err)
{
	r->session = *(const struct session *)result;
	r->has_session = true;
	if (r->session.has_order)
		workflow_take_order(r, &((const struct session *)result)->order);
	memset(&r->session.order, 0, sizeof r->session.order); /* moved or not there */
	if (r->resume != STATES) {
		enum state back = r->resume;
		r->resume = STATES;
		return back;
	}
	r->has_order = r->session.has_order;
	return r->has_order ? workflow_of_order(r, err) : WAIT_DETAILS;
}

/* ---- the order ---- */

static void ask_submit(struct renewal *r)
{
	sent(r, hall_submit_order(r->world->hall, &r->details, on_hall, r));
}

static void ask_open(struct renewal *r)
{
	sent(r, hall_open_payment(r->world->hall, r->order.number, on_hall, r));
}

static void ask_paid(struct renewal *r)
{
	sent(r, hall_ask_payment(r->world->hall, r->order.number, on_hall, r));
}

static void ask_cancel(struct renewal *r)
{
	sent(r, hall_cancel_order(r->world->hall, r->order.number, on_hall, r));
}

static void ask_order(struct renewal *r)
{
	sent(r, hall_get_order(r->world->hall, r->order.number, on_hall, r));
}

static enum state took_order(struct renewal *r, const void *result, struct error *err)
{
	enum state asked = r->state;
	workflow_take_order(r, result);
	bool unpaid = r->order.state == ORDER_CREATED || r->order.state == ORDER_PAYING, no_link = r->order.payment.qr_url[0] == '\0';
	if (unpaid && asked == ORDER_ASK)
		error_set(err, ERR_NOT_PAID, NULL, "%s", order_state_names[r->order.state]);
	if (unpaid && asked == ORDER_OPEN && no_link)
		error_set(err, ERR_PAYMENT_LINK, NULL, "none, or no https");
	if (unpaid && (asked == ORDER_ASK || asked == ORDER_OPEN))
		return asked == ORDER_ASK || no_link ? STATE_ERROR : WAIT_PAYMENT;
	return workflow_of_order(r, err);
}

/* ---- the installation ---- */

static enum state took_install_order(struct renewal *r, const void *result, struct error *err)
{
	workflow_take_order(r, result);
	token_id_of_order(r->order.number, item_of(r)->role, r->id);
	r->refused = 0;
	if (r->order.state == ORDER_PAID || r->order.state == ORDER_ISSUED)
		return INSTALL_KEY;
	return workflow_of_order(r, err);
}

/* The first of the hall's algorithms that the key can make, as it says and has not refused. */
static bool choose_algorithm(const struct renewal *r, char out[24])
{
	int refused = r->refused;
	char wanted[64], offered[72], *rest = wanted;
	snprintf(wanted, sizeof wanted, "%s", r->order.algorithms);
	snprintf(offered, sizeof offered, ",%s,", r->slot.mechanisms);
	for (char *name; (name = strsep(&rest, ", ")) != NULL;) {
		char one[72];
		snprintf(one, sizeof one, ",%s,", name);
		if (*name == '\0' || strlen(name) >= 24 || strstr(offered, one) == NULL || refused-- > 0)
			continue;
		strcpy(out, name);
		return true;
	}
	return false;
}

static void ask_key(struct renewal *r);

/* Some keys say that they make what they then refuse. */
static void on_key(void *ctx, const struct error *err, const struct token_key *key)
{
	struct renewal *r = ctx;
	char next[24];
	r->refused += err != NULL && err->code == ERR_TOKEN_MECHANISM ? 1 : 0;
	if (err != NULL && err->code == ERR_TOKEN_MECHANISM && choose_algorithm(r, next))
		ask_key(r);
	else
		workflow_outcome(r, err, key);
}

static void ask_key(struct renewal *r)
{
	char algorithm[24];
	if (!choose_algorithm(r, algorithm))
		failed_here(r, ERR_TOKEN_MECHANISM, r->order.algorithms, r->slot.mechanisms);
	else
		token_generate_key(r->world->token, r->slot.id, r->id, r->cert.info.holder, algorithm, on_key, r);
}

/* A certificate that was issued for this very key need not be asked for again. */
static enum state took_key(struct renewal *r, const void *result, struct error *err)
{
	const struct token_key *key = result;
	(void)err;
	snprintf(r->spki_sha256, sizeof r->spki_sha256, "%s", key->spki_sha256);
	const struct order_item *item = item_of(r);
	if (item->certificate.len == 0 || strcmp(item->spki_sha256, key->spki_sha256) != 0)
		return INSTALL_CSR;
	r->steps[STEP_REQUEST] = r->steps[STEP_ISSUE] = STEP_SKIPPED;
	return INSTALL_CHECK;
}

static void ask_csr(struct renewal *r)
{
	token_make_csr(r->world->token, r->slot.id, r->id, &r->cert.der, on_bytes, r);
}

static enum state took_csr(struct renewal *r, const void *result, struct error *err)
{
	const struct bytes *csr = result;
	int code = bytes_set(&r->csr, csr->data, csr->len);
	if (code == 0)
		return INSTALL_ASK_NONCE;
	error_set(err, (enum error_code)code, NULL, "request");
	return STATE_ERROR;
}

static void ask_issue(struct renewal *r)
{
	struct cert_request request = { .csr = r->csr, .proof = r->signature }; /* lent */
	snprintf(request.role, sizeof request.role, "%s", item_of(r)->role);
	snprintf(request.challenge, sizeof request.challenge, "%s", r->challenge.id);
	sent(r, hall_request_cert(r->world->hall, r->order.number, &request, on_hall, r));
}

static enum state took_issue(struct renewal *r, const void *result, struct error *err)
{
	workflow_take_order(r, result);
	if (item_of(r)->certificate.len > 0)
		return INSTALL_CHECK;
	error_set(err, ERR_CA_FAILED, NULL, "no certificate in the order");
	return STATE_ERROR;
}

static void check_cert(struct renewal *r)
{
	struct error err;
	const struct cert_expectation expected = { .old_cert = &r->cert.der, .spki_sha256 = r->spki_sha256, .trust = r->world->trust,
		.not_after = r->order.new_not_after, .months = (int)r->order.validity_months, .now = hall_now(r->world->hall) };
	const struct bytes *der = &item_of(r)->certificate;
	int code = r->world->trust == NULL ? error_set(&err, ERR_CONFIG, "ca.file", "no trust")
		: cert_check_renewed(der->data, der->len, &expected, &err);
	workflow_outcome(r, code != 0 ? &err : NULL, NULL);
}

static void ask_write(struct renewal *r)
{
	token_write_cert(r->world->token, r->slot.id, r->id, r->cert.info.holder, &item_of(r)->certificate, on_bytes, r);
}

static enum state took_written(struct renewal *r, const void *result, struct error *err)
{
	const struct bytes *read_back = result;
	int code = bytes_set(&r->read_back, read_back->data, read_back->len);
	if (code == 0)
		return INSTALL_COMPARE;
	error_set(err, (enum error_code)code, NULL, "read back");
	return STATE_ERROR;
}

static void compare_cert(struct renewal *r)
{
	const struct bytes *wanted = &item_of(r)->certificate, *got = &r->read_back;
	if (wanted->len != got->len || memcmp(wanted->data, got->data, got->len) != 0)
		failed_here(r, ERR_TOKEN_VERIFY, NULL, "read back differs");
	else if (cert_info_read(got->data, got->len, &r->new_info, NULL) != 0)
		failed_here(r, ERR_TOKEN_VERIFY, NULL, "read back is no certificate");
	else
		workflow_outcome(r, NULL, NULL);
}

static enum state took_compared(struct renewal *r, const void *result, struct error *err)
{
	(void)result;
	(void)err;
	r->has_new = true;
	return INSTALL_PROVE;
}

static void ask_prove(struct renewal *r)
{
	token_prove(r->world->token, r->slot.id, r->id, on_done, r);
}

static enum state took_proof(struct renewal *r, const void *result, struct error *err)
{
	(void)result;
	(void)err;
	r->proved = true;
	return INSTALL_TELL_NONCE;
}

static void ask_tell(struct renewal *r)
{
	struct install_report report = { .signature = r->signature }; /* lent */
	uint8_t hash[PKI_SHA256];
	pki_sha256(r->read_back.data, r->read_back.len, hash);
	hex_encode(hash, sizeof hash, report.certificate_sha256);
	snprintf(report.role, sizeof report.role, "%s", item_of(r)->role);
	snprintf(report.challenge, sizeof report.challenge, "%s", r->challenge.id);
	renewal_signature_algorithm(&r->new_info, report.algorithm, sizeof report.algorithm);
	sent(r, hall_report_installed(r->world->hall, r->order.number, &report, on_hall, r));
}

static enum state took_told(struct renewal *r, const void *result, struct error *err)
{
	(void)err;
	workflow_take_order(r, result);
	return INSTALL_OLD;
}

static void remove_old(struct renewal *r)
{
	if (r->order.remove_old)
		token_remove(r->world->token, r->slot.id, &r->cert.der, on_done, r);
	else
		workflow_outcome(r, NULL, NULL);
}

static enum state took_old(struct renewal *r, const void *result, struct error *err)
{
	(void)result;
	(void)err;
	if (!r->order.remove_old)
		r->steps[STEP_OLD] = STEP_SKIPPED;
	return DONE;
}

/* ---- the table ---- */

#define WAITS(state, phase_) [state] = { .name = #state, .phase = phase_, .step = -1 }
#define ASKS(state, doing_, request_, took_, next_, failed_) \
	[state] = { .name = #state, .phase = RENEWAL_WORKING, .doing = doing_, .step = -1, .request = request_, .took = took_, \
		.next = next_, .failed = failed_, .again = state }
#define STEP(state, step_, doing_, request_, took_, next_, failed_, again_) \
	[state] = { .name = #state, .phase = RENEWAL_INSTALLING, .doing = doing_, .step = step_, .request = request_, .took = took_, \
		.next = next_, .failed = failed_, .again = again_ }

const struct state_row state_rows[STATES] = {
	WAITS(WAIT_PIN, RENEWAL_NEED_PIN),
	WAITS(WAIT_DETAILS, RENEWAL_NEED_DETAILS),
	WAITS(WAIT_PAYMENT, RENEWAL_NEED_PAYMENT),
	WAITS(WAIT_INSTALL, RENEWAL_NEED_INSTALL),
	WAITS(FAILED, RENEWAL_INSTALL_FAILED),
	WAITS(DONE, RENEWAL_DONE),
	WAITS(REFUSED, RENEWAL_REFUSED),

	ASKS(LOGIN_SLOT, N_("Looking for the key"), ask_slots, took_slots, LOGIN_PIN, WAIT_PIN),
	ASKS(LOGIN_PIN, N_("Checking the PIN"), ask_pin, NULL, LOGIN_CHALLENGE, WAIT_PIN),
	ASKS(LOGIN_CHALLENGE, N_("Logging in to the hall"), ask_challenge, took_challenge, LOGIN_SIGN, WAIT_PIN),
	ASKS(LOGIN_SIGN, N_("Signing with the key"), ask_signature, took_signature, LOGIN_SESSION, WAIT_PIN),
	ASKS(LOGIN_SESSION, N_("Logging in to the hall"), ask_session, took_session, WAIT_DETAILS, WAIT_PIN),

	ASKS(ORDER_SUBMIT, N_("Submitting the order"), ask_submit, took_order, ORDER_OPEN, WAIT_DETAILS),
	ASKS(ORDER_OPEN, N_("Asking for the payment code"), ask_open, took_order, WAIT_PAYMENT, WAIT_PAYMENT),
	ASKS(ORDER_ASK, N_("Asking whether the payment has arrived"), ask_paid, took_order, WAIT_PAYMENT, WAIT_PAYMENT),
	ASKS(ORDER_CANCEL, N_("Cancelling the order"), ask_cancel, took_order, REFUSED, WAIT_PAYMENT),
	ASKS(ORDER_FETCH, N_("Finding out where it stood"), ask_order, took_order, WAIT_INSTALL, FAILED),

	STEP(INSTALL_SLOT, STEP_PIN, N_("Looking for the key"), ask_slots, took_slots, INSTALL_PIN, WAIT_INSTALL, INSTALL_SLOT),
	STEP(INSTALL_PIN, STEP_PIN, N_("Checking the PIN"), ask_pin, NULL, INSTALL_ORDER, WAIT_INSTALL, INSTALL_PIN),
	STEP(INSTALL_ORDER, STEP_PIN, N_("Finding out where it stood"), ask_order, took_install_order, INSTALL_KEY, WAIT_INSTALL, INSTALL_ORDER),
	STEP(INSTALL_KEY, STEP_KEY, N_("The key is making a new key pair; this may take a while"), ask_key, took_key, INSTALL_CSR, FAILED, INSTALL_KEY),
	STEP(INSTALL_CSR, STEP_REQUEST, N_("Signing the certificate request"), ask_csr, took_csr, INSTALL_ASK_NONCE, FAILED, INSTALL_CSR),
	STEP(INSTALL_ASK_NONCE, STEP_REQUEST, N_("Signing the certificate request"), ask_challenge, took_challenge, INSTALL_PROOF, FAILED, INSTALL_ASK_NONCE),
	STEP(INSTALL_PROOF, STEP_REQUEST, N_("Signing the certificate request"), ask_signature, took_signature, INSTALL_ISSUE, FAILED, INSTALL_PROOF),
	STEP(INSTALL_ISSUE, STEP_ISSUE, N_("The hall is issuing the certificate"), ask_issue, took_issue, INSTALL_CHECK, FAILED, INSTALL_ASK_NONCE),
	STEP(INSTALL_CHECK, STEP_CHECK, N_("Checking the new certificate"), check_cert, NULL, INSTALL_WRITE, FAILED, INSTALL_CHECK),
	STEP(INSTALL_WRITE, STEP_WRITE, N_("Writing the certificate to the key"), ask_write, took_written, INSTALL_COMPARE, FAILED, INSTALL_WRITE),
	STEP(INSTALL_COMPARE, STEP_READ_BACK, N_("Reading the certificate back"), compare_cert, took_compared, INSTALL_PROVE, FAILED, INSTALL_WRITE),
	STEP(INSTALL_PROVE, STEP_PROVE, N_("Signing with the new key"), ask_prove, took_proof, INSTALL_TELL_NONCE, FAILED, INSTALL_PROVE),
	STEP(INSTALL_TELL_NONCE, STEP_TELL, N_("Telling the hall"), ask_challenge, took_challenge, INSTALL_SIGN, FAILED, INSTALL_TELL_NONCE),
	STEP(INSTALL_SIGN, STEP_TELL, N_("Telling the hall"), ask_signature, took_signature, INSTALL_TELL, FAILED, INSTALL_SIGN),
	STEP(INSTALL_TELL, STEP_TELL, N_("Telling the hall"), ask_tell, took_told, INSTALL_OLD, FAILED, INSTALL_TELL_NONCE),
	/* The renewal is done by then: a certificate that could not be removed is no reason to say that it failed. */
	STEP(INSTALL_OLD, STEP_OLD, N_("Putting the old certificate in order"), remove_old, took_old, DONE, DONE, INSTALL_OLD),
};
