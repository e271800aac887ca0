#include <string.h>
#include <strings.h>

#include <certhall/chat.h>

enum { MOBILE = 11, IDENTITY = 18, PIN_LEAST = 4, PIN_ALONE_LEAST = 6, PIN_ALONE_MOST = 8, SKIP_MOST = 6 };

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Full-width digits (U+FF10 on) become plain ones, so that they hide nothing. */
static void fold_digits(char *text)
{
	char *to = text;
	for (const char *at = text; *at != '\0';) {
		bool wide = strncmp(at, "\xef\xbc", 2) == 0 && at[2] >= '\x90' && at[2] <= '\x99';
		*to++ = wide ? (char)('0' + (at[2] - '\x90')) : *at;
		at += wide ? 3 : 1;
	}
	*to = '\0';
}

/* Digits with at most one space or hyphen between them. Gives where they end; places gets where up to IDENTITY + 1 of them stand. */
static const char *digits_at(char *at, char *places[IDENTITY + 1], size_t *count)
{
	*count = 0;
	for (;; at++) {
		if (*count <= IDENTITY)
			places[*count] = at;
		++*count;
		bool gap = (at[1] == ' ' || at[1] == '-') && is_digit(at[2]);
		if (gap)
			at++;
		else if (!is_digit(at[1]))
			return at + 1;
	}
}

static void hide(char *places[], size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		*places[i] = '*';
}

static void mask_numbers(char *text)
{
	char *places[IDENTITY + 1];
	size_t count;
	for (char *at = text; *at != '\0'; at++) {
		if (!is_digit(*at))
			continue;
		bool after_letter = at > text && is_letter(at[-1]);
		const char *end = digits_at(at, places, &count);
		bool x = (*end == 'X' || *end == 'x') && !is_letter(end[1]) && !is_digit(end[1]);
		if (!after_letter && (!is_letter(*end) || x)) {
			if (count == MOBILE && *places[0] == '1' && *places[1] >= '3' && !x)
				hide(places, 3, 7);
			else if (count + x == IDENTITY)
				hide(places, 6, 14);
		}
		at += end - at - 1;
	}
}

/* What may stand between the word and the secret. */
static const char *skip_words(const char *at)
{
	static const char *const words[] = { " ", ":", "=", "\xef\xbc\x9a", "\xe6\x98\xaf", "\xe4\xb8\xba", "\xe7\xa0\x81", "is " }; /* ：是为码 */
	for (int skipped = 0; skipped < SKIP_MOST; skipped++) {
		size_t len = 0;
		for (size_t i = 0; len == 0 && i < sizeof words / sizeof *words; i++)
			if (strncasecmp(at, words[i], strlen(words[i])) == 0)
				len = strlen(words[i]);
		if (len == 0)
			break;
		at += len;
	}
	return at;
}

static bool is_secret(const char *at)
{
	size_t len = 0, digits = 0;
	for (; is_digit(at[len]) || is_letter(at[len]); len++)
		digits += is_digit(at[len]);
	return len >= PIN_LEAST && digits > 0;
}

static bool names_pin(const char *text)
{
	static const char *const names[] = { "pin", "password", "passcode", "\xe5\x8f\xa3\xe4\xbb\xa4", "\xe5\xaf\x86\xe7\xa0\x81" }; /* 口令, 密码 */
	for (const char *at = text; *at != '\0'; at++)
		for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
			bool inside = is_letter(*at) && at > text && is_letter(at[-1]);
			if (!inside && strncasecmp(at, names[i], strlen(names[i])) == 0 && is_secret(skip_words(at + strlen(names[i]))))
				return true;
		}
	return false;
}

static bool is_only_pin(const char *text)
{
	text += strspn(text, " \n");
	size_t len = strspn(text, "0123456789");
	return len >= PIN_ALONE_LEAST && len <= PIN_ALONE_MOST && text[len + strspn(text + len, " \n")] == '\0';
}

bool chat_guard(char *text)
{
	fold_digits(text);
	if (is_only_pin(text) || names_pin(text))
		return false;
	mask_numbers(text);
	return true;
}
