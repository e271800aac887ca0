/* A bank's statement of a day, read from its file (docs/operations.md tells the form). */
#ifndef CERTHALLD_STATEMENT_H
#define CERTHALLD_STATEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <certhall/bytes.h>
#include <certhall/error.h>

struct statement_row {
	bool refund;
	char bill_no[64], transaction[64], refund_no[64]; /* transaction: of a payment, refund_no: of a refund */
	int64_t amount, at; /* fen, seconds since 1970 */
};

struct statement {
	struct statement_row *rows, **by_key;
	size_t count;
	int64_t paid, given; /* fen */
};

/* ERR_BAD_INPUT: of another day, malformed, cut off, or its sums do not add up. */
int statement_read(const struct bytes *text, const char *date, struct statement *out, struct error *err) CH_MUST_CHECK;
/* Whether a payment of that transaction, or a refund of that number, is on it. */
bool statement_has(const struct statement *statement, bool refund, const char *key);
void statement_free(struct statement *statement);

#endif
