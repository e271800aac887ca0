#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include <unistr.h>

#include <certhall/text.h>

/* A run of characters that are trouble in one way or another; properties are tried on many mixes of them. */
static const char *const pieces[] = {
	"a", "Z", "0", " ", "  ", "\n", "\t", "证", "书", "￥", "１", "Ａ", "，", "。", "「", "」", "龥", "䶮",
	"e\xcc\x81", "\xcc\x81", "\xcc\x80\xcc\x81\xcc\x82\xcc\x83\xcc\x84\xcc\x85", "\x1b[31m", "\x7f", "\xc2\x9b", "\xe2\x80\xae", "\xe2\x80\x8b",
	"\xef\xbb\xbf", "\xf3\xa0\x81\x81", "\xee\x80\x80", "\xff", "\xe8\xaf", "\xc0\x80", "\xed\xa0\x80", "\xf0\x9f\x91\x8d", "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb",
	"-", "...", "https://example.cn/a/b?c=d", "word", "\xef\xb8\x8f", "\xef\xbf\xbe", "\xe3\x80\x80",
};

static void mix(unsigned *seed, char *out, size_t size)
{
	size_t len = 0;
	out[0] = '\0';
	for (int n = rand_r(seed) % 40; n > 0; n--) {
		const char *piece = pieces[(size_t)rand_r(seed) % (sizeof pieces / sizeof *pieces)];
		if (len + strlen(piece) + 1 > size)
			break;
		strcpy(out + len, piece);
		len += strlen(piece);
	}
}

static int width_of(const char *text, size_t n)
{
	char copy[4096];
	assert_true(n < sizeof copy);
	memcpy(copy, text, n);
	copy[n] = '\0';
	return text_width(copy);
}

static void widths(void **state)
{
	(void)state;
	assert_int_equal(text_width(""), 0);
	assert_int_equal(text_width("abc"), 3);
	assert_int_equal(text_width("证书更新"), 8);
	assert_int_equal(text_width("￥1"), 3);
	assert_int_equal(text_width("e\xcc\x81"), 1);
	assert_int_equal(text_width("\xe2\x80\x9c"), 1);
	assert_int_equal(text_width("a\xff" "b"), 3);
	assert_int_equal(text_width("\x1b\xe2\x80\xae"), 0);
}

/* What the catalogue prints must take the same columns in libc, which curses asks. */
static void widths_are_libc_s(void **state)
{
	(void)state;
	for (uint32_t ch = 0x20; ch < 0x30000; ch++) {
		bool printed = ch < 0x7f || (ch >= 0x3000 && ch <= 0x30ff) || (ch >= 0x4e00 && ch <= 0x9fff) || (ch >= 0x3400 && ch <= 0x4dbf)
			|| (ch >= 0xff01 && ch <= 0xff5e) || ch == 0xffe5 || (ch >= 0x20000 && ch <= 0x2a6df);
		if (printed && wcwidth((wchar_t)ch) >= 0 && text_columns(ch) != wcwidth((wchar_t)ch))
			fail_msg("U+%04X takes %d columns, libc says %d", ch, text_columns(ch), wcwidth((wchar_t)ch));
	}
}

static int always_two(uint32_t ch)
{
	(void)ch;
	return 2;
}

static void widths_can_be_the_terminal_s(void **state)
{
	(void)state;
	text_set_columns(always_two);
	assert_int_equal(text_width("ab"), 4);
	assert_int_equal(text_width("\x1b"), 0);
	text_set_columns(NULL);
	assert_int_equal(text_width("ab"), 2);
}

static void cuts(void **state)
{
	int used;
	(void)state;
	assert_int_equal(text_cut("证书", 3, &used), 3);
	assert_int_equal(used, 2);
	assert_int_equal(text_cut("证书", 4, &used), 6);
	assert_int_equal(text_cut("ae\xcc\x81" "b", 2, &used), 4);
	assert_int_equal(text_cut("abc", 0, &used), 0);
}

static void ellipses(void **state)
{
	char out[64];
	(void)state;
	assert_string_equal(text_ellipsis("证书更新", 8, out, sizeof out), "证书更新");
	assert_string_equal(text_ellipsis("证书更新", 7, out, sizeof out), "证书...");
	assert_string_equal(text_ellipsis("证书更新", 6, out, sizeof out), "证...");
	assert_string_equal(text_ellipsis("abcdef", 3, out, sizeof out), "abc");
	assert_string_equal(text_ellipsis("证书更新", 8, out, 8), "证书");
	assert_string_equal(text_ellipsis("证书更新", 7, out, 8), "证...");
}

static void check_wrap(const char *text, int columns, const char *const lines[])
{
	size_t skip;
	for (; *text != '\0'; text += skip, lines++) {
		size_t n = text_wrap(text, columns, &skip);
		assert_non_null(*lines);
		assert_int_equal(n, strlen(*lines));
		assert_memory_equal(text, *lines, n);
	}
	assert_null(*lines);
}

static void wraps(void **state)
{
	(void)state;
	check_wrap("hi hello world", 8, (const char *const[]){ "hi hello", "world", NULL });
	check_wrap("hi hello world", 7, (const char *const[]){ "hi", "hello", "world", NULL });
	check_wrap("hello   world", 5, (const char *const[]){ "hello", "world", NULL });
	check_wrap("one\n\ntwo", 10, (const char *const[]){ "one", "", "two", NULL });
	check_wrap("证书更新，证书", 8, (const char *const[]){ "证书更", "新，证书", NULL }); /* no comma begins a line */
	check_wrap("abcdefgh", 3, (const char *const[]){ "abc", "def", "gh", NULL });
	check_wrap("证", 1, (const char *const[]){ "证", NULL });
	check_wrap("end   ", 3, (const char *const[]){ "end", NULL });
}

