#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <certhall/log.h>

#include "token/client.h"
#include "token/process.h"
#include "token/wire.h"

enum { END_WAIT_MS = 300, SLOW_AGAIN = 3 };

struct token {
	struct loop *loop;
	char *module, *module_args, *helper, *log;
	int timeout_ms, slow_ms;

	struct request *active, *queue, *ended; /* ended: failed, to be told from the loop */
	struct process *process;                /* the helper, when it runs */
	struct loop_watch *watch;
	struct wire_header header; /* of the active request */
	size_t sent;
	struct bytes in;
	struct loop_timer *timeout, *turn, *patience;
	token_slow_fn *slow;
	void *slow_ctx;
	bool told_slow;

	token_changed_fn *changed;
	void *changed_ctx;
	bool watch_due; /* the helper has to be told whether to watch */

	struct closing *closing;
	bool *alive; /* set while a caller's function runs: it may free the token */
};

/* A helper that has been told to end; the socket's end of file says when it has. */
struct closing {
	struct closing *next;
	struct token *token;
	struct process *process;
	struct loop_watch *watch;
};

static void on_turn(void *ctx);
static void on_socket(void *ctx, int fd, int ready);

static int copy_text(char **to, const char *from)
{
	char *copy = from != NULL ? strdup(from) : NULL;
	if (from != NULL && copy == NULL)
		return ERR_NO_MEMORY;
	free(*to);
	*to = copy;
	return 0;
}

int token_new(struct loop *loop, const struct token_options *options, struct token **out)
{
	*out = NULL;
	struct token *token = calloc(1, sizeof *token);
	if (token == NULL)
		return ERR_NO_MEMORY;
	token->loop = loop;
	token->timeout_ms = options->timeout_ms;
	token->slow_ms = options->slow_ms > 0 ? options->slow_ms : TOKEN_SLOW_MS;
	const char *helper = options->helper != NULL ? options->helper : PKGLIBEXECDIR "/certhall-token";
	if (copy_text(&token->module, options->module) != 0 || copy_text(&token->module_args, options->module_args) != 0 ||
			copy_text(&token->helper, helper) != 0 || copy_text(&token->log, options->log) != 0) {
		token_free(&token);
		return ERR_NO_MEMORY;
	}
	*out = token;
	return 0;
}

static void schedule(struct token *token)
{
	if (token->turn == NULL && loop_timer_start(token->loop, &token->turn, 0, on_turn, token) != 0)
		log_line(LOG_LEVEL_ERROR, "token", "no memory for a timer");
}

static void append(struct request **list, struct request *request)
{
	request->next = NULL;
	while (*list != NULL)
		list = &(*list)->next;
	*list = request;
}

static struct request *take(struct request **list)
{
	struct request *first = *list;
	if (first != NULL)
		*list = first->next;
	return first;
}

static void end_with(struct token *token, struct request *request, enum error_code code, const char *detail)
{
	error_set(&request->failed, code, NULL, "%s", detail);
	append(&token->ended, request);
	schedule(token);
}

void token_submit(struct token *token, struct request *request)
{
	if (token->timeout_ms > 0)
		request->timeout_ms = token->timeout_ms;
	append(&token->queue, request);
	schedule(token);
}

/* patience */

static void tell_slow(struct token *token, bool slow)
{
	bool news = token->told_slow != slow;
	token->told_slow = slow; /* before: who is told may wait or give up at once */
	if (token->slow != NULL && news)
		token->slow(token->slow_ctx, slow);
}

static void on_patience_over(void *ctx)
{
	tell_slow(ctx, true);
}

static void be_patient(struct token *token, int ms)
{
	if (token->active->asks_person)
		return;
	if (loop_timer_start(token->loop, &token->patience, ms, on_patience_over, token) != 0)
		log_line(LOG_LEVEL_WARN, "token", "no memory for a timer");
}

/* The active request, which is under way no more; NULL when there was none. */
static struct request *take_active(struct token *token)
{
	struct request *request = token->active;
	token->active = NULL;
	loop_timer_cancel(token->loop, &token->timeout);
	loop_timer_cancel(token->loop, &token->patience);
	tell_slow(token, false);
	return request;
}

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

/* Lets go of the helper: it reads end of file and leaves, or is killed. */
static void let_go(struct token *token, bool kill_it)
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
		let_go(token, true);
		return error_set(err, ERR_NO_MEMORY, NULL, "helper");
	}
	token->watch_due = token->changed != NULL;
	return 0;
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

/* What was under way ends with code; without anything under way the helper died by itself. False: token freed. */
static bool helper_failed(struct token *token, enum error_code code, const char *detail)
{
	struct request *request = take_active(token);
	let_go(token, true);
	log_line(LOG_LEVEL_WARN, "token", "%s: %s", error_name(code), detail);
	if (request == NULL)
		return tell_changed(token);
	end_with(token, request, code, detail);
	return true;
}

