#include "service/payment/payment.h"

#include <string.h>

#include "service/payment/driver.h"

static const struct payment_driver *const drivers[] = { &chinaums_driver };

int payment_open(const config_setting_t *settings, struct payment **out, struct error *err)
{
	const char *name = "";
	*out = NULL;
	if (settings == NULL)
		return error_set(err, ERR_CONFIG, "payment", "there is no group \"payment\"");
	config_setting_lookup_string(settings, "driver", &name);
	for (size_t i = 0; i < sizeof drivers / sizeof *drivers; i++)
		if (strcmp(drivers[i]->name, name) == 0)
			return drivers[i]->open(settings, out, err);
	return error_set(err, ERR_CONFIG, "payment.driver", "there is no driver \"%.40s\"", name);
}

void payment_free(struct payment **payment)
{
	if (*payment != NULL)
		(*payment)->driver->free(*payment);
	*payment = NULL;
}

int payment_make_bill_no(const struct payment *payment, const char *order_no, int attempt, char out[PAYMENT_NO_SIZE],
	struct error *err)
{
	return payment->driver->make_bill_no(payment, order_no, attempt, out, err);
}

int payment_make_refund_no(const struct payment *payment, const char *bill_no, int n, char out[PAYMENT_NO_SIZE],
	struct error *err)
{
	return payment->driver->make_refund_no(payment, bill_no, n, out, err);
}

int payment_bill_create(struct payment *payment, struct payment_bill *bill, struct error *err)
{
	return payment->driver->create(payment, bill, err);
}

int payment_bill_query(struct payment *payment, const struct payment_bill *bill, struct payment_result *out, struct error *err)
{
	*out = (struct payment_result){ .status = PAYMENT_UNKNOWN };
	return payment->driver->query(payment, bill, out, err);
}

int payment_bill_close(struct payment *payment, const struct payment_bill *bill, struct payment_result *out, struct error *err)
{
	*out = (struct payment_result){ .status = PAYMENT_UNKNOWN };
	return payment->driver->close(payment, bill, out, err);
}

int payment_refund(struct payment *payment, const struct payment_bill *bill, const char *refund_no, int64_t amount_fen,
	enum payment_refund_status *out, struct error *err)
{
	*out = PAYMENT_REFUND_UNKNOWN;
	return payment->driver->refund(payment, bill, refund_no, amount_fen, out, err);
}

int payment_notify(struct payment *payment, const char *body, size_t len, char bill_no[PAYMENT_NO_SIZE],
	struct payment_result *out, struct error *err)
{
	*out = (struct payment_result){ .status = PAYMENT_UNKNOWN };
	bill_no[0] = '\0';
	return payment->driver->notify(payment, body, len, bill_no, out, err);
}

const char *payment_notify_answer(const struct payment *payment, bool taken)
{
	return payment->driver->notify_answer(taken);
}

bool payment_is_sandbox(const struct payment *payment)
{
	return payment->sandbox;
}

int payment_sandbox_pay(struct payment *payment, const struct payment_bill *bill, struct error *err)
{
	if (!payment->sandbox)
		return error_set(err, ERR_METHOD_NOT_ALLOWED, "", "a real gateway is only paid by a payer");
	return payment->driver->sandbox_pay(payment, bill, err);
}

int payment_sandbox_statement(struct payment *payment, const char *date, struct bytes *out, struct error *err)
{
	if (!payment->sandbox)
		return error_set(err, ERR_METHOD_NOT_ALLOWED, "", "a real gateway's statement comes as a file: --statement FILE");
	return payment->driver->sandbox_statement(payment, date, out, err);
}

const char *payment_status_name(enum payment_status status)
{
	static const char *const names[] = { [PAYMENT_UNKNOWN] = "unknown", [PAYMENT_UNPAID] = "unpaid", [PAYMENT_PAID] = "paid",
		[PAYMENT_CLOSED] = "closed", [PAYMENT_REFUNDED] = "refunded" };
	return names[status];
}
