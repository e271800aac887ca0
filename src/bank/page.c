/* What a phone sees at the QR code's address. Chinese, as the payer's wallet would be; says on every page that no
 * money moves. */
#include "bank/bank.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <openssl/rand.h>

#include <certhall/clock.h>

#include "bank/ledger.h"

static const char style[] =
	"*{box-sizing:border-box}body{margin:0;font:18px/1.5 system-ui,'Noto Sans CJK SC','Microsoft YaHei',sans-serif;"
	"background:#f2f4f7;color:#1a1a1a}.test{background:#b3261e;color:#fff;text-align:center;padding:8px;font-weight:700}"
	"main{max-width:480px;margin:16px auto;padding:24px;background:#fff;border-radius:12px}"
	"h1{font-size:20px;margin:0 0 16px;text-align:center}.sum{font-size:40px;font-weight:700;text-align:center;margin:8px 0}"
	"dl{margin:16px 0;display:grid;grid-template-columns:auto 1fr;gap:4px 16px}dt{color:#555}dd{margin:0;overflow-wrap:anywhere}"
	".state{text-align:center;font-size:24px;font-weight:700;margin:16px 0}.good{color:#12692c}.bad{color:#b3261e}"
	"button{width:100%;min-height:56px;font:inherit;font-size:22px;font-weight:700;color:#fff;background:#12692c;border:0;"
	"border-radius:8px}button:focus-visible{outline:4px solid #8ab4f8}small{display:block;margin-top:16px;color:#555;text-align:center}";

static void add(struct bytes *out, const char *text)
{
	if (bytes_append(out, text, strlen(text)) != 0)
		out->len = 0; /* no memory: nothing rather than half a page */
}

static void add_escaped(struct bytes *out, const char *text)
{
	for (; *text != '\0'; text++) {
		const char *entity = *text == '&' ? "&amp;" : *text == '<' ? "&lt;" : *text == '>' ? "&gt;"
			: *text == '"' ? "&quot;" : *text == '\'' ? "&#39;" : NULL;
		char one[2] = { *text, '\0' };
		add(out, entity != NULL ? entity : one);
	}
}

static void add_row(struct bytes *out, const char *label, const char *value)
{
	add(out, "<dt>");
	add(out, label);
	add(out, "</dt><dd>");
	add_escaped(out, value);
	add(out, "</dd>");
}

static void page_begin(struct reply *reply, unsigned status)
{
	unsigned char random[12];
	char nonce[20] = "";
	RAND_bytes(random, sizeof random);
	char hex[25];
	snprintf(nonce, sizeof nonce, "%.19s", hex_encode(random, sizeof random, hex));
	snprintf(reply->policy, sizeof reply->policy,
		"default-src 'none'; style-src 'nonce-%s'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'", nonce);
	reply->status = status;
	reply->type = "text/html; charset=utf-8";
	struct bytes *out = &reply->body;
	add(out, "<!DOCTYPE html>\n<html lang=\"zh-CN\"><head><meta charset=\"utf-8\">"
		 "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
		 "<title>模拟支付</title><style nonce=\"");
	add(out, nonce);
	add(out, "\">");
	add(out, style);
	add(out, "</style></head><body><div class=\"test\">模拟支付（测试环境，不会扣款）</div><main>");
}

static void page_state(struct bytes *out, const char *id, const char *class, const char *text)
{
	add(out, "<p class=\"state ");
	add(out, class);
	add(out, "\" id=\"state\" data-state=\"");
	add(out, id);
	add(out, "\" role=\"status\">");
	add(out, text);
	add(out, "</p>");
}

static void page_end(struct bytes *out)
{
	add(out, "<small>证书大厅银行模拟器</small></main></body></html>\n");
}

static void show(struct bank *bank, const struct bill *bill, struct reply *reply)
{
	struct bytes *out = &reply->body;
	char text[64], when[24];
	page_begin(reply, 200);
	add(out, "<h1>");
	add_escaped(out, bank->merchant.name);
	add(out, "</h1><p class=\"sum\">");
	snprintf(text, sizeof text, "￥%" PRId64 ".%02d", bill->amount / 100, (int)(bill->amount % 100));
	add(out, text);
	add(out, "</p><dl>");
	add_row(out, "商品", bill->description);
	add_row(out, "账单号", bill->no);
	if (bill->state == BILL_UNPAID)
		add_row(out, "请于此前支付", clock_date_time(bill->expires, when, sizeof when));
	struct bill_payment payment;
	if (bill->state == BILL_PAID && ledger_payment(bank->ledger, bill->no, 0, &payment) == FOUND) {
		add_row(out, "支付时间", clock_date_time(payment.paid_at, when, sizeof when));
		add_row(out, "交易号", payment.transaction);
	}
	add(out, "</dl>");
	bool late = bank->faults.late != 0;
	if (bill->state == BILL_PAID)
		page_state(out, "PAID", "good", "支付成功");
	else if (bill->state == BILL_REFUND)
		page_state(out, "REFUND", "bad", "已退款");
	else if (bill->state == BILL_CLOSED && !late)
		page_state(out, "CLOSED", "bad", "账单已关闭，请勿支付");
	else if (bill->expires <= clock_now() && !late)
		page_state(out, "EXPIRED", "bad", "二维码已过期，请重新获取");
	else {
		page_state(out, "UNPAID", "", "待支付");
		add(out, "<form id=\"payment\" method=\"post\" action=\"/bills/qrCode.do?id=");
		add_escaped(out, bill->qr_id);
		add(out, "\"><button id=\"pay\" type=\"submit\">确认支付</button></form>");
	}
	page_end(out);
}

void page_handle(struct bank *bank, const struct request *request, struct reply *reply)
{
	struct bill bill;
	if (request->id == NULL || ledger_bill_by_qr(bank->ledger, request->id, &bill) != FOUND) {
		page_begin(reply, 404);
		page_state(&reply->body, "NONE", "bad", "二维码无效");
		page_end(&reply->body);
		return;
	}
	if (strcmp(request->method, "POST") == 0) { /* paying twice or too late leaves it as it is; the page then says so */
		bank_pay(bank, bill.no, "UAC", &(struct oddity){ .coupon = -1 });
		reply_text(reply, 303, "text/plain", "");
		snprintf(reply->location, sizeof reply->location, "/bills/qrCode.do?id=%s", bill.qr_id);
		return;
	}
	show(bank, &bill, reply);
}
