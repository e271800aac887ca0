/* Invoices as both programs know them, and the tables that make them JSON. No I/O here.
 *
 * An invoice belongs to one order that is paid and installed. Money is int64_t fen, moments are int64_t seconds.
 */
#ifndef CERTHALL_INVOICE_H
#define CERTHALL_INVOICE_H

#include <certhall/model.h>

enum { INVOICE_PAGE = 50, INVOICE_FILES = 2, CAPTCHA_SIDE = 128 };

enum invoice_state {
	INVOICE_WAITING, /* 待开票 */
	INVOICE_ISSUED,  /* 已开票 */
	INVOICE_FAILED,  /* 开票失败: somebody must look */
};
extern const char *const invoice_state_names[];

/* POST /v1/captchas. A picture of a few digits, black on white: one bit a pixel, rows from the top, each padded to whole
 * bytes, the leftmost pixel in the highest bit. Good for one try. */
struct captcha {
	char id[40];
	int64_t expires;
	int64_t width, height;     /* pixels, at most CAPTCHA_SIDE */
	struct bytes pixels;
};

/* POST /v1/invoices/query. Without a session all of it is needed; with one only what is to be narrowed down. */
struct invoice_query {
	char title[320];           /* 单位名称 */
	char tax_no[32];           /* 纳税人识别号 */
	char phone[40];            /* 联系人电话 */
	char captcha[40], answer[16];
};

/* GET /v1/invoices/{id}/pdf and /xml. */
struct invoice_file {
	char format[8];            /* "pdf", "xml" */
	int64_t size;
	char sha256[65];
};

struct invoice {
	char id[40];
	int state;                 /* enum invoice_state */
	char reason[128];          /* of a failure, as the issuer gave it */
	char number[24];           /* 发票号码, 20 digits; empty while it waits */
	char order[24];
	char title[320], tax_no[32];
	int64_t amount_fen;
	char contact[96], phone[40]; /* masked for a query without the key */
	int64_t ordered, issued;   /* issued: 0 while it waits */
	size_t files_count;
	struct invoice_file files[INVOICE_FILES];
};

/* The answer: newest first. grant is the bearer token for what was found: further pages, the files. next: empty at the end. */
struct invoice_page {
	char grant[96];
	int64_t expires;           /* of the grant */
	int64_t total;
	char next[64];
	size_t invoices_count;
	struct invoice invoices[INVOICE_PAGE];
};
/* POST /v1/invoices/page, with the grant as bearer. */
struct invoice_more { char next[64]; };

/* The picture with a byte a pixel (1: black), malloc'd; NULL when its sizes do not fit together or memory is short. */
unsigned char *captcha_unpack(const struct captcha *captcha);

extern const struct codec captcha_codec[], invoice_query_codec[], invoice_codec[], invoice_page_codec[], invoice_more_codec[];

/* Amount without tax and tax of a price that includes it: rounded to fen, and always adding up to the price.
 * rate: hundredths of a percent (600 is 6 %). */
struct tax_split { int64_t net_fen, tax_fen; };
struct tax_split tax_split(int64_t total_fen, int rate);

/* 138****0000; 张**. In place; a value too short to keep anything of becomes stars. */
void mask_phone(char *phone);
void mask_name(char *name, size_t size);

#endif
