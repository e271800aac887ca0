#include "internal.h"

#include <stdlib.h>
#include <string.h>
#include <unistr.h>
#include <wchar.h>

#include <certhall/text.h>

enum { ESC = 0x1b, BEL = 0x07 };

static const struct {
	const char *name;
	enum key_code code;
} capabilities[] = {
	{ "kcuu1", KEY_CODE_UP }, { "kcud1", KEY_CODE_DOWN }, { "kcub1", KEY_CODE_LEFT }, { "kcuf1", KEY_CODE_RIGHT },
	{ "khome", KEY_CODE_HOME }, { "kend", KEY_CODE_END }, { "kpp", KEY_CODE_PAGE_UP }, { "knp", KEY_CODE_PAGE_DOWN },
	{ "kdch1", KEY_CODE_DELETE }, { "kcbt", KEY_CODE_BACKTAB }, { "kent", KEY_CODE_ENTER },
	{ "kf1", KEY_CODE_F1 }, { "kf2", KEY_CODE_F2 }, { "kf3", KEY_CODE_F3 }, { "kf4", KEY_CODE_F4 },
	{ "kf5", KEY_CODE_F5 }, { "kf6", KEY_CODE_F6 }, { "kf7", KEY_CODE_F7 }, { "kf8", KEY_CODE_F8 },
	{ "kf9", KEY_CODE_F9 }, { "kf10", KEY_CODE_F10 }, { "kf11", KEY_CODE_F11 }, { "kf12", KEY_CODE_F12 },
};

void decoder_init(struct decoder *d, char *(*lookup)(const char *name))
{
	d->len = d->sequence_count = 0;
	d->in_string = d->pasting = false;
	for (size_t i = 0; i < sizeof capabilities / sizeof *capabilities; i++) {
		const char *text = lookup(capabilities[i].name);
		if (text == NULL || text == (char *)-1 || text[0] != ESC || strlen(text) < 2 || strlen(text) >= sizeof d->sequences->text)
			continue;
		strcpy(d->sequences[d->sequence_count].text, text);
		d->sequences[d->sequence_count].len = (unsigned char)strlen(text);
		d->sequences[d->sequence_count++].code = (unsigned char)capabilities[i].code;
	}
}

static void emit(struct decoder *d, enum key_code code, uint32_t ch)
{
	struct key key = { .code = code, .ch = ch };
	if (code == KEY_CODE_CHAR) {
		int n = u8_uctomb((uint8_t *)key.text, ch, sizeof key.text - 1);
		key.text[n > 0 ? n : 0] = '\0';
	}
	if (code != KEY_CODE_CHAR || (key.text[0] != '\0' && text_is_safe(ch)))
		d->key(&key);
	secret_wipe(&key, sizeof key);
}

/* A paste is characters and ends of lines, whatever it holds; nothing in it is a key. */
static void emit_pasted(struct decoder *d, uint32_t ch)
{
	struct key newline = { .code = KEY_CODE_CHAR, .text = "\n", .ch = '\n' };
	bool pair = d->pasted_return && ch == '\n';
	d->pasted_return = ch == '\r';
	if (ch == '\t')
		emit(d, KEY_CODE_CHAR, ' ');
	else if ((ch == '\n' || ch == '\r') && !pair)
		d->key(&newline);
	else if (ch >= 0x20)
		emit(d, KEY_CODE_CHAR, ch);
}

static void emit_control(struct decoder *d, unsigned char c)
{
	if (d->pasting)
		emit_pasted(d, c);
	else if (c == '\r' || c == '\n')
		emit(d, KEY_CODE_ENTER, 0);
	else if (c == '\t')
		emit(d, KEY_CODE_TAB, 0);
	else if (c == 0x08 || c == 0x7f)
		emit(d, KEY_CODE_BACKSPACE, 0);
	else if (c >= 1 && c <= 26)
		emit(d, KEY_CODE_CTRL, (uint32_t)('A' + c - 1));
}

