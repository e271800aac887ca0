/* The customer's side: one conversation, by its own token. */
#include "talk/internal.h"

#include <stdlib.h>
#include <string.h>

static void begin(void *ctx);

/* ---- following ---- */

static bool over(const struct talk *talk)
{
	return talk->state.state == CONVERSATION_CLOSED || talk->state.state == CONVERSATION_LEFT;
}

static void on_follow(void *ctx, const struct error *err, const void *result)
{
	struct talk *talk = ctx;
	const struct chat_event *event = result;
	if (event == NULL) {
		talk->connected = err != NULL && err->code == ERR_OK;
		if (err != NULL && err->code != ERR_OK)
			talk->err = *err;
		else
			talk_worked(talk);
	} else if (event->typing != NULL) {
		talk_take_typing(talk, event->typing);
		return;
	} else if (event->conversation != NULL) {
		if (talk_log_find(talk, event->conversation->last.id) == NULL)
			talk->other_typed_ms = 0; /* what was typed is there */
		talk_take(talk, event->conversation);
		if (over(talk))
			hall_cancel(&talk->follow);
	}
	talk->changed(talk->ctx);
}

/* ---- beginning ---- */

static void on_begun(void *ctx, const struct error *err, const void *result)
{
	struct talk *talk = ctx;
	const struct conversation *begun = result;
	talk->begin = NULL;
	if (err != NULL) {
		talk->err = *err;
		if (talk_may_help(err->code) && err->code != ERR_SESSION_NEEDED && err->code != ERR_RATE_LIMITED)
			talk_wait(talk, begin);
	} else if (secret_set(&talk->token, begun->token, strlen(begun->token)) != 0) {
		error_set(&talk->err, ERR_NO_MEMORY, NULL, "token");
	} else {
		secret_wipe((char *)begun->token, sizeof begun->token);
		talk_worked(talk);
		talk_take(talk, begun);
		if (!over(talk))
			talk->follow = hall_follow_conversation(talk->hall, talk_token(talk), talk->state.id, on_follow, talk);
	}
	talk->changed(talk->ctx);
}

static void begin(void *ctx)
{
	struct talk *talk = ctx;
	talk->begin = hall_begin_conversation(talk->hall, talk->request, on_begun, talk);
	if (talk->begin == NULL)
		talk_wait(talk, begin);
}

int talk_begin(struct hall *hall, struct loop *loop, const struct conversation_request *request, talk_fn *changed, void *ctx, struct talk **out)
{
	struct talk *talk = calloc(1, sizeof *talk);
	struct conversation_request *copy = malloc(sizeof *copy);
	*out = NULL;
	if (talk == NULL || copy == NULL) {
		free(talk);
		free(copy);
		return ERR_NO_MEMORY;
	}
	talk_init(talk, hall, loop, SIDE_CUSTOMER, changed, ctx);
	*copy = *request;
	talk->request = copy;
	*out = talk;
	begin(talk);
	return 0;
}

void talk_free(struct talk **talk)
{
	if (*talk == NULL)
		return;
	talk_end(*talk);
	free(*talk);
	*talk = NULL;
}

bool talk_connected(const struct talk *talk)
{
	return talk->connected;
}

/* ---- its end ---- */

static void on_act(void *ctx, const struct error *err, const void *result)
{
	struct talk *talk = ctx;
	talk->act = NULL;
	talk->act_failed = err != NULL;
	if (err != NULL)
		talk->err = *err;
	else
		talk_take(talk, result);
	if (over(talk))
		hall_cancel(&talk->follow);
	talk_settle(talk);
	talk->changed(talk->ctx);
}

bool talk_act_failed(struct talk *talk)
{
	bool failed = talk->act_failed;
	talk->act_failed = false;
	return failed;
}

void talk_leave(struct talk *talk, const char *callback, const char *text)
{
	struct leave_request *request = calloc(1, sizeof *request);
	if (request == NULL || talk->act != NULL || talk->state.id[0] == '\0') {
		free(request);
		return;
	}
	strncpy(request->callback, callback, sizeof request->callback - 1);
	strncpy(request->text, text, sizeof request->text - 1);
	talk->act = hall_leave_message(talk->hall, talk_token(talk), talk->state.id, request, on_act, talk);
	free(request);
}

static void close_now(struct talk *talk)
{
	if (talk->act != NULL)
		talk->all_sent = close_now;
	else if (talk->state.id[0] != '\0')
		talk->act = hall_close_conversation(talk->hall, talk_token(talk), talk->state.id, talk->rating, on_act, talk);
}

void talk_close(struct talk *talk, int rating)
{
	talk->rating = rating;
	talk->all_sent = close_now;
	talk_settle(talk);
}
