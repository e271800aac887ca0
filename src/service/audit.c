#include "service/audit.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <certhall/pki.h>
#include <certhall/text.h>

static char own_node[AUDIT_NODE] = "1";
static _Thread_local char own_actor[96] = "hall";

void audit_open(const char *node)
{
	snprintf(own_node, sizeof own_node, "%s", node);
}

void audit_as(const char *actor)
{
	text_sanitize(actor, own_actor, sizeof own_actor, true);
}

static size_t add_field(char *out, size_t used, size_t size, const char *field)
{
	return used + (size_t)snprintf(out + used, size - used, "%zu:%s,", strlen(field), field);
}

void audit_hash(const struct audit_row *row, const char *before, char out[AUDIT_HASH])
{
	char text[sizeof *row + 256], seq[24], at[24];
	snprintf(seq, sizeof seq, "%lld", (long long)row->seq);
	snprintf(at, sizeof at, "%lld", (long long)row->at);
	const char *const fields[] = { row->node, seq, at, row->actor, row->action, row->subject, row->details, before };
	size_t used = 0;
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
		used = add_field(text, used, sizeof text, fields[i]);
	uint8_t digest[PKI_SHA256];
	pki_sha256(text, used, digest);
	hex_encode(digest, sizeof digest, out);
}

int audit_head(struct sql *db, const char *node, struct audit_row *out, struct error *err)
{
	*out = (struct audit_row){ 0 };
	snprintf(out->node, sizeof out->node, "%s", node);
	struct sql_stmt *q = sql_prepare(db, "SELECT seq, hash FROM audit_head WHERE node = ?");
	sql_text(q, node);
	if (sql_row(q)) {
		out->seq = sql_get_int(q, 0);
		sql_get_text(q, 1, out->hash, sizeof out->hash);
	}
	return sql_done(q, err);
}

static int insert(struct sql *db, const struct audit_row *row, struct error *err)
{
	struct sql_stmt *q = sql_prepare(db,
		"INSERT INTO audit (node, seq, at, actor, action, subject, details, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
	sql_text(q, row->node);
	sql_int(q, row->seq);
	sql_int(q, row->at);
	sql_text(q, row->actor);
	sql_text(q, row->action);
	sql_text(q, row->subject);
	sql_text(q, row->details);
	sql_text(q, row->hash);
	return sql_done(q, err);
}

static int remember(struct sql *db, const struct audit_row *row, struct error *err)
{
	struct sql_stmt *q = sql_prepare(db, "INSERT INTO audit_head (node, seq, hash) VALUES (?, ?, ?)"
		" ON CONFLICT (node) DO UPDATE SET seq = excluded.seq, hash = excluded.hash");
	sql_text(q, row->node);
	sql_int(q, row->seq);
	sql_text(q, row->hash);
	return sql_done(q, err);
}

int audit_write(struct sql *db, int64_t now, const char *action, const char *subject, struct error *err, const char *details, ...)
{
	struct audit_row before, row = { .at = now };
	if (!sql_in_transaction(db))
		return error_set(err, ERR_UNEXPECTED, "audit", "%s is told outside a transaction", action);
	va_list args;
	va_start(args, details);
	vsnprintf(row.details, sizeof row.details, details, args);
	va_end(args);
	snprintf(row.actor, sizeof row.actor, "%s", own_actor);
	snprintf(row.action, sizeof row.action, "%s", action);
	snprintf(row.subject, sizeof row.subject, "%s", subject);
	int rc = audit_head(db, own_node, &before, err);
	if (rc != 0)
		return rc;
	memcpy(row.node, before.node, sizeof row.node);
	row.seq = before.seq + 1;
	audit_hash(&row, before.hash, row.hash);
	rc = insert(db, &row, err);
	return rc == 0 ? remember(db, &row, err) : rc;
}

char *audit_mask(const char *words, char *out, size_t size)
{
	enum { RUN = 5, SHOWN = 2 };
	text_sanitize(words, out, size, true);
	for (char *p = out; *p != '\0';) {
		size_t digits = 0, mail = strcspn(p, " ");
		while (isalnum((unsigned char)p[digits]) || (digits > 0 && p[digits] == '-'))
			digits++;
		bool number = digits >= RUN && strpbrk(p, "0123456789") != NULL && strpbrk(p, "0123456789") < p + digits;
		size_t stars = memchr(p, '@', mail) != NULL ? mail : number ? digits - SHOWN : 0;
		memset(p, '*', stars);
		p += stars > 0 && stars == mail ? mail : digits > 0 ? digits : 1;
	}
	return out;
}

bool audit_next(struct sql_stmt *q, struct audit_row *out)
{
	if (!sql_row(q))
		return false;
	sql_get_text(q, 0, out->node, sizeof out->node);
	out->seq = sql_get_int(q, 1);
	out->at = sql_get_int(q, 2);
	sql_get_text(q, 3, out->actor, sizeof out->actor);
	sql_get_text(q, 4, out->action, sizeof out->action);
	sql_get_text(q, 5, out->subject, sizeof out->subject);
	sql_get_text(q, 6, out->details, sizeof out->details);
	sql_get_text(q, 7, out->hash, sizeof out->hash);
	return true;
}
