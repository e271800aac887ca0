#include <stdio.h>
#include <string.h>

#include "service/captcha.h"
#include "service/invoice.h"

enum { ID_BYTES = 16, CAPTCHAS_MAX = 100000 };

static int store(struct call *call, const char *id, const char *digits, struct error *err)
{
	struct sql_stmt *q = sql_prepare(call->db, "INSERT INTO captcha (id, answer, expires) SELECT ?, ?, ? WHERE (SELECT count(*) FROM captcha) < ?");
	sql_text(q, id);
	sql_text(q, digits);
	sql_int(q, call->now + CAPTCHA_SECONDS);
	sql_int(q, CAPTCHAS_MAX);
	int64_t changed;
	int rc = sql_changed(q, &changed, err);
	return rc != 0 || changed == 1 ? rc : error_set(err, ERR_NET_OVERLOADED, NULL, "captchas");
}

HALL_HANDLER(captchas_post)
{
	struct call call = call_begin(ctx, request, worker);
	uint8_t random[ID_BYTES + CAPTCHA_DIGITS], seed[32];
	char digits[CAPTCHA_DIGITS + 1] = "";
	struct captcha captcha = { .expires = call.now + CAPTCHA_SECONDS, .width = CAPTCHA_WIDTH, .height = CAPTCHA_HEIGHT };
	/* Fewer than other requests: each picture is kept for a while, and there is room for so many of everybody's. */
	int rc = call_rate(&call, call.hall->settings.captcha_rate, call.hall->settings.captcha_burst, "captcha", hs_address(request), err);
	if (rc != 0)
		return rc;
	if (pki_random(random, sizeof random) != 0 || pki_random(seed, sizeof seed) != 0)
		return error_set(err, ERR_UNEXPECTED, "random", "no random bytes");
	hex_encode(random, ID_BYTES, captcha.id);
	for (int i = 0; i < CAPTCHA_DIGITS; i++)
		digits[i] = (char)('0' + random[ID_BYTES + i] % 10);
	rc = captcha_draw(digits, seed, &captcha.pixels) == 0 ? 0 : error_set(err, ERR_NO_MEMORY, NULL, "captcha");
	if (rc == 0)
		rc = store(&call, captcha.id, digits, err);
	if (rc == 0)
		rc = hs_answer(request, 201, captcha_codec, &captcha);
	bytes_free(&captcha.pixels);
	return rc;
}

int captcha_use(struct sql *db, const char *id, const char *answer, int64_t now, bool *right, struct error *err)
{
	char wanted[CAPTCHA_DIGITS + 1] = "";
	int64_t expires = 0;
	struct sql_stmt *q = sql_prepare(db, "DELETE FROM captcha WHERE id = ? RETURNING answer, expires");
	sql_text(q, id);
	if (sql_row(q)) {
		sql_get_text(q, 0, wanted, sizeof wanted);
		expires = sql_get_int(q, 1);
	}
	*right = wanted[0] != '\0' && now < expires && strcmp(wanted, answer) == 0;
	return sql_done(q, err);
}
