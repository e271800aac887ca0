#include "renewal/workflow.h"

#include <stdlib.h>
#include <string.h>

#include <certhall/i18n.h>

int renewal_new(const struct world *world, const struct keyed_cert *cert, renewal_fn *changed, void *ctx, struct renewal **out)
{
	struct renewal *r = calloc(1, sizeof *r);
	if (r == NULL)
		return ERR_NO_MEMORY;
	r->world = world;
	r->changed = changed;
	r->ctx = ctx;
	r->state = WAIT_PIN;
	r->resume = STATES;
	r->cert = *cert;
	r->cert.der = (struct bytes){ 0 };
	int code = bytes_set(&r->cert.der, cert->der.data, cert->der.len);
	if (code != 0) {
		free(r);
		return code;
	}
	*out = r;
	return 0;
}

void renewal_free(struct renewal **renewal_ref)
{
	struct renewal *r = *renewal_ref;
	if (r == NULL)
		return;
	*renewal_ref = NULL;
	workflow_stop(r);
	payment_follow(r, false);
	loop_timer_cancel(r->world->loop, &r->tell);
	if (r->has_session)
		hall_logout(r->world->hall);
	if (r->has_slot)
		token_logout(r->world->token, r->slot.id, NULL, NULL);
	secret_free(&r->pin);
	codec_free(order_codec, &r->order);
	bytes_free(&r->cert.der);
	bytes_free(&r->signature);
	bytes_free(&r->csr);
	bytes_free(&r->read_back);
	secret_wipe(r, sizeof *r); /* phone and tax numbers */
	free(r);
}

/* ---- asking ---- */

enum renewal_phase renewal_phase(const struct renewal *renewal)
{
	/* A silent login in the middle of the installation is a part of it. */
	if (renewal->resume != STATES && state_rows[renewal->resume].phase == RENEWAL_INSTALLING)
		return RENEWAL_INSTALLING;
	return state_rows[renewal->state].phase;
}

const char *renewal_doing(const struct renewal *renewal)
{
	const char *doing = state_rows[renewal->state].doing;
	return doing != NULL ? _(doing) : "";
}

const struct error *renewal_error(const struct renewal *renewal)
{
	return renewal->err.code != ERR_OK ? &renewal->err : NULL;
}

const struct keyed_cert *renewal_cert(const struct renewal *renewal)
{
	return &renewal->cert;
}

const struct session *renewal_session(const struct renewal *renewal)
{
	return renewal->has_session ? &renewal->session : NULL;
}

const struct order *renewal_order(const struct renewal *renewal)
{
	return renewal->has_order ? &renewal->order : NULL;
}

enum step_state renewal_step(const struct renewal *renewal, enum install_step step)
{
	return renewal->steps[step];
}

const char *install_step_name(enum install_step step)
{
	static const char *const names[INSTALL_STEPS] = {
		[STEP_PIN] = N_("Check the PIN"),
		[STEP_KEY] = N_("Make a new key pair on the key"),
		[STEP_REQUEST] = N_("Sign the certificate request"),
		[STEP_ISSUE] = N_("The hall issues the certificate"),
		[STEP_CHECK] = N_("Check the new certificate"),
		[STEP_WRITE] = N_("Write it to the key"),
		[STEP_READ_BACK] = N_("Read it back and compare"),
		[STEP_PROVE] = N_("Sign with it and verify"),
		[STEP_TELL] = N_("Tell the hall"),
		[STEP_OLD] = N_("Remove the old certificate"),
	};
	return _(names[step]);
}

const struct cert_info *renewal_new_cert(const struct renewal *renewal)
{
	return renewal->has_new ? &renewal->new_info : NULL;
}

int64_t renewal_seconds_left(const struct renewal *renewal)
{
	int64_t left = renewal->order.expires - hall_now(renewal->world->hall);
	return renewal->order.expires == 0 || left < 0 ? 0 : left;
}

bool renewal_followed(const struct renewal *renewal)
{
	return renewal->followed;
}

/* ---- what the person does ---- */

static bool is_in(const struct renewal *r, enum state state)
{
	return r->state == state;
}

