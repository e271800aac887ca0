#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unistr.h>

void fuzz_broken(const char *condition, const char *file, int line)
{
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
	abort();
}

char *fuzz_text(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	HOLDS(text != NULL);
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

/* By the code charts, not by the function under test. */
static bool dangerous(ucs4_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x61c || c == 0x180e || (c >= 0x200b && c <= 0x200f)
		|| (c >= 0x202a && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xe000 && c <= 0xf8ff)
		|| (c >= 0xfff9 && c <= 0xfffb) || (c & 0xfffe) == 0xfffe || (c >= 0xe0000 && c <= 0xe0fff) || c >= 0xf0000;
}

void fuzz_is_clean(const char *text, bool newlines)
{
	size_t len = strlen(text);
	HOLDS(u8_check((const uint8_t *)text, len) == NULL);
	for (size_t at = 0; at < len;) {
		ucs4_t c;
		int n = u8_mbtouc(&c, (const uint8_t *)text + at, len - at);
		HOLDS((newlines && c == '\n') || !dangerous(c));
		at += (size_t)n;
	}
}
