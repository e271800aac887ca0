/* The invoice as data, with the element names of the accounting standard for electronic vouchers (财政部, 电子凭证会计数据标准). */
#include <stdio.h>
#include <string.h>

#include <libxml/xmlwriter.h>

#include <certhall/clock.h>

#include "service/invoice/embedded.h"

static bool put(xmlTextWriterPtr w, const char *name, const char *text)
{
	return xmlTextWriterWriteElement(w, (const xmlChar *)name, (const xmlChar *)text) >= 0;
}

static bool put_amount(xmlTextWriterPtr w, const char *name, int64_t fen)
{
	char text[32];
	return put(w, name, sheet_amount(fen, text, sizeof text));
}

static bool begin(xmlTextWriterPtr w, const char *name)
{
	return xmlTextWriterStartElement(w, (const xmlChar *)name) >= 0;
}

static bool end(xmlTextWriterPtr w)
{
	return xmlTextWriterEndElement(w) >= 0;
}

static bool put_label(xmlTextWriterPtr w, const char *name, const char *code, const char *label)
{
	return begin(w, name) && put(w, "LabelCode", code) && put(w, "LabelName", label) && end(w);
}

static bool put_header(xmlTextWriterPtr w, const struct sheet *s)
{
	char tag[8];
	snprintf(tag, sizeof tag, "SWEI%s", s->issuer->province);
	return begin(w, "Header") && put(w, "EIid", s->order->number) && put(w, "EInvoiceTag", tag)
		&& put(w, "Version", "0.2") && begin(w, "InherentLabel") && put_label(w, "InIssuType", "Y", "蓝字发票")
		&& put_label(w, "EInvoiceType", "02", "电子发票（普通发票）") && put_label(w, "GeneralOrSpecialVAT", "02", "普通发票") && end(w)
		&& put(w, "Sample", "样票，测试用，不是税务发票") && end(w);
}

static bool put_parties(xmlTextWriterPtr w, const struct sheet *s)
{
	const struct seller *seller = &s->issuer->seller;
	const struct invoice_order *o = s->order;
	return begin(w, "SellerInformation") && put(w, "SellerIdNum", seller->tax_no) && put(w, "SellerName", seller->name)
		&& put(w, "SellerAddr", seller->address) && put(w, "SellerTelNum", seller->phone) && put(w, "SellerBankName", seller->bank)
		&& put(w, "SellerBankAccNum", seller->account) && end(w)
		&& begin(w, "BuyerInformation") && put(w, "BuyerIdNum", o->tax_no) && put(w, "BuyerName", o->title)
		&& put(w, "BuyerAddr", o->address) && put(w, "BuyerTelNum", o->phone) && put(w, "BuyerBankName", o->bank)
		&& put(w, "BuyerBankAccNum", o->account) && end(w);
}

static bool put_amounts(xmlTextWriterPtr w, const struct sheet *s)
{
	char rate[16];
	snprintf(rate, sizeof rate, "%d.%04d", s->issuer->rate / 10000, s->issuer->rate % 10000);
	return begin(w, "BasicInformation") && put_amount(w, "TotalAmWithoutTax", s->split.net_fen) && put_amount(w, "TotalTaxAm", s->split.tax_fen)
		&& put_amount(w, "TotalTax-includedAmount", s->order->amount_fen) && put(w, "TotalTax-includedAmountInChinese", s->capital)
		&& put(w, "Drawer", s->issuer->drawer) && put(w, "RequestTime", s->time) && end(w)
		&& begin(w, "IssuItemInformation") && put(w, "ItemName", s->issuer->item) && put(w, "SpecMod", "")
		&& put(w, "MeaUnits", s->issuer->unit) && put(w, "Quantity", "1") && put_amount(w, "UnPrice", s->split.net_fen)
		&& put_amount(w, "Amount", s->split.net_fen) && put(w, "TaxRate", rate) && put_amount(w, "ComTaxAm", s->split.tax_fen)
		&& put_amount(w, "TotaltaxIncludedAmount", s->order->amount_fen) && put(w, "TaxClassificationCode", s->issuer->tax_class) && end(w);
}

static bool put_all(xmlTextWriterPtr w, const struct sheet *s)
{
	char remark[64];
	snprintf(remark, sizeof remark, "订单号 %s", s->order->order);
	return xmlTextWriterSetIndent(w, 1) >= 0 && xmlTextWriterStartDocument(w, NULL, "UTF-8", NULL) >= 0 && begin(w, "EInvoice")
		&& put_header(w, s) && begin(w, "EInvoiceData") && put_parties(w, s) && put_amounts(w, s)
		&& begin(w, "AdditionalInformation") && put(w, "Remark", remark) && end(w) && end(w)
		&& begin(w, "TaxSupervisionInfo") && put(w, "InvoiceNumber", s->order->number) && put(w, "IssueTime", s->time)
		&& put(w, "TaxBureauCode", "") && put(w, "TaxBureauName", "") && end(w) && end(w) && xmlTextWriterEndDocument(w) >= 0;
}

int sheet_xml(const struct sheet *sheet, struct bytes *out, struct error *err)
{
	xmlBufferPtr buffer = xmlBufferCreate();
	xmlTextWriterPtr writer = buffer != NULL ? xmlNewTextWriterMemory(buffer, 0) : NULL;
	bool ok = writer != NULL && put_all(writer, sheet) && xmlTextWriterFlush(writer) >= 0;
	if (ok)
		ok = bytes_set(out, xmlBufferContent(buffer), (size_t)xmlBufferLength(buffer)) == 0;
	if (writer != NULL)
		xmlFreeTextWriter(writer);
	if (buffer != NULL)
		xmlBufferFree(buffer);
	return ok ? 0 : error_set(err, ERR_NO_MEMORY, NULL, "invoice as XML");
}