/* Bytes of the character at p; 0 when its end has not come. *wc is 0 for what is no character. */
static size_t character(const char *p, size_t len, wchar_t *wc)
{
	mbstate_t state = { 0 };
	size_t n = mbrtowc(wc, p, len, &state);
	if (n == (size_t)-2)
		return 0;
	if (n == (size_t)-1 || n == 0) {
		*wc = 0;
		return 1;
	}
	return n;
}

static int final_key(char final, int number)
{
	static const unsigned char by_number[] = { [1] = KEY_CODE_HOME, [3] = KEY_CODE_DELETE, [4] = KEY_CODE_END,
		[5] = KEY_CODE_PAGE_UP, [6] = KEY_CODE_PAGE_DOWN, [7] = KEY_CODE_HOME, [8] = KEY_CODE_END,
		[11] = KEY_CODE_F1, KEY_CODE_F2, KEY_CODE_F3, KEY_CODE_F4, KEY_CODE_F5, [17] = KEY_CODE_F6, KEY_CODE_F7,
		KEY_CODE_F8, KEY_CODE_F9, KEY_CODE_F10, [23] = KEY_CODE_F11, KEY_CODE_F12 };
	switch (final) {
	case 'A': return KEY_CODE_UP;
	case 'B': return KEY_CODE_DOWN;
	case 'C': return KEY_CODE_RIGHT;
	case 'D': return KEY_CODE_LEFT;
	case 'F': return KEY_CODE_END;
	case 'H': return KEY_CODE_HOME;
	case 'Z': return KEY_CODE_BACKTAB;
	case 'P': return KEY_CODE_F1;
	case 'Q': return KEY_CODE_F2;
	case 'R': return KEY_CODE_F3;
	case 'S': return KEY_CODE_F4;
	case '~': return number > 0 && number < (int)sizeof by_number ? by_number[number] : 0;
	default: return 0;
	}
}

/* ECMA-48 control sequence: ESC [ parameters intermediates final. Keys with modifiers count as the plain key. */
static size_t control_sequence(struct decoder *d, const char *p, size_t len)
{
	if (len > 2 && p[2] == '[') { /* the Linux console's F1 to F5 */
		if (len > 3 && p[3] >= 'A' && p[3] <= 'E')
			emit(d, (enum key_code)(KEY_CODE_F1 + p[3] - 'A'), 0);
		return len > 3 ? 4 : 0;
	}
	size_t i = 2;
	while (i < len && p[i] >= 0x20 && p[i] < 0x40)
		i++;
	if (i == len)
		return 0;
	if (p[i] < 0x40 || p[i] > 0x7e)
		return i; /* broken off by something else */
	char *rest;
	int first = (int)strtol(p + 2, &rest, 10);
	int second = *rest == ';' ? (int)strtol(rest + 1, NULL, 10) : 0;
	int code = final_key(p[i], first);
	if (p[i] == '~' && first == 200) {
		d->pasting = true;
		d->pasted_return = false;
	} else if (p[i] == 'R' && d->report_wanted) {
		d->report_wanted = false;
		d->report(first, second);
	} else if (code != 0) {
		emit(d, (enum key_code)code, 0);
	}
	return i + 1;
}

/* ESC O final: keys in application mode, the number pad among them. */
static size_t single_shift(struct decoder *d, const char *p, size_t len)
{
	size_t i = 2;
	while (i < len && ((p[i] >= '0' && p[i] <= '9') || p[i] == ';'))
		i++;
	if (i == len)
		return 0;
	int code = p[i] == '~' ? 0 : final_key(p[i], 0);
	if (p[i] < 0x20 || p[i] > 0x7e)
		return i;
	if (code != 0)
		emit(d, (enum key_code)code, 0);
	else if (p[i] == 'M')
		emit(d, KEY_CODE_ENTER, 0);
	else if (p[i] >= 'j' && p[i] <= 'y')
		emit(d, KEY_CODE_CHAR, (uint32_t)(p[i] - 'j' + '*'));
	return i + 1;
}

