/* The renewal: every phase, each a moment long. */
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <certhall/i18n.h>

struct renewal {
	renewal_fn *changed;
	void *ctx;
	struct keyed_cert cert;
	enum renewal_phase phase, next;
	struct error error, next_error;
	struct session session;
	struct order order;
	struct cert_info fresh;
	struct token_slot slot;
	bool has_session, has_order, has_slot, failed_once, slot_asked;
	int step, fail_at; /* steps done; -1: none begun */
};

static void tell(void *ctx)
{
	struct renewal *r = ctx;
	r->phase = r->next;
	r->error = r->next_error;
	r->next_error = (struct error){ 0 };
	r->changed(r->ctx);
}

static void work(struct renewal *r, enum renewal_phase next)
{
	r->phase = RENEWAL_WORKING;
	r->error = (struct error){ 0 };
	r->next = next;
	stage_later(tell, r);
	r->changed(r->ctx);
}

static void make_order(struct renewal *r)
{
	struct order *order = &r->order;
	snprintf(order->number, sizeof order->number, "AZT112217NR3QT");
	snprintf(order->project_name, sizeof order->project_name, "测试项目");
	snprintf(order->price_note, sizeof order->price_note, "样票优惠：测试期间减免。");
	snprintf(order->payment.qr_url, sizeof order->payment.qr_url, "https://qr.example.test/bills/qrCode.do?id=31942611220123456789012345%04d", r->step + 1);
	order->state = ORDER_PAYING;
	order->amount_fen = 38000;
	order->invoice_days = 3;
	order->validity_months = 12;
	order->new_not_after = r->cert.info.not_after + 365 * (int64_t)STAGE_DAY;
	order->payment.expires = stage_has("code-expired") ? STAGE_NOW - 1 : STAGE_NOW + 1800;
	r->has_order = true;
}

int renewal_new(const struct world *world, const struct keyed_cert *cert, renewal_fn *changed, void *ctx, struct renewal **out)
{
	(void)world;
	struct renewal *r = calloc(1, sizeof *r);
	*r = (struct renewal){ .changed = changed, .ctx = ctx, .cert = *cert, .phase = RENEWAL_NEED_PIN, .step = -1, .fail_at = -1 };
	if (stage_has("fail"))
		r->fail_at = STEP_WRITE;
	r->slot = (struct token_slot){ .label = "SimKey 测试", .pin_low = stage_has("pin-low"), .pin_final = stage_has("pin-final"),
		.pin_locked = stage_has("pin-locked"), .pin_pad = stage_has("pin-pad") };
	r->session = (struct session){ .project = { .name = "测试项目", .price_fen = 38000, .price_note = "样票优惠：测试期间减免。" },
		.new_not_after = cert->info.not_after + 365 * (int64_t)STAGE_DAY };
	*out = r;
	return 0;
}

void renewal_free(struct renewal **r)
{
	if (*r != NULL)
		stage_forget(*r);
	free(*r);
	*r = NULL;
}

enum renewal_phase renewal_phase(const struct renewal *r) { return r->phase; }
const char *renewal_doing(const struct renewal *r) { (void)r; return "(doing it)"; }
const struct error *renewal_error(const struct renewal *r) { return r->error.code != ERR_OK ? &r->error : NULL; }
const struct keyed_cert *renewal_cert(const struct renewal *r) { return &r->cert; }
const struct session *renewal_session(const struct renewal *r) { return r->has_session ? &r->session : NULL; }
const struct order *renewal_order(const struct renewal *r) { return r->has_order ? &r->order : NULL; }
const struct cert_info *renewal_new_cert(const struct renewal *r) { return r->phase == RENEWAL_DONE ? &r->fresh : NULL; }
int64_t renewal_seconds_left(const struct renewal *r) { (void)r; return 1725; }
bool renewal_followed(const struct renewal *r) { (void)r; return !stage_has("reconnecting"); }
const struct token_slot *renewal_slot(const struct renewal *r) { return r->has_slot ? &r->slot : NULL; }
const struct error *renewal_slot_error(const struct renewal *r) { (void)r; return NULL; }
char *renewal_receipt(const struct renewal *r) { (void)r; return strdup("样票\n"); }

