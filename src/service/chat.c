/* What both sides do in a conversation. */
#include "service/chat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

enum { HEX_ID = 32 };

bool chat_id_ok(const char *id)
{
	return strlen(id) == HEX_ID && id[strspn(id, "0123456789abcdef")] == '\0';
}

int chat_answer(struct call *call, int status, const char *id, enum chat_side eyes, const char *token, struct error *err)
{
	struct conversation *conversation = calloc(1, sizeof *conversation);
	if (conversation == NULL)
		return error_set(err, ERR_NO_MEMORY, NULL, "conversation");
	int rc = chat_load(call->db, id, eyes, call->now, conversation, err);
	snprintf(conversation->token, sizeof conversation->token, "%s", token);
	if (rc == 0)
		rc = hs_answer(call->request, status, conversation_codec, conversation);
	OPENSSL_cleanse(conversation->token, sizeof conversation->token);
	free(conversation);
	return rc;
}

int chat_changed(struct call *call, const struct chat_party *party, struct error *err)
{
	chat_publish(call->hall, party->about.id, party->about.agent);
	chat_publish_queue(call->hall, call->db);
	chat_assign(call->hall, call->db, call->now);
	return chat_answer(call, 200, party->about.id, party->side, "", err);
}

/* ---- in a conversation ---- */

HALL_HANDLER(conversation_get)
{
	struct call call = call_begin(ctx, request, worker);
	struct chat_party party;
	int rc = chat_party(&call, &party, err);
	return rc == 0 ? chat_answer(&call, 200, party.about.id, party.side, "", err) : rc;
}

HALL_HANDLER(conversation_events)
{
	struct call call = call_begin(ctx, request, worker);
	struct chat_party party;
	char subject[64];
	int rc = chat_party(&call, &party, err);
	if (rc == 0 && party.side != SIDE_CUSTOMER)
		rc = error_set(err, ERR_CHAT_NONE, NULL, "an agent follows the desk");
	snprintf(subject, sizeof subject, CHAT_SUBJECT "%s", party.about.id);
	return rc == 0 ? hs_answer_stream(request, subject, 0, call.session_until) : rc;
}

static bool is_open(const struct conversation *c)
{
	return c->state == CONVERSATION_WAITING || c->state == CONVERSATION_TALKING;
}

/* Whether this side may do something in it now. */
int chat_may_act(const struct chat_party *party, struct error *err)
{
	if (party->side == SIDE_CUSTOMER)
		return is_open(&party->about) ? 0 : error_set(err, ERR_CHAT_CLOSED, NULL, "closed");
	if (party->agent.role != ROLE_AGENT)
		return error_set(err, ERR_CHAT_READ_ONLY, NULL, "supervisor");
	if (party->about.state == CONVERSATION_CLOSED)
		return error_set(err, ERR_CHAT_CLOSED, NULL, "closed");
	if (strcmp(party->about.agent, party->agent.id) != 0 || party->about.state == CONVERSATION_WAITING)
		return error_set(err, ERR_CHAT_TAKEN, NULL, "another agent's");
	return 0;
}

static bool kind_allowed(const struct chat_party *party, int kind)
{
	return party->side == SIDE_CUSTOMER ? kind == MESSAGE_TEXT || kind == MESSAGE_REPORT || kind == MESSAGE_ORDER
					    : kind == MESSAGE_TEXT || kind == MESSAGE_QUESTION || kind == MESSAGE_NOTE;
}

static int check_message(const struct chat_party *party, struct message_request *asked, struct error *err)
{
	if (!chat_id_ok(asked->id))
		return error_set(err, ERR_INVALID_FIELD, "id", "32 hex digits");
	if (!kind_allowed(party, asked->kind))
		return error_set(err, ERR_INVALID_FIELD, "kind", "not from this side");
	if (asked->body[strspn(asked->body, " \n")] == '\0')
		return error_set(err, ERR_INVALID_FIELD, "body", "nothing was written");
	return chat_guard(asked->body) ? 0 : error_set(err, ERR_CHAT_PIN, NULL, "looks like a PIN");
}