static void graphemes(void **state)
{
	const char *text = "e\xcc\x81证";
	(void)state;
	assert_int_equal(text_next(text, 0), 3);
	assert_int_equal(text_next(text, 3), 6);
	assert_int_equal(text_next(text, 6), 6);
	assert_int_equal(text_previous(text, 6), 3);
	assert_int_equal(text_previous(text, 3), 0);
	assert_int_equal(text_previous(text, 0), 0);
}

static void sanitizes(void **state)
{
	char out[64];
	(void)state;
	text_sanitize("a\x1b[31mb\nc", out, sizeof out, false);
	assert_string_equal(out, "a[31mbc");
	text_sanitize("a\nb\rc", out, sizeof out, true);
	assert_string_equal(out, "a\nbc");
	text_sanitize("x\xe2\x80\xaey\xc2\x9bz\xff", out, sizeof out, false);
	assert_string_equal(out, "xyz");
	text_sanitize("\xcc\x81" "a\xcc\x81\xcc\x81\xe2\x80\x8b\xcc\x81\xcc\x81\xcc\x81", out, sizeof out, false);
	assert_string_equal(out, "a\xcc\x81\xcc\x81\xcc\x81\xcc\x81");
	assert_int_equal(text_sanitize("证书", out, 6, false), 3);
	assert_string_equal(out, "证");
	char same[] = "a\tb";
	text_sanitize(same, same, sizeof same, false);
	assert_string_equal(same, "ab");
}

static void normalizes(void **state)
{
	char out[64];
	(void)state;
	assert_string_equal(text_normalize(" １３８ＡＢ＠ ", out, sizeof out), "138AB@");
	assert_string_equal(text_normalize("\xe3\x80\x80测试 样票\xe3\x80\x80", out, sizeof out), "测试 样票");
	assert_string_equal(text_normalize("", out, sizeof out), "");
	assert_string_equal(text_normalize("  ", out, sizeof out), "");
}

static void gbk_lengths(void **state)
{
	(void)state;
	assert_int_equal(text_gbk_length(""), 0);
	assert_int_equal(text_gbk_length("ab证书"), 6);
	assert_int_equal(text_gbk_length("\xf0\x9f\x91\x8d"), -1);
	assert_int_equal(text_gbk_length("￥"), 2);
	char text[3 * 400 + 1];
	for (size_t i = 0; i < 400; i++)
		memcpy(text + 3 * i, "证", 4);
	assert_int_equal(text_gbk_length(text), 800);
}

static void properties(void **state)
{
	char text[2048], clean[2048], again[2048], cut[2048];
	(void)state;
	for (unsigned seed = 1; seed < 4000; seed++) {
		unsigned dice = seed;
		mix(&dice, text, sizeof text);
		size_t room = 1 + (size_t)rand_r(&dice) % sizeof clean;
		int columns = rand_r(&dice) % 50;
		bool newlines = rand_r(&dice) % 2;
		/* sanitize: fits, is UTF-8, is clean, and stays as it is */
		size_t len = text_sanitize(text, clean, room, newlines);
		assert_true(len < room && strlen(clean) == len);
		assert_null(u8_check((const uint8_t *)clean, len));
		uint32_t ch;
		for (size_t at = 0, n; (n = text_character(clean + at, &ch)) > 0; at += n)
			assert_true(text_is_safe(ch) || (newlines && ch == '\n'));
		text_sanitize(clean, again, sizeof again, newlines);
		assert_string_equal(again, clean);
		/* cut: fits, and one character more would not */
		int used;
		size_t n = text_cut(text, columns, &used);
		assert_true(used <= columns && used == width_of(text, n));
		uint32_t next;
		if (text_character(text + n, &next) > 0)
			assert_true(used + text_columns(next) > columns);
		assert_true(text_width(text_ellipsis(text, columns, cut, sizeof cut)) <= columns);
		assert_true(strlen(text_ellipsis(text, columns, cut, room)) < room);
		/* wrap: always gets on, no line is wider, nothing but spaces and newlines is left out */
		size_t skip;
		char *exact = strdup(text); /* so that the sanitizer sees a step too far */
		assert_non_null(exact);
		for (const char *at = exact; *at != '\0'; at += skip) {
			size_t line = text_wrap(at, columns, &skip);
			assert_true(skip > 0 && line <= skip && skip <= strlen(at));
			assert_true(width_of(at, line) <= (columns > 1 ? columns : 2));
			assert_int_equal(strspn(at + line, " \n") >= skip - line, 1);
			assert_null(memchr(at, '\n', line));
		}
		free(exact);
		/* graphemes: there and back */
		for (size_t at = 0; text[at] != '\0';) {
			size_t to = text_next(text, at);
			assert_true(to > at);
			assert_int_equal(text_previous(text, to), at);
			at = to;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(widths), cmocka_unit_test(widths_are_libc_s), cmocka_unit_test(widths_can_be_the_terminal_s), cmocka_unit_test(cuts),
		cmocka_unit_test(ellipses), cmocka_unit_test(wraps), cmocka_unit_test(graphemes), cmocka_unit_test(sanitizes),
		cmocka_unit_test(normalizes), cmocka_unit_test(gbk_lengths), cmocka_unit_test(properties),
	};
	setlocale(LC_ALL, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
