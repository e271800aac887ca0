#include "talk/internal.h"

#include <stdio.h>
#include <stdlib.h>

#include <certhall/clock.h>
#include <certhall/i18n.h>

static const char *who(const struct talk *talk, const struct message *m)
{
	if (m->author[0] != '\0')
		return m->author;
	return m->side == SIDE_CUSTOMER ? talk->side == SIDE_CUSTOMER ? _("Me") : _("Customer") : m->side == SIDE_AGENT ? _("Agent") : _("Service hall");
}

/* What the hall has noted, in words; NULL: the body is what was said. */
static const char *noted(const struct message *m)
{
	switch ((enum message_kind)m->kind) {
	case MESSAGE_JOINED:
		return _("joined the conversation");
	case MESSAGE_TRANSFERRED:
		return _("handed the conversation over");
	case MESSAGE_CLOSED:
		return _("ended the conversation");
	default:
		return NULL;
	}
}

char *talk_transcript(const struct talk *talk)
{
	char *text = NULL, when[24];
	size_t size;
	FILE *out = open_memstream(&text, &size);
	if (out == NULL)
		return NULL;
	fprintf(out, _("Online service, conversation %.8s\n\n"), talk->state.id);
	for (size_t i = 0; i < talk->count; i++) {
		const struct message *m = talk->messages[i];
		const char *note = noted(m);
		if (m->kind == MESSAGE_NOTE && talk->side == SIDE_CUSTOMER)
			continue;
		fprintf(out, "%s  %s%s", clock_date_time(m->at, when, sizeof when), note != NULL && m->author[0] == '\0' ? _("Customer") : who(talk, m), note != NULL ? " " : ":\n");
		fprintf(out, "%s%s\n\n", note != NULL ? note : m->body, m->seq > 0 ? "" : _(" (not sent)"));
	}
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}
