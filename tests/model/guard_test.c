#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <certhall/chat.h>

static void becomes(const char *text, const char *wanted)
{
	char copy[CHAT_TEXT];
	snprintf(copy, sizeof copy, "%s", text);
	assert_true(chat_guard(copy));
	assert_string_equal(copy, wanted);
}

static void refused(const char *text)
{
	char copy[CHAT_TEXT];
	snprintf(copy, sizeof copy, "%s", text);
	if (chat_guard(copy))
		fail_msg("not refused: %s", text);
}

static void phones_and_identities_are_masked(void **state)
{
	(void)state;
	becomes("13800000000", "138****0000");
	becomes("打 138 0000 0000 或 138-0000-0000", "打 138 **** 0000 或 138-****-0000");
	becomes("１３８００００００００", "138****0000");
	becomes("11010519491231002X", "110105********002X");
	becomes("号码110105194912310020。", "号码110105********0020。");
	becomes("两个：13800000000，13900000001", "两个：138****0000，139****0001");
}

static void other_numbers_stay(void **state)
{
	(void)state;
	becomes("AZT112217NR3QT", "AZT112217NR3QT");
	becomes("发票 26142000000000012345", "发票 26142000000000012345");
	becomes("91140100MA0KTEST0X", "91140100MA0KTEST0X");
	becomes("0351-1234567", "0351-1234567");
	becomes("12800000000", "12800000000");
	becomes("a13800000000", "a13800000000");
	becomes("2026 年 11 月 28 日", "2026 年 11 月 28 日");
	becomes("", "");
}

static void what_looks_like_a_pin_is_refused(void **state)
{
	(void)state;
	const char *const texts[] = { "123456", " 12345678 \n", "１２３４５６", "PIN 1234", "我的pin码是 88888888", "口令：ab12", "密码为 a1b2c3", "password: 0000",
		"旧的不行，密码=123456 也不行", "my passcode is 9876" };
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		refused(texts[i]);
}

static void talk_about_pins_is_not(void **state)
{
	(void)state;
	const char *const texts[] = { "PIN 输错 3 次了", "密码忘了怎么办", "shipping 1234", "PIN 有几位？4 到 8 位吗", "忘记口令，要去柜台吗", "12345", "123456789", "spin 1234" };
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		becomes(texts[i], texts[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(phones_and_identities_are_masked), cmocka_unit_test(other_numbers_stay),
		cmocka_unit_test(what_looks_like_a_pin_is_refused), cmocka_unit_test(talk_about_pins_is_not) };
	return cmocka_run_group_tests_name("guard", tests, NULL, NULL);
}
