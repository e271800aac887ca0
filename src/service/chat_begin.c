/* Who is on duty, how a conversation begins, and messages that are left. */
#include "service/chat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include <certhall/clock.h>
#include <certhall/text.h>

enum { TOKEN_BYTES = 32 };

static int count_waiting(struct sql *db, int64_t *count, struct error *err)
{
	struct sql_stmt *q = sql_prepare(db, "SELECT count(*) FROM conversation WHERE state = 0");
	*count = sql_row(q) ? sql_get_int(q, 0) : 0;
	return sql_done(q, err);
}

HALL_HANDLER(service_get)
{
	struct call call = call_begin(ctx, request, worker);
	struct chat_service *service = calloc(1, sizeof *service);
	if (service == NULL)
		return error_set(err, ERR_NO_MEMORY, NULL, "service");
	service->time = call.now;
	service->answer_seconds = call.hall->settings.chat_answer;
	int rc = agent_list(call.db, call.now, service->agents, &service->agents_count, err);
	size_t kept = 0;
	for (size_t i = 0; i < service->agents_count; i++)
		if (service->agents[i].role == ROLE_AGENT && service->agents[i].state != AGENT_OFFLINE)
			service->agents[kept++] = service->agents[i];
	service->agents_count = kept;
	if (rc == 0)
		rc = count_waiting(call.db, &service->waiting, err);
	if (rc == 0)
		rc = hs_answer(request, 200, chat_service_codec, service);
	free(service);
	return rc;
}

/* ---- beginning ---- */

static int find_begun(struct call *call, const char *request_hash, char id[CHAT_ID], struct error *err)
{
	struct sql_stmt *q = sql_prepare(call->db, "SELECT id FROM conversation WHERE request_sha256 = ?"
		" OR (? <> '' AND fingerprint = ? AND state IN (0, 1)) ORDER BY CASE WHEN request_sha256 = ? THEN 0 ELSE 1 END LIMIT 1");
	sql_text(q, request_hash);
	sql_text(q, call->fingerprint);
	sql_text(q, call->fingerprint);
	sql_text(q, request_hash);
	id[0] = '\0';
	if (sql_row(q))
		sql_get_text(q, 0, id, CHAT_ID);
	return sql_done(q, err);
}

static int holder_of(struct call *call, char *out, size_t size, struct error *err)
{
	struct bytes der = { 0 };
	struct cert_info info;
	out[0] = '\0';
	if (call->fingerprint[0] == '\0')
		return 0;
	int rc = cert_der(call->db, call->fingerprint, &der, err);
	if (rc == 0)
		rc = cert_info_read(der.data, der.len, &info, err);
	if (rc == 0)
		snprintf(out, size, "%.*s", (int)text_cut(info.holder, (int)size / 3, NULL), info.holder);
	bytes_free(&der);
	return rc;
}

static int insert(struct call *call, const struct conversation_request *asked, const char *request_hash, char id[CHAT_ID], struct error *err)
{
	char holder[CODEC_SIZE(struct conversation, holder)];
	int rc = holder_of(call, holder, sizeof holder, err);
	if (rc == 0)
		rc = pki_random_hex(CHAT_ID_BYTES, id, err);
	if (rc != 0)
		return rc;
	struct sql_stmt *q = sql_prepare(call->db, "INSERT INTO conversation (id, number, request_sha256, state, fingerprint, holder, topic, language, wanted,"
		" created, since, callback) SELECT ?, COALESCE(max(number), 0) + 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM conversation");
	sql_text(q, id);
	sql_text(q, request_hash);
	sql_int(q, asked->callback[0] != '\0' ? CONVERSATION_LEFT : CONVERSATION_WAITING);
	sql_text(q, call->fingerprint);
	sql_text(q, holder);
	sql_text(q, asked->topic);
	sql_text(q, asked->language);
	sql_text(q, asked->agent);
	sql_int(q, call->now);
	sql_int(q, call->now);
	sql_text(q, asked->callback);
	rc = sql_done(q, err);
	return rc == 0 ? audit_write(call->db, call->now, asked->callback[0] != '\0' ? "chat.left" : "chat.begun", id, err, "key=%d", call->fingerprint[0] != '\0') : rc;
}

/* Whether there is somebody to wait for, and room in the queue. */
static int may_wait(struct call *call, struct error *err)
{
	int64_t on_duty, waiting;
	int rc = agent_on_duty(call->db, call->now, &on_duty, err);
	if (rc != 0 || on_duty == 0)
		return rc != 0 ? rc : error_set(err, ERR_CHAT_NOBODY, NULL, "nobody on duty");
	rc = count_waiting(call->db, &waiting, err);
	return rc == 0 && waiting >= call->hall->settings.chat_waiting ? error_set(err, ERR_NET_OVERLOADED, NULL, "the queue is full") : rc;
}

static int add_text(struct call *call, const char *id, const char *text, struct error *err)
{
	struct message *message = calloc(1, sizeof *message);
	if (message == NULL)
		return error_set(err, ERR_NO_MEMORY, NULL, "message");
	snprintf(message->body, sizeof message->body, "%s", text);
	int rc = chat_add(call->db, id, message, call->now, err);
	free(message);
	return rc;
}

