/* The embedded issuer: sample invoices in the form of a fully digitalised ordinary e-invoice (数电普票). */
#ifndef SERVICE_INVOICE_EMBEDDED_H
#define SERVICE_INVOICE_EMBEDDED_H

#include <certhall/invoice.h>

#include "service/invoice/backend.h"

struct seller {
	char name[320], tax_no[32], address[320], phone[40], bank[320], account[64];
};

struct embedded {
	struct issuer base;
	struct seller seller;
	char item[160];            /* "*信息技术服务*数字证书服务费" */
	char unit[16];             /* 计量单位 */
	char drawer[64];           /* 开票人 */
	char tax_class[24];        /* 税收分类编码 */
	char province[3];          /* digits 3 and 4 of the number */
	char font[64];
	int rate;                  /* hundredths of a percent */
};

/* One invoice with everything that is printed on it. */
struct sheet {
	const struct embedded *issuer;
	const struct invoice_order *order;
	struct tax_split split;
	char capital[160], date[16], time[24];
};

int sheet_xml(const struct sheet *sheet, struct bytes *out, struct error *err) CH_MUST_CHECK; /* 电子凭证会计数据标准 */
int sheet_pdf(const struct sheet *sheet, struct bytes *out, struct error *err) CH_MUST_CHECK;

/* "360.00", without a sign of currency. size >= 24. */
char *sheet_amount(int64_t fen, char *out, size_t size);
/* "6%", "13%", "1.5%" */
char *sheet_rate(int rate, char *out, size_t size);

#endif
