/* The agents' side. */
#include "service/chat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int answer_desk(struct call *call, const struct agent *agent, struct error *err)
{
	struct desk *desk = calloc(1, sizeof *desk);
	int rc = desk == NULL ? error_set(err, ERR_NO_MEMORY, NULL, "desk") : desk_load(call->hall, call->db, agent, call->now, desk, err);
	if (rc == 0)
		rc = hs_answer(call->request, 200, desk_codec, desk);
	free(desk);
	return rc;
}

HALL_HANDLER(desk_get)
{
	struct call call = call_begin(ctx, request, worker);
	struct agent agent;
	int rc = chat_agent(&call, &agent, err);
	return rc == 0 ? answer_desk(&call, &agent, err) : rc;
}

HALL_HANDLER(desk_events)
{
	struct call call = call_begin(ctx, request, worker);
	struct agent agent;
	char subject[64];
	int rc = chat_agent(&call, &agent, err);
	snprintf(subject, sizeof subject, DESK_SUBJECT "%s", agent.id);
	return rc == 0 ? hs_answer_stream(request, subject, 0, call.session_until) : rc;
}

static int set_presence(struct call *call, const struct agent *agent, int state, struct error *err)
{
	int rc = sql_begin(call->db, err);
	if (rc != 0)
		return rc;
	struct sql_stmt *q = sql_prepare(call->db, "UPDATE agent SET state = ?, seen = ? WHERE id = ?");
	sql_int(q, state);
	sql_int(q, call->now);
	sql_text(q, agent->id);
	return sql_commit(call->db, sql_done(q, err), err);
}

HALL_HANDLER(desk_state)
{
	struct call call = call_begin(ctx, request, worker);
	struct agent_presence asked = { 0 };
	struct agent agent;
	int rc = hs_read(request, agent_presence_codec, &asked, err);
	if (rc == 0)
		rc = chat_agent(&call, &agent, err);
	if (rc == 0)
		rc = set_presence(&call, &agent, asked.state, err);
	if (rc == 0 && asked.state != agent.state) {
		chat_assign(call.hall, call.db, call.now);
		chat_publish_queue(call.hall, call.db);
	}
	if (rc == 0)
		rc = agent_of_certificate(call.db, call.fingerprint, call.now, &agent, err);
	return rc == 0 ? answer_desk(&call, &agent, err) : rc;
}

/* ---- taking ---- */

/* One that is offered to this agent before one that is offered to nobody. */
static int longest_waiting(struct call *call, const struct agent *agent, char id[CHAT_ID], struct error *err)
{
	struct sql_stmt *q = sql_prepare(call->db, "SELECT id FROM conversation WHERE state = 0 AND agent IN ('', ?)"
		" ORDER BY CASE WHEN agent = '' THEN 1 ELSE 0 END, number LIMIT 1");
	sql_text(q, agent->id);
	id[0] = '\0';
	if (sql_row(q))
		sql_get_text(q, 0, id, CHAT_ID);
	int rc = sql_done(q, err);
	return rc == 0 && id[0] == '\0' ? error_set(err, ERR_CHAT_NONE, NULL, "nobody waits") : rc;
}

/* A message that was left is only marked as somebody's. */
static int take_row(struct call *call, const char *id, const struct agent *agent, int64_t *changed, struct error *err)
{
	struct sql_stmt *q = sql_prepare(call->db, "UPDATE conversation SET state = CASE WHEN state = 0 THEN 1 ELSE state END, agent = ?, since = ?,"
		" offered_until = 0, revision = revision + 1 WHERE id = ? AND state IN (0, 3) AND agent IN ('', ?)");
	sql_text(q, agent->id);
	sql_int(q, call->now);
	sql_text(q, id);
	sql_text(q, agent->id);
	return sql_changed(q, changed, err);
}

static int take(struct call *call, struct chat_party *party, const char *id, struct error *err)
{
	int64_t changed = 0;
	int rc = chat_load(call->db, id, SIDE_AGENT, call->now, &party->about, err);
	if (rc != 0)
		return rc;
	if (party->about.state == CONVERSATION_TALKING && strcmp(party->about.agent, party->agent.id) == 0)
		return 0; /* asked again */
	bool waited = party->about.state == CONVERSATION_WAITING;
	rc = take_row(call, id, &party->agent, &changed, err);
	if (rc == 0 && changed == 0)
		return error_set(err, party->about.state == CONVERSATION_CLOSED ? ERR_CHAT_CLOSED : ERR_CHAT_TAKEN, NULL, "somebody else's");
	if (rc == 0 && waited)
		rc = chat_note(call->db, id, MESSAGE_JOINED, party->agent.name, call->now, err);
	return rc == 0 ? audit_write(call->db, call->now, "chat.taken", id, err, "by=%s", party->agent.id) : rc;
}

