/* One conversation, the same for both sides: what is said is sent a moment later and reaches nobody. */
#include "stage_talk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <certhall/text.h>

struct talk *stage_talk_new(enum chat_side side, const struct conversation *state, talk_fn *changed, void *ctx)
{
	struct talk *talk = calloc(1, sizeof *talk);
	*talk = (struct talk){ .side = side, .state = *state, .changed = changed, .ctx = ctx };
	return talk;
}

void stage_talk_free(struct talk **talk)
{
	if (*talk == NULL)
		return;
	stage_forget(*talk);
	for (size_t i = 0; i < (*talk)->count; i++)
		free((*talk)->messages[i]);
	free(*talk);
	*talk = NULL;
}

static struct message *add(struct talk *talk, int side, int kind, const char *body)
{
	struct message *message = talk->count < STAGE_TALK_MAX ? calloc(1, sizeof *message) : NULL;
	if (message == NULL)
		abort();
	*message = (struct message){ .side = side, .kind = kind, .at = STAGE_NOW };
	snprintf(message->id, sizeof message->id, "%032zx", talk->count);
	text_sanitize(body, message->body, sizeof message->body, true);
	talk->messages[talk->count++] = message;
	return message;
}

void stage_talk_add(struct talk *talk, int kind, const char *author, int ago, const char *body)
{
	int side = kind >= MESSAGE_JOINED ? SIDE_HALL : *author != '\0' ? SIDE_AGENT : SIDE_CUSTOMER;
	struct message *message = add(talk, side, kind, body);
	snprintf(message->author, sizeof message->author, "%s", author);
	message->at = STAGE_NOW - 60 * (int64_t)ago;
	message->seq = talk->state.last_seq = (int64_t)talk->count;
	talk->marks[talk->count - 1] = TALK_READ;
	talk->shown = talk->count;
}

const struct conversation *talk_state(const struct talk *talk)
{
	return &talk->state;
}

size_t talk_count(const struct talk *talk)
{
	return talk->count;
}

const struct message *talk_message(const struct talk *talk, size_t index)
{
	return talk->messages[index];
}

enum talk_mark talk_mark(const struct talk *talk, size_t index)
{
	return talk->marks[index];
}

bool talk_is_mine(const struct talk *talk, size_t index)
{
	const struct message *message = talk->messages[index];
	return message->side == (int)talk->side && (talk->side == SIDE_CUSTOMER || strcmp(message->author, talk->state.agent_name) == 0);
}

static void on_sent(void *ctx)
{
	struct talk *talk = ctx;
	for (size_t i = 0; i < talk->count; i++)
		if (talk->marks[i] == TALK_SENDING && !talk->lost) {
			talk->marks[i] = stage_has("read") ? TALK_READ : TALK_SENT;
			talk->messages[i]->seq = ++talk->state.last_seq;
		}
	talk->changed(talk->ctx);
}

int talk_say(struct talk *talk, enum message_kind kind, const char *text, struct error *err)
{
	char guarded[CHAT_TEXT];
	text_sanitize(text, guarded, sizeof guarded, true);
	if (talk->state.state == CONVERSATION_CLOSED)
		return error_set(err, ERR_CHAT_CLOSED, NULL, "stage");
	if (!chat_guard(guarded))
		return error_set(err, ERR_CHAT_PIN, NULL, "stage");
	struct message *message = add(talk, talk->side, (int)kind, guarded);
	if (talk->side == SIDE_AGENT)
		snprintf(message->author, sizeof message->author, "%s", talk->state.agent_name);
	talk->marks[talk->count - 1] = TALK_SENDING;
	talk->shown = talk->count;
	stage_later(on_sent, talk);
	return 0;
}

size_t talk_unread(const struct talk *talk)
{
	size_t unread = 0;
	for (size_t i = talk->shown; i < talk->count; i++)
		unread += !talk_is_mine(talk, i);
	return unread;
}

void talk_shown(struct talk *talk)
{
	talk->shown = talk->count;
}

void talk_type(struct talk *talk)
{
	(void)talk;
}

bool talk_other_types(const struct talk *talk)
{
	return talk->types;
}

const struct error *talk_error(const struct talk *talk)
{
	return talk->error.code != ERR_OK ? &talk->error : NULL;
}

char *talk_transcript(const struct talk *talk)
{
	char *text = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);
	for (size_t i = 0; i < talk->count; i++)
		fprintf(to, "%s: %s\n", talk->messages[i]->author, talk->messages[i]->body);
	fclose(to);
	return text;
}
