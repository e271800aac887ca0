#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/rand.h>

#include <certhall/clock.h>
#include <certhall/log.h>
#include <certhall/text.h>

#include "service/payment/chinaums.h"

enum { ANSWER_MAX = 256 * 1024 };

static CURL *take_handle(struct chinaums *ums)
{
	pthread_mutex_lock(&ums->lock);
	CURL *curl = ums->idle_count > 0 ? ums->idle[--ums->idle_count] : NULL;
	pthread_mutex_unlock(&ums->lock);
	return curl != NULL ? curl : curl_easy_init();
}

static void give_handle(struct chinaums *ums, CURL *curl)
{
	curl_easy_reset(curl);
	pthread_mutex_lock(&ums->lock);
	bool kept = ums->idle_count < CHINAUMS_IDLE;
	if (kept)
		ums->idle[ums->idle_count++] = curl;
	pthread_mutex_unlock(&ums->lock);
	if (!kept)
		curl_easy_cleanup(curl);
}

void chinaums_http_free(struct chinaums *ums)
{
	while (ums->idle_count > 0)
		curl_easy_cleanup(ums->idle[--ums->idle_count]);
}

/* Only what is named here is ever logged: the rest may be a payer's, or a signature. */
static void log_message(const char *direction, json_object *message)
{
	static const char *const names[] = { "msgType", "msgId", "billNo", "billDate", "qrCodeId", "totalAmount", "refundOrderId",
		"refundAmount", "errCode", "billStatus", "refundStatus", "responseTimestamp" };
	char line[800] = "";
	size_t used = 0;
	for (size_t i = 0; i < sizeof names / sizeof *names && used < sizeof line; i++) {
		json_object *value = json_object_object_get(message, names[i]);
		char clean[80];
		if (value == NULL || json_object_is_type(value, json_type_object) || json_object_is_type(value, json_type_array))
			continue;
		text_sanitize(json_object_get_string(value), clean, sizeof clean, false);
		used += (size_t)snprintf(line + used, sizeof line - used, " %s=%s", names[i], clean);
	}
	log_line(LOG_LEVEL_DEBUG, "payment", "%s%s", direction, line);
}

static size_t receive(char *data, size_t size, size_t count, void *ctx)
{
	struct bytes *answer = ctx;
	size_t len = size * count;
	return answer->len + len <= ANSWER_MAX && bytes_append(answer, data, len) == 0 ? len : 0;
}

static struct curl_slist *headers(const char *authorization)
{
	struct curl_slist *list = curl_slist_append(NULL, "Content-Type: application/json");
	struct curl_slist *more = list != NULL ? curl_slist_append(list, "Expect:") : NULL;
	if (more != NULL && authorization[0] != '\0')
		more = curl_slist_append(more, authorization);
	if (more == NULL)
		curl_slist_free_all(list);
	return more;
}

static int unavailable(struct error *err, const char *why)
{
	return error_set(err, ERR_PAYMENT_UNAVAILABLE, "", "%s", why);
}

/* POSTs and gives the answer's bytes, whatever they are; *status is the HTTP status. */
static int post(struct chinaums *ums, const char *url, const char *authorization, const char *body, struct bytes *answer,
	long *status, struct error *err)
{
	CURL *curl = take_handle(ums);
	struct curl_slist *list = headers(authorization);
	char why[CURL_ERROR_SIZE] = "";
	if (curl == NULL || list == NULL) {
		curl_slist_free_all(list);
		curl_easy_cleanup(curl);
		return error_set(err, ERR_NO_MEMORY, "", "payment");
	}
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, ums->base.sandbox ? "http,https" : "https");
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L); /* threads */
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, ums->timeout_ms);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, ums->timeout_ms);
	curl_easy_setopt(curl, CURLOPT_MAXFILESIZE, (long)ANSWER_MAX);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, list);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
	if (ums->ca_file[0] != '\0') {
		curl_easy_setopt(curl, CURLOPT_CAINFO, ums->ca_file);
		curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
	}
	if (ums->base.sandbox)
		curl_easy_setopt(curl, CURLOPT_PROXY, "");
	CURLcode result = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, status);
	give_handle(ums, curl);
	curl_slist_free_all(list);
	return result == CURLE_OK ? 0 : unavailable(err, why[0] != '\0' ? why : curl_easy_strerror(result));
}

static int exchange(struct chinaums *ums, const char *url, const char *authorization, const char *body, json_object **answer,
	long *status, struct error *err)
{
	struct bytes bytes = { 0 };
	int rc = post(ums, url, authorization, body, &bytes, status, err);
	*answer = rc == 0 && bytes.len > 0 ? chinaums_read_json((const char *)bytes.data, bytes.len) : NULL;
	if (rc == 0 && *answer == NULL)
		rc = error_set(err, ERR_PAYMENT_UNAVAILABLE, "", "HTTP %ld, and no JSON in the answer", *status);
	bytes_free(&bytes);
	return rc;
}

