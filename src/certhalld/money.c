#include <stdio.h>
#include <string.h>

#include <certhall/clock.h>
#include <certhall/i18n.h>

#include "certhalld/certhalld.h"
#include "service/bill.h"

/* Payments that staff must look at, and refunds that staff ask for: two people for each. */

static const char *why_held(const char *reason)
{
	return strcmp(reason, "amount") == 0 ? _("the amount differs")
		: strcmp(reason, "transaction") == 0 ? _("the wallet's number was seen with another order") : _("given back at the gateway");
}

int command_held(int argc, char **argv)
{
	const char *config = NULL;
	const struct option_row options[] = { { "--config", &config, NULL, true }, { 0 } };
	if (!options_read(argc, argv, options, NULL))
		return 2;
	struct hall *hall = NULL;
	struct error err = { 0 };
	int rc = hall_open(config, &hall, &err);
	if (rc == 0) {
		struct sql_stmt *q = sql_prepare(hall->db[0],
			"SELECT p.number, p.bill_no, p.amount_fen, b.amount_fen, p.learned_at, p.held_for FROM payment p JOIN bill b ON b.bill_no = p.bill_no"
			" WHERE p.state = 1 AND NOT EXISTS (SELECT 1 FROM refund r WHERE r.bill_no = p.bill_no AND r.nth = p.nth AND r.state = 1)"
			" ORDER BY p.learned_at, p.bill_no");
		char number[24], bill_no[PAYMENT_NO_SIZE], paid[24], wanted[24], when[24], reason[24];
		while (sql_row(q))
			printf("%-15s %-24s %10s / %s  %s  %s\n", sql_get_text(q, 0, number, sizeof number), sql_get_text(q, 1, bill_no, sizeof bill_no),
				money_text(sql_get_int(q, 2), paid, sizeof paid), money_text(sql_get_int(q, 3), wanted, sizeof wanted),
				clock_date_time(sql_get_int(q, 4), when, sizeof when), why_held(sql_get_text(q, 5, reason, sizeof reason)));
		rc = sql_done(q, &err);
	}
	hall_free(&hall);
	return rc == 0 ? 0 : command_failed(&err);
}

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

/* Says itself why the order cannot be treated so: this is for staff, in the words of the log. */
static int refund_command(int argc, char **argv, const char **reason, refund_fn *run, char refund_no[PAYMENT_NO_SIZE])
{
	const char *config = NULL, *by = NULL, *bill = NULL, *number = NULL;
	const struct option_row options[] = { { "--config", &config, NULL, true }, { "--by", &by, NULL, true }, { "--bill", &bill, NULL, false },
		{ reason != NULL ? "--reason" : NULL, reason, NULL, true }, { 0 } };
	if (!options_read(argc, argv, options, &number) || number == NULL)
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

static int command_list(int argc, char **argv)
{
	const char *config = NULL;
	const struct option_row options[] = { { "--config", &config, NULL, true }, { 0 } };
	if (!options_read(argc, argv, options, NULL))
		return 2;
	const char *const states[] = { _("on its way"), _("done"), _("refused by the gateway"), _("waits for a second person") };
	struct hall *hall = NULL;
	struct error err = { 0 };
	int rc = hall_open(config, &hall, &err);
	if (rc == 0) {
		struct sql_stmt *q = sql_prepare(hall->db[0],
			"SELECT number, refund_no, amount_fen, created, state, asked_by, approved_by, reason FROM refund ORDER BY created, refund_no");
		char number[24], refund_no[PAYMENT_NO_SIZE], money[24], when[24], asked[64], approved[64], reason[256];
		while (sql_row(q))
			printf("%-15s %-26s %10s  %s  %s  %s/%s  %s\n", sql_get_text(q, 0, number, sizeof number),
				sql_get_text(q, 1, refund_no, sizeof refund_no), money_text(sql_get_int(q, 2), money, sizeof money),
				clock_date_time(sql_get_int(q, 3), when, sizeof when), states[sql_get_int(q, 4) & 3], sql_get_text(q, 5, asked, sizeof asked),
				sql_get_text(q, 6, approved, sizeof approved), sql_get_text(q, 7, reason, sizeof reason));
		rc = sql_done(q, &err);
	}
	hall_free(&hall);
	return rc == 0 ? 0 : command_failed(&err);
}

int command_refund(int argc, char **argv)
{
	const struct subcommand commands[] = { { "ask", command_ask }, { "approve", command_approve }, { "list", command_list }, { 0 } };
	return subcommand_run(argc, argv, commands);
}
