/* The small libraries: clock, bytes, loop, file, error, secret. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <certhall/bytes.h>
#include <certhall/clock.h>
#include <certhall/file.h>
#include <certhall/i18n.h>
#include <certhall/log.h>
#include <certhall/loop.h>
#include <certhall/secret.h>

static int64_t at(const char *rfc3339)
{
	int64_t t = -1;
	assert_int_equal(clock_parse_rfc3339(rfc3339, &t), 0);
	return t;
}

static void clock_texts(void **state)
{
	char out[32];
	int64_t t;
	(void)state;
	assert_int_equal(at("1970-01-01T00:00:00Z"), 0);
	assert_int_equal(at("2026-11-22T15:34:33Z"), at("2026-11-22T23:34:33+08:00"));
	assert_int_equal(at("2026-11-22T15:34:33.999Z"), at("2026-11-22T15:34:33Z"));
	assert_string_equal(clock_rfc3339(at("2026-11-22T23:34:33+08:00"), out, sizeof out), "2026-11-22T15:34:33Z");
	assert_string_equal(clock_date(at("2026-11-22T16:00:00Z"), out, sizeof out), "2026-11-23");
	assert_string_equal(clock_date_time(at("2026-11-22T15:59:59Z"), out, sizeof out), "2026-11-22 23:59:59");
	const char *const wrong[] = { "", "2026-11-22", "2026-11-22T15:34:33", "2026-11-22T15:34:33Zx", "2026-13-22T15:34:33Z", "2026-11-22T15:34:33+08", "2026-11-22T15:34:33+08:00x" };
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		if (clock_parse_rfc3339(wrong[i], &t) == 0)
			fail_msg("\"%s\" is no RFC 3339 time", wrong[i]);
}

static void clock_months(void **state)
{
	(void)state;
	assert_int_equal(clock_add_months(at("2026-01-31T12:00:00+08:00"), 1), at("2026-02-28T12:00:00+08:00"));
	assert_int_equal(clock_add_months(at("2024-02-29T00:00:00+08:00"), 12), at("2025-02-28T00:00:00+08:00"));
	assert_int_equal(clock_add_months(at("2026-01-15T00:00:00+08:00"), -1), at("2025-12-15T00:00:00+08:00"));
	assert_int_equal(clock_add_months(at("2026-12-01T07:00:00+08:00"), 13), at("2028-01-01T07:00:00+08:00"));
	assert_int_equal(clock_days_until(86401, 0), 2);
	assert_int_equal(clock_days_until(1, 0), 1);
	assert_int_equal(clock_days_until(0, 0), 0);
	assert_int_equal(clock_days_until(0, 86401), -1);
}

static void bytes_grow(void **state)
{
	struct bytes b = { 0 };
	(void)state;
	for (int i = 0; i < 1000; i++)
		assert_int_equal(bytes_append(&b, "abc", 3), 0);
	assert_int_equal(b.len, 3000);
	assert_int_equal(b.data[3000], 0);
	bytes_drop(&b, 2999);
	assert_string_equal((char *)b.data, "c");
	bytes_drop(&b, 10);
	assert_int_equal(b.len, 0);
	assert_int_equal(bytes_append(&b, "x", BYTES_MAX), ERR_TOO_LARGE);
	bytes_free(&b);
	assert_null(b.data);
}

static void bytes_as_text(void **state)
{
	char hex[16];
	uint8_t raw[4];
	struct bytes b = { 0 };
	(void)state;
	const char *const pairs[][2] = { { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" }, { "foob", "Zm9vYg==" } };
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		char *text = base64_encode(pairs[i][0], strlen(pairs[i][0]));
		assert_string_equal(text, pairs[i][1]);
		assert_int_equal(base64_decode(text, &b), 0);
		assert_string_equal((char *)b.data, pairs[i][0]);
		free(text);
	}
	const char *const wrong[] = { "Zg", "Zg=", "Z===", "Zg==Zg==", "Z g=", "Zm9v\n", "Zm-v" };
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		if (base64_decode(wrong[i], &b) == 0)
			fail_msg("\"%s\" is no base64", wrong[i]);
	bytes_free(&b);
	assert_string_equal(hex_encode("\x00\xff\x1a", 3, hex), "00ff1a");
	assert_int_equal(hex_decode("00FF1a", raw, sizeof raw), 3);
	assert_memory_equal(raw, "\x00\xff\x1a", 3);
	assert_int_equal(hex_decode("0", raw, sizeof raw), -1);
	assert_int_equal(hex_decode("zz", raw, sizeof raw), -1);
	assert_int_equal(hex_decode("0011223344", raw, sizeof raw), -1);
}

/* What happens in a loop, as letters in order. */
struct diary {
	struct loop *loop;
	struct loop_timer *first, *second, *third;
	struct loop_watch *watch;
	int fds[2];
	char text[32];
};

static void note(struct diary *diary, char letter)
{
	size_t n = strlen(diary->text);
	assert_true(n + 1 < sizeof diary->text);
	diary->text[n] = letter;
}

