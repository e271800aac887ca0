#include "service/payment/chinaums.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <certhall/clock.h>
#include <certhall/secret.h>
#include <certhall/text.h>

/* Longest number of an older wallet behind the gateway (out_trade_no 6..32), which ours may become part of. */
enum { NUMBER_MAX = 32 };

static const struct chinaums_operation get_qr_code = { "bills.getQRCode", "/v1/netpay/bills/get-qrcode" };
static const struct chinaums_operation query_bill = { "bills.query", "/v1/netpay/bills/query" };
static const struct chinaums_operation refund_bill = { "bills.refund", "/v1/netpay/bills/refund" };
static const struct chinaums_operation close_qr_code = { "bills.closeQRCode", "/v1/netpay/bills/close-qrcode" };

static void ums_free(struct payment *payment)
{
	struct chinaums *ums = (struct chinaums *)payment;
	chinaums_http_free(ums);
	pthread_mutex_destroy(&ums->lock);
	secret_wipe(ums->key, sizeof ums->key);
	secret_wipe(ums->app_key, sizeof ums->app_key);
	free(ums);
	curl_global_cleanup();
}

static int ums_open(const config_setting_t *settings, struct payment **out, struct error *err)
{
	struct chinaums *ums = calloc(1, sizeof *ums);
	if (ums == NULL)
		return error_set(err, ERR_NO_MEMORY, "", "payment");
	pthread_mutex_init(&ums->lock, NULL);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	ums->base.driver = &chinaums_driver;
	int rc = chinaums_settings_read(settings, ums, err);
	if (rc != 0)
		ums_free(&ums->base);
	else
		*out = &ums->base;
	return rc;
}

static int number(char *out, struct error *err, int len)
{
	for (const char *p = out; len <= NUMBER_MAX && *p != '\0'; p++)
		if (!isalnum((unsigned char)*p))
			len = NUMBER_MAX + 1;
	if (len <= NUMBER_MAX)
		return 0;
	out[0] = '\0';
	return error_set(err, ERR_BAD_INPUT, "number", "a number for the gateway has at most %d letters and digits", NUMBER_MAX);
}

static int ums_make_bill_no(const struct payment *payment, const char *order_no, int attempt, char *out, struct error *err)
{
	const struct chinaums *ums = (const struct chinaums *)payment;
	int len = snprintf(out, PAYMENT_NO_SIZE, "%s%.40s%02d", ums->source_id, order_no, attempt);
	return number(out, err, attempt >= 1 && attempt <= 99 ? len : NUMBER_MAX + 1);
}

static int ums_make_refund_no(const struct payment *payment, const char *bill_no, int n, char *out, struct error *err)
{
	(void)payment; /* the bill's number begins with the source id already */
	int len = snprintf(out, PAYMENT_NO_SIZE, "%.40sR%d", bill_no, n);
	return number(out, err, n >= 1 && n <= 9 ? len : NUMBER_MAX + 1);
}

static void put(json_object *object, const char *name, const char *value)
{
	if (value[0] != '\0')
		json_object_object_add(object, name, json_object_new_string(value));
}

static json_object *about(const struct payment_bill *bill)
{
	json_object *request = json_object_new_object();
	put(request, "billNo", bill->bill_no);
	put(request, "billDate", bill->bill_date);
	return request;
}

/* The gateway's refusal, in its own words for the log. */
static int rejected(struct error *err, enum error_code as, const char *code, json_object *answer)
{
	char clean[40], words[120];
	text_sanitize(code, clean, sizeof clean, false);
	text_sanitize(chinaums_read_text(answer, "errMsg"), words, sizeof words, false);
	return error_set(err, as, "", "%s: %s", clean, words);
}

static int call(struct payment *payment, const struct chinaums_operation *operation, json_object *request, json_object **answer,
	const char **code, struct error *err)
{
	return chinaums_http_call((struct chinaums *)payment, operation, request, answer, code, err);
}

static bool success(const char *code)
{
	return strcmp(code, "SUCCESS") == 0;
}

/* It answers what was asked: the same bill, where it names one. */
static bool same_bill(const struct payment_bill *bill, json_object *answer)
{
	const char *date = chinaums_read_text(answer, "billDate");
	return strcmp(chinaums_read_text(answer, "billNo"), bill->bill_no) == 0 && (*date == '\0' || strcmp(date, bill->bill_date) == 0);
}

