#include <stdio.h>
#include <string.h>

#include <certhall/clock.h>
#include <certhall/i18n.h>

#include "certhalld/certhalld.h"
#include "service/bill.h"

/* Payments that staff must look at, and what they say of them: two people for each. */

static const char *why_held(const char *reason)
{
	return strcmp(reason, "amount") == 0 ? _("the amount differs")
		: strcmp(reason, "transaction") == 0 ? _("the wallet's number was seen with another order")
		: strcmp(reason, "unconfirmed") == 0 ? _("a second payment that only a notification tells of") : _("given back at the gateway");
}

static void print_held(struct sql_stmt *q)
{
	char number[24], bill_no[PAYMENT_NO_SIZE], paid[24], wanted[24], when[24], reason[24], asked_by[STAFF_NAME];
	printf("%-15s %-24s %10s / %s  %s  %s", sql_get_text(q, 0, number, sizeof number), sql_get_text(q, 1, bill_no, sizeof bill_no),
		money_text(sql_get_int(q, 2), paid, sizeof paid), money_text(sql_get_int(q, 3), wanted, sizeof wanted),
		clock_date_time(sql_get_int(q, 4), when, sizeof when), why_held(sql_get_text(q, 5, reason, sizeof reason)));
	if (sql_get_text(q, 7, asked_by, sizeof asked_by)[0] != '\0')
		printf(sql_get_int(q, 6) == HELD_ACCEPT ? _("; %s accepts it, a second person is wanted") : _("; %s dismisses it, a second person is wanted"),
			asked_by);
	putchar('\n');
}

static int command_list(int argc, char **argv)
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
			"SELECT p.number, p.bill_no, p.amount_fen, b.amount_fen, p.learned_at, p.held_for, COALESCE(v.verdict, 0), COALESCE(v.asked_by, '')"
			" FROM payment p JOIN bill b ON b.bill_no = p.bill_no LEFT JOIN verdict v ON v.bill_no = p.bill_no AND v.nth = p.nth"
			" WHERE p.state = 1 AND NOT EXISTS (SELECT 1 FROM refund r WHERE r.bill_no = p.bill_no AND r.nth = p.nth AND r.state = 1)"
			" ORDER BY p.learned_at, p.bill_no");
		bool any = false;
		for (; sql_row(q); any = true)
			print_held(q);
		rc = sql_done(q, &err);
		if (rc == 0 && !any)
			puts(_("No payment is held."));
	}
	hall_free(&hall);
	return rc == 0 ? 0 : command_failed(&err);
}

/* The named one opens the hall and reads who it is; reason NULL: none is asked for. */
static int open_for(int argc, char **argv, const char **reason, const char **by, const char **bill, const char **number, struct hall **hall,
	struct error *err)
{
	const char *config = NULL;
	const struct option_row options[] = { { "--config", &config, NULL, true }, { "--by", by, NULL, true }, { "--bill", bill, NULL, false },
		{ reason != NULL ? "--reason" : NULL, reason, NULL, true }, { 0 } };
	if (!options_read(argc, argv, options, number) || !order_given(*number))
		return -1;
	int rc = hall_open(config, hall, err);
	if (rc == 0 && (*hall)->payment == NULL)
		rc = error_set(err, ERR_PAYMENT_UNAVAILABLE, NULL, "no gateway is configured");
	staff_is(*by);
	return rc;
}

static int judge(int argc, char **argv, enum held_verdict verdict)
{
	const char *reason = NULL, *by = NULL, *bill = NULL, *number = NULL;
	struct hall *hall = NULL;
	struct error err = { 0 };
	int rc = open_for(argc, argv, &reason, &by, &bill, &number, &hall, &err);
	if (rc == 0)
		rc = held_judge(hall->db[0], number, bill, verdict, reason, by, clock_now(), &err);
	hall_free(&hall);
	if (rc == 0)
		printf("%s\n", _("This waits for a second person."));
	return rc == 0 ? 0 : rc < 0 ? 2 : command_failed(&err);
}

static int command_accept(int argc, char **argv)
{
	return judge(argc, argv, HELD_ACCEPT);
}

static int command_dismiss(int argc, char **argv)
{
	return judge(argc, argv, HELD_DISMISS);
}

static int command_approve(int argc, char **argv)
{
	const char *by = NULL, *bill = NULL, *number = NULL;
	enum held_verdict verdict = HELD_ACCEPT;
	struct hall *hall = NULL;
	struct error err = { 0 };
	int rc = open_for(argc, argv, NULL, &by, &bill, &number, &hall, &err);
	if (rc == 0)
		rc = held_approve(hall, hall->db[0], number, bill, by, clock_now(), &verdict, &err);
	hall_free(&hall);
	if (rc == 0)
		printf("%s\n", verdict == HELD_ACCEPT ? _("The payment counts now.") : _("The payment is dismissed; the order can be paid again."));
	return rc == 0 ? 0 : rc < 0 ? 2 : command_failed(&err);
}

static int command_withdraw(int argc, char **argv)
{
	const char *by = NULL, *bill = NULL, *number = NULL;
	struct hall *hall = NULL;
	struct error err = { 0 };
	int rc = open_for(argc, argv, NULL, &by, &bill, &number, &hall, &err);
	if (rc == 0)
		rc = held_withdraw(hall->db[0], number, bill, by, clock_now(), &err);
	hall_free(&hall);
	if (rc == 0)
		printf("%s\n", _("It is withdrawn; the payment is held as before."));
	return rc == 0 ? 0 : rc < 0 ? 2 : command_failed(&err);
}

int command_held(int argc, char **argv)
{
	const struct subcommand commands[] = { { "accept", command_accept }, { "dismiss", command_dismiss }, { "approve", command_approve },
		{ "withdraw", command_withdraw }, { 0 } };
	return argc > 1 && argv[1][0] != '-' ? subcommand_run(argc, argv, commands) : command_list(argc, argv);
}
