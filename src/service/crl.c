#include <stdlib.h>

#include "service/service.h"

enum { FRESH_SECONDS = 3600 };

static int read_revoked(struct sql *db, struct ca_revoked **out, size_t *count, struct error *err)
{
	size_t room = 0;
	*out = NULL;
	*count = 0;
	bool complete = true;
	struct sql_stmt *q = sql_prepare(db,
		"SELECT serial, revoked_at, reason FROM certificate WHERE revoked_at IS NOT NULL AND issued_here = 1 ORDER BY revoked_at");
	while (sql_row(q)) {
		if (*count == room) {
			room = room * 2 + 64;
			struct ca_revoked *more = reallocarray(*out, room, sizeof **out);
			complete = more != NULL;
			if (!complete)
				break;
			*out = more;
		}
		struct ca_revoked *entry = &(*out)[(*count)++];
		sql_get_text(q, 0, entry->serial, sizeof entry->serial);
		entry->at = sql_get_int(q, 1);
		entry->reason = (int)sql_get_int(q, 2);
	}
	int rc = sql_done(q, err);
	return rc == 0 && !complete ? error_set(err, ERR_NO_MEMORY, NULL, "crl") : rc;
}

static int make(struct hall *hall, struct sql *db, int64_t now, struct error *err)
{
	struct ca_revoked *revoked;
	size_t count;
	int rc = read_revoked(db, &revoked, &count, err);
	if (rc == 0)
		rc = ca_crl(hall->ca, revoked, count, now, now, &hall->crl, err); /* the moment is a number that grows */
	free(revoked);
	if (rc == 0)
		hall->crl_made = now;
	return rc;
}

/* Another process (`certhalld revoke`) may have added to it, so the database is asked; signing is saved. */
int crl_get(struct hall *hall, struct sql *db, int64_t now, struct bytes *out, struct error *err)
{
	struct sql_stmt *q = sql_prepare(db, "SELECT count(*), max(revoked_at) FROM certificate WHERE revoked_at IS NOT NULL");
	int64_t count = 0, newest = 0;
	if (sql_row(q)) {
		count = sql_get_int(q, 0);
		newest = sql_get_int(q, 1);
	}
	int rc = sql_done(q, err);
	if (rc != 0)
		return rc;
	pthread_mutex_lock(&hall->crl_lock);
	if (hall->crl.len == 0 || count != hall->crl_count || newest != hall->crl_newest || now - hall->crl_made > FRESH_SECONDS
	    || hall->crl_made > now) /* by a clock that was set back since */ {
		rc = make(hall, db, now, err);
		hall->crl_count = rc == 0 ? count : -1;
		hall->crl_newest = newest;
	}
	if (rc == 0)
		rc = bytes_set(out, hall->crl.data, hall->crl.len);
	pthread_mutex_unlock(&hall->crl_lock);
	return rc;
}
