#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "bank/signing.h"

static const char request[] = "{\"totalAmount\":1,\"tid\":\"00000000\",\"requestTimestamp\":\"2025-01-02 03:04:05\","
	"\"msgType\":\"bills.getQRCode\",\"msgSrc\":\"WWW.TEST.COM\",\"mid\":\"000000000000000\",\"instMid\":\"QRPAYDEFAULT\","
	"\"srcReserve\":\"\",\"memo\":null,\"sign\":\"left out\",\"billNo\":\"1017AZT112217NR3QT\",\"billDate\":\"2025-01-02\"}";
static const char key[] = "sandbox-key-not-secret";

static void parameters_meet_the_vectors(void **state)
{
	(void)state;
	json_object *fields = json_tokener_parse(request);
	char sign[65];
	assert_true(signing_parameters(fields, key, "MD5", sign));
	assert_string_equal(sign, "2972E81F3A115819CFB76DC8C81D15FE");
	assert_true(signing_parameters(fields, key, "SHA256", sign));
	assert_string_equal(sign, "DA5120EF26AE9A7F6B8EA1F4EDF0297156372F7C8B813F6E854C1EAA3A1B398A");
	assert_false(signing_parameters(fields, key, "SM3", sign));
	json_object_object_add(fields, "another", json_object_new_string("x"));
	assert_true(signing_parameters(fields, key, "MD5", sign));
	assert_string_not_equal(sign, "2972E81F3A115819CFB76DC8C81D15FE");
	json_object_put(fields);
}

static void body_meets_the_vector(void **state)
{
	(void)state;
	char sign[65];
	assert_true(signing_body("demoapp", "demokey", "20250102030405", "0123456789abcdef0123456789abcdef", "{\"a\":1}", 7, sign));
	assert_string_equal(sign, "OqoAo7cRFG6v/tt9hE0sKSO9AsqTJhb/6cSpREVpCLE=");
}

static void equal_is_all_of_it(void **state)
{
	(void)state;
	assert_true(signing_equal("ABC", "ABC"));
	assert_false(signing_equal("ABC", "ABD"));
	assert_false(signing_equal("ABC", "AB"));
	assert_false(signing_equal("", "A"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parameters_meet_the_vectors),
		cmocka_unit_test(body_meets_the_vector),
		cmocka_unit_test(equal_is_all_of_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
