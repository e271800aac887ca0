/* ask SETTINGS: reads a libconfig file, asks for a QR code, prints the error's name and detail. For tls_test.py. */
#include <stdio.h>

#include <certhall/clock.h>

#include "service/payment/payment.h"

int main(int argc, char **argv)
{
	config_t config;
	config_init(&config);
	struct payment *payment = NULL;
	struct error err = { 0 };
	if (argc != 2 || config_read_file(&config, argv[1]) != CONFIG_TRUE)
		return 2;
	struct payment_bill bill = { .bill_no = "1017AZT00000101", .amount_fen = 1 };
	clock_date(clock_now(), bill.bill_date, sizeof bill.bill_date);
	int rc = payment_open(config_lookup(&config, "payment"), &payment, &err);
	if (rc == 0)
		rc = payment_bill_create(payment, &bill, &err);
	printf("%s %s\n", error_name((enum error_code)rc), rc == 0 ? bill.qr_url : err.detail);
	payment_free(&payment);
	config_destroy(&config);
	return 0;
}
