/* The event stream of an order. What comes in is kept and told from the loop, one thing a turn: done may cancel the call,
 * which would be wrong from inside the transfer. An order's newer state makes an older one that was not told yet void.
 */
#include "hall/internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <certhall/log.h>

enum { RETRY_FIRST_MS = 1000, RETRY_LEAST_MS = 100, RETRY_MOST_MS = 30000 };

struct follow {
	struct hall_call call;
	struct events events;
	struct bytes latest;  /* an order as JSON, to be told */
	bool has_latest;
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
	if (strcmp(event->type, "order") == 0)
		follow->has_latest = bytes_set(&follow->latest, event->data, event->len) == 0;
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
	if (follow->has_latest)
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
	bool more = follow->tell_stands || follow->has_latest || follow->tell_lost;
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
		.header = header[0] != '\0' ? header : NULL, .token = &call->hall->token, .endless = true,
		.head = on_head, .data = on_data, .end = on_end, .ctx = follow };
	struct error err;
	if (transfer_start(call->hall->transport, &request, &call->transfer, &err) != 0)
		on_end(follow, &err, 0, false);
}

static void tell_latest(struct follow *follow)
{
	struct bytes json = follow->latest;
	struct order order = { 0 };
	struct error err;
	follow->latest = (struct bytes){ 0 };
	follow->has_latest = false;
	if (codec_parse(order_codec, (const char *)json.data, json.len, &order, &err) == 0)
		follow->call.done(follow->call.ctx, NULL, &order);
	else
		log_error("hall", &err);
	codec_free(order_codec, &order);
	bytes_free(&json);
}

static void turn(void *ctx)
{
	struct follow *follow = ctx;
	struct error err = follow->lost;
	if (follow->call.transfer == NULL && !follow->tell_stands && !follow->has_latest && !follow->tell_lost) {
		if (!follow->over)
			follow_start(&follow->call);
		return;
	}
	/* The next thing to tell is arranged before this one is told: telling may be the end of the call. */
	bool stands = follow->tell_stands, latest = follow->has_latest && !stands;
	bool lost = follow->tell_lost && !stands && !latest;
	bool more = (stands && follow->has_latest) || ((stands || latest) && follow->tell_lost);
	if (more)
		arm(follow, 0);
	else if (follow->call.transfer == NULL && !follow->over)
		arm(follow, follow->wait_ms);
	if (stands) {
		follow->tell_stands = false;
		err = (struct error){ .code = ERR_OK };
		follow->call.done(follow->call.ctx, &err, NULL);
	} else if (latest) {
		tell_latest(follow);
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
	bytes_free(&follow->latest);
}

struct hall_call *hall_follow_order(struct hall *hall, const char *number, int64_t revision, hall_fn *done, void *ctx)
{
	static const struct call_ops ops = { .start = follow_start, .free = follow_free };
	struct follow *follow = call_new(hall, sizeof *follow, &ops, done, ctx);
	if (follow == NULL)
		return NULL;
	follow->events.fn = keep_event;
	follow->events.ctx = follow;
	if (revision > 0)
		snprintf(follow->events.id, sizeof follow->events.id, "%" PRId64, revision);
	follow->call.method = "GET";
	snprintf(follow->call.path, sizeof follow->call.path, "/v1/orders/%s/events", call_name_ok(number) ? number : "-");
	return &follow->call;
}
