/* How the table of states is run. */
#include "renewal/workflow.h"

#include <string.h>

#include <certhall/fault.h>
#include <certhall/log.h>

enum { NOBODY = -1, RETRIES = 3 };

static void tell(void *ctx)
{
	struct renewal *r = ctx;
	r->changed(r->ctx);
}

void workflow_tell(struct renewal *renewal)
{
	if (renewal->tell == NULL && loop_timer_start(renewal->world->loop, &renewal->tell, 0, tell, renewal) != 0)
		log_line(LOG_LEVEL_ERROR, "renewal", "no memory for a timer");
}

void workflow_take_order(struct renewal *r, const struct order *order)
{
	codec_free(order_codec, &r->order);
	r->order = *order;
	r->has_order = true;
	memset((struct order *)order, 0, sizeof *order); /* taken over with the bytes in it */
}

void workflow_stop(struct renewal *r)
{
	hall_cancel(&r->call);
	token_forget(r->world->token, r);
}

bool workflow_refuses(enum error_code code)
{
	switch (code) {
	case ERR_CERT_MALFORMED:
	case ERR_CERT_UNKNOWN_ISSUER:
	case ERR_CERT_REVOKED:
	case ERR_CERT_SUPERSEDED:
	case ERR_CERT_NOT_YET_VALID:
	case ERR_RENEWAL_TOO_EARLY:
	case ERR_RENEWAL_TOO_LATE:
	case ERR_ORDER_CANCELLED:
	case ERR_ORDER_REFUNDED:
		return true;
	default:
		return false;
	}
}

enum state workflow_of_order(struct renewal *r, struct error *err)
{
	switch ((enum order_state)r->order.state) {
	case ORDER_CREATED:
	case ORDER_PAYING:
		return ORDER_OPEN;
	case ORDER_PAID:
	case ORDER_ISSUED:
		return WAIT_INSTALL;
	case ORDER_INSTALLED:
		return r->proved ? INSTALL_OLD : DONE; /* nothing is removed unless the new one was seen on this key */
	case ORDER_CANCELLED:
		error_set(err, ERR_ORDER_CANCELLED, NULL, "%s", r->order.number);
		return STATE_ERROR;
	case ORDER_REFUNDING:
	case ORDER_REFUNDED:
		error_set(err, ERR_ORDER_REFUNDED, NULL, "%s", r->order.number);
		return STATE_ERROR;
	}
	error_set(err, ERR_NET_PROTOCOL, NULL, "order state %d", r->order.state);
	return STATE_ERROR;
}

/* ---- following the order while it is to be paid ---- */

static bool before_payment(enum state state)
{
	return state == WAIT_PAYMENT || state == WAIT_DETAILS || state == ORDER_SUBMIT || state == ORDER_OPEN || state == ORDER_ASK
		|| state == ORDER_CANCEL;
}

static void move(struct renewal *r, enum state state)
{
	workflow_stop(r);
	workflow_enter(r, state);
}

/* Logs in anew with the key that is still open, and comes back to where it was. */
static void login_again(struct renewal *r, enum state back)
{
	r->resume = back;
	r->retries++;
	workflow_enter(r, LOGIN_CHALLENGE);
}

static void on_follow(void *ctx, const struct error *err, const void *result)
{
	struct renewal *r = ctx;
	struct error problem = { 0 };
	if (result == NULL) {
		r->followed = err != NULL && err->code == ERR_OK;
		if (r->followed)
			r->retries = 0;
		if (err != NULL && err->code == ERR_SESSION_NEEDED && r->state == WAIT_PAYMENT && r->retries < RETRIES) {
			payment_follow(r, false);
			login_again(r, WAIT_PAYMENT);
			return;
		}
		workflow_tell(r);
		return;
	}
	const struct order *order = result;
	if (r->has_order && (order->revision < r->order.revision || strcmp(order->number, r->order.number) != 0))
		return; /* an answer was faster, or it is another order */
	workflow_take_order(r, order);
	bool unpaid = r->order.state == ORDER_CREATED || r->order.state == ORDER_PAYING;
	if (unpaid || !before_payment(r->state)) {
		workflow_tell(r);
		return;
	}
	enum state next = workflow_of_order(r, &problem);
	r->err = problem;
	move(r, next == STATE_ERROR ? REFUSED : next);
}

static void on_code_expired(void *ctx)
{
	struct renewal *r = ctx;
	if (r->state == WAIT_PAYMENT)
		workflow_enter(r, ORDER_OPEN);
}

