#include "hall/events.h"

#include <string.h>

static bool field_is(const char *line, size_t len, const char *name)
{
	return strlen(name) == len && memcmp(line, name, len) == 0;
}

/* A value with NUL in it, or longer than what we keep, is not one of ours. */
static void keep(char *out, size_t size, const char *value, size_t len)
{
	if (len >= size || memchr(value, '\0', len) != NULL)
		return;
	memcpy(out, value, len);
	out[len] = '\0';
}

static void take_retry(struct events *events, const char *value, size_t len)
{
	int64_t ms = 0;
	if (len == 0 || len > 9)
		return;
	for (size_t i = 0; i < len; i++) {
		if (value[i] < '0' || value[i] > '9')
			return;
		ms = ms * 10 + (value[i] - '0');
	}
	events->retry_ms = ms;
}

static int take_field(struct events *events, const char *line, size_t len)
{
	const char *colon = memchr(line, ':', len);
	size_t name = colon == NULL ? len : (size_t)(colon - line);
	const char *value = colon == NULL ? line + len : colon + 1;
	size_t value_len = (size_t)(line + len - value);
	if (value_len > 0 && *value == ' ') {
		value++;
		value_len--;
	}
	if (field_is(line, name, "event")) {
		events->type[0] = '\0';
		keep(events->type, sizeof events->type, value, value_len);
	} else if (field_is(line, name, "id")) {
		keep(events->next_id, sizeof events->next_id, value, value_len);
	} else if (field_is(line, name, "retry")) {
		take_retry(events, value, value_len);
	} else if (field_is(line, name, "data")) {
		if (events->data.len + value_len > EVENTS_LINE_MAX)
			return ERR_NET_PROTOCOL;
		int code = events->has_data ? bytes_append(&events->data, "\n", 1) : 0;
		if (code == 0)
			code = bytes_append(&events->data, value, value_len);
		events->has_data = true;
		return code;
	}
	return 0;
}

static void dispatch(struct events *events)
{
	memcpy(events->id, events->next_id, sizeof events->id);
	if (events->has_data) {
		struct event event = {
			.type = events->type[0] == '\0' ? "message" : events->type,
			.id = events->id,
			.data = events->data.data == NULL ? "" : (const char *)events->data.data,
			.len = events->data.len,
		};
		events->fn(events->ctx, &event);
	}
	bytes_drop(&events->data, events->data.len);
	events->has_data = false;
	events->type[0] = '\0';
}

static int end_line(struct events *events)
{
	const char *line = events->line.data == NULL ? "" : (const char *)events->line.data;
	size_t len = events->line.len;
	if (!events->begun && len >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0) {
		line += 3;
		len -= 3;
	}
	events->begun = true;
	int code = 0;
	if (len == 0)
		dispatch(events);
	else if (*line != ':')
		code = take_field(events, line, len);
	bytes_drop(&events->line, events->line.len);
	return code;
}

int events_feed(struct events *events, const void *data, size_t len)
{
	const char *at = data, *end = at + len;
	while (at < end) {
		if (events->after_cr && *at == '\n') {
			events->after_cr = false;
			at++;
			continue;
		}
		events->after_cr = false;
		const char *stop = at;
		while (stop < end && *stop != '\n' && *stop != '\r')
			stop++;
		if (events->line.len + (size_t)(stop - at) > EVENTS_LINE_MAX)
			return ERR_NET_PROTOCOL;
		int code = bytes_append(&events->line, at, (size_t)(stop - at));
		if (code != 0)
			return code;
		if (stop == end)
			return 0;
		events->after_cr = *stop == '\r';
		at = stop + 1;
		code = end_line(events);
		if (code != 0)
			return code;
	}
	return 0;
}

void events_restart(struct events *events)
{
	bytes_drop(&events->line, events->line.len);
	bytes_drop(&events->data, events->data.len);
	memcpy(events->next_id, events->id, sizeof events->id);
	events->type[0] = '\0';
	events->has_data = events->after_cr = events->begun = false;
}

void events_free(struct events *events)
{
	bytes_free(&events->line);
	bytes_free(&events->data);
}
