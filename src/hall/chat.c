/* Live service: what is asked of the hall. */
#include "hall/internal.h"

#include <stdio.h>
#include <string.h>

#define CONVERSATION conversation_codec, sizeof(struct conversation), NULL

struct hall_call *hall_get_service(struct hall *hall, hall_fn *done, void *ctx)
{
	static const struct plain plain = { "GET", true, chat_service_codec, sizeof(struct chat_service), NULL };
	return plain_call(hall, &plain, "/v1/service", NULL, NULL, done, ctx);
}

struct hall_call *hall_begin_conversation(struct hall *hall, const struct conversation_request *request, hall_fn *done, void *ctx)
{
	static const struct plain plain = { "POST", true, CONVERSATION };
	return plain_call(hall, &plain, "/v1/conversations", conversation_request_codec, request, done, ctx);
}

/* Of a conversation: id comes from the hall and goes into a path. */
static struct hall_call *about(struct hall *hall, const struct plain *plain, const char *token, const char *id, const char *what,
	const struct codec *codec, const void *body, hall_fn *done, void *ctx)
{
	char path[PATH_ROOM];
	snprintf(path, sizeof path, "/v1/conversations/%s%s", call_name_ok(id) ? id : "-", what);
	return call_granted(plain_call(hall, plain, path, codec, body, done, ctx), token);
}

struct hall_call *hall_send_message(struct hall *hall, const char *token, const char *id, const struct message_request *request, hall_fn *done, void *ctx)
{
	static const struct plain plain = { "POST", true, message_codec, sizeof(struct message), NULL };
	return about(hall, &plain, token, id, "/messages", message_request_codec, request, done, ctx);
}

struct hall_call *hall_get_history(struct hall *hall, const char *token, const char *id, int64_t after, hall_fn *done, void *ctx)
{
	static const struct plain plain = { "POST", true, message_page_codec, sizeof(struct message_page), NULL };
	const struct history_request request = { .after = after };
	return about(hall, &plain, token, id, "/history", history_request_codec, &request, done, ctx);
}

struct hall_call *hall_mark_messages(struct hall *hall, const char *token, const char *id, const struct chat_marks *marks, hall_fn *done, void *ctx)
{
	static const struct plain plain = { "POST", true, NULL, 0, NULL };
	return about(hall, &plain, token, id, "/marks", chat_marks_codec, marks, done, ctx);
}

struct hall_call *hall_leave_message(struct hall *hall, const char *token, const char *id, const struct leave_request *request, hall_fn *done, void *ctx)
{
	static const struct plain plain = { "POST", false, CONVERSATION };
	return about(hall, &plain, token, id, "/leave", leave_request_codec, request, done, ctx);
}

struct hall_call *hall_close_conversation(struct hall *hall, const char *token, const char *id, int rating, hall_fn *done, void *ctx)
{
	static const struct plain plain = { "POST", true, CONVERSATION };
	const struct close_request request = { .rating = rating };
	return about(hall, &plain, token, id, "/close", close_request_codec, &request, done, ctx);
}

struct hall_call *hall_transfer_conversation(struct hall *hall, const char *id, const struct chat_transfer *transfer, hall_fn *done, void *ctx)
{
	static const struct plain plain = { "POST", false, CONVERSATION };
	return about(hall, &plain, NULL, id, "/transfer", chat_transfer_codec, transfer, done, ctx);
}

struct hall_call *hall_take_conversation(struct hall *hall, const char *id, hall_fn *done, void *ctx)
{
	static const struct plain plain = { "POST", false, CONVERSATION };
	struct take_request request = { 0 };
	snprintf(request.conversation, sizeof request.conversation, "%s", id);
	return plain_call(hall, &plain, "/v1/desk/take", take_request_codec, &request, done, ctx);
}

struct hall_call *hall_set_presence(struct hall *hall, enum agent_state state, hall_fn *done, void *ctx)
{
	static const struct plain plain = { "POST", true, desk_codec, sizeof(struct desk), NULL };
	const struct agent_presence presence = { .state = (int)state };
	return plain_call(hall, &plain, "/v1/desk/state", agent_presence_codec, &presence, done, ctx);
}
