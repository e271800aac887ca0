/* The agents' side: all conversations of the desk, by the agent's session. */
#include "talk/internal.h"

#include <stdlib.h>
#include <string.h>

#include <certhall/log.h>

struct talks {
	struct hall *hall;
	struct loop *loop;
	talk_fn *changed;
	void *ctx;
	struct desk *desk;    /* NULL before the hall has answered */
	struct error err;
	enum agent_state state;
	bool connected;
	struct hall_call *follow, *presence, *act;
	struct loop_timer *beat;
	size_t count;
	struct talk *all[CHAT_ROWS];
};

static void tell(void *ctx)
{
	struct talks *talks = ctx;
	talks->changed(talks->ctx);
}

/* ---- the desk as the hall tells it ---- */

static void drop(struct talk *talk)
{
	talk_end(talk);
	free(talk);
}

static struct talk *take_out(struct talks *talks, const char *id)
{
	for (size_t i = 0; i < talks->count; i++)
		if (talks->all[i] != NULL && strcmp(talks->all[i]->state.id, id) == 0) {
			struct talk *talk = talks->all[i];
			talks->all[i] = NULL;
			return talk;
		}
	return NULL;
}

static struct talk *add(struct talks *talks)
{
	struct talk *talk = calloc(1, sizeof *talk);
	if (talk != NULL)
		talk_init(talk, talks->hall, talks->loop, SIDE_AGENT, tell, talks);
	return talk;
}

/* One talk a row, in the rows' order; those that are not listed any more go. */
static void take_rows(struct talks *talks, const struct desk *desk)
{
	struct talk *rows[CHAT_ROWS];
	size_t count = 0;
	for (size_t i = 0; i < desk->conversations_count; i++) {
		const struct conversation *row = &desk->conversations[i];
		struct talk *talk = take_out(talks, row->id);
		bool new = talk == NULL;
		if (new && (talk = add(talks)) == NULL)
			continue;
		bool mine = strcmp(row->agent, desk->agent.id) == 0 && row->state != CONVERSATION_WAITING;
		talk->quiet = !mine && (new || talk->quiet);
		memcpy(talk->self, desk->agent.name, sizeof talk->self);
		talk_take(talk, row);
		rows[count++] = talk;
	}
	for (size_t i = 0; i < talks->count; i++)
		if (talks->all[i] != NULL)
			drop(talks->all[i]);
	memcpy(talks->all, rows, count * sizeof *rows);
	talks->count = count;
}

static void take_desk(struct talks *talks, const struct desk *desk)
{
	if (talks->desk == NULL && (talks->desk = malloc(sizeof *talks->desk)) == NULL)
		return;
	*talks->desk = *desk;
	talks->err = (struct error){ 0 };
	take_rows(talks, desk);
}

static void on_follow(void *ctx, const struct error *err, const void *result)
{
	struct talks *talks = ctx;
	const struct chat_event *event = result;
	if (event == NULL) {
		talks->connected = err != NULL && err->code == ERR_OK;
		if (err != NULL && err->code != ERR_OK)
			talks->err = *err;
	} else if (event->typing != NULL) {
		struct talk *talk = talks_find(talks, event->typing->conversation);
		if (talk != NULL)
			talk_take_typing(talk, event->typing);
	} else if (event->desk != NULL && (talks->desk == NULL || event->desk->revision >= talks->desk->revision)) {
		take_desk(talks, event->desk);
	}
	tell(talks);
}

/* ---- being there ---- */

static void beat(void *ctx);

static void on_presence(void *ctx, const struct error *err, const void *result)
{
	struct talks *talks = ctx;
	const struct desk *desk = result;
	talks->presence = NULL;
	if (err != NULL)
		talks->err = *err;
	else if (talks->desk == NULL || desk->revision >= talks->desk->revision)
		take_desk(talks, desk);
	bool again = err == NULL || talk_may_help(err->code);
	bool changed = err == NULL && desk->agent.state != (int)talks->state;
	if (again && loop_timer_start(talks->loop, &talks->beat, changed ? 0 : err != NULL ? TALK_RETRY_FIRST_MS : AGENT_BEAT * 1000, beat, talks) != 0)
		log_line(LOG_LEVEL_ERROR, "talk", "no memory for a timer");
	tell(talks);
}

