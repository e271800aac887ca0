#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <certhall/clock.h>

#include "service/chat.h"

enum { SHORT = 400 /* of a newest message that goes along in a desk's event; a longer one is asked for */ };

/* One whole event. */
static int write_event(const char *type, int64_t id, const struct codec *codec, const void *value, struct bytes *out, struct error *err)
{
	char head[80];
	char *json = codec_text(codec, value);
	int used = snprintf(head, sizeof head, "event: %s\nid: %lld\ndata: ", type, (long long)id);
	bool ok = json != NULL && bytes_append(out, head, (size_t)used) == 0 && bytes_append(out, json, strlen(json)) == 0
		&& bytes_append(out, "\n\n", 2) == 0;
	free(json);
	return ok ? 0 : error_set(err, ERR_NO_MEMORY, NULL, "event");
}

int chat_render(struct hall *hall, const char *subject, int worker, int64_t *seq, struct bytes *event, bool *last, struct error *err)
{
	struct conversation conversation;
	int rc = chat_load(hall->db[worker], subject + strlen(CHAT_SUBJECT), SIDE_CUSTOMER, clock_now(), &conversation, err);
	*seq = conversation.revision + 1; /* a stream begins behind 0 */
	*last = conversation.state == CONVERSATION_CLOSED || conversation.state == CONVERSATION_LEFT;
	return rc == 0 ? write_event("conversation", conversation.revision, conversation_codec, &conversation, event, err) : rc;
}

/* ---- a desk ---- */

/* One's own, also those that ended just now; what waits; messages left. A supervisor's: everybody's. */
static int load_rows(struct sql *db, const struct agent *agent, int64_t now, struct desk *out, struct error *err)
{
	struct sql_stmt *q = sql_prepare(db, CHAT_SELECT
		"WHERE c.state IN (0, 3) OR (c.state = 1 AND (c.agent = ? OR ? = 1)) OR (c.state = 2 AND c.agent = ? AND c.since > ?)"
		" ORDER BY c.state, c.number LIMIT 128");
	sql_text(q, agent->id);
	sql_int(q, agent->role == ROLE_SUPERVISOR);
	sql_text(q, agent->id);
	sql_int(q, now - 600);
	for (out->conversations_count = 0; out->conversations_count < CHAT_ROWS && sql_row(q); out->conversations_count++)
		chat_row(q, now, &out->conversations[out->conversations_count]);
	return sql_done(q, err);
}

int desk_load(struct hall *hall, struct sql *db, const struct agent *agent, int64_t now, struct desk *out, struct error *err)
{
	out->revision = atomic_fetch_add(&hall->chat_changes, 1);
	out->time = now;
	out->agent = *agent;
	int rc = agent_list(db, now, out->agents, &out->agents_count, err);
	if (rc == 0)
		rc = load_rows(db, agent, now, out, err);
	int64_t position = 0;
	for (size_t i = 0; rc == 0 && i < out->conversations_count; i++) {
		struct conversation *c = &out->conversations[i];
		c->position = c->state == CONVERSATION_WAITING ? ++position : 0;
		rc = chat_last(db, SIDE_AGENT, c, err);
		c->has_last = c->has_last && strlen(c->last.body) <= SHORT;
	}
	return rc;
}

static int find_agent(struct sql *db, const char *id, int64_t now, struct agent *out, struct error *err)
{
	char fingerprint[FINGERPRINT] = "-";
	struct sql_stmt *q = sql_prepare(db, "SELECT fingerprint FROM agent WHERE id = ? AND removed = 0");
	sql_text(q, id);
	if (sql_row(q))
		sql_get_text(q, 0, fingerprint, sizeof fingerprint);
	int rc = sql_done(q, err);
	return rc == 0 ? agent_of_certificate(db, fingerprint, now, out, err) : rc;
}

int desk_render(struct hall *hall, const char *subject, int worker, int64_t *seq, struct bytes *event, bool *last, struct error *err)
{
	struct agent agent;
	struct desk *desk = calloc(1, sizeof *desk);
	int64_t now = clock_now();
	int rc = desk == NULL ? error_set(err, ERR_NO_MEMORY, NULL, "desk") : find_agent(hall->db[worker], subject + strlen(DESK_SUBJECT), now, &agent, err);
	if (rc == 0)
		rc = desk_load(hall, hall->db[worker], &agent, now, desk, err);
	if (rc == 0) {
		*seq = desk->revision;
		*last = agent.id[0] == '\0'; /* not an agent any more */
		rc = write_event("desk", desk->revision, desk_codec, desk, event, err);
	}
	free(desk);
	return rc;
}
