/* The ChinaUMS driver without a gateway: signatures, settings, notifications. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "service/payment/chinaums.h"

static const char good_settings[] =
	"payment = { driver = \"chinaums\"; transport = \"legacy\"; url = \"http://127.0.0.1:1/netpay-route-server/api/\";"
	" mid = \"000000000000001\"; tid = \"00000001\"; source_id = \"1017\"; msg_src = \"WWW.CERTHALL.TEST\";"
	" key = \"sandbox-key-not-secret\"; app_id = \"demoapp\"; app_key = \"demokey\"; sign_type = \"SHA256\";"
	" notify_url = \"https://hall.test/notify\"; sandbox = true; };";

static int open_with(const char *text, struct payment **out, struct error *err)
{
	config_t config;
	config_init(&config);
	assert_int_equal(config_read_string(&config, text), CONFIG_TRUE);
	int rc = payment_open(config_lookup(&config, "payment"), out, err);
	config_destroy(&config);
	return rc;
}

/* The good settings with one text in them replaced. */
static int open_changed(const char *from, const char *to, struct payment **out, struct error *err)
{
	char text[1200];
	const char *at = strstr(good_settings, from);
	assert_non_null(at);
	snprintf(text, sizeof text, "%.*s%s%s", (int)(at - good_settings), good_settings, to, at + strlen(from));
	return open_with(text, out, err);
}

static struct payment *opened(void)
{
	struct payment *payment;
	struct error err = { 0 };
	assert_int_equal(open_with(good_settings, &payment, &err), 0);
	return payment;
}

static void signatures_meet_the_vectors(void **state)
{
	(void)state;
	struct chinaums_field fields[] = { { (char[]) { "totalAmount" }, (char[]) { "1" } }, { (char[]) { "tid" }, (char[]) { "00000000" } },
		{ (char[]) { "requestTimestamp" }, (char[]) { "2025-01-02 03:04:05" } }, { (char[]) { "sign" }, (char[]) { "left out" } },
		{ (char[]) { "msgType" }, (char[]) { "bills.getQRCode" } }, { (char[]) { "msgSrc" }, (char[]) { "WWW.TEST.COM" } },
		{ (char[]) { "mid" }, (char[]) { "000000000000000" } }, { (char[]) { "memo" }, (char[]) { "" } },
		{ (char[]) { "instMid" }, (char[]) { "QRPAYDEFAULT" } }, { (char[]) { "billNo" }, (char[]) { "1017AZT112217NR3QT" } },
		{ (char[]) { "billDate" }, (char[]) { "2025-01-02" } } };
	size_t count = sizeof fields / sizeof *fields;
	char out[65];
	assert_int_equal(chinaums_sign_fields(fields, count, "sandbox-key-not-secret", CHINAUMS_MD5, out), 0);
	assert_string_equal(out, "2972E81F3A115819CFB76DC8C81D15FE");
	assert_int_equal(chinaums_sign_fields(fields, count, "sandbox-key-not-secret", CHINAUMS_SHA256, out), 0);
	assert_string_equal(out, "DA5120EF26AE9A7F6B8EA1F4EDF0297156372F7C8B813F6E854C1EAA3A1B398A");
	assert_int_equal(
		chinaums_sign_body("demoapp", "demokey", "20250102030405", "0123456789abcdef0123456789abcdef", "{\"a\":1}", 7, out), 0);
	assert_string_equal(out, "OqoAo7cRFG6v/tt9hE0sKSO9AsqTJhb/6cSpREVpCLE=");
}