HALL_HANDLER(desk_take)
{
	struct call call = call_begin(ctx, request, worker);
	struct take_request asked = { 0 };
	struct chat_party party = { .side = SIDE_AGENT };
	int rc = hs_read(request, take_request_codec, &asked, err);
	if (rc == 0)
		rc = chat_agent(&call, &party.agent, err);
	if (rc == 0 && party.agent.role != ROLE_AGENT)
		rc = error_set(err, ERR_CHAT_READ_ONLY, NULL, "supervisor");
	if (rc == 0)
		rc = sql_begin(call.db, err);
	if (rc != 0)
		return rc;
	if (asked.conversation[0] == '\0')
		rc = longest_waiting(&call, &party.agent, asked.conversation, err);
	if (rc == 0)
		rc = take(&call, &party, asked.conversation, err);
	rc = sql_commit(call.db, rc, err);
	return rc == 0 ? chat_changed(&call, &party, err) : rc;
}

/* ---- handing over ---- */

static int check_target(struct call *call, const struct agent *self, const char *id, struct error *err)
{
	struct agent agents[CHAT_AGENTS];
	size_t count;
	int rc = agent_list(call->db, call->now, agents, &count, err);
	for (size_t i = 0; rc == 0 && i < count; i++)
		if (strcmp(agents[i].id, id) == 0 && agents[i].role == ROLE_AGENT && agents[i].state != AGENT_OFFLINE && strcmp(id, self->id) != 0)
			return 0;
	return rc != 0 ? rc : error_set(err, ERR_CHAT_NOBODY, NULL, "that agent is not on duty");
}

/* To the one named, offered at once; else to the next who is free, but not back. */
static int hand_over(struct call *call, const struct chat_party *party, const struct chat_transfer *to, struct error *err)
{
	bool named = to->agent[0] != '\0';
	char passed[CHAT_ID + 1];
	snprintf(passed, sizeof passed, "%s ", party->agent.id);
	struct sql_stmt *q = sql_prepare(call->db, "UPDATE conversation SET state = 0, agent = ?, wanted = ?, offered_until = ?, passed = ?, since = ?,"
		" revision = revision + 1 WHERE id = ?");
	sql_text(q, to->agent);
	sql_text(q, to->agent);
	sql_int(q, named ? call->now + call->hall->settings.chat_answer : 0);
	sql_text(q, passed);
	sql_int(q, call->now);
	sql_text(q, party->about.id);
	return sql_done(q, err);
}

static int add_note(struct call *call, const struct chat_party *party, const char *note, struct error *err)
{
	struct message *message = calloc(1, sizeof *message);
	if (message == NULL)
		return error_set(err, ERR_NO_MEMORY, NULL, "note");
	*message = (struct message){ .side = SIDE_AGENT, .kind = MESSAGE_NOTE };
	memcpy(message->author, party->agent.name, sizeof message->author);
	snprintf(message->body, sizeof message->body, "%s", note);
	int rc = chat_add(call->db, party->about.id, message, call->now, err);
	free(message);
	return rc;
}

static int transfer(struct call *call, struct chat_party *party, const struct chat_transfer *to, struct error *err)
{
	int rc = sql_begin(call->db, err);
	if (rc != 0)
		return rc;
	rc = chat_load(call->db, party->about.id, SIDE_AGENT, call->now, &party->about, err);
	if (rc == 0)
		rc = party->side == SIDE_AGENT ? chat_may_act(party, err) : error_set(err, ERR_STAFF_ONLY, NULL, "a customer");
	if (rc == 0 && party->about.state != CONVERSATION_TALKING)
		rc = error_set(err, ERR_CHAT_TAKEN, NULL, "not under way");
	if (rc == 0 && to->agent[0] != '\0')
		rc = check_target(call, &party->agent, to->agent, err);
	if (rc == 0 && to->note[0] != '\0')
		rc = add_note(call, party, to->note, err);
	if (rc == 0)
		rc = chat_note(call->db, party->about.id, MESSAGE_TRANSFERRED, party->agent.name, call->now, err);
	if (rc == 0)
		rc = hand_over(call, party, to, err);
	if (rc == 0)
		rc = audit_write(call->db, call->now, "chat.transferred", party->about.id, err, "by=%s to=%s", party->agent.id, to->agent);
	return sql_commit(call->db, rc, err);
}

HALL_HANDLER(transfer_post)
{
	struct call call = call_begin(ctx, request, worker);
	struct chat_transfer *asked = calloc(1, sizeof *asked);
	struct chat_party party;
	int rc = asked == NULL ? error_set(err, ERR_NO_MEMORY, NULL, "transfer") : hs_read(request, chat_transfer_codec, asked, err);
	if (rc == 0)
		rc = chat_party(&call, &party, err);
	if (rc == 0 && !chat_guard(asked->note))
		rc = error_set(err, ERR_CHAT_PIN, NULL, "looks like a PIN");
	if (rc == 0)
		rc = transfer(&call, &party, asked, err);
	free(asked);
	return rc == 0 ? chat_changed(&call, &party, err) : rc;
}