static int ums_create(struct payment *payment, struct payment_bill *bill, struct error *err)
{
	struct chinaums *ums = (struct chinaums *)payment;
	char when[20];
	json_object *request = about(bill), *answer;
	const char *code;
	put(request, "billDesc", bill->description);
	json_object_object_add(request, "totalAmount", json_object_new_int64(bill->amount_fen));
	put(request, "expireTime", bill->expires > 0 ? clock_date_time(bill->expires, when, sizeof when) : "");
	put(request, "notifyUrl", ums->notify_url);
	int rc = call(payment, &get_qr_code, request, &answer, &code, err);
	if (rc != 0)
		return rc;
	const char *url = chinaums_read_text(answer, "billQRCode"), *id = chinaums_read_text(answer, "qrCodeId");
	if (!success(code))
		rc = rejected(err, ERR_PAYMENT_UNAVAILABLE, code, answer);
	else if (!same_bill(bill, answer) || *id == '\0' || strlen(id) >= sizeof bill->qr_id)
		rc = error_set(err, ERR_PAYMENT_UNAVAILABLE, "", "the answer is about another bill, or has no code");
	else if (!chinaums_settings_allow(ums, url))
		rc = error_set(err, ERR_PAYMENT_UNAVAILABLE, "", "the code leads to a host that is not in qr_hosts");
	if (rc == 0) {
		snprintf(bill->qr_url, sizeof bill->qr_url, "%s", url);
		snprintf(bill->qr_id, sizeof bill->qr_id, "%s", id);
	}
	json_object_put(answer);
	return rc;
}

/* As in payment.h: with query, close and refund, no usable answer means that it is not known. */
static int unknown(struct error *err, int rc)
{
	if (rc != ERR_PAYMENT_UNAVAILABLE)
		return rc;
	if (err != NULL)
		err->code = ERR_PAYMENT_UNKNOWN;
	return ERR_PAYMENT_UNKNOWN;
}

static int ums_query(struct payment *payment, const struct payment_bill *bill, struct payment_result *out, struct error *err)
{
	json_object *answer;
	const char *code;
	int rc = call(payment, &query_bill, about(bill), &answer, &code, err);
	if (rc != 0)
		return unknown(err, rc);
	if (!success(code))
		rc = rejected(err, ERR_PAYMENT_UNKNOWN, code, answer);
	else if (!same_bill(bill, answer))
		rc = error_set(err, ERR_PAYMENT_UNKNOWN, "", "the answer is about another bill");
	else
		chinaums_read_result(chinaums_read_text(answer, "billStatus"), chinaums_read_amount(answer, "totalAmount"),
			json_object_object_get(answer, "billPayment"), out);
	json_object_put(answer);
	return rc;
}

/* Whether the code was taken back is only believed of the query: the payer may have been faster than either. */
static int ums_close(struct payment *payment, const struct payment_bill *bill, struct payment_result *out, struct error *err)
{
	if (bill->qr_id[0] == '\0') {
		out->status = PAYMENT_CLOSED;
		return 0;
	}
	json_object *request = about(bill), *answer;
	const char *code;
	put(request, "qrCodeId", bill->qr_id);
	int rc = call(payment, &close_qr_code, request, &answer, &code, err);
	if (rc == ERR_NO_MEMORY)
		return rc;
	bool closed = rc == 0 && success(code);
	json_object_put(answer);
	rc = ums_query(payment, bill, out, err);
	if (rc == 0 && out->status == PAYMENT_UNPAID && closed)
		out->status = PAYMENT_CLOSED; /* the code is gone; some gateways leave its bill unpaid */
	else if (rc == 0 && (out->status == PAYMENT_UNPAID || out->status == PAYMENT_UNKNOWN))
		rc = error_set(err, ERR_PAYMENT_UNKNOWN, "", "not closed, and %s", payment_status_name(out->status));
	return rc;
}

