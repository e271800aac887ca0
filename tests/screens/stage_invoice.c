/* The hall's invoices: four of a unit, or many. */
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <certhall/invoice.h>

enum { MANY = 120, PICTURE = 56 };

bool hall_logged_in(const struct hall *hall)
{
	(void)hall;
	return stage_signed_in || stage_has("logged-in");
}

void hall_logout(struct hall *hall)
{
	(void)hall;
}

static struct hall_call *ask(hall_fn *done, void *ctx, void (*answer)(void *call))
{
	struct hall_call *call = calloc(1, sizeof *call);
	if (call == NULL)
		abort();
	*call = (struct hall_call){ .done = done, .ctx = ctx };
	stage_later(answer, call);
	return call;
}

static void end(struct hall_call *call, enum error_code code, const void *result)
{
	struct error err;
	error_set(&err, code, code == ERR_DISK_FULL ? "/home/someone/certhall-invoices" : NULL, "stage");
	call->done(call->ctx, code != ERR_OK ? &err : NULL, code != ERR_OK ? NULL : result);
	free(call);
}

/* ---- the picture: a frame and a cross ---- */

static void give_captcha(void *ctx)
{
	uint8_t bits[PICTURE / 8 * 20] = { 0 };
	for (int y = 0; y < 20; y++)
		for (int x = 0; x < PICTURE; x++)
			if (y == 0 || y == 19 || x == 0 || x == PICTURE - 1 || x * 20 / PICTURE == y)
				bits[y * PICTURE / 8 + x / 8] |= (uint8_t)(0x80 >> x % 8);
	struct captcha captcha = { .id = "0", .expires = STAGE_NOW + 600, .width = PICTURE, .height = 20, .pixels = { .data = bits, .len = sizeof bits } };
	end(ctx, stage_has("hall-down") ? ERR_NET_CONNECT : ERR_OK, &captcha);
}

struct hall_call *hall_get_captcha(struct hall *hall, hall_fn *done, void *ctx)
{
	(void)hall;
	return ask(done, ctx, give_captcha);
}

/* ---- what is found ---- */

static void fill(struct invoice *v, size_t i)
{
	*v = (struct invoice){ .state = i % 4 == 1 ? INVOICE_WAITING : i % 4 == 2 ? INVOICE_FAILED : INVOICE_ISSUED,
		.amount_fen = 36000 - (int64_t)i * 100, .ordered = STAGE_NOW - (int64_t)i * STAGE_DAY };
	snprintf(v->id, sizeof v->id, "%032zx", i);
	snprintf(v->order, sizeof v->order, "AZT0302%06zu", i);
	snprintf(v->title, sizeof v->title, "测试煤业（样票）有限公司");
	snprintf(v->tax_no, sizeof v->tax_no, "91350100M000100Y43");
	snprintf(v->contact, sizeof v->contact, "张**");
	snprintf(v->phone, sizeof v->phone, "138****5678");
	if (v->state == INVOICE_FAILED)
		snprintf(v->reason, sizeof v->reason, "buyer");
	if (v->state != INVOICE_ISSUED)
		return;
	v->issued = v->ordered + 60;
	snprintf(v->number, sizeof v->number, "26149%015zu", i + 1);
	v->files_count = 2;
	v->files[0] = (struct invoice_file){ .format = "pdf", .size = 80000 };
	v->files[1] = (struct invoice_file){ .format = "xml", .size = 2000 };
}

static void give_page(void *ctx)
{
	static struct invoice_page page;
	struct hall_call *call = ctx;
	size_t total = stage_has("many") ? MANY : stage_has("no-invoice") ? 0 : 4;
	memset(&page, 0, sizeof page);
	page.total = (int64_t)total;
	for (size_t i = call->from; i < total && page.invoices_count < INVOICE_PAGE; i++)
		fill(&page.invoices[page.invoices_count++], i);
	if (call->from + page.invoices_count < total)
		snprintf(page.next, sizeof page.next, "%zu", call->from + page.invoices_count);
	end(call, ERR_OK, &page);
}

