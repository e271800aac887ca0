#include "talk/internal.h"

#include <stdlib.h>
#include <string.h>

static bool stored(const struct message *message)
{
	return message->seq > 0;
}

static int make_room(struct talk *talk)
{
	if (talk->count < talk->room)
		return 0;
	size_t room = talk->room == 0 ? 32 : talk->room * 2;
	struct message **more = reallocarray(talk->messages, room, sizeof *more);
	if (more == NULL)
		return ERR_NO_MEMORY;
	talk->messages = more;
	talk->room = room;
	return 0;
}

static int insert(struct talk *talk, size_t at, const struct message *message)
{
	struct message *copy = malloc(sizeof *copy);
	if (copy == NULL || make_room(talk) != 0) {
		free(copy);
		return ERR_NO_MEMORY;
	}
	*copy = *message;
	memmove(talk->messages + at + 1, talk->messages + at, (talk->count - at) * sizeof *talk->messages);
	talk->messages[at] = copy;
	talk->count++;
	return 0;
}

static void take_out(struct talk *talk, size_t at)
{
	free(talk->messages[at]);
	talk->count--;
	memmove(talk->messages + at, talk->messages + at + 1, (talk->count - at) * sizeof *talk->messages);
}

/* What was on its way under this id has arrived. */
static void arrived(struct talk *talk, const char *id)
{
	for (size_t i = 0; i < talk->count; i++)
		if (!stored(talk->messages[i]) && strcmp(talk->messages[i]->id, id) == 0) {
			take_out(talk, i);
			return;
		}
}

int talk_log_add(struct talk *talk, const struct message *message)
{
	arrived(talk, message->id);
	size_t at = talk->count;
	while (at > 0 && (!stored(talk->messages[at - 1]) || talk->messages[at - 1]->seq > message->seq))
		at--;
	if (message->seq < 1 || (at > 0 && talk->messages[at - 1]->seq == message->seq))
		return 0;
	int rc = insert(talk, at, message);
	for (; rc == 0 && at < talk->count && talk->messages[at]->seq == talk->have + 1; at++)
		talk->have++;
	return rc;
}

int talk_log_write(struct talk *talk, const struct message *message)
{
	return insert(talk, talk->count, message);
}

struct message *talk_log_next(struct talk *talk)
{
	for (size_t i = 0; i < talk->count; i++)
		if (talk->messages[i]->seq == 0)
			return talk->messages[i];
	return NULL;
}

struct message *talk_log_find(struct talk *talk, const char *id)
{
	for (size_t i = 0; i < talk->count; i++)
		if (strcmp(talk->messages[i]->id, id) == 0)
			return talk->messages[i];
	return NULL;
}
