#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "service/gcra.h"

static void test_burst_then_steady(void **state)
{
	(void)state;
	struct gcra *gcra = gcra_new(100);
	const struct gcra_rate rate = { .per_minute = 60, .burst = 3 };
	for (int i = 0; i < 3; i++)
		assert_int_equal(gcra_take(gcra, &rate, "a", 1000), 0);
	assert_int_equal(gcra_take(gcra, &rate, "a", 1000), 1);
	assert_int_equal(gcra_take(gcra, &rate, "a", 1999), 1);
	assert_int_equal(gcra_take(gcra, &rate, "a", 2000), 0); /* one a second from here on */
	assert_int_equal(gcra_take(gcra, &rate, "a", 2000), 1);
	assert_int_equal(gcra_take(gcra, &rate, "b", 2000), 0); /* each for itself */
	for (int i = 0; i < 3; i++)
		assert_int_equal(gcra_take(gcra, &rate, "a", 60000), 0); /* the burst comes back */
	gcra_free(&gcra);
	assert_null(gcra);
}

static void test_waiting_time(void **state)
{
	(void)state;
	struct gcra *gcra = gcra_new(100);
	const struct gcra_rate rate = { .per_minute = 2, .burst = 1 };
	assert_int_equal(gcra_take(gcra, &rate, "a", 0), 0);
	assert_int_equal(gcra_take(gcra, &rate, "a", 500), 30);
	assert_int_equal(gcra_take(gcra, &rate, "a", 29001), 1);
	assert_int_equal(gcra_take(gcra, &rate, "a", 30000), 0);
	gcra_free(&gcra);
}

static void test_no_limit(void **state)
{
	(void)state;
	struct gcra *gcra = gcra_new(1);
	const struct gcra_rate rate = { .per_minute = 0, .burst = 1 };
	for (int i = 0; i < 1000; i++)
		assert_int_equal(gcra_take(gcra, &rate, "a", 0), 0);
	gcra_free(&gcra);
}

/* More keys than there is room for: one that is limited stays so while others come by, as those unheard of longer go first. */
static void test_many_keys(void **state)
{
	(void)state;
	struct gcra *gcra = gcra_new(64);
	const struct gcra_rate rate = { .per_minute = 1, .burst = 1 }, fast = { .per_minute = 60000, .burst = 1 };
	char key[16];
	assert_int_equal(gcra_take(gcra, &rate, "limited", 1000), 0);
	for (int i = 0; i < 10000; i++) {
		snprintf(key, sizeof key, "%d", i);
		assert_int_equal(gcra_take(gcra, &fast, key, 1000), 0);
	}
	assert_int_not_equal(gcra_take(gcra, &rate, "limited", 1000), 0);
	gcra_free(&gcra);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_burst_then_steady),
		cmocka_unit_test(test_waiting_time),
		cmocka_unit_test(test_no_limit),
		cmocka_unit_test(test_many_keys),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
