#include "hall/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <certhall/clock.h>

int hall_new(struct loop *loop, const struct settings *settings, struct hall **out)
{
	struct hall *hall = calloc(1, sizeof *hall);
	if (hall == NULL)
		return ERR_NO_MEMORY;
	*hall = (struct hall){ .loop = loop, .settings = settings, .transport = transport_new(loop, settings) };
	if (hall->transport == NULL) {
		free(hall);
		return ERR_NO_MEMORY;
	}
	*out = hall;
	return 0;
}

void hall_free(struct hall **hall_ref)
{
	struct hall *hall = *hall_ref;
	if (hall == NULL)
		return;
	*hall_ref = NULL;
	while (hall->calls != NULL)
		call_free(hall->calls);
	transport_free(&hall->transport);
	secret_free(&hall->token);
	free(hall);
}

/* ---- the hall's clock ---- */

void hall_took_time(struct hall *hall, int64_t time)
{
	hall->answered = true;
	hall->known_time = time;
	hall->known_at_ms = clock_monotonic_ms();
	hall->offset = clock_now() - time;
}

int64_t hall_now(const struct hall *hall)
{
	if (!hall->answered)
		return clock_now();
	return hall->known_time + (clock_monotonic_ms() - hall->known_at_ms) / 1000;
}

int64_t hall_clock_offset(const struct hall *hall)
{
	return hall->answered ? hall->offset : 0;
}

bool hall_answered(const struct hall *hall)
{
	return hall->answered;
}

/* ---- plain calls: JSON there, JSON back ---- */

static void on_end(void *ctx, const struct error *err, long status, bool sent)
{
	struct hall_call *call = ctx;
	struct error problem;
	if (!call_answered(call, err, status, sent))
		return;
	const struct codec *codec = call->codec;
	if (codec == NULL) {
		call_finish(call, NULL, NULL);
		return;
	}
	void *result = calloc(1, call->size);
	int code = result == NULL ? ERR_NO_MEMORY
		: strcmp(call->type, "application/json") != 0 ? error_set(&problem, ERR_NET_PROTOCOL, NULL, "content type %s", call->type)
		: codec_parse(codec, (const char *)call->answer.data, call->answer.len, result, &problem);
	if (code == ERR_NO_MEMORY || result == NULL) {
		call_fail(call, ERR_NO_MEMORY, NULL, "answer");
	} else if (code != 0) {
		call_fail(call, ERR_NET_PROTOCOL, NULL, problem.detail[0] != '\0' ? problem.detail : problem.param);
	} else {
		if (call->took != NULL)
			call->took(call->hall, result);
		call_finish(call, NULL, result);
	}
	if (result != NULL)
		codec_free(codec, result);
	free(result);
}

static void plain_start(struct hall_call *call)
{
	struct error err;
	if (call_send(call, "application/json, application/problem+json", on_end, &err) != 0)
		call_finish(call, &err, NULL);
}

static const struct call_ops plain_ops = { .start = plain_start };

struct hall_call *plain_call(struct hall *hall, const struct plain *plain, const char *path,
	const struct codec *body_codec, const void *body, hall_fn *done, void *ctx)
{
	struct hall_call *call = call_new(hall, sizeof *call, &plain_ops, done, ctx);
	if (call == NULL)
		return NULL;
	call->method = plain->method;
	call->repeatable = plain->repeatable;
	call->codec = plain->codec;
	call->size = plain->size;
	call->took = plain->took;
	snprintf(call->path, sizeof call->path, "%s", path);
	if (body_codec != NULL)
		call->body = codec_text(body_codec, body);
	if (body_codec != NULL && call->body == NULL) {
		call_free(call);
		return NULL;
	}
	return call;
}

static void took_info(struct hall *hall, void *result)
{
	hall_took_time(hall, ((struct hall_info *)result)->time);
}

struct hall_call *hall_get_info(struct hall *hall, hall_fn *done, void *ctx)
{
	static const struct plain plain = { "GET", true, hall_info_codec, sizeof(struct hall_info), took_info };
	return plain_call(hall, &plain, "/v1/hall", NULL, NULL, done, ctx);
}

static void took_standings(struct hall *hall, void *result)
{
	hall_took_time(hall, ((struct standing_answer *)result)->time);
}