static void on_third(void *ctx)
{
	struct diary *diary = ctx;
	note(diary, '3');
	loop_stop(diary->loop, 7);
}

static void on_second(void *ctx)
{
	struct diary *diary = ctx;
	note(diary, '2');
	assert_null(diary->second);
	assert_int_equal(loop_timer_start(diary->loop, &diary->third, 0, on_third, diary), 0);
}

static void on_first(void *ctx)
{
	struct diary *diary = ctx;
	note(diary, '1');
	assert_int_equal(write(diary->fds[1], "x", 1), 1);
	kill(getpid(), SIGUSR1);
}

static void on_pipe(void *ctx, int fd, int ready)
{
	struct diary *diary = ctx;
	char c;
	assert_true(ready & LOOP_READ);
	assert_int_equal(read(fd, &c, 1), 1);
	note(diary, 'p');
	loop_unwatch(diary->loop, &diary->watch);
}

static void on_signal(void *ctx, int signo)
{
	struct diary *diary = ctx;
	assert_int_equal(signo, SIGUSR1);
	note(diary, 's');
	assert_int_equal(loop_timer_start(diary->loop, &diary->second, 1, on_second, diary), 0);
}

static void loop_turns(void **state)
{
	struct diary diary = { .loop = loop_new() };
	(void)state;
	assert_int_equal(pipe(diary.fds), 0);
	diary.watch = loop_watch(diary.loop, diary.fds[0], LOOP_READ, on_pipe, &diary);
	assert_non_null(diary.watch);
	assert_int_equal(loop_signal(diary.loop, SIGUSR1, on_signal, &diary), 0);
	assert_int_equal(loop_timer_start(diary.loop, &diary.second, 60000, on_second, &diary), 0);
	assert_int_equal(loop_timer_start(diary.loop, &diary.first, 0, on_first, &diary), 0);
	assert_int_equal(loop_run(diary.loop), 7);
	assert_int_equal(diary.text[0], '1');
	assert_true(strcmp(diary.text, "1ps23") == 0 || strcmp(diary.text, "1sp23") == 0);
	close(diary.fds[0]);
	close(diary.fds[1]);
	loop_free(&diary.loop);
	assert_null(diary.loop);
}

static void on_hung_up(void *ctx, int fd, int ready)
{
	struct diary *diary = ctx;
	(void)fd;
	assert_int_equal(ready, LOOP_READ | LOOP_WRITE);
	loop_stop(diary->loop, 1);
}

static void loop_says_hang_up(void **state)
{
	struct diary diary = { .loop = loop_new() };
	(void)state;
	assert_int_equal(pipe(diary.fds), 0);
	diary.watch = loop_watch(diary.loop, diary.fds[0], LOOP_READ, on_hung_up, &diary);
	close(diary.fds[1]);
	assert_int_equal(loop_run(diary.loop), 1);
	close(diary.fds[0]);
	loop_free(&diary.loop);
}

static void files(void **state)
{
	char folder[] = "/tmp/certhall-test-XXXXXX", path[512], other[512];
	struct bytes read = { 0 };
	struct error err = { 0 };
	struct stat info;
	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/a/b", folder);
	assert_int_equal(file_make_folder(path, &err), 0);
	assert_int_equal(file_make_folder(path, &err), 0);
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0700);
	snprintf(path, sizeof path, "%s/a/b/c", folder);
	assert_int_equal(file_create(path, "one", 3, &err), 0);
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0600);
	assert_int_equal(file_create(path, "two", 3, &err), ERR_FILE);
	assert_int_equal(file_replace(path, "three", 5, &err), 0);
	assert_int_equal(file_read(path, 100, &read, &err), 0);
	assert_string_equal((char *)read.data, "three");
	assert_int_equal(file_read(path, 4, &read, &err), ERR_TOO_LARGE);
	snprintf(other, sizeof other, "%s/link", folder);
	assert_int_equal(symlink(path, other), 0);
	assert_int_equal(file_create(other, "x", 1, &err), ERR_FILE);
	assert_int_equal(file_read("/nonexistent/x", 4, &read, &err), ERR_FILE);
	assert_string_equal(err.param, "/nonexistent/x");
	bytes_free(&read);
	unlink(other);
	unlink(path);
	for (const char *const *part = (const char *const[]){ "/a/b", "/a", "", NULL }; *part != NULL; part++) {
		snprintf(path, sizeof path, "%s%s", folder, *part);
		assert_int_equal(rmdir(path), 0);
	}
}

static void xdg_paths(void **state)
{
	char out[256];
	(void)state;
	setenv("HOME", "/home/x", 1);
	setenv("XDG_DATA_HOME", "/data", 1);
	unsetenv("XDG_CONFIG_HOME");
	setenv("XDG_STATE_HOME", "relative", 1);
	assert_string_equal(file_data_path(NULL, out, sizeof out), "/data/certhall");
	assert_string_equal(file_config_path("c", out, sizeof out), "/home/x/.config/certhall/c");
	assert_string_equal(file_state_path("s", out, sizeof out), "/home/x/.local/state/certhall/s");
	assert_string_equal(file_data_path("long", out, 5), "");
}