static void on_timeout(void *ctx)
{
	helper_failed(ctx, ERR_TOKEN_TIMEOUT, "no answer from the helper");
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
		return helper_failed(token, ERR_TOKEN_HELPER, "the helper has gone");
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
		append(&token->ended, request);
		schedule(token);
		return;
	}
	size_t len;
	json_object_to_json_string_length(request->json, JSON_C_TO_STRING_PLAIN, &len);
	if (len > WIRE_JSON_MAX) {
		end_with(token, request, ERR_TOO_LARGE, "request to the helper");
		return;
	}
	token->active = request;
	token->header = (struct wire_header){ (uint32_t)len, (uint32_t)request->secret.len };
	token->sent = 0;
	if (loop_timer_start(token->loop, &token->timeout, request->timeout_ms, on_timeout, token) != 0) {
		helper_failed(token, ERR_NO_MEMORY, "timer");
		return;
	}
	be_patient(token, token->slow_ms);
	(void)send_more(token);
}

static void on_turn(void *ctx)
{
	struct token *token = ctx;
	while (token->ended != NULL)
		if (!finish(token, take(&token->ended), NULL))
			return;
	if (token->active != NULL)
		return;
	struct request *next = take(&token->queue);
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
	struct request *request = take_active(token);
	if (request == NULL)
		return helper_failed(token, ERR_TOKEN_HELPER, "an answer nobody asked for");
	schedule(token);
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
		helper_failed(token, ERR_TOKEN_HELPER, "the helper has gone");
		return;
	}
	if (bytes_append(&token->in, block, (size_t)n) != 0) {
		helper_failed(token, ERR_TOKEN_HELPER, "answer too large");
		return;
	}
	struct wire_header header;
	while (token->process != NULL && token->in.len >= sizeof header) {
		memcpy(&header, token->in.data, sizeof header);
		if (header.secret != 0 || header.json > WIRE_JSON_MAX) {
			helper_failed(token, ERR_TOKEN_HELPER, "a frame that is none");
			return;
		}
		if (token->in.len < sizeof header + header.json)
			return;
		struct json_object *frame = wire_parse((char *)token->in.data + sizeof header, header.json);
		bytes_drop(&token->in, sizeof header + header.json);
		bool alive = frame != NULL ? handle(token, frame) : helper_failed(token, ERR_TOKEN_HELPER, "not JSON");
		json_object_put(frame);
		if (!alive)
			return;
	}
}

/* the public rest */

static void cancel_queue(struct token *token)
{
	while (token->queue != NULL)
		end_with(token, take(&token->queue), ERR_CANCELLED, "cancelled");
}

static void cancel_active(struct token *token)
{
	struct request *request = take_active(token);
	if (request != NULL)
		end_with(token, request, ERR_CANCELLED, "cancelled");
}

static void silence(struct request *request, const void *ctx)
{
	for (; request != NULL; request = request->next)
		if (request->ctx == ctx)
			request->done.plain = NULL;
}

void token_forget(struct token *token, const void *ctx)
{
	silence(token->active, ctx);
	silence(token->queue, ctx);
	silence(token->ended, ctx);
}

void token_close(struct token *token)
{
	bool kill_it = token->active != NULL && !token->active->writes; /* it may hang */
	cancel_active(token);
	cancel_queue(token);
	let_go(token, kill_it);
}

void token_cancel(struct token *token)
{
	if (token->active != NULL && !token->active->writes) {
		cancel_active(token);
		let_go(token, true);
	}
	cancel_queue(token);
}

void token_on_slow(struct token *token, token_slow_fn *slow, void *ctx)
{
	token->slow = slow;
	token->slow_ctx = ctx;
}

void token_wait(struct token *token)
{
	if (token->active == NULL)
		return;
	token->told_slow = false;
	be_patient(token, SLOW_AGAIN * token->slow_ms);
	if (loop_timer_start(token->loop, &token->timeout, token->active->timeout_ms, on_timeout, token) != 0)
		(void)helper_failed(token, ERR_NO_MEMORY, "timer");
}

void token_give_up(struct token *token)
{
	if (token->active != NULL)
		(void)helper_failed(token, ERR_TOKEN_TIMEOUT, "given up");
}

int token_set_module(struct token *token, const char *module, const char *module_args)
{
	token_close(token);
	int rc = copy_text(&token->module, module);
	return rc != 0 ? rc : copy_text(&token->module_args, module_args);
}

void token_watch(struct token *token, token_changed_fn *changed, void *ctx)
{
	token->watch_due = true;
	token->changed = changed;
	token->changed_ctx = ctx;
	schedule(token);
}

void token_free(struct token **token_ref)
{
	struct token *token = *token_ref;
	if (token == NULL)
		return;
	*token_ref = NULL;
	if (token->alive != NULL)
		*token->alive = false;
	bool writing = token->active != NULL && token->active->writes;
	bool idle = token->active == NULL;
	let_go(token, !idle && !writing);
	request_free(&token->active);
	for (struct request *r; (r = take(&token->queue)) != NULL;)
		request_free(&r);
	for (struct request *r; (r = take(&token->ended)) != NULL;)
		request_free(&r);
	loop_timer_cancel(token->loop, &token->turn);
	loop_timer_cancel(token->loop, &token->patience);
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
	free(token->module);
	free(token->module_args);
	free(token->helper);
	free(token->log);
	free(token);
}
