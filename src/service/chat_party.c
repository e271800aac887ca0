#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <certhall/clock.h>

#include "service/chat.h"

/* Whether the bearer token is the conversation's own. */
static int has_token(struct call *call, const char *id, bool *yes, struct error *err)
{
	const char *header = hs_header(call->request, "Authorization");
	char hash[65];
	*yes = false;
	if (header == NULL || strncasecmp(header, "Bearer ", 7) != 0)
		return 0;
	token_hash(header + 7, hash);
	struct sql_stmt *q = sql_prepare(call->db, "SELECT 1 FROM conversation_token WHERE token_sha256 = ? AND conversation = ?");
	sql_text(q, hash);
	sql_text(q, id);
	*yes = sql_row(q);
	return sql_done(q, err);
}

static int of_certificate(struct call *call, const char *id, bool *yes, struct error *err)
{
	struct sql_stmt *q = sql_prepare(call->db, "SELECT 1 FROM conversation WHERE id = ? AND fingerprint = ?");
	sql_text(q, id);
	sql_text(q, call->fingerprint);
	*yes = sql_row(q);
	return sql_done(q, err);
}

static int agent_may(struct call *call, struct agent *out, struct error *err)
{
	const struct settings *s = &call->hall->settings;
	int rc = agent_of_certificate(call->db, call->fingerprint, call->now, out, err);
	if (rc != 0 || out->id[0] == '\0')
		return rc;
	char actor[64];
	snprintf(actor, sizeof actor, "agent %s", out->id);
	audit_as(actor);
	return call_rate(call, s->chat_rate, s->chat_burst, "agent", out->id, err);
}

int chat_agent(struct call *call, struct agent *out, struct error *err)
{
	int rc = session_find(call, err);
	if (rc == 0)
		rc = agent_may(call, out, err);
	return rc == 0 && out->id[0] == '\0' ? error_set(err, ERR_STAFF_ONLY, NULL, "not an agent's certificate") : rc;
}

int chat_party(struct call *call, struct chat_party *out, struct error *err)
{
	const struct settings *s = &call->hall->settings;
	const char *id = hs_param(call->request);
	bool customer;
	*out = (struct chat_party){ .side = SIDE_CUSTOMER };
	int rc = has_token(call, id, &customer, err);
	if (rc == 0 && !customer) {
		rc = session_find(call, err);
		if (rc == 0)
			rc = agent_may(call, &out->agent, err);
		if (rc == 0 && out->agent.id[0] != '\0')
			out->side = SIDE_AGENT;
		else if (rc == 0)
			rc = of_certificate(call, id, &customer, err);
	} else if (rc == 0) {
		audit_as("customer");
	}
	if (rc == 0 && out->side == SIDE_CUSTOMER && !customer)
		return error_set(err, ERR_CHAT_NONE, NULL, "not this customer's");
	if (rc == 0 && out->side == SIDE_CUSTOMER)
		rc = call_rate(call, s->chat_rate, s->chat_burst, "conversation", id, err);
	return rc == 0 ? chat_load(call->db, id, SIDE_AGENT, call->now, &out->about, err) : rc;
}
