#include <stdio.h>
#include <string.h>
#include <time.h>

#include <certhall/clock.h>
#include <certhall/log.h>

#include "service/chat.h"

enum { WANTED_SECONDS = 120 /* so long one waits for an agent of one's choice who is busy */, QUEUE_MOST = 100 };

/* ---- what goes back to the queue ---- */

/* Offers nobody answered: the agent is passed over. */
static int pass_over(struct sql *db, int64_t now, int64_t *changed, struct error *err)
{
	struct sql_stmt *q = sql_prepare(db, "UPDATE conversation SET passed = passed || agent || ' ', agent = '', offered_until = 0, revision = revision + 1"
		" WHERE state = 0 AND agent <> '' AND offered_until <= ?");
	sql_int(q, now);
	return sql_changed(q, changed, err);
}

/* An agent who has gone leaves nobody behind. */
static int leave_gone(struct sql *db, int64_t now, int64_t *changed, struct error *err)
{
	struct sql_stmt *q = sql_prepare(db, "UPDATE conversation SET state = 0, since = ?, agent = '', wanted = '', offered_until = 0, revision = revision + 1"
		" WHERE state IN (0, 1) AND agent <> '' AND agent NOT IN (SELECT id FROM agent WHERE removed = 0 AND state > 0 AND seen > ?)");
	sql_int(q, now);
	sql_int(q, now - AGENT_LOST);
	return sql_changed(q, changed, err);
}

/* ---- who gets it ---- */

struct waiting {
	char id[CHAT_ID], wanted[CHAT_ID], passed[1024];
	int64_t since, number;
};

static bool has_word(const char *words, const char *word)
{
	size_t len = strlen(word);
	for (const char *at = words; (at = strstr(at, word)) != NULL; at += len)
		if ((at == words || at[-1] == ' ') && at[len] == ' ')
			return true;
	return false;
}

/* The least busy who is free; round is whether all that are free were passed over. */
static struct agent *choose(struct agent *agents, size_t count, const struct waiting *waiting, int64_t now, bool *round)
{
	struct agent *best = NULL;
	*round = false;
	for (size_t i = 0; i < count; i++) {
		struct agent *agent = &agents[i];
		bool wanted = strcmp(agent->id, waiting->wanted) == 0, passed = has_word(waiting->passed, agent->id);
		if (agent->role != ROLE_AGENT || agent->state == AGENT_OFFLINE)
			continue;
		bool free_now = agent->state == AGENT_ONLINE && agent->serving < agent->most;
		if (wanted && !passed)
			return free_now ? agent : now < waiting->since + WANTED_SECONDS ? NULL : best;
		if (!free_now)
			continue;
		*round = *round || passed;
		if (!passed && (best == NULL || agent->serving < best->serving))
			best = agent;
	}
	*round = *round && best == NULL;
	return best;
}

static int offer(struct sql *db, const struct waiting *waiting, struct agent *agent, int64_t until, struct error *err)
{
	struct sql_stmt *q = sql_prepare(db, "UPDATE conversation SET agent = ?, offered_until = ?, revision = revision + 1 WHERE id = ? AND state = 0 AND agent = ''");
	sql_text(q, agent->id);
	sql_int(q, until);
	sql_text(q, waiting->id);
	agent->serving++;
	return sql_done(q, err);
}

static int begin_round(struct sql *db, struct waiting *waiting, struct error *err)
{
	struct sql_stmt *q = sql_prepare(db, "UPDATE conversation SET passed = '', wanted = '' WHERE id = ?");
	sql_text(q, waiting->id);
	waiting->passed[0] = waiting->wanted[0] = '\0';
	return sql_done(q, err);
}

static int next_waiting(struct sql *db, struct waiting *waiting, struct error *err)
{
	struct sql_stmt *q = sql_prepare(db, "SELECT id, wanted, passed, since, number FROM conversation WHERE state = 0 AND agent = '' AND number > ?"
		" ORDER BY number LIMIT 1");
	sql_int(q, waiting->number);
	*waiting = (struct waiting){ 0 };
	if (sql_row(q)) {
		sql_get_text(q, 0, waiting->id, sizeof waiting->id);
		sql_get_text(q, 1, waiting->wanted, sizeof waiting->wanted);
		sql_get_text(q, 2, waiting->passed, sizeof waiting->passed);
		waiting->since = sql_get_int(q, 3);
		waiting->number = sql_get_int(q, 4);
	}
	return sql_done(q, err);
}

static bool somebody_free(const struct agent *agents, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (agents[i].role == ROLE_AGENT && agents[i].state == AGENT_ONLINE && agents[i].serving < agents[i].most)
			return true;
	return false;
}

