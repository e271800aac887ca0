/* The operator's commands. Each takes its own arguments (argv[0] is its name) and gives the exit status. */
#ifndef CERTHALLD_CERTHALLD_H
#define CERTHALLD_CERTHALLD_H

#include <stdbool.h>

#include "service/service.h"

int command_serve(int argc, char **argv);
int command_init(int argc, char **argv);
int command_issue(int argc, char **argv);
int command_revoke(int argc, char **argv);
int command_pay(int argc, char **argv);
int command_orders(int argc, char **argv);
int command_packages(int argc, char **argv);
int command_help(int argc, char **argv);
int command_invoices(int argc, char **argv);
int command_agent(int argc, char **argv);
int command_audit(int argc, char **argv);
int command_held(int argc, char **argv);
int command_refund(int argc, char **argv);
int command_reconcile(int argc, char **argv);
int command_backup(int argc, char **argv);
int command_restore(int argc, char **argv);

/* One --name VALUE, or --name alone when value is NULL and given is not. */
struct option_row {
	const char *name;
	const char **value;
	bool *given;
	bool needed;
};
/* Reads options; *rest (may be NULL: none is taken) gets the one argument that is no option. false: has said what is wrong. */
bool options_read(int argc, char **argv, const struct option_row *rows, const char **rest);

/* Whether an order's number was given; says so when not. */
bool order_given(const char *number);

/* The one that argv[1] names, with the rest; NULL ends the list. */
struct subcommand {
	const char *name;
	int (*run)(int argc, char **argv);
};
int subcommand_run(int argc, char **argv, const struct subcommand *commands);

/* Who is told of in the audit log: the person named (NULL: nobody is), and the system's user. */
void staff_is(const char *by);

/* Says it on standard error and gives the exit status 1. */
int command_failed(const struct error *err);

/* A self-signed certificate with its key, for TLS or for signing components. names: DNS names or addresses, comma separated;
 * NULL: none. */
int selfsigned_create(const char *certificate, const char *key, const char *name, const char *names, int64_t not_before,
	int64_t not_after, struct error *err) CH_MUST_CHECK;

#endif
