#include <string.h>

#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

#include <certhall/i18n.h>
#include <certhall/text.h>

#include "service/bill.h"

/* What the commands of staff share: who they are, and which payment they mean. */

int staff_name(const char *by, char out[STAFF_NAME], struct error *err)
{
	text_sanitize(by, out, STAFF_NAME, false);
	text_normalize(out, out, STAFF_NAME);
	return out[0] != '\0' ? 0 : error_set(err, ERR_BAD_INPUT, "--by", _("a name is wanted"));
}

/* Letters and digits alone: spaces and points make nobody another person. */
static size_t bare_name(const char *name, uint8_t out[STAFF_NAME])
{
	uint32_t uc;
	size_t len = 0;
	for (size_t n; (n = text_character(name, &uc)) > 0; name += n) {
		if (!uc_is_general_category(uc, UC_LETTER) && !uc_is_general_category(uc, UC_NUMBER) && !uc_is_general_category(uc, UC_MARK))
			continue;
		memcpy(out + len, name, n);
		len += n;
	}
	return len;
}

bool staff_same(const char *one, const char *other)
{
	uint8_t mine[STAFF_NAME], theirs[STAFF_NAME];
	size_t my_len = bare_name(one, mine), their_len = bare_name(other, theirs);
	int differs = 0;
	return u8_casecmp(mine, my_len, theirs, their_len, NULL, UNINORM_NFKC, &differs) != 0 || differs == 0;
}

int staff_begin(struct sql *db, const char *by, char name[STAFF_NAME], struct error *err)
{
	int rc = staff_name(by, name, err);
	return rc == 0 ? sql_begin(db, err) : rc;
}

int staff_only_one(struct sql_stmt *q, const char *number, const char *bill_no, const char *none, char first[PAYMENT_NO_SIZE], int64_t *second,
	struct error *err)
{
	int count = 0;
	sql_text(q, number);
	sql_text(q, bill_no != NULL ? bill_no : "");
	sql_text(q, bill_no != NULL ? bill_no : "");
	while (sql_row(q)) {
		if (count++ == 0) {
			sql_get_text(q, 0, first, PAYMENT_NO_SIZE);
			*second = sql_get_int(q, 1);
		}
	}
	int rc = sql_done(q, err);
	if (rc != 0 || count == 1)
		return rc;
	return error_set(err, ERR_STAFF_REFUSED, number, "%s", count == 0 ? none : _("more than one: say which with --bill"));
}