static void give_refusal(void *ctx)
{
	end(ctx, ERR_INVOICE_NO_MATCH, NULL);
}

struct hall_call *hall_query_invoices(struct hall *hall, const struct invoice_query *query, hall_fn *done, void *ctx)
{
	(void)hall;
	bool right = stage_has("logged-in") || strcmp(query->answer, "12345") == 0;
	return ask(done, ctx, right ? give_page : give_refusal);
}

struct hall_call *hall_more_invoices(struct hall *hall, const char *grant, const char *next, hall_fn *done, void *ctx)
{
	(void)hall, (void)grant;
	struct hall_call *call = ask(done, ctx, give_page);
	call->from = (size_t)atol(next);
	return call;
}

/* ---- one of them ---- */

static const char xml[] = "<EInvoice><Header><InherentLabel><EInvoiceType><LabelName>电子发票（普通发票）</LabelName></EInvoiceType></InherentLabel>"
	"<Sample>样票，测试用</Sample></Header><EInvoiceData><SellerInformation><SellerIdNum>91140000MA0000000X</SellerIdNum>"
	"<SellerName>测试数字证书认证中心（样票）</SellerName></SellerInformation><BuyerInformation><BuyerIdNum>91350100M000100Y43</BuyerIdNum>"
	"<BuyerName>测试煤业（样票）有限公司</BuyerName></BuyerInformation><BasicInformation><TotalAmWithoutTax>339.62</TotalAmWithoutTax>"
	"<TotalTaxAm>20.38</TotalTaxAm><TotalTax-includedAmount>360.00</TotalTax-includedAmount>"
	"<TotalTax-includedAmountInChinese>叁佰陆拾圆整</TotalTax-includedAmountInChinese><Drawer>测试员</Drawer></BasicInformation>"
	"<IssuItemInformation><ItemName>*信息技术服务*数字证书服务费</ItemName><MeaUnits>项</MeaUnits><Quantity>1</Quantity><UnPrice>339.62</UnPrice>"
	"<Amount>339.62</Amount><TaxRate>0.0600</TaxRate><ComTaxAm>20.38</ComTaxAm></IssuItemInformation><AdditionalInformation>"
	"<Remark>订单号 AZT0302000000</Remark></AdditionalInformation></EInvoiceData><TaxSupervisionInfo>"
	"<InvoiceNumber>26149000000000000001</InvoiceNumber><IssueTime>2026-03-02 10:01:00</IssueTime></TaxSupervisionInfo></EInvoice>";

static void give_document(void *ctx)
{
	struct bytes document = { 0 };
	if (bytes_set(&document, xml, sizeof xml - 1) != 0)
		abort();
	end(ctx, ERR_OK, &document);
	bytes_free(&document);
}

struct hall_call *hall_read_invoice(struct hall *hall, const char *grant, const struct invoice *invoice, hall_fn *done, void *ctx)
{
	(void)hall, (void)grant, (void)invoice;
	return ask(done, ctx, give_document);
}

static void give_exists(void *ctx)
{
	end(ctx, ERR_FILE_EXISTS, NULL);
}

static void give_full(void *ctx)
{
	end(ctx, ERR_DISK_FULL, NULL);
}

static void give_saved(void *ctx)
{
	end(ctx, ERR_OK, "/home/someone/certhall-invoices/fapiao.pdf");
}

struct hall_call *hall_save_invoice(struct hall *hall, const char *grant, const struct invoice *invoice, const char *format,
	const char *folder, const char *name, bool replace, hall_progress_fn *progress, hall_fn *done, void *ctx)
{
	(void)hall, (void)grant, (void)invoice, (void)folder, (void)name, (void)progress;
	bool exists = stage_has("exists") && !replace && strcmp(format, "pdf") == 0;
	return ask(done, ctx, exists ? give_exists : stage_has("disk-full") ? give_full : give_saved);
}