/* What is stored already is answered again, whatever has become of the conversation since. */
static int store(struct call *call, struct chat_party *party, struct message *message, struct error *err)
{
	bool found;
	int rc = sql_begin(call->db, err);
	if (rc != 0)
		return rc;
	rc = chat_find(call->db, party->about.id, message, &found, err);
	if (rc == 0 && !found)
		rc = chat_load(call->db, party->about.id, SIDE_AGENT, call->now, &party->about, err);
	if (rc == 0 && !found)
		rc = chat_may_act(party, err);
	if (rc == 0 && !found)
		rc = chat_add(call->db, party->about.id, message, call->now, err);
	return sql_commit(call->db, rc, err);
}

HALL_HANDLER(messages_post)
{
	struct call call = call_begin(ctx, request, worker);
	struct message_request *asked = calloc(1, sizeof *asked);
	struct message *message = calloc(1, sizeof *message);
	struct chat_party party;
	int rc = asked == NULL || message == NULL ? error_set(err, ERR_NO_MEMORY, NULL, "message") : hs_read(request, message_request_codec, asked, err);
	if (rc == 0)
		rc = chat_party(&call, &party, err);
	if (rc == 0)
		rc = check_message(&party, asked, err);
	if (rc == 0) {
		*message = (struct message){ .side = (int)party.side, .kind = asked->kind };
		memcpy(message->id, asked->id, sizeof message->id);
		memcpy(message->body, asked->body, sizeof message->body);
		memcpy(message->author, party.agent.name, sizeof message->author);
		rc = store(&call, &party, message, err);
	}
	if (rc == 0) {
		chat_publish(call.hall, party.about.id, party.about.agent);
		rc = hs_answer(request, 200, message_codec, message);
	}
	free(asked);
	free(message);
	return rc;
}

HALL_HANDLER(history_post)
{
	struct call call = call_begin(ctx, request, worker);
	struct history_request asked = { 0 };
	struct chat_party party;
	struct message_page *page = calloc(1, sizeof *page);
	int rc = page == NULL ? error_set(err, ERR_NO_MEMORY, NULL, "history") : hs_read(request, history_request_codec, &asked, err);
	if (rc == 0)
		rc = chat_party(&call, &party, err);
	if (rc == 0)
		rc = chat_history(call.db, party.about.id, party.side, asked.after, page, err);
	if (rc == 0)
		rc = hs_answer(request, 200, message_page_codec, page);
	free(page);
	return rc;
}

/* Marks only grow, and never beyond what there is. */
static int mark(struct call *call, const struct chat_party *party, const struct chat_marks *marks, bool *moved, struct error *err)
{
	const struct conversation *c = &party->about;
	bool customer = party->side == SIDE_CUSTOMER;
	int64_t read = marks->read < c->last_seq ? marks->read : c->last_seq, got = marks->got < c->last_seq ? marks->got : c->last_seq;
	got = got > read ? got : read;
	*moved = got > (customer ? c->customer_got : c->agent_got) || read > (customer ? c->customer_read : c->agent_read);
	if (!*moved)
		return 0;
	int rc = sql_begin(call->db, err);
	if (rc != 0)
		return rc;
	struct sql_stmt *q = sql_prepare(call->db, customer
			? "UPDATE conversation SET customer_got = CASE WHEN customer_got < ? THEN ? ELSE customer_got END,"
			  " customer_read = CASE WHEN customer_read < ? THEN ? ELSE customer_read END, revision = revision + 1 WHERE id = ?"
			: "UPDATE conversation SET agent_got = CASE WHEN agent_got < ? THEN ? ELSE agent_got END,"
			  " agent_read = CASE WHEN agent_read < ? THEN ? ELSE agent_read END, revision = revision + 1 WHERE id = ?");
	sql_int(q, got);
	sql_int(q, got);
	sql_int(q, read);
	sql_int(q, read);
	sql_text(q, c->id);
	return sql_commit(call->db, sql_done(q, err), err);
}

