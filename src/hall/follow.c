/* Event streams. What comes in is kept and told from the loop, one thing a turn: done may cancel the call, which would be wrong
 * from inside the transfer. A newer event makes an older one of its kind that was not told yet void.
 */
#include "hall/internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <certhall/log.h>

enum { RETRY_FIRST_MS = 1000, RETRY_LEAST_MS = 100, RETRY_MOST_MS = 30000, KINDS = 2, NONE = -1 };

/* A kind of event, and how it is told. */
struct follow_kind {
	const char *type;
	const struct codec *codec;
	size_t size;
	void (*tell)(hall_fn *done, void *ctx, const void *value);
};

struct follow {
	struct hall_call call;
	struct events events;
	const struct follow_kind *kinds; /* KINDS of them; type NULL: none */
	struct bytes latest[KINDS];      /* as JSON, to be told */
	bool has_latest[KINDS];
	bool stands;          /* the stream is open */
	bool tell_stands;
	bool tell_lost;
	bool told_lost;       /* and not found again since */
	bool over;            /* asking again is of no use */
	struct error lost;
	int64_t wait_ms;      /* before the next try */
};

static void turn(void *ctx);

static void arm(struct follow *follow, int64_t ms)
{
	if (loop_timer_start(follow->call.hall->loop, &follow->call.timer, ms, turn, follow) != 0)
		log_line(LOG_LEVEL_ERROR, "hall", "no memory for a timer");
}

static void keep_event(void *ctx, const struct event *event)
{
	struct follow *follow = ctx;
	for (int i = 0; i < KINDS; i++)
		if (follow->kinds[i].type != NULL && strcmp(event->type, follow->kinds[i].type) == 0)
			follow->has_latest[i] = bytes_set(&follow->latest[i], event->data, event->len) == 0;
}

/* The kind to be told next. */
static int next_kind(const struct follow *follow)
{
	for (int i = 0; i < KINDS; i++)
		if (follow->has_latest[i])
			return i;
	return NONE;
}

static void on_head(void *ctx, long status, const char *type)
{
	struct follow *follow = ctx;
	snprintf(follow->call.type, sizeof follow->call.type, "%s", type);
	follow->stands = status == 200 && strcmp(type, "text/event-stream") == 0;
	if (!follow->stands)
		return;
	follow->tell_stands = true;
	follow->told_lost = false;
	follow->wait_ms = 0;
	arm(follow, 0);
}

static int on_data(void *ctx, const void *data, size_t len)
{
	struct follow *follow = ctx;
	if (!follow->stands)
		return follow->call.answer.len + len > ANSWER_MAX ? ERR_NET_PROTOCOL : bytes_append(&follow->call.answer, data, len);
	int code = events_feed(&follow->events, data, len);
	if (next_kind(follow) != NONE)
		arm(follow, 0);
	return code;
}

static void on_end(void *ctx, const struct error *err, long status, bool sent)
{
	(void)sent;
	struct follow *follow = ctx;
	follow->call.transfer = NULL;
	bool ended_well = err == NULL && follow->stands;
	if (err != NULL)
		follow->lost = *err;
	else if (!follow->stands)
		call_problem(&follow->call, status, &follow->lost);
	follow->over = err == NULL && !follow->stands && (status == 204 || status == 401 || status == 403 || status == 404);
	follow->stands = false;
	follow->tell_lost = !ended_well && (!follow->told_lost || follow->over);
	int64_t first = follow->events.retry_ms > 0 ? follow->events.retry_ms : RETRY_FIRST_MS;
	follow->wait_ms = ended_well || follow->wait_ms == 0 ? first : follow->wait_ms * 2;
	if (follow->wait_ms < RETRY_LEAST_MS)
		follow->wait_ms = RETRY_LEAST_MS;
	if (follow->wait_ms > RETRY_MOST_MS)
		follow->wait_ms = RETRY_MOST_MS;
	bool more = follow->tell_stands || next_kind(follow) != NONE || follow->tell_lost;
	if (more || !follow->over)
		arm(follow, more ? 0 : follow->wait_ms);
}

static void follow_start(struct hall_call *call)
{
	struct follow *follow = (struct follow *)call;
	char header[64] = "";
	events_restart(&follow->events);
	bytes_drop(&call->answer, call->answer.len);
	if (follow->events.id[0] != '\0')
		snprintf(header, sizeof header, "Last-Event-ID: %s", follow->events.id);
	const struct transfer_request request = { .method = "GET", .path = call->path, .accept = "text/event-stream",
		.header = header[0] != '\0' ? header : NULL, .token = call_token(call), .endless = true,
		.head = on_head, .data = on_data, .end = on_end, .ctx = follow };
	struct error err;
	if (transfer_start(call->hall->transport, &request, &call->transfer, &err) != 0)
		on_end(follow, &err, 0, false);
}