static void nested_members_are_signed_as_json(void **state)
{
	(void)state;
	json_object *object = json_tokener_parse("{\"b\":[{\"n\":\"\u8bc1/\u4e66\",\"p\":1}],\"a\":true,\"c\":null}");
	struct chinaums_field fields[] = { { (char[]) { "a" }, (char[]) { "true" } },
		{ (char[]) { "b" }, (char[]) { "[{\"n\":\"\u8bc1/\u4e66\",\"p\":1}]" } } };
	char one[65], other[65];
	assert_int_equal(chinaums_sign_object(object, "k", CHINAUMS_SHA256, one), 0);
	assert_int_equal(chinaums_sign_fields(fields, 2, "k", CHINAUMS_SHA256, other), 0);
	assert_string_equal(one, other);
	json_object_put(object);
}

static void settings_are_checked(void **state)
{
	(void)state;
	static const struct {
		const char *from, *to, *param;
	} wrong[] = {
		{ "\"chinaums\"", "\"other\"", "payment.driver" },
		{ "\"legacy\"", "\"pigeon\"", "payment.transport" },
		{ "\"SHA256\"", "\"SM3\"", "payment.sign_type" },
		{ "\"000000000000001\"", "\"1\"", "payment.mid" },
		{ "tid = \"00000001\";", "", "payment.tid" },
		{ "\"1017\"", "\"10170\"", "payment.source_id" },
		{ "\"sandbox-key-not-secret\"", "\"\"", "payment.key" },
		{ "msg_src = \"WWW.CERTHALL.TEST\";", "", "payment.msg_src" },
		{ "http://127.0.0.1:1/", "no address", "payment.url" },
		{ "http://127.0.0.1:1/", "ftp://127.0.0.1/", "payment.url" },
		{ "http://127.0.0.1:1/", "https://user@127.0.0.1/", "payment.url" },
		{ "sandbox = true", "sandbox = false", "payment.url" },
		{ "http://127.0.0.1:1/", "https://qr.chinaums.com/", "payment.sandbox" },
		{ "sandbox = true", "sandbox = true; timeout_ms = 1", "payment.timeout_ms" },
		{ "sandbox = true", "sandbox = true; qr_hosts = [ 1 ]", "payment.qr_hosts" },
	};
	struct payment *payment;
	struct error err;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		err = (struct error){ 0 };
		assert_int_equal(open_changed(wrong[i].from, wrong[i].to, &payment, &err), ERR_CONFIG);
		assert_string_equal(err.param, wrong[i].param);
		assert_null(payment);
		assert_null(strstr(err.detail, "sandbox-key"));
	}
	assert_int_equal(payment_open(NULL, &payment, &err), ERR_CONFIG);
	payment = opened();
	assert_true(payment_is_sandbox(payment));
	payment_free(&payment);
	assert_null(payment);
}

static void a_real_gateway_cannot_be_told_to_pay(void **state)
{
	(void)state;
	struct payment *payment;
	struct error err = { 0 };
	struct payment_bill bill = { .bill_no = "1017AZT112217NR3QT01" };
	assert_int_equal(open_with("payment = { driver = \"chinaums\"; url = \"https://qr.chinaums.com/netpay-route-server/api/\";"
				   " mid = \"000000000000001\"; tid = \"00000001\"; source_id = \"1017\"; msg_src = \"WWW.CERTHALL.TEST\";"
				   " key = \"sandbox-key-not-secret\"; notify_url = \"https://hall.test/notify\"; };",
				 &payment, &err), 0);
	assert_false(payment_is_sandbox(payment));
	assert_int_equal(payment_sandbox_pay(payment, &bill, &err), ERR_METHOD_NOT_ALLOWED);
	payment_free(&payment);
}