static int random_hex(char *out, size_t bytes, struct error *err)
{
	unsigned char random[16];
	if (RAND_bytes(random, (int)bytes) != 1)
		return error_set(err, ERR_UNEXPECTED, "random", "no random bytes");
	hex_encode(random, bytes, out);
	return 0;
}

static int authorize(const struct chinaums *ums, const char *body, char *out, size_t size, struct error *err)
{
	char nonce[33], signature[45], timestamp[20], *to = timestamp;
	int rc = random_hex(nonce, 16, err);
	if (rc != 0)
		return rc;
	clock_date_time(clock_now(), timestamp, sizeof timestamp);
	for (const char *from = timestamp; *from != '\0'; from++) /* the digits of it alone */
		if (*from >= '0' && *from <= '9')
			*to++ = *from;
	*to = '\0';
	rc = chinaums_sign_body(ums->app_id, ums->app_key, timestamp, nonce, body, strlen(body), signature);
	if (rc != 0)
		return error_set(err, (enum error_code)rc, "signature", "cannot sign");
	snprintf(out, size, "Authorization: OPEN-BODY-SIG AppId=\"%s\", Timestamp=\"%s\", Nonce=\"%s\", Signature=\"%s\"", ums->app_id,
		timestamp, nonce, signature);
	return 0;
}

static void put(json_object *object, const char *name, const char *value)
{
	json_object_object_add(object, name, json_object_new_string(value));
}

/* The members every request has; in the legacy transport the signature is the last of them. */
static int complete(const struct chinaums *ums, const char *msg_type, json_object *request, struct error *err)
{
	char when[20], id[33], sign[65];
	int rc = random_hex(id, 16, err);
	if (rc != 0)
		return rc;
	put(request, "msgId", id);
	put(request, "requestTimestamp", clock_date_time(clock_now(), when, sizeof when));
	put(request, "mid", ums->mid);
	put(request, "tid", ums->tid);
	put(request, "instMid", "QRPAYDEFAULT");
	if (ums->open_platform)
		return 0;
	put(request, "msgSrc", ums->msg_src);
	put(request, "msgType", msg_type);
	put(request, "signType", ums->digest == CHINAUMS_MD5 ? "MD5" : "SHA256");
	rc = chinaums_sign_object(request, ums->key, ums->digest, sign);
	if (rc != 0)
		return error_set(err, (enum error_code)rc, "signature", "cannot sign");
	put(request, "sign", sign);
	return 0;
}

/* It is about us, when it says whom it is about. */
static bool ours(const struct chinaums *ums, json_object *answer)
{
	const char *mid = chinaums_read_text(answer, "mid"), *tid = chinaums_read_text(answer, "tid");
	return (*mid == '\0' || strcmp(mid, ums->mid) == 0) && (*tid == '\0' || strcmp(tid, ums->tid) == 0);
}

int chinaums_http_call(struct chinaums *ums, const struct chinaums_operation *operation, json_object *request,
	json_object **answer, const char **code, struct error *err)
{
	char url[400], authorization[640] = "";
	long status = 0;
	*answer = NULL;
	int rc = complete(ums, operation->msg_type, request, err);
	log_message("to the gateway:", request);
	const char *body = json_object_to_json_string_ext(request, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
	snprintf(url, sizeof url, "%s%s", ums->url, ums->open_platform ? operation->path : "");
	if (rc == 0 && ums->open_platform)
		rc = authorize(ums, body, authorization, sizeof authorization, err);
	if (rc == 0)
		rc = exchange(ums, url, authorization, body, answer, &status, err);
	json_object_put(request);
	if (rc == 0) {
		log_message("from the gateway:", *answer);
		*code = chinaums_read_text(*answer, "errCode");
		if (status != 200)
			rc = error_set(err, ERR_PAYMENT_UNAVAILABLE, "", "HTTP %ld, errCode %.40s", status, *code);
		else if (**code == '\0' || !ours(ums, *answer))
			rc = unavailable(err, "the answer has no errCode, or is for another merchant");
	}
	if (rc != 0) {
		json_object_put(*answer);
		*answer = NULL;
		log_line(LOG_LEVEL_WARN, "payment", "%s: %s", operation->msg_type, err != NULL ? err->detail : "failed");
	}
	return rc;
}

int chinaums_http_post(struct chinaums *ums, const char *path, const char *json, json_object **answer, struct error *err)
{
	long status;
	CURLU *parts = curl_url();
	char *url = NULL;
	bool ok = parts != NULL && curl_url_set(parts, CURLUPART_URL, ums->url, 0) == CURLUE_OK
		&& curl_url_set(parts, CURLUPART_PATH, path, 0) == CURLUE_OK && curl_url_get(parts, CURLUPART_URL, &url, 0) == CURLUE_OK;
	int rc = ok ? exchange(ums, url, "", json, answer, &status, err) : unavailable(err, "no address");
	curl_free(url);
	curl_url_cleanup(parts);
	return rc;
}
