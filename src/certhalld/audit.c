#include <stdio.h>
#include <string.h>

#include <certhall/clock.h>
#include <certhall/i18n.h>

#include "certhalld/certhalld.h"

#define COLUMNS "SELECT node, seq, at, actor, action, subject, details, hash FROM audit "

/* What the check has seen of the node whose rows it reads. */
struct check {
	struct audit_row last, wanted; /* wanted: of the head file; seq 0: none */
	bool found;                    /* the wanted row, or none is wanted */
	int64_t rows;
};

static bool broken(const char *node, int64_t seq, const char *why)
{
	printf(_("Node %s, row %lld: %s\n"), node, (long long)seq, why);
	return false;
}

/* That the last row of a node is the one that is remembered. */
static bool check_end(struct sql *db, const struct check *check, struct error *err)
{
	struct audit_row head;
	if (check->last.seq == 0)
		return true;
	if (audit_head(db, check->last.node, &head, err) != 0)
		return false;
	if (head.seq != check->last.seq || strcmp(head.hash, check->last.hash) != 0)
		return broken(check->last.node, check->last.seq, _("rows after it are missing, or more than were written are there"));
	return true;
}

static bool check_row(struct sql *db, struct check *check, const struct audit_row *row, struct error *err)
{
	char hash[AUDIT_HASH];
	if (strcmp(row->node, check->last.node) != 0) {
		if (!check_end(db, check, err))
			return false;
		check->last = (struct audit_row){ 0 };
	}
	if (row->seq != check->last.seq + 1)
		return broken(row->node, check->last.seq + 1, _("missing"));
	audit_hash(row, check->last.hash, hash);
	if (strcmp(hash, row->hash) != 0)
		return broken(row->node, row->seq, _("changed, or what stands before it was"));
	if (strcmp(row->node, check->wanted.node) == 0 && row->seq == check->wanted.seq)
		check->found = strcmp(row->hash, check->wanted.hash) == 0;
	check->last = *row;
	check->rows++;
	return true;
}

/* A node of which no row is left is known by its head only. */
static bool check_heads(struct sql *db, struct error *err)
{
	char node[AUDIT_NODE] = "";
	struct sql_stmt *q = sql_prepare(db, "SELECT h.node FROM audit_head h WHERE NOT EXISTS (SELECT 1 FROM audit a WHERE a.node = h.node)");
	bool lost = sql_row(q);
	if (lost)
		sql_get_text(q, 0, node, sizeof node);
	return sql_done(q, err) == 0 && (!lost || broken(node, 1, _("missing")));
}

static bool verify(struct sql *db, struct check *check, struct error *err)
{
	struct audit_row row;
	bool good = true;
	struct sql_stmt *q = sql_prepare(db, COLUMNS "ORDER BY node, seq");
	while (good && audit_next(q, &row))
		good = check_row(db, check, &row, err);
	good = sql_done(q, err) == 0 && good && check_end(db, check, err) && check_heads(db, err);
	if (good && !check->found)
		good = broken(check->wanted.node, check->wanted.seq, _("the signed head tells of another row: the log was cut or written anew, or an older backup was restored"));
	return good;
}

static int command_verify(int argc, char **argv)
{
	const char *config = NULL, *head = NULL;
	const struct option_row options[] = { { "--config", &config, NULL, true }, { "--head", &head, NULL, false }, { 0 } };
	if (!options_read(argc, argv, options, NULL))
		return 2;
	struct hall *hall = NULL;
	struct error err = { 0 };
	struct check check = { .found = true };
	int rc = hall_open(config, &hall, &err);
	if (rc == 0 && head == NULL && hall->settings.audit_head_file[0] != '\0')
		head = hall->settings.audit_head_file;
	if (rc == 0 && head != NULL) {
		rc = audit_head_import(head, &hall->settings, &check.wanted, &err);
		check.found = false;
	}
	bool good = rc == 0 && verify(hall->db[0], &check, &err);
	if (good)
		printf(ngettext("The audit log is whole: %lld row.\n", "The audit log is whole: %lld rows.\n", (unsigned long)check.rows), (long long)check.rows);
	hall_free(&hall);
	return err.code != ERR_OK ? command_failed(&err) : good ? 0 : 1;
}

static int command_list(int argc, char **argv)
{
	const char *config = NULL, *order = "";
	const struct option_row options[] = { { "--config", &config, NULL, true }, { "--order", &order, NULL, false }, { 0 } };
	if (!options_read(argc, argv, options, NULL))
		return 2;
	struct hall *hall = NULL;
	struct error err = { 0 };
	struct audit_row row;
	char when[24];
	int rc = hall_open(config, &hall, &err);
	if (rc == 0) {
		struct sql_stmt *q = sql_prepare(hall->db[0], COLUMNS "WHERE ? = '' OR subject = ? ORDER BY at, node, seq");
		sql_text(q, order);
		sql_text(q, order);
		while (audit_next(q, &row))
			printf("%s  %s/%lld  %-24s %-22s %-15s %s\n", clock_date_time(row.at, when, sizeof when), row.node, (long long)row.seq, row.actor,
				row.action, row.subject, row.details);
		rc = sql_done(q, &err);
	}
	hall_free(&hall);
	return rc == 0 ? 0 : command_failed(&err);
}

int command_audit(int argc, char **argv)
{
	const struct subcommand commands[] = { { "verify", command_verify }, { "list", command_list }, { 0 } };
	return subcommand_run(argc, argv, commands);
}
