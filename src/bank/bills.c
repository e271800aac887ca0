#include "bank/bills.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/rand.h>

#include <certhall/clock.h>
#include <certhall/text.h>

#include "bank/ledger.h"
#include "bank/message.h"
#include "bank/pay.h"

enum { QR_LIFE = 30 * 60, CHINA = 8 * 3600, DAY = 86400 };

/* A bill's, a code's or a refund's number: letters and digits behind the merchant's source id. */
static bool number(const struct bank *bank, const char *no, size_t min, size_t max)
{
	size_t len = strlen(no);
	if (len < min || len > max || strncmp(no, bank->merchant.source_id, strlen(bank->merchant.source_id)) != 0)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)no[i]))
			return false;
	return true;
}

/* {4 source}{17 time}{7 random} */
static void new_qr_id(const struct bank *bank, char *out, size_t size)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	char when[15];
	time_t china = now.tv_sec + CHINA;
	struct tm tm;
	strftime(when, sizeof when, "%Y%m%d%H%M%S", gmtime_r(&china, &tm));
	unsigned random = 0;
	RAND_bytes((unsigned char *)&random, sizeof random);
	snprintf(out, size, "%s%s%03u%07u", bank->merchant.source_id, when, (unsigned)(now.tv_nsec / 1000000) % 1000,
		random % 10000000);
}

static void qr_url(const struct bank *bank, const struct bill *bill, char *out, size_t size)
{
	snprintf(out, size, "%s/bills/qrCode.do?id=%s", bank->url, bill->qr_id);
}

static bool expired(const struct bill *bill)
{
	return bill->expires <= clock_now();
}

/* The bill a request names by number and its original date. */
static enum verdict find(struct bank *bank, json_object *in, struct bill *bill)
{
	if (!number(bank, message_text(in, "billNo"), 6, 63))
		return VERDICT_BILL_NO;
	enum found found = ledger_bill(bank->ledger, message_text(in, "billNo"), bill);
	if (found != FOUND)
		return found == NOT_FOUND ? VERDICT_NO_BILL : VERDICT_INTERNAL;
	return strcmp(message_text(in, "billDate"), bill->date) == 0 ? VERDICT_SUCCESS : VERDICT_BILL_DATE;
}

static void put_code(const struct bank *bank, const struct bill *bill, json_object *out)
{
	char url[320];
	qr_url(bank, bill, url, sizeof url);
	message_put(out, "billNo", bill->no);
	message_put(out, "billDate", bill->date);
	message_put(out, "qrCodeId", bill->qr_id);
	message_put(out, "billQRCode", url);
}

static enum verdict get_qr_code(struct bank *bank, json_object *in, json_object *out)
{
	struct bill bill = { .created = clock_now(), .amount = message_amount(in, "totalAmount") }, old;
	if (!number(bank, message_text(in, "billNo"), 6, 63))
		return VERDICT_BILL_NO;
	if (bill.amount < 0)
		return VERDICT_AMOUNT;
	/* A day either way: the merchant's clock and ours may stand on two sides of midnight. */
	int64_t day;
	if (!message_moment(message_text(in, "billDate"), MESSAGE_DATE, &day) || bill.created < day - DAY || bill.created >= day + 2 * DAY)
		return VERDICT_BILL_DATE;
	snprintf(bill.no, sizeof bill.no, "%s", message_text(in, "billNo"));
	snprintf(bill.date, sizeof bill.date, "%s", message_text(in, "billDate"));
	bill.expires = bill.created + QR_LIFE;
	const char *expires = message_text(in, "expireTime"), *qr_id = message_text(in, "qrCodeId"), *notify = message_text(in, "notifyUrl");
	if (*expires != '\0' && !message_moment(expires, MESSAGE_DATE_TIME, &bill.expires))
		return VERDICT_EXPIRE_TIME;
	if (strlen(notify) >= sizeof bill.notify_url
		|| (*notify != '\0' && strncmp(notify, "http://", 7) != 0 && strncmp(notify, "https://", 8) != 0))
		return VERDICT_FORMAT;
	snprintf(bill.notify_url, sizeof bill.notify_url, "%s", notify);
	text_sanitize(message_text(in, "billDesc"), bill.description, sizeof bill.description, false);