/* The end of a paste, else one character of it. */
static size_t paste(struct decoder *d, const char *p, size_t len)
{
	static const char end[] = "\033[201~";
	wchar_t wc;
	size_t n = len < sizeof end - 1 ? len : sizeof end - 1;
	if (memcmp(p, end, n) == 0) {
		if (n < sizeof end - 1)
			return 0;
		d->pasting = false;
		return n;
	}
	if ((unsigned char)p[0] < 0x20 || p[0] == 0x7f) {
		emit_control(d, (unsigned char)p[0]);
		return 1;
	}
	n = character(p, len, &wc);
	if (n > 0 && wc != 0)
		emit_pasted(d, (uint32_t)wc);
	return n;
}

/* Takes one key, sequence or piece of a string from the front; 0 when more is needed. */
static size_t consume(struct decoder *d, const char *p, size_t len)
{
	wchar_t wc;
	if (d->pasting)
		return paste(d, p, len);
	if (d->in_string) {
		d->in_string = !(p[0] == BEL || (p[0] == '\\' && d->bytes[sizeof d->bytes - 1] == ESC));
		d->bytes[sizeof d->bytes - 1] = p[0]; /* the byte before, for ESC \ */
		return 1;
	}
	if (p[0] != ESC) {
		if ((unsigned char)p[0] < 0x20 || p[0] == 0x7f) {
			emit_control(d, (unsigned char)p[0]);
			return 1;
		}
		size_t n = character(p, len, &wc);
		if (n > 0 && wc != 0)
			emit(d, KEY_CODE_CHAR, (uint32_t)wc);
		return n;
	}
	if (len == 1)
		return 0;
	size_t best = 0, match = 0;
	bool longer = false;
	for (size_t i = 0; i < d->sequence_count; i++) {
		size_t n = d->sequences[i].len;
		if (len < n)
			longer |= memcmp(d->sequences[i].text, p, len) == 0;
		else if (n > best && memcmp(d->sequences[i].text, p, n) == 0)
			best = n, match = i;
	}
	if (best > 0) {
		emit(d, (enum key_code)d->sequences[match].code, 0);
		return best;
	}
	if (longer)
		return 0;
	switch (p[1]) {
	case '[': return control_sequence(d, p, len);
	case 'O': return single_shift(d, p, len);
	case ']': case 'P': case 'X': case '^': case '_':
		d->in_string = true;
		d->bytes[sizeof d->bytes - 1] = 0;
		return 2;
	case ESC:
		emit(d, KEY_CODE_ESC, 0);
		return 1;
	default: { /* Alt with a character: nothing of ours */
		size_t n = character(p + 1, len - 1, &wc);
		return n > 0 ? n + 1 : 0;
	}
	}
}

enum decoder_wait decoder_feed(struct decoder *d, const char *bytes, size_t len)
{
	const size_t room = sizeof d->bytes - 2; /* a NUL for strtol, and the last byte of a string */
	while (len > 0) {
		size_t n = len < room - d->len ? len : room - d->len;
		memcpy(d->bytes + d->len, bytes, n);
		d->len += n;
		bytes += n;
		len -= n;
		size_t at = 0, taken;
		while (at < d->len) {
			d->bytes[d->len] = '\0';
			taken = consume(d, d->bytes + at, d->len - at);
			if (taken == 0)
				break;
			at += taken;
		}
		if (at == 0 && d->len == room)
			at = room; /* longer than any key */
		memmove(d->bytes, d->bytes + at, d->len - at);
		secret_wipe(d->bytes + d->len - at, at);
		d->len -= at;
	}
	if (d->len == 0)
		return d->in_string ? DECODER_SEQUENCE : DECODER_IDLE;
	return d->len == 1 && d->bytes[0] == ESC ? DECODER_ESC : DECODER_SEQUENCE;
}

void decoder_flush(struct decoder *d)
{
	bool alone = d->len == 1 && d->bytes[0] == ESC && !d->in_string;
	bool lost_end = d->pasting;
	d->len = 0;
	d->in_string = d->pasting = false;
	if (alone && !lost_end)
		emit(d, KEY_CODE_ESC, 0);
}
