/* The help centre's content: read, filled in, looked up, searched; and what is not as it should be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <certhall/file.h>
#include <certhall/help.h>
#include <certhall/pki.h>

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

/* ---- the hall's bundle ---- */

static int64_t now; /* within the certificates' time */
static char signer[300], signer_key[300], stranger[300], stranger_key[300];

static void make_pair(const char *name, char *certificate, char *key)
{
	char command[900];
	snprintf(certificate, 300, "%s/%s.pem", folder, name);
	snprintf(key, 300, "%s/%s.key", folder, name);
	snprintf(command, sizeof command, "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
		"-subj /CN=%s -keyout %s -out %s 2>%s/said && chmod 600 %s", name, key, certificate, folder, key);
	assert_int_equal(system(command), 0);
}

/* The signed form of a bundle of one text. */
static struct signed_manifest sign_bundle(const char *language, const char *name, const char *text, int64_t issued, const char *key)
{
	struct help_bundle bundle = { .issued = issued, .files_count = 1, .version = "0123" };
	struct signed_manifest signed_manifest = { 0 };
	struct error err;
	snprintf(bundle.language, sizeof bundle.language, "%s", language);
	snprintf(bundle.files[0].name, sizeof bundle.files[0].name, "%s", name);
	bundle.files[0].text = strdup(text);
	char *manifest = codec_text(help_bundle_codec, &bundle);
	assert_non_null(manifest);
	assert_int_equal(bytes_set(&signed_manifest.manifest, manifest, strlen(manifest)), 0);
	assert_int_equal(cms_sign_with(key == signer_key ? signer : stranger, key, manifest, strlen(manifest), &signed_manifest.signature, &err), 0);
	free(manifest);
	codec_free(help_bundle_codec, &bundle);
	return signed_manifest;
}

static int keep(const char *language, const char *name, const char *text, int64_t issued)
{
	struct error err;
	struct signed_manifest made = sign_bundle(language, name, text, issued, signer_key);
	int code = help_keep(&made, "zh_CN", signer, now, &err);
	codec_free(signed_manifest_codec, &made);
	return code;
}

/* What is kept, opened; NULL: nothing is. */
static struct help *open_kept(void)
{
	struct help_bundle bundle;
	struct help *help = NULL;
	struct error err;
	if (help_kept_read("zh_CN", signer, &bundle, &err) != 0)
		return NULL;
	assert_int_equal(help_open_bundle(&bundle, &values, &help, &err), 0);
	codec_free(help_bundle_codec, &bundle);
	return help;
}

static void kept_is(const char *body)
{
	struct help *help = open_kept();
	assert_non_null(help);
	assert_string_equal(help_at(help, 0)->body, body);
	help_free(&help);
}

static void a_bundle_is_kept_and_nothing_takes_its_place_but_a_newer_one(void **state)
{
	(void)state;
	assert_null(open_kept());
	assert_int_equal(keep("zh_CN", "cert.md", "## X1 q\n\nfirst {before}\n", now - 100), 0);
	kept_is("first 1 个月");
	assert_int_equal(keep("zh_CN", "cert.md", "## X1 q\n\nolder\n", now - 101), ERR_NET_PROTOCOL);
	assert_int_equal(keep("zh_CN", "cert.md", "## X1 q\n\nfuture\n", now + 86400), ERR_NET_PROTOCOL);
	assert_int_equal(keep("en", "cert.md", "## X1 q\n\nlanguage\n", now), ERR_NET_PROTOCOL);
	assert_int_equal(keep("../en", "cert.md", "## X1 q\n\nlanguage\n", now), ERR_NET_PROTOCOL);
	assert_int_equal(keep("zh_CN", "../../cert.md", "## X1 q\n\nname\n", now), ERR_NET_PROTOCOL);
	assert_int_equal(keep("zh_CN", "/etc/passwd", "## X1 q\n\nname\n", now), ERR_NET_PROTOCOL);
	kept_is("first 1 个月");
	assert_int_equal(keep("zh_CN", "cert.md", "## X1 q\n\nsame moment\n", now - 100), 0);
	assert_int_equal(keep("zh_CN", "cert.md", "## X1 q\n\nnewer\n", now - 50), 0);
	kept_is("newer");
}