/* A code is renewed by itself when it ends before the order does. */
static void watch_code(struct renewal *r)
{
	int64_t ends = r->order.payment.expires, left = ends - hall_now(r->world->hall);
	loop_timer_cancel(r->world->loop, &r->fresh_code);
	if (ends == 0 || r->order.expires == 0 || ends >= r->order.expires || left <= 0)
		return;
	if (loop_timer_start(r->world->loop, &r->fresh_code, (left + 1) * 1000, on_code_expired, r) != 0)
		log_line(LOG_LEVEL_WARN, "renewal", "no memory for a timer");
}

void payment_follow(struct renewal *r, bool on)
{
	if (!on) {
		hall_cancel(&r->follow);
		loop_timer_cancel(r->world->loop, &r->fresh_code);
		r->followed = false;
		return;
	}
	if (r->follow == NULL)
		r->follow = hall_follow_order(r->world->hall, r->order.number, r->order.revision, on_follow, r);
	watch_code(r);
}

/* ---- the steps of the installation ---- */

static void show_step(struct renewal *r, int step)
{
	for (int i = 0; i < INSTALL_STEPS; i++)
		if (i != step && r->steps[i] == STEP_NOW)
			r->steps[i] = STEP_DONE;
	if (step != NOBODY)
		r->steps[step] = STEP_NOW;
}

/* The key is not needed any more. The session with the hall ends with the renewal: the invoice can still be asked for. */
static void let_key_go(struct renewal *r)
{
	if (r->has_slot)
		token_logout(r->world->token, r->slot.id, NULL, NULL);
}

void workflow_enter(struct renewal *r, enum state state)
{
	const struct state_row *row = &state_rows[state];
	log_line(LOG_LEVEL_INFO, "renewal", "%s", row->name);
	r->state = state;
	if (state == WAIT_INSTALL || state == INSTALL_SLOT)
		memset(r->steps, 0, sizeof r->steps);
	if (row->phase == RENEWAL_INSTALLING || state == DONE)
		show_step(r, state == DONE ? NOBODY : row->step);
	if (state == WAIT_PAYMENT)
		payment_follow(r, true);
	else if (!before_payment(state))
		payment_follow(r, false);
	if (state == DONE)
		let_key_go(r);
	workflow_tell(r);
	bool broken = fault_point(row->name, NULL);
	if (row->request != NULL && broken)
		workflow_outcome(r, &(struct error){ .code = ERR_UNEXPECTED, .param = "fault" }, NULL);
	else if (row->request != NULL)
		row->request(r);
}

/* ---- outcomes ---- */

static bool about_pin(enum error_code code)
{
	return code >= ERR_PIN_INCORRECT && code <= ERR_PIN_NEEDED;
}

static void fail(struct renewal *r, const struct error *err)
{
	enum state state = r->state, back = r->resume;
	const struct state_row *row = &state_rows[state];
	bool silent = back != STATES; /* failing inside a silent login is failing where it came from */
	log_error("renewal", err);
	r->resume = STATES;
	/* The hall replaces the old certificate when it has been told, and the key holds the new one: only the answer was lost. */
	if (err->code == ERR_CERT_SUPERSEDED && r->proved) {
		workflow_enter(r, INSTALL_OLD);
		return;
	}
	if (err->code == ERR_SESSION_NEEDED && !silent && r->retries < RETRIES && (state < LOGIN_SLOT || state > LOGIN_SESSION)) {
		login_again(r, row->again);
		return;
	}
	if (err->code == ERR_CHALLENGE_INVALID && !silent && row->again != state && r->retries < RETRIES) {
		r->retries++;
		workflow_enter(r, row->again);
		return;
	}
	r->err = *err;
	enum state to = silent ? state_rows[back].failed : row->failed;
	if (silent && (state_rows[back].request == NULL || about_pin(err->code)))
		to = state_rows[back].phase == RENEWAL_INSTALLING ? FAILED : WAIT_PIN;
	int step = silent ? state_rows[back].step : row->step;
	if (step >= 0 && r->steps[step] == STEP_NOW)
		r->steps[step] = STEP_FAILED;
	bool installing = state_rows[silent ? back : state].phase == RENEWAL_INSTALLING;
	workflow_enter(r, workflow_refuses(err->code) && !installing ? REFUSED : to);
}

void workflow_outcome(struct renewal *r, const struct error *err, const void *result)
{
	const struct state_row *row = &state_rows[r->state];
	struct error problem = { 0 };
	const struct error fault = { .code = ERR_UNEXPECTED, .param = "fault" };
	if (row->request == NULL)
		return; /* nothing was asked */
	if (fault_point(row->name, "done") && err == NULL)
		err = &fault; /* done, and the answer lost */
	if (err != NULL) {
		fail(r, err);
		return;
	}
	enum state next = row->took != NULL ? row->took(r, result, &problem) : row->next;
	if (next == STATE_ERROR) {
		fail(r, &problem);
		return;
	}
	r->err = (struct error){ 0 };
	workflow_enter(r, next);
}
