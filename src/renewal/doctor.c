#include <certhall/doctor.h>

#include <stdlib.h>
#include <string.h>

#include <certhall/i18n.h>
#include <certhall/renewal.h>

#include "renewal/checks.h"

#define NEEDS(item) (1u << (item))

struct doctor {
	struct doctor_options options;
	doctor_fn *changed;
	void *ctx;
	struct check checks[CHECK_ITEMS];
	struct findings found;
	struct hall_call *info_call, *standings_call;
	struct loop_timer *next; /* starts what has become ready */
};

/* One row a check. run judges at once, or asks and sets the check when the answer comes. source is the check whose answer
 * this one only reads: checking it anew means asking anew. */
static const struct plan {
	const char *id, *name;
	unsigned needs;
	enum check_item source;
	void (*run)(struct doctor *doctor, struct check *check);
} plans[CHECK_ITEMS];

static void step(void *ctx);

static void schedule(struct doctor *doctor)
{
	if (doctor->next == NULL && loop_timer_start(doctor->options.loop, &doctor->next, 0, step, doctor) != 0)
		abort(); /* a timer is a few bytes */
}

static void settled(struct doctor *doctor)
{
	schedule(doctor);
	doctor->changed(doctor->ctx);
}

/* ---- running a check ---- */

static void run_terminal(struct doctor *doctor, struct check *check)
{
	judge_terminal(&doctor->options, check);
}

static void run_version(struct doctor *doctor, struct check *check)
{
	judge_version(&doctor->found, check);
}

static void on_info(void *ctx, const struct error *err, const void *result)
{
	struct doctor *doctor = ctx;
	struct check *check = &doctor->checks[CHECK_NETWORK];
	doctor->info_call = NULL;
	if (err != NULL) {
		check_failed(check, err);
	} else {
		doctor->found.hall = *(const struct hall_info *)result;
		judge_network(&doctor->options, &doctor->found, check);
	}
	settled(doctor);
}

static void run_network(struct doctor *doctor, struct check *check)
{
	(void)check;
	doctor->info_call = hall_get_info(doctor->options.hall, on_info, doctor);
}

static void run_clock(struct doctor *doctor, struct check *check)
{
	judge_clock(&doctor->options, check);
}

static void on_list(void *ctx, const struct error *err, const struct token_list *list)
{
	struct doctor *doctor = ctx;
	if (list != NULL)
		doctor->found.tokens = *list;
	judge_component(&doctor->options, &doctor->found, err, &doctor->checks[CHECK_COMPONENT]);
	settled(doctor);
}

static void run_component(struct doctor *doctor, struct check *check)
{
	(void)check;
	token_list(doctor->options.token, on_list, doctor);
}

static void run_pcsc(struct doctor *doctor, struct check *check)
{
	judge_pcsc(&doctor->found, check);
}

static void run_key_present(struct doctor *doctor, struct check *check)
{
	judge_key_present(&doctor->found, check);
}

static void run_key_known(struct doctor *doctor, struct check *check)
{
	judge_key_known(&doctor->found, check);
}

static void run_pin(struct doctor *doctor, struct check *check)
{
	judge_pin(&doctor->found, check);
}

static void forget_certs(struct doctor *doctor)
{
	for (size_t i = 0; i < doctor->found.certs_count; i++)
		bytes_free(&doctor->found.certs[i].der);
	doctor->found.certs_count = 0;
}

static void on_certs(void *ctx, const struct error *err, struct token_certs *certs)
{
	struct doctor *doctor = ctx;
	struct check *check = &doctor->checks[CHECK_CERTIFICATES];
	forget_certs(doctor);
	if (err != NULL)
		check_failed(check, err);
	else
		judge_certificates(&doctor->options, &doctor->found, certs, check);
	settled(doctor);
}

static void run_certificates(struct doctor *doctor, struct check *check)
{
	(void)check;
	token_read_certs(doctor->options.token, doctor->found.slot.id, on_certs, doctor);
}

