#include <certhall/help.h>

#include <string.h>

#include <certhall/text.h>

enum { FIRST = 0x4e00, LAST = 0x9fff };

/* Made at build time from Unicode's readings (scripts/pinyin). */
static const uint32_t initials[] = {
#include "src/help/initials.inc"
};
_Static_assert(sizeof initials / sizeof *initials == LAST - FIRST + 1, "one mask a character");

static bool begins(uint32_t character, char letter)
{
	if (character >= FIRST && character <= LAST)
		return letter >= 'a' && letter <= 'z' && (initials[character - FIRST] >> (letter - 'a') & 1);
	if (character >= 'A' && character <= 'Z')
		character += 'a' - 'A';
	return character == (unsigned char)letter;
}

/* Punctuation and spaces between the characters are passed over. */
static bool is_word(uint32_t character)
{
	return character >= 0x2e80 ? !(character >= 0x3000 && character <= 0x303f) && !(character >= 0xff00 && character <= 0xffef)
		: (character >= '0' && character <= '9') || (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z');
}

static size_t match_here(const char *text, const char *letters)
{
	uint32_t character;
	size_t at = 0, n;
	while (*letters != '\0' && (n = text_character(text + at, &character)) > 0) {
		if (is_word(character)) {
			if (!begins(character, *letters))
				return 0;
			letters++;
		} else if (at == 0) {
			return 0;
		}
		at += n;
	}
	return *letters == '\0' ? at : 0;
}

bool pinyin_find(const char *text, const char *letters, size_t *at, size_t *len)
{
	uint32_t character;
	if (*letters == '\0')
		return false;
	for (size_t from = 0, n; (n = text_character(text + from, &character)) > 0; from += n)
		if ((*len = match_here(text + from, letters)) > 0) {
			*at = from;
			return true;
		}
	return false;
}
