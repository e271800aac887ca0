#include "certhalld/statement.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <certhall/clock.h>

enum { FIELDS = 6 };

static int bad(struct error *err, size_t line, const char *why)
{
	return error_set(err, ERR_BAD_INPUT, "statement", "line %zu: %s", line, why);
}

static size_t split(char *line, char *fields[FIELDS])
{
	size_t count = 0;
	char *rest = line, *part;
	while ((part = strsep(&rest, ",")) != NULL) {
		if (count == FIELDS)
			return FIELDS + 1;
		fields[count++] = part;
	}
	return count;
}

static bool number(const char *text, int64_t *out)
{
	char *end;
	*out = strtoll(text, &end, 10);
	return *text >= '0' && *text <= '9' && *end == '\0' && strlen(text) < 16;
}

/* China time, as everything the gateway says. */
static bool moment(const char *text, int64_t *out)
{
	char rfc3339[40];
	if (strlen(text) != 19 || text[10] != ' ')
		return false;
	snprintf(rfc3339, sizeof rfc3339, "%.10sT%s+08:00", text, text + 11);
	return clock_parse_rfc3339(rfc3339, out) == 0;
}

static bool copy(const char *from, char to[64])
{
	return snprintf(to, 64, "%s", from) < 64;
}

static bool take_row(struct statement *out, char *fields[FIELDS])
{
	struct statement_row row = { .refund = strcmp(fields[0], "refund") == 0 };
	if ((!row.refund && strcmp(fields[0], "payment") != 0) || !copy(fields[1], row.bill_no) || !copy(fields[2], row.transaction)
		|| !copy(fields[3], row.refund_no) || !number(fields[4], &row.amount) || !moment(fields[5], &row.at))
		return false;
	struct statement_row *more = reallocarray(out->rows, out->count + 1, sizeof *more);
	if (more == NULL)
		return false;
	out->rows = more;
	out->rows[out->count++] = row;
	*(row.refund ? &out->given : &out->paid) += row.amount;
	return true;
}

static bool total_fits(const struct statement *out, char *fields[FIELDS])
{
	int64_t said[4], refunds = 0;
	for (size_t i = 0; i < out->count; i++)
		refunds += out->rows[i].refund;
	for (int i = 0; i < 4; i++)
		if (!number(fields[i + 1], &said[i]))
			return false;
	return said[0] == (int64_t)out->count - refunds && said[1] == out->paid && said[2] == refunds && said[3] == out->given;
}

static int read_lines(char *text, const char *date, struct statement *out, struct error *err)
{
	char *rest = text, *line, *fields[FIELDS];
	for (size_t at = 1; (line = strsep(&rest, "\n")) != NULL; at++) {
		line[strcspn(line, "\r")] = '\0';
		size_t count = split(line, fields);
		if (at == 1 && (count != 3 || strcmp(fields[0], "statement") != 0 || strcmp(fields[1], "1") != 0 || strcmp(fields[2], date) != 0))
			return bad(err, at, "not a statement of that day");
		if (at <= 2)
			continue;
		if (count == 5 && strcmp(fields[0], "total") == 0)
			return total_fits(out, fields) ? 0 : bad(err, at, "the sums do not fit the rows");
		if (count != FIELDS || !take_row(out, fields))
			return bad(err, at, "not understood");
	}
	return bad(err, out->count + 3, "cut off: no total");
}

static const char *key_of(const struct statement_row *row)
{
	return row->refund ? row->refund_no : row->transaction;
}

static int by_key(const void *a, const void *b)
{
	const struct statement_row *one = *(struct statement_row *const *)a, *other = *(struct statement_row *const *)b;
	return one->refund != other->refund ? one->refund - other->refund : strcmp(key_of(one), key_of(other));
}

bool statement_has(const struct statement *statement, bool refund, const char *key)
{
	struct statement_row wanted = { .refund = refund }, *at = &wanted;
	snprintf(refund ? wanted.refund_no : wanted.transaction, sizeof wanted.refund_no, "%s", key);
	return statement->count > 0 && bsearch(&at, statement->by_key, statement->count, sizeof at, by_key) != NULL;
}

static int sort(struct statement *out, struct error *err)
{
	out->by_key = calloc(out->count + 1, sizeof *out->by_key);
	if (out->by_key == NULL)
		return error_set(err, ERR_NO_MEMORY, NULL, "statement");
	for (size_t i = 0; i < out->count; i++)
		out->by_key[i] = &out->rows[i];
	qsort(out->by_key, out->count, sizeof *out->by_key, by_key);
	return 0;
}

int statement_read(const struct bytes *text, const char *date, struct statement *out, struct error *err)
{
	*out = (struct statement){ 0 };
	char *copy = strndup(text->data != NULL ? (const char *)text->data : "", text->len);
	if (copy == NULL)
		return error_set(err, ERR_NO_MEMORY, NULL, "statement");
	int rc = read_lines(copy, date, out, err);
	free(copy);
	return rc == 0 ? sort(out, err) : rc;
}

void statement_free(struct statement *statement)
{
	free(statement->rows);
	free(statement->by_key);
	*statement = (struct statement){ 0 };
}
