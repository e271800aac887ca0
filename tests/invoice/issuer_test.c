/* The embedded issuer: the arithmetic always holds, and what stands on the documents is read back by others' tools. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <libxml/parser.h>
#include <libxml/xpath.h>

#include <certhall/file.h>
#include <certhall/invoice.h>

#include "service/invoice/issuer.h"

static const char settings[] = "invoice = { backend = \"embedded\"; rate = 600; item = \"*信息技术服务*数字证书服务费\"; drawer = \"测试员\";"
	" tax_class = \"3040203000000000000\"; province = \"14\"; seller = { name = \"测试数字证书认证中心（样票）\"; tax_no = \"91140000MA0000000X\";"
	" address = \"测试市样票路 1 号\"; phone = \"0351-0000000\"; bank = \"测试银行\"; account = \"0000 0000\"; }; };";

static const struct invoice_order order = { .order = "AZT112217NR3QT", .number = "26149000000000000017", .title = "测试煤业（样票）有限公司",
	.tax_no = "91140100MA0TEUT14N", .address = "样票县测试乡", .phone = "0351-1111111", .bank = "样票银行", .account = "1234", .amount_fen = 36000,
	.issued = 1795000000 };

static struct issuer *opened(const char *text)
{
	struct issuer *issuer;
	struct error err = { 0 };
	config_t config;
	config_init(&config);
	assert_int_equal(config_read_string(&config, text), CONFIG_TRUE);
	assert_int_equal(issuer_open(config_lookup(&config, "invoice"), &issuer, &err), 0);
	config_destroy(&config);
	return issuer;
}

/* The split that a person would make by the rule, in exact arithmetic of another kind. */
static void is_right(int64_t total, int rate)
{
	struct tax_split split = tax_split(total, rate);
	assert_true(split.net_fen + split.tax_fen == total && split.net_fen >= 0 && split.tax_fen >= 0);
	__int128 twice = 2 * (__int128)split.net_fen * (10000 + rate), exact = 2 * (__int128)total * 10000, half = 10000 + rate;
	assert_true(twice - exact <= half && exact - twice <= half); /* within half a fen of total / (1 + rate) */
}

static void amounts_add_up(void **state)
{
	static const int rates[] = { 0, 1, 100, 150, 300, 500, 600, 900, 1300, 10000 };
	(void)state;
	for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
		for (int64_t total = 1; total <= 200000; total++)
			is_right(total, rates[i]);
		for (int64_t total = 200001; total <= 500000000; total += 9973) /* to five million yuan */
			is_right(total, rates[i]);
	}
	assert_int_equal(tax_split(36000, 600).net_fen, 33962);
	assert_int_equal(tax_split(1, 600).net_fen, 1);
}

static void numbers_are_twenty_digits(void **state)
{
	char number[24];
	(void)state;
	struct issuer *issuer = opened(settings);
	issuer_number(issuer, 17, order.issued, number);
	assert_string_equal(number, "26149000000000000017");
	issuer_free(&issuer);
}

static void expect_xml(xmlXPathContextPtr context, const char *path, const char *wanted)
{
	xmlXPathObjectPtr found = xmlXPathEvalExpression((const xmlChar *)path, context);
	assert_non_null(found);
	assert_int_equal(found->nodesetval != NULL ? found->nodesetval->nodeNr : 0, 1);
	xmlChar *text = xmlNodeGetContent(found->nodesetval->nodeTab[0]);
	assert_string_equal((const char *)text, wanted);
	xmlFree(text);
	xmlXPathFreeObject(found);
}

