/* For tests and the demo, from this machine only: pay a bill, switch faults, read the ledger. */
#include "bank/bank.h"

#include <string.h>

#include <certhall/clock.h>

#include "bank/bills.h"
#include "bank/ledger.h"
#include "bank/message.h"

static void answer(struct reply *reply, enum verdict verdict, json_object *out)
{
	message_put(out, "errCode", verdict_code(verdict));
	message_put(out, "errMsg", verdict_text(verdict));
	reply_json(reply, verdict == VERDICT_SUCCESS ? 200 : verdict == VERDICT_NO_BILL ? 404 : 409, out);
}

static struct {
	const char *name;
	size_t offset;
} const fault_names[] = {
#define X(name) { #name, offsetof(struct faults, name) },
	BANK_FAULTS(X)
#undef X
};

static int64_t *fault(struct faults *faults, const char *name)
{
	for (size_t i = 0; i < sizeof fault_names / sizeof *fault_names; i++)
		if (strcmp(fault_names[i].name, name) == 0)
			return (int64_t *)((char *)faults + fault_names[i].offset);
	return NULL;
}

/* All or none: a misspelt fault must not pass for one that is on. */
static enum verdict set_faults(struct bank *bank, json_object *wanted)
{
	struct faults faults = bank->faults;
	json_object_object_foreach(wanted, name, value) {
		int64_t *at = fault(&faults, name);
		if (at == NULL || (!json_object_is_type(value, json_type_int) && !json_object_is_type(value, json_type_boolean)))
			return VERDICT_FORMAT;
		*at = !json_object_is_type(value, json_type_boolean) ? json_object_get_int64(value) : json_object_get_boolean(value) ? -1 : 0;
	}
	bank->faults = faults;
	if (bank->notify != NULL) /* what was held may go */
		bank->notify(bank->notify_ctx);
	return VERDICT_SUCCESS;
}

/* As a file for a person (out NULL), or in an answer. */
static enum verdict give_statement(struct bank *bank, const char *date, json_object *out, struct reply *reply)
{
	int64_t day;
	struct bytes text = { 0 };
	enum verdict verdict = VERDICT_SUCCESS;
	if (date == NULL || !message_moment(date, MESSAGE_DATE, &day))
		verdict = VERDICT_FORMAT;
	else if (ledger_statement(bank->ledger, date, day, day + 86400, &text) != 0)
		verdict = VERDICT_INTERNAL;
	else if (out != NULL)
		message_put(out, "statement", (const char *)text.data);
	else
		reply_text(reply, 200, "text/csv; charset=utf-8", (const char *)text.data);
	bytes_free(&text);
	return verdict;
}

static enum verdict act(struct bank *bank, json_object *in, json_object *out, struct reply *reply)
{
	json_object *set = json_object_object_get(in, "set"), *action = json_object_object_get(in, "do");
	if (json_object_is_type(set, json_type_object))
		return set_faults(bank, set);
	const char *bill = json_object_get_string(json_object_object_get(in, "bill")), *what = json_object_get_string(action);
	if (what != NULL && strcmp(what, "statement") == 0)
		return give_statement(bank, json_object_get_string(json_object_object_get(in, "date")), out, reply);
	if (bill == NULL || what == NULL)
		return VERDICT_FORMAT;
	if (strcmp(what, "expire") == 0)
		return ledger_bill_expire(bank->ledger, bill, clock_now() - 1) ? VERDICT_SUCCESS : VERDICT_NO_BILL;
	if (strcmp(what, "refund") == 0)
		return bank_give_back(bank, bill, 'M') ? VERDICT_SUCCESS : VERDICT_NOT_PAID;
	if (strcmp(what, "pay") != 0)
		return VERDICT_FORMAT;
	json_object *wallet = json_object_object_get(in, "wallet"), *coupon = json_object_object_get(in, "coupon");
	struct oddity oddity = { .coupon = coupon != NULL ? json_object_get_int64(coupon) : -1,
		.amount = json_object_get_int64(json_object_object_get(in, "amount")),
		.late = json_object_get_boolean(json_object_object_get(in, "late")),
		.again = json_object_get_boolean(json_object_object_get(in, "again")) };
	json_object *at = json_object_object_get(in, "at");
	if (at != NULL && !message_moment(json_object_get_string(at), MESSAGE_DATE_TIME, &oddity.at))
		return VERDICT_FORMAT;
	return bank_pay(bank, bill, wallet != NULL ? json_object_get_string(wallet) : "WXPay", &oddity);
}

void control_handle(struct bank *bank, const struct request *request, struct reply *reply)
{
	if (!request->loopback || request->origin != NULL) { /* nor a page that a browser on this machine shows */
		reply_text(reply, 403, "text/plain", "this machine only\n");
		return;
	}
	if (strcmp(request->path, "/control/ledger") == 0) {
		reply_json(reply, 200, ledger_json(bank->ledger));
		return;
	}
	if (strcmp(request->path, "/control/statement") == 0) {
		if (give_statement(bank, request->id, NULL, reply) != VERDICT_SUCCESS)
			reply_text(reply, 400, "text/plain", "?id=YYYY-MM-DD\n");
		return;
	}
	if (strcmp(request->path, "/control") != 0 || strcmp(request->method, "POST") != 0 || request->content_type == NULL
		|| strncmp(request->content_type, "application/json", strlen("application/json")) != 0) {
		reply_text(reply, 415, "text/plain", "POST application/json\n");
		return;
	}
	json_object *in = json_tokener_parse(request->body), *out = json_object_new_object();
	answer(reply, json_object_is_type(in, json_type_object) ? act(bank, in, out, reply) : VERDICT_FORMAT, out);
	json_object_put(in);
}
