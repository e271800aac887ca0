/* Taxpayer numbers; published specimens of the standards and made-up ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <certhall/model.h>

static void taxpayer_numbers(void **state)
{
	static const struct { const char *number; enum check_verdict verdict; } rows[] = {
		{ "91350100M000100Y43", CHECK_GOOD },    /* the specimen in GB 32100-2015 */
		{ "9114000011013590X3", CHECK_GOOD },
		{ "12140000405700013Q", CHECK_GOOD },
		{ "91140100MA0TEUT14N", CHECK_GOOD },
		{ "91140100MA0A000300", CHECK_GOOD },    /* check value 31 is written 0 */
		{ "91140100MA0TEUT14M", CHECK_CONFIRM }, /* check character does not fit */
		{ "91140100MA0TEUTI4N", CHECK_WRONG },   /* letter I */
		{ "91140100MA0TEUT14", CHECK_CONFIRM },  /* 17 characters */
		{ "9114A100MA0TEUT14N", CHECK_WRONG },   /* region has a letter */
		{ "11010519491231002X", CHECK_GOOD },    /* the specimen in GB 11643 */
		{ "110108000000016", CHECK_CONFIRM },    /* a registration number, GS 15-2006 */
		{ "14010012345678A", CHECK_GOOD },
		{ "1401001234567", CHECK_WRONG },
		{ "911401002MA0TEUT14NXX", CHECK_WRONG },
		{ "91140100ma0teut14n", CHECK_WRONG },
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char say[256] = "";
		enum check_verdict verdict = check_tax_no(rows[i].number, say, sizeof say);
		if (verdict != rows[i].verdict)
			fail_msg("%s: %d, not %d (%s)", rows[i].number, verdict, rows[i].verdict, say);
		assert_true(verdict == CHECK_GOOD || *say != '\0');
	}
}

static void normalising(void **state)
{
	char number[64] = " ９１１４０１００ｍａ0teut14n ";
	(void)state;
	tax_no_normalize(number, sizeof number);
	assert_string_equal(number, "91140100MA0TEUT14N");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(taxpayer_numbers), cmocka_unit_test(normalising) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
