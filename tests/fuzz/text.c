/* Text from outside: sanitised, measured, cut, wrapped, normalised. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include <certhall/text.h>

static void sanitised(const char *text, size_t room, bool newlines)
{
	char *out = malloc(room), *again = malloc(room);
	HOLDS(out != NULL && again != NULL);
	size_t len = text_sanitize(text, out, room, newlines);
	HOLDS(len == strlen(out) && len < room);
	fuzz_is_clean(out, newlines);
	HOLDS(text_sanitize(out, again, room, newlines) == len && memcmp(out, again, len) == 0);
	free(out);
	free(again);
}

/* Every line fits, and the lines together are all of the text. */
static void wrapped(const char *text, int columns)
{
	size_t skip, at = 0, len = strlen(text);
	while (at < len) {
		size_t n = text_wrap(text + at, columns, &skip);
		HOLDS(skip > 0 && n <= skip && at + skip <= len);
		char *line = strndup(text + at, n);
		HOLDS(line != NULL && (text_width(line) <= columns || text_next(line, 0) == n));
		free(line);
		at += skip;
	}
}

static void walked(const char *text)
{
	size_t len = strlen(text);
	for (size_t at = 0; at < len;) {
		size_t next = text_next(text, at);
		HOLDS(next > at && next <= len);
		at = next;
	}
	for (size_t at = len; at > 0;) {
		size_t before = text_previous(text, at);
		HOLDS(before < at);
		at = before;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2 || size > 8192)
		return 0;
	int columns = 1 + data[0] % 90, used;
	size_t room = 1 + (size_t)data[1] * 8;
	char *raw = fuzz_text(data + 2, size - 2), *text = malloc(size + 1), *out = malloc(room);
	HOLDS(text != NULL && out != NULL);
	sanitised(raw, room, data[1] & 1);
	text_sanitize(raw, text, size + 1, true);
	wrapped(text, columns);
	walked(text);
	size_t n = text_cut(text, columns, &used);
	HOLDS(n <= strlen(text) && used <= columns);
	HOLDS(text_width(text_ellipsis(text, columns, out, room)) <= columns);
	text_normalize(text, out, room);
	HOLDS(strlen(out) < room);
	(void)text_gbk_length(text);
	free(raw);
	free(text);
	free(out);
	return 0;
}
