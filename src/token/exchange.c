#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <certhall/log.h>

#include "token/client.h"
#include "token/process.h"

enum { END_WAIT_MS = 300 };

/* A helper that has been told to end; the socket's end of file says when it has. */
struct closing {
	struct closing *next;
	struct token *token;
	struct process *process;
	struct loop_watch *watch;
};

static void on_socket(void *ctx, int fd, int ready);

/* the process */

static void closing_free(struct closing *closing)
{
	loop_unwatch(closing->token->loop, &closing->watch);
	process_reap(closing->process);
	free(closing->process);
	free(closing);
}

static void on_closing(void *ctx, int fd, int ready)
{
	struct closing *closing = ctx;
	(void)fd;
	(void)ready;
	if (process_wait_end(closing->process, 0) != 0)
		return;
	struct closing **at = &closing->token->closing;
	while (*at != closing)
		at = &(*at)->next;
	*at = closing->next;
	closing_free(closing);
}

void exchange_let_go(struct token *token, bool kill_it)
{
	struct process *process = token->process;
	if (process == NULL)
		return;
	token->process = NULL;
	loop_unwatch(token->loop, &token->watch);
	loop_timer_cancel(token->loop, &token->timeout);
	bytes_free(&token->in);
	if (kill_it)
		process_kill(process);
	shutdown(process->fd, SHUT_WR);
	struct closing *closing = calloc(1, sizeof *closing);
	if (closing != NULL) {
		*closing = (struct closing){ .next = token->closing, .token = token, .process = process };
		closing->watch = loop_watch(token->loop, process->fd, LOOP_READ, on_closing, closing);
		token->closing = closing;
	}
}

static int start(struct token *token, struct error *err)
{
	if (token->module == NULL || token->module[0] == '\0')
		return error_set(err, ERR_TOKEN_NO_MODULE, NULL, "no module configured");
	struct process *process = calloc(1, sizeof *process);
	if (process == NULL)
		return error_set(err, ERR_NO_MEMORY, NULL, "helper");
	int rc = process_start(token->helper, (const char *const[2]){ token->module, token->module_args }, token->log, process, err);
	if (rc != 0) {
		free(process);
		return rc;
	}
	token->process = process;
	token->watch = loop_watch(token->loop, process->fd, LOOP_READ, on_socket, token);
	if (token->watch == NULL) {
		exchange_let_go(token, true);
		return error_set(err, ERR_NO_MEMORY, NULL, "helper");
	}
	token->watch_due = token->changed != NULL;
	return 0;
}

void exchange_end(struct token *token, bool writing)
{
	while (token->closing != NULL) {
		struct closing *closing = token->closing;
		token->closing = closing->next;
		if (process_wait_end(closing->process, END_WAIT_MS) != 0 && !writing) {
			process_kill(closing->process);
			writing = process_wait_end(closing->process, END_WAIT_MS) != 0; /* not even that: do not wait for it */
		}
		if (!writing) {
			closing_free(closing);
			continue;
		}
		loop_unwatch(token->loop, &closing->watch); /* it ends by itself at end of file */
		free(closing->process);
		free(closing);
	}
}

/* the conversation */

/* Calls the done function; false when that has freed the token. */
static bool finish(struct token *token, struct request *request, struct json_object *answer)
{
	bool alive = true;
	token->alive = &alive;
	request_finish(request, answer);
	request_free(&request);
	if (alive)
		token->alive = NULL;
	return alive;
}

static bool tell_changed(struct token *token)
{
	bool alive = true;
	if (token->changed == NULL)
		return true;
	token->alive = &alive;
	token->changed(token->changed_ctx);
	if (alive)
		token->alive = NULL;
	return alive;
}

bool exchange_failed(struct token *token, enum error_code code, const char *detail)
{
	struct request *request = queue_take_active(token);
	exchange_let_go(token, true);
	log_line(LOG_LEVEL_WARN, "token", "%s: %s", error_name(code), detail);
	if (request == NULL)
		return tell_changed(token);
	queue_end_with(token, request, code, detail);
	return true;
}

static void on_timeout(void *ctx)
{
	exchange_failed(ctx, ERR_TOKEN_TIMEOUT, "no answer from the helper");
}

bool exchange_time(struct token *token)
{
	if (loop_timer_start(token->loop, &token->timeout, token->active->timeout_ms, on_timeout, token) == 0)
		return true;
	(void)exchange_failed(token, ERR_NO_MEMORY, "timer");
	return false;
}

