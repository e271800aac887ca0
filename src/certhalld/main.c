#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <certhall/i18n.h>
#include <certhall/text.h>

#include "certhalld/certhalld.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *usage; /* lines */
} commands[] = {
	{ "serve", command_serve, "serve --config FILE [--port-file FILE]" },
	{ "init", command_init, "init --dir DIR [--ca-name NAME] [--ca-not-before TIME] [--names NAME,...]" },
	{ "issue", command_issue, "issue --config FILE --csr FILE --not-before TIME --not-after TIME --out FILE" },
	{ "revoke", command_revoke, "revoke --config FILE --serial NUMBER --reason REASON" },
	{ "pay", command_pay, "pay --config FILE ORDER" },
	{ "orders", command_orders, "orders --config FILE [--json]" },
	{ "packages", command_packages, "packages --config FILE" },
	{ "help", command_help, "help check [--config FILE] [FOLDER]" },
	{ "invoices", command_invoices, "invoices --config FILE [--json | --retry ORDER]" },
	{ "agent", command_agent, "agent add --config FILE --certificate FILE [--role agent|supervisor] [--most N] NAME\n"
		"  certhalld agent list --config FILE [--json]\n  certhalld agent remove --config FILE ID" },
	{ "audit", command_audit, "audit verify --config FILE [--head FILE]\n  certhalld audit list --config FILE [--order NUMBER]" },
	{ "held", command_held, "held --config FILE\n"
		"  certhalld held accept|dismiss --config FILE --reason TEXT --by NAME [--bill NUMBER] ORDER\n"
		"  certhalld held approve|withdraw --config FILE --by NAME [--bill NUMBER] ORDER" },
	{ "refund", command_refund, "refund ask --config FILE --reason TEXT --by NAME [--bill NUMBER] ORDER\n"
		"  certhalld refund approve|withdraw --config FILE --by NAME [--bill NUMBER] ORDER\n  certhalld refund list --config FILE" },
	{ "reconcile", command_reconcile, "reconcile --config FILE --date YYYY-MM-DD [--statement FILE] [--ask]" },
	{ "backup", command_backup, "backup --config FILE OUTPUT" },
	{ "restore", command_restore, "restore --config FILE BACKUP" },
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static int usage(FILE *out)
{
	fprintf(out, "%s\n", _("Usage:"));
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(out, "  certhalld %s\n", commands[i].usage);
	return out == stderr ? 2 : 0;
}

bool options_read(int argc, char **argv, const struct option_row *rows, const char **rest)
{
	for (int i = 1; i < argc; i++) {
		const struct option_row *row = rows;
		while (row->name != NULL && strcmp(row->name, argv[i]) != 0)
			row++;
		if (row->name != NULL && row->given != NULL) {
			*row->given = true;
		} else if (row->name != NULL && i + 1 < argc) {
			*row->value = argv[++i];
		} else if (argv[i][0] != '-' && rest != NULL && *rest == NULL) {
			*rest = argv[i];
		} else {
			fprintf(stderr, _("certhalld: \"%s\" is not understood here. See certhalld --help.\n"), argv[i]);
			return false;
		}
	}
	for (; rows->name != NULL; rows++)
		if (rows->needed && *rows->value == NULL) {
			fprintf(stderr, _("certhalld: %s is missing. See certhalld --help.\n"), rows->name);
			return false;
		}
	return true;
}

bool order_given(const char *number)
{
	if (number == NULL)
		fprintf(stderr, _("certhalld: %s is missing. See certhalld --help.\n"), "ORDER");
	return number != NULL;
}

int subcommand_run(int argc, char **argv, const struct subcommand *list)
{
	for (; argc > 1 && list->name != NULL; list++)
		if (strcmp(list->name, argv[1]) == 0)
			return list->run(argc - 1, argv + 1);
	return usage(stderr);
}

void staff_is(const char *by)
{
	const struct passwd *user = getpwuid(getuid());
	const char *before = getenv("SUDO_USER"); /* whose account it was, where all of them become one */
	char account[44], name[40], actor[96];
	snprintf(account, sizeof account, "%.16s%s%.16s", user != NULL ? user->pw_name : "?", before != NULL ? ", sudo " : "", before != NULL ? before : "");
	text_sanitize(account, account, sizeof account, false);
	if (by == NULL)
		snprintf(actor, sizeof actor, "staff %s", account);
	else
		snprintf(actor, sizeof actor, "staff %.*s (%s)", (int)text_sanitize(by, name, sizeof name, false), name, account);
	audit_as(actor);
}

int command_failed(const struct error *err)
{
	char sentence[512];
	fprintf(stderr, "certhalld: %s\n", error_sentence(err, sentence, sizeof sentence));
	if (err->detail[0] != '\0')
		fprintf(stderr, "  %s\n", err->detail);
	return 1;
}

int main(int argc, char **argv)
{
	i18n_init(NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a write that fails is told as such */
	if (argc < 2)
		return usage(stderr);
	if (strcmp(argv[1], "--help") == 0)
		return usage(stdout);
	if (strcmp(argv[1], "--version") == 0)
		return puts("certhalld " PACKAGE_VERSION) < 0;
	staff_is(NULL);
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(commands[i].name, argv[1]) == 0)
			return commands[i].run(argc - 1, argv + 1);
	return usage(stderr);
}