static void what_somebody_else_signed_counts_as_none(void **state)
{
	struct signed_manifest made = sign_bundle("zh_CN", "cert.md", "## X1 q\n\nstranger's\n", now, stranger_key);
	struct help_bundle bundle;
	struct error err;
	char path[400];
	(void)state;
	assert_int_equal(help_kept_read("zh_CN", stranger, &bundle, &err), ERR_NOT_FOUND);
	char *text = codec_text(signed_manifest_codec, &made);
	snprintf(path, sizeof path, "%s/certhall/help/zh_CN.json", folder);
	assert_int_equal(file_replace(path, text, strlen(text), &err), 0);
	assert_null(open_kept());
	assert_int_equal(file_replace(path, text, strlen(text) / 2, &err), 0);
	assert_null(open_kept());
	assert_int_equal(keep("zh_CN", "cert.md", "## X1 q\n\nagain\n", now - 90), 0); /* what is not in order keeps nothing out */
	kept_is("again");
	free(text);
	codec_free(signed_manifest_codec, &made);
}

static void a_hostile_bundle_does_no_harm(void **state)
{
	static const char *const hidden = "## X1 a\033[2Jb\xe2\x80\xae\nkeywords: \033]0;k\007\n\nbody\xc2\x9b\033[31m\n";
	(void)state;
	assert_int_equal(keep("zh_CN", "cert.md", hidden, now), 0);
	struct help *help = open_kept();
	assert_string_equal(help_at(help, 0)->title, "a[2Jb");
	assert_string_equal(help_at(help, 0)->keywords, "]0;k");
	assert_string_equal(help_at(help, 0)->body, "body[31m");
	help_free(&help);
	char *large = malloc(MODEL_HELP_TEXT + 2);
	assert_non_null(large);
	memset(large, 'x', MODEL_HELP_TEXT + 1);
	large[MODEL_HELP_TEXT + 1] = '\0';
	assert_int_equal(keep("zh_CN", "cert.md", large, now), ERR_INVALID_FIELD);
	memcpy(large, "## X1 q\n\n", 9); /* one line of a quarter of a megabyte */
	large[MODEL_HELP_TEXT - 1] = '\0';
	assert_int_equal(keep("zh_CN", "cert.md", large, now), 0);
	help = open_kept();
	assert_true(strlen(help_at(help, 0)->body) < 2048);
	help_free(&help);
	char *at = large;
	for (int i = 0; i < 20000; i++)
		at += sprintf(at, "## X q\n");
	assert_int_equal(keep("zh_CN", "cert.md", large, now), ERR_NET_PROTOCOL); /* twenty thousand are more than there may be */
	large[9999 * strlen("## X q\n")] = '\0';
	assert_int_equal(keep("zh_CN", "cert.md", large, now), 0);
	help = open_kept();
	assert_int_equal(help_count(help), 9999);
	help_free(&help);
	free(large);
}

static void one_that_is_held_stays(void **state)
{
	(void)state;
	struct help *help = read_text("## X1 q\n\nbody\n"), *held = help_hold(help);
	help_free(&help);
	assert_null(help);
	assert_string_equal(help_at(held, 0)->body, "body");
	help_free(&held);
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
	if (mkdtemp(folder) == NULL || setenv("XDG_DATA_HOME", folder, 1) != 0)
		return -1;
	now = time(NULL) + 3600;
	make_pair("signer", signer, signer_key);
	make_pair("stranger", stranger, stranger_key);
	return 0;
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
		cmocka_unit_test(a_bundle_is_kept_and_nothing_takes_its_place_but_a_newer_one), cmocka_unit_test(what_somebody_else_signed_counts_as_none),
		cmocka_unit_test(a_hostile_bundle_does_no_harm), cmocka_unit_test(one_that_is_held_stays),
	};
	return cmocka_run_group_tests_name("help", tests, make_folder, remove_folder);
}
