/* The event stream as the terminal reads it: the same events however the bytes are cut. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "hall/events.h"

static void note(void *ctx, const struct event *event)
{
	struct bytes *out = ctx;
	HOLDS(strlen(event->type) < EVENTS_NAME && strlen(event->id) < EVENTS_ID && event->data[event->len] == '\0');
	HOLDS(bytes_append(out, event->type, strlen(event->type) + 1) == 0 && bytes_append(out, event->id, strlen(event->id) + 1) == 0
		&& bytes_append(out, event->data, event->len + 1) == 0);
}

static int read_all(const uint8_t *data, size_t size, size_t piece, struct bytes *out)
{
	struct events events = { .fn = note, .ctx = out };
	int code = 0;
	for (size_t at = 0; at < size && code == 0; at += piece)
		code = events_feed(&events, data + at, size - at < piece ? size - at : piece);
	events_restart(&events);
	events_free(&events);
	return code;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes whole = { 0 }, pieces = { 0 };
	if (size == 0)
		return 0;
	int first = read_all(data, size, size, &whole), second = read_all(data, size, 1 + data[0] % 7, &pieces);
	HOLDS(first == second && whole.len == pieces.len && (whole.len == 0 || memcmp(whole.data, pieces.data, whole.len) == 0));
	bytes_free(&whole);
	bytes_free(&pieces);
	return 0;
}
