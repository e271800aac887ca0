/* The gateway's two doors to the same operations: JSON with a parameter signature ("legacy") and the open platform
 * with a signature over the body. */
#include "bank/bank.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <certhall/clock.h>
#include <certhall/log.h>

#include "bank/bills.h"
#include "bank/ledger.h"
#include "bank/message.h"
#include "bank/signing.h"

enum { SKEW = 10 * 60 };

static const char *const codes[] = {
#define X(id, code, text) code,
#include "bank/verdict.h"
#undef X
};
static const char *const texts[] = {
#define X(id, code, text) text,
#include "bank/verdict.h"
#undef X
};

const char *verdict_code(enum verdict verdict)
{
	return codes[verdict];
}

const char *verdict_text(enum verdict verdict)
{
	return texts[verdict];
}

static bool close_to_now(const char *from, const char *shape)
{
	int64_t at;
	return message_moment(from, shape, &at) && llabs(at - clock_now()) <= SKEW;
}

static enum verdict check_legacy(struct bank *bank, json_object *in)
{
	char sign[65];
	const char *type = *message_text(in, "signType") != '\0' ? message_text(in, "signType") : "MD5";
	if (!signing_parameters(in, bank->merchant.key, type, sign) || !signing_equal(sign, message_text(in, "sign")))
		return VERDICT_SIGN;
	if (strcmp(message_text(in, "msgSrc"), bank->merchant.msg_src) != 0)
		return VERDICT_MERCHANT;
	return *message_text(in, "requestTimestamp") == '\0' ? VERDICT_TIMESTAMP : VERDICT_SUCCESS;
}

/* The value of name="value" in an Authorization header. */
static bool parameter(const char *header, const char *name, char *out, size_t size)
{
	char key[24];
	snprintf(key, sizeof key, "%s=\"", name);
	const char *from = strstr(header, key), *to = from != NULL ? strchr(from + strlen(key), '"') : NULL;
	if (to == NULL || (size_t)(to - from) - strlen(key) >= size)
		return false;
	snprintf(out, size, "%.*s", (int)((size_t)(to - from) - strlen(key)), from + strlen(key));
	return true;
}

static enum verdict check_open(struct bank *bank, const struct request *request)
{
	static const char scheme[] = "OPEN-BODY-SIG ";
	char app_id[129], timestamp[16], nonce[129], signature[65], expected[65];
	const char *header = request->authorization;
	if (header == NULL || strncmp(header, scheme, strlen(scheme)) != 0 || !parameter(header, "AppId", app_id, sizeof app_id)
		|| !parameter(header, "Timestamp", timestamp, sizeof timestamp) || !parameter(header, "Nonce", nonce, sizeof nonce)
		|| !parameter(header, "Signature", signature, sizeof signature) || strcmp(app_id, bank->merchant.app_id) != 0
		|| !signing_body(app_id, bank->merchant.app_key, timestamp, nonce, request->body, request->len, expected)
		|| !signing_equal(signature, expected))
		return VERDICT_SIGN;
	if (!close_to_now(timestamp, "00000000000000"))
		return VERDICT_TIMESTAMP;
	int64_t now = clock_now();
	return ledger_nonce(bank->ledger, nonce, now, now - 2 * SKEW) ? VERDICT_SUCCESS : VERDICT_REPLAYED;
}

static enum verdict check_merchant(const struct bank *bank, json_object *in)
{
	if (strcmp(message_text(in, "mid"), bank->merchant.mid) != 0 || strcmp(message_text(in, "tid"), bank->merchant.tid) != 0
		|| strcmp(message_text(in, "instMid"), "QRPAYDEFAULT") != 0)
		return VERDICT_MERCHANT;
	const char *timestamp = message_text(in, "requestTimestamp");
	return *timestamp == '\0' || close_to_now(timestamp, MESSAGE_DATE_TIME) ? VERDICT_SUCCESS : VERDICT_TIMESTAMP;
}

static json_object *parse(const struct request *request)
{
	struct json_tokener *tokener = json_tokener_new_ex(8);
	if (tokener == NULL)
		return NULL;
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	json_object *in = json_tokener_parse_ex(tokener, request->body, (int)request->len + 1);
	if (json_tokener_get_error(tokener) != json_tokener_success || !json_object_is_type(in, json_type_object)) {
		json_object_put(in);
		in = NULL;
	}
	json_tokener_free(tokener);
	return in;
}

/* Takes one use of a fault of answers; with refunds_only on none but of a refund's. */
static bool spoil(const struct bank *bank, const struct request *request, int64_t *fault)
{
	bool refund = strstr(request->path, "refund") != NULL || strstr(request->body, "\"bills.refund\"") != NULL;
	return (refund || bank->faults.refunds_only == 0) && bank_fault(fault);
}

void gateway_handle(struct bank *bank, const struct request *request, struct reply *reply)
{
	if (strcmp(request->method, "POST") != 0) {
		reply_text(reply, 405, "text/plain", "POST only\n");
		return;
	}
	if (spoil(bank, request, &bank->faults.fail_5xx)) {
		reply_text(reply, 503, "text/html", "<html><body>503 Service Unavailable</body></html>\n");
		return;
	}
	bool legacy = strcmp(request->path, "/netpay-route-server/api/") == 0;
	json_object *in = parse(request), *out = json_object_new_object();
	enum verdict verdict = legacy ? VERDICT_SUCCESS : check_open(bank, request);
	unsigned status = verdict == VERDICT_SUCCESS ? 200 : 401;
	if (verdict == VERDICT_SUCCESS && in == NULL)
		verdict = VERDICT_FORMAT;
	if (verdict == VERDICT_SUCCESS && legacy)
		verdict = check_legacy(bank, in);
	if (verdict == VERDICT_SUCCESS)
		verdict = check_merchant(bank, in);
	const char *msg_type = legacy && in != NULL ? message_text(in, "msgType") : NULL;
	const struct operation *op = bills_operation(msg_type, request->path);
	if (verdict == VERDICT_SUCCESS)
		verdict = op != NULL ? op->run(bank, in, out) : VERDICT_UNKNOWN_TYPE;
	log_line(LOG_LEVEL_INFO, "gateway", "%s %s: %s", op != NULL ? op->msg_type : "?", in != NULL ? message_text(in, "billNo") : "",
		verdict_code(verdict));

	char when[24];
	message_put(out, "errCode", verdict_code(verdict));
	message_put(out, "errMsg", verdict_text(verdict));
	message_put(out, "mid", bank->merchant.mid);
	message_put(out, "tid", bank->merchant.tid);
	message_put(out, "instMid", "QRPAYDEFAULT");
	message_put(out, "responseTimestamp", clock_date_time(clock_now(), when, sizeof when));
	if (msg_type != NULL) {
		message_put(out, "msgType", msg_type);
		message_put(out, "msgSrc", bank->merchant.msg_src);
	}
	json_object_put(in);
	reply_json(reply, status, out);
	reply->wait_ms = bank->faults.slow_ms;
	if (spoil(bank, request, &bank->faults.not_json)) {
		reply->body.len = 0;
		reply_text(reply, 200, "text/html", "<html><body>系统维护中</body></html>\n");
	}
	if (spoil(bank, request, &bank->faults.truncate))
		reply->cut = reply->body.len / 2;
}