static bool send_more(struct token *token)
{
	struct request *request = token->active;
	struct iovec parts[3] = {
		{ &token->header, sizeof token->header },
		{ (void *)json_object_to_json_string_ext(request->json, JSON_C_TO_STRING_PLAIN), token->header.json },
		{ request->secret.text, token->header.secret },
	};
	size_t total = sizeof token->header + token->header.json + token->header.secret, skip = token->sent;
	for (int i = 0; i < 3; i++) {
		size_t cut = skip < parts[i].iov_len ? skip : parts[i].iov_len;
		parts[i].iov_base = (char *)parts[i].iov_base + cut;
		parts[i].iov_len -= cut;
		skip -= cut;
	}
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 3 };
	ssize_t n = sendmsg(token->process->fd, &message, MSG_NOSIGNAL);
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		return exchange_failed(token, ERR_TOKEN_HELPER, "the helper has gone");
	token->sent += n > 0 ? (size_t)n : 0;
	if (token->sent == total)
		secret_free(&request->secret);
	loop_watch_set(token->watch, token->sent == total ? LOOP_READ : LOOP_READ | LOOP_WRITE);
	return true;
}

static void begin(struct token *token, struct request *request)
{
	struct error err = { 0 };
	if (token->process == NULL && start(token, &err) != 0) {
		request->failed = err;
		queue_append(&token->ended, request);
		queue_schedule(token);
		return;
	}
	size_t len;
	json_object_to_json_string_length(request->json, JSON_C_TO_STRING_PLAIN, &len);
	if (len > WIRE_JSON_MAX) {
		queue_end_with(token, request, ERR_TOO_LARGE, "request to the helper");
		return;
	}
	token->active = request;
	token->header = (struct wire_header){ (uint32_t)len, (uint32_t)request->secret.len };
	token->sent = 0;
	if (!exchange_time(token))
		return;
	queue_be_patient(token, token->slow_ms);
	(void)send_more(token);
}

void exchange_turn(void *ctx)
{
	struct token *token = ctx;
	while (token->ended != NULL)
		if (!finish(token, queue_take(&token->ended), NULL))
			return;
	if (token->active != NULL)
		return;
	struct request *next = queue_take(&token->queue);
	if (next == NULL && token->watch_due) {
		next = request_watch(token->changed != NULL);
		if (next != NULL && token->process == NULL && token->changed == NULL)
			request_free(&next); /* nothing runs, nothing to switch off */
		if (next != NULL)
			begin(token, next);
		token->watch_due = false; /* after begin: a start sets it */
		return;
	}
	if (next != NULL)
		begin(token, next);
}

/* One frame; false when the token has been freed. */
static bool handle(struct token *token, struct json_object *frame)
{
	if (wire_text(frame, "event")[0] != '\0')
		return tell_changed(token);
	struct request *request = queue_take_active(token);
	if (request == NULL)
		return exchange_failed(token, ERR_TOKEN_HELPER, "an answer nobody asked for");
	queue_schedule(token);
	return finish(token, request, frame);
}

static void on_socket(void *ctx, int fd, int ready)
{
	struct token *token = ctx;
	char block[16384];
	if (ready & LOOP_WRITE && token->active != NULL && (!send_more(token) || token->process == NULL))
		return;
	if (!(ready & LOOP_READ))
		return;
	ssize_t n = recv(fd, block, sizeof block, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		exchange_failed(token, ERR_TOKEN_HELPER, "the helper has gone");
		return;
	}
	if (bytes_append(&token->in, block, (size_t)n) != 0) {
		exchange_failed(token, ERR_TOKEN_HELPER, "answer too large");
		return;
	}
	struct wire_header header;
	while (token->process != NULL && token->in.len >= sizeof header) {
		memcpy(&header, token->in.data, sizeof header);
		if (header.secret != 0 || header.json > WIRE_JSON_MAX) {
			exchange_failed(token, ERR_TOKEN_HELPER, "a frame that is none");
			return;
		}
		if (token->in.len < sizeof header + header.json)
			return;
		struct json_object *frame = wire_parse((char *)token->in.data + sizeof header, header.json);
		bytes_drop(&token->in, sizeof header + header.json);
		bool alive = frame != NULL ? handle(token, frame) : exchange_failed(token, ERR_TOKEN_HELPER, "not JSON");
		json_object_put(frame);
		if (!alive)
			return;
	}
}
