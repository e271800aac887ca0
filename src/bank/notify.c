#include "bank/notify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <curl/curl.h>

#include <certhall/clock.h>
#include <certhall/log.h>
#include <certhall/text.h>

#include "bank/ledger.h"
#include "bank/message.h"
#include "bank/pay.h"
#include "bank/signing.h"

enum { AT_ONCE = 8, TRIES = 10, LONGEST_MS = 64000, TIMEOUT_MS = 10000, ANSWER_MAX = 63 };

struct sending {
	CURL *curl; /* NULL: free */
	struct notice notice;
	char *body;
	char answer[ANSWER_MAX + 1];
	size_t answer_len;
};

struct notifier {
	struct bank *bank;
	const char *ca_file;
	CURLM *multi;
	struct sending sendings[AT_ONCE];
};

int notifier_new(struct bank *bank, const char *ca_file, struct notifier **out, struct error *err)
{
	struct notifier *notifier = calloc(1, sizeof *notifier);
	if (notifier == NULL || (notifier->multi = curl_multi_init()) == NULL) {
		free(notifier);
		return error_set(err, ERR_NO_MEMORY, "", "notifier");
	}
	notifier->bank = bank;
	notifier->ca_file = ca_file;
	*out = notifier;
	return 0;
}

static void release(struct notifier *notifier, struct sending *sending)
{
	curl_multi_remove_handle(notifier->multi, sending->curl);
	curl_easy_cleanup(sending->curl);
	free(sending->body);
	*sending = (struct sending){ 0 };
}

void notifier_free(struct notifier **notifier)
{
	if (*notifier == NULL)
		return;
	for (size_t i = 0; i < AT_ONCE; i++)
		if ((*notifier)->sendings[i].curl != NULL)
			release(*notifier, &(*notifier)->sendings[i]);
	curl_multi_cleanup((*notifier)->multi);
	free(*notifier);
	*notifier = NULL;
}

void notifier_wake(void *ctx)
{
	struct notifier *notifier = ctx;
	curl_multi_wakeup(notifier->multi);
}

static int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now); /* not the monotonic clock: the schedule outlives a restart */
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static json_object *fields(struct bank *bank, const struct notice *notice, const struct bill *bill,
	const struct bill_payment *payment)
{
	json_object *out = json_object_new_object();
	char text[320];
	int64_t amount = bill->amount;
	bool stranger = bank_fault(&bank->faults.notify_wrong_merchant);
	if (bank_fault(&bank->faults.notify_wrong_amount))
		amount = amount == 1 ? 2 : 1;
	message_put(out, "notifyId", notice->id);
	message_put(out, "mid", stranger ? "999999999999999" : bank->merchant.mid);
	message_put(out, "tid", bank->merchant.tid);
	message_put(out, "instMid", "QRPAYDEFAULT");
	message_put(out, "billNo", bill->no);
	message_put(out, "billDate", bill->date);
	message_put(out, "billDesc", bill->description);
	message_put(out, "billStatus", "PAID");
	snprintf(text, sizeof text, "%s/bills/qrCode.do?id=%s", bank->url, bill->qr_id);
	message_put(out, "billQRCode", text);
	message_put(out, "qrCodeType", "BILLPAY");
	message_put(out, "createTime", clock_date_time(bill->created, text, sizeof text));
	message_put(out, "merName", bank->merchant.name);
	message_put(out, "memo", ""); /* an empty value takes no part in the signature */
	message_put(out, "bankInfo", "测试银行");
	message_put(out, "seqId", payment->transaction);
	message_put_int(out, "totalAmount", amount);
	message_put_int(out, "receiptAmount", payment->amount);
	json_object *paid = bank_payment_json(bill, payment);
	message_put(out, "billPayment", json_object_to_json_string_ext(paid, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(paid);
	message_put(out, "signType", "SHA256");
	char sign[65];
	if (!signing_parameters(out, bank->merchant.key, "SHA256", sign))
		sign[0] = '\0';
	if (bank_fault(&bank->faults.notify_bad_sign))
		sign[0] = sign[0] == 'A' ? 'B' : 'A';
	message_put(out, "sign", sign);
	return out;
}

/* application/x-www-form-urlencoded, a space being "+". */
static char *form(CURL *curl, json_object *fields)
{
	struct bytes out = { 0 };
	int rc = 0;
	json_object_object_foreach(fields, name, value) {
		char *escaped = curl_easy_escape(curl, json_object_get_string(value), 0);
		rc = rc != 0 ? rc : escaped == NULL ? ERR_NO_MEMORY : 0;
		rc = rc != 0 ? rc : bytes_append(&out, "&", out.len > 0);
		rc = rc != 0 ? rc : bytes_append(&out, name, strlen(name));
		rc = rc != 0 ? rc : bytes_append(&out, "=", 1);
		for (char *p = escaped; rc == 0 && *p != '\0';) {
			bool space = strncmp(p, "%20", 3) == 0;
			rc = bytes_append(&out, space ? "+" : p, 1);
			p += space ? 3 : 1;
		}
		curl_free(escaped);
	}
	if (rc != 0)
		bytes_free(&out);
	return (char *)out.data;
}

static size_t take(char *data, size_t size, size_t count, void *ctx)
{
	struct sending *sending = ctx;
	size_t len = size * count, room = ANSWER_MAX - sending->answer_len;
	memcpy(sending->answer + sending->answer_len, data, len < room ? len : room);
	sending->answer_len += len < room ? len : room;
	return len <= room ? len : 0; /* a longer answer is no SUCCESS: stop reading it */
}

static bool start(struct notifier *notifier, struct sending *sending, const struct notice *notice)
{
	struct bank *bank = notifier->bank;
	struct bill bill;
	struct bill_payment payment;
	if (ledger_bill(bank->ledger, notice->bill_no, &bill) != FOUND
		|| ledger_payment(bank->ledger, notice->bill_no, notice->nth, &payment) != FOUND)
		return false;
	CURL *curl = curl_easy_init();
	if (curl == NULL)
		return false;
	*sending = (struct sending){ .curl = curl, .notice = *notice };
	json_object *all = fields(bank, notice, &bill, &payment);
	sending->body = form(curl, all);
	json_object_put(all);
	curl_easy_setopt(curl, CURLOPT_PRIVATE, sending);
	curl_easy_setopt(curl, CURLOPT_URL, bill.notify_url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)TIMEOUT_MS);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDS, sending->body);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, sending);
	if (notifier->ca_file != NULL) {
		curl_easy_setopt(curl, CURLOPT_CAINFO, notifier->ca_file);
		curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
	}
	sending->notice.tries++;
	if (sending->body != NULL && curl_multi_add_handle(notifier->multi, curl) == CURLM_OK)
		return true;
	release(notifier, sending);
	return false;
}