static void beat(void *ctx)
{
	struct talks *talks = ctx;
	if (talks->presence == NULL)
		talks->presence = hall_set_presence(talks->hall, talks->state, on_presence, talks);
}

int talks_new(struct hall *hall, struct loop *loop, talk_fn *changed, void *ctx, struct talks **out)
{
	struct talks *talks = calloc(1, sizeof *talks);
	*out = talks;
	if (talks == NULL)
		return ERR_NO_MEMORY;
	*talks = (struct talks){ .hall = hall, .loop = loop, .changed = changed, .ctx = ctx, .state = AGENT_ONLINE };
	talks->follow = hall_follow_desk(hall, on_follow, talks);
	if (talks->follow != NULL) {
		beat(talks);
		return 0;
	}
	free(talks);
	*out = NULL;
	return ERR_NO_MEMORY;
}

void talks_free(struct talks **talks_ref)
{
	struct talks *talks = *talks_ref;
	*talks_ref = NULL;
	if (talks == NULL)
		return;
	struct hall_call **calls[] = { &talks->follow, &talks->presence, &talks->act };
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
		hall_cancel(calls[i]);
	loop_timer_cancel(talks->loop, &talks->beat);
	for (size_t i = 0; i < talks->count; i++)
		drop(talks->all[i]);
	free(talks->desk);
	free(talks);
}

/* ---- what the agent does ---- */

void talks_set_state(struct talks *talks, enum agent_state state)
{
	talks->state = state;
	loop_timer_cancel(talks->loop, &talks->beat);
	beat(talks);
}

static void on_act(void *ctx, const struct error *err, const void *result)
{
	struct talks *talks = ctx;
	const struct conversation *now = result;
	talks->act = NULL;
	talks->err = err != NULL ? *err : (struct error){ 0 };
	struct talk *talk = err == NULL ? talks_find(talks, now->id) : NULL;
	if (talk != NULL) {
		talk->quiet = talk->quiet && (now->state == CONVERSATION_WAITING || strcmp(now->agent, talks->desk->agent.id) != 0);
		talk_take(talk, now);
	}
	for (size_t i = 0; i < talks->count; i++)
		talk_settle(talks->all[i]);
	tell(talks);
}

void talks_take(struct talks *talks, const char *id)
{
	if (talks->act == NULL)
		talks->act = hall_take_conversation(talks->hall, id, on_act, talks);
}

void talks_transfer(struct talks *talks, const char *id, const char *agent, const char *note)
{
	struct chat_transfer *transfer = talks->act == NULL ? calloc(1, sizeof *transfer) : NULL;
	if (transfer == NULL)
		return;
	strncpy(transfer->agent, agent, sizeof transfer->agent - 1);
	strncpy(transfer->note, note, sizeof transfer->note - 1);
	talks->act = hall_transfer_conversation(talks->hall, id, transfer, on_act, talks);
	free(transfer);
}

static void close_now(struct talk *talk)
{
	struct talks *talks = talk->ctx;
	if (talks->act != NULL)
		talk->all_sent = close_now;
	else
		talks->act = hall_close_conversation(talks->hall, NULL, talk->state.id, 0, on_act, talks);
}

void talks_close(struct talks *talks, const char *id)
{
	struct talk *talk = talks_find(talks, id);
	if (talk == NULL)
		return;
	talk->all_sent = close_now;
	talk_settle(talk);
}

/* ---- looking ---- */

const struct desk *talks_desk(const struct talks *talks)
{
	return talks->desk;
}

bool talks_connected(const struct talks *talks)
{
	return talks->connected;
}

const struct error *talks_error(const struct talks *talks)
{
	return talks->err.code != ERR_OK ? &talks->err : NULL;
}

size_t talks_count(const struct talks *talks)
{
	return talks->count;
}

struct talk *talks_at(struct talks *talks, size_t index)
{
	return talks->all[index];
}

struct talk *talks_find(struct talks *talks, const char *id)
{
	for (size_t i = 0; i < talks->count; i++)
		if (talks->all[i] != NULL && strcmp(talks->all[i]->state.id, id) == 0)
			return talks->all[i];
	return NULL;
}