static void tell_typing(struct call *call, const struct chat_party *party)
{
	struct chat_typing typing = { .side = (int)party->side };
	char subject[64], event[256];
	memcpy(typing.conversation, party->about.id, sizeof typing.conversation);
	char *json = codec_text(chat_typing_codec, &typing);
	if (json == NULL)
		return;
	snprintf(event, sizeof event, "event: typing\ndata: %s\n\n", json);
	free(json);
	snprintf(subject, sizeof subject, "%s%s", party->side == SIDE_AGENT ? CHAT_SUBJECT : DESK_SUBJECT,
		party->side == SIDE_AGENT ? party->about.id : party->about.agent);
	hs_tell(call->hall->server, subject, event);
}

HALL_HANDLER(marks_post)
{
	struct call call = call_begin(ctx, request, worker);
	struct chat_marks marks = { 0 };
	struct chat_party party;
	bool moved = false;
	int rc = hs_read(request, chat_marks_codec, &marks, err);
	if (rc == 0)
		rc = chat_party(&call, &party, err);
	bool mine = rc == 0 && (party.side == SIDE_CUSTOMER || strcmp(party.about.agent, party.agent.id) == 0);
	if (mine)
		rc = mark(&call, &party, &marks, &moved, err);
	if (rc == 0 && moved)
		chat_publish(call.hall, party.about.id, party.about.agent);
	if (rc == 0 && mine && marks.typing)
		tell_typing(&call, &party);
	return rc != 0 ? rc : hs_answer_none(request);
}

/* ---- its end ---- */

static int move(struct call *call, const struct chat_party *party, enum conversation_state to, struct error *err)
{
	struct sql_stmt *q = sql_prepare(call->db, "UPDATE conversation SET state = ?, since = ?, offered_until = 0, revision = revision + 1 WHERE id = ? AND state <> 2");
	sql_int(q, to);
	sql_int(q, call->now);
	sql_text(q, party->about.id);
	return sql_done(q, err);
}

static int rate(struct call *call, const struct chat_party *party, int64_t rating, struct error *err)
{
	if (party->side != SIDE_CUSTOMER || rating == 0)
		return 0;
	if (rating < 1 || rating > 5)
		return error_set(err, ERR_INVALID_FIELD, "rating", "1 to 5");
	struct sql_stmt *q = sql_prepare(call->db, "UPDATE conversation SET rating = ?, revision = revision + 1 WHERE id = ? AND rating = 0");
	sql_int(q, rating);
	sql_text(q, party->about.id);
	return sql_done(q, err);
}

static int close_it(struct call *call, const struct chat_party *party, int64_t rating, struct error *err)
{
	bool open = is_open(&party->about) || (party->about.state == CONVERSATION_LEFT && party->side == SIDE_AGENT);
	int rc = open && party->side == SIDE_AGENT ? chat_may_act(party, err) : 0;
	if (rc == 0)
		rc = sql_begin(call->db, err);
	if (rc != 0)
		return rc;
	if (open)
		rc = move(call, party, CONVERSATION_CLOSED, err);
	if (rc == 0 && open)
		rc = chat_note(call->db, party->about.id, MESSAGE_CLOSED, party->agent.name, call->now, err);
	if (rc == 0)
		rc = rate(call, party, rating, err);
	if (rc == 0 && open)
		rc = audit_write(call->db, call->now, "chat.closed", party->about.id, err, "by=%s", party->agent.id[0] != '\0' ? party->agent.id : "customer");
	return sql_commit(call->db, rc, err);
}

HALL_HANDLER(close_post)
{
	struct call call = call_begin(ctx, request, worker);
	struct close_request asked = { 0 };
	struct chat_party party;
	int rc = hs_read(request, close_request_codec, &asked, err);
	if (rc == 0)
		rc = chat_party(&call, &party, err);
	if (rc == 0)
		rc = close_it(&call, &party, asked.rating, err);
	return rc == 0 ? chat_changed(&call, &party, err) : rc;
}