static void xml_holds_every_field(void **state)
{
	static const char *const fields[][2] = {
		{ "Header/EIid", "26149000000000000017" }, { "Header/EInvoiceTag", "SWEI14" }, { "Header/InherentLabel/InIssuType/LabelCode", "Y" },
		{ "EInvoiceData/SellerInformation/SellerName", "测试数字证书认证中心（样票）" }, { "EInvoiceData/SellerInformation/SellerIdNum", "91140000MA0000000X" },
		{ "EInvoiceData/SellerInformation/SellerAddr", "测试市样票路 1 号" }, { "EInvoiceData/BuyerInformation/BuyerName", "测试煤业（样票）有限公司" },
		{ "EInvoiceData/BuyerInformation/BuyerIdNum", "91140100MA0TEUT14N" }, { "EInvoiceData/BuyerInformation/BuyerAddr", "样票县测试乡" },
		{ "EInvoiceData/BuyerInformation/BuyerTelNum", "0351-1111111" }, { "EInvoiceData/BuyerInformation/BuyerBankName", "样票银行" },
		{ "EInvoiceData/BuyerInformation/BuyerBankAccNum", "1234" }, { "EInvoiceData/BasicInformation/TotalAmWithoutTax", "339.62" },
		{ "EInvoiceData/BasicInformation/TotalTaxAm", "20.38" }, { "EInvoiceData/BasicInformation/TotalTax-includedAmount", "360.00" },
		{ "EInvoiceData/BasicInformation/TotalTax-includedAmountInChinese", "叁佰陆拾圆整" }, { "EInvoiceData/BasicInformation/Drawer", "测试员" },
		{ "EInvoiceData/IssuItemInformation/ItemName", "*信息技术服务*数字证书服务费" }, { "EInvoiceData/IssuItemInformation/TaxRate", "0.0600" },
		{ "EInvoiceData/IssuItemInformation/Amount", "339.62" }, { "EInvoiceData/IssuItemInformation/ComTaxAm", "20.38" },
		{ "EInvoiceData/IssuItemInformation/TaxClassificationCode", "3040203000000000000" },
		{ "EInvoiceData/AdditionalInformation/Remark", "订单号 AZT112217NR3QT" }, { "TaxSupervisionInfo/InvoiceNumber", "26149000000000000017" },
	};
	struct issuer *issuer = opened(settings);
	struct invoice_documents documents = { 0 };
	struct error err = { 0 };
	char path[160];
	(void)state;
	assert_int_equal(issuer_issue(issuer, &order, &documents, &err), 0);
	xmlDocPtr doc = xmlReadMemory((const char *)documents.xml.data, (int)documents.xml.len, "invoice", NULL, XML_PARSE_NONET);
	assert_non_null(doc);
	xmlXPathContextPtr context = xmlXPathNewContext(doc);
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
		snprintf(path, sizeof path, "/EInvoice/%s", fields[i][0]);
		expect_xml(context, path, fields[i][1]);
	}
	xmlXPathFreeContext(context);
	xmlFreeDoc(doc);
	invoice_documents_free(&documents);
	issuer_free(&issuer);
	xmlCleanupParser();
}

static char *output_of(const char *command)
{
	static char text[16384];
	FILE *pipe = popen(command, "re");
	assert_non_null(pipe);
	text[fread(text, 1, sizeof text - 1, pipe)] = '\0';
	assert_int_equal(pclose(pipe), 0);
	return text;
}

static void has(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("%s is not in:\n%s", part, text);
}

static void pdf_tells_every_field(void **state)
{
	struct issuer *issuer = opened(settings);
	struct invoice_documents documents = { 0 };
	struct error err = { 0 };
	char path[] = "/tmp/certhall-invoice-XXXXXX", command[128];
	(void)state;
	assert_int_equal(issuer_issue(issuer, &order, &documents, &err), 0);
	int fd = mkstemp(path);
	assert_true(fd >= 0 && write(fd, documents.pdf.data, documents.pdf.len) == (ssize_t)documents.pdf.len);
	close(fd);
	snprintf(command, sizeof command, "pdftotext -layout %s -", path);
	const char *text = output_of(command);
	static const char *const wanted[] = { "电子发票（普通发票）", "样票", "26149000000000000017", "年", "测试煤业（样票）有限公司", "91140100MA0TEUT14N",
		"测试数字证书认证中心（样票）", "91140000MA0000000X", "地址、电话：", "样票县测试乡", "开户行及账号：", "样票银行", "*信息技术服务*数字证书服务费", "339.62", "20.38", "6%", "360.00",
		"叁佰陆拾圆整", "AZT112217NR3QT", "测试员" };
	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
		has(text, wanted[i]);
	snprintf(command, sizeof command, "pdffonts %s | awk 'NR > 2 { print ($(NF-4) == \"yes\" && $(NF-2) == \"yes\") ? \"good\" : $0 }'", path);
	text = output_of(command); /* embedded, and with a table back to Unicode */
	has(text, "good");
	for (const char *at = text; *at != '\0'; at += 5)
		assert_memory_equal(at, "good\n", 5);
	if (getenv("KEEP_PDF") != NULL)
		rename(path, getenv("KEEP_PDF"));
	unlink(path);
	invoice_documents_free(&documents);
	issuer_free(&issuer);
}

static void markup_in_a_name_stays_text(void **state)
{
	struct issuer *issuer = opened(settings);
	struct invoice_documents documents = { 0 };
	struct error err = { 0 };
	struct invoice_order odd = order;
	(void)state;
	odd.title = "测试 & <b>样票</b> \"公司\" ]]>";
	assert_int_equal(issuer_issue(issuer, &odd, &documents, &err), 0);
	xmlDocPtr doc = xmlReadMemory((const char *)documents.xml.data, (int)documents.xml.len, "invoice", NULL, XML_PARSE_NONET);
	assert_non_null(doc);
	xmlXPathContextPtr context = xmlXPathNewContext(doc);
	expect_xml(context, "/EInvoice/EInvoiceData/BuyerInformation/BuyerName", odd.title);
	xmlXPathFreeContext(context);
	xmlFreeDoc(doc);
	invoice_documents_free(&documents);
	odd.amount_fen = 0;
	assert_int_equal(issuer_issue(issuer, &odd, &documents, &err), ERR_INVOICE_REFUSED);
	issuer_free(&issuer);
}