static void on_standings(void *ctx, const struct error *err, const void *result)
{
	struct doctor *doctor = ctx;
	struct check *check = &doctor->checks[CHECK_ORDER];
	doctor->standings_call = NULL;
	if (err != NULL)
		check_failed(check, err);
	else
		judge_order(result, check);
	settled(doctor);
}

static void run_order(struct doctor *doctor, struct check *check)
{
	struct standing_request request = { .certificates_count = doctor->found.certs_count };
	(void)check;
	for (size_t i = 0; i < request.certificates_count; i++)
		request.certificates[i] = doctor->found.certs[i]; /* lent */
	doctor->standings_call = hall_standings(doctor->options.hall, &request, on_standings, doctor);
}

static void run_payment(struct doctor *doctor, struct check *check)
{
	judge_payment(&doctor->found, check);
}

static void run_folder(struct doctor *doctor, struct check *check)
{
	(void)doctor;
	judge_folder(check);
}

static const struct plan plans[CHECK_ITEMS] = {
	[CHECK_TERMINAL] = { "terminal", N_("Terminal"), 0, CHECK_TERMINAL, run_terminal },
	[CHECK_VERSION] = { "version", N_("Program version"), NEEDS(CHECK_NETWORK), CHECK_NETWORK, run_version },
	[CHECK_NETWORK] = { "network", N_("Connection to the hall"), 0, CHECK_NETWORK, run_network },
	[CHECK_CLOCK] = { "clock", N_("Clock"), NEEDS(CHECK_NETWORK), CHECK_NETWORK, run_clock },
	[CHECK_COMPONENT] = { "component", N_("Key component"), 0, CHECK_COMPONENT, run_component },
	[CHECK_PCSC] = { "pcsc", N_("Smart card service"), NEEDS(CHECK_COMPONENT), CHECK_COMPONENT, run_pcsc },
	[CHECK_KEY_PRESENT] = { "key", N_("Key inserted"), NEEDS(CHECK_COMPONENT), CHECK_COMPONENT, run_key_present },
	[CHECK_KEY_KNOWN] = { "model", N_("Key recognised"), NEEDS(CHECK_KEY_PRESENT), CHECK_COMPONENT, run_key_known },
	[CHECK_PIN] = { "pin", N_("PIN"), NEEDS(CHECK_KEY_KNOWN), CHECK_COMPONENT, run_pin },
	[CHECK_CERTIFICATES] = { "certificates", N_("Certificates"), NEEDS(CHECK_KEY_KNOWN), CHECK_CERTIFICATES, run_certificates },
	[CHECK_ORDER] = { "order", N_("Unfinished order"), NEEDS(CHECK_CERTIFICATES) | NEEDS(CHECK_NETWORK), CHECK_ORDER, run_order },
	[CHECK_PAYMENT] = { "payment", N_("Payment service"), NEEDS(CHECK_NETWORK), CHECK_NETWORK, run_payment },
	[CHECK_FOLDER] = { "folder", N_("Data folder"), 0, CHECK_FOLDER, run_folder },
};

/* ---- the order of things ---- */

/* CHECK_OK when everything needed is there, CHECK_WAITING while it is not known, CHECK_SKIPPED when something is not. */
static enum check_state prospect(const struct doctor *doctor, enum check_item item, enum check_item *missing)
{
	enum check_state prospect = CHECK_OK;
	for (int need = 0; need < CHECK_ITEMS; need++) {
		if (!(plans[item].needs & NEEDS(need)))
			continue;
		enum check_state state = doctor->checks[need].state;
		*missing = (enum check_item)need;
		if (state == CHECK_BROKEN || state == CHECK_SKIPPED)
			return CHECK_SKIPPED;
		if (state == CHECK_WAITING || state == CHECK_RUNNING)
			prospect = CHECK_WAITING;
	}
	return prospect;
}

