/* The help centre's content: read, filled in, looked up, searched; and what is not as it should be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <certhall/help.h>

static char folder[] = "/tmp/certhall-help-XXXXXX";
static const struct help_values values = { .before = "1 个月", .after = "1 年", .pay_ttl = "30 分钟", .invoice_days = "3 个工作日", .hotline = "400-000-0000",
	.pinmax = "10", .drift = "5 分钟" };

static void write_file(const char *name, const char *text)
{
	char path[256];
	snprintf(path, sizeof path, "%s/xx", folder);
	mkdir(path, 0700);
	snprintf(path, sizeof path, "%s/xx/%s.md", folder, name);
	FILE *file = fopen(path, "we");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static char complaints[4096];

static void complain(void *ctx, const char *file, int line, const char *what)
{
	(void)ctx;
	size_t len = strlen(complaints);
	snprintf(complaints + len, sizeof complaints - len, "%s:%d: %s\n", strrchr(file, '/') + 1, line, what);
}

static struct help *read_ours(const char *language)
{
	struct help *help;
	struct error err = { 0 };
	char path[512];
	snprintf(path, sizeof path, "%s/config/help", getenv("top_srcdir"));
	complaints[0] = '\0';
	assert_int_equal(help_open(path, language, &values, complain, NULL, &help, &err), 0);
	assert_string_equal(complaints, "");
	return help;
}

static struct help *read_text(const char *text)
{
	struct help *help;
	struct error err = { 0 };
	write_file("cert", text);
	complaints[0] = '\0';
	assert_int_equal(help_open(folder, "xx", &values, complain, NULL, &help, &err), 0);
	return help;
}

static void complained(const char *what)
{
	if (strstr(complaints, what) == NULL)
		fail_msg("not complained of: %s\n%s", what, complaints);
}

static void an_entry_is_read_and_filled_in(void **state)
{
	(void)state;
	struct help *help = read_text("# A title\n\n## X1 **When**?\nkeywords: one two\nerrors: net-tls pin-locked\npages: home pay\n\nWithin {before}.\n\n1. `First`\n");
	assert_int_equal(help_count(help), 1);
	const struct help_entry *e = help_at(help, 0);
	assert_string_equal(e->title, "When?");
	assert_string_equal(e->body, "Within 1 个月.\n\n1. First");
	assert_ptr_equal(help_for_error(help, ERR_PIN_LOCKED), e);
	assert_null(help_for_error(help, ERR_PIN_LOW));
	assert_ptr_equal(help_for_page(help, "pay"), e);
	assert_null(help_for_page(help, "pa"));
	assert_ptr_equal(help_by_id(help, "X1"), e);
	assert_null(help_at(help, 1));
	help_free(&help);
}

static void what_is_wrong_is_told_with_its_line(void **state)
{
	static const char *const cases[][2] = {
		{ "text\n", "cert.md:1: text before" }, { "## X1\n\nbody\n", "cert.md:1: a heading" }, { "## X1 q\nwhat: x\n\nbody\n", "cert.md:2: after a heading" },
		{ "## X1 q\n\n", "cert.md:1: an entry without" }, { "## X1 q\n\na\n## X1 r\n\nb\n", "cert.md:4: this id" }, { "## X1 q\n\n{nothing}\n", "cert.md:3: no such value" },
		{ "## X1 q\n\nwidth \xe2\x80\x94 here\n", "cert.md:3: a character whose width" }, { "## X1 q\n\n| a | b |\n", "cert.md:3: Markdown" },
		{ "## X1 q\nkeywords: a\nkeywords: b\n\nx\n", "cert.md:3: said twice" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct help *help = read_text(cases[i][0]);
		complained(cases[i][1]);
		help_free(&help);
	}
}

static void escapes_do_not_come_through(void **state)
{
	(void)state;
	struct help *help = read_text("## X1 a\033[2Jb\xe2\x80\xae\nkeywords: k\n\n\033]0;x\007body\xc2\x9b\n");
	assert_string_equal(help_at(help, 0)->title, "a[2Jb");
	assert_string_equal(help_at(help, 0)->body, "]0;xbody");
	help_free(&help);
	struct error err;
	assert_int_equal(help_open("/nonexistent", "xx", NULL, NULL, NULL, &help, &err), ERR_FILE);
	assert_null(help);
}

static void first_is(const struct help *help, const char *query, const char *id)
{
	struct help_hit hits[8];
	size_t n = help_search(help, query, hits, 8);
	if (n == 0 || strcmp(help_at(help, hits[0].index)->id, id) != 0)
		fail_msg("%s: first is %s, wanted %s", query, n > 0 ? help_at(help, hits[0].index)->id : "nothing", id);
}

static void the_question_meant_comes_first(void **state)
{
	static const char *const wanted[][2] = {
		{ "zsgx", "P01" }, { "证书更新", "P01" }, { "投标", "C07" }, { "pin 忘", "Q10" }, { "PIN 锁", "Q10" }, { "ＰＩＮ 会变", "C05" }, { "fpcx", "P08" },
		{ "zhifu", "" }, { "ewm", "Q03" }, { "二维码 扫不出", "Q05" }, { "pcscd", "D07" }, { "udev", "D09" }, { "税号", "Q08" }, { "初始化 写保护", "D10" },
		{ "wljc", "" }, { "hjjc", "P02" }, { "yzm", "Q18" },
	};
	(void)state;
	struct help *help = read_ours("zh_CN");
	struct help_hit hits[4];
	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
		if (*wanted[i][1] != '\0')
			first_is(help, wanted[i][0], wanted[i][1]);
		else
			assert_int_equal(help_search(help, wanted[i][0], hits, 4), 0);
	assert_int_equal(help_search(help, "   ", hits, 4), 0);
	assert_int_equal(help_search(help, "没有这样的词xyzzy", hits, 4), 0);
	help_free(&help);
	help = read_ours("en");
	first_is(help, "bid", "C07");
	first_is(help, "forgotten pin", "Q10");
	help_free(&help);
}

static void initials_know_all_readings(void **state)
{
	static const char *const good[][2] = { { "银行", "yh" }, { "银行", "yx" }, { "长春", "cc" }, { "长春", "zc" }, { "音乐", "yy" }, { "快乐", "kl" }, { "重新检测", "cxjc" },
		{ "更新", "gx" }, { "厦门", "xm" }, { "大厦", "ds" }, { "证书（更新）", "zsgx" }, { "PIN 码", "pinm" }, { "扫 2 维码", "s2wm" } };
	static const char *const bad[][2] = { { "银行", "yk" }, { "证书", "sz" }, { "证书", "zsg" }, { "", "a" }, { "证书", "" } };
	size_t at, len;
	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		assert_true(pinyin_find(good[i][0], good[i][1], &at, &len));
		assert_true(at + len <= strlen(good[i][0]));
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(pinyin_find(bad[i][0], bad[i][1], &at, &len));
	assert_true(pinyin_find("请看证书更新", "zsgx", &at, &len));
	assert_int_equal(at, strlen("请看"));
	assert_int_equal(len, strlen("证书更新"));
}

static void what_is_found_is_marked(void **state)
{
	struct help_hit hit;
	(void)state;
	struct help *help = read_text("## X1 How to 更新 it\n\nbody\n");
	assert_int_equal(help_search(help, "gx", &hit, 1), 1);
	assert_memory_equal(help_at(help, 0)->title + hit.mark_at, "更新", hit.mark_len);
	assert_int_equal(hit.mark_len, strlen("更新"));
	assert_int_equal(help_search(help, "BODY", &hit, 1), 1);
	assert_int_equal(hit.mark_len, 0);
	help_free(&help);
}

static void two_thousand_are_as_two(void **state)
{
	struct help_hit hits[2000];
	char *text = malloc(2000 * 64), *at = text;
	(void)state;
	assert_non_null(text);
	for (int i = 0; i < 2000; i++)
		at += sprintf(at, "## X%d 问题%d号\nkeywords: k%d\n\nbody %d\n", i, i, i, i);
	struct help *help = read_text(text);
	assert_int_equal(help_count(help), 2000);
	assert_int_equal(help_search(help, "wt", hits, 2000), 2000);
	assert_int_equal(help_search(help, "k1999", hits, 2000), 1);
	assert_int_equal(hits[0].index, 1999);
	help_free(&help);
	free(text);
}

static void every_error_has_a_question(void **state)
{
	static const char *const languages[] = { "zh_CN", "en" };
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct help *help = read_ours(languages[i]);
		for (int code = ERR_OK + 1; code < ERR_COUNT; code++)
			if (help_for_error(help, (enum error_code)code) == NULL)
				fail_msg("%s: no question answers %s", languages[i], error_name((enum error_code)code));
		for (size_t n = 0; n < help_count(help); n++)
			assert_null(strchr(help_at(help, n)->body, '{'));
		help_free(&help);
	}
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) != NULL ? 0 : -1;
}

static int remove_folder(void **state)
{
	char command[128];
	(void)state;
	snprintf(command, sizeof command, "rm -rf %s", folder);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_entry_is_read_and_filled_in), cmocka_unit_test(what_is_wrong_is_told_with_its_line), cmocka_unit_test(escapes_do_not_come_through),
		cmocka_unit_test(the_question_meant_comes_first), cmocka_unit_test(initials_know_all_readings), cmocka_unit_test(what_is_found_is_marked),
		cmocka_unit_test(two_thousand_are_as_two), cmocka_unit_test(every_error_has_a_question),
	};
	return cmocka_run_group_tests_name("help", tests, make_folder, remove_folder);
}
