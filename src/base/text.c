#include <certhall/text.h>

#include <iconv.h>
#include <stdlib.h>
#include <string.h>

#include <unicase.h>
#include <unictype.h>
#include <unigbrk.h>
#include <unilbrk.h>
#include <uninorm.h>
#include <unistr.h>
#include <uniwidth.h>

enum { COMBINING_MAX = 4, WRAP_MAX = 65536 };

/* libunistring takes ambiguous characters as wide when the encoding's name is an East Asian one. */
static const char *width_encoding = "UTF-8";

void text_set_ambiguous_width(int columns)
{
	width_encoding = columns == 2 ? "GBK" : "UTF-8";
}

/* One character at text: its bytes, and its code point (U+FFFD for a stray byte). */
static size_t character(const char *text, ucs4_t *uc)
{
	size_t left = strnlen(text, 8);
	int n = u8_mbtoucr(uc, (const uint8_t *)text, left);
	if (n <= 0) {
		*uc = 0xfffd;
		return left > 0 ? 1 : 0;
	}
	return (size_t)n;
}

static int character_width(ucs4_t uc)
{
	if (uc == 0xfffd)
		return 1;
	int width = uc_width(uc, width_encoding);
	return width < 0 ? 0 : width;
}

int text_width(const char *text)
{
	int width = 0;
	ucs4_t uc;
	for (size_t n; (n = character(text, &uc)) > 0; text += n)
		width += character_width(uc);
	return width;
}

size_t text_cut(const char *text, int columns, int *used)
{
	size_t at = 0;
	int width = 0;
	ucs4_t uc;
	for (size_t n; (n = character(text + at, &uc)) > 0; at += n) {
		int w = character_width(uc);
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

size_t text_wrap(const char *text, int columns, size_t *skip)
{
	size_t line = strcspn(text, "\n");
	*skip = line + (text[line] == '\n');
	if (columns < 1)
		columns = 1;
	size_t fits = text_cut(text, columns, NULL);
	if (fits >= line || line > WRAP_MAX)
		return line;
	char *breaks = malloc(line);
	if (breaks == NULL) {
		*skip = fits > 0 ? fits : 1;
		return *skip;
	}
	u8_possible_linebreaks((const uint8_t *)text, line, width_encoding, breaks);
	size_t end = fits;
	while (end > 0 && breaks[end] != UC_BREAK_POSSIBLE && breaks[end] != UC_BREAK_MANDATORY)
		end--;
	free(breaks);
	if (end == 0) /* a word longer than the line */
		end = fits > 0 ? fits : text_next(text, 0);
	*skip = end + strspn(text + end, " ");
	if (text[*skip] == '\n' && *skip > end)
		*skip += 1;
	while (end > 0 && text[end - 1] == ' ')
		end--;
	return end;
}

size_t text_previous(const char *text, size_t at)
{
	const uint8_t *p = u8_grapheme_prev((const uint8_t *)text + at, (const uint8_t *)text);
	return p != NULL ? (size_t)((const char *)p - text) : 0;
}

size_t text_next(const char *text, size_t at)
{
	size_t len = strlen(text);
	if (at >= len)
		return len;
	const uint8_t *p = u8_grapheme_next((const uint8_t *)text + at, (const uint8_t *)text + len);
	return p != NULL ? (size_t)((const char *)p - text) : len;
}

static bool unsafe(ucs4_t uc)
{
	if (uc < 0x20 || (uc >= 0x7f && uc < 0xa0) || uc == 0x00ad)
		return true;
	if ((uc >= 0x200b && uc <= 0x200f) || (uc >= 0x2028 && uc <= 0x202e) || (uc >= 0x2060 && uc <= 0x206f))
		return true; /* zero width, separators, bidi controls */
	if (uc == 0x061c || uc == 0x180e || uc == 0xfeff || uc == 0x034f || uc == 0x115f || uc == 0x1160 || uc == 0x3164)
		return true;
	if (uc >= 0xfff0 && uc <= 0xfffb)
		return true;
	if (uc >= 0xe0000 && uc <= 0xe0fff) /* tags, variation selectors supplement */
		return true;
	if ((uc >= 0xe000 && uc <= 0xf8ff) || uc >= 0xf0000) /* private use */
		return true;
	return (uc & 0xfffe) == 0xfffe || (uc >= 0xfdd0 && uc <= 0xfdef);
}

size_t text_sanitize(const char *in, char *out, size_t size, bool keep_newlines)
{
	size_t len = 0;
	int marks = 0;
	if (size == 0)
		return 0;
	while (*in != '\0') {
		ucs4_t uc;
		int n = u8_mbtoucr(&uc, (const uint8_t *)in, strnlen(in, 8));
		if (n <= 0) {
			in++;
			continue;
		}
		bool newline = uc == '\n' && keep_newlines;
		marks = uc_combining_class(uc) != 0 ? marks + 1 : 0;
		if ((newline || !unsafe(uc)) && marks <= COMBINING_MAX) {
			if (len + (size_t)n >= size)
				break;
			memmove(out + len, in, (size_t)n);
			len += (size_t)n;
		}
		in += n;
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
