#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <certhall/text.h>

#include "service/payment/chinaums.h"

enum { DEPTH = 8, CHINA = 8 * 3600 };

json_object *chinaums_read_json(const char *text, size_t len)
{
	struct json_tokener *tokener = json_tokener_new_ex(DEPTH);
	if (tokener == NULL || len >= BYTES_MAX || memchr(text, '\0', len) != NULL) {
		json_tokener_free(tokener);
		return NULL;
	}
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	json_object *object = json_tokener_parse_ex(tokener, text, (int)len + 1); /* with its NUL, so that it must end there */
	bool ok = json_tokener_get_error(tokener) == json_tokener_success && json_tokener_get_parse_end(tokener) >= len
		&& json_object_is_type(object, json_type_object);
	json_tokener_free(tokener);
	if (ok)
		return object;
	json_object_put(object);
	return NULL;
}

const char *chinaums_read_text(json_object *object, const char *name)
{
	json_object *value = json_object_object_get(object, name);
	return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : "";
}

int64_t chinaums_read_fen(const char *digits)
{
	size_t len = strlen(digits);
	if (len == 0 || len > 15 || strspn(digits, "0123456789") != len)
		return -1;
	return strtoll(digits, NULL, 10);
}

int64_t chinaums_read_amount(json_object *object, const char *name)
{
	json_object *value = json_object_object_get(object, name);
	if (!json_object_is_type(value, json_type_int) && !json_object_is_type(value, json_type_string))
		return -1;
	return chinaums_read_fen(json_object_get_string(value));
}

int64_t chinaums_read_moment(const char *text)
{
	struct tm tm = { 0 };
	const char *rest = strptime(text, "%Y-%m-%d %H:%M:%S", &tm);
	return rest != NULL && *rest == '\0' ? (int64_t)timegm(&tm) - CHINA : 0;
}

enum payment_status chinaums_read_status(const char *bill_status)
{
	static const struct {
		const char *name;
		enum payment_status status;
	} names[] = { { "UNPAID", PAYMENT_UNPAID }, { "PAID", PAYMENT_PAID }, { "CLOSED", PAYMENT_CLOSED }, { "REFUND", PAYMENT_REFUNDED } };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(names[i].name, bill_status) == 0)
			return names[i].status;
	return PAYMENT_UNKNOWN;
}

void chinaums_read_result(const char *bill_status, int64_t amount, json_object *payment, struct payment_result *out)
{
	*out = (struct payment_result){ .status = chinaums_read_status(bill_status) };
	if (out->status != PAYMENT_PAID && out->status != PAYMENT_REFUNDED)
		return;
	const char *status = chinaums_read_text(payment, "status");
	bool settled = *status == '\0' || strcmp(status, "TRADE_SUCCESS") == 0 || strcmp(status, "TRADE_REFUND") == 0;
	if (amount < 0 || !settled) { /* it contradicts itself, or does not say how much */
		out->status = PAYMENT_UNKNOWN;
		return;
	}
	int64_t paid = chinaums_read_amount(payment, "totalAmount"), invoice = chinaums_read_amount(payment, "invoiceAmount");
	out->amount_fen = paid >= 0 ? paid : amount;
	out->told_fen = amount;
	out->invoice_fen = invoice >= 0 ? invoice : out->amount_fen;
	out->paid_at = chinaums_read_moment(chinaums_read_text(payment, "payTime"));
	const char *transaction = chinaums_read_text(payment, "targetOrderId"), *sequence = chinaums_read_text(payment, "paySeqId");
	text_sanitize(*transaction != '\0' ? transaction : sequence, out->transaction, sizeof out->transaction, false);
	text_sanitize(sequence, out->sequence, sizeof out->sequence, false);
	text_sanitize(chinaums_read_text(payment, "targetSys"), out->wallet, sizeof out->wallet, false);
}