static int give_token(struct call *call, const char *id, char token[2 * TOKEN_BYTES + 1], struct error *err)
{
	char hash[65];
	int rc = pki_random_hex(TOKEN_BYTES, token, err);
	if (rc != 0)
		return rc;
	token_hash(token, hash);
	struct sql_stmt *q = sql_prepare(call->db, "INSERT INTO conversation_token (token_sha256, conversation) VALUES (?, ?)");
	sql_text(q, hash);
	sql_text(q, id);
	return sql_done(q, err);
}

static int begin(struct call *call, const struct conversation_request *asked, char id[CHAT_ID], char token[2 * TOKEN_BYTES + 1], struct error *err)
{
	char hash[65];
	token_hash(asked->request, hash);
	int rc = sql_begin(call->db, err);
	if (rc != 0)
		return rc;
	rc = find_begun(call, hash, id, err);
	bool new = rc == 0 && id[0] == '\0';
	if (new && asked->callback[0] == '\0')
		rc = may_wait(call, err);
	if (rc == 0 && new)
		rc = insert(call, asked, hash, id, err);
	if (rc == 0 && new && asked->text[0] != '\0')
		rc = add_text(call, id, asked->text, err);
	if (rc == 0)
		rc = give_token(call, id, token, err);
	return sql_commit(call->db, rc, err);
}

/* A number to call back and a text, both fit to be kept. */
static int check_left(char *callback, size_t size, char *text, struct error *err)
{
	char say[200];
	phone_normalize(callback, size);
	if (check_phone(callback, say, sizeof say) == CHECK_WRONG)
		return error_set(err, ERR_INVALID_FIELD, "callback", "%s", say);
	if (text[0] == '\0')
		return error_set(err, ERR_INVALID_FIELD, "text", "nothing was written");
	return chat_guard(text) ? 0 : error_set(err, ERR_CHAT_PIN, NULL, "looks like a PIN");
}

static int check_begin(struct call *call, struct conversation_request *asked, struct error *err)
{
	const struct settings *s = &call->hall->settings;
	if (!chat_id_ok(asked->request))
		return error_set(err, ERR_INVALID_FIELD, "request", "32 hex digits");
	int rc = call_rate(call, s->query_rate, s->query_burst, "chat address", hs_address(call->request), err);
	if (rc != 0)
		return rc;
	if (asked->callback[0] != '\0')
		return check_left(asked->callback, sizeof asked->callback, asked->text, err);
	return chat_guard(asked->text) ? 0 : error_set(err, ERR_CHAT_PIN, NULL, "looks like a PIN");
}

HALL_HANDLER(conversations_post)
{
	struct call call = call_begin(ctx, request, worker);
	struct conversation_request *asked = calloc(1, sizeof *asked);
	char id[CHAT_ID], token[2 * TOKEN_BYTES + 1] = "";
	int rc = asked == NULL ? error_set(err, ERR_NO_MEMORY, NULL, "conversation") : hs_read(request, conversation_request_codec, asked, err);
	if (rc == 0 && hs_header(request, "Authorization") != NULL)
		rc = session_find(&call, err);
	if (rc == 0)
		rc = check_begin(&call, asked, err);
	if (rc == 0)
		rc = begin(&call, asked, id, token, err);
	if (rc == 0) {
		chat_publish_queue(call.hall, call.db);
		chat_assign(call.hall, call.db, call.now);
		rc = chat_answer(&call, 201, id, SIDE_CUSTOMER, token, err);
	}
	OPENSSL_cleanse(token, sizeof token);
	free(asked);
	return rc;
}

/* ---- a message instead of waiting on ---- */

static int leave(struct call *call, const struct chat_party *party, const struct leave_request *asked, struct error *err)
{
	if (party->side != SIDE_CUSTOMER || party->about.state != CONVERSATION_WAITING)
		return error_set(err, ERR_CHAT_CLOSED, NULL, "not waiting any more");
	int rc = sql_begin(call->db, err);
	if (rc != 0)
		return rc;
	struct sql_stmt *q = sql_prepare(call->db, "UPDATE conversation SET state = 3, callback = ?, agent = '', offered_until = 0, since = ?, revision = revision + 1"
		" WHERE id = ? AND state = 0");
	sql_text(q, asked->callback);
	sql_int(q, call->now);
	sql_text(q, party->about.id);
	int64_t changed;
	rc = sql_changed(q, &changed, err);
	if (rc == 0 && changed == 0)
		rc = error_set(err, ERR_CHAT_CLOSED, NULL, "not waiting any more");
	if (rc == 0)
		rc = add_text(call, party->about.id, asked->text, err);
	if (rc == 0)
		rc = audit_write(call->db, call->now, "chat.left", party->about.id, err, "after waiting");
	return sql_commit(call->db, rc, err);
}

HALL_HANDLER(leave_post)
{
	struct call call = call_begin(ctx, request, worker);
	struct leave_request *asked = calloc(1, sizeof *asked);
	struct chat_party party;
	int rc = asked == NULL ? error_set(err, ERR_NO_MEMORY, NULL, "leave") : hs_read(request, leave_request_codec, asked, err);
	if (rc == 0)
		rc = chat_party(&call, &party, err);
	if (rc == 0)
		rc = check_left(asked->callback, sizeof asked->callback, asked->text, err);
	if (rc == 0)
		rc = leave(&call, &party, asked, err);
	free(asked);
	return rc == 0 ? chat_changed(&call, &party, err) : rc;
}
