/* What every call to the hall has in common: its beginning, its tries and its one end. */
#include "hall/internal.h"

#include <stdlib.h>
#include <string.h>

#include <certhall/log.h>

static void start_later(void *ctx)
{
	struct hall_call *call = ctx;
	call->ops->start(call);
}

void *call_new(struct hall *hall, size_t size, const struct call_ops *ops, hall_fn *done, void *ctx)
{
	struct hall_call *call = calloc(1, size);
	if (call == NULL)
		return NULL;
	call->hall = hall;
	call->ops = ops;
	call->done = done;
	call->ctx = ctx;
	if (loop_timer_start(hall->loop, &call->timer, 0, start_later, call) != 0) {
		free(call);
		return NULL;
	}
	call->next = hall->calls;
	hall->calls = call;
	return call;
}

void call_free(struct hall_call *call)
{
	for (struct hall_call **at = &call->hall->calls; *at != NULL; at = &(*at)->next)
		if (*at == call) {
			*at = call->next;
			break;
		}
	transfer_cancel(&call->transfer);
	loop_timer_cancel(call->hall->loop, &call->timer);
	if (call->ops->free != NULL)
		call->ops->free(call);
	if (call->answer.data != NULL)
		secret_wipe(call->answer.data, call->answer.room); /* a session's token may be in it */
	bytes_free(&call->answer);
	secret_free(&call->grant);
	free(call->body);
	free(call);
}

void hall_cancel(struct hall_call **call)
{
	if (*call != NULL)
		call_free(*call);
	*call = NULL;
}

void call_finish(struct hall_call *call, const struct error *err, const void *result)
{
	hall_fn *done = call->done;
	void *ctx = call->ctx;
	struct error kept = err != NULL ? *err : (struct error){ 0 };
	call_free(call);
	if (done != NULL)
		done(ctx, err != NULL ? &kept : NULL, result);
}

void call_fail(struct hall_call *call, enum error_code code, const char *param, const char *detail)
{
	struct error err;
	error_set(&err, code, param, "%s %s: %s", call->method != NULL ? call->method : "", call->path, detail);
	call_finish(call, &err, NULL);
}

static void on_head(void *ctx, long status, const char *type)
{
	(void)status;
	struct hall_call *call = ctx;
	strncpy(call->type, type, sizeof call->type - 1);
}

static int on_data(void *ctx, const void *data, size_t len)
{
	struct hall_call *call = ctx;
	if (call->answer.len + len > ANSWER_MAX)
		return ERR_NET_PROTOCOL;
	return bytes_append(&call->answer, data, len);
}

struct hall_call *call_granted(struct hall_call *call, const char *grant)
{
	if (call == NULL || grant == NULL || secret_set(&call->grant, grant, strlen(grant)) == 0)
		return call;
	call_free(call);
	return NULL;
}

const struct secret *call_token(const struct hall_call *call)
{
	return call->grant.text != NULL ? &call->grant : &call->hall->token;
}

int call_send(struct hall_call *call, const char *accept, transfer_end_fn *end, struct error *err)
{
	bytes_drop(&call->answer, call->answer.len);
	memset(call->type, 0, sizeof call->type);
	call->tries++;
	const struct transfer_request request = { .method = call->method, .path = call->path, .body = call->body,
		.accept = accept, .header = call->header[0] != '\0' ? call->header : NULL, .token = call_token(call), .head = on_head, .data = on_data, .end = end, .ctx = call };
	return transfer_start(call->hall->transport, &request, &call->transfer, err);
}

bool call_retry(struct hall_call *call, const struct error *err, bool sent)
{
	if (err->code != ERR_NET_CONNECT || (sent && !call->repeatable) || call->tries >= TRIES)
		return false;
	return loop_timer_start(call->hall->loop, &call->timer, RETRY_MS * call->tries, start_later, call) == 0;
}

bool call_answered(struct hall_call *call, const struct error *err, long status, bool sent)
{
	struct error problem;
	call->transfer = NULL;
	if (err == NULL && status >= 200 && status <= 299)
		return true;
	if (err != NULL && call_retry(call, err, sent))
		return false;
	if (err == NULL)
		call_problem(call, status, &problem);
	call_finish(call, err != NULL ? err : &problem, NULL);
	return false;
}

void call_problem(const struct hall_call *call, long status, struct error *err)
{
	struct problem problem = { 0 };
	bool told = strcmp(call->type, "application/problem+json") == 0
		&& codec_parse(problem_codec, (const char *)call->answer.data, call->answer.len, &problem, NULL) == 0;
	enum error_code code = told ? error_from_name(problem.code) : ERR_UNEXPECTED;
	if (code == ERR_OK || code == ERR_UNEXPECTED || !told)
		code = status == 404 ? ERR_NOT_FOUND : status == 401 ? ERR_SESSION_NEEDED : status == 429 ? ERR_RATE_LIMITED
			: status == 413 ? ERR_TOO_LARGE : status == 502 || status == 503 || status == 509 ? ERR_NET_OVERLOADED
			: status == 504 ? ERR_NET_TIMEOUT : told ? ERR_UNEXPECTED : ERR_NET_PROTOCOL;
	const char *param = code == ERR_UNEXPECTED && problem.param[0] == '\0' ? problem.code : problem.param;
	error_set(err, code, param, "%s %s: %ld %s %s", call->method, call->path, status, problem.code, problem.detail);
	codec_free(problem_codec, &problem);
	log_error("hall", err);
}

bool call_name_ok(const char *name)
{
	return *name != '\0' && *name != '.' && strlen(name) < 64
		&& strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") == strlen(name);
}
