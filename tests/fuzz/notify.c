/* A notification of the payment gateway, as anybody could send one. The signature is made right when the first byte is '+', so
 * that what stands behind it is reached as well. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "service/payment/chinaums.h"

static const struct chinaums gateway = { .mid = "000000000000001", .tid = "00000001", .source_id = "1017",
	.key = "sandbox-key-not-secret", .digest = CHINAUMS_SHA256 };

static int give(const char *body, size_t len)
{
	char bill_no[PAYMENT_NO_SIZE] = "";
	struct payment_result result = { 0 };
	struct error err;
	int code = chinaums_notify((struct payment *)(void *)&gateway, body, len, bill_no, &result, &err);
	if (code == 0) {
		HOLDS(strncmp(bill_no, "1017", 4) == 0);
		fuzz_is_clean(result.wallet, false);
		HOLDS(result.status >= PAYMENT_UNKNOWN && result.status <= PAYMENT_REFUNDED);
	}
	return code;
}

/* Signs the fields as they stand, undecoded: right for those that need no decoding. */
static void give_signed(const char *body)
{
	struct chinaums_field fields[64];
	char *text = strdup(body), *rest = text, *part, sign[65], *whole;
	size_t count = 0;
	HOLDS(text != NULL);
	while ((part = strsep(&rest, "&")) != NULL && count < 64) {
		char *equals = strchr(part, '=');
		if (equals == NULL)
			continue;
		*equals = '\0';
		fields[count++] = (struct chinaums_field){ part, equals + 1 };
	}
	if (chinaums_sign_fields(fields, count, gateway.key, CHINAUMS_SHA256, sign) == 0) {
		whole = malloc(strlen(body) + 80);
		HOLDS(whole != NULL);
		strcat(strcat(strcpy(whole, body), "&sign="), sign);
		give(whole, strlen(whole));
		free(whole);
	}
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	if (*text == '+')
		give_signed(text + 1);
	else
		HOLDS(give(text, size) != 0 || strstr(text, "sign=") != NULL);
	free(text);
	return 0;
}
