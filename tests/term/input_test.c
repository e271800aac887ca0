/* Bytes of a terminal become the same keys however they are split. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <term/internal.h>

static char seen[4096];

/* A key as a word. */
static void on_key(const struct key *key)
{
	static const char *const names[] = { "", "Enter", "Esc", "Tab", "BackTab", "Backspace", "Delete", "Up", "Down", "Left", "Right",
		"Home", "End", "PageUp", "PageDown", "F1", "F2", "F3", "F4", "F5", "F6", "F7", "F8", "F9", "F10", "F11", "F12" };
	char word[32];
	if (key->code == KEY_CODE_CHAR)
		snprintf(word, sizeof word, "%s", key->text);
	else if (key->code == KEY_CODE_CTRL)
		snprintf(word, sizeof word, "^%c", (char)key->ch);
	else
		snprintf(word, sizeof word, "%s", names[key->code]);
	assert_true(strlen(seen) + strlen(word) + 2 < sizeof seen);
	strcat(strcat(seen, word), " ");
}

static void on_report(int row, int column)
{
	snprintf(seen + strlen(seen), sizeof seen - strlen(seen), "report(%d,%d) ", row, column);
}

static char *lookup(const char *name)
{
	static char up[] = "\033OA", f1[] = "\033OP", f5[] = "\033[15~", odd[] = "\033[[[x";
	return strcmp(name, "kcuu1") == 0 ? up : strcmp(name, "kf1") == 0 ? f1 : strcmp(name, "kf5") == 0 ? f5 : strcmp(name, "kf12") == 0 ? odd : NULL;
}

static void start(struct decoder *d)
{
	memset(d, 0, sizeof *d);
	decoder_init(d, lookup);
	d->key = on_key;
	d->report = on_report;
	seen[0] = '\0';
}

/* In one piece, byte by byte, and split once at each place. */
static void expect(const char *bytes, const char *keys)
{
	size_t len = strlen(bytes);
	struct decoder d;
	for (size_t at = 0; at <= len; at++) {
		start(&d);
		decoder_feed(&d, bytes, at);
		decoder_feed(&d, bytes + at, len - at);
		assert_string_equal(seen, keys);
	}
	start(&d);
	for (size_t at = 0; at < len; at++)
		decoder_feed(&d, bytes + at, 1);
	assert_string_equal(seen, keys);
}

static void characters(void **state)
{
	(void)state;
	expect("a证￥1", "a 证 ￥ 1 ");
	expect("\r\n\t\x7f\x08", "Enter Enter Tab Backspace Backspace ");
	expect("\x03\x01\x1a", "^C ^A ^Z ");
	expect("x\xff\xe8y", "x y ");
	expect("x\xe2\x80\xaey\xc2\x9bz", "x y z "); /* a bidi control and a C1 byte are not typed */
}

static void named_keys(void **state)
{
	(void)state;
	expect("\033OA\033[A\033[1;5A", "Up Up Up ");
	expect("\033OP\033[11~\033[[A\033[1;2P", "F1 F1 F1 F1 ");
	expect("\033[15~\033[15;5~\033[24~\033[[[x", "F5 F5 F12 F12 ");
	expect("\033[1~\033[7~\033[H\033OH\033[4~\033[F", "Home Home Home Home End End ");
	expect("\033[5~\033[6~\033[3~\033[Z", "PageUp PageDown Delete BackTab ");
	expect("\033Op\033Oy\033Oj\033OM", "0 9 * Enter "); /* the number pad in application mode */
}

static void swallowed(void **state)
{
	(void)state;
	expect("\033[99~a", "a ");
	expect("\033[<0;10;20Mb", "b ");
	expect("\033[?62;1cb", "b ");
	expect("\033xa", "a "); /* Alt */
	expect("\033证a", "a ");
	expect("\033]11;rgb:0000/0000/0000\033\\a", "a ");
	expect("\033]0;title\007a", "a ");
	expect("\033P1$r0m\033\\a", "a ");
	expect("\033[1;2\033OAa", "Up a ");
}