static void start(struct doctor *doctor, enum check_item item)
{
	struct check *check = &doctor->checks[item];
	enum check_item missing = item;
	switch (prospect(doctor, item, &missing)) {
	case CHECK_OK:
		*check = (struct check){ .state = CHECK_RUNNING };
		plans[item].run(doctor, check);
		break;
	case CHECK_SKIPPED:
		check_set(check, CHECK_SKIPPED, _("Not checked, because this is not in order yet: %s"), check_item_name(missing));
		break;
	default:
		break;
	}
}

static void step(void *ctx)
{
	struct doctor *doctor = ctx;
	bool moved = true;
	while (moved) {
		moved = false;
		for (int item = 0; item < CHECK_ITEMS; item++) {
			if (doctor->checks[item].state != CHECK_WAITING)
				continue;
			start(doctor, (enum check_item)item);
			moved = moved || doctor->checks[item].state != CHECK_WAITING;
		}
	}
	doctor->changed(doctor->ctx);
}

int doctor_new(const struct doctor_options *options, doctor_fn *changed, void *ctx, struct doctor **out)
{
	struct doctor *doctor = calloc(1, sizeof *doctor);
	if (doctor == NULL)
		return ERR_NO_MEMORY;
	doctor->options = *options;
	doctor->changed = changed;
	doctor->ctx = ctx;
	*out = doctor;
	return 0;
}

void doctor_free(struct doctor **doctor_ref)
{
	struct doctor *doctor = *doctor_ref;
	if (doctor == NULL)
		return;
	*doctor_ref = NULL;
	token_forget(doctor->options.token, doctor);
	hall_cancel(&doctor->info_call);
	hall_cancel(&doctor->standings_call);
	loop_timer_cancel(doctor->options.loop, &doctor->next);
	forget_certs(doctor);
	free(doctor);
}

void doctor_run(struct doctor *doctor)
{
	token_forget(doctor->options.token, doctor);
	hall_cancel(&doctor->info_call);
	hall_cancel(&doctor->standings_call);
	if (doctor->checks[CHECK_KEY_PRESENT].state == CHECK_BROKEN)
		token_close(doctor->options.token); /* some modules see a key only when they start */
	memset(doctor->checks, 0, sizeof doctor->checks);
	schedule(doctor);
}

/* While something is still running, an answer that belongs to the round before could settle a check of this one. */
void doctor_run_one(struct doctor *doctor, enum check_item item)
{
	unsigned again = NEEDS(plans[item].source);
	if (!doctor_done(doctor))
		return;
	for (bool more = true; more;) {
		more = false;
		for (int other = 0; other < CHECK_ITEMS; other++)
			if (!(again & NEEDS(other)) && plans[other].needs & again) {
				again |= NEEDS(other);
				more = true;
			}
	}
	for (int other = 0; other < CHECK_ITEMS; other++)
		if (again & NEEDS(other))
			doctor->checks[other] = (struct check){ .state = CHECK_WAITING };
	schedule(doctor);
}

/* ---- asking the doctor ---- */

const struct check *doctor_check(const struct doctor *doctor, enum check_item item)
{
	return &doctor->checks[item];
}

const char *check_item_name(enum check_item item)
{
	return _(plans[item].name);
}

const char *check_item_id(enum check_item item)
{
	return plans[item].id;
}

const char *check_state_name(enum check_state state)
{
	static const char *const names[] = { N_("waiting"), N_("checking"), N_("in order"), N_("warning"), N_("not in order"), N_("skipped") };
	return _(names[state]);
}

static bool any(const struct doctor *doctor, enum check_state state)
{
	for (int item = 0; item < CHECK_ITEMS; item++)
		if (doctor->checks[item].state == state)
			return true;
	return false;
}

bool doctor_done(const struct doctor *doctor)
{
	return !any(doctor, CHECK_WAITING) && !any(doctor, CHECK_RUNNING);
}

bool doctor_passed(const struct doctor *doctor)
{
	return doctor_done(doctor) && !any(doctor, CHECK_BROKEN);
}

int doctor_status(const struct doctor *doctor)
{
	return any(doctor, CHECK_BROKEN) ? 2 : any(doctor, CHECK_WARNING) ? 1 : 0;
}
