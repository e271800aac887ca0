/* A parser of text/event-stream (WHATWG HTML, section 9.2.6 "Interpreting an event stream"): bytes in, events out. */
#ifndef HALL_EVENTS_H
#define HALL_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <certhall/bytes.h>

enum { EVENTS_LINE_MAX = 512 * 1024, EVENTS_NAME = 32, EVENTS_ID = 32 };

struct event {
	const char *type; /* "message" when the stream names none; cut at EVENTS_NAME */
	const char *id;   /* the last id seen, "" before the first */
	const char *data; /* lines joined by newlines; NUL-terminated */
	size_t len;
};
typedef void event_fn(void *ctx, const struct event *event);

struct events {
	struct bytes line, data;
	char type[EVENTS_NAME], id[EVENTS_ID], next_id[EVENTS_ID];
	int64_t retry_ms; /* as the stream last said; 0: never */
	bool has_data, after_cr, begun;
	event_fn *fn;
	void *ctx;
};

/* An empty struct events with fn and ctx set is a parser at the start of a stream. */
int events_feed(struct events *events, const void *data, size_t len) CH_MUST_CHECK; /* 0, ERR_NO_MEMORY, ERR_NET_PROTOCOL: too long */
/* The stream was lost: forgets the half event, keeps the last id and the retry. */
void events_restart(struct events *events);
void events_free(struct events *events);

#endif