static void codes_lead_to_known_hosts_only(void **state)
{
	(void)state;
	struct payment *payment;
	struct error err = { 0 };
	assert_int_equal(open_changed("sandbox = true", "sandbox = true; qr_hosts = [ \"qr.pay.test\" ]", &payment, &err), 0);
	struct chinaums *ums = (struct chinaums *)payment;
	assert_true(chinaums_settings_allow(ums, "http://qr.pay.test/bills/qrCode.do?id=1"));
	assert_true(chinaums_settings_allow(ums, "https://QR.pay.test:8443/x"));
	static const char *const bad[] = { "https://other.test/x", "https://qr.pay.test@other.test/x", "https://qr.pay.test.other.test/",
		"javascript:alert(1)", "ftp://qr.pay.test/", "//qr.pay.test/", "https://qr.pay.test/\x1b[2J", "https://qr.pay.test/a b",
		"https://qr.pay.test/\u8bc1", "" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(chinaums_settings_allow(ums, bad[i]));
	char longest[400] = "https://qr.pay.test/";
	memset(longest + strlen(longest), 'a', 300);
	assert_false(chinaums_settings_allow(ums, longest));
	ums->base.sandbox = false;
	assert_false(chinaums_settings_allow(ums, "http://qr.pay.test/"));
	assert_true(chinaums_settings_allow(ums, "https://qr.pay.test/"));
	payment_free(&payment);
}

static void numbers_are_the_same_every_time(void **state)
{
	(void)state;
	struct payment *payment = opened();
	char no[PAYMENT_NO_SIZE], other[PAYMENT_NO_SIZE];
	assert_int_equal(payment_make_bill_no(payment, "AZT112217NR3QT", 1, no, NULL), 0);
	assert_string_equal(no, "1017AZT112217NR3QT01");
	assert_int_equal(payment_make_bill_no(payment, "AZT112217NR3QT", 99, other, NULL), 0);
	assert_string_equal(other, "1017AZT112217NR3QT99");
	assert_int_equal(payment_make_refund_no(payment, no, 1, other, NULL), 0);
	assert_string_equal(other, "1017AZT112217NR3QT01R1");
	assert_int_equal(payment_make_bill_no(payment, "AZT112217NR3QT", 0, no, NULL), ERR_BAD_INPUT);
	assert_int_equal(payment_make_bill_no(payment, "AZT112217NR3QT", 100, no, NULL), ERR_BAD_INPUT);
	assert_int_equal(payment_make_bill_no(payment, "AZT-1", 1, no, NULL), ERR_BAD_INPUT);
	assert_int_equal(payment_make_bill_no(payment, "AZT112217NR3QTAZT112217NR3QT", 1, no, NULL), ERR_BAD_INPUT);
	assert_int_equal(payment_make_refund_no(payment, "1017AZT112217NR3QT01", 10, no, NULL), ERR_BAD_INPUT);
	payment_free(&payment);
}

static void moments_and_amounts_are_read_strictly(void **state)
{
	(void)state;
	assert_int_equal(chinaums_read_moment("2026-11-22 23:34:33"), 1795361673);
	assert_int_equal(chinaums_read_moment("1970-01-01 08:00:01"), 1);
	assert_int_equal(chinaums_read_moment("2026-11-22T23:34:33"), 0);
	assert_int_equal(chinaums_read_moment("2026-11-22 23:34:33 "), 0);
	assert_int_equal(chinaums_read_fen("20000"), 20000);
	static const char *const bad[] = { "", "-1", "1.00", " 1", "1e3", "9999999999999999" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(chinaums_read_fen(bad[i]), -1);
	static const char *const no_object[] = { "", "[]", "1", "{\"a\":1}x", "{\"a\":1", "{\"a\":\"\xff\"}" };
	for (size_t i = 0; i < sizeof no_object / sizeof *no_object; i++)
		assert_null(chinaums_read_json(no_object[i], strlen(no_object[i])));
	assert_null(chinaums_read_json("{\"a\":1}\0{}", 10));
}

static void result_of(const char *status, int64_t amount, const char *payment, struct payment_result *out)
{
	json_object *object = json_tokener_parse(payment);
	chinaums_read_result(status, amount, object, out);
	json_object_put(object);
}

static void states_are_never_guessed(void **state)
{
	(void)state;
	struct payment_result r;
	result_of("PAID", 20000, "{\"totalAmount\":20000,\"invoiceAmount\":19500,\"payTime\":\"2026-11-22 23:34:33\","
		"\"targetSys\":\"WXPay\",\"targetOrderId\":\"T1\",\"status\":\"TRADE_SUCCESS\"}", &r);
	assert_int_equal(r.status, PAYMENT_PAID);
	assert_int_equal(r.amount_fen, 20000);
	assert_int_equal(r.invoice_fen, 19500);
	assert_int_equal(r.paid_at, 1795361673);
	assert_string_equal(r.wallet, "WXPay");
	assert_string_equal(r.transaction, "T1");
	result_of("PAID", 20000, "{}", &r);
	assert_int_equal(r.status, PAYMENT_PAID);
	assert_int_equal(r.invoice_fen, 20000);
	result_of("PAID", 20000, "{\"totalAmount\":1}", &r);
	assert_int_equal(r.amount_fen, 1);
	assert_int_equal(r.told_fen, 20000);
	result_of("PAID", 1, "{\"totalAmount\":20000}", &r);
	assert_int_equal(r.amount_fen, 20000);
	assert_int_equal(r.told_fen, 1);
	result_of("PAID", -1, "{\"totalAmount\":20000}", &r);
	assert_int_equal(r.status, PAYMENT_UNKNOWN);
	result_of("PAID", 20000, "{\"status\":\"WAIT_BUYER_PAY\"}", &r);
	assert_int_equal(r.status, PAYMENT_UNKNOWN);
	result_of("paid", 20000, "{}", &r);
	assert_int_equal(r.status, PAYMENT_UNKNOWN);
	result_of("", 20000, "{}", &r);
	assert_int_equal(r.status, PAYMENT_UNKNOWN);
	result_of("UNPAID", 20000, "{}", &r);
	assert_int_equal(r.status, PAYMENT_UNPAID);
	assert_int_equal(r.amount_fen, 0);
	result_of("CLOSED", 20000, "{}", &r);
	assert_int_equal(r.status, PAYMENT_CLOSED);
	result_of("REFUND", 20000, "{\"status\":\"TRADE_REFUND\"}", &r);
	assert_int_equal(r.status, PAYMENT_REFUNDED);
}

/* Signed by hand: printf %s 'billDate=...<key>' | sha256sum, in upper case; memo is empty, unheardOf not known to us. */
#define NOTICE_FIELDS \
	"billDate=2026-11-22&billDesc=%E8%AF%81%E4%B9%A6+%26+%2B&billNo=1017AZT112217NR3QT01" \
	"&billPayment=%7B%22payTime%22%3A%222026-11-22+23%3A34%3A33%22%2C%22targetSys%22%3A%22UAC%22%2C%22totalAmount%22%3A20000%7D" \
	"&billStatus=PAID&instMid=QRPAYDEFAULT&memo=&mid=000000000000001&tid=00000001&totalAmount=20000&unheardOf=x%3Dy"
#define NOTICE_SHA256 "&signType=SHA256&sign=FAE501A7327B201AD61C3293269455E4F92384F2C762C24D6139B3526D05BCCC"
#define NOTICE_MD5 "&sign=6CC1647F2B7CD00B7268FC9E59D3A3FB"

static int notify(struct payment *payment, const char *body, char *bill_no, struct payment_result *out)
{
	struct error err = { 0 };
	return payment_notify(payment, body, strlen(body), bill_no, out, &err);
}

static void a_notice_is_read_and_verified(void **state)
{
	(void)state;
	struct payment *payment = opened();
	char bill_no[PAYMENT_NO_SIZE];
	struct payment_result r;
	assert_int_equal(notify(payment, NOTICE_FIELDS NOTICE_SHA256, bill_no, &r), 0);
	assert_string_equal(bill_no, "1017AZT112217NR3QT01");
	assert_int_equal(r.status, PAYMENT_PAID);
	assert_int_equal(r.amount_fen, 20000);
	assert_int_equal(r.paid_at, 1795361673);
	assert_string_equal(r.wallet, "UAC");
	assert_string_equal(payment_notify_answer(payment, true), "SUCCESS");
	assert_string_equal(payment_notify_answer(payment, false), "FAILED");
	payment_free(&payment);
}

static void a_weaker_digest_is_only_taken_when_agreed_upon(void **state)
{
	(void)state;
	struct payment *payment = opened();
	char bill_no[PAYMENT_NO_SIZE];
	struct payment_result r;
	assert_int_equal(notify(payment, NOTICE_FIELDS NOTICE_MD5, bill_no, &r), ERR_BAD_INPUT);
	payment_free(&payment);
	struct error err = { 0 };
	assert_int_equal(open_changed("\"SHA256\"", "\"MD5\"", &payment, &err), 0);
	assert_int_equal(notify(payment, NOTICE_FIELDS NOTICE_MD5, bill_no, &r), 0);
	assert_int_equal(notify(payment, NOTICE_FIELDS NOTICE_SHA256, bill_no, &r), 0);
	payment_free(&payment);
}

static void every_change_of_a_notice_is_noticed(void **state)
{
	(void)state;
	static const char good[] = NOTICE_FIELDS NOTICE_SHA256;
	struct payment *payment = opened();
	char bill_no[PAYMENT_NO_SIZE], body[sizeof good + 64];
	struct payment_result r;
	size_t memo = (size_t)(strstr(good, "memo=") - good);
	for (size_t i = 0; i < strlen(good); i++) {
		strcpy(body, good);
		body[i] = body[i] == '1' ? '2' : '1';
		if (i >= memo && i < memo + strlen("memo"))
			continue; /* an empty field is not signed: its name may be anything */
		int rc = notify(payment, body, bill_no, &r);
		assert_int_equal(rc, ERR_BAD_INPUT);
		assert_string_equal(bill_no, "");
		assert_int_equal(r.status, PAYMENT_UNKNOWN);
	}
	static const char *const tails[] = { "&totalAmount=1", "&extra=1", "&=1", "&x", "&x=%", "&x=%4", "&x=%zz", "&x=%00", "&x=%FF" };
	for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
		snprintf(body, sizeof body, "%s%s", good, tails[i]);
		assert_int_equal(notify(payment, body, bill_no, &r), ERR_BAD_INPUT);
	}
	snprintf(body, sizeof body, "%s&empty=", good);
	assert_int_equal(notify(payment, body, bill_no, &r), 0);
	static const char *const bodies[] = { "", "&", "=", "sign=", "sign=A&sign=A", NOTICE_FIELDS, NOTICE_FIELDS "&sign=" };
	for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
		assert_int_equal(notify(payment, bodies[i], bill_no, &r), ERR_BAD_INPUT);
	struct error err = { 0 };
	assert_int_equal(payment_notify(payment, "a=1\0b", 5, bill_no, &r, &err), ERR_BAD_INPUT);
	char *large = calloc(1, 70000);
	memset(large, 'a', 69999);
	assert_int_equal(payment_notify(payment, large, 69999, bill_no, &r, &err), ERR_TOO_LARGE);
	free(large);
	char many[1000] = "a=1";
	for (int i = 0; i < 150; i++)
		snprintf(many + strlen(many), sizeof many - strlen(many), "&b%d=", i);
	assert_int_equal(notify(payment, many, bill_no, &r), ERR_BAD_INPUT);
	payment_free(&payment);
}

/* Well signed, but not for us. */
static int signed_notice(const char *bill_no_given, const char *mid, const char *payment_text, struct payment_result *r)
{
	struct payment *payment = opened();
	char no[PAYMENT_NO_SIZE], sign[65], body[700];
	struct chinaums_field fields[] = { { (char[]) { "billNo" }, (char *)(uintptr_t)bill_no_given },
		{ (char[]) { "billPayment" }, (char *)(uintptr_t)payment_text }, { (char[]) { "billStatus" }, (char[]) { "PAID" } },
		{ (char[]) { "mid" }, (char *)(uintptr_t)mid }, { (char[]) { "tid" }, (char[]) { "00000001" } },
		{ (char[]) { "totalAmount" }, (char[]) { "5" } } };
	assert_int_equal(chinaums_sign_fields(fields, 6, "sandbox-key-not-secret", CHINAUMS_SHA256, sign), 0);
	snprintf(body, sizeof body, "billNo=%s&billPayment=%s&billStatus=PAID&mid=%s&tid=00000001&totalAmount=5&sign=%s", bill_no_given,
		payment_text, mid, sign);
	int rc = notify(payment, body, no, r);
	payment_free(&payment);
	return rc;
}

static void a_notice_for_another_merchant_is_refused(void **state)
{
	(void)state;
	struct payment_result r;
	assert_int_equal(signed_notice("1017A1", "000000000000001", "{}", &r), 0);
	assert_int_equal(r.status, PAYMENT_PAID);
	assert_int_equal(r.amount_fen, 5);
	assert_int_equal(signed_notice("1017A1", "000000000000002", "{}", &r), ERR_BAD_INPUT);
	assert_int_equal(signed_notice("2017A1", "000000000000001", "{}", &r), ERR_BAD_INPUT);
	assert_int_equal(signed_notice("1017A1", "000000000000001", "{", &r), ERR_BAD_INPUT);
	char longest[100] = "1017";
	memset(longest + 4, '0', 80);
	assert_int_equal(signed_notice(longest, "000000000000001", "{}", &r), ERR_BAD_INPUT);
}

/* Signed over both, so that only the doubling itself gives it away. */
static void a_field_that_comes_twice_is_refused(void **state)
{
	(void)state;
	struct payment *payment = opened();
	struct chinaums_field fields[] = { { (char[]) { "billNo" }, (char[]) { "1017A1" } }, { (char[]) { "billStatus" }, (char[]) { "PAID" } },
		{ (char[]) { "mid" }, (char[]) { "000000000000001" } }, { (char[]) { "tid" }, (char[]) { "00000001" } },
		{ (char[]) { "totalAmount" }, (char[]) { "5" } }, { (char[]) { "totalAmount" }, (char[]) { "6" } } };
	char no[PAYMENT_NO_SIZE], sign[65], body[400];
	struct payment_result r;
	for (size_t count = 5; count <= 6; count++) {
		assert_int_equal(chinaums_sign_fields(fields, count, "sandbox-key-not-secret", CHINAUMS_SHA256, sign), 0);
		snprintf(body, sizeof body, "billNo=1017A1&billStatus=PAID&mid=000000000000001&tid=00000001&totalAmount=5%s&sign=%s",
			count == 6 ? "&totalAmount=6" : "", sign);
		assert_int_equal(notify(payment, body, no, &r), count == 5 ? 0 : ERR_BAD_INPUT);
	}
	payment_free(&payment);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signatures_meet_the_vectors),
		cmocka_unit_test(nested_members_are_signed_as_json),
		cmocka_unit_test(settings_are_checked),
		cmocka_unit_test(a_real_gateway_cannot_be_told_to_pay),
		cmocka_unit_test(codes_lead_to_known_hosts_only),
		cmocka_unit_test(numbers_are_the_same_every_time),
		cmocka_unit_test(moments_and_amounts_are_read_strictly),
		cmocka_unit_test(states_are_never_guessed),
		cmocka_unit_test(a_notice_is_read_and_verified),
		cmocka_unit_test(a_weaker_digest_is_only_taken_when_agreed_upon),
		cmocka_unit_test(every_change_of_a_notice_is_noticed),
		cmocka_unit_test(a_notice_for_another_merchant_is_refused),
		cmocka_unit_test(a_field_that_comes_twice_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
