/* Who may answer customers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <certhall/clock.h>
#include <certhall/i18n.h>
#include <certhall/text.h>

#include "certhalld/certhalld.h"
#include "service/chat.h"

enum { ID_BYTES = 4, MOST = 5, MOST_MAX = 50 };

/* The certificate as the hall keeps it, so that a session can name it. */
static int record(struct hall *hall, const char *path, struct cert_info *info, struct error *err)
{
	struct bytes der = { 0 };
	struct cert_standing standing;
	size_t count = 0;
	int64_t now = clock_now();
	int rc = cert_file_read(path, &der, 1, &count, err);
	if (rc == 0)
		rc = cert_stand(hall, hall->db[0], &der, now, info, &standing, err);
	if (rc == 0 && (standing.standing == STANDING_UNKNOWN_ISSUER || standing.standing == STANDING_MALFORMED || standing.standing == STANDING_REVOKED))
		rc = standing_refusal(&standing, info, err);
	if (rc == 0)
		rc = cert_record(hall->db[0], &der, info, false, now, err);
	bytes_free(&der);
	return rc;
}

/* A certificate that was an agent's before is one again, under the same id. */
static int insert(struct sql *db, const struct agent *agent, const char *fingerprint, struct error *err)
{
	struct sql_stmt *q = sql_prepare(db, "INSERT INTO agent (id, name, role, fingerprint, most, created) VALUES (?, ?, ?, ?, ?, ?)"
		" ON CONFLICT (fingerprint) DO UPDATE SET name = excluded.name, role = excluded.role, most = excluded.most, removed = 0");
	sql_text(q, agent->id);
	sql_text(q, agent->name);
	sql_int(q, agent->role);
	sql_text(q, fingerprint);
	sql_int(q, agent->most);
	sql_int(q, clock_now());
	return sql_done(q, err);
}

static int add(struct hall *hall, struct agent *agent, const char *path, struct error *err)
{
	struct cert_info info;
	int rc = pki_random_hex(ID_BYTES, agent->id, err);
	if (rc == 0)
		rc = sql_begin(hall->db[0], err);
	if (rc != 0)
		return rc;
	rc = record(hall, path, &info, err);
	if (rc == 0)
		rc = insert(hall->db[0], agent, info.fingerprint, err);
	if (rc == 0)
		rc = audit_write(hall->db[0], clock_now(), "agent.added", "", err, "fingerprint=%.16s role=%s most=%lld", info.fingerprint,
			agent_role_names[agent->role], (long long)agent->most);
	return sql_commit(hall->db[0], rc, err);
}

static int number(const char *text, const char *option, int64_t *out, struct error *err)
{
	char *end;
	*out = strtol(text, &end, 10);
	return *end == '\0' && *out >= 1 && *out <= MOST_MAX ? 0 : error_set(err, ERR_BAD_INPUT, text, "%s wants a number from 1 to %d", option, MOST_MAX);
}

static int agent_add(int argc, char **argv)
{
	const char *config = NULL, *certificate = NULL, *role = "agent", *most = NULL, *name = NULL;
	const struct option_row options[] = { { "--config", &config, NULL, true }, { "--certificate", &certificate, NULL, true },
		{ "--role", &role, NULL, false }, { "--most", &most, NULL, false }, { 0 } };
	if (!options_read(argc, argv, options, &name))
		return 2;
	struct hall *hall = NULL;
	struct error err = { 0 };
	struct agent agent = { .most = MOST, .role = strcmp(role, agent_role_names[ROLE_SUPERVISOR]) == 0 ? ROLE_SUPERVISOR : ROLE_AGENT };
	text_sanitize(name != NULL ? name : "", agent.name, sizeof agent.name, false);
	int rc = agent.name[0] == '\0' ? error_set(&err, ERR_BAD_INPUT, "NAME", "how customers see the agent") : 0;
	if (rc == 0 && strcmp(role, agent_role_names[agent.role]) != 0)
		rc = error_set(&err, ERR_BAD_INPUT, role, "--role is agent or supervisor");
	if (rc == 0 && most != NULL)
		rc = number(most, "--most", &agent.most, &err);
	if (rc == 0)
		rc = hall_open(config, &hall, &err);
	if (rc == 0)
		rc = add(hall, &agent, certificate, &err);
	hall_free(&hall);
	return rc == 0 ? 0 : command_failed(&err);
}

static int agent_list_command(int argc, char **argv)
{
	static const char *const states[] = { N_("off duty"), N_("on duty"), N_("busy"), N_("away") };
	const char *config = NULL;
	bool json = false;
	const struct option_row options[] = { { "--config", &config, NULL, true }, { "--json", NULL, &json, false }, { 0 } };
	if (!options_read(argc, argv, options, NULL))
		return 2;
	struct hall *hall = NULL;
	struct error err = { 0 };
	struct agent agents[CHAT_AGENTS];
	size_t count = 0;
	int rc = hall_open(config, &hall, &err);
	if (rc == 0)
		rc = agent_list(hall->db[0], clock_now(), agents, &count, &err);
	for (size_t i = 0; rc == 0 && i < count; i++) {
		char *text = json ? codec_text(agent_codec, &agents[i]) : NULL;
		if (json)
			puts(text != NULL ? text : "");
		else
			printf("%s  %-10s  %-8s  %lld/%lld  %s\n", agents[i].id, agent_role_names[agents[i].role], _(states[agents[i].state % 4]),
				(long long)agents[i].serving, (long long)agents[i].most, agents[i].name);
		free(text);
	}
	hall_free(&hall);
	return rc == 0 ? 0 : command_failed(&err);
}

static int take_away(struct sql *db, const char *id, struct error *err)
{
	int64_t changed = 0;
	int rc = sql_begin(db, err);
	if (rc != 0)
		return rc;
	struct sql_stmt *q = sql_prepare(db, "UPDATE agent SET removed = 1, state = 0 WHERE id = ? AND removed = 0");
	sql_text(q, id);
	rc = sql_changed(q, &changed, err);
	if (rc == 0 && changed == 0)
		rc = error_set(err, ERR_NOT_FOUND, id, "no such agent; certhalld agent list tells their ids");
	if (rc == 0)
		rc = audit_write(db, clock_now(), "agent.removed", id, err, "by staff");
	return sql_commit(db, rc, err);
}

static int agent_remove(int argc, char **argv)
{
	const char *config = NULL, *id = NULL;
	const struct option_row options[] = { { "--config", &config, NULL, true }, { 0 } };
	if (!options_read(argc, argv, options, &id))
		return 2;
	struct hall *hall = NULL;
	struct error err = { 0 };
	int rc = id == NULL ? error_set(&err, ERR_BAD_INPUT, "ID", "which agent") : hall_open(config, &hall, &err);
	if (rc == 0)
		rc = take_away(hall->db[0], id, &err);
	hall_free(&hall);
	return rc == 0 ? 0 : command_failed(&err);
}

int command_agent(int argc, char **argv)
{
	static const struct subcommand list[] = { { "add", agent_add }, { "list", agent_list_command }, { "remove", agent_remove }, { NULL, NULL } };
	return subcommand_run(argc, argv, list);
}
