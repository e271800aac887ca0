#include "service/chat.h"

/* One that has not been heard of is offline, whatever it said last. */
#define AGENT_SELECT "SELECT a.id, a.name, a.role, CASE WHEN a.seen > ? THEN a.state ELSE 0 END, a.most," \
	" (SELECT count(*) FROM conversation c WHERE c.agent = a.id AND c.state IN (0, 1)) FROM agent a WHERE a.removed = 0 "

static void read_row(struct sql_stmt *q, struct agent *out)
{
	*out = (struct agent){ 0 };
	sql_get_text(q, 0, out->id, sizeof out->id);
	sql_get_text(q, 1, out->name, sizeof out->name);
	out->role = (int)sql_get_int(q, 2);
	out->state = (int)sql_get_int(q, 3);
	out->most = sql_get_int(q, 4);
	out->serving = sql_get_int(q, 5);
}

int agent_of_certificate(struct sql *db, const char *fingerprint, int64_t now, struct agent *out, struct error *err)
{
	struct sql_stmt *q = sql_prepare(db, AGENT_SELECT "AND a.fingerprint = ?");
	*out = (struct agent){ 0 };
	sql_int(q, now - AGENT_LOST);
	sql_text(q, fingerprint);
	if (sql_row(q))
		read_row(q, out);
	return sql_done(q, err);
}

int agent_list(struct sql *db, int64_t now, struct agent out[CHAT_AGENTS], size_t *count, struct error *err)
{
	struct sql_stmt *q = sql_prepare(db, AGENT_SELECT "ORDER BY CASE WHEN a.seen > ? AND a.state > 0 THEN a.state ELSE 9 END, a.name, a.id");
	sql_int(q, now - AGENT_LOST);
	sql_int(q, now - AGENT_LOST);
	for (*count = 0; *count < CHAT_AGENTS && sql_row(q); ++*count)
		read_row(q, &out[*count]);
	return sql_done(q, err);
}

int agent_on_duty(struct sql *db, int64_t now, int64_t *count, struct error *err)
{
	struct sql_stmt *q = sql_prepare(db, "SELECT count(*) FROM agent WHERE removed = 0 AND role = ? AND state > 0 AND seen > ?");
	sql_int(q, ROLE_AGENT);
	sql_int(q, now - AGENT_LOST);
	*count = sql_row(q) ? sql_get_int(q, 0) : 0;
	return sql_done(q, err);
}
