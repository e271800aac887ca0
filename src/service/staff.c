#include <string.h>
#include <strings.h>

#include <certhall/text.h>

#include "service/bill.h"

/* What the commands of staff share: who they are, and which payment they mean. */

int staff_name(const char *by, char out[STAFF_NAME], struct error *err)
{
	text_sanitize(by, out, STAFF_NAME, false);
	text_normalize(out, out, STAFF_NAME);
	return out[0] != '\0' ? 0 : error_set(err, ERR_BAD_INPUT, "--by", "a name is wanted");
}

bool staff_same(const char *one, const char *other)
{
	return strcasecmp(one, other) == 0;
}

int staff_only_one(struct sql_stmt *q, const char *number, const char *none, char first[PAYMENT_NO_SIZE], int64_t *second, struct error *err)
{
	int count = 0;
	while (sql_row(q)) {
		if (count++ == 0) {
			sql_get_text(q, 0, first, PAYMENT_NO_SIZE);
			*second = sql_get_int(q, 1);
		}
	}
	int rc = sql_done(q, err);
	if (rc != 0 || count == 1)
		return rc;
	return error_set(err, ERR_ORDER_STATE, number, "%s", count == 0 ? none : "more than one: say which with --bill");
}
