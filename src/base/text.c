#include <certhall/text.h>

#include <iconv.h>
#include <stdlib.h>
#include <string.h>

#include <unictype.h>
#include <unigbrk.h>
#include <unilbrk.h>
#include <uninorm.h>
#include <unistr.h>
#include <uniwidth.h>

enum { COMBINING_MAX = 4 };

static int (*columns_of)(uint32_t character);

void text_set_columns(int (*columns)(uint32_t character))
{
	columns_of = columns;
}

size_t text_character(const char *text, uint32_t *character)
{
	ucs4_t uc = 0xfffd;
	size_t left = strnlen(text, 8);
	int n = left > 0 ? u8_mbtoucr(&uc, (const uint8_t *)text, left) : 0; /* it looks at the first byte even of none */
	*character = n > 0 ? uc : 0xfffd;
	return n > 0 ? (size_t)n : left > 0;
}

bool text_is_safe(uint32_t uc)
{
	if (uc < 0x20 || (uc >= 0x7f && uc < 0xa0) || uc == 0x00ad)
		return false;
	if ((uc >= 0x200b && uc <= 0x200f) || (uc >= 0x2028 && uc <= 0x202e) || (uc >= 0x2060 && uc <= 0x206f))
		return false; /* zero width, separators, bidi controls */
	if (uc == 0x061c || uc == 0x180e || uc == 0xfeff || uc == 0x034f || uc == 0x115f || uc == 0x1160 || uc == 0x3164 || uc == 0xffa0)
		return false;
	if (uc >= 0xfff0 && uc <= 0xfffb)
		return false;
	if (uc >= 0xe0000 && uc <= 0xe0fff) /* tags, variation selectors supplement */
		return false;
	if ((uc >= 0xd800 && uc <= 0xf8ff) || uc >= 0xf0000) /* surrogates, private use */
		return false;
	return (uc & 0xfffe) != 0xfffe && !(uc >= 0xfdd0 && uc <= 0xfdef);
}

int text_columns(uint32_t character)
{
	if (!text_is_safe(character))
		return 0;
	if (character == 0xfffd)
		return 1;
	int columns = columns_of != NULL ? columns_of(character) : uc_width(character, "UTF-8");
	return columns > 0 ? columns : 0;
}

int text_width(const char *text)
{
	int width = 0;
	uint32_t uc;
	for (size_t n; (n = text_character(text, &uc)) > 0; text += n)
		width += text_columns(uc);
	return width;
}

size_t text_cut(const char *text, int columns, int *used)
{
	size_t at = 0;
	int width = 0;
	uint32_t uc;
	for (size_t n; (n = text_character(text + at, &uc)) > 0; at += n) {
		int w = text_columns(uc);
		if (width + w > columns)
			break;
		width += w;
	}
	if (used != NULL)
		*used = width;
	return at;
}

char *text_ellipsis(const char *text, int columns, char *out, size_t size)
{
	const char *dots = "...";
	int width = text_width(text);
	size_t n = text_cut(text, width <= columns ? columns : columns > 3 ? columns - 3 : columns, NULL);
	if (width <= columns || columns <= 3)
		dots = "";
	size_t tail = strlen(dots);
	while (n > 0 && n + tail + 1 > size)
		n = text_previous(text, n);
	if (size > 0) {
		memcpy(out, text, n);
		memcpy(out + n, dots, n + tail + 1 <= size ? tail + 1 : 1);
		out[n + (n + tail + 1 <= size ? tail : 0)] = '\0';
	}
	return out;
}

/* The last place at or before fits where UAX #14 allows a break; 0 when there is none. The text behind it decides too,
 * so one character more is looked at. */
static size_t last_break(const char *text, size_t fits)
{
	uint32_t uc;
	size_t len = fits + text_character(text + fits, &uc), at = fits;
	char *breaks = malloc(len);
	if (breaks == NULL)
		return 0;
	u8_possible_linebreaks((const uint8_t *)text, len, "UTF-8", breaks);
	while (at > 0 && breaks[at] != UC_BREAK_POSSIBLE && breaks[at] != UC_BREAK_MANDATORY)
		at--;
	free(breaks);
	return at;
}

size_t text_wrap(const char *text, int columns, size_t *skip)
{
	size_t line = strcspn(text, "\n");
	size_t fits = text_cut(text, columns < 1 ? 1 : columns, NULL);
	if (fits >= line) {
		*skip = line + (text[line] == '\n');
		return line;
	}
	size_t spaces = strspn(text + fits, " "); /* those at the end of a line may hang over */
	size_t end = fits + spaces == line ? line : last_break(text, fits + spaces);
	if (end == 0 || end > fits + spaces) /* a word longer than the line */
		end = fits > 0 ? fits : text_next(text, 0);
	*skip = end + strspn(text + end, " ");
	*skip += text[*skip] == '\n';
	while (end > 0 && text[end - 1] == ' ')
		end--;
	return end;
}

size_t text_next(const char *text, size_t at)
{
	uint32_t before, uc;
	size_t n = text_character(text + at, &before);
	for (at += n; (n = text_character(text + at, &uc)) > 0 && !uc_is_grapheme_break(before, uc); before = uc)
		at += n;
	return at;
}

/* From the start: libunistring's way back does not stand bytes that are no UTF-8. */
size_t text_previous(const char *text, size_t at)
{
	size_t from = 0;
	for (size_t to; (to = text_next(text, from)) < at; from = to)
		;
	return from;
}

size_t text_sanitize(const char *in, char *out, size_t size, bool keep_newlines)
{
	size_t len = 0, n;
	int marks = COMBINING_MAX; /* none before the first character */
	uint32_t uc;
	if (size == 0)
		return 0;
	for (; (n = text_character(in, &uc)) > 0; in += n) {
		bool newline = uc == '\n' && keep_newlines;
		if ((!newline && !text_is_safe(uc)) || (n == 1 && uc == 0xfffd))
			continue;
		bool mark = !newline && (uc_width(uc, "UTF-8") == 0 || uc_is_general_category(uc, UC_CATEGORY_M));
		if (mark && marks == COMBINING_MAX)
			continue;
		if (len + n >= size)
			break;
		marks = newline ? COMBINING_MAX : mark ? marks + 1 : 0;
		memmove(out + len, in, n);
		len += n;
	}
	out[len] = '\0';
	return len;
}

char *text_normalize(const char *in, char *out, size_t size)
{
	size_t len = 0;
	uint8_t *folded = u8_normalize(UNINORM_NFKC, (const uint8_t *)in, strlen(in) + 1, NULL, &len);
	const char *from = folded != NULL ? (const char *)folded : in;
	while (*from == ' ' || *from == '\t')
		from++;
	text_sanitize(from, out, size, false);
	for (size_t n = strlen(out); n > 0 && out[n - 1] == ' '; n--)
		out[n - 1] = '\0';
	free(folded);
	return out;
}

int text_gbk_length(const char *text)
{
	iconv_t cd = iconv_open("GBK", "UTF-8");
	if (cd == (iconv_t)-1)
		return -1;
	char block[256], *in = (char *)(uintptr_t)text;
	size_t left = strlen(text), total = 0;
	while (left > 0) {
		char *out = block;
		size_t room = sizeof block, before = left;
		iconv(cd, &in, &left, &out, &room);
		total += sizeof block - room;
		if (left == before) {
			iconv_close(cd);
			return -1;
		}
	}
	iconv_close(cd);
	return (int)total;
}
