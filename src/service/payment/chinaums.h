/* ChinaUMS "C scan B" bills: the parts of its driver. Official pages: open.chinaums.com, saas-doc, netpay, bills. */
#ifndef SERVICE_PAYMENT_CHINAUMS_H
#define SERVICE_PAYMENT_CHINAUMS_H

#include <pthread.h>

#include <curl/curl.h>
#include <json-c/json.h>

#include <certhall/bytes.h>

#include "service/payment/driver.h"

enum chinaums_digest { CHINAUMS_MD5, CHINAUMS_SHA256 };

enum { CHINAUMS_HOSTS = 8, CHINAUMS_IDLE = 8 };

struct chinaums {
	struct payment base;
	bool open_platform; /* otherwise the older route, with a parameter signature */
	char url[256];      /* legacy: of the one door; open: before "/v1/netpay/bills/" */
	char mid[16], tid[9], source_id[5];
	char msg_src[64];
	char key[129]; /* communication key: legacy requests, and all notifications */
	char app_id[129], app_key[129];
	enum chinaums_digest digest;
	char notify_url[256];
	char ca_file[256]; /* empty: the system's */
	char hosts[CHINAUMS_HOSTS][128]; /* that a QR code may lead to */
	size_t host_count;
	long timeout_ms;
	pthread_mutex_t lock; /* of idle: handles keep their connection for the next call */
	CURL *idle[CHINAUMS_IDLE];
	size_t idle_count;
};

/* One operation: its name in the legacy transport and in the open platform. */
struct chinaums_operation {
	const char *msg_type, *path;
};

/* name=value, decoded. */
struct chinaums_field {
	char *name, *value;
};

/* chinaums_settings.c */
int chinaums_settings_read(const config_setting_t *settings, struct chinaums *ums, struct error *err) CH_MUST_CHECK;
/* The code's address is one we lead a payer to: scheme, host, length, no user name. */
bool chinaums_settings_allow(const struct chinaums *ums, const char *qr_url);

/* chinaums_sign.c. Parameter signature: fields but "sign" and empty ones, sorted by byte order of the name, joined
 * name=value by "&", the key behind, digest, upper-case hex; sorts fields. out holds 65. */
int chinaums_sign_fields(struct chinaums_field *fields, size_t count, const char *key, enum chinaums_digest digest, char *out) CH_MUST_CHECK;
/* The same for the members of an object; nested ones enter as their JSON text. */
int chinaums_sign_object(json_object *object, const char *key, enum chinaums_digest digest, char *out) CH_MUST_CHECK;
/* OPEN-BODY-SIG: base64(HMAC-SHA256(app_key, app_id + timestamp + nonce + lowerhex(SHA256(body)))). out holds 45. */
int chinaums_sign_body(const char *app_id, const char *app_key, const char *timestamp, const char *nonce, const char *body,
	size_t len, char *out) CH_MUST_CHECK;

/* chinaums_http.c. Sends request (business members; taken over) and gives the answer's object, to be put by the caller.
 * 0 with *code the answer's errCode (borrowed of *answer); ERR_PAYMENT_UNAVAILABLE: no usable answer. */
int chinaums_http_call(struct chinaums *ums, const struct chinaums_operation *operation, json_object *request,
	json_object **answer, const char **code, struct error *err) CH_MUST_CHECK;
/* POSTs JSON to a path beside the gateway's door (the simulator's control). */
int chinaums_http_post(struct chinaums *ums, const char *path, const char *json, json_object **answer, struct error *err) CH_MUST_CHECK;
void chinaums_http_free(struct chinaums *ums);

/* chinaums_notify.c */
int chinaums_notify(struct payment *payment, const char *body, size_t len, char *bill_no, struct payment_result *out, struct error *err);

/* chinaums_read.c: members of what came from outside. */
json_object *chinaums_read_json(const char *text, size_t len); /* strictly one object; NULL otherwise */
const char *chinaums_read_text(json_object *object, const char *name); /* "" when it is no string; borrowed */
int64_t chinaums_read_amount(json_object *object, const char *name); /* fen, a number or digits; -1 */
int64_t chinaums_read_fen(const char *digits); /* -1 when it is no amount */
/* "2026-11-22 23:34:33", China time; 0 when it is not. */
int64_t chinaums_read_moment(const char *text);
enum payment_status chinaums_read_status(const char *bill_status);
/* Fills in a result: status from bill_status, amount, and the payment (billPayment, may be NULL). */
void chinaums_read_result(const char *bill_status, int64_t amount, json_object *payment, struct payment_result *out);

#endif