static void pastes(void **state)
{
	struct decoder d;
	(void)state;
	expect("\033[200~a\r\nb\nc\rd\t证\033[201~\r", "a \n b \n c \n d   证 Enter ");
	expect("\033[200~\033[A\003\033]\177x\033[20\033[201~\033[A", "[ A ] x [ 2 0 Up "); /* what is in it is no key */
	start(&d);
	decoder_feed(&d, "\033[200~a\033", 8);
	decoder_flush(&d); /* its end was lost: Esc gives the keys back */
	decoder_feed(&d, "\r", 1);
	assert_string_equal(seen, "a Enter ");
}

static void escape(void **state)
{
	struct decoder d;
	(void)state;
	start(&d);
	assert_int_equal(decoder_feed(&d, "\033", 1), DECODER_ESC);
	assert_string_equal(seen, "");
	decoder_flush(&d);
	assert_string_equal(seen, "Esc ");
	assert_int_equal(decoder_feed(&d, "\033\033", 2), DECODER_ESC);
	decoder_flush(&d);
	assert_string_equal(seen, "Esc Esc Esc ");
	start(&d);
	assert_int_equal(decoder_feed(&d, "\033[1", 3), DECODER_SEQUENCE);
	decoder_flush(&d);
	decoder_feed(&d, "a", 1);
	assert_string_equal(seen, "a ");
	start(&d);
	assert_int_equal(decoder_feed(&d, "\xe8\xaf", 2), DECODER_SEQUENCE);
	assert_int_equal(decoder_feed(&d, "\x81", 1), DECODER_IDLE);
	assert_string_equal(seen, "证 ");
}

static void reports(void **state)
{
	struct decoder d;
	(void)state;
	start(&d);
	d.report_wanted = true;
	decoder_feed(&d, "\033[1;3R\033[1;2R", 12);
	assert_string_equal(seen, "report(1,3) F3 "); /* Shift-F3 looks the same: only one answer was asked for */
}

static void endless(void **state)
{
	struct decoder d;
	char bytes[300];
	(void)state;
	start(&d);
	memset(bytes, '1', sizeof bytes);
	memcpy(bytes, "\033[", 2);
	decoder_feed(&d, bytes, sizeof bytes);
	decoder_flush(&d);
	seen[0] = '\0';
	decoder_feed(&d, "a", 1);
	assert_string_equal(seen, "a ");
}

/* Whatever comes, nothing but keys goes out, and the decoder is ready again afterwards. */
static void noise(void **state)
{
	struct decoder d;
	char bytes[64];
	(void)state;
	for (unsigned seed = 1; seed < 20000; seed++) {
		unsigned dice = seed;
		size_t len = (size_t)rand_r(&dice) % sizeof bytes;
		start(&d);
		d.report_wanted = rand_r(&dice) % 2;
		for (size_t i = 0; i < len; i++)
			bytes[i] = rand_r(&dice) % 3 == 0 ? "\033[O]P\\;~1\007"[rand_r(&dice) % 10] : (char)rand_r(&dice);
		for (size_t at = 0, n; at < len; at += n) {
			n = 1 + (size_t)rand_r(&dice) % (len - at);
			decoder_feed(&d, bytes + at, n);
		}
		decoder_flush(&d);
		for (const char *p = seen; *p != '\0'; p++)
			assert_true((unsigned char)*p >= 0x20 && *p != 0x7f);
		seen[0] = '\0';
		assert_int_equal(decoder_feed(&d, "a", 1), DECODER_IDLE);
		assert_string_equal(seen, "a ");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(characters), cmocka_unit_test(named_keys), cmocka_unit_test(swallowed), cmocka_unit_test(pastes), cmocka_unit_test(escape),
		cmocka_unit_test(reports), cmocka_unit_test(endless), cmocka_unit_test(noise),
	};
	setlocale(LC_ALL, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