static int offer_all(struct hall *hall, struct sql *db, int64_t now, int64_t *changed, struct error *err)
{
	struct agent agents[CHAT_AGENTS];
	struct waiting waiting = { 0 };
	size_t count;
	int rc = agent_list(db, now, agents, &count, err);
	for (int i = 0; rc == 0 && i < QUEUE_MOST && somebody_free(agents, count); i++) {
		bool round;
		rc = next_waiting(db, &waiting, err);
		if (rc != 0 || waiting.id[0] == '\0')
			break;
		struct agent *agent = choose(agents, count, &waiting, now, &round);
		if (round && (rc = begin_round(db, &waiting, err)) == 0)
			agent = choose(agents, count, &waiting, now, &round);
		if (rc == 0 && agent != NULL) {
			rc = offer(db, &waiting, agent, now + hall->settings.chat_answer, err);
			++*changed;
		}
	}
	return rc;
}

/* ---- telling ---- */

static void publish(const struct hall *hall, const char *kind, const char *id)
{
	char subject[64];
	if (hall->server == NULL || id[0] == '\0')
		return;
	snprintf(subject, sizeof subject, "%s%s", kind, id);
	hs_publish(hall->server, subject);
}

void chat_publish(const struct hall *hall, const char *id, const char *agent)
{
	publish(hall, CHAT_SUBJECT, id);
	publish(hall, DESK_SUBJECT, agent);
}

void chat_publish_queue(const struct hall *hall, struct sql *db)
{
	static const struct {
		const char *kind, *text;
	} all[] = { { CHAT_SUBJECT, "SELECT id FROM conversation WHERE state = 0" }, { DESK_SUBJECT, "SELECT id FROM agent WHERE removed = 0" } };
	struct error err;
	char id[CHAT_ID];
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		struct sql_stmt *q = sql_prepare(db, all[i].text);
		while (sql_row(q))
			publish(hall, all[i].kind, sql_get_text(q, 0, id, sizeof id));
		if (sql_done(q, &err) != 0)
			log_error("chat", &err);
	}
}

/* ---- when ---- */

/* Whether anything is to be done, without writing. */
static bool due(struct sql *db, int64_t now)
{
	struct error err;
	struct sql_stmt *q = sql_prepare(db, "SELECT 1 FROM conversation WHERE state IN (0, 1) AND ((state = 0 AND agent = '') OR (state = 0 AND offered_until <= ?)"
		" OR agent NOT IN (SELECT id FROM agent WHERE removed = 0 AND state > 0 AND seen > ?)) LIMIT 1");
	sql_int(q, now);
	sql_int(q, now - AGENT_LOST);
	bool yes = sql_row(q);
	return sql_done(q, &err) == 0 && yes;
}

void chat_assign(struct hall *hall, struct sql *db, int64_t now)
{
	struct error err;
	int64_t changed = 0, more = 0;
	if (!due(db, now) || sql_begin(db, &err) != 0)
		return;
	int rc = pass_over(db, now, &changed, &err);
	if (rc == 0)
		rc = leave_gone(db, now, &more, &err);
	changed += more;
	if (rc == 0)
		rc = offer_all(hall, db, now, &changed, &err);
	if (sql_commit(db, rc, &err) != 0)
		log_error("chat", &err);
	else if (changed > 0)
		chat_publish_queue(hall, db);
}

static void *tick(void *arg)
{
	struct hall *hall = arg;
	audit_as("chat");
	pthread_mutex_lock(&hall->sweep_lock);
	while (!hall->ending) {
		pthread_mutex_unlock(&hall->sweep_lock);
		if (sql_health() == SQL_GOOD)
			chat_assign(hall, hall->db[hall->db_count - 1], clock_now());
		struct timespec until;
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec++;
		pthread_mutex_lock(&hall->sweep_lock);
		while (!hall->ending && pthread_cond_timedwait(&hall->sweep_wake, &hall->sweep_lock, &until) == 0)
			;
	}
	pthread_mutex_unlock(&hall->sweep_lock);
	return NULL;
}

int chat_start(struct hall *hall, struct error *err)
{
	if (pthread_create(&hall->chat_clock, NULL, tick, hall) != 0)
		return error_set(err, ERR_NO_MEMORY, NULL, "chat");
	hall->chat_runs = true;
	return 0;
}

void chat_stop(struct hall *hall)
{
	if (!hall->chat_runs)
		return;
	pthread_mutex_lock(&hall->sweep_lock);
	hall->ending = true;
	pthread_cond_broadcast(&hall->sweep_wake);
	pthread_mutex_unlock(&hall->sweep_lock);
	pthread_join(hall->chat_clock, NULL);
	hall->chat_runs = false;
}
