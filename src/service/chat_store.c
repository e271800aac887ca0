#include <stdio.h>
#include <string.h>

#include "service/chat.h"

/* ---- reading ---- */

void chat_row(struct sql_stmt *q, int64_t now, struct conversation *out)
{
	*out = (struct conversation){ .time = now };
	sql_get_text(q, 0, out->id, sizeof out->id);
	out->state = (int)sql_get_int(q, 1);
	out->revision = sql_get_int(q, 2);
	sql_get_text(q, 3, out->topic, sizeof out->topic);
	sql_get_text(q, 4, out->language, sizeof out->language);
	sql_get_text(q, 5, out->holder, sizeof out->holder);
	sql_get_text(q, 6, out->wanted, sizeof out->wanted);
	sql_get_text(q, 7, out->agent, sizeof out->agent);
	sql_get_text(q, 8, out->agent_name, sizeof out->agent_name);
	out->created = sql_get_int(q, 9);
	out->since = sql_get_int(q, 10);
	out->offered_until = sql_get_int(q, 11);
	out->last_seq = sql_get_int(q, 12);
	out->customer_got = sql_get_int(q, 13);
	out->customer_read = sql_get_int(q, 14);
	out->agent_got = sql_get_int(q, 15);
	out->agent_read = sql_get_int(q, 16);
	out->rating = sql_get_int(q, 17);
	sql_get_text(q, 18, out->callback, sizeof out->callback);
}

#define MESSAGE_SELECT "SELECT seq, id, side, kind, author, at, body FROM message WHERE conversation = ? "

static void read_message(struct sql_stmt *q, enum chat_side eyes, struct message *out)
{
	*out = (struct message){ .seq = sql_get_int(q, 0), .side = (int)sql_get_int(q, 2), .kind = (int)sql_get_int(q, 3), .at = sql_get_int(q, 5) };
	sql_get_text(q, 1, out->id, sizeof out->id);
	sql_get_text(q, 4, out->author, sizeof out->author);
	if (out->kind != MESSAGE_NOTE || eyes == SIDE_AGENT)
		sql_get_text(q, 6, out->body, sizeof out->body);
}

int chat_last(struct sql *db, enum chat_side eyes, struct conversation *conversation, struct error *err)
{
	struct sql_stmt *q = sql_prepare(db, MESSAGE_SELECT "AND seq = ?");
	sql_text(q, conversation->id);
	sql_int(q, conversation->last_seq);
	conversation->has_last = sql_row(q);
	if (conversation->has_last)
		read_message(q, eyes, &conversation->last);
	return sql_done(q, err);
}

int chat_position(struct sql *db, struct conversation *conversation, struct error *err)
{
	if (conversation->state != CONVERSATION_WAITING)
		return 0;
	struct sql_stmt *q = sql_prepare(db, "SELECT count(*) FROM conversation WHERE state = 0 AND number <= (SELECT number FROM conversation WHERE id = ?)");
	sql_text(q, conversation->id);
	conversation->position = sql_row(q) ? sql_get_int(q, 0) : 0;
	return sql_done(q, err);
}

int chat_load(struct sql *db, const char *id, enum chat_side eyes, int64_t now, struct conversation *out, struct error *err)
{
	struct sql_stmt *q = sql_prepare(db, CHAT_SELECT "WHERE c.id = ?");
	sql_text(q, id); /* may be out's own */
	*out = (struct conversation){ 0 };
	if (sql_row(q))
		chat_row(q, now, out);
	int rc = sql_done(q, err);
	if (rc == 0 && out->id[0] == '\0')
		return error_set(err, ERR_CHAT_NONE, NULL, "no such conversation");
	if (eyes == SIDE_CUSTOMER)
		out->callback[0] = '\0';
	if (rc == 0)
		rc = chat_last(db, eyes, out, err);
	if (rc == 0)
		rc = chat_position(db, out, err);
	return rc == 0 ? agent_on_duty(db, now, &out->on_duty, err) : rc;
}

int chat_history(struct sql *db, const char *id, enum chat_side eyes, int64_t after, struct message_page *out, struct error *err)
{
	struct sql_stmt *q = sql_prepare(db, "SELECT last_seq FROM conversation WHERE id = ?");
	sql_text(q, id);
	out->last_seq = sql_row(q) ? sql_get_int(q, 0) : 0;
	int rc = sql_done(q, err);
	if (rc != 0)
		return rc;
	q = sql_prepare(db, MESSAGE_SELECT "AND seq > ? ORDER BY seq LIMIT 32");
	sql_text(q, id);
	sql_int(q, after);
	for (out->messages_count = 0; out->messages_count < CHAT_PAGE && sql_row(q); out->messages_count++)
		read_message(q, eyes, &out->messages[out->messages_count]);
	return sql_done(q, err);
}

/* ---- writing ---- */

int chat_find(struct sql *db, const char *conversation, struct message *message, bool *found, struct error *err)
{
	struct sql_stmt *q = sql_prepare(db, MESSAGE_SELECT "AND id = ?");
	sql_text(q, conversation);
	sql_text(q, message->id);
	*found = sql_row(q);
	if (*found)
		read_message(q, SIDE_AGENT, message);
	return sql_done(q, err);
}

static int take_number(struct sql *db, const char *conversation, int64_t *seq, struct error *err)
{
	struct sql_stmt *q = sql_prepare(db, "UPDATE conversation SET last_seq = last_seq + 1, revision = revision + 1 WHERE id = ?");
	sql_text(q, conversation);
	int rc = sql_done(q, err);
	if (rc != 0)
		return rc;
	q = sql_prepare(db, "SELECT last_seq FROM conversation WHERE id = ?");
	sql_text(q, conversation);
	*seq = sql_row(q) ? sql_get_int(q, 0) : 0;
	return sql_done(q, err);
}

int chat_add(struct sql *db, const char *conversation, struct message *message, int64_t now, struct error *err)
{
	int rc = message->id[0] == '\0' ? pki_random_hex(CHAT_ID_BYTES, message->id, err) : 0;
	if (rc == 0)
		rc = take_number(db, conversation, &message->seq, err);
	if (rc != 0)
		return rc;
	message->at = now;
	struct sql_stmt *q = sql_prepare(db, "INSERT INTO message (conversation, seq, id, side, kind, author, at, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
	sql_text(q, conversation);
	sql_int(q, message->seq);
	sql_text(q, message->id);
	sql_int(q, message->side);
	sql_int(q, message->kind);
	sql_text(q, message->author);
	sql_int(q, now);
	sql_text(q, message->body);
	return sql_done(q, err);
}

int chat_note(struct sql *db, const char *conversation, enum message_kind kind, const char *author, int64_t now, struct error *err)
{
	struct message message = { .side = SIDE_HALL, .kind = (int)kind };
	snprintf(message.author, sizeof message.author, "%s", author);
	return chat_add(db, conversation, &message, now, err);
}