static void tell_latest(struct follow *follow, int which)
{
	const struct follow_kind *kind = &follow->kinds[which];
	struct bytes json = follow->latest[which];
	void *value = calloc(1, kind->size);
	struct error err;
	follow->latest[which] = (struct bytes){ 0 };
	follow->has_latest[which] = false;
	if (value == NULL)
		log_line(LOG_LEVEL_ERROR, "hall", "no memory for an event");
	else if (codec_parse(kind->codec, (const char *)json.data, json.len, value, &err) == 0)
		kind->tell(follow->call.done, follow->call.ctx, value);
	else
		log_error("hall", &err);
	if (value != NULL)
		codec_free(kind->codec, value);
	free(value);
	bytes_free(&json);
}

static void turn(void *ctx)
{
	struct follow *follow = ctx;
	struct error err = follow->lost;
	if (follow->call.transfer == NULL && !follow->tell_stands && next_kind(follow) == NONE && !follow->tell_lost) {
		if (!follow->over)
			follow_start(&follow->call);
		return;
	}
	/* The next thing to tell is arranged before this one is told: telling may be the end of the call. */
	int kind = next_kind(follow);
	bool stands = follow->tell_stands, latest = kind != NONE && !stands;
	bool lost = follow->tell_lost && !stands && !latest;
	bool others = follow->has_latest[KINDS - 1] && kind != KINDS - 1;
	bool more = (stands && kind != NONE) || (latest && others) || ((stands || latest) && follow->tell_lost);
	if (more)
		arm(follow, 0);
	else if (follow->call.transfer == NULL && !follow->over)
		arm(follow, follow->wait_ms);
	if (stands) {
		follow->tell_stands = false;
		err = (struct error){ .code = ERR_OK };
		follow->call.done(follow->call.ctx, &err, NULL);
	} else if (latest) {
		tell_latest(follow, kind);
	} else if (lost) {
		follow->tell_lost = false;
		follow->told_lost = true;
		follow->call.done(follow->call.ctx, &err, NULL);
	}
}

static void follow_free(struct hall_call *call)
{
	struct follow *follow = (struct follow *)call;
	events_free(&follow->events);
	for (int i = 0; i < KINDS; i++)
		bytes_free(&follow->latest[i]);
}

static struct follow *follow_new(struct hall *hall, const struct follow_kind kinds[KINDS], hall_fn *done, void *ctx)
{
	static const struct call_ops ops = { .start = follow_start, .free = follow_free };
	struct follow *follow = call_new(hall, sizeof *follow, &ops, done, ctx);
	if (follow == NULL)
		return NULL;
	follow->kinds = kinds;
	follow->events.fn = keep_event;
	follow->events.ctx = follow;
	follow->call.method = "GET";
	return follow;
}

static void tell_order(hall_fn *done, void *ctx, const void *value)
{
	done(ctx, NULL, value);
}

struct hall_call *hall_follow_order(struct hall *hall, const char *number, int64_t revision, hall_fn *done, void *ctx)
{
	static const struct follow_kind kinds[KINDS] = { { "order", order_codec, sizeof(struct order), tell_order } };
	struct follow *follow = follow_new(hall, kinds, done, ctx);
	if (follow == NULL)
		return NULL;
	if (revision > 0)
		snprintf(follow->events.id, sizeof follow->events.id, "%" PRId64, revision);
	snprintf(follow->call.path, sizeof follow->call.path, "/v1/orders/%s/events", call_name_ok(number) ? number : "-");
	return &follow->call;
}

/* ---- live service ---- */

static void tell_conversation(hall_fn *done, void *ctx, const void *value)
{
	done(ctx, NULL, &(struct chat_event){ .conversation = value });
}

static void tell_desk(hall_fn *done, void *ctx, const void *value)
{
	done(ctx, NULL, &(struct chat_event){ .desk = value });
}

static void tell_typing(hall_fn *done, void *ctx, const void *value)
{
	done(ctx, NULL, &(struct chat_event){ .typing = value });
}

struct hall_call *hall_follow_conversation(struct hall *hall, const char *token, const char *id, hall_fn *done, void *ctx)
{
	static const struct follow_kind kinds[KINDS] = { { "conversation", conversation_codec, sizeof(struct conversation), tell_conversation },
		{ "typing", chat_typing_codec, sizeof(struct chat_typing), tell_typing } };
	struct follow *follow = follow_new(hall, kinds, done, ctx);
	if (follow == NULL)
		return NULL;
	snprintf(follow->call.path, sizeof follow->call.path, "/v1/conversations/%s/events", call_name_ok(id) ? id : "-");
	return call_granted(&follow->call, token);
}

struct hall_call *hall_follow_desk(struct hall *hall, hall_fn *done, void *ctx)
{
	static const struct follow_kind kinds[KINDS] = { { "desk", desk_codec, sizeof(struct desk), tell_desk },
		{ "typing", chat_typing_codec, sizeof(struct chat_typing), tell_typing } };
	struct follow *follow = follow_new(hall, kinds, done, ctx);
	if (follow == NULL)
		return NULL;
	snprintf(follow->call.path, sizeof follow->call.path, "/v1/desk/events");
	return &follow->call;
}