static void expect_no_font(const struct invoice_order *asked)
{
	struct issuer *issuer = opened(settings);
	struct invoice_documents documents = { 0 };
	struct error err = { 0 };
	assert_int_equal(issuer_issue(issuer, asked, &documents, &err), ERR_CONFIG); /* and not ERR_INVOICE_REFUSED: it is tried again */
	assert_string_equal(err.param, "invoice.font");
	invoice_documents_free(&documents);
	issuer_free(&issuer);
}

/* Hex boxes in the place of characters are no invoice. */
static void a_character_without_a_font_is_no_invoice(void **state)
{
	struct invoice_order odd = order;
	(void)state;
	odd.title = "测试\xf4\x8f\xbf\xbd公司"; /* of a private plane */
	expect_no_font(&odd);
}

static void a_trial_says_whether_there_are_fonts(void **state)
{
	struct issuer *issuer = opened(settings);
	struct error err = { 0 };
	(void)state;
	assert_int_equal(issuer_try(issuer, &err), 0);
	issuer_free(&issuer);
}

/* In a process of its own, begun with FONTCONFIG_FILE. */
static void with_latin_fonts_alone(void **state)
{
	struct issuer *issuer = opened(settings);
	struct error err = { 0 };
	(void)state;
	expect_no_font(&order);
	assert_int_equal(issuer_try(issuer, &err), ERR_CONFIG);
	issuer_free(&issuer);
}

static const char *program;

static void without_a_chinese_font_nothing_is_issued(void **state)
{
	static const char fonts[] = "<?xml version=\"1.0\"?><fontconfig><dir>/usr/share/fonts/truetype/dejavu</dir></fontconfig>";
	char path[] = "/tmp/certhall-fonts-XXXXXX", command[4096];
	(void)state;
	int fd = mkstemp(path);
	assert_true(fd >= 0 && write(fd, fonts, strlen(fonts)) == (ssize_t)strlen(fonts));
	close(fd);
	snprintf(command, sizeof command, "FONTCONFIG_FILE=%s '%s' latin 2>&1", path, program);
	has(output_of(command), "ok 1 - with_latin_fonts_alone");
	unlink(path);
}

static void settings_are_checked(void **state)
{
	static const char *const wrong[] = { "invoice = { backend = \"other\"; };", "invoice = { backend = \"embedded\"; item = \"x\"; };",
		"invoice = { backend = \"embedded\"; item = \"x\"; rate = 10001; seller = { name = \"a\"; tax_no = \"b\"; }; };",
		"invoice = { backend = \"embedded\"; item = \"x\"; province = \"1\"; seller = { name = \"a\"; tax_no = \"b\"; }; };" };
	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct issuer *issuer;
		struct error err = { 0 };
		config_t config;
		config_init(&config);
		assert_int_equal(config_read_string(&config, wrong[i]), CONFIG_TRUE);
		assert_int_equal(issuer_open(config_lookup(&config, "invoice"), &issuer, &err), ERR_CONFIG);
		assert_memory_equal(err.param, "invoice.", 8);
		config_destroy(&config);
	}
}

static void names_and_phones_are_masked(void **state)
{
	static const char *const phones[][2] = { { "13800001234", "138****1234" }, { "0351-1234567", "035*****4567" }, { "12345", "*****" }, { "", "" } };
	static const char *const names[][2] = { { "张样票", "张**" }, { "张", "*" }, { "测试甲乙丙丁", "测***" }, { "Li Wei", "L***" } };
	(void)state;
	for (size_t i = 0; i < sizeof phones / sizeof *phones; i++) {
		char text[40];
		snprintf(text, sizeof text, "%s", phones[i][0]);
		mask_phone(text);
		assert_string_equal(text, phones[i][1]);
	}
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char text[40];
		snprintf(text, sizeof text, "%s", names[i][0]);
		mask_name(text, sizeof text);
		assert_string_equal(text, names[i][1]);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest latin[] = { cmocka_unit_test(with_latin_fonts_alone) };
	if (argc > 1)
		return cmocka_run_group_tests_name("latin", latin, NULL, NULL);
	program = argv[0];
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(amounts_add_up), cmocka_unit_test(numbers_are_twenty_digits), cmocka_unit_test(xml_holds_every_field),
		cmocka_unit_test(pdf_tells_every_field), cmocka_unit_test(markup_in_a_name_stays_text), cmocka_unit_test(settings_are_checked),
		cmocka_unit_test(a_character_without_a_font_is_no_invoice), cmocka_unit_test(a_trial_says_whether_there_are_fonts),
		cmocka_unit_test(without_a_chinese_font_nothing_is_issued), cmocka_unit_test(names_and_phones_are_masked),
	};
	return cmocka_run_group_tests_name("issuer", tests, NULL, NULL);
}