static struct sending *sending_of(struct notifier *notifier, const char *id)
{
	for (size_t i = 0; i < AT_ONCE; i++)
		if (id == NULL ? notifier->sendings[i].curl == NULL
			       : notifier->sendings[i].curl != NULL && strcmp(notifier->sendings[i].notice.id, id) == 0)
			return &notifier->sendings[i];
	return NULL;
}

/* Starts what is due; returns how long nothing else will be. */
static int start_due(struct notifier *notifier)
{
	struct notice notices[2 * AT_ONCE];
	int64_t due[2 * AT_ONCE], now = now_ms();
	int64_t wait = LONGEST_MS;
	pthread_mutex_lock(&notifier->bank->lock);
	const struct faults *faults = &notifier->bank->faults;
	size_t n = faults->hold_notify != 0 ? 0 : ledger_notices(notifier->bank->ledger, notices, due, 2 * AT_ONCE, faults->notify_reverse != 0);
	for (size_t i = 0; i < n; i++) {
		if (sending_of(notifier, notices[i].id) != NULL)
			continue;
		if (due[i] > now) {
			wait = due[i] - now < wait ? due[i] - now : wait;
			break;
		}
		struct sending *room = sending_of(notifier, NULL);
		if (room == NULL || (faults->notify_reverse != 0 && room != notifier->sendings))
			break; /* one after the other, or their order would be chance */
		if (!start(notifier, room, &notices[i]))
			wait = 1000;
	}
	pthread_mutex_unlock(&notifier->bank->lock);
	return (int)wait;
}

static void finish(struct notifier *notifier, struct sending *sending, CURLcode result)
{
	struct bank *bank = notifier->bank;
	struct notice *notice = &sending->notice;
	long status = 0;
	curl_easy_getinfo(sending->curl, CURLINFO_RESPONSE_CODE, &status);
	char answer[ANSWER_MAX + 1];
	if (result != CURLE_OK && result != CURLE_WRITE_ERROR)
		snprintf(answer, sizeof answer, "(%s)", curl_easy_strerror(result));
	else
		text_sanitize(sending->answer, answer, sizeof answer, false);
	bool taken = result == CURLE_OK && status == 200 && strcmp(sending->answer, "SUCCESS") == 0;
	notice->taken += taken;
	pthread_mutex_lock(&bank->lock);
	bool again = taken ? notice->taken < bank->faults.notify_times : notice->tries < TRIES;
	int64_t pause = taken ? 0 : 500LL << (notice->tries < 8 ? notice->tries : 8); /* 1 s, 2 s, 4 s ... */
	if (pause > LONGEST_MS)
		pause = LONGEST_MS;
	if (!ledger_notice_result(bank->ledger, notice, again, now_ms() + pause, answer))
		log_line(LOG_LEVEL_ERROR, "notify", "%s: not booked", notice->id);
	pthread_mutex_unlock(&bank->lock);
	log_line(LOG_LEVEL_INFO, "notify", "%s %s try %d: %ld %s%s", notice->id, notice->bill_no, notice->tries, status, answer,
		taken ? "" : again ? ", will try again" : ", given up");
	release(notifier, sending);
}

void notifier_run(struct notifier *notifier, int stop_fd)
{
	struct curl_waitfd stop = { .fd = stop_fd, .events = CURL_WAIT_POLLIN };
	for (;;) {
		int wait = start_due(notifier), running, queued;
		curl_multi_perform(notifier->multi, &running);
		CURLMsg *message;
		bool finished = false;
		while ((message = curl_multi_info_read(notifier->multi, &queued)) != NULL) {
			struct sending *sending = NULL;
			CURLcode result = message->data.result;
			curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&sending);
			finish(notifier, sending, result);
			finished = true;
		}
		if (finished) /* there is room, or one to send again at once */
			continue;
		curl_multi_poll(notifier->multi, &stop, 1, wait, NULL);
		if (stop.revents != 0)
			return;
	}
}