static void begin(struct renewal *r, enum state state)
{
	r->err = (struct error){ 0 };
	r->resume = STATES;
	r->retries = 0;
	token_forget(r->world->token, r); /* flags that are still asked for */
	workflow_enter(r, state);
}

void renewal_login(struct renewal *renewal, struct secret *pin)
{
	if (!is_in(renewal, WAIT_PIN))
		return;
	secret_move(&renewal->pin, pin);
	begin(renewal, LOGIN_SLOT);
}

void renewal_submit(struct renewal *renewal, const struct applicant *applicant, bool acknowledged)
{
	if (!is_in(renewal, WAIT_DETAILS))
		return;
	renewal->details = (struct order_request){ .applicant = *applicant, .acknowledged = acknowledged };
	if (applicant_check(&renewal->details.applicant, &renewal->err) != 0)
		workflow_tell(renewal);
	else
		begin(renewal, ORDER_SUBMIT);
}

void renewal_ask_paid(struct renewal *renewal)
{
	if (is_in(renewal, WAIT_PAYMENT))
		begin(renewal, ORDER_ASK);
}

void renewal_fresh_code(struct renewal *renewal)
{
	if (is_in(renewal, WAIT_PAYMENT))
		begin(renewal, ORDER_OPEN);
}

void renewal_cancel_order(struct renewal *renewal)
{
	if (is_in(renewal, WAIT_PAYMENT))
		begin(renewal, ORDER_CANCEL);
}

void renewal_edit_details(struct renewal *renewal)
{
	if (is_in(renewal, WAIT_PAYMENT))
		begin(renewal, WAIT_DETAILS);
}

void renewal_install(struct renewal *renewal, struct secret *pin)
{
	if (!is_in(renewal, WAIT_INSTALL))
		return;
	secret_move(&renewal->pin, pin);
	begin(renewal, INSTALL_SLOT);
}

void renewal_recover(struct renewal *renewal)
{
	if (is_in(renewal, FAILED))
		begin(renewal, hall_logged_in(renewal->world->hall) ? ORDER_FETCH : WAIT_PIN);
}

void renewal_abandon_work(struct renewal *renewal)
{
	struct error err;
	if (renewal_phase(renewal) != RENEWAL_WORKING)
		return;
	workflow_stop(renewal);
	token_cancel(renewal->world->token);
	error_set(&err, ERR_CANCELLED, NULL, "%s", state_rows[renewal->state].name);
	workflow_outcome(renewal, &err, NULL);
}

/* ---- the flags of the key ---- */

static void on_slots(void *ctx, const struct error *err, const struct token_list *list)
{
	struct renewal *r = ctx;
	r->has_slot = false;
	r->has_flags = true;
	for (size_t i = 0; list != NULL && i < list->count && !r->has_slot; i++) {
		r->has_slot = strcmp(list->slots[i].serial, r->cert.slot_serial) == 0 && strcmp(list->slots[i].label, r->cert.slot_label) == 0;
		if (r->has_slot)
			r->slot = list->slots[i];
	}
	r->slot_err = err != NULL ? *err : (struct error){ 0 };
	if (err == NULL && !r->has_slot)
		error_set(&r->slot_err, list->count == 0 ? ERR_TOKEN_ABSENT : ERR_TOKEN_NO_KEY, NULL, "flags");
	workflow_tell(r);
}

const struct token_slot *renewal_slot(const struct renewal *renewal)
{
	return renewal->has_flags && renewal->has_slot ? &renewal->slot : NULL;
}

const struct error *renewal_slot_error(const struct renewal *renewal)
{
	return renewal->has_flags && renewal->slot_err.code != ERR_OK ? &renewal->slot_err : NULL;
}

void renewal_refresh_slot(struct renewal *renewal)
{
	renewal->has_flags = false;
	if (state_rows[renewal->state].request != NULL)
		return;
	if (renewal->slot_err.code == ERR_TOKEN_ABSENT)
		token_close(renewal->world->token); /* some modules see a key only when they start */
	token_list(renewal->world->token, on_slots, renewal);
}
