#include <stdlib.h>
#include <string.h>

#include "token/client.h"

enum { SLOW_AGAIN = 3 };

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

static void cancel_queue(struct token *token)
{
	while (token->queue != NULL)
		queue_end_with(token, queue_take(&token->queue), ERR_CANCELLED, "cancelled");
}

static void cancel_active(struct token *token)
{
	struct request *request = queue_take_active(token);
	if (request != NULL)
		queue_end_with(token, request, ERR_CANCELLED, "cancelled");
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
	exchange_let_go(token, kill_it);
}

void token_cancel(struct token *token)
{
	if (token->active != NULL && !token->active->writes) {
		cancel_active(token);
		exchange_let_go(token, true);
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
	queue_be_patient(token, SLOW_AGAIN * token->slow_ms);
	(void)exchange_time(token);
}

void token_give_up(struct token *token)
{
	if (token->active != NULL)
		(void)exchange_failed(token, ERR_TOKEN_TIMEOUT, "given up");
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
	queue_schedule(token);
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
	exchange_let_go(token, !idle && !writing);
	request_free(&token->active);
	for (struct request *r; (r = queue_take(&token->queue)) != NULL;)
		request_free(&r);
	for (struct request *r; (r = queue_take(&token->ended)) != NULL;)
		request_free(&r);
	loop_timer_cancel(token->loop, &token->turn);
	loop_timer_cancel(token->loop, &token->patience);
	exchange_end(token, writing);
	free(token->module);
	free(token->module_args);
	free(token->helper);
	free(token->log);
	free(token);
}