	enum found found = ledger_bill(bank->ledger, bill.no, &old);
	if (found == FOUND) { /* asked again: the same answer, or a number used twice */
		if (old.amount != bill.amount || strcmp(old.date, bill.date) != 0)
			return VERDICT_DUPLICATE;
		if (old.state == BILL_CLOSED || (old.state == BILL_UNPAID && expired(&old)))
			return VERDICT_NOT_PAYABLE;
		put_code(bank, &old, out);
		return VERDICT_SUCCESS;
	}
	if (found == FIND_FAILED)
		return VERDICT_INTERNAL;
	if (expired(&bill))
		return VERDICT_EXPIRE_TIME;
	if (*qr_id == '\0')
		new_qr_id(bank, bill.qr_id, sizeof bill.qr_id);
	else if (!number(bank, qr_id, 28, 28) || ledger_bill_by_qr(bank->ledger, qr_id, &old) != NOT_FOUND)
		return VERDICT_QR_ID;
	else
		snprintf(bill.qr_id, sizeof bill.qr_id, "%s", qr_id);
	if (!ledger_bill_add(bank->ledger, &bill))
		return VERDICT_INTERNAL;
	if (bank_fault(&bank->faults.pay_early))
		bank_pay(bank, bill.no, "Alipay 2.0", &(struct oddity){ .coupon = -1 });
	put_code(bank, &bill, out);
	return VERDICT_SUCCESS;
}

static const char *refund_status(struct bank *bank, const struct refund *refund)
{
	if (!refund->settled && !ledger_refund_settle(bank->ledger, refund->no))
		return "UNKNOWN";
	return "SUCCESS";
}

static enum verdict query(struct bank *bank, json_object *in, json_object *out)
{
	struct bill bill;
	struct bill_payment payment;
	enum verdict verdict = find(bank, in, &bill);
	if (verdict != VERDICT_SUCCESS)
		return verdict;
	const char *refund_no = message_text(in, "refundOrderId");
	struct refund refund;
	if (*refund_no != '\0') {
		if (!number(bank, refund_no, 6, 63))
			return VERDICT_REFUND_NO;
		if (ledger_refund(bank->ledger, refund_no, &refund) != FOUND || strcmp(refund.bill_no, bill.no) != 0)
			return VERDICT_NO_REFUND;
		const char *status = refund_status(bank, &refund);
		json_object *part = json_object_new_object();
		message_put(part, "merOrderId", refund.no);
		message_put_int(part, "totalAmount", refund.amount);
		message_put(part, "status", strcmp(status, "SUCCESS") == 0 ? "TRADE_REFUND" : "UNKNOWN");
		json_object_object_add(out, "refundBillPayment", part);
		message_put(out, "refundOrderId", refund.no);
		message_put(out, "refundStatus", status);
		if (ledger_bill(bank->ledger, refund.bill_no, &bill) != FOUND)
			return VERDICT_INTERNAL;
	}
	const char *status = bill_state_name(bill.state);
	if (bill.state == BILL_UNPAID && expired(&bill))
		status = "CLOSED";
	bool behind = bill.state == BILL_PAID && bank_fault(&bank->faults.query_behind);
	if (behind)
		status = "UNPAID";
	if (bank_fault(&bank->faults.status_unknown))
		status = "UNKNOWN";
	char when[24];
	put_code(bank, &bill, out);
	message_put(out, "billStatus", status);
	message_put(out, "billDesc", bill.description);
	message_put_int(out, "totalAmount", bill.amount);
	message_put(out, "createTime", clock_date_time(bill.created, when, sizeof when));
	if (strcmp(status, "UNKNOWN") != 0 && !behind && ledger_payment(bank->ledger, bill.no, 0, &payment) == FOUND)
		json_object_object_add(out, "billPayment", bank_payment_json(&bill, &payment));
	return VERDICT_SUCCESS;
}

static enum verdict refund(struct bank *bank, json_object *in, json_object *out)
{
	struct bill bill;
	enum verdict verdict = find(bank, in, &bill);
	if (verdict != VERDICT_SUCCESS)
		return verdict;
	struct refund wanted = { .amount = message_amount(in, "refundAmount"), .created = clock_now() }, old;
	const char *no = message_text(in, "refundOrderId");
	if (!number(bank, no, 6, 63))
		return VERDICT_REFUND_NO;
	if (wanted.amount < 0)
		return VERDICT_AMOUNT;
	snprintf(wanted.no, sizeof wanted.no, "%s", no);
	snprintf(wanted.bill_no, sizeof wanted.bill_no, "%s", bill.no);
	const char *status = "PROCESSING";
	switch (ledger_refund(bank->ledger, no, &old)) {
	case FOUND:
		if (old.amount != wanted.amount || strcmp(old.bill_no, bill.no) != 0)
			return VERDICT_REFUND_NO;
		if (!bank_fault(&bank->faults.refund_processing))
			status = refund_status(bank, &old);
		break;
	case NOT_FOUND:
		if (ledger_paid(bank->ledger, bill.no) <= 0)
			return VERDICT_NOT_PAID;
		int64_t before = ledger_refunded(bank->ledger, bill.no, false);
		if (before < 0 || wanted.amount > ledger_paid(bank->ledger, bill.no) - before)
			return VERDICT_REFUND_AMOUNT;
		if (bank_fault(&bank->faults.refund_fail)) {
			status = "FAIL";
			break;
		}
		if (!ledger_refund_add(bank->ledger, &wanted))
			return VERDICT_INTERNAL;
		if (bank_fault(&bank->faults.refund_unknown))
			status = "UNKNOWN";
		else if (!bank_fault(&bank->faults.refund_processing))
			status = refund_status(bank, &wanted);
		break;
	case FIND_FAILED:
	default:
		return VERDICT_INTERNAL;
	}
	message_put(out, "billNo", bill.no);
	message_put(out, "billDate", bill.date);
	message_put(out, "refundOrderId", wanted.no);
	message_put_int(out, "refundAmount", wanted.amount);
	message_put(out, "refundStatus", status);
	return VERDICT_SUCCESS;
}

