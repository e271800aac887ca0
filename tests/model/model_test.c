/* Money, the renewal window, the confirm page's rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <certhall/clock.h>
#include <certhall/model.h>

static void money_is_written_as_on_invoices(void **state)
{
	static const struct { int64_t fen; const char *text, *capital; } rows[] = {
		{ 140950, "￥1409.50", "壹仟肆佰零玖圆伍角" },
		{ 600714, "￥6007.14", "陆仟零柒圆壹角肆分" },
		{ 1640902, "￥16409.02", "壹万陆仟肆佰零玖圆零贰分" },
		{ 32504, "￥325.04", "叁佰贰拾伍圆零肆分" },
		{ 1, "￥0.01", "壹分" },
		{ 10, "￥0.10", "壹角" },
		{ 50000, "￥500.00", "伍佰圆整" },
		{ 0, "￥0.00", "零圆整" },
		{ 1000000, "￥10000.00", "壹万圆整" },
		{ 1000100, "￥10001.00", "壹万零壹圆整" },
		{ 10001000000, "￥100010000.00", "壹亿零壹万圆整" },
		{ 10000000100, "￥100000001.00", "壹亿零壹圆整" },
		{ 1010000, "￥10100.00", "壹万零壹佰圆整" },
		{ 100000, "￥1000.00", "壹仟圆整" },
		{ 110500, "￥1105.00", "壹仟壹佰零伍圆整" },
		{ -38000, "-￥380.00", "（负数）叁佰捌拾圆整" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char out[160];
		assert_string_equal(money_text(rows[i].fen, out, sizeof out), rows[i].text);
		assert_string_equal(money_capital(rows[i].fen, out, sizeof out), rows[i].capital);
	}
}

static int64_t at(const char *text)
{
	int64_t t = 0;
	assert_int_equal(clock_parse_rfc3339(text, &t), 0);
	return t;
}

static void window_counts_calendar_months(void **state)
{
	const struct window window = { 1, 12 };
	int64_t begin = at("2025-12-15T00:00:00+08:00"), end = at("2026-12-15T23:59:59+08:00"), from, until;
	(void)state;
	static const struct { const char *now; enum standing standing; } rows[] = {
		{ "2025-12-14T23:59:59+08:00", STANDING_NOT_YET_VALID },
		{ "2026-11-15T23:59:58+08:00", STANDING_TOO_EARLY },
		{ "2026-11-15T23:59:59+08:00", STANDING_RENEWABLE },
		{ "2026-12-15T23:59:59+08:00", STANDING_RENEWABLE },
		{ "2026-12-16T00:00:00+08:00", STANDING_EXPIRED_RENEWABLE },
		{ "2027-12-15T23:59:59+08:00", STANDING_EXPIRED_RENEWABLE },
		{ "2027-12-16T00:00:00+08:00", STANDING_TOO_LATE },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_int_equal(window_standing(&window, begin, end, at(rows[i].now), &from, &until), rows[i].standing);
	assert_int_equal(from, at("2026-11-15T23:59:59+08:00"));
	assert_int_equal(until, at("2027-12-15T23:59:59+08:00"));
}

static void phone_numbers(void **state)
{
	static const struct { const char *in, *out; enum check_verdict verdict; } rows[] = {
		{ "１３８０００００００１", "13800000001", CHECK_GOOD },
		{ "+86 138-0000-0001", "13800000001", CHECK_GOOD },
		{ "0086 13800000001", "13800000001", CHECK_GOOD },
		{ "0351-1234567", "0351-1234567", CHECK_GOOD },
		{ "010-12345678-123", "010-12345678-123", CHECK_GOOD },
		{ "400-000-0000", "400-000-0000", CHECK_GOOD },
		{ "1380000000", "1380000000", CHECK_WRONG },
		{ "12800000001", "12800000001", CHECK_WRONG },
		{ "", "", CHECK_WRONG },
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char phone[40], say[256];
		strcpy(phone, rows[i].in);
		phone_normalize(phone, sizeof phone);
		assert_string_equal(phone, rows[i].out);
		assert_int_equal(check_phone(phone, say, sizeof say), rows[i].verdict);
	}
}

static struct applicant good(void)
{
	return (struct applicant){ .contact = "张样票", .phone = "13800000001", .title = "测试煤业有限公司（样票）",
		.tax_no = "91140100ma0teut14n", .email = "test@example.com" };
}

static void applicant_is_normalised_and_checked(void **state)
{
	struct applicant a = good();
	struct error err;
	(void)state;
	strcpy(a.address, "不要的地址");
	assert_int_equal(applicant_check(&a, &err), 0);
	assert_string_equal(a.tax_no, "91140100MA0TEUT14N");
	assert_string_equal(a.address, ""); /* 是否填写详细信息: 否 */
	strcpy(a.email, "nowhere");
	assert_int_equal(applicant_check(&a, &err), ERR_INVALID_FIELD);
	assert_string_equal(err.param, "email");
	a = good();
	strcpy(a.title, "<b>");
	assert_int_equal(applicant_check(&a, &err), ERR_INVALID_FIELD);
	assert_string_equal(err.param, "title");
}

static void title_is_measured_in_gbk_bytes(void **state)
{
	char title[320] = "", say[256];
	(void)state;
	for (int i = 0; i < 50; i++)
		strcat(title, "测");
	assert_int_equal(check_title(title, say, sizeof say), CHECK_GOOD);
	strcat(title, "a");
	assert_int_equal(check_title(title, say, sizeof say), CHECK_WRONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(money_is_written_as_on_invoices),
		cmocka_unit_test(window_counts_calendar_months),
		cmocka_unit_test(phone_numbers),
		cmocka_unit_test(applicant_is_normalised_and_checked),
		cmocka_unit_test(title_is_measured_in_gbk_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
