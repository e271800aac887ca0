#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hall/events.h"

struct log {
	char text[4096];
	size_t len;
};

static void on_event(void *ctx, const struct event *event)
{
	struct log *log = ctx;
	assert_int_equal(event->len, strlen(event->data));
	log->len += (size_t)snprintf(log->text + log->len, sizeof log->text - log->len, "[%s|%s|%s]", event->type, event->id, event->data);
}

static void feed_split(const char *stream, size_t at, const char *wanted)
{
	struct log log = { 0 };
	struct events events = { .fn = on_event, .ctx = &log };
	size_t len = strlen(stream);
	assert_int_equal(events_feed(&events, stream, at), 0);
	assert_int_equal(events_feed(&events, stream + at, len - at), 0);
	assert_string_equal(log.text, wanted);
	events_free(&events);
}

static const struct {
	const char *stream, *wanted;
} streams[] = {
	{ "data: one\n\n", "[message||one]" },
	{ "event: order\nid: 7\ndata: {\"a\":1}\n\n", "[order|7|{\"a\":1}]" },
	{ "event: order\r\nid: 7\r\ndata: x\r\n\r\ndata: y\r\n\r\n", "[order|7|x][message|7|y]" },
	{ "data: x\r\rdata: y\r\r", "[message||x][message||y]" },
	{ "data: a\ndata: b\ndata\ndata:c\n\n", "[message||a\nb\n\nc]" },
	{ "data:  two blanks\n\n", "[message|| two blanks]" },
	{ ":heartbeat\n\n:\n\nretry: 3000\n\n", "" },
	{ "data: never ended\n", "" },
	{ "\xef\xbb\xbf" "data: behind a mark\n\n", "[message||behind a mark]" },
	{ "id: 5\n\ndata: later\n\n", "[message|5|later]" },
	{ "id: 5\ndata: a\n\nid\ndata: b\n\n", "[message|5|a][message||b]" },
	{ "event: a\n\ndata: x\n\n", "[message||x]" },
	{ "nonsense: a\nnonsense\ndata: x\n\n", "[message||x]" },
	{ "data\n\n", "[message||]" },
	{ "\n\n\n", "" },
};

/* Wherever the network cuts the stream, the events are the same. */
static void split_at_every_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof streams / sizeof *streams; i++)
		for (size_t at = 0; at <= strlen(streams[i].stream); at++)
			feed_split(streams[i].stream, at, streams[i].wanted);
}

static void byte_by_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof streams / sizeof *streams; i++) {
		struct log log = { 0 };
		struct events events = { .fn = on_event, .ctx = &log };
		for (const char *at = streams[i].stream; *at != '\0'; at++)
			assert_int_equal(events_feed(&events, at, 1), 0);
		assert_string_equal(log.text, streams[i].wanted);
		events_free(&events);
	}
}

static void retry_takes_digits_only(void **state)
{
	(void)state;
	struct log log = { 0 };
	struct events events = { .fn = on_event, .ctx = &log };
	assert_int_equal(events_feed(&events, "retry: 3000\n\n", 13), 0);
	assert_int_equal(events.retry_ms, 3000);
	assert_int_equal(events_feed(&events, "retry: 12x\nretry:\nretry: 99999999999\n\n", 38), 0);
	assert_int_equal(events.retry_ms, 3000);
	events_free(&events);
}

static void id_with_nul_or_too_long_is_passed_over(void **state)
{
	(void)state;
	struct log log = { 0 };
	struct events events = { .fn = on_event, .ctx = &log };
	assert_int_equal(events_feed(&events, "id: 4\ndata: a\n\nid: 5\0006\ndata: b\n\n", 33), 0);
	assert_int_equal(events_feed(&events, "id: 1234567890123456789012345678901234567890\ndata: c\n\n", 54), 0);
	assert_string_equal(log.text, "[message|4|a][message|4|b][message|4|c]");
	events_free(&events);
}

static void restart_keeps_the_last_whole_id(void **state)
{
	(void)state;
	struct log log = { 0 };
	struct events events = { .fn = on_event, .ctx = &log };
	const char *first = "id: 4\ndata: a\n\nid: 5\ndata: half";
	assert_int_equal(events_feed(&events, first, strlen(first)), 0);
	events_restart(&events);
	assert_string_equal(events.id, "4");
	assert_int_equal(events_feed(&events, "data: b\n\n", 9), 0);
	assert_string_equal(log.text, "[message|4|a][message|4|b]");
	events_free(&events);
}

static void endless_line_or_event_is_refused(void **state)
{
	(void)state;
	struct log log = { 0 };
	struct events events = { .fn = on_event, .ctx = &log };
	char *block = malloc(65536);
	assert_non_null(block);
	memset(block, 'x', 65536);
	int code = 0;
	for (int i = 0; i < 64 && code == 0; i++)
		code = events_feed(&events, block, 65536);
	assert_int_equal(code, ERR_NET_PROTOCOL);
	events_free(&events);
	events = (struct events){ .fn = on_event, .ctx = &log };
	memcpy(block, "data: ", 6);
	block[65535] = '\n';
	code = 0;
	for (int i = 0; i < 64 && code == 0; i++)
		code = events_feed(&events, block, 65536);
	assert_int_equal(code, ERR_NET_PROTOCOL);
	events_free(&events);
	free(block);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(split_at_every_byte),
		cmocka_unit_test(byte_by_byte),
		cmocka_unit_test(retry_takes_digits_only),
		cmocka_unit_test(id_with_nul_or_too_long_is_passed_over),
		cmocka_unit_test(restart_keeps_the_last_whole_id),
		cmocka_unit_test(endless_line_or_event_is_refused),
	};
	return cmocka_run_group_tests_name("events", tests, NULL, NULL);
}
