#include <stdio.h>
#include <string.h>

#include <certhall/clock.h>
#include <certhall/i18n.h>

#include "certhalld/certhalld.h"
#include "service/bill.h"

/* Refunds that staff ask for: two people for each. */

typedef int refund_fn(struct hall *hall, struct error *err, const char *number, const char *bill, const char *reason, const char *by,
	char refund_no[PAYMENT_NO_SIZE]);

static int ask(struct hall *hall, struct error *err, const char *number, const char *bill, const char *reason, const char *by,
	char refund_no[PAYMENT_NO_SIZE])
{
	return refund_request(hall, hall->db[0], number, bill, reason, by, clock_now(), refund_no, err);
}

static int approve(struct hall *hall, struct error *err, const char *number, const char *bill, const char *reason, const char *by,
	char refund_no[PAYMENT_NO_SIZE])
{
	(void)reason;
	return refund_approve(hall->db[0], number, bill, by, clock_now(), refund_no, err);
}

static int withdraw(struct hall *hall, struct error *err, const char *number, const char *bill, const char *reason, const char *by,
	char refund_no[PAYMENT_NO_SIZE])
{
	(void)reason;
	return refund_withdraw(hall->db[0], number, bill, by, clock_now(), refund_no, err);
}

/* Says itself why the order cannot be treated so: this is for staff, in the words of the log. */
static int refund_command(int argc, char **argv, const char **reason, refund_fn *run, char refund_no[PAYMENT_NO_SIZE])
{
	const char *config = NULL, *by = NULL, *bill = NULL, *number = NULL;
	const struct option_row options[] = { { "--config", &config, NULL, true }, { "--by", &by, NULL, true }, { "--bill", &bill, NULL, false },
		{ reason != NULL ? "--reason" : NULL, reason, NULL, true }, { 0 } };
	if (!options_read(argc, argv, options, &number) || !order_given(number))
		return 2;
	struct hall *hall = NULL;
	struct error err = { 0 };
	int rc = hall_open(config, &hall, &err);
	if (rc == 0 && hall->payment == NULL)
		rc = error_set(&err, ERR_PAYMENT_UNAVAILABLE, NULL, "no gateway is configured");
	staff_is(by);
	if (rc == 0)
		rc = run(hall, &err, number, bill, reason != NULL ? *reason : "", by, refund_no);
	hall_free(&hall);
	return rc == 0 ? 0 : command_failed(&err);
}

static int command_ask(int argc, char **argv)
{
	const char *reason = NULL;
	char refund_no[PAYMENT_NO_SIZE] = "";
	int status = refund_command(argc, argv, &reason, ask, refund_no);
	if (status == 0)
		printf(_("Refund %s waits for a second person.\n"), refund_no);
	return status;
}

static int command_approve(int argc, char **argv)
{
	char refund_no[PAYMENT_NO_SIZE] = "";
	int status = refund_command(argc, argv, NULL, approve, refund_no);
	if (status == 0)
		printf(_("Refund %s is on its way.\n"), refund_no);
	return status;
}

static int command_withdraw(int argc, char **argv)
{
	char refund_no[PAYMENT_NO_SIZE] = "";
	int status = refund_command(argc, argv, NULL, withdraw, refund_no);
	if (status == 0)
		printf(_("Refund %s is withdrawn.\n"), refund_no);
	return status;
}

static int command_list(int argc, char **argv)
{
	const char *config = NULL;
	const struct option_row options[] = { { "--config", &config, NULL, true }, { 0 } };
	if (!options_read(argc, argv, options, NULL))
		return 2;
	const char *const states[] = { _("on its way"), _("done"), _("refused by the gateway"), _("waits for a second person"), _("withdrawn") };
	struct hall *hall = NULL;
	struct error err = { 0 };
	int rc = hall_open(config, &hall, &err);
	if (rc == 0) {
		struct sql_stmt *q = sql_prepare(hall->db[0],
			"SELECT number, refund_no, amount_fen, created, state, asked_by, approved_by, reason FROM refund ORDER BY created, refund_no");
		char number[24], refund_no[PAYMENT_NO_SIZE], money[24], when[24], asked[64], approved[64], reason[256];
		bool any = false;
		for (; sql_row(q); any = true)
			printf("%-15s %-26s %10s  %s  %s  %s/%s  %s\n", sql_get_text(q, 0, number, sizeof number),
				sql_get_text(q, 1, refund_no, sizeof refund_no), money_text(sql_get_int(q, 2), money, sizeof money),
				clock_date_time(sql_get_int(q, 3), when, sizeof when), states[sql_get_int(q, 4) <= REFUND_WITHDRAWN ? sql_get_int(q, 4) : REFUND_REFUSED], sql_get_text(q, 5, asked, sizeof asked),
				sql_get_text(q, 6, approved, sizeof approved), sql_get_text(q, 7, reason, sizeof reason));
		rc = sql_done(q, &err);
		if (rc == 0 && !any)
			puts(_("There is no refund."));
	}
	hall_free(&hall);
	return rc == 0 ? 0 : command_failed(&err);
}

int command_refund(int argc, char **argv)
{
	const struct subcommand commands[] = { { "ask", command_ask }, { "approve", command_approve }, { "withdraw", command_withdraw }, { "list", command_list }, { 0 } };
	return subcommand_run(argc, argv, commands);
}
