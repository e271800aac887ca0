#include "bank/pay.h"

#include <stdio.h>

#include <openssl/rand.h>

#include <certhall/clock.h>

#include "bank/bank.h"
#include "bank/message.h"

bool bank_fault(int64_t *fault)
{
	if (*fault == 0)
		return false;
	if (*fault > 0)
		--*fault;
	return true;
}

/* prefix + date + 16 hex digits */
static void new_id(const char *prefix, char *out, size_t size)
{
	unsigned char random[8];
	char hex[17], day[12];
	RAND_bytes(random, sizeof random);
	snprintf(out, size, "%s%.4s%s", prefix, clock_date(clock_now(), day, sizeof day), hex_encode(random, sizeof random, hex));
}

json_object *bank_payment_json(const struct bill *bill, const struct bill_payment *payment)
{
	json_object *out = json_object_new_object();
	char when[24];
	message_put(out, "merOrderId", bill->no);
	message_put(out, "billBizType", "bills");
	message_put(out, "paySeqId", payment->transaction);
	message_put_int(out, "totalAmount", payment->amount);
	message_put_int(out, "buyerPayAmount", payment->amount - payment->coupon);
	message_put_int(out, "invoiceAmount", payment->amount - payment->coupon);
	message_put_int(out, "couponAmount", payment->coupon);
	message_put(out, "buyerId", "000000TEST");
	message_put(out, "payDetail", payment->coupon > 0 ? "余额支付，优惠券支付" : "余额支付");
	message_put(out, "payTime", clock_date_time(payment->paid_at, when, sizeof when));
	message_put(out, "settleDate", clock_date(payment->paid_at, when, sizeof when));
	message_put(out, "status", bill->state == BILL_REFUND ? "TRADE_REFUND" : "TRADE_SUCCESS");
	message_put(out, "targetOrderId", payment->transaction);
	message_put(out, "targetSys", payment->wallet);
	return out;
}

enum verdict bank_pay(struct bank *bank, const char *bill_no, const char *wallet, const struct oddity *oddity)
{
	struct bill bill;
	enum found found = ledger_bill(bank->ledger, bill_no, &bill);
	if (found != FOUND)
		return found == NOT_FOUND ? VERDICT_NO_BILL : VERDICT_INTERNAL;
	if ((bill.state == BILL_PAID || bill.state == BILL_REFUND) && !oddity->again)
		return VERDICT_PAID;
	if ((bill.state == BILL_CLOSED || bill.expires <= clock_now()) && !oddity->late && !oddity->again && !bank_fault(&bank->faults.late))
		return VERDICT_NOT_PAYABLE;
	struct bill_payment payment = { .amount = oddity->amount > 0 ? oddity->amount : bill.amount,
		.paid_at = oddity->at != 0 ? oddity->at : clock_now() };
	payment.coupon = oddity->coupon >= 0 ? oddity->coupon : bank->faults.coupon;
	if (payment.coupon >= payment.amount)
		payment.coupon = payment.amount - 1;
	snprintf(payment.wallet, sizeof payment.wallet, "%s", wallet);
	new_id("SIM", payment.transaction, sizeof payment.transaction);
	char notice[40];
	new_id("N", notice, sizeof notice);
	bool tell = bill.notify_url[0] != '\0' && !bank_fault(&bank->faults.drop_notify);
	if (!ledger_pay(bank->ledger, bill.no, &payment, tell ? notice : NULL))
		return VERDICT_INTERNAL;
	if (bank->notify != NULL)
		bank->notify(bank->notify_ctx);
	return VERDICT_SUCCESS;
}
