/* One table writes and reads: what comes back is what went in, and what is not a message is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <certhall/model.h>

static struct order *an_order(void)
{
	struct order *order = calloc(1, sizeof *order);
	assert_non_null(order);
	*order = (struct order){ .number = "AZT112217NR3QT", .state = ORDER_ISSUED, .revision = 7, .time = 1795361673,
		.created = 1795360000, .amount_fen = 38000, .price_note = "第一行\n第二行", .project = "test", .project_name = "测试项目",
		.algorithms = "ec:P-256,rsa:2048", .old_not_after = 1797000000, .new_not_after = 1828536000, .validity_months = 12,
		.invoice_days = 3, .applicant = { .contact = "张样票", .phone = "13800000001", .title = "测试公司", .tax_no = "91140100MA0TEUT14N" },
		.payment = { .method = "aggregate", .paid_at = 1795361000 }, .items_count = 2, .chain_count = 1 };
	strcpy(order->items[0].role, "signing");
	strcpy(order->items[1].role, "encryption");
	order->items[0].state = ITEM_ISSUED;
	assert_int_equal(bytes_set(&order->items[0].certificate, "\0\1\2\377", 4), 0);
	assert_int_equal(bytes_set(&order->chain[0].der, "ca", 2), 0);
	return order;
}

static void an_order_comes_back(void **state)
{
	struct order *order = an_order(), *back = calloc(1, sizeof *back);
	struct error err;
	(void)state;
	char *text = codec_text(order_codec, order);
	assert_non_null(text);
	assert_int_equal(codec_parse(order_codec, text, strlen(text), back, &err), 0);
	char *again = codec_text(order_codec, back);
	assert_string_equal(text, again);
	assert_int_equal(back->items_count, 2);
	assert_int_equal(back->items[0].certificate.len, 4);
	assert_memory_equal(back->items[0].certificate.data, "\0\1\2\377", 4);
	assert_string_equal(back->price_note, "第一行\n第二行");
	assert_int_equal(back->expires, 0);
	free(text);
	free(again);
	codec_free(order_codec, order);
	codec_free(order_codec, back);
	free(order);
	free(back);
}

static void optional_parts_come_and_go(void **state)
{
	struct cert_standing standing = { .standing = STANDING_RENEWABLE }, back = { 0 };
	struct error err;
	(void)state;
	char *text = codec_text(cert_standing_codec, &standing);
	assert_null(strstr(text, "order"));
	assert_int_equal(codec_parse(cert_standing_codec, text, strlen(text), &back, &err), 0);
	assert_false(back.has_order);
	free(text);
	standing.has_order = true;
	strcpy(standing.order.number, "AZT112217NR3QT");
	text = codec_text(cert_standing_codec, &standing);
	assert_int_equal(codec_parse(cert_standing_codec, text, strlen(text), &back, &err), 0);
	assert_true(back.has_order);
	assert_string_equal(back.order.number, "AZT112217NR3QT");
	free(text);
}

static void what_is_no_message_is_refused(void **state)
{
	static const char *const texts[] = { "", "[]", "1", "{", "{}", "{\"purpose\":1}", "{\"purpose\":\"12345678901234567\"}",
		"{\"purpose\":\"login\"} x", "{\"purpose\":\"login\"}{}", "{\"purpose\":\"lo\\u0000gin\"}", "{\"purpose\":null}" };
	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct challenge_request request = { 0 };
		struct error err = { 0 };
		assert_int_not_equal(codec_parse(challenge_request_codec, texts[i], strlen(texts[i]), &request, &err), 0);
		assert_int_not_equal(err.code, ERR_OK);
	}
}

static void texts_are_sanitised(void **state)
{
	struct challenge_request request = { 0 };
	struct error err;
	const char *text = "{\"purpose\":\"a\\u001b[31mb\\u202ec\\n\"}";
	(void)state;
	assert_int_equal(codec_parse(challenge_request_codec, text, strlen(text), &request, &err), 0);
	assert_string_equal(request.purpose, "a[31mbc");
}

static void every_prefix_is_survived(void **state)
{
	struct order *order = an_order();
	char *text = codec_text(order_codec, order);
	struct error err;
	(void)state;
	for (size_t len = 0; len < strlen(text); len++) {
		struct order *back = calloc(1, sizeof *back);
		assert_int_not_equal(codec_parse(order_codec, text, len, back, &err), 0);
		codec_free(order_codec, back);
		free(back);
	}
	free(text);
	codec_free(order_codec, order);
	free(order);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_order_comes_back),
		cmocka_unit_test(optional_parts_come_and_go),
		cmocka_unit_test(what_is_no_message_is_refused),
		cmocka_unit_test(texts_are_sanitised),
		cmocka_unit_test(every_prefix_is_survived),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