struct hall_call *hall_standings(struct hall *hall, const struct standing_request *request, hall_fn *done, void *ctx)
{
	static const struct plain plain = { "POST", true, standing_answer_codec, sizeof(struct standing_answer), took_standings };
	return plain_call(hall, &plain, "/v1/standings", standing_request_codec, request, done, ctx);
}

struct hall_call *hall_challenge(struct hall *hall, const char *purpose, hall_fn *done, void *ctx)
{
	static const struct plain plain = { "POST", true, challenge_codec, sizeof(struct challenge), NULL };
	struct challenge_request request = { 0 };
	snprintf(request.purpose, sizeof request.purpose, "%s", purpose);
	return plain_call(hall, &plain, "/v1/challenges", challenge_request_codec, &request, done, ctx);
}

/* ---- the session ---- */

static void took_session(struct hall *hall, void *result)
{
	struct session *session = result;
	int rc = secret_set(&hall->token, session->token, strlen(session->token));
	if (rc != 0)
		secret_free(&hall->token); /* the next call is then told that a session is needed */
	secret_wipe(session->token, sizeof session->token);
}

struct hall_call *hall_login(struct hall *hall, const struct session_request *request, hall_fn *done, void *ctx)
{
	static const struct plain plain = { "POST", false, session_codec, sizeof(struct session), took_session };
	secret_free(&hall->token);
	return plain_call(hall, &plain, "/v1/sessions", session_request_codec, request, done, ctx);
}

bool hall_logged_in(const struct hall *hall)
{
	return hall->token.text != NULL;
}

void hall_logout(struct hall *hall)
{
	static const struct plain plain = { "DELETE", false, NULL, 0, NULL };
	if (hall->token.text == NULL)
		return;
	struct hall_call *call = plain_call(hall, &plain, "/v1/session", NULL, NULL, NULL, NULL);
	if (call != NULL) {
		/* Sent at once: the token it carries is forgotten here. */
		loop_timer_cancel(hall->loop, &call->timer);
		plain_start(call);
	}
	secret_free(&hall->token);
}

/* ---- orders ---- */

static struct hall_call *order_call(struct hall *hall, const char *method, bool repeatable, const char *number,
	const char *what, const struct codec *body_codec, const void *body, hall_fn *done, void *ctx)
{
	const struct plain plain = { method, repeatable, order_codec, sizeof(struct order), NULL };
	char path[PATH_ROOM];
	snprintf(path, sizeof path, "/v1/orders/%s%s", call_name_ok(number) ? number : "-", what);
	return plain_call(hall, &plain, path, body_codec, body, done, ctx);
}

struct hall_call *hall_submit_order(struct hall *hall, const struct order_request *request, hall_fn *done, void *ctx)
{
	static const struct plain plain = { "POST", true, order_codec, sizeof(struct order), NULL };
	return plain_call(hall, &plain, "/v1/orders", order_request_codec, request, done, ctx);
}

struct hall_call *hall_get_order(struct hall *hall, const char *number, hall_fn *done, void *ctx)
{
	return order_call(hall, "GET", true, number, "", NULL, NULL, done, ctx);
}

struct hall_call *hall_open_payment(struct hall *hall, const char *number, hall_fn *done, void *ctx)
{
	return order_call(hall, "POST", true, number, "/payment", NULL, NULL, done, ctx);
}

struct hall_call *hall_ask_payment(struct hall *hall, const char *number, hall_fn *done, void *ctx)
{
	return order_call(hall, "POST", true, number, "/payment/query", NULL, NULL, done, ctx);
}

struct hall_call *hall_cancel_order(struct hall *hall, const char *number, hall_fn *done, void *ctx)
{
	return order_call(hall, "POST", true, number, "/cancel", NULL, NULL, done, ctx);
}

struct hall_call *hall_request_cert(struct hall *hall, const char *number, const struct cert_request *request, hall_fn *done, void *ctx)
{
	return order_call(hall, "POST", false, number, "/requests", cert_request_codec, request, done, ctx);
}

struct hall_call *hall_report_installed(struct hall *hall, const char *number, const struct install_report *report, hall_fn *done, void *ctx)
{
	return order_call(hall, "POST", false, number, "/installed", install_report_codec, report, done, ctx);
}