static enum payment_refund_status refund_status(json_object *answer)
{
	static const struct {
		const char *name;
		enum payment_refund_status status;
	} names[] = { { "SUCCESS", PAYMENT_REFUND_DONE }, { "PROCESSING", PAYMENT_REFUND_PROCESSING }, { "FAIL", PAYMENT_REFUND_FAILED } };
	const char *status = chinaums_read_text(answer, "refundStatus");
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(names[i].name, status) == 0)
			return names[i].status;
	json_object *part = json_object_object_get(answer, "refundBillPayment");
	if (*status == '\0' && strcmp(chinaums_read_text(part, "status"), "TRADE_REFUND") == 0)
		return PAYMENT_REFUND_DONE;
	return PAYMENT_REFUND_UNKNOWN;
}

static int refund_query(struct payment *payment, const struct payment_bill *bill, const char *refund_no,
	enum payment_refund_status *out, struct error *err)
{
	json_object *request = about(bill), *answer;
	const char *code;
	put(request, "refundOrderId", refund_no);
	int rc = call(payment, &query_bill, request, &answer, &code, err);
	if (rc != 0)
		return unknown(err, rc);
	if (success(code) && same_bill(bill, answer))
		*out = refund_status(answer);
	json_object_put(answer);
	return 0;
}

/* A refusal may mean that this very refund was made before: asking for it by its number tells. */
static int ums_refund(struct payment *payment, const struct payment_bill *bill, const char *refund_no, int64_t amount_fen,
	enum payment_refund_status *out, struct error *err)
{
	json_object *request = about(bill), *answer;
	const char *code;
	put(request, "refundOrderId", refund_no);
	json_object_object_add(request, "refundAmount", json_object_new_int64(amount_fen));
	int rc = call(payment, &refund_bill, request, &answer, &code, err);
	if (rc != 0)
		return unknown(err, rc);
	struct error refusal = { 0 };
	if (success(code))
		*out = refund_status(answer);
	else
		rejected(&refusal, ERR_PAYMENT_UNKNOWN, code, answer);
	json_object_put(answer);
	if (*out != PAYMENT_REFUND_UNKNOWN)
		return 0;
	rc = refund_query(payment, bill, refund_no, out, err);
	if (rc == 0 && *out == PAYMENT_REFUND_UNKNOWN && refusal.code != ERR_OK)
		rc = error_set(err, ERR_PAYMENT_UNKNOWN, "", "%.200s", refusal.detail);
	return rc;
}

static const char *ums_notify_answer(bool taken)
{
	return taken ? "SUCCESS" : "FAILED";
}

/* Asks the stand-in for something; takes order over. */
static int control(struct payment *payment, json_object *order, json_object **answer, struct error *err)
{
	int rc = chinaums_http_post((struct chinaums *)payment, "/control", json_object_to_json_string(order), answer, err);
	json_object_put(order);
	if (rc != 0)
		return rc;
	const char *code = chinaums_read_text(*answer, "errCode");
	return success(code) ? 0 : rejected(err, ERR_ORDER_STATE, code, *answer);
}

static int ums_sandbox_pay(struct payment *payment, const struct payment_bill *bill, struct error *err)
{
	json_object *order = json_object_new_object(), *answer = NULL;
	put(order, "bill", bill->bill_no);
	put(order, "do", "pay");
	int rc = control(payment, order, &answer, err);
	json_object_put(answer);
	return rc;
}

static int ums_sandbox_statement(struct payment *payment, const char *date, struct bytes *out, struct error *err)
{
	json_object *order = json_object_new_object(), *answer = NULL;
	put(order, "date", date);
	put(order, "do", "statement");
	int rc = control(payment, order, &answer, err);
	const char *text = rc == 0 ? chinaums_read_text(answer, "statement") : "";
	if (rc == 0 && bytes_set(out, text, strlen(text)) != 0)
		rc = error_set(err, ERR_NO_MEMORY, "", "statement");
	json_object_put(answer);
	return rc;
}

const struct payment_driver chinaums_driver = {
	.name = "chinaums",
	.open = ums_open,
	.free = ums_free,
	.make_bill_no = ums_make_bill_no,
	.make_refund_no = ums_make_refund_no,
	.create = ums_create,
	.query = ums_query,
	.close = ums_close,
	.refund = ums_refund,
	.notify = chinaums_notify,
	.notify_answer = ums_notify_answer,
	.sandbox_pay = ums_sandbox_pay,
	.sandbox_statement = ums_sandbox_statement,
};