static void give_slot(void *ctx)
{
	struct renewal *r = ctx;
	r->has_slot = true;
	r->changed(r->ctx);
}

void renewal_refresh_slot(struct renewal *r)
{
	r->has_slot = false;
	stage_later(give_slot, r);
}

static bool pin_fits(struct renewal *r, struct secret *pin)
{
	bool fits = r->slot.pin_pad || (pin->text != NULL && strcmp(pin->text, "12345678") == 0);
	secret_free(pin);
	if (!fits)
		error_set(&r->next_error, ERR_PIN_INCORRECT, NULL, "stage");
	return fits;
}

void renewal_login(struct renewal *r, struct secret *pin)
{
	bool fits = pin_fits(r, pin);
	r->has_session |= fits;
	if (fits && r->cert.standing.has_order)
		make_order(r);
	work(r, !fits ? RENEWAL_NEED_PIN : r->cert.standing.has_order ? RENEWAL_NEED_INSTALL : RENEWAL_NEED_DETAILS);
}

void renewal_submit(struct renewal *r, const struct applicant *applicant, bool acknowledged)
{
	(void)acknowledged;
	if (strcmp(applicant->contact, "refused") == 0) {
		error_set(&r->next_error, ERR_INVALID_FIELD, "contact", "(the hall does not take this)");
		work(r, RENEWAL_NEED_DETAILS);
		return;
	}
	r->order.applicant = *applicant;
	make_order(r);
	work(r, RENEWAL_NEED_PAYMENT);
}

void renewal_ask_paid(struct renewal *r)
{
	if (stage_has("unpaid"))
		error_set(&r->next_error, ERR_NOT_PAID, NULL, "stage");
	work(r, stage_has("unpaid") ? RENEWAL_NEED_PAYMENT : RENEWAL_NEED_INSTALL);
}

void renewal_fresh_code(struct renewal *r)
{
	make_order(r);
	r->order.payment.expires = STAGE_NOW + 1800;
	work(r, RENEWAL_NEED_PAYMENT);
}

void renewal_cancel_order(struct renewal *r)
{
	r->order.state = ORDER_CANCELLED;
	work(r, RENEWAL_REFUSED);
}

void renewal_edit_details(struct renewal *r)
{
	work(r, RENEWAL_NEED_DETAILS);
}

static void next_step(void *ctx)
{
	struct renewal *r = ctx;
	if (r->step == r->fail_at && r->fail_at >= 0) {
		r->phase = RENEWAL_INSTALL_FAILED;
		error_set(&r->error, ERR_TOKEN_REMOVED, NULL, "stage");
	} else if (++r->step == INSTALL_STEPS) {
		r->phase = RENEWAL_DONE;
		r->fresh = r->cert.info;
		r->fresh.not_before = STAGE_NOW;
		r->fresh.not_after = r->order.new_not_after;
	} else if (!stage_has("stuck") || r->step < STEP_ISSUE) {
		stage_later(next_step, r);
	}
	r->changed(r->ctx);
}

void renewal_install(struct renewal *r, struct secret *pin)
{
	if (!pin_fits(r, pin)) {
		work(r, RENEWAL_NEED_INSTALL);
		return;
	}
	r->phase = RENEWAL_INSTALLING;
	r->step = 0;
	stage_later(next_step, r);
	r->changed(r->ctx);
}

void renewal_recover(struct renewal *r)
{
	r->fail_at = -1;
	r->step = -1;
	work(r, RENEWAL_NEED_INSTALL);
}

void renewal_abandon_work(struct renewal *r)
{
	(void)r;
}

enum step_state renewal_step(const struct renewal *r, enum install_step step)
{
	if ((int)step > r->step)
		return STEP_TODO;
	if ((int)step < r->step)
		return STEP_DONE;
	return r->phase == RENEWAL_INSTALL_FAILED ? STEP_FAILED : STEP_NOW;
}

const char *install_step_name(enum install_step step)
{
	static char name[32];
	snprintf(name, sizeof name, "(step %d)", (int)step + 1);
	return name;
}
