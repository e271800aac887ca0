/* Notifications: a form, signed by the parameter method over the decoded values, fields we do not know among them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <unistr.h>

#include "service/payment/chinaums.h"

enum { BODY_MAX = 64 * 1024, FIELDS_MAX = 100 };

static int refused(struct error *err, const char *why)
{
	return error_set(err, ERR_BAD_INPUT, "notification", "notification: %s", why);
}

static int nibble(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* application/x-www-form-urlencoded, in place: what results is never longer. */
static bool decode(char *text)
{
	char *to = text;
	for (const char *from = text; *from != '\0'; from++) {
		char c = *from == '+' ? ' ' : *from;
		if (c == '%') {
			int high = nibble(from[1]), low = high < 0 ? -1 : nibble(from[2]);
			if (low < 0 || (high | low) == 0)
				return false;
			c = (char)(high << 4 | low);
			from += 2;
		}
		*to++ = c;
	}
	*to = '\0';
	return u8_check((const uint8_t *)text, (size_t)(to - text)) == NULL;
}

static const char *value_of(const struct chinaums_field *fields, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(fields[i].name, name) == 0)
			return fields[i].value;
	return "";
}

/* text is cut up and decoded; every name once, so that there is one reading of it. */
static int split(char *text, struct chinaums_field *fields, size_t *count, struct error *err)
{
	char *rest = text, *part;
	*count = 0;
	while ((part = strsep(&rest, "&")) != NULL) {
		char *equals = strchr(part, '=');
		if (equals == NULL || *count == FIELDS_MAX)
			return refused(err, "no form, or too many fields");
		*equals = '\0';
		if (!decode(part) || !decode(equals + 1) || *part == '\0')
			return refused(err, "badly encoded");
		for (size_t i = 0; i < *count; i++)
			if (strcmp(fields[i].name, part) == 0)
				return refused(err, "a field comes twice");
		fields[(*count)++] = (struct chinaums_field){ part, equals + 1 };
	}
	return 0;
}

/* By what it says, or by its length; never a weaker digest than the one agreed upon. */
static int verify(const struct chinaums *ums, struct chinaums_field *fields, size_t count, struct error *err)
{
	const char *sign = value_of(fields, count, "sign"), *type = value_of(fields, count, "signType");
	enum chinaums_digest digest = strlen(sign) == 64 ? CHINAUMS_SHA256 : CHINAUMS_MD5;
	if (*type != '\0' && strcmp(type, digest == CHINAUMS_SHA256 ? "SHA256" : "MD5") != 0)
		return refused(err, "signature of another kind than it says");
	if (digest < ums->digest)
		return refused(err, "signature weaker than sign_type");
	char expected[65];
	int rc = chinaums_sign_fields(fields, count, ums->key, digest, expected);
	if (rc != 0)
		return error_set(err, (enum error_code)rc, "signature", "cannot check the signature");
	if (strlen(sign) != strlen(expected) || CRYPTO_memcmp(sign, expected, strlen(expected)) != 0)
		return refused(err, "the signature is wrong");
	return 0;
}

static int interpret(const struct chinaums *ums, const struct chinaums_field *fields, size_t count, char *bill_no,
	struct payment_result *out, struct error *err)
{
	const char *inst = value_of(fields, count, "instMid"), *no = value_of(fields, count, "billNo");
	if (strcmp(value_of(fields, count, "mid"), ums->mid) != 0 || strcmp(value_of(fields, count, "tid"), ums->tid) != 0
		|| (*inst != '\0' && strcmp(inst, "QRPAYDEFAULT") != 0))
		return refused(err, "for another merchant");
	if (strncmp(no, ums->source_id, strlen(ums->source_id)) != 0 || strlen(no) >= PAYMENT_NO_SIZE)
		return refused(err, "no bill of ours");
	const char *text = value_of(fields, count, "billPayment");
	json_object *payment = NULL;
	if (*text != '\0' && (payment = chinaums_read_json(text, strlen(text))) == NULL)
		return refused(err, "billPayment is no JSON object");
	strcpy(bill_no, no);
	chinaums_read_result(value_of(fields, count, "billStatus"), chinaums_read_fen(value_of(fields, count, "totalAmount")), payment, out);
	json_object_put(payment);
	return 0;
}

int chinaums_notify(struct payment *payment, const char *body, size_t len, char *bill_no, struct payment_result *out, struct error *err)
{
	const struct chinaums *ums = (const struct chinaums *)payment;
	if (len > BODY_MAX)
		return error_set(err, ERR_TOO_LARGE, "", "notification of %zu bytes", len);
	struct chinaums_field fields[FIELDS_MAX];
	size_t count = 0;
	char *text = strndup(body, len);
	if (text == NULL)
		return error_set(err, ERR_NO_MEMORY, "", "notification");
	int rc = strlen(text) == len ? split(text, fields, &count, err) : refused(err, "a NUL in it");
	rc = rc != 0 ? rc : verify(ums, fields, count, err);
	rc = rc != 0 ? rc : interpret(ums, fields, count, bill_no, out, err);
	free(text);
	return rc;
}