/* The bill a request names by its code, and by number and date where it gives them. */
static enum verdict find_by_code(struct bank *bank, json_object *in, struct bill *bill)
{
	if (!number(bank, message_text(in, "qrCodeId"), 28, 28))
		return VERDICT_QR_ID;
	enum found found = ledger_bill_by_qr(bank->ledger, message_text(in, "qrCodeId"), bill);
	if (found != FOUND)
		return found == NOT_FOUND ? VERDICT_NO_BILL : VERDICT_INTERNAL;
	if (*message_text(in, "billNo") != '\0' && strcmp(message_text(in, "billNo"), bill->no) != 0)
		return VERDICT_BILL_NO;
	if (*message_text(in, "billDate") != '\0' && strcmp(message_text(in, "billDate"), bill->date) != 0)
		return VERDICT_BILL_DATE;
	return VERDICT_SUCCESS;
}

bool bank_give_back(struct bank *bank, const char *bill_no, char mark)
{
	struct refund all = { .amount = ledger_paid(bank->ledger, bill_no) - ledger_refunded(bank->ledger, bill_no, false), .created = clock_now() };
	snprintf(all.bill_no, sizeof all.bill_no, "%s", bill_no);
	snprintf(all.no, sizeof all.no, "%.60s%c", bill_no, mark);
	return all.amount > 0 && ledger_refund_add(bank->ledger, &all) && ledger_refund_settle(bank->ledger, all.no);
}

static bool attach_refund(json_object *in)
{
	json_object *value = json_object_object_get(in, "attachRefund");
	return value != NULL && strcmp(json_object_get_string(value), "true") == 0;
}

/* Closing what was paid a moment ago is refused, or with attachRefund gives the money back. */
static enum verdict close_qr_code(struct bank *bank, json_object *in, json_object *out)
{
	struct bill bill;
	enum verdict verdict = find_by_code(bank, in, &bill);
	if (verdict != VERDICT_SUCCESS)
		return verdict;
	if (bill.state == BILL_UNPAID) {
		if (!ledger_bill_set_state(bank->ledger, bill.no, BILL_CLOSED))
			return VERDICT_INTERNAL;
	} else if (bill.state == BILL_PAID) {
		if (!attach_refund(in))
			return VERDICT_PAID;
		if (!bank_give_back(bank, bill.no, 'C'))
			return VERDICT_INTERNAL;
	}
	message_put(out, "qrCodeId", bill.qr_id);
	message_put(out, "billNo", bill.no);
	return VERDICT_SUCCESS;
}

static enum verdict query_qr_code_info(struct bank *bank, json_object *in, json_object *out)
{
	struct bill bill;
	enum verdict verdict = find_by_code(bank, in, &bill);
	if (verdict != VERDICT_SUCCESS)
		return verdict;
	char when[24];
	put_code(bank, &bill, out);
	message_put(out, "billStatus", bill.state == BILL_UNPAID && expired(&bill) ? "CLOSED" : bill_state_name(bill.state));
	message_put_int(out, "totalAmount", bill.amount);
	message_put(out, "expireTime", clock_date_time(bill.expires, when, sizeof when));
	return VERDICT_SUCCESS;
}

static const struct operation operations[] = {
	{ "bills.getQRCode", "/v1/netpay/bills/get-qrcode", get_qr_code },
	{ "bills.query", "/v1/netpay/bills/query", query },
	{ "bills.refund", "/v1/netpay/bills/refund", refund },
	{ "bills.closeQRCode", "/v1/netpay/bills/close-qrcode", close_qr_code },
	{ "bills.queryQRCodeInfo", "/v1/netpay/bills/query-qrcode-info", query_qr_code_info },
};

const struct operation *bills_operation(const char *msg_type, const char *path)
{
	for (size_t i = 0; i < sizeof operations / sizeof *operations; i++)
		if (msg_type != NULL ? strcmp(msg_type, operations[i].msg_type) == 0 : strcmp(path, operations[i].path) == 0)
			return &operations[i];
	return NULL;
}
