#include "token/client.h"

#include <certhall/log.h>

void queue_schedule(struct token *token)
{
	if (token->turn == NULL && loop_timer_start(token->loop, &token->turn, 0, exchange_turn, token) != 0)
		log_line(LOG_LEVEL_ERROR, "token", "no memory for a timer");
}

void queue_append(struct request **list, struct request *request)
{
	request->next = NULL;
	while (*list != NULL)
		list = &(*list)->next;
	*list = request;
}

struct request *queue_take(struct request **list)
{
	struct request *first = *list;
	if (first != NULL)
		*list = first->next;
	return first;
}

void queue_end_with(struct token *token, struct request *request, enum error_code code, const char *detail)
{
	error_set(&request->failed, code, NULL, "%s", detail);
	queue_append(&token->ended, request);
	queue_schedule(token);
}

void token_submit(struct token *token, struct request *request)
{
	if (token->timeout_ms > 0)
		request->timeout_ms = token->timeout_ms;
	queue_append(&token->queue, request);
	queue_schedule(token);
}

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

void queue_be_patient(struct token *token, int ms)
{
	if (token->active->asks_person)
		return;
	if (loop_timer_start(token->loop, &token->patience, ms, on_patience_over, token) != 0)
		log_line(LOG_LEVEL_WARN, "token", "no memory for a timer");
}

struct request *queue_take_active(struct token *token)
{
	struct request *request = token->active;
	token->active = NULL;
	loop_timer_cancel(token->loop, &token->timeout);
	loop_timer_cancel(token->loop, &token->patience);
	tell_slow(token, false);
	return request;
}