/* The sentences' one blank is filled by hand, so each may hold %s once and no other format; names are unique. */
static void error_table(void **state)
{
	static const char *const sentences[] = {
#define X(id, name, status, sentence) sentence,
#include <certhall/error_codes.h>
#undef X
	};
	(void)state;
	for (int i = 0; i < ERR_COUNT; i++) {
		const char *mark = strchr(sentences[i], '%');
		if (mark != NULL && (mark[1] != 's' || strchr(mark + 1, '%') != NULL))
			fail_msg("%s: \"%s\"", error_name((enum error_code)i), sentences[i]);
		assert_int_equal(error_from_name(error_name((enum error_code)i)), i);
		assert_in_range(error_http_status((enum error_code)i), 200, 599);
	}
	assert_int_equal(error_from_name("from-the-future"), ERR_UNEXPECTED);
	assert_string_equal(error_name((enum error_code)9999), error_name(ERR_UNEXPECTED));
}

static void error_sentences(void **state)
{
	struct error err;
	char out[64];
	(void)state;
	assert_int_equal(error_set(&err, ERR_CONFIG, "%s%n", "detail %d", 5), ERR_CONFIG);
	assert_string_equal(err.detail, "detail 5");
	assert_string_equal(error_sentence(&err, out, sizeof out), "The configuration cannot be used: %s%n");
	assert_int_equal(strlen(error_sentence(&err, out, 10)), 9);
	char longer[400];
	for (size_t i = 0; i < 100; i++)
		memcpy(longer + 3 * i, "证", 4);
	error_set(&err, ERR_FILE, longer, "x");
	assert_int_equal(strlen(err.param), 126); /* whole characters */
	error_set(&err, ERR_FILE, "a\x1b[2Jb", "x");
	assert_string_equal(err.param, "a[2Jb");
	assert_int_equal(error_set(NULL, ERR_FILE, "x", "y"), ERR_FILE);
}

static void log_lines(void **state)
{
	char folder[] = "/tmp/certhall-test-XXXXXX", path[512], masked[16];
	struct bytes read = { 0 };
	struct stat info;
	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/log", folder);
	assert_int_equal(log_open(path, LOG_LEVEL_INFO), 0);
	log_line(LOG_LEVEL_INFO, "test", "one\n2026-01-01 forged\x1b[31m %d \xc2\x9b" "31m\xe2\x80\xae\xff\xe6\xb5\x8b", 5);
	log_line(LOG_LEVEL_DEBUG, "test", "not shown");
	char longer[3000];
	memset(longer, 'x', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';
	log_line(LOG_LEVEL_ERROR, "test", "%s", longer);
	log_close();
	log_line(LOG_LEVEL_ERROR, "test", "closed");
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0600);
	assert_int_equal(file_read(path, 100000, &read, NULL), 0);
	const char *text = (const char *)read.data, *second = strchr(text, '\n') + 1;
	assert_non_null(strstr(text, "Z info test: one 2026-01-01 forged [31m 5 31m\xe6\xb5\x8b\n"));
	assert_non_null(strstr(second, "Z error test: xxx"));
	assert_int_equal(strchr(second, '\n') - text + 1, read.len);
	bytes_free(&read);
	unlink(path);
	rmdir(folder);
	assert_string_equal(log_mask("1234567890", masked, sizeof masked), "******7890");
	assert_true(strlen(log_mask("12345678901234567890", masked, sizeof masked)) < sizeof masked);
	assert_string_equal(log_mask("", masked, sizeof masked), "");
}

static void contexts(void **state)
{
	(void)state;
	assert_string_equal(i18n_in_context(NC_("step", "Check")), "Check");
	assert_string_equal(i18n_in_context("plain"), "plain");
}

static void secrets(void **state)
{
	struct secret one = { 0 }, two = { 0 };
	(void)state;
	assert_int_equal(secret_set(&one, "123456", 6), 0);
	secret_move(&two, &one);
	assert_null(one.text);
	assert_string_equal(two.text, "123456");
	assert_int_equal(secret_set(&two, "x", SECRET_MAX + 1), ERR_PIN_LENGTH);
	assert_string_equal(two.text, "123456");
	secret_free(&two);
	assert_null(two.text);
	secret_free(&two);
	char buffer[] = "secret";
	secret_wipe(buffer, sizeof buffer);
	assert_memory_equal(buffer, "\0\0\0\0\0\0", 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clock_texts), cmocka_unit_test(clock_months), cmocka_unit_test(bytes_grow), cmocka_unit_test(bytes_as_text),
		cmocka_unit_test(loop_turns), cmocka_unit_test(loop_says_hang_up), cmocka_unit_test(files), cmocka_unit_test(xdg_paths),
		cmocka_unit_test(error_table), cmocka_unit_test(error_sentences), cmocka_unit_test(secrets),
		cmocka_unit_test(log_lines), cmocka_unit_test(contexts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
