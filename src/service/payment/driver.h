/* What a payment driver is: one struct of functions, with the meaning payment.h gives them. */
#ifndef SERVICE_PAYMENT_DRIVER_H
#define SERVICE_PAYMENT_DRIVER_H

#include "service/payment/payment.h"

struct payment_driver {
	const char *name; /* setting `driver` */
	int (*open)(const config_setting_t *settings, struct payment **out, struct error *err);
	void (*free)(struct payment *payment);
	int (*make_bill_no)(const struct payment *payment, const char *order_no, int attempt, char *out, struct error *err);
	int (*make_refund_no)(const struct payment *payment, const char *bill_no, int n, char *out, struct error *err);
	int (*create)(struct payment *payment, struct payment_bill *bill, struct error *err);
	int (*query)(struct payment *payment, const struct payment_bill *bill, struct payment_result *out, struct error *err);
	int (*close)(struct payment *payment, const struct payment_bill *bill, struct payment_result *out, struct error *err);
	int (*refund)(struct payment *payment, const struct payment_bill *bill, const char *refund_no, int64_t amount_fen,
		enum payment_refund_status *out, struct error *err);
	int (*notify)(struct payment *payment, const char *body, size_t len, char *bill_no, struct payment_result *out,
		struct error *err);
	const char *(*notify_answer)(bool taken);
	int (*sandbox_pay)(struct payment *payment, const struct payment_bill *bill, struct error *err);
	int (*sandbox_statement)(struct payment *payment, const char *date, struct bytes *out, struct error *err);
};

/* A driver's own struct begins with this. */
struct payment {
	const struct payment_driver *driver;
	bool sandbox;
};

extern const struct payment_driver chinaums_driver;

#endif
